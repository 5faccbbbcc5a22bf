/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is a map of a file, sent from the file. The memory is made to differ from the file,
 * so what arrives tells where it came from. */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mapped.h"
#include "net_support.h"

enum {
    FILE_BYTES = 6 << 20,
    OF_MEMORY = 0xee, /* every byte of the map, once it differs */
    SMALL_BYTES = 1000,
    REST_BYTES_MAX = 64 << 10,
    LEAVE_COUNT = 200,
};

struct file {
    int fd;
    uint8_t *map;
};

static struct file file_new(int fd)
{
    struct file file = {.fd = fd};
    uint8_t *content = malloc(FILE_BYTES);
    assert_true(fd >= 0);
    for (size_t i = 0; i < FILE_BYTES; i++) {
        content[i] = t_byte_at(i);
    }
    assert_int_equal(pwrite(fd, content, FILE_BYTES, 0), FILE_BYTES);
    free(content);
    file.map = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    assert_true(file.map != MAP_FAILED);
    assert_true(cfl_mapped_add(file.map, FILE_BYTES, fd));
    return file;
}

static struct file disk_file(void)
{
    FILE *stream = tmpfile();
    assert_non_null(stream);
    int fd = dup(fileno(stream));
    (void)fclose(stream);
    return file_new(fd);
}

static struct file memory_file(void)
{
    return file_new(memfd_create("file", MFD_CLOEXEC));
}

static void file_done(struct file *file)
{
    cfl_mapped_remove(file->map);
    (void)munmap(file->map, FILE_BYTES);
    (void)close(file->fd);
}

static struct t_net_pair unix_pair(void)
{
    struct t_dir dir = t_dir_new();
    struct t_net_pair pair = {NULL, NULL};
    char path[80];
    cflight_error *error = NULL;
    (void)snprintf(path, sizeof path, "%s/socket", dir.path);
    struct cfl_listener *listener = t_listen_unix(path);
    struct cfl_dial_target target = {.unix_path = path};
    CHECK_OK(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &pair.client, &error), error);
    pair.server = t_accept(listener, NULL);
    cfl_listener_free(listener);
    t_dir_done(&dir);
    return pair;
}

/* Reads at most so much of what is there, after what was read before. */
static void read_some(struct cfl_transport *transport, uint8_t *target, size_t size_bytes,
                      size_t *done_bytes)
{
    struct iovec view = {target + *done_bytes, size_bytes};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    CHECK_OK(cfl_transport_read(transport, &view, 1, &len_bytes, &is_eof, &wait, &error), error);
    assert_false(is_eof);
    *done_bytes += len_bytes;
}

/* Takes the first bytes from the views; empty ones stay where they are. */
static void drop_front(struct iovec *views, int count, size_t len_bytes)
{
    for (int i = 0; i < count && len_bytes > 0; i++) {
        size_t step_bytes = len_bytes < views[i].iov_len ? len_bytes : views[i].iov_len;
        views[i].iov_base = (uint8_t *)views[i].iov_base + step_bytes;
        views[i].iov_len -= step_bytes;
        len_bytes -= step_bytes;
    }
}

/* Writes all views to a peer that reads so much each time the socket is full. */
static void send_slowly(const struct t_net_pair *pair, struct iovec *views, int count,
                        uint8_t *target, size_t total_bytes, size_t read_bytes)
{
    size_t sent_bytes = 0;
    size_t received_bytes = 0;
    unsigned int full_count = 0;
    while (sent_bytes < total_bytes) {
        size_t len_bytes = 0;
        unsigned int wait = CFL_READY_NONE;
        cflight_error *error = NULL;
        CHECK_OK(cfl_transport_write(pair->client, views, count, &len_bytes, &wait, &error), error);
        assert_int_equal(wait == CFL_READY_NONE, sent_bytes + len_bytes == total_bytes);
        sent_bytes += len_bytes;
        drop_front(views, count, len_bytes);
        if (wait != CFL_READY_NONE) {
            full_count++;
            read_some(pair->server, target, read_bytes, &received_bytes);
        }
    }
    assert_true(full_count > 1);
    while (received_bytes < total_bytes) {
        t_wait(cfl_transport_fd(pair->server), CFL_READY_READ);
        read_some(pair->server, target, total_bytes - received_bytes, &received_bytes);
    }
}

/* What the file holds from `offset` on; a rest that is small may have come from memory. */
static void check_content(const uint8_t *received, size_t offset, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        assert_true(received[i] == t_byte_at(offset + i) ||
                    (received[i] == OF_MEMORY && len_bytes - i < REST_BYTES_MAX));
    }
}

static void check_ranges(struct t_net_pair pair, struct file file, size_t read_bytes)
{
    char header[9] = "a header";
    enum { SECOND = 3000001, SECOND_BYTES = FILE_BYTES - SECOND, FIRST_BYTES = 2500000 };
    memset(file.map, OF_MEMORY, FILE_BYTES);
    struct iovec views[] = {
        {header, sizeof header},
        {file.map + 77, FIRST_BYTES},
        {file.map + 77, 0},
        {header, sizeof header},
        {file.map + 10, SMALL_BYTES},
        {file.map + SECOND, SECOND_BYTES},
        {header, 0},
    };
    size_t total_bytes = 2 * sizeof header + FIRST_BYTES + SMALL_BYTES + SECOND_BYTES;
    uint8_t *received = malloc(total_bytes);
    const uint8_t *at = received;
    send_slowly(&pair, views, sizeof views / sizeof views[0], received, total_bytes, read_bytes);
    assert_memory_equal(at, header, sizeof header);
    at += sizeof header;
    check_content(at, 77, FIRST_BYTES);
    at += FIRST_BYTES;
    assert_memory_equal(at, header, sizeof header);
    at += sizeof header;
    for (size_t i = 0; i < SMALL_BYTES; i++) {
        assert_int_equal(at[i], OF_MEMORY);
    }
    at += SMALL_BYTES;
    check_content(at, SECOND, SECOND_BYTES);
    free(received);
    file_done(&file);
    t_net_pair_done(&pair);
}

