/* SPDX-License-Identifier: Apache-2.0 */
/* The test service. Handlers hold no lock while they call the library. */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/condition.h"
#include "test.h"

enum { PATIENCE_MS = 120000 };

/* ---- gates ---- */

void t_gate_init(struct t_gate *gate)
{
    (void)pthread_mutex_init(&gate->mutex, NULL);
    cfl_condition_init(&gate->condition);
    gate->is_open = false;
}

void t_gate_done(struct t_gate *gate)
{
    (void)pthread_cond_destroy(&gate->condition);
    (void)pthread_mutex_destroy(&gate->mutex);
}

void t_gate_open(struct t_gate *gate)
{
    (void)pthread_mutex_lock(&gate->mutex);
    gate->is_open = true;
    (void)pthread_cond_broadcast(&gate->condition);
    (void)pthread_mutex_unlock(&gate->mutex);
}

bool t_gate_wait_for(struct t_gate *gate, int64_t timeout_ms)
{
    int64_t until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), timeout_ms);
    bool in_time = true;
    (void)pthread_mutex_lock(&gate->mutex);
    while (!gate->is_open && in_time) {
        in_time = cfl_condition_wait_until(&gate->condition, &gate->mutex, until_ns);
    }
    bool is_open = gate->is_open;
    (void)pthread_mutex_unlock(&gate->mutex);
    return is_open;
}

void t_gate_wait(struct t_gate *gate)
{
    if (!t_gate_wait_for(gate, PATIENCE_MS)) {
        (void)fprintf(stderr, "a gate did not open within %d ms\n", PATIENCE_MS);
        abort();
    }
}

/* ---- words ---- */

bool t_has_word(struct cflight_bytes text, const char *word)
{
    size_t len_bytes = strlen(word);
    for (size_t i = 0; i + len_bytes <= text.len_bytes; i++) {
        bool starts = i == 0 || text.data[i - 1] == ' ';
        bool ends = i + len_bytes == text.len_bytes || text.data[i + len_bytes] == ' ' ||
                    text.data[i + len_bytes] == '=';
        if (starts && ends && memcmp(text.data + i, word, len_bytes) == 0) {
            return true;
        }
    }
    return false;
}

int64_t t_number(struct cflight_bytes text, const char *key, int64_t otherwise)
{
    char terminated[256] = "";
    char wanted[64] = "";
    (void)snprintf(terminated, sizeof terminated, " %.*s", (int)text.len_bytes,
                   (const char *)text.data);
    (void)snprintf(wanted, sizeof wanted, " %s=", key);
    const char *found = strstr(terminated, wanted);
    return found == NULL ? otherwise : strtoll(found + strlen(wanted), NULL, 10);
}

/* ---- data ---- */

struct batch_memory {
    int64_t *numbers;
    int32_t *offsets;
    char *text;
    const void *root_buffers[1];
    const void *number_buffers[2];
    const void *text_buffers[3];
    struct ArrowArray columns[2];
    struct ArrowArray *children[2];
};

