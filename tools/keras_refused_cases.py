# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keras files that lstm-convert refuses."""
import io
import json
import zipfile

import h5py
import numpy as np

from keras_cases import signal, start, write_case, zip_of
from keras_files import (archive, bare, bidirectional, dense, distributed, draw_weights, functional,
                         layer, legacy, lstm, snake, tensor, weights_h5)


def refused_cases(folder):
    x = signal(4)
    plain = [start(4), lstm("a", 4, 5), dense("b", 5, 2)]

    def refuse(name, layers, words, **options):
        write_case(folder, "refused-" + name, archive(layers, **options), words, x)

    def unsupported_class(name):
        return "expected a supported class, found " + name

    def edit_file(change):
        return {"edit": change}

    refuse("conv", [start(4), layer("Conv1D", "conv_3", filters=3)],
           'layer "conv_3" (Conv1D): class: ' + unsupported_class("Conv1D"))
    refuse("embedding", [start(4), layer("Embedding", "e", input_dim=3)],
           'layer "e" (Embedding): class: ' + unsupported_class("Embedding"))
    refuse("custom", [start(4), {**lstm("a", 4, 5), "class_name": "Mine>LSTM"}],
           'layer "a" (Mine>LSTM): class: ' + unsupported_class("Mine>LSTM"))
    refuse("relu", [*plain, layer("ReLU", "r", max_value=3., threshold=1.)],
           'layer "r" (ReLU): max_value, negative_slope, threshold: expected at most one')
    refuse("flatten", [start(4, 7), lstm("a", 4, 5), layer("Flatten", "f")],
           'layer "f" (Flatten): input: expected a vector or one step')
    refuse("merge", [start(4), bidirectional("b", 4, 3, merge=None)],
           "merge_mode: expected one of concat, sum, mul, ave, found null")
    refuse("bi-conv-lstm", [start(4), layer("Bidirectional", "b", layer={"class_name": "ConvLSTM1D", "config": {}})],
           'layer "b" (Bidirectional): layer: ' + unsupported_class("ConvLSTM1D"))
    refuse("td", [start(4), layer("TimeDistributed", "t", layer={"class_name": "Conv2D", "config": {}})],
           'layer "t" (TimeDistributed): layer: ' + unsupported_class("Conv2D"))
    refuse("time-major", [start(4), lstm("a", 4, 5, time_major=True)], "time_major: expected false")
    refuse("function", [start(4), lstm("a", 4, 5, activation="my_own")],
           'activation: expected a supported function, found "my_own"')
    refuse("images", [layer("InputLayer", "i", batch_shape=[None, 3, 4, 5]), *plain[1:]],
           "batch_shape: expected [batch, steps, features] or [batch, features], found [null,3,4,5]")
    refuse("vector-lstm", [start(4), lstm("a", 4, 5, False), lstm("c", 5, 5)],
           "input: expected a sequence, found a vector of shape [5]")
    refuse("width", [start(3), *plain[1:]], "kernel: expected 3 features, the output of the previous layer, found 4")
    refuse("units", [start(4), {**plain[1], "config": {**plain[1]["config"], "units": 6}}],
           "kernel: expected shape [?, 24], found [4, 20]")
    refuse("missing", plain, 'HDF5 "/layers/dense', **edit_file(lambda f: f.__delitem__("layers/dense")))
    refuse("fewer", plain, "weights: expected 3, as in the configuration, found 2",
           **edit_file(lambda f: f.__delitem__("layers/lstm/cell/vars/2")))

    def poison(f):
        f["layers/lstm/cell/vars/1"][2, 3] = np.nan
    refuse("nan", plain, 'recurrent_kernel ("/layers/lstm/cell/vars/1"): expected finite float32 values, found nan '
           "at index 43", **edit_file(poison))

    def replace(path, **what):
        def change(f):
            del f[path]
            if "link" in what:
                f[path] = what["link"]
            else:
                f.create_dataset(path, **what)
        return change
    kernel = "layers/lstm/cell/vars/0"
    refuse("integers", plain, "type: expected floating-point numbers, found integers",
           **edit_file(replace(kernel, data=np.zeros((4, 20), np.int8))))
    refuse("soft-link", plain, 'member "0": expected a hard link, found a soft link',
           **edit_file(replace(kernel, link=h5py.SoftLink("/" + kernel[:-1] + "1"))))
    refuse("external-link", plain, 'member "0": expected a hard link, found an external link',
           **edit_file(replace(kernel, link=h5py.ExternalLink("/etc/passwd", "/x"))))
    refuse("external-data", plain, "storage: expected data in this file, found data in another file",
           **edit_file(replace(kernel, shape=(4, 20), dtype="f4", external=[("/etc/passwd", 0, 320)])))
    refuse("huge", plain, "shape: expected at most 536870912 values, found [17179869184, 20]", **edit_file(replace(
        kernel, shape=(2 ** 34, 20), dtype="f4", chunks=(2, 20))))
    refuse("sparse", plain, "storage: expected at least 76260 bytes for the 83886080 bytes of the shape, found 0", **edit_file(replace(
        kernel, shape=(2 ** 20, 20), dtype="f4", chunks=(2, 20))))

    def circle(f):
        f["layers/lstm_9"] = f["layers"]
        f["layers/lstm/again"] = f["layers"]
    write_case(folder, "circle", archive(plain, edit=circle), plain, x)
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("config.json", "{}")
            with z.open("model.weights.h5", "w", force_zip64=True) as member:
                for _ in range(1100):
                    member.write(bytes(1 << 20))
        write_case(folder, "refused-bomb", out.getvalue(), "bytes deflated to", x)
    write_case(folder, "refused-no-weights", zip_of({"config.json": "{}"}),
         '"model.weights.h5": expected a file in the archive, found none', x)
    deep = "[" * 5000 + "]" * 5000
    write_case(folder, "refused-deep", zip_of({"config.json": deep, "model.weights.h5": weights_h5(plain)}),
         "expected JSON of at most 100 levels, found level 101", x)
    write_case(folder, "refused-json", zip_of({"config.json": "{", "model.weights.h5": weights_h5(plain)}),
         "configuration", x)
    write_case(folder, "refused-class", zip_of({
        "config.json": json.dumps({"class_name": "MyModel", "config": {}}),
        "model.weights.h5": weights_h5(plain)}),
         "class of the model: expected one of Sequential, Functional, Model, found MyModel", x)


