# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the ```python blocks of docs/python.md as one program, and compares what it prints with the
```text blocks. The models of the tree replace the installed ones."""
import contextlib
import io
import os
import tempfile
import unittest

from rig import SOURCE

PAGE = os.path.join(SOURCE, "docs", "python.md")
INSTALLED = "/usr/share/lstm-1.0/models"


def read_blocks(kind):
    """Returns the content of all blocks of a kind. Lines outside are empty, to keep line numbers."""
    lines, inside = [], None
    with open(PAGE, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("```"):
                inside = None if inside is not None else line[3:]
                line = ""
            lines.append(line if inside == kind else "")
    return lines


class Page(unittest.TestCase):
    def test_blocks(self):
        program = "\n".join(read_blocks("python")).replace(INSTALLED, os.path.join(SOURCE, "models"))
        self.assertIn("Lstm.Model(", program)
        printed = io.StringIO()
        before = os.getcwd()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(printed):
            os.chdir(folder)
            try:
                exec(compile(program, PAGE, "exec"), {"__name__": "page"})
            finally:
                os.chdir(before)
        expected = [line for line in read_blocks("text") if line]
        self.assertEqual([line for line in printed.getvalue().splitlines() if line], expected)


if __name__ == "__main__":
    unittest.main(argv=["page"])
