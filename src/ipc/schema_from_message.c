/* SPDX-License-Identifier: Apache-2.0 */
/* The schema tree from a flatbuffer of a peer.
 *
 * The flatbuffer is read table by table; the reader's problem mark is tested after each field,
 * before its children are allocated. Depth and number of fields are bounded by the builder, strings
 * and metadata by the reader's budget, so shared tables cannot blow up. Types, units and children
 * are checked by the builder, which both sources of schemas share. Owner: the builder, until it is
 * taken. Thread class: free. (Schema.fbs) */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "ipc/message.h"
#include "ipc/schema_build.h"
#include "ipc/schema_read.h"
#include "ipc/walk.h"

/* Field numbers of the tables of Schema.fbs. */
enum { SCHEMA_ENDIANNESS = 0, SCHEMA_FIELDS = 1, SCHEMA_METADATA = 2 };
enum {
    FIELD_NAME = 0,
    FIELD_NULLABLE = 1,
    FIELD_TYPE_TYPE = 2,
    FIELD_TYPE = 3,
    FIELD_DICTIONARY = 4,
    FIELD_CHILDREN = 5,
    FIELD_METADATA = 6,
};
enum {
    DICTIONARY_ID = 0,
    DICTIONARY_INDEX_TYPE = 1,
    DICTIONARY_IS_ORDERED = 2,
    DICTIONARY_KIND = 3
};
enum { KEY_VALUE_KEY = 0, KEY_VALUE_VALUE = 1 };
enum { INT_BIT_WIDTH = 0, INT_IS_SIGNED = 1 };
enum { DECIMAL_PRECISION = 0, DECIMAL_SCALE = 1, DECIMAL_BIT_WIDTH = 2 };
enum { TIME_UNIT = 0, TIME_BIT_WIDTH = 1 };
enum { TIMESTAMP_UNIT = 0, TIMESTAMP_TIMEZONE = 1 };
enum { UNION_MODE = 0, UNION_TYPE_IDS = 1 };
enum { ONLY_FIELD = 0 }; /* of tables with one */

enum {
    ENDIANNESS_LITTLE = 0,
    ENDIANNESS_BIG = 1,
    UNION_MODE_SPARSE = 0,
    UNION_MODE_DENSE = 1,
    DATE_UNIT_DEFAULT = 1, /* milliseconds */
    TIME_UNIT_DEFAULT = 1, /* milliseconds */
    TIME_BIT_WIDTH_DEFAULT = 32,
    DECIMAL_BIT_WIDTH_DEFAULT = 128,
    DICTIONARY_INDEX_BITS_DEFAULT = 32,
    UNION_IDS_MAX = 128,
    TABLE_OFFSET_BYTES = 4,
};

struct schema_read {
    struct cfl_schema_builder builder;
    struct cfl_fb *fb;
};

static cflight_status check(const struct schema_read *read, cflight_error **reterr)
{
    return cfl_message_check(read->fb, "Arrow schema", reterr);
}

static void append_native_i32(struct cfl_buf *buf, size_t value)
{
    int32_t number = (int32_t)value;
    (void)cfl_buf_append(buf, &number, sizeof number);
}

/* Key-value pairs to the C data interface's encoding. Lengths fit 32 bits, because the flatbuffer's
 * do. */
