# SPDX-License-Identifier: Apache-2.0
"""sql_server.py, and what JDBC's driver and uploads need: python sql_server_full.py [FILE] [URI]

Plans without execution, columns of tables with their types, and uploads that are stored as a whole or not at all."""

import re
import sys

import pyarrow as pa
import sql_server

from cflight import sql

TYPES = {"INTEGER": pa.int64(), "REAL": pa.float64(), "BLOB": pa.binary()}
MARKS = re.compile(r"""'[^']*'|"[^"]*"|--.*|/\*[\s\S]*?\*/|(\?)""")
BEGIN = {"create": "CREATE TABLE {}", "append": None, "create_append": "CREATE TABLE IF NOT EXISTS {}"}


def quote(name):
    return '"' + name.replace('"', '""') + '"'


class Database(sql_server.Database):
    def prepare(self, call, query):
        word = query.split(None, 1)[0].upper() if query.split() else ""
        marks = sum(match[1] is not None for match in MARKS.finditer(query))
        parameters = pa.schema([(f"parameter_{i + 1}", pa.string()) for i in range(marks)])
        if word not in ("SELECT", "VALUES", "WITH"):
            return sql.Plan(None, parameters, word not in ("PRAGMA", "EXPLAIN"))
        # JDBC takes what has no columns for an update. Their types SQLite does not know before there are values.
        nothing = self.execute(call, f"SELECT * FROM ({query.rstrip('; ')}) LIMIT 0", [(None,) * marks])
        return sql.Plan(nothing.schema, parameters, False)

    def ingest(self, call, target, rows):
        call.session.execute("SAVEPOINT ingest")  # all or none, in a transaction and outside
        try:
            count = self.store(call.session, target, rows)
            call.session.execute("RELEASE ingest")
            return count
        except BaseException:
            call.session.execute("ROLLBACK TO ingest")
            call.session.execute("RELEASE ingest")
            raise

    def store(self, session, target, rows):
        table, names = quote(target.table), [quote(name) for name in rows.schema.names]
        if target.mode == "replace":
            session.execute(f"DROP TABLE IF EXISTS {table}")
        begin = BEGIN.get(target.mode, BEGIN["create"])
        if begin:
            session.execute(f"{begin.format(table)} ({', '.join(names)})")
        values = (row for batch in rows for row in zip(*(column.to_pylist() for column in batch.columns)))
        return session.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(names))})", values).rowcount

    def list_catalogs(self, call):
        return ["main"]

    def list_db_schemas(self, call, schemas):
        return [("main", "")]

    def list_tables(self, call, tables):
        for name, kind in call.session.execute(sql_server.TABLES).fetchall():
            columns = call.session.execute(f"PRAGMA table_info({quote(name)})").fetchall()
            fields = [pa.field(row[1], TYPES.get(row[2].upper(), pa.string()), not row[3]) for row in columns]
            yield "main", "", name, kind.upper(), pa.schema(fields)

    def list_table_types(self, call):
        return ["TABLE", "VIEW"]


if __name__ == "__main__":
    path, location = (sys.argv[1:] + [None, None])[:2]
    with Database(location or "grpc://localhost:0", *([path] if path else [])) as server:
        print("listening on", server.location.uri.decode(), flush=True)
        server.serve()
