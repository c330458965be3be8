# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases keras-* of tools/make-variants: layers of Keras, in float64."""
import numpy as np

from variant_parts import TRACED, file_names, pool

# ---- Keras: kernel [d, 4m], recurrent_kernel [m, 4m], bias [4m], gates i f c o. The table has the classes
# and arguments of Keras, and further keys: `version` selects the hard_sigmoid, `initial` sets initial_state,
# `spread` is the spread of the weights.

def rnn(units, **keys):
    return "LSTM", {"units": units, "return_sequences": True, **keys}


def both(units, merge_mode="concat", **keys):
    return "Bidirectional", {"units": units, "return_sequences": True, "merge_mode": merge_mode,
                             **keys}


MASKING, LAST = ("Masking", {"mask_value": 0}), {"return_sequences": False}
AVERAGE = ("GlobalAveragePooling1D", {})

# masked steps of the sequences: at the start, in the middle, at the end, all steps
HOLES = {(0, 0), (0, 1), (0, 4), (1, 3), (1, 4), (1, 7), (1, 8)} | {(2, t) for t in range(9)}

# masked steps of sequences that are longer than a chunk of a state
MANY_HOLES = {(s, t) for s in range(9) for t in range(16) if (7 * s + 3 * t) % 5 == 0}
# more masked steps
MORE_HOLES = {(0, 0), (0, 5), (1, 0), (1, 5), (2, 2), (2, 8)}

