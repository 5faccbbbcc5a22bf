# SPDX-License-Identifier: Apache-2.0
"""The asyncio client: every call, many at once, in one thread."""

import asyncio
import os
import socket
import sys
import threading

import cflight as flight
import pytest
from echo_server import EchoServer

pa = pytest.importorskip("pyarrow")

TABLE = pa.table({"a": range(100_000), "b": ["x"] * 100_000})


def run(main, **kwargs):
    """Runs main(client, server) on an event loop and checks that no thread stays."""
    before = threading.active_count()
    with EchoServer(**kwargs) as server, flight.connect(server.location) as client:
        server.tables[b"t"] = TABLE

        async def limited():
            return await asyncio.wait_for(main(client.as_async(), server), 30)

        result = asyncio.run(limited())
        server.release.set()
    assert threading.active_count() == before
    return result


def test_unary_and_streaming_calls():
    """Goal: every call answers as the blocking one does. Method: each once."""

    async def main(client, server):
        x = flight.FlightDescriptor.for_command("x")
        info = await client.get_flight_info(x)
        assert info.total_records == 7
        assert (await client.poll_flight_info(x)).progress == 0.5
        schema = await client.get_schema(flight.FlightDescriptor.for_path("t"))
        assert schema.schema == TABLE.schema
        flights = [info async for info in client.list_flights()]
        assert [f.schema for f in flights] == [TABLE.schema]
        assert await client.list_actions() == [("echo", "returns the body"), ("fail", "raises")]
        results = [r.body.to_pybytes() async for r in client.do_action(("echo", b"hi"))]
        assert results == [b"hi", b"hi"]

    run(main)


def test_data_both_ways():
    """Goal: get, put and exchange under one loop. Method: a table there and back."""

    async def main(client, server):
        async with await client.do_get(flight.Ticket("t")) as reader:
            assert await reader.schema() == TABLE.schema
            assert await reader.read_all() == TABLE
            assert reader.stats.num_record_batches == 1
            with pytest.raises(StopAsyncIteration):
                await reader.read_chunk()
        path = flight.FlightDescriptor.for_path("up")
        writer, answers = await client.do_put(path, TABLE.schema)
        async with writer:
            await writer.write_table(TABLE, max_chunksize=1000)
            await writer.done_writing()
            assert (await answers.read()).to_pybytes() == b"100000"
            assert [answer async for answer in answers] == []
        assert server.tables[b"up"] == TABLE
        writer, reader = await client.do_exchange(flight.FlightDescriptor.for_command("echo"))
        async with writer:
            await writer.begin(TABLE.schema)
            batch = TABLE.to_batches()[0]

            async def write():
                for index in range(20):
                    await writer.write_with_metadata(batch, str(index).encode())
                await writer.done_writing()

            task = asyncio.create_task(write())
            count = 0
            async for data, metadata in reader:
                assert data == batch and metadata.to_pybytes() == str(count).encode()
                count += 1
            await task
            assert count == 20 and writer.stats.num_record_batches == 20

    run(main)


def test_many_calls_at_once():
    """Goal: one loop runs hundreds of calls together. Method: start them all, gather."""

    async def main(client, server):
        async def one(index):
            if index % 2:
                body = str(index).encode()
                return [r.body.to_pybytes() async for r in client.do_action(("echo", body))] == [body] * 2
            return (await (await client.do_get(flight.Ticket("t"))).read_all()).num_rows == 100_000

        assert all(await asyncio.gather(*(one(index) for index in range(200))))

    run(main)


def test_failures():
    """Goal: the same exceptions as from blocking calls. Method: refusals of every kind."""

    async def main(client, server):
        with pytest.raises(KeyError):
            await client.get_flight_info(flight.FlightDescriptor.for_command("missing"))
        with pytest.raises(flight.FlightUnauthorizedError) as info:
            await client.get_schema(flight.FlightDescriptor.for_command("private"))
        assert info.value.extra_info == b"extra"
        with pytest.raises(KeyError):
            await client.do_get(flight.Ticket("none"))
        with pytest.raises(flight.FlightTimedOutError):
            async for _ in client.do_action("stall", options=flight.FlightCallOptions(timeout=0.1)):
                pass
        path = flight.FlightDescriptor.for_command("no path")
        writer, _ = await client.do_put(path, TABLE.schema)
        with pytest.raises(flight.FlightServerError):
            async with writer:
                await writer.write_table(TABLE)
        with pytest.raises(TypeError):
            async for _ in client.do_action(3):
                pass

    run(main)


