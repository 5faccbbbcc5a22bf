# SPDX-License-Identifier: Apache-2.0
"""nginx and HAProxy with TLS between clients and servers, as docs/guide/proxies.md sets them up: everything goes
through, and what a proxy ends has an error that says what happened. `make proxies` runs the long form."""

import collections
import ctypes
import os
import re
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pyarrow.flight as fl
import pytest

import cflight_calls
import proxies
from cflight_calls import begin, call, chunks, lib

IS_LONG = os.environ.get("CFLIGHT_PROXIES") == "full"
SCHEMA = pa.schema([("n", pa.int64())])
SMALL = pa.record_batch([pa.array(range(1000), pa.int64())], SCHEMA)
LARGE = pa.record_batch([pa.array(range(1 << 20), pa.int64())], SCHEMA)  # 8 MiB
STREAM_BATCHES = (10 << 30 if IS_LONG else 128 << 20) // LARGE.nbytes
# What a call may end with while a proxy goes away and comes back.
EXPLAINED = re.compile(r"the connection broke|cannot connect|GOAWAY|HTTP status 50[234]|was reset with|without a status")


def installed(proxy):
    """The proxy; the long form does without none."""
    if proxy.program() is None:
        (pytest.fail if IS_LONG else pytest.skip)(f"{proxy.name} is not installed: tools/bootstrap --test")
    return proxy


@pytest.fixture(params=proxies.ALL, ids=lambda proxy: proxy.name)
def kind(request):
    return installed(request.param)


@pytest.fixture
def trust(certs, monkeypatch):
    """The clients of this process, and the command, trust the certificates of the tests."""
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(certs / "ca.pem"))
    return ("--tls-roots", certs / "ca.pem")


class Pouring(cflight_calls.Server):
    """Sends as many large batches as the ticket says, counts the rows of uploads, echoes exchanges."""

    def __init__(self):
        super().__init__()
        self.row_count = 0
        self.ends = []

    @property
    def port(self):
        return int(self.location.rsplit(":", 1)[1])

    def _get(self, ticket, writer):
        count = int(ctypes.string_at(ticket.data, ticket.len_bytes))
        begin(writer, SCHEMA)
        cflight_calls.write_batches(writer, (LARGE for _ in range(count)))

    def _put(self, descriptor, reader, _writer):
        try:
            self.row_count += sum(chunk.batch.length for chunk in chunks(reader))
            self.ends.append("end")
        except Exception as error:
            self.ends.append(str(error))
            raise


class Slow(cflight_calls.Client):
    def count(self, name, pause=lambda index: None):
        """Rows of a get, read with pauses."""
        reader = cflight_calls.P()
        call(lib.cflight_client_do_get, self._client, cflight_calls.as_bytes(name),
             ctypes.byref(cflight_calls.call_options(timeout_ms=900000)), ctypes.byref(reader))
        count = 0
        try:
            for index, chunk in enumerate(chunks(reader)):
                count += chunk.batch.length
                pause(index)
            return count
        finally:
            lib.cflight_reader_free(reader)


@pytest.fixture
def poured(kind, certs, trust, tmp_path):
    """A server of this process behind a proxy, and a client of it."""
    with Pouring() as server, kind(tmp_path, certs, server.port) as proxy, Slow(proxy.location) as client:
        yield server, proxy, client


def write_flight(path, batches):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for batch in batches:
            writer.write(batch)


def flights_of(cflight, location, *options):
    lines = cflight.run("list", location, *options, check=True).stdout.splitlines()
    return sorted(line.split("\t")[0] for line in lines)


@pytest.fixture
def directory(tmp_path):
    place = tmp_path / "served"
    place.mkdir()
    write_flight(place / "small.arrow", [SMALL])
    write_flight(place / "large.arrow", [LARGE] * 4)
    return place


def test_the_command_works_through_it(cflight, kind, certs, trust, directory, tmp_path):
    got = tmp_path / "got.arrow"
    with cflight.serving(directory, "--writable") as server, kind(tmp_path, certs, server.port) as proxy:
        cflight.run("get", proxy.location, "large", "-o", got, *trust, check=True)
        cflight.run("put", proxy.location, "copy", got, *trust, check=True)
        assert (directory / "copy.arrow").read_bytes() == got.read_bytes()
        done = cflight.run("get", proxy.location, "nothing", *trust)
        assert done.returncode == 4 and "NOT_FOUND: there is no flight 'nothing'" in done.stderr
        done = cflight.run("list", proxy.location, "-H", "x-large: " + "v" * 40000, *trust, check=True)
        assert "small" in done.stdout
        with fl.connect(proxy.location, tls_root_certs=(certs / "ca.pem").read_bytes()) as client:
            assert client.do_get(fl.Ticket("small")).read_all().to_batches() == [SMALL]
            with pytest.raises(KeyError, match="there is no flight"):
                client.do_get(fl.Ticket("gone")).read_all()
    done = cflight.run("list", proxy.location, *trust)
    assert done.returncode == 3 and f"cannot connect to localhost:{proxy.port}" in done.stderr


