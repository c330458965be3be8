#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: caps that intersect with the caps of a decoder link to it. So tensors of a group that a decoder does not
# read do no harm.
#
# Behaviour (GStreamer 1.28.8): a group of tensors in caps intersects with a group of fewer tensors, and the
# intersection has the fewer tensors. It is no subset of it, and decoders accept only a subset. The elements link, and
# the first caps event fails: "not-negotiated", without the name of the tensor. A further group does no harm.
#
# Relevance to users of gst-lstm: `lstm emit=output+hidden` puts each kind of output in a group of its own, so that
# decoders link. An element that adds a tensor to the group of another breaks the decoders downstream.
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
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstAnalytics", "1.0")
from gi.repository import GLib, Gst, GstAnalytics

Gst.init(None)
print(Gst.version_string())
CAPS = "video/x-raw,format=RGB,width=100,height=60,framerate=10/1"

NAME = "classification-generic-softmaxed-out"
OTHER = "other-output"


def group(name, *tensors):
    return f"{name}=(/uniquelist){{" + ",".join(
        f"(GstCaps)[tensor/strided,tensor-id={tensor},dims=<1,3>,dims-order=(string)row-major,type=(string)float32]"
        for tensor in tensors
    ) + "}"


for text, groups in (
    ("one tensor", [group(NAME, NAME)]),
    ("another group", [group(NAME, NAME), group(OTHER, OTHER)]),
    ("another tensor in the group", [group(NAME, NAME, OTHER)]),
):
    caps = Gst.Caps.from_string(f"{CAPS},tensors=(structure)[tensorgroups,{','.join(groups)}]")
    pipeline = Gst.parse_launch("appsrc name=source format=time ! classifiertensordecoder name=decoder ! fakesink async=false")
    source, decoder = pipeline.get_by_name("source"), pipeline.get_by_name("decoder")
    accepted = decoder.get_static_pad("sink").query_caps(None)
    source.set_property("caps", caps)
    pipeline.set_state(Gst.State.PLAYING)
    source.emit("push-buffer", Gst.Buffer.new_allocate(None, 100 * 60 * 3, None))
    source.emit("end-of-stream")
    message = pipeline.get_bus().timed_pop_filtered(20 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    reason = "" if message.type == Gst.MessageType.EOS else ", " + message.parse_error()[1].rsplit("reason ")[-1]
    print(f"{text}: intersects {caps.can_intersect(accepted)}, is a subset {caps.is_subset(accepted)}: {message.type.first_value_nick}{reason}")
    pipeline.set_state(Gst.State.NULL)
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
one tensor: intersects True, is a subset True: eos
another group: intersects True, is a subset True: eos
another tensor in the group: intersects True, is a subset False: error, not-negotiated (-4)
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: a further tensor in the group does not negotiate"
