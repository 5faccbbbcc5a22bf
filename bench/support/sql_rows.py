# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks over SQLite measure, by the C client `sql_bench`."""

from . import programs
from .compare import MEMORY, SECONDS, TIMES, Pair, Row
from .databases import COLUMNS, TABLES

SESSIONS = 200  # Go's driver takes minutes for a thousand


def make(options):
    runs, few, large = options.runs, min(options.runs, 2), options.rows
    small = min(large, 1_000_000)
    tables = f"{TABLES} tables with {COLUMNS} columns each"
    return [
        Row("connect, SELECT 1, close", "sink", "connect", (300,), TIMES, runs),
        Row("SELECT 1", "sink", "small", (1000,), TIMES, runs),
        Row("SELECT 1, prepared once", "sink", "prepared", (1000,), TIMES, runs),
        Row("SELECT 1, prepared each time", "sink", "prepare", (500,), TIMES, runs),
        Row("SELECT 1, 1 thread", "sink", "select", (1000, 1), SECONDS, runs),
        Row("SELECT 1, 8 threads", "sink", "select", (4000, 8), SECONDS, runs),
        Row("insert of one row, 1 thread", "sink", "insert", (2000, 1), SECONDS, runs),
        Row("insert of one row, 8 threads", "sink", "insert", (4000, 8), SECONDS, runs),
        Row("insert of one row, prepared", "sink", "insert-prepared", (2000,), SECONDS, runs),
        Row(f"fetch of {small} rows", "numbers", "fetch", (small,), SECONDS, few),
        Row(f"fetch of {large} rows", "numbers", "fetch", (large,), SECONDS, few),
        Row(f"insert of {small} rows as parameters", "sink", "bound", (small,), SECONDS, few),
        Row(f"ingest of {small} rows", "sink", "ingest", (small,), SECONDS, few),
        Row(f"ingest of {large} rows", "sink", "ingest", (large,), SECONDS, few),
        Row(f"metadata of {tables}", "tables", "plain-columns", (TABLES * COLUMNS,), SECONDS, runs),
        Row(f"metadata of {tables}, with keys", "tables", "columns", (TABLES * COLUMNS,), SECONDS, runs),
        Row(f"memory of {SESSIONS} idle sessions, each", "sink", "sessions", (SESSIONS,), MEMORY, 1),
    ]


def pair(client, server, takes_ingests=True):
    """`client`: "cflight", or the file of a driver. `server`: a program that takes a file."""
    return Pair([programs.need_built(programs.CLIENT), client], lambda path: [server, path],
                () if takes_ingests else ("ingest",))
