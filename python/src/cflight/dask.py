# SPDX-License-Identifier: Apache-2.0
"""Flights as Dask collections, and dataframes as flights. Needs dask with its dataframes, and pyarrow."""

import dask
import dask.bag
import dask.dataframe
import pandas
import pyarrow

from ._endpoints import endpoints
from ._writers import writers

__all__ = ["read_flight", "read_flight_bag", "to_flight"]


def _frame(table, has_arrow_types):
    return table.to_pandas(types_mapper=pandas.ArrowDtype if has_arrow_types else None)


class _ReadFrame:
    """One endpoint as a dataframe. Dask leaves out columns by the argument of that name."""

    def __init__(self, has_arrow_types):
        self.has_arrow_types = has_arrow_types

    def __call__(self, reader, columns=None):
        table = reader.read().read_all()
        return _frame(table if columns is None else table.select(list(columns)), self.has_arrow_types)


def read_flight(info_or_descriptor, location=None, *, columns=None, arrow_types=True, **options):
    """A flight as a dataframe, with a partition for each endpoint.

    Parameters
    ----------
    info_or_descriptor, location, **options
        As in :func:`cflight.endpoints`.
    columns : list of str, optional
        Only these; others are dropped by the worker.
    arrow_types : bool, optional
        Columns keep their Arrow types, so that partitions with nulls have the types of those without. False gives
        what pandas makes of them.

    Returns
    -------
    dask.dataframe.DataFrame
        Its meta is from the schema of the flight: nothing is read before it is computed.
    """
    readers = endpoints(info_or_descriptor, location, **options)
    schema = readers.arrow_schema()
    meta = _frame(schema.empty_table(), arrow_types)
    read = _ReadFrame(arrow_types)
    return dask.dataframe.from_map(read, readers, meta=meta, label="read-flight", columns=columns) if columns \
        else dask.dataframe.from_map(read, readers, meta=meta, label="read-flight")


def _rows(reader):
    return [row for batch in reader.read() for row in batch.to_pylist()]


def read_flight_bag(info_or_descriptor, location=None, **options):
    """A flight as a bag of dicts, with a partition for each endpoint. Takes what :func:`read_flight` takes."""
    readers = endpoints(info_or_descriptor, location, **options)
    return dask.bag.from_delayed([dask.delayed(_rows)(reader) for reader in readers])


def _write(part, frame, schema):
    table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
    return part.write(table.replace_schema_metadata(schema.metadata))


def to_flight(frame, descriptor, location, *, schema=None, compute_options=None, **options):
    """Write a dataframe as a flight, which appears when all partitions have been written.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
    descriptor, location, **options
        As in :func:`cflight.writers`.
    schema : pyarrow.Schema, optional
        Of the flight; what pandas' types say when it is not given. The index is not written.
    compute_options : dict, optional
        For ``dask.compute``: ``{"retries": 3}``. A partition that is written twice is in the flight once.

    Returns
    -------
    int
        The rows of the flight.
    """
    if schema is None:
        schema = pyarrow.Schema.from_pandas(frame._meta_nonempty, preserve_index=False).remove_metadata()
    parts = frame.to_delayed()
    upload = writers(descriptor, len(parts), location, **options)
    try:
        receipts = dask.compute(
            *(dask.delayed(_write)(writer, part, schema) for writer, part in zip(upload.parts, parts, strict=True)),
            **(compute_options or {}))
    except BaseException:
        upload.abort()
        raise
    return upload.commit(receipts)
