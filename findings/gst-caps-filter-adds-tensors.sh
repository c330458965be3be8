#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: a caps filter with tensors links only to frames that have these tensors, so it checks that an
# inference upstream writes them.
#
# Behaviour (GStreamer 1.28.8): a caps filter adds its tensors to caps without tensors, even to the fixed caps of
# an appsrc, and adds its group to caps with another group. Downstream elements negotiate with tensors that no
# buffer has.
#
# Relevance to users of gst-lstm: `lstm` downstream of such a filter negotiates. All frames pass without a step,
# after one warning that the first frame has no tensor. Do not describe tensors in a caps filter; the inference
# writes them into the caps.
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
for plugin in app coreelements videoconvertscale videotestsrc; do
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


def describe(*names):
    """Returns caps fields with a group for each name, of one tensor of this name."""
    fields = "dims=<1,3>,dims-order=(string)row-major,type=(string)float32"
    groups = [f"{name}=(/uniquelist){{(GstCaps)[tensor/strided,tensor-id=(string){name},{fields}]}}" for name in names]
    return f",tensors=(structure)[tensorgroups,{','.join(groups)}]" if names else ""


RAW = "video/x-raw,format=RGB,width=100,height=60,framerate=10/1"
for elements, names in (
    ("videotestsrc ! capsfilter", []),
    ("appsrc ! capsfilter", []),
    ("appsrc ! videoconvert ! capsfilter", []),
    ("appsrc ! capsfilter", ["boxes"]),
):
    pipeline = Gst.parse_launch(
        elements.replace("videotestsrc", "videotestsrc num-buffers=1")
        .replace("appsrc", "appsrc name=source format=time")
        .replace("capsfilter", "capsfilter name=filter")
        + " ! appsink name=sink"
    )
    pipeline.get_by_name("filter").set_property("caps", Gst.Caps.from_string("video/x-raw" + describe("scores")))
    source = pipeline.get_by_name("source")
    if source:
        source.set_property("caps", Gst.Caps.from_string(RAW + describe(*names)))
    pipeline.set_state(Gst.State.PLAYING)
    if source:
        source.emit("push-buffer", Gst.Buffer.new_wrapped(bytes(100 * 60 * 3)))
        source.emit("end-of-stream")
    sample = pipeline.get_by_name("sink").emit("try-pull-sample", 20 * Gst.SECOND)
    caps = sample.get_caps().to_string()
    tensors = [name for name in ("boxes", "scores") if f"tensor-id\\=\\(string\\){name}" in caps]
    meta = GstAnalytics.buffer_get_tensor_meta(sample.get_buffer())
    print(f"{elements}, caps with {names}: {tensors} after the filter, in the buffer {'some' if meta else 'none'}")
    pipeline.set_state(Gst.State.NULL)
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
videotestsrc ! capsfilter, caps with []: ['scores'] after the filter, in the buffer none
appsrc ! capsfilter, caps with []: ['scores'] after the filter, in the buffer none
appsrc ! videoconvert ! capsfilter, caps with []: ['scores'] after the filter, in the buffer none
appsrc ! capsfilter, caps with ['boxes']: ['boxes', 'scores'] after the filter, in the buffer none
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: a caps filter adds tensors to caps"
