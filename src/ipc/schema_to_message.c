/* SPDX-License-Identifier: Apache-2.0 */
/* Schema tree to flatbuffer, and to the encapsulated bytes that FlightInfo carries.
 *
 * Fields are written whole: names always, children as a vector even when there are none, as readers
 * of other implementations expect. No `features` are declared. The output depends on the schema
 * alone. Spec: Schema.fbs; Arrow columnar "Schema message", "Encapsulated message format". Thread
 * class: free. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "ipc/message_write.h"
#include "ipc/metadata.h"

enum { HEADER_SCHEMA = 1, ENDIANNESS_BIG = 1 };

enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_ID,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN,
    FIELD_METADATA
};

static void write_metadata(struct cfl_fbb *fbb, size_t from, struct cflight_bytes metadata)
{
    static const uint8_t widths[] = {4, 4};
    struct cfl_metadata_reader reader = cfl_metadata_read(metadata);
    struct cflight_bytes key = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};

    size_t pairs = cfl_fbb_vector(fbb, from, (size_t)reader.left, 4, 4);
    for (size_t i = 0; cfl_metadata_next(&reader, &key, &value); i++) {
        struct cfl_fbb_table pair = cfl_fbb_table(fbb, pairs + 4 * i, widths, 2);
        cfl_fbb_string(fbb, pair.fields[0], key);
        cfl_fbb_string(fbb, pair.fields[1], value);
    }
}

static void write_empty(struct cfl_fbb *fbb, size_t from)
{
    (void)cfl_fbb_table(fbb, from, NULL, 0);
}

/* Types with one short: a unit, a precision. */
static void write_i16(struct cfl_fbb *fbb, size_t from, int32_t value)
{
    static const uint8_t widths[] = {2};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 1);
    cfl_fbb_put_i16(fbb, table.fields[0], (int16_t)value);
}

static void write_i32(struct cfl_fbb *fbb, size_t from, int32_t value)
{
    static const uint8_t widths[] = {4};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 1);
    cfl_fbb_put_i32(fbb, table.fields[0], value);
}

static void write_int(struct cfl_fbb *fbb, size_t from, const struct cfl_type *type)
{
    static const uint8_t widths[] = {4, 1};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 2);
    cfl_fbb_put_i32(fbb, table.fields[0], type->bit_width);
    cfl_fbb_put_u8(fbb, table.fields[1], type->is_signed);
}

static void write_decimal(struct cfl_fbb *fbb, size_t from, const struct cfl_type *type)
{
    static const uint8_t widths[] = {4, 4, 4};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 3);
    cfl_fbb_put_i32(fbb, table.fields[0], type->precision);
    cfl_fbb_put_i32(fbb, table.fields[1], type->scale);
    cfl_fbb_put_i32(fbb, table.fields[2], type->bit_width);
}

static void write_time(struct cfl_fbb *fbb, size_t from, const struct cfl_type *type)
{
    static const uint8_t widths[] = {2, 4};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 2);
    cfl_fbb_put_i16(fbb, table.fields[0], (int16_t)type->unit);
    cfl_fbb_put_i32(fbb, table.fields[1], type->bit_width);
}

static void write_timestamp(struct cfl_fbb *fbb, size_t from, const struct cfl_type *type)
{
    const uint8_t widths[] = {2, type->timezone == NULL ? 0 : 4};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 2);
    cfl_fbb_put_i16(fbb, table.fields[0], (int16_t)type->unit);
    if (type->timezone != NULL) {
        cfl_fbb_string(fbb, table.fields[1], cflight_bytes_from_text(type->timezone));
    }
}

static void write_union(struct cfl_fbb *fbb, size_t from, const struct cfl_type *type)
{
    static const uint8_t widths[] = {2, 4};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 2);
    cfl_fbb_put_i16(fbb, table.fields[0], type->layout == CFL_LAYOUT_DENSE_UNION ? 1 : 0);
    size_t ids = cfl_fbb_vector(fbb, table.fields[1], (size_t)type->union_id_count, 4, 4);
    for (int32_t i = 0; i < type->union_id_count; i++) {
        cfl_fbb_put_i32(fbb, ids + 4 * (size_t)i, type->union_ids[i]);
    }
}

static void write_map(struct cfl_fbb *fbb, size_t from, const struct cfl_type *type)
{
    static const uint8_t widths[] = {1};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 1);
    cfl_fbb_put_u8(fbb, table.fields[0], type->keys_sorted);
}

static void write_type(struct cfl_fbb *fbb, size_t from, const struct cfl_type *type)
{
    switch (type->id) {
    case CFL_TYPE_INT:
        write_int(fbb, from, type);
        break;
    case CFL_TYPE_DECIMAL:
        write_decimal(fbb, from, type);
        break;
    case CFL_TYPE_TIME:
        write_time(fbb, from, type);
        break;
    case CFL_TYPE_TIMESTAMP:
        write_timestamp(fbb, from, type);
        break;
    case CFL_TYPE_FLOATING_POINT:
    case CFL_TYPE_DATE:
    case CFL_TYPE_INTERVAL:
    case CFL_TYPE_DURATION:
        write_i16(fbb, from, type->unit);
        break;
    case CFL_TYPE_UNION:
        write_union(fbb, from, type);
        break;
    case CFL_TYPE_FIXED_SIZE_BINARY:
        write_i32(fbb, from, type->width_bytes);
        break;
    case CFL_TYPE_FIXED_SIZE_LIST:
        write_i32(fbb, from, type->list_size);
        break;
    case CFL_TYPE_MAP:
        write_map(fbb, from, type);
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
        write_empty(fbb, from);
        break;
    }
}

