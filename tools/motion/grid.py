# SPDX-License-Identifier: LGPL-2.1-or-later
"""Luma grid of a frame, as the element lstmfeatures computes it: ROWS x COLUMNS averages.

Each cell weights the pixels by a tent around its centre that reaches one cell to each side. A pixel
outside the frame has the value of the nearest pixel inside.
"""

import functools

import numpy as np

ROWS, COLUMNS = 12, 16


@functools.lru_cache(maxsize=64)
def tents(pixels, cells):
    """Return the weights (cells, pixels) that resample a line of pixels to cells."""
    reach = max(pixels / cells, 1)
    weights = np.zeros((cells, pixels))
    for cell in range(cells):
        centre = (cell + .5) * pixels / cells - .5
        places = np.arange(np.ceil(centre - reach), np.floor(centre + reach) + 1)
        tent = 1 - np.abs(places - centre) / reach
        np.add.at(weights[cell], places.clip(0, pixels - 1).astype(int), tent / tent.sum())
    return weights


def resample(image, height, width):
    """Resample an image (rows, columns) to (height, width) floats."""
    return tents(image.shape[0], height) @ image @ tents(image.shape[1], width).T


def grid(frame, rows=ROWS, columns=COLUMNS):
    """Return the grid (rows, columns) in [0, 1] of a frame (height, width) uint8."""
    return resample(frame, rows, columns) / 255


def grids(frames, rows=ROWS, columns=COLUMNS):
    """Return the grids (n, rows * columns) float32 of an iterable of n frames, in row-major order."""
    return np.array([grid(frame, rows, columns).ravel() for frame in frames], np.float32)
