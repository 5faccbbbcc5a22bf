/* SPDX-License-Identifier: Apache-2.0 */
/* What names of fields, and the content type, say. Thread class: free. gRPC over HTTP/2,
 * "Requests", "Custom-Metadata". */
#include <string.h>

#include "base/ascii.h"
#include "grpc/wire.h"

bool cfl_grpc_name_is_binary(struct cflight_bytes name)
{
    if (name.len_bytes < 4) {
        return false;
    }
    const uint8_t *end = name.data + name.len_bytes - 4;
    return end[0] == '-' && cfl_ascii_lower(end[1]) == 'b' && cfl_ascii_lower(end[2]) == 'i' &&
           cfl_ascii_lower(end[3]) == 'n';
}

/* Of texts that are as long as each other. */
static bool equals(struct cflight_bytes name, const char *text)
{
    return memcmp(name.data, text, name.len_bytes) == 0;
}

/* Fields that have a meaning of their own, or TEXT. Those of a proxy, from hop to hop, say nothing
 * about the call. */
static enum cfl_grpc_field_kind known_kind(struct cflight_bytes name)
{
    switch (name.len_bytes) {
    case sizeof "te" - 1:
        return equals(name, "te") ? CFL_GRPC_FIELD_TE : CFL_GRPC_FIELD_TEXT;
    case sizeof "host" - 1:
        return equals(name, "host") ? CFL_GRPC_FIELD_INTERNAL : CFL_GRPC_FIELD_TEXT;
    case sizeof ":path" - 1:
        return equals(name, ":path") ? CFL_GRPC_FIELD_PATH : CFL_GRPC_FIELD_TEXT;
    case sizeof ":method" - 1: /* :status, upgrade */
        return equals(name, ":method")   ? CFL_GRPC_FIELD_METHOD
               : equals(name, ":status") ? CFL_GRPC_FIELD_HTTP_STATUS
               : equals(name, "upgrade") ? CFL_GRPC_FIELD_INTERNAL
                                         : CFL_GRPC_FIELD_TEXT;
    case sizeof "connection" - 1: /* keep-alive */
        return equals(name, "connection") || equals(name, "keep-alive") ? CFL_GRPC_FIELD_INTERNAL
                                                                        : CFL_GRPC_FIELD_TEXT;
    case sizeof "grpc-status" - 1:
        return equals(name, "grpc-status") ? CFL_GRPC_FIELD_STATUS : CFL_GRPC_FIELD_TEXT;
    case sizeof "content-type" - 1: /* grpc-message, grpc-timeout */
        return equals(name, "content-type")   ? CFL_GRPC_FIELD_CONTENT_TYPE
               : equals(name, "grpc-message") ? CFL_GRPC_FIELD_MESSAGE
               : equals(name, "grpc-timeout") ? CFL_GRPC_FIELD_TIMEOUT
                                              : CFL_GRPC_FIELD_TEXT;
    case sizeof "grpc-encoding" - 1:
        return equals(name, "grpc-encoding") ? CFL_GRPC_FIELD_ENCODING : CFL_GRPC_FIELD_TEXT;
    case sizeof "content-length" - 1:
        return equals(name, "content-length") ? CFL_GRPC_FIELD_INTERNAL : CFL_GRPC_FIELD_TEXT;
    case sizeof "proxy-connection" - 1:
        return equals(name, "proxy-connection") ? CFL_GRPC_FIELD_INTERNAL : CFL_GRPC_FIELD_TEXT;
    case sizeof "transfer-encoding" - 1:
        return equals(name, "transfer-encoding") ? CFL_GRPC_FIELD_INTERNAL : CFL_GRPC_FIELD_TEXT;
    default:
        return CFL_GRPC_FIELD_TEXT;
    }
}

static bool is_internal(struct cflight_bytes name)
{
    const size_t prefix_bytes = sizeof "grpc-" - 1;
    return name.len_bytes == 0 || name.data[0] == ':' ||
           (name.len_bytes >= prefix_bytes && memcmp(name.data, "grpc-", prefix_bytes) == 0 &&
            !cfl_grpc_name_is_binary(name));
}

enum cfl_grpc_field_kind cfl_grpc_field_kind(struct cflight_bytes name)
{
    enum cfl_grpc_field_kind kind = known_kind(name);
    if (kind != CFL_GRPC_FIELD_TEXT) {
        return kind;
    }
    if (is_internal(name)) {
        return CFL_GRPC_FIELD_INTERNAL;
    }
    return cfl_grpc_name_is_binary(name) ? CFL_GRPC_FIELD_BINARY : CFL_GRPC_FIELD_TEXT;
}

bool cfl_grpc_content_type_is_valid(struct cflight_bytes value)
{
    static const char TYPE[] = "application/grpc";
    const size_t type_bytes = sizeof TYPE - 1;
    if (!cfl_ascii_starts(value, TYPE)) {
        return false;
    }
    return value.len_bytes == type_bytes || value.data[type_bytes] == '+' ||
           value.data[type_bytes] == ';';
}
