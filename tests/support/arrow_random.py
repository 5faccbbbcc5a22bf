# SPDX-License-Identifier: Apache-2.0
"""Random Arrow schemas and record batches of every type pyarrow can make.

    generator = ArrowRandom(seed)
    schema = generator.schema()
    for batch in generator.batches(schema, count=3, dictionaries="any"): ...

Everything follows from the seed, so a failure is repeated by printing it. Arrays have nulls with arbitrary bytes under
them, offsets, slices, empty and nested children, and children longer than their parents need. Floating point values
are never NaN, so that pyarrow's equals() can be used. Batches pass validate(full=True).
"""

import decimal
import random

import numpy as np
import pyarrow as pa

UNITS = ("s", "ms", "us", "ns")
WORDS = ["", "a", "é", "flight", "Arrow", "twelve bytes", "thirteen bytes", "a text longer than any inline view",
         "𝄞 clef", "\x00nul", "日本語のテキスト"]
INDEX_TYPES = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
RUN_END_TYPES = (pa.int16(), pa.int32(), pa.int64())

FLAT_TYPES = (
    [pa.null(), pa.bool_(), pa.float16(), pa.float32(), pa.float64(), pa.date32(), pa.date64(),
     pa.month_day_nano_interval(), pa.binary(), pa.large_binary(), pa.binary_view(), pa.utf8(), pa.large_utf8(),
     pa.string_view(), pa.binary(0), pa.binary(1), pa.binary(7), pa.binary(16), pa.time32("s"), pa.time32("ms"),
     pa.time64("us"), pa.time64("ns"), pa.decimal32(1, 0), pa.decimal32(9, 2), pa.decimal64(18, -3),
     pa.decimal128(38, 10), pa.decimal128(5, 2), pa.decimal256(76, 30), pa.uuid(), pa.bool8()]
    + list(INDEX_TYPES)
    + [pa.timestamp(unit, tz) for unit in UNITS for tz in (None, "UTC", "Europe/Paris")]
    + [pa.duration(unit) for unit in UNITS]
)


