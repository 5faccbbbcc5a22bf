# SPDX-License-Identifier: Apache-2.0
"""Arrow Flight: ``import cflight as flight`` in place of ``import pyarrow.flight as flight``.

Data goes in and out through the Arrow PyCapsule interface. With pyarrow installed results are pyarrow
objects; without it they are small objects that any Arrow library takes.

Examples
--------
>>> import cflight as flight
>>> with flight.connect("grpc://localhost:32010") as client:
...     table = client.do_get(flight.Ticket(b"airports")).read_all()
"""

from ._cflight import (
    Action,
    BasicAuth,
    Buffer,
    CancelToken,
    ClientAuthReader,
    ClientAuthSender,
    FlightCallOptions,
    FlightClient,
    FlightDataStream,
    FlightDescriptor,
    FlightEndpoint,
    FlightInfo,
    FlightInfoIterator,
    FlightMetadataReader,
    FlightMetadataWriter,
    FlightResultIterator,
    FlightServerCore,
    FlightStreamChunk,
    FlightStreamReader,
    FlightStreamWriter,
    GeneratorStream,
    Location,
    MetadataRecordBatchReader,
    MetadataRecordBatchWriter,
    Metric,
    Metrics,
    MetricsPort,
    PollInfo,
    RecordBatch,
    RecordBatchReader,
    RecordBatchStream,
    Result,
    Schema,
    SchemaResult,
    ServerAuthReader,
    ServerAuthSender,
    ServerCallContext,
    Table,
    Ticket,
    __version__,
    versions,
)
from ._exceptions import (
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
    FlightCancelledError,
    FlightError,
    FlightInternalError,
    FlightServerError,
    FlightTimedOutError,
    FlightUnauthenticatedError,
    FlightUnauthorizedError,
    FlightUnavailableError,
    FlightWriteSizeExceededError,
)
from ._operations import HealthStatus, ServiceMethod
from ._replace import install_as_pyarrow_flight
from ._server import FlightServerBase
from ._types import (
    ActionType,
    CallInfo,
    CancelStatus,
    CertKeyPair,
    ClientAuthHandler,
    ClientMiddleware,
    ClientMiddlewareFactory,
    CloseSessionStatus,
    DescriptorType,
    FetchProgress,
    FlightMethod,
    IpcReadOptions,
    IpcWriteOptions,
    ReadStats,
    ServerAuthHandler,
    ServerMiddleware,
    ServerMiddlewareFactory,
    SessionOptionError,
    TracingServerMiddleware,
    TracingServerMiddlewareFactory,
    WriteStats,
)

FlightServerBase.__module__ = "cflight"
install_as_pyarrow_flight.__module__ = "cflight"


def connect(location, **kwargs):
    """Make a :class:`FlightClient`; takes the same arguments.

    Examples
    --------
    >>> client = connect(("localhost", 32010))
    """
    return FlightClient(location, **kwargs)


# Imported when first used: asyncio takes longer to import than all the rest.
_LATE = {
    "AsyncFlightMetadataReader": "_async",
    "AsyncFlightStreamReader": "_async",
    "AsyncFlightStreamWriter": "_async",
    "AsyncioFlightClient": "_async",
    "EndpointReader": "_endpoints",
    "EndpointStream": "_endpoints",
    "Endpoints": "_endpoints",
    "PartReceipt": "_writers",
    "PartWriter": "_writers",
    "Upload": "_writers",
    "UploadProtocol": "_writers",
    "endpoints": "_endpoints",
    "writers": "_writers",
}

__all__ = [*(name for name in globals() if not name.startswith("_")), *_LATE]


def __getattr__(name):
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f".{_LATE[name]}", __name__), name)


def __dir__():
    return sorted({*globals(), *_LATE})
