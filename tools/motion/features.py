# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network in two files: a convolutional network computes features of each frame, which an LSTM reads.

The initial weights are those of the grid's network: the first filter is a tent over four by four pixels
of a small frame, so its outputs are the grid. Projection, LSTM and head have the trained weights. Seven
more filters are added. Their features have zero weights in the projection.
"""

import numpy as np
import torch
from torch.nn.functional import pad

from . import model
from .export import LABELS
from .grid import COLUMNS, ROWS
from .render import Cells

HEIGHT, WIDTH = 2 * ROWS, 2 * COLUMNS  # of a frame
FILTERS, MAPS = 8, 8
COARSE = ROWS // 2 * (COLUMNS // 2)
LUMA = (.299, .587, .114)  # of R, G, B: BT.601


class Features(torch.nn.Module):
    """Compute features (frames, model.PROJECTED) of luma (frames, 1, HEIGHT, WIDTH) in [0, 1]."""

    def __init__(self):
        super().__init__()
        self.filters = torch.nn.Conv2d(1, FILTERS, 4, stride=2)
        self.maps = torch.nn.Conv2d(FILTERS, MAPS, 3, stride=2)
        self.projection = torch.nn.Linear(ROWS * COLUMNS + MAPS * COARSE, model.PROJECTED)

    def forward(self, luma):
        """Return the features."""
        filtered = self.filters(pad((luma - model.MEAN) * model.SCALE, (1, 1, 1, 1), "replicate"))
        maps = torch.relu(self.maps(pad(filtered, (1, 1, 1, 1), "replicate")))
        joined = torch.cat([filtered[:, 0].flatten(1), maps.flatten(1)], 1)
        return torch.tanh(self.projection(joined))


def tensors_of(network):
    """Return the weights of both files by name, (name -> array): features, and the rest."""
    features = {name: tensor.numpy() for name, tensor in network.features.state_dict().items()}
    rest = {name: tensor.numpy() for name, tensor in network.state_dict().items()
            if not name.startswith("features.")}
    return features, rest


def load(features, rest):
    """Return the network of the tensors of both files, in evaluation mode.

    lstm-convert writes no bias_hh_l0, which is zero.
    """
    network = Network()
    zeros = np.zeros_like(rest["lstm.bias_ih_l0"])
    tensors = {**{"features." + name: array for name, array in features.items()},
               "lstm.bias_hh_l0": zeros, **rest}
    network.load_state_dict({name: torch.from_numpy(array.copy())
                             for name, array in tensors.items()})
    return network.eval()


class Network(torch.nn.Module):
    """Compute logits (clips, frames, labels) of frames (clips, frames, HEIGHT * WIDTH) in [0, 1]."""

    cells, rate, easy = Cells(HEIGHT, WIDTH, 2), 5e-4, 0

    def __init__(self):
        super().__init__()
        self.features = Features()
        self.lstm = torch.nn.LSTM(model.PROJECTED, model.HIDDEN, batch_first=True)
        self.head = torch.nn.Linear(model.HIDDEN, len(LABELS))
        self.lstm.bias_hh_l0.requires_grad_(False)  # bias_ih_l0 is enough

    def forward(self, frames, state=None):
        """Return (logits, state). The argument is the state before the first frame, or None for zeros."""
        luma = torch.round(frames * 255) / 255  # frames have 8 bits
        features = self.features(luma.reshape(-1, 1, HEIGHT, WIDTH))
        hidden, state = self.lstm(features.view(*frames.shape[:2], -1), state)
        return self.head(hidden), state

    def initialise(self, grid, seed):
        """Set the initial weights from the network of the grid."""
        torch.manual_seed(seed)
        tent = torch.tensor([1., 3, 3, 1]) / 8
        with torch.no_grad():
            self.__init__()
            self.features.filters.weight[0, 0] = torch.outer(tent, tent)
            self.features.filters.bias.zero_()
            self.features.projection.weight.zero_()
            self.features.projection.weight[:, :ROWS * COLUMNS] = grid.projection.weight
            self.features.projection.bias.copy_(grid.projection.bias)
            self.lstm.load_state_dict(grid.lstm.state_dict())
            self.head.load_state_dict(grid.head.state_dict())
