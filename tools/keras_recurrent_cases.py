# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keras files with GRU, SimpleRNN, cells of an RNN, and pooling."""
import numpy as np

from keras_cases import signal, start, write_case
from keras_files import (archive, bare, bidirectional, cell, cudnn_gru, dense, gru, layer, legacy,
                         lstm, simple_rnn, stacked_rnn)


def recurrent_cases(folder):
    """Writes cases of GRU and SimpleRNN: alone, mixed with LSTM, in both directions, and as cells of an RNN."""
    x = signal(4)
    for name, layers in {
            "gru": [gru("a", 4, 5), gru("b", 5, 3, False), dense("c", 3, 2)],
            "gru-before": [gru("a", 4, 5, reset_after=False), gru("b", 5, 3, False, False)],
            "gru-without-bias": [gru("a", 4, 5, use_bias=False), gru("b", 5, 3, True, False, use_bias=False)],
            "gru-backwards": [gru("a", 4, 5, go_backwards=True), dense("b", 5, 2)],
            "gru-backwards-last": [gru("a", 4, 5, False, go_backwards=True), dense("b", 5, 2)],
            "gru-functions": [gru("a", 4, 5, activation="relu", recurrent_activation="hard_sigmoid"),
                              gru("b", 5, 3, True, False, activation="softsign", recurrent_activation="softmax")],
            "rnn": [simple_rnn("a", 4, 5), simple_rnn("b", 5, 3, False), dense("c", 3, 2)],
            "rnn-relu": [simple_rnn("a", 4, 5, activation="relu", use_bias=False), simple_rnn("b", 5, 3, go_backwards=True)],
            "mixed": [gru("a", 4, 5), lstm("b", 5, 4), simple_rnn("c", 4, 3), bidirectional("d", 3, 2, make=gru),
                      lstm("e", 4, 3, False)]}.items():
        write_case(folder, name, archive([start(4), *layers]), layers, x)
        write_case(folder, name + "-h5", legacy([start(4), *layers], "2.10.0"), layers, x, 2.)
    for make in (gru, simple_rnn):
        kind = make("x", 1, 1)["class_name"]
        for merge in ("concat", "sum", "mul", "ave"):
            layers = [bidirectional("b", 4, 3, True, merge, False, make=make),
                      bidirectional("c", 6 if merge == "concat" else 3, 2, False, merge, make=make)]
            write_case(folder, f"both-{kind}-{merge}", archive([start(4), *layers]), layers, x)
    layers = [bidirectional("b", 4, 3, make=gru, reset_after=False), dense("c", 6, 2)]
    write_case(folder, "both-before-h5", legacy([start(4), *layers], "2.3.1"), layers, x, 2.)
    both = bidirectional("b", 4, 3, make=gru)
    both["config"]["backward_layer"] = bare(lstm("l", 4, 3, go_backwards=True))
    write_case(folder, "refused-both-kinds", archive([start(4), both]),
         "cell, units, return_sequences, reset_after: expected the same values in layer and backward_layer, "
         "found GRUCell, 3, true, true and LSTMCell, 3, true, false", x)


