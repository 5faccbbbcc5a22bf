/* SPDX-License-Identifier: Apache-2.0 */
/* The log of requests. Lines for a file are written without the GIL, each by one call of the system
 * to the file's end, so that lines of several threads do not mix; a line that cannot be written is
 * lost. Another file takes the place of the former under the same descriptor: who writes meanwhile
 * writes to one or the other. Thread class: with the GIL, but for what says otherwise. */
#include "server/request_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/attach.h"
#include "base/convert.h"
#include "base/exceptions.h"

struct cfp_request_log {
    struct cflight_request_log options;
    struct cfp_hold *callable; /* NULL for a file */
    int fd;                    /* -1 for a callable */
};

/* Without the GIL. */
static void write_to_file(void *user_data, const char *line)
{
    const struct cfp_request_log *log = user_data;
    struct iovec parts[] = {
        {.iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line)},
        {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1},
    };
    while (writev(log->fd, parts, 2) < 0 && errno == EINTR) {
    }
}

/* Without the GIL, mostly. */
static void write_to_callable(void *user_data, const char *line)
{
    struct cfp_request_log *log = user_data;
    if (!Py_IsInitialized()) {
        return;
    }
    PyGILState_STATE gil = cfp_attach();
    PyObject *callable = Py_NewRef(log->callable->object);
    PyObject *text = callable == Py_None ? NULL : cfp_text_new(cflight_bytes_from_text(line));
    PyObject *result = text == NULL ? NULL : PyObject_CallOneArg(callable, text);
    if (PyErr_Occurred() != NULL) {
        cfp_warn_unraisable("request_log");
    }
    Py_XDECREF(result);
    Py_XDECREF(text);
    Py_DECREF(callable);
    cfp_detach(gil);
}

/* Takes a duplicate, or a reference; 0 or -1. */
static int open_target(struct cfp_request_log *log, struct cfp_state *state, PyObject *target)
{
    int fd = -1;
    if (!PyLong_Check(target)) {
        log->options.write = write_to_callable;
        log->callable = cfp_hold_new(state, target);
        return log->callable == NULL ? -1 : 0;
    }
    if (cfp_int_get(target, &fd) < 0) {
        return -1;
    }
    log->options.write = write_to_file;
    log->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (log->fd < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

int cfp_request_log_new(struct cfp_state *state, PyObject *given, struct cfp_request_log **ret_log)
{
    PyObject *target = NULL;
    int as_json = 0;
    if (given == Py_None) {
        return 0;
    }
    if (!PyArg_ParseTuple(given, "Op", &target, &as_json)) {
        return -1;
    }
    struct cfp_request_log *log = PyMem_RawCalloc(1, sizeof(*log));
    if (log == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    log->options = (struct cflight_request_log)CFLIGHT_REQUEST_LOG_INIT;
    log->options.user_data = log;
    log->options.as_json = as_json != 0;
    log->fd = -1;
    *ret_log = log;
    return open_target(log, state, target);
}

void cfp_request_log_free(struct cfp_request_log *log)
{
    if (log == NULL) {
        return;
    }
    cfp_hold_free(log->callable);
    if (log->fd >= 0) {
        (void)close(log->fd);
    }
    PyMem_RawFree(log);
}

void cfp_request_log_fill(const struct cfp_request_log *log,
                          struct cflight_server_middleware *ret_table)
{
    cflight_request_log_middleware(&log->options, ret_table);
}

int cfp_request_log_turn(struct cfp_request_log *log, int fd)
{
    if (log == NULL || log->fd < 0) {
        PyErr_SetString(PyExc_ValueError, "the request log is not a file that the server opened");
        return -1;
    }
    if (dup2(fd, log->fd) < 0 || fcntl(log->fd, F_SETFD, FD_CLOEXEC) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

int cfp_request_log_traverse(const struct cfp_request_log *log, visitproc visit, void *arg)
{
    if (log != NULL && log->callable != NULL) {
        Py_VISIT(log->callable->object);
    }
    return 0;
}

void cfp_request_log_clear(struct cfp_request_log *log)
{
    if (log != NULL) {
        cfp_hold_clear(log->callable);
    }
}
