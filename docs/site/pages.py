# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pages of the site: their order, their names, and their text as gi-docgen reads it."""
import posixpath
import re

INDEX = "docs/README.md"
SOURCES = re.compile(r"^(examples/[^/]+|models/[^/]+\.txt|LICENSE)$")
HEADERS = re.compile(r"^lib/lstm(/[a-z-]+\.h)?$")
IMAGES = (".png", ".jpg", ".gif", ".webp")
LANGUAGES = {".c": "c", ".h": "c", ".py": "python"}
LINK = re.compile(r"(?P<name>\[[\w./-]+\])?(?P<open>\]?\()(?P<target>[^()\s]+)\)")
LIST_ITEM = re.compile(r"\s*([-*+]|\d+\.) ")


class SiteError(Exception):
    """A page that cannot be part of the site."""


def get_site_name(path):
    """Returns the name in the site, without suffix, of the page at path."""
    folder, base = posixpath.split(path)
    if path == INDEX:
        return "index"
    if base == "README.md" and folder:
        return folder.replace("/", "-") + "-README"
    for parent, prefix in (("docs/elements", "element-"), ("docs/programs", "program-"),
                           ("docs/recipes", "recipe-")):
        if folder == parent:
            return prefix + base.removesuffix(".md")
    return base.removesuffix(".md") if path.endswith(".md") else path.replace("/", "-")


def read_page(root, path):
    try:
        return (root / path).read_text(encoding="utf-8")
    except OSError as error:
        raise SiteError(f"{path}: {error.strerror}") from error


def read_title(root, path):
    """Returns the first heading of a page, or the path of any other file."""
    if not path.endswith(".md"):
        return path
    match = re.match(r"# (.+)\n", read_page(root, path))
    if not match:
        raise SiteError(f"{path}: line 1: expected a heading '# TITLE', found none")
    return match[1]


def read_sections(root):
    """Returns the sections of the index: [(heading, [(title, path)])], in order."""
    sections = []
    for line in read_page(root, INDEX).splitlines():
        if line.startswith("## "):
            sections.append((line[3:], []))
        elif match := re.match(r"- \[(.+?)\]\((\S+?)\):? ", line):
            if not sections:
                raise SiteError(f"{INDEX}: expected a heading before '{line}', found none")
            path = posixpath.normpath(posixpath.join("docs", match[2]))
            sections[-1][1].append((match[1].strip("`"), path))
    return sections


def split_code(text):
    """Yields (line, is_code) of a page. Indented code becomes fenced code."""
    is_fenced = is_list = is_indented = False
    before = ""
    blank_lines = 0     # of indented code, if code follows them
    for line in text.splitlines():
        if is_indented and line and not line.startswith("    "):
            is_indented = False
            yield "```", True
            yield "", False
        if line.startswith("```"):
            is_fenced = not is_fenced
            yield line, True
        elif is_fenced:
            yield line, True
        elif is_indented and not line:
            blank_lines += 1
        elif line.startswith("    ") and (is_indented or (not before and not is_list)):
            yield from [("", True)] * blank_lines if is_indented else [("```", True)]
            yield line[4:], True
            is_indented = True
            blank_lines = 0
        else:
            is_list = bool(LIST_ITEM.match(line)) or (
                is_list and (not line or line.startswith(" ") or bool(before)))
            yield line, False
        before = line
    if is_indented:
        yield "```", True


class Site:
    """The pages, and the further files that the pages refer to."""

    def __init__(self, root, links):
        self.root = root
        self.links = links      # by the name of a function or type: the link to its page
        self.sections = read_sections(root)
        self.paths = [path for _, pages in self.sections for _, path in pages]
        names = [get_site_name(path) for path in [INDEX, *self.paths]]
        if duplicates := {name for name in names if names.count(name) > 1}:
            raise SiteError(f"{INDEX}: expected one page for each name in the site, found several "
                            f"for {', '.join(sorted(duplicates))}")
        self.titles = {path: read_title(root, path) for path in [INDEX, *self.paths]}
        self.sources = []
        self.images = []

    def convert_target(self, page, target):
        """Returns the link in the site for the link target of a page."""
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return target
        name, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), name))
        anchor = anchor and "#" + anchor
        if path in self.titles:
            return get_site_name(path) + ".html" + anchor
        if HEADERS.match(path):
            return "index.html#reference"
        if not (self.root / path).is_file():
            raise SiteError(f"{page}: link {target}: expected a file, found none")
        if path.endswith(IMAGES):
            self.images.append(path)
            return posixpath.basename(path)
        if SOURCES.match(path):
            self.sources.append(path)
            return get_site_name(path) + ".html"
        raise SiteError(f"{page}: link {target}: expected a page that {INDEX} lists, a public "
                        "header, an example or an image, found another file")

    def convert_line(self, page, line):
        """Returns a line of text with its links. The title of a page replaces its file name."""
        def replace(match):
            target = match["target"]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page),
                                                     target.partition("#")[0]))
            name = match["name"]
            if not name and match["open"] == "(":
                return match[0]
            if name and name[1:-1].endswith(".md") and path in self.titles:
                name = f"[{self.titles[path]}]"
            return f"{name or ''}{match['open']}{self.convert_target(page, target)})"

        parts = re.split(r"(`[^`]*`)", line)
        if "](" in "".join(parts[1::2]):
            raise SiteError(f"{page}: expected no link inside of code: {line}")
        # Code in the text of a link may separate the brackets of the link.
        for i, part in enumerate(parts):
            if i % 2 == 0:
                parts[i] = LINK.sub(replace, part)
            elif not parts[i - 1].endswith("["):
                parts[i] = self.links.get(part[1:-1].removesuffix("()"), part)
        return "".join(parts)

    def convert_page(self, path):
        """Returns the text of a page for gi-docgen."""
        return "\n".join(line if is_code else self.convert_line(path, line)
                         for line, is_code in split_code(read_page(self.root, path)))

    def convert_source(self, path):
        """Returns a page with the text of a source file."""
        language = LANGUAGES.get(posixpath.splitext(path)[1], "")
        text = read_page(self.root, path)
        if text.startswith("#!/usr/bin/python3"):
            language = "python"
        return f"# {path}\n\n```{language}\n{text}```\n"
