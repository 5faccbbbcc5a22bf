# SPDX-License-Identifier: Apache-2.0
"""Threads of a server keep their state of the interpreter, and nothing of a call stays in it for the next one."""

import contextvars
import ctypes
import sys
import threading
import weakref

import cflight as flight
import pytest

pa = pytest.importorskip("pyarrow")

from pairs import SCHEMA, SMALL  # noqa: E402

COMMAND = flight.FlightDescriptor.for_command(b"x")
CALLS = 20
variable = contextvars.ContextVar("variable", default=None)
local = threading.local()


class Thing:
    """What can be referred to weakly."""


def thread_state():
    """The number of the calling thread's state, which no other one has or had."""
    api = ctypes.pythonapi
    api.PyThreadState_Get.restype = ctypes.c_void_p
    api.PyThreadState_GetID.restype = ctypes.c_uint64
    return api.PyThreadState_GetID(ctypes.c_void_p(api.PyThreadState_Get()))


def thread_state_count():
    api = ctypes.pythonapi
    for function in (api.PyInterpreterState_Get, api.PyInterpreterState_ThreadHead, api.PyThreadState_Next):
        function.restype = ctypes.c_void_p
    count = 0
    state = api.PyInterpreterState_ThreadHead(ctypes.c_void_p(api.PyInterpreterState_Get()))
    while state:
        count += 1
        state = api.PyThreadState_Next(ctypes.c_void_p(state))
    return count


class Server(flight.FlightServerBase):
    """Leaves things in the thread, and notes what it finds there."""

    def __init__(self):
        self.found = []
        self.states = []
        self.left = None
        super().__init__("grpc://127.0.0.1:0")

    def look(self):
        self.states.append((threading.get_ident(), thread_state()))
        self.found.append((getattr(local, "thing", None), variable.get(), sys.gettrace(), sys.getprofile()))
        local.thing = Thing()
        self.left = weakref.ref(local.thing)
        variable.set("left")
        sys.settrace(lambda *_: None)
        sys.setprofile(lambda *_: None)

    def get_flight_info(self, context, descriptor):
        self.look()
        return flight.FlightInfo(pa.schema([]), descriptor, [])

    def batches(self):
        yield SMALL
        self.look()

    def do_get(self, context, ticket):
        if ticket.ticket == b"arrow":
            reader = pa.RecordBatchReader.from_batches(SCHEMA, self.batches())
            return flight.RecordBatchStream(reader)
        return flight.GeneratorStream(SCHEMA, self.batches())


@pytest.fixture
def scene():
    with Server() as server, flight.connect(server.location) as client:
        yield server, client


def run(client, kind):
    if kind == "call":
        client.get_flight_info(COMMAND)
    else:
        assert client.do_get(flight.Ticket(kind)).read_all().num_rows == SMALL.num_rows


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="nothing is kept there")
def test_a_thread_of_a_server_keeps_its_state(scene):
    """Goal: no thread state is made for a call.
    Method: many calls, and as many states as there are threads."""
    server, client = scene
    for _ in range(CALLS):
        run(client, "call")
    assert len(server.states) == CALLS
    assert len(set(server.states)) == len({thread for thread, _ in server.states})


@pytest.mark.parametrize("kind", ["call", "generator", "arrow"])
def test_a_call_finds_nothing_of_the_one_before(scene, kind):
    """Goal: what a call left in its thread is not there for the next one, and goes with the call.
    Method: calls that leave things, on few threads, and a weak reference to the last thing."""
    server, client = scene
    for _ in range(CALLS):
        run(client, kind)
    assert len({thread for thread, _ in server.states}) < CALLS, "no thread ran two calls, so nothing was shown"
    assert set(server.found) == {(None, None, None, None)}
    server.shutdown()
    assert server.left() is None


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="nothing is kept there")
def test_a_server_that_stops_leaves_no_thread_states():
    """Goal: a kept state goes with its thread.
    Method: states are counted before a server starts and after it has stopped."""
    before = thread_state_count()
    with Server() as server, flight.connect(server.location) as client:
        run(client, "call")
        assert thread_state_count() > before
    del server
    assert thread_state_count() == before
