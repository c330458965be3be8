# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stub Lstm.pyi has the names, the arguments and the defaults of the module, and type checkers
accept the programs that work and refuse those that do not."""
import ast
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import venv

from rig import SOURCE, Lstm

STUBS = os.path.join(SOURCE, "python", "gi-stubs")

# The comment of a line states the error that mypy reports there.
PROGRAM = '''
import gi
import numpy as np
gi.require_version("Lstm", "1.0")
from gi.repository import GLib, Gst, Lstm
Gst.init(None)
model = Lstm.Model("m", precision="int8", module_chain=None)
model = Lstm.Model(b"m", Lstm.Precision.INT8)
Lstm.Model(1)                               # arg-type
Lstm.Model("m", "float8")                   # arg-type
x = np.zeros((1, 3, 5))
y: np.ndarray = model.predict(x) + model.predict([[[1, 2]]], batch_size=1)
model.predict(x, 1.5)                       # arg-type
state = model.state(streams=2, max_steps=None)
y = state.run(x) * 2
y, h, c, gates = state.run(x, hidden=True, cell=True, gates=True, layer=-1, mask=[[True]])
state.run(x, layer="1")                      # call-overload
blob: bytes = state.save(next_time=None, steps=0)
number: str = state.streams                 # assignment
next_time, steps = state.restore(blob)
steps + 1
next_time + 1                               # operator
state, next_time, steps = Lstm.State.load(model, blob)
window = model.window(length=30, hop=1)
y = window.run(x)
window.length = 3                           # misc
window.run(x, hidden=True)                  # call-arg
state.reset(stream=None)
state.ref()                                 # attr-defined
class Child(Lstm.Model): pass               # misc
try:
    print(model.fingerprint.upper(), Lstm.get_version())
except GLib.Error as error:
    print(error.matches(Lstm.error_quark(), Lstm.Error.FILE))
'''


def read_stub():
    """Returns the names of the stub, with the classes as dictionaries: name to syntax tree."""
    with open(os.path.join(STUBS, "repository", "Lstm.pyi"), encoding="utf-8") as file:
        return read_names(ast.parse(file.read()))


def read_names(tree):
    names = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names[node.name] = read_names(node)
        elif isinstance(node, ast.FunctionDef):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            names[node.target.id] = node
    return names


def list_arguments(function):
    """Returns names and defaults of the arguments of a stub function, without self and cls."""
    arguments = function.args
    defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    return [(argument.arg, inspect.Parameter.empty if default is None else ast.literal_eval(default))
            for argument, default in zip(arguments.args, defaults) if argument.arg not in ("self", "cls")]


def list_real_arguments(function):
    if hasattr(function, "get_arguments"):  # a function of the introspection data
        return [(argument.get_name(), inspect.Parameter.empty) for argument in function.get_arguments()]
    return [(parameter.name, parameter.default)
            for parameter in inspect.signature(function).parameters.values()
            if parameter.name not in ("self", "cls")]


class Stub(unittest.TestCase):
    def test_names(self):
        stub = read_stub()
        moved = {f"{kind.lower()}_{name}" for kind in ("Model", "State", "Window")
                 for name in dir(getattr(Lstm, kind)) if name.startswith("load")}
        self.assertEqual(set(stub), {name for name in dir(Lstm) if not name.startswith("_")} - moved)
        for kind in "Model", "State", "Window":
            real = {name for name in dir(getattr(Lstm, kind))
                    if not name.startswith("_") and hasattr(getattr(Lstm, kind), name)}
            self.assertEqual({name for name in stub[kind] if name != "__new__"}, real)
        for kind in "Error", "Precision":
            values = {name for name in stub[kind] if name.isupper()}
            self.assertEqual(values, {name for name in dir(getattr(Lstm, kind)) if name.isupper()})

    def test_arguments(self):
        for kind, names in read_stub().items():
            for name, node in names.items() if isinstance(names, dict) else ():
                if not isinstance(node, ast.FunctionDef) or kind not in ("Model", "State", "Window"):
                    continue
                with self.subTest(kind=kind, name=name):
                    real = inspect.getattr_static(getattr(Lstm, kind), name)
                    is_property = any(getattr(d, "id", "") == "property" for d in node.decorator_list)
                    self.assertEqual(isinstance(real, property), is_property)
                    if not is_property:
                        self.assertEqual(list_arguments(node),
                                         list_real_arguments(getattr(getattr(Lstm, kind), name)))

    def test_mypy(self):
        mypy = shutil.which("mypy")
        if not mypy:
            self.skipTest("mypy is not installed")
        with tempfile.TemporaryDirectory() as folder:
            # mypy finds packages of stubs only among the packages of a Python.
            venv.create(folder, system_site_packages=True)
            packages, = (path for path, _, files in os.walk(folder) if path.endswith("site-packages"))
            shutil.copytree(STUBS, os.path.join(packages, "gi-stubs"))
            path = os.path.join(folder, "program.py")
            with open(path, "w", encoding="utf-8") as file:
                file.write(PROGRAM)
            output = subprocess.run(
                [mypy, "--python-executable", os.path.join(folder, "bin", "python"), "--no-incremental",
                 "--cache-dir", os.devnull, "--no-error-summary", "--hide-error-context", path],
                stdout=subprocess.PIPE, text=True, cwd=folder).stdout
        found = [line.partition("program.py:")[2].split(":")[0] + line.rpartition("[")[2].rstrip("]")
                 for line in output.splitlines() if ": error:" in line]
        expected = [f"{number}{line.rpartition('# ')[2]}"
                    for number, line in enumerate(PROGRAM.splitlines(), 1) if "  # " in line]
        self.assertEqual(found, expected, output)


if __name__ == "__main__":
    unittest.main(argv=["stub"])
