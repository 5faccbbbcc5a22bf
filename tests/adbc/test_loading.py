# SPDX-License-Identifier: Apache-2.0
"""The driver as a library: what it exports, beside other drivers, loaded and unloaded, after fork, its threads."""

import itertools
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
    found = subprocess.run(["readelf", "--dynamic", stripped], capture_output=True, text=True, check=True).stdout
    needed = {line.split("[")[1].split(".so")[0] for line in found.splitlines() if "(NEEDED)" in line}
    assert needed <= {"libc", "libm", "libdl", "libpthread", "ld-linux-x86-64", "ld-linux-aarch64", "libssl", "libcrypto",
                      "libzstd", "libz", "liburiparser"}, needed


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


def test_it_can_be_loaded_used_and_unloaded(run):
    """A thousand times, each of them until the system has it no more; nothing is left of that."""
    assert run("""
FUNCTIONS = ('release DatabaseInit DatabaseNew DatabaseSetOption DatabaseRelease ConnectionCommit ConnectionGetInfo '
             'ConnectionGetObjects ConnectionGetTableSchema ConnectionGetTableTypes ConnectionInit ConnectionNew '
             'ConnectionSetOption ConnectionReadPartition ConnectionRelease ConnectionRollback StatementBind '
             'StatementBindStream StatementExecuteQuery StatementExecutePartitions StatementGetParameterSchema StatementNew '
             'StatementPrepare StatementRelease StatementSetOption StatementSetSqlQuery StatementSetSubstraitPlan').split()
RTLD_NOW, RTLD_NOLOAD = 2, 4
system = ctypes.CDLL(None)
system.dlopen.restype = ctypes.c_void_p
system.dlclose.argtypes = [ctypes.c_void_p]

def cycle():
    handle = system.dlopen(driver.encode(), RTLD_NOW)
    assert handle
    table = (ctypes.c_void_p * (2 + len(FUNCTIONS)))()
    assert ctypes.CDLL(driver, handle=handle).AdbcDriverInit(1000000, table, None) == 0

    def call(name, *arguments):
        function = ctypes.CFUNCTYPE(ctypes.c_uint8, *[ctypes.c_void_p] * (len(arguments) + 1))(table[2 + FUNCTIONS.index(name)])
        code = function(*[ctypes.addressof(given) if isinstance(given, ctypes.Array) else given for given in arguments], None)
        assert code == 0, (name, code)
    database, connection, statement = ((ctypes.c_void_p * 2)() for _ in range(3))
    stream = (ctypes.c_void_p * 5)()
    call("DatabaseNew", database)
    call("DatabaseSetOption", database, b"uri", uri.encode())
    call("DatabaseInit", database)
    call("ConnectionNew", connection)
    call("ConnectionInit", connection, database)
    call("StatementNew", connection, statement)
    call("StatementSetSqlQuery", statement, b"SELECT 42")
    call("StatementExecuteQuery", statement, stream, None)
    assert pyarrow.RecordBatchReader._import_from_c(ctypes.addressof(stream)).read_all().num_rows == 1
    call("StatementRelease", statement)
    call("ConnectionRelease", connection)
    call("DatabaseRelease", database)
    call("release", table)
    system.dlclose(handle)
    assert not system.dlopen(driver.encode(), RTLD_NOW | RTLD_NOLOAD)

def used():
    kib = int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS:")))
    return len(os.listdir("/proc/self/fd")), threads(), kib

for _ in range(200):
    cycle()
before = used()
for _ in range(800):
    cycle()
after = used()
print(after[0] - before[0], after[1] - before[1], after[2] - before[2] < 512 or (before, after))
""") == "0 0 True"


def test_a_child_uses_what_was_loaded_and_made_before(run):
    """A library that is loaded, a database that was made: a child of fork() may go on with them before it connects, and
    with what it makes itself at any time."""
    assert run("""
database = adbc.AdbcDatabase(driver=driver, uri=uri)

def child(function):
    number = os.fork()
    if number == 0:
        os._exit(0 if function() == 1 else 1)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])

def rows_of_database():
    with adbc.AdbcConnection(database) as connection, adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT 42")
        handle, _ = statement.execute_query()
        return pyarrow.RecordBatchReader._import_from_c(handle.address).read_all().num_rows

print(child(rows_of_database), child(rows), rows(), child(rows_of_database), child(rows), rows_of_database())
""") == "0 0 1 0 0 1"


def test_it_takes_no_signal(run):
    """Which signals the process catches, blocks and ignores is as it was."""
    assert run("""
def signals():
    return [line for line in open("/proc/self/status") if line.startswith("Sig") and not line.startswith("SigQ")]

before = signals()
rows()
print(before == signals())
""") == "True"


OTHERS = """
URL = b"type.googleapis.com/arrow.flight.protocol.sql.CommandGetTableTypes"
COMMAND = b"\\x0a" + bytes([len(URL)]) + URL  # google.protobuf.Any

def load_ours():
    return rows

def load_go():
    import adbc_driver_flightsql
    path = adbc_driver_flightsql._driver_path()
    adbc.AdbcDatabase(driver=path, entrypoint="AdbcDriverFlightsqlInit", uri=uri).close()
    return lambda: rows(path, "AdbcDriverFlightsqlInit")

def load_grpcio():
    import grpc
    channel = grpc.insecure_channel(uri.removeprefix("grpc://"))
    get_info = channel.unary_unary("/arrow.flight.protocol.FlightService/GetFlightInfo")
    return lambda: int(b"table_type" in get_info(b"\\x08\\x02\\x12" + bytes([len(COMMAND)]) + COMMAND, timeout=30))

def load_pyarrow():
    import pyarrow.flight
    client = pyarrow.flight.connect(uri)
    descriptor = pyarrow.flight.FlightDescriptor.for_command(COMMAND)
    return lambda: len(client.get_flight_info(descriptor).schema)
"""


ORDERS = [order for order in itertools.permutations(["ours", "go", "grpcio", "pyarrow"], 3) if "ours" in order]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_beside_other_runtimes(run, order):
    """Each is used when it is loaded, then all in turn, then all at once. Those are the Go driver, and gRPC in C++ in
    two builds; pairs of Go drivers are not tried, which Go itself does not bear."""
    used = run(OTHERS + f"""
users = []
for name in {order!r}:
    users.append(globals()["load_" + name]())
    assert [use() for use in users] == [1] * len(users)
assert [use() for use in reversed(users)] == [1] * len(users)
found = []
threads = [threading.Thread(target=lambda use=use: found.extend(use() for _ in range(20))) for use in users]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(found))
""")
    assert used == "60"
