/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes of calls as ADBC has them: the table that drivers for Flight SQL share, so that a
 * program meets the same class of error whichever it loads. What gRPC has no status for is known by
 * its SQLSTATE, where there is one. Thread class: free. */
#include "adbc/shared/status.h"

#include <string.h>

enum { CLASS_BYTES = 2 };

/* Classes of ADBC that travel as a status which others have too: a function sequence error, a data
 * exception, a violated constraint. */
static const struct {
    AdbcStatusCode code;
    cflight_status status;
    char sqlstate[6];
    size_t known_bytes; /* so much of it tells the class */
} BY_STATE[] = {
    {ADBC_STATUS_INVALID_STATE, CFLIGHT_FAILED_PRECONDITION, "HY010", 5},
    {ADBC_STATUS_INVALID_DATA, CFLIGHT_INVALID_ARGUMENT, "22000", CLASS_BYTES},
    {ADBC_STATUS_INTEGRITY, CFLIGHT_FAILED_PRECONDITION, "23000", CLASS_BYTES},
};
enum { BY_STATE_COUNT = sizeof BY_STATE / sizeof *BY_STATE };

const char *adbc_sqlstate_of(AdbcStatusCode code)
{
    for (size_t i = 0; i < BY_STATE_COUNT; i++) {
        if (BY_STATE[i].code == code) {
            return BY_STATE[i].sqlstate;
        }
    }
    return NULL;
}

AdbcStatusCode adbc_status_of(cflight_status status, const char *sqlstate)
{
    static const AdbcStatusCode CODES[] = {
        [CFLIGHT_OK] = ADBC_STATUS_OK,
        [CFLIGHT_CANCELLED] = ADBC_STATUS_CANCELLED,
        [CFLIGHT_UNKNOWN] = ADBC_STATUS_UNKNOWN,
        [CFLIGHT_INVALID_ARGUMENT] = ADBC_STATUS_INVALID_ARGUMENT,
        [CFLIGHT_DEADLINE_EXCEEDED] = ADBC_STATUS_TIMEOUT,
        [CFLIGHT_NOT_FOUND] = ADBC_STATUS_NOT_FOUND,
        [CFLIGHT_ALREADY_EXISTS] = ADBC_STATUS_ALREADY_EXISTS,
        [CFLIGHT_PERMISSION_DENIED] = ADBC_STATUS_UNAUTHORIZED,
        [CFLIGHT_RESOURCE_EXHAUSTED] = ADBC_STATUS_INTERNAL,
        [CFLIGHT_FAILED_PRECONDITION] = ADBC_STATUS_UNKNOWN,
        [CFLIGHT_ABORTED] = ADBC_STATUS_UNKNOWN,
        [CFLIGHT_OUT_OF_RANGE] = ADBC_STATUS_UNKNOWN,
        [CFLIGHT_UNIMPLEMENTED] = ADBC_STATUS_NOT_IMPLEMENTED,
        [CFLIGHT_INTERNAL] = ADBC_STATUS_INTERNAL,
        [CFLIGHT_UNAVAILABLE] = ADBC_STATUS_IO,
        [CFLIGHT_DATA_LOSS] = ADBC_STATUS_IO,
        [CFLIGHT_UNAUTHENTICATED] = ADBC_STATUS_UNAUTHENTICATED,
    };
    size_t index = (size_t)status;
    if (status != CFLIGHT_OK && strncmp(sqlstate, "23", CLASS_BYTES) == 0) {
        return ADBC_STATUS_INTEGRITY;
    }
    for (size_t i = 0; i < BY_STATE_COUNT; i++) {
        if (BY_STATE[i].status == status &&
            strncmp(BY_STATE[i].sqlstate, sqlstate, BY_STATE[i].known_bytes) == 0) {
            return BY_STATE[i].code;
        }
    }
    return index < sizeof CODES / sizeof *CODES ? CODES[index] : ADBC_STATUS_UNKNOWN;
}
