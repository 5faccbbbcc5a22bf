# SPDX-License-Identifier: Apache-2.0
"""Each message on docs/guide/troubleshooting.md is one that the source can say."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/guide/troubleshooting.md"
# What stands for something that is filled in.
FILLED_IN = re.compile(r"\.\.\.|\b(?:NAME|HOST|PORT|TEXT|MODE|CODE|TYPE|URI|N)\b")
FORMAT = re.compile(r"%[-+ #0]*[\d.*]*(?:hh|h|ll|l|z|j|t)?[a-zA-Z]")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def texts():
    """The texts of the source, those that are written in pieces as one, with 0 for what is filled in."""
    found = []
    for folder in ("src", "cli", "adbc"):
        for path in (ROOT / folder).rglob("*.c"):
            code = re.sub(r'"\s*(?:PRI[a-zA-Z0-9]+\s*)?"', lambda match: "" if "PRI" not in match[0] else "d",
                          path.read_text())
            found += (FORMAT.sub("\0", text.replace('\\"', '"')) for text in LITERAL.findall(code))
    return found


def messages():
    return re.findall(r"^\| `([^`]+)`", PAGE.read_text(), re.MULTILINE)


def parts(message):
    return [part.strip() for part in FILLED_IN.split(message) if part.strip(" ,;:'()")]


def is_said(message, source):
    """All its parts stand in one text, in order."""
    pattern = re.compile(".*?".join(map(re.escape, parts(message))), re.DOTALL)
    return any(pattern.search(text) for text in source)


def test_each_message_is_in_the_source():
    source = texts()
    assert len(messages()) > 30
    missing = [message for message in messages() if not is_said(message, source)]
    assert missing == []


def test_a_message_that_is_not_there_is_found_out():
    assert not is_said("the server has no coffee left for HOST", texts())
