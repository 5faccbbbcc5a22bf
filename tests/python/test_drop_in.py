# SPDX-License-Identifier: Apache-2.0
"""What programs written for pyarrow.flight do, and rely on, with classes and arguments. Most tests run on both modules:
what they want of cflight is what pyarrow.flight does."""

import contextlib
import copy
import multiprocessing
import pickle
import socket
import subprocess
import threading
import time

import cflight
import pyarrow as pa
import pyarrow.flight
import pytest

TABLE = pa.table({"a": [1, 2, 3]})
SCHEMA = TABLE.schema
BATCH = TABLE.to_batches()[0]
ANY = "grpc://127.0.0.1:0"


@pytest.fixture(params=[cflight, pyarrow.flight], ids=["cflight", "pyarrow"])
def fl(request):
    return request.param


def client_of(server, module=cflight, **kwargs):
    return module.FlightClient(f"grpc://127.0.0.1:{server.port}", **kwargs)


# ---- subclasses ----

BASES = {
    "RecordBatchStream": (TABLE,),
    "GeneratorStream": (SCHEMA, []),
    "FlightCallOptions": (1.0,),
    "Ticket": (b"t",),
    "Action": ("a", b""),
    "Result": (b"r",),
    "FlightInfo": (SCHEMA, cflight.FlightDescriptor.for_path("a"), []),
    "FlightEndpoint": (b"t", []),
    "Location": ("grpc://h:1",),
    "SchemaResult": (SCHEMA,),
    "BasicAuth": ("u", "p"),
    "PollInfo": (None,),
}


@pytest.mark.parametrize("name", BASES)
def test_a_subclass_has_arguments_of_its_own(name):
    base = getattr(cflight, name)

    class Own(base):
        def __init__(self, mine):
            super().__init__(*BASES[name])
            self.mine = mine

    own = Own({"my": "argument"})
    assert own.mine == {"my": "argument"}
    if hasattr(own, "serialize"):
        assert own.serialize() == base(*BASES[name]).serialize()


@pytest.mark.parametrize("name", [*BASES, "FlightDescriptor", "FlightDataStream"])
def test_a_value_whose_init_was_never_called_is_empty(name):
    """Goal: a stand-in that a unit test makes of a class is whole. Method: every attribute and method without argument."""
    base = getattr(cflight, name)

    class Mock(base):
        def __init__(self, anything):
            self.anything = anything

    mock = Mock(3)
    repr(mock)
    for attribute in dir(base):
        if not attribute.startswith("_") and not callable(getattr(base, attribute)):
            getattr(mock, attribute)
    if hasattr(mock, "serialize"):
        assert isinstance(mock.serialize(), bytes)
        assert (mock == mock) is (name not in ("FlightDescriptor", "FlightInfo"))  # UNKNOWN equals nothing


@pytest.mark.parametrize("name", BASES)
def test_a_value_is_made_once(name):
    """Goal: what a call works with never changes. Method: a second __init__."""
    value = getattr(cflight, name)(*BASES[name])
    with pytest.raises(ValueError, match="made already"):
        value.__init__(*BASES[name])


def test_uninitialised_streams_are_an_error_of_the_handler():
    class Empty(cflight.RecordBatchStream):
        def __init__(self):
            pass

    class Server(cflight.FlightServerBase):
        def do_get(self, context, ticket):
            return Empty() if ticket.ticket == b"" else cflight.GeneratorStream(SCHEMA, [Empty()])

    with Server(ANY) as server, client_of(server) as client:
        for ticket in (b"", b"inner"):
            with pytest.raises(cflight.FlightServerError, match="Empty has no data"):
                client.do_get(cflight.Ticket(ticket)).read_all()


def test_an_info_refers_to_no_subclass():
    """Goal: no cycle leads through an info. Method: endpoint and descriptor of subclasses; the classes that come back."""

    class Endpoint(cflight.FlightEndpoint):
        pass

    class Descriptor(cflight.FlightDescriptor):
        def __init__(self):
            pass

    info = cflight.FlightInfo(SCHEMA, Descriptor(), [Endpoint(b"t", ["grpc://h:1"], None, b"m")])
    assert type(info.endpoints[0]) is cflight.FlightEndpoint and type(info.descriptor) is cflight.FlightDescriptor
    assert info.endpoints == [cflight.FlightEndpoint(b"t", ["grpc://h:1"], None, b"m")]


@pytest.mark.parametrize("is_early", [False, True])
def test_a_server_sets_attributes_of_any_name(fl, is_early):
    class Server(fl.FlightServerBase):
        def __init__(self, location):
            if is_early:
                self.location = location
            super().__init__(location)
            self.location = location
            self._start = self._grace = self._reload_tls = self.link = "mine"

    with Server(ANY) as server:
        assert server.location == ANY and server._grace == "mine"
    server.shutdown()


