# SPDX-License-Identifier: Apache-2.0
"""The same calls of ADBC by several ways to one database, and what each of them gave.

A way is a driver with its options. A call is a function of a connection that gives what can be compared: rows with their
types, counts, schemas, or the class of an error. The cases are in differential_cases.py."""

import contextlib
import copy
import dataclasses
import importlib.util
import pathlib

import adbc_driver_manager as adbc
import adbc_driver_manager.dbapi
import pyarrow as pa
import pytest
from adbc_driver_manager._reader import AdbcRecordBatchReader

KEYS = {"adbc.flight.sql.rpc.with_cookie_middleware": "true"}  # a session is a connection's


@dataclasses.dataclass
class Dialect:
    """What engines write each in their own way."""
    name: str
    mark: str = "?"
    words: dict = dataclasses.field(default_factory=dict)
    gives_empty_lists: bool = False  # in GetObjects beyond the depth, where the standard has null
    tells_nullable: bool = True  # in GetObjects; what is not known is to Flight SQL what may be NULL

    def fit(self, sql):
        if isinstance(sql, list):
            return [self.fit(text) for text in sql]
        for word, meaning in self.words.items():
            sql = sql.replace("{" + word + "}", meaning)
        if self.mark == "$":
            for number in range(1, sql.count("?") + 1):
                sql = sql.replace("?", f"${number}", 1)
        return sql


@dataclasses.dataclass
class Way:
    """`direct`, `ours`, or `go`."""
    name: str
    driver: str
    options: dict
    dialect: Dialect

    def connect(self):
        return contextlib.closing(adbc_driver_manager.dbapi.connect(
            driver=self.driver, db_kwargs=self.options, autocommit=True))


UNKNOWN_ERROR = ("error in the rows",)


def error_of(error):
    state = error.sqlstate or ""
    return "error", error.status_code.name, "" if state.strip("\0") in ("", "00000") else state


def outcome(way, connection, call):
    """What one call gave, and the text of its error."""
    try:
        return call(connection, way.dialect), ""
    except adbc.Error as error:
        return error_of(error), str(error)
    except (pa.ArrowException, OSError) as error:  # of a stream, which knows errno alone
        return UNKNOWN_ERROR, str(error)


def run(way, case):
    with way.connect() as connection:
        return [outcome(way, connection, call) for call in case.calls]


def table_of(handle):
    # The reader of the driver manager knows more of an error than its errno.
    with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
        return reader.read_all()


def fields_of(schema):
    return [(field.name, str(field.type)) for field in schema]


def schema_of(handle):
    return fields_of(pa.Schema._import_from_c(handle.address))


def rows_of(table):
    # By their text: NaN is not itself, 1 is not 1.0.
    numbered = table.rename_columns([str(number) for number in range(table.num_columns)])
    return [repr(tuple(row.values())) for row in numbered.to_pylist()]


def stream_of(rows):
    """Parameters, given as a table or as rows of values."""
    if not isinstance(rows, pa.Table):
        columns = list(zip(*rows, strict=True))
        rows = pa.table([pa.array(column) for column in columns], names=[str(number) for number in range(len(columns))])
    return rows.to_reader()


# ---- calls ----


def query(sql, rows=None, prepares=False):
    """A query: names and types, rows, and their number, which is right or not known."""
    def call(connection, dialect):
        with adbc.AdbcStatement(connection.adbc_connection) as statement:
            statement.set_sql_query(dialect.fit(sql))
            if prepares or rows is not None:
                statement.prepare()
            if rows is not None:
                statement.bind_stream(stream_of(rows))
            handle, count = statement.execute_query()
            table = table_of(handle)
        if table.num_columns == 0:
            return "count", count
        told = [] if count in (-1, table.num_rows) else [count]
        return fields_of(table.schema), rows_of(table), *told
    return call


def update(sql, rows=None):
    """What changes rows, without a result: their number."""
    def call(connection, dialect):
        with adbc.AdbcStatement(connection.adbc_connection) as statement:
            statement.set_sql_query(dialect.fit(sql))
            if rows is not None:
                statement.prepare()
                statement.bind_stream(stream_of(rows))
            return "count", statement.execute_update()
    return call


def cursor(sql, parameters=None):
    """By the DBAPI, which prepares: its description and its rows."""
    def call(connection, dialect):
        with connection.cursor() as made:
            made.execute(dialect.fit(sql), parameters)
            described = [(column[0], str(column[1])) for column in made.description or []]
            return described, [repr(row) for row in made.fetchall()] if described else []
    return call


