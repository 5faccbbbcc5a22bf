# SPDX-License-Identifier: Apache-2.0
"""What a server in Python answers beside Flight: methods of other services, health and reflection, seen by grpcio."""

import contextlib
import gc
import queue
import threading
import weakref

import cflight as flight
import cflight.sql
import pytest

grpc = pytest.importorskip("grpc")

from pairs import WATCHDOG_S, wait  # noqa: E402

FLIGHT = "arrow.flight.protocol.FlightService"
HEALTH = "/grpc.health.v1.Health/"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
Code = grpc.StatusCode


class Server(flight.FlightServerBase):
    def list_actions(self, context):
        return [("seen", context.path)]


@contextlib.contextmanager
def channel_of(server):
    with grpc.insecure_channel(f"localhost:{server.port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield channel


@contextlib.contextmanager
def serving(*methods, make=Server, **kwargs):
    """A server with the methods, and grpcio's channel to it."""
    with make("grpc://localhost:0", services=list(methods), shutdown_grace=0, **kwargs) as server:
        with channel_of(server) as channel:
            yield server, channel


def unary(channel, path="/x.Y/Z", request=b"", **options):
    return channel.unary_unary(path)(request, timeout=WATCHDOG_S, **options)


def failure(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def watch(channel, name=""):
    request = b"\x0a" + bytes([len(name)]) + name.encode() if name else b""
    return channel.unary_stream(HEALTH + "Watch")(request, timeout=WATCHDOG_S)


# ---- methods ----


def test_methods_of_each_kind_answer():
    def counted(context, request):
        yield from (str(n).encode() for n in range(int(request)))

    methods = [
        flight.ServiceMethod("/x.Y/One", lambda context, request: b"you said " + request),
        flight.ServiceMethod("/x.Y/In", lambda context, requests: b"|".join(requests), client_streams=True),
        flight.ServiceMethod("/x.Y/Out", counted, server_streams=True),
        flight.ServiceMethod("/x.Y/Both", lambda context, requests: (r.upper() for r in requests), True, True),
        flight.ServiceMethod("/x.Y/None", lambda context, request: None, server_streams=True),
    ]
    with serving(*methods) as (server, channel):
        assert unary(channel, "/x.Y/One", b"hi") == b"you said hi"
        assert channel.stream_unary("/x.Y/In")(iter([b"a", b"", b"c"]), timeout=WATCHDOG_S) == b"a||c"
        assert list(channel.unary_stream("/x.Y/Out")(b"3", timeout=WATCHDOG_S)) == [b"0", b"1", b"2"]
        assert list(channel.stream_stream("/x.Y/Both")(iter([b"a", b"b"]), timeout=WATCHDOG_S)) == [b"A", b"B"]
        assert list(channel.unary_stream("/x.Y/None")(b"", timeout=WATCHDOG_S)) == []
        assert failure(lambda: unary(channel, "/x.Y/Other"))[0] == Code.UNIMPLEMENTED
        with flight.connect(server.location) as client:
            assert client.list_actions()[0].description == f"/{FLIGHT}/ListActions"


def test_a_stream_is_a_conversation():
    """Goal: each answer leaves when it is made, and requests come one by one. Method: answer by answer."""
    with serving(flight.ServiceMethod("/x.Y/Z", lambda context, requests: requests, True, True)) as (server, channel):
        requests = queue.Queue()
        answers = channel.stream_stream("/x.Y/Z")(iter(requests.get, None), timeout=WATCHDOG_S)
        for text in (b"a", b"b" * 100_000, b"c"):
            requests.put(text)
            assert next(answers) == text
        requests.put(None)
        assert list(answers) == []


@pytest.mark.parametrize("give", [bytes, bytearray, memoryview])
def test_an_answer_is_bytes_like(give):
    with serving(flight.ServiceMethod("/x.Y/Z", lambda context, request: give(request))) as (server, channel):
        assert unary(channel, request=b"\0\xff") == b"\0\xff"


@pytest.mark.parametrize("answer", [None, "text", 7])
@pytest.mark.parametrize("streams", [False, True])
def test_another_answer_is_an_error(answer, streams):
    handler = (lambda context, request: [answer]) if streams else (lambda context, request: answer)
    with serving(flight.ServiceMethod("/x.Y/Z", handler, server_streams=streams)) as (server, channel):
        code, details = failure(lambda: list(channel.unary_stream("/x.Y/Z")(b"", timeout=WATCHDOG_S)))
        assert code == Code.UNKNOWN
        assert f"messages as bytes-like objects, not {type(answer).__name__}" in details


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyError("gone"), Code.NOT_FOUND),
        (ValueError("bad"), Code.INVALID_ARGUMENT),
        (NotImplementedError("later"), Code.UNIMPLEMENTED),
        (flight.FlightUnauthorizedError("no"), Code.PERMISSION_DENIED),
        (flight.FlightUnavailableError("not now"), Code.UNAVAILABLE),
        (RuntimeError("broken"), Code.UNKNOWN),
    ],
    ids=lambda value: getattr(value, "name", None) or type(value).__name__,
)
def test_what_a_handler_raises_is_the_status(error, code):
    def handler(context, request):
        raise error

    with serving(flight.ServiceMethod("/x.Y/Z", handler)) as (server, channel):
        assert failure(lambda: unary(channel)) == (code, str(error))


