#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: a GstAnalyticsRelationMeta grows like other arrays, by a factor, so that n items cost about n times as
# much as one.
#
# Behaviour (GStreamer 1.28.8): the meta has a matrix of all pairs of items. When the matrix is full, the meta adds as
# many items as it had at first, which are five for gst_buffer_add_analytics_relation_meta(), and copies the matrix. n
# items copy n³ / 15 bytes: 4,000 items take more than a second. gst_buffer_add_analytics_relation_meta_full()
# with the final number of items copies nothing, and takes some milliseconds.
#
# Relevance to users of gst-lstm: a detector and a tracker of 1,000 objects make 2,000 items per frame. A program that
# makes such frames should reserve the items. `lstm per-object=true` copies a frame once, into a meta with enough
# room, if the meta is too small for the outputs of many objects.
#
# Needs: apt-get and dpkg of Debian 14 on amd64, its Python 3.14. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

for package in libgstreamer1.0-0=1.28.8-1 gir1.2-gstreamer-1.0=1.28.8-1 libgstreamer-plugins-base1.0-0=1.28.8-1 \
  gir1.2-gst-plugins-base-1.0=1.28.8-1 libgstreamer-plugins-bad1.0-0=1.28.8-1 gir1.2-gst-plugins-bad-1.0=1.28.8-1 \
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
export GST_PLUGIN_SYSTEM_PATH=$folder/plugins

cat >run.py <<'EOF'
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstAnalytics", "1.0")
from gi.repository import Gst, GstAnalytics

Gst.init(None)
print(Gst.version_string())
ITEMS = 4000


def measure(meta):
    """Returns the seconds of CPU time in which the meta gets its items."""
    begin = time.process_time()
    for number in range(ITEMS):
        meta.add_tracking_mtd(number, 0)
    assert GstAnalytics.relation_get_length(meta) == ITEMS
    return time.process_time() - begin


frames = [Gst.Buffer.new(), Gst.Buffer.new()]
sizes = GstAnalytics.RelationMetaInitParams()
sizes.initial_relation_order = ITEMS
sizes.initial_buf_size = ITEMS * 128
default = measure(GstAnalytics.buffer_add_analytics_relation_meta(frames[0]))
reserved = measure(GstAnalytics.buffer_add_analytics_relation_meta_full(frames[1], sizes))
relation = "more" if default > 20 * reserved else "less"
print(f"{ITEMS} items of a default meta: {relation} than 20 times the time of a reserved one")
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
4000 items of a default meta: more than 20 times the time of a reserved one
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: a relation meta of the default size grows by five items at a time"
