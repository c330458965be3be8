#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From Python, over GObject introspection: what a model makes of a whole recording.

Prints what the model's file says, by liblstm, and the last output of the features, which lstm posts
as a message where output-mode is final.

    final.py MODEL FEATURES.npy
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("Lstm", "1.0")
from gi.repository import GLib, Gst, Lstm  # noqa: E402


def final(model, features):
    """The values of the last output."""
    pipeline = Gst.parse_launch("npysrc name=source ! lstm name=lstm output-mode=final ! fakesink")
    pipeline.get_by_name("source").set_property("location", features)
    pipeline.get_by_name("lstm").set_property("model", model)
    pipeline.set_state(Gst.State.PLAYING)
    bus, values = pipeline.get_bus(), None
    wanted = Gst.MessageType.ELEMENT | Gst.MessageType.EOS | Gst.MessageType.ERROR
    try:
        while (message := bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)):
            if message.type == Gst.MessageType.ERROR:
                raise message.parse_error()[0]
            if message.type == Gst.MessageType.EOS:
                return values
            structure = message.get_structure()
            if structure.get_name() == "lstm-final":
                array = structure.get_array("output")[1]
                values = [array.get_nth(i) for i in range(array.n_values)]
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    """Do what the command line asks for."""
    if len(sys.argv) != 3:
        sys.exit("usage: final.py MODEL FEATURES.npy")
    Gst.init(None)
    try:
        model = Lstm.Model.load(sys.argv[1])
        print(f"{model.get_input_size()} values a step, {model.get_output_size()} out, "
              f"{model.get_n_lstm_layers()} LSTM layers, {model.get_isa()}")
        print(" ".join(f"{value:.6f}" for value in final(model, sys.argv[2])))
    except GLib.Error as error:
        sys.exit(f"final.py: {error.message}")


if __name__ == "__main__":
    main()
