# SPDX-License-Identifier: Apache-2.0
"""Writes the small Arrow streams and files that fuzzing and the unit tests of the reader begin with:
    python tests/fuzz/make_ipc_corpus.py
One for each layout and message feature, so that a failure names what it is about. Needs pyarrow."""

import pathlib

import pyarrow as pa

CORPUS = pathlib.Path(__file__).parent / "corpus"


def column(name, array):
    return pa.record_batch([array], [name])


def values(type_, items):
    return pa.array(items, type_)


def dictionary(indices, items, index_type=pa.int8()):
    return pa.DictionaryArray.from_arrays(pa.array(indices, index_type), items)


def flat():
    return pa.record_batch({
        "null": pa.nulls(3), "bool": values(pa.bool_(), [True, None, False]), "i8": values(pa.int8(), [1, None, 3]),
        "i64": values(pa.int64(), [1, 2, 3]), "f16": values(pa.float16(), [1, 2, None]),
        "decimal": values(pa.decimal128(10, 2), [1, None, 2]), "fixed": values(pa.binary(3), [b"abc", None, b"def"]),
        "time": values(pa.timestamp("us", "UTC"), [1, 2, None]),
        "interval": values(pa.month_day_nano_interval(), [(1, 2, 3), None, (4, 5, 6)])})


def text():
    words = ["a", None, "é, longer than twelve bytes"]
    return pa.record_batch({"utf8": values(pa.utf8(), words), "large": values(pa.large_binary(), [b"\xff", b"", None]),
                            "view": values(pa.string_view(), words)})


def nested():
    lists = [[1, 2], None, [], [3]]
    return pa.record_batch({
        "list": values(pa.list_(pa.int32()), lists), "large": values(pa.large_list(pa.int8()), lists),
        "view": values(pa.list_view(pa.int8()), lists), "large_view": values(pa.large_list_view(pa.utf8()), [["a"], [], None, ["b"]]),
        "fixed": values(pa.list_(pa.int8(), 2), [[1, 2], None, [3, 4], [5, 6]]),
        "struct": values(pa.struct([("a", pa.int8()), ("b", pa.utf8())]), [{"a": 1, "b": "x"}, None, {"a": 2}, {"b": "y"}]),
        "map": values(pa.map_(pa.utf8(), pa.int32()), [[("k", 1)], None, [], [("l", 2), ("m", None)]])})


def unions():
    ids = pa.array([0, 1, 0], pa.int8())
    children = [pa.array([1, 2, 3], pa.int32()), pa.array(["a", "b", "c"])]
    return pa.record_batch({"sparse": pa.UnionArray.from_sparse(ids, children),
                            "dense": pa.UnionArray.from_dense(ids, pa.array([0, 0, 2], pa.int32()), children)})


def runs():
    array = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3, 7], pa.int16()), pa.array(["a", None, "b"]))
    return pa.record_batch({"runs": array})


def dictionaries():
    return [column("d", dictionary([0, 1, None], ["a", "b"])), column("d", dictionary([2, 0, 1], ["a", "b", "c"])),
            column("d", dictionary([1, 0, None], ["x", "y"]))]


def growing():
    """Dictionaries that grow batch by batch."""
    words = ["a", None, "ccc", "dddddddd", "e", "", "gg", "h" * 40, "i"]
    batches = []
    for count in (2, 3, 5, 5, 6, 9):
        numbers = pa.DictionaryArray.from_arrays(pa.array([count - 1, 0], pa.int8()), pa.array(range(count), pa.int64()))
        batches.append(pa.record_batch([dictionary([0, count - 1], words[:count]), numbers], ["text", "number"]))
    return batches


def nested_dictionary():
    inner = dictionary([0, 1, 1], ["p", "q"])
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 3, 3], pa.int32()), inner)
    outer = pa.DictionaryArray.from_arrays(pa.array([2, None, 0], pa.uint16()), lists)
    return column("outer", outer)


def options(**kwargs):
    return pa.ipc.IpcWriteOptions(**kwargs)


def write(make, batches, write_options):
    batches = batches if isinstance(batches, list) else [batches]
    sink = pa.BufferOutputStream()
    schema = batches[0].schema.with_metadata({"key": "value"})
    with make(sink, schema, options=write_options) as writer:
        for batch in batches:
            writer.write_batch(batch.replace_schema_metadata({"key": "value"}))
    return sink.getvalue().to_pybytes()


def main():
    v4 = pa.ipc.MetadataVersion.V4
    cases = {
        "flat": (flat(), options()), "text": (text(), options()), "nested": (nested(), options()),
        "unions": (unions(), options()), "unions_v4": (unions(), options(metadata_version=v4)),
        "runs": (runs(), options()), "nested_dictionary": (nested_dictionary(), options()),
        "deltas": (dictionaries(), options(emit_dictionary_deltas=True)),
        "growing": (growing(), options(emit_dictionary_deltas=True)),
        "legacy": (flat().select([2, 3]), options(metadata_version=v4, use_legacy_format=True)),
        "lz4": (text(), options(compression="lz4")), "zstd": (nested(), options(compression="zstd")),
    }
    for folder, make, skipped in (("ipc_stream", pa.ipc.new_stream, ()), ("ipc_file", pa.ipc.new_file, ("legacy",))):
        (CORPUS / folder).mkdir(parents=True, exist_ok=True)
        for name, (batches, write_options) in cases.items():
            if name in skipped:
                continue
            if folder == "ipc_file" and name == "deltas":
                batches = batches[:2]
            (CORPUS / folder / name).write_bytes(write(make, batches, write_options))


if __name__ == "__main__":
    main()
