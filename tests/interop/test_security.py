# SPDX-License-Identifier: Apache-2.0
"""TLS, authentication, middleware and cookies: every pair of a cflight and a pyarrow client and server.

The cflight peer is tests/support/security_peer.c; the pyarrow peers here do the same things."""

import base64
import contextlib
import dataclasses
import pathlib
import socket
import subprocess

import pyarrow as pa
import pyarrow.flight as flight
import pytest

import cflight_command

USER, PASSWORD, TOKEN = "alice", "secret!", b"token of alice"
BYTES = bytes(range(256))
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def peer():
    return cflight_command.find_program("security_peer")


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    """See tests/support/make_certs.c for the names."""
    directory = tmp_path_factory.mktemp("certs")
    subprocess.run([cflight_command.find_program("make_certs"), directory], check=True, timeout=TIMEOUT_S)
    return directory


@dataclasses.dataclass
class Outcome:
    """What a client saw."""
    status: str
    message: str
    results: list
    headers: list  # (name, value), values of -bin names as bytes


# ---- pyarrow's server ----


class EchoFactory(flight.ServerMiddlewareFactory):
    def __init__(self, cookies):
        self.cookies = cookies

    def start_call(self, info, headers):
        return Echo(headers, self.cookies)


class Echo(flight.ServerMiddleware):
    def __init__(self, headers, cookies):
        self.answer = {name: headers[name] for name in ("x-echo", "x-echo-bin") if name in headers}
        self.cookie = headers.get("cookie", [""])[0]
        if cookies:
            self.answer["set-cookie"] = ["flavour=lemon; Path=/", "old=1; Max-Age=0"]

    def sending_headers(self):
        return self.answer


class HandshakeAuth(flight.ServerAuthHandler):
    def authenticate(self, outgoing, incoming):
        for expected, answer in ((USER.encode(), b"password?"), (PASSWORD.encode(), TOKEN)):
            if incoming.read() != expected:
                raise flight.FlightUnauthenticatedError("go away")
            outgoing.write(answer)

    def is_valid(self, token):
        if token != TOKEN:
            raise flight.FlightUnauthenticatedError("no valid token")
        return USER


class NoAuth(flight.ServerAuthHandler):
    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return ""


class BearerFactory(flight.ServerMiddlewareFactory):
    """Takes a name and a password, or the token that it answered them with."""

    def start_call(self, info, headers):
        value = headers.get("authorization", [""])[0]
        kind, _, rest = value.partition(" ")
        if kind == "Basic" and base64.b64decode(rest + "==") == f"{USER}:{PASSWORD}".encode():
            return Bearer("Bearer t0k3n")
        if value == "Bearer t0k3n":
            return Bearer(None)
        raise flight.FlightUnauthenticatedError("go away")


class Bearer(flight.ServerMiddleware):
    def __init__(self, answer):
        self.answer = answer

    def sending_headers(self):
        return {"authorization": self.answer} if self.answer else {}


class Server(flight.FlightServerBase):
    def do_action(self, context, action):
        if action.type == "whoami":
            identity = context.peer_identity()
            if context.get_middleware("bearer"):
                identity = USER.encode()
            return [identity, b"", b""]
        if action.type == "cookies":
            return [context.get_middleware("echo").cookie.encode()]
        raise flight.FlightUnavailableError("failed as asked")


def serve_pyarrow(location, words):
    middleware = {"echo": EchoFactory("cookies" in words)}
    options = {}
    if "basic" in words:
        middleware["bearer"] = BearerFactory()
        options["auth_handler"] = NoAuth()
    elif "handshake" in words:
        options["auth_handler"] = HandshakeAuth()
    if "cert" in words:
        options["tls_certificates"] = [tuple(read(words[word]) for word in ("cert", "key"))]
    if "roots" in words:
        options.update(verify_client=True, root_certificates=read(words["roots"]))
    return Server(location, middleware=middleware, **options)


def read(path):
    return pathlib.Path(path).read_bytes()


# ---- pyarrow's client ----


class RecorderFactory(flight.ClientMiddlewareFactory):
    def __init__(self):
        self.headers = []
        self.cookies = {}

    def start_call(self, info):
        return Recorder(self)


class Recorder(flight.ClientMiddleware):
    """Keeps headers, and cookies as simply as this test needs them."""

    def __init__(self, factory):
        self.factory = factory

    def sending_headers(self):
        cookies = "; ".join(f"{name}={value}" for name, value in self.factory.cookies.items())
        return {"cookie": cookies} if cookies else {}

    def received_headers(self, headers):
        self.factory.headers += [(name, value) for name, values in headers.items() for value in values]
        for text in headers.get("set-cookie", []):
            pair, *attributes = text.split("; ")
            name, _, value = pair.partition("=")
            if "Max-Age=0" not in attributes:
                self.factory.cookies[name] = value


