# SPDX-License-Identifier: Apache-2.0
"""Puts the shared helpers in reach of the tests here, and finds the command and the test data."""

import contextlib
import pathlib
import subprocess
import sys

import pytest

for folder in ("support", "python"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))

import cflight_command  # noqa: E402


@pytest.fixture(scope="session")
def cflight():
    """The command cflight (cflight_command.Command)."""
    path = cflight_command.find_command()
    if path is None:
        pytest.fail("the command cflight is not built; set CFLIGHT_BIN")
    return cflight_command.Command(path)


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """A directory of certificates; see tests/support/make_certs.c for their names."""
    directory = tmp_path_factory.mktemp("certs")
    subprocess.run([cflight_command.find_program("make_certs"), directory], check=True, env=cflight_command.environment())
    return directory


@pytest.fixture(scope="session")
def shared_data():
    """The directory of shared test data."""
    path = cflight_command.find_data()
    if path is None:
        pytest.skip("no test data at ../shared/data; set CFLIGHT_TEST_DATA")
    return path


def start_sql_service():
    """A Flight SQL server (tests/unit/sql/sql_engine.h has its language)."""
    return subprocess.Popen([cflight_command.find_program("sql_service")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)


@contextlib.contextmanager
def run_sql_service():
    """The location of a fresh Flight SQL server."""
    with start_sql_service() as process:
        yield process.stdout.readline().strip()
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@pytest.fixture
def mortal_sql_service():
    """A Flight SQL server that a test kills: its process and its location."""
    with start_sql_service() as process:
        yield process, process.stdout.readline().strip()
        process.kill()


@pytest.fixture(scope="module")
def sql_service():
    """The location of a Flight SQL server that the tests of a file share."""
    with run_sql_service() as location:
        yield location


@pytest.fixture
def fresh_sql_service():
    """The location of a Flight SQL server of the test's own."""
    with run_sql_service() as location:
        yield location
