# SPDX-License-Identifier: Apache-2.0
"""Bodies in shared memory (docs/internals/shared-bodies.md), seen from outside: peers that do not know of it, peers that
lie about it, and what stands between two ends."""

import contextlib
import fcntl
import functools
import os
import socket
import struct
import threading

import pyarrow as pa
import pyarrow.flight as flight
import pytest
import raw_http2

ROWS = 200_000
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
FIELD = 53015
HELLO, PASS, RELEASE = 0, 1, 2


@functools.cache
def rows(count=ROWS):
    return pa.table({"n": pa.array(range(count), pa.int64()), "s": pa.array([f"row {i % 1000}" for i in range(count)])})


def write_file(path, table):
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


@pytest.fixture
def place(tmp_path):
    """Where a Unix socket can be: its path must be short."""
    return tmp_path / "s"


@pytest.fixture(scope="module")
def server(cflight, tmp_path_factory):
    """`cflight serve`, which may be written to."""
    directory = tmp_path_factory.mktemp("f")
    write_file(directory / "rows.arrow", rows())
    with cflight.serving(directory, "--writable", "--overwrite", listen=f"grpc+unix://{directory}/s") as running:
        yield running


@pytest.fixture(scope="module")
def socket_path(server):
    return server.location.removeprefix("grpc+unix://")


def fetch(cflight, location, path, *options):
    done = cflight.run("get", location, "rows", "-o", path, *options)
    assert done.returncode == 0, done.stderr
    with pa.ipc.open_file(path) as reader:
        return reader.read_all()


# ---- peers of other kinds ----


def test_pyarrow_does_not_notice(server, cflight, tmp_path):
    table = rows()
    with flight.connect(server.location) as client:
        assert client.do_get(flight.Ticket(b"rows")).read_all().equals(table)
        writer, _ = client.do_put(flight.FlightDescriptor.for_path("more"), table.schema)
        writer.write_table(table)
        writer.close()
        assert client.do_get(flight.Ticket(b"more")).read_all().equals(table)


class Peer(flight.FlightServerBase):
    def do_get(self, context, ticket):
        return flight.RecordBatchStream(rows())

    def do_put(self, context, descriptor, reader, writer):
        assert reader.read_all().equals(rows())

    def get_flight_info(self, context, descriptor):
        return flight.FlightInfo(rows(1).schema, descriptor, [flight.FlightEndpoint(b"rows", [])], -1, -1)


def test_a_server_of_pyarrow_does_not_notice(cflight, tmp_path, place):
    source = tmp_path / "in.arrow"
    write_file(source, rows())
    with Peer(f"grpc+unix://{place}"):
        location = f"grpc+unix://{place}"
        assert fetch(cflight, location, tmp_path / "out.arrow").equals(rows())
        done = cflight.run("put", location, "rows", source)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("options", [[], ["--no-shared-bodies"]])
def test_the_command_fetches_and_uploads(server, cflight, tmp_path, options):
    source = tmp_path / "in.arrow"
    write_file(source, rows())
    assert fetch(cflight, server.location, tmp_path / "out.arrow", *options).equals(rows())
    done = cflight.run("put", server.location, "again", source, *options)
    assert done.returncode == 0, done.stderr
    with flight.connect(server.location) as client:
        assert client.do_get(flight.Ticket(b"again")).read_all().equals(rows())


