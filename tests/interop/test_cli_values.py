# SPDX-License-Identifier: Apache-2.0
"""How `cflight get` writes values, compared with what pyarrow reads from the same golden files.

The expectation is written down here a second time, in Python, from docs/guide/cli.md.
"""

import base64
import csv
import datetime
import decimal
import io
import json
import math
import shutil

import numpy as np
import pyarrow as pa
import pytest

DAYS_PER_400_YEARS = 146_097
UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def date_text(days):
    cycles, rest = divmod(days, DAYS_PER_400_YEARS)
    date = datetime.date(1970, 1, 1) + datetime.timedelta(rest)
    year = date.year + 400 * cycles
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04}-{date.month:02}-{date.day:02}"


def fraction_text(fraction, digits):
    return f".{fraction:0{digits}}" if digits else ""


def time_text(value, digits):
    seconds, fraction = divmod(value, 10 ** digits)
    hours, seconds = divmod(seconds, 3600)
    return f"{hours:02}:{seconds // 60:02}:{seconds % 60:02}{fraction_text(fraction, digits)}"


def timestamp_text(value, digits, zone):
    seconds, fraction = divmod(value, 10 ** digits)
    days, seconds = divmod(seconds, 86400)
    return f"{date_text(days)}T{time_text(seconds, 0)}{fraction_text(fraction, digits)}{'Z' if zone else ''}"


def seconds_text(value, digits):
    whole, fraction = divmod(abs(value), 10 ** digits)
    return f"{'-' if value < 0 else ''}{whole}{fraction_text(fraction, digits)}"


def interval_text(months, days, fraction, digits):
    text = f"{months}M" if months or not (days or fraction) else ""
    text += f"{days}D" if days else ""
    return "P" + text + (f"T{seconds_text(fraction, digits)}S" if fraction else "")


class Base64(str):
    """Binary in JSON; CSV has the same bytes in hexadecimal."""


def float_value(value, kind):
    """What JSON reads from the shortest text of a float; numpy knows it for the narrow types."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    narrow = {16: np.float16, 32: np.float32}.get(kind.bit_width)
    is_whole = value == int(value) and abs(value) <= 2 ** 24
    return value if narrow is None or is_whole else float(str(narrow(value)))


def integers(array, kind):
    """The storage of a temporal array, one integer (or None) a value."""
    return [None if not valid else value for valid, value in
            zip(array.is_valid().to_pylist(), array.view(kind).to_pylist())]


def unique_keys(names):
    keys = []
    for index, name in enumerate(names):
        count = names[:index].count(name) + 1
        key = name if count == 1 else f"{name}_{count}"
        while key in keys:
            count += 1
            key = f"{name}_{count}"
        keys.append(key)
    return keys


def expected(array):
    """The JSON values of an array, as Python objects."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return expected(array.storage)
    if pa.types.is_dictionary(kind):
        values = expected(array.dictionary)
        return [None if index is None else values[index] for index in array.indices.to_pylist()]
    if pa.types.is_run_end_encoded(kind):
        return expected_runs(array)
    if pa.types.is_nested(kind):
        return expected_nested(array)
    if pa.types.is_temporal(kind):
        return expected_temporal(array)
    if pa.types.is_floating(kind):
        return [None if value is None else float_value(value, kind) for value in array.to_pylist()]
    if pa.types.is_decimal(kind):
        return [None if value is None else format(value, "f") for value in array.to_pylist()]
    if (pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or
            pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind)):
        return [None if value is None else Base64(base64.b64encode(value).decode()) for value in array.to_pylist()]
    return array.to_pylist()


def expected_runs(array):
    values = expected(array.values)
    ends = array.run_ends.to_pylist()
    return [values[next(run for run, end in enumerate(ends) if end > row + array.offset)]
            for row in range(len(array))]


def expected_nested(array):
    kind = array.type
    valid = array.is_valid().to_pylist()
    if pa.types.is_union(kind):
        return [expected(pa.array([scalar.value.as_py()], scalar.value.type))[0] if scalar.is_valid else None
                for scalar in array]
    if pa.types.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        children = [expected(array.field(i)) for i in range(kind.num_fields)]
        return [dict(zip(unique_keys(names), (child[row] for child in children))) if valid[row] else None
                for row in range(len(array))]
    if pa.types.is_map(kind):
        return [[{"key": key, "value": value} for key, value in zip(expected(part.field(0)),
                                                                   expected(part.field(1)))]
                if valid[row] else None for row, part in
                ((row, array[row].values if valid[row] else None) for row in range(len(array)))]
    return [expected(array[row].values) if valid[row] else None for row in range(len(array))]


