#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: json-glib reads a number of valid JSON as that number, within the precision of a double, and refuses text that
# is not JSON (RFC 8259, section 6), such as 010 and 0x10.
#
# Behaviour: json-glib 1.6.6 of Debian 12 reads an integer that needs more than 63 bits as another number, without an error.
# Integers beyond 64 bits all become -1. 9223372036854775808 becomes negative. It reads 010 as 8 and 0x10 as 16, as C does. The
# same integers are right with a fraction: 123456789012345678901234567890.0.
#
# Relevance to users of gst-lstm: programs that write weights as JSON can write a large weight without a fraction. liblstm and
# lstm-convert check the text of numbers before json-glib parses it. They refuse integers of more than 18 digits and numbers
# that are not JSON.
#
# Needs: apt-get, dpkg-deb, gcc, pkg-config and the headers of GLib (Debian 12). Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download libjson-glib-1.0-0=1.6.6-1 libjson-glib-dev=1.6.6-1
for package in *.deb; do dpkg-deb -x "$package" root; done

cat >numbers.c <<'END'
#include <json-glib/json-glib.h>

int
main (void)
{
  static const char *const texts[] = {"[123456789012345678901234567890]",
      "[123456789012345678901234567890.0]", "[18446744073709551616]", "[9223372036854775808]",
      "[-9223372036854775809]", "[010]", "[0x10]"};

  g_print ("json-glib %d.%d.%d\n", JSON_MAJOR_VERSION, JSON_MINOR_VERSION, JSON_MICRO_VERSION);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (JsonNode) root = json_from_string (texts[i], NULL);

    g_print ("%s %.17g\n", texts[i],
        json_array_get_double_element (json_node_get_array (root), 0));
  }
  return 0;
}
END
library=$(dirname "$(find root -name 'libjson-glib-1.0.so.0')")
# shellcheck disable=SC2046 # the flags are words
gcc numbers.c -o numbers -Iroot/usr/include/json-glib-1.0 $(pkg-config --cflags gio-2.0) \
  "$library/libjson-glib-1.0.so.0" $(pkg-config --libs gio-2.0)

cat >expected <<'END'
json-glib 1.6.6
[123456789012345678901234567890] -1
[123456789012345678901234567890.0] 1.2345678901234568e+29
[18446744073709551616] -1
[9223372036854775808] -9.2233720368547758e+18
[-9223372036854775809] 9.2233720368547758e+18
[010] 8
[0x10] 16
END
LD_LIBRARY_PATH=$library ./numbers | tee seen
diff expected seen
echo "as expected: json-glib changes integers that need more than 63 bits"
