# SPDX-License-Identifier: Apache-2.0
"""What people use ADBC for, as its makers document it, over `cflight serve sqlite:`: pandas, polars, DuckDB. Each runs
with a connection of the driver manager and with one of cflight.dbapi."""

import contextlib
import datetime
import sqlite3

import adbc_driver_manager.dbapi
import duckdb
import pandas
import polars
import pyarrow as pa
import pytest

from conftest import served_by_gateway


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE article (id INTEGER PRIMARY KEY, name TEXT, price REAL);
            INSERT INTO article VALUES (1, 'pen', 0.5), (2, 'book', 12.25), (3, 'ink', NULL);
        """)
    return path


@pytest.fixture(scope="module")
def gateway(shop):
    with served_by_gateway(shop) as server:
        yield server


@pytest.fixture(params=["the driver manager", "cflight.dbapi"])
def connection(request, driver, gateway, packages, monkeypatch):
    """A connection as people make them: without autocommit."""
    if request.param == "cflight.dbapi":
        monkeypatch.syspath_prepend(packages)
        made = pytest.importorskip("cflight.dbapi").connect(gateway.location)
    else:
        made = adbc_driver_manager.dbapi.connect(driver=driver, db_kwargs={"uri": gateway.location})
    with contextlib.closing(made):
        yield made


@pytest.fixture
def kept(shop, table):
    """Gives what the file has in the table of the test."""
    def rows():
        with contextlib.closing(sqlite3.connect(shop)) as database:
            return database.execute(f"SELECT * FROM {table}").fetchall()
    return rows


# ---- pandas ----


def test_pandas_reads(connection):
    query = "SELECT id, name, price FROM article ORDER BY id"
    frame = pandas.read_sql(query, connection)
    assert frame["id"].tolist() == [1, 2, 3] and frame["name"].tolist() == ["pen", "book", "ink"]
    assert frame["price"].isna().tolist() == [False, False, True] and frame["price"].dtype == "float64"
    assert pandas.read_sql(query, connection, index_col="id").loc[2, "name"] == "book"
    arrow = pandas.read_sql_query(query, connection, dtype_backend="pyarrow")
    assert [str(kind) for kind in arrow.dtypes] == ["int64[pyarrow]", "string[pyarrow]", "double[pyarrow]"]
    assert pandas.read_sql_table("article", connection, columns=["name"]).columns.tolist() == ["name"]
    assert pandas.read_sql("article", connection).shape == (3, 3)  # a name of a table, which GetObjects knows


def test_pandas_writes(connection, table, kept):
    """And commits."""
    frame = pandas.DataFrame({"n": [1, 2, 3], "t": ["a", "b", None], "r": [0.5, None, 2.0]})
    rows = [(1, "a", 0.5), (2, "b", None), (3, None, 2.0)]
    assert frame.to_sql(table, connection, index=False) == 3
    with pytest.raises(ValueError, match="already exists"):
        frame.to_sql(table, connection, index=False)
    assert kept() == rows
    assert frame.to_sql(table, connection, index=False, if_exists="append") == 3
    assert kept() == rows * 2
    for mode in ("replace", "delete_rows"):
        assert frame.to_sql(table, connection, index=False, if_exists=mode) == 3
        assert kept() == rows


def test_pandas_writes_what_sqlite_has_no_type_for(connection, table, kept):
    frame = pandas.DataFrame({"b": [True, False], "d": pandas.to_datetime(["2026-01-02", None])})
    frame.to_sql(table, connection, index=False)
    (first, second) = kept()
    assert first[0] == 1 and first[1].startswith("2026-01-02T00:00:00") and second == (0, None)
    assert pandas.read_sql(f"SELECT b FROM {table}", connection)["b"].tolist() == [1, 0]


# ---- polars ----


def test_polars_reads(connection, shop):
    query = "SELECT id, name, price FROM article ORDER BY id"
    frame = polars.read_database(query, connection)
    assert frame.schema == {"id": polars.Int64, "name": polars.String, "price": polars.Float64}
    assert frame.rows() == [(1, "pen", 0.5), (2, "book", 12.25), (3, "ink", None)]
    some = polars.read_database("SELECT name FROM article WHERE id = ?", connection, execute_options={"parameters": [2]})
    assert some.rows() == [("book",)]
    assert sum(part.height for part in polars.read_database(query, connection, iter_batches=True)) == 3
    with connection.cursor() as cursor:
        assert polars.read_database(query, cursor).equals(frame)


def test_polars_takes_a_uri(gateway, packages, monkeypatch):
    """The scheme is the name of the driver."""
    monkeypatch.syspath_prepend(packages)
    uri = f"cflight://localhost:{gateway.port}?transport=tcp"
    assert polars.read_database_uri("SELECT count(*) AS n FROM article", uri, engine="adbc").rows() == [(3,)]


def test_polars_writes(connection, table, kept):
    frame = polars.DataFrame({"n": [1, 2, None], "t": ["a", None, "c"], "r": [0.5, 1.5, None], "b": [b"x", b"", None]})
    assert frame.write_database(table, connection) == 3
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="already exists"):
        frame.write_database(table, connection, if_table_exists="fail")
    connection.commit()
    assert frame.write_database(table, connection, if_table_exists="append") == 3
    connection.commit()
    assert kept() == frame.rows() * 2
    assert frame.write_database(table, connection, engine="adbc", if_table_exists="replace") == 3
    connection.commit()
    assert kept() == frame.rows()
    assert polars.read_database(f"SELECT * FROM {table}", connection).equals(frame)


def test_polars_writes_to_a_uri(gateway, packages, monkeypatch, table, kept):
    monkeypatch.syspath_prepend(packages)
    uri = f"cflight://localhost:{gateway.port}?transport=tcp"
    frame = polars.DataFrame({"day": [datetime.date(2026, 1, 2)]})
    assert frame.write_database(table, uri, engine="adbc") == 1
    assert kept() == [("2026-01-02",)]


# ---- DuckDB ----


def test_duckdb_scans_rows_as_they_come(connection):
    with connection.cursor() as cursor:
        cursor.execute("WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t WHERE x < 100000) SELECT x FROM t")
        rows = cursor.fetch_record_batch()
        assert duckdb.sql("SELECT count(*), sum(x) FROM rows").fetchall() == [(100_000, 5_000_050_000)]
        cursor.execute("SELECT * FROM article")
        article = cursor.fetch_arrow_table()
    assert duckdb.sql("SELECT name FROM article WHERE price > 1").fetchall() == [("book",)]


def test_duckdb_writes(connection, table, kept):
    rows = duckdb.sql("SELECT range AS i, 'row ' || range AS t FROM range(10000)").to_arrow_reader()
    assert isinstance(rows, pa.RecordBatchReader)
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(table, rows, mode="create") == 10_000
    connection.commit()
    assert len(kept()) == 10_000 and kept()[-1] == (9999, "row 9999")
