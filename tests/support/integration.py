# SPDX-License-Identifier: Apache-2.0
"""Arrow's integration scenarios: which there are, how the programs of the implementations are called, and how one is
run against another. docs/guide/integration.md explains them."""

import dataclasses
import gzip
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

SCENARIOS = (
    "auth:basic_proto",
    "middleware",
    "ordered",
    "expiration_time:do_get",
    "expiration_time:list_actions",
    "expiration_time:cancel_flight_info",
    "expiration_time:renew_flight_endpoint",
    "do_exchange:echo",
    "location:reuse_connection",
    "session_options",
    "poll_flight_info",
    "app_metadata_flight_info_endpoint",
    "flight_sql",
    "flight_sql:extension",
    "flight_sql:ingestion",
    "alignment",
)
# Not every library of Flight knows these.
OF_FLIGHT_SQL = frozenset(name for name in SCENARIOS if name.startswith("flight_sql"))


class CaseFailed(Exception):
    """A case did not pass; the text says why."""


@dataclasses.dataclass(frozen=True)
class Program:
    """One implementation: its commands, how it spells flags, and the scenarios it has."""

    name: str
    server: tuple
    client: tuple
    scenarios: frozenset = frozenset(SCENARIOS)
    dashes: str = "-"
    exits_with_0: bool = False
    skips: tuple = ()  # (pattern of "client>server case", reason)

    def server_command(self, scenario):
        return [*self.server, f"{self.dashes}port", "0", *self._scenario(scenario)]

    def client_command(self, port, scenario, path):
        where = [f"{self.dashes}host", "localhost", f"{self.dashes}port", str(port)]
        what = self._scenario(scenario) if scenario else [f"{self.dashes}path", str(path)]
        return [*self.client, *where, *what]

    def _scenario(self, scenario):
        return [f"{self.dashes}scenario", scenario] if scenario else []


def cflight(directory):
    """The programs of this project in a bin directory."""
    directory = pathlib.Path(directory).resolve()
    return Program("cflight", (str(directory / "cflight-integration-server"),),
                   (str(directory / "cflight-integration-client"),), exits_with_0=True)


def environment():
    """What programs run with: this one's, without what may have been put in front of Python for sanitizers."""
    return {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "ASAN_OPTIONS")}


class Server:
    """Runs a server while in use; it must then end by SIGTERM. What it prints is kept for the report."""

    def __init__(self, command, timeout_s, must_exit_with_0, environment):
        self._log = tempfile.TemporaryFile(mode="w+")
        self._must_exit_with_0 = must_exit_with_0
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment)
        try:
            self.port = self._read_port(timeout_s)
        except CaseFailed:
            self._process.kill()
            self._process.wait()
            raise

    def _read_port(self, timeout_s):
        ready, _, _ = select.select([self._process.stdout], [], [], timeout_s)
        line = self._process.stdout.readline() if ready else ""
        match = re.fullmatch(r"Server listening on localhost:(\d+)\s*", line)
        if not match:
            raise CaseFailed(f"the server printed {line!r} in place of its port\n{self.log()}")
        return int(match.group(1))

    def log(self):
        self._log.seek(0)
        return self._log.read()[-2000:]

    def stop(self, number=signal.SIGTERM):
        """Returns what is wrong with the end, or None."""
        self._process.send_signal(number)
        try:
            self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return "the server did not end by the signal"
        if self._must_exit_with_0 and self._process.returncode != 0:
            return f"the server ended with {self._process.returncode}\n{self.log()}"
        return None


def run_client(client, port, scenario="", path=None, timeout_s=120):
    """Runs the client of a program against a port; raises CaseFailed."""
    try:
        done = subprocess.run(client.client_command(port, scenario, path), capture_output=True, text=True,
                              timeout=timeout_s, check=False, env=environment())
    except subprocess.TimeoutExpired as expired:
        raise CaseFailed(f"the client did not end within {timeout_s} s") from expired
    if done.returncode != 0:
        raise CaseFailed(f"the client ended with {done.returncode}\n{(done.stderr or done.stdout)[-2000:]}")


def run_case(client, server, scenario="", path=None, timeout_s=120):
    """Runs the client of one program against the server of another; raises CaseFailed."""
    running = Server(server.server_command(scenario), timeout_s, server.exits_with_0, environment())
    problem = None
    try:
        run_client(client, running.port, scenario, path, timeout_s)
    except CaseFailed as failure:
        problem = str(failure)
    problem = problem or running.stop()
    if problem is not None:
        running.stop()
        raise CaseFailed(f"{problem}\nserver: {running.log()}")


def data_directory():
    path = pathlib.Path(os.environ.get("CFLIGHT_TEST_DATA", ROOT.parent / "shared" / "data"))
    return path / "arrow-testing" / "integration"


def golden_sets():
    """{name of the set: its JSON files}, all packed; empty when the data is not there."""
    root = data_directory()
    return {directory.name: sorted(directory.glob("*.json.gz")) for directory in sorted(root.glob("*"))
            if directory.is_dir()}


def unpack_golden(packed, directory):
    """The JSON file, unpacked, with its stream beside it, under `directory`; returns its path."""
    target = pathlib.Path(directory) / packed.parent.name / packed.name.removesuffix(".gz")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(packed.with_name(packed.name.replace(".json.gz", ".stream")), target.with_suffix(".stream"))
        partial = target.with_name(f"{target.name}.{os.getpid()}.{time.monotonic_ns()}")
        partial.write_bytes(gzip.decompress(packed.read_bytes()))
        partial.rename(target)
    return target
