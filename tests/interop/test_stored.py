# SPDX-License-Identifier: Apache-2.0
"""Stored bytes as they are: `cflight serve` sends the messages of files, and `cflight get` writes those that it receives,
byte for byte; pyarrow at the other end."""

import contextlib
import os
import pathlib
import random
import struct
import tempfile

import pyarrow as pa
import pyarrow.flight as fl
import pyarrow.ipc as ipc
import pytest

from cflight_command import wait_until
from raw_http2 import Process

CODECS = [None, "lz4", "zstd"]
ROWS = 3000


def make_table():
    """Every kind of layout, with nulls; values that compress, and some that do not."""
    noise = random.Random(7)
    numbers = pa.array([None if i % 7 == 3 else i for i in range(ROWS)], pa.int64())
    texts = [None if i % 11 == 5 else f"text number {i % 50}" for i in range(ROWS)]
    lists = [None if i % 5 == 0 else list(range(i % 4)) for i in range(ROWS)]
    return pa.table({
        "number": numbers,
        "noise": pa.array([noise.random() for _ in range(ROWS)]),
        "flag": pa.array([i % 3 == 0 for i in range(ROWS)]),
        "text": pa.array(texts),
        "large": pa.array(texts, pa.large_string()),
        "view": pa.array([None if t is None else t * 3 for t in texts], pa.string_view()),
        "list": pa.array(lists, pa.list_(pa.int32())),
        "fixed": pa.array([[i, i + 1] for i in range(ROWS)], pa.list_(pa.int16(), 2)),
        "struct": pa.array([{"a": i, "b": [{"c": str(i % 9)}]} for i in range(ROWS)]),
        "map": pa.array([[(str(i % 5), i)] for i in range(ROWS)], pa.map_(pa.string(), pa.int64())),
        "nothing": pa.nulls(ROWS),
        "union": pa.UnionArray.from_sparse(pa.array([i % 2 for i in range(ROWS)], pa.int8()),
                                           [pa.array(range(ROWS)), pa.array([str(i) for i in range(ROWS)])]),
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([ROWS], pa.int32()), pa.array(["run"])),
    }).replace_schema_metadata({"who": "the tests"})


TABLE = make_table()
EMPTY = TABLE.slice(0, 0)
WORDS = pa.table({"word": pa.array([f"w{i % 40}" for i in range(ROWS)]).dictionary_encode(),
                  "again": pa.array([f"w{i % 3}" for i in range(ROWS)]).dictionary_encode(),
                  "n": range(ROWS)})


def write(path, table, codec, rows=500, metadata=None, **options):
    new = ipc.new_file if path.suffix == ".arrow" else ipc.new_stream
    with new(str(path), table.schema, options=ipc.IpcWriteOptions(compression=codec, **options)) as writer:
        for batch in table.to_batches(max_chunksize=rows):
            writer.write_batch(batch, custom_metadata=metadata)


def read(path):
    if path.suffix == ".arrow":
        with ipc.open_file(str(path)) as reader:
            return reader.read_all()
    with ipc.open_stream(str(path)) as reader:
        return reader.read_all()


def messages(path):
    """(kind, header, body) of every message that holds columns. A header may be padded otherwise."""
    with open(path, "rb") as file:
        if path.suffix == ".arrow":
            file.seek(8)
        reader = ipc.MessageReader.open_stream(file.read())
    found = [(message.type, message.metadata.to_pybytes().rstrip(b"\0"),
              b"" if message.body is None else message.body.to_pybytes()) for message in reader]
    return [message for message in found if message[0] != "schema"]


def fetch(server, name):
    with fl.connect(server.location) as client:
        return client.do_get(fl.Ticket(name)).read_all()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "served"
    place.mkdir()
    return place


@pytest.mark.parametrize("suffix", [".arrow", ".arrows"])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("table", [TABLE, EMPTY, WORDS, pa.table({})], ids=["all", "empty", "words", "bare"])
def test_what_is_stored_arrives_byte_for_byte(cflight, folder, tmp_path, table, codec, suffix):
    """pyarrow reads what it stored; and a copy that the command makes has the very messages of the original."""
    write(folder / f"it{suffix}", table, codec, metadata={"m": "of a batch"})
    with cflight.serving(folder) as server:
        assert fetch(server, "it").equals(table, check_metadata=True)
        for copy in (tmp_path / "copy.arrows", tmp_path / "copy.arrow"):
            cflight.run("get", server.location, "it", "-o", copy, check=True)
            assert read(copy).equals(table, check_metadata=True)
            if table is not WORDS or copy.suffix == ".arrows":
                assert messages(copy) == messages(folder / f"it{suffix}")


