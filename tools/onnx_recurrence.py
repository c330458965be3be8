# SPDX-License-Identifier: LGPL-2.1-or-later
"""The operators LSTM, GRU and RNN of ONNX, computed in float64."""
import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


FUNCTIONS = {  # name: (function, alpha, beta)
    "sigmoid": (lambda v, a, b: sigmoid(v), None, None),
    "tanh": (lambda v, a, b: np.tanh(v), None, None),
    "relu": (lambda v, a, b: np.maximum(v, 0), None, None),
    "hardsigmoid": (lambda v, a, b: np.clip(a * v + b, 0, 1), .2, .5),
    "leakyrelu": (lambda v, a, b: np.where(v < 0, a * v, v), .01, None),
    "thresholdedrelu": (lambda v, a, b: np.where(v > a, v, 0), 1., None),
    "scaledtanh": (lambda v, a, b: a * np.tanh(b * v), 1., 1.),
    "affine": (lambda v, a, b: a * v + b, 1., 0.),
    "elu": (lambda v, a, b: np.where(v < 0, a * (np.exp(v) - 1), v), 1., None),
    "softsign": (lambda v, a, b: v / (1 + np.abs(v)), None, None),
    "softplus": (lambda v, a, b: np.log1p(np.exp(v)), None, None),
}


def functions(op, attributes, dirs):
    names = attributes.get("activations", OPS[op][1] * dirs)
    alphas = list(attributes.get("activation_alpha", []))
    betas = list(attributes.get("activation_beta", []))
    result = []
    for name in names:
        f, a, b = FUNCTIONS[name.lower()]
        a = alphas.pop(0) if a is not None and alphas else a
        b = betas.pop(0) if b is not None and betas else b
        result.append(lambda v, f=f, a=a, b=b: f(v, a, b))
    return result


def lstm_direction(x, w, r, b, p, h, c, f, clip, input_forget):
    """Computes one direction of x [T, bs, d], with the gates i o f c and peepholes i o f. Returns: [T, bs, m]"""
    m, outputs = r.shape[1], []
    cut = lambda v: v if clip is None else np.clip(v, -clip, clip)
    for step in x:
        z = step @ w.T + h @ r.T + b[:4 * m] + b[4 * m:]
        zi, zo, zf, zc = np.split(z, 4, 1)
        i = f[0](cut(zi + p[:m] * c))
        forget = 1 - i if input_forget else f[0](cut(zf + p[2 * m:] * c))
        c = forget * c + i * f[1](cut(zc))
        h = f[0](cut(zo + p[m:2 * m] * c)) * f[2](c)
        outputs.append(h)
    return np.stack(outputs)


def gru_direction(x, w, r, b, h, f, clip, linear_before_reset):
    """Computes one direction of x [T, bs, d], with the gates z r h. Returns: [T, bs, m]"""
    m, outputs = r.shape[1], []
    cut = lambda v: v if clip is None else np.clip(v, -clip, clip)
    for step in x:
        xz, xr, xn = np.split(step @ w.T + b[:3 * m], 3, 1)
        hz, hr, hn = np.split(h @ r.T + b[3 * m:], 3, 1)
        z, reset = f[0](cut(xz + hz)), f[0](cut(xr + hr))
        if not linear_before_reset:
            hn = (reset * h) @ r[2 * m:].T + b[5 * m:]
        n = f[1](cut(xn + (reset * hn if linear_before_reset else hn)))
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.stack(outputs)


def rnn_direction(x, w, r, b, h, f, clip):
    """Computes one direction of x [T, bs, d]. Returns: [T, bs, m]"""
    m, outputs = r.shape[1], []
    cut = lambda v: v if clip is None else np.clip(v, -clip, clip)
    for step in x:
        h = f[0](cut(step @ w.T + h @ r.T + b[:m] + b[m:]))
        outputs.append(h)
    return np.stack(outputs)


OPS = {"LSTM": (4, ["Sigmoid", "Tanh", "Tanh"]), "GRU": (3, ["Sigmoid", "Tanh"]), "RNN": (1, ["Tanh"])}


def run_direction(op, x, t, k, f, attributes):
    """Computes direction `k` of x [T, bs, d]. Returns: [T, bs, m]"""
    m = t["R"].shape[2]
    zeros = np.zeros((x.shape[1], m))
    state = lambda name: t[name][k] if name in t else zeros
    b = t["B"][k] if "B" in t else np.zeros(2 * OPS[op][0] * m)
    p = t["P"][k] if "P" in t else np.zeros(3 * m)
    w, r, clip = t["W"][k], t["R"][k], attributes.get("clip")
    if op == "GRU":
        return gru_direction(x, w, r, b, state("initial_h"), f, clip, attributes.get("linear_before_reset", 0))
    if op == "RNN":
        return rnn_direction(x, w, r, b, state("initial_h"), f, clip)
    return lstm_direction(x, w, r, b, p, state("initial_h"), state("initial_c"), f, clip,
                          attributes.get("input_forget", 0))


def recurrent_numbers(op, x, t, attributes):
    """Computes the operator for x [bs, T, d]. Returns: [bs, T, dirs · m], and [bs, 1, dirs · m] of the steps that
    each direction processes last"""
    direction = attributes.get("direction", "forward")
    dirs = 2 if direction == "bidirectional" else 1
    f, each = functions(op, attributes, dirs), len(OPS[op][1])
    time, outputs, lasts = x.transpose(1, 0, 2), [], []
    t = {k: v.astype(np.float64) for k, v in t.items()}
    for k in range(dirs):
        back = direction == "reverse" or k == 1
        y = run_direction(op, time[::-1] if back else time, t, k, f[each * k:each * (k + 1)], attributes)
        lasts.append(y[-1:])
        outputs.append(y[::-1] if back else y)
    return [np.concatenate(v, 2).transpose(1, 0, 2) for v in (outputs, lasts)]
