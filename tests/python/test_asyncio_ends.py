# SPDX-License-Identifier: Apache-2.0
"""How asynchronous calls end: cancellation, limits, lost servers, the end of the loop."""

import asyncio
import contextlib
import gc
import threading
import time
import weakref

import cflight as flight
import pytest
from echo_server import EchoServer

pa = pytest.importorskip("pyarrow")

TABLE = pa.table({"a": range(100_000), "b": ["x"] * 100_000})
COMMAND = flight.FlightDescriptor.for_command
X = COMMAND("x")


class Watched(EchoServer):
    """Tells which of its handlers saw their call cancelled."""

    def __init__(self, *args, **kwargs):
        self.cancelled = threading.Semaphore(0)
        super().__init__(*args, **kwargs)
        self.tables[b"t"] = TABLE

    def watch(self, context):
        self.started.release()
        while not context.is_cancelled():
            if self.release.wait(0.01):
                return
        self.cancelled.release()

    def get_flight_info(self, context, descriptor):
        if descriptor.command == b"watch":
            self.watch(context)
        return super().get_flight_info(context, descriptor)

    def do_get(self, context, ticket):
        if ticket.ticket == b"endless":
            return flight.GeneratorStream(TABLE.schema, self.endless(context))
        return super().do_get(context, ticket)

    def endless(self, context):
        self.started.release()
        try:
            yield TABLE
            while not context.is_cancelled() and not self.release.wait(0.01):
                pass
        finally:
            self.cancelled.release()

    def do_put(self, context, descriptor, reader, writer):
        if descriptor.command == b"watch":
            return self.watch(context)
        return super().do_put(context, descriptor, reader, writer)

    def do_exchange(self, context, descriptor, reader, writer):
        if descriptor.command == b"watch":
            return self.watch(context)
        return super().do_exchange(context, descriptor, reader, writer)

    def do_action(self, context, action):
        if action.type == "watch":
            self.watch(context)
            return []
        return super().do_action(context, action)


def run(main, server=None):
    """Runs main(client, server) on an event loop of its own, within 30 s."""
    with server or Watched() as server, flight.connect(server.location) as client:
        try:
            return asyncio.run(asyncio.wait_for(main(client.as_async(), server), 30))
        finally:
            server.release.set()


async def until(semaphore):
    """Waits, without stopping the loop, until another thread has released the semaphore."""
    assert await asyncio.to_thread(semaphore.acquire, timeout=10)