def test_a_server_tells_its_location():
    with cflight.FlightServerBase(ANY) as server:
        assert server.location == cflight.Location(f"grpc://127.0.0.1:{server.port}")
    assert cflight.FlightServerBase.location.__doc__


def test_no_name_of_ours_collides_with_a_subclass():
    """Goal: whatever private names a subclass has, they are its own. Method: look for ours."""
    for name in dir(cflight):
        cls = getattr(cflight, name)
        if not isinstance(cls, type) or not hasattr(pyarrow.flight, name):
            continue
        theirs = set(dir(getattr(pyarrow.flight, name))) | set(dir(object)) | {"__dict__", "__weakref__", "__module__"}
        mine = {n for n in dir(cls) if n.startswith("_") and not n.startswith("_cflight_")} - theirs
        mine = {n for n in mine if not (n.startswith("__") and n.endswith("__"))}
        assert not mine, name


def test_shutdown_may_be_overridden_without_grace(run_script):
    run_script(
        "import cflight\n"
        "class Server(cflight.FlightServerBase):\n"
        "    def shutdown(self):\n"
        "        super().shutdown()\n"
        f"left = Server('{ANY}')\n"
        f"with Server('{ANY}'): pass\n"
    )


def test_what_a_server_is_handed_can_be_made_by_hand(fl):
    """Goal: unit tests of handlers make stand-ins. Method: instances and subclasses of what the library makes."""
    for name in (
        "ServerCallContext", "FlightStreamChunk", "FlightMetadataWriter", "FlightMetadataReader",
        "MetadataRecordBatchReader", "MetadataRecordBatchWriter", "FlightStreamReader", "FlightStreamWriter",
    ):
        base = getattr(fl, name)
        assert isinstance(base(), base)
        assert isinstance(type("Fake", (base,), {"__init__": lambda self, x: None})(1), base)


def test_a_stand_in_that_is_used_raises():
    batch_uses = [lambda w: w.begin(SCHEMA), lambda w: w.write_metadata(b"x"), lambda w: w.close()]
    for make, uses in (
        (cflight.ServerCallContext, [lambda c: c.peer(), lambda c: c.method, lambda c: c.add_header("a", "b")]),
        (cflight.FlightMetadataWriter, [lambda w: w.write(b"x")]),
        (cflight.FlightMetadataReader, [lambda r: r.read()]),
        (cflight.MetadataRecordBatchReader, [lambda r: r.schema, lambda r: r.read_chunk(), lambda r: r.read_all()]),
        (cflight.FlightStreamReader, [lambda r: r.schema, lambda r: r.to_reader(), lambda r: next(r)]),
        (cflight.MetadataRecordBatchWriter, batch_uses),
        (cflight.FlightStreamWriter, [*batch_uses, lambda w: w.done_writing()]),
    ):
        for use in uses:
            with pytest.raises((ValueError, pa.ArrowException)):
                use(make())
    cflight.FlightStreamReader().cancel()
    cflight.FlightStreamReader().close()
    cflight.FlightStreamWriter().cancel()
    assert list(cflight.FlightStreamChunk()) == [None, None]


def test_a_reader_has_attributes(fl):
    class Server(fl.FlightServerBase):
        def do_get(self, context, ticket):
            return fl.RecordBatchStream(TABLE)

    with Server(ANY) as server, client_of(server, fl) as client:
        reader = client.do_get(fl.Ticket(b""))
        reader.note = reader
        assert reader.note is reader and reader.read_all() == TABLE


# ---- arguments ----


