# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks of a CNN and a recurrent layer, and the files of a test case of lstm-convert --split."""
import io
import shutil
import warnings
import zlib

import numpy as np
import onnx
import torch
from torch import nn

COLOURS, SIZE, UNITS, CLASSES = 3, 8, 5, 3  # of most networks

# layout: the axes of a window of frames (T, C, H, W) as the input of a network
LAYOUTS = {
    "btchw": lambda w: w[None],
    "bcthw": lambda w: w.transpose(0, 1)[None],
    "bthwc": lambda w: w.permute(0, 2, 3, 1)[None],
    "bhwct": lambda w: w.permute(2, 3, 1, 0)[None],
    "bthw": lambda w: w[None, :, 0],
    "tbchw": lambda w: w[:, None],
    "tchw": lambda w: w,
    "bchw": lambda w: w.flatten(0, 1)[None],
}


def make_cnn(colours=COLOURS, **options):
    """Returns a network from a frame to 16 features."""
    return nn.Sequential(nn.Conv2d(colours, 4, 3, stride=2, padding=1, **options), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten())


class Video(nn.Module):
    """A network of a CNN, which maps a frame to features, layers between, a recurrent layer and a head.

    `body` (self, x) is forward(). `kind`: the class of the recurrent layer. `encode`: (self, frames), from
    frames (n, C, H, W) to features (n, d); `head`: None for no linear layer."""

    def __init__(self, body, cnn=make_cnn, kind=nn.LSTM, between=None, features=16, encode=None, head=nn.Linear, **rnn):
        super().__init__()
        self.body = body
        self.cnn = cnn()
        self.between = between() if between else nn.Identity()
        self.rnn = kind(features, UNITS, **{"batch_first": True, **rnn})
        self.encoder = encode
        self.head = head(UNITS * (2 if rnn.get("bidirectional") else 1), CLASSES) if head else nn.Identity()

    def encode(self, frames):
        return self.encoder(self, frames) if self.encoder else self.between(self.cnn(frames))

    def forward(self, *x):
        return self.body(self, *x)


def make_weights(net, name):
    """Fills the parameters and the statistics of `net` with numbers that depend on `name` only."""
    torch.manual_seed(zlib.crc32(name.encode()))
    for key, tensor in [*net.named_parameters(), *net.named_buffers()]:
        if key.endswith("running_var"):
            tensor.data.uniform_(.5, 1.5)
        elif tensor.is_floating_point():
            tensor.data.uniform_(-.5, .5)
    return net.eval()


def make_film(name, n, size, dtype):
    torch.manual_seed(zlib.crc32(name.encode()) + 1)
    film = torch.rand(n, *size)
    return (film * 256).to(torch.uint8) if dtype == "uint8" else film


def export_model(net, x, opset, free=(), dynamo=None, **options):
    """Returns `net` as ONNX. free: axes of the input without a fixed size."""
    buffer = io.BytesIO()
    names = "batch", "time", "c", "d", "e"
    if dynamo is not None:
        options["dynamo"] = dynamo
    if dynamo:
        auto = {i: torch.export.Dim.AUTO for i in free}
        program = torch.onnx.export(net, (x,), opset_version=opset, input_names=["x"], dynamic_shapes=((auto,),),
                                    verbose=False, **options)
        program.save(buffer)
    else:
        axes = {"x": {i: names[i] for i in free}, "y": {0: "batch"}} if free else None
        torch.onnx.export(net, (x,), buffer, opset_version=opset, input_names=["x"], output_names=["y"],
                          dynamic_axes=axes, **options)
    return clean_model(onnx.load_model_from_string(buffer.getvalue()))


def clean_model(model):
    """Removes the metadata and the comments, which consist of stack traces with paths."""
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.ClearField("doc_string")
    return model.SerializeToString()


def save_array(path, tensor):
    array = np.ascontiguousarray(tensor.detach().numpy())
    np.save(path, array if array.dtype == np.uint8 else array.astype("f4"))


def save_numbers(at, net, layout, steps, film, dtype):
    """Writes the film, the features of each frame and the outputs of each window, which PyTorch computes in float64."""
    net = net.double()
    convert = (lambda v: v) if dtype == "uint8" else torch.Tensor.double
    windows = [film[k:k + steps] for k in range(len(film) - steps + 1)]
    with torch.no_grad():
        outputs = [net(convert(LAYOUTS[layout](w))) for w in windows]
        features = torch.cat([net.encode(f[None].double() / (255 if dtype == "uint8" else 1)) for f in film])
    outputs = [y[0] if isinstance(y, tuple) else y for y in outputs]
    is_last = layout in ("bthwc", "bhwct")
    save_array(at / "film.npy", film.permute(0, 2, 3, 1) if is_last else film)
    save_array(at / "features.npy", features)
    save_array(at / "expected.npy", torch.cat(outputs).reshape(len(windows), -1, outputs[0].shape[-1]))


def begin_case(folder, name, arguments="--normalize 0..1"):
    at = folder / name
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir(parents=True)
    (at / "arguments.txt").write_text(arguments + "\n")
    return at


def write_case(folder, name, net, layout="btchw", steps=4, opset=13, free=(), arguments="",
               size=(COLOURS, SIZE, SIZE), dtype="float32", refused=None, dynamo=None, more=3,
               normalize="--normalize 0..1", **options):
    """Exports `net` and writes a case. more: the frames of the film that follow the first window."""
    warnings.simplefilter("ignore")
    net = make_weights(net, name)
    film = make_film(name, steps + more, size, dtype)
    model = export_model(net, LAYOUTS[layout](film[:steps]), opset, free, dynamo, **options)
    at = begin_case(folder, name, f"{arguments} {'' if dtype == 'uint8' else normalize}".strip())
    (at / "model.onnx").write_bytes(model)
    if refused:
        (at / "refused.txt").write_text(refused + "\n")
    else:
        save_numbers(at, net, layout, steps, film, dtype)