@contextlib.contextmanager
def byte_copier(place, target):
    """Copies bytes between Unix sockets, and no descriptors, as socat does."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    listener.listen()

    def serve():
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(target))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=copy, args=pair, daemon=True).start()

    def copy(source, sink):
        with contextlib.suppress(OSError):
            while octets := source.recv(1 << 20):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"grpc+unix://{place}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_proxy_that_copies_bytes_costs_nothing(socket_path, cflight, tmp_path, place):
    source = tmp_path / "in.arrow"
    write_file(source, rows())
    with byte_copier(place, socket_path) as location:
        assert fetch(cflight, location, tmp_path / "out.arrow").equals(rows())
        done = cflight.run("put", location, "through", source)
        assert done.returncode == 0, done.stderr


# ---- peers that lie ----


def packet(kind, number=0, size=0, stream=0):
    return b"CFSB" + bytes([1, kind, 0, 0]) + struct.pack("<QQII", number, size, stream, 0)


class Liar:
    """A client with a channel of its own, which uploads what a test makes."""

    def __init__(self, place, offers=True):
        self.client = raw_http2.Client(str(place))
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(30)
        if offers:
            socket.send_fds(self.client.socket, [raw_http2.frame(raw_http2.PING, payload=bytes(8))], [theirs.fileno()])
            assert self.channel.recv(64) == packet(HELLO)
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        self.channel.close()

    def upload(self, *messages, name="lie"):
        """An upload of these messages after its schema; waits for its end."""
        schema = pa.schema([("n", pa.int64())])
        stream = self.client.call("DoPut", raw_http2.upload_begin(name, schema), ends=False)
        for octets in messages:
            self.client.socket.sendall(raw_http2.frame(raw_http2.DATA, 0, stream, raw_http2.message(octets)))
        self.client.socket.sendall(raw_http2.frame(raw_http2.DATA, raw_http2.END_STREAM, stream))
        with contextlib.suppress(ConnectionError):
            self.client.ends([stream])

    def pass_memory(self, number, memory, size, stream=1):
        socket.send_fds(self.channel, [packet(PASS, number, size, stream)], [memory])


@contextlib.contextmanager
def memory(octets, seals=SEALS):
    descriptor = os.memfd_create("lie", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(descriptor, octets)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        yield descriptor
    finally:
        os.close(descriptor)


def header(row_count):
    """Of a batch of one column of 64-bit integers without nulls."""
    batch = pa.record_batch([pa.array(range(row_count), pa.int64())], ["n"])
    encapsulated = batch.serialize().to_pybytes()
    size = int.from_bytes(encapsulated[4:8], "little")
    return encapsulated[8:8 + size], encapsulated[8 + size:]


def naming(head, number, offset, length):
    return raw_http2.field(2, head) + raw_http2.field(FIELD, struct.pack("<QQQ", number, offset, length))


def has_flight(server, name):
    with flight.connect(server.location) as client:
        return any(info.descriptor.path == [name.encode()] for info in client.list_flights())


def held(server):
    """How many sockets and files the server has open; what it wakes its threads with is kept for the next."""
    links = raw_http2.Process(server.process.pid).links()
    return len([link for link in links if not link.startswith("anon_inode:")])


@pytest.fixture
def quiet(server):
    """Sees to it that the server has as many descriptors at the end as it had before, and serves still."""
    with flight.connect(server.location) as client:
        list(client.list_flights())
        before = held(server)
        yield
        for _ in range(200):
            if held(server) <= before:
                break
            list(client.list_flights())
        assert held(server) <= before
        assert client.do_get(flight.Ticket(b"rows")).read_all().num_rows == ROWS


def test_a_true_upload_arrives(server, quiet, socket_path):
    head, body = header(1000)
    with memory(body) as shared, Liar(socket_path) as peer:
        peer.pass_memory(1, shared, len(body))
        peer.upload(naming(head, 1, 0, len(body)), name="true")
        assert peer.channel.recv(64) == packet(RELEASE, 1)
    with flight.connect(server.location) as client:
        assert client.do_get(flight.Ticket(b"true")).read_all()["n"].to_pylist() == list(range(1000))


@pytest.mark.parametrize("lie", ["unsealed", "future", "longer", "beyond", "short body", "no descriptor", "no agreement",
                                 "another number", "twice", "a name of 8 bytes"])
def test_a_lie_costs_its_call(server, quiet, socket_path, lie):
    head, body = header(1000)
    seals = {"unsealed": 0, "future": fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | 0x10}.get(lie, SEALS)
    with memory(body, seals) as shared, Liar(socket_path, offers=lie != "no agreement") as peer:
        if lie not in ("no descriptor", "no agreement"):
            peer.pass_memory(1, shared, len(body) + (4096 if lie == "longer" else 0))
        message = naming(head, 2 if lie == "another number" else 1, 64 if lie == "beyond" else 0,
                         64 if lie == "short body" else len(body))
        if lie == "a name of 8 bytes":
            message = raw_http2.field(2, head) + raw_http2.field(FIELD, bytes(8))
        peer.upload(*[message] * (2 if lie == "twice" else 1))
    assert not has_flight(server, "lie")


def test_descriptors_that_nobody_asked_for_stay_outside(quiet, socket_path):
    """Hundreds with the bytes of a connection, then as many in the channel."""
    with open("/dev/null", "rb") as nothing, Liar(socket_path) as peer:
        peer.channel.setblocking(False)
        ping = raw_http2.frame(raw_http2.PING, payload=bytes(8))
        for _ in range(3):
            socket.send_fds(peer.client.socket, [ping], [nothing.fileno()] * 200)
        with contextlib.suppress(OSError):
            for number in range(1, 100):
                peer.pass_memory(number, nothing.fileno(), 4096)
        peer.upload(naming(header(1)[0], 1, 0, 64))
        peer.client.close()


def test_a_peer_may_die_in_the_middle(server, quiet, socket_path):
    head, body = header(1000)
    with memory(body) as shared:
        for _ in range(20):
            peer = Liar(socket_path)
            peer.pass_memory(1, shared, len(body))
            stream = peer.client.call("DoPut", raw_http2.upload_begin("lie", pa.schema([("n", pa.int64())])), ends=False)
            octets = raw_http2.message(naming(head, 1, 0, len(body)))
            peer.client.socket.sendall(raw_http2.frame(raw_http2.DATA, 0, stream, octets[:40]))
            peer.channel.close()
            peer.client.close()
    assert not has_flight(server, "lie")