async def cancel(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def started(server, awaitable):
    """Runs it as a task, once the server has begun with it."""
    task = asyncio.ensure_future(awaitable)
    await until(server.started)
    return task


def test_cancelling_a_task_reaches_the_server():
    """Goal: whatever a task waits for, cancelling it ends the call at the server. Method: each kind,
    against handlers that run until they are cancelled."""

    async def write_for_ever(client):
        writer, _ = await client.do_put(COMMAND("watch"), TABLE.schema)
        while True:
            await writer.write_table(TABLE)

    async def flood_metadata(client):
        writer, _ = await client.do_exchange(COMMAND("watch"))
        while True:
            await writer.write_metadata(b"x" * 100_000)

    async def close(client):
        writer, _ = await client.do_put(COMMAND("watch"), TABLE.schema)
        async with writer:
            pass

    async def read_answers(client):
        _, answers = await client.do_put(COMMAND("watch"), TABLE.schema)
        await answers.read()

    async def read_chunk(client):
        reader = await client.do_get(flight.Ticket("endless"))
        async for _ in reader:
            pass

    async def schema(client):
        _, reader = await client.do_exchange(COMMAND("watch"))
        await reader.schema()

    async def action(client):
        async for _ in client.do_action("watch"):
            pass

    async def main(client, server):
        waits = [write_for_ever, flood_metadata, close, read_answers, read_chunk, schema, action]
        for wait in [*waits, lambda client: client.get_flight_info(COMMAND("watch"))]:
            task = await started(server, wait(client))
            await cancel(task)
            await until(server.cancelled)
        assert (await client.get_flight_info(X)).total_records == 7

    run(main)


def test_dropping_a_stream_reaches_the_server():
    """Goal: a stream that nobody holds is no call. Method: leave it, close it, or drop it."""

    async def main(client, server):
        async with await client.do_get(flight.Ticket("endless")) as reader:
            assert (await reader.read_chunk()).data.num_rows == 100_000
        await until(server.cancelled)
        reader = await client.do_get(flight.Ticket("endless"))
        del reader
        await until(server.cancelled)
        reader = await client.do_get(flight.Ticket("endless"))
        read = asyncio.create_task(reader.read_all())
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(flight.FlightCancelledError):
            await read
        await until(server.cancelled)
        for _ in range(3):
            await until(server.started)  # of the fetches
        writer, reader = await client.do_exchange(COMMAND("watch"))
        await until(server.started)
        del writer, reader
        await until(server.cancelled)
        results = client.do_action("forever")
        async for _ in results:
            break
        await results.aclose()

    run(main)


def test_every_limit_ends_a_call():
    """Goal: total, idle and first-byte limits hold under a loop. Method: handlers that stall."""

    async def main(client, server):
        for limits in ({"timeout": 0.1}, {"idle_timeout": 0.1}, {"first_byte_timeout": 0.1}):
            options = flight.FlightCallOptions(**limits)
            begun = time.monotonic()
            with pytest.raises(flight.FlightTimedOutError):
                await client.get_flight_info(COMMAND("watch"), options=options)
            with pytest.raises(flight.FlightTimedOutError):
                async for _ in client.do_action("watch", options=options):
                    pass
            assert time.monotonic() - begun < 5
        options = flight.FlightCallOptions(idle_timeout=0.1)
        reader = await client.do_get(flight.Ticket("endless"), options=options)
        with pytest.raises(flight.FlightTimedOutError, match="idle"):
            await reader.read_all()
        writer, _ = await client.do_put(COMMAND("watch"), TABLE.schema, options=options)
        with pytest.raises(flight.FlightTimedOutError, match="idle"):
            while True:
                await writer.write_table(TABLE)
        with pytest.raises(flight.FlightTimedOutError):
            await client.get_flight_info(X, options=flight.FlightCallOptions(timeout=0))

    run(main)


def test_a_cancel_token_of_another_thread_ends_a_call():
    """Goal: tokens work as with blocking calls. Method: trigger one from a thread."""

    async def main(client, server):
        token = flight.CancelToken()
        options = flight.FlightCallOptions(cancel=token)
        task = await started(server, client.get_flight_info(COMMAND("watch"), options=options))
        await asyncio.to_thread(token.cancel)
        with pytest.raises(flight.FlightCancelledError):
            await task
        await until(server.cancelled)
        with pytest.raises(flight.FlightCancelledError):
            await client.get_flight_info(X, options=options)

    run(main)


def test_connecting_obeys_the_limits_of_the_call(monkeypatch):
    """Goal: a server that never answers the handshake holds nobody. Method: a listener that does
    not accept TLS, awaited with a timeout, a token, and a task that is cancelled."""
    import socket

    async def main(location):
        client = flight.FlightClient(location, disable_server_verification=True).as_async()

        async def connecting(options=None):
            """A call that has run as far as it can."""
            task = asyncio.create_task(client.get_flight_info(X, options=options))
            await asyncio.sleep(0)
            return task

        options = flight.FlightCallOptions(timeout=0.2)
        begun = time.monotonic()
        with pytest.raises(flight.FlightTimedOutError, match="connecting"):
            await client.get_flight_info(X, options=options)
        token = flight.CancelToken()
        task = await connecting(flight.FlightCallOptions(cancel=token))
        token.cancel()
        with pytest.raises(flight.FlightCancelledError):
            await task
        await cancel(await connecting())
        waiting = await connecting()
        await client.close()
        with pytest.raises((flight.FlightCancelledError, pa.ArrowInvalid)):
            await waiting
        assert time.monotonic() - begun < 5

    with socket.create_server(("127.0.0.1", 0)) as listener:
        location = f"grpc+tls://127.0.0.1:{listener.getsockname()[1]}"
        begun = time.monotonic()
        asyncio.run(main(location))
        assert time.monotonic() - begun < 5  # nor does the client's end wait for it


def test_a_server_that_is_gone_is_told_and_forgotten():
    """Goal: waiting tasks hear of it, and a new server on the address is found. Method: stop the
    server while calls run, then start another."""

    async def main():
        server = Watched()
        location, port = server.location, server.port
        client = flight.connect(location).as_async()
        calls = [client.get_flight_info(COMMAND("watch")) for _ in range(3)]
        tasks = [await started(server, call) for call in calls]
        reader = await client.do_get(flight.Ticket("endless"))
        tasks.append(asyncio.create_task(reader.read_all()))
        await asyncio.to_thread(server.shutdown, grace=0)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, flight.FlightError) for outcome in outcomes), outcomes
        with pytest.raises(flight.FlightUnavailableError):
            await client.get_flight_info(X)
        with Watched(("localhost", port)):
            await client.wait_for_available()
            infos = await asyncio.gather(*(client.get_flight_info(X) for _ in range(20)))
            assert all(info.total_records == 7 for info in infos)
        await client.close()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_calls_outlive_a_connection_that_takes_no_more():
    """Goal: a graceful shutdown lets running calls end well. Method: begin it in the middle of
    one, and try to start another."""

    async def main(client, server):
        task = await started(server, client.get_flight_info(COMMAND("watch")))
        shutdown = asyncio.create_task(asyncio.to_thread(server.shutdown))
        with pytest.raises(flight.FlightUnavailableError):
            while True:
                await client.get_flight_info(X)
        server.release.set()
        assert (await task).total_records == 7
        await shutdown

    run(main)


