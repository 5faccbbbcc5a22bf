# SPDX-License-Identifier: Apache-2.0
"""What the checks share: finding sources, and looking at C code without its comments and texts."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def sources(*folders):
    """Paths of C sources and headers, relative to the root, that exist below `folders`."""
    output = subprocess.run([os.path.join(ROOT, "tools/list_sources"), *folders],
                            capture_output=True, text=True, check=True).stdout
    return output.split()


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def strip(text):
    """Blanks comments, strings and characters; lines and columns stay where they are."""
    def blank(match):
        token = match.group(0)
        edge = token[0] if token[0] in "\"'" else " "
        inner = re.sub(r"[^\n]", " ", token[1:-1])
        return edge + inner + (token[-1] if edge != " " else " ")
    return _TOKEN.sub(blank, text)


def functions(code):
    """Yields (first line number, lines) of each function body in stripped code, by the house layout:
    its braces stand in the first column."""
    lines = code.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, lines[start - 1:number]
            start = None


class Report:
    """Collects problems; `finish` prints them and ends the script."""

    def __init__(self):
        self.problems = []

    def add(self, path, line, text):
        self.problems.append(f"{path}:{line}: {text}")

    def finish(self):
        print("\n".join(self.problems), end="\n" if self.problems else "")
        sys.exit(1 if self.problems else 0)
