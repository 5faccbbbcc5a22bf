# SPDX-License-Identifier: Apache-2.0
"""A Flight SQL server of the kit over DuckDB, which has types of every kind, schemas and keys; through cflight.sql.

What it is called for is kept, so that tests see what a client has sent."""

import re
import threading

import duckdb
import pyarrow as pa

import cflight
from cflight import sql

SAMPLE = """
CREATE TABLE birds (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, weight DECIMAL(10, 2), seen TIMESTAMP);
INSERT INTO birds VALUES (1, 'wren', 0.01, '2026-05-01 06:30:00'), (2, 'owl', 1.75, NULL), (3, 'rook', NULL, NULL);
CREATE TABLE eggs (bird INTEGER REFERENCES birds (id), number SMALLINT, PRIMARY KEY (bird, number));
CREATE VIEW owls AS SELECT * FROM birds WHERE name LIKE '%owl';
CREATE SCHEMA nest;
CREATE TABLE nest.twigs (length DOUBLE);
"""

QUERIES = ("SELECT", "EXPLAIN", "PRAGMA")  # names of duckdb.StatementType, of which VALUES and WITH are SELECT

TABLES = """
SELECT database_name, schema_name, table_name, 'TABLE' FROM duckdb_tables() WHERE NOT internal
UNION ALL SELECT database_name, schema_name, view_name, 'VIEW' FROM duckdb_views() WHERE NOT internal
"""

COLUMNS = """
SELECT column_name, data_type, is_nullable, numeric_precision, numeric_scale FROM duckdb_columns()
WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index
"""

KEYS = """
SELECT database_name, schema_name, table_name, constraint_column_names, constraint_name, referenced_table,
referenced_column_names FROM duckdb_constraints() WHERE constraint_type = ?
"""


class Calls(cflight.ServerMiddlewareFactory):
    """Keeps each call's method and headers."""

    def __init__(self):
        self.seen = []

    def start_call(self, info, headers):
        self.seen.append((info.method.name, {name: list(values) for name, values in headers.items()}))


