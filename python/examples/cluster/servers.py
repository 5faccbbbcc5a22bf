# SPDX-License-Identifier: Apache-2.0
"""Four servers of one folder, on this machine: what the examples beside this file read from and write to."""

import contextlib
import pathlib
import socket
import subprocess
import tempfile

import pyarrow as pa

SERVERS, ENDPOINTS = 4, 8
WORDS = ["column", "batch", "stream", "ticket", "flight", "schema", "offset"]


def make_tables(rows=80_000):
    """A table of words, and one that says how long each is."""
    numbers = range(rows)
    words = pa.table({"n": pa.array(numbers, pa.int64()), "word": [WORDS[i * 7919 % 7] for i in numbers]})
    lengths = pa.table({"word": WORDS, "length": pa.array(map(len, WORDS), pa.int64())})
    return words, lengths


def write_file(path, table, batch_rows):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=batch_rows)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def running_servers(command="cflight", count=SERVERS, folder=None):
    """The locations and the processes of servers that serve the same folder, each naming the others as replicas; two
    flights, or what is in the folder. The first takes uploads."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for name, table in zip(("words", "lengths"), make_tables()):
                write_file(folder / f"{name}.arrow", table, 1000)
        size = max(path.stat().st_size for path in folder.iterdir())
        locations = [f"grpc://127.0.0.1:{port}" for port in free_ports(count)]
        processes = []
        for i, location in enumerate(locations):
            arguments = [command, "serve", str(folder), "--listen", location, "--endpoint-bytes", str(size // ENDPOINTS + 1),
                         "--advertise", location]
            for other in locations[i + 1 :] + locations[:i]:
                arguments += ["--location", other]
            if i == 0:
                arguments.append("--writable")
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
            processes.append(process)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            assert process.stdout.readline().startswith("Listening on ")
        yield locations, processes
