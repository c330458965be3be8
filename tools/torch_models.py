# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models of PyTorch for test vectors: chains of modules, their weights and their outputs."""
import sys
import types

import numpy as np
import torch
from torch import nn

ROUND = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}


class Chain(nn.Module):
    """Run modules by name in order. A lambda has no name in a state dict."""

    def __init__(self, **parts):
        super().__init__()
        self.parts = parts
        for name, part in parts.items():
            if isinstance(part, nn.Module):
                self.add_module(name, part)

    def forward(self, x):
        for part in self.parts.values():
            x = run(part, x)
        return x


class Cell(nn.Module):
    """A class with the tensors of an nn.LSTMCell, and with another forward ()."""

    def __init__(self):
        super().__init__()
        self.weight_ih, self.weight_hh = nn.Parameter(torch.zeros(20, 3)), nn.Parameter(torch.zeros(20, 5))


class Script(nn.Module):
    """A model that torch.jit.script accepts"""

    def __init__(self, whole):
        super().__init__()
        self.lstm, self.norm, self.act, self.head = whole.lstm, whole.norm, whole.act, whole.head

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.head(self.act(self.norm(y))[:, -1])


class Residual(nn.Module):
    """A class of the program that adds its input to the output of its only module."""

    def __init__(self):
        super().__init__()
        self.lstm = lstm(3, 3)

    def forward(self, x):
        return self.lstm(x)[0] + x


class Scaled(Residual):
    """A class of the program with a buffer, or with a tensor as an attribute."""

    def __init__(self, is_buffer):
        super().__init__()
        if is_buffer:
            self.register_buffer("mean", torch.ones(3))
        else:
            self.mean = torch.ones(3)


class Compiled:
    """An object with the record of torch.compile () of PyTorch 2.14: a call with the module and options"""

    def __init__(self, module):
        self.module = module

    def __reduce__(self):
        return OptimizedModule, (self.module, {"backend": "inductor"})


class OptimizedModule:
    """A class with the name of the class of PyTorch 2"""


OptimizedModule.__module__ = "torch._dynamo.eval_frame"
sys.modules["torch._dynamo.eval_frame"] = types.ModuleType("torch._dynamo.eval_frame")
sys.modules["torch._dynamo.eval_frame"].OptimizedModule = OptimizedModule


def run(part, x):
    """Run x [bs, T, d] through a module and return all steps."""
    if isinstance(part, nn.RNNBase):
        y, h_n = part(x)
        h_n = h_n[0] if isinstance(part, nn.LSTM) else h_n
        if getattr(part, "returns_h_n", False):
            return torch.cat(tuple(h_n[-2 if part.bidirectional else -1:]), -1)[:, None]
        return y
    if isinstance(part, nn.RNNCellBase):
        state, outputs = None, []
        for t in range(x.shape[1]):
            state = part(x[:, t], state)
            outputs.append(state[0] if isinstance(part, nn.LSTMCell) else state)
        return torch.stack(outputs, 1)
    if isinstance(part, nn.Sequential):
        for inner in part:
            x = run(inner, x)
        return x
    if isinstance(part, nn.BatchNorm1d):
        return part(x.transpose(1, 2)).transpose(1, 2)
    return part(x)


def lstm(d, m, **options):
    return nn.LSTM(d, m, batch_first=True, **options)


def number_modules(*parts):
    """Name the modules "0", "1" … like nn.Sequential and nn.ModuleList."""
    return Chain(**{str(i): part for i, part in enumerate(parts)})


def softmax(x):
    return torch.softmax(x, -1)


def last(x):
    return x[:, -1:]


def mean(x):
    return x.mean(1, keepdim=True)


def maximum(x):
    return x.max(1, keepdim=True)[0]


def total(x):
    return x.sum(1, keepdim=True)


def repeat(n):
    def repeat_vector(x):
        return x.repeat(1, n, 1)

    repeat_vector.needs_complete_sequence = True
    return repeat_vector


def h_n(part):
    part.returns_h_n = True
    return part


def fill(model, kind):
    """Draw weights so small that nothing saturates, round them, and convert them to float64."""
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        spread = .2 if value.dim() < 2 else 1.6 / value.shape[-1] ** .5
        drawn = (torch.rand(value.shape) * 2 - 1) * spread
        if name.endswith(("running_var", "norm.weight", "bn.weight")):
            drawn += 1
        value.copy_(drawn.to(ROUND[kind]))
    return model.double().eval()


def is_causal(model):
    parts = [*model.modules(), *getattr(model, "parts", {}).values()]
    return not any(getattr(part, "bidirectional", False)
                   or getattr(part, "needs_complete_sequence", False) for part in parts)


def write_numbers(folder, model, d):
    x = torch.randn(2, 6, d)
    with torch.no_grad():
        y = run(model, x.double())
        steps = y if y.shape[1] > 1 else torch.cat(
            [run(model, x[:, :t + 1].double()) for t in range(x.shape[1])], 1)
    np.save(folder / "x.npy", x.numpy())
    np.save(folder / "expected.npy", y.float().numpy())
    if is_causal(model):
        np.save(folder / "steps.npy", steps.float().numpy())
