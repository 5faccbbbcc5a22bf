# SPDX-License-Identifier: Apache-2.0
"""The checks of ADBC's validation suite that are about ingest, with `cflight serve sqlite:` behind the driver. Each
has the name of its check; validation.md lists them all."""

import adbc_driver_manager as adbc
import pyarrow as pa
import pytest

from conftest import execute, fails_with, query, sample_table, table_of

CODES = adbc.AdbcStatusCode
INTS = pa.record_batch({"int64s": pa.array([42, -42, None], pa.int64())})
TEMPORARY = {"adbc.ingest.temporary": "true"}


@pytest.fixture
def uri(gateway_uri):
    return gateway_uri


def ingest(connection, table, rows, mode=None, **options):
    with adbc.AdbcStatement(connection) as statement:
        if mode:
            options["adbc.ingest.mode"] = "adbc.ingest.mode." + mode
        statement.set_options(**{"adbc.ingest.target_table": table, **options})
        if isinstance(rows, pa.RecordBatch):
            statement.bind(rows)
        else:
            statement.bind_stream(rows)
        return statement.execute_update()


def ints(name, *values):
    return pa.record_batch({name: pa.array(values, pa.int64())})


def strings(name, *values):
    return pa.record_batch({name: pa.array(values, pa.string())})


# ---- types ----

TEXTS = [None, "", "", "1234", "例"]
BYTES = [None, b"", b"\x00\x01", b"\x01\x02\x03\x04", b"\xfe\xff"]
HALVES = [None, -1.5, 1.5]


def integers(kind):
    unsigned, bits = "uint" in kind, int(kind.strip("uint"))
    return [None, 0 if unsigned else -(2**(bits - 1)), 2**bits - 1 if unsigned else 2**(bits - 1) - 1]


