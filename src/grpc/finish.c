/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a call at the server: status, message and trailers, within what the peer accepts.
 *
 * A client refuses a list over its limit, and a refused list loses the status too. So binary values
 * that do not fit are left out, which the message then tells, and texts share the room that is
 * left: their middle is cut, with a mark. The status always goes. Thread class: one at a time. gRPC
 * over HTTP/2, "Responses"; RFC 9113 6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "grpc/internal.h"

enum {
    /* gRPC C-core announces 16 KiB, and from half of that on refuses lists at random. */
    LIST_BYTES_CAUTIOUS = 8 << 10,
    LIST_BYTES_CORE = 16 << 10,
    LIST_BYTES_MOST = 8 << 20,
    TEXT_BYTES_LEAST = 1 << 10, /* what texts keep when binary values want the room */
    NOTE_BYTES = 160,
    DECIMAL_BYTES = 16,
    /* Of the user's trailers: peers bound the number of fields, too, without announcing it. */
    TRAILERS_MAX = 256,
};

/* What goes out beside the status, and the room for it. */
struct plan {
    uint64_t room_bytes; /* of the list, not given away yet */
    size_t text_count;   /* that still want some of it */
    uint64_t text_bytes; /* what those of the trailers want */
    size_t kept_count;
    size_t dropped_count;
    struct cflight_bytes dropped_name; /* the first of them */
    size_t dropped_bytes;
};

static uint64_t list_bytes_max(const struct cfl_grpc_conn *conn)
{
    uint64_t limit_bytes = cfl_h2_peer_header_bytes_max(conn->h2);
    if (limit_bytes == UINT32_MAX || limit_bytes == LIST_BYTES_CORE) {
        return LIST_BYTES_CAUTIOUS;
    }
    return limit_bytes < LIST_BYTES_MOST ? limit_bytes : LIST_BYTES_MOST;
}

/* Texts that stay useful when they are cut; other values do not. */
static bool may_be_cut(struct cflight_bytes name)
{
    return cfl_ascii_is(name, "x-arrow-status-message-bin") ||
           cfl_ascii_is(name, "x-arrow-status-detail-bin");
}

static void add_number(struct cfl_grpc_fields *fields, const char *name, int number)
{
    char decimal[DECIMAL_BYTES];
    (void)snprintf(decimal, sizeof decimal, "%d", number);
    cfl_grpc_fields_add_copy(fields, name, cflight_bytes_from_text(decimal));
}

static bool is_dropped(const struct plan *plan, uint64_t size_bytes)
{
    uint64_t reserve_bytes = (uint64_t)TEXT_BYTES_LEAST * plan->text_count;
    return size_bytes + reserve_bytes > plan->room_bytes;
}

/* Decides which values go. `keeps[i]` is false for one that does not. */
static void make_plan(struct plan *plan, uint64_t room_bytes, const char *message,
                      const struct cfl_metadata *trailers, bool *keeps)
{
    memset(plan, 0, sizeof *plan);
    plan->room_bytes = room_bytes;
    plan->text_count = message[0] == '\0' ? 0 : 1;
    for (size_t i = 0; i < trailers->count; i++) {
        const struct cflight_header *field = &trailers->fields[i];
        if (may_be_cut(field->name)) {
            plan->text_count++;
            plan->text_bytes += cfl_grpc_field_size(field->name, field->value);
        }
    }
    for (size_t i = 0; i < trailers->count; i++) {
        const struct cflight_header *field = &trailers->fields[i];
        uint64_t size_bytes = cfl_grpc_field_size(field->name, field->value);
        keeps[i] = may_be_cut(field->name) ||
                   (!is_dropped(plan, size_bytes) && plan->kept_count < TRAILERS_MAX);
        if (!keeps[i]) {
            plan->dropped_name = plan->dropped_count++ == 0 ? field->name : plan->dropped_name;
            plan->dropped_bytes += field->value.len_bytes;
        } else if (!may_be_cut(field->name)) {
            plan->room_bytes -= size_bytes;
            plan->kept_count++;
        }
    }
}

