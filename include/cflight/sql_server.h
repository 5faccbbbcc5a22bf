/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SQL_SERVER_H
#define CFLIGHT_SQL_SERVER_H

#include "cflight/server.h"
#include "cflight/sessions.h"
#include "cflight/sql.h"
#include "cflight/sql_info.h"

/// @file
/// A Flight SQL server over a database of yours: a table of functions, of which one is needed.
///
/// The kit owns what can be got wrong: messages and schemas, filters and order, tickets, handles
/// with their owners, limits and time-outs, the one execution of statements that change something,
/// answers to uploads that never end, cancelling, sessions, and rolling back what clients left
/// behind. A function that is missing is answered CFLIGHT_UNIMPLEMENTED, and SqlInfo says so. What
/// is not Flight SQL goes to `flight` of the options: one server can be both.
///
/// **Sessions.** An engine session (a connection to the database, mostly) is made by `open_session`
/// for whoever needs one: a client that keeps its cookie has one for as long as its Flight session
/// lasts; a transaction, a prepared statement or a result of a client without one holds its own. A
/// statement runs in the session of its transaction, else of its prepared statement, else of the
/// caller. **The kit calls at most one function at a time for a session**, pulls of its streams
/// included, but for `interrupt`; different sessions run at once.
///
/// Functions run on the library's threads, may block, and run under none of its locks. Everything
/// handed in is borrowed until they return. Errors travel to the client; give a SQLSTATE with
/// cflight_sql_error_set_state().
///
///     struct cflight_sql_handlers handlers = CFLIGHT_SQL_HANDLERS_INIT;
///     handlers.execute = my_execute;
///     cflight_sql_server *server = NULL;
///     if (cflight_sql_server_new("grpc://localhost:0", &handlers, NULL, &server, &error) != 0)
///     {..} cflight_server_wait(cflight_sql_server_flight(server));
///     cflight_sql_server_free(server);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_sql_server cflight_sql_server;

/// For whom a function is called. Valid until it returns.
typedef struct cflight_sql_call cflight_sql_call;

/// The engine session that the call runs in; NULL without `open_session`.
CFLIGHT_EXPORT void *
cflight_sql_call_session(const cflight_sql_call *call);
/// Who calls: what authentication has named, or empty.
CFLIGHT_EXPORT struct cflight_bytes
cflight_sql_call_identity(const cflight_sql_call *call);
/// Tells whether the client keeps a session from call to call, so that SQL may leave something in
/// it: a temporary table, a BEGIN.
CFLIGHT_EXPORT bool
cflight_sql_call_keeps_session(const cflight_sql_call *call);
/// Tells whether the call is part of a transaction that a client began by BeginTransaction.
CFLIGHT_EXPORT bool
cflight_sql_call_is_in_transaction(const cflight_sql_call *call);
/// The client cancelled, its deadline passed, or it has gone. Any thread.
CFLIGHT_EXPORT bool
cflight_sql_call_is_cancelled(const cflight_sql_call *call);
/// The call of Flight behind it, for its headers and middleware. NULL in a statement that runs on
/// while its client polls: each poll is a call of its own.
CFLIGHT_EXPORT cflight_server_context *
cflight_sql_call_context(const cflight_sql_call *call);

/// A statement: text, or a Substrait plan.
struct cflight_sql_query {
    struct cflight_bytes text; ///< as the client sent it; may hold any character
    bool is_substrait;
    struct cflight_bytes plan;    ///< with `is_substrait`: a serialised substrait.Plan
    struct cflight_bytes version; ///< with `is_substrait`: of Substrait, as the client says
};

