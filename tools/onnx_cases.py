# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test cases of ONNX models: random values, tensors of each data type, and the files of a case."""
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

D, M = 5, 6  # the inputs and the units of most models
rng = None  # random generator of the current case


def seed_random(name):
    """Seeds the random generator with the name of a case."""
    global rng
    rng = np.random.default_rng(zlib.crc32(name.encode()))


def uniform(*shape, spread=.8):
    return rng.uniform(-spread, spread, shape).astype(np.float32)


def to_tensor(name, value, kind, typed):
    """Returns an initializer of data type `kind`, with its values in raw_data or in a typed field."""
    value = np.asarray(value)
    if kind == "bfloat16":
        bits = (value.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        return helper.make_tensor(name, TensorProto.BFLOAT16, value.shape, bits.tobytes(), raw=True)
    value = value.astype(kind)
    if typed:
        return helper.make_tensor(name, helper.np_dtype_to_tensor_dtype(value.dtype)
                                  if hasattr(helper, "np_dtype_to_tensor_dtype")
                                  else onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[value.dtype],
                                  value.shape, value.ravel().tolist())
    return numpy_helper.from_array(value, name)


def rounded(value, kind):
    if kind == "bfloat16":
        return (value.view(np.uint32) & 0xffff0000).view(np.float32)
    return value.astype(kind).astype(np.float32)


def write_case(folder, name, model, x, y, output, refused=None, says=None, files={}, mask=None):
    at = folder / name
    at.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (at / file).write_bytes(content)
    (at / "model.onnx").write_bytes(model)
    if output:
        (at / "output.txt").write_text(output + "\n")
    if says:
        (at / "says.txt").write_text(says + "\n")
    if refused:
        (at / "refused.txt").write_text(refused + "\n")
        return
    np.save(at / "x.npy", x)
    np.save(at / "expected.npy", y)
    if mask is not None:
        np.save(at / "mask.npy", mask.astype(np.float32))
