#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: `data` and `len` of a ProtobufCMessageUnknownField are the value of the field. The header calls them "Field
# data" and "Number of bytes in `data`", and has no other member for a length.
#
# Behaviour (protobuf-c 1.4.1 of Debian 12): data of a string or of bytes begin with the length, a varint, and len
# includes the bytes of this varint. data of a float are its 4 bytes, and data of an integer are its encoded varint.
#
# Relevance to users of gst-lstm: a program that reads the fields of a newer onnx.proto in this way gets one or more wrong
# bytes before a string. If it always skips one byte, it is right for values of less than 128 bytes only. lstm-convert
# keeps the places of large tensors in an unknown field, and skips the length.
#
# Needs: apt-get and dpkg-deb of Debian 12 on amd64, gcc. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download libprotobuf-c1=1.4.1-1+b1 libprotobuf-c-dev=1.4.1-1+b1 \
  protobuf-c-compiler=1.4.1-1+b1 libprotoc32=3.21.12-3+deb12u1 libprotobuf32=3.21.12-3+deb12u1
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu

# The program of the old format reads a message of the new one.
cat >formats.proto <<'END'
syntax = "proto2";
message Old { optional string name = 1; }
message New {
  optional string name = 1;
  optional string activation = 2;
  optional bytes weights = 3;
  optional float alpha = 4;
  optional int32 units = 5;
}
END
root/usr/bin/protoc-c --c_out=. formats.proto

cat >unknown.c <<'END'
#include "formats.pb-c.h"
#include <stdio.h>

int
main (void)
{
  static uint8_t zeros[300], bytes[400];
  New new = NEW__INIT;

  new.name = "lstm";
  new.activation = "tanh";
  new.has_weights = new.has_alpha = new.has_units = 1;
  new.weights = (ProtobufCBinaryData){sizeof zeros, zeros};
  new.alpha = 1;
  new.units = 5;
  Old *old = old__unpack (NULL, new__pack (&new, bytes), bytes);

  printf ("protobuf-c %s\n", protobuf_c_version ());
  for (unsigned i = 0; i < old->base.n_unknown_fields; i++) {
    const ProtobufCMessageUnknownField *field = &old->base.unknown_fields[i];

    printf ("field %u, len %3zu, data", field->tag, field->len);
    for (unsigned k = 0; k < field->len && k < 6; k++)
      printf (" %02x", field->data[k]);
    puts (field->len > 6 ? " ..." : "");
  }
  old__free_unpacked (old, NULL);
  return 0;
}
END
gcc unknown.c formats.pb-c.c -o unknown -Iroot/usr/include "$LD_LIBRARY_PATH/libprotobuf-c.so.1"

# "tanh" has 4 bytes: 74 61 6e 68. The weights have 300 bytes 0.
cat >expected <<'END'
protobuf-c 1.4.1
field 2, len   5, data 04 74 61 6e 68
field 3, len 302, data ac 02 00 00 00 00 ...
field 4, len   4, data 00 00 80 3f
field 5, len   1, data 05
END
./unknown | tee seen
diff expected seen
echo "as expected: the data of an unknown string begin with its length"
