# SPDX-License-Identifier: LGPL-2.1-or-later
"""Layers with random weights, and files of these layers as the versions of Keras since 2.0.5 write them."""
import io
import json
import math
import re
import zipfile

import h5py
import numpy as np

RNG = np.random.default_rng(2026)


def draw_weights(*shape, spread=None):
    spread = spread or 1.5 / math.sqrt(shape[0])
    return (RNG.uniform(-1, 1, shape) * spread).astype(np.float32)


# A layer is {class_name, config, parts: {subgroup of the layer's group in an archive: [variables]}}.

def layer(class_name, name, parts=None, **config):
    return {"class_name": class_name, "config": {"name": name, "trainable": True, **config},
            "parts": parts or {}}


def cell(d, m, bias=True, gates=4, rows=()):
    """Returns the weights of a cell. rows: (2,) for the two biases of a GRU with reset_after."""
    n = gates * m
    return [draw_weights(d, n), draw_weights(m, n)] + ([draw_weights(*rows, n, spread=.5)] if bias else [])


def gru(name, d, m, sequences=True, reset_after=True, class_name="GRU", **config):
    """Returns a GRU. reset_after: None: the configuration does not have the key."""
    parts = {"cell": cell(d, m, config.get("use_bias", True), 3, (2,) if reset_after else ())}
    extra = {} if reset_after is None else {"reset_after": reset_after}
    return layer(class_name, name, parts, units=m, return_sequences=sequences,
                 **{"activation": "tanh", "recurrent_activation": "sigmoid", **extra, **config})


def simple_rnn(name, d, m, sequences=True, **config):
    parts = {"cell": cell(d, m, config.get("use_bias", True), 1)}
    return layer("SimpleRNN", name, parts, units=m, return_sequences=sequences, **{"activation": "tanh", **config})


def stacked_rnn(name, d, *layers, **config):
    """Returns an RNN of the cells of layers. Each layer reads the output of the previous one."""
    parts, cells, counts = {}, [], {}
    for one in layers:
        class_name = one["class_name"] + "Cell"
        group = snake(class_name)
        number = counts[group] = counts.get(group, -1) + 1
        parts[f"cell/cells/{group}_{number}" if number else f"cell/cells/{group}"] = one["parts"]["cell"]
        cells.append({"class_name": class_name, "config": one["config"]})
    stack = {"class_name": "StackedRNNCells", "config": {"name": "cells", "cells": cells}}
    return layer("RNN", name, parts, **{"return_sequences": True, "cell": stack, **config})


def lstm(name, d, m, sequences=True, class_name="LSTM", **config):
    parts = {"cell": cell(d, m, config.get("use_bias", True))}
    return layer(class_name, name, parts, units=m, return_sequences=sequences,
                 **{"activation": "tanh", "recurrent_activation": "sigmoid", **config})


def cudnn(name, d, m, sequences=True):
    parts = {"": [draw_weights(d, 4 * m), draw_weights(m, 4 * m), draw_weights(8 * m, spread=.5)]}
    return layer("CuDNNLSTM", name, parts, units=m, return_sequences=sequences)


def cudnn_gru(name, d, m, sequences=True):
    parts = {"": [draw_weights(d, 3 * m), draw_weights(m, 3 * m), draw_weights(6 * m, spread=.5)]}
    return layer("CuDNNGRU", name, parts, units=m, return_sequences=sequences)


def bidirectional(name, d, m, sequences=True, merge="concat", backward=True, make=lstm, **config):
    inner = make("forward_" + name, d, m, sequences, go_backwards=False, **config)
    other = make("backward_" + name, d, m, sequences, go_backwards=True, **config)
    extra = {"backward_layer": bare(other)} if backward else {}
    return layer("Bidirectional", name,
                 {"forward_layer/cell": inner["parts"]["cell"],
                  "backward_layer/cell": other["parts"]["cell"]},
                 layer=bare(inner), merge_mode=merge, **extra)


def dense(name, d, n, activation="linear", bias=True, **config):
    return layer("Dense", name, {"": [draw_weights(d, n)] + ([draw_weights(n)] if bias else [])}, units=n,
                 activation=activation, use_bias=bias, **config)


