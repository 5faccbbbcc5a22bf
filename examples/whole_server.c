/* SPDX-License-Identifier: Apache-2.0 */
/* Serves tables that lie in memory, over TLS, to users with passwords:
 *
 *     whole_server LOCATION CERTIFICATE KEY USERS
 *
 * All users in the file USERS may list and get; "admin" may also put, and drop by an action.
 * docs/guide/whole-server.md goes through it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <cflight/cflight.h>
#include <nanoarrow/nanoarrow.h>

enum { TABLES_MAX = 64, GRACE_MS = 2000 };

/* A table never changes: an upload makes another one in its place, and the last handler that still
 * sends the old one frees it. */
struct table {
    int reference_count; /* under the store's lock */
    cflight_buffer *name;
    struct ArrowSchema schema;
    struct ArrowArray *batches;
    size_t batch_count;
    int64_t row_count;
};

struct store {
    pthread_mutex_t lock;
    struct table *tables[TABLES_MAX];
};

static cflight_status no_memory(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
}

/* Makes a table without schema and rows, with one reference. */
static cflight_status table_new(struct cflight_bytes name, struct table **ret_table,
                                cflight_error **reterr)
{
    struct table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return no_memory(reterr);
    }
    table->reference_count = 1;
    *ret_table = table;
    return cflight_buffer_new_copy(name, &table->name, reterr);
}

/* Moves a batch into a table that nobody else has yet. */
static cflight_status table_add(struct table *table, struct ArrowArray *batch,
                                cflight_error **reterr)
{
    struct ArrowArray *more = realloc(table->batches, (table->batch_count + 1) * sizeof *more);
    if (more == NULL) {
        return no_memory(reterr);
    }
    table->batches = more;
    table->row_count += batch->length;
    ArrowArrayMove(batch, &more[table->batch_count++]);
    return CFLIGHT_OK;
}

static void table_free(struct table *table)
{
    for (size_t i = 0; i < table->batch_count; i++) {
        table->batches[i].release(&table->batches[i]);
    }
    if (table->schema.release != NULL) {
        table->schema.release(&table->schema);
    }
    cflight_buffer_unref(table->name);
    free(table->batches);
    free(table);
}

static void store_unref(struct store *store, struct table *table)
{
    pthread_mutex_lock(&store->lock);
    bool is_last = table != NULL && --table->reference_count == 0;
    pthread_mutex_unlock(&store->lock);
    if (is_last) {
        table_free(table);
    }
}

/* The place of the table of that name, or else a free one; NULL when all are taken. Under the
 * lock. */
static struct table **store_place(struct store *store, struct cflight_bytes name)
{
    struct table **place = NULL;
    for (size_t i = 0; i < TABLES_MAX; i++) {
        struct table *table = store->tables[i];
        if (table == NULL) {
            place = &store->tables[i];
        } else if (cflight_bytes_equal(name, cflight_buffer_bytes(table->name))) {
            return &store->tables[i];
        }
    }
    return place;
}

/* Gives the table of that name, with a reference. */
static cflight_status store_find(struct store *store, struct cflight_bytes name,
                                 struct table **ret_table, cflight_error **reterr)
{
    pthread_mutex_lock(&store->lock);
    struct table **place = store_place(store, name);
    struct table *table = place == NULL ? NULL : *place;
    if (table != NULL) {
        table->reference_count++;
    }
    pthread_mutex_unlock(&store->lock);
    if (table == NULL) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "no table '%.*s'", (int)name.len_bytes,
                                 (const char *)name.data);
    }
    *ret_table = table;
    return CFLIGHT_OK;
}

/* Puts a table, which is taken on success, in the place of the one of that name; NULL takes that
 * one away. */
static cflight_status store_replace(struct store *store, struct cflight_bytes name,
                                    struct table *table, cflight_error **reterr)
{
    pthread_mutex_lock(&store->lock);
    struct table **place = store_place(store, name);
    struct table *former = place == NULL ? NULL : *place;
    if (place != NULL) {
        *place = table;
    }
    pthread_mutex_unlock(&store->lock);
    store_unref(store, former);
    if (table == NULL && former == NULL) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "no table '%.*s'", (int)name.len_bytes,
                                 (const char *)name.data);
    }
    return place != NULL ? CFLIGHT_OK
                         : cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                             "there are %d tables already", TABLES_MAX);
}

/* Tables are named by a path of one element. */
static cflight_status name_of(const struct cflight_descriptor *descriptor,
                              struct cflight_bytes *ret_name, cflight_error **reterr)
{
    if (descriptor->type != CFLIGHT_DESCRIPTOR_PATH || descriptor->path_count != 1) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a table is named by a path of one element");
    }
    *ret_name = descriptor->path[0];
    return CFLIGHT_OK;
}

