# SPDX-License-Identifier: Apache-2.0
"""What a server has for those who operate it: health, reflection, services, and its log of requests."""

import collections
import enum
import logging
import os


class HealthStatus(enum.Enum):
    """How a service is, as the health service says it.

    Examples
    --------
    >>> server.set_health("", HealthStatus.NOT_SERVING)
    """

    UNKNOWN = 0
    SERVING = 1
    NOT_SERVING = 2


_METHOD_FIELDS = "path handler client_streams server_streams is_open message_bytes_max on_shutdown"
_METHOD_DEFAULTS = (False, False, False, None, None)


class ServiceMethod(
    collections.namedtuple("ServiceMethod", _METHOD_FIELDS, defaults=_METHOD_DEFAULTS)
):
    """A method of another gRPC service that a server answers. Messages are bytes.

    Parameters
    ----------
    path : str
        ``/package.Service/Method``.
    handler : callable
        ``handler(context, request)`` returns the answer, bytes-like. The context is a
        :class:`ServerCallContext`, the request bytes. It runs on a thread of the server, many at once;
        what it raises becomes the status of the call, as for the methods of a server.
    client_streams : bool
        The request is an iterator of messages, which waits for each, on any one thread at a time.
    server_streams : bool
        The answer is an iterable of messages, which is asked for the next one when the last one was
        sent; None is no message.
    is_open : bool
        For anybody: neither authentication nor middleware is asked.
    message_bytes_max : int, optional
        Largest message of a client; None is as of the server.
    on_shutdown : callable, optional
        Called without an argument when the server begins to shut down: handlers that wait for
        something else than their clients end now.

    Examples
    --------
    >>> def say(context, request):
    ...     return request
    >>> server = FlightServerBase(services=[ServiceMethod("/example.Echo/Say", say)])
    """

    __slots__ = ()


def _check_method(value):
    """Return a method as the C part takes it."""
    if not isinstance(value, ServiceMethod):
        raise TypeError(f"services must be ServiceMethod, not {type(value).__name__}")
    if not callable(value.handler):
        raise TypeError(f"the handler of {value.path} must be callable")
    if value.on_shutdown is not None and not callable(value.on_shutdown):
        raise TypeError(f"on_shutdown of {value.path} must be callable")
    if value.message_bytes_max is not None and not 1 <= value.message_bytes_max < 2**64:
        raise ValueError(f"message_bytes_max must be between 1 and {2**64 - 1}")
    path = value.path.encode()
    if b"\0" in path:
        raise ValueError("the path of a method must not have a zero byte")
    return (
        path,
        value.handler,
        bool(value.client_streams),
        bool(value.server_streams),
        bool(value.is_open),
        value.message_bytes_max or 0,
        value.on_shutdown,
    )


def _check_health(health, needs_auth, watchers_max):
    if not health:
        if needs_auth or watchers_max is not None:
            raise ValueError("health_needs_auth and health_watchers_max need health=True")
        return None
    if watchers_max is not None and not 1 <= watchers_max < 2**32:
        raise ValueError(f"health_watchers_max must be between 1 and {2**32 - 1}")
    return bool(needs_auth), watchers_max or 0


def _check_reflection(reflection, is_open, descriptor_sets):
    if not reflection:
        if is_open or descriptor_sets:
            raise ValueError("reflection_is_open and descriptor_sets need reflection=True")
        return None
    sets = list(descriptor_sets or [])
    for each in sets:
        if not isinstance(each, (bytes, bytearray, memoryview)):
            raise TypeError(f"descriptor_sets must be bytes, not {type(each).__name__}")
    return bool(is_open), [bytes(each) for each in sets]


class Operations:
    """The keyword arguments of a server that are about its operation, checked."""

    def __init__(
        self,
        *,
        services,
        health,
        health_needs_auth,
        health_watchers_max,
        reflection,
        reflection_is_open,
        descriptor_sets,
        request_log,
        request_log_format,
    ):
        self.services = (
            _check_health(health, health_needs_auth, health_watchers_max),
            _check_reflection(reflection, reflection_is_open, descriptor_sets),
            [_check_method(value) for value in services or []],
        )
        if request_log_format not in ("text", "json"):
            raise ValueError(
                f"unknown request_log_format {request_log_format!r}; there are 'text' and 'json'"
            )
        self._as_json = request_log_format == "json"
        self.log_path = None
        self._log_target = None
        if isinstance(request_log, (str, bytes, os.PathLike)):
            self.log_path = os.fspath(request_log)
        elif request_log is not None:
            self._log_target = _log_function(request_log)

    def __enter__(self):
        """Open the log."""
        if self.log_path is not None:
            self._log_target = open_log(self.log_path)
        return self

    def __exit__(self, *args):
        """Close this descriptor of the log; the server has one of its own."""
        if self.log_path is not None:
            os.close(self._log_target)

    @property
    def request_log(self):
        """The log as the C part takes it."""
        return None if self._log_target is None else (self._log_target, self._as_json)


def open_log(path):
    """Open a file for lines at its end, for its owner, and for its group to read."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)


def _log_function(target):
    """Return a function of one line."""
    if isinstance(target, logging.Logger):
        return _LoggerLines(target)
    if hasattr(target, "write"):
        return _FileLines(target)
    if callable(target):
        return target
    raise TypeError(
        "request_log must be a path, a text file, a logging.Logger or a callable, not "
        + type(target).__name__
    )


class _LoggerLines:
    def __init__(self, logger):
        self._logger = logger

    def __call__(self, line):
        self._logger.info("%s", line)


class _FileLines:
    def __init__(self, file):
        self._file = file

    def __call__(self, line):
        self._file.write(line + "\n")
        self._file.flush()


for _class in (HealthStatus, ServiceMethod):
    _class.__module__ = "cflight"
