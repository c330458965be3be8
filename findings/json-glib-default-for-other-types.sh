#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: json_object_get_string_member_with_default() and its siblings for int, double and boolean return the
# default if the object has no value of their type under the key. So a program can read an optional key in one call.
#
# Behaviour (json-glib 1.6.6): the default is returned for a missing key and for null. For a scalar of another type the
# functions return neither the value nor the default: a number read as a string is NULL, a string read as a number is 0,
# a string read as a boolean is FALSE. There is no warning. (An array or an object logs a CRITICAL, and the default is
# returned.)
#
# Relevance to users of gst-lstm: a program that reads the layers of a model file (`lstm.layers` in docs/formats.md), or a
# Keras configuration, takes "epsilon": "1e-3" for an epsilon of 0. liblstm and lstm-convert check the type of a node first.
#
# Needs: apt-get and dpkg of Debian 12 on amd64, its Python 3.11. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

for package in libjson-glib-1.0-0=1.6.6-1 gir1.2-json-1.0=1.6.6-1 python3-gi=3.42.2-3+b1 \
  libgirepository-1.0-1=1.74.0-3 gir1.2-glib-2.0=1.74.0-3; do
  apt-get -qq -o APT::Sandbox::User=root download "$package"
done
for file in ./*.deb; do
  dpkg -x "$file" root
done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries GI_TYPELIB_PATH=$libraries/girepository-1.0
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages

cat > run.py << 'EOF'
import gi

gi.require_version("Json", "1.0")
from gi.repository import Json

parser = Json.Parser()
parser.load_from_data('{"text": "1e-3", "number": 3, "truth": true, "nothing": null}', -1)
layer = parser.get_root().get_object()
print("json-glib", f"{Json.MAJOR_VERSION}.{Json.MINOR_VERSION}.{Json.MICRO_VERSION}")
for key in "text", "number", "truth", "nothing", "missing":
    print(f"{key:8}", "string", layer.get_string_member_with_default(key, "default"),
          "double", layer.get_double_member_with_default(key, 0.5),
          "boolean", layer.get_boolean_member_with_default(key, True))
EOF
cat > expected << 'EOF'
json-glib 1.6.6
text     string 1e-3 double 0.0 boolean False
number   string None double 3.0 boolean True
truth    string None double 1.0 boolean True
nothing  string default double 0.5 boolean True
missing  string default double 0.5 boolean True
EOF
/usr/bin/python3 run.py 2>&1 | tee output
diff expected output
echo "as expected: the default is not used for a value of another type"
