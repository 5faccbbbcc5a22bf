/* SPDX-License-Identifier: Apache-2.0 */
/* The framer. */
#include "ipc_data.h"
#include "test.h"

/* Goal: it does not matter where the transport cuts the stream.
 * Method: every stream whole and at every step up to 130 bytes; the same batches each time. */
TEST(ipc_framer, chunk_size_does_not_matter)
{
    for (size_t i = 0; t_stream_names[i] != NULL; i++) {
        struct t_bytes bytes = t_load(t_stream_names[i]);
        struct t_summary expected = {0};
        cflight_error *error = NULL;
        CHECK_OK(t_decode(NULL, bytes, bytes.len_bytes, NULL, &expected, NULL, &error), error);
        assert_true(expected.batch_count > 0);
        for (size_t step_bytes = 1; step_bytes < 130; step_bytes++) {
            struct t_summary actual = {0};
            CHECK_OK(t_decode(NULL, bytes, step_bytes, NULL, &actual, NULL, &error), error);
            assert_memory_equal(&actual, &expected, sizeof expected);
        }
        t_bytes_done(&bytes);
    }
}

/* Goal: a stream that ends inside a message is DATA_LOSS; between messages it is an end.
 * Method: every prefix of every stream. What is read of a prefix is never more than of the whole.
 */
TEST(ipc_framer, a_cut_stream_is_data_loss_or_shorter)
{
    for (size_t i = 0; t_stream_names[i] != NULL; i++) {
        struct t_bytes bytes = t_load(t_stream_names[i]);
        struct t_summary whole = {0};
        size_t end_count = 0;
        cflight_error *error = NULL;
        CHECK_OK(t_decode(NULL, bytes, bytes.len_bytes, NULL, &whole, NULL, &error), error);
        for (size_t len_bytes = 0; len_bytes < bytes.len_bytes; len_bytes++) {
            struct t_bytes cut = {bytes.data, len_bytes};
            struct t_summary summary = {0};
            cflight_status status = t_decode(NULL, cut, 64, NULL, &summary, NULL, NULL);
            assert_true(status == CFLIGHT_OK || status == CFLIGHT_DATA_LOSS);
            assert_true(summary.batch_count <= whole.batch_count);
            end_count += status == CFLIGHT_OK ? 1 : 0;
        }
        /* Before each message and at the very beginning; the marker at the end is optional. */
        assert_true(end_count >= 3 && end_count <= 24);
        t_bytes_done(&bytes);
    }
}

/* Goal: the message tells how much is missing of what. Method: a prefix of one byte. */
TEST(ipc_framer, a_cut_stream_tells_where)
{
    struct t_bytes bytes = t_load(t_stream_names[0]);
    struct t_bytes cut = {bytes.data, 1};
    struct t_summary summary = {0};
    cflight_error *error = NULL;
    CHECK_STATUS(t_decode(NULL, cut, 64, NULL, &summary, NULL, &error), CFLIGHT_DATA_LOSS);
    assert_non_null(strstr(cflight_error_message(error), "a message prefix: 1 of 4 bytes"));
    cflight_error_free(error);
    t_bytes_done(&bytes);
}

static struct cfl_framer *new_framer(uint64_t header_bytes_max, uint64_t body_bytes_max)
{
    struct cfl_limits limits = cfl_limits_default;
    struct cfl_framer *framer = NULL;
    limits.flight_header_bytes_max = header_bytes_max;
    limits.message_bytes_max = body_bytes_max;
    CHECK_OK(cfl_framer_new(NULL, &limits, NULL, &framer, NULL), NULL);
    return framer;
}

/* Gives bytes until they are used up or something else than progress happens. */
static cflight_status give(struct cfl_framer *framer, const void *data, size_t len_bytes,
                           bool *ret_is_end)
{
    struct t_source source = {data, len_bytes, len_bytes};
    cflight_status status = CFLIGHT_OK;
    *ret_is_end = false;
    while (status == CFLIGHT_OK && source.len_bytes > 0 && !*ret_is_end) {
        uint8_t *target = NULL;
        size_t wanted_bytes = 0;
        bool has_message = false;
        struct cflight_bytes header;
        cflight_buffer *body = NULL;
        status = cfl_framer_want(framer, &target, &wanted_bytes, NULL);
        if (status == CFLIGHT_OK) {
            assert_true(wanted_bytes > 0);
            size_t got_bytes = (size_t)t_source_read(&source, target, wanted_bytes);
            status =
                cfl_framer_got(framer, got_bytes, &has_message, &header, &body, ret_is_end, NULL);
        }
    }
    return status;
}

/* Goal: both end markers end the stream, and nothing is wanted after.
 * Method: 0 alone, and 0 after the continuation marker. */
