# SPDX-License-Identifier: Apache-2.0
"""Uploads and exchanges that could hang, between cflight and pyarrow: every combination ends, well before the
watchdog, with the outcome it must have, at both ends. "Slow" is an event, never a sleep."""

import contextlib
import os
import subprocess
import sys
import threading

import cflight
import pytest

pa = pytest.importorskip("pyarrow")

from pairs import (  # noqa: E402
    BIG,
    PAIR_IDS,
    PAIRS,
    SCHEMA,
    SMALL,
    Watched,
    location_of,
    make_server,
    wait,
    within,
)

BATCH_COUNT = 12
LIMIT_S = 1.0  # of calls that cannot end otherwise

METHODS = ["put", "exchange"]


class Scene:
    """A server with one handler for both methods, and a client. `handler(scene, context, reader, writer)` runs at the
    server; the writer takes metadata in a put, batches in an exchange."""

    def __init__(self, pair, method, handler):
        self.client_library, self.server_library = pair
        self.method = method
        self.started = threading.Event()
        self.ended = threading.Event()
        self.go = threading.Event()
        self.seen_cancelled = threading.Event()
        self.rows = 0

        def handle(context, descriptor, reader, writer):
            self.started.set()
            try:
                return handler(self, context, reader, writer)
            finally:
                self.ended.set()

        self.server = make_server(self.server_library, {"do_put": handle, "do_exchange": handle})
        self.client = self.client_library.connect(location_of(self.server))

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.go.set()
        within(self.client.close)
        within(self.server.shutdown)

    def open(self, **options):
        """Starts the call: returns the writer, and the reader of what comes back."""
        descriptor = self.client_library.FlightDescriptor.for_command(b"x")
        options = self.client_library.FlightCallOptions(**options)
        if self.method == "put":
            return self.client.do_put(descriptor, SCHEMA, options)
        writer, reader = self.client.do_exchange(descriptor, options)
        writer.begin(SCHEMA)
        return writer, reader

    def error(self, name):
        return getattr(self.client_library, name)


@pytest.fixture(params=PAIRS, ids=PAIR_IDS)
def pair(request):
    return request.param


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def batches(reader):
    """What a handler reads; an upload without batches is none."""
    for chunk in reader:
        if chunk.data is not None:
            yield chunk.data


def write_all(writer, count=BATCH_COUNT):
    for _ in range(count):
        writer.write_batch(BIG)
    writer.done_writing()


def read_answers(scene, reader):
    """Everything that comes back; how much it was."""
    if scene.method == "put":
        count = 0
        while reader.read() is not None:
            count += 1
        return count
    return sum(1 for _ in reader)


def answer(scene, writer):
    """One piece in the direction of the client."""
    if scene.method == "put":
        writer.write(b"x" * 60_000)
    else:
        writer.write_batch(BIG)


def read_everything(scene, context, reader, writer):
    for batch in batches(reader):
        scene.rows += batch.num_rows


def test_a_slow_server_gets_everything(pair, method):
    """Goal: a server that reads late slows the writer, no more. Method: it begins when the test says so, which is when
    the client has been writing for as long as it took the handler to start."""

    def handler(scene, context, reader, writer):
        wait(scene.go)
        read_everything(scene, context, reader, writer)

    with Scene(pair, method, handler) as scene:
        writer, reader = scene.open()
        writing = Watched(write_all, writer)
        wait(scene.started)
        scene.go.set()
        writing.result()
        Watched(writer.close).result()
        wait(scene.ended)
        assert scene.rows == BATCH_COUNT * BIG.num_rows


def test_a_slow_client_gets_everything(pair, method):
    """Goal: a client that reads late holds the server back, and then has it all. Method: it reads once the handler
    writes; a put takes more answers than windows hold."""
    count = 400 if method == "put" else BATCH_COUNT

    def handler(scene, context, reader, writer):
        if scene.method == "exchange":
            writer.begin(SCHEMA)
        scene.go.set()
        for _ in range(count):
            answer(scene, writer)

    with Scene(pair, method, handler) as scene:
        writer, reader = scene.open()
        Watched(writer.done_writing).result()
        wait(scene.go)
        assert Watched(read_answers, scene, reader).result() == count
        Watched(writer.close).result()
        wait(scene.ended)


