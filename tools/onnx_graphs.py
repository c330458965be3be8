# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX graphs that contain the LSTM operator."""
import math

import numpy as np
import onnx.parser
from onnx import numpy_helper

from onnx_cases import D, M, seed_random, uniform, write_case
from onnx_recurrence import recurrent_numbers

# name: (opset, nodes in the text format of ONNX, attributes for recurrent_numbers, the index of its result or a
# function of both results, or a part of the error message). The graph has the weights W, R and B of all
# directions, W0, R0 and B0 of the first direction, and W1, R1 and B1 of the second direction.
LSTM = "y, y_h, y_c = LSTM <hidden_size: int = 6> (xt, W, R, B)\n"
BOTH = 'y, y_h = LSTM <hidden_size: int = 6, direction = "bidirectional"> (xt, W, R, B)\n'
IN = "xt = Transpose <perm = [1, 0, 2]> (x)\n"
PAIR = ("f, f_h = LSTM <hidden_size: int = 6> (xt, W0, R0, B0)\n"
        'b, b_h = LSTM <hidden_size: int = 6, direction = "reverse"> (xt, W1, R1, B1)\n')
SQUEEZE = "f2 = Squeeze <axes = [1]> (f)\n b2 = Squeeze <axes = [1]> (b)\n"
FLIPPED = ("t64 = Shape (x)\n one = Constant <value = int64[1] {1}> ()\n"
           "two = Constant <value = int64[1] {2}> ()\n zero = Constant <value = int64[1] {0}> ()\n"
           "n = Slice (t64, zero, one)\n t = Slice (t64, one, two)\n lens = Expand (t, n)\n"
           "xr = ReverseSequence <time_axis = 0, batch_axis = 1> (xt, lens)\n"
           "f, f_h = LSTM <hidden_size: int = 6> (xt, W0, R0, B0)\n"
           "br, b_h = LSTM <hidden_size: int = 6> (xr, W1, R1, B1)\n")
FORWARD, BACK = {}, {"direction": "bidirectional"}
NUMBERS = "".join(f"{k} = Constant <value = float {{{v}}}> ()\n" for k, v in dict(
    root=1.4142135, one=1., half=.5, slope=.2).items())
ERF = LSTM + NUMBERS + "s = Div (y, root)\n e = Erf (s)\n e1 = Add (e, one)\n"
gelu = np.vectorize(lambda v: v * .5 * (1 + math.erf(v / math.sqrt(2))))
GAMMA, BETA = np.float32([.5, 1.25, -1, 2, 1, .75]), np.float32([.1, 0, -.5, .25, 1, 0])
NORM = ("mean = ReduceMean <axes = [-1], keepdims = 1> (y)\n d = Sub (y, mean)\n dd = Mul (d, d)\n"
        "v = ReduceMean <axes = [-1], keepdims = 1> (dd)\n eps = Constant <value = float {0.001}> ()\n"
        "ve = Add (v, eps)\n root = Sqrt (ve)\n inverse = Reciprocal (root)\n"
        f"gamma = Constant <value = float[6] {{{', '.join(map(str, GAMMA))}}}> ()\n"
        f"beta = Constant <value = float[6] {{{', '.join(map(str, BETA))}}}> ()\n")


def normalize(y, gamma=GAMMA, beta=BETA):
    centred = y - y.mean(-1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + np.float32(.001)) * gamma + beta


UNROLLED = (IN + LSTM + "s = Squeeze <axes = [1]> (y)\n" + "".join(
    f"p{k} = Slice <axes = [0], starts = [{k}], ends = [{k + 1}]> (s)\n q{k} = Squeeze <axes = [0]> (p{k})\n"
    f"a{k} = MatMul (q{k}, DW)\n b{k} = Add (a{k}, DB)\n r{k} = Relu (b{k})\n u{k} = Unsqueeze <axes = [0]> (r{k})\n"
    for k in range(7)) + f"out = Concat <axis = 0> ({', '.join(f'u{k}' for k in range(7))})\n")
