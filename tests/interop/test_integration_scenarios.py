# SPDX-License-Identifier: Apache-2.0
"""The scenarios of Arrow's integration tests: cflight's programs against each other, and against pyarrow in both
directions. `make interop` runs them against other implementations."""

import os
import pathlib
import signal
import subprocess
import sys

import pyarrow as pa
import pyarrow.flight
import pytest

import integration
import pyarrow_scenarios
import raw_http2
from raw_sql import action, command, packed

ROOT = integration.ROOT
BIN = ROOT / os.environ.get("CFLIGHT_BIN", "build/dev/bin")
CFLIGHT = integration.cflight(BIN)
SCRIPT = str(pathlib.Path(pyarrow_scenarios.__file__))
PYARROW = integration.Program("pyarrow", (sys.executable, SCRIPT, "server"), (sys.executable, SCRIPT, "client"),
                              frozenset(pyarrow_scenarios.SCENARIOS))
GOLDEN = [path for files in integration.golden_sets().values() for path in files]
# The only stream of pyarrow that carries metadata sends no dictionaries.
WITH_DICTIONARIES = ("generated_dictionary", "generated_extension", "generated_nested_dictionary", "generated_shared_dict")
GOLDEN_OF_PYARROW = [path for path in GOLDEN if not path.name.startswith(WITH_DICTIONARIES)]

needs_golden = pytest.mark.skipif(not GOLDEN, reason="Arrow's golden files are not there; set CFLIGHT_TEST_DATA")


def name_of(path):
    return f"{path.parent.name}/{path.name.removesuffix('.json.gz')}"


@pytest.mark.parametrize("scenario", integration.SCENARIOS)
def test_scenario_with_itself(scenario):
    integration.run_case(CFLIGHT, CFLIGHT, scenario)


@pytest.mark.parametrize("scenario", pyarrow_scenarios.SCENARIOS)
def test_scenario_with_pyarrow_as_server(scenario):
    integration.run_case(CFLIGHT, PYARROW, scenario)


@pytest.mark.parametrize("scenario", pyarrow_scenarios.SCENARIOS)
def test_scenario_with_pyarrow_as_client(scenario):
    integration.run_case(PYARROW, CFLIGHT, scenario)


@pytest.fixture(scope="module")
def json_server():
    server = integration.Server(CFLIGHT.server_command(""), 60, True, integration.environment())
    yield server
    assert server.stop() is None


@pytest.fixture(scope="module")
def pyarrow_json_server():
    with pyarrow_scenarios.JsonServer("grpc://127.0.0.1:0") as server:
        yield server


def run_json_client(port, path):
    return subprocess.run(CFLIGHT.client_command(port, "", path), capture_output=True, text=True, timeout=60,
                          env=integration.environment(), check=False)


def is_valid(path):
    with pa.ipc.open_stream(path.with_name(path.name.replace(".json.gz", ".stream"))) as reader:
        try:
            for batch in reader:
                batch.validate(full=True)
        except pa.ArrowInvalid:
            return False
    return True


@needs_golden
@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_golden_data_with_itself(json_server, path):
    done = run_json_client(json_server.port, path)
    assert done.returncode == 0, done.stderr


@needs_golden
@pytest.mark.parametrize("path", GOLDEN_OF_PYARROW, ids=name_of)
def test_golden_data_with_pyarrow_as_server(pyarrow_json_server, path):
    """pyarrow's full validation refuses some old data sets: then the client must say so."""
    done = run_json_client(pyarrow_json_server.port, path)
    if is_valid(path):
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1
        assert done.stderr.startswith("INVALID_ARGUMENT: ")


def numbered(batches):
    return [(batch, str(i).encode()) for i, batch in enumerate(batches)]


def with_rows_swapped(batches):
    order = pa.array([1, 0, *range(2, batches[0].num_rows)])
    return [(batches[0].take(order), b"0"), *numbered(batches)[1:]]


