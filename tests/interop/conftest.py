# SPDX-License-Identifier: Apache-2.0
"""Puts the shared helpers in reach of the tests here, and finds the command and the test data."""

import pathlib
import sys

import pytest

for folder in ("support", "python"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))

import cflight_command  # noqa: E402


@pytest.fixture(scope="session")
def cflight():
    """The command cflight (cflight_command.Command)."""
    path = cflight_command.find_command()
    if path is None:
        pytest.skip("the command cflight is not built; set CFLIGHT_BIN")
    return cflight_command.Command(path)


@pytest.fixture(scope="session")
def shared_data():
    """The directory of shared test data."""
    path = cflight_command.find_data()
    if path is None:
        pytest.skip("no test data at ../shared/data; set CFLIGHT_TEST_DATA")
    return path
