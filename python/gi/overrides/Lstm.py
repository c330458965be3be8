# SPDX-License-Identifier: LGPL-2.1-or-later
"""liblstm with NumPy arrays: recurrent networks on a CPU, one time step after another.

PyGObject loads this module when a program imports Lstm:

    import gi
    gi.require_version("Lstm", "1.0")
    from gi.repository import Lstm

    model = Lstm.Model("action.h5")
    y = model.predict(x)                    # complete sequences, like predict() of Keras
    state = model.state()
    y = state.run(x)                        # step by step; h and c stay in the state
    window = model.window(length=30)
    y = window.run(x)                       # sliding windows

Shapes: bs streams, T steps, d inputs and n outputs per step. An LSTM layer has m units and an h of
size p. The arrays that this module returns are new C-contiguous float32 arrays, which own their
memory. Numbers are computed in float32. A C-contiguous, aligned float32 array is passed to the
library without a copy, also if it is read-only. Arrays of bool, integers or other real floats,
arrays of another layout, lists and objects with __array__() are converted. Arrays of complex
numbers, objects, text, dates or records raise TypeError, and so do masked arrays.

Errors: GLib.Error has the errors of the library, with the domain "lstm-error-quark" and the codes
of Lstm.Error. ValueError reports a wrong shape, size, count or index, with the expected and the
found value. TypeError reports a wrong type.

Threads: any number of threads may share a model. The methods of a state or of a window lock it, so
that calls from several threads run one after the other. PyGObject releases the GIL while the
library runs."""
import operator
import os
from threading import RLock

import numpy as np
from gi.repository import GLib

from ..module import get_introspection_module
from ..overrides import override
from ._lstm_arrays import _FLOAT32, _convert, _get_address, _is_direct, _read_mask

Lstm = get_introspection_module("Lstm")
__all__ = ["Model", "State", "Window", "model_load", "model_load_full", "model_load_bytes",
           "model_load_bytes_full", "state_load", "window_load"]

_MAX_SIZE = GLib.MAXSIZE  # of a gsize
_MAX_UINT64 = GLib.MAXUINT64  # also the next_time of a saved state without a time
_PRECISIONS = {name.lower(): getattr(Lstm.Precision, name) for name in ("FLOAT32", "BFLOAT16", "INT8")}

# The functions of the library, before the classes below replace them
_Model, _State, _Window = Lstm.Model, Lstm.State, Lstm.Window
_run_state, _run_arrays, _run_window = _State.run, _State.run_arrays, _Window.run


# --- Arguments ---------------------------------------------------------------------------------

