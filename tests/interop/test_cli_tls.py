# SPDX-License-Identifier: Apache-2.0
"""TLS through the command: both sides, client certificates, and what must be refused."""

import platform
import shutil
import signal
import subprocess

import pyarrow as pa
import pyarrow.flight as fl
import pytest

TABLE = pa.table({"n": list(range(1000))})


@pytest.fixture
def data(tmp_path):
    directory = tmp_path / "data"
    directory.mkdir()
    with pa.OSFile(str(directory / "x.arrow"), "wb") as sink:
        with pa.ipc.new_file(sink, TABLE.schema) as writer:
            writer.write_table(TABLE)
    return directory


def server_options(certs, name="server"):
    return ("--tls-cert", certs / f"{name}.pem", "--tls-key", certs / f"{name}.key")


def serving(cflight, data, *options):
    return cflight.serving(data, *options, listen="grpc+tls://localhost:0")


def test_both_sides_speak_tls(cflight, certs, data):
    with serving(cflight, data, *server_options(certs)) as server:
        roots = (certs / "ca.pem").read_bytes()
        with fl.connect(server.location, tls_root_certs=roots) as client:
            assert client.do_get(fl.Ticket("x")).read_all().equals(TABLE)
        done = cflight.run("get", server.location, "x", "-o", "-", "--format", "csv",
                           "--tls-roots", certs / "ca.pem", check=True)
        assert done.stdout.count("\n") == 1001


def test_pyarrow_serves_the_command(cflight, certs):
    class Server(fl.FlightServerBase):
        def list_flights(self, context, criteria):
            yield fl.FlightInfo(TABLE.schema, fl.FlightDescriptor.for_path("x"), [], 1, 1)

    pair = ((certs / "server.pem").read_bytes(), (certs / "server.key").read_bytes())
    with Server("grpc+tls://localhost:0", tls_certificates=[pair]) as server:
        location = f"grpc+tls://localhost:{server.port}"
        done = cflight.run("list", location, "--tls-roots", certs / "ca.pem", check=True)
        assert done.stdout == "x\t1\t1\n"


@pytest.mark.parametrize("name, options, accepted", [
    ("server", (), False),
    ("self", (), False),
    ("expired", ("--tls-roots", "ca.pem"), False),
    ("other", ("--tls-roots", "ca.pem"), False),
    ("other", ("--tls-roots", "ca.pem", "--tls-name", "other.example"), True),
    ("self", ("--tls-roots", "self.pem"), True),
    ("cn_only", ("--tls-roots", "ca.pem"), False),
    ("cn_only", ("--tls-roots", "ca.pem", "--tls-allow-common-name"), True),
    ("expired", ("--tls-skip-verify",), True),
])
def test_certificates_are_verified(cflight, certs, data, name, options, accepted):
    options = [certs / option if option.endswith(".pem") else option for option in options]
    with serving(cflight, data, *server_options(certs, name)) as server:
        done = cflight.run("list", server.location, *options)
        assert done.returncode == (0 if accepted else 3), done.stderr
        assert accepted or "certificate" in done.stderr


def test_client_certificates_are_required_and_checked(cflight, certs, data):
    with serving(cflight, data, *server_options(certs), "--tls-ca", certs / "ca.pem") as server:
        command = ("list", server.location, "--tls-roots", certs / "ca.pem")
        assert cflight.run(*command).returncode != 0
        stranger = ("--tls-cert", certs / "stranger.pem", "--tls-key", certs / "stranger.key")
        assert cflight.run(*command, *stranger).returncode != 0
        known = ("--tls-cert", certs / "client.pem", "--tls-key", certs / "client.key")
        assert cflight.run(*command, *known, check=True).stdout.startswith("x\t1000\t")


def test_plain_text_is_refused(cflight, certs, data):
    with serving(cflight, data, *server_options(certs)) as server:
        done = cflight.run("list", server.location.replace("grpc+tls", "grpc"))
        assert done.returncode == 3, done.stderr


