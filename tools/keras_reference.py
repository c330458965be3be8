# SPDX-License-Identifier: LGPL-2.1-or-later
"""The outputs of Keras layers in float64, computed from the weights of Keras."""

import math

import numpy as np

EYE = {"Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
       "ActivityRegularization", "InputLayer", "Flatten", "Reshape", "Identity"}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def elu(x, alpha=1):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def functions(v):
    return {
        "linear": lambda x: x, "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh,
        "sigmoid": sigmoid, "softmax": softmax, "log_softmax": lambda x: np.log(softmax(x)),
        "hard_sigmoid": lambda x: np.clip(x / 6 + .5 if v >= 3 else .2 * x + .5, 0, 1),
        "elu": elu, "celu": elu, "exponential": np.exp, "softsign": lambda x: x / (1 + abs(x)),
        "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
        "softplus": lambda x: np.log1p(np.exp(x)), "relu6": lambda x: np.clip(x, 0, 6),
        "leaky_relu": lambda x: np.where(x > 0, x, .2 * x), "silu": lambda x: x * sigmoid(x),
        "swish": lambda x: x * sigmoid(x), "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
        "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6, "hard_tanh": lambda x: np.clip(x, -1, 1),
        "gelu": lambda x: .5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))}


def activation(value, v):
    if isinstance(value, dict) and isinstance(value["config"], str):
        value = value["config"]
    if isinstance(value, dict):
        return lambda x: activate(value["class_name"], value["config"], x, v)
    return functions(v)[value or "linear"]


def activate(class_name, c, x, v):
    if class_name == "Activation":
        return activation(c["activation"], v)(x)
    if class_name == "Softmax":
        return softmax(x)
    if class_name == "ELU":
        return elu(x, c["alpha"])
    if class_name == "ThresholdedReLU":
        return x * (x > c["theta"])
    if class_name == "LeakyReLU":
        return np.where(x >= 0, x, c.get("negative_slope", c.get("alpha", .3)) * x)
    low, high = c.get("threshold") or 0, c.get("max_value")
    y = np.where(x >= low, x, (c.get("negative_slope") or 0) * (x - low))
    return y if high is None else np.minimum(y, high)


def plain_weights(weights, m):
    """Converts the arrays of a CuDNNLSTM or CuDNNGRU to the arrays of an LSTM or GRU, by the formulas of Keras."""
    gates = weights[0].shape[1] // m
    if gates == 1 or len(weights) < 3 or weights[2].shape != (2 * gates * m,):
        return weights
    kernel = np.hstack([k.T.reshape(k.shape, order="F") for k in np.hsplit(weights[0], gates)])
    recurrent = np.hstack([k.T for k in np.hsplit(weights[1], gates)])
    bias = weights[2].reshape(2, -1)
    return [kernel, recurrent, bias.sum(0) if gates == 4 else bias]


def step_lstm(act, gate, x, h, c, w, u, b):
    i, f, g, o = np.split(x @ w + h @ u + b, 4, -1)
    c = gate(f) * c + gate(i) * act(g)
    return gate(o) * act(c), c


def step_gru(act, gate, x, h, c, w, u, b):
    """Runs a step of Keras' GRU: with reset_after if b has the two rows of input and recurrent bias."""
    first, second = b if b.ndim == 2 else (b, np.zeros_like(b))
    xz, xr, xh = np.split(x @ w + first, 3, -1)
    uz, ur, uh = np.split(u, 3, -1)
    bz, br, bh = np.split(second, 3, -1)
    z, r = gate(xz + h @ uz + bz), gate(xr + h @ ur + br)
    hh = act(xh + (r * (h @ uh + bh) if b.ndim == 2 else (r * h) @ uh))
    return z * h + (1 - z) * hh, c


def step_rnn(act, gate, x, h, c, w, u, b):
    return act(x @ w + h @ u + b), c


STEPS = {"LSTM": step_lstm, "CuDNNLSTM": step_lstm, "GRU": step_gru, "CuDNNGRU": step_gru, "SimpleRNN": step_rnn}


def read_cell(kind, inner, weights, v, default):
    """Returns a function that runs a step of a cell, and the number of its units."""
    act = activation(inner.get("activation", "tanh"), v)
    gate = activation(inner.get("recurrent_activation", default), v)
    w, u, *b = [np.asarray(a, np.float64) for a in plain_weights(weights, inner["units"])]
    rows = (2,) if kind == "GRU" and inner.get("reset_after") else ()
    bias = b[0] if b else np.zeros((*rows, w.shape[1]))
    return lambda x, h, c: STEPS[kind](act, gate, x, h, c, w, u, bias), inner["units"]


