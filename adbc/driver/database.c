/* SPDX-License-Identifier: Apache-2.0 */
/* Databases: options, which are checked together once when the database is initialised. Thread
 * class: one at a time, but for getters. */
#include "adbc/driver/database.h"

#include <stdio.h>
#include <stdlib.h>

#include "adbc/driver/location.h"

enum { CONNECT_MS_DEFAULT = 20000 };

/* ---- options ---- */

/* Most options are fixed once connections can be made. */
static AdbcStatusCode check_early(struct adbc_object *object, const struct adbc_option *option,
                                  struct AdbcError *error)
{
    if (((struct adbc_database *)object)->is_ready) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "option '%s' must be set before the database is initialised", option->key);
    }
    return ADBC_STATUS_OK;
}

static AdbcStatusCode set_text(struct adbc_object *object, const struct adbc_option *option,
                               const char *name, const struct adbc_value *value,
                               struct AdbcError *error)
{
    AdbcStatusCode code = check_early(object, option, error);
    return code == ADBC_STATUS_OK ? adbc_option_set_text(object, option, name, value, error) : code;
}

static AdbcStatusCode set_bool(struct adbc_object *object, const struct adbc_option *option,
                               const char *name, const struct adbc_value *value,
                               struct AdbcError *error)
{
    AdbcStatusCode code = check_early(object, option, error);
    return code == ADBC_STATUS_OK ? adbc_option_set_bool(object, option, name, value, error) : code;
}

static AdbcStatusCode set_count(struct adbc_object *object, const struct adbc_option *option,
                                const char *name, const struct adbc_value *value,
                                struct AdbcError *error)
{
    AdbcStatusCode code = check_early(object, option, error);
    return code == ADBC_STATUS_OK ? adbc_option_set_count(object, option, name, value, error)
                                  : code;
}

/* The library has the names: those after "adbc.flight.sql." are the Go driver's, the others
 * Java's. */
static AdbcStatusCode set_oauth(struct adbc_object *object, const struct adbc_option *option,
                                const char *name, const struct adbc_value *value,
                                struct AdbcError *error)
{
    char key[64];
    AdbcStatusCode code = check_early(object, option, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    if (value->kind != ADBC_VALUE_TEXT) {
        return adbc_option_refuse(option, value, "a text", error);
    }
    int len_bytes = snprintf(key, sizeof key, "%s%s", option->key, name);
    if (len_bytes < 0 || (size_t)len_bytes >= sizeof key) {
        return adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "a database has no option '%s%s'",
                         option->key, name);
    }
    return adbc_oauth_set(&((struct adbc_database *)object)->oauth, key,
                          (const char *)value->bytes.data, error);
}

#define AT(member) .offset = offsetof(struct adbc_database, member)
#define CLIENT_OPTION "adbc.flight.sql.client_option."

static const struct adbc_option OPTIONS[] = {
    {.key = "uri", AT(uri), .set = set_text, .get = adbc_option_get_text},
    {.key = "username", AT(username), .set = set_text, .get = adbc_option_get_text},
    {.key = "password", AT(password), .set = set_text, .is_secret = true},
    {.key = "adbc.flight.sql.authorization_header",
     AT(authorization),
     .set = set_text,
     .is_secret = true},
    {.key = CLIENT_OPTION "authority", AT(authority), .set = set_text, .get = adbc_option_get_text},
    {.key = CLIENT_OPTION "mtls_cert_chain",
     AT(certificates),
     .set = set_text,
     .get = adbc_option_get_text},
    {.key = CLIENT_OPTION "mtls_private_key", AT(private_key), .set = set_text, .is_secret = true},
    {.key = CLIENT_OPTION "tls_override_hostname",
     AT(host_to_verify),
     .set = set_text,
     .get = adbc_option_get_text},
    {.key = CLIENT_OPTION "tls_root_certs",
     AT(root_certificates),
     .set = set_text,
     .get = adbc_option_get_text},
    {.key = CLIENT_OPTION "tls_skip_verify",
     AT(verification_is_off),
     .set = set_bool,
     .get = adbc_option_get_bool},
    {.key = CLIENT_OPTION "with_block", .set = adbc_option_ignore},
    {.key = CLIENT_OPTION "with_max_msg_size",
     AT(message_bytes_max),
     .set = set_count,
     .get = adbc_option_get_count},
    {.key = "adbc.flight.sql.rpc.with_cookie_middleware",
     AT(cookies_are_on),
     .set = set_bool,
     .get = adbc_option_get_bool},
    {.key = "adbc.flight.sql.rpc.timeout_seconds.connect",
     AT(connect_ms),
     .set = adbc_option_set_ms,
     .get = adbc_option_get_ms},
    ADBC_OPTION_LIMITS,
    {.key = ADBC_OPTION_HEADER_PREFIX,
     .is_prefix = true,
     .set = adbc_option_set_header,
     .get = adbc_option_get_header},
    ADBC_OPTION_TRACE_PARENT,
    {.key = "adbc.telemetry.", .is_prefix = true, .set = adbc_option_ignore},
    {.key = "adbc.flight.sql.oauth.", .is_prefix = true, .is_secret = true, .set = set_oauth},
    {.key = "oauth.", .is_prefix = true, .is_secret = true, .set = set_oauth},
    {.key = "adbc.cflight.objects.constraints",
     AT(constraints_are_on),
     .set = adbc_option_set_bool,
     .get = adbc_option_get_bool},
};

