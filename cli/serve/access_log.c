/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the access log, each in one write(2), so that those of several threads do not mix. */
#define _GNU_SOURCE /* dup3() */
#include "cli/serve/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/system/clock.h"
#include "cli/system/files.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

static void write_line(void *user_data, const char *line)
{
    const struct cli_access_log *log = user_data;
    struct cli_text text = CLI_TEXT_INIT;
    ssize_t written = 0;
    if (!log->log.as_json) { /* which has its own */
        cli_append_time(&text);
        cli_text_append_char(&text, ' ');
    }
    cli_text_append_string(&text, line);
    cli_text_append_char(&text, '\n');
    errno = ENOMEM;
    do {
        written = text.failed ? -1 : write(log->fd, text.data, text.len_bytes);
    } while (written < 0 && errno == EINTR);
    int os_code = errno;
    cli_text_done(&text);
    if (written < 0) {
        cflight_error *error = NULL;
        (void)cli_error_from_errno(&error, os_code, "write", "the access log");
        cli_message_error_limited("a line of the access log is lost", error);
        cflight_error_free(error);
    }
}

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

cflight_status cli_access_log_init(struct cli_access_log *log, const char *path, bool as_json,
                                   cflight_error **reterr)
{
    log->log = (struct cflight_request_log)CFLIGHT_REQUEST_LOG_INIT;
    log->log.write = write_line;
    log->log.user_data = log;
    log->log.as_json = as_json;
    log->path = path;
    if (path == NULL) {
        return CFLIGHT_OK;
    }
    log->fd = strcmp(path, "-") == 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) : open_log(path);
    return log->fd < 0 ? cli_error_from_errno(reterr, errno, "open", path) : CFLIGHT_OK;
}

void cli_access_log_done(struct cli_access_log *log)
{
    cli_close(log->fd);
    log->fd = -1;
}

cflight_status cli_access_log_reopen(struct cli_access_log *log, cflight_error **reterr)
{
    if (!cli_access_log_is_on(log) || strcmp(log->path, "-") == 0) {
        return CFLIGHT_OK;
    }
    int fd = open_log(log->path);
    if (fd < 0 || dup3(fd, log->fd, O_CLOEXEC) < 0) {
        cflight_status status = cli_error_from_errno(reterr, errno, "open", log->path);
        cli_close(fd);
        return status;
    }
    cli_close(fd);
    return CFLIGHT_OK;
}

bool cli_access_log_is_on(const struct cli_access_log *log)
{
    return log->path != NULL;
}

void cli_access_log_middleware(const struct cli_access_log *log,
                               struct cflight_server_middleware *ret_table)
{
    cflight_request_log_middleware(&log->log, ret_table);
}
