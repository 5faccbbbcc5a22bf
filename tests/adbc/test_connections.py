# SPDX-License-Identifier: Apache-2.0
"""Databases and connections: life, options, transactions, metadata. The names are those of the checks of ADBC's
validation suite where there is one."""

import adbc_driver_manager as adbc
import pyarrow as pa
import pytest

from conftest import fails_with, rows_of, schema_of, served

SQL = "adbc.flight.sql."
INVALID_ARGUMENT, INVALID_STATE, NOT_FOUND, NOT_IMPLEMENTED = (
    adbc.AdbcStatusCode.INVALID_ARGUMENT, adbc.AdbcStatusCode.INVALID_STATE, adbc.AdbcStatusCode.NOT_FOUND,
    adbc.AdbcStatusCode.NOT_IMPLEMENTED)


# ---- databases ----


@pytest.mark.parametrize("options, code, text", [
    ({}, INVALID_ARGUMENT, "uri"),
    ({"uri": "grpc://localhost:1", "unknown": "1"}, NOT_IMPLEMENTED, "unknown"),
    ({"uri": "postgresql://localhost"}, NOT_FOUND, "postgresql"),
    ({"uri": "flightsql://localhost:1?transport=mail"}, INVALID_ARGUMENT, "transport"),
    ({"uri": "grpc://h:1", SQL + "client_option.tls_skip_verify": "maybe"}, INVALID_ARGUMENT, "tls_skip_verify"),
    ({"uri": "grpc://h:1", SQL + "client_option.mtls_cert_chain": "x"}, INVALID_ARGUMENT, "mtls_private_key"),
    ({"uri": "grpc://h:1", SQL + "authorization_header": "x", "username": "y"}, INVALID_ARGUMENT, "exclude"),
    ({"uri": "grpc://h:1", SQL + "rpc.timeout_seconds.connect": "-1"}, INVALID_ARGUMENT, "seconds"),
    ({"uri": "grpc://h:1", SQL + "rpc.timeout_seconds.fetch": "soon"}, INVALID_ARGUMENT, "seconds"),
    ({"uri": "grpc://h:1", SQL + "client_option.with_max_msg_size": "0"}, INVALID_ARGUMENT, "above 0"),
    ({"uri": "grpc://h:1", SQL + "rpc.call_header.a b": "1"}, INVALID_ARGUMENT, ""),
])
def test_options_of_a_database_that_are_none(driver, options, code, text):
    def connect():
        with adbc.AdbcDatabase(driver=driver, **options) as database, adbc.AdbcConnection(database):
            pass
    assert text in fails_with(code, connect)


def test_options_of_a_database_are_read_back(driver):
    with adbc.AdbcDatabase(driver=driver, uri="flightsql://example.org:32010", username="u", password="p", **{
            SQL + "rpc.timeout_seconds.fetch": "90.5", SQL + "rpc.call_header.X-Thing": "yes"}) as database:
        assert database.get_option("uri") == "flightsql://example.org:32010"
        assert database.get_option(SQL + "rpc.timeout_seconds.connect") == "20s"
        assert database.get_option_float(SQL + "rpc.timeout_seconds.connect") == 20.0
        assert database.get_option(SQL + "rpc.timeout_seconds.fetch") == "1m30.5s"
        assert database.get_option(SQL + "rpc.call_header.x-thing") == "yes"
        database.set_options(**{SQL + "rpc.timeout_seconds.fetch": 0.25, SQL + "rpc.call_header.x-thing": "no"})
        assert database.get_option(SQL + "rpc.timeout_seconds.fetch") == "250ms"
        assert database.get_option(SQL + "rpc.call_header.x-thing") == "no"
        fails_with(NOT_FOUND, database.get_option, "password")
        fails_with(NOT_FOUND, database.get_option, "nothing")
        fails_with(INVALID_STATE, database.set_options, uri="grpc://other:1")


@pytest.mark.parametrize("uri, text", [("grpc://127.0.0.1:9", "127.0.0.1"), ("flightsql://127.0.0.1:9?transport=tcp", ""),
                                       ("flightsql://127.0.0.1:9", ""), ("flightsql:///no/socket?transport=unix", ""),
                                       ("cflight://127.0.0.1:9", ""), ("cflight://127.0.0.1:9?transport=tcp", "127.0.0.1")])
