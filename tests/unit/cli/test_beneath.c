/* SPDX-License-Identifier: Apache-2.0 */
/* Names below a directory cannot be made to lead out of it: by the kernel and by the walk. */
#define _GNU_SOURCE /* O_PATH, syscall() */
#include "cli/system/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"

enum { OPENS = 20000, EXCHANGE = 2 /* RENAME_EXCHANGE */ };

typedef int (*open_fn)(int root_fd, const char *path, int flags);
static const open_fn open_functions[] = {cli_beneath_open, cli_beneath_walk};

struct tree {
    char directory[64];
    int top_fd;
    int root_fd;
};

static void write_at(int fd, const char *path, const char *content)
{
    int file_fd = openat(fd, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(file_fd >= 0);
    assert_int_equal(write(file_fd, content, strlen(content)), (ssize_t)strlen(content));
    assert_int_equal(close(file_fd), 0);
}

static const char *const directories[] = {"root", "root/a", "root/a/b", "outside"};
static const char *const files[] = {"root/f", "root/a/f", "root/a/b/f", "outside/f"};
static const char *const links[][2] = {
    {"a/b/f", "root/to-f"},     {"../f", "root/a/up-f"},      {"../../outside/f", "root/a/x"},
    {"../outside", "root/out"}, {"a/b", "root/to-b"},         {"loop", "root/loop"},
    {"/etc", "root/etc"},       {"nothing", "root/dangling"}, {"../../../root/f", "root/a/b/far"},
};

static void tree_open(struct tree *tree)
{
    (void)snprintf(tree->directory, sizeof tree->directory, "/tmp/cflight-test-XXXXXX");
    assert_non_null(mkdtemp(tree->directory));
    tree->top_fd = open(tree->directory, O_RDONLY | O_DIRECTORY);
    assert_true(tree->top_fd >= 0);
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        assert_int_equal(mkdirat(tree->top_fd, directories[i], 0700), 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        write_at(tree->top_fd, files[i], i + 1 < sizeof files / sizeof files[0] ? "in" : "secret");
    }
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        assert_int_equal(symlinkat(links[i][0], tree->top_fd, links[i][1]), 0);
    }
    tree->root_fd = openat(tree->top_fd, "root", O_RDONLY | O_DIRECTORY);
    assert_true(tree->root_fd >= 0);
}

static void tree_close(struct tree *tree)
{
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        (void)unlinkat(tree->top_fd, links[i][1], 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)unlinkat(tree->top_fd, files[i], 0);
    }
    for (size_t i = sizeof directories / sizeof directories[0]; i-- > 0;) {
        (void)unlinkat(tree->top_fd, directories[i], AT_REMOVEDIR);
    }
    (void)close(tree->root_fd);
    (void)close(tree->top_fd);
    assert_int_equal(rmdir(tree->directory), 0);
}

/* Goal: names and links that stay below open what they say, others nothing. Method: a table, for
 * both ways. */
TEST(cli_beneath, only_what_lies_below_is_opened)
{
    static const struct {
        const char *path;
        int flags;
        int os_code;
    } cases[] = {
        {"f", O_RDONLY, 0},
        {"a//b/./f", O_RDONLY, 0},
        {"a/../f", O_RDONLY, 0},
        {"to-f", O_RDONLY, 0},
        {"a/up-f", O_RDONLY, 0},
        {"to-b/f", O_RDONLY, 0},
        {"to-b/../f", O_RDONLY, 0}, /* a/f */
        {".", O_PATH | O_DIRECTORY, 0},
        {"a/b", O_PATH | O_DIRECTORY, 0},
        {"to-b", O_PATH | O_DIRECTORY, 0},
        {"to-f", O_PATH, 0},
        {"f", O_PATH | O_DIRECTORY, ENOTDIR},
        {"to-f", O_RDONLY | O_NOFOLLOW, ELOOP},
        {"none", O_RDONLY, ENOENT},
        {"a/none/f", O_RDONLY, ENOENT},
        {"dangling", O_RDONLY, ENOENT},
        {"f/f", O_RDONLY, ENOTDIR},
        {"loop", O_RDONLY, ELOOP},
        {"a/x", O_RDONLY, EXDEV},
        {"a/x", O_PATH, EXDEV},
        {"out/f", O_RDONLY, EXDEV},
        {"out", O_PATH | O_DIRECTORY, EXDEV},
        {"etc/passwd", O_RDONLY, EXDEV},
        {"../outside/f", O_RDONLY, EXDEV},
        {"a/../../outside/f", O_RDONLY, EXDEV},
        {"..", O_RDONLY, EXDEV},
        {"/etc/passwd", O_RDONLY, EXDEV},
        {"a/b/far", O_RDONLY, EXDEV},
    };
    struct tree tree;
    tree_open(&tree);
    for (size_t way = 0; way < 2; way++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            int fd = open_functions[way](tree.root_fd, cases[i].path, cases[i].flags);
            int os_code = fd < 0 ? errno : 0;
            if (os_code != cases[i].os_code) {
                fail_msg("'%s' by way %zu gave %d, expected %d", cases[i].path, way, os_code,
                         cases[i].os_code);
            }
            if (fd >= 0) {
                assert_int_equal(close(fd), 0);
            }
        }
    }
    tree_close(&tree);
}

struct swapper {
    int root_fd;
    atomic_bool is_over;
};

/* Exchanges a file with a link out, and a directory with a link out. */
static void *swap(void *argument)
{
    struct swapper *swapper = argument;
    while (!atomic_load(&swapper->is_over)) {
        (void)syscall(SYS_renameat2, swapper->root_fd, "f", swapper->root_fd, "a/x", EXCHANGE);
        (void)syscall(SYS_renameat2, swapper->root_fd, "out", swapper->root_fd, "a", EXCHANGE);
    }
    return NULL;
}

/* Undoes an exchange if `name` is not what it was. */
static void put_back(int root_fd, const char *name, const char *other, mode_t kind)
{
    struct stat about;
    assert_int_equal(fstatat(root_fd, name, &about, AT_SYMLINK_NOFOLLOW), 0);
    if ((about.st_mode & S_IFMT) != kind) {
        assert_int_equal(syscall(SYS_renameat2, root_fd, name, root_fd, other, EXCHANGE), 0);
    }
}

/* Goal: nothing outside is opened while somebody exchanges files and directories with links.
 * Method: as often as fits, both ways; what is opened must say that it is inside. */
TEST(cli_beneath, an_exchange_opens_nothing_outside)
{
    static const char *const paths[] = {"f", "a/f", "out/f"};
    struct tree tree;
    struct swapper swapper;
    pthread_t thread;
    int opened_count = 0;
    tree_open(&tree);
    swapper.root_fd = tree.root_fd;
    atomic_init(&swapper.is_over, false);
    assert_int_equal(pthread_create(&thread, NULL, swap, &swapper), 0);
    for (int i = 0; i < OPENS; i++) {
        char content[16] = "";
        int fd = open_functions[i % 2](tree.root_fd, paths[i / 2 % 3], O_RDONLY);
        if (fd >= 0) {
            assert_int_equal(read(fd, content, sizeof content - 1), 2);
            assert_string_equal(content, "in");
            assert_int_equal(close(fd), 0);
            opened_count++;
        }
    }
    atomic_store(&swapper.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(opened_count > 0);
    put_back(tree.root_fd, "a", "out", S_IFDIR);
    put_back(tree.root_fd, "f", "a/x", S_IFREG);
    tree_close(&tree);
}