static cflight_status read_metadata(struct schema_read *read, const struct cfl_fb_table *owner,
                                    unsigned int field_number, struct cfl_field *field,
                                    cflight_error **reterr)
{
    struct cfl_fb_vector pairs = cfl_fb_vector_field(owner, field_number, TABLE_OFFSET_BYTES);
    struct cfl_buf buf;
    if (pairs.count == 0) {
        return check(read, reterr);
    }
    cfl_buf_init(&buf, cfl_schema_builder_alloc(&read->builder));
    append_native_i32(&buf, pairs.count);
    for (size_t i = 0; i < pairs.count && read->fb->problem == NULL; i++) {
        struct cfl_fb_table pair = cfl_fb_vector_table(&pairs, i);
        struct cflight_bytes key = cfl_fb_string(&pair, KEY_VALUE_KEY);
        struct cflight_bytes value = cfl_fb_string(&pair, KEY_VALUE_VALUE);
        append_native_i32(&buf, key.len_bytes);
        (void)cfl_buf_append_bytes(&buf, key);
        append_native_i32(&buf, value.len_bytes);
        (void)cfl_buf_append_bytes(&buf, value);
    }
    cflight_status status = check(read, reterr);
    if (status == CFLIGHT_OK && buf.failed) {
        status = cfl_error_no_memory(reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_schema_set_metadata(&read->builder, field, cfl_buf_bytes(&buf), reterr);
    }
    cfl_buf_done(&buf);
    return status;
}

static void read_int(const struct cfl_fb_table *table, struct cfl_type *type)
{
    type->bit_width = cfl_fb_i32(table, INT_BIT_WIDTH, 0);
    type->is_signed = cfl_fb_bool(table, INT_IS_SIGNED);
}

static cflight_status read_timestamp(struct schema_read *read, const struct cfl_fb_table *table,
                                     struct cfl_field *field, cflight_error **reterr)
{
    field->type.unit = cfl_fb_i16(table, TIMESTAMP_UNIT, 0);
    struct cflight_bytes timezone = cfl_fb_string(table, TIMESTAMP_TIMEZONE);
    cflight_status status = check(read, reterr);
    if (status != CFLIGHT_OK || timezone.len_bytes == 0) {
        return status;
    }
    return cfl_schema_set_timezone(&read->builder, field, timezone, reterr);
}

static cflight_status read_union(struct schema_read *read, const struct cfl_fb_table *table,
                                 int64_t child_count, struct cfl_field *field,
                                 cflight_error **reterr)
{
    int16_t mode = cfl_fb_i16(table, UNION_MODE, UNION_MODE_SPARSE);
    struct cfl_fb_vector ids = cfl_fb_vector_field(table, UNION_TYPE_IDS, sizeof(int32_t));
    cflight_status status = check(read, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (mode != UNION_MODE_SPARSE && mode != UNION_MODE_DENSE) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "union mode %d is neither sparse nor dense", (int)mode);
    }
    field->type.layout =
        mode == UNION_MODE_DENSE ? CFL_LAYOUT_DENSE_UNION : CFL_LAYOUT_SPARSE_UNION;
    if (ids.fb == NULL) {
        return cfl_schema_set_union_ids(&read->builder, field, NULL, child_count, reterr);
    }
    int32_t values[UNION_IDS_MAX];
    for (size_t i = 0; i < ids.count && i < UNION_IDS_MAX; i++) {
        values[i] = cfl_fb_vector_i32(&ids, i, 0);
    }
    return cfl_schema_set_union_ids(&read->builder, field, values, (int64_t)ids.count, reterr);
}

/* Reads the type's own table. Ids and parameters are judged later, by cfl_schema_finish_field. */
static cflight_status read_type(struct schema_read *read, const struct cfl_fb_table *owner,
                                int64_t child_count, struct cfl_field *field,
                                cflight_error **reterr)
{
    struct cfl_type *type = &field->type;
    uint8_t id = cfl_fb_u8(owner, FIELD_TYPE_TYPE, CFL_TYPE_NONE);
    struct cfl_fb_table table = cfl_fb_table_field(owner, FIELD_TYPE);
    if (id == CFL_TYPE_NONE || (read->fb->problem == NULL && !cfl_fb_is_present(&table))) {
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS, "it has no type");
    }
    if (id > CFL_TYPE_LARGE_LIST_VIEW) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "type %u is not known to this version", (unsigned int)id);
    }
    type->id = (enum cfl_type_id)id;
    switch (type->id) {
    case CFL_TYPE_INT:
        read_int(&table, type);
        break;
    case CFL_TYPE_FLOATING_POINT:
    case CFL_TYPE_INTERVAL:
        type->unit = cfl_fb_i16(&table, ONLY_FIELD, 0);
        break;
    case CFL_TYPE_DECIMAL:
        type->precision = cfl_fb_i32(&table, DECIMAL_PRECISION, 0);
        type->scale = cfl_fb_i32(&table, DECIMAL_SCALE, 0);
        type->bit_width = cfl_fb_i32(&table, DECIMAL_BIT_WIDTH, DECIMAL_BIT_WIDTH_DEFAULT);
        break;
    case CFL_TYPE_DATE:
        type->unit = cfl_fb_i16(&table, ONLY_FIELD, DATE_UNIT_DEFAULT);
        break;
    case CFL_TYPE_TIME:
        type->unit = cfl_fb_i16(&table, TIME_UNIT, TIME_UNIT_DEFAULT);
        type->bit_width = cfl_fb_i32(&table, TIME_BIT_WIDTH, TIME_BIT_WIDTH_DEFAULT);
        break;
    case CFL_TYPE_DURATION:
        type->unit = cfl_fb_i16(&table, ONLY_FIELD, TIME_UNIT_DEFAULT);
        break;
    case CFL_TYPE_TIMESTAMP:
        return read_timestamp(read, &table, field, reterr);
    case CFL_TYPE_UNION:
        return read_union(read, &table, child_count, field, reterr);
    case CFL_TYPE_FIXED_SIZE_BINARY:
        type->width_bytes = cfl_fb_i32(&table, ONLY_FIELD, 0);
        break;
    case CFL_TYPE_FIXED_SIZE_LIST:
        type->list_size = cfl_fb_i32(&table, ONLY_FIELD, 0);
        break;
    case CFL_TYPE_MAP:
        type->keys_sorted = cfl_fb_bool(&table, ONLY_FIELD);
        break;
    case CFL_TYPE_NONE:
    case CFL_TYPE_NULL:
    case CFL_TYPE_BINARY:
    case CFL_TYPE_UTF8:
    case CFL_TYPE_BOOL:
    case CFL_TYPE_LIST:
    case CFL_TYPE_STRUCT:
    case CFL_TYPE_LARGE_BINARY:
    case CFL_TYPE_LARGE_UTF8:
    case CFL_TYPE_LARGE_LIST:
    case CFL_TYPE_RUN_END_ENCODED:
    case CFL_TYPE_BINARY_VIEW:
    case CFL_TYPE_UTF8_VIEW:
    case CFL_TYPE_LIST_VIEW:
    case CFL_TYPE_LARGE_LIST_VIEW:
        break;
    }
    return check(read, reterr);
}

