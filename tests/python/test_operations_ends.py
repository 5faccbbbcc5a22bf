# SPDX-License-Identifier: Apache-2.0
"""Programs whose servers have services, logs, metrics and spans: Ctrl+C, the end of the interpreter, fork()."""

import pytest

PRELUDE = """
import gc, os, signal, sys, threading
import cflight as flight

lines = []
metrics = flight.Metrics()
begun = threading.Event()
stop = threading.Event()

def wait(context, request):
    begun.set()
    while not stop.wait(0.01):
        if context.is_cancelled():
            return
        yield b"x"

class Server(flight.FlightServerBase):
    def list_actions(self, context):
        return [("a", "b")]

options = dict(
    health=True, reflection=True, metrics=metrics, request_log=lines.append,
    services=[flight.ServiceMethod("/x.Y/Wait", wait, server_streams=True, on_shutdown=stop.set)],
)
"""
CHANNEL = """
import grpc
server = Server("grpc://localhost:0", **options)
port = metrics.listen()
channel = grpc.insecure_channel(f"localhost:{server.port}")
watcher = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
assert next(watcher) == b"\\x08\\x01"
waiting = channel.unary_stream("/x.Y/Wait")(b"")
begun.wait()
"""


def test_control_c_ends_a_server_with_all_of_it(run_script):
    """Goal: serve() raises, watchers and methods end, the log has their lines. Method: SIGINT while they run."""
    pytest.importorskip("grpc")
    run_script(
        PRELUDE
        + CHANNEL
        + """
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    server.serve()
except KeyboardInterrupt:
    pass
else:
    raise AssertionError("serve() was not interrupted")
assert stop.is_set() and any("/x.Y/Wait" in line for line in lines)
try:
    list(watcher)
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.UNAVAILABLE, error
"""
    )


@pytest.mark.parametrize("last", ["", "server.shutdown(grace=0)", "port.close(); del metrics", "del server; gc.collect()"])
def test_the_interpreter_ends_well_with_all_of_it(run_script, last):
    """Goal: no crash and no hang at exit. Method: exit with a watcher, a method and a port that run."""
    pytest.importorskip("grpc")
    run_script(PRELUDE + CHANNEL + last)


def test_a_method_that_does_not_end_is_left_behind(run_script):
    """Goal: the interpreter ends without a method that hears nothing."""
    pytest.importorskip("grpc")
    run_script(PRELUDE.replace("while not stop.wait(0.01):", "while threading.Event().wait(60) or True:") + CHANNEL)


def test_a_forked_child_leaves_them_to_its_parent(run_script):
    """Goal: a child that ends as any program does, or drops what it inherited, disturbs nothing. Method: fork."""
    run_script(
        PRELUDE
        + """
import urllib.request
server = Server("grpc://localhost:0", **options)
port = metrics.listen()
def use():
    with flight.connect(server.location) as client:
        assert len(client.list_actions()) == 1
def scrape():
    return urllib.request.urlopen(f"http://127.0.0.1:{port.port}/metrics", timeout=30).read()
use()
for how in ("end", "drop"):
    child = os.fork()
    if child == 0:
        if how == "drop":
            assert metrics.snapshot() and metrics.text()
            metrics.counter("app_total").increase()
            port.close()
            server.shutdown()
            del server, port, metrics, options
            gc.collect()
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, how
    use()
    assert b"grpc_server_handled_total" in scrape() and b"app_total" not in scrape()
server.shutdown()
assert stop.is_set() and len(lines) == 3
"""
    )


def test_spans_end_with_the_interpreter(run_script):
    """Goal: streams that are open at the end have their spans, and nothing crashes."""
    pytest.importorskip("opentelemetry.sdk")
    pytest.importorskip("pyarrow")
    run_script(
        """
import itertools
import cflight as flight
import pyarrow as pa
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from cflight.opentelemetry import ClientTracing, ServerTracing

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
batch = pa.record_batch({"n": [1]})

class Server(flight.FlightServerBase):
    def do_get(self, context, ticket):
        return flight.GeneratorStream(batch.schema, itertools.repeat(batch))

server = Server("grpc://localhost:0", middleware={"trace": ServerTracing(tracer_provider=provider)})
client = flight.connect(server.location, middleware=[ClientTracing(tracer_provider=provider)])
readers = [client.do_get(flight.Ticket(b"x")) for _ in range(3)]
for reader in readers:
    reader.read_chunk()
assert exporter.get_finished_spans() == ()
"""
    )


def test_control_c_in_a_traced_call_ends_its_span(run_script):
    """Goal: an interrupted call has a span that says so. Method: SIGINT while the server is silent."""
    pytest.importorskip("opentelemetry.sdk")
    run_script(
        """
import os, signal, threading
import cflight as flight
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from cflight.opentelemetry import ClientTracing
from echo_server import EchoServer

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
with EchoServer() as server:
    client = flight.connect(server.location, middleware=[ClientTracing(tracer_provider=provider)])
    server.when_started(lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        list(client.do_action("stall"))
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("the call was not interrupted")
    server.release.set()
    (span,) = exporter.get_finished_spans()
    assert span.attributes["rpc.grpc.status_code"] == 1 and not span.status.is_ok
"""
    )
