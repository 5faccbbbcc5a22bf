# SPDX-License-Identifier: Apache-2.0
"""One object used by many threads at once: nothing crashes, nothing is lost, nothing comes twice. With the GIL these are
easy; they are for builds of Python without it."""

import concurrent.futures
import sysconfig
import threading

import cflight as flight
import pytest

pa = pytest.importorskip("pyarrow")

from echo_server import EchoServer  # noqa: E402

THREADS = 8
ROUNDS = 20
SCHEMA = pa.schema([("n", pa.int64())])
PATH = flight.FlightDescriptor.for_path("t")
COMMAND = flight.FlightDescriptor.for_command(b"x")


def together(function, count=THREADS):
    """Calls function(index) on so many threads, which begin at once; returns what each returned, or its exception."""
    barrier = threading.Barrier(count)

    def run(index):
        barrier.wait()
        try:
            return function(index)
        except Exception as error:  # noqa: BLE001  it is the outcome
            return error

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture
def scene():
    with EchoServer() as server, flight.connect(server.location) as client:
        yield server, client
        server.release.set()


def batch(*numbers):
    return pa.record_batch([pa.array(numbers, pa.int64())], schema=SCHEMA)


def numbers_of(table):
    return sorted(table.column(0).to_pylist())


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a GIL")
def test_the_module_does_not_bring_the_gil_back(run_script):
    """Goal: importing leaves a free-threaded Python free. Method: ask it in a process of its own."""
    run_script("import sys, cflight; assert not sys._is_gil_enabled()")


def test_a_client_is_shared(scene):
    """Goal: calls of every kind at once over one client. Method: many of each, and look at the answers."""
    server, client = scene
    server.tables[b"t"] = pa.Table.from_batches([batch(*range(1000))])

    def call(index):
        for _ in range(ROUNDS):
            assert client.get_flight_info(COMMAND).total_records == 7
            assert client.do_get(flight.Ticket("t")).read_all().num_rows == 1000
            assert [r.body.to_pybytes() for r in client.do_action(("echo", b"x"))] == [b"x", b"x"]
            assert len(list(client.list_flights())) == 1

    assert together(call) == [None] * THREADS


def test_a_reader_is_shared(scene):
    """Goal: each batch goes to one thread, and schema and statistics are there for all. Method: read in turns, however
    they fall."""
    server, client = scene
    server.tables[b"t"] = pa.Table.from_batches([batch(n) for n in range(500)])
    for _ in range(ROUNDS):
        reader = client.do_get(flight.Ticket("t"))

        def read(index, reader=reader):
            found = []
            for chunk in reader:
                assert reader.schema.equals(SCHEMA)
                assert reader.stats.num_messages > 0
                found.extend(chunk.data.column(0).to_pylist())
            return found

        outcomes = together(read)
        assert sorted(sum(outcomes, [])) == list(range(500))


def test_a_schema_arrives_once_for_all(scene):
    """Goal: the first to ask loads the schema, whoever that is. Method: ask from all threads at once."""
    _, client = scene
    for _ in range(ROUNDS):
        writer, reader = client.do_exchange(COMMAND)
        with writer:
            writer.begin(SCHEMA)
            writer.write_batch(batch(1))
            outcomes = together(lambda index, reader=reader: reader.schema)
            assert all(outcome.equals(SCHEMA) for outcome in outcomes)
            assert len({id(outcome) for outcome in outcomes}) == 1


def test_a_writer_is_shared(scene):
    """Goal: one thread begins, and every batch arrives once. Method: all try to begin, then all write."""
    server, client = scene
    for _ in range(ROUNDS):
        writer, reader = client.do_exchange(COMMAND)
        begun = together(lambda index, writer=writer: writer.begin(SCHEMA))
        assert begun.count(None) == 1

        def write(index, writer=writer):
            for n in range(10):
                writer.write_batch(batch(index * 10 + n))
                assert writer.stats.num_messages > 0

        assert together(write) == [None] * THREADS
        writer.done_writing()
        assert numbers_of(reader.read_all()) == list(range(THREADS * 10))
        writer.close()


def test_streams_may_be_closed_by_another_thread(scene):
    """Goal: closing in the middle of a read ends it, with an error or at the end, never with a crash. Method: readers and
    a closer on one object, of each kind."""
    server, client = scene
    server.tables[b"t"] = pa.Table.from_batches([batch(n) for n in range(200)])
    for n in range(50):
        server.tables[b"%d" % n] = server.tables[b"t"]
    makers = [
        lambda: client.do_get(flight.Ticket("t")),
        client.list_flights,
        lambda: client.do_action(("echo", b"x")),
        lambda: flight.RecordBatchReader._of(client.do_get(flight.Ticket("t"))),
    ]
    for make in makers:
        for _ in range(ROUNDS):
            made = make()

            def use(index, made=made):
                if index == 0:
                    made.close()
                else:
                    for _ in made:
                        pass

            for outcome in together(use, 4):
                assert outcome is None or isinstance(
                    outcome, (flight.FlightError, flight.ArrowException, ValueError)
                ), outcome


def test_an_iterator_is_shared(scene):
    """Goal: each flight goes to one thread; the call starts once. Method: read in turns from the first step on."""
    server, client = scene
    for n in range(100):
        server.tables[b"%d" % n] = pa.Table.from_batches([batch(n)])
    for _ in range(ROUNDS):
        flights = client.list_flights()
        outcomes = together(lambda index, flights=flights: [info.descriptor.path[0] for info in flights])
        assert sorted(sum(outcomes, [])) == sorted(server.tables)


class Leaking(flight.FlightServerBase):
    """Gives its context to threads that use it longer than it lives."""

    def do_action(self, context, action):
        ready = threading.Barrier(THREADS + 1)
        self.leaked = [threading.Thread(target=self.use, args=(context, ready)) for _ in range(THREADS)]
        for thread in self.leaked:
            thread.start()
        ready.wait()
        return [b"done"]

    def use(self, context, ready):
        ready.wait()
        try:
            while True:
                context.peer()
                context.headers()
                context.method
                context.get_middleware("x")
                context.is_cancelled()
                context.add_trailer("x", "y")
        except ValueError:
            pass


def test_contexts_may_outlive_their_call():
    """Goal: a context whose call is over says so, to threads in the middle of using it too. Method: use it until then."""
    with Leaking() as server, flight.connect(server.location) as client:
        for _ in range(ROUNDS):
            assert [r.body.to_pybytes() for r in client.do_action("leak")] == [b"done"]
            for thread in server.leaked:
                thread.join(30)
                assert not thread.is_alive()


def test_clients_and_servers_come_and_go():
    """Goal: making and ending them on many threads at once works. Method: whole lives, on every thread."""

    def live(index):
        for _ in range(5):
            with EchoServer() as server, flight.connect(server.location) as client:
                assert client.get_flight_info(COMMAND).total_records == 7

    assert together(live) == [None] * THREADS


def test_closing_a_client_ends_what_others_do(scene):
    """Goal: close() while others call makes them fail, no more. Method: calls without end, and a close."""
    server, _ = scene
    for _ in range(ROUNDS):
        client = flight.connect(server.location)
        begun = threading.Barrier(THREADS)

        def use(index, client=client, begun=begun):
            client.get_flight_info(COMMAND)
            begun.wait()
            if index == 0:
                client.close()
                return
            while True:
                client.get_flight_info(COMMAND)

        first, *others = together(use)
        assert first is None
        assert all(isinstance(o, (flight.FlightError, flight.ArrowException)) for o in others), others
