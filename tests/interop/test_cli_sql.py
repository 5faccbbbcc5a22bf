# SPDX-License-Identifier: Apache-2.0
"""`cflight sql`, `tables` and `ingest` against a Flight SQL server that has nothing of cflight."""

import json
import re
import signal

import pyarrow as pa
import pytest

from sqlite_peer import SqlitePeer

ROWS = pa.table({"n": [1, 2, 3], "t": ["x", None, "z"]})


@pytest.fixture
def peer():
    with SqlitePeer() as server:
        yield server
        server.released.set()


def run(cflight, peer, *arguments, script=None):
    given = [] if script is None else ["-"]
    return cflight.run("sql", peer.location, *given, *arguments, input=script)


def write_file(path):
    with pa.ipc.new_file(str(path), ROWS.schema) as sink:
        sink.write_table(ROWS)
    return path


# Statements


def test_a_query_is_shown_as_a_table(cflight, peer):
    done = run(cflight, peer, "SELECT 17 AS n, 'x;y' AS t;")
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["n", "t"], ["int64", "string"], ["-----", "------"], ["17", "x;y"]]
    assert done.stderr == "cflight: 1 row\n"
    assert peer.calls == ["CommandStatementQuery", "CloseSession"]


def test_rows_go_into_files_of_every_format(cflight, peer, tmp_path):
    query = "SELECT 1 AS n UNION SELECT 2"
    for ending, read in [("csv", lambda path: path.read_text() == "n\n1\n2\n"),
                         ("jsonl", lambda path: [json.loads(line) for line in path.read_text().splitlines()]
                          == [{"n": 1}, {"n": 2}]),
                         ("arrow", lambda path: pa.ipc.open_file(str(path)).read_all().to_pydict() == {"n": [1, 2]}),
                         ("arrows", lambda path: pa.ipc.open_stream(path.read_bytes()).read_all().num_rows == 2)]:
        path = tmp_path / f"rows.{ending}"
        done = run(cflight, peer, query, "-o", path)
        assert done.returncode == 0, done.stderr
        assert read(path), ending


def test_a_table_has_a_limit_of_rows_and_says_so(cflight, peer):
    query = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 150) SELECT * FROM c"
    done = run(cflight, peer, query)
    assert len(done.stdout.splitlines()) == 103
    assert done.stderr == "cflight: the first 100 rows\n"
    assert len(run(cflight, peer, query, "-n", "7").stdout.splitlines()) == 10
    assert len(run(cflight, peer, query, "-n", "all").stdout.splitlines()) == 153


def test_a_script_runs_until_a_statement_fails(cflight, peer):
    done = run(cflight, peer, script="""-- a script; with quotes
        CREATE TABLE t (n INTEGER, t TEXT);
        INSERT INTO t VALUES (1, 'a;b'), (2, 'it''s');
        SELECT * FROM t; SELECT count(*) AS c FROM t;
        SELECT * FROM missing; DROP TABLE t""")
    assert done.returncode == 1
    first, second = done.stdout.split("\n\n")
    assert "a;b" in first and "it's" in first
    assert second.split() == ["c", "int64", "-----", "2"]
    assert "2 rows affected" in done.stderr
    assert "sql statement 5 (line 5): UNKNOWN: " in done.stderr and "no such table: missing" in done.stderr
    assert peer.execute("SELECT * FROM t")[0].num_rows == 2


def test_nothing_runs_of_a_script_whose_end_is_missing(cflight, peer):
    done = run(cflight, peer, script="CREATE TABLE t (n);\nINSERT INTO t VALUES ('x);\n")
    assert done.returncode == 2
    assert "the text in quotes in line 2 has no end" in done.stderr
    assert peer.calls == []
    assert run(cflight, peer, script=" ; -- nothing\n").returncode == 2


def test_a_file_takes_one_result(cflight, peer, tmp_path):
    path = tmp_path / "rows.csv"
    done = run(cflight, peer, "-o", path, script="CREATE TABLE t (n); SELECT 1 AS n; SELECT 2; DROP TABLE t")
    assert done.returncode == 2
    assert "statement 3" in done.stderr and "only tables follow each other" in done.stderr
    assert not path.exists()
    assert peer.calls.count("CommandStatementQuery") == 1


