# SPDX-License-Identifier: Apache-2.0
"""A long stream does not grow either process: 2 GiB in batches of 1 MiB, each dropped as it comes."""

import subprocess

import cflight_command
import pyarrow as pa
import pytest

MIB = 1 << 20
BATCHES = 2048
PEAK_MIB = 64
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def program():
    command = cflight_command.find_command()
    path = command and command.parent / "flight_bench"
    if not path or not path.exists():
        pytest.fail("flight_bench is not built; set CFLIGHT_BIN")
    return str(path)


def run_client(arguments):
    """Runs a client to its end; returns its peak resident memory in MiB, as it tells it."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True, timeout=TIMEOUT_S)
    return float(done.stdout.split()[1])


def peak_of(process):
    with open(f"/proc/{process.pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    raise AssertionError("no peak in /proc")


@pytest.mark.parametrize("operation", ["get", "put"])
def test_two_gibibytes_pass_through_little_memory(program, operation):
    with subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        location = server.stdout.readline().strip()
        client_mib = run_client([program, operation, location, str(BATCHES), str(MIB)])
        server_mib = peak_of(server)
        server.stdin.close()
        assert server.wait(TIMEOUT_S) == 0
    print(f"{operation}: client {client_mib:.1f} MiB, server {server_mib:.1f} MiB")
    assert client_mib < PEAK_MIB
    assert server_mib < PEAK_MIB


@pytest.mark.parametrize("layout", [[], ["--vertical"]])
def test_tables_of_all_rows_take_little_memory(cflight, tmp_path, layout):
    """Most of 400,000 rows are on the pipe; the rest waits in the command, which has not kept what it printed."""
    table = pa.table({"n": range(400_000), "s": ["some text"] * 400_000})
    with pa.ipc.new_stream(str(tmp_path / "x.arrows"), table.schema) as writer:
        writer.write_table(table, max_chunksize=10_000)
    with cflight.serving(tmp_path) as server:
        command = [cflight.path, "get", "-q", server.location, "x", "-n", "all", *layout]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            head = process.stdout.read(6_000_000)
            peak = peak_of(process)
            assert len(head + process.stdout.read()) > 7_000_000
            assert process.wait(TIMEOUT_S) == 0
    assert peak < 40
