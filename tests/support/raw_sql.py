# SPDX-License-Identifier: Apache-2.0
"""Messages of Flight SQL as bytes, for calls by raw_http2.Client."""

import raw_http2

PREFIX = b"type.googleapis.com/arrow.flight.protocol.sql."


def packed(name, *fields):
    """A message of Flight SQL in its Any; fields are (number, bytes)."""
    body = b"".join(raw_http2.field(number, octets) for number, octets in fields)
    return raw_http2.field(1, PREFIX + name.encode()) + raw_http2.field(2, body)


def command(octets):
    """A FlightDescriptor."""
    return b"\x08\x02" + raw_http2.field(2, octets)


def action(name, octets):
    """An Action."""
    return raw_http2.field(1, name.encode()) + raw_http2.field(2, octets)
