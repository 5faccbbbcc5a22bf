# SPDX-License-Identifier: Apache-2.0
"""The checks of ADBC's validation suite that are about connections, with `cflight serve sqlite:` behind the driver.
Each has the name of its check; validation.md lists them all."""

import adbc_driver_manager as adbc
import pyarrow as pa
import pytest

from conftest import execute, fails_with, reader_of, rows_of, sample_table, schema_of, table_of

CODES = adbc.AdbcStatusCode
DEPTHS = adbc.GetObjectsDepth


@pytest.fixture
def uri(gateway_uri):
    return gateway_uri


# ---- life ----


def test_new_init(database):
    with adbc.AdbcConnection(database) as connection:
        assert rows_of(connection.get_info([0])) == [(0, "SQLite")]


def test_concurrent(database):
    first, second = adbc.AdbcConnection(database), adbc.AdbcConnection(database)
    assert rows_of(first.get_table_types()) == rows_of(second.get_table_types()) != []
    first.close()
    assert rows_of(second.get_table_types()) != []
    second.close()


def test_autocommit_default(lowlevel):
    assert lowlevel.get_option("adbc.connection.autocommit") == "true"
    fails_with(CODES.INVALID_STATE, lowlevel.commit)
    fails_with(CODES.INVALID_STATE, lowlevel.rollback)
    fails_with(CODES.INVALID_ARGUMENT, lowlevel.set_options, **{"adbc.connection.autocommit": "invalid"})


def test_autocommit_toggle(lowlevel):
    for value in (True, False, False, True):
        lowlevel.set_autocommit(value)
        assert lowlevel.get_option("adbc.connection.autocommit") == str(value).lower()


# ---- metadata ----


def test_metadata_current_catalog(lowlevel):
    fails_with(CODES.NOT_FOUND, lowlevel.get_option, "adbc.connection.catalog")


def test_metadata_current_db_schema(lowlevel):
    fails_with(CODES.NOT_FOUND, lowlevel.get_option, "adbc.connection.db_schema")


