/* SPDX-License-Identifier: Apache-2.0 */
/* The gate between names that clients send and the file system. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/serve/catalog.h"
#include "cli/serve/name.h"
#include "test.h"

#define BYTES(literal) cflight_bytes_make(literal, sizeof(literal) - 1)

/* Goal: no name can leave the directory or hide in it.
 * Method: every trick as one name; good names beside them. */
TEST(cli_serve_name, names_cannot_leave_the_directory)
{
    static const struct cflight_bytes bad[] = {
        {NULL, 0},
        {(const uint8_t *)"a\0b", 3},
    };
    static const char *const bad_texts[] = {
        "/", "/etc/passwd", "..",      "../x", "a/../b", "a/..",  "a//b", "a/",
        ".", "./a",         ".hidden", "a/.b", "a\nb",   "a\x7f", "\xff", "\xc0\xae\xc0\xae/x",
    };
    static const char *const good_texts[] = {"a",       "a/b/c",   "a..b", "a b", "\xc3\xbc",
                                             "a.arrow", "\\..\\x", "~",    "a."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(cli_name_check(bad[i], NULL), CFLIGHT_INVALID_ARGUMENT);
    }
    for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++) {
        CHECK_STATUS(cli_name_check(cflight_bytes_from_text(bad_texts[i]), NULL),
                     CFLIGHT_INVALID_ARGUMENT);
    }
    for (size_t i = 0; i < sizeof good_texts / sizeof good_texts[0]; i++) {
        CHECK_STATUS(cli_name_check(cflight_bytes_from_text(good_texts[i]), NULL), CFLIGHT_OK);
    }
}

/* Goal: lengths are bounded.
 * Method: an element and a name at the limit and one past it. */
TEST(cli_serve_name, lengths_are_bounded)
{
    char name[1002];
    memset(name, 'a', sizeof name);
    CHECK_STATUS(cli_name_check(cflight_bytes_make(name, 200), NULL), CFLIGHT_OK);
    CHECK_STATUS(cli_name_check(cflight_bytes_make(name, 201), NULL), CFLIGHT_INVALID_ARGUMENT);
    for (size_t i = 100; i < sizeof name; i += 100) {
        name[i] = '/';
    }
    CHECK_STATUS(cli_name_check(cflight_bytes_make(name, 1000), NULL), CFLIGHT_OK);
    name[1000] = 'a';
    CHECK_STATUS(cli_name_check(cflight_bytes_make(name, 1001), NULL), CFLIGHT_INVALID_ARGUMENT);
}

static cflight_status join(const struct cflight_bytes *elements, size_t count,
                           struct cli_text *name)
{
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = elements, .path_count = count};
    return cli_name_from_descriptor(name, &descriptor, NULL);
}

/* Goal: a path of several elements and one element with slashes name the same flight, and joining
 * opens no hole. Method: both forms, and elements that are bad only together. */
