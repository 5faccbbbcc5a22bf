/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers that read: ListFlights, GetFlightInfo, GetSchema, DoGet.
 *
 * Files are opened for each request: they are mapped, so this costs a few system calls, and a file
 * that was replaced meanwhile is served as it was to those who began before. Files are checked
 * fully before a batch of them is sent, because nobody knows who wrote them, and batches may have
 * to be cut at offsets that the file itself gives. A file that is written into or cut meanwhile
 * fails the requests that read it, and those alone. */
#include <fcntl.h>
#include <stdlib.h>

#include "cli/serve/name.h"
#include "cli/serve/serve.h"
#include "cli/system/mapped_file.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

/* Prefixes an error with the flight it is about. */
static cflight_status blame_flight(const char *name, cflight_status status, cflight_error *cause,
                                   cflight_error **reterr)
{
    status =
        cflight_error_set(reterr, status, "flight '%s': %s", name, cflight_error_message(cause));
    cflight_error_free(cause);
    return status;
}

/* What the server may not do is no matter of who asks: PERMISSION_DENIED would send a client to
 * look for a better login. */
static cflight_status blame_server(const char *name, cflight_status status, cflight_error *cause,
                                   cflight_error **reterr)
{
    if (status != CFLIGHT_PERMISSION_DENIED) {
        return blame_flight(name, status, cause, reterr);
    }
    cflight_error_free(cause);
    return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                             "flight '%s': the server has no permission to read its file", name);
}

static cflight_status open_flight(const struct cli_serve *serve, const char *name,
                                  struct cli_mapped_file *ret_file, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    cflight_error *cause = NULL;
    int fd = -1;
    cflight_status status = cli_catalog_open(&serve->catalog, name, O_RDONLY, &path, &fd, &cause);
    if (status == CFLIGHT_NOT_FOUND || status == CFLIGHT_INVALID_ARGUMENT) {
        return cli_error_give(cause, reterr); /* it says all that there is to say */
    }
    if (status == CFLIGHT_OK) {
        status = cli_mapped_file_open_fd(ret_file, fd, cli_text_terminated(&path),
                                         serve->read_options, &cause);
    }
    cli_text_done(&path);
    return status == CFLIGHT_OK ? CFLIGHT_OK : blame_server(name, status, cause, reterr);
}

/* A flight that the caller may not see is not there, in the very words of one that is not. */
static cflight_status check_rights(const struct cli_serve *serve,
                                   const cflight_server_context *context, const char *name,
                                   cflight_error **reterr)
{
    return cli_rights_allow_caller(serve->rights, context, CLI_RIGHT_READ, name)
               ? CFLIGHT_OK
               : cli_catalog_no_flight(name, reterr);
}

/* Whether what was read of a flight is to be believed. */
static cflight_status check_flight(const char *name, const struct cli_mapped_file *file,
                                   cflight_error **reterr)
{
    cflight_error *cause = NULL;
    cflight_status status = cli_mapped_file_check(file, &cause);
    return status == CFLIGHT_OK ? CFLIGHT_OK : blame_flight(name, status, cause, reterr);
}

static cflight_status serialize_schema(const cflight_ipc_file *file, cflight_buffer **ret_message,
                                       cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_status status = cflight_ipc_file_schema(file, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_schema_serialize(&schema, ret_message, reterr);
        schema.release(&schema);
    }
    return status;
}

/* Answers with what is known of a flight. `descriptor` is what the client asked with, NULL in
 * lists. `*ret_was_read` tells whether a failure is one of sending, not of the file. */
