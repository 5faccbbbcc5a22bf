# SPDX-License-Identifier: Apache-2.0
"""Runs the command cflight: as a client to its end, and as a server until a test is done."""

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = 60


def find_command():
    """The program under test, or None. CFLIGHT_BIN is the program or the directory it lies in."""
    places = [os.environ["CFLIGHT_BIN"]] if "CFLIGHT_BIN" in os.environ else [
        ROOT / "build/bin", ROOT / "build/dev/bin"]
    for place in map(pathlib.Path, places):
        for path in (place, place / "cflight"):
            if path.is_file() and os.access(path, os.X_OK):
                return path.resolve()
    return None


def find_program(name):
    """A program of the tests, which release builds do not have, by its path from the command's directory."""
    command = find_command()
    places = ([command.parent] if command else []) + [ROOT / "build/dev/bin", ROOT / "build/asan/bin"]
    for place in places:
        if (place / name).exists():
            return place / name
    raise FileNotFoundError(f"{name} is not built: build with the tests (cmake --preset dev)")


def find_data():
    """The directory of shared test data, or None."""
    path = pathlib.Path(os.environ.get("CFLIGHT_TEST_DATA", ROOT.parent / "shared/data"))
    return path if path.is_dir() else None


# What a user's variables say about proxies and certificates is not for tests on this machine.
FORGOTTEN = {"grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"}


def environment(**changes):
    """A sanitizer that is preloaded into Python is linked into the command already."""
    env = {name: value for name, value in os.environ.items() if name not in FORGOTTEN | {"LD_PRELOAD"}}
    env["ASAN_OPTIONS"] = "detect_leaks=1"
    env.update(changes)
    return env


def wait_until(is_true, limit_s=30):
    end = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def check_sanitizers(messages):
    assert "Sanitizer" not in messages and "runtime error" not in messages, messages


class Server:
    """A running `cflight serve`. `lines` collects its standard error."""

    def __init__(self, process, location, *more):
        self.process = process
        self.location = location
        self.locations = [location, *more]
        self.port = int(location.rsplit(":", 1)[1]) if "unix" not in location else None
        self.lines = []
        self.has_lines = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self.has_lines:
                self.lines.append(line)
                self.has_lines.notify_all()

    def stop(self, number=signal.SIGTERM):
        """Sends a signal if it still runs, waits, and gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(LIMIT_S)
        self.reader.join(LIMIT_S)
        return code

    def messages(self):
        return "".join(self.lines)

    def wait_for_message(self, text, times=1):
        """Waits until the server has said something on standard error, that often."""
        with self.has_lines:
            assert self.has_lines.wait_for(lambda: self.messages().count(text) >= times, LIMIT_S), self.messages()


class Command:
    def __init__(self, path):
        self.path = str(path)
        self.prefix = []  # a command that start() runs it by

    def run(self, *arguments, check=False, env=None, text=True, **options):
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=text,
                              timeout=LIMIT_S, env=environment(**(env or {})), **options)
        check_sanitizers(str(done.stderr))
        if check:
            assert done.returncode == 0, done.stderr
        return done

    def start(self, *arguments, env=None, **options):
        return subprocess.Popen([*self.prefix, self.path, *map(str, arguments)], env=environment(**(env or {})),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    @contextlib.contextmanager
    def serving(self, directory, *arguments, listen="grpc://localhost:0", count=1, **options):
        """Serves a directory; what is not stopped by the test must drain well at its end. `count` is that of the
        locations, and options are those of start()."""
        listeners = () if listen is None else ("--listen", listen)
        process = self.start("serve", directory, *listeners, *arguments, **options)
        watchdog = threading.Timer(LIMIT_S, process.kill)
        watchdog.start()
        try:
            lines = [process.stdout.readline() for _ in range(count)]
            assert all(line.startswith("Listening on ") for line in lines), process.stderr.read()
            server = Server(process, *(line.split()[-1] for line in lines))
        except BaseException:
            process.kill()
            process.communicate()
            raise
        finally:
            watchdog.cancel()
        try:
            yield server
        finally:
            was_running = process.poll() is None
            code = server.stop()
            process.stdout.close()
            assert not was_running or code == 0, server.messages()
            check_sanitizers(server.messages())
            process.stderr.close()
