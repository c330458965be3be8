# SPDX-License-Identifier: LGPL-2.1-or-later
"""The theme of the site: gi-docgen's theme with the list of pages, another index and more CSS."""
import html
import importlib.util
import pathlib
import shutil

import markdown

from pages import INDEX

HEADING = '<h3><a href="index.html">{{ namespace.name }}</a></h3>'
SIDEBAR = "{% block sidebar %}"


def replace_once(path, old, new):
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{path}: expected '{old}' once, found {text.count(old)}")
    path.write_text(text.replace(old, new), encoding="utf-8")


def list_pages(sections, get_site_name):
    """Returns the list of pages in the sidebar."""
    lines = []
    for heading, pages in sections:
        lines.append(f'<div class="section"><h5>{html.escape(heading)}</h5><div class="links">')
        lines += [f'<a href="{get_site_name(path)}.html">{html.escape(title)}</a>'
                  for title, path in pages]
        lines.append("</div></div>")
    return "\n".join(lines)


def write_text(path, text):
    """Writes Markdown text as a template."""
    text = markdown.markdown(text, extensions=["fenced_code", "tables", "toc"])
    path.write_text("{% raw %}" + text + "{% endraw %}", encoding="utf-8")


def make_theme(folder, files, library, site, get_site_name):
    """Makes the theme 'lstm' in folder, from the files of docs/site."""
    package = importlib.util.find_spec("gidocgen")
    if not package:
        raise ValueError("the Python module gidocgen: expected in the path of /usr/bin/python3, "
                         "found no such module")
    theme = folder / "lstm"
    shutil.copytree(pathlib.Path(package.origin).parent / "templates" / "basic", theme)
    (theme / "basic.toml").rename(theme / "lstm.toml")
    replace_once(theme / "lstm.toml", 'name = "Basic"', 'name = "lstm"')
    (theme / "pages.html").write_text(list_pages(site.sections, get_site_name), encoding="utf-8")
    replace_once(theme / "base.html", HEADING, '<h3><a href="index.html">gst-lstm</a></h3>')
    replace_once(theme / "base.html", "<p>API Version: {{ namespace.version }}</p>", "")
    replace_once(theme / "base.html", "Library Version:", "Version")
    replace_once(theme / "base.html", SIDEBAR, '{% include "pages.html" %}' + SIDEBAR)
    write_text(theme / "index-pages.html", site.convert_page(INDEX))
    introduction, functions = library
    write_text(theme / "index-library.html", introduction)
    write_text(theme / "index-functions.html", functions)
    for name in ("namespace.html", "content.html"):
        shutil.copy(files / name, theme / name)
    with (theme / "style.css").open("a", encoding="utf-8") as css:
        css.write((files / "site.css").read_text(encoding="utf-8"))
