# SPDX-License-Identifier: Apache-2.0
"""Connections of the DBAPI (PEP 249) to servers of Flight SQL, by cflight's ADBC driver.

What stands behind it are packages of their own: adbc_driver_cflight, which has the driver, or a driver that is
installed on the system under the name "cflight"; and adbc_driver_manager, which has the DBAPI.
"""

import importlib.util

__all__ = ["connect"]


def connect(uri, *, autocommit=False, db_kwargs=None, conn_kwargs=None):
    """Connect to a server.

    Parameters
    ----------
    uri : str
        ``grpc://host:port``, ``grpc+tls://...``, ``grpc+unix://...``, or ``flightsql://host:port``.
    autocommit : bool, optional
        Each statement is a transaction of its own.
    db_kwargs, conn_kwargs : dict, optional
        Options of the driver, by their keys: ``{"username": ..., "password": ...}``.

    Returns
    -------
    adbc_driver_manager.dbapi.Connection
        Its cursors give Arrow tables as well: ``cursor.fetch_arrow_table()``.

    Raises
    ------
    ImportError
        adbc_driver_manager is not installed.
    adbc_driver_manager.Error
        There is no driver, or an option is wrong. The server is asked by the first statement.
    """
    try:
        import adbc_driver_manager.dbapi
    except ImportError as error:
        raise ImportError("cflight.dbapi needs the package adbc_driver_manager") from error
    driver = "cflight"
    if importlib.util.find_spec("adbc_driver_cflight") is not None:
        import adbc_driver_cflight

        driver = adbc_driver_cflight.driver_path()
    return adbc_driver_manager.dbapi.connect(
        driver=driver, db_kwargs={"uri": uri, **(db_kwargs or {})}, conn_kwargs=conn_kwargs, autocommit=autocommit
    )
