#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: an element that cannot start posts an error on the bus. So an
# application that handles errors of the bus can show the reason, and gst-launch-1.0 prints it.
#
# Behaviour (GStreamer 1.28.8): onnxinference needs the file MODEL.modelinfo next to the model. Without it the state change
# to PAUSED fails, and the bus has no error. gst-launch-1.0 prints only "Failed to set pipeline to PAUSED." The reason is in
# the debug log alone. GStreamer 1.26.2 runs the same model without this file.
#
# Relevance to users of gst-lstm: who copies features.onnx to another folder and not features.onnx.modelinfo has a pipeline
# that does not start, without a reason (docs/recipes/video-model.md). lstm-convert --split writes both files.
#
# Needs: apt-get and dpkg of Debian 14 on amd64. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

mkdir -p archives/partial
touch status
apt-get -qq -y -o APT::Sandbox::User=root -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/archives" --no-install-recommends --download-only install \
  gstreamer1.0-tools=1.28.8-1 gstreamer1.0-plugins-base=1.28.8-1 gstreamer1.0-plugins-bad=1.28.8-1 > log
for file in archives/*.deb; do
  dpkg -x "$file" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries PATH=$folder/root/usr/bin:$PATH
export GST_REGISTRY=$folder/registry GST_REGISTRY_FORK=no
mkdir plugins
for plugin in coreelements videotestsrc onnx; do
  ln -s "$libraries/gstreamer-1.0/libgst$plugin.so" plugins
done
export GST_PLUGIN_SYSTEM_PATH=$folder/plugins

# The element looks for model.onnx.modelinfo before it reads the model.
touch model.onnx

# Prints what gst-launch-1.0 prints, except its progress and what ONNX Runtime prints when it is loaded.
show() {
  gst-launch-1.0 -m "$@" > log 2>&1 || echo "status $?"
  grep -v -e '^Setting pipeline to' -e '^Freeing' -e '^Schema error' -e cpuinfo -e '^$' -e '(state-changed)' -e '(stream-status)' log || true
}

cat >expected <<'EOF'
gst-launch-1.0 version 1.28.8
status 255
Failed to set pipeline to PAUSED.
EOF
{
  gst-launch-1.0 --version | sed -n 1p
  show videotestsrc num-buffers=1 ! video/x-raw,format=RGB,width=8,height=4 ! onnxinference model-file=model.onnx ! fakesink
} | tee seen
diff expected seen
{ GST_DEBUG=onnxinference:1 gst-launch-1.0 videotestsrc ! onnxinference model-file=model.onnx ! fakesink 2>&1 || true; } \
  | grep -o 'Failed to load modelinfo for model.onnx'
echo "as expected: the bus has no error"
