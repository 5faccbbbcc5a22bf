# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own: what it shows is waited for, and keys are sent as a keyboard does."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import cflight_command

LIMIT_S = 60
CONTROL_C, CONTROL_D, TAB, UP = "\x03", "\x04", "\t", "\x1b[A"


class Terminal:
    """`columns` wide; `variables` are added to the environment, and those that are None removed."""

    def __init__(self, *command, columns=80, **variables):
        self.screen, child = pty.openpty()
        self.resize(columns)
        environment = {**cflight_command.environment(), "TERM": "xterm", "LC_ALL": "C.UTF-8", **variables}
        # It becomes the terminal's own session without a function of ours between fork and exec, where threads of
        # servers in this process would be missing.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *map(str, command)], stdin=child, stdout=child, stderr=child,
            env={name: str(value) for name, value in environment.items() if value is not None})
        os.close(child)
        self.shown = ""  # all of it
        self.seen = 0  # what was waited for

    def resize(self, columns):
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def _read(self, limit_s):
        """False at the end, or when nothing came."""
        if not select.select([self.screen], [], [], limit_s)[0]:
            return False
        try:
            octets = os.read(self.screen, 65536)
        except OSError:  # what Linux says when nobody has the other end
            return False
        self.shown += octets.decode(errors="replace")
        return bool(octets)

    def wait(self, text):
        """Waits until a text is shown behind what was waited for before; gives what is between them."""
        end = time.monotonic() + LIMIT_S
        while (place := self.shown.find(text, self.seen)) < 0:
            assert self._read(max(0, end - time.monotonic())), f"no {text!r} in {self.shown[self.seen:]!r}"
        between = self.shown[self.seen:place]
        self.seen = place + len(text)
        return between.replace("\r\n", "\n")

    def type(self, keys):
        os.write(self.screen, keys.encode())

    def run(self, line, prompt="sql> "):
        """Types a line and gives what comes of it before the next prompt."""
        self.type(line + "\n")
        self.wait(line[-10:])
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.wait(prompt)).strip()

    def close(self):
        """Reads to the end and gives the exit code."""
        end = time.monotonic() + LIMIT_S
        while self._read(max(0, end - time.monotonic())):
            pass
        code = self.process.wait(LIMIT_S)
        cflight_command.check_sanitizers(self.shown)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.screen)
