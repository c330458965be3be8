# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX models whose weights are integers of 8 bits or float16."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from onnx_cases import D, M, rounded, seed_random, uniform, write_case
from onnx_recurrence import recurrent_numbers


def quantize(value, axes, signed):
    """Rounds `value` to 8 bits with a scale and zero point for each index of `axes`. Returns: integers, scales, zero
    points, and the real numbers that the integers represent"""
    others = tuple(a for a in range(value.ndim) if a not in axes)
    low = np.minimum(value.min(others, keepdims=True), 0)
    high = np.maximum(value.max(others, keepdims=True), 0)
    first, kind = (-128, np.int8) if signed else (0, np.uint8)
    scale = ((high - low) / 255).astype(np.float32)
    zero = np.round(first - low / scale)
    integers = np.clip(np.round(value / scale) + zero, first, first + 255)
    shape = [value.shape[a] for a in axes]
    return (integers.astype(kind), scale.reshape(shape), zero.astype(kind).reshape(shape),
            ((integers - zero) * scale.astype(np.float64)))


def quantized_case(folder, name, kind, signed=True, axes=(), both=False, spread=None, words=None, says=None):
    """Writes a case with an LSTM and a dense layer. `kind` states how the weights are quantized."""
    seed_random(name)
    dirs = 2 if both else 1
    t = {"W": uniform(dirs, 4 * M, D), "R": uniform(dirs, 4 * M, M), "B": uniform(dirs, 8 * M)}
    dense, bias = uniform(dirs * M, 4), uniform(4)
    initializers, nodes = {"B": t["B"], "bias": bias}, []
    attributes = dict(direction="bidirectional") if both else {}

    def store(stem, value, axes):
        integers, scale, zero, real = quantize(value, axes, signed)
        if kind == "real":  # the file has real numbers, some of which are beyond the range of the integers
            value = value * np.float32(spread or 1)
            first = -128 if signed else 0
            shape = [n if a in axes else 1 for a, n in enumerate(value.shape)]
            wide, offset = scale.reshape(shape).astype(np.float64), zero.reshape(shape).astype(np.float64)
            real = (np.clip(np.round(value / wide) + offset, first, first + 255) - offset) * wide
            integers = value
        initializers.update({stem: integers, stem + "_scale": scale, stem + "_zero": zero})
        return real

    def dequantize(stem, axis):
        if kind == "real":
            nodes.append(helper.make_node("QuantizeLinear", [stem, stem + "_scale", stem + "_zero"], [stem + "_integers"],
                                          **({"axis": axis} if axis is not None else {})))
        nodes.append(helper.make_node("DequantizeLinear", [stem + ("_integers" if kind == "real" else ""), stem + "_scale", stem + "_zero"], [stem + "_real"],
                                      **({"axis": axis} if axis is not None else {})))
        return stem + "_real"

    nodes.append(helper.make_node("Transpose", ["x"], ["xt"], perm=[1, 0, 2]))
    if kind == "lstm":
        real = {k: store(k, t[k].transpose(0, 2, 1), axes) for k in "WR"}
        t.update({k: v.transpose(0, 2, 1) for k, v in real.items()})
        nodes.append(helper.make_node(
            "DynamicQuantizeLSTM", ["xt", "W", "R", "B", "", "", "", "", "W_scale", "W_zero", "R_scale", "R_zero"],
            ["y"], "lstm", domain="com.microsoft", hidden_size=M, **attributes))
    else:
        names = []
        for k in "WR":
            axis = axes[0] if axes else None
            t[k] = store(k, t[k], axes)
            names.append(dequantize(k, axis))
        nodes.append(helper.make_node("LSTM", ["xt", *names, "B"], ["y"], "lstm", hidden_size=M, **attributes))
    nodes += [helper.make_node("Transpose", ["y"], ["yt"], perm=[2, 0, 1, 3]),
              helper.make_node("Reshape", ["yt", "shape"], ["z"])]
    initializers["shape"] = np.array([0, 0, dirs * M])
    columns = (1,) if axes else ()
    dense = store("dense", dense, columns)
    if kind == "lstm":
        nodes.append(helper.make_node("DynamicQuantizeMatMul", ["z", "dense", "dense_scale", "dense_zero", "bias"], ["out"],
                                      domain="com.microsoft"))
    elif kind == "integer":
        nodes += [helper.make_node("DynamicQuantizeLinear", ["z"], ["zq", "z_scale", "z_zero"]),
                  helper.make_node("MatMulInteger", ["zq", "dense", "z_zero", "dense_zero"], ["sum"]),
                  helper.make_node("Cast", ["sum"], ["sum_real"], to=TensorProto.FLOAT),
                  helper.make_node("Mul", ["z_scale", "dense_scale"], ["scale"]),
                  helper.make_node("Mul", ["sum_real", "scale"], ["product"]),
                  helper.make_node("Add", ["product", "bias"], ["out"])]
    else:
        real = dequantize("dense", 1 if axes else None)
        source = "z"
        if kind == "static":
            initializers.update(z_scale=np.float32(.01), z_zero=np.uint8(128))
            nodes += [helper.make_node("QuantizeLinear", ["z", "z_scale", "z_zero"], ["zq"], "quantize"),
                      helper.make_node("DequantizeLinear", ["zq", "z_scale", "z_zero"], ["zr"])]
            source = "zr"
        nodes += [helper.make_node("MatMul", [source, real], ["product"]), helper.make_node("Add", ["product", "bias"], ["out"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", 1, ["n", "t", D])],
                              [helper.make_tensor_value_info("out", 1, None)],
                              [numpy_helper.from_array(np.asarray(v), k) for k, v in initializers.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 7
    x = uniform(2, 7, D, spread=2)
    y = recurrent_numbers("LSTM", x.astype(np.float64), t, attributes)[0] @ dense + bias
    write_case(folder, f"quantized-{name}", model.SerializeToString(), x, y, None, words, says)


def half_case(folder):
    """Writes a graph whose inputs, weights and outputs are float16, with a Cast to float32 and back."""
    seed_random("half")
    t = {k: rounded(v, "float16") for k, v in dict(
        W=uniform(1, 3 * M, D), R=uniform(1, 3 * M, M), B=uniform(1, 6 * M), dense=uniform(M, 4)).items()}
    nodes = [helper.make_node("Transpose", ["x"], ["xt"], perm=[1, 0, 2]),
             helper.make_node("GRU", ["xt", "W", "R", "B"], ["y"], "gru", hidden_size=M, linear_before_reset=1),
             helper.make_node("Squeeze", ["y", "one"], ["s"]),
             helper.make_node("Transpose", ["s"], ["st"], perm=[1, 0, 2]),
             helper.make_node("Cast", ["st"], ["wide"], to=TensorProto.FLOAT),
             helper.make_node("MatMul", ["wide", "dense32"], ["scores"]),
             helper.make_node("Softmax", ["scores"], ["soft"], axis=-1),
             helper.make_node("Cast", ["soft"], ["out"], to=TensorProto.FLOAT16)]
    initializers = [numpy_helper.from_array(v.astype(np.float16), k) for k, v in t.items() if k != "dense"]
    initializers += [numpy_helper.from_array(t["dense"], "dense32"), numpy_helper.from_array(np.array([1]), "one")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["n", "t", D])],
                              [helper.make_tensor_value_info("out", TensorProto.FLOAT16, None)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 7
    x = uniform(2, 7, D, spread=2)
    dense = t.pop("dense").astype(np.float64)
    scores = np.exp(recurrent_numbers("GRU", x.astype(np.float64), t, dict(linear_before_reset=1))[0] @ dense)
    write_case(folder, "half", model.SerializeToString(), x, scores / scores.sum(-1, keepdims=True), None)


QUANTIZED = {  # arguments of quantized_case
    "lstm": dict(kind="lstm", axes=(0,), says="the node also rounds its input to 8 bits, and the layer does not"),
    "lstm-columns": dict(kind="lstm", axes=(0, 2), both=True, signed=False),
    "weights": dict(kind="weights"),
    "weights-rows": dict(kind="weights", axes=(1,), both=True, signed=False),
    "weights-real": dict(kind="real", axes=(1,)),
    "weights-real-clamped": dict(kind="real", signed=False, spread=3),
    "integer": dict(kind="integer", says="rounds its input to 8 bits"),
    "integer-columns": dict(kind="integer", axes=(1,), signed=False),
    "static": dict(kind="static", words='node "quantize" (QuantizeLinear): x: quantization with a constant scale'),
}