@pytest.mark.parametrize("prepares", ["tells", "schema", "silent", "nothing"])
def test_what_changes_something_is_sent_as_an_update_once(cflight, peer, prepares):
    peer.prepares = prepares
    done = run(cflight, peer, script="CREATE TABLE t (n); INSERT INTO t VALUES (1), (2), (3); SELECT * FROM t")
    assert done.returncode == 0, done.stderr
    assert "cflight: 3 rows affected\ncflight: 3 rows\n" in done.stderr
    update = "CommandStatementUpdate" if prepares == "nothing" else "CommandPreparedStatementUpdate"
    assert peer.calls.count(update) == 2
    assert peer.calls.count("ClosePreparedStatement") == (0 if prepares == "nothing" else 2)


def test_a_server_of_queries_alone_gets_changes_as_queries(cflight, peer):
    """Servers over DataFusion are such. With --update it is the user who has said how."""
    peer.prepares, peer.takes_updates = "nothing", False
    done = run(cflight, peer, script="CREATE TABLE t (n); INSERT INTO t VALUES (1); SELECT * FROM t")
    assert done.returncode == 0, done.stderr
    assert peer.calls.count("CommandStatementQuery") == 3
    assert peer.execute("SELECT * FROM t")[0].num_rows == 1
    done = run(cflight, peer, "INSERT INTO t VALUES (2)", "--update")
    assert (done.returncode, "no updates" in done.stderr) == (1, True), done.stderr
    assert peer.calls.count("CommandStatementQuery") == 3


@pytest.mark.parametrize("prepares", ["tells", "schema"])
def test_a_server_that_knows_better_gives_the_rows_of_a_change(cflight, peer, prepares):
    peer.prepares = prepares
    peer.execute("CREATE TABLE t (n)")
    done = run(cflight, peer, "INSERT INTO t VALUES (17) RETURNING n", "--format", "csv")
    assert done.stdout == "n\n17\n"
    assert peer.execute("SELECT * FROM t")[0].num_rows == 1


def test_statements_share_a_session(cflight, peer):
    run(cflight, peer, script="SELECT 1; SELECT 2")
    assert peer.sessions.cookies[0] is None
    assert set(map(str, peer.sessions.cookies[1:])) == {"['session=abc']"}
    assert peer.calls[-1] == "CloseSession", "it ends with the command"


def test_an_error_tells_what_the_database_says(cflight, peer):
    done = run(cflight, peer, "SELECT * FROM nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("cflight: SQLSTATE 42601, at character 8; hint: read the manual\n"
                                  "cflight:   SELECT * FROM nowhere\ncflight:          ^\n")
    done = run(cflight, peer, "\n\t\u6570 \x1b[31m, * FROM nowhere\nLIMIT 1")
    assert "cflight:   \u6570 \\x1b[31m, * FROM nowhere\ncflight:              ^\n" in done.stderr, "harmless, and measured"
    done = run(cflight, peer, "FROM x")
    assert done.stderr.count("cflight:") == 2, "the place lies outside of it"


def test_a_server_without_transactions_gets_their_words(cflight, peer):
    done = run(cflight, peer, script="CREATE TABLE t (n); BEGIN; INSERT INTO t VALUES (1); ROLLBACK; SELECT * FROM t")
    assert done.returncode == 0, done.stderr
    assert peer.calls.count("BeginTransaction") == 1 and "EndTransaction" not in peer.calls
    assert peer.execute("SELECT * FROM t")[0].num_rows == 0
    done = run(cflight, peer, "--transaction", script="DROP TABLE t")
    assert done.returncode == 1 and "UNIMPLEMENTED" in done.stderr
    assert peer.execute("SELECT * FROM t")[0].num_rows == 0


