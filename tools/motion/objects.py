# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network of objects: box and its change -> dense, tanh -> LSTM -> dense, softmax.

The boxes are those that a detector sees of the figures in the films of tools/demo-stage.c. The features
are those of `lstm per-object=true object-features=box`: x, y, w and h as fractions of the picture, and
their change since the previous frame of the object.
"""

import os
import subprocess
import tempfile

import numpy as np
import safetensors_file
import torch

LABELS = ("stand", "walk", "run", "turn", "fall", "lie", "rise")  # as in demo-stage.c
WIDTH, HEIGHT = 640, 480
LOST = 5  # frames without an object after which ioutracker forgets the object
INPUTS, PROJECTED, HIDDEN = 8, 24, 32
FILMS, TEST_FILMS = 250, 20
FIRST_SEED, TEST_SEED = 1000, 500  # of the films; the demo shows the film with seed 1
BATCH, ITERATIONS, MOST = 128, 450, 240  # tracks of a batch, batches, and frames of a track
LAYERS = (
    {"type": "dense", "name": "projection", "activation": "tanh"},
    {"type": "lstm", "name": "lstm"},
    {"type": "dense", "name": "head", "activation": "softmax"},
)


class Network(torch.nn.Module):
    """Compute logits (tracks, frames, labels) of features (tracks, frames, INPUTS)."""

    def __init__(self, seed=1):
        super().__init__()
        torch.manual_seed(seed)
        self.projection = torch.nn.Linear(INPUTS, PROJECTED)
        self.lstm = torch.nn.LSTM(PROJECTED, HIDDEN, batch_first=True)
        self.head = torch.nn.Linear(HIDDEN, len(LABELS))
        self.lstm.bias_hh_l0.requires_grad_(False)  # bias_ih_l0 is enough
        self.register_buffer("mean", torch.zeros(INPUTS), persistent=False)
        self.register_buffer("deviation", torch.ones(INPUTS), persistent=False)

    def forward(self, features):
        """Return the logits. The state is zero before the first frame."""
        projected = torch.tanh(self.projection((features - self.mean) / self.deviation))
        return self.head(self.lstm(projected)[0])

    def normalise(self, features):
        """Set the normalization from features (frames, INPUTS). The changes are small numbers."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0))


def run_demo_boxes(program, seed, films):
    """Return the detections of films as an array (records, 8), see demo-boxes.c."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "boxes")
        subprocess.run([program, "--seed", str(seed), "--films", str(films), path], check=True)
        return np.fromfile(path, "<i4").reshape(-1, 8)


def tracks_of(records):
    """Return a list of (features (frames, INPUTS), labels (frames)), one item per tracked object."""
    film, frame, figure, action = records[:, :4].T
    order = np.lexsort((frame, figure, film))
    film, frame, figure, action = (part[order] for part in (film, frame, figure, action))
    boxes = records[order, 4:].astype(np.float32)
    boxes /= np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32)
    begins = np.ones(len(frame), bool)
    begins[1:] = ((film[1:] != film[:-1]) | (figure[1:] != figure[:-1])
                  | (frame[1:] - frame[:-1] > LOST))
    changes = np.zeros_like(boxes)
    changes[1:] = boxes[1:] - boxes[:-1]
    changes[begins] = 0
    features = np.concatenate([boxes, changes], 1)
    cuts = np.flatnonzero(begins)[1:]
    return [(torch.from_numpy(x), torch.from_numpy(y.astype(np.int64)))
            for x, y in zip(np.split(features, cuts), np.split(action, cuts))]


def batch_of(tracks, g):
    """Return features and labels of random tracks; -100 is the label of the padding.

    Half of the tracks begin at a random frame, because a tracker sometimes gives an object a new number.
    """
    xs, ys = [], []
    for i in torch.randint(0, len(tracks), (BATCH,), generator=g).tolist():
        x, y = tracks[i]
        begin = 0
        if torch.rand(1, generator=g) < .5:
            begin = int(torch.randint(0, len(y), (1,), generator=g))
        xs.append(x[begin:begin + MOST].clone())
        ys.append(y[begin:begin + MOST])
        xs[-1][0, INPUTS // 2:] = 0
    return (torch.nn.utils.rnn.pad_sequence(xs, batch_first=True),
            torch.nn.utils.rnn.pad_sequence(ys, batch_first=True, padding_value=-100))


def train(network, tracks, seed, report):
    """Train a network in place. It calls report(iteration, mean loss) every 50 iterations."""
    g = torch.Generator().manual_seed(seed)
    network.normalise(torch.cat([x for x, _ in tracks]))
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=ITERATIONS)
    losses = []
    for iteration in range(ITERATIONS):
        x, y = batch_of(tracks, g)
        loss = torch.nn.functional.cross_entropy(network(x).flatten(0, 1), y.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if (iteration + 1) % 50 == 0:
            report(iteration + 1, float(np.mean(losses)))
            losses = []


def print_table(network, tracks):
    """Print the accuracy with and without memory, and the share of right frames of each label."""
    for has_memory in (True, False):
        share, confusion = accuracy(network, tracks, has_memory)
        rows = " ".join(f"{label} {row[i] / row.sum():.3f}"
                        for i, (label, row) in enumerate(zip(LABELS, confusion)))
        print(f"accuracy{'' if has_memory else '-without-memory'} {share:.3f} on {confusion.sum()} "
              f"boxes: {rows}", flush=True)


def accuracy(network, tracks, has_memory=True):
    """Return the share of frames with the right label, and the confusion matrix (true, found)."""
    confusion = np.zeros((len(LABELS),) * 2, int)
    with torch.no_grad():
        for x, y in tracks:
            logits = network(x[None])[0] if has_memory else network(x[:, None])[:, 0]
            np.add.at(confusion, (y.numpy(), logits.argmax(1).numpy()), 1)
    return confusion.trace() / confusion.sum(), confusion


def load(path):
    """Return the network of a safetensors file."""
    tensors, _ = safetensors_file.read(path)
    network = Network()
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in tensors.items()})
    return network.eval()


def tensors_of(network):
    """Return the weights by their names in the file. The projection contains the normalization."""
    tensors = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}
    mean, deviation = network.mean.numpy(), network.deviation.numpy()
    tensors["projection.weight"] /= deviation
    tensors["projection.bias"] -= tensors["projection.weight"] @ mean
    return tensors
