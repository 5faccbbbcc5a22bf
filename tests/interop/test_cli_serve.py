# SPDX-License-Identifier: Apache-2.0
"""`cflight serve` seen by pyarrow's client, and by peers that mean harm."""

import copy
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pyarrow as pa
import pyarrow.flight as fl
import pytest

import cflight_command
from cflight_command import environment


def path_of(*elements):
    return fl.FlightDescriptor.for_path(*elements)


def write_file(path, table, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema, **options) as writer:
        writer.write_table(table)


def write_stream(path, table, **options):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, **options)


def fetch(client, name):
    return client.do_get(fl.Ticket(name)).read_all()


def entries(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


SMALL = pa.table({"n": pa.array([1, 2, None], pa.int32()), "t": ["a", None, "c"]})


@pytest.fixture
def served(cflight, tmp_path):
    """A writable server over a directory with the flights `small` and `sub/stream`."""
    directory = tmp_path / "served"
    write_file(directory / "small.arrow", SMALL)
    (directory / "sub").mkdir()
    write_stream(directory / "sub/stream.arrows", SMALL)
    with cflight.serving(directory, "--writable") as server:
        server.directory = directory
        with fl.connect(server.location) as client:
            server.client = client
            yield server


def test_real_data_arrives_equal(cflight, shared_data):
    """200,000 rows served from a memory map equal the file; the list and the info know them."""
    with cflight.serving(shared_data) as server, fl.connect(server.location) as client:
        infos = {info.descriptor.path[0].decode(): info for info in client.list_flights()}
        info = client.get_flight_info(path_of("flights-200k"))
        table = fetch(client, info.endpoints[0].ticket.ticket)
        with pa.memory_map(str(shared_data / "flights-200k.arrow")) as source:
            expected = pa.ipc.open_file(source).read_all()
        assert infos["flights-200k"].total_records == 200_000
        assert info.total_records == 200_000
        assert info.total_bytes == (shared_data / "flights-200k.arrow").stat().st_size
        assert info.schema.equals(expected.schema)
        assert list(info.endpoints[0].locations) == []
        assert table.num_rows == 200_000
        assert table.equals(expected)


def test_names_are_one_element_or_several(served):
    for descriptor in (path_of("sub/stream"), path_of("sub", "stream")):
        info = served.client.get_flight_info(descriptor)
        assert info.descriptor == descriptor
        assert fetch(served.client, info.endpoints[0].ticket.ticket).equals(SMALL)
        assert served.client.get_schema(descriptor).schema.equals(SMALL.schema)


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compression_is_transparent(cflight, shared_data, codec):
    with cflight.serving(shared_data, "--compression", codec) as server:
        with fl.connect(server.location) as client:
            assert fetch(client, "flights-200k").num_rows == 200_000


@pytest.mark.parametrize("algorithm", [1, 2])  # deflate, gzip
def test_clients_may_compress_their_messages(served, algorithm):
    options = [("grpc.default_compression_algorithm", algorithm), ("grpc.default_compression_level", 3)]
    with fl.connect(served.location, generic_options=options) as client:
        assert fetch(client, "small").equals(SMALL)
        table = pa.table({"n": pa.array(range(200_000), pa.int64())})
        writer, _ = client.do_put(path_of("uploaded"), table.schema)
        writer.write_table(table, max_chunksize=50_000)
        writer.close()
        assert fetch(client, "uploaded").equals(table)


def test_lists_select_by_beginning_and_pattern(served):
    def names(criteria):
        return [info.descriptor.path[0] for info in served.client.list_flights(criteria)]

    assert names(b"") == [b"small", b"sub/stream"]
    assert names(b"sub/") == [b"sub/stream"]
    assert names(b"*m*l*") == [b"small"]
    assert names(b"nothing") == []


def test_files_come_and_go_without_a_restart(served):
    write_file(served.directory / "late.arrow", SMALL)
    assert fetch(served.client, "late").equals(SMALL)
    (served.directory / "late.arrow").unlink()
    with pytest.raises(KeyError, match="there is no flight 'late'"):
        fetch(served.client, "late")


HOSTILE = [b"../small", b"..", b"sub/../../x", b"/etc/passwd", b"sub//stream", b"", b".hidden", b"small\0x",
           b"sub/./stream", b"x" * 2000, b"a\nb"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out(served, name):
    """Tickets, and uploads under the same names; the directory stays as it is."""
    before = entries(served.directory.parent)
    with pytest.raises(pa.ArrowInvalid, match="name of a flight"):
        fetch(served.client, name)
    elements = [element for element in name.split(b"/")]
    with pytest.raises(pa.ArrowInvalid, match="name of a flight"):
        served.client.get_flight_info(path_of(*elements))
    with pytest.raises(pa.ArrowInvalid, match="name of a flight"):
        writer, _ = served.client.do_put(path_of(name), SMALL.schema)
        writer.write_table(SMALL)
        writer.close()
    assert entries(served.directory.parent) == before


def test_links_out_of_the_directory_are_refused(served, tmp_path):
    write_file(tmp_path / "outside/secret.arrow", SMALL)
    (served.directory / "link.arrow").symlink_to(tmp_path / "outside/secret.arrow")
    (served.directory / "up").symlink_to(tmp_path / "outside")
    for name in ("link", "up/secret"):
        with pytest.raises(pa.ArrowInvalid, match="leads out"):
            fetch(served.client, name)
    with pytest.raises(pa.ArrowInvalid, match="leads out"):
        writer, _ = served.client.do_put(path_of("up/new"), SMALL.schema)
        writer.write_table(SMALL)
        writer.close()
    assert [info.descriptor.path[0] for info in served.client.list_flights()] == [b"small", b"sub/stream"]
    assert entries(tmp_path / "outside") == ["secret.arrow"]


def test_damaged_files_fail_alone(served):
    """A file cut at many places, and with bytes turned over, never takes the others along."""
    table = pa.table({"t": ["text %d" % i for i in range(500)], "n": list(range(500))})
    good = served.directory / "good.arrow"
    write_file(good, table)
    content = good.read_bytes()
    damaged = served.directory / "damaged.arrow"
    for cut in list(range(0, 64, 7)) + list(range(64, len(content), 397)) + [len(content) - 1]:
        damaged.write_bytes(content[:cut])
        with pytest.raises((fl.FlightError, pa.ArrowException, OSError)) as raised:
            fetch(served.client, "damaged")
        assert "damaged" in str(raised.value)
    for place in range(8, len(content), 211):
        damaged.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1:])
        try:
            fetch(served.client, "damaged")
        except (fl.FlightError, pa.ArrowException, OSError):
            pass
    damaged.write_bytes(content[:100])
    names = [info.descriptor.path[0] for info in served.client.list_flights()]
    assert names == [b"good", b"small", b"sub/stream"]
    assert fetch(served.client, "good").equals(table)


