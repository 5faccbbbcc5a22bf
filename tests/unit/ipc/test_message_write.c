/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of batches are filled in where the last one was; each must be what it would be alone. */
#include "base/alloc.h"
#include "fixture.h"
#include "ipc/encoder.h"
#include "ipc/message_write.h"
#include "test.h"

enum { PARTS_MAX = 3, HEADS = 2 * 3 * 4 * 3 * 2 };

static const struct cfl_part_node nodes[][PARTS_MAX] = {
    {{0, 0, 0}, {1, 0, 0}, {INT64_MAX, 7, 0}},
    {{5, 5, 0}, {0, 0, 0}, {6, INT64_MAX, 0}},
};
static const struct cfl_body_range ranges[][PARTS_MAX] = {
    {{0, 0}, {8, 9}, {INT64_MAX, 1}},
    {{64, 8}, {0, INT64_MAX}, {0, 0}},
};
static const int64_t variadic_counts[][PARTS_MAX] = {{0, 1, 2}, {INT64_MAX, 0, 9}};

/* The head number `index`: of each shape one with low numbers, then one with others. */
static struct cfl_batch_head head_of(size_t index, int16_t *ret_metadata_version)
{
    static const enum cflight_compression codecs[] = {
        CFLIGHT_COMPRESSION_NONE, CFLIGHT_COMPRESSION_LZ4_FRAME, CFLIGHT_COMPRESSION_ZSTD};
    size_t numbers = index % 2;
    size_t rest = index / 2;
    struct cfl_batch_head head = {
        .row_count = numbers == 0 ? 0 : INT64_MAX,
        .nodes = nodes[numbers],
        .ranges = ranges[numbers],
        .variadic_counts = variadic_counts[numbers],
        .body_len_bytes = numbers == 0 ? 0 : INT64_MAX,
        .dictionary_id = numbers == 0 ? 0 : INT64_MAX,
        .is_delta = numbers == 1,
        .compression = codecs[rest % 3],
        .node_count = rest / 3 % 4,
        .range_count = PARTS_MAX - rest / 3 % 4,
        .variadic_count = rest / 12 % 3,
        .is_dictionary = rest / 36 == 1,
    };
    *ret_metadata_version = rest % 2 == 0 ? CFL_METADATA_V5 : CFL_METADATA_V4;
    return head;
}

static struct cflight_bytes write_head(struct cfl_batch_message *message, size_t index)
{
    int16_t metadata_version = 0;
    struct cflight_bytes bytes = {NULL, 0};
    cflight_error *error = NULL;
    struct cfl_batch_head head = head_of(index, &metadata_version);
    CHECK_OK(cfl_batch_message_write(message, &head, metadata_version, &bytes, &error), error);
    return bytes;
}

/* Goal: nothing of a message is left in the next. Method: every pair of shapes and numbers, the
 * second one compared with the same message written alone. */
TEST(message_write, a_message_does_not_depend_on_the_one_before)
{
    struct cfl_batch_message both;
    cfl_batch_message_init(&both, NULL);
    for (size_t second = 0; second < HEADS; second++) {
        struct cfl_batch_message alone;
        cfl_batch_message_init(&alone, NULL);
        struct cflight_bytes expected = write_head(&alone, second);
        for (size_t first = 0; first < HEADS; first++) {
            (void)write_head(&both, first);
            struct cflight_bytes bytes = write_head(&both, second);
            assert_int_equal(bytes.len_bytes, expected.len_bytes);
            assert_memory_equal(bytes.data, expected.data, bytes.len_bytes);
        }
        cfl_batch_message_done(&alone);
    }
    cfl_batch_message_done(&both);
}

/* Goal: a message that could not be laid out leaves nothing behind. Method: each allocation fails
 * in turn, then the same message again. */
TEST(message_write, memory_that_runs_out_leaves_nothing)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        int16_t metadata_version = 0;
        struct cfl_batch_head head = head_of(HEADS - 1, &metadata_version);
        struct cfl_batch_message message;
        struct cflight_bytes bytes = {NULL, 0};
        cfl_batch_message_init(&message, &alloc->allocator);
        cflight_status status =
            cfl_batch_message_write(&message, &head, metadata_version, &bytes, NULL);
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        assert_int_equal(message.bytes.len_bytes != 0, status == CFLIGHT_OK);
        cfl_batch_message_done(&message);
    }
}

/* ---- with an encoder ---- */

/* The messages of a batch, one behind the other. */
static void encode(struct cfl_encoder *encoder, const struct t_layouts *all, int64_t row_offset,
                   int64_t row_count, struct cfl_buf *target)
{
    struct cfl_encoded message;
    bool has_message = true;
    cflight_error *error = NULL;
    cfl_buf_clear(target);
    CHECK_OK(cfl_encoder_begin(encoder, &all->batch, row_offset, row_count, &error), error);
    for (;;) {
        CHECK_OK(cfl_encoder_next(encoder, &message, &has_message, &error), error);
        if (!has_message) {
            break;
        }
        assert_true(cfl_buf_append_bytes(target, message.header));
    }
    cfl_encoder_end(encoder, false);
}

static struct cfl_encoder *open_encoder(const struct t_layouts *all,
                                        const struct cflight_ipc_write_options *options)
{
    struct cfl_encoder *encoder = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_encoder_new(NULL, &all->schema, options, NULL, &encoder, &error), error);
    return encoder;
}

/* Goal: the same for columns of all layouts, with their dictionary.
 * Method: slices by an encoder that goes on, each compared with that of a new encoder; what is
 * measured between them changes nothing. */
TEST(message_write, an_encoder_gives_what_a_new_one_gives)
{
    static const int64_t slices[][2] = {{0, 4}, {1, 3}, {0, 0}, {3, 1}, {0, 4}, {2, 2}};
    static const enum cflight_compression codecs[] = {
        CFLIGHT_COMPRESSION_NONE, CFLIGHT_COMPRESSION_LZ4_FRAME, CFLIGHT_COMPRESSION_ZSTD};
    struct t_layouts all;
    struct cfl_buf found;
    struct cfl_buf expected;
    t_layouts_init(&all);
    cfl_buf_init(&found, NULL);
    cfl_buf_init(&expected, NULL);
    for (size_t i = 0; i < 6; i++) {
        struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
        options.compression = codecs[i / 2];
        options.use_metadata_v4 = i % 2 == 1;
        struct cfl_encoder *one = open_encoder(&all, &options);
        for (size_t slice = 0; slice < sizeof slices / sizeof slices[0]; slice++) {
            struct cfl_encoder *fresh = open_encoder(&all, &options);
            uint64_t len_bytes = 0;
            cflight_error *error = NULL;
            encode(fresh, &all, slices[slice][0], slices[slice][1], &expected);
            encode(one, &all, slices[slice][0], slices[slice][1], &found);
            assert_int_equal(found.len_bytes, expected.len_bytes);
            assert_memory_equal(found.data, expected.data, found.len_bytes);
            CHECK_OK(cfl_encoder_measure(one, &all.batch, 0, 4, &len_bytes, &error), error);
            cfl_encoder_free(fresh);
        }
        cfl_encoder_free(one);
    }
    cfl_buf_done(&found);
    cfl_buf_done(&expected);
}
