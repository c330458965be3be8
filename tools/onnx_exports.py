# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models that torch.onnx.export writes as ONNX."""
import io
import warnings

import numpy as np
import torch
from torch import nn

from onnx_cases import D, M, seed_random, uniform, write_case


class Net(nn.Module):
    """An LSTM with further modules, which the function body (self, x, *more) of a table row calls."""

    def __init__(self, body, parts, **lstm):
        super().__init__()
        self.rnn = nn.LSTM(D, M, **{"batch_first": True, **lstm})
        width = M * (2 if lstm.get("bidirectional") else 1)
        self.parts = nn.ModuleDict({k: v(width) for k, v in parts.items()})
        self.body = body
        self.h = nn.Parameter(torch.zeros(1, 1, M))
        self.c = nn.Parameter(torch.zeros(1, 1, M))

    def forward(self, *x):
        return self.body(self, *x)


def final(self, x):
    return self.rnn(x)[1][0]


def state(self, x, h, c):
    y, (h, c) = self.rnn(x, (h, c))
    return self.parts["fc"](y), h, c


def state_packed(self, x, packed):
    y, (h, c) = self.rnn(x, (packed[0], packed[1]))
    return self.parts["fc"](y), torch.stack([h, c])


def learned(self, x):
    return self.rnn(x, (self.h.expand(-1, x.shape[0], -1).contiguous(),
                        self.c.expand(-1, x.shape[0], -1).contiguous()))[0]


def padded(self, x, lengths):
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    y, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
    return self.parts["fc"](y)


def padded_last(self, x, lengths):
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    y, n = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
    return y.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, M)).squeeze(1)


def unsorted(self, x, lengths):
    """Runs an LSTM over sequences of any order, which PyTorch sorts before and restores after the LSTM."""
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, (h, _) = self.rnn(packed)
    return nn.utils.rnn.pad_packed_sequence(y, batch_first=True)[0], h


def unsorted_mean(self, x, lengths):
    return self.parts["fc"](unsorted(self, x, lengths)[0].sum(1) / lengths.unsqueeze(1))


def sorted_by_length(self, x, lengths):
    lengths, order = torch.sort(lengths, descending=True)
    return self.rnn(nn.utils.rnn.pack_padded_sequence(x[order], lengths, batch_first=True))[1][0][-1]


def restored(self, x, lengths):
    order = torch.sort(lengths, descending=True)[1]
    h = sorted_by_length(self, x, lengths)
    return self.parts["fc"](h[torch.sort(order)[1]])


def at_length(self, x, lengths):
    """Selects the last step of each sequence after an LSTM that does not read the lengths."""
    index = (lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, M)
    return self.parts["fc"](self.rnn(x)[0].gather(1, index).squeeze(1))


def attention(self, x):
    """Weighs steps by a softmax, which is 1 for one step."""
    y = self.rnn(x)[0]
    return (y * torch.softmax(self.parts["score"](y), 1)).sum(1)


def attention_of_last(self, x):
    """Weighs steps by their product with the last step."""
    y = self.rnn(x)[0]
    weights = torch.softmax(torch.bmm(y, y[:, -1:].transpose(1, 2)), 1)
    return self.parts["fc"](torch.bmm(weights.transpose(1, 2), y)[:, 0])


def again(self, x):
    """Runs an autoencoder, whose decoder reads the last step five times."""
    h = self.rnn(x)[1][0][-1]
    return self.parts["rnn2"](h.unsqueeze(1).repeat(1, 5, 1))[0]


def time_distributed(self, x):
    y = self.rnn(x)[0]
    return self.parts["fc"](y.reshape(-1, M)).reshape(x.shape[0], x.shape[1], -1)


def sums(self, x):
    y = self.rnn(x)[0]
    return self.parts["fc"](y[:, :, :M] + y[:, :, M:])


def average(self, x):
    y = self.rnn(x)[0]
    return y.view(y.shape[0], y.shape[1], 2, M).mean(2)


def own_last(self, x):
    y = self.rnn(x)[0]
    return self.parts["fc"](torch.cat([y[:, -1, :M], y[:, 0, M:]], 1))


