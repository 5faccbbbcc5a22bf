# SPDX-License-Identifier: Apache-2.0
"""`cflight sql`, `tables` and `ingest` against a server of the kit (its language: tests/unit/sql/sql_engine.h)."""

import json

import pyarrow as pa


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
