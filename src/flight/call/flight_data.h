/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_FLIGHT_DATA_H
#define CFL_FLIGHT_CALL_FLIGHT_DATA_H

#include "base/body.h"
#include "base/buf.h"
#include "base/limits.h"
#include "cflight/error.h"
#include "flight/call/shares.h"

/* FlightData, written and read by hand because its body must never be copied (Flight.proto,
 * FlightData: 1 flight_descriptor, 2 data_header, 3 app_metadata, 1000 data_body; between processes
 * that agreed, 53015 names a body in shared memory). */

/* One message, taken apart. Views point into `head`. */
struct cfl_flight_data {
    struct cfl_buf head; /* every byte of the message but the body */
    struct cflight_bytes descriptor;
    struct cflight_bytes data_header;
    struct cflight_bytes app_metadata;
    bool has_descriptor;
    bool has_data_header; /* absent, or zero bytes long, means a message without Arrow data */
    bool has_app_metadata;
    cflight_buffer *body; /* NULL when the message has none */
    bool has_share_name;  /* the body is, or is to be, in memory that the peer passed */
    struct cfl_share_name share_name;
    struct cfl_share share; /* claimed, and not mapped yet */
};

void cfl_flight_data_done(struct cfl_flight_data *data);

/* Appends everything of a message that comes before the body's bytes: fields 1 to 3, each only when
 * not empty, then the tag and length of field 1000 when `has_body`, even for a length of 0. */
bool cfl_flight_data_write_head(struct cfl_buf *target, struct cflight_bytes descriptor,
                                struct cflight_bytes data_header, struct cflight_bytes app_metadata,
                                bool has_body, uint64_t body_len_bytes);
/* Appends the field that names a body in shared memory. */
bool cfl_flight_data_write_share(struct cfl_buf *target, const struct cfl_share_name *name);
/* Whether a whole message has that field; false when it is malformed. */
bool cfl_flight_data_names_share(struct cflight_bytes message);
/* Claims what the message names, if anything, and takes it as its body. */
cflight_status cfl_flight_data_claim(struct cfl_flight_data *data, struct cfl_shares *shares,
                                     cflight_error **reterr);
cflight_status cfl_flight_data_map(struct cfl_flight_data *data,
                                   const struct cflight_allocator *alloc, cflight_error **reterr);

/* Takes a message apart as its bytes arrive. As soon as the body's tag and length are known, its
 * buffer exists and the next bytes can be read straight into it. Thread class: one at a time. */
struct cfl_flight_data_parser {
    const struct cflight_allocator *alloc;
    struct cfl_pool *pool;
    uint64_t head_bytes_max;
    struct cfl_buf head;
    size_t scan_offset; /* start of the next field in head; may lie past its end */
    cflight_buffer *body;
    size_t body_filled_bytes;
    uint64_t left_bytes;        /* of the message */
    size_t expected_head_bytes; /* what the last message had: the hint for the next */
    uint64_t copied_bytes;      /* body bytes that had to be copied */
};

void cfl_flight_data_parser_init(struct cfl_flight_data_parser *parser,
                                 const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                 const struct cfl_limits *limits);
void cfl_flight_data_parser_done(struct cfl_flight_data_parser *parser);
void cfl_flight_data_parser_begin(struct cfl_flight_data_parser *parser,
                                  uint32_t message_len_bytes);
void cfl_flight_data_parser_place(const struct cfl_flight_data_parser *parser, uint8_t **ret_target,
                                  size_t *ret_len_bytes, size_t *ret_hint_bytes);
/* INTERNAL for bytes that are not a protobuf message; RESOURCE_EXHAUSTED for memory or a head over
 * the limit. */
cflight_status cfl_flight_data_parser_feed(struct cfl_flight_data_parser *parser,
                                           const uint8_t *data, size_t len_bytes,
                                           cflight_error **reterr);
cflight_status cfl_flight_data_parser_end(struct cfl_flight_data_parser *parser,
                                          struct cfl_flight_data *ret_data, cflight_error **reterr);

/* Takes a whole message apart; the body is copied into a buffer of its own. */
cflight_status cfl_flight_data_parse(const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                     struct cflight_bytes message, struct cfl_flight_data *ret_data,
                                     cflight_error **reterr);

#endif /* CFL_FLIGHT_CALL_FLIGHT_DATA_H */
