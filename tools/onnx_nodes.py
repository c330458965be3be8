# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX models of one operator: LSTM, GRU or RNN."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from onnx_cases import D, M, rounded, seed_random, to_tensor, uniform, write_case
from onnx_recurrence import FUNCTIONS, OPS, recurrent_numbers

ROW = dict(op="LSTM", B=False, P=False, initial=False, output="Y", opset=14, ir=7, kind="float32",
           typed=False, as_inputs=False, attributes={}, lens=None, unknown=False, outside=(), hidden=M,
           outputs=None, says=None, refused=None)


def single_node(folder, name, **row):
    seed_random(name)
    row = {**ROW, **row}
    attributes, output, op = dict(row["attributes"]), row["output"], row["op"]
    every_output = ["Y", "Y_h", "Y_c"][:3 if op == "LSTM" else 2]
    outputs, gates = row["outputs"] or every_output, OPS[op][0]
    dirs = 2 if attributes.get("direction") == "bidirectional" else 1
    bs, steps = 1 if row["initial"] else 2, 7
    batch_first = attributes.get("layout", 0)
    x = uniform(bs, steps, D, spread=2)
    t = {"W": uniform(dirs, gates * M, D), "R": uniform(dirs, gates * M, M)}
    if row["B"]:
        t["B"] = uniform(dirs, 2 * gates * M)
    if row["P"]:
        t["P"] = uniform(dirs, 3 * M)
    if row["initial"]:
        t["initial_h"] = uniform(dirs, bs, M)
        if op == "LSTM":
            t["initial_c"] = uniform(dirs, bs, M)
    t = {k: rounded(v, row["kind"]) for k, v in t.items()}
    stored = {k: v.transpose(1, 0, 2) if batch_first and k.startswith("initial") else v
              for k, v in t.items()}
    initializers = [to_tensor(k, v, row["kind"], row["typed"]) for k, v in stored.items()]
    inputs = ["X"] + [k if k in t else "" for k in ("W", "R", "B")] + [""] + [
        k if k in t else "" for k in ("initial_h", "initial_c", "P")[:3 if op == "LSTM" else 1]]
    if row["lens"] is not None:
        inputs[4] = "lens"
        initializers.append(numpy_helper.from_array(np.full(bs, row["lens"], np.int32), "lens"))
    for more in row["outside"]:
        inputs[4 if more == "lens" else 5 + (more == "initial_c")] = more
    node = helper.make_node(op, inputs, every_output, op.lower(), hidden_size=row["hidden"], **attributes)
    shape = [bs, steps, D] if batch_first else [steps, bs, D]
    graph_inputs = [helper.make_tensor_value_info("X", 1, ["n"] * 3 if row["unknown"] else shape)]
    graph_inputs += [helper.make_tensor_value_info(n, TensorProto.INT32 if n == "lens" else 1, None)
                     for n in row["outside"]]
    if row["as_inputs"]:
        graph_inputs += [helper.make_tensor_value_info(i.name, i.data_type, i.dims) for i in initializers]
    graph = helper.make_graph([node], "g", graph_inputs,
                              [helper.make_tensor_value_info(n, 1, None) for n in outputs], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", row["opset"])])
    model.ir_version = row["ir"]
    y, last = recurrent_numbers(op, x.astype(np.float64), t, attributes)
    write_case(folder, name, model.SerializeToString(), x, last if output == "Y_h" else y,
               output if row["outputs"] is None else None, row["refused"], row["says"])


A = lambda **attributes: attributes  # noqa: E731
NODES = {
    "plain": dict(),
    "biases": dict(B=True),
    "peepholes": dict(B=True, P=True),
    "all-forward": dict(B=True, P=True, initial=True),
    "all-reverse": dict(B=True, P=True, initial=True, attributes=A(direction="reverse")),
    "all-both": dict(B=True, P=True, initial=True, attributes=A(direction="bidirectional")),
    "all-both-last": dict(B=True, P=True, initial=True, output="Y_h",
                          attributes=A(direction="bidirectional")),
    "reverse-last": dict(B=True, output="Y_h", attributes=A(direction="reverse")),
    "layout": dict(B=True, P=True, initial=True, attributes=A(direction="bidirectional", layout=1)),
    "layout-last": dict(B=True, output="Y_h", attributes=A(direction="bidirectional", layout=1)),
    "clip": dict(B=True, P=True, attributes=A(clip=.3)),
    "input-forget": dict(B=True, P=True, attributes=A(input_forget=1)),
    "clip-input-forget": dict(B=True, P=True, attributes=A(input_forget=1, clip=.4)),
    "unknown-sizes": dict(B=True, unknown=True),
    "float16": dict(B=True, kind="float16"),
    "float16-typed": dict(B=True, kind="float16", typed=True),
    "float64": dict(B=True, kind="float64"),
    "float64-typed": dict(B=True, kind="float64", typed=True),
    "float32-typed": dict(B=True, typed=True),
    "bfloat16": dict(B=True, kind="bfloat16"),
    "initializers-as-inputs": dict(B=True, opset=7, ir=3, as_inputs=True),
    "lens-all": dict(B=True, lens=7),
    "lens-short": dict(B=True, lens=5, refused="sequence_lens: expected the number of steps of X"),
    "lens-outside": dict(B=True, outside=["lens"], says='"zero_masked":true'),
    "lens-outside-last": dict(B=True, outside=["lens"], outputs=["Y_h", "Y_c"], output="Y_h",
                              attributes=A(direction="bidirectional"), says='"lens": no input; a sequence is as long as its steps'),
    "state-outside": dict(B=True, outside=["initial_h", "initial_c"], outputs=["Y", "Y_h"],
                          says='"initial_h", "initial_c": a state, not an input'),
    "final-reverse": dict(B=True, outputs=["Y_h", "Y_c"], output="Y_h",
                          attributes=A(direction="reverse"), says='"Y_c": left out; the output is'),
    "final-both": dict(B=True, outputs=["Y_c", "Y_h"], output="Y_h",
                       attributes=A(direction="bidirectional")),
    "cell": dict(outputs=["Y_c"], refused="Y_c: expected Y or Y_h as the output"),
    **{f"opset{n}": dict(B=True, opset=n) for n in (1, 7, 9, 11, 13, 17, 22)},
    **{f"function-{n}": dict(B=True, attributes=A(activations=["Sigmoid", n, n]))
       for n in FUNCTIONS if n not in ("sigmoid", "tanh")},
    "functions-parameters": dict(B=True, attributes=A(
        direction="bidirectional", activation_alpha=[.3, .5, .2, 1.5], activation_beta=[.4, 1.2, .7],
        activations=["HardSigmoid", "tanh", "LeakyRelu", "Sigmoid", "Elu", "ScaledTanh"])),
    "functions-gates": dict(B=True, attributes=A(activations=["HardSigmoid", "Affine", "Softsign"],
                                                 activation_alpha=[.25, .9], activation_beta=[.45, .1])),
    **{f"gru-{name}": dict(op="GRU", **row) for name, row in {
        "plain": dict(), "biases": dict(B=True), "after": dict(B=True, attributes=A(linear_before_reset=1)),
        "all-both": dict(B=True, initial=True, attributes=A(direction="bidirectional")),
        "all-both-after": dict(B=True, initial=True, attributes=A(
            direction="bidirectional", linear_before_reset=1, clip=.5,
            activations=["HardSigmoid", "Softsign", "Sigmoid", "LeakyRelu"], activation_alpha=[.3, .2],
            activation_beta=[.4])),
        "clip": dict(B=True, attributes=A(clip=.4)),
        "clip-after": dict(B=True, attributes=A(clip=.4, linear_before_reset=1)),
        "reverse-last": dict(B=True, outputs=["Y_h"], output="Y_h", attributes=A(direction="reverse")),
        "both-last": dict(B=True, outputs=["Y_h"], output="Y_h", attributes=A(direction="bidirectional", layout=1),
                          opset=14),
        "layout": dict(B=True, initial=True, attributes=A(layout=1)),
        "state-outside": dict(B=True, outside=["initial_h"], says='"initial_h": a state, not an input'),
        "lens-outside": dict(B=True, outside=["lens"], says='"zero_masked":true'),
        "float16": dict(B=True, kind="float16"),
        "hidden": dict(B=True, hidden=5, refused="hidden_size: expected 6 by the weights, found 5"),
        **{f"opset{n}": dict(B=True, opset=n) for n in (1, 3, 7, 14, 22)}}.items()},
    **{f"rnn-{name}": dict(op="RNN", **row) for name, row in {
        "plain": dict(), "biases": dict(B=True), "relu": dict(B=True, attributes=A(activations=["Relu"])),
        "all-both": dict(B=True, initial=True, attributes=A(direction="bidirectional", clip=.6,
                                                            activations=["Affine", "tanh"],
                                                            activation_alpha=[.5], activation_beta=[.1])),
        "reverse-last": dict(B=True, outputs=["Y_h"], output="Y_h", attributes=A(direction="reverse")),
        "state-outside": dict(B=True, outside=["initial_h"], says='"initial_h": a state, not an input'),
        **{f"opset{n}": dict(B=True, opset=n) for n in (1, 7, 14, 22)}}.items()},
}