/// What preparing a statement tells. Zeroed when it is handed in.
struct cflight_sql_plan {
    void *statement; ///< for `execute`; `free_statement` ends it
    /// Say it when it can be known: JDBC drivers send an update by another way than a query.
    enum cflight_sql_update is_update;
    /// Of the result, a struct type ("+s"), moved; leave it released for updates. JDBC takes a
    /// statement without it for an update.
    struct ArrowSchema schema;
    /// Of the parameters in their order, moved; released when there are none or they are not known.
    /// A field of the type null stands for a type that is not known; a guess serves JDBC better.
    struct ArrowSchema parameters;
    /// It leaves something in the session, as BEGIN does: the kit refuses it for clients without
    /// one, with CFLIGHT_FAILED_PRECONDITION.
    bool needs_session;
};

/// The kinds of values that parameters have.
enum cflight_sql_value_kind {
    CFLIGHT_SQL_VALUE_NULL = 0,
    CFLIGHT_SQL_VALUE_BOOL = 1,
    CFLIGHT_SQL_VALUE_INT = 2,    ///< integers, and dates, times and timestamps in their unit
    CFLIGHT_SQL_VALUE_UINT = 3,   ///< above INT64_MAX only
    CFLIGHT_SQL_VALUE_DOUBLE = 4, ///< floats of any width
    CFLIGHT_SQL_VALUE_TEXT = 5,
    CFLIGHT_SQL_VALUE_BYTES = 6, ///< binary
    CFLIGHT_SQL_VALUE_OTHER = 7, ///< decimals, intervals, nested types: look at the array
};

/// A value of one parameter. Only the member that `kind` names is meaningful.
struct cflight_sql_value {
    enum cflight_sql_value_kind kind;
    bool boolean;
    int64_t integer;
    uint64_t unsigned_integer;
    double real;
    struct cflight_bytes bytes; ///< of TEXT and BYTES
    /// Where it is: the field with its type, and the row of the array. Dictionaries are looked up
    /// already.
    const struct ArrowSchema *field;
    const struct ArrowArray *array;
    int64_t row;
};

/// The rows that a client has bound to a statement, which is to run once for each, as one unit: if
/// one fails nothing is kept, results follow each other in one stream, and counts are added up. The
/// kit has checked that there are as many columns as the plan has parameters.
typedef struct cflight_sql_parameters cflight_sql_parameters;

/// Goes to the next row. The values of the one before are no longer valid.
/// @param ret_has_row  False at the end.
CFLIGHT_CHECKED cflight_status
cflight_sql_parameters_next(cflight_sql_parameters *parameters, bool *ret_has_row,
                            cflight_error **reterr);
/// Rows after this one that are there already. Without any cflight_sql_parameters_next() may wait
/// for the client: whoever holds a lock gives it up before.
CFLIGHT_EXPORT size_t
cflight_sql_parameters_ready(const cflight_sql_parameters *parameters);
/// Columns of each row.
CFLIGHT_EXPORT size_t
cflight_sql_parameters_count(const cflight_sql_parameters *parameters);
/// Gives the value of a column in this row. @return CFLIGHT_OK; CFLIGHT_OUT_OF_RANGE;
/// CFLIGHT_FAILED_PRECONDITION (there is no row)
CFLIGHT_CHECKED cflight_status
cflight_sql_parameters_value(const cflight_sql_parameters *parameters, size_t column,
                             struct cflight_sql_value *ret_value, cflight_error **reterr);
/// Gives all rows as a stream instead, for engines that take Arrow.
/// @param ret_stream  Caller's storage; release it before the function returns.
CFLIGHT_CHECKED cflight_status
cflight_sql_parameters_stream(cflight_sql_parameters *parameters,
                              struct ArrowArrayStream *ret_stream, cflight_error **reterr);

/// What an execution gives. Call one of _set_stream(), _set_row_count() and _add_partition(), the
/// last any number of times; a function that calls none has given 0 rows. Thread class: one at a
/// time.
typedef struct cflight_sql_execution cflight_sql_execution;

