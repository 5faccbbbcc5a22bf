/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_INBOX_H
#define CFL_FLIGHT_CALL_INBOX_H

#include "base/budget.h"
#include "base/list.h"
#include "flight/call/flight_data.h"
#include "flight/call/method.h"

/* The messages of one direction of a call that have arrived and were not taken yet.
 *
 * A large FlightData message is taken apart while it arrives, so that its body lands where it
 * stays; any other large message lands in a buffer of its own. Small ones are kept as raw bytes in
 * one growable run and parsed when they are taken: a million empty messages cost a few bytes each,
 * not an object each, so that memory stays within a small multiple of the flow-control window.
 * Order is kept. Thread class: one at a time (under the connection's lock). */
struct cfl_inbox {
    const struct cflight_allocator *alloc;
    struct cfl_pool *pool;
    struct cfl_budget *budget;  /* for what arrived and was not taken, shared with other calls */
    uint64_t held_bytes;        /* of the budget */
    uint64_t lent_bytes;        /* of those, for a message that is unpacked */
    uint64_t message_bytes_max; /* of a handshake, which nobody is known for */
    struct cfl_shares *shares;  /* borrowed: through which the peer passes memory; NULL for none */
    uint64_t shared_bytes_max;  /* of one body in it; 0: no limit */
    bool is_flight_data;
    struct cfl_flight_data_parser parser;
    struct cfl_buf records; /* per message: length or LARGE mark, wire credit, bytes */
    size_t records_offset;  /* of the first that was not taken */
    cflight_buffer *raw;    /* the large message that arrives, when it is not FlightData */
    uint32_t raw_bytes;     /* of it that arrived */
    size_t current_record;  /* offset of the one that arrives, SIZE_MAX for a large one */
    uint32_t current_len_bytes;
    struct cfl_list large; /* parsed, not taken */
    size_t message_count;  /* complete, not taken */
    uint64_t received_count;
    uint64_t received_bytes;
    uint64_t credit_bytes; /* of the message that arrives: not given back to the peer yet */
    bool is_receiving;
};

/* A message as taken out: FlightData apart, anything else whole in `raw`. */
struct cfl_message {
    struct cfl_flight_data data;
    cflight_buffer *raw;
    uint64_t credit_bytes; /* flow-control credit to give back */
};

void cfl_inbox_init(struct cfl_inbox *inbox, const struct cflight_allocator *alloc,
                    struct cfl_pool *pool, struct cfl_budget *budget,
                    const struct cfl_limits *limits, const struct cfl_method *method,
                    bool is_server);
void cfl_inbox_done(struct cfl_inbox *inbox);
/* Counts what waits, and all that comes, in another budget; false, with nothing changed, when it
 * has no room. */
bool cfl_inbox_move(struct cfl_inbox *inbox, struct cfl_budget *budget);
cflight_status cfl_inbox_begin(struct cfl_inbox *inbox, uint32_t len_bytes, cflight_error **reterr);
void cfl_inbox_place(const struct cfl_inbox *inbox, uint8_t **ret_target, size_t *ret_len_bytes,
                     size_t *ret_hint_bytes);
/* CFLIGHT_UNAVAILABLE when the budget is used up. */
cflight_status cfl_inbox_feed(struct cfl_inbox *inbox, const uint8_t *data, size_t len_bytes,
                              cflight_error **reterr);
/* Takes more of the budget for a message that is not here yet, and gives it all back before it is.
 */
cflight_status cfl_inbox_lend(struct cfl_inbox *inbox, uint64_t len_bytes, cflight_error **reterr);
void cfl_inbox_return_lent(struct cfl_inbox *inbox);
/* CFLIGHT_UNAVAILABLE when the body is in shared memory and the budget is used up. */
cflight_status cfl_inbox_end(struct cfl_inbox *inbox, cflight_error **reterr);
/* Takes the first complete message; there must be one. On failure the message is gone. */
cflight_status cfl_inbox_take(struct cfl_inbox *inbox, struct cfl_message *ret_message,
                              cflight_error **reterr);
void cfl_message_done(struct cfl_message *message);
/* Whether the message that arrives has its bytes' credit held back, and taking it. */
uint64_t cfl_inbox_take_credit(struct cfl_inbox *inbox);

#endif /* CFL_FLIGHT_CALL_INBOX_H */
