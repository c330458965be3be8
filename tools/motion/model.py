# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network of the grid: grid -> dense, tanh -> LSTM -> dense, softmax."""

import numpy as np
import safetensors_file
import torch

from .export import LABELS, LAYERS
from .grid import COLUMNS, ROWS
from .render import GRID

INPUTS, PROJECTED, HIDDEN = ROWS * COLUMNS, 48, 96
MEAN, SCALE = LAYERS[0]["mean"], LAYERS[0]["scale"]


class Network(torch.nn.Module):
    """Compute logits (clips, frames, labels) of grids (clips, frames, INPUTS) in [0, 1]."""

    cells, rate, easy = GRID, 3e-3, .1

    def __init__(self):
        super().__init__()
        self.projection = torch.nn.Linear(INPUTS, PROJECTED)
        self.lstm = torch.nn.LSTM(PROJECTED, HIDDEN, batch_first=True)
        self.head = torch.nn.Linear(HIDDEN, len(LABELS))
        self.lstm.bias_hh_l0.requires_grad_(False)  # bias_ih_l0 is enough

    def forward(self, grids, state=None):
        """Return (logits, state). The argument is the state before the first frame, or None for zeros."""
        projected = torch.tanh(self.projection((grids - MEAN) * SCALE))
        hidden, state = self.lstm(projected, state)
        return self.head(hidden), state

    def initialise(self, seed):
        """Set the initial weights. The other weights keep PyTorch's initialization."""
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        with torch.no_grad():
            self.__init__()
            self.projection.weight.copy_(torch.from_numpy(gabor_pairs(rng)))
            self.projection.bias.zero_()
            torch.nn.init.orthogonal_(self.lstm.weight_hh_l0)
            self.lstm.bias_ih_l0.zero_()
            self.lstm.bias_hh_l0.zero_()
            forget = torch.linspace(-1, 2.5, HIDDEN)[torch.randperm(HIDDEN)]
            self.lstm.bias_ih_l0[HIDDEN:2 * HIDDEN] = forget


def gabor_pairs(rng):
    """Return windowed waves (PROJECTED, INPUTS) of norm 1, cosine and sine in turn.

    The waves alternate between x and y, at random places and frequencies. Their phases follow motion.
    """
    yy, xx = np.mgrid[0:ROWS, 0:COLUMNS]
    xx, yy = (xx + .5) / COLUMNS, (yy + .5) / COLUMNS
    waves = np.zeros((PROJECTED, ROWS, COLUMNS), np.float32)
    for k in range(0, PROJECTED - 1, 2):
        wide = rng.random() < .35
        sigma = .6 if wide else rng.uniform(.16, .3)
        x, y = xx - rng.uniform(.1, .9), yy - .75 * rng.uniform(.1, .9)
        frequency = rng.choice([.7, 1, 1.5, 2.2, 3.2]) * (1 if wide else 1.2)
        window = np.exp(-(x * x + y * y) / (2 * sigma * sigma))
        phase = 2 * np.pi * frequency * (x if k % 4 == 0 else y)
        for j, function in enumerate((np.cos, np.sin)):
            wave = window * function(phase)
            wave -= window * (wave.sum() / window.sum())
            waves[k + j] = wave / np.linalg.norm(wave)
    return waves.reshape(PROJECTED, INPUTS)


def tensors_of(network):
    """Return the weights by their names in the file, (name -> array)."""
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def load(path):
    """Return the network of a safetensors file, in evaluation mode."""
    tensors, _ = safetensors_file.read(path)
    network = Network()
    network.load_state_dict({name: torch.from_numpy(array.copy())
                             for name, array in tensors.items()})
    return network.eval()
