# SPDX-License-Identifier: Apache-2.0
"""The driver, and servers for it. Needs the Python module (PYTHONPATH=build/python/python), which the servers are
written in, and the driver from the same build (or CFLIGHT_ADBC_DRIVER)."""

import contextlib
import itertools
import os
import pathlib
import subprocess
import sys

import adbc_driver_manager
import adbc_driver_manager.dbapi
import pyarrow as pa
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

import cflight_command  # noqa: E402
import cflight_driver  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
NAMES = itertools.count(1)
COOKIES = "adbc.flight.sql.rpc.with_cookie_middleware"


@pytest.fixture(scope="session")
def driver():
    """The path of the driver."""
    path = cflight_driver.find_driver()
    if path is None:
        pytest.fail("the driver is not built")
    return str(path)


@pytest.fixture(scope="session")
def packages(driver, tmp_path_factory):
    """A folder with the package adbc_driver_cflight."""
    folder = tmp_path_factory.mktemp("packages")
    cflight_driver.put_package(folder, driver)
    return folder


@contextlib.contextmanager
def served(script, *arguments):
    """The location of a server that a script of this folder runs."""
    command = [sys.executable, HERE / script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        if not line:
            pytest.fail(f"{script} has ended: {process.wait(timeout=30)}")
        try:
            yield line.split()[-1]
        finally:
            process.stdin.close()
            assert process.wait(timeout=30) == 0


@pytest.fixture(scope="session")
def uri():
    """The location of a server over SQLite, which all tests share: that of CFLIGHT_ADBC_URI, or one of ours."""
    given = os.environ.get("CFLIGHT_ADBC_URI")
    with contextlib.nullcontext(given) if given else served("sqlite_server.py") as location:
        yield location


@contextlib.contextmanager
def served_by_gateway(file):
    """`cflight serve sqlite:` over a file, with the driver for SQLite of the environment the tests run in."""
    pytest.importorskip("adbc_driver_sqlite", reason="the driver for SQLite is not installed")
    command = cflight_command.find_command()
    if command is None:
        pytest.fail("the command cflight is not built; set CFLIGHT_BIN")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRTUAL_ENV", sys.prefix)
        with cflight_command.Command(command).serving(f"sqlite:{file}") as server:
            yield server


@pytest.fixture(scope="module")
def gateway_uri(tmp_path_factory):
    """The location of `cflight serve sqlite:` over an empty file."""
    file = tmp_path_factory.mktemp("gateway") / "file.db"
    file.touch()
    with served_by_gateway(file) as server:
        yield server.location


@pytest.fixture
def connect(driver, uri):
    """Makes connections of the DBAPI, with autocommit unless told otherwise."""
    with contextlib.ExitStack() as stack:
        def make(uri=uri, autocommit=True, conn_kwargs=None, **options):
            made = adbc_driver_manager.dbapi.connect(driver=driver, db_kwargs={"uri": uri, **options},
                                                     conn_kwargs=conn_kwargs, autocommit=autocommit)
            return stack.enter_context(contextlib.closing(made))
        yield make


@pytest.fixture
def connection(connect):
    return connect()


@pytest.fixture
def database(driver, uri):
    """A database of the low-level interface."""
    with adbc_driver_manager.AdbcDatabase(driver=driver, uri=uri) as made:
        yield made


@pytest.fixture
def lowlevel(database):
    """A connection of the low-level interface."""
    with adbc_driver_manager.AdbcConnection(database) as made:
        yield made


@pytest.fixture
def table():
    """A name that no other test uses."""
    return f"t{os.getpid()}_{next(NAMES)}"


def reader_of(handle):
    """A stream of the low-level interface."""
    return pa.RecordBatchReader._import_from_c(handle.address)


def table_of(handle):
    """All rows of such a stream."""
    return reader_of(handle).read_all()


def rows_of(handle):
    """The same, as tuples."""
    return [tuple(row.values()) for row in table_of(handle).to_pylist()]


def schema_of(handle):
    """A schema of the low-level interface."""
    return pa.Schema._import_from_c(handle.address)


def query(connection, text):
    """The rows of a query, through the low-level interface."""
    with adbc_driver_manager.AdbcStatement(connection) as statement:
        statement.set_sql_query(text)
        return rows_of(statement.execute_query()[0])


def execute(connection, text):
    """Runs an update through the low-level interface."""
    with adbc_driver_manager.AdbcStatement(connection) as statement:
        statement.set_sql_query(text)
        return statement.execute_update()


def sample_table(connection, name):
    """Makes the table of three rows that checks of ADBC's validation suite are about."""
    execute(connection, f"CREATE TABLE {name} (int64s BIGINT, strings TEXT)")
    assert execute(connection, f"INSERT INTO {name} VALUES (42, 'foo'), (-42, NULL), (NULL, '')") == 3


def fails_with(code, function, *arguments, **options):
    """Checks the code of an error and gives its text."""
    with pytest.raises(adbc_driver_manager.Error) as caught:
        function(*arguments, **options)
    assert caught.value.status_code == code, caught.value
    return str(caught.value)
