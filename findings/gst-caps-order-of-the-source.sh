#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: caps are in order of preference, so a caps filter, or an element, that lists a cheap video format first
# receives that format from a source that can produce all of them.
#
# Behaviour (GStreamer 1.22): a source passes its own caps as the filter of its caps query, and capsfilter, queue and the
# default query handler answer in the order of the filter. So the order of the source decides. That of videotestsrc is
# sorted by quality and begins with 64 bits per pixel: more than five times the bytes of I420.
#
# Relevance to users of gst-lstm: lstmfeatures answers caps queries in the order of its measured costs, but a queue, a tee
# or a caps filter with several formats before it restores the order of the source. A caps filter with one format decides.
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
export GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_REGISTRY=$folder/registry GST_REGISTRY_FORK=no

# Prints the format and the bytes of a 1920x1080 frame of videotestsrc before a filter with the formats $1.
show() {
  gst-launch-1.0 -v videotestsrc num-buffers=1 ! "video/x-raw,width=1920,height=1080,format=(string){$1}" \
    ! identity silent=false ! fakesink sync=false > log
  echo "$1:" "$(grep -m 1 -o 'fakesink0.GstPad:sink: caps = .*' log | grep -o 'format=(string)[A-Z0-9_a-z]*')," \
    "$(grep -m 1 -o '[0-9]* bytes' log)"
}

{
  gst-inspect-1.0 --version | sed -n 1p
  gst-inspect-1.0 videotestsrc | awk '/format:/ && !n++ { print "videotestsrc:", $3 }'
  show ABGR64_LE,I420
  show I420,ABGR64_LE
  show I420
} | tee output
cat > expected << 'END'
gst-inspect-1.0 version 1.22.0
videotestsrc: (string)ABGR64_LE,
ABGR64_LE,I420: format=(string)ABGR64_LE, 16588800 bytes
I420,ABGR64_LE: format=(string)ABGR64_LE, 16588800 bytes
I420: format=(string)I420, 3110400 bytes
END
diff expected output
echo "as expected: the order of the source decides"
