/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_OAUTH_H
#define CFLIGHT_OAUTH_H

#include "cflight/alloc.h"
#include "cflight/auth.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// Tokens that expire, for clients: a cache over a function that fetches them, and that function
/// for OAuth 2.0: client credentials (RFC 6749, section 4.4) and token exchange (RFC 8693).
///
/// A cache gives its token until shortly before the end of it, then fetches another; however many
/// calls need one, one thread fetches and the others wait for it. When a server refuses the token,
/// the next call fetches anew, once (cflight/auth.h).
///
/// The token server is asked by HTTP with libcurl, which is loaded when a cache is made by
/// cflight_oauth_new(), not with the library; proxies are as its variables say (https_proxy,
/// no_proxy). Counted; thread class: free.
///
///     struct cflight_oauth_options oauth = CFLIGHT_OAUTH_OPTIONS_INIT;
///     oauth.flow = CFLIGHT_OAUTH_CLIENT_CREDENTIALS;
///     oauth.token_uri = "https://login.example.com/oauth/token";
///     oauth.client_id = "reports";
///     oauth.client_secret = secret;
///     cflight_token_cache *tokens = NULL;
///     if (cflight_oauth_new(&oauth, &tokens, &error) != CFLIGHT_OK) { ... }
///     struct cflight_token_provider provider;
///     cflight_token_cache_provider(tokens, &provider);
///     client_options.token_provider = &provider;
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Where a cache gets tokens. Copied into the cache; `user_data` must outlive it.
struct cflight_token_source {
    size_t struct_size;
    void *user_data;
    /// Fetches a token, with or without "Bearer " before it; the cache unrefs it. Runs on the
    /// thread of a call, one at a time, under no lock, and must end by itself.
    /// @param ret_lifetime_ms  For how long the token is good from now on; negative (as it is
    ///                         before the call): until a server refuses it.
    cflight_status (*fetch)(void *user_data, cflight_buffer **ret_token, int64_t *ret_lifetime_ms,
                            cflight_error **reterr);
    /// May be NULL. Runs when the cache ends.
    void (*release)(void *user_data);
    /// How long before its end a token is replaced; 0 is 60000. Never more than half of the time
    /// that it is good for. When that fails the token is used to its end.
    int64_t refresh_ahead_ms;
    const struct cflight_allocator *allocator; ///< NULL: the C library; must outlive the cache
};

#define CFLIGHT_TOKEN_SOURCE_INIT CFLIGHT_SIZED_INIT(struct cflight_token_source)

typedef struct cflight_token_cache cflight_token_cache;

/// Makes a cache with one reference. Nothing is fetched yet. On failure the source is not released.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (no `fetch`); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_token_cache_new(const struct cflight_token_source *source, cflight_token_cache **ret_cache,
                        cflight_error **reterr);
/// Adds a reference and returns `cache`; NULL gives NULL.
CFLIGHT_EXPORT cflight_token_cache *
cflight_token_cache_ref(cflight_token_cache *cache);
/// Drops a reference; the last one frees the cache. NULL is ignored.
CFLIGHT_EXPORT void
cflight_token_cache_unref(cflight_token_cache *cache);
/// Gives a token, fetching one if there is none, if its end is near, or if it is `refused` (which
/// is empty otherwise). Unref it.
/// @return CFLIGHT_OK, or what the source says
CFLIGHT_CHECKED cflight_status
cflight_token_cache_get(cflight_token_cache *cache, struct cflight_bytes refused,
                        cflight_buffer **ret_token, cflight_error **reterr);
/// Fills a provider that gives the cache's tokens, for one client: call it once for each. It holds
/// a reference to the cache, which its `release` gives back; a client does that when it ends, and
/// whoever made the table does it when no client took it.
CFLIGHT_EXPORT void
cflight_token_cache_provider(cflight_token_cache *cache,
                             struct cflight_token_provider *ret_provider);

enum cflight_oauth_flow {
    CFLIGHT_OAUTH_FLOW_NONE = 0,
    CFLIGHT_OAUTH_CLIENT_CREDENTIALS = 1, ///< RFC 6749, section 4.4
    CFLIGHT_OAUTH_TOKEN_EXCHANGE = 2,     ///< RFC 8693
};

