# SPDX-License-Identifier: Apache-2.0
"""The page that says which test shows which rule of Flight SQL names tests that are there, and no rule is without one."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/internals/sql-rules.md").read_text()


def test_every_test_that_is_named_is_there():
    sources = "".join(path.read_text() for path in (ROOT / "tests/unit").rglob("*.c"))
    tests = {f"{suite}.{name}" for suite, name in re.findall(r"^TEST\((\w+),\s*(\w+)\)", sources, re.MULTILINE)}
    named = set(re.findall(r"`(\w+\.\w+)`", PAGE)) - {"suite.name"}
    files = {name for name in named if name.endswith(".py")}
    assert sorted(named - files - tests) == []
    assert sorted(name for name in files if not (ROOT / "tests/interop" / name).exists()) == []


def test_every_rule_has_a_row():
    servers, clients = PAGE.split("\n## Clients")
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", servers, re.MULTILINE)] == list(range(1, 25))
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", clients, re.MULTILINE)] == list(range(1, 12))
