/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_SCHEMA_H
#define CFL_IPC_SCHEMA_H

#include "base/buf.h"
#include "base/limits.h"
#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"

/* The schema as the encoder and the decoder see it: a tree of fields with everything the format
 * string and the flatbuffer say, parsed once and checked. Immutable after construction and counted,
 * so that a stream, its arrays and several threads share one. */

/* Logical types, in the order of `union Type` in Schema.fbs (Arrow columnar: Schema.fbs); 0 is
 * none. */
enum cfl_type_id {
    CFL_TYPE_NONE = 0,
    CFL_TYPE_NULL = 1,
    CFL_TYPE_INT = 2,
    CFL_TYPE_FLOATING_POINT = 3,
    CFL_TYPE_BINARY = 4,
    CFL_TYPE_UTF8 = 5,
    CFL_TYPE_BOOL = 6,
    CFL_TYPE_DECIMAL = 7,
    CFL_TYPE_DATE = 8,
    CFL_TYPE_TIME = 9,
    CFL_TYPE_TIMESTAMP = 10,
    CFL_TYPE_INTERVAL = 11,
    CFL_TYPE_LIST = 12,
    CFL_TYPE_STRUCT = 13,
    CFL_TYPE_UNION = 14,
    CFL_TYPE_FIXED_SIZE_BINARY = 15,
    CFL_TYPE_FIXED_SIZE_LIST = 16,
    CFL_TYPE_MAP = 17,
    CFL_TYPE_DURATION = 18,
    CFL_TYPE_LARGE_BINARY = 19,
    CFL_TYPE_LARGE_UTF8 = 20,
    CFL_TYPE_LARGE_LIST = 21,
    CFL_TYPE_RUN_END_ENCODED = 22,
    CFL_TYPE_BINARY_VIEW = 23,
    CFL_TYPE_UTF8_VIEW = 24,
    CFL_TYPE_LIST_VIEW = 25,
    CFL_TYPE_LARGE_LIST_VIEW = 26,
};

/* Which buffers an array of the type has, and so how both directions walk it. */
enum cfl_layout {
    CFL_LAYOUT_NULL,         /* none */
    CFL_LAYOUT_BOOL,         /* validity, bits */
    CFL_LAYOUT_FIXED,        /* validity, values of `width_bytes` */
    CFL_LAYOUT_VARIABLE_32,  /* validity, int32 offsets, data */
    CFL_LAYOUT_VARIABLE_64,  /* validity, int64 offsets, data */
    CFL_LAYOUT_VIEW,         /* validity, 16-byte views, any number of data buffers */
    CFL_LAYOUT_LIST_32,      /* validity, int32 offsets; 1 child */
    CFL_LAYOUT_LIST_64,      /* validity, int64 offsets; 1 child */
    CFL_LAYOUT_LIST_VIEW_32, /* validity, int32 offsets, int32 sizes; 1 child */
    CFL_LAYOUT_LIST_VIEW_64, /* validity, int64 offsets, int64 sizes; 1 child */
    CFL_LAYOUT_FIXED_LIST,   /* validity; 1 child with `list_size` items each */
    CFL_LAYOUT_STRUCT,       /* validity; children */
    CFL_LAYOUT_SPARSE_UNION, /* int8 type ids (V4: validity first); children as long as the parent
                              */
    CFL_LAYOUT_DENSE_UNION,  /* int8 type ids, int32 offsets (V4: validity first); children */
    CFL_LAYOUT_RUN_END_ENCODED, /* none; children run_ends and values */
};

/* Type ids of unions are 0 to 127, each of one child (Schema.fbs: Union). */
enum { CFL_UNION_TYPES_MAX = 128 };

/* Units as in Schema.fbs: DateUnit {DAY 0, MILLISECOND 1}; TimeUnit {SECOND 0, MILLISECOND 1,
 * MICROSECOND 2, NANOSECOND 3}; IntervalUnit {YEAR_MONTH 0, DAY_TIME 1, MONTH_DAY_NANO 2};
 * Precision {HALF 0, SINGLE 1, DOUBLE 2}. */
