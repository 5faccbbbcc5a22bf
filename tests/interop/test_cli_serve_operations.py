# SPDX-License-Identifier: Apache-2.0
"""What who runs `cflight serve` relies on: listeners, systemd, rights, files that change, the log, the end."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pyarrow as pa
import pyarrow.flight as fl
import pytest

import cflight_command

TABLE = pa.table({"n": pa.array(range(1000), pa.int64())})
PASSWORD = "s3cret"


@pytest.fixture(scope="module")
def hashed():
    return subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True).stdout.strip()


def write_file(path, table=TABLE):
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


@pytest.fixture
def data(tmp_path):
    for name in ("x", "public/a", "public/deep/b", "publicity", "private/p"):
        write_file(tmp_path / "data" / f"{name}.arrow")
    return tmp_path / "data"


def path_of(name):
    return fl.FlightDescriptor.for_path(name)


def put(client, name, options=None):
    writer, _ = client.do_put(path_of(name), TABLE.schema, options)
    with writer:
        writer.write_table(TABLE)


def names(client, options=None):
    return sorted(info.descriptor.path[0].decode() for info in client.list_flights(b"", options))


# ---- where it listens


def test_plain_tls_and_unix_together(cflight, certs, data, tmp_path):
    more = ("--listen", "grpc+tls://localhost:0", "--listen", f"grpc+unix://{tmp_path}/socket",
            "--tls-cert", certs / "server.pem", "--tls-key", certs / "server.key")
    with cflight.serving(data, *more, count=3) as server:
        assert [location.split("://")[0] for location in server.locations] == ["grpc", "grpc+tls", "grpc+unix"]
        for location in server.locations:
            roots = (certs / "ca.pem").read_bytes() if "tls" in location else None
            with fl.connect(location, tls_root_certs=roots) as client:
                assert client.do_get(fl.Ticket("x")).read_all().equals(TABLE)
    assert not (tmp_path / "socket").exists()


def test_endpoints_name_what_is_advertised(cflight, data):
    where = ["grpc://flights.example:32010", "grpc+tls://flights.example:443"]
    with cflight.serving(data, "--advertise", where[0], "--advertise", where[1]) as server, fl.connect(server.location) as client:
        (endpoint,) = client.get_flight_info(path_of("x")).endpoints
        assert [location.uri.decode() for location in endpoint.locations] == where
        assert all(len(info.endpoints[0].locations) == 2 for info in client.list_flights())


def test_by_default_clients_stay_where_they_asked(cflight, data):
    with cflight.serving(data, listen="grpc://0.0.0.0:0") as server:
        with fl.connect(f"grpc://127.0.0.1:{server.port}") as client:
            (endpoint,) = client.get_flight_info(path_of("x")).endpoints
            assert list(endpoint.locations) == []
        assert cflight.run("get", f"grpc://127.0.0.1:{server.port}", "x", "-o", "-", "--format", "csv").returncode == 0


@pytest.mark.parametrize("uri", ["grpc://0.0.0.0:1", "grpc://[::]:1", "grpc://0:1", "grpc://[0:0:0:0:0:0:0:0]:1", "grpc://0.0:1",
                                 "grpc://[::ffff:0.0.0.0]:1", "grpc+tls://0.0.0.0:1", "0.0.0.0:1", "grpc://host:0"])
def test_no_wildcard_is_advertised(cflight, data, uri):
    done = cflight.run("serve", data, "--listen", "grpc://localhost:0", "--advertise", uri)
    assert done.returncode == 2 and "no client can connect to" in done.stderr, done.stderr


# ---- systemd


class Manager:
    """A service manager: it has sockets, and listens to its service."""

    def __init__(self, directory):
        self.path = str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(cflight_command.LIMIT_S)
        self.passed = {}

    def expect(self, *wanted):
        """Reads states until one has all of these; gives it as a dictionary."""
        while True:
            state = dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())
            if all(state.get(key) == value for key, value in (want.split("=") for want in wanted)):
                return state

    def listen(self, name):
        self.passed[name] = socket.create_server(("127.0.0.1", 0))
        return self.passed[name].getsockname()[1]

    def environment(self, **more):
        return {"NOTIFY_SOCKET": self.path, "LISTEN_FDS": str(len(self.passed)), "LISTEN_FDNAMES": ":".join(self.passed), **more}

    def run(self, cflight, source, *arguments, count=1, listen=None, **more):
        """Starts the service as systemd would: sockets from descriptor 3 on, and the id of its process."""
        fds = [passed.fileno() for passed in self.passed.values()]
        moves = " ".join(f"{100 + i}<&{fd}" for i, fd in enumerate(fds))
        places = " ".join(f"{3 + i}<&{100 + i}" for i in range(len(fds)))
        script = (f"exec {moves}; " if fds else "") + f'LISTEN_PID=$$ exec "$@" {places}'
        command = cflight_command.Command(cflight.path)
        command.prefix = ["bash", "-c", script, "--"]
        return command.serving(source, *arguments, listen=listen, count=count, pass_fds=fds, env=self.environment(**more))


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path)
    yield manager
    manager.socket.close()
    for passed in manager.passed.values():
        passed.close()


def test_systemd_hears_of_every_state(cflight, data, manager):
    with manager.run(cflight, data, listen="grpc://localhost:0") as server:
        assert server.location in manager.expect("READY=1")["STATUS"]
        server.process.send_signal(signal.SIGHUP)
        before_us = int(manager.expect("RELOADING=1")["MONOTONIC_USEC"])
        assert 0 < before_us <= int(float(pathlib.Path("/proc/uptime").read_text().split()[0]) * 1e6) + 10**6
        manager.expect("READY=1")
        server.process.send_signal(signal.SIGTERM)
        assert int(manager.expect("STOPPING=1")["EXTEND_TIMEOUT_USEC"]) >= 30_000_000


def test_the_watchdog_is_fed(cflight, data, manager):
    with manager.run(cflight, data, listen="grpc://localhost:0", WATCHDOG_USEC="200000"):
        manager.expect("READY=1")
        for _ in range(3):
            manager.expect("WATCHDOG=1")


def test_sockets_are_passed_by_name(cflight, certs, data, manager):
    plain, tls = manager.listen("plain"), manager.listen("secure")
    options = ("--listen", "fd:plain", "--listen", "fd+tls:secure", "--tls-cert", certs / "server.pem", "--tls-key", certs / "server.key")
    with manager.run(cflight, data, *options, count=2) as server:
        assert server.locations == [f"grpc://127.0.0.1:{plain}", f"grpc+tls://127.0.0.1:{tls}"]
        with fl.connect(server.locations[0]) as client:
            assert "x" in names(client)
        with fl.connect(f"grpc+tls://localhost:{tls}", tls_root_certs=(certs / "ca.pem").read_bytes()) as client:
            assert "x" in names(client)


def test_a_restart_behind_a_socket_refuses_nobody(cflight, data, manager):
    """Who connects while no server is there waits for the next one."""
    port = manager.listen("cflight.socket")
    for _ in range(2):
        answers = []
        caller = threading.Thread(target=lambda: answers.append(cflight.run("list", f"grpc://127.0.0.1:{port}")))
        caller.start()
        with manager.run(cflight, data) as server:
            assert server.location == f"grpc://127.0.0.1:{port}"
            caller.join(cflight_command.LIMIT_S)
        assert answers[0].returncode == 0, answers[0].stderr


@pytest.mark.parametrize("options, words", [
    (("--listen", "fd:other"), "no socket 'other' was passed"),
    (("--listen", "grpc://localhost:0"), "the socket 'one' was passed to this process, and no --listen names it"),
    (("--listen", "fd:one", "--listen", "fd:one"), "names the socket 'one' twice"),
])
def test_sockets_that_make_no_sense_are_refused(cflight, data, manager, options, words):
    manager.listen("one")
    with pytest.raises(AssertionError, match=re.escape(words)):
        with manager.run(cflight, data, *options):
            pass


def test_sockets_of_another_process_are_not_taken(cflight, data):
    env = {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
    with cflight.serving(data, env=env) as server:
        assert server.location.startswith("grpc://localhost:")


# ---- rights

RIGHTS = """
# who may what
[ann]
read = *
write = *