def test_hangup_reads_the_files_again(cflight, certs, data, tmp_path):
    """The certificate changes to one for another name; broken files leave it in place."""
    for ending in (".pem", ".key"):
        shutil.copy(certs / f"server{ending}", tmp_path / f"used{ending}")
    with serving(cflight, data, *server_options(tmp_path, "used")) as server:
        command = ("list", server.location, "--tls-roots", certs / "ca.pem")
        cflight.run(*command, check=True)
        (tmp_path / "used.pem").write_text("broken")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("what was read before stays")
        cflight.run(*command, check=True)
        for ending in (".pem", ".key"):
            shutil.copy(certs / f"other{ending}", tmp_path / f"used{ending}")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("were read again")
        assert cflight.run(*command).returncode == 3
        cflight.run(*command, "--tls-name", "other.example", check=True)


def test_certificates_and_users_are_read_again_each_for_itself(cflight, certs, data, tmp_path):
    """A certificate that cannot be read keeps nobody in who was removed, and the other way round."""
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input="s3cret", text=True, capture_output=True,
                            check=True).stdout.strip()
    for ending in (".pem", ".key"):
        shutil.copy(certs / f"server{ending}", tmp_path / f"used{ending}")
    users = tmp_path / "users"
    users.write_text(f"alice:{hashed}\n")
    with serving(cflight, data, *server_options(tmp_path, "used"), "--auth-file", users) as server:
        command = ("list", server.location, "--tls-roots", certs / "ca.pem", "--user", "alice")
        good = {"CFLIGHT_PASSWORD": "s3cret"}
        cflight.run(*command, env=good, check=True)
        (tmp_path / "used.pem").write_text("broken")
        users.write_text(f"bob:{hashed}\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("users were read again; 1 token ended")
        assert "certificates were not taken, what was read before stays" in server.messages()
        assert cflight.run(*command, env=good).returncode == 6
        users.write_text("broken")
        shutil.copy(certs / "server.pem", tmp_path / "used.pem")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("users were not taken, what was read before stays")
        assert "certificates were read again" in server.messages()


def test_sighup_follows_links_to_new_files(cflight, certs, data, tmp_path):
    """What renews certificates often points a link to a new file."""
    for ending in ("pem", "key"):
        (tmp_path / f"live.{ending}").symlink_to(certs / f"server.{ending}")
    options = ("--tls-cert", tmp_path / "live.pem", "--tls-key", tmp_path / "live.key")
    with serving(cflight, data, *options) as server:
        command = ("list", server.location, "--tls-roots", certs / "ca.pem", "--tls-name", "other.example")
        assert cflight.run(*command).returncode == 3
        for ending in ("pem", "key"):
            (tmp_path / f"live.{ending}").unlink()
            (tmp_path / f"live.{ending}").symlink_to(certs / f"other.{ending}")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("were read again")
        cflight.run(*command, check=True)


def test_no_option_for_tls_ends_in_plain_text(cflight, certs, data):
    """A location without TLS is refused, one without scheme gets it; both for server and client."""
    done = cflight.run("serve", data, "--listen", "grpc://localhost:0", *server_options(certs))
    assert done.returncode == 2 and "grpc+tls://" in done.stderr
    with serving(cflight, data, *server_options(certs)) as server:
        place = server.location.split("://")[1]
        roots = ("--tls-roots", certs / "ca.pem")
        cflight.run("list", place, *roots, check=True)
        plain = f"grpc://{place}"
        for option in (roots, ("--tls-name", "x"), ("--tls-cert", certs / "server.pem"), ("--tls-skip-verify",)):
            done = cflight.run("list", plain, *option)
            assert done.returncode == 2 and f"{option[0]}: the location {plain} is not of TLS" in done.stderr


def test_bad_files_are_told(cflight, certs, data, tmp_path):
    (tmp_path / "empty").touch()
    for cert, code in ((certs / "missing.pem", 1), (tmp_path / "empty", 1)):
        done = cflight.run("serve", data, "--listen", "grpc+tls://localhost:0", "--tls-cert", cert,
                           "--tls-key", certs / "server.key")
        assert done.returncode == code, done.stderr
        assert done.stdout == ""
    done = cflight.run("list", "grpc+tls://localhost:1", "--tls-roots", certs / "missing.pem")
    assert done.returncode == 1 and "missing.pem" in done.stderr
    done = cflight.run("list", "grpc+tls://localhost:1", "--tls-cert", certs / "client.pem")
    assert done.returncode == 2


def test_passwords_travel_under_tls(cflight, certs, data, tmp_path):
    """Certificates of both sides and a password together, by the command and by pyarrow."""
    users = tmp_path / "users"
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input="s3cret", text=True, capture_output=True,
                            check=True).stdout.strip()
    users.write_text(f"alice:{hashed}\n")
    roots, cert, key = ((certs / name).read_bytes() for name in ("ca.pem", "client.pem", "client.key"))
    with serving(cflight, data, *server_options(certs), "--tls-ca", certs / "ca.pem", "--auth-file", users) as server:
        command = ("list", server.location, "--tls-roots", certs / "ca.pem", "--tls-cert", certs / "client.pem",
                   "--tls-key", certs / "client.key")
        assert cflight.run(*command).returncode == 6
        done = cflight.run(*command, "--user", "alice", env={"CFLIGHT_PASSWORD": "s3cret"}, check=True)
        assert done.stdout.startswith("x\t1000\t")
        (tmp_path / "password").write_text("s3cret\n")
        cflight.run(*command, "--user", "alice", "--password-file", tmp_path / "password", check=True)
        with fl.connect(server.location, tls_root_certs=roots, cert_chain=cert, private_key=key) as client:
            with pytest.raises(fl.FlightUnauthenticatedError):
                list(client.list_flights())
            header = client.authenticate_basic_token("alice", "s3cret")
            call = fl.FlightCallOptions(headers=[header])
            assert client.do_get(fl.Ticket("x"), call).read_all().equals(TABLE)
        assert "s3cret" not in server.messages()


