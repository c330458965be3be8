# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network of the features as an ONNX file for GStreamer's onnxinference.

The input is one RGB video frame, [1, 240, 320, 3] uint8. The network computes luma and averages of
SIDE * SIDE pixels. The output is [1, PROJECTED] float32. The metadata contains the id of the output tensor,
without which onnxinference does not attach the tensor. From GStreamer 1.28 on, a .modelinfo file has the id.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import model
from .features import HEIGHT, LUMA, WIDTH

INPUT, OUTPUT = "frame", "features"
SIDE = 10  # side of the square of video pixels that becomes one pixel
OPSET, IR_VERSION = 13, 7


def constants(tensors):
    """Return the initializers of the graph, (name -> array)."""
    scale = model.SCALE / 255
    luma = np.tile(np.array(LUMA, np.float32).reshape(1, 3, 1, 1), (1, 1, SIDE, SIDE))
    luma *= scale / SIDE ** 2
    projection = tensors["projection.weight"].T
    return {
        "luma.weight": luma, "luma.bias": np.array([-model.MEAN * model.SCALE], np.float32),
        "filters.weight": tensors["filters.weight"], "filters.bias": tensors["filters.bias"],
        "maps.weight": tensors["maps.weight"], "maps.bias": tensors["maps.bias"],
        "projection.weight": projection, "projection.bias": tensors["projection.bias"],
        "border": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
        "first": np.array([0], np.int64), "second": np.array([1], np.int64),
        "channels": np.array([1], np.int64)}


def nodes():
    """Return the graph that computes the features of a frame."""
    node = helper.make_node
    return [
        node("Cast", [INPUT], ["float"], to=TensorProto.FLOAT),
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
        node("Tanh", ["projected"], [OUTPUT])]


INFO = """[modelinfo]
version=1.0
group-id={output}

[{input}]
id={input}
type=uint8
dims=1,{height},{width},3
dir=input
ranges=0.0,255.0;0.0,255.0;0.0,255.0

[{output}]
id={output}
type=float32
dims=1,{features}
dir=output
"""


def read(path):
    """Return the tensors of features.Features, (name -> array), of a file that write() wrote."""
    found = {tensor.name: numpy_helper.to_array(tensor)
             for tensor in onnx.load(path).graph.initializer}
    tensors = {name: found[name] for name in (
        "filters.weight", "filters.bias", "maps.weight", "maps.bias", "projection.bias")}
    return {**tensors, "projection.weight": found["projection.weight"].T}


def write(path, tensors, description):
    """Write the network with the tensors of features.Features, (name -> array)."""
    graph = helper.make_graph(
        nodes(), "features",
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [1, SIDE * HEIGHT, SIDE * WIDTH, 3])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, model.PROJECTED])],
        [numpy_helper.from_array(np.ascontiguousarray(array), name)
         for name, array in constants(tensors).items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                             ir_version=IR_VERSION, doc_string=description,
                             producer_name="train-demo")
    helper.set_model_props(made, {OUTPUT: OUTPUT})
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, path)
    with open(path + ".modelinfo", "w", encoding="ascii") as file:
        file.write(INFO.format(input=INPUT, output=OUTPUT, height=SIDE * HEIGHT,
                               width=SIDE * WIDTH, features=model.PROJECTED))