# name: (layers, d, bs, T, masked steps[, steps that the mask of the caller masks])
KERAS = {
    "keras-relu": ([rnn(17, activation="relu", spread=6), ("Dense", {"units": 3})], 3, 2, 12, ()),
    "keras-relu-hard-sigmoid": ([rnn(5, activation="relu", recurrent_activation="hard_sigmoid",
                                     spread=2.5)], 3, 2, 9, ()),
    "keras-hard-sigmoid": ([rnn(5, recurrent_activation="hard_sigmoid", spread=4)], 3, 2, 9, ()),
    "keras-hard-sigmoid-sixth": ([rnn(5, recurrent_activation="hard_sigmoid", spread=4,
                                      version=3)], 3, 2, 9, ()),
    "keras-linear": ([rnn(5, activation="linear", recurrent_activation="linear", spread=1)],
                     3, 2, 4, ()),
    "keras-last": ([rnn(5), rnn(17, **LAST), ("Dense", {"units": 4, "activation": "softmax"})],
                   3, 2, 7, ()),
    "keras-last-one-step": ([rnn(1, **LAST)], 3, 1, 1, ()),
    "keras-masking": ([MASKING, rnn(5), ("Dense", {"units": 5, "activation": "relu"}),
                       rnn(5)], 3, 3, 9, HOLES),
    "keras-masking-wide": ([MASKING, rnn(33)], 2, 3, 9, HOLES),
    "keras-masking-value": ([("Masking", {"mask_value": .1}), rnn(5), rnn(5, **LAST),
                             ("Dense", {"units": 3})], 3, 3, 9, HOLES),
    "keras-masking-zero": ([MASKING, rnn(5, zero_output_for_mask=True), ("Dense", {"units": 3})],
                           3, 3, 9, HOLES),
    "keras-masking-zero-last": ([MASKING, rnn(5, zero_output_for_mask=True, **LAST)], 3, 3, 9,
                                HOLES),
    "keras-masking-last": ([("Dense", {"units": 5, "activation": "relu", "use_bias": False}),
                            MASKING, rnn(5, **LAST), ("Dense", {"units": 3})], 3, 3, 9, HOLES),
    # the second Masking replaces the mask: repeated outputs are live, but the zeros at the start are not
    "keras-masking-twice": ([MASKING, rnn(5), MASKING, rnn(5)], 3, 3, 9, HOLES),
    "keras-masking-bidirectional": ([MASKING, both(5), ("Dense", {"units": 3})], 3, 3, 9, HOLES),
    "keras-masking-bidirectional-last": ([MASKING, both(5, **LAST)], 3, 3, 9, HOLES),
    "keras-masking-bidirectional-stacked": ([MASKING, both(5, "sum"), both(5, "ave", **LAST),
                                             ("Dense", {"units": 3})], 3, 3, 9, HOLES),
    "keras-masking-backwards-last": ([MASKING, rnn(5, go_backwards=True, **LAST)], 3, 3, 9, HOLES),
    "keras-masking-backwards": ([MASKING, rnn(5, go_backwards=True)], 3, 3, 9, HOLES),
    "keras-masking-backwards-stacked": ([MASKING, rnn(5, go_backwards=True), rnn(5)], 3, 3, 9,
                                        HOLES),
    "keras-backwards": ([rnn(5, go_backwards=True), rnn(5)], 3, 2, 7, ()),
    "keras-backwards-last": ([rnn(17, go_backwards=True, **LAST)], 3, 2, 7, ()),
    "keras-bidirectional-concat": ([both(5, activation="relu")], 3, 2, 7, ()),
    "keras-bidirectional-sum": ([both(5, "sum")], 3, 2, 7, ()),
    "keras-bidirectional-mul": ([both(5, "mul")], 3, 2, 7, ()),
    "keras-bidirectional-ave": ([both(5, "ave")], 3, 2, 7, ()),
    "keras-bidirectional-mul-last": ([both(5, "mul", **LAST), ("Dense", {"units": 3})], 3, 2, 7,
                                     ()),
    "keras-autoencoder": ([rnn(17, activation="relu", **LAST), ("RepeatVector", {"n": 6}),
                           rnn(5, activation="relu"), ("Dense", {"units": 3})], 3, 2, 6, ()),
    "keras-autoencoder-longer": ([MASKING, both(5, **LAST), ("RepeatVector", {"n": 11}), both(5),
                                  ("Dense", {"units": 3})], 3, 3, 9, HOLES),
    "keras-masking-initial": ([MASKING, rnn(5, initial=True, zero_output_for_mask=True),
                               rnn(5, initial=True, zero_output_for_mask=True)], 3, 3, 9, HOLES),
    "keras-given": ([rnn(5), ("Dense", {"units": 5, "activation": "relu"}), rnn(17)], 3, 3, 9, (),
                    HOLES),
    "keras-given-long": ([rnn(5), rnn(3)], 2, 9, 16, (), MANY_HOLES),
    "keras-given-last": ([("Dense", {"units": 5, "activation": "relu"}), rnn(17, **LAST),
                          ("Dense", {"units": 3})], 3, 3, 9, (), HOLES),
    "keras-given-zero": ([rnn(5, zero_output_for_mask=True, initial=True),
                          ("Dense", {"units": 3})], 3, 3, 9, (), HOLES),
    "keras-given-bidirectional-stacked": ([both(5, "sum"), both(5, "ave", **LAST),
                                           ("Dense", {"units": 3})], 3, 3, 9, (), HOLES),
    "keras-given-backwards-stacked": ([rnn(5, go_backwards=True), rnn(5)], 3, 3, 9, (), HOLES),
    "keras-given-autoencoder": ([both(5, **LAST), ("RepeatVector", {"n": 11}), both(5),
                                 ("Dense", {"units": 3})], 3, 3, 9, (), HOLES),
    "keras-given-and-masking": ([MASKING, rnn(5), rnn(5)], 3, 3, 9, HOLES - {(2, 4)}, MORE_HOLES),
    "keras-softmax": ([rnn(13, activation="softmax", spread=6)], 3, 3, 9, ()),
    "keras-softmax-gates": ([rnn(21, recurrent_activation="softmax", spread=6)], 3, 3, 9, ()),
    "keras-softmax-both": ([rnn(5, activation="softmax", recurrent_activation="softmax",
                                spread=6)], 3, 3, 9, ()),
    "keras-softmax-log": ([rnn(5, activation="log_softmax", spread=1)], 3, 3, 5, ()),
    "keras-softmax-masking": ([MASKING, rnn(33, activation="softmax", spread=6)], 3, 3, 9, HOLES),
    "keras-softmax-bidirectional": ([both(5, activation="softmax", spread=6)], 3, 3, 9, ()),
    "keras-pooling-masking": ([MASKING, rnn(5), AVERAGE, ("Dense", {"units": 3})], 3, 3, 9, HOLES),
    "keras-pooling-given": ([rnn(5), AVERAGE], 3, 3, 9, (), HOLES),
    "keras-pooling-bidirectional": ([MASKING, both(5), AVERAGE], 3, 3, 9, HOLES),
    "keras-pooling-given-alone": ([("Dense", {"units": 5}), AVERAGE], 3, 9, 16, (), MANY_HOLES),
}