def test_slow_writers_in_lockstep(pair, method):
    """Goal: what is written is sent, and does not wait for more. Method: each side writes only when it has read what
    the other wrote last."""
    rounds = 20

    def handler(scene, context, reader, writer):
        if scene.method == "exchange":
            writer.begin(SCHEMA)
        for batch in batches(reader):
            scene.rows += batch.num_rows
            if scene.method == "put":
                writer.write(b"ok")
            else:
                writer.write_batch(SMALL)

    def client(scene):
        writer, reader = scene.open()
        for _ in range(rounds):
            writer.write_batch(SMALL)
            assert (reader.read() if scene.method == "put" else reader.read_chunk().data) is not None
        writer.close()

    with Scene(pair, method, handler) as scene:
        Watched(client, scene).result()
        wait(scene.ended)
        assert scene.rows == rounds * SMALL.num_rows


def test_a_client_that_closes_early(pair, method):
    """Goal: a client that opens and closes gets the server's verdict; so does one that wrote a little."""
    for count in (0, 1):
        with Scene(pair, method, read_everything) as scene:
            writer, _ = Watched(scene.open).result()
            for _ in range(count):
                Watched(writer.write_batch, SMALL).result()
            Watched(writer.close).result()
            wait(scene.ended)
            assert scene.rows == count * SMALL.num_rows


def test_a_client_that_closes_without_reading(pair, method):
    """Goal: closing with answers unread drops them. Method: the server sends more than windows hold."""

    def handler(scene, context, reader, writer):
        if scene.method == "exchange":
            writer.begin(SCHEMA)
        with contextlib.suppress(Exception):  # the client may be gone
            for _ in range(400 if scene.method == "put" else BATCH_COUNT):
                answer(scene, writer)

    with Scene(pair, method, handler) as scene:
        writer, reader = scene.open(timeout=LIMIT_S)
        wait(scene.started)
        outcome = within(writer.close)
        if scene.client_library is cflight:
            assert outcome is None, outcome
        else:  # pyarrow's client waits for the end of what it does not read
            assert outcome is None or isinstance(outcome, scene.error("FlightTimedOutError")), outcome
        wait(scene.ended)


def write_until_told(writer):
    """Writes until the server's end interrupts it."""
    for _ in range(10_000):
        writer.write_batch(BIG)


def test_a_server_that_ends_early(pair, method):
    """Goal: a handler that returns early and well stops the writer; closing says that all is well."""

    def handler(scene, context, reader, writer):
        if scene.method == "exchange":
            writer.begin(SCHEMA)
        next(batches(reader))

    with Scene(pair, method, handler) as scene:
        writer, _ = scene.open()
        outcome = within(write_until_told, writer)
        assert isinstance(outcome, Exception), outcome
        close = within(writer.close)
        if scene.client_library is cflight:
            assert close is None, close
        wait(scene.ended)


def test_an_error_mid_stream(pair, method):
    """Goal: the server's error interrupts the writer, with its class, message and detail, and closing repeats it."""

    def handler(scene, context, reader, writer):
        next(batches(reader))
        raise scene.server_library.FlightUnauthorizedError("no entry", b"why")

    with Scene(pair, method, handler) as scene:
        writer, _ = scene.open()
        expected = scene.error("FlightUnauthorizedError")
        for outcome in (within(write_until_told, writer), within(writer.close)):
            assert isinstance(outcome, expected), outcome
            assert "no entry" in str(outcome) and outcome.extra_info == b"why"
        wait(scene.ended)


def test_an_error_for_a_reader(pair, method):
    """Goal: the server's error reaches a client that reads first."""

    def handler(scene, context, reader, writer):
        if scene.method == "exchange":
            writer.begin(SCHEMA)
        answer(scene, writer)
        raise scene.server_library.FlightUnavailableError("later")

    with Scene(pair, method, handler) as scene:
        writer, reader = scene.open()
        outcome = within(read_answers, scene, reader)
        if scene.method == "exchange":
            assert isinstance(outcome, scene.error("FlightUnavailableError")), outcome
        else:  # answers end, and closing tells why
            assert outcome == 1
        close = within(writer.close)
        assert isinstance(close, scene.error("FlightUnavailableError")), close
        wait(scene.ended)


