# SPDX-License-Identifier: LGPL-2.1-or-later
"""Video models that lstm-convert --split refuses, because they cannot be cut or an option is missing."""
import torch
from torch import nn

from video_cases import UNITS, Video, make_cnn
from video_networks import carried, colours_first, fold, last

F = nn.functional


class Changed(Video):
    """A video network with further modules."""

    def __init__(self, body, parts, **options):
        super().__init__(body, **options)
        self.parts = nn.ModuleDict({k: v() for k, v in parts.items()})
        self.positions = nn.Parameter(torch.zeros(4, 16))


def run_rest(self, features, state=None):
    return self.head(self.rnn(features, state)[0][:, -1])


def on_clip(change):
    """Returns a body that changes the clip (b, t, …)."""
    return lambda self, x: last(self, change(x))


def on_features(change):
    """Returns a body that changes the features (b, t, d)."""
    return lambda self, x: run_rest(self, change(self, fold(self, x)))


def convolution_3d(self, x):
    return colours_first(self, F.relu(self.parts["conv"](x)))


def first_state(self, x):
    f = fold(self, x)
    h = torch.tanh(self.parts["state"](f[:, 0]))[None]
    return run_rest(self, f, (h, torch.zeros_like(h)))


def bypass(self, x):
    f = fold(self, x)
    return self.head(self.rnn(f)[0][:, -1] + self.parts["state"](f[:, -1]))


def columns(self, x):
    """Reads text: the steps are the columns of one picture."""
    f = self.cnn[0](x)
    return self.head(self.rnn(f.permute(0, 3, 1, 2).flatten(2))[0])


def pooled(self, x):
    return self.parts["state"](fold(self, x).mean(1))


def gates(self, x):
    """Runs a recurrence of Linear layers."""
    f = fold(self, x)
    h = torch.zeros(1, UNITS)
    for k in range(f.shape[1]):
        h = torch.tanh(self.parts["state"](f[:, k]) + h)
    return self.head(h)


def other_branch(self, x):
    f = [self.encode(x[:, k]) for k in range(x.shape[1])]
    f[2] = torch.sigmoid(f[2])
    return run_rest(self, torch.stack(f, 1))


def other_order(self, x):
    return run_rest(self, torch.stack([self.encode(x[:, k]) for k in (0, 2, 1, 3)], 1))


def missing_frame(self, x):
    return run_rest(self, torch.stack([self.encode(x[:, k]) for k in (0, 1, 3)], 1))


def pairs(self, x):
    return run_rest(self, torch.stack([self.encode(x[:, k] - x[:, k - 1]) for k in range(4)], 1))


def own_layers(self, x):
    """Runs another linear layer for each frame."""
    return run_rest(self, torch.stack([self.parts[str(k)](self.encode(x[:, k])) for k in range(4)], 1))


