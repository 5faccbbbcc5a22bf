# SPDX-License-Identifier: Apache-2.0
"""Arrow IPC in memory: cflight against pyarrow in one process, on one thread each, in turn. Times are CPU times, which
do not depend on what else the machine does as much as others.

"decode" gives arrays as pyarrow gives them: not looked at inside. "checked" is what a server needs for data from
strangers: cflight's default level, against pyarrow's validate(full=True) on every batch. "frame" makes messages without
taking their bytes anywhere, "encode" also copies them to one place, or compresses them."""

import ctypes
import os
import pathlib
import statistics
import time

import numpy as np
import pyarrow as pa

ROOT = pathlib.Path(__file__).resolve().parents[1]
MIB = 1 << 20
BATCHES = 64
CODECS = {"plain": (0, None), "lz4": (1, "lz4"), "zstd": (2, "zstd")}
BOUNDS, DEFAULT = 1, 0


def load_library():
    for candidate in (os.environ.get("CFLIGHT_IPC_BENCH"), ROOT / "build/lib/ipc_bench.so",
                      ROOT / "build/release/lib/ipc_bench.so"):
        if candidate and pathlib.Path(candidate).exists():
            library = ctypes.CDLL(str(candidate))
            break
    else:
        raise SystemExit("ipc_bench.so is not built: run 'make' first")
    library.ipc_bench_load.restype = ctypes.c_void_p
    library.ipc_bench_load.argtypes = [ctypes.c_void_p]
    library.ipc_bench_free.argtypes = [ctypes.c_void_p]
    library.ipc_bench_encode.restype = ctypes.c_int64
    library.ipc_bench_encode.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    library.ipc_bench_decode.restype = ctypes.c_int64
    library.ipc_bench_decode.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return library


def columns(mib):
    """Name -> a column of about that size."""
    rng = np.random.default_rng(0)
    size = mib * MIB
    int64 = pa.array(rng.integers(0, 1 << 20, size // 8))
    words = pa.array([f"customer {i % 977} of {i}" for i in range(100_000)])
    utf8 = pa.concat_arrays([words] * max(1, size // words.nbytes))
    other = pa.array([f"Müller № {i % 977} − {i}" for i in range(100_000)])
    other = pa.concat_arrays([other] * max(1, size // other.nbytes))
    rows = size // 29
    lists = pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * rows + 1, 2, dtype="i4")),
                                     pa.array(rng.integers(0, 1000, 2 * rows)))
    nested = pa.StructArray.from_arrays([lists, pa.array(np.arange(rows), mask=np.arange(rows) % 7 == 0)], ["l", "n"])
    return {"int64": int64, "utf8": utf8, "utf8, not ASCII": other, "nested": nested}


def stream_of(batches):
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    stream = (ctypes.c_void_p * 5)()
    reader._export_to_c(ctypes.addressof(stream))
    return stream


def medians(contestants, runs):
    """Runs all in turn; label -> median seconds of CPU time. The first round does not count."""
    times = {label: [] for label in contestants}
    for run in range(runs + 1):
        for label, function in contestants.items():
            started = time.process_time()
            function()
            if run > 0:
                times[label].append(time.process_time() - started)
    return {label: statistics.median(values) for label, values in times.items()}


class Case:
    def __init__(self, library, batches, codec):
        self.library = library
        self.batches = batches
        self.schema = batches[0].schema
        self.code, self.name = CODECS[codec]
        self.options = pa.ipc.IpcWriteOptions(compression=self.name, use_threads=False)
        self.read_options = pa.ipc.IpcReadOptions(use_threads=False)
        stream = stream_of(batches)
        self.bench = library.ipc_bench_load(ctypes.addressof(stream))
        self.target = pa.allocate_buffer(sum(batch.nbytes for batch in batches) * 9 // 8 + MIB)
        memoryview(self.target).cast("B")[:] = bytes(self.target.size)  # touched once
        self.len_bytes = library.ipc_bench_encode(self.bench, self.code, self.target.address, self.target.size)
        assert self.len_bytes > 0
        self.data = self.target.slice(0, self.len_bytes)
        assert pa.ipc.open_stream(self.data).read_all().equals(pa.Table.from_batches(batches))
        self.data = pa.py_buffer(self.data.to_pybytes())

    def close(self):
        self.library.ipc_bench_free(self.bench)

    def write_pyarrow(self, sink):
        with pa.ipc.new_stream(sink, self.schema, options=self.options) as writer:
            for batch in self.batches:
                writer.write_batch(batch)

    def read_pyarrow(self, is_checked):
        with pa.ipc.open_stream(self.data, options=self.read_options) as reader:
            for batch in reader:
                if is_checked:
                    batch.validate(full=True)

    def encode(self, has_target):
        if has_target:
            return {"cflight": lambda: self.library.ipc_bench_encode(self.bench, self.code, self.target.address,
                                                                     self.target.size),
                    "pyarrow": lambda: self.write_pyarrow(pa.FixedSizeBufferWriter(self.target))}
        return {"cflight": lambda: self.library.ipc_bench_encode(self.bench, self.code, None, 0),
                "pyarrow": lambda: self.write_pyarrow(pa.MockOutputStream())}

    def decode(self, is_checked):
        level = DEFAULT if is_checked else BOUNDS
        return {"cflight": lambda: self.library.ipc_bench_decode(self.data.address, self.data.size, level),
                "pyarrow": lambda: self.read_pyarrow(is_checked)}


def run(mib, runs):
    library = load_library()
    print(f"\nArrow IPC in memory  ({mib} MiB in {BATCHES} batches, one thread; ratio above 1: cflight is faster)")
    print(f"  {'column':16} {'codec':6} {'':8} {'cflight':>12} {'pyarrow':>12} {'ratio':>8}")
    for name, column in columns(mib).items():
        rows = -(-len(column) // BATCHES)
        batches = [pa.record_batch([column.slice(start, rows)], ["c"]) for start in range(0, len(column), rows)]
        # Slices of one large array would have offsets to be rebased: that is another benchmark.
        batches = pa.ipc.open_stream(as_stream(batches)).read_all().to_batches()
        for codec in CODECS:
            case = Case(library, batches, codec)
            plans = {"encode": case.encode(True), "decode": case.decode(False), "checked": case.decode(True)}
            if codec == "plain":
                plans = {"frame": case.encode(False), **plans}
            for operation, contestants in plans.items():
                times = medians(contestants, runs)
                print(f"  {name:16} {codec:6} {operation:8} {times['cflight'] * 1e3:9.3f} ms "
                      f"{times['pyarrow'] * 1e3:9.3f} ms {times['pyarrow'] / times['cflight']:8.2f}", flush=True)
            case.close()


def as_stream(batches):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()