def test_no_server_is_an_error_of_io(driver, uri, text):
    with adbc.AdbcDatabase(driver=driver, uri=uri) as database, adbc.AdbcConnection(database) as connection:
        assert text in fails_with(adbc.AdbcStatusCode.IO, connection.get_table_types)


# ---- connections ----


def test_connection_autocommit_default_and_toggle(connect, lowlevel):
    assert lowlevel.get_option("adbc.connection.autocommit") == "true"
    fails_with(INVALID_STATE, lowlevel.commit)
    fails_with(INVALID_STATE, lowlevel.rollback)
    lowlevel.set_autocommit(False)
    assert lowlevel.get_option("adbc.connection.autocommit") == "false"
    lowlevel.commit()
    lowlevel.rollback()
    lowlevel.set_autocommit(True)
    fails_with(INVALID_STATE, lowlevel.commit)


def test_connection_concurrent(database):
    with adbc.AdbcConnection(database) as first, adbc.AdbcConnection(database) as second:
        for connection in (first, second, first):
            assert rows_of(connection.get_info([103])) == [(103, 1001000)]


def test_autocommit_turned_on_commits(connect, table):
    first, second = connect(autocommit=False), connect()
    with first.cursor() as cursor, second.cursor() as other:
        cursor.execute(f"CREATE TABLE {table} (a INT)")
        cursor.execute(f"INSERT INTO {table} VALUES (1)")
        first.adbc_connection.set_autocommit(True)
        other.execute(f"SELECT * FROM {table}")
        assert other.fetchall() == [(1,)]


def test_options_of_a_connection(lowlevel):
    lowlevel.set_options(**{"adbc.connection.readonly": "false", SQL + "rpc.timeout_seconds.query": 5,
                            "adbc.connection.transaction.isolation_level":
                            "adbc.connection.transaction.isolation.default",
                            SQL + "rpc.call_header.x-one": "1", "adbc.telemetry.trace_parent": "00-ab-cd-01"})
    assert lowlevel.get_option_int(SQL + "rpc.timeout_seconds.query") == 5
    assert lowlevel.get_option(SQL + "rpc.call_header.x-one") == "1"
    assert lowlevel.get_option("adbc.telemetry.trace_parent") == "00-ab-cd-01"
    lowlevel.set_options(**{SQL + "rpc.call_header.x-one": ""})
    fails_with(NOT_FOUND, lowlevel.get_option, SQL + "rpc.call_header.x-one")
    for key, value in (("adbc.connection.readonly", "true"), ("nothing", "1"),
                       ("adbc.connection.transaction.isolation_level", "serializable")):
        fails_with(NOT_IMPLEMENTED, lowlevel.set_options, **{key: value})
    fails_with(INVALID_ARGUMENT, lowlevel.set_options, **{"adbc.connection.autocommit": "perhaps"})


def test_options_that_are_set_before_the_start(database):
    with adbc.AdbcConnection(database, **{"adbc.connection.autocommit": "false"}) as connection:
        assert connection.get_option("adbc.connection.autocommit") == "false"
    fails_with(NOT_IMPLEMENTED, adbc.AdbcConnection, database, nothing="1")


def test_session_options(lowlevel):
    session = SQL + "session."
    for key, value in (("option.region", "north"), ("option.count", 7), ("option.ratio", 0.5),
                       ("optionbool.strict", "true"), ("optionstringlist.path", '["a", "b\\u00fc\\n"]')):
        lowlevel.set_options(**{session + key: value})
    lowlevel.set_options(**{"adbc.connection.catalog": "main", "adbc.connection.db_schema": "x"})
    assert lowlevel.get_option(session + "option.region") == "north"
    assert lowlevel.get_option_int(session + "option.count") == 7
    assert lowlevel.get_option_float(session + "option.ratio") == 0.5
    assert lowlevel.get_option(session + "optionbool.strict") == "true"
    assert lowlevel.get_option(session + "optionstringlist.path") == '["a","bü\\u000a"]'
    assert lowlevel.get_option("adbc.connection.catalog") == "main"
    assert lowlevel.get_option("adbc.connection.db_schema") == "x"
    assert '"count":7' in lowlevel.get_option(session + "options")
    lowlevel.set_options(**{session + "optionerase.region": ""})
    fails_with(NOT_FOUND, lowlevel.get_option, session + "option.region")
    for value in ("", "a", '["a"', '["a",]', '["a"] x', '["\\ud800"]', '["\\x"]', '[1]', '["a\n"]'):
        fails_with(INVALID_ARGUMENT, lowlevel.set_options, **{session + "optionstringlist.path": value})