class Database(sql.Server):
    def __init__(self, location="grpc://127.0.0.1:0", **kwargs):
        self.database = duckdb.connect(config={"threads": 1})
        for statement in duckdb.extract_statements(SAMPLE):
            self.database.execute(statement)
        self.calls = Calls()
        self.asked = []  # what the kit has called for, and with which statement
        self.changed = threading.Condition()
        self.open_count = 0  # results of which rows are read
        info = {
            "FLIGHT_SQL_SERVER_NAME": "birds",
            "FLIGHT_SQL_SERVER_VERSION": duckdb.__version__,
            "SQL_IDENTIFIER_QUOTE_CHAR": '"',
            "SQL_KEYWORDS": ["PIVOT", "QUALIFY"],
            "SQL_CATALOG_TERM": "database",
            "SQL_SCHEMA_TERM": "schema",
            "SQL_CATALOG_AT_START": True,
            "SQL_DEFAULT_TRANSACTION_ISOLATION": 4,
            "SQL_MAX_TABLE_NAME_LENGTH": 255,
            "SQL_OUTER_JOINS_SUPPORT_LEVEL": 6,
        }
        super().__init__(location, sql_info=info, middleware={"calls": self.calls}, **kwargs)

    def open_session(self, call):
        return self.database.cursor()

    def close_session(self, session):
        session.close()

    def interrupt(self, session):
        session.interrupt()

    def plan(self, session, query):
        """Whether a statement is a query, and the names of its parameters; errors of its syntax are ours."""
        try:
            (statement,) = session.extract_statements(query)
        except (duckdb.Error, ValueError) as error:
            raise failure(error, "42601") from None
        return statement.type.name in QUERIES, sorted(statement.named_parameters, key=int)

    def prepare(self, call, query):
        self.asked.append(f"prepare {query}")
        is_query, parameters = self.plan(call.session, query)
        schema = None
        if is_query:
            limited = f"SELECT * FROM ({query.rstrip('; ')}) LIMIT 0"
            schema = self.run(call.session, limited, [None] * len(parameters)).schema
        types = self.parameter_types(call.session, query)
        fields = [pa.field(f"parameter_{name}", types[int(name) - 1]) for name in parameters]
        return sql.Plan(schema, pa.schema(fields) if fields else None, not is_query)

    def parameter_types(self, session, query):
        """The types that parameters are cast to, else text."""
        names = re.findall(r"\?(?:::([A-Z_]+(?:\([\d, ]+\))?))?", query)
        return [self.run(session, f"SELECT NULL::{name or 'VARCHAR'}", []).schema.field(0).type for name in names]

    def run(self, session, query, row):
        try:
            return session.sql(query, params=list(row)).to_arrow_reader(1000)
        except duckdb.Error as error:
            raise failure(error, "42000") from None

    def execute(self, call, query, parameters):
        self.asked.append(f"execute {query} {'' if parameters is None else parameters}".rstrip())
        is_query, _ = self.plan(call.session, query)
        types = self.parameter_types(call.session, query)
        rows = [()] if parameters is None else [tuple(map(value, row, types)) for row in parameters]
        if is_query:
            results = [self.run(call.session, query, row) for row in rows]
            return results[0].schema, self.read(results)
        try:
            results = [call.session.execute(query, row).fetchone() for row in rows]
        except duckdb.ConstraintException as error:
            raise failure(error, "23000") from None
        except duckdb.Error as error:
            raise failure(error, "42000") from None
        return sum(result[0] for result in results if result)

    def read(self, results):
        with self.changed:
            self.open_count += 1
        try:
            for result in results:
                yield from result
        finally:
            with self.changed:
                self.open_count -= 1
                self.changed.notify_all()

    def begin(self, session):
        session.begin()

    def commit(self, session):
        session.commit()

    def rollback(self, session):
        session.rollback()

    def list_catalogs(self, call):
        return ["memory"]

    def list_db_schemas(self, call, schemas):
        return self.database.cursor().execute(
            "SELECT database_name, schema_name FROM duckdb_schemas() WHERE database_name = 'memory'").fetchall()

    def list_table_types(self, call):
        return ["TABLE", "VIEW"]

    def list_tables(self, call, tables):
        cursor = self.database.cursor()
        for catalog, schema, name, kind in cursor.execute(TABLES).fetchall():
            columns = cursor.execute(COLUMNS, [catalog, schema, name]).fetchall()
            types = self.run(cursor, f"SELECT * FROM {schema}.{name} LIMIT 0", []).schema
            fields = []
            for (column, type_name, is_nullable, precision, scale), field in zip(columns, types):
                told = {"CATALOG_NAME": catalog, "SCHEMA_NAME": schema, "TABLE_NAME": name, "TYPE_NAME": type_name,
                        "PRECISION": precision, "SCALE": scale, "IS_AUTO_INCREMENT": 0, "IS_READ_ONLY": 0}
                fields.append(pa.field(column, field.type, is_nullable, {
                    f"ARROW:FLIGHT:SQL:{key}": str(value) for key, value in told.items() if value is not None}))
            yield catalog, schema, name, kind, pa.schema(fields)

    def list_primary_keys(self, call, table):
        for catalog, schema, name, columns, key, _, _ in self.database.cursor().execute(KEYS, ["PRIMARY KEY"]).fetchall():
            for number, column in enumerate(columns, 1):
                yield catalog, schema, name, column, number, key

    def list_foreign_keys(self, call, tables):
        for row in self.database.cursor().execute(KEYS, ["FOREIGN KEY"]).fetchall():
            catalog, schema, name, columns, key, target, target_columns = row
            for number, (column, pointed_at) in enumerate(zip(columns, target_columns), 1):
                yield (catalog, schema, target, pointed_at), (catalog, schema, name, column), number, key, None, 3, 3


def value(bound, kind):
    """What was bound; dates and times come as numbers."""
    return pa.scalar(bound, kind).as_py() if pa.types.is_temporal(kind) else bound


def failure(error, sqlstate):
    raised = ValueError(str(error))
    raised.sqlstate = sqlstate
    return raised
