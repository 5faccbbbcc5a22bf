# SPDX-License-Identifier: Apache-2.0
"""Calls under asyncio that are started again: what the server did not process, and tokens that it refused."""

import asyncio

import cflight as flight
import pytest

pa = pytest.importorskip("pyarrow")

from echo_server import EchoServer  # noqa: E402
from scripted_peer import ScriptedPeer  # noqa: E402

COMMAND = flight.FlightDescriptor.for_command(b"x")
PATH = flight.FlightDescriptor.for_path("t")
INFO = flight.FlightInfo(None, COMMAND, [], 7)
TABLE = pa.table({"a": [1, 2, 3]})
WAIT_S = 30
UNAUTHENTICATED = 16


def run(awaitable):
    return asyncio.run(asyncio.wait_for(awaitable, WAIT_S))


async def collect(iterator):
    return [item async for item in iterator]


async def ask(peer, **options):
    async with flight.connect(peer.location).as_async() as client:
        options = flight.FlightCallOptions(**options) if options else None
        info = await client.get_flight_info(COMMAND, options=options)
        return info.total_records


@pytest.mark.parametrize("script", [
    ["refuse"],
    ["goaway"],
    ["refuse", "refuse", "refuse"],
    ["goaway", "goaway", "goaway"],
    ["goaway", "refuse", "goaway"],
])  # fmt: skip
def test_what_was_not_processed_is_sent_again(script):
    """Goal: the caller notices nothing. Method: a peer that refuses, or leaves, up to three times."""
    with ScriptedPeer(*script, INFO.serialize()) as peer:
        assert run(ask(peer, timeout=WAIT_S)) == 7
        assert peer.requests == len(script) + 1
        assert peer.connections == script.count("goaway") + 1


@pytest.mark.parametrize("act", ["refuse", "goaway"])
def test_it_is_not_sent_for_ever(act):
    """Goal: who never processes anything is given up. Method: a peer that does the same to every request."""
    with ScriptedPeer(*[act] * 50) as peer:
        with pytest.raises(flight.FlightUnavailableError):
            run(ask(peer))
        assert 4 <= peer.requests <= 8


def test_what_may_have_been_processed_is_not_repeated():
    """Goal: nothing runs twice. Method: a peer that takes the request, and dies."""
    with ScriptedPeer("drop", INFO.serialize()) as peer:
        with pytest.raises(flight.FlightUnavailableError):
            run(ask(peer))
        assert peer.requests == 1


def test_a_server_that_is_gone_is_reported():
    """Goal: connecting again may fail, and says so. Method: a peer that leaves and does not listen any more."""
    with ScriptedPeer("vanish") as peer:
        with pytest.raises(flight.FlightUnavailableError):
            run(ask(peer))
        assert peer.requests == 1


def test_lists_and_actions_are_sent_again_until_they_answer():
    """Goal: calls with many answers too. Method: a peer that leaves before the first."""

    async def lists(client):
        return [info.total_records for info in await collect(client.list_flights())]

    async def actions(client):
        return [result.body.to_pybytes() for result in await collect(client.do_action("x"))]

    for call, message, expected in (
        (lists, INFO.serialize(), [7]),
        (actions, flight.Result(b"y").serialize(), [b"y"]),
    ):

        async def scene(peer, call=call):
            async with flight.connect(peer.location).as_async() as client:
                return await call(client)

        with ScriptedPeer("goaway", "refuse", message) as peer:
            assert run(scene(peer)) == expected
            assert peer.requests == 3


def test_a_fetch_is_sent_again():
    """Goal: do_get too, until the schema came. Method: a peer that leaves, then fails it."""

    async def scene(peer):
        async with flight.connect(peer.location).as_async() as client:
            await client.do_get(flight.Ticket("t"))

    with ScriptedPeer("goaway", ("fail", UNAUTHENTICATED)) as peer:
        with pytest.raises(flight.FlightUnauthenticatedError):
            run(scene(peer))
        assert peer.requests == 2


def test_many_calls_survive_restarts():
    """Goal: calls at any moment of a restart work or fail as they must: the server is gone. Method: tasks that call
    all the time, while the server at one address ends and starts again, five times."""

    async def scene():
        first = EchoServer("grpc://127.0.0.1:0")
        location = first.location
        servers = [first]
        failures = []
        is_over = False
        done = [0] * 8

        async with flight.connect(location).as_async() as client:

            async def call_on(index):
                while not is_over:
                    try:
                        await client.get_flight_info(COMMAND)
                        done[index] += 1
                    except flight.FlightUnavailableError as error:
                        failures.append(error)
                        await client.wait_for_available(WAIT_S)

            tasks = [asyncio.ensure_future(call_on(index)) for index in range(len(done))]
            for _ in range(5):
                goal = [count + 3 for count in done]
                while any(count < least for count, least in zip(done, goal)):
                    await asyncio.sleep(0)
                await asyncio.to_thread(servers[-1].shutdown)
                servers.append(EchoServer(location))
            goal = [count + 3 for count in done]
            while any(count < least for count, least in zip(done, goal)):
                await asyncio.sleep(0)
            is_over = True
            await asyncio.gather(*tasks)
        await asyncio.to_thread(servers[-1].shutdown)

    run(scene())


# ---- tokens ----


class Gate(flight.ServerMiddlewareFactory):
    """Accepts one token; remembers what came."""

    def __init__(self):
        self.seen = []

    def start_call(self, info, headers):
        self.seen.append(headers.get("authorization", [None])[0])
        if self.seen[-1] != "Bearer new":
            raise flight.FlightUnauthenticatedError("another token, please")


ASYNC_CALLS = {
    "get_flight_info": lambda client: client.get_flight_info(COMMAND),
    "get_schema": lambda client: client.get_schema(PATH),
    "list_flights": lambda client: collect(client.list_flights()),
    "list_actions": lambda client: client.list_actions(),
    "do_action": lambda client: collect(client.do_action("echo")),
    "do_get": lambda client: client.do_get(flight.Ticket("t")),
}


@pytest.mark.parametrize("call", ASYNC_CALLS.values(), ids=ASYNC_CALLS)
def test_a_refused_token_is_replaced_once(call):
    """Goal: the caller does not notice that a token expired. Method: a provider that begins with an old one."""
    gate = Gate()

    async def scene(location):
        provider = {None: "old", "old": "new"}.get
        async with flight.connect(location, token_provider=provider).as_async() as client:
            await call(client)

    with EchoServer(middleware={"gate": gate}) as server:
        server.tables[b"t"] = TABLE
        run(scene(server.location))
    assert gate.seen == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize("headers, count", [([], 2), ([(b"authorization", b"mine")], 1)])
def test_a_second_refusal_is_raised(headers, count):
    """Goal: no endless asking, and none for a token of the caller's own. Method: nothing that is accepted."""
    gate = Gate()

    async def scene(location):
        provider = {None: "old", "old": "older"}.get
        async with flight.connect(location, token_provider=provider).as_async() as client:
            options = flight.FlightCallOptions(headers=headers)
            await client.get_flight_info(COMMAND, options=options)

    with EchoServer(middleware={"gate": gate}) as server:
        with pytest.raises(flight.FlightUnauthenticatedError):
            run(scene(server.location))
    assert len(gate.seen) == count
