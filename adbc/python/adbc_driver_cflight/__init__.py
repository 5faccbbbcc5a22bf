# SPDX-License-Identifier: Apache-2.0
"""The ADBC driver of cflight, for servers of Flight SQL. adbc_driver_cflight.dbapi is the DBAPI over it."""

import importlib.resources

import adbc_driver_manager

__all__ = ["connect", "driver_path"]


def driver_path():
    """The path of the driver, for a driver manager of another language."""
    return str(importlib.resources.files(__name__) / "libadbc_driver_cflight.so")


def connect(uri, db_kwargs=None):
    """A database of the low-level interface (adbc_driver_manager.AdbcDatabase)."""
    return adbc_driver_manager.AdbcDatabase(driver=driver_path(), uri=uri, **(db_kwargs or {}))
