/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_BIND_H
#define CFLIGHT_ADBC_DRIVER_BIND_H

#include "adbc/abi/adbc.h"
#include "cflight/error.h"

/* Rows that are bound to a statement: a batch, which can be sent again, or a stream, which cannot.
 * One at a time. */
struct adbc_bound {
    struct ArrowSchema schema; /* of the batch */
    struct ArrowArray batch;   /* released when there is none */
    struct ArrowArrayStream stream;
};

/* Both take what they are given, always, and let go of what was there. */
void adbc_bound_set_batch(struct adbc_bound *bound, struct ArrowArray *batch,
                          struct ArrowSchema *schema);
void adbc_bound_set_stream(struct adbc_bound *bound, struct ArrowArrayStream *stream);
/* Whether there are rows to be sent. */
bool adbc_bound_has_rows(const struct adbc_bound *bound);
/* The rows as a stream, to be released before `bound` is touched again. Without rows: a released
 * stream. */
void adbc_bound_open(struct adbc_bound *bound, struct ArrowArrayStream *ret_stream);
void adbc_bound_clear(struct adbc_bound *bound);

#endif /* CFLIGHT_ADBC_DRIVER_BIND_H */
