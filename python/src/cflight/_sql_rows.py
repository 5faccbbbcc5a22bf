# SPDX-License-Identifier: Apache-2.0
"""The rows of a result under asyncio."""

import asyncio
import inspect

from ._cflight import CancelToken, FlightCallOptions
from ._exceptions import ArrowInvalid, FlightInternalError

_REUSE = b"arrow-flight-reuse-connection://?"


class _Came:
    """Rows that came with the answer."""

    def __init__(self, reader):
        self.schema = reader.schema
        self.close = reader.close
        self._reader = reader

    async def next(self):
        return next(self._reader, None)


class _Here:
    """Rows of endpoints of this server, one after the other, over the client's connection."""

    def __init__(self, client, endpoints, options):
        self.schema = None
        self._client = client
        self._endpoints = iter(endpoints)
        self._options = options
        self._reader = None

    async def open(self):
        """Open the next endpoint; return whether there is one."""
        endpoint = next(self._endpoints, None)
        if endpoint is None:
            return False
        self._reader = await self._client.do_get(endpoint.ticket, options=self._options)
        schema = await self._reader.schema()
        if self.schema is not None and schema != self.schema:
            self.close()
            raise ArrowInvalid(f"an endpoint has another schema than those before: {schema}")
        self.schema = schema
        return True

    async def next(self):
        while self._reader is not None:
            async for batch, _ in self._reader:
                if batch is not None:
                    return batch
            self.close()
            await self.open()
        return None

    def close(self):
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class _Elsewhere:
    """Rows of endpoints of other servers: fetched by the blocking client, on a thread."""

    def __init__(self, client, info, options):
        given = {
            name: getattr(options, name)
            for name in inspect.signature(FlightCallOptions).parameters
            if options is not None
        }
        self._own = None if given.get("cancel") else CancelToken()
        given["cancel"] = self._own or given["cancel"]
        self._fetch = lambda: client._client.fetch(info, FlightCallOptions(**given))
        self._reader = None

    async def _run(self, function, *args):
        try:
            return await asyncio.to_thread(function, *args)
        except asyncio.CancelledError:
            if self._own is not None:
                self._own.cancel()
            raise

    async def open(self):
        self._reader = await self._run(self._fetch)
        self.schema = self._reader.schema

    async def next(self):
        return await self._run(next, self._reader, None)

    def close(self):
        if self._own is not None:
            self._own.cancel()


class AsyncRows:
    """The rows of a result, of :meth:`AsyncClient.query` and others; iterates record batches.

    As a context manager it is closed at the end of the block. Cancelling a task that awaits a read
    ends the query.

    Examples
    --------
    >>> async with client.query("SELECT * FROM stations") as rows:
    ...     async for batch in rows:
    ...         ...
    """

    def __init__(self, client, source):
        self._client = client
        self._source = source
        self._lock = asyncio.Lock()
        self._is_over = False

    @classmethod
    async def _open(cls, client, info, reader, options):
        """Make it of an info, and a reader of the rows that came with it or None."""
        if reader is not None:
            return cls(client, _Came(reader))
        if any(_is_elsewhere(endpoint) for endpoint in info.endpoints):
            source = _Elsewhere(client, info, options)
            await source.open()
            return cls(client, source)
        source = _Here(client, info.endpoints, options)
        if not await source.open():
            source.schema = info.schema
            if source.schema is None:
                raise FlightInternalError("the server gave neither endpoints nor a schema")
        return cls(client, source)

    @property
    def schema(self):
        """The schema of all batches."""
        return self._source.schema

    async def read_next_batch(self):
        """Return the next batch; StopAsyncIteration at the end."""
        async with self._lock:
            batch = None if self._is_over else await self._source.next()
        if batch is None:
            raise StopAsyncIteration
        return batch

    async def read_all(self):
        """Read the rest as a pyarrow.Table, or a :class:`Table`."""
        batches = [batch async for batch in self]
        return self._client._client._cflight_sql_make_table(self.schema, batches)

    async def read_pandas(self, **options):
        """Do as :meth:`read_all`, and convert with the table's ``to_pandas(**options)``."""
        return (await self.read_all()).to_pandas(**options)

    def close(self):
        """End the query if it runs. Safe to repeat."""
        self._is_over = True
        self._source.close()

    def __aiter__(self):
        """Return self."""
        return self

    async def __anext__(self):
        """Do as :meth:`read_next_batch`."""
        return await self.read_next_batch()

    async def __aenter__(self):
        """Return self."""
        return self

    async def __aexit__(self, *args):
        """Call close()."""
        self.close()


def _is_elsewhere(endpoint):
    """Tell whether an endpoint is not to be read where the query was asked."""
    return bool(endpoint.locations) and all(place.uri != _REUSE for place in endpoint.locations)


AsyncRows.__module__ = "cflight.sql"
