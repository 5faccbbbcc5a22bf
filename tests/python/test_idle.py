# SPDX-License-Identifier: Apache-2.0
"""Clients between calls: no server waits for them."""

import os
import subprocess
import sys
import time

import pytest

import cflight

from conftest import MODULE_PATH

pa_flight = pytest.importorskip("pyarrow.flight")

CLIENTS = 100
# A process with idle clients: says when they are connected, and ends with its input.
HOLD = """
import sys
import cflight
clients = [cflight.connect(sys.argv[1], **eval(sys.argv[3])) for _ in range(int(sys.argv[2]))]
for client in clients:
    list(client.list_flights())
print("ready", flush=True)
sys.stdin.read()
"""


class Server(pa_flight.FlightServerBase):
    def list_flights(self, context, criteria):
        return iter(())


def seconds_of_shutdown(count, options=None):
    """How long a stock server takes to shut down while `count` clients are idle."""
    server = Server("grpc://127.0.0.1:0")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, f"grpc://127.0.0.1:{server.port}", str(count), repr(options or {})],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": MODULE_PATH},
    ) as holder:
        assert holder.stdout.readline() == b"ready\n"
        begin = time.monotonic()
        server.shutdown()
        seconds = time.monotonic() - begin
        holder.stdin.close()
    assert holder.returncode == 0
    return seconds


def test_a_stock_server_does_not_wait_for_idle_clients():
    """Goal: shutting down takes less than 0.1 s more with 100 idle clients than with none.
    Method: a pyarrow server, its clients in another process; the least of three, as machines stutter."""
    without = min(seconds_of_shutdown(0) for _ in range(3))
    seconds = min(seconds_of_shutdown(CLIENTS) for _ in range(3))
    assert seconds < without + 0.1


# One thread for all clients, none where it is turned off, none after the last client.
NAMES = """
import os, sys
import cflight

def watch_count():
    names = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/comm", encoding="utf-8") as file:
            names.append(file.read().strip())
    return names.count("cflight-idle")

with cflight.connect(sys.argv[1], idle_watch_is_off=True) as client:
    list(client.list_flights())
    print(watch_count())
clients = [cflight.connect(sys.argv[1]) for _ in range(3)]
for client in clients:
    list(client.list_flights())
print(watch_count())
del client
clients.clear()
print(watch_count())
"""


def test_the_watch_ends_with_the_last_client():
    """Goal: one thread for all, none after them, none where it is turned off.
    Method: names of threads, in a process that has no other clients."""
    with Server("grpc://127.0.0.1:0") as server:
        done = subprocess.run(
            [sys.executable, "-c", NAMES, f"grpc://127.0.0.1:{server.port}"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": MODULE_PATH},
            timeout=60,
        )
    assert (done.returncode, done.stdout.split()) == (0, ["0", "1", "0"]), done.stderr
