from collections.abc import Sequence
from typing import Any

import ray.data as _data
from ray.data.datasource import Datasink, Datasource

import cflight as _flight

__all__ = ["FlightDatasink", "FlightDatasource", "read_flight", "write_flight"]

_What = _flight.FlightInfo | _flight.FlightDescriptor | str
_Where = str | _flight.Location | Sequence[str | _flight.Location]

class FlightDatasource(Datasource):
    def __init__(
        self, info_or_descriptor: _What, location: _Where | None = None, **options: Any
    ) -> None: ...

class FlightDatasink(Datasink[_flight.PartReceipt]):
    rows: int | None
    def __init__(
        self,
        descriptor: _flight.FlightDescriptor | str,
        location: str | _flight.Location,
        **options: Any,
    ) -> None: ...

def read_flight(
    info_or_descriptor: _What,
    location: _Where | None = None,
    *,
    read_options: dict[str, Any] | None = None,
    **options: Any,
) -> _data.Dataset: ...
def write_flight(
    dataset: _data.Dataset,
    descriptor: _flight.FlightDescriptor | str,
    location: str | _flight.Location,
    *,
    write_options: dict[str, Any] | None = None,
    **options: Any,
) -> int: ...
