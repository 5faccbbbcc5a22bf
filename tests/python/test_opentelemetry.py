# SPDX-License-Identifier: Apache-2.0
"""Spans of OpenTelemetry: those of client and server in one trace, whoever the peer is, ended when the call is."""

import asyncio
import contextvars
import threading

import cflight as flight
import pytest

pa = pytest.importorskip("pyarrow")
pytest.importorskip("opentelemetry.sdk")

import pyarrow.flight  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402
from opentelemetry.trace import SpanKind, StatusCode  # noqa: E402

from cflight.opentelemetry import ClientTracing, ServerTracing  # noqa: E402
from pairs import SCHEMA, SMALL, WATCHDOG_S, location_of, make_server, wait  # noqa: E402

SERVICE = "arrow.flight.protocol.FlightService"
DESCRIPTOR = flight.FlightDescriptor.for_path("x")


class Spans:
    """A provider of tracers, and the spans that have ended."""

    def __init__(self):
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("test")

    def ended(self, kind=None):
        return [span for span in self._exporter.get_finished_spans() if kind in (None, span.kind)]

    def pair(self):
        """The one span of the client and the one of the server, joined."""
        (client,), (server,) = self.ended(SpanKind.CLIENT), self.ended(SpanKind.SERVER)
        assert server.parent.span_id == client.context.span_id and server.parent.is_remote
        assert server.context.trace_id == client.context.trace_id
        return client, server

    def connect(self, server, **kwargs):
        return flight.connect(location_of(server), middleware=[ClientTracing(tracer_provider=self.provider, **kwargs)])

    def serve(self, handlers, library=flight, **kwargs):
        tracing = {"trace": ServerTracing(tracer_provider=self.provider)}
        return make_server(library, handlers, middleware=tracing, **kwargs)


@pytest.fixture
def spans():
    return Spans()


def batches(count):
    return flight.GeneratorStream(SCHEMA, iter([SMALL] * count))


def put(client):
    writer, answers = client.do_put(DESCRIPTOR, SCHEMA)
    with writer:
        writer.write_batch(SMALL)
        writer.done_writing()
        assert answers.read().to_pybytes() == b"taken"


def exchange(client):
    writer, reader = client.do_exchange(DESCRIPTOR)
    with writer:
        writer.begin(SCHEMA)
        writer.done_writing()
        assert reader.read_all().num_rows == 3


def take(context, descriptor, reader, writer):
    reader.read_all()
    writer.write(b"taken")


def answer(context, descriptor, reader, writer):
    writer.begin(SCHEMA)
    writer.write_batch(SMALL)


HANDLERS = {
    "list_flights": lambda context, criteria: [],
    "get_flight_info": lambda context, descriptor: flight.FlightInfo(None, descriptor, []),
    "get_schema": lambda context, descriptor: flight.SchemaResult(SCHEMA),
    "do_get": lambda context, ticket: batches(3),
    "do_put": take,
    "do_exchange": answer,
    "do_action": lambda context, action: [b"1", b"2"],
    "list_actions": lambda context: [],
}
CALLS = {
    "ListFlights": lambda client: list(client.list_flights()),
    "GetFlightInfo": lambda client: client.get_flight_info(DESCRIPTOR),
    "GetSchema": lambda client: client.get_schema(DESCRIPTOR),
    "DoGet": lambda client: client.do_get(flight.Ticket(b"x")).read_all(),
    "DoPut": put,
    "DoExchange": exchange,
    "DoAction": lambda client: list(client.do_action("x")),
    "ListActions": lambda client: client.list_actions(),
}


