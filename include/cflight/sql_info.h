/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SQL_INFO_H
#define CFLIGHT_SQL_INFO_H

#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// SqlInfo: what a Flight SQL server says of itself and its database, by number.
///
/// A set holds a value for each code. On the wire it is a table with a dense union, and which
/// branch of it a driver casts to depends on the code: the set knows, and takes and gives numbers
/// as they are. A code without a value is simply not there. Codes from CFLIGHT_SQL_INFO_OWN on are
/// for applications; drivers in use fail on codes they do not know, so those are sent only to who
/// asks for them by number. Thread class: one at a time; a set that nobody changes: free.
///
///     cflight_sql_info *info = NULL;
///     if (cflight_sql_info_new(&info, &error) != CFLIGHT_OK) { ... }
///     status = cflight_sql_info_set_text(info, CFLIGHT_SQL_INFO_SERVER_NAME,
///                                        cflight_bytes_from_text("my database"), &error);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// The codes of the standard, named as there without "FLIGHT_SQL_" or "SQL_", and the kind of each.
enum cflight_sql_info_code {
    CFLIGHT_SQL_INFO_SERVER_NAME = 0,                  ///< text
    CFLIGHT_SQL_INFO_SERVER_VERSION = 1,               ///< text
    CFLIGHT_SQL_INFO_SERVER_ARROW_VERSION = 2,         ///< text
    CFLIGHT_SQL_INFO_SERVER_READ_ONLY = 3,             ///< bool
    CFLIGHT_SQL_INFO_SERVER_SQL = 4,                   ///< bool
    CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT = 5,             ///< bool
    CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT_MIN_VERSION = 6, ///< text
    CFLIGHT_SQL_INFO_SERVER_SUBSTRAIT_MAX_VERSION = 7, ///< text
    CFLIGHT_SQL_INFO_SERVER_TRANSACTION = 8,           ///< int32: enum cflight_sql_info_transaction
    CFLIGHT_SQL_INFO_SERVER_CANCEL = 9,                ///< bool
    CFLIGHT_SQL_INFO_SERVER_BULK_INGESTION = 10,       ///< bool
    CFLIGHT_SQL_INFO_SERVER_INGEST_TRANSACTIONS_SUPPORTED = 11, ///< bool
    CFLIGHT_SQL_INFO_SERVER_STATEMENT_TIMEOUT =
        100, ///< int32: ms that a prepared statement may be unused; 0 is no limit
    CFLIGHT_SQL_INFO_SERVER_TRANSACTION_TIMEOUT =
        101, ///< int32: ms that a transaction may be unused; 0 is no limit
    CFLIGHT_SQL_INFO_DDL_CATALOG = 500,               ///< bool
    CFLIGHT_SQL_INFO_DDL_SCHEMA = 501,                ///< bool
    CFLIGHT_SQL_INFO_DDL_TABLE = 502,                 ///< bool
    CFLIGHT_SQL_INFO_IDENTIFIER_CASE = 503,           ///< int64: enum cflight_sql_case
    CFLIGHT_SQL_INFO_IDENTIFIER_QUOTE_CHAR = 504,     ///< text
    CFLIGHT_SQL_INFO_QUOTED_IDENTIFIER_CASE = 505,    ///< int64: enum cflight_sql_case
    CFLIGHT_SQL_INFO_ALL_TABLES_ARE_SELECTABLE = 506, ///< bool
    CFLIGHT_SQL_INFO_NULL_ORDERING = 507,             ///< int64: enum cflight_sql_null_ordering
    CFLIGHT_SQL_INFO_KEYWORDS = 508,                  ///< texts
    CFLIGHT_SQL_INFO_NUMERIC_FUNCTIONS = 509,         ///< texts
    CFLIGHT_SQL_INFO_STRING_FUNCTIONS = 510,          ///< texts
    CFLIGHT_SQL_INFO_SYSTEM_FUNCTIONS = 511,          ///< texts
    CFLIGHT_SQL_INFO_DATETIME_FUNCTIONS = 512,        ///< texts
    CFLIGHT_SQL_INFO_SEARCH_STRING_ESCAPE = 513,      ///< text: the escape in patterns
    CFLIGHT_SQL_INFO_EXTRA_NAME_CHARACTERS = 514,     ///< text: in names beyond a-z, A-Z, 0-9 and _
    CFLIGHT_SQL_INFO_SUPPORTS_COLUMN_ALIASING = 515,  ///< bool
    CFLIGHT_SQL_INFO_NULL_PLUS_NULL_IS_NULL = 516, ///< bool: NULL concatenated with a text is NULL
    CFLIGHT_SQL_INFO_SUPPORTS_CONVERT = 517, ///< map: from cflight_sql_convert to lists of them
    CFLIGHT_SQL_INFO_SUPPORTS_TABLE_CORRELATION_NAMES = 518,           ///< bool
    CFLIGHT_SQL_INFO_SUPPORTS_DIFFERENT_TABLE_CORRELATION_NAMES = 519, ///< bool
    CFLIGHT_SQL_INFO_SUPPORTS_EXPRESSIONS_IN_ORDER_BY = 520,           ///< bool
    CFLIGHT_SQL_INFO_SUPPORTS_ORDER_BY_UNRELATED = 521,                ///< bool
    CFLIGHT_SQL_INFO_SUPPORTED_GROUP_BY = 522, ///< int32: bits 0 unrelated, 1 beyond select
    CFLIGHT_SQL_INFO_SUPPORTS_LIKE_ESCAPE_CLAUSE = 523,   ///< bool
    CFLIGHT_SQL_INFO_SUPPORTS_NON_NULLABLE_COLUMNS = 524, ///< bool
    CFLIGHT_SQL_INFO_SUPPORTED_GRAMMAR = 525,      ///< int32: bits 0 minimum, 1 core, 2 extended
    CFLIGHT_SQL_INFO_ANSI92_SUPPORTED_LEVEL = 526, ///< int32: bits 0 entry, 1 intermediate, 2 full
    CFLIGHT_SQL_INFO_SUPPORTS_INTEGRITY_ENHANCEMENT_FACILITY = 527, ///< bool
    CFLIGHT_SQL_INFO_OUTER_JOINS_SUPPORT_LEVEL = 528, ///< int32: bits 0 none, 1 limited, 2 full
    CFLIGHT_SQL_INFO_SCHEMA_TERM = 529,               ///< text
    CFLIGHT_SQL_INFO_PROCEDURE_TERM = 530,            ///< text
    CFLIGHT_SQL_INFO_CATALOG_TERM = 531,              ///< text: "" is no catalogs
    CFLIGHT_SQL_INFO_CATALOG_AT_START = 532,          ///< bool
    CFLIGHT_SQL_INFO_SCHEMAS_SUPPORTED_ACTIONS =
        533, ///< int32: bits 0 procedure calls, 1 index, 2 privilege definitions
    CFLIGHT_SQL_INFO_CATALOGS_SUPPORTED_ACTIONS = 534,    ///< int32: as 533
    CFLIGHT_SQL_INFO_SUPPORTED_POSITIONED_COMMANDS = 535, ///< int32: bits 0 delete, 1 update
    CFLIGHT_SQL_INFO_SELECT_FOR_UPDATE_SUPPORTED = 536,   ///< bool
    CFLIGHT_SQL_INFO_STORED_PROCEDURES_SUPPORTED = 537,   ///< bool
    CFLIGHT_SQL_INFO_SUPPORTED_SUBQUERIES =
        538, ///< int32: bits 0 comparisons, 1 exists, 2 ins, 3 quantifieds
    CFLIGHT_SQL_INFO_CORRELATED_SUBQUERIES_SUPPORTED = 539, ///< bool
    CFLIGHT_SQL_INFO_SUPPORTED_UNIONS = 540,                ///< int32: bits 0 union, 1 union all
    CFLIGHT_SQL_INFO_MAX_BINARY_LITERAL_LENGTH =
        541, ///< int64: 0 is no limit or not known, here and below
    CFLIGHT_SQL_INFO_MAX_CHAR_LITERAL_LENGTH = 542,       ///< int64
    CFLIGHT_SQL_INFO_MAX_COLUMN_NAME_LENGTH = 543,        ///< int64
    CFLIGHT_SQL_INFO_MAX_COLUMNS_IN_GROUP_BY = 544,       ///< int64
    CFLIGHT_SQL_INFO_MAX_COLUMNS_IN_INDEX = 545,          ///< int64
    CFLIGHT_SQL_INFO_MAX_COLUMNS_IN_ORDER_BY = 546,       ///< int64
    CFLIGHT_SQL_INFO_MAX_COLUMNS_IN_SELECT = 547,         ///< int64
    CFLIGHT_SQL_INFO_MAX_COLUMNS_IN_TABLE = 548,          ///< int64
    CFLIGHT_SQL_INFO_MAX_CONNECTIONS = 549,               ///< int64
    CFLIGHT_SQL_INFO_MAX_CURSOR_NAME_LENGTH = 550,        ///< int64
    CFLIGHT_SQL_INFO_MAX_INDEX_LENGTH = 551,              ///< int64
    CFLIGHT_SQL_INFO_DB_SCHEMA_NAME_LENGTH = 552,         ///< int64
    CFLIGHT_SQL_INFO_MAX_PROCEDURE_NAME_LENGTH = 553,     ///< int64
    CFLIGHT_SQL_INFO_MAX_CATALOG_NAME_LENGTH = 554,       ///< int64
    CFLIGHT_SQL_INFO_MAX_ROW_SIZE = 555,                  ///< int64
    CFLIGHT_SQL_INFO_MAX_ROW_SIZE_INCLUDES_BLOBS = 556,   ///< bool
    CFLIGHT_SQL_INFO_MAX_STATEMENT_LENGTH = 557,          ///< int64
    CFLIGHT_SQL_INFO_MAX_STATEMENTS = 558,                ///< int64
    CFLIGHT_SQL_INFO_MAX_TABLE_NAME_LENGTH = 559,         ///< int64
    CFLIGHT_SQL_INFO_MAX_TABLES_IN_SELECT = 560,          ///< int64
    CFLIGHT_SQL_INFO_MAX_USERNAME_LENGTH = 561,           ///< int64
    CFLIGHT_SQL_INFO_DEFAULT_TRANSACTION_ISOLATION = 562, ///< int64: enum cflight_sql_isolation
    CFLIGHT_SQL_INFO_TRANSACTIONS_SUPPORTED = 563,        ///< bool
    CFLIGHT_SQL_INFO_SUPPORTED_TRANSACTIONS_ISOLATION_LEVELS =
        564, ///< int32: bits of cflight_sql_isolation
    CFLIGHT_SQL_INFO_DATA_DEFINITION_CAUSES_TRANSACTION_COMMIT = 565, ///< bool
    CFLIGHT_SQL_INFO_DATA_DEFINITIONS_IN_TRANSACTIONS_IGNORED = 566,  ///< bool
    CFLIGHT_SQL_INFO_SUPPORTED_RESULT_SET_TYPES =
        567, ///< int32: bits 1 forward only, 2 scroll insensitive, 3 sensitive
    CFLIGHT_SQL_INFO_CONCURRENCIES_FOR_UNSPECIFIED =
        568, ///< int32: bits 1 read only, 2 updatable, here and below
    CFLIGHT_SQL_INFO_CONCURRENCIES_FOR_FORWARD_ONLY = 569,               ///< int32
    CFLIGHT_SQL_INFO_CONCURRENCIES_FOR_SCROLL_SENSITIVE = 570,           ///< int32
    CFLIGHT_SQL_INFO_CONCURRENCIES_FOR_SCROLL_INSENSITIVE = 571,         ///< int32
    CFLIGHT_SQL_INFO_BATCH_UPDATES_SUPPORTED = 572,                      ///< bool
    CFLIGHT_SQL_INFO_SAVEPOINTS_SUPPORTED = 573,                         ///< bool
    CFLIGHT_SQL_INFO_NAMED_PARAMETERS_SUPPORTED = 574,                   ///< bool
    CFLIGHT_SQL_INFO_LOCATORS_UPDATE_COPY = 575,                         ///< bool
    CFLIGHT_SQL_INFO_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED = 576, ///< bool
    CFLIGHT_SQL_INFO_OWN = 10000, ///< the first that is free for applications
};

