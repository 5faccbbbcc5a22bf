/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_SQL_ANSWERS_H
#define CFLIGHT_INTEGRATION_SQL_ANSWERS_H

#include "cflight/cflight.h"

/* What the servers of the scenarios of Flight SQL share. Thread class: free. */

/* The call is not one of the scenario: INVALID_ARGUMENT, saying what is wrong with `what`. */
cflight_status itg_sql_refuse(const char *what, const char *problem, cflight_error **reterr);
/* The bound rows are those of the scenario: its schema, metadata included, and one row, of which
 * some clients make a null. The stream is released. */
cflight_status itg_sql_check_parameters(struct ArrowArrayStream *rows, cflight_error **reterr);

/* Answers GetFlightInfo with one endpoint. */
cflight_status itg_sql_respond_info(cflight_response *response,
                                    const struct cflight_descriptor *descriptor,
                                    const struct ArrowSchema *schema, struct cflight_bytes ticket,
                                    cflight_error **reterr);
/* Answers a DoPut. */
cflight_status itg_sql_respond_put(cflight_metadata_writer *writer,
                                   const struct cflight_sql_message *message,
                                   cflight_error **reterr);
cflight_status itg_sql_respond_count(cflight_metadata_writer *writer, int64_t row_count,
                                     cflight_error **reterr);
/* The rows of GetSqlInfo. */
cflight_status itg_sql_write_info(const cflight_sql_info *info,
                                  const struct cflight_sql_message *command, cflight_writer *writer,
                                  cflight_error **reterr);

#endif /* CFLIGHT_INTEGRATION_SQL_ANSWERS_H */
