# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disturbances of rendered grids (clips, frames, rows, columns): moving objects, mirror images,
lighting, noise, lossy coding, cuts."""

import math

import torch

OBJECTS = 8  # at most, in one clip


def uniform(g, *shape):
    """Return random numbers in 0..1."""
    return torch.rand(*shape, generator=g)


def tent_cover(centre, size, cells):
    """Return the share of each cell's tent that an interval covers: (..., cells) from centre, size (...)."""
    cell = torch.arange(cells) + .5

    def below(edge):
        u = (edge[..., None] * cells - cell).clamp(-1, 1)
        return .5 + u - .5 * u * u.abs()
    return below(centre + size / 2) - below(centre - size / 2)


def object_paths(g, clips, frames):
    """Return centres (clips, frames, OBJECTS, 2) and sizes (clips, 1, OBJECTS, 2) of objects.

    The numbers are fractions of the view's width and height. The objects are slow walkers, larger
    passers-by, and marks that do not move.
    """
    kind = uniform(g, clips, OBJECTS, 1)
    u = uniform(g, clips, OBJECTS, 2)
    small = torch.tensor([.015, .03]) + torch.tensor([.07, .22]) * u ** 1.5
    large = torch.tensor([.06, .08]) + torch.tensor([.3, .5]) * u ** 2
    size = torch.where(kind < .25, large, small)
    own = torch.randn(clips, OBJECTS, 2, generator=g) * torch.tensor([1, .5])
    shared = torch.randn(clips, 1, 2, generator=g) * torch.tensor([1, .5])
    together = uniform(g, clips, 1, 1) < .3
    velocity = torch.where(together, shared + .3 * own, own)
    velocity = velocity * torch.where(kind < .25, .015, torch.where(kind < .9, .008, 0.))
    crowd = uniform(g, clips, 1, 2) + .12 * torch.randn(clips, OBJECTS, 2, generator=g)
    start = torch.where(uniform(g, clips, 1, 1) < .3, crowd, uniform(g, clips, OBJECTS, 2))
    time = torch.arange(frames)[None, :, None, None] - frames / 2
    return start[:, None] + velocity[:, None] * time, size[:, None]


def in_scene(g, centre, size, view):
    """Keep the objects of most clips at their places in the scene while the view moves."""
    left, top, width, height = view
    clips = len(left)
    middle = left.shape[1] // 2
    origin = torch.stack([left, top], 2)
    extent = torch.stack([width, height], 2)
    start, first = origin[:, middle:middle + 1], extent[:, middle:middle + 1]
    moved = (centre * first[:, :, None] + (start - origin)[:, :, None]) / extent[:, :, None]
    scaled = size * (first / extent)[:, :, None]
    fixed = uniform(g, clips, 1, 1, 1) < .6
    return torch.where(fixed, moved, centre), torch.where(fixed, scaled, size)


def add_objects(g, grids, view):
    """Paint up to OBJECTS rectangles over every clip. A rectangle that leaves the view returns."""
    clips, frames, rows, columns = grids.shape
    centre, size = in_scene(g, *object_paths(g, clips, frames), view)
    centre = (centre + .15) % 1.3 - .15
    shown = (uniform(g, clips, OBJECTS) < uniform(g, clips, 1)).float()
    across = tent_cover(centre[..., 0], size[..., 0].expand(clips, frames, OBJECTS), columns)
    down = tent_cover(centre[..., 1], size[..., 1].expand(clips, frames, OBJECTS), rows)
    down = down * shown[:, None, :, None]
    tone = .7 * uniform(g, clips, 1, OBJECTS, 1) + .3 * uniform(g, clips, 1, 1, 1)
    slope = .5 * torch.randn(clips, 1, OBJECTS, 1, generator=g)
    place = (torch.arange(rows) + .5) / rows - centre[..., 1, None]
    shaded = down * (tone + slope * place)
    cover = torch.matmul(down.transpose(2, 3), across)
    light = torch.matmul(shaded.transpose(2, 3), across)
    opaque = cover.clamp(max=1)
    return grids * (1 - opaque) + light * (opaque / cover.clamp(min=1e-6))


def mirror(g, grids, label):
    """Mirror half of the clips left to right and half upside down, with their labels (clips, frames)."""
    clips = len(grids)
    swap = uniform(g, clips) < .5
    grids = torch.where(swap[:, None, None, None], grids.flip(3), grids)
    label = torch.where(swap[:, None] & ((label == 1) | (label == 2)), 3 - label, label)
    swap = uniform(g, clips) < .5
    grids = torch.where(swap[:, None, None, None], grids.flip(2), grids)
    return grids, torch.where(swap[:, None] & ((label == 3) | (label == 4)), 7 - label, label)


def light(g, grids, level):
    """Change contrast and brightness, invert some clips, and add flicker and slow changes to half of them."""
    clips, frames = grids.shape[:2]
    gain = .35 * torch.exp(uniform(g, clips, 1, 1, 1) * math.log(4))
    gain = torch.where(uniform(g, clips, 1, 1, 1) < .15, -gain, gain)
    shift = .5 + .3 * (uniform(g, clips, 1, 1, 1) - .5)

    def strength(most):
        return most * level * uniform(g, clips, 1) * (uniform(g, clips, 1) < .5)
    phase = torch.arange(frames) / (20 + 100 * uniform(g, clips, 1)) + uniform(g, clips, 1)
    change = strength(.015) * torch.randn(clips, frames, generator=g)
    change = change + strength(.06) * torch.sin(2 * math.pi * phase)
    change = change[..., None, None]
    return ((grids - .5) * gain + shift) * (1 + change) + .5 * change


def coded(g, grids):
    """Imitate lossy coding: a cell keeps its value until the value has changed by a threshold."""
    clips, frames = grids.shape[:2]
    threshold = 2.5 / 255 * uniform(g, clips, 1, 1)
    kept, out = grids[:, 0], [grids[:, 0]]
    for t in range(1, frames):
        kept = torch.where((grids[:, t] - kept).abs() > threshold, grids[:, t], kept)
        out.append(kept)
    return torch.stack(out, 1)


def cut(g, grids, label, age, share):
    """Cut a share of the clips to the beginning of another clip at a random frame."""
    clips, frames = label.shape
    at = torch.randint(8, frames - 12, (clips, 1), generator=g)
    at[uniform(g, clips, 1) >= share] = frames
    time = torch.arange(frames)[None]
    before, source = time < at, (time - at) % frames
    other = torch.roll(torch.arange(clips), 1)
    later = grids[other[:, None], source]
    grids = torch.where(before[..., None, None], grids, later)
    label = torch.where(before, label, label[other[:, None], source])
    return grids, label, torch.where(before, age, age[other[:, None], source])


def disturb(g, grids, label, view, level):
    """Apply all effects at a level in 0..1 and return (grids, label).

    Half of the clips get objects, a quarter coding, and half the other effects. The result is rounded to
    8 bits."""
    half, quarter = len(grids) // 2, len(grids) // 4
    painted = add_objects(g, grids[:half], [v[:half] for v in view])
    keep = (uniform(g, half, 1, 1, 1) < level).float()
    grids = torch.cat([painted * keep + grids[:half] * (1 - keep), grids[half:]])
    grids, label = mirror(g, grids, label)
    grids = light(g, grids, level)
    amount = .012 * level * uniform(g, len(grids), 1, 1, 1) ** 2
    grids = grids + amount * torch.randn(grids.shape, generator=g)
    middle = slice(half - quarter // 2, half - quarter // 2 + quarter)
    grids[middle] = coded(g, grids[middle])
    return torch.round(grids.clamp(0, 1) * 255) / 255, label
