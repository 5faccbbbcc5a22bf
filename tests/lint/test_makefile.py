# SPDX-License-Identifier: Apache-2.0
"""Each target of the Makefile does something, and one thing."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_each_target_has_one_recipe():
    text = (ROOT / "Makefile").read_text().replace("\\\n", "")
    targets = re.search(r"^\.PHONY:(.*)$", text, re.MULTILINE)[1].split()
    assert "test" in targets
    for target in targets:
        plan = subprocess.run(["make", "-n", "--no-print-directory", target], cwd=ROOT, capture_output=True, text=True,
                              timeout=60)
        assert (plan.returncode, plan.stderr) == (0, ""), target
        assert "Nothing to be done" not in plan.stdout, target


def test_the_targets_that_are_described_are_there():
    text = (ROOT / "Makefile").read_text()
    described = re.findall(r"^#   make ([a-z-]+)", text, re.MULTILINE)
    assert described
    for target in described:
        assert re.search(rf"^{target}:", text, re.MULTILINE), target