/// Tells whether the client wants rows or a count. Who gives rows when a count is wanted has them
/// counted and dropped.
CFLIGHT_EXPORT bool
cflight_sql_execution_wants_rows(const cflight_sql_execution *execution);
/// The result as a stream, moved on success. Its get_next is called when the client has room, on
/// any thread, one at a time with all else of the session; its release ends the execution. What it
/// fails with becomes CFLIGHT_CANCELLED for ECANCELED, CFLIGHT_DEADLINE_EXCEEDED for ETIMEDOUT,
/// CFLIGHT_RESOURCE_EXHAUSTED for ENOMEM and ENOBUFS, else CFLIGHT_INTERNAL.
CFLIGHT_CHECKED cflight_status
cflight_sql_execution_set_stream(cflight_sql_execution *execution, struct ArrowArrayStream *stream,
                                 cflight_error **reterr);
/// The rows that an update has affected; -1 when that is not known. Of a prepared statement the
/// client is told 0 then, since JDBC would run it again for -1.
CFLIGHT_EXPORT void
cflight_sql_execution_set_row_count(cflight_sql_execution *execution, int64_t row_count);
/// The size of the result, as far as it is known before it is read; -1 is unknown.
CFLIGHT_EXPORT void
cflight_sql_execution_set_total(cflight_sql_execution *execution, int64_t row_count,
                                int64_t size_bytes);
/// How far the execution is, from 0 to 1, for a client that polls. Any thread, until the function
/// returns.
CFLIGHT_EXPORT void
cflight_sql_execution_set_progress(cflight_sql_execution *execution, double progress);
/// Adds a part of the result that clients can fetch beside the others, each by `read_partition`,
/// maybe more than once. Their order is that of the result.
/// @param schema     Of the whole result; the same each time.
/// @param partition  Names the part, in words of your own; copied. At most 64 KiB.
/// @param locations  URIs of servers that have it; none is this one.
CFLIGHT_CHECKED cflight_status
cflight_sql_execution_add_partition(cflight_sql_execution *execution,
                                    const struct ArrowSchema *schema,
                                    struct cflight_bytes partition,
                                    const struct cflight_bytes *locations, size_t location_count,
                                    cflight_error **reterr);
/// Takes the rows of a listing. The kit filters them again, sorts them, drops doubles and knows
/// which columns may be null, so a function may give more than was asked for, in any order.
typedef struct cflight_sql_rows cflight_sql_rows;

/// For list_catalogs.
CFLIGHT_CHECKED cflight_status
cflight_sql_rows_add_catalog(cflight_sql_rows *rows, struct cflight_bytes catalog,
                             cflight_error **reterr);
/// For list_db_schemas. A catalog with NULL data is none.
CFLIGHT_CHECKED cflight_status
cflight_sql_rows_add_db_schema(cflight_sql_rows *rows, struct cflight_bytes catalog,
                               struct cflight_bytes db_schema, cflight_error **reterr);
/// For list_tables.
/// @param type    "TABLE", "VIEW", "SYSTEM TABLE", "LOCAL TEMPORARY", or one of your own.
/// @param schema  Its columns, a struct type ("+s"); cflight_sql_column_write() says more of each.
///                Needed where the filter has `include_schema`, else NULL. Borrowed.
CFLIGHT_CHECKED cflight_status
cflight_sql_rows_add_table(cflight_sql_rows *rows, const struct cflight_sql_table_name *name,
                           struct cflight_bytes type, const struct ArrowSchema *schema,
                           cflight_error **reterr);
/// For list_table_types.
CFLIGHT_CHECKED cflight_status
cflight_sql_rows_add_table_type(cflight_sql_rows *rows, struct cflight_bytes type,
                                cflight_error **reterr);
/// For list_primary_keys: one column of a key.
/// @param sequence  Place of the column in the key, from 1.
/// @param key_name  May be absent (NULL data).
CFLIGHT_CHECKED cflight_status
cflight_sql_rows_add_primary_key(cflight_sql_rows *rows, const struct cflight_sql_table_name *table,
                                 struct cflight_bytes column, int32_t sequence,
                                 struct cflight_bytes key_name, cflight_error **reterr);