enum cflight_sql_info_transaction {
    CFLIGHT_SQL_TRANSACTION_NONE = 0,
    CFLIGHT_SQL_TRANSACTION_TRANSACTION = 1,
    CFLIGHT_SQL_TRANSACTION_SAVEPOINT = 2, ///< and transactions
};

enum cflight_sql_case {
    CFLIGHT_SQL_CASE_UNKNOWN = 0,
    CFLIGHT_SQL_CASE_INSENSITIVE = 1,
    CFLIGHT_SQL_CASE_UPPER = 2,
    CFLIGHT_SQL_CASE_LOWER = 3,
};

enum cflight_sql_null_ordering {
    CFLIGHT_SQL_NULLS_SORTED_HIGH = 0,
    CFLIGHT_SQL_NULLS_SORTED_LOW = 1,
    CFLIGHT_SQL_NULLS_AT_START = 2,
    CFLIGHT_SQL_NULLS_AT_END = 3,
};

enum cflight_sql_isolation {
    CFLIGHT_SQL_ISOLATION_NONE = 0,
    CFLIGHT_SQL_ISOLATION_READ_UNCOMMITTED = 1,
    CFLIGHT_SQL_ISOLATION_READ_COMMITTED = 2,
    CFLIGHT_SQL_ISOLATION_REPEATABLE_READ = 3,
    CFLIGHT_SQL_ISOLATION_SERIALIZABLE = 4,
};

