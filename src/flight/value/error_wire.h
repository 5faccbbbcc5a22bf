/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_VALUE_ERROR_WIRE_H
#define CFL_FLIGHT_VALUE_ERROR_WIRE_H

#include "base/buf.h"
#include "base/error.h"
#include "grpc/metadata.h"

/* Errors on the wire, in both directions.
 *
 * A status is a gRPC code. What gRPC cannot say travels in trailers that the C++ implementation
 * made up:
 *
 *     x-arrow-status               decimal Arrow status code
 *     x-arrow-status-message-bin   the message without the detail
 *     x-arrow-status-detail-bin    the detail: a Flight code's name, or any text
 *     grpc-status-details-bin      extra info, opaque bytes
 *
 * Thread class: free. */

/* Makes the error for what a peer sent. `message` is grpc-message, decoded;
 * x-arrow-status-message-bin wins over it. Bytes that are not UTF-8 become U+FFFD. The Flight code
 * is the one that belongs to the status; the Arrow code, the detail and the extra info are set when
 * the peer sent them, in its trailers or else in its headers; all trailers are attached. Returns
 * `status` (CFLIGHT_UNKNOWN for a number outside 1..16; OK makes no error).
 *
 * message:  may be NULL.
 * trailers: may be NULL.
 * headers:  initial metadata, may be NULL; some peers send everything there. */
cflight_status cfl_error_from_peer(cflight_status status, const char *message,
                                   const struct cfl_metadata *trailers,
                                   const struct cfl_metadata *headers, cflight_error **reterr);

/* Writes an error for a peer: the text of grpc-message (not yet percent-encoded) is appended to
 * `message`, the fields above are added to `trailers`. What a handler set explicitly is sent; the
 * rest follows from the status, so that pyarrow raises the exception that fits. Statuses that Arrow
 * has no code for (RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, DATA_LOSS) are
 * sent without x-arrow trailers unless the handler set some: clients then name the status
 * themselves. OK writes nothing.
 *
 * error:   may be NULL: no message, codes from the status.
 * When memory runs out, fields are left out; the status itself is never lost. */
void cfl_error_to_peer(cflight_status status, const cflight_error *error, struct cfl_buf *message,
                       struct cfl_metadata *trailers);

/* The Flight code that belongs to a status, or CFLIGHT_FLIGHT_CODE_NONE. */
enum cflight_flight_code cfl_flight_code_of(cflight_status status);

#endif /* CFL_FLIGHT_VALUE_ERROR_WIRE_H */
