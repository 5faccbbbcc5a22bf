/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a log, gathered and written by a thread of their own.
 *
 * `mutex` protects what was gathered and is held for a copy at most; `writing` is held while a file
 * on a disk is written to, so that lines keep their order. Who comes when much is gathered writes
 * it itself: memory has an end, and a disk that is too slow is felt. Pipes, sockets and terminals
 * may have a reader that has stopped for good: only the thread writes to them, never waits for long
 * in one write, and lines that come meanwhile are left out when much is gathered. Lock order:
 * writing, mutex. Thread class: free. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/log_limit.h"
#include "base/thread.h"
#include "cflight/trace.h"

enum {
    PAUSE_MS = 200,
    GATHERED_BYTES_MAX = 256 << 10,
    PIECE_BYTES = 4096, /* a pipe that has room takes so much without waiting (PIPE_BUF) */
    BUSY_MS = 10,
    END_MS = 1000, /* for a reader who does not read, when the log ends */
};

enum kind { KIND_DISK, KIND_SOCKET, KIND_STREAM };

struct cflight_log_file {
    char *path; /* NULL: a descriptor that was given */
    pid_t pid;  /* of the process that made it: a child of fork() has neither thread nor lines */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t writing;
    int fd; /* under `writing`; of other kinds than KIND_DISK it does not change */
    _Atomic(enum kind) kind;
    atomic_uint_least64_t lost_count; /* lines */
    pthread_mutex_t mutex;
    struct {
        pthread_cond_t changed;
        struct cfl_buf lines;
        bool is_ending;
    } locked;
};

static enum kind kind_of(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || S_ISREG(stat.st_mode)) {
        return KIND_DISK;
    }
    return S_ISSOCK(stat.st_mode) ? KIND_SOCKET : KIND_STREAM;
}

/* A pipe that nobody reads yet is an error, not a wait. */
static cflight_status open_path(const char *path, int *ret_fd, cflight_error **reterr)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0) {
        cflight_status status = errno == ENOENT                     ? CFLIGHT_NOT_FOUND
                                : errno == EACCES || errno == EPERM ? CFLIGHT_PERMISSION_DENIED
                                                                    : CFLIGHT_UNKNOWN;
        return cfl_error_set_os(reterr, status, errno, "cannot open the log '%s'", path);
    }
    *ret_fd = fd;
    return CFLIGHT_OK;
}

/* Copies a descriptor. Where the system opens it anew it can be made not to wait, which would hold
 * for all who share it otherwise. */
static cflight_status copy_fd(int fd, int *ret_fd, cflight_error **reterr)
{
    char path[32];
    int copy = -1;
    if (kind_of(fd) == KIND_STREAM) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        copy = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    }
    if (copy < 0) {
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    }
    if (copy < 0) {
        return cfl_error_set_os(reterr, CFLIGHT_INVALID_ARGUMENT, errno,
                                "cannot write a log to descriptor %d", fd);
    }
    *ret_fd = copy;
    return CFLIGHT_OK;
}

/* ---- writing ---- */

static void lose(struct cflight_log_file *file, struct cflight_bytes lines)
{
    uint64_t count = 0;
    for (size_t i = 0; i < lines.len_bytes; i++) {
        count += lines.data[i] == '\n' ? 1 : 0;
    }
    (void)atomic_fetch_add(&file->lost_count, count);
}

static void write_to_disk(struct cflight_log_file *file, struct cflight_bytes lines)
{
    while (lines.len_bytes > 0) {
        ssize_t written = write(file->fd, lines.data, lines.len_bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            cflight_error *error = NULL;
            (void)cfl_error_set_os(&error, CFLIGHT_UNKNOWN, errno,
                                   "%zu bytes of the log '%s' are lost", lines.len_bytes,
                                   file->path == NULL ? "" : file->path);
            lose(file, lines);
            if (file->path != NULL) { /* else it is where this would be said */
                CFL_LOG_LIMITED(CFLIGHT_LOG_ERROR, "flight", "%s", cflight_error_message(error));
            }
            cflight_error_free(error);
            return;
        }
        lines = cflight_bytes_make(lines.data + written, lines.len_bytes - (size_t)written);
    }
}

static bool is_ending(struct cflight_log_file *file)
{
    (void)pthread_mutex_lock(&file->mutex);
    bool is = file->locked.is_ending;
    (void)pthread_mutex_unlock(&file->mutex);
    return is;
}

