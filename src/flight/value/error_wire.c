/* SPDX-License-Identifier: Apache-2.0 */
/* Errors on the wire.
 *
 * The gRPC status decides; everything else refines it. One table, indexed by status, holds what the
 * C++ client derives from a bare status, so that an error sent without explicit codes arrives as
 * the exception that a bare status would give. A field that a peer got wrong (an Arrow code that is
 * no number, or not one of Arrow's) counts as absent. The error path allocates with the C library,
 * as errors do, and loses only detail when memory runs out.
 *
 * Thread class: free. */
#include "flight/value/error_wire.h"

#include <stdio.h>
#include <string.h>

#include "flight/value/text_repair.h"

static const char STATUS_FIELD[] = "x-arrow-status";
static const char MESSAGE_FIELD[] = "x-arrow-status-message-bin";
static const char DETAIL_FIELD[] = "x-arrow-status-detail-bin";
static const char EXTRA_INFO_FIELD[] = "grpc-status-details-bin";

/* Arrow's status codes (arrow/status.h, StatusCode) that have a meaning on the wire. */
enum arrow_code {
    ARROW_NONE = -1,
    ARROW_OUT_OF_MEMORY = 1,
    ARROW_KEY_ERROR = 2,
    ARROW_INVALID = 4,
    ARROW_IO_ERROR = 5,
    ARROW_CANCELLED = 8,
    ARROW_UNKNOWN_ERROR = 9,
    ARROW_NOT_IMPLEMENTED = 10,
    ARROW_SERIALIZATION_ERROR = 11,
    ARROW_R_ERROR = 13,
    ARROW_CODE_GEN_ERROR = 40,
    ARROW_EXECUTION_ERROR = 42,
    ARROW_ALREADY_EXISTS = 45,
};

struct mapping {
    enum arrow_code arrow_code;
    enum cflight_flight_code flight_code;
    bool has_counterpart; /* Arrow can say the same; otherwise the code is the nearest and is not
                             sent by itself */
};

static const struct mapping MAPPINGS[] = {
    [CFLIGHT_OK] = {ARROW_NONE, CFLIGHT_FLIGHT_CODE_NONE, false},
    [CFLIGHT_CANCELLED] = {ARROW_CANCELLED, CFLIGHT_FLIGHT_CODE_CANCELLED, true},
    [CFLIGHT_UNKNOWN] = {ARROW_UNKNOWN_ERROR, CFLIGHT_FLIGHT_CODE_FAILED, true},
    [CFLIGHT_INVALID_ARGUMENT] = {ARROW_INVALID, CFLIGHT_FLIGHT_CODE_NONE, true},
    [CFLIGHT_DEADLINE_EXCEEDED] = {ARROW_IO_ERROR, CFLIGHT_FLIGHT_CODE_TIMED_OUT, true},
    [CFLIGHT_NOT_FOUND] = {ARROW_KEY_ERROR, CFLIGHT_FLIGHT_CODE_NONE, true},
    [CFLIGHT_ALREADY_EXISTS] = {ARROW_ALREADY_EXISTS, CFLIGHT_FLIGHT_CODE_NONE, true},
    [CFLIGHT_PERMISSION_DENIED] = {ARROW_IO_ERROR, CFLIGHT_FLIGHT_CODE_UNAUTHORIZED, true},
    [CFLIGHT_RESOURCE_EXHAUSTED] = {ARROW_INVALID, CFLIGHT_FLIGHT_CODE_NONE, false},
    [CFLIGHT_FAILED_PRECONDITION] = {ARROW_INVALID, CFLIGHT_FLIGHT_CODE_NONE, false},
    [CFLIGHT_ABORTED] = {ARROW_IO_ERROR, CFLIGHT_FLIGHT_CODE_INTERNAL, false},
    [CFLIGHT_OUT_OF_RANGE] = {ARROW_INVALID, CFLIGHT_FLIGHT_CODE_NONE, false},
    [CFLIGHT_UNIMPLEMENTED] = {ARROW_NOT_IMPLEMENTED, CFLIGHT_FLIGHT_CODE_NONE, true},
    [CFLIGHT_INTERNAL] = {ARROW_IO_ERROR, CFLIGHT_FLIGHT_CODE_INTERNAL, true},
    [CFLIGHT_UNAVAILABLE] = {ARROW_IO_ERROR, CFLIGHT_FLIGHT_CODE_UNAVAILABLE, true},
    [CFLIGHT_DATA_LOSS] = {ARROW_IO_ERROR, CFLIGHT_FLIGHT_CODE_INTERNAL, false},
    [CFLIGHT_UNAUTHENTICATED] = {ARROW_IO_ERROR, CFLIGHT_FLIGHT_CODE_UNAUTHENTICATED, true},
};

