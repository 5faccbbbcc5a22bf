# SPDX-License-Identifier: Apache-2.0
"""The asyncio client: every call runs on the event loop's thread, which never waits inside it.

The C library names a descriptor and a time; the loop watches them while something is awaited, and has
the library do what can be done. There are no threads, but for one that ends with connecting.
"""

import asyncio
import contextlib

from ._cflight import (
    Action,
    FlightInfo,
    PollInfo,
    RecordBatchReader,
    Result,
    SchemaResult,
    Ticket,
)
from ._exceptions import FlightInternalError, FlightTimedOutError
from ._types import FlightMethod


class _Driver:
    """Watches the client's descriptor on one event loop, while something is awaited."""

    def __init__(self, client):
        self.client = client
        self.loop = asyncio.get_running_loop()
        self.waiting = 0
        self.watched = -1
        self.timer = None
        self.connecting = None

    def step(self):
        self.client._loop_process()
        self.watch()

    def watch(self):
        """Ask the library what to wait for; it may change with every step."""
        fd, timeout_ms = self.client._loop_state() if self.waiting else (-1, -1)
        if fd != self.watched:
            if self.watched >= 0:
                self.loop.remove_reader(self.watched)
            if fd >= 0:
                self.loop.add_reader(fd, self.step)
            self.watched = fd
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if timeout_ms >= 0:
            self.timer = self.loop.call_later(timeout_ms / 1000, self.step)

    async def wait_for(self, notify):
        """Wait until the callback that `notify` is given was called."""
        future = self.loop.create_future()
        notify(lambda *outcome: future.done() or future.set_result(outcome))
        self.waiting += 1
        self.watch()
        try:
            return await future
        finally:
            self.waiting -= 1
            self.watch()

    async def connect(self):
        """Connect, together with whoever else waits for it."""
        while not self.client._loop_is_connected():
            if self.connecting is None:
                self.connecting = self.loop.create_task(self.wait_for(self.client._loop_connect))
                self.connecting.add_done_callback(self._connected)
            (error,) = await asyncio.shield(self.connecting)
            if error is not None:
                raise error
            return

    def _connected(self, task):
        self.connecting = None

    async def poll(self, attempt, notify):
        """Repeat a non-blocking attempt, a pair of (is ready, value), until it is ready."""
        while True:
            is_ready, value = attempt()
            if is_ready:
                return value
            await self.wait_for(notify)


class AsyncFlightStreamReader:
    """Reads record batches and metadata under asyncio; iterates chunks.

    Examples
    --------
    >>> async with await client.do_get(ticket) as reader:
    ...     async for batch, metadata in reader:
    ...         ...
    """

    def __init__(self, driver, reader):
        self._driver = driver
        self._reader = reader
        self._early = []

    async def _next(self):
        if self._early:
            return self._early.pop(0)
        return await self._driver.poll(self._reader._try_chunk, self._reader._notify)

    async def read_chunk(self):
        """Return the next :class:`FlightStreamChunk`; StopAsyncIteration at the end."""
        chunk = await self._next()
        if chunk is None:
            self._early.insert(0, None)
            raise StopAsyncIteration
        return chunk

    async def schema(self):
        """Return the schema; waits for the first message behind it, or the end."""
        if not self._early:
            self._early.append(await self._next())
        return self._reader.schema

    async def read_all(self):
        """Read the rest as a pyarrow.Table, or a :class:`Table`; metadata is dropped."""
        schema = await self.schema()
        batches = []
        while (chunk := await self._next()) is not None and chunk.data is not None:
            batches.append(chunk.data)
        if chunk is None:
            self._early.insert(0, None)
        return self._reader._make_table(schema, batches)

    @property
    def stats(self):
        """What was read so far, as :class:`ReadStats`."""
        return self._reader.stats

    def cancel(self):
        """End the call; reads of it raise FlightCancelledError."""
        self._reader.cancel()

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
    """Reads what a DoPut server answers while data flows, under asyncio.

    Examples
    --------
    >>> writer, answers = await client.do_put(descriptor, schema)
    >>> await writer.write_batch(batch)
    >>> (await answers.read()).to_pybytes()
    """

    def __init__(self, driver, reader):
        self._driver = driver
        self._reader = reader

    async def read(self):
        """Return the next answer as a pyarrow.Buffer, or a :class:`Buffer`; None at the end."""
        return await self._driver.poll(self._reader._try_read, self._reader._notify)


