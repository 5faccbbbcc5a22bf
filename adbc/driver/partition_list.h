/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_PARTITION_LIST_H
#define CFLIGHT_ADBC_DRIVER_PARTITION_LIST_H

#include "adbc/driver/error.h"
#include "cflight/types.h"

/* The endpoints of an info, from `first` on, as partitions: each is the info with that endpoint
 * alone. One at a time. @param ret_partitions  Caller's storage; its `release` frees them. */
AdbcStatusCode adbc_partitions_of(const struct cflight_info *info, size_t first,
                                  struct AdbcPartitions *ret_partitions, struct AdbcError *error);
/* The schema of an info; released when the info has none. */
AdbcStatusCode adbc_info_schema(const struct cflight_info *info, struct ArrowSchema *ret_schema,
                                struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_PARTITION_LIST_H */
