# SPDX-License-Identifier: Apache-2.0
"""What cflight writes, read by pyarrow."""

import random

import numpy as np
import pyarrow as pa
import pytest

import cflight_ctypes as cflight
from arrow_random import ArrowRandom, FLAT_TYPES
from cases import case, random_cases


def read(data, format_):
    if format_ == cflight.STREAM:
        reader = pa.ipc.open_stream(data)
        return reader.schema, list(reader)
    reader = pa.ipc.open_file(data)
    return reader.schema, [reader.get_batch(i) for i in range(reader.num_record_batches)]


def pyarrow_file(schema, batches):
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_file(sink, schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def check(data, format_, schema, batches):
    actual_schema, actual = read(data, format_)
    assert actual_schema.equals(schema, check_metadata=True)
    assert len(actual) == len(batches)
    for actual_batch, batch in zip(actual, batches):
        actual_batch.validate(full=True)
        assert actual_batch.equals(batch)


def random_options(rng):
    use_metadata_v4 = rng.random() < 0.25
    return dict(use_metadata_v4=use_metadata_v4,
                compression=rng.choice((cflight.NONE, cflight.LZ4_FRAME, cflight.ZSTD)),
                compression_threads=rng.choice((0, 1, 3)),
                send_whole_dictionaries=rng.random() < 0.5,
                alignment_bytes=rng.choice((0, 8, 64)))


@random_cases
def test_random_streams(seeds):
    """Goal: every type, slice and dictionary arrives as it was given.
    Method: random batches and options, for many seeds; pyarrow validates and compares."""
    for seed in seeds:
        generator = ArrowRandom(seed)
        options = random_options(random.Random(seed))
        schema = generator.schema()
        batches = list(generator.batches(schema))
        with case(seed, options):
            check(cflight.write_all(schema, batches, **options), cflight.STREAM, schema, batches)


@random_cases
def test_random_files(seeds):
    """Goal: the same for files, whose dictionaries may grow but not change.
    Method: as above. pyarrow reads all dictionaries of a file at once, so batches whose dictionary grew later are
    compared with what pyarrow reads from its own file."""
    for seed in seeds:
        generator = ArrowRandom(seed)
        options = random_options(random.Random(seed))
        grows = not options["send_whole_dictionaries"]
        schema = generator.schema()
        batches = list(generator.batches(schema, dictionaries="grow" if grows else "fixed"))
        with case(seed, options):
            data = cflight.write_all(schema, batches, cflight.FILE, **options)
            expected = read(pyarrow_file(schema, batches), cflight.FILE)[1] if grows else batches
            check(data, cflight.FILE, schema, expected)


@random_cases
def test_struct_array_with_offset(seeds):
    """Goal: the offset of the batch itself counts for all columns.
    Method: batches as slices of one struct array, whose own offset the C data interface passes on."""
    for seed in seeds:
        generator = ArrowRandom(seed)
        schema = generator.schema(column_count=3)
        whole = generator.batch(schema, 50)
        struct = pa.Array.from_buffers(pa.struct(list(schema)), 50, [None], 0, children=whole.columns)
        ranges = [(0, 50), (1, 20), (8, 8), (49, 1), (30, 0)]
        data = cflight.write_all(schema, [struct.slice(*range_) for range_ in ranges])
        with case(seed):
            check(data, cflight.STREAM, schema, [whole.slice(*range_) for range_ in ranges])


@pytest.mark.parametrize("type_", FLAT_TYPES, ids=str)
def test_every_flat_type(type_):
    """Goal: each type alone, so that a failure names it. Method: all rows, no rows, all null, sliced."""
    generator = ArrowRandom(1)
    schema = pa.schema([pa.field("column", type_)])
    array = generator.array(type_, 100)
    arrays = [array, array[:0], array[3:50], array[8:9], pa.nulls(20, type_)]
    batches = [pa.record_batch([item], schema=schema) for item in arrays]
    check(cflight.write_all(schema, batches), cflight.STREAM, schema, batches)


def dictionary_batch(values, indices, value_type=pa.utf8()):
    array = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(values, value_type))
    return pa.record_batch([array], names=["column"])


def write_dictionaries(batches, **options):
    writer = cflight.Writer(batches[0].schema, **options)
    for batch in batches:
        writer.write(batch)
    check(writer.close(), cflight.STREAM, batches[0].schema, batches)
    return writer.stats


