# SPDX-License-Identifier: Apache-2.0
"""Endpoints that are read, and datasets that are written, in parts: the base, and the engines of one process."""

import contextlib
import functools
import json
import pathlib
import pickle
import subprocess
import sys
import threading
import time

import duckdb
import polars
import pyarrow as pa
import pyarrow.flight as pf
import pytest
import yaml

import cflight as flight
from cflight._polled import PolledEndpoints
from cflight.duckdb import flight_scan, register_flight
from cflight.polars import scan_flight

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import cflight_command  # noqa: E402

PARTS, ROWS = 8, 1000
TABLE = pa.table({"n": pa.array(range(ROWS), pa.int64()), "t": [f"word {i % 7}" for i in range(ROWS)]})
SECRET = "hush-hush"


class Replica(pf.FlightServerBase):
    """A server of pyarrow's: eight endpoints, each on all the locations that it is given."""

    def __init__(self, breaks_after=None, **options):
        super().__init__("grpc://127.0.0.1:0", **options)
        self.uri = f"grpc://127.0.0.1:{self.port}"
        self.places = []
        self.breaks_after = breaks_after  # batches
        self.expires = None
        self.renewed = 0
        self.seen = []
        self.stalls = None  # an event that all endpoints but the first wait for, behind their first batch
        self.metadata = b""
        self.change = list  # what becomes of the batches of an endpoint
        self.ipc = None

    def get_flight_info(self, context, descriptor):
        endpoints = [pf.FlightEndpoint(str(i).encode(), self.places, self.expires, self.metadata) for i in range(PARTS)]
        return pf.FlightInfo(TABLE.schema, descriptor, endpoints, ROWS, -1)

    def do_get(self, context, ticket):
        place = int(ticket.ticket) * ROWS // PARTS
        self.seen.append(int(ticket.ticket))
        batches = self.change(TABLE.slice(place, ROWS // PARTS).to_batches(max_chunksize=10))

        def give():
            for i, batch in enumerate(batches):
                if i == 1 and self.stalls is not None and place > 0:
                    self.stalls.wait()
                if i == self.breaks_after:
                    raise pf.FlightUnavailableError("the disk has gone")
                yield batch

        return pf.GeneratorStream(TABLE.schema, give(), options=self.ipc)

    def do_action(self, context, action):
        if action.type != "RenewFlightEndpoint":
            raise NotImplementedError(action.type)
        self.renewed += 1
        return [pf.FlightEndpoint(b"0", self.places).serialize()]


@contextlib.contextmanager
def replicas(*breaks_after, **options):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Replica(after, **options)) for after in breaks_after]
        for server in servers:
            server.places = [each.uri for each in servers]
        yield servers


def read_all(readers):
    return pa.concat_tables([reader.read().read_all() for reader in readers])


def test_readers_are_data():
    with replicas(None) as [server]:
        readers = flight.endpoints("x/y", server.uri)
        assert len(readers) == PARTS and readers.total_records == ROWS and readers.schema == TABLE.schema
        copies = pickle.loads(pickle.dumps(readers))
        assert read_all(copies).equals(TABLE) and copies.total_bytes == -1 and copies.schema == TABLE.schema
        assert repr(readers[1]) == f"<EndpointReader: endpoint 2 of 8 of 'x/y' at {server.uri}>"
        assert readers[1].schema == TABLE.schema and readers[1].endpoint.ticket.ticket == b"1"
        info = flight.connect(server.uri).get_flight_info(flight.FlightDescriptor.for_path("x"))
        assert read_all(flight.endpoints(info)).equals(TABLE)


def test_where_to_read_must_be_known():
    with replicas(None) as [server]:
        server.places = []
        info = flight.connect(server.uri).get_flight_info(flight.FlightDescriptor.for_path("x"))
        assert read_all(flight.endpoints(info, server.uri)).equals(TABLE)
        with pytest.raises(ValueError, match="endpoint 1 of 8 of 'x' has no location"):
            flight.endpoints(info)
        with pytest.raises(ValueError, match="needs the location"):
            flight.endpoints("x")
        with pytest.raises(TypeError, match="expected a FlightInfo"):
            flight.endpoints(3, server.uri)