/* The text with a note of what was left out behind it. */
static void append_noted(const struct plan *plan, struct cflight_bytes text, struct cfl_buf *target)
{
    char note[NOTE_BYTES];
    (void)cfl_buf_append_bytes(target, text);
    if (plan->dropped_count == 0) {
        return;
    }
    int name_bytes = plan->dropped_name.len_bytes < 40 ? (int)plan->dropped_name.len_bytes : 40;
    (void)snprintf(note, sizeof note, " [%zu trailer%s of %zu bytes did not fit: %.*s%s]",
                   plan->dropped_count, plan->dropped_count == 1 ? "" : "s", plan->dropped_bytes,
                   name_bytes, (const char *)plan->dropped_name.data,
                   plan->dropped_count == 1 ? "" : ", ...");
    (void)cfl_buf_append_text(target, note);
}

/* The share of one more text, without name and overhead: what the later ones leave, or an equal
 * part. */
static size_t take_share(struct plan *plan, struct cflight_bytes name)
{
    uint64_t share_bytes = plan->room_bytes / (plan->text_count == 0 ? 1 : plan->text_count);
    if (plan->room_bytes > plan->text_bytes && plan->room_bytes - plan->text_bytes > share_bytes) {
        share_bytes = plan->room_bytes - plan->text_bytes;
    }
    uint64_t fixed_bytes = name.len_bytes + CFL_H2_FIELD_OVERHEAD_BYTES;
    plan->text_count -= plan->text_count == 0 ? 0 : 1;
    return share_bytes > fixed_bytes ? (size_t)(share_bytes - fixed_bytes) : 0;
}

static void give_away(struct plan *plan, uint64_t size_bytes)
{
    plan->room_bytes -= size_bytes < plan->room_bytes ? size_bytes : plan->room_bytes;
}

static void add_message(struct cfl_grpc_fields *fields, struct plan *plan, const char *message)
{
    struct cflight_bytes name = cflight_bytes_from_text("grpc-message");
    if (message[0] == '\0') {
        return;
    }
    struct cfl_buf text;
    struct cfl_buf encoded;
    cfl_buf_init(&text, fields->alloc);
    cfl_buf_init(&encoded, fields->alloc);
    append_noted(plan, cflight_bytes_from_text(message), &text);
    if (!text.failed &&
        cfl_grpc_percent_shorten(cfl_buf_bytes(&text), take_share(plan, name), &encoded)) {
        cfl_grpc_fields_add_copy(fields, "grpc-message", cfl_buf_bytes(&encoded));
        give_away(plan, name.len_bytes + encoded.len_bytes + CFL_H2_FIELD_OVERHEAD_BYTES);
    } else {
        fields->failed = true;
    }
    cfl_buf_done(&text);
    cfl_buf_done(&encoded);
}

static void add_text(struct cfl_grpc_fields *fields, struct plan *plan,
                     const struct cflight_header *field)
{
    bool is_message = cfl_ascii_is(field->name, "x-arrow-status-message-bin");
    struct cfl_buf text;
    struct cfl_buf shorter;
    cfl_buf_init(&text, fields->alloc);
    cfl_buf_init(&shorter, fields->alloc);
    if (is_message) {
        append_noted(plan, field->value, &text);
    } else {
        (void)cfl_buf_append_bytes(&text, field->value);
    }
    plan->text_bytes -= cfl_grpc_field_size(field->name, field->value);
    size_t share_bytes = take_share(plan, field->name) / 4 * 3; /* as base64 takes more */
    if (!text.failed && cfl_grpc_shorten(cfl_buf_bytes(&text), share_bytes, &shorter)) {
        cfl_grpc_fields_add_header(fields, field->name, cfl_buf_bytes(&shorter));
        give_away(plan, cfl_grpc_field_size(field->name, cfl_buf_bytes(&shorter)));
    } else {
        fields->failed = true;
    }
    cfl_buf_done(&text);
    cfl_buf_done(&shorter);
}

