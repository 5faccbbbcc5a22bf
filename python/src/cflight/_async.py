# SPDX-License-Identifier: Apache-2.0
"""The asyncio client: every call runs on the event loop's thread, which never waits inside it."""

import asyncio
import time

from ._async_streams import (
    AsyncFlightMetadataReader,
    AsyncFlightStreamReader,
    AsyncFlightStreamWriter,
)
from ._cflight import (
    Action,
    FlightDescriptor,
    FlightInfo,
    PollInfo,
    Result,
    SchemaResult,
    Ticket,
)
from ._driver import driver_of
from ._exceptions import FlightInternalError, FlightUnavailableError
from ._types import FlightMethod

_AVAILABLE_POLL_S = 0.025


def _request(value, kind, name):
    """Serialise an argument, whose type is checked as the blocking calls do."""
    if not isinstance(value, kind):
        raise TypeError(
            f"Argument '{name}' has incorrect type (expected cflight.{kind.__name__}, got "
            f"{type(value).__name__})"
        )
    return value.serialize()


def _action(value):
    if isinstance(value, Action):
        return value
    if isinstance(value, (str, bytes)):
        return Action(value, b"")
    if isinstance(value, tuple):
        return Action(*value)
    raise TypeError("Action must be Action instance, string, or tuple")


