# SPDX-License-Identifier: Apache-2.0
"""Stands in for Envoy between a client and a server on loopback: hands frames on through a buffer of 1 MiB each way,
counts them, and notes each of Envoy's limits that is passed. Envoy would end the connection there.

What it counts, with Envoy's names and defaults: frames that wait to be sent on (max_outbound_frames), those among them
that a peer can have made without end (max_outbound_control_frames: PING, SETTINGS, RST_STREAM), frames without payload
in a row (max_consecutive_inbound_frames_with_empty_payload), PRIORITY frames by streams
(max_inbound_priority_frames_per_stream), WINDOW_UPDATE frames by DATA frames sent the other way
(max_inbound_window_update_frames_per_data_frame_sent), and the size and number of headers."""

import collections
import contextlib
import socket
import threading
import time

from raw_http2 import DATA, END_STREAM, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE

PRIORITY, CONTINUATION = 2, 9
BUFFER_BYTES = 1 << 20
OUTBOUND_FRAMES, CONTROL_FRAMES, EMPTY_FRAMES, PRIORITIES, UPDATES_PER_DATA = 10000, 1000, 1, 100, 10
HEADER_BYTES = 60 << 10


class Direction:
    """Frames of one side. `other` is what comes back."""

    def __init__(self, counter, source, target, skipped, name):
        self.counter, self.source, self.target, self.name = counter, source, target, name
        self.left_to_skip = skipped
        self.pending = b""
        self.queue = collections.deque()  # frames that wait: their bytes, and whether they are of control
        self.queued_bytes = self.queued_control = 0
        self.changed = threading.Condition()
        self.counts = collections.Counter()
        self.streams = set()
        self.empty_in_a_row = 0
        self.is_over = False
        self.most_frames = self.most_control = 0

    def frames(self):
        """Takes whole frames off what was read; the preface goes with the first."""
        while True:
            start = min(self.left_to_skip, len(self.pending))
            if start < self.left_to_skip or len(self.pending) < start + 9:
                return
            length = int.from_bytes(self.pending[start:start + 3], "big")
            if len(self.pending) < start + 9 + length:
                return
            whole, self.pending = self.pending[:start + 9 + length], self.pending[start + 9 + length:]
            self.left_to_skip = 0
            yield whole, whole[start + 3], whole[start + 4], int.from_bytes(whole[start + 5:start + 9], "big"), length

    def check(self, kind, flags, stream, length):
        self.counts[kind] += 1
        if kind == HEADERS:
            self.streams.add(stream)
        if kind in (DATA, HEADERS, CONTINUATION):
            self.empty_in_a_row = self.empty_in_a_row + 1 if length == 0 and not flags & END_STREAM else 0
        sent_back = self.other.counts[DATA]
        streams = len(self.streams | self.other.streams)
        passed = {
            "empty frames in a row": self.empty_in_a_row > EMPTY_FRAMES,
            "PRIORITY frames": self.counts[PRIORITY] > PRIORITIES * (1 + streams),
            "WINDOW_UPDATE frames": self.counts[WINDOW_UPDATE] > 5 + 2 * (streams + UPDATES_PER_DATA * sent_back),
            "bytes of headers": kind in (HEADERS, CONTINUATION) and length > HEADER_BYTES,
            "frames that wait": len(self.queue) > OUTBOUND_FRAMES,
            "control frames that wait": self.queued_control > CONTROL_FRAMES,
        }
        self.counter.passed.update(f"{self.name}: {what}" for what, is_passed in passed.items() if is_passed)

    def read(self):
        with contextlib.suppress(OSError):
            while data := self.source.recv(1 << 16):
                self.pending += data
                with self.changed:
                    for whole, kind, flags, stream, length in self.frames():
                        is_control = kind in (PING, SETTINGS, RST_STREAM)
                        self.queue.append((whole, is_control))
                        self.queued_bytes += len(whole)
                        self.queued_control += is_control
                        self.most_frames = max(self.most_frames, len(self.queue))
                        self.most_control = max(self.most_control, self.queued_control)
                        self.check(kind, flags, stream, length)
                    self.changed.notify_all()
                    self.changed.wait_for(lambda: self.queued_bytes < BUFFER_BYTES or self.is_over)
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def write(self):
        with contextlib.suppress(OSError):
            while True:
                with self.changed:
                    self.changed.wait_for(lambda: self.queue or self.is_over)
                    if not self.queue:
                        break
                    whole, is_control = self.queue.popleft()
                    self.queued_bytes -= len(whole)
                    self.queued_control -= is_control
                    self.changed.notify_all()
                self.counter.pause(self)
                self.target.sendall(whole)
        with contextlib.suppress(OSError):
            self.target.shutdown(socket.SHUT_WR)


class FrameCounter:
    """Listens in front of the server at `port`. `is_held` stops what it sends, so that its buffers fill."""

    def __init__(self, port):
        self.server_port = port
        self.passed = set()
        self.directions = []
        self.is_open = threading.Event()
        self.is_open.set()
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.location = f"grpc://127.0.0.1:{self.listener.getsockname()[1]}"

    def pause(self, _direction):
        self.is_open.wait(60)

    @contextlib.contextmanager
    def held(self):
        self.is_open.clear()
        try:
            yield
        finally:
            self.is_open.set()

    def wait_until_quiet(self):
        """Until no more frames come: the buffers are full, or there is no more to say."""
        before = None
        while (now := [sum(direction.counts.values()) for direction in self.directions]) != before:
            before = now
            time.sleep(0.3)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server_port))
                self.sockets += [client, server]
                up = Direction(self, client, server, len(PREFACE), "client")
                down = Direction(self, server, client, 0, "server")
                up.other, down.other = down, up
                self.directions += [up, down]
                for direction in (up, down):
                    for run in (direction.read, direction.write):
                        threading.Thread(target=run, daemon=True).start()

    def __enter__(self):
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_open.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.sockets:
            end.close()
        self.thread.join(60)
