/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionaries of a stream.
 *
 * Entries are sorted by id and made once from the schema, so a message can neither invent an id nor
 * grow the set. Every dictionary has a lineage: a number that a replacement changes and a delta
 * keeps, so that two states of one lineage are equal as far as both reach. Memory is accounted per
 * entry and bounded by dictionary_bytes_max. A delta makes a new array of old and new values;
 * batches decoded before keep the old one. Where the layout allows, both share buffers with room
 * to grow: the new values lie behind those that earlier batches can see, so a dictionary of n
 * values that comes in small deltas costs n copies, not n squared. Owner: of one handle on the
 * values per id. Thread class: one at a time; find is free between feeds. (Arrow columnar:
 * Dictionary Messages; Message.fbs: DictionaryBatch) */
#include "ipc/dictionary_set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/array_build.h"
#include "ipc/array_concat.h"

/* Field numbers of the table DictionaryBatch. */
enum { DICTIONARY_BATCH_ID = 0, DICTIONARY_BATCH_DATA = 1, DICTIONARY_BATCH_IS_DELTA = 2 };

/* What a dictionary weighs. */
struct weight {
    uint64_t len_bytes;  /* memory that the values keep alive */
    uint64_t body_bytes; /* of the messages that brought them */
};

struct entry {
    int64_t id;
    const struct cfl_field *field; /* one of those with the id; all have the same value type */
    bool is_included;
    bool is_seen;
    struct ArrowArray values; /* released until the first message, and always when not included */
    struct weight weight;
    bool has_room; /* the values may be appended to in place */
};

struct cfl_dictionary_set {
    const struct cflight_allocator *alloc;
    const struct cfl_limits *limits;
    struct cfl_budget *budget; /* that the weight was taken from */
    struct entry *entries;
    size_t count;
    size_t capacity;
    struct weight weight; /* of all */
    uint64_t last_lineage;
};

static bool same_type(const struct cfl_type *a, const struct cfl_type *b)
{
    return a->id == b->id && a->layout == b->layout && a->width_bytes == b->width_bytes &&
           a->bit_width == b->bit_width && a->is_signed == b->is_signed && a->unit == b->unit &&
           a->precision == b->precision && a->scale == b->scale && a->list_size == b->list_size &&
           a->union_id_count == b->union_id_count &&
           (a->union_id_count == 0 ||
            memcmp(a->union_ids, b->union_ids, (size_t)a->union_id_count) == 0);
}

