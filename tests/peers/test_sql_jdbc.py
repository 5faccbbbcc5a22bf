# SPDX-License-Identifier: Apache-2.0
"""The JDBC driver for Flight SQL against a server of the kit (duckdb_server.py); tests/peers/jdbc has the cases."""

import contextlib
import threading

import pytest

import duckdb_server
import sql_server_full as sql_server  # the example

pytestmark = pytest.mark.timeout(900)  # the first time the peer is built

LIMIT_S = 120


class Driver:
    """A program that runs cases, each a line of its input."""

    def __init__(self, process, server):
        self.process = process
        self.server = server

    def run(self, case):
        """Fails with what the program says."""
        self.process.stdin.write(case + "\n")
        self.process.stdin.flush()
        watchdog = threading.Timer(LIMIT_S, self.process.kill)
        watchdog.start()
        lines = list(iter(self.process.stdout.readline, ".\n")) if self.process.poll() is None else ["it has ended"]
        watchdog.cancel()
        said = [line for line in lines if line == "ok\n"]
        assert said == ["ok\n"], "".join(lines)

    def calls(self, case):
        """The methods that the server was called by."""
        self.server.calls.seen.clear()
        self.server.asked.clear()
        self.run(case)
        return [method for method, _ in self.server.calls.seen]


@pytest.fixture(name="connect", scope="module")
def make_connect(peer, run):
    """Gives a driver for a server."""

    @contextlib.contextmanager
    def started(server):
        url = f"jdbc:arrow-flight-sql://127.0.0.1:{server.port}/?useEncryption=false"
        with run([*peer("jdbc"), url]) as process:
            yield Driver(process, server)

    return started


@pytest.fixture(name="driver", scope="module")
def start_driver(connect):
    with duckdb_server.Database() as server, connect(server) as driver:
        yield driver


@pytest.mark.parametrize("case", [
    "getters", "about", "listings", "columns", "keys", "queries", "manyRows", "types", "updates", "parameters",
    "parameterTypes", "nullParameters", "batch", "session", "autoCommit", "errors", "longError", "cancel"])
def test_jdbc(driver, case):
    assert driver.calls(case)


@pytest.mark.parametrize("case", ["connect", "emptyListings"])
def test_the_driver_answers_itself(driver, case):
    assert driver.calls(case) == []


def test_a_query_is_prepared_first(driver):
    """A query is three calls and an update two. What a Statement object ran is closed with that object."""
    assert driver.calls("manyRows") == ["DO_ACTION", "GET_FLIGHT_INFO", "DO_GET", "DO_ACTION"]
    assert driver.calls("session") == ["DO_ACTION", "DO_PUT", "DO_ACTION", "GET_FLIGHT_INFO", "DO_GET", "DO_ACTION"]


def test_updates_run_once(driver):
    driver.calls("updates")
    executed = [text for text in driver.server.asked if text.startswith("execute INSERT")]
    assert executed == ["execute INSERT INTO nests VALUES (1, 'oak'), (2, 'elm')"]


def test_a_batch_is_one_upload(driver):
    assert driver.calls("batch").count("DO_PUT") == 3  # with CREATE and DROP
    (rows,) = [text for text in driver.server.asked if text.startswith("execute INSERT")]
    assert rows.endswith("(499, 'flock 499'), (500, 'flock 500')]")


def test_the_first_call_has_no_cookie(driver):
    """All later ones have, and the session is that of the first."""
    driver.calls("session")
    cookies = ["cookie" in headers for _, headers in driver.server.calls.seen]
    assert cookies == [False] + [True] * (len(cookies) - 1)


def test_cancelling_ends_the_rows(driver):
    """At the server, too: nothing reads on."""
    driver.run("cancel")
    server = driver.server
    with server.changed:
        assert server.changed.wait_for(lambda: server.open_count == 0, LIMIT_S)


def test_a_user_logs_in_by_a_handshake(driver):
    assert driver.calls("login")[0] == "HANDSHAKE"
    (_, first), *rest = driver.server.calls.seen
    assert first["authorization"][0].startswith("Basic ")
    assert {headers["authorization"][0].split()[0] for _, headers in rest} == {"Bearer"}


def test_what_the_driver_does_not_know_is_a_header(driver):
    """But the catalog, which is an option of the session."""
    calls = driver.calls("catalogAndHeaders")
    # SetSessionOptions, a query, CloseSession
    assert calls == ["DO_ACTION", "DO_ACTION", "GET_FLIGHT_INFO", "DO_GET", "DO_ACTION", "DO_ACTION"]
    assert all(headers["database"] == ["birds"] for _, headers in driver.server.calls.seen)


def test_the_example_over_sqlite(connect):
    """Its plans have columns, without which the driver takes a query for an update."""
    with sql_server.Database("grpc://127.0.0.1:0") as server, connect(server) as driver:
        driver.run("untyped")