const struct adbc_option_table adbc_database_options = {"database", OPTIONS,
                                                        sizeof OPTIONS / sizeof *OPTIONS};

/* ---- life ---- */

static void destroy(struct adbc_object *object)
{
    struct adbc_database *database = (struct adbc_database *)object;
    char *const secrets[] = {database->password, database->authorization, database->private_key};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (secrets[i] != NULL) {
            explicit_bzero(secrets[i], strlen(secrets[i]));
            free(secrets[i]);
        }
    }
    adbc_oauth_done(&database->oauth);
    free(database->uri);
    free(database->username);
    free(database->authority);
    free(database->certificates);
    free(database->host_to_verify);
    free(database->root_certificates);
    free(database->location);
    adbc_object_done(object);
}

AdbcStatusCode adbc_database_new(struct AdbcDatabase *database, struct AdbcError *error)
{
    if (database == NULL || database->private_data != NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE, "the database has been made already");
    }
    struct adbc_database *made =
        (struct adbc_database *)adbc_object_new(sizeof *made, destroy, NULL);
    if (made == NULL) {
        return adbc_fail_no_memory(error);
    }
    made->cookies_are_on = true;
    made->constraints_are_on = true;
    made->connect_ms = CONNECT_MS_DEFAULT;
    database->private_data = made;
    return ADBC_STATUS_OK;
}

struct adbc_database *adbc_database_of(struct AdbcDatabase *database, struct AdbcError *error)
{
    if (database == NULL || database->private_data == NULL) {
        (void)adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                        "the database has not been made, or has been released");
        return NULL;
    }
    return database->private_data;
}

static AdbcStatusCode check(const struct adbc_database *database, struct AdbcError *error)
{
    if (database->is_ready) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "the database has been initialised already");
    }
    if (database->uri == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "option 'uri' is not set");
    }
    int way_count = (database->authorization != NULL) +
                    (database->username != NULL || database->password != NULL) +
                    (database->oauth.option_count > 0);
    if (way_count > 1) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT,
                         "'adbc.flight.sql.authorization_header', 'username' with 'password', and "
                         "'adbc.flight.sql.oauth.flow' with its options exclude each other");
    }
    if ((database->certificates == NULL) != (database->private_key == NULL)) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT,
                         "'" CLIENT_OPTION "mtls_cert_chain' and '" CLIENT_OPTION
                         "mtls_private_key' are needed together");
    }
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_database_init(struct AdbcDatabase *database, struct AdbcError *error)
{
    cflight_error *cause = NULL;
    struct adbc_database *self = adbc_database_of(database, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    AdbcStatusCode code = check(self, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    if (adbc_location_of(self->uri, &self->location, &cause) != CFLIGHT_OK) {
        return adbc_fail_by(error, cause);
    }
    code = adbc_oauth_start(&self->oauth, self->connect_ms, error);
    if (code != ADBC_STATUS_OK) {
        free(self->location);
        self->location = NULL;
        return code;
    }
    self->is_ready = true;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_database_release(struct AdbcDatabase *database, struct AdbcError *error)
{
    struct adbc_database *self = adbc_database_of(database, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    database->private_data = NULL;
    adbc_object_drop(&self->base);
    return ADBC_STATUS_OK;
}