class AsyncioFlightClient:
    """A client whose calls are awaited; made by :meth:`FlightClient.as_async`.

    It shares connection and settings with the other client, whose blocking methods other threads may
    use meanwhile. It belongs to the event loop that it is first used on, until that is closed.
    Cancelling a task ends the call that it awaits. A call with one request that the server certainly
    did not process, because it restarts or refused it, is started again silently, at most 3 times.

    Examples
    --------
    >>> async with FlightClient("grpc://localhost:32010").as_async() as client:
    ...     info = await client.get_flight_info(descriptor)
    ...     async with await client.do_get(info.endpoints[0].ticket) as reader:
    ...         table = await reader.read_all()
    """

    def __init__(self, client):
        self._client = client
        self._driver = driver_of(client)

    def _start(self, method, request, options, *schema):
        self._driver.bind()
        call = self._client._cflight_loop_start(method.value, request, options, *schema)
        self._driver.touch()
        return call

    def _end(self, call):
        call.close()
        self._driver.touch()

    async def _next(self, call):
        return await self._driver.poll(call.try_next, call.notify)

    async def _messages(self, method, request, options, parse):
        """Make a call with one request; iterate what the messages of the answer mean."""
        call = self._start(method, request, options)
        try:
            while (message := await self._next(call)) is not None:
                yield parse(message)
        finally:
            self._end(call)

    async def _message(self, method, request, options, parse):
        """Make a call with one request and one answer, which must end well after it."""
        call = self._start(method, request, options)
        try:
            await self._driver.expect(call.notify)  # it has yet to leave
            is_ready, answer = call.try_next()  # mostly answer and end have come together
            if not is_ready:
                answer = await self._next(call)
            if answer is not None and not call.try_next()[0]:
                await self._next(call)
        finally:
            self._end(call)
        if answer is None:
            raise FlightInternalError(f"{method.name}: the server ended the call without an answer")
        return parse(answer)

    async def _streams(self, method, request, options, *schema):
        """Start a call; return its reader, or its writer and reader."""
        call = self._start(method, request, options, *schema)
        try:
            return await self._next(call)
        finally:
            self._end(call)

    async def get_flight_info(self, descriptor, *, options=None):
        """Return the :class:`FlightInfo` of a :class:`FlightDescriptor`."""
        request = _request(descriptor, FlightDescriptor, "descriptor")
        parse = FlightInfo.deserialize
        return await self._message(FlightMethod.GET_FLIGHT_INFO, request, options, parse)

    async def poll_flight_info(self, descriptor, *, options=None):
        """Start a long query, or ask how it goes: return a :class:`PollInfo`."""
        request = _request(descriptor, FlightDescriptor, "descriptor")
        parse = PollInfo.deserialize
        return await self._message(FlightMethod.POLL_FLIGHT_INFO, request, options, parse)

    async def get_schema(self, descriptor, *, options=None):
        """Return the :class:`SchemaResult` of a :class:`FlightDescriptor`."""
        request = _request(descriptor, FlightDescriptor, "descriptor")
        parse = SchemaResult.deserialize
        return await self._message(FlightMethod.GET_SCHEMA, request, options, parse)

    def list_flights(self, criteria=None, *, options=None):
        """Return an asynchronous iterator of :class:`FlightInfo`, as they come.

        The call starts with the first step; closing the iterator (``aclose``) ends it.
        """
        request = Ticket(criteria or b"").serialize()  # Criteria has the same shape
        parse = FlightInfo.deserialize
        return self._messages(FlightMethod.LIST_FLIGHTS, request, options, parse)

    async def list_actions(self, *, options=None):
        """Return the list of :class:`ActionType`."""
        parse = Action._cflight_parse_type
        messages = self._messages(FlightMethod.LIST_ACTIONS, b"", options, parse)
        return [action_type async for action_type in messages]

    def do_action(self, action, *, options=None):
        """Run an action: return an asynchronous iterator of its :class:`Result`, as they come.

        `action` is an :class:`Action`, its name, or a pair of name and body. The call starts with the
        first step; closing the iterator (``aclose``) cancels it.
        """
        request = _action(action).serialize()
        return self._messages(FlightMethod.DO_ACTION, request, options, Result.deserialize)

    async def _standard(self, name, argument, options):
        """Run a standard action, which has one result."""
        request = self._client._cflight_standard_request(name, argument)
        results = [result async for result in self.do_action((name, request), options=options)]
        if not results:
            raise FlightInternalError(f"{name}: the server sent no result")
        return self._client._cflight_standard_result(name, results[0].body)

    async def cancel_flight_info(self, info, *, options=None):
        """Ask the server to stop the query of a :class:`FlightInfo`: return a
        :class:`CancelStatus`."""
        return await self._standard("CancelFlightInfo", info, options)

    async def renew_flight_endpoint(self, endpoint, *, options=None):
        """Ask for a later expiration time: return the new :class:`FlightEndpoint`."""
        return await self._standard("RenewFlightEndpoint", endpoint, options)

    async def set_session_options(self, session_options, *, options=None):
        """Set options of the session, as :meth:`FlightClient.set_session_options`."""
        return await self._standard("SetSessionOptions", session_options, options)

    async def get_session_options(self, *, options=None):
        """Return the options of the session, as a dict."""
        return await self._standard("GetSessionOptions", None, options)

    async def close_session(self, *, options=None):
        """End the session: return a :class:`CloseSessionStatus`."""
        return await self._standard("CloseSession", None, options)

    async def do_get(self, ticket, *, options=None):
        """Fetch the data of a :class:`Ticket`: return an :class:`AsyncFlightStreamReader`.

        Waits for the schema, so that a refusal is raised here.
        """
        request = _request(ticket, Ticket, "ticket")
        chunks = await self._streams(FlightMethod.DO_GET, request, options)
        reader = AsyncFlightStreamReader(self._driver, chunks)
        try:
            await reader.schema()
        except BaseException:
            reader.close()
            raise
        return reader

    async def do_put(self, descriptor, schema, *, options=None):
        """Upload data: return an :class:`AsyncFlightStreamWriter` that has begun with `schema`, and
        an :class:`AsyncFlightMetadataReader`."""
        request = _request(descriptor, FlightDescriptor, "descriptor")
        writer, answers = await self._streams(FlightMethod.DO_PUT, request, options, schema)
        reader = AsyncFlightMetadataReader(self._driver, answers, writer.cancel)
        result = AsyncFlightStreamWriter(self._driver, writer)
        result._drain = reader.read
        return result, reader

    async def do_exchange(self, descriptor, *, options=None):
        """Send and receive data at once: return an :class:`AsyncFlightStreamWriter`, to begin, and an
        :class:`AsyncFlightStreamReader`."""
        request = _request(descriptor, FlightDescriptor, "descriptor")
        writer, chunks = await self._streams(FlightMethod.DO_EXCHANGE, request, options)
        reader = AsyncFlightStreamReader(self._driver, chunks)
        result = AsyncFlightStreamWriter(self._driver, writer)
        result._drain = reader._next
        return result, reader

    async def authenticate(self, auth_handler, *, options=None):
        """Run a handshake with a :class:`ClientAuthHandler`, whose methods block: on a thread."""
        await asyncio.to_thread(self._client.authenticate, auth_handler, options)

    async def authenticate_basic_token(self, username, password, *, options=None):
        """Log in with HTTP basic authentication, as :meth:`FlightClient.authenticate_basic_token`;
        on a thread."""
        login = self._client.authenticate_basic_token
        return await asyncio.to_thread(login, username, password, options)

    async def wait_for_available(self, timeout=5):
        """Wait until the server answers, at most `timeout` seconds, then raise
        FlightUnavailableError."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                async for _ in self.list_flights():
                    pass
            except NotImplementedError:
                return
            except FlightUnavailableError:
                if time.monotonic() >= deadline:
                    raise
            else:
                return
            await asyncio.sleep(_AVAILABLE_POLL_S)

    async def close(self):
        """End the connection and all calls on it, those of the other client too. Safe to repeat."""
        self._driver.bind()
        self._client.close()
        self._driver.touch()

    async def __aenter__(self):
        """Return self."""
        return self

    async def __aexit__(self, *args):
        """Call close()."""
        await self.close()


for _class in (
    AsyncFlightMetadataReader,
    AsyncFlightStreamReader,
    AsyncFlightStreamWriter,
    AsyncioFlightClient,
):
    _class.__module__ = "cflight"
