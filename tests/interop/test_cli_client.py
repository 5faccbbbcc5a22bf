# SPDX-License-Identifier: Apache-2.0
"""The client commands of `cflight` against pyarrow's server, and against servers that fail."""

import base64
import contextlib
import fcntl
import io
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import unicodedata

import pyarrow as pa
import pyarrow.csv
import pyarrow.flight as fl
import pytest

from cflight_command import environment
import scripted_peer
from scripted_peer import ScriptedPeer

TABLE = pa.table({
    "number": pa.array([1, None, 3], pa.int64()),
    "text": ["plain", 'with "quotes", and commas', None],
    "part": [0.5, None, float("nan")],
})
LONG = pa.table({"n": pa.array(range(100_000), pa.int64())})


class Peer(fl.FlightServerBase):
    """Flights held in memory; what the tests need to happen, by the name of a flight."""

    def __init__(self, location="grpc://localhost:0", **options):
        super().__init__(location, **options)
        self.tables = {"table": TABLE, "long": LONG, "empty": TABLE.slice(0, 0)}
        self.headers = []
        self.fetched = []
        self.released = threading.Event()

    def info(self, name, endpoints=None, schema=None):
        table = self.tables.get(name, TABLE)
        return fl.FlightInfo(schema or table.schema, fl.FlightDescriptor.for_path(name),
                             endpoints if endpoints is not None else [fl.FlightEndpoint(name, [])],
                             table.num_rows, table.nbytes)

    def list_flights(self, context, criteria):
        for name in self.tables:
            if name.startswith(criteria.decode()):
                yield self.info(name)

    def get_flight_info(self, context, descriptor):
        if descriptor.command is not None:
            return self.info("table")
        name = b"/".join(descriptor.path).decode()
        if name == "denied":
            raise fl.FlightUnauthorizedError("not for you")
        if name == "unknown":
            raise fl.FlightUnauthenticatedError("who are you")
        if name == "hang":
            self.released.wait(30)
        if name in ("breaks", "late-breaks", "slow"):
            return self.info(name)
        if name.startswith("replicas:"):
            locations = name.split(":", 1)[1].split("|")
            return self.info("table", [fl.FlightEndpoint("table", locations)])
        if name == "parts":
            return self.info("table", [fl.FlightEndpoint("table", []),
                                       fl.FlightEndpoint("table", ["arrow-flight-reuse-connection://?"])])
        if name == "mixed":
            return self.info("table", [fl.FlightEndpoint("table", []), fl.FlightEndpoint("long", [])])
        if name == "no-endpoints":
            return self.info("table", [])
        if name == "two/elements" and len(descriptor.path) == 2:
            return self.info("table", [fl.FlightEndpoint("table", [])])
        if name not in self.tables:
            raise KeyError(name)
        return self.info(name)

    def get_schema(self, context, descriptor):
        return fl.SchemaResult(self.get_flight_info(context, descriptor).schema)

    def do_get(self, context, ticket):
        name = ticket.ticket.decode()
        self.fetched.append(name)
        if name in ("breaks", "late-breaks", "slow"):
            return fl.GeneratorStream(TABLE.schema, self.broken(name))
        return fl.RecordBatchStream(self.tables[name])

    def broken(self, name):
        if name != "breaks":
            yield TABLE
            yield TABLE
        if name == "slow":
            self.released.wait(30)
        raise fl.FlightInternalError("it broke")

    def do_put(self, context, descriptor, reader, writer):
        name = descriptor.path[0].decode()
        if name == "refused":
            raise fl.FlightServerError("no room")
        batches = []
        for chunk in reader:
            batches.append(chunk.data)
            writer.write(b"batch %d" % len(batches))
            if name == "stops":
                raise fl.FlightServerError("that is enough")
        if name == "late":
            raise fl.FlightServerError("refused at the end")
        self.tables[name] = pa.Table.from_batches(batches, reader.schema)

    def list_actions(self, context):
        return [("echo", "gives the body back"), ("fail", "fails")]

    def do_action(self, context, action):
        if action.type == "echo":
            return [fl.Result(action.body), fl.Result(b"second")]
        raise fl.FlightServerError("it failed")


@contextlib.contextmanager
def peer_running(*arguments, **options):
    with Peer(*arguments, **options) as server:
        scheme = "grpc+tls" if options.get("tls_certificates") else "grpc"
        server.location = f"{scheme}://localhost:{server.port}"
        yield server
        server.released.set()


@pytest.fixture
def peer():
    with peer_running() as server:
        yield server


