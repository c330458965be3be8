# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the Python module share: the imports, the vectors and small models.

A test is skipped without NumPy."""
import os
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: python3-numpy is not installed")
    sys.exit(77)
import gi

gi.require_version("Lstm", "1.0")
from gi.repository import GLib, Lstm  # noqa: E402 (require_version() precedes the import)

SOURCE = os.environ["LSTM_TEST_SOURCE"]
VECTORS = os.environ["LSTM_TEST_VECTORS"]
sys.path.append(os.path.join(SOURCE, "tools"))
import safetensors_file  # noqa: E402 (of tools/)

TOLERANCE = 1e-5
override = sys.modules["gi.overrides.Lstm"]


def load_model(folder, **options):
    return Lstm.Model(os.path.join(VECTORS, folder, "model.safetensors"), **options)


def load_array(folder, name):
    """Returns an array of a folder of vectors, or None without such a file."""
    path = os.path.join(VECTORS, folder, name + ".npy")
    return np.load(path) if os.path.exists(path) else None


def make_weights(d, m, seed=0):
    """Returns the tensors of a PyTorch LSTM of d inputs and m units."""
    random = np.random.default_rng(seed)
    shapes = {"weight_ih_l0": (4 * m, d), "weight_hh_l0": (4 * m, m),
              "bias_ih_l0": (4 * m,), "bias_hh_l0": (4 * m,)}
    return {name: random.normal(0, 0.3, shape).astype("f4") for name, shape in shapes.items()}


def make_model(d, m, **options):
    """Returns a model of one LSTM layer with random weights."""
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        safetensors_file.write(file.name, make_weights(d, m), None)
        return Lstm.Model(file.name, **options)


def run_reference(weights, x):
    """Runs the LSTM of make_weights() in float64. Returns: h, c and gates of all steps of x [T, d]"""
    w, u, b, b2 = (weights[name].astype("f8") for name in (
        "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"))
    h = c = np.zeros(u.shape[1])
    steps = []
    for step in x.astype("f8"):
        i, f, g, o = np.split(w @ step + b + u @ h + b2, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        g = np.tanh(g)
        c = f * c + i * g
        h = o * np.tanh(c)
        steps.append((h, c, np.stack([i, f, g, o])))
    return [np.stack(values) for values in zip(*steps)]
