# SPDX-License-Identifier: Apache-2.0
"""What is asked of a database directly, through cflight's driver and gateway, and through the Go driver and the gateway.

Each case is a name and its calls, which run one after the other on a connection of their own. `{int}`, `{real}`, `{text}`,
`{blob}`, `{one}` and `{none}` are types and blobs as an engine writes them. `only` names the engines that know what is
asked. What is not the same is listed with its reason: in `but`, by a way (`ours`, `go`, `served` for both), which may be
followed by an engine, or, where all of a kind are concerned, in the lists at the end."""

import dataclasses
import datetime
import decimal

import pyarrow as pa
from differential import (
    again,
    begin,
    commit,
    cursor,
    empty_statement,
    end,
    get_option,
    info,
    ingest,
    many,
    objects,
    parameter_schema,
    partitions,
    query,
    result_schema,
    rollback,
    set_option,
    table_schema,
    table_types,
    two_results,
    update,
)


@dataclasses.dataclass
class Case:
    name: str
    calls: list
    but: dict
    only: tuple


CASES = []


def case(name, *calls, only=("sqlite", "postgresql", "duckdb"), **but):
    CASES.append(Case(name, list(calls), {key.replace("_", " "): reason for key, reason in but.items()}, only))


SETUP = [
    "DROP VIEW IF EXISTS cheap", "DROP TABLE IF EXISTS line", "DROP TABLE IF EXISTS article", "DROP TABLE IF EXISTS made",
    "CREATE TABLE article (id INTEGER PRIMARY KEY, name {text} NOT NULL UNIQUE, price {real}, data {blob}, "
    "stock INTEGER CHECK (stock >= 0))",
    "CREATE TABLE line (day {text}, article INTEGER REFERENCES article (id), count INTEGER NOT NULL, "
    "PRIMARY KEY (day, article))",
    "CREATE VIEW cheap AS SELECT * FROM article WHERE price < 1",
    "INSERT INTO article VALUES (1, 'pen', 0.5, {one}, 10), (2, 'book', 12.25, NULL, 3), (3, 'ink', NULL, {none}, NULL)",
    "INSERT INTO line VALUES ('2024-01-02', 1, 5), ('2024-01-03', 2, 1)",
]
ALL = "SELECT * FROM article ORDER BY id"
NUMBERS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {}) "

# ---- queries ----

for column in ("id", "name", "price", "data", "stock", "id + 1", "price * 2", "name || '!'", "stock IS NULL",
               "coalesce(stock, -1)", "length(name)", "upper(name)", "-price"):
    for clause in ("ORDER BY id", "WHERE stock IS NOT NULL ORDER BY id DESC", "WHERE id < 0", "ORDER BY id LIMIT 1"):
        case(f"{column} {clause}", query(f"SELECT {column} AS c FROM article {clause}"))
for text in (
    "SELECT 1", "SELECT 1;", "SELECT -1 AS a, 'x' AS b", "SELECT NULL AS n", "SELECT 'it''s' AS t", "SELECT '' AS t",
    "SELECT 'grün 水 🙂' AS t", "SELECT 2147483648 AS m", "SELECT CAST(9223372036854775807 AS {int}) AS m",
    "SELECT CAST(-9223372036854775807 AS {int}) - 1 AS m", "SELECT CAST(1e308 AS {real}) AS m",
    "SELECT CAST(0.1 AS {real}) + CAST(0.2 AS {real}) AS s", "SELECT {one} AS b, {none} AS e", ALL,
    "SELECT count(*) AS n FROM article", "SELECT sum(stock) AS s, min(name) AS l, max(price) AS p FROM article",
    "SELECT avg(price) AS a FROM article", "SELECT sum(stock) AS s FROM article WHERE id < 0",
    "SELECT * FROM article WHERE id < 0", "SELECT * FROM cheap", "VALUES (1, 'a'), (2, 'b')",
    "SELECT a.name AS name, l.count AS n FROM article a JOIN line l ON l.article = a.id ORDER BY 1",
    "SELECT a.name AS name, l.count AS n FROM article a LEFT JOIN line l ON l.article = a.id ORDER BY 1",
    "SELECT 'a' AS same, 'b' AS same", 'SELECT 1 AS "a b"', 'SELECT 1 AS "A", 2 AS "a"', "/* why */ SELECT 1 -- because",
    "WITH t AS (SELECT 5 AS a) SELECT a FROM t", "SELECT CASE WHEN stock > 5 THEN 'much' END AS c FROM article ORDER BY id",
    "SELECT DISTINCT stock IS NULL AS c FROM article ORDER BY 1", "SELECT 1 AS a UNION ALL SELECT 2 ORDER BY 1",
    "SELECT stock, count(*) AS n FROM article GROUP BY stock HAVING count(*) > 0 ORDER BY stock",
    "SELECT name FROM article WHERE name LIKE '%n%' ORDER BY 1", "SELECT name FROM article WHERE id IN (1, 3) ORDER BY 1",
    "SELECT row_number() OVER (ORDER BY id) AS r, name FROM article ORDER BY 1",
    NUMBERS.format(5000) + "SELECT x FROM n", NUMBERS.format(3000) + "SELECT x, 'a long text, ' || x AS t FROM n",
    "SELECT '" + "x" * 100_000 + "' AS t",
):
    case(f"{text[:60]} ... {text[-20:]}" if len(text) > 80 else text, query(text))
