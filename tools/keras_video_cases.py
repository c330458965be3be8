# SPDX-License-Identifier: LGPL-2.1-or-later
"""The video models that lstm-convert --split cuts: (layers of the features, layers of the memory, more)."""
from keras_files import (bidirectional, dense, distributed_model, graph, gru, inbound, layer, layer_norm, lstm,
                         nested, normalization, tensor)
from keras_video_layers import (batch_norm, conv, depthwise, operation, picture_layer, pool, read, relu, separable,
                                start_picture, start_video, td)

T = 4
HEAD = dense("head", 5, 3, "softmax")


def memory(d):
    return [lstm("lstm", d, 5, False), HEAD]


def flatten(name="flatten"):
    return layer("Flatten", name)


def average(name="gap", **config):
    return picture_layer("GlobalAveragePooling2D", name, keepdims=False, **config)


def lrcn(k3):
    """The network of the tutorials: TimeDistributed convolutions and an LSTM."""
    first = td(conv("c1", 3, 4, padding="same", activation="relu"))
    if not k3:
        first["config"]["batch_input_shape"] = [None, T, 12, 12, 3]
    return ([start_video(T, 12, 12)] * k3 + [
        first, td(pool("p1")), td(layer("Dropout", "drop", rate=.25)),
        td(conv("c2", 4, 3, strides=[2, 2], activation="relu")), td(batch_norm("bn", 3)), td(flatten())], memory(12))


def sequential_model(k3):
    """A Sequential CNN that states bytes, and two recurrent layers."""
    cnn = nested("cnn", start_picture(10, 12), layer("Rescaling", "scale", scale=1 / 255., offset=0.),
                 conv("c1", 3, 5, bias=False), batch_norm("bn", 5, scale=False), relu("relu", 6.),
                 pool("p", 3, strides=[2, 2], padding="same"), conv("c2", 5, 4, activation="tanh"), average())
    return ([start_video(T, 10, 12), distributed_model(cnn, "td"), layer("Dropout", "drop", rate=.5),
             dense("d", 4, 6, "relu")], [gru("gru", 6, 5), lstm("lstm", 5, 5, False), HEAD],
            {"pixels": 255})


def branches(k3):
    """Branches that Add, Concatenate and Multiply join."""
    cnn = graph("cnn", k3, start_picture(8, 8), conv("a", 3, 4, padding="same", activation="relu"),
                read(conv("b", 3, 4, 1), "picture"), read(layer("Add", "add"), "a", "b"),
                depthwise("dw", 4), batch_norm("bn", 4), read(layer("Concatenate", "join", axis=-1), "add", "bn"),
                average("gap"), dense("gate", 8, 8, "sigmoid"), layer("Reshape", "shape", target_shape=[1, 1, 8]),
                read(layer("Multiply", "scale"), "join", "shape"), separable("sep", 8, 3, strides=[2, 2]), flatten())
    return ([start_video(T, 8, 8), distributed_model(cnn, "td"), layer_norm("ln", 48), dense("d", 48, 6, "tanh")],
            [bidirectional("lstm", 6, 3, False), dense("head", 6, 3)])


def frozen(*trained):
    """A nested model some of whose layers are frozen, as after fine-tuning."""
    def make(k3):
        layers = [start_picture(8, 8)]
        for i, is_trained in enumerate(trained):
            one = [conv(f"c{i}", 3, 3, bias=i % 2 == 0, padding="same"), batch_norm(f"bn{i}", 3),
                   layer("LeakyReLU", f"leaky{i}", negative_slope=.3)]
            for each in one:
                each["config"]["trainable"] = is_trained
            layers += one
        cnn = graph("cnn", k3, *layers, average())
        return [start_video(T, 8, 8), distributed_model(cnn, "td")], memory(3)
    return make


