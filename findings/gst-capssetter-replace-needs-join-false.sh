#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: `capssetter caps=… replace=true` replaces the caps of a stream by the caps of the property, whatever they are.
#
# Behaviour (GStreamer 1.22): the property join, which is true by default, comes first. If the caps of the property do not
# intersect with those of the stream, for example because the media type is another one, nothing is replaced. The old caps
# pass, without a warning, and buffers flow. join=false replaces them.
#
# Relevance to users of gst-lstm: capssetter declares raw audio, or bytes, to be vectors (`other/tensors`) for lstm, as the
# recipe for voice activity does (docs/recipes/voice-activity.md). Without join=false, lstm receives audio.
#
# Needs: apt-get and dpkg of Debian 12 on amd64. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

for package in libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
  gstreamer1.0-plugins-base=1.22.0-3+deb12u7 libgstreamer-plugins-base1.0-0=1.22.0-3+deb12u7 \
  gstreamer1.0-plugins-good=1.22.0-5+deb12u4 liborc-0.4-0=1:0.4.33-2; do
  apt-get -qq -o APT::Sandbox::User=root download "$package"
done
for file in ./*.deb; do
  dpkg -x "$file" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries PATH=$folder/root/usr/bin:$PATH
export GST_REGISTRY=$folder/registry GST_REGISTRY_FORK=no
mkdir plugins
for plugin in coreelements audiotestsrc debug; do
  ln -s "$libraries/gstreamer-1.0/libgst$plugin.so" plugins
done
export GST_PLUGIN_SYSTEM_PATH=$folder/plugins

# Prints the media type that arrives after capssetter with the properties that follow.
show() {
  gst-launch-1.0 -v audiotestsrc num-buffers=1 ! capssetter \
    'caps=other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)1,framerate=0/1' "$@" ! fakesink > log 2>&1
  echo "$*:" "$(sed -n 's/.*fakesink0.GstPad:sink: caps = \([a-z/-]*\),.*/\1/p' log)," \
    "$(grep -ciE 'warning|error' log || true) warnings"
}

{
  gst-inspect-1.0 --version | sed -n 1p
  show replace=true
  show replace=true join=false
} | tee output
cat > expected << 'END'
gst-inspect-1.0 version 1.22.0
replace=true: audio/x-raw, 0 warnings
replace=true join=false: other/tensors, 0 warnings
END
diff expected output
echo "as expected: nothing is replaced without join=false"
