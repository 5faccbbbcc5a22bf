/* SPDX-License-Identifier: Apache-2.0 */
/* cflight info and cflight schema. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/client/flight_name.h"
#include "cli/commands/commands.h"
#include "cli/system/utf8.h"

/* One line per column: name, type, and whether nulls are excluded. */
static cflight_status append_fields(struct cli_text *text, const struct ArrowSchema *schema,
                                    const char *indent, cflight_error **reterr)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        char *type_text = NULL;
        cflight_status status = cflight_schema_type_text(field, &type_text, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        cli_text_append_string(text, indent);
        cli_utf8_append_visible(text, cflight_bytes_from_text(field->name));
        cli_text_append_string(text, ": ");
        cli_utf8_append_visible(text, cflight_bytes_from_text(type_text));
        cli_text_append_string(text,
                               (field->flags & ARROW_FLAG_NULLABLE) == 0 ? " not null\n" : "\n");
        cflight_text_free(type_text);
    }
    return CFLIGHT_OK;
}

static cflight_status append_schema(struct cli_text *text, struct cflight_bytes message,
                                    const char *indent, cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_status status = cflight_ipc_schema_parse(message, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = append_fields(text, &schema, indent, reterr);
        schema.release(&schema);
    }
    return status;
}

static void append_count(struct cli_text *text, const char *label, int64_t count)
{
    cli_text_append_string(text, label);
    if (count >= 0) {
        cli_text_append_format(text, "%" PRId64 "\n", count);
    } else {
        cli_text_append_string(text, "unknown\n");
    }
}

static void append_endpoint(struct cli_text *text, size_t number,
                            const struct cflight_endpoint *endpoint)
{
    cli_text_append_format(text, "  %zu: ticket ", number);
    cli_utf8_append_visible(text, endpoint->ticket);
    cli_text_append_string(text, endpoint->location_count == 0 ? " at this server\n" : " at\n");
    for (size_t i = 0; i < endpoint->location_count; i++) {
        cli_text_append_string(text, "     ");
        cli_utf8_append_visible(text, endpoint->locations[i]);
        cli_text_append_char(text, '\n');
    }
}

static cflight_status append_info(struct cli_text *text, const struct cflight_info *info,
                                  cflight_error **reterr)
{
    append_count(text, "rows:      ", info->total_records);
    append_count(text, "bytes:     ", info->total_bytes);
    cli_text_append_format(text, "ordered:   %s\n", info->ordered ? "yes" : "no");
    cli_text_append_format(text, "endpoints: %zu\n", info->endpoint_count);
    for (size_t i = 0; i < info->endpoint_count; i++) {
        append_endpoint(text, i + 1, &info->endpoints[i]);
    }
    if (info->schema.len_bytes == 0) {
        cli_text_append_string(text, "schema:    unknown\n");
        return CFLIGHT_OK;
    }
    cli_text_append_string(text, "schema:\n");
    return append_schema(text, info->schema, "  ", reterr);
}

/* Asks about NAME and appends the answer. */
typedef cflight_status (*ask_fn)(const struct cli_connection *connection,
                                 const struct cflight_descriptor *descriptor, struct cli_text *text,
                                 cflight_error **reterr);

static cflight_status ask_info(const struct cli_connection *connection,
                               const struct cflight_descriptor *descriptor, struct cli_text *text,
                               cflight_error **reterr)
{
    struct cflight_info *info = NULL;
    struct cflight_call_options options = cli_connection_call(connection);
    cflight_status status =
        cflight_client_get_flight_info(connection->client, descriptor, &options, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = append_info(text, info, reterr);
    }
    cflight_info_free(info);
    return status;
}

static cflight_status ask_schema(const struct cli_connection *connection,
                                 const struct cflight_descriptor *descriptor, struct cli_text *text,
                                 cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    struct cflight_call_options options = cli_connection_call(connection);
    cflight_status status =
        cflight_client_get_schema(connection->client, descriptor, &options, &message, reterr);
    if (status == CFLIGHT_OK) {
        status = append_schema(text, cflight_buffer_bytes(message), "", reterr);
    }
    cflight_buffer_unref(message);
    return status;
}

static cflight_status run_question(struct cli_run *run, ask_fn ask, cflight_error **reterr)
{
    struct cli_text text = CLI_TEXT_INIT;
    struct cflight_descriptor descriptor;
    struct cflight_bytes *elements = NULL;

    run->subject = run->arguments->flight.name;
    cflight_status status = cli_run_connect(run, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_flight_descriptor(&run->arguments->flight, &descriptor, &elements, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = ask(&run->connection, &descriptor, &text, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_run_print(run, &text, reterr);
    }
    free(elements);
    cli_text_done(&text);
    return status;
}

cflight_status cli_run_info(struct cli_run *run, cflight_error **reterr)
{
    return run_question(run, ask_info, reterr);
}

cflight_status cli_run_schema(struct cli_run *run, cflight_error **reterr)
{
    return run_question(run, ask_schema, reterr);
}
