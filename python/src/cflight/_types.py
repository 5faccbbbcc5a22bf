# SPDX-License-Identifier: Apache-2.0
"""Enumerations, named tuples and base classes of the module; the C part imports them from here."""

import collections
import enum
import traceback

__all__ = [
    "ActionType",
    "CallInfo",
    "CancelStatus",
    "CertKeyPair",
    "ClientAuthHandler",
    "ClientMiddleware",
    "ClientMiddlewareFactory",
    "CloseSessionStatus",
    "DescriptorType",
    "FetchProgress",
    "FlightMethod",
    "IpcReadOptions",
    "IpcWriteOptions",
    "ReadStats",
    "ServerAuthHandler",
    "ServerMiddleware",
    "ServerMiddlewareFactory",
    "SessionOptionError",
    "TracingServerMiddleware",
    "TracingServerMiddlewareFactory",
    "WriteStats",
]


class DescriptorType(enum.Enum):
    """What a :class:`FlightDescriptor` holds.

    Examples
    --------
    >>> FlightDescriptor.for_path("a").descriptor_type is DescriptorType.PATH
    True
    """

    UNKNOWN = 0
    PATH = 1
    CMD = 2


class FlightMethod(enum.Enum):
    """The methods of the Flight service, as middleware sees them.

    Examples
    --------
    >>> info.method == FlightMethod.DO_GET
    True
    """

    INVALID = 0
    HANDSHAKE = 1
    LIST_FLIGHTS = 2
    GET_FLIGHT_INFO = 3
    GET_SCHEMA = 4
    DO_GET = 5
    DO_PUT = 6
    DO_ACTION = 7
    LIST_ACTIONS = 8
    DO_EXCHANGE = 9
    POLL_FLIGHT_INFO = 10
    SERVICE = 11  # of another gRPC service, at a server: CallInfo.path says which


class CancelStatus(enum.Enum):
    """The outcome of :meth:`FlightClient.cancel_flight_info`."""

    UNSPECIFIED = 0
    CANCELLED = 1
    CANCELLING = 2
    NOT_CANCELLABLE = 3


class CloseSessionStatus(enum.Enum):
    """The outcome of :meth:`FlightClient.close_session`."""

    UNSPECIFIED = 0
    CLOSED = 1
    CLOSING = 2
    NOT_CLOSEABLE = 3


class SessionOptionError(enum.Enum):
    """Why a server did not set a session option."""

    UNSPECIFIED = 0
    INVALID_NAME = 1
    INVALID_VALUE = 2
    ERROR = 3


class ActionType(collections.namedtuple("ActionType", ["type", "description"])):
    """An action that a server offers.

    Parameters
    ----------
    type : str
        Its name.
    description : str
        What it does, for people.

    Examples
    --------
    >>> ActionType("refresh", "reads the catalog again").make_action(b"")
    <pyarrow.flight.Action type='refresh' body=(0 bytes)>
    """

    def make_action(self, buf):
        """Make an :class:`Action` of this type with the body `buf` (bytes-like)."""
        from ._cflight import Action

        return Action(self.type, buf)


_PATHS = {
    method: "/arrow.flight.protocol.FlightService/" + method.name.title().replace("_", "")
    for method in FlightMethod
}


class CallInfo(collections.namedtuple("CallInfo", ["method"])):
    """What a middleware factory learns about a call: its :class:`FlightMethod`, and its path."""

    _cflight_path = None

    @property
    def path(self):
        """The method as gRPC names it: ``/arrow.flight.protocol.FlightService/DoGet``."""
        return self._cflight_path or _PATHS[self.method]


class CertKeyPair(collections.namedtuple("CertKeyPair", ["cert", "key"])):
    """A TLS certificate chain and its private key, both PEM (bytes or str).

    Examples
    --------
    >>> pair = CertKeyPair(cert=open("cert.pem", "rb").read(), key=open("key.pem", "rb").read())
    """


_STATS = [
    "num_messages",
    "num_record_batches",
    "num_dictionary_batches",
    "num_dictionary_deltas",
    "num_replaced_dictionaries",
]

try:
    from pyarrow.lib import ReadStats, WriteStats
except ImportError:

    class ReadStats(collections.namedtuple("ReadStats", _STATS)):
        """What a reader has read, in messages."""

        __slots__ = ()

    class WriteStats(collections.namedtuple("WriteStats", _STATS)):
        """What a writer has written, in messages."""

        __slots__ = ()


class FetchProgress(
    collections.namedtuple(
        "FetchProgress",
        "batch_count row_count body_bytes endpoints_done endpoint_count total_records total_bytes",
    )
):
    """How far a :meth:`FlightClient.fetch` is.

    The first three count what was read; `body_bytes` as it came over the network. The totals are the
    info's: -1 is unknown.

    Examples
    --------
    >>> client.fetch(info, progress=lambda p: print(p.endpoints_done, "of", p.endpoint_count))
    """

    __slots__ = ()