def known_client(certs):
    return ("--tls-roots", certs / "ca.pem", "--tls-cert", certs / "client.pem", "--tls-key", certs / "client.key")


def test_revoked_clients_are_refused(cflight, certs, data, tmp_path):
    """Also after SIGHUP, which reads the lists again; a list that has run out lets nobody in."""
    lists = tmp_path / "lists.crl"
    shutil.copy(certs / "none.crl", lists)
    with serving(cflight, data, *server_options(certs), "--tls-ca", certs / "ca.pem", "--tls-crl", lists) as server:
        command = ("list", server.location, *known_client(certs))
        assert cflight.run(*command, check=True).stdout.startswith("x\t1000\t")
        for name, alert in (("client", "certificate revoked"), ("old", "certificate expired")):
            shutil.copy(certs / f"{name}.crl", lists)
            reads = server.messages().count("read again")
            server.process.send_signal(signal.SIGHUP)
            with server.has_lines:
                assert server.has_lines.wait_for(lambda: server.messages().count("read again") > reads, 60)
            done = cflight.run(*command)
            assert done.returncode == 3 and "the peer refused: " in done.stderr and alert in done.stderr, done.stderr


def test_revoked_servers_are_refused(cflight, certs, data):
    with serving(cflight, data, *server_options(certs, "client")) as server:
        command = ("list", server.location, "--tls-roots", certs / "ca.pem", "--tls-name", "x")
        for name, reason in (("client", "certificate revoked"), ("old", "CRL has expired")):
            done = cflight.run(*command, "--tls-crl", certs / f"{name}.crl")
            assert done.returncode == 3 and reason in done.stderr, done.stderr


def test_ciphers_and_versions_are_chosen(cflight, certs, data):
    cipher = "TLS_CHACHA20_POLY1305_SHA256"
    with serving(cflight, data, *server_options(certs), "--tls-min-version", "1.3", "--tls13-ciphers", cipher) as server:
        roots = ("--tls-roots", certs / "ca.pem")
        cflight.run("list", server.location, *roots, check=True)
        done = cflight.run("list", server.location, *roots, "--tls13-ciphers", "TLS_AES_128_GCM_SHA256")
        assert done.returncode == 3 and "no cipher or other parameter in common" in done.stderr
        old = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{server.port}", "-tls1_2", "-alpn", "h2"],
                             input="", capture_output=True, text=True)
        assert old.returncode != 0 and "protocol version" in old.stderr
    for option, value, message in (("--tls-min-version", "1.1", "--tls-min-version is 1.2 or 1.3, not '1.1'"),
                                   ("--tls12-ciphers", "RC4-MD5", "'RC4-MD5' is none of the ciphers"),
                                   ("--tls13-ciphers", "", "'' is none of the ciphers")):
        done = cflight.run("list", "grpc+tls://localhost:1", option, value)
        assert done.returncode != 0 and message in done.stderr, done.stderr