def read_arrow(path):
    with pa.OSFile(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def same(a, b):
    return a.schema.equals(b.schema) and repr(a.to_pylist()) == repr(b.to_pylist())


# Looking


def test_list_prints_a_line_per_flight(cflight, peer):
    done = cflight.run("list", peer.location, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["table", "long", "empty"]
    assert [row[1] for row in rows] == ["3", "100000", "0"]
    assert done.stderr == ""
    assert cflight.run("list", peer.location, "lo", check=True).stdout.startswith("long\t100000\t")


def test_names_in_lists_cannot_drive_a_terminal(cflight, peer):
    peer.tables = {"a\tb\x1b[31m\n": TABLE}
    line = cflight.run("list", peer.location, check=True).stdout
    assert line.startswith("a\\tb\\x1b[31m\\n\t3\t")


def test_info_and_schema(cflight, peer):
    done = cflight.run("info", peer.location, "table", check=True)
    assert "rows:      3\n" in done.stdout
    assert "endpoints: 1\n  1: ticket table at this server\n" in done.stdout
    assert "  number: int64\n  text: string\n  part: double\n" in done.stdout
    done = cflight.run("schema", peer.location, "table", check=True)
    assert done.stdout == "number: int64\ntext: string\npart: double\n"


def test_names_can_be_split_or_be_commands(cflight, peer):
    assert cflight.run("schema", peer.location, "two/elements").returncode != 0
    cflight.run("schema", peer.location, "two/elements", "--split", check=True)
    cflight.run("schema", peer.location, "select 1", "--cmd", check=True)


def test_ping_and_actions(cflight, peer):
    assert peer.location in cflight.run("ping", peer.location, check=True).stdout
    done = cflight.run("actions", peer.location, check=True)
    assert done.stdout == "echo\tgives the body back\nfail\tfails\n"
    done = cflight.run("action", peer.location, "echo", "hello", check=True)
    assert done.stdout == "hello\nsecond\n"
    done = cflight.run("action", peer.location, "echo", "-", input="from stdin", check=True)
    assert done.stdout == "from stdin\nsecond\n"
    done = cflight.run("action", peer.location, "fail")
    assert done.returncode == 1 and "it failed" in done.stderr


# Fetching


@pytest.mark.parametrize("name", ["table", "long", "empty", "no-endpoints"])
def test_get_writes_what_is_served(cflight, peer, tmp_path, name):
    expected = peer.tables.get(name, TABLE.slice(0, 0))
    for ending, read in ((".arrow", read_arrow), (".feather", read_arrow),
                         (".arrows", lambda path: pa.ipc.open_stream(path.read_bytes()).read_all())):
        path = tmp_path / ("x" + ending)
        cflight.run("get", peer.location, name, "-o", path, check=True)
        assert same(read(path), expected)
    cflight.run("get", peer.location, name, "-o", tmp_path / "x.jsonl", check=True)
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert repr(rows) == repr(expected.to_pylist()).replace("nan", "'NaN'")
    cflight.run("get", peer.location, name, "-o", tmp_path / "x.csv", check=True)
    convert = pa.csv.ConvertOptions(column_types=expected.schema, strings_can_be_null=True,
                                    quoted_strings_can_be_null=False, null_values=[""])
    parsed = pa.csv.read_csv(io.BytesIO((tmp_path / "x.csv").read_bytes()), convert_options=convert)
    assert same(parsed, expected)


@pytest.mark.parametrize("column, read", [
    (pa.array([None, 1, None, None], pa.int64()), [None, 1, None, None]),
    (pa.array([0.5, None], pa.float64()), [0.5, None]),
    (pa.array(["x", None, "", "y"]), ["x", "", "", "y"]),
])
def test_a_null_alone_in_its_row_is_a_row_in_csv(cflight, peer, column, read):
    """Empty lines are no rows for readers. Text alone cannot tell a null from the empty text."""
    peer.tables["lonely"] = pa.table({"n": column})
    done = cflight.run("get", peer.location, "lonely", "-o", "-", "--format", "csv", text=False, check=True)
    del peer.tables["lonely"]
    convert = pa.csv.ConvertOptions(column_types={"n": column.type})
    parsed = pa.csv.read_csv(io.BytesIO(done.stdout), convert_options=convert)
    assert parsed.column("n").to_pylist() == read


def test_get_to_a_pipe_is_a_stream(cflight, peer):
    done = cflight.run("get", peer.location, "long", "-o", "-", text=False, check=True)
    assert pa.ipc.open_stream(done.stdout).read_all().equals(LONG)


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_get_compresses(cflight, peer, tmp_path, codec):
    cflight.run("get", peer.location, "long", "-o", tmp_path / "x.arrow", "--compression", codec, check=True)
    assert read_arrow(tmp_path / "x.arrow").equals(LONG)
    assert (tmp_path / "x.arrow").stat().st_size < LONG.nbytes * 0.7


def test_the_table_shows_the_first_rows(cflight, peer):
    done = cflight.run("get", peer.location, "table", check=True)
    assert done.stdout.splitlines() == [
        "number  text                         part",
        " int64  string                     double",
        "------  -------------------------  ------",
        "     1  plain                         0.5",
        "<null>  with \"quotes\", and commas  <null>",
        "     3  <null>                        NaN",
    ]
    done = cflight.run("get", peer.location, "long", check=True)
    assert len(done.stdout.splitlines()) == 13
    assert done.stderr == "cflight: the first 10 of 100000 rows\n"
    done = cflight.run("get", peer.location, "long", "--rows", "2", "-q", check=True)
    assert len(done.stdout.splitlines()) == 5
    assert done.stderr == ""


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4])
def test_rows_limit_every_format(cflight, peer, tmp_path, rows):
    cflight.run("get", peer.location, "table", "-n", rows, "-o", tmp_path / "x.arrow", check=True)
    assert same(read_arrow(tmp_path / "x.arrow"), TABLE.slice(0, rows))


def test_all_endpoints_are_fetched_in_order(cflight, peer, tmp_path):
    cflight.run("get", peer.location, "parts", "-o", tmp_path / "x.arrow", check=True)
    assert same(read_arrow(tmp_path / "x.arrow"), pa.concat_tables([TABLE, TABLE]))


def test_endpoints_of_different_schemas_are_refused(cflight, peer, tmp_path):
    done = cflight.run("get", peer.location, "mixed", "-o", tmp_path / "x.arrow")
    assert done.returncode == 1 and "same schema" in done.stderr
    assert os.listdir(tmp_path) == []


def unused_location():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return f"grpc://localhost:{probe.getsockname()[1]}"


