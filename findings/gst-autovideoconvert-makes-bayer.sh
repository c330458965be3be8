#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: autovideoconvert passes frames unchanged if downstream accepts their format.
#
# Behaviour (GStreamer 1.28.8): if downstream accepts any caps, autovideoconvert converts video/x-raw to a Bayer
# mosaic (video/x-bayer) and drops the metas of an analysis. A caps filter of video/x-raw downstream prevents
# both.
#
# Relevance to users of gst-lstm: an appsink after `lstmlabel ! autovideoconvert` receives a mosaic without
# detections and labels. Use videoconvert, or set the caps of the appsink.
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
for plugin in app autoconvert bayer coreelements videoconvertscale; do
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

CAPS = "video/x-raw,format=RGB,width=4,height=4,framerate=10/1"

for elements in (
    "videoconvert",
    "autovideoconvert",
    "autovideoconvert ! queue",
    "autovideoconvert ! video/x-raw",
    "autovideoconvert ! video/x-raw,format=GRAY8",
):
    pipeline = Gst.parse_launch(f"appsrc name=source format=time caps={CAPS} ! {elements} ! appsink name=sink")
    pipeline.set_state(Gst.State.PLAYING)
    frame = Gst.Buffer.new_wrapped(bytes(4 * 4 * 3))
    frame.pts = 0
    meta = GstAnalytics.buffer_add_analytics_relation_meta(frame)
    meta.add_od_mtd(GLib.quark_from_string("person"), 1, 1, 2, 2, 0.9)
    source = pipeline.get_by_name("source")
    source.emit("push-buffer", frame)
    source.emit("end-of-stream")
    sample = pipeline.get_by_name("sink").emit("try-pull-sample", 20 * Gst.SECOND)
    structure, frame = sample.get_caps().get_structure(0), sample.get_buffer()
    has_meta = GstAnalytics.buffer_get_analytics_relation_meta(frame) is not None
    print(
        f"{elements}: {structure.get_name()} {structure.get_string('format')}, {frame.get_size()} bytes,",
        "detections" if has_meta else "no detections",
    )
    pipeline.set_state(Gst.State.NULL)
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
videoconvert: video/x-raw RGB, 48 bytes, detections
autovideoconvert: video/x-bayer bggr, 16 bytes, no detections
autovideoconvert ! queue: video/x-bayer bggr, 16 bytes, no detections
autovideoconvert ! video/x-raw: video/x-raw RGB, 48 bytes, detections
autovideoconvert ! video/x-raw,format=GRAY8: video/x-raw GRAY8, 16 bytes, detections
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: autovideoconvert makes a mosaic without detections"
