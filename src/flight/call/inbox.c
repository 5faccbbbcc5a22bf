/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that wait to be taken.
 *
 * `records` is a run of {u32 length, u32 credit, bytes}; a length of LARGE_MARK says that the next
 * entry of the list of large messages comes here. Taken records are dropped when they are all of
 * the run, or half of one that is long, so that appending stays linear and a burst is not moved.
 * Owner: a call, under its connection's lock. */
#include "flight/call/inbox.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/pieces.h"

enum {
    LARGE_BYTES_MIN = 16 << 10, /* smaller messages are copied */
    RECORD_HEADER_BYTES = 8,
    /* Messages without a single byte are the only ones that flow control does not hold back. */
    WAITING_MESSAGES_MAX = 1 << 20,
    TAKEN_BYTES_MIN = 32 << 10, /* less is not worth moving what follows */
};

#define LARGE_MARK UINT32_MAX

struct large_message {
    struct cfl_list node;
    struct cfl_flight_data data;
    cflight_buffer *raw; /* instead of the above: not FlightData */
    uint64_t credit_bytes;
    uint64_t len_bytes; /* of the whole message */
};

void cfl_inbox_init(struct cfl_inbox *inbox, const struct cflight_allocator *alloc,
                    struct cfl_pool *pool, struct cfl_budget *budget,
                    const struct cfl_limits *limits, const struct cfl_method *method,
                    bool is_server)
{
    memset(inbox, 0, sizeof *inbox);
    inbox->alloc = alloc;
    inbox->pool = pool;
    inbox->budget = budget;
    inbox->message_bytes_max =
        method->id == CFLIGHT_METHOD_HANDSHAKE ? limits->handshake_piece_bytes_max : UINT64_MAX;
    inbox->is_flight_data =
        is_server ? method->request_is_flight_data : method->response_is_flight_data;
    cfl_flight_data_parser_init(&inbox->parser, alloc, pool, limits);
    cfl_buf_init(&inbox->records, alloc);
    cfl_list_init(&inbox->large);
}

bool cfl_inbox_move(struct cfl_inbox *inbox, struct cfl_budget *budget)
{
    /* Given back first: the shares may be parts of one whole, which counts it once. */
    cfl_budget_give_back(inbox->budget, inbox->held_bytes);
    if (cfl_budget_take(budget, inbox->held_bytes)) {
        inbox->budget = budget;
        return true;
    }
    if (!cfl_budget_take(inbox->budget, inbox->held_bytes)) {
        inbox->budget =
            NULL; /* another was quicker: what is held counts nowhere until it is taken */
    }
    return false;
}

static void free_large(const struct cflight_allocator *alloc, struct large_message *large)
{
    cfl_flight_data_done(&large->data);
    cflight_buffer_unref(large->raw);
    cfl_free(alloc, large, sizeof *large);
}

static void give_back(struct cfl_inbox *inbox, uint64_t len_bytes)
{
    inbox->held_bytes -= len_bytes;
    cfl_budget_give_back(inbox->budget, len_bytes);
}

void cfl_inbox_done(struct cfl_inbox *inbox)
{
    struct cfl_list *node = NULL;
    give_back(inbox, inbox->held_bytes);
    while ((node = cfl_list_take_first(&inbox->large)) != NULL) {
        free_large(inbox->alloc, CFL_LIST_ENTRY(node, struct large_message, node));
    }
    cfl_flight_data_parser_done(&inbox->parser);
    cflight_buffer_unref(inbox->raw);
    inbox->raw = NULL;
    cfl_buf_done(&inbox->records);
    inbox->records_offset = 0;
    inbox->message_count = 0;
}

static bool is_large(const struct cfl_inbox *inbox)
{
    return inbox->current_record == SIZE_MAX;
}

/* Memory that the peer only announced costs nothing before its bytes are there: fresh pages are
 * empty until they are written to. */
static cflight_status begin_large(struct cfl_inbox *inbox, uint32_t len_bytes,
                                  cflight_error **reterr)
{
    inbox->current_record = SIZE_MAX;
    if (inbox->is_flight_data) {
        cfl_flight_data_parser_begin(&inbox->parser, len_bytes);
        return CFLIGHT_OK;
    }
    inbox->raw_bytes = 0;
    inbox->raw = cfl_body_new(inbox->pool, inbox->alloc, len_bytes);
    return inbox->raw == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

cflight_status cfl_inbox_begin(struct cfl_inbox *inbox, uint32_t len_bytes, cflight_error **reterr)
{
    if (len_bytes > inbox->message_bytes_max) {
        return cfl_error_set_size_limit(reterr, "message", len_bytes, inbox->message_bytes_max);
    }
    if (inbox->message_count >= WAITING_MESSAGES_MAX) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                 "%d messages wait unread, which is the limit",
                                 WAITING_MESSAGES_MAX);
    }
    inbox->is_receiving = true;
    inbox->current_len_bytes = len_bytes;
    inbox->credit_bytes = 0;
    if (len_bytes >= LARGE_BYTES_MIN) {
        return begin_large(inbox, len_bytes, reterr);
    }
    inbox->current_record = cfl_buf_reserve(&inbox->records, RECORD_HEADER_BYTES);
    if (inbox->records.failed) {
        return cfl_error_no_memory(reterr);
    }
    return CFLIGHT_OK;
}

