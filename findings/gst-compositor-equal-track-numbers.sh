#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: the number of a track is unique within a stream. After a compositor of two cameras, each with an
# ioutracker, all objects of the picture have different numbers.
#
# Behaviour (GStreamer 1.28.8): compositor merges the metas of its inputs, and moves the boxes to their places in the
# output. The numbers stay: each ioutracker begins with 0, so two objects of the frame have track 0.
#
# Relevance to users of gst-lstm: `lstm per-object=true` keeps one memory for each number, so two objects would share
# a memory. Run one ioutracker after the compositor.
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
for plugin in app compositor coreelements tensordecoders; do
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


def boxes(*places):
    """Returns a function that attaches a detection of each box x, y, width, height."""

    def attach(frame):
        meta = GstAnalytics.buffer_add_analytics_relation_meta(frame)
        for place in places:
            meta.add_od_mtd(GLib.quark_from_string("person"), *place, 0.9)

    return attach


def show(frame):
    """Returns the tracks, each with the detection that relates to it."""
    meta = GstAnalytics.buffer_get_analytics_relation_meta(frame)
    if not meta:
        return "no meta"
    ids = range(GstAnalytics.relation_get_length(meta))
    places = {i: box.get_location()[1] for i in ids for is_box, box in [meta.get_od_mtd(i)] if is_box}
    tracks = {i: track.get_info() for i in ids for is_track, track in [meta.get_tracking_mtd(i)] if is_track}
    text = []
    for i, (_, number, _, last_seen, lost) in tracks.items():
        where = [f"box at x {x}" for box, x in places.items() if meta.get_relation(box, i)]
        text.append(f"track {number}: {where[0] if where else 'no box'}, seen {last_seen // Gst.MSECOND} ms" + ", lost" * lost)
    return "; ".join(text)


def compose(elements, after):
    """Returns the frame of a compositor of two sources, whose tracks elements finds, or the elements after the compositor."""
    pipeline = Gst.parse_launch(
        f"compositor name=mix sink_1::xpos=100 ! {after} ! appsink name=sink "
        + "".join(f"appsrc name=source{i} format=time caps={CAPS} ! {elements} ! mix.sink_{i} " for i in range(2))
    )
    pipeline.set_state(Gst.State.PLAYING)
    for i, attach in enumerate((boxes((10, 20, 30, 8)), boxes((50, 20, 30, 8)))):
        frame = Gst.Buffer.new_allocate(None, 100 * 60 * 3, None)
        frame.pts, frame.duration = 0, 100 * Gst.MSECOND
        attach(frame)
        source = pipeline.get_by_name(f"source{i}")
        source.emit("push-buffer", frame)
        source.emit("end-of-stream")
    frame = pipeline.get_by_name("sink").emit("try-pull-sample", 20 * Gst.SECOND).get_buffer()
    pipeline.set_state(Gst.State.NULL)
    return frame


print("ioutracker before compositor:", show(compose("ioutracker", "identity")))
print("ioutracker after compositor: ", show(compose("identity", "ioutracker")))
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
ioutracker before compositor: track 0: box at x 10, seen 0 ms; track 0: box at x 150, seen 0 ms
ioutracker after compositor:  track 0: box at x 10, seen 0 ms; track 1: box at x 150, seen 0 ms
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: two objects of a frame have the same number"
