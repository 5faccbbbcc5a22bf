/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_WALK_VALUES_H
#define CFLIGHT_TESTS_WALK_VALUES_H

#include "cflight/arrow_abi.h"

/* A consumer that trusts what it is given, as real ones do: it reads every byte that offsets,
 * views, run ends, union offsets and indices lead to, by the schema alone, so that a sanitizer sees
 * any that is outside. Up to a number of rows for each array; hostile lengths are real for layouts
 * without buffers. */

void t_walk_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch);
/* Reads the stream to its end or first error, walks every batch, and releases the stream. Every
 * batch must be accepted by cflight_array_validate. */
void t_walk_stream(struct ArrowArrayStream *stream);

#endif /* CFLIGHT_TESTS_WALK_VALUES_H */
