# SPDX-License-Identifier: Apache-2.0
"""A Flight SQL server over the standard library's sqlite3 and pyarrow's Flight server: the messages are read and
written by hand, so that nothing of cflight is on its side."""

import sqlite3
import threading

import pyarrow as pa
import pyarrow.flight as fl

TYPE_URL = b"type.googleapis.com/arrow.flight.protocol.sql."


def field(number, value):
    """A field of a message: bytes, text, or a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def parse(message):
    """The fields of a message: number to a list of values."""
    fields, place = {}, 0

    def number():
        nonlocal place
        value, shift = 0, 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(message):
        tag = number()
        value = number()
        if tag & 7 == 2:
            value, place = message[place:place + value], place + value
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def pack(name, message=b""):
    return field(1, TYPE_URL + name.encode()) + field(2, message)


def unpack(message):
    fields = parse(message)
    return fields[1][0].rsplit(b".", 1)[1].decode(), parse(fields.get(2, [b""])[0])


def text(fields, number):
    return fields[number][0].decode() if number in fields else None


def sql_error(sqlstate, position, hint):
    """The binary detail of an error: google.rpc.Status with an ErrorInfo."""
    entries = [field(1, "position") + field(2, str(position)), field(1, "hint") + field(2, hint)]
    info = field(1, sqlstate) + field(2, "sql") + b"".join(field(3, entry) for entry in entries)
    return field(1, 3) + field(3, field(1, "type.googleapis.com/google.rpc.ErrorInfo") + field(2, info))


class Sessions(fl.ServerMiddlewareFactory):
    """Sets a cookie, and keeps what comes back."""

    def __init__(self):
        self.cookies = []

    def start_call(self, info, headers):
        self.cookies.append(headers.get("cookie"))
        return Cookie()


class Cookie(fl.ServerMiddleware):
    def sending_headers(self):
        return {"set-cookie": "session=abc"}


class SqlitePeer(fl.FlightServerBase):
    """Its calls are kept by their names. `prepares` is what it does when a statement is prepared: "tells" whether it
    changes something, gives the "schema" alone, is "silent", or does not know "nothing" of it."""

    def __init__(self, prepares="tells", location="grpc://localhost:0"):
        self.sessions = Sessions()
        super().__init__(location, middleware={"sessions": self.sessions})
        self.location = f"grpc://localhost:{self.port}"
        self.prepares = prepares
        self.takes_updates = True
        self.database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.lock = threading.Lock()
        self.calls = []
        self.ingests = []
        self.hanging = threading.Event()
        self.released = threading.Event()

    def execute(self, query):
        with self.lock:
            try:
                cursor = self.database.execute(query)
                rows = cursor.fetchall()
            except sqlite3.Error as error:
                raise fl.FlightServerError(str(error), sql_error("42601", 8, "read the manual")) from error
            names = [column[0] for column in cursor.description or []]
            columns = [pa.array([row[i] for row in rows]) for i in range(len(names))]
            return pa.table(columns, names), cursor.rowcount

    def get_flight_info(self, context, descriptor):
        name, fields = unpack(descriptor.command)
        self.calls.append(name)
        if name == "CommandGetSqlInfo":
            raise pa.ArrowNotImplementedError("no SqlInfo")
        ticket = descriptor.command
        if name == "CommandStatementQuery":
            ticket = pack("TicketStatementQuery", field(1, fields[1][0]))
        return fl.FlightInfo(pa.schema([]), descriptor, [fl.FlightEndpoint(ticket, [])], -1, -1)

    def do_get(self, context, ticket):
        name, fields = unpack(ticket.ticket)
        if name == "CommandGetCatalogs":
            return fl.RecordBatchStream(pa.table({"catalog_name": ["main"]}))
        if name == "CommandGetDbSchemas":
            return fl.RecordBatchStream(pa.table({"catalog_name": ["main"], "db_schema_name": [text(fields, 2) or "any"]}))
        if name == "CommandGetTables":
            return fl.RecordBatchStream(self.list_tables(fields))
        query = fields[1][0].decode()
        if query == "SELECT hang":
            return fl.GeneratorStream(pa.schema([("n", pa.int64())]), self.hang())
        return fl.RecordBatchStream(self.execute(query)[0])

    def hang(self):
        yield pa.table({"n": pa.array([1], pa.int64())})
        self.hanging.set()
        self.released.wait(30)

    def list_tables(self, fields):
        pattern = text(fields, 3) or "%"
        types = [value.decode() for value in fields.get(4, [])] or ["table", "view"]
        found, _ = self.execute("SELECT name, type FROM sqlite_master ORDER BY name")
        rows = [row for row in found.to_pylist() if row["type"] in types and pattern in ("%", row["name"])]
        table = pa.table({
            "catalog_name": pa.array([text(fields, 1) or "main" for _ in rows]),
            "db_schema_name": pa.array([None for _ in rows], pa.string()),
            "table_name": pa.array([row["name"] for row in rows], pa.string()),
            "table_type": pa.array([row["type"] for row in rows], pa.string()),
        })
        if fields.get(5) != [1]:
            return table
        schemas = [self.execute(f'SELECT * FROM "{row["name"]}"')[0].schema for row in rows]
        return table.append_column("table_schema", pa.array([schema.serialize().to_pybytes() for schema in schemas],
                                                            pa.binary()))

    def do_put(self, context, descriptor, reader, writer):
        name, fields = unpack(descriptor.command)
        self.calls.append(name)
        if name == "CommandStatementIngest":
            table = reader.read_all()
            if context.is_cancelled():  # to pyarrow that is an end like any other
                raise fl.FlightCancelledError("cancelled")
            count = self.ingest(fields, table)
        elif not self.takes_updates:
            raise NotImplementedError("no updates")
        else:
            if fields[1][0] == b"UPDATE hang":
                self.hanging.set()
                self.released.wait(30)
            reader.read_all()
            count = self.execute(fields[1][0].decode())[1]
        writer.write(field(1, count))

    def ingest(self, fields, table):
        options = parse(fields[1][0])
        self.ingests.append((options.get(1, [0])[0], options.get(2, [0])[0], text(fields, 2), text(fields, 3),
                             text(fields, 4), fields.get(5, [0])[0], table))
        if text(fields, 2) == "taken":
            raise fl.FlightServerError("there is such a table")
        return table.num_rows

    def do_action(self, context, action):
        self.calls.append(action.type)
        if action.type == "BeginTransaction":
            raise pa.ArrowNotImplementedError("no transactions")
        if action.type != "CreatePreparedStatement":
            return []
        if self.prepares == "nothing":
            raise pa.ArrowNotImplementedError("no prepared statements")
        query = unpack(action.body.to_pybytes())[1][1][0].decode()
        changes = "RETURNING" not in query and query.split()[0] in ("INSERT", "CREATE", "DROP", "UPDATE")
        result = field(1, query)
        if self.prepares in ("tells", "schema"):
            schema = pa.schema([] if changes else [("n", pa.int64())])
            result += field(2, schema.serialize().to_pybytes())
        if self.prepares == "tells":
            result += field(4, int(changes))
        return [fl.Result(pack("ActionCreatePreparedStatementResult", result))]
