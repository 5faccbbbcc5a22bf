# SPDX-License-Identifier: Apache-2.0
"""Lists a server's flights and shows each, with pyarrow: ``python client.py LOCATION``."""

import sys

import pyarrow

import cflight as flight


def main() -> None:
    options = flight.FlightCallOptions(timeout=30.0)
    with flight.connect(sys.argv[1]) as client:
        for info in client.list_flights(options=options):
            print(info.descriptor.path, info.total_records)
            for endpoint in info.endpoints:
                table = client.do_get(endpoint.ticket, options).read_all()
                print(pyarrow.table(table).to_pylist())


if __name__ == "__main__":
    main()
