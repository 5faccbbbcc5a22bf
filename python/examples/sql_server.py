# SPDX-License-Identifier: Apache-2.0
"""A Flight SQL server over SQLite in 60 lines: python sql_server.py [FILE] [URI]"""

import sqlite3
import sys

import pyarrow as pa

from cflight import sql

TABLES = "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"


class Database(sql.Server):
    def __init__(self, location=None, path="file:shared?mode=memory&cache=shared", **kwargs):
        self.path = path
        self.first = self.open_session(None)  # keeps a database in memory alive
        super().__init__(location, **kwargs)

    def open_session(self, call):
        return sqlite3.connect(self.path, uri=True, isolation_level=None, check_same_thread=False)

    def close_session(self, session):
        session.close()

    def interrupt(self, session):
        session.interrupt()

    def execute(self, call, query, parameters):
        try:
            cursors = [call.session.execute(query, row) for row in (parameters or [()])]
        except sqlite3.Error as error:
            raise ValueError(str(error)) from None
        if cursors[0].description is None:
            return sum(cursor.rowcount for cursor in cursors)
        names = [column[0] for column in cursors[0].description]
        rows = [row for cursor in cursors for row in cursor]
        return pa.table([pa.array(column) for column in zip(*rows)] or [pa.nulls(0)] * len(names), names)

    def begin(self, session):
        session.execute("BEGIN")

    def commit(self, session):
        session.execute("COMMIT")

    def rollback(self, session):
        session.execute("ROLLBACK")

    def list_tables(self, call, tables):
        for name, kind in call.session.execute(TABLES).fetchall():
            empty = self.execute(call, f'SELECT * FROM "{name.replace(chr(34), chr(34) * 2)}" LIMIT 0', None)
            yield None, None, name, kind.upper(), empty.schema


if __name__ == "__main__":
    path, location = (sys.argv[1:] + [None, None])[:2]
    with Database(location or "grpc://localhost:0", *([path] if path else [])) as server:
        print("listening on", server.location.uri.decode(), flush=True)
        server.serve()