void cfl_inbox_place(const struct cfl_inbox *inbox, uint8_t **ret_target, size_t *ret_len_bytes,
                     size_t *ret_hint_bytes)
{
    *ret_target = NULL;
    *ret_hint_bytes = 0;
    if (!inbox->is_receiving || !is_large(inbox)) {
        return;
    }
    if (inbox->is_flight_data) {
        cfl_flight_data_parser_place(&inbox->parser, ret_target, ret_len_bytes, ret_hint_bytes);
        return;
    }
    *ret_target = cfl_body_data(inbox->raw) + inbox->raw_bytes;
    *ret_len_bytes = inbox->current_len_bytes - inbox->raw_bytes;
}

/* Appends to the raw message, unless the bytes are where they belong already. */
static void feed_raw(struct cfl_inbox *inbox, const uint8_t *data, size_t len_bytes)
{
    uint8_t *target = cfl_body_data(inbox->raw) + inbox->raw_bytes;
    assert(len_bytes <= inbox->current_len_bytes - inbox->raw_bytes);
    if (target != data) {
        memcpy(target, data, len_bytes);
    }
    inbox->raw_bytes += (uint32_t)len_bytes;
}

static cflight_status take_budget(struct cfl_inbox *inbox, uint64_t len_bytes,
                                  cflight_error **reterr)
{
    if (!cfl_budget_take(inbox->budget, len_bytes)) {
        return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE,
                                 "calls that wait unread may hold %" PRIu64
                                 " bytes together, those of one connection %" PRIu64
                                 ", which are in use; try again later",
                                 cfl_budget_whole(inbox->budget)->max_bytes,
                                 inbox->budget->max_bytes);
    }
    inbox->held_bytes += len_bytes;
    return CFLIGHT_OK;
}

cflight_status cfl_inbox_lend(struct cfl_inbox *inbox, uint64_t len_bytes, cflight_error **reterr)
{
    cflight_status status = take_budget(inbox, len_bytes, reterr);
    inbox->lent_bytes += status == CFLIGHT_OK ? len_bytes : 0;
    return status;
}

void cfl_inbox_return_lent(struct cfl_inbox *inbox)
{
    give_back(inbox, inbox->lent_bytes);
    inbox->lent_bytes = 0;
}

