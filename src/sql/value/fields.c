/* SPDX-License-Identifier: Apache-2.0 */
/* Three walks over a layout: to protobuf-c's message, from it, and into a block.
 *
 * Rows of a layout and fields of protobuf-c's descriptor are in one order; a test holds them to
 * that. What is optional is a oneof of one member, as protobuf-c has it, and in the public struct a
 * view whose data is NULL when it is absent. Thread class: free. (Protocol Buffers: Encoding, Maps)
 */
#include "sql/value/fields.h"

#include <assert.h>
#include <stdlib.h>

#include <flight_sql.pb-c.h>

#include "base/error.h"
#include "base/search.h"
#include "base/utf8.h"

typedef Arrow__Flight__Protocol__Sql__IngestOption pb_option;

/* What a present, empty view points at. */
static const uint8_t EMPTY[1];

/* One field on both sides. */
struct place {
    const struct cfl_sql_field *row;
    const ProtobufCFieldDescriptor *pb_field;
    const void *from;
    void *to;
    const char *name; /* of the message */
};

static const void *source(const struct place *place, size_t offset)
{
    return (const uint8_t *)place->from + offset;
}

static void *target(const struct place *place, size_t offset)
{
    return (uint8_t *)place->to + offset;
}

static ProtobufCBinaryData binary(struct cflight_bytes bytes)
{
    ProtobufCBinaryData data = {bytes.len_bytes, (uint8_t *)(uintptr_t)bytes.data};
    return data;
}

static struct cflight_bytes view(ProtobufCBinaryData data)
{
    return cflight_bytes_make(data.len == 0 ? NULL : data.data, data.len);
}

static bool is_text(enum cfl_sql_field_kind kind)
{
    return kind == CFL_SQL_FIELD_TEXT || kind == CFL_SQL_FIELD_OPTIONAL_TEXT ||
           kind == CFL_SQL_FIELD_TEXTS || kind == CFL_SQL_FIELD_OPTIONS;
}

static bool is_optional(enum cfl_sql_field_kind kind)
{
    return kind == CFL_SQL_FIELD_OPTIONAL_TEXT || kind == CFL_SQL_FIELD_OPTIONAL_BYTES ||
           kind == CFL_SQL_FIELD_ID;
}

/* ---- to protobuf-c ---- */

static cflight_status check_bytes(const struct place *place, struct cflight_bytes bytes,
                                  cflight_error **reterr)
{
    if (bytes.data == NULL && bytes.len_bytes > 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s of %s has a length but no bytes", place->pb_field->name,
                                 place->name);
    }
    if (is_text(place->row->kind) && !cfl_utf8_is_valid(bytes.data, bytes.len_bytes)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s of %s is not UTF-8",
                                 place->pb_field->name, place->name);
    }
    return CFLIGHT_OK;
}

