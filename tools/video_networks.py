# SPDX-License-Identifier: LGPL-2.1-or-later
"""Video models that lstm-convert --split cuts. The networks are PyTorch modules."""
import torch
from torch import nn

from video_cases import CLASSES, UNITS, Video, make_cnn

F = nn.functional


def fold(self, x):
    """Returns the features (b, t, d) of clips (b, t, …)."""
    b, t = x.shape[:2]
    return self.encode(x.reshape(b * t, *x.shape[2:])).view(b, t, -1)


def last(self, x):
    return self.head(self.rnn(fold(self, x))[0][:, -1])


def every(self, x):
    return self.head(self.rnn(fold(self, x))[0])


def mean(self, x):
    return self.head(self.rnn(fold(self, x))[0].mean(1))


def final(self, x):
    return self.head(self.rnn(fold(self, x))[1][0][-1])


def final_gru(self, x):
    return self.head(self.rnn(fold(self, x))[1][-1])


def both_final(self, x):
    h = self.rnn(fold(self, x))[1][0]
    return self.head(torch.cat((h[-2], h[-1]), 1))


def zeros(self, x):
    """Makes h0 and c0 for any batch."""
    b = x.size(0)
    h = torch.zeros(2, b, UNITS, dtype=x.dtype)
    return torch.log_softmax(self.head(self.rnn(fold(self, x), (h, h.clone()))[0][:, -1]), 1)


def colours_first(self, x):
    return last(self, x.permute(0, 2, 1, 3, 4))


def colours_last(self, x):
    b, t = x.shape[:2]
    f = self.encode(x.reshape(b * t, *x.shape[2:]).permute(0, 3, 1, 2))
    return self.head(self.rnn(f.view(b, t, -1))[0][:, -1])


def time_last(self, x):
    return last(self, x.permute(0, 4, 3, 1, 2))


def no_batch(self, x):
    return self.head(self.rnn(self.encode(x)[:, None])[0][-1])


def time_first(self, x):
    t, b = x.shape[:2]
    return self.head(self.rnn(self.encode(x.reshape(t * b, *x.shape[2:])).view(t, b, -1))[0][-1])


def as_channels(self, x):
    """Reads a clip of 4 frames as one picture of 12 channels."""
    return last(self, x.view(x.shape[0], 4, -1, *x.shape[2:]))


def grey(self, x):
    b, t, h, w = x.shape
    f = self.encode(x.reshape(b * t, 1, h, w))
    return self.head(self.rnn(f.view(b, t, -1))[0][:, -1])


def bytes_first(self, x):
    return last(self, x.to(self.head.weight.dtype) / 255)


def bytes_last(self, x):
    return colours_last(self, x.to(self.head.weight.dtype) / 255)


def stacked(self, x):
    """Runs the CNN in a loop, one frame at a time."""
    f = torch.stack([self.encode(x[:, k]) for k in range(x.shape[1])], 1)
    return self.head(self.rnn(f)[0][:, -1])


def unbound(self, x):
    f = torch.cat([self.encode(frame)[None] for frame in x.unbind(1)], 0)
    return self.head(self.rnn(f)[0][-1])


def carried(self, x):
    """Runs the CNN and the recurrent layer in a loop, one frame at a time."""
    hidden = None
    for k in range(x.shape[1]):
        y, hidden = self.rnn(self.encode(x[:, k])[:, None], hidden)
    return self.head(y[:, -1])


def carried_first(self, x):
    hidden = None
    for k in range(x.shape[1]):
        y, hidden = self.rnn(self.encode(x[:, k]).unsqueeze(0), hidden)
    return self.head(F.relu(y[-1]))


def stacked_flat(self, x):
    """Concatenates the features of all frames to one vector."""
    f = torch.cat([self.encode(x[:, k]) for k in range(x.shape[1])], 1)
    return self.head(self.rnn(f.view(x.shape[0], x.shape[1], -1))[0][:, -1])


