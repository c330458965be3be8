#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: objectdetectionoverlay accepts frames in the formats of its pad template from any source.
#
# Behaviour (GStreamer 1.28.8): if appsrc is directly upstream, the first frame fails as not negotiated, although
# the pad template allows its caps. The same happens after filesrc with a caps filter, and if only ioutracker or
# queue is between the two. segmentationoverlay fails in the same way. With videotestsrc as the source, or with
# videoconvert in between, the overlay works.
#
# Relevance to users of gst-lstm: an application often pushes frames and their detections into appsrc ! ioutracker
# ! lstm. Put videoconvert directly upstream of the overlay, even if no conversion is necessary.
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
for plugin in analyticsoverlay app coreelements tensordecoders videoconvertscale videotestsrc; do
  ln -s "$libraries/gstreamer-1.0/libgst$plugin.so" plugins
done
export GST_PLUGIN_SYSTEM_PATH=$folder/plugins

cat >run.py <<'EOF'
import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst

Gst.init(None)
print(Gst.version_string())

CAPS = "video/x-raw,format=RGBA,width=100,height=60,framerate=10/1"
SIZE = 100 * 60 * 4
with open("frames", "wb") as file:
    file.write(bytes(2 * SIZE))

for elements in (
    "appsrc ! objectdetectionoverlay",
    "appsrc ! ioutracker ! objectdetectionoverlay",
    "appsrc ! queue ! objectdetectionoverlay",
    "appsrc ! segmentationoverlay",
    "filesrc ! capsfilter ! objectdetectionoverlay",
    "videotestsrc ! capsfilter ! objectdetectionoverlay",
    "appsrc ! videoconvert ! objectdetectionoverlay",
):
    pipeline = Gst.parse_launch(
        elements.replace("appsrc", f"appsrc name=source format=time caps={CAPS}")
        .replace("filesrc", f"filesrc location=frames blocksize={SIZE}")
        .replace("videotestsrc", "videotestsrc num-buffers=2")
        .replace("capsfilter", f"capsfilter caps={CAPS}")
        + " ! fakesink"
    )
    pipeline.set_state(Gst.State.PLAYING)
    source = pipeline.get_by_name("source")
    if source:
        for number in range(2):
            frame = Gst.Buffer.new_wrapped(bytes(SIZE))
            frame.pts = number * 100 * Gst.MSECOND
            source.emit("push-buffer", frame)
        source.emit("end-of-stream")
    message = pipeline.get_bus().timed_pop_filtered(20 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    reason = "" if message.type == Gst.MessageType.EOS else ", " + message.parse_error()[1].rsplit("reason ")[-1]
    print(f"{elements}: {message.type.first_value_nick}{reason}")
    pipeline.set_state(Gst.State.NULL)
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
appsrc ! objectdetectionoverlay: error, not-negotiated (-4)
appsrc ! ioutracker ! objectdetectionoverlay: error, not-negotiated (-4)
appsrc ! queue ! objectdetectionoverlay: error, not-negotiated (-4)
appsrc ! segmentationoverlay: error, not-negotiated (-4)
filesrc ! capsfilter ! objectdetectionoverlay: error, not-negotiated (-4)
videotestsrc ! capsfilter ! objectdetectionoverlay: eos
appsrc ! videoconvert ! objectdetectionoverlay: eos
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: objectdetectionoverlay does not negotiate after appsrc"