static void add_status(struct cfl_grpc_fields *fields, uint64_t bytes_max, cflight_status status,
                       const char *message, const struct cfl_metadata *trailers)
{
    struct plan plan;
    bool *keeps = cfl_alloc_array(fields->alloc, trailers->count, sizeof *keeps);
    if (keeps == NULL && trailers->count > 0) {
        fields->failed = true;
        return;
    }
    add_number(fields, "grpc-status", (int)status);
    uint64_t room_bytes = fields->size_bytes < bytes_max ? bytes_max - fields->size_bytes : 0;
    make_plan(&plan, room_bytes, message, trailers, keeps);
    add_message(fields, &plan, message);
    for (size_t i = 0; i < trailers->count; i++) {
        if (may_be_cut(trailers->fields[i].name)) {
            add_text(fields, &plan, &trailers->fields[i]);
        } else if (keeps[i]) {
            cfl_grpc_fields_add_header(fields, trailers->fields[i].name, trailers->fields[i].value);
        }
    }
    cfl_free_array(fields->alloc, keeps, trailers->count, sizeof *keeps);
}

static cflight_status send(struct cfl_h2_stream *stream, bool has_headers,
                           const struct cfl_h2_field *fields, size_t field_count,
                           cflight_error **reterr)
{
    if (fields == NULL) {
        return cfl_error_no_memory(reterr);
    }
    return has_headers ? cfl_h2_stream_trailers(stream, fields, field_count, reterr)
                       : cfl_h2_submit_headers(stream, fields, field_count, true, reterr);
}

cflight_status cfl_grpc_stream_finish(struct cfl_grpc_conn *conn, struct cfl_h2_stream *stream,
                                      bool has_headers, int http_status, cflight_status status,
                                      const char *message, const struct cfl_metadata *trailers,
                                      cflight_error **reterr)
{
    static const struct cfl_metadata NONE = {0};
    static const struct cfl_h2_field OK[] = {CFL_GRPC_LITERAL_FIELD("grpc-status", "0")};
    trailers = trailers == NULL ? &NONE : trailers;
    if (status == CFLIGHT_OK && has_headers && trailers->count == 0 && message[0] == '\0') {
        return send(stream, true, OK, 1, reterr);
    }
    struct cfl_grpc_fields fields;
    cfl_grpc_fields_init(&fields, conn->alloc);
    if (!has_headers) {
        add_number(&fields, ":status", http_status);
        cfl_grpc_fields_add(&fields, "content-type", "application/grpc");
    }
    add_status(&fields, list_bytes_max(conn), status, message, trailers);
    cflight_status result =
        send(stream, has_headers, cfl_grpc_fields_views(&fields), fields.count, reterr);
    cfl_grpc_fields_done(&fields);
    return result;
}

void cfl_grpc_send_status(struct cfl_grpc_call *call, cflight_status status, const char *message,
                          const struct cfl_metadata *trailers)
{
    if (cfl_grpc_stream_finish(call->conn, call->stream, call->has_headers, 200, status, message,
                               trailers, NULL) != CFLIGHT_OK) {
        cfl_h2_stream_reset(call->stream, CFL_H2_INTERNAL_ERROR);
    }
}

void cfl_grpc_call_finish(struct cfl_grpc_call *call, cflight_status status, const char *message,
                          const struct cfl_metadata *trailers)
{
    if (call->is_over || call->is_finished || call->stream == NULL) {
        return;
    }
    const char *text = message == NULL ? "" : message;
    call->is_finished = true;
    call->status = status;
    cfl_grpc_call_set_message(call, text);
    cfl_grpc_send_status(call, status, text, trailers);
}
