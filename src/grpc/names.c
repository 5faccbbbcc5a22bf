/* SPDX-License-Identifier: Apache-2.0 */
/* What names of fields, and the content type, say. Thread class: free. gRPC over HTTP/2,
 * "Requests", "Custom-Metadata". */
#include <string.h>

#include "base/ascii.h"
#include "grpc/wire.h"

bool cfl_grpc_name_starts(struct cflight_bytes name, const char *text)
{
    size_t len_bytes = strlen(text);
    if (name.len_bytes < len_bytes) {
        return false;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if (cfl_ascii_lower(name.data[i]) != (uint8_t)text[i]) {
            return false;
        }
    }
    return true;
}

bool cfl_grpc_name_is(struct cflight_bytes name, const char *text)
{
    return name.len_bytes == strlen(text) && cfl_grpc_name_starts(name, text);
}

bool cfl_grpc_name_is_binary(struct cflight_bytes name)
{
    const size_t suffix_bytes = 4;
    if (name.len_bytes < suffix_bytes) {
        return false;
    }
    return cfl_grpc_name_is(
        cflight_bytes_make(name.data + name.len_bytes - suffix_bytes, suffix_bytes), "-bin");
}

bool cfl_grpc_content_type_is_valid(struct cflight_bytes value)
{
    static const char TYPE[] = "application/grpc";
    const size_t type_bytes = sizeof TYPE - 1;
    if (!cfl_grpc_name_starts(value, TYPE)) {
        return false;
    }
    return value.len_bytes == type_bytes || value.data[type_bytes] == '+' ||
           value.data[type_bytes] == ';';
}
