/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_WALK_H
#define CFL_IPC_WALK_H

#include "base/limits.h"
#include "cflight/error.h"
#include "ipc/message.h"

/* Encapsulated messages in memory, one after the other. Views only. Thread class: one at a time. */

struct cfl_walk_message {
    struct cflight_bytes header;
    struct cflight_bytes body;
    bool is_end; /* the marker, or the end of the bytes; header and body are empty */
};

/* Takes the message at `*offset` and moves past it. On failure `*offset` stays. */
cflight_status cfl_walk_next(struct cflight_bytes bytes, const struct cfl_limits *limits,
                             size_t *offset, struct cfl_walk_message *ret_message,
                             cflight_error **reterr);
/* Takes the prefix and the header only, without looking for a body. */
cflight_status cfl_walk_header(struct cflight_bytes bytes, size_t *offset,
                               struct cflight_bytes *ret_header, cflight_error **reterr);

#endif /* CFL_IPC_WALK_H */
