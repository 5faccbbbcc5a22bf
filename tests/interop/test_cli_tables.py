# SPDX-License-Identifier: Apache-2.0
"""Tables of `cflight get`: what is shown is true, whatever the width, and any number of rows takes little memory."""

import datetime
import signal
import subprocess
import time

import pyarrow as pa
import pytest
from test_cli_client import lines_that_stay, on_a_terminal, strip_styles

NUMBERS = {
    "i": pa.array([9223372036854775807, -9223372036854775808]),
    "f": pa.array([1.2345678901e-10, -1.7976931348623157e308]),
    "t": pa.array([datetime.datetime(2024, 2, 29, 23, 59, 59, 123456)] * 2, pa.timestamp("us")),
    "d": pa.array([12345678901234567890123456789012345678, -1], pa.decimal128(38, 0)),
}
SHOWN = {
    "i": ["9223372036854775807", "-9223372036854775808"],
    "f": ["1.2345678901e-10", "-1.7976931348623157e+308"],
    "t": ["2024-02-29T23:59:59.123456"] * 2,
    "d": ["12345678901234567890123456789012345678", "-1"],
}


@pytest.fixture
def serve(cflight, tmp_path):
    """Serves tables under the name x; gives the location."""
    servers = []

    def start(columns, batch_rows=None):
        table = pa.table(columns)
        with pa.ipc.new_stream(str(tmp_path / "x.arrows"), table.schema) as writer:
            writer.write_table(table, max_chunksize=batch_rows)
        server = cflight.serving(tmp_path)
        servers.append(server)
        return server.__enter__().location

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def shown_at(cflight, location, width, *options):
    code, shown = on_a_terminal(cflight, ("get", "-q", location, "x", *options), size=(24, width))
    assert code == 0, shown
    return [strip_styles(line) for line in lines_that_stay(shown)][:-1]


def left_out(lines):
    """The names of columns that are not shown, and how many there are."""
    at = next((i for i, line in enumerate(lines) if line.startswith("… and")), None)
    if at is None:
        return [], 0
    return "".join(lines[at + 1 :]).replace("  ", " ").strip().split(", "), int(lines[at].split()[2])


@pytest.mark.parametrize("width", [1, 8, 20, 30, 47, 60, 80, 100, 200])
def test_numbers_and_times_are_never_cut(cflight, serve, width):
    """Columns that are shown have all their digits, at any width; the others are named."""
    location = serve({"some text": pa.array(["x" * 50] * 2), **NUMBERS})
    lines = shown_at(cflight, location, width)
    names, count = left_out(lines)
    assert count == len(names)
    for name, values in SHOWN.items():
        is_shown = values[0] in lines[3].split()
        assert is_shown == (values[1] in lines[4].split())
        assert is_shown != (name in names)
    for line in lines[3:5]:
        for word in line.split():
            assert word.startswith("x") or "…" not in word


@pytest.mark.parametrize("width", range(10, 40, 3))
def test_numbers_inside_of_lists_are_not_cut(cflight, serve, width):
    location = serve({"l": pa.array([[111222333, 444555666, 777888999]])})
    row = shown_at(cflight, location, width)[3]
    row = row.strip()
    for word in row.strip("[]…").replace("…", ",").split(","):
        assert word in ("", "111222333", "444555666", "777888999")


def test_a_later_number_that_is_wider_is_shown_whole(cflight, serve):
    location = serve({"n": pa.array([1] * 1500 + [9223372036854775807])})
    lines = shown_at(cflight, location, 10, "-n", "all")
    assert lines[-1].strip() == "9223372036854775807"
    assert len(lines) == 3 + 1501


def test_vertical_shows_everything(cflight, serve):
    location = serve({"text": pa.array(["x" * 100, None]), **NUMBERS, "long name " * 5: pa.array([1, 2])})
    lines = shown_at(cflight, location, 20, "--vertical")
    for name, values in SHOWN.items():
        for value in values:
            assert f"{name:40}  {value}" in lines
    done = cflight.run("get", location, "x", "--vertical", "-q", check=True).stdout.splitlines()
    assert done[0] == "-- row 1 --" and done[7] == "-- row 2 --"
    assert done[1] == f"{'text':40}  {'x' * 100}"
    assert done[8] == f"{'text':40}  <null>"
    assert done[6] == "long name " * 5 + "  1"