/// Types that a value can be converted from and to.
enum cflight_sql_convert {
    CFLIGHT_SQL_CONVERT_BIGINT = 0,
    CFLIGHT_SQL_CONVERT_BINARY = 1,
    CFLIGHT_SQL_CONVERT_BIT = 2,
    CFLIGHT_SQL_CONVERT_CHAR = 3,
    CFLIGHT_SQL_CONVERT_DATE = 4,
    CFLIGHT_SQL_CONVERT_DECIMAL = 5,
    CFLIGHT_SQL_CONVERT_FLOAT = 6,
    CFLIGHT_SQL_CONVERT_INTEGER = 7,
    CFLIGHT_SQL_CONVERT_INTERVAL_DAY_TIME = 8,
    CFLIGHT_SQL_CONVERT_INTERVAL_YEAR_MONTH = 9,
    CFLIGHT_SQL_CONVERT_LONGVARBINARY = 10,
    CFLIGHT_SQL_CONVERT_LONGVARCHAR = 11,
    CFLIGHT_SQL_CONVERT_NUMERIC = 12,
    CFLIGHT_SQL_CONVERT_REAL = 13,
    CFLIGHT_SQL_CONVERT_SMALLINT = 14,
    CFLIGHT_SQL_CONVERT_TIME = 15,
    CFLIGHT_SQL_CONVERT_TIMESTAMP = 16,
    CFLIGHT_SQL_CONVERT_TINYINT = 17,
    CFLIGHT_SQL_CONVERT_VARBINARY = 18,
    CFLIGHT_SQL_CONVERT_VARCHAR = 19,
};

