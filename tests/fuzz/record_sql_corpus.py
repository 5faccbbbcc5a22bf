#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills the corpus sql_server with what the ADBC driver for Flight SQL really sends: build/venv/bin/python
tests/fuzz/record_sql_corpus.py. Each case runs against sql_service through a proxy; what the client said becomes the
requests of an input (fuzz_sql_server.c), with placeholders where it says what the server had given it. Needs
the programs of the preset dev."""

import pathlib
import re
import sys
import urllib.parse

import adbc_driver_flightsql as driver
import pyarrow
from adbc_driver_flightsql import dbapi

import record_corpus

sys.path.insert(0, str(record_corpus.ROOT / "tests" / "interop"))

import conftest  # noqa: E402

INFO, QUERY, SCHEMA, POLL, GET, PUT, ROWS, ACTION = range(8)
GIVEN = re.compile(rb"(ActionCreatePreparedStatementResult|ActionBeginTransactionResult|ActionBeginSavepointResult|"
                   rb"TicketStatementQuery)\x12.{1,3}?\x0a[\x10\x14](.{16})", re.DOTALL)
STANDS_FOR = {b"ActionCreatePreparedStatementResult": b"@", b"TicketStatementQuery": b"$",
              b"ActionBeginTransactionResult": b"#", b"ActionBeginSavepointResult": b"#"}


def request_of(messages):
    """(call, bytes) of what a client says in one call, by its first message."""
    fields = record_corpus.fields_of(messages[0])
    if messages[0][:2] == b"\x08\x02":  # FlightDescriptor
        return INFO, fields.get(2, b"")
    first = fields.get(1, b"")
    if first[:2] == b"\x08\x02":  # FlightData
        return (ROWS if len(messages) > 1 else PUT), record_corpus.fields_of(first).get(2, b"")
    if first[:1] == b"\x0a":  # Ticket
        return GET, first
    return ACTION, first + b"\0" + fields.get(2, b"")


def input_of(connections, seals):
    requests = b""
    for client, server in connections:
        for messages in record_corpus.messages_of(client).values():
            if not messages:
                continue
            call, octets = request_of(messages)
            for name, given in GIVEN.findall(bytes(server)):
                octets = octets.replace(given, STANDS_FOR[name] * 16)
            requests += bytes([call]) + len(octets).to_bytes(2, "little") + octets
    return bytes([seals]) + requests


def queries(connection):
    for text in ("COUNT 3", "COUNT 5000", "PARTS 2"):
        with connection.cursor() as cursor:
            cursor.execute(text)
            cursor.fetchall()


def updates(connection):
    with connection.cursor() as cursor:
        for text in ("CREATE t", "INSERT t 5", "SELECT t", "DROP t"):
            cursor.execute(text)


def bound(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE t")
        cursor.executemany("INSERT t ?", [(1,), (2,)])
        cursor.execute("SELECT ?", (7,))
        cursor.fetchall()


def transaction(connection):
    connection.adbc_connection.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("CREATE t")
        cursor.execute("INSERT t 1")
        connection.commit()
        cursor.execute("INSERT t 2")
        connection.rollback()


def ingest(connection):
    with connection.cursor() as cursor:
        for mode in ("create", "append", "replace"):
            cursor.adbc_ingest("t", pyarrow.table({"n": pyarrow.array([1, 2], pyarrow.int64())}), mode=mode)


def metadata(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE t")
    connection.adbc_get_objects(depth="all").read_all()
    connection.adbc_get_table_types()
    connection.adbc_get_table_schema("t")
    connection.adbc_get_info()


def main():
    corpus = record_corpus.CORPUS / "sql_server"
    corpus.mkdir(exist_ok=True)
    options = {driver.DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "false"}
    for case in (queries, updates, bound, transaction, ingest, metadata):
        with conftest.run_sql_service() as location:
            proxy = record_corpus.Proxy(urllib.parse.urlparse(location).port)
            with dbapi.connect(f"grpc://127.0.0.1:{proxy.port}", db_kwargs=options, autocommit=True) as connection:
                case(connection)
            proxy.close()
        for seals in range(2 if case in (queries, bound) else 1):
            name = f"adbc_{case.__name__}" + ("_sealed" if seals else "")
            pathlib.Path(corpus / name).write_bytes(input_of(proxy.connections, seals))


if __name__ == "__main__":
    main()