FAULTS = {
    "rows are swapped": with_rows_swapped,
    "a batch is missing": lambda batches: numbered(batches)[:-1],
    "a batch is there twice": lambda batches: [*numbered(batches), (batches[-1], str(len(batches)).encode())],
    "batches are swapped": lambda batches: list(zip(batches[::-1], (data for _, data in numbered(batches)))),
    "metadata differs": lambda batches: [(batch, b"7") for batch in batches],
    "metadata is missing": lambda batches: batches,
}


def expect_found(faulty, name):
    """The client says that what a server of this class does with the data is wrong."""
    path = next(path for path in GOLDEN if name_of(path) == name)
    with faulty("grpc://127.0.0.1:0") as server:
        done = run_json_client(server.port, path)
    assert done.returncode == 1
    assert done.stderr.startswith("ABORTED: ")


@needs_golden
@pytest.mark.parametrize("fault", FAULTS)
def test_client_finds_a_server_that_changes_the_data(fault):
    class Faulty(pyarrow_scenarios.JsonServer):
        def do_get(self, context, ticket):
            schema, batches = self._datasets[ticket.ticket]
            return pa.flight.GeneratorStream(schema, iter(FAULTS[fault](batches)))

    expect_found(Faulty, "cpp-21.0.0/generated_decimal")


@needs_golden
@pytest.mark.parametrize("answers", [lambda i: b"x", lambda i: None], ids=["other", "none"])
def test_client_finds_a_server_that_does_not_answer_uploads(answers):
    class Faulty(pyarrow_scenarios.JsonServer):
        def do_put(self, context, descriptor, reader, writer):
            for i, _ in enumerate(reader):
                if answers(i) is not None:
                    writer.write(answers(i))
                return

    expect_found(Faulty, "cpp-21.0.0/generated_primitive")


@needs_golden
@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_golden_data_with_pyarrow_as_client(json_server, path):
    pyarrow_scenarios.json_client(f"grpc://localhost:{json_server.port}", path)


@pytest.mark.parametrize("arguments", [["-port=0"], ["-port", "0"], ["--port=0"], ["--port", "0"]], ids=" ".join)
def test_server_takes_flags_in_all_spellings(arguments):
    command = [*CFLIGHT.server, *arguments, arguments[0][:arguments[0].index("p")] + "scenario=ordered"]
    server = integration.Server(command, 60, True, integration.environment())
    assert server.port > 0
    assert server.stop() is None


def test_server_ends_well_by_sigint():
    server = integration.Server(CFLIGHT.server_command(""), 60, True, integration.environment())
    assert server.stop(signal.SIGINT) is None


@pytest.mark.parametrize("program", [CFLIGHT.server, CFLIGHT.client], ids=["server", "client"])
@pytest.mark.parametrize("arguments", [["-scenario", "none"], ["-port", "65536"], ["-port"], ["-nonsense", "1"], ["x"]],
                         ids=" ".join)
def test_wrong_flags_are_refused(program, arguments):
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env=integration.environment())
    assert done.returncode == 2
    assert done.stderr


def test_client_says_which_check_failed():
    """Goal: the checks are real. Method: run the client of one scenario against the server of another."""
    for scenario, other in (("ordered", "expiration_time:do_get"), ("middleware", "ordered"),
                            ("auth:basic_proto", "session_options"), ("session_options", "ordered"),
                            ("location:reuse_connection", "middleware"), ("expiration_time:do_get", "ordered"),
                            ("expiration_time:list_actions", "session_options"),
                            ("app_metadata_flight_info_endpoint", "ordered"), ("alignment", "ordered"),
                            ("flight_sql", "flight_sql:extension"), ("flight_sql:extension", "flight_sql"),
                            ("flight_sql:ingestion", "flight_sql"), ("flight_sql:extension", "flight_sql:ingestion")):
        server = integration.Server(CFLIGHT.server_command(other), 60, True, integration.environment())
        done = subprocess.run(CFLIGHT.client_command(server.port, scenario, None), capture_output=True, text=True,
                              timeout=60, check=False, env=integration.environment())
        assert server.stop() is None
        assert done.returncode == 1, scenario
        assert done.stderr, scenario


