# SPDX-License-Identifier: Apache-2.0
"""Options beyond those of pyarrow.flight: limits, tokens, keepalive, validation, certificates."""

import asyncio
import math
import re
import subprocess
import sys
import threading

import cflight as flight
import pytest

pa = pytest.importorskip("pyarrow")

from echo_server import EchoServer  # noqa: E402

WAIT_S = 30
COMMAND = flight.FlightDescriptor.for_command(b"x")
PATH = flight.FlightDescriptor.for_path("t")
TABLE = pa.table({"a": range(10_000), "b": [0] * 10_000})


@pytest.fixture
def server():
    with EchoServer() as server:
        server.tables[b"t"] = TABLE
        yield server
        server.release.set()


# ---- numbers ----

CLIENT_COUNTS = ["message_bytes_max", "metadata_bytes_max", "stream_window_bytes", "pool_bytes_max"]
CALL_COUNTS = ["message_bytes_max", "write_size_limit_bytes", "split_batch_bytes"]
SERVER_COUNTS = [
    *CLIENT_COUNTS,
    "queue_max",
    "waiting_max",
    "unread_bytes_max",
    "connections_max",
    "connections_per_address_max",
    "calls_per_connection_max",
]
CLIENT_TIMES = ["connect_timeout", "keepalive_interval", "keepalive_timeout"]
SERVER_LIMITS = ["idle_timeout", "contended_timeout", "message_timeout", "connection_idle"]
SERVER_TIMES = [*SERVER_LIMITS, "keepalive_interval", "keepalive_timeout", "shutdown_grace"]


def make_client(**options):
    return flight.connect("grpc://localhost:1", **options)


MAKERS = {make_client: (CLIENT_COUNTS, CLIENT_TIMES), EchoServer: (SERVER_COUNTS, SERVER_TIMES)}
MAKERS[flight.FlightCallOptions] = (CALL_COUNTS, ["idle_timeout", "first_byte_timeout"])
NUMBERS = [
    (maker, name, bad)
    for maker, (counts, times) in MAKERS.items()
    for names, values in ((counts, (0, -1, 1 << 64, "1")), (times, (-1, float("nan"), "1")))
    for name in names
    for bad in values
]


@pytest.mark.parametrize("maker, name, bad", NUMBERS)
def test_numbers_are_checked(maker, name, bad):
    """Goal: a number that makes no sense is refused at once. Method: every option, with each bad value."""
    with pytest.raises(TypeError if isinstance(bad, str) else ValueError):
        maker(**{name: bad})


@pytest.mark.parametrize("name", SERVER_LIMITS)
def test_limits_of_a_server_can_be_lifted(name):
    """Goal: no limit is said in words, not by a zero that may be an accident. Method: both."""
    with pytest.raises(ValueError, match="math.inf is no limit"):
        EchoServer(**{name: 0})
    with EchoServer(**{name: math.inf}) as server, flight.connect(server.location) as client:
        client.list_actions()


@pytest.mark.parametrize("maker", MAKERS)
def test_numbers_are_optional(maker):
    """Goal: None is the default of every option. Method: give None to all, then something to all."""
    counts, times = MAKERS[maker]
    for value in (None, 1):
        made = maker(**dict.fromkeys(counts + times, value))
        if maker is EchoServer:
            made.shutdown()


@pytest.mark.parametrize(
    "options",
    [{"depth_max": 0}, {"depth_max": 1025}, {"validation": "none"}, {"unpacked_bytes_max": 0}, {"dictionary_bytes_max": 0}],
)
def test_read_options_are_checked(options):
    with pytest.raises(ValueError):
        flight.IpcReadOptions(**options)


@pytest.mark.parametrize("options", [{"depth_max": 0}, {"compression_threads": 0}])
def test_write_options_are_checked(options):
    with pytest.raises(ValueError):
        flight.IpcWriteOptions(**options)


# ---- tokens ----


class Tokens(flight.ServerMiddlewareFactory):
    """Accepts one token; remembers what came."""

    def __init__(self, accepted):
        self.accepted = accepted
        self.seen = []

    def start_call(self, info, headers):
        self.seen.append(headers.get("authorization", [None])[0])
        if self.seen[-1] != f"Bearer {self.accepted}":
            raise flight.FlightUnauthenticatedError("another token, please")