/// Types of columns as JDBC and ODBC number them, for results of GetXdbcTypeInfo.
enum cflight_sql_xdbc_type {
    CFLIGHT_SQL_XDBC_UNKNOWN = 0,
    CFLIGHT_SQL_XDBC_CHAR = 1,
    CFLIGHT_SQL_XDBC_NUMERIC = 2,
    CFLIGHT_SQL_XDBC_DECIMAL = 3,
    CFLIGHT_SQL_XDBC_INTEGER = 4,
    CFLIGHT_SQL_XDBC_SMALLINT = 5,
    CFLIGHT_SQL_XDBC_FLOAT = 6,
    CFLIGHT_SQL_XDBC_REAL = 7,
    CFLIGHT_SQL_XDBC_DOUBLE = 8,
    CFLIGHT_SQL_XDBC_DATETIME = 9,
    CFLIGHT_SQL_XDBC_INTERVAL = 10,
    CFLIGHT_SQL_XDBC_VARCHAR = 12,
    CFLIGHT_SQL_XDBC_DATE = 91,
    CFLIGHT_SQL_XDBC_TIME = 92,
    CFLIGHT_SQL_XDBC_TIMESTAMP = 93,
    CFLIGHT_SQL_XDBC_LONGVARCHAR = -1,
    CFLIGHT_SQL_XDBC_BINARY = -2,
    CFLIGHT_SQL_XDBC_VARBINARY = -3,
    CFLIGHT_SQL_XDBC_LONGVARBINARY = -4,
    CFLIGHT_SQL_XDBC_BIGINT = -5,
    CFLIGHT_SQL_XDBC_TINYINT = -6,
    CFLIGHT_SQL_XDBC_BIT = -7,
    CFLIGHT_SQL_XDBC_WCHAR = -8,
    CFLIGHT_SQL_XDBC_WVARCHAR = -9,
};

