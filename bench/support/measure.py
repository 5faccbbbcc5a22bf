# SPDX-License-Identifier: Apache-2.0
"""Servers and clients of the SQL benchmarks as processes, and what they cost: time, processor, memory."""

import contextlib
import os
import pathlib
import subprocess
import sys

CLIENT, SERVER = "client_processor", "server_processor"


@contextlib.contextmanager
def server(command, environment=None):
    """Gives the process and its address, the last word of the first line that it prints."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        line = process.stdout.readline().split()
        if not line:
            sys.exit(f"{' '.join(command)} did not start")
        yield process, line[-1]
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def processor_seconds(process):
    """Of all threads so far, in user space and in the kernel (proc(5), /proc/pid/stat)."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def figures_of(output):
    return {name: float(value) for name, value in (line.split() for line in output.splitlines())}


def run_client(command, serving):
    """What the client printed, with the processor time of both ends."""
    before_s = processor_seconds(serving)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} exited {process.returncode}")
    whole = {CLIENT: usage.ru_utime + usage.ru_stime, SERVER: processor_seconds(serving) - before_s}
    return whole | figures_of(output)


def run_sessions(command, serving):
    """Memory by which client and server grow, each."""
    before_mib = resident_mib(serving)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        client_mib = figures_of(process.stdout.readline())["mib"]
        server_mib = resident_mib(serving) - before_mib
        process.stdin.close()
    return {"client": client_mib, "server": server_mib}