class ClientHandshake(flight.ClientAuthHandler):
    def __init__(self, password):
        super().__init__()
        self.password = password
        self.token = b""

    def authenticate(self, outgoing, incoming):
        outgoing.write(USER.encode())
        incoming.read()
        outgoing.write(self.password.encode())
        self.token = incoming.read()

    def get_token(self):
        return self.token


STATUS_OF = {flight.FlightUnauthenticatedError: "UNAUTHENTICATED", flight.FlightUnavailableError: "UNAVAILABLE"}


def call_pyarrow(location, words):
    recorder = RecorderFactory()
    options = {"middleware": [recorder]}
    for word, option in (("roots", "tls_root_certs"), ("cert", "cert_chain"), ("key", "private_key")):
        if word in words:
            options[option] = read(words[word])
    if "name" in words:
        options["override_hostname"] = words["name"]
    if "skip" in words:
        options["disable_server_verification"] = True
    outcome = Outcome("OK", "", [], recorder.headers)
    headers = [(name.encode(), value if isinstance(value, bytes) else value.encode())
               for name, value in words.get("headers", [])]
    with flight.connect(location, **options) as client:
        try:
            if "basic" in words:
                headers.append(client.authenticate_basic_token(USER, words["password"]))
            elif "handshake" in words:
                client.authenticate(ClientHandshake(words["password"]))
            call = flight.FlightCallOptions(headers=headers)
            for _ in range(2 if "twice" in words else 1):
                outcome.results += [result.body.to_pybytes().decode()
                                    for result in client.do_action((words["action"], b""), call)]
        except (flight.FlightError, pa.ArrowInvalid) as error:  # ArrowInvalid: RESOURCE_EXHAUSTED too
            outcome.status = STATUS_OF.get(type(error), type(error).__name__)
            outcome.message = str(error)
    return outcome


# ---- cflight's peers ----


def arguments(words):
    """Words for security_peer: those that are True stand alone."""
    result = []
    for word, value in words.items():
        if word == "headers":
            for name, header in value:
                text = header.hex() if isinstance(header, bytes) else header
                result += ["header", f"{name}={text}"]
        else:
            result += [word] if value is True else [word, str(value)]
    return result


