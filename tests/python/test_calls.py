# SPDX-License-Identifier: Apache-2.0
"""Every call between our client and our server, and what goes wrong with them."""

import contextlib
import gc
import sys
import threading
import weakref

import cflight as flight
import pytest
from echo_server import EchoServer

pa = pytest.importorskip("pyarrow")


@pytest.fixture
def server():
    with EchoServer() as running:
        yield running
        running.release.set()


@pytest.fixture
def client(server):
    with flight.connect(server.location) as connected:
        yield connected


def put(client, name, table):
    writer, answers = client.do_put(flight.FlightDescriptor.for_path(name), table.schema)
    with writer:
        writer.write_table(table)
        writer.done_writing()
        answer = answers.read()
        assert answers.read() is None
    return answer


def test_data_survives_a_round_trip(client):
    """Goal: what is put is what is got. Method: types with children, dictionaries and nulls."""
    table = pa.table(
        {
            "ints": pa.array([1, None, 3] * 1000, pa.int16()),
            "text": ["a", "", None] * 1000,
            "lists": [[1, 2], None, []] * 1000,
            "words": pa.array(["x", "y", None] * 1000).dictionary_encode(),
            "structs": [{"a": 1, "b": "z"}, None, {"a": None, "b": ""}] * 1000,
        }
    )
    assert put(client, "t", table) == b"3000"
    assert client.do_get(flight.Ticket("t")).read_all() == table
    reader = client.do_get(flight.Ticket("t")).to_reader()
    assert isinstance(reader, pa.RecordBatchReader) and reader.read_all() == table
    assert pa.table(client.do_get(flight.Ticket("t"))) == table
    assert client.get_schema(flight.FlightDescriptor.for_path("t")).schema == table.schema
    (info,) = client.list_flights()
    assert info.schema == table.schema and info.endpoints[0].ticket == flight.Ticket("t")


def test_sliced_and_chunked_tables_are_written_in_pieces(client):
    """Goal: max_chunksize bounds every batch. Method: a sliced table of two chunks."""
    table = pa.concat_tables([pa.table({"a": range(100)}), pa.table({"a": range(50)})]).slice(7)
    writer, _ = client.do_put(flight.FlightDescriptor.for_path("c"), table.schema)
    with writer:
        writer.write_table(table, max_chunksize=10)
        assert writer.stats.num_record_batches == 10 + 5
        with pytest.warns(FutureWarning):
            writer.write_table(table, chunksize=1000)
        with pytest.raises(ValueError):
            writer.write_table(table, 0)
    batches = list(client.do_get(flight.Ticket("c")))
    assert all(chunk.data.num_rows <= 93 for chunk in batches)
    got = pa.Table.from_batches([chunk.data for chunk in batches])
    assert got == pa.concat_tables([table, table])


def test_exchange_is_full_duplex(client):
    """Goal: metadata and batches go back and forth, one for one. Method: ping-pong."""
    batch = pa.record_batch({"a": [1, 2, 3]})
    writer, reader = client.do_exchange(flight.FlightDescriptor.for_command("echo"))
    with writer:
        writer.write_metadata(b"first")
        chunk = reader.read_chunk()
        assert chunk.data is None and chunk.app_metadata == b"first"
        with pytest.raises(pa.ArrowInvalid):
            writer.write_batch(batch)
        with pytest.raises(ValueError):
            writer.stats
        writer.begin(batch.schema)
        with pytest.raises(pa.ArrowInvalid):
            writer.begin(batch.schema)
        for index in range(5):
            writer.write_with_metadata(batch, str(index).encode())
            data, metadata = reader.read_chunk()
            assert data == batch and metadata.to_pybytes() == str(index).encode()
        with pytest.raises(pa.ArrowInvalid, match="different schema"):
            writer.write_batch(pa.record_batch({"b": [1]}))
        with pytest.raises(ValueError):
            writer.write(3)
        writer.write(batch)
        assert reader.read_chunk().data == batch
        writer.done_writing()
        with pytest.raises(pa.ArrowInvalid, match="already closed"):
            writer.write_batch(batch)
        with pytest.raises(StopIteration):
            reader.read_chunk()


def test_objects_of_a_call_end_with_it(server, client):
    """Goal: what a handler kept is an error to use, not freed memory. Method: use it later."""
    writer, reader = client.do_exchange(flight.FlightDescriptor.for_command("x"))
    writer.close()
    (context, server_reader, server_writer), = server.contexts
    with pytest.raises(ValueError):
        context.peer()
    with pytest.raises(pa.ArrowInvalid):
        server_reader.read_chunk()
    with pytest.raises(pa.ArrowInvalid):
        server_writer.write_metadata(b"late")


