# SPDX-License-Identifier: Apache-2.0
"""Readers and writers under asyncio.

Operations of one kind take turns. A task that is cancelled while it awaits one ends the call: the
server is told, and later operations raise FlightCancelledError.
"""

import asyncio
import collections
import contextlib

from ._cflight import RecordBatchReader

# Metadata that may be queued before its writer waits.
_QUEUED_BYTES_MAX = 64 << 10


class AsyncFlightStreamReader:
    """Reads record batches and metadata under asyncio; iterates chunks.

    Cancelling a task that awaits a read ends the call; for a limit on each read there is the
    ``idle_timeout`` of :class:`FlightCallOptions`.

    Examples
    --------
    >>> async with await client.do_get(ticket) as reader:
    ...     async for batch, metadata in reader:
    ...         ...
    """

    def __init__(self, driver, reader):
        self._driver = driver
        self._reader = reader
        self._early = collections.deque()  # what came before the schema
        self._lock = asyncio.Lock()

    async def _poll(self):
        try:
            return await self._driver.poll(self._reader._cflight_try_chunk, self._reader._cflight_notify)
        except asyncio.CancelledError:
            self._reader.cancel()
            raise

    async def _next(self):
        """Return the next chunk, None at the end."""
        self._driver.bind()
        async with self._lock:
            return self._early.popleft() if self._early else await self._poll()

    async def read_chunk(self):
        """Return the next :class:`FlightStreamChunk`; StopAsyncIteration at the end."""
        chunk = await self._next()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def schema(self):
        """Return the schema; waits for it. After do_get() it is there."""
        self._driver.bind()
        async with self._lock:
            await self._wait_schema()
        return self._reader.schema

    async def _wait_schema(self):
        reader = self._reader
        while not reader.stats.num_messages:
            is_ready, chunk = reader._cflight_try_chunk()
            if is_ready and chunk is None:
                return
            if is_ready:
                self._early.append(chunk)
            elif not reader.stats.num_messages:
                try:
                    await self._driver.wait(reader._cflight_notify)
                except asyncio.CancelledError:
                    reader.cancel()
                    raise

    async def read_all(self):
        """Read the rest as a pyarrow.Table, or a :class:`Table`; metadata is dropped."""
        schema = await self.schema()
        batches = []
        while (chunk := await self._next()) is not None and chunk.data is not None:
            batches.append(chunk.data)
        return self._reader._cflight_make_table(schema, batches)

    async def read_pandas(self, **options):
        """Do as :meth:`read_all`, and convert with the table's ``to_pandas(**options)``."""
        return (await self.read_all()).to_pandas(**options)

    @property
    def stats(self):
        """What was read so far, as :class:`ReadStats`."""
        return self._reader.stats

    def cancel(self):
        """End the call; reads of it raise FlightCancelledError."""
        self._reader.cancel()
        self._driver.touch()

    def close(self):
        """End the call if it runs, and let go of its memory now. Safe to repeat."""
        self._reader.close()

    def __aiter__(self):
        """Return self."""
        return self

    async def __anext__(self):
        """Do as :meth:`read_chunk`."""
        return await self.read_chunk()

    async def __aenter__(self):
        """Return self."""
        return self

    async def __aexit__(self, *args):
        """Call close()."""
        self.close()


class AsyncFlightMetadataReader:
    """Reads what a DoPut server answers while data flows, under asyncio; iterates the answers.

    Examples
    --------
    >>> writer, answers = await client.do_put(descriptor, schema)
    >>> await writer.write_batch(batch)
    >>> (await answers.read()).to_pybytes()
    """

    def __init__(self, driver, reader, cancel):
        self._driver = driver
        self._reader = reader
        self._cancel = cancel
        self._lock = asyncio.Lock()

    async def read(self):
        """Return the next answer as a pyarrow.Buffer, or a :class:`Buffer`; None at the end."""
        self._driver.bind()
        async with self._lock:
            try:
                return await self._driver.poll(self._reader._cflight_try_read, self._reader._cflight_notify)
            except asyncio.CancelledError:
                self._cancel()
                raise

    def __aiter__(self):
        """Return self."""
        return self

    async def __anext__(self):
        """Return the next answer; StopAsyncIteration at the end."""
        answer = await self.read()
        if answer is None:
            raise StopAsyncIteration
        return answer


