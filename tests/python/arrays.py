# SPDX-License-Identifier: LGPL-2.1-or-later
"""Arrays of each type and layout as input: which pass without a copy, which are converted, and which
are refused."""
import tempfile
import unittest
import warnings

from rig import Lstm, make_model, np, override

D, M, T = 5, 3, 4
MODEL = make_model(D, M)
REAL = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", np.longdouble]
REFUSED = ["c8", "c16", np.clongdouble, object, "U4", "S4", "M8[s]", "m8[s]", "V4",
           [("re", "f4"), ("im", "f4")]]


def make_values(bs, steps=T):
    """Returns small integers, which each type stores exactly, as float64 [bs, steps, D]."""
    return np.arange(bs * steps * D).reshape(bs, steps, D) % 2.0


def make_memmap(array):
    with tempfile.TemporaryFile() as file:
        file.write(array.tobytes() or b"-")
        file.flush()
        return np.memmap(file, array.dtype, "r", shape=array.shape)


def make_unaligned(array):
    raw = np.empty(array.nbytes + 1, "u1")[1:]
    raw[:] = np.frombuffer(array.tobytes(), "u1")
    return raw.view(array.dtype).reshape(array.shape)


def make_read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def make_strided(array):
    wide = np.zeros(tuple(2 * size + 1 for size in array.shape), array.dtype)
    wide[1::2, 1::2, 1::2] = array
    return wide[1::2, 1::2, 1::2]


class Subclass(np.ndarray):
    pass


