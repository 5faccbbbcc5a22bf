# SPDX-License-Identifier: Apache-2.0
"""The commands on the guide's page about serving databases, with DuckDB and PostgreSQL."""

import sys

from cflight_command import ROOT

sys.path.insert(0, str(ROOT / "tests/guide"))

import database_page  # noqa: E402


def test_a_duckdb_file(cflight, tmp_path):
    with database_page.Page("serve-database.md", tmp_path, cflight.path) as guide:
        guide.run("Serve a DuckDB file")


def test_postgresql(cflight, postgresql, tmp_path):
    place = postgresql.removeprefix("postgresql://postgres@").removesuffix("/postgres")
    with database_page.Page("serve-database.md", tmp_path, cflight.path, [("localhost:5432", place)]) as guide:
        guide.run("Serve PostgreSQL")
        cflight.run("sql", f"grpc://localhost:{guide.port}", "DROP TABLE visit", check=True)