def recurrent_version_cases(folder):
    """Writes cases of GRU as each version writes it."""
    x = signal(4)
    old = gru("gru_1", 4, 5, reset_after=None)
    for key in ("recurrent_activation", "activation"):
        del old["config"][key]
    old["config"]["batch_input_shape"] = [None, 7, 4]
    layers = [old, simple_rnn("simple_rnn_1", 5, 3, False)]
    write_case(folder, "gru-k205", legacy(layers, "2.0.5", [bare(one) for one in layers], False), layers, x, 2.)
    layers = [gru("a", 4, 5, False), dense("d", 5, 2)]
    del layers[0]["config"]["reset_after"]
    write_case(folder, "gru-default", archive([start(4), *layers]), layers, x)
    plain = gru("a", 4, 5, False, use_bias=False)
    del plain["config"]["reset_after"]
    after, before = ({**plain, "config": {**plain["config"], "reset_after": value}} for value in (True, False))
    key = start(4, key="batch_input_shape")
    write_case(folder, "gru-default-2.3.1", legacy([key, plain], "2.3.1"), [before], x, 2.)
    write_case(folder, "gru-default-2.3.0-tf", legacy([key, plain], "2.3.0-tf"), [after], x, 2.)
    layers = [key, cudnn_gru("cu", 4, 3), cudnn_gru("cu_1", 3, 3, False)]
    write_case(folder, "cudnn-gru", legacy(layers, "2.2.4"), layers, x, 2.)
    layers[1] = {**layers[1], "class_name": "GRU", "config": {
        **layers[1]["config"], "activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True}}
    write_case(folder, "cudnn-as-gru", legacy(layers, "2.2.4-tf"), layers, x, 2.)
    layers[1]["config"]["reset_after"] = False
    write_case(folder, "refused-cudnn-before", legacy(layers, "2.2.4-tf"),
         "bias: expected shape [9] because reset_after is false, found [18]", x)
    layers = [key, {**gru("a", 4, 3), "parts": {"cell": cell(4, 3, gates=3)}}]
    write_case(folder, "refused-gru-bias", legacy(layers, "2.10.0"),
         "bias: expected shape [2, 9], or [18] of CuDNN, because reset_after is true, found [9]", x)
    layers = [key, {**simple_rnn("a", 4, 3), "parts": {"cell": cell(4, 3, gates=1, rows=(2,))}}]
    write_case(folder, "refused-rnn-bias", legacy(layers, "2.10.0"), "bias: expected shape [3], found [2, 3]", x)
    a = gru("a", 4, 5, stateful=True)
    states = [np.zeros((3, 5), np.float32)]
    stored = [start(4), {**a, "parts": {"cell": a["parts"]["cell"] + states}}, dense("b", 5, 2)]
    layers = [start(4), a, stored[2]]
    write_case(folder, "gru-stateful-k3-h5", legacy(stored, "3.4.0"), layers, x)


def cell_cases(folder):
    """Writes cases of RNN with one cell, and with StackedRNNCells."""
    x, masked = signal(4), signal(4, masked=2.)

    def stack(name="r", **config):
        return stacked_rnn(name, 4, lstm("x", 4, 5), gru("y", 5, 3), lstm("z", 3, 4), simple_rnn("w", 4, 3), **config)
    for make in (gru, simple_rnn):
        one = make("c", 4, 5)
        class_name = one["class_name"] + "Cell"
        one = layer("RNN", "r", one["parts"], return_sequences=True, cell={
            "class_name": class_name, "config": one["config"]})
        write_case(folder, "cell-" + class_name, archive([start(4), one]), [one], x)
    for name, config in {"": {}, "-last": {"return_sequences": False}, "-backwards": {"go_backwards": True},
                         "-backwards-last": {"go_backwards": True, "return_sequences": False},
                         "-zero": {"zero_output_for_mask": True}}.items():
        one = stack(**config)
        layers = [start(4), layer("Masking", "m", mask_value=2.), one]
        write_case(folder, "stacked-cells" + name, archive(layers), layers, masked)
        write_case(folder, f"stacked-cells{name}-h5", legacy(layers, "2.10.0"), layers, masked, 2.)
    one = stack(stateful=True)
    layers = [start(4), one, dense("d", 3, 2)]
    states = [np.zeros((3, m), np.float32) for m in (5, 5, 3, 4, 4, 3)]
    stored = [start(4), {**one, "parts": {**one["parts"], "": states}}, layers[2]]
    write_case(folder, "stacked-cells-stateful-k3-h5", legacy(stored, "3.4.0"), layers, x)
    inner = stack("inner")
    both = layer("Bidirectional", "b", {}, layer=bare(inner), merge_mode="concat")
    write_case(folder, "refused-both-cells", archive([start(4), both]),
         "layer: cell: expected one cell, found StackedRNNCells of 4 cells", x)


def recurrent_mask_cases(folder):
    """Writes cases of GRU and SimpleRNN with a mask, of a Masking layer or of the caller."""
    x, masked = signal(4), signal(4, masked=2.)
    mask = np.ones((3, 7), bool)
    mask[0, 4:] = mask[1, 1:3] = mask[2, 0] = False
    for make in (gru, simple_rnn):
        kind = make("x", 1, 1)["class_name"]
        both = bidirectional("b", 4, 3, make=make)
        for name, layers in {
                "repeated": [make("a", 4, 5), make("b", 5, 3)], "last": [make("a", 4, 5), make("b", 5, 3, False)],
                "zero": [make("a", 4, 5, zero_output_for_mask=True), dense("b", 5, 2)],
                "backwards": [make("a", 4, 5, go_backwards=True)],
                "both": [both, bidirectional("c", 6, 2, make=make)],
                "both-last": [both, bidirectional("c", 6, 2, False, "sum", make=make)]}.items():
            write_case(folder, f"given-{kind}-{name}", archive([start(4), *layers]), layers, x, mask=mask)
            layers = [start(4), layer("Masking", "m", mask_value=2.), *layers]
            write_case(folder, f"masked-{kind}-{name}-h5", legacy(layers, "2.10.0"), layers, masked, 2.)


def pooling(name, **config):
    return layer(f"Global{name}Pooling1D", "p", **{"data_format": "channels_last", "keepdims": False, **config})


def pooling_cases(folder):
    x, masked = signal(4), signal(4, masked=2.)

    masking = layer("Masking", "m", mask_value=2.)
    for name in ("Average", "Max"):
        layers = [start(4), lstm("a", 4, 5), pooling(name), dense("b", 5, 2)]
        write_case(folder, f"pooling-{name}", archive(layers), layers, x)
        write_case(folder, f"pooling-{name}-h5", legacy(layers, "2.10.0"), layers, x, 2.)
        layers = [start(4), gru("a", 4, 5), pooling(name, keepdims=True), lstm("b", 5, 3)]
        write_case(folder, f"pooling-kept-{name}", archive(layers), layers, x)
    layers = [start(4), gru("a", 4, 5), pooling("Max", keepdims=True)]
    write_case(folder, "pooling-kept-last", archive(layers), layers, x)
    layers = [start(4), masking, bidirectional("a", 4, 3, make=gru), pooling("Average"), dense("b", 6, 2)]
    write_case(folder, "pooling-masked", archive(layers), layers, masked)
    layers = [start(4), masking, lstm("a", 4, 3), pooling("Max")]
    write_case(folder, "pooling-max-masked", archive(layers), layers, masked)
    layers = [start(4), masking, layer("Reshape", "r", target_shape=[-1, 4]), lstm("a", 4, 3)]
    write_case(folder, "refused-reshape-masked", archive(layers),
         'layer "r" (Reshape): input: expected steps without a mask, because Reshape uses masked steps and ends the mask, '
         'found the mask of layer "m"', x)
    layers = [start(4), masking, lstm("a", 4, 3, False), layer("RepeatVector", "r", n=3), lstm("b", 3, 2), pooling("Max")]
    write_case(folder, "pooling-after-mask", archive(layers), layers, masked)
    layers = [start(4), lstm("a", 4, 5), pooling("Average", data_format="channels_first")]
    write_case(folder, "refused-pooling-format", archive(layers), 'data_format: expected "channels_last"', x)
    layers = [start(4), lstm("a", 4, 5, False), pooling("Average")]
    write_case(folder, "refused-pooling-vector", archive(layers), "input: expected a sequence, found a vector of shape [5]", x)


def pooling_mask_cases(folder):
    x, masked, mask = signal(4), signal(4, masked=2.), np.ones((3, 7), bool)
    layers = [start(4), layer("Masking", "m", mask_value=2.), bidirectional("a", 4, 3), pooling("Max", keepdims=True),
              lstm("b", 6, 2)]
    write_case(folder, "pooling-max-masked-both-h5", legacy(layers, "2.10.0"), layers, masked, 2.)
    mask[0, 4:] = mask[1, 1:3] = mask[2, 0] = False
    for name in ("Average", "Max"):
        layers = [start(4), gru("a", 4, 3), pooling(name)]
        write_case(folder, f"given-pooling-{name}", archive(layers), layers, x, mask=mask)
