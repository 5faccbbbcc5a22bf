# SPDX-License-Identifier: Apache-2.0
"""`cflight.sql` as a client of `cflight serve sqlite:`."""

import pathlib
import sqlite3
import sys

import pytest

pytest.importorskip("adbc_driver_sqlite", reason="the driver for SQLite is not installed")
pa = pytest.importorskip("pyarrow")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import cflight_command  # noqa: E402

from cflight import sql  # noqa: E402


@pytest.fixture
def client(tmp_path, monkeypatch):
    path = cflight_command.find_command()
    if path is None:
        pytest.fail("the command cflight is not built; set CFLIGHT_BIN")
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    database = sqlite3.connect(tmp_path / "shop.db")
    database.executescript("""
        CREATE TABLE article (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE sale (day TEXT, article INT REFERENCES article (id), PRIMARY KEY (day, article));
        INSERT INTO article VALUES (1, 'pen'), (2, 'book');
    """)
    database.close()
    with cflight_command.Command(path).serving(f"sqlite:{tmp_path}/shop.db") as server:
        with sql.connect(server.location) as opened:
            yield opened


def test_statements(client):
    assert client.query("SELECT name FROM article ORDER BY id").read_all().to_pylist() == [{"name": "pen"}, {"name": "book"}]
    assert client.update("INSERT INTO article VALUES (3, 'ink'), (4, 'cap')") == 2
    with client.prepare("SELECT name FROM article WHERE id = ?") as statement:
        for number, name in [(1, "pen"), (4, "cap")]:
            statement.bind(pa.table({"id": [number]}))
            assert statement.query().read_all()["name"].to_pylist() == [name]
    with client.prepare("INSERT INTO article VALUES (?, ?)") as statement:
        assert statement.update(pa.table({"id": [10, 11], "name": ["a", "b"]})) == 2
    with pytest.raises(Exception, match="zero byte"):
        client.query("SELECT 'a\0b'").read_all()


def test_transactions_and_ingest(client):
    with client.transaction() as transaction:
        client.update("DELETE FROM article", transaction=transaction)
        transaction.rollback()
    data = pa.table({"id": pa.array(range(100, 200)), "name": ["x"] * 100})
    assert client.ingest("article", data, mode="append") == 100
    assert client.query("SELECT count(*) AS n FROM article").read_all()["n"].to_pylist() == [102]


def test_the_catalog(client):
    assert client.catalogs().read_all()["catalog_name"].to_pylist() == ["main"]
    assert set(client.tables().read_all()["table_name"].to_pylist()) >= {"article", "sale"}
    assert client.table_types().read_all()["table_type"].to_pylist() == ["table", "view"]
    assert [(row["column_name"], row["key_sequence"]) for row in client.primary_keys("sale").read_all().to_pylist()] == [
        ("day", 1), ("article", 2)]
    for keys in (client.imported_keys("sale"), client.exported_keys("article"), client.cross_reference("article", "sale")):
        assert [(row["pk_table_name"], row["pk_column_name"], row["fk_column_name"])
                for row in keys.read_all().to_pylist()] == [("article", "id", "article")]
    assert {row["type_name"]: row["data_type"] for row in client.type_info().read_all().to_pylist()} == {
        "INTEGER": 4, "INT": 4, "TEXT": 12}
    info = client.sql_info()
    assert info["FLIGHT_SQL_SERVER_NAME"] == "SQLite" and info["FLIGHT_SQL_SERVER_READ_ONLY"] is False
    assert info["SQL_IDENTIFIER_QUOTE_CHAR"] == '"'


def test_errors_have_their_state(client):
    with pytest.raises(Exception, match="UNIQUE") as caught:
        client.update("INSERT INTO article VALUES (1, 'again')")
    assert caught.value.sqlstate == "23000"
