# SPDX-License-Identifier: Apache-2.0
"""nginx and HAProxy on loopback, with the configurations of docs/guide/proxies.md: ports and paths are replaced, and
what a test says."""

import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/guide/proxies.md"
LIMIT_S = 20


def configuration(language):
    """The block of that language on the page."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"{PAGE} has {len(blocks)} blocks of {language}"
    return blocks[0]


def replaced(text, changes):
    """Each pattern stands there exactly once."""
    for pattern, new in changes:
        text, count = re.subn(pattern, lambda _, new=new: new, text, flags=re.MULTILINE)
        assert count == 1, f"{pattern!r} is {count} times in the configuration"
    return text


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Proxy:
    """A proxy with TLS in front of the server at `port`. `changes` are pairs of a pattern and what stands for it."""

    def __init__(self, directory, certs, port, changes=()):
        self.directory = directory
        self.port = free_port()
        self.location = f"grpc+tls://localhost:{self.port}"
        self.config = directory / f"{self.name}.conf"
        self.process = None
        both = directory / "both.pem"
        both.write_text((certs / "server.pem").read_text() + (certs / "server.key").read_text())
        self.certs = certs
        self.config.write_text(self.configure(port, both, changes))

    @classmethod
    def program(cls):
        return shutil.which(cls.name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

    def start(self):
        self.log = open(self.directory / f"{self.name}.log", "ab")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.messages()
                time.sleep(0.01)

    def stop(self, number=signal.SIGTERM):
        """Fast, which cuts calls that run."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(LIMIT_S)
            self.process = None
            self.log.close()

    def restart(self):
        self.stop()
        return self.start()

    def messages(self):
        return (self.directory / f"{self.name}.log").read_text()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Nginx(Proxy):
    name = "nginx"

    def command(self):
        return [self.program(), "-p", self.directory, "-c", self.config, "-e", "stderr", "-g",
                f"daemon off; pid {self.directory}/nginx.pid; error_log stderr notice;"]

    def configure(self, port, both, changes):
        folders = "\n".join(f"    {name}_temp_path {self.directory}/{name};"
                            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return replaced(configuration("nginx"), [
            (r"server 127\.0\.0\.1:32010;", f"server 127.0.0.1:{port};"),
            (r"listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
            (r"/etc/nginx/flight\.pem", str(both)),
            (r"/etc/nginx/flight\.key", str(both)),
            (r"^http \{", f"http {{\n    log_format connections $connection;\n    access_log {self.directory}/access.log connections;\n{folders}"),
            *changes,
        ])


class HAProxy(Proxy):
    name = "haproxy"

    def command(self):
        return [self.program(), "-db", "-f", self.config]

    def configure(self, port, both, changes):
        return replaced(configuration("haproxy"), [
            (r"server one 127\.0\.0\.1:32010", f"server one 127.0.0.1:{port}"),
            (r"bind :443", f"bind 127.0.0.1:{self.port}"),
            (r"/etc/haproxy/flight\.pem", str(both)),
            *changes,
        ])


ALL = [proxy for proxy in (Nginx, HAProxy)]