static const char *const FLIGHT_CODE_TEXTS[] = {
    [CFLIGHT_FLIGHT_CODE_INTERNAL] = "Internal",
    [CFLIGHT_FLIGHT_CODE_TIMED_OUT] = "TimedOut",
    [CFLIGHT_FLIGHT_CODE_CANCELLED] = "Cancelled",
    [CFLIGHT_FLIGHT_CODE_UNAUTHENTICATED] = "Unauthenticated",
    [CFLIGHT_FLIGHT_CODE_UNAUTHORIZED] = "Unauthorized",
    [CFLIGHT_FLIGHT_CODE_UNAVAILABLE] = "Unavailable",
    [CFLIGHT_FLIGHT_CODE_FAILED] = "Failed",
};

static const struct mapping *mapping_of(cflight_status status)
{
    const size_t count = sizeof MAPPINGS / sizeof MAPPINGS[0];
    return status >= 0 && (size_t)status < count ? &MAPPINGS[status] : &MAPPINGS[CFLIGHT_UNKNOWN];
}

enum cflight_flight_code cfl_flight_code_of(cflight_status status)
{
    return mapping_of(status)->flight_code;
}

/* The Arrow status code for a status with an explicit Flight code (then IOError, as all Flight
 * errors are), or with CFLIGHT_FLIGHT_CODE_NONE the one that belongs to the status alone. */
static int32_t arrow_code_of(cflight_status status, enum cflight_flight_code code)
{
    return code != CFLIGHT_FLIGHT_CODE_NONE ? (int32_t)ARROW_IO_ERROR
                                            : (int32_t)mapping_of(status)->arrow_code;
}

/* "Unavailable" and so on, as it travels in x-arrow-status-detail-bin; NULL for NONE and unknown
 * numbers. */
static const char *flight_code_text(enum cflight_flight_code code)
{
    const size_t count = sizeof FLIGHT_CODE_TEXTS / sizeof FLIGHT_CODE_TEXTS[0];
    return (int)code >= 0 && (size_t)code < count ? FLIGHT_CODE_TEXTS[code] : NULL;
}

static bool is_arrow_code(int32_t code)
{
    return (code >= ARROW_OUT_OF_MEMORY && code <= ARROW_SERIALIZATION_ERROR) ||
           code == ARROW_R_ERROR ||
           (code >= ARROW_CODE_GEN_ERROR && code <= ARROW_EXECUTION_ERROR) ||
           code == ARROW_ALREADY_EXISTS;
}

/* Reads one of Arrow's codes in decimal; ARROW_NONE for anything else. */
static int32_t parse_arrow_code(struct cflight_bytes text)
{
    int32_t code = 0;
    if (text.len_bytes == 0 || text.len_bytes > 3) {
        return ARROW_NONE;
    }
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return ARROW_NONE;
        }
        code = code * 10 + (text.data[i] - '0');
    }
    return is_arrow_code(code) ? code : (int32_t)ARROW_NONE;
}

static bool find_field(const struct cfl_metadata *trailers, const struct cfl_metadata *headers,
                       const char *name, struct cflight_bytes *ret_value)
{
    return (trailers != NULL && cfl_metadata_get(trailers, name, ret_value)) ||
           (headers != NULL && cfl_metadata_get(headers, name, ret_value));
}

/* Repairs and terminates a peer's text; NULL when memory ran out. The buffer owns the result. */
static const char *repaired_text(struct cfl_buf *scratch, struct cflight_bytes text)
{
    cfl_buf_clear(scratch);
    (void)cfl_text_repair(scratch, text);
    (void)cfl_buf_append_u8(scratch, 0);
    return scratch->failed ? NULL : (const char *)scratch->data;
}

