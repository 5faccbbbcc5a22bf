# SPDX-License-Identifier: Apache-2.0
"""Fetching a whole dataset: endpoints here and elsewhere, replicas, failures."""

import asyncio
import os
import signal
import sys
import threading

import cflight as flight
import pytest
from echo_server import EchoServer

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")

SCHEMA = pa.schema([("a", pa.int64())])


def info_of(*endpoints):
    endpoints = [flight.FlightEndpoint(ticket, where) for ticket, where in endpoints]
    return flight.FlightInfo(SCHEMA, flight.FlightDescriptor.for_path("x"), endpoints)


@pytest.fixture
def servers():
    with EchoServer() as first, EchoServer() as second:
        for server, start in ((first, 0), (second, 1000)):
            for part in range(3):
                values = range(start + part * 100, start + part * 100 + 100)
                server.tables[b"part%d" % part] = pa.table({"a": values}, SCHEMA)
        yield first, second
        first.release.set()
        second.release.set()


def test_endpoints_become_one_stream(servers):
    """Goal: order, places and replicas are honoured. Method: parts on two servers, one dead."""
    first, second = servers
    dead = EchoServer()
    dead.shutdown()
    info = info_of(
        (b"part0", []),
        (b"part1", [dead.location, second.location]),
        (b"part2", ["arrow-flight-reuse-connection://?"]),
    )
    with flight.connect(first.location) as client:
        reader = client.fetch(info)
        assert isinstance(reader, pa.RecordBatchReader) and reader.schema == SCHEMA
        expected = [*range(100), *range(1100, 1200), *range(200, 300)]
        assert reader.read_all()["a"].to_pylist() == expected
        got = client.fetch(info, any_order=True, parallel=3).read_all()["a"].to_pylist()
        assert sorted(got) == sorted(expected)
        assert client.fetch(info_of()).read_all().num_rows == 0


def test_locations_are_rewritten(servers):
    """Goal: advertised places can be replaced. Method: a name nobody knows."""
    first, second = servers
    seen = []

    def rewrite(location):
        seen.append(location)
        return second.location if location == "grpc://inside:1" else None

    info = info_of((b"part0", ["grpc://inside:1"]))
    with flight.connect(first.location) as client:
        table = client.fetch(info, rewrite_location=rewrite).read_all()
        assert table["a"].to_pylist() == list(range(1000, 1100))
    assert seen and set(seen) == {"grpc://inside:1"}


def test_failures_name_what_failed(servers):
    """Goal: errors say which endpoint. Method: a missing ticket, at the start and later."""
    first, _ = servers
    with flight.connect(first.location) as client:
        with pytest.raises(KeyError):
            client.fetch(info_of((b"none", [])))
        reader = client.fetch(info_of((b"part0", []), (b"none", [])), parallel=1)
        with pytest.raises(KeyError, match="endpoint 2 of 2 at the info's own service"):
            reader.read_all()
        for wrong in (
            lambda: client.fetch(None),
            lambda: client.fetch(info_of(), options=3),
            lambda: client.fetch(info_of(), parallel="x"),
        ):
            with pytest.raises(TypeError):
                wrong()
        client.fetch(info_of((b"part0", []), (b"part1", [])))  # dropped unread


def test_failures_while_reading_keep_their_class():
    """Goal: what fails after the first batch is the exception of the call. Method: a server that refuses the second
    endpoint, with extra_info; and a reader that is read by Arrow's own threads."""

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            if ticket.ticket == b"closed":
                raise flight.FlightUnauthorizedError("not for you", extra_info=b"why")
            return flight.RecordBatchStream(pa.table({"a": range(3)}))

    with Server("grpc://localhost:0") as server, flight.connect(f"grpc://localhost:{server.port}") as client:
        info = info_of((b"open", []), (b"closed", []))
        with pytest.raises(flight.FlightUnauthorizedError, match="endpoint 2 of 2") as caught:
            client.fetch(info, parallel=1).read_all()
        assert caught.value.extra_info == b"why"
        with pytest.raises(flight.FlightUnauthorizedError, match="endpoint 2 of 2"):
            dataset.Scanner.from_batches(client.fetch(info, parallel=1)).to_table()
        reader = client.fetch(info, parallel=1)
        assert isinstance(reader, pa.RecordBatchReader) and reader.read_next_batch().num_rows == 3


