# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loop and Scan nodes of ONNX whose body is a recurrent step, as tf2onnx writes them."""
import re

import numpy as np
import onnx.parser
from onnx import numpy_helper

from onnx_cases import D, M, seed_random, uniform, write_case
from onnx_graphs import IN
from onnx_recurrence import OPS, recurrent_numbers

# The parts of a body that compute a step of the features x1, with the state h (and c). Weights have the
# layouts of TensorFlow: K (d, gates · m), U (m, gates · m), KU (d + m, gates · m), b (gates · m).
KERAS_SUM = "a = MatMul (x1, K)\n p = MatMul (h, U)\n q = Add (a, p)\n s = Add (q, b)\n"
GEMM_SUM = "p = MatMul (h, U)\n q = Squeeze (p)\n a = Gemm <transA = 0> (x1, K, q)\n s = Add (a, b)\n"
CONCAT_SUM = "xh = Concat <axis = 1> (x1, h)\n a = MatMul (xh, KU)\n s = Add (a, b)\n"
LSTM_STEP = ("i, f, g, o = Split <axis = 1> (s)\n i1 = Sigmoid (i)\n f1 = Sigmoid (f)\n g1 = Tanh (g)\n"
             "o1 = Sigmoid (o)\n fc = Mul (f1, c)\n ig = Mul (g1, i1)\n c2 = Add (fc, ig)\n"
             "c3 = Tanh (c2)\n h2 = Mul (o1, c3)\n")
TF1_STEP = LSTM_STEP.replace("i, f, g, o", "i, g, f0, o").replace(
    "i1 =", "one = Constant <value = float {1.0}> ()\n f = Add (f0, one)\n i1 =")
GRU_GATES = ("xz, xr, xn = Split <axis = -1> (a)\n az = Add (xz, hz)\n ar = Add (xr, hr)\n"
             "z = Sigmoid (az)\n r = Sigmoid (ar)\n")
GRU_END = ("n = Tanh (an)\n one = Constant <value = float {1.0}> ()\n z1 = Sub (one, z)\n"
           "zh = Mul (z, h)\n zn = Mul (n, z1)\n h2 = Add (zh, zn)\n")
GRU_AFTER = ("bx0, bh0 = Split <axis = 0> (bb)\n"
             "ax = Constant <value = int64[1] {0}> ()\n"
             "bx = Squeeze (bx0, ax)\n bh = Squeeze (bh0, ax)\n ak = MatMul (x1, K)\n a = Add (ak, bx)\n"
             "pk = MatMul (h, U)\n p = Add (pk, bh)\n"
             "s0 = Constant <value = int64[2] {0, 0}> ()\n s1 = Constant <value = int64[2] {0, 6}> ()\n"
             "s2 = Constant <value = int64[2] {0, 12}> ()\n e0 = Constant <value = int64[2] {2147483647, 6}> ()\n"
             "e1 = Constant <value = int64[2] {2147483647, 12}> ()\n"
             "e2 = Constant <value = int64[2] {2147483647, 2147483647}> ()\n"
             "hz = Slice (p, s0, e0)\n hr = Slice (p, s1, e1)\n hn = Slice (p, s2, e2)\n" + GRU_GATES
             + "rh = Mul (r, hn)\n an = Add (rh, xn)\n" + GRU_END)
GRU_BEFORE = ("ak = MatMul (x1, K)\n a = Add (ak, b)\n parts = Constant <value = int64[2] {12, 6}> ()\n"
              "Uzr, Un = Split <axis = 1> (U, parts)\n"
              "p = MatMul (h, Uzr)\n hz, hr = Split <axis = -1> (p)\n" + GRU_GATES
              + "rh = Mul (r, h)\n hn = MatMul (rh, Un)\n an = Add (xn, hn)\n" + GRU_END)
