# SPDX-License-Identifier: Apache-2.0
"""cflight.sql: its client and its server, against each other over the library's kit, and over SQLite."""

import gc
import pathlib
import sys
import threading
import weakref

import cflight as flight
import pytest
from cflight import sql

pa = pytest.importorskip("pyarrow")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python" / "examples"))
import sql_server_full as sql_server  # noqa: E402

SCHEMA = pa.schema([("n", pa.int64())])


def batch(*numbers):
    return pa.record_batch({"n": pa.array(numbers, pa.int64())})


@pytest.fixture
def database(tmp_path):
    with sql_server.Database("grpc://localhost:0", str(tmp_path / "test.db")) as server:
        with sql.connect(server.location) as client:
            yield client


def rows(reader):
    return [tuple(row.values()) for row in reader.read_all().to_pylist()]


# ---- the client over SQLite ----


def test_statements_run_once_each_and_give_rows_or_counts(database):
    assert database.update("CREATE TABLE t (a INTEGER, b TEXT)") <= 0
    assert database.update("INSERT INTO t VALUES (1, 'x'), (2, NULL)") == 2
    assert rows(database.query("SELECT * FROM t ORDER BY a")) == [(1, "x"), (2, None)]
    assert rows(database.query("SELECT * FROM t WHERE a > 5")) == []


def test_a_result_is_an_arrow_stream(database):
    table = pa.table(database.query("SELECT 1 AS a UNION SELECT 2"))
    assert table.to_pydict() == {"a": [1, 2]}


def test_an_error_in_the_sql_is_a_value_error_that_names_the_command(database):
    with pytest.raises(flight.ArrowInvalid, match="CommandStatementQuery: no such column: nope"):
        database.query("SELECT nope").read_all()
    with pytest.raises(ValueError, match="CommandStatementUpdate: near"):
        database.update("DELETE FRM t")


def test_prepared_statements_run_for_each_row_that_is_bound(database):
    database.update("CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d REAL)")
    with database.prepare("INSERT INTO t VALUES (?, ?, ?, ?)") as statement:
        assert statement.is_update is True
        given = pa.table({"a": [1, None], "b": ["x", "y"], "c": [b"\0", b"z"], "d": [0.5, 2.0]})
        assert statement.update(given) == 2
        assert statement.update(given.slice(1).to_batches()[0]) == 1
    with database.prepare("SELECT a, b, c, d FROM t WHERE b = ?") as statement:
        assert statement.is_update is False
        statement.bind(pa.table({"b": ["x"]}))
        assert rows(statement.query()) == [(1, "x", b"\0", 0.5)]
        statement.bind(pa.table({"b": ["y"]}))
        assert rows(statement.query()) == [(None, "y", b"z", 2.0)] * 2
    statement.close()
    with pytest.raises(ValueError, match="any more"):
        statement.query()


def test_a_transaction_commits_at_the_end_of_its_block_and_rolls_back_when_it_raises(database):
    database.update("CREATE TABLE t (a INTEGER)")
    with database.transaction() as transaction:
        database.update("INSERT INTO t VALUES (1)", transaction=transaction)
        assert rows(database.query("SELECT a FROM t", transaction=transaction)) == [(1,)]
        assert not transaction.is_over and transaction.id
    assert transaction.is_over
    with pytest.raises(ZeroDivisionError):
        with database.transaction() as transaction:
            database.update("INSERT INTO t VALUES (2)", transaction=transaction)
            1 / 0
    assert transaction.is_over
    assert rows(database.query("SELECT a FROM t")) == [(1,)]
    with pytest.raises(flight.ArrowInvalid, match="over"):
        database.update("INSERT INTO t VALUES (3)", transaction=transaction)


def test_a_transaction_that_is_dropped_is_rolled_back(database):
    database.update("CREATE TABLE t (a INTEGER)")
    transaction = database.transaction()
    database.update("INSERT INTO t VALUES (1)", transaction=transaction)
    del transaction
    gc.collect()
    assert rows(database.query("SELECT a FROM t")) == []


