# SPDX-License-Identifier: Apache-2.0
"""Data that unpacks to far more than came: what peers of another implementation send is held in limits."""

import struct

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pytest

MIB = 1 << 20
ZSTD = pa.ipc.IpcWriteOptions(compression="zstd")


def zeros(size_mib):
    return pa.record_batch([np.zeros(size_mib << 17)], ["n"])


class Peer(flight.FlightServerBase):
    """Serves a batch of so many MiB of zeros."""

    def do_get(self, context, ticket):
        batch = zeros(int(ticket.ticket))
        return flight.RecordBatchStream(pa.Table.from_batches([batch]), options=ZSTD)


@pytest.fixture(scope="module")
def peer():
    with Peer("grpc://localhost:0") as server:
        yield server


def get(cflight, peer, size_mib, *options):
    """Fetches one row; returns the exit code and what was said."""
    done = cflight.run("get", f"grpc://localhost:{peer.port}", "--ticket", str(size_mib), *options, "-n", "1")
    return done.returncode, done.stderr


def test_a_client_does_not_unpack_a_bomb(cflight, peer):
    code, errors = get(cflight, peer, 1024)
    assert code != 0
    assert "RESOURCE_EXHAUSTED" in errors and "unpacked_bytes_max" in errors


def test_a_client_takes_batches_of_zeros(cflight, peer):
    assert get(cflight, peer, 16)[0] == 0
    assert get(cflight, peer, 200)[0] == 0


def test_a_client_takes_what_it_was_told_to(cflight, peer):
    assert get(cflight, peer, 300)[0] != 0
    assert get(cflight, peer, 300, "--unpack-max", "300M")[0] == 0
    assert get(cflight, peer, 16, "--unpack-max", "1M")[0] != 0


def dictionaries(size_mib, count):
    """A batch that is a dictionary of one huge value per column."""
    value = pa.array([bytes(size_mib * MIB)], pa.large_binary())
    column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), value)
    return pa.record_batch([column] * count, [f"c{i}" for i in range(count)])


@pytest.mark.parametrize("size_mib, count", [(250, 6), (1024, 1)])
def test_an_upload_does_not_leave_dictionaries_without_end(cflight, tmp_path, size_mib, count):
    """A server keeps the dictionaries of a stream within a limit, and the upload is refused."""
    batch = dictionaries(size_mib, count)
    with cflight.serving(tmp_path, "--writable") as server:
        client = flight.connect(server.location)
        with pytest.raises((flight.FlightError, pa.ArrowException, OSError), match="RESOURCE_EXHAUSTED|_bytes_max"):
            writer, _ = client.do_put(
                flight.FlightDescriptor.for_path("x"),
                batch.schema,
                options=flight.FlightCallOptions(write_options=ZSTD),
            )
            writer.write_batch(batch)
            writer.close()
        assert list(tmp_path.iterdir()) == []
        client.close()


def rows_of_nothing(path, batch_count):
    """Writes a stream whose batches claim 2^62 rows of nulls each, which take no bytes."""
    batch = pa.record_batch([pa.nulls(54321)], ["n"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        for _ in range(batch_count):
            writer.write_batch(batch)
    bytes_ = sink.getvalue().to_pybytes()
    path.write_bytes(bytes_.replace(struct.pack("<q", 54321), struct.pack("<q", 1 << 62)))


class Twice(flight.FlightServerBase):
    """A flight that is the same ticket of another server two times."""

    def __init__(self, location, info):
        super().__init__(location)
        self.info = info

    def get_flight_info(self, context, descriptor):
        return flight.FlightInfo(self.info.schema, descriptor, [self.info.endpoints[0]] * 2)


def test_rows_that_cannot_be_counted_are_refused(cflight, tmp_path):
    """Two batches in one stream, and one batch in each of two streams, of 2^62 rows."""
    rows_of_nothing(tmp_path / "one.arrows", 1)
    rows_of_nothing(tmp_path / "two.arrows", 2)
    target = tmp_path / "target.arrows"
    with cflight.serving(tmp_path) as server, flight.connect(server.location) as client:
        info = client.get_flight_info(flight.FlightDescriptor.for_path("one"))
        endpoint = flight.FlightEndpoint(info.endpoints[0].ticket, [server.location])
        info = flight.FlightInfo(info.schema, info.descriptor, [endpoint])
        assert cflight.run("get", server.location, "one", "-o", str(target)).returncode == 0
        target.unlink()
        with Twice("grpc://localhost:0", info) as twice:
            done = cflight.run("get", f"grpc://localhost:{twice.port}", "name", "-o", str(target))
            assert done.returncode == 1 and "others cannot be" in done.stderr
        done = cflight.run("put", server.location, "x", str(tmp_path / "two.arrows"))
        assert done.returncode == 1
        assert not target.exists()