/// What becomes of rows whose key is changed or deleted.
enum cflight_sql_key_rule {
    CFLIGHT_SQL_RULE_CASCADE = 0,
    CFLIGHT_SQL_RULE_RESTRICT = 1,
    CFLIGHT_SQL_RULE_SET_NULL = 2,
    CFLIGHT_SQL_RULE_NO_ACTION = 3,
    CFLIGHT_SQL_RULE_SET_DEFAULT = 4,
};

/// One column of a foreign key.
struct cflight_sql_foreign_key {
    struct cflight_sql_table_name pk_table; ///< that is pointed at
    struct cflight_bytes pk_column;
    struct cflight_sql_table_name fk_table; ///< that points
    struct cflight_bytes fk_column;
    int32_t sequence;             ///< from 1
    struct cflight_bytes fk_name; ///< optional
    struct cflight_bytes pk_name; ///< optional
    enum cflight_sql_key_rule update_rule;
    enum cflight_sql_key_rule delete_rule;
};
/// For list_foreign_keys.
CFLIGHT_CHECKED cflight_status
cflight_sql_rows_add_foreign_key(cflight_sql_rows *rows, const struct cflight_sql_foreign_key *key,
                                 cflight_error **reterr);

enum cflight_sql_nullable {
    CFLIGHT_SQL_NULLABLE_NO = 0,
    CFLIGHT_SQL_NULLABLE_YES = 1,
    CFLIGHT_SQL_NULLABLE_UNKNOWN = 2,
};
enum cflight_sql_searchable {
    CFLIGHT_SQL_SEARCHABLE_NO = 0,
    CFLIGHT_SQL_SEARCHABLE_LIKE = 1,  ///< by LIKE only
    CFLIGHT_SQL_SEARCHABLE_BASIC = 2, ///< by all but LIKE
    CFLIGHT_SQL_SEARCHABLE_FULL = 3,
};

/// A type of the database, as JDBC and ODBC describe types. An optional number counts when its
/// `has_` is set.
struct cflight_sql_type_row {
    struct cflight_bytes type_name;
    int32_t data_type; ///< enum cflight_sql_xdbc_type
    bool has_column_size;
    int32_t column_size;
    struct cflight_bytes literal_prefix;       ///< optional
    struct cflight_bytes literal_suffix;       ///< optional
    const struct cflight_bytes *create_params; ///< "length", "precision", "scale"; none is NULL
    size_t create_param_count;
    enum cflight_sql_nullable nullable;
    bool is_case_sensitive;
    enum cflight_sql_searchable searchable;
    enum cflight_sql_flag is_unsigned; ///< NONE: not a number
    bool has_fixed_precision_scale;
    enum cflight_sql_flag is_auto_increment;
    struct cflight_bytes local_type_name; ///< optional
    bool has_scales;
    int32_t minimum_scale;
    int32_t maximum_scale;
    int32_t sql_data_type; ///< as data_type; CFLIGHT_SQL_XDBC_DATETIME or INTERVAL for those
    bool has_datetime_subcode;
    int32_t datetime_subcode; ///< 1 date, 2 time, 3 timestamp, 4 and 5 with time zone, 101 to 113
    bool has_num_prec_radix;
    int32_t num_prec_radix; ///< 2 approximate, 10 exact
    bool has_interval_precision;
    int32_t interval_precision;
};
/// For list_types.
CFLIGHT_CHECKED cflight_status
cflight_sql_rows_add_type(cflight_sql_rows *rows, const struct cflight_sql_type_row *type,
                          cflight_error **reterr);

/// The functions. Copied; `user_data` is given to each and must outlive the server. `session` is
/// what open_session made, NULL without it. All but `execute` may be NULL.
struct cflight_sql_handlers {
    size_t struct_size;
    void *user_data;

