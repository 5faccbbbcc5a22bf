/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SCHEMA_H
#define CFLIGHT_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "cflight/arrow_abi.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// Schemas of the Arrow C data interface: what the format string of a field says, its type in
/// words, copies and comparison. Thread class: free.
///
///     struct cflight_type type;
///     if (cflight_type_parse(field->format, &type, &error) != CFLIGHT_OK) { ... }
///     if (type.id == CFLIGHT_TYPE_INT64) { ... values of type.value_bytes bytes ... }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// The types of Arrow, each with its own way to store a value.
enum cflight_type_id {
    CFLIGHT_TYPE_NULL,
    CFLIGHT_TYPE_BOOL,
    CFLIGHT_TYPE_INT8,
    CFLIGHT_TYPE_UINT8,
    CFLIGHT_TYPE_INT16,
    CFLIGHT_TYPE_UINT16,
    CFLIGHT_TYPE_INT32,
    CFLIGHT_TYPE_UINT32,
    CFLIGHT_TYPE_INT64,
    CFLIGHT_TYPE_UINT64,
    CFLIGHT_TYPE_FLOAT16,
    CFLIGHT_TYPE_FLOAT32,
    CFLIGHT_TYPE_FLOAT64,
    CFLIGHT_TYPE_DECIMAL,
    CFLIGHT_TYPE_BINARY,
    CFLIGHT_TYPE_LARGE_BINARY,
    CFLIGHT_TYPE_BINARY_VIEW,
    CFLIGHT_TYPE_FIXED_SIZE_BINARY,
    CFLIGHT_TYPE_UTF8,
    CFLIGHT_TYPE_LARGE_UTF8,
    CFLIGHT_TYPE_UTF8_VIEW,
    CFLIGHT_TYPE_DATE32,
    CFLIGHT_TYPE_DATE64,
    CFLIGHT_TYPE_TIME32,
    CFLIGHT_TYPE_TIME64,
    CFLIGHT_TYPE_TIMESTAMP,
    CFLIGHT_TYPE_DURATION,
    CFLIGHT_TYPE_INTERVAL_MONTHS,
    CFLIGHT_TYPE_INTERVAL_DAY_TIME,
    CFLIGHT_TYPE_INTERVAL_MONTH_DAY_NANO,
    CFLIGHT_TYPE_LIST,
    CFLIGHT_TYPE_LARGE_LIST,
    CFLIGHT_TYPE_LIST_VIEW,
    CFLIGHT_TYPE_LARGE_LIST_VIEW,
    CFLIGHT_TYPE_FIXED_SIZE_LIST,
    CFLIGHT_TYPE_STRUCT,
    CFLIGHT_TYPE_MAP,
    CFLIGHT_TYPE_SPARSE_UNION,
    CFLIGHT_TYPE_DENSE_UNION,
    CFLIGHT_TYPE_RUN_END_ENCODED,
};

enum cflight_time_unit {
    CFLIGHT_TIME_UNIT_SECOND,
    CFLIGHT_TIME_UNIT_MILLISECOND,
    CFLIGHT_TIME_UNIT_MICROSECOND,
    CFLIGHT_TIME_UNIT_NANOSECOND,
};

/// What a format string says. What does not concern the type is zero.
struct cflight_type {
    enum cflight_type_id id;
    int32_t value_bytes;         ///< of each value of fixed size: numbers, times, fixed-size binary
    int32_t precision;           ///< of decimals
    int32_t scale;               ///< of decimals
    int32_t list_size;           ///< items in each fixed-size list
    enum cflight_time_unit unit; ///< of times, timestamps and durations
    const char *timezone;        ///< of timestamps, in the format string; NULL for none
    /// Of unions: which child holds the values of a type id, -1 for none.
    int8_t union_child[128];
    int32_t union_child_count;
};

/// Reads a format string ("The Arrow C data interface: Data type description"). That of a field
/// with a dictionary is the type of the indices.
///
/// @param format    Borrowed; `ret_type->timezone` points into it.
/// @param ret_type  Caller's storage. Untouched on failure.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (NULL, an unknown format, impossible parameters)
CFLIGHT_CHECKED cflight_status
cflight_type_parse(const char *format, struct cflight_type *ret_type, cflight_error **reterr);

/// Copies a schema deeply, metadata and dictionary included.
CFLIGHT_CHECKED cflight_status
cflight_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *ret_schema,
                    cflight_error **reterr);

/// Tells whether two schemas describe the same data: names, types, nullability and dictionary
/// encoding of all fields. An extension type (`ARROW:extension:name` and `ARROW:extension:metadata`
/// in a field's metadata) equals only itself, and not the type of its storage. Other metadata is
/// compared when `with_metadata` is set. A schema that is not valid equals nothing.
CFLIGHT_EXPORT bool
cflight_schema_equal(const struct ArrowSchema *a, const struct ArrowSchema *b, bool with_metadata);

/// Gives the type of a field in words, such as `list<item: int32>` or `timestamp[us, tz=UTC]`. Free
/// the text with cflight_text_free().
CFLIGHT_CHECKED cflight_status
cflight_schema_type_text(const struct ArrowSchema *field, char **ret_text, cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SCHEMA_H */
