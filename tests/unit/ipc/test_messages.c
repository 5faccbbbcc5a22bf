/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as they are stored: out of files and streams, into files and streams. */
#include "base/buf.h"
#include "ipc_data.h"
#include "test.h"

static const char *const FILE_NAMES[] = {
    "ipc_file/flat",
    "ipc_file/text",
    "ipc_file/nested",
    "ipc_file/unions",
    "ipc_file/runs",
    "ipc_file/lz4",
    "ipc_file/zstd",
    "ipc_file/nested_dictionary",
    "ipc_file/deltas",
    "ipc_file/growing",
    NULL,
};

static int collect(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct cfl_buf *target = user_data;
    for (size_t i = 0; i < count; i++) {
        assert_true(cfl_buf_append_bytes(target, views[i]));
    }
    return 0;
}

static cflight_ipc_file *open_bytes(struct cflight_bytes bytes, cflight_error **reterr)
{
    cflight_buffer *buffer = NULL;
    cflight_ipc_file *file = NULL;
    assert_int_equal(cflight_buffer_new_copy(bytes, &buffer, NULL), CFLIGHT_OK);
    cflight_status status = cflight_ipc_file_open_buffer(buffer, NULL, &file, reterr);
    cflight_buffer_unref(buffer);
    return status == CFLIGHT_OK ? file : NULL;
}

/* Reads all batches; what is wrong is the status. */
static cflight_status summarize(cflight_ipc_file *file, struct t_summary *ret_summary)
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch = {.release = NULL};
    cflight_status status = cflight_ipc_file_stream(file, &stream, NULL);
    memset(ret_summary, 0, sizeof *ret_summary);
    while (status == CFLIGHT_OK) {
        status = stream.get_next(&stream, &batch) == 0 ? CFLIGHT_OK : CFLIGHT_DATA_LOSS;
        if (status != CFLIGHT_OK || batch.release == NULL) {
            break;
        }
        ret_summary->batch_count++;
        ret_summary->row_count += batch.length;
        ret_summary->hash = ret_summary->hash * 31 + t_array_hash(&batch);
        batch.release(&batch);
    }
    stream.release(&stream);
    return status;
}

/* Writes all messages of a file in a format; the row count as the messages say is added up. */
static cflight_status copy(cflight_ipc_file *file, enum cflight_message_check check,
                           enum cflight_ipc_format format, struct cfl_buf *target,
                           int64_t *row_count, cflight_error **reterr)
{
    struct cflight_ipc_messages_options options = CFLIGHT_IPC_MESSAGES_OPTIONS_INIT;
    cflight_ipc_messages *messages = NULL;
    cflight_ipc_writer *writer = NULL;
    bool is_end = false;
    options.check = check;
    cflight_status status = cflight_ipc_file_messages(file, &options, &messages, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_writer_new(format, NULL, collect, target, NULL, &writer, reterr);
    }
    while (status == CFLIGHT_OK && !is_end) {
        struct cflight_message message = {0};
        status = cflight_ipc_messages_next(messages, &message, reterr);
        is_end = message.is_end;
        if (status == CFLIGHT_OK && !is_end) {
            *row_count += message.row_count;
            status = cflight_ipc_writer_write_message(writer, &message, reterr);
        }
        cflight_message_release(&message);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_writer_close(writer, reterr);
    }
    cflight_ipc_writer_free(writer);
    cflight_ipc_messages_free(messages);
    return status;
}

static void check_copy(const char *name, enum cflight_message_check check,
                       enum cflight_ipc_format format)
{
    struct t_bytes bytes = t_load(name);
    struct t_summary expected;
    struct t_summary actual;
    struct cfl_buf written;
    int64_t row_count = 0;
    cflight_error *error = NULL;
    cfl_buf_init(&written, NULL);

    cflight_ipc_file *file = open_bytes(cflight_bytes_make(bytes.data, bytes.len_bytes), &error);
    CHECK_OK(file == NULL ? CFLIGHT_DATA_LOSS : CFLIGHT_OK, error);
    CHECK_STATUS(summarize(file, &expected), CFLIGHT_OK);
    CHECK_OK(copy(file, check, format, &written, &row_count, &error), error);
    cflight_ipc_file_free(file);
    file = open_bytes(cfl_buf_bytes(&written), &error);
    CHECK_OK(file == NULL ? CFLIGHT_DATA_LOSS : CFLIGHT_OK, error);
    CHECK_STATUS(summarize(file, &actual), CFLIGHT_OK);
    assert_int_equal(cflight_ipc_file_batch_count(file) < 0, format == CFLIGHT_IPC_FORMAT_STREAM);
    assert_int_equal(row_count, expected.row_count);
    assert_int_equal(actual.batch_count, expected.batch_count);
    assert_int_equal(actual.row_count, expected.row_count);
    assert_true(actual.hash == expected.hash);
    cflight_ipc_file_free(file);
    cfl_buf_done(&written);
    t_bytes_done(&bytes);
}

/* Goal: what is written message by message reads like what the messages are of.
 * Method: every file, at each level of checking, into both formats. */