def headers_of(connection):
    with connection.cursor() as cursor:
        cursor.execute("-- headers\nSELECT 1")
        return dict(cursor.fetchall())


def test_headers_of_calls(connect):
    connection = connect(**{SQL + "rpc.call_header.x-one": "1", SQL + "authorization_header": "Bearer x"})
    found = headers_of(connection)
    assert (found["x-one"], found["authorization"]) == ("1", "Bearer x")
    assert found["user-agent"].startswith("cflight-adbc-driver")
    connection.adbc_connection.set_options(**{SQL + "rpc.call_header.x-two": "2"})
    found = headers_of(connection)
    assert (found["x-one"], found["x-two"]) == ("1", "2")


def test_a_time_limit_is_one_of_the_call(connect):
    connection = connect(**{SQL + "rpc.timeout_seconds.fetch": "0.3"})
    with connection.cursor() as cursor:
        cursor.execute("-- endless\nSELECT 1")
        with pytest.raises((adbc.OperationalError, OSError), match="(?i)time|deadline|limit"):
            cursor.fetchall()


def test_a_login_is_made_once_and_again_when_the_token_is_refused(connect):
    with served("sqlite_server.py", "login") as uri:
        connection = connect(uri, username="ada", password="lovelace")
        for _ in range(10):  # more calls than a token is good for
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                assert cursor.fetchall() == [(1,)]
        for options in ({}, {"username": "ada", "password": "wrong"}):
            connection = connect(uri, **options)
            with connection.cursor() as cursor:
                fails_with(adbc.AdbcStatusCode.UNAUTHENTICATED, cursor.execute, "SELECT 1")


def test_connection_metadata_current_catalog(lowlevel):
    fails_with(NOT_FOUND, lowlevel.get_option, "adbc.connection.catalog")


# ---- metadata ----


def test_connection_metadata_get_info(connection):
    info = connection.adbc_get_info()
    assert info["vendor_name"] == "tests"
    assert info["driver_name"] == "cflight ADBC driver for Flight SQL"
    assert info["driver_version"].startswith("v")
    assert info["driver_adbc_version"] == 1001000


def test_get_info_of_some_codes(lowlevel):
    handle = lowlevel.get_info([103, 0, 4242, 508])
    assert rows_of(handle) == [(103, 1001000), (0, "tests"), (508, ["ENDLESS"])]


def test_connection_metadata_get_table_types(connection):
    assert connection.adbc_get_table_types() == ["table", "view"]


