/* SPDX-License-Identifier: Apache-2.0 */
/* What compressed data may become: limits of a message, and the budget that all share. */
#include "base/buf.h"
#include "base/budget.h"
#include "fixture.h"
#include "ipc/decoder_options.h"
#include "ipc/walk.h"
#include "test.h"

enum { ROWS_MAX = 1 << 17, BATCH_BYTES_MAX = ROWS_MAX * 8 };

static int64_t rows[ROWS_MAX];
static const int8_t indices[1] = {0};

static int collect(void *user_data, const struct cflight_bytes *views, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(cfl_buf_append_bytes(user_data, views[i]));
    }
    return 0;
}

/* A stream in memory, and what reads it. */
struct reading {
    cflight_buffer *buffer;
    size_t offset;
    struct cfl_decoder *decoder;
    size_t column_count; /* 0 is one */
};

/* Writes a batch for each of `counts`: that many numbers, or a dictionary of them. */
static void write_stream(struct reading *reading, bool is_dictionary, const int64_t *counts,
                         size_t count)
{
    struct cfl_buf stream;
    struct ArrowSchema values = t_field("n", is_dictionary ? "c" : "l");
    struct ArrowSchema dictionary = t_field("", "l");
    struct ArrowSchema *fields[] = {&values, &values};
    int64_t column_count = reading->column_count > 1 ? 2 : 1;
    struct ArrowSchema schema = t_nested_field("", "+s", fields, column_count);
    struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;
    cfl_buf_init(&stream, NULL);
    values.dictionary = is_dictionary ? &dictionary : NULL;
    options.compression = CFLIGHT_COMPRESSION_ZSTD;
    CHECK_OK(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, &schema, collect, &stream, &options,
                                    &writer, &error),
             error);
    for (size_t i = 0; i < count; i++) {
        const void *number_buffers[] = {NULL, rows};
        const void *index_buffers[] = {NULL, indices};
        const void *no_buffer[] = {NULL};
        struct ArrowArray numbers = t_array(counts[i], number_buffers, 2);
        struct ArrowArray encoded = t_array(1, index_buffers, 2);
        struct ArrowArray *column = is_dictionary ? &encoded : &numbers;
        struct ArrowArray *columns[] = {column, column};
        encoded.dictionary = &numbers;
        struct ArrowArray batch =
            t_nested_array(column->length, no_buffer, 1, columns, column_count);
        CHECK_OK(cflight_ipc_writer_write(writer, &batch, &error), error);
    }
    CHECK_OK(cflight_ipc_writer_close(writer, &error), error);
    cflight_ipc_writer_free(writer);
    CHECK_OK(cflight_buffer_new_copy(cfl_buf_bytes(&stream), &reading->buffer, &error), error);
    cfl_buf_done(&stream);
}

static void open_reading(struct reading *reading, const struct cflight_ipc_read_options *options,
                         const struct cfl_limits *limits, struct cfl_budget *budget)
{
    reading->offset = 0;
    CHECK_OK(cfl_decoder_new(NULL, options, limits, NULL, &reading->decoder, NULL), NULL);
    cfl_decoder_set_budget(reading->decoder, budget);
}

static void close_reading(struct reading *reading)
{
    cfl_decoder_free(reading->decoder);
    cflight_buffer_unref(reading->buffer);
}

/* Feeds the next message; a batch is released at once. */
static cflight_status feed(struct reading *reading, cflight_error **reterr)
{
    struct cfl_walk_message message;
    struct ArrowArray batch = {0};
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    CHECK_OK(cfl_walk_next(cflight_buffer_bytes(reading->buffer), &cfl_limits_default,
                           &reading->offset, &message, NULL),
             NULL);
    assert_false(message.is_end);
    struct cfl_body_view body = {message.body, reading->buffer};
    cflight_status status =
        cfl_decoder_feed_view(reading->decoder, message.header, body, &kind, &batch, reterr);
    if (batch.release != NULL) {
        batch.release(&batch);
    }
    return status;
}

