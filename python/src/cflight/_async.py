# SPDX-License-Identifier: Apache-2.0
"""Asynchronous calls."""

import asyncio
import functools

from ._cflight import CancelToken, FlightCallOptions


def _with_token(options, token):
    """Copy call options and add a cancel token, unless there is one already."""
    if not options:
        return FlightCallOptions(cancel=token)
    return FlightCallOptions(
        timeout=options.timeout,
        write_options=options.write_options,
        headers=options.headers,
        read_options=options.read_options,
        idle_timeout=options.idle_timeout,
        first_byte_timeout=options.first_byte_timeout,
        cancel=token,
    )


class AsyncioFlightClient:
    """A client whose calls are awaited; made by :meth:`FlightClient.as_async`.

    Cancelling the task ends the call.

    Examples
    --------
    >>> info = await client.as_async().get_flight_info(descriptor)
    """

    def __init__(self, client):
        self._client = client

    async def get_flight_info(self, descriptor, *, options=None):
        """Return the :class:`FlightInfo` of a :class:`FlightDescriptor`."""
        token = options.cancel if options and options.cancel else CancelToken()
        call = functools.partial(
            self._client.get_flight_info, descriptor, _with_token(options, token)
        )
        try:
            return await asyncio.get_running_loop().run_in_executor(None, call)
        except asyncio.CancelledError:
            token.cancel()
            raise


AsyncioFlightClient.__module__ = "cflight"
