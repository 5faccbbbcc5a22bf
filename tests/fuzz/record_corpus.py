# SPDX-License-Identifier: Apache-2.0
"""Records what clients and servers of other implementations of Flight say to one another, as inputs that fuzzing begins
with:
    python tests/fuzz/record_corpus.py [go java rust pyarrow]
Each peer's client runs against its own server, through a proxy, with a few of Arrow's integration scenarios and data
sets. The bytes of a connection go to the corpora grpc_server and grpc_client, the streams in them to ipc_stream and the
messages to values, as PEER_WHAT. Needs what `make interop` needs, and Arrow's golden data sets."""

import pathlib
import socket
import struct
import sys
import tempfile
import threading

import pyarrow.flight

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tools")]

import integration  # noqa: E402
import interop_peers  # noqa: E402

CORPUS = pathlib.Path(__file__).parent / "corpus"
SCENARIOS = ("auth:basic_proto", "middleware", "ordered", "expiration_time:cancel_flight_info",
             "expiration_time:renew_flight_endpoint", "expiration_time:list_actions", "do_exchange:echo",
             "session_options", "poll_flight_info", "app_metadata_flight_info_endpoint")
CONNECTIONS = ("auth:basic_proto", "middleware", "ordered", "do_exchange:echo", "session_options", "dictionary")
DATASETS = ("dictionary", "nested_dictionary", "nested", "union", "run_end_encoded", "binary_view", "map", "interval_mdn",
            "custom_metadata", "null")
BYTES_MAX = 16384
# How a target cuts its input, and how much output it takes in between: all of it.
WHOLE = b"\xc8\xff"
# Kinds of the target `values`, by what a stream of a scenario asks and is answered.
DESCRIPTOR, ENDPOINT, INFO, POLL_INFO, ACTION, ACTION_TYPE, BASIC_AUTH = range(7)
KINDS = {"ordered": (DESCRIPTOR, INFO), "app_metadata_flight_info_endpoint": (DESCRIPTOR, INFO),
         "expiration_time:cancel_flight_info": (DESCRIPTOR, INFO), "poll_flight_info": (DESCRIPTOR, POLL_INFO),
         "expiration_time:list_actions": (None, ACTION_TYPE), "session_options": (ACTION, None)}