def test_connection_metadata_get_table_schema(lowlevel, connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (int64s BIGINT NOT NULL, strings TEXT)")
        cursor.execute(f"CREATE TABLE {table.replace('_', 'x')} (other TEXT)")  # matches as a pattern
    wanted = pa.schema([pa.field("int64s", pa.int64(), False), pa.field("strings", pa.string())])
    for place in ((None, None), ("main", None), ("main", "")):
        schema = schema_of(lowlevel.get_table_schema(*place, table))
        assert schema.remove_metadata() == wanted
    fails_with(NOT_FOUND, lowlevel.get_table_schema, None, None, table + "'; --")
    fails_with(NOT_FOUND, lowlevel.get_table_schema, None, None, "%")
    fails_with(NOT_FOUND, lowlevel.get_table_schema, "other", None, table)


def objects(connection, **filters):
    return connection.adbc_get_objects(**filters).read_all().to_pylist()


def tables_of(rows):
    return {table["table_name"]: table for catalog in rows for schema in catalog["catalog_db_schemas"]
            for table in schema["db_schema_tables"]}


def test_connection_metadata_get_objects_catalogs(connection):
    assert objects(connection, depth="catalogs") == [{"catalog_name": "main", "catalog_db_schemas": None}]
    assert objects(connection, depth="catalogs", catalog_filter="m_i%") != []
    assert objects(connection, depth="catalogs", catalog_filter="this catalog does not exist") == []


def test_connection_metadata_get_objects_db_schemas(connection):
    found = objects(connection, depth="db_schemas")
    assert found[0]["catalog_db_schemas"] == [{"db_schema_name": "", "db_schema_tables": None}]
    assert objects(connection, depth="db_schemas", db_schema_filter="nothing")[0]["catalog_db_schemas"] == []


def test_connection_metadata_get_objects_tables_and_types(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (a INT)")
        cursor.execute(f"CREATE VIEW {table}v AS SELECT 1 AS one")
    found = tables_of(objects(connection, depth="tables", table_name_filter=f"{table}%"))
    assert {name: row["table_type"] for name, row in found.items()} == {table: "table", table + "v": "view"}
    assert {row["table_columns"] for row in found.values()} == {None}
    views = objects(connection, depth="tables", table_types_filter=["view"], table_name_filter=f"{table}%")
    assert set(tables_of(views)) == {table + "v"}
    none = objects(connection, depth="tables", table_types_filter=["nothing"])
    assert none[0]["catalog_db_schemas"] == [{"db_schema_name": "", "db_schema_tables": []}]


def test_connection_metadata_get_objects_columns(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (int64s BIGINT NOT NULL, strings TEXT)")
    columns = tables_of(objects(connection, table_name_filter=table))[table]["table_columns"]
    assert [(column["column_name"], column["ordinal_position"], column["xdbc_data_type"], column["xdbc_nullable"],
             column["xdbc_is_nullable"]) for column in columns] == [("int64s", 1, -5, 0, "NO"),
                                                                    ("strings", 2, 12, 1, "YES")]
    some = objects(connection, table_name_filter=table, column_name_filter="str%")
    assert [column["ordinal_position"] for column in tables_of(some)[table]["table_columns"]] == [2]


def test_connection_metadata_get_objects_primary_and_foreign_keys(connect, table):
    connection = connect()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table}p (b INT, a INT, PRIMARY KEY (a, b))")
        cursor.execute(f"CREATE TABLE {table}q (id INTEGER PRIMARY KEY)")
        cursor.execute(f"CREATE TABLE {table}c (x INT, y INT, z INT, FOREIGN KEY (x, y) REFERENCES {table}p (a, b), "
                       f"FOREIGN KEY (z) REFERENCES {table}q (id), FOREIGN KEY (x) REFERENCES {table}q (id))")
    found = tables_of(objects(connection, table_name_filter=f"{table}%"))
    (primary,) = found[table + "p"]["table_constraints"]
    assert (primary["constraint_type"], primary["constraint_column_names"]) == ("PRIMARY KEY", ["a", "b"])
    assert primary["constraint_column_usage"] is None
    foreign = {tuple(key["constraint_column_names"]): key for key in found[table + "c"]["table_constraints"]}
    assert {key["constraint_type"] for key in foreign.values()} == {"FOREIGN KEY"}
    assert set(foreign) == {("x", "y"), ("z",), ("x",)}
    assert [(row["fk_table"], row["fk_column_name"]) for row in foreign["x", "y"]["constraint_column_usage"]] == [
        (table + "p", "a"), (table + "p", "b")]
    plain = connect(**{"adbc.cflight.objects.constraints": "false"})
    assert tables_of(objects(plain, table_name_filter=f"{table}%"))[table + "p"]["table_constraints"] == []


def test_statistics_are_not_there(lowlevel):
    fails_with(NOT_IMPLEMENTED, lowlevel.get_statistics)


# ---- errors ----


def test_errors_have_details(connection):
    with connection.cursor() as cursor, pytest.raises(adbc.ProgrammingError) as caught:
        cursor.execute("SELECT FROM")
    details = dict(caught.value.details)
    assert details[b"x-arrow-status"] == b"4"
    assert b"42000" in details[b"grpc-status-details-bin"]
    assert caught.value.vendor_code is None


def test_a_long_error_arrives(connection):
    with connection.cursor() as cursor, pytest.raises(adbc.ProgrammingError) as caught:
        cursor.execute("SELECT * FROM " + "x" * 100_000)
    assert 100 < len(str(caught.value)) < 20_000