def expected_temporal(array):
    kind = array.type
    if pa.types.is_interval(kind):
        return [None if value is None else interval_text(value.months, value.days, value.nanoseconds, 9)
                for value in array.to_pylist()]
    width = pa.int32() if kind.bit_width == 32 else pa.int64()
    values = integers(array, width)
    if pa.types.is_date32(kind):
        make = date_text
    elif pa.types.is_date64(kind):
        def make(value):
            days, rest = divmod(value, 86_400_000)
            return date_text(days) if rest == 0 else timestamp_text(value, 3, False)
    else:
        digits = UNITS[kind.unit]
        if pa.types.is_time(kind):
            def make(value):
                return time_text(value, digits)
        elif pa.types.is_timestamp(kind):
            def make(value):
                return timestamp_text(value, digits, bool(kind.tz))
        else:
            def make(value):
                return f"PT{seconds_text(value, digits)}S"
    return [None if value is None else make(value) for value in values]


def plain(value):
    """A CSV field from a JSON value."""
    if value is None:
        return ""
    if isinstance(value, Base64):
        return base64.b64decode(value).hex()
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


@pytest.fixture(scope="module")
def golden(cflight, shared_data, tmp_path_factory):
    """A server over all golden files, and by name their tables and what their columns hold."""
    directory = tmp_path_factory.mktemp("golden")
    tables = {}
    for source in sorted((shared_data / "arrow-testing/integration").glob("*/*.arrow_file")):
        name = f"{source.parent.name}/{source.stem}"
        (directory / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source, directory / (name + ".arrow"))
        table = pa.ipc.open_file(source.read_bytes()).read_all()
        tables[name] = (table, columns_of(table))
    with cflight.serving(directory) as server:
        yield server, tables


def columns_of(table):
    """The values of each column; None for the two types of which pyarrow has no arrays in Python."""
    return [None if str(column.type) in ("month_interval", "day_time_interval") else
            sum((expected(chunk) for chunk in column.chunks), []) for column in table.columns]


def test_json_lines_hold_every_value(cflight, golden):
    server, tables = golden
    for name, (table, columns) in tables.items():
        done = cflight.run("get", server.location, name, "-o", "-", "--format", "jsonl", "-q", check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(rows) == table.num_rows, name
        for key, column, field in zip(unique_keys(table.schema.names), columns, table.schema):
            actual = [row[key] for row in rows]
            assert column is None or actual == column, (name, field)


def test_csv_holds_every_value(cflight, golden):
    server, tables = golden
    csv.field_size_limit(1 << 24)
    for name, (table, columns) in tables.items():
        if table.num_columns == 0:
            continue
        done = cflight.run("get", server.location, name, "-o", "-", "--format", "csv", "-q", text=False,
                           check=True)
        rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))
        assert rows[0] == table.schema.names, name
        single_nulls = table.num_columns == 1  # an empty line: the reader gives no field
        for index, (column, field) in enumerate(zip(columns, table.schema)):
            if column is None:
                continue
            actual = [row[index] if row or not single_nulls else "" for row in rows[1:]]
            for text, value in zip(actual, map(plain, column), strict=True):
                if isinstance(value, (list, dict)):
                    text = json.loads(text)
                elif isinstance(value, float):
                    text = float(text)
                elif isinstance(value, int):
                    text = int(text)
                assert text == value, (name, field)


def test_tables_show_every_type(cflight, golden):
    """No golden file defeats the table, and none of its lines has a control character."""
    server, tables = golden
    for name, (table, _) in tables.items():
        done = cflight.run("get", server.location, name, "-q", check=True)
        lines = done.stdout.split("\n")[:-1]
        assert len(lines) == (3 + min(10, table.num_rows) if table.num_columns else 0), name
        assert not any(ord(character) < 32 for line in lines for character in line), name


def test_extreme_values(cflight, tmp_path):
    """The ends of every range."""
    far = decimal.Context(prec=80)
    table = pa.table({
        "i64": pa.array([-2**63, 2**63 - 1]),
        "u64": pa.array([0, 2**64 - 1], pa.uint64()),
        "f64": [5e-324, 1.7976931348623157e308],
        "f32": pa.array([1e-45, 3.4028235e38], pa.float32()),
        "f16": pa.array([np.float16(6e-8), np.float16(65504)], pa.float16()),
        "d256": pa.array([far.create_decimal("-" + "9" * 76), far.create_decimal("0." + "0" * 9 + "1")][:1] * 2,
                         pa.decimal256(76, 0)),
        "date": pa.array([-2**31, 2**31 - 1], pa.int32()).view(pa.date32()),
        "ns": pa.array([-2**63, 2**63 - 1]).view(pa.timestamp("ns")),
        "s": pa.array([-2**63, 2**63 - 1]).view(pa.timestamp("s", "UTC")),
        "duration": pa.array([-2**63, 2**63 - 1]).view(pa.duration("ms")),
    })
    with pa.OSFile(str(tmp_path / "x.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with cflight.serving(tmp_path) as server:
        done = cflight.run("get", server.location, "x", "-o", "-", "--format", "jsonl", "-q", check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for name, column, field in zip(table.schema.names, columns_of(table), table.schema):
        assert [row[name] for row in rows] == column, name
