# SPDX-License-Identifier: Apache-2.0
"""What people try who should not get in, against `cflight serve` and the library. Short by default; `make attack` does
the same at full length."""

import collections
import ctypes
import os
import re
import statistics
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.flight as fl
import pytest

import cflight_command

IS_FULL = os.environ.get("CFLIGHT_ATTACK") == "full"
TIMEOUT_S = 1800 if IS_FULL else 100
pytestmark = pytest.mark.timeout(TIMEOUT_S)


def size(short, full):
    return full if IS_FULL else short


@pytest.fixture(scope="module")
def library():
    import cflight_ctypes
    cflight_ctypes.lib.cflight_password_file_free.argtypes = [ctypes.c_void_p]
    return cflight_ctypes


def password_hash(library, password):
    text = ctypes.c_char_p()
    library.call(library.lib.cflight_password_hash, password.encode(), ctypes.byref(text))
    return text.value.decode()


def openssl_hash(method, password):
    done = subprocess.run(["openssl", "passwd", method, "-stdin"], input=password, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write_users(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)


def test_right_logins_succeed_beside_wrong_ones(cflight, library, tmp_path):
    """Many connections guess as fast as they may, from the address of the one who logs in."""
    connections, logins = size(12, 64), size(10, 100)
    (tmp_path / "data").mkdir()
    write_users(tmp_path / "users", "alice:" + password_hash(library, "secret"))
    with cflight.serving(tmp_path / "data", "--auth-file", tmp_path / "users") as server:
        done = subprocess.run([cflight_command.find_program("login_peer"), server.location, str(connections), str(logins)],
                              env=cflight_command.environment(), capture_output=True, text=True, timeout=TIMEOUT_S)
        print(done.stdout)
        assert done.returncode == 0, done.stderr
        assert f"right {logins} of {logins}," in done.stdout, done.stdout + done.stderr
        said = [line for line in server.lines if "login failed" in line]
        assert len(said) >= connections
        assert all(re.fullmatch(r"\S+Z warn cflight: login failed from [0-9a-f.:]+ port \d+ for 'alice'\n", line) for line in said)


def test_names_cannot_be_told_by_time(library, tmp_path):
    """Unknown, known and locked names, and users of different methods, tried in turn."""
    tries = size(25, 1000)
    write_users(tmp_path / "users", "locked:!" + password_hash(library, "x"), "old:" + openssl_hash("-6", "x"),
                "new:" + password_hash(library, "x"), "ancient:" + openssl_hash("-1", "x"))
    users = ctypes.c_void_p()
    library.call(library.lib.cflight_password_file_new, str(tmp_path / "users").encode(), ctypes.byref(users))

    def view(text):
        return library.Bytes(ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p), len(text))

    names = [b"unknown", b"locked", b"old", b"new", b"ancient"]
    times = {name: [] for name in names}
    password = view(b"wrong")
    for _ in range(tries):
        for name in names:
            begin = time.thread_time_ns()
            status = library.lib.cflight_password_file_verify(users, view(name), password, None, None)
            times[name].append(time.thread_time_ns() - begin)
            assert status == 16  # UNAUTHENTICATED
    library.lib.cflight_password_file_free(users)
    medians = {name: statistics.median(values) for name, values in times.items()}
    spread = {name: statistics.quantiles(values, n=4)[2] - statistics.quantiles(values, n=4)[0]
              for name, values in times.items()}
    for name in names:
        print(f"{name.decode():8} median {medians[name] / 1e6:.3f} ms, quartiles apart {spread[name] / 1e6:.3f} ms")
    middle = statistics.median(medians.values())
    for name in names:
        assert abs(medians[name] - middle) < max(spread.values()), medians
        assert abs(medians[name] - middle) < 0.25 * middle, medians


EXCHANGER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
root = os.open(sys.argv[1], os.O_RDONLY)
pairs = [(b"x.arrow", b".x"), (b"d", b".d")]
count = 0
while not os.path.exists(sys.argv[2]):
    for a, b in pairs:
        if libc.renameat2(root, a, root, b, 2) == 0:
            count += 1
    for _ in range(count % 97):
        pass
print(count)
"""


def content_of(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_an_exchange_reads_and_writes_nothing_outside(cflight, tmp_path):
    """Somebody who may write in the served folder exchanges a file, and a directory, with links that lead out, while
    flights are read, listed and uploaded."""
    rounds, exchanges = size(60, 1500), size(1000, 100_000)
    inside, secret = pa.table({"a": ["inside"]}), pa.table({"a": ["secret"]})
    served, outside = tmp_path / "served", tmp_path / "outside"
    for directory in (served / "d", outside / "d"):
        directory.mkdir(parents=True)
    for path, table in ((served / "x.arrow", inside), (served / "d/y.arrow", inside), (outside / "secret.arrow", secret),
                        (outside / "d/y.arrow", secret), (outside / "d/up.feather", secret)):
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    (served / ".x").symlink_to("../outside/secret.arrow")
    (served / ".d").symlink_to("../outside/d")
    before = content_of(outside)
    counts = collections.Counter()

    def attempt(kind, action):
        try:
            value = action()
        except (fl.FlightError, pa.ArrowException, KeyError, OSError):
            counts[f"{kind} refused"] += 1
        else:
            assert value != "secret"
            counts[f"{kind} done"] += 1

    def read(name):
        return client.do_get(fl.Ticket(name)).read_all()["a"][0].as_py()

    def upload():
        writer, _ = client.do_put(fl.FlightDescriptor.for_path("d", "up"), inside.schema)
        with writer:
            for batch in inside.to_batches() * 3:
                writer.write_batch(batch)

    with cflight.serving(served, "--writable", "--overwrite", "--quiet") as server, fl.connect(server.location) as client:
        swapper = subprocess.Popen([sys.executable, "-c", EXCHANGER, str(served), str(tmp_path / "over")],
                                   stdout=subprocess.PIPE, text=True)
        try:
            begin = time.monotonic()
            while counts["round"] < rounds or (time.monotonic() - begin < exchanges / 20_000):
                counts["round"] += 1
                attempt("read", lambda: read("x"))
                attempt("read", lambda: read("d/y"))
                attempt("upload", upload)
                attempt("list", lambda: len(list(client.list_flights())))
        finally:
            (tmp_path / "over").touch()
            done_count = int(swapper.communicate(timeout=TIMEOUT_S)[0])
        assert counts["read done"] > 0 and counts["list done"] > 0, counts
        print(dict(counts), done_count, "exchanges")
    assert done_count >= exchanges
    assert content_of(outside) == before
