# SPDX-License-Identifier: Apache-2.0
"""What do_get returns is pulled by the library: no client holds a thread by not reading, and code of the stream keeps
its context, its variables and its last moments."""

import contextvars
import gc
import os
import subprocess
import sys
import threading
import weakref

import cflight as flight
import pytest

pa = pytest.importorskip("pyarrow")

from conftest import MODULE_PATH  # noqa: E402
from echo_server import EchoServer  # noqa: E402

WAIT_S = 30
SCHEMA = pa.schema([("n", pa.int64())])
COMMAND = flight.FlightDescriptor.for_command(b"x")
TICKET = flight.Ticket(b"t")
KEY = contextvars.ContextVar("key", default="nothing")
STOPPED = 64  # far more than THREADS_MAX, and cheap where the machine is busy
THREADS_MAX = 24
BYTES_EACH_MAX = 2 << 20
BATCH_BYTES = 1 << 18

SERVER = """
import sys
import cflight as flight
import pyarrow as pa

BATCH = pa.record_batch([pa.array([bytes(int(sys.argv[1]))])], ["data"])


class Server(flight.FlightServerBase):
    def do_get(self, context, ticket):
        if ticket.ticket == b"table":
            return flight.RecordBatchStream(pa.Table.from_batches([BATCH] * 1000))
        if ticket.ticket == b"short":
            return flight.GeneratorStream(BATCH.schema, [BATCH] * 3)
        return flight.GeneratorStream(BATCH.schema, iter(lambda: BATCH, None))

    def list_actions(self, context):
        return []


def numbers():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(status["Threads"]), int(status["VmRSS"].split()[0]) * 1024


with Server("grpc://localhost:0", handlers_max=4, shutdown_grace=0) as server:
    print(server.port, flush=True)
    for _ in sys.stdin:
        print(*numbers(), flush=True)
"""


@pytest.mark.parametrize("ticket", [b"endless", b"table"])
def test_clients_that_stop_reading_hold_no_thread(ticket, record_property):
    """Goal: others are served however many clients do not take what they asked for, in little memory and with few
    threads. Method: 64 clients that read one batch and no more, at a server with four handlers."""
    small = {"stream_window_bytes": 1 << 16}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(BATCH_BYTES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": MODULE_PATH},
    ) as process:

        def numbers():
            """Threads and resident bytes of the server."""
            print(file=process.stdin, flush=True)
            return [int(word) for word in process.stdout.readline().split()]

        location = f"grpc://localhost:{process.stdout.readline().strip()}"
        with flight.connect(location) as other:
            assert other.do_get(flight.Ticket(b"short")).read_all().num_rows == 3
            _, bytes_before = numbers()
            stopped = []
            for _ in range(STOPPED):
                client = flight.connect(location, **small)
                reader = client.do_get(flight.Ticket(ticket))
                assert reader.read_chunk().data.num_rows == 1
                stopped.append((client, reader))
            at_once = flight.FlightCallOptions(timeout=WAIT_S)
            assert other.list_actions(at_once) == []
            assert other.do_get(flight.Ticket(b"short"), at_once).read_all().num_rows == 3
            threads, bytes_after = numbers()
        bytes_each = (bytes_after - bytes_before) // STOPPED
        record_property("threads", threads)
        record_property("bytes_each", bytes_each)
        print(f"{STOPPED} stopped readers ({ticket.decode()}): {threads} threads, {bytes_each} bytes each")
        assert threads <= THREADS_MAX
        assert bytes_each <= BYTES_EACH_MAX
        for client, reader in stopped:
            reader.cancel()
            client.close()
        process.stdin.close()
        assert process.wait(WAIT_S) == 0


def batch(*numbers):
    return pa.record_batch([pa.array(numbers, pa.int64())], schema=SCHEMA)


class Generating(flight.FlightServerBase):
    """Serves what a function yields: `make(context)`."""

    def __init__(self, make, **options):
        self.make = make
        super().__init__("grpc://localhost:0", **options)

    def do_get(self, context, ticket):
        KEY.set(ticket.ticket.decode())
        return flight.GeneratorStream(SCHEMA, self.make(context))


def test_a_generator_is_closed_when_its_client_goes():
    """Goal: a generator ends as by close() when the client cancels, and may look at its call until then. Method: cancel
    after the first batch."""
    closed = threading.Event()
    seen = []

    def make(context):
        seen.append(context)
        try:
            while True:
                yield batch(1)
        except GeneratorExit:
            seen.append(context.is_cancelled())
            raise
        finally:
            closed.set()

    with Generating(make) as server, flight.connect(server.location) as client:
        reader = client.do_get(TICKET)
        reader.read_chunk()
        reader.cancel()
        assert closed.wait(WAIT_S)
    assert seen[1:] == [True]
    with pytest.raises(ValueError, match="is over"):
        seen[0].is_cancelled()


def test_a_context_lives_as_long_as_its_stream():
    """Goal: code of a stream asks its context and adds trailers, as the method may. Method: in every step."""

    def make(context):
        for _ in range(3):
            assert not context.is_cancelled()
            assert context.method is flight.FlightMethod.DO_GET
            assert "user-agent" in context.headers()
            yield batch(1)

    with Generating(make) as server, flight.connect(server.location) as client:
        assert client.do_get(TICKET).read_all().num_rows == 3