@pytest.mark.parametrize("values, deltas, expected", [
    # statistics: messages, batches, dictionaries, deltas, replacements
    ((["a", "b"], ["a", "b"], ["a", "b"]), False, (5, 3, 1, 0, 0)),
    ((["a", "b"], ["a", "b", "c"], ["a", "b", "c"]), False, (6, 3, 2, 0, 1)),
    ((["a", "b"], ["a", "b", "c"], ["a", "b", "c"]), True, (6, 3, 2, 1, 0)),
    ((["a", "b"], ["a", "x", "c"], ["a", "b"]), True, (7, 3, 3, 0, 2)),
    ((["a", None], ["a", None, "c"], ["a", None, "c", "d"]), True, (7, 3, 3, 2, 0)),
    (([], ["a"], []), True, (7, 3, 3, 1, 1)),
])
def test_dictionary_messages(values, deltas, expected):
    """Goal: a dictionary is sent when it changed, and as a delta when possible and not refused.
    Method: statistics of the writer, for sequences of dictionaries; pyarrow's writer has the same ones, except that it
    takes growth from nothing for a replacement."""
    batches = [dictionary_batch(item, [0] if item else [None]) for item in values]
    assert write_dictionaries(batches, send_whole_dictionaries=not deltas) == expected
    if not values[0]:
        return
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
    writer = pa.ipc.new_stream(sink, batches[0].schema, options=options)
    for batch in batches:
        writer.write_batch(batch)
    writer.close()
    assert tuple(writer.stats) == expected


def test_dictionary_with_nan_is_not_sent_again():
    """Goal: NaN equals itself. Method: the same values from two arrays."""
    batches = [dictionary_batch([1.0, float("nan")], [1], pa.float64()) for _ in range(2)]
    writer = cflight.Writer(batches[0].schema)
    for batch in batches:
        writer.write(batch)
    assert writer.stats == (4, 2, 1, 0, 0)


def test_bytes_under_nulls_do_not_change_a_dictionary():
    """Goal: only values count. Method: equal dictionaries with other bytes under a null and behind the last bit."""
    batches = []
    for filler in (b"\x01", b"\xfe"):
        validity = pa.py_buffer(bytes([0b101 | (filler[0] & 0xF0)]))
        data = pa.py_buffer(b"\x01\x00\x00\x00" + filler * 4 + b"\x03\x00\x00\x00")
        values = pa.Array.from_buffers(pa.int32(), 3, [validity, data])
        batches.append(pa.record_batch([pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), values)], names=["a"]))
    assert write_dictionaries(batches)[2] == 1


def test_inner_dictionary_change_sends_the_outer_one_again():
    """Goal: values that contain dictionaries change with them. Method: a dictionary of structs with a dictionary."""
    batches = []
    for word in ("a", "b"):
        inner = pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([word]))
        outer = pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.StructArray.from_arrays([inner], ["inner"]))
        batches.append(pa.record_batch([outer], names=["outer"]))
    assert write_dictionaries(batches) == (7, 2, 4, 0, 2)


def test_file_refuses_a_replaced_dictionary_and_goes_on():
    """Goal: the refused batch leaves no trace. Method: write, be refused, write the first batch again, read."""
    first, other = dictionary_batch(["a"], [0, 0]), dictionary_batch(["b"], [0])
    writer = cflight.Writer(first.schema, cflight.FILE)
    writer.write(first)
    with pytest.raises(cflight.CflightError, match="replaces a dictionary") as failure:
        writer.write(other)
    assert failure.value.status == 12
    writer.write(first)
    check(writer.close(), cflight.FILE, first.schema, [first, first])
    assert writer.stats == (4, 2, 1, 0, 0)


