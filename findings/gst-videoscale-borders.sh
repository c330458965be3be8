#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: caps with width and height determine the picture that videoscale outputs. pixel-aspect-ratio=1/1 in these caps
# changes nothing, because the source has square pixels too.
#
# Behaviour (GStreamer 1.22): without pixel-aspect-ratio in the caps, videoscale fills the new size and changes the shape of
# the pixels, here to 16/9. With pixel-aspect-ratio=1/1, whoever states it, it adds black borders. add-borders=false fills
# the new size in both cases.
#
# Relevance to users of gst-lstm: a network for frames is trained on complete pictures, as cv2.resize() scales them, and sees
# other features with borders. No element reports this. onnxinference states pixel-aspect-ratio=1/1 from GStreamer 1.28 on
# and states none in 1.26, so that a pipeline for 1.26 has other scores in 1.28. The pipelines of lstm-convert --split and of
# docs/recipes/video-model.md have add-borders=false.
#
# Needs: apt-get and dpkg of Debian 12 on amd64. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

for package in libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
  gstreamer1.0-plugins-base=1.22.0-3+deb12u7 libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 \
  liborc-0.4-0=1:0.4.33-2; do
  apt-get -qq -o APT::Sandbox::User=root download "$package"
done
for file in ./*.deb; do
  dpkg -x "$file" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries PATH=$folder/root/usr/bin:$PATH
export GST_REGISTRY=$folder/registry GST_REGISTRY_FORK=no
mkdir plugins
for plugin in coreelements videotestsrc videoconvertscale; do
  ln -s "$libraries/gstreamer-1.0/libgst$plugin.so" plugins
done
export GST_PLUGIN_SYSTEM_PATH=$folder/plugins

# Scales a white picture of 640 x 360 square pixels to 32 x 32, and prints the middle pixel of the rows 0, 8, 16, 24 and 31,
# the shape of the pixels and the number of warnings. $1: the end of the caps; $2: a property of videoscale
show() {
  local caps=${1:+,$1} pixels
  gst-launch-1.0 -v videotestsrc num-buffers=1 pattern=white ! video/x-raw,format=GRAY8,width=640,height=360 ! \
    videoscale ${2:+"$2"} ! "video/x-raw,width=32,height=32$caps" ! filesink location=picture.raw > log 2>&1
  pixels=$(for row in 0 8 16 24 31; do od -An -tu1 -j $((32 * row + 16)) -N 1 picture.raw; done | xargs)
  echo "${1:-width and height} ${2:-}:" "rows $pixels, pixels" \
    "$(sed -n 's/.*filesink0.GstPad:sink: caps = .*pixel-aspect-ratio=(fraction)\([0-9/]*\).*/\1/p' log)," \
    "$(grep -ciE 'warning|error' log || true) warnings"
}

cat >expected <<'EOF'
gst-launch-1.0 version 1.22.0
width and height : rows 235 235 235 235 235, pixels 16/9, 0 warnings
pixel-aspect-ratio=1/1 : rows 0 235 235 235 0, pixels 1/1, 0 warnings
pixel-aspect-ratio=1/1 add-borders=false: rows 235 235 235 235 235, pixels 1/1, 0 warnings
EOF
{
  gst-launch-1.0 --version | sed -n 1p
  show ''
  show pixel-aspect-ratio=1/1
  show pixel-aspect-ratio=1/1 add-borders=false
} | tee seen
diff expected seen
echo "as expected: pixel-aspect-ratio=1/1 adds borders"
