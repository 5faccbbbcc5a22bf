/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and transactions: a connection of SQLite each. */
#include <stdlib.h>

#include "engine.h"

/* As bench/sql/go/main.go has them. */
static const char SETTINGS[] = "PRAGMA busy_timeout = 60000;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = NORMAL";

cflight_status engine_fail(struct connection *connection, int code, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_INTERNAL;
    switch (code & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        status = CFLIGHT_INVALID_ARGUMENT;
        break;
    case SQLITE_INTERRUPT:
        status = CFLIGHT_CANCELLED;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        status = CFLIGHT_UNAVAILABLE;
        break;
    case SQLITE_NOMEM:
        status = CFLIGHT_RESOURCE_EXHAUSTED;
        break;
    default:
        break;
    }
    return cflight_error_set(reterr, status, "%s", sqlite3_errmsg(connection->database));
}

cflight_status engine_run(struct connection *connection, const char *text, cflight_error **reterr)
{
    int code = sqlite3_exec(connection->database, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? CFLIGHT_OK : engine_fail(connection, code, reterr);
}

/* Runs a statement that is compiled once. */
static cflight_status run_again(struct connection *connection, sqlite3_stmt **compiled,
                                const char *text, cflight_error **reterr)
{
    int code = SQLITE_OK;
    if (*compiled == NULL) {
        code = sqlite3_prepare_v3(connection->database, text, -1, SQLITE_PREPARE_PERSISTENT,
                                  compiled, NULL);
    }
    if (code == SQLITE_OK) {
        (void)sqlite3_step(*compiled);
        code = sqlite3_reset(*compiled);
    }
    return code == SQLITE_OK ? CFLIGHT_OK : engine_fail(connection, code, reterr);
}

cflight_status engine_begin(struct connection *connection, cflight_error **reterr)
{
    return run_again(connection, &connection->begin, "BEGIN IMMEDIATE", reterr);
}

cflight_status engine_commit(struct connection *connection, cflight_error **reterr)
{
    return run_again(connection, &connection->commit, "COMMIT", reterr);
}

cflight_status engine_begin_unit(struct connection *connection, bool *ret_is_begun,
                                 cflight_error **reterr)
{
    *ret_is_begun = false;
    if (!sqlite3_get_autocommit(connection->database)) {
        return CFLIGHT_OK;
    }
    (void)pthread_mutex_lock(&connection->engine->writing);
    cflight_status status = engine_begin(connection, reterr);
    *ret_is_begun = status == CFLIGHT_OK;
    if (!*ret_is_begun) {
        (void)pthread_mutex_unlock(&connection->engine->writing);
    }
    return status;
}

cflight_status engine_end_unit(struct connection *connection, bool is_begun, cflight_status status,
                               cflight_error **reterr)
{
    if (!is_begun) {
        return status;
    }
    if (status == CFLIGHT_OK) {
        status = engine_commit(connection, reterr);
    }
    if (!sqlite3_get_autocommit(connection->database)) {
        (void)sqlite3_exec(connection->database, "ROLLBACK", NULL, NULL, NULL);
    }
    (void)pthread_mutex_unlock(&connection->engine->writing);
    return status;
}

static void close_session(void *user_data, void *session)
{
    struct connection *connection = session;
    (void)user_data;
    for (size_t i = 0; i < STATEMENTS_KEPT; i++) {
        if (connection->kept[i] != NULL) {
            (void)sqlite3_finalize(connection->kept[i]->compiled);
            free(connection->kept[i]->text);
            free(connection->kept[i]);
        }
    }
    (void)sqlite3_finalize(connection->begin);
    (void)sqlite3_finalize(connection->commit);
    (void)sqlite3_close_v2(connection->database);
    free(connection);
}

static cflight_status open_session(void *user_data, cflight_sql_call *call, void **ret_session,
                                   cflight_error **reterr)
{
    struct connection *connection = calloc(1, sizeof *connection);
    (void)call;
    if (connection == NULL) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no memory for a session");
    }
    connection->engine = user_data;
    /* The kit calls for a session one function at a time. */
    int code = sqlite3_open_v2(connection->engine->path, &connection->database,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    cflight_status status = code == SQLITE_OK ? engine_run(connection, SETTINGS, reterr)
                                              : engine_fail(connection, code, reterr);
    if (status != CFLIGHT_OK) {
        close_session(user_data, connection);
        return status;
    }
    *ret_session = connection;
    return CFLIGHT_OK;
}

static bool reset_session(void *user_data, void *session)
{
    struct connection *connection = session;
    (void)user_data;
    return sqlite3_get_autocommit(connection->database) != 0 ||
           sqlite3_exec(connection->database, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK;
}

static void interrupt(void *user_data, void *session)
{
    struct connection *connection = session;
    (void)user_data;
    sqlite3_interrupt(connection->database);
}

static cflight_status begin(void *user_data, void *session, cflight_error **reterr)
{
    (void)user_data;
    return engine_begin(session, reterr);
}

static cflight_status commit(void *user_data, void *session, cflight_error **reterr)
{
    (void)user_data;
    return engine_commit(session, reterr);
}

static cflight_status rollback(void *user_data, void *session, cflight_error **reterr)
{
    (void)user_data;
    return engine_run(session, "ROLLBACK", reterr);
}

void engine_set_sessions(struct cflight_sql_handlers *handlers)
{
    handlers->open_session = open_session;
    handlers->reset_session = reset_session;
    handlers->close_session = close_session;
    handlers->interrupt = interrupt;
    handlers->begin = begin;
    handlers->commit = commit;
    handlers->rollback = rollback;
}
