# SPDX-License-Identifier: Apache-2.0
"""An operator's first hour with `cflight serve`, as a script: install, units, TLS, users, probes, log, a certificate that
changes under load, an upgrade that refuses nobody, the end during a download. Every command and what it says goes into a
transcript; each step is checked.

Usage: python tests/operations/hour.py BUILD_DIRECTORY TRANSCRIPT
"""

import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import grpc
import pyarrow as pa
import pyarrow.flight as fl

LIMIT_S = 60
PASSWORD = "a long hour"
ROWS = 3_000_000
CALLERS = 3


class Transcript:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()

    def say(self, text):
        with self.lock:
            self.file.write(text.rstrip("\n") + "\n")
            self.file.flush()

    def step(self, title):
        self.say(f"\n# {title}")


class Notifications:
    """What systemd is told."""

    def __init__(self, path, transcript):
        self.path, self.transcript = str(path), transcript
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(LIMIT_S)

    def expect(self, wanted):
        while True:
            state = self.socket.recv(4096).decode()
            self.transcript.say("".join(f"<notify> {line}\n" for line in state.splitlines() if line != "WATCHDOG=1"))
            if wanted in state.splitlines():
                return


class Service:
    """The installed service, started as systemd starts it: by its unit, with its sockets."""

    def __init__(self, hour):
        self.hour = hour
        unit = (hour.prefix / "lib/systemd/system/cflight.service").read_text()
        settings = dict(line.split("=", 1) for line in (hour.etc / "serve.conf").read_text().splitlines())
        command = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1]
        words = []
        for word in command.split():  # as systemd does: $NAME is words, ${NAME} is one
            name = re.fullmatch(r"\$\{?(\w+)\}?", word)
            words += [word] if name is None else [settings[name[1]]] if "{" in word else shlex.split(settings[name[1]])
        fd = hour.listener.fileno()
        script = f'LISTEN_PID=$$ exec "$@" 3<&{fd}'
        env = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "grpc", "NOTIFY_SOCKET": hour.notifications.path,
               "WATCHDOG_USEC": "2000000"}
        hour.transcript.say(f"$ {shlex.join(words)}   # with descriptor 3, as cflight.socket passes it")
        self.log = open(hour.work / "journal", "ab")
        self.process = subprocess.Popen(["bash", "-c", script, "--", *words], pass_fds=[fd], env=env, stdout=self.log, stderr=self.log)
        hour.notifications.expect("READY=1")

    def reload(self):
        self.hour.transcript.say("$ systemctl reload cflight   # ExecReload: SIGHUP")
        self.process.send_signal(signal.SIGHUP)
        self.hour.notifications.expect("RELOADING=1")
        self.hour.notifications.expect("READY=1")

    def begin_to_stop(self):
        self.hour.transcript.say("$ systemctl stop cflight   # SIGTERM")
        self.process.send_signal(signal.SIGTERM)
        self.hour.notifications.expect("STOPPING=1")

    def has_ended(self):
        assert self.process.wait(LIMIT_S) == 0, f"exit code {self.process.returncode}"
        self.log.close()


