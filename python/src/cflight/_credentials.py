# SPDX-License-Identifier: Apache-2.0
"""How a worker logs in: by a name that is looked up where it runs, or by a callable. Secrets are no part of a plan."""

import os
import pathlib
import tomllib

from ._cflight import FlightCallOptions, FlightClient

__all__ = ["Login", "connect_for"]

_FILES = ("tls_root_certs", "cert_chain", "private_key")
_PLAIN = ("override_hostname", "authority", "tls_min_version")
_OWN = ("user", "password", "token", "headers")
KEYS = frozenset(_FILES + _PLAIN + _OWN)


def credentials_file():
    """Where named credentials are looked up on this machine."""
    place = os.environ.get("CFLIGHT_CREDENTIALS")
    if place:
        return pathlib.Path(place)
    base = os.environ.get("XDG_CONFIG_HOME") or pathlib.Path.home() / ".config"
    return pathlib.Path(base) / "cflight" / "credentials.toml"


def _checked(facts, whose):
    if not isinstance(facts, dict):
        raise TypeError(f"{whose} must be a dict, not {type(facts).__name__}")
    unknown = sorted(map(str, set(facts) - KEYS))
    if unknown:
        raise ValueError(f"{whose}: unknown {', '.join(unknown)}; known are {', '.join(sorted(KEYS))}")
    if ("user" in facts) != ("password" in facts):
        raise ValueError(f"{whose}: user and password go together")
    return facts


def _named(name):
    place = credentials_file()
    try:
        table = tomllib.loads(place.read_text())
    except FileNotFoundError:
        raise LookupError(f"credentials {name!r}: there is no file {place}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # The text of a parser's error may quote the line that has the secret.
        raise LookupError(f"credentials {name!r}: {place} cannot be read ({type(error).__name__})") from None
    if name not in table:
        raise LookupError(f"credentials {name!r} are not in {place}")
    facts = dict(_checked(table[name], f"credentials {name!r} in {place}"))
    for key in _FILES:
        if key in facts:
            facts[key] = (place.parent / facts[key]).read_bytes()
    return facts


class Login:
    """What a client is made with and what its calls say. Lives in one process and is never sent on."""

    def __init__(self, credentials=None):
        if credentials is None:
            facts = {}
        elif isinstance(credentials, str):
            facts = _named(credentials)
        elif callable(credentials):
            facts = _checked(credentials(), "what credentials() returns")
        else:
            raise TypeError(f"credentials must be a name or a callable, not {type(credentials).__name__}")
        self._facts = facts

    def __repr__(self):
        return f"<Login with {', '.join(sorted(self._facts)) or 'nothing'}>"

    def __reduce__(self):
        raise TypeError("a login holds secrets and cannot be pickled: send the name or the callable")

    def client(self, location):
        kwargs = {key: self._facts[key] for key in (*_FILES, *_PLAIN) if key in self._facts}
        return FlightClient(location, **kwargs)

    def headers(self, client):
        """The headers that say who calls; logs in with a user's name."""
        facts = self._facts
        headers = [(key.lower().encode(), value if isinstance(value, bytes) else value.encode())
                   for key, value in dict(facts.get("headers", {})).items()]
        if "token" in facts:
            headers.append((b"authorization", b"Bearer " + facts["token"].encode()))
        elif "user" in facts:
            headers.append(client.authenticate_basic_token(facts["user"], facts["password"]))
        return headers


def connect_for(location, credentials, *, is_trusted=True, **limits):
    """A client, and the options of its calls. A place that is not trusted is told nothing but a client's certificate."""
    login = Login(credentials)
    client = login.client(location)
    try:
        headers = login.headers(client) if is_trusted else []
        return client, FlightCallOptions(headers=headers, **limits)
    except BaseException:
        client.close()
        raise
