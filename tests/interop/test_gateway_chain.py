# SPDX-License-Identifier: Apache-2.0
"""`cflight serve adbc:` over the ADBC driver of cflight, in front of a server of the kit (its language:
tests/unit/sql/sql_engine.h): a driver that has partitions, transactions and cancelling."""

import pathlib

import pytest


@pytest.fixture
def server(cflight, fresh_sql_service):
    library = pathlib.Path(cflight.path).parent.parent / "lib/libadbc_driver_cflight.so"
    if not library.exists():
        pytest.fail("the ADBC driver is not built")
    with cflight.serving(f"adbc:{library}?uri={fresh_sql_service}", "--query-timeout", "20") as running:
        yield running


def test_queries_come_by_partitions(cflight, server):
    for statement in ("CREATE birds", "INSERT birds 5", "INSERT birds 7"):
        cflight.run("sql", server.location, "--update", statement, check=True)
    for _ in range(2):
        shown = cflight.run("sql", server.location, "SELECT birds", "--format", "csv", check=True)
        assert shown.stdout.split()[1:] == ["5", "7"]
    info = cflight.run("sql", server.location, "SELECT birds", "--time", check=True)
    assert "2 rows" in info.stderr


def test_transactions_go_through(cflight, server):
    cflight.run("sql", server.location, "--update", "CREATE birds", check=True)
    cflight.run("sql", server.location, "-", input="BEGIN; INSERT birds 5; ROLLBACK", check=True)
    assert cflight.run("sql", server.location, "SELECT birds", "--format", "csv", check=True).stdout.split()[1:] == []
    cflight.run("sql", server.location, "-", input="BEGIN; INSERT birds 6; COMMIT", check=True)
    assert cflight.run("sql", server.location, "SELECT birds", "--format", "csv", check=True).stdout.split()[1:] == ["6"]


def test_what_hangs_is_cancelled_at_the_far_end(cflight, server):
    assert cflight.run("sql", server.location, "HANG", "--timeout", "1").returncode != 0
    assert cflight.run("sql", server.location, "COUNT 3", "--format", "csv", check=True).stdout.split()[1:] == ["0", "1", "2"]
    assert server.stop() == 0


def test_errors_go_through(cflight, server):
    done = cflight.run("sql", server.location, "FAIL there is no such bird")
    assert done.returncode != 0 and "there is no such bird" in done.stderr
