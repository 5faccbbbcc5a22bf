# SPDX-License-Identifier: Apache-2.0
"""cflight's C interface for Arrow IPC, called through ctypes, with pyarrow data going in and out over the C data
interface: what tests that compare with pyarrow use. The library is the one that CFLIGHT_LIBRARY names, or the one that
was built last in build/."""

import ctypes
import os
import pathlib

import pyarrow as pa

ROOT = pathlib.Path(__file__).resolve().parents[2]
STREAM, FILE = 0, 1
NONE, LZ4_FRAME, ZSTD = 0, 1, 2


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("len_bytes", ctypes.c_size_t)]


class ArrowSchema(ctypes.Structure):
    pass


ArrowSchema._fields_ = [
    ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64), ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowSchema))), ("dictionary", ctypes.POINTER(ArrowSchema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(ArrowSchema))), ("private_data", ctypes.c_void_p)]


class ArrowArray(ctypes.Structure):
    pass


ArrowArray._fields_ = [
    ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64), ("n_children", ctypes.c_int64), ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowArray))), ("dictionary", ctypes.POINTER(ArrowArray)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(ArrowArray))), ("private_data", ctypes.c_void_p)]


class WriteOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("compression", ctypes.c_int), ("compression_level", ctypes.c_int32),
                ("use_metadata_v4", ctypes.c_bool), ("send_whole_dictionaries", ctypes.c_bool),
                ("alignment_bytes", ctypes.c_int32), ("depth_max", ctypes.c_int32),
                ("compression_threads", ctypes.c_int32)]


class Stats(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in
                ("message_count", "record_batch_count", "dictionary_batch_count", "dictionary_delta_count",
                 "replaced_dictionary_count")]

    def astuple(self):
        return tuple(getattr(self, name) for name, _ in self._fields_)


WRITE_FN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(Bytes), ctypes.c_size_t)


class CflightError(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def _find_library():
    if "CFLIGHT_LIBRARY" in os.environ:
        return os.environ["CFLIGHT_LIBRARY"]
    candidates = [ROOT / "build" / "dev" / "lib" / "libcflight.so", ROOT / "build" / "lib" / "libcflight.so",
                  ROOT / "build" / "release" / "lib" / "libcflight.so"]
    found = [path for path in candidates if path.exists()]
    if not found:
        raise FileNotFoundError("libcflight.so is not built; set CFLIGHT_LIBRARY")
    return str(max(found, key=lambda path: path.stat().st_mtime))


lib = ctypes.CDLL(_find_library())
lib.cflight_error_message.restype = ctypes.c_char_p
lib.cflight_ipc_writer_stats.restype = Stats
lib.cflight_buffer_bytes.restype = Bytes
lib.cflight_schema_equal.restype = ctypes.c_bool
for _name in ("cflight_error_message", "cflight_error_free", "cflight_ipc_writer_stats", "cflight_ipc_writer_free",
              "cflight_buffer_bytes", "cflight_buffer_unref", "cflight_text_free"):
    getattr(lib, _name).argtypes = [ctypes.c_void_p]


def call(function, *arguments):
    """Calls a function whose last parameter is `reterr`; raises CflightError when it fails."""
    error = ctypes.c_void_p()
    status = function(*arguments, ctypes.byref(error))
    if status != 0:
        message = lib.cflight_error_message(error).decode()
        lib.cflight_error_free(error)
        raise CflightError(status, message)
    assert not error.value


class Exported:
    """What pyarrow exports into a struct of the C data interface; released at the end of a with block."""

    def __init__(self, source=None):
        self.struct = self.Struct()
        self.address = ctypes.addressof(self.struct)
        if source is not None:
            source._export_to_c(self.address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.struct.release:
            self.struct.release(ctypes.byref(self.struct))


class CSchema(Exported):
    """A pyarrow schema, field or type as an ArrowSchema."""

    Struct = ArrowSchema

    def take(self, kind=pa.Schema):
        return kind._import_from_c(self.address)


class CArray(Exported):
    """A pyarrow record batch or array as an ArrowArray."""

    Struct = ArrowArray


class Writer:
    """cflight_ipc_writer, writing into memory. `fail_after` calls of the callback, it fails with EIO."""

    def __init__(self, schema, format_=STREAM, fail_after=None, **options):
        self.chunks = []
        self.fail_after = fail_after
        self._callback = WRITE_FN(self._write)
        self._options = WriteOptions(struct_size=ctypes.sizeof(WriteOptions), **options)
        self._writer = ctypes.c_void_p()
        with CSchema(schema) as c_schema:
            call(lib.cflight_ipc_writer_new, format_, ctypes.byref(c_schema.struct), self._callback, None,
                 ctypes.byref(self._options), ctypes.byref(self._writer))

    def _write(self, _user_data, views, count):
        if self.fail_after is not None:
            if self.fail_after == 0:
                return 5
            self.fail_after -= 1
        for i in range(count):
            self.chunks.append(ctypes.string_at(views[i].data, views[i].len_bytes))
        return 0

    def write(self, batch):
        """Writes a RecordBatch, or a StructArray, whose own offset is then passed on too."""
        with CArray(batch) as c_batch:
            call(lib.cflight_ipc_writer_write, self._writer, ctypes.byref(c_batch.struct))

    def close(self):
        call(lib.cflight_ipc_writer_close, self._writer)
        return b"".join(self.chunks)

    @property
    def stats(self):
        return lib.cflight_ipc_writer_stats(self._writer).astuple()

    def __del__(self):
        lib.cflight_ipc_writer_free(self._writer)


def write_all(schema, batches, format_=STREAM, **options):
    writer = Writer(schema, format_, **options)
    for batch in batches:
        writer.write(batch)
    return writer.close()


def schema_serialize(schema):
    buffer = ctypes.c_void_p()
    with CSchema(schema) as c_schema:
        call(lib.cflight_ipc_schema_serialize, ctypes.byref(c_schema.struct), ctypes.byref(buffer))
    view = lib.cflight_buffer_bytes(buffer)
    copy = ctypes.string_at(view.data, view.len_bytes)
    lib.cflight_buffer_unref(buffer)
    return copy


def schema_copy(source, kind=pa.Schema):
    with CSchema(source) as c_schema, CSchema() as c_copy:
        call(lib.cflight_schema_copy, ctypes.byref(c_schema.struct), ctypes.byref(c_copy.struct))
        return c_copy.take(kind)


def schema_equal(a, b, with_metadata):
    with CSchema(a) as c_a, CSchema(b) as c_b:
        return lib.cflight_schema_equal(ctypes.byref(c_a.struct), ctypes.byref(c_b.struct),
                                        ctypes.c_bool(with_metadata))


def type_text(field):
    text = ctypes.c_void_p()
    with CSchema(field) as c_schema:
        call(lib.cflight_schema_type_text, ctypes.byref(c_schema.struct), ctypes.byref(text))
    copy = ctypes.string_at(text.value).decode()
    lib.cflight_text_free(text)
    return copy
