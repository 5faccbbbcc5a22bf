# SPDX-License-Identifier: Apache-2.0
"""Endpoints that a server appends while it is polled, for engines that read them as they come; docs/internals/engines.md
has the why."""

import hashlib

from ._endpoints import ask, descriptor_of, endpoints, source_of
from ._exceptions import FlightError

__all__ = ["PolledEndpoints"]


class PolledEndpoints:
    """The endpoints of a descriptor that PollFlightInfo has told of so far. One thread at a time.

    A server that does not know PollFlightInfo has told of all of them when it is asked for the FlightInfo.

    A position is their number and a digest of their tickets, as JSON can hold it. Another process that begins anew with
    a position polls from the start, and learns whether the server tells of the same endpoints again.
    """

    def __init__(self, descriptor, location, *, spread=True, **options):
        self._next = descriptor_of(descriptor)  # None when there will be no more
        self._location = location
        self._spread = spread
        self._options = options
        self._source = source_of(location, **options)
        self._readers = []

    def poll(self):
        """Ask once. When the server answers is its own choice: when there is something new, or at once."""
        if self._next is None:
            return
        info, following = ask(self._source, self._ask)
        if info is not None:
            readers = endpoints(info, self._location, spread=self._spread, **self._options)
            if _digest(readers[:len(self._readers)]) != _digest(self._readers):
                raise FlightError("the server has taken back endpoints that it had told of: it may only append")
            self._readers = readers
        self._next = following

    def _ask(self, client, options):
        """What is told of now, and the descriptor to poll next."""
        try:
            answer = client.poll_flight_info(self._next, options)
        except NotImplementedError:
            return client.get_flight_info(self._next, options), None
        return answer.info, answer.descriptor

    def position(self):
        """Behind the last endpoint."""
        return _position(self._readers)

    def between(self, start, end):
        """The readers between two positions.

        Raises
        ------
        FlightError
            The server tells of other endpoints than it did, or of fewer.
        """
        count = end["endpoints"]
        while len(self._readers) < count and self._next is not None:
            before = len(self._readers)
            self.poll()
            if len(self._readers) == before:
                break
        for position in (start, end):
            if _position(self._readers[:position["endpoints"]]) != position:
                raise FlightError(f"the first {position['endpoints']} endpoints are not those that had been read: the server "
                                  f"tells of {len(self._readers)}, and has begun anew")
        return self._readers[start["endpoints"]:count]


def _position(readers):
    return {"endpoints": len(readers), "digest": _digest(readers)}


def _digest(readers):
    state = hashlib.blake2b(digest_size=16)
    for reader in readers:
        ticket = reader.endpoint.ticket.ticket
        state.update(len(ticket).to_bytes(8, "little") + ticket)
    return state.hexdigest()