@pytest.mark.parametrize("close_other", [False, True])
def test_closing_the_client_ends_what_is_awaited(close_other):
    """Goal: nobody waits for a closed client. Method: close it, or the client it shares."""

    async def main(client, server):
        task = await started(server, client.get_flight_info(COMMAND("watch")))
        if close_other:
            client._client.close()
        else:
            await client.close()
        with pytest.raises(flight.FlightError):
            await task
        with pytest.raises(pa.ArrowInvalid, match="closed"):
            await client.get_flight_info(X)

    run(main)


def test_one_loop_at_a_time():
    """Goal: a client in use by one loop refuses another, and follows when the first is closed.
    Method: two loops on two threads, then a third."""

    async def main(client, server):
        await client.get_flight_info(X)
        same = client._client.as_async()
        await asyncio.gather(*(c.get_flight_info(X) for c in (same, client) for _ in range(10)))

        def elsewhere():
            with pytest.raises(RuntimeError, match="another event loop"):
                asyncio.run(same.get_flight_info(X))

        await asyncio.to_thread(elsewhere)
        await client.get_flight_info(X)

    with Watched() as server, flight.connect(server.location) as client:
        asyncio.run(asyncio.wait_for(main(client.as_async(), server), 30))
        assert asyncio.run(client.as_async().get_flight_info(X)).total_records == 7


