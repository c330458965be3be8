# SPDX-License-Identifier: LGPL-2.1-or-later
"""Paths of a virtual camera over a picture: rectangles of view and classes of motion.

A class is an index of export.LABELS. The speed of a pan or tilt is in view widths per frame. The
speed of a zoom is the relative change of the view width per frame.
"""

import dataclasses
import math

import torch

LEFT, RIGHT, UP, DOWN, IN, OUT = range(1, 7)
CLASSES = 7


@dataclasses.dataclass
class Path:
    """Views and motions. Each member is (clips, frames), except aspect (clips, 1)."""

    x: torch.Tensor  # the view's centre in pixels
    y: torch.Tensor
    width: torch.Tensor  # the view's width in pixels
    aspect: torch.Tensor  # height over width
    label: torch.Tensor

    def view(self):
        """Return left, top, width and height of the views, each (clips, frames)."""
        height = self.width * self.aspect
        return self.x - self.width / 2, self.y - height / 2, self.width, height


def log_uniform(g, low, high):
    """Return numbers between low and high with uniform logarithms, in the shape of high."""
    low = torch.as_tensor(low, dtype=torch.float32)
    return low * torch.exp(torch.rand(high.shape, generator=g) * torch.log(high / low))


def age(label):
    """Return the number of frames since the label (clips, frames) changed."""
    frames = torch.arange(label.shape[1]).expand(label.shape)
    changed = torch.zeros_like(label)
    changed[:, 1:] = (label[:, 1:] != label[:, :-1]) * frames[:, 1:]
    return frames - changed.cummax(1).values


def fold(position, low, high):
    """Reflect positions into low..high. Also return a mask of the reversed directions."""
    extent = high - low
    laps = torch.floor((position - low) / extent)
    rest = position - low - laps * extent
    odd = laps % 2 == 1
    return low + torch.where(odd, extent - rest, rest), odd


def sections(g, clips, frames, share):
    """Return the index of the section of each frame (clips, frames). The motion of a section is steady.

    share: the share of clips with several sections.
    """
    chance = (torch.rand(clips, 1, generator=g) < share) / 28
    return (torch.rand(clips, frames, generator=g) < chance).long().cumsum(1)


def velocities(g, section, room, slowest, still):
    """Return class and velocities x, y, zoom of each frame, all (clips, frames), from sections.

    room: (clips, 3), the range of x, y and zoom that the fastest motion may cross in 20 frames.
    still: the share of still sections. A real camera also drifts a little in the other directions.
    """
    clips, frames = section.shape
    label = torch.randint(1, CLASSES, (clips, frames), generator=g)
    label[torch.rand(clips, frames, generator=g) < still] = 0
    fastest = torch.minimum(torch.tensor([.06, .06, .045]), room / 20)
    low = torch.tensor([1, 1, 1.5]) * slowest
    fastest = torch.maximum(fastest, low * 1.01)[:, None].expand(clips, frames, 3)
    speed = log_uniform(g, low, fastest)
    axis = torch.div(label - 1, 2, rounding_mode="floor")
    moving = torch.nn.functional.one_hot(axis + 1, 4)[..., 1:]
    sign = torch.where((label == LEFT) | (label == UP) | (label == IN), -1., 1.)
    drift = torch.tensor([[.0002, .0002, .0002], [.0003, .0003, .0006], [.0003, .0003, .0006],
                          [.0008, .0008, .0]])[axis + 1]
    normal = torch.randn(clips, frames, 3, generator=g)
    cross = .1 * (moving * speed).sum(2, keepdim=True) * torch.tensor([1, 1, 0.])
    cross = cross * (axis < 2)[..., None]
    velocity = torch.where(moving == 1, sign[..., None] * speed, normal * (drift + cross))
    steady = section[..., None].expand(clips, frames, 3)
    return label.gather(1, section), velocity.gather(1, steady)


def unsteady(g, velocity):
    """Vary the speed (clips, frames, 3) of half of the clips from frame to frame."""
    clips, frames, _ = velocity.shape
    uneven = .15 * (torch.rand(clips, 1, 1, generator=g) < .5)
    return velocity * (1 + uneven * torch.randn(clips, frames, 1, generator=g))