def test_progress_is_told(servers, monkeypatch):
    """Goal: a caller sees how far a fetch is. Method: three endpoints of a batch each; a callback that fails is told of."""
    first, _ = servers
    seen, failed = [], []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: failed.append(event.exc_type))
    with flight.connect(first.location) as client:
        info = info_of((b"part0", []), (b"part1", []), (b"part2", []))
        client.fetch(info, parallel=1, progress=seen.append).read_all()
        assert [told.row_count for told in seen[:3]] == [100, 200, 300]
        assert all(isinstance(told, flight.FetchProgress) for told in seen)
        assert seen[-1].endpoints_done == seen[-1].endpoint_count == 3 and seen[-1].batch_count == 3
        assert (seen[-1].total_records, seen[-1].total_bytes) == (-1, -1) and seen[-1].body_bytes >= 2400
        assert client.fetch(info, progress=lambda told: 1 / 0).read_all().num_rows == 300
        assert failed and set(failed) == {ZeroDivisionError}


def test_settings_go_along(servers):
    """Goal: other locations are read with the client's settings. Method: its middleware is asked."""
    first, second = servers
    methods = []

    class Factory(flight.ClientMiddlewareFactory):
        def start_call(self, info):
            methods.append(info.method)

    info = info_of((b"part0", [second.location]))
    for _ in range(3):
        with flight.FlightClient(location=first.location, middleware=[Factory()]) as client:
            assert client.fetch(info).read_all().num_rows == 100
    assert methods == [flight.FlightMethod.DO_GET] * 3


def test_control_c_ends_a_fetch(servers):
    """Goal: a stalled endpoint can be interrupted. Method: SIGINT while it starts."""
    first, _ = servers
    with flight.connect(first.location) as client:
        interrupter = first.when_started(lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            client.fetch(info_of((b"slow", [])))
        interrupter.join()


def test_threads_share_a_client(servers):
    """Goal: fetches of many threads on one client end, with every row once. Method: as it says."""
    first, second = servers
    info = info_of((b"part0", []), (b"part1", [second.location]), (b"part2", []))
    wrong = []

    def fetch(client, any_order):
        for _ in range(20):
            table = client.fetch(info, any_order=any_order).read_all()
            if table.num_rows != 300:
                wrong.append(table.num_rows)

    with flight.connect(first.location) as client:
        threads = [threading.Thread(target=fetch, args=(client, i % 2 == 0)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_fetch_beside_asyncio(servers):
    """Goal: fetches in threads share a client with its event loop. Method: calls of both at once."""
    first, second = servers
    info = info_of((b"part0", []), (b"part1", [second.location]))

    async def main(client):
        loop_client = client.as_async()
        for _ in range(10):
            fetches = [asyncio.to_thread(lambda: client.fetch(info).read_all()) for _ in range(4)]
            calls = [loop_client.list_actions() for _ in range(4)]
            done = await asyncio.gather(*fetches, *calls)
            assert [table.num_rows for table in done[:4]] == [200] * 4

    with flight.connect(first.location) as client:
        asyncio.run(main(client))


class Spy(flight.ServerMiddlewareFactory):
    def __init__(self):
        self.seen = []

    def start_call(self, info, headers):
        self.seen.append({name for name in headers if name in ("authorization", "x-secret")})


class Bearer(flight.ClientMiddlewareFactory):
    def start_call(self, info):
        class Middleware(flight.ClientMiddleware):
            def sending_headers(self):
                return {"x-secret": "1"}

        return Middleware()


@pytest.mark.parametrize(
    "name, client_options, call_options",
    [
        ("x-secret", {}, {"headers": [(b"x-secret", b"1")]}),
        ("authorization", {"token_provider": lambda refused: "t"}, {}),
        ("x-secret", {"middleware": [Bearer()]}, {}),
    ],
)
def test_a_stranger_sees_no_credentials(name, client_options, call_options):
    """Goal: another host that a server names gets no credentials, unless it is trusted.
    Method: a server that notes headers, under another name than the client's."""
    spy = Spy()
    options = flight.FlightCallOptions(**call_options)
    with EchoServer() as own, EchoServer("grpc://127.0.0.1:0", middleware={"spy": spy}) as stranger:
        stranger.tables[b"x"] = pa.table({"a": range(3)}, SCHEMA)
        location = f"grpc://127.0.0.1:{stranger.port}"
        info = info_of((b"x", [location]))
        with flight.connect(f"grpc://localhost:{own.port}", **client_options) as client:
            assert client.fetch(info, options).read_all().num_rows == 3
            assert spy.seen == [set()]
            asked = []
            client.fetch(info, options, location_is_trusted=asked.append).read_all()
            assert spy.seen == [set()] * 2 and asked == [location]
            client.fetch(info, options, location_is_trusted=lambda where: where == location).read_all()
            assert spy.seen == [set(), set(), {name}]