# Of a check: a type, values, the type and the values that come back of SQLite, which has four types.
TYPES = {
    "bool": (pa.bool_(), [None, False, True], pa.int64(), [None, 0, 1]),
    **{kind: (getattr(pa, kind)(), integers(kind), pa.int64(), integers(kind))
       for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")},
    "uint64": (pa.uint64(), [None, 0, 2**63 - 1], pa.int64(), [None, 0, 2**63 - 1]),
    "float16": (pa.float16(), HALVES, pa.float64(), HALVES),
    "float32": (pa.float32(), HALVES, pa.float64(), HALVES),
    "float64": (pa.float64(), HALVES, pa.float64(), HALVES),
    "string": (pa.string(), TEXTS, pa.string(), TEXTS),
    "large_string": (pa.large_string(), TEXTS, pa.string(), TEXTS),
    "string_view": (pa.string_view(), TEXTS + ["longer than 12 bytes"], pa.string(), TEXTS + ["longer than 12 bytes"]),
    "binary": (pa.binary(), BYTES, pa.binary(), BYTES),
    "large_binary": (pa.large_binary(), BYTES, pa.binary(), BYTES),
    "fixed_size_binary": (pa.binary(4), [None, b"abcd", b"efgh"], pa.binary(), [None, b"abcd", b"efgh"]),
    "binary_view": (pa.binary_view(), BYTES + [b"\xff" * 20], pa.binary(), BYTES + [b"\xff" * 20]),
    "date32": (pa.date32(), [None, 0, 42], pa.string(), [None, "1970-01-01", "1970-02-12"]),
    "string_dictionary": (pa.dictionary(pa.int32(), pa.string()), ["", "", "1234", "例"], pa.string(),
                          ["", "", "1234", "例"]),
}


@pytest.mark.parametrize("check", TYPES)
def test_sql_ingest_type(lowlevel, table, check):
    kind, values, kind_back, values_back = TYPES[check]
    assert ingest(lowlevel, table, pa.record_batch({"col": pa.array(values, kind)})) == len(values)
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query(f"SELECT * FROM {table} ORDER BY rowid")
        handle, count = statement.execute_query()
        found = table_of(handle)
    assert found.schema == pa.schema([("col", kind_back)])
    assert found["col"].to_pylist() == values_back and count in (len(values), -1)


@pytest.mark.parametrize("unit, expected", [("s", ["1969-12-31T23:59:18", "1970-01-01T00:00:42"]),
                                            ("ms", ["1969-12-31T23:59:59.958", "1970-01-01T00:00:00.042"]),
                                            ("us", ["1969-12-31T23:59:59.999958", "1970-01-01T00:00:00.000042"]),
                                            ("ns", ["1969-12-31T23:59:59.999999958", "1970-01-01T00:00:00.000000042"])])
@pytest.mark.parametrize("check, zone", [("timestamp", None), ("timestamp_tz", "UTC"),
                                         ("timestamp_tz", "America/Los_Angeles")])
def test_sql_ingest_time(lowlevel, table, unit, expected, check, zone):
    values = pa.array([None, -42, 42], pa.timestamp(unit, zone))
    assert ingest(lowlevel, table, pa.record_batch({"col": values})) == 3
    assert query(lowlevel, f"SELECT * FROM {table} ORDER BY rowid") == [(None,), (expected[0],), (expected[1],)]


# What the driver for SQLite refuses, in its words.
REFUSED = {
    "uint64": (pa.uint64(), [None, 0, 2**64 - 1], CODES.INVALID_ARGUMENT, "out of range"),
    **{f"duration in {unit}": (pa.duration(unit), [None, -42, 42], CODES.NOT_IMPLEMENTED, "unsupported type duration")
       for unit in ("s", "ms", "us", "ns")},
    "interval": (pa.month_day_nano_interval(), [None, (-5, -5, -42000)], CODES.NOT_IMPLEMENTED,
                 "unsupported type interval_month_day_nano"),
    "list_of_int32": (pa.list_(pa.int32()), [None, [1, 2, 3]], CODES.NOT_IMPLEMENTED, "unsupported type list"),
    "list_of_string": (pa.list_(pa.string()), [None, ["abc"]], CODES.NOT_IMPLEMENTED, "unsupported type list"),
}


@pytest.mark.parametrize("check", REFUSED)
def test_sql_ingest_type_that_sqlite_refuses(lowlevel, table, check):
    kind, values, code, text = REFUSED[check]
    assert text in fails_with(code, ingest, lowlevel, table, pa.record_batch({"col": pa.array(values, kind)}))
    fails_with(CODES.INVALID_ARGUMENT, query, lowlevel, f"SELECT * FROM {table}")  # nothing was left


# ---- names and modes ----


def test_sql_ingest_stream_zero_arrays(lowlevel, table):
    schema = pa.schema([("col", pa.int32())])
    assert ingest(lowlevel, table, pa.RecordBatchReader.from_batches(schema, [])) == 0
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_sql_query(f"SELECT * FROM {table}")
        handle, count = statement.execute_query()
        found = table_of(handle)
    assert (found.column_names, found.num_rows) == (["col"], 0) and count in (0, -1)


@pytest.mark.parametrize("check, name", [("table_escaping", "create_table_escaping"), ("column_escaping", "create"),
                                         ("column_escaping", 'in"dex; --')])
def test_sql_ingest_escaping(lowlevel, check, name):
    assert ingest(lowlevel, name, ints("index", 42, -42, None)) == 3
    quoted = name.replace('"', '""')
    assert query(lowlevel, f'SELECT "index" FROM "{quoted}"') == [(42,), (-42,), (None,)]


def test_sql_ingest_append(lowlevel, table):
    assert ingest(lowlevel, table, ints("int64s", 42)) == 1
    assert ingest(lowlevel, table, ints("int64s", -42, None), "append") == 2
    assert query(lowlevel, f"SELECT * FROM {table}") == [(42,), (-42,), (None,)]


def test_sql_ingest_replace(lowlevel, table):
    assert ingest(lowlevel, table, ints("int64s", 42), "replace") == 1
    assert query(lowlevel, f"SELECT * FROM {table}") == [(42,)]
    assert ingest(lowlevel, table, ints("int64s", -42, -42), "replace") == 2
    assert query(lowlevel, f"SELECT * FROM {table}") == [(-42,), (-42,)]


def test_sql_ingest_create_append(lowlevel, table):
    assert ingest(lowlevel, table, ints("int64s", 42), "create_append") == 1
    assert ingest(lowlevel, table, ints("int64s", 42, 42), "create_append") == 2
    assert query(lowlevel, f"SELECT * FROM {table}") == [(42,)] * 3


def test_sql_ingest_errors(lowlevel, table):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_options(**{"adbc.ingest.target_table": table})
        fails_with(CODES.INVALID_STATE, statement.execute_update)
    with pytest.raises(adbc.Error, match="no such table"):
        ingest(lowlevel, table, INTS, "append")
    assert ingest(lowlevel, table, INTS, "create") == 3
    with pytest.raises(adbc.Error, match="already exists"):
        ingest(lowlevel, table, INTS, "create")
    two = pa.record_batch({"int64s": [-42], "coltwo": [-42]})
    with pytest.raises(adbc.Error, match="no column named coltwo"):
        ingest(lowlevel, table, two, "append")
    assert query(lowlevel, f"SELECT count(*) FROM {table}") == [(3,)]


def test_sql_ingest_multiple_connections(database, lowlevel, table):
    assert ingest(lowlevel, table, INTS) == 3
    with adbc.AdbcConnection(database) as other:
        assert query(other, f"SELECT * FROM {table} ORDER BY int64s DESC NULLS LAST") == [(42,), (-42,), (None,)]


def test_sql_ingest_sample(lowlevel, table):
    sample_table(lowlevel, table)
    assert query(lowlevel, f"SELECT * FROM {table} ORDER BY int64s ASC NULLS FIRST") == [
        (None, ""), (-42, None), (42, "foo")]


# ---- where ----


def test_sql_ingest_target_catalog(lowlevel, table):
    assert ingest(lowlevel, table, INTS, **{"adbc.ingest.target_catalog": "main"}) == 3
    assert query(lowlevel, f"SELECT count(*) FROM main.{table}") == [(3,)]


def test_sql_ingest_target_schema_that_sqlite_has_not(lowlevel, table):
    for options in ({}, {"adbc.ingest.target_catalog": "main"}):
        fails_with(CODES.NOT_IMPLEMENTED, ingest, lowlevel, table, INTS,
                   **{"adbc.ingest.target_db_schema": "other", **options})


def test_sql_ingest_temporary(lowlevel, table):
    assert ingest(lowlevel, table, ints("ints", 42, -42, None), **TEMPORARY) == 3
    assert ingest(lowlevel, table, ints("ints", 42)) == 1
    assert query(lowlevel, f"SELECT count(*) FROM temp.{table}") == [(3,)]
    assert query(lowlevel, f"SELECT count(*) FROM main.{table}") == [(1,)]


def test_sql_ingest_temporary_append(lowlevel, table):
    ingest(lowlevel, table, ints("ints", 42, -42, None), **TEMPORARY)
    ingest(lowlevel, table, strings("strs", "foo", "bar", None))
    assert ingest(lowlevel, table, ints("ints", 0, 1, 2), "append", **TEMPORARY) == 3
    assert ingest(lowlevel, table, strings("strs", "", "a", "b"), "append") == 3
    assert query(lowlevel, f"SELECT ints FROM temp.{table}") == [(42,), (-42,), (None,), (0,), (1,), (2,)]
    assert query(lowlevel, f"SELECT strs FROM main.{table}") == [("foo",), ("bar",), (None,), ("",), ("a",), ("b",)]


def test_sql_ingest_temporary_replace(lowlevel, table):
    ingest(lowlevel, table, ints("ints", 42, -42, None), **TEMPORARY)
    ingest(lowlevel, table, strings("strs", "foo", "bar", None))
    both = pa.record_batch({"ints2": [0, 1, None], "strs2": ["foo", "bar", None]})
    ingest(lowlevel, table, both, "replace", **TEMPORARY)
    ingest(lowlevel, table, ints("ints3", 1, 2, 3), "replace")
    assert ingest(lowlevel, table, both, "append", **TEMPORARY) == 3
    assert ingest(lowlevel, table, ints("ints3", 4, 5, 6), "append") == 3
    assert query(lowlevel, f"SELECT count(ints2), count(*) FROM temp.{table}") == [(4, 6)]
    assert query(lowlevel, f"SELECT ints3 FROM main.{table}") == [(1,), (2,), (3,), (4,), (5,), (6,)]


@pytest.mark.parametrize("key", ["catalog", "db_schema"])
def test_sql_ingest_temporary_exclusive(lowlevel, table, key):
    fails_with(CODES.INVALID_STATE, ingest, lowlevel, table, INTS,
               **{f"adbc.ingest.target_{key}": "main", **TEMPORARY})


def test_sql_ingest_primary_key(lowlevel, table):
    execute(lowlevel, f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, value BIGINT)")
    ingest(lowlevel, table, ints("value", 42, -42, None), "append")
    ingest(lowlevel, table, pa.record_batch({"id": [4, 5, 6], "value": [1, 0, -1]}), "append")
    assert query(lowlevel, f"SELECT value FROM {table} ORDER BY id") == [(42,), (-42,), (None,), (1,), (0,), (-1,)]
