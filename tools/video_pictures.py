# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks of a frame that more operators make up: transformers of a picture, statistics, coordinates, selections."""
import torch
from torch import nn

from video_cases import Video
from video_networks import last, stacked

F = nn.functional


class Patches(nn.Module):
    """A vision transformer of 4 patches with a class token."""

    def __init__(self, d=8, heads=2):
        super().__init__()
        self.embed, self.heads = nn.Conv2d(3, d, 4, 4), heads
        self.token, self.positions = nn.Parameter(torch.zeros(1, 1, d)), nn.Parameter(torch.zeros(1, 5, d))
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(2))
        self.qkv, self.project = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), 1) + self.positions
        b, n, d = x.shape
        q, k, v = self.qkv(self.norms[0](x)).reshape(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * (d // self.heads)**-.5).softmax(-1)
        x = x + self.project((weights @ v).transpose(1, 2).reshape(b, n, d))
        return (x + self.mlp(self.norms[1](x)))[:, 0]


class Windows(nn.Module):
    """Shifted windows of 2 x 2 pixels, and their concatenation to half the size."""

    def __init__(self, d=4):
        super().__init__()
        self.embed, self.norm, self.linear = nn.Conv2d(3, d, 2, 2), nn.LayerNorm(d), nn.Linear(4 * d, 4 * d)

    def forward(self, x):
        x = torch.roll(self.norm(self.embed(x).permute(0, 2, 3, 1)), (-1, -1), (1, 2))
        b, h, w, c = x.shape
        x = self.linear(x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4 * c))
        x = x.view(b, h // 2, w // 2, 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        return torch.cat([x[:, i::2, k::2] for k in (0, 1) for i in (0, 1)], -1).mean((1, 2))


class Coordinates(nn.Module):
    """Two channels with the coordinates of the pixels, which depend on the size alone."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(5, 4, 3, 3)

    def forward(self, x):
        b, _, h, w = x.shape
        rows = torch.linspace(-1, 1, h, dtype=x.dtype).view(1, 1, h, 1).expand(b, 1, h, w)
        columns = torch.linspace(-1, 1, w, dtype=x.dtype).view(1, 1, 1, w).expand(b, 1, h, w)
        return self.conv(torch.cat((x, rows, columns), 1)).flatten(1)


class Statistics(nn.Module):
    """Moments of each channel, and the largest numbers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x):
        y = self.conv(x)
        parts = y.mean((2, 3)), y.std((2, 3)), y.norm(dim=(2, 3)), y.amax((2, 3)), y.flatten(2).topk(2)[0].flatten(1)
        return torch.cat(parts, 1)


class Blocks(nn.Module):
    """Moves blocks of pixels to channels and back, and the rows of a picture in reverse order."""

    def __init__(self):
        super().__init__()
        self.conv, self.up = nn.Conv2d(12, 4, 1), nn.ConvTranspose2d(1, 1, 2, 2)

    def forward(self, x):
        x = F.pixel_shuffle(F.selu(self.conv(F.pixel_unshuffle(x, 2))), 2)
        x = torch.stack(x.unbind(2)[::-1], 2) - x.flip(3)
        return F.max_pool2d(self.up(x), 4, ceil_mode=True).flatten(1)


class Differences(nn.Module):
    """The differences of neighbouring rows of a picture weigh the picture."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        rows = F.pad(x[:, :, 1:] - x[:, :, :-1], (0, 0, 0, 1))
        y = F.avg_pool2d(self.left(x) * torch.sigmoid(self.right(rows)), 3, 1, 1, count_include_pad=False)
        return F.normalize(torch.where(y > 0, y, y.exp() - 1).amax((2, 3)), dim=1)


def mirrored(self, x):
    """Runs a second layer over the steps in reverse order."""
    b, t = x.shape[:2]
    f = self.encode(x.flatten(0, 1)).view(b, t, -1)
    return torch.cat((self.rnn(f)[0], self.rnn(f.flip(1))[0].flip(1)), -1)


def scattered(self, x):
    """Runs the CNN in a loop, and writes the features of each frame into a tensor of zeros."""
    f = torch.zeros(x.shape[0], x.shape[1], 16, dtype=x.dtype)
    for k in range(x.shape[1]):
        f[:, k] = self.encode(x[:, k])
    return self.head(self.rnn(f)[0][:, -1])


# name: (network, arguments of write_case)
PICTURES = {
    "patches": (lambda: Video(last, Patches, features=8), dict(opset=17, free=(0, 1), arguments="--steps 4")),
    "patches-nodes": (lambda: Video(last, Patches, features=8), dict(opset=13)),
    "windows": (lambda: Video(last, Windows, features=16), dict(opset=17, free=(0,))),
    "coordinates": (lambda: Video(last, Coordinates), dict(opset=14, free=(0, 1), arguments="--steps 4")),
    "coordinates-stacked": (lambda: Video(stacked, Coordinates), dict(opset=14, steps=3)),
    "statistics": (lambda: Video(last, Statistics, features=18), dict(opset=11, free=(0,))),
    "blocks": (lambda: Video(last, Blocks), dict(opset=16)),
    "differences": (lambda: Video(last, Differences, features=4), dict(opset=13, free=(0,))),
    "scattered": (lambda: Video(scattered), dict(steps=3)),
    "mirrored": (lambda: Video(mirrored, head=None), dict(free=(0, 1), arguments="--steps 4")),
}
