# SPDX-License-Identifier: Apache-2.0
"""Every RPC between cflight and pyarrow, over TCP and Unix sockets: what is sent arrives, and what handlers raise
arrives as what the other library would have made of it. pyarrow has neither PollFlightInfo nor helpers for the standard
actions; there the bytes of the actions are written here."""

import signal

import cflight
import pytest

pa = pytest.importorskip("pyarrow")

from pairs import PAIR_IDS, PAIRS, SCHEMA, SMALL, Watched, location_of, make_server, within  # noqa: E402

EXTRA = b"\x00extra\xff"


def info_of(library, name=b"x", records=7):
    endpoint = library.FlightEndpoint(b"ticket", [library.Location("grpc://localhost:1")])
    descriptor = library.FlightDescriptor.for_command(name)
    return library.FlightInfo(SCHEMA, descriptor, [endpoint], records, 8)


def handlers_of(library, seen):
    """What each method answers; what it was asked goes to `seen`."""

    def list_flights(context, criteria):
        seen.append(criteria)
        return iter([info_of(library, records=i) for i in range(3)])

    def get_flight_info(context, descriptor):
        seen.append(descriptor.command)
        return info_of(library)

    def get_schema(context, descriptor):
        seen.append(descriptor.path)
        return library.SchemaResult(SCHEMA)

    def do_get(context, ticket):
        seen.append(ticket.ticket)
        return library.RecordBatchStream(pa.Table.from_batches([SMALL] * 3))

    def do_put(context, descriptor, reader, writer):
        rows = 0
        for chunk in reader:
            rows += chunk.data.num_rows
            writer.write(str(rows).encode())
        seen.append(rows)

    def do_exchange(context, descriptor, reader, writer):
        writer.begin(SCHEMA)
        for chunk in reader:
            if chunk.data is None:
                writer.write_metadata(chunk.app_metadata)
            elif chunk.app_metadata is None:
                writer.write_batch(chunk.data)
            else:
                writer.write_with_metadata(chunk.data, chunk.app_metadata)

    def do_action(context, action):
        body = action.body.to_pybytes()
        seen.append((action.type, body))
        return iter([library.Result(pa.py_buffer(body)), library.Result(pa.py_buffer(b"two"))])

    def list_actions(context):
        return [("one", "the first"), ("two", "")]

    return locals()


@pytest.fixture(params=PAIRS, ids=PAIR_IDS)
def pair(request):
    return request.param


@pytest.fixture(params=["tcp", "unix"])
def ends(pair, request, tmp_path):
    """The client's library, a client, and what the server was asked."""
    client_library, server_library = pair
    seen = []
    handlers = handlers_of(server_library, seen)
    handlers = {name: function for name, function in handlers.items() if callable(function) and name != "library"}
    location = "grpc://localhost:0" if request.param == "tcp" else f"grpc+unix://{tmp_path}/socket"
    server = make_server(server_library, handlers, location)
    client = client_library.connect(location_of(server) if request.param == "tcp" else location)
    yield client_library, client, seen
    client.close()
    Watched(server.shutdown).result()


def test_list_flights(ends):
    library, client, seen = ends
    infos = list(client.list_flights(b"criteria"))
    assert [info.total_records for info in infos] == [0, 1, 2]
    assert seen == [b"criteria"]


def test_get_flight_info(ends):
    library, client, seen = ends
    info = client.get_flight_info(library.FlightDescriptor.for_command(b"x"))
    assert info.descriptor.command == b"x" and info.schema == SCHEMA
    assert (info.total_records, info.total_bytes) == (7, 8)
    assert info.endpoints == info_of(library).endpoints
    assert seen == [b"x"]


def test_get_schema(ends):
    library, client, seen = ends
    assert client.get_schema(library.FlightDescriptor.for_path("a", "b")).schema == SCHEMA
    assert seen == [[b"a", b"b"]]


def test_do_get(ends):
    library, client, seen = ends
    table = client.do_get(library.Ticket(b"\x00t")).read_all()
    assert table == pa.Table.from_batches([SMALL] * 3)
    assert seen == [b"\x00t"]


def test_do_put(ends):
    library, client, seen = ends
    writer, answers = client.do_put(library.FlightDescriptor.for_path("p"), SCHEMA)
    for i in range(5):
        writer.write_batch(SMALL)
        assert answers.read().to_pybytes() == str(3 * (i + 1)).encode()
    writer.done_writing()
    assert answers.read() is None
    writer.close()
    assert seen == [15]


def test_do_exchange(ends):
    library, client, seen = ends
    writer, reader = client.do_exchange(library.FlightDescriptor.for_command(b"e"))
    writer.begin(SCHEMA)
    for metadata in (None, b"m", b""):
        if metadata is None:
            writer.write_batch(SMALL)
        else:
            writer.write_with_metadata(SMALL, metadata)
        chunk = reader.read_chunk()
        assert chunk.data.num_rows == 3
        if metadata:
            assert chunk.app_metadata.to_pybytes() == metadata
    writer.write_metadata(b"alone")
    chunk = reader.read_chunk()
    assert chunk.data is None and chunk.app_metadata.to_pybytes() == b"alone"
    writer.done_writing()
    with pytest.raises(StopIteration):
        reader.read_chunk()
    writer.close()