@pytest.mark.parametrize("hold_bytes_max", [8 << 20, 0, 500])
@pytest.mark.parametrize("after", [0, 1, 12])
def test_a_replica_takes_over_in_the_middle(after, hold_bytes_max):
    with replicas(after, None) as [broken, whole]:
        readers = flight.endpoints("x", broken.uri, spread=False, hold_bytes_max=hold_bytes_max)
        streams = [reader.read() for reader in readers]
        assert pa.concat_tables([stream.read_all() for stream in streams]).equals(TABLE)
        assert sum(stream.rows for stream in streams) == ROWS and len(whole.seen) == PARTS
        assert all(len(stream.failures) == 1 and broken.uri in stream.failures[0] for stream in streams)


def part(number):
    return TABLE.slice(number * ROWS // PARTS, ROWS // PARTS)


def test_replicas_that_break_later_and_later():
    with replicas(3, 2, 5, None) as servers:
        stream = flight.endpoints("x", servers[0].uri, spread=False, hold_bytes_max=0)[2].read()
        assert stream.read_all().equals(part(2)) and len(stream.failures) == 3
        assert [server.seen for server in servers] == [[2]] * 4


def test_a_server_that_has_come_back_goes_on_where_it_was():
    with replicas(4) as [server]:
        stream = flight.endpoints("x", server.uri, hold_bytes_max=0)[1].read()
        batches = [next(stream) for _ in range(4)]
        server.breaks_after = None
        assert pa.Table.from_batches([*batches, *stream]).equals(part(1)) and server.seen == [1, 1]


def test_a_replica_may_send_the_same_batches_in_another_form():
    """Compressed, and cut out of larger ones: neither bytes nor offsets are the same."""
    with replicas(3, None) as [broken, whole]:
        whole.ipc = pa.ipc.IpcWriteOptions(compression="lz4")
        whole.change = lambda batches: [pa.RecordBatch.from_pylist(b.to_pylist(), TABLE.schema) for b in batches]
        assert flight.endpoints("x", broken.uri, spread=False, hold_bytes_max=0)[2].read().read_all().equals(part(2))


def other_order(batches):
    return [batches[1], batches[0], *batches[2:]]


def other_value(batches):
    return [batches[0], pa.record_batch([batches[1]["n"], batches[1]["t"].take(pa.array(range(9, -1, -1)))],
                                        schema=TABLE.schema), *batches[2:]]


CHANGES = {
    "order": other_order,
    "order within a batch": other_value,
    "cuts": lambda batches: pa.Table.from_batches(batches).combine_chunks().to_batches(max_chunksize=15),
    "end": lambda batches: batches[:2],
}


@pytest.mark.parametrize("metadata", [b"", b"cflight.stable"])
@pytest.mark.parametrize("change", CHANGES)
def test_rows_are_not_mixed_with_those_of_a_replica_that_sends_others(change, metadata):
    with replicas(3, None, None) as [broken, other, whole]:
        broken.metadata = metadata
        other.change = CHANGES[change]
        readers = flight.endpoints("x", broken.uri, spread=False, hold_bytes_max=0)
        assert readers[2].is_stable == (metadata != b"")
        stream = readers[2].read()
        assert stream.read_all().equals(part(2)) and "had been handed over" in stream.failures[1]
        whole.change = other.change
        stream = readers[3].read()
        with pytest.raises(flight.FlightUnavailableError, match="endpoint 4 of 8 of 'x' broke after 30 rows") as caught:
            list(stream)
        assert broken.uri in str(caught.value) and "the disk has gone" in str(caught.value)
        assert stream.rows == 30 and whole.seen == [2, 3]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_held_back_may_come_from_any_replica(change):
    """No batch of the first server has been handed over, so that there is nothing to be the same as."""
    with replicas(3, None) as [broken, other]:
        other.change = CHANGES[change]
        expected = pa.Table.from_batches(other.change(part(2).to_batches(max_chunksize=10)))
        assert flight.endpoints("x", broken.uri, spread=False)[2].read().read_all().equals(expected)


def test_ends_of_long_buffers_are_looked_at_where_the_server_says_that_its_batches_stay():
    table = pa.table({"n": pa.array(range(10_000), pa.int64())})
    middle, last = (table.set_column(0, "n", [pa.array([*range(at), -1, *range(at + 1, 10_000)], pa.int64())])
                    for at in (5_000, 9_999))

    class Long(pf.FlightServerBase):
        tables = []

        def do_get(self, context, ticket):
            first, *self.tables = self.tables

            def give():
                yield first.to_batches()[0]
                if self.tables:
                    raise pf.FlightUnavailableError("the disk has gone")

            return pf.GeneratorStream(table.schema, give())

    with Long("grpc://127.0.0.1:0") as server:
        def read(metadata, *tables):
            server.tables = list(tables)
            endpoint = flight.FlightEndpoint("x", [f"grpc://127.0.0.1:{server.port}"], app_metadata=metadata)
            info = flight.FlightInfo(table.schema, flight.FlightDescriptor.for_path("x"), [endpoint], -1, -1)
            return flight.endpoints(info, attempts=2, hold_bytes_max=0)[0].read().read_all()

        assert read(b"", table, table).equals(table) and read(b"cflight.stable", table, middle).equals(table)
        for metadata, other in ((b"", middle), (b"", last), (b"cflight.stable", last)):
            with pytest.raises(flight.FlightUnavailableError, match="10000 rows that are not the 10000"):
                read(metadata, table, other)


def test_readers_of_the_same_replicas_begin_at_different_ones():
    with replicas(None, None, None) as servers:
        uris = [server.uri for server in servers]
        turned = [reader.locations for reader in flight.endpoints("x", uris[0])]
        assert [places[0] for places in turned] == [uris[i % 3] for i in range(PARTS)]
        assert turned[1] == [uris[1], uris[2], uris[0]]
        assert all(reader.locations == uris for reader in flight.endpoints("x", uris[0], spread=False))
        read_all(flight.endpoints("x", uris[0]))
        assert sorted(len(server.seen) for server in servers) == [2, 3, 3]


def test_a_server_that_spreads_its_endpoints_itself_is_followed():
    places = ["grpc://a:1", "grpc://b:1", "grpc://c:1"]
    orders = [places, places, places[::-1], places[:2], places[:2]]
    info = flight.FlightInfo(TABLE.schema, flight.FlightDescriptor.for_path("x"), [
        flight.FlightEndpoint(str(i), order) for i, order in enumerate(orders)], -1, -1)
    assert [reader.locations for reader in flight.endpoints(info)] == [*orders[:4], places[1::-1]]


def test_of_several_servers_one_that_lives_is_asked():
    with replicas(None, None) as [gone, server]:
        gone.shutdown()
        readers = flight.endpoints("x", [gone.uri, server.uri], spread=False)
        assert readers[0].locations == [gone.uri, server.uri] and read_all(readers).equals(TABLE)
        server.shutdown()
        with pytest.raises(flight.FlightUnavailableError):
            flight.endpoints("x", [gone.uri, server.uri])


def test_without_a_replica_the_endpoint_is_named():
    with replicas(2, 0) as servers:
        with pytest.raises(flight.FlightUnavailableError, match="endpoint 8 of 8 of 'x' could not be read") as caught:
            flight.endpoints("x", servers[0].uri, attempts=2)[7].read().read_all()
        assert [str(caught.value).count(server.uri) for server in servers] == [2, 2]


def test_endpoints_that_expire_are_renewed():
    with replicas(None) as [server]:
        for seconds, renewed in ((3600, 0), (30, 1), (-30, 2)):
            server.expires = pa.scalar(time.time_ns() + seconds * 10**9, pa.timestamp("ns", "UTC"))
            assert flight.endpoints("x", server.uri)[0].read().read_all().num_rows == ROWS // PARTS
            assert server.renewed == renewed
        server.do_action = None
        with pytest.raises(flight.FlightError, match=r"endpoint 1 of 8.*expired \d+ s ago and was not renewed"):
            flight.endpoints("x", server.uri)[0].read().read_all()


# ---- endpoints that come while the server is polled ----


class Growing(flight.FlightServerBase):
    """Tells of one endpoint more at each poll."""

    def __init__(self, names, is_told=1):
        super().__init__("grpc://127.0.0.1:0")
        self.names = names
        self.is_told = is_told
        self.polls = 0

    @property
    def uri(self):
        return self.location.uri.decode()

    def poll_flight_info(self, context, descriptor):
        self.polls += 1
        told = self.names[:self.is_told]
        is_over = self.is_told >= len(self.names)
        self.is_told += 1
        info = flight.FlightInfo(TABLE.schema, descriptor, [flight.FlightEndpoint(name, []) for name in told], -1, -1)
        return flight.PollInfo(info, None if is_over else flight.FlightDescriptor.for_command("go on"))


def tickets(readers):
    return [reader.endpoint.ticket.ticket.decode() for reader in readers]


def test_endpoints_that_are_appended_have_positions():
    with Growing("abcd") as server:
        polled = PolledEndpoints("x", server.uri)
        positions = [polled.position()]
        for _ in range(5):
            polled.poll()
            positions.append(polled.position())
        assert [position["endpoints"] for position in positions] == [0, 1, 2, 3, 4, 4] and server.polls == 4
        assert tickets(polled.between(positions[1], positions[3])) == ["b", "c"]
        # Another process.
        server.is_told = 1
        again = PolledEndpoints("x", server.uri)
        assert tickets(again.between(*json.loads(json.dumps(positions[1:4:2])))) == ["b", "c"] and server.polls == 7
        again.poll()
        assert again.position() == positions[4]


def test_endpoints_that_were_read_are_not_taken_for_others():
    with Growing("abcd", 3) as server:
        polled = PolledEndpoints("x", server.uri)
        none = polled.position()
        polled.poll()
        three = polled.position()
        for names, told in (("axcd", 4), ("ab", 2)):
            server.names, server.is_told = names, told
            again = PolledEndpoints("x", server.uri)
            with pytest.raises(flight.FlightError, match="first 3 endpoints are not those that had been read"):
                again.between(none, three)
        server.names, server.is_told = "axcd", 4
        with pytest.raises(flight.FlightError, match="it may only append"):
            polled.poll()


def test_a_server_without_polling_tells_of_all_endpoints_at_once():
    class Pyarrow(pf.FlightServerBase):
        def get_flight_info(self, context, descriptor):
            told = [pf.FlightEndpoint(name, []) for name in "ab"]
            return pf.FlightInfo(TABLE.schema, descriptor, told, -1, -1)

    with Pyarrow("grpc://127.0.0.1:0") as server:
        polled = PolledEndpoints("x", f"grpc://127.0.0.1:{server.port}")
        none = polled.position()
        polled.poll()
        both = polled.position()
        polled.poll()
        assert polled.position() == both and tickets(polled.between(none, both)) == ["a", "b"]


# ---- logging in ----


class Bearer(pf.ServerMiddlewareFactory):
    def start_call(self, info, headers):
        if headers.get("authorization") != [f"Bearer {SECRET}"]:
            raise pf.FlightUnauthenticatedError("who are you?")


def give_token(token):
    return {"token": token}


def test_secrets_are_looked_up_where_they_are_used(tmp_path, monkeypatch):
    place = tmp_path / "credentials.toml"
    place.write_text(f'[house]\ntoken = "{SECRET}"\n[other]\ntoken = "no"\n[bad]\npasword = "{SECRET}"\n[half]\nuser = "u"\n')
    monkeypatch.setenv("CFLIGHT_CREDENTIALS", str(place))
    with replicas(None, middleware={"b": Bearer()}) as [server]:
        readers = flight.endpoints("x", server.uri, credentials="house")
        assert read_all(pickle.loads(pickle.dumps(readers))).equals(TABLE)
        with_callable = flight.endpoints("x", server.uri, credentials=functools.partial(give_token, SECRET))
        assert read_all(pickle.loads(pickle.dumps(with_callable))).equals(TABLE)
        for text in (repr(readers), repr(with_callable), str(pickle.dumps(readers)), repr(vars(readers[0]))):
            assert SECRET not in text
        upload = flight.writers("x", 2, server.uri, credentials="house")
        assert SECRET not in repr(upload) + repr(upload.parts) + str(pickle.dumps(upload))
        failures = []
        for name in ("other", "bad", "half", "none"):
            with pytest.raises((flight.FlightError, ValueError, LookupError)) as caught:
                flight.endpoints("x", server.uri, credentials=name)
            failures.append(str(caught.value))
        assert "pasword" in failures[1] and "go together" in failures[2] and "are not in" in failures[3]
        place.write_text(f'token = "{SECRET}')
        with pytest.raises(LookupError) as caught:
            readers[0].read().read_all()
        assert SECRET not in "".join([*failures, str(caught.value), str(caught.value.__cause__)])
        with pytest.raises(TypeError):
            flight.endpoints("x", server.uri, credentials=3)


def test_other_hosts_are_not_told_who_calls(tmp_path, monkeypatch):
    """The same server by another name: without credentials it refuses."""
    with replicas(None, middleware={"b": Bearer()}) as [server]:
        other = f"grpc://127.0.0.2:{server.port}"
        server.places = [other]
        options = {"credentials": functools.partial(give_token, SECRET), "attempts": 1}
        relay = f"grpc://127.0.0.1:{server.port}"
        readers = flight.endpoints("x", relay, **options)
        assert not readers[0]._source.is_trusted(other)
        assert flight.endpoints("x", relay, trusted_locations=[other], **options)[0]._source.is_trusted(other)
        tls, plain = "grpc+tls://127.0.0.1:1", "grpc://127.0.0.1:1"
        source = readers[0]._source
        assert source.is_trusted(tls) and source.is_trusted(plain)
        assert not flight.endpoints(flight.connect(relay).get_flight_info(
            flight.FlightDescriptor.for_path("x"), flight.FlightCallOptions(
                headers=[(b"authorization", b"Bearer " + SECRET.encode())])), tls)[0]._source.is_trusted(plain)


# ---- engines of one process ----


def test_polars_keeps_what_is_asked_for():
    with replicas(4, None) as [server, _]:
        frame = scan_flight("x", server.uri)
        assert frame.collect().to_arrow().cast(TABLE.schema).equals(TABLE)
        found = frame.filter(polars.col("n") % 100 == 1).select("n").collect()
        assert found.columns == ["n"] and found["n"].to_list() == list(range(1, ROWS, 100))
        assert frame.select(polars.len()).collect().item() == ROWS
        assert frame.group_by("t").agg(polars.col("n").sum()).collect().height == 7


def test_a_limit_ends_the_calls():
    with replicas(None) as [server]:
        assert scan_flight("x", server.uri, parallel=1).head(5).collect()["n"].to_list() == [0, 1, 2, 3, 4]
        assert server.seen == [0]


def test_a_limit_ends_calls_whose_server_says_nothing():
    """The other endpoints are read ahead, and their server stalls."""
    with replicas(None) as [server]:
        server.stalls = threading.Event()
        try:
            assert scan_flight("x", server.uri).head(5).collect().height == 5
        finally:
            server.stalls.set()


def test_a_stream_is_cancelled_by_another_thread():
    with replicas(None) as [server]:
        server.stalls = threading.Event()
        try:
            stream = flight.endpoints("x", server.uri)[1].read()
            timer = threading.Timer(0.05, stream.cancel)
            timer.start()
            with pytest.raises(flight.FlightCancelledError):
                list(stream)
            timer.join()
        finally:
            server.stalls.set()


def test_a_plan_of_polars_is_asked():
    asked = []

    def plan(columns, predicate, limit):
        asked.append((columns, str(predicate), limit))
        return flight.FlightDescriptor.for_path("planned")

    with replicas(None) as [server]:
        frame = scan_flight("x", server.uri, plan=plan).filter(polars.col("n") > 990).select("n")
        assert frame.collect().height == 9
    assert asked[0][0] == ["n"] and "990" in asked[0][1]


def test_duckdb_reads_anew_each_time():
    with replicas(None, None) as [server, _]:
        words = flight_scan("x", server.uri)  # noqa: F841 (found by its name)
        assert duckdb.sql("SELECT count(*), sum(n) FROM words").fetchall() == [(ROWS, ROWS * (ROWS - 1) // 2)]
        assert duckdb.sql("SELECT n FROM words WHERE n > 997 ORDER BY n").fetchall() == [(998,), (999,)]
        with duckdb.connect() as connection:
            register_flight(connection, "w", "x", server.uri, parallel=2)
            rows = connection.sql("SELECT count(*) FROM w a JOIN w b USING (n)").fetchall()
            assert rows == [(ROWS,)]


def test_an_error_of_an_endpoint_reaches_the_engine():
    with replicas(2) as [server]:
        with pytest.raises(Exception, match="endpoint 1 of 8 of 'x' could not be read"):
            scan_flight("x", server.uri, attempts=1).collect()
        broken = flight_scan("x", server.uri, attempts=1)  # noqa: F841
        with pytest.raises(Exception, match="endpoint 1 of 8 of 'x' could not be read"):
            duckdb.sql("SELECT count(*) FROM broken").fetchall()


# ---- with cflight serve ----


@pytest.fixture
def command():
    path = cflight_command.find_command()
    assert path is not None, "the command cflight is not built; set CFLIGHT_BIN"
    return cflight_command.Command(path)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "served"
    place.mkdir()
    with pa.OSFile(str(place / "big.arrow"), "wb") as sink, pa.ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=50)
    return place


def replicas_of(first, second):
    """The parts of the flight, at two servers."""
    info = flight.connect(first.location).get_flight_info(flight.FlightDescriptor.for_path("big"))
    places = [flight.Location(first.location), flight.Location(second.location)]
    moved = flight.FlightInfo(info.schema, info.descriptor, [
        flight.FlightEndpoint(e.ticket, places, app_metadata=e.app_metadata) for e in info.endpoints], -1, -1)
    return flight.endpoints(moved, spread=False)


def test_servers_of_one_folder_are_killed_one_after_the_other(command, folder):
    """Twenty times: the first replica dies while its endpoints are read; the rows are the same."""
    for _ in range(20):
        with command.serving(folder) as second, command.serving(folder, "--endpoint-bytes", "2k") as first:
            readers = replicas_of(first, second)
            assert len(readers) > 10
            tables = [readers[0].read().read_all()]
            half = readers[1].read()
            first.process.kill()
            tables += [half.read_all(), *(reader.read().read_all() for reader in readers[2:])]
            assert pa.concat_tables(tables).equals(TABLE)


@pytest.mark.parametrize("endpoint_bytes,is_stable", [("20M", True), ("1G", False)])
def test_servers_are_killed_in_the_middle_of_endpoints_that_nobody_could_keep(
        command, tmp_path, endpoint_bytes, is_stable):
    """Twenty times: the first replica dies when some of the rows of a long endpoint have been handed over."""
    rows = 4_000_000
    table = pa.table({"n": pa.array(range(rows), pa.int64())})
    with pa.OSFile(str(tmp_path / "big.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=20_000)
    with command.serving(tmp_path) as second:
        for i in range(20):
            with command.serving(tmp_path, "--endpoint-bytes", endpoint_bytes) as first:
                readers = replicas_of(first, second)
                assert all(reader.is_stable == is_stable for reader in readers)
                with readers[0].read() as stream:
                    batches = [next(stream) for _ in range(1 + i)]
                    first.process.kill()
                    batches += stream
                whole = pa.concat_tables([pa.Table.from_batches(batches), *(r.read().read_all() for r in readers[1:])])
                assert whole.equals(table) and stream.batches == len(batches)
                assert len(stream.failures) == 1 and first.location in stream.failures[0]


def test_parts_are_written_once(command, folder):
    with command.serving(folder, "--writable") as server:
        upload = pickle.loads(pickle.dumps(flight.writers("made", 4, server.location)))
        parts = [pickle.loads(pickle.dumps(part)) for part in upload.parts]
        receipts = []
        for i, part in enumerate(parts):
            part.write(TABLE.slice(0, 7))  # by a worker that was taken for dead
            receipts.append(part.write(TABLE.slice(i * 250, 250).to_batches(), TABLE.schema))
        assert [r.rows for r in receipts] == [250] * 4 and all(r.bytes > 0 for r in receipts)
        with pytest.raises(ValueError, match="part 3 of 4 of 'made' has not been written"):
            upload.commit(receipts[:3])
        assert upload.commit([*receipts, *receipts]) == ROWS == upload.commit(receipts)
        assert read_all(flight.endpoints("made", server.location)).equals(TABLE)


def test_parts_without_rows(command, folder):
    with command.serving(folder, "--writable") as server:
        upload = flight.writers("made", 2, server.location)
        nothing, some = upload.parts[0].write([]), upload.parts[1].write(TABLE)
        assert nothing == (0, "", 0, 0) and upload.commit([nothing, some]) == ROWS
        empty = flight.writers("empty", 1, server.location)
        assert empty.commit([empty.parts[0].write([], TABLE.schema)]) == 0
        assert read_all(flight.endpoints("empty", server.location)).equals(TABLE.slice(0, 0))
        with pytest.raises(ValueError, match="not even its columns"):
            flight.writers("x", 1, server.location).commit([nothing])


def test_a_writer_that_fails_leaves_nothing(command, folder):
    def breaks():
        yield from TABLE.to_batches(max_chunksize=100)
        raise RuntimeError("the worker is out of memory")

    with command.serving(folder, "--writable") as server:
        upload = flight.writers("made", 1, server.location)
        with pytest.raises(RuntimeError, match="out of memory"):
            upload.parts[0].write(breaks())
        upload.abort()
        names = [info.descriptor.path for info in flight.connect(server.location).list_flights()]
        assert names == [[b"big"]]


def test_arguments_of_writers():
    with pytest.raises(ValueError, match="needs the location"):
        flight.writers("x", 1)
    with pytest.raises(ValueError, match="by a path"):
        flight.writers(flight.FlightDescriptor.for_command("x"), 1, "grpc://a:1")
    with pytest.raises(ValueError, match="there is no part 2 of 2"):
        flight.writers("x", 2, "grpc://a:1").part(2)
    with pytest.raises(ValueError, match=r"part\(number\)"):
        flight.writers("x", None, "grpc://a:1").parts


def test_engines_are_imported_when_they_are_used(run_script):
    run_script("import sys, cflight; cflight.endpoints, cflight.writers; "
               "assert not {'polars', 'duckdb', 'dask', 'ray', 'pyspark', 'pandas'} & set(sys.modules)")


def test_the_servers_in_kubernetes_name_each_other(tmp_path):
    """The shell of the manifest, with a command that says how it was called."""
    manifest = pathlib.Path(__file__).resolve().parents[2] / "python/examples/cluster/kubernetes.yaml"
    _, servers = yaml.safe_load_all(manifest.read_text())
    (container,) = servers["spec"]["template"]["spec"]["containers"]
    (tmp_path / "cflight").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "cflight").chmod(0o755)
    done = subprocess.run([*container["command"], *container["args"]], capture_output=True, text=True, check=True,
                          env={"PATH": f"{tmp_path}:/usr/bin:/bin", "POD": "flights-2"})
    words = done.stdout.split()
    assert words[:2] == ["serve", "/data"] and words[words.index("--advertise") + 1] == "grpc://flights-2.flights:32010"
    others = [words[i + 1] for i, word in enumerate(words) if word == "--location"]
    assert others == [f"grpc://flights-{i}.flights:32010" for i in (0, 1, 3)]