def both_final(self, x):
    h = self.rnn(x)[1][0]
    return self.parts["fc"](torch.cat([h[-2], h[-1]], 1))


def both_view(self, x):
    h = self.rnn(x)[1][0].view(2, 2, x.shape[0], M)[-1]
    return self.parts["fc"](torch.cat([h[0], h[1]], 1))


def normalized(self, x):
    y = self.parts["norm"](self.rnn(x)[0].transpose(1, 2)).transpose(1, 2)
    return self.parts["fc"](y)


def deviation(self, x):
    return self.parts["fc"](self.rnn((x - torch.arange(D)) / torch.tensor([1., 2, 3, 4, 5]))[0] * 2 + .5)


def apply(function):
    return lambda self, x: function(self.parts["fc"](self.rnn(x)[0]))


FC = {"fc": lambda width: nn.Linear(width, 4)}
FC_M = {"fc": lambda width: nn.Linear(M, 4)}
PLAIN = lambda self, x: self.parts["fc"](self.rnn(x)[0])  # noqa: E731
RECURRENT = lambda self, x: self.parts["rnn"](x)[0]  # noqa: E731
LAST = lambda self, x: self.parts["fc"](self.rnn(x)[0][:, -1])  # noqa: E731
STATES = [(1, 2, M), (1, 2, M)]
# name: (body, its modules, arguments of nn.LSTM, arguments of the export, further inputs: shapes of states, or
# the lengths of both sequences)
EXPORTS = {
    "sequence": (PLAIN, FC, {}, {}),
    "sequence-3": (PLAIN, FC, dict(num_layers=3), {}),
    "last": (LAST, FC, dict(num_layers=2), {}),
    "relu-last": (lambda s, x: s.parts["fc"](torch.relu(s.rnn(x)[0])[:, -1]), FC, {}, {}),
    "last-after-dense": (lambda s, x: PLAIN(s, x)[:, -1, :], FC, {}, {}),
    "final": (final, {}, {}, {}),
    "everything": (lambda s, x: (lambda y, h: (s.parts["fc"](y), *h))(*s.rnn(x)), FC, dict(num_layers=2), {}),
    "gelu": (lambda s, x: nn.functional.gelu(PLAIN(s, x)), FC, {}, {}),
    "final-squeezed": (lambda s, x: s.parts["fc"](final(s, x).squeeze(0)), FC, {}, {}),
    "final-of-2": (lambda s, x: s.parts["fc"](final(s, x)[-1]), FC, dict(num_layers=2), {}),
    "both": (PLAIN, FC, dict(bidirectional=True, num_layers=2), {}),
    "both-last": (LAST, FC, dict(bidirectional=True), {}),
    "both-own-last": (own_last, FC, dict(bidirectional=True), {}),
    "both-final": (both_final, FC, dict(bidirectional=True, num_layers=2), {}),
    "both-view": (both_view, FC, dict(bidirectional=True, num_layers=2), {}),
    "both-sum": (sums, FC_M, dict(bidirectional=True), {}),
    "both-average": (average, {}, dict(bidirectional=True), {}),
    "no-bias": (PLAIN, FC, dict(bias=False), {}),
    "time-first": (PLAIN, FC, dict(batch_first=False, num_layers=2), {}),
    "fixed": (LAST, FC, dict(num_layers=2), dict(axes={})),
    "unfolded": (LAST, FC, dict(num_layers=2, bidirectional=True), dict(do_constant_folding=False)),
    "as-inputs": (LAST, FC, {}, dict(keep_initializers_as_inputs=True)),
    "time-distributed": (time_distributed, FC, {}, {}),
    "learned-state": (learned, {}, {}, {}),
    "state": (state, FC, {}, {}, STATES),
    "state-packed": (state_packed, FC, {}, {}, [(2, 1, 2, M)]),
    "padded": (padded, FC, {}, {}, [7, 7]),
    "padded-last": (padded_last, {}, {}, {}, [7, 7]),
    "unsorted": (lambda s, x, n: unsorted(s, x, n)[0], {}, dict(num_layers=2), {}, [4, 7]),
    "unsorted-both": (lambda s, x, n: s.parts["fc"](unsorted(s, x, n)[0]), FC, dict(bidirectional=True), {}, [4, 7]),
    "unsorted-last": (lambda s, x, n: s.parts["fc"](unsorted(s, x, n)[1][-1]), FC, dict(num_layers=2), {}, [4, 7]),
    "unsorted-both-last": (lambda s, x, n: s.parts["fc"](torch.cat(list(unsorted(s, x, n)[1][-2:]), 1)), FC,
                           dict(bidirectional=True, num_layers=2), {}, [4, 7]),
    "unsorted-mean": (unsorted_mean, FC, {}, {}, [4, 7]),
    "padded-mean": (lambda s, x, n: s.parts["fc"](unsorted(s, x, n)[0].mean(1)), FC, {}, {}, [4, 7]),
    "padded-sum": (lambda s, x, n: s.parts["fc"](unsorted(s, x, n)[0]).sum(1), FC, dict(bidirectional=True), {}, [4, 7]),
    "padded-max": (lambda s, x, n: s.parts["fc"](unsorted(s, x, n)[0].max(1)[0]), FC, {}, {}, [4, 7]),
    "restored": (restored, FC, {}, {}, [4, 7]),
    "step-at-length": (at_length, FC, {}, {}, [4, 7]),
    "attention-of-one": (attention, {"score": lambda width: nn.Linear(width, 1)}, {}, dict(axes={0: "b"}, steps=1)),
    "mean": (lambda s, x: s.parts["fc"](s.rnn(x)[0].mean(1)), FC, {}, {}),
    "mean-both": (lambda s, x: s.parts["fc"](s.rnn(x)[0].mean(1)), FC, dict(bidirectional=True), {}),
    "mean-time-first": (lambda s, x: s.parts["fc"](s.rnn(x)[0].mean(0)), FC, dict(batch_first=False), {}),
    "mean-of-sum": (lambda s, x: s.parts["fc"](s.rnn(x)[0].sum(1) / x.shape[1]), FC, {}, {}),
    "max": (lambda s, x: s.parts["fc"](s.rnn(x)[0].max(1)[0]), FC, dict(num_layers=2), {}),
    "sum": (lambda s, x: s.parts["fc"](torch.relu(s.rnn(x)[0]).sum(1)), FC, {}, {}),
    "mean-pool": (lambda s, x: s.parts["fc"](s.parts["pool"](s.rnn(x)[0].transpose(1, 2)).flatten(1)),
                  {**FC, "pool": lambda width: nn.AdaptiveAvgPool1d(1)}, {}, {}),
    "max-pool": (lambda s, x: s.parts["fc"](s.parts["pool"](s.rnn(x)[0].permute(0, 2, 1)).squeeze(2)),
                 {**FC, "pool": lambda width: nn.AdaptiveMaxPool1d(1)}, {}, {}),
    "mean-pool-fixed": (lambda s, x: s.parts["fc"](s.parts["pool"](s.rnn(x)[0].transpose(1, 2))[:, :, 0]),
                        {**FC, "pool": lambda width: nn.AvgPool1d(7)}, {}, dict(axes={})),
    "mean-pool-2d": (lambda s, x: s.parts["fc"](
        nn.functional.adaptive_avg_pool2d(s.rnn(x)[0].unsqueeze(1), (1, M)).flatten(1)), FC, {}, dict(axes={})),
    "max-pool-fixed": (lambda s, x: s.parts["fc"](s.parts["pool"](s.rnn(x)[0].transpose(1, 2))[:, :, 0]),
                       {**FC, "pool": lambda width: nn.MaxPool1d(7)}, {}, dict(axes={})),
    "lstm-of-last": (lambda s, x: s.parts["rnn2"](s.rnn(x)[0][:, -1:])[0],
                     {"rnn2": lambda width: nn.LSTM(width, 3, batch_first=True)}, {}, {}),
    "lstm-of-mean": (lambda s, x: s.parts["rnn2"](s.rnn(x)[0].mean(1, keepdim=True))[0],
                     {"rnn2": lambda width: nn.LSTM(width, 3, batch_first=True)}, {}, {}),
    "autoencoder": (again, {"rnn2": lambda width: nn.LSTM(width, 3, batch_first=True)}, {}, {}),
    "batch-norm": (normalized, {**FC, "norm": nn.BatchNorm1d}, {}, {}),
    "layer-norm": (lambda s, x: s.parts["fc"](s.parts["norm"](s.rnn(x)[0])),
                   {**FC, "norm": nn.LayerNorm}, {}, {}),
    "deviation": (deviation, FC, {}, {}),
    "gru": (RECURRENT, {"rnn": lambda width: nn.GRU(D, M, batch_first=True)}, {}, {}),
    "gru-both": (RECURRENT, {"rnn": lambda width: nn.GRU(D, M, 2, bidirectional=True, batch_first=True)}, {}, {}),
    "gru-last": (lambda s, x: s.parts["fc"](s.parts["rnn"](x)[1][-1]),
                 {**FC, "rnn": lambda width: nn.GRU(D, M, 2, batch_first=True)}, {}, {}),
    "gru-state": (lambda s, x, h: (lambda y, h: (s.parts["fc"](y), h))(*s.parts["rnn"](x, h)),
                  {**FC, "rnn": lambda width: nn.GRU(D, M, batch_first=True)}, {}, {}, [(1, 2, M)]),
    "gru-lstm": (lambda s, x: s.parts["gru"](s.rnn(s.parts["rnn"](x)[0])[0])[0],
                 {"rnn": lambda width: nn.RNN(D, D, nonlinearity="relu", batch_first=True),
                  "gru": lambda width: nn.GRU(width, 3, batch_first=True)}, {}, {}),
    "rnn": (RECURRENT, {"rnn": lambda width: nn.RNN(D, M, 2, batch_first=True)}, {}, {}),
    **{name: (apply(function), FC, {}, {}) for name, function in {
        "softmax": lambda v: torch.softmax(v, -1), "log-softmax": lambda v: torch.log_softmax(v, -1),
        "relu6": nn.functional.relu6, "hardtanh": nn.functional.hardtanh, "elu": nn.functional.elu,
        "selu": nn.functional.selu, "leaky": lambda v: nn.functional.leaky_relu(v, .2),
        "softplus": nn.functional.softplus,
        "hardsigmoid": nn.functional.hardsigmoid, "hardswish": nn.functional.hardswish,
        "silu": nn.functional.silu, "mish": nn.functional.mish, "exp": torch.exp,
        "tanh-relu": lambda v: torch.relu(torch.tanh(v)),
        "clamp": lambda v: v.clamp(0, .3), "minus": lambda v: 1 - v}.items()},
}
EVERY_OPSET = ("sequence", "gru", "last", "both", "both-final", "state", "layer-norm", "softmax",
               "final-of-2", "unfolded", "time-distributed")