def keras_function(name, version=2):
    hard_sigmoid = {2: lambda x: np.clip(.2 * x + .5, 0, 1), 3: lambda x: np.clip(x / 6 + .5, 0, 1)}
    return {"linear": lambda x: x, "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0),
            "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "hard_sigmoid": hard_sigmoid[version],
            "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
            "log_softmax": lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True))}[name]


def keras_lstm(x, mask, weights, keys, go_backwards):
    """Runs an LSTM in Keras' loop. Returns [bs, T, m] in processing order, or [bs, m] of the last step.

    Appends its gates [bs, T, 4m], at their steps, to the list `gates`."""
    kernel, recurrent_kernel, bias, h, c = weights
    activation = keras_function(keys.get("activation", "tanh"))
    recurrent_activation = keras_function(keys.get("recurrent_activation", "sigmoid"),
                                          keys.get("version", 2))
    if go_backwards:
        x, mask = x[:, ::-1], mask[:, ::-1]
    states = [np.tile(h, (len(x), 1)), np.tile(c, (len(x), 1))]
    successive_outputs, gates = [], []
    for t in range(x.shape[1]):
        z0, z1, z2, z3 = np.split(x[:, t] @ kernel + states[0] @ recurrent_kernel + bias, 4, 1)
        i, f = recurrent_activation(z0), recurrent_activation(z1)
        g, o = activation(z2), recurrent_activation(z3)
        c = f * states[1] + i * g
        h = o * activation(c)
        gates.append(np.concatenate([i, f, g, o], 1) * mask[:, t, None])
        previous = successive_outputs[-1] if successive_outputs else np.zeros_like(h)
        live = mask[:, t, None]
        successive_outputs.append(np.where(live, h, previous))
        states = [np.where(live, h, states[0]), np.where(live, c, states[1])]
    keys["gates"].append(np.stack(gates[::-1] if go_backwards else gates, 1))
    last_output, outputs = successive_outputs[-1], np.stack(successive_outputs, 1)
    if keys.get("zero_output_for_mask"):
        last_output = np.where(mask[:, -1, None], last_output, 0)
        outputs = np.where(mask[:, :, None], outputs, 0)
    return outputs if keys["return_sequences"] else last_output


def keras_bidirectional(x, mask, weights, keys):
    keys = keys | {"zero_output_for_mask": keys["return_sequences"]}
    y = keras_lstm(x, mask, weights[0], keys, False)
    y_rev = keras_lstm(x, mask, weights[1], keys, True)
    if keys["return_sequences"]:
        y_rev = y_rev[:, ::-1]
    return {"concat": lambda: np.concatenate([y, y_rev], -1), "sum": lambda: y + y_rev,
            "ave": lambda: (y + y_rev) / 2, "mul": lambda: y * y_rev}[keys["merge_mode"]]()


