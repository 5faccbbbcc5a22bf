# SPDX-License-Identifier: Apache-2.0
"""Batches of a stream after its first: what is taken and refused is what pyarrow takes and refuses, and little is done
for each."""

import cflight
import pytest

pa = pytest.importorskip("pyarrow")

import pyarrow.flight  # noqa: E402
from pairs import location_of, make_server, within  # noqa: E402

LIBRARIES = [cflight, pyarrow.flight]
IDS = ["cflight", "pyarrow"]
BATCHES = 50


class Label(pa.ExtensionType):
    def __init__(self, name="label"):
        self.name = name
        super().__init__(pa.int64(), "cflight.tests.label")

    def __arrow_ext_serialize__(self):
        return self.name.encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls(serialized.decode())


def batch(field="n", kind=None, metadata=None, field_metadata=None, nullable=True):
    """A batch with a schema object of its own."""
    kind = pa.int64() if kind is None else kind
    field = pa.field(field, kind, nullable, field_metadata)
    storage = pa.array([1, 2], kind.storage_type if isinstance(kind, pa.ExtensionType) else kind)
    column = pa.ExtensionArray.from_storage(kind, storage) if isinstance(kind, pa.ExtensionType) else storage
    return pa.record_batch([column], schema=pa.schema([field], metadata))


def lists(of):
    """A batch of lists of the only column of another batch."""
    return pa.record_batch({"l": pa.ListArray.from_arrays([0, 1, 2], of.column(0))})


FIRST = batch()
LABELS = batch(kind=Label())
STRANGE = {"ARROW:extension:name": "cflight.tests.strange", "ARROW:extension:metadata": "1"}
# Streams: what follows a first batch, each time with what came before.
STREAMS = {
    "the same": [FIRST, FIRST, FIRST],
    "equal": [FIRST, batch(), batch(), FIRST],
    "slices": [FIRST, FIRST[1:], FIRST[:0]],
    "other metadata": [FIRST, batch(metadata={"a": "b"}), batch(field_metadata={"c": "d"}), FIRST],
    "other name": [FIRST, FIRST, batch("m"), FIRST],
    "other type": [FIRST, FIRST, batch(kind=pa.int32()), FIRST],
    "not nullable": [FIRST, FIRST, batch(nullable=False), FIRST],
    "two columns": [FIRST, FIRST, pa.record_batch({"n": [1], "m": [2]}), FIRST],
    "extension": [LABELS, batch(kind=Label()), batch(kind=Label("other")), LABELS],
    "extension and storage": [LABELS, batch(), LABELS],
    "storage and extension": [FIRST, LABELS, FIRST],
    "lists of extension and storage": [lists(LABELS), lists(FIRST), lists(LABELS)],
    "extension that nobody registered": [FIRST, batch(field_metadata=STRANGE), FIRST],
    "parameters of one that nobody registered": [batch(field_metadata=STRANGE),
                                                 batch(field_metadata={**STRANGE, "ARROW:extension:metadata": "2"})],
    "no batch": [FIRST, FIRST, "batch", FIRST],
}


@pytest.fixture(scope="module", autouse=True)
def label():
    pa.register_extension_type(Label())
    yield
    pa.unregister_extension_type("cflight.tests.label")


def written(library, batches):
    """What a server reads of the batches, and the kind of exception that each write raised."""
    rows = []

    def do_put(context, descriptor, reader, writer):
        rows.extend(reader.read_all().to_pylist())

    def write():
        outcomes = []
        with make_server(library, {"do_put": do_put}) as server, library.connect(location_of(server)) as client:
            writer, _ = client.do_put(library.FlightDescriptor.for_command(b"x"), batches[0].schema)
            for each in batches:
                try:
                    outcomes.append(writer.write_batch(each))
                except Exception as error:  # noqa: BLE001  it is the outcome
                    outcomes.append(type(error))
            writer.close()
        return outcomes

    return within(write), rows


@pytest.mark.parametrize("name", STREAMS)
def test_writes_take_what_those_of_pyarrow_take(name):
    """Goal: a schema that was found equal makes no other schema pass.
    Method: streams with one batch that differs, written with both libraries."""
    ours, theirs = (written(library, STREAMS[name]) for library in LIBRARIES)
    assert ours == theirs


def generated(library, batches):
    """What a client reads of a generator's batches, and whether it fails."""

    def do_get(context, ticket):
        return library.GeneratorStream(batches[0].schema, iter(batches))

    def read():
        rows = []
        with make_server(library, {"do_get": do_get}) as server, library.connect(location_of(server)) as client:
            try:
                for chunk in client.do_get(library.Ticket(b"x")):
                    rows.extend(chunk.data.to_pylist())
            except Exception:  # noqa: BLE001  how it is told differs
                return rows, True
        return rows, False

    return within(read)


@pytest.mark.parametrize("name", STREAMS)
def test_generators_give_what_those_of_pyarrow_give(name):
    """Goal: the same for streams of a server. Method: the same streams from generators."""
    ours, theirs = (generated(library, STREAMS[name]) for library in LIBRARIES)
    assert ours == theirs


@pytest.mark.parametrize("first, second, message", [
    (FIRST, LABELS, "field 'n' is int64 of extension type 'cflight.tests.label', expected int64$"),
    (LABELS, FIRST, "field 'n' is int64, expected int64 of extension type 'cflight.tests.label'$"),
    (lists(FIRST), lists(LABELS), "field 'l' is list<item: int64>, but not with the extension types and parameters"),
])
def test_another_extension_type_is_told(first, second, message):
    """Goal: who wrote rows of another extension type is told what differs. Method: a table of each such pair."""

    def do_put(context, descriptor, reader, writer):
        reader.read_all()

    def write():
        with make_server(cflight, {"do_put": do_put}) as server, cflight.connect(location_of(server)) as client:
            writer, _ = client.do_put(cflight.FlightDescriptor.for_command(b"x"), first.schema)
            with writer, pytest.raises(pa.ArrowInvalid, match=message):
                writer.write_table(pa.Table.from_batches([second]))

    within(write)


def allocations():
    return pa.default_memory_pool().num_allocations()


def test_a_write_exports_rows_alone():
    """Goal: a batch after the first costs no schema.
    Method: pyarrow counts the structures that it exports, here one for the batch and one for its column."""
    if not hasattr(pa.default_memory_pool(), "num_allocations"):
        pytest.skip("this pyarrow does not count allocations")

    def do_put(context, descriptor, reader, writer):
        for _ in reader:
            pass

    with make_server(cflight, {"do_put": do_put}) as server, cflight.connect(location_of(server)) as client:
        writer, _ = client.do_put(cflight.FlightDescriptor.for_command(b"x"), FIRST.schema)
        writer.write_batch(FIRST)
        before = allocations()
        for _ in range(BATCHES):
            writer.write_batch(FIRST)
        assert allocations() - before == 2 * BATCHES
        writer.close()
