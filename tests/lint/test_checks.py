# SPDX-License-Identifier: Apache-2.0
"""Each check of tools/ finds what it is there to find, and passes what is right.

Method: a tree with one file and a copy of tools/, for every rule once."""

import pathlib
import platform
import re
import shutil
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
CARD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* A file. Thread class: free. */\n"


def run(tmp_path, check, path, text):
    shutil.copytree(TOOLS, tmp_path / "tools")
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return subprocess.run([tmp_path / "tools" / check], cwd=tmp_path, capture_output=True, text=True)


BAD = [
    ("check_layers", "src/ipc/a.c", '#include "net/dial.h"\n', "is not below src/ipc"),
    ("check_layers", "src/base/a.c", '#include "ipc/schema.h"\n', "is not below src/base"),
    ("check_layers", "src/grpc/a.c", "#include <nghttp2/nghttp2.h>\n", "belongs to h2"),
    ("check_layers", "src/h2/a.c", "#include <openssl/ssl.h>\n", "belongs to net"),
    ("check_layers", "src/ipc/a.c", "#include <sys/socket.h>\n", "belongs to"),
    ("check_layers", "src/flight/value/a.c", '#include "flight/call/call.h"\n',
     "is not below src/flight/value"),
    ("check_layers", "cli/a.c", '#include "base/buf.h"\n', "only public headers"),
    ("check_layers", "src/h2/a.c", "void f(void)\n{\n    free(p);\n}\n", "free: memory"),
    ("check_layers", "src/h2/a.c", "void f(void)\n{\n    pthread_create(a, b, c, d);\n}\n", "threads start by"),
    ("check_style", "src/h2/a.c", "void f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy is banned"),
    ("check_style", "src/h2/a.c", "void f(void)\n{\n    abort();\n}\n", "abort is banned"),
    ("check_style", "src/h2/a.c", "#define F(x) \\\n    if (x)   \\\n        return 1\n", "macro"),
    ("check_style", "src/h2/a.c", "void f(void)\n{\nagain:\n    goto again;\n}\n", "backwards"),
    ("check_style", "src/h2/a.c", "/* " + "x" * 100 + " */\n", "columns"),
    ("check_style", "src/h2/a.c", "int a;\t\n", "tab or trailing space"),
    ("check_text", "src/h2/a.c", "/* TO" "DO: later */\n", "work left"),
    ("check_text", "docs/a.md", "see /ro" "ot/x\n", "path of one machine"),
    ("check_text", "docs/a.md", "from py" "pi.org\n", "package registry"),
    ("check_text", "docs/a.md", "<" * 7 + " HEAD\n", "a conflict"),
]


@pytest.mark.parametrize("check, path, text, message", BAD,
                         ids=[f"{case[0]}-{case[3]}" for case in BAD])
def test_a_bad_file_is_found(tmp_path, check, path, text, message):
    result = run(tmp_path, check, path, (CARD if path.endswith(".c") else "") + text)
    assert result.returncode == 1
    assert message in result.stdout
    assert path in result.stdout


@pytest.mark.parametrize("path, name, header", [
    ("cli/system/a.c", "cli/commands/b.h", "cli/commands/b.h"),
    ("python/src/base/a.c", "client/b.h", "python/src/client/b.h"),
    ("python/src/arrow/a.c", "../client/b.h", "python/src/client/b.h"),
])
def test_an_include_of_a_room_above_is_found(tmp_path, path, name, header):
    """A header of one room may have the name of a layer of the library: `base/` in the Python module is its own."""
    for file, text in ((header, CARD), ("python/src/base/c.h", CARD),
                       ("python/src/client/c.c", CARD + '#include "base/c.h"\n')):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    result = run(tmp_path, "check_layers", path, f'{CARD}#include "{name}"\n')
    assert result.returncode == 1
    assert result.stdout == f'{path}:3: "{name}" is not below {pathlib.PurePath(path).parent}\n'


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


