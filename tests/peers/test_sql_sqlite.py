# SPDX-License-Identifier: Apache-2.0
"""The Flight SQL client against servers that others wrote. Part of make interop, which gets them and builds the client."""

import pathlib
import re
import subprocess

import pytest

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"


@pytest.fixture(name="sqlite_server")
def start_sqlite_server():
    """The location of Go's example server over SQLite."""
    program = BUILD / "peers" / "go" / "sqlite_flightsql_server"
    if not program.exists():
        pytest.skip("Go's example server could not be had, as tools/interop has told")
    with subprocess.Popen([program, "-host", "127.0.0.1", "-port", "0"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        try:
            found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
            yield f"grpc://{found.group(0)}"
        finally:
            process.kill()


def test_go_sqlite(sqlite_server):
    """Queries, metadata, updates, prepared statements and transactions."""
    done = subprocess.run([BUILD / "dev/bin/sql_sqlite", sqlite_server], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
