# SPDX-License-Identifier: Apache-2.0
"""The prompt of `cflight sql`, on terminals: with a line editor, if the command has one, and without (TERM=dumb)."""

import os
import signal
import stat

import pytest

from sqlite_peer import SqlitePeer
from terminal import CONTROL_C, CONTROL_D, TAB, UP, Terminal


@pytest.fixture
def peer():
    with SqlitePeer() as server:
        yield server
        server.released.set()


@pytest.fixture(name="state", autouse=True)
def keep_state(tmp_path, monkeypatch):
    """Where histories are kept: not with those of the user."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "cflight" / "sql_history"


@pytest.fixture(name="has_editor", scope="session")
def find_editor(cflight):
    """Whether the command was built with libedit; what needs it is left out otherwise."""
    with open(cflight.path, "rb") as program:
        return b"cflight-complete" in program.read()


@pytest.fixture(name="editor")
def need_editor(has_editor):
    if not has_editor:
        pytest.skip("the command was built without libedit")


def open_prompt(cflight, location, *arguments, **variables):
    terminal = Terminal(cflight.path, "sql", location, *arguments, **variables)
    terminal.wait("sql> ")
    return terminal


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_statements_take_several_lines(cflight, peer, term):
    with open_prompt(cflight, peer.location, TERM=term) as terminal:
        assert "1 row" in terminal.run("SELECT 17 AS n;")
        terminal.run("SELECT 'a;", "  '> ")
        terminal.run("b' AS t, /* ;", "  *> ")
        terminal.run(";*/ $x$", "  $> ")
        terminal.run("$x$", "  -> ")
        assert "no such" not in terminal.run("-- ;", "  -> ")
        assert "error: " in terminal.run("; SELECT 18"), "what follows a failure is dropped"
        shown = terminal.run("SELECT 1 AS a; SELECT 2 AS b; SELECT", "  -> ")
        assert shown.split() == ["a", "int64", "-----", "1", "1", "row", "b", "int64", "-----", "2", "1", "row"]
        assert "3" in terminal.run("3 AS c;").split()
        terminal.type(CONTROL_D)
        assert terminal.close() == 0
    assert peer.calls[-1] == "CloseSession"


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_an_interrupt_stops_the_query_and_not_the_program(cflight, peer, term):
    with open_prompt(cflight, peer.location, TERM=term) as terminal:
        for _ in range(2):
            peer.hanging.clear()
            terminal.type("SELECT hang;\n")
            assert peer.hanging.wait(30)
            terminal.type(CONTROL_C)
            terminal.wait("cancelled\r\n")
            terminal.wait("sql> ")
        assert peer.calls.count("CancelFlightInfo") == 2
        assert "19" in terminal.run("SELECT 19 AS n;")
        terminal.type("\\q\n")
        assert terminal.close() == 0


def test_an_interrupt_reaches_the_engine(cflight, fresh_sql_service):
    with open_prompt(cflight, fresh_sql_service) as terminal:
        for statement in ["HANG;", "SLEEP;"] * 2:
            terminal.type(statement + "\n")
            terminal.wait(statement)
            terminal.type(CONTROL_C * 3)
            terminal.wait("sql> ")
        assert "0 rows affected" in terminal.run("CREATE t;")
        assert "0 rows" in terminal.run("SELECT t;")
        terminal.type(CONTROL_D)
        assert terminal.close() == 0


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_an_interrupt_drops_what_is_typed(cflight, peer, term):
    with open_prompt(cflight, peer.location, TERM=term) as terminal:
        terminal.run("SELECT 1 AS wrong,", "  -> ")
        terminal.type("2 AS more" + CONTROL_C)
        terminal.wait("sql> ")
        terminal.type(CONTROL_C)
        terminal.wait("sql> ")
        assert "wrong" not in terminal.run("SELECT 20 AS n;")
        terminal.run("SELECT 3", "  -> ")
        terminal.type(CONTROL_D)
        terminal.wait("the statement that was not ended was not run")
        assert terminal.close() == 0
    assert peer.calls.count("CommandStatementQuery") == 1


def test_names_of_tables_are_completed(cflight, peer, editor):
    for name in ["airports", "airlines", "birds", "\x1b[31mred", 'Odd "name']:
        quoted = name.replace('"', '""')
        peer.execute(f'CREATE TABLE "{quoted}" (n)')
    with open_prompt(cflight, peer.location) as terminal:
        terminal.type("SELECT 1 FROM BI" + TAB)
        terminal.wait("birds")
        terminal.type(";\n")
        terminal.wait("sql> ")
        terminal.type("SELECT 1 FROM ai" + TAB)
        terminal.wait("r")
        terminal.type(TAB)
        terminal.wait("airlines  airports")
        terminal.type("p" + TAB + ";\n")
        terminal.wait("0 rows")
        terminal.wait("sql> ")
        terminal.type("SELECT 1 FROM odd" + TAB + ";\n")
        terminal.wait('"Odd ""name"')
        terminal.wait("0 rows")
        terminal.wait("sql> ")
        terminal.type("\\tim" + TAB + "\n")
        terminal.wait("timing is on")
        assert peer.calls.count("CommandGetTables") == 1, "they are kept"
        terminal.run("CREATE TABLE birch (n);")
        terminal.type("SELECT 1 FROM birc" + TAB + ";\n")
        terminal.wait("0 rows")
        assert "no such" not in terminal.shown
        assert "\x1b[31m" not in terminal.shown
        terminal.wait("sql> ")
        terminal.type(CONTROL_D)
        assert terminal.close() == 0


def test_what_was_typed_is_there_the_next_time(cflight, peer, editor, state):
    with open_prompt(cflight, peer.location) as terminal:
        terminal.run("SELECT 'one\\two' AS a,", "  -> ")
        terminal.run("'x' AS b;")
        terminal.run(" SELECT 'secret' AS s;")
        terminal.run("\\timing")
        terminal.type(CONTROL_D)
        assert terminal.close() == 0
    assert stat.S_IMODE(state.stat().st_mode) == 0o600 and stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    assert state.read_text() == "SELECT 'one\\\\two' AS a,\\n'x' AS b;\n\\\\timing\n"
    state.chmod(0o644)
    with open_prompt(cflight, peer.location) as terminal:
        terminal.type(UP + UP + "\n")
        shown = terminal.wait("1 row")
        assert "one\\\\two" in shown and "x" in shown
        terminal.wait("sql> ")
        terminal.type(CONTROL_D)
        assert terminal.close() == 0
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    state.write_text("".join(f"SELECT {number};\n" for number in range(5000)))
    with open_prompt(cflight, peer.location) as terminal:
        terminal.type(UP)
        terminal.wait("4999")
        terminal.type(CONTROL_C)
        terminal.wait("sql> ")
    assert len(state.read_text().splitlines()) == 1000, "it does not grow without end"


def test_a_place_without_a_history_is_no_failure(cflight, peer, editor, tmp_path):
    (tmp_path / "file").write_text("")
    with Terminal(cflight.path, "sql", peer.location, XDG_STATE_HOME=tmp_path / "file") as terminal:
        terminal.wait("the history is not kept: ")
        terminal.wait("sql> ")
        assert "21" in terminal.run("SELECT 21 AS n;")
    with open_prompt(cflight, peer.location, XDG_STATE_HOME=None, HOME=None) as terminal:
        assert "21" in terminal.run("SELECT 21 AS n;")


def test_commands_show_what_there_is(cflight, peer):
    peer.execute("CREATE TABLE bird_s (code, n)")
    peer.execute("INSERT INTO bird_s VALUES ('a', 5)")
    peer.execute("CREATE TABLE birds (x)")
    with open_prompt(cflight, peer.location) as terminal:
        assert [line.split() for line in terminal.run("\\l").splitlines()] == [
            ["catalog_name"], ["string"], ["-" * 12], ["main"], ["1", "row"]]
        assert "any" in terminal.run("\\dn").split() and "s%" in terminal.run("\\dn s%").split()
        assert "bird_s" in terminal.run("\\d").split()
        shown = terminal.run("\\d bird_s;")
        assert [line.split() for line in shown.splitlines()] == [
            ["column_name", "type", "is_nullable"], ["string", "string", "bool"], ["-" * 11, "-" * 6, "-" * 11],
            ["code", "string", "true"], ["n", "int64", "true"], ["2", "rows"]]
        assert "code" in terminal.run('\\d "bird_s"')
        assert "there is no table 'bird_s'" in terminal.run("\\d any.bird_s"), "it has no schema"
        assert "error: NOT_FOUND: CommandGetTables: there is no table 'nothing'" in terminal.run("\\d nothing")
        assert "\\timing" in terminal.run("\\?")
        assert "there is no command '\\nothing'" in terminal.run("\\nothing")
        assert "takes no argument" in terminal.run("\\l x")
        terminal.run("\\x")
        assert "-- row 1 --" in terminal.run("SELECT * FROM bird_s;")
        terminal.run("\\x off")
        terminal.run("\\timing on")
        assert "1 row in " in terminal.run("SELECT * FROM bird_s;")
        assert "2 rows of a query" in terminal.run("\\rows 2")
        query = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 150) SELECT * FROM c;"
        assert "the first 2 rows" in terminal.run(query)
        terminal.run("\\rows all")
        assert "150 rows" in terminal.run(query)
        assert "error: " in terminal.run("\\rows -1")
        terminal.run("SELECT", "  -> ")
        assert "Statements may" in terminal.run("\\?", "  -> "), "within a statement, too"
        assert "77" in terminal.run("77 AS n;")
        terminal.type("\\q\n")
        assert terminal.close() == 0


def test_rows_go_into_a_file_once(cflight, peer, tmp_path):
    path = tmp_path / "rows.csv"
    with open_prompt(cflight, peer.location) as terminal:
        assert "ends in none of" in terminal.run(f"\\o {tmp_path}/rows.txt")
        terminal.run(f"\\o {path}")
        assert "error: " in terminal.run("SELECT * FROM nowhere;")
        assert not path.exists()
        terminal.run(f"\\o {path}")
        terminal.run("CREATE TABLE t (n);")
        assert "22" not in terminal.run("SELECT 22 AS n;")
        assert path.read_text() == "n\n22\n"
        assert "23" in terminal.run("SELECT 23 AS n;")
        assert path.read_text() == "n\n22\n"


def test_no_byte_of_the_server_drives_the_terminal(cflight, peer):
    with open_prompt(cflight, peer.location) as terminal:
        peer.execute("CREATE TABLE t (n)")
        peer.database.execute("INSERT INTO t VALUES (?)", ("\x1b[31m\x07red",))
        assert "\\x1b[31m\\x07red" in terminal.run("SELECT * FROM t;")
        peer.database.execute('ALTER TABLE t RENAME TO "\x1b[32mt"')
        assert "\\x1b[32mt" in terminal.run("\\d")
        assert "\x1b[31m" not in terminal.shown and "\x1b[32m" not in terminal.shown and "\x07" not in terminal.shown


def test_a_transaction_is_seen_at_the_prompt(cflight, fresh_sql_service):
    with open_prompt(cflight, fresh_sql_service) as terminal:
        terminal.run("CREATE t;")
        terminal.run("BEGIN;", "sql*> ")
        terminal.run("INSERT t 5;", "sql*> ")
        assert "error: " in terminal.run("FAIL it;", "sql*> "), "a failure does not end it"
        assert "rolled back" in terminal.run("ROLLBACK;")
        assert "0 rows" in terminal.run("SELECT t;")
        terminal.run("BEGIN;", "sql*> ")
        terminal.run("INSERT t 6;", "sql*> ")
        assert "committed" in terminal.run("COMMIT;")
        terminal.run("BEGIN;", "sql*> ")
        terminal.run("INSERT t 7;", "sql*> ")
        terminal.type(CONTROL_D)
        terminal.wait("rolled back")
        assert terminal.close() == 0
    assert cflight.run("sql", fresh_sql_service, "SELECT t", "--format", "csv").stdout.split()[1:] == ["6"]


def test_a_terminal_may_be_narrow_and_change(cflight, peer):
    with open_prompt(cflight, peer.location, columns=30) as terminal:
        query = f"SELECT '{'x' * 60}' AS a;"
        terminal.type(query + "\n")
        terminal.wait("1 row")
        assert "x…" in terminal.shown.replace("x" * 60, "")
        terminal.wait("sql> ")
        terminal.resize(120)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        assert "x" * 60 + "\n" in terminal.run(query)


def test_signals_end_it(cflight, peer):
    for number in (signal.SIGTERM, signal.SIGHUP):
        with open_prompt(cflight, peer.location) as terminal:
            terminal.process.send_signal(number)
            assert terminal.close() == 143
    assert peer.calls[-1] == "CloseSession"


def test_a_server_that_is_not_there_is_told_at_once(cflight):
    with Terminal(cflight.path, "sql", "grpc://localhost:1") as terminal:
        terminal.wait("UNAVAILABLE")
        assert terminal.close() == 3
    with Terminal(cflight.path, "sql", "grpc://localhost:1", "--transaction") as terminal:
        terminal.wait("--transaction is for scripts")
        assert terminal.close() == 2


def test_the_prompt_outlives_its_server(cflight, peer):
    with SqlitePeer() as other:
        location = other.location
        with open_prompt(cflight, location) as terminal:
            terminal.run("SELECT 1 AS n;")
            other.shutdown()
            assert "error: UNAVAILABLE: " in terminal.run("SELECT 2 AS n;")
            with SqlitePeer(location=location) as again:
                assert "3" in terminal.run("SELECT 3 AS n;").split()
                again.released.set()
            terminal.type(CONTROL_D)
            assert terminal.close() == 0


def test_a_time_limit_is_one_of_each_statement(cflight, peer):
    with open_prompt(cflight, peer.location, "--timeout", "1") as terminal:
        assert "error: DEADLINE_EXCEEDED" in terminal.run("SELECT hang;")
        assert "4" in terminal.run("SELECT 4 AS n;").split()


def test_without_a_terminal_for_notes_it_is_a_script(cflight, peer, tmp_path):
    """Standard error in a file: nobody would see a prompt."""
    shell = f'{cflight.path} sql {peer.location} --format csv 2>{tmp_path}/notes'
    with Terminal("sh", "-c", shell) as terminal:
        terminal.type("SELECT 5 AS five;\n" + CONTROL_D)
        terminal.wait("five\r\n5\r\n")
        assert terminal.close() == 0
    assert "sql> " not in terminal.shown