def test_time_is_told_when_asked_for(cflight, peer):
    done = run(cflight, peer, "--time", script="SELECT 1; CREATE TABLE t (n)")
    assert re.fullmatch(r"cflight: 1 row in [\d.]+ ms\ncflight: (done|\d+ rows? affected) in [\d.]+ ms\n", done.stderr)


def test_an_interrupt_cancels_the_query(cflight, peer):
    process = cflight.start("sql", peer.location, "SELECT hang")
    assert peer.hanging.wait(30)
    process.send_signal(signal.SIGINT)
    out, messages = process.communicate(timeout=30)
    assert process.returncode == 130, messages
    assert out == ""
    assert "CancelFlightInfo" in peer.calls, "it is told, besides the reset of the stream"


def test_an_interrupted_change_may_have_been_done(cflight, peer):
    process = cflight.start("sql", peer.location, "--update", "UPDATE hang")
    assert peer.hanging.wait(30)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=30)
    assert process.returncode == 130
    assert messages == "cflight: there was no answer: the server may have done it all the same\n"


# Tables


def test_tables_are_listed_and_their_columns(cflight, peer):
    peer.execute("CREATE TABLE a (n INTEGER)")
    peer.execute("INSERT INTO a VALUES (1)")
    peer.execute("CREATE VIEW b AS SELECT n, 'x' AS t FROM a")
    done = cflight.run("tables", peer.location, "--format", "csv", check=True)
    assert done.stdout.splitlines()[1:] == ["main,,a,table", "main,,b,view"]
    done = cflight.run("tables", peer.location, "--format", "csv", "--type", "view", "--catalog", "c", check=True)
    assert done.stdout.splitlines()[1:] == ["c,,b,view"]
    done = cflight.run("tables", peer.location, "b", "--columns", "--format", "csv", check=True)
    assert done.stdout.splitlines() == ["catalog_name,db_schema_name,table_name,column_name,type,is_nullable",
                                        "main,,b,n,int64,true", "main,,b,t,string,true"]
    assert "int64" in cflight.run("tables", peer.location, "a", "--columns", check=True).stdout


# Ingest


def test_a_file_is_loaded_in_each_mode(cflight, peer, tmp_path):
    path = write_file(tmp_path / "rows.arrow")
    modes = {"create": (1, 1), "append": (2, 2), "create-append": (1, 2), "replace": (1, 3)}
    for mode in modes:
        done = cflight.run("ingest", peer.location, "t", path, "--mode", mode, check=True)
        assert done.stderr.startswith("cflight: 1 batch, 3 rows, ")
    assert [ingest[:2] for ingest in peer.ingests] == list(modes.values())
    assert all(ingest[2:6] == ("t", None, None, 0) and ingest[6].equals(ROWS) for ingest in peer.ingests)
    cflight.run("ingest", peer.location, "t", path, "--catalog", "c", "--schema", "s", "--temporary", check=True)
    assert peer.ingests[-1][:6] == (1, 1, "t", "s", "c", 1)


def test_a_stream_is_loaded_from_standard_input(cflight, peer):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ROWS.schema) as writer:
        writer.write_table(ROWS)
    content = sink.getvalue().to_pybytes()
    assert cflight.run("ingest", peer.location, "t", "-", input=content, text=False).returncode == 0
    done = cflight.run("ingest", peer.location, "t", "-", input=content + b"more", text=False)
    assert done.returncode == 1 and b"bytes follow the end of the Arrow stream" in done.stderr
    assert [ingest[6].num_rows for ingest in peer.ingests] == [3]


def test_failures_of_loading_are_told(cflight, peer, tmp_path):
    path = write_file(tmp_path / "rows.arrow")
    done = cflight.run("ingest", peer.location, "taken", path)
    assert done.returncode == 1
    assert "ingest taken: UNKNOWN: CommandStatementIngest: there is such a table" in done.stderr
    content = path.read_bytes()
    path.write_bytes(content[:len(content) // 2])
    assert cflight.run("ingest", peer.location, "t", path).returncode == 1
    assert len(peer.ingests) == 1
    assert cflight.run("ingest", peer.location, "t", path, "--mode", "add").returncode == 2