def test_uploads_have_four_modes(database):
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    assert database.ingest("t", table) == 2
    with pytest.raises(flight.FlightError, match="already exists"):
        database.ingest("t", table)
    assert database.ingest("t", table, mode="append") == 2
    assert database.ingest("t", table.to_batches()[0], mode="create_append") == 2
    assert rows(database.query("SELECT count(*) FROM t")) == [(6,)]
    assert database.ingest("t", table.to_reader(), mode="replace") == 2
    assert rows(database.query("SELECT * FROM t")) == [(1, "x"), (2, "y")]
    with pytest.raises(ValueError, match="'create', 'append', 'create_append' and 'replace'"):
        database.ingest("t", table, mode="merge")
    with pytest.raises(TypeError, match="'rows' has incorrect type"):
        database.ingest("t", 5)


def test_the_catalog_is_listed_and_filtered(database):
    database.update("CREATE TABLE one (a INTEGER NOT NULL, b REAL)")
    database.update("CREATE VIEW two AS SELECT a FROM one")
    assert rows(database.catalogs()) == [("main",)]
    assert rows(database.schemas(catalog="main")) == [("main", "")]
    assert rows(database.schemas(catalog="other")) == []
    assert rows(database.tables()) == [("main", "", "one", "TABLE"), ("main", "", "two", "VIEW")]
    assert rows(database.tables(table_types=["VIEW"]))[0][2] == "two"
    assert rows(database.tables(table_pattern="o%"))[0][2] == "one"
    assert rows(database.table_types()) == [("TABLE",), ("VIEW",)]
    assert database.table_schema("one") == pa.schema([pa.field("a", pa.int64(), False), ("b", pa.float64())])
    with pytest.raises(KeyError, match="no table 'three'"):
        database.table_schema("three")
    with pytest.raises(NotImplementedError, match="CommandGetPrimaryKeys"):
        database.primary_keys("one")


def test_a_second_thread_is_refused_by_a_statement_in_use(database):
    entered, go_on = threading.Event(), threading.Event()

    def slow():
        entered.set()
        assert go_on.wait(60)
        yield pa.record_batch({"a": [1]})

    with database.prepare("SELECT ?") as statement:
        reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), slow())
        thread = threading.Thread(target=statement.bind, args=(reader,))
        thread.start()
        assert entered.wait(60)
        with pytest.raises(ValueError, match="another thread is using"):
            statement.query()
        go_on.set()
        thread.join()
        assert rows(statement.query()) == [(1,)]


def test_an_upload_takes_part_in_its_transaction(database):
    table = pa.table({"a": [1]})
    with pytest.raises(ZeroDivisionError):
        with database.transaction() as transaction:
            assert database.ingest("t", table, transaction=transaction) == 1
            assert rows(database.query("SELECT a FROM t", transaction=transaction)) == [(1,)]
            1 / 0
    assert rows(database.tables()) == []


def test_an_upload_that_fails_midway_leaves_nothing(database):
    def batches():
        yield pa.record_batch({"a": [1]})
        raise ValueError("no more")

    schema = pa.schema([("a", pa.int64())])
    with pytest.raises(flight.FlightError, match="CommandStatementIngest: .*no more"):
        database.ingest("t", pa.RecordBatchReader.from_batches(schema, batches()))
    assert rows(database.tables()) == []


def test_rows_that_are_still_to_come_hold_nobody_up(database):
    database.update("CREATE TABLE t (a INTEGER)")
    entered, go_on = threading.Event(), threading.Event()

    def slow():
        yield pa.record_batch({"a": [1]})
        entered.set()
        assert go_on.wait(60)
        yield pa.record_batch({"a": [2]})

    with database.prepare("INSERT INTO t VALUES (?)") as statement:
        reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), slow())
        thread = threading.Thread(target=statement.update, args=(reader,))
        thread.start()
        assert entered.wait(60)
        assert rows(database.query("SELECT count(*) FROM t")) == [(0,)]
        go_on.set()
        thread.join()
    assert rows(database.query("SELECT count(*) FROM t")) == [(2,)]


