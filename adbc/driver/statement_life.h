/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_STATEMENT_LIFE_H
#define CFLIGHT_ADBC_DRIVER_STATEMENT_LIFE_H

#include "adbc/driver/statement.h"

/* Making statements, and what they are given. */

AdbcStatusCode adbc_statement_new(struct AdbcConnection *connection,
                                  struct AdbcStatement *statement, struct AdbcError *error);
AdbcStatusCode adbc_statement_release(struct AdbcStatement *statement, struct AdbcError *error);
AdbcStatusCode adbc_statement_set_query(struct AdbcStatement *statement, const char *query,
                                        struct AdbcError *error);
AdbcStatusCode adbc_statement_set_plan(struct AdbcStatement *statement, const uint8_t *plan,
                                       size_t len_bytes, struct AdbcError *error);
AdbcStatusCode adbc_statement_bind(struct AdbcStatement *statement, struct ArrowArray *batch,
                                   struct ArrowSchema *schema, struct AdbcError *error);
AdbcStatusCode adbc_statement_bind_stream(struct AdbcStatement *statement,
                                          struct ArrowArrayStream *stream, struct AdbcError *error);
AdbcStatusCode adbc_statement_cancel(struct AdbcStatement *statement, struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_STATEMENT_LIFE_H */