def many(sql, rows):
    """executemany() of the DBAPI."""
    def call(connection, dialect):
        with connection.cursor() as made:
            made.executemany(dialect.fit(sql), rows)
            return "count", made.rowcount
    return call


def again(sql, *parameters):
    """One prepared statement, run with each row of parameters."""
    def call(connection, dialect):
        results = []
        with adbc.AdbcStatement(connection.adbc_connection) as statement:
            statement.set_sql_query(dialect.fit(sql))
            statement.prepare()
            for row in parameters:
                if row:
                    statement.bind_stream(stream_of([row]))
                results.append(rows_of(table_of(statement.execute_query()[0])))
        return results
    return call


def ingest(name, rows, mode="create", **options):
    def call(connection, dialect):
        with connection.cursor() as made:
            return "count", made.adbc_ingest(name, rows, mode=mode, **options)
    return call


def result_schema(sql):
    def call(connection, dialect):
        with adbc.AdbcStatement(connection.adbc_connection) as statement:
            statement.set_sql_query(dialect.fit(sql))
            return schema_of(statement.execute_schema())
    return call


def parameter_schema(sql):
    def call(connection, dialect):
        with adbc.AdbcStatement(connection.adbc_connection) as statement:
            statement.set_sql_query(dialect.fit(sql))
            statement.prepare()
            return schema_of(statement.get_parameter_schema())
    return call


def begin(connection, dialect):
    connection.adbc_connection.set_autocommit(False)
    return "begun"


def end(connection, dialect):
    connection.adbc_connection.set_autocommit(True)
    return "ended"


def commit(connection, dialect):
    connection.adbc_connection.commit()
    return "committed"


def rollback(connection, dialect):
    connection.adbc_connection.rollback()
    return "rolled back"


def objects(depth="all", **filters):
    """GetObjects of the tables that the cases know, or all that is asked for by name."""
    def call(connection, dialect):
        options = {name: dialect.fit(value) for name, value in filters.items()}
        return connection.adbc_get_objects(depth=depth, **options).read_all().to_pylist()
    return call


def table_schema(name, **filters):
    def call(connection, dialect):
        options = {key: dialect.fit(value) for key, value in filters.items()}
        schema = connection.adbc_get_table_schema(name, **options)
        return [(field.name, str(field.type), field.nullable) for field in schema]
    return call


def table_types(connection, dialect):
    return sorted(connection.adbc_get_table_types())


def info(*names):
    def call(connection, dialect):
        found = connection.adbc_get_info()
        return [found.get(name) for name in names]
    return call


def partitions(sql):
    """The rows of all partitions."""
    def call(connection, dialect):
        with connection.cursor() as made:
            parts, _ = made.adbc_execute_partitions(dialect.fit(sql))
            results = []
            for part in parts:
                made.adbc_read_partition(part)
                results += [repr(row) for row in made.fetchall()]
        return results
    return call


def get_option(key):
    def call(connection, dialect):
        return "option", connection.adbc_connection.get_option(key)
    return call


def set_option(**options):
    def call(connection, dialect):
        connection.adbc_connection.set_options(**options)
        return "set"
    return call


def empty_statement(what):
    """A call of a statement that was told nothing."""
    def call(connection, dialect):
        with adbc.AdbcStatement(connection.adbc_connection) as statement:
            getattr(statement, what)()
        return "done"
    return call


def two_results(first, second):
    """Two statements of one connection whose rows are read in turns."""
    def call(connection, dialect):
        with connection.cursor() as one, connection.cursor() as other:
            one.execute(dialect.fit(first))
            begun = one.fetchone()
            other.execute(dialect.fit(second))
            return [repr(begun), repr(other.fetchall()), repr(one.fetchall())]
    return call


# ---- what is the same ----

# ADBC's classes of errors that have no status in gRPC. cflight's driver knows them by the SQLSTATE.
STATUS_OF_GO = {"INTEGRITY": "UNKNOWN", "INVALID_STATE": "UNKNOWN", "INVALID_DATA": "INVALID_ARGUMENT"}
# Of a column in GetObjects Flight SQL carries the field, with its metadata, and no more.
NOT_CARRIED = {
    "xdbc_data_type": "the drivers tell it by the Arrow type",
    "xdbc_sql_data_type": "the drivers tell it by the Arrow type",
    "xdbc_datetime_sub": "", "xdbc_char_octet_length": "", "xdbc_num_prec_radix": "", "xdbc_column_def": "",
    "xdbc_scope_catalog": "the Go driver gives the table itself", "xdbc_scope_schema": "", "xdbc_scope_table": "",
    "xdbc_is_generatedcolumn": "",
}
# Nor does the Go driver give all of that, and no constraints.
NULLABLE = ("xdbc_nullable", "xdbc_is_nullable")
NOT_READ_BY_GO = (*NULLABLE, "xdbc_column_size", "xdbc_decimal_digits")


