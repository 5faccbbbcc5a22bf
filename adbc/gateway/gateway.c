/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a database by its driver, and closing it.
 *
 * A first connection is opened at once, so that what is wrong shows before clients come; it tells
 * what the database is, and stays as the first of the pool. Owner: the command. Thread class: one
 * at a time. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adbc/gateway/find.h"
#include "adbc/gateway/internal.h"

enum { CONNECTIONS_DEFAULT = 64 };

static cflight_status init_lock(pthread_mutex_t *mutex, pthread_cond_t *condition,
                                cflight_error **reterr)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(mutex, NULL) != 0 || pthread_condattr_init(&attributes) != 0) {
        return gateway_no_memory(reterr);
    }
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int code = pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return code == 0 ? CFLIGHT_OK : gateway_no_memory(reterr);
}

static cflight_status open_database(struct gateway *gateway, const struct gateway_source *source,
                                    cflight_error **reterr)
{
    const struct AdbcDriver *table = &gateway->driver.table;
    struct AdbcError error = gateway_error_init(&gateway->driver);
    AdbcStatusCode code = table->DatabaseNew(&gateway->database, &error);
    for (size_t i = 0; i < source->option_count && code == ADBC_STATUS_OK; i++) {
        code = table->DatabaseSetOption(&gateway->database, source->options[i].key,
                                        source->options[i].value, &error);
    }
    if (code == ADBC_STATUS_OK) {
        code = table->DatabaseInit(&gateway->database, &error);
    }
    return gateway_fail(code, &error, "cannot open the database", reterr);
}

static cflight_status load(struct gateway *gateway, const struct gateway_source *source,
                           char **ret_library, cflight_error **reterr)
{
    struct gateway_manifest found;
    cflight_status status = gateway_find_driver(source->driver, source->package, &found, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const char *entrypoint = found.entrypoint == NULL ? source->entrypoint : found.entrypoint;
    status = gateway_driver_load(found.library, entrypoint, &gateway->driver, reterr);
    *ret_library = found.library;
    found.library = NULL;
    gateway_manifest_done(&found);
    return status;
}

/* The connection that tells what the database is comes before it is known what connections to it
 * need; the second one shows that this works. A database in memory is kept by it. */
static cflight_status look_at_database(struct gateway *gateway, const char *library,
                                       bool needs_anchor, cflight_error **reterr)
{
    struct gateway_connection *connection = NULL;
    cflight_status status = gateway_pool_take(gateway, &connection, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = gateway_info_read(gateway, connection, library, reterr);
    if (gateway->vendor == NULL) {
        gateway->vendor = gateway_vendor_find("");
    }
    connection->is_broken = true;
    gateway_pool_give(gateway, connection);
    if (status == CFLIGHT_OK) {
        status = gateway_pool_take(gateway, &connection, reterr);
    }
    if (status == CFLIGHT_OK && needs_anchor) {
        gateway->anchor = connection;
        gateway->connections_max++;
    } else if (status == CFLIGHT_OK) {
        gateway_pool_give(gateway, connection);
    }
    return status;
}

static cflight_status open_all(struct gateway *gateway, const struct gateway_options *options,
                               cflight_error **reterr)
{
    struct gateway_source source;
    char *library = NULL;
    cflight_status status =
        gateway_source_parse(options->source, options->is_read_only, &source, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = load(gateway, &source, &library, reterr);
    if (status == CFLIGHT_OK) {
        status = open_database(gateway, &source, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = look_at_database(gateway, library, source.needs_anchor, reterr);
    }
    free(library);
    gateway_source_done(&source);
    return status;
}

/* The same database again, for those who may read. */
static cflight_status open_reader(struct gateway *gateway, const struct gateway_options *options,
                                  cflight_error **reterr)
{
    struct gateway_options reading = *options;
    reading.is_read_only = true;
    reading.right_of = NULL;
    if (gateway->vendor->is_read_only_by_uri) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "%s is opened for reading by all or by none, so it cannot keep "
                                 "single users from writing; serve it read only, or to users who "
                                 "may write",
                                 gateway->vendor->name);
    }
    cflight_error *cause = NULL;
    cflight_status status = gateway_open(&reading, &gateway->reader, &cause);
    if (status != CFLIGHT_OK) {
        status = cflight_error_set(reterr, status, "for users who may only read: %s",
                                   cflight_error_message(cause));
    } else {
        gateway->reader->counts = gateway->counts;
    }
    cflight_error_free(cause);
    return status;
}

cflight_status gateway_open(const struct gateway_options *options, struct gateway **ret_gateway,
                            cflight_error **reterr)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL) {
        return gateway_no_memory(reterr);
    }
    gateway->is_read_only = options->is_read_only;
    gateway->counts = &gateway->own_counts;
    gateway->right_of = options->right_of;
    gateway->right_user_data = options->right_user_data;
    gateway->query_ms = options->query_ms;
    gateway->result_rows_max = options->result_rows_max;
    gateway->connections_max =
        options->connections_max == 0 ? CONNECTIONS_DEFAULT : options->connections_max;
    cflight_status status = init_lock(&gateway->pool.mutex, &gateway->pool.changed, reterr);
    if (status == CFLIGHT_OK) {
        status = init_lock(&gateway->watch.mutex, &gateway->watch.changed, reterr);
    }
    if (status == CFLIGHT_OK && options->init_sql != NULL) {
        gateway->init_sql = gateway_copy_text(options->init_sql, strlen(options->init_sql));
        status = gateway->init_sql == NULL ? gateway_no_memory(reterr) : CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK) {
        status = open_all(gateway, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = gateway_watch_start(gateway, reterr);
    }
    if (status == CFLIGHT_OK && gateway->right_of != NULL && !gateway->is_read_only) {
        status = open_reader(gateway, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        gateway_free(gateway);
        return status;
    }
    *ret_gateway = gateway;
    return CFLIGHT_OK;
}

void gateway_free(struct gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    gateway_remove_metrics(gateway);
    gateway_free(gateway->reader); /* before its database, which may be in memory */
    gateway_watch_stop(gateway);
    if (gateway->anchor != NULL) {
        gateway->anchor->is_broken = true;
        gateway_pool_give(gateway, gateway->anchor);
    }
    gateway_pool_close_idle(gateway, INT64_MAX);
    if (gateway->database.private_data != NULL) {
        struct AdbcError error = gateway_error_init(&gateway->driver);
        (void)gateway->driver.table.DatabaseRelease(&gateway->database, &error);
        gateway_error_release(&error);
    }
    gateway_driver_unload(&gateway->driver);
    cflight_sql_info_free(gateway->info);
    free(gateway->description);
    free(gateway->init_sql);
    (void)pthread_cond_destroy(&gateway->pool.changed);
    (void)pthread_mutex_destroy(&gateway->pool.mutex);
    (void)pthread_cond_destroy(&gateway->watch.changed);
    (void)pthread_mutex_destroy(&gateway->watch.mutex);
    free(gateway);
}

void gateway_add_handlers(struct gateway *gateway, struct cflight_sql_handlers *handlers)
{
    handlers->user_data = gateway;
    gateway_add_session_handlers(handlers);
    gateway_add_statement_handlers(handlers);
    gateway_add_listing_handlers(handlers);
}

const cflight_sql_info *gateway_info(const struct gateway *gateway)
{
    return gateway->info;
}

const char *gateway_description(const struct gateway *gateway)
{
    return gateway->description;
}
