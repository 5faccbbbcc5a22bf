# SPDX-License-Identifier: Apache-2.0
"""What `cflight serve` knows of files from having read them is never told of files that have changed since."""

import contextlib
import os
import time

import pyarrow as pa
import pyarrow.flight as fl
import pytest

KEPT_AFTER_S = 4.5  # three seconds and what a comparison of whole seconds adds (cli/serve/facts.c)


def write(path, column):
    """Files of the same size, whatever the name of the column."""
    table = pa.table({column: [1, 2, 3]})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def columns(client, name):
    """What info, schema and list say; None where they know nothing of it."""
    def from_list():
        infos = {info.descriptor.path[0].decode(): info for info in client.list_flights()}
        return infos[name].schema

    found = []
    for ask in (lambda: client.get_flight_info(fl.FlightDescriptor.for_path(name)).schema,
                lambda: client.get_schema(fl.FlightDescriptor.for_path(name)).schema, from_list):
        try:
            found.append(ask().names)
        except KeyError:
            found.append(None)
    assert found[0] == found[1] == found[2], found
    return found[0]


def write_into(directory, client):
    """Size and time of modification are as before."""
    path = directory / "flight.arrow"
    before = path.stat()
    write(path, "new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    return ["new"]


def rename_over(directory, client):
    write(directory / "other", "new")
    os.rename(directory / "other", directory / "flight.arrow")
    return ["new"]


def add_a_link_that_goes_before(directory, client):
    os.rename(directory / "flight.arrow", directory / "flight.feather")
    assert columns(client, "flight") == ["old"]
    os.symlink("second.arrow", directory / "flight.arrow")
    return ["new"]


def upload(directory, client):
    table = pa.table({"new": [1, 2, 3]})
    writer, _ = client.do_put(fl.FlightDescriptor.for_path("flight"), table.schema)
    writer.write_table(table)
    writer.close()
    return ["new"]


def remove(directory, client):
    os.unlink(directory / "flight.arrow")
    return None


def cut(directory, client):
    os.truncate(directory / "flight.arrow", 0)
    return None


CHANGES = [write_into, rename_over, add_a_link_that_goes_before, upload, remove, cut]


@pytest.fixture(scope="module")
def settled(cflight, tmp_path_factory):
    """A directory for each change, whose files have been as they are for long enough to be known, and a server of
    each that was asked about them all the while."""
    directories = {}
    for change in CHANGES:
        directory = directories[change] = tmp_path_factory.mktemp(change.__name__)
        write(directory / "flight.arrow", "old")
        write(directory / "second.arrow", "new")
    end = time.monotonic() + KEPT_AFTER_S
    with contextlib.ExitStack() as stack:
        served = {}
        for change, directory in directories.items():
            server = stack.enter_context(cflight.serving(directory, "--writable", "--overwrite"))
            served[change] = directory, stack.enter_context(fl.connect(server.location))
        while time.monotonic() < end:
            for _, client in served.values():
                assert columns(client, "flight") == ["old"]
        yield served


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_is_seen_by_the_next_call(settled, change):
    directory, client = settled[change]
    expected = change(directory, client)
    if change is cut:
        with pytest.raises(OSError, match="the file is empty"):
            client.get_schema(fl.FlightDescriptor.for_path("flight"))
        assert [info.descriptor.path[0] for info in client.list_flights()] == [b"second"]
    else:
        assert columns(client, "flight") == expected


def test_a_change_is_seen_while_nothing_is_known_yet(cflight, tmp_path):
    """Files that change again and again within one tick of the file system's clock."""
    with cflight.serving(tmp_path) as server, fl.connect(server.location) as client:
        for i in range(200):
            column = f"c{i:03}"
            write(tmp_path / "flight.arrow", column)
            assert columns(client, "flight") == [column]