def _read_int(name, value, least, most=_MAX_SIZE):
    """Returns an integer argument as int."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, found {type(value).__name__}") from None
    if not least <= number <= most:
        raise ValueError(f"{name}: expected {least} to {most}, found {number}")
    return number


def _read_index(name, value, size):
    """Returns an index from 0 to size - 1. Negative indices count from the end."""
    if size == 0:
        raise ValueError(f"{name}: expected a model with recurrent layers, found a model without one")
    index = _read_int(name, value, -size, size - 1)
    return index + size if index < 0 else index


def _read_object(name, value, kind):
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected Lstm.{kind.__name__}, found {type(value).__name__}")
    return value


def _read_text(name, value):
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected str, found {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{name}: expected text without NUL, found {value!r}")
    return value


def _read_precision(value):
    """Returns a member of Lstm.Precision."""
    if isinstance(value, (str, Lstm.Precision)):
        for name, precision in _PRECISIONS.items():
            if value in (name, precision):
                return precision
        raise ValueError(f"precision: expected {', '.join(_PRECISIONS)}, found {value!r}")
    raise TypeError(f"precision: expected str or Lstm.Precision, found {type(value).__name__}")


def _read_bytes(name, value):
    """Returns bytes, another buffer or GLib.Bytes as GLib.Bytes."""
    if isinstance(value, GLib.Bytes):
        return value
    try:
        return GLib.Bytes.new(memoryview(value).tobytes())
    except TypeError:
        raise TypeError(f"{name}: expected bytes, found {type(value).__name__}") from None


def _read_time(next_time):
    return _MAX_UINT64 if next_time is None else _read_int("next_time", next_time, 0, _MAX_UINT64)


# --- Classes -----------------------------------------------------------------------------------

class _Documented(type(_Model)):
    """The type of the classes below. Their docstrings replace those that PyGObject generates."""

    @property
    def __doc__(cls):
        return cls.__dict__.get("__doc__")


class _Hidden:
    """A function of the library that is unsafe in Python, because it takes addresses or references."""

    def __init__(self, reason="Python counts the references itself"):
        self._reason = reason

    def __get__(self, instance, owner):
        raise AttributeError(f"Lstm.{owner.__name__}: the function is not available in Python: "
                             f"{self._reason}")


def _refuse_subclass(cls, **_):
    kind = cls.__mro__[1].__name__
    raise TypeError(f"Lstm.{kind} cannot be subclassed, because the functions of the library return "
                    f"Lstm.{kind}: expected an object that has an Lstm.{kind} as an attribute")


@override
class Model(_Model, metaclass=_Documented):
    """A network with its weights, packed for the instruction set of this machine.

    Lstm.Model(path, precision="float32", module_chain=None) loads a file.

    path: str, bytes or os.PathLike. A safetensors file, or a file that lstm-convert can convert:
        Keras, ONNX, PyTorch.
    precision: "float32", "bfloat16", "int8" or a member of Lstm.Precision: the precision of the
        products of the recurrent layers.
    module_chain: str or None. The modules of a PyTorch model in the order in which they run, such
        as "lstm last relu, fc".

    A model is immutable. Any number of threads, states and windows may share a model. copy.copy()
    and copy.deepcopy() return the model itself. A model cannot be pickled: load the file again.
    repr() is a table of the layers. Raises GLib.Error if the file cannot be read or is not
    supported."""

    __init_subclass__ = _refuse_subclass
    ref = unref = copy = _Hidden()
    input_size = property(_Model.get_input_size, doc="d, the number of inputs of a step")
    output_size = property(_Model.get_output_size, doc="n, the number of outputs of a step")
    n_lstm_layers = property(_Model.get_n_lstm_layers, doc="""The number of recurrent layers: LSTM,
    GRU and simple RNN. A bidirectional layer counts as two layers, forward and reverse.""")
    n_parameters = property(_Model.get_n_parameters, doc="The number of weights and biases")
    precision = property(_Model.get_precision, doc="The precision of the model, of Lstm.Precision")
    rate = property(_Model.get_rate, doc="""The number of steps per second that the file states, such
    as the sample rate of the model of an amplifier; 0 if the file does not state a rate.""")
    isa = property(_Model.get_isa, doc="The instruction set that the weights are packed for")
    fingerprint = property(_Model.get_fingerprint, doc="""A digest of layers, weights and precision
    in hexadecimal digits. A saved state belongs to the models with the same fingerprint.""")

    def __new__(cls, path, precision="float32", module_chain=None):
        return cls.load_full(path, precision, module_chain)

    def __init__(self, *args, **kwargs):
        pass

    @classmethod
    def load(cls, path):
        """Loads a file in float32, like Lstm.Model(path)."""
        return cls.load_full(path)

    @classmethod
    def load_full(cls, path, precision="float32", module_chain=None):
        """Loads a file, like Lstm.Model(path, precision, module_chain)."""
        path = os.fsdecode(path)
        if "\0" in path:
            raise ValueError(f"path: expected a path without NUL, found {path!r}")
        return _Model.load_full(path, _read_precision(precision), _read_chain(module_chain))

    @classmethod
    def load_bytes(cls, data, name="model"):
        """Loads the content of a safetensors file in float32. See load_bytes_full()."""
        return cls.load_bytes_full(data, name)

    @classmethod
    def load_bytes_full(cls, data, name="model", precision="float32", module_chain=None):
        """Loads the content of a safetensors file: bytes, another buffer or GLib.Bytes.

        name: str, the name of the content in error messages. Other arguments are those of
        Lstm.Model(). Other formats than safetensors are errors."""
        return _Model.load_bytes_full(_read_bytes("data", data), _read_text("name", name),
                                      _read_precision(precision), _read_chain(module_chain))

    def get_hidden_size(self, layer):
        """Returns p, the size of h of a recurrent layer. A negative index counts from the last layer."""
        return _Model.get_hidden_size(self, _read_index("layer", layer, self.n_lstm_layers))

    def get_cell_size(self, layer):
        """Returns m, the size of c of an LSTM layer; 0 for a layer without c.

        A negative index counts from the last layer."""
        return _Model.get_cell_size(self, _read_index("layer", layer, self.n_lstm_layers))

    def get_n_gates(self, layer):
        """Returns the number of gates of each unit: 4 for LSTM, 3 for GRU, 0 for simple RNN.

        A negative index counts from the last layer."""
        return _Model.get_n_gates(self, _read_index("layer", layer, self.n_lstm_layers))

    def predict(self, x, batch_size=32):
        """Runs complete sequences, like predict() of Keras.

        x: [bs, T, d], with bs >= 0 and T >= 1. All sequences have the same length T.
        batch_size: number of sequences that run side by side. It does not change the numbers.

        Returns float32 [bs, n] if the model returns only its last step (return_sequences=False in
        Keras), else [bs, T, n]. The time dimension has N steps if a layer repeats a step N times.
        Each sequence begins with the model's initial h and c. The scratch memory grows with
        batch_size * T. Raises ValueError for another shape and GLib.Error if memory is missing."""
        batch_size = _read_int("batch_size", batch_size, 1)
        x = _convert(x)
        if x.ndim != 3 or x.shape[1] == 0 or x.shape[2] != self.input_size:
            raise ValueError(f"x: expected shape (bs, T, {self.input_size}) with T >= 1, "
                             f"found {x.shape}")
        bs, steps, _ = x.shape
        state = _State.new_for_sequences(self, max(1, min(bs, batch_size)), steps)
        y = np.empty((bs, state.get_output_steps(steps), self.output_size), _FLOAT32)
        for first in range(0, bs, batch_size):
            part = slice(first, first + batch_size)
            if len(x[part]) != state.get_streams():
                state = _State.new_for_sequences(self, len(x[part]), steps)
            _run_state(state, steps, _get_address(x[part]), _get_address(y[part]))
        return y.reshape(bs, self.output_size) if self.returns_last_step() else y

    def state(self, streams=1, max_steps=None):
        """Returns a new Lstm.State, to run steps.

        streams: bs, the number of streams that advance side by side; at least 1.
        max_steps: None for a state that keeps h and c from one call of run() to the next, which
            needs a causal model. An integer makes a state for complete sequences of up to
            max_steps steps: each call of run() begins with the model's initial h and c.

        Raises GLib.Error if the model needs complete sequences (Lstm.Error.LAYER), or if memory is
        missing (Lstm.Error.MEMORY)."""
        return State(self, streams, max_steps)

    def window(self, length, hop=1, streams=1):
        """Returns a new Lstm.Window, to run sliding windows.

        length: steps of a window; at least 1.
        hop: steps from the beginning of a window to the beginning of the next one; at least 1.
        streams: bs, the number of streams that advance side by side; at least 1.

        Raises GLib.Error if the model needs complete sequences (Lstm.Error.LAYER), or if memory is
        missing (Lstm.Error.MEMORY)."""
        return Window(self, length, hop, streams)

    def __repr__(self):
        return self.get_summary()

    def __copy__(self, memo=None):
        return self

    __deepcopy__ = __copy__

    def __reduce_ex__(self, protocol):
        raise TypeError("Lstm.Model cannot be pickled: load the file again with Lstm.Model(path)")


def _read_chain(module_chain):
    return None if module_chain is None else _read_text("module_chain", module_chain)


class _Plan:
    """The lock of a state or a window, and the sizes that each run needs."""
    __slots__ = ("lock", "streams", "d", "n", "max_steps", "hop", "layer_sizes")

    def __init__(self, runner):
        model = runner.get_model()
        self.lock = RLock()  # a signal handler may call a method during a method
        self.streams = runner.get_streams()
        self.d = model.get_input_size()
        self.n = model.get_output_size()
        self.max_steps = runner.get_max_steps() if isinstance(runner, _State) else 0
        self.hop = runner.get_hop() if isinstance(runner, _Window) else 1
        self.layer_sizes = [(model.get_hidden_size(layer), model.get_cell_size(layer),
                             model.get_n_gates(layer)) for layer in range(model.n_lstm_layers)]

    def get_sizes(self, layer, cell, gates):
        """Returns p, m and the shape of the gates of a layer, whose c and gates are requested."""
        p, m, n_gates = self.layer_sizes[layer]
        for requested, size, name, thing in ((cell, m, "cell", "a cell state"),
                                             (gates, n_gates, "gates", "gates")):
            if requested and not size:
                raise ValueError(f"{name}: expected a layer with {thing}, found layer {layer}, "
                                 "which has none")
        return p, m, (n_gates, m or p)

    def refuse_sequences(self):
        if self.max_steps:
            raise ValueError("state: expected a state of Model.state(streams), found a state for "
                             "complete sequences, which keeps no h and c between two calls")

    def read_steps(self, x):
        """Returns x as an array that the library can read, and its T."""
        if type(x) is not np.ndarray or not _is_direct(x):
            x = _convert(x)
        shape = x.shape
        if len(shape) == 3 and shape[0] == self.streams and shape[2] == self.d:
            return x, shape[1]
        if self.streams == 1 and shape and shape[-1] == self.d:
            if len(shape) == 2:
                return x, shape[0]
            if len(shape) == 1 and not self.max_steps:
                return x, 1
        shapes = [f"({self.streams}, T, {self.d})"]
        if self.streams == 1:
            shapes += [f"(T, {self.d})"] + [f"({self.d},)"] * (not self.max_steps)
        raise ValueError(f"x: expected shape {' or '.join(shapes)}, found {shape}")


class _Runner:
    """The methods that a state and a window have in common."""

    _plan = None  # _get_plan() sets the attribute of the object: PyGObject calls no __init__()
    ref = unref = copy = _Hidden()
    model = property(lambda self: self.get_model(), doc="The model")
    streams = property(lambda self: self.get_streams(), doc="bs, the number of streams")

    def _get_plan(self):
        # setdefault() is atomic: all threads use the same lock.
        return self._plan or self.__dict__.setdefault("_plan", _Plan(self))

    def run_bytes(self, data):
        """Runs steps like run(), without NumPy.

        data: float32 [bs, T, d] in native byte order, as bytes, another buffer or GLib.Bytes. The
        size determines T. Returns GLib.Bytes. Raises GLib.Error if the size does not fit."""
        data = _read_bytes("data", data)
        with self._get_plan().lock:
            return super().run_bytes(data)

    def is_finite(self):
        """Returns whether all values of h and c are finite.

        A NaN or an infinity in h or c stays until the stream is reset."""
        with self._get_plan().lock:
            return super().is_finite()

    def is_stream_finite(self, stream):
        """Returns whether all values of h and c of one stream are finite."""
        stream = _read_index("stream", stream, self.streams)
        with self._get_plan().lock:
            return super().is_stream_finite(stream)

    def get_threads(self):
        """Returns the number of threads that compute a step, see set_threads()."""
        with self._get_plan().lock:
            return super().get_threads()

    def set_threads(self, n_threads):
        """Sets the number of threads that compute a step, from 1 to Lstm.MAX_THREADS; 1 is the default.

        The thread that calls run() is one of them. The numbers have the same bits with any number
        of threads. Layers of two hundred units and more become faster. Raises GLib.Error
        (Lstm.Error.THREAD) if the system refuses to create a thread."""
        n_threads = _read_int("n_threads", n_threads, 1, Lstm.MAX_THREADS)
        with self._get_plan().lock:
            super().set_threads(n_threads)

    def save(self, next_time=None, steps=0):
        """Returns h and c of all streams as bytes, in the safetensors format.

        next_time: stream time of the next step in nanoseconds, or None if it is unknown.
        steps: number of steps since the sequence began. Both are stored without being used.

        Values that are not finite are saved, but restore() and load() refuse them: see
        is_finite(). Raises ValueError if the state is one for complete sequences."""
        self._get_plan().refuse_sequences()
        next_time, steps = _read_time(next_time), _read_int("steps", steps, 0, _MAX_UINT64)
        with self._get_plan().lock:
            return super().save(next_time, steps).get_data()

    def restore(self, blob, name="state"):
        """Sets h and c of all streams to the content that save() returned.

        blob: bytes, another buffer or GLib.Bytes. The model and the number of streams must be those
            of the saved object, and for a window also length and hop.
        name: str, the name of the content in error messages.

        Returns (next_time, steps) as given to save(). Raises GLib.Error if the content is damaged
        or belongs to another model; h and c then do not change. Raises ValueError if the state is
        one for complete sequences."""
        self._get_plan().refuse_sequences()
        blob, name = _read_bytes("blob", blob), _read_text("name", name)
        with self._get_plan().lock:
            return _read_saved(*super().restore(blob, name)[-2:])

    def __copy__(self, memo=None):
        raise TypeError(f"Lstm.{type(self).__name__} cannot be copied: make another one from the "
                        "model, and pass the result of save() to its restore()")

    __deepcopy__ = __copy__

    def __reduce_ex__(self, protocol):
        raise TypeError(f"Lstm.{type(self).__name__} cannot be pickled: pickle the result of save()")


def _read_saved(next_time, steps):
    return None if next_time == _MAX_UINT64 else next_time, steps


@override
class State(_Runner, _State, metaclass=_Documented):
    """h and c of every recurrent layer for bs streams, and the scratch memory to run a model.

    Model.state(streams=1, max_steps=None) makes a state. Lstm.State(model, streams=1,
    max_steps=None) is the same. The methods lock the state, so that calls from several threads run
    one after the other. Different states run at the same time. A state cannot be copied or
    pickled: see save()."""

    __init_subclass__ = _refuse_subclass
    run_arrays = _Hidden("use run(x, hidden=True, cell=True, gates=True, mask=mask)")

    def __new__(cls, model, streams=1, max_steps=None):
        if max_steps is None:
            return cls.new(model, streams)
        return cls.new_for_sequences(model, streams, max_steps)

    @classmethod
    def new(cls, model, streams=1):
        """Returns a new state, like Model.state(streams)."""
        return _State.new(_read_object("model", model, Model), _read_int("streams", streams, 1))

    @classmethod
    def new_for_steps(cls, model, streams, steps):
        """Returns a new state like new(), with scratch memory for calls of at most `steps` steps.

        Longer calls return the same bits, and take longer."""
        return _State.new_for_steps(_read_object("model", model, Model),
                                    _read_int("streams", streams, 1),
                                    _read_int("steps", steps, 1))

    @classmethod
    def new_for_sequences(cls, model, streams, max_steps):
        """Returns a new state for complete sequences, like Model.state(streams, max_steps)."""
        return _State.new_for_sequences(_read_object("model", model, Model),
                                        _read_int("streams", streams, 1),
                                        _read_int("max_steps", max_steps, 1))

    @classmethod
    def load(cls, model, blob, name="state"):
        """Makes a state with as many streams as were saved. Arguments and errors: see restore().

        Returns (state, next_time, steps)."""
        state, *rest = _State.load(_read_object("model", model, Model), _read_bytes("blob", blob),
                                   _read_text("name", name))
        return state, *_read_saved(*rest)

    def run(self, x, hidden=False, cell=False, gates=False, layer=-1, mask=None):
        """Runs T steps of every stream.

        x: [bs, T, d]. A state of one stream also accepts [T, d], and [d] for one step (a state for
            complete sequences does not accept [d]). T may be 0.
        hidden, cell, gates: whether to return h, c and the activated gates of a recurrent layer
            after every step. Only LSTM layers have c. LSTM and GRU layers have gates.
        layer: index of that recurrent layer. A negative index counts from the last layer, which is -1.
        mask: None, or bool or integers [bs, T] (the shape of x without its last dimension). A state
            of one stream also accepts [T]. A step with 0 is masked, as in Keras: recurrent layers keep h
            and c, and repeat their last output.

        Returns y [bs, T, n], or a tuple (y, h, c, gates) without the arrays that were not
        requested: h [bs, T, p], c [bs, T, m] and gates [bs, T, 4, m] in the order i, f, g, o, or
        [bs, T, 3, m] in the order z, r, n for a GRU. The leading dimensions are those of x: for x
        [d] they are y [n], h [p], c [m] and gates [4, m], or [3, m] of a GRU layer. All are new
        float32 arrays.

        h and c of the state continue in the next call. A state for complete sequences begins each
        call with the model's initial h and c instead; T of y is get_output_steps(T), and T of the
        other arrays is get_layer_steps(layer, T). The bits of a step do not depend on how steps and
        streams are divided into calls.

        Raises ValueError for a wrong shape, layer or T, for c or gates of a layer that has none,
        and for values that overflow float32. Raises TypeError for a type that is not a real number.
        NaN and infinities in x follow IEEE 754."""
        plan = self._plan or self._get_plan()
        x, steps = plan.read_steps(x)
        lead = x.shape[:-1]
        if plan.max_steps or hidden or cell or gates or layer != -1 or mask is not None:
            return _run_with_arrays(self, x, steps, hidden, cell, gates, layer, mask)
        y = np.empty((*lead, plan.n), _FLOAT32)
        with plan.lock:
            _run_state(self, steps, _get_address(x), _get_address(y))
        return y

    def get_output_steps(self, steps):
        """Returns the number of steps of y for T input steps.

        It is T, except for complete sequences: 1 if a layer returns only its last step, and N if a
        layer repeats a step N times."""
        return _State.get_output_steps(self, _read_int("steps", steps, 0))

    def get_layer_steps(self, layer, steps):
        """Returns the number of steps of h, c and gates of a recurrent layer for T input steps."""
        layer = _read_index("layer", layer, self.model.n_lstm_layers)
        return _State.get_layer_steps(self, layer, _read_int("steps", steps, 0))

    def get_hidden(self, layer=-1):
        """Returns h of a recurrent layer after the last step, as a new array [bs, p].

        Before the first step, h is the model's initial h. A negative index counts from the end."""
        return self._read_memory(_State.get_hidden, layer, 0)

    def get_cell(self, layer=-1):
        """Returns c of an LSTM layer after the last step, as a new array [bs, m].

        Raises ValueError for a layer without c, such as a GRU. Before the first step, c is the
        model's initial c. A negative index counts from the end."""
        return self._read_memory(_State.get_cell, layer, 1)

    def _read_memory(self, getter, layer, i):
        plan = self._get_plan()
        layer = _read_index("layer", layer, len(plan.layer_sizes))
        sizes = plan.get_sizes(layer, i == 1, False)
        values = np.empty((plan.streams, sizes[i]), _FLOAT32)
        with plan.lock:
            getter(self, layer, _get_address(values))
        return values

    def get_stream(self, stream):
        """Returns h and c of one stream as a new array [get_stream_size()].

        The array has h [p] of the first recurrent layer, its c [m] if the layer has c, then h and c
        of the next layer, and at the end the sums of the pooling layers."""
        plan = self._get_plan()
        stream = _read_index("stream", stream, plan.streams)
        values = np.empty(self.get_stream_size(), _FLOAT32)
        with plan.lock:
            _State.get_stream(self, stream, _get_address(values))
        return values

    def set_stream(self, stream, values):
        """Sets h and c of one stream. values: what get_stream() returned for any state of the model

        Raises ValueError for another shape. The other streams do not change."""
        plan = self._get_plan()
        stream = _read_index("stream", stream, plan.streams)
        values = _convert(values, "values")
        if values.shape != (self.get_stream_size(),):
            raise ValueError(f"values: expected shape ({self.get_stream_size()},), found {values.shape}")
        with plan.lock:
            _State.set_stream(self, stream, _get_address(values))

    def reset(self, stream=None):
        """Sets h and c of one stream, or of all streams, to the model's initial values."""
        with self._get_plan().lock:
            if stream is None:
                _State.reset(self)
            else:
                _State.reset_stream(self, _read_index("stream", stream, self.streams))

    def reset_stream(self, stream):
        """Sets h and c of one stream to the model's initial values, like reset(stream)."""
        self.reset(_read_index("stream", stream, self.streams))

    def __repr__(self):
        plan = self._get_plan()
        limit = f", max_steps={plan.max_steps}" if plan.max_steps else ""
        return f"<Lstm.State: streams={plan.streams}{limit}, {plan.d} inputs, {plan.n} outputs>"


