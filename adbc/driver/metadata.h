/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_METADATA_H
#define CFLIGHT_ADBC_DRIVER_METADATA_H

#include "adbc/driver/connection.h"

/* What a connection tells of the server and of the database, one file for each function. */

AdbcStatusCode adbc_connection_get_info(struct AdbcConnection *connection, const uint32_t *codes,
                                        size_t code_count, struct ArrowArrayStream *ret_stream,
                                        struct AdbcError *error);
AdbcStatusCode adbc_connection_get_objects(struct AdbcConnection *connection, int depth,
                                           const char *catalog, const char *db_schema,
                                           const char *table_name, const char **table_type,
                                           const char *column_name,
                                           struct ArrowArrayStream *ret_stream,
                                           struct AdbcError *error);
AdbcStatusCode adbc_connection_get_table_schema(struct AdbcConnection *connection,
                                                const char *catalog, const char *db_schema,
                                                const char *table_name,
                                                struct ArrowSchema *ret_schema,
                                                struct AdbcError *error);
AdbcStatusCode adbc_connection_get_table_types(struct AdbcConnection *connection,
                                               struct ArrowArrayStream *ret_stream,
                                               struct AdbcError *error);
/* Flight SQL has no statistics: NOT_IMPLEMENTED, and no names of its own. */
AdbcStatusCode adbc_connection_get_statistics(struct AdbcConnection *connection,
                                              const char *catalog, const char *db_schema,
                                              const char *table_name, char approximate,
                                              struct ArrowArrayStream *ret_stream,
                                              struct AdbcError *error);
AdbcStatusCode adbc_connection_get_statistic_names(struct AdbcConnection *connection,
                                                   struct ArrowArrayStream *ret_stream,
                                                   struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_METADATA_H */
