# SPDX-License-Identifier: Apache-2.0
"""Tests of the Python module; they need it importable (PYTHONPATH=build/dev/python)."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

cflight = pytest.importorskip("cflight", reason="the Python module is not built")

# What a user's variables say about proxies and certificates is not for tests on this machine.
for name in ("grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"):
    os.environ.pop(name, None)

# A shell starts background jobs with SIGINT ignored; tests here interrupt programs with it.
signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = pathlib.Path(__file__).resolve().parent
MODULE_PATH = str(pathlib.Path(cflight.__file__).resolve().parents[1])
sys.path.insert(0, str(HERE))


@pytest.fixture
def run_script():
    """Runs Python source in a process of its own; returns its output, fails with its errors."""

    def run(source, *arguments, timeout=60):
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", source, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=HERE,
            env={**os.environ, "PYTHONPATH": MODULE_PATH},
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
