# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filled shapes, painted into a (SIZE, SIZE) float image within their bounding boxes."""

import numpy as np

SIZE = 512


def window(x, y, radius):
    """Return slices of the square around (x, y), and its coordinates relative to (x, y)."""
    top, left = max(0, int(y - radius)), max(0, int(x - radius))
    bottom, right = min(SIZE, int(y + radius) + 2), min(SIZE, int(x + radius) + 2)
    area = slice(top, max(top, bottom)), slice(left, max(left, right))
    dy = np.arange(area[0].start, area[0].stop)[:, None] - y
    dx = np.arange(area[1].start, area[1].stop)[None] - x
    return area, dx, dy


def polygon_mask(points, dx, dy):
    """Return a mask of the coordinates inside the (n, 2) polygon, by the even-odd rule."""
    mask = np.zeros(np.broadcast_shapes(dx.shape, dy.shape), bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, 1, axis=0)):
        if y0 != y1:
            crosses = (dy < y0) != (dy < y1)
            mask ^= crosses & (dx < x0 + (dy - y0) * (x1 - x0) / (y1 - y0))
    return mask


def turned(dx, dy, angle):
    """Return the coordinates rotated by an angle in radians."""
    c, s = np.cos(angle), np.sin(angle)
    return dx * c + dy * s, dy * c - dx * s


def mask_of(kind, size, ratio, angle, points, dx, dy):
    """Return a mask of the coordinates inside a shape centred at 0. size is the longer diameter."""
    if kind == "polygon":
        return polygon_mask(points * size, dx, dy)
    u, v = turned(dx, dy, angle)
    if kind == "ellipse":
        return u * u + (v / ratio) ** 2 < size * size / 4
    return (np.abs(u) < size / 2) & (np.abs(v) < size * ratio / 2)


def drawn_shape(rng, kind, size):
    """Return the parameters (kind, ratio, angle, points) of a random shape."""
    ratio, angle = rng.uniform(.15, 1), rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    points = rng.normal(0, .4, (rng.integers(3, 8), 2))
    if kind == "line":
        ratio, angle = rng.uniform(1, 8) / size, rng.uniform(0, np.pi)
    return kind, ratio, angle, points


def reach(shape, size):
    """Return the distance that a shape of this size extends from its centre."""
    kind, _, _, points = shape
    return size * np.abs(points).max() * 1.5 if kind == "polygon" else size * .72


def paint(rng, image, size, tone, kind=None, margin=0):
    """Paint one shape at a random place, flat or shaded. The kind is random unless kind is set."""
    x, y = rng.uniform(-margin, SIZE + margin, 2)
    shaded = kind is None and rng.random() < .2
    kind = kind or str(rng.choice(["ellipse", "box", "polygon", "line"]))
    shape = drawn_shape(rng, kind, size)
    area, dx, dy = window(x, y, reach(shape, size))
    mask = mask_of(kind, size, *shape[1:], dx, dy)
    if shaded:
        axis = dx if rng.random() < .5 else dy
        tone = np.broadcast_to(tone + rng.uniform(-.5, .5) * axis / size, mask.shape)[mask]
    image[area][mask] = tone


def outlined(rng, image, size, kind, ink, inside):
    """Paint one shape with an outline one to seven pixels wide."""
    x, y = rng.uniform(0, SIZE, 2)
    shape = drawn_shape(rng, kind, size)
    area, dx, dy = window(x, y, reach(shape, size))
    image[area][mask_of(kind, size, *shape[1:], dx, dy)] = ink
    inner = max(1, size - 2 * rng.uniform(1, 7))
    image[area][mask_of(kind, inner, *shape[1:], dx, dy)] = inside


def text(rng, image, ink):
    """Paint lines of small marks, like a distant paragraph."""
    height = int(rng.integers(5, 28))
    x0, y0 = rng.integers(0, SIZE - 100, 2)
    width = int(rng.integers(80, SIZE))
    for y in range(y0, min(SIZE, y0 + height * int(rng.integers(1, 12))), int(height * 1.7)):
        x = x0
        while x < min(SIZE, x0 + width):
            mark = int(rng.integers(1, max(2, height)))
            rise = int(rng.integers(height // 2, height + 1))
            image[y + height - rise:y + height, x:x + mark] = ink
            x += mark + int(rng.integers(1, height))