/* An index type that is not given is int32 (Schema.fbs: DictionaryEncoding.indexType). */
static cflight_status read_dictionary(struct schema_read *read, const struct cfl_fb_table *owner,
                                      struct cfl_field *field, cflight_error **reterr)
{
    struct cfl_fb_table table = cfl_fb_table_field(owner, FIELD_DICTIONARY);
    if (!cfl_fb_is_present(&table)) {
        return check(read, reterr);
    }
    field->is_dictionary = true;
    field->dictionary_id = cfl_fb_i64(&table, DICTIONARY_ID, 0);
    field->dictionary_is_ordered = cfl_fb_bool(&table, DICTIONARY_IS_ORDERED);
    field->index_type.id = CFL_TYPE_INT;
    field->index_type.bit_width = DICTIONARY_INDEX_BITS_DEFAULT;
    field->index_type.is_signed = true;
    struct cfl_fb_table index_type = cfl_fb_table_field(&table, DICTIONARY_INDEX_TYPE);
    if (cfl_fb_is_present(&index_type)) {
        read_int(&index_type, &field->index_type);
    }
    int16_t kind = cfl_fb_i16(&table, DICTIONARY_KIND, 0);
    if (read->fb->problem == NULL && kind != 0) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "dictionary kind %d is not supported; dense arrays (0) are",
                                 (int)kind);
    }
    return check(read, reterr);
}

static cflight_status read_field(struct schema_read *read, const struct cfl_fb_table *table,
                                 uint32_t depth, struct cfl_field *field, cflight_error **reterr);

static cflight_status read_children(struct schema_read *read, const struct cfl_fb_vector *children,
                                    uint32_t depth, struct cfl_field *field, cflight_error **reterr)
{
    cflight_status status =
        cfl_schema_add_children(&read->builder, field, (int64_t)children->count, depth, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < children->count; i++) {
        struct cfl_fb_table child = cfl_fb_vector_table(children, i);
        status = read_field(read, &child, depth, &field->children[i], reterr);
    }
    return status;
}

