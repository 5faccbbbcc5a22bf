# SPDX-License-Identifier: Apache-2.0
"""A batch and a call cost no more instructions and system calls than tests/interop/instructions.txt says.

Where that is on purpose: `build/venv/bin/python tests/support/instructions.py --write`, after `make`. Another compiler
or library than the table's gives other counts of instructions, so the room is wider there; that of system calls, and of
what must not cost more than something else, is the same everywhere."""

import cflight_command
import instructions
import pytest

ROOM = 0.05
ROOM_ELSEWHERE = 0.30  # with another compiler, C library or nghttp2
ROOM_SYSTEM_CALLS = 0.1


@pytest.fixture(scope="module")
def program():
    command = cflight_command.find_command()
    path = command and command.parent / "instructions"
    if not path or not path.exists():
        pytest.fail("the program instructions is not built; set CFLIGHT_BIN")
    return str(path)


@pytest.fixture(scope="module")
def counts(program):
    counted = instructions.measure_all(program)
    print(instructions.format_table(counted, instructions.made_with(program)))
    return counted


def test_nothing_costs_more_than_it_did(program, counts):
    table, versions = instructions.read_table()
    room = ROOM if versions == instructions.made_with(program) else ROOM_ELSEWHERE
    assert table.keys() == counts.keys()
    grown = {name: (table[name], count) for name, count in counts.items()
             if count.instructions > table[name].instructions * (1 + room)}
    assert not grown, "more instructions than tests/interop/instructions.txt allows"


def test_nothing_needs_more_system_calls_than_it_did(counts):
    table, _ = instructions.read_table()
    grown = {name: (table[name], count) for name, count in counts.items()
             if count.system_calls > table[name].system_calls * (1 + ROOM_SYSTEM_CALLS)}
    assert not grown, "more system calls than tests/interop/instructions.txt allows"


def test_batches_that_go_together_cost_less(counts):
    assert counts["batch sent with others"].instructions < counts["batch sent alone"].instructions
    assert counts["batch received with others"].instructions < counts["batch received alone"].instructions