static cflight_status answer_info(const struct cli_serve *serve, const char *name,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_response *response, bool *ret_was_read,
                                  cflight_error **reterr)
{
    struct cli_mapped_file file = CLI_MAPPED_FILE_INIT;
    cflight_buffer *schema = NULL;
    cflight_error *damage = NULL;
    cflight_status counted = CFLIGHT_OK;
    struct cflight_bytes path = cflight_bytes_from_text(name);
    struct cflight_descriptor own = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &path, .path_count = 1};
    struct cflight_endpoint endpoint = {
        .ticket = path, .locations = serve->advertised, .location_count = serve->advertised_count};
    struct cflight_info info = {.endpoints = &endpoint, .endpoint_count = 1, .ordered = true};

    cflight_status status = open_flight(serve, name, &file, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = serialize_schema(file.file, &schema, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    counted = cflight_ipc_file_count_rows(file.file, &info.total_records, &damage);
    info.total_bytes = cflight_ipc_file_size_bytes(file.file);
    status = check_flight(name, &file, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    if (counted != CFLIGHT_OK) {
        status = blame_flight(name, counted, damage, reterr);
        damage = NULL;
        goto done;
    }
    info.schema = cflight_buffer_bytes(schema);
    info.descriptor = descriptor == NULL ? own : *descriptor;
    *ret_was_read = true;
    status = cflight_response_info(response, &info, reterr);

done:
    cflight_error_free(damage);
    cflight_buffer_unref(schema);
    cli_mapped_file_done(&file);
    return status;
}

struct listing {
    const struct cli_serve *serve;
    cflight_server_context *context;
    struct cflight_bytes criteria;
    cflight_response *response;
};

/* A file that cannot be read is left out of the list; the others are not its fault. */
static cflight_status list_flight(void *user_data, const char *name, const char *path,
                                  cflight_error **reterr)
{
    struct listing *listing = user_data;
    cflight_error *error = NULL;
    bool was_read = false;
    if (cflight_server_context_is_cancelled(listing->context)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "the client has gone");
    }
    if (!cli_name_matches(name, listing->criteria) ||
        !cli_rights_allow_caller(listing->serve->rights, listing->context, CLI_RIGHT_READ, name)) {
        return CFLIGHT_OK;
    }
    cflight_status status =
        answer_info(listing->serve, name, NULL, listing->response, &was_read, &error);
    if (status != CFLIGHT_OK && was_read) {
        return cli_error_give(error, reterr); /* the client has gone: no fault of the file */
    }
    if (status != CFLIGHT_OK) {
        cli_catalog_complain(&listing->serve->catalog, path, error);
        cflight_error_free(error);
    }
    return CFLIGHT_OK;
}

static cflight_status list_flights(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr)
{
    const struct cli_serve *serve = user_data;
    struct listing listing = {serve, context, criteria, response};
    cflight_server_context_set_subject(context, criteria);
    return cli_catalog_each(&serve->catalog, list_flight, &listing, reterr);
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct cli_text name = CLI_TEXT_INIT;
    bool was_read = false;
    cflight_status status = cli_name_from_descriptor(&name, descriptor, reterr);
    if (status == CFLIGHT_OK) {
        cflight_server_context_set_subject(context, cflight_bytes_from_text(name.data));
        status = check_rights(user_data, context, name.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = answer_info(user_data, name.data, descriptor, response, &was_read, reterr);
    }
    cli_text_done(&name);
    return status;
}

static cflight_status get_schema(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr)
{
    struct cli_text name = CLI_TEXT_INIT;
    struct cli_mapped_file file = CLI_MAPPED_FILE_INIT;
    cflight_buffer *schema = NULL;
    cflight_status status = cli_name_from_descriptor(&name, descriptor, reterr);
    if (status == CFLIGHT_OK) {
        cflight_server_context_set_subject(context, cflight_bytes_from_text(name.data));
        status = check_rights(user_data, context, name.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = open_flight(user_data, name.data, &file, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = serialize_schema(file.file, &schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_flight(name.data, &file, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_response_schema(response, cflight_buffer_bytes(schema), reterr);
    }
    cflight_buffer_unref(schema);
    cli_mapped_file_done(&file);
    cli_text_done(&name);
    return status;
}

static cflight_status stream_failure(const char *name, struct ArrowArrayStream *stream,
                                     cflight_error **reterr)
{
    const char *reason = stream->get_last_error(stream);
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "flight '%s': %s", name,
                             reason == NULL ? "the file cannot be read" : reason);
}

static cflight_status begin_flight(const char *name, struct ArrowArrayStream *stream,
                                   cflight_writer *writer, cflight_error **reterr)
{
    struct ArrowSchema schema = {0};
    if (stream->get_schema(stream, &schema) != 0) {
        return stream_failure(name, stream, reterr);
    }
    cflight_status status = cflight_writer_begin(writer, &schema, NULL, reterr);
    schema.release(&schema);
    return status;
}

/* A change of the file explains whatever else went wrong. The operator is told: clients cannot do
 * anything about it. */
static cflight_status blame_change(const char *name, const struct cli_mapped_file *file,
                                   cflight_status status, cflight_error **reterr)
{
    cflight_error *change = NULL;
    if (check_flight(name, file, &change) == CFLIGHT_OK) {
        return status;
    }
    cli_message_error_limited("not sent to its end", change);
    cli_error_drop(reterr);
    return cli_error_give(change, reterr);
}

/* A flight on its way to a client: what the library pulls batches from, once the handler has
 * returned, so that a client that stops reading holds no thread. */
struct sending {
    struct cli_text name;
    struct cli_mapped_file file;
    struct ArrowArrayStream stream;
    bool is_over; /* the end was reached, or a failure of the file was told */
};

/* Asked for the next batch, the library has sent the one before: now is the time to see whether
 * that was what the file held. */
static cflight_status next_batch(void *user_data, struct cflight_chunk *ret_chunk,
                                 cflight_error **reterr)
{
    struct sending *sending = user_data;
    const char *name = sending->name.data;
    struct ArrowArray batch = {0};
    cflight_status status = CFLIGHT_OK;
    if (sending->stream.get_next(&sending->stream, &batch) != 0) {
        status = stream_failure(name, &sending->stream, reterr);
    }
    status = blame_change(name, &sending->file, status, reterr);
    sending->is_over = status != CFLIGHT_OK || batch.release == NULL;
    if (status != CFLIGHT_OK) {
        if (batch.release != NULL) {
            batch.release(&batch);
        }
        return status;
    }
    ret_chunk->is_end = batch.release == NULL;
    ret_chunk->has_batch = !ret_chunk->is_end;
    ret_chunk->batch = batch;
    return CFLIGHT_OK;
}

static void free_sending(struct sending *sending)
{
    if (sending->stream.release != NULL) {
        sending->stream.release(&sending->stream);
    }
    cli_mapped_file_done(&sending->file);
    cli_text_done(&sending->name);
    free(sending);
}

/* Pages that are gone break the connection, and nobody asks for the next batch then. */
static void end_sending(void *user_data)
{
    struct sending *sending = user_data;
    if (!sending->is_over) {
        (void)blame_change(sending->name.data, &sending->file, CFLIGHT_OK, NULL);
    }
    free_sending(sending);
}

static cflight_status new_sending(const struct cli_serve *serve,
                                  const cflight_server_context *context,
                                  struct cflight_bytes ticket, struct sending **ret_sending,
                                  cflight_error **reterr)
{
    struct sending *sending = calloc(1, sizeof *sending);
    if (sending == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    sending->file = (struct cli_mapped_file)CLI_MAPPED_FILE_INIT;
    cli_text_append(&sending->name, ticket.data, ticket.len_bytes);
    (void)cli_text_terminated(&sending->name);
    cflight_status status = cli_text_status(&sending->name, reterr);
    if (status == CFLIGHT_OK) {
        status = check_rights(serve, context, sending->name.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = open_flight(serve, sending->name.data, &sending->file, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_file_stream(sending->file.file, &sending->stream, reterr);
        status = blame_change(sending->name.data, &sending->file, status, reterr);
    }
    if (status != CFLIGHT_OK) {
        free_sending(sending);
        return status;
    }
    *ret_sending = sending;
    return CFLIGHT_OK;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct sending *sending = NULL;
    struct cflight_source source = CFLIGHT_SOURCE_INIT;
    cflight_server_context_set_subject(context, ticket);
    cflight_status status = cli_name_check(ticket, reterr);
    if (status == CFLIGHT_OK) {
        status = new_sending(user_data, context, ticket, &sending, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    source.user_data = sending;
    source.next = next_batch;
    source.release = end_sending;
    status = begin_flight(sending->name.data, &sending->stream, writer, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_hand_over(writer, &source, reterr);
    }
    if (status != CFLIGHT_OK) {
        status = blame_change(sending->name.data, &sending->file, status, reterr);
        free_sending(sending);
    }
    return status;
}

void cli_serve_add_handlers(struct cflight_server_handlers *handlers)
{
    handlers->list_flights = list_flights;
    handlers->get_flight_info = get_flight_info;
    handlers->get_schema = get_schema;
    handlers->do_get = do_get;
}