cflight_status cfl_inbox_feed(struct cfl_inbox *inbox, const uint8_t *data, size_t len_bytes,
                              cflight_error **reterr)
{
    cflight_status status = take_budget(inbox, len_bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    inbox->credit_bytes += len_bytes;
    inbox->received_bytes += len_bytes;
    if (is_large(inbox) && inbox->is_flight_data) {
        return cfl_flight_data_parser_feed(&inbox->parser, data, len_bytes, reterr);
    }
    if (is_large(inbox)) {
        feed_raw(inbox, data, len_bytes);
        return CFLIGHT_OK;
    }
    if (!cfl_buf_append(&inbox->records, data, len_bytes)) {
        return cfl_error_no_memory(reterr);
    }
    return CFLIGHT_OK;
}

/* A body in shared memory counts as one that was received. */
static cflight_status claim(struct cfl_inbox *inbox, struct large_message *large,
                            cflight_error **reterr)
{
    uint64_t len_bytes = large->data.share_name.len_bytes;
    if (!large->data.has_share_name) {
        return CFLIGHT_OK;
    }
    if (inbox->shared_bytes_max > 0 && len_bytes > inbox->shared_bytes_max) {
        return cfl_error_set_size_limit(reterr, "a message in shared memory", len_bytes,
                                        inbox->shared_bytes_max);
    }
    cflight_status status = take_budget(inbox, len_bytes, reterr);
    if (status == CFLIGHT_OK) {
        large->len_bytes += len_bytes;
        status = cfl_flight_data_claim(&large->data, inbox->shares, reterr);
    }
    return status;
}

/* A small message that names shared memory: it is taken apart now, since what it names must not
 * wait for somebody to take the message. */
static cflight_status parse_record(struct cfl_inbox *inbox, struct large_message *large,
                                   cflight_error **reterr)
{
    struct cflight_bytes bytes =
        cflight_bytes_make(inbox->records.data + inbox->current_record + RECORD_HEADER_BYTES,
                           inbox->current_len_bytes);
    cflight_status status =
        cfl_flight_data_parse(inbox->alloc, inbox->pool, bytes, &large->data, reterr);
    inbox->records.len_bytes = inbox->current_record;
    return status;
}

static cflight_status end_large(struct cfl_inbox *inbox, cflight_error **reterr)
{
    struct large_message *large = cfl_alloc_zeroed(inbox->alloc, sizeof *large);
    if (large == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = CFLIGHT_OK;
    if (!is_large(inbox)) {
        status = parse_record(inbox, large, reterr);
    } else if (inbox->is_flight_data) {
        status = cfl_flight_data_parser_end(&inbox->parser, &large->data, reterr);
    } else {
        large->raw = inbox->raw;
        inbox->raw = NULL;
    }
    large->credit_bytes = inbox->credit_bytes;
    large->len_bytes = inbox->current_len_bytes;
    if (status == CFLIGHT_OK) {
        status = claim(inbox, large, reterr);
    }
    if (status != CFLIGHT_OK) {
        free_large(inbox->alloc, large);
        return status;
    }
    size_t record = cfl_buf_reserve(&inbox->records, RECORD_HEADER_BYTES);
    if (record == SIZE_MAX) {
        free_large(inbox->alloc, large);
        return cfl_error_no_memory(reterr);
    }
    cfl_buf_put_u32le(&inbox->records, record, LARGE_MARK);
    cfl_list_append(&inbox->large, &large->node);
    return CFLIGHT_OK;
}

/* Whether the message that arrived names memory that the peer passed. */
static bool is_shared(const struct cfl_inbox *inbox)
{
    return inbox->shares != NULL && inbox->is_flight_data && !is_large(inbox) &&
           cfl_flight_data_names_share(
               cflight_bytes_make(inbox->records.data + inbox->current_record + RECORD_HEADER_BYTES,
                                  inbox->current_len_bytes));
}

cflight_status cfl_inbox_end(struct cfl_inbox *inbox, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    inbox->is_receiving = false;
    inbox->received_count++;
    if (is_large(inbox) || is_shared(inbox)) {
        status = end_large(inbox, reterr);
    } else {
        cfl_buf_put_u32le(&inbox->records, inbox->current_record, inbox->current_len_bytes);
        cfl_buf_put_u32le(&inbox->records, inbox->current_record + 4,
                          (uint32_t)inbox->credit_bytes);
    }
    inbox->credit_bytes = 0;
    if (status == CFLIGHT_OK) {
        inbox->message_count++;
    }
    return status;
}

uint64_t cfl_inbox_take_credit(struct cfl_inbox *inbox)
{
    uint64_t credit_bytes = inbox->credit_bytes;
    inbox->credit_bytes = 0;
    return credit_bytes;
}

static void drop_taken(struct cfl_inbox *inbox)
{
    size_t taken_bytes = inbox->records_offset;
    size_t left_bytes = inbox->records.len_bytes - taken_bytes;
    if (left_bytes > 0 && (taken_bytes < TAKEN_BYTES_MIN || taken_bytes < left_bytes)) {
        return;
    }
    cfl_buf_drop_front(&inbox->records, taken_bytes);
    if (inbox->is_receiving && !is_large(inbox)) {
        inbox->current_record -= taken_bytes;
    }
    inbox->records_offset = 0;
}

static cflight_status take_small(struct cfl_inbox *inbox, struct cflight_bytes bytes,
                                 struct cfl_message *message, cflight_error **reterr)
{
    if (inbox->is_flight_data) {
        cflight_status status =
            cfl_flight_data_parse(inbox->alloc, inbox->pool, bytes, &message->data, reterr);
        return status == CFLIGHT_OK ? cfl_flight_data_map(&message->data, inbox->alloc, reterr)
                                    : status;
    }
    message->raw = cfl_body_new(NULL, inbox->alloc, bytes.len_bytes);
    if (message->raw == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (bytes.len_bytes > 0) {
        memcpy(cfl_body_data(message->raw), bytes.data, bytes.len_bytes);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_inbox_take(struct cfl_inbox *inbox, struct cfl_message *ret_message,
                              cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    struct cfl_message message = {0};
    struct cfl_cursor cursor = cfl_cursor_make(cfl_buf_bytes(&inbox->records));
    uint32_t len_bytes = 0;
    uint32_t credit_bytes = 0;
    struct cflight_bytes bytes = {NULL, 0};

    cursor.offset = inbox->records_offset;
    (void)cfl_cursor_u32le(&cursor, &len_bytes);
    (void)cfl_cursor_u32le(&cursor, &credit_bytes);
    if (len_bytes == LARGE_MARK) {
        struct cfl_list *node = cfl_list_take_first(&inbox->large);
        struct large_message *large = CFL_LIST_ENTRY(node, struct large_message, node);
        message.data = large->data;
        message.raw = large->raw;
        message.credit_bytes = large->credit_bytes;
        give_back(inbox, large->len_bytes);
        cfl_free(inbox->alloc, large, sizeof *large);
        status = cfl_flight_data_map(&message.data, inbox->alloc, reterr);
    } else {
        (void)cfl_cursor_bytes(&cursor, len_bytes, &bytes);
        message.credit_bytes = credit_bytes;
        give_back(inbox, len_bytes);
        status = take_small(inbox, bytes, &message, reterr);
    }
    inbox->records_offset = cursor.offset;
    inbox->message_count--;
    drop_taken(inbox);
    if (status == CFLIGHT_OK) {
        *ret_message = message;
    } else {
        cfl_message_done(&message);
    }
    return status;
}

void cfl_message_done(struct cfl_message *message)
{
    cfl_flight_data_done(&message->data);
    cflight_buffer_unref(message->raw);
    message->raw = NULL;
}
