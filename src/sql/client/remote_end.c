/* SPDX-License-Identifier: Apache-2.0 */
/* The end of what nobody has ended: told to the server, but not waited for as long as it likes.
 * Thread class: one at a time. */
#include "sql/client/remote.h"

enum { ABANDON_TIMEOUT_MS = 1000 };

void cfl_sql_remote_abandon(struct cfl_sql_remote *remote,
                            const struct cflight_sql_message *message)
{
    struct cflight_sql_message *ignored = NULL;
    struct cfl_sql_request request = {.client = remote->client,
                                      .options = CFLIGHT_SQL_OPTIONS_INIT,
                                      .call_options = CFLIGHT_CALL_OPTIONS_INIT};
    if (remote->is_over || remote->id == NULL) {
        return;
    }
    request.call_options.timeout_ms = ABANDON_TIMEOUT_MS;
    if (remote->headers != NULL) {
        request.call_options.headers = remote->headers->items;
        request.call_options.header_count = remote->headers->count;
    }
    (void)cfl_sql_request_action(&request, message, &ignored, NULL);
    cflight_sql_message_free(ignored);
    remote->is_over = true;
}
