# SPDX-License-Identifier: Apache-2.0
"""Runs what stands on a page of the guide about databases, in a folder of its own, and compares what it prints.

A section's blocks run in their order. Of a block for a shell, `cflight serve` is started and serves until the page is
done, what pip would install has to be pinned for the tests, and the rest runs in bash. Programs in Python and R run, those
in Java are written to their file. A block of text right below one is what it prints. The port 32010 and the places in
`replaced` are changed for those of the test."""

import contextlib
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(python|sh|r|java|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^##? (.*)$", re.MULTILINE)
LIMIT_S = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_pinned(package):
    files = [ROOT / "tests/requirements.txt", ROOT / "tests/engines/requirements.txt"]
    return any(re.search(rf"^{re.escape(package)}==", file.read_text(), re.MULTILINE) for file in files)


class Page:
    def __init__(self, name, folder, program, replaced=(), port=None, **variables):
        self.text = (ROOT / "docs/guide" / name).read_text()
        self.folder = folder
        self.port = port or free_port()
        self.replaced = [("32010", str(self.port)), *replaced]
        search = [str(pathlib.Path(program).parent), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]
        self.environment = {**os.environ, "PATH": os.pathsep.join(search), "VIRTUAL_ENV": sys.prefix, **variables}
        self.servers = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.servers.close()

    def blocks(self, section):
        """Kind, text, and what is printed or None."""
        outside = BLOCK.sub(lambda block: " " * len(block.group()), self.text)
        starts = [(match.group(1), match.end()) for match in HEADING.finditer(outside)]
        place = [title for title, _ in starts].index(section)
        end = starts[place + 1][1] if place + 1 < len(starts) else len(self.text)
        part = self.text[starts[place][1]:end]
        found = []
        for match in BLOCK.finditer(part):
            kind, block = match.groups()
            if kind != "text":
                found.append([kind, block, None])
            elif part[:match.start()].endswith("```\n"):
                found[-1][2] = block
        return found

    def run(self, *sections):
        for section in sections:
            blocks = self.blocks(section)
            assert blocks, f"nothing to run in {section!r}"
            for kind, block, expected in blocks:
                printed = getattr(self, "run_" + kind)(self.localised(block))
                if expected is not None:
                    assert printed == self.localised(expected), f"{block}\nprints\n{printed}"

    def localised(self, text):
        for old, new in self.replaced:
            text = text.replace(old, new)
        return text

    def start(self, *command):
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=LIMIT_S)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run_python(self, block):
        return self.start(sys.executable, "-c", block)

    def run_r(self, block):
        return self.start("Rscript", "-e", block)

    def run_java(self, block):
        (self.folder / (re.search(r"class (\w+)", block).group(1) + ".java")).write_text(block)
        return ""

    def run_sh(self, block):
        rest = []
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:2] == ["pip", "install"]:
                missing = [word for word in words[2:] if not is_pinned(word)]
                assert missing == [], f"no test has {missing}"
            elif words[:2] == ["cflight", "serve"]:
                self.serve(words)
            else:
                rest.append(line)
        return self.start("bash", "-ec", "\n".join(rest)) if rest else ""

    def serve(self, words):
        process = self.servers.enter_context(
            subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True))
        self.servers.callback(process.terminate)
        line = process.stdout.readline()
        assert line.startswith("Listening on "), line