@pytest.mark.parametrize("since, comment, message", [
    ("/// @since 0.1\n", "/// @return one\n", "has no sentence"),
    ("/// @since 0.1\n", "", "has no sentence"),
    ("", "/// Returns one.\n", "no @since"),
    ("/// @since 0.2\n", "/// Returns one.\n/// @since 0.2\n", "not later"),
    ("/// @since 0.9\n", "/// Returns one.\n/// @since 0.10\n", None),
    ("/// @since 0.1\n", "/// Returns one.\n", None),
])
def test_public_functions_are_documented(tmp_path, since, comment, message):
    text = ("/// @file\n/// A header.\n" + since + "\n" + comment +
            "CFLIGHT_EXPORT int\ncflight_one(void);\n")
    result = run(tmp_path, "check_docs", "include/cflight/a.h", text)
    assert result.returncode == (0 if message is None else 1)
    assert (message or "") in result.stdout


@pytest.mark.parametrize("declaration, message", [
    ("CFLIGHT_EXPORT int cflight_one(void);\n", "stands at the start of a line"),
    ("CFLIGHT_CHECKED int\ncflight_one(void);\n", None),
    ("CFLIGHT_EXPORT CFLIGHT_CHECKED int\ncflight_one(void);\n", "one macro"),
    ("CFLIGHT_PRINTF(1, 2) int\ncflight_one(const char *format, ...);\n", "one macro"),
])
def test_names_of_public_functions_are_easy_to_find(tmp_path, declaration, message):
    text = "".join(f"#define CFLIGHT_{name}\n"
                   for name in ("EXPORT", "CHECKED", "PRINTF(a, b)")) + declaration
    result = run(tmp_path, "check_headers", "include/cflight/a.h", text)
    assert (message or "") in result.stdout
    assert result.returncode == (0 if message is None else 1), result.stderr


def build(tmp_path, files):
    """A tree with these files, and their object files as the builds make them."""
    shutil.copytree(TOOLS, tmp_path / "tools")
    for path, text in files.items():
        source = tmp_path / path
        above = "python" if path.startswith("python/") else "release"
        folder = "/".join(path.split("/")[:2 if path.startswith("src/") else 1])
        target = tmp_path / f"build/{above}/{folder}/CMakeFiles/a_target.dir/{path[len(folder) + 1:]}.o"
        for file in (source, target):
            file.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(text)
        subprocess.run(["cc", "-c", source, "-o", target], check=True)


def check_rings(tmp_path):
    return subprocess.run([tmp_path / "tools/check_rings"], cwd=tmp_path, capture_output=True,
                          text=True)


def needs(name, *others):
    """A file that defines one function and calls others."""
    calls = "".join(f"    void {other}(void);\n    {other}();\n" for other in others)
    return f"void {name}(void)\n{{\n{calls}}}\n"


LINE = {"src/net/a.c": needs("a", "b", "c"), "src/net/b.c": needs("b", "c"), "src/net/c.c": needs("c", "d"),
        "src/base/d.c": needs("d", "getpid"),
        "cli/commands/k.c": needs("k", "l", "cflight_f"), "cli/system/l.c": needs("l"),
        "python/src/client/p.c": needs("p", "q", "cflight_f"), "python/src/base/q.c": needs("q"),
        "src/flight/server/f.c": needs("cflight_f")}
