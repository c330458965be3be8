#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: gst-inspect-1.0 has a line "Documentation" for its own elements, so an element that sets
# GST_ELEMENT_METADATA_DOC_URI gets the same line with its own address, and programs can search for it.
#
# Behaviour (GStreamer 1.22): the line "Documentation" exists only for elements of the modules of GStreamer. The address
# that an element sets is printed as "Doc-uri", like any other metadata key.
#
# Relevance to users of gst-lstm: `gst-inspect-1.0 lstm | grep Documentation` finds nothing. The address of the page of an
# element is after "Doc-uri".
#
# Needs: apt-get and dpkg of Debian 12 on amd64, its Python 3.11. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

for package in libgstreamer1.0-0=1.22.0-2+deb12u1 gstreamer1.0-tools=1.22.0-2+deb12u1 \
  gstreamer1.0-python3-plugin-loader=1.22.0-2 python3-gst-1.0=1.22.0-2 gir1.2-gstreamer-1.0=1.22.0-2+deb12u1 \
  python3-gi=3.42.2-3+b1 libgirepository-1.0-1=1.74.0-3 gir1.2-glib-2.0=1.74.0-3; do
  apt-get -qq -o APT::Sandbox::User=root download "$package"
done
for file in ./*.deb; do
  dpkg -x "$file" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries PATH=$folder/root/usr/bin:/usr/bin:/bin
export GI_TYPELIB_PATH=$libraries/girepository-1.0 PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
export GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_REGISTRY=$folder/registry GST_REGISTRY_FORK=no
export GST_PLUGIN_PATH=$folder/plugins

mkdir -p plugins/python
cat > plugins/python/documented.py << 'END'
import gi

gi.require_version("Gst", "1.0")
from gi.repository import GObject, Gst


class Documented(Gst.Element):
    __gstmetadata__ = ("Documented", "Filter", "Has a page", "gst-lstm")


Documented.add_metadata("doc-uri", "https://example.org/documented.html")
GObject.type_register(Documented)
__gstelementfactory__ = ("documented", Gst.Rank.NONE, Documented)
END
{
  gst-inspect-1.0 --version | sed -n 1p
  for element in identity documented; do
    echo "$element:"
    gst-inspect-1.0 "$element" | grep -iE '^ *doc[a-z-]* ' | tr -s ' '
  done
} | tee output
cat > expected << 'END'
gst-inspect-1.0 version 1.22.0
identity:
 Documentation https://gstreamer.freedesktop.org/documentation/coreelements/identity.html
 Documentation https://gstreamer.freedesktop.org/documentation/coreelements/
documented:
 Doc-uri https://example.org/documented.html
END
diff expected output
echo "as expected: the address of an element is not in the line Documentation"
