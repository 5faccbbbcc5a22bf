/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_STATUS_H
#define CFLIGHT_STATUS_H

#include <stdint.h>

#include "cflight/export.h"

/// @file
/// The outcome of every fallible function: 0 is success, 1 to 16 are exactly the gRPC status codes,
/// so what travels on the wire and what a function returns are the same number (gRPC "Status codes
/// and their use"). End of stream and would-block are never a status; they come back in outputs.
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t cflight_status;

enum {
    CFLIGHT_OK = 0,
    CFLIGHT_CANCELLED = 1,           ///< the caller, or the peer, ended the call
    CFLIGHT_UNKNOWN = 2,             ///< a failure that says no more
    CFLIGHT_INVALID_ARGUMENT = 3,    ///< makes no sense, whatever the system's state
    CFLIGHT_DEADLINE_EXCEEDED = 4,   ///< a time limit passed; the message says which
    CFLIGHT_NOT_FOUND = 5,           ///< no such flight, file or session
    CFLIGHT_ALREADY_EXISTS = 6,      ///< the thing to make is there
    CFLIGHT_PERMISSION_DENIED = 7,   ///< the caller is known and may not
    CFLIGHT_RESOURCE_EXHAUSTED = 8,  ///< memory, or a limit; the message has both numbers
    CFLIGHT_FAILED_PRECONDITION = 9, ///< the object is not in a state for this
    CFLIGHT_ABORTED = 10,
    CFLIGHT_OUT_OF_RANGE = 11,
    CFLIGHT_UNIMPLEMENTED = 12,   ///< the peer, or this build, does not offer it
    CFLIGHT_INTERNAL = 13,        ///< the peer broke the protocol, or a defect
    CFLIGHT_UNAVAILABLE = 14,     ///< no connection, or it broke; trying again may help
    CFLIGHT_DATA_LOSS = 15,       ///< bytes that are not valid Arrow, or are cut short
    CFLIGHT_UNAUTHENTICATED = 16, ///< the caller is not known
};

/// Returns the name of a status, such as "NOT_FOUND"; never NULL, static storage. A number outside
/// 0..16 gives "UNRECOGNISED". Thread class: free.
CFLIGHT_EXPORT const char *
cflight_status_name(cflight_status status);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_STATUS_H */
