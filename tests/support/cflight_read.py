# SPDX-License-Identifier: Apache-2.0
"""Reading Arrow IPC with cflight from Python, through ctypes: what tests that compare with pyarrow use."""

import contextlib
import ctypes
import pathlib
import os

import pyarrow as pa

from cflight_ctypes import ROOT, Bytes, CArray, CSchema, call, lib

BOUNDS, FULL, SAFE = 1, 2, 3

READ_FN = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class ReadOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("validation", ctypes.c_int),
                ("included_fields", ctypes.POINTER(ctypes.c_int32)), ("included_field_count", ctypes.c_size_t),
                ("depth_max", ctypes.c_int32), ("message_bytes_max", ctypes.c_uint64)]


class ArrowArrayStream(ctypes.Structure):
    _fields_ = [("get_schema", ctypes.c_void_p), ("get_next", ctypes.c_void_p), ("get_last_error", ctypes.c_void_p),
                ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)), ("private_data", ctypes.c_void_p)]


for _name in ("batch_count", "row_count", "size_bytes"):
    _function = getattr(lib, f"cflight_ipc_file_{_name}")
    _function.restype = ctypes.c_int64
    _function.argtypes = [ctypes.c_void_p]
lib.cflight_ipc_file_free.argtypes = [ctypes.c_void_p]
lib.cflight_ipc_file_read_batch.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
lib.cflight_ipc_file_stream.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
lib.cflight_ipc_file_schema.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]


def data_directory():
    """The shared test data, or None."""
    path = pathlib.Path(os.environ.get("CFLIGHT_TEST_DATA", ROOT.parent / "shared" / "data"))
    return path if path.is_dir() else None


def options(validation=0, included=None, depth_max=0, message_bytes_max=0):
    made = ReadOptions(struct_size=ctypes.sizeof(ReadOptions), validation=validation, depth_max=depth_max,
                       message_bytes_max=message_bytes_max)
    if included is not None:
        made.included_fields = (ctypes.c_int32 * max(len(included), 1))(*included)
        made.included_field_count = len(included)
    return made


def _import_stream(stream):
    return pa.RecordBatchReader._import_from_c(ctypes.addressof(stream))


def open_path(path, **read_options):
    """A pyarrow.RecordBatchReader over a file in either format."""
    stream = ArrowArrayStream()
    call(lib.cflight_ipc_open_file, str(path).encode(), ctypes.byref(options(**read_options)), ctypes.byref(stream))
    return _import_stream(stream)


@contextlib.contextmanager
def open_bytes(data, chunk_bytes=1 << 20, **read_options):
    """A pyarrow.RecordBatchReader over the stream format in memory, handed over in chunks."""
    view = memoryview(data)
    at = 0

    def read(_user_data, target, len_bytes):
        nonlocal at
        part = view[at:at + min(len_bytes, chunk_bytes)]
        ctypes.memmove(target, bytes(part), len(part))
        at += len(part)
        return len(part)

    callback = READ_FN(read)
    stream = ArrowArrayStream()
    call(lib.cflight_ipc_open_reader, callback, None, None, ctypes.byref(options(**read_options)),
         ctypes.byref(stream))
    yield _import_stream(stream)


class File:
    """cflight_ipc_file."""

    def __init__(self, path, **read_options):
        self._file = ctypes.c_void_p()
        call(lib.cflight_ipc_file_open, str(path).encode(), ctypes.byref(options(**read_options)),
             ctypes.byref(self._file))

    @property
    def batch_count(self):
        return lib.cflight_ipc_file_batch_count(self._file)

    @property
    def row_count(self):
        return lib.cflight_ipc_file_row_count(self._file)

    @property
    def schema(self):
        with CSchema() as c_schema:
            call(lib.cflight_ipc_file_schema, self._file, ctypes.byref(c_schema.struct))
            return c_schema.take()

    def read_batch(self, index):
        with CArray() as c_array:
            call(lib.cflight_ipc_file_read_batch, self._file, index, ctypes.byref(c_array.struct))
            return pa.RecordBatch._import_from_c(c_array.address, self.schema)

    def stream(self):
        stream = ArrowArrayStream()
        call(lib.cflight_ipc_file_stream, self._file, ctypes.byref(stream))
        return _import_stream(stream)

    def __del__(self):
        lib.cflight_ipc_file_free(self._file)


def array_validate(source):
    """cflight_array_validate over a record batch."""
    with CSchema(source.schema) as c_schema, CArray(source) as c_array:
        call(lib.cflight_array_validate, ctypes.byref(c_schema.struct), ctypes.byref(c_array.struct))


def schema_parse(data):
    with CSchema() as c_schema:
        kept = ctypes.create_string_buffer(data, len(data))
        call(lib.cflight_ipc_schema_parse, Bytes(ctypes.addressof(kept), len(data)), ctypes.byref(c_schema.struct))
        return c_schema.take()