def test_the_context_tells_about_the_call():
    seen = {}

    def handler(context, request):
        seen.update(path=context.path, method=context.method, header=context.headers()["x-h"], peer=context.peer())
        context.add_header("x-answer", "1")
        context.add_trailer("x-end", "2")
        seen["context"] = context
        return b""

    with serving(flight.ServiceMethod("/x.Y/Z", handler)) as (server, channel):
        _, call = channel.unary_unary("/x.Y/Z").with_call(b"", timeout=WATCHDOG_S, metadata=[("x-h", "v")])
        assert ("x-answer", "1") in [tuple(pair) for pair in call.initial_metadata()]
        assert ("x-end", "2") in [tuple(pair) for pair in call.trailing_metadata()]
    assert seen["path"] == "/x.Y/Z" and seen["method"] is flight.FlightMethod.SERVICE
    assert seen["header"] == ["v"] and seen["peer"].startswith("ip")
    with pytest.raises(ValueError):
        seen["context"].path


def test_middleware_and_authentication_are_asked_unless_a_method_is_open():
    calls = []

    class Factory(flight.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            calls.append((info.method, info.path))

    class Auth(flight.ServerAuthHandler):
        def authenticate(self, outgoing, incoming):
            pass

        def is_valid(self, token):
            if token != b"t":
                raise flight.FlightUnauthenticatedError("who is this?")
            return b"alice"

    methods = [
        flight.ServiceMethod("/x.Y/Closed", lambda context, request: context.peer_identity()),
        flight.ServiceMethod("/x.Y/Open", lambda context, request: b"<" + context.peer_identity() + b">", is_open=True),
    ]
    with serving(*methods, auth_handler=Auth(), middleware={"m": Factory()}) as (server, channel):
        assert failure(lambda: unary(channel, "/x.Y/Closed"))[0] == Code.UNAUTHENTICATED
        assert unary(channel, "/x.Y/Open") == b"<>"
        assert unary(channel, "/x.Y/Closed", metadata=[("auth-token-bin", b"t")]) == b"alice"
    assert calls == [(flight.FlightMethod.SERVICE, "/x.Y/Closed")]


def test_a_message_that_is_too_large_is_refused():
    method = flight.ServiceMethod("/x.Y/Z", lambda context, request: request, message_bytes_max=100)
    with serving(method) as (server, channel):
        assert unary(channel, request=bytes(100)) == bytes(100)
        assert failure(lambda: unary(channel, request=bytes(101)))[0] == Code.RESOURCE_EXHAUSTED


def test_requests_may_be_read_on_another_thread_and_end_with_the_call():
    kept = []

    def handler(context, requests):
        kept.append(requests)
        taken = []
        reader = threading.Thread(target=lambda: taken.extend(requests))
        reader.start()
        reader.join(WATCHDOG_S)
        return b"".join(taken)

    with serving(flight.ServiceMethod("/x.Y/Z", handler, client_streams=True)) as (server, channel):
        assert channel.stream_unary("/x.Y/Z")(iter([b"a", b"b"]), timeout=WATCHDOG_S) == b"ab"
        with pytest.raises(ValueError, match="the call of these requests is over"):
            next(kept[0])


def test_a_client_that_goes_ends_the_generator():
    """Goal: what a method gives is closed when nobody takes it any more. Method: cancel, wait for its end."""
    ended = threading.Event()

    def handler(context, request):
        try:
            while True:
                yield bytes(100_000)
        finally:
            ended.set()

    with serving(flight.ServiceMethod("/x.Y/Z", handler, server_streams=True)) as (server, channel):
        answers = channel.unary_stream("/x.Y/Z")(b"")
        assert len(next(answers)) == 100_000
        answers.cancel()
        wait(ended)


def test_other_threads_run_while_methods_wait():
    """Goal: a method that waits for its client holds no lock of the interpreter. Method: 8 that wait, in this process."""
    started = threading.Semaphore(0)

    def handler(context, requests):
        started.release()
        yield from requests

    with serving(flight.ServiceMethod("/x.Y/Z", handler, True, True)) as (server, channel):
        go = threading.Event()

        def late():
            wait(go)
            yield b"x"

        calls = [channel.stream_stream("/x.Y/Z")(late(), timeout=WATCHDOG_S) for _ in range(8)]
        for _ in calls:
            assert started.acquire(timeout=WATCHDOG_S)
        go.set()
        assert [list(call) for call in calls] == [[b"x"]] * 8


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_handlers_are_told_of_the_shutdown():
    """Goal: a method that waits for something of its own ends with the server. Method: shut down without a limit."""
    news = queue.Queue()
    begun = threading.Event()

    def handler(context, request):
        begun.set()
        yield from iter(news.get, None)

    def fail():
        raise RuntimeError("nobody hears this")

    methods = [
        flight.ServiceMethod("/x.Y/Z", handler, server_streams=True, on_shutdown=lambda: news.put(None)),
        flight.ServiceMethod("/x.Y/Fails", handler, on_shutdown=fail),
    ]
    with serving(*methods) as (server, channel):
        answers = channel.unary_stream("/x.Y/Z")(b"", timeout=WATCHDOG_S)
        wait(begun)
        server.shutdown(grace=WATCHDOG_S)
        assert list(answers) == []


@pytest.mark.parametrize(
    ("kwargs", "error", "match"),
    [
        ({"services": [("/x.Y/Z", print)]}, TypeError, "must be ServiceMethod, not tuple"),
        ({"services": [flight.ServiceMethod("/x.Y/Z", None)]}, TypeError, "must be callable"),
        ({"services": [flight.ServiceMethod("/x.Y/Z", print, on_shutdown=1)]}, TypeError, "on_shutdown of /x.Y/Z"),
        ({"services": [flight.ServiceMethod("/x.Y/Z", print, message_bytes_max=0)]}, ValueError, "message_bytes_max"),
        ({"services": [flight.ServiceMethod("/x.Y\0/Z", print)]}, ValueError, "zero byte"),
        ({"services": [flight.ServiceMethod("no path", print)]}, flight.ArrowInvalid, "no path"),
        ({"services": [flight.ServiceMethod(f"/{FLIGHT}/DoGet", print)]}, flight.ArrowInvalid, "DoGet"),
        ({"health_needs_auth": True}, ValueError, "need health=True"),
        ({"health": True, "health_watchers_max": 0}, ValueError, "health_watchers_max"),
        ({"descriptor_sets": [b""]}, ValueError, "need reflection=True"),
        ({"reflection": True, "descriptor_sets": ["text"]}, TypeError, "must be bytes, not str"),
        ({"reflection": True, "descriptor_sets": [b"\xff"]}, flight.ArrowInvalid, "FileDescriptorSet"),
    ],
)
def test_options_that_make_no_sense_are_refused(kwargs, error, match):
    with pytest.raises(error, match=match):
        Server("grpc://localhost:0", **kwargs)


class Own(Server):
    """A server whose methods are methods of its own: a cycle without a container of Python's."""

    def __init__(self, location=None, services=(), **kwargs):
        own = flight.ServiceMethod("/x.Y/Own", self.answer, on_shutdown=self.forget)
        super().__init__(location, services=[own, *services], request_log=self.log, health=True, reflection=True, **kwargs)

    def answer(self, context, request):
        return request

    def forget(self):
        pass

    def log(self, line):
        pass


def test_a_server_in_a_cycle_with_its_services_is_collected():
    server = Own("grpc://localhost:0")
    with channel_of(server) as channel:
        assert unary(channel, "/x.Y/Own", b"x") == b"x"
    location, gone = server.location, weakref.ref(server)
    del server
    gc.collect()
    assert gone() is None
    with flight.connect(location) as client, pytest.raises(flight.FlightUnavailableError):
        client.list_actions()


# ---- health ----


def test_health_is_answered_set_and_watched():
    with serving(health=True) as (server, channel):
        assert unary(channel, HEALTH + "Check") == SERVING
        assert unary(channel, HEALTH + "Check", b"\x0a" + bytes([len(FLIGHT)]) + FLIGHT.encode()) == SERVING
        assert failure(lambda: unary(channel, HEALTH + "Check", b"\x0a\x01x"))[0] == Code.NOT_FOUND
        whole, own = watch(channel), watch(channel, "x")
        assert next(whole) == SERVING and next(own) == b"\x08\x03"
        server.set_health("x", flight.HealthStatus.SERVING)
        server.set_health("", flight.HealthStatus.NOT_SERVING)
        assert next(whole) == NOT_SERVING and next(own) == SERVING
        assert unary(channel, HEALTH + "Check") == NOT_SERVING
        server.set_health("", flight.HealthStatus.SERVING)
        assert next(whole) == SERVING
        server.shutdown(grace=WATCHDOG_S)
        assert next(whole) == NOT_SERVING and next(own) == NOT_SERVING
        assert failure(lambda: next(whole))[0] == Code.UNAVAILABLE


def test_health_says_that_a_server_drains_while_calls_run_on():
    """Goal: NOT_SERVING is seen before the server goes. Method: a call that runs, a shutdown on another thread."""
    begun, go = threading.Event(), threading.Event()

    def handler(context, request):
        begun.set()
        wait(go)
        return b"done"

    with serving(flight.ServiceMethod("/x.Y/Z", handler), health=True) as (server, channel):
        watcher = watch(channel)
        assert next(watcher) == SERVING
        call = channel.unary_unary("/x.Y/Z").future(b"", timeout=WATCHDOG_S)
        wait(begun)
        stopping = threading.Thread(target=server.shutdown, kwargs={"grace": WATCHDOG_S})
        stopping.start()
        assert next(watcher) == NOT_SERVING
        go.set()
        assert call.result() == b"done"
        stopping.join()


def test_health_may_need_credentials_and_has_few_watchers():
    class Auth(flight.ServerAuthHandler):
        def is_valid(self, token):
            raise flight.FlightUnauthenticatedError("who is this?")

    with serving(health=True, auth_handler=Auth()) as (server, channel):
        assert unary(channel, HEALTH + "Check") == SERVING
    with serving(health=True, health_needs_auth=True, auth_handler=Auth()) as (server, channel):
        assert failure(lambda: unary(channel, HEALTH + "Check"))[0] == Code.UNAUTHENTICATED
    with serving(health=True, health_watchers_max=1) as (server, channel):
        first = watch(channel)
        assert next(first) == SERVING
        assert failure(lambda: next(watch(channel)))[0] == Code.RESOURCE_EXHAUSTED


def test_health_cannot_be_set_where_there_is_none():
    with serving() as (server, channel):
        assert failure(lambda: unary(channel, HEALTH + "Check"))[0] == Code.UNIMPLEMENTED
        with pytest.raises(ValueError, match="health=True"):
            server.set_health("", flight.HealthStatus.SERVING)
    with serving(health=True) as (server, channel):
        with pytest.raises(TypeError, match="must be a HealthStatus, not bool"):
            server.set_health("", True)
        with pytest.raises(ValueError, match="null"):
            server.set_health("a\0b", flight.HealthStatus.SERVING)
        with pytest.raises(flight.ArrowInvalid):
            server.set_health("x" * 1025, flight.HealthStatus.SERVING)


# ---- reflection ----


def example_set():
    """A description of a service, as protoc writes it."""
    descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="example")
    file.message_type.add(name="Text")
    service = file.service.add(name="Echo")
    service.method.add(name="Say", input_type=".example.Text", output_type=".example.Text")
    return descriptor_pb2.FileDescriptorSet(file=[file])


