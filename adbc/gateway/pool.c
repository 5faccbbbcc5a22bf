/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the database: opened when they are needed, kept for the next, bounded in number.
 *
 * The lock is held for counting and for the list alone: opening, closing and resetting call the
 * driver, and may take long. Who finds all connections in use waits a little, since most statements
 * are short, and then is refused. Owner: the gateway. Thread class: free. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adbc/gateway/internal.h"
#include "adbc/gateway/words.h"

enum { WAIT_MS = 5000 };

static cflight_status set_option(struct gateway *gateway, struct gateway_connection *connection,
                                 const char *key, const char *value, AdbcStatusCode *ret_code,
                                 cflight_error **reterr)
{
    struct AdbcError error = gateway_error_init(&gateway->driver);
    *ret_code = gateway->driver.table.ConnectionSetOption(&connection->adbc, key, value, &error);
    return gateway_fail(*ret_code, &error, key, reterr);
}

static cflight_status run_one(struct gateway *gateway, struct gateway_connection *connection,
                              const char *sql, cflight_error **reterr)
{
    const struct AdbcDriver *table = &gateway->driver.table;
    struct AdbcStatement statement;
    struct AdbcError error = gateway_error_init(&gateway->driver);
    int64_t row_count = -1;
    memset(&statement, 0, sizeof statement);
    AdbcStatusCode code = table->StatementNew(&connection->adbc, &statement, &error);
    if (code != ADBC_STATUS_OK) {
        return gateway_fail(code, &error, sql, reterr);
    }
    code = table->StatementSetSqlQuery(&statement, sql, &error);
    if (code == ADBC_STATUS_OK) {
        code = table->StatementExecuteQuery(&statement, NULL, &row_count, &error);
    }
    cflight_status status = gateway_fail(code, &error, sql, reterr);
    error = gateway_error_init(&gateway->driver);
    (void)table->StatementRelease(&statement, &error);
    gateway_error_release(&error);
    return status;
}

cflight_status gateway_connection_run(struct gateway *gateway,
                                      struct gateway_connection *connection, const char *sql,
                                      cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (sql != NULL && *sql != '\0' && status == CFLIGHT_OK) {
        size_t len_bytes = gateway_words_statement_end(sql);
        struct cflight_bytes text = cflight_bytes_make(sql, len_bytes);
        char *copy = gateway_copy_text(sql, len_bytes);
        if (copy == NULL) {
            return gateway_no_memory(reterr);
        }
        if (!gateway_words_is_empty(text)) {
            status = run_one(gateway, connection, copy, reterr);
        }
        free(copy);
        sql += len_bytes + (sql[len_bytes] == ';' ? 1 : 0);
    }
    return status;
}

cflight_status gateway_connection_hold_back(struct gateway *gateway,
                                            struct gateway_connection *connection,
                                            cflight_error **reterr)
{
    return gateway->is_read_only
               ? gateway_connection_run(gateway, connection, gateway->vendor->read_only_sql, reterr)
               : CFLIGHT_OK;
}

/* A driver that has no such option must have a vendor that holds it otherwise. */
static cflight_status make_read_only(struct gateway *gateway, struct gateway_connection *connection,
                                     cflight_error **reterr)
{
    AdbcStatusCode code = ADBC_STATUS_OK;
    cflight_error *cause = NULL;
    cflight_status status = set_option(gateway, connection, ADBC_CONNECTION_OPTION_READ_ONLY,
                                       ADBC_OPTION_VALUE_ENABLED, &code, &cause);
    bool is_otherwise =
        gateway->vendor->read_only_sql != NULL || gateway->vendor->is_read_only_by_uri;
    if (status != CFLIGHT_OK && !is_otherwise) {
        status = cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                   "this driver cannot be kept from writing: %s",
                                   cflight_error_message(cause));
    } else {
        status = CFLIGHT_OK;
    }
    cflight_error_free(cause);
    return status;
}

static void close_connection(struct gateway *gateway, struct gateway_connection *connection)
{
    struct AdbcError error = gateway_error_init(&gateway->driver);
    if (connection->adbc.private_data != NULL) {
        (void)gateway->driver.table.ConnectionRelease(&connection->adbc, &error);
    }
    gateway_error_release(&error);
    free(connection);
}

/* What every connection is given before the first session has it. The very first one comes before
 * the vendor is known: gateway_open() sets it up once more. */
static cflight_status set_up(struct gateway *gateway, struct gateway_connection *connection,
                             cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (gateway->vendor == NULL) {
        return CFLIGHT_OK;
    }
    status = gateway_connection_run(gateway, connection, gateway->vendor->open_sql, reterr);
    if (status == CFLIGHT_OK) {
        status = gateway_connection_run(gateway, connection, gateway->init_sql, reterr);
    }
    if (status == CFLIGHT_OK && gateway->is_read_only) {
        status = make_read_only(gateway, connection, reterr);
    }
    return status;
}

