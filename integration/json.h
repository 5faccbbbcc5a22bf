/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_JSON_H
#define CFLIGHT_INTEGRATION_JSON_H

#include "integration/scenario.h"

/* The server of JSON mode. */
cflight_status itg_json_service(struct itg_service *service, cflight_error **reterr);

#endif /* CFLIGHT_INTEGRATION_JSON_H */
