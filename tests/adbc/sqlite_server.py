# SPDX-License-Identifier: Apache-2.0
"""A Flight SQL server over SQLite in memory, for the tests of the ADBC driver: python sqlite_server.py [login]

Types follow declared types. Besides SQL it knows `-- endless` at the head of a query, whose rows do not end, and
`-- headers`, whose rows are the headers of the call. With "login" it wants the user "ada" with the password "lovelace",
and gives a token that is good for five calls."""

import base64
import itertools
import re
import sqlite3
import sys

import pyarrow as pa

import cflight
from cflight import sql

TABLES = "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
ARROW = {"INT": pa.int64(), "REAL": pa.float64(), "BLOB": pa.binary(), "TEXT": pa.string()}
MODES = {"create": "CREATE TABLE {}", "append": None, "create_append": "CREATE TABLE IF NOT EXISTS {}",
         "replace": "CREATE TABLE {}"}


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def arrow_type(declared):
    return next((kind for word, kind in ARROW.items() if word in declared.upper()), pa.string())


def declared_type(kind):
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "INTEGER"
    if pa.types.is_floating(kind):
        return "REAL"
    return "BLOB" if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) else "TEXT"


class Headers(cflight.ServerMiddlewareFactory):
    """Keeps the headers of a call, and checks who calls."""

    def __init__(self, wants_login):
        self.wants_login = wants_login
        self.tokens = {}
        self.numbers = itertools.count()

    def start_call(self, info, headers):
        answer = {}
        given = headers.get("authorization", [""])[0]
        if self.wants_login:
            if given == "Basic " + base64.b64encode(b"ada:lovelace").decode():
                token = f"token{next(self.numbers)}"
                self.tokens[token] = 5
                answer = {"authorization": f"Bearer {token}"}
            elif self.tokens.get(given.removeprefix("Bearer "), 0) > 0:
                self.tokens[given.removeprefix("Bearer ")] -= 1
            else:
                raise cflight.FlightUnauthenticatedError("who are you?")
        return Kept(headers, answer)


class Kept(cflight.ServerMiddleware):
    def __init__(self, headers, answer):
        self.headers = headers
        self.answer = answer

    def sending_headers(self):
        return self.answer


class Handshake(cflight.ServerAuthHandler):
    """The middleware does the work."""

    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return ""


class SqlError(ValueError):
    sqlstate = "42000"


class ConstraintError(ValueError):
    sqlstate = "23000"


class Missing(KeyError):
    pass


def wrapped(error):
    if isinstance(error, sqlite3.IntegrityError):
        return ConstraintError(str(error))
    return SqlError(str(error))


def plain(value):
    return int(value) if isinstance(value, bool) else value