INFO = pa.schema([
    pa.field("info_name", pa.uint32(), False),
    pa.field("info_value", pa.dense_union([
        pa.field("string_value", pa.string()), pa.field("bool_value", pa.bool_()),
        pa.field("int64_value", pa.int64()), pa.field("int32_bitmask", pa.int32()),
        pa.field("string_list", pa.list_(pa.string())),
        pa.field("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32())))]))])


def test_metadata_get_info(lowlevel):
    found = {}
    for code in (0, 1, 100, 101, 103):
        table = table_of(lowlevel.get_info([code]))
        assert table.schema == INFO
        found |= {row["info_name"]: row["info_value"] for row in table.to_pylist()}
    assert found[0] == "SQLite" and found[1].startswith("3.")
    assert found[100] == "cflight ADBC driver for Flight SQL" and found[101].startswith("v")
    assert found[103] == 1001000


def test_metadata_get_table_schema(lowlevel, table):
    sample_table(lowlevel, table)
    assert schema_of(lowlevel.get_table_schema(None, None, table)).remove_metadata() == pa.schema([
        ("int64s", pa.int64()), ("strings", pa.string())])


def test_metadata_get_table_schema_db_schema(lowlevel, table):
    sample_table(lowlevel, table)
    assert len(schema_of(lowlevel.get_table_schema(None, "", table))) == 2
    fails_with(CODES.NOT_FOUND, lowlevel.get_table_schema, None, "otherschema", table)


def test_metadata_get_table_schema_escaping(lowlevel):
    fails_with(CODES.NOT_FOUND, lowlevel.get_table_schema, None, None, "(SELECT CURRENT_TIME)")


def test_metadata_get_table_schema_not_found(lowlevel):
    fails_with(CODES.NOT_FOUND, lowlevel.get_table_schema, None, None, "thistabledoesnotexist")


def test_metadata_get_table_types(lowlevel):
    table = table_of(lowlevel.get_table_types())
    assert table.schema == pa.schema([pa.field("table_type", pa.string(), False)])
    assert table["table_type"].to_pylist() == ["table", "view"]


# ---- objects ----

USAGE = pa.struct([pa.field("fk_catalog", pa.string()), pa.field("fk_db_schema", pa.string()),
                   pa.field("fk_table", pa.string(), False), pa.field("fk_column_name", pa.string(), False)])
CONSTRAINT = pa.struct([pa.field("constraint_name", pa.string()), pa.field("constraint_type", pa.string(), False),
                        pa.field("constraint_column_names", pa.list_(pa.string()), False),
                        pa.field("constraint_column_usage", pa.list_(USAGE))])
COLUMN = pa.struct([pa.field("column_name", pa.string(), False)] + [pa.field(name, kind) for name, kind in {
    "ordinal_position": pa.int32(), "remarks": pa.string(), "xdbc_data_type": pa.int16(),
    "xdbc_type_name": pa.string(), "xdbc_column_size": pa.int32(), "xdbc_decimal_digits": pa.int16(),
    "xdbc_num_prec_radix": pa.int16(), "xdbc_nullable": pa.int16(), "xdbc_column_def": pa.string(),
    "xdbc_sql_data_type": pa.int16(), "xdbc_datetime_sub": pa.int16(), "xdbc_char_octet_length": pa.int32(),
    "xdbc_is_nullable": pa.string(), "xdbc_scope_catalog": pa.string(), "xdbc_scope_schema": pa.string(),
    "xdbc_scope_table": pa.string(), "xdbc_is_autoincrement": pa.bool_(),
    "xdbc_is_generatedcolumn": pa.bool_()}.items()])
TABLE = pa.struct([pa.field("table_name", pa.string(), False), pa.field("table_type", pa.string(), False),
                   pa.field("table_columns", pa.list_(COLUMN)), pa.field("table_constraints", pa.list_(CONSTRAINT))])
DB_SCHEMA = pa.struct([("db_schema_name", pa.string()), ("db_schema_tables", pa.list_(TABLE))])
OBJECTS = pa.schema([("catalog_name", pa.string()), ("catalog_db_schemas", pa.list_(DB_SCHEMA))])


def objects(connection, depth, **filters):
    table = table_of(connection.get_objects(depth, **filters))
    assert table.schema == OBJECTS
    return table.to_pylist()


def tables(connection, depth=DEPTHS.ALL, **filters):
    """What GetObjects has of tables: by name."""
    return {table["table_name"]: table for catalog in objects(connection, depth, **filters)
            for schema in catalog["catalog_db_schemas"] for table in schema["db_schema_tables"]}


def test_metadata_get_objects_catalogs(lowlevel):
    assert objects(lowlevel, DEPTHS.CATALOGS) == [{"catalog_name": "main", "catalog_db_schemas": None}]
    assert objects(lowlevel, DEPTHS.CATALOGS, catalog="this catalog does not exist") == []


def test_metadata_get_objects_db_schemas(lowlevel):
    (catalog,) = objects(lowlevel, DEPTHS.DB_SCHEMAS)
    assert [schema["db_schema_tables"] for schema in catalog["catalog_db_schemas"]] == [None]
    for catalog in objects(lowlevel, DEPTHS.DB_SCHEMAS, db_schema="this schema does not exist"):
        assert catalog["catalog_db_schemas"] == []


def test_metadata_get_objects_tables(lowlevel, table):
    sample_table(lowlevel, table)
    for name, exists in ((None, True), (table[:-1] + "%", True), ("asdf%", False)):
        found = tables(lowlevel, DEPTHS.TABLES, table_name=name)
        assert (table in found) == exists
        assert all(row["table_columns"] is None and row["table_constraints"] is None for row in found.values())


def test_metadata_get_objects_tables_types(lowlevel, table):
    sample_table(lowlevel, table)
    assert tables(lowlevel, DEPTHS.TABLES, table_types=["this_table_type_does_not_exist"]) == {}
    assert table in tables(lowlevel, DEPTHS.TABLES, table_types=["table"])


def test_metadata_get_objects_columns(lowlevel, table):
    sample_table(lowlevel, table)
    both = [("int64s", 1), ("strings", 2)]
    for name, expected in ((None, both), ("in%", both[:1]), ("strings", both[1:]), ("asdf%", [])):
        columns = tables(lowlevel, table_name=table, column_name=name)[table]["table_columns"]
        assert [(column["column_name"], column["ordinal_position"]) for column in columns] == expected


def test_metadata_get_objects_constraints(lowlevel, table):
    sample_table(lowlevel, table)
    assert tables(lowlevel, table_name=table)[table]["table_constraints"] == []


def test_metadata_get_objects_primary_key(lowlevel, table):
    execute(lowlevel, f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)")
    execute(lowlevel, f"CREATE TABLE {table}_c (id_primary_col1 INT, id_primary_col2 INT, "
                      "PRIMARY KEY (id_primary_col1, id_primary_col2))")
    found = tables(lowlevel)
    for name, names in ((table, ["id"]), (table + "_c", ["id_primary_col1", "id_primary_col2"])):
        assert [column["column_name"] for column in found[name]["table_columns"]] == names
        (key,) = found[name]["table_constraints"]
        assert (key["constraint_type"], key["constraint_column_names"]) == ("PRIMARY KEY", names)


def test_metadata_get_objects_foreign_key(lowlevel, table):
    execute(lowlevel, f"CREATE TABLE {table}_1 (id INTEGER PRIMARY KEY)")
    execute(lowlevel, f"CREATE TABLE {table}_2 (p1 INT, p2 INT, PRIMARY KEY (p1, p2))")
    execute(lowlevel, f"CREATE TABLE {table} (c1 INT PRIMARY KEY, c2 INT, c3 INT, FOREIGN KEY (c3) REFERENCES "
                      f"{table}_1 (id), FOREIGN KEY (c1, c2) REFERENCES {table}_2 (p1, p2))")
    child = tables(lowlevel)[table]
    assert [column["column_name"] for column in child["table_columns"]] == ["c1", "c2", "c3"]
    keys = {len(key["constraint_column_usage"] or []): key for key in child["table_constraints"]}
    assert len(child["table_constraints"]) == len(keys) == 3
    assert (keys[0]["constraint_type"], keys[0]["constraint_column_names"]) == ("PRIMARY KEY", ["c1"])
    assert {keys[1]["constraint_type"], keys[2]["constraint_type"]} == {"FOREIGN KEY"}
    assert [keys[count]["constraint_column_names"] for count in (1, 2)] == [["c3"], ["c1", "c2"]]
    assert [[tuple(usage.values()) for usage in keys[count]["constraint_column_usage"]] for count in (1, 2)] == [
        [("main", "", table + "_1", "id")], [("main", "", table + "_2", "p1"), ("main", "", table + "_2", "p2")]]


def test_metadata_get_objects_cancel(lowlevel):
    reader = reader_of(lowlevel.get_objects(DEPTHS.CATALOGS))
    lowlevel.cancel()
    with pytest.raises(OSError, match="cancelled"):
        reader.read_all()


def test_metadata_get_statistic_names(lowlevel):
    table = table_of(lowlevel.get_statistic_names())
    assert table.schema == pa.schema([pa.field("statistic_name", pa.string(), False),
                                      pa.field("statistic_key", pa.int16(), False)])
    assert table.num_rows == 0
