# SPDX-License-Identifier: Apache-2.0
"""Every key of the Go driver is one of ours, at each kind of object that has it: a program changes only the driver's
name."""

import enum

import adbc_driver_flightsql
import adbc_driver_manager as adbc
import pytest

from conftest import fails_with

SQL = "adbc.flight.sql."
OAUTH = SQL + "oauth."
EXCHANGE = OAUTH + "exchange."
CLIENT = SQL + "client_option."
SESSION = SQL + "session."
LIMIT = SQL + "rpc.timeout_seconds."
ISOLATION = "adbc.connection.transaction.isolation"

# For databases, with what else each needs.
CREDENTIALS = {OAUTH + "flow": "client_credentials", OAUTH + "token_uri": "https://localhost/t", OAUTH + "client_id": "a",
               OAUTH + "client_secret": "b"}
TOKENS = {OAUTH + "flow": "token_exchange", OAUTH + "token_uri": "https://localhost/t", EXCHANGE + "subject_token": "t",
          EXCHANGE + "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}
PAIR = {CLIENT + "mtls_cert_chain": "a", CLIENT + "mtls_private_key": "b"}
ALL = {
    LIMIT + "fetch": "1.5", LIMIT + "query": 2, LIMIT + "update": 0.5, SQL + "rpc.call_header.x-one": "1",
    "adbc.telemetry.trace_parent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "adbc.telemetry.traces_exporter": "none", "adbc.telemetry.traces_folder_path": "/tmp",
}
DATABASE = {
    **ALL, "username": "ada", "password": "secret", SQL + "authorization_header": "Bearer x", CLIENT + "authority": "a",
    **PAIR, CLIENT + "tls_override_hostname": "a", CLIENT + "tls_root_certs": "a", CLIENT + "tls_skip_verify": "true",
    CLIENT + "with_block": "true", CLIENT + "with_max_msg_size": "1000", SQL + "rpc.with_cookie_middleware": "true",
    LIMIT + "connect": "10", **CREDENTIALS, **TOKENS, OAUTH + "auth_uri": "https://localhost/a",
    OAUTH + "redirect_uri": "https://localhost/r", OAUTH + "scope": "read", EXCHANGE + "actor_token": "a",
    EXCHANGE + "actor_token_type": "b", EXCHANGE + "requested_token_type": "c", EXCHANGE + "scope": "d",
    EXCHANGE + "aud": "e", EXCHANGE + "resource": "https://localhost/s",
}
CONNECTION = {
    **ALL, SESSION + "option.a": "1", SESSION + "optionbool.b": "true", SESSION + "optionstringlist.c": '["d"]',
    SESSION + "optionerase.a": "", "adbc.connection.autocommit": "true", "adbc.connection.catalog": "main",
    "adbc.connection.db_schema": "", "adbc.connection.readonly": "false",
    ISOLATION + "_level": ISOLATION + ".default",
}
STATEMENT = {
    **ALL, "adbc.rpc.result_queue_size": "7", SQL + "substrait.version": "0.20.0", "adbc.ingest.target_table": "t",
    "adbc.ingest.mode": "adbc.ingest.mode.append", "adbc.ingest.target_catalog": "main",
    "adbc.ingest.target_db_schema": "", "adbc.ingest.temporary": "false", "adbc.statement.exec.incremental": "true",
}
READ = {"adbc.statement.exec.progress", "adbc.statement.exec.max_progress", SQL + "statement.exec.last_flight_info",
        SESSION + "options"}


def needs(key):
    """What a database needs besides a key."""
    if key in PAIR:
        return PAIR
    if key in TOKENS and key not in CREDENTIALS or key.startswith(EXCHANGE):
        actor = {EXCHANGE + "actor_token_type": "b"} if key == EXCHANGE + "actor_token" else {}
        return TOKENS | actor | ({EXCHANGE + "actor_token": "a"} if key == EXCHANGE + "actor_token_type" else {})
    return CREDENTIALS if key.startswith(OAUTH) else {}


@pytest.mark.parametrize("key", DATABASE)
def test_databases(driver, uri, key):
    with adbc.AdbcDatabase(driver=driver, uri=uri, **({key: DATABASE[key]} | needs(key))):
        pass


@pytest.mark.parametrize("key", CONNECTION)
def test_connections(database, lowlevel, key):
    lowlevel.set_options(**{key: CONNECTION[key]})
    with adbc.AdbcConnection(database, **{key: CONNECTION[key]}):
        pass


@pytest.mark.parametrize("key", STATEMENT)
def test_statements(lowlevel, key):
    with adbc.AdbcStatement(lowlevel) as statement:
        statement.set_options(**{key: STATEMENT[key]})


def test_what_is_only_read(lowlevel):
    assert lowlevel.get_option(SESSION + "options") == "{}"
    with adbc.AdbcStatement(lowlevel) as statement:
        assert statement.get_option_float("adbc.statement.exec.progress") == 0.0
        assert statement.get_option_float("adbc.statement.exec.max_progress") == 1.0
        assert statement.get_option_bytes(SQL + "statement.exec.last_flight_info") == b""


def test_what_the_go_driver_does_not_do_either(lowlevel):
    for key, value in (("adbc.connection.readonly", "true"), (ISOLATION + "_level", ISOLATION + ".serializable")):
        fails_with(adbc.AdbcStatusCode.NOT_IMPLEMENTED, lowlevel.set_options, **{key: value})


def test_no_key_of_the_package_is_missing():
    """The names are those of the package over the Go driver."""
    ours = DATABASE.keys() | CONNECTION.keys() | STATEMENT.keys() | READ
    kinds = [kind for kind in vars(adbc_driver_flightsql).values() if isinstance(kind, enum.EnumMeta)]
    keys = {member.value for kind in kinds if kind.__name__.endswith("Options") for member in kind}
    assert len(keys) > 30
    assert {key for key in keys if not any(own == key or key.endswith(".") and own.startswith(key) for own in ours)} == set()