def test_actions(client):
    """Goal: results arrive in order, as they are made. Method: every form of an action."""
    assert [r.body.to_pybytes() for r in client.do_action(("echo", b"hi"))] == [b"hi", b"hi"]
    assert list(client.do_action("echo"))[0] == flight.Result(b"")
    assert client.list_actions() == [("echo", "returns the body"), ("fail", "raises")]
    with client.do_action("forever") as results:
        assert next(results).body == b"more"
    assert list(results) == []
    with pytest.raises(TypeError):
        client.do_action(3)


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ("FlightInternalError", flight.FlightInternalError),
        ("FlightTimedOutError", flight.FlightTimedOutError),
        ("FlightCancelledError", flight.FlightCancelledError),
        ("FlightServerError", flight.FlightServerError),
        ("FlightUnauthenticatedError", flight.FlightUnauthenticatedError),
        ("FlightUnauthorizedError", flight.FlightUnauthorizedError),
        ("FlightUnavailableError", flight.FlightUnavailableError),
        ("BareError", flight.FlightServerError),
        ("NotImplementedError", pa.ArrowNotImplementedError),
        ("KeyError", pa.ArrowKeyError),
        ("ValueError", pa.ArrowInvalid),
        ("OverflowError", pa.ArrowInvalid),
        ("ArrowInvalid", pa.ArrowInvalid),
        ("MemoryError", flight.FlightServerError),
        ("IndexError", flight.FlightServerError),
        ("TypeError", flight.FlightServerError),
        ("OSError", flight.FlightServerError),
        ("RuntimeError", flight.FlightServerError),
    ],
)
def test_exceptions_cross_the_wire(client, raised, caught):
    """Goal: the mapping of exceptions, both ways. Method: an action that raises each of them."""
    results = client.do_action(("fail", raised.encode()))
    with pytest.raises(caught, match="reason") as info:
        list(results)
    assert type(info.value) is caught
    if raised[:6] not in ("Flight", "BareEr"):
        assert "Traceback" in str(info.value)
    assert list(results) == []


def test_failures_keep_their_class_in_every_call(client):
    """Goal: get_schema fails like the other calls do. Method: the same refusal."""
    with pytest.raises(flight.FlightUnauthorizedError, match="private") as info:
        client.get_schema(flight.FlightDescriptor.for_command("private"))
    assert info.value.extra_info == b"extra"
    with pytest.raises(KeyError):
        client.get_flight_info(flight.FlightDescriptor.for_command("missing"))
    with pytest.raises(KeyError):
        client.do_get(flight.Ticket("nothing"))


def test_polling(client):
    """Goal: PollFlightInfo works at both ends. Method: until there is nothing more to poll."""
    poll = client.poll_flight_info(flight.FlightDescriptor.for_command("run"))
    assert poll.progress == 0.5 and poll.info.total_records == 7
    assert poll.expiration_time.value == 1_000_000_000
    assert poll.descriptor == flight.FlightDescriptor.for_command("run")
    done = client.poll_flight_info(flight.FlightDescriptor.for_command("done"))
    assert done.descriptor is None


def test_time_limits_are_named(server, client):
    """Goal: each limit ends a call that stalls. Method: a handler that waits."""
    for options in (
        flight.FlightCallOptions(timeout=0.1),
        flight.FlightCallOptions(idle_timeout=0.1),
        flight.FlightCallOptions(first_byte_timeout=0.1),
    ):
        with pytest.raises(flight.FlightTimedOutError):
            client.do_get(flight.Ticket("slow"), options)
    results = client.do_action("time", flight.FlightCallOptions(timeout=60))
    remaining, method = (r.body.to_pybytes() for r in results)
    assert 50 < float(remaining) <= 60 and method == b"DO_ACTION"
    assert next(client.do_action("time")).body == b"None"


def test_a_token_cancels_from_another_thread(server, client):
    """Goal: a blocked call ends when its token is cancelled. Method: cancel while it waits."""
    token = flight.CancelToken()
    options = flight.FlightCallOptions(cancel=token)
    canceller = server.when_started(token.cancel)
    with pytest.raises(flight.FlightCancelledError):
        client.do_get(flight.Ticket("slow"), options)
    canceller.join()
    assert token.is_cancelled
    with pytest.raises(flight.FlightCancelledError):
        client.get_flight_info(flight.FlightDescriptor.for_path("x"), options)
    client.get_flight_info(flight.FlightDescriptor.for_path("x"))


