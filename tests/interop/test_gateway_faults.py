# SPDX-License-Identifier: Apache-2.0
"""`cflight serve adbc:` over a driver that does what drivers should not (tests/support/fake_adbc_driver.c has its
language)."""

import pytest

import cflight_command


@pytest.fixture(scope="module")
def fake():
    return cflight_command.find_program("../lib/libadbc_driver_fake.so").resolve()


@pytest.fixture
def server(cflight, fake):
    with cflight.serving(f"adbc:{fake}") as running:
        yield running


def run(cflight, server, statement, *options):
    return cflight.run("sql", server.location, statement, "--format", "csv", *options)


def still_serves(cflight, server):
    assert run(cflight, server, "ROWS 3").stdout == "a\n0\n1\n2\n"


def test_what_is_right_passes(cflight, server):
    still_serves(cflight, server)
    assert cflight.run("sql", "--update", server.location, "COUNT 5", check=True).stdout == "5\n"
    assert len(run(cflight, server, "ROWS 100000").stdout.splitlines()) == 100_001


@pytest.mark.parametrize("statement, expected", [
    ("FAIL", ["NOT_FOUND", "no such bird", "(code 77 of the database)", "SQLSTATE 42P01"]),
    ("LONG", ["INTERNAL", "xxxxxxxx"]),
    ("SILENT", ["INTERNAL", "gives no reason"]),
    ("BYTES", ["NOT_FOUND", " such"]),
    ("NOTHING", ["INTERNAL", "has given no stream"]),
    ("NO SCHEMA", ["INTERNAL", "has given no schema"]),
    ("BAD SCHEMA", ["INTERNAL", "a schema that is wrong"]),
    ("BAD ROWS", ["INTERNAL", "rows that is wrong"]),
    ("BAD TEXT", ["INTERNAL", "rows that is wrong"]),
    ("BAD LENGTH", ["INTERNAL", "rows that is wrong"]),
    ("BREAK", ["UNAVAILABLE", "the stream broke"]),
    ("BREAK WHOLE", ["INVALID_ARGUMENT", "the stream broke", "(code 77 of the database)", "SQLSTATE 22012"]),
])
def test_what_is_wrong_is_told(cflight, server, statement, expected):
    done = run(cflight, server, statement)
    assert done.returncode != 0
    for text in expected:
        assert text in done.stderr, done.stderr[:2000]
    assert len(done.stderr) < 10_000
    still_serves(cflight, server)


def test_lists_of_other_types_are_empty(cflight, server):
    assert cflight.run("tables", server.location, "--format", "jsonl", check=True).stdout == ""


@pytest.mark.parametrize("statement", ["SLOW", "SLOW ROWS"])
def test_a_client_that_gives_up_cancels(cflight, server, statement):
    """The statement would run for ever: only its cancelling lets the server drain."""
    assert run(cflight, server, statement, "--timeout", "0.5").returncode != 0
    still_serves(cflight, server)
    assert server.stop() == 0


@pytest.mark.parametrize("statement", ["SLOW", "SLOW ROWS"])
def test_the_time_limit_cancels(cflight, fake, statement):
    with cflight.serving(f"adbc:{fake}", "--query-timeout", "0.2", "--database-connections-max", "1") as server:
        for _ in range(3):
            done = run(cflight, server, statement)
            assert done.returncode != 0 and "DEADLINE_EXCEEDED" in done.stderr and "--query-timeout" in done.stderr
        still_serves(cflight, server)


@pytest.mark.parametrize("entrypoint", ["FakeOldInit", "FakeBareInit"])
def test_small_drivers_are_enough(cflight, fake, entrypoint):
    with cflight.serving(f"adbc:{fake}?entrypoint={entrypoint}") as server:
        still_serves(cflight, server)
        listed = cflight.run("tables", server.location)
        assert (listed.returncode != 0 and "UNIMPLEMENTED" in listed.stderr) == (entrypoint == "FakeBareInit")
        begun = cflight.run("sql", server.location, "-", input="ROWS 1; BEGIN; ROWS 2")
        assert begun.returncode != 0 and "UNIMPLEMENTED" in begun.stderr
        assert "(code 77 of the database)" in run(cflight, server, "FAIL").stderr
        still_serves(cflight, server)


@pytest.mark.parametrize("arguments, expected", [
    (["?entrypoint=FakeHollowInit"], "has no function StatementExecuteQuery"),
    (["?entrypoint=FakeFailInit"], "no licence"),
    (["?a=b"], "cannot do this"),
    (["", "--read-only"], "cannot be kept from writing"),
])
def test_what_cannot_be_served_is_not(cflight, fake, arguments, expected):
    done = cflight.run("serve", f"adbc:{fake}{arguments[0]}", *arguments[1:])
    assert done.returncode != 0 and expected in done.stderr, done.stderr
