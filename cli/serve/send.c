/* SPDX-License-Identifier: Apache-2.0 */
/* DoGet: sends a flight, or a part of one.
 *
 * Messages go out as they are stored, where they can: their structure is checked, and the values of
 * files that are not compressed, because nobody knows who wrote them. A file with batches that must
 * be cut, or that the operator wants written otherwise, is read and encoded anew. A file that is
 * written into or cut meanwhile fails the requests that read it, and those alone. */
#include <stdlib.h>

#include "cli/serve/flight.h"
#include "cli/serve/name.h"
#include "cli/serve/part.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

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
    if (cli_flight_check(name, file, &change) == CFLIGHT_OK) {
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
    struct cli_part part;
    struct cli_mapped_file file;
    cflight_ipc_messages *messages; /* as they are stored; NULL: read them */
    struct ArrowArrayStream stream; /* of the whole, when it is read */
    int64_t next_batch;             /* of a part */
    bool is_over;                   /* the end was reached, or a failure of the file was told */
};

/* Reads the next batch; none is left in `*ret_batch` at the end. */
static cflight_status read_batch(struct sending *sending, struct ArrowArray *ret_batch,
                                 cflight_error **reterr)
{
    const struct cli_part *part = &sending->part;
    cflight_error *cause = NULL;
    if (part->batch_count == 0) {
        return sending->stream.get_next(&sending->stream, ret_batch) == 0
                   ? CFLIGHT_OK
                   : stream_failure(sending->name.data, &sending->stream, reterr);
    }
    if (sending->next_batch == part->first_batch + part->batch_count) {
        return CFLIGHT_OK;
    }
    cflight_status status =
        cflight_ipc_file_read_batch(sending->file.file, sending->next_batch++, ret_batch, &cause);
    return status == CFLIGHT_OK ? CFLIGHT_OK
                                : cli_flight_blame(sending->name.data, status, cause, reterr);
}

/* Asked for the next batch, the library has sent the one before: now is the time to see whether
 * that was what the file held. */
static cflight_status next_batch(void *user_data, struct cflight_chunk *ret_chunk,
                                 cflight_error **reterr)
{
    struct sending *sending = user_data;
    const char *name = sending->name.data;
    struct ArrowArray batch = {0};
    cflight_status status = read_batch(sending, &batch, reterr);
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

/* The same of messages that go out as they are. */
static cflight_status next_message(void *user_data, struct cflight_message *ret_message,
                                   cflight_error **reterr)
{
    struct sending *sending = user_data;
    const char *name = sending->name.data;
    cflight_error *cause = NULL;
    cflight_status status = cflight_ipc_messages_next(sending->messages, ret_message, &cause);
    if (status != CFLIGHT_OK) {
        status = cli_flight_blame(name, status, cause, reterr);
    }
    status = blame_change(name, &sending->file, status, reterr);
    sending->is_over = status != CFLIGHT_OK || ret_message->is_end;
    if (status != CFLIGHT_OK) {
        cflight_message_release(ret_message);
    }
    return status;
}

static void free_sending(struct sending *sending)
{
    cflight_ipc_messages_free(sending->messages);
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

/* Takes the messages as they are stored, or opens a stream of what must be read. */
static cflight_status open_data(const struct cli_serve *serve, struct sending *sending,
                                cflight_error **reterr)
{
    struct cflight_ipc_messages_options options = CFLIGHT_IPC_MESSAGES_OPTIONS_INIT;
    cflight_error *cause = NULL;
    cflight_status status = CFLIGHT_FAILED_PRECONDITION;
    options.check = CFLIGHT_MESSAGE_CHECK_VALUES;
    options.first_batch = sending->part.first_batch;
    options.batch_count = sending->part.batch_count;
    options.batch_bytes_max = serve->batch_bytes_max;
    if (!serve->encodes_anew) {
        status =
            cflight_ipc_file_messages(sending->file.file, &options, &sending->messages, &cause);
    }
    if (status == CFLIGHT_FAILED_PRECONDITION) {
        cflight_error_free(cause);
        return cflight_ipc_file_stream(sending->file.file, &sending->stream, reterr);
    }
    return status == CFLIGHT_OK ? CFLIGHT_OK
                                : cli_flight_blame(sending->name.data, status, cause, reterr);
}

static cflight_status new_sending(const struct cli_serve *serve,
                                  const cflight_server_context *context, struct cflight_bytes name,
                                  const struct cli_part *part, struct sending **ret_sending,
                                  cflight_error **reterr)
{
    struct sending *sending = calloc(1, sizeof *sending);
    if (sending == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    sending->file = (struct cli_mapped_file)CLI_MAPPED_FILE_INIT;
    sending->part = *part;
    sending->next_batch = part->first_batch;
    cli_text_append(&sending->name, name.data, name.len_bytes);
    (void)cli_text_terminated(&sending->name);
    cflight_status status = cli_text_status(&sending->name, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_flight_check_rights(serve, context, sending->name.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_flight_open(serve, sending->name.data, &sending->file, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_part_check(part, name, &sending->file.opened,
                                cflight_ipc_file_batch_count(sending->file.file), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = open_data(serve, sending, reterr);
        status = blame_change(sending->name.data, &sending->file, status, reterr);
    }
    if (status != CFLIGHT_OK) {
        free_sending(sending);
        return status;
    }
    *ret_sending = sending;
    return CFLIGHT_OK;
}

cflight_status cli_serve_do_get(void *user_data, cflight_server_context *context,
                                struct cflight_bytes ticket, cflight_writer *writer,
                                cflight_error **reterr)
{
    struct sending *sending = NULL;
    struct cflight_source source = CFLIGHT_SOURCE_INIT;
    struct cli_part part;
    struct cflight_bytes name;
    cflight_status status = cli_part_parse(&part, &name, ticket, reterr);
    if (status == CFLIGHT_OK) {
        cflight_server_context_set_subject(context, name);
        status = cli_name_check(name, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = new_sending(user_data, context, name, &part, &sending, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    source.user_data = sending;
    source.release = end_sending;
    if (sending->messages != NULL) {
        source.next_message = next_message;
    } else {
        source.next = next_batch;
        status = begin_flight(sending->name.data, &sending->stream, writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_hand_over(writer, &source, reterr);
    }
    if (status != CFLIGHT_OK) {
        status = blame_change(sending->name.data, &sending->file, status, reterr);
        free_sending(sending);
    }
    return status;
}