def is_error(given):
    return given[:1] == ("error",)


def is_objects(given):
    return isinstance(given, list) and given and isinstance(given[0], dict)


def tables_of(objects):
    for catalog in objects:
        for schema in catalog["catalog_db_schemas"] or []:
            yield from schema["db_schema_tables"] or []


def without_empty_lists(given):
    if isinstance(given, dict):
        return {name: without_empty_lists(value) for name, value in given.items()}
    return ([without_empty_lists(value) for value in given] or None) if isinstance(given, list) else given


def comparable_objects(given, is_go, tells_nullable):
    """Lists of Flight SQL are sorted. It has commands for the keys of a table, and for no other constraint."""
    for table in tables_of(given):
        for column in table["table_columns"] or []:
            for name in (*NOT_CARRIED, *(NOT_READ_BY_GO if is_go else ()), *(() if tells_nullable else NULLABLE)):
                column.pop(name, None)
        constraints = table["table_constraints"]
        if constraints:
            kept = [] if is_go else [found for found in constraints if found["constraint_type"].endswith(" KEY")]
            for constraint in kept:
                constraint["constraint_name"] = constraint["constraint_name"] or None
            constraints[:] = sorted(kept, key=repr)
    for catalog in given:
        for schema in catalog["catalog_db_schemas"] or []:
            (schema["db_schema_tables"] or []).sort(key=lambda table: table["table_name"])
        (catalog["catalog_db_schemas"] or []).sort(key=lambda schema: schema["db_schema_name"] or "")
    return sorted(given, key=lambda catalog: catalog["catalog_name"] or "")


def pair_of(way, direct, served):
    """What a call gave by a way, and what it should have given, without what the lists above except."""
    (expected, _), (given, text) = copy.deepcopy((direct, served))
    is_go = way.name == "go"
    if is_objects(expected) and is_objects(given):
        both = [comparable_objects(one, is_go, way.dialect.tells_nullable) for one in (given, expected)]
        return tuple(map(without_empty_lists, both)) if way.dialect.gives_empty_lists else both
    if is_error(expected) and is_error(given):
        status, state = expected[1:]
        if is_go and given[1] == STATUS_OF_GO.get(status):
            status = given[1]
        # Where the database gives no state the gateway may have one; the Go driver reads none.
        return (given[1], given[2] if state and not is_go else ""), (status, "" if is_go else state)
    if expected == UNKNOWN_ERROR and is_error(given):
        expected = given
    return given, expected


def library_of(package):
    """The library of a Python package with an ADBC driver."""
    return importlib.util.find_spec(package).submodule_search_locations[0] + f"/lib{package}.so"


def ways_of(dialect, driver, options, location, libraries):
    """The three ways. `driver` is the database's own, `libraries` where cflight's lies."""
    ours = pathlib.Path(libraries) / "libadbc_driver_cflight.so"
    if not ours.exists():
        pytest.fail("cflight's ADBC driver is not built")
    return [
        Way("direct", driver, options, dialect),
        Way("ours", str(ours), {"uri": location}, dialect),
        Way("go", library_of("adbc_driver_flightsql"), {"uri": location, **KEYS}, dialect),
    ]


def set_up(way, statements):
    """Makes the tables of the cases as they are at the beginning."""
    with way.connect() as connection:
        begin(connection, way.dialect)
        for statement in statements:
            update(statement)(connection, way.dialect)
        commit(connection, way.dialect)


def reason_for(case, way):
    """Why what a way gives may differ in a case, or None."""
    engine = way.dialect.name
    names = (way.name, f"{way.name} {engine}", "served", f"served {engine}")
    return next((case.but[name] for name in names if name in case.but), None)


def check(ways, case, statements):
    direct, ours, go = ways
    results = {}
    for way in ways:
        set_up(ours if way is go else way, statements)
        results[way.name] = run(way, case)
    for way in (ours, go):
        pairs = [pair_of(way, *both) for both in zip(results["direct"], results[way.name], strict=True)]
        reason = reason_for(case, way)
        if reason is None:
            assert [given for given, _ in pairs] == [expected for _, expected in pairs], (way.name, results)
        else:
            assert any(given != expected for given, expected in pairs), f"{way.name} is the same: {reason}"
