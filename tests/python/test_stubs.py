# SPDX-License-Identifier: Apache-2.0
"""The type stubs name what the module has, and it is documented."""

import ast
import inspect
import os
import pathlib
import subprocess
import sys

import cflight as flight
import cflight.dbapi
import cflight.duckdb
import cflight.opentelemetry
import cflight.polars
import cflight.sql
import pytest
from conftest import MODULE_PATH

STUBS = pathlib.Path(__file__).resolve().parents[2] / "python/src/cflight"
MODULES = {"__init__.pyi": flight, "sql.pyi": cflight.sql, "dbapi.pyi": cflight.dbapi,
           "polars.pyi": cflight.polars, "duckdb.pyi": cflight.duckdb,
           "opentelemetry.pyi": cflight.opentelemetry}
# What pyarrow defines when it is there; its own documentation and signatures apply.
PYARROW_NAMES = {name for name in vars(flight) if getattr(flight, name).__class__ is type} & {
    name
    for name in dir(flight)
    if getattr(getattr(flight, name), "__module__", "").startswith("pyarrow")
}
OPTIONAL_SPECIAL = {"__init__", "__new__", "__buffer__"}


def stub_body(stub):
    return {
        node.name: node
        for node in ast.parse((STUBS / stub).read_text()).body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef))
    }


NODES = {stub: {name: node for name, node in stub_body(stub).items() if not name.startswith("_")} for stub in MODULES}
STUBBED = {name: node for nodes in NODES.values() for name, node in nodes.items()}
LIVE = {name: getattr(MODULES[stub], name) for stub, nodes in NODES.items() for name in nodes}
CLASSES = [
    name
    for name, node in STUBBED.items()
    if isinstance(node, ast.ClassDef) and name not in PYARROW_NAMES
]


def members_of(node):
    """Names that a stubbed class defines, with the function's node or None."""
    members = {}
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            members[item.name] = item
        elif isinstance(item, ast.AnnAssign):
            members[item.target.id] = None
        elif isinstance(item, ast.Assign):
            members[item.targets[0].id] = None
    return members


def parameters_of(node):
    arguments = node.args
    names = [a.arg for a in arguments.posonlyargs + arguments.args]
    names += [f"*{arguments.vararg.arg}"] if arguments.vararg else []
    names += [f"{a.arg}=" for a in arguments.kwonlyargs]
    names += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    return [name for name in names if name not in ("self", "cls")]


def parameters_of_object(function):
    names = []
    for parameter in inspect.signature(function).parameters.values():
        prefix = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
        suffix = "=" if parameter.kind.name == "KEYWORD_ONLY" else ""
        names.append(f"{prefix}{parameter.name}{suffix}")
    return [name for name in names if name not in ("self", "cls", "type")]


@pytest.mark.parametrize("stub", MODULES)
def test_the_stub_has_every_public_name(stub):
    """Goal: no name is missing or made up. Method: compare the two lists."""
    assert sorted(NODES[stub]) == sorted(MODULES[stub].__all__)


@pytest.mark.parametrize("name", CLASSES)
def test_the_stub_of_a_class_is_right(name):
    """Goal: members and parameters agree. Method: the stub's syntax against the live class."""
    cls = LIVE[name]
    members = members_of(STUBBED[name])
    is_tuple = issubclass(cls, tuple)
    for member, node in members.items():
        if member in OPTIONAL_SPECIAL or node is None and not is_tuple:
            continue
        assert hasattr(cls, member), f"{name}.{member} is in the stub only"
        is_property = node is not None and any(
            getattr(d, "id", "") == "property" for d in node.decorator_list
        )
        live = inspect.getattr_static(cls, member)
        if node is None or is_property:
            assert not inspect.isroutine(live), f"{name}.{member} is not a property"
            continue
        if member.startswith("__") and not member.startswith("__arrow"):
            continue
        assert parameters_of(node) == parameters_of_object(getattr(cls, member)), member
    public = {
        member
        for base in cls.__mro__
        if base.__module__.startswith("cflight")
        for member in vars(base)
        if not member.startswith("_")
    }
    if is_tuple:
        public -= {"count", "index"} | {m for m in dir(tuple)}
    inherited = set()
    for base in cls.__mro__[1:]:
        inherited |= set(members_of(STUBBED[base.__name__])) if base.__name__ in STUBBED else set()
    missing = public - set(members) - inherited
    assert not missing, f"{name} lacks {missing} in the stub"


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_and_method_is_documented(name):
    """Goal: help() helps. Method: look for docstrings, and for an example in each class."""
    cls = LIVE[name]
    assert cls.__doc__ and cls.__doc__.strip(), name
    for member, value in vars(cls).items():
        is_enum_member = isinstance(value, cls) or member.isupper()
        is_documented_kind = callable(value) or inspect.isdatadescriptor(value)
        if member.startswith("_") or is_enum_member or not is_documented_kind:
            continue
        if inspect.ismemberdescriptor(value):
            continue  # a slot: the class names it
        assert inspect.getdoc(getattr(cls, member)), f"{name}.{member} has no docstring"


PROGRAM = """
import cflight as flight

client = flight.connect("grpc://localhost:1")
reader = client.do_get(flight.Ticket(b"x"))
print(reader.schema.names, reader.read_all().to_pandas(), reader.to_reader().read_next_batch().num_rows)
print(client.do_get(flight.Ticket(b"x")).read_all().column("a"))
info = client.get_flight_info(flight.FlightDescriptor.for_path("a"))
print(info.endpoints[0].ticket, client.get_schema(info.descriptor).schema.field("a"))
for result in client.do_action(("name", bytearray(b"body"))):
    print(result.body.to_pybytes())
"""


def test_a_checker_takes_programs_of_pyarrow(tmp_path):
    """Goal: the first lines of a pyarrow.flight program are right for mypy. Method: run it."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    pytest.importorskip("pyarrow")
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", tmp_path / "cache", "program.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=110, env={**os.environ, "PYTHONPATH": MODULE_PATH},
    )
    assert done.returncode == 0, done.stdout + done.stderr