def services_listed(channel, version, **options):
    """The names that are listed: field 6 has fields 1, which have the name as field 1."""
    method = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
    (answer,) = method(iter([b"\x3a\x01*"]), timeout=WATCHDOG_S, **options)
    return {name for name in NAMES if name.encode() in answer}


REFLECTION = {f"grpc.reflection.{version}.ServerReflection" for version in ("v1", "v1alpha")}
NAMES = {FLIGHT, "grpc.health.v1.Health", "example.Echo", *REFLECTION}


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_what_a_server_has(version):
    given = example_set()
    with serving(reflection=True) as (server, channel):
        assert services_listed(channel, version) == {FLIGHT, *REFLECTION}
    own = flight.ServiceMethod("/example.Echo/Say", lambda context, request: request)
    sets = [given.SerializeToString()]
    with serving(own, reflection=True, health=True, descriptor_sets=sets) as (server, channel):
        assert services_listed(channel, version) == NAMES
        method = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
        name = b"example.Text"
        (answer,) = method(iter([b"\x22" + bytes([len(name)]) + name]), timeout=WATCHDOG_S)
        assert given.file[0].SerializeToString() in answer


def test_reflection_needs_credentials_unless_it_is_open():
    class Auth(flight.ServerAuthHandler):
        def is_valid(self, token):
            raise flight.FlightUnauthenticatedError("who is this?")

    with serving(reflection=True, auth_handler=Auth()) as (server, channel):
        assert failure(lambda: services_listed(channel, "v1"))[0] == Code.UNAUTHENTICATED
    with serving(reflection=True, reflection_is_open=True, auth_handler=Auth()) as (server, channel):
        assert FLIGHT in services_listed(channel, "v1")


def test_a_server_of_flight_sql_has_all_of_it():
    class Numbers(cflight.sql.Server):
        def execute(self, call, query, parameters):
            return pytest.importorskip("pyarrow").table({"n": range(int(query))})

    lines = []
    own = flight.ServiceMethod("/x.Y/Z", lambda context, request: request)
    options = {"health": True, "reflection": True, "request_log": lines.append}
    with serving(own, make=Numbers, **options) as (server, channel):
        assert unary(channel, HEALTH + "Check") == SERVING
        assert FLIGHT in services_listed(channel, "v1")
        assert unary(channel, request=b"x") == b"x"
        with cflight.sql.connect(server.location) as client:
            assert client.query("3").read_all().num_rows == 3
        server.set_health("", flight.HealthStatus.NOT_SERVING)
        assert unary(channel, HEALTH + "Check") == NOT_SERVING
    assert any(line.startswith("/x.Y/Z") for line in lines)