def own_slope(self, x):
    return run_rest(self, torch.stack([F.leaky_relu(self.encode(x[:, k]), .1 + k // 3) for k in range(4)], 1))


def odd_state(self, x):
    """Passes the state of the first step also to the third step."""
    states, y = [None], 0
    for k in range(4):
        out, state = self.rnn(self.encode(x[:, k])[:, None], states[k if k != 2 else 1])
        states.append(state)
        y = y + out
    return self.head(y[:, -1])


def swapped_state(self, x):
    """Passes c as h, and h as c."""
    state = None
    for k in range(4):
        y, state = self.rnn(self.encode(x[:, k])[:, None], state and state[::-1])
    return self.head(y[:, -1])


def two_cells(self, x):
    """Runs two LSTMs with different weights in turn."""
    state = None
    for k in range(4):
        y, state = (self.parts["other"] if k % 2 else self.rnn)(self.encode(x[:, k])[:, None], state)
    return self.head(y[:, -1])


def changed_state(self, x):
    """Halves the cell state between two steps."""
    state = None
    for k in range(4):
        y, (h, c) = self.rnn(self.encode(x[:, k])[:, None], state)
        state = h, c / 2
    return self.head(y[:, -1])


def reset_state(self, x):
    """Runs the recurrent layer over each frame from the initial state."""
    return self.head(sum(self.rnn(self.encode(x[:, k])[:, None])[0] for k in range(4))[:, -1])


def carried_between(self, x):
    """Runs two recurrent layers in a loop, with an activation between."""
    first = second = None
    for k in range(4):
        y, first = self.rnn(self.encode(x[:, k])[:, None], first)
        y, second = self.parts["second"](F.relu(y), second)
    return self.head(y[:, -1])


def cells(self, x):
    h = c = torch.zeros(1, UNITS)
    for k in range(4):
        h, c = self.parts["cell"](self.encode(x[:, k]), (h, c))
    return self.head(h)


def own_batch(self, x):
    """Passes (b, t, d) to an LSTM that expects (t, b, d)."""
    return self.head(self.rnn(fold(self, x))[0][:, -1])


def shift_channel(x):
    """Takes one colour from the next frame."""
    return torch.cat((F.pad(x[:, 1:, :1], (0,) * 7 + (1,)), x[:, :, 1:]), 2)


def pixel_indices(x):
    """Replaces a picture by the positions of the largest pixels, which count over the complete batch."""
    y, indices = F.max_pool2d(x.flatten(0, 1), 3, 1, 1, return_indices=True)
    return (y + indices / 64).view(x.shape)


def normalized():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())


def frames_as_channels(self, x):
    return run_rest(self, self.encode(x)[:, None].expand(-1, 4, -1))


conv = lambda *size, **k: lambda: nn.Conv3d(3, 3, size, padding=[n // 2 for n in size], **k)  # noqa: E731
linear = lambda: nn.Linear(16, UNITS)  # noqa: E731
NO = {}
MEET = "input 0: expected frames that do not meet each other, found a node that "
# name: (network, arguments of write_case, a part of the error message)
REFUSED = {
    "conv3d": (lambda: Changed(convolution_3d, {"conv": conv(3, 3, 3)}), dict(layout="bcthw"),
               f"(Conv): {MEET}slides along time, axis 2 of [1, 3, T=4, 8, 8]"),
    "conv1d": (lambda: Changed(on_features(lambda s, f: s.parts["conv"](f.transpose(1, 2)).transpose(1, 2)),
                               {"conv": lambda: nn.Conv1d(16, 16, 3, padding=1)}), NO,
               f"(Conv): {MEET}slides along time, axis 2 of [1, 16, T=4]"),
    "pool1d": (lambda: Video(on_features(lambda s, f: F.max_pool1d(f.transpose(1, 2), 2).transpose(1, 2))), NO,
               f"(MaxPool): {MEET}slides along time, axis 2 of [1, 16, T=4]"),
    "indices": (lambda: Video(on_clip(pixel_indices)), NO, "(MaxPool): output 1: expected an output that no node reads"),
    "difference": (lambda: Video(on_clip(lambda x: x[:, 1:] - x[:, :-1])), NO,
                   f"(Slice): {MEET}selects parts of time, axis 1 of"),
    "shift": (lambda: Video(on_clip(lambda x: torch.roll(x, 1, 1))), NO,
              f"(Slice): {MEET}selects parts of time, axis 1 of"),
    "shift-channels": (lambda: Video(on_clip(shift_channel)), NO, f"(Slice): {MEET}selects parts of time, axis 1 of"),
    "mean-of-clip": (lambda: Video(on_clip(lambda x: x - x.mean(1, keepdim=True))), NO,
                     f"(ReduceMean): {MEET}reduces time, axis 1 of"),
    "max-of-clip": (lambda: Video(on_clip(lambda x: x / x.amax((1, 2, 3, 4), keepdim=True))), NO,
                    f"(ReduceMax): {MEET}reduces time, axis 1 of"),
    "training": (lambda: Video(last, normalized, features=144),
                 dict(training=torch.onnx.TrainingMode.TRAINING),
                 "(BatchNormalization): training_mode: expected statistics of the file"),
    "positions": (lambda: Changed(on_features(lambda s, f: f + s.positions), NO), NO,
                  'expected equal rows for all frames in the constant "positions", found a row 1'),
    "weighted": (lambda: Video(on_clip(lambda x: x * torch.arange(1., 5).view(1, 4, 1, 1, 1))), NO,
                 "(Mul): input 1: expected equal rows for all frames in the constant"),
    "first-state": (lambda: Changed(first_state, {"state": linear}), NO,
                    "(LSTM): input 5: expected a tensor that does not depend on frames"),
    "bypass": (lambda: Changed(bypass, {"state": linear}), NO, "(LSTM) alone, found features that bypass it"),
    "reversed": (lambda: Video(on_clip(lambda x: x.flip(1))), NO, f"(Slice): {MEET}reverses time, axis 1 of"),
    "every-second": (lambda: Video(on_clip(lambda x: x[:, ::2])), NO,
                     f"(Slice): {MEET}selects parts of time, axis 1 of"),
    "columns": (lambda: Video(columns, features=16), dict(layout="tchw", steps=1, more=0),
                f"(Conv): {MEET}slides along time, axis 2 of"),
    "pooled": (lambda: Changed(pooled, {"state": linear}), NO, 'found none among 10 nodes; frames meet in node "/Reduce'),
    "gates": (lambda: Changed(gates, {"state": linear}), NO, 'found none among 30 nodes; frames meet in node "/Add_1"'),
    "softmax": (lambda: Video(on_features(lambda s, f: f * F.softmax(f.mean(2, keepdim=True), 1))), NO,
                f"(Softmax): {MEET}normalizes along time, axis 1 of [1, T=4, 1]"),
    "layer-norm": (lambda: Changed(on_features(lambda s, f: s.parts["norm"](f)),
                                   {"norm": lambda: nn.LayerNorm((4, 16))}), dict(opset=17),
                   f"(LayerNormalization): {MEET}normalizes along time, axis 1 of [1, T=4, 16]"),
    "cumulative": (lambda: Video(on_features(lambda s, f: f.cumsum(1))), NO,
                   f"(CumSum): {MEET}sums along time, axis 1 of"),
    "attention": (lambda: Video(on_features(lambda s, f: torch.softmax(f @ f.transpose(1, 2), 2) @ f)), NO,
                  f"(MatMul): {MEET}sums over time, axis 1 of"),
    "mixed-reshape": (lambda: Video(on_features(lambda s, f: f.reshape(-1, 16, 4).transpose(1, 2))), NO,
                      "(LSTM): input 0: expected a step for each frame, [time, batch, features], found [4, 1, T=4·4]"),
    "frames-as-channels": (lambda: Video(frames_as_channels, lambda: make_cnn(12)),
                           dict(layout="bchw", arguments="--steps 4"),
                           f"(Conv): {MEET}slides along time, axis 1 of [1, T=4·3, 8, 8]"),
    "own-batch": (lambda: Video(own_batch, batch_first=False), NO,
                  "(LSTM): input 0: expected a step for each frame, [time, batch, features], found [1, T=4, 16]"),
    "other-branch": (lambda: Video(other_branch), NO, "(Sigmoid) for frame 2 and node"),
    "other-order": (lambda: Video(other_order), NO, "(Concat): input 0: expected all frames in the order of time"),
    "missing-frame": (lambda: Video(missing_frame), NO, "(Concat): input 0: expected all frames in the order of time"),
    "pairs": (lambda: Video(pairs), NO,
              "(Sub): inputs: expected tensors of the same frames, found frame 1 and frame 0"),
    "odd-state": (lambda: Video(odd_state), NO,
                  "(LSTM): initial_h: expected the state that node"),
    "own-layers": (lambda: Changed(own_layers, {str(k): lambda: nn.Linear(16, 16) for k in range(4)}), NO,
                   "inputs: expected the same operators and constants for each frame, found tensor"),
    "own-slope": (lambda: Video(own_slope), NO, "(LeakyRelu) for frame 3 and node"),
    "swapped-state": (lambda: Video(swapped_state), NO, "(LSTM): initial_h: expected the state that node"),
    "two-cells": (lambda: Changed(two_cells, {"other": lambda: nn.LSTM(16, UNITS, batch_first=True)}), NO,
                  "(LSTM): expected the attributes, the weights and the features of node"),
    "changed-state": (lambda: Video(changed_state), NO, "(LSTM): initial_c: expected the state that node"),
    "reset-state": (lambda: Video(reset_state), NO, "(LSTM): initial_h: expected the state that node"),
    "carried-both": (lambda: Video(carried, bidirectional=True), NO,
                     "(LSTM): direction: expected forward in a loop over the steps, found bidirectional"),
    "carried-between": (lambda: Changed(carried_between, {"second": lambda: nn.LSTM(UNITS, UNITS, batch_first=True)}),
                        NO, "input 0: expected h of a recurrent node of the same step, found a result of node"),
    "cells": (lambda: Changed(cells, {"cell": lambda: nn.LSTMCell(16, UNITS)}), NO,
              'found none among 83 nodes; frames meet in node "/cell_1/Add" (Add)'),
    "no-steps": (lambda: Video(last), dict(free=(0, 1)),
                 "axis 1 of the input: expected the number of steps of a window, found a free size: state --steps T"),
    "no-size": (lambda: Video(last), dict(free=(0, 3, 4)),
                "axis 3 of the input: expected a size, found a free size: state --size H,W"),
    "other-steps": (lambda: Video(last), dict(arguments="--steps 5"),
                    "--steps: expected 4, the size of axis 1 of the input, found 5"),
    "other-axes": (lambda: Video(last), dict(arguments="--axes 0,2"),
                   f"(Conv): {MEET}slides along time, axis 1 of [4, T=3, 8, 8]"),
    "no-normalize": (lambda: Video(last), dict(normalize=""), "--normalize: expected "),
    "one-step": (lambda: Video(last), dict(steps=1), "axis 1 of the input: expected 2 or more steps of time, found 1"),
}
