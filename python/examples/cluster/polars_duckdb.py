# SPDX-License-Identifier: Apache-2.0
"""Words counted and joined by Polars and by DuckDB, which read endpoints side by side in one process."""

import sys

import duckdb
import polars
from cflight.duckdb import register_flight
from cflight.polars import scan_flight
from servers import running_servers


def run_polars(location):
    words, lengths = scan_flight("words", location), scan_flight("lengths", location)
    counts = dict(words.group_by("word").len().collect().iter_rows())
    letters = words.join(lengths, on="word").select(polars.col("length").sum()).collect().item()
    return counts, letters


def run_duckdb(location):
    with duckdb.connect() as connection:
        register_flight(connection, "words", "words", location)
        register_flight(connection, "lengths", "lengths", location)
        counts = dict(connection.sql("SELECT word, count(*) FROM words GROUP BY word").fetchall())
        letters = connection.sql("SELECT sum(length) FROM words JOIN lengths USING (word)").fetchall()[0][0]
        return counts, int(letters)


if __name__ == "__main__":
    with running_servers(*sys.argv[1:]) as (locations, _):
        print(*run_polars(locations[0]), *run_duckdb(locations[0]), sep="\n")
