# SPDX-License-Identifier: LGPL-2.1-or-later
"""Synthetic pictures: noise, shapes, patterns, dead leaves, drawings, gradients, fractals.

Each picture is (SIZE, SIZE) uint8 and depends only on (seed, index).
"""

import functools
import multiprocessing
import os

import numpy as np

from . import shapes
from .shapes import SIZE

REVISION = 1  # part of the name of the cache; increase it if the pictures change


def log_uniform(rng, low, high):
    """Return a number between low and high with a uniform logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def blur(image, sigma):
    """Blur an image by a Gaussian, with periodic edges."""
    fy = np.fft.fftfreq(SIZE)[:, None]
    fx = np.fft.rfftfreq(SIZE)[None]
    gauss = np.exp(-2 * (np.pi * sigma) ** 2 * (fx * fx + fy * fy))
    return np.fft.irfft2(np.fft.rfft2(image) * gauss, s=image.shape)


def noise(rng):
    """Draw 1/f^a noise with mean 0.5 and standard deviation 0.2."""
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
    ky = np.fft.fftfreq(SIZE)[:, None] * SIZE * rng.uniform(.6, 1.6)
    kx = np.fft.rfftfreq(SIZE)[None] * SIZE
    corner = rng.choice([1., 3., 6., 12.])
    spectrum *= np.maximum(np.sqrt(kx * kx + ky * ky), corner) ** -rng.uniform(.6, 2)
    spectrum[0, 0] = 0
    image = np.fft.irfft2(spectrum, s=(SIZE, SIZE))
    return .5 + .2 * image / image.std()


def scattered(rng):
    """Draw shapes of any tone over noise or a flat background."""
    image = noise(rng) if rng.random() < .7 else np.full((SIZE, SIZE), rng.uniform())
    largest = log_uniform(rng, 15, 160)
    for _ in range(int(log_uniform(rng, 8, 200))):
        shapes.paint(rng, image, rng.uniform(.2, 1) * largest, rng.uniform())
    return image


def periodic(rng):
    """Draw a chequerboard, waves or a weave, with some noise."""
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    angle, period = rng.uniform(0, np.pi), log_uniform(rng, 12, 120)
    u = (xx * np.cos(angle) + yy * np.sin(angle)) / period
    v = (yy * np.cos(angle) - xx * np.sin(angle)) / period * rng.uniform(.6, 1.6)
    kind = rng.integers(3)
    if kind == 0:
        image = (np.floor(u) + np.floor(v)) % 2
    elif kind == 1:
        image = .5 + .25 * (np.sin(2 * np.pi * u) + np.sin(2 * np.pi * v))
    else:
        image = (u % 1 < .4) * .6 + (v % 1 < .3) * .4
    return image * rng.uniform(.2, .7) + noise(rng) * rng.uniform(.3, 1)


def patches(rng):
    """Draw two noises, selected by a third noise."""
    other = noise(rng) * rng.uniform(.3, 1) + rng.uniform(-.3, .3)
    return np.where(noise(rng) > .5, noise(rng), other)


def leaves(rng):
    """Draw dead leaves: shapes of power-law sizes in few tones that occlude each other, as in photos."""
    tones = np.clip(rng.normal(.5, rng.uniform(.1, .35), rng.integers(2, 12)), 0, 1)
    image = np.full((SIZE, SIZE), tones[0])
    count = int(log_uniform(rng, 40, 1500))
    smallest, largest = log_uniform(rng, 4, 40), rng.uniform(120, 420)
    sizes = smallest ** -2 + rng.random(count) * (largest ** -2 - smallest ** -2)
    sizes = sizes ** -.5
    sizes[:12] = np.sort(rng.uniform(.3, 1, 12))[::-1] * largest
    kind = rng.choice(["ellipse", "box", "polygon", None])
    for size in sizes:
        tone = np.clip(rng.choice(tones) + rng.normal(0, .06), 0, 1)
        name = kind or str(rng.choice(["ellipse", "box", "polygon"]))
        shapes.paint(rng, image, size, tone, name, margin=20)
    image += (noise(rng) - .5) * rng.choice([0, .1, .3, .8]) * rng.random()
    return blur(image + (noise(rng) - .5) * rng.uniform(0, .5), log_uniform(rng, .5, 5))


def drawing(rng):
    """Draw flat areas, outlines, lines and marks like text on a flat background."""
    ground, ink = rng.uniform(size=2)
    image = np.full((SIZE, SIZE), ground)
    for _ in range(rng.integers(2, 30)):
        size, kind = log_uniform(rng, 15, 260), rng.choice(["ellipse", "box", "polygon"])
        inside = ground if rng.random() < .4 else rng.uniform()
        shapes.outlined(rng, image, size, str(kind), ink, inside)
    for _ in range(rng.integers(0, 20)):
        shapes.paint(rng, image, log_uniform(rng, 30, 400), ink, "line")
    for _ in range(rng.integers(0, 6)):
        shapes.text(rng, image, ink if rng.random() < .7 else rng.uniform())
    return image


def gradients(rng):
    """Draw a few very smooth lobes, sometimes quantized to few grey levels."""
    yy, xx = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    image = np.zeros((SIZE, SIZE))
    for _ in range(rng.integers(2, 12)):
        x, y = rng.uniform(-.2, 1.2, 2)
        width = log_uniform(rng, .06, .5)
        image += rng.normal() * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * width ** 2))
    if rng.random() < .3:
        image = np.floor(image * rng.uniform(2, 12))
    return image


def fractal(rng):
    """Draw a part of a Julia set by escape time, in smooth or banded tones."""
    angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(.6, .8)
    extent = log_uniform(rng, .3, 1.6)
    x, y = rng.uniform(-.6, .6, 2)
    axis = np.linspace(-extent, extent, SIZE)
    z = (axis + x)[None] + 1j * (axis + y)[:, None]
    c = radius * np.exp(1j * angle)
    count = np.zeros(z.shape)
    for _ in range(40):
        z = np.where(np.abs(z) < 4, z * z + c, z)
        count += np.abs(z) < 4
    image = count ** rng.uniform(.3, 1)
    return np.sin(image * rng.uniform(.3, 2)) if rng.random() < .4 else image


KINDS = ((noise, .12), (scattered, .15), (periodic, .04), (patches, .06), (leaves, .40),
         (drawing, .12), (gradients, .05), (fractal, .06))


def finish(rng, image, softness):
    """Sometimes blur, sometimes light unevenly, set mean and contrast, and round to 8 bits."""
    if rng.random() < softness:
        image = blur(image, log_uniform(rng, .7, 6))
    image = (image - image.mean()) / (image.std() + 1e-3) * log_uniform(rng, .06, .28)
    if rng.random() < .3:
        yy, xx = np.mgrid[0:SIZE, 0:SIZE] / SIZE - .5
        gx, gy = rng.normal(0, .3, 2)
        image = image + gx * xx + gy * yy
    return np.round(np.clip(image + rng.uniform(.25, .75), 0, 1) * 255).astype(np.uint8)


def chosen(rng):
    """Return a random drawing function with the probabilities of KINDS."""
    draws, shares = zip(*KINDS)
    return draws[rng.choice(len(draws), p=shares)]


def kind(seed, index):
    """Return the kind of picture number index of the series seed."""
    return chosen(np.random.default_rng([seed, index])).__name__


def picture(seed, index):
    """Return picture number index of the series seed, (SIZE, SIZE) uint8."""
    rng = np.random.default_rng([seed, index])
    draw = chosen(rng)
    return finish(rng, draw(rng), 0 if draw is leaves else .4)


def pool(seed, count, jobs=2):
    """Return (count, SIZE, SIZE) uint8 pictures, cached in the user's cache directory."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(cache, "gst-lstm")
    path = os.path.join(folder, f"textures-{REVISION}-{seed}-{count}.npy")
    if os.path.exists(path):
        return np.load(path, mmap_mode="r")
    os.makedirs(folder, exist_ok=True)
    with multiprocessing.Pool(jobs) as workers:
        pictures = workers.map(functools.partial(picture, seed), range(count), chunksize=16)
    np.save(path + ".new.npy", np.stack(pictures))
    os.replace(path + ".new.npy", path)
    return np.load(path, mmap_mode="r")
