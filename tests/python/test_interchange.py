# SPDX-License-Identifier: Apache-2.0
"""Data of other libraries, through the Arrow PyCapsule interface, beside pyarrow."""

import cflight as flight
import pytest
from echo_server import EchoServer

pa = pytest.importorskip("pyarrow")


def round_trip(data):
    """Puts an object and gets it back as a pyarrow.Table."""
    with EchoServer() as server, flight.connect(server.location) as client:
        writer, _ = client.do_put(flight.FlightDescriptor.for_path("x"), data)
        with writer:
            writer.write(data)
        return client.do_get(flight.Ticket("x")).read_all()


def test_polars_frames_go_both_ways():
    """Goal: polars is a source and a target. Method: its odd layouts (views, big offsets)."""
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "a": [1, None, 3],
            "text": ["x", "a text that is longer than a view holds", None],
            "cat": pl.Series(["p", "q", "p"], dtype=pl.Categorical),
        }
    )
    assert pl.DataFrame(round_trip(frame)).equals(frame)

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            if ticket.ticket == b"pieces":
                return flight.GeneratorStream(frame.schema, [frame[:1], frame[1:]])
            return flight.RecordBatchStream(frame)

    with Server() as server, flight.connect(server.location) as client:
        for ticket in ("whole", "pieces"):
            assert pl.DataFrame(client.do_get(flight.Ticket(ticket))).equals(frame)


def test_pandas_frames_go_in():
    """Goal: a data frame is a source. Method: pandas 3, which has the interface."""
    pd = pytest.importorskip("pandas", minversion="3")
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
    assert round_trip(frame).column("b").to_pylist() == ["x", "y", None]


def test_duckdb_relations_go_both_ways():
    """Goal: DuckDB reads a stream of ours and is a source. Method: a query over each."""
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql("select range as a, 'row ' || range as b from range(5000)")
    assert round_trip(relation).num_rows == 5000
    with EchoServer() as server, flight.connect(server.location) as client:
        server.tables[b"x"] = pa.table({"a": range(1000)})
        stream = client.do_get(flight.Ticket("x")).to_reader()  # noqa: F841 (named in the query)
        assert duckdb.sql("select sum(a) from stream").fetchall() == [(499500,)]


def test_nanoarrow_streams_go_in():
    """Goal: any producer will do. Method: nanoarrow."""
    na = pytest.importorskip("nanoarrow")
    array = na.c_array_stream(pa.table({"a": [1, 2]}).to_reader())
    assert round_trip(na.ArrayStream(array)).column("a").to_pylist() == [1, 2]


def test_columns_are_not_copied():
    """Goal: reading shares the received bytes. Method: two batches look at one buffer's memory."""
    table = pa.table({"a": range(100_000)})
    with EchoServer() as server, flight.connect(server.location) as client:
        server.tables[b"x"] = table
        before = pa.total_allocated_bytes()
        got = client.do_get(flight.Ticket("x")).read_all()
        assert got == table
        assert pa.total_allocated_bytes() - before < 10_000


def test_buffers_are_views():
    """Goal: bodies and metadata are not copied. Method: look at addresses."""
    data = bytearray(b"x" * 1000)
    action = flight.Action("a", data)
    data[0] = ord("y")
    assert action.body.to_pybytes()[:2] == b"yx"
    assert flight.Result(action.body).body is action.body


def test_included_fields_and_validation():
    """Goal: read options select columns. Method: both kinds of options."""
    with EchoServer() as server, flight.connect(server.location) as client:
        server.tables[b"x"] = pa.table({"a": [1], "b": [2], "c": [3]})
        for options in (
            pa.ipc.IpcReadOptions(included_fields=[0, 2]),
            flight.IpcReadOptions(included_fields=[0, 2], validation="bounds"),
        ):
            call_options = flight.FlightCallOptions(read_options=options)
            table = client.do_get(flight.Ticket("x"), call_options).read_all()
            assert table.column_names == ["a", "c"]


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_streams(codec):
    """Goal: bodies are compressed where asked. Method: both option classes on a server's stream."""

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            table = pa.table({"a": [0] * 10_000})
            own = flight.IpcWriteOptions(compression=codec)
            theirs = pa.ipc.IpcWriteOptions(compression=codec)
            return flight.RecordBatchStream(table, own if ticket.ticket == b"own" else theirs)

    with Server() as server, flight.connect(server.location) as client:
        for ticket in ("own", "theirs"):
            assert client.do_get(flight.Ticket(ticket)).read_all()["a"].to_pylist() == [0] * 10_000


def test_a_failing_source_fails_the_call():
    """Goal: what a source raises reaches the client. Method: a reader over a failing generator."""
    schema = pa.schema([("a", pa.int64())])

    def batches():
        yield pa.record_batch([[1]], schema=schema)
        raise ValueError("source dried up")

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            if ticket.ticket == b"reader":
                reader = pa.RecordBatchReader.from_batches(schema, batches())
                return flight.RecordBatchStream(reader)
            return flight.GeneratorStream(schema, batches())

    with Server() as server, flight.connect(server.location) as client:
        for ticket in ("reader", "generator"):
            reader = client.do_get(flight.Ticket(ticket))
            assert reader.read_chunk().data.num_rows == 1
            with pytest.raises((ValueError, flight.FlightServerError), match="source dried up"):
                reader.read_chunk()