BAD_BUILDS = [
    ("a ring in a room", {"src/net/c.c": needs("c", "a")}, "a ring of 3 files",
     "src/net/b.c -> src/net/c.c: c"),
    ("a ring over two rooms", {"src/net/c.c": needs("c", "e"), "src/net/openssl/e.c": needs("e", "c")},
     "a ring of 2 files", "src/net/openssl/e.c -> src/net/c.c: c"),
    ("data that is needed", {"src/net/c.c": "extern int *b_data;\nint *c(void) { return b_data; }\n",
                             "src/net/b.c": needs("b", "c") + "int *b_data;\n"},
     "a ring of 2 files", "src/net/c.c -> src/net/b.c: b_data"),
    ("an arrow between layers", {"src/base/d.c": needs("d", "e"), "src/h2/e.c": needs("e")},
     "src/base/d.c:1: an arrow up, to src/h2/e.c: e"),
    ("an arrow between rooms", {"src/flight/call/e.c": needs("e", "cflight_f")},
     "src/flight/call/e.c:1: an arrow up, to src/flight/server/f.c: cflight_f"),
    ("more than public functions", {"src/flight/kit/e.c": needs("e", "cfl_f", "cflight_f"),
                                    "src/flight/server/f.c": needs("cfl_f") + needs("cflight_f")},
     "src/flight/kit/e.c:1: an arrow up, to src/flight/server/f.c: cfl_f\n"),
    ("a ring in the command", {"cli/system/l.c": needs("l", "m"), "cli/system/m.c": needs("m", "l")},
     "a ring of 2 files", "cli/system/m.c -> cli/system/l.c: l"),
    ("an arrow in the command", {"cli/system/m.c": needs("m", "k")},
     "cli/system/m.c:1: an arrow up, to cli/commands/k.c: k"),
    ("a function of the library's own in the command", {"cli/system/m.c": needs("m", "a")},
     "cli/system/m.c:1: an arrow up, to src/net/a.c: a"),
    ("a ring in the Python module", {"python/src/base/q.c": needs("q", "r"),
                                     "python/src/base/r.c": needs("r", "q")},
     "a ring of 2 files", "python/src/base/r.c -> python/src/base/q.c: q"),
    ("an arrow in the Python module", {"python/src/base/r.c": needs("r", "p")},
     "python/src/base/r.c:1: an arrow up, to python/src/client/p.c: p"),
    ("a room of no table", {"src/h2/cellar/e.c": needs("e")}, "src/h2/cellar is no room"),
    ("a room of no table in the command", {"cli/cellar/e.c": needs("e")}, "cli/cellar is no room"),
]


@pytest.mark.parametrize("files, messages", [(case[1], case[2:]) for case in BAD_BUILDS],
                         ids=[case[0] for case in BAD_BUILDS])
def test_a_ring_or_an_arrow_up_is_found(tmp_path, files, messages):
    build(tmp_path, LINE | files)
    result = check_rings(tmp_path)
    assert result.returncode == 1
    for message in messages:
        assert message in result.stdout


def test_arrows_down_pass(tmp_path):
    build(tmp_path, LINE | {"src/flight/kit/e.c": needs("e", "cflight_f"),
                            "src/flight/server/f.c": needs("cflight_f", "a")})
    result = check_rings(tmp_path)
    assert (result.returncode, result.stdout) == (0, "")


