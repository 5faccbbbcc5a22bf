/* SPDX-License-Identifier: Apache-2.0 */
/* Runs statements of SQL.
 *
 * Flight SQL has one call for statements that give rows and another for those that change
 * something, and some servers run what came by the wrong one all the same. So a statement whose
 * first word does not ask for rows is prepared, which runs nothing, and what the server says of it
 * decides; where it says nothing, the first word does. Servers that neither prepare nor know the
 * call for changes get them by the other. A query that a signal stops is stopped at the server,
 * too. */
#include "cli/commands/sql_statement.h"

#include <inttypes.h>

#include "cli/commands/sql_state.h"
#include "cli/system/clock.h"
#include "cli/system/interrupt.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

enum { CANCEL_TIMEOUT_MS = 2000, ROLLBACK_TIMEOUT_MS = 5000 };

/* A statement that is run. */
struct task {
    struct cli_sql *sql;
    struct cli_result *result;
    struct cflight_bytes text;
    cflight_sql_statement *prepared; /* NULL: it is sent as text */
    int64_t started_ns;
    struct cli_fetch fetch;
    struct cflight_sql_options options;
    struct cflight_info *info; /* of its rows */
};

static cflight_client *client_of(const struct cli_sql *sql)
{
    return sql->run->connection.client;
}

void cli_sql_call(const struct cli_sql *sql, struct cli_fetch *fetch,
                  struct cflight_sql_options *ret_options)
{
    cli_fetch_init(fetch, &sql->run->connection);
    *ret_options = (struct cflight_sql_options)CFLIGHT_SQL_OPTIONS_INIT;
    ret_options->call_options = &fetch->call_options;
    ret_options->fetch_options = &fetch->options;
    ret_options->transaction = sql->transaction;
}

static const struct cflight_sql_options *call(struct task *task)
{
    cli_sql_call(task->sql, &task->fetch, &task->options);
    return &task->options;
}

/* "3 rows in 12.345 ms". */
static void tell(const struct cli_sql *sql, int64_t started_ns, struct cli_text *note)
{
    if (sql->run->arguments->sql.shows_time) {
        cli_text_append_format(note, " in %.3f ms",
                               (double)(cli_now_ns() - started_ns) / CLI_NS_PER_MS);
    }
    cli_remark("%s", cli_text_terminated(note));
}

static void tell_text(const struct cli_sql *sql, int64_t started_ns, const char *text)
{
    struct cli_text note = CLI_TEXT_INIT;
    cli_text_append_string(&note, text);
    tell(sql, started_ns, &note);
    cli_text_done(&note);
}

/* ---- rows ---- */

/* Has the server stop a query that a signal has stopped here. */
static void stop(const struct task *task)
{
    enum cflight_cancel_status ignored = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    const struct cflight_call_options last =
        cli_connection_last_call(&task->sql->run->connection, CANCEL_TIMEOUT_MS);
    options.call_options = &last;
    if (task->info != NULL && cli_interrupt_signal() != 0 &&
        cflight_sql_cancel(client_of(task->sql), task->info, &options, &ignored, NULL) !=
            CFLIGHT_OK) {
        /* Its stream was reset, which stops it as well at servers that notice. */
    }
}

static cflight_status fetch_rows(struct task *task, cflight_error **reterr)
{
    struct ArrowArrayStream rows;
    const struct cflight_sql_options *options = call(task);
    task->options.ret_info = &task->info;
    cflight_status status =
        task->prepared == NULL
            ? cflight_sql_query(client_of(task->sql), task->text, options, &rows, reterr)
            : cflight_sql_statement_query(task->prepared, options, &rows, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_result_write(task->result, &task->fetch, &rows, -1, reterr);
    }
    if (status != CFLIGHT_OK) {
        stop(task);
    }
    cflight_info_free(task->info);
    return status;
}

