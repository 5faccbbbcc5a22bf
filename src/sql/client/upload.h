/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_CLIENT_UPLOAD_H
#define CFL_SQL_CLIENT_UPLOAD_H

#include "sql/client/request.h"

/* Uploads: updates, and all that comes with rows. Thread class: free. */

/* Sends a command with rows, or with a schema of no fields when `rows` is NULL, and says that this
 * is all; then reads to the end of the call.
 * @param ret_answer  What the first answer says, a message of `answer_type`; NULL when there was
 *                    none. */
cflight_status cfl_sql_upload(const struct cfl_sql_request *request,
                              const struct cflight_sql_message *command,
                              struct ArrowArrayStream *rows, enum cflight_sql_type answer_type,
                              struct cflight_sql_message **ret_answer, cflight_error **reterr);
/* An upload whose answer is a count; -1 when the server said nothing. */
cflight_status cfl_sql_upload_count(const struct cfl_sql_request *request,
                                    const struct cflight_sql_message *command,
                                    struct ArrowArrayStream *rows, int64_t *ret_row_count,
                                    cflight_error **reterr);
/* The schema and the batch of an upload without rows. Nothing in them is owned. */
struct ArrowSchema cfl_sql_no_fields(void);
struct ArrowArray cfl_sql_no_rows(void);
/* Whether an upload without rows has that batch, and not the schema alone. */
bool cfl_sql_needs_batch(enum cflight_sql_type type);
/* The schema of rows to send; of no fields when they are NULL. */
cflight_status cfl_sql_rows_schema(struct ArrowArrayStream *rows, struct ArrowSchema *ret_schema,
                                   cflight_error **reterr);
/* What rows to send have failed with. */
cflight_status cfl_sql_rows_failure(struct ArrowArrayStream *rows, int code,
                                    cflight_error **reterr);
/* INVALID_ARGUMENT for an ingest without a table or a mode. */
cflight_status cfl_sql_check_target(const struct cflight_sql_ingest_target *target,
                                    cflight_error **reterr);

#endif /* CFL_SQL_CLIENT_UPLOAD_H */
