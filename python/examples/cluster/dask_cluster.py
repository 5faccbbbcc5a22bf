# SPDX-License-Identifier: Apache-2.0
"""Words counted, joined and written back by Dask, on two worker processes."""

import sys

import cflight.dask
from dask.distributed import Client, LocalCluster
from servers import running_servers


def run(location):
    words = cflight.dask.read_flight("words", location)
    lengths = cflight.dask.read_flight("lengths", location)
    counts = words.groupby("word").n.count().compute().to_dict()
    joined = words.merge(lengths, on="word")
    letters = int(joined["length"].sum().compute())
    rows = cflight.dask.to_flight(words[words.n < 1000], "few", location)
    return counts, letters, rows


if __name__ == "__main__":
    with running_servers(*sys.argv[1:]) as (locations, _):
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
            print(*run(locations[0]), sep="\n")
