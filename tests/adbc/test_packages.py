# SPDX-License-Identifier: Apache-2.0
"""The Python packages over the driver, the manifest, and programs that take a DBAPI connection."""

import pathlib
import subprocess
import sys

import pandas
import polars
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def package(driver, tmp_path, monkeypatch):
    """The package adbc_driver_cflight as its wheel has it, to be imported by programs."""
    folder = tmp_path / "adbc_driver_cflight"
    folder.mkdir()
    for file in (ROOT / "adbc/python/adbc_driver_cflight").glob("*.py"):
        (folder / file.name).write_text(file.read_text())
    (folder / "libadbc_driver_cflight.so").symlink_to(pathlib.Path(driver).resolve())
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")


def run(program, *arguments):
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


QUERY = """
with connection, connection.cursor() as cursor:
    cursor.execute("SELECT 42 AS n")
    print(cursor.fetch_arrow_table().to_pylist())
"""


def test_the_package(package, uri):
    assert run("import sys, adbc_driver_cflight.dbapi as dbapi\n"
               "connection = dbapi.connect(sys.argv[1], autocommit=True)" + QUERY, uri) == "[{'n': 42}]"
    assert run("import sys, adbc_driver_cflight as driver\nwith driver.connect(sys.argv[1]) as database:\n"
               "    print(database.get_option('uri') == sys.argv[1])", uri) == "True"


def test_the_module_uses_it(package, uri):
    assert run("import sys, cflight.dbapi\nconnection = cflight.dbapi.connect(sys.argv[1])" + QUERY,
               uri) == "[{'n': 42}]"


def test_a_manifest_is_enough(driver, uri, tmp_path, monkeypatch):
    text = (ROOT / "adbc/driver/cflight.toml.in").read_text().replace("@PROJECT_VERSION@", "1")
    (tmp_path / "cflight.toml").write_text(text)
    monkeypatch.setenv("ADBC_DRIVER_PATH", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(pathlib.Path(driver).resolve().parent))
    assert run("import sys, cflight.dbapi\nconnection = cflight.dbapi.connect(sys.argv[1])" + QUERY,
               uri) == "[{'n': 42}]"


def test_pandas(connection, table):
    frame = pandas.DataFrame({"n": [1, 2, 3], "t": ["a", "b", "c"]})
    assert frame.to_sql(table, connection, index=False) == 3
    found = pandas.read_sql(f"SELECT n, t FROM {table} WHERE n > 1", connection)
    assert found.to_dict("list") == {"n": [2, 3], "t": ["b", "c"]}


def test_polars(connection, table):
    frame = polars.DataFrame({"n": [1, 2, None], "t": ["a", "b", "c"]})
    assert frame.write_database(table, connection, engine="adbc") == 3
    found = polars.read_database(f"SELECT n, t FROM {table} WHERE n IS NULL OR n = 1", connection)
    assert found.to_dict(as_series=False) == {"n": [1, None], "t": ["a", "c"]}
