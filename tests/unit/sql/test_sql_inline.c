/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that come with the first answer. */
#include <stdlib.h>

#include "sql_peer.h"

/* A text of bytes that grows. */
struct bytes {
    uint8_t data[8192];
    size_t len_bytes;
};

static int append(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct bytes *bytes = user_data;
    for (size_t i = 0; i < count; i++) {
        assert_true(bytes->len_bytes + views[i].len_bytes <= sizeof bytes->data);
        memcpy(bytes->data + bytes->len_bytes, views[i].data, views[i].len_bytes);
        bytes->len_bytes += views[i].len_bytes;
    }
    return 0;
}

/* The mark and an IPC stream of 5 rows in two batches. */
static struct bytes make_inline(enum cflight_ipc_format format)
{
    struct bytes bytes = {.len_bytes = 0};
    struct ArrowSchema schema;
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;
    const struct cflight_bytes mark = t_text("CFINLN01");
    assert_int_equal(append(&bytes, &mark, 1), 0);
    t_schema(&schema);
    CHECK_OK(cflight_ipc_writer_new(format, &schema, append, &bytes, NULL, &writer, &error), error);
    for (int64_t i = 0; i < 2; i++) {
        struct ArrowArray batch;
        t_batch(i * 3, 3 - i, &batch);
        CHECK_OK(cflight_ipc_writer_write(writer, &batch, &error), error);
        batch.release(&batch);
    }
    CHECK_OK(cflight_ipc_writer_close(writer, &error), error);
    cflight_ipc_writer_free(writer);
    schema.release(&schema);
    return bytes;
}

static struct bytes inline_bytes;

static cflight_status answer_inline(struct t_sql_peer *peer,
                                    const struct cflight_descriptor *descriptor,
                                    cflight_response *response, cflight_error **reterr)
{
    const struct cflight_endpoint endpoint = {
        .ticket = t_text("later"),
        .app_metadata = cflight_bytes_make(inline_bytes.data, inline_bytes.len_bytes)};
    const struct cflight_info info = {.descriptor = *descriptor,
                                      .endpoints = &endpoint,
                                      .endpoint_count = 1,
                                      .total_records = -1,
                                      .total_bytes = -1};
    (void)peer;
    return cflight_response_info(response, &info, reterr);
}

/* Goal: rows that come with the first answer save the second call; who does not want them says so
 * by not asking, and then what looks like them is metadata like any other. */
TEST(sql_inline, rows_of_the_first_answer_are_the_result)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    const struct t_sql_script script = {.info = answer_inline};
    inline_bytes = make_inline(CFLIGHT_IPC_FORMAT_STREAM);
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cflight_sql_query(peer.client, t_text("q"), NULL, &stream, &error), error);
    assert_int_equal(t_sql_drain(&stream), 5);
    t_sql_peer_check(&peer, "GetFlightInfo CommandStatementQuery q\n");
    assert_string_equal(peer.locked.inline_max, "65536");
    options.inline_bytes_max = 1000;
    CHECK_OK(cflight_sql_query(peer.client, t_text("q"), &options, &stream, &error), error);
    assert_int_equal(t_sql_drain(&stream), 5);
    t_sql_peer_check(&peer, "GetFlightInfo CommandStatementQuery q\n");
    assert_string_equal(peer.locked.inline_max, "1000");
    options.inline_is_off = true;
    CHECK_OK(cflight_sql_query(peer.client, t_text("q"), &options, &stream, &error), error);
    assert_int_equal(t_sql_drain(&stream), 3);
    t_sql_peer_check(&peer, "GetFlightInfo CommandStatementQuery q\nDoGet later\n");
    assert_string_equal(peer.locked.inline_max, "");
    t_sql_peer_stop(&peer);
}

/* Goal: rows are what DoGet would have given: the columns that the call wants, and nothing after
 * the stream is dropped. */
