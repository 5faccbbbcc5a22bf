# SPDX-License-Identifier: Apache-2.0
"""The programs and drivers that the SQL benchmarks compare: where they are, or why they are left out."""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GATEWAY = "cflight"
CLIENT = "sql_bench"
OWN_DRIVER = "libadbc_driver_cflight.so"


def find_built(name, kind="bin"):
    for candidate in (ROOT / "build" / kind / name, ROOT / "build/release" / kind / name):
        if candidate.exists():
            return str(candidate)
    return None


def need_built(name, kind="bin"):
    return find_built(name, kind) or sys.exit(f"{name} is not built: it needs SQLite's headers, then run 'make'")


def find_go_driver():
    try:
        import adbc_driver_flightsql  # noqa: PLC0415

        return adbc_driver_flightsql._driver_path()
    except ImportError:
        print("left out: the Go driver, for this Python has no adbc-driver-flightsql")
        return None


def build_go_server():
    program = ROOT / "build" / "bench" / "sql_go_server"
    if shutil.which("go") is None:
        print("left out: Go's server, for there is no Go")
        return None
    done = subprocess.run(["go", "build", "-o", program, "."], cwd=ROOT / "bench/sql/go", capture_output=True, text=True)
    if done.returncode != 0:
        print(f"left out: Go's server, for it could not be built:\n{done.stderr}")
        return None
    return str(program)
