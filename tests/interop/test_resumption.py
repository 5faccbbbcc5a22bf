# SPDX-License-Identifier: Apache-2.0
"""A resumed TLS session is worth no more than a full handshake would be now: certificates end while connections come
back, in both roles, of the library in C and of the command. OpenSSL's own client and server are the peers. The Python
module has the same in tests/python/test_resumption.py."""

import contextlib
import subprocess

import pytest

import cflight_command
import openssl_peers

VERSIONS = ("-tls1_2", "-tls1_3")
LIFE_S = 10


@pytest.fixture
def authority(tmp_path):
    return openssl_peers.Authority(tmp_path)


@pytest.fixture
def peer():
    return cflight_command.find_program("security_peer")


def test_sessions_end_with_the_certificate_of_the_server(cflight, peer, authority):
    """Goal: no request goes to a server whose certificate has ended meanwhile. Method: each client's call is sent away
    by a server that it knows already."""
    cert, key, end = authority.issue("server", LIFE_S)
    with contextlib.ExitStack() as stack:
        servers, clients = [], []
        for version in VERSIONS:
            for program in ("command", "library"):
                server = stack.enter_context(openssl_peers.s_server(cert, key, version))
                location = f"grpc+tls://localhost:{server.port}"
                command = ([cflight.path, "list", location, "--tls-roots", authority.root] if program == "command" else
                           [peer, "call", location, "roots", authority.root, "action", "whoami"])
                client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                servers.append(server)
                clients.append(stack.enter_context(client))
        openssl_peers.send_away(servers, end)
        for server, client in zip(servers, clients):
            said = client.communicate(timeout=openssl_peers.LIMIT_S)[0]
            assert server.connections() == [openssl_peers.NEW, openssl_peers.RESUMED]
            assert "UNAVAILABLE" in said and "certificate has expired" in said, said


def test_sessions_end_with_the_certificate_of_the_client(cflight, peer, authority, tmp_path):
    """Goal: nobody stays by coming back in time. Method: a session, and the one that it was renewed by, are offered
    before and after the end of the certificate that the first one came from."""
    data = tmp_path / "data"
    data.mkdir()
    cert, key, _ = authority.issue("server")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(cflight.serving(
            data, "--tls-cert", cert, "--tls-key", key, "--tls-ca", authority.root, listen="grpc+tls://localhost:0"))
        library = stack.enter_context(subprocess.Popen(
            [peer, "serve", "grpc+tls://localhost:0", "cert", cert, "key", key, "roots", authority.root],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        stack.callback(library.stdin.close)
        ports = (server.port, int(library.stdout.readline().rpartition(":")[2]))
        pair = authority.issue("client", LIFE_S)
        checks = [openssl_peers.check_tickets(authority, port, version, pair) for port in ports for version in VERSIONS]
        for check in checks:
            check()
