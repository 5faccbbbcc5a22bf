/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_ERROR_H
#define CFL_BASE_ERROR_H

#include <stdarg.h>

#include "cflight/bytes.h"
#include "cflight/error.h"

/* What the inner layers add to the public setters. All of them accept NULL and a NULL *reterr. */

/* Sets the standard out-of-memory error and returns CFLIGHT_RESOURCE_EXHAUSTED. `what` is not
 * copied into it. */
cflight_status cfl_error_no_memory(cflight_error **reterr);
/* As cflight_error_set, with the operating system's error number; its text is appended to the
 * message. */
cflight_status cfl_error_set_os(cflight_error **reterr, cflight_status status, int os_code,
                                const char *format, ...) CFLIGHT_PRINTF(4, 5);
/* RESOURCE_EXHAUSTED with both numbers kept. `what` names the thing, for example "IPC body". */
cflight_status cfl_error_set_size_limit(cflight_error **reterr, const char *what,
                                        uint64_t actual_bytes, uint64_t limit_bytes);
/* INVALID_ARGUMENT: `what`, for example the name of a parameter, must not be NULL. */
cflight_status cfl_error_null_argument(cflight_error **reterr, const char *what);
/* Fails with cfl_error_null_argument for the first pointer that is NULL:
 *     status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_info)); */
#define CFL_CHECK_ARGS(reterr, ...) \
    cfl_check_args((reterr), (const struct cfl_arg[]){__VA_ARGS__, {NULL, NULL}})
#define CFL_ARG(pointer)    \
    {                       \
#pointer, (pointer) \
    }
struct cfl_arg {
    const char *name; /* NULL ends a list */
    const void *pointer;
};
cflight_status cfl_check_args(cflight_error **reterr, const struct cfl_arg *args);
/* Puts "text: " before the message of *reterr. Returns the status of *reterr, or `status` when
 * there is none. */
cflight_status cfl_error_prefix(cflight_error **reterr, cflight_status status, const char *format,
                                ...) CFLIGHT_PRINTF(3, 4);
void cfl_error_set_operation(cflight_error *error, const char *operation);
void cfl_error_set_peer(cflight_error *error, const char *peer);
void cfl_error_set_retry(cflight_error *error, enum cflight_retry retry);
void cfl_error_set_size_numbers(cflight_error *error, uint64_t limit_bytes, uint64_t actual_bytes);
void cfl_error_add_trailer(cflight_error *error, struct cflight_bytes name,
                           struct cflight_bytes value);
/* A deep copy, or the static out-of-memory error; NULL gives NULL. */
cflight_error *cfl_error_copy(const cflight_error *error);

#endif /* CFL_BASE_ERROR_H */
