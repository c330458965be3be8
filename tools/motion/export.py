# SPDX-License-Identifier: LGPL-2.1-or-later
"""Metadata of a model file, and the file of its labels."""

import json

LABELS = ("still", "pan-left", "pan-right", "tilt-up", "tilt-down", "zoom-in", "zoom-out")
LAYERS = (
    {"type": "normalization", "mean": 0.5, "scale": 4},
    {"type": "dense", "name": "projection", "activation": "tanh"},
    {"type": "lstm", "name": "lstm"},
    {"type": "dense", "name": "head", "activation": "softmax"},
)


def model_metadata(layers=LAYERS, **more):
    """Return the `__metadata__` that describes the layers of a network, with further strings."""
    text = json.dumps(layers, separators=(",", ":"))
    return {"lstm.version": "1", "lstm.layers": text, **more}


def write_labels(path, labels=LABELS):
    """Write one label per line, in the order of the network's outputs."""
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(label + "\n" for label in labels)
