/* SPDX-License-Identifier: Apache-2.0 */
/* The service behind the snippets of the guide. The table is static, so its arrays have nothing to
 * release. Handlers keep no state: any thread may run them. */
#include "guide/weather.h"

#include <errno.h>

#include "guide/frame.h"
#include "guide/weather_sql.h"

enum { ROWS = 4 };

static const int64_t STATIONS[ROWS] = {10015, 10020, 10022, 10035};
static const double TEMPERATURES[ROWS] = {11.5, 9.25, 0.0, 10.75};

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

void weather_init(struct weather *weather)
{
    static const char *const NAMES[WEATHER_COLUMNS] = {"station", "temperature"};
    static const char *const FORMATS[WEATHER_COLUMNS] = {"l", "g"};
    memset(weather, 0, sizeof *weather);
    weather->buffers[0][1] = STATIONS;
    weather->buffers[1][1] = TEMPERATURES;
    for (size_t i = 0; i < WEATHER_COLUMNS; i++) {
        weather->fields[i] =
            (struct ArrowSchema){.format = FORMATS[i], .name = NAMES[i], .release = release_schema};
        weather->field_list[i] = &weather->fields[i];
        weather->columns[i] = (struct ArrowArray){.length = ROWS,
                                                  .n_buffers = 2,
                                                  .buffers = weather->buffers[i],
                                                  .release = release_array};
        weather->column_list[i] = &weather->columns[i];
    }
    weather->schema = (struct ArrowSchema){.format = "+s",
                                           .n_children = WEATHER_COLUMNS,
                                           .children = weather->field_list,
                                           .release = release_schema};
    weather->batch = (struct ArrowArray){.length = ROWS,
                                         .n_buffers = 1,
                                         .buffers = &weather->no_buffer,
                                         .n_children = WEATHER_COLUMNS,
                                         .children = weather->column_list,
                                         .release = release_array};
}

static int write_views(void *file, const struct cflight_bytes *views, size_t count)
{
    size_t written = 0;
    while (written < count && fwrite(views[written].data, 1, views[written].len_bytes, file) ==
                                  views[written].len_bytes) {
        written++;
    }
    return written == count ? 0 : EIO;
}

static void write_table(const struct weather *weather, enum cflight_ipc_format format,
                        const char *path)
{
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;
    FILE *file = fopen(path, "w");
    cflight_status status =
        cflight_ipc_writer_new(format, &weather->schema, write_views, file, NULL, &writer, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_writer_write(writer, &weather->batch, &error);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_writer_close(writer, &error);
    }
    guide_check(path, status, error);
    cflight_ipc_writer_free(writer);
    (void)fclose(file);
}

void weather_write_files(void)
{
    struct weather weather;
    cflight_error *error = NULL;
    char *hash = NULL;
    FILE *users = fopen("users", "w");
    guide_check("users", cflight_password_hash("secret", &hash, &error), error);
    fprintf(users, "alice:%s\n", hash);
    cflight_text_free(hash);
    (void)fclose(users);
    weather_init(&weather);
    write_table(&weather, CFLIGHT_IPC_FORMAT_FILE, "weather.arrow");
    write_table(&weather, CFLIGHT_IPC_FORMAT_STREAM, "weather.arrows");
}

/* Gives the description of the table to `response`, or to `ret_schema` its schema alone. */
static cflight_status describe(const struct cflight_descriptor *of, cflight_response *response,
                               bool is_schema, bool is_poll, const struct cflight_descriptor *next,
                               cflight_error **reterr)
{
    struct cflight_bytes path[] = {cflight_bytes_from_text("weather")};
    struct cflight_endpoint endpoint = {.ticket = cflight_bytes_from_text("weather")};
    struct cflight_info info = {.endpoints = &endpoint, .endpoint_count = 1, .total_bytes = -1};
    struct cflight_poll_info poll = {.info = &info, .descriptor = next};
    struct weather weather;
    cflight_buffer *schema = NULL;
    weather_init(&weather);
    if (of != NULL && cflight_sql_type_of(of->cmd) != CFLIGHT_SQL_NONE) {
        endpoint.ticket = of->cmd;
    }
    cflight_status status = cflight_ipc_schema_serialize(&weather.schema, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    info.schema = cflight_buffer_bytes(schema);
    info.descriptor.type = CFLIGHT_DESCRIPTOR_PATH;
    info.descriptor.path = path;
    info.descriptor.path_count = 1;
    info.total_records = ROWS;
    if (is_schema) {
        status = cflight_response_schema(response, info.schema, reterr);
    } else if (is_poll) {
        status = cflight_response_poll_info(response, &poll, reterr);
    } else {
        status = cflight_response_info(response, &info, reterr);
    }
    cflight_buffer_unref(schema);
    return status;
}

static cflight_status list_flights(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    (void)criteria;
    return describe(NULL, response, false, false, NULL, reterr);
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return describe(descriptor, response, false, false, NULL, reterr);
}

static cflight_status get_schema(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return describe(descriptor, response, true, false, NULL, reterr);
}

static cflight_status poll_flight_info(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr)
{
    struct cflight_descriptor next = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                      .cmd = cflight_bytes_from_text("second half")};
    (void)user_data;
    (void)context;
    bool is_done = cflight_descriptor_equal(descriptor, &next);
    return describe(descriptor, response, false, true, is_done ? NULL : &next, reterr);
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct weather weather;
    (void)user_data;
    (void)context;
    if (cflight_sql_type_of(ticket) != CFLIGHT_SQL_NONE) {
        return weather_sql_get(ticket, writer, reterr);
    }
    if (!cflight_bytes_equal(ticket, cflight_bytes_from_text("weather"))) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "the only table is 'weather'");
    }
    weather_init(&weather);
    cflight_status status = cflight_writer_begin(writer, &weather.schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &weather.batch, NULL, reterr);
    }
    return status;
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    (void)user_data;
    (void)context;
    bool is_sql = cflight_sql_type_of(descriptor->cmd) != CFLIGHT_SQL_NONE;
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            if (chunk.has_batch && !is_sql) {
                status = cflight_metadata_writer_write(writer, cflight_bytes_from_text("stored"),
                                                       reterr);
            }
            cflight_chunk_release(&chunk);
        }
    }
    if (status == CFLIGHT_OK && is_sql) {
        status = weather_sql_put(descriptor->cmd, writer, reterr);
    }
    return status;
}

