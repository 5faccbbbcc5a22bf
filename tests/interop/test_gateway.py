# SPDX-License-Identifier: Apache-2.0
"""A SQLite file behind `cflight serve sqlite:`: what the ADBC driver for Flight SQL (Go) and `cflight sql` get of it."""

import contextlib
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import threading
import urllib.request

import pyarrow as pa
import pytest

pytest.importorskip("adbc_driver_sqlite", reason="the driver for SQLite is not installed")
import adbc_driver_flightsql as driver  # noqa: E402
import adbc_driver_manager as adbc  # noqa: E402
from adbc_driver_flightsql import dbapi  # noqa: E402
from adbc_driver_manager import dbapi as manager  # noqa: E402

from gateway_rights import served_with_rights  # noqa: E402

LONG = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t WHERE x < {}) SELECT {} FROM t"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A database of two tables and a view. Its driver is that of the environment the tests run in."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE article (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL);
            CREATE TABLE sale (day TEXT, article INT REFERENCES article (id), count INT, PRIMARY KEY (day, article));
            CREATE VIEW cheap AS SELECT * FROM article WHERE price < 1;
            INSERT INTO article VALUES (1, 'pen', 0.5), (2, 'book', 12.25), (3, 'ink', NULL);
            INSERT INTO sale VALUES ('2024-01-02', 1, 5), ('2024-01-03', 2, 1);
        """)
    return path


@pytest.fixture
def server(cflight, shop):
    with cflight.serving(f"sqlite:{shop}") as running:
        yield running


def connect(server, **options):
    options.setdefault("autocommit", True)
    kwargs = {driver.DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
    return dbapi.connect(server.location, db_kwargs=kwargs, **options)


def rows(connection, query, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def count(path, table="article"):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_queries_have_the_types_of_the_driver(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, name, price FROM article ORDER BY id")
        table = cursor.fetch_arrow_table()
    assert table.schema == pa.schema([("id", pa.int64()), ("name", pa.string()), ("price", pa.float64())])
    assert table.to_pylist()[2] == {"id": 3, "name": "ink", "price": None}


def test_many_rows(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(LONG.format(200_000, "x"))
        table = cursor.fetch_arrow_table()
        assert table.num_rows == 200_000 and table["x"][-1].as_py() == 200_000


def test_updates_have_true_counts(cflight, server, shop):
    with connect(server) as connection, connection.cursor() as cursor:
        for statement, expected in [("INSERT INTO article VALUES (4, 'a', 1), (5, 'b', 2)", 2),
                                    ("UPDATE article SET price = 3 WHERE id > 3", 2), ("DELETE FROM sale", 2)]:
            assert cursor.adbc_prepare(statement).names == []
            cursor.execute(statement)
            assert cursor.fetchall() == []
    assert count(shop) == 5
    assert cflight.run("sql", "--update", server.location, "DELETE FROM article WHERE id > 3", check=True).stdout == "2\n"
    done = cflight.run("sql", server.location, "INSERT INTO article VALUES (9, 'x', 1)", check=True)
    assert done.stderr == "cflight: 1 row affected\n" and count(shop) == 4


def test_rows_may_come_from_changes(server):
    with connect(server) as connection:
        assert rows(connection, "INSERT INTO article VALUES (7, 'cap', 4) RETURNING id, name") == [(7, "cap")]
        assert rows(connection, "SELECT count(*) FROM article") == [(4,)]


def test_parameters(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT name FROM article WHERE id = ? OR name = ? ORDER BY id", (1, "ink"))
        assert cursor.fetchall() == [("pen",), ("ink",)]
        # Each row of parameters is a run, and the rows follow each other.
        cursor.adbc_statement.set_sql_query("SELECT name FROM article WHERE id = ?")
        cursor.adbc_statement.prepare()
        batch = pa.record_batch({"id": pa.array([2, 1, 99])})
        cursor.adbc_statement.bind_stream(pa.RecordBatchReader.from_batches(batch.schema, [batch]))
        stream, _ = cursor.adbc_statement.execute_query()
        found = pa.RecordBatchReader._import_from_c(stream.address).read_all()
        assert found.column(0).to_pylist() == ["book", "pen"]


def test_parameters_are_text_where_the_driver_knows_no_type(server):
    """JDBC's driver binds nothing to the null type, which that of SQLite tells; others bind what they like."""
    with connect(server) as connection, connection.cursor() as cursor:
        schema = cursor.adbc_prepare("SELECT name FROM article WHERE id = ? AND name <> ?")
        assert schema.types == [pa.string(), pa.string()]
        assert rows(connection, "SELECT name FROM article WHERE id = ?", ("2",)) == [("book",)]
        assert rows(connection, "SELECT typeof(?), typeof(?)", (2, None)) == [("integer", "null")]