def distributed(inner, name):
    return layer("TimeDistributed", name,
                 {"/".join(filter(None, ["layer", p])): w for p, w in inner["parts"].items()},
                 layer=bare(inner))


def batch_norm(name, d, scale=True, center=True):
    weights = [draw_weights(d)] * scale + [draw_weights(d)] * center + [draw_weights(d), abs(draw_weights(d)) + .1]
    return layer("BatchNormalization", name, {"": weights}, axis=[2], epsilon=.01, scale=scale,
                 center=center, momentum=.9)


def layer_norm(name, d, scale=True, center=True):
    return layer("LayerNormalization", name, {"": [draw_weights(d)] * scale + [draw_weights(d)] * center},
                 axis=-1, epsilon=.01, scale=scale, center=center)


def normalization(name, d, invert=False):
    return layer("Normalization", name,
                 {"": [draw_weights(d), abs(draw_weights(d)) + .1, np.array(7)]}, axis=[-1], invert=invert,
                 mean=None, variance=None)


def bare(one):
    return {"module": "keras.layers", "class_name": one["class_name"], "config": one["config"],
            "registered_name": None}


def nested(name, *layers):
    return {"class_name": "Sequential", "layers": list(layers), "parts": {},
            "config": {"name": name, "layers": [bare(one) for one in layers]}}


def graph(name, k3, *layers):
    """Returns a nested functional model. A layer may have the key sources: the names of the layers that it reads."""
    return {"class_name": "Functional", "layers": list(layers), "parts": {},
            "config": {**functional(connect_layers(layers, k3), k3), "name": name}}


def connect_layers(layers, k3):
    """Returns the layers. Those with the key sources read several layers, or one that is not the previous one."""
    return [{**one, "inbound": one.get("fixed_inbound") or [inbound_of(one["sources"], k3)]} if "sources" in one
            else one for one in layers]


def inbound_of(names, k3):
    if len(names) == 1:
        return inbound(names[0], k3)
    return {"args": [[tensor(n) for n in names]], "kwargs": {}} if k3 else [[n, 0, 0, {}] for n in names]


def distributed_model(inner, name):
    return {"class_name": "TimeDistributed", "config": {"name": name, "trainable": True, "layer": bare(inner)},
            "inner": inner, "parts": {}}


def weights_of(one):
    """Returns the weights of a layer or nested model. The constants of a nested model follow all trained weights."""
    if "inner" in one:
        return weights_of(one["inner"])
    if "layers" in one:
        last = [constants(each) for each in one["layers"]]
        first = [weights_of(each)[:-n or None] for each, n in zip(one["layers"], last)]
        rest = [weights_of(each)[-n:] for each, n in zip(one["layers"], last) if n]
        return sum(first + rest, [])
    return [w for part in one["parts"].values() for w in part]


def constants(one):
    if "inner" in one:
        return constants(one["inner"])
    if "layers" in one:
        return sum(constants(each) for each in one["layers"])
    frozen = not one["config"].get("trainable", True)
    kinds = {"BatchNormalization": 2, "Normalization": 3}
    return len(weights_of(one)) if frozen else kinds.get(one["class_name"], 0)


def functional(layers, k3=True, also=()):
    """Returns the configuration of a functional model. Its outputs are the layers `also` and the last layer."""
    objects, before = [], None
    for one in layers:
        name = one["config"]["name"]
        object_ = {**bare(one), "name": name, "inbound_nodes": one.get("inbound")}
        if object_["inbound_nodes"] is None:
            object_["inbound_nodes"] = [inbound(before, k3)] if before else []
        objects.append(object_)
        before = name
    outputs = [[name, 0, 0] for name in [*also, before]]
    return {"name": "functional", "layers": objects,
            "input_layers": [[layers[0]["config"]["name"], 0, 0]],
            "output_layers": outputs[0] if k3 and not also else outputs}


def tensor(name):
    return {"class_name": "__keras_tensor__",
            "config": {"shape": [None, None, 3], "dtype": "float32", "keras_history": [name, 0, 0]}}


