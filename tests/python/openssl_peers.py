# SPDX-License-Identifier: Apache-2.0
"""OpenSSL's own client and server as peers, with certificates that end while a test watches."""

import contextlib
import datetime
import pathlib
import re
import subprocess
import threading
import time

LIMIT_S = 60
RESUMED, NEW = "resumed", "new"
SETTINGS = bytes.fromhex("000000040000000000")
GOAWAY = bytes.fromhex("0000080700000000000000000000000000")  # no call was looked at: all may go elsewhere

CONFIG = """
[ca]
default_ca = here
[here]
database = {0}/index
new_certs_dir = {0}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=LIMIT_S).stdout


class Authority:
    """A certificate authority in a folder; its own certificate is `root`, a path."""

    KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "root.pem"
        (self.folder / "index").write_text("")
        (self.folder / "config").write_text(CONFIG.format(folder))
        openssl("req", "-x509", *self.KEY, "-days", 2, "-subj", "/CN=authority", "-addext",
                "basicConstraints=critical,CA:TRUE", "-keyout", self.folder / "root.key", "-out", self.root)  # fmt: skip

    def issue(self, name, seconds=3600):
        """A certificate for localhost that ends in so many seconds: paths of it and of its key, and its end."""
        request, cert, key = (self.folder / f"{name}.{ending}" for ending in ("csr", "pem", "key"))
        openssl("req", "-new", *self.KEY, "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost",
                "-keyout", key, "-out", request)  # fmt: skip
        end = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=seconds)
        openssl("ca", "-batch", "-notext", "-config", self.folder / "config", "-cert", self.root, "-keyfile",
                self.folder / "root.key", "-enddate", end.strftime("%Y%m%d%H%M%SZ"), "-in", request, "-out", cert)  # fmt: skip
        return cert, key, end.timestamp()


def wait_until(end):
    """Returns in the second after the end of a certificate."""
    while time.time() < end + 1.1:
        time.sleep(0.05)


def s_client(authority, port, *options, expect=b"Verify return code"):
    """What OpenSSL's client says about one connection, which it closes when it has said what is expected of it."""
    command = ["stdbuf", "-o0", "openssl", "s_client", "-connect", f"localhost:{port}", "-alpn", "h2", "-CAfile", authority.root, *options]
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        said = b""
        while expect not in said:
            chunk = process.stdout.read1()
            if not chunk:
                break
            said += chunk
        process.kill()
    return said.decode(errors="replace")


class Server:
    """OpenSSL's server, which knows TLS and nothing of HTTP/2: what it sends is written by the test. `connections`
    has for each connection that was made whether its session was resumed."""

    def __init__(self, cert, key, *options):
        command = ["stdbuf", "-o0", "openssl", "s_server", "-accept", "0", "-alpn", "h2", "-cert", cert, "-key", key, *options]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = b""
        self.has_said = threading.Condition()
        self.reader = threading.Thread(target=self.listen)
        self.reader.start()
        self.port = int(self.wait_for(rb"ACCEPT [^\n]*:(\d+)\n").group(1))

    def listen(self):
        while chunk := self.process.stdout.read1():
            with self.has_said:
                self.said += chunk
                self.has_said.notify_all()

    def wait_for(self, pattern):
        with self.has_said:
            assert self.has_said.wait_for(lambda: re.search(pattern, self.said), LIMIT_S), self.said
            return re.search(pattern, self.said)

    def connections(self):
        """For each handshake that ended well, whether it resumed a session."""
        parts = self.said.split(b"-----BEGIN SSL SESSION PARAMETERS-----")[1:]
        return [RESUMED if b"Reused session-id" in part else NEW for part in parts]

    def wait_for_requests(self, count):
        """Waits for a call on each of so many connections, up to the end of its request, and answers none."""
        for number in range(1, count + 1):
            preface = rb"(?s)" + rb".*?".join([rb"PRI \* HTTP/2\.0"] * number)
            self.wait_for(preface)
            if number == count:
                self.send(SETTINGS)
            self.wait_for(preface + rb".*?\x00\x01\x00\x00\x00\x01")  # DATA of stream 1 with END_STREAM

    def send(self, octets):
        self.process.stdin.write(octets)
        self.process.stdin.flush()

    def stop(self):
        self.process.kill()
        self.process.wait(LIMIT_S)
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


def send_away(servers, end):
    """Has each server send its client's call away twice, the second time when the certificate has ended: the client
    has to come back each time, and may resume its session the first time only."""
    for server in servers:
        server.wait_for_requests(1)
        server.send(GOAWAY)
    for server in servers:
        server.wait_for_requests(2)
    wait_until(end)
    for server in servers:
        server.send(GOAWAY)


def check_tickets(authority, port, version, pair):
    """OpenSSL's client logs in with its certificate, and comes back by its session alone; then a function is returned
    that does both again and must fail, since the certificate has ended."""
    cert, key, end = pair
    sessions = [authority.folder / f"session{version}.{port}.{number}" for number in (1, 2)]
    shown = ("-cert", cert, "-key", key)
    ticket = b"Session Ticket arrived" if version == "-tls1_3" else b"Verify return code"
    assert "New, TLSv1." in s_client(authority, port, version, *shown, "-sess_out", sessions[0], expect=ticket)
    back = s_client(authority, port, version, "-sess_in", sessions[0], "-sess_out", sessions[1], expect=ticket)
    assert "Reused, TLSv1." in back, back

    def again():
        wait_until(end)
        for session in filter(pathlib.Path.exists, sessions):  # TLS 1.2 renews none
            said = s_client(authority, port, version, "-sess_in", session, expect=b"alert ")
            assert "Reused" not in said and "alert " in said, said
        said = s_client(authority, port, version, *shown, expect=b"alert ")
        assert "alert certificate expired" in said, said

    return again


@contextlib.contextmanager
def s_server(cert, key, *options):
    server = Server(cert, key, *options)
    try:
        yield server
    finally:
        server.stop()