def test_options_that_are_false_are_none(fl):
    for none in ({}, None, 0, ""):
        fl.GeneratorStream(SCHEMA, iter([]), options=none)
        fl.RecordBatchStream(TABLE, options=none)
        assert fl.FlightCallOptions(write_options=none).timeout == -1.0


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_bytes_like_objects_are_bytes(kind):
    def b(content):
        return kind(content)

    path = cflight.FlightDescriptor.for_path("a")
    assert cflight.Ticket(b(b"t")).ticket == b"t"
    assert cflight.FlightDescriptor.for_path(b(b"a")).path == [b"a"]
    assert cflight.FlightDescriptor.for_command(b(b"c")).command == b"c"
    assert cflight.Action(b(b"a"), b(b"x")).type == "a"
    assert cflight.FlightInfo(None, path, [], app_metadata=b(b"m")).app_metadata == b"m"
    assert cflight.FlightEndpoint(b(b"t"), [b(b"grpc://h:1")], None, b(b"m")).app_metadata == b"m"
    assert cflight.FlightCallOptions(headers=[(b(b"k"), b(b"v"))]).headers == [(b"k", b"v")]
    assert cflight.BasicAuth(b(b"u"), b(b"p")).password == b"p"
    assert cflight.Location(b(b"grpc://h:1")).uri == b"grpc://h:1"
    assert cflight.Location.for_grpc_tcp(b(b"h"), 1).uri == b"grpc+tcp://h:1"
    for keyword in ("tls_root_certs", "override_hostname", "user_agent"):
        cflight.FlightClient(b(b"grpc://h:1"), **{keyword: b(b"x")}).close()


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_bytes_like_objects_travel(kind):
    """Goal: nothing on the way takes a bytes-like object for a sequence. Method: headers, criteria, actions, errors."""
    seen = {}

    class Note(cflight.ServerMiddleware):
        def sending_headers(self):
            return {"x-one": kind(b"1"), b"x-two": [kind(b"2"), "3"]}

    class Factory(cflight.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            return Note()

    class Watch(cflight.ClientMiddleware):
        def received_headers(self, headers):
            seen.update({name: value for name, value in headers.items() if name.startswith("x-")})

    class WatchFactory(cflight.ClientMiddlewareFactory):
        def start_call(self, info):
            return Watch()

    class Server(cflight.FlightServerBase):
        def list_flights(self, context, criteria):
            seen["criteria"] = criteria
            return []

        def do_action(self, context, action):
            context.add_header(kind(b"x-three"), kind(b"4"))
            if action.type == "fail":
                raise cflight.FlightUnavailableError("m", extra_info=kind(b"info"))
            return [kind(b"r")]

        def list_actions(self, context):
            return [(kind(b"t"), kind(b"d"))]

    with Server(ANY, middleware={1: Factory()}) as server, client_of(server, middleware=[WatchFactory()]) as client:
        assert list(client.list_flights(kind(b"c"))) == [] and seen["criteria"] == b"c"
        assert [r.body.to_pybytes() for r in client.do_action(kind(b"a"))] == [b"r"]
        assert [r.body.to_pybytes() for r in client.do_action((kind(b"a"), kind(b"x")))] == [b"r"]
        assert (seen["x-one"], seen["x-two"], seen["x-three"]) == (["1"], ["2", "3"], ["4"])
        assert client.list_actions() == [("t", "d")]
        with pytest.raises(cflight.FlightUnavailableError) as failure:
            list(client.do_action("fail"))
        assert failure.value.extra_info == b"info"


def test_numbers_of_any_kind_count(fl):
    numpy = pytest.importorskip("numpy")
    path = fl.FlightDescriptor.for_path("a")
    for one in (1.0, 1.9, numpy.int64(1), numpy.float64(1), True):
        assert fl.Location.for_grpc_tcp("h", one).uri == b"grpc+tcp://h:1"
        info = fl.FlightInfo(SCHEMA, path, [], one, one)
        assert (info.total_records, info.total_bytes) == (1, 1)
        generic = [("grpc.max_receive_message_length", one)]
        fl.FlightClient(("h", one), write_size_limit_bytes=one, generic_options=generic).close()
    for wrong, error in (("1", TypeError), (None, TypeError), (2**70, OverflowError), (2**40, OverflowError)):
        with pytest.raises(error):
            fl.Location.for_grpc_tcp("h", wrong)


def test_arguments_have_the_names_of_pyarrow(fl):
    location, descriptor = fl.Location(uri="grpc://h:1"), fl.FlightDescriptor.for_command(command="c")
    assert location.equals(other=location) and not location.equals(None)
    for value in (
        fl.Ticket(ticket="t"), fl.Action(action_type="a", buf=b""), fl.Result(buf=b""), descriptor,
        fl.SchemaResult(schema=SCHEMA), fl.BasicAuth(username="u", password="p"),
        fl.FlightEndpoint(ticket=b"", locations=[], expiration_time=None, app_metadata=b""),
        fl.FlightInfo(schema=SCHEMA, descriptor=descriptor, endpoints=[], total_records=1, total_bytes=1, ordered=True,
                      app_metadata=""),
    ):
        assert type(value).deserialize(serialized=value.serialize()) == value

    class Server(fl.FlightServerBase):
        def do_get(self, context, ticket):
            assert context.get_middleware(key="none") is None
            context.add_header(key="k", value="v")
            return fl.RecordBatchStream(data_source=TABLE)

    with Server(location=ANY) as server, client_of(server, fl) as client:
        assert client.do_get(ticket=fl.Ticket(b""), options=None).read_all() == TABLE


def test_a_generator_gives_none_for_no_metadata(fl):
    class Server(fl.FlightServerBase):
        def do_get(self, context, ticket):
            items = {b"batch": (BATCH, None), b"list": [BATCH, None], b"table": (TABLE, None)}
            return fl.GeneratorStream(SCHEMA, [items[ticket.ticket]])

    with Server(ANY) as server, client_of(server, fl) as client:
        for kind in (b"batch", b"list", b"table"):
            assert client.do_get(fl.Ticket(kind)).read_all() == TABLE


def test_extra_info_may_be_none(fl):
    assert fl.FlightUnavailableError("m", None).extra_info is None
    assert fl.FlightUnavailableError("m", "text").extra_info == b"text"

    class Server(fl.FlightServerBase):
        def do_action(self, context, action):
            raise cflight.FlightUnavailableError("m", None)

    with Server(ANY) as server, client_of(server) as client:
        with pytest.raises(pa.ArrowException, match="m"):
            list(client.do_action("x"))


# ---- values that are copied, and what they are made of ----

ERRORS = [
    "FlightError", "FlightInternalError", "FlightTimedOutError", "FlightCancelledError", "FlightServerError",
    "FlightUnauthenticatedError", "FlightUnauthorizedError", "FlightUnavailableError",
]


@pytest.mark.parametrize("name", ERRORS)
def test_exceptions_are_pickled_and_copied(name):
    error = getattr(cflight, name)("message", b"info")
    error.note = 1
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (type(again), str(again), again.extra_info, again.note) == (type(error), "message", b"info", 1)


def fail_with_size(_):
    raise cflight.FlightWriteSizeExceededError("too large", 5, 6)


def test_the_size_error_comes_out_of_another_process():
    """Goal: an exception of a worker does not hang its pool. Method: a process pool."""
    error = cflight.FlightWriteSizeExceededError("too large", 5, 6)
    assert (copy.copy(error).limit, pickle.loads(pickle.dumps(error)).actual) == (5, 6)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        with pytest.raises(cflight.FlightWriteSizeExceededError, match="too large") as failure:
            pool.apply_async(fail_with_size, (1,)).get(timeout=30)
    assert (failure.value.limit, failure.value.actual) == (5, 6)


def test_tuples_are_pickled_and_take_attributes(fl):
    for value in (fl.ActionType("a", "b"), fl.CallInfo(fl.FlightMethod.DO_GET), fl.CertKeyPair(b"c", b"k")):
        assert pickle.loads(pickle.dumps(value)) == copy.deepcopy(value) == value
        value.note = 1


def test_deserialize_of_a_subclass_gives_the_class_itself(fl):
    for value in (fl.Ticket("t"), fl.Action("a", b""), fl.Result(b""), fl.SchemaResult(SCHEMA),
                  fl.FlightEndpoint(b"", []), fl.FlightDescriptor.for_path("a")):
        assert type(type("Sub", (type(value),), {}).deserialize(value.serialize())) is type(value)


# ---- headers ----


def test_headers_come_in_the_order_of_their_names(fl):
    seen = {}

    class Note(fl.ServerMiddleware):
        def sending_headers(self):
            return {"set-cookie": ["a=1", "b=0"], "authorization": "Bearer x", "b-second": "2"}

    class Factory(fl.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            seen["server"] = [(k, v) for k, v in headers.items() if k.startswith("my")]
            return Note()

    class ClientNote(fl.ClientMiddleware):
        def received_headers(self, headers):
            if "b-second" in headers:
                seen["client"] = list(headers.items())

    class ClientFactory(fl.ClientMiddlewareFactory):
        def start_call(self, info):
            return ClientNote()

    class Server(fl.FlightServerBase):
        def do_get(self, context, ticket):
            return fl.RecordBatchStream(TABLE)

    with Server(ANY, middleware={"n": Factory()}) as server, client_of(server, fl, middleware=[ClientFactory()]) as client:
        headers = [(b"my-z", b"1"), (b"my-a", b"2"), (b"my-z", b"0"), (b"my", b"3")]
        client.do_get(fl.Ticket(b""), fl.FlightCallOptions(headers=headers)).read_all()
    client_side = [(k, v) for k, v in seen["client"] if k in ("set-cookie", "authorization", "b-second")]
    assert client_side == [("authorization", ["Bearer x"]), ("b-second", ["2"]), ("set-cookie", ["a=1", "b=0"])]
    assert seen["server"] == [("my", ["3"]), ("my-a", ["2"]), ("my-z", ["1", "0"])]


# ---- exceptions of the caller's code ----


class OwnFailure(Exception):
    pass


@pytest.mark.parametrize("kind", [OwnFailure, KeyboardInterrupt, SystemExit, FileNotFoundError, KeyError, cflight.FlightServerError])
def test_what_the_callers_code_raises_comes_out_as_it_is(kind):
    raised = kind("from the caller's code")

    def fail(*args):
        raise raised

    class Login(cflight.ClientAuthHandler):
        def authenticate(self, outgoing, incoming):
            fail()

        def get_token(self):
            fail()

    class Quiet(Login):
        def authenticate(self, outgoing, incoming):
            pass

    class Server(cflight.FlightServerBase):
        def list_actions(self, context):
            return []

        def do_get(self, context, ticket):
            return cflight.RecordBatchStream(TABLE)

    class AnyAuth(cflight.ServerAuthHandler):
        def authenticate(self, outgoing, incoming):
            pass

        def is_valid(self, token):
            return b""

    def token_calls(client):
        client.authenticate(Quiet())
        return client

    with Server(ANY, auth_handler=AnyAuth()) as server:
        calls = [
            lambda: client_of(server).authenticate(Login()),
            lambda: token_calls(client_of(server)).list_actions(),
            lambda: token_calls(client_of(server)).do_get(cflight.Ticket(b"")),
            lambda: client_of(server, token_provider=fail).list_actions(),
            lambda: client_of(server, token_provider=fail).do_get(cflight.Ticket(b"")),
            lambda: list(client_of(server, token_provider=fail).do_action("x")),
            lambda: list(client_of(server, token_provider=fail).list_flights()),
            lambda: client_of(server, token_provider=fail).do_put(cflight.FlightDescriptor.for_path("a"), SCHEMA),
        ]
        for call in calls:
            with pytest.raises(kind) as failure:
                call()
            assert failure.value is raised


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["start_call", "sending_headers", "received_headers", "call_completed"])
def test_the_end_of_the_program_passes_through_middleware(kind, where):
    def fail(*args):
        raise kind("enough")

    note = type("Note", (cflight.ClientMiddleware,), {where: fail})
    start = fail if where == "start_call" else lambda self, info: note()
    factory = type("Factory", (cflight.ClientMiddlewareFactory,), {"start_call": start})
    with cflight.FlightServerBase(ANY) as server, client_of(server, middleware=[factory()]) as client:
        with pytest.raises(kind):
            try:
                client.list_actions()
            except NotImplementedError:
                pass
            for _ in range(1000):
                pass


class Failing(cflight.FlightServerBase):
    """Its calls fail with the same exception."""

    failure = None

    def list_flights(self, context, criteria):
        raise self.failure

    def do_get(self, context, ticket):
        def batches():
            yield BATCH
            raise self.failure

        return cflight.GeneratorStream(SCHEMA, batches())

    def do_action(self, context, action):
        yield b"one"
        raise self.failure


@pytest.mark.parametrize("failure", [
    ValueError("before\0after"), KeyError("before\0after"), OSError("before\0after"),
    cflight.FlightServerError("before\0after", b"x\0y"), cflight.FlightUnauthorizedError("before\0after", b"x\0y"),
    cflight.FlightError("before\0after"), pa.ArrowInvalid("\0before\0\0after\0"),
], ids=lambda failure: type(failure).__name__)
def test_a_text_does_not_end_at_a_zero_byte(failure):
    """Goal: what a handler says arrives whole, though texts end at a zero byte in C. Method: exceptions with such a
    byte in text and extra_info, from each kind of handler."""
    with Failing(ANY) as server, client_of(server) as client:
        server.failure = failure
        for call in (
            lambda: list(client.list_flights()),
            lambda: client.do_get(cflight.Ticket(b"")).read_all(),
            lambda: list(client.do_action("a")),
        ):
            with pytest.raises(Exception) as caught:
                call()
            text = str(caught.value)
            assert "before" in text and "after" in text and "\0" not in text
            if isinstance(failure, KeyError):
                assert "before\\x00after" in text  # KeyError shows the repr of what it was given
            else:
                assert "\ufffdafter" in text
            if getattr(failure, "extra_info", b""):
                assert caught.value.extra_info == b"x\0y"


@pytest.mark.parametrize("timeout", [9.3e9, 2**63 / 1e6, 1e12, 10**12, 1e300, float("inf")])
def test_waiting_for_a_server_takes_any_time(timeout):
    """Goal: a time past the end of the clock's range does not come round to none. Method: a server that is there at the
    third try."""

    class Late(cflight.FlightClient):
        tries = 0

        def list_flights(self, *arguments):
            self.tries += 1
            if self.tries < 3:
                raise cflight.FlightUnavailableError("not yet")
            return []

    client = Late("grpc://h:1")
    client.wait_for_available(timeout)
    assert client.tries == 3


@pytest.mark.parametrize("timeout", [float("nan"), -1, float("-inf")])
def test_a_wait_that_no_clock_can_tell_is_refused(timeout):
    with pytest.raises(ValueError, match="timeout must be a number of seconds, 0 or more"):
        cflight.FlightClient("grpc://h:1").wait_for_available(timeout)


def test_an_exception_of_one_call_is_not_that_of_another():
    """Goal: what was kept for one call never comes out of the next. Method: a call within a failing callback, and after."""

    class Server(cflight.FlightServerBase):
        def list_actions(self, context):
            raise cflight.FlightUnauthorizedError("not you")

    with Server(ANY) as server:
        def provide(refused):
            with pytest.raises(cflight.FlightUnauthorizedError):
                client_of(server).list_actions()
            raise OwnFailure

        failing, plain = client_of(server, token_provider=provide), client_of(server)
        for _ in range(2):
            with pytest.raises(OwnFailure):
                failing.list_actions()
            with pytest.raises(cflight.FlightUnauthorizedError):
                plain.list_actions()


@pytest.mark.parametrize("raised, expected", [
    (KeyError("k"), "ArrowKeyError"), (ValueError("v"), "ArrowInvalid"), (NotImplementedError("n"), "ArrowNotImplementedError"),
    (OwnFailure("o"), "FlightServerError"), (TypeError("t"), "FlightServerError"), (OSError("os"), "FlightServerError"),
])
@pytest.mark.parametrize("how", ["read_all", "to_reader"])
def test_a_failing_source_keeps_its_class(fl, raised, expected, how):
    """Goal: what a reader behind RecordBatchStream raises is told as what a handler raises. Method: each class."""

    def batches():
        yield BATCH
        raise raised

    class Server(fl.FlightServerBase):
        def do_get(self, context, ticket):
            return fl.RecordBatchStream(pa.RecordBatchReader.from_batches(SCHEMA, batches()))

    with Server(ANY) as server, client_of(server) as client:
        reader = client.do_get(cflight.Ticket(b""))
        with pytest.raises(pa.ArrowException, match=str(raised)) as failure:
            reader.read_all() if how == "read_all" else reader.to_reader().read_all()
        assert type(failure.value).__name__ == expected


def test_a_method_that_the_server_lacks_is_named():
    with cflight.FlightServerBase(ANY) as server, client_of(server) as client:
        path = cflight.FlightDescriptor.for_path("a")
        for call, name in (
            (lambda: client.get_flight_info(path), "GetFlightInfo"), (lambda: client.get_schema(path), "GetSchema"),
            (lambda: client.do_get(cflight.Ticket(b"")), "DoGet"), (lambda: list(client.do_action("a")), "DoAction"),
            (lambda: list(client.list_flights()), "ListFlights"), (lambda: client.list_actions(), "ListActions"),
        ):
            with pytest.raises(NotImplementedError, match=f"this server has no {name}") as failure:
                call()
            assert "_server.py" not in str(failure.value)


@pytest.mark.parametrize("batch, words", [
    (pa.record_batch({"a": pa.array([1], pa.int32())}), "field 'a' is int32, expected int64"),
    (pa.record_batch({"b": [1]}), "field 0 is 'b', expected 'a'"),
    (pa.record_batch({"a": [1], "b": [1]}), "2 fields, expected 1; field 'b' is one too many"),
    (pa.record_batch([], names=[]), "0 fields, expected 1; field 'a' is missing"),
    (pa.record_batch([pa.array([1])], schema=pa.schema([pa.field("a", pa.int64(), False)])), "int64 not null, expected int64"),
])
def test_another_schema_names_the_field(batch, words):
    class Server(cflight.FlightServerBase):
        def do_get(self, context, ticket):
            return cflight.GeneratorStream(SCHEMA, [batch])

        def do_put(self, context, descriptor, reader, writer):
            reader.read_all()

    with Server(ANY) as server, client_of(server) as client:
        with pytest.raises(pa.ArrowInvalid, match=words):
            client.do_get(cflight.Ticket(b"")).read_all()
        writer, _ = client.do_put(cflight.FlightDescriptor.for_path("a"), SCHEMA)
        with writer, pytest.raises(pa.ArrowInvalid, match=words):
            writer.write_batch(batch)


# ---- TLS ----


@pytest.mark.parametrize("given", [
    {"verify_client": True}, {"verify_client": "optional"}, {"root_certificates": b"x"}, {"tls_revocation_lists": b"x"},
    {"tls_min_version": "1.3"}, {"tls_certificates": [(b"c", b"k")]},
])
def test_tls_options_of_a_plain_server_are_refused(given):
    with pytest.raises(ValueError, match=f"{next(iter(given))}: the location grpc://127.0.0.1:0 is not of TLS"):
        cflight.FlightServerBase(ANY, **given)


@pytest.mark.parametrize("location", ["grpc://h:1", "grpc+tcp://h:1", "grpc+unix:///tmp/x"])
@pytest.mark.parametrize("given", [
    {"tls_root_certs": b"x"}, {"cert_chain": b"x", "private_key": b"y"}, {"private_key": b"y"},
    {"override_hostname": "x"},
])
def test_tls_options_of_a_plain_client_are_refused(given, location):
    """Goal: who names an authority, a certificate or a name gets no plain text. A client is made nevertheless, as with
    pyarrow, so that programs get as far as their first call."""
    name = next(iter(given)).removeprefix("tls_")
    words = f"{name}: the location {location} is not of TLS".replace("+", "[+]")
    with cflight.FlightClient(location, **given) as client:
        for call in (client.wait_for_available, lambda: list(client.list_actions()), lambda: client.do_get(cflight.Ticket(b"t"))):
            with pytest.raises(pa.ArrowInvalid, match=words):
                call()
    if name == "cert_chain":
        with cflight.FlightClient(("h", 1), **given) as client:
            with pytest.raises(ValueError, match=r"cert_chain: the location grpc[+]tcp://h:1 is not of TLS"):
                list(client.list_flights())


@pytest.mark.parametrize("location", ["grpc://h:1", ("h", 1)])
def test_programs_may_always_turn_verification_off(location):
    """Goal: what programs say whatever the location is stays good. Method: empty values, and verification turned off."""
    for said in (True, False, None):
        cflight.FlightClient(
            location, disable_server_verification=said, tls_root_certs=None, cert_chain="", private_key=b"",
            override_hostname=None,
        ).close()
    with Quiet(ANY) as server, client_of(server, disable_server_verification=True) as client:
        assert list(client.list_actions()) == []


# ---- the end of the program ----


def test_the_interpreter_does_not_wait_for_a_handler_that_sleeps(run_script):
    """Goal: an exit takes no longer than its bounds. Method: a handler that would sleep for two minutes."""
    began = time.monotonic()
    run_script(
        "import cflight, threading, time\n"
        "inside = threading.Event()\n"
        "class Server(cflight.FlightServerBase):\n"
        "    def list_actions(self, context):\n"
        "        inside.set()\n"
        "        time.sleep(120)\n"
        f"server = Server('{ANY}')\n"
        "other = Server('grpc://127.0.0.1:0')\n"
        "def call(server): cflight.FlightClient(server.location).list_actions()\n"
        "for one in (server, other): threading.Thread(target=call, args=(one,), daemon=True).start()\n"
        "inside.wait()\n",
        timeout=60,
    )
    assert time.monotonic() - began < 30


# ---- limits ----


@pytest.mark.parametrize("what", ["read_chunk", "read_all", "to_reader", "metadata", "get_flight_info"])
def test_the_idle_limit_holds_on_the_main_thread(what):
    """Goal: a server that falls silent ends a call after the idle limit. Method: a handler that waits for the test's end."""
    is_over = threading.Event()

    def batches():
        yield BATCH
        is_over.wait(60)

    class Server(cflight.FlightServerBase):
        def do_get(self, context, ticket):
            return cflight.GeneratorStream(SCHEMA, batches())

        def do_put(self, context, descriptor, reader, writer):
            is_over.wait(60)

        def get_flight_info(self, context, descriptor):
            is_over.wait(60)

    options = cflight.FlightCallOptions(idle_timeout=0.5)
    path = cflight.FlightDescriptor.for_path("a")
    with Server(ANY) as server, client_of(server) as client:
        def read(how):
            reader = client.do_get(cflight.Ticket(b""), options)
            return how(reader)

        calls = {
            "read_chunk": lambda: read(lambda reader: [reader.read_chunk(), reader.read_chunk()]),
            "read_all": lambda: read(lambda reader: reader.read_all()),
            "to_reader": lambda: read(lambda reader: reader.to_reader().read_all()),
            "metadata": lambda: client.do_put(path, SCHEMA, options)[1].read(),
            "get_flight_info": lambda: client.get_flight_info(path, options),
        }
        began = time.monotonic()
        try:
            with pytest.raises(cflight.FlightTimedOutError, match="idle limit"):
                calls[what]()
            assert 0.4 < time.monotonic() - began < 30
        finally:
            is_over.set()


class RefusingProxy:
    """An HTTP proxy that refuses everybody and keeps what it was asked."""

    def __enter__(self):
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                with peer:
                    self.asked.append(peer.recv(4096).split(b"\r\n")[0])
                    peer.sendall(b"HTTP/1.1 403 Not you\r\n\r\n")

    def __exit__(self, *error):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()


def refused_by_proxy(location, **options):
    with cflight.FlightClient(location, **options) as client:
        with pytest.raises(cflight.FlightUnavailableError) as info:
            list(client.list_actions())
    assert "403 Not you" in str(info.value), info.value


class Quiet(cflight.FlightServerBase):
    def list_actions(self, context):
        return []


def test_proxies_are_used_as_options_and_variables_say(monkeypatch):
    with RefusingProxy() as proxy, Quiet("grpc://127.0.0.1:0") as server:
        refused_by_proxy("grpc://flight.invalid", proxy=proxy.uri)
        refused_by_proxy("grpc://flight.invalid", generic_options=[("grpc.http_proxy", proxy.uri)])
        monkeypatch.setenv("grpc_proxy", proxy.uri)
        refused_by_proxy("grpc://flight.invalid")
        assert proxy.asked == [b"CONNECT flight.invalid:443 HTTP/1.1"] * 3
        off = [("grpc.enable_http_proxy", 0), ("grpc.http_proxy", proxy.uri)]
        for options in ({"proxy": ""}, {"generic_options": off}, {"generic_options": off[::-1]}):
            with client_of(server, **options) as client:
                assert list(client.list_actions()) == []
        monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
        with client_of(server) as client:
            assert list(client.list_actions()) == []
        assert len(proxy.asked) == 3
    with pytest.raises(cflight.ArrowInvalid, match="http://HOST:PORT is expected"):
        cflight.FlightClient("grpc://h:1", proxy="socks5://h:1")


def test_default_roots_are_in_the_file_that_a_variable_names(monkeypatch):
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/no/such/file.pem")
    with pytest.raises(cflight.ArrowInvalid, match="GRPC_DEFAULT_SSL_ROOTS_FILE_PATH.*/no/such/file.pem"):
        cflight.FlightClient("grpc+tls://h:1")
    cflight.FlightClient("grpc+tls://h:1", disable_server_verification=True).close()


def test_generic_options_count_or_are_warned_about():
    """Goal: none is dropped silently. Method: what the server sees, and the warnings."""
    seen = {}

    class Server(cflight.FlightServerBase):
        def list_actions(self, context):
            seen.update(context.headers())
            return []

    options = [("grpc.secondary_user_agent", b"second/2"), (b"grpc.primary_user_agent", "first/1")]
    for order in (options, options[::-1]):
        with Server(ANY) as server, client_of(server, generic_options=order) as client:
            client.list_actions()
        assert seen["user-agent"][0].startswith("first/1 second/2 cflight/")
    with Server(ANY) as server:
        small = client_of(server, generic_options=[("grpc.max_send_message_length", 10)])
        with pytest.raises(pa.ArrowInvalid):
            writer, _ = small.do_put(cflight.FlightDescriptor.for_path("a"), SCHEMA)
            writer.write_batch(BATCH)
    for name, value in (("grpc.default_compression_algorithm", 2), ("grpc.lb_policy_name", "grpclb")):
        with pytest.warns(UserWarning, match=f"generic option '{name}' has no effect"):
            cflight.FlightClient("grpc://h:1", generic_options=[(name, value)]).close()


# ---- certificates ----


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Key and certificate of a server (localhost) and of a client with a name that is not a word."""
    folder = tmp_path_factory.mktemp("certificates")

    def make(name, subject, *more):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-utf8", "-subj", subject,
                   "-keyout", f"{name}.key", "-out", f"{name}.pem", *more]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        return (folder / f"{name}.pem").read_bytes(), (folder / f"{name}.key").read_bytes()

    return make("server", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"), make("client", "/CN=Report Jöb \\\\ 1")


@pytest.mark.parametrize("checks", [True, False])
def test_a_client_certificate_is_shown_and_its_name_is_raw(certificates, checks):
    """Goal: peer_identity() is the name as it is, and is there whether or not the client verifies the server."""
    server_pair, client_pair = certificates
    seen = []

    class Server(cflight.FlightServerBase):
        def list_actions(self, context):
            seen.append(context.peer_identity())
            return []

    tls = {"tls_root_certs": server_pair[0]} if checks else {"disable_server_verification": True}
    with Server(
        "grpc+tls://localhost:0", tls_certificates=[server_pair], verify_client=True, root_certificates=client_pair[0]
    ) as server:
        location = f"grpc+tls://localhost:{server.port}"
        with cflight.FlightClient(location, cert_chain=client_pair[0], private_key=client_pair[1], **tls) as client:
            client.list_actions()
    assert seen == ["Report Jöb \\ 1".encode()]


def test_what_is_no_certificate_is_dropped_with_a_warning():
    with pytest.warns(UserWarning, match="no PEM"):
        client = cflight.FlightClient("grpc+tls://h:1", cert_chain="x", private_key="y", disable_server_verification=True)
    client.close()
    with pytest.raises(pa.ArrowInvalid):
        cflight.FlightClient("grpc+tls://h:1", cert_chain="x", private_key="y")


# ---- after a failure ----


@pytest.mark.parametrize("is_closed", [False, True])
def test_answers_of_a_failed_put_end_as_in_pyarrow(fl, is_closed):
    """Goal: read() tells of the end, close() of the failure. Method: a server that refuses after one answer."""

    class Server(fl.FlightServerBase):
        def do_put(self, context, descriptor, reader, writer):
            writer.write(b"one")
            raise fl.FlightUnauthorizedError("not you")

    with Server(ANY) as server, client_of(server, fl) as client:
        writer, answers = client.do_put(fl.FlightDescriptor.for_path("a"), SCHEMA)
        assert answers.read().to_pybytes() == b"one"
        if not is_closed:
            assert answers.read() is None
        for _ in range(2):
            with pytest.raises(fl.FlightUnauthorizedError, match="not you"):
                writer.close()
            with pytest.raises(fl.FlightUnauthorizedError, match="not you"):
                answers.read()