/* Goal: large runs of a mapped file leave from the file, in order with memory between them, however
 * little the socket takes at a time. Method: a file on disk and one in memory, TCP and Unix; a peer
 * that reads an odd few bytes each time the socket is full. */
TEST(send_file, ranges_arrive_in_order)
{
    check_ranges(t_net_pair_new(), disk_file(), 100003);
    check_ranges(t_net_pair_new(), memory_file(), 1000003);
    check_ranges(unix_pair(), disk_file(), 10007);
    check_ranges(unix_pair(), memory_file(), 1000003);
}

/* What writing a file ends with that has `left_bytes` left. */
static void check_cut(struct t_net_pair pair, struct file file, off_t left_bytes)
{
    struct iovec view = {file.map, FILE_BYTES};
    static uint8_t waste[1 << 16];
    size_t sent_bytes = 0;
    size_t received_bytes = 0;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    assert_int_equal(ftruncate(file.fd, left_bytes), 0);
    while (status == CFLIGHT_OK) {
        size_t len_bytes = 0;
        size_t start_bytes = 0;
        unsigned int wait = CFL_READY_NONE;
        status = cfl_transport_write(pair.client, &view, 1, &len_bytes, &wait, &error);
        drop_front(&view, 1, len_bytes);
        sent_bytes += len_bytes;
        if (received_bytes < sent_bytes) {
            read_some(pair.server, waste, sizeof waste, &start_bytes);
            received_bytes += start_bytes;
        }
    }
    assert_int_equal(status, CFLIGHT_UNAVAILABLE);
    assert_int_equal(cflight_error_os_code(error), EFAULT);
    t_expect_error(error, "cannot write to ");
    assert_in_range(sent_bytes, left_bytes, left_bytes + sysconf(_SC_PAGESIZE));
    file_done(&file);
    t_net_pair_done(&pair);
}

/* Goal: a file that was cut is an error once its end is reached, without a signal and without a
 * wait that nothing ends. */
TEST(send_file, a_file_that_was_cut_ends_the_connection)
{
    check_cut(t_net_pair_new(), disk_file(), 3000001);
    check_cut(t_net_pair_new(), memory_file(), 0);
    check_cut(unix_pair(), disk_file(), 4096);
    check_cut(unix_pair(), memory_file(), 3000001);
}

/* Goal: a peer that is gone is an error, not a signal. Method: SIGPIPE keeps its deadly default. */
TEST(send_file, a_peer_that_is_gone_raises_no_signal)
{
    struct t_net_pair pair = unix_pair();
    struct file file = memory_file();
    struct iovec view = {file.map, FILE_BYTES};
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    (void)signal(SIGPIPE, SIG_DFL);
    cfl_transport_free(pair.server);
    pair.server = NULL;
    CHECK_STATUS(cfl_transport_write(pair.client, &view, 1, &len_bytes, &wait, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_int_equal(cflight_error_os_code(error), EPIPE);
    t_expect_error(error, "cannot write to ");
    file_done(&file);
    t_net_pair_done(&pair);
}

/* Takes a byte and leaves. */
static void *leave(void *user_data)
{
    struct cfl_transport *transport = user_data;
    uint8_t byte = 0;
    t_read_all(transport, &byte, 1);
    cfl_transport_free(transport);
    return NULL;
}

/* Goal: nor is one that leaves while the system takes bytes, when some were taken. Method: many
 * peers that leave at the first byte, on a thread of their own. */
TEST(send_file, a_peer_that_leaves_meanwhile_raises_no_signal)
{
    struct file file = memory_file();
    (void)signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < LEAVE_COUNT; i++) {
        struct t_net_pair pair = i % 2 == 0 ? unix_pair() : t_net_pair_new();
        struct iovec view = {file.map, FILE_BYTES};
        pthread_t thread;
        cflight_status status = CFLIGHT_OK;
        assert_int_equal(pthread_create(&thread, NULL, leave, pair.server), 0);
        pair.server = NULL;
        while (status == CFLIGHT_OK && view.iov_len > 0) {
            size_t len_bytes = 0;
            unsigned int wait = CFL_READY_NONE;
            status = cfl_transport_write(pair.client, &view, 1, &len_bytes, &wait, NULL);
            drop_front(&view, 1, len_bytes);
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
        t_net_pair_done(&pair);
    }
    file_done(&file);
}

/* Goal: a descriptor still goes with the write, which then is of memory. */
TEST(send_file, a_descriptor_goes_with_memory)
{
    struct t_net_pair pair = unix_pair();
    struct file file = memory_file();
    size_t len_bytes = 0;
    size_t received_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    uint8_t received[SMALL_BYTES];
    memset(file.map, OF_MEMORY, FILE_BYTES);
    struct iovec view = {file.map, 70000};
    cfl_transport_want_fd(pair.server, true);
    cfl_transport_attach(pair.client, dup(STDIN_FILENO));
    CHECK_OK(cfl_transport_write(pair.client, &view, 1, &len_bytes, &wait, &error), error);
    t_wait(cfl_transport_fd(pair.server), CFL_READY_READ);
    read_some(pair.server, received, sizeof received, &received_bytes);
    assert_true(received_bytes > 0);
    assert_int_equal(received[0], OF_MEMORY);
    int fd = cfl_transport_take_fd(pair.server);
    assert_true(fd >= 0);
    (void)close(fd);
    file_done(&file);
    t_net_pair_done(&pair);
}
