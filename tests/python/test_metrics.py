# SPDX-License-Identifier: Apache-2.0
"""What servers and clients count, as values, as text that Prometheus' own parser takes, and by HTTP."""

import gc
import os
import threading
import urllib.request

import cflight as flight
import cflight.sql
import pytest

pa = pytest.importorskip("pyarrow")
prometheus_client = pytest.importorskip("prometheus_client")

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics  # noqa: E402
from prometheus_client.parser import text_string_to_metric_families as parse  # noqa: E402

from echo_server import EchoServer  # noqa: E402
from pairs import WATCHDOG_S  # noqa: E402

GET = {"grpc_method": "DoGet"}
TABLE = pa.table({"n": [1, 2, 3]})


@pytest.fixture
def metrics():
    return flight.Metrics()


@pytest.fixture
def server(metrics):
    with EchoServer(metrics=metrics) as server:
        server.tables[b"t"] = TABLE
        yield server


def samples_of(text, parser=parse):
    """Samples of a text by name and labels."""
    return {(s.name, frozenset(s.labels.items())): s.value for family in parser(text) for s in family.samples}


def use(server, count=1, **kwargs):
    with flight.connect(server.location, **kwargs) as client:
        for _ in range(count):
            assert client.do_get(flight.Ticket(b"t")).read_all().num_rows == 3
        with pytest.raises(flight.FlightUnauthorizedError):
            client.get_schema(flight.FlightDescriptor.for_command("private"))


def test_calls_are_counted_at_both_sides(metrics, server):
    use(server, 2, metrics=metrics)
    server.shutdown()
    for side in ("server", "client"):
        assert metrics.value(f"grpc_{side}_started_total", **GET) == 2
        assert metrics.value(f"grpc_{side}_handled_total", grpc_code="OK", **GET) == 2
        assert metrics.value(f"grpc_{side}_handled_total", grpc_code="PermissionDenied") == 1
        assert metrics.value(f"grpc_{side}_handling_seconds", **GET) == 2
    assert metrics.value("cflight_server_sent_rows_total", **GET) == 6
    assert metrics.value("cflight_client_received_rows_total", **GET) == 6
    assert metrics.value("no_such_metric") == 0


def test_the_snapshot_has_every_series(metrics, server):
    use(server)
    server.shutdown()
    snapshot = metrics.snapshot()
    handled = {labels: value for labels, value in snapshot["grpc_server_handled_total"].items() if value}
    assert sorted(handled.values()) == [1.0, 1.0]
    assert {dict(labels)["grpc_code"] for labels in handled} == {"OK", "PermissionDenied"}
    (seconds,) = [v for labels, v in snapshot["grpc_server_handling_seconds"].items() if ("grpc_method", "DoGet") in labels]
    count, total, buckets = seconds
    assert count == 1 and total > 0
    bounds = list(buckets)
    assert bounds == sorted(bounds) and list(buckets.values()) == sorted(buckets.values()) and buckets[bounds[-1]] == 1
    assert isinstance(snapshot["cflight_server_connections"][()], float)


@pytest.mark.parametrize(("openmetrics", "parser"), [(False, parse), (True, parse_openmetrics)])
def test_the_parser_of_prometheus_takes_the_text(metrics, server, openmetrics, parser):
    use(server)
    server.shutdown()
    metrics.gauge("app_strange", 'a "help" \\ with\nlines', {"label": 'a "b" \\ \n ä'}).set(-1.5)
    samples = samples_of(metrics.text(openmetrics=openmetrics), parser)
    assert samples["app_strange", frozenset({("label", 'a "b" \\ \n ä')})] == -1.5
    for name, series in metrics.snapshot().items():
        for labels, value in series.items():
            if isinstance(value, float) and not name.startswith("process_") and not name.endswith("_seconds"):
                assert samples[name, frozenset(labels)] == value, name


def test_the_port_answers_in_the_format_that_is_asked_for(metrics, server):
    use(server)
    with metrics.listen() as port:
        url = f"http://127.0.0.1:{port.port}/metrics"
        with urllib.request.urlopen(url, timeout=WATCHDOG_S) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert any(name == "grpc_server_handled_total" for name, _ in samples_of(answer.read().decode()))
        request = urllib.request.Request(url, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        with urllib.request.urlopen(request, timeout=WATCHDOG_S) as answer:
            assert samples_of(answer.read().decode(), parse_openmetrics)
        with pytest.raises(flight.ArrowException):
            metrics.listen(f"127.0.0.1:{port.port}")
    port.close()
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=WATCHDOG_S)
    with pytest.raises(flight.ArrowInvalid):
        metrics.listen("nowhere")


