# SPDX-License-Identifier: Apache-2.0
"""The programs of the documents against pyarrow, in both directions."""

import os
import pathlib
import signal
import subprocess

import pyarrow as pa
import pyarrow.flight as flight
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("CFLIGHT_BIN", "build/dev/bin")


@pytest.fixture
def example_server():
    process = subprocess.Popen([BIN / "example_server_table", "grpc://localhost:0"],
                               stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().strip()  # printed once it listens
    process.terminate()
    assert process.wait(timeout=30) == 0
    process.stdout.close()


class Server(flight.FlightServerBase):
    def do_get(self, context, ticket):
        if ticket.ticket != b"numbers":
            raise flight.FlightUnavailableError("come back later")
        table = pa.table({"n": range(100_000), "text": ["x"] * 100_000})
        return flight.RecordBatchStream(table)


def test_pyarrow_reads_from_the_example_server(example_server):
    with flight.connect(example_server) as client:
        table = client.do_get(flight.Ticket(b"weather")).read_all()
        assert table.to_pydict() == {"station": [10015, 10020, 10022, 10035],
                                     "temperature": [11.5, 9.25, None, 10.75]}
        info = client.get_flight_info(flight.FlightDescriptor.for_path("weather"))
        assert info.schema == table.schema
        assert info.total_records == 4
        assert info.endpoints[0].ticket == flight.Ticket(b"weather")
        assert [listed.descriptor.path for listed in client.list_flights()] == [[b"weather"]]


def test_pyarrow_sees_the_statuses_of_the_example_server(example_server):
    with flight.connect(example_server) as client:
        with pytest.raises(pa.ArrowKeyError, match="the only table is 'weather'"):
            client.do_get(flight.Ticket(b"traffic"))
        with pytest.raises(NotImplementedError):
            list(client.list_actions())


def test_the_example_client_reads_from_pyarrow():
    with Server("grpc://localhost:0") as server:
        def get(ticket):
            return subprocess.run([BIN / "example_client_get", f"grpc://localhost:{server.port}", ticket],
                                  capture_output=True, text=True, timeout=60)
        assert get("numbers").stdout == "100000 rows\n"
        failed = get("letters")
        assert failed.returncode == 1
        assert failed.stderr == "UNAVAILABLE: come back later\n"


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory):
    """A certificate for localhost with its key, and a file of two users."""
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem",
                    "-out", folder / "certificate.pem", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    lines = [name + ":" + subprocess.run(["openssl", "passwd", "-6", password], check=True,
                                         capture_output=True, text=True).stdout
             for name, password in (("admin", "secret"), ("guest", "guest"))]
    (folder / "users").write_text("".join(lines))
    return folder


@pytest.fixture
def whole_server(whole_folder):
    process = subprocess.Popen([BIN / "example_whole_server", "grpc+tls://localhost:0",
                                *(whole_folder / name for name in ("certificate.pem", "key.pem", "users"))],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    process.location = process.stdout.readline().strip()
    yield process
    process.send_signal(signal.SIGCONT)
    process.terminate()
    assert process.wait(timeout=30) == 0
    process.stdout.close()


def log_in(server, folder, name, password):
    """A pyarrow client and the options of its calls."""
    client = flight.connect(server.location, tls_root_certs=(folder / "certificate.pem").read_bytes())
    return client, flight.FlightCallOptions(headers=[client.authenticate_basic_token(name, password)])


def test_pyarrow_uses_the_whole_server(whole_server, whole_folder):
    client, options = log_in(whole_server, whole_folder, "admin", "secret")
    table = pa.table({"n": range(100_000)})
    path = flight.FlightDescriptor.for_path("numbers")
    with client:
        writer, answers = client.do_put(path, table.schema, options)
        with writer:
            writer.write_table(table, max_chunksize=60_000)
            writer.done_writing()
            assert [answers.read().to_pybytes() for _ in range(2)] == [b"60000", b"100000"]
        names = {info.descriptor.path[0]: info.total_records for info in client.list_flights(options=options)}
        assert names == {b"weather": 2, b"numbers": 100_000}
        info = client.get_flight_info(path, options)
        assert info.schema == table.schema
        assert client.do_get(info.endpoints[0].ticket, options).read_all() == table
        assert client.list_actions(options)[0].type == "drop"
        (result,) = client.do_action(("drop", b"numbers"), options)
        assert result.body.to_pybytes() == b"dropped"
        with pytest.raises(pa.ArrowKeyError, match="no table 'numbers'"):
            list(client.do_action(("drop", b"numbers"), options))


def test_the_whole_server_lets_others_only_read(whole_server, whole_folder):
    client, options = log_in(whole_server, whole_folder, "guest", "guest")
    with client:
        assert client.do_get(flight.Ticket(b"weather"), options).read_all().to_pydict() == {
            "city": ["Oslo", "Lima"], "celsius": [4.5, 19.0]}
        with pytest.raises(flight.FlightUnauthorizedError, match="'guest' may not change tables"):
            list(client.do_action(("drop", b"weather"), options))
        with pytest.raises(flight.FlightUnauthenticatedError):
            client.do_get(flight.Ticket(b"weather")).read_all()


def start_whole_client(server, folder, *arguments):
    """Start it and wait for its first line: it then has its limits, and listens to signals."""
    client = subprocess.Popen([BIN / "example_whole_client", server.location, folder / "certificate.pem",
                               "admin", "secret", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert client.stdout.readline() == f"using {server.location}\n"
    return client


def test_a_signal_ends_the_whole_client_while_its_server_says_nothing(whole_server, whole_folder):
    whole_server.send_signal(signal.SIGSTOP)
    client = start_whole_client(whole_server, whole_folder)
    client.send_signal(signal.SIGINT)
    output, errors = client.communicate(timeout=60)
    assert (client.returncode, output) == (1, "")
    assert errors.startswith("CANCELLED: ")


def test_a_limit_ends_the_whole_client_while_its_server_says_nothing(whole_server, whole_folder):
    whole_server.send_signal(signal.SIGSTOP)
    client = start_whole_client(whole_server, whole_folder, "200")
    output, errors = client.communicate(timeout=15)  # less than a client takes to connect, by itself
    assert (client.returncode, output) == (1, "")
    assert errors.startswith("DEADLINE_EXCEEDED: the call's limit passed during the TLS handshake with ")
