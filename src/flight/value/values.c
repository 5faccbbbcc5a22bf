/* SPDX-License-Identifier: Apache-2.0 */
/* What all value types share: the way from a value to bytes and back.
 *
 *     value -> message (in an arena, borrowing the value's bytes) -> buffer
 *     bytes -> message (in an arena) -> value that borrows from it -> one block
 *
 * Nothing a peer sends is refused here: each type's from_message does that. Thread class: free. */
#include "flight/value/values.h"

#include "base/error.h"
#include "base/utf8.h"

cflight_status cfl_bytes_check(struct cflight_bytes bytes, const char *what, cflight_error **reterr)
{
    if (bytes.data == NULL && bytes.len_bytes > 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s has a length but no bytes",
                                 what);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_text_check(struct cflight_bytes text, const char *what, cflight_error **reterr)
{
    cflight_status status = cfl_bytes_check(text, what, reterr);
    if (status == CFLIGHT_OK && !cfl_utf8_is_valid(text.data, text.len_bytes)) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s is not UTF-8", what);
    }
    return status;
}

cflight_status cfl_received_text_check(struct cflight_bytes text, const char *name,
                                       const char *what, cflight_error **reterr)
{
    if (!cfl_utf8_is_valid(text.data, text.len_bytes)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "Not a valid %s: %s is not UTF-8", name, what);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_value_serialize(const struct cfl_value_type *type,
                                   const struct cflight_allocator *alloc, const void *value,
                                   cflight_buffer **ret_buffer, cflight_error **reterr)
{
    if (value == NULL || ret_buffer == NULL) {
        return cfl_error_null_argument(reterr, value == NULL ? type->name : "ret_buffer");
    }
    struct cfl_arena arena;
    ProtobufCMessage *message = NULL;
    cfl_arena_init(&arena, alloc, SIZE_MAX);
    cflight_status status = type->to_message(&arena, value, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_pb_pack(alloc, message, type->name, ret_buffer, reterr);
    }
    cfl_arena_done(&arena);
    return status;
}

cflight_status cfl_value_parse_counted(const struct cfl_value_type *type,
                                       const struct cflight_allocator *alloc,
                                       struct cflight_bytes bytes, struct cfl_budget *budget,
                                       void **ret_value, cflight_error **reterr)
{
    void *value = NULL;
    struct cfl_arena arena;
    const ProtobufCMessage *message = NULL;
    alignas(max_align_t) uint8_t view[CFL_BLOCK_VALUE_BYTES_MAX];

    cfl_arena_init(&arena, alloc, cfl_pb_memory_limit(bytes.len_bytes));
    arena.is_secret = type->is_secret;
    arena.budget = budget;
    cflight_status status = cfl_bytes_check(bytes, type->name, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    status = cfl_pb_unpack(&arena, type->message_type, type->name, bytes, &message, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    status = type->from_message(&arena, message, view, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    status = cfl_value_copy(type, alloc, view, &value, reterr);

done:
    cfl_arena_done(&arena); /* the value counts from now on, not twice */
    if (status == CFLIGHT_OK && !cfl_budget_take(budget, cfl_block_size(value))) {
        cfl_block_free(value);
        status = cfl_arena_budget_error(budget, type->name, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_value = value;
    }
    return status;
}

cflight_status cfl_value_parse(const struct cfl_value_type *type,
                               const struct cflight_allocator *alloc, struct cflight_bytes bytes,
                               void **ret_value, cflight_error **reterr)
{
    if (ret_value == NULL) {
        return cfl_error_null_argument(reterr, "the place for the result");
    }
    return cfl_value_parse_counted(type, alloc, bytes, NULL, ret_value, reterr);
}

void cfl_value_free_counted(void *value, struct cfl_budget *budget)
{
    cfl_budget_give_back(budget, cfl_block_size(value));
    cfl_block_free(value);
}

cflight_status cfl_value_copy(const struct cfl_value_type *type,
                              const struct cflight_allocator *alloc, const void *value,
                              void **ret_value, cflight_error **reterr)
{
    void *copy = cfl_block_copy(alloc, value, type->value_bytes, type->layout);
    if (copy == NULL) {
        return cfl_error_no_memory(reterr);
    }
    *ret_value = copy;
    return CFLIGHT_OK;
}