TEST(sql_inline, the_options_of_reading_hold)
{
    static const int32_t SECOND[] = {1};
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_error *error = NULL;
    struct cflight_ipc_read_options read_options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    const struct t_sql_script script = {.info = answer_inline};
    read_options.included_fields = SECOND;
    read_options.included_field_count = 1;
    call_options.read_options = &read_options;
    options.call_options = &call_options;
    inline_bytes = make_inline(CFLIGHT_IPC_FORMAT_STREAM);
    t_sql_peer_start(&peer, &script);
    CHECK_OK(cflight_sql_query(peer.client, t_text("q"), &options, &stream, &error), error);
    t_sql_peer_stop(&peer); /* the rows are here */
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(schema.n_children, 1);
    assert_string_equal(schema.children[0]->name, "s");
    schema.release(&schema);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_int_equal(batch.length, 3);
    batch.release(&batch);
    stream.release(&stream);
}

/* Goal: damaged rows are an error, and no reason to ask again. Method: every cut, every byte
 * changed, a file instead of a stream. */
TEST(sql_inline, damage_is_data_loss)
{
    const struct bytes good = make_inline(CFLIGHT_IPC_FORMAT_STREAM);
    size_t refused_count = 0;
    for (size_t i = 8; i < good.len_bytes; i++) {
        for (int cut = 0; cut < 2; cut++) {
            struct ArrowArrayStream stream;
            bool has_rows = false;
            cflight_error *error = NULL;
            struct bytes bad = good;
            bad.len_bytes = cut == 1 ? i : bad.len_bytes;
            bad.data[i] ^= cut == 1 ? 0 : 0xFF;
            uint8_t *exact = malloc(bad.len_bytes); /* so that a sanitizer sees its end */
            memcpy(exact, bad.data, bad.len_bytes);
            const struct cflight_endpoint endpoint = {.app_metadata =
                                                          cflight_bytes_make(exact, bad.len_bytes)};
            const struct cflight_info info = {.endpoints = &endpoint, .endpoint_count = 1};
            cflight_status status =
                cflight_sql_inline_rows(&info, NULL, &has_rows, &stream, &error);
            if (status == CFLIGHT_OK) {
                assert_true(has_rows);
                assert_int_equal(cut, 0);
                assert_true(t_sql_drain(&stream) >= 0);
            } else {
                refused_count++;
                assert_false(has_rows);
                assert_true(status == CFLIGHT_DATA_LOSS || status == CFLIGHT_RESOURCE_EXHAUSTED);
            }
            cflight_error_free(error);
            free(exact);
        }
    }
    assert_true(refused_count > good.len_bytes);
}

TEST(sql_inline, a_file_is_no_stream)
{
    struct ArrowArrayStream stream;
    bool has_rows = true;
    cflight_error *error = NULL;
    struct bytes file = make_inline(CFLIGHT_IPC_FORMAT_FILE);
    static const uint8_t END[] = {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0};
    const struct cflight_bytes end = cflight_bytes_make(END, sizeof END);
    struct cflight_endpoint endpoint = {.app_metadata =
                                            cflight_bytes_make(file.data, file.len_bytes)};
    struct cflight_info info = {.endpoints = &endpoint, .endpoint_count = 1};
    CHECK_STATUS(cflight_sql_inline_rows(&info, NULL, &has_rows, &stream, &error),
                 CFLIGHT_DATA_LOSS);
    assert_string_equal(cflight_error_message(error),
                        "the rows with the first answer: they have no end");
    cflight_error_free(error);
    error = NULL;
    assert_int_equal(append(&file, &end, 1), 0);
    endpoint.app_metadata.len_bytes = file.len_bytes;
    CHECK_STATUS(cflight_sql_inline_rows(&info, NULL, &has_rows, &stream, &error),
                 CFLIGHT_DATA_LOSS);
    cflight_error_free(error);
    error = NULL;
    endpoint.app_metadata = t_text("CFINLN0");
    CHECK_OK(cflight_sql_inline_rows(&info, NULL, &has_rows, &stream, &error), error);
    assert_false(has_rows);
}