/* As many whole lines as a pipe takes at once, or a part of one that is longer. */
static size_t piece_of(struct cflight_bytes lines)
{
    size_t most = lines.len_bytes < PIECE_BYTES ? lines.len_bytes : PIECE_BYTES;
    size_t len_bytes = most;
    while (len_bytes > 0 && lines.data[len_bytes - 1] != '\n') {
        len_bytes--;
    }
    return len_bytes > 0 ? len_bytes : most;
}

/* Writes one piece without waiting. @return its size; 0: there is no room; -1 with errno */
static ssize_t write_piece(const struct cflight_log_file *file, struct cflight_bytes lines)
{
    struct pollfd reader = {.fd = file->fd, .events = POLLOUT};
    size_t len_bytes = piece_of(lines);
    if (poll(&reader, 1, PAUSE_MS) <= 0) {
        return 0;
    }
    ssize_t written = atomic_load(&file->kind) == KIND_SOCKET
                          ? send(file->fd, lines.data, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL)
                          : write(file->fd, lines.data, len_bytes);
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        (void)poll(NULL, 0, BUSY_MS); /* it had room for others */
        return 0;
    }
    return written;
}

/* Writes to whoever reads. When the log ends there is a little patience left. */
static void write_to_reader(struct cflight_log_file *file, struct cflight_bytes lines)
{
    int64_t until_ns = CFL_TIME_NEVER;
    while (lines.len_bytes > 0) {
        ssize_t written = write_piece(file, lines);
        if (written < 0) {
            lose(file, lines);
            return;
        }
        lines = cflight_bytes_make(lines.data + written, lines.len_bytes - (size_t)written);
        if (written == 0 && is_ending(file)) {
            int64_t now_ns = cfl_clock_now_ns(NULL);
            until_ns =
                until_ns == CFL_TIME_NEVER ? cfl_deadline_after_ms(now_ns, END_MS) : until_ns;
            if (now_ns >= until_ns) {
                lose(file, lines);
                return;
            }
        }
    }
}

static struct cfl_buf take_lines(struct cflight_log_file *file)
{
    (void)pthread_mutex_lock(&file->mutex);
    struct cfl_buf lines = cfl_buf_move(&file->locked.lines);
    (void)pthread_mutex_unlock(&file->mutex);
    return lines;
}

/* Writes what was gathered to the disk. */
static void flush(struct cflight_log_file *file)
{
    (void)pthread_mutex_lock(&file->writing);
    struct cfl_buf lines = take_lines(file);
    write_to_disk(file, cfl_buf_bytes(&lines));
    cfl_buf_done(&lines);
    (void)pthread_mutex_unlock(&file->writing);
}

/* Waits for a line, then a while for others if they go to a disk. */
static bool await_lines(struct cflight_log_file *file)
{
    int64_t pause_ms = file->path != NULL && atomic_load(&file->kind) == KIND_DISK ? PAUSE_MS : 0;
    (void)pthread_mutex_lock(&file->mutex);
    while (file->locked.lines.len_bytes == 0 && !file->locked.is_ending) {
        (void)cfl_condition_wait_until(&file->locked.changed, &file->mutex, CFL_TIME_NEVER);
    }
    int64_t until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), pause_ms);
    while (!file->locked.is_ending && pause_ms > 0 &&
           cfl_condition_wait_until(&file->locked.changed, &file->mutex, until_ns)) {
    }
    bool goes_on = !file->locked.is_ending;
    (void)pthread_mutex_unlock(&file->mutex);
    return goes_on;
}

static void *log_main(void *user_data)
{
    struct cflight_log_file *file = user_data;
    bool goes_on = true;
    while (goes_on) {
        goes_on = await_lines(file);
        if (atomic_load(&file->kind) == KIND_DISK) {
            flush(file);
        } else {
            struct cfl_buf lines = take_lines(file);
            write_to_reader(file, cfl_buf_bytes(&lines));
            cfl_buf_done(&lines);
        }
    }
    return NULL;
}

void cflight_log_file_write(void *user_data, const char *line)
{
    struct cflight_log_file *file = user_data;
    bool is_of_disk = atomic_load(&file->kind) == KIND_DISK;
    (void)pthread_mutex_lock(&file->mutex);
    struct cfl_buf *lines = &file->locked.lines;
    bool is_first = lines->len_bytes == 0;
    bool is_lost = !is_of_disk && lines->len_bytes > GATHERED_BYTES_MAX;
    size_t before_bytes = lines->len_bytes;
    if (!is_lost) {
        (void)cfl_buf_append_text(lines, line);
        (void)cfl_buf_append_u8(lines, '\n');
    }
    if (lines->failed) {
        lines->len_bytes = before_bytes; /* what is there stays; this line is lost */
        lines->failed = false;
        is_lost = true;
    }
    bool is_much = lines->len_bytes > GATHERED_BYTES_MAX;
    if (is_first) {
        (void)pthread_cond_signal(&file->locked.changed);
    }
    (void)pthread_mutex_unlock(&file->mutex);
    (void)atomic_fetch_add(&file->lost_count, is_lost ? 1 : 0);
    if (is_much && is_of_disk) {
        flush(file);
    }
}