def test_damage_is_told_with_reason_and_place(cflight, served):
    """For whoever asks, and in the server's messages of a list; the last batch of three is cut."""
    table = pa.table({"n": list(range(3000))})
    write_stream(served.directory / "cut-stream.arrows", table, max_chunksize=1000)
    write_file(served.directory / "cut-file.arrow", table)
    write_file(served.directory / "bad-batch.arrow", table)
    content = (served.directory / "cut-stream.arrows").read_bytes()
    (served.directory / "cut-stream.arrows").write_bytes(content[:-1000])
    content = (served.directory / "cut-file.arrow").read_bytes()
    (served.directory / "cut-file.arrow").write_bytes(content[:-1000])
    begin = content.index(b"\xff\xff\xff\xff", content.index(b"\xff\xff\xff\xff") + 4)
    (served.directory / "bad-batch.arrow").write_bytes(
        content[:begin + 4] + b"\xff\xff\xff\x7f" + content[begin + 8:])
    for name, reason in (("cut-stream", r"the Arrow message at byte \d+ has a body of 8000 bytes; 7008 left"),
                         ("cut-file", rf"the Arrow file of {len(content) - 1000} bytes is cut short"),
                         ("bad-batch", rf"record batch 0: .*at byte {begin}: the Arrow message")):
        done = cflight.run("info", served.location, name)
        assert done.returncode == 1
        assert re.search(rf"'{name}'.*{reason}", done.stderr), done.stderr
    cflight.run("list", served.location, check=True)
    for name in ("cut-stream", "cut-file", "bad-batch"):
        served.wait_for_message(f"left out of the list: DATA_LOSS: flight '{name}': ")
    assert len(re.findall(r"left out of the list: .* byte", served.messages())) == 3