def test_rows_of_parameters_are_one_unit(server, shop):
    insert = "INSERT INTO article (id, name) VALUES (?, ?)"
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.executemany(insert, [(10, "a"), (11, "b"), (12, "c")])
        assert count(shop) == 6
        with pytest.raises(adbc.Error, match="UNIQUE"):
            cursor.executemany(insert, [(20, "a"), (21, "b"), (10, "again")])
    assert count(shop) == 6


def test_transactions(server, shop):
    with connect(server, autocommit=False) as writer, connect(server) as reader:
        rows(writer, "INSERT INTO article VALUES (4, 'a', 1)")
        assert rows(writer, "SELECT count(*) FROM article") == [(4,)]
        assert rows(reader, "SELECT count(*) FROM article") == [(3,)]
        writer.rollback()
        assert rows(reader, "SELECT count(*) FROM article") == [(3,)]
        rows(writer, "INSERT INTO article VALUES (4, 'a', 1)")
        writer.commit()
        assert rows(reader, "SELECT count(*) FROM article") == [(4,)]
    assert count(shop) == 4


def test_what_a_session_leaves_is_not_anothers(server):
    with connect(server) as connection, connect(server) as other:
        assert rows(connection, "SELECT 1") == [(1,)]
        rows(connection, "CREATE TEMP TABLE mine AS SELECT 5 AS a")
        assert rows(connection, "SELECT a FROM mine") == [(5,)]
        with pytest.raises(adbc.Error, match="no such table"):
            rows(other, "SELECT a FROM mine")
    with connect(server) as later, pytest.raises(adbc.Error, match="no such table"):
        rows(later, "SELECT a FROM mine")


@pytest.mark.parametrize("mode, there, expected", [
    ("create", False, 1000), ("create", True, None), ("append", True, 1003), ("append", False, None),
    ("create_append", True, 1003), ("create_append", False, 1000), ("replace", True, 1000)])
def test_ingest(server, shop, mode, there, expected):
    table = "article" if there else "fresh"
    data = pa.table({"id": pa.array(range(100, 1100), pa.int64()), "name": ["x"] * 1000, "price": [1.5] * 1000})
    with connect(server) as connection, connection.cursor() as cursor:
        if expected is None:
            with pytest.raises(adbc.Error):
                cursor.adbc_ingest(table, data, mode=mode)
            assert count(shop) == 3
        else:
            assert cursor.adbc_ingest(table, data, mode=mode) == 1000
            assert count(shop, table) == expected


def test_an_ingest_that_fails_leaves_nothing(server, shop):
    data = pa.table({"id": pa.array([50, 51, 1]), "name": ["a", "b", "c"], "price": [1.0, 2.0, 3.0]})
    with connect(server) as connection, connection.cursor() as cursor:
        with pytest.raises(adbc.Error, match="UNIQUE"):
            cursor.adbc_ingest("article", data, mode="append")
    assert count(shop) == 3


