# SPDX-License-Identifier: Apache-2.0
"""The validation suite of ADBC's Go module with our driver, which its driver manager loads into Go's process, and
`cflight serve sqlite:` behind it. Each check passes or is listed here with what it finds and why."""

import os
import pathlib
import re
import subprocess
import sys

import cflight_command
import cflight_driver
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(900)  # the first time the suite is built

OTHERWISE = {
    "TestStatement/TestSQLPrepareSelectParams": (
        "FAIL", r"Should be true\s+Test:.*\s+Messages:\s+3\n", "three rows were selected; the suite expects 1 or -1"),
    "TestStatement/TestSqlIngestErrors/append_to_nonexistent_table": (
        "FAIL", r"42S02", "the driver for SQLite gives no SQLSTATE"),
    "TestStatement/TestSqlIngestErrors/overwrite_and_incompatible_schema": (
        "FAIL", r"expected: 0x9\s+actual  : 0x4", "the status is ALREADY_EXISTS; the suite expects INTERNAL"),
    "TestStatement/TestSqlPartitionedInts": (
        "FAIL", r"unexpected error:\s+Not Implemented", "the wrapper of the driver manager reads no partitions"),
    "TestStatement/TestSqlExecuteSchema": ("SKIP", "", "the wrapper of the driver manager has no ExecuteSchema"),
}


def run_suite(program, location):
    version = re.search(r"project\(cflight VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    environment = {**os.environ, "URI": location, "DRIVER": str(cflight_driver.find_driver()), "VERSION": version}
    return subprocess.run([*program, "-test.v"], env=environment, capture_output=True, text=True, timeout=300).stdout


def test_each_check_passes_or_is_listed(peer, tmp_path, monkeypatch):
    program = peer("adbc_validation")
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)  # where the driver for SQLite is
    file = tmp_path / "file.db"
    file.touch()
    with cflight_command.Command(cflight_command.find_command()).serving(f"sqlite:{file}") as server:
        output = run_suite(program, server.location)
    found = dict(reversed(match) for match in re.findall(r"^ +--- (PASS|FAIL|SKIP): (\S+)", output, re.MULTILINE))
    leaves = {name: result for name, result in found.items() if not any(other.startswith(name + "/") for other in found)}
    assert len(leaves) >= 33, output
    expected = {name: OTHERWISE.get(name, ("PASS",))[0] for name in leaves}
    assert leaves == expected, output
    assert OTHERWISE.keys() <= leaves.keys()
    for name, (_, text, _) in OTHERWISE.items():
        assert re.search(text, output), name
