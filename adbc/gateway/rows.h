/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_ROWS_H
#define CFLIGHT_ADBC_GATEWAY_ROWS_H

#include "adbc/gateway/statement.h"

/* Reads the schema of a driver's stream and checks that it is one. The caller releases it. */
cflight_status gateway_stream_schema(const struct gateway *gateway, struct ArrowArrayStream *stream,
                                     struct ArrowSchema *ret_schema, cflight_error **reterr);
/* Reads the next batch and checks all of it; a released one at the end. */
cflight_status gateway_stream_next(const struct gateway *gateway, struct ArrowArrayStream *stream,
                                   const struct ArrowSchema *schema, struct ArrowArray *ret_batch,
                                   cflight_error **reterr);

/* Wraps the result of a statement for the kit: batches are checked, counted against the limit of
 * rows, and each pull against what is left of the limit of time. The session is held until the
 * wrapper is released.
 * @param statement  Of the result, freed after it; taken on success. NULL: it has none.
 * @param inner      Moved on success, as is the schema.
 * @param left_ms    Of the limit; negative for none. */
/* What a stream of gateway_rows_wrap() has failed with, for the kit. */
cflight_status gateway_rows_error(void *user_data, struct ArrowArrayStream *stream,
                                  cflight_error **reterr);
cflight_status gateway_rows_wrap(struct gateway_session *session,
                                 struct gateway_statement *statement,
                                 struct ArrowArrayStream *inner, struct ArrowSchema *schema,
                                 int64_t left_ms, struct ArrowArrayStream *ret_stream,
                                 cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_ROWS_H */