static bool has_case(const struct place *place)
{
    return (place->pb_field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static void set_case(const struct place *place)
{
    *(uint32_t *)target(place, place->pb_field->quantifier_offset) = place->pb_field->id;
}

static cflight_status put_bytes(const struct place *place, cflight_error **reterr)
{
    enum cfl_sql_field_kind kind = place->row->kind;
    const struct cflight_bytes *bytes = source(place, place->row->offset);
    cflight_status status = check_bytes(place, *bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_absent = kind == CFL_SQL_FIELD_ID ? bytes->len_bytes == 0 : bytes->data == NULL;
    if (is_optional(kind) && is_absent) {
        return CFLIGHT_OK;
    }
    if (is_optional(kind)) {
        set_case(place);
    }
    *(ProtobufCBinaryData *)target(place, place->pb_field->offset) = binary(*bytes);
    return CFLIGHT_OK;
}

static cflight_status put_texts(struct cfl_arena *arena, const struct place *place, size_t count,
                                cflight_error **reterr)
{
    const struct cflight_bytes *texts =
        *(const struct cflight_bytes *const *)source(place, place->row->offset);
    ProtobufCBinaryData *items = cfl_arena_array(arena, count, sizeof *items);
    if (items == NULL) {
        return cfl_arena_error(arena, place->name, reterr);
    }
    for (size_t i = 0; i < count; i++) {
        cflight_status status = check_bytes(place, texts[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        items[i] = binary(texts[i]);
    }
    *(ProtobufCBinaryData **)target(place, place->pb_field->offset) = items;
    return CFLIGHT_OK;
}

static cflight_status put_options(struct cfl_arena *arena, const struct place *place, size_t count,
                                  cflight_error **reterr)
{
    const struct cflight_sql_option *options =
        *(const struct cflight_sql_option *const *)source(place, place->row->offset);
    pb_option **pointers = cfl_arena_array(arena, count, sizeof *pointers);
    pb_option *items = cfl_arena_array(arena, count, sizeof *items);
    if (pointers == NULL || items == NULL) {
        return cfl_arena_error(arena, place->name, reterr);
    }
    for (size_t i = 0; i < count; i++) {
        cflight_status status = check_bytes(place, options[i].name, reterr);
        if (status == CFLIGHT_OK) {
            status = check_bytes(place, options[i].value, reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
        arrow__flight__protocol__sql__ingest_option__init(&items[i]);
        items[i].key = binary(options[i].name);
        items[i].value = binary(options[i].value);
        pointers[i] = &items[i];
    }
    *(pb_option ***)target(place, place->pb_field->offset) = pointers;
    return CFLIGHT_OK;
}

static cflight_status put_list(struct cfl_arena *arena, const struct place *place,
                               cflight_error **reterr)
{
    const void *items = *(const void *const *)source(place, place->row->offset);
    size_t count = *(const size_t *)source(place, place->row->second);
    if (items == NULL && count > 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s of %s has a count but no array", place->pb_field->name,
                                 place->name);
    }
    *(size_t *)target(place, place->pb_field->quantifier_offset) = count;
    if (place->row->kind == CFL_SQL_FIELD_TEXTS) {
        return put_texts(arena, place, count, reterr);
    }
    if (place->row->kind == CFL_SQL_FIELD_OPTIONS) {
        return put_options(arena, place, count, reterr);
    }
    *(const uint32_t **)target(place, place->pb_field->offset) = items;
    return CFLIGHT_OK;
}

static cflight_status refuse_number(const struct place *place, int32_t number,
                                    cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s of %s cannot be %d",
                             place->pb_field->name, place->name, (int)number);
}

static cflight_status put_yes_or_no(const struct place *place, cflight_error **reterr)
{
    const int32_t number = *(const int32_t *)source(place, place->row->offset);
    if (number == CFLIGHT_SQL_UPDATE_UNKNOWN) {
        return CFLIGHT_OK;
    }
    if (number != CFLIGHT_SQL_UPDATE_NO && number != CFLIGHT_SQL_UPDATE_YES) {
        return refuse_number(place, number, reterr);
    }
    set_case(place);
    *(protobuf_c_boolean *)target(place, place->pb_field->offset) =
        number == CFLIGHT_SQL_UPDATE_YES;
    return CFLIGHT_OK;
}

static cflight_status put_number(const struct place *place, cflight_error **reterr)
{
    const int32_t number = *(const int32_t *)source(place, place->row->offset);
    bool is_there = place->row->kind == CFL_SQL_FIELD_OPTIONAL_NUMBER
                        ? *(const bool *)source(place, place->row->second)
                        : number != 0;
    if (place->row->kind == CFL_SQL_FIELD_ENUM && (number < 0 || number > place->row->max)) {
        return refuse_number(place, number, reterr);
    }
    if (!is_there) {
        return CFLIGHT_OK;
    }
    if (has_case(place)) {
        set_case(place);
    }
    *(int32_t *)target(place, place->pb_field->offset) = number;
    return CFLIGHT_OK;
}

/* A message all of whose fields have their defaults is not written. */
static cflight_status put_message(struct cfl_arena *arena, const struct place *place,
                                  cflight_error **reterr)
{
    ProtobufCMessage *inner = NULL;
    cflight_status status =
        cfl_sql_fields_to_pb(arena, place->row->message, place->name, place->from, &inner, reterr);
    if (status == CFLIGHT_OK && protobuf_c_message_get_packed_size(inner) > 0) {
        *(ProtobufCMessage **)target(place, place->pb_field->offset) = inner;
    }
    return status;
}

static cflight_status put_field(struct cfl_arena *arena, const struct place *place,
                                cflight_error **reterr)
{
    switch (place->row->kind) {
    case CFL_SQL_FIELD_TEXT:
    case CFL_SQL_FIELD_BYTES:
    case CFL_SQL_FIELD_OPTIONAL_TEXT:
    case CFL_SQL_FIELD_OPTIONAL_BYTES:
    case CFL_SQL_FIELD_ID:
        return put_bytes(place, reterr);
    case CFL_SQL_FIELD_TEXTS:
    case CFL_SQL_FIELD_NUMBERS:
    case CFL_SQL_FIELD_OPTIONS:
        return put_list(arena, place, reterr);
    case CFL_SQL_FIELD_BOOL:
        *(protobuf_c_boolean *)target(place, place->pb_field->offset) =
            *(const bool *)source(place, place->row->offset);
        return CFLIGHT_OK;
    case CFL_SQL_FIELD_COUNT:
        *(int64_t *)target(place, place->pb_field->offset) =
            *(const int64_t *)source(place, place->row->offset);
        return CFLIGHT_OK;
    case CFL_SQL_FIELD_MESSAGE:
        return put_message(arena, place, reterr);
    case CFL_SQL_FIELD_YES_OR_NO:
        return put_yes_or_no(place, reterr);
    case CFL_SQL_FIELD_OPTIONAL_NUMBER:
    case CFL_SQL_FIELD_ENUM:
    case CFL_SQL_FIELD_ANY_ENUM:
        return put_number(place, reterr);
    default:
        return CFLIGHT_OK;
    }
}

cflight_status cfl_sql_fields_to_pb(struct cfl_arena *arena, const struct cfl_sql_layout *layout,
                                    const char *name, const struct cflight_sql_message *message,
                                    ProtobufCMessage **ret_pb, cflight_error **reterr)
{
    ProtobufCMessage *pb = cfl_arena_alloc(arena, layout->descriptor->sizeof_message);
    if (pb == NULL) {
        return cfl_arena_error(arena, name, reterr);
    }
    protobuf_c_message_init(layout->descriptor, pb);
    assert(layout->field_count == layout->descriptor->n_fields);
    for (size_t i = 0; i < layout->field_count; i++) {
        struct place place = {&layout->fields[i], &layout->descriptor->fields[i], message, pb,
                              name};
        cflight_status status = put_field(arena, &place, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    *ret_pb = pb;
    return CFLIGHT_OK;
}

/* ---- from protobuf-c ---- */

static cflight_status refuse_text(const struct place *place, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "Not a valid %s: %s is not UTF-8",
                             place->name, place->pb_field->name);
}

static bool is_present(const struct place *place)
{
    return *(const uint32_t *)source(place, place->pb_field->quantifier_offset) ==
           place->pb_field->id;
}

static cflight_status take_bytes(const struct place *place, cflight_error **reterr)
{
    struct cflight_bytes *bytes = target(place, place->row->offset);
    if (is_optional(place->row->kind) && !is_present(place)) {
        *bytes = cflight_bytes_make(NULL, 0);
        return CFLIGHT_OK;
    }
    *bytes = view(*(const ProtobufCBinaryData *)source(place, place->pb_field->offset));
    if (is_optional(place->row->kind) && bytes->len_bytes == 0) {
        bytes->data = EMPTY;
    }
    return is_text(place->row->kind) && !cfl_utf8_is_valid(bytes->data, bytes->len_bytes)
               ? refuse_text(place, reterr)
               : CFLIGHT_OK;
}

static cflight_status take_texts(struct cfl_arena *arena, const struct place *place, size_t count,
                                 cflight_error **reterr)
{
    const ProtobufCBinaryData *items =
        *(ProtobufCBinaryData *const *)source(place, place->pb_field->offset);
    struct cflight_bytes *texts = cfl_arena_array(arena, count, sizeof *texts);
    if (texts == NULL) {
        return cfl_arena_error(arena, place->name, reterr);
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = view(items[i]);
        if (!cfl_utf8_is_valid(texts[i].data, texts[i].len_bytes)) {
            return refuse_text(place, reterr);
        }
    }
    *(const struct cflight_bytes **)target(place, place->row->offset) = texts;
    *(size_t *)target(place, place->row->second) = count;
    return CFLIGHT_OK;
}

/* By name, then by place in the message: the entries of protobuf-c lie in no order of their own. */
struct entry {
    struct cflight_sql_option option;
    size_t index;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    int order = cfl_bytes_compare(a->option.name, b->option.name);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* Sorted, which finds the doubles without a quadratic search that a peer could provoke; of those
 * the last counts. */
static cflight_status take_options(struct cfl_arena *arena, const struct place *place, size_t count,
                                   cflight_error **reterr)
{
    pb_option *const *items = *(pb_option *const *const *)source(place, place->pb_field->offset);
    struct entry *entries = cfl_arena_array(arena, count, sizeof *entries);
    struct cflight_sql_option *options = cfl_arena_array(arena, count, sizeof *options);
    size_t kept = 0;
    if (entries == NULL || options == NULL) {
        return cfl_arena_error(arena, place->name, reterr);
    }
    for (size_t i = 0; i < count; i++) {
        struct cflight_sql_option option = {view(items[i]->key), view(items[i]->value)};
        entries[i] = (struct entry){option, i};
        if (!cfl_utf8_is_valid(option.name.data, option.name.len_bytes) ||
            !cfl_utf8_is_valid(option.value.data, option.value.len_bytes)) {
            return refuse_text(place, reterr);
        }
    }
    if (count > 1) {
        qsort(entries, count, sizeof *entries, compare_entries);
    }
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count ||
            cfl_bytes_compare(entries[i].option.name, entries[i + 1].option.name)) {
            options[kept++] = entries[i].option;
        }
    }
    *(const struct cflight_sql_option **)target(place, place->row->offset) = options;
    *(size_t *)target(place, place->row->second) = kept;
    return CFLIGHT_OK;
}

static cflight_status take_list(struct cfl_arena *arena, const struct place *place,
                                cflight_error **reterr)
{
    size_t count = *(const size_t *)source(place, place->pb_field->quantifier_offset);
    if (place->row->kind == CFL_SQL_FIELD_TEXTS) {
        return take_texts(arena, place, count, reterr);
    }
    if (place->row->kind == CFL_SQL_FIELD_OPTIONS) {
        return take_options(arena, place, count, reterr);
    }
    *(const uint32_t **)target(place, place->row->offset) =
        *(uint32_t *const *)source(place, place->pb_field->offset);
    *(size_t *)target(place, place->row->second) = count;
    return CFLIGHT_OK;
}

static cflight_status take_number(const struct place *place, cflight_error **reterr)
{
    int32_t *number = target(place, place->row->offset);
    if (place->row->kind == CFL_SQL_FIELD_YES_OR_NO) {
        const protobuf_c_boolean *is_yes = source(place, place->pb_field->offset);
        *number = !is_present(place) ? CFLIGHT_SQL_UPDATE_UNKNOWN
                  : *is_yes          ? CFLIGHT_SQL_UPDATE_YES
                                     : CFLIGHT_SQL_UPDATE_NO;
        return CFLIGHT_OK;
    }
    *number = has_case(place) && !is_present(place)
                  ? 0
                  : *(const int32_t *)source(place, place->pb_field->offset);
    if (place->row->kind == CFL_SQL_FIELD_OPTIONAL_NUMBER) {
        *(bool *)target(place, place->row->second) = is_present(place);
    }
    if (place->row->kind == CFL_SQL_FIELD_ENUM && (*number < 0 || *number > place->row->max)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "Not a valid %s: %s is %d; the highest known is %d", place->name,
                                 place->pb_field->name, (int)*number, (int)place->row->max);
    }
    return CFLIGHT_OK;
}

static cflight_status take_message(struct cfl_arena *arena, const struct place *place,
                                   cflight_error **reterr)
{
    const ProtobufCMessage *inner =
        *(ProtobufCMessage *const *)source(place, place->pb_field->offset);
    return inner == NULL ? CFLIGHT_OK /* its fields are zeroed */
                         : cfl_sql_fields_from_pb(arena, place->row->message, place->name, inner,
                                                  place->to, reterr);
}

static cflight_status take_field(struct cfl_arena *arena, const struct place *place,
                                 cflight_error **reterr)
{
    switch (place->row->kind) {
    case CFL_SQL_FIELD_TEXT:
    case CFL_SQL_FIELD_BYTES:
    case CFL_SQL_FIELD_OPTIONAL_TEXT:
    case CFL_SQL_FIELD_OPTIONAL_BYTES:
    case CFL_SQL_FIELD_ID:
        return take_bytes(place, reterr);
    case CFL_SQL_FIELD_TEXTS:
    case CFL_SQL_FIELD_NUMBERS:
    case CFL_SQL_FIELD_OPTIONS:
        return take_list(arena, place, reterr);
    case CFL_SQL_FIELD_BOOL:
        *(bool *)target(place, place->row->offset) =
            *(const protobuf_c_boolean *)source(place, place->pb_field->offset) != 0;
        return CFLIGHT_OK;
    case CFL_SQL_FIELD_COUNT:
        *(int64_t *)target(place, place->row->offset) =
            *(const int64_t *)source(place, place->pb_field->offset);
        return CFLIGHT_OK;
    case CFL_SQL_FIELD_MESSAGE:
        return take_message(arena, place, reterr);
    case CFL_SQL_FIELD_YES_OR_NO:
    case CFL_SQL_FIELD_OPTIONAL_NUMBER:
    case CFL_SQL_FIELD_ENUM:
    case CFL_SQL_FIELD_ANY_ENUM:
        return take_number(place, reterr);
    default:
        return CFLIGHT_OK;
    }
}

cflight_status cfl_sql_fields_from_pb(struct cfl_arena *arena, const struct cfl_sql_layout *layout,
                                      const char *name, const ProtobufCMessage *pb,
                                      struct cflight_sql_message *message, cflight_error **reterr)
{
    for (size_t i = 0; i < layout->field_count; i++) {
        struct place place = {&layout->fields[i], &layout->descriptor->fields[i], pb, message,
                              name};
        cflight_status status = take_field(arena, &place, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

/* ---- into a block ---- */

static void copy_options(struct cfl_block *block, const struct place *place)
{
    const struct cflight_sql_option *options =
        *(const struct cflight_sql_option *const *)source(place, place->row->offset);
    size_t count = *(const size_t *)source(place, place->row->second);
    struct cflight_sql_option *copies = cfl_block_array(block, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        struct cflight_sql_option copy = {cfl_block_bytes(block, options[i].name),
                                          cfl_block_bytes(block, options[i].value)};
        if (copies != NULL) {
            copies[i] = copy;
        }
    }
    *(const struct cflight_sql_option **)target(place, place->row->offset) = copies;
}

static void copy_numbers(struct cfl_block *block, const struct place *place)
{
    const uint32_t *numbers = *(const uint32_t *const *)source(place, place->row->offset);
    size_t count = *(const size_t *)source(place, place->row->second);
    uint32_t *copies = cfl_block_array(block, count, sizeof *copies);
    if (copies != NULL) {
        memcpy(copies, numbers, count * sizeof *copies);
    }
    *(const uint32_t **)target(place, place->row->offset) = copies;
}

static void copy_field(struct cfl_block *block, const struct place *place)
{
    const struct cflight_bytes *bytes = source(place, place->row->offset);
    struct cflight_bytes copy = {NULL, 0};
    switch (place->row->kind) {
    case CFL_SQL_FIELD_TEXT:
    case CFL_SQL_FIELD_BYTES:
    case CFL_SQL_FIELD_OPTIONAL_TEXT:
    case CFL_SQL_FIELD_OPTIONAL_BYTES:
    case CFL_SQL_FIELD_ID:
        copy = cfl_block_bytes(block, *bytes);
        if (bytes->data != NULL && bytes->len_bytes == 0) {
            copy.data = EMPTY;
        }
        *(struct cflight_bytes *)target(place, place->row->offset) = copy;
        break;
    case CFL_SQL_FIELD_TEXTS:
        *(const struct cflight_bytes **)target(place, place->row->offset) = cfl_block_bytes_array(
            block, *(const struct cflight_bytes *const *)source(place, place->row->offset),
            *(const size_t *)source(place, place->row->second));
        break;
    case CFL_SQL_FIELD_NUMBERS:
        copy_numbers(block, place);
        break;
    case CFL_SQL_FIELD_OPTIONS:
        copy_options(block, place);
        break;
    case CFL_SQL_FIELD_MESSAGE:
        cfl_sql_fields_copy(block, place->row->message, place->from, place->to);
        break;
    case CFL_SQL_FIELD_BOOL:
    case CFL_SQL_FIELD_YES_OR_NO:
    case CFL_SQL_FIELD_OPTIONAL_NUMBER:
    case CFL_SQL_FIELD_ENUM:
    case CFL_SQL_FIELD_ANY_ENUM:
    case CFL_SQL_FIELD_COUNT:
    default:
        break; /* came with the struct */
    }
}

void cfl_sql_fields_copy(struct cfl_block *block, const struct cfl_sql_layout *layout,
                         const struct cflight_sql_message *message,
                         struct cflight_sql_message *ret_copy)
{
    for (size_t i = 0; i < layout->field_count; i++) {
        struct place place = {&layout->fields[i], NULL, message, ret_copy, NULL};
        copy_field(block, &place);
    }
}