    /// Makes an engine session. `call` tells who wants it; it has none yet.
    cflight_status (*open_session)(void *user_data, cflight_sql_call *call, void **ret_session,
                                   cflight_error **reterr);
    /// Makes a session as new, for another user too: rolls back, drops temporary tables and what
    /// set_option did. Returns false when it cannot: then it is closed. Without this function none
    /// is used twice.
    bool (*reset_session)(void *user_data, void *session);
    void (*close_session)(void *user_data, void *session);
    /// Sets an option of the session, such as "catalog" and "schema" (by convention, where names
    /// are looked up); a value of type NONE takes it back. CFLIGHT_SESSION_ERROR_UNSPECIFIED
    /// accepts it. Without this function all are accepted and kept, and nothing else. Called again
    /// for each when a client's session gets another engine session.
    enum cflight_session_error_code (*set_option)(void *user_data, void *session,
                                                  const struct cflight_session_option *option);

    /// Plans a statement without running it. With it come prepared statements, and schemas without
    /// execution; the kit then calls it before every execution. Syntax errors are
    /// CFLIGHT_INVALID_ARGUMENT, unknown tables CFLIGHT_NOT_FOUND.
    cflight_status (*prepare)(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query,
                              struct cflight_sql_plan *ret_plan, cflight_error **reterr);
    void (*free_statement)(void *user_data, void *session, void *statement);
    /// Runs a statement. A query may be run again when its client fetches the result twice; what
    /// the plan calls an update, or says nothing of, runs once for each request of a client.
    /// @param statement   What prepare made; NULL without that function.
    /// @param parameters  NULL when nothing is bound.
    cflight_status (*execute)(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query, void *statement,
                              cflight_sql_parameters *parameters, cflight_sql_execution *execution,
                              cflight_error **reterr);
    /// Opens a partition that an execution has named, in the session of that execution.
    cflight_status (*read_partition)(void *user_data, cflight_sql_call *call,
                                     struct cflight_bytes partition,
                                     struct ArrowArrayStream *ret_stream, cflight_error **reterr);
    /// Ends what the session is doing soon, with CFLIGHT_CANCELLED or any failure: the client has
    /// cancelled or has gone. From another thread, beside the function that runs; must not block.
    /// May come late, when nothing runs any more.
    void (*interrupt)(void *user_data, void *session);

    /// Stores the rows of an upload, all or none.
    /// @param rows           Released by the kit. What cannot be stored is CFLIGHT_UNIMPLEMENTED,
    ///                       naming column and type; a schema that does not fit the table is
    ///                       CFLIGHT_ALREADY_EXISTS, as is a table that must not be there; one that
    ///                       must be there is CFLIGHT_NOT_FOUND.
    /// @param ret_row_count  -1 when it is not known.
    cflight_status (*ingest)(void *user_data, cflight_sql_call *call,
                             const struct cflight_sql_ingest_target *target,
                             struct ArrowArrayStream *rows, int64_t *ret_row_count,
                             cflight_error **reterr);

    /// Transactions, each in a session that nothing else uses meanwhile. With begin come commit
    /// and rollback; with savepoint the two that end one. rollback is called too for what clients
    /// left behind. `name` is the kit's, of letters, digits and '_'.
    cflight_status (*begin)(void *user_data, void *session, cflight_error **reterr);
    cflight_status (*commit)(void *user_data, void *session, cflight_error **reterr);
    cflight_status (*rollback)(void *user_data, void *session, cflight_error **reterr);
    cflight_status (*savepoint)(void *user_data, void *session, const char *name,
                                cflight_error **reterr);
    cflight_status (*release_savepoint)(void *user_data, void *session, const char *name,
                                        cflight_error **reterr);
    cflight_status (*rollback_to_savepoint)(void *user_data, void *session, const char *name,
                                            cflight_error **reterr);