@pytest.mark.parametrize("alignment", [8, 64])
def test_a_file_is_opened_by_its_footer(cflight, folder, tmp_path, alignment):
    """Bodies begin where Arrow wants them, whatever they were aligned to before, and batches are found by number."""
    path = folder / "it.arrow"
    write(path, TABLE, "zstd")
    with cflight.serving(folder) as server:
        copy = tmp_path / "copy.arrow"
        cflight.run("get", server.location, "it", "-o", copy, check=True)
    with ipc.open_file(pa.memory_map(str(copy))) as reader:
        assert reader.num_record_batches == 6
        assert reader.get_batch(5).equals(TABLE.slice(2500).to_batches()[0])


@pytest.mark.parametrize("codec", CODECS)
def test_endpoints_are_ranges_of_messages(cflight, folder, tmp_path, codec):
    write(folder / "big.arrow", TABLE, codec, rows=100)
    write(folder / "words.arrow", WORDS, codec, rows=100)
    with cflight.serving(folder, "--endpoint-bytes", "8k") as server, fl.connect(server.location) as client:
        for name, table in (("big", TABLE), ("words", WORDS)):
            info = client.get_flight_info(fl.FlightDescriptor.for_path(name))
            assert len(info.endpoints) > 1
            parts = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
            assert pa.concat_tables(parts).equals(table)
            for copy in (tmp_path / f"{name}.arrows", tmp_path / f"{name}.arrow"):
                cflight.run("get", server.location, name, "-o", copy, check=True)
                assert read(copy).equals(table)


def test_dictionaries_that_grow_and_are_replaced_stay_in_order(cflight, folder, tmp_path):
    batches = [pa.record_batch({"d": pa.array(words).dictionary_encode()})
               for words in (["a", "b"], ["a", "b", "c"], ["x", "y"], ["x"])]
    for codec in CODECS:
        for deltas in (False, True):
            path = folder / "d.arrows"
            with ipc.new_stream(str(path), batches[0].schema,
                                options=ipc.IpcWriteOptions(compression=codec, emit_dictionary_deltas=deltas)) as writer:
                for batch in batches:
                    writer.write_batch(batch)
            with cflight.serving(folder) as server:
                assert fetch(server, "d")["d"].to_pylist() == ["a", "b", "a", "b", "c", "x", "y", "x"]
                copy = tmp_path / "copy.arrows"
                cflight.run("get", server.location, "d", "-o", copy, check=True)
                assert messages(copy) == messages(path)
                refused = cflight.run("get", server.location, "d", "-o", tmp_path / "copy.arrow")
                assert refused.returncode != 0 and "replaces a dictionary" in refused.stderr
                assert not (tmp_path / "copy.arrow").exists()


def test_bodies_of_any_length_make_files_that_others_read(cflight, folder, tmp_path):
    """Blocks of files are multiples of 8 bytes, whatever bodies are. pyarrow pads its own: each is made longer by hand."""
    table = pa.table({"n": range(3000)})
    write(tmp_path / "even.arrows", table, None)
    data = (tmp_path / "even.arrows").read_bytes()
    odd, place = b"", 0
    for message in ipc.MessageReader.open_stream(data):
        body = b"" if message.body is None else message.body.to_pybytes()
        header_end = place + 8 + struct.unpack_from("<i", data, place + 4)[0]
        header = data[place:header_end]
        if body:
            assert header.count(struct.pack("<q", len(body))) >= 1
            header = header.replace(struct.pack("<q", len(body)), struct.pack("<q", len(body) + 3), 1)
        odd += header + body + (b"\0\0\0" if body else b"")
        place = header_end + len(body)
    (folder / "odd.arrows").write_bytes(odd + data[place:])
    assert read(folder / "odd.arrows").equals(table)
    with cflight.serving(folder) as server:
        for copy in (tmp_path / "copy.arrows", tmp_path / "copy.arrow"):
            cflight.run("get", server.location, "odd", "-o", copy, check=True)
            assert read(copy).equals(table)


