# SPDX-License-Identifier: Apache-2.0
"""Database files of the SQL benchmarks: the same tables for every server."""

import dataclasses
import sqlite3

TABLES, COLUMNS = 1000, 20
COLUMN_LIST = "id INTEGER, number INTEGER, price REAL, word TEXT"
DUCKDB_COLUMN_LIST = "id BIGINT, number BIGINT, price DOUBLE, word TEXT"
NUMBERS = "i, i * 7919 % 1000003, i * 0.25, 'word ' || (i % 1000)"


def make_numbers(database, rows):
    database.execute(f"CREATE TABLE numbers ({COLUMN_LIST})")
    database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
        f"INSERT INTO numbers SELECT {NUMBERS} FROM n", (rows,))


def make_sink(database, _):
    database.execute(f"CREATE TABLE sink ({COLUMN_LIST})")


def make_tables(database, _):
    types = "INTEGER", "REAL", "TEXT", "BLOB"
    columns = ", ".join(f"column_{i} {types[i % 4]}" for i in range(COLUMNS))
    for i in range(TABLES):
        database.execute(f"CREATE TABLE table_{i:04} ({columns})")


SQLITE = {"numbers": make_numbers, "sink": make_sink, "tables": make_tables}


def make_sqlite(path, name, rows):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("BEGIN")
    SQLITE[name](database, rows)
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def make_duckdb(path, name, rows):
    import duckdb  # noqa: PLC0415

    with duckdb.connect(str(path)) as database:
        database.execute(f"CREATE TABLE {name} ({DUCKDB_COLUMN_LIST})")
        if name == "numbers":
            database.execute(f"INSERT INTO numbers SELECT {NUMBERS} FROM range({rows}) AS t(i)")


@dataclasses.dataclass(frozen=True)
class Engine:
    make: object
    is_shared: bool  # several processes may have a file open


ENGINES = {"sqlite": Engine(make_sqlite, True), "duckdb": Engine(make_duckdb, False)}