def test_the_next_replica_is_tried(cflight, peer, tmp_path):
    with peer_running() as other:
        name = f"replicas:{unused_location()}|s3://bucket|{other.location}"
        done = cflight.run("get", peer.location, name, "-o", tmp_path / "x.arrow", check=True)
        assert other.fetched == ["table"] and peer.fetched == []
    assert done.stderr.count("trying the next location") == 2
    assert same(read_arrow(tmp_path / "x.arrow"), TABLE)


def test_without_a_replica_the_last_failure_counts(cflight, peer, tmp_path):
    done = cflight.run("get", peer.location, f"replicas:{unused_location()}", "-o", tmp_path / "x.arrow")
    assert done.returncode == 3
    assert os.listdir(tmp_path) == []


def test_a_ticket_needs_no_flight(cflight, peer):
    done = cflight.run("get", peer.location, "--ticket", "table", "-o", "-", "--format", "csv", check=True)
    assert done.stdout.splitlines()[1] == "1,plain,0.5"


# Failures


@pytest.mark.parametrize("name, code, message", [
    ("nothing", 4, "nothing"),
    ("denied", 6, "not for you"),
    ("unknown", 6, "who are you"),
    ("breaks", 1, "it broke"),
    ("late-breaks", 1, "received before the failure: 2 batches, 6 rows"),
])
def test_failures_have_their_exit_codes(cflight, peer, tmp_path, name, code, message):
    done = cflight.run("get", peer.location, name, "-o", tmp_path / "x.arrow")
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stdout == ""
    assert os.listdir(tmp_path) == []


def test_quiet_leaves_only_the_failure(cflight, peer, upload_file):
    for arguments in (("get", peer.location, "late-breaks", "-o", "-", "--format", "csv"),
                      ("put", peer.location, "late", upload_file)):
        assert "before the failure" in cflight.run(*arguments).stderr
        done = cflight.run(*arguments, "-q")
        assert done.returncode == 1
        assert "before the failure" not in done.stderr and done.stderr.count("\n") == 1


def test_bundled_letters(cflight, peer):
    done = cflight.run("get", peer.location, "long", "-qn2", "-o", "-", "--format", "csv", check=True)
    assert done.stdout == "n\n0\n1\n" and done.stderr == ""


def test_an_existing_file_survives_a_failure(cflight, peer, tmp_path):
    (tmp_path / "x.csv").write_text("old")
    assert cflight.run("get", peer.location, "late-breaks", "-o", tmp_path / "x.csv").returncode == 1
    assert (tmp_path / "x.csv").read_text() == "old"
    cflight.run("get", peer.location, "table", "-o", tmp_path / "x.csv", check=True)
    assert (tmp_path / "x.csv").read_text().startswith("number,")


@pytest.mark.parametrize("option", ["--timeout", "--idle-timeout"])
@pytest.mark.parametrize("name", ["hang", "slow"])
def test_time_limits_end_a_call(cflight, peer, tmp_path, option, name):
    done = cflight.run("get", peer.location, name, option, "0.3", "-o", tmp_path / "x.arrow")
    assert done.returncode == 5, done.stderr
    assert "DEADLINE_EXCEEDED" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_an_existing_file_keeps_its_mode(cflight, peer, tmp_path, mode):
    """What was for its owner only is so after it was replaced, also through a link."""
    target = tmp_path / "out.csv"
    target.write_text("former")
    target.chmod(mode)
    (tmp_path / "link.csv").symlink_to("out.csv")
    for name in ("out.csv", "link.csv"):
        cflight.run("get", peer.location, "table", "-o", tmp_path / name, check=True)
        assert target.read_text() != "former"
        assert target.stat().st_mode & 0o777 == mode
    assert (tmp_path / "link.csv").is_symlink()


def test_a_get_sweeps_what_a_killed_one_has_left(cflight, peer, tmp_path):
    """Of the same file only."""
    for name in (".out.csv.cflight-4711-0", ".other.csv.cflight-4711-0"):
        (tmp_path / name).write_text("x")
    cflight.run("get", peer.location, "table", "-o", tmp_path / "out.csv", check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.csv.cflight-4711-0", "out.csv"]


def test_no_server_is_unavailable(cflight, tmp_path):
    done = cflight.run("list", unused_location())
    assert done.returncode == 3 and "UNAVAILABLE" in done.stderr


@pytest.mark.parametrize("scheme", ["grpc", "grpc+tls"])
def test_a_silent_server_meets_the_connect_timeout(cflight, scheme):
    """Nothing answers the handshake of TLS, or the preface of HTTP/2."""
    with socket.create_server(("localhost", 0)) as silent:
        port = silent.getsockname()[1]
        done = cflight.run("list", f"{scheme}://localhost:{port}", "--connect-timeout", "0.3")
        assert done.returncode in (3, 5) and "the connect timeout passed" in done.stderr, done.stderr


def refuse(listener, requests):
    """A proxy that refuses everybody; the end of the listener ends it."""
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listener.accept()
            with peer:
                requests.append(peer.recv(4096).split(b"\r\n")[0])
                peer.sendall(b"HTTP/1.1 403 Not you\r\n\r\n")


def test_proxies_are_used_as_option_and_variables_say(cflight, peer):
    """A proxy that refuses, by an option and by a variable; and the ways past it."""
    requests = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener, requests))
        thread.start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            done = cflight.run("list", "grpc://flight.invalid", "--proxy", proxy)
            assert done.returncode == 3 and '"HTTP/1.1 403 Not you"' in done.stderr, done.stderr
            done = cflight.run("list", "grpc://flight.invalid", env={"https_proxy": proxy})
            assert done.returncode == 3 and f"the proxy {proxy[7:]}" in done.stderr, done.stderr
            cflight.run("list", f"grpc://localhost:{peer.port}", env={"https_proxy": proxy, "no_proxy": "127.0.0.1,localhost"},
                        check=True)
            cflight.run("list", f"grpc://localhost:{peer.port}", "--proxy", "", env={"https_proxy": proxy}, check=True)
            done = cflight.run("list", f"grpc://localhost:{peer.port}", "--proxy", "socks5://x:1")
            assert done.returncode != 0 and "http://HOST:PORT is expected" in done.stderr, done.stderr
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
    assert requests == [b"CONNECT flight.invalid:443 HTTP/1.1"] * 2