def test_what_is_left_out_of_lists_is_told_once_until_it_changes(served):
    """A note about an upload, which comes after the lists, tells that all they said has arrived."""
    def lists(marker):
        for _ in range(3):
            assert [info.descriptor.path[0] for info in served.client.list_flights()][-1] == b"sub/stream"
        with pytest.raises(pa.ArrowInvalid):
            upload(served.client, marker, SMALL.to_batches())
        served.wait_for_message(marker)
        return served.messages()

    for name in ("one.arrow", "two.arrows"):
        (served.directory / name).write_bytes(b"ARROW1 and no more")
    write_file(served.directory / "small.feather", SMALL)
    said = lists(".first")
    for reason in ("'one'", "'two'", "'small.feather' has the same name as 'small.arrow'"):
        assert said.count(reason) == 1, said
    (served.directory / "one.arrow").write_bytes(b"ARROW1 and a little more")
    said = lists(".second")
    for reason, count in (("'one'", 2), ("'two'", 1), ("'small.feather'", 1)):
        assert said.count(reason) == count, said
    write_file(served.directory / "one.arrow", SMALL)
    assert fetch(served.client, "one").equals(SMALL)
    assert lists(".third").count("'one'") == 2


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may read everything")
def test_rights_that_the_server_lacks_are_no_matter_of_login(cflight, tmp_path):
    """A server whose user may neither read a file nor write into the directory; the client is told
    that it is the server's fault, without paths, and does not end as if it were not logged in."""
    write_file(tmp_path / "served/locked.arrow", SMALL)
    (tmp_path / "served/locked.arrow").chmod(0)
    (tmp_path / "served").chmod(0o555)
    command = copy.copy(cflight)
    if os.geteuid() == 0:
        command.prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
    try:
        with command.serving(tmp_path / "served", "--writable") as server:
            for arguments in (("info", server.location, "locked"), ("get", server.location, "--ticket", "locked")):
                done = cflight.run(*arguments)
                assert done.returncode == 1
                assert "INTERNAL: flight 'locked': the server has no permission to read" in done.stderr
                assert "served" not in done.stderr and "locked.arrow" not in done.stderr
            write_file(tmp_path / "new.arrow", SMALL)
            done = cflight.run("put", server.location, "new", tmp_path / "new.arrow")
            assert done.returncode == 1
            assert "INTERNAL: flight 'new': the server has no permission to write" in done.stderr
            server.wait_for_message("Permission denied")
    finally:
        (tmp_path / "served").chmod(0o755)


def upload(client, name, batches, schema=None):
    """Writes batches, reading an answer after each; gives the answers. A server that ends early
    answers nothing more, and close() tells why."""
    answers = []
    writer, reader = client.do_put(path_of(name), schema or batches[0].schema)
    for batch in batches:
        writer.write_batch(batch)
        if (answer := reader.read()) is None:
            break
        answers.append(answer.to_pybytes())
    else:
        writer.done_writing()
        while (answer := reader.read()) is not None:
            answers.append(answer.to_pybytes())
    writer.close()
    return answers


def test_uploads_are_acknowledged_while_they_flow(served):
    """One answer per batch, the rows so far, readable before the next batch is sent."""
    batches = [pa.record_batch({"n": list(range(i + 1))}) for i in range(20)]
    answers = upload(served.client, "deep/er/up", batches)
    assert answers == [b"%d" % (i * (i + 1) // 2) for i in range(1, 21)]
    assert fetch(served.client, "deep/er/up").equals(pa.Table.from_batches(batches))
    assert entries(served.directory / "deep") == ["er", "er/up.arrow"]


def test_a_client_that_reads_no_answers_does_not_stall(served):
    """60,000 batches over a window of 64 KiB, no read: an answer to each would not fit."""
    batch = pa.record_batch({"n": [1]})
    window = [("grpc.http2.lookahead_bytes", 65536), ("grpc.http2.bdp_probe", 0)]
    with fl.connect(served.location, generic_options=window) as client:
        writer, _ = client.do_put(path_of("many"), batch.schema)
        for _ in range(60_000):
            writer.write_batch(batch)
        writer.close()
    assert fetch(served.client, "many").num_rows == 60_000


def test_types_survive_an_upload(served):
    table = pa.table({
        "dictionary": pa.array(["a", "b", "a"]).dictionary_encode(),
        "list": [[1, 2], None, []],
        "struct": [{"x": 1}, {"x": None}, None],
        "view": pa.array(["short", "a text longer than twelve bytes", None], pa.string_view()),
        "decimal": pa.array([1, None, 3], pa.decimal128(20, 2)),
    })
    writer, _ = served.client.do_put(path_of("types"), table.schema)
    writer.write_table(table)
    writer.close()
    assert fetch(served.client, "types").equals(table)
    assert (served.directory / "types.arrows").exists()


def test_a_replaced_dictionary_survives_an_upload(served):
    parts = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "d", "e"]).dictionary_encode()]
    batches = [pa.record_batch({"d": part}) for part in parts]
    upload(served.client, "replaced", batches)
    assert fetch(served.client, "replaced")["d"].to_pylist() == ["a", "b", "c", "d", "e"]


def test_an_existing_flight_is_kept(served):
    with pytest.raises(pa.ArrowException, match="exists"):
        upload(served.client, "small", [pa.record_batch({"other": [1]})])
    assert fetch(served.client, "small").equals(SMALL)


def test_overwrite_replaces(cflight, tmp_path):
    """Also when the new flight is stored under another ending."""
    write_file(tmp_path / "x.arrow", SMALL)
    encoded = pa.record_batch({"d": pa.array(["new"]).dictionary_encode()})
    with cflight.serving(tmp_path, "--writable", "--overwrite") as server:
        with fl.connect(server.location) as client:
            upload(client, "x", [encoded])
            assert fetch(client, "x").num_rows == 1
            assert entries(tmp_path) == ["x.arrows"]
            upload(client, "x", [pa.record_batch({"n": [1, 2]})])
            assert fetch(client, "x").num_rows == 2
            assert entries(tmp_path) == ["x.arrow"]


