# SPDX-License-Identifier: Apache-2.0
"""`cflight sql`, `tables` and `ingest` against a server of the kit (its language: tests/unit/sql/sql_engine.h)."""

import json
import os

import pyarrow as pa
import pytest

DOUBT = "cflight: there was no answer: the server may have done it all the same\n"


def test_a_statement_is_a_table_or_a_file(cflight, fresh_sql_service, tmp_path):
    cflight.run("sql", fresh_sql_service, "--update", "CREATE birds", check=True)
    assert cflight.run("sql", fresh_sql_service, "--update", "INSERT birds 5", check=True).stdout == "1\n"
    cflight.run("sql", fresh_sql_service, "--update", "-", input="INSERT birds 7", check=True)
    done = cflight.run("sql", fresh_sql_service, "--update", "--time", "-", input="INSERT birds 8; INSERT birds 9",
                       check=True)
    assert done.stdout == "1\n1\n" and done.stderr.count("1 row affected in ") == 2
    shown = cflight.run("sql", fresh_sql_service, "SELECT birds", check=True)
    assert shown.stdout.split()[-4:] == ["5", "7", "8", "9"], shown.stdout
    assert shown.stderr == "cflight: 4 rows\n"
    lines = cflight.run("sql", fresh_sql_service, "-", "--format", "jsonl", input="SELECT birds", check=True).stdout
    assert [list(json.loads(line).values()) for line in lines.splitlines()] == [[5], [7], [8], [9]]
    cflight.run("sql", fresh_sql_service, "SELECT birds", "-o", tmp_path / "birds.arrow", check=True)
    with pa.ipc.open_file(tmp_path / "birds.arrow") as file:
        assert file.read_all().column(0).to_pylist() == [5, 7, 8, 9]


def test_the_server_tells_what_changes_something(cflight, fresh_sql_service):
    done = cflight.run("sql", fresh_sql_service, "-", input="CREATE a; INSERT a 5; INSERT a 6; SELECT a", check=True)
    assert done.stdout.split()[-2:] == ["5", "6"]
    assert done.stderr.endswith("cflight: 1 row affected\ncflight: 1 row affected\ncflight: 2 rows\n")


def test_many_rows_come_whole_or_cut(cflight, sql_service):
    assert len(cflight.run("sql", sql_service, "COUNT 100000", "-o", "-", "--format", "csv",
                           check=True).stdout.splitlines()) == 100_001
    assert "the first 3 rows" in cflight.run("sql", sql_service, "COUNT 100000", "-n", "3", check=True).stderr


def test_errors_are_the_servers(cflight, sql_service):
    done = cflight.run("sql", sql_service, "FAIL there is no such bird")
    assert done.returncode != 0 and done.stdout == ""
    assert "CommandPreparedStatementUpdate: " in done.stderr and "there is no such bird" in done.stderr
    refused = cflight.run("sql", sql_service, "--update", "CREATE t", "-o", "x.csv")
    assert refused.returncode == 2 and "--update" in refused.stderr


def rows_of(cflight, service, table):
    done = cflight.run("sql", service, f"SELECT {table}", "--format", "csv")
    return done.stdout.split()[1:] if done.returncode == 0 else None


def test_a_script_is_one_transaction_if_wanted(cflight, fresh_sql_service):
    done = cflight.run("sql", fresh_sql_service, "--transaction", "-", input="CREATE a; INSERT a 5; FAIL on; INSERT a 6")
    assert done.returncode == 1 and "statement 3" in done.stderr and "cflight: rolled back\n" in done.stderr
    assert rows_of(cflight, fresh_sql_service, "a") is None
    done = cflight.run("sql", fresh_sql_service, "--transaction", "-", input="CREATE a; INSERT a 5; INSERT a 6", check=True)
    assert done.stderr.endswith("cflight: committed\n")
    assert rows_of(cflight, fresh_sql_service, "a") == ["5", "6"]
    done = cflight.run("sql", fresh_sql_service, "--transaction", "-", input="INSERT a 7;\nCOMMIT")
    assert done.returncode == 2 and "the statement in line 2 begins or ends a transaction" in done.stderr
    assert rows_of(cflight, fresh_sql_service, "a") == ["5", "6"], "nothing was run"