def carried_every(self, x):
    y, state = [], None
    for k in range(x.shape[1]):
        out, state = self.rnn(self.encode(x[:, k])[:, None], state)
        y.append(out)
    return self.head(torch.cat(y, 1))


def carried_heads(self, x):
    """Runs also the head in the loop."""
    h = torch.zeros(1, x.shape[0], UNITS, dtype=x.dtype)
    y, state = [], (h, h.clone())
    for k in range(x.shape[1]):
        out, state = self.rnn(self.encode(x[:, k]).unsqueeze(0), state)
        y.append(torch.tanh(self.head(out[0])))
    return torch.stack(y, 1)


def carried_final(self, x):
    state = None
    for k in range(x.shape[1]):
        _, state = self.rnn(self.encode(x[:, k])[:, None], state)
    return self.head(state[0][-1])


class Residual(nn.Module):
    """A residual block with a depthwise convolution, and a weight of each channel that the picture determines."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.SiLU())
        self.depth = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False), nn.BatchNorm2d(6),
                                   nn.Hardswish())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 6, 1), nn.Sigmoid())

    def forward(self, x):
        x = self.first(x)
        y = self.depth(x)
        return F.max_pool2d(x + y * self.gate(y), 4).flatten(1)


class Shuffle(nn.Module):
    """Convolutions of two groups, whose channels a Reshape interleaves."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.second = nn.Conv2d(4, 4, 3, groups=2)

    def forward(self, x):
        x = F.relu(self.first(x))
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        left, right = self.second(x).chunk(2, 1)
        return torch.cat((F.elu(left), torch.tanh(right)), 1).view(n, -1)


