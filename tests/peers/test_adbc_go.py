# SPDX-License-Identifier: Apache-2.0
"""Our ADBC driver against the server that the Go driver is tested with: errors wherever one asks for them, with
details; queries by parts; handles that change when rows are bound; cancelling."""

import contextlib
import pathlib
import re
import threading

import adbc_driver_manager as adbc
import pyarrow as pa
import pytest

DRIVER = pathlib.Path(__file__).resolve().parents[2] / "build/lib/libadbc_driver_cflight.so"
CODES = adbc.AdbcStatusCode

pytestmark = pytest.mark.timeout(900)  # the first time the peer is built


@pytest.fixture(name="connection", scope="module")
def connect(peer, run):
    with run([*peer("adbc_test_server"), "-host", "127.0.0.1", "-port", "0"]) as process:
        uri = "grpc://" + re.search(r"127\.0\.0\.1:\d+", process.stdout.readline()).group(0)
        options = {"adbc.flight.sql.authorization_header": "Basic dXNlcjpwYXNzd29yZA=="}
        with adbc.AdbcDatabase(driver=str(DRIVER), uri=uri, **options) as database, adbc.AdbcConnection(database) as made:
            yield made


@contextlib.contextmanager
def prepared(connection, query, **options):
    with adbc.AdbcStatement(connection) as statement:
        statement.set_options(**options)
        statement.set_sql_query(query)
        statement.prepare()
        yield statement


def rows(statement):
    handle, _ = statement.execute_query()
    return pa.RecordBatchReader._import_from_c(handle.address).read_all().to_pylist()


def check(error, code, vendor_code, with_detail):
    assert error.status_code == code
    assert error.vendor_code == (None if with_detail else vendor_code)
    assert [key for key, _ in error.details] == [b"grpc-status-details-bin"] * (2 if with_detail else 0)
    assert all(f"detail{place}".encode() in value for place, (_, value) in enumerate(error.details, 1))


@pytest.mark.parametrize("with_detail", [False, True])
@pytest.mark.parametrize("place", ["create_prepared_statement", "get_flight_info", "do_get"])
def test_errors(connection, place, with_detail):
    query = f"error_{place}" + ("_detail" if with_detail else "")
    with pytest.raises(adbc.Error) as caught, prepared(connection, query) as statement:
        rows(statement)
    check(caught.value, CODES.INVALID_ARGUMENT, 3, with_detail)


@pytest.mark.parametrize("with_detail", [False, True])
def test_errors_of_bound_rows(connection, with_detail):
    query = "error_do_put" + ("_detail" if with_detail else "")
    with pytest.raises(adbc.Error) as caught, prepared(connection, query) as statement:
        statement.bind(pa.record_batch({"a": [1]}))
        rows(statement)
    check(caught.value, CODES.UNKNOWN, 2, with_detail)


def test_an_error_amid_the_rows(connection):
    with prepared(connection, "error_do_get_stream") as statement:
        handle, _ = statement.execute_query()
        reader = pa.RecordBatchReader._import_from_c(handle.address)
        assert reader.read_next_batch().to_pydict() == {"ints": [5]}
        with pytest.raises(pa.ArrowInvalid, match="expected stream error"):
            reader.read_next_batch()


def test_a_handle_that_changes(connection):
    with prepared(connection, "stateless_prepared_statement") as statement:
        statement.bind(pa.record_batch({"a": [1]}))
        assert rows(statement) == [{"ints": 5}]


def test_a_substrait_plan(connection):
    with adbc.AdbcStatement(connection) as statement:
        statement.set_substrait_plan(b"\x2a\x00\x81\xff")
        assert rows(statement) == [{"substrait": 5}]


@pytest.mark.parametrize("query, expected", [
    ("finish_immediately", [(1, 1.0), 0]),
    ("anything", [(1, 0.2), (1, 0.4), (1, 0.6), (1, 0.8), (1, 1.0), 0]),
    ("error_poll_later", [(1, 0.2), CODES.IO, (2, 0.6), (1, 0.8), (1, 1.0), 0]),
    ("error_poll", [CODES.INVALID_ARGUMENT]),
])
def test_queries_by_parts(connection, query, expected):
    found = []
    with prepared(connection, query, **{"adbc.statement.exec.incremental": "true"}) as statement:
        while len(found) < len(expected):
            try:
                partitions, _, _ = statement.execute_partitions()
                progress = round(statement.get_option_float("adbc.statement.exec.progress"), 1)
                found.append((len(partitions), progress) if partitions else 0)
            except adbc.Error as error:
                found.append(error.status_code)
    assert found == expected


def test_cancelling(connection):
    with prepared(connection, "forever") as statement:
        threading.Timer(0.3, statement.cancel).start()
        with pytest.raises((adbc.OperationalError, OSError), match="(?i)cancel"):
            rows(statement)
    with prepared(connection, "forever", **{"adbc.statement.exec.incremental": "true"}) as statement:
        threading.Timer(0.3, statement.cancel).start()
        with pytest.raises(adbc.OperationalError, match="(?i)cancel"):
            while True:
                statement.execute_partitions()
