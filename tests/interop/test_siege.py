# SPDX-License-Identifier: Apache-2.0
"""Peers that stop, that come all at once, that are refused, and that want everything: whoever else calls `cflight
serve` must not notice, and nothing of them may stay. Short by default; `make siege` does the same at full size, and
prints what it measures."""

import os
import subprocess
import time

import pyarrow as pa
import pytest

import raw_http2
from cflight_command import wait_until
from raw_http2 import Caller, Client, Process

IS_FULL = os.environ.get("CFLIGHT_SIEGE") == "full"
pytestmark = pytest.mark.timeout(1800 if IS_FULL else 120)
SCHEMA = pa.schema([("n", pa.int64())])
KIB, MIB = 1024, 1024 * 1024
RUNNING_MAX = 2 * 64 + 16  # threads: of handlers, of streams while a batch is asked for, and workers


def size(short, full):
    return full if IS_FULL else short


@pytest.fixture
def directory(tmp_path):
    """A flight that no window holds, and a small one."""
    served = tmp_path / "data"
    served.mkdir()
    batch = pa.record_batch({"n": pa.array(range(131_072), pa.int64())})
    for name, count in (("big", 16), ("small", 1)):
        with pa.OSFile(str(served / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            for _ in range(count):
                writer.write_batch(batch if name == "big" else batch.slice(0, 10))
    return served


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Certificate and key of a server, with the options that take them."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost"],
                   check=True, capture_output=True)
    return ["--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem"]


@pytest.fixture(scope="session")
def is_lean(cflight):
    """Whether the command has no memory but its own; sanitizers have much."""
    with open(cflight.path, "rb") as program:
        content = program.read()
        return not any(name in content for name in (b"__asan_init", b"__tsan_init"))


def patience():
    """How much slower than an idle machine this one is now."""
    return max(1, os.getloadavg()[0] / os.cpu_count())


def tell(text):
    print(f"\n  {text} (load {os.getloadavg()[0]:.1f})", flush=True)


def calm(port, is_tls):
    """The 99th percentile of a good client's calls, with nobody else."""
    with Caller(port, "small", is_tls) as caller:
        wait_until(lambda: len(caller.seconds) >= size(100, 500))
    return caller.percentile(0.99)


def beside(port, is_tls, seconds):
    """The same with whoever is there now."""
    with Caller(port, "small", is_tls) as caller:
        time.sleep(seconds)
        wait_until(lambda: len(caller.seconds) >= size(100, 500))
    assert caller.refused == 0
    return caller.percentile(0.99)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("connections", [1, size(10, 100)])