def test_forty_thousand_columns_are_shown_and_named_in_a_moment(cflight, serve):
    location = serve({f"c{i}": pa.array([i]) for i in range(40000)})
    started = time.monotonic()
    lines = shown_at(cflight, location, 80)
    assert time.monotonic() - started < 20
    names, count = left_out(lines)
    assert count > 39_900 and names[-1] == "…" and len(lines) < 12
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("text, width", [
    ("e\u0301", 1), ("\u65e5\u672c", 4), ("\U0001f44d\U0001f3fd", 2), ("\U0001f1e9\U0001f1ea", 2), ("\u2764\ufe0f", 2),
    ("1\ufe0f\u20e3", 2), ("\u1112\u1161\u11ab", 2), ("\u0bae\u0bbf\u0bb4\u0bcd", 3), ("\u0e01\u0e33", 2), ("\uff21", 2),
])
def test_names_and_texts_of_any_width_align(cflight, serve, text, width):
    """The column after a text begins where the rule says."""
    location = serve({text: pa.array([text, "wider than it"]), "n": pa.array([7, 8])})
    lines = cflight.run("get", "-q", location, "x", check=True).stdout.splitlines()
    assert lines[2] == "-" * 13 + "  -----"
    assert lines[3] == text + " " * (13 - width) + "      7"
    assert lines[0] == text + " " * (13 - width) + "      n"


def write_claiming(path, batch, count):
    """A stream of the batch, with `count` wherever it says 54321."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    path.write_bytes(sink.getvalue().to_pybytes().replace((54321).to_bytes(8, "little"), count.to_bytes(8, "little")))


@pytest.fixture
def endless(cflight, tmp_path):
    """A stream of one batch that claims 2^62 rows of nulls: text without end."""
    batch = pa.record_batch([pa.nulls(54321)], ["n"])
    write_claiming(tmp_path / "x.arrows", batch, 1 << 62)
    with cflight.serving(tmp_path) as server:
        yield server.location


FORMATS = [("--format", "csv"), ("--format", "jsonl"), ("--format", "table"), ("--vertical",)]


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
def test_a_time_limit_ends_the_writing_of_text(cflight, endless, options):
    command = [cflight.path, "get", endless, "x", "-n", "all", *options, "--timeout", "1"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False, text=True)
    assert done.returncode == 5, done.stderr
    assert "DEADLINE_EXCEEDED" in done.stderr


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
def test_an_interrupt_ends_the_writing_of_text(cflight, endless, options):
    """The signal comes once text is written; the pipe is read all the time, so nothing blocks."""
    command = [cflight.path, "get", endless, "x", "-n", "all", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        while process.stdout.read(1 << 20):
            pass
        assert process.wait(60) == 130


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
def test_a_list_without_end_takes_no_memory(cflight, tmp_path, options):
    """One row is a list of 2^40 nulls, a hundred bytes: tables show its beginning, text is refused."""
    nulls = pa.Array.from_buffers(pa.null(), 54321, [None])
    offsets = pa.array([0, 54321], pa.int64())
    batch = pa.record_batch([pa.LargeListArray.from_arrays(offsets, nulls)], ["l"])
    write_claiming(tmp_path / "x.arrows", batch, 1 << 40)
    with cflight.serving(tmp_path) as server:
        done = cflight.run("get", server.location, "x", *options)
    if "csv" in options or "jsonl" in options:
        assert done.returncode == 1 and "far more than its data" in done.stderr
    else:
        assert done.returncode == 0 and "[null,null" in done.stdout and "…" in done.stdout


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_a_row_of_long_words_takes_bounded_memory(cflight, tmp_path, file_format):
    """A row that names one word of 4,000 bytes over and over, in a byte each: 40 MB are written, 400 MB are refused."""
    for count, is_taken in ((10_000, True), (100_000, False)):
        words = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int8()), pa.array(["x" * 4000]))
        batch = pa.record_batch([pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), words)], ["l"])
        with pa.OSFile(str(tmp_path / f"{count}.arrow"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        target = tmp_path / f"target.{file_format}"
        with cflight.serving(tmp_path) as server:
            done = cflight.run("get", server.location, str(count), "-o", target)
        assert (done.returncode == 0) == is_taken and target.exists() == is_taken
        assert is_taken or "far more than its data" in done.stderr
        target.unlink(missing_ok=True)
