# SPDX-License-Identifier: Apache-2.0
"""The programs of the documents against pyarrow, in both directions."""

import os
import pathlib
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


def test_pyarrow_sees_the_statuses_of_the_example_server(example_server):
    with flight.connect(example_server) as client:
        with pytest.raises(pa.ArrowKeyError, match="the only table is 'weather'"):
            client.do_get(flight.Ticket(b"traffic"))
        with pytest.raises(NotImplementedError):
            list(client.list_flights())


def test_the_example_client_reads_from_pyarrow():
    with Server("grpc://localhost:0") as server:
        def get(ticket):
            return subprocess.run([BIN / "example_client_get", f"grpc://localhost:{server.port}", ticket],
                                  capture_output=True, text=True, timeout=60)
        assert get("numbers").stdout == "100000 rows\n"
        failed = get("letters")
        assert failed.returncode == 1
        assert failed.stderr == "UNAVAILABLE: come back later\n"
