# SPDX-License-Identifier: Apache-2.0
"""The example relay between clients and servers of pyarrow and of cflight: everything passes, nothing is decoded."""

import contextlib
import os
import pathlib
import subprocess
import threading

import pyarrow as pa
import pyarrow.flight as fl
import pyarrow.ipc as ipc
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORDS = pa.table({"d": pa.array(["a", "b", None, "a"] * 500).dictionary_encode(),
                  "v": pa.array([f"a longer text than fits {i}" for i in range(2000)], pa.string_view()),
                  "l": pa.array([[i] * (i % 3) for i in range(2000)])}).replace_schema_metadata({"k": "v"})


class Upstream(fl.FlightServerBase):
    def __init__(self):
        super().__init__("grpc://localhost:0", middleware={"headers": Headers()})
        self.cancelled = threading.Event()
        self.put = None
        self.sent = 0

    def list_flights(self, context, criteria):
        yield self.get_flight_info(context, fl.FlightDescriptor.for_command(criteria))

    def get_flight_info(self, context, descriptor):
        return fl.FlightInfo(WORDS.schema, descriptor, [fl.FlightEndpoint("t", [])], 2000, -1)

    def get_schema(self, context, descriptor):
        return fl.SchemaResult(WORDS.schema)

    def do_get(self, context, ticket):
        if ticket.ticket == b"fail":
            raise fl.FlightUnavailableError("not today", b"more of it")
        if ticket.ticket == b"endless":
            return fl.GeneratorStream(WORDS.schema, self.endless(context))
        if ticket.ticket == b"metadata":
            batch = pa.record_batch({"n": [1]})
            return fl.GeneratorStream(batch.schema, iter([(batch, b"one"), (batch, b"two")]))
        codec = ticket.ticket.decode()
        return fl.RecordBatchStream(WORDS, options=ipc.IpcWriteOptions(compression=codec if codec != "none" else None))

    def endless(self, context):
        try:
            while not context.is_cancelled():
                self.sent += 1
                yield WORDS.combine_chunks()
        finally:
            self.cancelled.set()

    def do_put(self, context, descriptor, reader, writer):
        batches = []
        if descriptor.command == b"refuse":
            raise fl.FlightUnauthorizedError("no uploads")
        for chunk in reader:
            batches.append(chunk.data)
            writer.write(str(len(batches)).encode())
        self.put = (descriptor, pa.Table.from_batches(batches, reader.schema))

    def do_exchange(self, context, descriptor, reader, writer):
        begun = False
        for chunk in reader:
            if chunk.data is not None and not begun:
                writer.begin(chunk.data.schema)
                begun = True
            if chunk.data is None:
                writer.write_metadata(chunk.app_metadata)
            elif chunk.app_metadata is not None:
                writer.write_with_metadata(chunk.data, chunk.app_metadata)
            else:
                writer.write_batch(chunk.data)

    def do_action(self, context, action):
        if action.type == "header":
            return [context.get_middleware("headers").seen.encode()]
        return [action.body, action.body]

    def list_actions(self, context):
        return [("header", "what the client sent")]


class Headers(fl.ServerMiddlewareFactory):
    def start_call(self, info, headers):
        return Answering(headers.get("x-color", [""])[0])


class Answering(fl.ServerMiddleware):
    def __init__(self, seen):
        self.seen = seen

    def sending_headers(self):
        return {"x-answer": self.seen} if self.seen else {}


@contextlib.contextmanager
def relaying(upstream):
    folder = pathlib.Path(os.environ.get("CFLIGHT_BIN", ROOT / "build/bin"))
    program = (folder if folder.is_dir() else folder.parent) / "example_relay"
    if not program.exists():
        pytest.skip("the examples are not built")
    process = subprocess.Popen([program, upstream, "grpc://localhost:0"], stdout=subprocess.PIPE, text=True)
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        assert process.wait(60) == 0


@pytest.fixture
def peers():
    with Upstream() as server, relaying(f"grpc://localhost:{server.port}") as (_, location), \
            fl.connect(location) as client:
        yield server, client


@pytest.mark.parametrize("codec", ["none", "lz4", "zstd"])
def test_do_get(peers, codec):
    reader = peers[1].do_get(fl.Ticket(codec))
    table = reader.read_all()
    assert table.equals(WORDS, check_metadata=True)


def test_metadata_beside_batches(peers):
    assert [chunk.app_metadata.to_pybytes() for chunk in peers[1].do_get(fl.Ticket("metadata"))] == [b"one", b"two"]


def test_a_failure_keeps_status_and_details(peers):
    with pytest.raises(fl.FlightUnavailableError, match="not today") as caught:
        peers[1].do_get(fl.Ticket("fail")).read_all()
    assert caught.value.extra_info == b"more of it"


