# SPDX-License-Identifier: Apache-2.0
"""Clients and servers of PostgreSQL and DuckDB databases that are killed, as in tests/interop/test_gateway_kills.py."""

import subprocess

import pytest
from gateway_kills import CONNECTIONS_MAX, Database, kill_clients, kill_servers, rows, uploads_end_with_the_server


pytestmark = pytest.mark.timeout(600)  # clients of Go begin slowly, and there are many


def sessions_of(uri):
    """How many connections PostgreSQL sees, without the one that asks."""
    query = ("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database() "
             "AND pid <> pg_backend_pid()")
    return int(subprocess.run(["psql", "-X", "-A", "-t", "-c", query, uri], check=True, capture_output=True, text=True).stdout)


@pytest.fixture
def killed(cflight, database):
    made = Database(cflight, database) if database.startswith("duckdb:") else Database(
        cflight, database, lambda: sessions_of(database))
    with made.serving() as server:
        rows(server, "DROP VIEW IF EXISTS cheap")  # of the other tests
        for table in ("line", "article", "fresh"):
            rows(server, f"DROP TABLE IF EXISTS {table}")
        rows(server, "CREATE TABLE article (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, price DOUBLE PRECISION)")
        rows(server, "INSERT INTO article VALUES (1, 'pen', 0.5), (2, 'book', 12.25), (3, 'ink', NULL)")
    return made


@pytest.mark.parametrize("what", ["transaction", "ingest"])
def test_clients_are_killed(killed, what):
    kill_clients(killed, what, rounds=3 * CONNECTIONS_MAX)


@pytest.mark.parametrize("what", ["transaction", "ingest"])
def test_servers_are_killed(killed, what):
    kill_servers(killed, what, rounds=5)


def test_many_uploads_end_with_the_server(killed):
    for _ in range(3):
        uploads_end_with_the_server(killed)