static cflight_status do_exchange(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_reader *reader, cflight_writer *writer,
                                  cflight_error **reterr)
{
    struct ArrowArrayStream stream;
    (void)user_data;
    (void)context;
    (void)descriptor;
    cflight_status status = cflight_reader_to_stream(reader, &stream, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write_stream(writer, &stream, reterr);
        stream.release(&stream);
    }
    return status;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    bool is_answered = false;
    cflight_buffer *answer = NULL;
    (void)user_data;
    cflight_status status = cflight_session_answer(context, action, response, &is_answered, reterr);
    if (status != CFLIGHT_OK || is_answered) {
        return status;
    }
    if (cflight_bytes_equal(action->type,
                            cflight_bytes_from_text(CFLIGHT_ACTION_CANCEL_FLIGHT_INFO))) {
        status = cflight_cancel_result_serialize(CFLIGHT_CANCEL_STATUS_CANCELLED, &answer, reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_response_result(response, cflight_buffer_bytes(answer), reterr);
        }
        cflight_buffer_unref(answer);
        return status;
    }
    /* A RenewFlightEndpoint is answered with an endpoint: the request's. */
    if (cflight_bytes_equal(action->type,
                            cflight_bytes_from_text(CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT))) {
        struct cflight_endpoint *endpoint = NULL;
        status = cflight_renew_request_parse(action->body, &endpoint, reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_endpoint_serialize(endpoint, &answer, reterr);
        }
        if (status == CFLIGHT_OK) {
            status = cflight_response_result(response, cflight_buffer_bytes(answer), reterr);
        }
        cflight_buffer_unref(answer);
        cflight_endpoint_free(endpoint);
        return status;
    }
    if (cflight_sql_type_of(action->body) != CFLIGHT_SQL_NONE) {
        return weather_sql_act(action, response, reterr);
    }
    return cflight_response_result(response, action->body, reterr);
}

static cflight_status list_actions(void *user_data, cflight_server_context *context,
                                   cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return cflight_session_list_actions(response, reterr);
}

const struct cflight_server_handlers weather_handlers = {
    .struct_size = sizeof weather_handlers,
    .list_flights = list_flights,
    .get_flight_info = get_flight_info,
    .poll_flight_info = poll_flight_info,
    .get_schema = get_schema,
    .do_get = do_get,
    .do_put = do_put,
    .do_exchange = do_exchange,
    .do_action = do_action,
    .list_actions = list_actions,
};

void weather_kit_init(struct weather_kit *kit, bool has_passwords,
                      struct cflight_server_options *options)
{
    struct cflight_bearer_auth_options auth = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    cflight_error *error = NULL;
    memset(kit, 0, sizeof *kit);
    if (has_passwords) {
        guide_check("users", cflight_password_file_new("users", &kit->users, &error), error);
        auth.verify = cflight_password_file_verify;
        auth.user_data = kit->users;
        guide_check("passwords", cflight_bearer_auth_new(&auth, &kit->auth, &error), error);
        cflight_bearer_auth_server(kit->auth, &kit->handshake, &kit->middleware[0]);
        options->auth = &kit->handshake;
        options->middleware_count = 1;
    }
    guide_check("sessions", cflight_session_store_new(NULL, &kit->store, &error), error);
    cflight_session_store_middleware(kit->store, &kit->middleware[options->middleware_count]);
    options->middleware = kit->middleware;
    options->middleware_count++;
}

void weather_kit_done(struct weather_kit *kit)
{
    cflight_session_store_unref(kit->store);
    cflight_bearer_auth_unref(kit->auth);
    cflight_password_file_free(kit->users);
}