static void write_encoding(struct cfl_fbb *fbb, size_t from, const struct cfl_field *field)
{
    static const uint8_t widths[] = {8, 4, 1, 2};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, 4);
    cfl_fbb_put_i64(fbb, table.fields[0], field->dictionary_id);
    cfl_fbb_put_u8(fbb, table.fields[2], field->dictionary_is_ordered);
    write_int(fbb, table.fields[1], &field->index_type);
}

/* Recursion is bounded by schema_depth_max. */
static void write_fields(struct cfl_fbb *fbb, size_t from, const struct cfl_field *parent)
{
    size_t vector = cfl_fbb_vector(fbb, from, (size_t)parent->child_count, 4, 4);

    for (int64_t i = 0; i < parent->child_count; i++) {
        const struct cfl_field *field = &parent->children[i];
        const uint8_t widths[] = {
            [FIELD_NAME] = 4,
            [FIELD_NULLABLE] = 1,
            [FIELD_TYPE_ID] = 1,
            [FIELD_TYPE] = 4,
            [FIELD_DICTIONARY] = field->is_dictionary ? 4 : 0,
            [FIELD_CHILDREN] = 4,
            [FIELD_METADATA] = field->metadata.len_bytes > 0 ? 4 : 0,
        };
        struct cfl_fbb_table table =
            cfl_fbb_table(fbb, vector + 4 * (size_t)i, widths, sizeof widths);
        cfl_fbb_put_u8(fbb, table.fields[FIELD_NULLABLE], field->is_nullable);
        cfl_fbb_put_u8(fbb, table.fields[FIELD_TYPE_ID], (uint8_t)field->type.id);
        cfl_fbb_string(fbb, table.fields[FIELD_NAME], cflight_bytes_from_text(field->name));
        write_type(fbb, table.fields[FIELD_TYPE], &field->type);
        if (field->is_dictionary) {
            write_encoding(fbb, table.fields[FIELD_DICTIONARY], field);
        }
        write_fields(fbb, table.fields[FIELD_CHILDREN], field);
        if (field->metadata.len_bytes > 0) {
            write_metadata(fbb, table.fields[FIELD_METADATA], field->metadata);
        }
    }
}

static bool is_machine_big_endian(void)
{
    const uint16_t probe = 1;
    uint8_t first = 0;
    memcpy(&first, &probe, 1);
    return first == 0;
}

void cfl_schema_write(struct cfl_fbb *fbb, size_t from, const struct cfl_schema *schema)
{
    const struct cfl_field *root = cfl_schema_root(schema);
    const uint8_t widths[] = {2, 4, root->metadata.len_bytes > 0 ? 4 : 0};
    struct cfl_fbb_table table = cfl_fbb_table(fbb, from, widths, sizeof widths);
    bool is_big = is_machine_big_endian() != cfl_schema_is_swapped(schema);

    cfl_fbb_put_i16(fbb, table.fields[0], is_big ? ENDIANNESS_BIG : 0);
    write_fields(fbb, table.fields[1], root);
    if (root->metadata.len_bytes > 0) {
        write_metadata(fbb, table.fields[2], root->metadata);
    }
}

cflight_status cfl_schema_to_message(const struct cfl_schema *schema, int16_t metadata_version,
                                     struct cfl_buf *target, cflight_error **reterr)
{
    static const uint8_t widths[] = {2, 1, 4, 8};
    struct cfl_fbb fbb;

    size_t root = cfl_fbb_begin(&fbb, target);
    struct cfl_fbb_table message = cfl_fbb_table(&fbb, root, widths, sizeof widths);
    cfl_fbb_put_i16(&fbb, message.fields[0], metadata_version);
    cfl_fbb_put_u8(&fbb, message.fields[1], HEADER_SCHEMA);
    cfl_schema_write(&fbb, message.fields[2], schema);
    return cfl_fbb_end(&fbb) ? CFLIGHT_OK : cfl_error_no_memory(reterr);
}

cflight_status cflight_ipc_schema_serialize(const struct ArrowSchema *schema,
                                            cflight_buffer **ret_buffer, cflight_error **reterr)
{
    struct cfl_schema *tree = NULL;
    struct cfl_buf bytes;
    cflight_status status = CFLIGHT_OK;

    cfl_buf_init(&bytes, NULL);
    if (ret_buffer == NULL) {
        return cfl_error_null_argument(reterr, "ret_buffer");
    }
    status = cfl_schema_from_arrow(NULL, schema, NULL, &tree, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    cfl_buf_append_u32le(&bytes, UINT32_MAX);
    size_t len_position = cfl_buf_reserve(&bytes, sizeof(uint32_t));
    size_t message_position = bytes.len_bytes;
    status = cfl_schema_to_message(tree, CFL_METADATA_V5, &bytes, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    cfl_buf_put_u32le(&bytes, len_position, (uint32_t)(bytes.len_bytes - message_position));
    status = cflight_buffer_new_copy(cfl_buf_bytes(&bytes), ret_buffer, reterr);

done:
    cfl_buf_done(&bytes);
    cfl_schema_unref(tree);
    return status;
}
