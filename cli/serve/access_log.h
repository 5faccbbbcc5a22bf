/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_ACCESS_LOG_H
#define CFLIGHT_CLI_SERVE_ACCESS_LOG_H

#include "cflight/server.h"
#include "cflight/trace.h"

/* The log of requests of `cflight serve`: a line for each call, appended to a file, or on standard
 * error. Outlives the server. Thread class: free. */
struct cli_access_log {
    struct cflight_request_log log;
    cflight_log_file *file; /* NULL: standard error */
    bool is_on;
};

/* Opens the log. `path` is absolute, or "-" for standard error; NULL: there is no log. */
cflight_status cli_access_log_init(struct cli_access_log *log, const char *path, bool as_json,
                                   cflight_error **reterr);
void cli_access_log_done(struct cli_access_log *log);
/* Opens the file again, for those who have renamed it. Lines go to the old one or the new, none is
 * lost. When that fails the old one goes on. */
cflight_status cli_access_log_reopen(struct cli_access_log *log, cflight_error **reterr);
bool cli_access_log_is_on(const struct cli_access_log *log);
/* The middleware; only when the log is on. */
void cli_access_log_middleware(const struct cli_access_log *log,
                               struct cflight_server_middleware *ret_table);

#endif /* CFLIGHT_CLI_SERVE_ACCESS_LOG_H */