class ArrowRandom:
    def __init__(self, seed):
        self.seed = seed
        self.rng = random.Random(seed)
        self.np = np.random.default_rng(seed)
        self.dictionary_values = {}
        self.dictionary_mode = "any"

    # Types

    def type(self, depth=3, in_dictionary=False):
        if depth <= 0 or self.rng.random() < 0.5:
            if not in_dictionary and self.rng.random() < 0.2:
                return self.dictionary_type(depth)
            return self.rng.choice(FLAT_TYPES)
        make = self.rng.choice((self._list, self._large_list, self._list_view, self._large_list_view,
                                self._fixed_size_list, self._struct, self._map, self._dense_union,
                                self._sparse_union, self._run_end_encoded, self.dictionary_type))
        if in_dictionary and make == self.dictionary_type:
            make = self._struct
        return make(depth - 1)

    def dictionary_type(self, depth):
        value_type = self.type(depth, in_dictionary=True)
        # pyarrow reads no deltas of extension types, however deep inside.
        while pa.types.is_null(value_type) or has_extension(value_type):
            value_type = self.type(depth, in_dictionary=True)
        return pa.dictionary(self.rng.choice(INDEX_TYPES), value_type, self.rng.random() < 0.3)

    def field(self, name, depth=3):
        metadata = None
        if self.rng.random() < 0.2:
            metadata = {self.rng.choice(WORDS): self.rng.choice(WORDS) for _ in range(self.rng.randrange(1, 4))}
        type_ = self.type(depth)
        return pa.field(name, type_, pa.types.is_null(type_) or self.rng.random() < 0.8, metadata)

    def schema(self, column_count=None, depth=3):
        if column_count is None:
            column_count = self.rng.choice((0, 1, 1, 2, 3, 5))
        metadata = {"key": "value", "seed": str(self.seed)} if self.rng.random() < 0.3 else None
        return pa.schema([self.field(self.rng.choice(WORDS[1:]).replace("\x00", "") + str(i), depth)
                          for i in range(column_count)], metadata)

    def _list(self, depth):
        return pa.list_(self.field("item", depth))

    def _large_list(self, depth):
        return pa.large_list(self.field("item", depth))

    def _list_view(self, depth):
        return pa.list_view(self.field("item", depth))

    def _large_list_view(self, depth):
        return pa.large_list_view(self.field("item", depth))

    def _fixed_size_list(self, depth):
        return pa.list_(self.field("item", depth), self.rng.choice((0, 1, 2, 3)))

    def _struct(self, depth):
        return pa.struct([self.field(f"f{i}", depth) for i in range(self.rng.choice((0, 1, 2, 3)))])

    def _map(self, depth):
        key = pa.field("key", self.rng.choice((pa.utf8(), pa.int32(), pa.binary(3))), nullable=False)
        return pa.map_(key, self.field("value", depth), keys_sorted=self.rng.random() < 0.3)

    def _union_fields(self, depth):
        fields = [self.field(f"u{i}", depth) for i in range(self.rng.choice((1, 2, 3)))]
        return fields, self.rng.sample(range(128), len(fields))

    def _dense_union(self, depth):
        return pa.dense_union(*self._union_fields(depth))

    def _sparse_union(self, depth):
        return pa.sparse_union(*self._union_fields(depth))

    def _run_end_encoded(self, depth):
        value_type = self.type(depth)
        while pa.types.is_run_end_encoded(value_type):
            value_type = self.type(depth)
        return pa.run_end_encoded(self.rng.choice(RUN_END_TYPES), value_type)

    # Arrays

    def array(self, type_, length, path="", nullable=True):
        """An array of exactly `length` rows, often a slice of a longer one."""
        before = self.rng.choice((0, 0, 0, 1, 3, 8, 16, 21))
        after = self.rng.choice((0, 0, 1, 9))
        whole = self._whole(type_, before + length + after, path, nullable)
        return whole.slice(before, length)

    def _validity(self, length, nullable):
        """A bitmap or None, and the number of nulls."""
        share = self.rng.choice((0.0, 0.0, 0.3, 1.0))
        if not nullable or share == 0.0:
            return (None, 0) if self.rng.random() < 0.7 else (pa.py_buffer(b"\xff" * (length // 8 + 1)), 0)
        valid = self.np.random(length) >= share
        return pa.py_buffer(np.packbits(valid, bitorder="little").tobytes() + b"\xa5"), -1

    def _random_bytes(self, length):
        return pa.py_buffer(self.np.bytes(length))

    def _build(self, type_, length, buffers, nullable, children=None):
        validity, null_count = self._validity(length, nullable)
        return pa.Array.from_buffers(type_, length, [validity] + buffers, null_count, children=children)

    def _whole(self, type_, length, path, nullable):
        if isinstance(type_, pa.BaseExtensionType):
            storage = self._whole(type_.storage_type, length, path, nullable)
            return pa.ExtensionArray.from_storage(type_, storage)
        if pa.types.is_dictionary(type_):
            return self._dictionary(type_, length, path, nullable)
        if pa.types.is_null(type_):
            return pa.nulls(length)
        if pa.types.is_nested(type_) or pa.types.is_run_end_encoded(type_):
            return self._nested(type_, length, path, nullable)
        if type_ in (pa.string_view(), pa.binary_view()):
            return self._views(type_, length, nullable)
        if (pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_binary(type_)
                or pa.types.is_large_binary(type_)):
            return self._variable(type_, length, nullable)
        return self._build(type_, length, [self._fixed_values(type_, length)], nullable)

    def _fixed_values(self, type_, length):
        if pa.types.is_boolean(type_):
            return self._random_bytes(length // 8 + 1)
        if pa.types.is_fixed_size_binary(type_):
            return self._random_bytes(type_.byte_width * length)
        if pa.types.is_decimal(type_):
            return self._decimals(type_, length)
        if pa.types.is_floating(type_):
            name = {16: "<f2", 32: "<f4", 64: "<f8"}[type_.bit_width]
            return pa.py_buffer(self.np.normal(0, 1000, length).astype(name).tobytes())
        if pa.types.is_date64(type_):
            return pa.py_buffer((self.np.integers(-10000, 10000, length) * 86400000).astype("<i8").tobytes())
        if pa.types.is_time(type_):
            top = 86400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[type_.unit]
            name = "<i4" if type_.bit_width == 32 else "<i8"
            return pa.py_buffer(self.np.integers(0, top, length).astype(name).tobytes())
        return self._random_bytes(type_.bit_width // 8 * length)

    def _decimals(self, type_, length):
        top = 10 ** type_.precision
        width = type_.bit_width // 8
        values = (self.rng.randrange(-top + 1, top) for _ in range(length))
        return pa.py_buffer(b"".join(value.to_bytes(width, "little", signed=True) for value in values))

    def _words(self, length, is_text):
        words = [self.rng.choice(WORDS).encode() for _ in range(length)]
        return words if is_text else [word + self.np.bytes(self.rng.randrange(4)) for word in words]

    def _variable(self, type_, length, nullable):
        is_text = pa.types.is_string(type_) or pa.types.is_large_string(type_)
        is_large = pa.types.is_large_string(type_) or pa.types.is_large_binary(type_)
        words = self._words(length, is_text)
        lead = self.rng.choice((b"", b"", b"lead"))
        offsets = np.cumsum([len(lead)] + [len(word) for word in words]).astype("<i8" if is_large else "<i4")
        data = lead + b"".join(words) + self.rng.choice((b"", b"rest"))
        return self._build(type_, length, [pa.py_buffer(offsets.tobytes()), pa.py_buffer(data)], nullable)

    def _views(self, type_, length, nullable):
        words = self._words(length, type_ == pa.string_view())
        blocks = [bytearray() for _ in range(self.rng.choice((1, 1, 2, 3)))]
        views = bytearray()
        for word in words:
            views += len(word).to_bytes(4, "little")
            if len(word) <= 12:
                views += word.ljust(12, b"\x00")
                continue
            index = self.rng.randrange(len(blocks))
            views += word[:4] + index.to_bytes(4, "little") + len(blocks[index]).to_bytes(4, "little")
            blocks[index] += word
        if not any(blocks) and self.rng.random() < 0.5:
            blocks = []
        return self._build(type_, length, [pa.py_buffer(bytes(views))] + [pa.py_buffer(bytes(b)) for b in blocks],
                           nullable)

    def _nested(self, type_, length, path, nullable):
        if pa.types.is_struct(type_):
            children = [self.array(type_.field(i).type, length, f"{path}.{i}", type_.field(i).nullable)
                        for i in range(type_.num_fields)]
            return self._build(type_, length, [], nullable, children)
        if pa.types.is_fixed_size_list(type_):
            child = self.array(type_.value_type, length * type_.list_size, path + ".i", type_.value_field.nullable)
            return self._build(type_, length, [], nullable, [child])
        if pa.types.is_union(type_):
            return self._union(type_, length, path)
        if pa.types.is_run_end_encoded(type_):
            return self._runs(type_, length, path, nullable)
        if pa.types.is_list_view(type_) or pa.types.is_large_list_view(type_):
            return self._list_views(type_, length, path, nullable)
        return self._lists(type_, length, path, nullable)

    def _lists(self, type_, length, path, nullable):
        lead = self.rng.choice((0, 0, 2))
        sizes = [self.rng.choice((0, 0, 1, 2, 5)) for _ in range(length)]
        offsets = np.cumsum([lead] + sizes)
        child_length = int(offsets[-1]) + self.rng.choice((0, 0, 3))
        if pa.types.is_map(type_):
            entry_type = pa.struct([type_.key_field, type_.item_field])
            keys = self.array(type_.key_type, child_length, path + ".k", False)
            items = self.array(type_.item_type, child_length, path + ".v", type_.item_field.nullable)
            child = pa.Array.from_buffers(entry_type, child_length, [None], 0, children=[keys, items])
        else:
            child = self.array(type_.value_type, child_length, path + ".i", type_.value_field.nullable)
        name = "<i8" if pa.types.is_large_list(type_) else "<i4"
        return self._build(type_, length, [pa.py_buffer(offsets.astype(name).tobytes())], nullable, [child])

    def _list_views(self, type_, length, path, nullable):
        child_length = self.rng.choice((0, 1, 5, 3 * length + 1))
        child = self.array(type_.value_type, child_length, path + ".i", type_.value_field.nullable)
        offsets = [self.rng.randrange(child_length + 1) for _ in range(length)]
        sizes = [self.rng.randrange(min(child_length - offset, 4) + 1) for offset in offsets]
        name = "<i8" if pa.types.is_large_list_view(type_) else "<i4"
        buffers = [pa.py_buffer(np.array(values, dtype=name).tobytes()) for values in (offsets, sizes)]
        return self._build(type_, length, buffers, nullable, [child])

    def _union(self, type_, length, path):
        codes = list(type_.type_codes)
        picks = [self.rng.randrange(len(codes)) for _ in range(length)]
        ids = pa.py_buffer(np.array([codes[pick] for pick in picks], dtype="i1").tobytes())
        if type_.mode == "sparse":
            children = [self.array(type_.field(i).type, length, f"{path}.{i}", type_.field(i).nullable)
                        for i in range(type_.num_fields)]
            return pa.Array.from_buffers(type_, length, [None, ids], 0, children=children)
        next_offsets = [self.rng.choice((0, 0, 2)) for _ in codes]
        offsets = []
        for pick in picks:
            offsets.append(next_offsets[pick])
            next_offsets[pick] += self.rng.choice((0, 1, 1, 2))
        children = [self.array(type_.field(i).type, next_offsets[i] + 1, f"{path}.{i}", type_.field(i).nullable)
                    for i in range(type_.num_fields)]
        buffers = [None, ids, pa.py_buffer(np.array(offsets, dtype="<i4").tobytes())]
        return pa.Array.from_buffers(type_, length, buffers, 0, children=children)

    def _runs(self, type_, length, path, nullable):
        ends = []
        while not ends or ends[-1] < length:
            ends.append((ends[-1] if ends else 0) + self.rng.choice((1, 1, 2, 7)))
        if length == 0 and self.rng.random() < 0.5:
            ends = []
        name = {pa.int16(): "<i2", pa.int32(): "<i4", pa.int64(): "<i8"}[type_.run_end_type]
        run_ends = pa.Array.from_buffers(type_.run_end_type, len(ends),
                                         [None, pa.py_buffer(np.array(ends, dtype=name).tobytes())], 0)
        values = self.array(type_.value_type, len(ends), path + ".v", nullable)
        return pa.Array.from_buffers(type_, length, [None], 0, children=[run_ends, values])

    def _dictionary(self, type_, length, path, nullable):
        values = self._dictionary_values_at(type_, path)
        index_bytes = type_.index_type.bit_width // 8
        count = min(len(values), 100)
        if count == 0:
            validity = pa.py_buffer(b"\x00" * (length // 8 + 1))
            buffers = [validity, pa.py_buffer(b"\x00" * (length * index_bytes))]
            return pa.DictionaryArray.from_buffers(type_, length, buffers, values, -1)
        indices = self.np.integers(0, count, length).astype(f"<i{index_bytes}")
        validity, null_count = self._validity(length, nullable)
        return pa.DictionaryArray.from_buffers(type_, length, [validity, pa.py_buffer(indices.tobytes())], values,
                                               null_count)

    def _dictionary_values_at(self, type_, path):
        """The dictionary of a place in the schema; within one batch always the same. One that is to grow is never
        empty, because pyarrow's writer takes growth from nothing for a replacement."""
        if path not in self.dictionary_values:
            sizes = (1, 3, 20) if self.dictionary_mode == "grow" else (0, 1, 3, 20)
            self.dictionary_values[path] = self.array(type_.value_type, self.rng.choice(sizes), path + ".d")
        return self.dictionary_values[path]

    # Batches

    def _evolve_dictionaries(self):
        """Keeps, grows or forgets each dictionary, as far as the mode allows. A grown dictionary is a new array."""
        for path in list(self.dictionary_values):
            values = self.dictionary_values[path]
            choice = self.rng.random()
            if self.dictionary_mode == "any" and choice < 0.3:
                del self.dictionary_values[path]
            elif self.dictionary_mode in ("any", "grow") and choice < 0.6 and len(values) < 90 \
                    and not has_dictionary(values.type):
                more = self.array(values.type, self.rng.choice((1, 2, 5)), path + ".d")
                self.dictionary_values[path] = concat(values, more)

    def batch(self, schema, row_count):
        columns = [self.array(field.type, row_count, f"{i}", field.nullable) for i, field in enumerate(schema)]
        if not columns:
            struct = pa.Array.from_buffers(pa.struct([]), row_count, [None], 0, children=[])
            return pa.RecordBatch.from_struct_array(struct).replace_schema_metadata(schema.metadata)
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def batches(self, schema, count=3, rows_max=40, dictionaries="any"):
        """`dictionaries`: "fixed" keeps them, "grow" also appends, "any" also replaces."""
        self.dictionary_mode = dictionaries
        self.dictionary_values = {}
        for _ in range(count):
            batch = self.batch(schema, self.rng.choice((0, 1, 2, 7, 8, rows_max)))
            batch.validate(full=True)
            yield batch
            self._evolve_dictionaries()


def has_dictionary(type_):
    if pa.types.is_dictionary(type_):
        return True
    return any(has_dictionary(type_.field(i).type) for i in range(type_.num_fields))


def has_extension(type_):
    if isinstance(type_, pa.BaseExtensionType):
        return True
    return any(has_extension(type_.field(i).type) for i in range(type_.num_fields))


def concat(a, b):
    """Concatenation, for the types pyarrow can concatenate; otherwise the first array."""
    try:
        return pa.concat_arrays([a, b])
    except (pa.ArrowException, NotImplementedError):
        return a
