/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens of calls, from the application's provider.
 *
 * The library keeps no token but the one that was refused last, until the provider gives another:
 * whichever call goes out next asks for that, be it the same one again or an unrelated one. The
 * provider runs under no lock. Thread class: free. */
#include "base/ascii.h"
#include "base/error.h"
#include "flight/client/client.h"
#include "flight/value/authorization.h"

static cflight_status add_authorization(struct cflight_client *client,
                                        struct cfl_metadata *metadata, struct cflight_bytes token,
                                        cflight_error **reterr)
{
    struct cfl_buf value;
    bool has_scheme = cfl_ascii_starts(token, CFL_SCHEME_BEARER);
    cfl_buf_init(&value, client->alloc);
    (void)cfl_buf_append_text(&value, has_scheme ? "" : CFL_SCHEME_BEARER);
    (void)cfl_buf_append_bytes(&value, token);
    cflight_status status =
        value.failed ? cfl_error_no_memory(reterr)
                     : cfl_metadata_add(metadata, cflight_bytes_from_text(CFL_AUTHORIZATION),
                                        cfl_buf_bytes(&value), reterr);
    cfl_buf_done(&value);
    return status;
}

/* The refused token was replaced, unless the provider has nothing better. */
static void forget_refused(struct cflight_client *client, cflight_buffer *refused,
                           cflight_buffer *token)
{
    if (token != NULL &&
        cflight_bytes_equal(cflight_buffer_bytes(refused), cflight_buffer_bytes(token))) {
        return;
    }
    (void)pthread_mutex_lock(&client->mutex);
    bool is_current = client->locked.refused_token == refused;
    if (is_current) {
        client->locked.refused_token = NULL;
    }
    (void)pthread_mutex_unlock(&client->mutex);
    if (is_current) {
        cflight_buffer_unref(refused);
    }
}

cflight_status cfl_client_add_bearer(struct cflight_client *client, struct cfl_metadata *metadata,
                                     cflight_buffer **ret_token, cflight_error **reterr)
{
    struct cflight_bytes given = {NULL, 0};
    cflight_buffer *token = NULL;
    if (client->tokens.get == NULL || cfl_metadata_get(metadata, CFL_AUTHORIZATION, &given)) {
        return CFLIGHT_OK;
    }
    (void)pthread_mutex_lock(&client->mutex);
    cflight_buffer *refused = cflight_buffer_ref(client->locked.refused_token);
    (void)pthread_mutex_unlock(&client->mutex);
    cflight_status status =
        client->tokens.get(client->tokens.user_data, cflight_buffer_bytes(refused), &token, reterr);
    if (status == CFLIGHT_OK && refused != NULL) {
        forget_refused(client, refused, token);
    }
    if (status == CFLIGHT_OK && token != NULL) {
        status = add_authorization(client, metadata, cflight_buffer_bytes(token), reterr);
    }
    cflight_buffer_unref(refused);
    if (status != CFLIGHT_OK) {
        cflight_buffer_unref(token);
        return status;
    }
    *ret_token = token;
    return CFLIGHT_OK;
}

void cfl_client_refuse_token(struct cflight_client *client, cflight_buffer *token)
{
    (void)pthread_mutex_lock(&client->mutex);
    cflight_buffer *former = client->locked.refused_token;
    client->locked.refused_token = cflight_buffer_ref(token);
    (void)pthread_mutex_unlock(&client->mutex);
    cflight_buffer_unref(former);
}
