# SPDX-License-Identifier: Apache-2.0
"""The exceptions of the module.

With pyarrow present its classes are the bases, so that ``except pyarrow.ArrowException`` and code
written for ``pyarrow.flight`` keep working. Without pyarrow the same names are defined here.
"""

try:
    from pyarrow.lib import (
        ArrowCancelled,
        ArrowCapacityError,
        ArrowException,
        ArrowIndexError,
        ArrowInvalid,
        ArrowKeyError,
        ArrowMemoryError,
        ArrowNotImplementedError,
        ArrowSerializationError,
        ArrowTypeError,
    )
except ImportError:

    class ArrowException(Exception):
        """Base of all failures that Arrow reports."""

    class ArrowInvalid(ValueError, ArrowException):
        """An argument, a message or an operation makes no sense."""

    class ArrowMemoryError(MemoryError, ArrowException):
        """Memory ran out."""

    class ArrowKeyError(KeyError, ArrowException):
        """Something with this name does not exist."""

        def __str__(self):
            return ArrowException.__str__(self)

    class ArrowTypeError(TypeError, ArrowException):
        """A value has the wrong type."""

    class ArrowNotImplementedError(NotImplementedError, ArrowException):
        """The peer, or this build, does not offer the operation."""

    class ArrowCapacityError(ArrowException):
        """A value is larger than its format allows."""

    class ArrowIndexError(IndexError, ArrowException):
        """An index is out of range."""

    class ArrowSerializationError(ArrowException):
        """A value could not be made into bytes, or back."""

    class ArrowCancelled(ArrowException):
        """The operation was cancelled; ``signum`` is the signal that did it, or None."""

        def __init__(self, message="", signum=None):
            super().__init__(message)
            self.signum = signum


class FlightError(Exception):
    """Base of Flight's own failures.

    A server may raise one of its subclasses; the client then gets the same class.

    Parameters
    ----------
    message : str
        What went wrong.
    extra_info : bytes-like or str, or None
        Opaque bytes for the client; a str is sent as UTF-8.

    Examples
    --------
    >>> raise FlightUnauthorizedError("no access to table", extra_info=b"table-7")
    """

    def __init__(self, message="", extra_info=b""):
        super().__init__(message)
        self.extra_info = extra_info.encode() if isinstance(extra_info, str) else extra_info


class FlightInternalError(FlightError, ArrowException):
    """The peer broke the protocol or has a defect."""


class FlightTimedOutError(FlightError, ArrowException):
    """A time limit of the call passed; the message names it."""


class FlightCancelledError(FlightError, ArrowCancelled):
    """The call was cancelled, by either side."""

    def __init__(self, message="", extra_info=b""):
        super().__init__(message, extra_info)
        self.signum = None


class FlightServerError(FlightError, ArrowException):
    """The server failed in a way that has no class of its own."""


class FlightUnauthenticatedError(FlightError, ArrowException):
    """The caller is not known to the server."""


class FlightUnauthorizedError(FlightError, ArrowException):
    """The caller is known and may not do this."""


class FlightUnavailableError(FlightError, ArrowException):
    """There is no connection, or it broke; calling again may help."""


class FlightWriteSizeExceededError(ArrowInvalid):
    """A message is larger than ``write_size_limit_bytes``. Nothing was sent; the stream stays usable.

    Attributes
    ----------
    limit : int
        The limit, in bytes.
    actual : int
        The size of the message, in bytes.
    """

    def __init__(self, message, limit, actual):
        super().__init__(message)
        self.limit = limit
        self.actual = actual

    def __reduce__(self):
        return type(self), (self.args[0], self.limit, self.actual), self.__dict__


for _class in list(globals().values()):
    if isinstance(_class, type) and _class.__module__ == __name__:
        _class.__module__ = "cflight"
del _class
