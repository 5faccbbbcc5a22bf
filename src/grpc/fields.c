/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields on their way out and in: base64 of `-bin` values, and what of a block is a user's
 * metadata. Thread class: one at a time. gRPC over HTTP/2, "Requests", "Custom-Metadata". */
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/base64.h"
#include "base/error.h"
#include "grpc/wire.h"

enum { SPLIT_FIELDS_MAX = 1024 }; /* of one block, once comma lists are taken apart */

/* RFC 9110 5.5: a value has no blanks at its edges; peers that are strict about it end the call for
 * one. */
static struct cflight_bytes without_edge_blanks(struct cflight_bytes value)
{
    while (value.len_bytes > 0 && value.data[0] == ' ') {
        value.data++;
        value.len_bytes--;
    }
    while (value.len_bytes > 0 && value.data[value.len_bytes - 1] == ' ') {
        value.len_bytes--;
    }
    return value;
}

/* Credentials are never put into HPACK tables (RFC 7541 7.1.3). */
static bool is_sensitive(struct cflight_bytes name)
{
    switch (name.len_bytes) {
    case sizeof "cookie" - 1:
        return cfl_ascii_is(name, "cookie");
    case sizeof "set-cookie" - 1:
        return cfl_ascii_is(name, "set-cookie");
    case sizeof "authorization" - 1:
        return cfl_ascii_is(name, "authorization");
    case sizeof "auth-token-bin" - 1:
        return cfl_ascii_is(name, "auth-token-bin");
    default:
        return false;
    }
}

void cfl_grpc_fields_init(struct cfl_grpc_fields *fields, const struct cflight_allocator *alloc)
{
    fields->alloc = alloc;
    fields->views = fields->few;
    fields->count = 0;
    fields->capacity = 0;
    cfl_texts_init(&fields->texts, alloc);
    fields->size_bytes = 0;
    fields->failed = false;
}

void cfl_grpc_fields_done(struct cfl_grpc_fields *fields)
{
    if (fields->views != fields->few) {
        cfl_free_array(fields->alloc, fields->views, fields->capacity, sizeof *fields->views);
    }
    cfl_texts_done(&fields->texts);
    cfl_grpc_fields_init(fields, fields->alloc);
}

/* Room for one more. */
static bool grow(struct cfl_grpc_fields *fields)
{
    bool is_few = fields->views == fields->few;
    if (is_few && fields->count < CFL_GRPC_FIELDS_FEW) {
        return true;
    }
    struct cfl_h2_field *views = is_few ? NULL : fields->views;
    if (!cfl_grow_array(fields->alloc, (void **)&views, &fields->capacity, fields->count + 1,
                        sizeof *views)) {
        return false;
    }
    if (is_few) {
        memcpy(views, fields->few, sizeof fields->few);
    }
    fields->views = views;
    return true;
}

static void add(struct cfl_grpc_fields *fields, const struct cfl_h2_field *field)
{
    if (fields->failed || !grow(fields)) {
        fields->failed = true;
        return;
    }
    fields->views[fields->count++] = *field;
    fields->size_bytes +=
        field->name.len_bytes + field->value.len_bytes + CFL_H2_FIELD_OVERHEAD_BYTES;
}

void cfl_grpc_fields_add_literal(struct cfl_grpc_fields *fields, const struct cfl_h2_field *field)
{
    add(fields, field);
}

void cfl_grpc_fields_add(struct cfl_grpc_fields *fields, const char *name, const char *value)
{
    struct cfl_h2_field field = {.name = cflight_bytes_from_text(name),
                                 .value = without_edge_blanks(cflight_bytes_from_text(value))};
    add(fields, &field);
}

void cfl_grpc_fields_add_copy(struct cfl_grpc_fields *fields, const char *name,
                              struct cflight_bytes value)
{
    const char *copy = cfl_texts_copy(&fields->texts, value);
    struct cfl_h2_field field = {.name = cflight_bytes_from_text(name),
                                 .value = cflight_bytes_make(copy, value.len_bytes)};
    fields->failed = fields->failed || copy == NULL;
    add(fields, &field);
}

/* The value as base64. */
static bool encode(struct cfl_grpc_fields *fields, struct cflight_bytes *value)
{
    struct cfl_buf text;
    cfl_buf_init(&text, fields->alloc);
    const char *copy = NULL;
    if (cfl_base64_encode(*value, &text)) {
        copy = cfl_texts_copy(&fields->texts, cfl_buf_bytes(&text));
        *value = cflight_bytes_make(copy, text.len_bytes);
    }
    cfl_buf_done(&text);
    return copy != NULL;
}

