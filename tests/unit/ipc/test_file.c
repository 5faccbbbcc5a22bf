/* SPDX-License-Identifier: Apache-2.0 */
/* Files: footers that lie, files that are cut, the stream interface. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ipc/footer.h"
#include "ipc_data.h"
#include "test.h"

static const char *const FILE_NAMES[] = {
    "ipc_file/flat",
    "ipc_file/text",
    "ipc_file/nested",
    "ipc_file/unions",
    "ipc_file/runs",
    "ipc_file/deltas",
    "ipc_file/lz4",
    "ipc_file/zstd",
    "ipc_file/nested_dictionary",
    NULL,
};

/* Opens bytes and reads all batches; gives the first failure. */
static cflight_status read_all(const uint8_t *data, size_t len_bytes, int64_t *ret_batch_count,
                               cflight_error **reterr)
{
    cflight_buffer *buffer = NULL;
    cflight_ipc_file *file = NULL;
    CHECK_OK(cflight_buffer_new_copy(cflight_bytes_make(data, len_bytes), &buffer, NULL), NULL);
    cflight_status status = cflight_ipc_file_open_buffer(buffer, NULL, &file, reterr);
    cflight_buffer_unref(buffer);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int64_t count = cflight_ipc_file_batch_count(file);
    (void)cflight_ipc_file_row_count(file);
    for (int64_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        struct ArrowArray batch;
        status = cflight_ipc_file_read_batch(file, i, &batch, reterr);
        if (status == CFLIGHT_OK) {
            batch.release(&batch);
        }
    }
    cflight_ipc_file_free(file);
    *ret_batch_count = count;
    return status;
}

/* Goal: one wrong bit gives valid data or an error that says so. Method: every bit of every file.
 */
TEST(ipc_file, every_single_bit_may_be_wrong)
{
    for (size_t i = 0; FILE_NAMES[i] != NULL; i++) {
        struct t_bytes bytes = t_load(FILE_NAMES[i]);
        int64_t batch_count = 0;
        CHECK_OK(read_all(bytes.data, bytes.len_bytes, &batch_count, NULL), NULL);
        assert_true(batch_count > 0);
        for (size_t bit = 0; bit < bytes.len_bytes * 8; bit++) {
            bytes.data[bit / 8] = (uint8_t)(bytes.data[bit / 8] ^ (1U << (bit % 8)));
            cflight_status status = read_all(bytes.data, bytes.len_bytes, &batch_count, NULL);
            bytes.data[bit / 8] = (uint8_t)(bytes.data[bit / 8] ^ (1U << (bit % 8)));
            if (!t_is_of_data(status)) {
                fail_msg("%s, bit %zu: %s", FILE_NAMES[i], bit, cflight_status_name(status));
            }
        }
        t_bytes_done(&bytes);
    }
}

/* Goal: a file that is cut short is DATA_LOSS and says so. Method: every prefix that has the magic.
 */
TEST(ipc_file, a_cut_file_is_data_loss)
{
    struct t_bytes bytes = t_load("ipc_file/deltas");
    for (size_t len_bytes = 6; len_bytes < bytes.len_bytes; len_bytes++) {
        cflight_error *error = NULL;
        int64_t batch_count = 0;
        CHECK_STATUS(read_all(bytes.data, len_bytes, &batch_count, &error), CFLIGHT_DATA_LOSS);
        assert_non_null(strstr(cflight_error_message(error), "cut short"));
        cflight_error_free(error);
    }
    t_bytes_done(&bytes);
}

/* Finds the footer's copy of a block by its offset and length. */
static uint8_t *find_block(struct t_bytes bytes, const struct cfl_block *block)
{
    uint8_t wanted[12];
    uint64_t offset = block->offset;
    uint32_t metadata_len_bytes = (uint32_t)block->metadata_len_bytes;
    memcpy(wanted, &offset, sizeof offset);
    memcpy(wanted + 8, &metadata_len_bytes, sizeof metadata_len_bytes);
    for (size_t at = bytes.len_bytes - sizeof wanted; at > 0; at--) {
        if (memcmp(bytes.data + at, wanted, sizeof wanted) == 0) {
            return bytes.data + at;
        }
    }
    fail_msg("the footer's block was not found");
    return NULL;
}

