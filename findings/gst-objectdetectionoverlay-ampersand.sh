#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: objectdetectionoverlay draws a label as plain text.
#
# Behaviour (GStreamer 1.28.8): objectdetectionoverlay reads a label as Pango markup. A label with an ampersand is
# not valid markup, so the overlay draws the label of the previous object a second time, or nothing if no object
# precedes. Pango writes a warning, but the pipeline posts no message.
#
# Relevance to users of gst-lstm: `lstmlabel` attaches a label exactly as the labels file contains it. In a
# picture with several objects, an object with the label "rock & roll" shows the label of its neighbour. Write
# "and" in the labels file.
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


def draw(frames):
    """Returns the pixels of a black frame for each function of frames, which attaches metas to the frame."""
    pipeline = Gst.parse_launch(
        f"appsrc name=source format=time caps={CAPS} ! videoconvert ! objectdetectionoverlay labels-color=0xffffffff"
        " object-detection-outline-color=0 ! appsink name=sink sync=false"
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


def label(*labels):
    """Returns a function that attaches a detection of each label, side by side."""

    def attach(frame):
        meta = GstAnalytics.buffer_add_analytics_relation_meta(frame)
        for i, text in enumerate(labels):
            meta.add_od_mtd(GLib.quark_from_string(text), 10 + 150 * i, 40, 40, 10, 0.9)

    return attach


def compare(labels, others):
    same = draw([label(*labels)]) == draw([label(*others)])
    print(labels, "and", others, "are drawn", "alike" if same else "differently")


compare(["walk", "rock and roll"], ["walk", "walk"])
compare(["walk", "rock & roll"], ["walk", "walk"])
compare(["jump", "rock & roll"], ["jump", "jump"])
compare(["jump", "rock & roll"], ["walk", "walk"])
compare(["rock & roll"], [])
compare(["rock and roll"], [])
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
['walk', 'rock and roll'] and ['walk', 'walk'] are drawn differently
['walk', 'rock & roll'] and ['walk', 'walk'] are drawn alike
['jump', 'rock & roll'] and ['jump', 'jump'] are drawn alike
['jump', 'rock & roll'] and ['walk', 'walk'] are drawn differently
['rock & roll'] and [] are drawn alike
['rock and roll'] and [] are drawn differently
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: an object has the label of the previous object"
