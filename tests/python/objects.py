# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models, states and windows as Python objects: saved states, copies, lifetime, threads."""
import copy
import gc
import pickle
import resource
import sys
import threading
import unittest
import weakref

from rig import VECTORS, GLib, Lstm, load_array, load_model, make_model, make_weights, np, safetensors_file

D, M, T = 5, 3, 8
MODEL = make_model(D, M)
X = np.random.default_rng(0).normal(size=(2, T, D)).astype("f4")


def make_runners():
    """Returns a state and windows, of two streams each."""
    return MODEL.state(2), MODEL.window(3, hop=2, streams=2)


class Saved(unittest.TestCase):
    def test_restore_continues(self):
        for source, target in zip(make_runners(), make_runners()):
            source.run(X[:, :4])
            target.run(X[:, ::-1])
            blob = source.save(next_time=10**9, steps=4)
            self.assertIs(type(blob), bytes)
            expected = source.run(X[:, 4:])
            for content in blob, bytearray(blob), memoryview(blob), GLib.Bytes.new(blob):
                self.assertEqual(target.restore(content), (10**9, 4))
                np.testing.assert_array_equal(target.run(X[:, 4:]), expected)

    def test_load(self):
        state, window = make_runners()
        state.run(X)
        window.run(X)
        loaded, *rest = Lstm.State.load(MODEL, state.save(steps=T))
        self.assertEqual((loaded.streams, rest), (2, [None, T]))
        np.testing.assert_array_equal(loaded.run(X), state.run(X))
        loaded, *rest = Lstm.Window.load(MODEL, 3, 2, window.save(0), "w")
        self.assertEqual((loaded.streams, loaded.length, loaded.hop, rest), (2, 3, 2, [0, 0]))
        np.testing.assert_array_equal(loaded.run(X), window.run(X))

    def test_times(self):
        for runner in make_runners():
            for next_time, steps in (None, 0), (0, 1), (2**64 - 2, 2**64 - 1):
                self.assertEqual(runner.restore(runner.save(next_time, steps)), (next_time, steps))
            self.assertEqual(runner.restore(runner.save(2**64 - 1)), (None, 0))

    def test_errors_change_nothing(self):
        for runner, other in zip(make_runners(), make_runners()):
            runner.run(X)
            blob, expected = runner.save(), other.save()
            damaged = bytearray(blob)
            damaged[-1] ^= 1
            small = make_model(D, M + 1)
            others = [small.state(2), small.window(3, 2, 2), MODEL.state(1), MODEL.window(3, 2),
                      MODEL.window(3, 1, 2), MODEL.window(4, 2, 2)]
            for content in damaged, b"", b"text", blob[:-4], *(each.save() for each in others):
                with self.assertRaises(GLib.Error) as caught:
                    other.restore(content, "name of the content")
                self.assertIn("name of the content", caught.exception.message)
            self.assertEqual(other.save(), expected)

    def test_not_finite(self):
        for runner in make_runners():
            runner.run(X)
            self.assertTrue(runner.is_finite())
            x = X.copy()
            x[1, -1] = np.nan
            runner.run(x)
            self.assertFalse(runner.is_finite())
            with self.assertRaisesRegex(GLib.Error, "finite"):
                runner.restore(runner.save())
            runner.reset()
            self.assertTrue(runner.is_finite())

    def test_streams(self):
        state = MODEL.state(2)
        x = X.copy()
        x[1] = np.nan
        state.run(x)
        self.assertEqual([state.is_stream_finite(i) for i in (0, 1, -1)], [True, False, False])
        window = MODEL.window(T + 1, streams=2)
        window.run(x)
        self.assertEqual([window.is_stream_finite(i) for i in (0, 1, -1)], [True, False, False])
        first = state.get_hidden()[0]
        state.reset(1)
        np.testing.assert_array_equal(state.get_hidden(), [first, np.zeros(M)])
        state.reset_stream(0)
        self.assertFalse(state.get_hidden().any() or state.get_cell().any())

    def test_values_of_a_stream(self):
        state, other = MODEL.state(2), MODEL.state(3)
        state.run(X)
        h, c = state.get_hidden(), state.get_cell()
        np.testing.assert_array_equal(state.get_stream(-1), [*h[1], *c[1]])
        other.set_stream(2, state.get_stream(0))
        np.testing.assert_array_equal(other.get_stream(2), [*h[0], *c[0]])
        self.assertFalse(other.get_hidden()[:2].any())
        with self.assertRaisesRegex(ValueError, rf"values: expected shape \({2 * M},\), found \({M},\)"):
            other.set_stream(0, h[0])

    def test_state_for_sequences(self):
        state = MODEL.state(2, max_steps=T)
        with self.assertRaisesRegex(ValueError, "complete sequences"):
            state.save()
        with self.assertRaisesRegex(ValueError, "complete sequences"):
            state.restore(MODEL.state(2).save())

    def test_bytes(self):
        """run_bytes() has the bits of run()."""
        for a, b in zip(make_runners(), make_runners()):
            y = b.run_bytes(X.tobytes())
            self.assertEqual(y.get_data(), a.run(X).tobytes())
            with self.assertRaisesRegex(GLib.Error, "found 7 bytes"):
                b.run_bytes(b"1234567")

    def test_bytes_without_memory(self):
        model, steps = make_model(1, 256), bytes(4 << 20)  # to 1 GiB of output
        runners = model.state(), model.window(1)
        limits = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), limits[1]))
        try:
            for runner in runners:
                with self.assertRaisesRegex(GLib.Error, r"no memory .*\[1, 1048576, 256\]"):
                    runner.run_bytes(steps)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)