class Provider:
    """Gives the tokens one after the other, a new one when the last was refused."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)
        self.asked = []

    def __call__(self, refused):
        self.asked.append(refused)
        if refused is not None:
            self.tokens.pop(0)
        return self.tokens[0]


def token_scene(provider, accepted="two"):
    gate = Tokens(accepted)
    server = EchoServer(middleware={"gate": gate})
    server.tables[b"t"] = TABLE
    return gate, server, flight.connect(server.location, token_provider=provider)


CALLS = {
    "get_flight_info": lambda client: client.get_flight_info(COMMAND),
    "get_schema": lambda client: client.get_schema(PATH),
    "list_flights": lambda client: list(client.list_flights()),
    "list_actions": lambda client: client.list_actions(),
    "do_action": lambda client: list(client.do_action("echo")),
    "do_get": lambda client: client.do_get(flight.Ticket("t")).read_all(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_refused_token_is_replaced_once(call):
    """Goal: the caller does not notice that a token expired. Method: a server that wants the second one."""
    provider = Provider("one", b"Bearer two")
    gate, server, client = token_scene(provider)
    with server, client:
        call(client)
        call(client)
    assert gate.seen == ["Bearer one", "Bearer two", "Bearer two"]
    assert provider.asked == [None, "one", None]


def test_a_second_refusal_is_raised():
    """Goal: no endless asking. Method: a server that wants another token still."""
    gate, server, client = token_scene(Provider("one", "two", "three"), accepted="three")
    with server, client, pytest.raises(flight.FlightUnauthenticatedError):
        client.get_flight_info(COMMAND)
    assert gate.seen == ["Bearer one", "Bearer two"]


def test_a_provider_may_give_nothing():
    """Goal: None sends no header. Method: look at the server."""
    gate, server, client = token_scene(lambda refused: None)
    with server, client, pytest.raises(flight.FlightUnauthenticatedError):
        client.get_flight_info(COMMAND)
    assert gate.seen == [None]


def test_a_failing_provider_fails_the_call():
    """Goal: what the provider raises reaches the caller, and nothing is sent. Method: raise."""

    def provider(refused):
        raise flight.FlightUnavailableError("the issuer is down")

    gate, server, client = token_scene(provider)
    with server, client, pytest.raises(flight.FlightUnavailableError, match="the issuer is down"):
        client.get_flight_info(COMMAND)
    assert gate.seen == []


def test_providers_and_tokens_have_types():
    """Goal: misuse says so. Method: a provider that is none, and one that gives no token."""
    with EchoServer() as server:
        with pytest.raises(TypeError, match="callable"):
            flight.connect(server.location, token_provider="token")
        with flight.connect(server.location, token_provider=lambda refused: 1) as client:
            with pytest.raises(TypeError, match="expected bytes"):
                client.get_flight_info(COMMAND)


def test_fetch_uses_the_tokens_elsewhere():
    """Goal: endpoints at other locations get the token too. Method: a flight of one server at another."""
    provider = Provider("two")
    gate, server, client = token_scene(provider)
    with server, client, flight.connect("grpc://localhost:1", token_provider=provider) as other:
        endpoint = flight.FlightEndpoint("t", [server.location])
        info = flight.FlightInfo(TABLE.schema, PATH, [endpoint])
        assert other.fetch(info).read_all().equals(TABLE)
    assert gate.seen == ["Bearer two"]


# ---- limits ----


def put(client, table, options=None):
    writer, _ = client.do_put(PATH, table.schema, options)
    with writer:
        writer.write_table(table)


def failure_of(call):
    with pytest.raises((flight.FlightError, flight.ArrowException)) as caught:
        call()
    return str(caught.value)


def test_a_client_limits_what_it_receives(server):
    """Goal: the limits of a client and of a call both hold. Method: a batch larger than the one, or the other."""
    less = flight.FlightCallOptions(message_bytes_max=1000)
    assert less.message_bytes_max == 1000
    with flight.connect(server.location, message_bytes_max=2000) as client:
        assert "2000" in failure_of(lambda: client.do_get(flight.Ticket("t")).read_all())
    with flight.connect(server.location) as client:
        assert "1000" in failure_of(lambda: client.do_get(flight.Ticket("t"), less).read_all())


def test_keywords_win_over_generic_options(server):
    """Goal: one option given twice is what the keyword says. Method: a limit that fits, and one that does not."""
    generic = [("grpc.max_receive_message_length", 1000)]
    with flight.connect(server.location, generic_options=generic, message_bytes_max=1 << 20) as client:
        assert client.do_get(flight.Ticket("t")).read_all().equals(TABLE)


def test_generic_options_work_alone(certs):
    """Goal: keywords that are not given change none of them. Method: the name to verify, and a user agent."""
    with EchoServer("grpc+tls://localhost:0", tls_certificates=[certs["second"]]) as server:
        generic = [("grpc.ssl_target_name_override", "elsewhere"), ("grpc.primary_user_agent", "mine/2")]
        root = certs["second"][0]
        with flight.connect(server.location, tls_root_certs=root, generic_options=generic) as client:
            (agent,) = client.do_action(("headers", b"user-agent"))
            assert agent.body.to_pybytes().startswith(b"['mine/2 ")


def test_a_call_limits_what_it_sends(server):
    """Goal: too large a batch is refused before it is sent. Method: the limit of a call."""
    options = flight.FlightCallOptions(write_size_limit_bytes=1000)
    assert options.write_size_limit_bytes == 1000
    with flight.connect(server.location) as client:
        writer, _ = client.do_put(PATH, TABLE.schema, options)
        with pytest.raises(flight.FlightWriteSizeExceededError):
            writer.write_table(TABLE)
        writer.write_batch(TABLE.to_batches()[0].slice(0, 10))
        writer.close()
    assert server.tables[b"t"].num_rows == 10


def test_a_call_splits_what_it_sends(server):
    """Goal: large batches go as several. Method: count them at the server."""
    options = flight.FlightCallOptions(split_batch_bytes=20_000)
    with flight.connect(server.location) as client:
        put(client, TABLE, options)
    batches = server.tables[b"t"].to_batches()
    assert len(batches) > 5
    assert server.tables[b"t"].equals(TABLE)


def test_names_of_client_and_authority(server):
    """Goal: both are sent. Method: have the server say what it got."""
    with flight.connect(server.location, user_agent="mine/1", authority="there") as client:
        (agent,) = client.do_action(("headers", b"user-agent"))
        assert agent.body.to_pybytes().startswith(b"['mine/1 ")
        (authority,) = client.do_action(("headers", b":authority"))
        assert b"there" in authority.body.to_pybytes() or authority.body.to_pybytes() == b"None"


ROUND_ROBIN = [{"balance": "round_robin"}, {"generic_options": [("grpc.lb_policy_name", "round_robin")]}]


@pytest.fixture
def two_families():
    """Two servers that are the addresses of localhost."""
    with EchoServer("grpc://[::1]:0") as one, EchoServer(f"grpc://127.0.0.1:{one.port}") as two:
        for server in (one, two):
            server.seen = 0
            server.get_flight_info = counting(server)
        yield one, two


def counting(server):
    answer = server.get_flight_info

    def count(context, descriptor):
        server.seen += 1
        return answer(context, descriptor)

    return count


@pytest.mark.parametrize("options", ROUND_ROBIN, ids=str)
def test_calls_take_turns_between_addresses(two_families, options):
    """Goal: all addresses of a name are used, if that is asked for, but not by calls that are sticky. Method: localhost
    is two addresses; the servers count."""
    one, two = two_families
    with flight.connect(f"grpc://localhost:{one.port}", **options) as client:
        for _ in range(20):
            client.get_flight_info(COMMAND)
        assert (one.seen, two.seen) == (10, 10)
        for _ in range(20):
            client.get_flight_info(COMMAND, flight.FlightCallOptions(is_sticky=True))
        assert sorted((one.seen, two.seen)) == [10, 30]


def test_calls_of_a_loop_take_turns(two_families):
    """The same for asyncio."""
    one, two = two_families

    async def ask():
        with flight.connect(f"grpc://localhost:{one.port}", balance="round_robin") as client:
            for _ in range(20):
                await client.as_async().get_flight_info(COMMAND)

    asyncio.run(ask())
    assert (one.seen, two.seen) == (10, 10)


def test_without_the_option_there_is_one_connection(two_families):
    one, two = two_families
    for options in ({}, {"balance": "sticky"}, {"generic_options": [("grpc.lb_policy_name", "pick_first")]}):
        with flight.connect(f"grpc://localhost:{one.port}", **options) as client:
            for _ in range(4):
                client.get_flight_info(COMMAND)
    assert (one.seen, two.seen) == (12, 0)
    with pytest.raises(ValueError, match="`balance` is"):
        flight.connect("grpc://localhost:1", balance="random")
    assert not flight.FlightCallOptions().is_sticky


def test_a_server_limits_connections():
    """Goal: a connection too many is closed. Method: two clients of a server for one."""
    with EchoServer(connections_max=1) as server, flight.connect(server.location) as first:
        first.list_actions()
        with flight.connect(server.location, connect_timeout=5) as second:
            with pytest.raises(flight.FlightUnavailableError):
                second.list_actions()
        first.list_actions()


def test_a_server_limits_the_connections_of_an_address():
    """Goal: a connection too many of an address is closed, while others come. Method: clients of 127.0.0.1 and ::1."""
    with EchoServer("grpc://localhost:0", connections_per_address_max=1) as server:
        places = [f"grpc://{host}:{server.port}" for host in ("127.0.0.1", "[::1]")]
        with flight.connect(places[0]) as first, flight.connect(places[0], connect_timeout=5) as second:
            first.list_actions()
            with pytest.raises(flight.FlightUnavailableError):
                second.list_actions()
            with flight.connect(places[1]) as third:
                third.list_actions()
            first.list_actions()


def test_a_server_limits_its_queue():
    """Goal: with all methods at work and the queue full, calls are refused. Method: one of each, then a third."""
    with EchoServer(handlers_max=1, queue_max=1) as server, flight.connect(server.location) as client:
        started = threading.Event()
        outcomes = []

        def stall():
            results = client.do_action("forever")
            next(results)
            started.set()
            server.release.wait(WAIT_S)
            results.close()

        running = threading.Thread(target=stall)
        running.start()
        assert started.wait(WAIT_S)
        refused = threading.Event()

        def call():
            try:
                outcomes.append(client.list_actions())
            except flight.FlightUnavailableError:
                refused.set()

        # Two calls: one waits for the method to end, the other finds the queue full.
        calls = [threading.Thread(target=call) for _ in range(2)]
        for thread in calls:
            thread.start()
        assert refused.wait(WAIT_S)
        server.release.set()
        for thread in (running, *calls):
            thread.join(WAIT_S)
        assert len(outcomes) == 1


@pytest.mark.parametrize("options, call", [
    ({"message_bytes_max": 1000}, lambda client: put(client, TABLE)),
    (
        {"metadata_bytes_max": 1000},
        lambda client: client.get_flight_info(
            COMMAND, flight.FlightCallOptions(headers=[(b"x", b"y" * 2000)])
        ),
    ),
])  # fmt: skip
def test_a_server_limits_what_it_receives(options, call):
    """Goal: messages and headers have limits. Method: one that is larger."""
    with EchoServer(**options) as server, flight.connect(server.location) as client:
        client.list_actions()
        failure_of(lambda: call(client))
        client.list_actions()


def test_a_server_does_not_wait_for_ever():
    """Goal: a client that says nothing loses its call. Method: an exchange without a word."""
    with EchoServer(idle_timeout=0.2) as server, flight.connect(server.location) as client:
        _, reader = client.do_exchange(COMMAND)
        failure_of(reader.read_chunk)


def test_keepalive_works_at_both_ends():
    """Goal: pings disturb no call. Method: a call with hundreds of them each way."""
    often = {"keepalive_interval": 0.001, "keepalive_timeout": 10}
    with EchoServer(**often) as server:
        with flight.connect(
            server.location, keepalive_is_agreed=True, keepalive_without_calls=True, **often
        ) as client:
            writer, reader = client.do_exchange(COMMAND)
            for _ in range(300):
                writer.write_metadata(b"x")
                assert reader.read_chunk().app_metadata.to_pybytes() == b"x"
            writer.close()


@pytest.mark.parametrize("is_in_constructor", [True, False])
def test_a_shutdown_has_a_grace(is_in_constructor):
    """Goal: a call that does not end is cancelled when its time is up. Method: one that only ends when cancelled."""
    options = {"shutdown_grace": 0.1} if is_in_constructor else {}
    with EchoServer(**options) as server, flight.connect(server.location) as client:
        results = client.do_action("forever")
        next(results)
        server.shutdown(*([] if is_in_constructor else [0.1]))
        failure_of(lambda: list(results))


# ---- IPC options ----


def test_levels_of_validation():
    """Goal: "full" looks at text, "safe" and "bounds" do not. Method: a server that sends bytes that are no UTF-8."""
    buffers = [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    text = pa.Array.from_buffers(pa.string(), 1, buffers)
    with EchoServer() as server, flight.connect(server.location) as client:
        server.tables[b"t"] = pa.Table.from_batches([pa.record_batch({"a": text})])
        for level in ("full", "safe", "bounds"):
            options = flight.FlightCallOptions(read_options=flight.IpcReadOptions(validation=level))
            assert options.read_options is not None
            reader = client.do_get(flight.Ticket("t"), options)
            if level == "full":
                assert "UTF-8" in failure_of(reader.read_all)
            else:
                assert reader.read_all().num_rows == 1


def test_depth_has_a_limit(server):
    """Goal: types nested too deep are refused, reading and writing. Method: two levels, and one allowed."""
    nested = pa.table({"a": [[[1]]]})
    server.tables[b"t"] = nested
    reading = flight.FlightCallOptions(read_options=flight.IpcReadOptions(depth_max=1))
    writing = flight.FlightCallOptions(write_options=flight.IpcWriteOptions(depth_max=1))
    with flight.connect(server.location) as client:
        failure_of(lambda: client.do_get(flight.Ticket("t"), reading).read_all())
        failure_of(lambda: put(client, nested, writing))
        assert client.do_get(flight.Ticket("t")).read_all().equals(nested)


def test_unpacked_data_has_a_limit():
    """Goal: what compressed data and dictionaries may become is an option of reading.
    Method: a MB of zeros, and a dictionary of as much, under limits on either side."""
    zeros = pa.table({"a": [0] * 125_000})
    words = pa.table({"a": pa.array(["x" * 1_000_000]).dictionary_encode()})
    with EchoServer(write_options=flight.IpcWriteOptions(compression="zstd")) as server:
        server.tables.update({b"zeros": zeros, b"words": words})
        with flight.connect(server.location) as client:
            for limit, ticket, enough in (
                ("unpacked_bytes_max", "zeros", 1_000_000),
                ("unpacked_bytes_max", "words", 1_000_100),
                ("dictionary_bytes_max", "words", 1_100_000),
            ):
                for size in (enough, 900_000):
                    reading = flight.IpcReadOptions(**{limit: size})
                    options = flight.FlightCallOptions(read_options=reading)
                    read = client.do_get(flight.Ticket(ticket), options).read_all
                    if size == enough:
                        assert read().num_rows == (125_000 if ticket == "zeros" else 1)
                    else:
                        assert limit in failure_of(read)


def test_a_server_has_ipc_options():
    """Goal: the server writes and reads as it is told. Method: compression gets a batch through a limit of the client;
    one column of two arrives."""
    options = {
        "write_options": flight.IpcWriteOptions(compression="zstd", compression_threads=2),
        "read_options": flight.IpcReadOptions(included_fields=[1]),
    }
    zeros = pa.table({"a": [0] * 100_000, "b": [0] * 100_000})
    with EchoServer(**options) as server:
        del options
        with flight.connect(server.location, message_bytes_max=20_000) as client:
            put(client, zeros)
            assert server.tables[b"t"].column_names == ["b"]
            assert client.do_get(flight.Ticket("t")).read_all().equals(zeros.select(["b"]))


# ---- certificates ----


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    """A pair of (certificate, key) by name, each its own root."""
    folder = tmp_path_factory.mktemp("certs")
    pairs = {}
    for name, extension in {
        "first": "subjectAltName=DNS:localhost",
        "second": "subjectAltName=DNS:elsewhere",
        "common": "basicConstraints=CA:TRUE",
        "client": "subjectAltName=DNS:me,URI:spiffe://me",
    }.items():
        key, cert = folder / f"{name}.key", folder / f"{name}.pem"
        subject = "/CN=localhost" if name == "common" else f"/CN={name}"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 30, "-subj", subject, "-addext", extension,
                "-keyout", key, "-out", cert)  # fmt: skip
        pairs[name] = (cert.read_bytes(), key.read_bytes())
    return pairs


class Naming(EchoServer):
    def do_action(self, context, action):
        return [context.tls_subject().encode(), *(name.encode() for name in context.tls_names())]


def names_seen(server, certs, **options):
    root = certs["first"][0]
    with flight.connect(server.location, tls_root_certs=root, **options) as client:
        return [result.body.to_pybytes().decode() for result in client.do_action("names")]


def test_client_certificates_may_be_optional(certs):
    """Goal: with "optional" a client may have a certificate, but not a wrong one. Method: none, right, wrong."""
    with Naming(
        "grpc+tls://localhost:0",
        tls_certificates=[certs["first"]],
        verify_client="optional",
        root_certificates=certs["client"][0],
    ) as server:
        assert names_seen(server, certs) == [""]
        cert, key = certs["client"]
        subject, *names = names_seen(server, certs, cert_chain=cert, private_key=key)
        assert "client" in subject
        assert sorted(names) == ["DNS:me", "URI:spiffe://me"]
        cert, key = certs["second"]
        with pytest.raises(flight.FlightUnavailableError):
            names_seen(server, certs, cert_chain=cert, private_key=key)


def test_certificates_can_be_replaced(certs):
    """Goal: new connections see new certificates; broken ones change nothing. Method: replace, and connect."""
    with Naming("grpc+tls://localhost:0", tls_certificates=[certs["first"]]) as server:
        names_seen(server, certs)
        server.reload_tls([certs["second"]])
        with pytest.raises(flight.FlightUnavailableError):
            names_seen(server, certs)
        with pytest.raises(flight.ArrowInvalid):
            server.reload_tls([(b"no", b"certificate")])
        with flight.connect(
            server.location, tls_root_certs=certs["second"][0], override_hostname="elsewhere"
        ) as client:
            client.list_actions()


def revocation_list(folder, pair, revoked):
    """What `pair` says about certificates that it signed, as PEM."""
    (folder / "cert").write_bytes(pair[0])
    (folder / "key").write_bytes(pair[1])
    serial = subprocess.run(["openssl", "x509", "-in", folder / "cert", "-noout", "-serial"], check=True,
                            capture_output=True, text=True).stdout.strip().split("=")[1]  # fmt: skip
    (folder / "index").write_text(f"R\t401231235959Z\t250101000000Z\t{serial}\tunknown\t/CN=localhost\n" if revoked else "")
    (folder / "config").write_text(f"[ca]\ndefault_ca=here\n[here]\ndatabase={folder}/index\ndefault_md=sha256\n")
    openssl("ca", "-gencrl", "-config", folder / "config", "-keyfile", folder / "key", "-cert", folder / "cert",
            "-crldays", 1, "-out", folder / "list")  # fmt: skip
    return (folder / "list").read_bytes()


def test_revoked_certificates_are_refused(certs, tmp_path):
    """Goal: both sides refuse who is revoked, a server also after a reload. Method: lists with and without a name."""
    cert, key = pair = certs["common"]
    harmless, revoking = (revocation_list(tmp_path, pair, revoked) for revoked in (False, True))
    with Naming("grpc+tls://localhost:0", tls_certificates=[pair]) as server:
        def call(**options):
            with flight.connect(server.location, tls_root_certs=cert, **options) as client:
                return list(client.do_action("names"))

        assert call(tls_revocation_lists=harmless)
        with pytest.raises(flight.FlightUnavailableError, match="certificate revoked"):
            call(tls_revocation_lists=revoking)
        asking = {"verify_client": True, "root_certificates": cert}
        server.reload_tls([pair], **asking, tls_revocation_lists=harmless)
        assert call(cert_chain=cert, private_key=key)
        server.reload_tls([pair], **asking, tls_revocation_lists=revoking)
        with pytest.raises(flight.FlightUnavailableError, match="certificate revoked"):
            call(cert_chain=cert, private_key=key)


def test_a_server_takes_other_authorities_while_it_serves(certs):
    """Goal: whose certificates of clients count changes without a restart; connections that exist go on. Method: a
    client of one authority before, and of another after."""
    def call(name):
        cert, key = certs[name]
        return names_seen(server, certs, cert_chain=cert, private_key=key)

    with Naming("grpc+tls://localhost:0", tls_certificates=[certs["first"]], verify_client=True,
                root_certificates=certs["client"][0]) as server:  # fmt: skip
        cert, key = certs["client"]
        with flight.connect(server.location, tls_root_certs=certs["first"][0], cert_chain=cert, private_key=key) as old:
            assert list(old.do_action("names")) and "client" in call("client")[0]
            server.reload_tls([certs["first"]], verify_client=True, root_certificates=certs["second"][0])
            assert call("second") and list(old.do_action("names"))
            with pytest.raises(flight.FlightUnavailableError):
                call("client")


def test_a_client_reloads_what_it_trusts(certs, tmp_path):
    """Goal: a client that runs learns of revoked certificates and of other roots; what is not given stays. Method: a
    server that goes away and comes back, so that there are new connections."""
    cert, key = pair = certs["common"]
    revoking = revocation_list(tmp_path, pair, True)

    def ask():
        return list(client.do_action("names"))

    with Naming("grpc+tls://localhost:0", tls_certificates=[pair]) as server:
        location = server.location
        client = flight.connect(location, tls_root_certs=cert)
        assert ask()
        with pytest.raises(flight.ArrowInvalid):
            client.reload_tls(tls_revocation_lists=b"-----BEGIN X509 CRL-----")
        client.reload_tls(tls_revocation_lists=revoking)
        assert ask()  # on the connection that exists
    with Naming(location, tls_certificates=[pair]):
        with pytest.raises(flight.FlightUnavailableError, match="certificate revoked"):
            ask()
        client.reload_tls(tls_revocation_lists=None)
        assert ask()
    with Naming(location, tls_certificates=[certs["first"]]):
        with pytest.raises(flight.FlightUnavailableError, match="not valid"):
            ask()
        client.reload_tls(tls_root_certs=certs["first"][0])
        assert ask()
        with pytest.raises(TypeError, match="connect_timeout"):
            client.reload_tls(connect_timeout=3)
        client.close()
    with Naming("grpc://localhost:0") as server, flight.connect(server.location) as client:
        with pytest.raises(flight.ArrowInvalid, match="TLS"):
            client.reload_tls(tls_root_certs=cert)


def test_versions_and_ciphers_are_chosen(certs):
    """Goal: what both sides have in common is used, and wrong names are errors. Method: ciphers that differ."""
    suite = "TLS_CHACHA20_POLY1305_SHA256"
    with Naming("grpc+tls://localhost:0", tls_certificates=[certs["first"]], tls_min_version="1.3",
                tls13_ciphers=suite) as server:  # fmt: skip
        assert names_seen(server, certs, tls_min_version="1.3", tls13_ciphers=suite) == [""]
        with pytest.raises(flight.FlightUnavailableError, match="no cipher or other parameter in common"):
            names_seen(server, certs, tls13_ciphers="TLS_AES_128_GCM_SHA256")
        for options, error in (
            ({"tls12_ciphers": "RC4-MD5"}, "'RC4-MD5' is none of the ciphers"),
            ({"tls13_ciphers": ""}, "'' is none of the ciphers"),
            ({"tls_min_version": "1.1"}, 'must be "1.2", "1.3" or None'),
        ):
            with pytest.raises(ValueError, match=error):
                names_seen(server, certs, **options)
            with pytest.raises(ValueError, match=error):
                Naming("grpc+tls://localhost:0", tls_certificates=[certs["first"]], **options)


def test_common_names_can_be_refused(certs):
    """Goal: a certificate without alternative names is accepted only if one likes. Method: with, and without."""
    with Naming("grpc+tls://localhost:0", tls_certificates=[certs["common"]]) as server:
        for allowed in (True, False):
            client = flight.connect(
                server.location, tls_root_certs=certs["common"][0], allow_common_name=allowed
            )
            with client:
                if allowed:
                    client.list_actions()
                else:
                    with pytest.raises(flight.FlightUnavailableError):
                        client.list_actions()


# ---- versions ----


def test_the_module_prints_its_version():
    """Goal: bug reports can say what is used. What is in a wheel is looked at by tools/wheel."""
    done = subprocess.run([sys.executable, "-m", "cflight", "--versions"], check=True, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["cflight", flight.__version__]
    assert dict(lines).items() >= flight.versions().items()
    assert flight.versions().keys() >= {"OpenSSL", "nghttp2", "protobuf-c", "lz4", "zstd", "zlib"}
    assert all(re.match(r"\d+\.\d", version) for version in flight.versions().values())
