/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BUILDER_H
#define CFLIGHT_BUILDER_H

#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// Building schemas: for tables that a program makes itself. Thread class: free.
///
///     static const struct cflight_field FIELDS[] = {{.name = "city", .format = "u"},
///                                                   {.name = "people", .format = "l"}};
///     struct ArrowSchema schema;
///     if (cflight_schema_new(FIELDS, 2, &schema, &error) != CFLIGHT_OK) { ... }
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

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_BUILDER_H */