/* Recursion is bounded by schema_depth_max in cfl_schema_add_children. */
static cflight_status read_field(struct schema_read *read, const struct cfl_fb_table *table,
                                 uint32_t depth, struct cfl_field *field, cflight_error **reterr)
{
    struct cfl_fb_vector children = cfl_fb_vector_field(table, FIELD_CHILDREN, TABLE_OFFSET_BYTES);
    struct cflight_bytes name = cfl_fb_string(table, FIELD_NAME);
    field->is_nullable = cfl_fb_bool(table, FIELD_NULLABLE);

    cflight_status status = check(read, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_schema_set_name(&read->builder, field, name, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = read_type(read, table, (int64_t)children.count, field, reterr);
    if (status == CFLIGHT_OK) {
        status = read_dictionary(read, table, field, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_metadata(read, table, FIELD_METADATA, field, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_children(read, &children, depth + 1, field, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_schema_finish_field(&read->builder, field, reterr);
    }
    if (status != CFLIGHT_OK) {
        return cfl_error_prefix(reterr, status, "field '%s'", field->name);
    }
    return CFLIGHT_OK;
}

static cflight_status check_included(const int32_t *included, size_t included_count,
                                     size_t column_count, cflight_error **reterr)
{
    for (size_t i = 0; i < included_count; i++) {
        if (included[i] < 0 || (size_t)included[i] >= column_count) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "included field %" PRId32
                                     " does not exist; the schema has %zu fields",
                                     included[i], column_count);
        }
        if (i > 0 && included[i] <= included[i - 1]) {
            return cflight_error_set_message(
                reterr, CFLIGHT_INVALID_ARGUMENT,
                "included fields must be in ascending order, each once");
        }
    }
    return CFLIGHT_OK;
}

static cflight_status read_columns(struct schema_read *read, const struct cfl_fb_vector *columns,
                                   const int32_t *included, size_t included_count,
                                   cflight_error **reterr)
{
    struct cfl_field *root = cfl_schema_builder_root(&read->builder);
    cflight_status status = check_included(included, included_count, columns->count, reterr);
    if (status != CFLIGHT_OK || included == NULL) {
        return status != CFLIGHT_OK ? status : read_children(read, columns, 1, root, reterr);
    }
    status = cfl_schema_add_children(&read->builder, root, (int64_t)included_count, 1, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < included_count; i++) {
        struct cfl_fb_table column = cfl_fb_vector_table(columns, (size_t)included[i]);
        status = read_field(read, &column, 1, &root->children[i], reterr);
    }
    return status;
}

static bool is_other_byte_order(int16_t endianness)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return endianness == ENDIANNESS_BIG;
#else
    return endianness == ENDIANNESS_LITTLE;
#endif
}

cflight_status cfl_schema_from_table(const struct cflight_allocator *alloc,
                                     const struct cfl_fb_table *table,
                                     const struct cfl_limits *limits, const int32_t *included,
                                     size_t included_count, struct cfl_schema **ret_schema,
                                     cflight_error **reterr)
{
    struct schema_read read = {.fb = table->fb};
    if (!cfl_fb_is_present(table)) {
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS, "there is no Arrow schema");
    }
    cflight_status status =
        cfl_schema_builder_init(&read.builder, alloc, limits, CFLIGHT_DATA_LOSS, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int16_t endianness = cfl_fb_i16(table, SCHEMA_ENDIANNESS, ENDIANNESS_LITTLE);
    struct cfl_fb_vector columns = cfl_fb_vector_field(table, SCHEMA_FIELDS, TABLE_OFFSET_BYTES);
    status = check(&read, reterr);
    if (status == CFLIGHT_OK && endianness != ENDIANNESS_LITTLE && endianness != ENDIANNESS_BIG) {
        status = cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                   "the schema's byte order %d is unknown", (int)endianness);
    }
    cfl_schema_builder_set_swapped(&read.builder, is_other_byte_order(endianness));
    if (status == CFLIGHT_OK) {
        status = read_metadata(&read, table, SCHEMA_METADATA,
                               cfl_schema_builder_root(&read.builder), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_columns(&read, &columns, included, included_count, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_schema = cfl_schema_builder_take(&read.builder);
    }
    cfl_schema_builder_done(&read.builder);
    return status;
}

cflight_status cfl_schema_from_message(const struct cflight_allocator *alloc,
                                       struct cflight_bytes message,
                                       const struct cfl_limits *limits,
                                       struct cfl_schema **ret_schema,
                                       int16_t *ret_metadata_version, cflight_error **reterr)
{
    struct cfl_message parsed;
    cflight_status status = cfl_message_parse(message, &parsed, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (parsed.kind != CFL_MESSAGE_SCHEMA) {
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                         "the Arrow message is a batch; a schema was expected");
    }
    status = cfl_schema_from_table(alloc, &parsed.header, limits, NULL, 0, ret_schema, reterr);
    if (status == CFLIGHT_OK) {
        *ret_metadata_version = parsed.metadata_version;
    }
    return status;
}

cflight_status cflight_ipc_schema_parse(struct cflight_bytes bytes, struct ArrowSchema *ret_schema,
                                        cflight_error **reterr)
{
    struct cflight_bytes message = {0};
    struct cfl_schema *schema = NULL;
    int16_t metadata_version = 0;
    size_t offset = 0;
    if (ret_schema == NULL || (bytes.data == NULL && bytes.len_bytes > 0)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a schema needs bytes and a place for the result");
    }
    cflight_status status = cfl_walk_header(bytes, &offset, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_schema_from_message(NULL, message, &cfl_limits_default, &schema,
                                         &metadata_version, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_schema_to_arrow(schema, ret_schema, reterr);
    }
    cfl_schema_unref(schema);
    return status;
}
