# SPDX-License-Identifier: Apache-2.0
"""Everything that Arrow IPC can carry, through DoGet, DoPut and DoExchange: cflight to cflight, cflight to pyarrow and
pyarrow to cflight."""

import random

import pyarrow as pa
import pyarrow.flight as flight
import pytest

import cflight_calls
import cflight_ctypes as cflight
from arrow_random import FLAT_TYPES, ArrowRandom
from cases import case, random_cases

NAME = b"table"


class PyarrowServer(flight.FlightServerBase):
    """What cflight_calls.Server is, by pyarrow."""

    def __init__(self):
        super().__init__("grpc://127.0.0.1:0")
        self.location = f"grpc://127.0.0.1:{self.port}"
        self.tables = {}
        self.options = {}

    def do_get(self, context, ticket):
        schema, batches = self.tables[ticket.ticket]
        return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(schema, batches),
                                        options=pyarrow_options(**self.options))

    def do_put(self, context, descriptor, reader, writer):
        self.tables[descriptor.command] = (reader.schema, [chunk.data for chunk in reader])

    def do_exchange(self, context, descriptor, reader, writer):
        # pyarrow 25 crashes when it compresses arrays that it received with certain empty buffers, from itself too.
        writer.begin(reader.schema, options=pyarrow_options(**{**self.options, "compression": cflight.NONE}))
        for chunk in reader:
            writer.write_batch(chunk.data)


class PyarrowClient:
    """What cflight_calls.Client is, by pyarrow."""

    def __init__(self, location):
        self._client = flight.connect(location)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()

    def get(self, name):
        reader = self._client.do_get(flight.Ticket(name))
        return reader.schema, [chunk.data for chunk in reader]

    def put(self, name, schema, batches, **options):
        writer, _ = self._client.do_put(flight.FlightDescriptor.for_command(name), schema, self._options(options))
        for batch in batches:
            writer.write_batch(batch)
        writer.close()

    def exchange(self, name, schema, batches, **options):
        writer, reader = self._client.do_exchange(flight.FlightDescriptor.for_command(name), self._options(options))
        with writer:
            writer.begin(schema, options=pyarrow_options(**options))
            for batch in batches:
                writer.write_batch(batch)
            writer.done_writing()
            return reader.schema, [chunk.data for chunk in reader]

    @staticmethod
    def _options(options):
        return flight.FlightCallOptions(timeout=60, write_options=pyarrow_options(**options))


def pyarrow_options(use_metadata_v4=False, compression=cflight.NONE, send_whole_dictionaries=False, **_):
    codecs = {cflight.NONE: None, cflight.LZ4_FRAME: "lz4", cflight.ZSTD: "zstd"}
    versions = pa.ipc.MetadataVersion
    return pa.ipc.IpcWriteOptions(metadata_version=versions.V4 if use_metadata_v4 else versions.V5,
                                  compression=codecs[compression], emit_dictionary_deltas=not send_whole_dictionaries)


def random_options(rng):
    # pyarrow writes compressed V4 bodies, but does not read them as such.
    use_metadata_v4 = rng.random() < 0.25
    codecs = (cflight.NONE,) if use_metadata_v4 else (cflight.NONE, cflight.LZ4_FRAME, cflight.ZSTD)
    return dict(use_metadata_v4=use_metadata_v4, compression=rng.choice(codecs),
                send_whole_dictionaries=rng.random() < 0.5)


PEERS = {"cflight": (cflight_calls.Client, cflight_calls.Server), "pyarrow": (PyarrowClient, PyarrowServer)}


@pytest.fixture(scope="module", params=["cflight-cflight", "cflight-pyarrow", "pyarrow-cflight"])
def peers(request):
    """A client and a server."""
    client_name, server_name = request.param.split("-")
    with PEERS[server_name][1]() as server, PEERS[client_name][0](server.location) as client:
        yield client, server


