# SPDX-License-Identifier: Apache-2.0
"""DuckDB and PostgreSQL behind `cflight serve`, for the ADBC driver for Flight SQL (Go): each does the same."""

import datetime
import decimal
import time

import pyarrow as pa
import pytest
from gateway_rights import served_with_rights
from test_gateway import connect, rows

import adbc_driver_manager as adbc


@pytest.fixture(autouse=True)
def clean(request, cflight, database):
    """A table to work on, and nothing else of ours."""
    with cflight.serving(database) as running, connect(running) as connection:
        for table in ("line", "article", "fresh"):
            rows(connection, f"DROP TABLE IF EXISTS {table}")
        rows(connection, "CREATE TABLE article (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, price DOUBLE PRECISION)")
        rows(connection, "CREATE TABLE line (day DATE, article INTEGER REFERENCES article (id), PRIMARY KEY (day, article))")
        rows(connection, "INSERT INTO article VALUES (1, 'pen', 0.5), (2, 'book', 12.25), (3, 'ink', NULL)")


def is_duckdb(database):
    return database.startswith("duckdb:")


def test_types(server, database):
    query = ("SELECT CAST(5 AS SMALLINT) a, CAST(5 AS BIGINT) b, CAST(1.5 AS REAL) c, CAST('x' AS VARCHAR) d, "
             "CAST('2024-02-29' AS DATE) e, CAST('2024-02-29 01:02:03' AS TIMESTAMP) f, TRUE g, NULL h")
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        table = cursor.fetch_arrow_table()
    kinds = [str(field.type) for field in table.schema]
    assert kinds[:5] == ["int16", "int64", "float", "string", "date32[day]"] and kinds[6] == "bool", kinds
    assert list(table.to_pylist()[0].values())[:7] == [
        5, 5, 1.5, "x", datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 1, 2, 3), True]
    with connect(server) as connection:
        assert decimal.Decimal(rows(connection, "SELECT CAST(1.25 AS DECIMAL(10, 2))")[0][0]) == decimal.Decimal("1.25")


def test_many_rows(server, database):
    series = "range(1000000)" if is_duckdb(database) else "generate_series(0, 999999)"
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {series} AS t(n)")
        table = cursor.fetch_arrow_table()
    assert table.num_rows == 1_000_000 and table.column(0)[-1].as_py() == 999_999


def test_counts_are_true(cflight, server):
    for statement, count in [("INSERT INTO article VALUES (4, 'a', 1), (5, 'b', 2)", 2),
                             ("UPDATE article SET price = 3 WHERE id > 3", 2), ("DELETE FROM article WHERE id > 3", 2)]:
        assert cflight.run("sql", "--update", server.location, statement, check=True).stdout == f"{count}\n"
    with connect(server) as connection:
        assert rows(connection, "INSERT INTO article VALUES (7, 'cap', 4) RETURNING id") == [(7,)]
        assert rows(connection, "SELECT count(*) FROM article") == [(4,)]


def test_parameters_and_units(server, database):
    mark = ("?", "?") if is_duckdb(database) else ("$1", "$2")
    insert = f"INSERT INTO article (id, name) VALUES ({mark[0]}, {mark[1]})"
    with connect(server) as connection, connection.cursor() as cursor:
        assert rows(connection, f"SELECT name FROM article WHERE id = {mark[0]}", (2,)) == [("book",)]
        cursor.executemany(insert, [(10, "a"), (11, "b"), (12, "c")])
        assert rows(connection, "SELECT count(*) FROM article") == [(6,)]
        with pytest.raises(adbc.Error):
            cursor.executemany(insert, [(20, "a"), (21, "b"), (10, "again")])
        assert rows(connection, "SELECT count(*) FROM article") == [(6,)]


def test_transactions(server):
    with connect(server, autocommit=False) as writer, connect(server) as reader:
        rows(writer, "INSERT INTO article VALUES (4, 'a', 1)")
        assert rows(reader, "SELECT count(*) FROM article") == [(3,)]
        writer.rollback()
        rows(writer, "INSERT INTO article VALUES (5, 'a', 1)")
        writer.commit()
        assert rows(reader, "SELECT count(*), max(id) FROM article") == [(4, 5)]


@pytest.mark.parametrize("mode, table, expected", [("create", "fresh", 1000), ("append", "article", 1003),
                                                   ("create", "article", None), ("append", "fresh", None)])
def test_ingest(server, mode, table, expected):
    data = pa.table({"id": pa.array(range(100, 1100), pa.int32()), "name": ["x"] * 1000, "price": [1.5] * 1000})
    with connect(server) as connection, connection.cursor() as cursor:
        if expected is None:
            with pytest.raises(adbc.Error):
                cursor.adbc_ingest(table, data, mode=mode)
            assert rows(connection, "SELECT count(*) FROM article") == [(3,)]
        else:
            assert cursor.adbc_ingest(table, data, mode=mode) in (1000, -1)
            assert rows(connection, f"SELECT count(*) FROM {table}") == [(expected,)]


