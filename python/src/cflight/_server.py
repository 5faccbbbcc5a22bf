# SPDX-License-Identifier: Apache-2.0
"""The server class: arguments, defaults of the handlers, and the end of the interpreter."""

import atexit
import os
import threading
import time
import warnings
import weakref

from ._cflight import FlightServerCore, Location
from ._operations import HealthStatus, Operations, open_log
from ._types import ServerAuthHandler, TracingServerMiddlewareFactory

_running = weakref.WeakSet()
_running_lock = threading.Lock()

# When the interpreter ends, in seconds: how long calls may go on, and how long those that were
# cancelled then have to return. A handler that sleeps on is left behind.
_GRACE_AT_EXIT = 2
_CANCELLED_AT_EXIT = 1


def _to_bytes(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"expected bytes, {type(value).__name__} found")


def _location_uri(location, is_tls):
    """Turn what users give as a location into the bytes of a URI."""
    if location is None:
        location = ("localhost", 0)
    if isinstance(location, tuple):
        host, port = location
        make = Location.for_grpc_tls if is_tls else Location.for_grpc_tcp
        return make(host, port).uri
    if isinstance(location, Location):
        return location.uri
    if isinstance(location, (str, bytes, bytearray, memoryview)):
        return Location(location).uri
    raise TypeError("`location` argument must be a string, tuple or a Location instance")


def _check_list(value):
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"Expected list, got {type(value).__name__}")
    return value


def _certificates(value):
    return [(_to_bytes(cert), _to_bytes(key)) for cert, key in _check_list(value)]


def _client_certificate(verify_client):
    """Return the number by which the library knows what is asked of clients."""
    if isinstance(verify_client, str) and verify_client == "optional":
        return 1
    return 2 if verify_client else 0


def _policy(revocation_lists, min_version, tls12_ciphers, tls13_ciphers):
    """Return what is demanded of TLS as the library takes it."""
    return _to_bytes(revocation_lists or b""), min_version, tls12_ciphers, tls13_ciphers


def _check_tls(uri, certificates, verify_client, root_certificates, policy):
    """Refuse what only TLS can do where there is none: who asks for it believes that it is done."""
    given = {
        "tls_certificates": certificates,
        "verify_client": verify_client,
        "root_certificates": root_certificates,
        "tls_revocation_lists": policy[0],
        "tls_min_version": policy[1],
        "tls12_ciphers": policy[2],
        "tls13_ciphers": policy[3],
    }
    names = [name for name, value in given.items() if value]
    if names and not uri.lower().startswith(b"grpc+tls:"):
        text = uri.decode(errors="replace")
        raise ValueError(f"{', '.join(names)}: the location {text} is not of TLS (grpc+tls://...)")


def _check_middleware(value):
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"Expected dict, got {type(value).__name__}")
    tracing = [f for f in value.values() if isinstance(f, TracingServerMiddlewareFactory)]
    if len(tracing) > 1:
        raise ValueError("Can only provide at most one TracingServerMiddlewareFactory")
    return dict(value)


class _BoundLocation:
    """The location of a server; gives way to an attribute of the same name of its object."""

    __doc__ = FlightServerCore.location.__doc__

    def __get__(self, server, owner=None):
        return self if server is None else FlightServerCore.location.__get__(server)


