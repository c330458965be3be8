#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: if the caps have tensors, the buffers have them, and the reverse. An element that keeps the
# detections of a frame keeps its tensors.
#
# Behaviour (GStreamer 1.28.8): deinterlace drops the GstTensorMeta, but keeps the tensors in the caps. After
# jpegenc ! jpegdec the buffers have the tensors, but the caps do not. compositor keeps the detections and drops
# the tensors from caps and buffers; alpha keeps the tensors and drops the detections.
#
# Relevance to users of gst-lstm: downstream of deinterlace or compositor no frame has a tensor, so `lstm` runs no
# step. Downstream of jpegdec a tensor decoder does not negotiate. Put these elements upstream of the inference.
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
for plugin in alpha app compositor coreelements deinterlace jpeg videoconvertscale; do
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

FIELDS = "tensor-id=(string)scores,dims=<1,3>,dims-order=(string)row-major,type=(string)float32"
CAPS = (
    "video/x-raw,format=RGB,width=100,height=60,framerate=10/1,"
    f"tensors=(structure)[tensorgroups,scores=(/uniquelist){{(GstCaps)[tensor/strided,{FIELDS}]}}]"
)

for elements in (
    "videoconvert ! video/x-raw,format=I420",
    "videoscale ! video/x-raw,width=50,height=30",
    "deinterlace mode=interlaced fields=top",
    "jpegenc ! jpegdec",
    "compositor",
    "alpha",
):
    pipeline = Gst.parse_launch(f"appsrc name=source format=time ! {elements} ! appsink name=sink")
    source = pipeline.get_by_name("source")
    source.set_property("caps", Gst.Caps.from_string(CAPS))
    pipeline.set_state(Gst.State.PLAYING)
    frame = Gst.Buffer.new_wrapped(bytes(100 * 60 * 3))
    frame.pts, frame.duration = 0, 100 * Gst.MSECOND
    tensor = GstAnalytics.Tensor.new_simple(
        GLib.quark_from_string("scores"),
        GstAnalytics.TensorDataType.FLOAT32,
        Gst.Buffer.new_wrapped(bytes(12)),
        GstAnalytics.TensorDimOrder.ROW_MAJOR,
        [1, 3],
    )
    GstAnalytics.buffer_add_tensor_meta(frame).set([tensor])
    meta = GstAnalytics.buffer_add_analytics_relation_meta(frame)
    meta.add_od_mtd(GLib.quark_from_string("person"), 10, 20, 30, 8, 0.9)
    source.emit("push-buffer", frame)
    source.emit("end-of-stream")
    sample = pipeline.get_by_name("sink").emit("try-pull-sample", 20 * Gst.SECOND)
    frame = sample.get_buffer()
    found = {
        "tensors in the caps": sample.get_caps().get_structure(0).has_field("tensors"),
        "tensors in the buffer": GstAnalytics.buffer_get_tensor_meta(frame) is not None,
        "detections": GstAnalytics.buffer_get_analytics_relation_meta(frame) is not None,
    }
    print(f"{elements}:", ", ".join(f"{name} {'yes' if is_found else 'no'}" for name, is_found in found.items()))
    pipeline.set_state(Gst.State.NULL)
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
videoconvert ! video/x-raw,format=I420: tensors in the caps yes, tensors in the buffer yes, detections yes
videoscale ! video/x-raw,width=50,height=30: tensors in the caps yes, tensors in the buffer yes, detections yes
deinterlace mode=interlaced fields=top: tensors in the caps yes, tensors in the buffer no, detections no
jpegenc ! jpegdec: tensors in the caps no, tensors in the buffer yes, detections yes
compositor: tensors in the caps no, tensors in the buffer no, detections yes
alpha: tensors in the caps yes, tensors in the buffer yes, detections no
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: caps and buffers disagree on tensors"