@pytest.mark.parametrize("arguments", [
    (), ("fly",), ("get",), ("get", "x"), ("get", "x", "y", "--ticket", "z"), ("list", "x", "--nonsense"),
    ("get", "x", "y", "-o", "file.parquet"), ("get", "x", "y", "--rows", "many"),
    ("put", "x", "y"), ("serve", ".", "--tls-cert", "x"), ("serve", ".", "--overwrite"),
    ("serve", ".", "--listen", "http://localhost:0"), ("serve", ".", "--listen", "grpc+unix://a/b"),
    ("serve", ".", "--listen", "grpc+tls://localhost:0"), ("serve", ".", "--listen", "grpc://localhost:99999"),
    ("help", "fly"), ("--nonsense",), ("-q", "list", "x"),
])
def test_usage_errors_are_2(cflight, arguments):
    done = cflight.run(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and done.stderr.startswith("cflight: ")


@pytest.mark.parametrize("location, expected", [
    ("http://localhost:1", "'http'; expected is grpc, grpc+tcp, grpc+tls or grpc+unix"),
    ("grcp://localhost:1", "'grcp'"),
    ("localhost", "has no port"), ("grpc+unix:///tmp/a?b", "%3F"), ("grpc+unix:///tmp/a#b", "%23"),
    ("grpc://:1", "has no host"), ("", "has no host"),
    ("grpc://localhost:1/table", "NAME is an argument of its own"),
    ("localhost:1?a=b", "NAME is an argument of its own"),
    ("grpc+unix://relative/path", "grpc+unix:///PATH"),
])
def test_a_location_that_cannot_be_meant_is_refused(cflight, location, expected):
    done = cflight.run("list", location)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr


@pytest.mark.parametrize("location", ["grpc://127.0.0.1", "grpc+tcp://127.0.0.1/", "grpc+tls://127.0.0.1"])
def test_a_location_without_a_port_means_443(cflight, location):
    done = cflight.run("list", location)
    assert done.returncode != 2 and "127.0.0.1:443" in done.stderr


def field(number, data):
    return bytes([number << 3 | 2, len(data)]) + data


def info_with_location(uri):
    """A FlightInfo with one endpoint, as no other implementation would send it."""
    return field(3, field(1, field(1, b"t")) + field(2, field(1, uri)))


def test_an_empty_location_is_the_same_connection(cflight):
    with ScriptedPeer(info_with_location(b""), ("fail", 5)) as peer:
        done = cflight.run("get", "-q", peer.location, "x")
    assert peer.connections == 1 and peer.requests == 2
    assert "NOT_FOUND" in done.stderr and "memory" not in done.stderr


def test_a_location_with_a_zero_byte_is_refused(cflight):
    with ScriptedPeer() as peer:
        peer.script += [info_with_location(peer.location.encode() + b"\0.trusted.example:1"), ("fail", 5)]
        done = cflight.run("get", "-q", peer.location, "x")
    assert peer.requests == 1
    assert "zero byte" in done.stderr


def test_a_server_needs_a_port(cflight, tmp_path):
    done = cflight.run("serve", "--listen", "grpc://localhost", str(tmp_path))
    assert done.returncode == 2 and "has no port" in done.stderr


def test_a_password_in_a_location_is_refused_and_not_shown(cflight):
    """It would be dropped in silence, and the call made as nobody."""
    done = cflight.run("list", "grpc://bob:secret@localhost:1")
    assert done.returncode == 2 and "--user" in done.stderr
    assert "secret" not in done.stderr


def test_a_slash_after_the_port_is_harmless(cflight, peer):
    cflight.run("list", peer.location + "/", check=True)


def test_the_output_formats_are_named_when_none_fits(cflight):
    done = cflight.run("get", "localhost:1", "x", "-o", "x.parquet")
    assert "'x.parquet'" in done.stderr and ".arrows, .csv, .jsonl" in done.stderr


def test_help_and_version(cflight):
    assert cflight.run("--version", check=True).stdout.startswith("cflight ")
    assert "Commands:" in cflight.run("--help", check=True).stdout
    for command in ("serve", "list", "info", "schema", "get", "put", "actions", "action", "ping", "version"):
        shown = cflight.run(command, "--help", check=True).stdout
        assert shown.startswith(f"Usage: cflight {command} ")
        assert cflight.run("help", command, check=True).stdout == shown


def test_version_names_every_library(cflight):
    """Goal: whoever looks after a machine sees which libraries are at work. Method: the libraries that the program is
    linked with must be among them; OpenSSL's own command has the same version."""
    assert cflight.run("version", check=True).stdout == cflight.run("--version", check=True).stdout
    lines = cflight.run("version", "--all", check=True).stdout.splitlines()
    assert lines[0] + "\n" == cflight.run("version", check=True).stdout
    versions = dict(line.split() for line in lines)
    assert all(re.match(r"\d+\.\d", version) for version in versions.values()), versions
    assert versions["OpenSSL"] == subprocess.run(
        ["openssl", "version"], check=True, capture_output=True, text=True).stdout.split()[1]
    linked = subprocess.run(["ldd", cflight.path], check=True, capture_output=True, text=True,
                            env=environment()).stdout  # what is preloaded into Python is not the command's
    linked = set(re.findall(r"^\s*lib([\w-]+)\.so", linked, re.MULTILINE))
    linked -= {"c", "m", "cflight", "asan", "ubsan", "tsan", "gcc_s", "tinfo", "bsd", "md"}  # the last are libedit's
    names = {"ssl": "OpenSSL", "crypto": "OpenSSL", "crypt": "libxcrypt", "z": "zlib", "edit": "libedit"}
    assert {names.get(name, name) for name in linked} == versions.keys() - {"cflight"}
    done = cflight.run("version", "extra")
    assert done.returncode == 2 and "too many arguments: 'extra'" in done.stderr
    assert "unknown option '--timeout" in cflight.run("version", "--timeout", "3").stderr


def start_get(cflight, peer, *arguments, **options):
    """Starts a get whose server sends two batches and then waits for `released`."""
    process = cflight.start("get", peer.location, "slow", *arguments, **options)
    while "slow" not in peer.fetched:
        assert process.poll() is None, process.communicate()
    return process


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_cancel(cflight, peer, tmp_path, number, code):
    process = start_get(cflight, peer, "-o", str(tmp_path / "x.arrow"))
    process.send_signal(number)
    output, messages = process.communicate(timeout=30)
    assert process.returncode == code, messages
    assert (output, messages) == ("", "")
    assert os.listdir(tmp_path) == []


def test_a_killed_get_leaves_nothing(cflight, peer, tmp_path):
    process = start_get(cflight, peer, "-o", str(tmp_path / "x.arrow"))
    process.kill()
    process.communicate(timeout=30)
    assert [name for name in os.listdir(tmp_path) if not name.startswith(".")] == []


ENDLESS_SERVER = """
import time, pyarrow as pa, pyarrow.flight as fl
batch = pa.record_batch({"n": pa.array(range(100_000))})
class Server(fl.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        return fl.FlightInfo(batch.schema, descriptor, [fl.FlightEndpoint("x", [])], -1, -1)
    def do_get(self, context, ticket):
        def endless():
            yield batch
            while ticket.ticket == b"once":
                time.sleep(60)
            while True:
                yield batch
        return fl.GeneratorStream(batch.schema, endless())
server = Server("grpc://localhost:0")
print(server.port, flush=True)
server.wait()
"""


@pytest.fixture
def endless():
    """A server in a process of its own, whose flights never end; `once` has one batch and then silence."""
    process = subprocess.Popen([sys.executable, "-c", ENDLESS_SERVER], stdout=subprocess.PIPE, text=True,
                               env=environment())
    process.location = f"grpc://localhost:{process.stdout.readline().strip()}"
    yield process
    process.kill()
    process.communicate()


def test_a_server_that_dies_leaves_no_file(cflight, endless, tmp_path):
    """kill -9 in the middle of a stream: exit code 3, how much came, and no output."""
    process = cflight.start("get", endless.location, "x", "-o", str(tmp_path / "x.arrow"))
    wait_for_growth(process)
    endless.kill()
    output, messages = process.communicate(timeout=30)
    assert process.returncode == 3, messages
    assert "received before the failure: " in messages and "UNAVAILABLE" in messages
    assert os.listdir(tmp_path) == []


def test_what_broke_off_is_counted_in_good_english(cflight, endless, tmp_path):
    process = cflight.start("get", endless.location, "--ticket", "once", "-o", str(tmp_path / "x.csv"))
    wait_for_growth(process, 300_000)
    endless.kill()
    output, messages = process.communicate(timeout=30)
    assert process.returncode == 3, messages
    assert " broke off after 1 batch (" in messages
    assert "received before the failure: 1 batch, " in messages


def wait_for_growth(process, least_bytes=4_000_000):
    """Waits until the process has written so many bytes, wherever to."""
    while True:
        assert process.poll() is None, process.communicate()
        with open(f"/proc/{process.pid}/io") as counters:
            if int(dict(line.split(": ") for line in counters)["wchar"]) > least_bytes:
                return


def test_a_closed_pipe_ends_quietly(cflight, endless):
    process = cflight.start("get", endless.location, "x", "-o", "-", "--format", "csv")
    assert process.stdout.readline() == "n\n"
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_an_interrupt_ends_a_blocked_write(cflight, endless):
    """Nobody reads the pipe, so the program hangs in write(); SIGINT still ends it."""
    process = cflight.start("get", endless.location, "x", "-o", "-", "--format", "csv")
    assert process.stdout.readline() == "n\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    process.stdout.close()
    process.stderr.close()


def test_a_full_disk_is_told(cflight, endless):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    done = cflight.run("get", endless.location, "x", "-o", "/dev/full", "--format", "csv")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_a_missing_output_directory_is_told(cflight, peer, tmp_path):
    done = cflight.run("get", peer.location, "table", "-o", tmp_path / "no/x.csv")
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr


# Uploading


@pytest.fixture
def upload_file(tmp_path):
    path = tmp_path / "upload.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, LONG.schema) as writer:
        writer.write_table(LONG, max_chunksize=10_000)
    return path


@pytest.mark.parametrize("codec", ["none", "lz4", "zstd"])
def test_put_sends_a_file(cflight, peer, upload_file, codec):
    done = cflight.run("put", peer.location, "new", upload_file, "--compression", codec, check=True)
    assert peer.tables["new"].equals(LONG)
    assert done.stdout == "" and "10 batches, 100000 rows" in done.stderr


def test_put_sends_standard_input(cflight, peer):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    done = cflight.run("put", peer.location, "new", "-", input=sink.getvalue(), text=False)
    assert done.returncode == 0, done.stderr
    assert same(peer.tables["new"], TABLE)


def test_put_of_a_file_on_standard_input_is_told(cflight, peer):
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    done = cflight.run("put", peer.location, "x", "-", input=sink.getvalue(), text=False)
    assert done.returncode == 1
    assert b"an Arrow file ('ARROW1') came where an Arrow stream is expected" in done.stderr


def test_put_shows_the_answers(cflight, peer, upload_file):
    done = cflight.run("put", peer.location, "new", upload_file, "--results", "-q", check=True)
    assert done.stdout == "".join(f"batch {i}\n" for i in range(1, 11))
    assert done.stderr == ""


@pytest.mark.parametrize("name, message", [
    ("refused", "no room"), ("stops", "that is enough"), ("late", "refused at the end")])
def test_put_reports_the_verdict(cflight, peer, upload_file, name, message):
    done = cflight.run("put", peer.location, name, upload_file)
    assert done.returncode == 1
    assert message in done.stderr
    assert name not in peer.tables


def test_a_damaged_file_is_not_taken_for_the_whole(cflight, tmp_path):
    """The first batches are good, then the stream is cut: the server must not store it."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, LONG.schema) as writer:
        writer.write_table(LONG, max_chunksize=10_000)
    (tmp_path / "served").mkdir()
    with cflight.serving(tmp_path / "served", "--writable") as server:
        done = cflight.run("put", server.location, "x", "-", input=sink.getvalue()[:-50_000], text=False)
        assert done.returncode == 1
        assert b"cannot read standard input: " in done.stderr
        server.stop()
    assert os.listdir(tmp_path / "served") == []


def test_a_stream_without_an_end_mark_is_told(cflight, tmp_path):
    """It may have been cut between two batches, where nothing else shows it."""
    path = tmp_path / "x.arrows"
    with pa.ipc.new_stream(path, LONG.schema) as writer:
        writer.write_table(LONG, max_chunksize=10_000)
    (tmp_path / "served").mkdir()
    with cflight.serving(tmp_path / "served", "--writable", "--overwrite") as server:
        assert "end mark" not in cflight.run("put", server.location, "x", path, check=True).stderr
        os.truncate(path, path.stat().st_size - 8)
        done = cflight.run("put", server.location, "x", path, check=True)
        assert f"'{path}' has no end mark: if it was cut short, rows are missing" in done.stderr
        with pa.ipc.new_file(path, LONG.schema) as writer:
            writer.write_table(LONG)
        assert "end mark" not in cflight.run("put", server.location, "x", path, check=True).stderr


@pytest.mark.parametrize("writer_of", [pa.ipc.new_file, pa.ipc.new_stream])
def test_a_file_that_changes_while_it_is_sent_is_taken_back(cflight, tmp_path, writer_of):
    """The server cuts the mapped file when its first batch has come; more is missing by then than
    sockets and windows hold. The upload must not look complete, and the program must not crash."""
    path = tmp_path / "big.arrow"
    table = pa.table({"t": [f"{i:09}" for i in range(100_000)]})
    with pa.OSFile(str(path), "wb") as sink, writer_of(sink, table.schema) as writer:
        for _ in range(64):
            writer.write_table(table)
    ends = []

    class Cutter(fl.FlightServerBase):
        def do_put(self, context, descriptor, reader, writer):
            reader.read_chunk()
            os.truncate(path, 1_000_000)
            with contextlib.suppress(fl.FlightError, pa.ArrowException, OSError):
                reader.read_all()
            ends.append(context.is_cancelled())

    with Cutter("grpc://localhost:0") as server:
        done = cflight.run("put", f"localhost:{server.port}", "x", path)
    assert done.returncode == 1, done.stderr
    assert "big.arrow': the file was written into or cut while it was read" in done.stderr
    assert ends == [True]


def test_a_file_size_limit_is_told(cflight, peer, tmp_path):
    """SIGXFSZ would end the program without a word, and a server with all its calls."""
    resource_limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # noqa: E731
    path = tmp_path / "long.csv"
    done = cflight.run("get", peer.location, "long", "-o", path, preexec_fn=resource_limit)
    assert done.returncode == 1 and "File too large" in done.stderr
    assert os.listdir(tmp_path) == []


def test_put_of_a_pipe_says_how_to_read_one(cflight, peer, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = cflight.run("put", peer.location, "x", tmp_path / "pipe")
    assert done.returncode == 1 and "use - to read a stream from standard input" in done.stderr


def test_put_of_a_missing_file_is_a_local_failure(cflight, peer, tmp_path):
    done = cflight.run("put", peer.location, "x", tmp_path / "nothing.arrow")
    assert done.returncode == 1
    assert "nothing.arrow" in done.stderr


def test_an_interrupted_put_is_cancelled(cflight, tmp_path):
    """Standard input stays open; SIGINT ends the wait for it and the server stores nothing."""
    (tmp_path / "served").mkdir()
    with cflight.serving(tmp_path / "served", "--writable") as server:
        process = subprocess.Popen([cflight.path, "put", server.location, "x", "-", "--results"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment())
        writer = pa.ipc.new_stream(process.stdin, LONG.schema)
        while not select.select([process.stdout], [], [], 0.01)[0]:
            writer.write_table(LONG)
            process.stdin.flush()
        assert process.stdout.readline() == b"100000\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        with contextlib.suppress(OSError):
            writer.close()
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.stdout.close()
        process.stderr.close()
        server.stop()
    assert os.listdir(tmp_path / "served") == []


# Credentials


class CheckAll(fl.ServerMiddlewareFactory):
    """Takes the user `alice` with the password `s3cret`, or the token it gave out; notes headers."""

    def __init__(self, gives_token=True):
        self.gives_token = gives_token
        self.seen = []

    def start_call(self, info, headers):
        value = next(iter(headers.get("authorization", [""])))
        self.seen.append((info.method.name, value, headers))
        if value == "Basic " + base64.b64encode(b"alice:s3cret").decode():
            return GiveToken("t0ken") if self.gives_token else None
        if value == "Bearer t0ken":
            return None
        raise fl.FlightUnauthenticatedError("log in first")


class GiveToken(fl.ServerMiddleware):
    def __init__(self, token):
        self.token = token

    def sending_headers(self):
        return {"authorization": "Bearer " + self.token}


class NoAuth(fl.ServerAuthHandler):
    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return b""


@pytest.fixture
def guarded():
    check = CheckAll()
    with peer_running(auth_handler=NoAuth(), middleware={"check": check}) as server:
        server.check = check
        yield server


def test_a_login_gives_a_token_for_the_calls(cflight, guarded):
    done = cflight.run("list", guarded.location, "--user", "alice", env={"CFLIGHT_PASSWORD": "s3cret"}, check=True)
    assert done.stdout.startswith("table\t")
    assert [value.split()[0] for _, value, _ in guarded.check.seen] == ["Basic", "Bearer"]


def test_a_server_without_handshake_gets_the_password(cflight):
    check = CheckAll(gives_token=False)
    with peer_running(middleware={"check": check}) as server:
        cflight.run("list", server.location, "--user", "alice", env={"CFLIGHT_PASSWORD": "s3cret"}, check=True)
        assert check.seen[-1][1].startswith("Basic ")


def test_passwords_come_from_files_and_tokens_too(cflight, guarded, tmp_path):
    (tmp_path / "password").write_text("s3cret\nsecond line\n")
    (tmp_path / "token").write_text("t0ken\n")
    cflight.run("list", guarded.location, "-u", "alice", "--password-file", tmp_path / "password", check=True)
    cflight.run("list", guarded.location, "--token-file", tmp_path / "token", check=True)
    cflight.run("list", guarded.location, env={"CFLIGHT_TOKEN": "t0ken"}, check=True)
    cflight.run("list", guarded.location, "--header", "Authorization: Bearer t0ken", check=True)


def test_wrong_credentials_are_6_and_never_shown(cflight, guarded):
    for arguments, env in ((("-u", "alice"), {"CFLIGHT_PASSWORD": "wr0ng-s3cret"}),
                           ((), {"CFLIGHT_TOKEN": "wr0ng-s3cret"}), ((), {})):
        done = cflight.run("list", guarded.location, *arguments, env=env)
        assert done.returncode == 6, done.stderr
        assert "wr0ng" not in done.stdout + done.stderr
    assert cflight.run("list", guarded.location, "-H", "s3cret").returncode == 2
    assert "s3cret" not in cflight.run("list", guarded.location, "-H", "s3cret").stderr


@pytest.mark.parametrize("header, expected", [
    ("s3cret", "no ':'"), (": s3cret", "no name before"), ("bad name: s3cret", "byte 3 of a metadata name is 0x20"),
    ("grpc-x: s3cret", "'grpc-x'"), ("TE: s3cret", "'TE'"),
    ("a: s3cret\x01", "byte 6 of the value of metadata 'a' is 0x01"),
    ("a: \N{LATIN SMALL LETTER E WITH ACUTE}", "byte 0 of the value of metadata 'a' is 0xc3"),
])
def test_a_header_that_cannot_be_sent_is_a_usage_error(cflight, header, expected):
    """Found before anything is sent, whatever the server; the value is not shown."""
    done = cflight.run("list", unused_location(), "-H", header)
    assert done.returncode == 2, done.stderr
    assert "--header takes 'NAME: VALUE'" in done.stderr and expected in done.stderr
    assert "s3cret" not in done.stderr


def test_binary_headers_take_any_bytes(cflight, peer):
    cflight.run("list", peer.location, "-H", "x-bin: \N{LATIN SMALL LETTER E WITH ACUTE}", check=True)


def on_a_terminal(cflight, arguments, reply=None, size=(24, 60)):
    """Runs the command on a terminal of its own; gives the exit code and all that it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        os.execve(cflight.path, [cflight.path, *map(str, arguments)], environment())
    shown = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, shown
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""
        if not part:
            break
        shown += part
        if reply is not None and b"Password for" in shown:
            os.write(terminal, reply)
            reply = None
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_the_password_is_asked_for_without_echo(cflight, guarded):
    code, shown = on_a_terminal(cflight, ("list", guarded.location, "--user", "alice"), reply=b"s3cret\n")
    assert code == 0, shown
    assert "Password for alice:" in shown and "s3cret" not in shown
    assert "NAME" in shown and "table" in shown


def test_an_interrupt_at_the_prompt_is_130(cflight, guarded):
    code, shown = on_a_terminal(cflight, ("list", guarded.location, "--user", "alice"), reply=b"\x03")
    assert code == 130, shown


def test_credentials_stay_with_the_host(cflight, tmp_path):
    """A location on another name for this machine gets none, unless it is trusted."""
    with peer_running(middleware={"check": CheckAll()}, auth_handler=NoAuth()) as server:
        with peer_running("grpc://127.0.0.1:0", middleware={"check": CheckAll()}) as other:
            name = f"replicas:grpc://127.0.0.1:{other.port}"
            command = ("get", server.location, name, "-o", tmp_path / "x.arrow")
            env = {"CFLIGHT_TOKEN": "t0ken"}
            assert cflight.run(*command, env=env).returncode == 6
            cflight.run(*command, "--trust-locations", env=env, check=True)


# On a terminal


def test_tables_fit_the_terminal(cflight, peer):
    peer.tables["wide"] = pa.table({f"column {i}": ["x" * 50] * 20 for i in range(9)})
    peer.tables["text"] = pa.table({"a": ["x" * 200], "b": [1], "c": ["\u6771\u4eac" * 40]})
    for name in ("wide", "text"):
        code, shown = on_a_terminal(cflight, ("get", peer.location, name), size=(24, 60))
        assert code == 0
        plain = [strip_styles(line) for line in lines_that_stay(shown)]
        assert max(width(line) for line in plain) <= 60, plain
        assert "\u2026" in shown and "\x1b[1m" in shown
    assert "and 3 more columns" in on_a_terminal(cflight, ("get", peer.location, "wide"), size=(24, 60))[1]


def lines_that_stay(shown):
    """Without a progress line, which a slow transfer shows and the next line replaces."""
    return [line.split("\r")[-1] for line in shown.replace("\r\n", "\n").split("\n")]


def strip_styles(line):
    return re.sub("\x1b\\[[0-9]*[mK]", "", line)


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_values_cannot_drive_the_terminal(cflight, peer):
    peer.tables["evil"] = pa.table({"a\x1b[2J": ["\x1b]0;title\x07", "a\nb"]})
    code, shown = on_a_terminal(cflight, ("get", peer.location, "evil"))
    assert code == 0
    assert "\x1b[2J" not in shown and "\x1b]" not in shown and "\x07" not in shown
    assert "\\x1b[2J" in shown and "a\\nb" in shown


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_text_on_a_terminal_cannot_drive_it(cflight, peer, format):
    """On a terminal only: a file or a pipe gets the bytes as they are. Line ends inside of values
    stay, and so do the escapes of JSON."""
    text = "\x1b]0;title\x07 \x9b2J \u202e \\ \n end"
    peer.tables["evil"] = pa.table({"a": [text]})
    code, shown = on_a_terminal(cflight, ("get", peer.location, "evil", "-q", "-o", "-", "--format", format))
    assert code == 0
    for harm in ("\x1b", "\x07", "\x9b", "\u202e"):
        assert harm not in shown, ascii(shown)
    assert "\\u009b2J" in shown
    if format == "jsonl":
        assert json.loads(shown) == {"a": text}
    else:
        assert "\\x1b]0;title\\x07" in shown and " \\ \r\n end" in shown
    piped = cflight.run("get", peer.location, "evil", "-q", "-o", "-", "--format", format, check=True).stdout
    assert "\x9b2J" in piped and "\u202e" in piped


def test_one_column_without_room_is_one_column(cflight, peer):
    peer.tables["two"] = pa.table({"a": ["x" * 50], "b": ["y" * 50]})
    shown = on_a_terminal(cflight, ("get", peer.location, "two"), size=(24, 8))[1]
    assert "and 1 more column (--vertical shows all):\r\n  b\r" in shown


def test_arrow_data_is_kept_from_terminals(cflight, peer):
    code, shown = on_a_terminal(cflight, ("get", peer.location, "table", "-o", "-"))
    assert code == 2 and "not for terminals" in shown


def test_progress_shows_and_goes(cflight, peer, tmp_path):
    """A transfer that lasts shows a line; at its end the line is taken away."""
    def slow():
        for _ in range(8):
            yield TABLE
            threading.Event().wait(0.05)
    peer.do_get = lambda context, ticket: fl.GeneratorStream(TABLE.schema, slow())
    path = tmp_path / "x.arrow"
    code, shown = on_a_terminal(cflight, ("get", peer.location, "table", "-o", path))
    assert code == 0
    assert "rows" in shown and "/s\x1b[K" in shown
    assert "\r\x1b[Kcflight: 8 batches, 24 rows" in shown


def test_actions_are_printed_as_they_come(cflight):
    """Goal: a list of actions without end takes no memory. Method: the server sends the second action when the first
    was printed."""
    def action(name):
        message = bytes([10, len(name)]) + name
        return scripted_peer.frame(scripted_peer.DATA, 0, 1, struct.pack(">BI", 0, len(message)) + message)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [cflight.path, "actions", f"127.0.0.1:{listener.getsockname()[1]}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process, listener.accept()[0] as peer:
            peer.settimeout(60)
            peer.sendall(scripted_peer.frame(scripted_peer.SETTINGS, 0, 0))
            received = b""
            while b"\0\x01\0\0\0\x01" not in received:  # the end of the request
                received += peer.recv(65536)
            peer.sendall(scripted_peer.frame(scripted_peer.HEADERS, scripted_peer.END_HEADERS, 1, scripted_peer.RESPONSE)
                         + action(b"one"))
            assert process.stdout.readline() == b"one\t\n"
            trailers = scripted_peer.literal(b"grpc-status", b"0")
            peer.sendall(action(b"two") + scripted_peer.frame(
                scripted_peer.HEADERS, scripted_peer.END_HEADERS | scripted_peer.END_STREAM, 1, trailers))
            assert process.stdout.read() == b"two\t\n"
            assert process.wait(60) == 0
