# SPDX-License-Identifier: Apache-2.0
"""The asyncio client of Flight SQL: the calls of the blocking one, awaited."""

from ._async import AsyncioFlightClient
from ._cflight import Client
from ._exceptions import ArrowInvalid
from ._sql_remote import AsyncStatement, AsyncTransaction, Opening, count_of, id_of
from ._sql_rows import AsyncRows


class AsyncClient(AsyncioFlightClient):
    """A client of a Flight SQL server whose calls are awaited; has all that :class:`Client` has.

    Cancelling a task ends the call that it awaits, and the server stops the statement. Nothing that
    changes something is sent twice. It belongs to the event loop that it is first used on.

    Parameters
    ----------
    location, **kwargs
        Those of :class:`Client`; or a client, whose connection it then shares.

    Examples
    --------
    >>> async with AsyncClient("grpc://localhost:31337") as client:
    ...     async with client.query("SELECT * FROM stations") as rows:
    ...         table = await rows.read_all()
    """

    def __init__(self, location, **kwargs):
        super().__init__(location if isinstance(location, Client) else Client(location, **kwargs))

    async def _call(self, name, *purpose, **arguments):
        """Make a call; return what it gives."""
        self._driver.bind()
        call = self._client._cflight_sql_start(name, *purpose, **arguments)
        self._driver.touch()
        try:
            return await self._next(call)
        finally:
            self._end(call)

    async def _rows(self, name, arguments):
        info, rows = await self._call(name, **arguments)
        return await AsyncRows._open(self, info, rows, arguments["options"])

    def _list(self, name, **arguments):
        return Opening(self._rows, name, arguments)

    def query(self, query, options=None, *, transaction=None):
        """Run a query: give :class:`AsyncRows` of all endpoints, one after the other.

        Await it, or use it as ``async with client.query(...) as rows``.
        """
        given = {"query": query, "options": options, "transaction": id_of(transaction)}
        return self._list("query", **given)

    async def query_info(self, query, options=None, *, transaction=None):
        """Run a query and return its :class:`FlightInfo`, as :meth:`Client.query_info` does."""
        given = {"query": query, "options": options, "transaction": id_of(transaction)}
        return (await self._call("query", **given))[0]

    async def query_poll(self, query, options=None, *, after=None, transaction=None):
        """Start a query that may take long, or ask how far it is, as :meth:`Client.query_poll`."""
        given = {"query": query, "options": options, "transaction": id_of(transaction)}
        return await self._call("query", "state", after, **given)

    async def query_schema(self, query, options=None, *, transaction=None):
        """Return the schema of the result of a query, which does not run."""
        given = {"query": query, "options": options, "transaction": id_of(transaction)}
        return await self._call("query", "schema", **given)

    async def update(self, query, options=None, *, transaction=None):
        """Run a statement that changes something: return the number of rows affected, or -1."""
        given = {"query": query, "options": options, "transaction": id_of(transaction)}
        return count_of(await self._call("update", **given))

    async def cancel(self, info, options=None):
        """Ask the server to stop the query of a :class:`FlightInfo`: return a
        :class:`CancelStatus`."""
        try:
            return await self.cancel_flight_info(info, options=options)
        except (NotImplementedError, ArrowInvalid):  # what servers say of actions they do not know
            return await self._call("cancel_query", info=info.serialize(), options=options)

    def prepare(self, query, options=None, *, transaction=None):
        """Have a statement planned: give an :class:`AsyncStatement`, to run any number of times.

        Await it, or use it as ``async with client.prepare(...) as statement``.
        """
        return Opening(self._prepare, query, options, transaction)

    async def _prepare(self, query, options, transaction):
        given = {"query": query, "options": options, "transaction": id_of(transaction)}
        return AsyncStatement(self, *await self._call("prepare", **given))

    def transaction(self, options=None):
        """Begin an :class:`AsyncTransaction`.

        Await it, or use it as ``async with client.transaction() as transaction``, which commits at
        the end and rolls back after an exception.
        """
        return Opening(self._begin, options)

    async def _begin(self, options):
        return AsyncTransaction(self, await self._call("transaction", options=options))

    async def ingest(
        self,
        table,
        rows,
        options=None,
        *,
        mode="create",
        catalog=None,
        schema=None,
        temporary=False,
        transaction=None,
        settings=None,
    ):
        """Upload rows into a table, as :meth:`Client.ingest` does: return how many, or -1.

        The event loop takes a batch of `rows` when the last one has left, on its own thread.
        """
        return count_of(
            await self._call(
                "ingest",
                table=table,
                rows=rows,
                options=options,
                mode=mode,
                catalog=catalog,
                schema=schema,
                temporary=temporary,
                transaction=id_of(transaction),
                settings=settings,
            )
        )

    def catalogs(self, options=None):
        """List catalogs: give rows of `catalog_name`."""
        return self._list("catalogs", options=options)

    def schemas(self, options=None, *, catalog=None, schema_pattern=None):
        """List schemas: give rows of `catalog_name` and `db_schema_name`."""
        return self._list("schemas", options=options, catalog=catalog, schema_pattern=schema_pattern)

    def tables(
        self,
        options=None,
        *,
        catalog=None,
        schema_pattern=None,
        table_pattern=None,
        table_types=None,
        include_schema=False,
    ):
        """List tables: give rows as :meth:`Client.tables` does."""
        return self._list(
            "tables",
            options=options,
            catalog=catalog,
            schema_pattern=schema_pattern,
            table_pattern=table_pattern,
            table_types=table_types,
            include_schema=include_schema,
        )

    async def table_schema(self, table, options=None, *, catalog=None, schema=None):
        """Return the schema of one table by its exact name; ArrowKeyError when there is none."""
        filters = {"catalog": catalog, "schema_pattern": schema, "table_pattern": table}
        async with self.tables(options, include_schema=True, **filters) as rows:
            found = await rows.read_all()
        read = self._client._cflight_sql_read_schema
        return read(found, table=table, catalog=catalog, schema=schema)

    def table_types(self, options=None):
        """List the types of tables: give rows of `table_type`."""
        return self._list("table_types", options=options)

    def primary_keys(self, table, options=None, *, catalog=None, schema=None):
        """List the columns of a primary key."""
        return self._list("primary_keys", table=table, options=options, catalog=catalog, schema=schema)

    def exported_keys(self, table, options=None, *, catalog=None, schema=None):
        """List the foreign keys elsewhere that point at a table."""
        return self._list("exported_keys", table=table, options=options, catalog=catalog, schema=schema)

    def imported_keys(self, table, options=None, *, catalog=None, schema=None):
        """List the foreign keys of a table."""
        return self._list("imported_keys", table=table, options=options, catalog=catalog, schema=schema)

    def cross_reference(
        self,
        pk_table,
        fk_table,
        options=None,
        *,
        pk_catalog=None,
        pk_schema=None,
        fk_catalog=None,
        fk_schema=None,
    ):
        """List the foreign keys of one table that point at another."""
        return self._list(
            "cross_reference",
            pk_table=pk_table,
            fk_table=fk_table,
            options=options,
            pk_catalog=pk_catalog,
            pk_schema=pk_schema,
            fk_catalog=fk_catalog,
            fk_schema=fk_schema,
        )

    def type_info(self, data_type=None, options=None):
        """List the types of the database, or those of one number of JDBC and ODBC."""
        return self._list("type_info", data_type=data_type, options=options)

    async def sql_info(self, codes=None, options=None):
        """Return what the server says of itself, as a dict, as :meth:`Client.sql_info` does."""
        async with self._list("sql_info", codes=codes, options=options) as rows:
            return self._client._cflight_sql_read_info([batch async for batch in rows])


AsyncClient.__module__ = "cflight.sql"
