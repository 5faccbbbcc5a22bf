/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_EXECUTE_H
#define CFLIGHT_ADBC_DRIVER_EXECUTE_H

#include "adbc/driver/statement.h"

/* Running statements. */

AdbcStatusCode adbc_statement_execute(struct AdbcStatement *statement,
                                      struct ArrowArrayStream *ret_stream, int64_t *ret_row_count,
                                      struct AdbcError *error);
AdbcStatusCode adbc_statement_prepare(struct AdbcStatement *statement, struct AdbcError *error);
AdbcStatusCode adbc_statement_execute_schema(struct AdbcStatement *statement,
                                             struct ArrowSchema *ret_schema,
                                             struct AdbcError *error);
AdbcStatusCode adbc_statement_parameter_schema(struct AdbcStatement *statement,
                                               struct ArrowSchema *ret_schema,
                                               struct AdbcError *error);
/* Has bound rows at the server, where the statement is prepared. */
AdbcStatusCode adbc_statement_send_bound(struct adbc_statement *statement, struct adbc_call *call,
                                         struct AdbcError *error);
/* Whether a statement runs as a prepared one: it was prepared, or rows are bound to it. */
bool adbc_statement_wants_prepared(const struct adbc_statement *statement);

#endif /* CFLIGHT_ADBC_DRIVER_EXECUTE_H */
