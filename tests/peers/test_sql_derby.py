# SPDX-License-Identifier: Apache-2.0
"""The Flight SQL client against Java's examples of servers, over Derby: through Python, and the command."""

import pyarrow as pa
import pytest

from cflight import sql

pytestmark = pytest.mark.timeout(900)  # the first time the peer is built

FOREIGN_KEY = {"pk_table_name": "FOREIGNTABLE", "pk_column_name": "ID", "fk_table_name": "INTTABLE", "fk_column_name": "FOREIGNID"}


def served(peer, run, kind, port, folder):
    """Runs one of the examples; their endpoints name the location that they were given."""
    return run([*peer("derby"), kind, str(port)], cwd=folder)


@pytest.fixture(name="location", scope="module")
def start_derby(peer, run, free_port, tmp_path_factory):
    port = free_port()
    with served(peer, run, "stateful", port, tmp_path_factory.mktemp("derby")) as process:
        assert process.stdout.readline() == f"{port}\n"
        yield f"grpc://127.0.0.1:{port}"


@pytest.fixture(name="client", scope="module")
def connect(location):
    with sql.connect(location) as client:
        yield client


def rows(reader):
    return reader.read_all().to_pylist()


def test_queries(client):
    assert rows(client.query("VALUES 1, 2")) == [{"1": 1}, {"1": 2}]
    found = rows(client.query("SELECT * FROM intTable ORDER BY id"))
    assert [row["KEYNAME"] for row in found] == ["one", "zero", "negative one"]
    assert rows(client.query("SELECT * FROM intTable WHERE id < 0")) == []


def test_metadata(client):
    assert rows(client.catalogs()) == []
    assert {"catalog_name": None, "db_schema_name": "APP"} in rows(client.schemas())
    assert rows(client.schemas(schema_pattern="AP_")) == [{"catalog_name": None, "db_schema_name": "APP"}]
    tables = client.tables(table_pattern="INT%", table_types=["TABLE"], include_schema=True).read_all()
    assert tables.select([0, 1, 2, 3]).to_pylist() == [
        {"catalog_name": None, "db_schema_name": "APP", "table_name": "INTTABLE", "table_type": "TABLE"}]
    schema = client.table_schema("INTTABLE", schema="APP")
    assert schema.names == ["ID", "KEYNAME", "VALUE", "FOREIGNID"]
    assert schema.field("KEYNAME").metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"VARCHAR"
    assert {"table_type": "SYSTEM TABLE"} in rows(client.table_types())
    (key,) = rows(client.primary_keys("INTTABLE", schema="APP"))
    assert (key["column_name"], key["key_sequence"]) == ("ID", 1)
    for keys in (client.imported_keys("INTTABLE", schema="APP"), client.exported_keys("FOREIGNTABLE", schema="APP"),
                 client.cross_reference("FOREIGNTABLE", "INTTABLE")):
        (key,) = rows(keys)
        assert FOREIGN_KEY.items() <= key.items()
    assert "BIGINT" in client.type_info().read_all()["type_name"].to_pylist()


def test_sql_info(client):
    info = client.sql_info()
    assert info["FLIGHT_SQL_SERVER_NAME"] == "Apache Derby"
    assert info["SQL_IDENTIFIER_QUOTE_CHAR"] == '"'
    assert client.sql_info([0]) == {"FLIGHT_SQL_SERVER_NAME": "Apache Derby"}


def test_updates(client):
    assert client.update("CREATE TABLE birds (id INT, name VARCHAR(100))") == 0
    assert client.update("INSERT INTO birds VALUES (1, 'wren'), (2, 'owl')") == 2
    assert client.update("UPDATE birds SET name = 'kite' WHERE id = 2") == 1
    assert rows(client.query("SELECT * FROM birds ORDER BY id")) == [{"ID": 1, "NAME": "wren"}, {"ID": 2, "NAME": "kite"}]
    assert client.update("DROP TABLE birds") == 0


def test_prepared_statements(client):
    """One without rows runs for the batch of none that goes along: such a server runs one for each batch."""
    with client.prepare("CREATE TABLE nests (id INT, place VARCHAR(100))") as statement:
        assert (statement.schema, statement.is_update) == (None, None)
        assert statement.update() == 0
    with client.prepare("INSERT INTO nests VALUES (?, ?)") as statement:
        assert [str(kind) for kind in statement.parameters.types] == ["int32", "string"]
        assert statement.update(pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["oak", "elm"]})) == 2
    with client.prepare("SELECT place FROM nests WHERE id = ?") as statement:
        assert statement.schema.names == ["PLACE"]
        for number, place in [(1, "oak"), (2, "elm")]:
            statement.bind(pa.table({"a": pa.array([number], pa.int32())}))
            assert rows(statement.query()) == [{"PLACE": place}]
    with client.prepare("DELETE FROM nests") as statement:
        assert statement.update() == 2
    assert client.update("DROP TABLE nests") == 0


def test_ingest(client):
    assert client.update("CREATE TABLE eggs (id INT, color VARCHAR(100))") == 0
    table = pa.table({"ID": pa.array([1, 2], pa.int32()), "COLOR": ["blue", "white"]})
    assert client.ingest("EGGS", table, mode="append") == -1  # it does not tell
    assert rows(client.query("SELECT count(*) AS n FROM eggs")) == [{"N": 2}]
    with pytest.raises(NotImplementedError, match="TABLE_NOT_EXIST_OPTION_FAIL"):
        client.ingest("EGGS", table, mode="create")
    assert client.update("DROP TABLE eggs") == 0


def test_what_it_lacks_is_told(client):
    with pytest.raises(NotImplementedError, match="BeginTransaction"):
        client.transaction()
    with pytest.raises(NotImplementedError, match="CommandStatementQuery"):
        client.query_schema("VALUES 1")
    with pytest.raises(Exception, match="Table/View 'NOWHERE' does not exist"):
        client.prepare("SELECT * FROM nowhere")
    with pytest.raises(Exception, match="Table/View 'NOWHERE' does not exist"):
        client.update("DELETE FROM nowhere")


def test_the_command(command, location, tmp_path):
    for statement, said in [("CREATE TABLE owls (id INT)", "0 rows affected"),
                            ("INSERT INTO owls VALUES (1), (2)", "2 rows affected"),
                            ("SELECT * FROM owls WHERE id > 1", "2\ncflight: 1 row")]:
        assert said in command("sql", location, statement)
    with pa.OSFile(str(tmp_path / "owls.arrow"), "wb") as file, pa.ipc.new_file(file, pa.schema([("ID", pa.int32())])) as out:
        out.write_table(pa.table({"ID": pa.array([7, 8, 9], pa.int32())}))
    command("ingest", location, "OWLS", tmp_path / "owls.arrow", "--mode", "append")
    assert "5" in command("sql", location, "SELECT count(*) FROM owls")
    assert "OWLS" in command("tables", location, "OW%")
    assert "does not exist" in command("sql", location, "DELETE FROM nowhere", status=1)
    assert "0 rows affected" in command("sql", location, "DROP TABLE owls")


def test_a_handle_is_replaced(peer, run, free_port, tmp_path):
    """The stateless example puts what is bound into a new handle, which runs from then on."""
    port = free_port()
    with served(peer, run, "stateless", port, tmp_path) as process:
        assert process.stdout.readline() == f"{port}\n"
        with sql.connect(f"grpc://127.0.0.1:{port}") as client:
            with client.prepare("SELECT keyName FROM intTable WHERE id = ?") as statement:
                statement.bind(pa.table({"id": pa.array([2], pa.int32())}))
                assert rows(statement.query()) == [{"KEYNAME": "zero"}]