case("a query that is prepared", query(ALL, prepares=True))
case("a query by the DBAPI", cursor(ALL))
case("a view by the DBAPI", cursor("SELECT name FROM cheap"))
case("two results in turns", two_results("SELECT id FROM article ORDER BY 1", "SELECT name FROM article ORDER BY id"))
case("a result of many batches in turns with another",
     two_results(NUMBERS.format(5000) + "SELECT x FROM n ORDER BY 1", "SELECT name FROM article ORDER BY id"))

# ---- types that not all engines have ----

for text in (
    "CAST(5 AS SMALLINT)", "CAST(5 AS BIGINT)", "CAST(1.5 AS REAL)", "CAST('x' AS VARCHAR(10))", "TRUE", "FALSE",
    "CAST('2024-02-29' AS DATE)", "CAST('1969-07-20' AS DATE)", "CAST('2024-02-29 01:02:03.456' AS TIMESTAMP)",
    "CAST('01:02:03' AS TIME)", "CAST(12.34 AS DECIMAL(10, 2))", "CAST(NULL AS DATE)", "CAST(NULL AS DECIMAL(5, 1))",
    "CAST('2024-02-29 01:02:03+00' AS TIMESTAMP WITH TIME ZONE)", "CAST('NaN' AS DOUBLE PRECISION)",
    "CAST('infinity' AS DOUBLE PRECISION)", "CAST('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' AS UUID)",
    "INTERVAL '1' DAY", "CAST('[1, null]' AS JSON)",
):
    case(f"type: {text}", query(f"SELECT {text} AS c"), only=("postgresql", "duckdb"))
for text in (
    "ARRAY[1, 2, NULL]", "ARRAY['a', NULL]", "CAST('{{1,2},{3,4}}' AS INTEGER[])", "CAST(1234567890.12345 AS NUMERIC)",
    "CAST('x' AS CHAR(3))", "CAST('{\"a\": 1}' AS JSONB)", "CAST('1 day 2 hours' AS INTERVAL)", "CAST('10.0.0.1' AS INET)",
    "CAST('A' AS \"char\")", "CAST(B'101' AS BIT(3))", "CAST('$1.50' AS MONEY)", "ROW(1, 'a')",
):
    case(f"type: {text}", query(f"SELECT {text} AS c"), only=("postgresql",))
for text in (
    "CAST(5 AS TINYINT)", "CAST(5 AS UTINYINT)", "CAST(5 AS UBIGINT)", "CAST(5 AS HUGEINT)", "[1, 2, NULL]", "[[1], []]",
    "{'a': 1, 'b': 'x'}", "MAP {'k': 1}", "CAST('a' AS ENUM ('a', 'b'))", "CAST('2024-02-29 01:02:03' AS TIMESTAMP_S)",
    "CAST('2024-02-29 01:02:03.123456789' AS TIMESTAMP_NS)", "CAST(1.23 AS DECIMAL(38, 10))", "[{'a': [1]}]",
    "CAST('101' AS BIT)", "array_value(1, 2)", "union_value(n := 5)", "'\\xAA'::BLOB",
):
    case(f"type: {text}", query(f"SELECT {text} AS c"), only=("duckdb",))

# ---- parameters ----

