# SPDX-License-Identifier: Apache-2.0
"""A served database whose users have rights: ann writes, bob reads, none has a section and no right."""

import contextlib
import subprocess

import adbc_driver_flightsql as driver
from adbc_driver_flightsql import dbapi

RIGHTS = """
[ann]
read = *
write = *
[bob]
read = *
[none]
"""


@contextlib.contextmanager
def served_with_rights(cflight, source, tmp_path, *options):
    """A server of three users, and what connects as one of them."""
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], check=True, capture_output=True, text=True).stdout
    users = tmp_path / "users"
    users.write_text("".join(f"{name}:{hashed}" for name in ("ann", "bob", "none")))
    users.chmod(0o600)
    (tmp_path / "rights").write_text(RIGHTS)
    with cflight.serving(source, "--auth-file", users, "--rights", tmp_path / "rights", *options) as server:
        def connect_as(name):
            kwargs = {driver.DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true", "username": name, "password": "secret"}
            return dbapi.connect(server.location, db_kwargs=kwargs, autocommit=True)

        yield server, connect_as