/// The kinds of values: the branches of the union.
enum cflight_sql_info_kind {
    CFLIGHT_SQL_INFO_KIND_TEXT = 0,
    CFLIGHT_SQL_INFO_KIND_BOOL = 1,
    CFLIGHT_SQL_INFO_KIND_INT64 = 2,
    CFLIGHT_SQL_INFO_KIND_INT32 = 3, ///< numbers, and bits: the sum of 1 << number
    CFLIGHT_SQL_INFO_KIND_TEXTS = 4,
    CFLIGHT_SQL_INFO_KIND_MAP = 5,
};

/// One entry of a map.
struct cflight_sql_info_entry {
    int32_t key;
    const int32_t *values;
    size_t value_count;
};

/// A value. Only the members that belong to `kind` are meaningful; `number` is for INT64 and INT32.
struct cflight_sql_info_value {
    uint32_t code;
    enum cflight_sql_info_kind kind;
    struct cflight_bytes text;
    bool boolean;
    int64_t number;
    const struct cflight_bytes *texts;
    size_t text_count;
    const struct cflight_sql_info_entry *entries;
    size_t entry_count;
};

/// Returns the name of a code, as the specification has it ("FLIGHT_SQL_SERVER_NAME"), or NULL for
/// one that is not of the standard. Static storage. Thread class: free.
CFLIGHT_EXPORT const char *
cflight_sql_info_name(uint32_t code);
/// Tells the kind of a code of the standard; false for others. Thread class: free.
CFLIGHT_EXPORT bool
cflight_sql_info_kind_of(uint32_t code, enum cflight_sql_info_kind *ret_kind);

/// What a set may hold: more is refused with CFLIGHT_RESOURCE_EXHAUSTED.
#define CFLIGHT_SQL_INFO_CODES_MAX 10000
#define CFLIGHT_SQL_INFO_BYTES_MAX 16777216

/// A set of values.
typedef struct cflight_sql_info cflight_sql_info;