def get_cells(kind, c, parts, v, default):
    cells = [{"class_name": kind + "Cell", "config": c}]
    if "cell" in c:
        stacked = c["cell"]["class_name"] == "StackedRNNCells"
        cells = c["cell"]["config"]["cells"] if stacked else [c["cell"]]
    return [read_cell(one["class_name"][:-len("Cell")], one["config"], weights, v, default)
            for one, weights in zip(cells, parts)]


def run_recurrent(kind, c, parts, x, mask, v, zero, default="sigmoid"):
    cells = get_cells(kind, c, parts, v, default)
    if c.get("go_backwards"):
        x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
    states = [(np.zeros((len(x), m)),) * 2 for _, m in cells]
    out, ys = states[-1][0], []
    for t in range(x.shape[1]):
        live = np.ones((len(x), 1), bool) if mask is None else mask[:, t, None]
        y = x[:, t]
        for i, (step, _) in enumerate(cells):
            new = step(y, *states[i])
            y = new[0]
            states[i] = tuple(np.where(live, a, b) for a, b in zip(new, states[i]))
        out = np.where(live, y, out)
        ys.append(np.where(live, y, 0) if zero else out)
    return np.stack(ys, 1) if c["return_sequences"] else ys[-1][:, None]


def run_bidirectional(one, x, mask, v, zeroes):
    c = one["config"]
    forward = c["layer"]["config"]
    backward = {**c.get("backward_layer", c["layer"])["config"], "go_backwards": True}
    zero = zeroes and forward["return_sequences"]
    kind = c["layer"]["class_name"]
    a = run_recurrent(kind, forward, [one["parts"]["forward_layer/cell"]], x, mask, v, zero)
    b = run_recurrent(kind, backward, [one["parts"]["backward_layer/cell"]], x, mask, v, zero)[:, ::-1]
    return {"concat": lambda: np.concatenate([a, b], -1), "sum": lambda: a + b,
            "mul": lambda: a * b, "ave": lambda: (a + b) / 2}[c["merge_mode"]]()


def run_norm(one, x):
    c, w = one["config"], [np.asarray(a, np.float64) for a in one["parts"].get("", [])]
    if one["class_name"] == "Rescaling":
        return x * np.array(c["scale"]) + np.array(c["offset"])
    if one["class_name"] == "Normalization":
        mean, variance = w[:2] if w else (np.array(c["mean"]), np.array(c["variance"]))
        deviation = np.maximum(np.sqrt(variance), 1e-7)
        return x * deviation + mean if c.get("invert") else (x - mean) / deviation
    gamma = w.pop(0) if c["scale"] else 1
    beta = w.pop(0) if c["center"] else 0
    mean, variance = w or (x.mean(-1, keepdims=True), x.var(-1, keepdims=True))
    return gamma * (x - mean) / np.sqrt(variance + c["epsilon"]) + beta


def run_layer(one, x, mask, v, standalone):
    kind, c = one["class_name"], one["config"]
    if "layers" in one:
        return run_layers(one["layers"], x, v, standalone, mask)
    if kind in EYE:
        return x, mask
    if kind == "Masking":
        mask = (x != c["mask_value"]).any(-1)
        return x * mask[..., None], mask
    if kind == "RepeatVector":
        return np.repeat(x[:, -1:], c["n"], 1), None
    if kind in STEPS or kind == "RNN":
        default = "hard_sigmoid" if v < 2.3 and not kind.startswith("CuDNN") else "sigmoid"
        y = run_recurrent(kind, c, [*one["parts"].values()], x, mask, v, c.get("zero_output_for_mask"), default)
        return y, mask if c["return_sequences"] else None
    if kind == "GlobalMaxPooling1D":
        return x.max(1, keepdims=True), None
    if kind == "GlobalAveragePooling1D":
        live = np.ones(x.shape[:2], bool) if mask is None else mask
        return (x * live[..., None]).sum(1, keepdims=True) / live.sum(1)[:, None, None], None
    if kind == "Bidirectional":
        y = run_bidirectional(one, x, mask, v, not standalone)
        return y, mask if c["layer"]["config"]["return_sequences"] else None
    if kind == "TimeDistributed":
        inner = {**c["layer"], "parts": {p[6:]: w for p, w in one["parts"].items()}}
        return run_layer(inner, x, mask, v, standalone)[0], mask
    if kind == "Dense":
        w, *b = [np.asarray(a, np.float64) for a in one["parts"][""]]
        return activation(c["activation"], v)(x @ w + (b[0] if b else 0)), mask
    if kind in ("Normalization", "Rescaling", "BatchNormalization", "LayerNormalization"):
        return run_norm(one, x), mask
    return activate(kind, c, x, v), mask


def run_layers(layers, x, v=3., standalone=False, mask=None):
    for one in layers:
        x, mask = run_layer(one, x, mask, v, standalone)
    return x, mask
