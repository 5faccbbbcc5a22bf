# SPDX-License-Identifier: Apache-2.0
"""The module where pyarrow cannot be imported. Everything runs in processes of their own, in which
importing pyarrow fails."""

import pytest

# SchemaResult of one int64 column "a", made once by this module with pyarrow.
ENCODED_SCHEMA = (
    "0aa001ffffffff9800000014000000000000000c001300100012000c0004000c000000000000000000000014"
    "0000000400010000000a000a000800040000000a000000080000000000000001000000180000000000120012"
    "00040010001100080000000c0000001200000010000000200000002800000001020000010000006100000000"
    "00000008000900040008000800000040000000010000000000000000000000"
)

BLOCKED = """
import sys
sys.modules["pyarrow"] = None
import cflight as flight
"""

SERVE = BLOCKED + """
from echo_server import EchoServer

class Source(flight.FlightServerBase):
    def do_put(self, context, descriptor, reader, writer):
        self.table = reader.read_all()
        assert type(self.table) is flight.Table
    def do_get(self, context, ticket):
        if ticket.ticket == b"generated":
            return flight.GeneratorStream(self.table.schema, iter(self.table.to_batches()))
        return flight.RecordBatchStream(self.table)
"""


def test_exceptions_values_and_calls(run_script):
    """Goal: nothing of the module needs pyarrow. Method: values, errors, actions and infos."""
    run_script(
        SERVE
        + """
assert issubclass(flight.FlightCancelledError, flight.ArrowCancelled)
assert str(flight.ArrowKeyError("x")) == "x"
body = flight.Action("a", b"xy").body
assert type(body) is flight.Buffer and body == b"xy" and body.size == 2 and bytes(body) == b"xy"
assert body.to_pybytes() == b"xy" and len(body) == 2 and not body == b"z" and body != 3
endpoint = flight.FlightEndpoint(b"t", ["grpc://h"], 5)
assert endpoint.expiration_time == 5
assert flight.FlightEndpoint.deserialize(endpoint.serialize()) == endpoint
print(endpoint, flight.FlightCallOptions(read_options=flight.IpcReadOptions(included_fields=[1])))
with EchoServer() as server, flight.connect(server.location) as client:
    assert [r.body for r in client.do_action(("echo", b"hi"))] == [b"hi", b"hi"]
    info = client.get_flight_info(flight.FlightDescriptor.for_command("x"))
    assert info.schema is None and info.total_records == 7
    assert client.poll_flight_info(flight.FlightDescriptor.for_command("x")).expiration_time == 10**9
    for name, error in (("KeyError", KeyError), ("FlightTimedOutError", flight.FlightTimedOutError)):
        try:
            list(client.do_action(("fail", name.encode())))
        except error as caught:
            assert "reason" in str(caught)
        else:
            raise AssertionError(name)
"""
    )


def test_data_goes_through_polars(run_script):
    """Goal: data in, out and back without pyarrow. Method: polars frames on both ends."""
    pytest.importorskip("polars")
    run_script(
        SERVE
        + """
import polars as pl
frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "", None], "c": [[1], [], None]})
with Source() as server, flight.connect(server.location) as client:
    writer, _ = client.do_put(flight.FlightDescriptor.for_path("f"), frame)
    with writer:
        writer.write(frame)
        assert writer.stats.num_record_batches >= 1
    for ticket in ("whole", "generated"):
        reader = client.do_get(flight.Ticket(ticket))
        assert type(reader.schema) is flight.Schema and reader.schema.names == ["a", "b", "c"]
        assert "a: int64" in str(reader.schema) and len(reader.schema) == 3
        table = reader.read_all()
        assert table.num_rows == len(table) == 3 and table.num_columns == 3
        assert pl.DataFrame(table).equals(frame) and pl.DataFrame(table).equals(frame)
        chunk = client.do_get(flight.Ticket(ticket)).read_chunk()
        assert chunk.data.num_rows == 3 and chunk.data.num_columns == 3
        assert pl.DataFrame(chunk.data).equals(frame) and pl.DataFrame(chunk.data).equals(frame)
        batches = list(client.do_get(flight.Ticket(ticket)).to_reader())
        assert [b.num_rows for b in batches] == [3] and batches[0].schema == table.schema
        assert pl.DataFrame(client.do_get(flight.Ticket(ticket))).equals(frame)
        with client.do_get(flight.Ticket(ticket)).to_reader() as stream:
            assert pl.DataFrame(stream).equals(frame)
        del reader, table, chunk, batches
"""
    )


def test_data_goes_in_and_out_of_our_own_objects(run_script):
    """Goal: our tables are sources too. Method: a schema built from bytes, a stream that is empty."""
    run_script(
        SERVE
        + """
schema = flight.SchemaResult.deserialize(bytes.fromhex(sys.argv[1])).schema
assert schema.names == ["a"] and schema == flight.SchemaResult(schema).schema
with Source() as server, flight.connect(server.location) as client:
    writer, _ = client.do_put(flight.FlightDescriptor.for_path("f"), schema)
    writer.close()
    table = client.do_get(flight.Ticket("whole")).read_all()
    assert table.num_rows == 0 and table.to_batches() == []
    writer, _ = client.do_put(flight.FlightDescriptor.for_path("f"), table.schema)
    with writer:
        writer.write_table(table)
    stream = client.do_get(flight.Ticket("whole")).to_reader()
    capsule = stream.__arrow_c_stream__()
    for use in (stream.__arrow_c_stream__, lambda: next(stream)):
        try:
            use()
        except ValueError:
            continue
        raise AssertionError("a stream was given away twice")
""",
        ENCODED_SCHEMA,
    )


def test_asyncio_calls(run_script):
    """Goal: the asyncio client needs no pyarrow either, and asyncio is imported when it is used.
    Method: upload and download a schema."""
    run_script(
        SERVE
        + """
import asyncio
assert "cflight._async" not in sys.modules
with Source() as server, flight.connect(server.location) as client:

    async def main():
        other = client.as_async()
        assert type(other) is flight.AsyncioFlightClient and "AsyncioFlightClient" in dir(flight)
        x = flight.FlightDescriptor.for_command("x")
        schema = flight.SchemaResult.deserialize(bytes.fromhex(ENCODED)).schema
        writer, _ = await other.do_put(x, schema)
        async with writer:
            pass
        async with await other.do_get(flight.Ticket(b"t")) as reader:
            assert type(await reader.schema()) is flight.Schema
            assert (await reader.read_all()).num_rows == 0

    asyncio.run(main())
""".replace("ENCODED", repr(ENCODED_SCHEMA))
    )


def test_asyncio_uploads_in_pieces(run_script):
    """Goal: rows of any library's table go out in pieces. Method: polars as the source."""
    pytest.importorskip("polars")
    run_script(
        SERVE
        + """
import asyncio
import polars as pl
frame = pl.DataFrame({"a": list(range(10)), "s": [None, *"bcdefghij"]})
with Source() as server, flight.connect(server.location) as client:

    async def main():
        other = client.as_async()
        writer, _ = await other.do_put(flight.FlightDescriptor.for_path("f"), frame)
        async with writer:
            await writer.write_table(frame, max_chunksize=4)
            assert writer.stats.num_record_batches == 3
        async with await other.do_get(flight.Ticket(b"t")) as reader:
            table = await reader.read_all()
        assert [batch.num_rows for batch in table.to_batches()] == [4, 4, 2]
        assert pl.DataFrame(table).equals(frame)

    asyncio.run(main())
"""
    )
