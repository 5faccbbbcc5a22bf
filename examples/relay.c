/* SPDX-License-Identifier: Apache-2.0 */
/* A server that has nothing of its own: it passes every call on to another, and data as it is,
 * without decoding it.
 *
 *     relay UPSTREAM LISTEN        relay grpc://db:32010 grpc://0.0.0.0:32011
 *
 * Descriptors, tickets, actions, metadata, deadlines, cancellation, statuses with their details,
 * and the headers of requests pass through; of streams, the headers and trailers of the answer too.
 * A client that reads slowly holds up the server behind the relay, not the relay: each stream has
 * one message in the relay, and what a window takes. Logins are not passed on; bearer tokens and
 * passwords in the header `authorization` are. */
#include <cflight/cflight.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADERS_MAX = 64,
    PATIENCE_MS = 100, /* until it is seen that nobody wants an upload any more */
};

/* A call to the server behind, for one that came. */
struct onward {
    cflight_client *client; /* borrowed, as is the context */
    cflight_server_context *context;
    cflight_cancel *cancel;
    struct cflight_header headers[HEADERS_MAX];
    struct cflight_call_options options;
};

/* Headers that belong to one connection, or that the library writes itself, stay behind. */
static bool is_passed(const struct cflight_header *header)
{
    static const char *const own[] = {"user-agent",
                                      "te",
                                      "content-type",
                                      "x-arrow-status",
                                      "x-arrow-status-detail-bin",
                                      "x-arrow-status-message-bin"};
    bool is_own = cflight_header_check(header->name, header->value, NULL) != CFLIGHT_OK;
    for (size_t i = 0; i < sizeof own / sizeof own[0] && !is_own; i++) {
        is_own = cflight_bytes_equal(header->name, cflight_bytes_from_text(own[i]));
    }
    return !is_own;
}

static void trigger(void *user_data)
{
    cflight_cancel_trigger(user_data);
}

static cflight_status begin(struct onward *onward, void *client, cflight_server_context *context,
                            cflight_error **reterr)
{
    const struct cflight_header *headers = NULL;
    size_t count = cflight_server_context_headers(context, &headers);
    int64_t left_ms = cflight_server_context_remaining_ms(context);
    *onward =
        (struct onward){.client = client, .context = context, .options = CFLIGHT_CALL_OPTIONS_INIT};
    cflight_status status = cflight_cancel_new(&onward->cancel, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    onward->options.headers = onward->headers;
    for (size_t i = 0; i < count && onward->options.header_count < HEADERS_MAX; i++) {
        if (is_passed(&headers[i])) {
            onward->headers[onward->options.header_count++] = headers[i];
        }
    }
    onward->options.timeout_is_set = left_ms >= 0;
    onward->options.timeout_ms = left_ms >= 0 ? left_ms : 0;
    onward->options.cancel = onward->cancel;
    cflight_server_context_on_cancel(context, trigger, onward->cancel);
    return CFLIGHT_OK;
}

static void end(struct onward *onward)
{
    cflight_server_context_on_cancel(onward->context, NULL, NULL);
    cflight_cancel_unref(onward->cancel);
}

/* ---- data ---- */

typedef cflight_status (*add_fn)(cflight_server_context *context, struct cflight_bytes name,
                                 struct cflight_bytes value, cflight_error **reterr);

static void copy_headers(cflight_server_context *context, add_fn add,
                         const struct cflight_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_passed(&headers[i])) {
            (void)!add(context, headers[i].name, headers[i].value, NULL);
        }
    }
}

/* Reads a message; with the first one the headers of the answer are there, with the last one, or a
 * failure, its trailers. */
static cflight_status receive(cflight_server_context *context, cflight_reader *reader,
                              bool is_first, struct cflight_message *ret_message,
                              cflight_error **reterr)
{
    const struct cflight_header *headers = NULL;
    cflight_status status =
        cflight_reader_next_message(reader, CFLIGHT_MESSAGE_CHECK_HEADER, ret_message, reterr);
    if (is_first) {
        size_t count = cflight_reader_headers(reader, &headers);
        copy_headers(context, cflight_server_context_add_header, headers, count);
    }
    if (status != CFLIGHT_OK || ret_message->is_end) {
        size_t count = cflight_reader_trailers(reader, &headers);
        copy_headers(context, cflight_server_context_add_trailer, headers, count);
    }
    return status;
}

/* A DoGet on its way, which needs no thread while its client is slow. */
struct stream {
    struct onward onward;
    cflight_reader *reader;
    struct cflight_message first;
    bool has_first;
};

static cflight_status next_message(void *user_data, struct cflight_message *ret_message,
                                   cflight_error **reterr)
{
    struct stream *stream = user_data;
    if (stream->has_first) {
        *ret_message = stream->first;
        stream->has_first = false;
        return CFLIGHT_OK;
    }
    return receive(stream->onward.context, stream->reader, false, ret_message, reterr);
}

