from collections.abc import Sequence
from typing import Any

import duckdb as _duckdb

import cflight as _flight

__all__ = ["flight_scan", "register_flight"]

_What = _flight.FlightInfo | _flight.FlightDescriptor | str
_Where = str | _flight.Location | Sequence[str | _flight.Location]

class _Scan:
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def flight_scan(
    info_or_descriptor: _What,
    location: _Where | None = None,
    *,
    parallel: int = 4,
    **options: Any,
) -> _Scan: ...
def register_flight(
    connection: _duckdb.DuckDBPyConnection,
    name: str,
    info_or_descriptor: _What,
    location: _Where | None = None,
    **options: Any,
) -> None: ...
