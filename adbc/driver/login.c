/* SPDX-License-Identifier: Apache-2.0 */
/* Logins: the first call shakes hands, and so does one whose token has been refused.
 *
 * Calls may come from several threads, so the handshake is made under a lock of its own: who comes
 * second finds the token that the first was given. Thread class: free. */
#include "adbc/driver/login.h"

#include <pthread.h>
#include <stdlib.h>

struct adbc_login {
    cflight_client *client; /* borrowed: it has us as its provider */
    char *username;
    char *password;
    int64_t limit_ms;
    pthread_mutex_t lock; /* held while shaking hands */
    bool is_done;
    cflight_buffer *bearer; /* NULL when the server gave none */
};

struct adbc_login *adbc_login_new(const char *username, const char *password, int64_t limit_ms)
{
    struct adbc_login *login = calloc(1, sizeof *login);
    if (login == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&login->lock, NULL) != 0) {
        free(login);
        return NULL;
    }
    login->limit_ms = limit_ms;
    login->username = strdup(username == NULL ? "" : username);
    login->password = strdup(password == NULL ? "" : password);
    if (login->username == NULL || login->password == NULL) {
        adbc_login_free(login);
        return NULL;
    }
    return login;
}

void adbc_login_set_client(struct adbc_login *login, cflight_client *client)
{
    login->client = client;
}

static cflight_status shake_hands(struct adbc_login *login, cflight_error **reterr)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_buffer *bearer = NULL;
    options.timeout_ms = login->limit_ms;
    cflight_status status = cflight_client_authenticate_basic(
        login->client, cflight_bytes_from_text(login->username),
        cflight_bytes_from_text(login->password), &options, &bearer, reterr);
    if (status == CFLIGHT_OK) {
        cflight_buffer_unref(login->bearer);
        login->bearer = bearer;
        login->is_done = true;
    }
    return status;
}

/* The token without "Bearer " before it. */
static struct cflight_bytes bare(struct cflight_bytes token)
{
    static const char SCHEME[] = "Bearer ";
    size_t len_bytes = sizeof SCHEME - 1;
    if (token.len_bytes < len_bytes || memcmp(token.data, SCHEME, len_bytes) != 0) {
        return token;
    }
    return cflight_bytes_make(token.data + len_bytes, token.len_bytes - len_bytes);
}

static cflight_status get(void *user_data, struct cflight_bytes refused, cflight_buffer **ret_token,
                          cflight_error **reterr)
{
    struct adbc_login *login = user_data;
    cflight_status status = CFLIGHT_OK;
    (void)pthread_mutex_lock(&login->lock);
    bool is_refused = refused.len_bytes > 0 && login->bearer != NULL &&
                      cflight_bytes_equal_in_constant_time(
                          bare(refused), bare(cflight_buffer_bytes(login->bearer)));
    if (!login->is_done || is_refused) {
        status = shake_hands(login, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_token = cflight_buffer_ref(login->bearer);
    }
    (void)pthread_mutex_unlock(&login->lock);
    return status;
}

struct cflight_token_provider adbc_login_provider(struct adbc_login *login)
{
    struct cflight_token_provider provider = CFLIGHT_TOKEN_PROVIDER_INIT;
    provider.user_data = login;
    provider.get = get;
    return provider;
}

void adbc_login_free(struct adbc_login *login)
{
    if (login == NULL) {
        return;
    }
    if (login->password != NULL) {
        explicit_bzero(login->password, strlen(login->password));
    }
    free(login->password);
    free(login->username);
    cflight_buffer_unref(login->bearer);
    (void)pthread_mutex_destroy(&login->lock);
    free(login);
}
