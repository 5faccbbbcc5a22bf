from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import pyarrow as _pa  # type: ignore[import-untyped,unused-ignore]
from typing_extensions import Self

from . import (
    CancelStatus,
    FetchProgress,
    FlightCallOptions,
    FlightClient,
    FlightInfo,
    FlightServerBase,
    ServerCallContext,
    _AnyLocation,
    _AnyReader,
    _AnySchema,
    _HasArray,
    _HasSchema,
    _HasStream,
)

_Rows: TypeAlias = _HasStream | _HasArray
_InfoValue: TypeAlias = str | bool | int | list[str] | dict[int, list[int]]
_Row: TypeAlias = tuple[None | bool | int | float | str | bytes, ...]
_Table: TypeAlias = tuple[str | None, str | None, str | None]
_Column: TypeAlias = tuple[str | None, str | None, str, str]
_Result: TypeAlias = _Rows | Iterable[_HasArray] | tuple[_HasSchema, Iterable[_HasArray]] | int | None
_Mode: TypeAlias = Literal["create", "append", "create_append", "replace"]

def connect(location: _AnyLocation, **kwargs: object) -> Client: ...

class Client(FlightClient):
    def query(
        self,
        query: str,
        options: FlightCallOptions | None = None,
        *,
        transaction: Transaction | None = None,
        parallel: int = 0,
        any_order: bool = False,
        attempts: int = 0,
        rewrite_location: Callable[[str], _AnyLocation | None] | None = None,
        location_is_trusted: Callable[[str], bool] | None = None,
        progress: Callable[[FetchProgress], object] | None = None,
    ) -> _AnyReader: ...
    def query_info(
        self, query: str, options: FlightCallOptions | None = None, *, transaction: Transaction | None = None
    ) -> FlightInfo: ...
    def query_schema(
        self, query: str, options: FlightCallOptions | None = None, *, transaction: Transaction | None = None
    ) -> _AnySchema: ...
    def update(
        self, query: str, options: FlightCallOptions | None = None, *, transaction: Transaction | None = None
    ) -> int: ...
    def cancel(self, info: FlightInfo, options: FlightCallOptions | None = None) -> CancelStatus: ...
    def prepare(
        self, query: str, options: FlightCallOptions | None = None, *, transaction: Transaction | None = None
    ) -> Statement: ...
    def transaction(self, options: FlightCallOptions | None = None) -> Transaction: ...
    def ingest(
        self,
        table: str,
        rows: _Rows,
        options: FlightCallOptions | None = None,
        *,
        mode: _Mode = "create",
        catalog: str | None = None,
        schema: str | None = None,
        temporary: bool = False,
        transaction: Transaction | None = None,
        settings: dict[str, str] | None = None,
    ) -> int: ...
    def catalogs(self, options: FlightCallOptions | None = None) -> _AnyReader: ...
    def schemas(
        self,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema_pattern: str | None = None,
    ) -> _AnyReader: ...
    def tables(
        self,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema_pattern: str | None = None,
        table_pattern: str | None = None,
        table_types: Iterable[str] | None = None,
        include_schema: bool = False,
    ) -> _AnyReader: ...
    def table_schema(
        self,
        table: str,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> _AnySchema: ...
    def table_types(self, options: FlightCallOptions | None = None) -> _AnyReader: ...
    def primary_keys(
        self,
        table: str,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> _AnyReader: ...
    def exported_keys(
        self,
        table: str,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> _AnyReader: ...
    def imported_keys(
        self,
        table: str,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> _AnyReader: ...
    def cross_reference(
        self,
        pk_table: str,
        fk_table: str,
        options: FlightCallOptions | None = None,
        *,
        pk_catalog: str | None = None,
        pk_schema: str | None = None,
        fk_catalog: str | None = None,
        fk_schema: str | None = None,
    ) -> _AnyReader: ...
    def type_info(self, data_type: int | None = None, options: FlightCallOptions | None = None) -> _AnyReader: ...
    def sql_info(
        self, codes: Iterable[str | int] | None = None, options: FlightCallOptions | None = None
    ) -> dict[str | int, _InfoValue]: ...

class Statement:
    @property
    def schema(self) -> _AnySchema | None: ...
    @property
    def parameters(self) -> _AnySchema | None: ...
    @property
    def is_update(self) -> bool | None: ...
    def bind(self, rows: _Rows, options: FlightCallOptions | None = None) -> None: ...
    def query(
        self,
        options: FlightCallOptions | None = None,
        *,
        parallel: int = 0,
        any_order: bool = False,
        attempts: int = 0,
        rewrite_location: Callable[[str], _AnyLocation | None] | None = None,
        location_is_trusted: Callable[[str], bool] | None = None,
        progress: Callable[[FetchProgress], object] | None = None,
    ) -> _AnyReader: ...
    def update(self, rows: _Rows | None = None, options: FlightCallOptions | None = None) -> int: ...
    def close(self, options: FlightCallOptions | None = None) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

class Transaction:
    @property
    def id(self) -> bytes: ...
    @property
    def is_over(self) -> bool: ...
    def commit(self, options: FlightCallOptions | None = None) -> None: ...
    def rollback(self, options: FlightCallOptions | None = None) -> None: ...
    def savepoint(self, name: str, options: FlightCallOptions | None = None) -> bytes: ...
    def release(self, savepoint: bytes, options: FlightCallOptions | None = None) -> None: ...
    def rollback_to(self, savepoint: bytes, options: FlightCallOptions | None = None) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

class Call(NamedTuple):
    session: object
    context: ServerCallContext
    identity: bytes
    wants_rows: bool
    keeps_session: bool
    is_in_transaction: bool

class TableFilter(NamedTuple):
    catalog: str | None
    schema_pattern: str | None
    table_pattern: str | None
    table_types: list[str]
    include_schema: bool

class IngestTarget(NamedTuple):
    table: str
    catalog: str | None
    schema: str | None
    mode: _Mode
    temporary: bool
    settings: dict[str, str]

class Plan(NamedTuple):
    schema: _HasSchema | None = None
    parameters: _HasSchema | None = None
    is_update: bool | None = None
    needs_session: bool = False

class Server(FlightServerBase):
    def __init__(
        self,
        location: _AnyLocation | None = None,
        *args: object,
        sql_info: Mapping[str | int, str | bool | int | list[str]] | None = None,
        limits: Mapping[str, float] | None = None,
        **kwargs: object,
    ) -> None: ...
    def execute(self, call: Call, query: str, parameters: list[_Row] | None) -> _Result: ...
    def prepare(self, call: Call, query: str) -> Plan | None: ...
    def open_session(self, call: Call) -> object: ...
    def close_session(self, session: object) -> None: ...
    def reset_session(self, session: object) -> bool: ...
    def interrupt(self, session: object) -> None: ...
    def ingest(self, call: Call, target: IngestTarget, rows: _pa.RecordBatchReader) -> int | None: ...
    def begin(self, session: object) -> None: ...
    def commit(self, session: object) -> None: ...
    def rollback(self, session: object) -> None: ...
    def savepoint(self, session: object, name: str) -> None: ...
    def release_savepoint(self, session: object, name: str) -> None: ...
    def rollback_to_savepoint(self, session: object, name: str) -> None: ...
    def list_catalogs(self, call: Call) -> Iterable[str]: ...
    def list_db_schemas(self, call: Call, schemas: TableFilter) -> Iterable[tuple[str | None, str]]: ...
    def list_tables(
        self, call: Call, tables: TableFilter
    ) -> Iterable[
        tuple[str | None, str | None, str, str] | tuple[str | None, str | None, str, str, _HasSchema]
    ]: ...
    def list_table_types(self, call: Call) -> Iterable[str]: ...
    def list_primary_keys(
        self, call: Call, table: _Table
    ) -> Iterable[tuple[str | None, str | None, str, str, int, str | None]]: ...
    def list_foreign_keys(
        self, call: Call, tables: tuple[_Table, _Table]
    ) -> Iterable[
        tuple[_Column, _Column, int]
        | tuple[_Column, _Column, int, str | None, str | None, int, int]
    ]: ...