/* Reads a batch of `row_count` zeros. */
static cflight_status read_zeros(int64_t row_count, const struct cflight_ipc_read_options *options,
                                 const struct cfl_limits *limits, cflight_error **reterr)
{
    struct reading reading = {0};
    write_stream(&reading, false, &row_count, 1);
    open_reading(&reading, options, limits, NULL);
    CHECK_OK(feed(&reading, NULL), NULL);
    cflight_status status = feed(&reading, reterr);
    close_reading(&reading);
    return status;
}

/* Goal: what a message may unpack to follows from its size, from an amount that is always free, and
 * from the option. Method: a MiB of zeros, which compresses to some hundred bytes, at the edge of
 * each. */
TEST(unpacked, a_message_has_a_limit_that_an_option_changes)
{
    struct cfl_limits limits = cfl_limits_default;
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    cflight_error *error = NULL;
    uint64_t limit_bytes = 0;
    uint64_t actual_bytes = 0;

    memset(rows, 0, sizeof rows);
    limits.unpacked_bytes_free = BATCH_BYTES_MAX;
    CHECK_OK(read_zeros(ROWS_MAX, NULL, &limits, &error), error);
    limits.unpacked_bytes_free = BATCH_BYTES_MAX - 1;
    CHECK_STATUS(read_zeros(ROWS_MAX, NULL, &limits, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "unpacked_bytes_max"));
    assert_true(cflight_error_size_limit(error, &limit_bytes, &actual_bytes));
    assert_int_equal(limit_bytes, BATCH_BYTES_MAX - 1);
    assert_int_equal(actual_bytes, BATCH_BYTES_MAX);
    cflight_error_free(error);
    error = NULL;

    options.unpacked_bytes_max = BATCH_BYTES_MAX;
    CHECK_OK(read_zeros(ROWS_MAX, &options, &limits, &error), error);
    options.unpacked_bytes_max = BATCH_BYTES_MAX - 1;
    CHECK_STATUS(read_zeros(ROWS_MAX, &options, NULL, NULL), CFLIGHT_RESOURCE_EXHAUSTED);
}

/* Goal: a large message of data that compresses as data does passes whatever the free amount is.
 * Method: numbers of which every eighth differs, with nothing free, under the usual ratio. */
TEST(unpacked, ordinary_data_has_no_limit_but_its_size)
{
    struct cfl_limits limits = cfl_limits_default;
    cflight_error *error = NULL;
    for (size_t i = 0; i < ROWS_MAX; i++) {
        rows[i] = i % 8 == 0 ? (int64_t)(i * UINT64_C(0x9E3779B97F4A7C15)) : 7;
    }
    limits.unpacked_bytes_free = 0;
    CHECK_OK(read_zeros(ROWS_MAX, NULL, &limits, &error), error);
    limits.unpacked_bytes_max = BATCH_BYTES_MAX - 1;
    CHECK_STATUS(read_zeros(ROWS_MAX, NULL, &limits, NULL), CFLIGHT_RESOURCE_EXHAUSTED);
}

/* Goal: what a batch unpacks to counts in the budget while it is made, and not when it is handed
 * on. Method: a budget of exactly one batch, three times; then one that is a byte too small. */
