# SPDX-License-Identifier: LGPL-2.1-or-later
"""Video models that together have each class of layers, in its configurations: (layers of the features, layers of the
memory, more)."""
import numpy as np

from keras_files import (RNG, dense, distributed_model, draw_weights, graph, layer, layer_norm, lstm, normalization,
                         tensor)
from keras_video_cases import T
from keras_video_layers import (batch_norm, draw_kernel, operation, picture_layer, read, relu, start_picture,
                                start_video)

FUNCTIONS = ("linear", "relu", "tanh", "sigmoid", "hard_sigmoid", "softmax", "log_softmax", "elu", "selu", "softplus",
             "softsign", "exponential", "leaky_relu", "relu6", "silu", "swish", "gelu", "mish")
FUNCTIONS_OF_KERAS_3 = ("celu", "hard_silu", "hard_tanh")


def case(k3, size, d, *layers, ops=None, **more):
    """Returns a model whose frames each have d features. ops: the operators of the nodes of its ONNX graph"""
    cnn = graph("cnn", k3, start_picture(*size), *layers)
    more.update({"size": size, "ops": ops + " Identity"} if ops else {"size": size})
    return ([start_video(T, *size), distributed_model(cnn, "td")],
            [lstm("lstm", d, 4, False), dense("head", 4, 2)], more)


def convolution(kind, name, kernels, **config):
    """Returns a layer whose kernels are `kernels`. The bias has as many values as the last kernel has outputs, or as
    the kernel of a Depthwise layer has channels times depth_multiplier."""
    n = kernels[-1].shape[-1]
    if kind.startswith("Depthwise"):
        n *= kernels[-1].shape[-2]
    if kind.endswith("Transpose"):
        n = kernels[-1].shape[-2]
    is_biased = config.get("use_bias", True)
    weights = [*kernels, draw_weights(n, spread=.3)] if is_biased else kernels
    rank = kernels[0].ndim - 2
    defaults = {"strides": [1] * rank, "padding": "valid", "dilation_rate": [1] * rank, "activation": "linear",
                "use_bias": True, "kernel_size": list(kernels[0].shape[:rank])}
    if not kind.startswith("Depthwise"):
        defaults["filters"] = n
    if kind.startswith(("Depthwise", "Separable")):
        defaults["depth_multiplier"] = kernels[0].shape[-1]
    return picture_layer(kind, name, weights, **{**defaults, **config})


def depthwise_kernel(*shape):
    return draw_weights(*shape, spread=.8)


def pool(kind, name, size, strides, padding="valid"):
    return picture_layer(kind, name, pool_size=size, strides=strides, padding=padding)


def whole(kind, name, keepdims=False):
    return picture_layer(kind, name, keepdims=keepdims)


def flatten(name="flatten"):
    return picture_layer("Flatten", name)


# ---------------------------------------------------------------- models

def convolutions(k3):
    return case(k3, (11, 10, 3), 48,
                convolution("DepthwiseConv2D", "dw", [2 * depthwise_kernel(3, 3, 3, 2)], strides=[2, 2], padding="same",
                            activation="tanh"),
                convolution("Conv2D", "groups", [2 * draw_kernel(3, 2, 2, 6)], groups=3, dilation_rate=[2, 2],
                            padding="same", use_bias=False),
                layer("PReLU", "prelu", {"": [draw_weights(1, 1, 6, spread=.5)]}, shared_axes=[1, 2]),
                convolution("SeparableConv2D", "sep", [depthwise_kernel(2, 3, 6, 2), 3 * draw_kernel(1, 1, 12, 5)],
                            activation="softsign"),
                layer("PReLU", "prelu_all", {"": [draw_weights(5, 3, 5, spread=.5)]}, shared_axes=None),
                convolution("Conv2DTranspose", "up", [3 * draw_kernel(3, 3, 4, 5)], strides=[2, 2], padding="same",
                            output_padding=None),
                convolution("Conv2DTranspose", "far", [3 * draw_kernel(2, 3, 3, 4)], strides=[3, 2],
                            output_padding=None),
                convolution("Conv2D", "strided", [draw_kernel(3, 4, 3, 3)], strides=[8, 4], padding="same"), flatten(),
                ops="Transpose Conv Tanh Conv PRelu Conv Conv Softsign PRelu ConvTranspose ConvTranspose Conv "
                    "Transpose Reshape")


