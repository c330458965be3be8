# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results of Keras models for pictures (n, h, w, c) in float64, computed from the weights of Keras."""
import numpy as np

from keras_reference import EYE, activate, activation, run_norm
from keras_video_class_reference import CLASSES, OPERATIONS, run_class

EYE = EYE - {"Flatten", "Reshape"}


def run_normalization(one, x):
    """Normalizes the axis of the configuration, counted from the batch of pictures."""
    axis = one["config"].get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    axis = axis if axis < 0 or one.get("outside") is None else axis - 1
    return np.moveaxis(run_norm(one, np.moveaxis(x, axis, -1)), -1, axis)


def run_operation(one, inputs):
    return OPERATIONS[one["operation"]](*(inputs.pop(0) if v is None else v for v in one["operands"]))


def run_frame_layer(one, inputs, outside=False):
    """Runs a layer on frames (n, …). outside: the layer is not in TimeDistributed."""
    kind, c, x = one["class_name"], one["config"], inputs[0]
    if "operation" in one:
        return run_operation(one, list(inputs))
    if kind == "TimeDistributed":
        inner = one.get("inner") or {**c["layer"], "parts": {p[6:]: w for p, w in one["parts"].items()}}
        return run_frame_layer(inner, inputs)
    if "layers" in one:
        return run_frames(one["layers"], x, outside)
    if kind in EYE:
        return x
    if kind == "Flatten":
        return x.reshape(len(x), -1)
    if kind == "Reshape":
        return x.reshape(len(x), *c["target_shape"][outside:])
    if kind == "Dense":
        w, *b = [np.asarray(a, np.float64) for a in one["parts"][""]]
        return activation(c["activation"], 3.)(x @ w + (b[0] if b else 0))
    if kind == "Rescaling" or (outside and kind in ("Normalization", "BatchNormalization", "LayerNormalization")):
        return run_normalization({**one, "outside": outside or None}, x)
    if kind in CLASSES:
        return run_class(one, inputs)
    return activate(kind, c, x, 3.)


def run_frames(layers, x, outside=True):
    """Runs layers, each of which reads its sources or the previous layer."""
    results, before = {}, None
    for one in layers:
        inputs = [results[n] for n in one.get("sources", [before])] if before else [x]
        before = one["config"]["name"]
        results[before] = run_frame_layer(one, inputs, outside)
    return results[before]
