# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training: each iteration draws new clips; each frame has a loss; the state passes between batches."""

import math

import numpy as np
import torch

from . import camera, effects
from .render import render

FRAMES, DRAWN, COPIES = 64, 48, 2  # frames per clip, rendered clips, disturbed copies per clip
CLIPS = DRAWN * COPIES
FLAT = .35  # share of the training with a constant learning rate


def batch(g, pictures, cells, level):
    """Return clips (CLIPS, FRAMES, inputs) with labels and the ages of their motions.

    A higher level in 0..1 gives slower motion, more objects and more cuts.
    """
    indices = torch.randint(0, len(pictures), (DRAWN,), generator=g)
    path = camera.wander(g, DRAWN, FRAMES, pictures.size, slowest=.015 - .011 * level)
    grids = render(pictures, indices, path.view(), cells).repeat(COPIES, 1, 1, 1)
    label = path.label.repeat(COPIES, 1)
    age = camera.age(path.label).repeat(COPIES, 1)
    view = [part.repeat(COPIES, 1) for part in path.view()]
    grids, label = effects.disturb(g, grids, label, view, level)
    grids, label, age = effects.cut(g, grids, label, age, .3 * level)
    return grids.flatten(2), label, age


def loss_of(logits, label, age):
    """Return the mean cross entropy of the frames. Frames just after a change of motion have less weight."""
    each = torch.nn.functional.cross_entropy(logits.flatten(0, 1), label.flatten(),
                                             reduction="none", label_smoothing=.02)
    weight = ((age.flatten() - 3.) / 12).clamp(0, 1)
    return (each * weight).sum() / weight.sum()


def carried(g, state):
    """Return the initial states of a batch: half are final states of the previous batch, half are zero."""
    if state is None:
        return None
    keep = (torch.rand(1, CLIPS, 1, generator=g) < .5).float()
    return tuple(part.detach() * keep for part in state)


def rate(progress):
    """Return the factor of the learning rate at a progress in 0..1: constant, then half a cosine."""
    down = max(0, progress - FLAT) / (1 - FLAT)
    return .5 * (1 + math.cos(math.pi * down))


def train(network, pictures, seed, iterations, report):
    """Train a network in place. It calls report(iteration, mean loss) every 500 iterations.

    The network has the attributes cells, the division of its frames, the learning rate, and easy, the
    share of the training in which the clips become harder.
    """
    g = torch.Generator().manual_seed(seed)
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=network.rate, betas=(.9, .99))
    state, losses = None, []
    for iteration in range(iterations):
        progress = iteration / iterations
        for group in optimiser.param_groups:
            group["lr"] = (network.rate * rate(progress) + 1e-5) * min(1, (iteration + 1) / 100)
        level = min(1, progress / network.easy) if network.easy else 1
        grids, label, age = batch(g, pictures, network.cells, level)
        logits, state = network(grids, carried(g, state))
        loss = loss_of(logits, label, age)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1)
        optimiser.step()
        losses.append(loss.item())
        if (iteration + 1) % 500 == 0 or iteration + 1 == iterations:
            report(iteration + 1, float(np.mean(losses)))
            losses = []