def test_what_is_asked_for_is_encoded_anew(cflight, folder, tmp_path):
    """--compression of the server and of the client, and a limit of rows."""
    write(folder / "it.arrow", TABLE, "lz4")
    stored = sum(len(body) for _, _, body in messages(folder / "it.arrow"))
    for serve, get in ((("--compression", "none"), ()), ((), ("--compression", "none")), ((), ("-n", "700"))):
        with cflight.serving(folder, *serve) as server:
            copy = tmp_path / "copy.arrows"
            cflight.run("get", server.location, "it", "-o", copy, *get, check=True)
            assert read(copy).equals(TABLE.slice(0, 700 if "-n" in get else ROWS))
            if "-n" not in get:
                assert sum(len(body) for _, _, body in messages(copy)) > stored * 1.2


def test_batches_that_must_be_cut_are_read(cflight, folder):
    """Clients with a limit of 4 MiB read any file."""
    table = pa.table({"n": pa.array(range(1_000_000), pa.int64())})
    write(folder / "big.arrow", table, None, rows=1_000_000)
    with cflight.serving(folder) as server, fl.connect(server.location) as client:
        sizes = [chunk.data.num_rows for chunk in client.do_get(fl.Ticket("big"))]
        assert sum(sizes) == 1_000_000 and len(sizes) == 2
    with cflight.serving(folder, "--whole-batches") as server, fl.connect(server.location) as client:
        assert [chunk.data.num_rows for chunk in client.do_get(fl.Ticket("big"))] == [1_000_000]


def test_metadata_version_4_is_read(cflight, folder):
    table = TABLE.drop_columns(["view", "runs", "union"])
    for codec in CODECS:
        write(folder / "old.arrow", table, codec, metadata_version=ipc.MetadataVersion.V4)
        with cflight.serving(folder) as server:
            assert fetch(server, "old").equals(table)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("suffix", [".arrow", ".arrows"])
def test_damaged_files_are_refused_and_serve_on(cflight, folder, tmp_path, codec, suffix):
    """Cut anywhere, and with bytes changed in headers and in what compressed buffers claim: an error that names the
    flight, or data; never a crash, and never half a file at the client."""
    path = folder / f"it{suffix}"
    write(path, TABLE.slice(0, 400), codec, rows=200)
    whole = path.read_bytes()
    noise = random.Random(11)
    refused = 0
    with cflight.serving(folder) as server, fl.connect(server.location) as client:
        for turn in range(60):
            damaged = bytearray(whole)
            if turn < 10:
                del damaged[noise.randrange(len(whole)):]
            else:
                for _ in range(3):
                    damaged[noise.randrange(len(whole))] ^= 1 << noise.randrange(8)
            (tmp_path / "new").write_bytes(damaged)
            os.replace(tmp_path / "new", path)
            try:
                client.do_get(fl.Ticket("it")).read_all()
            except (pa.ArrowException, OSError, UnicodeError):
                refused += 1
            copy = tmp_path / "copy.arrow"
            copy.unlink(missing_ok=True)
            done = cflight.run("get", server.location, "it", "-o", copy)
            assert copy.exists() == (done.returncode == 0)
        os.replace(tmp_path / "new", tmp_path / "gone") if (tmp_path / "new").exists() else None
        path.write_bytes(whole)
        assert fetch(server, "it").equals(TABLE.slice(0, 400))
    assert refused > 10


def test_a_file_that_is_replaced_is_sent_as_it_was(cflight, folder, tmp_path):
    big = pa.table({"n": pa.array(range(8_000_000), pa.int64())})
    write(folder / "it.arrow", big, None, rows=100_000)
    with cflight.serving(folder) as server, fl.connect(server.location) as client:
        reader = client.do_get(fl.Ticket("it"))
        first = reader.read_chunk().data
        write(tmp_path / "new.arrow", TABLE, "zstd")
        os.replace(tmp_path / "new.arrow", folder / "it.arrow")
        rest = reader.read_all()
        assert first.num_rows + rest.num_rows == big.num_rows
        assert rest["n"][-1].as_py() == 7_999_999
        assert fetch(server, "it").equals(TABLE)


