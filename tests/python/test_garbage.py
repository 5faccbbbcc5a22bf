# SPDX-License-Identifier: Apache-2.0
"""Clients and servers in reference cycles with what was given to them: the garbage collector finds them."""

import gc
import select
import weakref

import cflight as flight
import pyarrow as pa
import pytest

from echo_server import EchoServer


@pytest.fixture
def location():
    with EchoServer() as server:
        yield server.location


class Token:
    """A provider that asks its own client, and counts how often it was asked."""

    def __init__(self):
        self.client = None
        self.count = 0

    def __call__(self, refused):
        self.count += 1
        return f"token {self.count}"


class Factory(flight.ClientMiddlewareFactory):
    client = None

    def start_call(self, info):
        return None


class Login(flight.ClientAuthHandler):
    def __init__(self, client):
        super().__init__()
        self.client = client

    def authenticate(self, outgoing, incoming):
        pass

    def get_token(self):
        return b"t"


class OwnProvider(flight.FlightClient):
    """A cycle without a container of Python's: a bound method of the client is all there is."""

    def __new__(cls, location):
        client = super().__new__(cls)
        client.calls = 0
        return client

    def __init__(self, location):
        super().__init__(location, token_provider=self.token)

    def token(self, refused):
        return "t"


def with_provider(location):
    token = Token()
    token.client = flight.FlightClient(location, token_provider=token)
    return token.client


def with_method(location):
    return OwnProvider(location)


def with_middleware(location):
    factory = Factory()
    factory.client = flight.FlightClient(location, middleware=[factory])
    return factory.client


def with_login(location):
    client = flight.FlightClient(location)
    for _ in range(2):  # the second takes the place of the first
        try:
            client.authenticate(Login(client))
        except (flight.FlightError, NotImplementedError):
            pass
    return client


@pytest.mark.parametrize("make", [with_provider, with_method, with_middleware, with_login])
@pytest.mark.parametrize("is_used", [False, True])
def test_a_client_in_a_cycle_is_collected(location, make, is_used):
    """Goal: what refers to its own client does not keep it for ever, nor goes while it is in use. Method: weak
    references, and a collection with and without a reference from outside."""
    gc.collect()
    client = make(location)
    if is_used:
        assert list(client.list_actions()) is not None
    gone = weakref.ref(client)
    gc.collect()
    assert gone() is client and list(client.list_actions()) is not None
    del client
    gc.collect()
    assert gone() is None


def test_a_client_that_a_stream_outlives_is_collected(location):
    """Goal: a stream goes on when its client is collected. Method: read after the collection."""
    client = with_provider(location)
    gone = weakref.ref(client)
    results = client.do_action(("echo", b"x"))
    del client
    gc.collect()
    taken = [result.body.to_pybytes() for result in results]
    del results
    gc.collect()
    assert taken and gone() is None


class KeepingAuth(flight.ServerAuthHandler):
    server = None

    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return b"anybody"


class KeepingFactory(flight.ServerMiddlewareFactory):
    server = None

    def start_call(self, info, headers):
        return None


@pytest.mark.parametrize("is_used", [False, True])
def test_a_server_in_a_cycle_is_collected(is_used):
    """Goal: a server that its auth handler, middleware and own attributes refer to stops when nobody else does.
    Method: a weak reference, and that nobody listens any more."""
    auth, factory = KeepingAuth(), KeepingFactory()
    server = EchoServer(auth_handler=auth, middleware={"m": factory})
    auth.server = factory.server = server.itself = server
    location, gone = server.location, weakref.ref(server)
    if is_used:
        with flight.connect(location) as client:
            assert list(client.list_actions()) is not None
    del auth, factory, server
    gc.collect()
    assert gone() is None
    with flight.connect(location) as client, pytest.raises(flight.FlightUnavailableError):
        client.list_actions()


# ---- what belongs to calls ----

TABLE = pa.table({"a": [1, 2, 3]})
PATH = flight.FlightDescriptor.for_path("t")
STALL = flight.FlightDescriptor.for_command("stall")


class Own(flight.FlightClient):
    """A client with attributes."""


class OwnOptions(flight.FlightCallOptions):
    """Options with attributes."""


def of_loop(client, method, request, *schema):
    """What a call that is driven by an event loop gives."""
    call = client._cflight_loop_start(method.value, request.serialize(), None, *schema)
    while True:
        is_ready, streams = call.try_next()
        if is_ready:
            return streams
        descriptor, wait_ms = client._cflight_loop_state()
        select.select([descriptor] if descriptor >= 0 else [], [], [], wait_ms / 1000 if wait_ms >= 0 else 30)
        client._cflight_loop_process()


def results(client):
    given = OwnOptions(timeout=30)
    given.itself = client.do_action(("forever", b""), given)
    next(given.itself)
    return given.itself


def flights(client):
    client.itself = client.list_flights()
    return client.itself


def reader(client):
    streams = client.do_get(flight.Ticket(b"t"))
    streams.itself = streams
    return streams


def reader_to_be_told(client):
    writer, streams = of_loop(client, flight.FlightMethod.DO_EXCHANGE, STALL)
    streams._cflight_notify(lambda: (streams, writer))
    return streams


def writer_with_answers(client):
    writer, answers = of_loop(client, flight.FlightMethod.DO_PUT, STALL, TABLE.schema)
    answers._cflight_notify(lambda: (writer, answers))
    return writer


def answers(client):
    writer, streams = of_loop(client, flight.FlightMethod.DO_PUT, STALL, TABLE.schema)
    streams._cflight_notify(lambda: (writer, streams))
    return streams


def asynchronous_call(client):
    call = client._cflight_loop_start(flight.FlightMethod.DO_ACTION.value, flight.Action("stall", b"").serialize(), None)
    call.notify(lambda: call)
    return call


@pytest.mark.parametrize("make", [
    results, flights, reader, reader_to_be_told, writer_with_answers, answers, asynchronous_call,
])
def test_what_belongs_to_a_call_is_collected_in_a_cycle(make):
    """Goal: a stream or call that refers to itself by what it was given does not stay, and a running call ends with it.
    Method: weak references, before and after a collection. A call that stays is cancelled with its server."""
    gc.collect()
    with EchoServer(shutdown_grace=0) as server:
        server.tables[b"t"] = TABLE
        client = Own(server.location)
        gc.disable()
        try:
            gone = weakref.ref(make(client))
            assert gone() is not None, "there is no cycle to be collected"
            del client
            gc.collect()
            assert gone() is None
        finally:
            gc.enable()
            server.release.set()
