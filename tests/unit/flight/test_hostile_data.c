/* SPDX-License-Identifier: Apache-2.0 */
/* Data with errors in it, from a peer that means harm, into the client and into the server. */
#include <stdlib.h>

#include "walk_values.h"
#include "../ipc/ipc_data.h"
#include "cflight/cflight.h"
#include "flight/call/flight_data.h"
#include "hostile_peer.h"
#include "meter.h"

enum {
    GRPC_PREFIX_BYTES = 5,
    IPC_PREFIX_BYTES = 8,
    FRAME_BYTES = 16384,
    WATCHDOG_MS = 20000,
    SMALL_STREAM_BYTES = 900, /* up to this, every bit is tried; else one of each byte */
/* What a byte does is shown by the other builds; ThreadSanitizer, which looks at threads and takes
 * ten times as long, sees one in so many changes, of all places and bits. */
#if defined(__SANITIZE_THREAD__)
    STEP = 11,
#else
    STEP = 1,
#endif
};

/* What one call may take, beyond what an idle connection has: a part that does not depend on the
 * data (call, decoder, codec state is the codecs' own), and a multiple of the message. */
#define CALL_BYTES_MAX ((size_t)256 << 10)
enum { CALL_BYTES_FACTOR = 64 };

/* ---- streams as gRPC messages ---- */

static uint32_t load_u32le(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void append_message(struct t_raw *raw, struct cflight_bytes header,
                           struct cflight_bytes body)
{
    static const uint8_t DESCRIPTOR[] = {0x08, 0x02, 0x12, 0x01, 'x'};
    struct cfl_buf head;
    cfl_buf_init(&head, NULL);
    bool is_first = raw->len_bytes == 0;
    assert_true(cfl_flight_data_write_head(
        &head, cflight_bytes_make(DESCRIPTOR, is_first ? sizeof DESCRIPTOR : 0), header,
        cflight_bytes_make(NULL, 0), body.len_bytes > 0, body.len_bytes));
    size_t len_bytes = head.len_bytes + body.len_bytes;
    uint8_t prefix[GRPC_PREFIX_BYTES] = {0, (uint8_t)(len_bytes >> 24), (uint8_t)(len_bytes >> 16),
                                         (uint8_t)(len_bytes >> 8), (uint8_t)len_bytes};
    t_raw_append(raw, prefix, sizeof prefix);
    t_raw_append(raw, head.data, head.len_bytes);
    t_raw_append(raw, body.data, body.len_bytes);
    cfl_buf_done(&head);
}

/* Takes a stream of the corpus apart (with or without continuation markers) and makes it the
 * messages of a call. */
static struct t_raw load_messages(const char *name)
{
    struct t_bytes bytes = t_load(name);
    struct t_raw raw = {0};
    size_t at = 0;
    while (at + IPC_PREFIX_BYTES <= bytes.len_bytes) {
        at += load_u32le(bytes.data + at) == UINT32_MAX ? 4 : 0;
        uint32_t header_bytes = load_u32le(bytes.data + at);
        at += 4;
        if (header_bytes == 0) {
            break;
        }
        struct cflight_bytes header = cflight_bytes_make(bytes.data + at, header_bytes);
        uint64_t body_bytes = 0;
        enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
        cflight_error *error = NULL;
        CHECK_OK(cfl_message_body_len(header, &body_bytes, &kind, &error), error);
        append_message(&raw, header,
                       cflight_bytes_make(bytes.data + at + header_bytes, (size_t)body_bytes));
        at += header_bytes + (size_t)body_bytes;
    }
    t_bytes_done(&bytes);
    assert_true(raw.len_bytes > 0);
    return raw;
}

/* Reads a stream as a user who trusts what he gets. */
static cflight_status read_and_walk(cflight_reader *reader, cflight_error **reterr)
{
    struct ArrowSchema schema = {0};
    cflight_status status = cflight_reader_schema(reader, &schema, reterr);
    bool is_end = false;
    while (status == CFLIGHT_OK && !is_end) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            if (chunk.has_batch) {
                t_walk_batch(&schema, &chunk.batch);
            }
            is_end = chunk.is_end;
            cflight_chunk_release(&chunk);
        }
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    return status;
}

