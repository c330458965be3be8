# SPDX-License-Identifier: LGPL-2.1-or-later
"""Video models with the node patterns that tf2onnx writes for Keras models. PyTorch computes their numbers."""
import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from video_cases import SIZE, UNITS, Video, begin_case, make_film, make_weights, save_numbers
from video_networks import colours_last, every

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]  # channels first, channels last
GATES = {nn.LSTM: (0, 3, 1, 2), nn.GRU: (1, 0, 2)}  # ONNX's gates among PyTorch's


class Graph:
    """Nodes and constants; each method returns the name of the node's output."""

    def __init__(self):
        self.nodes, self.constants, self.n = [], [], 0

    def name(self, word):
        self.n += 1
        return f"{word}__{self.n}"

    def constant(self, value):
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy().astype("f4")
        elif isinstance(value, (list, int)):
            value = np.array(value, np.int64)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), self.name("const")))
        return self.constants[-1].name

    def add(self, op, *inputs, outputs=1, **attributes):
        names = [self.name(op) for _ in range(outputs)]
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(op, inputs, names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def distribute(self, x, before, after, body):
        """Applies `body` to a clip as TimeDistributed does, in a pair of Reshapes."""
        return self.add("Reshape", body(self.add("Reshape", x, before)), after)

    def nhwc(self, x, body):
        return self.add("Transpose", body(self.add("Transpose", x, perm=FIRST)), perm=LAST)

    def conv(self, x, m, **attributes):
        return self.add("Conv", x, m.weight, m.bias, kernel_shape=list(m.kernel_size), strides=list(m.stride),
                        group=m.groups, **attributes)

    def dim(self, x, axis):
        """Reads a size from a tensor, through the casts that tf2onnx writes."""
        shape = self.add("Cast", self.add("Shape", x), to=TensorProto.INT32)
        one = self.add("Slice", shape, [axis], [axis + 1], [0])
        return self.add("Cast", one, to=TensorProto.INT64)

    def zeros(self, x, sides):
        """Makes the initial state for the batch of x (b, t, d): [sides, b, m]."""
        shape = self.add("Concat", self.dim(x, 0), [UNITS], axis=0)
        state = self.add("Unsqueeze", self.add("Expand", np.zeros((1, 1), "f4"), shape), [0])
        return state if sides == 1 else self.add("Concat", state, state, axis=0)

    def recurrent(self, x, net, zeros=True):
        """Runs the recurrent layer of `net` over x (b, t, d). Returns all outputs, and the last ones."""
        kind = type(net.rnn)
        order = lambda t: torch.cat([t.chunk(len(GATES[kind]))[k] for k in GATES[kind]])  # noqa: E731
        sides = [""] + (["_reverse"] if net.rnn.bidirectional else [])
        part = lambda word: torch.stack([order(getattr(net.rnn, word + "_l0" + side)) for side in sides])  # noqa: E731
        bias = torch.cat((part("bias_ih"), part("bias_hh")), 1)
        xt = self.add("Transpose", x, perm=[1, 0, 2])
        state = [self.zeros(x, len(sides)) for _ in range(2 if kind is nn.LSTM else 1)] if zeros else []
        more = dict(direction="bidirectional") if len(sides) > 1 else {}
        more |= dict(linear_before_reset=1) if kind is nn.GRU else {}
        return self.add(kind.__name__, xt, part("weight_ih"), part("weight_hh"), bias, *(["", *state] if zeros else []),
                        outputs=2, hidden_size=UNITS, **more)

    def dense(self, x, m):
        return self.add("Add", self.add("MatMul", x, m.weight.T), m.bias)

    def model(self, y, shape, outputs, opset):
        info = helper.make_tensor_value_info
        self.nodes.append(helper.make_node("Identity", [y], ["y"], name="y"))
        graph = helper.make_graph(self.nodes, "tf2onnx", [info("input_1", TensorProto.FLOAT, shape)],
                                  [info("y", TensorProto.FLOAT, outputs)], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="tf2onnx")
        model.ir_version = 7
        return model.SerializeToString()


def flatten_last(self, frames):
    """Returns the features of channels last."""
    return self.cnn[:3](frames).permute(0, 2, 3, 1).flatten(1)


def final(g, h):
    return g.add("Squeeze", h, [0])


def pairs(g, x, net):
    """TimeDistributed of each layer."""
    conv = net.cnn[0]
    x = g.distribute(x, [-1, 8, 8, 3], [-1, 4, 4, 4, 4],
                     lambda v: g.nhwc(v, lambda u: g.conv(u, conv, pads=[1, 1, 1, 1])))
    x = g.distribute(x, [-1, 4, 4, 4], [-1, 4, 4, 4, 4], lambda v: g.add("Relu", v))
    x = g.distribute(x, [-1, 4, 4, 4], [-1, 4, 2, 2, 4],
                     lambda v: g.nhwc(v, lambda u: g.add("MaxPool", u, kernel_shape=[2, 2], strides=[2, 2])))
    x = g.distribute(x, [-1, 2, 2, 4], [-1, 4, 16], lambda v: g.add("Reshape", v, [-1, 16]))
    return g.dense(final(g, g.recurrent(x, net)[1]), net.head)


def shapes(g, x, net):
    """TimeDistributed of a model, of clips of any length."""
    b, t = g.dim(x, 0), g.dim(x, 1)
    v = g.add("Reshape", x, [-1, 8, 8, 3])
    v = g.add("Relu", g.conv(g.add("Pad", g.add("Transpose", v, perm=FIRST), [0, 0, 1, 1, 0, 0, 1, 1]), net.cnn[0]))
    v = g.add("Transpose", g.add("MaxPool", v, kernel_shape=[2, 2], strides=[2, 2]), perm=LAST)
    v = g.add("Reshape", v, [-1, 16])
    v = g.add("Reshape", v, g.add("Concat", b, t, [16], axis=0))
    y = g.add("Transpose", g.add("Squeeze", g.recurrent(v, net, zeros=False)[0], [1]), perm=[1, 0, 2])
    return g.add("Reshape", g.dense(g.add("Reshape", y, [-1, UNITS]), net.head), g.add("Concat", b, t, [3], axis=0))


class Separable(nn.Module):
    """A depthwise convolution, a norm and a mean over the picture."""

    def __init__(self):
        super().__init__()
        self.depth, self.point = nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.Conv2d(3, 6, 1)
        self.norm = nn.BatchNorm2d(6, eps=.001)

    def forward(self, x):
        return torch.clamp(self.norm(self.point(self.depth(x))), 0, 6).mean((2, 3))


def separable(g, x, net):
    """A model of channels last, with a norm of Mul and Add, and GlobalAveragePooling2D."""
    m, rsqrt = net.cnn, torch.rsqrt(net.cnn.norm.running_var + net.cnn.norm.eps)
    scale = m.norm.weight * rsqrt
    v = g.add("Transpose", g.add("Reshape", x, [-1, 8, 8, 3]), perm=FIRST)
    v = g.conv(g.conv(v, m.depth, auto_pad="SAME_UPPER"), m.point)
    shift = m.norm.bias - m.norm.running_mean * scale
    v = g.add("Add", g.add("Mul", v, scale.view(1, 6, 1, 1)), shift.view(1, 6, 1, 1))
    v = g.add("Clip", g.add("Transpose", v, perm=LAST), np.float32(0), np.float32(6))
    v = g.add("Reshape", g.add("ReduceMean", v, axes=[1, 2], keepdims=0), [-1, 4, 6])
    y = g.add("Transpose", g.recurrent(v, net)[0], perm=[2, 0, 1, 3])
    return g.dense(g.add("Reshape", y, [0, 0, -1]), net.head)


def unstacked(g, x, net):
    """Splits a clip into frames, and runs the same layers on each frame."""
    frames = g.add("Split", x, [1] * 4, axis=1, outputs=4)
    weight, bias = g.constant(net.cnn[0].weight), g.constant(net.cnn[0].bias)
    features = []
    for frame in frames:
        v = g.add("Transpose", g.add("Squeeze", frame, [1]), perm=FIRST)
        v = g.add("Relu", g.add("Conv", v, weight, bias, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
        v = g.add("Transpose", g.add("MaxPool", v, kernel_shape=[2, 2], strides=[2, 2]), perm=LAST)
        features.append(g.add("Unsqueeze", g.add("Reshape", v, [-1, 16]), [1]))
    v = g.add("Concat", *features, axis=1)
    return g.add("Softmax", g.dense(final(g, g.recurrent(v, net)[1]), net.head), axis=-1)


def last_softmax(self, x):
    return colours_last(self, x).softmax(-1)


def every_last(self, x):
    return every(self, x.permute(0, 1, 4, 2, 3))


video = lambda body, **k: lambda: Video(body, **{"encode": flatten_last, **k})  # noqa: E731
# name: (function of the graph, network, arguments of lstm-convert, sizes of the batch and of the clip, outputs)
GRAPHS = {
    "pairs": (pairs, video(colours_last), "", ["unk__1", 4], 2),
    "pairs-gru": (pairs, video(colours_last, kind=nn.GRU), "", ["unk__1", 4], 2),
    "shapes": (shapes, video(every_last), "--steps 4", ["unk__1", "unk__2"], 3),
    "separable": (separable, video(every_last, cnn=Separable, encode=None, features=6, bidirectional=True), "", [1, 4],
                  3),
    "unstacked": (unstacked, video(last_softmax), "", ["unk__1", 4], 2),
}


def unknown_op(g, x, net):
    """An operator of another domain in the CNN."""
    v = g.add("Sharpen", g.add("Transpose", g.add("Reshape", x, [-1, 8, 8, 3]), perm=FIRST), domain="com.example")
    v = g.add("MaxPool", g.conv(v, net.cnn[0], pads=[1, 1, 1, 1]), kernel_shape=[2, 2], strides=[2, 2])
    v = g.add("Reshape", v, [-1, 4, 16])
    return g.dense(final(g, g.recurrent(v, net)[1]), net.head)


def compressed(g, x, net):
    """A selection of frames before the recurrent layer."""
    v = g.add("Reshape", g.add("Compress", x, np.array([True, True, False, True]), axis=1), [-1, 3, 192])
    return g.dense(final(g, g.recurrent(v, net)[1]), net.head)


REFUSED = {
    "domain": (unknown_op, video(colours_last), "", [1, 4], 2, "(Sharpen)"),
    "compressed": (compressed, video(colours_last, features=192), "", [1, 4], 2, "(Compress)"),
}


def graph_case(folder, name, build, make, arguments, sizes, rank, refused=None):
    net = make_weights(make(), name)
    graph = Graph()
    model = graph.model(build(graph, "input_1", net), [*sizes, SIZE, SIZE, 3], [None] * rank, 13)
    at = begin_case(folder, name, f"{arguments} --normalize 0..1".strip())
    (at / "model.onnx").write_bytes(model)
    if refused:
        (at / "refused.txt").write_text(refused + "\n")
    else:
        save_numbers(at, net, "bthwc", 4, make_film(name, 7, (3, SIZE, SIZE), "float32"), "float32")
