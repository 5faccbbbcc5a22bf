# SPDX-License-Identifier: Apache-2.0
"""Kills clients and servers of a database that has a table `article` of three rows."""

import contextlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import adbc_driver_flightsql as driver
import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_flightsql import dbapi

CONNECTIONS_MAX = 2
KWARGS = {driver.DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
LIMIT_S = 30

# Is inside of something when it says so, and stays there.
CLIENT = """
import sys
import adbc_driver_flightsql as driver
import pyarrow as pa
from adbc_driver_flightsql import dbapi

kwargs = {driver.DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
connection = dbapi.connect(sys.argv[1], db_kwargs=kwargs, autocommit=sys.argv[2] == "ingest")
cursor = connection.cursor()

def batches():
    for number in range(10_000_000):
        if number == 40:
            print("ready", flush=True)
        if number >= 40:
            sys.stdin.readline()  # for ever
        begin = 1000 + number * 100
        yield pa.record_batch({"id": pa.array(range(begin, begin + 100), pa.int32()),
                               "name": [str(begin + i) for i in range(100)], "price": [1.0] * 100})

if sys.argv[2] == "ingest":
    schema = pa.schema([("id", pa.int32()), ("name", pa.string()), ("price", pa.float64())])
    cursor.adbc_ingest("article", pa.RecordBatchReader.from_batches(schema, batches()), mode="append")
else:
    cursor.execute("INSERT INTO article (id, name, price) VALUES (100, 'x', 1)")
    print("ready", flush=True)
    sys.stdin.readline()
"""


class Database:
    """A source of `cflight serve`, and how many connections the database itself sees, if it tells that."""

    def __init__(self, cflight, source, count_connections=lambda: None):
        self.cflight = cflight
        self.source = source
        self.count_connections = count_connections

    @contextlib.contextmanager
    def serving(self, *options):
        with self.cflight.serving(self.source, *options, "--metrics", "127.0.0.1:0") as server:
            server.metrics_port = int(server.process.stdout.readline().split()[-1])
            yield server


def figure(server, name):
    """A figure of the gateway."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=LIMIT_S) as answer:
        return int(re.search(rf"^cflight_database_{name} (\d+)", answer.read().decode(), re.MULTILINE)[1])


def wait_for(read, expected):
    end = time.monotonic() + LIMIT_S
    while (found := read()) != expected:
        assert time.monotonic() < end, (found, expected)


def rows(server, query):
    with dbapi.connect(server.location, db_kwargs=KWARGS, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def count(server):
    return rows(server, "SELECT count(*) FROM article")[0][0]


@contextlib.contextmanager
def running_client(server, what):
    """A client that is inside of something, until it is killed at the end."""
    with subprocess.Popen([sys.executable, "-c", CLIENT, server.location, what], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
        try:
            assert client.stdout.readline() == "ready\n"
            yield client
        finally:
            client.kill()


def kill_clients(database, what, rounds):
    """More often than there are connections: one that is lost would be missed."""
    with database.serving("--database-connections-max", str(CONNECTIONS_MAX), "--transaction-timeout", "1") as server:
        assert figure(server, "connections_in_use") == 0
        for _ in range(rounds):
            with running_client(server, what) as client:
                assert figure(server, "connections_in_use") == 1
                client.send_signal(signal.SIGKILL)
                client.wait()
            wait_for(lambda: figure(server, "connections_in_use"), 0)
            assert count(server) == 3
        assert figure(server, "connections_idle") <= CONNECTIONS_MAX
        assert database.count_connections() in (None, figure(server, "connections_idle"))
        rows(server, "INSERT INTO article (id, name) VALUES (7, 'y')")
        assert count(server) == 4
    wait_for(lambda: database.count_connections() or 0, 0)


def kill_servers(database, what, rounds):
    for _ in range(rounds):
        with database.serving() as server, running_client(server, what):
            assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_for(lambda: database.count_connections() or 0, 0)
        with database.serving() as server:
            assert count(server) == 3
    with database.serving() as server:
        rows(server, "INSERT INTO article (id, name) VALUES (7, 'y')")
        assert count(server) == 4


def uploads_end_with_the_server(database):
    """What a client was told is stored is there after the kill; what is there is whole uploads."""
    told = []

    def upload(server, number):
        ids = range(number * 100, number * 100 + 50)
        data = pa.table({"id": pa.array(ids, pa.int32()), "name": list(map(str, ids)), "price": [1.0] * 50})
        with contextlib.suppress(adbc.Error), dbapi.connect(server.location, autocommit=True) as connection, \
                connection.cursor() as cursor:
            cursor.adbc_ingest("article", data, mode="append")
            told.append(number)

    with database.serving() as server:
        threads = [threading.Thread(target=upload, args=(server, number)) for number in range(1, 13)]
        for thread in threads:
            thread.start()
        threads[0].join()
        server.stop(signal.SIGKILL)
        for thread in threads[1:]:
            thread.join()
    with database.serving() as server:
        stored = count(server) - 3
        assert stored % 50 == 0 and stored >= 50 * len(told)
        assert rows(server, "SELECT id FROM article WHERE id >= 100 ORDER BY id")[::50] == sorted(
            (number * 100,) for number in {found[0] // 100 for found in rows(server, "SELECT id FROM article WHERE id >= 100")})
