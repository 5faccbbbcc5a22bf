# SPDX-License-Identifier: Apache-2.0
"""`cflight serve`: large files in several endpoints, replicas, and uploads in parts."""

import os
import re
import secrets
import signal
import subprocess
import threading

import pyarrow as pa
import pyarrow.flight as fl
import pytest

ROWS = 4000
TABLE = pa.table({"n": pa.array(range(ROWS), pa.int64()), "t": [f"row {i}" for i in range(ROWS)]})


def write_file(path, table=TABLE, rows=100):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)


def info_of(client, name="big"):
    return client.get_flight_info(fl.FlightDescriptor.for_path(name))


def read_endpoints(client, info):
    return [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "served"
    place.mkdir()
    write_file(place / "big.arrow")
    return place


def test_a_large_file_has_several_endpoints(cflight, folder):
    size = (folder / "big.arrow").stat().st_size
    with cflight.serving(folder, "--endpoint-bytes", size // 8) as server, fl.connect(server.location) as client:
        for info in [info_of(client), *client.list_flights()]:
            assert info.ordered and 8 <= len(info.endpoints) <= 9 and info.total_records == ROWS
            assert {endpoint.app_metadata for endpoint in info.endpoints} == {b"cflight.stable"}
            parts = read_endpoints(client, info)
            assert all(0 < part.num_rows < ROWS for part in parts)
            assert pa.concat_tables(parts).equals(TABLE)
        # The name alone is still the ticket of the whole.
        assert client.do_get(fl.Ticket("big")).read_all().equals(TABLE)
        assert cflight.run("get", server.location, "big", "-o", folder / "copy.csv", check=True)
    assert len((folder / "copy.csv").read_text().splitlines()) == ROWS + 1


@pytest.mark.parametrize("limit", ["1G", "128M"])
def test_a_small_file_has_one_endpoint(cflight, folder, limit):
    with cflight.serving(folder, "--endpoint-bytes", limit) as server, fl.connect(server.location) as client:
        assert [(e.ticket.ticket, e.app_metadata) for e in info_of(client).endpoints] == [(b"big", b"")]


def test_no_more_endpoints_than_batches(cflight, folder):
    write_file(folder / "two.arrow", rows=ROWS // 2)
    write_file(folder / "none.arrow", TABLE.slice(0, 0))
    with pa.OSFile(str(folder / "stream.arrows"), "wb") as sink, pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE, 100)
    with cflight.serving(folder, "--endpoint-bytes", "1") as server, fl.connect(server.location) as client:
        counts = {name: len(info_of(client, name).endpoints) for name in ("big", "two", "none", "stream")}
        assert counts == {"big": 40, "two": 2, "none": 1, "stream": 1}
        for name in ("two", "stream"):
            assert pa.concat_tables(read_endpoints(client, info_of(client, name))).equals(TABLE)


def test_parts_of_two_files_are_never_mixed(cflight, folder):
    with cflight.serving(folder, "--endpoint-bytes", "1") as server, fl.connect(server.location) as client:
        info = info_of(client)
        client.do_get(info.endpoints[0].ticket).read_all()
        write_file(folder / "new.arrow", TABLE.slice(1), rows=101)
        os.replace(folder / "new.arrow", folder / "big.arrow")
        with pytest.raises(pa.ArrowInvalid, match="another file than the one that the ticket is of"):
            client.do_get(info.endpoints[1].ticket).read_all()
        assert pa.concat_tables(read_endpoints(client, info_of(client))).equals(TABLE.slice(1))


@pytest.mark.parametrize("change", [
    lambda t: t + b" ", lambda t: t + b"\n", lambda t: b"big\n", lambda t: b"big\n0 1", lambda t: b"\n" + t,
    lambda t: re.sub(rb"\n\d+ ", b"\n-1 ", t), lambda t: re.sub(rb"\n\d+ ", b"\n99999999999999999999 ", t),
    lambda t: re.sub(rb"\n\d+ ", b"\n40 ", t), lambda t: re.sub(rb"\n\d+ \d+", b"\n39 2", t),
    lambda t: re.sub(rb"\n\d+ \d+", b"\n0 0", t), lambda t: re.sub(rb"\n\d+ \d+", b"\n1 9223372036854775807", t),
    lambda t: t.replace(b"big", b"../big"), lambda t: t.replace(b"big", b".cflight-uploads/x")])
def test_tickets_that_were_tampered_with_are_refused(cflight, folder, change):
    with cflight.serving(folder, "--endpoint-bytes", "1") as server, fl.connect(server.location) as client:
        ticket = info_of(client).endpoints[0].ticket.ticket
        with pytest.raises(pa.ArrowInvalid):
            client.do_get(fl.Ticket(change(ticket))).read_all()
        assert client.do_get(fl.Ticket(ticket)).read_all().num_rows == 100


def test_replicas_are_named_in_every_endpoint(cflight, folder):
    options = ["--endpoint-bytes", "1", "--advertise", "127.0.0.1:1", "--location", "grpc+tls://there:2"]
    with cflight.serving(folder, *options) as server, fl.connect(server.location) as client:
        for endpoint in info_of(client).endpoints:
            assert [location.uri for location in endpoint.locations] == [b"grpc://127.0.0.1:1", b"grpc+tls://there:2"]


@pytest.mark.parametrize("uri", ["0.0.0.0:1", "grpc://[::]:1", "here", "http://a:1", "here:0"])
def test_what_nobody_can_connect_to_is_no_replica(cflight, folder, uri):
    done = cflight.run("serve", folder, "--listen", "localhost:0", "--advertise", "here:1", "--location", uri)
    assert done.returncode == 2 and uri.rsplit("/", 1)[-1].split(":")[0] in done.stderr


def test_replicas_of_a_server_that_has_no_name_itself(cflight, folder):
    done = cflight.run("serve", folder, "--listen", "localhost:0", "--location", "there:1")
    assert done.returncode == 2 and "--location needs --advertise" in done.stderr


def test_parts_are_for_those_who_may_upload(cflight, folder, tmp_path):
    (tmp_path / "users").write_text("ann:" + subprocess.run(
        ["openssl", "passwd", "-6", "pw"], capture_output=True, text=True, check=True).stdout)
    (tmp_path / "users").chmod(0o600)
    (tmp_path / "rights").write_text("[ann]\nread = *\nwrite = mine\n")
    options = ["--writable", "--auth-file", tmp_path / "users", "--rights", tmp_path / "rights", "--endpoint-bytes", "1"]
    with cflight.serving(folder, *options) as server:
        mine, yours = Uploading(server.location, "mine/x"), Uploading(server.location, "yours")
        with mine.client, yours.client:
            for uploading in (mine, yours):
                uploading.options = fl.FlightCallOptions(
                    headers=[uploading.client.authenticate_basic_token("ann", "pw")])
            assert mine.commit(mine.put(0, TABLE)) == [str(ROWS).encode()]
            with pytest.raises(fl.FlightUnauthorizedError, match="no right to upload flight 'yours'"):
                yours.put(0, TABLE)
            yours.upload = mine.upload
            with pytest.raises(fl.FlightUnauthorizedError, match="no right to upload flight 'yours'"):
                yours.commit(f"0 {'a' * 32}")


# ---- uploads in parts ----


class Uploading:
    """The messages of an upload in parts, by pyarrow's client."""

    def __init__(self, location, name="made"):
        self.client = fl.connect(location)
        self.name = name
        self.upload = secrets.token_hex(16)
        self.options = None

    def put(self, number, table, attempt=None, upload=None):
        attempt = attempt or secrets.token_hex(16)
        command = "\n".join(["cflight.part", self.name, upload or self.upload, str(number), attempt])
        writer, _ = self.client.do_put(fl.FlightDescriptor.for_command(command.encode()), table.schema, self.options)
        with writer:
            writer.write_table(table, max_chunksize=100)
        return f"{number} {attempt}"

    def act(self, kind, *lines):
        return [r.body.to_pybytes() for r in self.client.do_action(
            fl.Action(kind, "\n".join([self.name, self.upload, *lines]).encode()), self.options)]

    def commit(self, *parts):
        return self.act("cflight.commit", *parts)


@pytest.fixture
def uploads(cflight, folder):
    with cflight.serving(folder, "--writable") as server:
        uploading = Uploading(server.location)
        uploading.server = server
        uploading.folder = folder
        with uploading.client:
            yield uploading


def staged(folder):
    place = folder / ".cflight-uploads"
    return sorted(p.name for p in place.rglob("*") if p.is_file() and p.name != "note") if place.exists() else []


def test_parts_appear_when_they_are_committed(uploads):
    parts = [uploads.put(i, TABLE.slice(i * 1000, 1000)) for i in range(4)]
    assert [i.descriptor.path for i in uploads.client.list_flights()] == [[b"big"]]
    assert len(staged(uploads.folder)) == 4
    assert uploads.commit(*parts) == [str(ROWS).encode()]
    assert uploads.client.do_get(fl.Ticket("made")).read_all().equals(TABLE)
    assert staged(uploads.folder) == []
    assert uploads.commit(*parts) == [str(ROWS).encode()]  # said again, as when the answer was lost
    assert {a.type for a in uploads.client.list_actions()} == {"cflight.commit", "cflight.abort"}


def test_of_attempts_only_the_named_one_counts(uploads):
    first = uploads.put(0, TABLE.slice(0, 10))
    uploads.put(0, TABLE.slice(0, 10))
    second = uploads.put(1, TABLE.slice(10, 10))
    uploads.put(1, TABLE.slice(20, 10))
    uploads.commit(first, second)
    assert uploads.client.do_get(fl.Ticket("made")).read_all().equals(TABLE.slice(0, 20))
    assert staged(uploads.folder) == []


def test_dictionaries_of_parts_go_together(uploads):
    tables = [pa.table({"d": pa.array(words).dictionary_encode()}) for words in (["a", "b"], ["b", "c", "b"])]
    uploads.commit(*(uploads.put(i, table) for i, table in enumerate(tables)))
    words = uploads.client.do_get(fl.Ticket("made")).read_all()["d"].cast(pa.string()).to_pylist()
    assert words == ["a", "b", "b", "c", "b"]


def test_a_commit_that_cannot_be_leaves_everything(uploads):
    part = uploads.put(0, TABLE.slice(0, 10))
    other = uploads.put(1, pa.table({"x": [1]}))
    for parts, text in [((part, other), "other columns"), ((part, f"2 {'0' * 32}"), "has not been uploaded"),
                        ((), "names no part"), (("x",), "not a part"), ((part, ""), "not a part")]:
        with pytest.raises(pa.ArrowInvalid, match=text):
            uploads.commit(*parts)
        assert len(staged(uploads.folder)) == 2
        assert not (uploads.folder / "made.arrow").exists()
    assert uploads.commit(part) == [b"10"]


def test_a_flight_that_exists_is_not_replaced(uploads):
    uploads.name = "big"
    part = uploads.put(0, TABLE.slice(0, 10))
    with pytest.raises(pa.ArrowException, match="exists"):
        uploads.commit(part)
    assert uploads.client.do_get(fl.Ticket("big")).read_all().equals(TABLE)


def test_an_upload_that_is_given_up_leaves_nothing(uploads):
    part = uploads.put(0, TABLE)
    uploads.act("cflight.abort")
    assert list((uploads.folder / ".cflight-uploads").iterdir()) == []
    with pytest.raises(pa.ArrowInvalid, match="has not been uploaded"):
        uploads.commit(part)
    uploads.act("cflight.abort")


@pytest.mark.parametrize("lines", [
    ["cflight.part"], ["cflight.part", "made", "../x", "0", "a" * 32], ["cflight.part", "made", "A" * 32, "0", "a" * 32],
    ["cflight.part", "../made", "a" * 32, "0", "a" * 32], ["cflight.part", "made", "a" * 32, "-1", "a" * 32],
    ["cflight.part", "made", "a" * 32, "0", "../" + "a" * 29], ["cflight.part", "made", "a" * 32, "0", "a" * 32, ""],
    ["cflight.part", "made", "a" * 32, "1" * 10, "a" * 32], ["other"], [""]])
def test_commands_that_are_no_parts_are_refused(uploads, lines):
    with pytest.raises(pa.ArrowInvalid):
        writer, _ = uploads.client.do_put(
            fl.FlightDescriptor.for_command("\n".join(lines).encode()), TABLE.schema)
        with writer:
            writer.write_table(TABLE)
    assert staged(uploads.folder) == []


def test_a_server_that_takes_no_uploads_takes_no_parts(cflight, folder):
    with cflight.serving(folder) as server:
        uploading = Uploading(server.location)
        with uploading.client, pytest.raises(NotImplementedError):
            uploading.put(0, TABLE)


def test_limits_of_uploads_hold_for_parts(cflight, folder):
    size = (folder / "big.arrow").stat().st_size
    with cflight.serving(folder, "--writable", "--upload-max", size * 3) as server:
        uploading = Uploading(server.location)
        with uploading.client as client:
            parts = [uploading.put(0, TABLE)]
            with pytest.raises(pa.ArrowInvalid, match="more than this server stores"):
                uploading.put(1, pa.concat_tables([TABLE, TABLE]))
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_message("counted again")
            uploading.commit(*parts)
            with pytest.raises(pa.ArrowInvalid, match="more than this server stores"):
                uploading.put(2, pa.concat_tables([TABLE, TABLE]))
            # What was staged is gone, and made room.
            Uploading(server.location, "more").put(0, TABLE.slice(0, 3000))
            assert client.do_get(fl.Ticket("made")).read_all().equals(TABLE)


def test_commits_at_once_make_one_flight(uploads):
    parts = [uploads.put(i, TABLE.slice(i * 1000, 1000)) for i in range(4)]
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(uploads.commit(*parts))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[str(ROWS).encode()]] * 8
    assert uploads.client.do_get(fl.Ticket("made")).read_all().equals(TABLE)


@pytest.mark.parametrize("moment", range(6))
def test_a_server_that_is_killed_in_a_commit_has_made_it_or_not(cflight, folder, moment):
    with cflight.serving(folder, "--writable") as server:
        uploading = Uploading(server.location)
        parts = [uploading.put(i, pa.concat_tables([TABLE] * 20)) for i in range(4)]
        killer = threading.Timer(moment * 0.004, server.process.kill)
        killer.start()
        try:
            uploading.commit(*parts)
        except Exception as error:  # noqa: BLE001 (the server has gone, whatever that is called)
            assert not isinstance(error, pa.ArrowInvalid), error
        killer.join()
        server.process.wait()
    with cflight.serving(folder, "--writable") as server:
        again = Uploading(server.location)
        again.upload = uploading.upload
        assert again.commit(*parts) == [str(ROWS * 80).encode()]
        assert again.commit(*parts) == [str(ROWS * 80).encode()]
        assert again.client.do_get(fl.Ticket("made")).read_all().num_rows == ROWS * 80
        assert staged(folder) == []


def test_what_nobody_commits_is_removed_after_a_day(cflight, folder):
    with cflight.serving(folder, "--writable") as server:
        old, new = Uploading(server.location), Uploading(server.location)
        old.put(0, TABLE)
        new.put(0, TABLE)
    os.utime(folder / ".cflight-uploads" / old.upload, (1, 1))
    with cflight.serving(folder, "--writable"):
        assert [p.name for p in (folder / ".cflight-uploads").iterdir()] == [new.upload]