def _run_with_arrays(state, x, steps, hidden, cell, gates, layer, mask):
    """Runs a state with a mask, or with h, c and gates, or a state for complete sequences.

    hidden, cell, gates: whether to return h, c and gates"""
    plan, lead = state._plan, x.shape[:-1]
    if plan.max_steps and steps > plan.max_steps:
        raise ValueError(f"x: expected at most {plan.max_steps} steps, the max_steps of the state, "
                         f"found {steps}")
    if mask is not None:
        mask = _read_mask(mask, lead, plan.streams, steps)
    output_steps = state.get_output_steps(steps) if plan.max_steps else steps
    y = np.empty((*_set_steps(lead, output_steps), plan.n), _FLOAT32)
    if hidden or cell or gates or layer != -1:
        layer = _read_index("layer", layer, len(plan.layer_sizes))
        p, m, gates_shape = plan.get_sizes(layer, cell, gates)
        if plan.max_steps:
            lead = _set_steps(lead, _State.get_layer_steps(state, layer, steps))
    else:
        layer = 0
    h = np.empty((*lead, p), _FLOAT32) if hidden else None
    c = np.empty((*lead, m), _FLOAT32) if cell else None
    gate_values = np.empty((*lead, *gates_shape), _FLOAT32) if gates else None
    with plan.lock:
        _run_arrays(state, steps, _get_address(x), _get_address(mask), _get_address(y), layer,
                    _get_address(h), _get_address(c), _get_address(gate_values))
    requested = [array for array in (h, c, gate_values) if array is not None]
    return (y, *requested) if requested else y


