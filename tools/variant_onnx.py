# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases onnx-* and tf-* of tools/make-variants: LSTM of ONNX and LSTMCell of TensorFlow, in float64."""
import numpy as np
from onnx.backend.test.case.node.lstm import LSTM_Helper

from variant_parts import TRACED, file_names

# ---- ONNX: W [dirs, 4m, d], R [dirs, 4m, m], gates i o f c; B [dirs, 8m]; P [dirs, 3m], i o f.

SIGMOID, TANH, RELU = ("Sigmoid",), ("Tanh",), ("Relu",)
STANDARD = (SIGMOID, TANH, TANH)
# (name, alpha, beta), without parameters that have the defaults of ONNX
HARD = (("HardSigmoid", .375, .4), ("ScaledTanh", 1.7, .6), ("ThresholdedRelu", .2))
SOFT = (SIGMOID, ("Softsign",), ("Elu", .5))
LEAKY = (("HardSigmoid",), ("LeakyRelu", .1), ("Softplus",))
AFFINE = (("Affine", .3, .2), TANH, RELU)
DEFAULTS = (("HardSigmoid",), ("LeakyRelu",), ("Elu",))

# name: (d, m, bs, T, keys: activations, clip, input_forget, direction; P: peepholes; initial;
# last: Y_h instead of Y)
ONNX = {
    "onnx-plain": (3, 5, 2, 6, {}),
    "onnx-peepholes": (3, 5, 2, 8, {"P": True}),
    "onnx-peepholes-wide": (2, 33, 1, 3, {"P": True}),
    "onnx-initial": (3, 5, 3, 4, {"initial": True}),
    "onnx-initial-peepholes-last": (3, 5, 2, 5, {"initial": True, "P": True, "last": True}),
    "onnx-clip": (3, 5, 2, 8, {"clip": .7}),
    "onnx-clip-peepholes": (3, 5, 2, 8, {"clip": .4, "P": True, "initial": True}),
    "onnx-clip-relu": (3, 5, 2, 8, {"clip": 1.25, "activations": (RELU, RELU, RELU)}),
    "onnx-input-forget": (3, 5, 2, 8, {"input_forget": True}),
    "onnx-input-forget-peepholes": (3, 5, 1, 8, {"input_forget": True, "P": True, "clip": .9}),
    "onnx-reverse": (3, 5, 2, 8, {"direction": "reverse"}),
    "onnx-reverse-last": (3, 17, 2, 6, {"direction": "reverse", "last": True}),
    "onnx-reverse-everything": (3, 5, 3, 7, {"direction": "reverse", "P": True, "clip": .8,
                                             "initial": True, "activations": HARD}),
    "onnx-activations-hard": (3, 5, 2, 7, {"activations": HARD}),
    "onnx-activations-soft": (3, 17, 1, 7, {"activations": SOFT}),
    "onnx-activations-leaky": (3, 5, 2, 7, {"activations": LEAKY}),
    "onnx-activations-affine": (3, 5, 2, 5, {"activations": AFFINE}),
    "onnx-activations-defaults": (3, 1, 2, 7, {"activations": DEFAULTS}),
    "onnx-bidirectional-same": (3, 5, 2, 7, {"direction": "bidirectional",
                                             "activations": SOFT + SOFT}),
    "onnx-bidirectional-activations": (3, 5, 2, 7, {"direction": "bidirectional",
                                                    "activations": HARD + LEAKY}),
    "onnx-bidirectional-everything": (2, 5, 3, 6, {"direction": "bidirectional", "P": True,
                                                   "clip": .8, "initial": True,
                                                   "input_forget": True,
                                                   "activations": LEAKY + HARD}),
    "onnx-bidirectional-everything-last": (2, 5, 3, 6, {"direction": "bidirectional", "P": True,
                                                        "clip": .8, "initial": True, "last": True,
                                                        "activations": STANDARD + HARD}),
    "onnx-lengths": (3, 5, 3, 7, {"sequence_lens": (4, 7, 1)}),
    "onnx-lengths-initial": (3, 17, 3, 7, {"sequence_lens": (1, 3, 7), "initial": True,
                                           "P": True}),
    "onnx-lengths-reverse": (3, 5, 3, 7, {"sequence_lens": (1, 7, 5), "direction": "reverse",
                                          "initial": True}),
    "onnx-lengths-reverse-last": (3, 5, 3, 7, {"sequence_lens": (5, 1, 7), "initial": True,
                                               "direction": "reverse", "last": True}),
    "onnx-lengths-bidirectional": (3, 5, 3, 6, {"sequence_lens": (6, 2, 4), "initial": True,
                                                "direction": "bidirectional", "clip": .8,
                                                "activations": HARD + LEAKY}),
    "onnx-lengths-last": (3, 5, 3, 6, {"sequence_lens": (1, 6, 2), "last": True}),
}

