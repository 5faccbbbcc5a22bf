# SPDX-License-Identifier: Apache-2.0
"""The DBAPI (PEP 249) for servers of Flight SQL: that of the driver manager, with this driver."""

import adbc_driver_manager.dbapi
from adbc_driver_manager.dbapi import *  # noqa: F403: all of it is here too

from . import driver_path


def connect(uri, db_kwargs=None, conn_kwargs=None, **kwargs):
    """Connect to a server.

    Parameters
    ----------
    uri : str
        ``grpc://host:port``, ``grpc+tls://...``, ``grpc+unix://...``, or ``flightsql://host:port``.
    db_kwargs, conn_kwargs : dict, optional
        Options of the database and of the connection: see the guide of the driver.
    **kwargs
        What adbc_driver_manager.dbapi.connect() takes, such as `autocommit`.
    """
    return adbc_driver_manager.dbapi.connect(driver=driver_path(), db_kwargs={"uri": uri, **(db_kwargs or {})},
                                             conn_kwargs=conn_kwargs, **kwargs)  # fmt: skip