REFUSED = {  # rows of EXPORTS, with a part of the error message
    "conv": (lambda s, x: s.rnn(s.parts["conv"](x.transpose(1, 2)).transpose(1, 2))[0],
             {"conv": lambda w: nn.Conv1d(D, D, 3)}, {}, {}, [], "found a convolution"),
    "linear": (lambda s, x: s.parts["a"](x), {"a": lambda w: nn.Linear(D, 3)}, {}, {}, [], "LSTM"),
    "mean-of-batch": (lambda s, x: s.rnn(x)[0].mean(0), {}, {}, {}, [],
             "ReduceMean is supported only over time, for the directions of a recurrent layer and inside"),
    "max-of-features": (lambda s, x: s.rnn(x)[0].max(2)[0], {}, {}, {}, [],
                        "ReduceMax is supported only over time; found axes "),
    "pool-of-two": (lambda s, x: s.parts["pool"](s.rnn(x)[0].transpose(1, 2)).transpose(1, 2),
                    {"pool": lambda width: nn.AvgPool1d(2)}, {}, dict(axes={}), [],
                    "kernel_shape: expected all steps of time without padding, found [2]"),
    "sorted": (sorted_by_length, {}, {}, {}, [4, 7],
               "expected the sequences in the order of the input, found them sorted by length"),
    "embedding": (lambda s, x, n: s.rnn(x + s.parts["table"](n)[:, None])[0],
                  {"table": lambda width: nn.Embedding(8, D)}, {}, {}, [4, 7],
                  "not as an embedding; found an input of the model"),
    "autoencoder-any": (lambda s, x: s.parts["rnn2"](s.rnn(x)[1][0][-1].unsqueeze(1).repeat(1, x.shape[1], 1))[0],
                        {"rnn2": lambda width: nn.LSTM(width, 3, batch_first=True)}, {}, {}, [],
                        "found the number of steps of the input"),
    "first": (lambda s, x: s.rnn(x)[0][:, 0], {}, {}, {}, [], "found the first step"),
    "middle": (lambda s, x: s.rnn(x)[0][:, 2], {}, {}, {}, [], "range: expected all of axis 1 or its last step"),
    "flat": (lambda s, x: s.parts["fc"](s.rnn(x)[0].flatten(1)),
             {"fc": lambda w: nn.Linear(7 * M, 2)}, {}, dict(axes={}), [], "expected all features of a step"),
    "residual": (lambda s, x: s.rnn(s.rnn(x)[0][:, :, :D])[0] + s.rnn(x)[0], {}, {}, {}, [],
                 "range: expected all of axis 2"),
    "softmax-time": (lambda s, x: torch.softmax(s.rnn(x)[0], 1), {}, {}, {}, [],
                     "axis: expected the features of a step"),
    "attention": (attention, {"score": lambda width: nn.Linear(width, 1)}, {}, {}, [],
                  "(Softmax): axis: expected the features of a step, found axis 1, time of unknown size, of a tensor of"
                  " shape [?, ?, 1] from node \"/score/Add\" (Add), as in attention over the steps"),
    "attention-last": (attention_of_last, FC, {}, {}, [],
                       "from node \"/rnn/LSTM\" (LSTM), as in attention over the steps"),
    "two-heads": (lambda s, x: (lambda y: (s.parts["fc"](y), y))(s.rnn(x)[0]), FC, {}, {}, [], "--output"),
    "cells": (lambda s, x: s.rnn(x)[1][1][-1], {}, {}, {}, [], "Y_c: expected Y or Y_h as the output"),
    "encoder-decoder": (lambda s, x: s.rnn(x, s.rnn(x)[1])[0], {}, {}, {}, [], "LSTM"),
}


