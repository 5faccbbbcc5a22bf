# SPDX-License-Identifier: Apache-2.0
"""Each check of tools/ finds what it is there to find, and passes what is right.

Method: a tree with one file and a copy of tools/, for every rule once."""

import pathlib
import shutil
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
CARD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* A file. Thread class: free. */\n"


def run(tmp_path, check, path, text):
    shutil.copytree(TOOLS, tmp_path / "tools")
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return subprocess.run([tmp_path / "tools" / check], cwd=tmp_path, capture_output=True, text=True)


BAD = [
    ("check_layers", "src/ipc/a.c", '#include "net/dial.h"\n', "is not below ipc"),
    ("check_layers", "src/base/a.c", '#include "ipc/schema.h"\n', "is not below base"),
    ("check_layers", "src/grpc/a.c", "#include <nghttp2/nghttp2.h>\n", "belongs to h2"),
    ("check_layers", "src/h2/a.c", "#include <openssl/ssl.h>\n", "belongs to net"),
    ("check_layers", "src/ipc/a.c", "#include <sys/socket.h>\n", "belongs to"),
    ("check_layers", "cli/a.c", '#include "base/buf.h"\n', "only public headers"),
    ("check_layers", "src/h2/a.c", "void f(void)\n{\n    free(p);\n}\n", "free: memory"),
    ("check_style", "src/h2/a.c", "void f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy is banned"),
    ("check_style", "src/h2/a.c", "void f(void)\n{\n    abort();\n}\n", "abort is banned"),
    ("check_style", "src/h2/a.c", "#define F(x) \\\n    if (x)   \\\n        return 1\n", "macro"),
    ("check_style", "src/h2/a.c", "void f(void)\n{\nagain:\n    goto again;\n}\n", "backwards"),
    ("check_style", "src/h2/a.c", "/* " + "x" * 100 + " */\n", "columns"),
    ("check_style", "src/h2/a.c", "int a;\t\n", "tab or trailing space"),
    ("check_text", "src/h2/a.c", "/* TO" "DO: later */\n", "work left"),
    ("check_text", "docs/a.md", "see /ro" "ot/x\n", "path of one machine"),
    ("check_text", "docs/a.md", "from py" "pi.org\n", "package registry"),
]


@pytest.mark.parametrize("check, path, text, message", BAD,
                         ids=[f"{case[0]}-{case[3]}" for case in BAD])
def test_a_bad_file_is_found(tmp_path, check, path, text, message):
    result = run(tmp_path, check, path, (CARD if path.endswith(".c") else "") + text)
    assert result.returncode == 1
    assert message in result.stdout
    assert path in result.stdout


@pytest.mark.parametrize("text, message", [
    ("int a;\n", "the first line must be the SPDX line"),
    ("/* SPDX-License-Identifier: Apache-2.0 */\nint a;\n", "a card must follow"),
])
def test_a_file_without_its_head_is_found(tmp_path, text, message):
    result = run(tmp_path, "check_style", "src/h2/a.c", text)
    assert result.returncode == 1
    assert message in result.stdout


GOOD = CARD + r'''#include "base/buf.h"

#define DEFINE_FUNCTION(name) \
    static int name(void)     \
    {                         \
        return 1;             \
    }

/* Comments and texts may name malloc(), strcpy() and exit(). */
static int f(struct thing *thing)
{
    const char *text = "free(memory); \" goto done;";
    if (thing->free(text) != 0) {
        goto done;
    }
    cfl_free(NULL, thing, 1);
done:
    return thing->system(text);
}
'''


@pytest.mark.parametrize("check", ["check_layers", "check_style", "check_text"])
def test_a_good_file_passes(tmp_path, check):
    result = run(tmp_path, check, "src/h2/a.c", GOOD)
    assert result.stdout == ""
    assert result.returncode == 0


@pytest.mark.parametrize("comment, message", [
    ("/// Returns one.\n", "has no @since"),
    ("/// @since 0.1\n", "has no sentence"),
    ("", "has no @since"),
    ("/// Returns one.\n/// @since 0.1\n", None),
])
def test_public_functions_are_documented(tmp_path, comment, message):
    text = "/// @file\n/// A header.\n\n" + comment + "CFLIGHT_EXPORT int cflight_one(void);\n"
    result = run(tmp_path, "check_docs", "include/cflight/a.h", text)
    assert result.returncode == (0 if message is None else 1)
    assert (message or "") in result.stdout
