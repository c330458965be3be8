#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: an element that keeps the size of the frame keeps the metas of an analysis. An encoder and a decoder
# lose them, because a compressed picture has no metas.
#
# Behaviour (GStreamer 1.28.8): it is the other way round. theoraenc ! theoradec, jpegenc ! jpegdec and compositor
# keep the detections, videoscale and compositor also move them. alpha drops all of them, and deinterlace drops them
# when it deinterlaces, without a warning.
#
# Relevance to users of gst-lstm: labels and tensors disappear in such elements. Put alpha and deinterlace before the
# detector.
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
  libffi8=3.8.0-2 liborc-0.4-0t64=1:0.4.44-1 libatomic1=16.2.0-3 libdrm2=2.4.134-3 libtheora1=1.2.0+dfsg-6+b2 \
  libtheoradec2=1.2.0+dfsg-6+b2 libtheoraenc2=1.2.0+dfsg-6+b2 libogg0=1.3.6-2+b1 libjpeg62-turbo=1:3.1.3-4 \
  libcairo2=1.18.4-3+b1 libpixman-1-0=0.46.4-1+b2 libfontconfig1=2.17.1-5 libfreetype6=2.14.3+dfsg-3 \
  libbrotli1=1.2.0-4+b2 libpng16-16t64=1.6.59-1 libx11-6=2:1.8.13-1 libxau6=1:1.0.11-1+b2 \
  libxcb-render0=1.17.0-2+b2 libxcb-shm0=1.17.0-2+b2 libxcb1=1.17.0-2+b2 libxdmcp6=1:1.1.5-2+b1 \
  libxext6=2:1.3.4-1+b4 libxrender1=1:0.9.12-1+b2 libexpat1=2.9.0-1; do
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
for plugin in app alpha compositor coreelements deinterlace jpeg theora videoconvertscale; do
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


for elements in (
    "videoconvert ! theoraenc ! theoradec",
    "jpegenc ! jpegdec",
    "videoconvert ! video/x-raw,format=I420",
    "videoscale ! video/x-raw,width=50,height=30",
    "compositor sink_0::xpos=50",
    "deinterlace mode=auto",
    "deinterlace mode=interlaced fields=top",
    "alpha",
):
    print(f"{elements}:", get_boxes(run(elements, [boxes((10, 20, 30, 8))])[0]))
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
videoconvert ! theoraenc ! theoradec: [(10, 20, 30, 8)]
jpegenc ! jpegdec: [(10, 20, 30, 8)]
videoconvert ! video/x-raw,format=I420: [(10, 20, 30, 8)]
videoscale ! video/x-raw,width=50,height=30: [(5, 10, 15, 4)]
compositor sink_0::xpos=50: [(60, 20, 30, 8)]
deinterlace mode=auto: [(10, 20, 30, 8)]
deinterlace mode=interlaced fields=top: no meta
alpha: no meta
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: alpha and deinterlace drop detections, encoders keep them"
