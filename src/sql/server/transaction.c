/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and savepoints (Flight SQL: transactions).
 *
 * A transaction has a session that nothing else uses, so calls in it queue for the turn. What its
 * client leaves behind is rolled back when the handle ends. A savepoint's id is that of its
 * transaction and a number; the name that the engine gets is made of the number. Owner: the table
 * of handles, and calls that use it. Thread class: one at a time, with the turn. */
#include "sql/server/transaction.h"

#include <stdio.h>
#include <string.h>

static void free_transaction(struct cfl_sql_transaction *transaction)
{
    const struct cflight_allocator *alloc = transaction->handle.server->alloc;
    cfl_free_array(alloc, transaction->savepoints, transaction->savepoint_capacity,
                   sizeof *transaction->savepoints);
    cfl_free(alloc, transaction, sizeof *transaction);
}

/* With the turn: what was left behind is undone. */
static void undo(struct cfl_sql_session *session, struct cfl_sql_transaction *transaction)
{
    const struct cflight_sql_handlers *handlers = &session->server->handlers;
    if (!transaction->is_over) {
        (void)handlers->rollback(handlers->user_data, session->engine, NULL);
        transaction->is_over = true;
    }
}

static void run_end(struct cfl_sql_session *session, struct cfl_sql_garbage *garbage)
{
    struct cfl_sql_transaction *transaction =
        CFL_LIST_ENTRY(garbage, struct cfl_sql_transaction, garbage);
    undo(session, transaction);
    free_transaction(transaction);
}

static void run_rollback(struct cfl_sql_session *session, struct cfl_sql_garbage *garbage)
{
    struct cfl_sql_transaction *transaction =
        CFL_LIST_ENTRY(garbage, struct cfl_sql_transaction, rollback);
    undo(session, transaction);
    cfl_sql_handle_unref(&transaction->handle);
}

/* A statement that was prepared in it has a reference, and may live much longer: what the
 * transaction has locked in the database is not to wait for that. */
static void expire(struct cfl_sql_handle *handle)
{
    struct cfl_sql_transaction *transaction =
        CFL_LIST_ENTRY(handle, struct cfl_sql_transaction, handle);
    cfl_refcount_up(&handle->refs);
    cfl_sql_session_defer(transaction->session, &transaction->rollback);
}

static void release(struct cfl_sql_handle *handle)
{
    struct cfl_sql_transaction *transaction =
        CFL_LIST_ENTRY(handle, struct cfl_sql_transaction, handle);
    struct cfl_sql_session *session = transaction->session;
    if (session == NULL) {
        free_transaction(transaction);
        return;
    }
    cfl_sql_session_defer(session, &transaction->garbage);
    cfl_sql_session_unref(session);
}

struct cfl_sql_handle *cfl_sql_transaction_handle(struct cfl_sql_transaction *transaction)
{
    return transaction == NULL ? NULL : &transaction->handle;
}

static cflight_status not_supported(cflight_error **reterr, const char *what)
{
    return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "This server has no %s", what);
}

static cflight_status find(const cflight_sql_call *call, struct cflight_bytes id,
                           struct cfl_sql_transaction **ret_transaction, cflight_error **reterr)
{
    struct cfl_sql_handle *handle = NULL;
    cflight_status status =
        cfl_sql_handle_find(call, CFL_SQL_HANDLE_TRANSACTION, id, &handle, reterr);
    if (status == CFLIGHT_OK) {
        *ret_transaction = CFL_LIST_ENTRY(handle, struct cfl_sql_transaction, handle);
    }
    return status;
}