    /// Listings. Filters are hints: the kit applies them again, patterns as
    /// cflight_sql_pattern_matches() does, without case where SqlInfo says that names have none.
    cflight_status (*list_catalogs)(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                    cflight_error **reterr);
    cflight_status (*list_db_schemas)(void *user_data, cflight_sql_call *call,
                                      const struct cflight_sql_db_schemas *filter,
                                      cflight_sql_rows *rows, cflight_error **reterr);
    cflight_status (*list_tables)(void *user_data, cflight_sql_call *call,
                                  const struct cflight_sql_tables *filter, cflight_sql_rows *rows,
                                  cflight_error **reterr);
    cflight_status (*list_table_types)(void *user_data, cflight_sql_call *call,
                                       cflight_sql_rows *rows, cflight_error **reterr);
    /// Where the name of the table that is asked for is empty, rows of any table pass.
    cflight_status (*list_primary_keys)(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_table_name *table,
                                        cflight_sql_rows *rows, cflight_error **reterr);
    /// For exported keys `filter->fk.table` is absent, for imported ones `filter->pk.table`.
    cflight_status (*list_foreign_keys)(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_cross_reference *filter,
                                        cflight_sql_rows *rows, cflight_error **reterr);
    cflight_status (*list_types)(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                 cflight_error **reterr);

    /// Tells what a stream of execute() or read_partition() has failed with, after its get_next()
    /// did: status, text, and what cflight_sql_error_set_state() adds. Without this function, or
    /// when it returns CFLIGHT_OK, the text is that of get_last_error(), and the status follows
    /// from what get_next() returned.
    cflight_status (*stream_error)(void *user_data, struct ArrowArrayStream *stream,
                                   cflight_error **reterr);
};

#define CFLIGHT_SQL_HANDLERS_INIT CFLIGHT_SIZED_INIT(struct cflight_sql_handlers)

/// Past a limit the call ends with CFLIGHT_RESOURCE_EXHAUSTED, and the error has the limit's name.
struct cflight_sql_server_options {
    size_t struct_size;
    /// Of the Flight server: TLS, authentication, middleware, limits; NULL for defaults. Without
    /// authentication the kit answers every handshake with a token that nobody checks, since many
    /// clients ask for one.
    const struct cflight_server_options *server;
    /// Handlers of what is not Flight SQL; NULL: refused. The kit keeps DoAction's standard names.
    const struct cflight_server_handlers *flight;
    /// What the server says of itself; copied. The kit adds what it knows: what it can do, limits,
    /// its version; and where the application does not say what its SQL has (codes from 515), no,
    /// none and no limit, since JDBC's driver fails without. NULL: only that.
    const cflight_sql_info *info;
    bool takes_substrait; ///< statements may be Substrait plans

