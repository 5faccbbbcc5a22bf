# SPDX-License-Identifier: Apache-2.0
"""Words counted, joined and written back by Spark 4."""

import sys

from cflight.spark import FlightDataSource
from pyspark.sql import SparkSession
from servers import running_servers


def start(threads="local[2,4]"):
    """A session on this machine: two threads, and four tries of a task."""
    spark = (SparkSession.builder.master(threads).config("spark.ui.enabled", "false")
             .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
             .config("spark.sql.shuffle.partitions", "2").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    spark.dataSource.register(FlightDataSource)
    return spark


def run(spark, location):
    read = spark.read.format("flight").option("location", location)
    words, lengths = read.load("words"), read.load("lengths")
    counts = {row["word"]: row["count"] for row in words.groupBy("word").count().collect()}
    letters = words.join(lengths, "word").agg({"length": "sum"}).collect()[0][0]
    few = words.filter("n < 1000")
    few.write.format("flight").mode("append").option("location", location).save("few")
    return counts, letters, read.load("few").count()


if __name__ == "__main__":
    with running_servers(*sys.argv[1:]) as (locations, _):
        print(*run(start(), locations[0]), sep="\n")
