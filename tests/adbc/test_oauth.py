# SPDX-License-Identifier: Apache-2.0
"""Tokens by OAuth: options by the names of the drivers in Go and in Java, and a token server."""

import http.server
import json
import threading
import urllib.parse

import adbc_driver_manager as adbc
import pytest

from conftest import fails_with, query

GO, JAVA = "adbc.flight.sql.oauth.", "oauth."
CODES = adbc.AdbcStatusCode


@pytest.fixture
def token_server():
    """A token server: its location, and what it was asked, a form each."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            asked.append(dict(urllib.parse.parse_qsl(text), authorization=self.headers["authorization"]))
            is_known = "unknown" not in text
            answer = json.dumps({"access_token": f"token{len(asked)}", "token_type": "Bearer", "expires_in": 3600}
                                if is_known else {"error": "invalid_scope", "error_description": "no such scope"})
            self.send_response(200 if is_known else 400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/token", asked
        finally:
            server.shutdown()
            thread.join()


def authorization_of(database):
    """What a server is shown by a connection of its own."""
    with adbc.AdbcConnection(database) as connection:
        return dict(query(connection, "-- headers\nSELECT 1"))["authorization"]


def test_client_credentials(driver, uri, token_server):
    location, asked = token_server
    with adbc.AdbcDatabase(driver=driver, uri=uri, **{
            GO + "flow": "client_credentials", GO + "token_uri": location, GO + "client_id": "reports",
            GO + "client_secret": "s3cret", GO + "scope": "read"}) as database:
        assert asked == []
        assert [authorization_of(database) for _ in range(3)] == ["Bearer token1"] * 3
        fails_with(CODES.NOT_FOUND, database.get_option, GO + "client_secret")
    (form,) = asked
    assert (form["grant_type"], form["scope"]) == ("client_credentials", "read")
    assert form["authorization"].startswith("Basic ")


def test_token_exchange_with_the_names_of_java(driver, uri, token_server):
    location, asked = token_server
    with adbc.AdbcDatabase(driver=driver, uri=uri, **{
            JAVA + "flow": "token_exchange", JAVA + "tokenUri": location, JAVA + "exchange.subjectToken": "theirs",
            JAVA + "exchange.subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
            JAVA + "exchange.aud": "sql"}) as database:
        assert authorization_of(database) == "Bearer token1"
    assert (asked[0]["subject_token"], asked[0]["audience"]) == ("theirs", "sql")


def test_what_the_token_server_refuses(driver, uri, token_server):
    location, _ = token_server
    with adbc.AdbcDatabase(driver=driver, uri=uri, **{
            GO + "flow": "client_credentials", GO + "token_uri": location, GO + "client_id": "reports",
            GO + "client_secret": "s3cret", GO + "scope": "unknown"}) as database, \
            adbc.AdbcConnection(database) as connection:
        text = fails_with(CODES.UNAUTHENTICATED, connection.get_table_types)
    assert "invalid_scope" in text and "s3cret" not in text


CREDENTIALS = {GO + "flow": "client_credentials", GO + "token_uri": "https://127.0.0.1:1/", GO + "client_id": "a",
               GO + "client_secret": "b"}


@pytest.mark.parametrize("options, code, text", [
    ({GO + "flow": "password"}, CODES.NOT_IMPLEMENTED, "flow"),
    ({GO + "colour": "red"}, CODES.NOT_IMPLEMENTED, "colour"),
    ({JAVA + "x" * 100: "red"}, CODES.NOT_IMPLEMENTED, "xxx"),
    ({GO + "flow": "client_credentials"}, CODES.INVALID_ARGUMENT, "token_uri"),
    ({GO + "scope": "read"}, CODES.INVALID_ARGUMENT, "flow"),
    (CREDENTIALS | {GO + "token_uri": "http://example.org/"}, CODES.INVALID_ARGUMENT, "https"),
    (CREDENTIALS | {"username": "ada"}, CODES.INVALID_ARGUMENT, "exclude"),
    (CREDENTIALS | {"adbc.flight.sql.authorization_header": "x"}, CODES.INVALID_ARGUMENT, "exclude"),
])
def test_options_that_are_none(driver, uri, options, code, text):
    assert text in fails_with(code, adbc.AdbcDatabase, driver=driver, uri=uri, **options)
