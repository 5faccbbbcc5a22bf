/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SQL_H
#define CFLIGHT_SQL_H

#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/types.h"

/// @file
/// The values of Flight SQL: its messages and their bytes on the wire, the schemas of its results,
/// what is said of a column, patterns, and the state of an SQL error.
///
/// Flight SQL has no calls of its own. Its messages travel in descriptors, tickets, and bodies of
/// actions, packed in a google.protobuf.Any; those that answer uploads travel bare. Who uses the
/// client (cflight/sql_client.h) or the server kit (cflight/sql_server.h) need not know; this
/// header is for those who read or write such bytes by hand.
///
/// A message is a plain struct of views, as the values of cflight/types.h are: to send one, fill it
/// with borrowed memory; one that the library returns is a single block. A view of an optional text
/// is absent when its `data` is NULL, as cflight_bytes_from_text(NULL) is; one that is present and
/// empty, as cflight_bytes_from_text("") is, means something else in a filter. Thread class of all
/// functions: free.
///
///     struct cflight_sql_message query = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
///     query.statement.query = cflight_bytes_from_text("SELECT 1");
///     cflight_buffer *command = NULL;
///     if (cflight_sql_message_pack(&query, &command, &error) != CFLIGHT_OK) { ... }
///     struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
///     descriptor.cmd = cflight_buffer_bytes(command);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// The messages. In brackets: the member of cflight_sql_message that has their content; those
/// without one are empty.
enum cflight_sql_type {
    CFLIGHT_SQL_NONE = 0,    ///< not of Flight SQL
    CFLIGHT_SQL_UNKNOWN = 1, ///< of Flight SQL, but not known to this version

    /* Metadata: in descriptors and tickets. */
    CFLIGHT_SQL_GET_CATALOGS = 2,
    CFLIGHT_SQL_GET_DB_SCHEMAS = 3, ///< [db_schemas]
    CFLIGHT_SQL_GET_TABLES = 4,     ///< [tables]
    CFLIGHT_SQL_GET_TABLE_TYPES = 5,
    CFLIGHT_SQL_GET_PRIMARY_KEYS = 6,    ///< [table]
    CFLIGHT_SQL_GET_EXPORTED_KEYS = 7,   ///< [table] keys elsewhere that point at it
    CFLIGHT_SQL_GET_IMPORTED_KEYS = 8,   ///< [table] the foreign keys of it
    CFLIGHT_SQL_GET_CROSS_REFERENCE = 9, ///< [cross_reference]
    CFLIGHT_SQL_GET_SQL_INFO = 10,       ///< [sql_info]
    CFLIGHT_SQL_GET_XDBC_TYPE_INFO = 11, ///< [type_info]

    /* Execution: in descriptors. */
    CFLIGHT_SQL_STATEMENT_QUERY = 12,           ///< [statement]
    CFLIGHT_SQL_STATEMENT_UPDATE = 13,          ///< [statement]
    CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN = 14,  ///< [substrait]
    CFLIGHT_SQL_PREPARED_STATEMENT_QUERY = 15,  ///< [handle]
    CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE = 16, ///< [handle]
    CFLIGHT_SQL_STATEMENT_INGEST = 17,          ///< [ingest]

    /* In tickets. */
    CFLIGHT_SQL_TICKET_STATEMENT_QUERY = 18, ///< [handle]

    /* Answers to uploads: bare. */
    CFLIGHT_SQL_UPDATE_RESULT = 19,       ///< [record_count]
    CFLIGHT_SQL_PREPARED_PUT_RESULT = 20, ///< [handle] absent: go on with the old one

    /* Actions, each with the name of its type, and their results. */
    CFLIGHT_SQL_CREATE_PREPARED_STATEMENT = 21,      ///< [statement]
    CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN = 22, ///< [substrait]
    CFLIGHT_SQL_CREATE_PREPARED_RESULT = 23,         ///< [prepared]
    CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT = 24,       ///< [handle]
    CFLIGHT_SQL_BEGIN_TRANSACTION = 25,
    CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT = 26, ///< [handle]
    CFLIGHT_SQL_END_TRANSACTION = 27,          ///< [end]
    CFLIGHT_SQL_BEGIN_SAVEPOINT = 28,          ///< [savepoint]
    CFLIGHT_SQL_BEGIN_SAVEPOINT_RESULT = 29,   ///< [handle]
    CFLIGHT_SQL_END_SAVEPOINT = 30,            ///< [end]
    CFLIGHT_SQL_CANCEL_QUERY = 31,             ///< [info] deprecated: see CancelFlightInfo
    CFLIGHT_SQL_CANCEL_QUERY_RESULT = 32,      ///< [cancel_status]
};