def one_dimensional(k3):
    return case(k3, (8, 9, 3), 12,
                layer("Reshape", "rows", target_shape=[-1, 4]),
                convolution("Conv1D", "causal", [draw_kernel(3, 4, 5)], padding="causal", dilation_rate=[2], groups=1),
                convolution("Conv1D", "strided", [draw_kernel(4, 5, 4)], padding="same", strides=[2], groups=1),
                convolution("SeparableConv1D", "sep", [depthwise_kernel(3, 4, 2), 2 * draw_kernel(1, 8, 6)],
                            padding="same", activation="elu"),
                layer("SpatialDropout1D", "drop", rate=.3),
                pool("MaxPooling1D", "max", [3], [1], "same"), pool("AveragePooling1D", "mean", [2], None, "same"),
                layer("ZeroPadding1D", "pad", padding=[1, 2]), layer("Cropping1D", "crop", cropping=[2, 1]),
                layer("UpSampling1D", "up", size=2), whole("GlobalMaxPooling1D", "top"),
                read(whole("GlobalAveragePooling1D", "mid"), "up"),
                read(layer("Concatenate", "join", axis=-1), "top", "mid"),
                ops="Reshape Transpose Conv Conv Conv Conv Elu MaxPool AveragePool Pad Slice Resize GlobalAveragePool "
                    "Reshape GlobalMaxPool Reshape Concat")


def pooling(k3):
    """Zeros of a padding count in the pooling that follows. A window that is smaller than its stride needs no
    padding."""
    return case(k3, (11, 12, 3), 12,
                picture_layer("ZeroPadding2D", "pad", padding=[[1, 2], [0, 1]]),
                pool("AveragePooling2D", "mean", [3, 3], [1, 1]),
                picture_layer("ZeroPadding2D", "pad2", padding=[[1, 1], [1, 1]]),
                pool("MaxPooling2D", "max", [3, 1], [2, 2], "same"),
                picture_layer("Cropping2D", "crop", cropping=[[1, 0], [0, 2]]),
                picture_layer("UpSampling2D", "nearest", size=[2, 3], interpolation="nearest"),
                pool("AveragePooling2D", "mean2", [1, 4], [3, 3], "same"),
                picture_layer("UpSampling2D", "linear", size=[3, 2], interpolation="bilinear"),
                layer("Resizing", "resize", height=7, width=9, interpolation="bilinear", crop_to_aspect_ratio=False),
                pool("AveragePooling2D", "mean3", [2, 3], [2, 2], "same"),
                whole("GlobalMaxPooling2D", "top", True), flatten("flat"),
                read(whole("GlobalAveragePooling2D", "gap", True), "mean3"),
                flatten("flat2"), read(whole("GlobalAveragePooling2D", "gap2"), "mean"),
                read(whole("GlobalMaxPooling2D", "top2"), "pad2"),
                read(layer("Concatenate", "join", axis=1), "flat", "flat2", "gap2", "top2"))


def merges(k3):
    def conv(name):
        return read(convolution("Conv2D", name, [draw_kernel(3, 3, 3, 3)], padding="same"), "picture")
    return case(k3, (6, 5, 3), 80,
                conv("a"), conv("b"), read(dense("c", 3, 3, "sigmoid"), "picture"),
                read(layer("Add", "add"), "a", "b", "c"), read(layer("Subtract", "subtract"), "add", "c"),
                read(layer("Maximum", "maximum"), "subtract", "a", "picture"),
                read(layer("Minimum", "minimum"), "maximum", "b"),
                read(layer("Average", "average"), "minimum", "c", "a"),
                whole("GlobalAveragePooling2D", "gap", True), read(layer("Multiply", "multiply"), "gap", "average"),
                layer("Permute", "permute", dims=[2, 3, 1]),
                layer("Permute", "back", dims=[3, 1, 2]), read(layer("Concatenate", "rows", axis=1), "back", "a"),
                convolution("Conv2D", "joined", [draw_kernel(3, 3, 3, 4)], strides=[2, 2]),
                layer("Reshape", "shape", target_shape=[4, -1]),
                read(layer("Concatenate", "more", axis=-1), "shape", "shape"), flatten())


