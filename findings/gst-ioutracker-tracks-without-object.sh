#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: ioutracker attaches a track (GstAnalyticsTrackingMtd) to the frames that show its object. A frame
# without the object has no track, or a track that is marked lost.
#
# Behaviour (GStreamer 1.28.8): the track of an absent object is attached to four more frames, is not marked lost
# there, and relates to no detection. The fifth frame has the track marked lost, the sixth has none. The field last
# seen is a running time, not a timestamp: after a seek to 60 s, a frame of 60 s has a track that was last seen at 0
# s. In a frame that shows the object, the detection relates to the track.
#
# Relevance to users of gst-lstm: an object is present if and only if a detection relates to its track. `lstm
# per-object=true` runs a step only then. A program that counts tracks counts objects that have left.
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
for plugin in app coreelements tensordecoders; do
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


def run(elements, frames, start=0):
    """Pushes a frame for each function of frames, which attaches metas to it, and returns the output frames. The segment
    and the first timestamp begin at start."""
    pipeline = Gst.parse_launch(f"appsrc name=source format=time handle-segment-change=true ! {CAPS} ! {elements} ! appsink name=sink sync=false")
    source, sink = pipeline.get_by_name("source"), pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    segment = Gst.Segment()
    segment.init(Gst.Format.TIME)
    segment.start = segment.time = start
    for number, attach in enumerate(frames):
        frame = Gst.Buffer.new_allocate(None, 100 * 60 * 3, None)
        frame.pts, frame.duration = start + number * 100 * Gst.MSECOND, 100 * Gst.MSECOND
        attach(frame)
        source.emit("push-sample", Gst.Sample.new(frame, Gst.Caps.from_string(CAPS), segment, None))
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


def nothing(frame):
    pass


for start in 0, 60 * Gst.SECOND:
    print(f"segment from {start // Gst.SECOND} s")
    for frame in run("ioutracker", [boxes((10, 20, 30, 8)), boxes((12, 20, 30, 8))] + [nothing] * 6, start):
        print(f"  {frame.pts // Gst.MSECOND} ms: {show(frame)}")
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
segment from 0 s
  0 ms: track 0: box at x 10, seen 0 ms
  100 ms: track 0: box at x 12, seen 100 ms
  200 ms: track 0: no box, seen 100 ms
  300 ms: track 0: no box, seen 100 ms
  400 ms: track 0: no box, seen 100 ms
  500 ms: track 0: no box, seen 100 ms
  600 ms: track 0: no box, seen 100 ms, lost
  700 ms: no meta
segment from 60 s
  60000 ms: track 0: box at x 10, seen 0 ms
  60100 ms: track 0: box at x 12, seen 100 ms
  60200 ms: track 0: no box, seen 100 ms
  60300 ms: track 0: no box, seen 100 ms
  60400 ms: track 0: no box, seen 100 ms
  60500 ms: track 0: no box, seen 100 ms
  60600 ms: track 0: no box, seen 100 ms, lost
  60700 ms: no meta
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: tracks of absent objects are attached"
