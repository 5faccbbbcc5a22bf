# SPDX-License-Identifier: Apache-2.0
"""`make demo` ends with a database that the command, the module and the ADBC driver ask."""

import pathlib
import subprocess

import pytest
from conftest import MODULE_PATH

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_a_database_is_asked_in_three_ways():
    program = pathlib.Path(MODULE_PATH).parent / "bin/cflight"
    if not program.exists():
        pytest.fail("the command is not built beside the module")
    done = subprocess.run([ROOT / "tools/demo", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout[done.stdout.index("cflight serve sqlite:") :]
    assert "$ cflight sql" in shown and "by the Python module" in shown and "by the ADBC driver" in shown
    assert "1 row inserted\n[{'name': 'book', 'price': 12.25}, {'name': 'ink', 'price': 4.0}, " in shown
    assert "(3, 16.75)" in shown
