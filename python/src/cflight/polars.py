# SPDX-License-Identifier: Apache-2.0
"""Flights as lazy frames of Polars: ``cflight.polars.scan_flight(...)``. Needs the package polars."""

import polars

from ._endpoints import endpoints
from ._parallel import Scan

__all__ = ["scan_flight"]


def scan_flight(info_or_descriptor, location=None, *, parallel=4, plan=None, **options):
    """A flight as a LazyFrame. Nothing is read before it is collected.

    Parameters
    ----------
    info_or_descriptor, location, **options
        As in :func:`cflight.endpoints`.
    parallel : int, optional
        Endpoints that are read at once.
    plan : callable, optional
        ``plan(columns, predicate, row_limit)``, for servers that can leave out rows or columns: returns what to read in
        the place of ``info_or_descriptor``, or None. What it leaves is applied here all the same.

    Returns
    -------
    polars.LazyFrame
        Columns that are not asked for, rows that are filtered out, and rows past a limit are dropped batch by batch;
        when the limit is reached, the calls end.
    """
    readers = endpoints(info_or_descriptor, location, **options)
    schema = polars.Schema(readers.arrow_schema())

    def read(with_columns, predicate, n_rows, _batch_size):
        planned = None if plan is None else plan(with_columns, predicate, n_rows)
        wanted = readers if planned is None else endpoints(planned, location, **options)
        left = n_rows
        for batch in Scan(wanted, parallel=parallel).batches():
            frame = polars.DataFrame(batch)
            if left is not None:
                frame = frame.head(left)
                left -= frame.height
            if predicate is not None:
                frame = frame.filter(predicate)
            yield frame if with_columns is None else frame.select(with_columns)
            if left == 0:
                return

    return polars.io.plugins.register_io_source(read, schema=schema)
