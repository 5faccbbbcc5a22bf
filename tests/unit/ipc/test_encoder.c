/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder: where bytes come from, what is refused, what an ended batch leaves behind. That the
 * messages mean the right thing is tested against another implementation, in tests/interop. */
#include "fixture.h"
#include "ipc/encoder.h"
#include "test.h"

static struct cfl_encoder *open_encoder(const struct ArrowSchema *schema,
                                        const struct cflight_ipc_write_options *options)
{
    struct cfl_encoder *encoder = NULL;
    cflight_error *error = NULL;

    CHECK_OK(cfl_encoder_new(NULL, schema, options, NULL, &encoder, &error), error);
    return encoder;
}

/* The batch message of rows, dictionaries skipped. */
static struct cfl_encoded encode(struct cfl_encoder *encoder, const struct ArrowArray *batch,
                                 int64_t row_offset, int64_t row_count)
{
    struct cfl_encoded message = {.kind = CFL_MESSAGE_SCHEMA};
    bool has_message = true;
    cflight_error *error = NULL;

    CHECK_OK(cfl_encoder_begin(encoder, batch, row_offset, row_count, &error), error);
    while (message.kind != CFL_MESSAGE_BATCH) {
        CHECK_OK(cfl_encoder_next(encoder, &message, &has_message, &error), error);
        assert_true(has_message);
    }
    return message;
}

static bool has_piece(const struct cfl_pieces *pieces, const void *data, size_t len_bytes)
{
    for (size_t i = 0; i < pieces->count; i++) {
        if (pieces->items[i].data == data && pieces->items[i].len_bytes == len_bytes) {
            return true;
        }
    }
    return false;
}

/* A batch of one column and its encoder, for tests that look at bodies. */
struct single {
    struct t_single data;
    struct cfl_encoder *encoder;
};

static void single_init(struct single *single, struct ArrowSchema *field, struct ArrowArray *column)
{
    t_single_init(&single->data, field, column);
    single->encoder = open_encoder(&single->data.schema, NULL);
}

static void single_done(struct single *single)
{
    cfl_encoder_end(single->encoder, true);
    cfl_encoder_free(single->encoder);
}

/* Goal: column data is not copied.
 * Method: a whole and a sliced int64 column and a text column; pieces must be the caller's memory.
 */
TEST(encoder, int64_and_text_are_sent_from_where_they_are)
{
    int32_t offsets[] = {0, 3, 8};
    char text[] = "redgreen";
    struct ArrowSchema fields[] = {t_field("number", "l"), t_field("text", "u")};
    struct ArrowArray columns[] = {
        t_array(2, (const void *[]){NULL, t_int64_values}, 2),
        t_array(2, (const void *[]){NULL, offsets, text}, 3),
    };
    struct ArrowSchema schema =
        t_nested_field("", "+s", (struct ArrowSchema *[]){&fields[0], &fields[1]}, 2);
    struct ArrowArray batch = t_nested_array(2, (const void *[]){NULL}, 1,
                                             (struct ArrowArray *[]){&columns[0], &columns[1]}, 2);
    struct cfl_encoder *encoder = open_encoder(&schema, NULL);

    struct cfl_encoded message = encode(encoder, &batch, 0, 2);
    assert_true(has_piece(message.body, t_int64_values, 16));
    assert_true(has_piece(message.body, offsets, 12));
    assert_true(has_piece(message.body, text, 8));
    assert_int_equal(message.body_len_bytes, 16 + 16 + 8);
    assert_int_equal(message.body->len_bytes, message.body_len_bytes);
    cfl_encoder_end(encoder, true);

    message = encode(encoder, &batch, 1, 1);
    assert_true(has_piece(message.body, t_int64_values + 1, 8));
    assert_true(has_piece(message.body, text + 3, 5));
    cfl_encoder_end(encoder, true);
    cfl_encoder_free(encoder);
}

/* Goal: a validity bitmap is shifted only when it must be, and left out when nothing is null.
 * Method: 16 rows of which one is null, at offsets 8, 4 and behind the null. */
