# SPDX-License-Identifier: Apache-2.0
"""The value classes: what they hold, how they compare, and their bytes on the wire."""

import gc
import pickle
import weakref

import cflight as flight
import pytest

pa = pytest.importorskip("pyarrow")


def make_values():
    """One of each, and another that differs from it."""
    schema = pa.schema([("a", pa.int32())])
    path = flight.FlightDescriptor.for_path("a", b"b")
    endpoint = flight.FlightEndpoint(b"t", ["grpc://h:1"], 5, "meta")
    return [
        (flight.Action("a", b"x"), flight.Action("a", b"y")),
        (flight.BasicAuth("u", "p"), flight.BasicAuth("u", "q")),
        (path, flight.FlightDescriptor.for_command(b"ab")),
        (endpoint, flight.FlightEndpoint(b"t", ["grpc://h:1"], None, "meta")),
        (
            flight.FlightInfo(schema, path, [endpoint], 1, 2, True, b"m"),
            flight.FlightInfo(schema, path, [endpoint], 1, 2, False, b"m"),
        ),
        (flight.Location("grpc://h:1"), flight.Location("grpc://h:2")),
        (flight.PollInfo(None, path, 0.5, 9), flight.PollInfo(None, path, 0.25, 9)),
        (flight.Result(b"x"), flight.Result(b"")),
        (flight.SchemaResult(schema), flight.SchemaResult(pa.schema([]))),
        (flight.Ticket("t"), flight.Ticket("u")),
    ]


@pytest.mark.parametrize("index", range(len(make_values())))
def test_values_compare_by_content_and_travel(index):
    """Goal: equality is content, and serialising loses nothing. Method: two builds of each value."""
    one, other = make_values()[index]
    same, _ = make_values()[index]
    assert one == same and not one != same
    assert one != other and not one == other
    assert (one == None) is False and one != None  # noqa: E711
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)
    with pytest.raises(TypeError):
        pickle.dumps(one)
    if hasattr(one, "serialize"):
        assert type(one).deserialize(one.serialize()) == one
        with pytest.raises(pa.ArrowInvalid, match="Not a valid|protobuf|descriptor"):
            type(one).deserialize(b"\xff\xff\xff")
    if not isinstance(one, flight.Location):
        with pytest.raises(TypeError, match="Argument 'other' has incorrect type"):
            one == 3
    assert not isinstance(one, flight.Location) or one != 3
    reference = weakref.ref(one)
    del one
    gc.collect()
    assert reference() is None


def test_bytes_and_text_are_both_taken():
    """Goal: str is UTF-8, bytes stay, anything else is refused. Method: each kind of argument."""
    assert flight.Ticket("é").ticket == "é".encode()
    assert flight.Action(b"a", bytearray(b"b")).type == "a"
    assert flight.Action("a", memoryview(b"bc")).body.to_pybytes() == b"bc"
    assert flight.FlightDescriptor.for_path().path == []
    assert flight.FlightDescriptor.for_command("c").command == b"c"
    assert flight.BasicAuth().username == b"" and flight.BasicAuth(None, "").password == b""
    for make in (
        lambda: flight.Ticket(3),
        lambda: flight.Ticket(None),
        lambda: flight.Action("a", None),
        lambda: flight.Action("a", "text"),
        lambda: flight.Result("text"),
        lambda: flight.FlightDescriptor.for_path(1),
        lambda: flight.FlightDescriptor(),
        lambda: flight.SchemaResult(None),
        lambda: flight.FlightInfo(3, flight.FlightDescriptor.for_path(), []),
        lambda: flight.FlightInfo(None, None, []),
        lambda: flight.FlightInfo(None, flight.FlightDescriptor.for_path(), [1]),
        lambda: flight.FlightEndpoint(b"", [1]),
        lambda: flight.FlightEndpoint(b"", [], "2020-01-01"),
        lambda: flight.FlightEndpoint(b"", [], 1.5),
        lambda: flight.GeneratorStream(None, []),
        lambda: flight.RecordBatchStream(3),
    ):
        with pytest.raises(TypeError):
            make()


