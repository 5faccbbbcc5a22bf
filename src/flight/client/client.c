/* SPDX-License-Identifier: Apache-2.0 */
/* The client object: options, life, close. Thread class: free. */
#include "flight/client/client_spread.h"

#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/options.h"
#include "base/process.h"
#include "cflight/version.h"
#include "flight/call/connection_options.h"
#include "flight/client/idle_watch.h"
#include "flight/value/values.h"

enum {
    DEFAULT_CONNECT_TIMEOUT_MS = 20000,
    KEEPALIVE_INTERVAL_MS_MIN = 10000,
    DEFAULT_PORT = 443,      /* gRPC naming: what a name without a port means */
    KEEPALIVE_EAGER_MAX = 2, /* stock servers hang up at the fourth */
};

/* ---- options ---- */

static cflight_status check_scheme(const struct cflight_location *location, bool *ret_is_tls,
                                   cflight_error **reterr)
{
    enum cfl_location_kind kind = cfl_location_kind(location);
    bool is_unix = kind == CFL_LOCATION_UNIX;
    *ret_is_tls = kind == CFL_LOCATION_TLS;
    if (kind == CFL_LOCATION_OTHER) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND,
                                 "No client transport implementation for %s", location->scheme);
    }
    if (is_unix ? location->path[0] == '\0' : location->host[0] == '\0') {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "the location '%s' has no %s",
                                 location->uri, is_unix ? "socket path" : "host");
    }
    return CFLIGHT_OK;
}

static cflight_status make_tls(const struct cflight_client *client,
                               const struct cflight_client_tls *tls,
                               struct cfl_tls_client **ret_tls, cflight_error **reterr)
{
    struct cfl_tls_client_options options = {
        .root_certs_pem = tls->root_certs,
        .cert_chain_pem = tls->cert_chain,
        .private_key_pem = tls->private_key,
        .skip_verification = tls->skip_verification,
        .allow_common_name = tls->allow_common_name,
        .policy = &tls->policy,
    };
    return cfl_tls_client_new(client->alloc, &options, ret_tls, reterr);
}

static cflight_status load_tls(struct cflight_client *client, cflight_error **reterr)
{
    const struct cflight_client_tls *tls = &client->options.tls;
    if (tls->override_hostname != NULL) {
        client->tls_name =
            cfl_strndup(client->alloc, tls->override_hostname, strlen(tls->override_hostname));
        if (client->tls_name == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    return make_tls(client, tls, &client->locked.tls, reterr);
}

/* What is meant for TLS with a location that has none would end in plain text where the user
 * expects none: no connection is made then. To skip verification, and what is said of versions and
 * ciphers, asks for no more than that. */
static void find_stray_tls(struct cflight_client *client)
{
    const struct cflight_client_tls *tls = &client->options.tls;
    client->stray_tls = tls->root_certs.len_bytes > 0    ? "root_certs"
                        : tls->cert_chain.len_bytes > 0  ? "cert_chain"
                        : tls->private_key.len_bytes > 0 ? "private_key"
                        : tls->override_hostname != NULL ? "override_hostname"
                                                         : NULL;
}

static void load_limits(struct cflight_client *client)
{
    const struct cflight_client_options *options = &client->options;
    struct cfl_connection_options common = {
        .metadata_bytes_max = options->metadata_bytes_max,
        .stream_window_bytes = options->stream_window_bytes,
        .keepalive_interval_ms = options->keepalive_interval_ms,
        .keepalive_timeout_ms = options->keepalive_timeout_ms,
        .shared_bodies_are_off = options->shared_bodies_are_off,
    };
    bool is_agreed = options->keepalive_is_agreed;
    bool is_kept_alive = options->keepalive_interval_ms > 0;
    if (is_kept_alive && !is_agreed && common.keepalive_interval_ms < KEEPALIVE_INTERVAL_MS_MIN) {
        common.keepalive_interval_ms = KEEPALIVE_INTERVAL_MS_MIN;
    }
    cfl_connection_limits(&common, &client->limits);
    cfl_connection_keepalive(&common, &client->keepalive);
    if (is_kept_alive) {
        client->keepalive.without_calls = options->keepalive_without_calls;
        client->keepalive.eager_max = is_agreed ? 0 : (uint32_t)KEEPALIVE_EAGER_MAX;
    }
    if (client->options.connect_timeout_ms <= 0) {
        client->options.connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
    }
    /* The session's own limit must not end a connect that has more time. */
    if (client->options.connect_timeout_ms > client->limits.handshake_ms) {
        client->limits.handshake_ms = client->options.connect_timeout_ms > UINT32_MAX
                                          ? UINT32_MAX
                                          : (uint32_t)client->options.connect_timeout_ms;
    }
}

static cflight_status load_middleware(struct cflight_client *client, cflight_error **reterr)
{
    void *array = NULL;
    cflight_status status = cfl_options_load_array(
        client->alloc, client->options.middleware, client->options.middleware_count,
        sizeof *client->middleware, "middleware", &array, reterr);
    if (status == CFLIGHT_OK) {
        client->middleware = array;
        client->middleware_count = client->options.middleware_count;
    }
    return status;
}

/* Texts that become headers: a line break in one would be passed on by proxies. */
static cflight_status check_header_text(const char *text, const char *what, cflight_error **reterr)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (!cfl_ascii_is_printable((uint8_t)text[i])) {
            return cflight_error_set(
                reterr, CFLIGHT_INVALID_ARGUMENT,
                "byte %zu of the %s is 0x%02x; printable ASCII characters are allowed", i, what,
                (unsigned char)text[i]);
        }
    }
    return CFLIGHT_OK;
}

