# SPDX-License-Identifier: Apache-2.0
"""The endpoints of a FlightInfo as readers that can be sent to other processes; docs/internals/engines.md has the why."""

import collections
import dataclasses
import functools
import time
import urllib.parse

from ._cflight import FlightDescriptor, FlightEndpoint, FlightInfo, Location, SchemaResult
from ._credentials import connect_for
from ._endpoint_stream import EndpointStream
from ._exceptions import ArrowException, FlightError, FlightUnavailableError

__all__ = ["EndpointReader", "EndpointStream", "Endpoints", "endpoints"]

HOLD_BYTES_MAX = 8 << 20
STABLE = b"cflight.stable"
_REUSE = "arrow-flight-reuse-connection://"


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long and how often is tried."""

    timeout: float | None = None
    idle_timeout: float | None = None
    first_byte_timeout: float | None = None
    attempts: int = 3
    hold_bytes_max: int = HOLD_BYTES_MAX
    renew_within: float = 60

    def of_call(self):
        """The arguments of FlightCallOptions."""
        names = ("timeout", "idle_timeout", "first_byte_timeout")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@dataclasses.dataclass(frozen=True)
class _Source:
    """What the endpoints of a dataset have in common."""

    schema: bytes | None  # a serialised SchemaResult
    origins: tuple  # the servers that may be asked for the info
    trusted: tuple
    credentials: object
    limits: Limits

    def is_trusted(self, location):
        """Whether a place may be told the credentials: as fetch() decides."""
        if not self.origins or location in (*self.origins, *self.trusted):
            return True
        host, is_tls = _host_of(location)
        return any(host == own_host and (is_tls or not own_is_tls)
                   for own_host, own_is_tls in map(_host_of, self.origins))

    def connect(self, location, cancel=None):
        return connect_for(location, self.credentials, is_trusted=self.is_trusted(location), cancel=cancel,
                           **self.limits.of_call())


def _text(location):
    uri = location.uri if isinstance(location, Location) else location
    return uri.decode() if isinstance(uri, bytes) else uri


def _host_of(uri):
    parts = urllib.parse.urlsplit(uri)
    return parts.hostname or parts.path, parts.scheme in ("grpc+tls", "grpcs")


def _name_of(descriptor):
    path = None if descriptor is None else descriptor.path
    return repr(b"/".join(path).decode(errors="replace")) if path else "a command"


def _turns(endpoints):
    """How far the locations of each endpoint are turned, so that those who read endpoints of the same replicas begin at
    different ones. Where a server has not named the same replicas in the same order everywhere, it has a reason."""
    named = [tuple(map(_text, endpoint.locations)) for endpoint in endpoints]
    groups = collections.defaultdict(list)
    for place, locations in enumerate(named):
        groups[frozenset(locations)].append(place)
    turns = [0] * len(named)
    for places in groups.values():
        if len({named[place] for place in places}) == 1:
            for turn, place in enumerate(places):
                turns[place] = turn
    return turns


def source_of(location, *, trusted_locations=(), credentials=None, **limits):
    """Who is asked for an info, as endpoints() is told."""
    places = [] if location is None else [location] if isinstance(location, (str, bytes, Location)) else location
    return _Source(None, tuple(map(_text, places)), tuple(map(_text, trusted_locations)), credentials, Limits(**limits))


def ask(source, question):
    """What ``question(client, options)`` returns at the first server that can be reached."""
    for place, origin in enumerate(source.origins, 1):
        try:
            client, options = source.connect(origin)
            with client:
                return question(client, options)
        except FlightUnavailableError:
            if place == len(source.origins):
                raise
    raise ValueError("a descriptor needs the location of a server that is asked for it")


def _ask_info(descriptor, client, options):
    """The info of a descriptor and its schema."""
    info = client.get_flight_info(descriptor, options)
    return info, client.get_schema(descriptor, options).schema if info.schema is None else None


def descriptor_of(name):
    """The descriptor of a flight; a text is its path."""
    return FlightDescriptor.for_path(*name.split("/")) if isinstance(name, str) else name


class Endpoints(list):
    """The readers of a dataset, in the order of its info, and what the info says of it."""

    def __init__(self, readers, schema, info):
        super().__init__(readers)
        #: The schema of the dataset, or None when nobody tells.
        self.schema = schema
        #: What the info says; -1 where it does not know.
        self.total_records = info.total_records
        self.total_bytes = info.total_bytes

    def arrow_schema(self):
        """The schema as a pyarrow.Schema.

        Raises
        ------
        ValueError
            The info has none.
        """
        import pyarrow

        if self.schema is None:
            raise ValueError("the info has no schema, and an engine has to know the columns before it reads")
        return pyarrow.schema(self.schema)


def endpoints(info_or_descriptor, location=None, *, credentials=None, trusted_locations=(), spread=True, **limits):
    """The parts of a dataset, each to be read wherever it is needed.

    Parameters
    ----------
    info_or_descriptor : FlightInfo, FlightDescriptor, str
        A descriptor is asked for at ``location``; a text is the path of a flight.
    location : str or Location, or a sequence of them, optional
        The server that gives the info, and that reads endpoints without locations; of several, which have the same
        flights, the first that can be reached. Not needed for an info whose endpoints all have locations.
    credentials : str or callable, optional
        How to log in: a name that is looked up by whoever reads, in the file that ``CFLIGHT_CREDENTIALS`` names or
        ``~/.config/cflight/credentials.toml``; or a callable that can be pickled and returns a dict with ``user`` and
        ``password``, ``token``, ``headers``, ``tls_root_certs``, ``cert_chain``, ``private_key``.
    trusted_locations : iterable of str, optional
        Locations on other hosts than those of ``location`` that may be told the credentials.
    spread : bool, optional
        Begin at different replicas where endpoints name the same ones in the same order: the first endpoint at the first
        of them, the next one at the second. False keeps the order of the server.
    **limits
        ``timeout``, ``idle_timeout`` and ``first_byte_timeout`` of each attempt, in seconds; ``attempts``, over all
        locations (3); ``hold_bytes_max``, how much of an endpoint is kept back until it has ended, so that any replica
        can be read when it breaks (8 MiB; 0 for none): past that, one that sends the same batches; ``renew_within``,
        seconds before its expiration in which an endpoint is renewed first (60).

    Returns
    -------
    Endpoints
        A list of :class:`EndpointReader` in the order of the info, which can be pickled.

    Raises
    ------
    ValueError
        There is no location to read an endpoint from.

    Examples
    --------
    >>> for reader in cflight.endpoints("airports", "grpc://localhost:32010"):
    ...     table = reader.read().read_all()
    """
    source = source_of(location, trusted_locations=trusted_locations, credentials=credentials, **limits)
    info = descriptor_of(info_or_descriptor)
    schema = None
    if isinstance(info, FlightDescriptor):
        info, schema = ask(source, functools.partial(_ask_info, info))
    if not isinstance(info, FlightInfo):
        raise TypeError(f"expected a FlightInfo, a FlightDescriptor or a path, not {type(info).__name__}")
    schema = schema or info.schema
    if schema is not None:
        source = dataclasses.replace(source, schema=SchemaResult(schema).serialize())
    count = len(info.endpoints)
    name = _name_of(info.descriptor)
    turns = _turns(info.endpoints) if spread else [0] * count
    readers = (EndpointReader(endpoint.serialize(), f"endpoint {i + 1} of {count} of {name}", source, turn)
               for i, (endpoint, turn) in enumerate(zip(info.endpoints, turns)))
    return Endpoints(readers, schema, info)


class EndpointReader:
    """One endpoint of a dataset: plain data, which connects when it is read.

    Any thread and any process may read it, more than once. Made by :func:`endpoints`.
    """

    def __init__(self, endpoint, name, source, turn=0):
        self._endpoint = endpoint
        self._name = name
        self._source = source
        self._turn = turn
        if not self.locations:
            raise ValueError(f"{name} has no location: say which server gave the info")

    def __repr__(self):
        how = self._source.credentials
        login = "" if how is None else f", credentials {how!r}" if isinstance(how, str) else ", credentials"
        return f"<EndpointReader: {self._name} at {' or '.join(self.locations)}{login}>"

    @property
    def endpoint(self):
        """The FlightEndpoint."""
        return FlightEndpoint.deserialize(self._endpoint)

    @property
    def schema(self):
        """The schema of the dataset, or None when nobody told."""
        return None if self._source.schema is None else SchemaResult.deserialize(self._source.schema).schema

    @property
    def is_stable(self):
        """Whether the server says that this ticket gives the same batches whenever and wherever it is read."""
        return self.endpoint.app_metadata == STABLE

    @property
    def locations(self):
        """Where the endpoint can be read, as texts, in the order in which they are tried."""
        named = [_text(location) for location in self.endpoint.locations]
        others = [uri for uri in named if not uri.startswith(_REUSE)]
        if not others or len(others) < len(named):
            return [*self._source.origins, *others]
        first = self._turn % len(others)
        return others[first:] + others[:first]

    def read(self):
        """Start to read.

        Returns
        -------
        EndpointStream
            Batches in their order. It connects with its first batch.
        """
        return EndpointStream(self)

    def _open(self, location, cancel):
        """A client and the stream of the endpoint at one place."""
        client, options = self._source.connect(location, cancel)
        try:
            endpoint = self._renewed(client, options)
            return client, client.do_get(endpoint.ticket, options)
        except BaseException:
            client.close()
            raise

    def _renewed(self, client, options):
        endpoint = self.endpoint
        end = endpoint.expiration_time
        if end is None:
            return endpoint
        left = (end.value if hasattr(end, "value") else end) / 1e9 - time.time()
        if left > self._source.limits.renew_within:
            return endpoint
        try:
            return client.renew_flight_endpoint(endpoint, options)
        except (FlightError, ArrowException) as error:
            if left > 0:
                return endpoint
            raise FlightError(f"it expired {-left:.0f} s ago and was not renewed: {error}") from error
