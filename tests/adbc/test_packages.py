# SPDX-License-Identifier: Apache-2.0
"""The Python packages over the driver, and the manifest."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def package(packages, monkeypatch):
    """The package adbc_driver_cflight, to be imported by programs."""
    monkeypatch.setenv("PYTHONPATH", str(packages), prepend=":")


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