def test_who_stopped_is_in_nobodys_way(cflight, directory, request, is_lean, connections, is_tls):
    """Readers that never read on hold no thread; uploads that never go on hold one, and no slot."""
    count = size(200, 1000)
    tls = request.getfixturevalue("certificate") if is_tls else []
    listen = "grpc+tls://127.0.0.1:0" if is_tls else "grpc://127.0.0.1:0"
    with cflight.serving(directory, "--writable", *tls, listen=listen) as server:
        process = Process(server.process.pid)
        before = calm(server.port, is_tls)
        memory, threads = process.memory(), process.threads()
        stopped = [Client(server.port, is_tls) for _ in range(connections)]
        for client in stopped:
            client.calls("DoGet", count // connections, raw_http2.ticket("big"))
        during_gets = beside(server.port, is_tls, size(1, 10))
        per_reader = (process.memory() - memory) / count
        reader_threads = process.threads() - threads
        for client in stopped:
            for i in range(count // connections):
                begin = raw_http2.upload_begin(f"up-{id(client)}-{i}", SCHEMA)
                client.call("DoPut", begin, ends=False)
        wait_until(lambda: process.threads() >= count)
        during_puts = beside(server.port, is_tls, size(1, 10))
        tell(f"{count} readers and {count} uploads stopped, {connections} connections: p99 {before * 1e3:.2f} ms alone, "
             f"{during_gets * 1e3:.2f} beside readers, {during_puts * 1e3:.2f} beside all; {per_reader / KIB:.1f} KiB a "
             f"reader, {reader_threads} threads more for readers, {process.threads() - threads} for all")
        assert reader_threads <= RUNNING_MAX
        assert process.threads() - threads <= count + RUNNING_MAX
        assert not is_lean or per_reader <= (64 + 64) * KIB  # of a connection and stream: 64 KiB of windows at most
        assert max(during_gets, during_puts) < max(size(1, 0.01 * patience()), 10 * before)
        for client in stopped:
            client.close()
        wait_until(lambda: process.descriptors() < 40)
        if IS_FULL:  # threads are kept for a while
            wait_until(lambda: process.threads() <= threads + 16)


@pytest.mark.parametrize("count", [40, size(100, 400)])
def test_downloads_opened_at_once_all_begin(cflight, directory, count):
    """Each on a connection of its own, slower than the network: nobody waits for the one before."""
    with cflight.serving(directory, listen="grpc://127.0.0.1:0") as server:
        clients = [Client(server.port, receive_bytes=16 * KIB) for _ in range(count)]
        wait_until(lambda: Process(server.process.pid).descriptors() > count)
        begin = time.perf_counter()
        for client in clients:
            client.call("DoGet", raw_http2.ticket("big"))
        opened = time.perf_counter() - begin
        firsts = sorted(when - begin for when in raw_http2.first_messages(clients))
        tell(f"{count} downloads opened in {opened * 1e3:.0f} ms; the first began after {firsts[0] * 1e3:.1f} ms, the "
             f"middle one after {firsts[count // 2] * 1e3:.1f}, the last after {firsts[-1] * 1e3:.1f}")
        assert firsts[-1] - opened < size(count * 0.03, 0.1 * patience())
        for client in clients:
            client.close()


def is_served(client):
    return client.ends([client.call("DoGet", raw_http2.ticket("small"))])[0] == 1


def fill(server, waiting):
    """Uploads that stop, as many as may wait: streams are refused from now on."""
    stopped = Client(server.port)
    for i in range(waiting):
        stopped.call("DoPut", raw_http2.upload_begin(f"stopped-{i}", SCHEMA), ends=False)
    with Client(server.port) as client:
        wait_until(lambda: sum(is_served(client) for _ in range(50)) < 5)
    return stopped


def settled(process, memory, descriptors):
    """What is left when a crowd has gone: bytes, which are back soon, and descriptors."""
    wait_until(lambda: process.descriptors() <= descriptors)
    if process.memory() - memory >= 5 * MIB:
        time.sleep(12)  # the command gives back what is free each 10 seconds
    return process.memory() - memory


@pytest.mark.parametrize("headers", [0, 40], ids=["small", "large-headers"])
def test_what_is_refused_is_forgotten(cflight, directory, is_lean, headers):
    """Calls that are refused cost the server nothing while their connection lives, and nothing after it."""
    total, each = size(4000, 100_000 if headers == 0 else 20_000), 1000
    fields = [(f"x-pad-{i}", "v" * 1000) for i in range(headers)]
    with cflight.serving(directory, "--writable", "--waiting-max", 8, listen="grpc://127.0.0.1:0") as server:
        process = Process(server.process.pid)
        stopped = fill(server, 8)
        refuse(server.port, each, fields)  # warms up
        memory, descriptors, most = process.memory(), process.descriptors(), 0
        begin = time.perf_counter()
        for _ in range(total // each):
            most = max(most, refuse(server.port, each, fields, process) - memory)
        seconds = time.perf_counter() - begin
        left = settled(process, memory, descriptors)
        tell(f"{total} calls refused in {seconds:.1f} s with {len(raw_http2.header_block('DoGet', fields))} bytes of "
             f"headers: {most / MIB:+.1f} MiB at most, {left / MIB:+.1f} after")
        assert not is_lean or most < 10 * MIB
        assert not is_lean or left < 10 * MIB
        stopped.close()
        with Client(server.port) as client:
            wait_until(lambda: is_served(client))


def refuse(port, count, fields, process=None):
    """Makes calls that are refused, on a connection of their own; gives the memory while it is open."""
    with Client(port) as client:
        for _ in range(count // 50):
            answered, refused = client.ends(client.calls("DoGet", 50, raw_http2.ticket("small"), fields=fields))
            assert refused > answered  # a handler that looks around makes room for a moment
        return 0 if process is None else process.memory()


def test_requests_without_message_are_counted_and_timed(cflight, directory, is_lean):
    """Headers and no message: as many as may are kept for a while, the others are refused at once, and others' calls
    are answered all the time."""
    total, each = size(4000, 100_000), 1000
    with cflight.serving(directory, "--message-timeout", 2, listen="grpc://127.0.0.1:0") as server:
        process = Process(server.process.pid)
        with Client(server.port) as client:
            client.seconds_of("GetFlightInfo", raw_http2.path("small"))
        memory, descriptors = process.memory(), process.descriptors()
        with Caller(server.port, "small") as caller:
            clients = []
            for _ in range(total // each):
                clients.append(Client(server.port))
                clients[-1].calls("GetFlightInfo", each)
            wait_until(lambda: len(caller.seconds) > 50)
            most = process.memory() - memory
            server.wait_for_message("no message came after the headers for longer than the limit of 2000 ms")
            for client in clients:
                client.ends(range(1, 2 * each, 2))
            for client in clients:
                client.close()
        left = settled(process, memory, descriptors)
        tell(f"{total} requests without message: {most / MIB:+.1f} MiB at most, {left / MIB:+.1f} after; others' p99 "
             f"{caller.percentile(0.99) * 1e3:.1f} ms")
        assert caller.refused == 0
        assert not is_lean or most < 10 * MIB
        assert not is_lean or left < 10 * MIB


def test_connections_that_closed_leave_nothing(cflight, directory, is_lean):
    """One descriptor for each that is open; none, and no memory, for one that was."""
    total, each = size(1000, 10_000), 100
    with cflight.serving(directory, listen="grpc://127.0.0.1:0") as server:
        process = Process(server.process.pid)

        def come_and_go():
            clients = [Client(server.port) for _ in range(each)]
            for client in clients:
                client.seconds_of("GetFlightInfo", raw_http2.path("small"))
            used = process.descriptors()
            for client in clients:
                client.close()
            return used

        before = process.descriptors()
        come_and_go()
        wait_until(lambda: process.descriptors() <= before + 5)
        memory, descriptors = process.memory(), process.descriptors()
        most = max(come_and_go() for _ in range(total // each))
        left = settled(process, memory, descriptors)
        tell(f"{total} connections opened and closed, {each} at once: {most - descriptors} descriptors more at most, "
             f"{left / MIB:+.1f} MiB after")
        assert most <= descriptors + 2 * each + 10  # those before may not be gone yet
        assert not is_lean or left < 10 * MIB


def test_a_greedy_client_is_in_its_own_way(cflight, directory):
    """It keeps as many calls open as it may, more than may wait; of a normal client's calls none is refused."""
    with cflight.serving(directory, "--queue-max", 64, "--handlers-max", 2, listen="grpc://127.0.0.1:0") as server:
        before = calm(server.port, False)
        end = time.monotonic() + size(2, 20)
        answered, refused = 0, 0
        with Client(server.port) as greedy, Caller(server.port, "small") as caller:
            while time.monotonic() < end:
                got = greedy.ends(greedy.calls("ListFlights", 500, b""))
                answered, refused = answered + got[0], refused + got[1]
        tell(f"beside a greedy client ({answered} calls answered, {refused} refused): {len(caller.seconds)} calls, p99 "
             f"{caller.percentile(0.99) * 1e3:.1f} ms; {before * 1e3:.1f} ms alone")
        assert refused > 0
        assert caller.refused == 0
        assert len(caller.seconds) > 20


@pytest.mark.parametrize("soft, hard, is_enough", [(64, 1024, True), (100, 100, False)])
def test_idle_connections_leave_no_client_waiting(cflight, directory, soft, hard, is_enough):
    """The soft limit of descriptors is raised; where it cannot be, who comes too late is told at once, and the
    operator too."""
    count = 300
    command = type(cflight)(cflight.path)
    command.prefix = ["prlimit", f"--nofile={soft}:{hard}"]
    with command.serving(directory, listen="grpc://127.0.0.1:0") as server:
        idle = [Client(server.port) for _ in range(count if is_enough else hard)]
        if is_enough:
            with Client(server.port) as client:
                client.seconds_of("GetFlightInfo", raw_http2.path("small"))
            assert Process(server.process.pid).descriptors() < count + 30
        else:
            with pytest.raises(OSError), Client(server.port) as client:
                client.seconds_of("GetFlightInfo", raw_http2.path("small"))
            server.wait_for_message("cannot accept connections")
        for client in idle:
            client.close()


def stop_reading(client):
    client.call("DoGet", raw_http2.ticket("big"))


def stop_uploading(client):
    client.call("DoPut", raw_http2.upload_begin("stopped", SCHEMA), ends=False)


@pytest.mark.parametrize("stop, complaint", [(stop_reading, "DoGet: the client took nothing"),
                                             (stop_uploading, "DoPut")])
def test_who_stops_is_let_go_after_the_limit(cflight, directory, stop, complaint):
    with cflight.serving(directory, "--writable", "--idle-timeout", 0.5, listen="grpc://127.0.0.1:0") as server:
        with Client(server.port, receive_bytes=16 * KIB) as client:
            stop(client)
            server.wait_for_message(complaint)
            assert "limit of 500 ms" in server.messages()


def test_who_stops_is_let_go_sooner_when_others_are_refused(cflight, directory):
    limits = ["--waiting-max", 4, "--contended-timeout", 0.5]
    with cflight.serving(directory, "--writable", *limits, listen="grpc://127.0.0.1:0") as server:
        stopped = fill(server, 4)
        with Client(server.port) as client:
            wait_until(lambda: is_served(client))
        stopped.close()


def test_a_connection_without_calls_is_closed(cflight, directory):
    with cflight.serving(directory, "--connection-idle-timeout", 0.5, listen="grpc://127.0.0.1:0") as server:
        with Client(server.port) as client:
            client.seconds_of("GetFlightInfo", raw_http2.path("small"))
            kinds = []
            with pytest.raises(OSError):
                while True:
                    kinds += [kind for kind, _, _, _ in client.frames()]
            assert raw_http2.GOAWAY in kinds


def test_limits_may_be_as_large_as_their_numbers(cflight, directory):
    most = 2 ** 32 - 1
    limits = [f"--{name}={most}" for name in ("handlers-max", "waiting-max", "queue-max", "connections-max",
                                              "connection-calls-max")]
    times = [f"--{name}=0" for name in ("message-timeout", "idle-timeout", "contended-timeout",
                                        "connection-idle-timeout")]
    with cflight.serving(directory, "--writable", *limits, *times, listen="grpc://127.0.0.1:0") as server:
        with Client(server.port) as stopped, Client(server.port) as client:
            for i in range(20):
                stopped.call("DoPut", raw_http2.upload_begin(f"stopped-{i}", SCHEMA), ends=False)
            wait_until(lambda: Process(server.process.pid).threads() >= 20)
            client.seconds_of("GetFlightInfo", raw_http2.path("small"))
