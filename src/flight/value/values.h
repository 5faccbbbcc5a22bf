/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_VALUE_VALUES_H
#define CFL_FLIGHT_VALUE_VALUES_H

#include "base/arena.h"
#include "base/block.h"
#include "base/buf.h"
#include "cflight/types.h"
#include "flight/value/pb.h"

/* The value types of cflight/types.h, as one table of functions each, so that converting, copying
 * and freeing is written once. The public functions are typed doors to these, with the C library's
 * memory; client and server pass their own allocator.
 *
 * Thread class: free. */

struct cfl_value_type {
    const char *name; /* of the message, as errors call it */
    const ProtobufCMessageDescriptor *message_type;
    size_t value_bytes;
    bool is_secret;
    /* Builds the message, borrowing the value's bytes. INVALID_ARGUMENT says what is wrong with the
     * value. */
    cflight_status (*to_message)(struct cfl_arena *arena, const void *value,
                                 ProtobufCMessage **ret_message, cflight_error **reterr);
    /* Fills a value that borrows the message's bytes. */
    cflight_status (*from_message)(struct cfl_arena *arena, const ProtobufCMessage *message,
                                   void *ret_value, cflight_error **reterr);
    cfl_block_layout_fn layout;
};

extern const struct cfl_value_type cfl_value_descriptor;      /* struct cflight_descriptor */
extern const struct cfl_value_type cfl_value_endpoint;        /* struct cflight_endpoint */
extern const struct cfl_value_type cfl_value_info;            /* struct cflight_info */
extern const struct cfl_value_type cfl_value_poll_info;       /* struct cflight_poll_info */
extern const struct cfl_value_type cfl_value_action;          /* struct cflight_action */
extern const struct cfl_value_type cfl_value_action_type;     /* struct cflight_action_type */
extern const struct cfl_value_type cfl_value_basic_auth;      /* struct cflight_basic_auth */
extern const struct cfl_value_type cfl_value_cancel_request;  /* struct cflight_info */
extern const struct cfl_value_type cfl_value_renew_request;   /* struct cflight_endpoint */
extern const struct cfl_value_type cfl_value_session_options; /* struct cflight_session_options */
extern const struct cfl_value_type cfl_value_session_errors;  /* struct cflight_session_errors */

cflight_status cfl_value_serialize(const struct cfl_value_type *type,
                                   const struct cflight_allocator *alloc, const void *value,
                                   cflight_buffer **ret_buffer, cflight_error **reterr);
/* The result is one block: free it with cfl_block_free() or the public function of its type. */
cflight_status cfl_value_parse(const struct cfl_value_type *type,
                               const struct cflight_allocator *alloc, struct cflight_bytes bytes,
                               void **ret_value, cflight_error **reterr);
/* For what strangers send: parsing takes up to some twenty times the bytes, so it counts in the
 * budget, and so does the value until cfl_value_free_counted(). CFLIGHT_UNAVAILABLE: not that much
 * is left. A NULL budget has no end. */
cflight_status cfl_value_parse_counted(const struct cfl_value_type *type,
                                       const struct cflight_allocator *alloc,
                                       struct cflight_bytes bytes, struct cfl_budget *budget,
                                       void **ret_value, cflight_error **reterr);
/* NULL is ignored. */
void cfl_value_free_counted(void *value, struct cfl_budget *budget);
cflight_status cfl_value_copy(const struct cfl_value_type *type,
                              const struct cflight_allocator *alloc, const void *value,
                              void **ret_value, cflight_error **reterr);

cflight_status cfl_location_parse(const struct cflight_allocator *alloc, struct cflight_bytes uri,
                                  struct cflight_location **ret_location, cflight_error **reterr);
/* How the scheme of a location says to connect. */
enum cfl_location_kind {
    CFL_LOCATION_OTHER, /* not at all: for other programs, or a reuse location */
    CFL_LOCATION_TCP,
    CFL_LOCATION_TLS,
    CFL_LOCATION_UNIX,
};
enum cfl_location_kind cfl_location_kind(const struct cflight_location *location);

/* What the types are made of. */
cflight_status cfl_bytes_check(struct cflight_bytes bytes, const char *what,
                               cflight_error **reterr);
/* As cfl_bytes_check, and UTF-8, as protobuf wants of its strings. */
cflight_status cfl_text_check(struct cflight_bytes text, const char *what, cflight_error **reterr);
/* "Not a valid <name>: <what> is not UTF-8" for a text that was received. */
cflight_status cfl_received_text_check(struct cflight_bytes text, const char *name,
                                       const char *what, cflight_error **reterr);

cflight_status cfl_descriptor_to_message(struct cfl_arena *arena,
                                         const struct cflight_descriptor *descriptor,
                                         cfl_pb_descriptor **ret_message, cflight_error **reterr);
cflight_status cfl_descriptor_from_message(struct cfl_arena *arena,
                                           const cfl_pb_descriptor *message,
                                           struct cflight_descriptor *ret_descriptor,
                                           cflight_error **reterr);
void cfl_descriptor_layout(struct cfl_block *block, const void *value, void *ret_value);

cflight_status cfl_endpoint_to_message(struct cfl_arena *arena,
                                       const struct cflight_endpoint *endpoint,
                                       cfl_pb_endpoint **ret_message, cflight_error **reterr);
cflight_status cfl_endpoint_from_message(struct cfl_arena *arena, const cfl_pb_endpoint *message,
                                         struct cflight_endpoint *ret_endpoint,
                                         cflight_error **reterr);
void cfl_endpoint_layout(struct cfl_block *block, const void *value, void *ret_value);

cflight_status cfl_info_to_message(struct cfl_arena *arena, const struct cflight_info *info,
                                   cfl_pb_info **ret_message, cflight_error **reterr);
cflight_status cfl_info_from_message(struct cfl_arena *arena, const cfl_pb_info *message,
                                     struct cflight_info *ret_info, cflight_error **reterr);
void cfl_info_layout(struct cfl_block *block, const void *value, void *ret_value);

void cfl_session_option_layout(struct cfl_block *block, const void *value, void *ret_value);

/* NULL when the time has no value; otherwise false only when memory ran out. */
bool cfl_time_to_message(struct cfl_arena *arena, struct cflight_time time,
                         cfl_pb_timestamp **ret_message);
struct cflight_time cfl_time_from_message(const cfl_pb_timestamp *message);
bool cfl_time_equal(struct cflight_time a, struct cflight_time b);

/* Texts for people. Bytes look as in Python (b'ab\x00'), long ones are cut short. */
void cfl_append_bytes_text(struct cfl_buf *target, struct cflight_bytes bytes);
void cfl_append_bytes_list_text(struct cfl_buf *target, const struct cflight_bytes *items,
                                size_t count);
void cfl_append_time_text(struct cfl_buf *target, struct cflight_time time);
void cfl_append_descriptor_text(struct cfl_buf *target,
                                const struct cflight_descriptor *descriptor);
void cfl_append_endpoint_text(struct cfl_buf *target, const struct cflight_endpoint *endpoint);
void cfl_append_info_text(struct cfl_buf *target, const struct cflight_info *info);
/* Ends a text: *ret_text is freed with cflight_text_free(). Frees the buffer in any case. */
cflight_status cfl_text_finish(struct cfl_buf *buf, char **ret_text, cflight_error **reterr);

#endif /* CFL_FLIGHT_VALUE_VALUES_H */
