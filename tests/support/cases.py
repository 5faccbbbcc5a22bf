# SPDX-License-Identifier: Apache-2.0
"""How many random cases the tests run, and which: CASES=10000 CFLIGHT_TEST_SEED=0 pytest tests/interop

A case is one seed, from which its schema, data and options follow. The message of a failure names the seed; with
CASES=1 and CFLIGHT_TEST_SEED set to it, that case runs alone."""

import contextlib
import os

import pytest

FIRST_SEED = int(os.environ.get("CFLIGHT_TEST_SEED", "0"))
CASES = int(os.environ.get("CASES", "400"))
CASES_PER_TEST = 50


@contextlib.contextmanager
def case(seed, options=""):
    """What fails inside says which case it was."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"seed {seed}, {options}") from error


def random_cases(test):
    """Runs `test(seeds)` for all cases, some at a time."""
    blocks = [range(first, min(first + CASES_PER_TEST, FIRST_SEED + CASES))
              for first in range(FIRST_SEED, FIRST_SEED + CASES, CASES_PER_TEST)]
    return pytest.mark.parametrize("seeds", blocks, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")(test)
