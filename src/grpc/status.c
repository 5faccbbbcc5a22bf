/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses in other notations: grpc-status text, HTTP statuses (gRPC "HTTP to gRPC Status Code
 * Mapping"), HTTP/2 error codes (gRPC over HTTP/2, "HTTP2 Transport Mapping", "Errors"). Thread
 * class: free. */
#include "grpc/wire.h"

static const char *const H2_CODE_NAMES[] = {
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
};

enum { STATUS_LAST = 16, STATUS_DIGITS_MAX = 10 };

bool cfl_grpc_status_parse(struct cflight_bytes text, cflight_status *ret_status)
{
    uint64_t value = 0;
    if (text.len_bytes == 0 || text.len_bytes > STATUS_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret_status = value > STATUS_LAST ? CFLIGHT_UNKNOWN : (cflight_status)value;
    return true;
}

int cfl_grpc_http_status_parse(struct cflight_bytes text)
{
    if (text.len_bytes != 3) {
        return -1;
    }
    int value = 0;
    for (size_t i = 0; i < 3; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

cflight_status cfl_grpc_status_from_http(int http_status)
{
    switch (http_status) {
    case 400:
        return CFLIGHT_INTERNAL;
    case 401:
        return CFLIGHT_UNAUTHENTICATED;
    case 403:
        return CFLIGHT_PERMISSION_DENIED;
    case 404:
        return CFLIGHT_UNIMPLEMENTED;
    case 413: /* Content Too Large: of a proxy that has a limit of its own */
        return CFLIGHT_RESOURCE_EXHAUSTED;
    case 431: /* Request Header Fields Too Large, as gRPC Java has it */
        return CFLIGHT_INTERNAL;
    case 429:
    case 502:
    case 503:
    case 504:
        return CFLIGHT_UNAVAILABLE;
    default:
        return CFLIGHT_UNKNOWN;
    }
}

cflight_status cfl_grpc_status_from_h2(uint32_t h2_error_code)
{
    switch (h2_error_code) {
    case CFL_H2_REFUSED_STREAM:
        return CFLIGHT_UNAVAILABLE;
    case CFL_H2_CANCEL:
        return CFLIGHT_CANCELLED;
    case CFL_H2_ENHANCE_YOUR_CALM:
        return CFLIGHT_RESOURCE_EXHAUSTED;
    case CFL_H2_INADEQUATE_SECURITY:
        return CFLIGHT_PERMISSION_DENIED;
    default:
        return CFLIGHT_INTERNAL;
    }
}

const char *cfl_grpc_h2_code_name(uint32_t h2_error_code)
{
    if (h2_error_code >= sizeof H2_CODE_NAMES / sizeof H2_CODE_NAMES[0]) {
        return "an unknown code";
    }
    return H2_CODE_NAMES[h2_error_code];
}
