/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_SERVE_H
#define CFLIGHT_CLI_SERVE_SERVE_H

#include <pthread.h>

#include "cflight/server.h"
#include "cli/serve/catalog.h"
#include "cli/serve/facts.h"
#include "cli/serve/quota.h"
#include "cli/serve/rights.h"

/* A directory of flights behind the handlers of a server. Handlers run on many threads; what they
 * share is read only, but for the commits of uploads, which happen one after the other. Thread
 * class: free. */
struct cli_serve {
    struct cli_catalog catalog;
    struct cli_facts_table *facts;                       /* what was read of files; it has a lock */
    const struct cflight_ipc_read_options *read_options; /* of files and uploads; borrowed */
    bool encodes_anew;        /* messages never go out as they are stored */
    uint64_t batch_bytes_max; /* of those that do; larger ones are cut. 0: no limit */
    bool may_overwrite;
    uint64_t endpoint_bytes;                /* of a file, in each endpoint */
    struct cli_rights *rights;              /* NULL: everybody may do everything; borrowed */
    const struct cflight_bytes *advertised; /* locations of every endpoint; borrowed */
    size_t advertised_count;
    pthread_mutex_t commit_mutex;
    struct cli_quota quota;
};

/* The handlers that read; `do_put` is one of those below. */
void cli_serve_add_handlers(struct cflight_server_handlers *handlers);

/* DoGet. */
cflight_status cli_serve_do_get(void *user_data, cflight_server_context *context,
                                struct cflight_bytes ticket, cflight_writer *writer,
                                cflight_error **reterr);

/* DoPut. The handler's `user_data` is a struct cli_serve. */
cflight_status cli_serve_do_put(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor, cflight_reader *reader,
                                cflight_metadata_writer *writer, cflight_error **reterr);

/* DoAction and ListActions: uploads in parts. */
cflight_status cli_serve_do_action(void *user_data, cflight_server_context *context,
                                   const struct cflight_action *action, cflight_response *response,
                                   cflight_error **reterr);
cflight_status cli_serve_list_actions(void *user_data, cflight_server_context *context,
                                      cflight_response *response, cflight_error **reterr);

/* Removes what uploads of a server that was killed have left behind, and returns how much. */
size_t cli_serve_sweep(const struct cli_serve *serve);

/* DoPut when uploads are not accepted: says so. */
cflight_status cli_serve_refuse_put(void *user_data, cflight_server_context *context,
                                    const struct cflight_descriptor *descriptor,
                                    cflight_reader *reader, cflight_metadata_writer *writer,
                                    cflight_error **reterr);

#endif /* CFLIGHT_CLI_SERVE_SERVE_H */
