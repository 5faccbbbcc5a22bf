/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of values: has a dictionary changed, or only grown?
 *
 * Whole buffers are compared first, which settles nearly every case. Only when they differ are rows
 * compared one by one, because what lies under null rows, between the strings or behind the last
 * bit does not count. A few bytes can stand for rows without end (nulls, runs, views of one list),
 * so the steps are counted. The offsets that are followed here were the caller's and are trusted as
 * when they were encoded. Recursion is bounded by the schema's depth. Thread class: free. */
#include <string.h>

#include "ipc/bitmap.h"
#include "ipc/offsets.h"
#include "ipc/run_ends.h"
#include "ipc/parts.h"
#include "ipc/views.h"

/* One array: the node and buffers of `field` in `parts`. */
struct view {
    const struct cfl_parts *parts;
    size_t node;
};

/* Two arrays of the same field, and where their compared rows begin. */
struct pair {
    const struct cfl_field *field;
    struct view a;
    struct view b;
    int64_t row_a;
    int64_t row_b;
    uint64_t *steps_left;
};

enum { BYTES_PER_STEP = 64 };

/* Counts the comparison of a row, of so many bytes or of a child so far behind; false when there
 * were enough. */
static bool take_steps(const struct pair *pair, uint64_t count)
{
    bool may_go_on = count < *pair->steps_left;
    *pair->steps_left = may_go_on ? *pair->steps_left - count : 0;
    return may_go_on;
}

static bool equal_rows(const struct pair *pair, int64_t row_count);

static const struct cfl_part_node *node_of(struct view view)
{
    return &view.parts->nodes[view.node];
}

static const struct cfl_part_buffer *buffer_of(struct view view, size_t index)
{
    return &view.parts->buffers[node_of(view)->first_buffer + index];
}

static bool is_null(struct view view, int64_t row)
{
    return node_of(view)->null_count > 0 && !cfl_bitmap_get(buffer_of(view, 0)->data, row);
}

static bool equal_fixed(const struct pair *pair, int64_t width_bytes, int64_t row)
{
    return width_bytes == 0 ||
           memcmp(buffer_of(pair->a, 1)->data + (pair->row_a + row) * width_bytes,
                  buffer_of(pair->b, 1)->data + (pair->row_b + row) * width_bytes,
                  (size_t)width_bytes) == 0;
}

static bool equal_variable(const struct pair *pair, int64_t row, bool is_64)
{
    const uint8_t *offsets_a = buffer_of(pair->a, 1)->data;
    const uint8_t *offsets_b = buffer_of(pair->b, 1)->data;
    int64_t begin_a = cfl_load_offset(offsets_a, pair->row_a + row, is_64);
    int64_t begin_b = cfl_load_offset(offsets_b, pair->row_b + row, is_64);
    int64_t len_bytes = cfl_load_offset(offsets_a, pair->row_a + row + 1, is_64) - begin_a;

    if (cfl_load_offset(offsets_b, pair->row_b + row + 1, is_64) - begin_b != len_bytes) {
        return false;
    }
    return len_bytes == 0 ||
           (take_steps(pair, (uint64_t)len_bytes / BYTES_PER_STEP) &&
            memcmp(buffer_of(pair->a, 2)->data + begin_a, buffer_of(pair->b, 2)->data + begin_b,
                   (size_t)len_bytes) == 0);
}

/* The bytes of a view: inline, or in a data buffer. */
static struct cflight_bytes view_bytes(struct view view, int64_t row)
{
    const uint8_t *entry = buffer_of(view, 1)->data + CFL_VIEW_BYTES * row;
    int64_t len_bytes = cfl_load_offset(entry, 0, false);

    if (len_bytes <= CFL_VIEW_INLINE_BYTES_MAX) {
        return cflight_bytes_make(entry + CFL_VIEW_PREFIX_AT, (size_t)len_bytes);
    }
    const struct cfl_part_buffer *data =
        buffer_of(view, CFL_VIEW_BUFFERS_BEFORE + (size_t)cfl_load_offset(entry, 2, false));
    return cflight_bytes_make(data->data + cfl_load_offset(entry, 3, false), (size_t)len_bytes);
}