def test_context_variables_stay_with_their_stream():
    """Goal: each stream has its own context variables, begun in do_get, whatever threads run it. Method: streams that
    are read in turns, each of which looks for its name and what it counted so far; a token is good until the end."""
    count = contextvars.ContextVar("count", default=0)

    def make(context):
        token = KEY.set("in " + KEY.get())
        for _ in range(20):
            count.set(count.get() + 1)
            yield batch(int(KEY.get()[3:]) * 100 + count.get())
        KEY.reset(token)
        yield batch(int(KEY.get()))

    with Generating(make) as server, flight.connect(server.location) as client:
        readers = [client.do_get(flight.Ticket(b"%d" % n)) for n in range(8)]
        rows = [[] for _ in readers]
        for _ in range(21):
            for reader, row in zip(readers, rows):
                row += reader.read_chunk().data.column(0).to_pylist()
        assert rows == [[n * 100 + i for i in range(1, 21)] + [n] for n in range(8)]
        assert KEY.get() == "nothing"


class Recorder(flight.ServerMiddlewareFactory):
    def __init__(self):
        self.exceptions = []
        self.done = threading.Event()

    def start_call(self, info, headers):
        return Recording(self)


class Recording(flight.ServerMiddleware):
    def __init__(self, recorder):
        self.recorder = recorder

    def call_completed(self, exception):
        self.recorder.exceptions.append(exception)
        self.recorder.done.set()


class OwnError(Exception):
    """One of the program's."""


@pytest.mark.parametrize(
    "raised, name",
    [
        (flight.FlightUnauthorizedError("reason"), "FlightUnauthorizedError"),
        (KeyError("reason"), "ArrowKeyError"),
        (OwnError("reason"), "FlightServerError"),
    ],
)
def test_failures_of_a_stream_keep_their_class(raised, name):
    """Goal: what a generator raises after a batch reaches the client with class and text, and middleware as it is."""

    def make(context):
        yield batch(1)
        raise raised

    recorder = Recorder()
    class_of_client = getattr(flight, name, None) or getattr(pa.lib, name)
    with Generating(make, middleware={"r": recorder}) as server, flight.connect(server.location) as client:
        reader = client.do_get(TICKET)
        assert reader.read_chunk().data.num_rows == 1
        with pytest.raises(class_of_client, match="reason"):
            reader.read_chunk()
        assert recorder.done.wait(WAIT_S)
    assert recorder.exceptions == [raised]


def test_a_failing_reader_keeps_its_class():
    """Goal: the same for a stream that is not ours. Method: a pyarrow reader over a generator that fails."""

    def batches():
        yield batch(1)
        raise KeyError("reason")

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(SCHEMA, batches()))

    with Server() as server, flight.connect(server.location) as client:
        reader = client.do_get(TICKET)
        assert reader.read_chunk().data.num_rows == 1
        with pytest.raises(pa.lib.ArrowKeyError, match="reason"):
            reader.read_chunk()


def test_streams_in_streams_have_a_limit():
    """Goal: generators that give generators without end fail instead of filling memory. Method: one that does."""

    def make(context):
        yield flight.GeneratorStream(SCHEMA, make(context))

    with Generating(make) as server, flight.connect(server.location) as client:
        with pytest.raises(flight.FlightServerError, match="nested GeneratorStreams"):
            client.do_get(TICKET).read_all()


def test_a_stream_keeps_its_server():
    """Goal: a server that nobody holds but a stream serves it to its end, and stops. Method: weak references."""
    server = Generating(lambda context: (batch(n) for n in range(100)))
    location, gone = server.location, threading.Event()
    weakref.finalize(server, gone.set)
    with flight.connect(location, stream_window_bytes=1 << 16) as client:
        reader = client.do_get(TICKET)
        reader.read_chunk()
        del server
        gc.collect()
        assert reader.read_all().num_rows == 99
        assert gone.wait(WAIT_S)


def test_too_many_waiting_methods_are_named():
    """Goal: where methods do hold threads, in exchanges, there is a limit, and who meets it learns which. Method: two
    exchanges that wait for their clients; calls with one answer still go."""
    with EchoServer(waiting_max=2) as server, flight.connect(server.location) as client:
        opened = []
        with pytest.raises(flight.FlightUnavailableError, match="waiting_max, 2"):
            while len(opened) < 1000:  # the second may be about to wait
                writer, reader = client.do_exchange(COMMAND)
                writer.write_metadata(b"hello")
                assert reader.read_chunk().app_metadata.to_pybytes() == b"hello"
                opened.append(writer)
        assert client.get_flight_info(COMMAND).total_records == 7
        for writer in opened:
            writer.close()
        assert client.list_actions() is not None


LEFT = """
import cflight as flight
import pyarrow as pa

SCHEMA = pa.schema([("n", pa.int64())])


class Server(flight.FlightServerBase):
    def do_get(self, context, ticket):
        return flight.GeneratorStream(SCHEMA, self.endless())

    def endless(self):
        try:
            while True:
                yield pa.record_batch([[0] * 10000], schema=SCHEMA)
        finally:
            print("closed", flush=True)


server = Server("grpc://localhost:0", shutdown_grace=0.1)
client = flight.connect(server.location)
reader = client.do_get(flight.Ticket(b"t"))
reader.read_chunk()
"""


def test_the_interpreter_ends_with_a_stopped_reader(run_script):
    """Goal: streams are let go of while Python still runs. Method: a program that ends in the middle of one."""
    assert run_script(LEFT) == "closed\n"
