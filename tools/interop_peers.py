# SPDX-License-Identifier: Apache-2.0
"""Gets the integration programs of other implementations of Flight, into build/peers where they must be built.

Go's come from its module. Java's and Rust's are published nowhere: they are compiled from a checkout of the sources,
which is looked for in build/peers/src (or CFLIGHT_PEER_SOURCES) and cloned when it is not there. Each function returns a
Program, or raises Absent with the reason."""

import os
import pathlib
import shutil
import subprocess
import sys

from integration import ROOT, SCENARIOS, Program

PEERS = ROOT / "build" / "peers"
SOURCES = pathlib.Path(os.environ.get("CFLIGHT_PEER_SOURCES", PEERS / "src"))

GO_VERSION = "v18.8.0"
JAVA_VERSION = "18.3.0"
RUST_VERSION = "59.1.0"


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


def checkout(name, repository, tag):
    directory = SOURCES / name
    if not directory.exists():
        need("git")
        build(name, ["git", "clone", "--depth", "1", "--branch", tag, repository, str(directory)])
    return directory


def go():
    binaries = PEERS / "go"
    programs = [binaries / f"arrow-flight-integration-{side}" for side in ("server", "client")]
    if not all(program.exists() for program in programs):
        need("go")
        package = "github.com/apache/arrow-go/v18/arrow/internal/flight_integration/cmd/..."
        build("go", ["go", "install", f"{package}@{GO_VERSION}"], GOBIN=str(binaries))
    scenarios = frozenset(SCENARIOS) - {"do_exchange:echo", "alignment"}
    return Program("go", (str(programs[0]),), (str(programs[1]),), scenarios)


JAVA_PROJECT = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>peers</groupId><artifactId>java</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>11</maven.compiler.source>
    <maven.compiler.target>11</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency><groupId>org.apache.arrow</groupId><artifactId>flight-core</artifactId><version>{version}</version></dependency>
    <dependency><groupId>org.apache.arrow</groupId><artifactId>flight-sql</artifactId><version>{version}</version></dependency>
    <dependency><groupId>commons-cli</groupId><artifactId>commons-cli</artifactId><version>1.9.0</version></dependency>
  </dependencies>
  <build><sourceDirectory>{sources}</sourceDirectory></build>
</project>
"""
JAVA_OPTIONS = ("-Dio.netty.tryReflectionSetAccessible=true", "-Darrow.struct.conflict.policy=CONFLICT_APPEND",
                "--add-opens=java.base/java.nio=ALL-UNNAMED", "-XX:-UsePerfData")

JAVA_SKIPS = (
    ("*/generated_nested_dictionary", "Arrow's own tests skip it for Java: it mixes up dictionaries in dictionaries"),
    ("java>cflight 4.0.0-shareddict/*", "Java compares the numbers of dictionaries; each column gets its own, as from C++"),
)


def java():
    directory = PEERS / "java"
    target = directory / "target"
    need("java")
    if not (target / "dependency").exists():
        need("mvn")
        root = checkout("arrow-java", "https://github.com/apache/arrow-java", f"v{JAVA_VERSION}")
        sources = root / "flight" / "flight-integration-tests" / "src" / "main" / "java"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "pom.xml").write_text(JAVA_PROJECT.format(version=JAVA_VERSION, sources=sources))
        build("java", ["mvn", "compile", "dependency:copy-dependencies", "-q", "-B", "-DincludeScope=runtime"],
              directory)
    command = ("java", *JAVA_OPTIONS, "-cp", f"{target / 'classes'}:{target / 'dependency'}/*")
    main = "org.apache.arrow.flight.integration.tests.IntegrationTest"
    return Program("java", (*command, f"{main}Server"), (*command, f"{main}Client"),
                   frozenset(SCENARIOS) - {"alignment"}, path_flag="j", skips=JAVA_SKIPS)


def rust():
    target = PEERS / "rust"
    names = [f"flight-test-integration-{side}" for side in ("server", "client")]
    programs = [target / "debug" / name for name in names]
    if not all(program.exists() for program in programs):
        need("cargo")
        root = checkout("arrow-rs", "https://github.com/apache/arrow-rs", RUST_VERSION)
        command = ["cargo", "build", "-p", "arrow-integration-testing", "--target-dir", str(target)]
        for name in names:
            command += ["--bin", name]
        # The toolchain that the sources ask for is for their own development.
        build("rust", command, root, RUSTUP_TOOLCHAIN=os.environ.get("RUSTUP_TOOLCHAIN", "stable"))
    return Program("rust", (str(programs[0]),), (str(programs[1]),), frozenset({"auth:basic_proto", "middleware"}),
                   dashes="--")


def pyarrow():
    script = ROOT / "tests" / "support" / "pyarrow_scenarios.py"
    python = ROOT / "build" / "venv" / "bin" / "python"
    command = (str(python if python.exists() else sys.executable), str(script))
    if subprocess.run([command[0], "-c", "import pyarrow.flight"], capture_output=True, check=False).returncode != 0:
        raise Absent("no Python with pyarrow; make test makes one in build/venv")
    scenarios = frozenset(SCENARIOS) - {"poll_flight_info", "session_options"}
    return Program("pyarrow", (*command, "server"), (*command, "client"), scenarios)


PEERS_BY_NAME = {"go": go, "java": java, "rust": rust, "pyarrow": pyarrow}
