/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas and arrays on the stack. */
#include "arrays.h"

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

struct ArrowSchema t_nested_field(const char *name, const char *format,
                                  struct ArrowSchema **children, int64_t child_count)
{
    struct ArrowSchema schema = {.format = format,
                                 .name = name,
                                 .flags = ARROW_FLAG_NULLABLE,
                                 .n_children = child_count,
                                 .children = children,
                                 .release = release_schema};
    return schema;
}

struct ArrowSchema t_field(const char *name, const char *format)
{
    return t_nested_field(name, format, NULL, 0);
}

struct ArrowArray t_nested_array(int64_t length, const void **buffers, int64_t buffer_count,
                                 struct ArrowArray **children, int64_t child_count)
{
    struct ArrowArray array = {.length = length,
                               .null_count = buffer_count > 0 && buffers[0] != NULL ? -1 : 0,
                               .n_buffers = buffer_count,
                               .n_children = child_count,
                               .buffers = buffers,
                               .children = children,
                               .release = release_array};
    return array;
}

struct ArrowArray t_array(int64_t length, const void **buffers, int64_t buffer_count)
{
    return t_nested_array(length, buffers, buffer_count, NULL, 0);
}
