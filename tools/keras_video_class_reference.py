# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results in float64 of Keras layers for frames (n, …). Each row of CLASSES is a function of the layer and its
inputs. PyTorch computes the convolutions, NumPy everything else."""
import numpy as np
import torch
from torch.nn import functional as F

from keras_reference import activation, functions


def weights_of(one):
    return [np.asarray(w, np.float64) for w in one["parts"].get("", [])]


def finish(one, y):
    return activation(one["config"].get("activation"), one.get("version", 3.))(y)


# ---------------------------------------------------------------- windows

def same_padding(size, extent, stride):
    """Returns what TensorFlow adds before and after an axis."""
    total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def window_padding(c, sizes, kernel, strides, dilations):
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    if c["padding"] == "causal":
        return [(e - 1, 0) for e in extents]
    if c["padding"] == "same":
        return [same_padding(*axis) for axis in zip(sizes, extents, strides)]
    return [(0, 0) for _ in sizes]


def pad_axes(x, pads, value=0.):
    return np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=value)


def convolve(x, kernel, c, groups=1):
    """kernel: [spatial axes, in / groups, out]"""
    n = kernel.ndim - 2
    strides, dilations = c.get("strides", [1] * n), c.get("dilation_rate", [1] * n)
    x = pad_axes(x, window_padding(c, x.shape[1:-1], kernel.shape[:n], strides, dilations))
    y = (F.conv1d if n == 1 else F.conv2d)(
        torch.from_numpy(np.moveaxis(x, -1, 1).copy()), torch.from_numpy(np.moveaxis(kernel, (-1, -2), (0, 1)).copy()),
        stride=strides, dilation=dilations, groups=groups)
    return np.moveaxis(y.numpy(), 1, -1)


def depthwise(x, kernel, c):
    *sizes, n, m = kernel.shape
    return convolve(x, kernel.reshape(*sizes, 1, n * m), c, n)


def run_convolution(one, inputs):
    """The weights are the kernels, then the bias."""
    c, kind, x = one["config"], one["class_name"], inputs[0]
    kernels, bias = weights_of(one), 0
    if c["use_bias"]:
        *kernels, bias = kernels
    if kind.startswith("Separable"):
        y = convolve(depthwise(x, kernels[0], c), kernels[1], {"padding": "valid"})
    elif kind.startswith("Depthwise"):
        y = depthwise(x, kernels[0], c)
    else:
        y = convolve(x, kernels[0], c, c.get("groups", 1))
    return finish(one, y + bias)


def run_transposed(one, inputs):
    """Adds a window of the output for each value of the input. kernel: [h, w, out, in]"""
    c, x = one["config"], inputs[0]
    kernel, bias = weights_of(one)
    (kh, kw, m, _), (sh, sw) = kernel.shape, c["strides"]
    n, h, w, _ = x.shape
    y = np.zeros((n, h * sh + max(kh - sh, 0), w * sw + max(kw - sw, 0), m))
    for i in range(h):
        for j in range(w):
            y[:, i * sh:i * sh + kh, j * sw:j * sw + kw] += np.einsum("nc,hwmc->nhwm", x[:, i, j], kernel)
    if c["padding"] == "same":
        top, left = max(kh - sh, 0) // 2, max(kw - sw, 0) // 2
        y = y[:, top:top + h * sh, left:left + w * sw]
    return finish(one, y + bias)


def run_pooling(one, inputs):
    """Computes each window from the values that it has in the picture."""
    c, x = one["config"], inputs[0]
    kernel, n = c["pool_size"], x.ndim - 2
    strides = c["strides"] or kernel
    pads = window_padding(c, x.shape[1:-1], kernel, strides, [1] * n)
    x = pad_axes(x, pads, np.nan)
    x = np.lib.stride_tricks.sliding_window_view(x, kernel, tuple(range(1, n + 1)))
    x = x[(slice(None), *(slice(None, None, s) for s in strides))]
    return (np.nanmax if "Max" in one["class_name"] else np.nanmean)(x, tuple(range(-n, 0)))


def run_global_pooling(one, inputs):
    x = inputs[0]
    axes, is_kept = tuple(range(1, x.ndim - 1)), one["config"].get("keepdims", False)
    return (np.max if "Max" in one["class_name"] else np.mean)(x, axes, keepdims=is_kept)


# ---------------------------------------------------------------- sizes

def pairs(value):
    return [value] if np.ndim(value) == 1 else value


def run_zero_padding(one, inputs):
    return pad_axes(inputs[0], pairs(one["config"]["padding"]))


def run_cropping(one, inputs):
    x = inputs[0]
    return x[(slice(None), *(slice(a, n - b) for n, (a, b) in zip(x.shape[1:], pairs(one["config"]["cropping"]))))]


def interpolate(x, axis, size):
    """Samples at the centres of `size` pixels, linearly between the centres of the pixels of `x`."""
    n = x.shape[axis]
    at = np.clip((np.arange(size) + .5) * n / size - .5, 0, n - 1)
    low = np.floor(at).astype(int)
    part = (at - low).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    return np.take(x, low, axis) * (1 - part) + np.take(x, np.minimum(low + 1, n - 1), axis) * part


def run_up_sampling(one, inputs):
    c, x = one["config"], inputs[0]
    for axis, factor in enumerate(np.atleast_1d(c["size"]), 1):
        x = interpolate(x, axis, factor * x.shape[axis]) if c.get("interpolation") == "bilinear" else \
            np.repeat(x, factor, axis)
    return x


def run_resizing(one, inputs):
    return interpolate(interpolate(inputs[0], 1, one["config"]["height"]), 2, one["config"]["width"])


def run_permute(one, inputs):
    return inputs[0].transpose(0, *one["config"]["dims"])


# ---------------------------------------------------------------- merges

def run_merge(function):
    def run(_, inputs):
        y = inputs[0]
        for x in inputs[1:]:
            y = function(y, x)
        return y
    return run


def run_average(_, inputs):
    return sum(inputs) / len(inputs)


def run_concatenate(one, inputs):
    return np.concatenate(inputs, one["config"]["axis"])


def run_custom_scale(one, inputs):
    return inputs[0] + one["config"]["scale"] * inputs[1]


# ---------------------------------------------------------------- numbers

def run_batch_normalization(one, inputs):
    """The axis of the configuration counts from the batch."""
    c, axis = one["config"], np.atleast_1d(one["config"]["axis"])[0]
    x = np.moveaxis(inputs[0], axis, -1)
    values = weights_of(one)
    gamma = values.pop(0) if c["scale"] else 1
    beta = values.pop(0) if c["center"] else 0
    y = gamma * (x - values[0]) / np.sqrt(values[1] + c["epsilon"]) + beta
    return np.moveaxis(y, -1, axis)


def run_layer_normalization(one, inputs):
    c, x = one["config"], inputs[0]
    axes = tuple(np.atleast_1d(c["axis"]))
    values = weights_of(one)
    gamma = values.pop(0) if c["scale"] else 1
    beta = values.pop(0) if c["center"] else 0
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + c["epsilon"]) + beta


def run_normalization(one, inputs):
    c, x = one["config"], inputs[0]
    values = weights_of(one)[:2] or [np.asarray(c["mean"], float), np.asarray(c["variance"], float)]
    if c["axis"] and values[0].ndim:
        shape = [n if i in [a % x.ndim for a in c["axis"]] else 1 for i, n in enumerate(x.shape)]
        values = [v.reshape(shape) for v in values]
    mean, deviation = values[0], np.maximum(np.sqrt(values[1]), 1e-7)
    return x * deviation + mean if c["invert"] else (x - mean) / deviation


def run_layer_scale(one, inputs):
    return inputs[0] * weights_of(one)[0]


def run_relu(one, inputs):
    c, x = one["config"], inputs[0]
    y = np.where(x > c["threshold"], x, 0) if c["threshold"] else np.maximum(x, 0)
    y = y if c["max_value"] is None else np.minimum(y, c["max_value"])
    return y - c["negative_slope"] * np.maximum(c["threshold"] - x, 0)


def run_prelu(one, inputs):
    return np.where(inputs[0] > 0, inputs[0], weights_of(one)[0] * inputs[0])


def run_softmax(one, inputs):
    e = np.exp(inputs[0])
    return e / e.sum(one["config"]["axis"], keepdims=True)


def run_activation(one, inputs):
    return finish(one, inputs[0])


CLASSES = {
    "Conv1D": run_convolution, "DepthwiseConv1D": run_convolution, "SeparableConv1D": run_convolution,
    "Conv2D": run_convolution, "DepthwiseConv2D": run_convolution, "SeparableConv2D": run_convolution,
    "Conv2DTranspose": run_transposed,
    "MaxPooling1D": run_pooling, "MaxPooling2D": run_pooling,
    "AveragePooling1D": run_pooling, "AveragePooling2D": run_pooling,
    "GlobalMaxPooling1D": run_global_pooling, "GlobalMaxPooling2D": run_global_pooling,
    "GlobalAveragePooling1D": run_global_pooling, "GlobalAveragePooling2D": run_global_pooling,
    "ZeroPadding1D": run_zero_padding, "ZeroPadding2D": run_zero_padding,
    "Cropping1D": run_cropping, "Cropping2D": run_cropping,
    "UpSampling1D": run_up_sampling, "UpSampling2D": run_up_sampling, "Resizing": run_resizing,
    "Permute": run_permute,
    "Add": run_merge(np.add), "Subtract": run_merge(np.subtract), "Multiply": run_merge(np.multiply),
    "Maximum": run_merge(np.maximum), "Minimum": run_merge(np.minimum), "Average": run_average,
    "Concatenate": run_concatenate, "CustomScaleLayer": run_custom_scale,
    "BatchNormalization": run_batch_normalization, "LayerNormalization": run_layer_normalization,
    "Normalization": run_normalization, "LayerScale": run_layer_scale,
    **dict.fromkeys(("SpatialDropout2D", "RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast",
                     "RandomTranslation", "RandomBrightness"), lambda _, inputs: inputs[0]),
    "Activation": run_activation, "ReLU": run_relu, "PReLU": run_prelu, "Softmax": run_softmax,
}

# class of an operation in Keras 3: its function
OPERATIONS = {
    "GetItem": lambda x, at: x[..., at], "Stack": lambda *values: np.stack(values, -1), "BiasAdd": np.add,
    "Add": np.add, "Subtract": np.subtract, "Multiply": np.multiply, "TrueDivide": np.divide, "Maximum": np.maximum,
    "Minimum": np.minimum, "Negative": np.negative, "Absolute": np.abs, "Exp": np.exp, "Sqrt": np.sqrt,
    **{name.title(): functions(3.)[name] for name in ("relu", "relu6", "sigmoid", "tanh", "silu", "selu", "softplus",
                                                      "elu")},
    "LeakyRelu": functions(3.)["leaky_relu"], "HardSilu": functions(3.)["hard_silu"], "Gelu": functions(3.)["gelu"],
}


def run_class(one, inputs):
    """Runs a layer. The functions of CLASSES have the channels last."""
    if one["config"].get("data_format") != "channels_first":
        return CLASSES[one["class_name"]](one, inputs)
    y = CLASSES[one["class_name"]](one, [np.moveaxis(x, 1, -1) for x in inputs])
    return np.moveaxis(y, -1, 1)
