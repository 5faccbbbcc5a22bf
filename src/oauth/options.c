/* SPDX-License-Identifier: Apache-2.0 */
/* The options of OAuth: their names in Arrow's drivers, and which belong together. No error shows
 * a value: one that was given by the wrong name may be the secret. Thread class: free. */
#include "oauth/options.h"

#include "base/ascii.h"
#include "base/error.h"

#define AT(member) offsetof(struct cflight_oauth_options, member)

const struct cfl_oauth_text cfl_oauth_texts[CFL_OAUTH_TEXT_COUNT] = {
    {"token_uri", AT(token_uri), NULL, false, false},
    {"client_id", AT(client_id), NULL, false, false},
    {"client_secret", AT(client_secret), NULL, true, false},
    {"scope", AT(scope), "scope", false, false},
    {"resource", AT(resource), "resource", false, false},
    {"audience", AT(audience), "audience", false, false},
    {"exchange.subject_token", AT(subject_token), "subject_token", true, true},
    {"exchange.subject_token_type", AT(subject_token_type), "subject_token_type", false, true},
    {"exchange.actor_token", AT(actor_token), "actor_token", true, true},
    {"exchange.actor_token_type", AT(actor_token_type), "actor_token_type", false, true},
    {"exchange.requested_token_type", AT(requested_token_type), "requested_token_type", false,
     true},
};

/* Further names of the same. */
static const struct alias {
    const char *name;
    size_t offset;
} ALIASES[] = {
    {"exchange.scope", AT(scope)},
    {"exchange.resource", AT(resource)},
    {"exchange.aud", AT(audience)},
};

/* ---- by name ---- */

/* The JDBC driver writes tokenUri, the ADBC driver token_uri. */
static bool is_name(const char *name, const char *wanted)
{
    for (;;) {
        name += strspn(name, "_");
        wanted += strspn(wanted, "_");
        if (cfl_ascii_lower((uint8_t)*name) != (uint8_t)*wanted) {
            return false;
        }
        if (*wanted == '\0') {
            return true;
        }
        name++;
        wanted++;
    }
}

static const char *without_beginning(const char *name)
{
    static const char *const BEGINNINGS[] = {"adbc.flight.sql.oauth.", "oauth."};
    for (size_t i = 0; i < sizeof BEGINNINGS / sizeof *BEGINNINGS; i++) {
        size_t len_bytes = strlen(BEGINNINGS[i]);
        if (strncmp(name, BEGINNINGS[i], len_bytes) == 0) {
            return name + len_bytes;
        }
    }
    return name;
}

static bool find_text(const char *name, size_t *ret_offset)
{
    for (size_t i = 0; i < CFL_OAUTH_TEXT_COUNT; i++) {
        if (is_name(name, cfl_oauth_texts[i].name)) {
            *ret_offset = cfl_oauth_texts[i].offset;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof ALIASES / sizeof *ALIASES; i++) {
        if (is_name(name, ALIASES[i].name)) {
            *ret_offset = ALIASES[i].offset;
            return true;
        }
    }
    return false;
}

static cflight_status set_flow(struct cflight_oauth_options *options, const char *value,
                               cflight_error **reterr)
{
    bool is_exchange = strcmp(value, "token_exchange") == 0;
    if (!is_exchange && strcmp(value, "client_credentials") != 0) {
        return cflight_error_set_message(
            reterr, CFLIGHT_UNIMPLEMENTED,
            "OAuth flow: client_credentials and token_exchange are known, not what was given");
    }
    options->flow = is_exchange ? CFLIGHT_OAUTH_TOKEN_EXCHANGE : CFLIGHT_OAUTH_CLIENT_CREDENTIALS;
    return CFLIGHT_OK;
}

static cflight_status set_client_auth(struct cflight_oauth_options *options, const char *value,
                                      cflight_error **reterr)
{
    static const char *const VALUES[] = {"either", "basic", "form"};
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        if (strcmp(value, VALUES[i]) == 0) {
            options->client_auth = (enum cflight_oauth_client_auth)i;
            return CFLIGHT_OK;
        }
    }
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "OAuth client_auth is either, basic or form");
}

static cflight_status set_allow_http(struct cflight_oauth_options *options, const char *value,
                                     cflight_error **reterr)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "OAuth allow_http is true or false");
    }
    options->allow_http = value[0] == 't';
    return CFLIGHT_OK;
}

