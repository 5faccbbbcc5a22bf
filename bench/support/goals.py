# SPDX-License-Identifier: Apache-2.0
"""Goals of the benchmarks: each run adds a line of JSON to a file, and bench/goals prints them all.

A figure is a ratio of two contestants of one run, or a count (instructions, system calls, bytes) that does not depend on
the machine."""

import dataclasses
import json
import pathlib


@dataclasses.dataclass(frozen=True)
class Goal:
    name: str  # what is measured, and over what
    value: float
    at_least: float | None = None
    at_most: float | None = None
    figures: dict = dataclasses.field(default_factory=dict)  # contestant -> its own figure, with the unit in the name

    def is_met(self):
        return (self.at_least is None or self.value >= self.at_least) and \
            (self.at_most is None or self.value <= self.at_most)

    def wanted(self):
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"


def add_argument(parser):
    """--goals FILE, for a program that measures some."""
    parser.add_argument("--goals", type=pathlib.Path, help="add a line for each goal to this file")


def record(path, goal):
    """Prints a goal, and adds it to the file where there is one."""
    print(f"  goal: {goal.name}: {goal.value:.2f}, {goal.wanted()} is wanted", flush=True)
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(dataclasses.asdict(goal)) + "\n")


def read(path):
    return [Goal(**json.loads(line)) for line in path.read_text().splitlines()]
