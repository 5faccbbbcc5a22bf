/* SPDX-License-Identifier: Apache-2.0 */
/* Loading of sized options: one function for every options struct and handler table, so that the
 * rule for old and new callers is the same everywhere. Thread class: free. */
#include "base/options.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

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

cflight_status cfl_options_load_array(const struct cflight_allocator *alloc, const void *src,
                                      size_t count, size_t size_bytes, const char *what,
                                      void **ret_array, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    const uint8_t *element = src;
    if (count == 0) {
        *ret_array = NULL;
        return CFLIGHT_OK;
    }
    if (src == NULL) {
        return cfl_error_null_argument(reterr, what);
    }
    uint8_t *array = cfl_alloc_array(alloc, count, size_bytes);
    if (array == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        size_t element_bytes = 0;
        status = cfl_options_load(array + i * size_bytes, size_bytes, element, reterr);
        memcpy(&element_bytes, element, sizeof element_bytes);
        element += element_bytes;
    }
    if (status != CFLIGHT_OK) {
        cfl_free_array(alloc, array, count, size_bytes);
        return status;
    }
    *ret_array = array;
    return CFLIGHT_OK;
}
