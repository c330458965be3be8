# SPDX-License-Identifier: LGPL-2.1-or-later
"""Comments of the public headers, as gi-docgen reads them: links, and missing descriptions."""
import re
import xml.etree.ElementTree as ElementTree

from pages import split_code

CORE = "http://www.gtk.org/introspection/core/1.0"
GLIB = "http://www.gtk.org/introspection/glib/1.0"
C = "http://www.gtk.org/introspection/c/1.0"
DOC = f"{{{CORE}}}doc"
CALLABLES = {"constructor": "ctor", "method": "method", "function": "type_func"}
FUNCTIONS = {"function": "func", "function-macro": "func"}
TYPES = {"record": "struct", "enumeration": "enum", "bitfield": "flags"}
PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")
FUNCTION = re.compile(r"\b([a-z]\w+|LSTM_\w+) ?\(\)")
TYPE = re.compile(r"(?<![\w`:])#?(Lstm[A-Z]\w*)\b")


def local_name(element):
    return element.tag.partition("}")[2]


def collect_links(namespace):
    """Returns the Markdown link to the page of each function, macro and type, by its C name."""
    links = {}

    def add_link(element, attribute, kind, name, call=""):
        c_name = element.get(f"{{{C}}}{attribute}")
        links[c_name] = f"[`{c_name}{call}`]({kind}.{name}.html)"

    for element in namespace:
        kind, name = local_name(element), element.get("name")
        if kind in FUNCTIONS and not element.get("moved-to"):
            add_link(element, "identifier", FUNCTIONS[kind], name, "()")
        elif kind in TYPES:
            is_domain = element.get(f"{{{GLIB}}}error-domain")
            add_link(element, "type", "error" if is_domain else TYPES[kind], name)
        for member in element:
            kind = local_name(member)
            if kind in CALLABLES and not member.get("moved-to"):
                member_name = f"{name}.{member.get('name')}"
                add_link(member, "identifier", CALLABLES[kind], member_name, "()")
    return links


def read_links(gir):
    """Returns the links of collect_links() for the introspection data of the file gir."""
    return collect_links(ElementTree.parse(gir).getroot().find(f"{{{CORE}}}namespace"))


def convert_text(text, links, site, get_site_name):
    """Returns the text of a comment with links to functions, types and pages."""
    def link_page(match):
        title = site.titles.get(match[0])
        return f"[{title}]({get_site_name(match[0])}.html)" if title else match[0]

    lines = []
    for line, is_code in split_code(text):
        if not is_code:
            line = FUNCTION.sub(lambda match: links.get(match[1], f"`{match[1]}()`"), line)
            line = TYPE.sub(lambda match: links.get(match[1], match[0]), line)
            line = PAGE.sub(link_page, line)
        lines.append(line)
    return "\n".join(lines)


def describe_callable(element):
    """Describes a function that has only a description of its result by this description."""
    result = element.find(f"{{{CORE}}}return-value")
    text = result.find(DOC) if result is not None else None
    if element.find(DOC) is None and text is not None:
        doc = ElementTree.Element(DOC, text.attrib)
        doc.text = f"Returns {text.text}."
        element.insert(0, doc)


def read_introduction(path):
    """Returns the comment at the beginning of a header, without its licence."""
    comment = path.read_text(encoding="utf-8").partition("*/")[0]
    return re.sub(r"^ \* ?", "", comment.partition("\n")[2], flags=re.MULTILINE).strip()


def list_functions(namespace, links):
    """Returns a table of the functions of each type, with the first sentences of their comments."""
    lines = []
    for record in namespace.iter(f"{{{CORE}}}record"):
        rows = []
        for member in record:
            doc = member.find(DOC)
            name = member.get(f"{{{C}}}identifier")
            if local_name(member) in CALLABLES and doc is not None and name in links:
                sentence = re.split(r"(?<=\.)\s", doc.text, maxsplit=1)[0]
                rows.append(f"| {links[name]} | {' '.join(sentence.split())} |")
        if rows:
            c_type = record.get(f"{{{C}}}type")
            lines += [f"### Functions of {c_type}", "", "| function | |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def convert_reference(gir, output, header, site, get_site_name):
    """Writes the introspection data of the file gir for gi-docgen to the file output. Returns the
    introduction of the header and the list of the functions, with links."""
    tree = ElementTree.parse(gir)
    namespace = tree.getroot().find(f"{{{CORE}}}namespace")
    links = collect_links(namespace)
    for element in namespace.iter():
        if local_name(element) in (*CALLABLES, *FUNCTIONS):
            describe_callable(element)
    for doc in namespace.iter(DOC):
        doc.text = convert_text(doc.text, links, site, get_site_name)
    for prefix, uri in (("", CORE), ("c", C), ("glib", GLIB)):
        ElementTree.register_namespace(prefix, uri)
    tree.write(output, encoding="utf-8", xml_declaration=True)
    introduction = convert_text(read_introduction(header), links, site, get_site_name)
    functions = re.sub("@([a-z_]+)|%([A-Z_]+)", r"`\1\2`", list_functions(namespace, links))
    return introduction, functions
