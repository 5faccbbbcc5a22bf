/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SQL_CLIENT_H
#define CFLIGHT_SQL_CLIENT_H

#include "cflight/client.h"
#include "cflight/fetch.h"
#include "cflight/loop.h"
#include "cflight/sql.h"
#include "cflight/sql_info.h"

/// @file
/// Queries and all else of Flight SQL, over a client of cflight/client.h.
///
/// The functions are for any number of threads, as the client is. Each takes the limits, headers
/// and cancel handle of its calls from the options. **Nothing is sent twice**: a statement may have
/// run when its call fails, unless cflight_error_retry() says that it certainly has not. Errors
/// name the call; what the database says beyond the text is in cflight_sql_error_get_state().
///
/// Sessions, and transactions begun by SQL's own BEGIN, need cookies: make the client with the
/// middleware of cflight/cookies.h.
///
///     struct ArrowArrayStream rows;
///     struct cflight_bytes query = cflight_bytes_from_text("SELECT * FROM airports");
///     if (cflight_sql_query(client, query, NULL, &rows, &error) == CFLIGHT_OK) {
///         ...; rows.release(&rows);
///     }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// A transaction, and a prepared statement. One call at a time, each. They keep the client alive.
typedef struct cflight_sql_transaction cflight_sql_transaction;
typedef struct cflight_sql_statement cflight_sql_statement;

/// Borrowed while the function runs, but for what cflight/fetch.h says of a stream that is open.
struct cflight_sql_options {
    size_t struct_size;
    /// Of each call; NULL for none.
    const struct cflight_call_options *call_options;
    /// How results are fetched; NULL for defaults. Its `call_options` is for the fetching alone;
    /// NULL: those above.
    const struct cflight_fetch_options *fetch_options;
    /// The transaction that a statement is part of; NULL: each is its own.
    const cflight_sql_transaction *transaction;
    /// A server that knows the header sends a result that is complete within so many bytes with
    /// its first answer, which saves a round trip; others ignore it. 0 is 64 KiB; `inline_is_off`
    /// asks for none.
    uint32_t inline_bytes_max;
    bool inline_is_off;
    /// Of functions that give rows: receives the description of the result as soon as it is there,
    /// also when the function then fails, to stop the query by (cflight_sql_cancel()). Free it with
    /// cflight_info_free(). NULL: it is not wanted.
    struct cflight_info **ret_info;
};

#define CFLIGHT_SQL_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_sql_options)

/// Runs a query and gives its rows, from all endpoints, as one stream.
/// @param query       UTF-8.
/// @param ret_stream  Caller's storage; release it, at any time, to drop the rest: the server
/// stops.
///                    Its failures are explained by cflight_fetch_error().
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (the server: an error in the SQL);
///         CFLIGHT_FAILED_PRECONDITION (the transaction of the options is over); CFLIGHT_INTERNAL
///         (an answer that is none); any status of the calls
CFLIGHT_CHECKED cflight_status
cflight_sql_query(cflight_client *client, struct cflight_bytes query,
                  const struct cflight_sql_options *options, struct ArrowArrayStream *ret_stream,
                  cflight_error **reterr);
/// Runs a statement that changes something: one round trip.
/// @param ret_row_count  The rows affected; -1 when the server does not know.
CFLIGHT_CHECKED cflight_status
cflight_sql_update(cflight_client *client, struct cflight_bytes query,
                   const struct cflight_sql_options *options, int64_t *ret_row_count,
                   cflight_error **reterr);

/// The three below are for every command that has a result: the ten of metadata,
/// CFLIGHT_SQL_STATEMENT_QUERY, CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN and
/// CFLIGHT_SQL_PREPARED_STATEMENT_QUERY. The transaction of the options is added where the command
/// can have one and has none.
///
/// Asks for the description of a result: its endpoints can be fetched by other processes, by
/// cflight_fetch(). Statements run. No rows come along.
/// @param ret_info  Free it with cflight_info_free().
CFLIGHT_CHECKED cflight_status
cflight_sql_get_info(cflight_client *client, const struct cflight_sql_message *command,
                     const struct cflight_sql_options *options, struct cflight_info **ret_info,
                     cflight_error **reterr);
