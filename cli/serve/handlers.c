/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers that tell: ListFlights, GetFlightInfo, GetSchema.
 *
 * Which file a name leads to is found out for each request. What was read of the file is kept
 * (facts.c), so that who asks again while it stays as it is costs a look at it. A file that is
 * written into or cut while it is read fails the requests that read it, and those alone. */
#include <time.h>

#include "cli/serve/flight.h"
#include "cli/serve/name.h"
#include "cli/serve/part.h"
#include "cli/system/mapped_file.h"
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

static cflight_status read_open_file(const char *name, const struct cli_mapped_file *file,
                                     struct cli_facts *facts, cflight_error **reterr)
{
    cflight_error *damage = NULL;
    cflight_status status = serialize_schema(file->file, &facts->schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_status counted = cflight_ipc_file_count_rows(file->file, &facts->row_count, &damage);
    facts->batch_count = cflight_ipc_file_batch_count(file->file);
    status = cli_flight_check(name, file, reterr);
    if (status == CFLIGHT_OK && counted != CFLIGHT_OK) {
        return cli_flight_blame(name, counted, damage, reterr);
    }
    cflight_error_free(damage);
    return status;
}

/* Reads what an info tells of a flight, and keeps it for the next one who asks. `*ret_state` is
 * that of the file that was read. */
static cflight_status read_facts(const struct cli_serve *serve, const char *name,
                                 struct stat *ret_state, struct cli_facts *ret_facts,
                                 cflight_error **reterr)
{
    struct cli_mapped_file file = CLI_MAPPED_FILE_INIT;
    struct cli_facts facts = {0};
    struct timespec opened;
    (void)clock_gettime(CLOCK_REALTIME, &opened);
    cflight_status status = cli_flight_open(serve, name, &file, reterr);
    if (status == CFLIGHT_OK) {
        status = read_open_file(name, &file, &facts, reterr);
    }
    if (status == CFLIGHT_OK) {
        cli_facts_keep(serve->facts, &file.opened, &opened, &facts);
        *ret_state = file.opened;
        *ret_facts = facts;
    } else {
        cli_facts_drop(&facts);
    }
    cli_mapped_file_done(&file);
    return status;
}

/* Answers with what is known of a flight. `descriptor` is what the client asked with, NULL in
 * lists. */
static cflight_status answer_facts(const struct cli_serve *serve, const char *name,
                                   const struct stat *state, const struct cli_facts *facts,
                                   const struct cflight_descriptor *descriptor,
                                   cflight_response *response, cflight_error **reterr)
{
    struct cflight_bytes path = cflight_bytes_from_text(name);
    struct cflight_descriptor own = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &path, .path_count = 1};
    struct cli_parts parts = {0};
    cflight_status status =
        cli_parts_init(&parts, name, state, facts->batch_count, serve->endpoint_bytes,
                       serve->advertised, serve->advertised_count, reterr);
    if (status == CFLIGHT_OK) {
        struct cflight_info info = {
            .schema = cflight_buffer_bytes(facts->schema),
            .descriptor = descriptor == NULL ? own : *descriptor,
            .endpoints = parts.endpoints,
            .endpoint_count = parts.count,
            .total_records = facts->row_count,
            .total_bytes = state->st_size,
            .ordered = true,
        };
        status = cflight_response_info(response, &info, reterr);
    }
    cli_parts_done(&parts);
    return status;
}

struct listing {
    const struct cli_serve *serve;
    cflight_server_context *context;
    struct cflight_bytes criteria;
    cflight_response *response;
};

/* A file that cannot be read is left out of the list; the others are not its fault. */
static cflight_status list_flight(void *user_data, const struct cli_found *found,
                                  cflight_error **reterr)
{
    struct listing *listing = user_data;
    const struct cli_serve *serve = listing->serve;
    struct stat state = found->state;
    struct cli_facts facts;
    cflight_error *damage = NULL;
    cflight_status status = CFLIGHT_OK;
    if (cflight_server_context_is_cancelled(listing->context)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "the client has gone");
    }
    if (!cli_name_matches(found->name, listing->criteria) ||
        !cli_rights_allow_caller(serve->rights, listing->context, CLI_RIGHT_READ, found->name)) {
        return CFLIGHT_OK;
    }
    if (!cli_facts_find(serve->facts, &state, &facts)) {
        status = read_facts(serve, found->name, &state, &facts, &damage);
    }
    if (status != CFLIGHT_OK) {
        cli_catalog_complain(&serve->catalog, found->path, damage);
        cflight_error_free(damage);
        return CFLIGHT_OK;
    }
    status = answer_facts(serve, found->name, &state, &facts, NULL, listing->response, reterr);
    cli_facts_drop(&facts);
    return status;
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

/* The name that a call is about, if the caller may know of the flight. */
static cflight_status take_name(const struct cli_serve *serve, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor,
                                struct cli_text *ret_name, cflight_error **reterr)
{
    cflight_status status = cli_name_from_descriptor(ret_name, descriptor, reterr);
    if (status == CFLIGHT_OK) {
        cflight_server_context_set_subject(context, cli_text_bytes(ret_name));
        status = cli_flight_check_rights(serve, context, ret_name->data, reterr);
    }
    return status;
}

/* Whether the file that the name leads to now is one that was read before. */
static bool find_facts(const struct cli_serve *serve, const char *name, struct stat *ret_state,
                       struct cli_facts *ret_facts)
{
    return cli_catalog_look(&serve->catalog, name, ret_state, NULL) == CFLIGHT_OK &&
           cli_facts_find(serve->facts, ret_state, ret_facts);
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    const struct cli_serve *serve = user_data;
    struct cli_text name = CLI_TEXT_INIT;
    struct cli_facts facts = {0};
    struct stat state;
    cflight_status status = take_name(serve, context, descriptor, &name, reterr);
    if (status == CFLIGHT_OK && !find_facts(serve, name.data, &state, &facts)) {
        status = read_facts(serve, name.data, &state, &facts, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = answer_facts(serve, name.data, &state, &facts, descriptor, response, reterr);
    }
    cli_facts_drop(&facts);
    cli_text_done(&name);
    return status;
}

/* The schema of a file may be asked for although its batches are damaged. */
static cflight_status read_schema(const struct cli_serve *serve, const char *name,
                                  cflight_buffer **ret_schema, cflight_error **reterr)
{
    struct cli_mapped_file file = CLI_MAPPED_FILE_INIT;
    cflight_status status = cli_flight_open(serve, name, &file, reterr);
    if (status == CFLIGHT_OK) {
        status = serialize_schema(file.file, ret_schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_flight_check(name, &file, reterr);
    }
    cli_mapped_file_done(&file);
    return status;
}

static cflight_status get_schema(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr)
{
    const struct cli_serve *serve = user_data;
    struct cli_text name = CLI_TEXT_INIT;
    struct cli_facts facts = {0};
    struct stat state;
    cflight_status status = take_name(serve, context, descriptor, &name, reterr);
    if (status == CFLIGHT_OK && !find_facts(serve, name.data, &state, &facts)) {
        status = read_schema(serve, name.data, &facts.schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_response_schema(response, cflight_buffer_bytes(facts.schema), reterr);
    }
    cli_facts_drop(&facts);
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