struct cfl_type {
    enum cfl_type_id id;
    enum cfl_layout layout;
    int32_t width_bytes; /* CFL_LAYOUT_FIXED: bytes of a value */
    int32_t bit_width;   /* int, decimal, time */
    bool is_signed;      /* int */
    int32_t unit;        /* date, time, timestamp, duration, interval, floating point precision */
    int32_t precision;   /* decimal */
    int32_t scale;       /* decimal */
    int32_t list_size;   /* fixed-size list */
    bool keys_sorted;    /* map */
    char *timezone;      /* timestamp; NULL is none */
    int8_t *union_ids;   /* union: type id of each child */
    int32_t union_id_count;
};

struct cfl_field {
    char *name; /* never NULL */
    struct cfl_type
        type; /* of the values; for a dictionary-encoded field, of the dictionary's values */
    bool is_nullable;
    /* Dictionary encoding; `index_type` is meaningful only when set. Children then belong to the
     * value type. */
    bool is_dictionary;
    bool dictionary_is_ordered;
    int64_t
        dictionary_id; /* unique per dictionary field, unless the stream that was read shares ids */
    struct cfl_type index_type;
    /* Key-value pairs in the C data interface's encoding (int32 count, then length-prefixed keys
     * and values, native byte order), or empty. */
    struct cflight_bytes metadata;
    struct cfl_field *children;
    int64_t child_count;
};

struct cfl_schema;

/* The top level: a struct whose children are the columns. */
const struct cfl_field *cfl_schema_root(const struct cfl_schema *schema);
/* True when the data that follows is in the other byte order than this machine's. */
bool cfl_schema_is_swapped(const struct cfl_schema *schema);
struct cfl_schema *cfl_schema_ref(struct cfl_schema *schema);
void cfl_schema_unref(struct cfl_schema *schema);

/* From the C data interface: `source` (borrowed) must be a struct ("+s"). Dictionary ids are given
 * out depth first, from 0, a field before the dictionaries inside its values. An unknown format
 * string is INVALID_ARGUMENT and names the field and the format. */
cflight_status cfl_schema_from_arrow(const struct cflight_allocator *alloc,
                                     const struct ArrowSchema *source,
                                     const struct cfl_limits *limits,
                                     struct cfl_schema **ret_schema, cflight_error **reterr);
/* To the C data interface; the result is independent of the schema. */
cflight_status cfl_schema_to_arrow(const struct cfl_schema *schema, struct ArrowSchema *ret_schema,
                                   cflight_error **reterr);

/* From the bytes of a flatbuffer Message whose header is a Schema (no framing). `metadata_version`
 * is the Message's: V4 = 3, V5 = 4 (Message.fbs, MetadataVersion). */
cflight_status cfl_schema_from_message(const struct cflight_allocator *alloc,
                                       struct cflight_bytes message,
                                       const struct cfl_limits *limits,
                                       struct cfl_schema **ret_schema,
                                       int16_t *ret_metadata_version, cflight_error **reterr);
/* Appends a flatbuffer Message with this schema, padded to 8 bytes, without framing. */
cflight_status cfl_schema_to_message(const struct cfl_schema *schema, int16_t metadata_version,
                                     struct cfl_buf *target, cflight_error **reterr);

/* Tells whether values of both types are stored alike: all but time zone and order of keys.
 * Children are not looked at. */
bool cfl_type_has_same_values(const struct cfl_type *a, const struct cfl_type *b);

/* Tells whether two schemas describe the same data: names, types, nullability, dictionary encoding;
 * of metadata only what makes an extension type. */
bool cfl_schema_equal(const struct cfl_schema *a, const struct cfl_schema *b);

#endif /* CFL_IPC_SCHEMA_H */