def nested_twice(k3):
    """A model in a model, whose weights are between those of the outer model."""
    inner = nested("inner", start_picture(8, 8, 4), conv("c2", 4, 4, padding="same"), batch_norm("bn2", 4))
    cnn = graph("cnn", k3, start_picture(8, 8), conv("c1", 3, 4, 1), batch_norm("bn1", 4), inner,
                read(layer("Add", "add"), "bn1", "inner"), conv("c3", 4, 2), batch_norm("bn3", 2), flatten())
    return [start_video(T, 8, 8), distributed_model(cnn, "td")], memory(72)


def reshaped(k3):
    """Reshape instead of TimeDistributed (Flatten), and layers of all frames."""
    return ([start_video(T, 8, 8), td(conv("c1", 3, 4)), layer("Reshape", "r1", target_shape=[T, 36, 4]),
             dense("d1", 4, 2, "relu"), batch_norm("bn", 2, axis=[3]),
             layer("Reshape", "r2", target_shape=[-1, 72])], memory(72))


def free_sizes(k3):
    cnn = nested("cnn", start_picture(None, None), conv("c1", 3, 4, strides=[2, 2], padding="same"), average())
    return ([start_video(None, None, None), distributed_model(cnn, "td")], memory(4),
            {"arguments": f"--steps {T} --size 8,10", "size": (8, 10, 3)})


def operations(k3):
    cnn = graph("cnn", k3, start_picture(8, 8), operation("TrueDivide", "div", k3, "picture", 127.5),
                operation("Subtract", "sub", k3, "div", 1.), conv("c1", 3, 4, 1),
                operation("Add", "plus", k3, "c1", 3.), relu("relu", 6.), operation("Multiply", "by", k3, "relu", "c1"),
                operation("Multiply", "part", k3, "by", .125), operation("Subtract", "from", k3, 1., "part"),
                read(average(), "from"))
    return [start_video(T, 8, 8), distributed_model(cnn, "td")], memory(4), {"pixels": 255}


def channels_first(k3):
    first = {"data_format": "channels_first"}
    return ([start_video(T, 3, 8, 9), td(conv("c1", 3, 4, **first)), td(batch_norm("bn", 4, axis=1)),
             td(pool("p", **first)), td(flatten())], memory(36), {"size": (3, 8, 9)})


def bytes_input(k3):
    return ([start_video(T, 8, 8, 1, dtype="uint8"), td(layer("Rescaling", "scale", scale=1 / 127.5, offset=-1.)),
             td(normalization("norm", 1)), td(conv("c1", 1, 4, activation="relu")), td(flatten())],
            memory(144), {"dtype": "uint8", "size": (8, 8, 1)})


def masked(k3):
    """A Masking layer, which belongs to the memory. Keras 3 also saves the operations that compute the mask."""
    first, head = memory(3)
    features = [start_video(T, 6, 6), td(conv("c1", 3, 3, activation="relu")), td(average())]
    masking = layer("Masking", "mask", mask_value=0.)
    if not k3:
        return features, [masking, first, head]
    different = {**operation("NotEqual", "different", True, "td_gap", 0.)}
    some = {**operation("Any", "some", True, "different"), "config": {"name": "some", "axis": -1}}
    call = inbound("mask", True, mask=tensor("some"))
    return features, [different, read(masking, "td_gap"), some,
                      {**first, "sources": ["mask"], "fixed_inbound": [call]}, head]


def padded_pooling(k3):
    """Zeros that count in a maximum, as in ResNet50V2."""
    return ([start_video(T, 7, 7), td(conv("c1", 3, 4)),
             td(picture_layer("ZeroPadding2D", "pad", padding=[[1, 1], [1, 1]])),
             td(pool("p", 3, strides=[2, 2])), td(flatten())], memory(36))


MODELS = {
    "lrcn": lrcn, "sequential": sequential_model, "branches": branches, "frozen": frozen(True, False, True, False),
    "frozen-first": frozen(False, False, True), "frozen-all": frozen(False, False), "nested-twice": nested_twice,
    "reshaped": reshaped, "free-sizes": free_sizes, "operations": operations, "channels-first": channels_first,
    "bytes": bytes_input, "masked": masked, "padded-pooling": padded_pooling,
}
