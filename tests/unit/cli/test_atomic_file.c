/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear complete or not at all. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/atomic_file.h"
#include "test.h"

static char directory[64];

static void make_directory(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/cflight-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
}

static int entry_count(void)
{
    int count = -2; /* "." and ".." */
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    while (readdir(entries) != NULL) {
        count++;
    }
    (void)closedir(entries);
    return count;
}

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void check_content(const char *name, const char *expected)
{
    char content[64] = "";
    FILE *file = fopen(path_of(name), "r");
    assert_non_null(file);
    size_t len_bytes = fread(content, 1, sizeof content - 1, file);
    (void)fclose(file);
    assert_int_equal(len_bytes, strlen(expected));
    assert_string_equal(content, expected);
}

static void store(const char *name, const char *content, enum cli_replace replace,
                  cflight_status expected)
{
    struct cli_atomic_file file = CLI_ATOMIC_FILE_INIT;
    cflight_error *error = NULL;
    CHECK_OK(cli_atomic_file_create(&file, NULL, path_of(name), &error), error);
    assert_int_equal(write(file.fd, content, strlen(content)), (ssize_t)strlen(content));
    CHECK_STATUS(cli_atomic_file_commit(&file, replace, &error), expected);
    cflight_error_free(error);
}

/* Goal: nothing is to be seen before commit and nothing else than the file after it.
 * Method: look at the directory before and after; the same for a file that is dropped. */
TEST(cli_atomic_file, appears_with_commit_only)
{
    make_directory();
    struct cli_atomic_file file = CLI_ATOMIC_FILE_INIT;
    cflight_error *error = NULL;
    CHECK_OK(cli_atomic_file_create(&file, NULL, path_of("dropped"), &error), error);
    assert_int_equal(access(path_of("dropped"), F_OK), -1);
    cli_atomic_file_done(&file);
    cli_atomic_file_done(&file);
    assert_int_equal(entry_count(), 0);

    store("kept", "content", CLI_REPLACE_NEVER, CFLIGHT_OK);
    check_content("kept", "content");
    assert_int_equal(entry_count(), 1);
    assert_int_equal(unlink(path_of("kept")), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* Goal: an existing file is replaced when asked for and otherwise untouched, and no rest stays
 * either way. Method: store the same name three times. */
TEST(cli_atomic_file, replaces_only_when_asked)
{
    make_directory();
    store("x", "first", CLI_REPLACE_NEVER, CFLIGHT_OK);
    store("x", "second", CLI_REPLACE_NEVER, CFLIGHT_ALREADY_EXISTS);
    check_content("x", "first");
    store("x", "third", CLI_REPLACE_EXISTING, CFLIGHT_OK);
    check_content("x", "third");
    assert_int_equal(entry_count(), 1);
    assert_int_equal(unlink(path_of("x")), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* Goal: the file gets the permissions a program's files get, not those of a secret.
 * Method: compare with the umask. */
TEST(cli_atomic_file, permissions_follow_the_umask)
{
    make_directory();
    mode_t mask = umask(022);
    store("x", "", CLI_REPLACE_EXISTING, CFLIGHT_OK);
    (void)umask(mask);
    struct stat status;
    assert_int_equal(stat(path_of("x"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    assert_int_equal(unlink(path_of("x")), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* Goal: a missing directory is told as what it is.
 * Method: create below one. */
TEST(cli_atomic_file, a_missing_directory_is_not_found)
{
    struct cli_atomic_file file = CLI_ATOMIC_FILE_INIT;
    cflight_error *error = NULL;
    CHECK_STATUS(cli_atomic_file_create(&file, NULL, "/tmp/cflight-no-such-directory/x", &error),
                 CFLIGHT_NOT_FOUND);
    assert_non_null(strstr(cflight_error_message(error), "/tmp/cflight-no-such-directory/x"));
    cflight_error_free(error);
}
