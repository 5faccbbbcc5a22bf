# SPDX-License-Identifier: Apache-2.0
"""Flights as tables of DuckDB. Needs the packages duckdb and pyarrow."""

from ._endpoints import endpoints
from ._parallel import Scan

__all__ = ["flight_scan", "register_flight"]


def flight_scan(info_or_descriptor, location=None, *, parallel=4, **options):
    """A flight that DuckDB reads in place of a table of that name, anew for each query.

    Parameters
    ----------
    info_or_descriptor, location, **options
        As in :func:`cflight.endpoints`.
    parallel : int, optional
        Endpoints that are read at once.

    Returns
    -------
    Scan
        An Arrow stream, which DuckDB finds by the name of the variable that holds it.

    Examples
    --------
    >>> airports = cflight.duckdb.flight_scan("airports", "grpc://localhost:32010")
    >>> duckdb.sql("SELECT count(*) FROM airports")
    """
    readers = endpoints(info_or_descriptor, location, **options)
    return Scan(readers, parallel=parallel)


def register_flight(connection, name, info_or_descriptor, location=None, **options):
    """Give a connection a view of a flight.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    name : str
        Of the view.
    info_or_descriptor, location, **options
        As in :func:`flight_scan`.
    """
    connection.register(name, flight_scan(info_or_descriptor, location, **options))
