# SPDX-License-Identifier: Apache-2.0
"""Flights as datasets of Ray Data, and datasets as flights. Needs the package ray with its data part."""

import ray.data
from ray.data.block import BlockAccessor, BlockMetadata
from ray.data.datasource import Datasink, Datasource, ReadTask

from ._endpoints import endpoints
from ._writers import writers

__all__ = ["FlightDatasink", "FlightDatasource", "read_flight", "write_flight"]


class FlightDatasource(Datasource):
    """A flight; a read task for each endpoint. Takes what :func:`cflight.endpoints` takes."""

    def __init__(self, info_or_descriptor, location=None, **options):
        super().__init__()
        self._readers = endpoints(info_or_descriptor, location, **options)

    def estimate_inmemory_data_size(self):
        """The bytes that the info tells of, or None."""
        size = self._readers.total_bytes
        return None if size < 0 else size

    def get_read_tasks(self, parallelism, per_task_row_limit=None, data_context=None):
        """A task for each endpoint: how many there are is what the server says, not ``parallelism``."""
        return [ReadTask(_Read(reader), BlockMetadata(None, None, None, None), schema=self._readers.arrow_schema(),
                         per_task_row_limit=per_task_row_limit) for reader in self._readers]


class _Read:
    def __init__(self, reader):
        self._reader = reader

    def __call__(self):
        import pyarrow

        with self._reader.read() as stream:
            for batch in stream:
                yield pyarrow.Table.from_batches([batch])


def read_flight(info_or_descriptor, location=None, *, read_options=None, **options):
    """A flight as a dataset, with a read task for each endpoint.

    Parameters
    ----------
    info_or_descriptor, location, **options
        As in :func:`cflight.endpoints`.
    read_options : dict, optional
        For ``ray.data.read_datasource``: ``{"concurrency": 4}``.

    Returns
    -------
    ray.data.Dataset
    """
    source = FlightDatasource(info_or_descriptor, location, **options)
    return ray.data.read_datasource(source, **(read_options or {}))


class FlightDatasink(Datasink):
    """A flight that appears when all of a dataset has been written. Takes what :func:`cflight.writers` takes."""

    def __init__(self, descriptor, location, **options):
        self._upload = writers(descriptor, None, location, **options)
        self._schema = None
        #: Rows of the flight, once it is there.
        self.rows = None

    def on_write_start(self, schema=None):
        """Keep the columns, for tasks that get no rows."""
        self._schema = schema

    def write(self, blocks, ctx):
        """Write the blocks of one task as a part. A task that Ray runs again is another attempt."""
        batches = (batch for block in blocks for batch in BlockAccessor.for_block(block).to_arrow().to_batches())
        return self._upload.part(ctx.task_idx).write(batches, self._schema)

    def on_write_complete(self, write_result):
        """Commit."""
        self.rows = self._upload.commit(write_result.write_returns)

    def on_write_failed(self, error):
        """Remove what was written."""
        self._upload.abort()


def write_flight(dataset, descriptor, location, *, write_options=None, **options):
    """Write a dataset as a flight.

    Parameters
    ----------
    dataset : ray.data.Dataset
    descriptor, location, **options
        As in :func:`cflight.writers`.
    write_options : dict, optional
        For ``Dataset.write_datasink``: ``{"concurrency": 4}``.

    Returns
    -------
    int
        The rows of the flight.
    """
    sink = FlightDatasink(descriptor, location, **options)
    dataset.write_datasink(sink, **(write_options or {}))
    return sink.rows
