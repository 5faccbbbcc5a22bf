/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in memory, read as a file would be. */
#include "source.h"

#include <string.h>

int64_t t_source_read(void *user_data, void *target, size_t len_bytes)
{
    struct t_source *source = user_data;
    size_t step_bytes = source->step_bytes < len_bytes ? source->step_bytes : len_bytes;
    step_bytes = step_bytes < source->len_bytes ? step_bytes : source->len_bytes;
    if (step_bytes > 0) {
        memcpy(target, source->data, step_bytes);
    }
    source->data += step_bytes;
    source->len_bytes -= step_bytes;
    return (int64_t)step_bytes;
}
