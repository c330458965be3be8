#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: GstBaseTransform calls start() before any data. So set_caps() and transform_ip() can use everything that
# start() sets up.
#
# Behaviour (GStreamer 1.22): a sink pad is active before its activatemode function runs. GstBaseTransform calls start() in
# that function without a lock. A thread that already runs, after a tee or a queue, calls set_caps() and
# transform_ip() while start() runs. At the end of start() the base class clears the caps and the segment, so later buffers
# fail as not negotiated.
#
# Relevance to users of gst-lstm: an element that loads data in start(), and is added to a running pipeline or goes to
# READY and back under a live source, has this race. `lstm` makes data wait.
#
# Needs: apt-get and dpkg of Debian 12 on amd64, its Python 3.11. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

for package in libgstreamer1.0-0=1.22.0-2+deb12u1 gir1.2-gstreamer-1.0=1.22.0-2+deb12u1 python3-gst-1.0=1.22.0-2 \
  python3-gi=3.42.2-3+b1 libgirepository-1.0-1=1.74.0-3 gir1.2-glib-2.0=1.74.0-3; do
  apt-get -qq -o APT::Sandbox::User=root download "$package"
done
for file in ./*.deb; do
  dpkg -x "$file" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries GI_TYPELIB_PATH=$libraries/girepository-1.0
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
export GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_REGISTRY=$folder/registry GST_REGISTRY_FORK=no

cat >run.py <<'EOF'
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstBase", "1.0")
from gi.repository import GObject, Gst, GstBase

Gst.init(None)
TIMEOUT = 20  # seconds
starting, transformed, started = threading.Event(), threading.Event(), threading.Event()
seen = []


class Slow(GstBase.BaseTransform):
    """An element whose start() lasts until a buffer arrives, like a start() that loads a large file."""

    __gstmetadata__ = ("Slow", "Filter", "Starts slowly", "gst-lstm")
    __gsttemplates__ = tuple(
        Gst.PadTemplate.new(name, direction, Gst.PadPresence.ALWAYS, Gst.Caps.new_any())
        for name, direction in (("sink", Gst.PadDirection.SINK), ("src", Gst.PadDirection.SRC))
    )

    def do_start(self):
        seen.append("start() begins")
        starting.set()
        transformed.wait(TIMEOUT)
        seen.append("start() ends")
        return True

    def do_set_caps(self, incaps, outcaps):
        seen.append("set_caps()")
        return True

    def do_transform_ip(self, buffer):
        seen.append(f"transform_ip(), segment in {Gst.Format.get_name(self.segment.format)}")
        transformed.set()
        return Gst.FlowReturn.OK


def push_stream(pad):
    """Pushes the sticky events and then data, as a tee does for a branch that is linked in PLAYING."""
    segment = Gst.Segment()
    segment.init(Gst.Format.TIME)
    starting.wait(TIMEOUT)
    pad.push_event(Gst.Event.new_stream_start("stream"))
    pad.push_event(Gst.Event.new_caps(Gst.Caps.new_empty_simple("test/x-raw")))
    pad.push_event(Gst.Event.new_segment(segment))
    for _ in range(2):
        flow = pad.push(Gst.Buffer.new_allocate(None, 4, None))
        started.wait(TIMEOUT)
        seen.append(f"a buffer was pushed: {flow.value_nick}")


GObject.type_register(Slow)
print(Gst.version_string())
slow, sink = Slow(), Gst.ElementFactory.make("fakesink")
sink.set_property("async", False)
pipeline = Gst.Pipeline()
pipeline.add(slow)
pipeline.add(sink)
slow.link(sink)
upstream = Gst.Pad.new("src", Gst.PadDirection.SRC)
upstream.set_active(True)
upstream.link(slow.get_static_pad("sink"))

thread = threading.Thread(target=push_stream, args=[upstream], daemon=True)
thread.start()
pipeline.set_state(Gst.State.PLAYING)
started.set()
thread.join(TIMEOUT)
pipeline.set_state(Gst.State.NULL)
print("\n".join(seen))
EOF

cat >expected <<'EOF'
GStreamer 1.22.0
start() begins
set_caps()
transform_ip(), segment in time
start() ends
a buffer was pushed: ok
a buffer was pushed: not-negotiated
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: data arrive before start() ends"
