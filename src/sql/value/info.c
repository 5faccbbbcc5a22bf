/* SPDX-License-Identifier: Apache-2.0 */
/* A set of SqlInfo: values in the order of their codes, a block each. Both their number and their
 * bytes have a bound, since a server may send any. Thread class: one at a time; unchanged: free. */
#include "sql/value/info.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/error.h"
#include "base/search.h"
#include "base/utf8.h"

struct cflight_sql_info {
    struct cflight_sql_info_value **values;
    size_t count;
    size_t capacity;
    size_t used_bytes;
};

cflight_status cflight_sql_info_new(cflight_sql_info **ret_info, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_info));
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_sql_info *info = cfl_alloc_zeroed(NULL, sizeof *info);
    if (info == NULL) {
        return cfl_error_no_memory(reterr);
    }
    *ret_info = info;
    return CFLIGHT_OK;
}

void cflight_sql_info_free(cflight_sql_info *info)
{
    if (info == NULL) {
        return;
    }
    for (size_t i = 0; i < info->count; i++) {
        cfl_block_free(info->values[i]);
    }
    cfl_free_array(NULL, info->values, info->capacity, sizeof(struct cflight_sql_info_value *));
    cfl_free(NULL, info, sizeof *info);
}

static int compare_code(const void *element, const void *key)
{
    uint32_t a = (*(struct cflight_sql_info_value *const *)element)->code;
    uint32_t b = *(const uint32_t *)key;
    return (a > b) - (a < b);
}

bool cfl_sql_info_index(const cflight_sql_info *info, uint32_t code, size_t *ret_index)
{
    return cfl_search(info->values, info->count, sizeof(struct cflight_sql_info_value *), &code,
                      compare_code, ret_index);
}

/* ---- keeping a value ---- */

static void copy_entries(struct cfl_block *block, const struct cflight_sql_info_value *value,
                         struct cflight_sql_info_value *copy)
{
    struct cflight_sql_info_entry *entries =
        cfl_block_array(block, value->entry_count, sizeof *entries);
    for (size_t i = 0; i < value->entry_count; i++) {
        const struct cflight_sql_info_entry *source = &value->entries[i];
        int32_t *numbers = cfl_block_array(block, source->value_count, sizeof *numbers);
        if (numbers != NULL) {
            memcpy(numbers, source->values, source->value_count * sizeof *numbers);
        }
        if (entries != NULL) {
            entries[i] = *source;
            entries[i].values = numbers;
        }
    }
    copy->entries = entries;
    copy->entry_count = value->entry_count;
}

/* Only what belongs to the kind is copied. */
static void copy_value(struct cfl_block *block, const void *source, void *target)
{
    const struct cflight_sql_info_value *value = source;
    struct cflight_sql_info_value *copy = target;
    *copy = (struct cflight_sql_info_value){.code = value->code, .kind = value->kind};
    switch (value->kind) {
    case CFLIGHT_SQL_INFO_KIND_TEXT:
        copy->text = cfl_block_bytes(block, value->text);
        copy->text.data = copy->text.len_bytes == 0 ? (const uint8_t *)"" : copy->text.data;
        break;
    case CFLIGHT_SQL_INFO_KIND_TEXTS:
        copy->texts = cfl_block_bytes_array(block, value->texts, value->text_count);
        copy->text_count = value->text_count;
        break;
    case CFLIGHT_SQL_INFO_KIND_MAP:
        copy_entries(block, value, copy);
        break;
    case CFLIGHT_SQL_INFO_KIND_BOOL:
    case CFLIGHT_SQL_INFO_KIND_INT64:
    case CFLIGHT_SQL_INFO_KIND_INT32:
    default:
        copy->boolean = value->boolean;
        copy->number = value->number;
        break;
    }
}

static cflight_status refuse(uint32_t code, const char *what, cflight_error **reterr)
{
    const char *name = cflight_sql_info_name(code);
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "SqlInfo %" PRIu32 "%s%s: %s", code,
                             name == NULL ? "" : " ", name == NULL ? "" : name, what);
}

static bool is_text(struct cflight_bytes text)
{
    return (text.data != NULL || text.len_bytes == 0) &&
           cfl_utf8_is_valid(text.data, text.len_bytes);
}

