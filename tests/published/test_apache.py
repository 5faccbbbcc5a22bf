# SPDX-License-Identifier: Apache-2.0
"""Apache's own recipes and examples for pyarrow.flight, from the sources that CFLIGHT_PUBLISHED_SOURCES names.

tools/published runs these tests with pyarrow.flight and with cflight in its place. What the recipes of the cookbook
print is compared with what the cookbook says they print; the examples run as programs."""

import contextlib
import doctest
import io
import os
import pathlib
import re
import socket
import subprocess
import sys
import textwrap

import pytest

SOURCES = pathlib.Path(os.environ["CFLIGHT_PUBLISHED_SOURCES"])
RECIPES = SOURCES / "arrow-cookbook/python/source/flight.rst"
EXAMPLES = SOURCES / "arrow/python/examples/flight"
WAIT_S = 60
BLOCK = re.compile(r"^\.\. (testcode|testoutput)::\n((?:[ \t]+.*\n|\n)*)", re.MULTILINE)


def sections_of(text):
    """The recipes: (title, [(kind, text) of each block])."""
    parts = re.split(r"^(.+)\n=+\n", text, flags=re.MULTILINE)
    for title, body in zip(parts[1::2], parts[2::2]):
        yield title, [(kind, textwrap.dedent(re.sub(r"\A\s*:hide:\n", "", content)).strip("\n")) for kind, content in BLOCK.findall(body)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def output_of(text, title, names):
    code = compile(text, title, "exec")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(code, names)
    return output.getvalue()


def test_recipes_print_what_the_cookbook_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "recipes"}  # later recipes use the classes of earlier ones
    checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    compared = 0
    for title, blocks in sections_of(RECIPES.read_text() + "\n"):
        place, printed = f"127.0.0.1:{free_port()}", ""
        for kind, text in blocks:
            if kind == "testcode":
                printed = output_of(re.sub(r"0\.0\.0\.0:\d+", place, text), title, names)
            else:
                assert checker.check_output(text + "\n", printed, flags), f"{title}: expected:\n{text}\nprinted:\n{printed}"
                compared += 1
    assert compared


def run_example(program, *arguments, **options):
    done = subprocess.run([sys.executable, EXAMPLES / program, *arguments], capture_output=True, text=True, timeout=WAIT_S, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until_listening(process, port):
    """Until the port accepts; the process must not end before."""
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), WAIT_S):
            return
    pytest.fail(f"the server ended with {process.returncode}")


@contextlib.contextmanager
def example_server(program, port, *arguments):
    with subprocess.Popen([sys.executable, EXAMPLES / program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until_listening(process, port)
            yield process
        finally:
            process.kill()


def test_example_client_uploads_lists_and_gets(tmp_path):
    (tmp_path / "rooms.csv").write_text("room,celsius\nkitchen,21.5\nhall,18.0\n")
    port = free_port()
    host = f"127.0.0.1:{port}"
    with example_server("server.py", port, "--host", "127.0.0.1", "--port", str(port)) as server:
        assert "Table rows= 2" in run_example("client.py", "put", host, "rooms.csv", cwd=tmp_path)
        listed = run_example("client.py", "list", host)
        assert "Path: [b'rooms.csv']" in listed
        assert "Total records: 2" in listed
        assert "celsius: double" in listed
        assert "Type: shutdown" in listed or "shutdown" in listed
        got = run_example("client.py", "get", "-p", "rooms.csv", host)
        assert re.search(r"kitchen\s+21\.5\n.*hall\s+18\.0", got)
        assert "Shutdown!" in run_example("client.py", "do", host, "shutdown")
        assert server.wait(WAIT_S) == 0


def test_example_middleware_carries_a_trace_through_two_servers():
    last, first = free_port(), free_port()
    with example_server("middleware.py", last, "server", "--listen", f"grpc://127.0.0.1:{last}"):
        with example_server("middleware.py", first, "server", "--listen", f"grpc://127.0.0.1:{first}", "--delegate", f"grpc://127.0.0.1:{last}"):
            printed = run_example("middleware.py", "client", f"grpc://127.0.0.1:{first}", "--request-id", "kitchen-7")
    assert "b'kitchen-7'" in printed
    assert "Sending trace ID: kitchen-7" in printed
    assert "Found trace header with value: kitchen-7" in printed
