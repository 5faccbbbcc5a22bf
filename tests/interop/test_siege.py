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
from raw_http2 import Caller, Client, Process

IS_FULL = os.environ.get("CFLIGHT_SIEGE") == "full"
pytestmark = pytest.mark.timeout(1800 if IS_FULL else 120)
SCHEMA = pa.schema([("n", pa.int64())])
KIB, MIB = 1024, 1024 * 1024


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


def wait_until(is_true, limit_s=30):
    end = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


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
def test_who_stopped_is_in_nobodys_way(cflight, directory, request, connections, is_tls):
    """Readers that never read on hold no thread; uploads that never go on hold one, and no slot."""
    count = size(150, 1000)
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
        wait_until(lambda: process.threads() - threads >= count)
        during_puts = beside(server.port, is_tls, size(1, 10))
        tell(f"{count} readers and {count} uploads stopped, {connections} connections: p99 {before * 1e3:.2f} ms alone, "
             f"{during_gets * 1e3:.2f} beside readers, {during_puts * 1e3:.2f} beside all; {per_reader / KIB:.1f} KiB a "
             f"reader, {reader_threads} threads more for readers, {process.threads() - threads} for all")
        assert reader_threads <= 40
        assert process.threads() - threads <= count + 40
        assert per_reader <= (64 + 64) * KIB  # of a connection and stream: 64 KiB of windows at most
        assert max(during_gets, during_puts) < max(size(1, 0.01), 10 * before)
        for client in stopped:
            client.close()
        wait_until(lambda: process.descriptors() < 20)
        if IS_FULL:  # threads are kept for a while
            wait_until(lambda: process.threads() < threads + 40)