static bool is_whole(const struct cflight_sql_info_value *value)
{
    bool is_good = true;
    switch (value->kind) {
    case CFLIGHT_SQL_INFO_KIND_TEXT:
        return is_text(value->text);
    case CFLIGHT_SQL_INFO_KIND_TEXTS:
        is_good = value->texts != NULL || value->text_count == 0;
        for (size_t i = 0; is_good && i < value->text_count; i++) {
            is_good = is_text(value->texts[i]);
        }
        return is_good;
    case CFLIGHT_SQL_INFO_KIND_MAP:
        is_good = value->entries != NULL || value->entry_count == 0;
        for (size_t i = 0; is_good && i < value->entry_count; i++) {
            is_good = value->entries[i].values != NULL || value->entries[i].value_count == 0;
        }
        return is_good;
    case CFLIGHT_SQL_INFO_KIND_INT32:
        return value->number >= INT32_MIN && value->number <= INT32_MAX;
    case CFLIGHT_SQL_INFO_KIND_BOOL:
    case CFLIGHT_SQL_INFO_KIND_INT64:
        return true;
    default:
        return false;
    }
}

/* Puts a block in its place; it is taken in any case. */
static cflight_status put(cflight_sql_info *info, struct cflight_sql_info_value *value,
                          cflight_error **reterr)
{
    size_t index = 0;
    bool is_there = cfl_sql_info_index(info, value->code, &index);
    size_t old_bytes = is_there ? cfl_block_size(info->values[index]) : 0;
    size_t used_bytes = info->used_bytes - old_bytes + cfl_block_size(value);
    cflight_status status = CFLIGHT_OK;
    if (used_bytes > CFLIGHT_SQL_INFO_BYTES_MAX) {
        status =
            cfl_error_set_size_limit(reterr, "SqlInfo", used_bytes, CFLIGHT_SQL_INFO_BYTES_MAX);
    } else if (!is_there && info->count == CFLIGHT_SQL_INFO_CODES_MAX) {
        status = cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                   "SqlInfo of more than %d codes", CFLIGHT_SQL_INFO_CODES_MAX);
    } else if (!cfl_grow_array(NULL, (void **)&info->values, &info->capacity, info->count + 1,
                               sizeof(struct cflight_sql_info_value *))) {
        status = cfl_error_no_memory(reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_block_free(value);
        return status;
    }
    if (is_there) {
        cfl_block_free(info->values[index]);
    } else {
        memmove(&info->values[index + 1], &info->values[index],
                (info->count - index) * sizeof(struct cflight_sql_info_value *));
        info->count++;
    }
    info->values[index] = value;
    info->used_bytes = used_bytes;
    return CFLIGHT_OK;
}

static bool is_number(enum cflight_sql_info_kind kind)
{
    return kind == CFLIGHT_SQL_INFO_KIND_INT32 || kind == CFLIGHT_SQL_INFO_KIND_INT64;
}

cflight_status cfl_sql_info_keep(cflight_sql_info *info, const struct cflight_sql_info_value *value,
                                 cflight_error **reterr)
{
    struct cflight_sql_info_value kept = *value;
    enum cflight_sql_info_kind kind = value->kind;
    bool is_small = value->number >= INT32_MIN && value->number <= INT32_MAX;
    if (cflight_sql_info_kind_of(value->code, &kind) && is_number(kind) && is_number(value->kind) &&
        (is_small || kind == CFLIGHT_SQL_INFO_KIND_INT64)) {
        kept.kind = kind;
    }
    if (!is_whole(&kept)) {
        return refuse(value->code, "not a value of its kind", reterr);
    }
    struct cflight_sql_info_value *copy = cfl_block_copy(NULL, &kept, sizeof kept, copy_value);
    return copy == NULL ? cfl_error_no_memory(reterr) : put(info, copy, reterr);
}

/* ---- the public functions ---- */