def test_get_writes_what_pyarrow_sends(cflight, tmp_path):
    """A server that is not ours: what it compressed stays compressed, metadata of Flight is left out."""
    class Server(fl.FlightServerBase):
        def do_get(self, context, ticket):
            return fl.RecordBatchStream(TABLE, options=ipc.IpcWriteOptions(compression=ticket.ticket.decode() or None))

    with Server("grpc://localhost:0") as server:
        sizes = {}
        for codec in ("", "lz4", "zstd"):
            copy = tmp_path / "copy.arrow"
            cflight.run("get", f"grpc://localhost:{server.port}", "--ticket", codec or " ".strip(), "-o", copy,
                        check=codec != "")
            if codec:
                assert read(copy).equals(TABLE, check_metadata=True)
                sizes[codec] = copy.stat().st_size
        assert 0 < max(sizes.values()) < TABLE.nbytes


@pytest.fixture(params=["disk", "memory"])
def place(request, folder):
    """A folder to serve, on either kind of file system."""
    if request.param == "disk":
        yield folder
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        yield pathlib.Path(memory)


@pytest.fixture(params=["tcp", "unix"])
def listen(request, tmp_path):
    return "grpc://127.0.0.1:0" if request.param == "tcp" else f"grpc+unix://{tmp_path}/socket"


def write_large(path, count=64):
    """Bodies of a MiB, which leave from the file itself, with small and empty ones among them."""
    noise = random.Random(3).randbytes(1 << 20)
    schema = pa.schema([("n", pa.int64()), ("b", pa.binary(8))])
    with ipc.new_file(str(path), schema) as writer:
        for i in range(count):
            rows = (65_536, 0, 70, 60_001)[i % 4]
            columns = [pa.Array.from_buffers(field.type, rows, [None, pa.py_buffer(noise[i:i + 8 * rows])])
                       for field in schema]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def test_large_bodies_arrive_byte_for_byte(cflight, place, listen, tmp_path):
    """More than windows and sockets hold, over sockets that can take them from the file."""
    write_large(place / "it.arrow")
    with cflight.serving(place, listen=listen) as server:
        copy = tmp_path / "copy.arrow"
        cflight.run("get", server.location, "it", "-o", copy, check=True)
        assert messages(copy) == messages(place / "it.arrow")
        slow = cflight.start("get", server.location, "it", "-o", "-", "--format", "arrows")
        content = b""
        while piece := slow.stdout.buffer.read1(100_003):
            content += piece
        assert slow.wait(30) == 0, slow.stderr.read()
        slow.stdout.close()
        slow.stderr.close()
        (tmp_path / "slow.arrows").write_bytes(content)
        assert messages(tmp_path / "slow.arrows") == messages(place / "it.arrow")


@contextlib.contextmanager
def readers_that_stop(cflight, location, count):
    """Clients whose output nobody reads, once some of it is there."""
    readers = [cflight.start("get", location, "it", "-o", "-", "--format", "arrows") for _ in range(count)]
    try:
        for reader in readers:
            assert len(reader.stdout.buffer.read(1000)) == 1000
        yield readers
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
            reader.stdout.close()
            reader.stderr.close()


def test_readers_that_leave_leave_nothing_open(cflight, place, listen):
    """Some stop in the middle and are killed, some hang up: files and sockets are closed, and the server serves on."""
    write_large(place / "it.arrow")
    with cflight.serving(place, listen=listen) as server:
        process = Process(server.process.pid)
        cflight.run("get", server.location, "it", "-o", os.devnull, "--format", "arrows", check=True)
        wait_until(lambda: not any("it.arrow" in link for link in process.links()))
        before = process.descriptors()
        with readers_that_stop(cflight, server.location, 6) as readers:
            assert any("it.arrow" in link for link in process.links())
            for reader in readers[:3]:
                reader.stdout.close()
                assert reader.wait(30) != 0
        wait_until(lambda: process.descriptors() <= before)
        cflight.run("get", server.location, "it", "-o", os.devnull, "--format", "arrows", check=True)


def test_a_file_that_is_cut_fails_those_who_read_it(cflight, place, listen):
    """In the middle of a body that leaves from the file: readers are told, nobody hangs, others are served."""
    write_large(place / "it.arrow")
    write(place / "other.arrow", TABLE, None)
    with cflight.serving(place, listen=listen) as server:
        with readers_that_stop(cflight, server.location, 2) as readers:
            os.truncate(place / "it.arrow", 30_000_000)
            for reader in readers:
                reader.stdout.buffer.read()
                assert reader.wait(30) != 0
                assert "received before the failure" in reader.stderr.read()
        server.wait_for_message("flight 'it': the file was written into or cut while it was read")
        cflight.run("get", server.location, "other", "-o", os.devnull, "--format", "arrows", check=True)
