/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the driver.
 *
 * A caller's struct is of version 1.0, which ends before `private_data`, or of 1.1, which says so
 * by its vendor code. Of the short one only the first four members are touched. In the long one the
 * vendor code stays when there are details, since it is by it that the driver manager knows of
 * them; otherwise the status of the call takes its place. The details belong to the error.
 *
 * An error whose text finds no memory has none: ADBC allows that. Thread class: free. */
#include "adbc/driver/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/driver/details.h"
#include "adbc/shared/status.h"
#include "cflight/sql.h"

static void release_short(struct AdbcError *error)
{
    free(error->message);
    error->message = NULL;
    error->release = NULL;
}

static void release_long(struct AdbcError *error)
{
    adbc_details_free(error->private_data);
    error->private_data = NULL;
    release_short(error);
}

void adbc_error_reset(struct AdbcError *error)
{
    if (error->release != NULL) {
        error->release(error);
    }
    memset(error, 0, sizeof *error);
    error->vendor_code = ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA;
}

/* Releases what is there; tells whether the struct is of the long form. */
static bool begin(struct AdbcError *error)
{
    bool is_long = error->vendor_code == ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA;
    if (error->release != NULL) {
        error->release(error);
    }
    error->message = NULL;
    memset(error->sqlstate, 0, sizeof error->sqlstate);
    error->release = is_long ? release_long : release_short;
    if (is_long) {
        error->private_data = NULL;
    }
    return is_long;
}

AdbcStatusCode adbc_fail(struct AdbcError *error, AdbcStatusCode code, const char *format, ...)
{
    va_list arguments;
    va_list again;
    if (error == NULL) {
        return code;
    }
    if (!begin(error)) {
        error->vendor_code = 0;
    }
    va_start(arguments, format);
    va_copy(again, arguments);
    int len_bytes = vsnprintf(NULL, 0, format, arguments);
    if (len_bytes >= 0) {
        error->message = malloc((size_t)len_bytes + 1);
    }
    if (error->message != NULL) {
        (void)vsnprintf(error->message, (size_t)len_bytes + 1, format, again);
    }
    va_end(again);
    va_end(arguments);
    return code;
}

AdbcStatusCode adbc_fail_no_memory(struct AdbcError *error)
{
    return adbc_fail(error, ADBC_STATUS_INTERNAL, "out of memory");
}

AdbcStatusCode adbc_fail_by(struct AdbcError *error, cflight_error *cause)
{
    struct cflight_sql_error_state state;
    cflight_status status = cflight_error_status(cause);
    if (!cflight_sql_error_get_state(cause, &state)) {
        state.sqlstate[0] = '\0';
    }
    AdbcStatusCode code = adbc_status_of(status, state.sqlstate);
    if (error != NULL && code != ADBC_STATUS_OK) {
        bool is_long = begin(error);
        error->message = strdup(cflight_error_message(cause));
        memcpy(error->sqlstate, state.sqlstate, strnlen(state.sqlstate, sizeof error->sqlstate));
        if (is_long) {
            error->private_data = adbc_details_new(cause);
        }
        if (!is_long || error->private_data == NULL) {
            error->vendor_code = (int32_t)status;
        }
    }
    cflight_error_free(cause);
    return code;
}

AdbcStatusCode adbc_outcome(cflight_status status, cflight_error *cause, struct AdbcError *error)
{
    return status == CFLIGHT_OK ? ADBC_STATUS_OK : adbc_fail_by(error, cause);
}

/* The details of an error of ours; NULL for others. */
static const struct adbc_details *details_of(const struct AdbcError *error)
{
    return error != NULL && error->release == release_long ? error->private_data : NULL;
}

int adbc_error_detail_count(const struct AdbcError *error)
{
    const struct adbc_details *details = details_of(error);
    return details == NULL ? 0 : adbc_details_count(details);
}

struct AdbcErrorDetail adbc_error_detail(const struct AdbcError *error, int index)
{
    const struct AdbcErrorDetail none = {NULL, NULL, 0};
    const struct adbc_details *details = details_of(error);
    return details == NULL ? none : adbc_details_at(details, index);
}