LAYOUTS = {
    "C": lambda a: a,
    "Fortran": np.asfortranarray,
    "strided": make_strided,
    "negative strides": lambda a: a[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    "read-only": make_read_only,
    "unaligned": make_unaligned,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "memmap": make_memmap,
    "subclass": lambda a: a.view(Subclass),
    "transposed": lambda a: a.transpose(1, 0, 2).copy().transpose(1, 0, 2),
    "list": lambda a: a.tolist(),
    "object with __array__": lambda a: type("Box", (), {"__array__": lambda self, *_, **__: a})(),
}
# The layouts in which an array of float32 is passed without a copy
DIRECT = {"C", "read-only", "memmap", "subclass"}


class Recorder:
    """Records the address of the input of each call of the library."""

    def __init__(self, function):
        self.function = function

    def __call__(self, state, steps, x, *rest):
        self.address = x
        return self.function(state, steps, x, *rest)


class Arrays(unittest.TestCase):
    def check_output(self, y, expected):
        self.assertIs(type(y), np.ndarray)
        self.assertEqual((y.dtype, y.shape), (np.float32, expected.shape))
        self.assertTrue(y.flags.c_contiguous and y.flags.aligned and y.flags.writeable)
        np.testing.assert_array_equal(y, expected)

    def test_types_and_layouts(self):
        for bs in 1, 3:
            values = make_values(bs)
            expected = MODEL.state(bs).run(values.astype("f4"))
            windows = MODEL.window(2, streams=bs).run(values.astype("f4"))
            predicted = MODEL.predict(values.astype("f4"))
            for dtype in REAL:
                for layout, change in LAYOUTS.items():
                    with self.subTest(bs=bs, dtype=dtype, layout=layout):
                        x = change(values.astype(dtype))
                        self.check_output(MODEL.state(bs).run(x), expected)
                        self.check_output(MODEL.window(2, streams=bs).run(x), windows)
                        self.check_output(MODEL.predict(x, batch_size=2), predicted)

    def test_broadcast(self):
        for dtype in REAL:
            x = np.broadcast_to(np.arange(D).astype(dtype), (2, T, D))
            self.check_output(MODEL.state(2).run(x), MODEL.state(2).run(x.astype("f4")))

    def test_no_values(self):
        for dtype in REAL:
            for layout in "C", "Fortran", "memmap", "strided":
                x = LAYOUTS[layout](np.zeros((2, 0, D), dtype))
                self.assertEqual(MODEL.state(2).run(x).shape, (2, 0, M))
                self.assertEqual([a.shape for a in MODEL.state(2).run(x, True, True, True)],
                                 [(2, 0, M), (2, 0, M), (2, 0, M), (2, 0, 4, M)])
                self.assertEqual(MODEL.window(1, streams=2).run(x).shape, (2, 0, M))
        self.assertEqual(MODEL.state().run(np.zeros((0, D))).shape, (0, M))
        self.assertEqual(MODEL.predict(np.zeros((0, T, D))).shape, (0, T, M))

    def test_no_copy(self):
        recorder = Recorder(override._run_state)
        override._run_state = recorder
        try:
            for layout, change in LAYOUTS.items():
                x = change(make_values(2).astype("f4"))
                MODEL.state(2).run(x)
                if layout in DIRECT:
                    self.assertEqual(recorder.address, x.__array_interface__["data"][0], layout)
                elif isinstance(x, np.ndarray):
                    self.assertNotEqual(recorder.address, x.__array_interface__["data"][0], layout)
        finally:
            override._run_state = recorder.function

    def test_input_is_unchanged(self):
        x = np.random.default_rng(0).normal(size=(1, T, D)).astype("f4")
        before = x.copy()
        MODEL.state().run(x, hidden=True, cell=True, gates=True, mask=[[0, 1, 0, 1]])
        MODEL.window(2).run(x)
        MODEL.predict(x)
        np.testing.assert_array_equal(x, before)

    def test_refused_types(self):
        for dtype in REFUSED:
            x = np.zeros((1, T, D), dtype)
            for function in (MODEL.state().run, MODEL.window(2).run, MODEL.predict):
                with self.assertRaises(TypeError) as caught:
                    function(x)
                self.assertIn(str(x.dtype), str(caught.exception))
        for value in None, "text", {}, object(), [None] * D, [1j] * D:
            with self.assertRaises(TypeError):
                MODEL.state().run(value)

    def test_masked_arrays(self):
        x = np.ma.masked_array(np.zeros((1, T, D), "f4"), mask=True)
        for function in (MODEL.state().run, MODEL.window(2).run, MODEL.predict):
            with self.assertRaisesRegex(TypeError, "mask="):
                function(x)
            with self.assertRaisesRegex(TypeError, "mask="):
                function(list(x))
        with self.assertRaisesRegex(TypeError, "MaskedArray"):
            MODEL.state().run(x.data, mask=x[..., 0] != 1)

    def test_overflow(self):
        for dtype in "f8", np.longdouble:
            for value in 3.5e38, -1e300:
                x = np.zeros((1, T, D), dtype)
                x[0, 2, 1] = value
                with self.assertRaisesRegex(ValueError, r"x: .* found -?\d.*e\+\d+ at \(0, 2, 1\)"):
                    MODEL.state().run(x)
            if np.finfo(dtype).max > 10 ** np.longdouble(400):
                x[0, 2, 1] = 10 ** np.longdouble(400)
                with self.assertRaisesRegex(ValueError, r"found 1e\+400 at"):
                    MODEL.state().run(x)
            x[0, 2, 1] = 3.4e38
            MODEL.state().run(x)

    def test_nan_and_infinity(self):
        """NaN and infinities are no overflow, and cause no warning."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for value in np.nan, np.inf, -np.inf:
                x = np.full((1, 1, D), value)
                np.testing.assert_array_equal(MODEL.state().run(x), MODEL.state().run(x.astype("f4")))
            self.assertFalse(MODEL.predict(np.full((1, 2, D), np.nan)).any() == 0)
            MODEL.state().run(np.full((1, 1, D), 1e-300))

    def test_torch(self):
        try:
            import torch
        except ImportError:
            self.skipTest("python3-torch is not installed")
        values = make_values(1)
        expected = MODEL.state().run(values)
        for dtype in torch.float32, torch.float64, torch.float16, torch.int32, torch.bool:
            np.testing.assert_array_equal(
                MODEL.state().run(torch.from_numpy(values).to(dtype)), expected)


class Shapes(unittest.TestCase):
    def test_leading_dimensions(self):
        x = np.random.default_rng(0).normal(size=(1, T, D)).astype("f4")
        expected = MODEL.state().run(x, True, True, True, mask=[[1, 0, 1, 1]])
        for y, e in zip(MODEL.state().run(x[0], True, True, True, mask=[1, 0, 1, 1]), expected):
            np.testing.assert_array_equal(y, e[0])
        state = MODEL.state()
        for t, keep in enumerate([1, 0, 1, 1]):
            for y, e in zip(state.run(x[0, t], True, True, True, mask=keep), expected):
                np.testing.assert_array_equal(y, e[0, t])
        windows = MODEL.window(2).run(x)
        self.assertEqual(windows.shape, (1, T - 1, M))
        np.testing.assert_array_equal(MODEL.window(2).run(x[0]), windows[0])
        window = MODEL.window(2)
        rows = [window.run(step) for step in x[0]]
        self.assertEqual([row.shape for row in rows], [(0, M)] + [(1, M)] * (T - 1))
        np.testing.assert_array_equal(np.concatenate(rows), windows[0])

    def test_requested_arrays(self):
        x = make_values(1)
        y, h, c, gates = MODEL.state().run(x, hidden=True, cell=True, gates=True)
        self.assertIsInstance(MODEL.state().run(x), np.ndarray)
        for requests, expected in (({"hidden": True}, [y, h]), ({"cell": True}, [y, c]),
                                   ({"gates": True}, [y, gates]),
                                   ({"hidden": True, "gates": True}, [y, h, gates])):
            for array, e in zip(MODEL.state().run(x, **requests), expected, strict=True):
                np.testing.assert_array_equal(array, e)

    def test_layer_without_request(self):
        """A wrong layer is an error even if no array of a layer is requested."""
        for layer in 1, -2:
            with self.assertRaisesRegex(ValueError, "layer: expected -1 to 0, found"):
                MODEL.state().run(make_values(1), layer=layer)
        np.testing.assert_array_equal(MODEL.state().run(make_values(1), layer=0),
                                      MODEL.state().run(make_values(1)))

    def test_refused_shapes(self):
        for streams, max_steps, shapes in (
                (1, None, [(1, T, D + 1), (T, D + 1), (D + 1,), (2, T, D), (1, 1, T, D), ()]),
                (2, None, [(1, T, D), (T, D), (D,), (2, T, 2 * D), (T, 2, D)]),
                (1, T, [(D,), (2, T, D), (D, T)]),
                (2, T, [(T, D), (T, 2, D)])):
            state = MODEL.state(streams, max_steps)
            for shape in shapes:
                with self.assertRaises(ValueError) as caught:
                    state.run(np.zeros(shape, "f4"))
                text = str(caught.exception)
                self.assertIn(f"expected shape ({streams}, T, {D})", text)
                self.assertTrue(text.endswith(f"found {shape}"), text)
                if max_steps is None:
                    with self.assertRaises(ValueError):
                        MODEL.window(2, streams=streams).run(np.zeros(shape, "f4"))
        for shape in (T, D), (D,), (1, T, D + 1), (1, 0, D), (0, 0, D), (1, 1, T, D):
            with self.assertRaisesRegex(ValueError, "with T >= 1, found"):
                MODEL.predict(np.zeros(shape, "f4"))

    def test_mask(self):
        x = np.random.default_rng(0).normal(size=(2, T, D)).astype("f4")
        bits = np.array([[1, 0, 1, 1], [0, 1, 1, 0]])
        expected = MODEL.state(2).run(x, mask=bits)
        for mask in (bits.astype(bool), bits * 256, bits.astype("u8") << 40, -bits, bits.tolist(),
                     np.asfortranarray(bits), bits.astype(">i4"), make_read_only(bits != 0)):
            np.testing.assert_array_equal(MODEL.state(2).run(x, mask=mask), expected)
        np.testing.assert_array_equal(expected[0, 1], expected[0, 0])
        self.assertTrue((MODEL.state(2).run(x) != expected).any())
        for mask in (bits.astype("f4"), bits.astype("c8"), "1011", [None]):
            with self.assertRaisesRegex(TypeError, "mask: .* dtype"):
                MODEL.state(2).run(x, mask=mask)
        one = MODEL.state().run(x[:1], mask=bits[:1])
        for mask, steps in ((bits[0], x[:1]), (bits[:1], x[0]), (bits[0], x[0])):
            np.testing.assert_array_equal(MODEL.state().run(steps, mask=mask).reshape(one.shape), one)
        for mask in (bits[:1, None], bits[0, :, None], bits[0, 1:], bits.T[:, :1]):
            with self.assertRaisesRegex(ValueError, "mask: "):
                MODEL.state().run(x[0], mask=mask)
        for mask in (bits[0], bits[:, 1:], bits.T, bits[..., None], True, [[1]]):
            with self.assertRaisesRegex(ValueError, r"mask: expected shape \(2, 4\)"):
                MODEL.state(2).run(x, mask=mask)

    def test_steps_of_sequences(self):
        state = MODEL.state(1, max_steps=T)
        self.assertEqual(state.run(np.zeros((1, T, D))).shape, (1, T, M))
        with self.assertRaisesRegex(ValueError, f"at most {T} steps.*found {T + 1}"):
            state.run(np.zeros((1, T + 1, D)))


if __name__ == "__main__":
    unittest.main(argv=["arrays"])
