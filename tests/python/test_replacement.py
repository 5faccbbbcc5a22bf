# SPDX-License-Identifier: Apache-2.0
"""cflight in the place of pyarrow.flight, for programs that know nothing of it."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest
from conftest import MODULE_PATH

pytest.importorskip("pyarrow.flight")

IS_CFLIGHT = "assert flight.FlightClient.__module__ == 'cflight', flight.FlightClient.__module__\n"
IMPORTS = [
    "import pyarrow.flight as flight\n",
    "from pyarrow import flight\n",
    "import pyarrow, pyarrow.flight\nflight = pyarrow.flight\n",
    "import pyarrow._flight as flight\n",
    "from pyarrow import _flight as flight\n",
    "import importlib\nflight = importlib.import_module('pyarrow.flight')\n",
    "import pyarrow._flight, pyarrow.flight as flight\nassert pyarrow._flight is flight\n",
]


@pytest.fixture
def start_like_installed(tmp_path):
    """Runs a program with what the wheel puts beside the package, which Python reads at its start."""

    def run(source, **environment):
        code = f"import site; site.addsitedir({MODULE_PATH!r})\n" + source
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
            env={**os.environ, **environment}, cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr

    return run


@pytest.mark.parametrize("imports", IMPORTS)
def test_the_variable_replaces_every_import(start_like_installed, imports):
    start_like_installed(imports + IS_CFLIGHT, CFLIGHT_AS_PYARROW_FLIGHT="1")


@pytest.mark.parametrize("value", ["", "0"])
def test_without_the_variable_nothing_is_replaced(start_like_installed, value):
    source = "import sys\nimport pyarrow.flight as flight\nassert flight.FlightClient.__module__ == 'pyarrow._flight'\n"
    start_like_installed(source + "assert 'cflight' not in sys.modules\n", CFLIGHT_AS_PYARROW_FLIGHT=value)


@pytest.mark.parametrize("imports", IMPORTS)
def test_the_function_replaces_what_is_imported_later(run_script, imports):
    run_script("import cflight\ncflight.install_as_pyarrow_flight()\n" + imports + IS_CFLIGHT)


@pytest.mark.parametrize("imports", IMPORTS[:-1])
def test_the_function_replaces_what_was_imported_before(run_script, imports):
    again = "import pyarrow\nassert pyarrow.flight is pyarrow._flight is cflight\n" if "._flight" not in imports else ""
    run_script(imports + "import cflight\ncflight.install_as_pyarrow_flight()\n" * 2 + IS_CFLIGHT + again)


def test_a_replaced_module_has_every_name(run_script):
    run_script(
        "import pyarrow.flight as flight\n"
        "before = {n for n in dir(flight) if not n.startswith('_')}\n"
        "import cflight, pyarrow.flight\n"
        "cflight.install_as_pyarrow_flight()\n"
        "assert before <= set(dir(pyarrow.flight))\n"
        "assert all(getattr(flight, n) is getattr(cflight, n) for n in before)\n"
    )


def test_without_pyarrow_there_is_nothing_to_replace(run_script):
    run_script(
        "import sys\nsys.modules['pyarrow'] = None\nimport cflight\n"
        "try: cflight.install_as_pyarrow_flight()\n"
        "except ImportError: pass\n"
        "else: raise SystemExit('no ImportError')\n"
    )


def test_the_wheel_brings_what_the_variable_needs():
    """Goal: an installed cflight knows the variable. Method: the files that are installed, if a wheel was made."""
    wheels = sorted(pathlib.Path(__file__).resolve().parents[2].glob("build/dist/cflight-*.whl"))
    if not wheels:
        pytest.skip("no wheel was made")
    names = zipfile.ZipFile(wheels[-1]).namelist()
    assert {"cflight.pth", "_cflight_replacement.py", "cflight/_replace.py"} <= set(names)