cflight_status cflight_oauth_options_set(struct cflight_oauth_options *options, const char *name,
                                         const char *value, cflight_error **reterr)
{
    size_t offset = 0;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(options), CFL_ARG(name), CFL_ARG(value));
    if (status != CFLIGHT_OK) {
        return status;
    }
    const char *rest = without_beginning(name);
    if (is_name(rest, "flow")) {
        return set_flow(options, value, reterr);
    }
    if (is_name(rest, "client_auth")) {
        return set_client_auth(options, value, reterr);
    }
    if (is_name(rest, "allow_http")) {
        return set_allow_http(options, value, reterr);
    }
    if (is_name(rest, "auth_uri") || is_name(rest, "redirect_uri")) {
        return CFLIGHT_OK;
    }
    if (!find_text(rest, &offset)) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "there is no OAuth option '%.100s'",
                                 name);
    }
    *(const char **)((char *)options + offset) = value[0] == '\0' ? NULL : value;
    return CFLIGHT_OK;
}

/* ---- together ---- */

static cflight_status check_uri(const struct cflight_oauth_options *options, cflight_error **reterr)
{
    static const char *const OWN[] = {"localhost", "127.0.0.1", "[::1]"};
    struct cflight_bytes uri = cflight_bytes_from_text(options->token_uri);
    struct cflight_bytes rest = uri;
    bool is_https = cfl_ascii_drop_front(&rest, "https://");
    if (!is_https && !cfl_ascii_drop_front(&rest, "http://")) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "OAuth token_uri must begin with https://");
    }
    size_t host_bytes = 0;
    for (size_t i = 0; i < rest.len_bytes; i++) {
        if (rest.data[i] <= ' ' || rest.data[i] > '~') {
            return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                             "OAuth token_uri has bytes that no URI has");
        }
    }
    while (host_bytes < rest.len_bytes && strchr("/?#", rest.data[host_bytes]) == NULL) {
        host_bytes++;
    }
    if (host_bytes == 0 || memchr(rest.data, '@', host_bytes) != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "OAuth token_uri must have a host, and no user before it: "
                                         "that is client_id");
    }
    bool is_own = false;
    for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++) {
        size_t len_bytes = strlen(OWN[i]);
        is_own = is_own || (cfl_ascii_starts(rest, OWN[i]) &&
                            (host_bytes == len_bytes || rest.data[len_bytes] == ':'));
    }
    if (!is_https && !is_own && !options->allow_http) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "OAuth token_uri is not of https: secrets would cross the network in plain text, which "
            "allow_http permits");
    }
    return CFLIGHT_OK;
}

static cflight_status check_needed(const struct cflight_oauth_options *options, size_t offset,
                                   const char *flow, cflight_error **reterr)
{
    for (size_t i = 0; i < CFL_OAUTH_TEXT_COUNT; i++) {
        const struct cfl_oauth_text *text = &cfl_oauth_texts[i];
        if (text->offset == offset && cfl_oauth_text_of(options, text) == NULL) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "OAuth %s needs the option %s", flow, text->name);
        }
    }
    return CFLIGHT_OK;
}

cflight_status cfl_oauth_options_check(const struct cflight_oauth_options *options,
                                       cflight_error **reterr)
{
    static const size_t CREDENTIALS[] = {AT(token_uri), AT(client_id), AT(client_secret)};
    static const size_t EXCHANGE[] = {AT(token_uri), AT(subject_token), AT(subject_token_type)};
    bool is_exchange = options->flow == CFLIGHT_OAUTH_TOKEN_EXCHANGE;
    if (!is_exchange && options->flow != CFLIGHT_OAUTH_CLIENT_CREDENTIALS) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "OAuth needs the option flow: client_credentials or token_exchange");
    }
    for (size_t i = 0; i < 3; i++) {
        cflight_status status =
            check_needed(options, is_exchange ? EXCHANGE[i] : CREDENTIALS[i],
                         is_exchange ? "token_exchange" : "client_credentials", reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < CFL_OAUTH_TEXT_COUNT && !is_exchange; i++) {
        if (cfl_oauth_texts[i].is_exchange_only &&
            cfl_oauth_text_of(options, &cfl_oauth_texts[i]) != NULL) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "OAuth client_credentials does not go with the option %s",
                                     cfl_oauth_texts[i].name);
        }
    }
    if ((options->actor_token == NULL) != (options->actor_token_type == NULL)) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "OAuth exchange.actor_token and exchange.actor_token_type belong together");
    }
    if (options->client_secret != NULL && options->client_id == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "OAuth client_secret needs the option client_id");
    }
    return check_uri(options, reterr);
}