static cflight_status run_query(struct task *task, cflight_error **reterr)
{
    struct cli_text note = CLI_TEXT_INIT;
    struct cli_result *result = task->result;
    if (result->format != CLI_FORMAT_TABLE && result->count > 0) {
        return cli_run_refuse(task->sql->run,
                              "a second result has no place here: only tables follow each other",
                              reterr);
    }
    cflight_status status = cli_result_open(result, reterr);
    if (status == CFLIGHT_OK) {
        status = fetch_rows(task, reterr);
    }
    if (status == CFLIGHT_OK) {
        cli_result_append_note(&note, result, &task->fetch, -1);
        tell(task->sql, task->started_ns, &note);
    }
    cli_text_done(&note);
    return status;
}

/* ---- changes ---- */

static cflight_status run_update(struct task *task, cflight_error **reterr)
{
    struct cli_text note = CLI_TEXT_INIT;
    int64_t row_count = -1;
    cflight_error *error = NULL;
    cflight_status status =
        task->prepared == NULL
            ? cflight_sql_update(client_of(task->sql), task->text, call(task), &row_count, &error)
            : cflight_sql_statement_update(task->prepared, NULL, call(task), &row_count, &error);
    if (status != CFLIGHT_OK) {
        cli_run_tell_doubt(error);
        return cli_error_give(error, reterr);
    }
    if (row_count >= 0) {
        cli_text_append_format(&note, "%" PRId64 " %s affected", row_count,
                               row_count == 1 ? "row" : "rows");
    } else {
        cli_text_append_string(&note, "done");
    }
    const struct cli_sql_arguments *given = &task->sql->run->arguments->sql;
    if (!given->is_update || given->shows_time) {
        tell(task->sql, task->started_ns, &note);
    }
    cli_text_clear(&note);
    if (given->is_update && row_count >= 0) {
        cli_text_append_format(&note, "%" PRId64 "\n", row_count);
        status = cli_run_print(task->sql->run, &note, reterr);
    }
    cli_text_done(&note);
    return status;
}

/* Asks the server what a statement gives. One that prepares nothing cannot tell. */
static cflight_status ask(struct task *task, enum cli_statement_kind *kind, cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status =
        cflight_sql_prepare(client_of(task->sql), task->text, call(task), &task->prepared, &error);
    if (status == CFLIGHT_UNIMPLEMENTED) {
        cflight_error_free(error);
        return CFLIGHT_OK;
    }
    if (status != CFLIGHT_OK) {
        return cli_error_give(error, reterr);
    }
    const struct ArrowSchema *schema = cflight_sql_statement_schema(task->prepared);
    enum cflight_sql_update is_update = cflight_sql_statement_is_update(task->prepared);
    if (is_update != CFLIGHT_SQL_UPDATE_UNKNOWN) {
        *kind = is_update == CFLIGHT_SQL_UPDATE_YES ? CLI_STATEMENT_UPDATE : CLI_STATEMENT_ROWS;
    } else if (schema != NULL) {
        *kind = schema->n_children == 0 ? CLI_STATEMENT_UPDATE : CLI_STATEMENT_ROWS;
    }
    return CFLIGHT_OK;
}

/* ---- transactions ---- */

cflight_status cli_sql_begin(struct cli_sql *sql, cflight_error **reterr)
{
    struct cli_fetch fetch;
    struct cflight_sql_options options;
    int64_t started_ns = cli_now_ns();
    if (sql->transaction != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "a transaction is open already");
    }
    cli_sql_call(sql, &fetch, &options);
    cflight_status status = cflight_sql_begin(client_of(sql), &options, &sql->transaction, reterr);
    if (status == CFLIGHT_OK) {
        tell_text(sql, started_ns, "a transaction has begun");
    }
    return status;
}

cflight_status cli_sql_commit(struct cli_sql *sql, cflight_error **reterr)
{
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    const struct cflight_call_options call_options = cli_connection_call(&sql->run->connection);
    int64_t started_ns = cli_now_ns();
    options.call_options = &call_options;
    cflight_error *error = NULL;
    cflight_status status = cflight_sql_transaction_commit(sql->transaction, &options, &error);
    if (status != CFLIGHT_OK) {
        cli_run_tell_doubt(error);
        (void)cli_error_give(error, reterr);
    } else {
        cflight_sql_transaction_free(sql->transaction);
        sql->transaction = NULL;
        tell_text(sql, started_ns, "committed");
    }
    return status;
}

