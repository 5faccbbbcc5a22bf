# SPDX-License-Identifier: Apache-2.0
"""Databases of other engines, made for these tests alone, and a server in front of each."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("tests/support", "tests/interop"):
    sys.path.insert(0, str(ROOT / folder))

import cflight_command  # noqa: E402


@pytest.fixture(scope="session")
def cflight():
    path = cflight_command.find_command()
    if path is None:
        pytest.fail("the command cflight is not built; set CFLIGHT_BIN")
    return cflight_command.Command(path)


def run_as_postgres(*command):
    """PostgreSQL does not run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    return subprocess.run([*prefix, *map(str, command)], check=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=60)


@contextlib.contextmanager
def running_postgres(place):
    tools = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not tools:
        pytest.skip("PostgreSQL is not installed: tools/bootstrap --engines")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if os.geteuid() == 0:
        shutil.chown(place, "postgres")
    control = tools[-1].with_name("pg_ctl")
    run_as_postgres(tools[-1], "-D", place / "data", "-A", "trust", "-U", "postgres")
    run_as_postgres(control, "-D", place / "data", "-w", "-l", place / "log", "-o",
                    f"-p {port} -k {place} -c listen_addresses=127.0.0.1 -c fsync=off", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run_as_postgres(control, "-D", place / "data", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def postgresql():
    place = pathlib.Path(tempfile.mkdtemp(prefix="cflight-pg-"))
    place.chmod(0o755)
    found = list(ROOT.glob("build/engines-venv/lib/python3*/site-packages/adbc_driver_postgresql"))
    if found:
        os.environ["ADBC_DRIVER_PATH"] = str(found[0])
    try:
        with running_postgres(place) as uri:
            yield uri
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(params=["duckdb", "postgresql"])
def database(request, tmp_path):
    """What `cflight serve` takes for a database that is empty but for what this file's tests left."""
    os.environ["VIRTUAL_ENV"] = sys.prefix
    return f"duckdb:{tmp_path}/t.duckdb" if request.param == "duckdb" else request.getfixturevalue("postgresql")


@pytest.fixture
def server(cflight, database):
    with cflight.serving(database) as running:
        yield running
