# SPDX-License-Identifier: Apache-2.0
"""Clients and servers of a SQLite database that are killed (SIGKILL) inside transactions and uploads, again and again:
nothing is half there, and connections are given back. tests/engines does the same with other databases."""

import pytest
from gateway_kills import CONNECTIONS_MAX, Database, kill_clients, kill_servers, uploads_end_with_the_server
from test_gateway import shop  # noqa: F401


@pytest.fixture
def database(cflight, shop):  # noqa: F811
    return Database(cflight, f"sqlite:{shop}")


@pytest.mark.parametrize("what", ["transaction", "ingest"])
def test_clients_are_killed(database, what):
    kill_clients(database, what, rounds=CONNECTIONS_MAX + 1)


@pytest.mark.parametrize("what", ["transaction", "ingest"])
def test_servers_are_killed(database, what):
    kill_servers(database, what, rounds=3)


def test_many_uploads_end_with_the_server(database):
    uploads_end_with_the_server(database)
