# SPDX-License-Identifier: Apache-2.0
"""The log of requests of a server in Python: where its lines go, what is in them, and the turning of its file."""

import io
import json
import logging
import os
import threading

import cflight as flight
import pytest

from echo_server import EchoServer
from pairs import WATCHDOG_S

DESCRIPTORS = "/proc/self/fd"


class Named(EchoServer):
    """Says what a call is about."""

    def get_flight_info(self, context, descriptor):
        context.set_subject("the 'price' list")
        return super().get_flight_info(context, descriptor)


class Auth(flight.ServerAuthHandler):
    def authenticate(self, outgoing, incoming):
        outgoing.write(incoming.read())

    def is_valid(self, token):
        if not token:
            raise flight.FlightUnauthenticatedError("who is this?")
        return token


class Login(flight.ClientAuthHandler):
    def authenticate(self, outgoing, incoming):
        outgoing.write(b"alice")
        self.token = incoming.read()

    def get_token(self):
        return self.token


def call(server, command="x"):
    with flight.connect(server.location) as client:
        return client.get_flight_info(flight.FlightDescriptor.for_command(command))


def test_a_callable_gets_lines_for_people():
    lines = []
    with Named(request_log=lines.append) as server:
        call(server)
        with pytest.raises(KeyError):
            call(server, "missing")
    good, bad = lines
    assert good.startswith("GetFlightInfo ip") and " OK " in good and r"about 'the \x27price\x27 list'" in good
    assert " NOT_FOUND " in bad and bad.endswith("missing'")


def test_lines_for_programs_are_objects():
    lines = []
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with Named(request_log=lines.append, request_log_format="json", auth_handler=Auth()) as server:
        with flight.connect(server.location) as client:
            client.authenticate(Login())
            options = flight.FlightCallOptions(headers=[(b"traceparent", parent)])
            client.get_flight_info(flight.FlightDescriptor.for_command("x"), options)
    entry = json.loads(lines[-1])
    assert (entry["method"], entry["status"], entry["user"]) == ("GetFlightInfo", "OK", "alice")
    assert entry["subject"] == "the 'price' list" and entry["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert entry["messages_sent"] == 1 and entry["bytes_sent"] > 0 and entry["duration_ms"] > 0


def test_a_call_that_middleware_refuses_is_in_the_log():
    class Refusing(flight.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            raise flight.FlightUnauthorizedError("not you")

    lines = []
    with Named(request_log=lines.append, middleware={"m": Refusing()}) as server:
        with pytest.raises(flight.FlightUnauthorizedError):
            call(server)
    assert len(lines) == 1 and " PERMISSION_DENIED " in lines[0] and lines[0].endswith(": not you")


def test_a_text_file_gets_whole_lines():
    file = io.StringIO()
    with Named(request_log=file) as server:
        call(server)
        call(server)
    lines = file.getvalue().splitlines()
    assert len(lines) == 2 and all(line.startswith("GetFlightInfo") for line in lines)


def test_a_logger_gets_lines_at_the_level_of_information(caplog):
    with caplog.at_level(logging.INFO, "requests of a test"):
        with Named(request_log=logging.getLogger("requests of a test")) as server:
            call(server)
    (record,) = caplog.records
    assert record.levelno == logging.INFO and record.getMessage().startswith("GetFlightInfo")


@pytest.mark.parametrize("kind", [str, os.fsencode, lambda path: path], ids=["str", "bytes", "path"])
def test_a_file_is_appended_to(kind, tmp_path):
    path = tmp_path / "requests.log"
    path.write_text("before\n")
    with Named(request_log=kind(path)) as server:
        call(server)
    lines = path.read_text().splitlines()
    assert lines[0] == "before" and lines[1].startswith("GetFlightInfo") and len(lines) == 2
    with Named(request_log=path) as server:
        call(server)
    assert len(path.read_text().splitlines()) == 3


def test_a_new_file_is_for_its_owner_and_group(tmp_path):
    path = tmp_path / "requests.log"
    before = os.umask(0)
    try:
        with Named(request_log=path):
            assert path.stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)


def test_turning_the_file_loses_no_line(tmp_path):
    """Goal: each call has a line in one file or the other. Method: callers on threads while the file is turned."""
    path, count = tmp_path / "requests.log", 4
    turned = [tmp_path / f"requests.log.{n}" for n in range(5)]
    with Named(request_log=path, request_log_format="json") as server:
        stop = threading.Event()
        made = [0] * count

        def go(place):
            with flight.connect(server.location) as client:
                while not stop.is_set():
                    client.get_flight_info(flight.FlightDescriptor.for_command("x"))
                    made[place] += 1

        threads = [threading.Thread(target=go, args=(place,)) for place in range(count)]
        for thread in threads:
            thread.start()
        for old in turned:
            path.rename(old)
            server.reopen_request_log()
            call(server)
        stop.set()
        for thread in threads:
            thread.join(WATCHDOG_S)
    entries = [json.loads(line) for file in [*turned, path] for line in file.read_text().splitlines()]
    assert len(entries) == sum(made) + len(turned)
    assert path.read_text(), "nothing went to the last file"


def test_a_file_that_cannot_be_opened_again_leaves_the_old_one(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    path, moved = folder / "requests.log", tmp_path / "moved"
    with Named(request_log=path) as server:
        folder.rename(moved)
        with pytest.raises(FileNotFoundError):
            server.reopen_request_log()
        call(server)
    assert (moved / "requests.log").read_text().startswith("GetFlightInfo")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_callable_that_raises_disturbs_no_call():
    def fail(line):
        raise RuntimeError(line)

    with Named(request_log=fail) as server:
        assert call(server).total_records == 7


@pytest.mark.skipif(not os.path.exists(DESCRIPTORS), reason="no list of descriptors")
def test_descriptors_are_given_back(tmp_path):
    """Goal: neither a server that has ended nor one that could not start keeps the log's file open."""

    def count():
        targets = [os.path.join(DESCRIPTORS, name) for name in os.listdir(DESCRIPTORS)]
        return sum(os.path.islink(target) and os.readlink(target).startswith(str(tmp_path)) for target in targets)

    path = tmp_path / "requests.log"
    server = Named(request_log=path)
    assert count() == 1
    server.reopen_request_log()
    assert count() == 1
    with pytest.raises(flight.ArrowException):
        Named(server.location, request_log=path)
    with pytest.raises(TypeError):
        Named(request_log=path, write_options="no options")
    assert count() == 1
    server.shutdown()
    del server
    assert count() == 0


@pytest.mark.parametrize(
    ("kwargs", "error", "match"),
    [
        ({"request_log": 7}, TypeError, "a callable, not int"),
        ({"request_log": "/no/such/folder/log"}, FileNotFoundError, "/no/such/folder/log"),
        ({"request_log": print, "request_log_format": "xml"}, ValueError, "there are 'text' and 'json'"),
    ],
)
def test_a_log_that_makes_no_sense_is_refused(kwargs, error, match):
    with pytest.raises(error, match=match):
        Named(**kwargs)


def test_only_a_file_can_be_opened_again():
    with Named(request_log=print) as server, pytest.raises(ValueError, match="without the path"):
        server.reopen_request_log()