class Proxy:
    """Passes connections on and keeps what both sides said: one (client's bytes, server's bytes) for each."""

    def __init__(self, port):
        self._port = port
        self._listener = socket.create_server(("localhost", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = []
        self._threads = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            said = (bytearray(), bytearray())
            self.connections.append(said)
            for source, target, kept in ((client, server, said[0]), (server, client, said[1])):
                thread = threading.Thread(target=self._pass_on, args=(source, target, kept))
                thread.start()
                self._threads.append(thread)

    @staticmethod
    def _pass_on(source, target, kept):
        try:
            while data := source.recv(65536):
                kept += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)


def record(program, scenario="", path=None):
    """The connections of one case."""
    server = integration.Server(program.server_command(scenario), 120, False, integration.environment())
    proxy = Proxy(server.port)
    try:
        try:
            integration.run_client(program, proxy.port, scenario, path)
        except integration.CaseFailed as failure:  # what it said until then is of use all the same
            print(f"{program.name}: {scenario or path.stem}: {' '.join(str(failure).split())[-100:]}")
        if path is not None:  # what the server stored, through the proxy; the client went past it
            with pyarrow.flight.connect(f"grpc://127.0.0.1:{proxy.port}") as client:
                ticket = client.get_flight_info(pyarrow.flight.FlightDescriptor.for_path(str(path))).endpoints[0].ticket
                client.do_get(ticket).read_all()
    finally:
        server.stop()
        proxy.close()
    return proxy.connections


def messages_of(said):
    """{stream: its gRPC messages} of one side of an HTTP/2 connection."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    at, streams = len(preface) if said.startswith(preface) else 0, {}
    while at + 9 <= len(said):
        length, kind, flags = int.from_bytes(said[at:at + 3], "big"), said[at + 3], said[at + 4]
        stream = int.from_bytes(said[at + 5:at + 9], "big")
        payload = bytes(said[at + 9:at + 9 + length])
        if kind == 0:
            streams.setdefault(stream, bytearray()).extend(payload[1:len(payload) - payload[0]] if flags & 8 else payload)
        at += 9 + length
    return {stream: split_messages(data) for stream, data in sorted(streams.items())}


def split_messages(data):
    messages, at = [], 0
    while at + 5 <= len(data):
        length = int.from_bytes(data[at + 1:at + 5], "big")
        messages.append(bytes(data[at + 5:at + 5 + length]))
        at += 5 + length
    return messages


def fields_of(message):
    """{number: the bytes of a length-delimited field} of a protobuf message."""
    fields, at = {}, 0

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 2:
            length = varint()
            fields[key >> 3] = message[at:at + length]
            at += length
        elif key & 7 == 0:
            varint()
        else:
            at += {1: 8, 5: 4}[key & 7]
    return fields


def stream_of(messages):
    """The Arrow stream that FlightData messages are, or None."""
    parts = []
    for message in messages:
        fields = fields_of(message)
        header, body = fields.get(2, b""), fields.get(1000, b"")
        if header:
            padded = header + bytes(-len(header) % 8)
            parts.append(struct.pack("<II", 0xFFFFFFFF, len(padded)) + padded + body + bytes(-len(body) % 8))
    return b"".join(parts) + struct.pack("<II", 0xFFFFFFFF, 0) if len(parts) > 1 else None


def write(corpus, name, data):
    """Writes an input if it is not too long, and new."""
    directory = CORPUS / corpus
    if len(data) <= BYTES_MAX and all(path.read_bytes() != data for path in directory.iterdir()):
        (directory / name.replace(":", "_")).write_bytes(data)


def write_values(name, scenario, asked, answered):
    for index, (stream, requests) in enumerate(asked.items()):
        request_kind, answer_kind = KINDS.get(scenario, (None, None))
        if index == 0 or scenario == "session_options":
            if request_kind is not None and requests:
                write("values", f"{name}_request_{index}", bytes([request_kind]) + requests[0])
            if answer_kind is not None and answered.get(stream):
                write("values", f"{name}_answer", bytes([answer_kind]) + answered[stream][0])
        elif scenario == "expiration_time:renew_flight_endpoint" and answered.get(stream):
            write("values", f"{name}_action", bytes([ACTION]) + requests[0])
            write("values", f"{name}_answer", bytes([ENDPOINT]) + fields_of(answered[stream][0]).get(1, b""))
        if scenario == "auth:basic_proto" and requests and 2 in fields_of(requests[0]) and answered.get(stream):
            write("values", f"{name}_login", bytes([BASIC_AUTH]) + fields_of(requests[0])[2])


def keep(peer, what, scenario, connections):
    for number, (client, server) in enumerate(connections):
        name = f"{peer}_{what}" + (f"_{number}" if number else "")
        if what in CONNECTIONS:
            write("grpc_server", name, WHOLE + bytes(client))
            write("grpc_client", name, WHOLE + bytes(server))
        asked, answered = messages_of(client), messages_of(server)
        if scenario:
            write_values(name, scenario, asked, answered)
        else:
            for side, streams in (("put", asked), ("get", answered)):
                for messages in streams.values():
                    data = stream_of(messages)
                    if data is not None:
                        write("ipc_stream", f"{peer}_{what}_{side}", data)


def main():
    golden = {path.name.removeprefix("generated_").removesuffix(".json.gz"): path
              for path in integration.golden_sets()["cpp-21.0.0"]}
    with tempfile.TemporaryDirectory() as scratch:
        for peer in sys.argv[1:] or interop_peers.PEERS_BY_NAME:
            program = interop_peers.PEERS_BY_NAME[peer]()
            for scenario in SCENARIOS:
                if scenario in program.scenarios:
                    keep(program.name, scenario, scenario, record(program, scenario))
            for name in DATASETS:
                path = integration.unpack_golden(golden[name], scratch)
                try:
                    keep(program.name, name, "", record(program, path=path))
                except pyarrow.ArrowException as failure:
                    print(f"{program.name}: {name}: {' '.join(str(failure).split())[:100]}")


if __name__ == "__main__":
    main()
