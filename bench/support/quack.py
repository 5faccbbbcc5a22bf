# SPDX-License-Identifier: Apache-2.0
"""DuckDB with its remote protocol: an extension, and another that it needs, from packages of PyPI."""

import importlib
import pathlib

TOKEN = "bench"
PACKAGES = "duckdb_extension_httpfs", "duckdb_extension_quack"


def connect(path=":memory:"):
    import duckdb  # noqa: PLC0415

    database = duckdb.connect(path, config={"autoinstall_known_extensions": "false"})
    for package in PACKAGES:
        folder = pathlib.Path(importlib.import_module(package).__file__).parent
        database.execute(f"LOAD '{next(folder.rglob('*.duckdb_extension'))}'")
    return database
