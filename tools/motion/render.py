# SPDX-License-Identifier: LGPL-2.1-or-later
"""Grids of many rectangular views into pictures, computed from integral images.

A view is divided into boxes, several per cell in each direction. The exact average of a box is a second
difference of the integral image, sampled bilinearly. Two small matrices then weight the boxes as the
tent of grid.py weights pixels.
"""

import numpy as np
import torch
from torch.nn.functional import grid_sample

from .grid import COLUMNS, ROWS


def box_weights(cells, split):
    """Return the weights (cells, cells * split) of boxes that form a tent, with replicated edge boxes.

    The weight of a box is the mean of the tent at a few points of the box. The tent is narrower, so that
    its variance plus the variance of a box is that of the exact tent, 1/6 of a cell.
    """
    offsets = (np.arange(-2 * split, 2 * split) + .5) / split + (split % 2) * .5 / split
    tent = np.maximum(1 - np.abs(offsets), 0)
    near = np.abs(offsets) < 1
    basis = np.stack([tent, tent * offsets ** 2])
    moments = np.array([[b.sum(), (b * offsets ** 2).sum()] for b in basis]).T
    wanted = np.array([1, 1 / 6 - 1 / 12 / split ** 2])
    kernel = np.linalg.solve(moments, wanted) @ basis
    weights = np.zeros((cells, cells * split))
    for cell in range(cells):
        places = np.floor(cell * split + split / 2 + offsets[near] * split).astype(int)
        np.add.at(weights[cell], places.clip(0, cells * split - 1), kernel[near])
    return torch.from_numpy(weights.astype(np.float32))


class Cells:
    """Division of a view into rows and columns of cells, with split * split boxes each."""

    def __init__(self, rows, columns, split):
        self.rows, self.columns, self.split = rows, columns, split
        self.down, self.across = box_weights(rows, split), box_weights(columns, split)


GRID = Cells(ROWS, COLUMNS, 3)


class Pictures:
    """Integral images (count, 1, height + 1, width + 1) of pictures minus their means (count)."""

    def __init__(self, pictures):
        """Compute the integral images of pictures (count, height, width) uint8."""
        count, height, width = np.shape(pictures)
        self.sums = torch.zeros(count, 1, height + 1, width + 1)
        self.means = torch.zeros(count)
        for k in range(count):
            image = np.asarray(pictures[k], np.float64) / 255
            self.means[k] = image.mean()
            total = (image - image.mean()).cumsum(0).cumsum(1)
            self.sums[k, 0, 1:, 1:] = torch.from_numpy(total.astype(np.float32))

    def __len__(self):
        return len(self.means)

    @property
    def size(self):
        """Return height and width of the pictures."""
        return self.sums.shape[2] - 1, self.sums.shape[3] - 1


def edges(start, extent, boxes, pixels):
    """Return box edges (views, boxes + 1) along an axis, in the coordinates of grid_sample."""
    fractions = torch.arange(boxes + 1) / boxes
    return (start[:, None] + extent[:, None] * fractions) * (2 / pixels) - 1


def render_one(cells, sums, left, top, width, height):
    """Return grids (views, rows, columns) of views of one integral image, minus the mean of the picture."""
    _, rows, columns = sums.shape
    boxes = cells.rows * cells.split, cells.columns * cells.split
    points = torch.empty(len(left), boxes[0] + 1, boxes[1] + 1, 2)
    points[..., 0] = edges(left, width, boxes[1], columns - 1)[:, None, :]
    points[..., 1] = edges(top, height, boxes[0], rows - 1)[:, :, None]
    found = grid_sample(sums[None], points.view(1, -1, boxes[1] + 1, 2),
                        padding_mode="border", align_corners=True)
    found = found.view(points.shape[:3])
    down = torch.matmul(cells.down, found[:, 1:] - found[:, :-1])
    across = torch.matmul(down[..., 1:] - down[..., :-1], cells.across.T)
    return across / (width * height / (boxes[0] * boxes[1]))[:, None, None]


def render(pictures, indices, view, cells=GRID):
    """Return grids (clips, frames, rows, columns) of cells in [0, 1], not rounded.

    indices: index of the picture of each clip; view: left, top, width, height, (clips, frames) each.
    """
    clips = [render_one(cells, pictures.sums[index], *rectangles) + pictures.means[index]
             for index, *rectangles in zip(indices, *view)]
    return torch.stack(clips)
