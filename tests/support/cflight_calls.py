# SPDX-License-Identifier: Apache-2.0
"""Clients and servers of cflight from Python, through ctypes: enough to send and to receive tables in every way, for
tests that compare with pyarrow. A table is a schema and a list of record batches."""

import ctypes

import pyarrow as pa

from cflight_ctypes import ArrowArray, Bytes, CArray, CflightError, CSchema, WriteOptions, call, lib
from cflight_read import ReadOptions

INTERNAL, NOT_FOUND = 13, 5
COMMAND = 2  # CFLIGHT_DESCRIPTOR_CMD


class CallOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("timeout_ms", ctypes.c_int64), ("timeout_is_set", ctypes.c_bool),
                ("first_byte_timeout_ms", ctypes.c_int64), ("idle_timeout_ms", ctypes.c_int64),
                ("headers", ctypes.c_void_p), ("header_count", ctypes.c_size_t), ("cancel", ctypes.c_void_p),
                ("write_options", ctypes.POINTER(WriteOptions)), ("read_options", ctypes.POINTER(ReadOptions))]


class Descriptor(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("cmd", Bytes), ("path", ctypes.c_void_p), ("path_count", ctypes.c_size_t)]


class Chunk(ctypes.Structure):
    _fields_ = [("batch", ArrowArray), ("has_batch", ctypes.c_bool), ("app_metadata", ctypes.c_void_p),
                ("is_end", ctypes.c_bool)]


P = ctypes.c_void_p
LIST_FN = ctypes.CFUNCTYPE(ctypes.c_int, P, P, Bytes, P, ctypes.POINTER(P))
DO_GET_FN = LIST_FN
DESCRIBE_FN = ctypes.CFUNCTYPE(ctypes.c_int, P, P, ctypes.POINTER(Descriptor), P, ctypes.POINTER(P))
TWO_WAY_FN = ctypes.CFUNCTYPE(ctypes.c_int, P, P, ctypes.POINTER(Descriptor), P, P, ctypes.POINTER(P))


class Handlers(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("user_data", P), ("list_flights", LIST_FN),
                ("get_flight_info", DESCRIBE_FN), ("poll_flight_info", DESCRIBE_FN), ("get_schema", DESCRIBE_FN),
                ("do_get", DO_GET_FN), ("do_put", TWO_WAY_FN), ("do_exchange", TWO_WAY_FN)]


lib.cflight_server_location.restype = ctypes.c_char_p
for _name in ("cflight_server_location", "cflight_server_free", "cflight_client_free", "cflight_reader_free",
              "cflight_writer_free", "cflight_metadata_reader_free", "cflight_chunk_release"):
    getattr(lib, _name).argtypes = [P]


def as_bytes(data):
    """A view of bytes that the caller keeps."""
    return Bytes(ctypes.cast(ctypes.c_char_p(data), P), len(data))


def descriptor_of(name):
    return Descriptor(COMMAND, as_bytes(name), None, 0)


def write_options(**options):
    return WriteOptions(struct_size=ctypes.sizeof(WriteOptions), **options)


def call_options(timeout_ms=60000, **options):
    made = CallOptions(struct_size=ctypes.sizeof(CallOptions), timeout_ms=timeout_ms)
    made.write_options = ctypes.pointer(write_options(**options))
    return made


def read_schema(reader):
    with CSchema() as c_schema:
        call(lib.cflight_reader_schema, reader, ctypes.byref(c_schema.struct))
        return c_schema.take()


def chunks(reader):
    """Every chunk; each is released when the next one is asked for."""
    while True:
        chunk = Chunk()
        call(lib.cflight_reader_next, reader, ctypes.byref(chunk))
        try:
            if chunk.is_end:
                return
            yield chunk
        finally:
            lib.cflight_chunk_release(ctypes.byref(chunk))


def read_table(reader):
    schema = read_schema(reader)
    return schema, [pa.RecordBatch._import_from_c(ctypes.addressof(chunk.batch), schema) for chunk in chunks(reader)]


