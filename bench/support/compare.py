# SPDX-License-Identifier: Apache-2.0
"""Rows of the SQL benchmarks: contestants take turns in one run, their medians, and how many times better one is than
another. Machines differ and are busy: only the ratios of one run mean anything."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import tempfile

from . import measure

TIMES, SECONDS, MEMORY = ("p50", "p99"), ("seconds",), ("client", "server")


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    database: str  # which file
    operation: str
    arguments: tuple  # the first is a count
    figures: tuple
    runs: int


@dataclasses.dataclass(frozen=True)
class Pair:
    """`client` is a command that ends before the server's address, `server` makes one of the file of a database."""

    client: list
    server: object
    but_not: tuple = ()  # operations
    environment: dict = None


@dataclasses.dataclass(frozen=True)
class Ratio:
    name: str
    better: str  # labels of pairs
    worse: str


SHOWN = {
    "p50": lambda value, _: f"{value * 1e6:8.0f} us",
    "p99": lambda value, _: f"{value * 1e6:8.0f} us",
    "seconds": lambda value, count: f"{count / value:10.0f} /s",
    "client": lambda value, count: f"{value * 1024 / count:7.1f} KiB",
    "server": lambda value, count: f"{value * 1024 / count:7.1f} KiB",
    "load": lambda value, _: f"{value * 1e3:7.1f} ms",
    "file": lambda value, _: f"{value:7.2f} MiB",
    "mib": lambda value, _: f"{value:7.1f} MiB",
}


def show_figures(figures, values, count):
    return "   ".join((f"{figure} " if figure != "seconds" else "") + SHOWN[figure](values[figure], count)
                      for figure in figures)


def work_of(values):
    return values[measure.CLIENT] + values[measure.SERVER]


def show_work(values):
    if measure.CLIENT not in values:
        return ""
    return f"   processor: client {values[measure.CLIENT]:6.2f} s, server {values[measure.SERVER]:6.2f} s"


def ratios_of(figures, better, worse):
    """All figures are better if they are less. "work" is processor time, of both ends together."""
    found = {figure: worse[figure] / better[figure] for figure in figures if better[figure] > 0}
    if measure.CLIENT in better:
        found["client's work"] = worse[measure.CLIENT] / max(better[measure.CLIENT], 0.01)
        found["work"] = work_of(worse) / max(work_of(better), 0.01)
    return found


def report(row, medians, ratios):
    """Prints medians and ratios; returns them for JSON."""
    print(f"\n{row.name}")
    count, width = row.arguments[0], max(len(label) for label in [*medians, *(ratio.name for ratio in ratios)])
    for label, values in medians.items():
        print(f"  {label:{width}} {show_figures(row.figures, values, count)}{show_work(values)}")
    about = {"row": row.name, "count": count, "runs": row.runs}
    found = [about | {"pair": label, **values} for label, values in medians.items()]
    for ratio in ratios:
        if ratio.better in medians and ratio.worse in medians:
            times = ratios_of(row.figures, medians[ratio.better], medians[ratio.worse])
            shown = "   ".join(f"{figure} {value:5.2f} x" for figure, value in times.items())
            print(f"  {ratio.name:{width}} {shown}", flush=True)
            found.append(about | {"ratio": ratio.name, "better": ratio.better, "worse": ratio.worse, **times})
    return found


def find_database(row, label, folder, engine):
    # What changes is a file of each pair's own, and new for each row of the output.
    is_shared = engine.is_shared and row.database != "sink"
    path = folder / f"{row.database} {row.arguments[0]}{'' if is_shared else ' ' + label.replace('/', ' ')}.db"
    if not path.exists():
        engine.make(path, row.database, row.arguments[0])
    return str(path)


def measure_row(row, pairs, folder, engine):
    """Servers run at once, clients take turns."""
    results = {label: [] for label in pairs}
    run_one = measure.run_sessions if row.operation == "sessions" else measure.run_client
    with contextlib.ExitStack() as stack:
        servers = {}
        for label, pair in pairs.items():
            command = pair.server(find_database(row, label, folder, engine))
            servers[label] = stack.enter_context(measure.server(command, pair.environment))
        labels = list(pairs)
        for run in range(row.runs):
            first = run % len(labels)  # what ran before matters: caches, free memory
            for label in labels[first:] + labels[:first]:
                process, location = servers[label]
                command = [*pairs[label].client, location, row.operation, *map(str, row.arguments)]
                results[label].append(run_one(command, process))
    for path in folder.glob("sink *"):
        path.unlink()
    return {label: {name: statistics.median(each[name] for each in values) for name in values[0]}
            for label, values in results.items()}


def read_options(documentation, runs, rows):
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--rows", type=int, default=rows, help="rows of the largest transfer")
    parser.add_argument("--only", default="", help="run the rows whose name contains this")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there too")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the databases, used again if they are there")
    return parser.parse_args()


def run_rows(rows, pairs, ratios, options, engine):
    figures = []
    with tempfile.TemporaryDirectory() as directory:
        folder = options.keep or pathlib.Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"client/server; {os.cpu_count()} processors; x: how many times better the first of the ratio is")
        for row in dict.fromkeys(rows):  # the small and the large may be the same
            if options.only in row.name:
                taking = {label: pair for label, pair in pairs.items() if row.operation not in pair.but_not}
                figures += report(row, measure_row(row, taking, folder, engine), ratios)
    return figures


def write_json(figures, path):
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1) + "\n")