TEST(encoder, bitmaps_are_copied_only_when_they_start_inside_a_byte)
{
    uint8_t bits[] = {0xFF, 0xDF, 0xFF};
    int8_t values[24] = {0};
    struct ArrowSchema field = t_field("a", "c");
    struct ArrowArray column = t_array(24, (const void *[]){bits, values}, 2);
    struct single single;
    column.null_count = 1;
    single_init(&single, &field, &column);

    struct cfl_encoded message = encode(single.encoder, &single.data.batch, 8, 16);
    assert_ptr_equal(message.body->items[0].data, bits + 1);
    assert_int_equal(message.body->items[0].len_bytes, 2);
    cfl_encoder_end(single.encoder, true);

    message = encode(single.encoder, &single.data.batch, 4, 12);
    const uint8_t shifted[] = {0xFF, 0x0D};
    assert_int_equal(message.body->items[0].len_bytes, 2);
    assert_memory_equal(message.body->items[0].data, shifted, 2);
    cfl_encoder_end(single.encoder, true);

    message = encode(single.encoder, &single.data.batch, 14, 10);
    assert_ptr_equal(message.body->items[0].data, values + 14);
    assert_int_equal(message.body_len_bytes, 16);
    single_done(&single);
}

/* Goal: a slice of a view array carries the data it uses, not all there is.
 * Method: 100 views into one buffer; rows that use a hundredth of it, then all rows. */
TEST(encoder, slices_of_views_leave_unused_data_behind)
{
    static char data[100 * 20];
    static uint8_t views[100][16];
    int64_t data_len[] = {sizeof data};
    struct ArrowSchema field = t_field("a", "vz");
    struct ArrowArray column = t_array(100, (const void *[]){NULL, views, data, data_len}, 4);
    struct single single;
    for (int32_t i = 0; i < 100; i++) {
        const int32_t view[4] = {20, 0, 0, 20 * i};
        memcpy(views[i], view, sizeof view);
    }
    single_init(&single, &field, &column);

    struct cfl_encoded message = encode(single.encoder, &single.data.batch, 40, 1);
    assert_int_equal(message.body_len_bytes, 16 + 24);
    assert_true(has_piece(message.body, data + 40 * 20, 20));
    cfl_encoder_end(single.encoder, true);
    message = encode(single.encoder, &single.data.batch, 0, 100);
    assert_int_equal(message.body_len_bytes, 1600 + 2000);
    assert_ptr_equal(message.body->items[0].data, views);
    single_done(&single);
}

/* Goal: splitting can trust the measure. Method: every slice of a batch of all layouts, measured
 * and then encoded. */
TEST(encoder, measure_is_the_size_of_the_message)
{
    struct t_layouts all;
    uint64_t measured_bytes = 0;
    cflight_error *error = NULL;
    t_layouts_init(&all);

    for (int v4 = 0; v4 < 2; v4++) {
        struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
        options.use_metadata_v4 = v4 == 1;
        struct cfl_encoder *encoder = open_encoder(&all.schema, &options);
        for (int64_t offset = 0; offset <= 4; offset++) {
            for (int64_t count = 0; count <= 4 - offset; count++) {
                CHECK_OK(cfl_encoder_measure(encoder, &all.batch, offset, count, &measured_bytes,
                                             &error),
                         error);
                struct cfl_encoded message = encode(encoder, &all.batch, offset, count);
                assert_int_equal(measured_bytes, message.header.len_bytes + message.body_len_bytes);
                assert_int_equal(message.body->len_bytes, message.body_len_bytes);
                assert_int_equal(message.header.len_bytes % 8, 0);
                cfl_encoder_end(encoder, true);
            }
        }
        cfl_encoder_free(encoder);
    }
}

/* Goal: lengths are right far beyond 32 bits, and sums that do not fit are refused.
 * Method: columns that claim to be huge; fixed width without nulls is never looked into. */