def stay_until_cancelled(scene, context, reader, writer):
    """A handler that neither reads nor writes, and looks whether it is still wanted."""
    while not context.is_cancelled():
        if scene.go.wait(0.005):
            return
    scene.seen_cancelled.set()


def test_cancelling_blocked_writers_and_readers(pair, method):
    """Goal: a cancel from another thread ends what is blocked, and the handler sees it. Method: cflight's cancel token;
    with pyarrow, which has none for writers, the limit of the call."""
    for is_writing in (True, False):
        with Scene(pair, method, stay_until_cancelled) as scene:
            if scene.client_library is cflight:
                token = cflight.CancelToken()
                writer, reader = scene.open(cancel=token)
                expected = "FlightCancelledError"
            else:
                token = None
                writer, reader = scene.open(timeout=LIMIT_S)
                expected = "FlightTimedOutError"
            blocked = (
                Watched(write_until_told, writer)
                if is_writing
                else Watched(read_answers, scene, reader)
            )
            wait(scene.started)
            if token is not None:
                token.cancel()
            outcome = blocked.outcome()
            if scene.client_library is cflight or is_writing or method == "exchange":
                assert isinstance(outcome, scene.error(expected)), outcome
            wait(scene.seen_cancelled)
            wait(scene.ended)
            within(writer.close)


def test_cancelling_a_reader(pair):
    """Goal: the reader's own cancel ends an exchange, and the handler sees it."""
    with Scene(pair, "exchange", stay_until_cancelled) as scene:
        writer, reader = scene.open()
        wait(scene.started)
        reading = Watched(read_answers, scene, reader)
        reader.cancel()
        assert isinstance(reading.outcome(), scene.error("FlightCancelledError"))
        wait(scene.seen_cancelled)
        wait(scene.ended)
        within(writer.close)


def test_both_sides_full(pair, method):
    """Goal: when both only write, both stop, and the call ends by its limit at both ends."""

    def handler(scene, context, reader, writer):
        if scene.method == "exchange":
            writer.begin(SCHEMA)
        try:
            for _ in range(10_000):
                answer(scene, writer)
        except Exception:
            scene.seen_cancelled.set()
            raise

    with Scene(pair, method, handler) as scene:
        if scene.client_library is cflight:
            writer, _ = scene.open(idle_timeout=0.3)
        else:
            writer, _ = scene.open(timeout=LIMIT_S)
        outcome = within(write_until_told, writer)
        assert isinstance(outcome, scene.error("FlightTimedOutError")), outcome
        if scene.client_library is cflight:
            assert "idle limit of 300 ms" in str(outcome)
        wait(scene.seen_cancelled)
        wait(scene.ended)
        within(writer.close)


CLIENT = """
import importlib, sys
from pairs import SCHEMA, SMALL
library = importlib.import_module(sys.argv[1])
client = library.connect(sys.argv[2])
descriptor = library.FlightDescriptor.for_command(b"x")
if sys.argv[3] == "put":
    opened = client.do_put(descriptor, SCHEMA)
else:
    opened = client.do_exchange(descriptor)
    opened[0].begin(SCHEMA)
opened[0].write_batch(SMALL)
print("written", flush=True)
sys.stdin.read()
"""


def test_a_client_that_goes_away(pair, method):
    """Goal: a client that vanishes in the middle ends the handler, whether it reads or looks for cancellation. Method:
    a process of its own, which is killed."""

    def read_on(scene, context, reader, writer):
        with contextlib.suppress(Exception):
            read_everything(scene, context, reader, writer)

    for handler in (read_on, stay_until_cancelled):
        with Scene(pair, method, handler) as scene:
            arguments = [scene.client_library.__name__, location_of(scene.server), method]
            with subprocess.Popen(
                [sys.executable, "-c", CLIENT, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            ) as process:
                assert process.stdout.readline() == b"written\n"
                wait(scene.started)
                process.kill()
            wait(scene.ended)