static void release_child(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_batch(struct ArrowArray *array)
{
    struct batch_memory *memory = array->private_data;
    for (int i = 0; i < 2; i++) {
        if (memory->columns[i].release != NULL) {
            memory->columns[i].release(&memory->columns[i]);
        }
    }
    free(memory->numbers);
    free(memory->offsets);
    free(memory->text);
    free(memory);
    array->release = NULL;
}

static int row_text(int64_t row, char target[16])
{
    return snprintf(target, 16, "%.*s", (int)(row % 8) + 1, "abcdefgh");
}

void t_batch(int64_t first_row, int64_t row_count, struct ArrowArray *ret_batch)
{
    struct batch_memory *memory = calloc(1, sizeof *memory);
    size_t count = (size_t)row_count;
    assert_non_null(memory);
    memory->numbers = malloc((count + 1) * sizeof *memory->numbers);
    memory->offsets = malloc((count + 1) * sizeof *memory->offsets);
    memory->text = malloc(count * 8 + 1);
    int32_t end = 0;
    memory->offsets[0] = 0;
    for (size_t i = 0; i < count; i++) {
        char text[16];
        int len_bytes = row_text(first_row + (int64_t)i, text);
        memory->numbers[i] = first_row + (int64_t)i;
        memcpy(memory->text + end, text, (size_t)len_bytes);
        end += len_bytes;
        memory->offsets[i + 1] = end;
    }
    memory->number_buffers[1] = memory->numbers;
    memory->text_buffers[1] = memory->offsets;
    memory->text_buffers[2] = memory->text;
    for (int i = 0; i < 2; i++) {
        memory->columns[i].length = row_count;
        memory->columns[i].n_buffers = i == 0 ? 2 : 3;
        memory->columns[i].buffers = i == 0 ? memory->number_buffers : memory->text_buffers;
        memory->columns[i].release = release_child;
        memory->children[i] = &memory->columns[i];
    }
    memset(ret_batch, 0, sizeof *ret_batch);
    ret_batch->length = row_count;
    ret_batch->n_buffers = 1;
    ret_batch->buffers = memory->root_buffers;
    ret_batch->n_children = 2;
    ret_batch->children = memory->children;
    ret_batch->release = release_batch;
    ret_batch->private_data = memory;
}

void t_check_batch(const struct ArrowArray *batch, int64_t first_row)
{
    assert_int_equal(batch->n_children, 2);
    const int64_t *numbers = batch->children[0]->buffers[1];
    const int32_t *offsets = batch->children[1]->buffers[1];
    const char *text = batch->children[1]->buffers[2];
    for (int64_t i = 0; i < batch->length; i++) {
        char expected[16];
        int len_bytes = row_text(first_row + i, expected);
        assert_int_equal(numbers[batch->children[0]->offset + i], first_row + i);
        int64_t at = batch->children[1]->offset + i;
        assert_int_equal(offsets[at + 1] - offsets[at], len_bytes);
        assert_memory_equal(text + offsets[at], expected, (size_t)len_bytes);
    }
}

static void release_schema_child(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

struct schema_memory {
    struct ArrowSchema columns[2];
    struct ArrowSchema *children[2];
};

static void release_schema(struct ArrowSchema *schema)
{
    free(schema->private_data);
    schema->release = NULL;
}

void t_schema(struct ArrowSchema *ret_schema)
{
    struct schema_memory *memory = calloc(1, sizeof *memory);
    assert_non_null(memory);
    memory->columns[0] = (struct ArrowSchema){
        .format = "l", .name = "n", .flags = ARROW_FLAG_NULLABLE, .release = release_schema_child};
    memory->columns[1] = (struct ArrowSchema){
        .format = "u", .name = "s", .flags = ARROW_FLAG_NULLABLE, .release = release_schema_child};
    memory->children[0] = &memory->columns[0];
    memory->children[1] = &memory->columns[1];
    *ret_schema = (struct ArrowSchema){.format = "+s",
                                       .name = "",
                                       .n_children = 2,
                                       .children = memory->children,
                                       .release = release_schema,
                                       .private_data = memory};
}

/* ---- handlers ---- */

static void count(struct t_service *service, uint64_t *counter, uint64_t by)
{
    (void)pthread_mutex_lock(&service->mutex);
    *counter += by;
    (void)pthread_cond_broadcast(&service->changed);
    (void)pthread_mutex_unlock(&service->mutex);
}

static void open_gate(void *user_data)
{
    t_gate_open(user_data);
}

/* Waits until the call is cancelled (or the service's hold is let go of). */
static void wait_cancelled(struct t_service *service, cflight_server_context *context)
{
    struct t_gate gate;
    t_gate_init(&gate);
    cflight_server_context_on_cancel(context, open_gate, &gate);
    t_gate_wait(&gate);
    cflight_server_context_on_cancel(context, NULL, NULL);
    t_gate_done(&gate);
    if (cflight_server_context_is_cancelled(context)) {
        count(service, &service->locked.cancelled_count, 1);
    }
}

static cflight_status fail_as_asked(struct cflight_bytes text, cflight_error **reterr)
{
    cflight_status status = (cflight_status)t_number(text, "status", CFLIGHT_INTERNAL);
    (void)cflight_error_set_message(reterr, status, "failed as asked");
    cflight_error_set_extra_info(*reterr, cflight_bytes_from_text("extra"));
    return status;
}

static cflight_status begin(cflight_writer *writer, cflight_error **reterr)
{
    struct ArrowSchema schema;
    t_schema(&schema);
    cflight_status status = cflight_writer_begin(writer, &schema, NULL, reterr);
    schema.release(&schema);
    return status;
}

/* What is left of a stream that was handed over. */
struct handed {
    struct t_service *service;
    int64_t rows;
    int64_t batches;
    int64_t sent;
    int64_t fail_after;
};

static cflight_status next_handed(void *user_data, struct cflight_chunk *ret_chunk,
                                  cflight_error **reterr)
{
    struct handed *handed = user_data;
    if (handed->sent == handed->fail_after) {
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "failed as asked");
    }
    ret_chunk->is_end = handed->sent == handed->batches;
    ret_chunk->has_batch = !ret_chunk->is_end;
    if (ret_chunk->has_batch) {
        t_batch(handed->sent++ * handed->rows, handed->rows, &ret_chunk->batch);
    }
    return CFLIGHT_OK;
}

static void release_handed(void *user_data)
{
    struct handed *handed = user_data;
    count(handed->service, &handed->service->locked.released_count, 1);
    free(handed);
}

static cflight_status hand_over(struct t_service *service, cflight_writer *writer,
                                struct cflight_bytes text, cflight_error **reterr)
{
    struct cflight_source source = CFLIGHT_SOURCE_INIT;
    struct handed *handed = calloc(1, sizeof *handed);
    handed->service = service;
    handed->rows = t_number(text, "rows", 10);
    handed->batches = t_number(text, "batches", 1);
    handed->fail_after = t_number(text, "fail_after", -1);
    source.user_data = handed;
    source.next = next_handed;
    source.release = release_handed;
    cflight_status status = begin(writer, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_hand_over(writer, &source, reterr);
    }
    if (status != CFLIGHT_OK) {
        release_handed(handed);
    }
    return status;
}

static cflight_status write_batches(cflight_writer *writer, struct cflight_bytes text,
                                    cflight_error **reterr)
{
    int64_t rows = t_number(text, "rows", 10);
    int64_t batches = t_number(text, "batches", 1);
    int64_t fail_after = t_number(text, "fail_after", -1);
    cflight_status status = begin(writer, reterr);
    for (int64_t i = 0; status == CFLIGHT_OK && i < batches; i++) {
        struct ArrowArray batch;
        if (i == fail_after) {
            return fail_as_asked(text, reterr);
        }
        t_batch(i * rows, rows, &batch);
        status = cflight_writer_write(writer, &batch, NULL, reterr);
        batch.release(&batch);
    }
    if (status == CFLIGHT_OK && fail_after == batches) {
        return fail_as_asked(text, reterr);
    }
    return status;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct t_service *service = user_data;
    cflight_status status = CFLIGHT_OK;
    count(service, &service->locked.started_count, 1);
    if (t_has_word(ticket, "fail")) {
        status = fail_as_asked(ticket, reterr);
    } else if (t_has_word(ticket, "silent")) {
        wait_cancelled(service, context);
    } else if (t_has_word(ticket, "handed")) {
        status = hand_over(service, writer, ticket, reterr);
    } else {
        status = write_batches(writer, ticket, reterr);
        if (status == CFLIGHT_OK && t_has_word(ticket, "then_silent")) {
            wait_cancelled(service, context);
        }
        if (status != CFLIGHT_OK && cflight_server_context_is_cancelled(context)) {
            count(service, &service->locked.cancelled_count, 1);
        }
    }
    count(service, &service->locked.ended_count, 1);
    return status;
}

static cflight_status read_upload(struct t_service *service, struct cflight_bytes cmd,
                                  cflight_reader *reader, cflight_metadata_writer *writer,
                                  cflight_error **reterr)
{
    int64_t rows = 0;
    int64_t stop_after = t_number(cmd, "stop_after", INT64_MAX);
    for (int64_t i = 0;; i++) {
        struct cflight_chunk chunk;
        if (i == stop_after) {
            return t_has_word(cmd, "fail") ? fail_as_asked(cmd, reterr) : CFLIGHT_OK;
        }
        cflight_status status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            return status;
        }
        if (chunk.has_batch) {
            rows += chunk.batch.length;
            count(service, &service->locked.put_batches, 1);
            count(service, &service->locked.put_rows, (uint64_t)chunk.batch.length);
        }
        if (t_has_word(cmd, "acknowledge")) {
            char text[32];
            (void)snprintf(text, sizeof text, "%lld", (long long)rows);
            status = cflight_metadata_writer_write(writer, cflight_bytes_from_text(text), reterr);
        }
        cflight_chunk_release(&chunk);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

static cflight_status flood_results(cflight_metadata_writer *writer, int64_t result_count,
                                    cflight_error **reterr)
{
    static const char TEXT[4096] = {1};
    cflight_status status = CFLIGHT_OK;
    for (int64_t i = 0; status == CFLIGHT_OK && i < result_count; i++) {
        status =
            cflight_metadata_writer_write(writer, cflight_bytes_make(TEXT, sizeof TEXT), reterr);
    }
    return status;
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct t_service *service = user_data;
    struct cflight_bytes cmd = descriptor->cmd;
    cflight_status status = CFLIGHT_OK;
    count(service, &service->locked.started_count, 1);
    if (t_has_word(cmd, "unread")) {
        wait_cancelled(service, context);
    } else if (t_has_word(cmd, "flood")) {
        status = flood_results(writer, t_number(cmd, "flood", 1), reterr);
    } else {
        status = read_upload(service, cmd, reader, writer, reterr);
    }
    if (status != CFLIGHT_OK && cflight_server_context_is_cancelled(context)) {
        count(service, &service->locked.cancelled_count, 1);
    }
    count(service, &service->locked.ended_count, 1);
    return status;
}

static cflight_status echo(cflight_reader *reader, cflight_writer *writer, cflight_error **reterr)
{
    bool has_begun = false;
    for (;;) {
        struct cflight_chunk chunk;
        cflight_status status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            return status;
        }
        struct cflight_bytes metadata = cflight_buffer_bytes(chunk.app_metadata);
        if (chunk.has_batch && !has_begun) {
            struct ArrowSchema schema;
            has_begun = true;
            status = cflight_reader_schema(reader, &schema, reterr);
            if (status == CFLIGHT_OK) {
                status = cflight_writer_begin(writer, &schema, NULL, reterr);
                schema.release(&schema);
            }
        }
        if (status == CFLIGHT_OK && chunk.has_batch) {
            status = cflight_writer_write(writer, &chunk.batch,
                                          chunk.app_metadata == NULL ? NULL : &metadata, reterr);
        } else if (status == CFLIGHT_OK) {
            status = cflight_writer_write_metadata(writer, metadata, reterr);
        }
        cflight_chunk_release(&chunk);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

static cflight_status do_exchange(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_reader *reader, cflight_writer *writer,
                                  cflight_error **reterr)
{
    struct t_service *service = user_data;
    struct cflight_bytes cmd = descriptor->cmd;
    cflight_status status = CFLIGHT_OK;
    count(service, &service->locked.started_count, 1);
    if (t_has_word(cmd, "unread")) {
        wait_cancelled(service, context);
    } else if (t_has_word(cmd, "fail")) {
        status = fail_as_asked(cmd, reterr);
    } else if (t_has_word(cmd, "send")) {
        status = write_batches(writer, cmd, reterr);
    } else {
        status = echo(reader, writer, reterr);
    }
    if (status != CFLIGHT_OK && cflight_server_context_is_cancelled(context)) {
        count(service, &service->locked.cancelled_count, 1);
    }
    count(service, &service->locked.ended_count, 1);
    return status;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    struct t_service *service = user_data;
    cflight_status status = CFLIGHT_OK;
    count(service, &service->locked.started_count, 1);
    if (t_has_word(action->type, "fail")) {
        status = fail_as_asked(action->body, reterr);
    } else if (t_has_word(action->type, "silent")) {
        wait_cancelled(service, context);
    } else if (t_has_word(action->type, "hold")) {
        t_gate_wait(&service->hold);
    }
    int64_t results = t_number(action->body, "results", 1);
    for (int64_t i = 0; status == CFLIGHT_OK && i < results; i++) {
        status = cflight_response_result(response, action->body, reterr);
    }
    if (status != CFLIGHT_OK && cflight_server_context_is_cancelled(context)) {
        count(service, &service->locked.cancelled_count, 1);
    }
    count(service, &service->locked.ended_count, 1);
    return status;
}

cflight_status t_answer_info(cflight_response *response,
                             const struct cflight_descriptor *descriptor, cflight_error **reterr)
{
    struct cflight_endpoint endpoint = {.ticket = descriptor->cmd};
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = &endpoint,
                                .endpoint_count = 1,
                                .total_records = -1,
                                .total_bytes = -1};
    return cflight_response_info(response, &info, reterr);
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    if (t_has_word(descriptor->cmd, "fail")) {
        return fail_as_asked(descriptor->cmd, reterr);
    }
    if (t_has_word(descriptor->cmd, "nothing")) {
        return CFLIGHT_OK;
    }
    return t_answer_info(response, descriptor, reterr);
}

static cflight_status list_flights(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    int64_t flights = t_number(criteria, "flights", 3);
    (void)user_data;
    for (int64_t i = 0; status == CFLIGHT_OK && i < flights; i++) {
        struct cflight_info info = {.descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = criteria},
                                    .total_records = i,
                                    .total_bytes = -1};
        status = cflight_response_info(response, &info, reterr);
    }
    (void)context;
    return status;
}

/* ---- life ---- */

void t_service_start(struct t_service *service, const char *location,
                     const struct cflight_server_options *options)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_error *error = NULL;
    memset(service, 0, sizeof *service);
    (void)pthread_mutex_init(&service->mutex, NULL);
    cfl_condition_init(&service->changed);
    t_gate_init(&service->hold);
    handlers.user_data = service;
    handlers.list_flights = list_flights;
    handlers.get_flight_info = get_flight_info;
    handlers.do_get = do_get;
    handlers.do_put = do_put;
    handlers.do_exchange = do_exchange;
    handlers.do_action = do_action;
    CHECK_OK(cflight_server_new(location == NULL ? "grpc://localhost:0" : location, &handlers,
                                options, &service->server, &error),
             error);
    service->location = cflight_server_location(service->server);
}

void t_service_stop(struct t_service *service)
{
    t_gate_open(&service->hold);
    cflight_server_free(service->server);
    t_gate_done(&service->hold);
    (void)pthread_cond_destroy(&service->changed);
    (void)pthread_mutex_destroy(&service->mutex);
}

bool t_service_wait(struct t_service *service, const uint64_t *counter, uint64_t value)
{
    int64_t until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), PATIENCE_MS);
    bool in_time = true;
    (void)pthread_mutex_lock(&service->mutex);
    while (*counter < value && in_time) {
        in_time = cfl_condition_wait_until(&service->changed, &service->mutex, until_ns);
    }
    bool is_reached = *counter >= value;
    (void)pthread_mutex_unlock(&service->mutex);
    return is_reached;
}

uint64_t t_service_read(struct t_service *service, const uint64_t *counter)
{
    (void)pthread_mutex_lock(&service->mutex);
    uint64_t value = *counter;
    (void)pthread_mutex_unlock(&service->mutex);
    return value;
}

cflight_client *t_client(const struct t_service *service,
                         const struct cflight_client_options *options)
{
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_client_new(service->location, options, &client, &error), error);
    return client;
}
