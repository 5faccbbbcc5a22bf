# SPDX-License-Identifier: Apache-2.0
"""The module in a process: Ctrl+C, the end of the interpreter, fork, other gRPC stacks, leaks."""

import itertools

import pytest

pytest.importorskip("pyarrow")

PRELUDE = """
import gc, os, signal, sys, threading, time
import cflight as flight
import pyarrow as pa
from echo_server import EchoServer
"""

INTERRUPT = PRELUDE + """
server = EchoServer()
client = flight.connect(server.location)
x = flight.FlightDescriptor.for_command("stall")
big = pa.table({"a": range(1_000_000)})

class Stalling(flight.ServerMiddlewareFactory):
    def start_call(self, info, headers):
        server.release.wait(30)

stalled = EchoServer(middleware={"stall": Stalling()})
stalled_client = flight.connect(stalled.location)

def put():
    writer, _ = client.do_put(x, big.schema)
    while True:
        writer.write_table(big)

def put_batches(rows):
    batch = big.slice(0, rows).to_batches()[0]
    writer, _ = client.do_put(x, big.schema)
    while True:
        writer.write_batch(batch)

def close():
    writer, _ = client.do_put(x, big.schema)
    writer.close()

def metadata():
    writer, answers = client.do_put(x, big.schema)
    answers.read()

calls = {
    "do_get": lambda: client.do_get(flight.Ticket("slow")),
    "get_flight_info": lambda: stalled_client.get_flight_info(x),
    "list_flights": lambda: list(stalled_client.list_flights()),
    "list_actions": lambda: stalled_client.list_actions(),
    "do_action": lambda: list(client.do_action("stall")),
    "put": put,
    "put_big": lambda: put_batches(1_000_000),
    "put_small": lambda: put_batches(10),
    "close": close,
    "metadata": metadata,
    "read_chunk": lambda: client.do_exchange(x)[1].read_chunk(),
    "schema": lambda: client.do_exchange(x)[1].schema,
    "read_all": lambda: client.do_exchange(x)[1].read_all(),
    "wait": server.wait,
    "serve": server.serve,
}
"""


def test_control_c_ends_every_call(run_script):
    """Goal: each call that blocks raises KeyboardInterrupt soon. Method: SIGINT in the middle."""
    run_script(
        INTERRUPT
        + """
for name, call in calls.items():
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
    started = time.monotonic()
    timer.start()
    try:
        call()
    except KeyboardInterrupt:
        took = time.monotonic() - started
        assert took < 3, (name, took)
    else:
        raise AssertionError(f"{name} was not interrupted")
    timer.join()
    if name == "wait":
        server.release.set()
stalled.shutdown()
"""
    )


@pytest.mark.parametrize("where", ["call_completed", "sending_headers"])
def test_control_c_ends_a_call_with_middleware(run_script, where):
    """Goal: KeyboardInterrupt comes out of the call, once, although middleware is what Python runs when the signal is
    there. Method: SIGINT while the server is silent, or in the midst of middleware."""
    run_script(
        PRELUDE
        + f"""
where = {where!r}
class Middleware(flight.ClientMiddleware):
    def sending_headers(self):
        if where == "sending_headers":
            os.kill(os.getpid(), signal.SIGINT)
    def call_completed(self, exception):
        for _ in range(1000):
            pass
class Factory(flight.ClientMiddlewareFactory):
    def start_call(self, info):
        return Middleware()
with EchoServer() as server, flight.FlightClient(server.location, middleware=[Factory()]) as client:
    if where != "sending_headers":
        server.when_started(lambda: os.kill(os.getpid(), signal.SIGINT))
    interrupted = 0
    try:
        list(client.do_action("stall" if where != "sending_headers" else "echo"))
    except KeyboardInterrupt:
        interrupted += 1
    try:
        for _ in range(1000):
            pass
    except KeyboardInterrupt:
        interrupted += 1
    server.release.set()
    assert interrupted == 1, interrupted
"""
    )


def test_other_signals_do_not_end_a_read(run_script):
    """Goal: a handler that returns runs, and the read goes on. Method: an alarm before the data."""
    run_script(
        PRELUDE
        + """
seen = []
signal.signal(signal.SIGALRM, lambda *args: seen.append(args[0]))
with EchoServer() as server, flight.connect(server.location) as client:
    writer, reader = client.do_exchange(flight.FlightDescriptor.for_command("echo"))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    threading.Timer(0.4, lambda: writer.write_metadata(b"late")).start()
    assert reader.read_chunk().app_metadata == b"late"
    assert seen == [signal.SIGALRM]
    writer.close()
"""
    )


