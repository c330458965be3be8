# SPDX-License-Identifier: LGPL-2.1-or-later
"""The video models that lstm-convert --split refuses: (layers, a part of the message, arguments)."""
from keras_files import bare, distributed_model, graph, layer, lstm, nested
from keras_video_layers import batch_norm, conv, pool, read, start_picture, start_video, td
from keras_video_cases import HEAD, T, average, flatten, memory


def plain(*between, start=None, after=None, d=4):
    return [start or start_video(T, 8, 8), td(conv("c1", 3, 4)), *between, *(memory(d) if after is None else after)]


def part(kind, name="part", **config):
    return layer(kind, name, **config)


def picture_lstm(name):
    return layer(name, "part", filters=4, kernel_size=[3, 3], return_sequences=False)


def bypass():
    """The features of a frame also reach the head beside the LSTM."""
    return [start_video(T, 8, 8), td(conv("c1", 3, 4)), td(average()), lstm("lstm", 4, 4),
            read(layer("Add", "add"), "lstm", "td_gap"), lstm("last", 4, 5, False), HEAD]


def two_inputs():
    return [start_video(T, 8, 8), start_video(T, 8, 8, name="input_2"),
            read(layer("Add", "add"), "input_1", "input_2"), td(average()), *memory(3)]


def wrapped_twice():
    inner = td(average())
    return plain(layer("TimeDistributed", "td2", layer=bare(inner)))


def called_twice():
    cnn = nested("cnn", start_picture(8, 8), conv("c", 3, 3, padding="same"))
    cnn["fixed_inbound"] = [{"args": [{"class_name": "__keras_tensor__", "config": {
        "shape": [], "dtype": "float32", "keras_history": [name, node, 0]}}], "kwargs": {}}
        for name, node in (("picture", 0), ("cnn", 0))]
    cnn["sources"] = ["picture"]
    gap = average()
    gap["fixed_inbound"] = [{"args": [{"class_name": "__keras_tensor__", "config": {
        "shape": [], "dtype": "float32", "keras_history": ["cnn", 1, 0]}}], "kwargs": {}}]
    gap["sources"] = ["cnn"]
    model = graph("model", True, start_picture(8, 8), cnn, gap)
    return [start_video(T, 8, 8), distributed_model(model, "td"), *memory(3)]


MESSAGE = "processes each frame alone before the recurrent layer, found {}, {}"

REFUSED = {
    "conv-lstm": (lambda: [start_video(T, 8, 8), picture_lstm("ConvLSTM2D"), HEAD],
                  "layers: expected a recurrent layer after the layers that process the frames, found"),
    "conv-lstm-first": (lambda: [start_video(T, 8, 8), picture_lstm("ConvLSTM2D"), td(average()), *memory(3)],
                        MESSAGE.format("ConvLSTM2D", "whose state is a picture")),
    "conv-3d": (lambda: plain(part("Conv3D"), td(average())), MESSAGE.format("Conv3D", "which slides over the frames")),
    "pooling-3d": (lambda: plain(part("MaxPooling3D"), td(average())),
                   MESSAGE.format("MaxPooling3D", "which processes several frames at once")),
    "conv-1d": (lambda: plain(td(average()), part("Conv1D")), MESSAGE.format("Conv1D", "which slides over the frames")),
    "pooling-1d": (lambda: plain(td(average()), part("MaxPooling1D")),
                   MESSAGE.format("MaxPooling1D", "which joins several frames")),
    "attention": (lambda: plain(td(average()), part("MultiHeadAttention")),
                  MESSAGE.format("MultiHeadAttention", "which compares the frames")),
    "lambda": (lambda: plain(td(layer("Lambda", "part"))),
               MESSAGE.format("Lambda", "whose code is in the Python program of the model")),
    "flatten": (lambda: plain(flatten("part")), MESSAGE.format("Flatten", "which joins all frames")),
    "pooling-2d": (lambda: plain(pool("part")), 'expected TimeDistributed (MaxPooling2D)'),
    "reshape": (lambda: plain(part("Reshape", target_shape=[T * 6, 24])), "target_shape: expected the time as the first"),
    "time-axis": (lambda: plain(td(average()), batch_norm("part", T, axis=1)),
                  "axis: expected an axis of the frame, found 1, the time"),
    "bypass": (bypass, "an input that is computed from a frame cannot bypass the recurrent layer"),
    "two-inputs": (two_inputs, 'inputs: expected one input of the model, found this layer and "input_1"'),
    "no-memory": (lambda: [start_video(T, 8, 8), td(average())], "expected a recurrent layer after"),
    "pictures": (lambda: plain(), "expected one vector for each frame, [steps, features], found values of shape [6, 6, 4]"),
    "columns": (lambda: [layer("InputLayer", "input_1", batch_shape=[None, 8, 8, 3], dtype="float32"),
                         part("Reshape", target_shape=[8, 24]), *memory(24)],
                "expected a video, [batch, steps, height, width, channels], found"),
    "recurrent-frame": (lambda: plain(layer("TimeDistributed", "td2", layer=bare(lstm("part", 4, 4)))),
                        "class: expected a supported class before the recurrent layer, found LSTM"),
    "wrapped-twice": (wrapped_twice, "found another TimeDistributed"),
    "called-twice": (called_twice, "expected one call of a layer that has weights"),
    "free-steps": (lambda: plain(td(average()), start=start_video(None, 8, 8)), "the option --steps, found null"),
    "free-size": (lambda: plain(td(average()), start=start_video(T, None, 8)), "the option --size, found null"),
    "free-channels": (lambda: plain(td(average()), start=start_video(T, 8, 8, None)), "channels: expected a number"),
    "steps": (lambda: plain(td(average())), "--steps: expected 4, as in the shape of the input, found 5", "--steps 5"),
    "size": (lambda: plain(td(average())), "--size: expected 8, as in the shape of the input, found 9", "--size 8,9"),
    "axes": (lambda: plain(td(average())), "--axes: expected 0,1", "--axes 0,2"),
    "after": (lambda: plain(td(average()), after=[lstm("lstm", 4, 5), td(conv("part", 3, 3))]),
              "layer: expected a supported class, found Conv2D"),
}
