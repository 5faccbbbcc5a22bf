/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder: order of messages, dictionaries, ownership. */
#include <pthread.h>

#include "base/pieces.h"
#include "ipc/decoder_options.h"
#include "ipc/walk.h"
#include "ipc_data.h"
#include "test.h"

/* The messages of a stream, one by one. */
struct messages {
    struct t_bytes bytes;
    cflight_buffer *buffer;
    size_t offset;
    struct cfl_decoder *decoder;
};

static void open_messages(struct messages *messages, const char *name)
{
    memset(messages, 0, sizeof *messages);
    messages->bytes = t_load(name);
    CHECK_OK(
        cflight_buffer_new_copy(cflight_bytes_make(messages->bytes.data, messages->bytes.len_bytes),
                                &messages->buffer, NULL),
        NULL);
    CHECK_OK(cfl_decoder_new(NULL, NULL, NULL, NULL, &messages->decoder, NULL), NULL);
}

static void close_messages(struct messages *messages)
{
    cfl_decoder_free(messages->decoder);
    cflight_buffer_unref(messages->buffer);
    t_bytes_done(&messages->bytes);
}

/* The next message; false at the end. */
static bool next_message(struct messages *messages, struct cfl_walk_message *ret_message)
{
    CHECK_OK(cfl_walk_next(cflight_buffer_bytes(messages->buffer), &cfl_limits_default,
                           &messages->offset, ret_message, NULL),
             NULL);
    return !ret_message->is_end;
}

static cflight_status feed(struct messages *messages, const struct cfl_walk_message *message,
                           enum cfl_message_kind *ret_kind, struct ArrowArray *ret_batch)
{
    struct cfl_body_view body = {message->body, messages->buffer};
    return cfl_decoder_feed_view(messages->decoder, message->header, body, ret_kind, ret_batch,
                                 NULL);
}

/* Feeds messages until a batch comes out. */
static bool next_batch(struct messages *messages, struct ArrowArray *ret_batch)
{
    struct cfl_walk_message message;
    while (next_message(messages, &message)) {
        enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
        CHECK_OK(feed(messages, &message, &kind, ret_batch), NULL);
        if (kind == CFL_MESSAGE_BATCH) {
            return true;
        }
    }
    return false;
}

/* Goal: statistics count as Arrow's other implementations count.
 * Method: a dictionary, a delta, and a replacement. */
TEST(ipc_decoder, counts_messages)
{
    struct t_bytes bytes = t_load("ipc_stream/deltas");
    struct cflight_ipc_stats stats = {0};
    CHECK_OK(t_decode(NULL, bytes, 100, NULL, NULL, &stats, NULL), NULL);
    assert_int_equal(stats.message_count, 7);
    assert_int_equal(stats.record_batch_count, 3);
    assert_int_equal(stats.dictionary_batch_count, 3);
    assert_int_equal(stats.dictionary_delta_count, 1);
    assert_int_equal(stats.replaced_dictionary_count, 1);
    t_bytes_done(&bytes);
}

/* Goal: a batch keeps the dictionary of its time. Method: all batches of the stream above, looked
 * at in the end. */
TEST(ipc_decoder, batches_keep_their_dictionary)
{
    struct messages messages;
    struct ArrowArray batches[3];
    static const int64_t EXPECTED[] = {2, 3, 2};
    static const char *const TEXTS[] = {"ab", "abc", "xy"};
    open_messages(&messages, "ipc_stream/deltas");
    for (size_t i = 0; i < 3; i++) {
        assert_true(next_batch(&messages, &batches[i]));
    }
    close_messages(&messages);
    for (size_t i = 0; i < 3; i++) {
        const struct ArrowArray *dictionary = batches[i].children[0]->dictionary;
        const int32_t *offsets = dictionary->buffers[1];
        assert_int_equal(dictionary->length, EXPECTED[i]);
        assert_int_equal(offsets[dictionary->length], EXPECTED[i]);
        assert_memory_equal(dictionary->buffers[2], TEXTS[i], (size_t)EXPECTED[i]);
        batches[i].release(&batches[i]);
    }
}

struct look {
    const struct ArrowArray *batch;
    uint64_t hash;
    bool has_changed;
};

/* Looks at a batch again and again, as another thread of a consumer might. */
static void *look_at_batch(void *user_data)
{
    struct look *look = user_data;
    for (int i = 0; i < 1000; i++) {
        look->has_changed = look->has_changed || t_array_hash(look->batch) != look->hash;
    }
    return NULL;
}

/* Goal: what a batch shows does not change, and may be looked at, while deltas put more behind it
 * into shared memory. Method: dictionaries of text and numbers that grow five times; a thread looks
 * at the batch before while the next one is decoded. */
