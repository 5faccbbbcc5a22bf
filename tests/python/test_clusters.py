# SPDX-License-Identifier: Apache-2.0
"""Dask with worker processes, Polars and DuckDB, over four servers of one folder."""

import pathlib
import sys

import dask
import duckdb
import pyarrow as pa
import pytest
from dask.distributed import Client, LocalCluster

import cflight as flight
import cflight.dask
from cflight.duckdb import flight_scan
from cflight.polars import scan_flight

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import cflight_command  # noqa: E402
import clusters  # noqa: E402


@pytest.fixture(scope="module")
def command():
    path = cflight_command.find_command()
    assert path is not None, "the command cflight is not built; set CFLIGHT_BIN"
    return str(path)


@pytest.fixture(scope="module")
def workers():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        yield cluster


@pytest.fixture
def location(command):
    with clusters.servers.running_servers(command) as (locations, _):
        yield locations[0]


def table_of(frame):
    return clusters.normal(pa.Table.from_pandas(frame.compute(), preserve_index=False))


def test_the_example(workers, location):
    import dask_cluster

    assert dask_cluster.run(location) == (clusters.COUNTS, clusters.LETTERS, 1000)
    few = pa.concat_tables([r.read().read_all() for r in flight.endpoints("few", location)])
    assert few.sort_by("n").equals(clusters.WORDS.slice(0, 1000))


def test_polars_and_duckdb_in_the_example(location):
    import polars_duckdb

    expected = (clusters.COUNTS, clusters.LETTERS)
    assert polars_duckdb.run_polars(location) == expected and polars_duckdb.run_duckdb(location) == expected


def test_rows_and_types_are_those_of_the_file(workers, location):
    frame = cflight.dask.read_flight("words", location)
    assert frame.npartitions == 8 and table_of(frame).equals(clusters.WORDS)
    assert frame["n"].sum().compute() == sum(range(clusters.WORDS.num_rows))
    only = cflight.dask.read_flight("words", location, columns=["word"])
    assert list(only.columns) == ["word"] and len(only) == clusters.WORDS.num_rows
    assert str(cflight.dask.read_flight("words", location, arrow_types=False).n.dtype) == "int64"
    bag = cflight.dask.read_flight_bag("lengths", location)
    assert sorted(bag.pluck("length").compute()) == sorted(clusters.LENGTHS["length"].to_pylist())


def test_servers_are_killed_while_they_are_read(workers, command):
    """Twenty times: the rows are the same."""

    def read(plan, locations):
        return table_of(cflight.dask.read_flight(plan, locations[1], spread=False))

    clusters.KilledWhileRead(command, read).run(20)


def test_servers_are_killed_while_polars_and_duckdb_read(command):
    def by_polars(plan, locations):
        return clusters.normal(scan_flight(plan, locations[1], spread=False).collect().to_arrow())

    def by_duckdb(plan, locations):
        words = flight_scan(plan, locations[1], spread=False)  # noqa: F841 (found by its name)
        return clusters.normal(duckdb.sql("SELECT * FROM words").to_arrow_table())

    clusters.KilledWhileRead(command, by_polars, step_s=0.004).run(20)
    clusters.KilledWhileRead(command, by_duckdb, step_s=0.004).run(20)


def test_without_replicas_the_endpoint_is_named(workers, command):
    with clusters.servers.running_servers(command, count=1) as (locations, processes):
        frame = cflight.dask.read_flight("words", locations[0], attempts=1)
        processes[0].kill()
        with pytest.raises(flight.FlightUnavailableError, match=r"endpoint \d of 8 of 'words' could not be read"):
            frame.compute()


class Once:
    """Fails the first time that it sees a partition, when that has been written."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, part, frame, schema):
        receipt = cflight.dask._write(part, frame, schema)
        try:
            (self.folder / str(part.number)).touch(exist_ok=False)
        except FileExistsError:
            return receipt
        raise OSError("the worker died after it had written")


def test_partitions_that_are_written_twice_are_there_once(workers, location, tmp_path, monkeypatch):
    """Twenty flights, each partition of which is tried twice."""
    words = cflight.dask.read_flight("words", location)
    for i in range(20):
        marks = tmp_path / str(i)
        marks.mkdir()
        upload = flight.writers(f"copy{i}", words.npartitions, location)
        write = dask.delayed(Once(marks), pure=False)
        tasks = [write(part, frame, clusters.WORDS.schema) for part, frame in zip(upload.parts, words.to_delayed())]
        assert upload.commit(dask.compute(*tasks, retries=2)) == clusters.WORDS.num_rows
        copy = pa.concat_tables([r.read().read_all() for r in flight.endpoints(f"copy{i}", location)])
        assert copy.sort_by("n").equals(clusters.WORDS)


def test_a_partition_that_fails_leaves_nothing(workers, location):
    def fail(frame):
        if frame.n.min() > 20_000:
            raise OSError("the worker is out of disk")
        return frame

    words = cflight.dask.read_flight("words", location)
    bad = words.map_partitions(fail, meta=words._meta)
    for _ in range(20):
        with pytest.raises(OSError, match="out of disk"):
            cflight.dask.to_flight(bad, "bad", location)
        with pytest.raises(Exception, match="there is no flight 'bad'"):
            flight.endpoints("bad", location)
    assert cflight.dask.to_flight(words, "bad", location) == clusters.WORDS.num_rows
