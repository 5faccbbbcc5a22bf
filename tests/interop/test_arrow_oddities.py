# SPDX-License-Identifier: Apache-2.0
"""Arrow data that people have and that the specification allows, or nearly: growing dictionaries, joined streams,
files of other formats. What cannot be carried is named."""

import io
import json
import resource
import struct
import zipfile

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.flight as flight
import pyarrow.orc as orc
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
    "an ORC file": lambda sink: orc.write_table(pa.table({"a": [1]}), sink),
    "an LZ4 file": lambda sink: sink.write(pa.compress(bytes(1000), "lz4").to_pybytes()),
    "a ZIP file": lambda sink: zipfile.ZipFile(sink, "w").writestr("a.arrow", bytes(100)),
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


# ---- dictionaries and metadata ----


def test_a_dictionary_may_come_after_a_batch_without_values(cflight, tmp_path):
    """Goal: as the specification allows, a column of nulls needs no dictionary yet. Method: a stream whose dictionary
    comes between its batches; fetched in two formats, uploaded."""
    values = pa.array(["a", "b"])
    batches = [pa.record_batch([pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), values)], ["w"])
               for indices in ([None, None], [0, 1])]
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    schema, dictionary, empty, full = pa.ipc.MessageReader.open_stream(sink.getvalue())
    parts = [message.serialize().to_pybytes() for message in (schema, empty, dictionary, full)]
    path = tmp_path / "late.arrows"
    path.write_bytes(b"".join(parts) + b"\xff\xff\xff\xff\0\0\0\0")
    expected = [None, None, "a", "b"]
    with cflight.serving(tmp_path, "--writable") as server:
        cflight.run("put", server.location, "again", path, check=True)
        for name in ("late", "again"):
            lines = cflight.run("get", server.location, name, "--format", "jsonl", check=True).stdout.splitlines()
            assert [json.loads(line)["w"] for line in lines] == expected
        with flight.connect(server.location) as client:
            assert client.do_get(flight.Ticket("late")).read_all()["w"].to_pylist() == expected


def test_metadata_of_a_batch_harms_nothing(cflight, tmp_path):
    """Goal: the metadata of a batch's own message is left out, and nothing else. Method: both formats, fetched and
    uploaded."""
    batch = pa.record_batch([pa.array([1, 2, 3])], ["a"])
    for ending, make in ((".arrow", pa.ipc.new_file), (".arrows", pa.ipc.new_stream)):
        path = tmp_path / f"noted{ending}"
        with make(str(path), batch.schema) as writer:
            for i in range(3):
                writer.write_batch(batch, custom_metadata={"note": "x" * i, "number": str(i)})
        with cflight.serving(tmp_path, "--writable") as server:
            cflight.run("put", server.location, "again", path, check=True)
            for name in ("noted", "again"):
                target = tmp_path / "out.arrows"
                cflight.run("get", server.location, name, "-o", target, check=True)
                assert read(target)["a"].to_pylist() == [1, 2, 3] * 3
                target.unlink()
        path.unlink()
        next(tmp_path.glob("again.*")).unlink()


# ---- many columns ----


def seconds_of(run):
    """Of the processor, in what `run` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run()
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def test_the_work_for_columns_is_in_proportion(cflight, tmp_path):
    """Goal: four times the columns are no sixteen times the work. Method: 10,000 and 40,000 columns, fetched into a
    file and uploaded."""
    took = {}
    for count in (10_000, 40_000):
        batch = pa.record_batch([pa.array([1, 2])] * count, names=[f"c{i}" for i in range(count)])
        write(tmp_path / f"wide{count}.arrow", [batch])
        target = tmp_path / f"out{count}.arrows"
        with cflight.serving(tmp_path, "--writable") as server:
            took[count] = [
                seconds_of(lambda: cflight.run("get", server.location, f"wide{count}", "-o", target, check=True)),
                seconds_of(lambda: cflight.run("put", server.location, f"again{count}", target, check=True)),
            ]
        for path in (target, next(tmp_path.glob(f"again{count}.*"))):
            got = read(path)
            assert got.num_columns == count and got.column(count - 1).to_pylist() == [1, 2]
    for few, many in zip(*took.values()):
        assert many < 9 * max(few, 0.02), took


NAMES = ["a", "a", "a_2", "a", "a_2", "a_2_2", "b_2", "b", "b", "", "", "_2"]


def test_no_two_keys_are_equal(cflight, tmp_path):
    """Goal: columns of one name get keys of their own in JSON, and a column with a name of its own keeps it; the header
    of CSV has the names. Method: names that look like the keys that are made, also in a struct."""
    write(tmp_path / "x.arrows", [pa.record_batch([pa.array([i]) for i in range(len(NAMES))], names=NAMES)])
    nested = pa.StructArray.from_arrays([pa.array([i]) for i in range(len(NAMES))], NAMES)
    write(tmp_path / "y.arrows", [pa.record_batch([nested], ["s"])])
    with cflight.serving(tmp_path) as server:
        pairs = json.loads(cflight.run("get", server.location, "x", "--format", "jsonl", check=True).stdout,
                           object_pairs_hook=list)
        inner = json.loads(cflight.run("get", server.location, "y", "--format", "jsonl", check=True).stdout,
                           object_pairs_hook=list)[0][1]
        header = cflight.run("get", server.location, "x", "--format", "csv", check=True).stdout.splitlines()[0]
    keys = [key for key, _ in pairs]
    assert [value for _, value in pairs] == list(range(len(NAMES))) and inner == pairs
    assert header.replace('"', "").split(",") == NAMES
    assert len(set(keys)) == len(NAMES), keys
    for name in set(NAMES):
        assert keys[NAMES.index(name)] == name