static cflight_status answer_info(const struct table *table, cflight_response *response,
                                  cflight_error **reterr)
{
    cflight_buffer *schema = NULL;
    cflight_status status = cflight_ipc_schema_serialize(&table->schema, &schema, reterr);
    if (status == CFLIGHT_OK) {
        struct cflight_bytes name = cflight_buffer_bytes(table->name);
        struct cflight_endpoint endpoint = {.ticket = name}; /* no location: this server */
        struct cflight_info info = {
            .schema = cflight_buffer_bytes(schema),
            .descriptor = {.type = CFLIGHT_DESCRIPTOR_PATH, .path = &name, .path_count = 1},
            .endpoints = &endpoint,
            .endpoint_count = 1,
            .total_records = table->row_count,
            .total_bytes = -1, /* not known */
        };
        status = cflight_response_info(response, &info, reterr);
    }
    cflight_buffer_unref(schema);
    return status;
}

static cflight_status list_flights(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr)
{
    struct store *store = user_data;
    struct table *tables[TABLES_MAX] = {NULL};
    cflight_status status = CFLIGHT_OK;
    (void)context;
    (void)criteria;
    pthread_mutex_lock(&store->lock); /* not while answering: that waits for the client */
    for (size_t i = 0; i < TABLES_MAX; i++) {
        if ((tables[i] = store->tables[i]) != NULL) {
            tables[i]->reference_count++;
        }
    }
    pthread_mutex_unlock(&store->lock);
    for (size_t i = 0; i < TABLES_MAX; i++) {
        if (tables[i] != NULL && status == CFLIGHT_OK) {
            status = answer_info(tables[i], response, reterr);
        }
        store_unref(store, tables[i]);
    }
    return status;
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct store *store = user_data;
    struct table *table = NULL;
    struct cflight_bytes name;
    (void)context;
    cflight_status status = name_of(descriptor, &name, reterr);
    if (status == CFLIGHT_OK) {
        status = store_find(store, name, &table, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = answer_info(table, response, reterr);
    }
    store_unref(store, table);
    return status;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct store *store = user_data;
    struct table *table = NULL;
    (void)context;
    cflight_status status = store_find(store, ticket, &table, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &table->schema, NULL, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < table->batch_count; i++) {
        status = cflight_writer_write(writer, &table->batches[i], NULL, reterr);
    }
    store_unref(store, table);
    return status;
}

/* Keeps the batches of an upload, and answers each with the number of rows so far. */
static cflight_status take_batches(struct table *table, cflight_reader *reader,
                                   cflight_metadata_writer *answers, cflight_error **reterr)
{
    for (;;) {
        struct cflight_chunk chunk;
        char text[32];
        cflight_status status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            return status;
        }
        if (chunk.has_batch) {
            status = table_add(table, &chunk.batch, reterr);
        }
        cflight_chunk_release(&chunk); /* what was moved out is not touched */
        if (status == CFLIGHT_OK) {
            (void)snprintf(text, sizeof text, "%lld", (long long)table->row_count);
            status = cflight_metadata_writer_write(answers, cflight_bytes_from_text(text), reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *answers, cflight_error **reterr)
{
    struct store *store = user_data;
    struct table *table = NULL;
    struct cflight_bytes name;
    (void)context;
    cflight_status status = name_of(descriptor, &name, reterr);
    if (status == CFLIGHT_OK) {
        status = table_new(name, &table, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_reader_schema(reader, &table->schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = take_batches(table, reader, answers, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = store_replace(store, name, table, reterr);
    }
    if (status != CFLIGHT_OK) {
        store_unref(store, table); /* else it is the store's */
    }
    return status;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    (void)context;
    if (!cflight_bytes_equal(action->type, cflight_bytes_from_text("drop"))) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED, "the only action is drop");
    }
    cflight_status status = store_replace(user_data, action->body, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_bytes_from_text("dropped"), reterr);
    }
    return status;
}

static cflight_status list_actions(void *user_data, cflight_server_context *context,
                                   cflight_response *response, cflight_error **reterr)
{
    struct cflight_action_type drop = {
        .type = cflight_bytes_from_text("drop"),
        .description = cflight_bytes_from_text("Takes away the table that the body names."),
    };
    (void)user_data;
    (void)context;
    return cflight_response_action_type(response, &drop, reterr);
}

/* A middleware: refuses calls that change something, unless the caller is the administrator. */
static cflight_status check_rights(void *user_data, cflight_server_context *context,
                                   enum cflight_method method, void **ret_instance,
                                   cflight_error **reterr)
{
    struct cflight_bytes caller = cflight_bearer_auth_identity(context);
    (void)user_data;
    (void)ret_instance; /* stays NULL: there is nothing to keep for the call */
    if ((method != CFLIGHT_METHOD_DO_PUT && method != CFLIGHT_METHOD_DO_ACTION) ||
        cflight_bytes_equal(caller, cflight_bytes_from_text("admin"))) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_PERMISSION_DENIED, "'%.*s' may not change tables",
                             (int)caller.len_bytes, (const char *)caller.data);
}

static void print_line(void *user_data, const char *line)
{
    (void)user_data;
    (void)fprintf(stderr, "%s\n", line);
}

/* The tables that a server begins with: four rows. */
static ArrowErrorCode build_weather(struct ArrowSchema *schema, struct ArrowArray *batch)
{
    ArrowSchemaInit(schema);
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(schema, 2));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_STRING));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(schema->children[0], "city"));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(schema->children[1], NANOARROW_TYPE_DOUBLE));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(schema->children[1], "celsius"));
    NANOARROW_RETURN_NOT_OK(ArrowArrayInitFromSchema(batch, schema, NULL));
    NANOARROW_RETURN_NOT_OK(ArrowArrayStartAppending(batch));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendString(batch->children[0], ArrowCharView("Oslo")));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendDouble(batch->children[1], 4.5));
    NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(batch));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendString(batch->children[0], ArrowCharView("Lima")));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendDouble(batch->children[1], 19));
    NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(batch));
    return ArrowArrayFinishBuildingDefault(batch, NULL);
}