for kind, values in (
    ("{int}", (1, -5, 2**62, None)), ("{real}", (2.5, -0.0, 1e-300, None)), ("{text}", ("text", "", "grün 水", "a'b", None)),
    ("{blob}", (b"bytes", b"", b"\0\1")),
):
    for value in values:
        case(f"parameter {kind} {value!r}", query(f"SELECT CAST(? AS {kind}) AS c", pa.table({"a": [value]})))
case("parameters by the DBAPI", cursor("SELECT id, name FROM article WHERE id = ?", (2,)))
case("no row of them matches", cursor("SELECT id, name FROM article WHERE id = ?", (77,)))
case("several parameters", query("SELECT name FROM article WHERE id >= ? AND name < ? ORDER BY 1", [(1, "l")]))
case("several rows of parameters", query("SELECT name FROM article WHERE id = ?", [(2,), (1,), (99,)]))
case("one statement again", again("SELECT name FROM article WHERE id = ?", (1,), (3,), (1,), (9,)))
case("one statement again, without parameters", again(ALL, (), (), ()))
COUNTS_FIRST = "the server counts before the driver does, and says INVALID_ARGUMENT"
case("too many parameters", query("SELECT name FROM article WHERE id = ?", [(1, 2)]),
     served_sqlite=COUNTS_FIRST, served_postgresql=COUNTS_FIRST)
case("too few parameters", query("SELECT name FROM article WHERE id = ? AND name = ?", [(1,)]),
     served_sqlite=COUNTS_FIRST, served_postgresql=COUNTS_FIRST)
case("no parameters where there must be one", query("SELECT name FROM article WHERE id = ?"))
case("an insert with parameters", update("INSERT INTO article VALUES (?, ?, ?, ?, ?)", pa.table(
    {"i": pa.array([4], pa.int32()), "n": ["cap"], "p": [1.5], "d": [b"\0\xff"], "s": pa.array([None], pa.int32())})),
     query(ALL))
ALL_OR_NONE = "the gateway stores all rows of parameters, or none"
ONE_ROW = "DuckDB's driver binds one row, the gateway one after the other"
case("executemany", many("INSERT INTO article (id, name) VALUES (?, ?)", [(10, "a"), (11, "b"), (12, "c")]), query(ALL),
     served_duckdb=ONE_ROW)
case("executemany of an update", many("UPDATE article SET stock = ? WHERE id = ?", [(1, 1), (2, 2), (3, 77)]), query(ALL),
     served_duckdb=ONE_ROW)
case("executemany of nothing", many("DELETE FROM article WHERE id = ?", [(50,), (51,)]), query(ALL), served_duckdb=ONE_ROW)
case("executemany that breaks a constraint",
     many("INSERT INTO article (id, name) VALUES (?, ?)", [(20, "a"), (21, "b"), (1, "again")]), query(ALL),
     served_sqlite=ALL_OR_NONE, served_postgresql=ALL_OR_NONE, served_duckdb=ONE_ROW)
case("executemany in a transaction", begin, many("INSERT INTO article (id, name) VALUES (?, ?)", [(10, "a"), (11, "b")]),
     query(ALL), rollback, end, query(ALL), served_duckdb=ONE_ROW)

# ---- changes ----

for text in (
    "INSERT INTO article VALUES (4, 'cap', 1, NULL, NULL)", "INSERT INTO article (id, name) VALUES (4, 'a'), (5, 'b'), (6, 'c')",
    "UPDATE article SET stock = 1 WHERE id >= 2", "UPDATE article SET stock = 1 WHERE id > 70", "UPDATE article SET price = NULL",
    "DELETE FROM line", "DELETE FROM line WHERE article = 2", "DELETE FROM line WHERE article = 77",
    "INSERT INTO article (id, name) SELECT id + 100, name || '2' FROM article", "  -- first\n  UPDATE article SET stock = 7",
    "WITH n AS (SELECT 5 AS x) INSERT INTO article (id, name) SELECT x, 'five' FROM n",
):
    case(f"count: {text[:60]}", update(text), query(ALL), query("SELECT * FROM line ORDER BY day"))
COUNT_AS_ROW = "DuckDB's driver gives the count of a change as a row"
case("a change by the DBAPI", cursor("UPDATE article SET stock = 1 WHERE id >= 2"), query(ALL), served_duckdb=COUNT_AS_ROW)
case("a change that is run as a query", query("UPDATE article SET stock = 1 WHERE id >= 2"), query(ALL),
     served_sqlite="the gateway counts, where SQLite's driver does not", served_duckdb=COUNT_AS_ROW)
