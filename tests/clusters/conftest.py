# SPDX-License-Identifier: Apache-2.0
"""Engines that take long to install and to start, over `cflight serve`; `make engines`."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
os.environ["PYSPARK_PYTHON"] = sys.executable
# Workers import what the tests hand them.
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent / "support"), os.environ.get("PYTHONPATH", "")])

import cflight_command  # noqa: E402
import clusters  # noqa: E402


@pytest.fixture(scope="session")
def command():
    path = cflight_command.find_command()
    assert path is not None, "the command cflight is not built; set CFLIGHT_BIN"
    return str(path)


@pytest.fixture
def location(command):
    with clusters.servers.running_servers(command) as (locations, _):
        yield locations[0]


def flight_rows(name, location):
    """The rows of a flight, in order, read without an engine."""
    import cflight
    import pyarrow as pa

    return pa.concat_tables([r.read().read_all() for r in cflight.endpoints(name, location)]).sort_by("n")


def pytest_collection_modifyitems(items):
    """Engines start slowly, and twenty rounds of anything take their time."""
    for item in items:
        item.add_marker(pytest.mark.timeout(900))
