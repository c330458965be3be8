# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions that change an ONNX model: hostile contents, and weights in files of external data."""
import hashlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper


# --- Hostile files ---------------------------------------------------------------------------

def replace_weights(values):
    def change(model):
        weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
        weights[0, :len(values), 0] = values
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "W"))
    return change


def set_absurd_shape(model):
    model.graph.initializer[0].dims[1:] = [1 << 40, 1 << 40]


def nest_graphs(model):
    """Nests thirty graphs within each other."""
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "t"))
    inner = helper.make_graph([helper.make_node("Relu", ["y"], ["o0"])], "g", [],
                              [helper.make_tensor_value_info("o0", 1, None)])
    for i in range(30):
        node = helper.make_node("If", ["t"], [f"o{i + 1}"], then_branch=inner,
                                else_branch=helper.make_graph([], "e", [], []))
        inner = helper.make_graph([node], "g", [], [helper.make_tensor_value_info(f"o{i + 1}", 1, None)])
    model.graph.node[-1].CopyFrom(helper.make_node("If", ["t"], ["out"], then_branch=inner, else_branch=inner))


def break_line(model):
    model.graph.node[-1].CopyFrom(helper.make_node("GRU", ["y"], ["out"], "a\nname"))


HOSTILE = {  # (function that changes the model, part of the error message)
    "nan": (replace_weights([np.nan]), "finite"), "infinite": (replace_weights([1, -np.inf]), "finite"),
    "absurd-shape": (set_absurd_shape, "shape: expected sizes that fit in memory"),
    "nested": (nest_graphs, "graphs within each other"), "line-break": (break_line, 'node "a name" (GRU): '),
}


# --- External data ---------------------------------------------------------------------------

def store(model, files, many=False, threshold=0, **entries):
    """Moves the weights of at least `threshold` bytes to weights.data, or each to a file of its own. `entries`
    replaces entries of external_data."""
    for t in model.graph.initializer:
        if len(t.raw_data) < threshold:
            continue
        name = f"{t.name}.data" if many else "weights.data"
        at = len(files.get(name, b""))
        files[name] = files.get(name, b"") + t.raw_data
        found = {"location": name, "offset": at, "length": len(t.raw_data), **entries}
        if many:
            del found["offset"], found["length"]
        del t.external_data[:]
        for key, value in found.items():
            t.external_data.add(key=key, value=str(value))
        t.ClearField("raw_data")
        t.data_location = TensorProto.EXTERNAL


def add_checksums(model, files, change=lambda text: text):
    for t in model.graph.initializer:
        digest = hashlib.sha1(files[t.external_data[0].value]).hexdigest()
        t.external_data.add(key="checksum", value=change(digest))


def shorten(files):
    """Cuts off the file within the third tensor, B."""
    files["weights.data"] = files["weights.data"][:1100]


EXTERNAL = {  # name: (function of the model and its files, part of the error message or None)
    "one-file": (store, None),
    "many-files": (lambda m, f: store(m, f, many=True), None),
    "threshold": (lambda m, f: store(m, f, threshold=400), None),
    "checksum": (lambda m, f: (store(m, f), add_checksums(m, f)), None),
    "other-checksum": (lambda m, f: (store(m, f), add_checksums(m, f, lambda text: text[::-1])),
                       "weights.data: expected a file with the SHA-1 checksum "),
    "absolute": (lambda m, f: store(m, f, location="/etc/passwd"),
                 'external data: /etc/passwd: expected a relative path without "..", found "/etc/passwd"'),
    "outside": (lambda m, f: store(m, f, location="a/../../b"),
                'expected a relative path without "..", found "a/../../b"'),
    "nameless": (lambda m, f: [t.ClearField("external_data") for t in (store(m, f), m.graph.initializer)[1]],
                 'tensor "W": external data: location: expected the name of a file, found none'),
    "missing": (lambda m, f: (store(m, f), f.clear()), "weights.data: No such file or directory"),
    "short": (lambda m, f: (store(m, f), shorten(f)),
              "weights.data: expected 192 bytes from byte 1056 on, found a file of 1100 bytes"),
    "offset": (lambda m, f: store(m, f, offset=1 << 62),
               "weights.data: expected 480 bytes from byte 4611686018427387904 on, found a file of "),
    "negative": (lambda m, f: store(m, f, offset=-4),
                 'external data: offset: expected a number of bytes, found "-4"'),
    "length": (lambda m, f: store(m, f, length=479),
               "external data: length: expected 480 bytes by shape and data type, found 479"),
}