/// Names of the actions.
#define CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT "CreatePreparedStatement"
#define CFLIGHT_ACTION_CREATE_PREPARED_SUBSTRAIT_PLAN "CreatePreparedSubstraitPlan"
#define CFLIGHT_ACTION_CLOSE_PREPARED_STATEMENT "ClosePreparedStatement"
#define CFLIGHT_ACTION_BEGIN_TRANSACTION "BeginTransaction"
#define CFLIGHT_ACTION_END_TRANSACTION "EndTransaction"
#define CFLIGHT_ACTION_BEGIN_SAVEPOINT "BeginSavepoint"
#define CFLIGHT_ACTION_END_SAVEPOINT "EndSavepoint"
#define CFLIGHT_ACTION_CANCEL_QUERY "CancelQuery"

/// A filter on schemas. `catalog` is exact: absent is any, empty those without one.
struct cflight_sql_db_schemas {
    struct cflight_bytes catalog;        ///< optional
    struct cflight_bytes schema_pattern; ///< optional; `%` is any run, `_` one character
};

/// A filter on tables.
struct cflight_sql_tables {
    struct cflight_bytes catalog;            ///< optional
    struct cflight_bytes schema_pattern;     ///< optional
    struct cflight_bytes table_pattern;      ///< optional
    const struct cflight_bytes *table_types; ///< none is all
    size_t table_type_count;
    bool include_schema; ///< asks for the column `table_schema`
};

/// Names one table, exactly.
struct cflight_sql_table_name {
    struct cflight_bytes catalog;   ///< optional
    struct cflight_bytes db_schema; ///< optional
    struct cflight_bytes table;
};

/// The keys of `fk` that point at `pk`.
struct cflight_sql_cross_reference {
    struct cflight_sql_table_name pk;
    struct cflight_sql_table_name fk;
};

/// Codes of cflight/sql_info.h; none asks for all of the standard.
struct cflight_sql_info_codes {
    const uint32_t *codes;
    size_t code_count;
};

struct cflight_sql_type_filter {
    bool has_data_type;
    int32_t data_type; ///< enum cflight_sql_xdbc_type (cflight/sql_info.h)
};

/// A statement as text. An empty transaction is none, here and below, and is not sent.
struct cflight_sql_statement_text {
    struct cflight_bytes query;
    struct cflight_bytes transaction_id;
};

/// A statement as a Substrait plan.
struct cflight_sql_substrait_plan {
    struct cflight_bytes plan;    ///< a serialised substrait.Plan
    struct cflight_bytes version; ///< the release of Substrait that it was written for: "0.12.0"
    struct cflight_bytes transaction_id;
};

/// What is to happen when the table of an ingest is missing, or is there.
enum cflight_sql_if_missing {
    CFLIGHT_SQL_IF_MISSING_UNSPECIFIED = 0, ///< an error
    CFLIGHT_SQL_IF_MISSING_CREATE = 1,
    CFLIGHT_SQL_IF_MISSING_FAIL = 2,
};
enum cflight_sql_if_exists {
    CFLIGHT_SQL_IF_EXISTS_UNSPECIFIED = 0, ///< an error
    CFLIGHT_SQL_IF_EXISTS_FAIL = 1,
    CFLIGHT_SQL_IF_EXISTS_APPEND = 2,
    CFLIGHT_SQL_IF_EXISTS_REPLACE = 3,
};

/// An option of an ingest, for the application. When a message has a name twice, the last counts.
struct cflight_sql_option {
    struct cflight_bytes name;
    struct cflight_bytes value;
};

/// Where the rows of an upload go.
struct cflight_sql_ingest_target {
    enum cflight_sql_if_missing if_missing;
    enum cflight_sql_if_exists if_exists;
    struct cflight_sql_table_name name;
    bool temporary; ///< for the session only
    struct cflight_bytes transaction_id;
    const struct cflight_sql_option *options;
    size_t option_count;
};

