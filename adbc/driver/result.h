/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_RESULT_H
#define CFLIGHT_ADBC_DRIVER_RESULT_H

#include "adbc/driver/call.h"
#include "cflight/builder.h"

/* Streams of rows as programs get them: they know the operation they come from, and what went
 * wrong. One at a time. */

/* Runs a command that has a result and opens its stream.
 * @param call            Taken on success.
 * @param ret_row_count   NULL, or how many rows the server says there are; -1 when it does not. */
AdbcStatusCode adbc_result_run(struct adbc_call *call, cflight_client *client,
                               const struct cflight_sql_message *command,
                               struct ArrowArrayStream *ret_stream, int64_t *ret_row_count,
                               struct AdbcError *error);
/* Fetches the endpoints of an info. @param call  Taken on success. @param info  Taken in any case.
 */
AdbcStatusCode adbc_result_fetch(struct adbc_call *call, cflight_client *client,
                                 struct cflight_info *info, struct ArrowArrayStream *ret_stream,
                                 struct AdbcError *error);
/* The rows of a builder, which no call is needed for any more. @param call  Taken on success. */
AdbcStatusCode adbc_result_keep(struct adbc_call *call, cflight_builder *builder,
                                const struct ArrowSchema *schema,
                                struct ArrowArrayStream *ret_stream, struct AdbcError *error);
/* A stream without rows: without fields as well, for statements that have none. */
AdbcStatusCode adbc_result_empty(const struct cflight_field *fields, size_t field_count,
                                 struct ArrowArrayStream *ret_stream, struct AdbcError *error);
/* The error of a stream's last function, if the stream is of this driver. */
const struct AdbcError *adbc_result_error(struct ArrowArrayStream *stream,
                                          AdbcStatusCode *ret_status);

#endif /* CFLIGHT_ADBC_DRIVER_RESULT_H */
