# SPDX-License-Identifier: Apache-2.0
"""The ADBC driver for Flight SQL against a server of the kit (tests/unit/sql/sql_engine.h has its language)."""

import threading

import adbc_driver_flightsql as driver
import adbc_driver_manager as adbc
import pyarrow
import pytest
from adbc_driver_flightsql import dbapi


@pytest.fixture
def connection(sql_service):
    """A connection that commits each statement and keeps its cookie."""
    options = {driver.DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
    with dbapi.connect(sql_service, db_kwargs=options, autocommit=True) as opened:
        yield opened


@pytest.fixture
def table(connection, request):
    """The name of a fresh table."""
    name = request.node.name.removeprefix("test_")[:24]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP {name}")
        cursor.execute(f"CREATE {name}")
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP {name}")


def rows(connection, name):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}")
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("count", [0, 1, 5000, 300000])
def test_queries(connection, count):
    with connection.cursor() as cursor:
        cursor.execute(f"COUNT {count}")
        table = cursor.fetch_arrow_table()
        assert table.num_rows == count
        assert table.schema.names == ["n"]
        assert table["n"].to_pylist() == list(range(count))


def test_statements_run_once(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT {table} 7")
        assert cursor.rowcount == 1
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT {table} 8")
        cursor.fetchall()
    assert rows(connection, table) == [7, 8]


def test_parameters(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT ?", (41,))
        assert cursor.fetchall() == [(41,)]


def test_executemany(connection, table):
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT {table} ?", [(1,), (2,), (3,)])
        assert cursor.rowcount in (3, -1)
    assert rows(connection, table) == [1, 2, 3]


def test_transactions(sql_service, connection, table):
    with dbapi.connect(sql_service) as other:
        with other.cursor() as cursor:
            cursor.execute(f"INSERT {table} 1")
            other.rollback()
            assert rows(connection, table) == []
            cursor.execute(f"INSERT {table} 2")
            other.commit()
    assert rows(connection, table) == [2]


@pytest.mark.parametrize("mode, found", [("append", [9, 1, 2]), ("create_append", [9, 1, 2]), ("replace", [1, 2])])
def test_ingest(connection, table, mode, found):
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT {table} 9")
        assert cursor.adbc_ingest(table, pyarrow.table({"n": [1, 2]}), mode=mode) in (2, -1)
    assert rows(connection, table) == found


def test_ingest_create(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP {table}")
        cursor.adbc_ingest(table, pyarrow.table({"n": [4]}), mode="create")
        with pytest.raises(dbapi.Error, match="is there"):
            cursor.adbc_ingest(table, pyarrow.table({"n": [4]}), mode="create")
    assert rows(connection, table) == [4]


@pytest.mark.parametrize("depth", ["catalogs", "db_schemas", "tables", "columns", "all"])
def test_get_objects(connection, table, depth):
    objects = connection.adbc_get_objects(depth=depth).read_all().to_pylist()
    assert [catalog["catalog_name"] for catalog in objects] == ["main"]
    schemas = objects[0]["catalog_db_schemas"]
    if depth == "catalogs":
        assert not schemas
        return
    assert [schema["db_schema_name"] for schema in schemas] == [""]
    if depth == "db_schemas":
        return
    found = {entry["table_name"]: entry for entry in schemas[0]["db_schema_tables"]}
    assert found[table]["table_type"] == "TABLE"
    if depth in ("columns", "all"):
        assert [column["column_name"] for column in found[table]["table_columns"]] == ["n"]


def test_table_types_and_schemas(connection, table):
    assert connection.adbc_get_table_types() == ["TABLE"]
    assert connection.adbc_get_table_schema(table) == pyarrow.schema([("n", pyarrow.int64())])


def test_info(connection):
    info = connection.adbc_get_info()
    assert info["vendor_name"] == "cflight"


def test_partitions(connection):
    with connection.cursor() as cursor:
        partitions, schema = cursor.adbc_execute_partitions("PARTS 3")
        assert schema.names == ["n"]
        counts = []
        for partition in partitions:
            cursor.adbc_read_partition(partition)
            counts.append(cursor.fetch_arrow_table().num_rows)
    assert counts == [1000, 2000, 3000]


def test_cancel(connection):
    with connection.cursor() as cursor:
        timer = threading.Timer(0.3, cursor.adbc_cancel)
        timer.start()
        with pytest.raises(dbapi.Error, match="(?i)cancel"):
            cursor.execute("SLEEP")
        timer.join()
    assert rows_of_count(connection) == 3


def rows_of_count(connection):
    with connection.cursor() as cursor:
        cursor.execute("COUNT 3")
        return len(cursor.fetchall())


def test_errors(connection):
    with connection.cursor() as cursor:
        with pytest.raises(dbapi.ProgrammingError, match="FAIL because"):
            cursor.execute("FAIL because")
        with pytest.raises(dbapi.ProgrammingError, match="there is no table nowhere"):
            cursor.execute("SELECT nowhere")


def test_a_session_keeps_what_sql_began(sql_service, connection):
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
    with dbapi.connect(sql_service, autocommit=True) as other, other.cursor() as cursor:
        with pytest.raises(dbapi.Error, match="needs a session"):
            cursor.execute("BEGIN")


def test_a_login_is_answered(sql_service):
    options = {"username": "who", "password": "ever"}
    with dbapi.connect(sql_service, db_kwargs=options, autocommit=True) as opened:
        assert rows_of_count(opened) == 3