/// Whether a statement changes something instead of giving rows. Not every server says.
enum cflight_sql_update {
    CFLIGHT_SQL_UPDATE_UNKNOWN = 0,
    CFLIGHT_SQL_UPDATE_NO = 1,
    CFLIGHT_SQL_UPDATE_YES = 2,
};

/// A prepared statement as the server describes it. Schemas are encapsulated IPC messages
/// (cflight_ipc_schema_parse()); empty is not known, or none.
struct cflight_sql_prepared {
    struct cflight_bytes handle;
    struct cflight_bytes dataset_schema;
    struct cflight_bytes parameter_schema;
    enum cflight_sql_update is_update;
};

struct cflight_sql_savepoint_name {
    struct cflight_bytes transaction_id;
    struct cflight_bytes name;
};

/// How a transaction or savepoint ends.
enum cflight_sql_end_action {
    CFLIGHT_SQL_END_UNSPECIFIED = 0, ///< an error
    CFLIGHT_SQL_END_COMMIT = 1,      ///< of a transaction
    CFLIGHT_SQL_END_RELEASE = 1,     ///< of a savepoint: what was done since stays
    CFLIGHT_SQL_END_ROLLBACK = 2,
};

struct cflight_sql_end {
    struct cflight_bytes id;
    enum cflight_sql_end_action action;
};

/// A message. Only the member that belongs to `type` is meaningful.
struct cflight_sql_message {
    enum cflight_sql_type type;
    CFLIGHT_UNNAMED union {
        struct cflight_sql_db_schemas db_schemas;
        struct cflight_sql_tables tables;
        struct cflight_sql_table_name table;
        struct cflight_sql_cross_reference cross_reference;
        struct cflight_sql_info_codes sql_info;
        struct cflight_sql_type_filter type_info;
        struct cflight_sql_statement_text statement;
        struct cflight_sql_substrait_plan substrait;
        struct cflight_sql_ingest_target ingest;
        struct cflight_sql_prepared prepared;
        struct cflight_sql_savepoint_name savepoint;
        struct cflight_sql_end end;
        struct cflight_bytes handle; ///< of a statement, transaction or savepoint: opaque
        struct cflight_bytes info;   ///< a serialised FlightInfo
        int64_t record_count;        ///< -1 is unknown
        enum cflight_cancel_status cancel_status;
    };
};

/// Tells which message is packed in an Any, by its type URL alone: what follows the last '/'
/// counts. Bytes that are no Any, or one of another package, are CFLIGHT_SQL_NONE: a server that
/// does more than Flight SQL hands them on.
CFLIGHT_EXPORT enum cflight_sql_type
cflight_sql_type_of(struct cflight_bytes any);
/// Returns "CommandStatementQuery" and so on, as the specification calls it; NULL for NONE, UNKNOWN
/// and any other number. Static storage.
CFLIGHT_EXPORT const char *
cflight_sql_type_name(enum cflight_sql_type type);

/// Serialises a message and packs it in an Any. Unref the buffer.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (the type, a text that is not UTF-8, an enumerator
///         out of range: named); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_message_pack(const struct cflight_sql_message *message, cflight_buffer **ret_any,
                         cflight_error **reterr);
