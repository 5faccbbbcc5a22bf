# SPDX-License-Identifier: Apache-2.0
"""The metrics of `cflight serve`, read by Prometheus' own parsers while pyarrow's client makes calls; and the list of
them in the guide."""

import json
import os
import pathlib
import re
import socket
import threading
import time
import urllib.error
import urllib.request

import pyarrow as pa
import pyarrow.flight as fl
import pytest

prometheus = pytest.importorskip("prometheus_client.parser")
openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser")

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guide/metrics.md"
TABLE = pa.table({"n": pa.array(range(1000), pa.int64())})
FLIGHT = "arrow.flight.protocol.FlightService"
OPEN = "application/openmetrics-text; version=1.0.0"
LIMIT_S = 30


class Metrics:
    """What a server says at its port."""

    def __init__(self, port):
        self.port = port

    def get(self, path="/metrics", **headers):
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers),
                                    timeout=LIMIT_S) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def families(self):
        return {family.name: family for family in prometheus.text_string_to_metric_families(self.get()[1])}

    def value(self, name, **labels):
        """The sum of the samples that have these labels."""
        return sum(sample.value for family in self.families().values() for sample in family.samples
                   if sample.name == name and labels.items() <= sample.labels.items())

    def wait_for(self, name, value, **labels):
        """The end of a call is counted before its client has it, but for what the client ends."""
        while self.value(name, **labels) != value:
            pass


@pytest.fixture
def served(cflight, tmp_path):
    directory = tmp_path / "served"
    directory.mkdir()
    with pa.OSFile(str(directory / "prices.arrow"), "wb") as sink, pa.ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=100)
    with cflight.serving(directory, "--writable", "--metrics", "127.0.0.1:0", listen="grpc://127.0.0.1:0") as server:
        line = server.process.stdout.readline()
        assert line.startswith("Metrics on "), line
        server.metrics = Metrics(int(line.split()[-1].split(":")[-1].split("/")[0]))
        yield server


def put(client, name):
    writer, _ = client.do_put(fl.FlightDescriptor.for_path(name), TABLE.schema)
    writer.write_table(TABLE)
    writer.close()


def test_parsers_accept_the_text(served):
    """Goal: both formats are what they say they are. Method: the parsers of Prometheus, of which that of OpenMetrics is
    strict, before and after calls."""
    for _ in range(2):
        kind, text = served.metrics.get()
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        plain = {sample.name: sample.value for family in prometheus.text_string_to_metric_families(text)
                 for sample in family.samples}
        kind, text = served.metrics.get(Accept=OPEN)
        assert kind.startswith(OPEN)
        families = list(openmetrics.text_string_to_metric_families(text))
        assert {sample.name for family in families for sample in family.samples} == set(plain)
        assert all(family.documentation for family in families)
        with fl.connect(served.location) as client:
            list(client.list_flights())
            client.do_get(fl.Ticket(b"prices")).read_all()


def test_the_process_is_told_of(served):
    """Goal: what Prometheus' client libraries tell of a process, and truly. Method: beside what the system says."""
    metrics, place = served.metrics, f"/proc/{served.process.pid}"
    resident_kib = int(re.search(r"^VmRSS:\s+(\d+) kB", open(f"{place}/status").read(), re.MULTILINE)[1])
    assert 0.5 < metrics.value("process_resident_memory_bytes") / (resident_kib * 1024) < 2
    assert metrics.value("process_virtual_memory_bytes") > metrics.value("process_resident_memory_bytes")
    assert abs(metrics.value("process_open_fds") - len(os.listdir(f"{place}/fd"))) <= 2  # the scrape has its own
    assert metrics.value("process_max_fds") == int(re.search(r"^Max open files +(\d+)", open(f"{place}/limits").read(), re.MULTILINE)[1])
    assert 0 < metrics.value("process_cpu_seconds_total") < 60
    assert 0 <= time.time() - metrics.value("process_start_time_seconds") < 60