cflight_status cfl_sql_transaction_enter(cflight_sql_call *call, struct cflight_bytes id,
                                         struct cfl_sql_transaction **ret_transaction,
                                         cflight_error **reterr)
{
    struct cfl_sql_transaction *transaction = NULL;
    if (id.len_bytes == 0) {
        *ret_transaction = NULL;
        return cfl_sql_call_enter(call, NULL, reterr);
    }
    cflight_status status = find(call, id, &transaction, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    call->is_in_transaction = true;
    status = cfl_sql_call_enter(call, transaction->session, reterr);
    if (status == CFLIGHT_OK && transaction->is_over) {
        status = cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "This transaction has ended");
    }
    if (status != CFLIGHT_OK) {
        cfl_sql_handle_put(&transaction->handle);
        return status;
    }
    *ret_transaction = transaction;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_transaction_begin(cflight_sql_call *call, uint8_t *ret_id,
                                         cflight_error **reterr)
{
    cflight_sql_server *server = call->server;
    const struct cflight_sql_handlers *handlers = &server->handlers;
    struct cfl_sql_session *session = NULL;
    if (handlers->begin == NULL) {
        return not_supported(reterr, "transactions");
    }
    struct cfl_sql_transaction *transaction = cfl_alloc_zeroed(server->alloc, sizeof *transaction);
    if (transaction == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&transaction->handle.refs);
    transaction->handle.server = server;
    transaction->handle.kind = CFL_SQL_HANDLE_TRANSACTION;
    transaction->handle.release = release;
    transaction->handle.end = expire;
    transaction->handle.idle_ms = server->options.transaction_idle_ms;
    transaction->handle.ends_ns =
        cfl_deadline_after_ms(cfl_clock_now_ns(NULL), server->options.transaction_total_ms);
    transaction->garbage.run = run_end;
    transaction->rollback.run = run_rollback;
    transaction->is_over = true;
    cflight_status status = cfl_sql_session_open_like(call, &session, reterr);
    transaction->session = session;
    if (status == CFLIGHT_OK) {
        call->is_in_transaction = true;
        status = cfl_sql_call_enter(call, session, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = handlers->begin(handlers->user_data, session->engine, reterr);
        status = cfl_sql_failure(status, call, "begin", reterr);
    }
    if (status == CFLIGHT_OK) {
        transaction->is_over = false;
        status = cfl_sql_handle_add(&transaction->handle, call, NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        memcpy(ret_id, transaction->handle.id, CFL_SQL_ID_BYTES);
    }
    cfl_sql_handle_unref(&transaction->handle);
    return status;
}

cflight_status cfl_sql_transaction_end(cflight_sql_call *call, const struct cflight_sql_end *end,
                                       cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    struct cfl_sql_transaction *transaction = NULL;
    if (handlers->begin == NULL) {
        return not_supported(reterr, "transactions");
    }
    if (end->id.len_bytes == 0 || end->action == CFLIGHT_SQL_END_UNSPECIFIED) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "EndTransaction needs an id, and COMMIT or ROLLBACK");
    }
    cflight_status status = cfl_sql_transaction_enter(call, end->id, &transaction, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool commits = end->action == CFLIGHT_SQL_END_COMMIT;
    status = commits ? handlers->commit(handlers->user_data, call->session->engine, reterr)
                     : handlers->rollback(handlers->user_data, call->session->engine, reterr);
    status = cfl_sql_failure(status, call, commits ? "commit" : "rollback", reterr);
    /* A commit that failed leaves nothing that a client could go on with: it is rolled back. */
    transaction->is_over = status == CFLIGHT_OK || !commits;
    undo(call->session, transaction);
    (void)cfl_sql_handle_remove(&transaction->handle);
    cfl_sql_handle_put(&transaction->handle);
    return status;
}

/* ---- savepoints ---- */

enum { NAME_BYTES = 32 };

static void write_name(uint32_t number, char *target)
{
    (void)snprintf(target, NAME_BYTES, "cflight_%u", (unsigned)number);
}

cflight_status cfl_sql_savepoint_begin(cflight_sql_call *call,
                                       const struct cflight_sql_savepoint_name *name,
                                       uint8_t *ret_id, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    uint32_t savepoints_max = call->server->options.savepoints_max;
    struct cfl_sql_transaction *transaction = NULL;
    if (handlers->savepoint == NULL) {
        return not_supported(reterr, "savepoints");
    }
    if (name->transaction_id.len_bytes == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "BeginSavepoint needs the id of a transaction");
    }
    cflight_status status =
        cfl_sql_transaction_enter(call, name->transaction_id, &transaction, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (transaction->savepoint_count >= savepoints_max) {
        status = cfl_sql_limit(reterr, "savepoints_max", savepoints_max, "Too many savepoints");
    } else if (!cfl_grow_array(call->server->alloc, (void **)&transaction->savepoints,
                               &transaction->savepoint_capacity, transaction->savepoint_count + 1,
                               sizeof *transaction->savepoints)) {
        status = cfl_error_no_memory(reterr);
    } else {
        char text[NAME_BYTES];
        write_name(transaction->next_savepoint, text);
        status = handlers->savepoint(handlers->user_data, call->session->engine, text, reterr);
        status = cfl_sql_failure(status, call, "savepoint", reterr);
    }
    if (status == CFLIGHT_OK) {
        uint32_t number = transaction->next_savepoint++;
        transaction->savepoints[transaction->savepoint_count++] = number;
        memcpy(ret_id, transaction->handle.id, CFL_SQL_ID_BYTES);
        memcpy(ret_id + CFL_SQL_ID_BYTES, &number, sizeof number);
    }
    cfl_sql_handle_put(&transaction->handle);
    return status;
}

/* The place of a savepoint; the count when it is gone. */
static size_t place_of(const struct cfl_sql_transaction *transaction, struct cflight_bytes id)
{
    uint32_t number = 0;
    memcpy(&number, id.data + CFL_SQL_ID_BYTES, sizeof number);
    size_t place = 0;
    while (place < transaction->savepoint_count && transaction->savepoints[place] != number) {
        place++;
    }
    return place;
}

cflight_status cfl_sql_savepoint_end(cflight_sql_call *call, const struct cflight_sql_end *end,
                                     cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    struct cfl_sql_transaction *transaction = NULL;
    if (handlers->savepoint == NULL) {
        return not_supported(reterr, "savepoints");
    }
    if (end->action == CFLIGHT_SQL_END_UNSPECIFIED) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "EndSavepoint needs RELEASE or ROLLBACK");
    }
    if (end->id.len_bytes != CFL_SQL_SAVEPOINT_BYTES) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "This savepoint is unknown");
    }
    cflight_status status = cfl_sql_transaction_enter(
        call, cflight_bytes_make(end->id.data, CFL_SQL_ID_BYTES), &transaction, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t place = place_of(transaction, end->id);
    bool releases = end->action == CFLIGHT_SQL_END_RELEASE;
    if (place == transaction->savepoint_count) {
        status = cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "This savepoint has ended");
    } else {
        char text[NAME_BYTES];
        write_name(transaction->savepoints[place], text);
        status = releases ? handlers->release_savepoint(handlers->user_data, call->session->engine,
                                                        text, reterr)
                          : handlers->rollback_to_savepoint(handlers->user_data,
                                                            call->session->engine, text, reterr);
        status = cfl_sql_failure(status, call,
                                 releases ? "release_savepoint" : "rollback_to_savepoint", reterr);
    }
    if (status == CFLIGHT_OK) {
        transaction->savepoint_count = releases ? place : place + 1;
    }
    cfl_sql_handle_put(&transaction->handle);
    return status;
}
