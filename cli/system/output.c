/* SPDX-License-Identifier: Apache-2.0 */
/* Buffered output to standard output or to a file that appears at the end.
 *
 * The first error stays and every later write returns it, so a caller may check at the end. SIGPIPE
 * is ignored by the program, a closed pipe shows as EPIPE. */
#include "cli/system/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/system/atomic_file.h"
#include "cli/system/clock.h"
#include "cli/system/files.h"
#include "cli/system/interrupt.h"
#include "cli/system/os_error.h"

enum { BUFFER_BYTES = 128 * 1024, VIEWS_MAX = 64 };

struct cli_output {
    int fd;
    bool owns_fd; /* a device or pipe that was opened by name */
    bool is_file; /* `file` is in use */
    struct cli_atomic_file file;
    char *name; /* for messages */
    int64_t deadline_ns;
    int os_code;
    size_t buffered_bytes;
    uint8_t buffer[BUFFER_BYTES];
};

/* Opens a path that is there and is not a regular file. @return whether it is such a path */
static bool open_special(struct cli_output *output, const char *path, int *ret_os_code)
{
    struct stat status;
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode)) {
        return false;
    }
    output->fd = open(path, O_WRONLY | O_CLOEXEC);
    output->owns_fd = output->fd >= 0;
    *ret_os_code = output->fd >= 0 ? 0 : errno;
    return true;
}

static cflight_status open_path(struct cli_output *output, const char *path, cflight_error **reterr)
{
    int os_code = 0;
    if (open_special(output, path, &os_code)) {
        return os_code == 0 ? CFLIGHT_OK : cli_error_from_errno(reterr, os_code, "open", path);
    }
    /* A link keeps pointing where it points: its target is what is replaced. */
    char *target = realpath(path, NULL);
    if (target != NULL && access(target, W_OK) != 0) {
        os_code = errno;
        free(target);
        return cli_error_from_errno(reterr, os_code, "replace", path);
    }
    cflight_status status =
        cli_atomic_file_create(&output->file, target == NULL ? path : target, reterr);
    free(target);
    if (status == CFLIGHT_OK) {
        output->is_file = true;
        output->fd = output->file.fd;
    }
    return status;
}

cflight_status cli_output_open(struct cli_output **ret_output, const char *path,
                               cflight_error **reterr)
{
    bool is_stdout = strcmp(path, "-") == 0;
    cflight_status status = CFLIGHT_OK;
    struct cli_output *output = calloc(1, sizeof *output);
    if (output == NULL) {
        return cli_error_no_memory(reterr, "opening the output");
    }
    output->fd = STDOUT_FILENO;
    output->file = (struct cli_atomic_file)CLI_ATOMIC_FILE_INIT;
    output->name = strdup(is_stdout ? "standard output" : path);
    if (output->name == NULL) {
        status = cli_error_no_memory(reterr, "opening the output");
    } else if (!is_stdout) {
        status = open_path(output, path, reterr);
    }
    if (status != CFLIGHT_OK) {
        cli_output_free(output);
        return status;
    }
    *ret_output = output;
    return CFLIGHT_OK;
}

/* Drops `written_bytes` bytes from the front of the views. @return the number of views that are
 * done */
static int skip_written(struct iovec *views, int count, size_t written_bytes)
{
    int done = 0;
    while (done < count && written_bytes >= views[done].iov_len) {
        written_bytes -= views[done].iov_len;
        done++;
    }
    if (done < count) {
        views[done].iov_base = (uint8_t *)views[done].iov_base + written_bytes;
        views[done].iov_len -= written_bytes;
    }
    return done;
}

/* Writes all views, however often the system takes only part. @return 0 or an errno */
static int write_views(struct cli_output *output, struct iovec *views, int count)
{
    while (count > 0) {
        ssize_t written_bytes = writev(output->fd, views, count);
        if (written_bytes >= 0) {
            int done = skip_written(views, count, (size_t)written_bytes);
            views += done;
            count -= done;
            continue;
        }
        if (errno != EINTR) {
            return errno;
        }
        if (cli_interrupt_signal() != 0) {
            return EINTR;
        }
    }
    return 0;
}