class Objects(unittest.TestCase):
    def test_properties(self):
        model = load_model("lstm/three-layers")
        x = load_array("lstm/three-layers", "x")
        self.assertEqual(model.input_size, x.shape[2])
        self.assertEqual((model.output_size, model.n_lstm_layers, model.isa, model.fingerprint),
                         (model.get_output_size(), 3, model.get_isa(), model.get_fingerprint()))
        self.assertEqual((MODEL.n_parameters, MODEL.precision),
                         (4 * M * (D + M + 2), Lstm.Precision.FLOAT32))
        self.assertEqual(model.rate, 0)
        self.assertEqual(repr(model), model.get_summary())
        self.assertEqual(len(repr(model).splitlines()), 1 + 3)
        self.assertIs(type(MODEL.state().model), Lstm.Model)
        self.assertEqual(MODEL.state().model, MODEL)
        for name in ("input_size", "precision", "fingerprint"):
            with self.assertRaises(AttributeError):
                setattr(model, name, 1)
        self.assertEqual(repr(MODEL.state(2)), "<Lstm.State: streams=2, 5 inputs, 3 outputs>")
        self.assertEqual(repr(MODEL.state(2, 7)),
                         "<Lstm.State: streams=2, max_steps=7, 5 inputs, 3 outputs>")
        self.assertEqual(repr(MODEL.window(4)),
                         "<Lstm.Window: length=4, hop=1, streams=1, 5 inputs, 3 outputs>")

    def test_bytes_of_a_model(self):
        with open(VECTORS + "/lstm/head/model.safetensors", "rb") as file:
            content = file.read()
        expected = load_model("lstm/head").fingerprint
        for value in content, bytearray(content), memoryview(content), GLib.Bytes.new(content):
            self.assertEqual(Lstm.Model.load_bytes(value).fingerprint, expected)
        self.assertEqual(Lstm.Model.load_bytes_full(content, "m", "int8").precision, Lstm.Precision.INT8)
        with self.assertRaisesRegex(GLib.Error, "some name"):
            Lstm.Model.load_bytes(b"", "some name")

    def test_paths(self):
        import os
        import pathlib
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            for name in "plain", "ä", b"\xff".decode(errors="surrogateescape"):
                path = os.path.join(folder, name)
                safetensors_file.write(path, make_weights(D, M), None)
                for value in path, os.fsencode(path), pathlib.Path(path):
                    self.assertEqual(Lstm.Model(value).fingerprint, MODEL.fingerprint)

    def test_module_chain(self):
        folder = VECTORS + "/torch/head"
        with open(folder + "/module-chain.txt") as file:
            chain = file.read().strip()
        Lstm.Model(folder + "/model.safetensors", module_chain=chain)
        with self.assertRaises(GLib.Error):
            Lstm.Model(folder + "/model.safetensors")

    def test_copies(self):
        self.assertIs(copy.copy(MODEL), MODEL)
        self.assertIs(copy.deepcopy([MODEL])[0], MODEL)
        for runner in make_runners():
            for function in copy.copy, copy.deepcopy:
                with self.assertRaisesRegex(TypeError, r"save\(\)"):
                    function(runner)
        for value, advice in zip((MODEL, *make_runners()), ("path", "save", "save")):
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                with self.assertRaisesRegex(TypeError, advice):
                    pickle.dumps(value, protocol)

    def test_subclasses(self):
        for parent in Lstm.Model, Lstm.State, Lstm.Window:
            with self.assertRaisesRegex(TypeError, f"Lstm.{parent.__name__} .*subclass"):
                type("Child", (parent,), {})

    def test_lifetime(self):
        """Arrays outlive their state, and a state outlives the variable of its model."""
        model = make_model(D, M)
        state, window = model.state(2), model.window(1, streams=2)
        del model
        arrays = [*state.run(X, True, True, True), window.run(X), state.get_hidden(), state.get_cell()]
        copies = [array.copy() for array in arrays]
        died = weakref.ref(state)
        gc.disable()
        try:
            del state, window
            self.assertIsNone(died(), "a state is part of a reference cycle")
        finally:
            gc.enable()
        make_model(D, M).state(2).run(-X)
        for array, expected in zip(arrays, copies):
            np.testing.assert_array_equal(array, expected)

    def test_docstrings(self):
        for kind in Lstm.Model, Lstm.State, Lstm.Window:
            self.assertIn("threads", kind.__doc__)
            for name, member in vars(kind).items():
                if not name.startswith("_") and name not in ("ref", "unref", "copy", "run_arrays"):
                    self.assertTrue(getattr(kind, name).__doc__ or member.__doc__, name)


