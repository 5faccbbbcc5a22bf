/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of things at the server. Thread class: one at a time. */
#include "sql/client/remote.h"

#include "base/block.h"
#include "base/error.h"

static void copy_headers(struct cfl_block *block, const void *value, void *ret_value)
{
    const struct cfl_sql_headers *source = value;
    struct cfl_sql_headers *copy = ret_value;
    struct cflight_header *items = cfl_block_array(block, source->count, sizeof *items);
    for (size_t i = 0; i < source->count; i++) {
        struct cflight_bytes name = cfl_block_bytes(block, source->items[i].name);
        struct cflight_bytes text = cfl_block_bytes(block, source->items[i].value);
        if (items != NULL) {
            items[i] = (struct cflight_header){name, text};
        }
    }
    copy->items = items;
    copy->count = source->count;
}

cflight_status cfl_sql_remote_init(struct cfl_sql_remote *remote, const char *what,
                                   const struct cfl_sql_request *request, struct cflight_bytes id,
                                   cflight_error **reterr)
{
    const struct cfl_sql_headers headers = {request->call_options.headers,
                                            request->call_options.header_count};
    *remote = (struct cfl_sql_remote){.what = what, .client = cflight_client_ref(request->client)};
    cflight_status status = cflight_buffer_new_copy(id, &remote->id, reterr);
    if (status == CFLIGHT_OK && headers.count > 0) {
        remote->headers = cfl_block_copy(NULL, &headers, sizeof headers, copy_headers);
        if (remote->headers == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    return status;
}

void cfl_sql_remote_done(struct cfl_sql_remote *remote)
{
    cfl_block_wipe_and_free(remote->headers); /* perhaps with a token */
    cflight_buffer_unref(remote->id);
    cflight_client_free(remote->client);
}

cflight_status cfl_sql_remote_check(const struct cfl_sql_remote *remote, cflight_error **reterr)
{
    if (remote->is_over) {
        return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION, "the %s is over",
                                 remote->what);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_sql_remote_rename(struct cfl_sql_remote *remote, struct cflight_bytes id,
                                     cflight_error **reterr)
{
    cflight_buffer *copy = NULL;
    cflight_status status = cflight_buffer_new_copy(id, &copy, reterr);
    if (status == CFLIGHT_OK) {
        cflight_buffer_unref(remote->id);
        remote->id = copy;
    }
    return status;
}