def test_a_proxy_without_its_server_is_told_of(cflight, kind, certs, trust, tmp_path):
    with kind(tmp_path, certs, proxies.free_port()) as proxy:
        done = cflight.run("list", proxy.location, *trust)
    assert re.search("UNAVAILABLE: the server's answer is not gRPC: HTTP status 50[23], content-type 'text/html'", done.stderr)


def test_streams_both_ways(poured):
    server, _, client = poured
    begun = time.monotonic()
    assert client.count(b"%d" % STREAM_BATCHES) == STREAM_BATCHES * LARGE.num_rows
    between = time.monotonic()
    client.put(b"up", SCHEMA, (LARGE for _ in range(STREAM_BATCHES)), timeout_ms=900000)
    ended = time.monotonic()
    assert server.row_count == STREAM_BATCHES * LARGE.num_rows
    size_mb = STREAM_BATCHES * LARGE.nbytes / 1e6
    print(f"down {size_mb / (between - begun):.0f} MB/s, up {size_mb / (ended - between):.0f} MB/s")
    schema, back = client.exchange(b"echo", SCHEMA, [SMALL] * 10)
    assert schema.equals(SCHEMA) and back == [SMALL] * 10


def test_a_slow_reader_gets_everything(poured):
    """Far more than all buffers on the way hold, with pauses."""
    _, _, client = poured
    pause_s = 2 if IS_LONG else 0.05
    assert client.count(b"24", lambda _: time.sleep(pause_s)) == 24 * LARGE.num_rows


PATIENCE = {
    "nginx": (2, [(r"client_body_timeout  1h;", "client_body_timeout 2s;"), (r"^        send_timeout         1h;", "send_timeout 2s;"),
                  (r"grpc_read_timeout    1h;", "grpc_read_timeout 2s;")]),
    # Longer than what cflight takes for the pause of a client that ends by itself.
    "haproxy": (11, [(r"timeout client  1h", "timeout client 11s"), (r"timeout server  1h", "timeout server 11s")]),
}


def test_an_upload_that_is_cut_is_no_upload(cflight, kind, certs, trust, directory, tmp_path):
    """A pause that is longer than the proxy's patience ends the upload, in no case as if it were whole."""
    patience_s, changes = PATIENCE[kind.name]
    source = pa.BufferOutputStream()
    with pa.ipc.new_stream(source, SCHEMA) as writer:
        writer.write(SMALL)
        first_bytes = source.tell()
        writer.write(SMALL)
    content = source.getvalue().to_pybytes()
    with cflight.serving(directory, "--writable") as server, kind(tmp_path, certs, server.port, changes) as proxy:
        put = cflight.start("put", proxy.location, "cut", "-", *trust, stdin=subprocess.PIPE)
        put.stdin.buffer.write(content[:first_bytes])
        put.stdin.buffer.flush()
        time.sleep(patience_s + 4)
        _, messages = communicate(put, content[first_bytes:])
        assert put.returncode != 0
        assert "was reset with PROTOCOL_ERROR" in messages or "ended the call without a status" in messages, messages
        assert "cut" not in flights_of(cflight, server.location)


def communicate(process, more):
    """The rest of its input, and what it says."""
    try:
        process.stdin.buffer.write(more)
        process.stdin.close()
    except BrokenPipeError:
        pass
    process.stdin = None
    return process.communicate(timeout=60)


def test_a_quiet_stream_that_is_cut_says_for_how_long(kind, certs, trust, tmp_path):
    changes = {"nginx": [(r"grpc_read_timeout    1h;", "grpc_read_timeout 2s;")],
               "haproxy": [(r"timeout server  1h", "timeout server 2s")]}[kind.name]
    patience = threading.Event()

    class Quiet(Pouring):
        def _get(self, ticket, writer):
            begin(writer, SCHEMA)
            cflight_calls.write_batches(writer, [SMALL])
            patience.wait(30)

    with Quiet() as server, kind(tmp_path, certs, server.port, changes) as proxy, Slow(proxy.location) as client:
        try:
            with pytest.raises(cflight_calls.CflightError) as caught:
                client.count(b"1")
        finally:
            patience.set()
    message = str(caught.value)
    assert "was reset with" in message or "without a status" in message
    assert "nothing had moved on it for" in message