@pytest.mark.skipif(platform.machine() != "x86_64", reason="OpenSSL is told by a variable of x86 what its processor lacks")
@pytest.mark.parametrize("lacks, expected", [
    (None, ("TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256")),
    ("~0x200000000000000", ("TLS_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305")),  # AES-NI
    ("~0x200000000", ("TLS_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"))])  # PCLMULQDQ
def test_chacha_is_first_where_the_processor_has_no_aes(cflight, certs, data, monkeypatch, lacks, expected):
    """With it, AES-128-GCM is chosen of what a client offers in another order."""
    if lacks is not None:
        monkeypatch.setenv("OPENSSL_ia32cap", lacks)
    with serving(cflight, data, *server_options(certs)) as server:
        for version, cipher in zip(("-tls1_3", "-tls1_2"), expected):
            assert f"Cipher is {cipher}" in s_client(certs, server.port, version)


def s_client(certs, port, *options):
    """OpenSSL's client: what it says about one connection."""
    command = ["openssl", "s_client", "-connect", f"localhost:{port}", "-alpn", "h2", "-CAfile", certs / "ca.pem",
               "-no_ign_eof", *options]
    return subprocess.run(command, input=b"", capture_output=True).stdout.decode(errors="replace")


def test_no_session_of_openssl_outlives_the_rules(cflight, certs, data, tmp_path):
    """It is resumed while nothing changes, without a certificate even; once its own is revoked it is not."""
    lists, session = tmp_path / "lists.crl", tmp_path / "session.pem"
    shutil.copy(certs / "none.crl", lists)
    with serving(cflight, data, *server_options(certs), "--tls-ca", certs / "ca.pem", "--tls-crl", lists) as server:
        whole = s_client(certs, server.port, "-tls1_2", "-sess_out", session, "-cert", certs / "client.pem",
                         "-key", certs / "client.key")
        assert "New, TLSv1.2" in whole
        assert "Reused, TLSv1.2" in s_client(certs, server.port, "-tls1_2", "-sess_in", session)
        shutil.copy(certs / "client.crl", lists)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("read again")
        assert "Reused" not in s_client(certs, server.port, "-tls1_2", "-sess_in", session)


class Stranger(fl.ServerMiddlewareFactory):
    """Notes which credentials came with calls."""

    def __init__(self):
        self.seen = []

    def start_call(self, info, headers):
        self.seen.append({name.lower(): value for name, value in headers.items()
                          if name.lower() in ("authorization", "x-secret")})
        return None


class Pointing(fl.FlightServerBase):
    """Says that its flight is to be fetched elsewhere."""

    elsewhere = None

    def get_flight_info(self, context, descriptor):
        endpoint = fl.FlightEndpoint(b"x", [self.elsewhere])
        return fl.FlightInfo(TABLE.schema, descriptor, [endpoint], -1, -1)

    def do_get(self, context, ticket):
        return fl.RecordBatchStream(TABLE)


def test_credentials_stay_with_the_server_that_they_were_given_for(cflight, certs):
    """Goal: a plain server that a TLS server names as a location is read from, and sees no credentials, unless
    the caller opens the rule; the TLS server sees them. Method: what middleware of both saw."""
    pair = ((certs / "server.pem").read_bytes(), (certs / "server.key").read_bytes())
    known, stranger = Stranger(), Stranger()
    with Pointing("grpc://127.0.0.1:0", middleware={"x": stranger}) as other, Pointing(
            "grpc+tls://localhost:0", tls_certificates=[pair], middleware={"x": known}) as server:
        server.elsewhere = f"grpc://127.0.0.1:{other.port}"
        done = cflight.run("get", f"grpc+tls://localhost:{server.port}", "x", "-o", "-", "--format", "csv",
                           "--tls-roots", certs / "ca.pem", "--header", "x-secret: secret",
                           env={"CFLIGHT_TOKEN": "secret"}, check=True)
        again = cflight.run("get", f"grpc+tls://localhost:{server.port}", "x", "-o", "-", "--format", "csv",
                            "--tls-roots", certs / "ca.pem", "--header", "x-secret: secret", "--trust-locations",
                            env={"CFLIGHT_TOKEN": "secret"}, check=True)
    assert again.stdout == done.stdout
    assert stranger.seen[-1]  # the rule was opened
    stranger.seen.pop()
    assert done.stdout.count("\n") == 1001
    assert known.seen and all(seen for seen in known.seen)
    assert stranger.seen and not any(stranger.seen)