static void check_lie(struct t_bytes bytes, uint8_t *place, uint64_t value,
                      const char *expected_text)
{
    uint8_t before[8];
    cflight_error *error = NULL;
    int64_t batch_count = 0;
    memcpy(before, place, sizeof before);
    memcpy(place, &value, sizeof value);
    CHECK_STATUS(read_all(bytes.data, bytes.len_bytes, &batch_count, &error), CFLIGHT_DATA_LOSS);
    if (strstr(cflight_error_message(error), expected_text) == NULL) {
        fail_msg("'%s' is not in '%s'", expected_text, cflight_error_message(error));
    }
    cflight_error_free(error);
    memcpy(place, before, sizeof before);
}

/* Goal: a footer whose blocks point outside, at each other or at something else is found out.
 * Method: the block of the second batch of a file with a dictionary, changed in place. */
TEST(ipc_file, footers_that_lie_are_found_out)
{
    struct t_bytes bytes = t_load("ipc_file/deltas");
    struct cfl_footer footer;
    CHECK_OK(cfl_footer_init(&footer, NULL, cflight_bytes_make(bytes.data, bytes.len_bytes), NULL),
             NULL);
    assert_int_equal(footer.dictionary_count, 2);
    assert_int_equal(footer.batch_count, 2);
    uint8_t *place = find_block(bytes, &footer.blocks[3]);
    check_lie(bytes, place, bytes.len_bytes, "messages end at");
    check_lie(bytes, place, UINT64_MAX, "messages end at");
    check_lie(bytes, place, UINT64_C(1) << 63, "messages end at");
    check_lie(bytes, place, 0, "messages end at");
    check_lie(bytes, place + 16, UINT64_MAX, "messages end at");
    check_lie(bytes, place + 16, INT64_MAX, "messages end at");
    check_lie(bytes, place + 16, 0, "the footer says 0");
    check_lie(bytes, place, footer.blocks[2].offset, "overlap");
    check_lie(bytes, place, footer.blocks[3].offset - 8, "overlap");
    cfl_footer_done(&footer);
    t_bytes_done(&bytes);
}

/* Goal: blocks of one kind are not taken for the other. Method: the footer's dictionary and batch
 * change places. */
TEST(ipc_file, a_dictionary_is_no_batch)
{
    struct t_bytes bytes = t_load("ipc_file/deltas");
    struct cfl_footer footer;
    cflight_error *error = NULL;
    int64_t batch_count = 0;
    uint8_t swapped[24];
    CHECK_OK(cfl_footer_init(&footer, NULL, cflight_bytes_make(bytes.data, bytes.len_bytes), NULL),
             NULL);
    uint8_t *dictionary = find_block(bytes, &footer.blocks[1]);
    uint8_t *batch = find_block(bytes, &footer.blocks[2]);
    memcpy(swapped, dictionary, sizeof swapped);
    memcpy(dictionary, batch, sizeof swapped);
    memcpy(batch, swapped, sizeof swapped);
    CHECK_STATUS(read_all(bytes.data, bytes.len_bytes, &batch_count, &error), CFLIGHT_DATA_LOSS);
    assert_non_null(strstr(cflight_error_message(error), "another kind"));
    cflight_error_free(error);
    cfl_footer_done(&footer);
    t_bytes_done(&bytes);
}

static int64_t failing_read(void *user_data, void *target, size_t len_bytes)
{
    (void)user_data;
    (void)target;
    (void)len_bytes;
    errno = EIO;
    return -1;
}

static int64_t lying_read(void *user_data, void *target, size_t len_bytes)
{
    (void)user_data;
    (void)target;
    return (int64_t)len_bytes + 1;
}

