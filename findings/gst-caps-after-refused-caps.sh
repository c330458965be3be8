#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: GstBaseTransform calls set_caps() for each CAPS event. So an element that remembers in set_caps() that it
# refused caps receives the next good caps in set_caps(), too.
#
# Behaviour (GStreamer 1.22): refused caps never become the caps of the pad. If upstream sends the previous caps again,
# they equal the caps of the pad, and the event succeeds without a call of set_caps(). The element still remembers the
# refusal.
#
# Relevance to users of gst-lstm: an element upstream of `lstm`, for example one that computes features, refuses all data
# after a source has changed its format and changed it back. The element must clear the refusal in sink_event().
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
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstBase", "1.0")
from gi.repository import GObject, Gst, GstBase

Gst.init(None)

class Mono(GstBase.BaseTransform):
    """Refuses two channels, and all data after refused caps."""

    __gstmetadata__ = ("Mono", "Filter", "Refuses two channels", "gst-lstm")
    __gsttemplates__ = tuple(
        Gst.PadTemplate.new(name, direction, Gst.PadPresence.ALWAYS, Gst.Caps.new_any())
        for name, direction in (("sink", Gst.PadDirection.SINK), ("src", Gst.PadDirection.SRC))
    )

    def __init__(self):
        super().__init__()
        self.calls = []
        self.refused = False

    def do_set_caps(self, incaps, outcaps):
        channels = incaps.get_structure(0).get_value("channels")
        self.calls.append(channels)
        self.refused = channels == 2
        return not self.refused

    def do_transform_ip(self, buffer):
        return Gst.FlowReturn.NOT_NEGOTIATED if self.refused else Gst.FlowReturn.OK


GObject.type_register(Mono)
print(Gst.version_string())
mono, sink = Mono(), Gst.ElementFactory.make("fakesink")
sink.set_property("async", False)
pipeline = Gst.Pipeline()
pipeline.add(mono)
pipeline.add(sink)
mono.link(sink)
pipeline.set_state(Gst.State.PLAYING)

pad, segment = mono.get_static_pad("sink"), Gst.Segment()
segment.init(Gst.Format.TIME)
pad.send_event(Gst.Event.new_stream_start("stream"))
for channels in (1, 2, 1, 3):
    caps = Gst.Caps.from_string(f"test/x-raw,channels={channels}")
    accepted = pad.send_event(Gst.Event.new_caps(caps))
    pad.send_event(Gst.Event.new_segment(segment))
    flow = pad.chain(Gst.Buffer.new_allocate(None, 4, None))
    print(
        f"channels={channels}: event {accepted}, pad {pad.get_current_caps().to_string()},"
        f" set_caps() calls {mono.calls}, a buffer {flow.value_nick}"
    )
pipeline.set_state(Gst.State.NULL)
EOF

cat >expected <<'EOF'
GStreamer 1.22.0
channels=1: event True, pad test/x-raw, channels=(int)1, set_caps() calls [1], a buffer ok
channels=2: event False, pad test/x-raw, channels=(int)1, set_caps() calls [1, 2], a buffer not-negotiated
channels=1: event True, pad test/x-raw, channels=(int)1, set_caps() calls [1, 2], a buffer not-negotiated
channels=3: event True, pad test/x-raw, channels=(int)3, set_caps() calls [1, 2, 3], a buffer ok
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: caps that equal the caps of the pad do not reach set_caps()"