def test_signal_handlers_may_use_a_writer(run_script):
    """Goal: a handler that writes never hangs and never breaks the stream, whenever it runs: in the middle of a write
    it is refused. Method: a fast timer whose handler writes, while the server makes writes wait; count the rows."""
    run_script(
        PRELUDE
        + """
batch = pa.record_batch({"a": range(50_000)})
small = pa.record_batch({"a": range(3)})
x = flight.FlightDescriptor.for_path("x")
written = refused = 0

def handle(*args):
    global written, refused
    try:
        writer.write_batch(small)
    except RuntimeError:
        refused += 1
    else:
        written += 1

with EchoServer() as server, flight.connect(server.location) as client:
    writer, answers = client.do_put(x, batch.schema)
    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    count = 0
    while count < 300 or written + refused < 50:
        writer.write_batch(batch)
        count += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    writer.done_writing()
    assert int(answers.read().to_pybytes()) == count * batch.num_rows + written * small.num_rows
    writer.close()
"""
    )


def test_no_thread_blocks_faults(run_script):
    """Goal: a crash on any thread reaches faulthandler. Method: what the threads of a process with a server, a client
    and a call that waits block, as the system tells it."""
    run_script(
        PRELUDE
        + """
faults = (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTRAP)
others = set(os.listdir("/proc/self/task"))  # of pyarrow and the like
names = {}

def blocked_by(task):
    with open(f"/proc/self/task/{task}/status") as file:
        lines = dict(line.split(":\\t", 1) for line in file.read().splitlines() if ":\\t" in line)
    blocked = int(lines["SigBlk"], 16)
    return [fault.name for fault in faults if blocked >> (fault - 1) & 1]

def look():
    end = time.monotonic() + 20
    for task in set(os.listdir("/proc/self/task")) - others:
        names[task] = blocked_by(task)
        while names[task] and time.monotonic() < end:  # the system lets a thread begin with all blocked
            names[task] = blocked_by(task)
    server.release.set()

with EchoServer() as server, flight.connect(server.location) as client:
    client.list_actions()
    looker = server.when_started(look)
    list(client.do_action("stall"))
    looker.join()
assert len(names) > 3 and not any(names.values()), names
"""
    )


def test_the_wakeup_descriptor_is_put_back(run_script):
    """Goal: the application's own wakeup descriptor works on. Method: set one, call, be signalled."""
    run_script(
        PRELUDE
        + """
read_end, write_end = os.pipe()
os.set_blocking(read_end, False); os.set_blocking(write_end, False)
signal.set_wakeup_fd(write_end)
with EchoServer() as server, flight.connect(server.location) as client:
    client.list_actions()
    server.when_started(lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        list(client.do_action("stall"))
    except KeyboardInterrupt:
        pass
    server.release.set()
assert os.read(read_end, 10) == bytes([signal.SIGINT])
assert signal.set_wakeup_fd(-1) == write_end
"""
    )


def test_a_timely_signal_does_not_end_a_later_call(run_script):
    """Goal: an interruption belongs to one call. Method: interrupt, catch, call again, many times."""
    run_script(
        PRELUDE
        + """
with EchoServer() as server, flight.connect(server.location) as client:
    for _ in range(200):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            client.list_actions()
        except KeyboardInterrupt:
            pass
        assert len(client.list_actions()) == 2
"""
    )


ENDS = {
    "open streams": """
server.tables[b"x"] = pa.table({"a": range(100)})
reader = client.do_get(flight.Ticket("x"))
stream = client.do_get(flight.Ticket("x")).to_reader()
writer, answers = client.do_put(flight.FlightDescriptor.for_path("y"), reader.schema)
exchange = client.do_exchange(flight.FlightDescriptor.for_command("echo"))
results = client.do_action("forever")
next(results)
server.keep = [reader, stream, writer, answers, exchange, results, client, server]
""",
    "a running server": "client = None",
    "an open client": "client.list_actions(); server.shutdown()",
    "middleware": """
class Factory(flight.ClientMiddlewareFactory):
    def start_call(self, info):
        return flight.ClientMiddleware()
client = flight.FlightClient(server.location, middleware=[Factory()])
results = client.do_action("forever")
next(results)
""",
    "a thread in a call": """
begun = threading.Event()
threading.Thread(target=lambda: [begun.set() for _ in client.do_action("forever")], daemon=True).start()
begun.wait()
""",
}


@pytest.mark.parametrize("what", ENDS)
def test_the_interpreter_ends_well(run_script, what):
    """Goal: no crash and no hang at exit. Method: exit with things open, in globals."""
    run_script(PRELUDE + "server = EchoServer()\nclient = flight.connect(server.location)\n" + ENDS[what])


def test_a_forked_child_gets_words(run_script):
    """Goal: an inherited client fails in the child, a new one works. Method: fork."""
    run_script(
        PRELUDE
        + """
server = EchoServer()
client = flight.connect(server.location)
client.list_actions()
child = os.fork()
if child == 0:
    code = 1
    try:
        client.list_actions()
    except (pa.ArrowInvalid, flight.FlightError) as error:
        code = 0 if "fork" in str(error) else 2
    if code == 0 and len(flight.connect(server.location).list_actions()) != 2:
        code = 3
    os._exit(code)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert len(client.list_actions()) == 2
"""
    )


