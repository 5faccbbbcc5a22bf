# SPDX-License-Identifier: Apache-2.0
"""A server of one table: ``python server.py [LOCATION]``. Prints where it listens, serves until it is interrupted."""

import contextlib
import sys
from collections.abc import Iterator

import pyarrow

import cflight as flight

TABLE = pyarrow.table({"city": ["Oslo", "Lima"], "celsius": [4.5, 19.0]})


class Weather(flight.FlightServerBase):
    def describe(self) -> flight.FlightInfo:
        descriptor = flight.FlightDescriptor.for_path("weather")
        endpoint = flight.FlightEndpoint(b"weather", [])
        return flight.FlightInfo(TABLE.schema, descriptor, [endpoint], TABLE.num_rows, TABLE.nbytes)

    def list_flights(self, context: flight.ServerCallContext, criteria: bytes) -> Iterator[flight.FlightInfo]:
        yield self.describe()

    def get_flight_info(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        if descriptor.path != [b"weather"]:
            raise KeyError(f"the only table is 'weather', not {descriptor!r}")
        return self.describe()

    def do_get(self, context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.FlightDataStream:
        return flight.RecordBatchStream(TABLE)


def main() -> None:
    location = sys.argv[1] if len(sys.argv) > 1 else "grpc://localhost:0"
    with Weather(location) as server:
        print(f"grpc://localhost:{server.port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve()


if __name__ == "__main__":
    main()
