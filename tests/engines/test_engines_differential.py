# SPDX-License-Identifier: Apache-2.0
"""tests/interop/test_gateway_differential.py with DuckDB and PostgreSQL: the same calls to each, by its own ADBC driver, by
cflight's and by the Go driver through the gateway. The list, and what cannot be the same, is in
tests/support/differential_cases.py."""

import os
import pathlib
import sys

import adbc_driver_duckdb
import differential
import differential_cases
import pytest

DUCKDB = differential.Dialect("duckdb", gives_empty_lists=True, words={
    "int": "BIGINT", "real": "DOUBLE", "text": "VARCHAR", "blob": "BLOB", "one": "'\\x01'::BLOB", "none": "''::BLOB",
    "catalog": "shop", "schema": "main", "table": "BASE TABLE", "view": "VIEW"})
POSTGRESQL = differential.Dialect("postgresql", mark="$", tells_nullable=False, words={
    "int": "BIGINT", "real": "DOUBLE PRECISION", "text": "TEXT", "blob": "BYTEA", "one": "'\\x01'::BYTEA", "none": "''::BYTEA",
    "catalog": "postgres", "schema": "public", "table": "table", "view": "view"})


@pytest.fixture(scope="module")
def duckdb_ways(cflight, tmp_path_factory):
    # A file is one process's, so each has its own, of one name, which is that of the catalog.
    places = [tmp_path_factory.mktemp(name) / "shop.duckdb" for name in ("direct", "served")]
    options = {"entrypoint": "duckdb_adbc_init", "path": str(places[0])}
    os.environ["VIRTUAL_ENV"] = sys.prefix
    with cflight.serving(f"duckdb:{places[1]}") as server:
        yield differential.ways_of(DUCKDB, adbc_driver_duckdb.driver_path(), options, server.location, libraries(cflight))


@pytest.fixture(scope="module")
def postgresql_ways(cflight, postgresql):
    with cflight.serving(postgresql) as server:
        driver = os.environ["ADBC_DRIVER_PATH"] + "/libadbc_driver_postgresql.so"
        yield differential.ways_of(POSTGRESQL, driver, {"uri": postgresql}, server.location, libraries(cflight))


def libraries(cflight):
    return pathlib.Path(cflight.path).parent.parent / "lib"


@pytest.mark.parametrize("case", differential_cases.cases_for("duckdb"), ids=lambda case: case.name)
def test_duckdb(duckdb_ways, case):
    differential.check(duckdb_ways, case, differential_cases.SETUP)


@pytest.mark.parametrize("case", differential_cases.cases_for("postgresql"), ids=lambda case: case.name)
def test_postgresql(postgresql_ways, case):
    differential.check(postgresql_ways, case, differential_cases.SETUP)
