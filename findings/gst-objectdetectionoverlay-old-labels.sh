#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: objectdetectionoverlay draws the detections of a frame on this frame.
#
# Behaviour (GStreamer 1.28.8): on a frame without a GstAnalyticsRelationMeta the overlay draws the detections of
# the last frame that had a meta, until they are one second old (property expire-overlay). A frame with an empty
# meta has no drawing.
#
# Relevance to users of gst-lstm: if a detector attaches no meta to a frame without objects, the picture shows the
# last labels of `lstmlabel` for one more second, although `lstm per-object=true` runs no step for these frames.
# With expire-overlay=0 the overlay draws only the detections of the frame itself.
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
  libffi8=3.8.0-2 liborc-0.4-0t64=1:0.4.44-1 libatomic1=16.2.0-3 libdrm2=2.4.134-3 libpango-1.0-0=1.58.2-1 \
  libpangocairo-1.0-0=1.58.2-1 libpangoft2-1.0-0=1.58.2-1 libcairo2=1.18.4-3+b1 libpixman-1-0=0.46.4-1+b2 \
  libfontconfig1=2.17.1-5 libfreetype6=2.14.3+dfsg-3 libharfbuzz0b=12.3.2-2+b2 libfribidi0=1.0.16-5+b1 \
  libthai0=0.1.30-3 libdatrie1=0.2.14-2 libgraphite2-3=1.3.15-2 libbrotli1=1.2.0-4+b2 libpng16-16t64=1.6.59-1 \
  libx11-6=2:1.8.13-1 libxau6=1:1.0.11-1+b2 libxcb-render0=1.17.0-2+b2 libxcb-shm0=1.17.0-2+b2 \
  libxcb1=1.17.0-2+b2 libxdmcp6=1:1.1.5-2+b1 libxext6=2:1.3.4-1+b4 libxrender1=1:0.9.12-1+b2 libexpat1=2.9.0-1 \
  fonts-dejavu-core=2.37-9; do
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
for plugin in analyticsoverlay app coreelements videoconvertscale; do
  ln -s "$libraries/gstreamer-1.0/libgst$plugin.so" plugins
done
export GST_PLUGIN_SYSTEM_PATH=$folder/plugins

cat >fonts.conf <<EOF
<fontconfig><dir>$folder/root/usr/share/fonts</dir><cachedir>$folder/cache</cachedir></fontconfig>
EOF
export FONTCONFIG_FILE=$folder/fonts.conf

cat >run.py <<'EOF'
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstAnalytics", "1.0")
from gi.repository import GLib, Gst, GstAnalytics

Gst.init(None)
print(Gst.version_string())
CAPS = "video/x-raw,format=BGRA,width=320,height=60,framerate=10/1"


def draw(frames, properties=""):
    """Returns the pixels of a black frame for each function of frames, which attaches metas to the frame."""
    pipeline = Gst.parse_launch(
        f"appsrc name=source format=time caps={CAPS} ! videoconvert ! objectdetectionoverlay labels-color=0xffffffff"
        f" object-detection-outline-color=0 {properties} ! appsink name=sink sync=false"
    )
    source, sink = pipeline.get_by_name("source"), pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    for number, attach in enumerate(frames):
        frame = Gst.Buffer.new_wrapped(bytes(320 * 60 * 4))
        frame.pts, frame.duration = number * 100 * Gst.MSECOND, 100 * Gst.MSECOND
        attach(frame)
        source.emit("push-buffer", frame)
    source.emit("end-of-stream")
    samples = list(iter(lambda: sink.emit("try-pull-sample", 20 * Gst.SECOND), None))
    pipeline.set_state(Gst.State.NULL)
    return [sample.get_buffer().extract_dup(0, 320 * 60 * 4) for sample in samples]


def label(frame):
    meta = GstAnalytics.buffer_add_analytics_relation_meta(frame)
    meta.add_od_mtd(GLib.quark_from_string("walk"), 10, 40, 40, 10, 0.9)


def empty(frame):
    GstAnalytics.buffer_add_analytics_relation_meta(frame)


def nothing(frame):
    pass


for title, frames, properties in (
    ("a detection, then 12 frames without a meta", [label] + [nothing] * 12, ""),
    ("a detection, then 12 frames with an empty meta", [label] + [empty] * 12, ""),
    ("expire-overlay=0, a detection, then 12 frames without a meta", [label] + [nothing] * 12, "expire-overlay=0"),
):
    print(f"{title}:", "".join("x" if any(pixels) else "-" for pixels in draw(frames, properties)))
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
a detection, then 12 frames without a meta: xxxxxxxxxx---
a detection, then 12 frames with an empty meta: x------------
expire-overlay=0, a detection, then 12 frames without a meta: x------------
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: frames without a meta show the labels of an earlier frame"