ASKED = {
    "flight_sql": [
        ("DoGet", packed("CommandGetDbSchemas", (1, b"catalog"))),
        ("DoGet", packed("CommandGetDbSchemas", (2, b"db_schema_filter_pattern"))),
        ("DoGet", packed("CommandGetTables", (1, b"catalog"), (2, b"db_schema_filter_pattern"), (4, b"table"))),
        ("DoGet", packed("CommandGetPrimaryKeys", (1, b"catalog"), (2, b"db_schema"), (3, b"tables"))),
        ("DoGet", packed("CommandGetExportedKeys", (3, b"table"))),
        ("DoGet", packed("CommandGetImportedKeys", (2, b"db_schema"), (3, b"table"))),
        ("DoGet", packed("CommandGetCrossReference", (3, b"fk_table"), (6, b"pk_table"))),
        ("GetFlightInfo", packed("CommandStatementQuery", (1, b"SELECT"))),
        ("GetFlightInfo", packed("CommandStatementQuery", (1, b"UPDATE STATEMENT"))),
        ("GetFlightInfo", packed("CommandStatementQuery", (1, b"SELECT PREPARED STATEMENT"))),
    ],
    "flight_sql:extension": [
        ("GetFlightInfo", packed("CommandStatementQuery", (1, b"UPDATE STATEMENT"))),
        ("GetFlightInfo", packed("CommandStatementQuery", (1, b"SELECT STATEMENT"), (2, b"transaction"))),
        ("GetFlightInfo", packed("CommandPreparedStatementQuery", (1, b"UPDATE PREPARED STATEMENT HANDLE"))),
        ("GetFlightInfo", packed("CommandStatementSubstraitPlan", (1, raw_http2.field(1, b"plan")))),
        ("GetFlightInfo", packed("CommandGetCatalogs")),
        ("DoGet", packed("TicketStatementQuery", (1, b"SELECT PREPARED STATEMENT HANDLE"))),
        ("CreatePreparedStatement", packed("ActionCreatePreparedStatementRequest", (1, b"SELECT STATEMENT"))),
        ("ClosePreparedStatement", packed("ActionClosePreparedStatementRequest", (1, b"SELECT STATEMENT HANDLE"))),
        ("BeginTransaction", packed("ActionBeginSavepointRequest", (1, b"transaction_id"), (2, b"savepoint_name"))),
        ("BeginSavepoint", packed("ActionBeginSavepointRequest", (1, b"transaction_id"), (2, b"savepoint"))),
        ("EndTransaction", packed("ActionEndTransactionRequest", (1, b"transaction_id"))),
        ("CancelQuery", packed("ActionCancelQueryRequest")),
    ],
    "flight_sql:ingestion": [
        ("DoPut", packed("CommandStatementIngest", (2, b"test_table"), (6, b"123"))),
        ("DoPut", packed("CommandStatementUpdate", (1, b"UPDATE STATEMENT"))),
        ("GetFlightInfo", packed("CommandGetCatalogs")),
    ],
}


@pytest.mark.parametrize("scenario", ASKED)
def test_servers_of_flight_sql_refuse_what_is_not_of_the_scenario(scenario):
    """Goal: what clients ask for is checked. Method: ask for what is nearly right."""
    server = integration.Server(CFLIGHT.server_command(scenario), 60, True, integration.environment())
    with raw_http2.Client(server.port) as client:
        for method, octets in ASKED[scenario]:
            if method == "GetFlightInfo":
                stream = client.call(method, command(octets))
            elif method == "DoGet":
                stream = client.call(method, raw_http2.field(1, octets))
            elif method == "DoPut":
                stream = client.call(method, raw_http2.field(1, command(octets)))
            else:
                stream = client.call("DoAction", action(method, octets))
            assert client.ends([stream]) == (0, 1), (method, octets)
    assert server.stop() is None
