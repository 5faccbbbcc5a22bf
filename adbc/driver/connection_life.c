/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: their life.
 *
 * Options that a program sets before the connection is initialised are kept and applied then, in
 * their order; of the rest of the options those of the database count. A released connection takes
 * no calls; its client ends with the last statement or stream that holds it. Thread class: one at a
 * time, but for getters and cancel. */
#include "adbc/driver/connection.h"

#include <stdlib.h>

#include "adbc/driver/transaction.h"

/* ---- options before the start ---- */

static AdbcStatusCode keep(struct adbc_connection *connection, const char *key,
                           const struct adbc_value *value, struct AdbcError *error)
{
    struct adbc_pending_option *pending =
        realloc(connection->pending, (connection->pending_count + 1) * sizeof *pending);
    if (pending == NULL) {
        return adbc_fail_no_memory(error);
    }
    connection->pending = pending;
    pending += connection->pending_count;
    if (!adbc_value_give_text(value->bytes, &pending->value)) {
        return adbc_fail_no_memory(error);
    }
    pending->value.kind = value->kind;
    pending->value.integer = value->integer;
    pending->value.real = value->real;
    pending->key = strdup(key);
    if (pending->key == NULL) {
        adbc_value_done(&pending->value);
        return adbc_fail_no_memory(error);
    }
    connection->pending_count++;
    return ADBC_STATUS_OK;
}

static void forget_pending(struct adbc_connection *connection)
{
    for (size_t i = 0; i < connection->pending_count; i++) {
        free(connection->pending[i].key);
        adbc_value_done(&connection->pending[i].value);
    }
    free(connection->pending);
    connection->pending = NULL;
    connection->pending_count = 0;
}

AdbcStatusCode adbc_connection_set(struct AdbcConnection *connection, const char *key,
                                   const struct adbc_value *value, struct AdbcError *error)
{
    struct adbc_connection *self = adbc_connection_made(connection, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    AdbcStatusCode code = adbc_options_check(&adbc_connection_options, key, value, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    return self->database == NULL
               ? keep(self, key, value, error)
               : adbc_options_set(&adbc_connection_options, &self->base, key, value, error);
}

/* ---- life ---- */

static void destroy(struct adbc_object *object)
{
    struct adbc_connection *connection = (struct adbc_connection *)object;
    if (connection->link.client != NULL) {
        adbc_link_end_session(&connection->link);
        adbc_link_done(&connection->link);
    }
    forget_pending(connection);
    if (connection->database != NULL) {
        adbc_object_drop(&connection->database->base);
    }
    adbc_object_done(object);
}

AdbcStatusCode adbc_connection_new(struct AdbcConnection *connection, struct AdbcError *error)
{
    if (connection == NULL || connection->private_data != NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE, "the connection has been made already");
    }
    struct adbc_connection *made =
        (struct adbc_connection *)adbc_object_new(sizeof *made, destroy, NULL);
    if (made == NULL) {
        return adbc_fail_no_memory(error);
    }
    connection->private_data = made;
    return ADBC_STATUS_OK;
}

/* What the database has for all calls, with its authorization. */
static bool take_settings(struct adbc_connection *connection, struct adbc_database *database)
{
    (void)pthread_mutex_lock(&database->base.lock);
    bool is_copied =
        adbc_call_settings_copy(&database->base.settings, &connection->base.settings) &&
        (database->authorization == NULL ||
         adbc_headers_add(&connection->base.settings.headers,
                          cflight_bytes_from_text("authorization"),
                          cflight_bytes_from_text(database->authorization)));
    connection->constraints_are_on = database->constraints_are_on;
    (void)pthread_mutex_unlock(&database->base.lock);
    return is_copied;
}

static AdbcStatusCode start(struct adbc_connection *connection, struct adbc_database *database,
                            struct AdbcError *error)
{
    if (!take_settings(connection, database)) {
        return adbc_fail_no_memory(error);
    }
    AdbcStatusCode code = adbc_link_open(database, &connection->link, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    adbc_object_hold(&database->base);
    connection->database = database;
    for (size_t i = 0; code == ADBC_STATUS_OK && i < connection->pending_count; i++) {
        code = adbc_options_set(&adbc_connection_options, &connection->base,
                                connection->pending[i].key, &connection->pending[i].value, error);
    }
    return code;
}

AdbcStatusCode adbc_connection_init(struct AdbcConnection *connection,
                                    struct AdbcDatabase *database, struct AdbcError *error)
{
    struct adbc_connection *self = adbc_connection_made(connection, error);
    struct adbc_database *owner = self == NULL ? NULL : adbc_database_of(database, error);
    if (owner == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (self->database != NULL || self->link.client != NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "the connection has been initialised already");
    }
    if (!owner->is_ready) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE, "the database has not been initialised");
    }
    return start(self, owner, error);
}

AdbcStatusCode adbc_connection_cancel(struct AdbcConnection *connection, struct AdbcError *error)
{
    struct adbc_connection *self = adbc_connection_of(connection, error);
    return self == NULL ? ADBC_STATUS_INVALID_STATE
                        : adbc_object_cancel(&self->base, "connection", error);
}

AdbcStatusCode adbc_connection_release(struct AdbcConnection *connection, struct AdbcError *error)
{
    struct adbc_connection *self = adbc_connection_made(connection, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    connection->private_data = NULL;
    self->is_released = true;
    adbc_transaction_abandon(self);
    adbc_object_drop(&self->base);
    return ADBC_STATUS_OK;
}