GRU_TF1 = ("xh = Concat <axis = 1> (x1, h)\n kg = MatMul (xh, KG)\n ks = Add (kg, bg)\n zr = Sigmoid (ks)\n"
           "r, z = Split <axis = 1> (zr)\n rh = Mul (r, h)\n xrh = Concat <axis = 1> (x1, rh)\n"
           "kn = MatMul (xrh, KN)\n an = Add (kn, bn)\n" + GRU_END)
HARD = ("fifth = Constant <value = float {0.2}> ()\n half = Constant <value = float {0.5}> ()\n"
        "none = Constant <value = float {0.0}> ()\n full = Constant <value = float {1.0}> ()\n"
        + KERAS_SUM + LSTM_STEP)
for gate in "ifo":
    HARD = HARD.replace(f"{gate}1 = Sigmoid ({gate})", f"{gate}a = Mul ({gate}, fifth)\n {gate}b = Add ({gate}a, half)\n"
                        f"{gate}1 = Clip ({gate}b, none, full)")


def stack_bodies():
    """Returns the body of two TF1 layers, with the states h, c and d, e."""
    second = CONCAT_SUM.replace("x1", "h2").replace("KU", "KU2").replace("b)", "B2)") + TF1_STEP
    second = re.sub(r"\b(xh|a|s|i|g|f0|o|one|f|i1|f1|g1|o1|fc|ig|c3)\b", r"\1_2", second)
    second = second.replace("c2", "e2").replace("(h2, h)", "(h2, d)").replace(", c)", ", e)").replace("\n h2 =", "\n d2 =")
    return CONCAT_SUM + TF1_STEP + second


# Masking of Keras: steps whose features are all 0 keep the state. tf2onnx writes a choice as two products.
MASKING = ("mask_value = Constant <value = float {0.0}> ()\n equal = Equal (x, mask_value)\n differs = Not (equal)\n"
           "number = Cast <to = 1> (differs)\n last = Constant <value = int64[1] {-1}> ()\n"
           "count = ReduceSum <keepdims = 1> (number, last)\n any = Greater (count, mask_value)\n"
           "any1 = Cast <to = 1> (any)\n masked = Mul (x, any1)\n xt = Transpose <perm = [1, 0, 2]> (masked)\n"
           "flat = Squeeze (any, last)\n mask2 = Unsqueeze (flat, last)\n mt = Transpose <perm = [1, 0, 2]> (mask2)\n")
READ_MASK = ("mj = Gather <axis = 0> (mt, j)\n mc = Cast <to = 1> (mj)\n mn = Not (mj)\n md = Cast <to = 1> (mn)\n")
REVERSED = ("most = Constant <value = int64[1] {-9223372036854775807}> ()\n zeroth = Constant <value = int64[1] {0}> ()\n"
            "xt_b = Slice (xt, last, most, zeroth, last)\n mt_b = Slice (mt, last, most, zeroth, last)\n")


def rename(nodes):
    """Returns the nodes of a second loop, which reads reversed time and has other names."""
    return re.sub(r"\b(trips|limit|go|j0|sizes|zero|steps|fz|jn|h_n|c_n|y|xt|mt|K|U|b)\b", r"\1_b", nodes)


def choose(to, new, old, where=False):
    if where:
        return f"{to} = Where (mj, {new}, {old})\n"
    return f"{to}a = Mul (mc, {new})\n {to}b = Mul ({old}, md)\n {to} = Add ({to}a, {to}b)\n"


def mask_step(step, states, where=False):
    for k in states:
        step = step.replace(f"{k}2", f"{k}m")
    return READ_MASK + step + "".join(choose(f"{k}2", f"{k}m", k, where) for k in states)


COUNTER = "unit = Constant <value = int32 {1}> ()\n j2 = Add (j, unit)\n"
CONDITION = (COUNTER + "jf = Cast <to = 1> (j2)\n less = Less (jf, limit)\n kf = Cast <to = 1> (k)\n"
             "less1 = Less (kf, limit)\n go2 = And (less, less1)\n")
FIXED_START = ("trips = Constant <value = int64 {7}> ()\n limit = Constant <value = float {7.0}> ()\n"
               "go = Constant <value = bool {1}> ()\n j0 = Constant <value = int32 {0}> ()\n")
