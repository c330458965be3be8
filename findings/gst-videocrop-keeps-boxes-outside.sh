#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: videocrop removes the detections whose box it cuts away, and shortens the boxes that it cuts.
#
# Behaviour (GStreamer 1.28.8): all boxes remain. A box in the part that is cut away stays, with negative coordinates
# or beyond the frame. Cutting at the right and at the bottom changes no box, so a box may be wider than the frame. A
# box with a negative coordinate is at a coordinate that is one too large, and one that reaches into the frame loses a
# pixel of its size. videobox does the same.
#
# Relevance to users of gst-lstm: with per-object, `lstm` runs steps for objects that the picture does not show, and
# overlays draw labels outside. Put videocrop before the detector, or remove such boxes (docs/neighbours.md).
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
for plugin in app videocrop videobox; do
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


def boxes(*places):
    """Returns a function that attaches a detection of each box x, y, width, height."""

    def attach(frame):
        meta = GstAnalytics.buffer_add_analytics_relation_meta(frame)
        for place in places:
            meta.add_od_mtd(GLib.quark_from_string("person"), *place, 0.9)

    return attach


def get_boxes(frame):
    meta = GstAnalytics.buffer_get_analytics_relation_meta(frame)
    if not meta:
        return "no meta"
    found = [meta.get_od_mtd(i) for i in range(GstAnalytics.relation_get_length(meta))]
    return [tuple(box.get_location())[1:5] for is_box, box in found if is_box]


PLACES = (10, 20, 30, 8), (60, 20, 30, 8), (40, 5, 30, 10)
print("boxes x, y, w, h of a frame of 100 x 60:", *PLACES)
for elements in "left=50 top=10", "right=50 bottom=45":
    for element in "videocrop", "videobox":
        (frame,) = run(f"{element} {elements}", [boxes(*PLACES)])
        print(f"{element} {elements}:", *get_boxes(frame))
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
boxes x, y, w, h of a frame of 100 x 60: (10, 20, 30, 8) (60, 20, 30, 8) (40, 5, 30, 10)
videocrop left=50 top=10: (-39, 10, 30, 8) (10, 10, 30, 8) (-9, -4, 29, 9)
videobox left=50 top=10: (-39, 10, 30, 8) (10, 10, 30, 8) (-9, -4, 29, 9)
videocrop right=50 bottom=45: (10, 20, 30, 8) (60, 20, 30, 8) (40, 5, 30, 10)
videobox right=50 bottom=45: (10, 20, 30, 8) (60, 20, 30, 8) (40, 5, 30, 10)
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: boxes that are cut away remain"