@pytest.mark.parametrize("method", CALLS)
def test_client_and_server_are_in_one_trace(spans, method):
    with spans.serve(HANDLERS) as server, spans.connect(server, location=server.location) as client:
        CALLS[method](client)
    own, remote = spans.pair()
    expected = {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": method, "rpc.grpc.status_code": 0}
    assert dict(remote.attributes) == expected
    assert dict(own.attributes) == {**expected, "server.address": "localhost", "server.port": server.port}
    for span in (own, remote):
        assert span.name == f"{SERVICE}/{method}" and span.status.status_code is StatusCode.UNSET and not span.events


def test_a_call_is_a_child_of_the_current_span(spans):
    with spans.serve(HANDLERS) as server, spans.connect(server) as client:
        with spans.tracer.start_as_current_span("outer") as outer:
            client.list_actions()
    own, _ = spans.pair()
    assert own.parent.span_id == outer.context.span_id


def test_calls_within_a_method_are_its_children(spans):
    """Goal: a server that calls another one carries the trace on. Method: from a method, and from what it returns."""
    with spans.serve(HANDLERS) as inner, spans.connect(inner) as inner_client:

        def get(context, ticket):
            inner_client.list_actions()

            def late():
                yield SMALL
                inner_client.get_schema(DESCRIPTOR)
                yield SMALL

            return flight.GeneratorStream(SCHEMA, late())

        with spans.serve({"do_get": get}) as outer, spans.connect(outer) as client:
            assert client.do_get(flight.Ticket(b"x")).read_all().num_rows == 6
    named = {(span.kind, span.name.rpartition("/")[2]): span for span in spans.ended()}
    assert len(named) == 6 and len({span.context.trace_id for span in named.values()}) == 1
    outer = named[SpanKind.SERVER, "DoGet"]
    for method in ("ListActions", "GetSchema"):
        own = named[SpanKind.CLIENT, method]
        assert own.parent.span_id == outer.context.span_id
        assert named[SpanKind.SERVER, method].parent.span_id == own.context.span_id


@pytest.mark.parametrize(
    ("error", "code", "is_fault"),
    [
        (KeyError("gone"), 5, False),
        (ValueError("bad"), 3, False),
        (flight.FlightUnauthorizedError("no"), 7, False),
        (RuntimeError("broken"), 2, True),
        (flight.FlightUnavailableError("later"), 14, True),
        (NotImplementedError("never"), 12, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_errors_have_their_status(spans, error, code, is_fault):
    """Goal: the client's span fails with the call, the server's for what is its fault."""

    def fail(context, action):
        raise error

    with spans.serve({"do_action": fail}) as server, spans.connect(server) as client:
        with pytest.raises(Exception):
            list(client.do_action("x"))
    own, remote = spans.pair()
    assert own.attributes["rpc.grpc.status_code"] == remote.attributes["rpc.grpc.status_code"] == code
    assert own.status.status_code is StatusCode.ERROR and own.events[0].name == "exception"
    assert str(error) in own.status.description
    assert (remote.status.status_code is StatusCode.ERROR) is is_fault
    assert [event.attributes["exception.type"] for event in remote.events] == (
        [type(error).__name__ if type(error).__module__ == "builtins" else f"cflight.{type(error).__name__}"] if is_fault else []
    )


def test_a_stream_ends_its_spans_when_it_ends(spans):
    """Goal: not before the last batch, and at once after it. Method: look in the midst, and at the end."""
    go = threading.Event()

    def late():
        yield SMALL
        wait(go)
        yield SMALL

    with spans.serve({"do_get": lambda context, ticket: flight.GeneratorStream(SCHEMA, late())}) as server:
        with spans.connect(server) as client:
            reader = client.do_get(flight.Ticket(b"x"))
            assert reader.read_chunk().data.num_rows == 3
            assert spans.ended() == []
            go.set()
            reader.read_all()
            assert len(spans.ended(SpanKind.CLIENT)) == 1
    spans.pair()


def test_a_stream_that_is_dropped_or_cancelled_ends_its_spans(spans):
    def endless():
        while True:
            yield SMALL

    with spans.serve({"do_get": lambda context, ticket: flight.GeneratorStream(SCHEMA, endless())}) as server:
        with spans.connect(server) as client:
            reader = client.do_get(flight.Ticket(b"x"))
            reader.read_chunk()
            reader.cancel()
            del reader
            reader = client.do_get(flight.Ticket(b"x"))
            reader.read_chunk()
            del reader
            assert len(spans.ended(SpanKind.CLIENT)) == 2
    assert [span.attributes["rpc.grpc.status_code"] for span in spans.ended()] == [1] * 4


def test_calls_that_are_awaited_have_their_spans(spans):
    async def go(server):
        client = spans.connect(server).as_async()

        async def one(name):
            with spans.tracer.start_as_current_span(name) as outer:
                await client.list_actions()
                reader = await client.do_get(flight.Ticket(b"x"))
                await reader.read_all()
                return outer

        return await asyncio.gather(*(one(f"task {n}") for n in range(3)))

    with spans.serve(HANDLERS) as server:
        outers = asyncio.run(go(server))
    for outer in outers:
        inner = [span for span in spans.ended(SpanKind.CLIENT) if span.parent.span_id == outer.context.span_id]
        assert [span.attributes["rpc.method"] for span in inner] == ["ListActions", "DoGet"]
    assert len(spans.ended(SpanKind.SERVER)) == 6


def test_threads_take_the_context_that_they_are_given(spans):
    """Goal: a call of a thread is in the trace of the context it runs in, and of no other thread's."""
    with spans.serve(HANDLERS) as server, spans.connect(server) as client:
        outers, threads = [], []
        for n in range(4):
            with spans.tracer.start_as_current_span(f"thread {n}") as outer:
                run = contextvars.copy_context().run
                threads.append(threading.Thread(target=run, args=(lambda: [client.list_actions() for _ in range(20)],)))
                outers.append(outer)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WATCHDOG_S)
    parents = [span.parent.span_id for span in spans.ended(SpanKind.CLIENT)]
    assert [parents.count(outer.context.span_id) for outer in outers] == [20] * 4
    remote = {span.parent.span_id for span in spans.ended(SpanKind.SERVER)}
    assert remote == {span.context.span_id for span in spans.ended(SpanKind.CLIENT)}


def test_a_fetch_is_in_one_trace(spans):
    def info(context, descriptor):
        return flight.FlightInfo(SCHEMA, descriptor, [flight.FlightEndpoint(b"x", []) for _ in range(3)])

    with spans.serve({**HANDLERS, "get_flight_info": info}) as server, spans.connect(server) as client:
        with spans.tracer.start_as_current_span("outer") as outer:
            assert client.fetch(client.get_flight_info(DESCRIPTOR)).read_all().num_rows == 27
    assert {span.context.trace_id for span in spans.ended()} == {outer.context.trace_id}
    assert len(spans.ended(SpanKind.SERVER)) == 4


# ---- peers ----


class Sending(pyarrow.flight.ClientMiddlewareFactory):
    """A factory as a program of pyarrow has it."""

    def __init__(self, spans):
        self.spans = spans

    def start_call(self, info):
        return SendingCall(trace.get_current_span().get_span_context())


class SendingCall(pyarrow.flight.ClientMiddleware):
    def __init__(self, context):
        super().__init__()
        self.context = context

    def sending_headers(self):
        return {"traceparent": f"00-{self.context.trace_id:032x}-{self.context.span_id:016x}-01"}


def test_a_client_of_pyarrow_is_followed(spans):
    with spans.serve(HANDLERS) as server:
        with pyarrow.flight.connect(location_of(server), middleware=[Sending(spans)]) as client:
            with spans.tracer.start_as_current_span("outer") as outer:
                assert client.do_get(pyarrow.flight.Ticket(b"x")).read_all().num_rows == 9
    (remote,) = spans.ended(SpanKind.SERVER)
    assert remote.parent.span_id == outer.context.span_id and remote.context.trace_id == outer.context.trace_id


def test_a_server_of_pyarrow_sees_the_trace(spans):
    def see(context, action):
        return [context.get_middleware("trace").trace_context[b"traceparent"]]

    tracing = {"trace": pyarrow.flight.TracingServerMiddlewareFactory()}
    with make_server(pyarrow.flight, {"do_action": see}, middleware=tracing) as server, spans.connect(server) as client:
        try:
            (result,) = client.do_action("x")
        except (flight.FlightError, flight.ArrowException, KeyError):
            pytest.skip("this pyarrow was built without tracing")
    (own,) = spans.ended(SpanKind.CLIENT)
    seen = result.body.to_pybytes().decode()
    assert seen.split("-")[1:3] == [f"{own.context.trace_id:032x}", f"{own.context.span_id:016x}"]


def test_a_server_of_pyarrow_gets_the_header(spans):
    """Method: middleware of pyarrow's server reads it."""
    seen = []

    class Seeing(pyarrow.flight.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            seen.extend(headers["traceparent"])

    with make_server(pyarrow.flight, {"list_actions": lambda context: []}, middleware={"m": Seeing()}) as server:
        with spans.connect(server) as client:
            client.list_actions()
    (own,) = spans.ended(SpanKind.CLIENT)
    assert [value.split("-")[1:3] for value in seen] == [[f"{own.context.trace_id:032x}", f"{own.context.span_id:016x}"]]


# ---- other services, baggage, names ----


def test_a_service_is_a_span_of_its_own_name(spans):
    grpc = pytest.importorskip("grpc")
    methods = [flight.ServiceMethod("/x.Y/Z", lambda context, request: request)]
    with spans.serve({}, services=methods) as server, grpc.insecure_channel(f"localhost:{server.port}") as channel:
        parent = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
        assert channel.unary_unary("/x.Y/Z")(b"x", metadata=parent, timeout=WATCHDOG_S) == b"x"
    (remote,) = spans.ended()
    assert remote.name == "x.Y/Z" and remote.context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert remote.attributes["rpc.service"] == "x.Y" and remote.attributes["rpc.method"] == "Z"


def test_baggage_travels(spans):
    from opentelemetry import baggage, context

    def see(context, action):
        return [str(baggage.get_baggage("tenant")).encode()]

    with spans.serve({"do_action": see}) as server, spans.connect(server) as client:
        token = context.attach(baggage.set_baggage("tenant", "blue"))
        try:
            (result,) = client.do_action("x")
        finally:
            context.detach(token)
        assert result.body.to_pybytes() == b"blue"
        (result,) = client.do_action("x")
        assert result.body.to_pybytes() == b"None"


def test_a_trace_that_is_not_sampled_is_carried_on(spans):
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

    provider = TracerProvider(sampler=ParentBased(ALWAYS_OFF))
    with spans.serve(HANDLERS) as server:
        with flight.connect(server.location, middleware=[ClientTracing(tracer_provider=provider)]) as client:
            client.list_actions()
    assert spans.ended() == []


@pytest.mark.parametrize(("chosen", "has_old", "has_new"), [("rpc", False, True), ("http,rpc/dup", True, True), ("http", True, False)])
def test_the_newer_names_are_chosen_by_a_variable(spans, monkeypatch, chosen, has_old, has_new):
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", chosen)

    def fail(context):
        raise RuntimeError("broken")

    with spans.serve({"list_actions": fail}) as server, spans.connect(server) as client:
        with pytest.raises(flight.FlightServerError):
            client.list_actions()
    for span in spans.pair():
        old = {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": "ListActions", "rpc.grpc.status_code": 2}
        new = {"rpc.system.name": "grpc", "rpc.method": f"{SERVICE}/ListActions", "rpc.response.status_code": "UNKNOWN",
               "error.type": "UNKNOWN"}
        assert dict(span.attributes) == {**(old if has_old else {}), **(new if has_new else {})}


def test_what_other_middleware_refuses_has_its_span(spans):
    class Refusing(flight.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            raise flight.FlightUnauthenticatedError("who is this?")

    tracing = {"trace": ServerTracing(tracer_provider=spans.provider), "auth": Refusing()}
    with make_server(flight, HANDLERS, middleware=tracing) as server, spans.connect(server) as client:
        with pytest.raises(flight.FlightUnauthenticatedError):
            client.list_actions()
    assert [span.attributes["rpc.grpc.status_code"] for span in spans.pair()] == [16, 16]


def test_the_package_is_needed_only_when_it_is_used(run_script):
    run_script(
        """
import sys
import cflight, cflight.sql
assert not any(name.partition(".")[0] == "opentelemetry" for name in sys.modules)
sys.modules["opentelemetry"] = None
try:
    import cflight.opentelemetry
except ImportError as error:
    assert "opentelemetry" in str(error)
else:
    raise AssertionError("it was imported")
"""
    )
