/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionary messages.
 *
 * Every dictionary has a lineage: a number that a replacement changes and a delta keeps, so that
 * two states of one lineage are equal as far as both reach. Memory is accounted per entry and
 * bounded by dictionary_bytes_max. A delta makes a new array of old and new values; batches decoded
 * before keep the old one. Where the layout allows, both share buffers with room to grow: the new
 * values lie behind those that earlier batches can see, so a dictionary of n values that comes in
 * small deltas costs n copies, not n squared. Thread class: one at a time. (Arrow columnar:
 * Dictionary Messages; Message.fbs: DictionaryBatch) */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "ipc/array_build.h"
#include "ipc/array_concat.h"
#include "ipc/dictionary_entry.h"
#include "ipc/structure.h"

/* Field numbers of the table DictionaryBatch. */
enum { DICTIONARY_BATCH_ID = 0, DICTIONARY_BATCH_DATA = 1, DICTIONARY_BATCH_IS_DELTA = 2 };

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static struct cfl_dictionary_weight add_weights(struct cfl_dictionary_weight a,
                                                struct cfl_dictionary_weight b)
{
    return (struct cfl_dictionary_weight){add_saturated(a.len_bytes, b.len_bytes),
                                          add_saturated(a.body_bytes, b.body_bytes)};
}

/* The weight of all with the exchange of one. */
static struct cfl_dictionary_weight total_with(const struct cfl_dictionary_set *dictionaries,
                                               const struct cfl_dictionary_entry *entry,
                                               struct cfl_dictionary_weight weight)
{
    const struct cfl_dictionary_weight others = {
        dictionaries->weight.len_bytes - entry->weight.len_bytes,
        dictionaries->weight.body_bytes - entry->weight.body_bytes,
    };
    return add_weights(others, weight);
}

/* Checks what the dictionaries would weigh: against a limit of their own, and against what they may
 * have unpacked to, since they stay. */