TEST(messages, those_of_a_file_make_the_same_file_and_stream)
{
    for (size_t i = 0; FILE_NAMES[i] != NULL; i++) {
        for (int check = CFLIGHT_MESSAGE_CHECK_HEADER; check <= CFLIGHT_MESSAGE_CHECK_VALUES;
             check++) {
            check_copy(FILE_NAMES[i], (enum cflight_message_check)check, CFLIGHT_IPC_FORMAT_FILE);
            check_copy(FILE_NAMES[i], (enum cflight_message_check)check, CFLIGHT_IPC_FORMAT_STREAM);
        }
    }
}

/* Goal: the same of streams, whose dictionaries stand between batches and may be replaced.
 * Method: every stream of metadata version V5. */
TEST(messages, those_of_a_stream_make_the_same_stream)
{
    for (size_t i = 0; t_stream_names[i] != NULL; i++) {
        if (strcmp(t_stream_names[i], "ipc_stream/unions_v4") != 0 &&
            strcmp(t_stream_names[i], "ipc_stream/legacy") != 0) {
            check_copy(t_stream_names[i], CFLIGHT_MESSAGE_CHECK_VALUES, CFLIGHT_IPC_FORMAT_STREAM);
        }
    }
}

/* Goal: what cannot be passed on as it is, is refused before a message is given, and says why.
 * Method: metadata version V4 in both formats, a batch over the limit, columns that were chosen. */