TEST(ipc_framer, knows_both_end_markers)
{
    static const char *const MARKERS[] = {"\0\0\0\0", "\xff\xff\xff\xff\0\0\0\0"};
    static const size_t LENGTHS[] = {4, 8};
    for (size_t i = 0; i < 2; i++) {
        struct cfl_framer *framer = new_framer(1000, 1000);
        bool is_end = false;
        uint8_t *target = NULL;
        size_t wanted_bytes = 0;
        CHECK_OK(give(framer, MARKERS[i], LENGTHS[i], &is_end), NULL);
        assert_true(is_end);
        CHECK_OK(cfl_framer_eof(framer, NULL), NULL);
        CHECK_STATUS(cfl_framer_want(framer, &target, &wanted_bytes, NULL),
                     CFLIGHT_FAILED_PRECONDITION);
        cfl_framer_free(framer);
    }
}

/* Goal: lengths that cannot be, or pass the limit, are refused before memory is asked for.
 * Method: a negative length, the limit, one more. */
TEST(ipc_framer, refuses_impossible_lengths)
{
    bool is_end = false;
    struct cfl_framer *framer = new_framer(1000, 1000);
    CHECK_STATUS(give(framer, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, &is_end), CFLIGHT_DATA_LOSS);
    cfl_framer_free(framer);

    framer = new_framer(1000, 1000);
    CHECK_OK(give(framer, "\xe8\x03\0\0", 4, &is_end), NULL);
    cfl_framer_free(framer);

    framer = new_framer(999, 1000);
    CHECK_STATUS(give(framer, "\xe8\x03\0\0", 4, &is_end), CFLIGHT_RESOURCE_EXHAUSTED);
    cfl_framer_free(framer);
}

/* Goal: an Arrow file in the place of a stream is called that, and nothing of it is taken for the
 * length of a schema that is waited for.
 * Method: the first four bytes of a file. */
TEST(ipc_framer, tells_a_file_from_a_stream)
{
    struct cfl_framer *framer = new_framer(UINT32_MAX, UINT32_MAX);
    cflight_error *error = NULL;
    uint8_t *target = NULL;
    size_t wanted_bytes = 0;
    bool has_message = false;
    bool is_end = false;
    struct cflight_bytes header;
    cflight_buffer *body = NULL;
    CHECK_OK(cfl_framer_want(framer, &target, &wanted_bytes, &error), error);
    assert_int_equal(wanted_bytes, 4);
    memcpy(target, "ARRO", 4);
    CHECK_STATUS(cfl_framer_got(framer, 4, &has_message, &header, &body, &is_end, &error),
                 CFLIGHT_DATA_LOSS);
    assert_non_null(strstr(cflight_error_message(error), "an Arrow file"));
    cflight_error_free(error);
    cfl_framer_free(framer);
}

/* Goal: the limit of bodies holds to the byte. Method: a stream with one body, at its length and
 * below. */
TEST(ipc_framer, refuses_a_body_above_the_limit)
{
    struct t_bytes bytes = t_load("ipc_stream/flat");
    uint64_t body_bytes = 0;
    bool is_end = false;
    for (uint64_t limit_bytes = 8; limit_bytes < bytes.len_bytes && body_bytes == 0;
         limit_bytes += 8) {
        struct cfl_framer *framer = new_framer(10000, limit_bytes);
        if (give(framer, bytes.data, bytes.len_bytes, &is_end) == CFLIGHT_OK) {
            body_bytes = limit_bytes;
        }
        cfl_framer_free(framer);
    }
    assert_true(body_bytes > 8);
    struct cfl_framer *framer = new_framer(10000, body_bytes - 1);
    CHECK_STATUS(give(framer, bytes.data, bytes.len_bytes, &is_end), CFLIGHT_RESOURCE_EXHAUSTED);
    cfl_framer_free(framer);
    t_bytes_done(&bytes);
}

/* Goal: a header length that lies costs no memory until the bytes come.
 * Method: a header of 1 GiB is announced; the framer wants a small part of it first. */
TEST(ipc_framer, a_long_header_is_read_in_steps)
{
    struct cfl_framer *framer = new_framer(UINT64_C(2) << 30, 1000);
    uint8_t *target = NULL;
    size_t wanted_bytes = 0;
    bool is_end = false;
    CHECK_OK(give(framer, "\0\0\0\x40", 4, &is_end), NULL);
    CHECK_OK(cfl_framer_want(framer, &target, &wanted_bytes, NULL), NULL);
    assert_true(wanted_bytes > 0 && wanted_bytes <= 65536);
    CHECK_STATUS(cfl_framer_eof(framer, NULL), CFLIGHT_DATA_LOSS);
    cfl_framer_free(framer);
}
