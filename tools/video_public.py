# SPDX-License-Identifier: LGPL-2.1-or-later
"""Video models of public architectures and an LSTM, without their weights.

weights.txt has a line "COUNT LOW HIGH" for each tensor of weights.data, in the order of the file. Each value is
float32, LOW + (HIGH - LOW) u. u depends only on the position of the value in the file, see make_numbers(). The program
that reads a case writes weights.data.
"""
import numpy as np
import onnx
import torch
from onnx import TensorProto
from torch import nn

from video_cases import LAYOUTS, Video, begin_case, clean_model, export_model, make_film, make_weights, save_numbers
from video_networks import last

F = nn.functional
GATES = 0, 3, 1, 2  # ONNX's gates i, o, f, c among PyTorch's i, f, g, o


def make_numbers(first, n):
    """Returns n numbers in [0, 1), for the positions from `first` on."""
    x = (np.arange(first, first + n, dtype=np.uint64) * 2654435769).astype(np.uint32)
    for shift, factor in ((16, 0x85ebca6b), (13, 0xc2b2ae35)):
        x = ((x ^ (x >> np.uint32(shift))) * np.uint64(factor)).astype(np.uint32)
    return ((x ^ (x >> np.uint32(16))) >> np.uint32(8)) / 2 ** 24


def conv(c, n, size, stride=1, groups=1, act=nn.ReLU):
    """Returns a convolution with a norm and an activation."""
    parts = [nn.Conv2d(c, n, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(n)]
    return nn.Sequential(*parts, *([act()] if act else []))


class Inverted(nn.Module):
    """The inverted residual block of MobileNetV2, and with `squeeze` that of EfficientNet."""

    def __init__(self, c, n, size, stride, factor, act=nn.ReLU6, squeeze=0):
        super().__init__()
        wide = c * factor
        self.first = conv(c, wide, 1, act=act) if factor > 1 else nn.Identity()
        self.depth = conv(wide, wide, size, stride, wide, act)
        self.squeeze = squeeze and nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, squeeze, 1), nn.SiLU(),
                                                 nn.Conv2d(squeeze, wide, 1), nn.Sigmoid())
        self.last = conv(wide, n, 1, act=None)
        self.is_residual = stride == 1 and c == n

    def forward(self, x):
        y = self.depth(self.first(x))
        y = self.last(self.squeeze(y) * y if self.squeeze else y)
        return x + y if self.is_residual else y


class Basic(nn.Module):
    """The residual block of ResNet-18."""

    def __init__(self, c, n, stride):
        super().__init__()
        self.body = nn.Sequential(conv(c, n, 3, stride), conv(n, n, 3, act=None))
        self.short = conv(c, n, 1, stride, act=None) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.short(x))


