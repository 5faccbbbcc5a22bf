# SPDX-License-Identifier: Apache-2.0
"""Flight SQL servers in a group: tickets that any of them serves, the log that says what a call is about; and clients
that are used by threads, after fork(), and interrupted."""

import json
import os
import threading

import cflight as flight
import pytest
from cflight import sql

pa = pytest.importorskip("pyarrow")

from pairs import WATCHDOG_S  # noqa: E402

KEY = os.urandom(32)


class Numbers(sql.Server):
    """A query is the number of its rows."""

    def __init__(self, **kwargs):
        self.runs = 0
        super().__init__("grpc://localhost:0", **kwargs)

    def prepare(self, call, query):
        return sql.Plan(schema=pa.schema([("n", pa.int64())]), is_update=False)

    def execute(self, call, query, parameters):
        self.runs += 1
        call.context.set_subject(f"{query} rows")
        return pa.table({"n": pa.array(range(int(query)), pa.int64())})


def test_any_server_of_a_group_serves_a_ticket():
    """Goal: a ticket of one is good at the other, if both have the key. Method: ask one, fetch at the other."""
    with Numbers(ticket_key=KEY) as first, Numbers(ticket_key=KEY) as second, Numbers(ticket_key=os.urandom(32)) as other:
        with sql.connect(first.location) as client:
            info = client.query_info("5")
        ticket = info.endpoints[0].ticket
        assert first.runs == 0
        with flight.connect(second.location) as client:
            assert client.do_get(ticket).read_all().num_rows == 5
        assert (first.runs, second.runs) == (0, 1)
        with flight.connect(other.location) as client, pytest.raises((flight.ArrowException, flight.FlightError, KeyError)):
            client.do_get(ticket).read_all()


@pytest.mark.parametrize(("kwargs", "error"), [
    ({"ticket_key": b"short"}, flight.ArrowInvalid),
    ({"ticket_key": "text"}, TypeError),
    ({"limits": {"polls_max": 0}}, ValueError),
    ({"limits": {"poll": 1}}, ValueError),
])
def test_options_that_make_no_sense_are_refused(kwargs, error):
    with pytest.raises(error):
        Numbers(**kwargs)


def test_limits_have_the_names_of_the_kit():
    limits = {"savepoints_max": 5, "result_valid": 60, "result_open": 1, "bound_bytes_total_max": 1000, "ticket_bytes_max": 1000,
              "polls_max": 3, "polls_per_owner_max": 2, "poll_wait": 0.5, "poll_idle": 10}
    with Numbers(limits=limits) as server, sql.connect(server.location) as client:
        assert client.query("3").read_all().num_rows == 3


def test_the_log_says_what_a_statement_is_about():
    lines = []
    with Numbers(request_log=lines.append, request_log_format="json") as server, sql.connect(server.location) as client:
        client.query("3").read_all()
    assert "3 rows" in [json.loads(line).get("subject") for line in lines]


