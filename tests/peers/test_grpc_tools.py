# SPDX-License-Identifier: Apache-2.0
"""The tools of gRPC's users, as they come: grpcurl without files, and grpc-health-probe, against `cflight serve` and
servers of the library, in C and in Python."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys

import cflight_command
import interop_peers
import pyarrow as pa
import pytest

FLIGHT = "arrow.flight.protocol.FlightService"
TABLE = pa.table({"n": pa.array([1, 2, None], pa.int32())})
LIMIT_S = 60


@pytest.fixture(scope="module")
def grpcurl(peer):
    return peer("grpcurl")


@pytest.fixture(scope="module")
def probe(peer):
    return peer("grpc_health_probe")


@pytest.fixture
def served(tmp_path):
    with pa.OSFile(str(tmp_path / "prices.arrow"), "wb") as sink, pa.ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    cflight = cflight_command.Command(cflight_command.find_command())
    with cflight.serving(tmp_path, "--drain-delay", "30", listen="grpc://127.0.0.1:0") as server:
        yield server


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=LIMIT_S)


def call(grpcurl, server, *arguments):
    done = run(grpcurl, "-plaintext", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_grpcurl_lists_and_describes(grpcurl, served):
    """Goal: a user with grpcurl alone finds out what the server has, and what its messages are."""
    address = f"127.0.0.1:{served.port}"
    listed = call(grpcurl, served, address, "list").split()
    assert {FLIGHT, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= set(listed)
    methods = call(grpcurl, served, address, "list", FLIGHT).split()
    assert f"{FLIGHT}.DoGet" in methods and f"{FLIGHT}.PollFlightInfo" in methods and len(methods) == 10
    assert "rpc DoGet ( .arrow.flight.protocol.Ticket ) returns ( stream .arrow.flight.protocol.FlightData );" in call(
        grpcurl, served, address, "describe", FLIGHT)
    assert "bytes ticket = 1;" in call(grpcurl, served, address, "describe", "arrow.flight.protocol.Ticket")


def test_grpcurl_calls(grpcurl, served):
    """Goal: calls by JSON work, their failures are told as gRPC has them."""
    address = f"127.0.0.1:{served.port}"
    info = json.loads(call(grpcurl, served, address, f"{FLIGHT}/ListFlights"))
    prices = base64.b64encode(b"prices").decode()  # a path is of bytes, which JSON has so
    assert info["flightDescriptor"]["path"] == [prices]
    assert json.loads(call(grpcurl, served, "-d", json.dumps({"type": "PATH", "path": [prices]}), address,
                           f"{FLIGHT}/GetFlightInfo"))["schema"] == info["schema"]
    data = call(grpcurl, served, "-d", json.dumps(info["endpoint"][0]["ticket"]), address, f"{FLIGHT}/DoGet")
    assert data.count('"dataHeader"') == 2  # a schema, and a batch
    assert json.loads(call(grpcurl, served, address, "grpc.health.v1.Health/Check")) == {"status": "SERVING"}
    failed = run(grpcurl, "-plaintext", "-d", '{"type": "PATH", "path": ["bm9uZQ=="]}', address, f"{FLIGHT}/GetFlightInfo")
    assert failed.returncode != 0 and "Code: NotFound" in failed.stderr


def test_the_probe_says_how_the_server_is(probe, served):
    """Goal: 0 while it serves; not 0 while it drains, and for a service that there is not."""
    address = f"-addr=127.0.0.1:{served.port}"
    assert run(probe, address).returncode == 0
    assert run(probe, address, f"-service={FLIGHT}").returncode == 0
    assert run(probe, address, "-service=no.Such").returncode != 0
    served.process.send_signal(signal.SIGTERM)
    while run(probe, address).returncode == 0:
        pass
    done = run(probe, address)
    assert done.returncode == 4 and "NOT_SERVING" in done.stderr, done  # 4: it answers, and does not serve
    served.process.send_signal(signal.SIGTERM)


PYTHON = """
import sys
import cflight as flight
class Server(flight.FlightServerBase):
    def list_flights(self, context, criteria):
        yield flight.FlightInfo(None, flight.FlightDescriptor.for_command(b"seven"), [], 7, None)
with Server("grpc://127.0.0.1:0", health=True, reflection=True) as server:
    print(f"Listening on grpc://127.0.0.1:{server.port}", flush=True)
    while sys.stdin.readline():
        server.set_health("", flight.HealthStatus.NOT_SERVING)
"""


@contextlib.contextmanager
def library_server(kind):
    """A server with a flight, and how to make it NOT_SERVING."""
    program = interop_peers.ROOT / "build/dev/bin/service_peer"
    command = [sys.executable, "-c", PYTHON] if kind == "Python" else [program]
    environment = {**os.environ, "PYTHONPATH": str(interop_peers.ROOT / "build/python/python")}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        line = process.stdout.readline()
        assert line.startswith("Listening on "), line

        def drain():
            process.stdin.write("\n")
            process.stdin.flush()

        yield line.strip().rpartition("/")[2], drain
        process.stdin.close()
        assert process.wait(LIMIT_S) == 0


@pytest.mark.parametrize("kind", ["C", "Python"])
def test_servers_of_the_library(grpcurl, probe, kind):
    """Goal: the same for who writes a server: it is listed, described, called, and its health is what was set."""
    with library_server(kind) as (address, drain):
        assert {FLIGHT, "grpc.health.v1.Health"} <= set(call(grpcurl, None, address, "list").split())
        assert "rpc ListFlights" in call(grpcurl, None, address, "describe", FLIGHT)
        info = json.loads(call(grpcurl, None, address, f"{FLIGHT}/ListFlights"))
        assert info["totalRecords"] == "7" and base64.b64decode(info["flightDescriptor"]["cmd"]) == b"seven"
        assert run(probe, f"-addr={address}").returncode == 0
        drain()
        while run(probe, f"-addr={address}").returncode == 0:
            pass
        done = run(probe, f"-addr={address}")
        assert done.returncode == 4 and "NOT_SERVING" in done.stderr, done