def _set_steps(lead, steps):
    """Returns the leading dimensions of an output with that number of steps."""
    return (*lead[:-1], steps) if lead else lead


@override
class Window(_Runner, _Window, metaclass=_Documented):
    """Sliding windows of `length` steps, of which one begins every `hop` steps.

    Model.window(length, hop=1, streams=1) makes windows. Lstm.Window(model, length, hop=1,
    streams=1) is the same. Each window starts from the model's initial h and c, as models that were
    trained on windows expect. The outputs have the same bits as Model.predict() of every window. The
    methods lock the windows, so that calls from several threads run one after the other. Windows
    cannot be copied or pickled: see save()."""

    __init_subclass__ = _refuse_subclass
    length = property(_Window.get_length, doc="The number of steps of a window")
    hop = property(_Window.get_hop, doc="Steps from the beginning of a window to that of the next one")

    def __new__(cls, model, length, hop=1, streams=1):
        return cls.new(model, streams, length, hop)

    @classmethod
    def new(cls, model, streams, length, hop):
        """Returns new windows, like Model.window(length, hop, streams)."""
        return _Window.new(_read_object("model", model, Model), _read_int("streams", streams, 1),
                           _read_int("length", length, 1), _read_int("hop", hop, 1))

    @classmethod
    def load(cls, model, length, hop, blob, name="state"):
        """Makes windows with as many streams as were saved. Arguments and errors: see restore().

        Returns (window, next_time, steps)."""
        window, *rest = _Window.load(_read_object("model", model, Model),
                                     _read_int("length", length, 1), _read_int("hop", hop, 1),
                                     _read_bytes("blob", blob), _read_text("name", name))
        return window, *_read_saved(*rest)

    def run(self, x):
        """Runs T steps of every stream.

        x: [bs, T, d]. Windows of one stream also accept [T, d], and [d] for one step. T may be 0.

        Returns y [bs, k, n], or [k, n] for x [T, d] and [d]: the output after the last step of each
        of the k windows that these steps complete. k may be 0. y is a new float32 array. Open
        windows continue in the next call. Errors: see State.run()."""
        plan = self._plan or self._get_plan()
        x, steps = plan.read_steps(x)
        # A signal handler may run the windows until _run_window() begins, so that only the result of
        # _run_window() is certain. T steps complete at most ceil (T / hop) windows.
        most = -(-steps // plan.hop)
        y = np.empty((*x.shape[:-2], most, plan.n), _FLOAT32)
        with plan.lock:
            k = _run_window(self, steps, _get_address(x), _get_address(y))
        if k != most:
            y.resize((*x.shape[:-2], k, plan.n), refcheck=False)
        return y

    def get_n_outputs(self, steps):
        """Returns k, the number of windows that the next T steps complete."""
        return _Window.get_n_outputs(self, _read_int("steps", steps, 0))

    def reset(self):
        """Discards all open windows. The next step begins the first window."""
        with self._get_plan().lock:
            _Window.reset(self)

    def __repr__(self):
        plan = self._get_plan()
        return (f"<Lstm.Window: length={self.length}, hop={self.hop}, streams={plan.streams}, "
                f"{plan.d} inputs, {plan.n} outputs>")


# PyGObject also makes module functions of these functions.
model_load, model_load_full = Model.load, Model.load_full
model_load_bytes, model_load_bytes_full = Model.load_bytes, Model.load_bytes_full
state_load, window_load = State.load, Window.load