def test_overwrite_keeps_the_mode(cflight, tmp_path):
    """A file for its owner only stays one, also when the new one has another ending; links to others do too."""
    encoded = pa.record_batch({"d": pa.array(["new"]).dictionary_encode()})
    with cflight.serving(tmp_path, "--writable", "--overwrite") as server, fl.connect(server.location) as client:
        for mode in (0o600, 0o640, 0o666):
            write_file(tmp_path / "x.arrow", SMALL)
            (tmp_path / "x.arrow").chmod(mode)
            upload(client, "x", [pa.record_batch({"n": [1]})])
            assert (tmp_path / "x.arrow").stat().st_mode & 0o777 == mode
            upload(client, "x", [encoded])
            assert entries(tmp_path) == ["x.arrows"]
            assert (tmp_path / "x.arrows").stat().st_mode & 0o777 == mode
            (tmp_path / "x.arrows").unlink()


@pytest.mark.parametrize("has_link", [True, False])
def test_a_directory_that_moves_during_an_upload_takes_nothing_along(served, tmp_path, has_link):
    """Out of the served one, with or without a link to it left in its place."""
    (served.directory / "d").mkdir()
    writer, reader = served.client.do_put(path_of("d", "e", "x"), SMALL.schema)
    writer.write_table(SMALL)
    reader.read()
    (served.directory / "d").rename(tmp_path / "outside")
    if has_link:
        (served.directory / "d").symlink_to("../outside")
    with pytest.raises((pa.ArrowException, fl.FlightError), match="moved or removed during the upload|leads out"):
        writer.done_writing()
        while reader.read() is not None:
            pass
        writer.close()
    assert entries(tmp_path / "outside") == []
    assert "x.arrow" not in " ".join(entries(served.directory))


def test_what_a_killed_server_left_is_swept(cflight, tmp_path):
    """At the next start, by name and only if no process has it; nothing else that is hidden."""
    (tmp_path / "sub").mkdir()
    left = [".x.arrow.cflight-4711-0", "sub/.y.arrows.cflight-1-12"]
    kept = [".hidden.arrow", ".x.arrow.cflight-backup", "sub/.cflight", "x.cflight-1-1"]
    for name in left + kept:
        (tmp_path / name).write_text("x")
    with cflight.serving(tmp_path) as server:
        pass
    assert set(left + kept) <= set(entries(tmp_path))
    with cflight.serving(tmp_path, "--writable") as server:
        server.wait_for_message("removed 2 unfinished uploads")
        assert entries(tmp_path) == sorted(kept + ["sub"])


def one_column(rows):
    return [pa.record_batch({"n": list(range(rows))})]


