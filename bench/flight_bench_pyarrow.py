# SPDX-License-Identifier: Apache-2.0
"""The pyarrow side of the benchmarks: the same operations as bench/flight_bench.c, with the reference implementation."""

import sys
import time

import numpy
import pyarrow
import pyarrow.flight as flight


def make_batch(batch_bytes):
    return pyarrow.record_batch({"n": numpy.arange(batch_bytes // 8, dtype=numpy.int64)})


class Server(flight.FlightServerBase):
    def do_get(self, context, ticket):
        count, batch_bytes = map(int, ticket.ticket.split())
        batch = make_batch(batch_bytes)
        reader = pyarrow.RecordBatchReader.from_batches(batch.schema, (batch for _ in range(count)))
        return flight.RecordBatchStream(reader)

    def do_put(self, context, descriptor, reader, writer):
        for _ in reader:
            pass

    def do_exchange(self, context, descriptor, reader, writer):
        writer.begin(reader.schema)
        for chunk in reader:
            writer.write_batch(chunk.data)

    def get_flight_info(self, context, descriptor):
        return flight.FlightInfo(pyarrow.schema([]), descriptor, [])


def serve(location="grpc://127.0.0.1:0", *files):
    """`files` are a certificate and its key, for TLS."""
    pairs = [tuple(open(file, "rb").read() for file in files)] if files else []
    server = Server(location, tls_certificates=pairs)
    print(f"{location.rpartition(':')[0]}:{server.port}", flush=True)
    sys.stdin.read()
    server.shutdown()


def get(client, count, batch_bytes):
    rows = 0
    for chunk in client.do_get(flight.Ticket(f"{count} {batch_bytes}")):
        rows += chunk.data.num_rows
    assert rows == count * (batch_bytes // 8), rows


def put(client, count, batch_bytes):
    batch = make_batch(batch_bytes)
    writer, _ = client.do_put(flight.FlightDescriptor.for_command(b"bench"), batch.schema)
    for _ in range(count):
        writer.write_batch(batch)
    writer.close()


def exchange(client, count):
    batch = make_batch(8)
    writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"bench"))
    with writer:
        writer.begin(batch.schema)
        for _ in range(count):
            writer.write_batch(batch)
            reader.read_chunk()
        writer.done_writing()


def calls(client, count):
    descriptor = flight.FlightDescriptor.for_command(b"bench")
    for _ in range(count):
        client.get_flight_info(descriptor)


def main():
    operation, *rest = sys.argv[1:]
    if operation == "serve":
        serve(*rest)
        return
    client = flight.connect(rest[0], disable_server_verification=rest[0].startswith("grpc+tls"))
    started = time.perf_counter()
    {"get": get, "put": put, "exchange": exchange, "calls": calls}[operation](client, *map(int, rest[1:]))
    elapsed = time.perf_counter() - started
    with open("/proc/self/status") as status:
        peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(f"{elapsed:.6f} {peak_kib / 1024:.1f}")


main()