def inbound(name, k3=True, **kwargs):
    return {"args": [tensor(name)], "kwargs": kwargs} if k3 else [[name, 0, 0, kwargs]]


# ---------------------------------------------------------------- files

def snake(name):
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def put_groups(group, layers, double):
    counts = {}
    for one in layers:
        name = snake(one["class_name"])
        number = counts.get(name, 0)
        counts[name] = number + (2 if double else 1)
        at = group.create_group(f"{name}_{number}" if number else name)
        if "layers" in one:
            put_groups(at.create_group("layers"), one["layers"], double)
        if "inner" in one:
            put_groups(at.create_group("layer/layers"), one["inner"]["layers"], double)
        at.create_group("vars").attrs["name"] = one["config"]["name"]
        for part, weights in one["parts"].items():
            place = at.require_group("/".join(filter(None, [part, "vars"])))
            for i, value in enumerate(weights):
                place.create_dataset(str(i), data=value)
                if value.dtype.kind == "V":
                    place[str(i)].attrs["dtype"] = "bfloat16"


def weights_h5(layers, container="layers", double=False, edit=None):
    with io.BytesIO() as out:
        with h5py.File(out, "w") as f:
            put_groups(f.create_group(container), layers, double)
            f.create_group("optimizer/vars")["0"] = np.zeros(3, np.float32)
            if edit:
                edit(f)
        return out.getvalue()


def archive(layers, version="3.8.0", config=None, compression=zipfile.ZIP_STORED, folder="",
            more=(), **how):
    config = config or {"name": "sequential", "layers": [bare(one) for one in layers]}
    object_ = {"module": "keras", "class_name": "Functional" if "output_layers" in config
               else "Sequential", "config": config, "registered_name": None}
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w", compression) as z:
            z.writestr(folder + "metadata.json", json.dumps({"keras_version": version}))
            z.writestr(folder + "config.json", json.dumps(object_))
            for name, content in more:
                z.writestr(name, content)
            z.writestr(folder + "model.weights.h5", weights_h5(layers, **how))
        return out.getvalue()


def put_strings(attrs, name, values, variable, split):
    values = [v if variable else v.encode() for v in values]
    chunks = [values[i:i + split] for i in range(0, len(values), split)] if split else [values]
    for i, chunk in enumerate(chunks):
        key = f"{name}{i}" if len(chunks) > 1 else name
        if not chunk:
            attrs[key] = np.zeros(0)
        elif variable:
            attrs.create(key, chunk, dtype=h5py.string_dtype())
        else:
            attrs[key] = np.array(chunk)


VARIABLES = {3: ["kernel", "recurrent_kernel", "bias"], 4: ["gamma", "beta", "mean", "var"]}


def legacy(layers, version="2.10.0", config=None, variable=True, split=0, form="{0}/{1}:0",
           has_config=True, names=None, edit=None):
    """Returns a legacy HDF5 file. form: the name of a dataset by layer and number, which lstm-convert does not use."""
    config = config or {"name": "sequential", "layers": [bare(one) for one in layers]}
    class_name = "Model" if isinstance(config, dict) and "output_layers" in config else "Sequential"
    with io.BytesIO() as out:
        with h5py.File(out, "w") as f:
            group = f.create_group("model_weights") if has_config else f
            if has_config:
                text = json.dumps({"class_name": class_name, "config": config})
                f.attrs["model_config"] = text if variable else np.bytes_(text)
                f.attrs["training_config"] = "{}"
            f.attrs["keras_version"] = version if variable else np.bytes_(version)
            layers = [one for one in layers if one["class_name"] != "InputLayer" and "trainable" in one["config"]
                      or "layers" in one]
            names = names or [one["config"]["name"] for one in layers]
            put_strings(group.attrs, "layer_names", names, variable, split)
            for name, one in zip(names, layers):
                at, weights = group.create_group(name), weights_of(one)
                paths = [form.format(name, f"w{i}") for i in range(len(weights))]
                put_strings(at.attrs, "weight_names", paths, variable, split)
                for path, value in zip(paths, weights):
                    at[path] = value
            if edit:
                edit(f)
        return out.getvalue()
