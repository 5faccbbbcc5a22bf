/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_PARTITIONS_H
#define CFLIGHT_ADBC_GATEWAY_PARTITIONS_H

#include "adbc/gateway/statement.h"

/* Runs a query for its partitions, where the driver has such and the session nothing that only its
 * own connection sees. `*ret_is_done` tells whether it has run. */
cflight_status gateway_run_partitions(struct gateway_statement *statement,
                                      cflight_sql_execution *execution, bool *ret_is_done,
                                      cflight_error **reterr);
/* The handler of the kit. */
cflight_status gateway_read_partition(void *user_data, cflight_sql_call *call,
                                      struct cflight_bytes partition,
                                      struct ArrowArrayStream *ret_stream, cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_PARTITIONS_H */
