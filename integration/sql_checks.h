/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_SQL_CHECKS_H
#define CFLIGHT_INTEGRATION_SQL_CHECKS_H

#include "cflight/cflight.h"

/* What the clients of the scenarios of Flight SQL check. Thread class: one at a time. */

/* Options with which all rows come by DoGet, as from the other servers. */
struct cflight_sql_options itg_sql_options(void);

/* The rows can be read to their end and have this schema, metadata included. The stream is
 * released. */
cflight_status itg_sql_expect_rows(struct ArrowArrayStream *rows,
                                   const struct ArrowSchema *expected, const char *what,
                                   cflight_error **reterr);
/* GetSchema of a command gives this schema, metadata included. */
cflight_status itg_sql_expect_schema(cflight_client *client,
                                     const struct cflight_sql_message *command,
                                     const struct cflight_sql_options *options,
                                     const struct ArrowSchema *expected, cflight_error **reterr);
cflight_status itg_sql_expect_count(int64_t found, int64_t expected, const char *what,
                                    cflight_error **reterr);

/* The statement as text or as a plan: run and described as a query, run as an update, and prepared
 * for both. The transaction is that of the options. */
cflight_status itg_sql_check_statements(cflight_client *client, bool is_plan,
                                        const struct cflight_sql_options *options,
                                        cflight_error **reterr);

/* The message of the plan. */
struct cflight_sql_message itg_sql_plan_message(void);

#endif /* CFLIGHT_INTEGRATION_SQL_CHECKS_H */
