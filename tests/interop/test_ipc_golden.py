# SPDX-License-Identifier: Apache-2.0
"""Every golden file of Arrow's own data set is read as pyarrow reads it, and written so that pyarrow reads the same."""

import pytest

import pyarrow as pa

import cflight_read
from cflight_ctypes import FILE, STREAM, CflightError, write_all

UNIMPLEMENTED = 12

DATA = cflight_read.data_directory()
ROOT = DATA / "arrow-testing" / "integration" if DATA else None
STREAMS = sorted(ROOT.glob("*/*.stream")) if ROOT else []
FILES = sorted(ROOT.glob("*/*.arrow_file")) if ROOT else []

pytestmark = pytest.mark.skipif(not STREAMS, reason="Arrow's golden files are not there; set CFLIGHT_TEST_DATA")


def name_of(path):
    return f"{path.parent.name}/{path.stem}"


def pyarrow_batches(path):
    if path.suffix == ".stream":
        with pa.ipc.open_stream(path) as reader:
            return reader.schema, list(reader)
    with pa.ipc.open_file(path) as reader:
        return reader.schema, [reader.get_batch(i) for i in range(reader.num_record_batches)]


def check_same(schema, batches, expected_schema, expected_batches):
    assert schema.equals(expected_schema, check_metadata=True)
    assert len(batches) == len(expected_batches)
    for batch, expected in zip(batches, expected_batches):
        batch.validate()
        assert batch.num_rows == expected.num_rows
        # Column by column as batches: pyarrow has no Python class for arrays of some intervals.
        for i, field in enumerate(expected.schema):
            assert batch.select([i]).equals(expected.select([i])), field.name


@pytest.mark.parametrize("path", STREAMS + FILES, ids=lambda path: f"{name_of(path)}{path.suffix}")
def test_golden_file_reads_as_with_pyarrow(path):
    with cflight_read.open_path(path) as reader:
        check_same(reader.schema, list(reader), *pyarrow_batches(path))


@pytest.mark.parametrize("path", STREAMS, ids=name_of)
def test_golden_stream_reads_in_odd_chunks(path):
    with cflight_read.open_bytes(path.read_bytes(), chunk_bytes=251) as reader:
        check_same(reader.schema, list(reader), *pyarrow_batches(path))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_golden_file_gives_its_batches_in_any_order(path):
    schema, expected = pyarrow_batches(path)
    file = cflight_read.File(path)
    assert file.batch_count == len(expected)
    assert file.row_count == sum(batch.num_rows for batch in expected)
    batches = [file.read_batch(i) for i in reversed(range(file.batch_count))]
    check_same(file.schema, batches[::-1], schema, expected)


@pytest.mark.parametrize("path", STREAMS, ids=name_of)
def test_row_count_of_a_stream_comes_from_its_headers(path):
    _, expected = pyarrow_batches(path)
    file = cflight_read.File(path)
    assert file.batch_count == -1
    assert file.row_count == sum(batch.num_rows for batch in expected)


@pytest.mark.parametrize("path", STREAMS, ids=name_of)
def test_every_single_column_can_be_selected(path):
    schema, expected = pyarrow_batches(path)
    for i in range(len(schema)):
        with cflight_read.open_path(path, included=[i]) as reader:
            check_same(reader.schema, list(reader), pa.schema([schema.field(i)], metadata=schema.metadata),
                       [batch.select([i]) for batch in expected])


@pytest.mark.parametrize("path", STREAMS, ids=name_of)
def test_selecting_no_column_keeps_the_rows(path):
    _, expected = pyarrow_batches(path)
    with cflight_read.open_path(path, included=[]) as reader:
        assert [batch.num_rows for batch in reader] == [batch.num_rows for batch in expected]


@pytest.mark.parametrize("format_", [STREAM, FILE], ids=["stream", "file"])
@pytest.mark.parametrize("path", STREAMS + FILES, ids=lambda path: f"{name_of(path)}{path.suffix}")
def test_golden_data_survives_our_writer(path, format_):
    schema, expected = pyarrow_batches(path)
    with cflight_read.open_path(path) as reader:
        written = write_all(reader.schema, list(reader), format_)
    if format_ == STREAM:
        with pa.ipc.open_stream(written) as again:
            check_same(again.schema, list(again), schema, expected)
    else:
        with pa.ipc.open_file(pa.py_buffer(written)) as again:
            check_same(again.schema, [again.get_batch(i) for i in range(again.num_record_batches)], schema, expected)


def test_all_golden_sets_are_there():
    """Goal: none is missed because the data lies elsewhere. Method: count."""
    assert (len(STREAMS), len(FILES)) == (91, 91)


def test_metadata_version_6_is_refused_by_name():
    with pytest.raises(CflightError, match="V6") as caught:
        cflight_read.open_path(DATA / "arrow-testing" / "forward-compatibility" / "schema_v6.arrow")
    assert caught.value.status == UNIMPLEMENTED
