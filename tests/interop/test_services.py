# SPDX-License-Identifier: Apache-2.0
"""What the tools of gRPC ask of `cflight serve`: health and reflection, seen by grpcio's client."""

import contextlib
import signal
import socket

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

grpc = pytest.importorskip("grpc")

HEALTH = "/grpc.health.v1.Health/"
FLIGHT = "arrow.flight.protocol.FlightService"
VERSIONS = ("v1", "v1alpha")
ALL = {FLIGHT, "grpc.health.v1.Health", *(f"grpc.reflection.{version}.ServerReflection" for version in VERSIONS)}
UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN = range(4)
LIMIT_S = 30


def field(number, value):
    """A field that has a length."""
    value = value.encode() if isinstance(value, str) else value
    out = bytearray([number << 3 | 2])
    size = len(value)
    while size >= 128:
        out.append(size & 127 | 128)
        size >>= 7
    out.append(size)
    return bytes(out) + value


def status_of(message):
    assert message[:1] in (b"", b"\x08"), message
    return message[1] if message else UNKNOWN


@contextlib.contextmanager
def channel_of(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield channel


def check(channel, service="", **options):
    return status_of(channel.unary_unary(HEALTH + "Check")(field(1, service) if service else b"", timeout=LIMIT_S, **options))


def code_of(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def reflect(channel, *questions, version="v1"):
    """The answers to questions, each a field of ServerReflectionRequest."""
    method = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
    return list(method(iter(questions), timeout=LIMIT_S))


@pytest.fixture
def served(cflight, tmp_path):
    with cflight.serving(tmp_path, listen="grpc://127.0.0.1:0") as server, channel_of(server) as channel:
        server.channel = channel
        yield server


# ---- health ----


def test_a_probe_gets_its_answer(served):
    assert check(served.channel) == SERVING
    assert check(served.channel, FLIGHT) == SERVING
    assert code_of(lambda: check(served.channel, "no.such.Service")) == (grpc.StatusCode.NOT_FOUND, "unknown service")
    listed = served.channel.unary_unary(HEALTH + "List")(b"", timeout=LIMIT_S)
    assert listed == field(1, field(2, b"\x08\x01")) + field(1, field(1, FLIGHT) + field(2, b"\x08\x01"))


def test_a_probe_needs_no_password(cflight, tmp_path):
    """Goal: who has no credentials gets an answer about health, and about nothing else."""
    users = tmp_path.parent / "users"
    users.write_text("ann:$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n")
    users.chmod(0o600)
    with cflight.serving(tmp_path, "--auth-file", users, listen="grpc://127.0.0.1:0") as server, channel_of(server) as channel:
        assert check(channel) == SERVING
        code, _ = code_of(lambda: reflect(channel, field(7, "")))
        assert code == grpc.StatusCode.UNAUTHENTICATED


def test_a_watcher_is_told_of_the_end(served):
    watch = served.channel.unary_stream(HEALTH + "Watch")(b"", timeout=LIMIT_S)
    stranger = served.channel.unary_stream(HEALTH + "Watch")(field(1, "no.such.Service"), timeout=LIMIT_S)
    assert status_of(next(watch)) == SERVING
    assert status_of(next(stranger)) == SERVICE_UNKNOWN
    served.process.send_signal(signal.SIGTERM)
    for stream in (watch, stranger):
        assert status_of(next(stream)) == NOT_SERVING
        assert code_of(lambda stream=stream: next(stream)) == (grpc.StatusCode.UNAVAILABLE, "the server is shutting down")
    assert served.stop() == 0


def test_the_number_of_watchers_can_be_set(cflight, tmp_path):
    with cflight.serving(tmp_path, "--health-watchers-max", "2", listen="grpc://127.0.0.1:0") as server, channel_of(server) as channel:
        watch = channel.unary_stream(HEALTH + "Watch")
        watchers = [watch(b"", timeout=LIMIT_S) for _ in range(2)]
        for watcher in watchers:
            assert status_of(next(watcher)) == SERVING
        code, details = code_of(lambda: next(watch(b"", timeout=LIMIT_S)))
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED and "watchers_max, 2" in details


def test_watchers_are_bounded_and_leave(served):
    """Goal: watchers take no more threads than they may, and one that goes makes room. Method: as many as may, one more,
    one that cancels."""
    watch = served.channel.unary_stream(HEALTH + "Watch")
    watchers = [watch(b"", timeout=LIMIT_S) for _ in range(64)]
    for watcher in watchers:
        assert status_of(next(watcher)) == SERVING
    code, details = code_of(lambda: next(watch(b"", timeout=LIMIT_S)))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED and "watchers_max, 64" in details
    assert check(served.channel) == SERVING  # others are not in their way
    watchers.pop().cancel()
    while True:  # until the server has seen it
        try:
            watchers.append(watch(b"", timeout=LIMIT_S))
            assert status_of(next(watchers[-1])) == SERVING
            break
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    for watcher in watchers:
        watcher.cancel()


def test_what_is_no_question_is_refused(served):
    code, details = code_of(lambda: served.channel.unary_unary(HEALTH + "Check")(b"\x0a\xff", timeout=LIMIT_S))
    assert code == grpc.StatusCode.INVALID_ARGUMENT and "HealthCheckRequest" in details
    code, details = code_of(lambda: served.channel.unary_unary(HEALTH + "Check")(field(1, "x" * 5000), timeout=LIMIT_S))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED and "2048" in details
    code, details = code_of(lambda: served.channel.unary_unary("/grpc.health.v1.Health/Chekc")(b"", timeout=LIMIT_S))
    assert (code, details) == (grpc.StatusCode.UNIMPLEMENTED, "unknown method /grpc.health.v1.Health/Chekc")
    code, details = code_of(lambda: reflect(served.channel, b"\x22\xff"))
    assert code == grpc.StatusCode.INVALID_ARGUMENT and "ServerReflectionRequest" in details
    assert check(served.channel) == SERVING


def test_a_client_that_says_nothing_more_is_let_go(served):
    """Goal: half a question holds nobody. Method: a watch is begun without its message, and the connection is lost."""
    with socket.create_connection(("127.0.0.1", served.port)) as peer:
        peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    assert check(served.channel) == SERVING


# ---- reflection ----


def files_of(channel, question, version="v1"):
    """The files of an answer, as FileDescriptorProtos."""
    (answer,) = reflect(channel, question, version=version)
    pool, response = reflection_types(version)
    parsed = response.FromString(answer)
    assert parsed.original_request.SerializeToString() == question
    assert parsed.WhichOneof("message_response") == "file_descriptor_response", parsed
    return [descriptor_pb2.FileDescriptorProto.FromString(data) for data in parsed.file_descriptor_response.file_descriptor_proto]


def reflection_types(version):
    """The message of answers, by the descriptors in the source."""
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="r.proto", package=f"grpc.reflection.{version}", syntax="proto3")
    text, number, many = descriptor_pb2.FieldDescriptorProto, descriptor_pb2.FieldDescriptorProto.TYPE_INT32, 3

    def message(name, *fields):
        made = file.message_type.add(name=name)
        for field_name, place, kind, label, oneof in fields:
            made_field = made.field.add(name=field_name, number=place, label=label)
            if isinstance(kind, str):
                made_field.type, made_field.type_name = text.TYPE_MESSAGE, f".grpc.reflection.{version}.{kind}"
            else:
                made_field.type = kind
            if oneof:
                made_field.oneof_index = 0
        if any(entry[4] for entry in fields):
            made.oneof_decl.add(name="message_response")

    message("Request", ("host", 1, text.TYPE_STRING, 1, False), *(
        (f"ask{place}", place, text.TYPE_BYTES, 1, True) for place in range(3, 8)))
    message("Files", ("file_descriptor_proto", 1, text.TYPE_BYTES, many, False))
    message("Numbers", ("base_type_name", 1, text.TYPE_STRING, 1, False), ("extension_number", 2, number, many, False))
    message("Service", ("name", 1, text.TYPE_STRING, 1, False))
    message("Services", ("service", 1, "Service", many, False))
    message("Error", ("error_code", 1, number, 1, False), ("error_message", 2, text.TYPE_STRING, 1, False))
    message("Response", ("valid_host", 1, text.TYPE_STRING, 1, False), ("original_request", 2, "Request", 1, False),
            ("file_descriptor_response", 4, "Files", 1, True), ("all_extension_numbers_response", 5, "Numbers", 1, True),
            ("list_services_response", 6, "Services", 1, True), ("error_response", 7, "Error", 1, True))
    pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return pool, message_factory.GetMessageClass(pool.FindMessageTypeByName(f"grpc.reflection.{version}.Response"))


@pytest.mark.parametrize("version", VERSIONS)
def test_services_are_listed(served, version):
    (answer,) = reflect(served.channel, field(1, "h") + field(7, "*"), version=version)
    parsed = reflection_types(version)[1].FromString(answer)
    assert parsed.valid_host == "h"
    assert {service.name for service in parsed.list_services_response.service} == ALL


@pytest.mark.parametrize("version", VERSIONS)
def test_descriptions_are_whole(served, version):
    """Goal: what a client gets is enough to call with, in any order of questions. Method: each file is given to a pool of
    protobuf's, those that it needs first, and every service's methods are found with their messages."""
    for service in sorted(ALL):
        pool = descriptor_pool.DescriptorPool()
        files = files_of(served.channel, field(4, service), version)
        for file in reversed(files):
            pool.AddSerializedFile(file.SerializeToString())
        found = pool.FindServiceByName(service)
        assert found.methods and all(method.input_type.full_name and method.output_type.full_name for method in found.methods)
        named = files_of(served.channel, field(3, files[0].name), version)
        assert [file.name for file in named] == [file.name for file in files]
    flight = descriptor_pool.DescriptorPool()
    for file in reversed(files_of(served.channel, field(4, FLIGHT + ".DoGet"), version)):
        flight.AddSerializedFile(file.SerializeToString())
    do_get = flight.FindMethodByName(FLIGHT + ".DoGet")
    assert (do_get.input_type.full_name, do_get.output_type.full_name) == (
        "arrow.flight.protocol.Ticket", "arrow.flight.protocol.FlightData")
    assert do_get.server_streaming and not do_get.client_streaming


def test_names_of_all_kinds_are_found(served):
    for symbol, file in [
        ("arrow.flight.protocol.FlightInfo", "flight.proto"),
        ("arrow.flight.protocol.FlightDescriptor.DescriptorType", "flight.proto"),
        ("grpc.health.v1.HealthCheckResponse.ServingStatus", "services/health.proto"),
    ]:
        assert files_of(served.channel, field(4, symbol))[0].name == file


def test_several_questions_on_one_stream(served):
    """Goal: each has its answer, and what is not there is an answer too, not the end of the stream."""
    response = reflection_types("v1")[1]
    answers = [response.FromString(answer) for answer in reflect(
        served.channel, field(4, "no.Such"), field(3, "no.proto"), field(5, field(1, "no.Such") + b"\x10\x01"),
        field(6, "no.Such"), field(6, "arrow.flight.protocol.Ticket"), b"", field(7, ""))]
    assert [answer.error_response.error_code for answer in answers] == [5, 5, 5, 5, 0, 3, 0]
    assert answers[4].all_extension_numbers_response.base_type_name == "arrow.flight.protocol.Ticket"
    assert len(answers[6].list_services_response.service) == len(ALL)


def test_probes_fail_before_calls_do(cflight, tmp_path):
    """During --drain-delay the health is NOT_SERVING, and who comes is served; a second signal ends the delay."""
    with cflight.serving(tmp_path, "--drain-delay", "600") as server:
        with channel_of(server) as channel:
            assert check(channel) == check(channel, FLIGHT) == SERVING
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_message("calls are taken for 600 s still")
        with channel_of(server) as channel:
            assert check(channel) == check(channel, FLIGHT) == NOT_SERVING
            assert list(channel.unary_stream(f"/{FLIGHT}/ListFlights")(b"", timeout=LIMIT_S)) == []
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(LIMIT_S) == 0
