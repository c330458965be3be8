# SPDX-License-Identifier: LGPL-2.1-or-later
"""NumPy archives that contain the weights of a Keras model, without its configuration."""
import io

import numpy as np

from keras_cases import signal, start, write_case, zip_of
from keras_files import (bare, batch_norm, bidirectional, dense, functional, gru, inbound, lstm,
                         nested, normalization, weights_of)


def npz(arrays, save=np.savez, **named):
    with io.BytesIO() as out:
        save(out, *arrays, **named)
        return out.getvalue()


def npz_cases(folder):
    """Writes cases of the weights of numpy.savez (file, *model.get_weights ())."""
    x = signal(4)
    layers = [start(4), normalization("n", 4), gru("a", 4, 5), lstm("b", 5, 3), batch_norm("c", 3),
              bidirectional("d", 3, 2, False), dense("e", 4, 2)]
    weights = [w for one in layers for w in weights_of(one)]
    model = {"class_name": "Sequential", "module": "keras", "config": {"layers": [bare(one) for one in layers]}}

    def write(name, content, words=None, config=model):
        write_case(folder, name, content, words or layers, x, config=config)
    write("npz", npz([np.asfortranarray(w) if i % 2 else w.astype(np.float64) for i, w in enumerate(weights)]))
    write("npz-compressed", npz(weights, np.savez_compressed))
    write("refused-npz-alone", npz(weights), "expected the configuration of a Keras model, found NumPy arrays only; if the file contains weights only, "
          "pass the configuration with --config FILE.json, which contains model.to_json ()", None)
    write("refused-npz-names", npz([], **{f"{i}/kernel:0": w for i, w in enumerate(weights)}),
          "arrays: expected arr_0 to arr_20 of numpy.savez (file, *model.get_weights ()), found no arr_0, but \"0/kernel:0\"")
    write("refused-npz-objects", npz([*weights[:-1], np.array([{}, None])]),
          'array "arr_20": type: expected numbers, found pickled objects')
    write("refused-npz-big-endian", npz([weights[0].astype(">f4"), *weights[1:]]),
          'array "arr_0": type: expected little-endian "<f4", "<f8" or "<f2", found ">f4"')
    write("refused-npz-fewer", npz(weights[:-1]), 'layer "e" (Dense): weights: expected 2, as in the configuration, found 1')
    write("refused-npz-more", npz([*weights, weights[0]]), 'layer "e" (Dense): weights: expected 21, as in the configuration, found 22')
    write("refused-npz-nan", npz([*weights[:-1], np.array([1, np.nan], np.float32)]),
          'bias ("arr_20"): expected finite float32 values, found nan at index 1')
    whole = npy_of(weights[0])
    for name, content, words in (
            ("short", whole[:-1], "expected the items of [4] \"<f4\" after the header, found 15 bytes"),
            ("magic", b"x" + whole[1:], "expected the magic bytes of a NumPy array, found none"),
            ("length", whole[:8] + b"\xff\xff" + whole[10:], "header: expected at most 134 bytes, found 65535"),
            ("product", whole.replace(b"(4,), }" + b" " * 40, b"(4294967296, 4294967296, 4294967296), }".ljust(47)),
             "shape: expected a product below 2^64, found (4294967296, 4294967296, 4294967296)"),
            ("values", whole.replace(b"(4,), }" + b" " * 10, b"(99999999999,), }"),
             "shape: expected at most 268435456 values, found 99999999999"),
            ("dictionary", whole.replace(b"descr", b"desc2"), "header: expected descr, fortran_order and shape as NumPy writes "
             "them, found \"{'desc2': '<f4', ")):
        write("refused-npz-" + name, zip_of({"arr_0.npy": content, **{
            f"arr_{i}.npy": npy_of(w) for i, w in enumerate(weights) if i}}), f'array "arr_0": {words}')
    side = dense("side", 3, 2)
    layers_ = [start(4), lstm("a", 4, 3), side, dense("b", 3, 2)]
    for one in layers_[2:]:
        one["inbound"] = [inbound("a")]
    write("refused-npz-order", npz([w for one in layers_ for w in weights_of(one)]),
          'layer "side" (Dense): weights: expected layers that run in the order of the configuration, because the arrays in .npz '
          "have no names of layers, found b instead of this layer", {"class_name": "Functional", "config": functional(layers_)})
    nest = nested("n", lstm("x", 4, 5))
    write("refused-npz-nested", npz(weights_of(nest)),
          'layer "n" (Sequential): weights: expected a model without nested models, whose arrays have no certain order',
          {"class_name": "Sequential", "config": {"layers": [bare(start(4)), bare(nest)]}})
    write_case(folder, "refused-npy-alone.npz", npy_of(weights[0]), "found a NumPy array (it has no model; ", x)


def npy_of(array):
    with io.BytesIO() as out:
        np.save(out, array)
        return out.getvalue()
