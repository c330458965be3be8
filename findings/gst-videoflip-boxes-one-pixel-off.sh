#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: videoflip moves the boxes of detections exactly as it moves the pixels. A box that covers the frame
# still covers the frame, and a mirrored box at x is at width - x - w.
#
# Behaviour (GStreamer 1.28.8): each mirrored coordinate is one pixel too small: a box at x 10 of width 30 in a frame
# of width 100 is at x 59 and not at 60. A box that covers the frame begins at -1, and is cut to a width of 99. The
# angle of an oriented box does not change, although a mirrored object is rotated in the other direction. A rotation
# by 90 degrees mirrors one coordinate.
#
# Relevance to users of gst-lstm: `lstm` computes steps from boxes (object-features=box) and labels belong to boxes.
# An error of one pixel matters in small frames. Put videoflip before the detector (docs/neighbours.md).
#
# Needs: apt-get and dpkg of Debian 14 on amd64, its Python 3.14. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

for package in libgstreamer1.0-0=1.28.8-1 gir1.2-gstreamer-1.0=1.28.8-1 libgstreamer-plugins-base1.0-0=1.28.8-1 \
  gir1.2-gst-plugins-base-1.0=1.28.8-1 gstreamer1.0-plugins-base=1.28.8-1 gstreamer1.0-plugins-good=1.28.8-1 \
  libgstreamer-plugins-bad1.0-0=1.28.8-1 gir1.2-gst-plugins-bad-1.0=1.28.8-1 gstreamer1.0-plugins-bad=1.28.8-1 \
  python3-gi=3.58.1-1+b1 libgirepository-2.0-0=2.90.1-2 gir1.2-glib-2.0=2.90.1-2 libglib2.0-0t64=2.90.1-2 \
  libffi8=3.8.0-2 liborc-0.4-0t64=1:0.4.44-1 libatomic1=16.2.0-3 libdrm2=2.4.134-3; do
  apt-get -qq -o APT::Sandbox::User=root download "$package"
done
for file in ./*.deb; do
  dpkg -x "$file" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries GI_TYPELIB_PATH=$libraries/girepository-1.0
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
export GST_REGISTRY=$folder/registry GST_REGISTRY_FORK=no
mkdir plugins
for plugin in app videofilter; do
  ln -s "$libraries/gstreamer-1.0/libgst$plugin.so" plugins
done
export GST_PLUGIN_SYSTEM_PATH=$folder/plugins

cat >run.py <<'EOF'
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstAnalytics", "1.0")
from gi.repository import GLib, Gst, GstAnalytics

Gst.init(None)
print(Gst.version_string())
CAPS = "video/x-raw,format=RGB,width=100,height=60,framerate=10/1"


def run(elements, frames, caps=CAPS):
    """Pushes a frame for each function of frames, which attaches metas to it, and returns the output frames."""
    pipeline = Gst.parse_launch(f"appsrc name=source format=time caps={caps} ! {elements} ! appsink name=sink sync=false")
    source, sink = pipeline.get_by_name("source"), pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    for number, attach in enumerate(frames):
        frame = Gst.Buffer.new_allocate(None, 100 * 60 * 3, None)
        frame.pts, frame.duration = number * 100 * Gst.MSECOND, 100 * Gst.MSECOND
        attach(frame)
        source.emit("push-buffer", frame)
    source.emit("end-of-stream")
    samples = list(iter(lambda: sink.emit("try-pull-sample", 20 * Gst.SECOND), None))
    pipeline.set_state(Gst.State.NULL)
    return [sample.get_buffer() for sample in samples]


def get_box(frame):
    meta = GstAnalytics.buffer_get_analytics_relation_meta(frame)
    _, box = meta.get_od_mtd(0)
    return "x {1} y {2} w {3} h {4} angle {5:.1f}".format(*box.get_oriented_location())


def attach(*place):
    return lambda frame: GstAnalytics.buffer_add_analytics_relation_meta(frame).add_oriented_od_mtd(
        GLib.quark_from_string("person"), *place, 0.9
    )


for method in "none", "horizontal-flip", "vertical-flip", "rotate-180", "clockwise":
    for place in (10, 20, 30, 8, 0.5), (0, 0, 100, 60, 0):
        (frame,) = run(f"videoflip method={method}", [attach(*place)])
        print(f"{method}: {place} becomes {get_box(frame)}")
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
none: (10, 20, 30, 8, 0.5) becomes x 10 y 20 w 30 h 8 angle 0.5
none: (0, 0, 100, 60, 0) becomes x 0 y 0 w 100 h 60 angle 0.0
horizontal-flip: (10, 20, 30, 8, 0.5) becomes x 59 y 20 w 30 h 8 angle 0.5
horizontal-flip: (0, 0, 100, 60, 0) becomes x 0 y 0 w 99 h 60 angle 0.0
vertical-flip: (10, 20, 30, 8, 0.5) becomes x 10 y 31 w 30 h 8 angle 0.5
vertical-flip: (0, 0, 100, 60, 0) becomes x 0 y 0 w 100 h 59 angle 0.0
rotate-180: (10, 20, 30, 8, 0.5) becomes x 59 y 31 w 30 h 8 angle 0.5
rotate-180: (0, 0, 100, 60, 0) becomes x 0 y 0 w 99 h 59 angle 0.0
clockwise: (10, 20, 30, 8, 0.5) becomes x 31 y 10 w 8 h 30 angle 0.5
clockwise: (0, 0, 100, 60, 0) becomes x 0 y 0 w 59 h 100 angle 0.0
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: each mirrored coordinate is one pixel too small, and the angle stays"