# name in ONNX: (function, name in the metadata)
ONNX_FUNCTIONS = {
    "Sigmoid": (lambda x: 1 / (1 + np.exp(-x)), "sigmoid"),
    "Tanh": (np.tanh, "tanh"),
    "Relu": (lambda x: np.maximum(0, x), "relu"),
    "Affine": (lambda x, alpha=1, beta=0: alpha * x + beta, "affine"),
    "LeakyRelu": (lambda x, alpha=.01: np.where(x < 0, alpha * x, x), "leaky_relu"),
    "ThresholdedRelu": (lambda x, alpha=1: np.where(x > alpha, x, 0), "thresholded_relu"),
    "ScaledTanh": (lambda x, alpha=1, beta=1: alpha * np.tanh(beta * x), "scaled_tanh"),
    "HardSigmoid": (lambda x, alpha=.2, beta=.5: np.minimum(np.maximum(alpha * x + beta, 0), 1),
                    "hard_sigmoid"),
    "Elu": (lambda x, alpha=1: np.where(x < 0, alpha * (np.exp(x) - 1), x), "elu"),
    "Softsign": (lambda x: x / (1 + np.abs(x)), "softsign"),
    "Softplus": (lambda x: np.log(1 + np.exp(x)), "softplus"),
}


def onnx_described(row):
    name, *parameters = row
    described = ONNX_FUNCTIONS[name][1]
    return {"name": described, **dict(zip(("alpha", "beta"), parameters))} if parameters \
        else described


def onnx_direction(x, w, r, b, p, h, c, functions, keys):
    """Computes the operator for one direction of x [T, bs, d]: Y [T, bs, m], and gates i f c o [T, bs, 4m]."""
    f, g, k = ((lambda v, row=row: ONNX_FUNCTIONS[row[0]][0](v, *row[1:])) for row in functions)
    (w_i, w_o, w_f, w_c), (r_i, r_o, r_f, r_c) = np.split(w, 4), np.split(r, 4)
    wb_i, wb_o, wb_f, wb_c, rb_i, rb_o, rb_f, rb_c = np.split(b, 8)
    p_i, p_o, p_f = np.split(p, 3)
    limit = keys.get("clip", np.inf)

    def clip(v):
        return np.minimum(np.maximum(v, -limit), limit)

    outputs, gates = [], []
    for x_t in x:
        i_t = f(clip(x_t @ w_i.T + h @ r_i.T + p_i * c + wb_i + rb_i))
        if keys.get("input_forget"):
            f_t = 1 - i_t
        else:
            f_t = f(clip(x_t @ w_f.T + h @ r_f.T + p_f * c + wb_f + rb_f))
        c_t = g(clip(x_t @ w_c.T + h @ r_c.T + wb_c + rb_c))
        c = f_t * c + i_t * c_t
        o_t = f(clip(x_t @ w_o.T + h @ r_o.T + p_o * c + wb_o + rb_o))
        h = o_t * k(c)
        outputs.append(h)
        gates.append(np.concatenate([i_t, f_t, c_t, o_t], -1))
    return np.stack(outputs), np.stack(gates)


def onnx_lstm(x, weights, keys):
    """Computes the operator for x [T, bs, d]: Y [T, dirs, bs, m], Y_h [dirs, bs, m], and the gates of the
    last direction [T, bs, 4m]."""
    direction = keys.get("direction", "forward")
    functions = keys.get("activations", STANDARD)
    every, finals = [], []
    for way, arrays in enumerate(zip(*weights)):
        back = direction == "reverse" or way == 1
        *arrays, h, c = arrays
        h, c = (np.repeat(v[None], x.shape[1], 0) for v in (h, c))
        y, gates = onnx_direction(x[::-1] if back else x, *arrays, h, c,
                                  functions[3 * way:3 * way + 3], keys)
        finals.append(y[-1])
        every.append(y[::-1] if back else y)
    return np.stack(every, 1), np.stack(finals), gates[::-1] if back else gates


def onnx_lengths(x, weights, keys):
    """Computes the operator for each sequence up to its length of sequence_lens, followed by zeros."""
    rows = []
    for row, length in enumerate(keys["sequence_lens"]):
        length = min(length, len(x))
        y, y_h, gates = onnx_lstm(x[:length, row:row + 1], weights, keys)
        rows.append([np.concatenate([v, np.zeros((len(x) - length, *v.shape[1:]))])
                     for v in (y, gates)] + [y_h])
    every, gates, finals = zip(*rows)
    return np.concatenate(every, 2), np.concatenate(finals, 1), np.concatenate(gates, 1)


def compare_with_helper(x, weights, keys):
    """Compares with the helper of ONNX's node tests, if the helper supports the case."""
    if keys.keys() - {"P", "initial", "last"}:
        return
    w, r, b, p, h, c = weights
    helper = LSTM_Helper(X=x, W=w, R=r, B=b, P=p, initial_h=np.repeat(h[:, None], x.shape[1], 1),
                         initial_c=np.repeat(c[:, None], x.shape[1], 1))
    y, y_h, _ = onnx_lstm(x, weights, keys)
    helper_y, helper_y_h = helper.step()
    np.testing.assert_allclose(y, helper_y, atol=1e-12, rtol=0)
    np.testing.assert_allclose(y_h, helper_y_h, atol=1e-12, rtol=0)