def export(folder, name, opset, row):
    seed_random(name)
    body, modules, arguments, options, more = (*row, [])[:5]
    torch.manual_seed(11)
    net = Net(body, modules, **arguments).eval()
    for k, v in net.named_parameters():
        v.data = torch.empty_like(v).uniform_(-.6, .6)
    for k, v in net.named_buffers():
        if v.dtype.is_floating_point:
            v.data = torch.empty_like(v).uniform_(.2, 1)
    batch_first = arguments.get("batch_first", True)
    options = dict(options)
    x = torch.from_numpy(uniform(2, options.pop("steps", 7), D, spread=2))
    model_input = x if batch_first else x.transpose(0, 1)
    has_lengths = more and isinstance(more[0], int)
    extra = [torch.tensor(more)] if has_lengths else [torch.zeros(s) for s in more]
    axes = options.pop("axes", {0: "b", 1: "t"})
    file = io.BytesIO()
    names = ["x"] + (["lengths"] if has_lengths else [f"state{i}" for i in range(len(more))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (model_input, *extra), file, opset_version=opset, input_names=names,
                          dynamic_axes={"x": axes} if axes else None, **options)
        y = net.double()(model_input.double(), *[e if has_lengths else e.double() for e in extra])
    y = (y[0] if isinstance(y, tuple) else y).detach().numpy()
    if name.startswith("final"):
        y = y.reshape(-1, y.shape[-1])
    y = y[:, None] if y.ndim == 2 else y if batch_first else y.transpose(1, 0, 2)
    mask = np.arange(7) < np.array(more)[:, None] if has_lengths and min(more) < 7 else None
    write_case(folder, f"torch-{name}-{opset}", file.getvalue(), x.numpy(), y, None, *row[5:], mask=mask)
