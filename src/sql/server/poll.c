/* SPDX-License-Identifier: Apache-2.0 */
/* Statements that run while their client polls.
 *
 * The handler of the first poll enters the session and lists the result; a thread takes over the
 * call, its turn included, runs the statement and ends. The result is in the table from the
 * beginning, with the thread's call among its readers: so a cancel, or a client that does not poll
 * any more, ends the statement as it ends a reading. Threads that have ended are joined by the
 * clock. Owner: the server. Thread class: free. */
#include "sql/server/poll.h"

#include <string.h>

#include "base/blocking.h"
#include "base/condition.h"
#include "base/thread.h"
#include "sql/server/handlers.h"

struct run {
    struct cfl_list node; /* the server's lock */
    pthread_t thread;
    cflight_sql_call call;
    struct cfl_sql_result_reader reader;
    cflight_buffer *identity;
    struct cfl_sql_origin origin;  /* statement and transaction are in use */
    struct cfl_sql_result *result; /* a reference */
};

static void end_origin(struct run *run)
{
    cfl_sql_handle_put(run->origin.statement == NULL ? NULL : &run->origin.statement->handle);
    cfl_sql_handle_put(cfl_sql_transaction_handle(run->origin.transaction));
    cfl_sql_source_unref(run->origin.source);
    memset(&run->origin, 0, sizeof run->origin);
}

static void free_run(struct run *run)
{
    const struct cflight_allocator *alloc = run->call.server->alloc;
    cfl_sql_call_end(&run->call);
    end_origin(run);
    cfl_sql_handle_unref(run->result == NULL ? NULL : &run->result->handle);
    cflight_buffer_unref(run->identity);
    cfl_free(alloc, run, sizeof *run);
}

/* ---- the thread ---- */

static void *run_statement(void *user_data)
{
    struct run *run = user_data;
    cflight_sql_server *server = run->call.server;
    cflight_error *error = NULL;
    cflight_status status = cfl_sql_result_run(run->result, &run->call, NULL, &error);
    cfl_sql_result_remove_reader(run->result, &run->reader);
    cfl_sql_call_end(&run->call);
    end_origin(run);
    (void)pthread_mutex_lock(&server->mutex);
    run->result->locked.is_running = false;
    run->result->locked.failure = status;
    run->result->locked.error = error;
    (void)pthread_cond_broadcast(&server->polled);
    server->locked.run_count--;
    cfl_list_remove(&run->node);
    cfl_list_append(&server->locked.ended_runs, &run->node);
    cfl_sql_handles_wake_locked(server, 0); /* the clock joins this thread */
    (void)pthread_mutex_unlock(&server->mutex);
    return NULL;
}

static void join_list(cflight_sql_server *server, struct cfl_list *list)
{
    struct cfl_list *node = NULL;
    do {
        (void)pthread_mutex_lock(&server->mutex);
        node = cfl_list_take_first(list);
        (void)pthread_mutex_unlock(&server->mutex);
        if (node != NULL) {
            struct run *run = CFL_LIST_ENTRY(node, struct run, node);
            (void)pthread_join(run->thread, NULL);
            free_run(run);
        }
    } while (node != NULL);
}

void cfl_sql_polls_reap(cflight_sql_server *server)
{
    join_list(server, &server->locked.ended_runs);
}

