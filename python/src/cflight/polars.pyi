from collections.abc import Callable, Sequence
from typing import Any

import polars as _polars

import cflight as _flight

_What = _flight.FlightInfo | _flight.FlightDescriptor | str
_Where = str | _flight.Location | Sequence[str | _flight.Location]

__all__ = ["scan_flight"]

def scan_flight(
    info_or_descriptor: _What,
    location: _Where | None = None,
    *,
    parallel: int = 4,
    plan: Callable[[list[str] | None, _polars.Expr | None, int | None], _What | None] | None = None,
    **options: Any,
) -> _polars.LazyFrame: ...