/* Tells whether one array serves as the values of both fields. */
static bool same_values(const struct cfl_field *a, const struct cfl_field *b)
{
    if (!same_type(&a->type, &b->type) || a->child_count != b->child_count) {
        return false;
    }
    for (int64_t i = 0; i < a->child_count; i++) {
        const struct cfl_field *child_a = &a->children[i];
        const struct cfl_field *child_b = &b->children[i];
        if (child_a->is_dictionary != child_b->is_dictionary || !same_values(child_a, child_b)) {
            return false;
        }
        if (child_a->is_dictionary && (child_a->dictionary_id != child_b->dictionary_id ||
                                       !same_type(&child_a->index_type, &child_b->index_type))) {
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
        struct entry entry = {
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
    int64_t id_a = ((const struct entry *)a)->id;
    int64_t id_b = ((const struct entry *)b)->id;
    return (id_a > id_b) - (id_a < id_b);
}

/* Sorts and joins the entries that share an id. */
static cflight_status join_shared(struct cfl_dictionary_set *dictionaries, cflight_error **reterr)
{
    struct entry *entries = dictionaries->entries;
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

void cfl_dictionary_set_clear(struct cfl_dictionary_set *dictionaries)
{
    for (size_t i = 0; i < dictionaries->count; i++) {
        struct entry *entry = &dictionaries->entries[i];
        cfl_array_drop(&entry->values);
        entry->is_seen = false;
        entry->has_room = false;
        entry->weight = (struct weight){0};
    }
    cfl_budget_give_back(dictionaries->budget, dictionaries->weight.len_bytes);
    dictionaries->weight = (struct weight){0};
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

static struct entry *find_entry(const struct cfl_dictionary_set *dictionaries, int64_t id)
{
    struct entry key = {.id = id};
    if (dictionaries->count == 0) {
        return NULL;
    }
    return bsearch(&key, dictionaries->entries, dictionaries->count, sizeof key, compare_entries);
}

const struct ArrowArray *cfl_dictionary_set_find(const struct cfl_dictionary_set *dictionaries,
                                                 int64_t id)
{
    const struct entry *entry = find_entry(dictionaries, id);
    return entry == NULL || entry->values.release == NULL ? NULL : &entry->values;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static struct weight add_weights(struct weight a, struct weight b)
{
    return (struct weight){add_saturated(a.len_bytes, b.len_bytes),
                           add_saturated(a.body_bytes, b.body_bytes)};
}

/* The weight of all with the exchange of one. */
static struct weight total_with(const struct cfl_dictionary_set *dictionaries,
                                const struct entry *entry, struct weight weight)
{
    const struct weight others = {
        dictionaries->weight.len_bytes - entry->weight.len_bytes,
        dictionaries->weight.body_bytes - entry->weight.body_bytes,
    };
    return add_weights(others, weight);
}

/* Checks what the dictionaries would weigh: against a limit of their own, and against what they may
 * have unpacked to, since they stay. */
static cflight_status check_weight(const struct cfl_dictionary_set *dictionaries,
                                   const struct entry *entry, struct weight weight,
                                   cflight_error **reterr)
{
    const struct cfl_limits *limits = dictionaries->limits;
    struct weight total = total_with(dictionaries, entry, weight);
    if (total.len_bytes > limits->dictionary_bytes_max) {
        return cfl_error_set_size_limit(
            reterr, "the memory of all dictionaries (read option dictionary_bytes_max)",
            total.len_bytes, limits->dictionary_bytes_max);
    }
    uint64_t unpacked_max = cfl_unpacked_limit(limits, total.body_bytes);
    if (total.len_bytes > add_saturated(unpacked_max, total.body_bytes)) {
        return cfl_error_set_size_limit(
            reterr, "the memory of all unpacked dictionaries (read option unpacked_bytes_max)",
            total.len_bytes, unpacked_max);
    }
    return CFLIGHT_OK;
}

/* Makes `values` the content of the entry. Old and new are there together for a moment. */
static cflight_status set_values(struct cfl_dictionary_set *dictionaries,
                                 const struct cfl_decode_env *env, struct entry *entry,
                                 struct ArrowArray *values, uint64_t lineage, struct weight weight,
                                 cflight_error **reterr)
{
    cflight_status status = check_weight(dictionaries, entry, weight, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    dictionaries->budget = env->budget;
    if (!cfl_budget_take(dictionaries->budget, weight.len_bytes)) {
        return cfl_decode_over_budget(dictionaries->budget, weight.len_bytes, reterr);
    }
    cfl_budget_give_back(dictionaries->budget, entry->weight.len_bytes);
    cfl_array_drop(&entry->values);
    cfl_array_set_lineage(values, lineage);
    entry->values = *values;
    entry->has_room = false;
    memset(values, 0, sizeof *values);
    dictionaries->weight = total_with(dictionaries, entry, weight);
    entry->weight = weight;
    return CFLIGHT_OK;
}

static cflight_status append_values(struct cfl_dictionary_set *dictionaries,
                                    const struct cfl_decode_env *env, struct entry *entry,
                                    const struct ArrowArray *values, struct weight weight,
                                    cflight_error **reterr)
{
    struct cfl_concat_result joined = {0};
    struct weight total = add_weights(entry->weight, weight);
    cflight_status status = check_weight(dictionaries, entry, total, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_array_concat(env->alloc, env->pool, entry->field, &entry->values,
                                  entry->has_room, values, &joined, reterr);
    }
    if (status == CFLIGHT_OK) {
        /* Without room the result may share memory of both (the data of views). */
        bool is_more = joined.has_room || joined.len_bytes > total.len_bytes;
        total.len_bytes = is_more ? joined.len_bytes : total.len_bytes;
        status = set_values(dictionaries, env, entry, &joined.array,
                            cfl_array_lineage(&entry->values), total, reterr);
    }
    if (status == CFLIGHT_OK) {
        entry->has_room = joined.has_room;
    }
    cfl_array_drop(&joined.array);
    return status;
}

static cflight_status take_values(struct cfl_dictionary_set *dictionaries,
                                  const struct cfl_decode_env *env,
                                  const struct cfl_message *message, struct cfl_body_view body,
                                  struct entry *entry, bool is_delta, cflight_error **reterr)
{
    struct cfl_fb_table data = cfl_fb_table_field(&message->header, DICTIONARY_BATCH_DATA);
    struct ArrowArray values = {0};
    struct weight weight = {.body_bytes = body.bytes.len_bytes};
    cflight_status status = cfl_decode_values(env, message, &data, body, entry->field, &values,
                                              &weight.len_bytes, reterr);
    if (status == CFLIGHT_OK && is_delta) {
        status = append_values(dictionaries, env, entry, &values, weight, reterr);
    } else if (status == CFLIGHT_OK) {
        status = set_values(dictionaries, env, entry, &values, ++dictionaries->last_lineage, weight,
                            reterr);
    }
    cfl_array_drop(&values);
    return status;
}

cflight_status cfl_dictionary_set_feed(struct cfl_dictionary_set *dictionaries,
                                       const struct cfl_decode_env *env,
                                       const struct cfl_message *message, struct cfl_body_view body,
                                       struct cfl_dictionary_change *ret_change,
                                       cflight_error **reterr)
{
    int64_t id = cfl_fb_i64(&message->header, DICTIONARY_BATCH_ID, 0);
    bool is_delta = cfl_fb_bool(&message->header, DICTIONARY_BATCH_IS_DELTA);
    cflight_status status = cfl_message_check(&message->fb, "dictionary message", reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct entry *entry = find_entry(dictionaries, id);
    if (entry == NULL) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "dictionary %" PRId64 " belongs to no field of the schema", id);
    }
    if (is_delta && !entry->is_seen) {
        return cflight_error_set(
            reterr, CFLIGHT_DATA_LOSS,
            "a delta came for dictionary %" PRId64 ", which has not come itself", id);
    }
    if (entry->is_included) {
        status = take_values(dictionaries, env, message, body, entry, is_delta, reterr);
        if (status != CFLIGHT_OK) {
            return cfl_error_prefix(reterr, status, "dictionary %" PRId64, id);
        }
    }
    ret_change->is_delta = is_delta;
    ret_change->is_replacement = !is_delta && entry->is_seen;
    entry->is_seen = true;
    return CFLIGHT_OK;
}
