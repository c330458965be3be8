# SPDX-License-Identifier: LGPL-2.1-or-later
"""Safetensors files: the length of the header, the header as JSON, and the bytes of the tensors."""

import json
import struct

import numpy as np


def bfloat16_bytes(array):
    """Return the upper halves of float32 values that are exact in bfloat16."""
    return (np.ascontiguousarray(array, "<f4").view("<u4") >> 16).astype("<u2").tobytes()


BYTES = {"F64": lambda a: np.ascontiguousarray(a, "<f8").tobytes(),
         "F32": lambda a: np.ascontiguousarray(a, "<f4").tobytes(),
         "F16": lambda a: np.ascontiguousarray(a, "<f2").tobytes(),
         "I64": lambda a: np.ascontiguousarray(a, "<i8").tobytes(),
         "BF16": bfloat16_bytes}


def write(path, tensors, metadata, kind="F32", kinds=None):
    """Write tensors, a dict of name -> array, as `kind`, in the order of the dict and without gaps.

    kinds: a dict of name -> kind for tensors of other kinds."""
    header, blobs, offset = {"__metadata__": metadata} if metadata else {}, [], 0
    for name, array in tensors.items():
        stored = (kinds or {}).get(name, kind)
        blob = BYTES[stored](np.asarray(array))
        header[name] = {"dtype": stored, "shape": list(np.shape(array)),
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # aligns the data to eight bytes
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read(path):
    """Return (tensors, metadata) of a file whose tensors are F32 or F16, as float32."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in ("F32", "F16"):
            raise ValueError(f"{path}: tensor {name} is {entry['dtype']}, not F32 or F16")
        kind = {"F32": "<f4", "F16": "<f2"}[entry["dtype"]]
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], kind).astype(np.float32)
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata
