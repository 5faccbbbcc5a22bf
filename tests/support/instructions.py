# SPDX-License-Identifier: Apache-2.0
"""Counts instructions and system calls for each batch and call, with valgrind's callgrind, and keeps them in a table.

    build/venv/bin/python tests/support/instructions.py [PROGRAM]     prints the table
    build/venv/bin/python tests/support/instructions.py --write       writes it to tests/interop/instructions.txt

Counts depend on the compiler and on libraries, which the table names; they do not depend on how busy a machine is. Those
of processors with other instructions for copying are kept out: the C library is told to use none of them."""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests/interop/instructions.txt"
BATCHES, CALLS, ROUNDS = 4000, 500, 1000
# Over a socket, threads meet differently in each run, which only adds: the least of a few counts.
RUNS_OVER_SOCKET = 3
TIMEOUT_S = 120
PLAIN_COPIES = "glibc.cpu.hwcaps=-AVX2,-AVX,-AVX512F,-AVX512VL,-ERMS,-FSRM,-SSSE3,-SSE4_2,-BMI2,-MOVBE"
SYSTEM_CALLS = {"recvmsg", "sendmsg", "poll", "ppoll", "epoll_wait", "epoll_ctl", "getpid", "read", "write"}
# name -> what is collected, the arguments of bench/instructions.c, and for how many that is
PLANS = {
    "batch sent alone": ("counted_send", ("batches", BATCHES, 1), BATCHES),
    "batch sent with others": ("counted_send", ("batches", BATCHES, 8), BATCHES),
    "batch received alone": ("counted_receive", ("batches", BATCHES, 1), BATCHES),
    "batch received with others": ("counted_receive", ("batches", BATCHES, 8), BATCHES),
    "unary call at the client": ("counted_calls", ("calls", CALLS), CALLS),
    "unary call at the server": ("cfl_server_take_turn", ("calls", CALLS), CALLS),
    "row there and back at the client": ("counted_exchange", ("exchange", ROUNDS), ROUNDS),
    "row there and back at the server": ("cfl_server_take_turn", ("exchange", ROUNDS), ROUNDS),
}


@dataclasses.dataclass(frozen=True)
class Count:
    instructions: float
    system_calls: float


def count_system_calls(text):
    """Of the file that callgrind writes: a call is a line that names the function, and one that says how often."""
    names, total, is_system_call = {}, 0, False
    for line in text.splitlines():
        named = re.match(r"c?fn=\((\d+)\)(?: (.+))?", line)
        if named:
            number, name = named.groups()
            name = names.setdefault(number, (name or "").split("@")[0])
            is_system_call = line.startswith("c") and name in SYSTEM_CALLS
        elif line.startswith("calls=") and is_system_call:
            total += int(line[6:].split()[0])
    return total


def measure(program, plan):
    collected, arguments, count = plan
    with tempfile.TemporaryDirectory() as directory:
        output = pathlib.Path(directory) / "callgrind"
        subprocess.run(["valgrind", "--tool=callgrind", f"--toggle-collect={collected}",
                        f"--callgrind-out-file={output}", program, *map(str, arguments)], check=True, timeout=TIMEOUT_S,
                       capture_output=True, env={**os.environ, "GLIBC_TUNABLES": PLAIN_COPIES})
        text = output.read_text()
    instructions = int(re.search(r"^totals: (\d+)", text, re.MULTILINE).group(1))
    return Count(instructions / count, count_system_calls(text) / count)


def measure_all(program):
    runs = [(name, plan) for name, plan in PLANS.items()
            for _ in range(1 if plan[1][0] == "batches" else RUNS_OVER_SOCKET)]
    counts = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for (name, _), count in zip(runs, pool.map(lambda run: measure(program, run[1]), runs)):
            least = counts.get(name, count)
            counts[name] = Count(min(least.instructions, count.instructions),
                                 min(least.system_calls, count.system_calls))
    return counts


def made_with(program):
    """The compiler and the libraries, as the program tells them."""
    return subprocess.run([program, "versions"], check=True, capture_output=True, text=True).stdout.strip()


def format_table(counts, versions):
    lines = [f"# {versions}", "# instructions and system calls for each"]
    lines += [f"{name:34} {count.instructions:8.0f} {count.system_calls:7.2f}" for name, count in counts.items()]
    return "\n".join(lines) + "\n"


def read_table(path=TABLE):
    first, *lines = path.read_text().splitlines()
    rows = [line.rsplit(maxsplit=2) for line in lines if not line.startswith("#")]
    return {name.strip(): Count(float(instructions), float(system_calls))
            for name, instructions, system_calls in rows}, first[2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=str(ROOT / "build/bin/instructions"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    table = format_table(measure_all(options.program), made_with(options.program))
    if options.write:
        TABLE.write_text(table)
    print(table, end="")


if __name__ == "__main__":
    main()