def normalizations(k3):
    fixed = layer("Normalization", "fixed", axis=[-1], invert=False, mean=[.2, .4, .1], variance=[.25, 0., 2.])
    inverse = layer("Normalization", "inverse", axis=[-1], invert=True, mean=[[[[.2, .4, .1]]]], variance=[.25, 1., 2.])
    scalar = layer("Normalization", "scalar", axis=None, invert=False, mean=.3, variance=.5)
    axes = layer("Normalization", "axes", {"": [draw_weights(5, 3), abs(draw_weights(5, 3)) + .1, np.array(7)]},
                 axis=[2, 3], invert=False, mean=None, variance=None)
    both = layer("LayerNormalization", "both", {"": [draw_weights(5, 4), draw_weights(5, 4)]}, axis=[2, 3],
                 epsilon=.01, scale=True, center=True)
    return case(k3, (6, 5, 3), 31,
                layer("Rescaling", "scale", scale=[.5, 2., -1.], offset=[.1, 0., .3]), fixed, inverse, scalar, axes,
                normalization("adapted", 3), batch_norm("middle", 5, axis=2),
                convolution("Conv2D", "conv", [draw_kernel(2, 1, 3, 4)]),
                layer("Rescaling", "scale2", scale=[.5, 2., -1., 1.5], offset=0.), batch_norm("last", 4, scale=False),
                layer_norm("ln", 4), both, layer("Softmax", "softmax", axis=2),
                *([layer("LayerScale", "gamma", {"": [RNG.uniform(.5, 1.5, 4).astype(np.float32)]}),
                   read(layer("CustomScaleLayer", "scaled", scale=.17), "gamma", "ln")] if k3 else []),
                whole("GlobalMaxPooling2D", "top"), dense("wide", 4, 31), batch_norm("bn", 31))


def activations(k3):
    functions = [*FUNCTIONS, *(FUNCTIONS_OF_KERAS_3 if k3 else ())]
    layers = [read({**layer("Activation", f"f_{name}", activation=name), "version": 3. if k3 else 2.}, "conv")
              for name in functions]
    relus = [relu("relu"), relu("relu_top", .7),
             layer("ReLU", "relu_all", max_value=.8, negative_slope=.1, threshold=.3),
             layer("ReLU", "relu_slope", max_value=None, negative_slope=.2, threshold=0.),
             layer("ReLU", "relu_threshold", max_value=None, negative_slope=0., threshold=.25),
             layer("LeakyReLU", "leaky", **{"negative_slope" if k3 else "alpha": .15}), layer("ELU", "elu", alpha=.6),
             layer("Softmax", "softmax", axis=-1)]
    layers += [read(one, "conv") for one in relus]
    names = [one["config"]["name"] for one in layers]
    return case(k3, (5, 6, 3), len(names) * 3,
                read(convolution("Conv2D", "conv", [3 * draw_kernel(3, 3, 3, 3)]), "picture"),
                *layers, read(layer("Concatenate", "join", axis=-1), *names), whole("GlobalAveragePooling2D", "gap"))