static void count_release(void *user_data)
{
    int *count = user_data;
    (*count)++;
}

/* Goal: a callback that fails or lies ends as an error, and what it stands for is not taken.
 * Method: one that fails, one that claims more than was wanted, one that ends at once. */
TEST(ipc_reader, callbacks_that_fail_are_reported)
{
    struct ArrowArrayStream stream;
    struct t_source empty = {NULL, 0, 1};
    int release_count = 0;
    CHECK_STATUS(
        cflight_ipc_open_reader(failing_read, count_release, &release_count, NULL, &stream, NULL),
        CFLIGHT_UNAVAILABLE);
    CHECK_STATUS(
        cflight_ipc_open_reader(lying_read, count_release, &release_count, NULL, &stream, NULL),
        CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_open_reader(t_source_read, NULL, &empty, NULL, &stream, NULL),
                 CFLIGHT_DATA_LOSS);
    CHECK_STATUS(cflight_ipc_open_reader(NULL, NULL, NULL, NULL, &stream, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_int_equal(release_count, 0);
}

/* Goal: the first error of a stream stays, with its text. Method: a stream cut inside its second
 * batch. */
TEST(ipc_reader, an_error_is_repeated)
{
    struct t_bytes bytes = t_load("ipc_stream/deltas");
    struct t_source source = {bytes.data, bytes.len_bytes - 200, 64};
    struct ArrowArrayStream stream;
    struct ArrowArray batch = {0};
    int code = 0;
    CHECK_OK(cflight_ipc_open_reader(t_source_read, NULL, &source, NULL, &stream, NULL), NULL);
    for (;;) {
        code = stream.get_next(&stream, &batch);
        if (code != 0) {
            break;
        }
        assert_non_null(batch.release);
        batch.release(&batch);
    }
    assert_int_equal(code, EINVAL);
    assert_non_null(strstr(stream.get_last_error(&stream), "ends inside"));
    assert_int_equal(stream.get_next(&stream, &batch), EINVAL);
    assert_non_null(strstr(stream.get_last_error(&stream), "ends inside"));
    stream.release(&stream);
    assert_null(stream.release);
    t_bytes_done(&bytes);
}

/* Goal: the end of a stream is an end for good, and release may come at any time.
 * Method: a file's stream read past its end, and one released unread while the file's handle is
 * gone. */
TEST(ipc_file, streams_end_and_outlive_the_handle)
{
    struct t_bytes bytes = t_load("ipc_file/flat");
    char path[] = "/tmp/cflight_ipc_XXXXXX";
    int descriptor = mkstemp(path);
    struct ArrowArrayStream stream;
    struct ArrowArrayStream unread;
    cflight_ipc_file *file = NULL;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes.data, bytes.len_bytes), (ssize_t)bytes.len_bytes);
    (void)close(descriptor);
    CHECK_OK(cflight_ipc_file_open(path, NULL, &file, NULL), NULL);
    assert_int_equal(cflight_ipc_file_size_bytes(file), (int64_t)bytes.len_bytes);
    CHECK_OK(cflight_ipc_file_stream(file, &stream, NULL), NULL);
    CHECK_OK(cflight_ipc_file_stream(file, &unread, NULL), NULL);
    cflight_ipc_file_free(file);
    unread.release(&unread);
    struct ArrowArray batch = {0};
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    struct ArrowArray end = {0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stream.get_next(&stream, &end), 0);
        assert_null(end.release);
    }
    stream.release(&stream);
    assert_int_equal(batch.length, 3);
    batch.release(&batch);
    (void)unlink(path);
    t_bytes_done(&bytes);
}

