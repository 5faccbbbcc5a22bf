# SPDX-License-Identifier: Apache-2.0
"""One more of something costs what the ones before did: processor time per unit at two sizes, which other work on the
machine does not change much. docs/internals/performance.md has three decades of each."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / os.environ.get("CFLIGHT_BIN", "build/dev/bin") / "growth_bench"

# Case, side, a small and a large size. What went through all waiting threads, all calls that an event loop awaits or all
# idle connections for each event would cost ten to a hundred times as much at the large one.
CASES = [
    ("open-streams", "server", 10, 500),
    ("open-streams", "client", 10, 500),
    ("beside-awaited", "client", 1, 1000),
    ("deadlines", "client", 200, 9000),
    ("endpoints-any-order", "client", 50, 2000),
]
FACTOR_MAX = 4  # of caches that are colder, too


def unit_ns(case, side, size):
    output = subprocess.run([BENCH, case, str(size)], check=True, stdout=subprocess.PIPE, text=True, timeout=100).stdout
    outcome = json.loads(output)
    return outcome[f"{side}_ns"] / outcome["units"]


@pytest.mark.parametrize(("case", "side", "small", "large"), CASES, ids=lambda value: str(value))
def test_a_unit_costs_the_same_among_many(case, side, small, large):
    few, many = unit_ns(case, side, small), unit_ns(case, side, large)
    assert many < FACTOR_MAX * few, f"{case}: {few:.0f} ns at {small}, {many:.0f} ns at {large}"
