# SPDX-License-Identifier: Apache-2.0
"""The program in Java on the guide's page about serving databases."""

import sys

import cflight_command
import pytest

sys.path.insert(0, str(cflight_command.ROOT / "tests/guide"))

import database_page  # noqa: E402


@pytest.mark.timeout(900)  # the first time the peer is built
def test_java(peer, tmp_path):
    peer("jdbc")
    for jar in (cflight_command.ROOT / "build/peers/jdbc/target/dependency").glob("flight-sql-jdbc-driver-*.jar"):
        (tmp_path / jar.name).symlink_to(jar)
    with database_page.Page("serve-database.md", tmp_path, cflight_command.find_command()) as guide:
        guide.run("Serve a database", "From Java")
