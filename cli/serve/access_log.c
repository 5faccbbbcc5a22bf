/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the access log: those of a file are gathered and written by a thread of the library, so
 * that calls do not wait for a disk; those on standard error go the way of the messages there. */
#include "cli/serve/access_log.h"

#include <string.h>

#include "cli/system/clock.h"
#include "cli/system/message.h"

static void write_line(void *user_data, const char *line)
{
    const struct cli_access_log *log = user_data;
    struct cli_text text = CLI_TEXT_INIT;
    if (!log->log.as_json) { /* which has its own */
        cli_append_time(&text);
        cli_text_append_char(&text, ' ');
    }
    cli_text_append_string(&text, line);
    if (log->file == NULL) {
        cli_log_line(&text);
    } else if (!text.failed) {
        cflight_log_file_write(log->file, cli_text_terminated(&text));
    }
    cli_text_done(&text);
}

cflight_status cli_access_log_init(struct cli_access_log *log, const char *path, bool as_json,
                                   cflight_error **reterr)
{
    log->log = (struct cflight_request_log)CFLIGHT_REQUEST_LOG_INIT;
    log->log.write = write_line;
    log->log.user_data = log;
    log->log.as_json = as_json;
    log->is_on = path != NULL;
    return path == NULL || strcmp(path, "-") == 0 ? CFLIGHT_OK
                                                  : cflight_log_file_new(path, &log->file, reterr);
}

void cli_access_log_done(struct cli_access_log *log)
{
    cflight_log_file_free(log->file);
    log->file = NULL;
}

cflight_status cli_access_log_reopen(struct cli_access_log *log, cflight_error **reterr)
{
    return log->file == NULL ? CFLIGHT_OK : cflight_log_file_reopen(log->file, reterr);
}

bool cli_access_log_is_on(const struct cli_access_log *log)
{
    return log->is_on;
}

void cli_access_log_middleware(const struct cli_access_log *log,
                               struct cflight_server_middleware *ret_table)
{
    cflight_request_log_middleware(&log->log, ret_table);
}