class ShuffleUnit(nn.Module):
    """The unit of ShuffleNetV2, which interleaves the channels of two branches."""

    def __init__(self, c, n, stride):
        super().__init__()
        half = n // 2
        self.stride = stride
        self.left = nn.Sequential(conv(c, c, 3, 2, c, None), conv(c, half, 1)) if stride > 1 else None
        self.right = nn.Sequential(conv(c if stride > 1 else half, half, 1), conv(half, half, 3, stride, half, None),
                                   conv(half, half, 1))

    def forward(self, x):
        left, right = (x, x) if self.left else x.chunk(2, 1)
        y = torch.cat((self.left(left) if self.left else left, self.right(right)), 1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


def round_width(width):
    """Rounds a number of channels to a multiple of 8, as MobileNetV2 does."""
    n = max(8, int(width + 4) // 8 * 8)
    return n + 8 if n < .9 * width else n


def mobilenet_v2(width=.35):
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    c = round_width(32 * width)
    parts = [conv(3, c, 3, 2, act=nn.ReLU6)]
    for factor, n, repeats, stride in rows:
        for k in range(repeats):
            parts.append(Inverted(c, round_width(n * width), 3, 1 if k else stride, factor))
            c = round_width(n * width)
    return nn.Sequential(*parts, conv(c, 1280, 1, act=nn.ReLU6), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def efficientnet_b0():
    rows = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
            (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))
    c, parts = 32, [conv(3, 32, 3, 2, act=nn.SiLU)]
    for factor, size, stride, n, repeats in rows:
        for k in range(repeats):
            parts.append(Inverted(c, n, size, 1 if k else stride, factor, nn.SiLU, c // 4))
            c = n
    return nn.Sequential(*parts, conv(c, 1280, 1, act=nn.SiLU), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def resnet_18():
    c, parts = 64, [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for n in (64, 128, 256, 512):
        parts += [Basic(c, n, 2 if n > 64 else 1), Basic(n, n, 1)]
        c = n
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def shufflenet_v2():
    c, parts = 24, [conv(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)]
    for n, repeats in ((48, 4), (96, 8), (192, 4)):
        parts += [ShuffleUnit(c if k == 0 else n, n, 1 if k else 2) for k in range(repeats)]
        c = n
    return nn.Sequential(*parts, conv(c, 1024, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


# name: (network of a frame, its features, height and width of a frame, axes of any size, factor of the weights of the
# convolutions, which keeps the differences of frames at about their size)
PUBLIC = {
    "mobilenet-v2": (mobilenet_v2, 1280, 32, (0,), 1),
    "resnet-18": (resnet_18, 512, 32, (), 1),
    "efficientnet-b0": (efficientnet_b0, 1280, 32, (), 1.1),
    "shufflenet-v2": (shufflenet_v2, 1024, 32, (), 1),
}


def find_range(name, shape, factor):
    """Returns the lowest and the highest value of a tensor."""
    if name.endswith("running_var"):
        return .5, 1.5
    if name.startswith("cnn") and name.endswith("weight") and len(shape) == 1:  # of a norm
        return .8, 1.2
    bound = factor * (6 / np.prod(shape[1:])) ** .5 if name.startswith("cnn") and len(shape) > 1 else .1
    return -bound, bound


def set_value(net, tensor, value):
    """Sets the parameter of `net` that became an initializer of the model."""
    named = dict([*net.named_parameters(), *net.named_buffers()])
    if tensor.name in named:
        named[tensor.name].data = torch.tensor(value)
        return
    order = lambda v: np.concatenate([v.reshape(4, -1, *v.shape[1:])[GATES.index(k)] for k in range(4)])  # noqa: E731
    value = value[0]
    if value.ndim == 1:
        net.rnn.bias_ih_l0.data, net.rnn.bias_hh_l0.data = (torch.tensor(order(v)) for v in np.split(value, 2))
    else:
        part = "hh" if value.shape[1] == net.rnn.hidden_size else "ih"
        setattr(net.rnn, f"weight_{part}_l0", nn.Parameter(torch.tensor(order(value))))


def move_weights(net, model, factor):
    """Moves the weights of a model to weights.data, and sets those of `net`. Returns the lines of weights.txt."""
    lines, first = [], 0
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        n = int(np.prod(tensor.dims))
        low, high = find_range(tensor.name, tensor.dims, factor)
        value = (low + (high - low) * make_numbers(first, n)).astype("f4").reshape(tensor.dims)
        set_value(net, tensor, value)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, v in (("location", "weights.data"), ("offset", first * 4), ("length", n * 4)):
            tensor.external_data.add(key=key, value=str(v))
        lines.append(f"{n} {low!r} {high!r}\n")
        first += n
    return lines


def public_case(folder, name, make, features, size, free, factor, steps=2):
    net = make_weights(Video(last, make, features=features), name)  # the export would merge equal tensors
    film = make_film(name, steps + 1, (3, size, size), "float32")
    preserve = torch.onnx.TrainingMode.PRESERVE  # keeps the norms
    model = onnx.load_model_from_string(export_model(net, LAYOUTS["btchw"](film[:steps]), 13, free, training=preserve))
    lines = move_weights(net, model, factor)
    at = begin_case(folder, name, "--normalize 0..1")
    (at / "model.onnx").write_bytes(clean_model(model))
    (at / "weights.txt").write_text("".join(lines))
    save_numbers(at, net, "btchw", steps, film, "float32")
