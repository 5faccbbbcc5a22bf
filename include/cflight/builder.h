/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BUILDER_H
#define CFLIGHT_BUILDER_H

#include "cflight/alloc.h"
#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// Building schemas, and record batches row by row: for tables that a program makes itself, such as
/// lists, statistics and results of a database. Programs that compute on columns have libraries for
/// that, and their arrays can be sent as they are.
///
/// A builder has a column for each field of its schema, and columns of nested types have columns of
/// their own. Append one value to each, then end the row. Appending cannot fail: what does not fit
/// is remembered, later values are dropped, and cflight_builder_finish() tells what was wrong, in
/// which column and row. Thread class: one at a time. Batches own their memory, and outlive the
/// builder.
///
///     static const struct cflight_field FIELDS[] = {{.name = "city", .format = "u"},
///                                                   {.name = "people", .format = "l"}};
///     struct ArrowSchema schema;
///     cflight_builder *builder = NULL;
///     if (cflight_schema_new(FIELDS, 2, &schema, &error) != CFLIGHT_OK) { ... }
///     if (cflight_builder_new(&schema, NULL, &builder, &error) != CFLIGHT_OK) { ... }
///     cflight_append_text(cflight_builder_column(builder, 0), "Oslo");
///     cflight_append_int(cflight_builder_column(builder, 1), 709037);
///     cflight_builder_end_row(builder);
///     struct ArrowArray batch;
///     if (cflight_builder_finish(builder, &batch, &error) != CFLIGHT_OK) { ... }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// A field of a schema that is to be made.
struct cflight_field {
    const char *name; ///< NULL is ""
    /// As the Arrow C data interface writes types: "l" int64, "u" utf8, "g" float64, "b" bool,
    /// "tdD" date, "tsu:UTC" timestamp, "+l" list, "+s" struct, ...
    const char *format;
    bool is_required; ///< never null
    /// Of nested types: the item of a list, the members of a struct, the entries of a map.
    const struct cflight_field *children;
    size_t child_count;
};

/// Makes a schema, a struct type ("+s") with these fields.
/// @param fields      Borrowed; not nested deeper than 64.
/// @param ret_schema  Caller's storage; on success the caller releases it.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (a format that is none, or wrong children: named);
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_schema_new(const struct cflight_field *fields, size_t field_count,
                   struct ArrowSchema *ret_schema, cflight_error **reterr);

/// A pair of the metadata of a field or schema.
struct cflight_metadata {
    struct cflight_bytes key;
    struct cflight_bytes value;
};

/// The value of a key in the metadata of a field or schema, the first if there are several; an
/// empty view with NULL data when there is none. Borrowed from the schema.
CFLIGHT_EXPORT struct cflight_bytes
cflight_schema_metadata(const struct ArrowSchema *schema, struct cflight_bytes key);
/// Copies a field or schema and sets keys of its metadata: in the place of what had the key, else
/// at the end. A value with NULL data takes the key away.
/// @param ret_schema  Caller's storage; on success the caller releases it.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_schema_set_metadata(const struct ArrowSchema *schema, const struct cflight_metadata *pairs,
                            size_t pair_count, struct ArrowSchema *ret_schema,
                            cflight_error **reterr);

/// Builds batches of one schema.
typedef struct cflight_builder cflight_builder;
/// A column of a builder, which owns it.
typedef struct cflight_column cflight_column;

struct cflight_builder_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library
    /// Most bytes that all columns may have; beyond it cflight_builder_finish() gives
    /// CFLIGHT_RESOURCE_EXHAUSTED. 0 is no limit but those of Arrow's types.
    uint64_t bytes_max;
};

#define CFLIGHT_BUILDER_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_builder_options)

/// Makes a builder.
/// @param schema   A struct type ("+s"). Borrowed.
/// @param options  NULL for defaults.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (not a valid schema); CFLIGHT_UNIMPLEMENTED (a
///         column is of a type that is not built here: views, list views, sparse unions, run-end
///         encoded, dictionaries; named); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_builder_new(const struct ArrowSchema *schema, const struct cflight_builder_options *options,
                    cflight_builder **ret_builder, cflight_error **reterr);
/// Frees a builder and what it has built since the last batch. NULL is ignored.
CFLIGHT_EXPORT void
cflight_builder_free(cflight_builder *builder);
/// Column `index`; NULL past the end. The functions below ignore a NULL column.
CFLIGHT_EXPORT cflight_column *
cflight_builder_column(cflight_builder *builder, size_t index);
/// Column `index` of a nested one: the members of a struct or union, the items of a list (0), the
/// entries of a map (0), which are a struct of key and value. NULL past the end.
CFLIGHT_EXPORT cflight_column *
cflight_column_child(cflight_column *column, size_t index);
/// Ends a row: every column must have one value more than before.
CFLIGHT_EXPORT void
cflight_builder_end_row(cflight_builder *builder);
/// Rows since the last batch.
CFLIGHT_EXPORT int64_t
cflight_builder_row_count(const cflight_builder *builder);
/// Bytes that all columns have since the last batch; for deciding when one is large enough.
CFLIGHT_EXPORT uint64_t
cflight_builder_bytes(const cflight_builder *builder);
/// Gives the rows since the last batch, and begins the next. After a failure the builder is empty.
/// @param ret_batch  Caller's storage; on success the caller releases it.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (what was appended does not fit: the first such
///         value, with its column and row); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_builder_finish(cflight_builder *builder, struct ArrowArray *ret_batch,
                       cflight_error **reterr);

/// Appends a null. The field must be nullable. A union has none but those of its members.
CFLIGHT_EXPORT void
cflight_append_null(cflight_column *column);
/// Appends to a column of booleans.
CFLIGHT_EXPORT void
cflight_append_bool(cflight_column *column, bool value);
/// Appends to a column of integers of any width, dates, times, timestamps, or durations. The value
/// must be in the range of the type.
CFLIGHT_EXPORT void
cflight_append_int(cflight_column *column, int64_t value);
/// The same for numbers above those of int64_t.
CFLIGHT_EXPORT void
cflight_append_uint(cflight_column *column, uint64_t value);
/// Appends to a column of float32 or float64.
CFLIGHT_EXPORT void
cflight_append_double(cflight_column *column, double value);
/// Appends to a column of text or binary; or of fixed-size binary, decimals, intervals and float16,
/// the exact bytes of a value. Text must be UTF-8. Copied.
CFLIGHT_EXPORT void
cflight_append_bytes(cflight_column *column, struct cflight_bytes value);
/// The same for a terminated text; NULL appends a null.
CFLIGHT_EXPORT void
cflight_append_text(cflight_column *column, const char *text);
/// Appends a struct, list, large list, fixed-size list or map, whose values were appended to the
/// column's own columns before: to a struct's each one, to a list's any number.
CFLIGHT_EXPORT void
cflight_append_nested(cflight_column *column);
/// Appends to a dense union: the value was appended to member `member` before.
CFLIGHT_EXPORT void
cflight_append_union(cflight_column *column, size_t member);

/// Turns batches in memory into a stream, as functions that send and take streams want them.
/// @param schema      Copied.
/// @param batches     Moved, each, on success.
/// @param ret_stream  Caller's storage; release it. One thread at a time.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_batches_to_stream(const struct ArrowSchema *schema, struct ArrowArray *batches,
                          size_t batch_count, struct ArrowArrayStream *ret_stream,
                          cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_BUILDER_H */