class Handlers(unittest.TestCase):
    def test_window_runs_in_a_run(self):
        """A signal handler runs a window between two lines of its run()."""
        x = np.ones((2, 100, D), "f4")
        for length, hop in (3, 1), (3, 2), (2, 5):
            window, outputs = MODEL.window(length, hop, streams=2), []

            def handle_line(frame, event, _):
                if event == "line":
                    sys.settrace(None)
                    outputs.append(window.run(x[:, :1]))
                    sys.settrace(handle_call)
                return handle_line

            def handle_call(frame, event, _):
                return handle_line if frame.f_code is Lstm.Window.run.__code__ else None

            previous = sys.gettrace()
            for steps in 1, 2, 1, 4:
                sys.settrace(handle_call)
                try:
                    y = window.run(x[:, :steps])
                finally:
                    sys.settrace(previous)
                self.assertTrue(y.flags.owndata and y.flags.c_contiguous)
                outputs.append(y)
            n_nested = len(outputs) - 4
            self.assertGreater(n_nested, 4)
            expected = MODEL.window(length, hop, streams=2).run(x[:, :n_nested + 8])
            np.testing.assert_array_equal(np.concatenate(outputs, 1), expected)


class Threads(unittest.TestCase):
    def test_library_releases_the_gil(self):
        """Without the release, this thread would not run again before the other one ends."""
        interval, ran = sys.getswitchinterval(), []
        flag = threading.Event()

        def run_until_flag():
            state, window = MODEL.state(2), MODEL.window(2, streams=2)
            for _ in range(100000):
                state.run(X)
                window.run(X)
                if flag.is_set():
                    ran.append(True)
                    return

        sys.setswitchinterval(1000)  # in seconds: Python itself switches at no other time
        try:
            thread = threading.Thread(target=run_until_flag)
            thread.start()
            flag.set()
            thread.join()
        finally:
            sys.setswitchinterval(interval)
        self.assertEqual(ran, [True])

    def test_two_threads_share_a_state(self):
        """Calls run one after the other: the result is that of as many calls in one thread."""
        x = np.random.default_rng(0).normal(size=(2, 2000, D))
        model, n_threads, n_calls = make_model(D, 32), 4, 10
        for make in (lambda: model.state(2)), (lambda: model.window(7, 3, 2)):
            shared, alone = make(), make()
            counts = []

            def run_many():
                counts.append(sum(shared.run(x).shape[1] for _ in range(n_calls)))

            threads = [threading.Thread(target=run_many) for _ in range(n_threads)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            expected = sum(alone.run(x).shape[1] for _ in range(n_threads * n_calls))
            self.assertEqual(sum(counts), expected)
            self.assertEqual(shared.save(), alone.save())

    def test_one_lock(self):
        """Threads that use a new state for the first time use the same lock."""
        for _ in range(100):
            state, plans = MODEL.state(), []
            barrier = threading.Barrier(4)

            def use_first():
                barrier.wait()
                plans.append(state._get_plan())

            threads = [threading.Thread(target=use_first) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(set(map(id, plans))), 1)


if __name__ == "__main__":
    unittest.main(argv=["objects"])
