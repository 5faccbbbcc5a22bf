/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_SCENARIO_EXPIRATION_H
#define CFLIGHT_INTEGRATION_SCENARIO_EXPIRATION_H

#include "integration/scenario.h"

/* The server of all expiration_time scenarios. */
cflight_status itg_expiration_service(struct itg_service *service, cflight_error **reterr);

#endif /* CFLIGHT_INTEGRATION_SCENARIO_EXPIRATION_H */