    uint32_t statements_max;           ///< prepared, in all; 0 is 10000
    uint32_t statements_per_owner_max; ///< of one user; 0 is 1000
    int64_t statement_idle_ms;         ///< prepared and not used so long, they end; 0 is 30 minutes
    uint32_t transactions_max;         ///< open, in all; 0 is 1000
    uint32_t transactions_per_owner_max; ///< 0 is 100
    int64_t transaction_idle_ms;         ///< not used so long, they are rolled back; 0 is 5 minutes
    int64_t transaction_total_ms;        ///< from their beginning; 0 is one hour
    uint32_t savepoints_max;             ///< of one transaction; 0 is 100
    /// Results, in all; 0 is 10000. Past this limit, results_per_owner_max or results_bytes_max,
    /// those that their clients have fetched, or got with the first answer, make room, the longest
    /// unused first: their tickets are CFLIGHT_NOT_FOUND then. Those that nobody has fetched stay,
    /// and a new query is refused when there are only such.
    uint32_t results_max;
    uint32_t results_per_owner_max; ///< 0 is 1000
    int64_t result_ms;              ///< how long a ticket of a query is good; 0 is 5 minutes
    /// How long the engine's stream of a result stays open for a client that has not come; later
    /// the query is run again for it. 0 is 30 seconds.
    int64_t result_open_ms;
    /// A result that is complete within so many bytes is kept whole, its rows are counted, and a
    /// client that asks for it gets it at once. 0 is 64 KiB.
    uint32_t result_inline_bytes;
    uint64_t results_bytes_max;     ///< of all results that are kept; 0 is 64 MiB
    uint64_t bound_bytes_max;       ///< of the rows bound to one statement; 0 is 16 MiB
    uint64_t bound_bytes_total_max; ///< of all; 0 is 256 MiB
    uint64_t listing_bytes_max;     ///< memory of one listing; 0 is 256 MiB
    uint32_t idle_sessions_max;     ///< engine sessions kept for reuse (reset_session); 0 is 16
    /// Limit on the wait for a session or transaction that another call is using; 0 is 1 minute.
    int64_t session_wait_ms;
    /// A key of at least CFLIGHT_SEAL_KEY_BYTES_MIN random bytes (cflight/seal.h), copied; empty:
    /// none. With it the ticket of a query carries the statement and what is bound to it: nothing
    /// runs before a client fetches it, and any server with the same key and the same data can
    /// serve it. Updates run at once as without a key. Needs `prepare`, which must say what is a
    /// query. In a transaction, or for a client that keeps a session, tickets are of this server
    /// alone.
    struct cflight_bytes ticket_key;
    uint32_t ticket_bytes_max; ///< of what such a ticket carries; 0 is 64 KiB
    /// Statements that run on while their clients poll (PollFlightInfo), each on a thread of its
    /// own, in all; 0 is 64.
    uint32_t polls_max;
    uint32_t polls_per_owner_max; ///< of one user; 0 is 16
    int64_t poll_ms;              ///< how long a poll waits for the end; 0 is 1 second
    int64_t poll_idle_ms;         ///< not polled so long, a statement is cancelled; 0 is 1 minute
    /// Where the sessions of clients are: for limits of your own, or to end those of a user. NULL
    /// is a store with default limits. The kit adds its middleware; another reference is taken.
    cflight_session_store *sessions;
};

#define CFLIGHT_SQL_SERVER_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_sql_server_options)

/// Starts a server: when this returns it is listening.
/// @param location  As for cflight_server_new().
/// @return as cflight_server_new(); CFLIGHT_INVALID_ARGUMENT (no `execute`; functions that belong
///         together and are not all there)
CFLIGHT_CHECKED cflight_status
cflight_sql_server_new(const char *location, const struct cflight_sql_handlers *handlers,
                       const struct cflight_sql_server_options *options,
                       cflight_sql_server **ret_server, cflight_error **reterr);
/// The Flight server, for its port and location, to wait, to shut it down. Borrowed: never free it.
CFLIGHT_EXPORT cflight_server *
cflight_sql_server_flight(cflight_sql_server *server);
/// Waits for a server that shuts down, then rolls back open transactions and closes sessions, as
/// cflight_sql_server_free() does: for an application whose own things go before the server is
/// freed. What is allowed after it is this, to count, and to free. Not from one of the functions.
CFLIGHT_EXPORT void
cflight_sql_server_finish(cflight_sql_server *server);
/// Shuts down without grace, rolls back open transactions, closes sessions, waits, and frees. Not
/// from one of the functions. NULL is ignored.
CFLIGHT_EXPORT void
cflight_sql_server_free(cflight_sql_server *server);

/// What a server holds at the moment.
struct cflight_sql_server_counts {
    uint64_t session_count; ///< of the engine, idle ones included
    uint64_t idle_session_count;
    uint64_t statement_count;
    uint64_t transaction_count;
    uint64_t result_count;
    uint64_t result_bytes;
    uint64_t bound_bytes;
    uint64_t running_count; ///< executions
};
/// Any thread.
CFLIGHT_EXPORT void
cflight_sql_server_count(cflight_sql_server *server, struct cflight_sql_server_counts *ret_counts);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SQL_SERVER_H */
