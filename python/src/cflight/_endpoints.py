# SPDX-License-Identifier: Apache-2.0
"""The endpoints of a FlightInfo as readers that can be sent to other processes; docs/internals/engines.md has the why."""

import dataclasses
import time
import urllib.parse

from ._cflight import CancelToken, FlightDescriptor, FlightEndpoint, FlightInfo, Location, SchemaResult
from ._credentials import connect_for
from ._exceptions import ArrowException, FlightCancelledError, FlightError, FlightUnavailableError

__all__ = ["EndpointReader", "EndpointStream", "Endpoints", "endpoints"]

HOLD_BYTES_MAX = 256 << 20
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


def _ask(source, descriptor):
    """The info of a descriptor and its schema, from the first server that can be reached."""
    for place, origin in enumerate(source.origins, 1):
        try:
            client, options = source.connect(origin)
            with client:
                info = client.get_flight_info(descriptor, options)
                return info, client.get_schema(descriptor, options).schema if info.schema is None else None
        except FlightUnavailableError:
            if place == len(source.origins):
                raise


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


def endpoints(info_or_descriptor, location=None, *, credentials=None, trusted_locations=(), **limits):
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
    **limits
        ``timeout``, ``idle_timeout`` and ``first_byte_timeout`` of each attempt, in seconds; ``attempts``, over all
        locations (3); ``hold_bytes_max``, how much of an endpoint is kept back until it has ended, so that another
        replica can be read when it breaks (256 MiB; 0 for none); ``renew_within``, seconds before its expiration in
        which an endpoint is renewed first (60).

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
    places = [] if location is None else [location] if isinstance(location, (str, bytes, Location)) else location
    source = _Source(None, tuple(map(_text, places)), tuple(map(_text, trusted_locations)), credentials, Limits(**limits))
    info = info_or_descriptor
    schema = None
    if isinstance(info, str):
        info = FlightDescriptor.for_path(*info.split("/"))
    if isinstance(info, FlightDescriptor):
        if not source.origins:
            raise ValueError("a descriptor needs the location of a server that is asked for it")
        info, schema = _ask(source, info)
    if not isinstance(info, FlightInfo):
        raise TypeError(f"expected a FlightInfo, a FlightDescriptor or a path, not {type(info).__name__}")
    schema = schema or info.schema
    if schema is not None:
        source = dataclasses.replace(source, schema=SchemaResult(schema).serialize())
    count = len(info.endpoints)
    name = _name_of(info.descriptor)
    readers = (EndpointReader(endpoint.serialize(), f"endpoint {i + 1} of {count} of {name}", source)
               for i, endpoint in enumerate(info.endpoints))
    return Endpoints(readers, schema, info)


class EndpointReader:
    """One endpoint of a dataset: plain data, which connects when it is read.

    Any thread and any process may read it, more than once. Made by :func:`endpoints`.
    """

    def __init__(self, endpoint, name, source):
        self._endpoint = endpoint
        self._name = name
        self._source = source
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
    def locations(self):
        """Where the endpoint can be read, as texts, in the order in which they are tried."""
        named = [_text(location) for location in self.endpoint.locations]
        others = [uri for uri in named if not uri.startswith(_REUSE)]
        return others if others and len(others) == len(named) else [*self._source.origins, *others]

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


class EndpointStream:
    """The rows of one endpoint, as batches in their order. One thread at a time.

    Holds back what it has read until the endpoint has ended, up to the limit of its reader, so that it can begin anew
    at another replica. It exports an Arrow stream (``__arrow_c_stream__``) where pyarrow is installed.
    """

    def __init__(self, reader):
        self._reader = reader
        self._batches = self._run()
        self._cancel = CancelToken()
        #: What the reader gave: rows, batches, and bytes of their buffers.
        self.rows = self.batches = self.bytes = 0
        #: The attempts that failed, as texts.
        self.failures = []

    def __iter__(self):
        return self

    def __next__(self):
        batch = next(self._batches)
        self.rows += batch.num_rows
        self.batches += 1
        self.bytes += size_of(batch)
        return batch

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def schema(self):
        """The schema of the dataset."""
        return self._reader.schema

    def close(self):
        """End the call. What was not read is dropped."""
        self._batches.close()

    def cancel(self):
        """End the call from any thread, also while another waits for a batch: that gets FlightCancelledError."""
        self._cancel.cancel()

    def __arrow_c_stream__(self, requested_schema=None):
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def to_reader(self):
        """The batches as a pyarrow.RecordBatchReader."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_batches(pyarrow.schema(self.schema), self)

    def read_all(self):
        """All rows, as a pyarrow.Table."""
        return self.to_reader().read_all()

    def _run(self):
        limits = self._reader._source.limits
        last = None
        for location in _turns(self._reader.locations, limits.attempts, lambda: last):
            held, held_bytes, is_flowing = [], 0, False
            client = None
            try:
                client, stream = self._reader._open(location, self._cancel)
                for chunk in stream:
                    if chunk.data is None:
                        continue
                    if is_flowing:
                        yield chunk.data
                        continue
                    held.append(chunk.data)
                    held_bytes += size_of(chunk.data)
                    if held_bytes > limits.hold_bytes_max:
                        is_flowing = True
                        yield from _taken(held)
                stream.close()
            except FlightCancelledError:
                raise
            except (FlightError, ArrowException) as error:
                self.failures.append(f"{location}: {error}")
                last = error
                if is_flowing:
                    raise self._blame(f"broke after {self.rows} rows had been handed over") from error
                continue
            finally:
                if client is not None:
                    client.close()
            yield from _taken(held)
            return
        raise self._blame("could not be read") from last

    def _blame(self, what):
        return FlightUnavailableError(f"{self._reader._name} {what}: {'; '.join(self.failures)}")


def _taken(held):
    """Gives each, and lets go of it."""
    held.reverse()
    while held:
        yield held.pop()


def _turns(locations, attempts, last):
    """The locations, again and again; the same one twice only for what may pass."""
    hopeless = set()
    for turn in range(max(1, attempts)):
        for location in locations:
            if location in hopeless:
                continue
            yield location
            if last() is not None and not isinstance(last(), FlightUnavailableError):
                hopeless.add(location)


def size_of(batch):
    """Bytes of the buffers of a batch; of one that does not tell, what a column of 8 bytes would take."""
    return batch.nbytes if hasattr(batch, "nbytes") else batch.num_rows * batch.num_columns * 8
