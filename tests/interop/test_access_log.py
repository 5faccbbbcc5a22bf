# SPDX-License-Identifier: Apache-2.0
"""The access log of `cflight serve`: a line for each call, in a file that may be renamed."""

import contextlib
import datetime
import json
import os
import re
import signal
import subprocess

import pyarrow as pa
import pyarrow.flight as fl
import pytest

import cflight_command

TABLE = pa.table({"n": pa.array([1, 2, None], pa.int32())})


@pytest.fixture
def directory(tmp_path):
    place = tmp_path / "served"
    place.mkdir()
    with pa.OSFile(str(place / "prices.arrow"), "wb") as sink, pa.ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return place


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_call_leaves_a_line(cflight, directory, tmp_path):
    log = tmp_path / "access.log"
    before = datetime.datetime.now(datetime.timezone.utc)
    with cflight.serving(directory, "--writable", "--access-log", log, "--log-format", "json") as server:
        with fl.connect(server.location) as client:
            client.do_get(fl.Ticket(b"prices")).read_all()
            list(client.list_flights())
            with pytest.raises(pa.ArrowException):
                client.get_flight_info(fl.FlightDescriptor.for_path('no "such"\ttable'))
            writer, _ = client.do_put(fl.FlightDescriptor.for_path("new"), TABLE.schema)
            writer.write_table(TABLE)
            writer.close()
    get, listing, info, put = lines_of(log)
    assert (get["method"], get["status"], get["subject"]) == ("DoGet", "OK", "prices")
    assert get["messages_sent"] == 2 and get["bytes_sent"] > 100 and get["messages_received"] == 1
    assert (listing["method"], "subject" in listing, listing["messages_sent"]) == ("ListFlights", False, 1)
    assert (info["method"], info["status"]) == ("GetFlightInfo", "INVALID_ARGUMENT") and info["error"]
    assert (put["method"], put["subject"], put["status"]) == ("DoPut", "new", "OK")
    assert all(line["peer"].startswith("ipv") and line["duration_ms"] >= 0 and "user" not in line for line in (get, put))
    assert before <= datetime.datetime.fromisoformat(get["time"].replace("Z", "+00:00")) <= datetime.datetime.now(datetime.timezone.utc)


def test_users_are_named_and_refused_logins_are_there(cflight, directory, tmp_path):
    log, users = tmp_path / "access.log", tmp_path / "users"
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], check=True, capture_output=True, text=True).stdout.strip()
    users.write_text(f"ann:{hashed}\n")
    users.chmod(0o600)
    with cflight.serving(directory, "--auth-file", users, "--access-log", log, "--log-format", "json") as server:
        with fl.connect(server.location) as client:
            with pytest.raises(fl.FlightUnauthenticatedError):
                list(client.list_flights())
            token = client.authenticate_basic_token("ann", "secret")
            list(client.list_flights(b"", fl.FlightCallOptions(headers=[token])))
    refused, login, listing = lines_of(log)
    assert (refused["method"], refused["status"], "user" in refused) == ("ListFlights", "UNAUTHENTICATED", False)
    assert (login["method"], login["status"]) == ("Handshake", "OK")
    assert (listing["method"], listing["status"], listing["user"]) == ("ListFlights", "OK", "ann")
    assert "secret" not in log.read_text() and token[1].decode() not in log.read_text()


def test_a_renamed_log_is_opened_again(cflight, directory, tmp_path):
    """Goal: logs are rotated without a restart, and no line is lost. Method: rename, SIGHUP, and calls until the new one
    has a line."""
    log = tmp_path / "access.log"
    with cflight.serving(directory, "--access-log", log) as server, fl.connect(server.location) as client:
        list(client.list_flights())
        log.rename(tmp_path / "access.log.1")
        list(client.list_flights())
        server.process.send_signal(signal.SIGHUP)
        count = 0
        while not log.exists() or not log.read_text():  # the server's part
            client.do_get(fl.Ticket(b"prices")).read_all()
            count += 1
    old, new = (tmp_path / "access.log.1").read_text().splitlines(), log.read_text().splitlines()
    assert [line.split()[1] for line in old[:2]] == ["ListFlights"] * 2
    assert [line.split()[1] for line in old[2:] + new] == ["DoGet"] * count
    time, rest = new[-1].split(" ", 1)
    assert rest.startswith("DoGet ipv") and ", about 'prices'" in rest
    assert datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).tzinfo


def test_lines_go_to_standard_error(cflight, directory):
    with cflight.serving(directory, "--access-log", "-") as server, fl.connect(server.location) as client:
        list(client.list_flights())
        server.wait_for_message("ListFlights ipv")


@pytest.mark.parametrize("given, words", [
    (["--access-log", "/no/such/folder/log"], "cannot open the log '/no/such/folder/log'"),
    (["--log-format", "xml"], "--log-format takes text or json, not 'xml'"),
])
def test_what_cannot_be_meant_is_refused(cflight, directory, given, words):
    done = cflight.run("serve", directory, "--listen", "grpc://127.0.0.1:0", *given)
    assert done.returncode != 0 and words in done.stderr, done.stderr


@contextlib.contextmanager
def serving_unread(cflight, directory):
    """A server whose standard error is a full pipe, and the other end of that."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b" " * 4095 + b"\n")
    os.set_blocking(writer, True)
    process = subprocess.Popen([cflight.path, "serve", directory, "--listen", "grpc://localhost:0", "--access-log", "-"],
                               stdout=subprocess.PIPE, stderr=writer, text=True, env=cflight_command.environment())
    os.close(writer)
    with process, os.fdopen(reader) as messages:
        try:
            yield process, messages
        finally:
            process.kill()


def test_nobody_waits_for_who_reads_standard_error(cflight, directory):
    """Goal: with a full pipe that nobody reads the server serves, and ends. Method: more lines than are kept; then the
    pipe is read, and says that lines were left out."""
    with serving_unread(cflight, directory) as (process, messages):
        location = process.stdout.readline().split()[-1]
        with fl.connect(location) as client:
            descriptor = fl.FlightDescriptor.for_path("no-such-flight" * 10)
            for _ in range(2000):
                with pytest.raises(KeyError):
                    client.get_flight_info(descriptor, fl.FlightCallOptions(timeout=cflight_command.LIMIT_S))
        process.send_signal(signal.SIGTERM)
        lines = [line for line in messages if line.strip()]
        assert process.wait(cflight_command.LIMIT_S) == 0
    kept = sum("no-such-flight" in line for line in lines)
    lost = re.search(r"(\d+) lines have been left out so far, as standard error was not read", "".join(lines[-5:]))
    # Of the server's own three messages some may be among those that were left out.
    assert 500 < kept < 2000 and 2000 <= kept + int(lost[1]) <= 2003, lines[-5:]


def test_a_server_ends_whose_standard_error_is_never_read(cflight, directory):
    with serving_unread(cflight, directory) as (process, _):
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(cflight_command.LIMIT_S) == 0