TEST(ipc_decoder, dictionaries_grow_where_nobody_looks)
{
    struct messages messages;
    struct ArrowArray batches[6];
    uint64_t hashes[6];
    static const int64_t COUNTS[] = {2, 3, 5, 5, 6, 9};
    open_messages(&messages, "ipc_stream/growing");
    for (size_t i = 0; i < 6; i++) {
        struct look look = {.batch = i == 0 ? NULL : &batches[i - 1],
                            .hash = i == 0 ? 0 : hashes[i - 1]};
        pthread_t thread;
        assert_true(i == 0 || pthread_create(&thread, NULL, look_at_batch, &look) == 0);
        assert_true(next_batch(&messages, &batches[i]));
        assert_true(i == 0 || pthread_join(thread, NULL) == 0);
        assert_false(look.has_changed);
        hashes[i] = t_array_hash(&batches[i]);
    }
    close_messages(&messages);
    for (size_t i = 0; i < 6; i++) {
        const struct ArrowArray *texts = batches[i].children[0]->dictionary;
        const struct ArrowArray *numbers = batches[i].children[1]->dictionary;
        const int64_t *values = numbers->buffers[1];
        assert_int_equal(texts->length, COUNTS[i]);
        assert_int_equal(numbers->length, COUNTS[i]);
        for (int64_t j = 0; j < COUNTS[i]; j++) {
            assert_int_equal(values[j], j);
        }
        assert_true(t_array_hash(&batches[i]) == hashes[i]);
        batches[i].release(&batches[i]);
    }
}

/* Goal: the schema comes first, and once. Method: a batch before it, and the schema twice. */
TEST(ipc_decoder, the_schema_comes_first_and_once)
{
    struct messages messages;
    struct cfl_walk_message schema;
    struct cfl_walk_message batch;
    enum cfl_message_kind kind = CFL_MESSAGE_BATCH;
    struct ArrowArray array = {0};
    open_messages(&messages, "ipc_stream/flat");
    assert_true(next_message(&messages, &schema));
    assert_true(next_message(&messages, &batch));
    CHECK_STATUS(feed(&messages, &batch, &kind, &array), CFLIGHT_DATA_LOSS);
    assert_null(cfl_decoder_schema(messages.decoder));
    CHECK_OK(feed(&messages, &schema, &kind, &array), NULL);
    assert_int_equal(kind, CFL_MESSAGE_SCHEMA);
    assert_non_null(cfl_decoder_schema(messages.decoder));
    CHECK_STATUS(feed(&messages, &schema, &kind, &array), CFLIGHT_DATA_LOSS);
    CHECK_OK(feed(&messages, &batch, &kind, &array), NULL);
    assert_int_equal(kind, CFL_MESSAGE_BATCH);
    array.release(&array);
    close_messages(&messages);
}

/* Goal: values that refer to a dictionary which did not arrive are DATA_LOSS, and the decoder goes
 * on. Method: the dictionary message is held back until after its batch. */
TEST(ipc_decoder, a_missing_dictionary_is_data_loss)
{
    struct messages messages;
    struct cfl_walk_message schema;
    struct cfl_walk_message dictionary;
    struct cfl_walk_message batch;
    enum cfl_message_kind kind = CFL_MESSAGE_BATCH;
    struct ArrowArray array = {0};
    open_messages(&messages, "ipc_stream/deltas");
    assert_true(next_message(&messages, &schema));
    assert_true(next_message(&messages, &dictionary));
    assert_true(next_message(&messages, &batch));
    CHECK_OK(feed(&messages, &schema, &kind, &array), NULL);
    CHECK_STATUS(feed(&messages, &batch, &kind, &array), CFLIGHT_DATA_LOSS);
    CHECK_OK(feed(&messages, &dictionary, &kind, &array), NULL);
    assert_int_equal(kind, CFL_MESSAGE_DICTIONARY);
    CHECK_OK(feed(&messages, &batch, &kind, &array), NULL);
    array.release(&array);
    close_messages(&messages);
}

/* Goal: a child that was moved out of its parent outlives parent, stream and decoder.
 * Method: every child and dictionary of a nested batch is moved, everything else released, then
 * each looked at. */
TEST(ipc_decoder, children_can_be_moved_out)
{
    enum { MOVED_MAX = 16 };
    static const char *const NAMES[] = {"ipc_stream/nested", "ipc_stream/nested_dictionary",
                                        "ipc_stream/zstd"};
    for (size_t n = 0; n < 3; n++) {
        struct messages messages;
        struct ArrowArray batch = {0};
        struct ArrowArray moved[MOVED_MAX];
        uint64_t hashes[MOVED_MAX];
        size_t count = 0;
        open_messages(&messages, NAMES[n]);
        assert_true(next_batch(&messages, &batch));
        for (int64_t i = 0; i < batch.n_children; i++) {
            struct ArrowArray *child = batch.children[i];
            struct ArrowArray *inner =
                child->dictionary != NULL ? child->dictionary : child->children[0];
            moved[count] = *inner;
            hashes[count++] = t_array_hash(inner);
            inner->release = NULL;
        }
        batch.release(&batch);
        assert_null(batch.release);
        close_messages(&messages);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(t_array_hash(&moved[i]), hashes[i]);
            moved[i].release(&moved[i]);
        }
    }
}

static void *release_in_thread(void *user_data)
{
    struct ArrowArray *array = user_data;
    array->release(array);
    return NULL;
}