/* Statuses for bad data. None of them says that the connection or the call broke down. */
static bool is_expected(cflight_status status)
{
    return status == CFLIGHT_OK || status == CFLIGHT_DATA_LOSS || status == CFLIGHT_UNIMPLEMENTED ||
           status == CFLIGHT_RESOURCE_EXHAUSTED || status == CFLIGHT_INTERNAL ||
           status == CFLIGHT_INVALID_ARGUMENT || status == CFLIGHT_FAILED_PRECONDITION ||
           status == CFLIGHT_UNKNOWN;
}

/* ---- the end that is tested ---- */

/* Both kinds: something that takes messages and says what became of them. */
struct subject {
    struct t_meter meter;
    struct t_hostile_server peer; /* for a client */
    cflight_client *client;
    cflight_server *server;
    struct t_hostile_client raw_client; /* for a server */
    pthread_mutex_t mutex;
    cflight_status last_status; /* of the handler, under the mutex */
    size_t error_count;
    size_t ok_count;
};

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct subject *subject = user_data;
    (void)context;
    (void)descriptor;
    (void)writer;
    cflight_status status = read_and_walk(reader, reterr);
    (void)pthread_mutex_lock(&subject->mutex);
    subject->last_status = status;
    (void)pthread_mutex_unlock(&subject->mutex);
    return status;
}

static void subject_start(struct subject *subject, bool is_server)
{
    cflight_error *error = NULL;
    memset(subject, 0, sizeof *subject);
    t_meter_init(&subject->meter);
    (void)pthread_mutex_init(&subject->mutex, NULL);
    if (is_server) {
        struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
        struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
        handlers.do_put = do_put;
        handlers.user_data = subject;
        options.allocator = &subject->meter.allocator;
        CHECK_OK(
            cflight_server_new("grpc://127.0.0.1:0", &handlers, &options, &subject->server, &error),
            error);
        t_hostile_client_init(&subject->raw_client, cflight_server_port(subject->server));
        return;
    }
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.allocator = &subject->meter.allocator;
    t_hostile_server_start(&subject->peer);
    CHECK_OK(cflight_client_new(subject->peer.peer.location, &options, &subject->client, &error),
             error);
}

static void subject_stop(struct subject *subject)
{
    if (subject->server != NULL) {
        t_hostile_client_done(&subject->raw_client);
        cflight_server_free(subject->server);
    } else {
        cflight_client_free(subject->client);
        t_hostile_server_stop(&subject->peer);
    }
    (void)pthread_mutex_destroy(&subject->mutex);
    assert_int_equal(atomic_load(&subject->meter.live_bytes), 0);
}

static cflight_status get(struct subject *subject, const struct t_raw *messages, size_t frame_bytes)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    options.timeout_ms = WATCHDOG_MS;
    t_hostile_server_set(&subject->peer, messages, frame_bytes);
    cflight_status status = cflight_client_do_get(subject->client, cflight_bytes_from_text("x"),
                                                  &options, &reader, &error);
    if (status == CFLIGHT_OK) {
        status = read_and_walk(reader, &error);
    }
    cflight_error_free(error);
    cflight_reader_free(reader);
    return status;
}

static cflight_status put(struct subject *subject, const struct t_raw *messages, size_t frame_bytes)
{
    (void)pthread_mutex_lock(&subject->mutex);
    subject->last_status = CFLIGHT_UNKNOWN; /* when the library refuses before the handler runs */
    (void)pthread_mutex_unlock(&subject->mutex);
    t_hostile_client_put(&subject->raw_client, messages, frame_bytes);
    (void)pthread_mutex_lock(&subject->mutex);
    cflight_status status = subject->last_status;
    (void)pthread_mutex_unlock(&subject->mutex);
    return status;
}

