#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: a muxer and its demuxer in one pipeline show what a file of this format keeps. Detections that come
# out of the demuxer are in the file.
#
# Behaviour (GStreamer 1.28.8): matroskamux ! matroskademux and multipartmux ! multipartdemux pass the detections
# of a frame on. A file of the same format has no detections.
#
# Relevance to users of gst-lstm: a test of a recorder without a file passes, but the recording has neither the
# boxes nor the labels of `lstmlabel`. Write the messages or the outputs of `lstm` to a file of their own.
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
  libffi8=3.8.0-2 liborc-0.4-0t64=1:0.4.44-1 libatomic1=16.2.0-3 libdrm2=2.4.134-3 libjpeg62-turbo=1:3.1.3-4; do
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
for plugin in app coreelements jpeg matroska multipart; do
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


def start(text):
    pipeline = Gst.parse_launch(text)
    pipeline.set_state(Gst.State.PLAYING)
    return pipeline


def push(pipeline):
    """Pushes two frames with a detection and the end of the stream."""
    source = pipeline.get_by_name("source")
    for number in range(2):
        frame = Gst.Buffer.new_wrapped(bytes(100 * 60 * 3))
        frame.pts, frame.duration = number * 100 * Gst.MSECOND, 100 * Gst.MSECOND
        meta = GstAnalytics.buffer_add_analytics_relation_meta(frame)
        meta.add_od_mtd(GLib.quark_from_string("person"), 10, 20, 30, 8, 0.9)
        source.emit("push-buffer", frame)
    source.emit("end-of-stream")


def pull(pipeline):
    """Returns the number of detections of each output frame."""
    sink, counts = pipeline.get_by_name("sink"), []
    while sample := sink.emit("try-pull-sample", 20 * Gst.SECOND):
        meta = GstAnalytics.buffer_get_analytics_relation_meta(sample.get_buffer())
        counts.append(GstAnalytics.relation_get_length(meta) if meta else 0)
    pipeline.set_state(Gst.State.NULL)
    return counts


SOURCE, SINK = f"appsrc name=source format=time caps={CAPS} !", "! appsink name=sink sync=false"
for encode, mux, demux, decode in (
    ("jpegenc", "matroskamux", "matroskademux", "jpegdec"),
    ("jpegenc", "multipartmux", "multipartdemux", "jpegdec"),
):
    pipeline = start(f"{SOURCE} {encode} ! {mux} ! {demux} ! {decode} {SINK}")
    push(pipeline)
    print(f"{encode} ! {mux} ! {demux} ! {decode}: detections of the frames", pull(pipeline))

    pipeline = start(f"{SOURCE} {encode} ! {mux} ! filesink location=file")
    push(pipeline)
    message = pipeline.get_bus().timed_pop_filtered(20 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    assert message.type == Gst.MessageType.EOS
    pipeline.set_state(Gst.State.NULL)
    print("    with a file between muxer and demuxer:", pull(start(f"filesrc location=file ! {demux} ! {decode} {SINK}")))
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
jpegenc ! matroskamux ! matroskademux ! jpegdec: detections of the frames [1, 1]
    with a file between muxer and demuxer: [0, 0]
jpegenc ! multipartmux ! multipartdemux ! jpegdec: detections of the frames [1, 1]
    with a file between muxer and demuxer: [0, 0]
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: a muxer and its demuxer keep detections that a file does not have"