DENSE = (np.arange(24, dtype=np.float32).reshape(6, 4) % 7 - 3) / 4, np.float32([.1, -.2, .3, 0])
apply_dense = lambda y, last: np.maximum(y @ DENSE[0] + DENSE[1], 0)  # noqa: E731
GRAPHS = {
    "unrolled": (9, UNROLLED, FORWARD, apply_dense),
    "unrolled-early": (9, UNROLLED.replace("u6)", "u5)"), FORWARD, 'node "out" (Concat): inputs: '),
    "unrolled-order": (9, UNROLLED.replace("u2, u3", "u3, u2"), FORWARD, 'node "out" (Concat): inputs: '),
    "unrolled-other": (9, UNROLLED.replace("Relu (b3)", "Tanh (b3)"), FORWARD, 'node "out" (Concat): inputs: '),
    "norm-keras": (11, IN + LSTM + NORM + "minus = Neg (mean)\n f = Mul (inverse, gamma)\n a = Mul (y, f)\n"
                   "b = Mul (minus, f)\n c = Add (b, beta)\n out = Add (a, c)\n", FORWARD, lambda y, last: normalize(y)),
    "norm-factored": (11, IN + LSTM + NORM + "f = Mul (gamma, inverse)\n a = Mul (f, y)\n b = Mul (mean, f)\n"
                      "c = Sub (beta, b)\n out = Add (c, a)\n", FORWARD, lambda y, last: normalize(y)),
    "norm-bare": (11, IN + LSTM + NORM + "a = Mul (y, inverse)\n b = Mul (mean, inverse)\n out = Sub (a, b)\n",
                  FORWARD, lambda y, last: normalize(y, 1, 0)),
    "norm-mixed": (11, IN + LSTM + NORM + "f = Mul (gamma, inverse)\n a = Mul (f, y)\n b = Mul (mean, inverse)\n"
                   "c = Sub (beta, b)\n out = Add (c, a)\n", FORWARD, 'node "out" (Add): inputs: expected a constant'),
    "if": (13, IN + LSTM + "s = Shape (y)\n k = Constant <value = int64 {1}> ()\n d = Gather (s, k)\n"
           "same = Equal (d, k)\n axes = Constant <value = int64[1] {1}> ()\n"
           "out = If (same) <then_branch = a () => (p) { p = Squeeze (y, axes) },"
           " else_branch = b () => (q) { q = Identity (y) }>\n", FORWARD, 0),
    "pair-concat": (11, IN + PAIR + SQUEEZE + "out = Concat <axis = 2> (f2, b2)\n", BACK, 0),
    "pair-sum": (11, IN + PAIR + SQUEEZE + "out = Add (b2, f2)\n", BACK, lambda y, last: y[..., :6] + y[..., 6:]),
    "pair-mul": (11, IN + PAIR + SQUEEZE + "out = Mul (f2, b2)\n", BACK, lambda y, last: y[..., :6] * y[..., 6:]),
    "pair-last": (11, IN + PAIR + "f2 = Squeeze <axes = [0]> (f_h)\n b2 = Squeeze <axes = [0]> (b_h)\n"
                  "out = Concat <axis = -1> (f2, b2)\n", BACK, 1),
    "pair-swapped": (11, IN + PAIR + SQUEEZE + "out = Concat <axis = 2> (b2, f2)\n", BACK,
                     "inputs: expected the forward and the reverse direction of one recurrent layer"),
    "flipped": (11, IN + FLIPPED + "b = ReverseSequence <time_axis = 0, batch_axis = 1> (br, lens)\n"
                + SQUEEZE + "out = Concat <axis = 2> (f2, b2)\n", BACK, 0),
    "flipped-last": (11, IN + FLIPPED + "f2 = Squeeze <axes = [0]> (f_h)\n"
                     "b2 = Squeeze <axes = [0]> (b_h)\n out = Concat <axis = -1> (f2, b2)\n", BACK, 1),
    "processed": (11, IN + FLIPPED + "out = Squeeze <axes = [1]> (br)\n", BACK, lambda y, last: y[:, ::-1, 6:]),
    "one-of-both": (11, IN + BOTH + "p, q = Split <axis = 1> (y)\n out = Squeeze <axes = [1]> (q)\n", BACK,
                    lambda y, last: y[..., 6:]),
    "split-concat": (11, IN + BOTH + "p, q = Split <axis = 1> (y)\n f2 = Squeeze <axes = [1]> (p)\n"
                     "b2 = Squeeze <axes = [1]> (q)\n out = Concat <axis = 2> (f2, b2)\n", BACK, 0),
    "reduce-sum": (11, IN + BOTH + "out = ReduceSum <axes = [1], keepdims = 0> (y)\n", BACK,
                   lambda y, last: y[..., :6] + y[..., 6:]),
    "keras-both": (9, IN + BOTH + "p = Transpose <perm = [2, 0, 1, 3]> (y)\n"
                   "s = Constant <value = int64[3] {0, 0, -1}> ()\n out = Reshape (p, s)\n", BACK, 0),
    "interleaved": (9, IN + BOTH + "p = Transpose <perm = [0, 2, 3, 1]> (y)\n"
                    "s = Constant <value = int64[3] {0, 0, -1}> ()\n out = Reshape (p, s)\n", BACK, "found interleaved directions"),
    "gelu": (13, IN + ERF + "p = Mul (y, e1)\n out = Mul (p, half)\n", FORWARD, lambda y, last: gelu(y)),
    "gelu-half-first": (13, IN + ERF + "p = Mul (half, y)\n out = Mul (e1, p)\n", FORWARD,
                        lambda y, last: gelu(y)),
    "erf": (13, IN + ERF + "out = Mul (e1, e1)\n", FORWARD, "inputs: expected a constant, or the two directions"),
    "erf-alone": (13, IN + ERF + "out = Identity (e)\n", FORWARD, "Erf is supported only inside GELU"),
    "prelu": (13, IN + LSTM + NUMBERS + "out = PRelu (y, slope)\n", FORWARD,
              lambda y, last: np.where(y < 0, np.float32(.2) * y, y)),
    "celu": (13, IN + LSTM + "out = Celu (y)\n", FORWARD, lambda y, last: np.where(y < 0, np.expm1(y), y)),
    "celu-alpha": (13, IN + LSTM + "out = Celu <alpha = 2.0> (y)\n", FORWARD, "alpha: expected 1, found 2"),
    "dropout": (13, IN + LSTM + NUMBERS + "t = Constant <value = bool {0}> ()\n"
                "out = Dropout (y, half, t)\n", FORWARD, 0),
    "dropout-training": (13, IN + LSTM + NUMBERS + "t = Constant <value = bool {1}> ()\n"
                         "out = Dropout (y, half, t)\n", FORWARD,
                         "mode: expected evaluation, found training"),
    "cast-condition": (13, IN + LSTM + "n = Constant <value = int64 {2}> ()\n t = Cast <to = 9> (n)\n"
                       "out = If (t) <then_branch = a () => (p) { p = Identity (y) },"
                       " else_branch = b () => (q) { q = Relu (y) }>\n", FORWARD, 0),
    "self-if": (13, IN + LSTM + "t = Constant <value = bool {1}> ()\n"
                "out = If (t) <then_branch = a () => (p) { p = Relu (out) },"
                " else_branch = b () => (q) { q = Relu (out) }>\n", FORWARD, "cycles"),
    "shape-bomb": (13, IN + LSTM + "n = Constant <value = int64[2] {1099511627776, 1099511627776}> ()\n"
                   "z = ConstantOfShape (n)\n out = Add (y, z)\n", FORWARD, "fit in memory"),
    "concat-bomb": (13, IN + LSTM + "n = Constant <value = int64[1] {1000000}> ()\n z0 = ConstantOfShape (n)\n"
                    + "".join(f"z{i + 1} = Concat <axis = 0> ({', '.join([f'z{i}'] * 9)})\n" for i in range(9))
                    + "out = Add (y, z9)\n", FORWARD, "fit in memory"),
    "slice-last": (9, IN + LSTM + "p = Slice <axes = [0], starts = [-1], ends = [9223372036854775807]> (y)\n"
                   "out = Squeeze <axes = [0, 1]> (p)\n", FORWARD, 1),
    "gather-elements": (13, IN + LSTM + "i = Constant <value = int64[1, 1, 1, 1] {-1}> ()\n"
                        "out = GatherElements <axis = 0> (y, i)\n", FORWARD, 1),
    "leftover": (13, "p = Conv (x, W)\n" + IN + LSTM + "out = Identity (y)\n", FORWARD, 0),
    "unsorted": (13, "out = Identity (y)\n" + LSTM + IN, FORWARD, 0),
    "cycle": (13, IN + LSTM + "p = Add (q, y)\n q = Identity (p)\n out = Identity (q)\n", FORWARD, "cycles"),
    "no-output": (11, IN + LSTM + "= Split <axis = 0> (y)\n out = Identity (y)\n", FORWARD, "expected an output"),
    "missing": (13, IN + LSTM + "out = Add (y, nowhere)\n", FORWARD, "nowhere"),
    "state-used": (13, IN + "y = LSTM <hidden_size: int = 6> (xt, W, R, B, , h0, h0)\n out = Add (y, h0)\n",
                   FORWARD, "input 1: expected an LSTM, GRU or RNN node as the only reader"),
    "other-domain": (13, IN + LSTM + "out = com.microsoft.Gelu (y)\n", FORWARD, "com.microsoft"),
    "attention": (13, IN + LSTM + "out = Attention (y, y, y)\n", FORWARD, "attention"),
    "attention-alone": (13, "out = Attention (x, x, x)\n", FORWARD, 'node "out" (Attention): '),
    "attention-domain": (13, IN + LSTM + "out = com.microsoft.MultiHeadAttention (y, y, y)\n", FORWARD,
                         'node "out" (MultiHeadAttention): '),
    "attention-domain-alone": (13, "out = com.microsoft.MultiHeadAttention (x, x, x)\n", FORWARD,
                               'node "out" (MultiHeadAttention): '),
    "conv-first": (13, "p = Conv (x, W)\n xt = Transpose <perm = [1, 0, 2]> (p)\n" + LSTM + "out = Identity (y)\n",
                   FORWARD, 'node "p" (Conv): '),
    "pool-alone": (13, "p = MaxPool <kernel_shape = [2]> (x)\n out = Relu (p)\n", FORWARD,
                   "graph: expected an LSTM, GRU or RNN node, found none among 2 nodes"),
    "embedding": (13, "e = Gather (W, x)\n" + LSTM.replace("xt", "e") + "out = Identity (y)\n", FORWARD,
                  'node "e" (Gather): '),
    "unknown-condition": (13, IN + LSTM + "s = Shape (x)\n k = Constant <value = int64 {1}> ()\n d = Gather (s, k)\n"
                          "same = Equal (d, k)\n out = If (same) <then_branch = a () => (p) { p = Identity (y) },"
                          " else_branch = b () => (q) { q = Identity (y) }>\n", FORWARD, "condition: expected a condition that follows"),
}


