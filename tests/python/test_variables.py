# SPDX-License-Identifier: Apache-2.0
"""Context variables of a server's calls: what middleware sets, the methods see, and whatever runs for the call."""

import contextvars
import threading

import cflight as flight
import cflight.sql
import pytest

pa = pytest.importorskip("pyarrow")

from pairs import SCHEMA, SMALL, wait  # noqa: E402

caller = contextvars.ContextVar("caller", default=None)


class Recorder(flight.ServerMiddleware):
    def __init__(self, factory):
        self.factory = factory

    def sending_headers(self):
        self.factory.seen.append(("headers", caller.get()))

    def call_completed(self, exception):
        self.factory.seen.append(("completed", caller.get()))
        self.factory.completed.set()


class Factory(flight.ServerMiddlewareFactory):
    """Puts the caller's name into a variable."""

    def __init__(self):
        self.seen = []
        self.completed = threading.Event()

    def start_call(self, info, headers):
        assert caller.get() is None, "a variable of another call"
        caller.set(headers.get("x-caller", ["nobody"])[0])
        return Recorder(self)


class Server(flight.FlightServerBase):
    def __init__(self, factory, **kwargs):
        self.seen = factory.seen
        super().__init__("grpc://localhost:0", middleware={"m": factory}, **kwargs)

    def see(self, where):
        self.seen.append((where, caller.get()))

    def list_actions(self, context):
        self.see("method")
        return []

    def list_flights(self, context, criteria):
        self.see("method")
        return []

    def do_action(self, context, action):
        self.see("method")
        yield b"1"
        self.see("later")

    def do_get(self, context, ticket):
        self.see("method")

        def batches():
            try:
                yield SMALL
                self.see("later")
            finally:
                self.see("end")

        return flight.GeneratorStream(SCHEMA, batches())

    def do_put(self, context, descriptor, reader, writer):
        self.see("method")
        writer.write(b"x")
        reader.read_all()
        self.see("later")

    def do_exchange(self, context, descriptor, reader, writer):
        self.see("method")
        writer.begin(SCHEMA)
        writer.write_batch(SMALL)
        self.see("later")


def put(client, options):
    writer, answers = client.do_put(flight.FlightDescriptor.for_path("x"), SCHEMA, options)
    with writer:
        writer.write_batch(SMALL)
        writer.done_writing()
        answers.read()


def exchange(client, options):
    writer, reader = client.do_exchange(flight.FlightDescriptor.for_path("x"), options)
    with writer:
        writer.begin(SCHEMA)
        writer.done_writing()
        reader.read_all()


CALLS = {
    "list_actions": lambda client, options: client.list_actions(options),
    "list_flights": lambda client, options: list(client.list_flights(b"", options)),
    "do_action": lambda client, options: list(client.do_action("x", options)),
    "do_get": lambda client, options: client.do_get(flight.Ticket(b"x"), options).read_all(),
    "do_put": put,
    "do_exchange": exchange,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_method_sees_what_middleware_has_set(name):
    factory = Factory()
    with Server(factory) as server, flight.connect(server.location) as client:
        CALLS[name](client, flight.FlightCallOptions(headers=[(b"x-caller", b"alice")]))
        wait(factory.completed)
    assert {value for _, value in factory.seen} == {"alice"}
    places = [where for where, _ in factory.seen]
    assert places[0] == "headers" and "method" in places and places[-1] == "completed"


def test_each_call_has_variables_of_its_own():
    """Goal: no call sees another's. Method: callers with names, many calls at once."""
    factory = Factory()

    class Echo(flight.FlightServerBase):
        def do_action(self, context, action):
            yield caller.get().encode()
            caller.set("changed")
            yield caller.get().encode()

    with Echo("grpc://localhost:0", middleware={"m": factory}) as server:
        wrong = []

        def go(name):
            options = flight.FlightCallOptions(headers=[(b"x-caller", name)])
            with flight.connect(server.location) as client:
                for _ in range(50):
                    bodies = [result.body.to_pybytes() for result in client.do_action("x", options)]
                    if bodies != [name, b"changed"]:
                        wrong.append(bodies)

        threads = [threading.Thread(target=go, args=(b"caller %d" % n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_service_sees_them_too():
    grpc = pytest.importorskip("grpc")
    factory = Factory()
    method = flight.ServiceMethod("/x.Y/Z", lambda context, requests: (caller.get().encode() for _ in requests), True, True)
    with Server(factory, services=[method]) as server:
        with grpc.insecure_channel(f"localhost:{server.port}") as channel:
            call = channel.stream_stream("/x.Y/Z")(iter([b"1", b"2"]), metadata=[("x-caller", "bob")], timeout=30)
            assert list(call) == [b"bob", b"bob"]


def test_statements_and_their_rows_see_them():
    seen = []

    class Rows(cflight.sql.Server):
        def execute(self, call, query, parameters):
            seen.append(caller.get())

            def batches():
                for _ in range(3):
                    seen.append(caller.get())
                    yield SMALL

            return SCHEMA, batches()

    factory = Factory()
    with Rows("grpc://localhost:0", middleware={"m": factory}) as server:
        with cflight.sql.connect(server.location) as client:
            options = flight.FlightCallOptions(headers=[(b"x-caller", b"carol")])
            assert client.query("SELECT 1", options=options).read_all().num_rows == 9
    assert len(seen) == 4 and set(seen) == {"carol"}
