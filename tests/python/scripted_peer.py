# SPDX-License-Identifier: Apache-2.0
"""A server that plays a script: what happens to each request, in the order in which they come. Speaks just enough
HTTP/2 to be one: it does not look into headers."""

import contextlib
import socket
import struct
import threading

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE_LEN = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
REFUSED_STREAM = 7


def literal(name, value):
    """One header field, without indexing (RFC 7541 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


RESPONSE = b"\x88" + literal(b"content-type", b"application/grpc")


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Gone(Exception):
    """The client closed its connection."""


class ScriptedPeer:
    """Plays `script`, a list of: a message (bytes), the answer of a request; "refuse", which resets its stream as not
    processed; "goaway", which ends the connection before it; "drop", which closes the connection without a word;
    "vanish", as "goaway", but nobody listens any more when the client connects. ("fail", status): an answer without
    a message. What comes after the script is refused."""

    def __init__(self, *script):
        self.script = list(script)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.location = f"grpc://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests = 0
        self.connections = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(30)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection):
        with contextlib.suppress(Gone, OSError), connection:
            self._read(connection, PREFACE_LEN)
            connection.sendall(frame(SETTINGS, 0, 0))
            while True:
                header = self._read(connection, 9)
                size = int.from_bytes(header[:3], "big")
                kind, flags, stream = struct.unpack(">BBI", header[3:])
                self._read(connection, size)
                if kind == SETTINGS and not flags & ACK:
                    connection.sendall(frame(SETTINGS, ACK, 0))
                if kind in (DATA, HEADERS) and flags & END_STREAM:
                    self._play(connection, stream)

    @staticmethod
    def _read(connection, size):
        parts = b""
        while len(parts) < size:
            part = connection.recv(size - len(parts))
            if not part:
                raise Gone
            parts += part
        return parts

    def _play(self, connection, stream):
        with self._lock:
            self.requests += 1
            act = self.script.pop(0) if self.script else "refuse"
        if act == "refuse":
            connection.sendall(frame(RST_STREAM, 0, stream, struct.pack(">I", REFUSED_STREAM)))
            return
        if act == "drop":
            raise Gone
        if act in ("goaway", "vanish"):
            if act == "vanish":
                self._listener.shutdown(socket.SHUT_RDWR)
            connection.sendall(frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)))
            connection.shutdown(socket.SHUT_WR)
            while True:  # until the client has left
                self._read(connection, 1)
        status, message = (act[1], b"") if isinstance(act, tuple) else (0, act)
        body = frame(DATA, 0, stream, b"\0" + struct.pack(">I", len(message)) + message) if message else b""
        trailers = literal(b"grpc-status", str(status).encode())
        connection.sendall(
            frame(HEADERS, END_HEADERS, stream, RESPONSE)
            + body
            + frame(HEADERS, END_HEADERS | END_STREAM, stream, trailers)
        )