/* Lets the subject read the messages; checks what comes out and what it took. */
static cflight_status try_messages(struct subject *subject, const struct t_raw *messages,
                                   size_t frame_bytes, const char *what, size_t at)
{
    size_t before_bytes = t_meter_restart(&subject->meter);
    cflight_status status = subject->server != NULL ? put(subject, messages, frame_bytes)
                                                    : get(subject, messages, frame_bytes);
    size_t peak_bytes = atomic_load(&subject->meter.peak_bytes);
    size_t taken_bytes = peak_bytes > before_bytes ? peak_bytes - before_bytes : 0;
    if (!is_expected(status) ||
        taken_bytes > CALL_BYTES_MAX + CALL_BYTES_FACTOR * messages->len_bytes) {
        fail_msg("%s at %zu of %zu bytes: %s, %zu bytes taken", what, at, messages->len_bytes,
                 cflight_status_name(status), taken_bytes);
    }
    subject->ok_count += status == CFLIGHT_OK ? 1 : 0;
    subject->error_count += status == CFLIGHT_OK ? 0 : 1;
    return status;
}

typedef void (*attack_fn)(struct subject *subject, const char *name, const struct t_raw *messages);

static void for_each_stream(bool is_server, attack_fn attack)
{
    struct subject subject;
    subject_start(&subject, is_server);
    for (size_t i = 0; t_stream_names[i] != NULL; i++) {
        struct t_raw messages = load_messages(t_stream_names[i]);
        /* Whole first: connections and pools come to their size. */
        CHECK_STATUS(subject.server != NULL ? put(&subject, &messages, FRAME_BYTES)
                                            : get(&subject, &messages, FRAME_BYTES),
                     CFLIGHT_OK);
        attack(&subject, t_stream_names[i], &messages);
        /* And last: the end still works. */
        CHECK_STATUS(try_messages(&subject, &messages, FRAME_BYTES, "whole", 0), CFLIGHT_OK);
        t_raw_done(&messages);
    }
    assert_true(subject.ok_count > 0);
    subject_stop(&subject);
}

static void flip_bits(struct subject *subject, const char *name, const struct t_raw *messages)
{
    bool is_small = messages->len_bytes <= SMALL_STREAM_BYTES;
    struct t_raw changed = {0};
    t_raw_append(&changed, messages->data, messages->len_bytes);
    for (size_t bit = 0; bit < messages->len_bytes * 8; bit += STEP) {
        if (!is_small && bit % 8 != bit / 8 % 8) {
            continue;
        }
        changed.data[bit / 8] = (uint8_t)(changed.data[bit / 8] ^ (1U << (bit % 8)));
        (void)try_messages(subject, &changed, FRAME_BYTES, name, bit);
        changed.data[bit / 8] = messages->data[bit / 8];
    }
    t_raw_done(&changed);
}

static void cut_short(struct subject *subject, const char *name, const struct t_raw *messages)
{
    for (size_t len_bytes = 0; len_bytes < messages->len_bytes; len_bytes += STEP) {
        struct t_raw cut = {.data = messages->data, .len_bytes = len_bytes};
        (void)try_messages(subject, &cut, FRAME_BYTES, name, len_bytes);
    }
}

static void change_frames(struct subject *subject, const char *name, const struct t_raw *messages)
{
    for (size_t frame_bytes = 1; frame_bytes < messages->len_bytes;
         frame_bytes += 1 + frame_bytes / 16) {
        CHECK_STATUS(try_messages(subject, messages, frame_bytes, name, frame_bytes), CFLIGHT_OK);
    }
}

/* Goal: one wrong bit from a server gives valid data or an error, never harm, and never much
 * memory. Method: every bit of small streams, one bit of every byte of others, prefixes and
 * protobuf included; a reader that follows every offset. */
TEST(hostile_data, a_client_survives_every_wrong_bit)
{
    for_each_stream(false, flip_bits);
}

/* Goal: the same from a client. Method: the same. */
TEST(hostile_data, a_server_survives_every_wrong_bit)
{
    for_each_stream(true, flip_bits);
}

/* Goal: an answer that ends anywhere is an error, or a shorter stream. Method: cut at every byte.
 */
TEST(hostile_data, a_client_survives_every_cut)
{
    for_each_stream(false, cut_short);
}

/* Goal: the same for an upload. Method: the same. */
TEST(hostile_data, a_server_survives_every_cut)
{
    for_each_stream(true, cut_short);
}

/* Goal: how a peer cuts its messages into frames makes no difference. Method: frames of 1 byte and
 * more, both ends. */
TEST(hostile_data, frames_of_any_size_carry_the_same_data)
{
    for_each_stream(false, change_frames);
    for_each_stream(true, change_frames);
}