/// How the client's id and secret are sent.
enum cflight_oauth_client_auth {
    /// As HTTP basic authentication; where the server refuses that, in the form, from then on.
    CFLIGHT_OAUTH_CLIENT_AUTH_EITHER = 0,
    CFLIGHT_OAUTH_CLIENT_AUTH_BASIC = 1,
    CFLIGHT_OAUTH_CLIENT_AUTH_FORM = 2,
};

/// What a token server is asked. Texts are NULL where there is nothing to say; all are copied, and
/// secrets (`client_secret`, `subject_token`, `actor_token`) are in no error and no log.
struct cflight_oauth_options {
    size_t struct_size;
    enum cflight_oauth_flow flow;
    enum cflight_oauth_client_auth client_auth;
    /// https://...; http:// for this machine's own addresses, and with `allow_http`.
    const char *token_uri;
    const char *client_id;            ///< needed for client credentials
    const char *client_secret;        ///< needed for client credentials
    const char *scope;                ///< several with blanks between them
    const char *resource;             ///< a URI (RFC 8707)
    const char *audience;             ///< the name of a service
    const char *subject_token;        ///< needed for token exchange
    const char *subject_token_type;   ///< a URI; needed for token exchange
    const char *actor_token;          ///< needs its type
    const char *actor_token_type;     ///< a URI
    const char *requested_token_type; ///< a URI
    /// PEM; empty: what libcurl trusts, which is the system's store.
    struct cflight_bytes root_certs;
    bool allow_http; ///< secrets cross the network in plain text then
    /// Limit on asking once; 0 is 20000.
    int64_t timeout_ms;
    int64_t refresh_ahead_ms;                  ///< as in cflight_token_source
    const struct cflight_allocator *allocator; ///< NULL: the C library; must outlive the cache
};

#define CFLIGHT_OAUTH_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_oauth_options)

/// Sets one option by the name that Arrow's drivers have for it: `adbc.flight.sql.oauth.token_uri`
/// of the ADBC driver in Go, `oauth.tokenUri` of the JDBC driver, or `token_uri`. The names, after
/// their beginnings: flow (client_credentials, token_exchange), token_uri, client_id,
/// client_secret, scope, resource, audience, exchange.subject_token, exchange.subject_token_type,
/// exchange.actor_token, exchange.actor_token_type, exchange.requested_token_type, exchange.scope,
/// exchange.resource, exchange.aud; client_auth (either, basic, form) and allow_http (true, false)
/// are our own; auth_uri and redirect_uri, of flows with a browser, are taken and mean nothing.
/// Letters compare without case, and underscores do not count.
///
/// @param value  Borrowed until cflight_oauth_new() returns; "" is nothing.
/// @return CFLIGHT_OK; CFLIGHT_NOT_FOUND (no such name); CFLIGHT_UNIMPLEMENTED (another flow);
///         CFLIGHT_INVALID_ARGUMENT. Errors do not show the value of what may be secret.
CFLIGHT_CHECKED cflight_status
cflight_oauth_options_set(struct cflight_oauth_options *options, const char *name,
                          const char *value, cflight_error **reterr);

/// Makes a cache of tokens of a token server. Nothing is asked yet.
///
/// What fetching fails with, naming the server: CFLIGHT_UNAUTHENTICATED (it refuses the client, or
/// what it shows: the error and its description are in the message), CFLIGHT_UNAVAILABLE (no
/// connection, no trust, too slow, or an HTTP status of 429 or 500 and more), CFLIGHT_INTERNAL (an
/// answer that is none, or larger than 1 MiB), CFLIGHT_UNIMPLEMENTED (tokens that are no bearer
/// tokens). Redirects are not followed. A refresh token, where the server gives one, is used first.
///
/// @param options  Borrowed for this call.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (what is needed is not there, or excludes each
///         other); CFLIGHT_UNIMPLEMENTED (the library was built without libcurl's headers);
///         CFLIGHT_FAILED_PRECONDITION (libcurl cannot be loaded); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_oauth_new(const struct cflight_oauth_options *options, cflight_token_cache **ret_cache,
                  cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_OAUTH_H */
