# SPDX-License-Identifier: Apache-2.0
"""What people try who should not get in, against `cflight serve` and the library. Short by default; `make attack` does
the same at full length."""

import ctypes
import os
import re
import statistics
import subprocess
import time

import pytest

import cflight_command

IS_FULL = os.environ.get("CFLIGHT_ATTACK") == "full"
TIMEOUT_S = 1800 if IS_FULL else 100
pytestmark = pytest.mark.timeout(TIMEOUT_S)


def size(short, full):
    return full if IS_FULL else short


def peer_program(cflight, name):
    """A program of the tests, built beside the command."""
    for place in (os.path.dirname(cflight.path), cflight_command.ROOT / "build/dev/bin"):
        path = os.path.join(place, name)
        if os.path.exists(path):
            return path
    return pytest.skip(f"{name} is not built: build with the tests")


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
        done = subprocess.run([peer_program(cflight, "login_peer"), server.location, str(connections), str(logins)],
                              env=cflight_command.environment(), capture_output=True, text=True, timeout=TIMEOUT_S)
        print(done.stdout)
        assert done.returncode == 0, done.stderr
        assert f"right {logins} of {logins}," in done.stdout, done.stdout + done.stderr
        said = [line for line in server.lines if "login failed" in line]
        assert len(said) >= connections
        assert all(re.fullmatch(r"cflight: login failed from [0-9a-f.:]+ port \d+ for 'alice'\n", line) for line in said)


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