TEST(cli_serve_name, descriptors_are_joined_and_checked)
{
    struct cli_text name = CLI_TEXT_INIT;
    const struct cflight_bytes two[] = {BYTES("a"), BYTES("b")};
    const struct cflight_bytes one[] = {BYTES("a/b")};
    const struct cflight_bytes climbing[] = {BYTES("a"), BYTES("..")};
    const struct cflight_bytes empty[] = {BYTES("a"), BYTES("")};
    CHECK_STATUS(join(two, 2, &name), CFLIGHT_OK);
    assert_string_equal(name.data, "a/b");
    cli_text_done(&name);
    CHECK_STATUS(join(one, 1, &name), CFLIGHT_OK);
    assert_string_equal(name.data, "a/b");
    cli_text_done(&name);
    CHECK_STATUS(join(climbing, 2, &name), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(join(empty, 2, &name), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(join(NULL, 0, &name), CFLIGHT_INVALID_ARGUMENT);
    struct cflight_descriptor command = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = BYTES("a")};
    CHECK_STATUS(cli_name_from_descriptor(&name, &command, NULL), CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: criteria select by beginning or pattern.
 * Method: both kinds. */
TEST(cli_serve_name, criteria_are_beginnings_or_patterns)
{
    assert_true(cli_name_matches("a/b", BYTES("")));
    assert_true(cli_name_matches("a/b", BYTES("a/")));
    assert_false(cli_name_matches("a/b", BYTES("b")));
    assert_true(cli_name_matches("a/b", BYTES("*b")));
    assert_true(cli_name_matches("a/b", BYTES("a?[bc]")));
    assert_false(cli_name_matches("a/b", BYTES("*c")));
    assert_false(cli_name_matches("a/b", BYTES("a\0*")));
}

static cflight_status collect(void *user_data, const struct cli_found *found,
                              cflight_error **reterr)
{
    (void)reterr;
    cli_text_append_format(user_data, "%s|", found->name);
    return CFLIGHT_OK;
}

static void touch(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
}

static const char *const tree_directories[] = {"root", "root/sub", "root/.git"};
static const char *const tree_files[] = {"outside.arrow",  "root/sub/a.arrow", "root/b.arrows",
                                         "root/b.feather", "root/.c.arrow",    "root/.git/d.arrow",
                                         "root/e.txt"};
static const char *const tree_links[][2] = {{"../outside.arrow", "root/out.arrow"},
                                            {"sub/a.arrow", "root/in.arrow"},
                                            {"..", "root/up"},
                                            {"sub", "root/loop"}};

static void make_tree(void)
{
    for (size_t i = 0; i < sizeof tree_directories / sizeof tree_directories[0]; i++) {
        assert_int_equal(mkdir(tree_directories[i], 0777), 0);
    }
    for (size_t i = 0; i < sizeof tree_files / sizeof tree_files[0]; i++) {
        touch(tree_files[i]);
    }
    for (size_t i = 0; i < sizeof tree_links / sizeof tree_links[0]; i++) {
        assert_int_equal(symlink(tree_links[i][0], tree_links[i][1]), 0);
    }
}

static void remove_tree(void)
{
    for (size_t i = 0; i < sizeof tree_links / sizeof tree_links[0]; i++) {
        assert_int_equal(unlink(tree_links[i][1]), 0);
    }
    for (size_t i = 0; i < sizeof tree_files / sizeof tree_files[0]; i++) {
        assert_int_equal(unlink(tree_files[i]), 0);
    }
    for (size_t i = sizeof tree_directories / sizeof tree_directories[0]; i-- > 0;) {
        assert_int_equal(rmdir(tree_directories[i]), 0);
    }
}

static cflight_status find(const struct cli_catalog *catalog, const char *name,
                           struct cli_text *ret_path, cflight_error **reterr)
{
    int fd = -1;
    cflight_status status = cli_catalog_open(catalog, name, O_RDONLY, ret_path, &fd, reterr);
    assert_int_equal(fd >= 0, status == CFLIGHT_OK);
    if (fd >= 0) {
        assert_int_equal(close(fd), 0);
    }
    return status;
}

/* Goal: a link that leads out is refused and not listed, one that stays inside works, hidden files
 * are not served, and of two files with one name the first ending wins. Method: a directory with
 * each, beside a file outside. */
TEST(cli_serve_catalog, links_cannot_lead_out)
{
    char directory[] = "/tmp/cflight-test-XXXXXX";
    char before[4096];
    struct cli_catalog catalog = CLI_CATALOG_INIT;
    struct cli_text path = CLI_TEXT_INIT;
    struct cli_text names = CLI_TEXT_INIT;
    cflight_error *error = NULL;
    assert_non_null(getcwd(before, sizeof before));
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    make_tree();
    assert_int_equal(chdir("root"), 0);
    CHECK_OK(cli_catalog_init(&catalog, ".", &error), error);

    CHECK_STATUS(find(&catalog, "out", &path, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(find(&catalog, "up/outside", &path, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(find(&catalog, "sub", &path, NULL), CFLIGHT_NOT_FOUND);
    CHECK_STATUS(find(&catalog, "e", &path, NULL), CFLIGHT_NOT_FOUND);
    CHECK_OK(find(&catalog, "in", &path, &error), error);
    cli_text_done(&path);
    CHECK_OK(find(&catalog, "b", &path, &error), error);
    assert_string_equal(path.data, "b.feather");
    cli_text_done(&path);
    CHECK_OK(cli_catalog_each(&catalog, collect, &names, &error), error);
    assert_string_equal(cli_text_terminated(&names), "b|in|sub/a|");

    cli_text_done(&names);
    cli_catalog_done(&catalog);
    assert_int_equal(chdir(directory), 0);
    remove_tree();
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(directory), 0);
}
