# SPDX-License-Identifier: Apache-2.0
"""The pages of the guide on Ray and Spark are programs that print what they say."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

import guide_pages  # noqa: E402


@pytest.mark.parametrize("page", ["ray.md", "spark.md"])
def test_the_page_runs_and_prints_what_it_says(page, tmp_path, command):
    program, expected = guide_pages.program_of(ROOT / "docs/python" / page)
    (tmp_path / page).write_text(program)
    path = os.pathsep.join([str(pathlib.Path(command).parent), os.environ["PATH"]])
    done = guide_pages.run(tmp_path / page, {**os.environ, "PATH": path}, timeout=800)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert [line for line in done.stdout.splitlines() if line in expected.splitlines()] == expected.splitlines()