void cfl_sql_polls_join(cflight_sql_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    while (!cfl_list_is_empty(&server->locked.runs)) {
        (void)pthread_cond_wait(&server->polled, &server->mutex);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_sql_polls_reap(server);
}

/* ---- beginning ---- */

static cflight_status enter(struct run *run, const struct cflight_sql_message *command,
                            cflight_error **reterr)
{
    struct cfl_sql_origin *origin = &run->origin;
    if (command->type != CFLIGHT_SQL_PREPARED_STATEMENT_QUERY) {
        return cfl_sql_query_enter(&run->call, command, &origin->source, &origin->transaction,
                                   reterr);
    }
    cflight_status status =
        cfl_sql_statement_enter(&run->call, command->handle, &origin->statement, reterr);
    if (status == CFLIGHT_OK) {
        origin->source = cfl_sql_source_ref(origin->statement->source);
    }
    return status;
}

/* Counts a run, if there is room for it. */
static cflight_status list_run(struct run *run, cflight_error **reterr)
{
    cflight_sql_server *server = run->call.server;
    const struct cflight_sql_server_options *options = &server->options;
    uint32_t own_count = 0;
    (void)pthread_mutex_lock(&server->mutex);
    struct cfl_list *head = &server->locked.runs;
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        const struct run *other = CFL_LIST_ENTRY(node, struct run, node);
        own_count += other->result->handle.owner == run->result->handle.owner ? 1 : 0;
    }
    bool is_full = server->locked.run_count >= options->polls_max;
    bool is_owner_full = own_count >= options->polls_per_owner_max;
    if (!is_full && !is_owner_full) {
        server->locked.run_count++;
        cfl_list_append(head, &run->node);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (is_full) {
        return cfl_sql_limit(reterr, "polls_max", options->polls_max,
                             "Too many statements run while their clients poll");
    }
    return is_owner_full
               ? cfl_sql_limit(reterr, "polls_per_owner_max", options->polls_per_owner_max,
                               "Too many statements of one user run while he polls")
               : CFLIGHT_OK;
}

static void unlist_run(struct run *run)
{
    cflight_sql_server *server = run->call.server;
    (void)pthread_mutex_lock(&server->mutex);
    server->locked.run_count--;
    cfl_list_remove(&run->node);
    (void)pthread_mutex_unlock(&server->mutex);
}

/* Makes the call independent of the handler that it began in. */
static cflight_status detach(struct run *run, cflight_error **reterr)
{
    cflight_sql_call *call = &run->call;
    cflight_status status = cflight_buffer_new_copy(call->identity, &run->identity, reterr);
    if (status == CFLIGHT_OK) {
        cfl_sql_call_detach(call);
        call->identity = cflight_buffer_bytes(run->identity);
        call->progress = &run->result->locked.progress;
        run->reader.call = call;
    }
    return status;
}

static cflight_status start(struct run *run, cflight_error **reterr)
{
    cflight_sql_server *server = run->call.server;
    cflight_status status = list_run(run, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = detach(run, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_result_add_reader(run->result, &run->reader, reterr);
    }
    if (status == CFLIGHT_OK) {
        (void)pthread_mutex_lock(&server->mutex); /* the thread is known before it can be joined */
        bool is_started = cfl_thread_start(&run->thread, NULL, NULL, run_statement, run) == 0;
        (void)pthread_mutex_unlock(&server->mutex);
        if (is_started) {
            return CFLIGHT_OK; /* the run may be gone */
        }
        cfl_sql_result_remove_reader(run->result, &run->reader);
        status = cfl_error_no_memory(reterr);
    }
    unlist_run(run);
    return status;
}

cflight_status cfl_sql_poll_begin(cflight_sql_server *server, cflight_server_context *context,
                                  const struct cflight_sql_message *command,
                                  struct cfl_sql_result **ret_result, cflight_error **reterr)
{
    struct cfl_sql_result *result = NULL;
    struct run *run = cfl_alloc_zeroed(server->alloc, sizeof *run);
    if (run == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_sql_call_begin(&run->call, server, context);
    cflight_status status = enter(run, command, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_result_polled(&run->call, &run->origin, &result, reterr);
    }
    if (status == CFLIGHT_OK) {
        cfl_refcount_up(&result->handle.refs);
        run->result = result;
        status = start(run, reterr);
    }
    if (status != CFLIGHT_OK) {
        free_run(run);
        if (result != NULL) {
            (void)cfl_sql_handle_remove(&result->handle);
            cfl_sql_handle_put(&result->handle);
        }
        return status;
    }
    *ret_result = result;
    return CFLIGHT_OK;
}

/* ---- waiting ---- */

struct waiting {
    cflight_sql_server *server;
    atomic_bool is_cancelled;
};

static void on_cancel(void *user_data)
{
    struct waiting *waiting = user_data;
    (void)pthread_mutex_lock(&waiting->server->mutex);
    atomic_store(&waiting->is_cancelled, true);
    (void)pthread_cond_broadcast(&waiting->server->polled);
    (void)pthread_mutex_unlock(&waiting->server->mutex);
}

static int64_t deadline_ns(const cflight_sql_server *server, const cflight_server_context *context)
{
    int64_t wait_ms = server->options.poll_ms;
    int64_t left_ms = cflight_server_context_remaining_ms(context);
    if (left_ms >= 0 && left_ms * 3 / 4 < wait_ms) { /* the answer needs time too */
        wait_ms = left_ms * 3 / 4;
    }
    return cfl_deadline_after_ms(cfl_clock_now_ns(NULL), wait_ms);
}

cflight_status cfl_sql_poll_wait(struct cfl_sql_result *result, cflight_server_context *context,
                                 struct cfl_sql_poll_state *ret_state, cflight_error **reterr)
{
    cflight_sql_server *server = result->handle.server;
    struct waiting waiting = {.server = server};
    int64_t until_ns = deadline_ns(server, context);
    bool is_late = false;
    atomic_init(&waiting.is_cancelled, false);
    cflight_server_context_on_cancel(context, on_cancel, &waiting);
    cfl_blocking_begin();
    (void)pthread_mutex_lock(&server->mutex);
    while (result->locked.is_running && !is_late && !atomic_load(&waiting.is_cancelled)) {
        is_late = !cfl_condition_wait_until(&server->polled, &server->mutex, until_ns);
    }
    ret_state->is_running = result->locked.is_running;
    ret_state->progress = result->locked.progress;
    cflight_status status = ret_state->is_running ? CFLIGHT_OK : result->locked.failure;
    cflight_error *error = status == CFLIGHT_OK ? NULL : result->locked.error;
    result->locked.error = status == CFLIGHT_OK ? result->locked.error : NULL;
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_blocking_end();
    cflight_server_context_on_cancel(context, NULL, NULL);
    if (status != CFLIGHT_OK) {
        (void)cfl_sql_handle_remove(&result->handle); /* the client knows now */
        if (reterr != NULL && error != NULL) {
            *reterr = error;
            return status;
        }
        cflight_error_free(error);
        return cflight_error_set_message(reterr, status, "The statement has failed");
    }
    if (atomic_load(&waiting.is_cancelled)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "The poll was cancelled");
    }
    return CFLIGHT_OK;
}