FREE_START = ("sizes = Shape (xt)\n zero = Constant <value = int64 {0}> ()\n steps = Gather (sizes, zero)\n"
              "limit = Cast <to = 1> (steps)\n fz = Constant <value = float {0.0}> ()\n go = Less (fz, limit)\n"
              "trips = Constant <value = int64 {9223372036854775807}> ()\n"
              "j0 = Constant <value = int32 {0}> ()\n")


def write_loop(body, states, start=FIXED_START, carried=("K", "U"), condition=CONDITION, read="j"):
    """Returns the nodes of a Loop of a time-major sequence xt. Weights pass through as variables."""
    types = "".join(f", float[p, q] {k}" for k in states)
    weights = "".join(f", float[{k}1, {k}2] {k}_" for k in carried)
    for k in carried:
        body = body.replace(f", {k})", f", {k}_)").replace(f", {k},", f", {k}_,")
    nodes = (f"x1 = Gather <axis = 0> (xt, {read})\n" + body + condition + "out_h = Identity (h2)\n")
    results = "".join(f", float[p, q] {k}2" for k in states)
    passed = "".join(f", float[{k}3, {k}4] {k}_" for k in carried)
    return (start + f"jn, {', '.join(f'{k}_n' for k in states)}{''.join(f', {k}_o' for k in carried)}, y = "
            f"Loop (trips, go, j0{''.join(f', {k}0' for k in states)}{''.join(f', {k}' for k in carried)}) "
            f"<body = step (int64 k, bool going, int32 j{types}{weights}) => "
            f"(bool go2, int32 j2{results}{passed}, float[p, q] out_h) {{\n{nodes}}}>\n")


def write_scan(body, states, more=""):
    """Returns the nodes of a Scan of a time-major sequence xt."""
    types = "".join(f"float[p, q] {k}, " for k in states)
    results = "".join(f"float[p, q] {k}2, " for k in states)
    return (f"{', '.join(f'{k}_n' for k in states)}, y = Scan ({', '.join(f'{k}0' for k in states)}, xt) "
            f"<num_scan_inputs = 1{more}, body = step ({types}float[p, d] x1) => ({results}float[p, q] out_h) "
            f"{{\n{body}out_h = Identity (h2)\n}}>\n")


ZEROS = "".join(f"{k}0 = Constant <value = float[1, 6] {{{', '.join(['0'] * 6)}}}> ()\n" for k in "hcde")
FREE_ZEROS = ("xs = Shape (x)\n first = Constant <value = int64[1] {0}> ()\n"
              "second = Constant <value = int64[1] {1}> ()\n batch = Slice (xs, first, second)\n"
              "width = Constant <value = int64[1] {6}> ()\n shape = Concat <axis = 0> (batch, width)\n"
              "fill = Constant <value = float {0.0}> ()\n h0 = Expand (fill, shape)\n c0 = Expand (fill, shape)\n")