def test_locations_keep_their_text():
    """Goal: a URI is checked, never changed. Method: good, odd and bad ones."""
    for uri in ("grpc://h", "s3://Bucket/%7Ekey", "grpc+unix:///tmp/a%20b", "https://h/x?y#z"):
        assert flight.Location(uri).uri == uri.encode()
    assert flight.Location.for_grpc_tcp("h", 5).uri == b"grpc+tcp://h:5"
    for host in ("[::1]", "::1"):
        assert flight.Location.for_grpc_tls(host, 5).uri == b"grpc+tls://[::1]:5"
        assert flight.Location.for_grpc_tcp(host, 5).uri == b"grpc+tcp://[::1]:5"
    assert flight.Location.for_grpc_unix("/tmp/s").uri == b"grpc+unix:///tmp/s"
    assert flight.Location.for_grpc_unix("/tmp/a b#%").uri == b"grpc+unix:///tmp/a%20b%23%25"
    assert flight.Location("a://b").equals(flight.Location("a://b"))
    for uri in ("%", "h:p q", "grpc://h:99999", ""):
        with pytest.raises(pa.ArrowInvalid):
            flight.Location(uri)
    for host, port in (("good\0.evil", 1), ("h/x", 1), ("u@h", 1), ("h", -1), ("h", 65536), ("", 1)):
        with pytest.raises(pa.ArrowInvalid):
            flight.Location.for_grpc_tcp(host, port)
    with pytest.raises(pa.ArrowInvalid):
        flight.Location.for_grpc_unix("/tmp/a\0b")


def test_a_location_without_a_port_means_443():
    with flight.FlightClient("grpc://127.0.0.1") as client, pytest.raises(flight.FlightUnavailableError, match=":443"):
        client.get_flight_info(flight.FlightDescriptor.for_path("a"))


def test_times_are_nanoseconds():
    """Goal: every unit and zone of a timestamp arrives as UTC nanoseconds. Method: compare values."""
    for scalar, expected in (
        (pa.scalar(3, pa.timestamp("s")), 3_000_000_000),
        (pa.scalar(3, pa.timestamp("us", "Europe/Berlin")), 3_000),
        (pa.scalar(-1, pa.timestamp("ns", "UTC")), -1),
    ):
        endpoint = flight.FlightEndpoint(b"", [], scalar)
        again = flight.FlightEndpoint.deserialize(endpoint.serialize())
        assert again.expiration_time.value == expected
        assert again.expiration_time.type == pa.timestamp("ns", "UTC")
    assert flight.FlightEndpoint(b"", [], 7).expiration_time.value == 7
    assert flight.FlightEndpoint(b"", [], pa.scalar(None, pa.timestamp("s"))).expiration_time is None


def test_wire_bytes_are_those_of_pyarrow():
    """Goal: the same messages as the official implementation. Method: compare bytes both ways."""
    theirs = pytest.importorskip("pyarrow.flight")
    if theirs is flight:
        pytest.skip("pyarrow.flight is replaced in this process")
    schema = pa.schema([("a", pa.int32())])

    def build(module):
        descriptor = module.FlightDescriptor.for_path("a", "b")
        endpoint = module.FlightEndpoint(
            b"t", ["grpc://h:1"], pa.scalar(5, pa.timestamp("s")), b"meta"
        )
        return [
            module.Action("a", b"x"),
            module.BasicAuth("u", "p"),
            descriptor,
            module.FlightDescriptor.for_command(b""),
            endpoint,
            module.FlightEndpoint(b"", []),
            module.FlightInfo(None, descriptor, [endpoint], None, 3, True, b"m"),
            module.FlightInfo(schema, descriptor, []),
            module.Result(b"x"),
            module.Ticket(b"t"),
        ]

    for mine, other in zip(build(flight), build(theirs)):
        name = type(mine).__name__
        assert repr(mine) == repr(other), name
        assert repr(type(other).deserialize(mine.serialize())) == repr(other), name
        assert repr(type(mine).deserialize(other.serialize())) == repr(mine), name
        if name != "FlightInfo":  # the flatbuffer of a schema may be laid out in another way
            assert mine.serialize() == other.serialize(), name


def test_call_options_are_copies():
    """Goal: options do not change after they were given. Method: change them and look."""
    given = pa.ipc.IpcWriteOptions(compression="zstd", emit_dictionary_deltas=True)
    options = flight.FlightCallOptions(
        timeout=1.5, write_options=given, headers=[[b"a", b"b"]], idle_timeout=2
    )
    given.emit_dictionary_deltas = False
    assert options.write_options.emit_dictionary_deltas is True
    assert options.write_options.compression == "zstd"
    assert options.headers == [(b"a", b"b")] and options.timeout == 1.5
    assert options.idle_timeout == 2.0 and options.first_byte_timeout is None
    assert flight.FlightCallOptions().timeout == -1.0
    own = flight.IpcWriteOptions(compression="lz4", compression_level=3)
    assert flight.FlightCallOptions(write_options=own).write_options.compression_level == 3
    for wrong, error in (
        ({"headers": [("a", "b")]}, TypeError),
        ({"headers": [(b"a", b"b", b"c")]}, ValueError),
        ({"write_options": 3}, TypeError),
        ({"read_options": given}, TypeError),
        ({"idle_timeout": -1}, ValueError),
        ({"timeout": "x"}, TypeError),
        ({"cancel": 1}, TypeError),
    ):
        with pytest.raises(error):
            flight.FlightCallOptions(**wrong)
