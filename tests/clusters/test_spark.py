# SPDX-License-Identifier: Apache-2.0
"""Spark 4 over `cflight serve`, on two threads of this machine."""

import clusters
import pyarrow as pa
import pytest
from conftest import flight_rows

import cflight as flight


@pytest.fixture(scope="module")
def spark():
    import spark_cluster

    session = spark_cluster.start()
    yield session
    session.stop()


def reading(spark, location):
    return spark.read.format("flight").option("location", location)


def test_the_example(spark, location):
    import spark_cluster

    assert spark_cluster.run(spark, location) == (clusters.COUNTS, clusters.LETTERS, 1000)
    assert clusters.normal(flight_rows("few", location)).equals(clusters.WORDS.slice(0, 1000))


def test_rows_are_those_of_the_file(spark, location):
    words = reading(spark, location).load("words")
    assert words.dtypes == [("n", "bigint"), ("word", "string")] and words.rdd.getNumPartitions() == 8
    assert clusters.normal(words.toArrow()).sort_by("n").equals(clusters.WORDS)
    assert words.select("word").distinct().count() == len(clusters.COUNTS)


@pytest.mark.parametrize("options,text", [({}, "needs the option 'location'"), ({"location": "x"}, "needs a path")])
def test_options_that_are_missing(spark, options, text):
    with pytest.raises(Exception, match=text):
        spark.read.format("flight").options(**options).load()


def test_servers_are_killed_while_they_are_read(spark, command):
    def read(plan, locations):
        words = reading(spark, ",".join(locations)).option("spread", "false").load("words")
        return clusters.normal(words.toArrow())

    clusters.KilledWhileRead(command, read).run(20)


class Planner(flight.FlightServerBase):
    """Tells of endpoints at a place where nobody listens."""

    def get_flight_info(self, context, descriptor):
        endpoints = [flight.FlightEndpoint(str(i), ["grpc://127.0.0.1:1"]) for i in range(8)]
        return flight.FlightInfo(clusters.WORDS.schema, descriptor, endpoints, -1, -1)


def test_without_replicas_the_endpoint_is_named(spark):
    with Planner("grpc://127.0.0.1:0") as server:
        words = reading(spark, server.location.uri.decode()).option("attempts", "1").load("words")
        with pytest.raises(Exception, match=r"endpoint \d of 8 of 'words' could not be read"):
            words.collect()


class Growing(flight.FlightServerBase):
    """A flight that grows: a thousand rows in each endpoint, of which polls tell as many as there are."""

    def __init__(self):
        super().__init__("grpc://127.0.0.1:0")
        self.count = 0
        self.generation = 0

    def get_schema(self, context, descriptor):
        return flight.SchemaResult(clusters.WORDS.schema)

    def poll_flight_info(self, context, descriptor):
        endpoints = [flight.FlightEndpoint(f"{self.generation} {i}", []) for i in range(self.count)]
        return flight.PollInfo(flight.FlightInfo(clusters.WORDS.schema, descriptor, endpoints, -1, -1), descriptor)

    def get_flight_info(self, context, descriptor):
        return self.poll_flight_info(context, descriptor).info

    def do_get(self, context, ticket):
        place = int(ticket.ticket.split()[-1])
        return flight.RecordBatchStream(clusters.WORDS.slice(1000 * place, 1000))


class Stream:
    """A streaming query of a flight. What it has read is written behind a mark: the number of its micro-batch."""

    def __init__(self, spark, server, folder):
        self.words = spark.readStream.format("flight").option("location", server.location.uri.decode()).load("words")
        self.checkpoint = str(folder / "checkpoint")
        self.parts = {}
        self.fails_before = self.fails_behind = None

    def take(self, rows, number):
        if number == self.fails_before:
            raise OSError("the driver died before it had taken the rows")
        self.parts[number] = rows.toArrow()
        if number == self.fails_behind:
            raise OSError("the driver died when it had taken the rows")

    def run(self):
        """Until all has been read that there is, or the query fails."""
        query = self.words.writeStream.foreachBatch(self.take).option("checkpointLocation", self.checkpoint).start()
        try:
            query.processAllAvailable()
        finally:
            query.stop()

    def rows(self):
        return clusters.normal(pa.concat_tables(self.parts.values())).sort_by("n")


def test_a_stream_reads_each_endpoint_once_also_when_it_is_started_again(spark, tmp_path):
    with Growing() as server:
        server.count = 3
        stream = Stream(spark, server, tmp_path)
        stream.run()
        assert stream.rows().equals(clusters.WORDS.slice(0, 3000))
        for fails in ("fails_before", "fails_behind"):
            server.count += 2
            number = len(stream.parts)
            setattr(stream, fails, number)
            with pytest.raises(Exception, match="the driver died"):
                stream.run()
            setattr(stream, fails, None)
            server.count += 1  # what came meanwhile belongs to a micro-batch of its own
            stream.run()
            assert stream.parts[number].num_rows == 2000 and stream.parts[number + 1].num_rows == 1000
        assert stream.rows().equals(clusters.WORDS.slice(0, 9000))


def test_a_stream_does_not_go_on_with_the_endpoints_of_another_query(spark, tmp_path):
    with Growing() as server:
        server.count = 3
        stream = Stream(spark, server, tmp_path)
        stream.run()
        server.generation, server.count = 1, 5
        with pytest.raises(Exception, match="first 3 endpoints are not those that had been read"):
            stream.run()
        assert stream.rows().equals(clusters.WORDS.slice(0, 3000))


def test_parts_that_are_written_twice_are_there_once(spark, location, tmp_path):
    """Each task writes its rows, fails behind the last of them, and is run again by Spark."""
    words = reading(spark, location).load("words").cache()
    words.count()
    folder = str(tmp_path)
    for i in range(20):

        def once(batches, i=i):
            import pathlib

            from pyspark import TaskContext

            yield from batches
            mark = pathlib.Path(folder, f"{i}-{TaskContext.get().partitionId()}")
            if not mark.exists():
                mark.touch()
                raise OSError("the worker died after it had read its rows")

        again = words.mapInArrow(once, words.schema)
        again.write.format("flight").mode("append").option("location", location).save(f"copy{i}")
        assert clusters.normal(flight_rows(f"copy{i}", location)).equals(clusters.WORDS)


def test_a_part_that_fails_leaves_nothing(spark, location):
    words = reading(spark, location).load("words").cache()

    def fail(batches):
        yield from batches
        raise OSError("the worker is out of disk")

    for _ in range(20):
        with pytest.raises(Exception, match="out of disk"):
            words.mapInArrow(fail, words.schema).write.format("flight").mode("append").option(
                "location", location).save("bad")
        with pytest.raises(Exception, match="there is no flight 'bad'"):
            flight.endpoints("bad", location)


def keep_filters(filters):
    """A plan that keeps nothing of what a query filters by."""
    return flight.FlightDescriptor.for_path("words"), filters


def test_a_plan_is_told_of_filters(spark, location):
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    try:
        words = reading(spark, location).option("plan", "test_spark:keep_filters").load("words")
        assert words.filter("n >= 79000").count() == 1000
    finally:
        spark.conf.set("spark.sql.python.filterPushdown.enabled", "false")
