/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads whose client goes away: what was sent whole is read, what was given up is heard of. */
#include <sys/socket.h>

#include "peer.h"
#include "service.h"
#include "test.h"

/* ---- uploads whose client does not wait ---- */

struct upload {
    struct t_gate started;
    struct t_gate cancelled;
    struct t_gate ended;
    cflight_status status;
    int64_t row_count;
};

static void note_cancellation(void *user_data)
{
    struct upload *upload = user_data;
    t_gate_open(&upload->cancelled);
}

/* Reads only after the call was cancelled. */
static cflight_status read_late(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor, cflight_reader *reader,
                                cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct upload *upload = user_data;
    (void)descriptor;
    (void)writer;
    cflight_server_context_on_cancel(context, note_cancellation, upload);
    t_gate_open(&upload->started);
    t_gate_wait(&upload->cancelled);
    cflight_status status = CFLIGHT_OK;
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            upload->row_count += chunk.has_batch ? chunk.batch.length : 0;
            cflight_chunk_release(&chunk);
        }
    }
    upload->status = status;
    t_gate_open(&upload->ended);
    return status;
}

/* Goal: an upload that was sent whole is read whole although its client does not wait for the
 * answer; one that was cut short is not taken for a whole one.
 * Method: the client cancels, with and without having said that it is done, before the handler
 * reads anything. */
TEST(uploads, an_upload_sent_whole_is_read_whole)
{
    for (int is_whole = 0; is_whole < 2; is_whole++) {
        struct upload upload = {.row_count = 0};
        struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
        struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
        cflight_server *server = NULL;
        cflight_client *client = NULL;
        cflight_writer *writer = NULL;
        cflight_metadata_reader *answers = NULL;
        cflight_error *error = NULL;
        struct ArrowSchema schema;
        struct ArrowArray batch;
        t_gate_init(&upload.started);
        t_gate_init(&upload.cancelled);
        t_gate_init(&upload.ended);
        t_schema(&schema);
        t_batch(0, 100, &batch);
        handlers.user_data = &upload;
        handlers.do_put = read_late;
        CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, NULL, &server, &error), error);
        CHECK_OK(cflight_client_new(cflight_server_location(server), NULL, &client, &error), error);
        CHECK_OK(
            cflight_client_do_put(client, &descriptor, &schema, NULL, &writer, &answers, &error),
            error);
        CHECK_OK(cflight_writer_write(writer, &batch, NULL, &error), error);
        if (is_whole) {
            CHECK_OK(cflight_writer_done_writing(writer, &error), error);
        }
        t_gate_wait(&upload.started);
        cflight_writer_cancel(writer);
        t_gate_wait(&upload.ended);
        CHECK_STATUS(upload.status, is_whole ? CFLIGHT_OK : CFLIGHT_CANCELLED);
        assert_int_equal(upload.row_count, 100);

        cflight_metadata_reader_free(answers);
        cflight_writer_free(writer);
        cflight_client_free(client);
        cflight_server_free(server);
        batch.release(&batch);
        schema.release(&schema);
        t_gate_done(&upload.started);
        t_gate_done(&upload.cancelled);
        t_gate_done(&upload.ended);
    }
}

/* ---- uploads that are given up while nothing can be sent ---- */

struct slow_peer {
    struct t_gate may_read;
    bool has_heard; /* of the end of the upload; of the peer's thread until it stopped */
};

/* Whether the upload was reset, in the frames from *offset on, which moves past those that are
 * whole. */
static bool was_reset(const struct t_raw *raw, size_t *offset)
{
    enum { FRAME_HEADER_BYTES = 9 };
    while (raw->len_bytes - *offset >= FRAME_HEADER_BYTES) {
        const uint8_t *header = raw->data + *offset;
        size_t len_bytes = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
        if (raw->len_bytes - *offset < FRAME_HEADER_BYTES + len_bytes) {
            break;
        }
        if (header[3] == T_RST_STREAM) {
            return true;
        }
        *offset += FRAME_HEADER_BYTES + len_bytes;
    }
    return false;
}

/* Gives credit for much, reads nothing until it may, then until the upload has ended: by the end of
 * the connection, or by a reset when the socket took some more before it was given up. */
static void read_when_told(void *user_data, int fd)
{
    enum { PREFACE_BYTES = 24 };
    struct slow_peer *slow = user_data;
    struct t_raw input = {0};
    struct t_raw output = {0};
    size_t offset = PREFACE_BYTES;
    t_raw_wide_server_start(&output);
    bool goes_on = t_socket_send(fd, &output) && t_socket_read_request(fd, 1, &input);
    t_gate_wait(&slow->may_read);
    bool is_reset = goes_on && was_reset(&input, &offset);
    while (goes_on && !is_reset && t_socket_read(fd, &input)) {
        is_reset = was_reset(&input, &offset);
    }
    /* Else it is the end, not the patience. */
    slow->has_heard = goes_on && (is_reset || recv(fd, &(char){0}, 1, 0) == 0);
    t_raw_done(&output);
    t_raw_done(&input);
}

/* Writes until nothing goes. A first batch that is larger than the credit of the beginning has left
 * when the peer's credit was taken in; after that only the socket can be in the way. */
static void fill_socket(cflight_writer *writer, cflight_metadata_reader *answers,
                        const struct ArrowArray *batch)
{
    bool is_done = false;
    cflight_error *error = NULL;
    for (bool is_first = true; is_first || is_done; is_first = is_first && !is_done) {
        bool is_ready = false;
        cflight_buffer *answer = NULL;
        CHECK_OK(cflight_writer_try_write(writer, batch, NULL, &is_done, &error), error);
        if (!is_done && is_first) {
            CHECK_OK(cflight_metadata_reader_try_next(answers, 10, &is_ready, &answer, &error),
                     error);
        }
    }
}

/* Goal: a server hears that an upload was given up although the socket was full then and the client
 * does nothing more. Method: a peer that does not read; a client that writes until nothing goes,
 * and cancels, or drops the call. */
TEST(uploads, an_upload_given_up_at_a_full_socket_is_heard_of)
{
    for (int is_dropped = 0; is_dropped < 2; is_dropped++) {
        struct slow_peer slow = {.has_heard = false};
        struct t_peer peer;
        struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
        cflight_client *client = NULL;
        cflight_writer *writer = NULL;
        cflight_metadata_reader *answers = NULL;
        cflight_error *error = NULL;
        struct ArrowSchema schema;
        struct ArrowArray batch;
        t_gate_init(&slow.may_read);
        t_schema(&schema);
        t_batch(0, 10000, &batch);
        t_peer_start(&peer, read_when_told, &slow);
        CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
        CHECK_OK(
            cflight_client_do_put(client, &descriptor, &schema, NULL, &writer, &answers, &error),
            error);
        fill_socket(writer, answers, &batch);
        if (is_dropped) {
            cflight_metadata_reader_free(answers);
            cflight_writer_free(writer);
        } else {
            cflight_writer_cancel(writer);
        }
        t_gate_open(&slow.may_read);
        t_peer_stop(&peer);
        assert_true(slow.has_heard);
        if (!is_dropped) {
            cflight_metadata_reader_free(answers);
            cflight_writer_free(writer);
        }
        cflight_client_free(client);
        batch.release(&batch);
        schema.release(&schema);
        t_gate_done(&slow.may_read);
    }
}
