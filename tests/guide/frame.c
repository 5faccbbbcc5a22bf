/* SPDX-License-Identifier: Apache-2.0 */
/* The program that runs the snippets of one page of the guide: starts a server, runs section after
 * section, then calls the handlers that the page defines. Sections that name what only a handler
 * has run in one: the client makes the call, and the handler of the frame runs the section. One
 * section runs at a time. */
#include "guide/frame.h"

#include "guide/weather.h"

static const struct guide_section *section; /* the one that a handler is to run */
static struct guide given;
static cflight_server *plain_server;
static cflight_server *tls_server;
static struct cflight_server_handlers own_handlers; /* the page's, or the frame's */

void guide_check(const char *place, cflight_status status, cflight_error *error)
{
    if (status != CFLIGHT_OK) {
        fprintf(stderr, "%s: %s: %s\n", place, cflight_status_name(status),
                cflight_error_message(error));
        exit(1);
    }
    cflight_error_free(error);
}

const char *guide_location(void)
{
    return cflight_server_location(plain_server);
}

const char *guide_tls_location(void)
{
    return cflight_server_location(tls_server);
}

void guide_server_wait(cflight_server *server)
{
    cflight_server_shutdown(server, 0);
    cflight_server_wait(server);
}

static void run_in_handler(cflight_server_context *context, cflight_writer *writer,
                           cflight_response *response, const struct cflight_action *action)
{
    struct guide guide = given;
    guide.context = context;
    guide.writer = writer;
    guide.response = response;
    guide.action = action;
    section->run(&guide);
    section = NULL;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    if (!cflight_bytes_equal(ticket, cflight_bytes_from_text("section"))) {
        return own_handlers.do_get(user_data, context, ticket, writer, reterr);
    }
    run_in_handler(context, writer, NULL, NULL);
    return CFLIGHT_OK;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    if (!cflight_bytes_equal(action->type, cflight_bytes_from_text("section"))) {
        return own_handlers.do_action(user_data, context, action, response, reterr);
    }
    run_in_handler(context, NULL, response, action);
    return CFLIGHT_OK;
}

static struct cflight_server_handlers all_handlers(void)
{
    struct cflight_server_handlers handlers = weather_handlers;
#define TAKE(name)                           \
    if (guide_handlers.name != NULL) {       \
        handlers.name = guide_handlers.name; \
    }
    TAKE(list_flights)
    TAKE(get_flight_info)
    TAKE(poll_flight_info)
    TAKE(get_schema)
    TAKE(do_get)
    TAKE(do_put)
    TAKE(do_exchange)
    TAKE(do_action)
    TAKE(list_actions)
#undef TAKE
    own_handlers = handlers;
    handlers.do_get = do_get;
    handlers.do_action = do_action;
    return handlers;
}

static cflight_buffer *read_file(const char *path)
{
    static char text[65536];
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    FILE *file = fopen(path, "r");
    size_t text_bytes = file == NULL ? 0 : fread(text, 1, sizeof text, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    cflight_status status =
        cflight_buffer_new_copy(cflight_bytes_make(text, text_bytes), &buffer, &error);
    guide_check(path, status, error);
    return buffer;
}

static void start_tls(const struct cflight_server_handlers *handlers,
                      struct cflight_server_options *options)
{
    cflight_buffer *ca = read_file("ca.pem");
    cflight_buffer *chain = read_file("server.pem");
    cflight_buffer *key = read_file("server.key");
    struct cflight_tls_key_pair pair = {cflight_buffer_bytes(chain), cflight_buffer_bytes(key)};
    cflight_error *error = NULL;
    options->tls.key_pairs = &pair;
    options->tls.key_pair_count = 1;
    options->tls.client_certificate = CFLIGHT_CLIENT_CERTIFICATE_OPTIONAL;
    options->tls.client_root_certs = cflight_buffer_bytes(ca);
    guide_check(
        "the TLS server",
        cflight_server_new("grpc+tls://localhost:0", handlers, options, &tls_server, &error),
        error);
    cflight_buffer_unref(ca);
    cflight_buffer_unref(chain);
    cflight_buffer_unref(key);
}

/* Runs one section: in a handler, when it needs one. */
static void run_section(const struct guide_section *next)
{
    struct cflight_bytes name = cflight_bytes_from_text("section");
    struct cflight_action action = {.type = name};
    cflight_result_stream *results = NULL;
    cflight_error *error = NULL;
    if ((next->needs & (GUIDE_WRITER | GUIDE_RESPONSE)) == 0) {
        struct guide guide = given;
        if ((next->needs & GUIDE_READER) != 0) {
            guide_check("a reader",
                        cflight_client_do_get(given.client, cflight_bytes_from_text("weather"),
                                              NULL, &guide.reader, &error),
                        error);
        }
        if ((next->needs & GUIDE_INFO) != 0) {
            guide_check("an info",
                        cflight_client_get_flight_info(given.client, given.descriptor, NULL,
                                                       &guide.info, &error),
                        error);
        }
        next->run(&guide);
        cflight_info_free(guide.info);
        return;
    }
    section = next;
    if ((next->needs & GUIDE_WRITER) != 0) {
        cflight_reader *reader = NULL;
        struct cflight_chunk chunk = {.is_end = false};
        guide_check("a writer", cflight_client_do_get(given.client, name, NULL, &reader, &error),
                    error);
        while (cflight_reader_next(reader, &chunk, NULL) == CFLIGHT_OK && !chunk.is_end) {
            cflight_chunk_release(&chunk);
        }
        cflight_reader_free(reader);
    } else {
        guide_check("a handler",
                    cflight_client_do_action(given.client, &action, NULL, &results, &error), error);
        for (cflight_buffer *body = NULL;
             cflight_result_stream_next(results, &body, NULL) == CFLIGHT_OK && body != NULL;) {
            cflight_buffer_unref(body);
        }
        cflight_result_stream_free(results);
    }
    if (section != NULL) {
        fprintf(stderr, "a section did not run in its handler\n");
        exit(1);
    }
}

int main(void)
{
    struct cflight_server_handlers handlers = all_handlers();
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct weather weather;
    cflight_error *error = NULL;
    struct cflight_bytes path[] = {cflight_bytes_from_text("weather")};
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = path, .path_count = 1};
    weather_init(&weather);
    weather_write_files();
    struct weather_kit kit;
    weather_kit_init(&kit, guide_has_passwords, &options);
    guide_check(
        "the server",
        cflight_server_new("grpc://localhost:0", &handlers, &options, &plain_server, &error),
        error);
    if (guide_has_tls) {
        start_tls(&handlers, &options);
    }
    guide_check("the client", cflight_client_new(guide_location(), NULL, &given.client, &error),
                error);
    given.server = guide_has_tls ? tls_server : plain_server;
    given.descriptor = &descriptor;
    given.schema = &weather.schema;
    given.batch = &weather.batch;
    for (const struct guide_section *next = guide_sections; next->run != NULL; next++) {
        run_section(next);
    }
    weather_call(&given, &guide_handlers);
    cflight_client_free(given.client);
    cflight_server_free(plain_server);
    cflight_server_free(tls_server);
    weather_kit_done(&kit);
    return 0;
}