def check(table, schema, expected):
    found_schema, found = table
    assert found_schema.equals(schema, check_metadata=True)
    assert [batch.num_rows for batch in found] == [batch.num_rows for batch in expected]
    for batch, expected_batch in zip(found, expected):
        batch.validate(full=True)
        assert batch.equals(expected_batch)


def get(client, server, schema, batches, options):
    server.tables[NAME] = (schema, batches)
    server.options = options
    return client.get(NAME)


def put(client, server, schema, batches, options):
    server.tables.pop(NAME, None)
    client.put(NAME, schema, batches, **options)
    return server.tables[NAME]


def exchange(client, server, schema, batches, options):
    server.options = options
    return client.exchange(NAME, schema, batches, **options)


WAYS = [get, put, exchange]


@random_cases
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_random_tables(peers, way, seeds):
    """Goal: every type, nulls, slices, dictionaries and options arrive as they were sent, whoever sends.
    Method: random schemas (no columns too), batches (no rows too) and options; pyarrow validates and compares."""
    for seed in seeds:
        generator = ArrowRandom(seed)
        options = random_options(random.Random(seed))
        schema = generator.schema()
        batches = list(generator.batches(schema))
        with case(seed, options):
            check(way(*peers, schema, batches, options), schema, batches)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("type_", FLAT_TYPES, ids=str)
def test_every_flat_type(peers, way, type_):
    """Goal: each type alone, so that a failure names it. Method: all rows, no rows, all null, sliced."""
    schema = pa.schema([pa.field("column", type_)])
    array = ArrowRandom(1).array(type_, 100)
    batches = [pa.record_batch([item], schema=schema)
               for item in (array, array[:0], array[3:50], array[8:9], pa.nulls(20, type_))]
    check(way(*peers, schema, batches, {}), schema, batches)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("row_counts", [[], [0], [5], [0, 7, 0, 1]], ids=str)
@pytest.mark.parametrize("column_count", [0, 1])
def test_no_columns_and_no_rows(peers, way, row_counts, column_count):
    """Goal: a table may have no batches, batches no rows, and a schema no columns, without which rows still count.
    Method: row counts in a sequence."""
    generator = ArrowRandom(3)
    schema = pa.schema([pa.field("n", pa.int32())] * column_count, {"key": "value"})
    batches = [generator.batch(schema, row_count) for row_count in row_counts]
    check(way(*peers, schema, batches, {}), schema, batches)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("deltas", [False, True])
def test_dictionaries_grow_and_change(peers, way, deltas):
    """Goal: each batch keeps the dictionary it was sent with. Method: one that stays, grows, is replaced, shrinks."""
    values = [["a", "b"], ["a", "b"], ["a", "b", None, "c"], ["x", "b"], ["x"], [], ["x", "y"] * 500]
    batches = [pa.record_batch([pa.DictionaryArray.from_arrays(pa.array([i for i in range(len(words))] + [None],
                                                                        pa.int32()), pa.array(words, pa.utf8()))],
                               ["column"]) for words in values]
    check(way(*peers, batches[0].schema, batches, dict(send_whole_dictionaries=not deltas)), batches[0].schema, batches)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("compression", [cflight.NONE, cflight.LZ4_FRAME, cflight.ZSTD])
def test_batches_larger_than_a_frame(peers, way, compression):
    """Goal: bodies of several HTTP/2 frames arrive whole. Method: three batches of about 1 MiB with nested columns."""
    rows = 20000
    words = pa.array([f"name {i % 977}" if i % 7 else None for i in range(rows)])
    lists = pa.array([[i, i + 1] if i % 5 else None for i in range(rows)], pa.list_(pa.int64()))
    batch = pa.record_batch([pa.array(range(rows)), words, lists, pa.StructArray.from_arrays([words, lists], "ab"),
                             words.dictionary_encode(), words.cast(pa.string_view())], list("abcdef"))
    batches = [batch, batch.slice(3, 7000), batch.slice(rows - 1)]
    check(way(*peers, batch.schema, batches, dict(compression=compression)), batch.schema, batches)