def functions(k3):
    """Operations on tensors, with constants for each channel, as preprocess_input of keras.applications has them."""
    unary = ["Negative", "Relu", "Relu6", "Sigmoid", "Tanh", "Silu", "Selu", "Softplus", "Elu"]
    layers = [operation(kind, kind.lower(), k3, "conv") for kind in unary]
    layers += [operation(kind, kind.lower(), k3, source)
               for kind, source in (("Absolute", "negative"), ("Sqrt", "absolute"), ("Exp", "tanh"))]
    layers += [operation("Maximum", "maximum", k3, "sigmoid", .4), operation("Minimum", "minimum", k3, .3, "conv"),
               operation("Maximum", "both", k3, "conv", "tanh"),
               operation("Multiply", "wide", k3, "conv", [.5, 1., 2.])]
    if k3:
        layers += [operation("LeakyRelu", "leaky", k3, "conv", negative_slope=.2),
                   operation("Gelu", "gelu", k3, "conv", approximate=False), operation("HardSilu", "hard", k3, "conv")]
    names = [one["config"]["name"] for one in layers]
    return case(k3, (5, 6, 3), len(names) * 3, operation("TrueDivide", "scale", k3, "picture", 255.),
                operation("Add", "center", k3, "scale", [[[[-.485, -.456, -.406]]]]),
                operation("TrueDivide", "spread", k3, "center", [.229, .224, .225]),
                read(convolution("Conv2D", "conv", [draw_kernel(3, 3, 3, 3)]), "spread"), *layers,
                read(layer("Concatenate", "join", axis=-1), *names), whole("GlobalAveragePooling2D", "gap"), pixels=255)


def item(k3, name, source, at):
    """Returns the operation source[..., at]. at: a channel, or None for ::-1"""
    ellipsis = {"class_name": "__ellipsis__", **({"config": {}} if k3 else {})}
    index = [ellipsis, {"start": None, "stop": None, "step": -1} if at is None else at]
    call = {"args": [tensor(source), index], "kwargs": {}} if k3 else [source, 0, 0, {"slice_spec": index}]
    config = {"name": name} if k3 else {"name": name, "trainable": True, "dtype": "float32",
                                        "function": "__operators__.getitem"}
    operands = [None, slice(None, None, -1) if at is None else at]
    return {"class_name": "GetItem" if k3 else "SlicingOpLambda", "config": config, "parts": {},
            "operation": "GetItem", "operands": operands, "sources": [source], "fixed_inbound": [call]}


def reordered(k3):
    """Channels in the order blue, green, red, as preprocess_input of VGG and ResNet has them."""
    items = [item(k3, f"item{i}", "picture", i) for i in (2, 1, 0)] if k3 else [item(k3, "stack", "picture", None)]
    names = [one["config"]["name"] for one in items]
    stack = [{"class_name": "Stack", "config": {"name": "stack", "axis": -1}, "parts": {}, "operation": "Stack",
              "operands": [None] * 3, "sources": names}] if k3 else []
    mean = [-103.939, -116.779, -123.68]
    return case(k3, (6, 6, 3), 50, *items, *stack,
                operation("Add", "center", k3, "stack", [[[mean]]]) if k3 else
                operation("BiasAdd", "center", k3, "stack", mean),
                convolution("Conv2D", "conv", [draw_kernel(2, 2, 3, 2) / 100]), flatten(), pixels=255)


def identities(k3):
    """Layers that change values in training only."""
    return case(k3, (6, 6, 3), 32, layer("RandomFlip", "r1", mode="horizontal"),
                layer("RandomRotation", "r2", factor=.1), layer("RandomZoom", "r3", height_factor=.1),
                layer("RandomContrast", "r4", factor=.1), layer("RandomBrightness", "r5", factor=.1),
                layer("RandomTranslation", "r6", height_factor=.1, width_factor=.1),
                convolution("Conv2D", "conv", [draw_kernel(3, 3, 3, 2)]),
                layer("Dropout", "d1", rate=.5), picture_layer("SpatialDropout2D", "d2", rate=.5),
                layer("GaussianNoise", "d3", stddev=.5), layer("GaussianDropout", "d4", rate=.5),
                layer("AlphaDropout", "d5", rate=.5), layer("ActivityRegularization", "d6", l1=.1, l2=.1),
                *([layer("Identity", "d7")] if k3 else []), flatten(),
                ops="Transpose Conv Transpose Reshape")


CLASS_MODELS = {
    "convolutions": convolutions, "one-dimensional": one_dimensional, "pooling": pooling, "merges": merges,
    "normalizations": normalizations, "activations": activations, "identities": identities,
    "functions": functions, "reordered": reordered,
}
# whose HDF5 files would have the same layers
K3_ONLY = ("one-dimensional", "pooling", "merges", "normalizations", "identities")


