/* SPDX-License-Identifier: Apache-2.0 */
/* Loading of sized options: one function for every options struct and handler table, so that the
 * rule for old and new callers is the same everywhere. Thread class: free. */
#include "base/options.h"

#include <stdint.h>
#include <string.h>

cflight_status cfl_options_load(void *ret_dst, size_t dst_size_bytes, const void *src,
                                cflight_error **reterr)
{
    size_t src_size_bytes = 0;
    if (src != NULL) {
        memcpy(&src_size_bytes, src, sizeof src_size_bytes);
        if (src_size_bytes < sizeof src_size_bytes) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "struct_size is %zu; set it with the struct's _INIT macro",
                                     src_size_bytes);
        }
    }
    const uint8_t *src_bytes = src;
    for (size_t i = dst_size_bytes; i < src_size_bytes; i++) {
        if (src_bytes[i] != 0) {
            return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                     "the option at byte %zu is newer than this library", i);
        }
    }
    memset(ret_dst, 0, dst_size_bytes);
    if (src != NULL) {
        memcpy(ret_dst, src, src_size_bytes < dst_size_bytes ? src_size_bytes : dst_size_bytes);
    }
    memcpy(ret_dst, &dst_size_bytes, sizeof dst_size_bytes);
    return CFLIGHT_OK;
}