def graph_case(folder, name, opset, nodes, attributes, result, change=None, move=None):
    """Writes a case of a graph. `change` changes the model, `move` also writes files of external data."""
    seed_random(name)
    files = {}
    dirs = 2 if attributes else 1
    t = {"W": uniform(dirs, 4 * M, D), "R": uniform(dirs, 4 * M, M), "B": uniform(dirs, 8 * M)}
    more = ", float[1, n, 6] h0" if "h0" in nodes else ""
    model = onnx.parser.parse_model(
        f'<ir_version: 7, opset_import: ["" : {opset}]>\n'
        f"g (float[n, t, {D}] x{more}) => (float[a, b, c] out) {{\n{nodes}}}")
    for node in model.graph.node:  # the text format has no domains before onnx 1.13
        if "." in node.op_type:
            node.domain, _, node.op_type = node.op_type.rpartition(".")
    model.graph.initializer.extend(
        [numpy_helper.from_array(v, k) for k, v in t.items()]
        + [numpy_helper.from_array(v[k:k + 1], f"{n}{k}") for n, v in t.items() for k in range(dirs)])
    if change:
        change(model)
    if move:
        move(model, files)
    if "DW" in nodes:
        model.graph.initializer.extend([numpy_helper.from_array(v, k) for k, v in zip(("DW", "DB"), DENSE)])
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7
    x = uniform(2, 7, D, spread=2)
    both = recurrent_numbers("LSTM", x.astype(np.float64), t, attributes)
    refused = result if isinstance(result, str) else None
    y = None if refused else both[result] if isinstance(result, int) else result(*both)
    write_case(folder, f"graph-{name}", model.SerializeToString(), x, y, None, refused, files=files)
