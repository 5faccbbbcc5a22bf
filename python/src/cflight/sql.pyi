from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import pyarrow as _pa  # type: ignore[import-untyped,unused-ignore]
from typing_extensions import Self

from . import (
    AsyncioFlightClient,
    CancelStatus,
    FetchProgress,
    FlightCallOptions,
    FlightClient,
    FlightInfo,
    FlightServerBase,
    PollInfo,
    ServerCallContext,
    _AnyBatch,
    _AnyLocation,
    _AnyReader,
    _AnySchema,
    _AnyTable,
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

_Query: TypeAlias = str | SubstraitPlan
_Opened = TypeVar("_Opened")

def connect(location: _AnyLocation, **kwargs: object) -> Client: ...

class Client(FlightClient):
    def query(
        self,
        query: _Query,
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
        self, query: _Query, options: FlightCallOptions | None = None, *, transaction: Transaction | None = None
    ) -> FlightInfo: ...
    def query_poll(
        self,
        query: _Query,
        options: FlightCallOptions | None = None,
        *,
        after: PollInfo | None = None,
        transaction: Transaction | None = None,
    ) -> PollInfo: ...
    def query_schema(
        self, query: _Query, options: FlightCallOptions | None = None, *, transaction: Transaction | None = None
    ) -> _AnySchema: ...
    def update(
        self, query: _Query, options: FlightCallOptions | None = None, *, transaction: Transaction | None = None
    ) -> int: ...
    def cancel(self, info: FlightInfo, options: FlightCallOptions | None = None) -> CancelStatus: ...
    def prepare(
        self, query: _Query, options: FlightCallOptions | None = None, *, transaction: Transaction | None = None
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
    def as_async(self) -> AsyncClient: ...

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
    def query_info(self, options: FlightCallOptions | None = None) -> FlightInfo: ...
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

class _Opening(Generic[_Opened]):
    def __await__(self) -> Generator[Any, None, _Opened]: ...
    async def __aenter__(self) -> _Opened: ...
    async def __aexit__(self, *args: object) -> None: ...

class AsyncClient(AsyncioFlightClient):
    def __init__(self, location: _AnyLocation | Client, **kwargs: object) -> None: ...
    def query(
        self,
        query: _Query,
        options: FlightCallOptions | None = None,
        *,
        transaction: AsyncTransaction | None = None,
    ) -> _Opening[AsyncRows]: ...
    async def query_info(
        self, query: _Query, options: FlightCallOptions | None = None, *, transaction: AsyncTransaction | None = None
    ) -> FlightInfo: ...
    async def query_poll(
        self,
        query: _Query,
        options: FlightCallOptions | None = None,
        *,
        after: PollInfo | None = None,
        transaction: AsyncTransaction | None = None,
    ) -> PollInfo: ...
    async def query_schema(
        self, query: _Query, options: FlightCallOptions | None = None, *, transaction: AsyncTransaction | None = None
    ) -> _AnySchema: ...
    async def update(
        self, query: _Query, options: FlightCallOptions | None = None, *, transaction: AsyncTransaction | None = None
    ) -> int: ...
    async def cancel(self, info: FlightInfo, options: FlightCallOptions | None = None) -> CancelStatus: ...
    def prepare(
        self, query: _Query, options: FlightCallOptions | None = None, *, transaction: AsyncTransaction | None = None
    ) -> _Opening[AsyncStatement]: ...
    def transaction(self, options: FlightCallOptions | None = None) -> _Opening[AsyncTransaction]: ...
    async def ingest(
        self,
        table: str,
        rows: _Rows,
        options: FlightCallOptions | None = None,
        *,
        mode: _Mode = "create",
        catalog: str | None = None,
        schema: str | None = None,
        temporary: bool = False,
        transaction: AsyncTransaction | None = None,
        settings: dict[str, str] | None = None,
    ) -> int: ...
    def catalogs(self, options: FlightCallOptions | None = None) -> _Opening[AsyncRows]: ...
    def schemas(
        self,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema_pattern: str | None = None,
    ) -> _Opening[AsyncRows]: ...
    def tables(
        self,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema_pattern: str | None = None,
        table_pattern: str | None = None,
        table_types: Iterable[str] | None = None,
        include_schema: bool = False,
    ) -> _Opening[AsyncRows]: ...
    async def table_schema(
        self,
        table: str,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> _AnySchema: ...
    def table_types(self, options: FlightCallOptions | None = None) -> _Opening[AsyncRows]: ...
    def primary_keys(
        self,
        table: str,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> _Opening[AsyncRows]: ...
    def exported_keys(
        self,
        table: str,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> _Opening[AsyncRows]: ...
    def imported_keys(
        self,
        table: str,
        options: FlightCallOptions | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> _Opening[AsyncRows]: ...
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
    ) -> _Opening[AsyncRows]: ...
    def type_info(self, data_type: int | None = None, options: FlightCallOptions | None = None) -> _Opening[AsyncRows]: ...
    async def sql_info(
        self, codes: Iterable[str | int] | None = None, options: FlightCallOptions | None = None
    ) -> dict[str | int, _InfoValue]: ...

class AsyncRows:
    @property
    def schema(self) -> _AnySchema: ...
    async def read_next_batch(self) -> _AnyBatch: ...
    async def read_all(self) -> _AnyTable: ...
    async def read_pandas(self, **options: Any) -> Any: ...
    def close(self) -> None: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> _AnyBatch: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *args: object) -> None: ...

class AsyncStatement:
    @property
    def schema(self) -> _AnySchema | None: ...
    @property
    def parameters(self) -> _AnySchema | None: ...
    @property
    def is_update(self) -> bool | None: ...
    async def bind(self, rows: _Rows, options: FlightCallOptions | None = None) -> None: ...
    def query(self, options: FlightCallOptions | None = None) -> _Opening[AsyncRows]: ...
    async def query_info(self, options: FlightCallOptions | None = None) -> FlightInfo: ...
    async def update(
        self, rows: _Rows | None = None, options: FlightCallOptions | None = None
    ) -> int: ...
    async def close(self, options: FlightCallOptions | None = None) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *args: object) -> None: ...

class AsyncTransaction:
    @property
    def id(self) -> bytes: ...
    @property
    def is_over(self) -> bool: ...
    async def commit(self, options: FlightCallOptions | None = None) -> None: ...
    async def rollback(self, options: FlightCallOptions | None = None) -> None: ...
    async def savepoint(self, name: str, options: FlightCallOptions | None = None) -> bytes: ...
    async def release(self, savepoint: bytes, options: FlightCallOptions | None = None) -> None: ...
    async def rollback_to(self, savepoint: bytes, options: FlightCallOptions | None = None) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *args: object) -> None: ...

class SubstraitPlan(NamedTuple):
    plan: bytes
    version: str = ""

class Call(NamedTuple):
    session: object
    context: ServerCallContext
    identity: bytes
    wants_rows: bool
    keeps_session: bool
    is_in_transaction: bool
    set_progress: Callable[[float], None] = ...

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
        ticket_key: bytes | None = None,
        **kwargs: object,
    ) -> None: ...
    def execute(self, call: Call, query: str, parameters: list[_Row] | None) -> _Result: ...
    def prepare(self, call: Call, query: str) -> Plan | None: ...
    def open_session(self, call: Call) -> object: ...
    def close_session(self, session: object) -> None: ...
    def reset_session(self, session: object) -> bool: ...
    def set_option(self, session: object, name: str, value: str | bool | int | float | list[str] | None) -> None: ...
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
