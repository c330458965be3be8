# SPDX-License-Identifier: LGPL-2.1-or-later
"""Photos and videos of Debian's opencv-doc for the evaluation, decoded by gst-launch-1.0."""

import glob
import os
import re
import subprocess

import numpy as np

from .grid import resample
from .shapes import SIZE

LAUNCH = os.path.join(os.path.dirname(__file__), "..", "gst-launch")
FOLDER = "/usr/share/doc/opencv-doc/examples/data"
NOT_PHOTOS = ("aloeGT", "chessboard", "detect_blob", "digits", "ela_", "ellipses", "gradient",
              "imageText", "mask", "ml.", "notes", "opencv-logo", "pca_", "pic", "templ",
              "text_", "tmpl")
MORE_OF_ONE_SCENE = re.compile(r"(left|right)(0[2-9]|1\d)\.jpg")


def frames(path):
    """Return the luma of a picture or video file: (n, height, width) uint8."""
    pipeline = ["filesrc", f"location={path}", "!", "decodebin", "!", "videoconvert", "!",
                "video/x-raw,format=GRAY8", "!", "pnmenc", "!", "fdsink"]
    done = subprocess.run([LAUNCH, "600", "-q", *pipeline], capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"{path}: {done.stderr.decode().strip() or 'nothing decoded'}")
    return graymaps(done.stdout)


def graymaps(data):
    """Return images (n, height, width) of n concatenated portable graymaps."""
    images, offset = [], 0
    header = re.compile(rb"P5\s(?:#[^\n]*\n)?\s*(\d+)\s+(\d+)\s+255\s")
    while match := header.match(data, offset):
        width, height = int(match[1]), int(match[2])
        pixels = np.frombuffer(data, np.uint8, width * height, match.end())
        images.append(pixels.reshape(height, width))
        offset = match.end() + width * height
    return np.stack(images)


def squares(image, size=SIZE):
    """Return the two ends of an image as (size, size) uint8 squares, with its shorter side scaled to size."""
    height, width = image.shape
    scale = size / min(height, width)
    image = resample(image, max(size, round(height * scale)), max(size, round(width * scale)))
    image = np.round(image).clip(0, 255).astype(np.uint8)
    return [image[:size, :size], image[-size:, -size:]]


def photos(folder=FOLDER):
    """Return (names, pictures): two (SIZE, SIZE) uint8 pictures of each photo of the folder."""
    names, pictures = [], []
    for path in sorted(glob.glob(os.path.join(folder, "*.jpg")) +
                       glob.glob(os.path.join(folder, "*.png"))):
        name = os.path.basename(path)
        if (name.startswith(NOT_PHOTOS) or MORE_OF_ONE_SCENE.fullmatch(name) or
                os.path.getsize(path) < 15000):
            continue
        image = frames(path)[0]
        if min(image.shape) >= 200:
            names += [name, name]
            pictures += squares(image)
    return names, np.stack(pictures) if pictures else np.zeros((0, SIZE, SIZE), np.uint8)
