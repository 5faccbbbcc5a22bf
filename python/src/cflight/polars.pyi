from collections.abc import Callable
from typing import Any

import polars as _polars

import cflight as _flight

_What = _flight.FlightInfo | _flight.FlightDescriptor | str

__all__ = ["scan_flight"]

def scan_flight(
    info_or_descriptor: _What,
    location: str | _flight.Location | None = None,
    *,
    parallel: int = 4,
    plan: Callable[[list[str] | None, _polars.Expr | None, int | None], _What | None] | None = None,
    **options: Any,
) -> _polars.LazyFrame: ...