static void end_stream(void *user_data)
{
    struct stream *stream = user_data;
    if (stream->has_first) {
        cflight_message_release(&stream->first);
    }
    end(&stream->onward);
    cflight_reader_free(stream->reader);
    free(stream);
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct cflight_source source = CFLIGHT_SOURCE_INIT;
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    cflight_status status = begin(&stream->onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        free(stream);
        return status;
    }
    source.user_data = stream;
    source.next_message = next_message;
    source.release = end_stream;
    status =
        cflight_client_do_get(user_data, ticket, &stream->onward.options, &stream->reader, reterr);
    if (status == CFLIGHT_OK) {
        status = receive(context, stream->reader, true, &stream->first, reterr);
        stream->has_first = status == CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_hand_over(writer, &source, reterr);
    }
    if (status != CFLIGHT_OK) {
        end_stream(stream);
    }
    return status;
}

/* What a client sends, on a thread of its own while the handler's thread passes the answers back.
 */
struct upload {
    struct onward onward;
    cflight_reader *from;
    cflight_writer *to;
    atomic_bool is_over; /* the answers have ended */
    cflight_status status;
    cflight_error *error;
    pthread_t thread;
};

/* Passes on what comes next, if anything comes. */
static cflight_status pass_message(struct upload *upload, bool *ret_is_end)
{
    struct cflight_message message;
    bool is_ready = false;
    cflight_status status =
        cflight_reader_try_next_message(upload->from, CFLIGHT_MESSAGE_CHECK_HEADER, PATIENCE_MS,
                                        &is_ready, &message, &upload->error);
    if (status != CFLIGHT_OK || !is_ready) {
        return status;
    }
    *ret_is_end = message.is_end;
    status = message.is_end ? cflight_writer_done_writing(upload->to, &upload->error)
                            : cflight_writer_write_message(upload->to, &message, &upload->error);
    cflight_message_release(&message);
    return status;
}

static void *run_upload(void *user_data)
{
    struct upload *upload = user_data;
    bool is_end = false;
    while (upload->status == CFLIGHT_OK && !is_end && !atomic_load(&upload->is_over)) {
        upload->status = pass_message(upload, &is_end);
    }
    if (upload->status != CFLIGHT_OK) {
        cflight_cancel_trigger(upload->onward.cancel); /* the answers end, too */
    }
    return NULL;
}

static cflight_status start_upload(struct upload *upload, cflight_error **reterr)
{
    return pthread_create(&upload->thread, NULL, run_upload, upload) == 0
               ? CFLIGHT_OK
               : cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no thread is left");
}

/* The answers have ended, and so has the call. That they were cancelled is no reason where the
 * upload has one. */
static cflight_status end_upload(struct upload *upload, cflight_status status,
                                 cflight_error **reterr)
{
    atomic_store(&upload->is_over, true);
    (void)pthread_join(upload->thread, NULL);
    if (status == CFLIGHT_CANCELLED && upload->status != CFLIGHT_OK) {
        cflight_error_free(*reterr);
        *reterr = upload->error;
        return upload->status;
    }
    cflight_error_free(upload->error);
    return status;
}

