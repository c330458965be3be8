# SPDX-License-Identifier: LGPL-2.1-or-later
"""Accuracy of the network on steady clips over pictures, on streams of clips, and on video."""

import os

import numpy as np
import torch

from . import camera, photos, textures
from .export import LABELS
from .grid import grids, resample
from .render import Pictures, render

FRAMES = 32
BANDS = ((.005, .01), (.01, .02), (.02, .06))  # view widths per frame
ZOOMS = ((.008, .012), (.012, .02), (.02, .04))  # relative change of the view width per frame
CLIPS = 2100  # per line of a table
BATCH = 350
STREAM = 20  # clips per stream
VIDEO = "vtest.avi"
VIDEO_SIZE = (384, 512)  # size of its frames for the virtual camera


def steady_clips(g, pictures, cells, count, band):
    """Return count clips (count, FRAMES, inputs) of steady motion, with the classes in turn, and the classes."""
    label = torch.arange(count) % camera.CLASSES
    path = camera.straight(g, label, FRAMES, pictures.size, BANDS[band], ZOOMS[band])
    indices = torch.randint(0, len(pictures), (count,), generator=g)
    return render(pictures, indices, path.view(), cells).flatten(2), label


def clips_over_video(g, pictures, cells, count, band):
    """Return clips of steady motion over the frames of a video, which plays during each clip."""
    label = torch.arange(count) % camera.CLASSES
    path = camera.straight(g, label, FRAMES, pictures.size, BANDS[band], ZOOMS[band])
    first = torch.randint(0, len(pictures) - FRAMES, (count, 1), generator=g)
    indices = (first + torch.arange(FRAMES)).flatten()
    view = [part.reshape(-1, 1) for part in path.view()]
    return render(pictures, indices, view, cells).view(count, FRAMES, -1), label


def answers(network, clips):
    """Return the network's classes (clips, frames), from a zero state at the first frame."""
    with torch.no_grad():
        return network(clips)[0].argmax(2)


def without_state(network, clips):
    """Return the classes (clips, frames) with a zero state at every frame."""
    return answers(network, clips.flatten(0, 1)[:, None]).view(clips.shape[:2])


def streamed(network, clips):
    """Return the classes (clips, frames) when the state passes through STREAM successive clips."""
    streams = len(clips) // STREAM
    mixed = torch.randperm(len(clips), generator=torch.Generator().manual_seed(3))
    long = clips[mixed[:streams * STREAM]].view(streams, STREAM * FRAMES, -1)
    result = torch.zeros(clips.shape[:2], dtype=torch.long) - 1
    result[mixed[:streams * STREAM]] = answers(network, long).view(-1, FRAMES)
    return result


def quick(network, pictures, seed=11, count=BATCH):
    """Return the share of correct answers at the last frame, by speed band."""
    g = torch.Generator().manual_seed(seed)
    shares = []
    for band in range(len(BANDS)):
        clips, label = steady_clips(g, pictures, network.cells, count, band)
        shares.append((answers(network, clips)[:, -1] == label).float().mean().item())
    return shares


def still_share(network, video):
    """Return the share of frames of a video (frames, inputs) with the answer still, with one state."""
    return (answers(network, torch.from_numpy(video)[None])[0] == 0).float().mean().item()


def confusion(label, answer):
    """Return the counts (class, answer)."""
    return np.bincount((label * camera.CLASSES + answer).numpy(),
                       minlength=camera.CLASSES ** 2).reshape(camera.CLASSES, -1)


def print_confusion(counts):
    """Print the confusion table in percent."""
    print(" " * 12 + "".join(f"{label:>11}" for label in LABELS))
    for label, row in zip(LABELS, counts):
        print(f"{label:12}" + "".join(f"{share:11.1f}" for share in 100 * row / row.sum()))
    print()


def speed_table(network, title, pictures, draw=steady_clips, clips=CLIPS):
    """Print a line for each speed band, and the confusion over the bands from 1 % per frame."""
    print(f"{title}: {len(pictures)} pictures, {clips} clips per line")
    print(f"{'speed, % of width per frame':28}{'8':>8}{'16':>8}{'24':>8}{'32 frames':>12}"
          f"{'state zeroed':>15}{'streamed':>11}")
    g, counts = torch.Generator().manual_seed(17), 0
    for band, (low, high) in enumerate(BANDS):
        drawn = [draw(g, pictures, network.cells, BATCH, band) for _ in range(clips // BATCH)]
        grids_, label = (torch.cat(part) for part in zip(*drawn))
        answer = answers(network, grids_)
        right = (answer == label[:, None]).float().mean(0)
        zeroed = (without_state(network, grids_)[:, -1] == label).float().mean()
        stream = streamed(network, grids_)[:, -1]
        stream = (stream == label)[stream >= 0].float().mean()
        print(f"{100 * low:g} to {100 * high:g}".ljust(28) + "".join(
            f"{right[n - 1]:8.3f}" for n in (8, 16, 24)) +
            f"{right[-1]:12.3f}{zeroed:15.3f}{stream:11.3f}")
        counts = counts + confusion(label, answer[:, -1]) * (band > 0)
    print("\nAnswers in % (after 32 frames, at 1 % of the width per frame and more):")
    print_confusion(counts)


def kinds_table(network, seed, count):
    """Print the share of correct answers for each kind of synthetic picture, at 1 to 6 % per frame."""
    kinds = {}
    for index in range(count):
        kinds.setdefault(textures.kind(seed, index), []).append(index)
    pool = textures.pool(seed, count)
    print(f"{'held-out pictures by kind':28}{'pictures':>10}{'32 frames':>12}")
    for kind, indices in sorted(kinds.items()):
        shares = quick(network, Pictures(pool[indices]), count=BATCH * 2)
        print(f"{kind:28}{len(indices):10}{np.mean(shares[1:]):12.3f}")
    print()


def video_tables(network, path):
    """Print the answers for the video of a still camera and for a virtual camera over that video."""
    frames = photos.frames(path)
    inputs = grids(frames, network.cells.rows, network.cells.columns)
    answer = answers(network, torch.from_numpy(inputs)[None])
    shares = [(answer == k).float().mean().item() for k in range(camera.CLASSES)]
    print(f"{os.path.basename(path)}, a still camera, {len(frames)} frames, state carried: " +
          ", ".join(f"{label} {100 * share:.1f} %"
                    for label, share in zip(LABELS, shares) if share) + "\n")
    small = [np.round(resample(frame, *VIDEO_SIZE)).clip(0, 255) for frame in frames]
    speed_table(network, f"Virtual camera over running {os.path.basename(path)}",
                Pictures(small), clips_over_video, CLIPS // 3)


def evaluate(network, seed, count, folder=photos.FOLDER):
    """Print all tables. If photos or the video are missing, print what is missing and skip the table."""
    speed_table(network, "Held-out synthetic pictures", Pictures(textures.pool(seed, count)))
    kinds_table(network, seed, count)
    names, pictures = photos.photos(folder)
    if names:
        speed_table(network, f"Photos ({len(set(names))})", Pictures(pictures))
    else:
        print(f"No photos in {folder} (Debian's package opencv-doc): left out.\n")
    video = os.path.join(folder, VIDEO)
    if os.path.exists(video):
        video_tables(network, video)
    else:
        print(f"No {video} (Debian's package opencv-doc): left out.")