case("a query that is run as a change", update("SELECT 1"))
case("rows of a change", query("INSERT INTO article (id, name) VALUES (7, 'cap') RETURNING id, name"), query(ALL))
case("rows of a deletion", query("DELETE FROM line WHERE count > 1 RETURNING day, count"), query("SELECT * FROM line"))
case("an upsert", update("INSERT INTO article (id, name) VALUES (1, 'quill') ON CONFLICT (id) DO UPDATE SET name = 'quill'"),
     query(ALL))

# ---- definitions ----

case("a table is made and dropped", update("CREATE TABLE made (a INTEGER, b {text})"), query("SELECT * FROM made"),
     update("INSERT INTO made VALUES (1, 'x')"), query("SELECT * FROM made"), update("DROP TABLE made"),
     query("SELECT * FROM made"))
case("a table of a query", update("CREATE TABLE made AS SELECT id, name FROM article"), query("SELECT * FROM made ORDER BY id"))
case("a column is added", update("ALTER TABLE line ADD COLUMN note {text}"), query("SELECT * FROM line ORDER BY day"))
case("an index", update("CREATE INDEX by_price ON article (price)"), query(ALL), update("DROP INDEX by_price"))
case("a temporary table", update("CREATE TEMPORARY TABLE mine (a INTEGER)"), update("INSERT INTO mine VALUES (5)"),
     query("SELECT a FROM mine"))
case("a definition by the DBAPI", cursor("CREATE TABLE made (a INTEGER)"), cursor("SELECT * FROM made"),
     served_duckdb=COUNT_AS_ROW)
case("a definition is rolled back", begin, update("CREATE TABLE made (a INTEGER)"), rollback, end, query("SELECT * FROM made"))

# ---- transactions ----

INSERT = "INSERT INTO article (id, name) VALUES (4, 'cap')"
case("commit", begin, update(INSERT), query(ALL), commit, end, query(ALL))
case("rollback", begin, update(INSERT), query(ALL), rollback, query(ALL), end, query(ALL))
case("autocommit commits", begin, update(INSERT), end, query(ALL))
case("two transactions", begin, update(INSERT), commit, update("DELETE FROM line"), rollback, end, query(ALL),
     query("SELECT * FROM line ORDER BY day"))
case("an empty transaction", begin, commit, rollback, end)
case("commit without a transaction", commit)
case("rollback without a transaction", rollback)
case("an error within a transaction", begin, update(INSERT), query("SELECT * FROM nowhere"), rollback, end, query(ALL))
case("a constraint within a transaction", begin, update(INSERT), update(INSERT), rollback, end, query(ALL))
case("a query within a transaction", begin, query(ALL), cursor(ALL), commit, end)
case("a result is closed by the end", begin, two_results(ALL, "SELECT 1"), commit, end, query(ALL))

# ---- ingest ----

ROWS = pa.table({"id": pa.array([100, 101], pa.int32()), "name": ["a", "b"], "price": [0.5, None], "data": [b"x", None],
                 "stock": pa.array([1, None], pa.int32())})
for mode in ("create", "append", "replace", "create_append"):
    for name in ("made", "article"):
        if (name, mode) != ("article", "replace"):  # others refer to it
            case(f"ingest: {mode} {name}", ingest(name, ROWS, mode), query(f"SELECT * FROM {name} ORDER BY id"))
case("ingest: replace", ingest("made", ROWS), ingest("made", ROWS.slice(1), "replace"), query("SELECT * FROM made ORDER BY id"))
case("ingest: no rows", ingest("made", ROWS.slice(0, 0)), query("SELECT * FROM made"),
     go="the Go driver sends no schema where there is no batch")
case("ingest: columns by name", ingest("article", ROWS.select(["name", "id"]), "append"), query(ALL))
case("ingest: a column that is not there", ingest("article", ROWS.rename_columns(list("abcde")), "append"), query(ALL))
case("ingest: a constraint is broken", ingest("article", pa.table({"id": [50, 1], "name": ["a", "b"]}), "append"), query(ALL))
case("ingest: in a transaction", begin, ingest("article", ROWS, "append"), query(ALL), rollback, end, query(ALL),
     go="the Go driver does not send the transaction of an ingest")
