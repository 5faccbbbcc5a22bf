/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_CLI_ARRAYS_H
#define CFLIGHT_TESTS_CLI_ARRAYS_H

#include <stddef.h>

#include "cflight/arrow_abi.h"

/* Schemas and arrays on the stack, for tests of what reads them. Nothing is owned: no release, no
 * allocation. */

#define T_BUFFERS(...) ((const void *[]){__VA_ARGS__})

static inline struct ArrowSchema t_field(const char *name, const char *format)
{
    return (struct ArrowSchema){.format = format, .name = name, .flags = ARROW_FLAG_NULLABLE};
}

static inline struct ArrowSchema t_nested_field(const char *name, const char *format,
                                                struct ArrowSchema **children, int64_t child_count)
{
    struct ArrowSchema schema = t_field(name, format);
    schema.children = children;
    schema.n_children = child_count;
    return schema;
}

/* The null count is 1 when there is a bitmap: readers only look whether it is 0. */
static inline struct ArrowArray t_array(int64_t length, const void **buffers, int64_t buffer_count)
{
    return (struct ArrowArray){.length = length,
                               .null_count = buffer_count > 0 && buffers[0] != NULL,
                               .n_buffers = buffer_count,
                               .buffers = buffers};
}

static inline struct ArrowArray t_nested_array(int64_t length, const void **buffers,
                                               int64_t buffer_count, struct ArrowArray **children,
                                               int64_t child_count)
{
    struct ArrowArray array = t_array(length, buffers, buffer_count);
    array.children = children;
    array.n_children = child_count;
    return array;
}

#endif /* CFLIGHT_TESTS_CLI_ARRAYS_H */