def shake(g, clips, frames):
    """Return small displacements (clips, frames, 2) for half of the views, in view widths."""
    def amplitude(most):
        return most * torch.rand(clips, 1, 1, generator=g) * (
            torch.rand(clips, 1, 1, generator=g) < .5)
    period = 16 + 48 * torch.rand(clips, 1, 2, generator=g)
    phase = torch.arange(frames)[None, :, None] / period + torch.rand(clips, 1, 2, generator=g)
    jitter = amplitude(.0015) * torch.randn(clips, frames, 2, generator=g)
    return jitter + amplitude(.0015) * torch.sin(2 * math.pi * phase)


def wander(g, clips, frames, size, slowest=.004, switching=.55, still=.2):
    """Return paths for training that start anywhere and turn back at the edges of the picture.

    The poses have the same distribution at any time, so no single frame reveals the motion. size: height
    and width of the pictures; switching: share of clips whose motion changes at random.
    """
    def uniform(*shape):
        return torch.rand(*shape, generator=g)
    aspect = .55 + .25 * uniform(clips, 1)
    scale = size[1] / 512
    high = math.log(90 * scale) + math.log(4.4) * uniform(clips, 1)
    low = torch.clamp(high - .7 - 1.1 * uniform(clips, 1), min=math.log(48 * scale))
    spare = 1.02 * torch.exp(high)
    room = torch.cat([size[1] / spare - 1, size[0] / spare - aspect, high - low], 1)
    section = sections(g, clips, frames, switching)
    label, velocity = velocities(g, section, room, slowest, still)
    velocity = unsteady(g, velocity)
    log_width, odd_z = fold(low + (high - low) * uniform(clips, 1) + velocity[..., 2].cumsum(1),
                            low, high)
    width = torch.exp(log_width)
    shaken = shake(g, clips, frames)
    about = .3 * (uniform(clips, 2) - .5)
    grown = torch.zeros_like(width)
    grown[:, 1:] = width[:, 1:] - width[:, :-1]
    centre, odd = [], []
    for axis, extent in ((0, spare / 2), (1, spare / 2 * aspect)):
        size_of_axis = size[1 - axis]
        travel = velocity[..., axis] * width - grown * about[:, axis:axis + 1]
        start = extent + (size_of_axis - 2 * extent) * uniform(clips, 1)
        place, reversed_ = fold(start + travel.cumsum(1), extent, size_of_axis - extent)
        centre.append(place + shaken[..., axis] * width)
        odd.append(reversed_)
    turned = torch.stack([odd[0], odd[0], odd[1], odd[1], odd_z, odd_z], 2)
    turned = torch.cat([torch.zeros_like(turned[..., :1]), turned], 2)
    turned = turned.gather(2, label[..., None])[..., 0]
    label = torch.where(turned, ((label - 1) ^ 1) + 1, label)
    return Path(*centre, width, aspect, label)


def straight(g, label, frames, size, speed, zoom):
    """Return paths for tests: one steady motion of class label (clips), drawn to fit the pictures.

    speed and zoom are (low, high). The view width at the last frame is between 1/8 and 1/2 of the
    picture's, with the same distribution for every class, so the last frame does not reveal the class.
    """
    clips = len(label)
    pans = log_uniform(g, speed[0], torch.full((clips,), speed[1]))
    zooms = log_uniform(g, zoom[0], torch.full((clips,), zoom[1]))
    back = torch.arange(frames)[None] - (frames - 1.)
    widest = torch.maximum(1 + pans * (frames - 1), torch.exp(zooms * (frames - 1)))
    last = torch.minimum(min(size[1], size[0] / .8) / widest, torch.tensor(size[1] / 2))
    last = log_uniform(g, torch.minimum(torch.tensor(size[1] / 8), last * .99), last)

    def signed(minus, plus, amount):
        return (((label == plus).float() - (label == minus).float()) * amount)[:, None]
    width = last[:, None] * torch.exp(signed(IN, OUT, zooms) * back)
    aspect = torch.full((clips, 1), .75)
    centre = []
    for axis, minus, plus in ((0, LEFT, RIGHT), (1, UP, DOWN)):
        travel = signed(minus, plus, pans) * last[:, None] * back
        half = width / 2 * (1 if axis == 0 else .75)
        low = (half - travel).amax(1, keepdim=True)
        high = (size[1 - axis] - half - travel).amin(1, keepdim=True)
        centre.append(travel + low + (high - low) * torch.rand(clips, 1, generator=g))
    return Path(*centre, width, aspect, label[:, None].expand(clips, frames))