def test_objects_become_lists(cflight, server):
    lines = cflight.run("tables", server.location, "--format", "jsonl", check=True).stdout
    tables = [json.loads(line) for line in lines.splitlines()]
    assert sorted((row["table_name"], row["table_type"]) for row in tables if row["table_type"] != "index") == [
        ("article", "table"), ("cheap", "view"), ("sale", "table")]
    columns = cflight.run("tables", server.location, "article", "--columns", "--format", "jsonl", check=True).stdout
    assert [(row["column_name"], row["type"]) for row in map(json.loads, columns.splitlines())] == [
        ("id", "int64"), ("name", "string"), ("price", "double")]
    with connect(server) as connection:
        objects = connection.adbc_get_objects(table_name_filter="sale").read_all().to_pylist()
        found = [table for catalog in objects for schema in catalog["catalog_db_schemas"]
                 for table in schema["db_schema_tables"]]
        assert [column["column_name"] for column in found[0]["table_columns"]] == ["day", "article", "count"]
        assert connection.adbc_get_table_types() == ["table", "view"]
        assert connection.adbc_get_table_schema("article").names == ["id", "name", "price"]
        info = connection.adbc_get_info()
        assert info["vendor_name"] == "SQLite" and info["vendor_version"].startswith("3.")


@pytest.fixture
def own_driver(cflight):
    library = pathlib.Path(cflight.path).parent.parent / "lib/libadbc_driver_cflight.so"
    if not library.exists():
        pytest.fail("the ADBC driver is not built")
    return str(library)


def test_keys_and_types_become_lists(own_driver, server):
    """By the ADBC driver of cflight, which puts keys into GetObjects again."""
    with manager.connect(driver=own_driver, db_kwargs={"uri": server.location}) as connection:
        objects = connection.adbc_get_objects(depth="all", table_name_filter="sale").read_all().to_pylist()
    table = objects[0]["catalog_db_schemas"][0]["db_schema_tables"][0]
    assert [column["xdbc_type_name"] for column in table["table_columns"]] == ["TEXT", "INT", "INT"]
    keys = {key["constraint_type"]: key for key in table["table_constraints"]}
    assert keys["PRIMARY KEY"]["constraint_column_names"] == ["day", "article"]
    assert keys["FOREIGN KEY"]["constraint_column_names"] == ["article"]
    used = keys["FOREIGN KEY"]["constraint_column_usage"][0]
    assert (used["fk_table"], used["fk_column_name"]) == ("article", "id")


def test_keys_of_many_tables_take_two_calls(cflight, own_driver, shop, tmp_path):
    """Keys that were asked for table by table are what those of all tables at once must be."""
    with contextlib.closing(sqlite3.connect(shop)) as database:
        database.executescript("""
            CREATE TABLE b (x INT, y INT, z INT REFERENCES article, PRIMARY KEY (y, x));
            CREATE TABLE ab (x INT, y INT, FOREIGN KEY (y, x) REFERENCES b (y, x), FOREIGN KEY (x) REFERENCES article (id));
            CREATE TABLE a (x INT REFERENCES article (id), y INT, z INT REFERENCES article (id), PRIMARY KEY (z, y, x));
            CREATE TABLE "" (x INTEGER PRIMARY KEY);
        """)
    log = tmp_path / "log"

    def keys_of(connection, **filters):
        (catalog,) = connection.adbc_get_objects(depth="all", **filters).read_all().to_pylist()
        tables = catalog["catalog_db_schemas"][0]["db_schema_tables"]
        return {table["table_name"]: table["table_constraints"] for table in tables}

    with cflight.serving(f"sqlite:{shop}", "--access-log", log) as server, \
            manager.connect(driver=own_driver, db_kwargs={"uri": server.location}) as connection:
        every = keys_of(connection)
        calls = log.read_text()
        assert {name: keys_of(connection, table_name_filter=name)[name] for name in every} == every
    assert {"article", "sale", "cheap", "b", "ab", "a", ""} <= set(every)
    assert [key["constraint_column_names"] for key in every["a"]][0] == ["z", "y", "x"]
    assert [len(every[name]) for name in ("b", "ab", "a", "")] == [2, 2, 3, 1]
    assert calls.count("GetFlightInfo") <= 7  # twice SqlInfo; catalogs, schemas, tables; and keys of each kind