cflight_status cli_sql_roll_back(struct cli_sql *sql, cflight_error **reterr)
{
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    const struct cflight_call_options last =
        cli_connection_last_call(&sql->run->connection, ROLLBACK_TIMEOUT_MS);
    int64_t started_ns = cli_now_ns();
    options.call_options = &last;
    cflight_status status = cflight_sql_transaction_rollback(sql->transaction, &options, reterr);
    cflight_sql_transaction_free(sql->transaction);
    sql->transaction = NULL;
    if (status == CFLIGHT_OK) {
        tell_text(sql, started_ns, "rolled back");
    }
    return status;
}

/* Does what a statement says that begins or ends a transaction. `*ret_is_done` is false when the
 * server is to be sent its text: what begins it has no other meaning there. */
static cflight_status control(struct cli_sql *sql, enum cli_statement_control kind,
                              bool *ret_is_done, cflight_error **reterr)
{
    cflight_error *error = NULL;
    *ret_is_done = true;
    if (sql->transaction != NULL && kind != CLI_CONTROL_BEGIN) {
        return kind == CLI_CONTROL_COMMIT ? cli_sql_commit(sql, reterr)
                                          : cli_sql_roll_back(sql, reterr);
    }
    if (kind != CLI_CONTROL_BEGIN) {
        *ret_is_done = false;
        return CFLIGHT_OK;
    }
    cflight_status status = cli_sql_begin(sql, &error);
    if (status == CFLIGHT_UNIMPLEMENTED || status == CFLIGHT_INVALID_ARGUMENT) {
        cflight_error_free(error); /* what servers say of an action that they do not know */
        *ret_is_done = false;
        return CFLIGHT_OK;
    }
    return status == CFLIGHT_OK ? CFLIGHT_OK : cli_error_give(error, reterr);
}

void cli_sql_done(struct cli_sql *sql)
{
    cflight_error *error = NULL;
    if (sql->transaction != NULL && cli_sql_roll_back(sql, &error) != CFLIGHT_OK) {
        cli_message_error("rolling back", error);
        cflight_error_free(error);
    }
    cli_connection_close_session(&sql->run->connection);
}

/* ---- all of them ---- */

/* As a query where the server has no other call: one that it does not know has run nothing. */
static cflight_status run_change(struct task *task, cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status = run_update(task, &error);
    if (status == CFLIGHT_UNIMPLEMENTED && task->prepared == NULL &&
        !task->sql->run->arguments->sql.is_update) {
        cflight_error_free(error);
        return run_query(task, reterr);
    }
    return status == CFLIGHT_OK ? CFLIGHT_OK : cli_error_give(error, reterr);
}

static cflight_status run_text(struct task *task, const struct cli_statement *statement,
                               cflight_error **reterr)
{
    enum cli_statement_kind kind = cli_statement_kind(statement);
    cflight_status status = CFLIGHT_OK;
    if (task->sql->run->arguments->sql.is_update) {
        kind = CLI_STATEMENT_UPDATE;
    } else if (kind != CLI_STATEMENT_ROWS) {
        status = ask(task, &kind, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = kind == CLI_STATEMENT_UPDATE ? run_change(task, reterr) : run_query(task, reterr);
    }
    cflight_sql_statement_free(task->prepared);
    return status;
}

cflight_status cli_sql_run(struct cli_sql *sql, struct cli_result *result,
                           const struct cli_statement *statement, cflight_error **reterr)
{
    struct task task = {
        .sql = sql, .result = result, .text = statement->text, .started_ns = cli_now_ns()};
    enum cli_statement_control kind = cli_statement_control(statement);
    cflight_error *error = NULL;
    bool is_done = false;
    cflight_status status =
        kind == CLI_CONTROL_NONE ? CFLIGHT_OK : control(sql, kind, &is_done, &error);
    if (status == CFLIGHT_OK && !is_done) {
        status = run_text(&task, statement, &error);
    }
    if (status != CFLIGHT_OK) {
        cli_sql_tell_state(error, statement);
        (void)cli_error_give(error, reterr);
    }
    return status;
}
