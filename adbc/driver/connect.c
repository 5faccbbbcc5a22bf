/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of a database to a client. Clients have no thread of their own
 * (`idle_watch_is_off`): a driver that leaves threads behind cannot be unloaded. Thread class: one
 * at a time. */
#include "adbc/driver/connect.h"

#include <string.h>

/* A limit that is none: the library takes 0 for its default. */
static const int64_t FOR_EVER_MS = INT64_C(1) << 50;
enum { END_SESSION_MS = 1000 };

static struct cflight_client_options options_of(const struct adbc_database *database)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.connect_timeout_ms = database->connect_ms == 0 ? FOR_EVER_MS : database->connect_ms;
    options.tls.root_certs = cflight_bytes_from_text(database->root_certificates);
    options.tls.cert_chain = cflight_bytes_from_text(database->certificates);
    options.tls.private_key = cflight_bytes_from_text(database->private_key);
    options.tls.override_hostname = database->host_to_verify;
    options.tls.skip_verification = database->verification_is_off;
    options.message_bytes_max = (uint64_t)database->message_bytes_max;
    options.write_size_limit_bytes = (uint64_t)database->message_bytes_max;
    options.user_agent = "cflight-adbc-driver";
    options.idle_watch_is_off = true;
    return options;
}

/* Where the client gets tokens. Several clients have the provider, that of the connection and those
 * for endpoints elsewhere, so none of them releases it. */
static AdbcStatusCode prepare_login(struct adbc_database *database, struct adbc_link *link,
                                    struct AdbcError *error)
{
    if (database->oauth.tokens != NULL) {
        cflight_token_cache_provider(database->oauth.tokens, &link->provider);
        link->release_tokens = link->provider.release;
        link->provider.release = NULL;
        return ADBC_STATUS_OK;
    }
    if (database->username == NULL && database->password == NULL) {
        return ADBC_STATUS_OK;
    }
    link->login = adbc_login_new(database->username, database->password, database->connect_ms);
    if (link->login == NULL) {
        return adbc_fail_no_memory(error);
    }
    link->provider = adbc_login_provider(link->login);
    return ADBC_STATUS_OK;
}

static cflight_status make_client(struct adbc_database *database, struct adbc_link *link,
                                  cflight_error **reterr)
{
    struct cflight_client_middleware cookies = CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    struct cflight_client_options options = link->elsewhere;
    cflight_status status = CFLIGHT_OK;
    options.authority = database->authority;
    if (database->cookies_are_on) {
        status = cflight_cookie_jar_new(NULL, &link->jar, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        cflight_cookie_jar_middleware(link->jar, &cookies);
        options.middleware = &cookies;
        options.middleware_count = 1;
    }
    status = cflight_client_new(database->location, &options, &link->client, reterr);
    if (status != CFLIGHT_OK && cookies.release != NULL) {
        cookies.release(cookies.user_data);
    }
    return status;
}

AdbcStatusCode adbc_link_open(struct adbc_database *database, struct adbc_link *ret_link,
                              struct AdbcError *error)
{
    cflight_error *cause = NULL;
    ret_link->elsewhere = options_of(database);
    AdbcStatusCode code = prepare_login(database, ret_link, error);
    if (code == ADBC_STATUS_OK) {
        ret_link->elsewhere.token_provider =
            ret_link->provider.get == NULL ? NULL : &ret_link->provider;
        (void)make_client(database, ret_link, &cause);
        code = adbc_fail_by(error, cause);
    }
    if (code != ADBC_STATUS_OK) {
        adbc_link_done(ret_link);
        return code;
    }
    if (ret_link->login != NULL) {
        adbc_login_set_client(ret_link->login, ret_link->client);
    }
    return ADBC_STATUS_OK;
}

void adbc_link_end_session(struct adbc_link *link)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    enum cflight_close_session_status how = CFLIGHT_CLOSE_SESSION_UNSPECIFIED;
    cflight_buffer *cookies = NULL;
    options.timeout_ms = END_SESSION_MS;
    if (link->jar == NULL || cflight_cookie_jar_header(link->jar, &cookies, NULL) != CFLIGHT_OK) {
        return;
    }
    if (cflight_buffer_bytes(cookies).len_bytes > 0) {
        cflight_status status = cflight_client_close_session(link->client, &options, &how, NULL);
        (void)status; /* it ends by itself, later */
    }
    cflight_buffer_unref(cookies);
}

void adbc_link_done(struct adbc_link *link)
{
    cflight_client_free(link->client);
    cflight_cookie_jar_unref(link->jar);
    adbc_login_free(link->login);
    if (link->release_tokens != NULL) {
        link->release_tokens(link->provider.user_data);
    }
    memset(link, 0, sizeof *link);
}