uint64_t cflight_log_file_lost(const cflight_log_file *file)
{
    return atomic_load(&file->lost_count);
}

cflight_status cflight_log_file_reopen(cflight_log_file *file, cflight_error **reterr)
{
    int fd = -1;
    if (file == NULL) {
        return cfl_error_null_argument(reterr, "file");
    }
    if (file->path == NULL || atomic_load(&file->kind) != KIND_DISK) {
        return CFLIGHT_OK; /* nobody renames those */
    }
    cflight_status status = open_path(file->path, &fd, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    flush(file);
    (void)pthread_mutex_lock(&file->writing);
    int former_fd = file->fd;
    file->fd = fd;
    atomic_store(&file->kind, kind_of(fd));
    (void)pthread_mutex_unlock(&file->writing);
    (void)close(former_fd);
    return CFLIGHT_OK;
}

void cflight_log_file_free(cflight_log_file *file)
{
    if (file == NULL) {
        return;
    }
    bool is_ours = file->pid == getpid();
    if (file->has_thread && is_ours) {
        (void)pthread_mutex_lock(&file->mutex);
        file->locked.is_ending = true;
        (void)pthread_cond_signal(&file->locked.changed);
        (void)pthread_mutex_unlock(&file->mutex);
        (void)pthread_join(file->thread, NULL); /* it writes what is left */
    }
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    if (!is_ours) {
        return; /* locks and lines are the parent's */
    }
    cfl_buf_done(&file->locked.lines);
    (void)pthread_cond_destroy(&file->locked.changed);
    (void)pthread_mutex_destroy(&file->mutex);
    (void)pthread_mutex_destroy(&file->writing);
    cfl_strfree(NULL, file->path);
    cfl_free(NULL, file, sizeof *file);
}

/* Makes the log of a descriptor, which is taken on success. `path` may be NULL. */
static cflight_status make_file(int fd, const char *path, cflight_log_file **ret_file,
                                cflight_error **reterr)
{
    struct cflight_log_file *file = cfl_alloc_zeroed(NULL, sizeof *file);
    if (file == NULL) {
        return cfl_error_no_memory(reterr);
    }
    file->pid = getpid();
    file->fd = -1;
    atomic_init(&file->kind, kind_of(fd));
    (void)pthread_mutex_init(&file->writing, NULL);
    (void)pthread_mutex_init(&file->mutex, NULL);
    cfl_condition_init(&file->locked.changed);
    cfl_buf_init(&file->locked.lines, NULL);
    file->path = path == NULL ? NULL : cfl_strndup(NULL, path, strlen(path));
    cflight_status status =
        path != NULL && file->path == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
    if (status == CFLIGHT_OK) {
        file->fd = fd; /* before the thread: it writes there */
        int code = cfl_thread_start(&file->thread, NULL, NULL, log_main, file);
        file->has_thread = code == 0;
        status = code == 0 ? CFLIGHT_OK
                           : cfl_error_set_os(reterr, CFLIGHT_RESOURCE_EXHAUSTED, code,
                                              "cannot start the thread of the log");
    }
    if (status != CFLIGHT_OK) {
        file->fd = -1;
        cflight_log_file_free(file);
        return status;
    }
    *ret_file = file;
    return CFLIGHT_OK;
}

static cflight_status make_or_close(int fd, const char *path, cflight_log_file **ret_file,
                                    cflight_error **reterr)
{
    cflight_status status = make_file(fd, path, ret_file, reterr);
    if (status != CFLIGHT_OK) {
        (void)close(fd);
    }
    return status;
}

cflight_status cflight_log_file_new(const char *path, cflight_log_file **ret_file,
                                    cflight_error **reterr)
{
    int fd = -1;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(path), CFL_ARG(ret_file));
    if (status == CFLIGHT_OK) {
        status = open_path(path, &fd, reterr);
    }
    return status == CFLIGHT_OK ? make_or_close(fd, path, ret_file, reterr) : status;
}

cflight_status cflight_log_file_new_fd(int fd, cflight_log_file **ret_file, cflight_error **reterr)
{
    int copy = -1;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_file));
    if (status == CFLIGHT_OK) {
        status = copy_fd(fd, &copy, reterr);
    }
    return status == CFLIGHT_OK ? make_or_close(copy, NULL, ret_file, reterr) : status;
}