static cflight_status open_connection(struct gateway *gateway,
                                      struct gateway_connection **ret_connection,
                                      cflight_error **reterr)
{
    const struct AdbcDriver *table = &gateway->driver.table;
    struct AdbcError error = gateway_error_init(&gateway->driver);
    struct gateway_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return gateway_no_memory(reterr);
    }
    AdbcStatusCode code = table->ConnectionNew(&connection->adbc, &error);
    if (code == ADBC_STATUS_OK) {
        code = table->ConnectionInit(&connection->adbc, &gateway->database, &error);
    }
    cflight_status status = gateway_fail(code, &error, "cannot connect to the database", reterr);
    if (status == CFLIGHT_OK) {
        status = set_up(gateway, connection, reterr);
    }
    if (status != CFLIGHT_OK) {
        close_connection(gateway, connection);
        return status;
    }
    *ret_connection = connection;
    return CFLIGHT_OK;
}

static struct timespec deadline_after(int64_t ms)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)(ms / 1000);
    deadline.tv_nsec += (long)(ms % 1000) * 1000000;
    deadline.tv_sec += deadline.tv_nsec / 1000000000;
    deadline.tv_nsec %= 1000000000;
    return deadline;
}

/* Takes an idle connection, or the right to open one. */
static cflight_status take_place(struct gateway *gateway, struct gateway_connection **ret_idle,
                                 cflight_error **reterr)
{
    struct gateway_pool *pool = &gateway->pool;
    struct timespec deadline = deadline_after(WAIT_MS);
    int code = 0;
    (void)pthread_mutex_lock(&pool->mutex);
    pool->waiting_count++;
    while (pool->idle == NULL && pool->connection_count >= gateway->connections_max && code == 0) {
        code = pthread_cond_timedwait(&pool->changed, &pool->mutex, &deadline);
    }
    pool->waiting_count--;
    bool has_place = pool->idle != NULL || pool->connection_count < gateway->connections_max;
    *ret_idle = pool->idle;
    if (pool->idle != NULL) {
        pool->idle = pool->idle->next;
        pool->idle_count--;
    } else if (has_place) {
        pool->connection_count++;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    if (!has_place) {
        atomic_fetch_add(&gateway->counts->refused, 1);
    }
    return has_place ? CFLIGHT_OK
                     : cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "all %u connections to the database are in use "
                                         "(--database-connections-max)",
                                         (unsigned)gateway->connections_max);
}

/* A connection is gone, or was never there. */
static void give_place(struct gateway *gateway)
{
    struct gateway_pool *pool = &gateway->pool;
    (void)pthread_mutex_lock(&pool->mutex);
    pool->connection_count--;
    (void)pthread_cond_signal(&pool->changed);
    (void)pthread_mutex_unlock(&pool->mutex);
}

cflight_status gateway_pool_take(struct gateway *gateway,
                                 struct gateway_connection **ret_connection, cflight_error **reterr)
{
    struct gateway_connection *connection = NULL;
    cflight_status status = take_place(gateway, &connection, reterr);
    if (status == CFLIGHT_OK && connection == NULL) {
        status = open_connection(gateway, &connection, reterr);
        if (status != CFLIGHT_OK) {
            give_place(gateway);
        }
    }
    if (status == CFLIGHT_OK) {
        connection->next = NULL;
        *ret_connection = connection;
    }
    return status;
}

void gateway_pool_give(struct gateway *gateway, struct gateway_connection *connection)
{
    struct gateway_pool *pool = &gateway->pool;
    const struct gateway_vendor *vendor = gateway->vendor;
    bool stays = vendor->is_reusable && !connection->is_dirty && !connection->is_broken &&
                 gateway_connection_run(gateway, connection, vendor->reset_sql, NULL) == CFLIGHT_OK;
    /* What the operator wants of every connection may have been reset with the rest. */
    if (stays && vendor->reset_sql != NULL) {
        stays = set_up(gateway, connection, NULL) == CFLIGHT_OK;
    }
    if (!stays) {
        close_connection(gateway, connection);
        give_place(gateway);
        return;
    }
    connection->idle_since_ms = gateway_now_ms();
    (void)pthread_mutex_lock(&pool->mutex);
    connection->next = pool->idle;
    pool->idle = connection;
    pool->idle_count++;
    (void)pthread_cond_signal(&pool->changed);
    (void)pthread_mutex_unlock(&pool->mutex);
}

void gateway_pool_close_idle(struct gateway *gateway, int64_t before_ms)
{
    struct gateway_pool *pool = &gateway->pool;
    struct gateway_connection *old = NULL;
    (void)pthread_mutex_lock(&pool->mutex);
    /* The latest is first: behind the first old one all are old. */
    struct gateway_connection **place = &pool->idle;
    while (*place != NULL && (*place)->idle_since_ms > before_ms) {
        place = &(*place)->next;
    }
    old = *place;
    *place = NULL;
    for (const struct gateway_connection *each = old; each != NULL; each = each->next) {
        pool->idle_count--;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    while (old != NULL) {
        struct gateway_connection *next = old->next;
        close_connection(gateway, old);
        give_place(gateway);
        old = next;
    }
}
