# SPDX-License-Identifier: Apache-2.0
"""Words counted, joined and written back by Ray Data."""

import sys

import cflight.ray
import ray
from servers import running_servers


def run(location):
    words = cflight.ray.read_flight("words", location)
    lengths = {row["word"]: row["length"] for row in cflight.ray.read_flight("lengths", location).take_all()}
    counts = {row["word"]: row["count()"] for row in words.groupby("word").count().take_all()}
    letters = words.map_batches(lambda batch: {"length": [lengths[word] for word in batch["word"]]}).sum("length")
    rows = cflight.ray.write_flight(words.filter(lambda row: row["n"] < 1000), "few", location)
    return counts, int(letters), rows


if __name__ == "__main__":
    with running_servers(*sys.argv[1:]) as (locations, _):
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
        ray.data.DataContext.get_current().enable_progress_bars = False
        print(*run(locations[0]), sep="\n")
