# SPDX-License-Identifier: Apache-2.0
"""The documents in the order of the table of contents. docs/README.md lists them, and the README.md of a
folder that it names lists the pages of that folder: an entry is a link that opens a list item or a table row."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
START = "docs/README.md"
HEADERS = "include/cflight"
MANUAL = "docs/man/cflight.1"

_ENTRY = re.compile(r"^(?:- |\| )\[([^\]]+)\]\(([^)#]+)\)", re.MULTILINE)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
_ADDRESSES = {START: "index", "README.md": "overview", "python/README.md": "python/module",
              HEADERS: "c/index", MANUAL: "man/cflight"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def outside_code(text, replace):
    """Returns `text` with `replace` done to what stands outside of fenced code."""
    pieces, end = [], 0
    for match in _FENCE.finditer(text):
        pieces += [replace(text[end:match.start()]), match.group(0)]
        end = match.end()
    return "".join(pieces) + replace(text[end:])


def target(page, link):
    """The path that a relative link of `page` leads to, without what follows `#`."""
    return os.path.normpath(os.path.join(os.path.dirname(page), link.partition("#")[0]))


def sections(page):
    """What an index page lists: a list of (heading, [(title, path), ...])."""
    pieces = _SECTION.split(_FENCE.sub("", read(page)))
    found = []
    for heading, text in zip(["", *pieces[1::2]], pieces[::2]):
        entries = [(title, target(page, link)) for title, link in _ENTRY.findall(text)
                   if "://" not in link]
        if entries:
            found.append((heading, entries))
    return found


def contents():
    """Each index page with its sections, from the start page on; a page is listed where it comes first."""
    placed = {START}
    found = {}

    def place(index):
        kept = []
        for heading, entries in sections(index):
            entries = [entry for entry in entries if entry[1] not in placed]
            placed.update(path for _, path in entries)
            kept.append((heading, entries))
        found[index] = kept

    place(START)
    for _, entries in list(found[START]):
        for _, path in entries:
            if path.startswith("docs/") and os.path.basename(path) == "README.md":
                place(path)
    return found


def listed():
    """Every path of the table of contents, the start page first."""
    return [START, *(path for index in contents().values() for _, entries in index
                     for _, path in entries)]


def address(path):
    """The name of a page within the site, without its ending."""
    if path in _ADDRESSES:
        return _ADDRESSES[path]
    stem, _ = os.path.splitext(path)
    if os.path.basename(path) == "README.md":
        stem = os.path.join(os.path.dirname(path), "index")
    return stem.removeprefix("docs/").lower()
