# SPDX-License-Identifier: Apache-2.0
"""cflight.sql.AsyncClient: all of the client under asyncio, over SQLite and over scripted servers."""

import asyncio
import gc
import inspect
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


@pytest.fixture
def location(tmp_path):
    with sql_server.Database("grpc://localhost:0", str(tmp_path / "test.db")) as server:
        yield server.location


def run(location, body):
    """Run a coroutine function with a client of its own."""

    async def main():
        async with sql.AsyncClient(location) as client:
            return await asyncio.wait_for(body(client), 60)

    return asyncio.run(main())


async def rows(opening):
    async with opening as reader:
        return [tuple(row.values()) for row in (await reader.read_all()).to_pylist()]


def test_statements_run_once_each_and_give_rows_or_counts(location):
    async def body(client):
        assert await client.update("CREATE TABLE t (a INTEGER, b TEXT)") <= 0
        assert await client.update("INSERT INTO t VALUES (1, 'x'), (2, NULL)") == 2
        assert await rows(client.query("SELECT * FROM t ORDER BY a")) == [(1, "x"), (2, None)]
        reader = await client.query("SELECT a FROM t WHERE a > 5")
        assert (await reader.read_all()).num_rows == 0
        with pytest.raises(StopAsyncIteration):
            await reader.read_next_batch()
        with pytest.raises(flight.ArrowInvalid, match="CommandStatementQuery: no such column: nope"):
            await client.query("SELECT nope")
        with pytest.raises(ValueError, match="CommandStatementUpdate: near"):
            await client.update("DELETE FRM t")
        with pytest.raises(TypeError, match="expected str or cflight.sql.SubstraitPlan"):
            await client.update(5)

    run(location, body)


def test_many_statements_run_beside_each_other(location):
    async def body(client):
        numbers = await asyncio.gather(*(rows(client.query(f"SELECT {i}")) for i in range(30)))
        assert [number for ((number,),) in numbers] == list(range(30))

    run(location, body)


def test_a_prepared_statement_is_bound_run_and_closed(location):
    async def body(client):
        await client.update("CREATE TABLE t (a INTEGER, b TEXT)")
        async with client.prepare("INSERT INTO t VALUES (?, ?)") as statement:
            assert statement.is_update is True
            assert await statement.update(pa.table({"a": [1, 2], "b": ["x", "y"]})) == 2
            await statement.bind(pa.record_batch({"a": [3], "b": ["z"]}))
            assert await statement.update() == 1
        with pytest.raises(flight.ArrowInvalid, match="the statement is over"):
            await statement.update()
        await statement.close()
        statement = await client.prepare("SELECT a FROM t WHERE b = ?")
        await statement.bind(pa.table({"b": ["y"]}))
        assert await rows(statement.query()) == [(2,)]
        info = await statement.query_info()
        async with await client.do_get(info.endpoints[0].ticket) as reader:
            assert (await reader.read_all()).to_pydict() == {"a": [2]}
        await statement.close()

    run(location, body)


def test_a_transaction_ends_with_its_block(location):
    async def body(client):
        await client.update("CREATE TABLE t (a INTEGER)")
        async with client.transaction() as transaction:
            await client.update("INSERT INTO t VALUES (1)", transaction=transaction)
            assert await client.ingest("t", pa.table({"a": [2]}), mode="append", transaction=transaction) == 1
            assert await rows(client.query("SELECT a FROM t", transaction=transaction)) == [(1,), (2,)]
            async with client.prepare("DELETE FROM t WHERE a = 2", transaction=transaction) as statement:
                assert await statement.update() == 1
            assert not transaction.is_over and transaction.id
        assert transaction.is_over
        with pytest.raises(ZeroDivisionError):
            async with client.transaction() as transaction:
                await client.update("INSERT INTO t VALUES (3)", transaction=transaction)
                1 / 0
        assert transaction.is_over
        assert await rows(client.query("SELECT a FROM t")) == [(1,)]
        with pytest.raises(flight.ArrowInvalid, match="the transaction is over"):
            await client.update("INSERT INTO t VALUES (4)", transaction=transaction)
        with pytest.raises(TypeError, match="expected cflight.sql.AsyncTransaction"):
            await client.update("INSERT INTO t VALUES (4)", transaction=b"id")

    run(location, body)