static int flush_buffer(struct cli_output *output)
{
    struct iovec view = {.iov_base = output->buffer, .iov_len = output->buffered_bytes};
    output->buffered_bytes = 0;
    return view.iov_len == 0 ? 0 : write_views(output, &view, 1);
}

/* Writes up to VIEWS_MAX views past the buffer. */
static int write_through(struct cli_output *output, const struct cflight_bytes *views, size_t count)
{
    struct iovec system_views[VIEWS_MAX];
    int used = 0;
    for (size_t i = 0; i < count; i++) {
        if (views[i].len_bytes > 0) {
            /* writev() reads only; its structure has no const. */
            system_views[used].iov_base = (void *)(uintptr_t)views[i].data;
            system_views[used].iov_len = views[i].len_bytes;
            used++;
        }
    }
    return used == 0 ? 0 : write_views(output, system_views, used);
}

static int write_all(struct cli_output *output, const struct cflight_bytes *views, size_t count)
{
    size_t total_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        total_bytes += views[i].len_bytes;
    }
    if (total_bytes <= BUFFER_BYTES - output->buffered_bytes) {
        for (size_t i = 0; i < count; i++) {
            if (views[i].len_bytes > 0) {
                memcpy(output->buffer + output->buffered_bytes, views[i].data, views[i].len_bytes);
                output->buffered_bytes += views[i].len_bytes;
            }
        }
        return 0;
    }
    int os_code = flush_buffer(output);
    for (size_t i = 0; os_code == 0 && i < count; i += VIEWS_MAX) {
        os_code = write_through(output, views + i, count - i < VIEWS_MAX ? count - i : VIEWS_MAX);
    }
    return os_code;
}

int cli_output_write(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct cli_output *output = user_data;
    if (output->os_code == 0) {
        output->os_code = write_all(output, views, count);
    }
    return output->os_code;
}

int cli_output_write_text(struct cli_output *output, struct cflight_bytes text)
{
    return cli_output_write(output, &text, 1);
}

int cli_output_flush(struct cli_output *output)
{
    if (output->os_code == 0) {
        output->os_code = flush_buffer(output);
    }
    return output->os_code;
}

void cli_output_set_deadline(struct cli_output *output, int64_t deadline_ns)
{
    output->deadline_ns = deadline_ns;
}

int cli_output_check(struct cli_output *output)
{
    if (output->os_code == 0 && cli_interrupt_signal() != 0) {
        output->os_code = EINTR;
    }
    if (output->os_code == 0 && output->deadline_ns != 0 && cli_now_ns() >= output->deadline_ns) {
        output->os_code = ETIMEDOUT;
    }
    return output->os_code;
}

cflight_status cli_output_error(const struct cli_output *output, cflight_error **reterr)
{
    if (output->os_code == ETIMEDOUT && output->deadline_ns != 0) {
        return cflight_error_set(reterr, CFLIGHT_DEADLINE_EXCEEDED,
                                 "the time limit passed while writing to %s", output->name);
    }
    return cli_error_from_errno(reterr, output->os_code, "write to", output->name);
}

int cli_output_os_code(const struct cli_output *output)
{
    return output->os_code;
}

bool cli_output_is_terminal(const struct cli_output *output)
{
    return isatty(output->fd) == 1;
}

cflight_status cli_output_close(struct cli_output *output, cflight_error **reterr)
{
    if (cli_output_flush(output) != 0) {
        return cli_output_error(output, reterr);
    }
    if (!output->is_file) {
        return CFLIGHT_OK;
    }
    output->is_file = false;
    output->fd = -1;
    return cli_atomic_file_commit(&output->file, CLI_REPLACE_EXISTING, reterr);
}

void cli_output_free(struct cli_output *output)
{
    if (output == NULL) {
        return;
    }
    if (output->owns_fd) {
        cli_close(output->fd);
    }
    cli_atomic_file_done(&output->file);
    free(output->name);
    free(output);
}
