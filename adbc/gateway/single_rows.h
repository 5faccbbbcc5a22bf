/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_SINGLE_ROWS_H
#define CFLIGHT_ADBC_GATEWAY_SINGLE_ROWS_H

#include "adbc/gateway/internal.h"

/* Batches of one row, cut from others, for drivers that bind no more at once. */
struct gateway_single_rows;

/* @param source  Borrowed until gateway_single_rows_free(). */
cflight_status gateway_single_rows_new(struct ArrowArrayStream *source,
                                       struct gateway_single_rows **ret_rows,
                                       cflight_error **reterr);
/* Gives the next row as a stream of its own, which holds what it needs; `*ret_has_row` is false at
 * the end. */
cflight_status gateway_single_rows_next(struct gateway_single_rows *rows, bool *ret_has_row,
                                        struct ArrowArrayStream *ret_stream,
                                        cflight_error **reterr);
/* NULL is ignored. */
void gateway_single_rows_free(struct gateway_single_rows *rows);

#endif /* CFLIGHT_ADBC_GATEWAY_SINGLE_ROWS_H */