@pytest.mark.filterwarnings("ignore:a (transaction|statement) was dropped:ResourceWarning")
def test_what_is_dropped_is_ended_at_the_server():
    class Told(sql.Server):
        ended = threading.Event()

        def open_session(self, call):
            return []

        def execute(self, call, query, parameters):
            return 0

        def begin(self, session):
            pass

        commit = begin

        def rollback(self, session):
            self.ended.set()

    async def body(client):
        await client.transaction()
        gc.collect()
        assert await asyncio.to_thread(server.ended.wait, 60)

    with Told("grpc://localhost:0") as server:
        run(server.location, body)


def test_uploads_have_four_modes(location):
    async def body(client):
        table = pa.table({"a": [1, 2], "b": ["x", "y"]})
        assert await client.ingest("t", table) == 2
        with pytest.raises(flight.FlightError, match="already exists"):
            await client.ingest("t", table)
        assert await client.ingest("t", table, mode="append") == 2
        assert await client.ingest("t", table.to_reader(), mode="replace") == 2
        with pytest.raises(ValueError, match="'create', 'append', 'create_append' and 'replace'"):
            await client.ingest("t", table, mode="merge")

    run(location, body)


def test_a_long_upload_leaves_room_for_other_calls(location):
    def batches():
        for i in range(300):
            yield pa.record_batch({"a": list(range(i, i + 100))})

    async def body(client):
        schema = pa.schema([("a", pa.int64())])
        upload = asyncio.ensure_future(
            client.ingest("t", pa.RecordBatchReader.from_batches(schema, batches()))
        )
        between = 0
        while not upload.done():
            await asyncio.sleep(0)
            between += 1
        assert await upload == 30000
        assert between > 100

    run(location, body)


def test_rows_that_fail_leave_nothing(location):
    def batches():
        yield pa.record_batch({"a": [1]})
        raise ValueError("no more")

    async def body(client):
        schema = pa.schema([("a", pa.int64())])
        with pytest.raises(flight.FlightError, match="CommandStatementIngest: .*no more"):
            await client.ingest("t", pa.RecordBatchReader.from_batches(schema, batches()))
        assert await client.update("CREATE TABLE later (a INTEGER)") <= 0

    run(location, body)


def test_the_catalog_is_listed(location):
    async def body(client):
        await client.update("CREATE TABLE one (a INTEGER NOT NULL, b REAL)")
        assert await rows(client.catalogs()) == [("main",)]
        assert await rows(client.schemas(catalog="main")) == [("main", "")]
        assert await rows(client.tables(table_types=["TABLE"], table_pattern="o%")) == [("main", "", "one", "TABLE")]
        assert await rows(client.table_types()) == [("TABLE",), ("VIEW",)]
        expected = pa.schema([pa.field("a", pa.int64(), False), ("b", pa.float64())])
        assert await client.table_schema("one") == expected
        with pytest.raises(KeyError, match="no table 'three'"):
            await client.table_schema("three")
        with pytest.raises(NotImplementedError, match="CommandGetPrimaryKeys"):
            await client.primary_keys("one")
        info = await client.sql_info(["FLIGHT_SQL_SERVER_BULK_INGESTION", 8])
        assert info == {"FLIGHT_SQL_SERVER_BULK_INGESTION": True, "FLIGHT_SQL_SERVER_TRANSACTION": 1}
        assert (await client.query_schema("SELECT 1 AS a")).names == ["a"]

    run(location, body)


