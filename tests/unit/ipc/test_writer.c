/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's own part: framing, order of calls, failures. What is in the messages is tested with
 * the encoder and, against another implementation, in tests/interop. */
#include "base/buf.h"
#include "fixture.h"
#include "ipc/writer.h"
#include "test.h"

static int collect(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct cfl_buf *target = user_data;

    for (size_t i = 0; i < count; i++) {
        assert_true(cfl_buf_append_bytes(target, views[i]));
    }
    return 0;
}

static int refuse(void *user_data, const struct cflight_bytes *views, size_t count)
{
    (void)user_data;
    (void)views;
    (void)count;
    return 28;
}

static void write_twice(enum cflight_ipc_format format, int32_t alignment_bytes,
                        struct cfl_buf *target)
{
    struct t_layouts all;
    struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;

    t_layouts_init(&all);
    options.alignment_bytes = alignment_bytes;
    CHECK_OK(
        cflight_ipc_writer_new(format, &all.schema, collect, target, &options, &writer, &error),
        error);
    CHECK_OK(cflight_ipc_writer_write(writer, &all.batch, &error), error);
    CHECK_OK(cflight_ipc_writer_write(writer, &all.batch, &error), error);
    CHECK_OK(cflight_ipc_writer_close(writer, &error), error);
    assert_int_equal(cflight_ipc_writer_stats(writer).message_count, 4);
    CHECK_STATUS(cflight_ipc_writer_write(writer, &all.batch, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(cflight_ipc_writer_close(writer, NULL), CFLIGHT_FAILED_PRECONDITION);
    cflight_ipc_writer_free(writer);
}

/* Goal: a stream starts with a message and ends with the marker; the bytes depend on the input
 * only. Method: look at both ends, write twice, compare. */
TEST(writer, a_stream_ends_with_its_marker_and_is_deterministic)
{
    const uint8_t marker[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0};
    struct cfl_buf first;
    struct cfl_buf second;
    cfl_buf_init(&first, NULL);
    cfl_buf_init(&second, NULL);

    write_twice(CFLIGHT_IPC_FORMAT_STREAM, 0, &first);
    write_twice(CFLIGHT_IPC_FORMAT_STREAM, 8, &second);
    assert_memory_equal(first.data, marker, 4);
    assert_memory_equal(first.data + first.len_bytes - 8, marker, 8);
    assert_int_equal(first.len_bytes, second.len_bytes);
    assert_memory_equal(first.data, second.data, first.len_bytes);
    cfl_buf_done(&first);
    cfl_buf_done(&second);
}

/* Goal: a file has its magic at both ends and the first message at byte 8, whatever the alignment.
 * Method: both alignments. */
TEST(writer, a_file_starts_and_ends_with_its_magic)
{
    for (int32_t alignment_bytes = 8; alignment_bytes <= 64; alignment_bytes *= 8) {
        struct cfl_buf file;
        cfl_buf_init(&file, NULL);
        write_twice(CFLIGHT_IPC_FORMAT_FILE, alignment_bytes, &file);
        assert_memory_equal(file.data, "ARROW1\0\0\xFF\xFF\xFF\xFF", 12);
        assert_memory_equal(file.data + file.len_bytes - 6, "ARROW1", 6);
        cfl_buf_done(&file);
    }
}

/* Goal: misuse is refused at the edge. Method: each argument missing or out of range. */
TEST(writer, bad_arguments_are_refused)
{
    struct t_layouts all;
    cflight_ipc_writer *writer = NULL;
    t_layouts_init(&all);

    CHECK_STATUS(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_FILE, &all.schema, NULL, NULL, NULL,
                                        &writer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_FILE, &all.schema, collect, NULL, NULL,
                                        NULL, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_writer_new((enum cflight_ipc_format)2, &all.schema, collect, NULL,
                                        NULL, &writer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_writer_write(NULL, &all.batch, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_writer_close(NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    cflight_ipc_writer_free(NULL);
}

/* Goal: the callback's errno comes back with the error. Method: a callback that always fails. */
TEST(writer, the_errno_of_the_callback_is_reported)
{
    struct t_layouts all;
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;
    t_layouts_init(&all);

    CHECK_STATUS(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, &all.schema, refuse, NULL, NULL,
                                        &writer, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_int_equal(cflight_error_os_code(error), 28);
    cflight_error_free(error);
}

static int count_bytes(void *user_data, const struct cflight_bytes *views, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *(size_t *)user_data += views[i].len_bytes;
    }
    return 0;
}

/* Goal: no allocation failure crashes, leaks, or is reported as anything else.
 * Method: fail allocation 0, then 1, and so on, over a whole file. */
TEST(writer, every_allocation_failure_is_reported)
{
    struct t_layouts all;
    t_layouts_init(&all);

    T_EACH_ALLOC_FAILURE(alloc) {
        cflight_ipc_writer *writer = NULL;
        size_t written_bytes = 0;
        cflight_status status =
            cfl_ipc_writer_new(&alloc->allocator, CFLIGHT_IPC_FORMAT_FILE, &all.schema, count_bytes,
                               &written_bytes, NULL, &writer, NULL);
        for (int i = 0; status == CFLIGHT_OK && i < 10; i++) {
            status = cflight_ipc_writer_write(writer, &all.batch, NULL);
        }
        if (status == CFLIGHT_OK) {
            status = cflight_ipc_writer_close(writer, NULL);
        }
        cflight_ipc_writer_free(writer);
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
    }
}

struct file_source {
    struct cfl_buf bytes;
    cflight_buffer *buffer;
};

/* Writes three batches of 2^62 rows of a column of nulls, which takes no bytes. */
static void write_too_many_rows(enum cflight_ipc_format format, struct file_source *ret_source)
{
    struct ArrowSchema column = t_field("n", "n");
    struct ArrowSchema *columns[] = {&column};
    struct ArrowSchema schema = t_nested_field("", "+s", columns, 1);
    const void *no_buffer[] = {NULL};
    struct ArrowArray nulls = t_array(INT64_C(1) << 62, NULL, 0);
    struct ArrowArray *children[] = {&nulls};
    struct ArrowArray batch = t_nested_array(nulls.length, no_buffer, 1, children, 1);
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;
    nulls.null_count = nulls.length;
    cfl_buf_init(&ret_source->bytes, NULL);
    CHECK_OK(
        cflight_ipc_writer_new(format, &schema, collect, &ret_source->bytes, NULL, &writer, &error),
        error);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(cflight_ipc_writer_write(writer, &batch, &error), error);
    }
    CHECK_OK(cflight_ipc_writer_close(writer, &error), error);
    cflight_ipc_writer_free(writer);
    CHECK_OK(cflight_buffer_new_copy(cfl_buf_bytes(&ret_source->bytes), &ret_source->buffer, NULL),
             NULL);
}

/* Goal: a stream or file cannot claim more rows than a count can hold, so nobody's sum of them
 * overflows. Method: three batches of 2^62 rows, of which two are one too many. */
TEST(writer, a_stream_has_no_more_rows_than_can_be_counted)
{
    static const enum cflight_ipc_format FORMATS[] = {CFLIGHT_IPC_FORMAT_STREAM,
                                                      CFLIGHT_IPC_FORMAT_FILE};
    for (size_t i = 0; i < 2; i++) {
        struct file_source source;
        struct ArrowArrayStream stream;
        struct ArrowArray batch = {0};
        cflight_ipc_file *file = NULL;
        cflight_error *error = NULL;
        write_too_many_rows(FORMATS[i], &source);
        CHECK_OK(cflight_ipc_file_open_buffer(source.buffer, NULL, &file, &error), error);
        assert_int_equal(cflight_ipc_file_row_count(file), -1);
        CHECK_OK(cflight_ipc_file_stream(file, &stream, &error), error);
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        assert_true(batch.length == INT64_C(1) << 62);
        batch.release(&batch);
        assert_int_not_equal(stream.get_next(&stream, &batch), 0);
        assert_non_null(strstr(stream.get_last_error(&stream), "others cannot be"));
        assert_null(batch.release);
        stream.release(&stream);
        cflight_ipc_file_free(file);
        cflight_buffer_unref(source.buffer);
        cfl_buf_done(&source.bytes);
    }
}

/* ---- dictionaries that are slow to compare ---- */

static int ignore(void *user_data, const struct cflight_bytes *views, size_t count)
{
    (void)user_data;
    (void)views;
    (void)count;
    return 0;
}

/* Writes a batch of one index for each of the two sets of values. */
static void write_dictionaries(struct ArrowSchema *values, struct ArrowArray *first,
                               struct ArrowArray *second)
{
    struct ArrowArray *dictionaries[] = {first, second};
    struct ArrowSchema field = t_field("d", "c");
    struct ArrowArray column = t_array(1, (const void *[]){NULL, (const int8_t[]){0}}, 2);
    struct t_single single;
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;

    field.dictionary = values;
    column.dictionary = first;
    t_single_init(&single, &field, &column);
    CHECK_OK(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, &single.schema, ignore, NULL, NULL,
                                    &writer, &error),
             error);
    for (size_t i = 0; i < 2; i++) {
        column.dictionary = dictionaries[i];
        CHECK_OK(cflight_ipc_writer_write(writer, &single.batch, &error), error);
    }
    CHECK_OK(cflight_ipc_writer_close(writer, &error), error);
    cflight_ipc_writer_free(writer);
}

/* Goal: what a peer sent can be written again in the time that its bytes take, whatever its
 * dictionaries look like. Method: values that a few bytes stand for, sent twice with a difference
 * that does not count: nulls without end, lists and long texts that are all the same. The watchdog
 * is the judge. */
TEST(writer, dictionaries_are_compared_in_measure)
{
    enum { ROWS = 1 << 16 };
    static int32_t offsets[ROWS];
    static int32_t sizes[ROWS];
    static int8_t items[2][ROWS + 1] = {[1] = {[ROWS] = 1}};
    static struct {
        int32_t len_bytes;
        uint8_t prefix[4];
        int32_t buffer_index;
        int32_t offset;
    } entries[ROWS];
    struct ArrowSchema nulls = t_field("n", "n");
    struct ArrowSchema item = t_field("item", "c");
    struct ArrowSchema lists = t_nested_field("l", "+vl", (struct ArrowSchema *[]){&item}, 1);
    struct ArrowSchema texts = t_field("t", "vz");
    struct ArrowArray values[2];
    struct ArrowArray children[2];
    const int64_t view_sizes[] = {ROWS + 1};
    const void *item_buffers[2][2] = {{NULL, items[0]}, {NULL, items[1]}};
    const void *list_buffers[] = {NULL, offsets, sizes};
    const void *text_buffers[2][4] = {{NULL, entries, items[0], view_sizes},
                                      {NULL, entries, items[1], view_sizes}};
    struct ArrowArray *child_pointers[2][1] = {{&children[0]}, {&children[1]}};

    for (size_t i = 0; i < 2; i++) {
        values[i] = t_array((INT64_C(1) << 40) + (int64_t)i, NULL, 0);
        values[i].null_count = values[i].length;
    }
    write_dictionaries(&nulls, &values[0], &values[1]);

    for (size_t i = 0; i < ROWS; i++) {
        sizes[i] = ROWS;
        entries[i].len_bytes = ROWS;
    }
    for (size_t i = 0; i < 2; i++) {
        children[i] = t_array(ROWS + 1, item_buffers[i], 2);
        values[i] = t_nested_array(ROWS, list_buffers, 3, child_pointers[i], 1);
    }
    write_dictionaries(&lists, &values[0], &values[1]);

    for (size_t i = 0; i < 2; i++) {
        values[i] = t_array(ROWS, text_buffers[i], 4);
    }
    write_dictionaries(&texts, &values[0], &values[1]);
}
