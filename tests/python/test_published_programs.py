# SPDX-License-Identifier: Apache-2.0
"""Published packages that were written for pyarrow.flight run on cflight, unchanged: only the import gives another module.

Each runs as a user would run it, in a process of its own, against a server of this test. What its calls look like to the
server, and that the answers arrive, is checked; the packages' own features are not."""

import json
import os
import pathlib
import subprocess
import sys

import pyarrow
import pytest
from conftest import MODULE_PATH

import cflight

HERE = pathlib.Path(__file__).resolve().parent
TABLE = pyarrow.table({"room": ["kitchen", "hall"], "celsius": [21.5, 18.0]})

INFLUX = """
import sys
from influxdb_client_3 import InfluxDBClient3
import influxdb_client_3.query.query_api as query_api
assert query_api.FlightClient.__module__.startswith("cflight"), query_api.FlightClient
with InfluxDBClient3(host=sys.argv[1], database="home", token="secret token") as client:
    table = client.query("SELECT * FROM rooms", language="sql")
    print(table.to_pylist())
    try:
        client.query("SELECT * FROM nothing", language="sql")
    except Exception as error:
        print(type(error).__name__, "no such table" in str(error))
"""

FLIGHT_SQL = """
import sys
import flightsql
import flightsql.client
assert flightsql.client.flight.__name__ == "cflight", flightsql.client.flight
client = flightsql.FlightSQLClient(host="127.0.0.1", port=int(sys.argv[1]), insecure=True, token="secret token")
info = client.execute("SELECT * FROM rooms")
print(client.do_get(info.endpoints[0].ticket).read_all().to_pylist())
cursor = flightsql.connect(client).cursor()
cursor.execute("SELECT * FROM rooms")
print(cursor.fetchall())
"""


class Server(cflight.FlightServerBase):
    """Answers the queries of both packages; notes the headers that calls came with."""

    def __init__(self, seen):
        super().__init__("grpc://127.0.0.1:0", middleware={"seen": Headers(seen)})

    def get_flight_info(self, context, descriptor):
        assert b"SELECT * FROM rooms" in descriptor.command
        endpoint = cflight.FlightEndpoint(descriptor.command, [])
        return cflight.FlightInfo(TABLE.schema, descriptor, [endpoint], TABLE.num_rows, -1)

    def do_get(self, context, ticket):
        if b"SELECT * FROM rooms" not in ticket.ticket:
            raise cflight.FlightServerError("no such table")
        if ticket.ticket.startswith(b"{"):
            assert json.loads(ticket.ticket)["database"] == "home"
        return cflight.RecordBatchStream(TABLE)


class Headers(cflight.ServerMiddlewareFactory):
    def __init__(self, seen):
        self.seen = seen

    def start_call(self, info, headers):
        self.seen.append(headers.get("authorization"))


@pytest.fixture
def server():
    seen = []
    with Server(seen) as running:
        running.seen = seen
        yield running


def run_unchanged(source, *arguments):
    """Runs a program for which `import pyarrow.flight` gives cflight."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", source, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "CFLIGHT_AS_PYARROW_FLIGHT": "1", "PYTHONPATH": os.pathsep.join([str(HERE / "inject"), MODULE_PATH, os.environ.get("PYTHONPATH", "")])},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_influxdb_client_queries_through_cflight(server):
    pytest.importorskip("influxdb_client_3", reason="influxdb3-python is not installed")
    rows, failure = run_unchanged(INFLUX, f"http://127.0.0.1:{server.port}")
    assert rows == str(TABLE.to_pylist())
    assert failure.endswith("True")
    assert server.seen[0] == ["Bearer secret token"]


def test_flight_sql_dbapi_queries_through_cflight(server):
    pytest.importorskip("flightsql", reason="flightsql-dbapi is not installed")
    direct, by_cursor = run_unchanged(FLIGHT_SQL, str(server.port))
    assert direct == str(TABLE.to_pylist())
    assert by_cursor == str([list(row.values()) for row in TABLE.to_pylist()])
    assert ["Bearer secret token"] in server.seen
