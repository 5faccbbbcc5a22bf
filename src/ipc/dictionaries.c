/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionaries of a stream: what was sent, what changed.
 *
 * The list is in the order of messages: depth first, inner dictionaries before the one whose values
 * contain them, so the inner ones of item i are the items [first_inner, i). An outer dictionary is
 * sent again whenever an inner one was, since its values have changed with it, and then never as a
 * delta. Values of a peer may be made so that comparing them would never end; what is not soon
 * found equal counts as changed. Spec: Arrow columnar "Dictionary Messages". Thread class: one at a
 * time. */
#include "ipc/dictionaries.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

enum { STEPS_LEAST = 1 << 20, STEPS_PER_BYTE = 64 };

static size_t count_below(const struct cfl_field *field)
{
    size_t count = 0;

    for (int64_t i = 0; i < field->child_count; i++) {
        count += count_below(&field->children[i]) + (field->children[i].is_dictionary ? 1 : 0);
    }
    return count;
}

static void list_below(struct cfl_dictionaries *dictionaries, const struct cfl_field *field,
                       int16_t metadata_version)
{
    for (int64_t i = 0; i < field->child_count; i++) {
        const struct cfl_field *child = &field->children[i];
        size_t first_inner = dictionaries->count;
        list_below(dictionaries, child, metadata_version);
        if (child->is_dictionary) {
            struct cfl_dictionary *item = &dictionaries->items[dictionaries->count++];
            item->field = child;
            item->first_inner = first_inner;
            cfl_parts_init(&item->sent, dictionaries->alloc, metadata_version);
            cfl_parts_init(&item->next, dictionaries->alloc, metadata_version);
            cfl_parts_init(&item->message, dictionaries->alloc, metadata_version);
        }
    }
}

cflight_status cfl_dictionaries_init(struct cfl_dictionaries *dictionaries,
                                     const struct cflight_allocator *alloc,
                                     const struct cfl_field *root, int16_t metadata_version,
                                     bool emit_deltas, cflight_error **reterr)
{
    size_t count = count_below(root);

    memset(dictionaries, 0, sizeof *dictionaries);
    dictionaries->alloc = alloc;
    dictionaries->emit_deltas = emit_deltas;
    if (count == 0) {
        return CFLIGHT_OK;
    }
    dictionaries->items = cfl_alloc_array(alloc, count, sizeof *dictionaries->items);
    if (dictionaries->items == NULL) {
        return cfl_error_no_memory(reterr);
    }
    list_below(dictionaries, root, metadata_version);
    return CFLIGHT_OK;
}

void cfl_dictionaries_done(struct cfl_dictionaries *dictionaries)
{
    for (size_t i = 0; i < dictionaries->count; i++) {
        cfl_parts_done(&dictionaries->items[i].sent);
        cfl_parts_done(&dictionaries->items[i].next);
        cfl_parts_done(&dictionaries->items[i].message);
    }
    cfl_free_array(dictionaries->alloc, dictionaries->items, dictionaries->count,
                   sizeof *dictionaries->items);
    memset(dictionaries, 0, sizeof *dictionaries);
}

static bool has_changed_inner(const struct cfl_dictionaries *dictionaries,
                              const struct cfl_dictionary *item)
{
    for (const struct cfl_dictionary *inner = &dictionaries->items[item->first_inner]; inner < item;
         inner++) {
        if (inner->plan != CFL_DICTIONARY_UNCHANGED) {
            return true;
        }
    }
    return false;
}