class Database(sql.Server):
    path = "file:adbc?mode=memory&cache=shared"

    def __init__(self, location, wants_login):
        self.first = self.open_session(None)  # keeps a database in memory alive
        super().__init__(location, auth_handler=Handshake() if wants_login else None,
                         middleware={"headers": Headers(wants_login)}, sql_info={"FLIGHT_SQL_SERVER_NAME": "tests", "FLIGHT_SQL_SERVER_VERSION": "1",
                                             "SQL_KEYWORDS": ["ENDLESS"]})

    def open_session(self, call):
        session = sqlite3.connect(self.path, uri=True, isolation_level=None, check_same_thread=False)
        session.execute("PRAGMA read_uncommitted = 1")
        session.execute("PRAGMA foreign_keys = 1")
        return session

    def close_session(self, session):
        session.close()

    def interrupt(self, session):
        session.interrupt()

    @staticmethod
    def is_query(query):
        words = re.sub(r"/\*.*?\*/|--[^\n]*", "", query, flags=re.DOTALL).split(None, 1)
        return bool(words) and words[0].upper() in ("SELECT", "VALUES", "WITH", "PRAGMA", "EXPLAIN")

    def prepare(self, call, query):
        if not self.is_query(query):
            return sql.Plan(is_update=True)
        count = query.count("?")
        parameters = pa.schema([("", pa.null())] * count)
        schema = None
        if count == 0 and "-- " not in query:
            try:
                schema = self.shape(call.session.execute(f"SELECT * FROM ({query.rstrip().rstrip(';')}) LIMIT 1"))[0]
            except sqlite3.Error as error:
                raise wrapped(error) from None
        return sql.Plan(schema=schema, parameters=parameters, is_update=False)

    @staticmethod
    def shape(cursor):
        """The schema of a cursor's rows, and the rows."""
        rows = cursor.fetchall()
        fields = []
        for place, column in enumerate(cursor.description):
            kinds = {type(row[place]) for row in rows} - {type(None)}
            known = {int: pa.int64(), float: pa.float64(), str: pa.string(), bytes: pa.binary()}
            kind = known[kinds.pop()] if len(kinds) == 1 else pa.float64() if kinds == {int, float} else pa.string()
            fields.append(pa.field(column[0], kind if rows and any(row[place] is not None for row in rows) else
                                   pa.int64()))
        return pa.schema(fields), rows

    def execute(self, call, query, parameters):
        if query.startswith("-- headers"):
            found = call.context.get_middleware("headers").headers
            return pa.table({"name": list(found), "value": [str(values[0]) for values in found.values()]})
        if query.startswith("-- endless"):
            schema = pa.schema([("n", pa.int64())])
            return schema, (pa.record_batch([pa.array(range(1000), pa.int64())], schema) for _ in iter(int, 1))
        try:
            bound = [tuple(plain(value) for value in row) for row in parameters] if parameters else [()]
            cursors = [call.session.execute(query, row) for row in bound]
        except sqlite3.Error as error:
            raise wrapped(error) from None
        except sqlite3.Warning as error:
            raise SqlError(str(error)) from None
        if cursors[0].description is None:
            return sum(cursor.rowcount for cursor in cursors)
        shapes = [self.shape(cursor) for cursor in cursors]
        schema = next((found for found, rows in shapes if rows), shapes[0][0])
        rows = [row for _, found in shapes for row in found]
        arrays = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(schema)]
        return schema, iter([pa.record_batch(arrays, schema)])

    def ingest(self, call, target, rows):
        session, table, names = call.session, quote(target.table), [quote(name) for name in rows.schema.names]
        own = not session.in_transaction
        exists = session.execute("SELECT 1 FROM (SELECT name FROM sqlite_schema UNION SELECT name FROM sqlite_temp_schema) "
                                 "WHERE name = ?", (target.table,)).fetchone()
        if target.mode == "append" and not exists:
            raise Missing(f"no table {target.table}")
        if own:
            session.execute("BEGIN")
        try:
            if target.mode == "replace":
                session.execute(f"DROP TABLE IF EXISTS {table}")
            if MODES[target.mode]:
                kind = MODES[target.mode].replace("TABLE", "TEMPORARY TABLE" if target.temporary else "TABLE", 1)
                columns = ", ".join(f"{name} {declared_type(field.type)}"
                                    for name, field in zip(names, rows.schema))
                session.execute(f"{kind.format(table)} ({columns})")
            count = 0
            into = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            for batch in rows:
                values = zip(*([plain(value) if isinstance(value, (bool, int, float, str, bytes, type(None))) else
                                str(value) for value in column.to_pylist()] for column in batch.columns))
                count += session.executemany(into, values).rowcount
            if own:
                session.execute("COMMIT")
            return count
        except sqlite3.Error as error:
            if own:
                session.execute("ROLLBACK")
            raise wrapped(error) from None

    def begin(self, session):
        session.execute("BEGIN")

    def commit(self, session):
        session.execute("COMMIT")

    def rollback(self, session):
        session.execute("ROLLBACK")

    def list_catalogs(self, call):
        return ["main"]

    def list_db_schemas(self, call, schemas):
        return [("main", "")]

    def list_tables(self, call, tables):
        for name, kind in call.session.execute(TABLES).fetchall():
            columns = call.session.execute(f"PRAGMA table_info({quote(name)})").fetchall()
            yield "main", "", name, kind, pa.schema([pa.field(row[1], arrow_type(row[2]), not row[3])
                                                     for row in columns])

    def list_table_types(self, call):
        return ["table", "view"]

    def list_primary_keys(self, call, table):
        rows = call.session.execute(f"PRAGMA table_info({quote(table[2])})").fetchall()
        return [("main", "", table[2], row[1], row[5], None) for row in rows if row[5]]

    def list_foreign_keys(self, call, tables):
        wanted = [tables[1][2]] if tables[1][2] else [row[0] for row in call.session.execute(TABLES)]
        for name in wanted:
            for row in call.session.execute(f"PRAGMA foreign_key_list({quote(name)})").fetchall():
                yield ("main", "", row[2], row[4] or "id"), ("main", "", name, row[3]), row[1] + 1


if __name__ == "__main__":
    with Database("grpc://localhost:0", "login" in sys.argv) as server:
        print("listening on", server.location.uri.decode(), flush=True)
        sys.stdin.read()
