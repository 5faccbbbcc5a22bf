# SPDX-License-Identifier: Apache-2.0
"""An operator's first hour with the installed command (tests/operations/hour.py). The transcript stays beside the build."""

import pathlib
import subprocess
import sys

import pytest

import cflight_command

pytest.importorskip("grpc")


def test_the_hour_holds_no_surprise(cflight):
    build = pathlib.Path(cflight.path).parents[1]
    build = build if (build / "CMakeCache.txt").exists() else build / "release"
    if not (build / "cmake_install.cmake").exists():
        pytest.skip("the command is not in a build directory, which the hour installs from")
    transcript = build / "hour.txt"
    done = subprocess.run([sys.executable, cflight_command.ROOT / "tests/operations/hour.py", build, transcript],
                          env=cflight_command.environment(), capture_output=True, text=True, timeout=280)
    text = transcript.read_text(errors="replace")
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    cflight_command.check_sanitizers(text)