def test_readers_end_when_cancelled_or_closed(client):
    """Goal: cancel ends a read in another thread; close lets go at once. Method: a stalled call."""
    _, reader = client.do_exchange(flight.FlightDescriptor.for_command("stall"))
    caught = []
    reading = threading.Event()

    def read():
        reading.set()  # the GIL is free again when it reads
        try:
            reader.read_chunk()
        except flight.FlightError as error:
            caught.append(type(error))

    thread = threading.Thread(target=read)
    thread.start()
    assert reading.wait(5)
    reader.cancel()
    thread.join(5)
    assert caught == [flight.FlightCancelledError]
    reader.close()
    reader.close()
    with pytest.raises(pa.ArrowInvalid):
        reader.read_chunk()


def test_a_closed_client_says_so(server):
    """Goal: calls on a closed client are ArrowInvalid. Method: every call."""
    client = flight.connect(server.location)
    client.close()
    client.close()
    descriptor = flight.FlightDescriptor.for_path("x")
    for call in (
        lambda: client.get_flight_info(descriptor),
        lambda: client.get_schema(descriptor),
        lambda: list(client.list_flights()),
        lambda: client.do_get(flight.Ticket("x")),
        lambda: client.do_put(descriptor, pa.schema([])),
        lambda: client.do_exchange(descriptor),
        lambda: client.do_action("x"),
        lambda: client.list_actions(),
    ):
        with pytest.raises(pa.ArrowInvalid, match="closed"):
            call()


def test_nobody_listens():
    """Goal: a dead address is Unavailable, fast. Method: a port that was just free."""
    with EchoServer() as server:
        port = server.port
    client = flight.connect(("localhost", port), connect_timeout=5)
    with pytest.raises(flight.FlightUnavailableError, match="Flight returned unavailable error"):
        client.get_flight_info(flight.FlightDescriptor.for_path("x"))
    with pytest.raises(flight.FlightUnavailableError):
        client.wait_for_available(timeout=0.1)


def test_a_busy_port_is_an_arrow_exception(server):
    """Goal: binding fails with words. Method: bind twice."""
    with pytest.raises(pa.ArrowException, match="Server did not start properly"):
        EchoServer(("localhost", server.port))
    with pytest.raises(pa.ArrowKeyError, match="No server transport implementation for s3"):
        EchoServer("s3://x")
    for wrong in (
        {"location": 3},
        {"middleware": []},
        {"tls_certificates": ()},
        {"auth_handler": 3},
    ):
        with pytest.raises(TypeError):
            EchoServer(**wrong)


def test_a_handler_may_stop_its_server():
    """Goal: shutdown in a handler does not wait for itself. Method: an action that does it."""
    server = EchoServer()
    client = flight.connect(server.location)
    assert [r.body.to_pybytes() for r in client.do_action("shutdown")] == [b"begun"]
    server.wait()
    with pytest.raises(flight.FlightUnavailableError):
        client.get_flight_info(flight.FlightDescriptor.for_path("x"))


def test_a_server_that_is_dropped_stops():
    """Goal: no leak of servers, with and without shutdown. Method: weak references."""
    for stops in (True, False):
        server = EchoServer()
        port = server.port
        reference = weakref.ref(server)
        if stops:
            server.shutdown()
        del server
        gc.collect()
        assert reference() is None
        client = flight.connect(("localhost", port))
        with pytest.raises(flight.FlightUnavailableError):
            list(client.list_flights())


def test_a_server_without_init_says_so():
    """Goal: a subclass that forgets super().__init__ gets words. Method: use it."""

    class Forgetful(flight.FlightServerBase):
        def __init__(self):
            pass

    for use in (lambda s: s.port, lambda s: s.serve(), lambda s: s.shutdown()):
        with pytest.raises(ValueError, match="__init__ was not called"):
            use(Forgetful())


def test_the_last_reference_may_go_inside_a_handler():
    """Goal: no deadlock when a handler holds the last reference. Method: drop it while one runs."""
    server = EchoServer()
    release = server.release
    client = flight.connect(server.location)

    def call():
        with contextlib.suppress(flight.FlightError):
            list(client.do_action("stall"))

    thread = threading.Thread(target=call)
    thread.start()
    assert server.started.acquire(timeout=10)
    gone = threading.Event()
    reference = weakref.ref(server, lambda _: gone.set())
    del server
    release.set()
    thread.join(10)
    assert not thread.is_alive()
    assert gone.wait(10)
    assert reference() is None


