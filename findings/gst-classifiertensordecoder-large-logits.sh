#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: classifiertensordecoder reads logits of any size (classification-generic-out) and computes their
# softmax. A network that is very sure, with a logit of 100, has a class with a level near 1.
#
# Behaviour (GStreamer 1.28.8): the decoder stores exp(x) as float32 without the usual subtraction of the largest
# logit. A logit above 88.7 is infinite there, and the quotient is NaN. If all logits are below -104, the sum is 0. In
# both cases the frame has no classification, without a warning, and the level of the most certain frames is lost.
#
# Relevance to users of gst-lstm: end the model with a softmax, and name its output
# classification-generic-softmaxed-out (docs/neighbours.md). The softmax of liblstm subtracts the largest logit.
# `lstmlabel` reads any scores.
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


NAME = "classification-generic-out"
TENSORS = (
    f"tensors=(structure)[tensorgroups,{NAME}=(/uniquelist){{(GstCaps)[tensor/strided,tensor-id={NAME},"
    "dims=<1,3>,dims-order=(string)row-major,type=(string)float32]}]"
)


def attach(*logits):
    tensor = GstAnalytics.Tensor.new_simple(
        GLib.quark_from_string(NAME),
        GstAnalytics.TensorDataType.FLOAT32,
        Gst.Buffer.new_wrapped(struct.pack("3f", *logits)),
        GstAnalytics.TensorDimOrder.ROW_MAJOR,
        (1, 3),
    )
    return lambda frame: GstAnalytics.buffer_add_tensor_meta(frame).set([tensor])


for logits in (2, 5, 3), (82, 85, 83), (86, 89, 87), (-98, -95, -97), (-110, -107, -109):
    (frame,) = run("classifiertensordecoder", [attach(*logits)], f'"{CAPS},{TENSORS}"')
    meta = GstAnalytics.buffer_get_analytics_relation_meta(frame)
    found, best = meta.get_cls_mtd(0) if GstAnalytics.relation_get_length(meta) else (False, None)
    print(f"{logits}:", f"class {GLib.quark_to_string(best.get_quark(0))}, {best.get_level(0):.4f}" if found else "no class")
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
(2, 5, 3): class 1, 0.8438
(82, 85, 83): class 1, 0.8438
(86, 89, 87): no class
(-98, -95, -97): class 1, 0.8439
(-110, -107, -109): no class
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: large logits have no class"