_DEPTH_MAX = 1024
_BYTES_MAX = 2**63 - 1
_THREADS_MAX = 1024


def _count(value, name, most):
    """Check an optional number."""
    if value is not None and not 1 <= value <= most:
        raise ValueError(f"{name} must be between 1 and {most}")
    return value


class IpcWriteOptions:
    """How record batches are written; ``pyarrow.ipc.IpcWriteOptions`` is accepted wherever this is.

    Parameters
    ----------
    compression : {None, "lz4", "zstd"}
        Compression of message bodies.
    compression_level : int, optional
        Level of the codec; None is its default.
    metadata_version : {5, 4}
        Version of the message metadata.
    emit_dictionary_deltas : bool
        Send a dictionary that grew as a delta instead of whole.
    depth_max : int, optional
        Deepest nesting of types, up to 1024; None is 64.
    compression_threads : int, optional
        Threads that may compress one batch; None is 1.

    Raises
    ------
    ValueError
        A value is not one of those above.

    Examples
    --------
    >>> FlightCallOptions(write_options=IpcWriteOptions(compression="zstd"))
    """

    __slots__ = (
        "compression",
        "compression_level",
        "metadata_version",
        "emit_dictionary_deltas",
        "depth_max",
        "compression_threads",
    )

    def __init__(
        self,
        *,
        compression=None,
        compression_level=None,
        metadata_version=5,
        emit_dictionary_deltas=False,
        depth_max=None,
        compression_threads=None,
    ):
        if compression not in (None, "lz4", "zstd"):
            raise ValueError(f"unknown compression {compression!r}; there are 'lz4' and 'zstd'")
        if metadata_version not in (4, 5):
            raise ValueError(f"unknown metadata version {metadata_version!r}; there are 4 and 5")
        self.compression = compression
        self.compression_level = compression_level
        self.metadata_version = metadata_version
        self.emit_dictionary_deltas = bool(emit_dictionary_deltas)
        self.depth_max = _count(depth_max, "depth_max", _DEPTH_MAX)
        self.compression_threads = _count(compression_threads, "compression_threads", _THREADS_MAX)

    def __repr__(self):
        return (
            f"<cflight.IpcWriteOptions compression={self.compression!r} "
            f"compression_level={self.compression_level} metadata_version=V{self.metadata_version} "
            f"emit_dictionary_deltas={self.emit_dictionary_deltas}>"
        )


class IpcReadOptions:
    """How record batches are read; ``pyarrow.ipc.IpcReadOptions`` is accepted wherever this is.

    Parameters
    ----------
    included_fields : list of int, optional
        Indices of the top-level columns to keep, ascending; None keeps all.
    validation : {"full", "safe", "bounds"}
        How far data is checked. Nothing is ever read outside a message. "safe" leaves out whether
        text is UTF-8; "bounds" leaves out every check whose cost grows with the data, and is for
        senders that are trusted.
    depth_max : int, optional
        Deepest nesting of types; None is 64.
    unpacked_bytes_max : int, optional
        Most bytes that one compressed message may unpack to; None is 256 MiB, or 256 times the
        bytes of the message where that is more.
    dictionary_bytes_max : int, optional
        Most memory that the dictionaries of one stream may keep; None is 8 GiB, at servers 1 GiB.

    Raises
    ------
    ValueError
        A value is not one of those above.

    Examples
    --------
    >>> FlightCallOptions(read_options=IpcReadOptions(included_fields=[0, 2]))
    """

    __slots__ = (
        "included_fields",
        "validation",
        "depth_max",
        "unpacked_bytes_max",
        "dictionary_bytes_max",
    )

    def __init__(
        self,
        *,
        included_fields=None,
        validation="full",
        depth_max=None,
        unpacked_bytes_max=None,
        dictionary_bytes_max=None,
    ):
        if validation not in ("full", "safe", "bounds"):
            raise ValueError(
                f"unknown validation {validation!r}; there are 'full', 'safe' and 'bounds'"
            )
        self.included_fields = list(included_fields or [])
        self.validation = validation
        self.depth_max = _count(depth_max, "depth_max", _DEPTH_MAX)
        self.unpacked_bytes_max = _count(unpacked_bytes_max, "unpacked_bytes_max", _BYTES_MAX)
        self.dictionary_bytes_max = _count(dictionary_bytes_max, "dictionary_bytes_max", _BYTES_MAX)

    def __repr__(self):
        return (
            f"<cflight.IpcReadOptions included_fields={self.included_fields} "
            f"validation={self.validation!r}>"
        )


class ClientAuthHandler:
    """The client's half of handshake authentication; subclass it and override both methods.

    Examples
    --------
    >>> class Handler(ClientAuthHandler):
    ...     def authenticate(self, outgoing, incoming):
    ...         outgoing.write(BasicAuth("user", "password").serialize())
    ...         self.token = incoming.read()
    ...     def get_token(self):
    ...         return self.token
    """

    def authenticate(self, outgoing, incoming):
        """Exchange payloads with the server.

        `outgoing` is a :class:`ClientAuthSender`, `incoming` a :class:`ClientAuthReader`; both end
        with this call.
        """
        raise NotImplementedError

    def get_token(self):
        """Return the token for the next call, as bytes or str."""
        raise NotImplementedError