@pytest.mark.parametrize("statement, kind, text", [
    ("SELEC 1", "ProgrammingError", "syntax error"),
    ("SELECT * FROM nowhere", "ProgrammingError", "no such table: nowhere"),
    ("INSERT INTO article VALUES (1, 'again', 0)", "Error", "UNIQUE constraint failed"),
    ("", "Error", "."),
])
def test_errors_are_the_databases(server, statement, kind, text):
    with connect(server) as connection, pytest.raises(getattr(adbc, kind), match=text):
        rows(connection, statement)
        raise AssertionError("no error")


def test_constraints_have_a_state(cflight, server):
    done = cflight.run("sql", server.location, "INSERT INTO article VALUES (1, 'again', 0)")
    assert done.returncode != 0 and "SQLSTATE 23000" in done.stderr and "FAILED_PRECONDITION" in done.stderr


def test_read_only(cflight, shop):
    with cflight.serving(f"sqlite:{shop}", "--read-only") as server:
        with connect(server) as connection:
            assert rows(connection, "SELECT count(*) FROM article") == [(3,)]
            for statement in ("DELETE FROM article", "PRAGMA query_only = OFF", "SELECT 1; DELETE FROM article",
                              "WITH a AS (SELECT 1) DELETE FROM article", "ATTACH 'x.db' AS x", "CREATE TABLE x (a)"):
                with pytest.raises(adbc.Error, match="read only"):
                    rows(connection, statement)
            with connection.cursor() as cursor, pytest.raises(adbc.Error, match="read only"):
                cursor.adbc_ingest("x", pa.table({"a": [1]}), mode="create")
    assert count(shop) == 3


def test_init_runs_on_every_connection(cflight, shop, tmp_path):
    script = tmp_path / "init.sql"
    script.write_text("CREATE TEMP TABLE mine AS SELECT 'a;b' AS a; -- a comment; with a semicolon\n PRAGMA cache_size = 77;\n")
    with cflight.serving(f"sqlite:{shop}", "--init", script) as server, connect(server) as connection:
        for _ in range(3):
            assert rows(connection, "SELECT a FROM mine") == [("a;b",)]
    script.write_text("SELECT 1;\nSELEC nothing;")
    done = cflight.run("serve", f"sqlite:{shop}", "--init", script)
    assert done.returncode == 1 and "SELEC nothing: " in done.stderr and "syntax error" in done.stderr


def test_limits(cflight, shop):
    with cflight.serving(f"sqlite:{shop}", "--result-rows-max", "5000", "--query-timeout", "0.2") as server:
        with connect(server) as connection:
            assert rows(connection, LONG.format(5000, "count(x)")) == [(5000,)]
            with pytest.raises(adbc.Error, match="result-rows-max"):
                rows(connection, LONG.format(5001, "x"))
            with pytest.raises(adbc.Error, match="query-timeout"):
                rows(connection, LONG.format(3_000_000, "sum(x)"))
            assert rows(connection, "SELECT 1") == [(1,)]


def test_connections_are_bounded_and_given_back(cflight, shop):
    """Clients that hold nothing hold no connection; those that hold a transaction do."""
    with cflight.serving(f"sqlite:{shop}", "--database-connections-max", "2") as server:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(server)) for _ in range(6)]
            for client in clients:
                assert rows(client, "SELECT 1") == [(1,)]
            first = stack.enter_context(connect(server, autocommit=False))
            second = stack.enter_context(connect(server, autocommit=False))
            for holder in (first, second):
                assert rows(holder, "SELECT 1") == [(1,)]
            with pytest.raises(adbc.Error, match="database-connections-max"):
                rows(clients[0], "SELECT 1")
            # What the driver begins by itself afterwards takes none, although it never ends it.
            first.rollback()
            second.rollback()
            assert rows(clients[0], "SELECT 1") == [(1,)]
        with connect(server) as connection:
            assert rows(connection, "SELECT 1") == [(1,)]


def test_many_clients_at_once(server, shop):
    failures = []

    def work(number):
        try:
            with connect(server) as connection:
                for turn in range(5):
                    rows(connection, "INSERT INTO article VALUES (?, 'x', 1)", (1000 + number * 10 + turn,))
                    assert rows(connection, "SELECT count(*) FROM article")[0][0] > 3
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and count(shop) == 43


