/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_SQL_FACTS_H
#define CFLIGHT_INTEGRATION_SQL_FACTS_H

#include "integration/scenario.h"

/* What the server of a scenario says of itself: values of SqlInfo. */
struct itg_sql_facts {
    const struct cflight_sql_info_value *values;
    size_t count;
};
extern const struct itg_sql_facts itg_sql_extension_facts;
extern const struct itg_sql_facts itg_sql_ingestion_facts;
/* Makes a set of them the state of a service: for itg_sql_write_info(). */
cflight_status itg_sql_facts_serve(const struct itg_sql_facts *facts, struct itg_service *service,
                                   cflight_error **reterr);

/* The server says these things of itself, each once and in the right branch of the union. */
cflight_status itg_sql_check_facts(cflight_client *client, const struct itg_sql_facts *facts,
                                   cflight_error **reterr);

#endif /* CFLIGHT_INTEGRATION_SQL_FACTS_H */
