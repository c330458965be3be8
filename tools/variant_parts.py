# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts that the cases of tools/make-variants share."""
import zlib

import numpy as np

# cases with gates.npy
TRACED = {"onnx-plain", "onnx-peepholes-wide", "onnx-clip-peepholes",
          "onnx-input-forget-peepholes", "onnx-reverse-everything",
          "onnx-bidirectional-everything", "tf-cell-clip-projection", "keras-relu", "keras-last",
          "keras-masking", "keras-masking-wide", "keras-masking-bidirectional-stacked",
          "keras-masking-backwards", "keras-autoencoder-longer", "keras-given",
          "keras-given-long", "keras-given-and-masking", "keras-softmax", "keras-softmax-gates",
          "keras-softmax-masking"}


class Draw:
    """Random weights and inputs: float64 arrays with values that are exact in float32."""

    def __init__(self, name):
        self.random = np.random.RandomState(zlib.crc32(name.encode()))

    def __call__(self, *shape, spread=1.):
        return self.random.uniform(-spread, spread, shape).astype("f4").astype("f8")

    def inputs(self, shape):
        return self.random.normal(size=shape).astype("f4").astype("f8")


def file_names(tensors, name, suffix=""):
    """Returns the tensors of one direction of layer `name`, by their names in the file."""
    return {f"{name}.{key}_l0{suffix}": value for key, value in tensors.items()
            if value is not None}


def pool(x, function, live=None):
    """Returns the value of the steps of x [bs, T, n] that `live` [bs, T] does not mask: [bs, 1, n], 0 if all
    steps are masked."""
    live = np.ones(x.shape[:2], bool) if live is None else live
    rows = [{"mean": np.mean, "max": np.max, "sum": np.sum}[function](row[steps], 0)
            if steps.any() else np.zeros(x.shape[2]) for row, steps in zip(x, live)]
    return np.stack(rows)[:, None]