def test_a_restart_in_the_middle(poured):
    server, proxy, client = poured

    def batches():
        yield SMALL
        proxy.stop()
        yield from [LARGE] * 20

    with pytest.raises(cflight_calls.CflightError, match="the connection broke"):
        client.put(b"up", SCHEMA, batches())
    proxy.start()
    assert client.count(b"1") == LARGE.num_rows
    with pytest.raises(cflight_calls.CflightError, match="the connection broke"):
        client.count(b"1000", lambda index: proxy.stop() if index == 3 else None)
    with pytest.raises(cflight_calls.CflightError, match="cannot connect"):
        client.count(b"1")
    proxy.start()
    assert client.count(b"1") == LARGE.num_rows
    client.put(b"up", SCHEMA, [SMALL])
    assert server.ends.count("end") == 1


def test_a_session_stays_with_its_server(cflight, certs, trust, tmp_path, monkeypatch):
    """HAProxy over two databases; a temporary table is there for all statements of a session."""
    installed(proxies.HAProxy)
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)  # has the driver
    statements = "CREATE TEMP TABLE t(n INT); INSERT INTO t VALUES (1); SELECT n FROM t; SELECT n FROM t; SELECT n FROM t"
    with cflight.serving(f"sqlite:{tmp_path}/a.db") as one, cflight.serving(f"sqlite:{tmp_path}/b.db") as two:
        several = proxies.replaced(proxies.configuration("haproxy sessions"), [
            (r"127\.0\.0\.1:32010", f"127.0.0.1:{one.port}"), (r"127\.0\.0\.1:32011", f"127.0.0.1:{two.port}")])
        changes = [(r"^backend cflight\n(    .*\n)+", several)]
        with proxies.HAProxy(tmp_path, certs, one.port, changes) as proxy:
            for _ in range(2):
                done = cflight.run("sql", proxy.location, *trust, input=statements)
                assert done.returncode == 0, done.stderr
                assert done.stderr.count("1 row\n") == 3


def run_threads(count, work):
    """Runs `work(index)` on threads; gives what it raised."""
    failures = []

    def run(index):
        try:
            work(index)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_nothing_is_lost_when_a_connection_has_had_its_calls(certs, trust, tmp_path):
    """nginx says GOAWAY after keepalive_requests calls; the calls that are on their way move to another connection."""
    installed(proxies.Nginx)
    changes = [(r"keepalive_requests   1000000;", "keepalive_requests 7;")]
    with Pouring() as server, proxies.Nginx(tmp_path, certs, server.port, changes) as proxy:
        with Slow(proxy.location) as client:
            assert run_threads(4, lambda _: [client.count(b"0") for _ in range(50)]) == []
        lines = (tmp_path / "access.log").read_text().split()
    assert len(lines) == 200 and len(set(lines)) >= 200 / 8


@pytest.mark.skipif(not IS_LONG, reason="make proxies")
def test_restarts_under_load(poured):
    """Each call ends well or with an error that names its reason; afterwards everything works."""
    _, proxy, client = poured
    is_over = threading.Event()
    ends = collections.Counter()

    def work(index):
        while not is_over.is_set():
            try:
                if index % 2:
                    client.put(b"up", SCHEMA, [LARGE] * 4)
                else:
                    client.count(b"4")
                ends["well"] += 1
            except cflight_calls.CflightError as error:
                found = EXPLAINED.search(str(error))
                assert found, error
                ends[found.group()] += 1
                time.sleep(0.05)

    def restart(index):
        if index:
            return work(index)
        for _ in range(20):
            time.sleep(1.5)
            proxy.restart()
        is_over.set()

    assert run_threads(9, restart) == []
    print(dict(ends))
    assert ends["well"] > 20 and client.count(b"1") == LARGE.num_rows


@pytest.mark.skipif(not IS_LONG, reason="make proxies")
def test_long_pauses_with_the_configuration_of_the_page(poured):
    """Longer than the time-outs that proxies have by themselves (60 s)."""
    server, _, client = poured

    def batches():
        yield SMALL
        time.sleep(75)
        yield SMALL

    def work(index):
        if index:
            client.put(b"up", SCHEMA, batches(), timeout_ms=300000)
        else:
            assert client.count(b"24", lambda batch: time.sleep(75) if batch == 3 else None) == 24 * LARGE.num_rows

    assert run_threads(2, work) == []
    assert server.ends == ["end"]
