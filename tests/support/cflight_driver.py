# SPDX-License-Identifier: Apache-2.0
"""Where the ADBC driver of cflight is, and the Python package around it."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def find_driver():
    """The driver under test, or None: CFLIGHT_ADBC_DRIVER, or that of a build."""
    given = os.environ.get("CFLIGHT_ADBC_DRIVER")
    places = [given] if given else [ROOT / "build" / part / "libadbc_driver_cflight.so"
                                    for part in ("python/lib", "lib", "dev/lib")]
    return next((pathlib.Path(place).resolve() for place in places if pathlib.Path(place).exists()), None)


def put_package(folder, driver):
    """Puts the package adbc_driver_cflight into a folder, as its wheel has it."""
    package = folder / "adbc_driver_cflight"
    package.mkdir()
    for file in (ROOT / "adbc/python/adbc_driver_cflight").glob("*.py"):
        (package / file.name).write_text(file.read_text())
    (package / "libadbc_driver_cflight.so").symlink_to(driver)
