# SPDX-License-Identifier: Apache-2.0
"""Ray Data over `cflight serve`, with worker processes."""

import clusters
import pyarrow as pa
import pytest
import ray
from conftest import flight_rows

import cflight as flight
import cflight.ray


@pytest.fixture(scope="module", autouse=True)
def workers():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1",
             object_store_memory=100 << 20)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.retried_io_errors = []
    yield
    ray.shutdown()


def table_of(dataset):
    return clusters.normal(pa.concat_tables(ray.get(dataset.to_arrow_refs())))


def test_the_example(location):
    import ray_cluster

    assert ray_cluster.run(location) == (clusters.COUNTS, clusters.LETTERS, 1000)
    assert clusters.normal(flight_rows("few", location)).equals(clusters.WORDS.slice(0, 1000))


def test_rows_and_types_are_those_of_the_file(location):
    dataset = cflight.ray.read_flight("words", location)
    assert dataset.schema().base_schema.equals(clusters.WORDS.schema)
    assert table_of(dataset).sort_by("n").equals(clusters.WORDS)


def test_servers_are_killed_while_they_are_read(command):
    clusters.KilledWhileRead(
        command, lambda plan, locations: table_of(cflight.ray.read_flight(plan, locations[1], spread=False))).run(20)


def test_without_replicas_the_endpoint_is_named(command):
    with clusters.servers.running_servers(command, count=1) as (locations, processes):
        dataset = cflight.ray.read_flight("words", locations[0], attempts=1)
        processes[0].kill()
        with pytest.raises(Exception, match=r"endpoint \d of 8 of 'words' could not be read"):
            dataset.materialize()


class TwiceSink(cflight.ray.FlightDatasink):
    """Each task writes its part, fails, and is run again by Ray."""

    def __init__(self, folder, *arguments):
        super().__init__(*arguments)
        self._folder = folder

    def write(self, blocks, ctx):
        receipt = super().write(blocks, ctx)
        try:
            (self._folder / str(ctx.task_idx)).touch(exist_ok=False)
        except FileExistsError:
            return receipt
        raise OSError("the worker died after it had written")


def test_parts_that_are_written_twice_are_there_once(location, tmp_path):
    words = cflight.ray.read_flight("words", location).materialize()
    for i in range(20):
        marks = tmp_path / str(i)
        marks.mkdir()
        sink = TwiceSink(marks, f"copy{i}", location)
        words.write_datasink(sink, ray_remote_args={"max_retries": 3, "retry_exceptions": True})
        assert sink.rows == clusters.WORDS.num_rows and list(marks.iterdir())
        assert clusters.normal(flight_rows(f"copy{i}", location)).equals(clusters.WORDS)


def test_a_part_that_fails_leaves_nothing(location):
    class FailingSink(cflight.ray.FlightDatasink):
        def write(self, blocks, ctx):
            receipt = super().write(blocks, ctx)
            if ctx.task_idx == 0:
                raise OSError("the worker is out of disk")
            return receipt

    words = cflight.ray.read_flight("words", location).materialize()
    for _ in range(20):
        with pytest.raises(Exception, match="out of disk"):
            words.write_datasink(FailingSink("bad", location), ray_remote_args={"max_retries": 0})
        with pytest.raises(Exception, match="there is no flight 'bad'"):
            flight.endpoints("bad", location)
