# SPDX-License-Identifier: Apache-2.0
"""What every engine is asked by the tests: the examples of python/examples/cluster, servers that are killed, parts that
are written twice."""

import collections
import pathlib
import sys
import tempfile
import threading

import pyarrow as pa

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "python/examples/cluster"
sys.path.insert(0, str(EXAMPLES))

import servers  # noqa: E402

WORDS, LENGTHS = servers.make_tables()
COUNTS = dict(collections.Counter(WORDS["word"].to_pylist()))
LETTERS = sum(len(word) for word in WORDS["word"].to_pylist())


class KilledWhileRead:
    """Kills one of four servers, which every endpoint names first, a moment after a read has begun: the rows must be
    the same. The endpoints are longer than what is on its way at once, and nothing of them is held back."""

    ROWS = 800_000

    def __init__(self, command, read, step_s=0.02):
        self.command = command
        self.read = read
        self.step_s = step_s

    def run(self, times):
        words, _ = servers.make_tables(self.ROWS)
        with tempfile.TemporaryDirectory() as folder:
            servers.write_file(pathlib.Path(folder) / "words.arrow", words, 2000)
            self._run(times, pathlib.Path(folder), words)

    def _run(self, times, folder, words):
        for i in range(times):
            with servers.running_servers(self.command, folder=folder) as (locations, processes):
                plan = plan_of(locations)
                killer = threading.Timer(i * self.step_s, processes[0].kill)
                killer.start()
                rows = self.read(plan, locations)
                killer.join()
                assert rows.sort_by("n").equals(words), f"round {i}: {rows.num_rows} rows"


def plan_of(locations):
    """The info of the words, with the first server first in every endpoint."""
    import cflight

    with cflight.connect(locations[0]) as client:
        return client.get_flight_info(cflight.FlightDescriptor.for_path("words"))


def normal(table):
    """The words as an engine gives them, with the types that they had."""
    return pa.table({"n": table["n"].cast(pa.int64()), "word": table["word"].cast(pa.string())})