class ServerAuthHandler:
    """The server's half of handshake authentication; subclass it and override both methods.

    Raise :class:`FlightUnauthenticatedError` to refuse a caller.

    Examples
    --------
    >>> class Handler(ServerAuthHandler):
    ...     def authenticate(self, outgoing, incoming):
    ...         outgoing.write(make_token(BasicAuth.deserialize(incoming.read())))
    ...     def is_valid(self, token):
    ...         return user_of(token)
    """

    def authenticate(self, outgoing, incoming):
        """Exchange payloads with the client; the two arguments end with this call."""
        raise NotImplementedError

    def is_valid(self, token):
        """Check the token (bytes, empty when there was none) and return who it is (bytes or str)."""
        raise NotImplementedError


class ClientMiddlewareFactory:
    """Makes middleware for each call of a client; subclass it and override :meth:`start_call`.

    Examples
    --------
    >>> class Factory(ClientMiddlewareFactory):
    ...     def start_call(self, info):
    ...         return Tracer() if info.method == FlightMethod.DO_GET else None
    """

    def start_call(self, info):
        """Return a :class:`ClientMiddleware` for the call, or None.

        An exception is logged and the call goes on without middleware of this factory.
        """
        raise NotImplementedError


class ClientMiddleware:
    """Watches one call of a client; subclass it and override what is of interest.

    Exceptions in these methods are logged and do not disturb the call.

    Examples
    --------
    >>> class Tracer(ClientMiddleware):
    ...     def sending_headers(self):
    ...         return {"traceparent": current_trace()}
    """

    def sending_headers(self):
        """Return headers to send: a dict of str to str, bytes or a list of them; None for none."""

    def received_headers(self, headers):
        """See what the server sent: a dict of str to a list of str (of bytes for ``-bin`` names).

        Called for the headers when there are any, and then for the trailers.
        """

    def call_completed(self, exception):
        """See how the call ended; `exception` is None for success."""


class ServerMiddlewareFactory:
    """Makes middleware for each call of a server; subclass it and override :meth:`start_call`.

    Examples
    --------
    >>> class Factory(ServerMiddlewareFactory):
    ...     def start_call(self, info, headers):
    ...         if "x-tenant" not in headers:
    ...             raise FlightUnauthenticatedError("whose call is this?")
    """

    def start_call(self, info, headers):
        """Return a :class:`ServerMiddleware` for the call, or None.

        `headers` is a dict of str to a list of str (of bytes for ``-bin`` names). An exception
        refuses the call and travels to the client.
        """
        raise NotImplementedError


class ServerMiddleware:
    """Watches one call of a server; subclass it and override what is of interest.

    A handler finds it with :meth:`ServerCallContext.get_middleware`. Exceptions in these methods are
    logged and do not disturb the call.
    """

    def sending_headers(self):
        """Return headers to send: a dict of str to str, bytes or a list of them; None for none."""

    def call_completed(self, exception):
        """See how the call ended; `exception` is None for success."""


class TracingServerMiddleware(ServerMiddleware):
    """The W3C trace context of a call.

    Attributes
    ----------
    trace_context : dict of bytes to bytes
        The caller's ``traceparent`` and ``tracestate``, those that it sent.
    """

    def __init__(self, trace_context):
        self.trace_context = trace_context


class TracingServerMiddlewareFactory(ServerMiddlewareFactory):
    """Hands the caller's W3C trace context to handlers. A server may have one of these.

    Examples
    --------
    >>> server = Server(middleware={"tracing": TracingServerMiddlewareFactory()})
    >>> context.get_middleware("tracing").trace_context  # in a handler
    {b'traceparent': b'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'}
    """

    def start_call(self, info, headers):
        """Return the :class:`TracingServerMiddleware` of the call."""
        context = {
            name.encode(): headers[name][0].encode()
            for name in ("traceparent", "tracestate")
            if headers.get(name)
        }
        return TracingServerMiddleware(context)


def _is_default_handler(exception):
    """Tell whether it comes from a method of FlightServerBase that nobody overrode."""
    trace = exception.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == "cflight._server"


def _format_exception(exception):
    """Describe an exception for a peer: what travels in ``x-arrow-status-detail-bin``."""
    if isinstance(exception, NotImplementedError) and _is_default_handler(exception):
        lines = traceback.format_exception_only(exception)
    else:
        lines = traceback.format_exception(exception)
    return "Python exception: " + "".join(lines)


def _batches_of(reader):
    """Generate the record batches of a MetadataRecordBatchReader; metadata alone is skipped."""
    for chunk in reader:
        if chunk.data is not None:
            yield chunk.data


for _name in __all__:
    if globals()[_name].__module__ == __name__:
        globals()[_name].__module__ = "cflight"
