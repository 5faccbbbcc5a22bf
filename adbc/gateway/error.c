/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of a driver as they go on to clients.
 *
 * What a driver says is not believed to be terminated text of reasonable length; the library makes
 * it UTF-8. Thread class: free. ADBC 1.1, AdbcError. */
#include "adbc/gateway/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adbc/shared/status.h"
#include "cflight/sql.h"

enum { TEXT_BYTES_MAX = 2048 };

struct AdbcError gateway_error_init(const struct gateway_driver *driver)
{
    struct AdbcError error;
    memset(&error, 0, sizeof error);
    if (driver->version >= ADBC_VERSION_1_1_0) {
        error.vendor_code = ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA;
    }
    return error;
}

void gateway_error_release(struct AdbcError *error)
{
    if (error != NULL && error->release != NULL) {
        error->release(error);
        error->release = NULL;
    }
}

cflight_status gateway_status_of(AdbcStatusCode code)
{
    static const cflight_status STATUSES[] = {
        [ADBC_STATUS_OK] = CFLIGHT_OK,
        [ADBC_STATUS_UNKNOWN] = CFLIGHT_UNKNOWN,
        [ADBC_STATUS_NOT_IMPLEMENTED] = CFLIGHT_UNIMPLEMENTED,
        [ADBC_STATUS_NOT_FOUND] = CFLIGHT_NOT_FOUND,
        [ADBC_STATUS_ALREADY_EXISTS] = CFLIGHT_ALREADY_EXISTS,
        [ADBC_STATUS_INVALID_ARGUMENT] = CFLIGHT_INVALID_ARGUMENT,
        [ADBC_STATUS_INVALID_STATE] = CFLIGHT_FAILED_PRECONDITION,
        [ADBC_STATUS_INVALID_DATA] = CFLIGHT_INVALID_ARGUMENT,
        [ADBC_STATUS_INTEGRITY] = CFLIGHT_FAILED_PRECONDITION,
        [ADBC_STATUS_INTERNAL] = CFLIGHT_INTERNAL,
        [ADBC_STATUS_IO] = CFLIGHT_UNAVAILABLE,
        [ADBC_STATUS_CANCELLED] = CFLIGHT_CANCELLED,
        [ADBC_STATUS_TIMEOUT] = CFLIGHT_DEADLINE_EXCEEDED,
        /* The gateway has logged in, not the client: another password of his would not help. */
        [ADBC_STATUS_UNAUTHENTICATED] = CFLIGHT_UNAVAILABLE,
        [ADBC_STATUS_UNAUTHORIZED] = CFLIGHT_PERMISSION_DENIED,
    };
    return code < sizeof STATUSES / sizeof STATUSES[0] ? STATUSES[code] : CFLIGHT_UNKNOWN;
}

/* Some classes have no status of their own in gRPC; the SQLSTATE tells them. */
static void set_state(cflight_error *error, AdbcStatusCode code, const char *sqlstate)
{
    struct cflight_sql_error_state state;
    memset(&state, 0, sizeof state);
    memcpy(state.sqlstate, sqlstate, 5);
    bool is_given = memchr(state.sqlstate, 0, 5) == NULL && memcmp(state.sqlstate, "00000", 5) != 0;
    const char *other = adbc_sqlstate_of(code);
    if (!is_given && other != NULL) {
        memcpy(state.sqlstate, other, 6);
    }
    if (is_given || other != NULL) {
        cflight_sql_error_set_state(error, &state);
    }
}

static cflight_status say(AdbcStatusCode code, const struct AdbcError *error, const char *text,
                          const char *doing, cflight_error **reterr)
{
    char vendor[48] = "";
    if (error != NULL && error->vendor_code != 0 &&
        error->vendor_code != ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA) {
        (void)snprintf(vendor, sizeof vendor, " (code %d of the database)",
                       (int)error->vendor_code);
    }
    cflight_status status = gateway_status_of(code);
    status = cflight_error_set(reterr, status, "%s%s%.*s%s", doing == NULL ? "" : doing,
                               doing == NULL ? "" : ": ", TEXT_BYTES_MAX, text, vendor);
    if (reterr != NULL && error != NULL) {
        set_state(*reterr, code, error->sqlstate);
    }
    return status;
}

static const char *text_of(AdbcStatusCode code, const struct AdbcError *error)
{
    if (error != NULL && error->message != NULL && error->message[0] != '\0') {
        return error->message;
    }
    return code == ADBC_STATUS_NOT_IMPLEMENTED ? "the driver of this database cannot do this"
                                               : "the driver of this database gives no reason";
}

cflight_status gateway_fail(AdbcStatusCode code, struct AdbcError *error, const char *doing,
                            cflight_error **reterr)
{

    cflight_status status = CFLIGHT_OK;
    if (code != ADBC_STATUS_OK) {
        status = say(code, error, text_of(code, error), doing, reterr);
    }
    gateway_error_release(error);
    return status;
}

static AdbcStatusCode code_of(int os_code)
{
    switch (os_code) {
    case ECANCELED:
        return ADBC_STATUS_CANCELLED;
    case ETIMEDOUT:
        return ADBC_STATUS_TIMEOUT;
    case EINVAL:
        return ADBC_STATUS_INVALID_ARGUMENT;
    case ENOENT:
        return ADBC_STATUS_NOT_FOUND;
    case EEXIST:
        return ADBC_STATUS_ALREADY_EXISTS;
    case EACCES:
        return ADBC_STATUS_UNAUTHORIZED;
    case ENOTSUP:
        return ADBC_STATUS_NOT_IMPLEMENTED;
    case EIO:
        return ADBC_STATUS_IO;
    default:
        return ADBC_STATUS_INTERNAL;
    }
}

cflight_status gateway_fail_stream(const struct gateway_driver *driver,
                                   struct ArrowArrayStream *stream, int os_code,
                                   cflight_error **reterr)
{
    AdbcStatusCode code = ADBC_STATUS_OK;
    const struct AdbcError *error =
        driver->version >= ADBC_VERSION_1_1_0 && driver->table.ErrorFromArrayStream != NULL
            ? driver->table.ErrorFromArrayStream(stream, &code)
            : NULL;
    if (error == NULL || code == ADBC_STATUS_OK) {
        code = code_of(os_code);
        error = NULL;
    }
    const char *text = stream->get_last_error == NULL ? NULL : stream->get_last_error(stream);
    return say(code, error, text != NULL && text[0] != '\0' ? text : text_of(code, error), NULL,
               reterr);
}
