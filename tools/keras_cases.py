# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test cases of Keras files: the files of a case, and inputs."""
import io
import json
import zipfile

import numpy as np

from keras_files import RNG, layer
from keras_reference import run_layers


def write_case(folder, name, content, layers, x, v=3., standalone=False, options=(), config=None, mask=None):
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    suffix = "keras" if content[:2] == b"PK" or name.endswith(".keras") else "h5"
    suffix = "tflite" if content[4:8] == b"TFL3" else "npz" if "npz" in name else suffix
    (folder / ("model." + suffix)).write_bytes(content)
    if options:
        (folder / "options").write_text("".join(o + "\n" for o in options))
    if config:
        (folder / "config.json").write_text(json.dumps(config))
    if isinstance(layers, str):
        (folder / "refused.txt").write_text(layers + "\n")
        return
    np.save(folder / "x.npy", x)
    if mask is not None:
        np.save(folder / "mask.npy", mask.astype(np.float32))
    np.save(folder / "expected.npy", run_layers(layers, x.astype(np.float64), v, standalone, mask)[0])


def signal(d, steps=7, masked=None):
    x = RNG.standard_normal((3, steps, d)).astype(np.float32)
    if masked is not None:
        x[0, 4:] = masked
        x[1, 1:3] = masked
        x[2, 0] = masked
    return x


def start(d, steps=None, key="batch_shape"):
    return layer("InputLayer", "input_1", **{key: [None, steps, d], "dtype": "float32"})


def zip_of(members):
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as z:
            for name, content in members.items():
                z.writestr(name, content)
        return out.getvalue()
