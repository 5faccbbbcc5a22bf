# SPDX-License-Identifier: Apache-2.0
"""Gets the integration programs of other implementations of Flight, into build/peers, each from its registry.

Go's come from its module and pyarrow, which is C++, from the virtual environment. Java's and Rust's own programs are
published nowhere; tests/peers has programs that speak the same scenarios over their published libraries. Each function
returns a Program, or raises Absent with the reason."""

import hashlib
import os
import shutil
import subprocess
import sys

from integration import OF_FLIGHT_SQL, ROOT, SCENARIOS, Program

PEERS = ROOT / "build" / "peers"
SOURCES = ROOT / "tests" / "peers"

GO_VERSION = "v18.8.0"


class Absent(Exception):
    """The peer cannot be had here; the text says why."""


def need(*commands):
    for command in commands:
        if shutil.which(command) is None:
            raise Absent(f"{command} is not installed")


def build(name, command, directory=None, **environment):
    """Runs a command of the build; its output goes to a log."""
    log = PEERS / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"interop: {name}: {command[0]} {command[1]} ...", flush=True)
    with open(log, "a", encoding="utf-8") as file:
        done = subprocess.run(command, cwd=directory, env={**os.environ, **environment}, stdout=file,
                              stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise Absent(f"{command[0]} failed, see {os.path.relpath(log, ROOT)}")


def build_copy(name, command):
    """Copies the sources of a peer to build/peers and builds them there, if not done with the same; returns the folder."""
    sources, directory = SOURCES / name, PEERS / name
    files = sorted(path for path in sources.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(sources)} {path.stat().st_size}\n".encode() + path.read_bytes())
    note = directory / "built.txt"
    if note.exists() and note.read_text() == digest.hexdigest():
        return directory
    need(command[0])
    for old in (directory / "src", note):
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    shutil.copytree(sources, directory, dirs_exist_ok=True)
    build(name, command, directory)
    note.write_text(digest.hexdigest())
    return directory


def go_install(programs, module, **environment):
    if not all(program.exists() for program in programs):
        need("go")
        build("go", ["go", "install", module], GOBIN=str(PEERS / "go"), **environment)


def arrow_go(package):
    return f"github.com/apache/arrow-go/v18/arrow/{package}@{GO_VERSION}"


def go_tool(module, version, **environment):
    """A program of its own, by the path of its package."""
    program = PEERS / "go" / module.rpartition("/")[2]
    go_install([program], f"{module}@{version}", **environment)
    return str(program)


def grpcurl():
    return go_tool("github.com/fullstorydev/grpcurl/cmd/grpcurl", "v1.9.3")


def grpc_health_probe():
    module = "github.com/grpc-ecosystem/grpc-health-probe"
    # Proxies that pass on the database of sums do not all have this module; what it needs is verified all the same.
    return go_tool(module, "v0.4.37", GONOSUMDB=module)


def go():
    binaries = PEERS / "go"
    programs = [binaries / f"arrow-flight-integration-{side}" for side in ("server", "client")]
    go_install(programs, arrow_go("internal/flight_integration/cmd/..."))
    scenarios = frozenset(SCENARIOS) - {"do_exchange:echo", "alignment"}
    return Program("go", (str(programs[0]),), (str(programs[1]),), scenarios)


JAVA_OPTIONS = ("-Dio.netty.tryReflectionSetAccessible=true", "-Darrow.struct.conflict.policy=CONFLICT_APPEND",
                "--add-opens=java.base/java.nio=ALL-UNNAMED", "-XX:-UsePerfData")

JAVA_SKIPS = (
    ("*/generated_nested_dictionary", "Arrow's own tests skip it for Java: it mixes up dictionaries in dictionaries"),
    ("java>cflight 4.0.0-shareddict/*", "Java compares the numbers of dictionaries; each column gets its own, as from C++"),
)


def maven(name):
    """The words before the main class."""
    need("java")
    target = build_copy(name, ["mvn", "compile", "dependency:copy-dependencies", "-q", "-B", "-DincludeScope=runtime"]) / "target"
    return ("java", *JAVA_OPTIONS, "-cp", f"{target / 'classes'}:{target / 'dependency'}/*")


def java():
    command = (*maven("java"), "peer.Peer")
    return Program("java", (*command, "server"), (*command, "client"), frozenset(SCENARIOS) - {"alignment"},
                   skips=JAVA_SKIPS)


def rust():
    program = str(build_copy("rust", ["cargo", "build", "--quiet"]) / "target" / "debug" / "cflight-peer")
    return Program("rust", (program, "server"), (program, "client"),
                   frozenset(SCENARIOS) - OF_FLIGHT_SQL - {"alignment", "session_options"}, dashes="--")


def pyarrow():
    script = ROOT / "tests" / "support" / "pyarrow_scenarios.py"
    python = ROOT / "build" / "venv" / "bin" / "python"
    command = (str(python if python.exists() else sys.executable), str(script))
    if subprocess.run([command[0], "-c", "import pyarrow.flight"], capture_output=True, check=False).returncode != 0:
        raise Absent("no Python with pyarrow; make test makes one in build/venv")
    scenarios = frozenset(SCENARIOS) - OF_FLIGHT_SQL - {"poll_flight_info", "session_options"}
    return Program("pyarrow", (*command, "server"), (*command, "client"), scenarios)


# ---- for the tests in tests/peers: commands ----


def sqlite():
    """Go's example of a Flight SQL server, over SQLite."""
    program = PEERS / "go" / "sqlite_flightsql_server"
    go_install([program], arrow_go("flight/flightsql/example/cmd/sqlite_flightsql_server"))
    return (str(program),)


def adbc_test_server():
    """The server that the Go driver of ADBC is tested with: it fails where one asks it to, and answers polls."""
    package = "github.com/apache/arrow-adbc/go/adbc/driver/flightsql/cmd/testserver"
    return (str(build_copy("adbc_go", ["go", "build", "-mod=mod", "-o", "testserver", package]) / "testserver"),)


def adbc_validation():
    """The validation suite of ADBC's Go module over its driver manager, which is C++."""
    need("g++")
    command = ["go", "test", "-c", "-o", "validation", "."]
    return (str(build_copy("adbc_validation", command) / "validation"),)


def derby():
    """Java's examples, over Derby."""
    return (*maven("derby"), "peer.Derby")


def jdbc():
    """A program that uses the JDBC driver."""
    return (*maven("jdbc"), "-XX:TieredStopAtLevel=1", "peer.Jdbc")


def sail():
    """Sail, which is DataFusion and Rust."""
    environment = "python3 -m venv . && bin/python -m pip install --quiet --require-hashes --requirement requirements.txt"
    return (str(build_copy("sail", ["sh", "-ec", environment]) / "bin" / "sail"), "flight", "server")


PEERS_BY_NAME = {"go": go, "java": java, "rust": rust, "pyarrow": pyarrow}