@contextlib.contextmanager
def serving(kind, peer, location="grpc://localhost:0", **words):
    if kind == "pyarrow":
        with serve_pyarrow(location, words) as server:
            yield f"{location.rsplit(':', 1)[0]}:{server.port}"
        return
    process = subprocess.Popen([peer, "serve", location, *arguments(words)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        assert process.wait(TIMEOUT_S) == 0
        process.stdout.close()


def call(kind, peer, location, **words):
    if kind == "pyarrow":
        return call_pyarrow(location, words)
    done = subprocess.run([peer, "call", location, *arguments(words)], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=True)
    outcome = Outcome("", "", [], [])
    for line in done.stdout.splitlines():
        key, _, value = line.partition(": ")
        if key == "result":
            outcome.results.append(value)
        elif key == "header":
            name, _, text = value.partition("=")
            outcome.headers.append((name, bytes.fromhex(text) if name.endswith("-bin") else text))
        elif key == "status":
            outcome.status, _, outcome.message = value.partition(" ")
    return outcome


KINDS = ("cflight", "pyarrow")
every_pair = pytest.mark.parametrize("client, server", [(client, server) for client in KINDS for server in KINDS])
TLS = "grpc+tls://localhost:0"


def pair(certs, name="server"):
    return {"cert": certs / f"{name}.pem", "key": certs / f"{name}.key"}


def values(outcome, name):
    return [value for header, value in outcome.headers if header == name]


# ---- TLS ----


@every_pair
def test_tls(peer, certs, client, server):
    """Goal: a client that trusts the authority is served, one that trusts the system is not."""
    with serving(server, peer, TLS, **pair(certs)) as location:
        assert call(client, peer, location, roots=certs / "ca.pem", action="whoami").status == "OK"
        outcome = call(client, peer, location, action="whoami")
        assert outcome.status == "UNAVAILABLE"
        assert "ertificate" in outcome.message
        assert call(client, peer, location, roots=certs / "ca.pem", action="whoami").status == "OK"


@every_pair
@pytest.mark.parametrize("name", ["other", "expired", "self"])
def test_bad_certificates(peer, certs, client, server, name):
    """Goal: the wrong host, a time that is over and an unknown issuer are refused, unless nothing is checked or the
    right name or issuer is given."""
    roots = certs / "ca.pem"
    with serving(server, peer, TLS, **pair(certs, name)) as location:
        outcome = call(client, peer, location, roots=roots, action="whoami")
        assert outcome.status == "UNAVAILABLE"
        if client == "cflight":
            expected = {"other": "certificate is for DNS:other.example, not for 'localhost'",
                        "expired": "certificate has expired", "self": "self-signed certificate"}[name]
            assert expected in outcome.message
        assert call(client, peer, location, skip=True, action="whoami").status == "OK"
        if name == "other":
            outcome = call(client, peer, location, roots=roots, name="other.example", action="whoami")
            assert outcome.status == "OK"
        if name == "self":
            assert call(client, peer, location, roots=certs / "self.pem", action="whoami").status == "OK"


@pytest.mark.parametrize("server", KINDS)
def test_old_style_certificates(peer, certs, server):
    """Goal: a common name counts only when it was asked for. pyarrow's client always takes it."""
    roots = certs / "ca.pem"
    with serving(server, peer, TLS, **pair(certs, "cn_only")) as location:
        outcome = call("cflight", peer, location, roots=roots, action="whoami")
        assert outcome.status == "UNAVAILABLE"
        assert "CN:localhost without a subject alternative name" in outcome.message
        outcome = call("cflight", peer, location, roots=roots, action="whoami", **{"common-name": True})
        assert outcome.status == "OK"
        assert call("pyarrow", peer, location, roots=roots, action="whoami").status == "OK"


@every_pair
def test_mutual_tls(peer, certs, client, server):
    """Goal: a client with a certificate is served and known by it; one without, or with one of its own making, is
    not. Names and subject are cflight's to tell; pyarrow tells the identity alone."""
    roots = certs / "ca.pem"
    with serving(server, peer, TLS, roots=roots, **pair(certs)) as location:
        outcome = call(client, peer, location, roots=roots, action="whoami", **pair(certs, "client"))
        assert outcome.status == "OK", outcome.message
        if server == "cflight":
            uri = "spiffe://cflight.example/client"
            assert outcome.results == [uri, "CN=cflight client", f"URI:{uri}"]
        assert call(client, peer, location, roots=roots, action="whoami").status == "UNAVAILABLE"
        outcome = call(client, peer, location, roots=roots, action="whoami", **pair(certs, "stranger"))
        assert outcome.status == "UNAVAILABLE"
        outcome = call(client, peer, location, roots=roots, action="whoami", **pair(certs, "client"))
        assert outcome.status == "OK"


@pytest.mark.parametrize("client", KINDS)
def test_optional_certificates(peer, certs, client):
    """Goal: a server that accepts certificates serves clients without one, who have no identity."""
    roots = certs / "ca.pem"
    with serving("cflight", peer, TLS, roots=roots, optional=True, **pair(certs)) as location:
        assert call(client, peer, location, roots=roots, action="whoami").results == ["", "", ""]
        outcome = call(client, peer, location, roots=roots, action="whoami", **pair(certs, "client"))
        assert outcome.results[0] == "spiffe://cflight.example/client"


@every_pair
def test_plain_and_tls_do_not_mix(peer, certs, client, server):
    """Goal: the wrong kind of client is told, and the server serves the next one."""
    roots = certs / "ca.pem"
    with serving(server, peer, TLS, **pair(certs)) as location:
        plain = location.replace("grpc+tls", "grpc")
        outcome = call(client, peer, plain, action="whoami")
        assert outcome.status == "UNAVAILABLE"
        assert client == "pyarrow" or "TLS" in outcome.message
        assert call(client, peer, location, roots=roots, action="whoami").status == "OK"
    with serving(server, peer) as location:
        outcome = call(client, peer, location.replace("grpc", "grpc+tls"), roots=roots, action="whoami")
        assert outcome.status == "UNAVAILABLE"
        assert client == "pyarrow" or "does not speak TLS" in outcome.message
        assert call(client, peer, location, action="whoami").status == "OK"


def test_noise_does_not_stop_a_server(peer, certs):
    """Goal: peers that send anything but TLS, or nothing, or hang up in the middle, harm nobody else."""
    roots = certs / "ca.pem"
    with serving("cflight", peer, TLS, **pair(certs)) as location:
        address = ("localhost", int(location.rsplit(":", 1)[1]))
        silent = socket.create_connection(address)
        for noise in (b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\xff\xff" * 1000,
                      BYTES * 100):
            with contextlib.closing(socket.create_connection(address)) as connection:
                connection.sendall(noise)
        assert call("cflight", peer, location, roots=roots, action="whoami").status == "OK"
        assert call("pyarrow", peer, location, roots=roots, action="whoami").status == "OK"
        silent.close()


# ---- who calls ----


@every_pair
def test_handshake(peer, client, server):
    """Goal: a handshake of several payloads gives an identity; a wrong password and a missing token give none."""
    with serving(server, peer, handshake=True) as location:
        outcome = call(client, peer, location, handshake=True, password=PASSWORD, action="whoami")
        assert outcome.status == "OK", outcome.message
        assert outcome.results[0] == USER
        outcome = call(client, peer, location, handshake=True, password="wrong", action="whoami")
        assert outcome.status == "UNAUTHENTICATED"
        assert "go away" in outcome.message
        outcome = call(client, peer, location, action="whoami")
        assert outcome.status == "UNAUTHENTICATED"
        assert "no valid token" in outcome.message
        outcome = call(client, peer, location, handshake=True, password=PASSWORD, action="whoami", twice=True)
        assert outcome.status == "OK"


@every_pair
@pytest.mark.parametrize("is_tls", [False, True])
def test_basic_token(peer, certs, client, server, is_tls):
    """Goal: a name and a password are traded for a token that later calls carry; a wrong password is refused."""
    tls = pair(certs) if is_tls else {}
    roots = {"roots": certs / "ca.pem"} if is_tls else {}
    with serving(server, peer, TLS if is_tls else "grpc://localhost:0", basic=True, **tls) as location:
        outcome = call(client, peer, location, basic=True, password=PASSWORD, action="whoami", **roots)
        assert outcome.status == "OK", outcome.message
        assert outcome.results[0] == USER
        outcome = call(client, peer, location, basic=True, password="wrong", action="whoami", **roots)
        assert outcome.status == "UNAUTHENTICATED"
        assert "go away" in outcome.message
        outcome = call(client, peer, location, action="whoami", **roots)
        assert outcome.status == "UNAUTHENTICATED"
        headers = [("authorization", "Bearer made up")]
        assert call(client, peer, location, action="whoami", headers=headers, **roots).status == "UNAUTHENTICATED"


@pytest.mark.parametrize("server", KINDS)
def test_basic_without_padding(peer, server):
    """Goal: base64 without padding, as Go sends it, is understood."""
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert credentials.endswith("=")
    headers = [("authorization", f"Basic {credentials.rstrip('=')}")]
    with serving(server, peer, basic=True) as location:
        for client in KINDS:
            outcome = call(client, peer, location, headers=headers, action="whoami")
            assert outcome.status == "OK"
            assert outcome.results[0] == USER


# ---- headers ----


@every_pair
@pytest.mark.parametrize("action", ["whoami", "fail"])
def test_headers_come_back(peer, client, server, action):
    """Goal: text, repeated and binary headers go both ways through middleware, also when the call fails."""
    headers = [("x-echo", "one"), ("x-echo", "two, three"), ("x-echo-bin", BYTES), ("x-echo-bin", b"")]
    with serving(server, peer) as location:
        outcome = call(client, peer, location, action=action, headers=headers)
        assert outcome.status == ("OK" if action == "whoami" else "UNAVAILABLE")
        assert values(outcome, "x-echo") == ["one", "two, three"]
        assert values(outcome, "x-echo-bin") == [BYTES, b""]


@every_pair
def test_cookies(peer, client, server):
    """Goal: a cookie that a server sets comes with the next call; one that is set to end does not."""
    with serving(server, peer, cookies=True) as location:
        outcome = call(client, peer, location, action="cookies", twice=True)
        assert outcome.results == ["", "flavour=lemon"]


@pytest.mark.parametrize("client", KINDS)
def test_large_metadata_is_refused(peer, client):
    """Goal: a token of 1 MiB fails with a reason at the client, and the server goes on. pyarrow's client sends it:
    there the server refuses."""
    with serving("cflight", peer) as location:
        size = 1 << 20 if client == "pyarrow" else 100_000  # arguments of a program are bounded
        outcome = call(client, peer, location, action="whoami", headers=[("authorization", "t" * size)])
        assert outcome.status != "OK"
        assert "tttt" not in outcome.message
        if client == "cflight":
            assert outcome.status == "RESOURCE_EXHAUSTED"
            assert "metadata" in outcome.message
        assert call(client, peer, location, action="whoami").status == "OK"