def keras_recurrent(kind, keys, d, draw, name):
    """Returns layer, tensors, function of (x, mask) and features of LSTM or Bidirectional."""
    m, weights, tensors = keys["units"], [], {}
    for way in range(2 if kind == "Bidirectional" else 1):
        spread = keys.get("spread", 1.6) / m ** .5
        h, c = draw(2, m) if "initial" in keys else np.zeros((2, m))
        kernel, recurrent, bias = (draw(rows, 4 * m, spread=spread) for rows in (d, m, 1))
        bias = (bias + np.repeat([0, 1, 0, 0], m)).astype("f4").astype("f8")[0]
        weights.append((kernel, recurrent, bias, h, c))
        # Keras' gates i f c o are PyTorch's i f g o
        own = {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias_ih": bias}
        if "initial" in keys:
            own |= {"initial_h": h, "initial_c": c}
        tensors |= file_names(own, name, "_reverse" if way else "")
    gate = keys.get("recurrent_activation", "sigmoid")
    if keys.get("version") == 3:
        gate = {"name": "hard_sigmoid", "alpha": 1 / 6}
    layer = {"type": "lstm", "name": name,
             "activations": [gate] + 2 * [keys.get("activation", "tanh")],
             "return": "sequence" if keys["return_sequences"] else "last"}
    if kind == "Bidirectional":
        layer |= {"direction": "bidirectional", "merge": keys["merge_mode"],
                  "zero_masked": keys["return_sequences"]}
        return layer, tensors, lambda x, mask: keras_bidirectional(x, mask, weights, keys), \
            m * (1 + (keys["merge_mode"] == "concat"))
    backwards = "go_backwards" in keys
    layer |= {"zero_masked": "zero_output_for_mask" in keys}
    if backwards:
        layer |= {"direction": "reverse", "order": "processed" if keys["return_sequences"] else
                  "time"}
    return layer, tensors, lambda x, mask: keras_lstm(x, mask, weights[0], keys, backwards), m


def keras_layer(kind, keys, d, draw, name):
    """Returns layer, tensors, a function of (x, mask) that returns (x, mask), and features.

    The function of a layer that returns no sequence returns [bs, features] and the mask of one live step.
    """
    if kind == "Masking":
        def masking(x, mask):
            live = np.any(x.astype("f4") != np.float32(keys["mask_value"]), axis=-1)
            return x * live[..., None], live
        return {"type": "masking", "mask_value": keys["mask_value"]}, {}, masking, d
    if kind == "GlobalAveragePooling1D":
        return {"type": "pooling", "function": "mean"}, {}, lambda x, mask: (
            pool(x, "mean", mask)[:, 0], np.ones((len(x), 1), bool)), d
    if kind == "RepeatVector":
        return {"type": "repeat_vector", "n": keys["n"]}, {}, lambda x, mask: (
            np.stack(keys["n"] * [x], 1), np.ones((len(x), keys["n"]), bool)), d
    if kind == "Dense":
        kernel = draw(d, keys["units"], spread=2 / d ** .5)
        bias = draw(keys["units"]) if keys.get("use_bias", True) else 0.
        function = keras_function(keys.get("activation", "linear"))
        layer, tensors = {"type": "dense", "name": name}, {name + ".weight": kernel.T}
        if "activation" in keys:
            layer["activation"] = keys["activation"]
        if keys.get("use_bias", True):
            tensors[name + ".bias"] = bias
        return layer, tensors, lambda x, mask: (function(x @ kernel + bias), mask), keys["units"]
    layer, tensors, part, n = keras_recurrent(kind, keys, d, draw, name)
    return layer, tensors, lambda x, mask: (part(x, mask), mask), n


def keras_case(name, draw):
    rows, d, bs, steps, masked, *given = KERAS[name]
    x, layers, tensors, parts, gates = draw.inputs((bs, steps, d)), [], {}, [], []
    live = np.array([[not given or (s, t) not in given[0] for t in range(steps)]
                     for s in range(bs)])
    for i, (kind, keys) in enumerate(rows):
        layer, new, part, d = keras_layer(kind, keys | {"gates": gates}, d, draw,
                                          f"{kind.lower()}_{i}")
        if MASKING[0] not in dict(rows[:i]) and not given:
            layer.pop("zero_masked", None)
        layers.append(layer)
        tensors |= new
        parts.append(part)
    for place in masked:
        x[place] = next(keys["mask_value"] for kind, keys in rows if kind == "Masking")
    x = x.astype("f4").astype("f8")
    if masked:  # a single feature with the value masks nothing
        x[0, 2, 0] = x[0, 0, 0]

    def run(x):
        y, mask = x, live[:, :x.shape[1]]
        for (kind, _), part in zip(rows, parts):
            y, mask = part(y, mask)
            if kind == "Masking" and given:
                mask = mask & live[:, :x.shape[1]]
        return y if y.ndim == 3 else y[:, None]
    more = {"mask": live} if given else {}
    if name in TRACED:
        run(x)
        more["gates"] = gates[-1]
    return layers, tensors, run, x, more