LAST = "out = Identity (h_n)\n"
ALL = "out = Transpose <perm = [1, 0, 2]> (y)\n"
KERAS = (0, 3, 1, 2)  # the gates i f c o in the order of ONNX, i o f c
TF1 = (0, 3, 2, 1)  # the gates i j f o in the order of ONNX
FREE = dict(start=FREE_START)
# name: (nodes, operator, order of the gates, attributes of the operator, result or a part of the error message)
LOOPS = {
    "keras-lstm": (ZEROS + write_loop(GEMM_SUM + LSTM_STEP, "hc", carried=()) + ALL, "LSTM", KERAS, {}, 0),
    "keras-lstm-last": (FREE_ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc", **FREE) + LAST, "LSTM", KERAS, {}, 1),
    "keras-lstm-free": (FREE_ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc", **FREE) + ALL, "LSTM", KERAS, {}, 0),
    "hard-sigmoid": (FREE_ZEROS + write_loop(HARD, "hc", **FREE) + ALL, "LSTM", KERAS,
                     dict(activations=["HardSigmoid", "Tanh", "Tanh"]), 0),
    "relu": (FREE_ZEROS + write_loop((KERAS_SUM + LSTM_STEP).replace("g1 = Tanh", "g1 = Relu").replace(
        "c3 = Tanh", "c3 = Relu"), "hc", **FREE) + ALL, "LSTM", KERAS,
        dict(activations=["Sigmoid", "Relu", "Relu"]), 0),
    "linear": (FREE_ZEROS + write_loop((KERAS_SUM + LSTM_STEP).replace("g1 = Tanh", "g1 = Identity").replace(
        "c3 = Tanh", "c3 = Identity"), "hc", **FREE) + ALL, "LSTM", KERAS,
        dict(activations=["Sigmoid", "Affine", "Affine"]), 0),
    "tf1-lstm": (FREE_ZEROS + write_loop(CONCAT_SUM + TF1_STEP, "hc", carried=("KU",), **FREE) + ALL, "LSTM", TF1, {}, 0),
    "tf1-stacked": (ZEROS + write_loop(stack_bodies(), "hcde", carried=()).replace(
        "out_h = Identity (h2)", "out_h = Identity (d2)") + ALL, "LSTM", TF1, dict(stacked=True), 0),
    "gru-after": (FREE_ZEROS + write_loop(GRU_AFTER, "h", **FREE) + ALL, "GRU", None, dict(linear_before_reset=1), 0),
    "gru-before": (FREE_ZEROS + write_loop(GRU_BEFORE, "h", carried=("K",), **FREE) + ALL, "GRU", None, {}, 0),
    "gru-tf1": (FREE_ZEROS + write_loop(GRU_TF1, "h", carried=(), **FREE) + LAST, "GRU", None, {}, 1),
    "rnn": (FREE_ZEROS + write_loop(KERAS_SUM + "h2 = Tanh (s)\n", "h", **FREE) + ALL, "RNN", None, {}, 0),
    "scan-lstm": (FREE_ZEROS + write_scan(KERAS_SUM + LSTM_STEP, "hc") + ALL, "LSTM", KERAS, {}, 0),
    "scan-reverse": (FREE_ZEROS + write_scan(KERAS_SUM + LSTM_STEP, "hc",
                                             ", scan_input_directions = [1], scan_output_directions = [1]") + ALL,
                     "LSTM", KERAS, dict(direction="reverse"), 0),
    "scan-gru": (FREE_ZEROS + write_scan(GRU_AFTER, "h") + LAST, "GRU", None, dict(linear_before_reset=1), 1),
    "masked-lstm": (MASKING + FREE_ZEROS + "p0 = Identity (h0)\n" + write_loop(
        mask_step(KERAS_SUM.replace("p =", "ps =").replace("p)", "ps)") + LSTM_STEP, "hc") + choose("p2", "hm", "p"), "hcp", **FREE)
        .replace("out_h = Identity (h2)", "out_h = Identity (p2)") + ALL, "LSTM", KERAS, {}, 0),
    "masked-gru": (MASKING + FREE_ZEROS + write_loop(mask_step(GRU_AFTER, "h", True), "h", **FREE) + LAST,
                   "GRU", None, dict(linear_before_reset=1), 1),
    "masked-zero": (MASKING + FREE_ZEROS + write_loop(
        mask_step(KERAS_SUM + "h2 = Tanh (s)\n", "h", True) + "none = Constant <value = float {0.0}> ()\n"
        + choose("z2", "hm", "none", True), "h", **FREE).replace("out_h = Identity (h2)", "out_h = Identity (z2)") + ALL,
        "RNN", None, dict(zero_masked=True), 0),
    "masked-both": (MASKING + FREE_ZEROS + write_loop(mask_step(KERAS_SUM + LSTM_STEP, "hc"), "hc", carried=(), **FREE)
                    + REVERSED + rename(write_loop(mask_step(KERAS_SUM + LSTM_STEP, "hc"), "hc", carried=(), **FREE))
                    + "yr = Slice (y_b, last, most, zeroth, last)\n out2 = Concat <axis = 2> (y, yr)\n"
                    "out = Transpose <perm = [1, 0, 2]> (out2)\n", "LSTM", KERAS, dict(both=True), 0),
    "masked-half": (MASKING + FREE_ZEROS + write_loop(
        mask_step(KERAS_SUM + LSTM_STEP, "h"), "hc", **FREE) + ALL, "LSTM", KERAS, {},
        "expected a mask of h and c, found a mask of h only"),
    "masked-other": (MASKING.replace("Transpose <perm = [1, 0, 2]> (masked)", "Transpose <perm = [1, 0, 2]> (x)") + FREE_ZEROS
                     + write_loop(mask_step(KERAS_SUM + LSTM_STEP, "hc"), "hc", **FREE) + ALL, "LSTM", KERAS, {},
                     "mask: expected a Masking layer before a layer with a mask"),
    "masked-not-used": (MASKING + FREE_ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc", **FREE) + ALL, "LSTM", KERAS, {},
                        "mask: expected the mask of the Masking layer before it"),
    "short": (ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc", start=FIXED_START.replace("{7}", "{5}")) + ALL,
              "LSTM", KERAS, {}, "M, cond: expected one iteration for each step of the input"),
    "short-condition": (ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc", start=FIXED_START.replace("7.0", "6.0")) + ALL,
                        "LSTM", KERAS, {}, "M, cond: expected one iteration for each step of the input"),
    "long": (ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc", start=FIXED_START.replace("{7}", "{9}").replace("7.0", "9.0"))
             + ALL, "LSTM", KERAS, {}, "M, cond: expected one iteration for each step of the input"),
    "two-steps": (ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc", condition=CONDITION.replace("int32 {1}", "int32 {2}"))
                  + ALL, "LSTM", KERAS, {}, "expected an integer that grows by 1"),
    "next-step": (ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc", read="j2") + ALL, "LSTM", KERAS, {}, 'node "x1" (Gather): '),
    "residual": (ZEROS + write_loop((KERAS_SUM + LSTM_STEP).replace("h2 = Mul (o1, c3)", "h3 = Mul (o1, c3)\n h2 = Add (h3, h)"),
                                    "hc") + ALL, "LSTM", KERAS, {}, 'node "jn" (Loop): body: expected the step of an LSTM, GRU or RNN'),
    "cell-gate": (ZEROS + write_loop((KERAS_SUM + LSTM_STEP).replace("o1 = Sigmoid (o)", "oc = Add (o, c)\n o1 = Sigmoid (oc)"),
                                     "hc") + ALL, "LSTM", KERAS, {}, "expected gates that read the input and h"),
    "two-functions": (ZEROS + write_loop((KERAS_SUM + LSTM_STEP).replace("f1 = Sigmoid", "f1 = Tanh"), "hc") + ALL,
                      "LSTM", KERAS, {}, "expected one function for the gates i, f and o"),
    "sum-of-h": (ZEROS + write_loop((GRU_AFTER).replace("z1 = Sub (one, z)", "z1 = Add (one, z)"), "h") + ALL,
                 "GRU", None, {}, "expected the step of an LSTM, GRU or RNN"),
    "output-c": (ZEROS + write_loop(KERAS_SUM + LSTM_STEP, "hc").replace("out_h = Identity (h2)", "out_h = Identity (c2)")
                 + ALL, "LSTM", KERAS, {}, "expected an output that is the hidden state of a layer"),
    "operator": (ZEROS + write_loop((KERAS_SUM + LSTM_STEP).replace("o1 = Sigmoid (o)", "o2 = Exp (o)\n o1 = Sigmoid (o2)"),
                                    "hc") + ALL, "LSTM", KERAS, {}, 'node "o2" (Exp): '),
}


def loop_weights(op, order, d):
    """Returns weights in the layouts of TensorFlow and of ONNX."""
    gates = OPS[op][0]
    kernel, recurrent, bias = uniform(d, gates * M), uniform(M, gates * M), uniform(gates * M)
    both = np.stack([bias, uniform(gates * M)])
    by_gate = lambda v: np.concatenate([np.split(v, gates, -1)[g] for g in order or range(gates)], -1)
    tf = {"K": kernel, "U": recurrent, "KU": np.concatenate([kernel, recurrent]), "b": bias, "bb": both}
    if op == "GRU":  # TF1 has the gates r, u in one matrix, and the candidate in another one
        zr = lambda v: np.concatenate([v[..., M:2 * M], v[..., :M]], -1)
        tf["KG"], tf["bg"] = np.concatenate([zr(kernel), zr(recurrent)]), zr(bias)
        tf["KN"], tf["bn"] = np.concatenate([kernel, recurrent])[:, 2 * M:], bias[2 * M:]
    shift = np.zeros(gates * M, np.float32)
    if order == TF1:
        shift[2 * M:3 * M] = 1
    second = both[1] if op == "GRU" else 0 * bias
    return tf, {"W": by_gate(kernel).T[None], "R": by_gate(recurrent).T[None],
                "B": np.concatenate([by_gate(bias + shift), by_gate(second)])[None]}


def masked_numbers(op, x, t, attributes):
    """Computes the operator for x [bs, T, d]. Steps of zeros keep the state. Returns: as recurrent_numbers"""
    outputs, lasts = [], []
    for sequence in x:
        counts = np.any(sequence != 0, -1)
        y, last = recurrent_numbers(op, sequence[None, counts], t, attributes)
        states = np.concatenate([np.zeros((1, M)), y[0][:, :M]])[np.cumsum(counts)]
        if attributes.get("direction") == "bidirectional":
            back = np.concatenate([y[0][:, M:], np.zeros((1, M))])[np.cumsum(counts) - counts]
            states = np.concatenate([states, back], 1)
        if attributes.get("zero_masked"):
            states[~counts] = 0
        outputs.append(states)
        lasts.append(last[0])
    return np.stack(outputs), np.stack(lasts)


def loop_case(folder, name, nodes, op, order, attributes, result):
    seed_random(name)
    attributes = dict(attributes)
    tf, t = loop_weights(op, order, D)
    if op == "GRU" and not attributes.get("linear_before_reset"):
        t["B"][:, 3 * M:] = 0
    bs = 1 if "h0 = Constant" in nodes else 2
    steps = "7" if "trips = Constant <value = int64 {7}" in nodes or bs == 1 else "t"
    x = uniform(bs, 7, D, spread=2)
    layers = [t]
    if "mt = " in nodes:
        x[0, 2:4], x[1, 5:] = 0, 0
        x[1, 0, :3] = 0  # a step that counts
    if attributes.pop("both", False):
        more, t2 = loop_weights(op, order, D)
        tf.update({f"{k}_b": v for k, v in more.items()})
        layers = [{k: np.concatenate([t[k], t2[k]]) for k in t}]
        attributes["direction"] = "bidirectional"
    if attributes.pop("stacked", False):
        more, t2 = loop_weights(op, order, M)
        tf.update(KU2=more["KU"], B2=more["b"])
        layers.append(t2)
    model = onnx.parser.parse_model(
        f'<ir_version: 7, opset_import: ["" : 13]>\n'
        f"g (float[{'1' if bs == 1 else 'n'}, {steps}, {D}] x) => (float[a, b, c] out) {{\n"
        f"{'' if 'xt = ' in nodes else IN}{nodes}}}")
    model.graph.initializer.extend([numpy_helper.from_array(v, k) for k, v in tf.items()])
    y = x.astype(np.float64)
    for weights in layers:
        both = (masked_numbers if "mt = " in nodes else recurrent_numbers)(op, y, weights, attributes)
        y = both[0]
    refused = result if isinstance(result, str) else None
    write_case(folder, f"loop-{name}", model.SerializeToString(), x, None if refused else both[result], None, refused)
