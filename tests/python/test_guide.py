# SPDX-License-Identifier: Apache-2.0
"""Every snippet of the Python guide runs, and prints what stands below it; the reference lists every name.

Method: the page as a program, in a folder of its own with the
server of the first page in ``weather.py``."""

import os
import pathlib
import re
import sys

import cflight
import cflight.dbapi
import cflight.duckdb
import cflight.opentelemetry
import cflight.polars
import cflight.sql
import pytest
from conftest import MODULE_PATH

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import cflight_command  # noqa: E402
import guide_pages  # noqa: E402

# Pages whose packages are in the environment of the tests; tests/engines runs the others.
ELSEWHERE = {"ray.md", "spark.md"}

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python"
# What a page needs that cannot stand in it.
PRELUDES = {"without-pyarrow.md": "import sys; sys.modules['pyarrow'] = None"}


def server_module():
    return next(block for _, block in guide_pages.BLOCK.findall((PAGES / "server.md").read_text()) if block.startswith("# weather.py"))


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.md") if path.name not in {"api.md", *ELSEWHERE}))
def test_the_snippets_of_a_page_run_and_print_what_it_says(page, tmp_path):
    program, expected = guide_pages.program_of(PAGES / page, PRELUDES.get(page, ""))
    (tmp_path / "weather.py").write_text(server_module())
    (tmp_path / page).write_text(program)
    # What the wheel puts beside the package is read from where packages are installed.
    (tmp_path / "sitecustomize.py").write_text(f"import site; site.addsitedir({MODULE_PATH!r})\n")
    command = cflight_command.find_command()
    assert command is not None, "the command cflight is not built; set CFLIGHT_BIN"
    search = os.pathsep.join([str(command.parent), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    done = guide_pages.run(tmp_path / page, {**os.environ, "PYTHONPATH": str(tmp_path), "PATH": search})
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stdout.splitlines() == expected.splitlines()


def test_the_reference_lists_every_name_once():
    text = (PAGES / "api.md").read_text()
    listed = [name for block in re.findall(r":toctree: api\n\n(.*?)^```$", text, re.M | re.S) for name in block.split()]
    assert sorted(listed) == sorted(
        [*cflight.__all__, *(f"{module}.{name}" for module in ("sql", "dbapi", "polars", "duckdb", "opentelemetry") for name in getattr(cflight, module).__all__)]
    )
