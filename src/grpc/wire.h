/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_GRPC_WIRE_H
#define CFL_GRPC_WIRE_H

#include "base/buf.h"
#include "cflight/error.h"
#include "grpc/metadata.h"
#include "h2/session.h"

/* The notations of gRPC over HTTP/2: names, timeouts, percent-encoded text, status numbers, header
 * fields. Pure functions and one builder. Thread class: free; a builder, one at a time. */

/* Ends in "-bin", in any case: the value is bytes, base64 on the wire. */
bool cfl_grpc_name_is_binary(struct cflight_bytes name);
/* What a field says, by its name as HTTP/2 carries it: in lower case. */
enum cfl_grpc_field_kind {
    CFL_GRPC_FIELD_TEXT,     /* a user's metadata */
    CFL_GRPC_FIELD_BINARY,   /* the same, base64 */
    CFL_GRPC_FIELD_INTERNAL, /* of the protocol; nothing here goes by it */
    CFL_GRPC_FIELD_METHOD,
    CFL_GRPC_FIELD_PATH,
    CFL_GRPC_FIELD_HTTP_STATUS,
    CFL_GRPC_FIELD_CONTENT_TYPE,
    CFL_GRPC_FIELD_TE,
    CFL_GRPC_FIELD_ENCODING,
    CFL_GRPC_FIELD_TIMEOUT,
    CFL_GRPC_FIELD_STATUS,
    CFL_GRPC_FIELD_MESSAGE,
    CFL_GRPC_FIELD_KIND_COUNT,
};
enum cfl_grpc_field_kind cfl_grpc_field_kind(struct cflight_bytes name);
/* "application/grpc", alone or followed by '+' or ';'. */
bool cfl_grpc_content_type_is_valid(struct cflight_bytes value);

/* grpc-timeout: 1 to 8 digits and a unit of n, u, m, S, M, H. Too large for nanoseconds is
 * CFL_TIME_NEVER. */
bool cfl_grpc_timeout_parse(struct cflight_bytes text, int64_t *ret_duration_ns);
enum { CFL_GRPC_TIMEOUT_TEXT_BYTES = 24 };
/* Rounds up to what 8 digits can say. */
void cfl_grpc_timeout_format(int64_t duration_ns, char text[CFL_GRPC_TIMEOUT_TEXT_BYTES]);

/* grpc-message. Encodes at most `encoded_bytes_max` bytes, cut between UTF-8 characters. */
bool cfl_grpc_percent_encode(struct cflight_bytes text, size_t encoded_bytes_max,
                             struct cfl_buf *target);
/* Appends the text, or its beginning and end around a mark that says how much is missing. False
 * when memory ran out; so with the next. */
bool cfl_grpc_shorten(struct cflight_bytes text, size_t len_bytes_max, struct cfl_buf *target);
/* The same for the text percent-encoded. */
bool cfl_grpc_percent_shorten(struct cflight_bytes text, size_t encoded_bytes_max,
                              struct cfl_buf *target);
/* Wrong escapes stay as they are; a zero byte and invalid UTF-8 become U+FFFD. Never refuses text.
 */
bool cfl_grpc_percent_decode(struct cflight_bytes text, struct cfl_buf *target);
/* The most bytes, up to `len_bytes_max`, that end between UTF-8 characters. */
size_t cfl_grpc_utf8_cut(struct cflight_bytes text, size_t len_bytes_max);

/* grpc-status: 0 to 16; any other number is UNKNOWN; false when it is no number. */
bool cfl_grpc_status_parse(struct cflight_bytes text, cflight_status *ret_status);
cflight_status cfl_grpc_status_from_http(int http_status);
cflight_status cfl_grpc_status_from_h2(uint32_t h2_error_code);
const char *cfl_grpc_h2_code_name(uint32_t h2_error_code);
/* A :status; -1 when it is not three digits. */
int cfl_grpc_http_status_parse(struct cflight_bytes text);

/* A field whose name and value are literals. */
#define CFL_GRPC_LITERAL_FIELD(name_text, value_text)                                       \
    {                                                                                       \
        .name = {(const uint8_t *)(name_text), sizeof(name_text) - 1},                      \
        .value = {(const uint8_t *)(value_text), sizeof(value_text) - 1}, .is_static = true \
    }

/* A list of header fields under construction, which borrows what it is given. A list of a few needs
 * no memory. Failure (no memory) sticks and is told at the end. Must not move. */
enum { CFL_GRPC_FIELDS_FEW = 12 };
struct cfl_grpc_fields {
    const struct cflight_allocator *alloc;
    struct cfl_h2_field *views; /* `few`, or memory for `capacity` */
    size_t count;
    size_t capacity;
    struct cfl_h2_field few[CFL_GRPC_FIELDS_FEW];
    struct cfl_texts texts; /* values that are written otherwise */
    uint64_t size_bytes;    /* name + value + 32 each */
    bool failed;
};
void cfl_grpc_fields_init(struct cfl_grpc_fields *fields, const struct cflight_allocator *alloc);
void cfl_grpc_fields_done(struct cfl_grpc_fields *fields);
void cfl_grpc_fields_add_literal(struct cfl_grpc_fields *fields, const struct cfl_h2_field *field);
/* A field of the protocol; the name is a literal, the value borrowed. */
void cfl_grpc_fields_add(struct cfl_grpc_fields *fields, const char *name, const char *value);
/* The same with a value that is copied. */
void cfl_grpc_fields_add_copy(struct cfl_grpc_fields *fields, const char *name,
                              struct cflight_bytes value);
/* A field of metadata: base64 for `-bin` names. */
void cfl_grpc_fields_add_header(struct cfl_grpc_fields *fields, struct cflight_bytes name,
                                struct cflight_bytes value);
void cfl_grpc_fields_add_metadata(struct cfl_grpc_fields *fields,
                                  const struct cfl_metadata *metadata);
/* What a field takes of a header list, as sent. */
uint64_t cfl_grpc_field_size(struct cflight_bytes name, struct cflight_bytes value);
/* The views, valid until the next change; NULL when memory ran out. */
const struct cfl_h2_field *cfl_grpc_fields_views(const struct cfl_grpc_fields *fields);

/* The value of the first field of each kind; without data where there is none. */
void cfl_grpc_fields_find(const struct cfl_h2_field *fields, size_t field_count,
                          struct cflight_bytes ret_values[CFL_GRPC_FIELD_KIND_COUNT]);
/* Takes a field that a peer sent into `metadata`: internals of the protocol are left out, `-bin`
 * values decoded, comma lists of them split. `*ret_is_valid` false: a value is not base64, or a
 * list has too many; what came before it in the list stays. */
cflight_status cfl_grpc_collect_field(struct cfl_metadata *metadata,
                                      const struct cfl_h2_field *field, bool *ret_is_valid,
                                      cflight_error **reterr);

/* Of the one that is loaded, such as "1.2.13". */
const char *cfl_zlib_version(void);

#endif /* CFL_GRPC_WIRE_H */
