# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network with features as one ONNX file, which lstm-convert --split cuts, and the tensors of the cut files.

The input is a clip of RGB video, [1, STEPS, 240, 320, 3] uint8. The network computes luma and averages of
SIDE * SIDE pixels, the features of each frame, and the LSTM with its head over the frames. The output is
[1, STEPS, labels].
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import model
from .export import LABELS
from .features import HEIGHT, LUMA, WIDTH
from .training import FRAMES as STEPS

INPUT, OUTPUT = "clip", "scores"
SIDE = 10  # side of the square of video pixels that becomes one pixel
OPSET, IR_VERSION = 13, 7


def reorder_gates(array):
    """Return the matrix rows of the gates i f g o in the order of ONNX, i o f g, for one direction."""
    i, f, g, o = np.split(array, 4)
    return np.concatenate([i, o, f, g])[None]


def memory_constants(tensors):
    """Return the initializers of LSTM and head, (name -> array)."""
    bias = [reorder_gates(tensors[f"lstm.bias_{kind}_l0"]) for kind in ("ih", "hh")]
    return {
        "lstm.W": reorder_gates(tensors["lstm.weight_ih_l0"]),
        "lstm.R": reorder_gates(tensors["lstm.weight_hh_l0"]), "lstm.B": np.concatenate(bias, 1),
        "head.weight": tensors["head.weight"].T, "head.bias": tensors["head.bias"],
        "vectors": np.array([1, STEPS, model.PROJECTED], np.int64),
        "direction": np.array([1], np.int64)}


def feature_constants(tensors):
    """Return the initializers of the features, (name -> array)."""
    scale = model.SCALE / 255
    luma = np.tile(np.array(LUMA, np.float32).reshape(1, 3, 1, 1), (1, 1, SIDE, SIDE))
    luma *= scale / SIDE ** 2
    projection = tensors["projection.weight"].T
    return {
        "pictures": np.array([-1, SIDE * HEIGHT, SIDE * WIDTH, 3], np.int64),
        "luma.weight": luma, "luma.bias": np.array([-model.MEAN * model.SCALE], np.float32),
        "filters.weight": tensors["filters.weight"], "filters.bias": tensors["filters.bias"],
        "maps.weight": tensors["maps.weight"], "maps.bias": tensors["maps.bias"],
        "projection.weight": projection, "projection.bias": tensors["projection.bias"],
        "border": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
        "first": np.array([0], np.int64), "second": np.array([1], np.int64),
        "channels": np.array([1], np.int64)}


def feature_nodes():
    """Return the nodes that compute the features of pictures."""
    node = helper.make_node
    return [
        node("Cast", ["frames"], ["float"], to=TensorProto.FLOAT),
        node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "luma.weight", "luma.bias"], ["luma"],
             strides=[SIDE, SIDE]),
        node("Pad", ["luma", "border"], ["luma_wide"], mode="edge"),
        node("Conv", ["luma_wide", "filters.weight", "filters.bias"], ["filtered"],
             strides=[2, 2]),
        node("Pad", ["filtered", "border"], ["filtered_wide"], mode="edge"),
        node("Conv", ["filtered_wide", "maps.weight", "maps.bias"], ["mapped"], strides=[2, 2]),
        node("Relu", ["mapped"], ["maps"]),
        node("Slice", ["filtered", "first", "second", "channels"], ["grid"]),
        node("Flatten", ["grid"], ["flat_grid"]),
        node("Flatten", ["maps"], ["flat_maps"]),
        node("Concat", ["flat_grid", "flat_maps"], ["joined"], axis=1),
        node("Gemm", ["joined", "projection.weight", "projection.bias"], ["projected"]),
        node("Tanh", ["projected"], ["features"])]


def nodes():
    """Return the nodes of the network."""
    node = helper.make_node
    return [
        node("Reshape", [INPUT, "pictures"], ["frames"]), *feature_nodes(),
        node("Reshape", ["features", "vectors"], ["sequence"]),
        node("Transpose", ["sequence"], ["steps"], perm=[1, 0, 2]),
        node("LSTM", ["steps", "lstm.W", "lstm.R", "lstm.B"], ["directions"], name="lstm",
             hidden_size=model.HIDDEN),
        node("Squeeze", ["directions", "direction"], ["hidden"]),
        node("Transpose", ["hidden"], ["batch"], perm=[1, 0, 2]),
        node("MatMul", ["batch", "head.weight"], ["weighted"], name="head"),
        node("Add", ["weighted", "head.bias"], ["logits"]),
        node("Softmax", ["logits"], [OUTPUT], axis=-1)]


def read(path):
    """Return the tensors of features.Features, (name -> array), of a file with the features."""
    found = {tensor.name: numpy_helper.to_array(tensor)
             for tensor in onnx.load(path).graph.initializer}
    tensors = {name: found[name] for name in (
        "filters.weight", "filters.bias", "maps.weight", "maps.bias", "projection.bias")}
    return {**tensors, "projection.weight": found["projection.weight"].T}


def write(path, features, rest):
    """Write the network. features, rest: the tensors of features.tensors_of()"""
    constants = {**feature_constants(features), **memory_constants(rest)}
    graph = helper.make_graph(
        nodes(), "motion",
        [helper.make_tensor_value_info(
            INPUT, TensorProto.UINT8, [1, STEPS, SIDE * HEIGHT, SIDE * WIDTH, 3])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, STEPS, len(LABELS)])],
        [numpy_helper.from_array(np.ascontiguousarray(array), name)
         for name, array in constants.items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                             ir_version=IR_VERSION, producer_name="train-demo")
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, path)