/// Unpacks an Any. Unknown fields are skipped; of an option of an ingest that is there twice the
/// last is kept.
/// @param ret_message  One block; free it with cflight_sql_message_free().
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT ("Not a valid CommandGetTables: ..."; no Any, or
///         one of another package); CFLIGHT_UNIMPLEMENTED (of Flight SQL, but unknown: named);
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_message_unpack(struct cflight_bytes any, struct cflight_sql_message **ret_message,
                           cflight_error **reterr);
/// Serialises a message without an Any around it, as answers to uploads travel. A message all of
/// whose fields have their defaults has no bytes.
/// @return as cflight_sql_message_pack()
CFLIGHT_CHECKED cflight_status
cflight_sql_message_serialize(const struct cflight_sql_message *message,
                              cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses a message that is not in an Any.
/// @return as cflight_sql_message_unpack()
CFLIGHT_CHECKED cflight_status
cflight_sql_message_parse(enum cflight_sql_type type, struct cflight_bytes bytes,
                          struct cflight_sql_message **ret_message, cflight_error **reterr);
/// Copies deeply into one block.
CFLIGHT_CHECKED cflight_status
cflight_sql_message_copy(const struct cflight_sql_message *message,
                         struct cflight_sql_message **ret_copy, cflight_error **reterr);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_sql_message_free(struct cflight_sql_message *message);

/// Gives the schema of the result of a metadata command (GET_CATALOGS to GET_XDBC_TYPE_INFO), exact
/// to the last nullability: the same for every filter, but GET_TABLES has a fifth column with
/// `include_schema`.
/// @param ret_schema  Caller's storage; on success the caller releases it.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (another message), CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_result_schema(const struct cflight_sql_message *command, struct ArrowSchema *ret_schema,
                          cflight_error **reterr);

/// Yes, no, or not said.
enum cflight_sql_flag {
    CFLIGHT_SQL_FLAG_NONE = 0,
    CFLIGHT_SQL_FLAG_NO = 1,
    CFLIGHT_SQL_FLAG_YES = 2,
};

/// What is said of a column beyond its Arrow type, in the metadata of its field. Drivers show it as
/// the metadata of result sets and of tables. What is not known is left zeroed, and not written.
struct cflight_sql_column {
    struct cflight_bytes catalog_name;
    struct cflight_bytes db_schema_name;
    struct cflight_bytes table_name;
    struct cflight_bytes type_name; ///< the database's own: "VARCHAR"
    struct cflight_bytes remarks;
    bool has_precision;
    int32_t precision; ///< digits, or characters
    bool has_scale;
    int32_t scale;
    enum cflight_sql_flag is_auto_increment;
    enum cflight_sql_flag is_case_sensitive;
    enum cflight_sql_flag is_read_only;
    enum cflight_sql_flag is_searchable;
};

/// Reads what the metadata of a field says of its column, in the keys that all implementations
/// write (ARROW:FLIGHT:SQL:SCHEMA_NAME), and in the one that the specification has instead. A
/// number that is none counts as not said.
/// @param field       Borrowed; the texts are views into its metadata.
/// @param ret_column  Caller's storage.
/// @return whether anything is said
CFLIGHT_EXPORT bool
cflight_sql_column_read(const struct ArrowSchema *field, struct cflight_sql_column *ret_column);
/// Copies a field and says in its metadata what is known of the column. Other keys stay; those of
/// Flight SQL are replaced.
/// @param ret_field  Caller's storage; on success the caller releases it.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (the field; a text that is not UTF-8),
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_column_write(const struct ArrowSchema *field, const struct cflight_sql_column *column,
                         struct ArrowSchema *ret_field, cflight_error **reterr);

/// Tells whether a name matches a pattern of SQL's LIKE: `%` is any run of characters, `_` one
/// character of UTF-8, and `\` before `%`, `_` or `\` takes its meaning away. Takes time in measure
/// to the product of both lengths at worst, and no memory.
/// @param ignores_case  Compares A to Z without case.
CFLIGHT_EXPORT bool
cflight_sql_pattern_matches(struct cflight_bytes pattern, struct cflight_bytes name,
                            bool ignores_case);
/// Writes a pattern that only this name matches; free it with cflight_text_free().
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (not UTF-8, or with a zero byte),
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_pattern_escape(struct cflight_bytes name, char **ret_pattern, cflight_error **reterr);

/// What a database says of an error beyond its text.
struct cflight_sql_error_state {
    char sqlstate[6]; ///< five digits and capital letters, terminated; "" when none is known
    int32_t position; ///< of the character in the statement, from 1; 0 when it is not known
    struct cflight_bytes hint; ///< empty when there is none
};

/// Adds the state to an error, for the handlers of a server: it travels in the binary detail
/// (cflight_error_extra_info()) as a google.rpc.ErrorInfo of the domain "sql". What the detail had
/// before is replaced, and as all setters of errors it does nothing for a NULL error, or when
/// memory runs out. A state that is not five digits and capital letters is left out.
CFLIGHT_EXPORT void
cflight_sql_error_set_state(cflight_error *error, const struct cflight_sql_error_state *state);
/// Reads it from an error that a client has received.
/// @param ret_state  Caller's storage; the hint is valid as long as the error.
/// @return false when the error says nothing of the kind
CFLIGHT_EXPORT bool
cflight_sql_error_get_state(const cflight_error *error, struct cflight_sql_error_state *ret_state);
/// Tells which call of Flight SQL an error of the client is of: "CommandStatementQuery", or the
/// action "BeginTransaction", as its message begins. Static storage; NULL for none.
CFLIGHT_EXPORT const char *
cflight_sql_error_call(const cflight_error *error);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SQL_H */