TEST(encoder, huge_bodies_have_right_lengths)
{
    struct ArrowSchema field = t_field("a", "l");
    struct ArrowArray column = t_array(INT64_MAX - 1, (const void *[]){NULL, t_int64_values}, 2);
    struct single single;
    single_init(&single, &field, &column);

    struct cfl_encoded message = encode(single.encoder, &single.data.batch, 0, (int64_t)1 << 40);
    assert_int_equal(message.body_len_bytes, (uint64_t)1 << 43);
    assert_int_equal(message.body->len_bytes, (uint64_t)1 << 43);
    cfl_encoder_end(single.encoder, true);
    CHECK_STATUS(cfl_encoder_begin(single.encoder, &single.data.batch, 0, INT64_MAX / 8 + 1, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cfl_encoder_begin(single.encoder, &single.data.batch, INT64_MAX / 8 + 1, 1, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    single_done(&single);
}

/* Goal: the sum over columns is checked too. Method: two columns of more than half of what fits. */
TEST(encoder, bodies_that_no_message_can_describe_are_refused)
{
    const int64_t row_count = INT64_MAX / 8 - 1;
    struct ArrowSchema field = t_field("a", "l");
    struct ArrowSchema schema =
        t_nested_field("", "+s", (struct ArrowSchema *[]){&field, &field}, 2);
    struct ArrowArray column = t_array(row_count, (const void *[]){NULL, t_int64_values}, 2);
    struct ArrowArray batch = t_nested_array(row_count, (const void *[]){NULL}, 1,
                                             (struct ArrowArray *[]){&column, &column}, 2);
    struct cfl_encoder *encoder = open_encoder(&schema, NULL);
    struct cfl_encoded message;
    bool has_message = false;
    cflight_error *error = NULL;

    CHECK_OK(cfl_encoder_begin(encoder, &batch, 0, row_count, &error), error);
    CHECK_STATUS(cfl_encoder_next(encoder, &message, &has_message, NULL),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    cfl_encoder_end(encoder, false);
    cfl_encoder_free(encoder);
}

/* Changes that make an array no longer fit its type. */
static void break_int64_buffers(struct t_layouts *all)
{
    all->columns[T_INT64].n_buffers = 3;
}
static void break_int64_values(struct t_layouts *all)
{
    all->columns[T_INT64].buffers[1] = NULL;
}
static void break_int64_bitmap(struct t_layouts *all)
{
    all->columns[T_INT64].buffers[0] = NULL;
    all->columns[T_INT64].null_count = 2;
}
static void break_int64_null_count(struct t_layouts *all)
{
    all->columns[T_INT64].null_count = 5;
}
static void break_length(struct t_layouts *all)
{
    all->columns[T_INT64].length = -1;
}
static void break_offset(struct t_layouts *all)
{
    all->columns[T_INT64].offset = INT64_MAX - 3;
}
static void break_short_column(struct t_layouts *all)
{
    all->columns[T_TEXT].length = 3;
}
static void break_text_offsets(struct t_layouts *all)
{
    all->columns[T_TEXT].buffers[1] = NULL;
}
static void break_text_falling(struct t_layouts *all)
{
    static const int32_t falling[7] = {0, 4, 7, 0, 0, 0, 0};
    all->columns[T_TEXT].buffers[1] = falling;
}
static void break_text_negative(struct t_layouts *all)
{
    static const int32_t negative[7] = {0, 4, -1, 0, 0, 0, 9};
    all->columns[T_TEXT].buffers[1] = negative;
}
static void break_text_data(struct t_layouts *all)
{
    all->columns[T_TEXT].buffers[2] = NULL;
}
static void break_list_child(struct t_layouts *all)
{
    all->columns[T_LIST].children[0]->length = 4;
}
static void break_list_children(struct t_layouts *all)
{
    all->columns[T_LIST].n_children = 2;
}
static void break_list_children_pointer(struct t_layouts *all)
{
    all->columns[T_LIST].children = NULL;
}
static void break_struct_child(struct t_layouts *all)
{
    all->columns[T_STRUCT].children[0]->length = 3;
}
static void break_bools(struct t_layouts *all)
{
    all->columns[T_STRUCT].children[0]->buffers[1] = NULL;
}
static void break_dictionary(struct t_layouts *all)
{
    all->columns[T_DICTIONARY].dictionary = NULL;
}
static void break_dictionary_values(struct t_layouts *all)
{
    all->dictionary.n_buffers = 2;
}
static void break_dense_ids(struct t_layouts *all)
{
    static const int8_t ids[6] = {5, 7, 5, 6, 7, 5};
    all->columns[T_DENSE].buffers[0] = ids;
}
static void break_dense_offsets(struct t_layouts *all)
{
    static const int32_t offsets[6] = {0, 0, -1, 1, 2, 2};
    all->columns[T_DENSE].buffers[1] = offsets;
}
static void break_dense_child(struct t_layouts *all)
{
    all->columns[T_DENSE].children[0]->length = 2;
}
static void break_dense_missing(struct t_layouts *all)
{
    all->columns[T_DENSE].buffers[1] = NULL;
}
static void break_sparse_child(struct t_layouts *all)
{
    all->columns[T_SPARSE].children[1]->length = 3;
}
static void break_run_ends_short(struct t_layouts *all)
{
    all->columns[T_RUNS].children[0]->length = 2;
}
static void break_run_ends_missing(struct t_layouts *all)
{
    all->columns[T_RUNS].children[0]->buffers[1] = NULL;
}
static void break_run_values(struct t_layouts *all)
{
    all->columns[T_RUNS].children[1]->length = 1;
}
static void break_view_sizes(struct t_layouts *all)
{
    all->columns[T_VIEW].buffers[3] = NULL;
}
static void break_view_buffers(struct t_layouts *all)
{
    all->columns[T_VIEW].n_buffers = 2;
}
static void break_view_data(struct t_layouts *all)
{
    all->columns[T_VIEW].buffers[2] = NULL;
}
static void break_view_range(struct t_layouts *all)
{
    static const int64_t short_len[1] = {20};
    all->columns[T_VIEW].buffers[3] = short_len;
}
static void break_list_view_offset(struct t_layouts *all)
{
    static const int32_t offsets[6] = {0, 0, -1, 0, 0, 0};
    all->columns[T_LIST_VIEW].buffers[1] = offsets;
}
static void break_list_view_size(struct t_layouts *all)
{
    static const int32_t sizes[6] = {0, 0, 9, 0, 0, 0};
    all->columns[T_LIST_VIEW].buffers[2] = sizes;
}
static void break_list_view_missing(struct t_layouts *all)
{
    all->columns[T_LIST_VIEW].buffers[2] = NULL;
}
static void break_fixed_list_child(struct t_layouts *all)
{
    all->columns[T_FIXED_LIST].children[0]->length = 7;
}
static void break_child_pointer(struct t_layouts *all)
{
    all->column_pointers[T_FIXED_LIST] = NULL;
}
static void break_column_count(struct t_layouts *all)
{
    all->batch.n_children--;
}
static void break_top_level_nulls(struct t_layouts *all)
{
    static const uint8_t bits[1] = {0x0E};
    all->no_buffer[0] = bits;
    all->batch.null_count = -1;
}
static void break_release(struct t_layouts *all)
{
    all->batch.release = NULL;
}

/* Goal: an array that does not fit is refused before anything is made, and does not spoil the
 * encoder. Method: one defect at a time in a good batch; then the good batch. The slice leaves out
 * row 3. */
TEST(encoder, arrays_that_do_not_fit_are_refused)
{
    void (*const defects[])(struct t_layouts *) = {
        break_int64_buffers,
        break_int64_values,
        break_int64_bitmap,
        break_int64_null_count,
        break_length,
        break_offset,
        break_short_column,
        break_text_offsets,
        break_text_falling,
        break_text_negative,
        break_text_data,
        break_list_child,
        break_list_children,
        break_list_children_pointer,
        break_struct_child,
        break_bools,
        break_dictionary,
        break_dictionary_values,
        break_dense_ids,
        break_dense_offsets,
        break_dense_child,
        break_dense_missing,
        break_sparse_child,
        break_run_ends_short,
        break_run_ends_missing,
        break_run_values,
        break_view_sizes,
        break_view_buffers,
        break_view_data,
        break_view_range,
        break_list_view_offset,
        break_list_view_size,
        break_list_view_missing,
        break_fixed_list_child,
        break_child_pointer,
        break_column_count,
        break_top_level_nulls,
        break_release,
    };
    struct t_layouts all;
    t_layouts_init(&all);
    struct cfl_encoder *encoder = open_encoder(&all.schema, NULL);

    for (size_t i = 0; i < sizeof defects / sizeof defects[0]; i++) {
        cflight_error *error = NULL;
        t_layouts_init(&all);
        defects[i](&all);
        if (cfl_encoder_begin(encoder, &all.batch, 0, 4, &error) != CFLIGHT_INVALID_ARGUMENT) {
            fail_msg("defect %zu was not refused", i);
        }
        assert_true(strlen(cflight_error_message(error)) > 0);
        cflight_error_free(error);
    }
    t_layouts_init(&all);
    (void)encode(encoder, &all.batch, 0, 4);
    cfl_encoder_end(encoder, true);
    cfl_encoder_free(encoder);
}

/* Goal: rows that are not there are refused. Method: ranges at and past the edges. */
TEST(encoder, row_ranges_outside_the_batch_are_refused)
{
    struct t_layouts all;
    t_layouts_init(&all);
    struct cfl_encoder *encoder = open_encoder(&all.schema, NULL);
    const int64_t ranges[][2] = {{0, 5}, {5, 0}, {-1, 1}, {1, -1}, {4, 1}, {INT64_MAX, INT64_MAX}};

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        CHECK_STATUS(cfl_encoder_begin(encoder, &all.batch, ranges[i][0], ranges[i][1], NULL),
                     CFLIGHT_INVALID_ARGUMENT);
    }
    CHECK_STATUS(cfl_encoder_begin(encoder, NULL, 0, 0, NULL), CFLIGHT_INVALID_ARGUMENT);
    (void)encode(encoder, &all.batch, 4, 0);
    cfl_encoder_end(encoder, true);
    cfl_encoder_free(encoder);
}

/* Goal: the error says which column, however deep. Method: a list whose child is too short. */
TEST(encoder, errors_name_the_column)
{
    struct t_layouts all;
    cflight_error *error = NULL;
    t_layouts_init(&all);
    struct cfl_encoder *encoder = open_encoder(&all.schema, NULL);
    break_list_child(&all);

    CHECK_STATUS(cfl_encoder_begin(encoder, &all.batch, 0, 4, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(
        cflight_error_message(error),
        "column \"column\": column \"child\": 5 rows from row 0 are wanted, the array has 4");
    cflight_error_free(error);
    cfl_encoder_free(encoder);
}

static int count_dictionaries(struct cfl_encoder *encoder, const struct ArrowArray *batch,
                              bool was_sent)
{
    struct cfl_encoded message;
    bool has_message = true;
    int count = 0;
    cflight_error *error = NULL;

    CHECK_OK(cfl_encoder_begin(encoder, batch, 0, batch->length, &error), error);
    for (;;) {
        CHECK_OK(cfl_encoder_next(encoder, &message, &has_message, &error), error);
        if (!has_message) {
            break;
        }
        count += message.kind == CFL_MESSAGE_DICTIONARY;
    }
    cfl_encoder_end(encoder, was_sent);
    return count;
}

/* Goal: what was not sent counts as not sent, dictionaries and statistics alike.
 * Method: the same batch, given up, sent, sent again; then with a changed dictionary. */
TEST(encoder, a_batch_given_up_leaves_no_trace)
{
    struct t_layouts all;
    t_layouts_init(&all);
    struct cfl_encoder *encoder = open_encoder(&all.schema, NULL);

    assert_int_equal(count_dictionaries(encoder, &all.batch, false), 1);
    assert_int_equal(cfl_encoder_stats(encoder).message_count, 0);
    assert_int_equal(count_dictionaries(encoder, &all.batch, true), 1);
    assert_int_equal(count_dictionaries(encoder, &all.batch, true), 0);
    assert_int_equal(cfl_encoder_stats(encoder).message_count, 3);

    t_dictionary_data[0] = 'R';
    assert_int_equal(count_dictionaries(encoder, &all.batch, false), 1);
    assert_int_equal(cfl_encoder_stats(encoder).replaced_dictionary_count, 0);
    assert_int_equal(count_dictionaries(encoder, &all.batch, true), 1);
    assert_int_equal(cfl_encoder_stats(encoder).replaced_dictionary_count, 1);
    t_dictionary_data[0] = 'r';
    cfl_encoder_free(encoder);
}

/* Goal: begin, next and end in any order are safe. Method: each where it does not belong. */
TEST(encoder, calls_out_of_order_do_no_harm)
{
    struct t_layouts all;
    struct cfl_encoded message;
    bool has_message = true;
    uint64_t len_bytes = 0;
    cflight_error *error = NULL;
    t_layouts_init(&all);
    struct cfl_encoder *encoder = open_encoder(&all.schema, NULL);

    CHECK_OK(cfl_encoder_next(encoder, &message, &has_message, &error), error);
    assert_false(has_message);
    cfl_encoder_end(encoder, true);
    (void)encode(encoder, &all.batch, 0, 4);
    CHECK_STATUS(cfl_encoder_begin(encoder, &all.batch, 0, 4, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(cfl_encoder_measure(encoder, &all.batch, 0, 4, &len_bytes, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    CHECK_OK(cfl_encoder_next(encoder, &message, &has_message, &error), error);
    assert_false(has_message);
    cfl_encoder_free(encoder);
    cfl_encoder_free(NULL);
}

/* The whole life of an encoder with `alloc`; stops at the first failure. */
static cflight_status live(const struct cflight_allocator *alloc, struct t_layouts *all,
                           const struct cflight_ipc_write_options *options)
{
    struct cfl_encoder *encoder = NULL;
    struct cfl_encoded message;
    bool has_message = true;
    uint64_t len_bytes = 0;
    cflight_status status = cfl_encoder_new(alloc, &all->schema, options, NULL, &encoder, NULL);

    if (status == CFLIGHT_OK) {
        status = cfl_encoder_measure(encoder, &all->batch, 1, 2, &len_bytes, NULL);
    }
    for (int64_t row_count = 4; status == CFLIGHT_OK && row_count > 1; row_count--) {
        all->dictionary.length = row_count == 4 ? 1 : 2;
        status = cfl_encoder_begin(encoder, &all->batch, 4 - row_count, row_count, NULL);
        has_message = true;
        while (status == CFLIGHT_OK && has_message) {
            status = cfl_encoder_next(encoder, &message, &has_message, NULL);
        }
        if (encoder != NULL) {
            cfl_encoder_end(encoder, status == CFLIGHT_OK);
        }
    }
    cfl_encoder_free(encoder);
    return status;
}

/* Goal: no allocation failure crashes, leaks, or is reported as anything else.
 * Method: fail allocation 0, then 1, and so on, with and without compression, deltas and threads.
 */
TEST(encoder, every_allocation_failure_is_reported)
{
    struct t_layouts all;
    t_layouts_init(&all);

    for (int codec = 0; codec < 3; codec++) {
        struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
        options.compression = (enum cflight_compression)codec;
        options.send_whole_dictionaries = codec == 1;
        options.compression_threads = 2;
        T_EACH_ALLOC_FAILURE(alloc) {
            cflight_status status = live(&alloc->allocator, &all, &options);
            CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        }
    }
}
