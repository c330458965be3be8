# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results of Keras layers for pictures (n, h, w, c) in float64, computed by PyTorch from the weights of Keras."""
import numpy as np
import torch
from torch.nn import functional as F

from keras_reference import EYE, activate, activation, run_norm

EYE = EYE - {"Flatten", "Reshape"}


def same_padding(size, kernel, stride, dilation=1):
    """Returns the padding of Keras before and after an axis: the larger one is after it."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def pad_same(x, c, kernel, value=0.):
    strides, dilations = c.get("strides") or kernel, c.get("dilation_rate", [1, 1])
    pads = [same_padding(*axis) for axis in zip(x.shape[2:], kernel, strides, dilations)] \
        if c["padding"] == "same" else [(0, 0)] * 2
    return F.pad(x, [*pads[1], *pads[0]], value=value)


def convolve(x, kernel, bias, c, groups=1):
    """Returns a convolution of channels first. kernel: [h, w, in / groups, out]"""
    y = F.conv2d(pad_same(x, c, kernel.shape[:2]), kernel.permute(3, 2, 0, 1), bias, c.get("strides", [1, 1]),
                 dilation=c.get("dilation_rate", [1, 1]), groups=groups)
    return y


def depthwise(x, kernel, bias, c):
    """kernel: [h, w, in, multiplier]"""
    h, w, n, m = kernel.shape
    return convolve(x, kernel.reshape(h, w, 1, n * m), bias, c, n)


def run_convolution(kind, c, weights, x):
    kernels, bias = (weights[:-1], weights[-1]) if c.get("use_bias", True) else (weights, None)
    if kind == "DepthwiseConv2D":
        return depthwise(x, kernels[0], bias, c)
    if kind == "SeparableConv2D":
        return convolve(depthwise(x, kernels[0], None, c), kernels[1], bias, {"padding": "valid"})
    return convolve(x, kernels[0], bias, c, c.get("groups", 1))


def run_pooling(kind, c, x):
    size, strides = c["pool_size"], c.get("strides") or c["pool_size"]
    c = {**c, "strides": strides}
    if kind == "MaxPooling2D":
        return F.max_pool2d(pad_same(x, c, size, -np.inf), size, strides)
    counts = F.avg_pool2d(pad_same(torch.ones_like(x), c, size), size, strides)
    return F.avg_pool2d(pad_same(x, c, size), size, strides) / counts


def run_picture(one, x):
    """Runs a layer whose input is a picture, in the order of its data_format."""
    kind, c = one["class_name"], one["config"]
    is_first = c.get("data_format") == "channels_first"
    t = torch.from_numpy(x if is_first else x.transpose(0, 3, 1, 2).copy())
    if kind.startswith("Global"):
        y = (t.amax if "Max" in kind else t.mean)((2, 3), keepdim=c.get("keepdims", False))
        return y.permute(0, 2, 3, 1).numpy() if y.ndim == 4 and not is_first else y.numpy()
    if "Pooling" in kind:
        y = run_pooling(kind, c, t)
    elif kind == "ZeroPadding2D":
        (top, bottom), (left, right) = c["padding"]
        y = F.pad(t, (left, right, top, bottom))
    else:
        weights = [torch.from_numpy(np.asarray(w, np.float64)) for w in one["parts"][""]]
        y = run_convolution(kind, c, weights, t)
    y = y.numpy() if is_first else y.permute(0, 2, 3, 1).numpy()
    return activation(c.get("activation"), 3.)(y)


def run_merge(kind, inputs):
    if kind == "Concatenate":
        return np.concatenate(inputs, -1)
    y = inputs[0]
    for x in inputs[1:]:
        y = y * x if kind == "Multiply" else y + x
    return y


def run_normalization(one, x):
    """Normalizes the axis of the configuration, counted from the batch of pictures."""
    axis = one["config"].get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    axis = axis if axis < 0 or one.get("outside") is None else axis - 1
    return np.moveaxis(run_norm(one, np.moveaxis(x, axis, -1)), -1, axis)


def run_operation(one, inputs):
    left, right = (inputs.pop(0) if v is None else v for v in one["operands"])
    return {"Add": left + right, "Subtract": left - right, "Multiply": left * right,
            "TrueDivide": left / right if one["operation"] == "TrueDivide" else None}[one["operation"]]


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
    if kind in ("Add", "Multiply", "Concatenate"):
        return run_merge(kind, inputs)
    if kind == "Flatten":
        return x.reshape(len(x), -1)
    if kind == "Reshape":
        return x.reshape(len(x), *c["target_shape"][outside:])
    if kind == "Dense":
        w, *b = [np.asarray(a, np.float64) for a in one["parts"][""]]
        return activation(c["activation"], 3.)(x @ w + (b[0] if b else 0))
    if kind in ("Normalization", "Rescaling", "BatchNormalization", "LayerNormalization"):
        return run_normalization({**one, "outside": outside or None}, x)
    if kind in ("Activation", "ReLU", "LeakyReLU"):
        return activate(kind, c, x, 3.)
    return run_picture(one, x)


def run_frames(layers, x, outside=True):
    """Runs layers, each of which reads its sources or the previous layer."""
    results, before = {}, None
    for one in layers:
        inputs = [results[n] for n in one.get("sources", [before])] if before else [x]
        before = one["config"]["name"]
        results[before] = run_frame_layer(one, inputs, outside)
    return results[before]