static void check_count(const char *name, size_t missing_bytes, const char *reason)
{
    struct t_bytes bytes = t_load(name);
    cflight_buffer *buffer = NULL;
    cflight_ipc_file *file = NULL;
    cflight_error *error = NULL;
    int64_t row_count = -7;
    CHECK_OK(cflight_buffer_new_copy(
                 cflight_bytes_make(bytes.data, bytes.len_bytes - missing_bytes), &buffer, NULL),
             NULL);
    CHECK_OK(cflight_ipc_file_open_buffer(buffer, NULL, &file, NULL), NULL);
    cflight_status status = cflight_ipc_file_count_rows(file, &row_count, &error);
    if (reason == NULL) {
        CHECK_OK(status, error);
        assert_int_equal(row_count, cflight_ipc_file_row_count(file));
        assert_true(row_count > 0);
    } else {
        CHECK_STATUS(status, CFLIGHT_DATA_LOSS);
        assert_non_null(strstr(cflight_error_message(error), reason));
        assert_int_equal(row_count, -7);
        assert_int_equal(cflight_ipc_file_row_count(file), -1);
    }
    cflight_error_free(error);
    cflight_ipc_file_free(file);
    cflight_buffer_unref(buffer);
    t_bytes_done(&bytes);
}

/* Goal: rows are counted without reading them, and damage is told with its place.
 * Method: both formats whole; a stream without its end marker and the last byte of its last body.
 */
TEST(ipc_file, rows_that_cannot_be_counted_tell_where)
{
    check_count("ipc_file/deltas", 0, NULL);
    check_count("ipc_stream/deltas", 0, NULL);
    check_count("ipc_stream/deltas", 9, "the Arrow message at byte ");
}

/* Goal: a descriptor is read, whatever its path leads to by then, and stays the caller's. Method: a
 * file without a name; one that is closed after the open; a directory, an empty file, none. */
TEST(ipc_file, a_descriptor_is_read_without_its_path)
{
    struct t_bytes bytes = t_load("ipc_file/flat");
    char path[] = "/tmp/cflight_ipc_XXXXXX";
    int fd = mkstemp(path);
    struct ArrowArray batch;
    cflight_ipc_file *file = NULL;
    cflight_error *error = NULL;
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    CHECK_STATUS(cflight_ipc_file_open_fd(fd, NULL, &file, &error), CFLIGHT_DATA_LOSS);
    assert_string_equal(cflight_error_message(error), "the file is empty");
    cflight_error_free(error);
    assert_int_equal(write(fd, bytes.data, bytes.len_bytes), (ssize_t)bytes.len_bytes);
    CHECK_OK(cflight_ipc_file_open_fd(fd, NULL, &file, NULL), NULL);
    assert_int_equal(close(fd), 0); /* ours, and still open */
    CHECK_OK(cflight_ipc_file_read_batch(file, 0, &batch, NULL), NULL);
    batch.release(&batch);
    cflight_ipc_file_free(file);
    fd = open("/tmp", O_RDONLY | O_CLOEXEC);
    CHECK_STATUS(cflight_ipc_file_open_fd(fd, NULL, &file, NULL), CFLIGHT_INVALID_ARGUMENT);
    assert_int_equal(close(fd), 0);
    CHECK_STATUS(cflight_ipc_file_open_fd(-1, NULL, &file, NULL), CFLIGHT_UNKNOWN);
    t_bytes_done(&bytes);
}

/* Goal: calls without what they need are refused. Method: NULL in each place. */
TEST(ipc_file, missing_arguments_are_refused)
{
    cflight_ipc_file *file = NULL;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t row_count = 0;
    CHECK_STATUS(cflight_ipc_file_open(NULL, NULL, &file, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_file_open_fd(0, NULL, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_file_open_buffer(NULL, NULL, &file, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_file_schema(NULL, &schema, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_file_count_rows(NULL, &row_count, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_file_read_batch(NULL, 0, &batch, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_file_stream(NULL, &stream, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_ipc_schema_parse(cflight_bytes_make(NULL, 0), NULL, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_array_validate(NULL, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    assert_int_equal(cflight_ipc_file_batch_count(NULL), -1);
    assert_int_equal(cflight_ipc_file_row_count(NULL), -1);
    assert_int_equal(cflight_ipc_file_size_bytes(NULL), -1);
    cflight_ipc_file_free(NULL);
}
