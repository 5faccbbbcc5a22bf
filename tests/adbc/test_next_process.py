# SPDX-License-Identifier: Apache-2.0
"""An upgrade of `cflight serve`: its tokens end with the process, and clients log in again by themselves, so that nobody
who uses one notices. Each client here lives through a restart of its server."""

import contextlib
import subprocess
import sys

import adbc_driver_manager.dbapi
import cflight as flight
import pyarrow as pa
import pytest

import cflight_command
from terminal import CONTROL_D, Terminal

PASSWORD = "a quiet word"


class Service:
    """A served database that can be restarted where it is."""

    def __init__(self, file, users):
        self.arguments = (f"sqlite:{file}", "--auth-file", users)
        self.command = cflight_command.Command(cflight_command.find_command())
        self.stack = contextlib.ExitStack()
        self.location = "grpc://127.0.0.1:0"
        self.start()

    def start(self):
        server = self.stack.enter_context(self.command.serving(*self.arguments, listen=self.location))
        self.location = server.location

    def restart(self):
        self.stack.close()
        self.start()


@pytest.fixture
def service(driver, tmp_path, monkeypatch):
    if cflight_command.find_command() is None:
        pytest.fail("the command cflight is not built; set CFLIGHT_BIN")
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True).stdout
    (tmp_path / "users").write_text(f"ann:{hashed}")
    (tmp_path / "users").chmod(0o600)
    (tmp_path / "file.db").touch()
    made = Service(tmp_path / "file.db", tmp_path / "users")
    with made.stack:
        yield made


def test_the_driver_logs_in_again(service, driver):
    """Queries, updates and prepared statements that begin afterwards."""
    options = {"uri": service.location, "username": "ann", "password": PASSWORD}
    with contextlib.closing(adbc_driver_manager.dbapi.connect(driver=driver, db_kwargs=options, autocommit=True)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE t (a INT)")
            for turn in range(3):
                service.restart()
                cursor.execute("INSERT INTO t VALUES (?)", (turn,))
                cursor.execute("SELECT count(*) FROM t")
                assert cursor.fetchone() == (turn + 1,)


def test_a_prompt_logs_in_again(service, tmp_path):
    """It keeps cookies, so it is told once that its session has ended: what was in that is gone. Then it goes on."""
    terminal = Terminal(service.command.path, "sql", service.location, "--user", "ann", TERM="dumb",
                        CFLIGHT_PASSWORD=PASSWORD, XDG_STATE_HOME=tmp_path)
    with terminal:
        terminal.wait("sql> ")
        assert "1 row" in terminal.run("SELECT 17 AS n;")
        for statement, shown in [("SELECT 18 AS n;", "1 row"), ("CREATE TABLE t (a INT);", ""), ("INSERT INTO t VALUES (1);", "1 row")]:
            service.restart()
            assert "The session that arrow_flight_session_id names is unknown or has ended" in terminal.run(statement)
            told = terminal.run(statement)
            assert shown in told and "error" not in told
        terminal.type(CONTROL_D)
        assert terminal.close() == 0


def test_a_token_provider_logs_in_again(service):
    """A client in Python, whose provider is what the guide shows: for each token that was refused, another login."""
    logins = []

    def login(refused):
        if refused or not logins:
            with flight.connect(service.location) as other:
                logins.append(other.authenticate_basic_token("ann", PASSWORD)[1].decode().removeprefix("Bearer "))
        return logins[-1]

    command = flight.FlightDescriptor.for_command(b"")
    with flight.connect(service.location, token_provider=login) as client:
        for turn in range(3):
            assert {each.type for each in client.list_actions()} >= {"BeginTransaction"}
            with pytest.raises(pa.ArrowInvalid, match="not a command of Flight SQL"):
                client.get_flight_info(command)
            assert len(logins) == turn + 1
            service.restart()


def test_a_wrong_password_is_told_after_it_too(service, driver, tmp_path):
    """Goal: what is repeated is a login, and not a failure for ever. Method: the user has gone meanwhile."""
    options = {"uri": service.location, "username": "ann", "password": PASSWORD}
    with contextlib.closing(adbc_driver_manager.dbapi.connect(driver=driver, db_kwargs=options, autocommit=True)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            (tmp_path / "users").write_text("bob:!\n")
            service.restart()
            with pytest.raises(adbc_driver_manager.Error, match="Wrong user name or password"):
                cursor.execute("SELECT 1")