[bob]
read = public/
write = inbox/bob

[dropper]
write = inbox
[none]
[*]
read = public/deep
"""


@contextlib.contextmanager
def served_with_rights(cflight, data, hashed, tmp_path, rights=RIGHTS):
    users = tmp_path / "users"
    users.write_text("".join(f"{name}:{hashed}\n" for name in ("ann", "bob", "dropper", "none", "zoe", "Ann")))
    users.chmod(0o600)
    (tmp_path / "rights").write_text(rights)
    with cflight.serving(data, "--writable", "--auth-file", users, "--rights", tmp_path / "rights") as server:
        with fl.connect(server.location) as client:
            def login(name):
                return fl.FlightCallOptions(headers=[client.authenticate_basic_token(name, PASSWORD)])
            yield server, client, login


def test_users_see_what_they_may(cflight, data, hashed, tmp_path):
    everything = ["private/p", "public/a", "public/deep/b", "publicity", "x"]
    with served_with_rights(cflight, data, hashed, tmp_path) as (_, client, login):
        assert names(client, login("ann")) == everything
        assert names(client, login("bob")) == ["public/a", "public/deep/b"]
        assert names(client, login("dropper")) == names(client, login("none")) == []
        assert names(client, login("zoe")) == names(client, login("Ann")) == ["public/deep/b"], "by [*]: names have case"
        bob = login("bob")
        assert client.do_get(fl.Ticket("public/a"), bob).read_all().equals(TABLE)
        assert client.get_flight_info(path_of("public/a"), bob).total_records == 1000


@pytest.mark.parametrize("name", ["private/p", "publicity", "x", "nothing", "PUBLIC/a", "public"])
def test_what_a_user_may_not_see_is_not_there(cflight, data, hashed, tmp_path, name):
    """In the same words, whether or not there is such a flight."""
    with served_with_rights(cflight, data, hashed, tmp_path) as (_, client, login):
        bob = login("bob")
        calls = (lambda: client.do_get(fl.Ticket(name), bob).read_all(), lambda: client.get_flight_info(path_of(name), bob),
                 lambda: client.get_schema(path_of(name), bob))
        for call in calls:
            with pytest.raises(KeyError, match=f"there is no flight '{name}'"):
                call()


@pytest.mark.parametrize("name", ["public/../private/p", "./private/p", "public//a", "", "public/.", "public/a/../../x"])
def test_no_name_leads_around_the_rights(cflight, data, hashed, tmp_path, name):
    with served_with_rights(cflight, data, hashed, tmp_path) as (_, client, login):
        for call in (lambda: client.do_get(fl.Ticket(name), login("bob")).read_all(), lambda: put(client, name, login("dropper"))):
            with pytest.raises(pa.ArrowInvalid, match="cannot be the name of a flight"):
                call()


def test_uploads_need_the_right(cflight, data, hashed, tmp_path):
    with served_with_rights(cflight, data, hashed, tmp_path) as (_, client, login):
        bob, dropper = login("bob"), login("dropper")
        for name in ("public/a", "public/new", "private/p", "inbox/bobby", "inbox"):
            with pytest.raises(fl.FlightUnauthorizedError, match=f"you have no right to upload flight '{name}'"):
                put(client, name, bob)
        put(client, "inbox/bob/1", bob)
        put(client, "inbox/2", dropper)
        with pytest.raises(KeyError):
            client.do_get(fl.Ticket("inbox/2"), dropper).read_all()
        assert "inbox/bob/1" in names(client, login("ann"))
        assert not (data / "public/new.arrow").exists()


def test_rights_that_change_are_taken(cflight, data, hashed, tmp_path):
    """Without a signal; a file that makes no sense changes nothing."""
    with served_with_rights(cflight, data, hashed, tmp_path) as (server, client, login):
        bob = login("bob")
        (tmp_path / "rights").write_text("[bob]\nread = ../x\n")
        server.wait_for_message("rights were not taken, what was read before stays")
        assert "line 2" in server.messages()
        assert names(client, bob) == ["public/a", "public/deep/b"]
        (tmp_path / "rights").write_text("[bob]\nread = x\n")
        server.wait_for_message("rights were read again")
        assert names(client, bob) == ["x"]


@pytest.mark.parametrize("text, words", [
    ("read = x\n", "line 1: a right before the first [NAME]"), ("[a]\nread =\n", "line 2: '' cannot be the name"),
    ("[a]\nread = ..\n", "begins with a dot"), ("[a]\nread = a/../b\n", "begins with a dot"), ("[a]\nread = /\n", "empty element"),
    ("[a]\nread = /etc\n", "empty element"), ("[a]\nRead = x\n", "the rights are read and write"), ("[a]\nread x\n", "expected is [NAME]"),
    ("[a]\n[a]\n", "a section already"), ("[]\n", "a section is [NAME]"), ("[a\n", "a section is [NAME]"), ("[a]\nread = a*\n", "no patterns"),
    ("[a]\nread = x\0y\n", "zero byte"), ("[a]\nread = a//b\n", "empty element"),
])
def test_rights_that_make_no_sense_are_told(cflight, data, hashed, tmp_path, text, words):
    (tmp_path / "users").write_text(f"a:{hashed}\n")
    (tmp_path / "rights").write_text(text)
    done = cflight.run("serve", data, "--listen", "grpc://localhost:0", "--auth-file", tmp_path / "users", "--rights", tmp_path / "rights")
    assert done.returncode == 1 and words in done.stderr, done.stderr


def test_rights_need_somebody(cflight, data, tmp_path):
    done = cflight.run("serve", data, "--rights", tmp_path / "rights")
    assert done.returncode == 2 and "--rights needs --auth-file or --tls-ca" in done.stderr
    done = cflight.run("serve", "sqlite:x.db", "--rights", tmp_path / "rights")
    assert done.returncode == 2 and "--rights needs --auth-file or --tls-ca" in done.stderr
    done = cflight.run("serve", "sqlite:x.db", "--advertise", "grpc://flights.example.com:32010")
    assert done.returncode == 2 and "--advertise is of directories" in done.stderr


# ---- files that change


def test_certificates_change_without_a_break(cflight, certs, data, tmp_path):
    """No signal, no broken connection, and no half of a pair: it is told, and the old one stays."""
    for ending in ("pem", "key"):
        shutil.copy(certs / f"server.{ending}", tmp_path / f"used.{ending}")
    roots = (certs / "ca.pem").read_bytes()
    options = ("--tls-cert", tmp_path / "used.pem", "--tls-key", tmp_path / "used.key")
    with cflight.serving(data, *options, listen="grpc+tls://localhost:0") as server, fl.connect(server.location, tls_root_certs=roots) as old:
        assert "x" in names(old)
        shutil.copy(certs / "other.pem", tmp_path / "used.pem")  # the key is still the former one
        server.wait_for_message("certificates were not taken, what was read before stays")
        cflight.run("list", server.location, "--tls-roots", certs / "ca.pem", check=True)
        shutil.copy(certs / "other.key", tmp_path / "used.key")
        server.wait_for_message("certificates were read again")
        assert cflight.run("list", server.location, "--tls-roots", certs / "ca.pem").returncode == 3
        cflight.run("list", server.location, "--tls-roots", certs / "ca.pem", "--tls-name", "other.example", check=True)
        assert "x" in names(old), "on the connection from before"
        assert server.messages().count("certificates were") == 2


def test_users_change_without_a_signal(cflight, data, hashed, tmp_path):
    users = tmp_path / "users"
    users.write_text(f"ann:{hashed}\n")
    users.chmod(0o600)
    with cflight.serving(data, "--auth-file", users) as server, fl.connect(server.location) as client:
        token = fl.FlightCallOptions(headers=[client.authenticate_basic_token("ann", PASSWORD)])
        assert "x" in names(client, token)
        users.write_text("ann\n")
        server.wait_for_message("users were not taken, what was read before stays")
        assert "x" in names(client, token)
        users.write_text(f"bob:{hashed}\n")
        server.wait_for_message("users were read again; 1 token ended")
        with pytest.raises(fl.FlightUnauthenticatedError):
            names(client, token)


# ---- the log


def test_the_log_is_json_where_asked(cflight, data):
    with cflight.serving(data, "--log-format", "json", "--access-log", "-", "--handlers-max", "7") as server:
        with fl.connect(server.location) as client:
            with pytest.raises(KeyError):
                client.do_get(fl.Ticket('no "such"\\flight')).read_all()
    lines = [json.loads(line) for line in server.lines]
    start, call, *_ = lines
    assert start["level"] == "notice" and start["time"].endswith("Z") and server.location in start["message"]
    assert "with health, reflection, access log; limits: --handlers-max 7, open files " in start["message"]
    assert (call["method"], call["status"]) == ("DoGet", "NOT_FOUND")
    assert [line["message"] for line in lines[2:]] == ["draining: no new calls; running ones have 30 s", "ended"]


@pytest.mark.parametrize("level, expected", [("error", 0), ("warn", 0), ("notice", 3), ("info", 4)])
def test_levels_choose_lines(cflight, certs, data, level, expected):
    options = ("--tls-cert", certs / "server.pem", "--tls-key", certs / "server.key", "--log-level", level)
    with cflight.serving(data, *options, listen="grpc+tls://localhost:0") as server:
        cflight.run("list", server.location, "--tls-roots", certs / "ca.pem", check=True)
    assert all(re.match(r"\S+Z (notice|info) cflight: ", line) for line in server.lines)
    assert len(server.lines) == expected, server.messages()


def test_too_few_descriptors_are_told(cflight, data):
    command = cflight_command.Command(cflight.path)
    command.prefix = ["bash", "-c", 'ulimit -n 500; exec "$@"', "--"]
    with command.serving(data) as server:
        server.wait_for_message("the limit of open files, 500, is too small for 10000 connections")
    with command.serving(data, "--connections-max", "300") as server:
        server.wait_for_message("open files 500")
    assert "too small" not in server.messages()


# ---- the end


def test_draining_ends_what_runs_and_refuses_what_is_new(cflight, data):
    """A download that is read slowly ends whole; a second connection is refused meanwhile."""
    rows = pa.table({"n": pa.array(range(4_000_000), pa.int64())})
    write_file(data / "large.arrow", rows)
    with cflight.serving(data) as server, fl.connect(server.location) as client:
        reader = client.do_get(fl.Ticket("large"))
        first = reader.read_chunk().data
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_message("draining: no new calls")
        with pytest.raises(fl.FlightUnavailableError):
            while True:  # until the socket is closed
                with fl.connect(server.location) as late:
                    names(late)
        assert first.num_rows + reader.read_all().num_rows == rows.num_rows
        assert server.process.wait(cflight_command.LIMIT_S) == 0


def test_who_is_in_the_tls_handshake_is_sent_elsewhere(cflight, certs, data):
    """A server that shuts down ends the handshake and says GOAWAY, so that the client knows to go to the next one."""
    options = ("--tls-cert", certs / "server.pem", "--tls-key", certs / "server.key")
    context = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    context.set_alpn_protocols(["h2"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with cflight.serving(data, *options, listen="grpc+tls://localhost:0") as server:
        with socket.create_connection(("localhost", server.port), timeout=cflight_command.LIMIT_S) as link:
            with pytest.raises(ssl.SSLWantReadError):
                peer.do_handshake()
            link.sendall(outgoing.read())
            incoming.write(link.recv(65536))  # the server's part: it has taken the connection
            server.process.send_signal(signal.SIGTERM)
            server.wait_for_message("draining: no new calls")
            peer.do_handshake()
            link.sendall(outgoing.read())
            frames = b""
            for piece in iter(lambda: link.recv(65536), b""):
                incoming.write(piece)
                with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                    for part in iter(lambda: peer.read(65536), b""):
                        frames += part
    kinds = []
    while frames:
        size, kinds = int.from_bytes(frames[:3], "big"), [*kinds, frames[3]]
        frames = frames[9 + size:]
    assert 4 in kinds and 7 in kinds, "SETTINGS and GOAWAY"


def test_a_second_signal_cuts(cflight, data):
    write_file(data / "large.arrow", pa.table({"n": pa.array(range(4_000_000), pa.int64())}))
    with cflight.serving(data, "--grace", "600") as server, fl.connect(server.location) as client:
        reader = client.do_get(fl.Ticket("large"))
        reader.read_chunk()
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_message("draining")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(cflight_command.LIMIT_S) == 0
        with pytest.raises(pa.ArrowException):
            reader.read_all()
        assert "running calls are cut" in server.messages()