def test_metrics_of_the_application_stand_beside_them(metrics):
    queries = metrics.counter("app_queries_total", "Queries that were run.", {"database": "sales"})
    queries.increase()
    queries.increase(2.5)
    queries.increase(-1)
    metrics.counter("app_queries_total", labels={"database": "sales"}).increase()
    queue = metrics.gauge("app_queue", "Jobs that wait.")
    queue.set(7)
    queue.increase(-2)
    times = metrics.histogram("app_seconds", "How long.", bounds=[1, 2])
    for value in (0.5, 1.5, 5):
        times.observe(value)
    assert metrics.value("app_queries_total", database="sales") == 4.5
    assert metrics.value("app_queue") == 5
    assert metrics.snapshot()["app_seconds"][()] == (3, 7.0, {1.0: 1, 2.0: 2})
    queue.remove()
    queue.remove()
    queue.set(9)
    assert metrics.value("app_queue") == 0
    del times
    gc.collect()
    assert metrics.value("app_seconds") == 3


def test_metrics_that_make_no_sense_are_refused():
    metrics = flight.Metrics(series_max=1)
    counter = metrics.counter("app_total")
    for act, error in [
        (lambda: metrics.counter("two words_total"), flight.ArrowInvalid),
        (lambda: metrics.counter("grpc_server_started_total"), flight.ArrowException),
        (lambda: metrics.gauge("app_total"), flight.ArrowInvalid),
        (lambda: metrics.gauge("app_more"), flight.ArrowMemoryError),
        (lambda: metrics.gauge("app_more", labels=["a"]), TypeError),
        (lambda: metrics.gauge("app_more", labels={"a": 1}), TypeError),
        (lambda: metrics.gauge("app_more", labels={f"l{n}": "" for n in range(17)}), ValueError),
        (lambda: metrics.histogram("app_more", bounds=[]), ValueError),
        (lambda: metrics.histogram("app_more", bounds=[2, 1]), flight.ArrowInvalid),
        (lambda: metrics.histogram("app_more", bounds=["x"]), TypeError),
        (lambda: counter.set(1), TypeError),
        (lambda: counter.observe(1), TypeError),
        (lambda: flight.Metrics(series_max=0), ValueError),
        (lambda: flight.Metrics(series_max=-1), ValueError),
        (lambda: EchoServer(metrics={}), TypeError),
        (lambda: flight.connect("grpc://localhost:1", metrics=1), TypeError),
        (lambda: flight.Metric(), TypeError),
        (lambda: flight.MetricsPort(), TypeError),
    ]:
        with pytest.raises(error):
            act()


def test_counting_is_right_from_many_threads(metrics):
    counter = metrics.counter("app_total")
    stop = threading.Event()

    def look():
        while not stop.is_set():
            metrics.snapshot(), metrics.text()

    looking = threading.Thread(target=look)
    looking.start()
    threads = [threading.Thread(target=lambda: [counter.increase() for _ in range(5000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    looking.join()
    assert metrics.value("app_total") == 20_000


def test_metrics_outlive_their_server_and_the_server_them():
    metrics = flight.Metrics()
    server = EchoServer(metrics=metrics)
    server.tables[b"t"] = TABLE
    del metrics
    gc.collect()
    use(server)
    metrics = flight.Metrics()
    other = EchoServer(metrics=metrics)
    other.tables[b"t"] = TABLE
    use(other)
    other.shutdown()
    del other
    gc.collect()
    assert metrics.value("grpc_server_handled_total", grpc_code="OK", **GET) == 1


def test_a_fetch_counts_with_its_client(metrics, server):
    with flight.connect(server.location, metrics=metrics) as client:
        endpoints = [flight.FlightEndpoint(b"t", [server.location]) for _ in range(3)]
        info = flight.FlightInfo(TABLE.schema, flight.FlightDescriptor.for_path("t"), endpoints)
        assert client.fetch(info).read_all().num_rows == 9
    assert metrics.value("grpc_client_handled_total", grpc_code="OK", **GET) == 3


def test_flight_sql_counts_too(metrics):
    class Numbers(cflight.sql.Server):
        def execute(self, call, query, parameters):
            return pa.table({"n": range(int(query))})

    with Numbers("grpc://localhost:0", metrics=metrics) as server:
        with cflight.sql.connect(server.location, metrics=metrics) as client:
            assert client.query("1000000").read_all().num_rows == 1_000_000
    for side in ("server_sent", "client_received"):
        assert metrics.value(f"cflight_{side}_rows_total") == 1_000_000


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="no list of descriptors")
def test_ports_give_their_descriptors_back(run_script):
    run_script(
        """
import os
import cflight as flight
metrics = flight.Metrics()
metrics.listen().close()
before = len(os.listdir("/proc/self/fd"))
for _ in range(20):
    metrics.listen()
assert len(os.listdir("/proc/self/fd")) == before
kept = metrics.listen()  # and one that runs when the interpreter ends
"""
    )