void cfl_grpc_fields_add_header(struct cfl_grpc_fields *fields, struct cflight_bytes name,
                                struct cflight_bytes value)
{
    struct cfl_h2_field field = {.name = name, .value = value, .is_sensitive = is_sensitive(name)};
    if (!cfl_grpc_name_is_binary(name)) {
        field.value = without_edge_blanks(value);
    } else if (!encode(fields, &field.value)) {
        fields->failed = true;
    }
    add(fields, &field);
}

void cfl_grpc_fields_add_metadata(struct cfl_grpc_fields *fields,
                                  const struct cfl_metadata *metadata)
{
    for (size_t i = 0; metadata != NULL && i < metadata->count; i++) {
        cfl_grpc_fields_add_header(fields, metadata->fields[i].name, metadata->fields[i].value);
    }
}

uint64_t cfl_grpc_field_size(struct cflight_bytes name, struct cflight_bytes value)
{
    uint64_t value_bytes = value.len_bytes;
    if (cfl_grpc_name_is_binary(name)) {
        value_bytes = value_bytes / 3 * 4 + (value_bytes % 3 == 0 ? 0 : value_bytes % 3 + 1);
    }
    return name.len_bytes + value_bytes + CFL_H2_FIELD_OVERHEAD_BYTES;
}

const struct cfl_h2_field *cfl_grpc_fields_views(const struct cfl_grpc_fields *fields)
{
    return fields->failed ? NULL : fields->views;
}

void cfl_grpc_fields_find(const struct cfl_h2_field *fields, size_t field_count,
                          struct cflight_bytes ret_values[CFL_GRPC_FIELD_KIND_COUNT])
{
    memset(ret_values, 0, CFL_GRPC_FIELD_KIND_COUNT * sizeof *ret_values);
    for (size_t i = 0; i < field_count; i++) {
        struct cflight_bytes *value = &ret_values[cfl_grpc_field_kind(fields[i].name)];
        if (value->data == NULL) {
            *value = fields[i].value;
        }
    }
}

static cflight_status collect_binary(struct cfl_metadata *metadata, struct cflight_bytes name,
                                     struct cflight_bytes text, bool *ret_is_valid,
                                     cflight_error **reterr)
{
    struct cfl_buf bytes;
    cfl_buf_init(&bytes, metadata->alloc);
    cflight_status status = CFLIGHT_OK;
    *ret_is_valid = cfl_base64_decode(text, &bytes);
    if (bytes.failed) {
        status = cfl_error_no_memory(reterr);
    } else if (*ret_is_valid) {
        status = cfl_metadata_add_unchecked(metadata, name, cfl_buf_bytes(&bytes), reterr);
    }
    cfl_buf_done(&bytes);
    return status;
}

cflight_status cfl_grpc_collect_field(struct cfl_metadata *metadata,
                                      const struct cfl_h2_field *field, bool *ret_is_valid,
                                      cflight_error **reterr)
{
    *ret_is_valid = true;
    enum cfl_grpc_field_kind kind = cfl_grpc_field_kind(field->name);
    if (kind == CFL_GRPC_FIELD_TEXT) {
        return cfl_metadata_add_unchecked(metadata, field->name, field->value, reterr);
    }
    if (kind != CFL_GRPC_FIELD_BINARY) {
        return CFLIGHT_OK;
    }
    cflight_status status = CFLIGHT_OK;
    struct cflight_bytes rest = field->value;
    for (bool is_last = false; !is_last && status == CFLIGHT_OK && *ret_is_valid;) {
        const uint8_t *comma = rest.len_bytes == 0 ? NULL : memchr(rest.data, ',', rest.len_bytes);
        is_last = comma == NULL;
        struct cflight_bytes part = rest;
        if (!is_last && metadata->count >= SPLIT_FIELDS_MAX) {
            /* Each byte of a list could become a field: more than the limit on the block bounds. */
            *ret_is_valid = false;
            break;
        }
        if (!is_last) {
            part.len_bytes = (size_t)(comma - rest.data);
            rest.data += part.len_bytes + 1;
            rest.len_bytes -= part.len_bytes + 1;
        }
        while (part.len_bytes > 0 && part.data[0] == ' ') {
            part.data++;
            part.len_bytes--;
        }
        status = collect_binary(metadata, field->name, part, ret_is_valid, reterr);
    }
    return status;
}