class Resized(nn.Module):
    """Convolutions of two sizes of a picture, which Resize and Pad make equal."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)

    def forward(self, x):
        small = F.interpolate(x, size=(5, 4), mode="bilinear", align_corners=False)
        y = self.norm(self.conv(F.pad(small, (1, 1, 0, 1))))
        big = F.interpolate(F.avg_pool2d(y, 2), scale_factor=2, mode="nearest")
        return (big * F.softmax(y, 1)).mean((2, 3))


class Normalize(nn.Module):
    """A BatchNorm1d of the features of each step."""

    def __init__(self):
        super().__init__()
        self.linear, self.norm = nn.Linear(16, 6), nn.BatchNorm1d(6)

    def forward(self, x):
        x = torch.tanh(self.linear(x))
        return self.norm(x.flatten(0, -2)).view(x.shape)


def between_steps(self, x):
    """Runs the layers between on the steps of a clip, after the CNN."""
    b, t = x.shape[:2]
    f = self.cnn(x.flatten(0, 1)).view(b, t, -1)
    return self.head(self.rnn(self.between(f))[0][:, -1])


dense = lambda: nn.Sequential(nn.Linear(16, 6), nn.LayerNorm(6), nn.GELU(), nn.Dropout())  # noqa: E731
# name: (network, arguments of write_case)
NETWORKS = {
    "folded": (lambda: Video(last), {}),
    "folded-free": (lambda: Video(last), dict(opset=11, free=(0, 1), arguments="--steps 4")),
    "folded-free-batch": (lambda: Video(last), dict(opset=17, free=(0,))),
    "free-size": (lambda: Video(last), dict(opset=13, free=(0, 1, 3, 4), arguments="--steps 5 --size 8,8", steps=5)),
    "same-sizes": (lambda: Video(last, features=4), dict(steps=3, size=(3, 3, 3))),
    "time-is-height": (lambda: Video(last), dict(steps=8)),
    "channels-first": (lambda: Video(colours_first), dict(layout="bcthw")),
    "channels-first-same": (lambda: Video(colours_first),
                            dict(layout="bcthw", steps=3, arguments="--axes 0,2", free=(0,))),
    "channels-last": (lambda: Video(colours_last), dict(layout="bthwc", opset=11, free=(0,))),
    "time-last": (lambda: Video(time_last), dict(layout="bhwct")),
    "no-batch": (lambda: Video(no_batch, batch_first=False), dict(layout="tchw", steps=5)),
    "time-first": (lambda: Video(time_first, batch_first=False), dict(layout="tbchw", steps=5)),
    "as-channels": (lambda: Video(as_channels), dict(layout="bchw", arguments="--steps 4")),
    "grey": (lambda: Video(grey, lambda: make_cnn(1)), dict(layout="bthw", steps=6, free=(0,), size=(1, 8, 8))),
    "bytes": (lambda: Video(bytes_last), dict(layout="bthwc", dtype="uint8", steps=5)),
    "bytes-first": (lambda: Video(bytes_first), dict(dtype="uint8", steps=3)),
    "stacked": (lambda: Video(stacked), dict(opset=11)),
    "stacked-norm": (lambda: Video(stacked, between=dense, features=6), dict(opset=17, steps=3)),
    "unbound": (lambda: Video(unbound, batch_first=False), dict(free=(0,))),
    "carried": (lambda: Video(carried), {}),
    "carried-two": (lambda: Video(carried_first, batch_first=False, num_layers=2), dict(steps=3)),
    "carried-two-free": (lambda: Video(carried_first, batch_first=False, num_layers=2), dict(steps=3, free=(0,))),
    "carried-gru": (lambda: Video(carried, kind=nn.GRU), dict(opset=11, free=(0,))),
    "carried-gru-two": (lambda: Video(carried, kind=nn.GRU, num_layers=2), dict(opset=17, steps=5)),
    "stacked-flat": (lambda: Video(stacked_flat), {}),
    "carried-every": (lambda: Video(carried_every), {}),
    "carried-heads": (lambda: Video(carried_heads, batch_first=False), dict(free=(0,))),
    "carried-final": (lambda: Video(carried_final, num_layers=2), dict(steps=3)),
    "two-layers": (lambda: Video(final, num_layers=2), dict(opset=17)),
    "both": (lambda: Video(every, bidirectional=True), dict(free=(0, 1), arguments="--steps 4")),
    "both-final": (lambda: Video(both_final, bidirectional=True), {}),
    "gru": (lambda: Video(final_gru, kind=nn.GRU), dict(opset=11)),
    "rnn": (lambda: Video(last, kind=nn.RNN), {}),
    "every-step": (lambda: Video(every), {}),
    "mean": (lambda: Video(mean), dict(free=(0,))),
    "zeros": (lambda: Video(zeros, num_layers=2), dict(free=(0, 1), arguments="--steps 4")),
    "residual": (lambda: Video(last, Residual, features=24), dict(opset=13, free=(0,))),
    "residual-nodes": (lambda: Video(last, Residual, features=24),
                       dict(opset=11, training=torch.onnx.TrainingMode.PRESERVE)),
    "shuffle": (lambda: Video(last, Shuffle, features=16), dict(free=(0, 1), arguments="--steps 4")),
    "resized": (lambda: Video(last, Resized, features=4), dict(opset=13)),
    "dense": (lambda: Video(between_steps, between=dense, features=6),
              dict(opset=17, free=(0, 1), arguments="--steps 4")),
    "dense-norm": (lambda: Video(between_steps, between=Normalize, features=6), {}),
    "no-head": (lambda: Video(every, head=None), dict(steps=6)),
}
# name: the opset of the exports of PyTorch 2.14, with and without dynamo
DYNAMO = {"folded": 18, "folded-free": 20, "channels-first": 18, "channels-last": 23, "stacked": 18, "carried": 20,
          "carried-two": 18, "carried-two-free": 20, "carried-gru-two": 18, "carried-heads": 18,
          "both": 18, "gru": 20, "mean": 18, "zeros": 23, "residual": 18, "shuffle": 20, "resized": 18, "dense": 23,
          "no-batch": 18, "unbound": 18}
SCRIPT = {"folded-free": 17, "stacked": 14, "carried-two": 20, "zeros": 18, "channels-last": 12, "resized": 13}
