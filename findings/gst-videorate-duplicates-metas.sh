#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: a frame that videorate repeats has no detections and no tensors, because no element has analysed it. Or
# all repetitions have a mark.
#
# Behaviour (GStreamer 1.28.8): a repeated frame has the metas of its original, with the same detections. It has the
# flag GAP, except the last repetition at the end of the stream, which has no mark.
#
# Relevance to users of gst-lstm: `lstm` runs a step for each repetition, as if the objects had stopped. Put videorate
# before the detector or after `lstm`, or set drop-only=true (docs/neighbours.md).
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
for plugin in app coreelements videorate; do
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


for elements in "videorate ! video/x-raw,framerate=30/1", "videorate drop-only=true ! video/x-raw,framerate=5/1":
    print(elements)
    for frame in run(elements, [boxes((x, 20, 30, 8)) for x in (10, 20, 30)]):
        flag = ", GAP" if frame.has_flags(Gst.BufferFlags.GAP) else ""
        print(f"  {frame.pts // Gst.MSECOND} ms: {get_boxes(frame)}{flag}")
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
videorate ! video/x-raw,framerate=30/1
  0 ms: [(10, 20, 30, 8)]
  33 ms: [(10, 20, 30, 8)], GAP
  66 ms: [(20, 20, 30, 8)]
  100 ms: [(20, 20, 30, 8)], GAP
  133 ms: [(20, 20, 30, 8)], GAP
  166 ms: [(30, 20, 30, 8)]
  200 ms: [(30, 20, 30, 8)], GAP
  233 ms: [(30, 20, 30, 8)]
videorate drop-only=true ! video/x-raw,framerate=5/1
  0 ms: [(10, 20, 30, 8)]
  200 ms: [(30, 20, 30, 8)]
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: repetitions have the detections of their original, and the last has no flag"
