/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_CALL_H
#define CFLIGHT_ADBC_DRIVER_CALL_H

#include "adbc/driver/object.h"

/* One operation of an object, of any number of calls: headers and limits as they are when it
 * begins, and what cancels it. A stream keeps the operation that it comes from. One at a time. */
struct adbc_call {
    struct adbc_object *object; /* held */
    struct adbc_call_settings settings;
    cflight_cancel *cancel;
    struct cflight_call_options options[ADBC_LIMIT_COUNT]; /* by the limit that is meant */
    struct cflight_fetch_options fetch;
    struct cflight_sql_options query; /* for what has a result */
    struct cflight_sql_options update;
};

/* Begins an operation. @param client_options  For endpoints elsewhere; they outlive the object. */
AdbcStatusCode adbc_call_begin(struct adbc_object *object,
                               const struct cflight_client_options *client_options,
                               struct adbc_call **ret_call, struct AdbcError *error);
/* Has statements run in a transaction; NULL for none. */
void adbc_call_set_transaction(struct adbc_call *call, const cflight_sql_transaction *transaction);
/* Ends it, and the hold on the object. NULL is ignored. */
void adbc_call_end(struct adbc_call *call);

#endif /* CFLIGHT_ADBC_DRIVER_CALL_H */
