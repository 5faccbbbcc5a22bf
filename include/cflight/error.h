/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ERROR_H
#define CFLIGHT_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cflight/bytes.h"
#include "cflight/export.h"
#include "cflight/status.h"

/// @file
/// The detail of a failure. A `cflight_error` is made only when something fails and only when the
/// caller passed the address of a NULL pointer as `reterr`; the caller frees it with
/// cflight_error_free(). When memory for the error itself is missing, a static "out of memory"
/// error takes its place, so the error path cannot fail.
///
/// Handlers of a server make errors with cflight_error_set_message() and give them more detail with
/// the setters; what they set travels to the client (see docs/guide/errors.md for the mapping).
/// Thread class: one at a time.
///
///     cflight_error *error = NULL;
///     cflight_status status = cflight_client_connect(client, NULL, &error);
///     if (status != CFLIGHT_OK) {
///         fprintf(stderr, "%s: %s\n", cflight_status_name(status), cflight_error_message(error));
///         cflight_error_free(error);
///     }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Flight's own finer code, the text of which travels in `x-arrow-status-detail-bin`.
enum cflight_flight_code {
    CFLIGHT_FLIGHT_CODE_NONE = -1,
    CFLIGHT_FLIGHT_CODE_INTERNAL = 0,
    CFLIGHT_FLIGHT_CODE_TIMED_OUT = 1,
    CFLIGHT_FLIGHT_CODE_CANCELLED = 2,
    CFLIGHT_FLIGHT_CODE_UNAUTHENTICATED = 3,
    CFLIGHT_FLIGHT_CODE_UNAUTHORIZED = 4,
    CFLIGHT_FLIGHT_CODE_UNAVAILABLE = 5,
    CFLIGHT_FLIGHT_CODE_FAILED = 6,
};

/// What is certain about a failed call, for a caller that wants to try again.
enum cflight_retry {
    CFLIGHT_RETRY_NEVER = 0,  ///< the same call would fail again, or the server answered
    CFLIGHT_RETRY_UNSAFE = 1, ///< it may help, but the server may have processed the call
    CFLIGHT_RETRY_SAFE = 2,   ///< it may help, and the server certainly did not process the call
};

/// Frees an error. NULL is ignored.
CFLIGHT_EXPORT void
cflight_error_free(cflight_error *error);

/// Returns the status; CFLIGHT_OK for NULL.
CFLIGHT_EXPORT cflight_status
cflight_error_status(const cflight_error *error);

/// Returns what went wrong, to what, what was found and what was expected: UTF-8, never NULL, valid
/// until the error is freed or changed. It holds no secret and no payload.
CFLIGHT_EXPORT const char *
cflight_error_message(const cflight_error *error);

/// Returns Flight's finer code, or CFLIGHT_FLIGHT_CODE_NONE.
CFLIGHT_EXPORT enum cflight_flight_code
cflight_error_flight_code(const cflight_error *error);

/// Returns the Arrow C++ status code that a peer sent in `x-arrow-status`, or -1 when it sent none.
CFLIGHT_EXPORT int32_t
cflight_error_arrow_code(const cflight_error *error);

/// Returns the text of `x-arrow-status-detail-bin` ("Unavailable", "Python exception: ..."), or an
/// empty string.
CFLIGHT_EXPORT const char *
cflight_error_detail(const cflight_error *error);

/// Returns the binary detail (`grpc-status-details-bin`), from whatever peer sent it. Valid as long
/// as the error.
CFLIGHT_EXPORT struct cflight_bytes
cflight_error_extra_info(const cflight_error *error);

/// Returns the operation that failed ("DoGet", "connect", "read schema"), or an empty string.
CFLIGHT_EXPORT const char *
cflight_error_operation(const cflight_error *error);

/// Returns the peer it happened on ("ipv4:127.0.0.1:32010"), or an empty string.
CFLIGHT_EXPORT const char *
cflight_error_peer(const cflight_error *error);

/// Returns the operating system's error number behind the failure, or 0.
CFLIGHT_EXPORT int
cflight_error_os_code(const cflight_error *error);

/// Tells whether calling again can help, and whether it is safe.
CFLIGHT_EXPORT enum cflight_retry
cflight_error_retry(const cflight_error *error);

/// Tells whether a size limit was passed, and if so both numbers in bytes. Outputs are written only
/// on true; each may be NULL.
CFLIGHT_EXPORT bool
cflight_error_size_limit(const cflight_error *error, uint64_t *ret_limit_bytes,
                         uint64_t *ret_actual_bytes);

/// Returns the number of trailing metadata fields that came with the status, and the field at
/// `index`, which stays valid as long as the error. An index past the end gives an empty field.
CFLIGHT_EXPORT size_t
cflight_error_trailer_count(const cflight_error *error);
/// @copydoc cflight_error_trailer_count
CFLIGHT_EXPORT struct cflight_header
cflight_error_trailer(const cflight_error *error, size_t index);

/// Makes an error and returns its status, so that a handler can end with
/// `return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "no such table");`.
///
/// @param reterr   NULL (then nothing is made), or the address of a pointer; an error that is there
///                 is replaced.
/// @param status   1 to 16; anything else becomes CFLIGHT_UNKNOWN.
/// @param message  Copied; NULL is an empty message.
/// @return `status`
CFLIGHT_EXPORT cflight_status
cflight_error_set_message(cflight_error **reterr, cflight_status status, const char *message);

/// As cflight_error_set_message(), with a printf format.
CFLIGHT_EXPORT cflight_status
cflight_error_set(cflight_error **reterr, cflight_status status, const char *format, ...)
    CFLIGHT_PRINTF(3, 4);

/// Sets Flight's finer code. NULL errors are ignored by all setters; what they take is copied, and
/// a setter that runs out of memory leaves the error as it was.
CFLIGHT_EXPORT void
cflight_error_set_flight_code(cflight_error *error, enum cflight_flight_code code);

/// Sets the binary detail that travels in `grpc-status-details-bin`.
CFLIGHT_EXPORT void
cflight_error_set_extra_info(cflight_error *error, struct cflight_bytes extra_info);

/// Sets the Arrow C++ status code that travels in `x-arrow-status` (the default follows from the
/// status).
CFLIGHT_EXPORT void
cflight_error_set_arrow_code(cflight_error *error, int32_t arrow_code);

/// Sets the text that travels in `x-arrow-status-detail-bin` (the default follows from the Flight
/// code).
CFLIGHT_EXPORT void
cflight_error_set_detail(cflight_error *error, const char *detail);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_ERROR_H */