static cflight_status check_weight(const struct cfl_dictionary_set *dictionaries,
                                   const struct cfl_dictionary_entry *entry,
                                   struct cfl_dictionary_weight weight, cflight_error **reterr)
{
    const struct cfl_limits *limits = dictionaries->limits;
    struct cfl_dictionary_weight total = total_with(dictionaries, entry, weight);
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
                                 const struct cfl_decode_env *env,
                                 struct cfl_dictionary_entry *entry, struct ArrowArray *values,
                                 uint64_t lineage, struct cfl_dictionary_weight weight,
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

/* How much the values of an entry may take when its weight becomes `weight`. */
static uint64_t bytes_left(const struct cfl_dictionary_set *dictionaries,
                           const struct cfl_dictionary_entry *entry,
                           struct cfl_dictionary_weight weight)
{
    const struct cfl_limits *limits = dictionaries->limits;
    uint64_t others_bytes = dictionaries->weight.len_bytes - entry->weight.len_bytes;
    uint64_t body_bytes = total_with(dictionaries, entry, weight).body_bytes;
    uint64_t bytes_max = add_saturated(cfl_unpacked_limit(limits, body_bytes), body_bytes);
    bytes_max = bytes_max < limits->dictionary_bytes_max ? bytes_max : limits->dictionary_bytes_max;
    return bytes_max > others_bytes ? bytes_max - others_bytes : 0;
}

static cflight_status append_values(struct cfl_dictionary_set *dictionaries,
                                    const struct cfl_decode_env *env,
                                    struct cfl_dictionary_entry *entry,
                                    const struct ArrowArray *values,
                                    struct cfl_dictionary_weight weight, cflight_error **reterr)
{
    struct cfl_concat_result joined = {0};
    struct cfl_dictionary_weight total = add_weights(entry->weight, weight);
    cflight_status status = check_weight(dictionaries, entry, total, reterr);
    if (status == CFLIGHT_OK) {
        const struct cfl_concat_limits limits = {bytes_left(dictionaries, entry, total),
                                                 env->budget};
        status = cfl_array_concat(env->alloc, env->pool, entry->field, &entry->values,
                                  entry->has_room, values, &limits, &joined, reterr);
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
                                  struct cfl_dictionary_entry *entry, bool is_delta,
                                  cflight_error **reterr)
{
    struct cfl_fb_table data = cfl_dictionary_record_batch(message);
    struct ArrowArray values = {0};
    struct cfl_dictionary_weight weight = {.body_bytes = body.bytes.len_bytes};
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

/* The entry of a message, when it may come now. */
static cflight_status find_entry(struct cfl_dictionary_set *dictionaries,
                                 const struct cfl_message *message, int64_t id,
                                 struct cfl_dictionary_entry **ret_entry, cflight_error **reterr)
{
    bool is_delta = cfl_fb_bool(&message->header, DICTIONARY_BATCH_IS_DELTA);
    cflight_status status = cfl_message_check(&message->fb, "dictionary message", reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_dictionary_entry *entry = cfl_dictionary_set_entry(dictionaries, id);
    if (entry == NULL) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "dictionary %" PRId64 " belongs to no field of the schema", id);
    }
    if (is_delta && !entry->is_seen) {
        return cflight_error_set(
            reterr, CFLIGHT_DATA_LOSS,
            "a delta came for dictionary %" PRId64 ", which has not come itself", id);
    }
    *ret_entry = entry;
    return CFLIGHT_OK;
}

static void note_change(struct cfl_dictionary_entry *entry, const struct cfl_message *message,
                        struct cfl_dictionary_change *ret_change)
{
    ret_change->is_delta = cfl_fb_bool(&message->header, DICTIONARY_BATCH_IS_DELTA);
    ret_change->is_replacement = !ret_change->is_delta && entry->is_seen;
    entry->is_seen = true;
}

cflight_status cfl_dictionary_set_feed(struct cfl_dictionary_set *dictionaries,
                                       const struct cfl_decode_env *env,
                                       const struct cfl_message *message, struct cfl_body_view body,
                                       struct cfl_dictionary_change *ret_change,
                                       cflight_error **reterr)
{
    struct cfl_dictionary_entry *entry = NULL;
    int64_t id = cfl_fb_i64(&message->header, DICTIONARY_BATCH_ID, 0);
    bool is_delta = cfl_fb_bool(&message->header, DICTIONARY_BATCH_IS_DELTA);
    cflight_status status = find_entry(dictionaries, message, id, &entry, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (entry->is_included) {
        status = take_values(dictionaries, env, message, body, entry, is_delta, reterr);
        if (status != CFLIGHT_OK) {
            return cfl_error_prefix(reterr, status, "dictionary %" PRId64, id);
        }
    }
    note_change(entry, message, ret_change);
    return CFLIGHT_OK;
}

struct cfl_fb_table cfl_dictionary_record_batch(const struct cfl_message *message)
{
    return cfl_fb_table_field(&message->header, DICTIONARY_BATCH_DATA);
}

cflight_status cfl_dictionary_set_check(struct cfl_dictionary_set *dictionaries,
                                        const struct cfl_decode_env *env,
                                        const struct cfl_message *message,
                                        struct cfl_body_view body,
                                        struct cfl_dictionary_change *ret_change,
                                        cflight_error **reterr)
{
    struct cfl_dictionary_entry *entry = NULL;
    int64_t id = cfl_fb_i64(&message->header, DICTIONARY_BATCH_ID, 0);
    struct cfl_fb_table data = cfl_dictionary_record_batch(message);
    cflight_status status = find_entry(dictionaries, message, id, &entry, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_structure_check_values(env, message, &data, body, entry->field, reterr);
    if (status != CFLIGHT_OK) {
        return cfl_error_prefix(reterr, status, "dictionary %" PRId64, id);
    }
    note_change(entry, message, ret_change);
    return CFLIGHT_OK;
}
