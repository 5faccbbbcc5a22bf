# SPDX-License-Identifier: Apache-2.0
"""Clients and servers of a database that are killed (SIGKILL) inside transactions and uploads: nothing is half there, and
connections are given back."""

import contextlib
import signal
import subprocess
import sys
import threading

import pyarrow as pa
import pytest
from test_gateway import connect, count, rows, shop  # noqa: F401

import adbc_driver_manager as adbc

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
        yield pa.record_batch({"id": pa.array(range(1000 + number * 100, 1100 + number * 100)), "name": ["x"] * 100,
                               "price": [1.0] * 100})

if sys.argv[2] == "ingest":
    schema = pa.schema([("id", pa.int64()), ("name", pa.string()), ("price", pa.float64())])
    cursor.adbc_ingest("article", pa.RecordBatchReader.from_batches(schema, batches()), mode="append")
else:
    cursor.execute("INSERT INTO article VALUES (100, 'x', 1)")
    print("ready", flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def running_client(server, what):
    """A client that is inside of something, until it is killed at the end."""
    with subprocess.Popen([sys.executable, "-c", CLIENT, server.location, what], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
        assert client.stdout.readline() == "ready\n"
        yield client
        client.kill()


@pytest.mark.parametrize("what", ["transaction", "ingest"])
def test_a_client_is_killed(cflight, shop, what):  # noqa: F811
    with cflight.serving(f"sqlite:{shop}", "--database-connections-max", "1", "--transaction-timeout", "1") as server:
        with running_client(server, what) as client:
            client.send_signal(signal.SIGKILL)
            client.wait()
        with connect(server) as connection:
            # Its connection is the only one: this waits for it, up to 5 seconds.
            assert rows(connection, "SELECT count(*) FROM article") == [(3,)]
            rows(connection, "INSERT INTO article VALUES (7, 'y', 1)")
    assert count(shop) == 4


@pytest.mark.parametrize("what", ["transaction", "ingest"])
def test_the_server_is_killed(cflight, shop, what):  # noqa: F811
    with cflight.serving(f"sqlite:{shop}") as server:
        with running_client(server, what):
            assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        assert count(shop) == 3
    with cflight.serving(f"sqlite:{shop}") as server, connect(server) as connection:
        rows(connection, "INSERT INTO article VALUES (7, 'y', 1)")
    assert count(shop) == 4


def test_many_uploads_end_with_the_server(cflight, shop):  # noqa: F811
    """What a client was told is stored is there after the kill; what is there is whole uploads."""
    told = []

    def upload(server, number):
        data = pa.table({"id": pa.array(range(number * 100, number * 100 + 50)), "name": ["x"] * 50, "price": [1.0] * 50})
        with contextlib.suppress(adbc.Error), connect(server) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest("article", data, mode="append")
            told.append(number)

    with cflight.serving(f"sqlite:{shop}") as server:
        threads = [threading.Thread(target=upload, args=(server, number)) for number in range(1, 13)]
        for thread in threads:
            thread.start()
        threads[0].join()
        server.stop(signal.SIGKILL)
        for thread in threads[1:]:
            thread.join()
    stored = count(shop) - 3
    assert stored % 50 == 0 and stored >= 50 * len(told)
