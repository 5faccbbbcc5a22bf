# SPDX-License-Identifier: Apache-2.0
"""Statements: queries, updates, parameters, ingest, partitions, cancel. The names are those of the checks of ADBC's
validation suite where there is one."""

import threading

import adbc_driver_manager as adbc
import pyarrow as pa
import pytest

from conftest import rows_of, schema_of

NULLS = pa.table({"int64s": pa.array([42, -42, None], pa.int64())})


def query(connection, text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()


def query_update(connection, text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.rowcount


# ---- queries ----


def test_sql_query_ints_floats_strings(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 42 AS i, 1.5 AS f, 'SaShiSuSeSo' AS s")
        assert cursor.fetch_arrow_table().to_pylist() == [{"i": 42, "f": 1.5, "s": "SaShiSuSeSo"}]


def test_sql_query_empty(connection, table):
    query_update(connection, f"CREATE TABLE {table} (FOO INT)")
    assert query(connection, f"SELECT * FROM {table} WHERE 1 = 0") == []


def test_sql_query_errors(connection):
    with connection.cursor() as cursor, pytest.raises(adbc.ProgrammingError) as caught:
        cursor.execute("SELECT FROM FROM")
    assert caught.value.status_code == adbc.AdbcStatusCode.INVALID_ARGUMENT
    assert caught.value.sqlstate == "42000"


def test_sql_query_trailing_semicolons(connection):
    assert query(connection, "SELECT 1;") == [(1,)]


def test_sql_query_insert_rollback(connect, table):
    connection = connect(autocommit=False)
    query_update(connection, f"CREATE TABLE {table} (FOO INT)")
    connection.commit()
    query_update(connection, f"INSERT INTO {table} VALUES (1)")
    connection.rollback()
    assert query(connection, f"SELECT * FROM {table}") == []
    query_update(connection, f"INSERT INTO {table} VALUES (2)")
    connection.commit()
    assert query(connection, f"SELECT * FROM {table}") == [(2,)]


@pytest.mark.parametrize("with_stream", [True, False])
def test_sql_query_rows_affected_delete(lowlevel, table, with_stream):
    statement = adbc.AdbcStatement(lowlevel)
    for text in (f"CREATE TABLE {table} (FOO INT)", f"INSERT INTO {table} VALUES (1), (2), (3), (4)"):
        statement.set_sql_query(text)
        statement.execute_update()
    statement.set_sql_query(f"DELETE FROM {table} WHERE FOO > 2")
    if with_stream:
        handle, count = statement.execute_query()
        assert rows_of(handle) == []
    else:
        count = statement.execute_update()
    assert count == 2
    statement.close()


def test_an_update_that_was_prepared_has_a_true_count_and_runs_once(connection, table):
    query_update(connection, f"CREATE TABLE {table} (FOO INT)")
    assert query_update(connection, f"INSERT INTO {table} VALUES (1), (2), (3)") == 3
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE FOO = 1")
        assert (cursor.rowcount, cursor.fetch_arrow_table().schema.names) == (1, [])
    assert query(connection, f"SELECT count(*) FROM {table}") == [(2,)]


def test_result_independence(lowlevel):
    statement = adbc.AdbcStatement(lowlevel)
    statement.set_sql_query("SELECT 42")
    handle, _ = statement.execute_query()
    reader = pa.RecordBatchReader._import_from_c(handle.address)
    statement.close()
    assert reader.read_all().num_rows == 1


def test_result_invalidation(lowlevel):
    statement = adbc.AdbcStatement(lowlevel)
    statement.set_sql_query("-- endless\nSELECT 1")
    handle, _ = statement.execute_query()
    first = pa.RecordBatchReader._import_from_c(handle.address)
    first.read_next_batch()
    statement.set_sql_query("SELECT 1")
    second, _ = statement.execute_query()
    with pytest.raises((pa.lib.ArrowCancelled, OSError)):
        first.read_all()
    assert rows_of(second) == [(1,)]
    statement.close()


def test_concurrent_statements(lowlevel):
    statements = [adbc.AdbcStatement(lowlevel) for _ in range(3)]
    handles = []
    for number, statement in enumerate(statements):
        statement.set_sql_query(f"SELECT {number}")
        handles.append(statement.execute_query()[0])
    assert [rows_of(handle) for handle in handles] == [[(0,)], [(1,)], [(2,)]]
    for statement in statements:
        statement.close()


# ---- schemas ----


def test_sql_schema_ints_and_errors(lowlevel):
    statement = adbc.AdbcStatement(lowlevel)
    statement.set_sql_query("SELECT 42 AS a, 'x' AS b")
    schema = schema_of(statement.execute_schema())
    assert schema == pa.schema([("a", pa.int64()), ("b", pa.string())])
    statement.set_sql_query("SELECT FROM FROM")
    with pytest.raises(adbc.ProgrammingError):
        statement.execute_schema()
    statement.close()


# ---- preparing and parameters ----


def test_sql_prepare_error_no_query(lowlevel):
    with adbc.AdbcStatement(lowlevel) as statement:
        for function in (statement.prepare, statement.execute_query, statement.execute_update,
                         statement.execute_schema, statement.execute_partitions, statement.get_parameter_schema):
            with pytest.raises(adbc.Error) as caught:
                function()
            assert caught.value.status_code == adbc.AdbcStatusCode.INVALID_STATE


def test_sql_prepare_get_parameter_schema(lowlevel):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query("SELECT ?, ?")
        statement.prepare()
        schema = schema_of(statement.get_parameter_schema())
        assert schema == pa.schema([("", pa.null()), ("", pa.null())])


def test_sql_prepare_select_no_params(lowlevel):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query("SELECT 1")
        statement.prepare()
        for _ in range(2):
            handle, count = statement.execute_query()
            assert rows_of(handle) == [(1,)]
            assert count in (1, -1)


def test_sql_prepare_select_params(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT ? AS a, ? AS b", (42, "x"))
        assert cursor.fetchall() == [(42, "x")]
        cursor.executemany("SELECT ? AS a", pa.table({"a": [1, 2, 3]}))
        cursor.execute("SELECT 5")  # the parameters of the former query are not for this one
        assert cursor.fetchall() == [(5,)]


def test_sql_prepare_select_of_many_rows_of_parameters(lowlevel):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query("SELECT ? AS a")
        statement.prepare()
        batch = pa.record_batch({"0": [42, -42]})
        statement.bind(batch)
        for _ in range(2):  # a batch stays bound
            handle, _ = statement.execute_query()
            assert rows_of(handle) == [(42,), (-42,)]


@pytest.mark.parametrize("is_stream", [False, True])
def test_sql_prepare_update(lowlevel, table, is_stream):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query(f"CREATE TABLE {table} (FOO INT)")
        statement.execute_update()
        statement.set_sql_query(f"INSERT INTO {table} VALUES (?)")
        statement.prepare()
        if is_stream:
            statement.bind_stream(NULLS.to_reader())
        else:
            statement.bind(NULLS.to_batches()[0])
        assert statement.execute_update() == 3
        statement.set_sql_query(f"SELECT * FROM {table}")
        assert rows_of(statement.execute_query()[0]) == [(42,), (-42,), (None,)]


def test_sql_prepare_update_no_params(lowlevel, table):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query(f"CREATE TABLE {table} (FOO INT)")
        statement.prepare()
        statement.execute_update()
        statement.set_sql_query(f"INSERT INTO {table} VALUES (1)")
        statement.prepare()
        assert [statement.execute_update(), statement.execute_update()] == [1, 1]


def test_sql_bind_without_prepare(lowlevel):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query("SELECT ? AS a")
        statement.bind(pa.record_batch({"0": ["x"]}))
        assert rows_of(statement.execute_query()[0]) == [("x",)]


def test_sql_prepare_error_param_count_mismatch(lowlevel):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query("SELECT ?, ?")
        statement.prepare()
        statement.bind(pa.record_batch({"0": [1]}))
        with pytest.raises(adbc.Error):
            statement.execute_query()


def test_what_was_prepared_is_prepared_anew_in_another_transaction(connect, table):
    query_update(connect(), f"CREATE TABLE {table} (FOO INT)")
    connection = connect(autocommit=False)
    with connection.cursor() as cursor:
        for number in range(2):
            cursor.execute(f"INSERT INTO {table} VALUES (?)", (number,))
            connection.commit()
        cursor.execute(f"INSERT INTO {table} VALUES (?)", (9,))
        connection.rollback()
    assert query(connection, f"SELECT * FROM {table}") == [(0,), (1,)]


# ---- transactions ----


def test_transactions(connect, table):
    first, second = connect(autocommit=False), connect()
    query_update(second, f"CREATE TABLE {table} (FOO INT)")
    with first.cursor() as cursor:
        cursor.adbc_ingest(table, pa.table({"FOO": [1, 2]}), mode="append")
    first.rollback()
    assert query(second, f"SELECT * FROM {table}") == []
    with first.cursor() as cursor:
        cursor.adbc_ingest(table, pa.table({"FOO": [1, 2]}), mode="append")
    first.commit()
    assert query(second, f"SELECT * FROM {table}") == [(1,), (2,)]
    query_update(first, f"INSERT INTO {table} VALUES (3)")
    first.close()  # without commit
    assert query(second, f"SELECT count(*) FROM {table}") == [(2,)]


# ---- ingest ----


TYPES = {
    "bool": [True, False, None], "int8": [-1, 1, None], "int16": [-300, 300, None], "int32": [-70000, 70000, None],
    "int64": [-(2**40), 2**40, None], "uint8": [0, 255, None], "uint16": [0, 65535, None],
    "uint32": [0, 2**32 - 1, None], "uint64": [0, 2**50, None], "float": [-1.5, 0.25, None],
    "double": [1e100, -2.5, None], "string": ["", "Ärger", None], "large_string": ["", "x" * 100, None],
    "string_view": ["", "a long text that is not inline", None], "binary": [b"", b"\x00\x01", None],
    "large_binary": [b"", b"\xff", None], "binary_view": [b"", b"thirteen bytes", None],
}


@pytest.mark.parametrize("kind", TYPES)
def test_sql_ingest_type(connection, table, kind):
    values = TYPES[kind]
    rows = pa.table({"v": pa.array(values, getattr(pa, {"float": "float32", "double": "float64"}.get(kind, kind)
                                                   if kind != "bool" else "bool_")())})
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(table, rows) == 3
    assert [row[0] for row in query(connection, f"SELECT v FROM {table}")] == values


FOREIGN_TYPES = [
    pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.timestamp("s"),
    pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("s", "America/Los_Angeles"),
    pa.timestamp("us", "UTC"), pa.duration("s"), pa.duration("ns"), pa.month_day_nano_interval(), pa.float16(),
    pa.decimal128(10, 2), pa.binary(3), pa.list_(pa.int32()), pa.struct([("a", pa.int64())]), pa.null(),
]


@pytest.mark.parametrize("kind", FOREIGN_TYPES, ids=str)
def test_sql_ingest_type_that_sqlite_has_not(connection, table, kind):
    """They travel; the server keeps them as texts."""
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(table, pa.table({"v": pa.nulls(3, kind)})) == 3
    assert query(connection, f"SELECT v FROM {table}") == [(None,)] * 3


@pytest.mark.parametrize("options", [{"catalog_name": "main"}, {"db_schema_name": ""}, {"db_schema_name": "main"},
                                     {"catalog_name": "main", "db_schema_name": "main"}], ids=str)
def test_sql_ingest_target_catalog_and_schema(connection, table, options):
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(table, pa.table({"v": [1]}), **options) == 1
    assert query(connection, f"SELECT v FROM {table}") == [(1,)]


def test_sql_ingest_temporary(connect, table):
    first, second = connect(), connect()
    assert query(first, "SELECT 1") == [(1,)]  # a session begins with some call
    with first.cursor() as cursor:
        assert cursor.adbc_ingest(table, pa.table({"v": [1]}), temporary=True) == 1
        assert cursor.adbc_ingest(table, pa.table({"v": [2]}), temporary=True, mode="append") == 1
    assert query(first, f"SELECT v FROM {table}") == [(1,), (2,)]
    with pytest.raises(adbc.ProgrammingError, match="no such table"):
        query(second, f"SELECT v FROM {table}")


@pytest.mark.parametrize("values", [pa.array(["a", "b", "a"]).dictionary_encode(), pa.array([1, None, 3]).slice(1)])
def test_sql_ingest_of_dictionaries_and_slices(connection, table, values):
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(table, pa.table({"v": values})) == len(values)
    assert [row[0] for row in query(connection, f"SELECT v FROM {table}")] == values.to_pylist()


def test_sql_ingest_stream_zero_arrays(connection, table):
    reader = pa.RecordBatchReader.from_batches(pa.schema([("v", pa.int64())]), [])
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(table, reader) == 0
    assert query(connection, f"SELECT count(*) FROM {table}") == [(0,)]


def test_sql_ingest_table_and_column_escaping(connection, table):
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(f'"{table}" ; x', pa.table({'"a" b': [1]})) == 1
        cursor.execute(f'SELECT """a"" b" FROM """{table}"" ; x"')
        assert cursor.fetchall() == [(1,)]


def test_sql_ingest_modes(connection, table):
    rows = pa.table({"v": [1, 2]})
    with connection.cursor() as cursor:
        with pytest.raises(adbc.Error) as caught:
            cursor.adbc_ingest(table, rows, mode="append")
        assert caught.value.status_code == adbc.AdbcStatusCode.NOT_FOUND
        assert cursor.adbc_ingest(table, rows, mode="create") == 2
        with pytest.raises(adbc.Error):
            cursor.adbc_ingest(table, rows, mode="create")
        assert cursor.adbc_ingest(table, rows, mode="append") == 2
        assert cursor.adbc_ingest(table, rows, mode="create_append") == 2
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (6,)
        assert cursor.adbc_ingest(table, pa.table({"w": ["x"]}), mode="replace") == 1
        cursor.execute(f"SELECT w FROM {table}")
        assert cursor.fetchall() == [("x",)]
        with pytest.raises(adbc.Error):  # a column that is not there
            cursor.adbc_ingest(table, pa.table({"z": ["x"]}), mode="append")


def test_sql_ingest_errors(lowlevel, table):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_options(**{"adbc.ingest.target_table": table})
        with pytest.raises(adbc.Error) as caught:
            statement.execute_update()
        assert caught.value.status_code == adbc.AdbcStatusCode.INVALID_STATE
        with pytest.raises(adbc.Error) as caught:
            statement.set_options(**{"adbc.ingest.mode": "never"})
        assert caught.value.status_code == adbc.AdbcStatusCode.INVALID_ARGUMENT
        statement.set_options(**{"adbc.ingest.temporary": "true", "adbc.ingest.target_catalog": "main"})
        statement.bind(pa.record_batch({"v": [1]}))
        with pytest.raises(adbc.Error) as caught:
            statement.execute_update()
        assert caught.value.status_code == adbc.AdbcStatusCode.INVALID_STATE
        statement.set_options(**{"adbc.ingest.target_table": table, "adbc.ingest.target_catalog": ""})
        statement.bind(pa.record_batch({"v": [1, 2]}))
        assert statement.execute_update() == 2


def test_sql_ingest_multiple_connections_and_sample(connect, table):
    first, second = connect(), connect()
    with first.cursor() as cursor:
        cursor.adbc_ingest(table, NULLS)
    with second.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        assert cursor.fetch_arrow_table() == NULLS


def test_sql_ingest_primary_key(connection, table):
    query_update(connection, f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, value INT)")
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(table, pa.table({"value": [42, -42]}), mode="append") == 2
    assert query(connection, f"SELECT * FROM {table}") == [(1, 42), (2, -42)]
    with connection.cursor() as cursor, pytest.raises(adbc.IntegrityError):
        cursor.execute(f"INSERT INTO {table} VALUES (1, 1)")


# ---- partitions and cancel ----


def test_sql_partitioned_ints(connect):
    first, second = connect(), connect()
    with first.cursor() as cursor, second.cursor() as other:
        partitions, schema = cursor.adbc_execute_partitions("SELECT 42 AS n")
        assert schema == pa.schema([("n", pa.int64())])
        assert len(partitions) == 1
        other.adbc_read_partition(partitions[0])
        assert other.fetchall() == [(42,)]
        with pytest.raises(adbc.ProgrammingError):
            other.adbc_read_partition(b"\xff nothing")


def test_execution_by_parts(lowlevel):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_options(**{"adbc.statement.exec.incremental": "true"})
        statement.set_sql_query("SELECT 42 AS n")
        assert statement.get_option_float("adbc.statement.exec.max_progress") == 1.0
        for _ in range(2):  # after the end it begins anew
            partitions, schema, count = statement.execute_partitions()
            assert (len(partitions), count) == (1, 1)
            assert schema_of(schema) == pa.schema([("n", pa.int64())])
            assert statement.get_option_bytes("adbc.flight.sql.statement.exec.last_flight_info") != b""
            assert rows_of(lowlevel.read_partition(partitions[0])) == [(42,)]
            assert statement.execute_partitions()[0] == []
        assert statement.get_option_bytes("adbc.flight.sql.statement.exec.last_flight_info") == b""


def test_sql_query_cancel(connection):
    with connection.cursor() as cursor:
        cursor.execute("-- endless\nSELECT 1")
        reader = cursor.fetch_record_batch()
        reader.read_next_batch()
        threading.Timer(0.2, cursor.adbc_cancel).start()
        with pytest.raises((pa.lib.ArrowCancelled, adbc.OperationalError, OSError), match="(?i)cancel"):
            for _ in reader:
                pass


def test_cancel_of_nothing(lowlevel):
    with adbc.AdbcStatement(lowlevel) as statement:
        for thing in (statement, lowlevel):
            with pytest.raises(adbc.ProgrammingError) as caught:
                thing.cancel()
            assert caught.value.status_code == adbc.AdbcStatusCode.INVALID_STATE
