# SPDX-License-Identifier: Apache-2.0
"""The Python examples run against each other, and a type checker finds nothing in them."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest
from cflight import sql
from conftest import MODULE_PATH

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "python" / "examples"
ENVIRONMENT = {**os.environ, "PYTHONPATH": MODULE_PATH}
TIMEOUT_S = 120


def test_examples_run_against_each_other():
    server = subprocess.Popen(
        [sys.executable, EXAMPLES / "server.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        location = server.stdout.readline().strip()
        client = subprocess.run(
            [sys.executable, EXAMPLES / "client.py", location],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            env=ENVIRONMENT,
        )
        assert client.returncode == 0, client.stderr
        assert client.stdout.splitlines() == [
            "[b'weather'] 2",
            "[{'city': 'Oslo', 'celsius': 4.5}, {'city': 'Lima', 'celsius': 19.0}]",
        ]
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=TIMEOUT_S)


def test_a_type_checker_finds_nothing_in_the_examples(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--cache-dir", tmp_path,
         EXAMPLES / "server.py", EXAMPLES / "client.py"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "MYPYPATH": MODULE_PATH},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_database_is_served_in_sixty_lines(tmp_path):
    """Goal: the small server over SQLite answers a client of Flight SQL, transactions and lists included."""
    program = EXAMPLES / "sql_server.py"
    assert len(program.read_text().splitlines()) <= 60
    server = subprocess.Popen(
        [sys.executable, program, tmp_path / "shop.db"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    try:
        with sql.connect(server.stdout.readline().split()[-1]) as client:
            assert client.update("CREATE TABLE t (a INTEGER, b TEXT)") <= 0
            assert client.update("INSERT INTO t VALUES (1, 'x'), (2, NULL)") == 2
            with client.transaction() as transaction:
                client.update("INSERT INTO t VALUES (3, 'y')", transaction=transaction)
                transaction.rollback()
            rows = client.query("SELECT * FROM t ORDER BY a").read_all().to_pylist()
            assert rows == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
            (table,) = client.tables().read_all().to_pylist()
            assert (table["table_name"], table["table_type"]) == ("t", "TABLE")
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=TIMEOUT_S)