static bool equal_view(const struct pair *pair, int64_t row)
{
    struct cflight_bytes a = view_bytes(pair->a, pair->row_a + row);
    struct cflight_bytes b = view_bytes(pair->b, pair->row_b + row);

    return take_steps(pair, a.len_bytes / BYTES_PER_STEP) && cflight_bytes_equal(a, b);
}

/* The same rows of child `index`, from `begin_a` and `begin_b` on. */
static bool equal_children(const struct pair *pair, int64_t index, int64_t begin_a, int64_t begin_b,
                           int64_t row_count)
{
    struct pair child = *pair;

    if (!take_steps(pair, (uint64_t)index)) {
        return false;
    }
    child.a.node++;
    child.b.node++;
    for (int64_t i = 0; i < index; i++) {
        size_t skipped = cfl_field_node_count(&pair->field->children[i]);
        child.a.node += skipped;
        child.b.node += skipped;
    }
    child.field = &pair->field->children[index];
    child.row_a = begin_a;
    child.row_b = begin_b;
    return equal_rows(&child, row_count);
}

static bool equal_list(const struct pair *pair, int64_t row, bool is_64)
{
    const uint8_t *offsets_a = buffer_of(pair->a, 1)->data;
    const uint8_t *offsets_b = buffer_of(pair->b, 1)->data;
    int64_t begin_a = cfl_load_offset(offsets_a, pair->row_a + row, is_64);
    int64_t begin_b = cfl_load_offset(offsets_b, pair->row_b + row, is_64);
    int64_t length = cfl_load_offset(offsets_a, pair->row_a + row + 1, is_64) - begin_a;

    return cfl_load_offset(offsets_b, pair->row_b + row + 1, is_64) - begin_b == length &&
           equal_children(pair, 0, begin_a, begin_b, length);
}

static bool equal_list_view(const struct pair *pair, int64_t row, bool is_64)
{
    int64_t length = cfl_load_offset(buffer_of(pair->a, 2)->data, pair->row_a + row, is_64);

    return cfl_load_offset(buffer_of(pair->b, 2)->data, pair->row_b + row, is_64) == length &&
           equal_children(
               pair, 0, cfl_load_offset(buffer_of(pair->a, 1)->data, pair->row_a + row, is_64),
               cfl_load_offset(buffer_of(pair->b, 1)->data, pair->row_b + row, is_64), length);
}

static bool equal_fixed_list(const struct pair *pair, int64_t row)
{
    int64_t size = pair->field->type.list_size;

    return equal_children(pair, 0, (pair->row_a + row) * size, (pair->row_b + row) * size, size);
}

static bool equal_struct(const struct pair *pair, int64_t row)
{
    for (int64_t i = 0; i < pair->field->child_count; i++) {
        if (!equal_children(pair, i, pair->row_a + row, pair->row_b + row, 1)) {
            return false;
        }
    }
    return true;
}

static bool equal_union(const struct pair *pair, int64_t row, bool is_dense)
{
    size_t skipped = pair->a.parts->has_v4_validities ? 1 : 0;
    int64_t row_a = pair->row_a + row;
    int64_t row_b = pair->row_b + row;
    int8_t id = (int8_t)buffer_of(pair->a, skipped)->data[row_a];

    if ((int8_t)buffer_of(pair->b, skipped)->data[row_b] != id) {
        return false;
    }
    if (is_dense) {
        row_a = cfl_load_offset(buffer_of(pair->a, skipped + 1)->data, row_a, false);
        row_b = cfl_load_offset(buffer_of(pair->b, skipped + 1)->data, row_b, false);
    }
    for (int32_t i = 0; i < pair->field->type.union_id_count; i++) {
        if (pair->field->type.union_ids[i] == id) {
            return equal_children(pair, i, row_a, row_b, 1);
        }
    }
    return false;
}

/* The run that holds `row`. */
static int64_t run_at(struct view view, int32_t width_bytes, int64_t row)
{
    const struct cfl_parts *parts = view.parts;
    const struct cfl_part_node *run_ends = &parts->nodes[view.node + 1];

    return cfl_find_run(parts->buffers[run_ends->first_buffer + 1].data, run_ends->length - 1,
                        width_bytes, row);
}