def test_nothing_is_left_behind():
    """Goal: clients, readers and loops go away. Method: weak references and descriptors, after many
    rounds of calls that end well, badly and never."""
    import os

    kept = []

    async def round_of_calls(server):
        client = flight.connect(server.location)
        kept.append(weakref.ref(client))
        other = client.as_async()
        await asyncio.gather(*(other.get_flight_info(X) for _ in range(5)))
        reader = await other.do_get(flight.Ticket("endless"))
        kept.append(weakref.ref(reader))
        await reader.read_chunk()
        await until(server.started)
        writer, reader = await other.do_exchange(COMMAND("echo"))
        kept.append(weakref.ref(writer))
        await writer.begin(TABLE.schema)
        await writer.write_table(TABLE)
        with contextlib.suppress(KeyError):
            await other.get_flight_info(COMMAND("missing"))
        await cancel(await started(server, other.get_flight_info(COMMAND("watch"))))

    def descriptors_after(rounds):
        with Watched() as server:
            for _ in range(rounds):
                asyncio.run(round_of_calls(server))
            gc.collect()
            assert [reference() for reference in kept if reference() is not None] == []
            server.release.set()
        del server
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = descriptors_after(1)
    assert descriptors_after(10) <= before


SCRIPT = """
import asyncio, sys, warnings
import cflight as flight
import pyarrow as pa
from echo_server import EchoServer

warnings.simplefilter("error")
sys.unraisablehook = lambda info: (print("unraisable", info), sys.exit(3))
server = EchoServer()
server.tables[b"t"] = pa.table({"a": range(100_000)})
client = flight.connect(server.location)
x = flight.FlightDescriptor.for_command("stall")
left = []

async def main():
    other = client.as_async()
    left.append(await other.do_get(flight.Ticket("t")))
    left.append(await other.do_put(x, server.tables[b"t"].schema))
    left.append(await other.do_exchange(x))
    results = other.do_action("forever")
    await results.__anext__()
    left.append(results)
    for writer, _ in left[1:3]:
        left.append(asyncio.create_task(flood(writer)))
    left.append(asyncio.create_task(left[0].read_all()))
    left.append(asyncio.create_task(other.get_flight_info(x)))
    left.append(asyncio.create_task(flight.connect("grpc://10.255.255.1:1").as_async().list_actions()))
    for _ in range(2):  # of put and exchange
        await asyncio.to_thread(server.started.acquire)

async def flood(writer):
    while True:
        await writer.write_metadata(b"x" * 100_000)

"""


@pytest.mark.parametrize("end", ["server.release.set()", "", "client.close()", "left.clear()"])
def test_the_loop_may_end_with_open_streams(run_script, end):
    """Goal: neither warnings nor a crash. Method: leave tasks and streams of all kinds to
    asyncio.run, then to the interpreter, in a process of their own."""
    run_script(SCRIPT + f"asyncio.run(main(), debug=True)\n{end}\nprint('end')\nserver.release.set()")


def test_a_loop_that_is_abandoned_does_no_harm(run_script):
    """Goal: a loop that is closed in the middle of calls is forgotten. Method: close it with tasks
    pending, and use the client on another."""
    run_script(
        SCRIPT
        + """
warnings.simplefilter("ignore")
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
x = flight.FlightDescriptor.for_command("x")
assert asyncio.run(client.as_async().get_flight_info(x)).total_records == 7
server.release.set()
"""
    )


def test_answers_to_an_abandoned_loop_are_dropped(run_script):
    """Goal: what a closed loop waited for does not stop the next one. Method: close a loop that waits
    for an answer, let the server answer, and make calls on another loop until it has."""
    run_script(
        SCRIPT
        + """
warnings.simplefilter("ignore")
async def drain(results):
    async for _ in results:
        pass

async def leave():
    other = client.as_async()
    await other.get_flight_info(x)  # connects
    left.append(asyncio.create_task(drain(other.do_action("stall"))))
    for _ in range(10):
        await asyncio.sleep(0)  # it begins to wait

async def ask():
    other = client.as_async()
    for _ in range(50):
        info = await asyncio.wait_for(other.get_flight_info(x), 30)
        assert info.total_records == 7

loop = asyncio.new_event_loop()
loop.run_until_complete(leave())
loop.close()
server.release.set()
asyncio.run(ask())
"""
    )