static void add_peer_detail(cflight_error *error, const struct cfl_metadata *trailers,
                            const struct cfl_metadata *headers, struct cfl_buf *scratch)
{
    struct cflight_bytes value = {NULL, 0};
    bool has_arrow_status = find_field(trailers, headers, STATUS_FIELD, &value);
    if (has_arrow_status) {
        cflight_error_set_arrow_code(error, parse_arrow_code(value));
    }
    if (find_field(trailers, headers, DETAIL_FIELD, &value)) {
        const char *detail = repaired_text(scratch, value);
        if (detail != NULL) {
            cflight_error_set_detail(error, detail);
        }
    }
    enum cflight_flight_code code = cfl_flight_code_of(cflight_error_status(error));
    if (find_field(trailers, headers, EXTRA_INFO_FIELD, &value)) {
        cflight_error_set_extra_info(error, value);
        /* A peer that sends Arrow's status gives extra info to Flight errors only, so this is one
         * (the C++ client concludes the same). Other peers send it with any status. */
        if (has_arrow_status && code == CFLIGHT_FLIGHT_CODE_NONE && value.len_bytes > 0) {
            code = CFLIGHT_FLIGHT_CODE_INTERNAL;
        }
    }
    cflight_error_set_flight_code(error, code);
    for (size_t i = 0; trailers != NULL && i < trailers->count; i++) {
        cfl_error_add_trailer(error, trailers->fields[i].name, trailers->fields[i].value);
    }
}

cflight_status cfl_error_from_peer(cflight_status status, const char *message,
                                   const struct cfl_metadata *trailers,
                                   const struct cfl_metadata *headers, cflight_error **reterr)
{
    if (status == CFLIGHT_OK) {
        return CFLIGHT_OK;
    }
    struct cfl_buf scratch;
    cfl_buf_init(&scratch, NULL);
    struct cflight_bytes text = cflight_bytes_from_text(message);
    (void)find_field(trailers, headers, MESSAGE_FIELD, &text);
    const char *repaired = reterr == NULL ? NULL : repaired_text(&scratch, text);
    status = cflight_error_set_message(reterr, status, repaired);
    if (reterr != NULL) {
        add_peer_detail(*reterr, trailers, headers, &scratch);
    }
    cfl_buf_done(&scratch);
    return status;
}

static void add_field(struct cfl_metadata *trailers, const char *name, struct cflight_bytes value)
{
    (void)cfl_metadata_add_unchecked(trailers, cflight_bytes_from_text(name), value, NULL);
}

/* What goes into the x-arrow fields of one error. */
struct outgoing {
    int32_t arrow_code; /* ARROW_NONE: send none of them */
    const char *detail; /* "" for none */
};

static struct outgoing choose_codes(cflight_status status, const cflight_error *error)
{
    struct outgoing outgoing = {ARROW_NONE, cflight_error_detail(error)};
    enum cflight_flight_code flight_code = cflight_error_flight_code(error);
    int32_t arrow_code = cflight_error_arrow_code(error);
    bool is_explicit = flight_code != CFLIGHT_FLIGHT_CODE_NONE || is_arrow_code(arrow_code) ||
                       outgoing.detail[0] != '\0' || cflight_error_extra_info(error).len_bytes > 0;
    if (!is_explicit && !mapping_of(status)->has_counterpart) {
        return outgoing;
    }
    outgoing.arrow_code =
        is_arrow_code(arrow_code) ? arrow_code : arrow_code_of(status, flight_code);
    /* Arrow has a plain status for a cancelled call, and C++ sends it without a Flight code. */
    if (flight_code == CFLIGHT_FLIGHT_CODE_NONE && !is_arrow_code(arrow_code) &&
        status != CFLIGHT_CANCELLED) {
        flight_code = cfl_flight_code_of(status);
    }
    const char *code_text = flight_code_text(flight_code);
    if (outgoing.detail[0] == '\0' && code_text != NULL) {
        outgoing.detail = code_text;
    }
    return outgoing;
}

void cfl_error_to_peer(cflight_status status, const cflight_error *error, struct cfl_buf *message,
                       struct cfl_metadata *trailers)
{
    if (status == CFLIGHT_OK) {
        return;
    }
    const struct outgoing outgoing = choose_codes(status, error);
    const char *text = cflight_error_message(error);
    (void)cfl_buf_append_text(message, text);
    if (outgoing.arrow_code == ARROW_NONE) {
        return;
    }
    if (outgoing.detail[0] != '\0') {
        (void)cfl_buf_append_text(message, ". Detail: ");
        (void)cfl_buf_append_text(message, outgoing.detail);
    }
    char code_text[16];
    (void)snprintf(code_text, sizeof code_text, "%d", (int)outgoing.arrow_code);
    add_field(trailers, STATUS_FIELD, cflight_bytes_from_text(code_text));
    add_field(trailers, MESSAGE_FIELD, cflight_bytes_from_text(text));
    if (outgoing.detail[0] != '\0') {
        add_field(trailers, DETAIL_FIELD, cflight_bytes_from_text(outgoing.detail));
    }
    if (cflight_error_extra_info(error).len_bytes > 0) {
        add_field(trailers, EXTRA_INFO_FIELD, cflight_error_extra_info(error));
    }
}
