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
