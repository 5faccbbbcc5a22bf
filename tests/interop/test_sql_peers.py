# SPDX-License-Identifier: Apache-2.0
"""The Flight SQL client against servers that others wrote. tools/interop gets them; without it they are not there."""

import re
import subprocess

import pytest
from test_security import ROOT, find


@pytest.fixture(name="sqlite_server")
def start_sqlite_server():
    """The location of Go's example server over SQLite."""
    program = ROOT / "build" / "peers" / "go" / "sqlite_flightsql_server"
    if not program.exists():
        pytest.skip("Go's example server is not built: run tools/interop --peer go")
    with subprocess.Popen([program, "-host", "127.0.0.1", "-port", "0"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        try:
            found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
            yield f"grpc://{found.group(0)}"
        finally:
            process.kill()


def test_go_sqlite(sqlite_server):
    """Queries, metadata, updates, prepared statements and transactions."""
    program = find("sql_sqlite") or pytest.skip("sql_sqlite is not built: build with the tests")
    done = subprocess.run([program, sqlite_server], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
