# SPDX-License-Identifier: Apache-2.0
"""A resumed TLS session is worth no more than a full handshake would be now, in both roles; OpenSSL's own client and
server are the peers."""

import contextlib
import threading

import cflight as flight
import openssl_peers
import pytest

VERSIONS = ("-tls1_2", "-tls1_3")
LIFE_S = 10


@pytest.fixture
def authority(tmp_path):
    return openssl_peers.Authority(tmp_path)


def ask(port, root, failures):
    with flight.connect(f"grpc+tls://localhost:{port}", tls_root_certs=root) as client:
        try:
            list(client.list_flights())
        except flight.FlightUnavailableError as error:
            failures[port] = str(error)


def test_sessions_end_with_the_certificate_of_the_server(authority):
    """Goal: no request goes to a server whose certificate has ended meanwhile. Method: a client's call is sent away by
    a server that it knows already."""
    cert, key, end = authority.issue("server", LIFE_S)
    failures = {}
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(openssl_peers.s_server(cert, key, version)) for version in VERSIONS]
        arguments = [(server.port, authority.root.read_bytes(), failures) for server in servers]
        threads = [threading.Thread(target=ask, args=each) for each in arguments]
        for thread in threads:
            thread.start()
        openssl_peers.send_away(servers, end)
        for thread in threads:
            thread.join()
        for server in servers:
            assert server.connections() == [openssl_peers.NEW, openssl_peers.RESUMED]
            assert "certificate has expired" in failures[server.port]


def test_sessions_end_with_the_certificate_of_the_client(authority):
    """Goal: nobody stays by coming back in time. Method: a session, and the one that it was renewed by, are offered
    before and after the end of the certificate that the first one came from."""
    cert, key, _ = authority.issue("server")
    with flight.FlightServerBase(
        "grpc+tls://localhost:0",
        tls_certificates=[(cert.read_bytes(), key.read_bytes())],
        verify_client=True,
        root_certificates=authority.root.read_bytes(),
    ) as server:
        pair = authority.issue("client", LIFE_S)
        checks = [openssl_peers.check_tickets(authority, server.port, version, pair) for version in VERSIONS]
        for check in checks:
            check()