def onnx_case(name, draw):
    d, m, bs, steps, keys = ONNX[name]
    dirs = 2 if keys.get("direction") == "bidirectional" else 1
    spread = 1.8 / m ** .5
    weights = [draw(dirs, 4 * m, d, spread=spread), draw(dirs, 4 * m, m, spread=spread),
               draw(dirs, 8 * m, spread=.5), draw(dirs, 3 * m, spread=1.5), draw(dirs, m),
               draw(dirs, m)]
    for key, among in (("P", weights[3:4]), ("initial", weights[4:])):
        for array in among:
            array *= key in keys
    x = draw.inputs((bs, steps, d))
    compare_with_helper(x.transpose(1, 0, 2), weights, keys)

    functions = [onnx_described(row) for row in keys.get("activations", STANDARD)]
    layer = {"type": "lstm", "name": "rnn", "return": "last" if "last" in keys else "sequence",
             "activations": functions[:3] if functions[:3] == functions[3:] else functions,
             "zero_masked": "sequence_lens" in keys and "last" not in keys,
            **{k: keys[k] for k in ("clip", "input_forget", "direction") if k in keys}}
    tensors = {}
    for way, (w, r, b, p, h, c) in enumerate(zip(*weights)):
        def gates(v):  # i o f c -> i f g o
            return np.concatenate([np.split(v, 4)[k] for k in (0, 2, 3, 1)])
        own = {"weight_ih": gates(w), "weight_hh": gates(r), "bias_ih": gates(b[:4 * m]),
               "bias_hh": gates(b[4 * m:])}
        if "P" in keys:  # i o f -> i f o
            own["weight_peephole"] = np.concatenate([np.split(p, 3)[k] for k in (0, 2, 1)])
        if "initial" in keys:
            own |= {"initial_h": h, "initial_c": c}
        tensors |= file_names(own, "rnn", "_reverse" if way else "")

    operator = onnx_lengths if "sequence_lens" in keys else onnx_lstm

    def run(x):
        y, y_h, _ = operator(x.transpose(1, 0, 2), weights, keys)
        y = y_h[None] if "last" in keys else y
        return np.concatenate(list(y.transpose(1, 2, 0, 3)), -1)
    more = {}
    if "sequence_lens" in keys:
        more["mask"] = np.arange(steps) < np.array(keys["sequence_lens"])[:, None]
    if "sequence_lens" in keys or name in TRACED:
        more["gates"] = operator(x.transpose(1, 0, 2), weights, keys)[2].transpose(1, 0, 2)
    return [layer], tensors, run, x, more


# ---- TensorFlow's LSTMCell: kernel [d + m or p, 4m], gates i j f o, and an additional bias of f.

# name: (d, m, bs, T, peepholes, p, cell_clip)
TENSORFLOW = {
    "tf-cell-clip": (3, 5, 2, 9, False, 0, .5),
    "tf-cell-clip-peepholes": (3, 17, 1, 9, True, 0, .25),
    "tf-cell-clip-projection": (3, 5, 2, 9, True, 3, .375),
}


def tensorflow_case(name, draw):
    d, m, bs, steps, peepholes, p, limit = TENSORFLOW[name]
    kernel, bias = draw(d + (p or m), 4 * m, spread=2.), draw(4 * m)
    w_i_diag, w_f_diag, w_o_diag = draw(3, m, spread=1.5 * peepholes)
    projection = draw(m, p) if p else np.eye(m)
    forget_bias = 1

    def run(x, traced=None):
        c, h, outputs = np.zeros((len(x), m)), np.zeros((len(x), p or m)), []
        for t in range(x.shape[1]):
            i, j, f, o = np.split(np.concatenate([x[:, t], h], 1) @ kernel + bias, 4, 1)
            sigmoid = ONNX_FUNCTIONS["Sigmoid"][0]
            f, i = sigmoid(f + forget_bias + w_f_diag * c), sigmoid(i + w_i_diag * c)
            c = f * c + i * np.tanh(j)
            c = np.minimum(np.maximum(c, -limit), limit)
            o = sigmoid(o + w_o_diag * c)
            h = (o * np.tanh(c)) @ projection
            outputs.append(h)
            if traced is not None:
                traced.append(np.concatenate([i, f, np.tanh(j), o], 1))
        return np.stack(outputs, 1)

    def gates(v):  # columns i j f o -> rows i f g o
        return np.concatenate([np.split(v, 4, -1)[k] for k in (0, 2, 1, 3)], -1).T
    own = {"weight_ih": gates(kernel[:d]), "weight_hh": gates(kernel[d:]), "bias_ih": gates(bias),
           "bias_hh": np.repeat([0, forget_bias, 0, 0], m)}
    if peepholes:
        own["weight_peephole"] = np.concatenate([w_i_diag, w_f_diag, w_o_diag])
    if p:
        own["weight_hr"] = projection.T
    layer = {"type": "lstm", "name": "rnn", "cell_clip": limit}
    x, more = draw.inputs((bs, steps, d)), {}
    if name in TRACED:
        traced = []
        run(x, traced)
        more["gates"] = np.stack(traced, 1)
    return [layer], file_names(own, "rnn"), run, x, more