TEST(unpacked, a_batch_counts_until_it_is_handed_on)
{
    static const int64_t counts[] = {ROWS_MAX, ROWS_MAX, ROWS_MAX};
    for (uint64_t missing_bytes = 0; missing_bytes < 2; missing_bytes++) {
        struct reading reading = {0};
        struct cfl_budget budget;
        cflight_error *error = NULL;
        memset(rows, 0, sizeof rows);
        write_stream(&reading, false, counts, 3);
        cfl_budget_init(&budget, NULL, BATCH_BYTES_MAX - missing_bytes);
        open_reading(&reading, NULL, NULL, &budget);
        CHECK_OK(feed(&reading, NULL), NULL);
        for (int i = 0; i < 3; i++) {
            cflight_status status = feed(&reading, &error);
            CHECK_STATUS(status, missing_bytes > 0 ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
            assert_int_equal(atomic_load(&budget.used_bytes), 0);
            assert_true(error == NULL ||
                        strstr(cflight_error_message(error), "unread_bytes_max") != NULL);
            cflight_error_free(error);
            error = NULL;
        }
        close_reading(&reading);
    }
}

/* Goal: a dictionary counts in the budget as long as it is kept, and no longer.
 * Method: a dictionary that is replaced by a smaller one; the same under a budget that is too
 * small, which leaves the old one. */
TEST(unpacked, dictionaries_count_as_long_as_they_are_kept)
{
    static const int64_t counts[] = {ROWS_MAX, ROWS_MAX / 2};
    struct reading reading = {0};
    struct cfl_budget budget;
    memset(rows, 0, sizeof rows);
    write_stream(&reading, true, counts, 2);
    cfl_budget_init(&budget, NULL, UINT64_MAX);
    open_reading(&reading, NULL, NULL, &budget);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(feed(&reading, NULL), NULL);
    }
    uint64_t first_bytes = atomic_load(&budget.used_bytes);
    assert_in_range(first_bytes, BATCH_BYTES_MAX, BATCH_BYTES_MAX + 4096);
    CHECK_OK(feed(&reading, NULL), NULL);
    uint64_t second_bytes = atomic_load(&budget.used_bytes);
    assert_in_range(second_bytes, BATCH_BYTES_MAX / 2, BATCH_BYTES_MAX / 2 + 4096);
    cfl_decoder_free(reading.decoder);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);

    cfl_budget_init(&budget, NULL, first_bytes + second_bytes - 1);
    open_reading(&reading, NULL, NULL, &budget);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(feed(&reading, NULL), NULL);
    }
    CHECK_STATUS(feed(&reading, NULL), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_int_equal(atomic_load(&budget.used_bytes), first_bytes);
    close_reading(&reading);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

/* Goal: many small bombs do not make a large one: dictionaries stay, so they have one limit.
 * Method: a dictionary that fits alone, as two columns. */
TEST(unpacked, all_dictionaries_have_one_limit)
{
    static const int64_t counts[] = {ROWS_MAX};
    for (size_t column_count = 1; column_count <= 2; column_count++) {
        struct reading reading = {.column_count = column_count};
        struct cfl_limits limits = cfl_limits_default;
        limits.unpacked_bytes_free = BATCH_BYTES_MAX + 4096;
        write_stream(&reading, true, counts, 1);
        open_reading(&reading, NULL, &limits, NULL);
        CHECK_OK(feed(&reading, NULL), NULL);
        CHECK_OK(feed(&reading, NULL), NULL);
        CHECK_STATUS(feed(&reading, NULL),
                     column_count == 1 ? CFLIGHT_OK : CFLIGHT_RESOURCE_EXHAUSTED);
        close_reading(&reading);
    }
}

/* Goal: the option for dictionaries works, and its error names it. Method: one byte too few. */
TEST(unpacked, dictionaries_have_a_limit_that_an_option_changes)
{
    static const int64_t counts[] = {ROWS_MAX};
    struct reading reading = {0};
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    cflight_error *error = NULL;
    write_stream(&reading, true, counts, 1);
    options.dictionary_bytes_max = BATCH_BYTES_MAX;
    open_reading(&reading, &options, NULL, NULL);
    CHECK_OK(feed(&reading, NULL), NULL);
    CHECK_STATUS(feed(&reading, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "dictionary_bytes_max"));
    cflight_error_free(error);
    close_reading(&reading);
}

/* ---- dictionaries that are joined ---- */

enum { MARK = 54321, NULLS_BYTES = MARK / 8 + 1 };

static int append_views(void *user_data, const struct cflight_bytes *views, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(cfl_buf_append_bytes(user_data, views[i]));
    }
    return 0;
}

/* A dictionary of MARK structs of nothing but nulls, and a delta that adds a struct that is null.
 */