class Hour:
    def __init__(self, build, transcript, work):
        self.build, self.transcript, self.work = build, transcript, work
        self.prefix, self.etc, self.data = work / "usr", work / "etc", work / "data"
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.uri = f"grpc+tls://localhost:{self.port}"
        self.probe_path = work / "probe.socket"
        self.notifications = Notifications(work / "notify", transcript)
        for directory in (self.etc, self.data):
            directory.mkdir()

    # ---- running things

    def run(self, *command, expected=0, env=None, shows=True):
        command = [str(word) for word in command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env={**os.environ, **(env or {})})
        if shows or done.returncode != expected:
            self.transcript.say(f"$ {shlex.join(command)}\n{done.stdout}{done.stderr}[exit code {done.returncode}]")
        assert done.returncode == expected, (command, done.returncode, done.stdout, done.stderr)
        return done

    def cflight(self, *arguments, user=None, **options):
        who = () if user is None else ("--user", user)
        return self.run(self.prefix / "bin/cflight", *arguments, *who, "--tls-roots", self.etc / "ca.pem",
                        env={"CFLIGHT_PASSWORD": PASSWORD}, **options)

    def journal(self):
        return (self.work / "journal").read_text()

    def wait_for(self, has_happened, what):
        limit = threading.Event()
        timer = threading.Timer(LIMIT_S, limit.set)
        timer.start()
        while not has_happened():
            assert not limit.is_set(), f"waited for {what}\n{self.journal()}"
        timer.cancel()

    def health(self, service=b""):
        """What a probe is told, by the socket that is for probes."""
        with grpc.insecure_channel(f"unix:{self.probe_path}") as channel:
            answer = channel.unary_unary("/grpc.health.v1.Health/Check")(service, timeout=LIMIT_S)
        state = {b"\x08\x01": "SERVING", b"\x08\x02": "NOT_SERVING"}[answer]
        self.transcript.say(f"<probe> {state}")
        return state

    @contextlib.contextmanager
    def callers(self):
        """Clients that call and call, each time by a new connection; gives their failures and how often they called."""
        ends, failures, counts = threading.Event(), [], [0] * CALLERS

        def call(index):
            while not ends.is_set():
                done = subprocess.run([self.prefix / "bin/cflight", "get", self.uri, "prices", "-o", "-", "--format", "csv", "--rows", "2",
                                       "--tls-roots", self.etc / "ca.pem", "--user", "bob", "-q"], capture_output=True, text=True,
                                      timeout=LIMIT_S, env={**os.environ, "CFLIGHT_PASSWORD": PASSWORD})
                counts[index] += 1
                if done.returncode != 0 or done.stdout != "n\n0\n1\n":
                    failures.append((done.returncode, done.stdout, done.stderr))

        threads = [threading.Thread(target=call, args=(index,)) for index in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            yield failures, counts
        finally:
            ends.set()
            for thread in threads:
                thread.join(LIMIT_S)
            self.transcript.say(f"<callers> {sum(counts)} calls, {len(failures)} failures {failures[:3]}")

    # ---- steps

    def install(self):
        self.transcript.step("Install")
        self.run("cmake", "--install", self.build, "--prefix", self.prefix, shows=False)
        self.transcript.say(f"$ cmake --install {self.build} --prefix {self.prefix}")
        for name in ("bin/cflight", "lib/systemd/system/cflight.service", "lib/systemd/system/cflight.socket", "share/man/man1/cflight.1"):
            assert (self.prefix / name).exists(), name
            self.transcript.say(str(self.prefix / name))
        self.run(self.prefix / "bin/cflight", "--version")

    def check_units(self):
        self.transcript.step("The units")
        if shutil.which("systemd-analyze") is None:
            self.transcript.say("systemd-analyze is not installed: left out")
            return
        units = self.prefix / "lib/systemd/system"
        done = self.run("systemd-analyze", "verify", "--man=no", units / "cflight.service", units / "cflight.socket")
        assert "cflight" not in done.stdout + done.stderr, "a complaint"
        self.run("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", units / "cflight.service")

    def make_certificate(self, name):
        key, request, cert = (self.etc / f"{name}.{ending}" for ending in ("key", "csr", "pem"))
        self.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
                 "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", shows=False)
        self.run("openssl", "x509", "-req", "-in", request, "-CA", self.etc / "ca.pem", "-CAkey", self.etc / "ca.key", "-CAcreateserial",
                 "-days", "30", "-copy_extensions", "copy", "-out", cert)

    def configure(self):
        self.transcript.step("Certificates, users, rights, flights")
        self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-keyout",
                 self.etc / "ca.key", "-out", self.etc / "ca.pem", "-subj", "/CN=hour CA", shows=False)
        self.make_certificate("first")
        self.make_certificate("second")
        for ending in ("pem", "key"):
            shutil.copy(self.etc / f"first.{ending}", self.etc / f"server.{ending}")
        hashed = self.run("openssl", "passwd", "-6", PASSWORD).stdout.strip()
        (self.etc / "users").write_text(f"ann:{hashed}\nbob:{hashed}\n")
        (self.etc / "users").chmod(0o600)
        (self.etc / "rights").write_text("[ann]\nread = *\nwrite = *\n[bob]\nread = prices\n")
        (self.etc / "serve.conf").write_text(
            f"CFLIGHT_SOURCE={self.data}\n"
            f"CFLIGHT_OPTIONS=--listen fd+tls:grpc --listen grpc+unix://{self.probe_path} --tls-cert {self.etc}/server.pem "
            f"--tls-key {self.etc}/server.key --auth-file {self.etc}/users --rights {self.etc}/rights --writable "
            f"--access-log {self.work}/access.log --log-format json --metrics 127.0.0.1:0\n")
        self.transcript.say((self.etc / "serve.conf").read_text())
        table = pa.table({"n": pa.array(range(ROWS), pa.int64())})
        with pa.OSFile(str(self.data / "prices.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=100_000)

    def use(self):
        self.transcript.step("Probes, users, rights")
        assert self.health() == "SERVING"
        ann = self.cflight("put", self.uri, "secrets/plan", self.data / "prices.arrow", user="ann")
        assert ann.returncode == 0
        assert self.cflight("list", self.uri, user="bob").stdout.startswith("prices\t")
        assert "secrets/plan" in self.cflight("list", self.uri, user="ann").stdout
        self.cflight("get", self.uri, "secrets/plan", user="bob", expected=4)
        self.cflight("put", self.uri, "prices/mine", self.data / "prices.arrow", user="bob", expected=6)
        self.cflight("list", self.uri, expected=6)
        self.cflight("list", self.uri, user="mallory", expected=6)

    def read_log(self):
        self.transcript.step("The log")
        lines = [json.loads(line) for line in self.journal().splitlines() if line.startswith("{")]
        self.transcript.say("\n".join(json.dumps(line) for line in lines))
        start = next(line for line in lines if " serves " in line["message"])
        assert all(word in start["message"] for word in ("TLS", "users", "rights", "uploads", "access log", f"grpc+tls://127.0.0.1:{self.port}"))
        assert any(re.search(r"login failed from 127\.0\.0\.1 port \d+ for 'mallory'", line["message"]) for line in lines)
        calls = [json.loads(line) for line in self.access_log('"bob"').splitlines()]
        self.transcript.say("\n".join(json.dumps(call) for call in calls[:6]))
        assert {"ann", "bob"} <= {call.get("user") for call in calls}
        assert PASSWORD not in self.journal() + (self.work / "access.log").read_text()

    def access_log(self, text):
        """The access log, once the text is in it: lines are written a moment after their calls."""
        deadline = time.monotonic() + LIMIT_S
        while text not in (self.work / "access.log").read_text():
            assert time.monotonic() < deadline, (self.work / "access.log").read_text()
            time.sleep(0.05)
        return (self.work / "access.log").read_text()

    def scrape(self):
        self.transcript.step("Metrics")
        port = re.search(r"^Metrics on port (\d+)", self.journal(), re.MULTILINE)[1]
        address = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=LIMIT_S) as answer:
            text = answer.read().decode()
        self.transcript.say(f"$ curl {address}")
        counts = [line for line in text.splitlines() if line.startswith("grpc_server_handled_total")]
        self.transcript.say("\n".join(counts))
        assert any('grpc_method="ListFlights"' in line and 'grpc_code="Unauthenticated"} 1' in line for line in counts), counts

    def rotate_log(self, service):
        self.transcript.step("The access log is rotated")
        (self.work / "access.log").rename(self.work / "access.log.1")
        service.reload()
        self.cflight("list", self.uri, user="bob")
        self.access_log('"ListFlights"')

    def serial(self):
        """Of the certificate that the server shows."""
        shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-alpn", "h2"], input="", capture_output=True,
                               text=True, timeout=LIMIT_S).stdout
        return self.run("openssl", "x509", "-noout", "-serial", "-in", self.write("shown.pem", shown), shows=False).stdout.strip()

    def write(self, name, text):
        (self.work / name).write_text(text)
        return self.work / name

    def change_certificate(self):
        self.transcript.step("The certificate is renewed under load, its key a moment later")
        before = self.serial()
        with self.callers() as (failures, counts):
            self.wait_for(lambda: min(counts) > 1, "calls")
            shutil.copy(self.etc / "second.pem", self.etc / "server.pem")
            self.wait_for(lambda: "certificates were not taken" in self.journal(), "a line about half a pair")
            assert self.serial() == before
            shutil.copy(self.etc / "second.key", self.etc / "server.key")
            self.wait_for(lambda: "certificates were read again" in self.journal().split("certificates were not taken")[1], "the new pair")
            assert self.serial() != before
            seen = list(counts)
            self.wait_for(lambda: all(now > then + 1 for now, then in zip(counts, seen)), "calls")
        assert failures == [], failures

    def upgrade(self, service):
        self.transcript.step("Upgrades under load: a new process behind the same socket, nobody is refused")
        with self.callers() as (failures, counts):
            for _ in range(3):
                seen = list(counts)
                self.wait_for(lambda seen=seen: all(now > then for now, then in zip(counts, seen)), "calls")
                service.begin_to_stop()
                service.has_ended()
                service = Service(self)
            seen = list(counts)
            self.wait_for(lambda: all(now > then for now, then in zip(counts, seen)), "calls")
        # Tokens are those of a process: who logged in at the one and asks the other logs in again.
        strange = [failure for failure in failures if "token is unknown or has expired" not in failure[2]]
        assert strange == [], strange
        return service

    def drain(self, service):
        self.transcript.step("The end, during a download")
        with fl.connect(self.uri, tls_root_certs=(self.etc / "ca.pem").read_bytes()) as client:
            token = fl.FlightCallOptions(headers=[client.authenticate_basic_token("bob", PASSWORD)])
            reader = client.do_get(fl.Ticket("prices"), token)
            rows = reader.read_chunk().data.num_rows
            with grpc.insecure_channel(f"unix:{self.probe_path}") as channel:
                watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=LIMIT_S)
                assert next(watch) == b"\x08\x01"
                service.begin_to_stop()
                assert next(watch) == b"\x08\x02"
            self.transcript.say("<probe> NOT_SERVING")
            try:
                list(client.list_flights(b"", token))
                raise AssertionError("a new call was taken")
            except fl.FlightUnavailableError as error:
                self.transcript.say(f"<new call> {str(error).splitlines()[0]}")
            rows += sum(chunk.data.num_rows for chunk in reader)
            assert rows == ROWS, rows
            self.transcript.say(f"<download> all {rows} rows")
        service.has_ended()

    def go(self):
        self.install()
        self.check_units()
        self.configure()
        self.transcript.step("Start")
        service = Service(self)
        try:
            self.use()
            self.read_log()
            self.scrape()
            self.rotate_log(service)
            self.change_certificate()
            service = self.upgrade(service)
            self.drain(service)
        finally:
            if service.process.poll() is None:
                service.process.kill()
            self.transcript.say("\n# Standard error of the service\n" + self.journal())


def main():
    build, transcript = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="hour") as work:
        Hour(pathlib.Path(build).resolve(), Transcript(transcript), pathlib.Path(work)).go()


if __name__ == "__main__":
    main()