/// Asks for the schema of a result; no statement runs.
/// @param ret_schema  Caller's storage; release it.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_schema(cflight_client *client, const struct cflight_sql_message *command,
                       const struct cflight_sql_options *options, struct ArrowSchema *ret_schema,
                       cflight_error **reterr);
/// Asks for the result itself, as cflight_sql_query() does.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_rows(cflight_client *client, const struct cflight_sql_message *command,
                     const struct cflight_sql_options *options, struct ArrowArrayStream *ret_stream,
                     cflight_error **reterr);
/// Runs a Substrait plan that changes something. @param plan  A message with `substrait`.
CFLIGHT_CHECKED cflight_status
cflight_sql_update_by_plan(cflight_client *client, const struct cflight_sql_substrait_plan *plan,
                           const struct cflight_sql_options *options, int64_t *ret_row_count,
                           cflight_error **reterr);
/// Starts a query that may take long, or asks how far it is. With `descriptor` NULL the command is
/// sent; later what the last answer had as descriptor.
/// @param ret_poll_info  Free it with cflight_poll_info_free().
CFLIGHT_CHECKED cflight_status
cflight_sql_poll(cflight_client *client, const struct cflight_sql_message *command,
                 const struct cflight_descriptor *descriptor,
                 const struct cflight_sql_options *options,
                 struct cflight_poll_info **ret_poll_info, cflight_error **reterr);
/// Asks the server to stop a query, by CancelFlightInfo, or where it does not know that, by
/// CancelQuery.
CFLIGHT_CHECKED cflight_status
cflight_sql_cancel(cflight_client *client, const struct cflight_info *info,
                   const struct cflight_sql_options *options,
                   enum cflight_cancel_status *ret_cancel_status, cflight_error **reterr);

