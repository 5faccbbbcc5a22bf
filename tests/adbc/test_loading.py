# SPDX-License-Identifier: Apache-2.0
"""The driver as a library: what it exports, beside other drivers, loaded and unloaded, after fork, its threads."""

import subprocess
import sys

import adbc_driver_manager as adbc
import pytest

PRELUDE = """
import ctypes, os, sys, threading
import adbc_driver_manager as adbc
import pyarrow
driver, uri = sys.argv[1:]

def rows(driver=driver, entrypoint="AdbcDriverInit"):
    with (adbc.AdbcDatabase(driver=driver, entrypoint=entrypoint, uri=uri) as database,
          adbc.AdbcConnection(database) as connection, adbc.AdbcStatement(connection) as statement):
        statement.set_sql_query("SELECT 42")
        handle, _ = statement.execute_query()
        return pyarrow.RecordBatchReader._import_from_c(handle.address).read_all().num_rows

def threads():
    return len(os.listdir("/proc/self/task"))
"""


@pytest.fixture
def run(driver, uri):
    """Runs a program that loads the driver in a process of its own; gives what it prints."""
    def function(source):
        done = subprocess.run([sys.executable, "-c", PRELUDE + source, driver, uri], capture_output=True, text=True,
                              timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()
    return function


def test_only_the_two_names_are_exported(driver):
    found = subprocess.run(["nm", "-D", "--defined-only", driver], capture_output=True, text=True, check=True).stdout
    assert {line.split()[-1] for line in found.splitlines()} == {"AdbcDriverInit", "AdbcDriverCflightInit"}


def test_it_is_small(driver, tmp_path):
    stripped = tmp_path / "driver.so"
    subprocess.run(["strip", "-o", stripped, driver], check=True)
    assert stripped.stat().st_size < 1_500_000


def test_managers_find_the_name_of_the_file(driver, uri):
    with adbc.AdbcDatabase(driver=driver, uri=uri) as database, adbc.AdbcConnection(database) as connection:
        assert connection.get_info([103]) is not None
    with adbc.AdbcDatabase(driver=driver, entrypoint="AdbcDriverCflightInit", uri=uri) as database:
        assert database.get_option("uri") == uri


def test_it_starts_no_thread(run):
    assert run("pyarrow.cpu_count(); rows(); before = threads(); rows(); print(threads() - before)") == "0"
    assert run("""
pyarrow.array([1])
before = threads()
with adbc.AdbcDatabase(driver=driver, uri=uri) as database, adbc.AdbcConnection(database) as connection:
    connection.set_autocommit(False)
    print(threads() - before)
""") == "0"


def test_it_can_be_loaded_and_unloaded(run):
    assert run("""
library = ctypes.CDLL(None)
library.dlopen.restype = ctypes.c_void_p
library.dlclose.argtypes = [ctypes.c_void_p]
name = os.path.basename(driver)
rows()
for _ in range(1000):
    handle = library.dlopen(driver.encode(), 2)
    assert handle
    ctypes.CDLL(driver, handle=handle).AdbcDriverInit(1000000, ctypes.create_string_buffer(29 * 8), None)
    library.dlclose(handle)
print(rows())
""") == "1"


def test_a_child_goes_on_with_what_it_makes(run):
    assert run("""
rows()
child = os.fork()
if child == 0:
    os._exit(0 if rows() == 1 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), rows())
""") == "0 1"


def test_beside_the_go_driver(run):
    assert run("""
import adbc_driver_flightsql
go = adbc_driver_flightsql._driver_path(), "AdbcDriverFlightsqlInit"
print(rows(), rows(*go), rows(), rows(*go))
""") == "1 1 1 1"
    assert run("""
import adbc_driver_flightsql
print(rows(adbc_driver_flightsql._driver_path(), "AdbcDriverFlightsqlInit"), rows())
import grpc
print(rows())
""") == "1 1\n1"
