/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a log, gathered and written by a thread of their own.
 *
 * `mutex` protects what was gathered and is held for a copy at most; `writing` is held while the
 * file is written to, so that lines keep their order. Who comes when much is gathered writes it
 * itself: memory has an end, and a disk that is too slow is felt. Lock order: writing, mutex.
 * Thread class: free. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/log_limit.h"
#include "base/thread.h"
#include "cflight/trace.h"

enum { PAUSE_MS = 200, GATHERED_BYTES_MAX = 256 << 10 };

struct cflight_log_file {
    char *path;
    pid_t pid; /* of the process that made it: a child of fork() has neither thread nor lines */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t writing;
    int fd; /* under `writing` */
    pthread_mutex_t mutex;
    struct {
        pthread_cond_t changed;
        struct cfl_buf lines;
        bool is_ending;
    } locked;
};

static cflight_status open_path(const char *path, int *ret_fd, cflight_error **reterr)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0) {
        cflight_status status = errno == ENOENT                     ? CFLIGHT_NOT_FOUND
                                : errno == EACCES || errno == EPERM ? CFLIGHT_PERMISSION_DENIED
                                                                    : CFLIGHT_UNKNOWN;
        return cfl_error_set_os(reterr, status, errno, "cannot open the log '%s'", path);
    }
    *ret_fd = fd;
    return CFLIGHT_OK;
}

static void write_all(const struct cflight_log_file *file, struct cflight_bytes lines)
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
                                   file->path);
            CFL_LOG_LIMITED(CFLIGHT_LOG_ERROR, "flight", "%s", cflight_error_message(error));
            cflight_error_free(error);
            return;
        }
        lines = cflight_bytes_make(lines.data + written, lines.len_bytes - (size_t)written);
    }
}

/* Writes what was gathered. */
static void flush(struct cflight_log_file *file)
{
    (void)pthread_mutex_lock(&file->writing);
    (void)pthread_mutex_lock(&file->mutex);
    struct cfl_buf lines = cfl_buf_move(&file->locked.lines);
    (void)pthread_mutex_unlock(&file->mutex);
    write_all(file, cfl_buf_bytes(&lines));
    cfl_buf_done(&lines);
    (void)pthread_mutex_unlock(&file->writing);
}

/* Waits for a line, then a while for others. */
static bool await_lines(struct cflight_log_file *file)
{
    (void)pthread_mutex_lock(&file->mutex);
    while (file->locked.lines.len_bytes == 0 && !file->locked.is_ending) {
        (void)cfl_condition_wait_until(&file->locked.changed, &file->mutex, CFL_TIME_NEVER);
    }
    int64_t until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), PAUSE_MS);
    while (!file->locked.is_ending &&
           cfl_condition_wait_until(&file->locked.changed, &file->mutex, until_ns)) {
    }
    bool goes_on = !file->locked.is_ending;
    (void)pthread_mutex_unlock(&file->mutex);
    return goes_on;
}

static void *log_main(void *user_data)
{
    struct cflight_log_file *file = user_data;
    while (await_lines(file)) {
        flush(file);
    }
    return NULL;
}

void cflight_log_file_write(void *user_data, const char *line)
{
    struct cflight_log_file *file = user_data;
    (void)pthread_mutex_lock(&file->mutex);
    struct cfl_buf *lines = &file->locked.lines;
    bool is_first = lines->len_bytes == 0;
    size_t before_bytes = lines->len_bytes;
    (void)cfl_buf_append_text(lines, line);
    (void)cfl_buf_append_u8(lines, '\n');
    if (lines->failed) {
        lines->len_bytes = before_bytes; /* what is there stays; this line is lost */
        lines->failed = false;
    }
    bool is_much = lines->len_bytes > GATHERED_BYTES_MAX;
    if (is_first) {
        (void)pthread_cond_signal(&file->locked.changed);
    }
    (void)pthread_mutex_unlock(&file->mutex);
    if (is_much) {
        flush(file);
    }
}

cflight_status cflight_log_file_reopen(cflight_log_file *file, cflight_error **reterr)
{
    int fd = -1;
    if (file == NULL) {
        return cfl_error_null_argument(reterr, "file");
    }
    cflight_status status = open_path(file->path, &fd, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    flush(file);
    (void)pthread_mutex_lock(&file->writing);
    int former_fd = file->fd;
    file->fd = fd;
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
        (void)pthread_join(file->thread, NULL);
        flush(file);
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

cflight_status cflight_log_file_new(const char *path, cflight_log_file **ret_file,
                                    cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(path), CFL_ARG(ret_file));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_log_file *file = cfl_alloc_zeroed(NULL, sizeof *file);
    if (file == NULL) {
        return cfl_error_no_memory(reterr);
    }
    file->pid = getpid();
    file->fd = -1;
    (void)pthread_mutex_init(&file->writing, NULL);
    (void)pthread_mutex_init(&file->mutex, NULL);
    cfl_condition_init(&file->locked.changed);
    cfl_buf_init(&file->locked.lines, NULL);
    file->path = cfl_strndup(NULL, path, strlen(path));
    status = file->path == NULL ? cfl_error_no_memory(reterr) : open_path(path, &file->fd, reterr);
    if (status == CFLIGHT_OK) {
        int code = cfl_thread_start(&file->thread, NULL, NULL, log_main, file);
        file->has_thread = code == 0;
        status = code == 0 ? CFLIGHT_OK
                           : cfl_error_set_os(reterr, CFLIGHT_RESOURCE_EXHAUSTED, code,
                                              "cannot start the thread of the log");
    }
    if (status != CFLIGHT_OK) {
        cflight_log_file_free(file);
        return status;
    }
    *ret_file = file;
    return CFLIGHT_OK;
}