# ---- the server ----


class Scripted(sql.Server):
    """Answers with what it was made with."""

    def __init__(self, answer, **kwargs):
        self.answer = answer
        self.calls = []
        super().__init__("grpc://localhost:0", **kwargs)

    def execute(self, call, query, parameters):
        self.calls.append((call, query, parameters))
        return self.answer() if callable(self.answer) else self.answer


class OneCapsule:
    def __arrow_c_array__(self, requested_schema=None):
        return batch(1, 2).__arrow_c_array__(requested_schema)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (pa.table({"n": [1, 2]}), [1, 2]),
        (lambda: batch(1, 2), [1, 2]),
        (OneCapsule(), [1, 2]),
        (lambda: iter([batch(1), batch(2)]), [1, 2]),
        (lambda: [batch(1), batch(), batch(2)], [1, 2]),
        (lambda: (SCHEMA, iter([])), []),
        (lambda: (SCHEMA, [batch(3)]), [3]),
        (lambda: pa.RecordBatchReader.from_batches(SCHEMA, iter([batch(4)])), [4]),
    ],
)
def test_execute_returns_rows_of_any_kind(answer, expected):
    with Scripted(answer) as server, sql.connect(server.location) as client:
        assert [row[0] for row in rows(client.query("x"))] == expected
        (call, query, parameters), *_ = server.calls
        assert query == "x" and parameters is None and call.wants_rows and call.session is None
        with pytest.raises(ValueError, match="is over"):
            call.context.peer()


@pytest.mark.parametrize(
    ("answer", "failure", "text"),
    [
        (lambda: [batch(1), pa.record_batch({"m": [1]})], flight.FlightInternalError, "field 0 is 'm', expected 'n'"),
        (lambda: [], flight.ArrowInvalid, "needs a schema"),
        (lambda: ["text"], flight.FlightServerError, "__arrow_c_array__"),
        (lambda: 1.5, flight.FlightServerError, "not iterable"),
        (lambda: {}["missing"], KeyError, "missing"),
    ],
)
def test_a_result_that_is_none_fails_and_says_why(answer, failure, text):
    with Scripted(answer) as server, sql.connect(server.location) as client:
        with pytest.raises(failure, match=text):
            client.query("x").read_all()


def test_an_iterable_that_raises_ends_the_stream_with_its_text():
    def numbers():
        yield batch(1)
        raise ValueError("enough")

    with Scripted(lambda: (SCHEMA, numbers())) as server, sql.connect(server.location) as client:
        with pytest.raises(Exception, match="ValueError: enough"):
            client.query("x").read_all()


@pytest.mark.parametrize("count", [0, 7, -1, 2**40])
def test_execute_returns_a_count(count):
    with Scripted(count) as server, sql.connect(server.location) as client:
        assert client.update("x") == count
        assert len(server.calls) == 1 and not server.calls[0][0].wants_rows


def test_the_sqlstate_of_an_exception_arrives():
    def fail():
        error = ValueError("no such thing")
        error.sqlstate = "42P01"
        raise error

    with Scripted(fail) as server, sql.connect(server.location) as client:
        with pytest.raises(flight.ArrowInvalid, match="no such thing") as caught:
            client.update("x")
        assert caught.value.sqlstate == "42P01"


def test_errors_name_the_call_and_whether_to_try_again():
    with Scripted(lambda: 1 / 0) as server, sql.connect(server.location) as client:
        for call, name in ((client.query, "CommandStatementQuery"), (client.update, "CommandStatementUpdate")):
            with pytest.raises(flight.FlightError) as caught:
                call("x")
            assert (caught.value.sql_call, caught.value.retry) == (name, "never")
        with pytest.raises(NotImplementedError) as caught:
            client.transaction()
        assert caught.value.sql_call == "BeginTransaction"
    with pytest.raises(flight.FlightUnavailableError) as caught:
        sql.connect(server.location).update("x")
    assert (caught.value.sql_call, caught.value.retry) == ("CommandStatementUpdate", "safe")
    with pytest.raises(flight.FlightUnavailableError) as caught:
        sql.connect(server.location).list_actions()
    assert caught.value.retry == "safe" and not hasattr(caught.value, "sql_call")