class Slow(sql.Server):
    """Statements that go on until they are interrupted."""

    def __init__(self):
        self.began = threading.Event()
        self.interrupted = threading.Event()
        super().__init__("grpc://localhost:0")

    def open_session(self, call):
        return []

    def execute(self, call, query, parameters):
        if query == "endless":
            return SCHEMA, self.endless()
        self.began.set()
        assert self.interrupted.wait(60)
        raise flight.FlightCancelledError("stopped")

    def endless(self):
        try:
            while True:
                yield pa.record_batch({"n": list(range(10000))})
        finally:
            self.interrupted.set()

    def interrupt(self, session):
        self.interrupted.set()


@pytest.mark.parametrize("name", ["update", "query"])
def test_cancelling_a_task_interrupts_the_statement(name):
    async def body(client):
        call = getattr(client, name)("slow")
        task = asyncio.ensure_future(call)
        assert await asyncio.to_thread(server.began.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.interrupted.wait, 60)

    with Slow() as server:
        run(server.location, body)


def test_closing_rows_ends_the_query():
    async def body(client):
        async with client.query("endless") as reader:
            assert reader.schema == SCHEMA
            assert (await reader.read_next_batch()).num_rows == 10000
        assert await asyncio.to_thread(server.interrupted.wait, 60)

    with Slow() as server:
        run(server.location, body)


def test_cancelling_by_an_info(location):
    async def body(client):
        info = await client.query_info("SELECT 1")
        assert await client.cancel(info) == flight.CancelStatus.CANCELLED
        state = await client.query_poll("SELECT 1")
        assert state.descriptor is None
        with pytest.raises(ValueError, match="the query is complete"):
            await client.query_poll("SELECT 1", after=state)

    run(location, body)


class Elsewhere(flight.FlightServerBase):
    """Infos of Flight SQL whose endpoints are somewhere else."""

    def __init__(self, places):
        self.places = places
        super().__init__("grpc://localhost:0")

    def get_flight_info(self, context, descriptor):
        endpoints = [flight.FlightEndpoint(str(i), places) for i, places in enumerate(self.places)]
        return flight.FlightInfo(SCHEMA, descriptor, endpoints, -1, -1)

    def get_schema(self, context, descriptor):
        return flight.SchemaResult(SCHEMA)

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(pa.table({"n": [int(ticket.ticket)]}))


@pytest.mark.parametrize("kind", ["here", "reuse", "elsewhere", "none"])
def test_rows_come_from_all_endpoints_in_order(kind):
    async def body(client):
        assert await client.query_schema("x") == SCHEMA
        async with client.query("x") as reader:
            assert reader.schema == SCHEMA
            expected = [] if kind == "none" else [0, 1, 2]
            assert (await reader.read_all())["n"].to_pylist() == expected

    with Elsewhere([]) as other, Elsewhere([]) as server:
        place = {"here": [], "reuse": ["arrow-flight-reuse-connection://?"], "elsewhere": [other.location]}
        server.places = [place[kind]] * 3 if kind != "none" else []
        run(server.location, body)


def test_has_all_of_the_blocking_client():
    for name, method in inspect.getmembers(sql.Client, callable):
        if name.startswith("_") or name in vars(flight.FlightClient) or name == "as_async":
            continue
        mine = list(inspect.signature(getattr(sql.AsyncClient, name)).parameters)
        theirs = list(inspect.signature(method).parameters)
        if name == "query":
            theirs = theirs[: len(mine)]
        assert mine == theirs, name


def test_clients_share_a_connection_and_are_collected(location):
    async def main():
        blocking = sql.Client(location)
        client = blocking.as_async()
        assert isinstance(client, sql.AsyncClient)
        assert await rows(client.query("SELECT 1")) == [(1,)]
        statement = await client.prepare("SELECT 2")
        client.itself = client
        await statement.close()
        return weakref.ref(client), weakref.ref(blocking)

    gone = asyncio.run(main())
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