def test_a_forked_child_ends_no_server(run_script):
    """Goal: a child that ends as any program does leaves its parent's server alone. Method: fork."""
    run_script(
        PRELUDE
        + """
server = EchoServer()
client = flight.connect(server.location)
client.list_actions()
child = os.fork()
if child == 0:
    server.shutdown()
    server.wait()
    del server, client
    gc.collect()
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert len(client.list_actions()) == 2
assert len(flight.connect(server.location).list_actions()) == 2
server.shutdown()
"""
    )


STACKS = {
    "grpcio": """
import grpc
from concurrent import futures

class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)

def use_grpcio():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([Handler()])
    port = server.add_insecure_port("localhost:0")
    server.start()
    with grpc.insecure_channel(f"localhost:{port}") as channel:
        assert channel.unary_unary("/x/y")(b"ping", timeout=20) == b"ping"
    server.stop(0).wait()
uses.append(use_grpcio)
""",
    "pyarrow": """
import pyarrow.flight

def use_pyarrow():
    class Server(pyarrow.flight.FlightServerBase):
        def do_get(self, context, ticket):
            return pyarrow.flight.RecordBatchStream(pyarrow.table({"a": [1, 2]}))
    with Server() as server, pyarrow.flight.connect(f"grpc://localhost:{server.port}") as client:
        assert client.do_get(pyarrow.flight.Ticket(b"")).read_all().num_rows == 2
uses.append(use_pyarrow)
""",
    "cflight": """
import cflight

def use_cflight():
    import pyarrow
    class Server(cflight.FlightServerBase):
        def do_get(self, context, ticket):
            return cflight.RecordBatchStream(pyarrow.table({"a": [1, 2]}))
    with Server() as server, cflight.connect(f"grpc://localhost:{server.port}") as client:
        assert client.do_get(cflight.Ticket(b"")).read_all().num_rows == 2
uses.append(use_cflight)
""",
}


@pytest.mark.parametrize("order", list(itertools.permutations(STACKS)), ids="-".join)
def test_three_stacks_live_in_one_process(run_script, order):
    """Goal: no collision with gRPC or pyarrow.flight. Method: every import order, all make calls."""
    pytest.importorskip("grpc")
    pytest.importorskip("pyarrow.flight")
    source = "uses = []\n" + "".join(STACKS[name] for name in order)
    run_script(source + "for _ in range(3):\n    for use in uses:\n        use()\n", timeout=120)


def test_nothing_leaks(run_script):
    """Goal: objects, descriptors and memory come back. Method: count after many rounds of it all."""
    run_script(
        PRELUDE
        + """
def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

class ServerFactory(flight.ServerMiddlewareFactory):
    def start_call(self, info, headers):
        return flight.ServerMiddleware()

class ClientFactory(flight.ClientMiddlewareFactory):
    def start_call(self, info):
        return flight.ClientMiddleware()

table = pa.table({"a": range(10_000)})
x = flight.FlightDescriptor.for_path("x")

def swallow(call):
    try:
        call()
    except Exception:
        pass

def round(server, client):
    writer, answers = client.do_put(x, table.schema)
    with writer:
        writer.write_table(table)
        writer.done_writing()
        answers.read()
    assert client.do_get(flight.Ticket("x")).read_all() == table
    client.do_get(flight.Ticket("x")).to_reader().read_next_batch()
    client.do_get(flight.Ticket("x")).read_chunk()
    list(client.list_flights()); client.list_actions(); client.get_schema(x)
    next(client.do_action("forever"))
    client.poll_flight_info(x)
    repr(client.get_flight_info(x))
    token = flight.CancelToken()
    repr(flight.FlightCallOptions(cancel=token, headers=[(b"a", b"b")],
                                  write_options=pa.ipc.IpcWriteOptions()))
    swallow(lambda: list(client.do_action(("fail", b"ValueError"))))
    swallow(lambda: client.do_get(flight.Ticket("none")))
    swallow(lambda: flight.Ticket.deserialize(b"\\xff"))
    swallow(lambda: flight.FlightInfo(3, x, []))
    writer, reader = client.do_exchange(x)
    with writer:
        writer.begin(table.schema)
        writer.write_batch(table.to_batches()[0])
        reader.read_chunk()
        writer.done_writing()

def rounds(count):
    for _ in range(count):
        with EchoServer(middleware={"m": ServerFactory()}) as server:
            with flight.FlightClient(server.location, middleware=[ClientFactory()]) as client:
                for _ in range(5):
                    round(server, client)
    gc.collect()
    kinds = {}
    for found in gc.get_objects():
        kinds[type(found).__name__] = kinds.get(type(found).__name__, 0) + 1
    return sum(kinds.values()), len(os.listdir("/proc/self/fd")), memory(), kinds

rounds(2)
before = rounds(2)
after = rounds(10)
grown = {k: v - before[3].get(k, 0) for k, v in after[3].items() if v > before[3].get(k, 0)}
assert after[0] - before[0] < 20, grown
assert after[1] <= before[1], (before[1], after[1])
assert after[2] - before[2] < 8 * 1024 * 1024, (before[2], after[2])
""",
        timeout=110,
    )
