/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_FETCH_FETCH_H
#define CFL_FLIGHT_FETCH_FETCH_H

#include <stdatomic.h>

#include "flight/call/call_any.h"
#include "flight/fetch/fetch_clients.h"

/* One endpoint. */
struct cfl_fetch_part {
    const struct cflight_endpoint *endpoint;
    cflight_reader *reader; /* NULL until it is open, and after its end */
    struct cfl_call_any any;
    uint32_t attempt_count;
    bool has_delivered;
    bool is_done;
};

struct cfl_fetch {
    const struct cflight_allocator *alloc;
    struct cfl_fetch_clients clients;
    struct cflight_call_options call_options;
    cflight_cancel *cancel;
    struct cflight_info *info;
    int64_t deadline_ns; /* of everything */
    uint32_t parallel_max;
    uint32_t attempts_max;
    bool any_order;
    void (*on_attempt_failed)(void *user_data, const cflight_error *error);
    void *user_data;
    struct cfl_fetch_part *parts;
    size_t part_count;
    size_t first;           /* everything before is done */
    struct cfl_waker waker; /* made when several connections are waited for */
    struct ArrowSchema schema;
    bool has_given_schema; /* as a message */
    /* Read by any thread. */
    atomic_uint_fast64_t batch_count;
    atomic_uint_fast64_t row_count;
    atomic_uint_fast64_t body_bytes;
    atomic_uint_fast64_t done_count;
};

/* Opens parts until as many are open as may be. */
cflight_status cfl_fetch_open_more(struct cfl_fetch *fetch, cflight_error **reterr);
/* Takes the schema of the first part, which is open, and has it tried again if it fails: then there
 * may be none yet. */
cflight_status cfl_fetch_find_schema(struct cfl_fetch *fetch, cflight_error **reterr);
/* Waits for the next batch of any open part, or of the first; a released one is the end. */
cflight_status cfl_fetch_next(struct cfl_fetch *fetch, struct ArrowArray *ret_batch,
                              cflight_error **reterr);
/* The next message, of the first part that is not done. */
cflight_status cfl_fetch_next_message(struct cfl_fetch *fetch, enum cflight_message_check check,
                                      struct cflight_message *ret_message, cflight_error **reterr);

/* ---- for the ways of reading ---- */

/* The schema of a part must be that of the first. Called when it is known, so it does not wait. */
cflight_status cfl_fetch_check_schema(struct cfl_fetch *fetch, const struct cfl_fetch_part *part,
                                      cflight_error **reterr);
/* A failure of an open part: tried again, or the stream's. Takes the error. */
cflight_status cfl_fetch_recover(struct cfl_fetch *fetch, struct cfl_fetch_part *part,
                                 cflight_status status, cflight_error *error,
                                 cflight_error **reterr);
/* Counts a batch that is handed over. */
void cfl_fetch_count(struct cfl_fetch *fetch, uint64_t body_bytes, int64_t row_count);
void cfl_fetch_end_part(struct cfl_fetch *fetch, struct cfl_fetch_part *part);
void cfl_fetch_close_part(struct cfl_fetch_part *part);

#endif /* CFL_FLIGHT_FETCH_FETCH_H */
