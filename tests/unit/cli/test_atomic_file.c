/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear complete or not at all. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/system/atomic_file.h"
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
    CHECK_OK(cli_atomic_file_create(&file, path_of(name), &error), error);
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
    CHECK_OK(cli_atomic_file_create(&file, path_of("dropped"), &error), error);
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
    CHECK_STATUS(cli_atomic_file_create(&file, "/tmp/cflight-no-such-directory/x", &error),
                 CFLIGHT_NOT_FOUND);
    assert_non_null(strstr(cflight_error_message(error), "/tmp/cflight-no-such-directory/x"));
    cflight_error_free(error);
}

/* Goal: a file that replaces another is for nobody for whom that one was not. Method: modes that
 * are stricter and wider than the umask's, with and without a name until commit. */
TEST(cli_atomic_file, a_replaced_file_keeps_its_mode)
{
    static const mode_t modes[] = {0600, 0640, 0666, 0755, 0444, 04700};
    make_directory();
    mode_t mask = umask(022);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct stat about;
        store("x", "former", CLI_REPLACE_EXISTING, CFLIGHT_OK);
        assert_int_equal(chmod(path_of("x"), modes[i]), 0);
        store("x", "new", CLI_REPLACE_EXISTING, CFLIGHT_OK);
        check_content("x", "new");
        assert_int_equal(stat(path_of("x"), &about), 0);
        assert_int_equal(about.st_mode & 07777, modes[i] & 0777);
    }
    (void)umask(mask);
    assert_int_equal(unlink(path_of("x")), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* Goal: the owner stays as well, if the process may give files away. Method: as root, a file of
 * another user. */
TEST(cli_atomic_file, a_replaced_file_keeps_its_owner)
{
    struct stat about;
    if (geteuid() != 0) {
        skip();
    }
    make_directory();
    store("x", "former", CLI_REPLACE_EXISTING, CFLIGHT_OK);
    if (chown(path_of("x"), 1234, 2345) == 0) {
        store("x", "new", CLI_REPLACE_EXISTING, CFLIGHT_OK);
        assert_int_equal(stat(path_of("x"), &about), 0);
        assert_int_equal(about.st_uid, 1234);
        assert_int_equal(about.st_gid, 2345);
    }
    assert_int_equal(unlink(path_of("x")), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* Goal: a directory that was removed meanwhile is told as that, and not as a missing file.
 * Method: remove it between creation and commit, both ways. */
TEST(cli_atomic_file, a_directory_that_vanished_is_told)
{
    for (int replace = 0; replace < 2; replace++) {
        struct cli_atomic_file file = CLI_ATOMIC_FILE_INIT;
        cflight_error *error = NULL;
        make_directory();
        CHECK_OK(cli_atomic_file_create(&file, path_of("x"), &error), error);
        assert_int_equal(rmdir(directory), 0);
        CHECK_STATUS(cli_atomic_file_commit(
                         &file, replace == 0 ? CLI_REPLACE_NEVER : CLI_REPLACE_EXISTING, &error),
                     CFLIGHT_ABORTED);
        assert_non_null(strstr(cflight_error_message(error), "its directory was removed"));
        cflight_error_free(error);
    }
}

static void touch(const char *name)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

/* Goal: what a killed process left is removed, and nothing else. Method: names of that form, names
 * that are almost of it, a link, and a file that a process still has. */
TEST(cli_atomic_file, only_what_was_left_behind_is_swept)
{
    static const char *const left[] = {".x.arrow.cflight-123-0", ".x.arrow.cflight-99999-17",
                                       ".y.csv.cflight-1-2", ".a.cflight-1-1.cflight-2-2"};
    static const char *const kept[] = {"x.arrow.cflight-1-1",      ".x.arrow.cflight-1-",
                                       ".x.arrow.cflight--1",      ".x.arrow.cflight-1-1.bak",
                                       ".x.arrow.cflight-one-two", ".cflight-1-1x"};
    make_directory();
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        touch(left[i]);
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        touch(kept[i]);
    }
    assert_int_equal(symlink("x.arrow.cflight-1-1", path_of(".link.cflight-1-1")), 0);
    touch(".z.cflight-5-5");
    int used_fd = open(path_of(".z.cflight-5-5"), O_RDONLY | O_CLOEXEC);
    assert_true(used_fd >= 0);
    assert_int_equal(flock(used_fd, LOCK_EX), 0);
    int fd = open(directory, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(cli_atomic_file_sweep(fd, "x.arrow"), 2);
    assert_int_equal(cli_atomic_file_sweep(fd, NULL), 2);
    assert_int_equal(close(used_fd), 0);
    assert_int_equal(cli_atomic_file_sweep(fd, NULL), 1);
    assert_int_equal(cli_atomic_file_sweep(fd, NULL), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(entry_count(), (int)(sizeof kept / sizeof kept[0]) + 1);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        assert_int_equal(unlink(path_of(kept[i])), 0);
    }
    assert_int_equal(unlink(path_of(".link.cflight-1-1")), 0);
    assert_int_equal(rmdir(directory), 0);
}
