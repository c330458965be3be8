# SPDX-License-Identifier: LGPL-2.1-or-later
"""The layers of video models: layers of pictures with random weights."""
import math

import numpy as np

from keras_files import RNG, distributed, draw_weights, layer, tensor


def picture_layer(kind, name, weights=(), **config):
    return layer(kind, name, {"": list(weights)}, **{"data_format": "channels_last", **config})


def draw_kernel(*shape):
    return draw_weights(*shape, spread=1.7 / math.sqrt(np.prod(shape[:-1])))


def conv(name, c, n, k=3, bias=True, groups=1, **config):
    weights = [draw_kernel(k, k, c // groups, n)] + ([draw_weights(n, spread=.3)] if bias else [])
    return picture_layer("Conv2D", name, weights, filters=n, kernel_size=[k, k], use_bias=bias, groups=groups,
                         **{"strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "activation": "linear",
                            **config})


def depthwise(name, c, k=3, multiplier=1, **config):
    kernel = draw_weights(k, k, c, multiplier, spread=1.7 / k)
    return picture_layer("DepthwiseConv2D", name, [kernel, draw_weights(c * multiplier, spread=.3)],
                         kernel_size=[k, k], depth_multiplier=multiplier, use_bias=True,
                         **{"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "activation": "linear",
                            **config})


def separable(name, c, n, k=3, **config):
    weights = [draw_weights(k, k, c, 1, spread=1.7 / k), draw_kernel(1, 1, c, n), draw_weights(n, spread=.3)]
    return picture_layer("SeparableConv2D", name, weights, filters=n, kernel_size=[k, k], depth_multiplier=1,
                         use_bias=True, **{"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1],
                                           "activation": "linear", **config})


def batch_norm(name, c, axis=-1, scale=True, **config):
    weights = [RNG.uniform(.7, 1.3, c).astype(np.float32)] * scale + [draw_weights(c, spread=.2)] + \
        [draw_weights(c, spread=.2), RNG.uniform(.5, 1.5, c).astype(np.float32)]
    return layer("BatchNormalization", name, {"": weights}, axis=axis, epsilon=.001, scale=scale, center=True,
                 momentum=.99, **config)


def pool(name, size=2, kind="MaxPooling2D", **config):
    return picture_layer(kind, name, pool_size=[size, size],
                         **{"strides": [size, size], "padding": "valid", **config})


def relu(name, top=None):
    return layer("ReLU", name, max_value=top, negative_slope=0., threshold=0.)


def read(one, *sources):
    """Returns the layer, which reads the layers `sources` of its functional model."""
    return {**one, "sources": list(sources)}


def td(one):
    return distributed(one, "td_" + one["config"]["name"])


# class of an operation in Keras 3: its function in TensorFlow
FUNCTIONS = {
    "Add": "__operators__.add", "Subtract": "math.subtract", "Multiply": "math.multiply", "TrueDivide": "math.truediv",
    "Maximum": "math.maximum", "Minimum": "math.minimum", "Negative": "math.negative", "Absolute": "math.abs",
    "Exp": "math.exp", "Sqrt": "math.sqrt", "Relu": "nn.relu", "Relu6": "nn.relu6", "Sigmoid": "math.sigmoid",
    "Tanh": "math.tanh", "Silu": "nn.silu", "Selu": "nn.selu", "Softplus": "math.softplus", "Elu": "nn.elu",
    "BiasAdd": "nn.bias_add",
}


def constant(value, k3):
    return {"class_name": "__tensor__", "config": {"value": value, "dtype": "float32"}} \
        if k3 and isinstance(value, list) else value


def operation(kind, name, k3, *operands, **config):
    """Returns an operation. operands: one or two names of layers, numbers, and lists of numbers"""
    sources = [o for o in operands if isinstance(o, str)]
    if k3:
        call = {"args": [tensor(o) if isinstance(o, str) else constant(o, k3) for o in operands], "kwargs": {}}
        config = {"name": name, **config}
    else:
        first, *others = [[o, 0, 0] if isinstance(o, str) else o for o in operands]
        first = first if isinstance(operands[0], str) else ["_CONSTANT_VALUE", -1, first]
        call = [*first, {"bias": others[0], "data_format": "NHWC"} if kind == "BiasAdd" else
                {**({"y": others[0]} if others else {}), "name": None}]
        config = {"name": name, "trainable": True, "dtype": "float32", "function": FUNCTIONS[kind]}
    return {"class_name": kind if k3 else "TFOpLambda", "config": config, "parts": {}, "operation": kind,
            "operands": [None if isinstance(o, str) else o for o in operands], "sources": sources,
            "fixed_inbound": [call]}


def start_video(t, h, w, c=3, key="batch_shape", name="input_1", dtype="float32"):
    return layer("InputLayer", name, **{key: [None, t, h, w, c], "dtype": dtype})


def start_picture(h, w, c=3, key="batch_shape"):
    return layer("InputLayer", "picture", **{key: [None, h, w, c], "dtype": "float32"})
