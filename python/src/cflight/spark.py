# SPDX-License-Identifier: Apache-2.0
"""Spark's data source ``flight``, for Spark 4. Needs the packages pyspark and pyarrow.

>>> spark.dataSource.register(cflight.spark.FlightDataSource)
>>> rows = spark.read.format("flight").option("location", "grpc://localhost:32010").load("airports")
"""

import dataclasses
import importlib

import pyarrow
from pyspark import TaskContext
from pyspark.sql.datasource import (
    DataSource,
    DataSourceArrowWriter,
    DataSourceReader,
    DataSourceStreamReader,
    InputPartition,
    WriterCommitMessage,
)
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from ._cflight import FlightDescriptor
from ._endpoints import EndpointReader, endpoints
from ._polled import PolledEndpoints
from ._writers import PartReceipt, writers

__all__ = ["FlightDataSource"]

_NUMBERS = {"timeout": float, "idle_timeout": float, "first_byte_timeout": float, "attempts": int,
            "hold_bytes_max": int, "renew_within": float}


class FlightDataSource(DataSource):
    """Reads a flight with a partition for each endpoint, as a table or as a stream of those that PollFlightInfo appends, and
    writes one that appears when all partitions are there.

    Options, all of them texts: ``location``, with commas where several servers can be asked; ``path`` (what ``load`` and ``save`` are given) or ``command``; ``credentials``, a name;
    ``trusted_locations``, with commas; ``spread``, ``true`` or ``false``; the limits of :func:`cflight.endpoints`; ``plan``, ``package.module:function``
    of a function that is given the filters of a query and returns the descriptor to read, or None, and those filters
    that it has not kept. Spark's interface tells a source of filters, not of columns.
    """

    @classmethod
    def name(cls):
        """What ``format()`` is given."""
        return "flight"

    def __init__(self, options):
        super().__init__(options)
        self._locations = [uri.strip() for uri in options.get("location", "").split(",") if uri.strip()]
        if not self._locations:
            raise ValueError("the data source 'flight' needs the option 'location'")
        if ("path" in options) == ("command" in options):
            raise ValueError("the data source 'flight' needs a path, or the option 'command'")
        self._path = options.get("path")
        self._command = options.get("command")
        self._plan = options.get("plan")
        self._limits = {key: make(options[key]) for key, make in _NUMBERS.items() if key in options}
        self._login = {"credentials": options.get("credentials")}
        self._spread = options.get("spread", "true").lower() != "false"
        self._trusted = [uri.strip() for uri in options.get("trusted_locations", "").split(",") if uri.strip()]

    def _of_plan(self, make, descriptor=None):
        what = descriptor or self._path or FlightDescriptor.for_command(self._command)
        return make(what, self._locations, trusted_locations=self._trusted, spread=self._spread, **self._login,
                    **self._limits)

    def _endpoints(self, descriptor=None):
        return self._of_plan(endpoints, descriptor)

    def schema(self):
        """The columns of the flight, as Spark's types."""
        return from_arrow_schema(self._endpoints().arrow_schema())

    def reader(self, schema):
        """For Spark."""
        return (_Reader if self._plan is None else _PlanningReader)(self, schema)

    def streamReader(self, schema):  # noqa: N802 (Spark's name)
        """For Spark: endpoints as PollFlightInfo appends them."""
        return _StreamReader(self, schema)

    def writer(self, schema, overwrite):
        """For Spark. Whether a flight may be replaced is the server's own setting."""
        if self._path is None:
            raise ValueError("what is written in parts is named by a path, not by a command")
        upload = writers(self._path, None, self._locations[0], **self._login, **self._limits)
        return _Writer(upload, to_arrow_schema(schema))


@dataclasses.dataclass
class _Partition(InputPartition):
    reader: EndpointReader


class _Reader(DataSourceReader):
    def __init__(self, source, schema):
        self._source = source
        self._schema = to_arrow_schema(schema)
        self._descriptor = None

    def partitions(self):
        descriptor = self._descriptor and FlightDescriptor.deserialize(self._descriptor)
        return [_Partition(reader) for reader in self._source._endpoints(descriptor)]

    def read(self, partition):
        return _read(partition, self._schema)


def _read(partition, schema):
    with partition.reader.read() as stream:
        for batch in stream:
            yield from pyarrow.Table.from_batches([batch]).select(schema.names).cast(schema).to_batches()


class _StreamReader(DataSourceStreamReader):
    """A position in the endpoints is what Spark calls an offset, and keeps in the checkpoint."""

    def __init__(self, source, schema):
        self._source = source
        self._schema = to_arrow_schema(schema)
        self._polled = source._of_plan(PolledEndpoints)

    def __getstate__(self):
        """What tasks need."""
        return {"_schema": self._schema}

    def initialOffset(self):  # noqa: N802 (Spark's name)
        return self._source._of_plan(PolledEndpoints).position()

    def latestOffset(self):  # noqa: N802 (Spark's name)
        self._polled.poll()
        return self._polled.position()

    def partitions(self, start, end):
        return [_Partition(reader) for reader in self._polled.between(start, end)]

    def read(self, partition):
        return _read(partition, self._schema)


class _PlanningReader(_Reader):
    """Apart, because Spark refuses a reader with this function unless the session lets filters be pushed."""

    def pushFilters(self, filters):  # noqa: N802 (Spark's name)
        module, _, function = self._source._plan.partition(":")
        descriptor, left = getattr(importlib.import_module(module), function)(filters)
        self._descriptor = descriptor and descriptor.serialize()
        return left


@dataclasses.dataclass
class _Receipt(WriterCommitMessage):
    receipt: PartReceipt


class _Writer(DataSourceArrowWriter):
    def __init__(self, upload, schema):
        self._upload = upload
        self._schema = schema

    def write(self, iterator):
        part = self._upload.part(TaskContext.get().partitionId())
        return _Receipt(part.write((batch.cast(self._schema) for batch in iterator), self._schema))

    def commit(self, messages):
        self._upload.commit([message.receipt for message in messages if message is not None])

    def abort(self, messages):
        self._upload.abort()