TEST(messages, what_must_be_read_is_refused)
{
    static const char *const NAMES[] = {"ipc_file/unions_v4", "ipc_stream/unions_v4"};
    cflight_ipc_messages *messages = NULL;
    for (size_t i = 0; i < 2; i++) {
        cflight_error *error = NULL;
        struct t_bytes bytes = t_load(NAMES[i]);
        cflight_ipc_file *file = open_bytes(cflight_bytes_make(bytes.data, bytes.len_bytes), NULL);
        CHECK_STATUS(cflight_ipc_file_messages(file, NULL, &messages, &error),
                     CFLIGHT_FAILED_PRECONDITION);
        assert_non_null(strstr(cflight_error_message(error), "metadata version V4"));
        cflight_error_free(error);
        cflight_ipc_file_free(file);
        t_bytes_done(&bytes);
    }
    struct cflight_ipc_messages_options options = CFLIGHT_IPC_MESSAGES_OPTIONS_INIT;
    struct t_bytes bytes = t_load("ipc_file/flat");
    cflight_ipc_file *file = open_bytes(cflight_bytes_make(bytes.data, bytes.len_bytes), NULL);
    options.batch_bytes_max = 16;
    CHECK_STATUS(cflight_ipc_file_messages(file, &options, &messages, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    options.batch_bytes_max = 0;
    options.first_batch = cflight_ipc_file_batch_count(file);
    options.batch_count = 1;
    CHECK_STATUS(cflight_ipc_file_messages(file, &options, &messages, NULL), CFLIGHT_OUT_OF_RANGE);
    cflight_ipc_file_free(file);
    t_bytes_done(&bytes);
}

/* Goal: a range of batches comes with all dictionaries, and nothing else.
 * Method: each single batch of a file with deltas, beside what reading by index gives. */
TEST(messages, a_range_has_its_batches_and_all_dictionaries)
{
    struct t_bytes bytes = t_load("ipc_file/deltas");
    cflight_ipc_file *file = open_bytes(cflight_bytes_make(bytes.data, bytes.len_bytes), NULL);
    int64_t count = cflight_ipc_file_batch_count(file);
    assert_true(count > 1);
    for (int64_t i = 0; i < count; i++) {
        struct cflight_ipc_messages_options options = CFLIGHT_IPC_MESSAGES_OPTIONS_INIT;
        cflight_ipc_messages *messages = NULL;
        struct cflight_message message = {0};
        struct ArrowArray batch;
        size_t kinds[4] = {0};
        options.first_batch = i;
        options.batch_count = 1;
        CHECK_STATUS(cflight_ipc_file_messages(file, &options, &messages, NULL), CFLIGHT_OK);
        CHECK_STATUS(cflight_ipc_file_read_batch(file, i, &batch, NULL), CFLIGHT_OK);
        do {
            cflight_message_release(&message);
            CHECK_STATUS(cflight_ipc_messages_next(messages, &message, NULL), CFLIGHT_OK);
            kinds[message.kind] += !message.is_end;
            if (message.kind == CFLIGHT_MESSAGE_BATCH) {
                assert_int_equal(message.row_count, batch.length);
            }
        } while (!message.is_end);
        assert_int_equal(kinds[CFLIGHT_MESSAGE_SCHEMA], 1);
        assert_true(kinds[CFLIGHT_MESSAGE_DICTIONARY] > 1);
        assert_int_equal(kinds[CFLIGHT_MESSAGE_BATCH], 1);
        batch.release(&batch);
        cflight_ipc_messages_free(messages);
    }
    cflight_ipc_file_free(file);
    t_bytes_done(&bytes);
}

/* Goal: what passes the check of values can be read, whatever bytes a peer or a file has; and what
 * passes the check of structure does no harm to who reads it.
 * Method: a bit of every byte of every stream turned, copied, and what was written read again. */
TEST(messages, what_passes_can_be_read)
{
    size_t passed_count = 0;
    size_t refused_count = 0;
    for (size_t i = 0; t_stream_names[i] != NULL; i++) {
        struct t_bytes bytes = t_load(t_stream_names[i]);
        bool is_packed =
            strstr(t_stream_names[i], "lz4") != NULL || strstr(t_stream_names[i], "zstd") != NULL;
        t_watchdog_restart();
        for (size_t bit = 0; bit < bytes.len_bytes * 8; bit += 9) {
            struct cfl_buf written;
            struct t_summary summary;
            int64_t row_count = 0;
            cflight_error *error = NULL;
            cfl_buf_init(&written, NULL);
            bytes.data[bit / 8] = (uint8_t)(bytes.data[bit / 8] ^ (1U << (bit % 8)));
            cflight_ipc_file *file =
                open_bytes(cflight_bytes_make(bytes.data, bytes.len_bytes), NULL);
            bytes.data[bit / 8] = (uint8_t)(bytes.data[bit / 8] ^ (1U << (bit % 8)));
            cflight_status status =
                file == NULL ? CFLIGHT_DATA_LOSS
                             : copy(file, CFLIGHT_MESSAGE_CHECK_VALUES, CFLIGHT_IPC_FORMAT_STREAM,
                                    &written, &row_count, &error);
            cflight_ipc_file_free(file);
            passed_count += status == CFLIGHT_OK;
            refused_count += status != CFLIGHT_OK;
            assert_true(t_is_of_data(status) || status == CFLIGHT_FAILED_PRECONDITION);
            if (status == CFLIGHT_OK) {
                file = open_bytes(cfl_buf_bytes(&written), &error);
                status = file == NULL ? CFLIGHT_DATA_LOSS : summarize(file, &summary);
                cflight_ipc_file_free(file);
                if (status != CFLIGHT_OK && !is_packed) {
                    fail_msg("%s, bit %zu: passed, but cannot be read", t_stream_names[i], bit);
                }
            }
            cflight_error_free(error);
            cfl_buf_done(&written);
        }
        t_bytes_done(&bytes);
    }
    assert_true(passed_count > 1000 && refused_count > 1000);
}

/* Goal: a writer of messages refuses what would make no file, and stays usable.
 * Method: each wrong order, and a dictionary that is replaced in a file. */
TEST(messages, a_writer_refuses_what_makes_no_file)
{
    struct t_bytes bytes = t_load("ipc_stream/growing");
    cflight_ipc_file *file = open_bytes(cflight_bytes_make(bytes.data, bytes.len_bytes), NULL);
    cflight_ipc_messages *messages = NULL;
    cflight_ipc_writer *writer = NULL;
    struct cflight_message schema = {0};
    struct cflight_message dictionary = {0};
    struct cfl_buf written;
    cfl_buf_init(&written, NULL);
    CHECK_STATUS(cflight_ipc_file_messages(file, NULL, &messages, NULL), CFLIGHT_OK);
    CHECK_STATUS(cflight_ipc_messages_next(messages, &schema, NULL), CFLIGHT_OK);
    CHECK_STATUS(cflight_ipc_messages_next(messages, &dictionary, NULL), CFLIGHT_OK);
    assert_int_equal(dictionary.kind, CFLIGHT_MESSAGE_DICTIONARY);

    CHECK_STATUS(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_FILE, NULL, collect, &written, NULL,
                                        &writer, NULL),
                 CFLIGHT_OK);
    CHECK_STATUS(cflight_ipc_writer_close(writer, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(cflight_ipc_writer_write_message(writer, &dictionary, NULL), CFLIGHT_DATA_LOSS);
    assert_int_equal(written.len_bytes, 0);
    CHECK_STATUS(cflight_ipc_writer_write_message(writer, &schema, NULL), CFLIGHT_OK);
    CHECK_STATUS(cflight_ipc_writer_write_message(writer, &schema, NULL), CFLIGHT_DATA_LOSS);
    CHECK_STATUS(cflight_ipc_writer_write_message(writer, &dictionary, NULL), CFLIGHT_OK);
    CHECK_STATUS(cflight_ipc_writer_write_message(writer, &dictionary, NULL),
                 CFLIGHT_UNIMPLEMENTED);
    dictionary.kind = CFLIGHT_MESSAGE_BATCH;
    CHECK_STATUS(cflight_ipc_writer_write_message(writer, &dictionary, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_writer_close(writer, NULL), CFLIGHT_OK);
    cflight_ipc_writer_free(writer);
    cflight_message_release(&schema);
    cflight_message_release(&dictionary);
    cflight_ipc_messages_free(messages);
    cflight_ipc_file_free(file);
    cfl_buf_done(&written);
    t_bytes_done(&bytes);
}
