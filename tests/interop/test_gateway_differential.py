# SPDX-License-Identifier: Apache-2.0
"""The same statements and calls to SQLite by its own ADBC driver, by cflight's through the gateway, and by the Go driver
through the gateway: the same results, types, counts and classes of errors. What is asked, and what cannot be the same, is
in tests/support/differential_cases.py."""

import pathlib
import sys

import differential
import differential_cases
import pytest

SQLITE = differential.Dialect("sqlite", words={
    "int": "INTEGER", "real": "REAL", "text": "TEXT", "blob": "BLOB", "one": "x'01'", "none": "x''",
    "catalog": "main", "schema": "", "table": "table", "view": "view"})


@pytest.fixture(scope="module")
def ways(cflight, tmp_path_factory):
    place = tmp_path_factory.mktemp("differential")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRTUAL_ENV", sys.prefix)
        with cflight.serving(f"sqlite:{place}/served.db") as server:
            yield differential.ways_of(SQLITE, differential.library_of("adbc_driver_sqlite"),
                                       {"uri": f"{place}/direct.db"}, server.location, pathlib.Path(cflight.path).parent.parent / "lib")


@pytest.mark.parametrize("case", differential_cases.cases_for("sqlite"), ids=lambda case: case.name)
def test_the_same(ways, case):
    differential.check(ways, case, differential_cases.SETUP)
