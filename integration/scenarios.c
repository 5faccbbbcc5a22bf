/* SPDX-License-Identifier: Apache-2.0 */
/* The table of scenarios. Constant. Thread class: free. */
#include <stdio.h>
#include <string.h>

#include "integration/scenario.h"

static const struct itg_scenario *const SCENARIOS[] = {
    &itg_json,
    &itg_alignment,
    &itg_app_metadata,
    &itg_auth_basic_proto,
    &itg_do_exchange_echo,
    &itg_expiration_time_cancel,
    &itg_expiration_time_do_get,
    &itg_expiration_time_list_actions,
    &itg_expiration_time_renew,
    &itg_flight_sql,
    &itg_flight_sql_extension,
    &itg_flight_sql_ingestion,
    &itg_location_reuse_connection,
    &itg_middleware,
    &itg_ordered,
    &itg_poll_flight_info,
    &itg_session_options,
};

enum { SCENARIO_COUNT = sizeof SCENARIOS / sizeof SCENARIOS[0] };

const struct itg_scenario *itg_scenario_find(const char *name)
{
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        if (strcmp(SCENARIOS[i]->name, name) == 0) {
            return SCENARIOS[i];
        }
    }
    return NULL;
}

void itg_scenario_list(void)
{
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        if (SCENARIOS[i]->name[0] != '\0') {
            (void)printf("%s\n", SCENARIOS[i]->name);
        }
    }
}