def test_begin_and_commit_are_those_of_the_protocol(cflight, fresh_sql_service):
    script = "CREATE a; BEGIN; INSERT a 5; rollback; START TRANSACTION; INSERT a 6; COMMIT WORK; BEGIN; INSERT a 7"
    done = cflight.run("sql", fresh_sql_service, "-", input=script, check=True)
    notes = [line.removeprefix("cflight: ") for line in done.stderr.splitlines()]
    assert notes[1:] == ["a transaction has begun", "1 row affected", "rolled back", "a transaction has begun",
                         "1 row affected", "committed", "a transaction has begun", "1 row affected", "rolled back"]
    assert rows_of(cflight, fresh_sql_service, "a") == ["6"]
    done = cflight.run("sql", fresh_sql_service, "-", input="BEGIN; BEGIN")
    assert done.returncode == 1 and "a transaction is open already" in done.stderr


def test_tables_are_listed_by_a_pattern(cflight, fresh_sql_service):
    for name in [f"bird{number}" for number in range(6)] + ["bee", "wasp"]:
        cflight.run("sql", fresh_sql_service, "--update", f"CREATE {name}", check=True)
    lines = cflight.run("tables", fresh_sql_service, "bird_", "--format", "jsonl", check=True).stdout
    assert [json.loads(line)["table_name"] for line in lines.splitlines()] == [f"bird{number}" for number in range(6)]
    assert cflight.run("tables", fresh_sql_service, "no such%", "--format", "jsonl", check=True).stdout == ""
    assert "wasp" in cflight.run("tables", fresh_sql_service, check=True).stdout


def test_a_file_becomes_a_table(cflight, fresh_sql_service, tmp_path):
    with pa.ipc.new_file(str(tmp_path / "birds.arrow"), pa.schema([("n", pa.int64())])) as sink:
        sink.write_table(pa.table({"n": [5, 7]}))
    load = ("ingest", fresh_sql_service, "birds", tmp_path / "birds.arrow")
    cflight.run(*load, check=True)
    assert cflight.run(*load).returncode != 0, "the table is there"
    cflight.run(*load, "--mode", "append", check=True)
    shown = cflight.run("sql", fresh_sql_service, "SELECT birds", "--format", "csv", check=True)
    assert shown.stdout.split()[1:] == ["5", "7", "5", "7"]


@pytest.mark.parametrize("ending", ["csv", "arrow", "jsonl", "arrows"])
def test_a_server_that_dies_leaves_no_part_of_a_result(cflight, mortal_sql_service, tmp_path, ending):
    """The file appears once all is there; what came is told, and why no more did."""
    process, location = mortal_sql_service
    reading = cflight.start("sql", location, "COUNT 100000000", "-o", tmp_path / f"rows.{ending}")
    shown = cflight.start("sql", location, "COUNT 100000000", "-n", "all", "--format", "csv")
    assert shown.stdout.readline() == "n\n", "rows have come"
    process.kill()
    _, messages = reading.communicate(timeout=60)
    assert reading.returncode == 3 and "UNAVAILABLE: " in messages, messages
    _, messages = shown.communicate(timeout=60)
    assert shown.returncode == 3 and "received before the failure: " in messages and "broke off after" in messages
    assert os.listdir(tmp_path) == []


def test_a_change_that_is_late_may_have_been_done(cflight, sql_service):
    script = "CREATE late; INSERT late 5; SLEEP; INSERT late 6"
    done = cflight.run("sql", sql_service, "--transaction", "--timeout", "2", "-", input=script)
    assert done.returncode == 5 and DOUBT in done.stderr, done.stderr
    assert "cflight: rolled back\n" in done.stderr, "in spite of the limit"
    assert rows_of(cflight, sql_service, "late") is None


def test_only_a_change_that_was_sent_leaves_a_doubt(cflight, mortal_sql_service):
    server, location = mortal_sql_service
    done = cflight.run("sql", location, "--update", "SLEEP", "--timeout", "1")
    assert done.returncode == 5 and DOUBT in done.stderr
    assert DOUBT not in cflight.run("sql", location, "--update", "FAIL on").stderr, "it has answered"
    assert DOUBT not in cflight.run("sql", location, "HANG", "--timeout", "1").stderr, "a query changes nothing"
    server.kill()
    server.wait()
    done = cflight.run("sql", location, "--update", "SLEEP")
    assert done.returncode == 3 and DOUBT not in done.stderr, "there was no connection"
