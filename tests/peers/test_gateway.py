# SPDX-License-Identifier: Apache-2.0
"""The JDBC driver, as DBeaver uses it, and the Go driver against `cflight serve`; tests/peers/jdbc has JDBC's calls."""

import contextlib
import sqlite3
import sys

import adbc_driver_flightsql.dbapi
import cflight_command
import duckdb
import pytest
from test_sql_jdbc import Driver

pytestmark = pytest.mark.timeout(900)  # the first time the peer is built

SHOP = """
    CREATE TABLE article (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, price DOUBLE);
    CREATE TABLE sale (day VARCHAR, article INTEGER REFERENCES article (id), PRIMARY KEY (day, article));
    CREATE VIEW cheap AS SELECT * FROM article WHERE price < 1;
    INSERT INTO article VALUES (1, 'pen', 0.5), (2, 'book', 12.25), (3, 'ink', NULL);
    INSERT INTO sale VALUES ('2026-01-02', 1);
"""


@pytest.fixture(name="server", scope="module", params=["sqlite", "duckdb"])
def serve(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    if request.param == "sqlite":
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.executescript(SHOP)
    else:
        with duckdb.connect(str(path)) as database:
            database.execute(SHOP)
    program = cflight_command.Command(cflight_command.find_command())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRTUAL_ENV", sys.prefix)
        with program.serving(f"{request.param}:{path}") as server:
            yield server


@pytest.fixture(name="driver", scope="module")
def start_driver(server, peer, run):
    with run([*peer("jdbc"), f"jdbc:arrow-flight-sql://localhost:{server.port}/?useEncryption=false"]) as process:
        yield Driver(process, server)


@pytest.mark.parametrize("case", ["connect", "getters", "dbeaverConnects", "dbeaverBrowses", "dbeaverShowsRows",
                                  "dbeaverChangesRows"])
def test_dbeaver(driver, case):
    driver.run(case)


def test_the_go_driver_lists(server):
    """At each depth, with each filter; the keys that only our driver lists are left out."""
    with adbc_driver_flightsql.dbapi.connect(server.location, autocommit=True) as connection:
        assert connection.adbc_get_info()["driver_name"]
        assert {"table", "view"} & {kind.lower() for kind in connection.adbc_get_table_types()}
        for depth in ("catalogs", "db_schemas", "tables", "columns", "all"):
            assert connection.adbc_get_objects(depth=depth).read_all().num_rows > 0
        found = connection.adbc_get_objects(table_name_filter="art%", column_name_filter="%ic%").read_all().to_pylist()
        tables = [table for catalog in found for schema in catalog["catalog_db_schemas"]
                  for table in schema["db_schema_tables"]]
        assert [(table["table_name"], [column["column_name"] for column in table["table_columns"]])
                for table in tables] == [("article", ["price"])]
        assert connection.adbc_get_table_schema("article").names == ["id", "name", "price"]
        assert connection.adbc_get_objects(catalog_filter="nothing").read_all().num_rows == 0
