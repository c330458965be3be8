#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: gst_tensor_data_type_get_name() returns a name for each GstTensorDataType, and
# gst_tensor_new_simple() makes a tensor of each type whose element has a fixed number of bytes.
#
# Behaviour (GStreamer 1.28.8): the name of eight types that 1.28 added is NULL: string, bool, the complex types
# and the types of 8-bit floats. gst_tensor_new_simple() returns NULL for them, with a CRITICAL. The value 0 is
# int4, so a GstTensor of zeros is a tensor of int4.
#
# Relevance to users of gst-lstm: `lstm` refuses tensors of these types with an error that names the type. An
# application that prints the types of the tensors of a frame must handle NULL. A detector must write a mask as
# uint8.
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
for plugin in app coreelements; do
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

TYPES = GstAnalytics.TensorDataType
types = {name: getattr(TYPES, name) for name in dir(TYPES) if isinstance(getattr(TYPES, name), TYPES)}
by_name = {True: [], False: []}
for name, data_type in sorted(types.items(), key=lambda item: int(item[1])):
    by_name[GstAnalytics.tensor_data_type_get_name(data_type) is not None].append(name)
print("types with a name:", *by_name[True])
print("types without a name:", *by_name[False])
for name in ("UINT8", "BOOL", "FLOAT8E5M2"):
    data = Gst.Buffer.new_wrapped(bytes(3))
    row_major = GstAnalytics.TensorDimOrder.ROW_MAJOR
    try:
        tensor = GstAnalytics.Tensor.new_simple(GLib.quark_from_string("mask"), types[name], data, row_major, [3])
        print(f"three elements of {name}:", tensor.get_dims())
    except TypeError as error:
        print(f"three elements of {name}: {error}")
print("type of the value 0:", GstAnalytics.tensor_data_type_get_name(TYPES(0)))
EOF

cat >expected <<'EOF'
GStreamer 1.28.8
types with a name: INT4 INT8 INT16 INT32 INT64 UINT4 UINT8 UINT16 UINT32 UINT64 FLOAT16 FLOAT32 FLOAT64 BFLOAT16
types without a name: STRING BOOL COMPLEX64 COMPLEX128 FLOAT8E4M3FN FLOAT8E4M3FNUZ FLOAT8E5M2 FLOAT8E5M2FNUZ
three elements of UINT8: [3]
three elements of BOOL: constructor returned NULL
three elements of FLOAT8E5M2: constructor returned NULL
type of the value 0: int4
EOF
timeout 120 /usr/bin/python3 run.py | tee seen
diff expected seen
echo "as expected: types of tensors have no name"