def test_an_ingest_that_fails_leaves_nothing(server):
    data = pa.table({"id": pa.array([50, 51, 1], pa.int32()), "name": ["a", "b", "c"], "price": [1.0, 2.0, 3.0]})
    with connect(server) as connection, connection.cursor() as cursor:
        with pytest.raises(adbc.Error):
            cursor.adbc_ingest("article", data, mode="append")
        assert rows(connection, "SELECT count(*) FROM article") == [(3,)]


def test_lists(server, database):
    with connect(server) as connection:
        objects = connection.adbc_get_objects(table_name_filter="article").read_all().to_pylist()
        tables = [table for catalog in objects for schema in catalog["catalog_db_schemas"]
                  for table in schema["db_schema_tables"]]
        assert [column["column_name"] for column in tables[0]["table_columns"]] == ["id", "name", "price"]
        assert connection.adbc_get_info()["vendor_name"].lower() == ("duckdb" if is_duckdb(database) else "postgresql")


def test_errors(cflight, server, database):
    done = cflight.run("sql", server.location, "SELECT * FROM nowhere")
    assert done.returncode != 0 and "nowhere" in done.stderr
    assert is_duckdb(database) or ("SQLSTATE 42P01" in done.stderr and "NOT_FOUND" in done.stderr)
    done = cflight.run("sql", server.location, "INSERT INTO article VALUES (1, 'again', 0)")
    assert done.returncode != 0 and (is_duckdb(database) or "SQLSTATE 23505" in done.stderr)


def test_what_a_session_sets_is_not_anothers(cflight, server):
    with connect(server) as connection:
        rows(connection, "SELECT 1")
        rows(connection, "CREATE TEMPORARY TABLE mine AS SELECT 5 AS a")
        assert rows(connection, "SELECT a FROM mine") == [(5,)]
    for _ in range(3):
        assert cflight.run("sql", server.location, "SELECT a FROM mine").returncode != 0


def test_read_only(cflight, database):
    with cflight.serving(database, "--read-only") as server, connect(server) as connection:
        assert rows(connection, "SELECT count(*) FROM article") == [(3,)]
        with pytest.raises(adbc.Error, match="read only"):
            rows(connection, "DELETE FROM article")


def test_read_only_is_held_by_the_database(cflight, postgresql, database):
    """A query may call what writes, and may call what allows writing: neither helps."""
    if is_duckdb(database):
        pytest.skip("DuckDB opens its file for reading")
    with cflight.serving(database) as server, connect(server) as connection:
        rows(connection, "CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM article RETURNING 1'")
    with cflight.serving(database, "--read-only") as server, connect(server) as connection:
        for query in ("SELECT wipe()", "SELECT set_config('default_transaction_read_only', 'off', false), wipe()"):
            with pytest.raises(adbc.Error, match="read-only"):
                rows(connection, query)
        rows(connection, "SELECT set_config('default_transaction_read_only', 'off', false)")
        with pytest.raises(adbc.Error, match="read-only"):
            rows(connection, "SELECT wipe()")
        assert rows(connection, "SELECT count(*) FROM article") == [(3,)]


def test_users_who_may_only_read(cflight, database, tmp_path):
    """The database keeps them from writing, and nobody else; where it cannot, the server does not start."""
    if is_duckdb(database):
        with pytest.raises(AssertionError, match="duckdb is opened for reading by all or by none"):
            with served_with_rights(cflight, database, tmp_path):
                pass
        return
    with served_with_rights(cflight, database, tmp_path) as (_, connect_as), connect_as("ann") as ann, connect_as("bob") as bob:
        rows(ann, "CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM article RETURNING 1'")
        for _ in range(3):
            for query in ("SELECT wipe()", "SELECT set_config('default_transaction_read_only', 'off', false), wipe()"):
                with pytest.raises(adbc.Error, match="read-only"):
                    rows(bob, query)
            rows(bob, "SELECT set_config('default_transaction_read_only', 'off', false)")
            with pytest.raises(adbc.Error, match="for this user, this server is read only"):
                rows(bob, "DELETE FROM article")
            rows(ann, "INSERT INTO article VALUES (77, 'x', 1)")
            rows(ann, "DELETE FROM article WHERE id = 77")
        assert rows(bob, "SELECT count(*) FROM article") == [(3,)]


def test_long_statements_are_cancelled(cflight, postgresql, database):
    if is_duckdb(database):
        pytest.skip("there is no statement that sleeps")
    with cflight.serving(database, "--query-timeout", "0.5", "--database-connections-max", "1") as server:
        begin = time.monotonic()
        done = cflight.run("sql", server.location, "SELECT pg_sleep(60)")
        assert done.returncode != 0 and "--query-timeout" in done.stderr and time.monotonic() - begin < 20
    with cflight.serving(database, "--database-connections-max", "1") as server:
        assert cflight.run("sql", "--timeout", "1", server.location, "SELECT pg_sleep(60)").returncode != 0
        # Its connection is the only one, and was given back.
        assert cflight.run("sql", server.location, "SELECT 5 AS a", "--format", "csv", check=True).stdout == "a\n5\n"