def test_sessions(server):
    """Goal: session values of every type travel. Method: a server that keeps them by hand."""

    class SessionServer(flight.FlightServerBase):
        def do_action(self, context, action):
            kept.append((action.type, action.body.to_pybytes()))
            if action.type == "SetSessionOptions":
                return [b"\n\x07\n\x01b\x12\x02\x08\x01"]
            if action.type == "GetSessionOptions":
                return [kept[0][1]]
            return [b"\x08\x01"]

    kept = []
    options = {"s": "text", "b": True, "i": -5, "f": 0.5, "l": ["x", "y"], "n": None}
    with SessionServer() as server, flight.connect(server.location) as client:
        failures = client.set_session_options(options)
        assert failures == {"b": flight.SessionOptionError.INVALID_NAME}
        assert client.get_session_options() == options
        assert client.close_session() is flight.CloseSessionStatus.CLOSED
        info = flight.FlightInfo(None, flight.FlightDescriptor.for_path("x"), [])
        assert client.cancel_flight_info(info) is flight.CancelStatus.CANCELLED
        with pytest.raises(TypeError):
            client.set_session_options({"x": object()})
        with pytest.raises(OverflowError):
            client.set_session_options({"x": 2**70})


def test_renewal():
    """Goal: an endpoint can be renewed. Method: a server that moves its time."""

    class RenewingServer(flight.FlightServerBase):
        def do_action(self, context, action):
            assert action.type == "RenewFlightEndpoint"
            return [flight.FlightEndpoint(b"t", [], 9).serialize()]

    with RenewingServer() as server, flight.connect(server.location) as client:
        renewed = client.renew_flight_endpoint(flight.FlightEndpoint(b"t", [], 5))
        assert renewed == flight.FlightEndpoint(b"t", [], 9)


def test_middleware_sees_the_call_and_its_failure(monkeypatch):
    """Goal: every callback of both sides, and none that fails disturbs. Method: record them."""
    seen = []
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: reported.append(report.exc_type))

    class ClientSide(flight.ClientMiddleware):
        def sending_headers(self):
            return {"X-Name": ["a", "b"], "x-raw-bin": b"\x00\xff"}

        def received_headers(self, headers):
            seen.append(("received", headers.get("x-answer")))

        def call_completed(self, exception):
            seen.append(("client", type(exception)))
            raise RuntimeError("ignored")

    class ClientFactory(flight.ClientMiddlewareFactory):
        def start_call(self, info):
            return ClientSide()

    class ServerSide(flight.ServerMiddleware):
        def __init__(self, headers):
            self.headers = headers

        def sending_headers(self):
            return {"x-answer": "yes"}

        def call_completed(self, exception):
            seen.append(("server", type(exception), str(exception)))

    class ServerFactory(flight.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            assert headers["x-name"] == ["a", "b"] and headers["x-raw-bin"] == [b"\x00\xff"]
            return ServerSide(headers)

    class Refusing(flight.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            if info.method is flight.FlightMethod.LIST_ACTIONS:
                raise flight.FlightUnauthenticatedError("who are you")

    key = object()
    with EchoServer(middleware={key: ServerFactory(), "last": Refusing()}) as server:
        with flight.FlightClient(server.location, middleware=[ClientFactory()]) as client:
            with pytest.raises(KeyError):
                client.get_flight_info(flight.FlightDescriptor.for_command("missing"))
            assert ("received", ["yes"]) in seen
            assert ("server", KeyError, "'missing'") in seen
            assert ("client", pa.ArrowKeyError) in seen
            with pytest.raises(flight.FlightUnauthenticatedError, match="who are you"):
                client.list_actions()
            assert ("server", flight.FlightUnauthenticatedError, "who are you") in seen
    assert reported and set(reported) == {RuntimeError}


def test_size_limits_of_writes(server):
    """Goal: a message over the limit is refused and the stream goes on. Method: one of each."""
    batch = pa.record_batch({"a": list(range(1000))})
    with flight.FlightClient(server.location, write_size_limit_bytes=4096) as client:
        writer, _ = client.do_put(flight.FlightDescriptor.for_path("s"), batch.schema)
        with writer:
            with pytest.raises(flight.FlightWriteSizeExceededError) as info:
                writer.write_batch(batch)
            assert info.value.limit == 4096 and info.value.actual > 8000
            assert isinstance(info.value, ValueError)
            writer.write_batch(batch.slice(0, 100))
        assert client.do_get(flight.Ticket("s")).read_all().num_rows == 100




def test_small_answers_are_not_lost_behind_large_ones(server, client):
    """Goal: actions succeed while tables fill the connection. Method: many of both, many threads."""
    from concurrent.futures import ThreadPoolExecutor

    server.tables[b"t"] = pa.table({"a": range(200_000)})

    def call(index):
        if index % 2:
            return len(list(client.do_action(("echo", b"x"))))
        return client.do_get(flight.Ticket("t")).read_all().num_rows

    with ThreadPoolExecutor(60) as pool:
        assert set(pool.map(call, range(120))) == {2, 200_000}