# ---------------------------------------------------------------- refused configurations

def with_layer(*layers):
    """Returns a function that makes a model of pictures [6, 6, 3] with these layers."""
    def make():
        features, rest, _ = case(True, (6, 6, 3), 3, *layers, whole("GlobalMaxPooling2D", "top"))
        return [*features, *rest]
    return make


def conv(**config):
    return convolution("Conv2D", "part", [draw_kernel(3, 3, 3, 3)], **config)


def part(kind, **config):
    return picture_layer(kind, "part", **config)


CLASS_REFUSED = {
    "kernel": (with_layer(conv(kernel_size=[2, 3])),
               'layer "part" (Conv2D): kernel: expected shape [2, 3, 3, 3], found [3, 3, 3, 3]'),
    "filters": (with_layer(conv(filters=4)), "kernel: expected shape [3, 3, 3, 4], found [3, 3, 3, 3]"),
    "groups": (with_layer(conv(groups=2)), "groups: expected a divisor of 3 input channels and 3 filters, found 2"),
    "padding": (with_layer(conv(padding="full")), 'padding: expected valid, same, found "full"'),
    "strides": (with_layer(conv(strides=[0, 1])), "strides: expected an integer from 1 to 2147483647"),
    "window": (with_layer(conv(dilation_rate=[3, 1])),
               "expected a size of at least 7, the extent of the window, found 6"),
    "function": (with_layer(conv(activation="sparsemax")), 'expected a supported function, found "sparsemax"'),
    "transposed-dilation": (with_layer(convolution("Conv2DTranspose", "part", [draw_kernel(3, 3, 3, 3)],
                                                   dilation_rate=[2, 2])), "dilation_rate: expected 1, found [2,2]"),
    "output-padding": (with_layer(convolution("Conv2DTranspose", "part", [draw_kernel(3, 3, 3, 3)],
                                              output_padding=[1, 1])), "output_padding: expected null or false"),
    "renorm": (with_layer(batch_norm("part", 3, renorm=True)), "renorm: expected null or false, found true"),
    "softmax-axes": (with_layer(layer("Softmax", "part", axis=[1, 2])), "axis: expected one axis, found [1,2]"),
    "interpolation": (with_layer(part("UpSampling2D", size=[2, 2], interpolation="bicubic")),
                      'interpolation: expected nearest, bilinear, found "bicubic"'),
    "resizing": (with_layer(layer("Resizing", "part", height=3, width=3, interpolation="nearest")),
                 'interpolation: expected bilinear, found "nearest"'),
    "cropped": (with_layer(layer("Resizing", "part", height=3, width=3, interpolation="bilinear",
                                 crop_to_aspect_ratio=True)),
                "crop_to_aspect_ratio: expected null or false, found true"),
    "cropping": (with_layer(part("Cropping2D", cropping=[[3, 3], [0, 0]])),
                 "cropping: expected less than 6 along axis 0, found 6"),
    "up-sampling": (with_layer(part("UpSampling2D", size=[2147483647, 2147483647], interpolation="nearest")),
                    "output: expected at most 2147483647 values in each frame"),
    "rescaling": (with_layer(layer("Rescaling", "part", scale=[1., 2.], offset=0.)),
                  "scale: expected a number, or 3 numbers, found 2"),
    "moments": (with_layer(layer("Normalization", "part", axis=[1], invert=False, mean=[1.] * 3, variance=[1.] * 3)),
                "axis: expected the last axis for an array of means or variances"),
    "merged-shapes": (with_layer(conv(), read(layer("Add", "add"), "part", "picture")),
                      "input 1: expected a shape that fits [4, 4, 3], found [6, 6, 3]"),
    "permute": (with_layer(layer("Permute", "part", dims=[1, 1, 2])),
                "dims: expected each dimension once, from 1 for an input of shape [6, 6, 3], found [1,1,2]"),
    "target-shape": (with_layer(layer("Reshape", "part", target_shape=[5, -1])),
                     "target_shape: expected the sizes of a shape for an input of shape [6, 6, 3], found [5,-1]"),
}
