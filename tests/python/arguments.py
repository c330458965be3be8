# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each function of the introspection data with bad arguments: a Python exception, and no
GLib-CRITICAL, which ends the test because of G_DEBUG=fatal-criticals."""
import inspect
import unittest

from gi._gi import Repository
from rig import VECTORS, GLib, Lstm, make_model, np

D, M = 5, 3
MODEL = make_model(D, M)
X = np.zeros((1, 2, D), "f4")
STREAM = np.zeros(2 * M, "f4")  # h and c of a stream
BLOB = {"State": MODEL.state().save(), "Window": MODEL.window(2).save()}
PATH = VECTORS + "/lstm/head/model.safetensors"
with open(PATH, "rb") as opened:
    CONTENT = opened.read()
ERRORS = (TypeError, ValueError, OverflowError, AttributeError, GLib.Error)

# Bad values of each kind of argument
NO_INTEGERS = ["1", b"1", 1.0, 1.5, float("nan"), 1j, [], [1], {}, object(), np.float32(1)]
NO_INDEX = NO_INTEGERS + [1, 99, -2, 2**31, 2**32, 2**64, -2**63]
NO_TEXT = [1, 1.5, b"text", [], object(), "a\0b"]
NO_BYTES = [None, "text", 1, 1.5, object(), []]
NO_OBJECT = [None, 1, "text", object(), GLib.Bytes.new(b"")]
BAD = {
    "at least 0": [None, *NO_INTEGERS, -1, -2**31, 2**64, 2**200],
    "at least 1": [None, *NO_INTEGERS, 0, -1, -2**63, 2**64, 2**200],
    "threads": [None, *NO_INTEGERS, 0, -1, Lstm.MAX_THREADS + 1, 2**32, 2**64],
    "at least 1, or None": [*NO_INTEGERS, 0, -1, -2**63, 2**64, 2**200],
    "index": [None, *NO_INDEX],
    "index, or None": NO_INDEX,
    "time, or None": [*NO_INTEGERS, -1, 2**64, 2**200],
    "version": [None, "1", -1, 2**32, 2**64, 1.5j, object()],
    "text": [None, *NO_TEXT],
    "module chain, or None": [*NO_TEXT, "lstm", "", "("],
    "path": [None, 1, 1.5, [], object(), "a\0b", b"a\0b", "", "/", "/nonexistent", b"\xff"],
    "precision": [None, 0, 1, 7, 1.5, b"int8", "float8", "", "FLOAT32", "Float32", [], object()],
    "model file": [*NO_BYTES, b"", b"1234567", bytes(8), b"\xff" * 64, CONTENT[:-1]],
    "saved": [*NO_BYTES, b"", b"1234567", bytes(8), b"\xff" * 64],
    "steps": [*NO_BYTES, bytes(7), bytes(4 * D + 4)],
    "x": [None, "text", 1, [], [[1, "a"]], object(), np.zeros((1, 2, D + 1)), np.zeros(()),
          np.zeros((1, 1, 1, D)), np.zeros((1, 2, D), complex), np.zeros((1, 2, D), object),
          np.full((1, 2, D), 1e39), np.ma.zeros((1, 2, D)), b"text", X.tobytes()],
    "mask": ["text", 1.0, [1.0, 1.0], [[1]], [], 1, np.ones((1, 3), bool), np.ma.ones((1, 2), bool),
             {}],
    "flag": [],
    "values": [None, "text", 1, [], [1, "a"], object(), STREAM[1:], STREAM[None], STREAM.astype(complex),
               STREAM * 1j, np.full(len(STREAM), 1e39), np.ma.zeros(len(STREAM)), STREAM.tobytes()],
    "Model": [*NO_OBJECT, Lstm.Model, MODEL.state(), MODEL.window(2)],
    "State": [*NO_OBJECT, Lstm.State, MODEL, MODEL.window(2)],
    "Window": [*NO_OBJECT, Lstm.Window, MODEL, MODEL.state()],
}

# Functions that take addresses or references
HIDDEN = {"State.run_arrays"} | {f"{kind}.{name}" for kind in ("Model", "State", "Window")
                                 for name in ("ref", "unref", "copy")}

# Kinds and good values of the arguments of each function. A function is a good value of a new object.
FILE = ("path", PATH), ("precision", "int8"), ("module chain, or None", None)
CONTENT_ARGUMENTS = ("model file", CONTENT), ("text", "name")
MODEL_ARGUMENT = ("Model", MODEL)
SAVED = {kind: (("saved", blob), ("text", "name")) for kind, blob in BLOB.items()}
SAVE = ("time, or None", None), ("at least 0", 0)
COUNT = ("at least 1", 1)
FUNCTIONS = {
    "check_version": [("version", 0), ("version", 1), ("version", 0)],
    "error_quark": [],
    "get_version": [],
    "Model": FILE,
    "Model.load": FILE[:1],
    "Model.load_full": FILE,
    "Model.load_bytes": CONTENT_ARGUMENTS,
    "Model.load_bytes_full": [*CONTENT_ARGUMENTS, *FILE[1:]],
    "State": [MODEL_ARGUMENT, COUNT, ("at least 1, or None", 1)],
    "State.new": [MODEL_ARGUMENT, COUNT],
    "State.new_for_steps": [MODEL_ARGUMENT, COUNT, COUNT],
    "State.new_for_sequences": [MODEL_ARGUMENT, COUNT, COUNT],
    "State.load": [MODEL_ARGUMENT, *SAVED["State"]],
    "Window": [MODEL_ARGUMENT, COUNT, COUNT, COUNT],
    "Window.new": [MODEL_ARGUMENT, COUNT, COUNT, COUNT],
    "Window.load": [MODEL_ARGUMENT, ("at least 1", 2), COUNT, *SAVED["Window"]],
}
METHODS = {
    "Model": {
        "predict": [("x", X), COUNT],
        "state": [COUNT, ("at least 1, or None", 3)],
        "window": [COUNT, COUNT, COUNT],
        "get_cell_size": [("index", 0)],
        "get_hidden_size": [("index", -1)],
        "get_n_gates": [("index", 0)],
    } | dict.fromkeys(
        """get_fingerprint get_input_size get_isa get_load_report get_n_lstm_layers get_n_parameters
        get_output_size get_packed_size get_precision get_rate get_summary is_causal
        returns_last_step""".split(),
        ()),
    "State": {
        "run": [("x", X), *[("flag", True)] * 3, ("index", 0), ("mask", [1, 0])],
        "run_bytes": [("steps", X.tobytes())],
        "get_cell": [("index", 0)],
        "get_hidden": [("index", -1)],
        "get_layer_steps": [("index", 0), ("at least 0", 2**64 - 1)],
        "get_output_steps": [("at least 0", 2**64 - 1)],
        "get_stream": [("index", 0)],
        "is_stream_finite": [("index", 0)],
        "reset": [("index, or None", 0)],
        "reset_stream": [("index", 0)],
        "restore": SAVED["State"],
        "save": SAVE,
        "set_stream": [("index", 0), ("values", STREAM)],
        "set_threads": [("threads", 2)],
    } | dict.fromkeys("get_max_steps get_model get_stream_size get_streams get_threads is_finite".split(), ()),
    "Window": {
        "run": [("x", X)],
        "run_bytes": [("steps", X.tobytes())],
        "get_n_outputs": [("at least 0", 2**64 - 1)],
        "is_stream_finite": [("index", 0)],
        "restore": SAVED["Window"],
        "save": SAVE,
        "set_threads": [("threads", 2)],
    } | dict.fromkeys("get_hop get_length get_model get_streams get_threads is_finite reset".split(), ()),
}
MAKE = {"Model": lambda: MODEL, "State": lambda: MODEL.state(), "Window": lambda: MODEL.window(2)}
# PyGObject also makes module functions of the static functions.
FUNCTIONS |= {name.lower().replace(".", "_"): arguments for name, arguments in FUNCTIONS.items()
              if ".load" in name}
FUNCTIONS |= {f"{kind}.{name}": [(kind, MAKE[kind]), *arguments]
              for kind, methods in METHODS.items() for name, arguments in methods.items()}


def list_introspected():
    """Yields the names of all functions of the introspection data."""
    for info in Repository.get_default().get_infos("Lstm"):
        if hasattr(info, "get_methods"):
            yield from (f"{info.get_name()}.{method.get_name()}" for method in info.get_methods())
        elif hasattr(info, "get_arguments"):
            yield info.get_name()


def list_public():
    """Yields the names of all public functions of the classes."""
    for kind in METHODS:
        for name in dir(getattr(Lstm, kind)):
            member = inspect.getattr_static(getattr(Lstm, kind), name)
            if not name.startswith("_") and not isinstance(member, property):
                yield f"{kind}.{name}"


def find_function(name):
    value = Lstm
    for part in name.split("."):
        value = getattr(value, part)
    return value


class Arguments(unittest.TestCase):
    maxDiff = None

    def test_table_is_complete(self):
        names = {*list_introspected(), *list_public(), *METHODS}
        self.assertEqual(names, FUNCTIONS.keys() | HIDDEN)

    def test_bad_arguments(self):
        for name, arguments in FUNCTIONS.items():
            function = find_function(name)
            good = [value() if inspect.isfunction(value) else value for _, value in arguments]
            function(*good)
            calls = [good + [None] * 9] + [[]] * (good != [])
            for i, (kind, _) in enumerate(arguments):
                calls += [good[:i] + [value] + good[i + 1:] for value in BAD[kind]]
            for bad in calls:
                if bad and hasattr(bad[0], "restore") and "_Runner" in str(function):
                    continue  # the method is that of states and of windows
                with self.subTest(name, arguments=bad), self.assertRaises(ERRORS):
                    function(*bad)

    def test_hidden_functions(self):
        for name in HIDDEN:
            with self.assertRaisesRegex(AttributeError, f"Lstm.{name.split('.')[0]}: .* not available in Python"):
                find_function(name)

    def test_sizes_without_memory(self):
        for size in 2**61, 2**64 - 1:
            for make in (lambda: MODEL.state(size), lambda: MODEL.state(1, size),
                         lambda: MODEL.state(size, size), lambda: MODEL.window(size),
                         lambda: MODEL.window(3, 1, size), lambda: MODEL.window(size, 2, size)):
                with self.assertRaises(GLib.Error) as caught:
                    make()
                self.assertTrue(caught.exception.matches(Lstm.error_quark(), Lstm.Error.MEMORY))

    def test_model_without_lstm_layers(self):
        model = Lstm.Model(VECTORS + "/lstm/no-memory/model.safetensors")
        x = np.zeros((1, 1, model.input_size))
        self.assertEqual(model.state().run(x).shape, (1, 1, model.output_size))
        for function in (model.get_hidden_size, model.get_cell_size, model.get_n_gates,
                         model.state().get_hidden,
                         lambda layer: model.state().run(x, hidden=True, layer=layer)):
            for layer in 0, -1:
                with self.assertRaisesRegex(ValueError, "layer: expected a model with recurrent layers"):
                    function(layer)

    def test_layers_without_c(self):
        """A GRU has no c, and a simple RNN has no gates either."""
        for name, n_gates in ("gru-plain", 3), ("rnn-plain", 0):
            model = Lstm.Model(f"{VECTORS}/variants/{name}/model.safetensors")
            x, state = np.zeros((1, 4, model.input_size)), model.state()
            self.assertEqual((model.get_cell_size(0), model.get_n_gates(-1)), (0, n_gates))
            for call in state.get_cell, lambda: state.run(x, cell=True):
                with self.assertRaisesRegex(ValueError, "cell: expected a layer with a cell state, found layer 0"):
                    call()
            if n_gates:
                self.assertEqual(state.run(x, gates=True)[1].shape, (1, 4, 3, model.output_size))
                continue
            with self.assertRaisesRegex(ValueError, "gates: expected a layer with gates, found layer 0"):
                state.run(x, gates=True)

    def test_objects_without_constructor(self):
        """PyGObject makes no empty object of a class, which would be a null pointer in C."""
        for kind in Lstm.Model, Lstm.State, Lstm.Window:
            for base in kind.__mro__[:-1]:
                for make in (base.__new__, object.__new__):
                    with self.assertRaises(TypeError):
                        make(kind)

    def test_messages(self):
        for call, text in (
                (lambda: MODEL.state(0), f"streams: expected 1 to {2**64 - 1}, found 0"),
                (lambda: MODEL.get_cell_size(7), "layer: expected -1 to 0, found 7"),
                (lambda: MODEL.state(2).reset(2), "stream: expected -2 to 1, found 2"),
                (lambda: MODEL.window(3.0), "length: expected an integer, found float"),
                (lambda: Lstm.Model(PATH, "float8"),
                 "precision: expected float32, bfloat16, int8, found 'float8'"),
                (lambda: Lstm.State(PATH), "model: expected Lstm.Model, found str"),
                (lambda: MODEL.state().restore("text"), "blob: expected bytes, found str")):
            with self.assertRaises((TypeError, ValueError)) as caught:
                call()
            self.assertEqual(str(caught.exception), text)


if __name__ == "__main__":
    unittest.main(argv=["arguments"])
