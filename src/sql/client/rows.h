/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_CLIENT_ROWS_H
#define CFL_SQL_CLIENT_ROWS_H

#include "sql/client/request.h"

/* From an info to its rows, and through them. Thread class: one at a time. */

/* Rows that came along, or those of all endpoints. */
cflight_status cfl_sql_rows_open(const struct cfl_sql_request *request,
                                 const struct cflight_info *info,
                                 struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/* Asks for the info of a command, and for rows along with it if the options say so. */
cflight_status cfl_sql_info_get(const struct cfl_sql_request *request,
                                const struct cflight_sql_message *command, bool with_rows,
                                struct cflight_info **ret_info, cflight_error **reterr);

/* The headers of the call and the one that asks for rows along with an info; to be freed, one more
 * than the call has. `text` holds the number. */
enum { CFL_SQL_INLINE_TEXT_BYTES = 12 };
cflight_status cfl_sql_rows_ask_inline(const struct cfl_sql_request *request,
                                       char text[CFL_SQL_INLINE_TEXT_BYTES],
                                       struct cflight_header **ret_headers, cflight_error **reterr);

/* Takes one batch; both are borrowed. */
typedef cflight_status (*cfl_sql_batch_fn)(void *user_data, const struct ArrowSchema *schema,
                                           const struct ArrowArray *batch, cflight_error **reterr);
/* Gives each batch to the function, as long as it takes them, and releases the stream. */
cflight_status cfl_sql_rows_each(struct ArrowArrayStream *stream, cfl_sql_batch_fn take,
                                 void *user_data, cflight_error **reterr);

#endif /* CFL_SQL_CLIENT_ROWS_H */