/* Goal: arrays of one body may be released by several threads at once.
 * Method: each column of a batch by a thread of its own; the sanitizers look on. */
TEST(ipc_decoder, columns_may_be_released_by_any_thread)
{
    enum { THREADS_MAX = 16 };
    struct messages messages;
    struct ArrowArray batch = {0};
    struct ArrowArray columns[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    open_messages(&messages, "ipc_stream/flat");
    assert_true(next_batch(&messages, &batch));
    close_messages(&messages);
    int64_t count = batch.n_children;
    assert_true(count <= THREADS_MAX);
    for (int64_t i = 0; i < count; i++) {
        columns[i] = *batch.children[i];
        batch.children[i]->release = NULL;
    }
    batch.release(&batch);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, release_in_thread, &columns[i]), 0);
    }
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

/* Decodes the first batch with its body at `shift` bytes from an aligned address. */
static uint64_t hash_at_shift(const char *name, size_t shift, uint64_t *ret_copied_bytes)
{
    static uint8_t memory[8192] __attribute__((aligned(64)));
    struct messages messages;
    struct cfl_walk_message message;
    struct ArrowArray batch = {0};
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    uint64_t before = cfl_copy_counters().received_copied_bytes;
    open_messages(&messages, name);
    while (kind != CFL_MESSAGE_BATCH && next_message(&messages, &message)) {
        if (message.body.len_bytes > 0) {
            memcpy(memory + shift, message.body.data, message.body.len_bytes);
        }
        cflight_buffer *body =
            cfl_body_wrap(NULL, memory + shift, message.body.len_bytes, NULL, NULL);
        CHECK_OK(cfl_decoder_feed(messages.decoder, message.header, body, &kind, &batch, NULL),
                 NULL);
        cflight_buffer_unref(body);
    }
    uint64_t hash = t_array_hash(&batch);
    *ret_copied_bytes = cfl_copy_counters().received_copied_bytes - before;
    batch.release(&batch);
    close_messages(&messages);
    return hash;
}

/* Goal: a body at any address is read; what fits its type is not copied.
 * Method: every stream whose dictionary needs no body of its own, at all shifts up to 8; at an odd
 * one, any type but bytes must move. */
TEST(ipc_decoder, misaligned_bodies_are_copied)
{
    static const char *const NAMES[] = {"ipc_stream/flat", "ipc_stream/text", "ipc_stream/nested",
                                        "ipc_stream/unions", "ipc_stream/runs"};
    for (size_t i = 0; i < 5; i++) {
        uint64_t copied_bytes = 0;
        uint64_t expected = hash_at_shift(NAMES[i], 0, &copied_bytes);
        assert_int_equal(copied_bytes, 0);
        for (size_t shift = 1; shift <= 8; shift++) {
            assert_int_equal(hash_at_shift(NAMES[i], shift, &copied_bytes), expected);
            assert_true(shift % 2 == 0 || copied_bytes > 0);
            assert_true(shift < 8 || copied_bytes == 0);
        }
    }
}

/* Goal: the memory of all dictionaries is bounded. Method: a limit below the first dictionary's
 * body. */
TEST(ipc_decoder, dictionaries_have_a_limit)
{
    struct messages messages;
    struct cfl_walk_message message;
    struct cfl_limits limits = cfl_limits_default;
    struct ArrowArray batch = {0};
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    limits.dictionary_bytes_max = 8;
    open_messages(&messages, "ipc_stream/deltas");
    cfl_decoder_free(messages.decoder);
    CHECK_OK(cfl_decoder_new(NULL, NULL, &limits, NULL, &messages.decoder, NULL), NULL);
    assert_true(next_message(&messages, &message));
    CHECK_OK(feed(&messages, &message, &kind, &batch), NULL);
    assert_true(next_message(&messages, &message));
    CHECK_STATUS(feed(&messages, &message, &kind, &batch), CFLIGHT_RESOURCE_EXHAUSTED);
    close_messages(&messages);

    limits = cfl_limits_default;
    limits.dictionaries_max = 0;
    open_messages(&messages, "ipc_stream/deltas");
    cfl_decoder_free(messages.decoder);
    CHECK_OK(cfl_decoder_new(NULL, NULL, &limits, NULL, &messages.decoder, NULL), NULL);
    assert_true(next_message(&messages, &message));
    CHECK_STATUS(feed(&messages, &message, &kind, &batch), CFLIGHT_RESOURCE_EXHAUSTED);
    close_messages(&messages);
}

/* Goal: options that make no sense are refused. Method: one of each. */
TEST(ipc_decoder, bad_options_are_refused)
{
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    struct cfl_decoder *decoder = NULL;
    options.depth_max = -1;
    CHECK_STATUS(cfl_decoder_new(NULL, &options, NULL, NULL, &decoder, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    options.depth_max = 1025;
    CHECK_STATUS(cfl_decoder_new(NULL, &options, NULL, NULL, &decoder, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    options.depth_max = 0;
    options.validation = (enum cflight_validation)9;
    CHECK_STATUS(cfl_decoder_new(NULL, &options, NULL, NULL, &decoder, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
}