def test_a_database_in_memory_is_shared(cflight, shop):
    with cflight.serving("sqlite::memory:") as server:
        cflight.run("sql", server.location, "CREATE TABLE t (a)", check=True)
        cflight.run("sql", server.location, "INSERT INTO t VALUES (5)", check=True)
        assert cflight.run("sql", server.location, "SELECT a FROM t", "--format", "csv", check=True).stdout == "a\n5\n"


def test_what_is_wrong_shows_at_the_start(cflight, shop, tmp_path, monkeypatch):
    def failure(*arguments):
        done = cflight.run("serve", *arguments)
        assert done.returncode != 0 and done.stdout == ""
        return done.stderr

    monkeypatch.setenv("ADBC_DRIVER_PATH", str(tmp_path))
    missing = failure("adbc:nowhere")
    assert f"{tmp_path}/nowhere.toml" in missing.replace("\\n", "\n") and "libadbc_driver_nowhere.so" in missing
    (tmp_path / "libbroken.so").write_text("no library")
    assert "cannot be loaded" in failure(f"adbc:{tmp_path}/libbroken.so")
    assert "cannot open the database: " in failure(f"sqlite:{tmp_path}/no/such/folder.db")
    library = next(pathlib.Path(sys.prefix).glob("lib/python3*/site-packages/adbc_driver_sqlite/*.so"))
    assert "NoSuchInit" in failure(f"adbc:{library}?entrypoint=NoSuchInit")
    assert "option" in failure(f"adbc:{library}?no.such.option=1")
    assert "not of a directory" in failure(tmp_path, "--read-only")
    assert "--writable is of directories" in failure(f"sqlite:{shop}", "--writable")
    (tmp_path / "shelf.toml").write_text(f"manifest_version = 1\n[Driver]\nshared = '{library}'\n")
    with cflight.serving(f"adbc:shelf?uri={shop}") as server, connect(server) as connection:
        assert rows(connection, "SELECT count(*) FROM article") == [(3,)]


def test_users(cflight, shop, tmp_path):
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], check=True, capture_output=True, text=True).stdout
    users = tmp_path / "users"
    users.write_text(f"ann:{hashed}")
    users.chmod(0o600)
    with cflight.serving(f"sqlite:{shop}", "--auth-file", users) as server:
        refused = cflight.run("sql", server.location, "SELECT 1")
        assert refused.returncode != 0 and "UNAUTHENTICATED" in refused.stderr
        login = {"env": {"CFLIGHT_PASSWORD": "secret"}}
        shown = cflight.run("sql", "--user", "ann", server.location, "SELECT 5 AS a", "--format", "csv", check=True, **login)
        assert shown.stdout == "a\n5\n"


WRITES = ["DELETE FROM article", "PRAGMA query_only = OFF", "SELECT 1; DELETE FROM article", "CREATE TEMP TABLE x (a)",
          "WITH a AS (SELECT 1) DELETE FROM article", "ATTACH 'x.db' AS x"]


def test_users_who_may_only_read(cflight, shop, tmp_path):
    """Goal: who has no right to write is kept from it by the database, others are not. Method: the same server, both."""
    with served_with_rights(cflight, f"sqlite:{shop}", tmp_path) as (_, connect_as):
        with connect_as("bob") as bob, connect_as("ann") as ann:
            for _ in range(3):
                for statement in WRITES:
                    with pytest.raises(adbc.Error, match="for this user, this server is read only"):
                        rows(bob, statement)
                with bob.cursor() as cursor, pytest.raises(adbc.Error, match="for this user, this server is read only"):
                    cursor.adbc_ingest("x", pa.table({"a": [1]}), mode="create")
                rows(ann, "INSERT INTO sale VALUES ('2024-02-01', 1, 1)")
                rows(ann, "DELETE FROM sale WHERE day = '2024-02-01'")
                assert rows(bob, "SELECT count(*) FROM article") == [(3,)]
            with ann.cursor() as cursor:
                cursor.adbc_ingest("more", pa.table({"a": [1, 2]}), mode="create")
            assert rows(bob, "SELECT count(*) FROM more") == [(2,)]
            bob.adbc_connection.set_autocommit(False)
            with pytest.raises(adbc.Error, match="read only"):
                rows(bob, "DELETE FROM article")
            assert rows(bob, "SELECT count(*) FROM article") == [(3,)]
        with connect_as("none") as none:
            for statement in ("SELECT 1", "DELETE FROM article"):
                with pytest.raises(adbc.Error, match="may neither read nor write"):
                    rows(none, statement)
            with pytest.raises(adbc.Error, match="may neither read nor write"):
                none.adbc_get_objects().read_all()
    assert count(shop) == 3


