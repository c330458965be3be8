# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of sign language print the labels of a vote over predictions of complete windows, with
a network of the layers and sizes of the tutorial, and random weights."""
import json
import os
import subprocess
import tempfile
import unittest
from collections import Counter

from rig import SOURCE, Lstm, np, safetensors_file

D, LENGTH, LABELS = 1662, 30, ["hello", "thanks", "iloveyou"]
RELU = ["sigmoid", "relu", "relu"]
LAYERS = [
    {"type": "lstm", "name": "lstm", "units": 64, "activations": RELU},
    {"type": "lstm", "name": "lstm_1", "units": 128, "activations": RELU},
    {"type": "lstm", "name": "lstm_2", "units": 64, "activations": RELU, "return": "last"},
    {"type": "dense", "name": "dense", "units": 64, "activation": "relu"},
    {"type": "dense", "name": "dense_1", "units": 32, "activation": "relu"},
    {"type": "dense", "name": "dense_2", "units": len(LABELS), "activation": "softmax"},
]


def write_model(path):
    random, tensors, layers, d = np.random.default_rng(3), {}, [], D
    for layer in LAYERS:
        layer = dict(layer)
        units, name = layer.pop("units"), layer["name"]
        if layer["type"] == "lstm":
            tensors[f"{name}.weight_ih_l0"] = random.normal(0, 1 / d**0.5, (4 * units, d))
            tensors[f"{name}.weight_hh_l0"] = random.normal(0, 0.3 / units**0.5, (4 * units, units))
        else:
            tensors[f"{name}.weight"] = random.normal(0, 8 / d**0.5, (units, d))
        layers.append(layer)
        d = units
    safetensors_file.write(path, tensors, {"lstm.version": "1", "lstm.layers": json.dumps(layers)})


def make_keypoints():
    """Returns frames [T, D]: a posture that moves a little, and another posture after each 40 frames."""
    random = np.random.default_rng(0)
    postures = random.normal(0, 2, (4, D)).repeat(40, axis=0)
    return (postures + random.normal(0, 0.1, postures.shape)).astype("f4")


def list_expected(model, frames):
    """Returns the lines of the vote, from complete windows."""
    starts = range(len(frames) - LENGTH + 1)
    scores = model.predict(np.stack([frames[start:start + LENGTH] for start in starts]))
    lines, shown = [], None
    for i in starts:
        votes = Counter(scores[max(0, i - 9):i + 1].argmax(axis=1).tolist())
        sign, count = max(votes.items(), key=lambda item: item[1])
        if count > 5 and scores[i, sign] > 0.5 and sign != shown:
            shown = sign
            lines.append(f"{i + LENGTH}: {LABELS[sign]}")
    return lines


class SignLanguage(unittest.TestCase):
    def run_example(self, name, *arguments, text=""):
        return subprocess.run([os.path.join(SOURCE, "examples", name), *arguments], input=text,
                              capture_output=True, text=True, timeout=100)

    def test_labels(self):
        frames = make_keypoints()
        text = "\n".join(" ".join(f"{value:.9g}" for value in frame) for frame in frames)
        with tempfile.TemporaryDirectory() as folder:
            model, labels = os.path.join(folder, "model"), os.path.join(folder, "labels")
            write_model(model)
            with open(labels, "w", encoding="utf-8") as file:
                file.write("\n".join(LABELS) + "\n")
            expected = list_expected(Lstm.Model(model), frames)
            self.assertGreater(len(expected), 1)
            for name in "sign-language", "sign-language-pipeline":
                result = self.run_example(name, model, labels, text=text)
                self.assertEqual((result.stdout.splitlines(), result.stderr), (expected, ""), name)
                result = self.run_example(name, model, labels, text="1 2 3\n")
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertRegex(result.stderr, f"^{name}: .*expected .*1662.*found .*3")
                result = self.run_example(name, "/none", labels)
                self.assertRegex(result.stderr, f"^{name}: .*/none")
                self.assertRegex(self.run_example(name).stderr, "^usage: ")


if __name__ == "__main__":
    unittest.main(argv=["sign_language"])