class FlightServerBase(FlightServerCore):
    """A server; subclass it and override the methods for the calls it offers.

    It listens as soon as it is made. Methods run on threads of the library, many at once. What they
    raise reaches the client: a FlightError as the same class, NotImplementedError, KeyError and
    ValueError as the Arrow class of that name, anything else as FlightServerError with the traceback
    in the text.

    Parameters
    ----------
    location : str, bytes, tuple of (host, port), Location, or None
        Where to listen; port 0 picks a free one, and None is ``("localhost", 0)``. A tuple means TLS
        when `tls_certificates` is given.
    auth_handler : ServerAuthHandler, optional
    tls_certificates : list of CertKeyPair, optional
        PEM; for ``grpc+tls`` locations.
    verify_client : bool or "optional", optional
        Refuse clients without a certificate that `root_certificates` vouch for; "optional" refuses
        only those with another certificate.
    root_certificates : bytes or str, optional
        PEM.
    tls_revocation_lists : bytes or str, optional
        Refuse client certificates that these CRLs name (PEM), and those of issuers without one.
    tls_min_version : str, optional
        "1.2" or "1.3"; None is "1.2".
    tls12_ciphers, tls13_ciphers : str, optional
        Names as OpenSSL has them, with colons between them; None is the default.
    middleware : dict of key to ServerMiddlewareFactory, optional
        Keys are for :meth:`ServerCallContext.get_middleware`.
    handlers_max : int, optional
        Most methods that run at once, those that wait for a client or another server not counted;
        further calls wait. What :meth:`do_get` returned has as many again. None is 64.
    waiting_max : int, optional
        Most methods that wait at once for their clients, or for servers that they call; each has a
        thread. Beyond it calls that stream are refused. What :meth:`do_get` returned is not among
        them: it has no thread while its client is slow. None is 4096.
    split_batch_bytes : int, optional
        Send larger batches as several; None sends them whole.
    queue_max : int, optional
        Most calls that wait for a handler; further ones are refused. None is 1024.
    connections_max : int, optional
        Most connections; further ones are closed at once. None is 10000.
    connections_per_address_max : int, optional
        Most connections from one address, or from one network of 64 bits in IPv6; further ones are
        closed at once. None is no such limit: behind a proxy all clients have one address.
    calls_per_connection_max : int, optional
        Most calls at once on one connection; None is 2048.
    stream_window_bytes : int, optional
        Bytes of one upload that may wait unread; None is 4 MiB.
    message_bytes_max : int, optional
        Largest message accepted; None is 4 GiB - 1.
    metadata_bytes_max : int, optional
        Largest block of request headers; None is 64 KiB.
    pool_bytes_max : int, optional
        Idle memory that is kept for message bodies; None is 64 MiB.
    unread_bytes_max : int, optional
        Bytes that all uploads together may hold before methods take them; a call beyond it ends with
        :class:`FlightUnavailableError`. None is half of the machine's memory.
    idle_timeout : float, optional
        Limit on any single wait for a client, of a method or of what :meth:`do_get` returned, in
        seconds; past it the call ends. None is 10 minutes. ``math.inf`` is no limit, here and in the
        next three: a client may then hold a method, and its thread, as long as its connection lives.
    contended_timeout : float, optional
        What `idle_timeout` is while calls are refused because `waiting_max` methods wait; None is a
        minute.
    message_timeout : float, optional
        Limit from a call's headers to its first message; None is 30 seconds.
    connection_idle : float, optional
        Close connections that have no call for so long; None is 30 minutes.
    keepalive_interval, keepalive_timeout : float, optional
        Seconds between pings to clients, None is off; and for their answer, None is 20.
    shutdown_grace : float, optional
        Seconds that running calls may go on in a shutdown that does not say, as at the end of a
        ``with`` block; None is without limit, and 2 when the interpreter ends.
    write_options : IpcWriteOptions, optional
        How batches are written.
    read_options : IpcReadOptions, optional
        How batches are read.
    health : bool, optional
        Answer ``grpc.health.v1``, which load balancers and probes ask, for anybody; see
        :meth:`set_health`. Watchers are told NOT_SERVING when the server begins to shut down.
    health_needs_auth : bool, optional
        Ask those who ask it for credentials, as others.
    health_watchers_max : int, optional
        Most calls that watch the health at once, each of which has a thread; None is 64.
    reflection : bool, optional
        Answer ``grpc.reflection.v1`` and ``v1alpha``: grpcurl and its like need no files.
    reflection_is_open : bool, optional
        For anybody; otherwise for those whom authentication lets through.
    descriptor_sets : list of bytes, optional
        What ``protoc --include_imports --descriptor_set_out`` writes, of `services`.
    services : list of ServiceMethod, optional
        Methods of other gRPC services.
    request_log : path, text file, logging.Logger or callable, optional
        Where a line goes for each call that is over. A file of that path is opened for appending, and
        written to without Python's help; see :meth:`reopen_request_log`. A file object gets its lines
        by ``write()``, a logger at the level INFO, a callable as its argument, on threads of the
        library, several at once.
    request_log_format : {"text", "json"}, optional
        Lines for people, or an object in each line.
    metrics : Metrics, optional
        Where the server counts what it does.
    shared_bodies_are_off : bool
        Batches never go through memory that is shared with the client's process.

    Attributes
    ----------
    location : Location
        With the bound port, as clients can use it.

    Raises
    ------
    ArrowInvalid
        The location or a PEM text cannot be parsed.
    ArrowKeyError
        The location's scheme is not one of Flight.
    ArrowException
        The address cannot be bound.
    TypeError
        A value has another type.
    ValueError
        A number is out of its range.

    Examples
    --------
    >>> class Server(FlightServerBase):
    ...     def do_get(self, context, ticket):
    ...         return RecordBatchStream(tables[ticket.ticket])
    >>> with Server("grpc://localhost:0") as server:
    ...     print("port", server.port)
    ...     server.serve()
    """

    def __init__(
        self,
        location=None,
        auth_handler=None,
        tls_certificates=None,
        verify_client=None,
        root_certificates=None,
        middleware=None,
        *,
        tls_revocation_lists=None,
        tls_min_version=None,
        tls12_ciphers=None,
        tls13_ciphers=None,
        handlers_max=None,
        waiting_max=None,
        split_batch_bytes=None,
        queue_max=None,
        connections_max=None,
        connections_per_address_max=None,
        calls_per_connection_max=None,
        stream_window_bytes=None,
        message_bytes_max=None,
        metadata_bytes_max=None,
        pool_bytes_max=None,
        unread_bytes_max=None,
        idle_timeout=None,
        contended_timeout=None,
        message_timeout=None,
        connection_idle=None,
        keepalive_interval=None,
        keepalive_timeout=None,
        shutdown_grace=None,
        write_options=None,
        read_options=None,
        health=False,
        health_needs_auth=False,
        health_watchers_max=None,
        reflection=False,
        reflection_is_open=False,
        descriptor_sets=None,
        services=None,
        request_log=None,
        request_log_format="text",
        metrics=None,
        shared_bodies_are_off=False,
    ):
        certificates = _certificates(tls_certificates)
        if shutdown_grace is not None and not shutdown_grace >= 0:
            raise ValueError("shutdown_grace must be a number of seconds, 0 or more")
        if auth_handler is not None and not isinstance(auth_handler, ServerAuthHandler):
            raise TypeError(
                f"Cannot convert {type(auth_handler).__name__} to cflight.ServerAuthHandler"
            )
        factories = _check_middleware(middleware)
        uri = _location_uri(location, bool(certificates))
        policy = _policy(tls_revocation_lists, tls_min_version, tls12_ciphers, tls13_ciphers)
        _check_tls(uri, certificates, verify_client, root_certificates, policy)
        operations = Operations(
            health=health,
            health_needs_auth=health_needs_auth,
            health_watchers_max=health_watchers_max,
            reflection=reflection,
            reflection_is_open=reflection_is_open,
            descriptor_sets=descriptor_sets,
            services=services,
            request_log=request_log,
            request_log_format=request_log_format,
        )
        settings = {
            "handlers_max": handlers_max or None,
            "split_batch_bytes": split_batch_bytes or None,
            "waiting_max": waiting_max,
            "queue_max": queue_max,
            "connections_max": connections_max,
            "connections_per_address_max": connections_per_address_max,
            "calls_per_connection_max": calls_per_connection_max,
            "stream_window_bytes": stream_window_bytes,
            "message_bytes_max": message_bytes_max,
            "metadata_bytes_max": metadata_bytes_max,
            "pool_bytes_max": pool_bytes_max,
            "unread_bytes_max": unread_bytes_max,
            "idle_timeout": idle_timeout,
            "contended_timeout": contended_timeout,
            "message_timeout": message_timeout,
            "connection_idle": connection_idle,
            "keepalive_interval": keepalive_interval,
            "keepalive_timeout": keepalive_timeout,
            "shared_bodies_are_off": shared_bodies_are_off,
        }
        self._cflight_grace = shutdown_grace
        self._cflight_log_path = operations.log_path
        with operations:
            self._cflight_start(
                uri,
                auth_handler,
                certificates,
                _client_certificate(verify_client),
                _to_bytes(root_certificates or b""),
                policy,
                factories,
                write_options,
                read_options,
                operations.services,
                operations.request_log,
                metrics,
                settings,
            )
        with _running_lock:
            _running.add(self)

    _cflight_grace = None
    _cflight_log_path = None
    location = _BoundLocation()

    def shutdown(self, grace=None):
        """Take no more calls, wait for those that run, and stop.

        After `grace` seconds they are cancelled; None is the server's `shutdown_grace`. In a handler
        it begins the shutdown and returns. Safe to repeat.
        """
        super().shutdown(self._cflight_grace if grace is None else grace)

    def set_health(self, service, status):
        """Say how a service is; watchers are told.

        Parameters
        ----------
        service : str
            "" is the server as a whole, which is SERVING from the beginning, as
            ``arrow.flight.protocol.FlightService`` is; any other name is one of yours.
        status : HealthStatus

        Raises
        ------
        ValueError
            The server was made without ``health=True``.
        """
        if not isinstance(status, HealthStatus):
            raise TypeError(f"status must be a HealthStatus, not {type(status).__name__}")
        self._cflight_set_health(service, status.value)

    def reopen_request_log(self):
        """Open the file of `request_log` again, after it was renamed: programs that rotate logs ask for it.

        No line is lost. After a failure lines go on to the old file.
        """
        if self._cflight_log_path is None:
            raise ValueError("the server was made without the path of a request_log")
        descriptor = open_log(self._cflight_log_path)
        try:
            self._cflight_turn_log(descriptor)
        finally:
            os.close(descriptor)

    def reload_tls(
        self,
        tls_certificates,
        verify_client=None,
        root_certificates=None,
        *,
        tls_revocation_lists=None,
        tls_min_version=None,
        tls12_ciphers=None,
        tls13_ciphers=None,
    ):
        """Replace certificates, and what is asked of clients, for connections made from now on.

        Takes what the constructor takes. After a failure the old ones stay.
        """
        self._cflight_reload_tls(
            _certificates(tls_certificates),
            _client_certificate(verify_client),
            _to_bytes(root_certificates or b""),
            _policy(tls_revocation_lists, tls_min_version, tls12_ciphers, tls13_ciphers),
        )

    def serve(self):
        """Block until the server has stopped. Ctrl+C, or a signal handler that raises, stops it."""
        try:
            FlightServerBase.wait(self)
        except BaseException:
            FlightServerBase.shutdown(self)
            raise

    def run(self):
        """Do as :meth:`serve`; deprecated."""
        warnings.warn(
            "The 'FlightServer.run' method is deprecated, use FlightServer.serve method instead",
            UserWarning,
            stacklevel=2,
        )
        FlightServerBase.serve(self)

    def __enter__(self):
        """Return self."""
        return self

    def __exit__(self, *args):
        """Shut down, as shutdown() of this class does."""
        FlightServerBase.shutdown(self)

    def list_flights(self, context, criteria):
        """Return the flights that fit `criteria` (bytes): an iterable of :class:`FlightInfo`.

        An iterator is asked for the next flight when the last one was sent.
        """
        raise NotImplementedError("this server has no ListFlights")

    def get_flight_info(self, context, descriptor):
        """Return the :class:`FlightInfo` of a :class:`FlightDescriptor`; KeyError when there is none."""
        raise NotImplementedError("this server has no GetFlightInfo")

    def poll_flight_info(self, context, descriptor):
        """Start a long query, or say how it goes: return a :class:`PollInfo`.

        The client asks again with the descriptor that is in it, until there is none.
        """
        raise NotImplementedError("this server has no PollFlightInfo")

    def get_schema(self, context, descriptor):
        """Return the :class:`SchemaResult` of a :class:`FlightDescriptor`."""
        raise NotImplementedError("this server has no GetSchema")

    def do_get(self, context, ticket):
        """Return the data of a :class:`Ticket`: a :class:`RecordBatchStream` or a :class:`GeneratorStream`.

        The context belongs to the stream, too, and ends with it.
        """
        raise NotImplementedError("this server has no DoGet")

    def do_put(self, context, descriptor, reader, writer):
        """Take an upload: read from a :class:`MetadataRecordBatchReader`, answer to a :class:`FlightMetadataWriter`.

        May return before the end of the data; the client is told at once.
        """
        raise NotImplementedError("this server has no DoPut")

    def do_exchange(self, context, descriptor, reader, writer):
        """Read from a :class:`MetadataRecordBatchReader`, write to a :class:`MetadataRecordBatchWriter`.

        In any order, and on two threads if need be; the writer has to begin first.
        """
        raise NotImplementedError("this server has no DoExchange")

    def list_actions(self, context):
        """Return the actions: an iterable of :class:`ActionType`, or of pairs of name and description."""
        raise NotImplementedError("this server has no ListActions")

    def do_action(self, context, action):
        """Run an :class:`Action`: return an iterable of :class:`Result` or bytes-like, or None for no result.

        An iterator is asked for the next result when the last one was sent.
        """
        raise NotImplementedError("this server has no DoAction")


@atexit.register
def _stop_servers():
    """Stop every server while Python can still run their methods.

    Calls that do not end by themselves are cancelled: their clients may be in this very process.
    """
    with _running_lock:
        servers = list(_running)
    graces = [server._cflight_grace for server in servers]
    graces = [_GRACE_AT_EXIT if grace is None else grace for grace in graces]
    for server, grace in zip(servers, graces):
        FlightServerCore._cflight_begin_shutdown(server, grace)
    end = time.monotonic() + max(graces, default=0) + _CANCELLED_AT_EXIT
    for server in servers:
        FlightServerCore._cflight_leave(server, max(0, end - time.monotonic()))
