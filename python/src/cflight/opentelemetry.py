# SPDX-License-Identifier: Apache-2.0
"""Traces of OpenTelemetry: middleware that makes a span of each call, and carries the trace from client to server.

Needs the package ``opentelemetry-api``, and one that exports spans, such as ``opentelemetry-sdk``.

Examples
--------
>>> from cflight.opentelemetry import ClientTracing, ServerTracing
>>> server = Server("grpc://localhost:0", middleware={"trace": ServerTracing()})
>>> client = connect(server.location, middleware=[ClientTracing()])
"""

import os

from opentelemetry import context as _context
from opentelemetry import propagate as _propagate
from opentelemetry import trace as _trace

from ._cflight import Location, __version__
from ._types import (
    ClientMiddleware,
    ClientMiddlewareFactory,
    ServerMiddleware,
    ServerMiddlewareFactory,
)

__all__ = ["ClientTracing", "ServerTracing"]

_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
_STATUSES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS "
    "PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED "
    "INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
).split()
# What is the server's fault; other statuses are what its callers asked for.
_FAULTS_OF_SERVERS = frozenset(
    map(
        _STATUSES.index,
        "UNKNOWN DEADLINE_EXCEEDED UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS".split(),
    )
)


class _Names:
    """The attributes of spans: OpenTelemetry has two sets of names, and a variable that chooses."""

    def __init__(self):
        chosen = {word.strip() for word in os.environ.get(_OPT_IN, "").split(",")}
        self._is_new = bool(chosen & {"rpc", "rpc/dup"})
        self._is_old = "rpc" not in chosen or "rpc/dup" in chosen

    def of_call(self, path):
        """Return the attributes that are known when a call begins."""
        service, _, method = path.rpartition("/")
        attributes = {}
        if self._is_old:
            attributes.update({"rpc.system": "grpc", "rpc.service": service, "rpc.method": method})
        if self._is_new:
            attributes.update({"rpc.system.name": "grpc", "rpc.method": path})
        return attributes

    def of_end(self, status, is_error):
        """Return the attributes that are known when it is over."""
        attributes = {}
        if self._is_old:
            attributes["rpc.grpc.status_code"] = status
        if self._is_new:
            attributes["rpc.response.status_code"] = _name_of(status)
            if is_error:
                attributes["error.type"] = _name_of(status)
        return attributes


def _name_of(status):
    return _STATUSES[status] if status < len(_STATUSES) else str(status)


class _Spans:
    """What makes the spans of one side."""

    def __init__(self, kind, tracer_provider, propagator, attributes):
        self._kind = kind
        self._tracer = _trace.get_tracer("cflight", __version__, tracer_provider)
        self._names = _Names()
        self._attributes = dict(attributes or {})
        self.propagator = propagator or _propagate.get_global_textmap()

    def start(self, info, parent=None):
        path = info.path[1:]
        attributes = {**self._names.of_call(path), **self._attributes}
        return self._tracer.start_span(path, parent, kind=self._kind, attributes=attributes)

    def end(self, span, exception, status, is_error):
        if span.is_recording():
            span.set_attributes(self._names.of_end(status, is_error))
            if is_error:
                span.set_status(_trace.Status(_trace.StatusCode.ERROR, str(exception)))
            if is_error and exception is not None:
                span.record_exception(exception)
        span.end()


def _address_of(location):
    """Return the attributes that tell a server by its address."""
    if location is None:
        return {}
    if isinstance(location, tuple):
        host, port = location
        return {"server.address": host, "server.port": port}
    uri = location.uri if isinstance(location, Location) else Location(location).uri
    scheme, _, rest = uri.decode(errors="replace").partition("://")
    if scheme == "grpc+unix":
        return {"server.address": rest}
    host, _, port = rest.partition("/")[0].rpartition(":")
    if not port.isdecimal():
        return {"server.address": rest}
    return {"server.address": host.strip("[]"), "server.port": int(port)}


class ClientTracing(ClientMiddlewareFactory):
    """Makes a span of each call of a client, and sends the trace to the server.

    The span is a child of the current one, and ends with the call: when a stream is read to its end,
    closed or dropped. One object may be given to any number of clients.

    Parameters
    ----------
    tracer_provider : opentelemetry.trace.TracerProvider, optional
        None is the global one.
    propagator : opentelemetry.propagators.textmap.TextMapPropagator, optional
        How the trace travels; None is the global one, which is W3C's headers by default.
    location : Location, str or tuple of (host, port), optional
        Where the client connects, for the attributes ``server.address`` and ``server.port``.
    attributes : dict, optional
        Further attributes of each span.

    Examples
    --------
    >>> client = connect(location, middleware=[ClientTracing(location=location)])
    """

    def __init__(self, *, tracer_provider=None, propagator=None, location=None, attributes=None):
        self._spans = _Spans(
            _trace.SpanKind.CLIENT,
            tracer_provider,
            propagator,
            {**_address_of(location), **(attributes or {})},
        )

    def start_call(self, info):
        """Begin a span; return what ends it."""
        return _ClientCall(self._spans, self._spans.start(info))


class _ClientCall(ClientMiddleware):
    def __init__(self, spans, span):
        self._spans = spans
        self._span = span
        self._context = _trace.set_span_in_context(span)

    def sending_headers(self):
        headers = {}
        self._spans.propagator.inject(headers, self._context)
        return headers

    def _cflight_completed(self, exception, status):
        self._spans.end(self._span, exception, status, status != 0)


class ServerTracing(ServerMiddlewareFactory):
    """Makes a span of each call of a server, within the caller's trace.

    It is the current span in the methods of the server, and in what they return to be sent: calls to
    other servers that they make with :class:`ClientTracing` are its children. It ends with the call.
    A status that is the caller's fault, such as NOT_FOUND, is no error of the span.

    Parameters
    ----------
    tracer_provider : opentelemetry.trace.TracerProvider, optional
        None is the global one.
    propagator : opentelemetry.propagators.textmap.TextMapPropagator, optional
        How the trace travels; None is the global one, which is W3C's headers by default.
    attributes : dict, optional
        Further attributes of each span.

    Examples
    --------
    >>> server = Server("grpc://localhost:0", middleware={"trace": ServerTracing()})
    """

    def __init__(self, *, tracer_provider=None, propagator=None, attributes=None):
        self._spans = _Spans(_trace.SpanKind.SERVER, tracer_provider, propagator, attributes)

    def start_call(self, info, headers):
        """Begin a span, and make it the current one of the call; return what ends it."""
        parent = self._spans.propagator.extract(headers)
        span = self._spans.start(info, parent)
        # The variables are the call's own, and go with it.
        _context.attach(_trace.set_span_in_context(span, parent))
        return _ServerCall(self._spans, span)


class _ServerCall(ServerMiddleware):
    def __init__(self, spans, span):
        self._spans = spans
        self._span = span

    def _cflight_completed(self, exception, status):
        self._spans.end(self._span, exception, status, status in _FAULTS_OF_SERVERS)