static void format_authority(const struct cflight_client *client, struct cfl_buf *target)
{
    const struct cflight_location *location = client->location;
    if (client->options.authority != NULL) {
        (void)cfl_buf_append_text(target, client->options.authority);
    } else if (client->tls_name != NULL) {
        (void)cfl_buf_append_text(target, client->tls_name);
    } else if (location->host[0] == '\0') {
        (void)cfl_buf_append_text(target, "localhost");
    } else {
        bool is_ipv6 = strchr(location->host, ':') != NULL;
        (void)cfl_buf_append_format(target, "%s%s%s:%d", is_ipv6 ? "[" : "", location->host,
                                    is_ipv6 ? "]" : "", (int)client->port);
    }
}

/* Moves the text out of `buf`. */
static cflight_status take_header_text(struct cfl_buf *buf, const char *what, char **ret_text,
                                       cflight_error **reterr)
{
    *ret_text = cfl_buf_take_text(buf);
    return *ret_text == NULL ? cfl_error_no_memory(reterr)
                             : check_header_text(*ret_text, what, reterr);
}

static cflight_status load_texts(struct cflight_client *client, cflight_error **reterr)
{
    struct cfl_buf text;
    const char *user_agent = client->options.user_agent;
    cfl_buf_init(&text, client->alloc);
    (void)cfl_buf_append_format(&text, "%s%scflight/%s", user_agent == NULL ? "" : user_agent,
                                user_agent == NULL ? "" : " ", CFLIGHT_VERSION_TEXT);
    cflight_status status = take_header_text(&text, "user agent", &client->user_agent, reterr);
    if (status == CFLIGHT_OK) {
        cfl_buf_init(&text, client->alloc);
        format_authority(client, &text);
        status = take_header_text(&text, "authority", &client->authority, reterr);
    }
    return status;
}

/* The tables of functions that are about who calls. */
static cflight_status load_identity(struct cflight_client *client, cflight_error **reterr)
{
    struct cflight_client_auth auth;
    cflight_status status = cfl_options_load(&client->tokens, sizeof client->tokens,
                                             client->options.token_provider, reterr);
    if (status == CFLIGHT_OK && client->options.auth != NULL) {
        status = cfl_options_load(&auth, sizeof auth, client->options.auth, reterr);
        if (status == CFLIGHT_OK) {
            status = cfl_client_auth_new(client->alloc, &auth, &client->locked.auth, reterr);
        }
    }
    return status;
}

/* A proxy looks names up by itself, and a socket file has one address: there is one connection. */
static cflight_status load_balance(struct cflight_client *client, cflight_error **reterr)
{
    enum cflight_balance balance = client->options.balance;
    if (balance != CFLIGHT_BALANCE_STICKY && balance != CFLIGHT_BALANCE_ROUND_ROBIN) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "balance is %d; 0 (sticky) and 1 (round robin) are known",
                                 (int)balance);
    }
    if (balance == CFLIGHT_BALANCE_STICKY || client->proxy != NULL ||
        cfl_location_kind(client->location) == CFL_LOCATION_UNIX) {
        return CFLIGHT_OK;
    }
    client->spread = cfl_spread_new(client->alloc, client->options.connect_timeout_ms);
    if (client->spread == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (!client->options.idle_watch_is_off) {
        cfl_idle_watch_join(); /* here, as several threads may dial at once */
        client->is_counted = true;
    }
    return CFLIGHT_OK;
}