static cflight_status pass_answers(cflight_metadata_reader *answers, cflight_metadata_writer *to,
                                   cflight_error **reterr)
{
    for (;;) {
        cflight_buffer *answer = NULL;
        cflight_status status = cflight_metadata_reader_next(answers, &answer, reterr);
        if (status != CFLIGHT_OK || answer == NULL) {
            return status;
        }
        status = cflight_metadata_writer_write(to, cflight_buffer_bytes(answer), reterr);
        cflight_buffer_unref(answer);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct upload upload = {.from = reader};
    cflight_metadata_reader *answers = NULL;
    cflight_status status = begin(&upload.onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_client_do_put(user_data, descriptor, NULL, &upload.onward.options, &upload.to,
                                   &answers, reterr);
    if (status == CFLIGHT_OK) {
        status = start_upload(&upload, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = pass_answers(answers, writer, reterr);
        status = end_upload(&upload, status, reterr);
    }
    end(&upload.onward);
    cflight_metadata_reader_free(answers);
    cflight_writer_free(upload.to);
    return status;
}

static cflight_status do_exchange(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_reader *reader, cflight_writer *writer,
                                  cflight_error **reterr)
{
    struct upload upload = {.from = reader};
    cflight_reader *answers = NULL;
    cflight_status status = begin(&upload.onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_client_do_exchange(user_data, descriptor, &upload.onward.options, &upload.to,
                                        &answers, reterr);
    if (status == CFLIGHT_OK) {
        status = start_upload(&upload, reterr);
    }
    if (status == CFLIGHT_OK) {
        bool is_first = true;
        for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
            struct cflight_message message;
            status = receive(context, answers, is_first, &message, reterr);
            is_first = false;
            if (status == CFLIGHT_OK) {
                is_end = message.is_end;
                status =
                    is_end ? CFLIGHT_OK : cflight_writer_write_message(writer, &message, reterr);
                cflight_message_release(&message);
            }
        }
        status = end_upload(&upload, status, reterr);
    }
    end(&upload.onward);
    cflight_reader_free(answers);
    cflight_writer_free(upload.to);
    return status;
}

/* ---- everything else ---- */

static cflight_status list_flights(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr)
{
    struct onward onward;
    cflight_info_stream *stream = NULL;
    struct cflight_info *info = NULL;
    cflight_status status = begin(&onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_client_list_flights(user_data, criteria, &onward.options, &stream, reterr);
    do {
        cflight_info_free(info);
        info = NULL;
        status = status == CFLIGHT_OK ? cflight_info_stream_next(stream, &info, reterr) : status;
        if (status == CFLIGHT_OK && info != NULL) {
            status = cflight_response_info(response, info, reterr);
        }
    } while (status == CFLIGHT_OK && info != NULL);
    cflight_info_free(info);
    cflight_info_stream_free(stream);
    end(&onward);
    return status;
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct onward onward;
    struct cflight_info *info = NULL;
    cflight_status status = begin(&onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_client_get_flight_info(user_data, descriptor, &onward.options, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_info(response, info, reterr);
    }
    cflight_info_free(info);
    end(&onward);
    return status;
}

static cflight_status poll_flight_info(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr)
{
    struct onward onward;
    struct cflight_poll_info *info = NULL;
    cflight_status status = begin(&onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_client_poll_flight_info(user_data, descriptor, &onward.options, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_poll_info(response, info, reterr);
    }
    cflight_poll_info_free(info);
    end(&onward);
    return status;
}

static cflight_status get_schema(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr)
{
    struct onward onward;
    cflight_buffer *schema = NULL;
    cflight_status status = begin(&onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_client_get_schema(user_data, descriptor, &onward.options, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_schema(response, cflight_buffer_bytes(schema), reterr);
    }
    cflight_buffer_unref(schema);
    end(&onward);
    return status;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    struct onward onward;
    cflight_result_stream *stream = NULL;
    cflight_buffer *body = NULL;
    cflight_status status = begin(&onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_client_do_action(user_data, action, &onward.options, &stream, reterr);
    do {
        cflight_buffer_unref(body);
        body = NULL;
        status = status == CFLIGHT_OK ? cflight_result_stream_next(stream, &body, reterr) : status;
        if (status == CFLIGHT_OK && body != NULL) {
            status = cflight_response_result(response, cflight_buffer_bytes(body), reterr);
        }
    } while (status == CFLIGHT_OK && body != NULL);
    cflight_buffer_unref(body);
    cflight_result_stream_free(stream);
    end(&onward);
    return status;
}

static cflight_status list_actions(void *user_data, cflight_server_context *context,
                                   cflight_response *response, cflight_error **reterr)
{
    struct onward onward;
    cflight_action_type_stream *stream = NULL;
    struct cflight_action_type *type = NULL;
    cflight_status status = begin(&onward, user_data, context, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_client_list_actions(user_data, &onward.options, &stream, reterr);
    do {
        cflight_action_type_free(type);
        type = NULL;
        status =
            status == CFLIGHT_OK ? cflight_action_type_stream_next(stream, &type, reterr) : status;
        if (status == CFLIGHT_OK && type != NULL) {
            status = cflight_response_action_type(response, type, reterr);
        }
    } while (status == CFLIGHT_OK && type != NULL);
    cflight_action_type_free(type);
    cflight_action_type_stream_free(stream);
    end(&onward);
    return status;
}

/* ---- the program ---- */

static int fail(cflight_error *error)
{
    (void)fprintf(stderr, "relay: %s: %s\n", cflight_status_name(cflight_error_status(error)),
                  cflight_error_message(error));
    cflight_error_free(error);
    return 1;
}

static int run(cflight_client *client, const char *location, const sigset_t *signals)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_server *server = NULL;
    cflight_error *error = NULL;
    int number = 0;
    handlers.user_data = client;
    handlers.list_flights = list_flights;
    handlers.get_flight_info = get_flight_info;
    handlers.poll_flight_info = poll_flight_info;
    handlers.get_schema = get_schema;
    handlers.do_get = do_get;
    handlers.do_put = do_put;
    handlers.do_exchange = do_exchange;
    handlers.do_action = do_action;
    handlers.list_actions = list_actions;
    if (cflight_server_new(location, &handlers, NULL, &server, &error) != CFLIGHT_OK) {
        return fail(error);
    }
    (void)printf("%s\n", cflight_server_location(server));
    (void)fflush(stdout);
    (void)sigwait(signals, &number);
    cflight_server_free(server);
    return 0;
}

int main(int argc, char **argv)
{
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    sigset_t signals;
    if (argc != 3) {
        (void)fprintf(stderr, "usage: relay UPSTREAM LISTEN\n");
        return 2;
    }
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (cflight_client_new(argv[1], NULL, &client, &error) != CFLIGHT_OK) {
        return fail(error);
    }
    int exit_code = run(client, argv[2], &signals);
    cflight_client_free(client);
    return exit_code;
}
