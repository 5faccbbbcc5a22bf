# SPDX-License-Identifier: Apache-2.0
"""adbc/abi/adbc.h has every number, text, size, offset and signature of the header that the driver manager ships.

Method: the names are taken from that header; a program that prints what they stand for is built with each of the
two headers, and the lines are compared."""

import pathlib
import re
import subprocess

import adbc_driver_manager
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = ROOT / "adbc/abi/adbc.h"
STANDARD = pathlib.Path(adbc_driver_manager.__file__).parent / "arrow-adbc/adbc.h"
STRUCTS = ("AdbcError", "AdbcErrorDetail", "AdbcDatabase", "AdbcConnection", "AdbcStatement", "AdbcPartitions",
           "AdbcDriver")


def preprocessed(header, *flags):
    command = ["cc", "-E", "-P", *flags, f"-I{ROOT}/include", "-x", "c", str(header)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def macros(header):
    """What an object-like macro of ADBC stands for, by its name; those that export functions are left out."""
    found = re.findall(r"^#define (ADBC_\w+) (\S.*)$", preprocessed(header, "-dM"), re.MULTILINE)
    return {name: text for name, text in found if name != "ADBC_EXPORT"}


def members(header, struct):
    """The declarations of the members of a struct, in their order, without names of parameters."""
    body = re.search(rf"struct\s+{struct}\s*{{(.*?)}}", preprocessed(header), re.DOTALL).group(1)
    found = {}
    for declaration in filter(None, map(str.strip, body.split(";"))):
        name = (re.search(r"\(\*(\w+)\)", declaration) or re.search(r"(\w+)(\[\d+\])?$", declaration)).group(1)
        words = re.sub(r"(?<=[*\s])(error|index|stream|status|driver|partitions)(?=[,)])", "", declaration)
        found[name] = re.sub(r"\s+", "", words)
    return found


def program(names, layouts):
    lines = ["#include <stdio.h>", "int main(void) {"]
    for name, text in names.items():
        lines.append(f'printf("{name} %s\\n", {name});' if text.startswith('"') else
                     f'printf("{name} %ld\\n", (long){name});')
    for struct, parts in layouts.items():
        lines.append(f'printf("{struct} %zu\\n", sizeof(struct {struct}));')
        for part in parts:
            lines.append(f'printf("{struct}.{part} %zu %zu\\n", offsetof(struct {struct}, {part}), '
                         f"sizeof(((struct {struct} *)0)->{part}));")
    return "\n".join([*lines, "return 0; }"])


def printed(tmp_path, header, text):
    source, binary = tmp_path / "print.c", tmp_path / "print"
    source.write_text(f'#include "{header}"\n{text}')
    subprocess.run(["cc", f"-I{ROOT}/include", "-o", binary, source], check=True)
    return subprocess.run([binary], capture_output=True, text=True, check=True).stdout.splitlines()


def test_every_number_and_text_and_layout_is_that_of_the_standard(tmp_path):
    names = {name: text for name, text in sorted(macros(STANDARD).items()) if name != "ADBC_ERROR_INIT"}
    assert len(names) > 80
    layouts = {struct: list(members(STANDARD, struct)) for struct in STRUCTS}
    assert len(layouts["AdbcDriver"]) == 3 + 26 + 29
    text = program(names, layouts)
    assert printed(tmp_path, OURS, text) == printed(tmp_path, STANDARD, text)


@pytest.mark.parametrize("struct", STRUCTS)
def test_the_members_have_the_types_of_the_standard(struct):
    assert members(OURS, struct) == members(STANDARD, struct)


def test_no_name_is_ours():
    assert set(macros(OURS)) == set(macros(STANDARD))


@pytest.mark.parametrize("first, second", [(OURS, STANDARD), (STANDARD, OURS)])
@pytest.mark.parametrize("compiler", [("cc", "c"), ("c++", "c++")])
def test_both_headers_in_any_order(tmp_path, compiler, first, second):
    source = tmp_path / "both.c"
    source.write_text(f'#include "{first}"\n#include "{second}"\nstruct AdbcError error = ADBC_ERROR_INIT;\n'
                      "struct AdbcDriver driver;\n" if compiler[1] == "c++" else
                      f'#include "{first}"\n#include "{second}"\nstruct AdbcDriver driver;\n')
    subprocess.run([compiler[0], "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", "-fsyntax-only",
                    "-x", compiler[1], source], check=True)