class AsyncFlightStreamWriter:
    """Writes record batches and metadata under asyncio. One write at a time.

    Examples
    --------
    >>> writer, _ = await client.do_put(descriptor, table.schema)
    >>> async with writer:
    ...     await writer.write_table(table)
    """

    def __init__(self, driver, writer, drain):
        self._driver = driver
        self._writer = writer
        self._drain = drain

    def begin(self, schema, options=None):
        """Send the schema; once, before the first batch. `options` are IpcWriteOptions."""
        self._writer.begin(schema, options)

    def write_metadata(self, buf):
        """Send a message with metadata (bytes-like) alone."""
        self._writer.write_metadata(buf)

    async def write_batch(self, batch):
        """Send rows: an object with ``__arrow_c_array__``."""
        await self._write(batch, None)

    async def write_with_metadata(self, batch, buf):
        """Send rows and metadata (bytes-like) in one message."""
        await self._write(batch, buf)

    async def write_table(self, table, max_chunksize=None):
        """Send all rows of an object with ``__arrow_c_stream__``, in its batches."""
        if max_chunksize is not None:
            batches = table.to_batches(max_chunksize=max_chunksize)
        else:
            batches = RecordBatchReader._of(table)
        for batch in batches:
            await self._write(batch, None)

    async def _write(self, batch, metadata):
        is_done = self._writer._start_write(batch, metadata)
        while not is_done:
            try:
                await self._driver.wait_for(self._writer._notify)
            except asyncio.CancelledError:
                self._writer.cancel()  # part of the message has left
                raise
            is_done = self._writer._go_on_writing()

    def done_writing(self):
        """Say that nothing more will be written; reading goes on."""
        self._writer.done_writing()

    def cancel(self):
        """End the call."""
        self._writer.cancel()

    @property
    def stats(self):
        """What was written so far, as :class:`WriteStats`; ValueError before begin()."""
        return self._writer.stats

    async def close(self):
        """End the stream, wait for the server, and raise what it ended with."""
        with contextlib.suppress(Exception):  # the writer knows it too, and says it better
            self._writer.done_writing()
            while await self._drain() is not None:
                pass
        self._writer.close()

    async def __aenter__(self):
        """Return self."""
        return self

    async def __aexit__(self, *args):
        """Call close()."""
        await self.close()