def test_do_action(ends):
    library, client, seen = ends
    results = list(client.do_action(library.Action("act", b"\x00body")))
    assert [result.body.to_pybytes() for result in results] == [b"\x00body", b"two"]
    assert seen == [("act", b"\x00body")]


def test_list_actions(ends):
    library, client, seen = ends
    actions = [(action.type, action.description) for action in client.list_actions()]
    assert actions == [("one", "the first"), ("two", "")]


def test_poll_flight_info():
    """Goal: the method that pyarrow lacks, between two ends of ours."""

    def poll_flight_info(context, descriptor):
        return cflight.PollInfo(info_of(cflight), descriptor, 0.5, None)

    server = make_server(cflight, {"poll_flight_info": poll_flight_info})
    with cflight.connect(server.location) as client:
        poll = client.poll_flight_info(cflight.FlightDescriptor.for_command(b"x"))
        assert poll.info.serialize() == info_of(cflight).serialize() and poll.progress == 0.5
    server.shutdown()


def test_poll_flight_info_of_a_server_without_it():
    """Goal: a pyarrow server does not know the method, and we say so."""
    server = make_server(pa.flight, {})
    with cflight.connect(location_of(server)) as client:
        with pytest.raises(cflight.ArrowNotImplementedError):
            client.poll_flight_info(cflight.FlightDescriptor.for_command(b"x"))
    server.shutdown()


def test_handshake(pair):
    """Goal: the handshake of basic credentials, both ways."""
    client_library, server_library = pair

    class ServerAuth(server_library.ServerAuthHandler):
        def authenticate(self, outgoing, incoming):
            auth = server_library.BasicAuth.deserialize(incoming.read())
            if auth.password != b"right":
                raise server_library.FlightUnauthenticatedError("wrong password")
            outgoing.write(b"token of " + auth.username)

        def is_valid(self, token):
            if not token.startswith(b"token of "):
                raise server_library.FlightUnauthenticatedError("no token")
            return token[9:]

    class ClientAuth(client_library.ClientAuthHandler):
        def __init__(self, password):
            super().__init__()
            self.password = password
            self.token = b""

        def authenticate(self, outgoing, incoming):
            outgoing.write(client_library.BasicAuth(b"ann", self.password).serialize())
            self.token = incoming.read()

        def get_token(self):
            return self.token

    def do_action(context, action):
        return iter([server_library.Result(pa.py_buffer(context.peer_identity()))])

    server = make_server(server_library, {"do_action": do_action}, auth_handler=ServerAuth())
    with client_library.connect(location_of(server)) as client:
        with pytest.raises(client_library.FlightUnauthenticatedError):
            list(client.do_action("who"))
        with pytest.raises(client_library.FlightUnauthenticatedError, match="wrong password"):
            client.authenticate(ClientAuth(b"wrong"))
        client.authenticate(ClientAuth(b"right"))
        assert next(client.do_action("who")).body.to_pybytes() == b"ann"
    server.shutdown()


def test_typed_actions_at_a_pyarrow_server():
    """Goal: the helpers for standard actions send what the specification says, and read its answers. Method: a pyarrow
    server that knows the actions by their bytes alone."""
    asked = {}
    renewed = pa.flight.FlightEndpoint(b"renewed", [])
    answers = {
        "CancelFlightInfo": b"\x08\x01",
        "RenewFlightEndpoint": renewed.serialize(),
        "SetSessionOptions": b"\x0a\x09\x0a\x03bad\x12\x02\x08\x01",
        "GetSessionOptions": b"\x0a\x0a\x0a\x01k\x12\x05\x0a\x03val",
        "CloseSession": b"\x08\x01",
    }

    def do_action(context, action):
        asked[action.type] = action.body.to_pybytes()
        return iter([pa.flight.Result(pa.py_buffer(answers[action.type]))])

    server = make_server(pa.flight, {"do_action": do_action})
    with cflight.connect(location_of(server)) as client:
        info = info_of(cflight)
        assert client.cancel_flight_info(info) == cflight.CancelStatus.CANCELLED
        assert info.serialize() in asked["CancelFlightInfo"]
        endpoint = client.renew_flight_endpoint(info.endpoints[0])
        assert endpoint.ticket.ticket == b"renewed"
        assert info.endpoints[0].serialize() in asked["RenewFlightEndpoint"]
        assert client.set_session_options({"bad": 1}) == {"bad": cflight.SessionOptionError.INVALID_NAME}
        assert b"\x0a\x03bad" in asked["SetSessionOptions"]
        assert client.get_session_options() == {"k": "val"}
        assert client.close_session() == cflight.CloseSessionStatus.CLOSED
    server.shutdown()


