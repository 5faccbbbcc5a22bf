/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionaries of a stream: which there are, and what each holds.
 *
 * Entries are sorted by id and made once from the schema, so a message can neither invent an id nor
 * grow the set. dictionary_feed.c fills them. Owner: of one handle on the values per id. Thread
 * class: one at a time; find is free between feeds. (Arrow columnar: Dictionary Messages) */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/array_build.h"
#include "ipc/dictionary_entry.h"

/* Tells whether one array serves as the values of both fields. */
static bool same_values(const struct cfl_field *a, const struct cfl_field *b)
{
    if (!cfl_type_has_same_values(&a->type, &b->type) || a->child_count != b->child_count) {
        return false;
    }
    for (int64_t i = 0; i < a->child_count; i++) {
        const struct cfl_field *child_a = &a->children[i];
        const struct cfl_field *child_b = &b->children[i];
        if (child_a->is_dictionary != child_b->is_dictionary || !same_values(child_a, child_b)) {
            return false;
        }
        if (child_a->is_dictionary &&
            (child_a->dictionary_id != child_b->dictionary_id ||
             !cfl_type_has_same_values(&child_a->index_type, &child_b->index_type))) {
            return false;
        }
    }
    return true;
}

static cflight_status collect(struct cfl_dictionary_set *dictionaries,
                              const struct cfl_field *field, bool is_included,
                              cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (field->is_dictionary) {
        void *entries = dictionaries->entries;
        if (dictionaries->count == dictionaries->limits->dictionaries_max) {
            return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                     "the schema has more than %" PRIu32 " dictionaries",
                                     dictionaries->limits->dictionaries_max);
        }
        if (!cfl_grow_array(dictionaries->alloc, &entries, &dictionaries->capacity,
                            dictionaries->count + 1, sizeof *dictionaries->entries)) {
            return cfl_error_no_memory(reterr);
        }
        dictionaries->entries = entries;
        struct cfl_dictionary_entry entry = {
            .id = field->dictionary_id, .field = field, .is_included = is_included};
        dictionaries->entries[dictionaries->count++] = entry;
    }
    for (int64_t i = 0; status == CFLIGHT_OK && i < field->child_count; i++) {
        status = collect(dictionaries, &field->children[i], is_included, reterr);
    }
    return status;
}

static cflight_status collect_columns(struct cfl_dictionary_set *dictionaries,
                                      const struct cfl_schema *schema, const int32_t *included,
                                      size_t included_count, cflight_error **reterr)
{
    const struct cfl_field *root = cfl_schema_root(schema);
    cflight_status status = CFLIGHT_OK;
    size_t kept = 0;
    for (int64_t i = 0; status == CFLIGHT_OK && i < root->child_count; i++) {
        bool is_kept = included == NULL || (kept < included_count && included[kept] == i);
        kept += is_kept ? 1 : 0;
        status = collect(dictionaries, &root->children[i], is_kept, reterr);
    }
    return status;
}

static int compare_entries(const void *a, const void *b)
{
    int64_t id_a = ((const struct cfl_dictionary_entry *)a)->id;
    int64_t id_b = ((const struct cfl_dictionary_entry *)b)->id;
    return (id_a > id_b) - (id_a < id_b);
}

/* Sorts and joins the entries that share an id. */
static cflight_status join_shared(struct cfl_dictionary_set *dictionaries, cflight_error **reterr)
{
    struct cfl_dictionary_entry *entries = dictionaries->entries;
    size_t joined = 0;
    if (dictionaries->count == 0) {
        return CFLIGHT_OK;
    }
    qsort(entries, dictionaries->count, sizeof *entries, compare_entries);
    for (size_t i = 1; i < dictionaries->count; i++) {
        if (entries[i].id != entries[joined].id) {
            entries[++joined] = entries[i];
            continue;
        }
        if (!same_values(entries[i].field, entries[joined].field)) {
            return cflight_error_set(
                reterr, CFLIGHT_DATA_LOSS,
                "fields '%s' and '%s' share dictionary %" PRId64 " but have different value types",
                entries[joined].field->name, entries[i].field->name, entries[i].id);
        }
        entries[joined].is_included = entries[joined].is_included || entries[i].is_included;
    }
    dictionaries->count = joined + 1;
    return CFLIGHT_OK;
}

cflight_status cfl_dictionary_set_new(const struct cflight_allocator *alloc,
                                      const struct cfl_limits *limits,
                                      const struct cfl_schema *schema, const int32_t *included,
                                      size_t included_count,
                                      struct cfl_dictionary_set **ret_dictionaries,
                                      cflight_error **reterr)
{
    struct cfl_dictionary_set *dictionaries = cfl_alloc_zeroed(alloc, sizeof *dictionaries);
    if (dictionaries == NULL) {
        return cfl_error_no_memory(reterr);
    }
    dictionaries->alloc = alloc;
    dictionaries->limits = limits;
    cflight_status status = collect_columns(dictionaries, schema, included, included_count, reterr);
    if (status == CFLIGHT_OK) {
        status = join_shared(dictionaries, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_dictionary_set_free(dictionaries);
        return status;
    }
    *ret_dictionaries = dictionaries;
    return CFLIGHT_OK;
}

size_t cfl_dictionary_set_count(const struct cfl_dictionary_set *dictionaries)
{
    return dictionaries->count;
}

void cfl_dictionary_set_clear(struct cfl_dictionary_set *dictionaries)
{
    for (size_t i = 0; i < dictionaries->count; i++) {
        struct cfl_dictionary_entry *entry = &dictionaries->entries[i];
        cfl_array_drop(&entry->values);
        entry->is_seen = false;
        entry->has_room = false;
        entry->weight = (struct cfl_dictionary_weight){0};
    }
    cfl_budget_give_back(dictionaries->budget, dictionaries->weight.len_bytes);
    dictionaries->weight = (struct cfl_dictionary_weight){0};
}

void cfl_dictionary_set_free(struct cfl_dictionary_set *dictionaries)
{
    if (dictionaries == NULL) {
        return;
    }
    cfl_dictionary_set_clear(dictionaries);
    cfl_free_array(dictionaries->alloc, dictionaries->entries, dictionaries->capacity,
                   sizeof *dictionaries->entries);
    cfl_free(dictionaries->alloc, dictionaries, sizeof *dictionaries);
}

struct cfl_dictionary_entry *cfl_dictionary_set_entry(const struct cfl_dictionary_set *dictionaries,
                                                      int64_t id)
{
    struct cfl_dictionary_entry key = {.id = id};
    if (dictionaries->count == 0) {
        return NULL;
    }
    return bsearch(&key, dictionaries->entries, dictionaries->count, sizeof key, compare_entries);
}

bool cfl_dictionary_set_has(const struct cfl_dictionary_set *dictionaries, int64_t id)
{
    const struct cfl_dictionary_entry *entry = cfl_dictionary_set_entry(dictionaries, id);
    return entry != NULL && entry->is_seen;
}

const struct ArrowArray *cfl_dictionary_set_find(const struct cfl_dictionary_set *dictionaries,
                                                 int64_t id)
{
    const struct cfl_dictionary_entry *entry = cfl_dictionary_set_entry(dictionaries, id);
    return entry == NULL || entry->values.release == NULL ? NULL : &entry->values;
}