cflight_status cflight_sql_info_set(cflight_sql_info *info,
                                    const struct cflight_sql_info_value *value,
                                    cflight_error **reterr)
{
    enum cflight_sql_info_kind kind = CFLIGHT_SQL_INFO_KIND_TEXT;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(info), CFL_ARG(value));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (cflight_sql_info_kind_of(value->code, &kind) && kind != value->kind) {
        if (!is_number(kind) || !is_number(value->kind)) {
            return refuse(value->code, "the standard has a value of another kind", reterr);
        }
        if (kind == CFLIGHT_SQL_INFO_KIND_INT32 &&
            (value->number < INT32_MIN || value->number > INT32_MAX)) {
            return refuse(value->code, "the number is out of the range of int32", reterr);
        }
    }
    return cfl_sql_info_keep(info, value, reterr);
}

cflight_status cflight_sql_info_set_text(cflight_sql_info *info, uint32_t code,
                                         struct cflight_bytes text, cflight_error **reterr)
{
    const struct cflight_sql_info_value value = {
        .code = code, .kind = CFLIGHT_SQL_INFO_KIND_TEXT, .text = text};
    return cflight_sql_info_set(info, &value, reterr);
}

cflight_status cflight_sql_info_set_bool(cflight_sql_info *info, uint32_t code, bool boolean,
                                         cflight_error **reterr)
{
    const struct cflight_sql_info_value value = {
        .code = code, .kind = CFLIGHT_SQL_INFO_KIND_BOOL, .boolean = boolean};
    return cflight_sql_info_set(info, &value, reterr);
}

cflight_status cflight_sql_info_set_number(cflight_sql_info *info, uint32_t code, int64_t number,
                                           cflight_error **reterr)
{
    const struct cflight_sql_info_value value = {
        .code = code, .kind = CFLIGHT_SQL_INFO_KIND_INT64, .number = number};
    return cflight_sql_info_set(info, &value, reterr);
}

cflight_status cflight_sql_info_set_texts(cflight_sql_info *info, uint32_t code,
                                          const struct cflight_bytes *texts, size_t text_count,
                                          cflight_error **reterr)
{
    const struct cflight_sql_info_value value = {.code = code,
                                                 .kind = CFLIGHT_SQL_INFO_KIND_TEXTS,
                                                 .texts = texts,
                                                 .text_count = text_count};
    return cflight_sql_info_set(info, &value, reterr);
}

void cflight_sql_info_remove(cflight_sql_info *info, uint32_t code)
{
    size_t index = 0;
    if (info == NULL || !cfl_sql_info_index(info, code, &index)) {
        return;
    }
    info->used_bytes -= cfl_block_size(info->values[index]);
    cfl_block_free(info->values[index]);
    info->count--;
    memmove(&info->values[index], &info->values[index + 1],
            (info->count - index) * sizeof(struct cflight_sql_info_value *));
}

const struct cflight_sql_info_value *cflight_sql_info_find(const cflight_sql_info *info,
                                                           uint32_t code)
{
    size_t index = 0;
    return info != NULL && cfl_sql_info_index(info, code, &index) ? info->values[index] : NULL;
}

struct cflight_bytes cflight_sql_info_text(const cflight_sql_info *info, uint32_t code)
{
    const struct cflight_sql_info_value *value = cflight_sql_info_find(info, code);
    bool is_there = value != NULL && value->kind == CFLIGHT_SQL_INFO_KIND_TEXT;
    return is_there ? value->text : cflight_bytes_make(NULL, 0);
}

bool cflight_sql_info_bool(const cflight_sql_info *info, uint32_t code, bool otherwise)
{
    const struct cflight_sql_info_value *value = cflight_sql_info_find(info, code);
    bool is_there = value != NULL && value->kind == CFLIGHT_SQL_INFO_KIND_BOOL;
    return is_there ? value->boolean : otherwise;
}

int64_t cflight_sql_info_number(const cflight_sql_info *info, uint32_t code, int64_t otherwise)
{
    const struct cflight_sql_info_value *value = cflight_sql_info_find(info, code);
    return value != NULL && is_number(value->kind) ? value->number : otherwise;
}

size_t cflight_sql_info_count(const cflight_sql_info *info)
{
    return info == NULL ? 0 : info->count;
}

const struct cflight_sql_info_value *cflight_sql_info_at(const cflight_sql_info *info, size_t index)
{
    return info == NULL || index >= info->count ? NULL : info->values[index];
}