def test_rights_that_change_count_at_once(cflight, shop, tmp_path):
    """Goal: a right that is taken away is gone for sessions that have begun too, what they hold included."""
    with served_with_rights(cflight, f"sqlite:{shop}", tmp_path) as (server, connect_as):
        with connect_as("ann") as idle, connect_as("ann") as busy:
            rows(idle, "DELETE FROM sale WHERE 0")
            rows(busy, "CREATE TEMP TABLE mine (a)")
            (tmp_path / "rights").write_text("[ann]\nread = *\n")
            server.wait_for_message("rights were read again")
            with pytest.raises(adbc.Error, match="for this user, this server is read only"):
                rows(idle, "DELETE FROM article")
            assert rows(idle, "SELECT count(*) FROM article") == [(3,)]
            with pytest.raises(adbc.Error, match="may not write any more"):
                rows(busy, "INSERT INTO article VALUES (9, 'x', 1)")
            (tmp_path / "rights").write_text("[*]\nwrite = *\n")
            server.wait_for_message("rights were read again", 2)
            rows(idle, "INSERT INTO sale VALUES ('2024-02-01', 1, 1)")
            (tmp_path / "rights").write_text("[*]\nwrite = article\n")
            server.wait_for_message("line 2: of a database the value is *")
    assert count(shop) == 3 and count(shop, "sale") == 3


def test_rights_in_memory(cflight, tmp_path, monkeypatch):
    """The second opening of a database in memory sees the same."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    with served_with_rights(cflight, "sqlite::memory:", tmp_path) as (_, connect_as):
        with connect_as("bob") as bob, connect_as("ann") as ann:
            rows(ann, "CREATE TABLE t (a)")
            rows(ann, "INSERT INTO t VALUES (5)")
            assert rows(bob, "SELECT a FROM t") == [(5,)]
            with pytest.raises(adbc.Error, match="read only"):
                rows(bob, "INSERT INTO t VALUES (6)")


def statement_count(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return int(re.search(r"^cflight_database_statements_total (\d+)$", answer.read().decode(), re.MULTILINE)[1])


def test_rights_are_told_of(cflight, shop, tmp_path):
    """What makes no sense, and what is off, shows at the start; statements of all users are counted together."""
    with served_with_rights(cflight, f"sqlite:{shop}", tmp_path, "--metrics", "127.0.0.1:0") as (server, connect_as):
        with connect_as("bob") as bob, connect_as("ann") as ann:
            port = int(server.process.stdout.readline().split()[-1])
            counts = [statement_count(port)]
            for each in (bob, ann):
                rows(each, "SELECT 1")
                counts.append(statement_count(port))
            assert counts[0] == 0 and 0 < counts[1] == counts[2] - counts[1]
    (tmp_path / "rights").write_text("[*]\nread = article\n")
    done = cflight.run("serve", f"sqlite:{shop}", "--auth-file", tmp_path / "users", "--rights", tmp_path / "rights")
    assert done.returncode != 0 and "line 2: of a database the value is *" in done.stderr
    done = cflight.run("serve", f"sqlite:{shop}", "--rights", tmp_path / "rights")
    assert done.returncode != 0 and "--rights needs --auth-file or --tls-ca" in done.stderr
