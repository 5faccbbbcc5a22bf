# SPDX-License-Identifier: Apache-2.0
"""Arrow data that people have and that the specification allows, or nearly: growing dictionaries, joined streams,
files of other formats. What cannot be carried is named."""

import io
import struct

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.flight as flight
import pyarrow.parquet as parquet
import pytest


def write(path, batches, schema=None, **options):
    make = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
    with make(str(path), schema or batches[0].schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def words(count, indices):
    values = pa.array([f"word {i:08}" for i in range(count)])
    return pa.record_batch([pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), values)], ["w"])


def read(path):
    if path.suffix == ".arrow":
        with pa.ipc.open_file(str(path)) as reader:
            return reader.read_all()
    with pa.ipc.open_stream(str(path)) as reader:
        return reader.read_all()


GROWING = [words(1000 * (i + 1), [0, 1000 * i, 1000 * i + 999]) for i in range(40)]
ROWS = [text for batch in GROWING for text in batch["w"].to_pylist()]


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("ending", [".arrow", ".arrows"])
def test_growing_dictionaries_take_what_they_hold(cflight, tmp_path, ending, compression):
    """A dictionary of 40,000 words that grows with each of 40 batches is served, fetched and uploaded as deltas, in
    both formats, and pyarrow reads it."""
    source = write(tmp_path / "x.arrows", GROWING, emit_dictionary_deltas=True, compression=compression)
    target = tmp_path / f"y{ending}"
    options = ["--compression", compression] if compression else []
    with cflight.serving(tmp_path, "--writable") as server:
        cflight.run("get", server.location, "x", "-o", str(target), *options, check=True)
        assert target.stat().st_size < 1.2 * source.stat().st_size + 20000
        assert read(target)["w"].to_pylist() == ROWS
        cflight.run("put", server.location, "z", str(target), *options, check=True)
        stored = next(tmp_path.glob("z.*"))
        assert read(stored)["w"].to_pylist() == ROWS
        with flight.connect(server.location) as client:
            assert client.do_get(flight.Ticket("z")).read_all()["w"].to_pylist() == ROWS


def test_dictionaries_are_sent_whole_when_asked(cflight, tmp_path):
    write(tmp_path / "x.arrows", GROWING, emit_dictionary_deltas=True)
    target = tmp_path / "y.arrows"
    with cflight.serving(tmp_path) as server:
        cflight.run("get", server.location, "x", "-o", str(target), "--whole-dictionaries", check=True)
    with pa.ipc.open_stream(str(target)) as reader:
        assert [text for batch in reader for text in batch["w"].to_pylist()] == ROWS
        assert reader.stats.num_dictionary_deltas == 0
        assert reader.stats.num_replaced_dictionaries == 39


def test_a_delta_without_a_dictionary_is_refused(cflight, tmp_path):
    """The second dictionary message of a stream is its delta: without the first it says nothing."""
    data = write(tmp_path / "x.arrows", GROWING[:2], emit_dictionary_deltas=True).read_bytes()
    messages, offset = [], 0
    while struct.unpack_from("<i", data, offset + 4)[0] != 0:
        message = pa.ipc.read_message(pa.BufferReader(data[offset:]))
        size = 8 + struct.unpack_from("<i", data, offset + 4)[0] + (message.body.size if message.body else 0)
        messages.append(data[offset : offset + size])
        offset += size
    schema, _, _, delta, batch = messages
    path = tmp_path / "delta.arrows"
    path.write_bytes(schema + delta + batch + data[offset:])
    assert "a delta came for dictionary" in refused(cflight, tmp_path, path)


def refused(cflight, tmp_path, path, source=None):
    """Uploads a file, or standard input; returns the reason why it is not."""
    served = tmp_path / "served"
    served.mkdir(exist_ok=True)
    with cflight.serving(served, "--writable") as server:
        done = cflight.run("put", server.location, "x", str(path), input=source, text=False)
        assert done.returncode == 1
        assert list(served.iterdir()) == []
    return done.stderr.decode()


ONE = pa.record_batch([pa.array([1, 2])], ["a"])
OTHER = pa.record_batch([pa.array(["x"])], ["b"])


@pytest.mark.parametrize("junk", [b"stream", b"\0junk"], ids=["stream", "junk"])
@pytest.mark.parametrize("by_pipe", [False, True])
def test_bytes_after_the_end_are_not_lost_in_silence(cflight, tmp_path, junk, by_pipe):
    data = write(tmp_path / "a.arrows", [ONE]).read_bytes()
    more = write(tmp_path / "b.arrows", [OTHER]).read_bytes() if junk == b"stream" else junk
    path = tmp_path / "both.arrows"
    path.write_bytes(data + more)
    if by_pipe:
        assert "follow the end of the Arrow stream" in refused(cflight, tmp_path, "-", data + more)
    else:
        assert f"ends at byte {len(data)}, and {len(more)} bytes follow" in refused(cflight, tmp_path, path)
        with cflight.serving(tmp_path) as server:
            assert cflight.run("get", server.location, "both").returncode == 1


def test_zeros_after_the_end_are_padding(cflight, tmp_path):
    path = write(tmp_path / "a.arrows", [ONE])
    path.write_bytes(path.read_bytes() + bytes(100))
    with cflight.serving(tmp_path) as server:
        cflight.run("get", server.location, "a", check=True)


def feather_v1(sink):
    sink.write(b"FEA1" + bytes(60) + b"FEA1")


FOREIGN = {
    "Feather file of version 1": feather_v1,
    "Parquet file": lambda sink: parquet.write_table(pa.table({"a": [1]}), sink),
    "gzip file": lambda sink: sink.write(b"\x1f\x8b" + bytes(50)),
    "Zstandard file": lambda sink: sink.write(pa.compress(bytes(1000), "zstd").to_pybytes()),
}


@pytest.mark.parametrize("by_pipe", [False, True])
@pytest.mark.parametrize("name", FOREIGN)
def test_other_formats_are_named(cflight, tmp_path, name, by_pipe):
    sink = io.BytesIO()
    FOREIGN[name](sink)
    path = tmp_path / "x.feather"
    path.write_bytes(sink.getvalue())
    assert name in refused(cflight, tmp_path, "-" if by_pipe else path, sink.getvalue() if by_pipe else None)


def test_feather_version_2_is_an_arrow_file(cflight, tmp_path):
    feather.write_feather(pa.table({"a": [1]}), str(tmp_path / "x.feather"))
    with cflight.serving(tmp_path) as server:
        assert "1" in cflight.run("get", server.location, "x", check=True).stdout


def test_integers_of_128_bits_are_named(cflight, tmp_path):
    polars = pytest.importorskip("polars")
    path = tmp_path / "x.arrow"
    polars.DataFrame({"x": [1]}).cast(polars.Int128).write_ipc(path)
    assert "field 'x': integers of 128 bits are an extension of polars" in refused(cflight, tmp_path, path)


def test_names_with_a_nul_are_named(cflight, tmp_path):
    path = write(tmp_path / "x.arrows", [pa.record_batch([pa.array([1])], ["before\0after"])])
    assert 'the field name that begins with "before" holds a NUL' in refused(cflight, tmp_path, path)
