/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_SCENARIO_SQL_H
#define CFLIGHT_INTEGRATION_SCENARIO_SQL_H

#include "integration/scenario.h"

cflight_status itg_sql_run_client(const struct itg_target *target, cflight_error **reterr);
cflight_status itg_sql_extension_run_client(const struct itg_target *target,
                                            cflight_error **reterr);

#endif /* CFLIGHT_INTEGRATION_SCENARIO_SQL_H */
