from collections.abc import Sequence
from typing import Any

import dask.bag as _bag
import dask.dataframe as _dataframe
import pyarrow as _pa  # type: ignore[import-untyped,unused-ignore]

import cflight as _flight

__all__ = ["read_flight", "read_flight_bag", "to_flight"]

_What = _flight.FlightInfo | _flight.FlightDescriptor | str
_Where = str | _flight.Location | Sequence[str | _flight.Location]

def read_flight(
    info_or_descriptor: _What,
    location: _Where | None = None,
    *,
    columns: list[str] | None = None,
    arrow_types: bool = True,
    **options: Any,
) -> _dataframe.DataFrame: ...
def read_flight_bag(
    info_or_descriptor: _What, location: _Where | None = None, **options: Any
) -> _bag.Bag: ...
def to_flight(
    frame: _dataframe.DataFrame,
    descriptor: _flight.FlightDescriptor | str,
    location: str | _flight.Location,
    *,
    schema: _pa.Schema | None = None,
    compute_options: dict[str, Any] | None = None,
    **options: Any,
) -> int: ...
