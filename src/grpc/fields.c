/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields on their way out and in: base64 of `-bin` values, and what of a block is a user's
 * metadata. Thread class: one at a time. gRPC over HTTP/2, "Requests", "Custom-Metadata". */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "grpc/wire.h"

enum { SPLIT_FIELDS_MAX = 1024 }; /* of one block, once comma lists are taken apart */

struct cfl_grpc_field_range {
    size_t offset;
    size_t name_bytes;
    size_t value_bytes;
    bool is_sensitive;
};

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
    return cfl_grpc_name_is(name, "authorization") || cfl_grpc_name_is(name, "auth-token-bin") ||
           cfl_grpc_name_is(name, "cookie") || cfl_grpc_name_is(name, "set-cookie");
}

void cfl_grpc_fields_init(struct cfl_grpc_fields *fields, const struct cflight_allocator *alloc)
{
    memset(fields, 0, sizeof *fields);
    fields->alloc = alloc;
    cfl_buf_init(&fields->text, alloc);
}

void cfl_grpc_fields_done(struct cfl_grpc_fields *fields)
{
    cfl_buf_done(&fields->text);
    cfl_free_array(fields->alloc, fields->ranges, fields->capacity, sizeof *fields->ranges);
    cfl_free_array(fields->alloc, fields->views, fields->view_count, sizeof *fields->views);
    cfl_grpc_fields_init(fields, fields->alloc);
}

void cfl_grpc_fields_add_header(struct cfl_grpc_fields *fields, struct cflight_bytes name,
                                struct cflight_bytes value)
{
    if (fields->failed ||
        !cfl_grow_array(fields->alloc, (void **)&fields->ranges, &fields->capacity,
                        fields->count + 1, sizeof *fields->ranges)) {
        fields->failed = true;
        return;
    }
    struct cfl_grpc_field_range *range = &fields->ranges[fields->count];
    range->offset = fields->text.len_bytes;
    range->name_bytes = name.len_bytes;
    range->is_sensitive = is_sensitive(name);
    (void)cfl_buf_append_bytes(&fields->text, name);
    if (cfl_grpc_name_is_binary(name)) {
        (void)cfl_base64_encode(value, &fields->text);
    } else {
        (void)cfl_buf_append_bytes(&fields->text, without_edge_blanks(value));
    }
    if (fields->text.failed) {
        fields->failed = true;
        return;
    }
    range->value_bytes = fields->text.len_bytes - range->offset - name.len_bytes;
    fields->size_bytes += range->name_bytes + range->value_bytes + CFL_H2_FIELD_OVERHEAD_BYTES;
    fields->count++;
}

void cfl_grpc_fields_add(struct cfl_grpc_fields *fields, const char *name, const char *value)
{
    cfl_grpc_fields_add_header(fields, cflight_bytes_from_text(name),
                               cflight_bytes_from_text(value));
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

const struct cfl_h2_field *cfl_grpc_fields_views(struct cfl_grpc_fields *fields)
{
    cfl_free_array(fields->alloc, fields->views, fields->view_count, sizeof *fields->views);
    fields->view_count = 0;
    fields->views = fields->failed
                        ? NULL
                        : cfl_alloc_array(fields->alloc, fields->count, sizeof *fields->views);
    if (fields->views == NULL) {
        return NULL;
    }
    fields->view_count = fields->count;
    for (size_t i = 0; i < fields->count; i++) {
        const struct cfl_grpc_field_range *range = &fields->ranges[i];
        const uint8_t *name = fields->text.data + range->offset;
        fields->views[i].name = cflight_bytes_make(name, range->name_bytes);
        fields->views[i].value = cflight_bytes_make(name + range->name_bytes, range->value_bytes);
        fields->views[i].is_sensitive = range->is_sensitive;
    }
    return fields->views;
}

static bool is_internal(struct cflight_bytes name)
{
    if (name.len_bytes == 0 || name.data[0] == ':') {
        return true;
    }
    if (cfl_grpc_name_starts(name, "grpc-")) {
        return !cfl_grpc_name_is_binary(name);
    }
    static const char *const HOP_BY_HOP[] = {"connection", "keep-alive", "proxy-connection",
                                             "transfer-encoding", "upgrade"};
    for (size_t i = 0; i < sizeof HOP_BY_HOP / sizeof HOP_BY_HOP[0]; i++) {
        if (cfl_grpc_name_is(name, HOP_BY_HOP[i])) {
            return true; /* of a proxy; they say nothing about the call */
        }
    }
    return cfl_grpc_name_is(name, "te") || cfl_grpc_name_is(name, "content-type") ||
           cfl_grpc_name_is(name, "content-length") || cfl_grpc_name_is(name, "host");
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
    if (is_internal(field->name)) {
        return CFLIGHT_OK;
    }
    if (!cfl_grpc_name_is_binary(field->name)) {
        return cfl_metadata_add_unchecked(metadata, field->name, field->value, reterr);
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
