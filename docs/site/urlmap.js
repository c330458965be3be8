// SPDX-License-Identifier: LGPL-2.1-or-later
// The addresses of other references, from which gi-docgen's main.js makes links.
var baseURLs = [
    ["GLib", "https://docs.gtk.org/glib/"],
    ["GObject", "https://docs.gtk.org/gobject/"],
];