case("ingest: a name with quotes", ingest('ma"de', ROWS.select(["id"])), query('SELECT * FROM "ma""de" ORDER BY id'),
     update('DROP TABLE "ma""de"'))
case("ingest: many batches", ingest("made", pa.concat_tables([ROWS] * 300)), query("SELECT count(*) AS n, sum(id) AS s FROM made"))
for kind, values in {
    "integers": {str(kind): pa.array([1, None], kind) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    "floats": {"float": pa.array([1.5, None], pa.float32()), "double": pa.array([1.5, None])},
    "texts": {"text": ["a", None], "large": pa.array(["", "grün"], pa.large_string())},
    "bytes": {"bytes": [b"a", None], "large": pa.array([b"", b"\0"], pa.large_binary())},
    "flags": {"flag": [True, None]},
    "dates": {"date": [datetime.date(2024, 2, 29), None]},
    "times": {"stamp": [datetime.datetime(2024, 2, 29, 1, 2, 3), None]},
    "a dictionary": {"text": pa.array(["a", None]).dictionary_encode()},
    "decimals": {"d": [decimal.Decimal("1.25"), None]},
    "lists": {"l": [[1, 2], None]},
    "nulls": {"n": pa.nulls(2)},
}.items():
    case(f"ingest: {kind}", ingest("made", pa.table(values)), query("SELECT * FROM made"),
         **({"served_sqlite": "SQLite's driver leaves an empty table behind what it cannot store"}
            if kind in ("decimals", "lists") else {}))

# ---- schemas ----

HAS_NO_EXECUTE_SCHEMA = "SQLite's driver has no ExecuteSchema; the gateway finds it out"
case("schema of a query", result_schema(ALL), served_sqlite=HAS_NO_EXECUTE_SCHEMA)
case("schema of a query of nothing", result_schema("SELECT * FROM article WHERE id < 0"), served_sqlite=HAS_NO_EXECUTE_SCHEMA)
case("schema of a wrong query", result_schema("SELECT * FROM nowhere"), served_sqlite=HAS_NO_EXECUTE_SCHEMA)
AS_TEXT = "types of parameters that the driver does not know are told as text, to which JDBC can bind"
case("schema of parameters", parameter_schema("SELECT name FROM article WHERE id = ? AND price < ?"),
     served_sqlite=AS_TEXT, served_duckdb=AS_TEXT)
case("schema of no parameters", parameter_schema(ALL))
case("schema of parameters of a change", parameter_schema("INSERT INTO article (id, name) VALUES (?, ?)"),
     served_sqlite=AS_TEXT, served_duckdb=AS_TEXT)

# ---- metadata ----

for depth in ("catalogs", "db_schemas", "tables", "columns", "all"):
    case(f"objects: {depth}", objects(depth, catalog_filter="{catalog}", db_schema_filter="{schema}"))
    case(f"objects: {depth} of a pattern", objects(depth, catalog_filter="{catalog}", db_schema_filter="{schema}",
                                                  table_name_filter="%ti%"))
    case(f"objects: {depth} of no table", objects(depth, catalog_filter="{catalog}", db_schema_filter="{schema}",
                                                 table_name_filter="nowhere"))
case("objects: one table", objects(table_name_filter="line", db_schema_filter="{schema}"))
case("objects: a view", objects(table_name_filter="cheap", db_schema_filter="{schema}"))
WITH_COLUMNS = "this driver leaves out the constraints of columns that are not asked for"
case("objects: some columns", objects(table_name_filter="article", column_name_filter="%a%", db_schema_filter="{schema}"),
     ours_duckdb=WITH_COLUMNS)
case("objects: a column that is not there", objects(table_name_filter="article", column_name_filter="no",
                                                  db_schema_filter="{schema}"),
     ours_duckdb=WITH_COLUMNS, ours_postgresql=WITH_COLUMNS)
case("objects: tables of a type", objects("tables", table_types_filter=["{view}"], db_schema_filter="{schema}"))
case("objects: of types", objects("tables", table_types_filter=["{table}", "{view}"], db_schema_filter="{schema}"))
case("objects: tables of no type", objects("tables", table_types_filter=["nothing"], db_schema_filter="{schema}"),
     served_duckdb="DuckDB's driver fails with types that it has not; Flight SQL finds nothing")
case("objects: no catalog", objects("tables", catalog_filter="nowhere"))
case("objects: no schema", objects("tables", catalog_filter="{catalog}", db_schema_filter="nowhere"))
case("objects: catalogs by a pattern", objects("catalogs", catalog_filter="{catalog}%"),
     served_postgresql="PostgreSQL's driver takes the name of a catalog for no pattern")
ONE_PLACE = "Flight SQL has one place for what may be NULL; this driver says it in GetObjects alone"
case("schema of a table", table_schema("article"), table_schema("line"), served_sqlite=ONE_PLACE, served_duckdb=ONE_PLACE)
case("schema of a table in a schema", table_schema("article", db_schema_filter="{schema}"), served_sqlite=ONE_PLACE,
     served_duckdb=ONE_PLACE)
case("schema of a view", table_schema("cheap"))
NOT_FOUND = "DuckDB's driver fails with INTERNAL; the drivers for Flight SQL say what the standard says"
NO_STATE_OF_LIST = "it is missing in the list of tables, which is no error of the database with a state"
case("schema of no table", table_schema("nowhere"), served_duckdb=NOT_FOUND, ours_postgresql=NO_STATE_OF_LIST)
case("schema of a table by a pattern", table_schema("artic%"), served_duckdb=NOT_FOUND, ours_postgresql=NO_STATE_OF_LIST)
case("types of tables", table_types)
case("what the database is", info("vendor_name", "vendor_version"))

# ---- errors ----

for text in ("SELEC 1", "SELECT", "SELECT nothing FROM article", "SELECT * FROM nowhere", "SELECT 'open", "SELECT (1",
             "SELECT nothing(1)", "CREATE TABLE article (a INTEGER)", "DROP TABLE nowhere", "INSERT INTO article (no) VALUES (1)",
             "INSERT INTO article (id, name) VALUES (4)", "INSERT INTO article (id, name) VALUES (1, 'again')",
             "INSERT INTO article (id, name) VALUES (4, 'pen')", "INSERT INTO article (id, name) VALUES (4, NULL)",
             "INSERT INTO article (id, name, stock) VALUES (4, 'cap', -1)", "UPDATE nowhere SET a = 1",
             "INSERT INTO article (id, name) VALUES ('x', 'cap')"):
    case(f"wrong, as a query: {text}", query(text))
    case(f"wrong, as a change: {text}", update(text), query(ALL))
    case(f"wrong, prepared: {text}", query(text, prepares=True))
case("a foreign key", update("INSERT INTO line VALUES ('2024-01-01', 77, 1)"), only=("postgresql", "duckdb"))
case("a division by zero", query("SELECT 1 / 0 AS c"))
case("a number that is too large", query("SELECT abs(-9223372036854775807 - id) AS c FROM article"), only=("sqlite",))
case("an error behind many rows", query(NUMBERS.format(5000) + "SELECT abs(-9223372036854770000 - x * 2) AS c FROM n"),
     only=("sqlite",))
case("an error behind many rows of a server", query("SELECT 1 / (70000 - x) AS c FROM generate_series(1, 80000) AS t(x)"),
     only=("postgresql",))
case("a text that is no number", query("SELECT CAST('x' AS INTEGER) AS c"))
IS_NO_QUERY = "the Go driver takes it for no query"
case("an empty text", query(""), go_sqlite=IS_NO_QUERY, go_duckdb=IS_NO_QUERY)
case("a comment alone", query("-- nothing"))
case("a semicolon alone", query(";"))
case("two statements", query("SELECT 1 AS a; SELECT 2 AS b"))
NO_STATE = "DuckDB's driver does not refuse it as the standard says"
case("no query to run", empty_statement("execute_query"), served_duckdb=NO_STATE)
case("no query to prepare", empty_statement("prepare"), served_duckdb=NO_STATE)
case("no parameters without a query", empty_statement("get_parameter_schema"), served_duckdb=NO_STATE)
case("an option that is not there", get_option("no.such"), set_option(**{"no.such": "1"}))
case("autocommit is an option", get_option("adbc.connection.autocommit"), begin, get_option("adbc.connection.autocommit"), end)
case("partitions", partitions("SELECT id FROM article ORDER BY id"),
     served="the driver has no partitions; a result by Flight SQL has one at least")


def cases_for(engine):
    return [found for found in CASES if engine in found.only]