def test_threads_share_a_client():
    """Goal: each gets its own rows. Method: many queries at once, of different sizes."""
    with Numbers() as server, sql.connect(server.location) as client:
        wrong = []

        def go(first):
            for count in range(first, first + 25):
                rows = client.query(str(count)).read_all().num_rows
                if rows != count:
                    wrong.append((count, rows))

        threads = [threading.Thread(target=go, args=(1 + 100 * n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WATCHDOG_S)
        assert wrong == [] and not any(thread.is_alive() for thread in threads)


PRELUDE = """
import os, signal, threading
import cflight as flight
import pyarrow as pa
from cflight import sql

begun, go = threading.Event(), threading.Event()

class Server(sql.Server):
    def execute(self, call, query, parameters):
        if query == "wait":
            begun.set()
            go.wait(30)
        return pa.table({"n": [1]})
"""


def test_control_c_ends_a_query(run_script):
    run_script(
        PRELUDE
        + """
with Server("grpc://localhost:0") as server, sql.connect(server.location) as client:
    def interrupt():
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        client.query("wait").read_all()
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("the query was not interrupted")
    go.set()
    assert client.query("now").read_all().num_rows == 1
"""
    )


def test_a_forked_child_makes_a_client_of_its_own(run_script):
    run_script(
        PRELUDE
        + """
server = Server("grpc://localhost:0")
client = sql.connect(server.location)
assert client.query("1").read_all().num_rows == 1
child = os.fork()
if child == 0:
    code = 1
    try:
        client.query("1").read_all()
    except (pa.ArrowInvalid, flight.FlightError) as error:
        code = 0 if "fork" in str(error) else 2
    if code == 0 and sql.connect(server.location).query("1").read_all().num_rows != 1:
        code = 3
    os._exit(code)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert client.query("1").read_all().num_rows == 1
"""
    )


# ---- sessions and progress ----


class Cookies(flight.ClientMiddlewareFactory):
    """Keeps what the server sets, as clients with sessions do."""

    def __init__(self):
        self.cookie = None

    def start_call(self, info):
        return CookieCall(self)


class CookieCall(flight.ClientMiddleware):
    def __init__(self, jar):
        super().__init__()
        self.jar = jar

    def sending_headers(self):
        return {"cookie": self.jar.cookie} if self.jar.cookie else {}

    def received_headers(self, headers):
        for value in headers.get("set-cookie", []):
            self.jar.cookie = value.split(";")[0]


class WithOptions(sql.Server):
    """Its sessions are dicts of their options."""

    def __init__(self):
        super().__init__("grpc://localhost:0")

    def open_session(self, call):
        return {}

    def set_option(self, session, name, value):
        if name == "unknown":
            raise KeyError(name)
        if name == "schema" and not isinstance(value, (str, type(None))):
            raise TypeError("a schema is text")
        if name == "broken":
            raise RuntimeError("no connection")
        session[name] = value
        if value is None:
            del session[name]

    def execute(self, call, query, parameters):
        return pa.table({"option": [json.dumps(call.session.get(query))]})


def test_options_of_a_session_are_set(monkeypatch):
    """Goal: what a client sets is there for its statements, taken back, refused with a reason, and gone with the session."""
    complaints = []
    monkeypatch.setattr("sys.unraisablehook", complaints.append)
    with WithOptions() as server, sql.connect(server.location, middleware=[Cookies()]) as client:
        with flight.connect(server.location, middleware=[Cookies()]) as plain:
            def option(name):
                return json.loads(client.query(name).read_all().column(0)[0].as_py())

            values = {"schema": "main", "limit": 7, "ratio": 0.5, "on": True, "path": ["a", "b"]}
            assert client.set_session_options(values) == {}
            assert {name: option(name) for name in values} == values
            assert client.get_session_options() == values
            assert client.set_session_options({"unknown": 1, "schema": 2, "broken": 3, "limit": 8}) == {
                "unknown": flight.SessionOptionError.INVALID_NAME,
                "schema": flight.SessionOptionError.INVALID_VALUE,
                "broken": flight.SessionOptionError.ERROR,
            }
            assert option("schema") == "main" and option("limit") == 8
            assert client.set_session_options({"schema": None}) == {} and option("schema") is None
            assert plain.get_session_options() == {}
            client.close_session()
            with pytest.raises(pa.ArrowInvalid, match="has ended"):
                option("limit")
    assert [str(complaint.exc_value) for complaint in complaints] == ["no connection"]


class Slow(sql.Server):
    """A query that takes until it is told to go on."""

    def __init__(self):
        self.go = threading.Event()
        self.kept = None
        super().__init__("grpc://localhost:0", limits={"poll_wait": 0.05})

    def prepare(self, call, query):
        call.set_progress(0.9)  # nothing runs
        return sql.Plan(schema=pa.schema([("n", pa.int64())]), is_update=False)

    def execute(self, call, query, parameters):
        self.kept = call.set_progress
        for wrong in (-0.1, 1.5, float("nan")):
            with pytest.raises(ValueError, match="from 0 to 1"):
                call.set_progress(wrong)
        with pytest.raises(TypeError):
            call.set_progress("half")
        other = threading.Thread(target=call.set_progress, args=(0.25,))
        other.start()
        other.join()
        assert self.go.wait(WATCHDOG_S)
        return pa.table({"n": pa.array([1, 2], pa.int64())})


def test_a_client_that_polls_sees_the_progress():
    def field(number, value):
        return bytes([number << 3 | 2, len(value)]) + value

    command = field(1, b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery") + field(2, field(1, b"q"))
    with Slow() as server, flight.connect(server.location) as client:
        poll = client.poll_flight_info(flight.FlightDescriptor.for_command(command))
        while poll.progress != 0.25:
            assert poll.descriptor is not None and poll.progress in (None, 0)
            poll = client.poll_flight_info(poll.descriptor)
        server.go.set()
        while poll.descriptor is not None:
            poll = client.poll_flight_info(poll.descriptor)
        assert client.do_get(poll.info.endpoints[0].ticket).read_all().num_rows == 2
        server.kept(0.5)  # of a statement that is over