class AsyncFlightStreamWriter:
    """Writes record batches and metadata under asyncio.

    A write returns when the operating system has taken the data, so a peer that does not read holds
    the writer back.

    Examples
    --------
    >>> writer, _ = await client.do_put(descriptor, table.schema)
    >>> async with writer:
    ...     await writer.write_table(table)
    """

    def __init__(self, driver, writer):
        self._driver = driver
        self._writer = writer
        self._drain = None  # reads what the server still sends; set by the client
        self._lock = asyncio.Lock()
        self._queued_bytes = 0

    async def _wait(self):
        try:
            await self._driver.wait(self._writer._cflight_notify)
        except asyncio.CancelledError:
            self.cancel()  # part of a message may have left
            raise
        self._queued_bytes = 0

    async def begin(self, schema, options=None):
        """Send the schema; once, before the first batch. `options` are IpcWriteOptions."""
        self._driver.bind()
        async with self._lock:
            self._writer.begin(schema, options)
            await self._wait()

    async def write_metadata(self, buf):
        """Send a message with metadata (bytes-like) alone; allowed before begin()."""
        self._driver.bind()
        async with self._lock:
            self._writer.write_metadata(buf)
            self._queued_bytes += memoryview(buf).nbytes
            self._driver.touch()
            if self._queued_bytes > _QUEUED_BYTES_MAX:
                await self._wait()

    async def write_batch(self, batch):
        """Send rows: an object with ``__arrow_c_array__``. Nothing is copied."""
        await self._write(batch, None)

    async def write_with_metadata(self, batch, buf):
        """Send rows and metadata (bytes-like) in one message."""
        await self._write(batch, buf)

    async def write_table(self, table, max_chunksize=None):
        """Send all rows of an object with ``__arrow_c_stream__``, in its batches, none of more than
        `max_chunksize` rows."""
        if not hasattr(table, "__arrow_c_stream__"):
            raise TypeError(
                "Argument 'table' has incorrect type (expected pyarrow.lib.Table, got "
                f"{type(table).__name__})"
            )
        if max_chunksize is not None and max_chunksize <= 0:
            raise ValueError("max_chunksize must be 1 or more")
        for batch in RecordBatchReader._of(table):
            if max_chunksize is None or batch.num_rows <= max_chunksize:
                await self._write(batch, None)
                continue
            for row in range(0, batch.num_rows, max_chunksize):
                await self._write(batch, None, row, max_chunksize)

    async def write(self, table_or_batch):
        """write_batch() or write_table(), whichever fits; ValueError for another type."""
        if hasattr(table_or_batch, "__arrow_c_array__"):
            await self._write(table_or_batch, None)
        elif hasattr(table_or_batch, "__arrow_c_stream__"):
            await self.write_table(table_or_batch)
        else:
            raise ValueError(repr(type(table_or_batch)))

    async def _write(self, batch, metadata, *rows):
        self._driver.bind()
        async with self._lock:
            is_done = self._writer._cflight_start_write(batch, metadata, *rows)
            while not is_done:
                await self._wait()
                is_done = self._writer._cflight_go_on_writing()
        self._driver.touch()

    async def done_writing(self):
        """Say that nothing more will be written; reading goes on."""
        self._driver.bind()
        async with self._lock:
            self._writer.done_writing()
            self._driver.touch()

    def cancel(self):
        """End the call; reads and writes of it raise FlightCancelledError."""
        self._writer.cancel()
        self._driver.touch()

    @property
    def stats(self):
        """What was written so far, as :class:`WriteStats`; ValueError before begin()."""
        return self._writer.stats

    async def close(self):
        """End the stream, drop what the server still sends, and raise what it ended the call with.

        Use :meth:`done_writing` while another task still reads.
        """
        with contextlib.suppress(Exception):  # the writer knows it too, and says it better
            await self.done_writing()
            while await self._drain() is not None:
                pass
        self._writer.close()

    async def __aenter__(self):
        """Return self."""
        return self

    async def __aexit__(self, kind, exception, traceback):
        """Call close(); after a failure that is not an Exception, such as cancellation, cancel()."""
        if kind is None or issubclass(kind, Exception):
            await self.close()
        else:
            self.cancel()
