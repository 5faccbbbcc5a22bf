/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_OBJECTS_SCHEMA_H
#define CFLIGHT_ADBC_DRIVER_OBJECTS_SCHEMA_H

#include "cflight/arrow_abi.h"
#include "cflight/error.h"

/* The schema of the answer to GetObjects; release it. Thread class: free. */
cflight_status adbc_objects_schema(struct ArrowSchema *ret_schema, cflight_error **reterr);

#endif /* CFLIGHT_ADBC_DRIVER_OBJECTS_SCHEMA_H */
