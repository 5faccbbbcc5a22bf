# SPDX-License-Identifier: Apache-2.0
"""Spark 4 behind `cflight serve`, by its ADBC driver for Spark Connect and a Spark of this machine."""

import contextlib
import datetime
import decimal
import os
import shutil
import socket
import subprocess
import threading

import adbc_driver_manager as adbc
import pytest
from conftest import ROOT
from test_gateway import connect, rows

pytestmark = pytest.mark.timeout(600)

LIMIT_S = 240  # Spark begins slowly


def environment_of_spark():
    """The folder of the environment that has Spark, and Spark's own."""
    place = ROOT / "build/clusters-venv"
    return place, next(iter(place.glob("lib/python3*/site-packages/pyspark")), None)


@contextlib.contextmanager
def running_spark(home, folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": port,
                "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": 1,
                "spark.sql.warehouse.dir": folder / "warehouse"}
    command = [home / "bin/spark-submit", "--master", "local[1]", "--driver-memory", "1g", "--class",
               "org.apache.spark.sql.connect.service.SparkConnectServer",
               *[word for key, value in settings.items() for word in ("--conf", f"{key}={value}")], "spark-internal"]
    with subprocess.Popen([*map(str, command)], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}) as process:
        watchdog = threading.Timer(LIMIT_S, process.kill)
        watchdog.start()
        said = []
        for line in process.stdout:
            said.append(line)
            if "Spark Connect server started" in line:
                break
        else:
            raise AssertionError("".join(said))
        watchdog.cancel()
        rest = threading.Thread(target=process.stdout.read)
        rest.start()
        try:
            yield f"sc://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(LIMIT_S)
            rest.join()


@pytest.fixture(scope="module")
def server(cflight, tmp_path_factory):
    place, home = environment_of_spark()
    if home is None or shutil.which("java") is None:
        pytest.skip("Spark is not installed: tools/bootstrap --engines")
    with pytest.MonkeyPatch.context() as patch, running_spark(home, tmp_path_factory.mktemp("spark")) as uri:
        patch.setenv("VIRTUAL_ENV", str(place))
        with cflight.serving(f"adbc:spark?uri={uri}") as running:
            yield running


@pytest.fixture
def connection(server):
    with connect(server) as made:
        rows(made, "DROP TABLE IF EXISTS article")
        yield made


def test_queries(connection):
    assert rows(connection, "SELECT id, id * 2 AS double, 'x' AS text FROM range(2)") == [(0, 0, "x"), (1, 2, "x")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM range(300000)")
        assert cursor.fetch_arrow_table().num_rows == 300_000


def test_types(connection):
    query = ("SELECT CAST(1 AS SMALLINT), CAST(1.25 AS DECIMAL(10, 2)), DATE '2026-01-02', array(1, 2), "
             "struct(1 AS x), true, NULL")
    assert rows(connection, query) == [
        (1, decimal.Decimal("1.25"), datetime.date(2026, 1, 2), [1, 2], {"x": 1}, True, None)]


def test_changes_and_lists(cflight, server, connection):
    rows(connection, "CREATE TABLE article (id INT, name STRING) USING parquet")
    rows(connection, "INSERT INTO article VALUES (1, 'pen'), (2, 'book')")
    assert rows(connection, "SELECT * FROM article ORDER BY id") == [(1, "pen"), (2, "book")]
    assert connection.adbc_get_info()["vendor_name"] == "Apache Spark"
    assert connection.adbc_get_table_schema("article").names == ["id", "name"]
    assert "default,article,name,string" in cflight.run("tables", server.location, "--columns", "--format", "csv").stdout


def test_errors(connection):
    with pytest.raises(adbc.Error, match="TABLE_OR_VIEW_NOT_FOUND"):
        rows(connection, "SELECT * FROM nowhere")
    with pytest.raises(adbc.Error, match="PARSE_SYNTAX_ERROR"):
        rows(connection, "SELEKT 1")
    assert rows(connection, "SELECT 5 AS five") == [(5,)]


def test_what_the_driver_has_not_is_told(server):
    """It has no transactions."""
    with connect(server, autocommit=False) as connection, pytest.raises(adbc.NotSupportedError, match="transaction"):
        rows(connection, "SELECT 1")