static enum cfl_dictionary_plan choose_plan(const struct cfl_dictionaries *dictionaries,
                                            const struct cfl_dictionary *item)
{
    int64_t sent_count = item->sent.row_count;
    int64_t row_count = item->message.row_count;
    /* Bits and levels of nesting are more values than bytes. */
    uint64_t steps_max = STEPS_LEAST + STEPS_PER_BYTE * cfl_parts_size(&item->sent);

    if (!item->was_sent || has_changed_inner(dictionaries, item) || row_count < sent_count ||
        !cfl_parts_equal(item->field, &item->sent, &item->message, sent_count, steps_max)) {
        return CFL_DICTIONARY_WHOLE;
    }
    if (row_count == sent_count) {
        return CFL_DICTIONARY_UNCHANGED;
    }
    bool is_nested = item != &dictionaries->items[item->first_inner];
    return dictionaries->emit_deltas && !is_nested ? CFL_DICTIONARY_DELTA : CFL_DICTIONARY_WHOLE;
}

static cflight_status plan_item(const struct cfl_dictionaries *dictionaries,
                                struct cfl_dictionary *item, const struct ArrowArray *values,
                                cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    if (values == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the dictionary is missing");
    }
    status = cfl_parts_set_values(&item->message, item->field, values, 0, values->length, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    item->plan = choose_plan(dictionaries, item);
    if (item->plan == CFL_DICTIONARY_UNCHANGED) {
        return CFLIGHT_OK;
    }
    status = cfl_parts_copy(&item->next, &item->message, reterr);
    if (status == CFLIGHT_OK && item->plan == CFL_DICTIONARY_DELTA) {
        status = cfl_parts_set_values(&item->message, item->field, values, item->sent.row_count,
                                      values->length - item->sent.row_count, reterr);
    }
    return status;
}

static cflight_status plan_below(struct cfl_dictionaries *dictionaries, size_t *index,
                                 const struct cfl_field *field, const struct ArrowArray *array,
                                 cflight_error **reterr);

static cflight_status plan_field(struct cfl_dictionaries *dictionaries, size_t *index,
                                 const struct cfl_field *field, const struct ArrowArray *array,
                                 cflight_error **reterr)
{
    const struct ArrowArray *values =
        array == NULL || !field->is_dictionary ? array : array->dictionary;
    cflight_status status = plan_below(dictionaries, index, field, values, reterr);

    if (status == CFLIGHT_OK && field->is_dictionary) {
        status = plan_item(dictionaries, &dictionaries->items[(*index)++], values, reterr);
    }
    if (status == CFLIGHT_INVALID_ARGUMENT) {
        (void)cfl_error_prefix(reterr, status, "column \"%.100s\"", field->name);
    }
    return status;
}

/* Mirrors list_below, so that `*index` runs over the items in their order. */
static cflight_status plan_below(struct cfl_dictionaries *dictionaries, size_t *index,
                                 const struct cfl_field *field, const struct ArrowArray *array,
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    if (field->child_count > 0 &&
        (array == NULL || array->n_children != field->child_count || array->children == NULL)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the array does not have the children of its type");
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = plan_field(dictionaries, index, &field->children[i], array->children[i], reterr);
    }
    return status;
}

cflight_status cfl_dictionaries_begin(struct cfl_dictionaries *dictionaries,
                                      const struct cfl_field *root, const struct ArrowArray *batch,
                                      cflight_error **reterr)
{
    size_t index = 0;

    if (dictionaries->count == 0) {
        return CFLIGHT_OK;
    }
    for (size_t i = 0; i < dictionaries->count; i++) {
        dictionaries->items[i].plan = CFL_DICTIONARY_UNCHANGED;
        dictionaries->items[i].is_in_message = false;
    }
    return plan_below(dictionaries, &index, root, batch, reterr);
}

void cfl_dictionaries_end(struct cfl_dictionaries *dictionaries, bool was_sent)
{
    for (size_t i = 0; i < dictionaries->count; i++) {
        struct cfl_dictionary *item = &dictionaries->items[i];
        if (was_sent && item->is_in_message) {
            struct cfl_parts previous = item->sent;
            item->sent = item->next;
            item->next = previous;
            item->was_sent = true;
        }
        item->plan = CFL_DICTIONARY_UNCHANGED;
        item->is_in_message = false;
    }
}