def test_do_put_with_answers(peers):
    server, client = peers
    descriptor = fl.FlightDescriptor.for_path("a", "b")
    options = fl.FlightCallOptions(write_options=ipc.IpcWriteOptions(compression="zstd"))
    writer, answers = client.do_put(descriptor, WORDS.schema, options)
    for batch in WORDS.to_batches(max_chunksize=700):
        writer.write_batch(batch)
    assert answers.read().to_pybytes() == b"1"
    writer.done_writing()
    assert [answers.read().to_pybytes() for _ in range(2)] == [b"2", b"3"] and answers.read() is None
    writer.close()
    assert server.put[0] == descriptor and server.put[1].equals(WORDS)


def test_a_refused_upload_ends_at_once(peers):
    writer, _ = peers[1].do_put(fl.FlightDescriptor.for_command("refuse"), WORDS.schema)
    with pytest.raises(fl.FlightUnauthorizedError, match="no uploads"):
        for _ in range(10_000):
            writer.write_table(WORDS)
        writer.close()


def test_do_exchange_in_turns(peers):
    writer, reader = peers[1].do_exchange(fl.FlightDescriptor.for_command("x"))
    with writer:
        writer.write_metadata(b"first")
        assert reader.read_chunk().app_metadata == b"first"
        writer.begin(WORDS.schema)
        for i, batch in enumerate(WORDS.to_batches(max_chunksize=500)):
            writer.write_with_metadata(batch, str(i).encode())
            chunk = reader.read_chunk()
            assert chunk.data.equals(batch) and chunk.app_metadata == str(i).encode()
        writer.done_writing()
        with pytest.raises(StopIteration):
            reader.read_chunk()


def test_what_is_not_data(peers):
    client = peers[1]
    descriptor = fl.FlightDescriptor.for_command(b"c")
    assert client.get_flight_info(descriptor).total_records == 2000
    assert client.get_schema(descriptor).schema.equals(WORDS.schema)
    assert [info.descriptor.command for info in client.list_flights(b"c")] == [b"c"]
    assert [r.body.to_pybytes() for r in client.do_action(("echo", b"body"))] == [b"body"] * 2
    assert [a.type for a in client.list_actions()] == ["header"]


def test_headers_pass_in_both_directions(peers):
    seen = []

    class Client(fl.ClientMiddlewareFactory):
        def start_call(self, info):
            return Middleware()

    class Middleware(fl.ClientMiddleware):
        def received_headers(self, headers):
            seen.extend(headers.get("x-answer", []))

    options = fl.FlightCallOptions(headers=[(b"x-color", b"green")])
    assert [r.body.to_pybytes() for r in peers[1].do_action("header", options)] == [b"green"]
    _, location = peers
    with Upstream() as server, relaying(f"grpc://localhost:{server.port}") as (_, location), \
            fl.connect(location, middleware=[Client()]) as client:
        client.do_get(fl.Ticket("lz4"), options).read_all()
    assert "green" in seen


def test_cancellation_and_deadlines_reach_the_server(peers):
    server, client = peers
    reader = client.do_get(fl.Ticket("endless"))
    reader.read_chunk()
    reader.cancel()
    assert server.cancelled.wait(60)
    server.cancelled.clear()
    with pytest.raises(fl.FlightTimedOutError):
        client.do_get(fl.Ticket("endless"), fl.FlightCallOptions(timeout=0.5)).read_all()
    assert server.cancelled.wait(60)


def peak_mib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return None


def test_a_slow_client_costs_no_memory():
    """What a client does not take stays at the server: a stream without end, of which two batches are read, while other
    calls come and go. The server sends as much as windows and sockets hold, and then no more."""
    with Upstream() as server, relaying(f"grpc://localhost:{server.port}") as (process, location), \
            fl.connect(location) as client, fl.connect(location) as other:
        reader = client.do_get(fl.Ticket("endless"))
        reader.read_chunk()
        counts = []
        for _ in range(10):
            for _ in range(20):
                assert other.do_get(fl.Ticket("lz4")).read_all().num_rows == 2000
            counts.append(server.sent)
        assert counts[-1] == counts[-2] < 2000
        assert peak_mib(process) < 100
        reader.read_chunk()
        reader.cancel()


def test_relays_in_a_row(cflight, tmp_path):
    """cflight serve, two relays, cflight get: the file that comes out holds the messages of the one that went in."""
    with ipc.new_stream(str(tmp_path / "w.arrows"), WORDS.schema, options=ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(WORDS, max_chunksize=300)
    with cflight.serving(tmp_path) as server, relaying(server.location) as (_, one), relaying(one) as (_, two):
        cflight.run("get", two, "w", "-o", tmp_path / "copy.arrows", check=True)
    assert (tmp_path / "copy.arrows").read_bytes() == (tmp_path / "w.arrows").read_bytes()