static bool equal_run(const struct pair *pair, int64_t row)
{
    int32_t width_bytes = pair->field->children[0].type.width_bytes;

    return equal_children(pair, 1, run_at(pair->a, width_bytes, pair->row_a + row),
                          run_at(pair->b, width_bytes, pair->row_b + row), 1);
}

static bool equal_values(const struct pair *pair, int64_t row)
{
    const struct cfl_field *field = pair->field;

    switch (field->type.layout) {
    case CFL_LAYOUT_NULL:
        return true;
    case CFL_LAYOUT_BOOL:
        return cfl_bitmap_get(buffer_of(pair->a, 1)->data, pair->row_a + row) ==
               cfl_bitmap_get(buffer_of(pair->b, 1)->data, pair->row_b + row);
    case CFL_LAYOUT_FIXED:
        return equal_fixed(pair, field->type.width_bytes, row);
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        return equal_variable(pair, row, field->type.layout == CFL_LAYOUT_VARIABLE_64);
    case CFL_LAYOUT_VIEW:
        return equal_view(pair, row);
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        return equal_list(pair, row, field->type.layout == CFL_LAYOUT_LIST_64);
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        return equal_list_view(pair, row, field->type.layout == CFL_LAYOUT_LIST_VIEW_64);
    case CFL_LAYOUT_FIXED_LIST:
        return equal_fixed_list(pair, row);
    case CFL_LAYOUT_STRUCT:
        return equal_struct(pair, row);
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_DENSE_UNION:
        return equal_union(pair, row, field->type.layout == CFL_LAYOUT_DENSE_UNION);
    case CFL_LAYOUT_RUN_END_ENCODED:
        return equal_run(pair, row);
    }
    return false;
}

static bool has_validity(const struct cfl_field *field)
{
    return field->type.layout != CFL_LAYOUT_NULL && field->type.layout != CFL_LAYOUT_SPARSE_UNION &&
           field->type.layout != CFL_LAYOUT_DENSE_UNION &&
           field->type.layout != CFL_LAYOUT_RUN_END_ENCODED;
}

/* A dictionary-encoded field inside a dictionary is compared by its indices: its own dictionary is
 * a message of its own. */
static bool equal_row(const struct pair *pair, int64_t row)
{
    bool is_indices = pair->field->is_dictionary && pair->a.node > 0;

    if (is_indices || has_validity(pair->field)) {
        bool is_null_a = is_null(pair->a, pair->row_a + row);
        if (is_null_a != is_null(pair->b, pair->row_b + row)) {
            return false;
        }
        if (is_null_a) {
            return true;
        }
    }
    return is_indices ? equal_fixed(pair, pair->field->index_type.width_bytes, row)
                      : equal_values(pair, row);
}

static bool equal_rows(const struct pair *pair, int64_t row_count)
{
    for (int64_t row = 0; row < row_count; row++) {
        if (!take_steps(pair, 1) || !equal_row(pair, row)) {
            return false;
        }
    }
    return true;
}

static bool equal_buffers(const struct cfl_parts *a, const struct cfl_parts *b)
{
    if (a->node_count != b->node_count || a->buffer_count != b->buffer_count) {
        return false;
    }
    for (size_t i = 0; i < a->node_count; i++) {
        if (a->nodes[i].length != b->nodes[i].length ||
            a->nodes[i].null_count != b->nodes[i].null_count) {
            return false;
        }
    }
    for (size_t i = 0; i < a->buffer_count; i++) {
        size_t len_bytes = (size_t)a->buffers[i].len_bytes;
        if (b->buffers[i].len_bytes != len_bytes ||
            (len_bytes > 0 && memcmp(a->buffers[i].data, b->buffers[i].data, len_bytes) != 0)) {
            return false;
        }
    }
    return true;
}

/* Values at the top of `parts` are at node 0, so a field is taken for its own indices only below
 * it. */
bool cfl_parts_equal(const struct cfl_field *field, const struct cfl_parts *a,
                     const struct cfl_parts *b, int64_t row_count, uint64_t steps_max)
{
    struct pair pair = {field, {a, 0}, {b, 0}, 0, 0, &steps_max};

    if (a->row_count == row_count && b->row_count == row_count && equal_buffers(a, b)) {
        return true;
    }
    return equal_rows(&pair, row_count);
}