def test_uploads_stay_within_limits(cflight, tmp_path):
    """Bytes and files in all: what is there counts, what is refused leaves nothing and takes nothing, what is replaced
    or removed makes room."""
    write_file(tmp_path / "there.arrow", pa.table({"n": list(range(1000))}))
    size = (tmp_path / "there.arrow").stat().st_size
    limits = ("--writable", "--overwrite", "--upload-max", size * 3 + size // 2, "--upload-files-max", 4)
    with cflight.serving(tmp_path, *limits) as server, fl.connect(server.location) as client:
        upload(client, "a", one_column(1000))
        with pytest.raises(pa.ArrowException, match=f"its limit is {size * 3 + size // 2} bytes of all flights"):
            upload(client, "b", one_column(3000))
        assert entries(tmp_path) == ["a.arrow", "there.arrow"]
        for _ in range(3):
            upload(client, "a", one_column(1000))
        upload(client, "b", one_column(1))
        upload(client, "c", one_column(1))
        with pytest.raises(pa.ArrowException, match="its limit is 4 flights"):
            upload(client, "d", one_column(1))
        upload(client, "c", one_column(2))
        (tmp_path / "a.arrow").unlink()
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("flights were counted again")
        upload(client, "d", one_column(1000))
        assert entries(tmp_path) == ["b.arrow", "c.arrow", "d.arrow", "there.arrow"]
    done = cflight.run("serve", tmp_path, "--upload-max", "1M")
    assert done.returncode == 2 and "--writable" in done.stderr


def test_one_user_cannot_take_the_room_of_others(cflight, tmp_path):
    """Each has a share, which is known after a restart where the file system keeps attributes."""
    users = tmp_path / "users"
    users.write_text(f"alice:{HASH}\nbob:{HASH}\n")
    (tmp_path / "data").mkdir()
    limits = ("--writable", "--auth-file", users, "--upload-user-max", 20_000)

    def put(client, user, name, rows):
        options = fl.FlightCallOptions(headers=[client.authenticate_basic_token(user, "s3cret")])
        writer, _ = client.do_put(path_of(name), one_column(1)[0].schema, options)
        with writer:
            writer.write_batch(one_column(rows)[0])

    with cflight.serving(tmp_path / "data", *limits) as server, fl.connect(server.location) as client:
        put(client, "alice", "a1", 1500)
        with pytest.raises(pa.ArrowException, match="its limit is 20000 bytes of one user"):
            put(client, "alice", "a2", 1500)
        put(client, "bob", "b1", 1500)
        put(client, "alice", "a3", 500)
    try:
        kept = os.getxattr(tmp_path / "data/a1.arrow", "user.cflight.uploader") == b"user alice"
    except OSError:
        kept = False
    if kept:
        with cflight.serving(tmp_path / "data", *limits) as server, fl.connect(server.location) as client:
            with pytest.raises(pa.ArrowException, match="its limit is 20000 bytes of one user"):
                put(client, "alice", "a4", 1500)
            put(client, "bob", "b2", 500)


def test_a_client_that_leaves_is_no_damage_of_files(cflight, tmp_path):
    """It prints a line of a list that is larger than all windows, and is killed; the operator is not told that files
    are bad."""
    directory = tmp_path / ("d" * 200) / ("e" * 200)
    write_file(directory / "a.arrow", SMALL)
    for i in range(4000):
        os.link(directory / "a.arrow", directory / f"{i:0190}.arrow")
    with cflight.serving(tmp_path, "--writable") as server:
        for _ in range(4):
            lister = cflight.start("list", server.location)
            lister.stdout.readline()
            lister.kill()
            lister.communicate()
        with fl.connect(server.location) as client:
            upload(client, "last", [pa.record_batch({"n": [1]})])
            server.wait_for_message("stored 'last'")
    assert "left out" not in server.messages()


def test_of_two_uploads_at_once_one_wins(served):
    """Eight threads store the same name: one succeeds, the others learn that it exists."""
    outcomes = []

    def put(number):
        try:
            with fl.connect(served.location) as client:
                upload(client, "race", [pa.record_batch({"n": [number] * 1000})])
            outcomes.append(number)
        except pa.ArrowException as error:
            assert "exists" in str(error)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    assert set(fetch(served.client, "race")["n"].to_pylist()) == set(outcomes)


def test_without_writable_uploads_are_refused(cflight, tmp_path):
    with cflight.serving(tmp_path) as server, fl.connect(server.location) as client:
        with pytest.raises((pa.ArrowNotImplementedError, fl.FlightError)):
            upload(client, "x", [pa.record_batch({"n": [1]})])
    assert entries(tmp_path) == []


BIG = pa.record_batch({"n": list(range(100_000))})


def test_an_upload_past_its_deadline_leaves_nothing(served):
    before = entries(served.directory)
    writer, reader = served.client.do_put(path_of("new/broken"), BIG.schema,
                                          fl.FlightCallOptions(timeout=0.5))
    with pytest.raises((fl.FlightError, pa.ArrowException)):
        while True:
            writer.write_batch(BIG)
            reader.read()
    served.wait_for_message("upload refused or broken")
    assert entries(served.directory) == before


UPLOAD_FOREVER = """
import sys, pyarrow as pa, pyarrow.flight as fl
client = fl.connect(sys.argv[1])
batch = pa.record_batch({"n": list(range(100_000))})
writer, reader = client.do_put(fl.FlightDescriptor.for_path("new/broken"), batch.schema)
while True:
    writer.write_batch(batch)
    reader.read()
    print("sent", flush=True)
"""


def start_endless_upload(server):
    process = subprocess.Popen([sys.executable, "-c", UPLOAD_FOREVER, server.location],
                               stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout.readline() == "sent\n"
    return process


def test_a_killed_uploader_leaves_nothing(served):
    before = entries(served.directory)
    process = start_endless_upload(served)
    process.kill()
    process.communicate()
    served.wait_for_message("upload refused or broken")
    assert entries(served.directory) == before


def test_a_killed_server_leaves_nothing(cflight, tmp_path):
    """Where the file system has unnamed files; elsewhere a hidden file may stay."""
    with cflight.serving(tmp_path, "--writable") as server:
        process = start_endless_upload(server)
        server.process.kill()
        server.process.wait()
        process.kill()
        process.communicate()
    assert [name for name in entries(tmp_path) if not name.startswith(".")] == []
    if os.uname().sysname == "Linux":
        assert entries(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_nothing(cflight, tmp_path):
    """A limit on file sizes stands in for the disk."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    process = cflight.start("serve", tmp_path, "--writable", "--listen", "grpc://localhost:0",
                            preexec_fn=limit)
    try:
        location = process.stdout.readline().split()[-1]
        with fl.connect(location) as client:
            with pytest.raises((pa.ArrowException, OSError), match="File too large"):
                upload(client, "x", [BIG] * 10)
            upload(client, "y", [pa.record_batch({"n": [1]})])
        assert entries(tmp_path) == ["y.arrow"]
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_an_idle_server(cflight, tmp_path, number):
    with cflight.serving(tmp_path) as server:
        assert server.stop(number) == 0


def test_running_calls_may_finish(cflight, tmp_path):
    """A signal in the middle of an upload: it still succeeds, and then the server ends with 0."""
    with cflight.serving(tmp_path, "--writable") as server:
        with fl.connect(server.location) as client:
            writer, reader = client.do_put(path_of("x"), BIG.schema)
            writer.write_batch(BIG)
            reader.read()
            server.process.send_signal(signal.SIGTERM)
            writer.write_batch(BIG)
            reader.read()
            writer.close()
        assert server.process.wait(60) == 0
    assert entries(tmp_path) == ["x.arrow"]


def test_a_second_signal_cuts(cflight, tmp_path):
    with cflight.serving(tmp_path, "--writable") as server:
        with fl.connect(server.location) as client:
            writer, reader = client.do_put(path_of("x"), BIG.schema)
            writer.write_batch(BIG)
            reader.read()
            server.process.send_signal(signal.SIGTERM)
            while server.process.poll() is None:
                server.process.send_signal(signal.SIGTERM)
                try:
                    server.process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
            with pytest.raises(pa.ArrowException):
                writer.write_batch(BIG)
                writer.close()
        assert server.process.returncode == 0
    assert entries(tmp_path) == []


def test_the_grace_ends(cflight, tmp_path):
    with cflight.serving(tmp_path, "--writable", "--grace", "0.2") as server:
        with fl.connect(server.location) as client:
            writer, reader = client.do_put(path_of("x"), BIG.schema)
            writer.write_batch(BIG)
            reader.read()
            assert server.stop() == 0
    assert entries(tmp_path) == []


NOISE = [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    bytes(100_000),
    b"\x00",
]


@pytest.mark.parametrize("noise", range(len(NOISE)))
def test_noise_on_the_port_harms_nobody(served, noise):
    """Garbage, HTTP/1.1 and half a preface: others are served on."""
    with socket.create_connection(("localhost", served.port)) as connection:
        connection.settimeout(10)
        try:
            connection.sendall(NOISE[noise])
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except (ConnectionError, socket.timeout, OSError):
            pass
    assert fetch(served.client, "small").equals(SMALL)


def test_a_used_address_is_told(cflight, served, tmp_path):
    done = cflight.run("serve", tmp_path, "--listen", served.location)
    assert done.returncode == 1
    assert "ALREADY_EXISTS" in done.stderr


def test_a_missing_directory_is_told(cflight, tmp_path):
    done = cflight.run("serve", tmp_path / "nothing")
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr


HASH = ("$6$cflight$tX45BKchXAh6A4bUBoI7oGcSMhHTRTNH.aPw82GUfmtDg6AlN"
        "AY07dCB3ZWc3cbgsxT9iJwIBHiareLAucFoj.")


def test_only_known_users_are_let_in(cflight, tmp_path):
    """By the command and by pyarrow; SIGHUP takes new users, and keeps the old ones when the file is bad."""
    users = tmp_path / "users"
    users.write_text(f"# comment\nalice:{HASH}\n")
    (tmp_path / "data").mkdir()
    write_file(tmp_path / "data/x.arrow", SMALL)
    with cflight.serving(tmp_path / "data", "--auth-file", users) as server:
        command = ("list", server.location)
        good, bad = {"CFLIGHT_PASSWORD": "s3cret"}, {"CFLIGHT_PASSWORD": "wrong"}
        assert cflight.run(*command).returncode == 6
        assert cflight.run(*command, "--user", "alice", env=bad).returncode == 6
        assert cflight.run(*command, "--user", "bob", env=good).returncode == 6
        assert cflight.run(*command, env={"CFLIGHT_TOKEN": "made up"}).returncode == 6
        assert cflight.run(*command, "--user", "alice", env=good, check=True).stdout.startswith("x\t")

        with fl.connect(server.location) as client:
            with pytest.raises(fl.FlightUnauthenticatedError):
                fetch(client, "x")
            header = client.authenticate_basic_token("alice", "s3cret")
            options = fl.FlightCallOptions(headers=[header])
            assert client.do_get(fl.Ticket("x"), options).read_all().equals(SMALL)

        users.write_text("broken")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("what was read before stays")
        cflight.run(*command, "--user", "alice", env=good, check=True)
        users.write_text(f"bob:{HASH}\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("users were read again; 3 tokens ended")
        cflight.run(*command, "--user", "bob", env=good, check=True)
        assert cflight.run(*command, "--user", "alice", env=good).returncode == 6
        assert "s3cret" not in server.messages()


def test_a_user_who_was_removed_is_out(cflight, tmp_path):
    """At the next SIGHUP, whoever else stays; and so is one whose password was changed."""
    users = tmp_path / "users"
    users.write_text(f"alice:{HASH}\nbob:{HASH}\ncarol:{HASH}\n")
    (tmp_path / "data").mkdir()
    with cflight.serving(tmp_path / "data", "--auth-file", users) as server, fl.connect(server.location) as client:
        logins = {name: fl.FlightCallOptions(headers=[client.authenticate_basic_token(name, "s3cret")])
                  for name in ("alice", "bob", "carol")}
        for options in logins.values():
            assert list(client.list_flights(options=options)) == []
        users.write_text(f"bob:{HASH}\ncarol:!{HASH}\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("users were read again; 2 tokens ended")
        for name in ("alice", "carol"):
            with pytest.raises(fl.FlightUnauthenticatedError):
                list(client.list_flights(options=logins[name]))
        assert list(client.list_flights(options=logins["bob"])) == []


def test_a_failed_login_is_a_line_that_tools_can_read(cflight, tmp_path):
    """As the guide has it for a tool that bans addresses; a name cannot forge a line."""
    guide = (cflight_command.ROOT / "docs/guide/authenticate.md").read_text()
    expression = re.search(r"^failregex = (.*)$", guide, re.MULTILINE)[1].replace("<ADDR>", r"(?P<addr>[0-9a-f.:]+)")
    users = tmp_path / "users"
    users.write_text(f"alice:{HASH}\n")
    (tmp_path / "data").mkdir()
    names = ["alice", "nobody", "' x\ncflight: login failed from 9.9.9.9 port 1 for 'x", "\u00e4" * 100]
    with cflight.serving(tmp_path / "data", "--auth-file", users, listen="grpc://127.0.0.1:0") as server:
        for name in names:
            with fl.connect(server.location) as client, pytest.raises(fl.FlightUnauthenticatedError):
                client.authenticate_basic_token(name, "wrong")
    found = [match["addr"] for match in (re.search(expression, line) for line in server.lines) if match]
    assert found == ["127.0.0.1"] * len(names), server.messages()
    assert all(len(line) < 400 for line in server.lines)


def test_values_that_make_no_sense_are_usage_errors(cflight, tmp_path):
    for option, value in (("--tls-min-version", "1.1"), ("--metadata-max", "2G"), ("--grace", "soon")):
        done = cflight.run("serve", tmp_path, option, value)
        assert done.returncode == 2 and option in done.stderr and f"'{value}'" in done.stderr, done.stderr


def test_users_are_kept_safe_or_an_option_says_otherwise(cflight, tmp_path):
    """A file that others may write, and passwords that cross a network in plain text."""
    users = tmp_path / "users"
    users.write_text(f"alice:{HASH}\n")
    (tmp_path / "data").mkdir()
    command = ("serve", tmp_path / "data", "--auth-file", users)
    for place in ("grpc://0.0.0.0:0", "grpc://[::]:0", "grpc://127.example.com:0"):
        done = cflight.run(*command, "--listen", place)
        assert done.returncode == 2 and "--allow-plain-passwords" in done.stderr
    with cflight.serving(tmp_path / "data", "--auth-file", users, "--allow-plain-passwords", listen="grpc://0.0.0.0:0"):
        pass
    users.chmod(0o620)
    done = cflight.run(*command, "--listen", "grpc://localhost:0")
    assert done.returncode == 1 and "mode 0620" in done.stderr and "--allow-writable-auth-file" in done.stderr
    with cflight.serving(tmp_path / "data", "--auth-file", users, "--allow-writable-auth-file"):
        pass
    users.chmod(0o600)
    with cflight.serving(tmp_path / "data", "--auth-file", users) as server:
        users.chmod(0o606)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_message("users were not taken, what was read before stays")
    done = cflight.run("serve", tmp_path / "data", "--allow-plain-passwords")
    assert done.returncode == 2 and "--auth-file" in done.stderr


def test_unix_sockets_are_served(cflight, shared_data, tmp_path):
    location = f"grpc+unix://{tmp_path}/socket"
    with cflight.serving(shared_data, listen=location) as server:
        assert server.location == location
        with fl.connect(location) as client:
            assert fetch(client, "flights-200k").num_rows == 200_000
        done = cflight.run("get", location, "flights-200k", "-o", "-", "--format", "csv", check=True)
        assert done.stdout.count("\n") == 200_001


def test_golden_files_arrive_equal(cflight, shared_data, tmp_path):
    """Every golden file and stream that pyarrow reads, through the server and back."""
    golden = shared_data / "arrow-testing/integration"
    expected = {}
    for source in sorted(golden.glob("*/*.arrow_file")) + sorted(golden.glob("*/*.stream")):
        is_file = source.suffix == ".arrow_file"
        name = f"{source.parent.name}/{source.stem}{'' if is_file else '-stream'}"
        target = tmp_path / (name + (".arrow" if is_file else ".arrows"))
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
        open_it = pa.ipc.open_file if is_file else pa.ipc.open_stream
        expected[name] = open_it(source.read_bytes()).read_all()
    assert len(expected) > 100
    with cflight.serving(tmp_path) as server, fl.connect(server.location) as client:
        for name, table in expected.items():
            actual = fetch(client, name)
            assert actual.schema.equals(table.schema, check_metadata=True), name
            assert actual.num_rows == table.num_rows, name
            for a, b in zip(actual.columns, table.columns):
                assert a.equals(b) or repr(a.to_pylist()) == repr(b.to_pylist()), name
            info = client.get_flight_info(path_of(name))
            assert info.total_records == table.num_rows, name
        assert {info.descriptor.path[0].decode() for info in client.list_flights()} == set(expected)


def write_batches(path, writer_of, count=64, rows=100_000):
    """Batches whose every byte counts: texts, which are looked at, and numbers, which are not."""
    table = pa.table({"t": [f"{i:09}" for i in range(rows)], "n": pa.array(range(1, rows + 1), pa.int64())})
    with pa.OSFile(str(path), "wb") as sink, writer_of(sink, table.schema) as writer:
        for _ in range(count):
            writer.write_table(table)


def cut(path):
    os.truncate(path, 1_000_000)


def write_anew(path):
    """What `cp` does: the same file with other content, of another size."""
    content = path.read_bytes()
    with open(path, "wb") as file:
        file.write(content[:5_000_000])


@pytest.mark.parametrize("change", [cut, write_anew])
@pytest.mark.parametrize("ending, writer_of", [(".arrow", pa.ipc.new_file), (".arrows", pa.ipc.new_stream)])
def test_a_file_that_changes_while_it_is_sent_fails_alone(served, ending, writer_of, change):
    """More is to come than sockets and windows hold when the mapped file loses its pages. The call
    must fail, the server must live, and other flights must not notice."""
    path = served.directory / f"big{ending}"
    write_batches(path, writer_of)
    with fl.connect(served.location) as other:
        reader = other.do_get(fl.Ticket("big"))
        reader.read_chunk()
        change(path)
        with pytest.raises((fl.FlightError, pa.ArrowException, OSError)):
            while True:
                reader.read_chunk()
    served.wait_for_message("flight 'big': the file was written into or cut while it was read")
    assert fetch(served.client, "small").equals(SMALL)
    path.unlink()
    names = [info.descriptor.path[0] for info in served.client.list_flights()]
    assert names == [b"small", b"sub/stream"]


def test_without_writable_the_client_is_told_why(cflight, tmp_path):
    write_file(tmp_path / "small.arrow", SMALL)
    with cflight.serving(tmp_path) as server:
        done = cflight.run("put", server.location, "x", tmp_path / "small.arrow")
    assert done.returncode == 1 and "UNIMPLEMENTED" in done.stderr
    assert "takes no uploads" in done.stderr and "--writable" in done.stderr
    assert entries(tmp_path) == ["small.arrow"]


def test_a_place_without_a_scheme_is_listened_on(cflight, tmp_path):
    with cflight.serving(tmp_path, listen="localhost:0") as server:
        assert server.location.startswith("grpc://localhost:")
        cflight.run("list", server.location, check=True)


def test_a_name_is_escaped_once(served, cflight):
    """The server escapes what it puts into a message, and the command what it shows."""
    (served.directory / "a\x1bb.arrow").touch()
    done = cflight.run("get", served.location, "x\x1by")
    assert "'x\\x1by' cannot be the name of a flight" in done.stderr
    cflight.run("list", served.location, check=True)
    served.wait_for_message("'a\\x1bb' cannot be the name of a flight")


def test_refused_uploads_are_summed_up(cflight, tmp_path):
    """Goal: a flood of uploads that are refused is not a flood of lines. Method: a hundred, and then the server ends."""
    with cflight.serving(tmp_path, "--writable") as server:
        with fl.connect(server.location) as client:
            for _ in range(100):
                with pytest.raises(pa.ArrowInvalid):
                    writer, _ = client.do_put(path_of("../x"), BIG.schema)
                    writer.close()
        assert server.stop() == 0
    said = [line for line in server.lines if "upload refused or broken" in line]
    assert 11 <= len(said) < 60  # on a machine that takes seconds for it
    assert sum(int(line.split()[3]) if " lines were left out, the last of them: " in line else 1 for line in said) == 100
