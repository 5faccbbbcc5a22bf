# SPDX-License-Identifier: Apache-2.0
"""The asyncio client: every call, many at once, in one thread."""

import asyncio
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
            with pytest.raises(StopAsyncIteration):
                await reader.read_chunk()
        path = flight.FlightDescriptor.for_path("up")
        writer, answers = await client.do_put(path, TABLE.schema)
        async with writer:
            await writer.write_table(TABLE, max_chunksize=1000)
            writer.done_writing()
            assert (await answers.read()).to_pybytes() == b"100000"
            assert await answers.read() is None
        assert server.tables[b"up"] == TABLE
        writer, reader = await client.do_exchange(flight.FlightDescriptor.for_command("echo"))
        async with writer:
            writer.begin(TABLE.schema)
            batch = TABLE.to_batches()[0]

            async def write():
                for index in range(20):
                    await writer.write_with_metadata(batch, str(index).encode())
                writer.done_writing()

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
            await (await client.do_get(flight.Ticket("none"))).schema()
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


def test_cancelled_tasks_end_their_calls():
    """Goal: cancelling reaches the server. Method: a handler that runs until it is cancelled."""

    async def main(client, server):
        async def forever():
            async for _ in client.do_action("forever"):
                pass

        tasks = [asyncio.create_task(forever()) for _ in range(3)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        reader = await client.do_get(flight.Ticket("slow"))
        read = asyncio.create_task(reader.read_all())
        await asyncio.sleep(0.05)
        reader.cancel()
        with pytest.raises(flight.FlightCancelledError):
            await read
        assert (await client.list_actions())[0].type == "echo"

    run(main)  # ends only when all handlers do


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
