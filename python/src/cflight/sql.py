# SPDX-License-Identifier: Apache-2.0
"""Flight SQL: statements, transactions, uploads and the catalog of a database, over Arrow Flight.

Examples
--------
>>> from cflight import sql
>>> with sql.connect("grpc://localhost:31337") as client:
...     table = client.query("SELECT * FROM stations").read_all()
"""

from ._cflight import Client, Statement, Transaction
from ._sql_async import AsyncClient
from ._sql_remote import AsyncStatement, AsyncTransaction
from ._sql_rows import AsyncRows
from ._sql_server import Server
from ._sql_types import Call, IngestTarget, Plan, SubstraitPlan, TableFilter

__all__ = [
    "AsyncClient",
    "AsyncRows",
    "AsyncStatement",
    "AsyncTransaction",
    "Call",
    "Client",
    "IngestTarget",
    "Plan",
    "Server",
    "Statement",
    "SubstraitPlan",
    "TableFilter",
    "Transaction",
    "connect",
]


def connect(location, **kwargs):
    """Make a :class:`Client`; takes the same arguments.

    Examples
    --------
    >>> client = connect(("localhost", 31337))
    """
    return Client(location, **kwargs)