def test_connections_that_fail():
    """Goal: no address, a dead one and a closed client are errors. Method: each."""
    with EchoServer() as server:
        port = server.port

    async def main():
        x = flight.FlightDescriptor.for_command("x")
        client = flight.connect(("localhost", port)).as_async()
        outcomes = await asyncio.gather(
            *(client.get_flight_info(x) for _ in range(3)), return_exceptions=True
        )
        assert [type(o) for o in outcomes] == [flight.FlightUnavailableError] * 3
        blocking = flight.connect(("localhost", port))
        blocking.close()
        with pytest.raises(pa.ArrowInvalid, match="closed"):
            await blocking.as_async().get_flight_info(x)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_second_loop_and_blocking_threads():
    """Goal: one client serves two loops in turn, and threads. Method: all of them."""
    x = flight.FlightDescriptor.for_command("x")
    with EchoServer() as server, flight.connect(server.location) as client:
        other = client.as_async()

        async def main():
            loop = asyncio.get_running_loop()
            blocking = [loop.run_in_executor(None, client.get_flight_info, x) for _ in range(20)]
            calls = [other.get_flight_info(x) for _ in range(20)]
            return await asyncio.gather(*blocking, *calls)

        for _ in range(2):
            infos = asyncio.run(asyncio.wait_for(main(), 30))
            assert len(infos) == 40 and all(info.total_records == 7 for info in infos)


def test_the_standard_actions_and_login():
    """Goal: sessions, queries' actions and handshakes work. Method: a server with sessions that
    answers each, as a blocking client sees it."""

    class Handler(flight.ClientAuthHandler):
        def authenticate(self, outgoing, incoming):
            outgoing.write(b"secret")
            self.token = incoming.read()

        def get_token(self):
            return self.token

    class ServerHandler(flight.ServerAuthHandler):
        def authenticate(self, outgoing, incoming):
            outgoing.write(incoming.read() + b" token")

        def is_valid(self, token):
            if token != b"secret token":
                raise flight.FlightUnauthenticatedError("who?")
            return b"somebody"

    class Server(EchoServer):
        def do_action(self, context, action):
            assert context.peer_identity() == b"somebody"
            self.actions.append(action)
            return [self.answers[action.type]]

    server = Server(auth_handler=ServerHandler())
    server.actions = []
    endpoint = flight.FlightEndpoint(b"ticket", [], 1_000_000_000)
    server.answers = {
        "CancelFlightInfo": b"\x08\x01",
        "RenewFlightEndpoint": endpoint.serialize(),
        "SetSessionOptions": b"",
        "GetSessionOptions": b"\x0a\x09\x0a\x01a\x12\x04\x0a\x02hi",
        "CloseSession": b"\x08\x01",
    }

    async def main(client):
        info = flight.FlightInfo(None, flight.FlightDescriptor.for_path("t"), [])
        with pytest.raises(flight.FlightUnauthenticatedError):
            await client.cancel_flight_info(info)
        await client.authenticate(Handler())
        assert await client.cancel_flight_info(info) is flight.CancelStatus.CANCELLED
        assert await client.renew_flight_endpoint(endpoint) == endpoint
        assert await client.set_session_options({"a": "hi", "b": [str(1)], "c": 1.5}) == {}
        assert await client.get_session_options() == {"a": "hi"}
        assert await client.close_session() is flight.CloseSessionStatus.CLOSED
        with pytest.raises(TypeError):
            await client.cancel_flight_info(endpoint)
        with pytest.raises(TypeError):
            await client.set_session_options([])
        await client.wait_for_available()

    with server, flight.connect(server.location) as client:
        asyncio.run(asyncio.wait_for(main(client.as_async()), 30))
        requests = [(action.type, action.body.to_pybytes()) for action in server.actions]
        server.actions.clear()
        client.cancel_flight_info(flight.FlightInfo(None, flight.FlightDescriptor.for_path("t"), []))
        client.renew_flight_endpoint(endpoint)
        client.set_session_options({"a": "hi", "b": [str(1)], "c": 1.5})
        assert requests[:3] == [(a.type, a.body.to_pybytes()) for a in server.actions]


