/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that the reader hands out: one block per node.
 *
 * A block holds the node's bookkeeping, its lists of buffers, owners and children, and the
 * children's structs themselves; a child that was moved out leaves a struct with a NULL release
 * behind, as the C data interface asks. Owner: the ArrowArray whose private_data points here.
 * Thread class: free for release and clone of finished arrays. (Arrow C data interface: Release
 * callback semantics, Moving child arrays) */
#include "ipc/array_build.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

struct array_block {
    const struct cflight_allocator *alloc;
    size_t block_bytes;
    struct cfl_array_shape shape;
    uint64_t lineage;
    cflight_buffer **owners; /* of each buffer; runs of one owner hold one reference */
    cflight_buffer *last_owner;
    const void **buffers;
    struct ArrowArray **child_pointers;
    struct ArrowArray *children; /* and then the dictionary */
    int64_t *view_sizes;
};

/* Offsets of the parts of a block; `bytes` is the sum so far. Returns false on overflow. */
static bool add_part(size_t *bytes, size_t count, size_t element_bytes, size_t *ret_offset)
{
    size_t part_bytes = 0;
    *ret_offset = *bytes;
    return !__builtin_mul_overflow(count, element_bytes, &part_bytes) &&
           !__builtin_add_overflow(*bytes, part_bytes, bytes);
}

static void release_array(struct ArrowArray *array)
{
    struct array_block *block = array->private_data;
    for (size_t i = 0; i < block->shape.child_count; i++) {
        cfl_array_drop(array->children[i]);
    }
    if (block->shape.has_dictionary) {
        cfl_array_drop(array->dictionary);
    }
    const cflight_buffer *last = NULL;
    for (size_t i = 0; i < block->shape.buffer_count; i++) {
        if (block->owners[i] != NULL && block->owners[i] != last) {
            last = block->owners[i];
            cflight_buffer_unref(block->owners[i]);
        }
    }
    array->release = NULL;
    array->private_data = NULL;
    cfl_free(block->alloc, block, block->block_bytes);
}

void cfl_array_drop(struct ArrowArray *array)
{
    if (array->release != NULL) {
        array->release(array);
    }
}

static struct array_block *new_block(const struct cflight_allocator *alloc,
                                     const struct cfl_array_shape *shape)
{
    size_t block_bytes = sizeof(struct array_block);
    size_t buffers_at = 0;
    size_t owners_at = 0;
    size_t pointers_at = 0;
    size_t children_at = 0;
    size_t sizes_at = 0;
    size_t struct_count = shape->child_count + (shape->has_dictionary ? 1 : 0);

    /* Every part is a multiple of 8 bytes, so each begins aligned. */
    static_assert(sizeof(struct array_block) % alignof(int64_t) == 0,
                  "parts follow the block without padding");
    if (!add_part(&block_bytes, shape->buffer_count, sizeof(void *), &buffers_at) ||
        !add_part(&block_bytes, shape->buffer_count, sizeof(cflight_buffer *), &owners_at) ||
        !add_part(&block_bytes, shape->child_count, sizeof(struct ArrowArray *), &pointers_at) ||
        !add_part(&block_bytes, struct_count, sizeof(struct ArrowArray), &children_at) ||
        !add_part(&block_bytes, shape->view_buffer_count, sizeof(int64_t), &sizes_at)) {
        return NULL;
    }
    struct array_block *block = cfl_alloc_zeroed(alloc, block_bytes);
    if (block == NULL) {
        return NULL;
    }
    char *base = (char *)block;
    block->alloc = alloc;
    block->block_bytes = block_bytes;
    block->shape = *shape;
    block->buffers = (const void **)(void *)(base + buffers_at);
    block->owners = (cflight_buffer **)(void *)(base + owners_at);
    block->child_pointers = (struct ArrowArray **)(void *)(base + pointers_at);
    block->children = (struct ArrowArray *)(void *)(base + children_at);
    block->view_sizes = shape->view_buffer_count == 0 ? NULL : (int64_t *)(void *)(base + sizes_at);
    return block;
}

cflight_status cfl_array_new(const struct cflight_allocator *alloc,
                             const struct cfl_array_shape *shape, struct ArrowArray *ret_array,
                             cflight_error **reterr)
{
    struct array_block *block = new_block(alloc, shape);
    if (block == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < shape->child_count; i++) {
        block->child_pointers[i] = &block->children[i];
    }
    memset(ret_array, 0, sizeof *ret_array);
    ret_array->n_buffers = (int64_t)shape->buffer_count;
    ret_array->n_children = (int64_t)shape->child_count;
    ret_array->buffers = shape->buffer_count == 0 ? NULL : block->buffers;
    ret_array->children = shape->child_count == 0 ? NULL : block->child_pointers;
    ret_array->dictionary = shape->has_dictionary ? &block->children[shape->child_count] : NULL;
    ret_array->release = release_array;
    ret_array->private_data = block;
    return CFLIGHT_OK;
}

void cfl_array_set_buffer(struct ArrowArray *array, size_t index, const void *data,
                          cflight_buffer *owner)
{
    struct array_block *block = array->private_data;
    block->buffers[index] = data;
    block->owners[index] = owner;
    /* Neighbours mostly lie in one body: one reference serves them all. */
    if (owner != NULL && owner != block->last_owner) {
        block->last_owner = cflight_buffer_ref(owner);
    }
}

cflight_buffer *cfl_array_buffer_owner(const struct ArrowArray *array, size_t index)
{
    const struct array_block *block = array->private_data;
    return block->owners[index];
}

int64_t *cfl_array_view_sizes(const struct ArrowArray *array)
{
    const struct array_block *block = array->private_data;
    return block->view_sizes;
}

void cfl_array_set_lineage(struct ArrowArray *array, uint64_t lineage)
{
    struct array_block *block = array->private_data;
    block->lineage = lineage;
}

uint64_t cfl_array_lineage(const struct ArrowArray *array)
{
    const struct array_block *block = array->private_data;
    return block->lineage;
}

static void copy_node(const struct ArrowArray *source, struct ArrowArray *target)
{
    const struct array_block *from = source->private_data;
    struct array_block *to = target->private_data;
    target->length = source->length;
    target->null_count = source->null_count;
    target->offset = source->offset;
    to->lineage = from->lineage;
    for (size_t i = 0; i < from->shape.buffer_count; i++) {
        cfl_array_set_buffer(target, i, from->buffers[i], from->owners[i]);
    }
    if (from->view_sizes != NULL) {
        memcpy(to->view_sizes, from->view_sizes, from->shape.view_buffer_count * sizeof(int64_t));
        to->buffers[from->shape.buffer_count - 1] = to->view_sizes;
    }
}

/* Recursion is as deep as the schema, which is bounded. */
cflight_status cfl_array_clone(const struct cflight_allocator *alloc,
                               const struct ArrowArray *source, struct ArrowArray *ret_array,
                               cflight_error **reterr)
{
    const struct array_block *from = source->private_data;
    struct ArrowArray copy = {0};
    cflight_status status = cfl_array_new(alloc, &from->shape, &copy, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    copy_node(source, &copy);
    for (int64_t i = 0; status == CFLIGHT_OK && i < source->n_children; i++) {
        status = cfl_array_clone(alloc, source->children[i], copy.children[i], reterr);
    }
    if (status == CFLIGHT_OK && from->shape.has_dictionary) {
        status = cfl_array_clone(alloc, source->dictionary, copy.dictionary, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_array_drop(&copy);
        return status;
    }
    *ret_array = copy;
    return CFLIGHT_OK;
}
