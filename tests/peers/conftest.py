# SPDX-License-Identifier: Apache-2.0
"""Gets the peers of the tests here, each from its registry, and runs them; puts cflight's modules in reach."""

import contextlib
import pathlib
import socket
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/support", "build/python/python", "python/examples")]

import cflight_command  # noqa: E402
import interop_peers  # noqa: E402


@pytest.fixture(scope="session")
def peer():
    """Gives the command of a peer by its name; skips the test where it cannot be had."""

    def get(name):
        try:
            return getattr(interop_peers, name)()
        except interop_peers.Absent as reason:
            pytest.skip(f"{name} cannot be had: {reason}")

    return get


@pytest.fixture(scope="session")
def free_port():
    """Gives a port for a server that cannot choose one itself."""

    def find():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return find


@pytest.fixture(scope="session")
def run():
    """Runs a program until the test is over."""

    @contextlib.contextmanager
    def until_done(command, **options):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, **options) as process:
            try:
                yield process
            finally:
                process.kill()

    return until_done


@pytest.fixture(scope="session")
def command():
    """The command cflight: gives its two outputs as one, checks its status."""
    program = cflight_command.Command(cflight_command.find_command())

    def run_to_end(*arguments, status=0):
        done = program.run(*arguments)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run_to_end