def test_all_ways_to_write():
    """Goal: what the blocking writer takes, the asynchronous one takes. Method: each, echoed."""

    async def main(client, server):
        batch = TABLE.to_batches()[0]
        writer, reader = await client.do_exchange(flight.FlightDescriptor.for_command("echo"))
        async with writer:
            await writer.write_metadata(b"early")
            with pytest.raises(pa.ArrowInvalid):
                await writer.write_batch(batch)
            await writer.begin(TABLE.schema, pa.ipc.IpcWriteOptions(compression="zstd"))
            with pytest.raises(pa.ArrowInvalid):
                await writer.begin(TABLE.schema)
            await writer.write(TABLE)
            await writer.write(batch)
            await writer.write_table(TABLE, max_chunksize=40_000)
            await writer.write_metadata(b"late")
            await writer.done_writing()
            with pytest.raises(pa.ArrowInvalid):
                await writer.write_batch(batch)
            with pytest.raises(ValueError):
                await writer.write_table(TABLE, max_chunksize=0)
            with pytest.raises(ValueError):
                await writer.write(3)
            with pytest.raises(TypeError):
                await writer.write_table(3)
            assert await reader.schema() == TABLE.schema
            first = await reader.read_chunk()
            assert first.data is None and first.app_metadata.to_pybytes() == b"early"
            chunks = [chunk async for chunk in reader]
        rows = [None if c.data is None else c.data.num_rows for c in chunks]
        assert rows == [100_000, 100_000, 40_000, 40_000, 20_000, None]
        async with await client.do_get(flight.Ticket("t")) as reader:
            assert len(await reader.read_pandas()) == 100_000

    run(main)


def test_a_thousand_calls_share_a_connection():
    """Goal: many more calls than the server runs at once. Method: 1,000 awaited together."""

    async def main(client, server):
        x = flight.FlightDescriptor.for_command("x")
        infos = await asyncio.gather(*(client.get_flight_info(x) for _ in range(1000)))
        assert all(info.total_records == 7 for info in infos)

    run(main)


def test_against_a_pyarrow_server():
    """Goal: the reference implementation is a peer like any. Method: every shape of call."""
    reference = pytest.importorskip("pyarrow.flight")

    class Server(reference.FlightServerBase):
        def get_flight_info(self, context, descriptor):
            if descriptor.command == b"none":
                raise KeyError("none")
            return reference.FlightInfo(TABLE.schema, descriptor, [])

        def do_get(self, context, ticket):
            return reference.RecordBatchStream(TABLE)

        def do_put(self, context, descriptor, reader, writer):
            writer.write(str(reader.read_all().num_rows).encode())

        def do_exchange(self, context, descriptor, reader, writer):
            writer.begin(TABLE.schema)
            for chunk in reader:
                writer.write_batch(chunk.data)

        def do_action(self, context, action):
            yield action.body
            yield b"two"

    async def main(client):
        x = flight.FlightDescriptor.for_command("x")
        assert (await client.get_flight_info(x)).schema == TABLE.schema
        with pytest.raises(KeyError):
            await client.get_flight_info(flight.FlightDescriptor.for_command("none"))
        tables = await asyncio.gather(*(read(client) for _ in range(20)))
        assert all(table == TABLE for table in tables)
        writer, answers = await client.do_put(x, TABLE.schema)
        async with writer:
            await writer.write_table(TABLE)
            await writer.done_writing()
            assert (await answers.read()).to_pybytes() == b"100000"
        writer, reader = await client.do_exchange(x)
        async with writer:
            await writer.begin(TABLE.schema)

            async def write():
                for _ in range(30):
                    await writer.write_table(TABLE)
                await writer.done_writing()

            task = asyncio.create_task(write())
            assert (await reader.read_all()).num_rows == 30 * TABLE.num_rows
            await task
        results = [r.body.to_pybytes() async for r in client.do_action(("a", b"one"))]
        assert results == [b"one", b"two"]

    async def read(client):
        return await (await client.do_get(flight.Ticket("t"))).read_all()

    with Server("grpc://localhost:0") as server:
        with flight.connect(f"grpc://localhost:{server.port}") as client:
            asyncio.run(asyncio.wait_for(main(client.as_async()), 60))


def segments_sent(port):
    """How many TCP segments with data this process has sent to a port."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(name))) as found:
                if found.family == socket.AF_INET and found.getpeername()[1] == port:
                    info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    count += int.from_bytes(info[156:160], sys.byteorder)  # tcpi_data_segs_out
        except OSError:
            continue  # no socket, or not connected
    return count


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for what a socket has sent")
def test_calls_begun_together_leave_together():
    """Goal: calls that are begun in one step of the loop cost one write.
    Method: many calls at once, and the segments that the socket has sent for them."""
    count = 50

    async def main(client, server):
        x = flight.FlightDescriptor.for_command("x")
        await client.get_flight_info(x)
        before = segments_sent(server.port)
        assert before > 0, "the connection was not found"
        infos = await asyncio.gather(*(client.get_flight_info(x) for _ in range(count)))
        assert len(infos) == count
        assert segments_sent(server.port) - before < count / 2  # the calls, and credit for answers

    run(main, location="grpc://127.0.0.1:0")
