/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes. Spec: flight-api, authentication headers. Thread class: free. */
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/client/client.h"
#include "flight/call/handshake.h"
#include "flight/value/authorization.h"

/* Makes `table` the client's, which it is not when memory runs out: then it is let go of. */
static cflight_status replace_auth(struct cflight_client *client,
                                   const struct cflight_client_auth *table, cflight_error **reterr)
{
    struct cflight_client_auth loaded = {0};
    struct cfl_client_auth *auth = NULL;
    cflight_status status = cfl_options_load(&loaded, sizeof loaded, table, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_client_auth_new(client->alloc, &loaded, &auth, reterr);
        if (status != CFLIGHT_OK && loaded.release != NULL) {
            loaded.release(loaded.user_data);
        }
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_client_auth *former = client->locked.auth;
    client->locked.auth = auth;
    (void)pthread_mutex_unlock(&client->mutex);
    cfl_client_auth_unref(former);
    return CFLIGHT_OK;
}

/* Runs a handshake to its end; `call` is ended. `auth` NULL exchanges nothing. */
static cflight_status shake(struct cfl_call *call, const struct cfl_client_auth *auth,
                            cflight_error **reterr)
{
    struct cflight_handshake handshake = {call};
    cflight_status status = CFLIGHT_OK;
    if (auth != NULL && auth->table.authenticate != NULL) {
        status = auth->table.authenticate(auth->table.user_data, &handshake, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_call_cancel(call, CFLIGHT_CANCELLED, "the handshake was given up");
        return status;
    }
    status = cfl_call_half_close(call, reterr);
    return status == CFLIGHT_OK ? cfl_call_finish_reading(call, reterr) : status;
}

cflight_status cflight_client_authenticate(cflight_client *client,
                                           const struct cflight_client_auth *auth,
                                           const struct cflight_call_options *options,
                                           cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    struct cfl_client_auth *current = NULL;
    struct cfl_call *call = NULL;
    cflight_status status = CFLIGHT_OK;
    if (client == NULL) {
        return cfl_error_null_argument(reterr, "client");
    }
    if (auth != NULL) {
        status = replace_auth(client, auth, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_client_load_options(client, options, &loaded, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    current = cfl_client_auth_current(client);
    if (current == NULL || current->table.authenticate == NULL) {
        cfl_client_auth_unref(current);
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the client has no auth table");
    }
    status = cfl_client_begin(client, CFLIGHT_METHOD_HANDSHAKE, &loaded, NULL, NULL, &call, reterr);
    if (status == CFLIGHT_OK) {
        status = shake(call, current, reterr);
    }
    cfl_call_unref(call);
    cfl_client_auth_unref(current);
    return status;
}

/* "Bearer ..." among the fields, NULL when there is none. */
static cflight_status find_bearer(const struct cfl_metadata *metadata, cflight_buffer **ret_bearer,
                                  cflight_error **reterr)
{
    struct cflight_bytes value = {NULL, 0};
    if (metadata == NULL || !cfl_metadata_get(metadata, CFL_AUTHORIZATION, &value) ||
        value.len_bytes < sizeof CFL_SCHEME_BEARER || !cfl_ascii_starts(value, CFL_SCHEME_BEARER)) {
        return CFLIGHT_OK;
    }
    return cflight_buffer_new_copy(value, ret_bearer, reterr);
}

static cflight_status make_credentials(struct cflight_client *client, struct cflight_bytes username,
                                       struct cflight_bytes password, struct cfl_buf *target,
                                       cflight_error **reterr)
{
    struct cfl_buf pair;
    cfl_buf_init(&pair, client->alloc);
    /* Room first: a buffer that grows would leave a copy behind. */
    size_t pair_bytes = username.len_bytes + 1 + password.len_bytes;
    (void)cfl_buf_space(&pair, pair_bytes);
    (void)cfl_buf_space(target, sizeof CFL_SCHEME_BASIC + pair_bytes / 3 * 4 + 4);
    (void)cfl_buf_append_bytes(&pair, username);
    (void)cfl_buf_append_u8(&pair, ':');
    (void)cfl_buf_append_bytes(&pair, password);
    (void)cfl_buf_append_text(target, CFL_SCHEME_BASIC);
    bool is_ok = !pair.failed && cfl_base64_encode_padded(cfl_buf_bytes(&pair), target);
    cfl_buf_wipe(&pair);
    return is_ok && !target->failed ? CFLIGHT_OK : cfl_error_no_memory(reterr);
}

cflight_status cflight_client_authenticate_basic(
    cflight_client *client, struct cflight_bytes username, struct cflight_bytes password,
    const struct cflight_call_options *options, cflight_buffer **ret_bearer, cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    struct cfl_client_auth *auth = NULL;
    struct cfl_call *call = NULL;
    struct cfl_buf credentials;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_bearer));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (username.len_bytes > 0 && memchr(username.data, ':', username.len_bytes) != NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "the user name contains a colon, which ends it in basic credentials (RFC 7617)");
    }
    cfl_buf_init(&credentials, client->alloc);
    auth = cfl_client_auth_current(client);

    status = cfl_client_load_options(client, options, &loaded, reterr);
    if (status == CFLIGHT_OK) {
        status = make_credentials(client, username, password, &credentials, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct cflight_header header = {cflight_bytes_from_text(CFL_AUTHORIZATION),
                                        cfl_buf_bytes(&credentials)};
        status = cfl_client_begin(client, CFLIGHT_METHOD_HANDSHAKE, &loaded, NULL, &header, &call,
                                  reterr);
    }
    if (status == CFLIGHT_OK) {
        status = shake(call, auth, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_bearer = NULL;
        status = find_bearer(cfl_call_trailers(call), ret_bearer, reterr);
    }
    if (status == CFLIGHT_OK && *ret_bearer == NULL) {
        status = find_bearer(cfl_call_headers(call), ret_bearer, reterr);
    }
    if (credentials.data != NULL) {
        explicit_bzero(credentials.data, credentials.capacity_bytes);
    }
    cfl_buf_done(&credentials);
    cfl_call_unref(call);
    cfl_client_auth_unref(auth);
    return status;
}
