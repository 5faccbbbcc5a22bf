# SPDX-License-Identifier: Apache-2.0
"""The commands and programs on the guide's pages about databases, over SQLite."""

import os
import shutil
import subprocess
import sys

import cflight_command
import pytest
from conftest import ROOT

pytest.importorskip("adbc_driver_sqlite", reason="the driver for SQLite is not installed")
sys.path.insert(0, str(ROOT / "tests/guide"))

import database_page  # noqa: E402


@pytest.fixture
def page(driver, packages, tmp_path):
    """Gives a page; our driver is installed as the package, and by its name."""
    program = cflight_command.find_command()
    if program is None:
        pytest.fail("the command cflight is not built; set CFLIGHT_BIN")
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    manifest = (ROOT / "adbc/driver/cflight.toml.in").read_text().replace("@PROJECT_VERSION@", "1")
    (manifests / "cflight.toml").write_text(manifest.replace("libadbc_driver_cflight.so", driver))
    search = os.pathsep.join([str(packages), *map(os.path.abspath, filter(None, [os.environ.get("PYTHONPATH")]))])

    def make(name, **options):
        return database_page.Page(name, tmp_path, program, PYTHONPATH=search, ADBC_DRIVER_PATH=str(manifests), **options)
    return make


def test_serving_and_python(page):
    with page("serve-database.md") as guide:
        guide.run("Serve a database", "From Python")


def test_the_driver(page):
    with page("serve-database.md") as server, page("adbc-driver.md", port=server.port) as guide:
        server.run("Serve a database")
        guide.run("The ADBC driver", "pandas, polars, DuckDB, SQLAlchemy", "Moving from the Go driver")


def test_r(page):
    """Where R has the packages adbcdrivermanager and nanoarrow."""
    find = ["Rscript", "-e", "library(adbcdrivermanager)"]
    if shutil.which("Rscript") is None or subprocess.run(find, capture_output=True, check=False).returncode != 0:
        pytest.skip("R or its package adbcdrivermanager is not installed")
    with page("serve-database.md") as guide:
        guide.run("Serve a database", "From R")
