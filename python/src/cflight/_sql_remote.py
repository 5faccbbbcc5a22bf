# SPDX-License-Identifier: Apache-2.0
"""What a Flight SQL server keeps for an asyncio client: statements and transactions."""

import asyncio
import contextlib
import warnings

from ._cflight import FlightCallOptions
from ._exceptions import ArrowInvalid
from ._sql_rows import AsyncRows

_FORGET_S = 1


class Opening:
    """What opens something: awaited, or the head of an ``async with``."""

    def __init__(self, function, *args):
        self._function = function
        self._args = args
        self._opened = None

    def __await__(self):
        """Return what was opened."""
        return self._function(*self._args).__await__()

    async def __aenter__(self):
        """Open it, and enter it."""
        self._opened = await self
        return await self._opened.__aenter__()

    async def __aexit__(self, *args):
        """Leave what was opened."""
        return await self._opened.__aexit__(*args)


def count_of(answer):
    """Make a number of the answer to an update, of which a server may say nothing."""
    return -1 if answer is None else answer


def id_of(transaction):
    """Return the id of a transaction that is not over, None for none."""
    if transaction is None:
        return None
    if not isinstance(transaction, AsyncTransaction):
        raise TypeError(
            "Argument 'transaction' has incorrect type (expected cflight.sql.AsyncTransaction, got "
            f"{type(transaction).__name__})"
        )
    transaction._check()
    return transaction._handle


_tasks = set()  # which nobody else holds


def _forget(client, name, arguments):
    """Tell the server that something is needed no more; on the event loop's thread."""

    async def tell():
        with contextlib.suppress(Exception):
            await client._call(name, options=FlightCallOptions(timeout=_FORGET_S), **arguments)

    task = asyncio.get_running_loop().create_task(tell())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


class _Remote:
    """Something that the server keeps; calls of it take turns."""

    def __init__(self, client, handle):
        self._client = client
        self._handle = handle
        self._is_over = False
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    def _check(self):
        if self._is_over:
            raise ArrowInvalid(f"the {self._what} is over")

    async def _call(self, name, **arguments):
        self._check()
        return await self._client._call(name, **arguments)

    def __del__(self):
        """Tell the server, if the event loop still turns."""
        if getattr(self, "_is_over", True):
            return
        warnings.warn(f"a {self._what} was dropped before its end", ResourceWarning, source=self)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(_forget, self._client, *self._last_call())


class AsyncStatement(_Remote):
    """A prepared statement, of :meth:`AsyncClient.prepare`: runs any number of times.

    As a context manager it is closed at the end of the block. One that is dropped is closed too, with
    a ResourceWarning, if the event loop still turns.

    Examples
    --------
    >>> async with client.prepare("SELECT * FROM stations WHERE id = ?") as statement:
    ...     await statement.bind(pa.table({"id": [7]}))
    ...     async with statement.query() as rows:
    ...         table = await rows.read_all()
    """

    _what = "statement"

    def __init__(self, client, handle, schema, parameters, is_update):
        super().__init__(client, handle)
        self._facts = schema, parameters, is_update

    def _last_call(self):
        return "statement_close", {"handle": self._handle}

    @property
    def schema(self):
        """The schema of its result; None when the server gave none."""
        return self._facts[0]

    @property
    def parameters(self):
        """The schema of its parameters, in their order; None when the server gave none."""
        return self._facts[1]

    @property
    def is_update(self):
        """Whether it changes something; None when the server does not say."""
        return self._facts[2]

    async def bind(self, rows, options=None):
        """Send rows of parameters, as :meth:`Statement.bind` does."""
        async with self._lock:
            given = {"handle": self._handle, "rows": rows, "options": options}
            self._handle = await self._call("statement_bind", **given) or self._handle

    async def _info(self, options):
        async with self._lock:
            return await self._call("statement_query", handle=self._handle, options=options)

    async def _query(self, options):
        return await AsyncRows._open(self._client, *await self._info(options), options)

    def query(self, options=None):
        """Run it as a query: give :class:`AsyncRows`.

        Await it, or use it as ``async with statement.query() as rows``.
        """
        return Opening(self._query, options)

    async def query_info(self, options=None):
        """Run it as a query and return its :class:`FlightInfo`."""
        return (await self._info(options))[0]

    async def update(self, rows=None, options=None):
        """Run it as an update, as :meth:`Statement.update` does: return the number of rows affected,
        or -1."""
        async with self._lock:
            given = {"handle": self._handle, "rows": rows, "options": options}
            return count_of(await self._call("statement_update", **given))

    async def close(self, options=None):
        """Tell the server that it is needed no more. Safe to repeat."""
        async with self._lock:
            if not self._is_over:
                with contextlib.suppress(KeyError):  # the server has forgotten it already
                    await self._call("statement_close", handle=self._handle, options=options)
                self._is_over = True

    async def __aenter__(self):
        """Return self."""
        return self

    async def __aexit__(self, kind, exception, traceback):
        """Call close(); what the block raised goes on, whatever becomes of that."""
        if kind is None:
            await self.close()
            return
        with contextlib.suppress(Exception):
            await self.close()


class AsyncTransaction(_Remote):
    """A transaction, of :meth:`AsyncClient.transaction`.

    As a context manager it commits at the end of the block, and rolls back when the block raises. One
    that is dropped is rolled back too, with a ResourceWarning, if the event loop still turns.

    Examples
    --------
    >>> async with client.transaction() as transaction:
    ...     await client.update("DELETE FROM stations", transaction=transaction)
    """

    _what = "transaction"

    def _last_call(self):
        return "rollback", {"id": self._handle}

    @property
    def id(self):
        """What the server calls it: bytes."""
        return self._handle

    @property
    def is_over(self):
        """Whether it was committed or rolled back."""
        return self._is_over

    async def _end(self, name, options):
        async with self._lock:
            await self._call(name, id=self._handle, options=options)
            self._is_over = True

    async def commit(self, options=None):
        """End it and keep what it did.

        When this fails it may have been kept or not; it can still be rolled back.
        """
        await self._end("commit", options)

    async def rollback(self, options=None):
        """End it and take back what it did."""
        await self._end("rollback", options)

    async def savepoint(self, name, options=None):
        """Mark a point that it can be taken back to: return its id, bytes."""
        async with self._lock:
            return await self._call("savepoint", id=self._handle, name=name, options=options)

    async def release(self, savepoint, options=None):
        """Forget a savepoint and those after it; what was done stays."""
        async with self._lock:
            await self._call("release", id=savepoint, options=options)

    async def rollback_to(self, savepoint, options=None):
        """Take back what was done since a savepoint, which stays; later ones are gone."""
        async with self._lock:
            await self._call("rollback_to", id=savepoint, options=options)

    async def __aenter__(self):
        """Return self."""
        return self

    async def __aexit__(self, kind, exception, traceback):
        """Commit, or roll back after an exception, unless it is over."""
        if self._is_over:
            return
        if kind is None:
            await self.commit()
            return
        with contextlib.suppress(Exception):
            await self.rollback()


for _class in (AsyncStatement, AsyncTransaction):
    _class.__module__ = "cflight.sql"
