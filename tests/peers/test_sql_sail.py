# SPDX-License-Identifier: Apache-2.0
"""The Flight SQL client against Sail, a server in Rust over DataFusion that takes queries alone: through Python, and the
command."""

import datetime
import decimal

import pytest

from cflight import sql

pytestmark = pytest.mark.timeout(900)  # the first time the peer is installed

LIMIT_S = 60


@pytest.fixture(name="location", scope="module")
def start_sail(peer, run, free_port, tmp_path_factory):
    port = free_port()
    with run([*peer("sail"), "--port", str(port)], cwd=tmp_path_factory.mktemp("sail")) as process:
        location = f"grpc://127.0.0.1:{port}"
        with sql.connect(location) as client:
            client.wait_for_available(LIMIT_S)
        assert process.poll() is None
        yield location


@pytest.fixture(name="client", scope="module")
def connect(location):
    with sql.connect(location) as client:
        yield client


def rows(reader):
    return reader.read_all().to_pylist()


def test_types(client):
    (row,) = rows(client.query("""
        SELECT 1 AS i, cast('1.5' AS decimal(10, 2)) AS d, date '2026-05-01' AS dt, array(1, 2) AS a, map('k', 1) AS m,
        named_struct('x', 1) AS s, interval 1 day AS iv, null AS n, true AS b, X'00ff' AS bin"""))
    assert row == {"i": 1, "d": decimal.Decimal("1.50"), "dt": datetime.date(2026, 5, 1), "a": [1, 2], "m": [("k", 1)],
                   "s": {"x": 1}, "iv": datetime.timedelta(days=1), "n": None, "b": True, "bin": b"\x00\xff"}


def test_many_rows(client):
    table = client.query("SELECT * FROM range(0, 1000000)").read_all()
    assert table.num_rows == 1000000
    assert table["id"].to_pylist() == list(range(1000000))


def test_changes_come_as_queries(client):
    assert rows(client.query("CREATE TABLE birds (id INT)")) == [{"value": True}]
    assert rows(client.query("INSERT INTO birds VALUES (1), (2)")) == [{"count": 2}]
    assert rows(client.query("SELECT count(*) AS n FROM birds")) == [{"n": 2}]
    assert rows(client.query("DROP TABLE birds")) == [{"value": True}]


def test_errors_have_their_text(client):
    with pytest.raises(Exception, match="Table or view not found: nowhere"):
        client.query("SELECT * FROM nowhere")
    with pytest.raises(Exception, match="oops"):
        client.query("SELECT raise_error('oops')").read_all()
    assert rows(client.query("SELECT 1 AS n")) == [{"n": 1}]


@pytest.mark.parametrize("call", [
    lambda client: client.update("DROP TABLE nowhere"), lambda client: client.prepare("SELECT 1"),
    lambda client: client.transaction(), lambda client: client.query_schema("SELECT 1"),
    lambda client: client.tables(), lambda client: client.sql_info()])
def test_what_it_lacks_is_told(client, call):
    with pytest.raises(NotImplementedError):
        call(client)


def test_the_command(command, location):
    """What changes something goes as a query where nothing else is known."""
    command("sql", location, "CREATE TABLE owls (id INT)")
    command("sql", location, "INSERT INTO owls VALUES (1), (2)")
    assert "2\ncflight: 1 row" in command("sql", location, "SELECT count(*) AS n FROM owls")
    command("sql", location, "DROP TABLE owls")
    assert "not found" in command("sql", location, "SELECT * FROM owls", status=1)