def test_what_is_not_overridden_is_not_offered():
    with Scripted(0) as server, sql.connect(server.location) as client:
        for call in (client.transaction, client.catalogs, lambda: client.ingest("t", batch(1)), lambda: client.prepare("x")):
            with pytest.raises(NotImplementedError):
                call()
        info = client.sql_info()
        assert info["FLIGHT_SQL_SERVER_TRANSACTION"] == 0 and info["FLIGHT_SQL_SERVER_BULK_INGESTION"] is False


def test_sql_info_is_a_dict_by_name_and_number():
    given = {"FLIGHT_SQL_SERVER_NAME": "mine", "SQL_KEYWORDS": ["A", "B"], 10500: 5, "SQL_MAX_ROW_SIZE": 9}
    with Scripted(0, sql_info=given) as server, sql.connect(server.location) as client:
        info = client.sql_info()
        assert {name: info[name] for name in given if name != 10500} == {n: v for n, v in given.items() if n != 10500}
        assert client.sql_info([10500, "FLIGHT_SQL_SERVER_NAME"]) == {10500: 5, "FLIGHT_SQL_SERVER_NAME": "mine"}
        with pytest.raises(ValueError, match="no name of SqlInfo"):
            client.sql_info(["FLIGHT_SQL_SERVER_NAMES"])
    with pytest.raises(ValueError, match="FLIGHT"):
        Scripted(0, sql_info={"FLIGHT_SQL_NOTHING": 1})


class Keys(Scripted):
    def list_catalogs(self, call):
        return ["b", "a"]

    def list_db_schemas(self, call, schemas):
        assert schemas.schema_pattern == "m%"
        return [("a", "main"), (None, "mine"), ("b", "other")]

    def list_primary_keys(self, call, table):
        yield *table, "id", 1, None

    def list_foreign_keys(self, call, tables):
        yield (None, None, "parent", "id"), (None, None, "child", "parent_id"), 1, "fk", None, 0, 2


def test_listings_of_keys_and_schemas():
    with Keys(0) as server, sql.connect(server.location) as client:
        assert rows(client.catalogs()) == [("a",), ("b",)]
        assert rows(client.schemas(schema_pattern="m%")) == [(None, "mine"), ("a", "main")]
        assert rows(client.primary_keys("parent"))[0][2:5] == ("parent", "id", 1)
        for reader in (client.exported_keys("parent"), client.imported_keys("child"), client.cross_reference("parent", "child")):
            (key,) = reader.read_all().to_pylist()
            assert (key["pk_table_name"], key["fk_column_name"], key["fk_key_name"]) == ("parent", "parent_id", "fk")
            assert (key["update_rule"], key["delete_rule"]) == (0, 2)


class Sessions(Scripted):
    """Its sessions are tuples, which must arrive whole."""

    def open_session(self, call):
        return ("session", 1)

    def close_session(self, session):
        self.calls.append(("close", session))

    def begin(self, session):
        self.calls.append(("begin", session))

    commit = rollback = begin

    def savepoint(self, session, name):
        self.calls.append(("savepoint", session))

    release_savepoint = rollback_to_savepoint = savepoint


def test_sessions_and_savepoints_reach_the_methods():
    with Sessions(0) as server, sql.connect(server.location) as client:
        with client.transaction() as transaction:
            point = transaction.savepoint("here")
            transaction.rollback_to(point)
            transaction.release(point)
            client.update("x", transaction=transaction)
        names = [call[0] if isinstance(call[0], str) else call[0].session for call in server.calls]
        session = ("session", 1)
        assert names[:6] == ["begin", "savepoint", "savepoint", "savepoint", session, "begin"]
        assert all(call[1] == session for call in server.calls if isinstance(call[0], str))