static cflight_status add_weather(struct store *store, cflight_error **reterr)
{
    struct cflight_bytes name = cflight_bytes_from_text("weather");
    struct table *table = NULL;
    struct ArrowArray batch = {0};
    cflight_status status = table_new(name, &table, reterr);
    if (status == CFLIGHT_OK && build_weather(&table->schema, &batch) != NANOARROW_OK) {
        status = no_memory(reterr);
    }
    if (status == CFLIGHT_OK) {
        status = table_add(table, &batch, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = store_replace(store, name, table, reterr);
    }
    if (status != CFLIGHT_OK) {
        store_unref(store, table);
    }
    if (batch.release != NULL) {
        batch.release(&batch);
    }
    return status;
}

/* Makes the server: what it offers, to whom, and how it shows who it is. */
static cflight_status start(const char *location, struct store *store, cflight_bearer_auth *auth,
                            const struct cflight_tls_key_pair *key_pair,
                            cflight_server **ret_server, cflight_error **reterr)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    handlers.user_data = store;
    handlers.list_flights = list_flights;
    handlers.get_flight_info = get_flight_info;
    handlers.do_get = do_get;
    handlers.do_put = do_put;
    handlers.do_action = do_action;
    handlers.list_actions = list_actions;

    static const struct cflight_request_log LOG = {.struct_size = sizeof LOG, .write = print_line};
    struct cflight_server_auth handshake;
    struct cflight_server_middleware middleware[3];
    cflight_request_log_middleware(&LOG, &middleware[0]); /* first: logs what others refuse */
    cflight_bearer_auth_server(auth, &handshake, &middleware[1]);
    middleware[2] = (struct cflight_server_middleware)CFLIGHT_SERVER_MIDDLEWARE_INIT;
    middleware[2].start_call = check_rights;

    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    options.tls.key_pairs = key_pair;
    options.tls.key_pair_count = 1;
    options.auth = &handshake;
    options.middleware = middleware;
    options.middleware_count = 3;
    return cflight_server_new(location, &handlers, &options, ret_server, reterr);
}

/* Serves until a signal comes. They are blocked before the server makes its threads, so that
 * those inherit it and sigwait() is the only one to see them. */
static cflight_status serve(const char *location, struct store *store, cflight_bearer_auth *auth,
                            const struct cflight_tls_key_pair *key_pair, cflight_error **reterr)
{
    cflight_server *server = NULL;
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    cflight_status status = start(location, store, auth, key_pair, &server, reterr);
    if (status == CFLIGHT_OK) {
        int received = 0;
        (void)printf("%s\n", cflight_server_location(server));
        (void)fflush(stdout);
        (void)sigwait(&signals, &received);
        cflight_server_shutdown(server, GRACE_MS);
        cflight_server_wait(server);
    }
    cflight_server_free(server);
    return status;
}

int main(int argc, char **argv)
{
    static struct store store = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct cflight_bearer_auth_options auth_options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    cflight_buffer *certificate = NULL;
    cflight_buffer *key = NULL;
    cflight_password_file *users = NULL;
    cflight_bearer_auth *auth = NULL;
    cflight_error *error = NULL;
    if (argc != 5) {
        (void)fprintf(stderr, "usage: whole_server LOCATION CERTIFICATE KEY USERS\n");
        return 2;
    }
    cflight_status status = cflight_pem_read(argv[2], &certificate, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_pem_read(argv[3], &key, &error);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_password_file_new(argv[4], &users, &error);
    }
    if (status == CFLIGHT_OK) {
        auth_options.verify = cflight_password_file_verify;
        auth_options.user_data = users;
        status = cflight_bearer_auth_new(&auth_options, &auth, &error);
    }
    if (status == CFLIGHT_OK) {
        status = add_weather(&store, &error);
    }
    if (status == CFLIGHT_OK) {
        struct cflight_tls_key_pair key_pair = {cflight_buffer_bytes(certificate),
                                                cflight_buffer_bytes(key)};
        status = serve(argv[1], &store, auth, &key_pair, &error);
    }
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                      cflight_error_message(error));
    }
    cflight_error_free(error);
    cflight_bearer_auth_unref(auth);
    cflight_password_file_free(users);
    cflight_buffer_unref(key);
    cflight_buffer_unref(certificate);
    for (size_t i = 0; i < TABLES_MAX; i++) {
        store_unref(&store, store.tables[i]);
    }
    return status == CFLIGHT_OK ? 0 : 1;
}
