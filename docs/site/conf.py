# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration of the site; tools/site lays out the pages and runs it."""

import ast
import builtins
import functools
import pathlib
import re

from docutils import nodes
from sphinx import addnodes

ROOT = pathlib.Path(__file__).resolve().parents[2]

project = "cflight"
author = "the cflight authors"
copyright = author
version = release = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text()).group(1)

extensions = ["breathe", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
root_doc = "index"
highlight_language = "text"
default_role = "code"
add_module_names = False
toc_object_entries_show_parents = "hide"
maximum_signature_line_length = 90
templates_path = [str(ROOT / "docs/site/templates")]

myst_heading_anchors = 4

# A comment of a header may show a line of a log; a function may have the name of an enum.
suppress_warnings = ["misc.highlighting_failure", "duplicate_declaration.c"]

# What modules of cflight want that are for engines and SDKs, and nothing of their pages.
autodoc_mock_imports = ["dask", "duckdb", "opentelemetry", "polars", "pyspark", "ray"]
breathe_projects = {"cflight": str(ROOT / "build/docs-work/doxygen")}
breathe_default_project = "cflight"
breathe_domain_by_extension = {"h": "c"}

autosummary_generate = True
autodoc_member_order = "bysource"
napoleon_google_docstring = False
# Types are a text for people: Sphinx would link each word that is also the name of an attribute.
napoleon_use_param = False

html_theme = "furo"
html_title = f"cflight {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {"top_of_page_buttons": []}
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_use_index = True


def stubs():
    """Parameters and result of each method and function by its qualified name, from the stubs of the module.

    Their private names are replaced by what they stand for; a protocol by the structure that it gives."""
    tree = ast.parse((ROOT / "python/src/cflight/__init__.pyi").read_text())
    names = {"_pa": "pyarrow", "_BytesLike": "collections.abc.Buffer"}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            names[node.target.id] = ast.unparse(node.value)
        elif isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["Protocol"]:
            names[node.name] = "Arrow" + node.body[0].name.strip("_").removeprefix("arrow_c_").capitalize()
    names.update(_Text="str | bytes", _Bytes="bytes")

    def plain(node):
        text, before = ast.unparse(node), None
        while text != before:
            before, text = text, re.sub(r"\b_\w+", lambda match: names.get(match.group(0), match.group(0)), text)
        return text

    found = {}

    def add(owner, body):
        for node in body:
            if isinstance(node, ast.ClassDef):
                add(node.name + ".", node.body)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                parameters = re.sub(r"^(self|cls)(, /)?(, |$)", "", plain(node.args))
                found[owner + node.name] = (f"({parameters})", plain(node.returns))

    add("", tree.body)
    return found


SIGNATURES = stubs()


def type_signature(app, what, name, thing, options, signature, result):
    return SIGNATURES.get(getattr(thing, "__qualname__", "")) if what in ("function", "method") else None


def part_attribute(app, what, name, thing, options, lines):
    """Napoleon would take what stands before a colon in the first line for the type."""
    if what in ("attribute", "property"):
        lines.insert(0, "")


@functools.cache
def reference(env):
    """Where each name of the two references is: (page, anchor). Enumerators of C are known without their enum."""
    found = {}
    for domain in ("c", "py"):
        for name, _, kind, page, anchor, _ in env.get_domain(domain).get_objects():
            if kind == "enumerator":
                name = name.rpartition(".")[2]
            if kind not in ("functionParam", "module"):
                found[name.removeprefix("cflight.") if domain == "py" else name] = (page, anchor)
    return found


def link_names(app, doctree, docname):
    """Links what stands in code type in a text, or in the type of a parameter, and is the name of a function, class or
    struct to its reference."""

    def link(name, node):
        page, anchor = reference(app.env).get(name, (docname, ""))
        if page == docname:
            return node
        address = app.builder.get_relative_uri(docname, page) + "#" + anchor
        return nodes.reference("", "", node, refuri=address, internal=True)

    for node in list(doctree.findall(nodes.literal)):
        if not isinstance(node.parent, (nodes.reference, nodes.title)):
            node.replace_self(link(re.sub(r"^(struct|enum) |\(\)$", "", node.astext()), node.deepcopy()))
    for field in doctree.findall(nodes.field_body):
        for node in list(field.findall(nodes.emphasis)):
            words = re.split(r"\b([A-Z]\w+)", node.astext())
            node.children = []
            node += [link(word, nodes.inline(text=word)) for word in words if word]


def leave_out(app, doctree):
    """Leaves out what says nothing: that a class has no base but object, which header a struct of a header is in, and
    in the contents the number of an enum without a name; and links of Python's own types, which lead to attributes of
    that name."""
    for node in list(doctree.findall(addnodes.pending_xref)):
        if node.get("refdomain") == "py" and hasattr(builtins, node.get("reftarget", "")):
            node.replace_self(node.children)
    for node in list(doctree.findall(lambda node: isinstance(node, (nodes.paragraph, nodes.emphasis)))):
        if node.astext() == "Bases: object" or node.astext().startswith("#include <"):
            node.parent.remove(node)
    for node in doctree.findall(addnodes.desc_signature):
        if node.get("_toc_name", "").startswith("@"):
            node["_toc_name"] = "enum"


def setup(app):
    app.connect("autodoc-process-signature", type_signature)
    app.connect("autodoc-process-docstring", part_attribute, priority=400)
    app.connect("doctree-read", leave_out, priority=100)
    app.connect("doctree-resolved", link_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
