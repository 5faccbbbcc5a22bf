#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Arrow's integration scenarios with pyarrow, as a program with the flags of the others:

    pyarrow_scenarios.py server -port 0 [-scenario NAME]
    pyarrow_scenarios.py client -host H -port P (-scenario NAME | -path X.json)

pyarrow cannot poll a query and has no sessions, so those two scenarios are missing. JSON mode reads the IPC stream
beside the JSON file."""

import argparse
import pathlib
import signal
import threading
import time

import pyarrow as pa
import pyarrow.flight as flight

USERNAME, PASSWORD, TOKEN = b"arrow", b"flight", b"pyarrow\x00token"
INT32 = pa.schema([pa.field("number", pa.int32(), nullable=False)])
UINT32 = pa.schema([pa.field("number", pa.uint32(), nullable=False)])
ORDERED = {b"1": [1, 2, 3], b"2": [10, 20, 30], b"3": [100, 200, 300]}
REUSE = "arrow-flight-reuse-connection://?"
HEADER, VALUE = "x-middleware", "expected value"


def expect(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r}, expected {expected!r}")


def command(text):
    return flight.FlightDescriptor.for_command(text)


def info(schema, descriptor, endpoints, **more):
    return flight.FlightInfo(schema, descriptor, endpoints, -1, -1, **more)


def numbers(schema, values):
    return pa.record_batch([pa.array(values, schema.field(0).type)], schema=schema)


def stream_of(batch):
    return flight.RecordBatchStream(pa.Table.from_batches([batch]))


def read_endpoints(client, endpoints):
    batches = []
    for endpoint in endpoints:
        expect(endpoint.locations, [], "locations")
        batches += client.do_get(endpoint.ticket).read_all().to_batches()
    return pa.Table.from_batches(batches).column(0).to_pylist()


# auth:basic_proto


class ServerAuth(flight.ServerAuthHandler):
    def authenticate(self, outgoing, incoming):
        basic = flight.BasicAuth.deserialize(incoming.read())
        if (basic.username, basic.password) != (USERNAME, PASSWORD):
            raise flight.FlightUnauthenticatedError("wrong name or password")
        outgoing.write(TOKEN)

    def is_valid(self, token):
        if token != TOKEN:
            raise flight.FlightUnauthenticatedError("no valid token")
        return USERNAME


class ClientAuth(flight.ClientAuthHandler):
    token = b""

    def authenticate(self, outgoing, incoming):
        outgoing.write(flight.BasicAuth(USERNAME, PASSWORD).serialize())
        self.token = incoming.read()

    def get_token(self):
        return self.token


class AuthServer(flight.FlightServerBase):
    def __init__(self, location):
        super().__init__(location, auth_handler=ServerAuth())

    def do_action(self, context, action):
        return [context.peer_identity()]


def auth_client(location):
    with flight.connect(location) as client:
        try:
            list(client.do_action(flight.Action("", b"")))
        except flight.FlightUnauthenticatedError:
            pass
        else:
            raise AssertionError("an action without a token succeeded")
        client.authenticate(ClientAuth())
        expect([result.body.to_pybytes() for result in client.do_action(flight.Action("", b""))], [USERNAME], "results")


# middleware


class ServerMiddleware(flight.ServerMiddleware):
    def __init__(self, value):
        self.value = value

    def sending_headers(self):
        return {HEADER: self.value}


class ServerMiddlewareFactory(flight.ServerMiddlewareFactory):
    def start_call(self, info, headers):
        return ServerMiddleware(headers.get(HEADER, [""])[0])


class MiddlewareServer(flight.FlightServerBase):
    def __init__(self, location):
        super().__init__(location, middleware={"scenario": ServerMiddlewareFactory()})

    def get_flight_info(self, context, descriptor):
        if descriptor.command != b"success":
            raise flight.FlightServerError("unknown command")
        return info(pa.schema([]), descriptor, [flight.FlightEndpoint(b"foo", ["grpc+tcp://localhost:10010"])])


class Watch(flight.ClientMiddlewareFactory):
    def __init__(self):
        super().__init__()
        self.values = []

    def start_call(self, info):
        watch = self

        class Middleware(flight.ClientMiddleware):
            def sending_headers(self):
                return {HEADER: VALUE}

            def received_headers(self, headers):
                watch.values += headers.get(HEADER, [])

        return Middleware()


def middleware_client(location):
    watch = Watch()
    with flight.FlightClient(location, middleware=[watch]) as client:
        try:
            client.get_flight_info(command(b""))
        except flight.FlightError:
            pass
        except pa.ArrowException:
            pass
        else:
            raise AssertionError("the first call must fail")
        expect(watch.values, [VALUE], "headers of the failed call")
        watch.values.clear()
        client.get_flight_info(command(b"success"))
        expect(watch.values, [VALUE], "headers of the good call")


# ordered


class OrderedServer(flight.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        is_ordered = descriptor.command == b"ordered"
        tickets = sorted(ORDERED) if is_ordered else [b"1", b"3", b"2"]
        return info(INT32, descriptor, [flight.FlightEndpoint(ticket, []) for ticket in tickets], ordered=is_ordered)

    def do_get(self, context, ticket):
        if ticket.ticket not in ORDERED:
            raise KeyError("no flight has this ticket")
        return stream_of(numbers(INT32, ORDERED[ticket.ticket]))


def ordered_client(location):
    with flight.connect(location) as client:
        found = client.get_flight_info(command(b"ordered"))
        expect(found.ordered, True, "ordered")
        expect(found.schema, INT32, "schema")
        expect(read_endpoints(client, found.endpoints), sum(ORDERED.values(), []), "rows")


# expiration_time


def field_1(body):
    """A protobuf message whose only field, number 1, is a message."""
    length, varint = len(body), bytearray()
    while length > 0x7F:
        varint.append(length & 0x7F | 0x80)
        length >>= 7
    varint.append(length)
    return b"\x0a" + bytes(varint) + body


def take_field_1(message):
    at, length, shift = 1, 0, 0
    expect(message[:1], b"\x0a", "first byte of the request")
    while True:
        length |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
        if message[at - 1] < 0x80:
            expect(len(message), at + length, "length of the request")
            return message[at:]


def seconds_from_now(seconds):
    return pa.scalar(time.time_ns() + seconds * 10**9, pa.timestamp("ns", "UTC"))


class ExpirationServer(flight.FlightServerBase):
    def __init__(self, location):
        super().__init__(location)
        self._states = []
        self._lock = threading.Lock()

    def get_flight_info(self, context, descriptor):
        texts = ("No expiration time", "5 seconds", "6 seconds")
        expirations = (None, seconds_from_now(5), seconds_from_now(6))
        with self._lock:
            self._states = [{"expires": expires, "cancelled": False, "read": False} for expires in expirations]
        return info(UINT32, descriptor, [flight.FlightEndpoint(f"{i}: {text}", [], expires)
                                         for i, (text, expires) in enumerate(zip(texts, expirations))])

    def _find(self, ticket):
        index = int(ticket.ticket.split(b":")[0])
        return index, self._states[index]

    def do_get(self, context, ticket):
        with self._lock:
            index, state = self._find(ticket)
            expires = state["expires"]
            if state["cancelled"] or (expires is None and state["read"]):
                raise KeyError("the flight is cancelled or was read")
            if expires is not None and expires.value < time.time_ns():
                raise KeyError("the flight has expired")
            state["read"] = True
        return stream_of(numbers(UINT32, [index]))

    def _cancel(self, body):
        outcome = 0
        with self._lock:
            for endpoint in flight.FlightInfo.deserialize(take_field_1(body)).endpoints:
                _, state = self._find(endpoint.ticket)
                if state["cancelled"]:
                    outcome = 3
                elif outcome == 0:
                    outcome = 1
                state["cancelled"] = True
        return b"\x08" + bytes([outcome])

    def _renew(self, body):
        endpoint = flight.FlightEndpoint.deserialize(take_field_1(body))
        expires = seconds_from_now(10)
        with self._lock:
            _, state = self._find(endpoint.ticket)
            if state["cancelled"]:
                raise pa.ArrowInvalid("the flight was cancelled")
            state["expires"] = expires
        return flight.FlightEndpoint(endpoint.ticket.ticket + b": renewed (+ 10 seconds)", [], expires).serialize()

    def do_action(self, context, action):
        actions = {"CancelFlightInfo": self._cancel, "RenewFlightEndpoint": self._renew}
        return [actions[action.type](action.body.to_pybytes())]

    def list_actions(self, context):
        return [("CancelFlightInfo", ""), ("RenewFlightEndpoint", "")]


def do_get_client(location):
    with flight.connect(location) as client:
        endpoints = client.get_flight_info(command(b"expiration_time")).endpoints
        expect([endpoint.expiration_time is not None for endpoint in endpoints], [False, True, True], "expirations")
        expect(read_endpoints(client, endpoints), [0, 1, 2], "rows")


def list_actions_client(location):
    with flight.connect(location) as client:
        expect(sorted(action.type for action in client.list_actions()), ["CancelFlightInfo", "RenewFlightEndpoint"],
               "actions")


def run_action(client, name, body):
    results = [result.body.to_pybytes() for result in client.do_action(flight.Action(name, body))]
    expect(len(results), 1, "number of results")
    return results[0]


def cancel_client(location):
    with flight.connect(location) as client:
        found = client.get_flight_info(command(b"expiration_time"))
        expect(run_action(client, "CancelFlightInfo", field_1(found.serialize())), b"\x08\x01", "result")
        for endpoint in found.endpoints:
            try:
                client.do_get(endpoint.ticket).read_all()
            except (pa.ArrowException, flight.FlightError, KeyError):
                continue
            raise AssertionError("a cancelled endpoint can still be read")


def renew_client(location):
    with flight.connect(location) as client:
        for endpoint in client.get_flight_info(command(b"expiration_time")).endpoints:
            if endpoint.expiration_time is None:
                continue
            body = run_action(client, "RenewFlightEndpoint", field_1(endpoint.serialize()))
            renewed = flight.FlightEndpoint.deserialize(body)
            if renewed.expiration_time.value <= endpoint.expiration_time.value:
                raise AssertionError("renewing gave no later expiration time")


# do_exchange:echo


class ExchangeServer(flight.FlightServerBase):
    def do_exchange(self, context, descriptor, reader, writer):
        if descriptor.command != b"echo":
            raise NotImplementedError("unknown command")
        has_begun = False
        for chunk in reader:
            if chunk.data is None:
                writer.write_metadata(chunk.app_metadata)
                continue
            if not has_begun:
                writer.begin(reader.schema)
                has_begun = True
            if chunk.app_metadata is None:
                writer.write_batch(chunk.data)
            else:
                writer.write_with_metadata(chunk.data, chunk.app_metadata)


def exchange_client(location):
    schema = pa.schema([pa.field("x", pa.int32(), nullable=False)])
    with flight.connect(location) as client:
        writer, reader = client.do_exchange(command(b"echo"))
        with writer:
            writer.begin(schema)
            for begin in range(4):
                batch = numbers(schema, range(begin, begin + 10))
                metadata = str(begin).encode() if begin % 2 == 0 else None
                if metadata is None:
                    writer.write_batch(batch)
                else:
                    writer.write_with_metadata(batch, metadata)
                chunk = reader.read_chunk()
                expect(chunk.data, batch, "batch")
                expect(chunk.app_metadata and chunk.app_metadata.to_pybytes(), metadata, "metadata")
            writer.done_writing()
            expect(list(reader), [], "what follows")


# location:reuse_connection, app_metadata_flight_info_endpoint, alignment


class LocationServer(flight.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        return info(pa.schema([]), descriptor, [flight.FlightEndpoint(b"reuse", [REUSE])])


def location_client(location):
    with flight.connect(location) as client:
        endpoints = client.get_flight_info(command(b"reuse")).endpoints
        expect([[found.uri for found in endpoint.locations] for endpoint in endpoints], [[REUSE.encode()]], "locations")


class AppMetadataServer(flight.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        endpoint = flight.FlightEndpoint(b"", [], None, descriptor.command)
        return info(UINT32, descriptor, [endpoint], app_metadata=descriptor.command)


def app_metadata_client(location):
    with flight.connect(location) as client:
        found = client.get_flight_info(command(b"foobar"))
        expect(found.app_metadata, b"foobar", "app_metadata of the info")
        expect([endpoint.app_metadata for endpoint in found.endpoints], [b"foobar"], "app_metadata of the endpoints")


ALIGNMENT = pa.record_batch(
    [pa.array([1, 2, 3], pa.int32()), pa.array([1, 2, 3], pa.int64()), pa.array([False, True, False])],
    schema=pa.schema([pa.field("int32", pa.int32(), False), pa.field("int64", pa.int64(), False),
                      pa.field("bool", pa.bool_(), False)]))


class AlignmentServer(flight.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        return info(ALIGNMENT.schema, descriptor, [flight.FlightEndpoint(b"align-data", [])])

    def do_get(self, context, ticket):
        return stream_of(ALIGNMENT)


def alignment_client(location):
    """pyarrow does not ask for an alignment; what cflight sends must do as it comes."""
    with flight.connect(location) as client:
        found = client.get_flight_info(command(b"alignment"))
        batches = client.do_get(found.endpoints[0].ticket).read_all().to_batches()
        expect(batches, [ALIGNMENT], "batches")


# JSON mode


class JsonServer(flight.FlightServerBase):
    def __init__(self, location):
        super().__init__(location)
        self._datasets = {}

    def do_put(self, context, descriptor, reader, writer):
        batches = []
        for chunk in reader:
            chunk.data.validate(full=True)
            batches.append(chunk.data)
            if chunk.app_metadata is not None:
                writer.write(chunk.app_metadata)
        self._datasets[descriptor.path[0]] = (reader.schema, batches)

    def get_flight_info(self, context, descriptor):
        schema, batches = self._datasets[descriptor.path[0]]
        endpoint = flight.FlightEndpoint(descriptor.path[0], [f"grpc+tcp://127.0.0.1:{self.port}"])
        return flight.FlightInfo(schema, descriptor, [endpoint], sum(batch.num_rows for batch in batches), -1)

    def do_get(self, context, ticket):
        schema, batches = self._datasets[ticket.ticket]
        return flight.GeneratorStream(schema, ((batch, str(i).encode()) for i, batch in enumerate(batches)))


def same_batch(actual, expected):
    # Column by column as batches: pyarrow has no Python class for arrays of some intervals.
    return actual.num_rows == expected.num_rows and all(
        actual.select([i]).equals(expected.select([i])) for i in range(expected.num_columns))


def download(client, ticket, schema, batches):
    reader = client.do_get(ticket)
    if not reader.schema.equals(schema, check_metadata=True):
        raise AssertionError("the schema came back changed")
    for i, batch in enumerate(batches):
        chunk = reader.read_chunk()
        expect(chunk.app_metadata.to_pybytes(), str(i).encode(), "metadata")
        if not same_batch(chunk.data, batch):
            raise AssertionError(f"batch {i} came back changed")
    expect(list(reader), [], "what follows")


def json_client(location, path):
    descriptor = flight.FlightDescriptor.for_path(str(path))
    path = str(path).removesuffix(".gz").removesuffix(".json")
    with pa.ipc.open_stream(pathlib.Path(f"{path}.stream")) as source:
        schema, batches = source.schema, list(source)
    with flight.connect(location) as client:
        writer, reader = client.do_put(descriptor, schema)
        with writer:
            for i, batch in enumerate(batches):
                writer.write_with_metadata(batch, str(i).encode())
                expect(reader.read().to_pybytes(), str(i).encode(), "answer")
            writer.done_writing()
            expect(reader.read(), None, "answer after the last")
        found = client.get_flight_info(descriptor)
        for endpoint in found.endpoints:
            for place in endpoint.locations:
                with flight.connect(place) as other:
                    download(other, endpoint.ticket, schema, batches)


SCENARIOS = {
    "auth:basic_proto": (AuthServer, auth_client),
    "middleware": (MiddlewareServer, middleware_client),
    "ordered": (OrderedServer, ordered_client),
    "expiration_time:do_get": (ExpirationServer, do_get_client),
    "expiration_time:list_actions": (ExpirationServer, list_actions_client),
    "expiration_time:cancel_flight_info": (ExpirationServer, cancel_client),
    "expiration_time:renew_flight_endpoint": (ExpirationServer, renew_client),
    "do_exchange:echo": (ExchangeServer, exchange_client),
    "location:reuse_connection": (LocationServer, location_client),
    "app_metadata_flight_info_endpoint": (AppMetadataServer, app_metadata_client),
    "alignment": (AlignmentServer, alignment_client),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=("server", "client"))
    for flag in ("host", "port", "scenario", "path"):
        parser.add_argument(f"-{flag}", f"--{flag}", default="")
    arguments = parser.parse_args()

    if arguments.side == "client":
        location = f"grpc://{arguments.host}:{arguments.port}"
        if arguments.scenario:
            SCENARIOS[arguments.scenario][1](location)
        else:
            json_client(location, arguments.path)
        return
    kind = SCENARIOS[arguments.scenario][0] if arguments.scenario else JsonServer
    # Blocked from the start, in the server's threads too: it is taken whenever it comes.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with kind(f"grpc://127.0.0.1:{arguments.port}") as server:
        print(f"Server listening on localhost:{server.port}", flush=True)
        signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main()
