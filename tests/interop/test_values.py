# SPDX-License-Identifier: Apache-2.0
"""The bytes of Flight's values, against pyarrow's."""

import ctypes
import random

import pyarrow as pa
import pyarrow.flight as flight
import pytest

import cflight_ctypes as cflight

for _kind in ("descriptor", "endpoint", "info", "action", "basic_auth"):
    getattr(cflight.lib, f"cflight_{_kind}_free").argtypes = [ctypes.c_void_p]


def view(data):
    return cflight.Bytes(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data))


def take_buffer(buffer):
    data = cflight.lib.cflight_buffer_bytes(buffer)
    result = ctypes.string_at(data.data, data.len_bytes) if data.len_bytes else b""
    cflight.lib.cflight_buffer_unref(buffer)
    return result


def round_trip(kind, data):
    """Parses with cflight and serialises again; raises CflightError."""
    value = ctypes.c_void_p()
    buffer = ctypes.c_void_p()
    lib = cflight.lib
    if kind in ("ticket", "result", "schema_result"):
        cflight.call(getattr(lib, f"cflight_{kind}_parse"), view(data), ctypes.byref(value))
        body = lib.cflight_buffer_bytes(value)
        cflight.call(getattr(lib, f"cflight_{kind}_serialize"), body, ctypes.byref(buffer))
        lib.cflight_buffer_unref(value)
        return take_buffer(buffer)
    cflight.call(getattr(lib, f"cflight_{kind}_parse"), view(data), ctypes.byref(value))
    try:
        cflight.call(getattr(lib, f"cflight_{kind}_serialize"), value, ctypes.byref(buffer))
        return take_buffer(buffer)
    finally:
        getattr(lib, f"cflight_{kind}_free")(value)


class Values:
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def bytes(self):
        return self.rng.randbytes(self.rng.choice((0, 0, 1, 3, 127, 128, 300)))

    def text(self):
        return "".join(self.rng.choice("ab/\0é→😀") for _ in range(self.rng.choice((0, 1, 5, 200))))

    def descriptor(self):
        if self.rng.random() < 0.5:
            return flight.FlightDescriptor.for_command(self.bytes())
        return flight.FlightDescriptor.for_path(*(self.text() for _ in range(self.rng.choice((0, 1, 4)))))

    def ticket(self):
        return flight.Ticket(self.bytes())

    def result(self):
        return flight.Result(self.bytes())

    def schema_result(self):
        return flight.SchemaResult(pa.schema([(self.text(), pa.int32())]))

    def action(self):
        return flight.Action(self.text(), self.bytes())

    def basic_auth(self):
        return flight.BasicAuth(self.text(), self.text())

    def endpoint(self):
        uris = ("grpc://h:1", "grpc+tls://[::1]:2", "arrow-flight-reuse-connection://?", "s3://b/p")
        expiry = self.rng.choice((None, 0, 1, 10**9, 1680698096123456789, 2**62))
        if expiry is not None:
            expiry = pa.scalar(expiry, pa.timestamp("ns", "UTC"))
        return flight.FlightEndpoint(
            self.bytes(), [self.rng.choice(uris) for _ in range(self.rng.choice((0, 1, 3)))], expiry, self.bytes())

    def info(self):
        schema = self.rng.choice((None, pa.schema([("a", pa.int64())])))
        return flight.FlightInfo(
            schema, self.descriptor(), [self.endpoint() for _ in range(self.rng.choice((0, 1, 5)))],
            self.rng.choice((-1, 0, 1, 2**63 - 1)), self.rng.choice((-1, 0, 300)), self.rng.random() < 0.5,
            self.bytes())


CLASSES = {
    "descriptor": flight.FlightDescriptor,
    "ticket": flight.Ticket,
    "result": flight.Result,
    "schema_result": flight.SchemaResult,
    "action": flight.Action,
    "basic_auth": flight.BasicAuth,
    "endpoint": flight.FlightEndpoint,
    "info": flight.FlightInfo,
}


@pytest.mark.parametrize("kind", CLASSES)
def test_bytes_are_the_same(kind):
    """Goal: cflight reads what pyarrow writes, and writes the same bytes.
    Method: random values of each type, through cflight."""
    for seed in range(300):
        data = getattr(Values(seed), kind)().serialize()
        assert round_trip(kind, data) == data, f"seed {seed}"


@pytest.mark.parametrize("kind", CLASSES)
def test_hostile_bytes_get_the_same_answer(kind):
    """Goal: what pyarrow refuses cflight refuses, and what both accept they understand alike.
    Method: random damage to serialised values. cflight differs on purpose: it takes an info without descriptor and
    location URIs that are none. protobuf-c refuses groups and known fields with another wire type, which protobuf
    skips and nobody sends; such cases must stay rare."""
    accepted = 0
    refused_by_us_alone = 0
    for seed in range(2000):
        rng = random.Random(seed)
        data = bytearray(getattr(Values(seed % 50), kind)().serialize())
        for _ in range(rng.choice((1, 1, 2))):
            if data:
                at = rng.randrange(len(data))
                data[at:at + rng.choice((0, 1))] = rng.randbytes(rng.choice((0, 1)))
        data = bytes(data)
        try:
            reference = CLASSES[kind].deserialize(data).serialize()
        except pa.ArrowInvalid as error:
            reference = None
            is_lenient = "URI" in str(error) or "UNKNOWN descriptor" in str(error)
        try:
            actual = round_trip(kind, data)
        except cflight.CflightError as error:
            assert error.status == 3 and str(error).startswith("Not a valid ")
            refused_by_us_alone += reference is not None
            continue
        if reference is None:
            assert is_lenient, f"seed {seed}: {data.hex()}"
        elif b"\xff\xff\xff\xff\xff\x01" not in reference:  # pyarrow writes negative nanos before 1970
            assert actual == reference, f"seed {seed}: {data.hex()}"
            accepted += 1
    assert accepted > 0
    assert refused_by_us_alone < 40


def test_schema_result_and_ticket_are_bytes():
    """Goal: bodies come out as they went in. Method: a body with every byte."""
    body = bytes(range(256))
    assert round_trip("ticket", flight.Ticket(body).serialize()) == flight.Ticket(body).serialize()


@pytest.mark.parametrize("uri", [
    "", "foo", "//foo", ":foo", "a b", "1a://x", "grpc://%zz", "grpc://[::1", "grpc://h:70000", "grpc://h:",
    "grpc:", "grpc+unix:@name", "grpc+unix:///a", "grpc://u@h:1/p?q#f", "é://x", "grpc://[fe80::1%25eth0]:1",
    "arrow-flight-reuse-connection://?", "s3://a//b", "grpc://h:abc", "grpc://1.2.3.4.5:1", "grpc://[v1.x]"])
def test_locations_get_the_same_answer(uri):
    """Goal: cflight takes the URIs that pyarrow takes. Method: good and bad ones through both."""
    location = ctypes.c_void_p()
    try:
        flight.Location(uri)
    except pa.ArrowInvalid:
        with pytest.raises(cflight.CflightError, match="^Cannot parse URI: "):
            cflight.call(cflight.lib.cflight_location_parse, view(uri.encode()), ctypes.byref(location))
        return
    cflight.call(cflight.lib.cflight_location_parse, view(uri.encode()), ctypes.byref(location))
    cflight.lib.cflight_location_free.argtypes = [ctypes.c_void_p]
    cflight.lib.cflight_location_free(location)