def unsupported_cases(folder):
    """Writes cases of unsupported layers, in each kind of file, with and without their weights. Many of these
    layers read images or words, whose shapes are not [batch, steps, features], and their weights are not
    where lstm-convert expects weights."""
    images = layer("InputLayer", "input_1", batch_shape=[None, None, 8, 8, 3], dtype="float32")
    words = layer("InputLayer", "input_1", batch_shape=[None, 7], dtype="int32")
    conv = layer("TimeDistributed", "td", {"layer": [draw_weights(3, 3, 3, 2), draw_weights(2)]}, layer=bare(
        layer("Conv2D", "conv", filters=2, kernel_size=[3, 3])))
    flat = distributed(layer("Flatten", "f"), "flat")
    conv_lstm = layer("ConvLSTM2D", "cl",
                      {"cell": [draw_weights(3, 3, 3, 8), draw_weights(3, 3, 2, 8), draw_weights(8)]},
                      filters=2, kernel_size=[3, 3], return_sequences=True)
    embedding = layer("Embedding", "emb", {"": [draw_weights(20, 4)]}, input_dim=20, output_dim=4)
    conv1d = layer("Conv1D", "c", {"": [draw_weights(6, 4, 3)]}, filters=3, kernel_size=[6], use_bias=False)
    attention = layer("Attention", "att", {"": [draw_weights(1)]}, use_scale=True)
    attention["inbound"] = [{"args": [[tensor("a"), tensor("a")]], "kwargs": {}}]
    for name, layers, words_ in (
            ("td-conv", [images, conv, flat, lstm("a", 72, 3)],
             'layer "td" (TimeDistributed): layer: expected a supported class, found Conv2D'),
            ("conv-lstm", [images, conv_lstm, flat, lstm("a", 128, 3)],
             'layer "cl" (ConvLSTM2D): class: expected a supported class, found ConvLSTM2D'),
            ("embedding", [words, embedding, lstm("a", 4, 3)],
             'layer "emb" (Embedding): class: expected a supported class, found Embedding'),
            ("conv1d", [start(4), conv1d, lstm("a", 3, 3)],
             'layer "c" (Conv1D): class: expected a supported class, found Conv1D'),
            ("attention", [start(4), lstm("a", 4, 3), attention, dense("d", 3, 2)],
             'layer "att" (Attention): inputs: expected one layer of the model, as in a chain of layers, found a, a')):
        write_unsupported(folder, "unsupported-" + name, layers, words_)
    config = {"name": "s", "layers": [bare(start(4)), bare(conv1d)]}
    write_case(folder, "unsupported-no-layers", legacy([], "2.10.0", config, edit=lambda f: f["model_weights"].attrs.pop(
        "layer_names")), 'layer "c" (Conv1D): class: expected a supported class, found Conv1D', None)


def write_unsupported(folder, name, layers, words):
    graph = functional(layers)
    known = [one for one in layers if one["class_name"] in ("LSTM", "Dense")]
    first, *rest = [bare(one) for one in layers[1:]]
    first["config"] = {**first["config"], "batch_input_shape": layers[0]["config"]["batch_shape"]}
    if any("inbound" in one for one in layers):
        model = {"class_name": "Functional", "config": graph}
    else:
        model = {"class_name": "Sequential", "config": {"name": "s", "layers": [first, *rest]}}

    def drop_others(f):
        for one in layers:
            if one not in known:
                f["layers"].pop(snake(one["class_name"]), None)
    for suffix, content in {
            "": archive(layers, config=graph), "-without": archive(layers, config=graph, edit=drop_others),
            "-h5": legacy(layers, "2.10.0", model["config"]),
            "-h5-without": legacy(known, "2.10.0", model["config"])}.items():
        write_case(folder, name + suffix, content, words, None)
    for suffix, stored in {"": layers, "-without": known}.items():
        write_case(folder, f"{name}-weights{suffix}", legacy(stored, has_config=False), words, None, config=model)
        write_case(folder, f"{name}-k3-weights{suffix}", weights_h5(stored), words, None, config=model)