class Leaving(Sessions):
    """Counts what began and what ended."""

    def __init__(self):
        self.told = []
        super().__init__(0)

    def prepare(self, call, query):
        return sql.Plan(is_update=True)

    def open_session(self, call):
        self.told.append("open")
        return ["session"]

    def close_session(self, session):
        self.told.append("close")

    def rollback(self, session):
        self.told.append("rollback")


def test_what_clients_left_behind_is_ended_when_the_server_shuts_down():
    with Leaving() as server, sql.connect(server.location) as client:
        transaction = client.transaction()
        client.update("x", transaction=transaction)
        statement = client.prepare("y")
        assert server.told.count("close") < server.told.count("open")
        server.shutdown(0)
        assert server.told.count("close") == server.told.count("open")
        assert server.told.count("rollback") == 1
        server.shutdown(0)
        assert server.told.count("close") == server.told.count("open")
        del transaction, statement


def test_a_server_of_flight_sql_is_a_plain_server_too():
    class Both(Scripted):
        def do_get(self, context, ticket):
            return flight.RecordBatchStream(pa.table({"t": [ticket.ticket]}))

    with Both(0) as server, sql.connect(server.location) as client:
        assert client.do_get(flight.Ticket("plain")).read_all().to_pydict() == {"t": [b"plain"]}
        assert client.update("x") == 0


def test_a_limit_has_its_name_in_the_error():
    with Sessions(0, limits={"transactions_max": 1}) as server, sql.connect(server.location) as client:
        with client.transaction():
            with pytest.raises(flight.ArrowException, match="transactions_max"):
                client.transaction()
    with pytest.raises(ValueError):
        Scripted(0, limits={"transactions_max": 0})


def test_servers_and_clients_are_collected():
    class Client(sql.Client):
        pass

    server = Sessions(0)
    client = Client(server.location)
    client.itself = client
    client.statement = client.transaction()
    gone = [weakref.ref(server), weakref.ref(client)]
    del client
    gc.collect()
    del server
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
from cflight import RecordBatchReader, sql

class Echo(sql.Server):
    def list_table_types(self, call):
        return ["TABLE", "VIEW"]

    def ingest(self, call, target, rows):
        self.batches, self.late = list(rows), rows
        return sum(batch.num_rows for batch in self.batches)

    def execute(self, call, query, parameters):
        return self.batches

with Echo("grpc://localhost:0") as server, sql.connect(server.location) as client:
    reader = client.table_types()
    assert type(reader) is RecordBatchReader
    assert client.ingest("t", reader) == 2
    assert [batch.num_rows for batch in client.query("SELECT")] == [2]
    try:
        list(server.late)
    except ValueError as error:
        print(error)
"""


def test_clients_and_servers_work_without_pyarrow_and_rows_end_with_their_upload(run_script):
    assert run_script(WITHOUT_PYARROW).startswith("the reader is closed")


class Slow(Scripted):
    """A statement runs until it is interrupted."""

    entered = threading.Event()

    def open_session(self, call):
        return threading.Event()

    def interrupt(self, session):
        session.set()

    def execute(self, call, query, parameters):
        self.entered.set()
        self.calls.append(call.session.wait(60))
        raise flight.FlightCancelledError("interrupted")


def test_a_client_that_cancels_interrupts_the_session():
    with Slow(0) as server, sql.connect(server.location) as client:
        token = flight.CancelToken()
        failures = []

        def update():
            try:
                client.update("x", flight.FlightCallOptions(cancel=token))
            except flight.FlightCancelledError as error:
                failures.append(error)

        thread = threading.Thread(target=update)
        thread.start()
        assert server.entered.wait(60)
        token.cancel()
        thread.join(60)
        assert len(failures) == 1
    assert server.calls == [True]
