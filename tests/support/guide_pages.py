# SPDX-License-Identifier: Apache-2.0
"""Pages of the Python guide as programs.

The Python blocks of a page are one program, at the lines that they have in the page. Blocks for a shell run between
them. A block of text right below one of them is what they print."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(python|sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def program_of(path, prelude=""):
    """The program of a page, which `prelude` begins, and what it prints."""
    text = path.read_text()
    lines = [""] * (text.count("\n") + 1)
    lines[0] = prelude
    expected = ""
    for match in BLOCK.finditer(text):
        kind, block = match.groups()
        line = text.count("\n", 0, match.start(2))
        if kind == "python":
            rows = block.splitlines()
            lines[line : line + len(rows)] = rows
        elif kind == "sh":
            lines[line] = f"__import__('subprocess').run(['bash', '-ec', {block!r}], check=True)"
        elif text[: match.start()].endswith("```\n"):
            expected += block
    return "\n".join(lines), expected


def run(program, env, timeout=120):
    """Runs a program in its folder, and ends what it has started and left."""
    command = [sys.executable, "-u", "-X", "faulthandler", program.name]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = subprocess.Popen(command, stdout=out, stderr=err, cwd=program.parent, env=env, start_new_session=True)
        try:
            started.wait(timeout)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, started.returncode, out.read(), err.read())
