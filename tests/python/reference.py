# SPDX-License-Identifier: LGPL-2.1-or-later
"""The numbers that Python receives: those of Keras, PyTorch and ONNX in tests/vectors, and those of
the LSTM equations in float64."""
import glob
import os
import unittest

from rig import (TOLERANCE, VECTORS, Lstm, load_array, load_model, make_model, make_weights, np,
                 run_reference)


def list_folders():
    for kind in "lstm", "variants":
        yield from (f"{kind}/{name}" for name in sorted(os.listdir(os.path.join(VECTORS, kind))))


class Vectors(unittest.TestCase):
    def check(self, values, expected):
        self.assertEqual((values.shape, values.dtype), (expected.shape, np.float32))
        error = abs(values - expected.astype("f8")) / np.maximum(1, abs(expected))
        self.assertLess(error.max(), TOLERANCE)

    def test_complete_sequences(self):
        for folder in list_folders():
            with self.subTest(folder):
                model, x = load_model(folder), load_array(folder, "x")
                expected, mask = load_array(folder, "expected"), load_array(folder, "mask")
                state = model.state(len(x), max_steps=x.shape[1])
                y = state.run(x, mask=None if mask is None else mask.astype(bool))
                self.check(y, expected)
                gates = load_array(folder, "gates")
                if gates is not None:
                    mask = None if mask is None else mask.astype(int)
                    y2, traced = state.run(x, gates=True, mask=mask)
                    self.check(traced.reshape(*traced.shape[:2], -1), gates)
                    np.testing.assert_array_equal(y2, y)
                if mask is None:
                    predicted = model.predict(x, batch_size=2)
                    last = model.returns_last_step()
                    np.testing.assert_array_equal(predicted, y[:, 0] if last else y)

    def test_steps(self):
        """Causal models run in pieces, and their outputs have the bits of one call."""
        for folder in list_folders():
            model, x = load_model(folder), load_array(folder, "x")
            if not model.is_causal():
                with self.assertRaisesRegex(Exception, "complete sequences"):
                    model.state()
                continue
            with self.subTest(folder):
                expected, mask = load_array(folder, "steps"), load_array(folder, "mask")
                if expected is None:
                    expected = load_array(folder, "expected")
                mask = np.ones(x.shape[:2], bool) if mask is None else mask.astype(bool)
                y = model.state(len(x)).run(x, mask=mask)
                self.check(y, expected)
                state, cuts = model.state(len(x)), [0, 1, 1, 4, x.shape[1]]
                pieces = [state.run(x[:, a:b], mask=mask[:, a:b]) for a, b in zip(cuts, cuts[1:])]
                np.testing.assert_array_equal(np.concatenate(pieces, axis=1), y)

    def test_h_and_c(self):
        for folder in list_folders():
            model, x = load_model(folder), load_array(folder, "x")
            if not folder.startswith("lstm/") or not model.n_lstm_layers:
                continue
            state = model.state(len(x))
            for layer in range(model.n_lstm_layers):
                state.reset()
                _, h, c = state.run(x, hidden=True, cell=True, layer=layer)
                np.testing.assert_array_equal(state.get_hidden(layer), h[:, -1])
                np.testing.assert_array_equal(state.get_cell(layer - model.n_lstm_layers), c[:, -1])
            self.check(h, load_array(folder, "hidden"))
            self.check(c, load_array(folder, "cell"))

    def test_formats(self):
        """A Keras file loads like a safetensors file, if the build has lstm-convert and HDF5."""
        paths = sorted(glob.glob(os.path.join(VECTORS, "convert/keras-k3-h5/*.h5")))
        self.assertEqual(len(paths), 1)
        folder = os.path.dirname(paths[0])
        try:
            model = Lstm.Model(paths[0])
        except Exception as error:
            if "lstm-convert" in str(error):
                self.skipTest(str(error))
            raise
        self.check(model.predict(np.load(folder + "/x.npy")), np.load(folder + "/expected.npy"))


class Equations(unittest.TestCase):
    def test_float64(self):
        for d, m in (1, 1), (5, 3), (64, 64), (17, 40):
            x = np.random.default_rng(1).normal(size=(50, d))
            h, c, gates = run_reference(make_weights(d, m), x)
            y, *found = make_model(d, m).state().run(x, True, True, True)
            for values, expected in zip([y, *found], [h, h, c, gates]):
                np.testing.assert_allclose(values, expected, rtol=0, atol=TOLERANCE)

    def test_windows(self):
        model = make_model(4, 6)
        x = np.random.default_rng(1).normal(size=(2, 25, 4)).astype("f4")
        for length, hop in (1, 1), (5, 1), (5, 2), (3, 4), (25, 1), (26, 1):
            y = model.window(length, hop, streams=2).run(x)
            starts = range(0, 25 - length + 1, hop)
            expected = np.zeros((2, len(starts), 6), "f4")
            for k, start in enumerate(starts):
                expected[:, k] = model.predict(x[:, start:start + length])[:, -1]
            np.testing.assert_array_equal(y, expected)

    def test_precisions(self):
        x = np.random.default_rng(1).normal(size=(1, 20, 8))
        exact = make_model(8, 16).predict(x)
        for precision, tolerance in (("bfloat16", 0.02), ("int8", 0.06)):
            model = make_model(8, 16, precision=precision)
            self.assertEqual(model.precision, getattr(Lstm.Precision, precision.upper()))
            error = abs(model.predict(x) - exact).max()
            self.assertTrue(0 < error < tolerance, error)

    def test_batch_size(self):
        model = make_model(3, 4)
        x = np.random.default_rng(1).normal(size=(70, 6, 3))
        expected = model.predict(x)
        for batch_size in 1, 7, 64, 70, 2**63:
            np.testing.assert_array_equal(model.predict(x, batch_size), expected)


if __name__ == "__main__":
    unittest.main(argv=["reference"])
