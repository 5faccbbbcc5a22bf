# SPDX-License-Identifier: Apache-2.0
"""The checks of ADBC's validation suite that are about statements, with `cflight serve sqlite:` behind the driver.
Each has the name of its check; validation.md lists them all."""

import adbc_driver_manager as adbc
import pyarrow as pa
import pytest

from conftest import execute, fails_with, query, reader_of, rows_of, sample_table, schema_of, table_of

CODES = adbc.AdbcStatusCode
INTS = [42, -42, None]


@pytest.fixture
def uri(gateway_uri):
    return gateway_uri


@pytest.fixture
def statement(lowlevel):
    with adbc.AdbcStatement(lowlevel) as made:
        yield made


def run(statement, text):
    """Runs a query: its rows as a table, and the number that the driver tells."""
    statement.set_sql_query(text)
    handle, count = statement.execute_query()
    return table_of(handle), count


def prepare(statement, text):
    statement.set_sql_query(text)
    statement.prepare()


# ---- parts ----


def test_sql_partitioned_ints(database, statement):
    statement.set_sql_query("SELECT 42")
    partitions, schema, count = statement.execute_partitions()
    assert (len(partitions), len(schema_of(schema)), count) == (1, 1, 1)
    with adbc.AdbcConnection(database) as other:
        assert rows_of(other.read_partition(partitions[0])) == [(42,)]


# ---- preparing ----


def test_sql_prepare_get_parameter_schema(statement):
    prepare(statement, "SELECT ?, ?")
    assert len(schema_of(statement.get_parameter_schema())) == 2


def test_sql_prepare_select_no_params(statement):
    prepare(statement, "SELECT 1")
    handle, count = statement.execute_query()
    assert rows_of(handle) == [(1,)] and count in (1, -1)


def test_sql_prepare_select_params(statement):
    prepare(statement, "SELECT ?, ?")
    strings = ["", None, "bar"]
    statement.bind(pa.record_batch({"int64s": INTS, "strings": strings}))
    table = table_of(statement.execute_query()[0])
    assert [column.to_pylist() for column in table.columns] == [INTS, strings]
    assert table.schema.types == [pa.int64(), pa.string()]


def test_sql_prepare_update(statement, table):
    batch = pa.record_batch({"int64s": INTS})
    statement.set_options(**{"adbc.ingest.target_table": table})
    statement.bind(batch)
    assert statement.execute_update() == 3
    prepare(statement, f"INSERT INTO {table} VALUES (?)")
    statement.bind(batch)
    assert statement.execute_update() == 3
    assert run(statement, f"SELECT * FROM {table}")[0].to_pydict() == {"int64s": INTS + INTS}


def test_sql_prepare_update_no_params(statement, table):
    execute_update = statement.execute_update
    prepare(statement, f"CREATE TABLE {table} (a INT)")
    execute_update()
    prepare(statement, f"INSERT INTO {table} VALUES (1)")
    assert [execute_update(), execute_update()] == [1, 1]
    assert run(statement, f"SELECT * FROM {table}")[0].to_pydict() == {"a": [1, 1]}


def test_sql_prepare_update_stream(statement, table):
    schema = pa.schema([("ints", pa.int64())])
    statement.set_options(**{"adbc.ingest.target_table": table})
    statement.bind(pa.record_batch([pa.array([], pa.int64())], schema))
    statement.execute_update()
    prepare(statement, f"INSERT INTO {table} VALUES (?)")
    batches = [pa.record_batch([pa.array(values, pa.int64())], schema) for values in ([1, 2, None, 3], [None, 3])]
    statement.bind_stream(pa.RecordBatchReader.from_batches(schema, batches))
    assert statement.execute_update() == 6
    found, _ = run(statement, f"SELECT * FROM {table}")
    assert found.schema == schema and found["ints"].to_pylist() == [1, 2, None, 3, None, 3]


def test_sql_prepare_error_no_query(statement):
    fails_with(CODES.INVALID_STATE, statement.prepare)


def test_sql_prepare_error_param_count_mismatch(statement):
    prepare(statement, "SELECT ?, ?")
    statement.bind(pa.record_batch({"int64s": INTS}))
    with pytest.raises(adbc.Error):
        statement.execute_query()


def test_sql_bind(lowlevel, statement, table):
    execute(lowlevel, f"CREATE TABLE {table} (col1 INTEGER, col2 TEXT)")
    prepare(statement, f"INSERT INTO {table} VALUES (?, ?)")
    columns = [pa.array([None, -123, 123], pa.int32()), pa.array(["abc", None, "defg"])]
    statement.bind(pa.RecordBatch.from_arrays(columns, ["", ""]))
    assert statement.execute_update() == 3
    found, _ = run(statement, f"SELECT * FROM {table} ORDER BY col1 ASC NULLS FIRST")
    assert [column.to_pylist() for column in found.columns] == [column.to_pylist() for column in columns]


# ---- queries ----


def test_sql_query_empty(lowlevel, statement, table):
    execute(lowlevel, f"CREATE TABLE {table} (FOO INT)")
    found, count = run(statement, f"SELECT * FROM {table} WHERE 1=0")
    assert found.num_rows == 0 and found.column_names == ["FOO"] and count in (0, -1)