static void write_joined(struct cfl_buf *stream)
{
    static uint8_t validity[NULLS_BYTES];
    struct ArrowSchema inner = t_field("n", "n");
    struct ArrowSchema values = t_nested_field("", "+s", (struct ArrowSchema *[]){&inner}, 1);
    struct ArrowSchema field = t_field("d", "c");
    struct ArrowArray nulls = t_array(MARK, NULL, 0);
    struct ArrowArray *children[] = {&nulls};
    const void *buffers[] = {NULL};
    const int8_t first = 0;
    const void *index_buffers[] = {NULL, &first};
    struct ArrowArray dictionary = t_nested_array(MARK, buffers, 1, children, 1);
    struct ArrowArray column = t_array(1, index_buffers, 2);
    struct t_single single;
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;

    field.dictionary = &values;
    column.dictionary = &dictionary;
    nulls.null_count = MARK;
    t_single_init(&single, &field, &column);
    CHECK_OK(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, &single.schema, append_views, stream,
                                    NULL, &writer, &error),
             error);
    CHECK_OK(cflight_ipc_writer_write(writer, &single.batch, &error), error);
    memset(validity, 0xFF, sizeof validity);
    validity[MARK / 8] = (1U << MARK % 8) - 1;
    buffers[0] = validity;
    nulls.length = nulls.null_count = dictionary.length = MARK + 1;
    dictionary.null_count = 1;
    CHECK_OK(cflight_ipc_writer_write(writer, &single.batch, &error), error);
    CHECK_OK(cflight_ipc_writer_close(writer, &error), error);
    assert_int_equal(cflight_ipc_writer_stats(writer).dictionary_delta_count, 1);
    cflight_ipc_writer_free(writer);
}

/* Has the dictionary claim another number of rows, wherever it says so. */
static void claim_rows(struct cfl_buf *stream, int64_t row_count)
{
    const int64_t mark = MARK;
    size_t found_count = 0;
    for (size_t i = 0; i + sizeof mark <= stream->len_bytes; i++) {
        if (memcmp(stream->data + i, &mark, sizeof mark) == 0) {
            memcpy(stream->data + i, &row_count, sizeof row_count);
            found_count++;
        }
    }
    assert_int_equal(found_count, 4); /* the batch, two nodes, and that all are null */
}

/* Reads the schema, the dictionary, a batch and the delta. */
static cflight_status read_joined(int64_t row_count, struct cfl_budget *budget,
                                  cflight_error **reterr)
{
    struct cfl_limits limits = cfl_limits_default;
    struct reading reading = {0};
    struct cfl_buf stream;
    cfl_buf_init(&stream, NULL);
    write_joined(&stream);
    claim_rows(&stream, row_count);
    CHECK_STATUS(cflight_buffer_new_copy(cfl_buf_bytes(&stream), &reading.buffer, NULL),
                 CFLIGHT_OK);
    cfl_buf_done(&stream);
    limits.unpacked_bytes_free = 1 << 20;
    open_reading(&reading, NULL, &limits, budget);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(feed(&reading, NULL), NULL);
    }
    cflight_status status = feed(&reading, reterr);
    close_reading(&reading);
    return status;
}

/* Goal: a delta makes no memory that its bytes do not account for. Method: rows that take no bytes
 * get a bitmap when a null row is added behind them, a bit for each; as many as the limit has room
 * for, more, and as many as a budget has no room for. */
TEST(unpacked, joined_dictionaries_are_bounded_before_memory_is_made)
{
    struct cfl_budget budget;
    cflight_error *error = NULL;
    CHECK_OK(read_joined(MARK, NULL, &error), error);
    CHECK_OK(read_joined(INT64_C(7) << 20, NULL, &error), error);
    CHECK_STATUS(read_joined(INT64_C(1) << 30, NULL, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "the memory of a joined dictionary"));
    cflight_error_free(error);
    error = NULL;
    cfl_budget_init(&budget, NULL, 1 << 16);
    CHECK_STATUS(read_joined(INT64_C(7) << 20, &budget, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "unread_bytes_max"));
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    cflight_error_free(error);
}