def test_figures_are_those_of_the_traffic(served):
    """Goal: calls, rows and bytes are those that a client of another library made. Method: each method that the server
    has, some twice, some with failures."""
    with fl.connect(served.location) as client:
        for _ in range(2):
            assert client.do_get(fl.Ticket(b"prices")).read_all() == TABLE
        list(client.list_flights())
        client.get_flight_info(fl.FlightDescriptor.for_path("prices"))
        client.get_schema(fl.FlightDescriptor.for_path("prices"))
        list(client.list_actions())
        with pytest.raises(pa.ArrowNotImplementedError):
            list(client.do_action("unknown"))
        put(client, "new")
        with pytest.raises(pa.ArrowException):
            client.get_flight_info(fl.FlightDescriptor.for_path("none"))
        with pytest.raises(pa.ArrowException):
            client.do_exchange(fl.FlightDescriptor.for_path("x"))[1].read_all()
        client.close()
    metrics = served.metrics

    def handled(method, code="OK"):
        return metrics.value("grpc_server_handled_total", grpc_service=FLIGHT, grpc_method=method, grpc_code=code)

    metrics.wait_for("cflight_server_connections", 0)
    assert handled("DoGet") == 2 and handled("GetFlightInfo") == 1 and handled("GetFlightInfo", "NotFound") == 1
    assert handled("ListFlights") == handled("GetSchema") == handled("DoPut") == handled("ListActions") == 1
    assert handled("DoExchange", "Unimplemented") == handled("DoAction", "Unimplemented") == 1
    assert metrics.value("grpc_server_started_total") == metrics.value("grpc_server_handled_total")
    assert metrics.value("grpc_server_handling_seconds_count") == metrics.value("grpc_server_handled_total")
    assert metrics.value("cflight_server_calls_in_flight") == 0
    assert metrics.value("cflight_server_sent_rows_total", grpc_method="DoGet") == 2 * TABLE.num_rows
    assert metrics.value("cflight_server_sent_batches_total", grpc_method="DoGet") == 20
    assert metrics.value("cflight_server_received_rows_total", grpc_method="DoPut") == TABLE.num_rows
    assert metrics.value("grpc_server_msg_sent_total", grpc_method="DoGet") == 22  # and two schemas
    sent = metrics.value("cflight_server_sent_bytes_total", grpc_method="DoGet")
    assert 2 * TABLE.nbytes < sent < 2 * TABLE.nbytes + 22 * 500
    assert metrics.value("cflight_server_received_bytes_total", grpc_method="DoPut") > TABLE.nbytes
    assert metrics.value("cflight_server_connections_accepted_total") == 1
    assert metrics.value("grpc_server_started_total", grpc_method="Check") == 0  # services are there, too


def test_scraping_while_loaded(served):
    """Goal: no count goes down or is lost while clients are busy and several scrape."""
    calls, clients = 100, 4

    def work():
        with fl.connect(served.location) as client:
            for _ in range(calls):
                client.do_get(fl.Ticket(b"prices")).read_all()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    before = 0
    while any(thread.is_alive() for thread in threads):
        now = served.metrics.value("grpc_server_handled_total", grpc_method="DoGet")
        assert before <= now
        before = now
    for thread in threads:
        thread.join()
    assert served.metrics.value("grpc_server_handled_total", grpc_method="DoGet", grpc_code="OK") == calls * clients
    assert served.metrics.value("cflight_server_sent_rows_total") == calls * clients * TABLE.num_rows


def test_what_strangers_do_at_the_port(served):
    """Goal: the port says no in words, and goes on; the server does too."""
    for path, code in [("/", 404), ("/metrics/", 404)]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            served.metrics.get(path)
        assert caught.value.code == code
        caught.value.close()
    idle = [socket.create_connection(("127.0.0.1", served.metrics.port)) for _ in range(40)]
    for peer in idle:
        peer.sendall(b"GET /met")
    assert served.metrics.value("cflight_build_info") == 1
    with fl.connect(served.location) as client:
        assert client.do_get(fl.Ticket(b"prices")).read_all() == TABLE
    for peer in idle:
        peer.close()


def test_an_address_that_is_none_is_told(cflight, tmp_path):
    done = cflight.run("serve", tmp_path, "--listen", "grpc://127.0.0.1:0", "--metrics", "9090")
    assert done.returncode != 0 and "127.0.0.1:9090" in done.stderr


# ---- the guide ----


def names_of_the_guide():
    return set(re.findall(r"^\| `((?:grpc|cflight)_\w+)`", GUIDE.read_text(), re.MULTILINE))


def test_the_guide_lists_all_of_them(served):
    """Goal: the list is whole, and true in names and types."""
    kinds = dict(re.findall(r"^\| `((?:grpc|cflight|process)_\w+)` \| (\w+)", GUIDE.read_text(), re.MULTILINE))
    of_server = {name: kind for name, kind in kinds.items() if "_client_" not in name}
    found = {}
    for family in served.metrics.families().values():
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = family.type
    assert found.pop("cflight_build_info") == "gauge"
    assert found == of_server


def test_the_dashboard_asks_for_what_there_is():
    """Goal: each panel of the example has data. Method: the names in its queries, against the guide's list."""
    dashboard = json.loads((GUIDE.parent / "dashboard.json").read_text())
    listed = names_of_the_guide()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            names = set(re.findall(r"\b(?:grpc_server|cflight)_\w+", target["expr"]))
            assert names and {name.removesuffix("_bucket") for name in names} <= listed, target["expr"]
