from collections.abc import Mapping

import adbc_driver_manager.dbapi as _dbapi

__all__ = ["connect"]

def connect(
    uri: str,
    *,
    autocommit: bool = False,
    db_kwargs: Mapping[str, str] | None = None,
    conn_kwargs: Mapping[str, str] | None = None,
) -> _dbapi.Connection: ...