# What a handler raises: the name of its class in either library, or a class of Python; and what the client gets.
ERRORS = [
    ("FlightInternalError", "FlightInternalError"),
    ("FlightTimedOutError", "FlightTimedOutError"),
    ("FlightCancelledError", "FlightCancelledError"),
    ("FlightServerError", "FlightServerError"),
    ("FlightUnauthenticatedError", "FlightUnauthenticatedError"),
    ("FlightUnauthorizedError", "FlightUnauthorizedError"),
    ("FlightUnavailableError", "FlightUnavailableError"),
    (NotImplementedError, "ArrowNotImplementedError"),
    (KeyError, "ArrowKeyError"),
    (ValueError, "ArrowInvalid"),
    (OverflowError, "ArrowInvalid"),
    (MemoryError, "FlightServerError"),
    (IndexError, "FlightServerError"),
    (TypeError, "FlightServerError"),
    (OSError, "FlightServerError"),
    (RuntimeError, "FlightServerError"),
    (AssertionError, "FlightServerError"),
]


def run_method(library, client, method):
    """One call of a method, to its end."""
    descriptor = library.FlightDescriptor.for_command(b"x")
    if method == "list_flights":
        list(client.list_flights())
    elif method == "get_flight_info":
        client.get_flight_info(descriptor)
    elif method == "get_schema":
        client.get_schema(descriptor)
    elif method == "do_get":
        client.do_get(library.Ticket(b"x")).read_all()
    elif method == "do_put":
        writer, _ = client.do_put(descriptor, SCHEMA)
        writer.write_batch(SMALL)
        writer.close()
    elif method == "do_exchange":
        writer, reader = client.do_exchange(descriptor)
        writer.begin(SCHEMA)
        writer.write_batch(SMALL)
        writer.done_writing()
        for _ in reader:
            pass
        writer.close()
    elif method == "do_action":
        list(client.do_action("x"))
    else:
        client.list_actions()


METHODS = [
    "list_flights",
    "get_flight_info",
    "get_schema",
    "do_get",
    "do_put",
    "do_exchange",
    "do_action",
    "list_actions",
]


@pytest.fixture
def no_interrupts():
    """pyarrow's client takes FlightCancelledError for Ctrl+C, and has the main thread interrupted."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.parametrize("method", METHODS)
def test_errors_of_handlers(pair, method, no_interrupts):
    """Goal: each error of a handler arrives as the class that the specification gives, with message, detail and extra
    info, from every method. get_schema of pyarrow is of another mind: it knows no Flight errors, at either end."""
    client_library, server_library = pair
    to_raise = []

    def fail(*arguments):
        raise to_raise[0]

    server = make_server(server_library, {name: fail for name in METHODS})
    with client_library.connect(location_of(server)) as client:
        for raised, caught in ERRORS:
            is_flight = isinstance(raised, str)
            error = getattr(server_library, raised)("the message", EXTRA) if is_flight else raised("the message")
            to_raise[:] = [error]
            outcome = within(run_method, client_library, client, method)
            if pa.flight in pair and method == "get_schema" and (is_flight or client_library is pa.flight):
                assert isinstance(outcome, Exception) and "the message" in str(outcome), outcome
                continue
            assert type(outcome).__name__ == caught, (raised, outcome)
            assert "the message" in str(outcome)
            if is_flight:
                assert outcome.extra_info == EXTRA
            else:
                assert raised.__name__ in str(outcome) or server_library is cflight, str(outcome)
    server.shutdown()


FAIL_POINTS = ["first", "middle", "end"]


@pytest.mark.parametrize("point", FAIL_POINTS)
@pytest.mark.parametrize("method", ["list_flights", "do_get", "do_put", "do_exchange", "do_action"])
def test_handlers_that_fail_at_every_point(pair, method, point):
    """Goal: a handler that fails before, in the middle of, or after its answers ends the call with its error, whatever
    was sent before."""
    client_library, server_library = pair
    count = {"first": 0, "middle": 2, "end": 4}[point]

    def error():
        return server_library.FlightUnauthorizedError("at the " + point, EXTRA)

    def generate(make):
        for _ in range(count):
            yield make()
        raise error()

    def do_put(context, descriptor, reader, writer):
        for _ in range(count):
            writer.write(b"x")
        raise error()

    def do_exchange(context, descriptor, reader, writer):
        writer.begin(SCHEMA)
        for _ in range(count):
            writer.write_batch(SMALL)
        raise error()

    handlers = {
        "list_flights": lambda context, criteria: generate(lambda: info_of(server_library)),
        "do_get": lambda context, ticket: server_library.GeneratorStream(SCHEMA, generate(lambda: SMALL)),
        "do_put": do_put,
        "do_exchange": do_exchange,
        "do_action": lambda context, action: generate(lambda: server_library.Result(pa.py_buffer(b"x"))),
    }
    server = make_server(server_library, handlers)
    with client_library.connect(location_of(server)) as client:
        outcome = within(run_method, client_library, client, method)
        assert type(outcome).__name__ == "FlightUnauthorizedError", outcome
        assert "at the " + point in str(outcome)
        # and the connection goes on
        outcome = within(run_method, client_library, client, method)
        assert type(outcome).__name__ == "FlightUnauthorizedError", outcome
    server.shutdown()

