#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: classifiertensordecoder attaches no classification if no class reaches its property
# class-confidence-threshold, whose description is "Classes with a confidence level inferior to this threshold will be
# excluded" and whose default is 0.7.
#
# Behaviour (GStreamer 1.28.8): the property has no effect. The decoder attaches the best class of every frame, with
# its level.
#
# Relevance to users of gst-lstm: the decoder reads the output of `lstm` (docs/neighbours.md). A program must compare
# the level itself. `lstmlabel` has the property threshold.
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
import struct

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


NAME = "classification-generic-softmaxed-out"
TENSORS = (
    f"tensors=(structure)[tensorgroups,{NAME}=(/uniquelist){{(GstCaps)[tensor/strided,tensor-id={NAME},"
    "dims=<1,3>,dims-order=(string)row-major,type=(string)float32]}]"
)


def attach(*scores):
    tensor = GstAnalytics.Tensor.new_simple(
        GLib.quark_from_string(NAME),
        GstAnalytics.TensorDataType.FLOAT32,
        Gst.Buffer.new_wrapped(struct.pack("3f", *scores)),
        GstAnalytics.TensorDimOrder.ROW_MAJOR,
        (1, 3),
    )
    return lambda frame: GstAnalytics.buffer_add_tensor_meta(frame).set([tensor])


for threshold in 0.2, 0.7, 1.0:
    (frame,) = run(
        f"classifiertensordecoder class-confidence-threshold={threshold}",
        [attach(0.25, 0.5, 0.25)],
        f'"{CAPS},{TENSORS}"',
    )
    meta = GstAnalytics.buffer_get_analytics_relation_meta(frame)
    _, best = meta.get_cls_mtd(0)
    print(f"threshold {threshold}: class {GLib.quark_to_string(best.get_quark(0))}, level {best.get_level(0)}")
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
threshold 0.2: class 1, level 0.5
threshold 0.7: class 1, level 0.5
threshold 1.0: class 1, level 0.5
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: the best class is attached below the threshold"
