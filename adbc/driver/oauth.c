/* SPDX-License-Identifier: Apache-2.0 */
/* OAuth: options, kept until the database is initialised. Values may be secrets, so none is in an
 * error or can be read, and all are wiped. Thread class: one at a time. */
#include "adbc/driver/oauth.h"

#include <stdlib.h>
#include <string.h>

static AdbcStatusCode apply(struct cflight_oauth_options *options, const char *key,
                            const char *value, struct AdbcError *error)
{
    cflight_error *cause = NULL;
    cflight_status status = cflight_oauth_options_set(options, key, value, &cause);
    if (status == CFLIGHT_NOT_FOUND) {
        cflight_error_free(cause);
        return adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "a database has no option '%s'", key);
    }
    return adbc_outcome(status, cause, error);
}

AdbcStatusCode adbc_oauth_set(struct adbc_oauth *oauth, const char *key, const char *value,
                              struct AdbcError *error)
{
    struct cflight_oauth_options trial = CFLIGHT_OAUTH_OPTIONS_INIT;
    AdbcStatusCode code = apply(&trial, key, value, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    struct adbc_oauth_option *options =
        realloc(oauth->options, (oauth->option_count + 1) * sizeof *options);
    if (options == NULL) {
        return adbc_fail_no_memory(error);
    }
    oauth->options = options;
    options[oauth->option_count].key = strdup(key);
    options[oauth->option_count].value = strdup(value);
    oauth->option_count++;
    return options[oauth->option_count - 1].key == NULL ||
                   options[oauth->option_count - 1].value == NULL
               ? adbc_fail_no_memory(error)
               : ADBC_STATUS_OK;
}

AdbcStatusCode adbc_oauth_start(struct adbc_oauth *oauth, int64_t limit_ms, struct AdbcError *error)
{
    struct cflight_oauth_options options = CFLIGHT_OAUTH_OPTIONS_INIT;
    AdbcStatusCode code = ADBC_STATUS_OK;
    cflight_error *cause = NULL;
    for (size_t i = 0; code == ADBC_STATUS_OK && i < oauth->option_count; i++) {
        const struct adbc_oauth_option *option = &oauth->options[i];
        code = option->key == NULL || option->value == NULL
                   ? adbc_fail_no_memory(error)
                   : apply(&options, option->key, option->value, error);
    }
    if (code != ADBC_STATUS_OK || oauth->option_count == 0) {
        return code;
    }
    options.timeout_ms = limit_ms;
    cflight_status status = cflight_oauth_new(&options, &oauth->tokens, &cause);
    return adbc_outcome(status, cause, error);
}

void adbc_oauth_done(struct adbc_oauth *oauth)
{
    for (size_t i = 0; i < oauth->option_count; i++) {
        if (oauth->options[i].value != NULL) {
            explicit_bzero(oauth->options[i].value, strlen(oauth->options[i].value));
        }
        free(oauth->options[i].value);
        free(oauth->options[i].key);
    }
    free(oauth->options);
    cflight_token_cache_unref(oauth->tokens);
}
