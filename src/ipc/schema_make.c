/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas that a program describes field by field, and metadata that it sets.
 *
 * Both make a shallow schema first, whose nodes borrow everything and live in an arena, and copy it
 * deeply. What is described may be wrong, so a new schema is read as any other before it is given
 * out. Thread class: free. (Arrow C data interface: The ArrowSchema structure) */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "cflight/builder.h"
#include "cflight/ipc.h"
#include "ipc/metadata.h"
#include "ipc/schema.h"

enum { DEPTH_MAX = 64 };

/* The copy is released; the shallow nodes never are. */
static void release_nothing(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static cflight_status describe(struct cfl_arena *arena, const struct cflight_field *field,
                               int depth, struct ArrowSchema *ret_node, cflight_error **reterr)
{
    if (field->format == NULL || (field->children == NULL && field->child_count > 0) ||
        depth > DEPTH_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "field '%s' has no format, no children, or too many levels",
                                 field->name == NULL ? "" : field->name);
    }
    struct ArrowSchema *nodes = cfl_arena_array(arena, field->child_count, sizeof *nodes);
    struct ArrowSchema **pointers = cfl_arena_array(arena, field->child_count, sizeof *pointers);
    if (nodes == NULL || pointers == NULL) {
        return cfl_arena_error(arena, "a schema", reterr);
    }
    memset(ret_node, 0, sizeof *ret_node);
    ret_node->format = field->format;
    ret_node->name = field->name == NULL ? "" : field->name;
    ret_node->flags = field->is_required ? 0 : ARROW_FLAG_NULLABLE;
    ret_node->n_children = (int64_t)field->child_count;
    ret_node->children = field->child_count == 0 ? NULL : pointers;
    ret_node->release = release_nothing;
    for (size_t i = 0; i < field->child_count; i++) {
        pointers[i] = &nodes[i];
        cflight_status status = describe(arena, &field->children[i], depth + 1, &nodes[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

/* Reads it as every function that takes a schema does. */
static cflight_status check_schema(const struct ArrowSchema *schema, cflight_error **reterr)
{
    struct cfl_schema *parsed = NULL;
    cflight_status status =
        cfl_schema_from_arrow(NULL, schema, &cfl_limits_default, &parsed, reterr);
    cfl_schema_unref(parsed);
    return status;
}

cflight_status cflight_schema_new(const struct cflight_field *fields, size_t field_count,
                                  struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    const struct cflight_field root = {NULL, "+s", true, fields, field_count};
    struct ArrowSchema node;
    struct cfl_arena arena;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_schema));
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_arena_init(&arena, NULL, SIZE_MAX);
    status = describe(&arena, &root, 0, &node, reterr);
    if (status == CFLIGHT_OK) {
        status = check_schema(&node, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_schema_copy(&node, ret_schema, reterr);
    }
    cfl_arena_done(&arena);
    return status;
}

struct cflight_bytes cflight_schema_metadata(const struct ArrowSchema *schema,
                                             struct cflight_bytes key)
{
    struct cflight_bytes metadata = {NULL, 0};
    if (schema == NULL || !cfl_metadata_measure(schema->metadata, &metadata)) {
        return metadata;
    }
    return cfl_metadata_find(metadata, key);
}

/* The index of the pair with this key; `count` when there is none. */
static size_t find_pair(const struct cflight_metadata *pairs, size_t count,
                        struct cflight_bytes key)
{
    size_t index = 0;
    while (index < count && !cflight_bytes_equal(pairs[index].key, key)) {
        index++;
    }
    return index;
}

static bool append_text(struct cfl_buf *buf, struct cflight_bytes text)
{
    int32_t len_bytes = (int32_t)text.len_bytes;
    return text.len_bytes <= INT32_MAX && cfl_buf_append(buf, &len_bytes, sizeof len_bytes) &&
           cfl_buf_append_bytes(buf, text);
}

/* Appends a pair unless its value is absent; counts it. */
static bool append_pair(struct cfl_buf *buf, struct cflight_bytes key, struct cflight_bytes value,
                        int32_t *count)
{
    if (value.data == NULL) {
        return true;
    }
    (*count)++;
    return append_text(buf, key) && append_text(buf, value);
}

/* Writes the old pairs with new values, then the new ones. */
static bool merge(struct cfl_buf *buf, struct cflight_bytes metadata,
                  const struct cflight_metadata *pairs, size_t pair_count, int32_t *ret_count)
{
    struct cfl_metadata_reader reader = cfl_metadata_read(metadata);
    struct cflight_bytes key = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};
    bool is_good = cfl_buf_append_zeros(buf, sizeof *ret_count);
    while (is_good && cfl_metadata_next(&reader, &key, &value)) {
        size_t index = find_pair(pairs, pair_count, key);
        struct cflight_bytes kept = {value.len_bytes == 0 ? (const uint8_t *)"" : value.data,
                                     value.len_bytes};
        is_good = append_pair(buf, key, index < pair_count ? pairs[index].value : kept, ret_count);
    }
    for (size_t i = 0; is_good && i < pair_count; i++) {
        struct ArrowSchema old = {.metadata = (const char *)metadata.data};
        bool is_written = find_pair(pairs, i, pairs[i].key) < i ||
                          cflight_schema_metadata(&old, pairs[i].key).data != NULL;
        is_good = is_written || append_pair(buf, pairs[i].key, pairs[i].value, ret_count);
    }
    return is_good;
}

cflight_status cflight_schema_set_metadata(const struct ArrowSchema *schema,
                                           const struct cflight_metadata *pairs, size_t pair_count,
                                           struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    struct cflight_bytes metadata = {NULL, 0};
    struct cfl_buf buf;
    int32_t count = 0;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(schema), CFL_ARG(ret_schema));
    if (status == CFLIGHT_OK &&
        ((pairs == NULL && pair_count > 0) || !cfl_metadata_measure(schema->metadata, &metadata))) {
        status = cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                           "the metadata of the ArrowSchema is not well formed");
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_buf_init(&buf, NULL);
    if (merge(&buf, metadata, pairs, pair_count, &count)) {
        struct ArrowSchema shallow = *schema;
        memcpy(buf.data, &count, sizeof count);
        shallow.metadata = (const char *)buf.data;
        status = cflight_schema_copy(&shallow, ret_schema, reterr);
    } else {
        status = buf.failed ? cfl_error_no_memory(reterr)
                            : cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                                        "metadata of more than 2 GiB");
    }
    cfl_buf_done(&buf);
    return status;
}