/// Makes an empty set.
/// @return CFLIGHT_OK, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_info_new(cflight_sql_info **ret_info, cflight_error **reterr);
/// NULL is ignored.
CFLIGHT_EXPORT void
cflight_sql_info_free(cflight_sql_info *info);
/// Sets the value of `value->code`, copied. A number for a code of the standard may be given as
/// INT64 or INT32: it is kept as the standard's kind.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (another kind than the standard's, a number out of
///         range, a text that is not UTF-8); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_info_set(cflight_sql_info *info, const struct cflight_sql_info_value *value,
                     cflight_error **reterr);
/// Sets a text. @return as cflight_sql_info_set()
CFLIGHT_CHECKED cflight_status
cflight_sql_info_set_text(cflight_sql_info *info, uint32_t code, struct cflight_bytes text,
                          cflight_error **reterr);
/// Sets a boolean. @return as cflight_sql_info_set()
CFLIGHT_CHECKED cflight_status
cflight_sql_info_set_bool(cflight_sql_info *info, uint32_t code, bool boolean,
                          cflight_error **reterr);
/// Sets a number or bits; of an own code as int64. @return as cflight_sql_info_set()
CFLIGHT_CHECKED cflight_status
cflight_sql_info_set_number(cflight_sql_info *info, uint32_t code, int64_t number,
                            cflight_error **reterr);
/// Sets a list of texts. @return as cflight_sql_info_set()
CFLIGHT_CHECKED cflight_status
cflight_sql_info_set_texts(cflight_sql_info *info, uint32_t code, const struct cflight_bytes *texts,
                           size_t text_count, cflight_error **reterr);
/// Takes a value away, if there is one.
CFLIGHT_EXPORT void
cflight_sql_info_remove(cflight_sql_info *info, uint32_t code);

/// The value of a code, or NULL. Borrowed; valid until the set is changed.
CFLIGHT_EXPORT const struct cflight_sql_info_value *
cflight_sql_info_find(const cflight_sql_info *info, uint32_t code);
/// The text of a code; an empty view with NULL data when it has none.
CFLIGHT_EXPORT struct cflight_bytes
cflight_sql_info_text(const cflight_sql_info *info, uint32_t code);
/// The boolean of a code; `otherwise` when it has none.
CFLIGHT_EXPORT bool
cflight_sql_info_bool(const cflight_sql_info *info, uint32_t code, bool otherwise);
/// The number of a code, whichever branch it came in; `otherwise` when it has none.
CFLIGHT_EXPORT int64_t
cflight_sql_info_number(const cflight_sql_info *info, uint32_t code, int64_t otherwise);
/// How many values there are.
CFLIGHT_EXPORT size_t
cflight_sql_info_count(const cflight_sql_info *info);
/// Value `index`, in the order of the codes; NULL past the end.
CFLIGHT_EXPORT const struct cflight_sql_info_value *
cflight_sql_info_at(const cflight_sql_info *info, size_t index);

/// Makes the rows of an answer to GetSqlInfo: those asked for, in that order, each once, and none
/// for codes without a value; without codes all of the standard, in ascending order.
/// @param ret_batch  A struct array of cflight_sql_result_schema(); release it.
/// @return CFLIGHT_OK, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_info_batch(const cflight_sql_info *info, const uint32_t *codes, size_t code_count,
                       struct ArrowArray *ret_batch, cflight_error **reterr);
/// Adds the rows of such an answer, of any origin: they are checked. Columns are found by name.
/// Numbers may be in either branch; a value of another kind than the standard's is kept as it came,
/// since servers differ, and is not what the typed functions look for. A sparse union is read as
/// the dense one.
/// @param schema  Of the batch. Both are borrowed.
/// @return CFLIGHT_OK; CFLIGHT_DATA_LOSS (not the schema of SqlInfo: what is not is named);
///         CFLIGHT_INVALID_ARGUMENT (not a valid batch of its schema); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_sql_info_add_batch(cflight_sql_info *info, const struct ArrowSchema *schema,
                           const struct ArrowArray *batch, cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SQL_INFO_H */
