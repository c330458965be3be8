#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: objectdetectionoverlay draws the most probable class of an object, or all its classes.
#
# Behaviour (GStreamer 1.28.8): the overlay draws the first class of the first classification that is related to
# the detection. It ignores a class with a higher level in the same classification, and all classifications that
# other elements add later.
#
# Relevance to users of gst-lstm: if an element upstream of `lstmlabel` classifies the objects, the overlay draws
# that class and not the label of `lstmlabel`. Read the labels from the messages or from the metas.
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


def classify(*classifications):
    """Returns a function that attaches a person and its classifications, each a dictionary of classes and levels."""

    def attach(frame):
        meta = GstAnalytics.buffer_add_analytics_relation_meta(frame)
        _, person = meta.add_od_mtd(GLib.quark_from_string("person"), 10, 40, 40, 10, 0.9)
        for levels in classifications:
            _, classes = meta.add_cls_mtd(list(levels.values()), [GLib.quark_from_string(name) for name in levels])
            meta.set_relation(GstAnalytics.RelTypes.RELATE_TO, person.id, classes.id)

    return attach


CANDIDATES = {
    "person": [],
    "tall, level 0.6": [{"tall": 0.6}],
    "tall, level 0.1": [{"tall": 0.1}],
    "walk, level 0.9": [{"walk": 0.9}],
}
for title, classifications in (
    ("no classification", []),
    ("first tall, then walk", [{"tall": 0.6}, {"walk": 0.9}]),
    ("first walk, then tall", [{"walk": 0.9}, {"tall": 0.6}]),
    ("one classification, tall 0.1 and walk 0.9", [{"tall": 0.1, "walk": 0.9}]),
):
    drawn = draw([classify(*classifications)])
    print(f"{title}: draws", *(name for name, other in CANDIDATES.items() if draw([classify(*other)]) == drawn))
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
no classification: draws person
first tall, then walk: draws tall, level 0.6
first walk, then tall: draws walk, level 0.9
one classification, tall 0.1 and walk 0.9: draws tall, level 0.1
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: only the first class of the first classification is drawn"
