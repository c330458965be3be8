#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: gi-docgen resolves a link [id@SYMBOL] to the page of the symbol, and --fatal-warnings makes a link without a
# page an error. So a site that builds with --fatal-warnings has no dead link.
#
# Behaviour (gi-docgen 2023.1): [id@SYMBOL] of a constructor links to method.TYPE.NAME.html, which is not written: the page
# is ctor.TYPE.NAME.html. There is no warning, and the status is 0. [ctor@NAMESPACE.TYPE.NAME] is right.
#
# Relevance to users of gst-lstm: a page of the reference had dead links to lstm_state_new(). The test links-site reads the
# links of the built site itself.
#
# Needs: apt-get and dpkg of Debian 12 on amd64, its Python 3.11. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

for package in gi-docgen=2023.1+ds-2 python3-jinja2=3.1.2-1+deb12u3 python3-markdown=3.4.1-2+deb12u1 \
  python3-markupsafe=2.1.2-1+b1 python3-pygments=2.14.0+dfsg-1 python3-toml=0.10.2-1 python3-typogrify=1:2.0.7-3 \
  python3-smartypants=2.0.0-3; do
  apt-get -qq -o APT::Sandbox::User=root download "$package"
done
for file in ./*.deb; do
  dpkg -x "$file" root
done
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages

cat > Demo-1.0.gir << 'END'
<?xml version="1.0"?>
<repository version="1.2" xmlns="http://www.gtk.org/introspection/core/1.0" xmlns:c="http://www.gtk.org/introspection/c/1.0" xmlns:glib="http://www.gtk.org/introspection/glib/1.0">
  <package name="demo-1.0"/>
  <c:include name="demo.h"/>
  <namespace name="Demo" version="1.0" shared-library="libdemo.so.0" c:identifier-prefixes="Demo" c:symbol-prefixes="demo">
    <record name="Thing" c:type="DemoThing" glib:type-name="DemoThing" glib:get-type="demo_thing_get_type" c:symbol-prefix="thing">
      <constructor name="new" c:identifier="demo_thing_new">
        <return-value transfer-ownership="full"><type name="Thing" c:type="DemoThing*"/></return-value>
      </constructor>
      <method name="free" c:identifier="demo_thing_free">
        <doc xml:space="preserve" filename="demo.c" line="1">Frees what [id@demo_thing_new] returned; see [ctor@Demo.Thing.new] and [id@demo_thing_free].</doc>
        <return-value transfer-ownership="none"><type name="none" c:type="void"/></return-value>
        <parameters><instance-parameter name="thing" transfer-ownership="none"><type name="Thing" c:type="DemoThing*"/></instance-parameter></parameters>
      </method>
    </record>
  </namespace>
</repository>
END
printf '[library]\nnamespace = "Demo"\nversion = "1.0"\n' > demo.toml

{
  echo "gi-docgen $(/usr/bin/python3 root/usr/bin/gi-docgen --version)"
  /usr/bin/python3 root/usr/bin/gi-docgen generate --quiet --fatal-warnings --config demo.toml --output-dir html Demo-1.0.gir
  grep -o 'href="[a-z]*\.Thing\.[a-z]*\.html"><code>' html/Demo-1.0/method.Thing.free.html | cut -d '"' -f 2 | sort -u \
    | while read -r page; do
      [[ -f html/Demo-1.0/$page ]] && echo "$page: a page" || echo "$page: no page"
    done
} | tee output
cat > expected << 'END'
gi-docgen 2023.1
ctor.Thing.new.html: a page
method.Thing.free.html: a page
method.Thing.new.html: no page
END
diff expected output
echo "as expected: the link to a constructor has no page, without a warning"
