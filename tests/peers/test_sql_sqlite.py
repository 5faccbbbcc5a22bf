# SPDX-License-Identifier: Apache-2.0
"""The Flight SQL client in C against Go's example server over SQLite."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(900)  # the first time the peer is built


@pytest.fixture(name="sqlite_server")
def start_sqlite_server(peer, run):
    """The location of the server."""
    with run([*peer("sqlite"), "-host", "127.0.0.1", "-port", "0"]) as process:
        found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
        yield f"grpc://{found.group(0)}"


def test_go_sqlite(sqlite_server):
    """Queries, metadata, updates, prepared statements and transactions."""
    done = subprocess.run([ROOT / "build/dev/bin/sql_sqlite", sqlite_server], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
