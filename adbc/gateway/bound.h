/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_BOUND_H
#define CFLIGHT_ADBC_GATEWAY_BOUND_H

#include "adbc/gateway/statement.h"

/* Rows on their way from a client into a driver. */

/* Executes a statement with the rows of `source`, for its count; they are read as they come. Unless
 * the session is in a transaction already they are one: all count, or none.
 * @param asks_count  A single row needs no transaction: the first rows are read to see. */
cflight_status gateway_store_rows(struct gateway_statement *statement,
                                  struct ArrowArrayStream *source, bool asks_count,
                                  int64_t *ret_row_count, cflight_error **reterr);

/* Reads all of `source` and gives it as a stream that needs it no more. */
cflight_status gateway_collect(struct ArrowArrayStream *source, struct ArrowArrayStream *ret_stream,
                               cflight_error **reterr);

/* Gives a stream to a driver, which owns it then. */
cflight_status gateway_bind(struct gateway_statement *statement, struct ArrowArrayStream *stream,
                            cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_BOUND_H */
