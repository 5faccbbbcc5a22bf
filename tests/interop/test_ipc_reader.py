# SPDX-License-Identifier: Apache-2.0
"""What pyarrow writes, read by cflight."""

import random
import threading

import pyarrow as pa
import pytest

import cflight_ctypes as cflight
import cflight_read
from arrow_random import FLAT_TYPES, ArrowRandom
from cases import case, random_cases

DATA_LOSS, INVALID_ARGUMENT, NOT_FOUND, OUT_OF_RANGE, RESOURCE_EXHAUSTED = 15, 3, 5, 11, 8


def random_options(rng):
    # pyarrow writes compressed V4 bodies, but does not read them as such.
    metadata_version = rng.choice((pa.ipc.MetadataVersion.V4, pa.ipc.MetadataVersion.V5))
    compressions = (None, "lz4", "zstd") if metadata_version == pa.ipc.MetadataVersion.V5 else (None,)
    return dict(metadata_version=metadata_version, allow_64bit=True, compression=rng.choice(compressions),
                use_legacy_format=rng.random() < 0.2, emit_dictionary_deltas=rng.random() < 0.5)


def write(make_writer, schema, batches, **options):
    sink = pa.BufferOutputStream()
    with make_writer(sink, schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def write_stream(schema, batches, **options):
    return write(pa.ipc.new_stream, schema, batches, **options)


def write_file(schema, batches, **options):
    return write(pa.ipc.new_file, schema, batches, **options)


def pyarrow_stream(data):
    with pa.ipc.open_stream(data) as reader:
        return reader.schema, list(reader)


def check(schema, batches, expected_schema, expected):
    assert schema.equals(expected_schema, check_metadata=True)
    assert len(batches) == len(expected)
    for batch, expected_batch in zip(batches, expected):
        batch.validate(full=True)
        assert batch.equals(expected_batch)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.arrow"


@random_cases
def test_random_streams(seeds):
    """Goal: every type, version, framing, codec and dictionary change is read.
    Method: random batches and options, for many seeds, handed over in chunks of random size; pyarrow compares."""
    for seed in seeds:
        rng = random.Random(seed)
        generator = ArrowRandom(seed)
        options = random_options(rng)
        schema = generator.schema()
        batches = list(generator.batches(schema))
        with case(seed, options):
            data = write_stream(schema, batches, **options)
            with cflight_read.open_bytes(data, chunk_bytes=rng.choice((1, 7, 64, 5000))) as reader:
                check(reader.schema, list(reader), *pyarrow_stream(data))


@random_cases
def test_random_files(seeds, path):
    """Goal: the same for files, from a memory map, in any order of batches.
    Method: as above; batches are compared after the file's handle was given back."""
    for seed in seeds:
        rng = random.Random(seed)
        generator = ArrowRandom(seed)
        options = random_options(rng)
        schema = generator.schema()
        batches = list(generator.batches(schema, dictionaries="grow" if options["emit_dictionary_deltas"] else "fixed"))
        with case(seed, options):
            path.write_bytes(write_file(schema, batches, **options))
            with pa.ipc.open_file(path) as reader:
                expected = [reader.get_batch(i) for i in range(reader.num_record_batches)]
            file = cflight_read.File(path)
            assert file.batch_count == len(expected)
            assert file.row_count == sum(batch.num_rows for batch in expected)
            order = list(range(len(expected)))
            rng.shuffle(order)
            found = {i: file.read_batch(i) for i in order}
            found_schema = file.schema
            del file
            check(found_schema, [found[i] for i in range(len(expected))], schema, expected)
            with cflight_read.open_path(path) as reader:
                check(reader.schema, list(reader), schema, expected)


@random_cases
def test_random_streams_of_our_writer(seeds):
    """Goal: reader and writer agree, whatever pyarrow thinks of it; deltas of nested values too.
    Method: random batches through both; dictionaries that only grow, sent as deltas."""
    for seed in seeds:
        generator = ArrowRandom(seed)
        schema = generator.schema()
        batches = list(generator.batches(schema, dictionaries="grow"))
        with case(seed):
            data = cflight.write_all(schema, batches, cflight.STREAM)
            with cflight_read.open_bytes(data) as reader:
                check(reader.schema, list(reader), schema, batches)


@random_cases
def test_random_selections(seeds):
    """Goal: columns that are not wanted are passed over exactly.
    Method: random subsets of the columns of random streams, compared with the same columns of the whole."""
    for seed in seeds:
        rng = random.Random(seed)
        generator = ArrowRandom(seed)
        options = random_options(rng)
        schema = generator.schema(column_count=5)
        batches = list(generator.batches(schema))
        included = sorted(rng.sample(range(5), rng.randrange(0, 6)))
        expected_schema = pa.schema([schema.field(i) for i in included], schema.metadata)
        with case(seed, (included, options)):
            data = write_stream(schema, batches, **options)
            with cflight_read.open_bytes(data, included=included) as reader:
                found = list(reader)
                assert [batch.num_rows for batch in found] == [batch.num_rows for batch in batches]
                if included:
                    check(reader.schema, found, expected_schema, [batch.select(included) for batch in batches])


@pytest.mark.parametrize("included", [[0, 0], [1, 0], [2], [-1]], ids=str)
def test_bad_selections_are_refused(included):
    data = write_stream(pa.schema([("a", pa.int8()), ("b", pa.int8())]), [])
    with pytest.raises(cflight.CflightError) as caught, cflight_read.open_bytes(data, included=included):
        pass
    assert caught.value.status == INVALID_ARGUMENT


@pytest.mark.parametrize("type_", FLAT_TYPES, ids=str)
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_every_flat_type(type_, compression):
    """Goal: each type alone, so that a failure names it. Method: all rows, no rows, all null, sliced."""
    generator = ArrowRandom(1)
    schema = pa.schema([pa.field("column", type_)])
    array = generator.array(type_, 100)
    batches = [pa.record_batch([item], schema=schema)
               for item in (array, array[:0], array[3:50], array[8:9], pa.nulls(20, type_))]
    data = write_stream(schema, batches, compression=compression)
    with cflight_read.open_bytes(data) as reader:
        check(reader.schema, list(reader), *pyarrow_stream(data))


def delta_stream(base, delta):
    """A stream whose second dictionary message says `delta` follows on `base`; pyarrow sends deltas of flat values only,
    so a replacement is turned into one: isDelta is the last byte field of its flatbuffer that differs."""
    both = pa.concat_arrays([base, delta])
    schema = pa.schema([pa.field("column", pa.dictionary(pa.int32(), base.type))])
    batches = [pa.record_batch([pa.DictionaryArray.from_arrays(pa.array(range(len(values)), pa.int32()), values)],
                               schema=schema) for values in (base, both)]
    return cflight.write_all(schema, batches, cflight.STREAM), schema, batches


@pytest.mark.parametrize("type_", [type_ for type_ in FLAT_TYPES
                                   if not pa.types.is_null(type_) and not isinstance(type_, pa.BaseExtensionType)] + [
    pa.list_(pa.int32()), pa.large_list(pa.utf8()), pa.list_(pa.int8(), 3), pa.struct([("a", pa.int8()), ("b", pa.utf8())]),
    pa.map_(pa.utf8(), pa.int32()), pa.list_(pa.struct([("a", pa.list_(pa.bool_()))]))], ids=str)
def test_delta_dictionaries_of_every_type(type_):
    """Goal: a delta is appended to the dictionary, and earlier batches keep theirs.
    Method: a dictionary that grows, with nulls in both parts."""
    generator = ArrowRandom(7)
    generator.dictionary_mode = "fixed"
    data, schema, batches = delta_stream(generator.array(type_, 13), generator.array(type_, 11))
    with cflight_read.open_bytes(data) as reader:
        check(reader.schema, list(reader), schema, batches)


def test_many_readers_share_one_file(path):
    """Goal: a file may be read by several threads, dictionaries included.
    Method: eight threads read all batches from the first on; dictionaries are loaded by whoever comes first."""
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2] * 100, pa.int8()), ["a", "bb", "ccc"])
    batch = pa.record_batch([column, pa.array(range(400))], names=["d", "i"])
    path.write_bytes(write_file(batch.schema, [batch] * 20, compression="zstd"))
    file = cflight_read.File(path)
    failures = []

    def read_all():
        try:
            with file.stream() as reader:
                check(reader.schema, list(reader), batch.schema, [batch] * 20)
        except Exception as error:  # pragma: no cover
            failures.append(error)

    threads = [threading.Thread(target=read_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_arrays_outlive_file_and_stream(path):
    """Goal: an array keeps the memory map. Method: read, drop everything else, look at the values."""
    path.write_bytes(write_file(pa.schema([("a", pa.int64())]), [pa.record_batch([pa.array(range(1000))], ["a"])]))
    with cflight_read.open_path(path) as reader:
        column = reader.read_next_batch().column(0)
    del reader
    path.unlink()
    assert column.to_pylist() == list(range(1000))


def test_a_file_is_read_without_a_copy(path):
    """Goal: arrays point into the map. Method: the buffer's address lies in a mapping of the file."""
    path.write_bytes(write_file(pa.schema([("a", pa.int64())]), [pa.record_batch([pa.array(range(100000))], ["a"])]))
    with cflight_read.open_path(path) as reader:
        address = reader.read_next_batch().column(0).buffers()[1].address
        with open("/proc/self/maps") as maps:
            ranges = [line.split()[0].split("-") for line in maps if str(path) in line]
        assert any(int(low, 16) <= address < int(high, 16) for low, high in ranges)


@pytest.mark.parametrize("name, status", [("missing", NOT_FOUND), (".", INVALID_ARGUMENT)])
def test_paths_that_cannot_be_opened(tmp_path, name, status):
    with pytest.raises(cflight.CflightError) as caught:
        cflight_read.open_path(tmp_path / name)
    assert caught.value.status == status


def small_file():
    batch = pa.record_batch([pa.array(["a", "b", None]).dictionary_encode(), pa.array([1, 2, 3])], ["d", "i"])
    return write_file(batch.schema, [batch, batch]).to_pybytes()


def test_a_file_cut_anywhere_is_an_error(path):
    """Goal: a file that is cut short never passes for a shorter one. Method: cut at every byte."""
    data = small_file()
    for len_bytes in range(len(data)):
        path.write_bytes(data[:len_bytes])
        with pytest.raises((cflight.CflightError, pa.ArrowInvalid)) as caught:
            with cflight_read.open_path(path) as reader:
                list(reader)
        if isinstance(caught.value, cflight.CflightError):
            assert caught.value.status == DATA_LOSS, len_bytes


def test_batch_index_out_of_range(path):
    path.write_bytes(small_file())
    file = cflight_read.File(path)
    for index in (-1, 2):
        with pytest.raises(cflight.CflightError) as caught:
            file.read_batch(index)
        assert caught.value.status == OUT_OF_RANGE


def test_depth_limit():
    """Goal: the limit of nesting is the caller's. Method: at the limit, and one below the depth of the schema."""
    type_ = pa.int8()
    for _ in range(20):
        type_ = pa.list_(type_)
    data = write_stream(pa.schema([("a", type_)]), [])
    with cflight_read.open_bytes(data, depth_max=21) as reader:
        assert reader.schema.field("a").type == type_
    with pytest.raises(cflight.CflightError, match="20"), cflight_read.open_bytes(data, depth_max=20):
        pass


def test_message_size_limit():
    """Goal: a body above the limit is refused before it is allocated. Method: at the limit, and one byte below."""
    batch = pa.record_batch([pa.array(range(1000), pa.int64())], ["a"])
    data = write_stream(batch.schema, [batch])
    with cflight_read.open_bytes(data, message_bytes_max=8000) as reader:
        assert list(reader) == [batch]
    with cflight_read.open_bytes(data, message_bytes_max=7999) as reader, pytest.raises(MemoryError, match="7999"):
        list(reader)


@pytest.mark.parametrize("with_marker", [True, False])
def test_schema_parse(with_marker):
    """Goal: both framings are understood and what follows is ignored. Method: pyarrow's bytes, with and without."""
    schema = pa.schema([pa.field("a", pa.list_(pa.utf8()), metadata={"k": "v"})], {"x": "y"})
    data = schema.serialize().to_pybytes()
    data = data if with_marker else data[4:]
    assert cflight_read.schema_parse(data + b"more").equals(schema, check_metadata=True)
    for len_bytes in range(len(data) - 8):
        with pytest.raises(cflight.CflightError):
            cflight_read.schema_parse(data[:len_bytes])


@random_cases
def test_array_validate_accepts_what_is_valid(seeds):
    """Goal: validation of foreign arrays refuses nothing that pyarrow calls valid.
    Method: random batches with offsets, slices and shared children."""
    for seed in seeds:
        generator = ArrowRandom(seed)
        schema = generator.schema()
        with case(seed):
            for batch in generator.batches(schema):
                cflight_read.array_validate(batch)
                cflight_read.array_validate(batch.slice(batch.num_rows // 3))


def broken(type_, buffers, length=2, children=None):
    return pa.Array.from_buffers(type_, length, [None if b is None else pa.py_buffer(b) for b in buffers],
                                 children=children)


def i32(*values):
    return b"".join(value.to_bytes(4, "little", signed=True) for value in values)


LONG = b"\x0d\0\0\0abcd"

BROKEN = {
    "offsets descend": broken(pa.binary(), [None, i32(0, 5, 3), b"abc"]),
    "not UTF-8": broken(pa.utf8(), [None, i32(0, 1, 2), b"a\xff"]),
    "row inside a character": broken(pa.utf8(), [None, i32(0, 1, 2), "é".encode()]),
    "list offsets descend": broken(pa.list_(pa.int8()), [None, i32(0, 3, 2)], children=[pa.array([1, 2], pa.int8())]),
    "list view beyond items": broken(pa.list_view(pa.int8()), [None, i32(0, 1), i32(2, 2)],
                                     children=[pa.array([1, 2], pa.int8())]),
    "list view size negative": broken(pa.list_view(pa.int8()), [None, i32(0, 1), i32(2, -1)],
                                      children=[pa.array([1, 2], pa.int8())]),
    "view buffer unknown": broken(pa.binary_view(), [None, LONG + i32(1, 0) + bytes(16), b"abcdefghijklm"]),
    "view beyond buffer": broken(pa.binary_view(), [None, LONG + i32(0, 1) + bytes(16), b"abcdefghijklm"]),
    "view prefix differs": broken(pa.binary_view(), [None, LONG + i32(0, 0) + bytes(16), b"abcxefghijklm"]),
    "view not UTF-8": broken(pa.string_view(), [None, b"\x01\0\0\0\xff" + bytes(27)]),
    "union id unknown": broken(pa.sparse_union([pa.field("a", pa.int8())]), [None, b"\0\1"],
                               children=[pa.array([1, 2], pa.int8())]),
    "union offset beyond child": broken(pa.dense_union([pa.field("a", pa.int8())]), [None, b"\0\0", i32(0, 2)],
                                        children=[pa.array([1, 2], pa.int8())]),
    "index beyond dictionary": pa.DictionaryArray.from_arrays(pa.array([0, 2], pa.int8()), ["a", "b"], safe=False),
    "index negative": pa.DictionaryArray.from_arrays(pa.array([0, -1], pa.int64()), ["a", "b"], safe=False),
    "index beyond, unsigned": pa.DictionaryArray.from_arrays(pa.array([0, 255], pa.uint8()), ["a"] * 200, safe=False),
    "null_count wrong": pa.Array.from_buffers(pa.int8(), 2, [pa.py_buffer(b"\1"), pa.py_buffer(b"ab")], null_count=2),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("nested", [False, True])
def test_array_validate_refuses_what_is_broken(name, nested):
    """Goal: each rule of full validation is enforced, at any depth. Method: one array for each rule."""
    array = BROKEN[name]
    if nested:
        array = pa.StructArray.from_arrays([array], ["child"])
    with pytest.raises(cflight.CflightError, match="'column'") as caught:
        cflight_read.array_validate(pa.record_batch([array], ["column"]))
    assert caught.value.status == INVALID_ARGUMENT


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "null_count wrong"])
def test_full_validation_on_reading(name):
    """Goal: what validation refuses does not pass the reader either, by default.
    Method: pyarrow writes the broken arrays as they are."""
    batch = pa.record_batch([BROKEN[name]], ["column"])
    try:
        data = write_stream(batch.schema, [batch])
    except pa.ArrowException as error:
        pytest.skip(f"pyarrow does not write it: {error}")
    with cflight_read.open_bytes(data) as reader, pytest.raises(pa.ArrowInvalid, match="column"):
        list(reader)


# Wrong, but leading nowhere: what the level SAFE does not look at.
HARMLESS = {"not UTF-8", "row inside a character", "view prefix differs", "view not UTF-8"}


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "null_count wrong"])
def test_safe_validation_on_reading(name):
    """Goal: at the level SAFE nothing leads outside, and text is passed as it is. Method: as above."""
    batch = pa.record_batch([BROKEN[name]], ["column"])
    try:
        data = write_stream(batch.schema, [batch])
    except pa.ArrowException as error:
        pytest.skip(f"pyarrow does not write it: {error}")
    with cflight_read.open_bytes(data, validation=cflight_read.SAFE) as reader:
        if name in HARMLESS:
            assert len(list(reader)) == 1
        else:
            with pytest.raises(pa.ArrowInvalid, match="column"):
                list(reader)


def test_bad_bytes_under_nulls_do_not_matter():
    """Goal: indices, views and text under a null are not looked at. Method: broken values, all of them null."""
    null = pa.py_buffer(b"\0")
    arrays = [
        pa.Array.from_buffers(pa.utf8(), 1, [null, pa.py_buffer(i32(0, 1)), pa.py_buffer(b"\xff")]),
        pa.Array.from_buffers(pa.string_view(), 1, [null, pa.py_buffer(LONG + i32(9, 9))]),
        pa.DictionaryArray.from_arrays(pa.Array.from_buffers(pa.int8(), 1, [null, pa.py_buffer(b"\x7f")]), ["a"],
                                       safe=False),
    ]
    batch = pa.record_batch(arrays, ["text", "view", "index"])
    cflight_read.array_validate(batch)
    with cflight_read.open_bytes(write_stream(batch.schema, [batch])) as reader:
        assert [column.null_count for column in reader.read_next_batch().columns] == [1, 1, 1]