class AsyncioFlightClient:
    """A client whose calls are awaited; made by :meth:`FlightClient.as_async`.

    It shares connection and settings with the other client, whose blocking methods other threads may
    use meanwhile. Cancelling a task ends its call.

    Examples
    --------
    >>> client = FlightClient("grpc://localhost:32010").as_async()
    >>> info = await client.get_flight_info(descriptor)
    >>> async with await client.do_get(info.endpoints[0].ticket) as reader:
    ...     table = await reader.read_all()
    """

    def __init__(self, client):
        self._client = client
        self._driver = None

    async def _connected(self, options):
        """Return the driver of the running loop, with the client connected."""
        if self._driver is None or self._driver.loop is not asyncio.get_running_loop():
            self._driver = _Driver(self._client)
        timeout = options.timeout if options else -1
        try:
            await asyncio.wait_for(self._driver.connect(), timeout if timeout >= 0 else None)
        except asyncio.TimeoutError:
            raise FlightTimedOutError(f"timeout of {timeout} s passed while connecting") from None
        return self._driver

    async def _messages(self, method, request, options):
        """Make a call with one request; iterate the messages of the answer."""
        driver = await self._connected(options)
        call = self._client._loop_start(method.value, request, options)
        try:
            while (message := await driver.poll(call.try_next, call.notify)) is not None:
                yield message
        finally:
            call.close()

    async def _message(self, method, request, options):
        """Make a call with one request and one answer."""
        async with contextlib.aclosing(self._messages(method, request, options)) as messages:
            answers = [message async for message in messages]
        if len(answers) != 1:
            raise FlightInternalError(f"{len(answers)} answers of {method.name} instead of one")
        return answers[0]

    async def get_flight_info(self, descriptor, *, options=None):
        """Return the :class:`FlightInfo` of a :class:`FlightDescriptor`."""
        request = descriptor.serialize()
        message = await self._message(FlightMethod.GET_FLIGHT_INFO, request, options)
        return FlightInfo.deserialize(message)

    async def poll_flight_info(self, descriptor, *, options=None):
        """Start a long query, or ask how it goes: return a :class:`PollInfo`."""
        request = descriptor.serialize()
        message = await self._message(FlightMethod.POLL_FLIGHT_INFO, request, options)
        return PollInfo.deserialize(message)

    async def get_schema(self, descriptor, *, options=None):
        """Return the :class:`SchemaResult` of a :class:`FlightDescriptor`."""
        message = await self._message(FlightMethod.GET_SCHEMA, descriptor.serialize(), options)
        return SchemaResult.deserialize(message)

    async def list_flights(self, criteria=None, *, options=None):
        """Iterate the :class:`FlightInfo` that the server lists, as they come."""
        request = Ticket(criteria or b"").serialize()  # Criteria has the same shape
        messages = self._messages(FlightMethod.LIST_FLIGHTS, request, options)
        async with contextlib.aclosing(messages):
            async for message in messages:
                yield FlightInfo.deserialize(message)

    async def list_actions(self, *, options=None):
        """Return the list of :class:`ActionType`."""
        messages = self._messages(FlightMethod.LIST_ACTIONS, b"", options)
        async with contextlib.aclosing(messages):
            return [Action._parse_type(message) async for message in messages]

    async def do_action(self, action, *, options=None):
        """Run an action; iterate its :class:`Result`, as they come.

        `action` is an :class:`Action`, its name, or a pair of name and body. The call starts with the
        first step; closing the iterator cancels it.
        """
        if isinstance(action, (str, bytes)):
            action = Action(action, b"")
        elif isinstance(action, tuple):
            action = Action(*action)
        elif not isinstance(action, Action):
            raise TypeError("Action must be Action instance, string, or tuple")
        messages = self._messages(FlightMethod.DO_ACTION, action.serialize(), options)
        async with contextlib.aclosing(messages):
            async for message in messages:
                yield Result.deserialize(message)

    async def do_get(self, ticket, *, options=None):
        """Fetch the data of a :class:`Ticket`: return an :class:`AsyncFlightStreamReader`."""
        driver = await self._connected(options)
        return AsyncFlightStreamReader(driver, self._client._loop_do_get(ticket, options))

    async def do_put(self, descriptor, schema, *, options=None):
        """Upload data: return an :class:`AsyncFlightStreamWriter` that has begun with `schema`, and
        an :class:`AsyncFlightMetadataReader`."""
        driver = await self._connected(options)
        writer, answers = self._client.do_put(descriptor, schema, options)
        reader = AsyncFlightMetadataReader(driver, answers)
        return AsyncFlightStreamWriter(driver, writer, reader.read), reader

    async def do_exchange(self, descriptor, *, options=None):
        """Send and receive data at once: return an :class:`AsyncFlightStreamWriter`, to begin, and an
        :class:`AsyncFlightStreamReader`."""
        driver = await self._connected(options)
        writer, chunks = self._client.do_exchange(descriptor, options)
        reader = AsyncFlightStreamReader(driver, chunks)
        return AsyncFlightStreamWriter(driver, writer, reader._next), reader


for _class in (
    AsyncFlightMetadataReader,
    AsyncFlightStreamReader,
    AsyncFlightStreamWriter,
    AsyncioFlightClient,
):
    _class.__module__ = "cflight"
