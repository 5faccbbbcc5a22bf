/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers that tell: ListFlights, GetFlightInfo, GetSchema.
 *
 * Files are opened for each request: they are mapped, so this costs a few system calls, and a file
 * that was replaced meanwhile is served as it was to those who began before. Files are checked
 * fully before a batch of them is sent, because nobody knows who wrote them, and batches may have
 * to be cut at offsets that the file itself gives. A file that is written into or cut meanwhile
 * fails the requests that read it, and those alone. */
#include <fcntl.h>
#include <stdlib.h>

#include "cli/serve/flight.h"
#include "cli/serve/name.h"
#include "cli/serve/part.h"
#include "cli/system/mapped_file.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

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
    struct cli_parts parts = {0};
    struct cflight_info info = {.ordered = true};

    cflight_status status = cli_flight_open(serve, name, &file, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = serialize_schema(file.file, &schema, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    counted = cflight_ipc_file_count_rows(file.file, &info.total_records, &damage);
    info.total_bytes = cflight_ipc_file_size_bytes(file.file);
    status = cli_flight_check(name, &file, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    if (counted != CFLIGHT_OK) {
        status = cli_flight_blame(name, counted, damage, reterr);
        damage = NULL;
        goto done;
    }
    status =
        cli_parts_init(&parts, name, &file.opened, cflight_ipc_file_batch_count(file.file),
                       serve->endpoint_bytes, serve->advertised, serve->advertised_count, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    info.endpoints = parts.endpoints;
    info.endpoint_count = parts.count;
    info.schema = cflight_buffer_bytes(schema);
    info.descriptor = descriptor == NULL ? own : *descriptor;
    *ret_was_read = true;
    status = cflight_response_info(response, &info, reterr);

done:
    cflight_error_free(damage);
    cli_parts_done(&parts);
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
        status = cli_flight_check_rights(user_data, context, name.data, reterr);
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
        status = cli_flight_check_rights(user_data, context, name.data, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_flight_open(user_data, name.data, &file, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = serialize_schema(file.file, &schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_flight_check(name.data, &file, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_response_schema(response, cflight_buffer_bytes(schema), reterr);
    }
    cflight_buffer_unref(schema);
    cli_mapped_file_done(&file);
    cli_text_done(&name);
    return status;
}

void cli_serve_add_handlers(struct cflight_server_handlers *handlers)
{
    handlers->list_flights = list_flights;
    handlers->get_flight_info = get_flight_info;
    handlers->get_schema = get_schema;
    handlers->do_get = cli_serve_do_get;
}
