# SPDX-License-Identifier: Apache-2.0
"""Programs that need packages of their own, over `cflight serve sqlite:` and our ADBC driver."""

import os
import pathlib
import subprocess
import sys

import cflight_driver
import pytest

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / "build/engines-venv/bin/python"


@pytest.fixture
def run(tmp_path):
    """Runs a program of this folder in the environment of make engines, with the package of our driver."""
    driver = cflight_driver.find_driver()
    if driver is None or not PYTHON.exists():
        pytest.skip("make engines builds the driver and makes the environment")
    cflight_driver.put_package(tmp_path, driver)

    def program(name, *arguments):
        done = subprocess.run([PYTHON, HERE / name, *arguments], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PYTHONPATH": str(tmp_path)})
        assert done.returncode == 0, done.stdout + done.stderr
    return program


@pytest.mark.parametrize("url", ["adbc+sqlite:///grpc://localhost:{}", "adbc+flightsql://localhost:{}?tls=false"])
def test_sqlalchemy(cflight, run, tmp_path, monkeypatch, url):
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    with cflight.serving(f"sqlite:{tmp_path}/library.db") as server:
        run("sqlalchemy_user.py", url.format(server.port))