/* Each client counts in a shard of its own. */
static cflight_status load_metrics(struct cflight_client *client, cflight_error **reterr)
{
    if (client->options.metrics == NULL) {
        return CFLIGHT_OK;
    }
    client->metrics = cfl_metrics_ref(client->options.metrics);
    client->counts = client->metrics->counts;
    unsigned int shard = cfl_count_shard(client->counts);
    for (int id = CFLIGHT_METHOD_INVALID + 1; id < CFL_METHODS_END; id++) {
        const struct cfl_method *method = cfl_method_get((enum cflight_method)id);
        client->counted[id] =
            cfl_counts_of(cfl_metrics_method(client->metrics, CFL_COUNT_CLIENT, method->path,
                                             method->client_streams, method->server_streams),
                          shard);
        if (client->counted[id] == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    return CFLIGHT_OK;
}

/* Everything that the options say; the client is freed by the caller when it fails. */
static cflight_status configure(struct cflight_client *client, const char *location,
                                cflight_error **reterr)
{
    cflight_status status =
        cflight_location_parse(cflight_bytes_from_text(location), &client->location, reterr);
    if (status == CFLIGHT_OK) {
        status = check_scheme(client->location, &client->is_tls, reterr);
        client->port = client->location->port < 0 ? DEFAULT_PORT : client->location->port;
    }
    if (status == CFLIGHT_OK && client->is_tls) {
        status = load_tls(client, reterr);
    } else if (status == CFLIGHT_OK) {
        find_stray_tls(client);
    }
    if (status == CFLIGHT_OK && cfl_location_kind(client->location) != CFL_LOCATION_UNIX) {
        status = cfl_proxy_find(client->alloc, client->options.proxy, client->location->host,
                                &client->proxy, reterr);
    }
    if (status == CFLIGHT_OK) {
        load_limits(client);
        status = load_balance(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = load_middleware(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = load_identity(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = load_texts(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = load_metrics(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_connection_pool_new(client->alloc, client->options.pool_bytes_max,
                                         &client->pool, reterr);
    }
    return status;
}

cflight_status cflight_client_new(const char *location,
                                  const struct cflight_client_options *options,
                                  cflight_client **ret_client, cflight_error **reterr)
{
    struct cflight_client_options loaded;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(location), CFL_ARG(ret_client));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_client *client = cfl_alloc_zeroed(loaded.allocator, sizeof *client);
    if (client == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&client->refs);
    client->alloc = loaded.allocator;
    client->options = loaded;
    client->pid = cfl_process_id();
    (void)pthread_mutex_init(&client->mutex, NULL);
    cfl_condition_init(&client->locked.dialled);
    cfl_list_init(&client->locked.starting);

    status = configure(client, location, reterr);
    if (status != CFLIGHT_OK) {
        /* Tables are taken on success only. */
        if (client->locked.auth != NULL) {
            client->locked.auth->table.release = NULL;
        }
        client->tokens.release = NULL;
        for (size_t i = 0; i < client->middleware_count; i++) {
            client->middleware[i].release = NULL;
        }
        cflight_client_free(client);
        return status;
    }
    *ret_client = client;
    return CFLIGHT_OK;
}

cflight_status cflight_client_reload_tls(cflight_client *client,
                                         const struct cflight_client_tls *tls,
                                         cflight_error **reterr)
{
    struct cfl_tls_client *made = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(tls));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!client->is_tls) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a client with TLS is needed");
    }
    status = make_tls(client, tls, &made, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_tls_client *before = client->locked.tls;
    client->locked.tls = made;
    (void)pthread_mutex_unlock(&client->mutex);
    cfl_tls_client_unref(before);
    return CFLIGHT_OK;
}

cflight_status cflight_client_connect(cflight_client *client,
                                      const struct cflight_call_options *options,
                                      cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    struct cfl_connection *connection = NULL;
    if (client == NULL) {
        return cfl_error_null_argument(reterr, "client");
    }
    (void)cflight_client_ref(client); /* another thread may drop its hold meanwhile */
    cflight_status status = cfl_client_load_options(client, options, &loaded, reterr);
    if (status == CFLIGHT_OK) {
        const struct cfl_route own = {.kind = CFL_ROUTE_OWN};
        status = cfl_client_connection(client, own, loaded.limits.deadline_ns, loaded.user.cancel,
                                       &connection, reterr);
    }
    cfl_connection_unref(connection);
    cflight_client_free(client);
    return status;
}