def write_batches(writer, batches):
    for batch in batches:
        with CArray(batch) as c_array:
            call(lib.cflight_writer_write, writer, ctypes.byref(c_array.struct), None)


def begin(writer, schema, **options):
    with CSchema(schema) as c_schema:
        call(lib.cflight_writer_begin, writer, ctypes.byref(c_schema.struct), ctypes.byref(write_options(**options)))


class Client:
    def __init__(self, location):
        self._client = P()
        call(lib.cflight_client_new, location.encode(), None, ctypes.byref(self._client))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        lib.cflight_client_free(self._client)

    def get(self, name):
        reader = P()
        call(lib.cflight_client_do_get, self._client, as_bytes(name), ctypes.byref(call_options()),
             ctypes.byref(reader))
        try:
            return read_table(reader)
        finally:
            lib.cflight_reader_free(reader)

    def put(self, name, schema, batches, **options):
        writer, metadata = P(), P()
        with CSchema(schema) as c_schema:
            call(lib.cflight_client_do_put, self._client, ctypes.byref(descriptor_of(name)),
                 ctypes.byref(c_schema.struct), ctypes.byref(call_options(**options)), ctypes.byref(writer),
                 ctypes.byref(metadata))
        try:
            write_batches(writer, batches)
            call(lib.cflight_writer_close, writer)
        finally:
            lib.cflight_metadata_reader_free(metadata)
            lib.cflight_writer_free(writer)

    def exchange(self, name, schema, batches, **options):
        """Sends everything, then reads: for tables that fit the windows of a stream."""
        writer, reader = P(), P()
        call(lib.cflight_client_do_exchange, self._client, ctypes.byref(descriptor_of(name)),
             ctypes.byref(call_options(**options)), ctypes.byref(writer), ctypes.byref(reader))
        try:
            begin(writer, schema, **options)
            write_batches(writer, batches)
            call(lib.cflight_writer_done_writing, writer)
            return read_table(reader)
        finally:
            lib.cflight_reader_free(reader)
            lib.cflight_writer_free(writer)


class Server:
    """Serves `tables` (name -> schema and batches); DoPut adds to them, DoExchange sends back what it gets.
    `options` are those of its writers."""

    def __init__(self, location="grpc://127.0.0.1:0"):
        self.tables = {}
        self.options = {}
        self._handlers = Handlers(struct_size=ctypes.sizeof(Handlers), do_get=DO_GET_FN(self._handler(self._get)),
                                  do_put=TWO_WAY_FN(self._handler(self._put)),
                                  do_exchange=TWO_WAY_FN(self._handler(self._exchange)))
        self._server = P()
        call(lib.cflight_server_new, location.encode(), ctypes.byref(self._handlers), None, ctypes.byref(self._server))
        self.location = lib.cflight_server_location(self._server).decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        lib.cflight_server_free(self._server)

    @staticmethod
    def _handler(handle):
        def run(_user_data, _context, request, *rest):
            *handles, reterr = rest
            try:
                handle(request, *(P(handle) for handle in handles))
                return 0
            except KeyError as error:
                status, message = NOT_FOUND, str(error)
            except CflightError as error:
                status, message = error.status, str(error)
            except Exception as error:  # pragma: no cover
                status, message = INTERNAL, repr(error)
            return lib.cflight_error_set_message(reterr, status, message.encode())
        return run

    def _get(self, ticket, writer):
        schema, batches = self.tables[ctypes.string_at(ticket.data, ticket.len_bytes)]
        begin(writer, schema, **self.options)
        write_batches(writer, batches)

    def _put(self, descriptor, reader, _writer):
        name = descriptor.contents.cmd
        self.tables[ctypes.string_at(name.data, name.len_bytes)] = read_table(reader)

    def _exchange(self, _descriptor, reader, writer):
        begin(writer, read_schema(reader), **self.options)
        for chunk in chunks(reader):
            call(lib.cflight_writer_write, writer, ctypes.byref(chunk.batch), None)
