/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_CLIENT_REMOTE_H
#define CFL_SQL_CLIENT_REMOTE_H

#include "sql/client/request.h"

/* One block with its texts. */
struct cfl_sql_headers {
    const struct cflight_header *items;
    size_t count;
};

/* What transactions and prepared statements are at a client: an id of something at the server, that
 * somebody must end. The headers of the call that made it are kept, since they may be what lets the
 * client in. Thread class: one at a time. */
struct cfl_sql_remote {
    const char *what; /* "transaction" */
    cflight_client *client;
    cflight_buffer *id;
    struct cfl_sql_headers *headers; /* NULL for none */
    bool is_over;
};

struct cflight_sql_transaction {
    struct cfl_sql_remote remote;
};

/* Holds the client and copies the id and the headers. What was made is to be ended by _done, also
 * after a failure. */
cflight_status cfl_sql_remote_init(struct cfl_sql_remote *remote, const char *what,
                                   const struct cfl_sql_request *request, struct cflight_bytes id,
                                   cflight_error **reterr);
void cfl_sql_remote_done(struct cfl_sql_remote *remote);
/* FAILED_PRECONDITION when it is over. */
cflight_status cfl_sql_remote_check(const struct cfl_sql_remote *remote, cflight_error **reterr);
/* Another id from now on. */
cflight_status cfl_sql_remote_rename(struct cfl_sql_remote *remote, struct cflight_bytes id,
                                     cflight_error **reterr);
/* Ends it if it is not over: sends the action, with a limit of a second, and drops what comes of
 * it. */
void cfl_sql_remote_abandon(struct cfl_sql_remote *remote,
                            const struct cflight_sql_message *message);

#endif /* CFL_SQL_CLIENT_REMOTE_H */