/// Lists catalogs. This one and those below give streams with the columns of
/// cflight_sql_result_schema().
CFLIGHT_CHECKED cflight_status
cflight_sql_get_catalogs(cflight_client *client, const struct cflight_sql_options *options,
                         struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Lists schemas. @param filter  NULL for all.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_db_schemas(cflight_client *client, const struct cflight_sql_db_schemas *filter,
                           const struct cflight_sql_options *options,
                           struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Lists tables. @param filter  NULL for all, without their schemas.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_tables(cflight_client *client, const struct cflight_sql_tables *filter,
                       const struct cflight_sql_options *options,
                       struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Gives the schema of one table by its exact name: what other tables match it as a pattern is left
/// out.
/// @return CFLIGHT_NOT_FOUND when there is none, CFLIGHT_FAILED_PRECONDITION when there are several
CFLIGHT_CHECKED cflight_status
cflight_sql_get_table_schema(cflight_client *client, const struct cflight_sql_table_name *name,
                             const struct cflight_sql_options *options,
                             struct ArrowSchema *ret_schema, cflight_error **reterr);
/// Finds it in the rows that GET_TABLES with `include_schema` gave, as an event loop does.
/// @param rows  Read to its end and released.
/// @return as cflight_sql_get_table_schema(); CFLIGHT_DATA_LOSS (not rows of tables)
CFLIGHT_CHECKED cflight_status
cflight_sql_find_table_schema(struct ArrowArrayStream *rows,
                              const struct cflight_sql_table_name *name,
                              struct ArrowSchema *ret_schema, cflight_error **reterr);
/// Lists the types of tables that there are.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_table_types(cflight_client *client, const struct cflight_sql_options *options,
                            struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Lists the columns of a primary key. Some servers have `key_name` before `key_sequence`: find
/// columns by name.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_primary_keys(cflight_client *client, const struct cflight_sql_table_name *table,
                             const struct cflight_sql_options *options,
                             struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Lists the foreign keys elsewhere that point at a table.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_exported_keys(cflight_client *client, const struct cflight_sql_table_name *table,
                              const struct cflight_sql_options *options,
                              struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Lists the foreign keys of a table.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_imported_keys(cflight_client *client, const struct cflight_sql_table_name *table,
                              const struct cflight_sql_options *options,
                              struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Lists the foreign keys of one table that point at another.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_cross_reference(cflight_client *client,
                                const struct cflight_sql_cross_reference *tables,
                                const struct cflight_sql_options *options,
                                struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Lists the types of the database. @param filter  NULL for all.
CFLIGHT_CHECKED cflight_status
cflight_sql_get_type_info(cflight_client *client, const struct cflight_sql_type_filter *filter,
                          const struct cflight_sql_options *options,
                          struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Asks what the server says of itself.
/// @param codes     None asks for all of the standard.
/// @param ret_info  Free it with cflight_sql_info_free().
CFLIGHT_CHECKED cflight_status
cflight_sql_get_sql_info(cflight_client *client, const uint32_t *codes, size_t code_count,
                         const struct cflight_sql_options *options, cflight_sql_info **ret_info,
                         cflight_error **reterr);

/// Has a statement planned, to be run any number of times.
/// @param ret_statement  Close it with cflight_sql_statement_close(), free it in any case.
CFLIGHT_CHECKED cflight_status
cflight_sql_prepare(cflight_client *client, struct cflight_bytes query,
                    const struct cflight_sql_options *options,
                    cflight_sql_statement **ret_statement, cflight_error **reterr);
/// As cflight_sql_prepare(), of a Substrait plan.
CFLIGHT_CHECKED cflight_status
cflight_sql_prepare_plan(cflight_client *client, const struct cflight_sql_substrait_plan *plan,
                         const struct cflight_sql_options *options,
                         cflight_sql_statement **ret_statement, cflight_error **reterr);
/// Whether it changes something, as far as the server says.
CFLIGHT_EXPORT enum cflight_sql_update
cflight_sql_statement_is_update(const cflight_sql_statement *statement);
/// The schema of its result; NULL when the server gave none. Borrowed.
CFLIGHT_EXPORT const struct ArrowSchema *
cflight_sql_statement_schema(const cflight_sql_statement *statement);
/// The schema of its parameters, in their order; NULL when the server gave none. Borrowed.
CFLIGHT_EXPORT const struct ArrowSchema *
cflight_sql_statement_parameters(const cflight_sql_statement *statement);
/// The handle, as it is now: servers may replace it when rows are bound. Borrowed.
CFLIGHT_EXPORT struct cflight_bytes
cflight_sql_statement_handle(const cflight_sql_statement *statement);
/// Sends rows of parameters, which stay bound until others replace them: columns by position, one
/// execution for each row.
/// @param rows  Read to its end; the caller releases it.
CFLIGHT_CHECKED cflight_status
cflight_sql_statement_bind(cflight_sql_statement *statement, struct ArrowArrayStream *rows,
                           const struct cflight_sql_options *options, cflight_error **reterr);
/// Runs it as a query. @return as cflight_sql_query()
CFLIGHT_CHECKED cflight_status
cflight_sql_statement_query(cflight_sql_statement *statement,
                            const struct cflight_sql_options *options,
                            struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/// Runs it as an update.
/// @param rows           Parameters, sent with it: one round trip. NULL: what was bound. Read to
///                       its end; the caller releases it.
/// @param ret_row_count  Of all rows together; -1 when the server does not know.
CFLIGHT_CHECKED cflight_status
cflight_sql_statement_update(cflight_sql_statement *statement, struct ArrowArrayStream *rows,
                             const struct cflight_sql_options *options, int64_t *ret_row_count,
                             cflight_error **reterr);
/// Tells the server that it is needed no more; one that it has forgotten already is closed well.
/// Later calls with it fail with CFLIGHT_FAILED_PRECONDITION.
CFLIGHT_CHECKED cflight_status
cflight_sql_statement_close(cflight_sql_statement *statement,
                            const struct cflight_sql_options *options, cflight_error **reterr);
/// Frees it; one that is not closed is, with what comes of it ignored, within a second. NULL is
/// ignored.
CFLIGHT_EXPORT void
cflight_sql_statement_free(cflight_sql_statement *statement);

/// Begins a transaction.
/// @return CFLIGHT_OK; CFLIGHT_UNIMPLEMENTED (the server has none); any status of the call
CFLIGHT_CHECKED cflight_status
cflight_sql_begin(cflight_client *client, const struct cflight_sql_options *options,
                  cflight_sql_transaction **ret_transaction, cflight_error **reterr);
/// Ends it and keeps what it did. When the call fails it may have been kept or not; it can still be
/// rolled back.
CFLIGHT_CHECKED cflight_status
cflight_sql_transaction_commit(cflight_sql_transaction *transaction,
                               const struct cflight_sql_options *options, cflight_error **reterr);
/// Ends it and takes back what it did.
CFLIGHT_CHECKED cflight_status
cflight_sql_transaction_rollback(cflight_sql_transaction *transaction,
                                 const struct cflight_sql_options *options, cflight_error **reterr);
/// The id. Borrowed from the transaction.
CFLIGHT_EXPORT struct cflight_bytes
cflight_sql_transaction_id(const cflight_sql_transaction *transaction);
/// Frees it; one that is open is rolled back, with what comes of it ignored, within a second. NULL
/// is ignored.
CFLIGHT_EXPORT void
cflight_sql_transaction_free(cflight_sql_transaction *transaction);
/// Marks a point in a transaction that it can be taken back to.
/// @param ret_savepoint  The id; unref it.
CFLIGHT_CHECKED cflight_status
cflight_sql_savepoint(cflight_sql_transaction *transaction, struct cflight_bytes name,
                      const struct cflight_sql_options *options, cflight_buffer **ret_savepoint,
                      cflight_error **reterr);
/// Forgets a savepoint and those after it (CFLIGHT_SQL_END_RELEASE), or takes back what was done
/// since (CFLIGHT_SQL_END_ROLLBACK): then it stays, and later ones are gone.
CFLIGHT_CHECKED cflight_status
cflight_sql_savepoint_end(cflight_sql_transaction *transaction, struct cflight_bytes savepoint,
                          enum cflight_sql_end_action action,
                          const struct cflight_sql_options *options, cflight_error **reterr);

/// The four usual ways to fill a table, for the two members of cflight_sql_ingest_target.
#define CFLIGHT_SQL_INGEST_CREATE CFLIGHT_SQL_IF_MISSING_CREATE, CFLIGHT_SQL_IF_EXISTS_FAIL
#define CFLIGHT_SQL_INGEST_APPEND CFLIGHT_SQL_IF_MISSING_FAIL, CFLIGHT_SQL_IF_EXISTS_APPEND
#define CFLIGHT_SQL_INGEST_CREATE_APPEND CFLIGHT_SQL_IF_MISSING_CREATE, CFLIGHT_SQL_IF_EXISTS_APPEND
#define CFLIGHT_SQL_INGEST_REPLACE CFLIGHT_SQL_IF_MISSING_CREATE, CFLIGHT_SQL_IF_EXISTS_REPLACE

/// Uploads rows into a table.
/// @param target         Its transaction is that of the options when it has none.
/// @param rows           Read to its end; the caller releases it.
/// @param ret_row_count  -1 when the server does not know.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (no table, or a mode that is not said); the
///         server's: CFLIGHT_ALREADY_EXISTS, CFLIGHT_NOT_FOUND; any status of the call, or
///         CFLIGHT_INTERNAL with the stream's own error
CFLIGHT_CHECKED cflight_status
cflight_sql_ingest(cflight_client *client, const struct cflight_sql_ingest_target *target,
                   struct ArrowArrayStream *rows, const struct cflight_sql_options *options,
                   int64_t *ret_row_count, cflight_error **reterr);

/// A request of Flight SQL for an event loop (cflight/loop.h). Thread class: loop only. Nothing
/// waits, not for a connection either (cflight_async_start()). The rows of an info come by
/// cflight_async_start() with DoGet, unless they came with it (cflight_sql_inline_rows()).
typedef struct cflight_sql_async cflight_sql_async;

/// What a request gives; free it with cflight_sql_answer_done().
struct cflight_sql_answer {
    struct cflight_info *info;           ///< of a command with a result
    struct cflight_sql_message *message; ///< of an upload, and of an action with a result
    struct cflight_poll_info *poll_info; ///< of cflight_sql_async_poll()
    struct ArrowSchema schema;           ///< of cflight_sql_async_get_schema(); else released
};

/// Frees what is in an answer, and empties it.
CFLIGHT_EXPORT void
cflight_sql_answer_done(struct cflight_sql_answer *answer);

/// Sends a command with a result, for its info; an update without rows; or an action.
/// @param message  A command, STATEMENT_UPDATE, PREPARED_STATEMENT_UPDATE (what was bound), or an
///                 action. Copied, as the options are.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (another message);
///         CFLIGHT_FAILED_PRECONDITION (the transaction of the options is over);
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_async_start(cflight_client *client, const struct cflight_sql_message *message,
                        const struct cflight_sql_options *options, cflight_sql_async **ret_async,
                        cflight_error **reterr);
/// Sends rows: PREPARED_STATEMENT_QUERY binds them, PREPARED_STATEMENT_UPDATE runs for each,
/// STATEMENT_INGEST stores them. Without rows it runs an update: PREPARED_STATEMENT_UPDATE,
/// STATEMENT_UPDATE, STATEMENT_SUBSTRAIT_PLAN.
/// @param rows  NULL for none; moved on success. The loop's thread takes a batch from it when the
///              last one has left, and with it the time that the stream needs.
/// @return as cflight_sql_async_start(), CFLIGHT_INVALID_ARGUMENT also for an ingest as of
///         cflight_sql_ingest(), CFLIGHT_INTERNAL with the stream's own error
CFLIGHT_CHECKED cflight_status
cflight_sql_async_upload(cflight_client *client, const struct cflight_sql_message *message,
                         struct ArrowArrayStream *rows, const struct cflight_sql_options *options,
                         cflight_sql_async **ret_async, cflight_error **reterr);
/// Asks for the schema of a result, as cflight_sql_get_schema().
/// @return as cflight_sql_async_start()
CFLIGHT_CHECKED cflight_status
cflight_sql_async_get_schema(cflight_client *client, const struct cflight_sql_message *command,
                             const struct cflight_sql_options *options,
                             cflight_sql_async **ret_async, cflight_error **reterr);
/// Starts a query that may take long, or asks how far it is, as cflight_sql_poll().
/// @return as cflight_sql_async_start()
CFLIGHT_CHECKED cflight_status
cflight_sql_async_poll(cflight_client *client, const struct cflight_sql_message *command,
                       const struct cflight_descriptor *descriptor,
                       const struct cflight_sql_options *options, cflight_sql_async **ret_async,
                       cflight_error **reterr);
/// Takes the answer if it is there.
/// @param ret_answer  Written when `*ret_is_ready`; yours.
/// @return CFLIGHT_OK, or the failure, the same every time
CFLIGHT_CHECKED cflight_status
cflight_sql_async_try_finish(cflight_sql_async *async, bool *ret_is_ready,
                             struct cflight_sql_answer *ret_answer, cflight_error **reterr);
/// Has `on_ready` called once when cflight_sql_async_try_finish() has something. NULL takes it
/// back.
CFLIGHT_EXPORT void
cflight_sql_async_notify(cflight_sql_async *async, cflight_ready_fn on_ready, void *user_data);
/// Cancels the call if it runs. NULL is ignored.
CFLIGHT_EXPORT void
cflight_sql_async_free(cflight_sql_async *async);
/// The rows that came with an info, if the server has sent them along (`inline_bytes_max`).
/// @param read_options  NULL for defaults; those of the call.
/// @param ret_stream    Caller's storage; release it. Untouched when there are none.
/// @return CFLIGHT_OK; CFLIGHT_DATA_LOSS (not valid Arrow)
CFLIGHT_CHECKED cflight_status
cflight_sql_inline_rows(const struct cflight_info *info,
                        const struct cflight_ipc_read_options *read_options, bool *ret_has_rows,
                        struct ArrowArrayStream *ret_stream, cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SQL_CLIENT_H */