def test_a_source_without_an_object_file_is_found(tmp_path):
    build(tmp_path, LINE)
    for path in ("src/net/e.c", "cli/values/e.c", "python/src/arrow/e.c"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(needs("e", "a"))
    result = check_rings(tmp_path)
    assert result.returncode == 1
    for path in ("release/src/net/CMakeFiles/*.dir/e.c.o", "release/cli/CMakeFiles/*.dir/values/e.c.o",
                 "python/python/CMakeFiles/*.dir/src/arrow/e.c.o"):
        assert f"build/{path} is missing" in result.stdout


HARDENED = ["-O2", "-fPIC", "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-fcf-protection",
            "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]
COPIES = "#include <string.h>\nvoid f(char *, const char *);\n" + "".join(
    f"void g{i}(const char *s)\n{{\n    char b[9];\n    strcpy(b, s);\n    f(b, s);\n}}\n" for i in range(16))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the marks of x86 are looked for")
@pytest.mark.parametrize("without, message", [
    (None, None),
    ("-fstack-protector-strong", "no stack protectors"),
    ("-D_FORTIFY_SOURCE=2", "no checked string functions"),
    ("-fcf-protection", "no marks for indirect jumps"),
    ("-Wl,-z,now", "binds symbols when they are first used"),
    ("-Wl,-z,relro", "leaves its tables of symbols writable"),
    ("-Wl,-z,noexecstack", "a stack that can be run"),
])
def test_a_file_that_is_not_hardened_is_found(tmp_path, without, message):
    """One flag after the other is turned into its opposite."""
    opposites = {"-fstack-protector-strong": "-fno-stack-protector", "-D_FORTIFY_SOURCE=2": "-D_FORTIFY_SOURCE=0",
                 "-fcf-protection": "-fcf-protection=none", "-Wl,-z,now": "-Wl,-z,lazy",
                 "-Wl,-z,relro": "-Wl,-z,norelro", "-Wl,-z,noexecstack": "-Wl,-z,execstack"}
    flags = [opposites[flag] if flag == without else flag for flag in HARDENED]
    (tmp_path / "a.c").write_text(COPIES)
    subprocess.run(["cc", *flags, "-shared", "-o", tmp_path / "a.so", tmp_path / "a.c"], check=True)
    result = subprocess.run([TOOLS / "check_hardening", tmp_path / "a.so"], capture_output=True, text=True)
    assert result.returncode == (0 if without is None else 1), result.stdout
    assert message is None or message in result.stdout


@pytest.mark.parametrize("row, is_right", [
    ("| `frame_bytes_max` | 1 MiB | a frame |\n| `queue_max` | 1024 | calls |\n| `wait_ms` | 5 s | a wait |\n", True),
    ("| `frame_bytes_max` | 2 MiB | a frame |\n| `queue_max` | 1024 | calls |\n| `wait_ms` | 5 s | a wait |\n", False),
    ("| `frame_bytes_max` | 1 MiB | a frame |\n| `wait_ms` | 5 s | a wait |\n", False),
    ("| `frame_bytes_max` | 1 MiB | a frame |\n| `queue_max` | 1024 | calls |\n", False),
])
def test_limits_are_listed_with_their_values(tmp_path, row, is_right):
    for name in ("server", "client", "bearer_auth", "sessions", "cookies", "oauth", "sql_server"):
        header = tmp_path / "include" / "cflight" / f"{name}.h"
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text("struct a {\n    /// Most calls that wait; beyond it UNAVAILABLE; 0 is 1024.\n    uint32_t queue_max;\n"
                          "    int64_t wait_ms; ///< of\n                     ///< calls; 0 is 5 s\n};\n")
    (tmp_path / "SECURITY.md").write_text(row)
    result = run(tmp_path, "check_limits", "src/base/limits.c",
                 "const struct cfl_limits a = {\n    .frame_bytes_max = 1 * MIB,\n};\n")
    assert result.returncode == (0 if is_right else 1), result.stdout


HEADER = "/// @file\nCFLIGHT_EXPORT int cflight_one(void);\nstatic inline int cflight_two(void);\n"


@pytest.mark.parametrize("page, message", [
    ("`cflight_one()` and `cflight_two()`\n", None),
    ("`cflight_one()`\n", "include/cflight/a.h:3: cflight_two is on no page"),
    ("`cflight_one()`, `cflight_twofold()`\n", "cflight_two is on no page"),
    ("`cflight_one()`, `cflight_two()`\n`cflight_three()`\n", "docs/guide/a.md:2: cflight_three is not in"),
])
def test_public_functions_are_in_the_guide(tmp_path, page, message):
    header = tmp_path / "include/cflight/a.h"
    header.parent.mkdir(parents=True)
    # What is for reference only is there, so that the list of the real headers holds.
    listed = (TOOLS / "check_guide").read_text().partition("REFERENCE_ONLY")[2].partition("split()")[0]
    header.write_text(HEADER + "".join(f"CFLIGHT_EXPORT int {name}(void);\n"
                                       for name in re.findall(r"cflight_\w+", listed)))
    result = run(tmp_path, "check_guide", "docs/guide/a.md", page)
    assert result.returncode == (0 if message is None else 1), result.stdout
    assert (message or "") in result.stdout


GET = "status = cflight_client_do_get(client, cflight_bytes_from_text(\"%s\"), NULL, &rows, &error);\n"
SNIPPETS = [
    ("a call", "cflight_reader *rows = NULL;\n" + GET % "weather", None),
    ("what does not compile", "status = cflight_client_close(client);\n", "docs/guide/a.md:4:8: error"),
    ("a call that fails", "cflight_reader *rows = NULL;\n" + GET % "weather" + "cflight_chunk_next(rows);\n",
     "does not compile"),
    ("a status", "status = cflight_server_context_add_trailer(context, cflight_bytes_from_text(\"A b\"),\n"
     "    cflight_bytes_from_text(\"\"), &error);\n", "docs/guide/a.md:4: INVALID_ARGUMENT"),
    ("a leak", "struct ArrowArrayStream rows;\nstatus = cflight_reader_to_stream(reader, &rows, &error);\n",
     "LeakSanitizer"),
    ("memory that is gone", "cflight_buffer *text = NULL;\n"
     "status = cflight_buffer_new_copy(cflight_bytes_from_text(\"a\"), &text, &error);\n"
     "struct cflight_bytes bytes = cflight_buffer_bytes(text);\ncflight_buffer_unref(text);\n"
     "status = bytes.data[0] == 'b';\n", "heap-use-after-free"),
    ("a function that nothing uses", "static int one(void)\n{\n    return 1;\n}\n", "unused-function"),
    ("a handler that fails", "static cflight_status do_get(void *user_data, cflight_server_context *context,\n"
     "    struct cflight_bytes ticket, cflight_writer *writer, cflight_error **reterr)\n"
     "{\n    return cflight_error_set_message(reterr, CFLIGHT_ABORTED, \"no\");\n}\n",
     "do_get of the page: ABORTED: no"),
]


def check_snippets(tmp_path, page):
    for name in ("src", "tests", "build"):
        (tmp_path / name).symlink_to(TOOLS.parent / name)
    shutil.copytree(TOOLS.parent / "include", tmp_path / "include")
    result = run(tmp_path, "check_snippets", "docs/guide/a.md", "# A\n\n" + page)
    assert result.stderr == ""
    return result


@pytest.mark.parametrize("code, message", [case[1:] for case in SNIPPETS], ids=[case[0] for case in SNIPPETS])
def test_a_snippet_runs(tmp_path, code, message):
    result = check_snippets(tmp_path, f"```c\n{code}```\n")
    assert result.returncode == (0 if message is None else 1), result.stdout
    assert (message or "") in result.stdout


@pytest.mark.parametrize("link, message", [
    ("[b](b.md)", None), ("[b](b.md#two-words)", None), ("[here](#a-b)", None),
    ("[b](c.md)", "links to c.md, which is not there"), ("[b](b.md#two)", "links to #two, which is no heading"),
    ("[here](#two-words)", "links to #two-words, which is no heading of docs/a.md"),
])
def test_links_lead_somewhere(tmp_path, link, message):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/b.md").write_text("# B\n\n## Two words\n")
    shutil.copytree(TOOLS, tmp_path / "tools")
    (tmp_path / "docs/a.md").write_text(f"# A: `b`\n\n{link}\n")
    result = subprocess.run([tmp_path / "tools/check_snippets"], capture_output=True, text=True)
    assert result.returncode == (0 if message is None else 1), result.stdout
    assert (message or "") in result.stdout


@pytest.mark.parametrize("quoted, is_right", [("int a;\n", True), ("a;\n", False), ("int b;\n", False)])
def test_a_document_quotes_programs_to_the_letter(tmp_path, quoted, is_right):
    (tmp_path / "README.md").write_text(f"A program:\n\n```c examples/a.c\n{quoted}```\n")
    result = run(tmp_path, "check_snippets", "examples/a.c", "/* A. */\nint a;\nint c;\n")
    assert result.returncode == (0 if is_right else 1), result.stdout
    assert is_right or result.stdout == "README.md:4: differs from examples/a.c\n"


@pytest.mark.parametrize("start, problems", [
    ("- [Guide](guide/README.md)\n", []),
    ("| page | task |\n|---|---|\n| [Guide](guide/README.md) | all |\n", []),
    ("Read the [guide](guide/README.md).\n",
     [f"docs/guide/{name}.md:1: is not in the table of contents" for name in ("README", "get")]),
    ("- [Guide](guide/README.md)\n- [Put](guide/put.md)\n",
     ["docs/guide/put.md:1: is in the table of contents, and not there"]),
])
def test_a_page_outside_the_table_of_contents_is_found(tmp_path, start, problems):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README.md").write_text("# Documents\n\n" + start)
    (tmp_path / "docs" / "guide").mkdir()
    (tmp_path / "docs" / "guide" / "get.md").write_text("# Get\n")
    shutil.copytree(TOOLS, tmp_path / "tools")
    (tmp_path / "docs" / "guide" / "README.md").write_text("# Guide\n\n- [Get](get.md)\n")
    result = subprocess.run([tmp_path / "tools" / "check_contents"], capture_output=True, text=True)
    assert [line.partition(" (")[0] for line in result.stdout.splitlines()] == problems
    assert result.returncode == bool(problems), result.stderr
