# SPDX-License-Identifier: Apache-2.0
"""Frames in flight, as Envoy counts them: none of its default limits is passed by cflight's client or server, whatever
the application does and however slow the way is."""

import ctypes
import threading

import pyarrow as pa
import pytest

import cflight_calls
from cflight_calls import begin, call, chunks, lib
from frame_counter import CONTROL_FRAMES, OUTBOUND_FRAMES, FrameCounter

SCHEMA = pa.schema([("n", pa.int64())])
TINY = pa.record_batch([pa.array([1], pa.int64())], SCHEMA)
LARGE = pa.record_batch([pa.array(range(1 << 20), pa.int64())], SCHEMA)
BATCHES = {b"tiny": (TINY, 30000), b"large": (LARGE, 16), b"one": (TINY, 1)}


class Server(cflight_calls.Server):
    row_count = 0

    def _get(self, ticket, writer):
        batch, count = BATCHES[ctypes.string_at(ticket.data, ticket.len_bytes)]
        begin(writer, SCHEMA)
        cflight_calls.write_batches(writer, (batch for _ in range(count)))

    def _put(self, descriptor, reader, _writer):
        self.row_count += sum(chunk.batch.length for chunk in chunks(reader))


@pytest.fixture
def counted():
    with Server() as server, FrameCounter(int(server.location.rsplit(":", 1)[1])) as counter:
        with cflight_calls.Client(counter.location) as client:
            yield server, counter, client
        assert counter.passed == set(), [dict(direction.counts) for direction in counter.directions]
        print([(d.name, dict(d.counts), d.most_frames, d.most_control) for d in counter.directions])


def on_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("name", [b"tiny", b"large"])
def test_a_get_through_a_full_buffer(counted, name):
    _, counter, client = counted
    results = []
    client.get(b"one")
    with counter.held():
        thread = on_thread(lambda: results.append(client.get(name)))
        counter.wait_until_quiet()
    thread.join(60)
    assert sum(batch.num_rows for batch in results[0][1]) == BATCHES[name][0].num_rows * BATCHES[name][1]


@pytest.mark.parametrize("name", [b"tiny", b"large"])
def test_a_put_through_a_full_buffer(counted, name):
    server, counter, client = counted
    batch, count = BATCHES[name]
    client.get(b"one")
    with counter.held():
        thread = on_thread(lambda: client.put(name, SCHEMA, (batch for _ in range(count))))
        counter.wait_until_quiet()
    thread.join(60)
    assert server.row_count == batch.num_rows * count


def test_calls_that_are_given_up(counted):
    """Each is a RST_STREAM, which Envoy counts as well."""
    _, counter, client = counted
    for _ in range(2000):
        reader = cflight_calls.P()
        call(lib.cflight_client_do_get, client._client, cflight_calls.as_bytes(b"large"),
             ctypes.byref(cflight_calls.call_options()), ctypes.byref(reader))
        lib.cflight_reader_free(reader)
    client.get(b"one")
    assert max(direction.most_control for direction in counter.directions) <= CONTROL_FRAMES


def test_many_calls_at_once(counted):
    _, counter, client = counted
    threads = [on_thread(lambda: [client.get(b"one") for _ in range(50)]) for _ in range(16)]
    for thread in threads:
        thread.join(60)
    assert max(direction.most_frames for direction in counter.directions) <= OUTBOUND_FRAMES