def check_one(statement, text, kind, value):
    found, count = run(statement, text)
    assert (found.schema.types, found.column(0).to_pylist()) == ([kind], [value]) and count in (1, -1)


def test_sql_query_ints(statement):
    check_one(statement, "SELECT 42", pa.int64(), 42)


def test_sql_query_floats(statement):
    check_one(statement, "SELECT CAST(1.5 AS REAL)", pa.float64(), 1.5)


def test_sql_query_strings(statement):
    check_one(statement, "SELECT 'SaShiSuSeSo'", pa.string(), "SaShiSuSeSo")


def test_sql_query_insert_rollback(lowlevel, statement, table):
    lowlevel.set_autocommit(False)
    execute(lowlevel, f"CREATE TABLE {table} (a INT)")
    lowlevel.commit()
    execute(lowlevel, f"INSERT INTO {table} (a) VALUES (1)")
    lowlevel.rollback()
    assert run(statement, f"SELECT * FROM {table}")[0].num_rows == 0


def test_sql_query_cancel(statement):
    statement.set_sql_query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 25000000) "
                            "SELECT x FROM n")
    reader = reader_of(statement.execute_query()[0])
    assert reader.read_next_batch().num_rows > 0
    statement.cancel()
    with pytest.raises(OSError, match="cancelled"):
        reader.read_all()


def test_sql_query_cancel_of_a_result_that_has_come(statement):
    statement.set_sql_query("SELECT 'SaShiSuSeSo'")
    reader = reader_of(statement.execute_query()[0])
    statement.cancel()
    with pytest.raises(OSError, match="cancelled"):
        reader.read_all()


def test_sql_query_errors(statement):
    statement.set_sql_query("this is not a query")
    fails_with(CODES.INVALID_ARGUMENT, statement.execute_update)
    fails_with(CODES.INVALID_ARGUMENT, statement.execute_query)


def test_sql_query_trailing_semicolons(statement):
    assert run(statement, "SELECT current_date;;;")[0].num_rows == 1


def delete_three(statement, table):
    for text in (f"CREATE TABLE {table} (foo INT)", f"INSERT INTO {table} (foo) VALUES (1), (2), (3), (4), (5)"):
        statement.set_sql_query(text)
        statement.execute_update()
    statement.set_sql_query(f"DELETE FROM {table} WHERE foo >= 3")


def test_sql_query_rows_affected_delete(statement, table):
    delete_three(statement, table)
    assert statement.execute_update() == 3


def test_sql_query_rows_affected_delete_stream(statement, table):
    delete_three(statement, table)
    statement.prepare()
    handle, count = statement.execute_query()
    assert (count, rows_of(handle)) == (3, [])


# ---- schemas ----


SCHEMAS = {"ints": ("SELECT 42", pa.int64()), "floats": ("SELECT CAST(1.5 AS REAL)", pa.float64()),
           "strings": ("SELECT 'hi'", pa.string())}


@pytest.mark.parametrize("check", SCHEMAS)
def test_sql_schema(statement, check):
    text, kind = SCHEMAS[check]
    statement.set_sql_query(text)
    assert schema_of(statement.execute_schema()).types == [kind]


def test_sql_schema_errors(statement):
    fails_with(CODES.INVALID_STATE, statement.execute_schema)


# ---- transactions, and several of a kind ----


def test_transactions(database, lowlevel, table):
    assert lowlevel.get_option("adbc.connection.autocommit") == "true"
    with adbc.AdbcConnection(database) as other:
        lowlevel.set_autocommit(False)
        assert lowlevel.get_option("adbc.connection.autocommit") == "false"
        sample_table(lowlevel, table)
        text = f"SELECT * FROM {table}"
        assert len(query(lowlevel, text)) == 3
        fails_with(CODES.INVALID_ARGUMENT, query, other, text)
        lowlevel.rollback()
        fails_with(CODES.INVALID_ARGUMENT, query, lowlevel, text)
        lowlevel.rollback()
        sample_table(lowlevel, table)
        lowlevel.commit()
        assert len(query(other, text)) == 3


def test_concurrent_statements(lowlevel):
    with adbc.AdbcStatement(lowlevel) as first, adbc.AdbcStatement(lowlevel) as second:
        handles = []
        for statement in (first, second):
            statement.set_sql_query("SELECT 'SaShiSuSeSo'")
            handles.append(statement.execute_query()[0])
        assert [rows_of(handle) for handle in reversed(handles)] == [[("SaShiSuSeSo",)]] * 2


def test_result_independence(driver, uri):
    database = adbc.AdbcDatabase(driver=driver, uri=uri)
    connection = adbc.AdbcConnection(database)
    statement = adbc.AdbcStatement(connection)
    statement.set_sql_query("SELECT 42")
    handle, _ = statement.execute_query()
    for thing in (statement, connection, database):
        thing.close()
    assert rows_of(handle) == [(42,)]


def test_result_invalidation(statement):
    statement.set_sql_query("SELECT 42")
    first = reader_of(statement.execute_query()[0])
    second, _ = statement.execute_query()
    with pytest.raises(OSError, match="cancelled"):
        first.read_all()
    assert rows_of(second) == [(42,)]
