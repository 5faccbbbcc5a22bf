# SPDX-License-Identifier: Apache-2.0
"""The same statements through ADBC's own driver for SQLite, and through ours, and the Go driver for Flight SQL, to a
server over SQLite: the same rows, types, numbers of rows and classes of errors."""

import contextlib
import itertools

import adbc_driver_flightsql.dbapi
import adbc_driver_manager as adbc
import adbc_driver_manager.dbapi
import pyarrow as pa
import pytest

sqlite = pytest.importorskip("adbc_driver_sqlite.dbapi", reason="adbc-driver-sqlite is not there")

SETUP = ["CREATE TABLE d (i INTEGER, r REAL, t TEXT, b BLOB)", "INSERT INTO d VALUES (1, 1.5, 'one', x'01')",
         "INSERT INTO d VALUES (2, -2.25, 'zwei ü', x'0203'), (3, NULL, NULL, NULL), (NULL, 4.0, '', x'')"]
COLUMNS = ["i", "r", "t", "b", "i + 1", "r * 2", "t || '!'", "length(b)", "i IS NULL", "coalesce(i, -1)", "typeof(r)"]
CLAUSES = ["", " WHERE i IS NOT NULL", " WHERE i > 1", " ORDER BY i DESC", " WHERE i IS NULL", " LIMIT 1",
           " WHERE 0", " WHERE t LIKE '%e%'"]
SELECTS = [f"SELECT {column} AS c FROM d{clause}" for column, clause in itertools.product(COLUMNS, CLAUSES)]
OTHERS = [
    "SELECT 1", "SELECT 1;", "SELECT NULL AS n", "SELECT 'it''s' AS t", "SELECT 9223372036854775807 AS m",
    "SELECT -9223372036854775808 AS m", "SELECT 1e308 AS m", "SELECT x'' AS e", "SELECT count(*) FROM d",
    "SELECT * FROM d", "SELECT i, t FROM d", "SELECT sum(i), avg(r), max(t) FROM d", "VALUES (1, 'a'), (2, 'b')",
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5000) SELECT x FROM n",
    "SELECT a.i, b.i FROM d a, d b ORDER BY 1, 2", "SELECT i FROM d GROUP BY i HAVING count(*) > 1",
    "SELECT 'a' AS same, 'b' AS same", 'SELECT 1 AS "a b"', "SELECT 1 AS \"\"", "/* why */ SELECT 1 -- because",
]
WRONG = ["SELEC 1", "SELECT", "SELECT nothing FROM d", "SELECT * FROM nothing", "INSERT INTO d VALUES (1)",
         "CREATE TABLE d (x)", "DROP TABLE nothing", "SELECT 'open", "SELECT (1"]
CHANGES = ["INSERT INTO d VALUES (10, 1, 'x', NULL)", "UPDATE d SET t = 'y' WHERE i >= 2", "UPDATE d SET t = 'z' WHERE 0",
           "DELETE FROM d WHERE i = 10", "DELETE FROM d", "CREATE TABLE e (x INTEGER)", "DROP TABLE e"]
PARAMETERS = [(1,), (-5,), (2.5,), ("text",), ("",), ("ünïcode",), (b"bytes",), (b"",), (None,), (True,), (2**62,)]


@pytest.fixture(scope="module")
def connections(driver, uri):
    with (contextlib.closing(sqlite.connect("file:differential?mode=memory", autocommit=True)) as theirs,
          contextlib.closing(adbc.dbapi.connect(driver=driver, db_kwargs={"uri": uri}, autocommit=True)) as ours,
          contextlib.closing(adbc_driver_flightsql.dbapi.connect(uri, autocommit=True)) as go):
        for connection in (theirs, ours):
            for statement in ["DROP TABLE IF EXISTS d", *SETUP]:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
        yield theirs, ours, go
        with ours.cursor() as cursor:
            cursor.execute("DROP TABLE d")


def outcome(connection, statement, parameters=None):
    """The rows with their types, or the class of the error."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            table = cursor.fetch_arrow_table()
            return table.schema.types, table.schema.names, [tuple(row.values()) for row in
                                                            table.rename_columns([str(i) for i in range(table.num_columns)])
                                                            .to_pylist()]
    except adbc.Error as error:
        return type(error)


@pytest.mark.parametrize("statement", SELECTS + OTHERS)
def test_queries(connections, statement):
    theirs, ours, go = (outcome(connection, statement) for connection in connections)
    assert ours == theirs == go


@pytest.mark.parametrize("statement", WRONG)
def test_wrong_statements(connections, statement):
    theirs, ours, go = (outcome(connection, statement) for connection in connections)
    assert isinstance(theirs, type) and isinstance(ours, type)
    assert ours is go


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_parameters(connections, parameters):
    theirs, ours, go = (outcome(connection, "SELECT ? AS c", parameters) for connection in connections)
    assert ours == theirs == go


def test_changes(connections):
    for statement in CHANGES:
        counts = []
        for connection in connections[:2]:
            with adbc.AdbcStatement(connection.adbc_connection) as prepared:
                prepared.set_sql_query(statement)
                counts.append(prepared.execute_update())
        assert outcome(connections[0], "SELECT * FROM d") == outcome(connections[1], "SELECT * FROM d"), statement
        assert counts[1] == counts[0] or statement.startswith(("CREATE", "DROP")), statement


@pytest.mark.parametrize("mode", ["create", "append", "replace", "create_append"])
@pytest.mark.parametrize("exists", [False, True])
def test_ingest(connections, table, mode, exists):
    rows = pa.table({"i": [1, None], "t": ["a", None], "r": [0.5, None], "b": [b"x", None]})
    results = []
    for connection in connections[:2]:
        with connection.cursor() as cursor:
            if exists:
                cursor.execute(f"CREATE TABLE {table} (i INTEGER, t TEXT, r REAL, b BLOB)")
            try:
                count = cursor.adbc_ingest(table, rows, mode=mode)
            except adbc.Error:
                count = "an error"
        results.append((count, outcome(connection, f"SELECT * FROM {table}") if count == 2 else None))
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
    assert results[0] == results[1]
