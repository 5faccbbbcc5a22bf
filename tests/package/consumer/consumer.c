/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the tree: what it includes and links is what was installed. It makes one call
 * to a server of its own, so that all of the library and what it depends on is linked. Valid C and
 * C++. */
#include <stdio.h>
#include <string.h>

#include <cflight/cflight.h>

static cflight_status call(const char *location, cflight_error **reterr)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_client *client = NULL;
    cflight_reader *reader = NULL;
    struct ArrowSchema schema;
    options.connect_timeout_ms = 5000;
    cflight_status status = cflight_client_new(location, &options, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_do_get(client, cflight_bytes_from_text("x"), NULL, &reader, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_reader_schema(reader, &schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        schema.release(&schema);
    }
    cflight_reader_free(reader);
    cflight_client_free(client);
    return status;
}

int main(void)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_server *server = NULL;
    cflight_error *error = NULL;
    if (cflight_server_new("grpc://localhost:0", &handlers, NULL, &server, &error) != CFLIGHT_OK) {
        fprintf(stderr, "%s\n", cflight_error_message(error));
        return 1;
    }
    cflight_status status = call(cflight_server_location(server), &error);
    cflight_server_free(server);
    if (status != CFLIGHT_UNIMPLEMENTED) {
        fprintf(stderr, "%s: %s\n", cflight_status_name(status), cflight_error_message(error));
        return 1;
    }
    cflight_error_free(error);
    if (strcmp(cflight_version(), CFLIGHT_VERSION_TEXT) != 0) {
        return 1;
    }
    printf("cflight %s\n", cflight_version());
    return 0;
}