@pytest.mark.parametrize("codec", (cflight.LZ4_FRAME, cflight.ZSTD))
@pytest.mark.parametrize("threads", (1, 4))
@pytest.mark.parametrize("level", (0, 1, 9))
def test_compression_of_large_buffers(codec, threads, level):
    """Goal: large bodies shrink, random ones stay as they are, with any number of threads.
    Method: compare sizes with the plain stream, and read back."""
    ramp = np.arange(300000, dtype="<i8")
    noise = np.random.default_rng(1).integers(0, 1 << 62, 300000)
    batch = pa.record_batch([pa.array(ramp // 1000), pa.array(noise), pa.array(ramp % 7), pa.array(noise)],
                            names=["a", "b", "c", "d"])
    data = cflight.write_all(batch.schema, [batch], compression=codec, compression_level=level,
                             compression_threads=threads)
    assert batch.nbytes / 2 < len(data) < batch.nbytes * 0.6
    check(data, cflight.STREAM, batch.schema, [batch])


def test_alignment_of_files():
    """Goal: with alignment 64 every buffer of a file starts at a multiple of 64.
    Method: addresses of what pyarrow reads from an aligned copy of the file."""
    batch = pa.record_batch([pa.array([1, 2, None]), pa.array(["a", None, "ccc"])], names=["a", "b"])
    data = cflight.write_all(batch.schema, [batch, batch], cflight.FILE, alignment_bytes=64)
    aligned = pa.allocate_buffer(len(data))
    memoryview(aligned).cast("B")[:] = data
    for actual in read(aligned, cflight.FILE)[1]:
        for column in actual.columns:
            assert all(buffer is None or buffer.address % 64 == 0 for buffer in column.buffers())


@random_cases
def test_schemas(seeds):
    """Goal: schemas survive serialisation and copying, and their types read as pyarrow's do.
    Method: random schemas; pyarrow parses, compares and prints."""
    for seed in seeds:
        schema = ArrowRandom(seed).schema(column_count=4, depth=4)
        parsed = pa.ipc.read_schema(pa.py_buffer(cflight.schema_serialize(schema)))
        assert parsed.equals(schema, check_metadata=True), f"seed {seed}"
        assert cflight.schema_copy(schema).equals(schema, check_metadata=True), f"seed {seed}"
        assert cflight.schema_equal(schema, schema, True)
        assert cflight.schema_equal(schema, schema.remove_metadata(), False)
        for field in schema:
            plain = pa.field(field.name, storage(field.type))
            assert cflight.type_text(plain) == str(plain.type), f"seed {seed}"


def storage(type_):
    """The type without extension types, whose names are pyarrow's business."""
    if isinstance(type_, pa.BaseExtensionType):
        return type_.storage_type
    text = str(type_)
    return pa.int8() if "extension<" in text or len(text) > 2000 else type_


def test_schema_equal_sees_every_difference():
    """Goal: no difference is overlooked. Method: pairs that differ in one thing."""
    base = pa.schema([pa.field("a", pa.int32(), metadata={"k": "v"})], {"x": "1", "y": "2"})
    others = [pa.schema([pa.field("b", pa.int32())]), pa.schema([pa.field("a", pa.int64())]),
              pa.schema([pa.field("a", pa.int32(), False)]), pa.schema([]),
              pa.schema([pa.field("a", pa.dictionary(pa.int8(), pa.int32()))]),
              pa.schema([pa.field("a", pa.timestamp("s", "UTC"))])]
    for other in others:
        assert not cflight.schema_equal(base, other, False)
    assert not cflight.schema_equal(base, base.remove_metadata(), True)
    assert cflight.schema_equal(base, base.with_metadata({"y": "2", "x": "1"}), True)
    assert not cflight.schema_equal(base, base.with_metadata({"y": "1", "x": "2"}), True)


def test_nesting_limit():
    """Goal: depth is bounded, at 64 unless an option says otherwise. Method: lists of lists, at the limit and past."""
    def nested(depth):
        type_ = pa.int8()
        for _ in range(depth - 1):
            type_ = pa.list_(type_)
        return pa.schema([pa.field("a", type_)])

    cflight.Writer(nested(64))
    cflight.Writer(nested(100), depth_max=100)
    for schema, options in ((nested(65), {}), (nested(4), {"depth_max": 3})):
        with pytest.raises(cflight.CflightError, match="levels deep"):
            cflight.Writer(schema, **options)


def test_failing_callback_spends_the_writer():
    """Goal: what the callback reports comes back, and nothing is written after it. Method: fail at each call."""
    batch = dictionary_batch(["a"], [0])
    for fail_after in range(4):
        writer = None
        with pytest.raises(cflight.CflightError, match="writing Arrow IPC data failed") as failure:
            writer = cflight.Writer(batch.schema, fail_after=fail_after)
            writer.write(batch)
            writer.close()
        assert failure.value.status == 14
        if writer is not None:
            written = len(writer.chunks)
            with pytest.raises(cflight.CflightError, match="writing failed before"):
                writer.write(batch)
            assert len(writer.chunks) == written


def test_batch_that_does_not_fit_is_refused():
    """Goal: the error names the column, and the writer goes on. Method: a batch of other types, then a good one."""
    good = pa.record_batch([pa.array([1]), pa.array(["x"])], names=["number", "text"])
    writer = cflight.Writer(good.schema)
    for bad in (pa.record_batch([pa.array([1]), pa.array([1])], names=["number", "text"]),
                pa.record_batch([pa.array([1])], names=["number"])):
        with pytest.raises(cflight.CflightError) as failure:
            writer.write(bad)
        assert failure.value.status == 3
        assert bad.num_columns == 1 or '"text"' in str(failure.value)
    writer.write(good)
    check(writer.close(), cflight.STREAM, good.schema, [good])


@pytest.mark.parametrize("options, message", [
    (dict(compression=3), "unknown compression"), (dict(compression=cflight.ZSTD, compression_level=99), "level"),
    (dict(alignment_bytes=16), "alignment"), (dict(depth_max=-1), "depth_max"),
    (dict(compression_threads=-1), "compression_threads")])
def test_options_out_of_range(options, message):
    """Goal: nonsense is refused, not guessed at. Method: one bad value at a time."""
    with pytest.raises(cflight.CflightError, match=message) as failure:
        cflight.Writer(pa.schema([]), **options)
    assert failure.value.status == 3
