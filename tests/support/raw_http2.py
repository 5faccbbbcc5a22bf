# SPDX-License-Identifier: Apache-2.0
"""Clients that keep no manners: HTTP/2 frames on a socket, as many calls as are wanted, and nothing read, acknowledged
or sent beyond what a test asks for. What the server says in header fields is not decoded: an answer is a message, or
it is a refusal."""

import os
import selectors
import socket
import ssl
import struct
import threading
import time

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SERVICE = "/arrow.flight.protocol.FlightService/"


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def literal(text):
    """An HPACK string, not compressed."""
    octets = text.encode()
    if len(octets) < 127:
        return bytes([len(octets)]) + octets
    length, rest = bytearray([127]), len(octets) - 127
    while rest >= 128:
        length.append(rest & 127 | 128)
        rest >>= 7
    length.append(rest)
    return bytes(length) + octets


def header_block(method, fields=()):
    pseudo = [(":method", "POST"), (":scheme", "http"), (":path", SERVICE + method), (":authority", "localhost"),
              ("content-type", "application/grpc"), ("te", "trailers")]
    return b"".join(b"\0" + literal(name) + literal(value) for name, value in [*pseudo, *fields])


def varint(number):
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, octets):
    """A field of protobuf that holds bytes."""
    return varint(number << 3 | 2) + varint(len(octets)) + octets


def message(octets):
    return struct.pack(">BI", 0, len(octets)) + octets


def path(name):
    """A FlightDescriptor."""
    return b"\x08\x01" + field(3, name.encode())


def ticket(name):
    return field(1, name.encode())


def upload_begin(name, schema):
    """The first message of an upload. `schema` is pyarrow's."""
    encapsulated = schema.serialize().to_pybytes()
    size = int.from_bytes(encapsulated[4:8], "little")
    return field(1, path(name)) + field(2, encapsulated[8:8 + size])


class Client:
    """One connection. Calls are numbered by stream, as HTTP/2 does."""

    def __init__(self, port, is_tls=False, receive_bytes=None, timeout=30, settings=b""):
        """`port` is one of loopback, or the path of a Unix socket."""
        is_unix = isinstance(port, str)
        self.socket = socket.socket(socket.AF_UNIX) if is_unix else socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        self.socket.connect(port if is_unix else ("127.0.0.1", port))
        if not is_unix:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket)
        self.unread = b""
        self.next_stream = 1
        self.socket.sendall(PREFACE + frame(SETTINGS, payload=settings) + frame(SETTINGS, ACK))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def call(self, method, request=None, ends=True, fields=()):
        """Opens a call; without a request only its headers are sent."""
        return self.calls(method, 1, request, ends, fields)[0]

    def calls(self, method, count, request=None, ends=True, fields=()):
        """Opens many in one write."""
        block = header_block(method, fields)
        body = None if request is None else message(request)
        streams, out = [], []
        for _ in range(count):
            out.append(frame(HEADERS, END_HEADERS, self.next_stream, block))
            if body is not None:
                out.append(frame(DATA, END_STREAM if ends else 0, self.next_stream, body))
            streams.append(self.next_stream)
            self.next_stream += 2
        self.socket.sendall(b"".join(out))
        return streams

    def frames(self):
        """Reads until something is there; gives (kind, flags, stream, payload) of each whole frame."""
        got = self.socket.recv(1 << 16)
        if not got:
            raise ConnectionError("the server closed the connection")
        self.unread += got
        place, whole = 0, []
        while len(self.unread) - place >= 9:
            size = int.from_bytes(self.unread[place:place + 3], "big")
            if len(self.unread) - place < 9 + size:
                break
            kind, flags, stream = struct.unpack_from(">BBI", self.unread, place + 3)
            whole.append((kind, flags, stream & 0x7fffffff, self.unread[place + 9:place + 9 + size]))
            place += 9 + size
        self.unread = self.unread[place:]
        self._be_polite(whole)
        return whole

    def _be_polite(self, frames):
        out = b"".join(frame(PING, ACK, payload=payload) for kind, flags, _, payload in frames
                       if kind == PING and not flags & ACK)
        taken = sum(len(payload) for kind, _, _, payload in frames if kind == DATA)
        if taken:
            out += frame(WINDOW_UPDATE, payload=struct.pack(">I", taken))
        if out:
            self.socket.sendall(out)

    def ends(self, streams):
        """Waits for the ends of calls; gives how many brought a message, and how many did not."""
        waiting, with_message = set(streams), set()
        while waiting:
            for kind, flags, stream, payload in self.frames():
                if kind == DATA and payload:
                    with_message.add(stream)
                if kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM):
                    waiting.discard(stream)
        answered = len(with_message & set(streams))
        return answered, len(streams) - answered

    def seconds_of(self, method, request):
        """How long one call takes to its end; a refusal is an error."""
        begin = time.perf_counter()
        answered, _ = self.ends([self.call(method, request)])
        assert answered == 1, f"{method} was refused"
        return time.perf_counter() - begin


class Caller(threading.Thread):
    """A good client: one GetFlightInfo after another, with a pause between them, until it is left."""

    def __init__(self, port, name, is_tls=False, pause=0.005):
        super().__init__(daemon=True)
        self.client = Client(port, is_tls)
        self.request, self.pause = path(name), pause
        self.seconds, self.refused = [], 0
        self.is_leaving = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_leaving.set()
        self.join(60)
        self.client.close()

    def run(self):
        while not self.is_leaving.wait(self.pause):
            begin = time.perf_counter()
            answered, refused = self.client.ends([self.client.call("GetFlightInfo", self.request)])
            self.seconds.append(time.perf_counter() - begin)
            self.refused += refused

    def percentile(self, part):
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def first_messages(clients, timeout=60):
    """When each of the connections brought its first DATA, in seconds of time.perf_counter()."""
    times = {}
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        end = time.perf_counter() + timeout
        while len(times) < len(clients):
            events = selector.select(max(0, end - time.perf_counter()))
            assert events, f"{len(clients) - len(times)} of {len(clients)} got nothing in {timeout} s"
            for key, _ in events:
                if any(kind == DATA for kind, _, _, _ in key.data.frames()):
                    times[key.data] = time.perf_counter()
                    selector.unregister(key.data.socket)
    return list(times.values())


class Process:
    """What a running program has taken from the machine."""

    def __init__(self, pid):
        self.pid = pid

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def links(self):
        """What its descriptors are."""
        return [os.readlink(entry.path) for entry in os.scandir(f"/proc/{self.pid}/fd")]

    def memory(self):
        """Bytes of its own: pages of mapped files are not counted."""
        with open(f"/proc/{self.pid}/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
