# SPDX-License-Identifier: Apache-2.0
"""Tokens from a token server: an HTTP server of Python, a Flight server that takes its tokens, and the command."""

import base64
import http.server
import json
import ssl
import threading
import urllib.parse

import pyarrow as pa
import pyarrow.flight as fl
import pytest

SECRET = "p:w&%2b"


class Issuer(http.server.ThreadingHTTPServer):
    """Gives out "token-1", "token-2" and so on, or what `answer` says: a status and a body."""

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.answer, self.valid = [], None, set()
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.uri = f"http{'s' if tls else ''}://localhost:{self.server_port}/oauth/token"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """Clients that do not trust it go away."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            pair = base64.b64decode(encoded).decode().split(":")
            form["client_id"], form["client_secret"] = map(urllib.parse.unquote_plus, pair)
        self.server.requests.append(form)
        status, body = self.server.answer or (200, None)
        if body is None:
            token = f"token-{len(self.server.requests)}"
            self.server.valid.add(f"Bearer {token}")
            body = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 600}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Gate(fl.ServerMiddlewareFactory):
    def __init__(self, valid):
        self.valid = valid
        self.calls = []

    def start_call(self, info, headers):
        token = headers.get("authorization", [""])[0]
        self.calls.append(token)
        if token not in self.valid:
            raise fl.FlightUnauthenticatedError("no valid token")


class Server(fl.FlightServerBase):
    def __init__(self, issuer):
        self.gate = Gate(issuer.valid)
        super().__init__("grpc://127.0.0.1:0", middleware={"gate": self.gate})
        self.location = f"grpc://127.0.0.1:{self.port}"

    def list_flights(self, context, criteria):
        yield fl.FlightInfo(pa.schema([]), fl.FlightDescriptor.for_path("x"), [], 1, 1)

    def list_actions(self, context):
        return []


def settings(tmp_path, **values):
    path = tmp_path / "oauth"
    lines = [f"{name.replace('__', '.')} = {value}" for name, value in values.items()]
    path.write_text("\n".join(["# who we are", "", *lines]))
    return path


def credentials(tmp_path, issuer, **more):
    return settings(tmp_path, flow="client_credentials", token_uri=issuer.uri, client_id="reports",
                    client_secret=SECRET, **more)


def test_client_credentials(cflight, tmp_path):
    with Issuer() as issuer, Server(issuer) as server:
        done = cflight.run("list", server.location, "--oauth-file", credentials(tmp_path, issuer, scope="a b"), check=True)
        assert done.stdout == "x\t1\t1\n" and done.stderr == ""
        assert issuer.requests == [{"grant_type": "client_credentials", "scope": "a b", "client_id": "reports",
                                    "client_secret": SECRET}]
        assert server.gate.calls == ["Bearer token-1"]


def test_a_token_is_exchanged(cflight, tmp_path):
    jwt = "urn:ietf:params:oauth:token-type:jwt"
    with Issuer() as issuer, Server(issuer) as server:
        # as the JDBC driver writes them
        path = settings(tmp_path, oauth__flow="token_exchange", oauth__tokenUri=issuer.uri,
                        oauth__exchange__subjectToken="subject=", oauth__exchange__subjectTokenType=jwt,
                        oauth__exchange__aud="db")
        cflight.run("list", server.location, "--oauth-file", path, check=True)
        assert issuer.requests == [{"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": "db",
                                    "subject_token": "subject=", "subject_token_type": jwt}]


def test_a_token_that_is_refused_is_replaced_once(cflight, tmp_path):
    with Issuer() as issuer, Server(issuer) as server:
        path = credentials(tmp_path, issuer)

        class Forgetful(set):
            def __contains__(self, token):
                return token != "Bearer token-1" and super().__contains__(token)

        server.gate.valid = issuer.valid = Forgetful()
        cflight.run("list", server.location, "--oauth-file", path, check=True)
        assert server.gate.calls == ["Bearer token-1", "Bearer token-2"]
        server.gate.valid = set()
        done = cflight.run("list", server.location, "--oauth-file", path)
        assert done.returncode != 0 and "UNAUTHENTICATED" in done.stderr and len(issuer.requests) == 4


def test_the_token_server_is_verified(cflight, certs, tmp_path):
    pair = (certs / "server.pem", certs / "server.key")
    with Issuer(tls=pair) as issuer, Server(issuer) as server:
        done = cflight.run("list", server.location, "--oauth-file", credentials(tmp_path, issuer))
        assert done.returncode != 0 and "certificate" in done.stderr and issuer.requests == []
        path = credentials(tmp_path, issuer, root_certs_file=certs / "ca.pem")
        cflight.run("list", server.location, "--oauth-file", path, check=True)


@pytest.mark.parametrize("answer, part", [
    ((401, b'{"error": "invalid_client", "error_description": "who?"}'), "UNAUTHENTICATED: the token server {uri} answered 401: invalid_client: who?"),
    ((400, json.dumps({"error": "invalid_scope", "error_description": f"not {SECRET}"}).encode()), "answered 400: invalid_scope"),
    ((503, b"<html>later</html>"), "UNAVAILABLE: the token server {uri} answered 503"),
    ((200, b"<html>hello</html>"), "answered 200 with what is no JSON object"),
    ((200, b'{"access_token": 1}'), "an access_token that no header can have"),
    ((200, b"x" * (2 << 20)), "answers with more than 1048576 bytes"),
    ((302, b""), "which leads elsewhere and is not followed"),
])
def test_what_a_token_server_says_is_told(cflight, tmp_path, answer, part):
    with Issuer() as issuer, Server(issuer) as server:
        issuer.answer = answer
        done = cflight.run("list", server.location, "--oauth-file", credentials(tmp_path, issuer))
        assert done.returncode != 0 and part.format(uri=issuer.uri) in done.stderr, done.stderr
        assert SECRET not in done.stderr and server.gate.calls == []


@pytest.mark.parametrize("text, part", [
    ("flow = client_credentials\nclient_secret", "line 2: there is no '='"),
    ("flow = browser", "line 1: OAuth flow"),
    ("secret = s3cret", "line 1: there is no OAuth option 'secret'"),
    ("flow = client_credentials\ntoken_uri = http://login.example/\nclient_id = a\nclient_secret = s3cret", "allow_http"),
    ("", "needs the option flow"),
])
def test_a_file_that_is_wrong_is_refused(cflight, tmp_path, text, part):
    path = tmp_path / "oauth"
    path.write_text(text)
    done = cflight.run("list", "localhost:1", "--oauth-file", path)
    assert done.returncode == 2 and part in done.stderr and "s3cret" not in done.stderr
    done = cflight.run("list", "localhost:1", "--oauth-file", path, "--user", "a")
    assert done.returncode == 2 and "exclude" in done.stderr
