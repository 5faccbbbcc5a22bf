/* SPDX-License-Identifier: Apache-2.0 */
/* Uses whole_server: lists its tables, uploads one, fetches it and drops it.
 *
 *     whole_client LOCATION ROOTS USER PASSWORD [LIMIT_MS]
 *
 * Every call has time limits and ends at once on SIGINT or SIGTERM. docs/guide/whole-client.md
 * goes through it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <cflight/cflight.h>
#include <nanoarrow/nanoarrow.h>

enum { BATCHES = 3, ROWS = 1000 };

/* Who logs in, and the token that the last login gave. */
struct login {
    cflight_client *client;
    const char *user;
    const char *password;
    const struct cflight_call_options *options;
    pthread_mutex_t lock;
    cflight_buffer *token;
};

/* A token provider: logs in for the first call, and again when the server has refused the token. */
static cflight_status get_token(void *user_data, struct cflight_bytes refused,
                                cflight_buffer **ret_token, cflight_error **reterr)
{
    struct login *login = user_data;
    cflight_status status = CFLIGHT_OK;
    pthread_mutex_lock(&login->lock); /* one call logs in, others wait for its token */
    if (login->token == NULL || cflight_bytes_equal(refused, cflight_buffer_bytes(login->token))) {
        cflight_buffer_unref(login->token);
        login->token = NULL;
        status = cflight_client_authenticate_basic(
            login->client, cflight_bytes_from_text(login->user),
            cflight_bytes_from_text(login->password), login->options, &login->token, reterr);
    }
    *ret_token = cflight_buffer_ref(login->token);
    pthread_mutex_unlock(&login->lock);
    return status;
}

static cflight_status list_tables(cflight_client *client,
                                  const struct cflight_call_options *options,
                                  cflight_error **reterr)
{
    cflight_info_stream *flights = NULL;
    cflight_status status =
        cflight_client_list_flights(client, cflight_bytes_from_text(""), options, &flights, reterr);
    for (struct cflight_info *info = NULL; status == CFLIGHT_OK;) {
        status = cflight_info_stream_next(flights, &info, reterr);
        if (status != CFLIGHT_OK || info == NULL) {
            break;
        }
        if (info->descriptor.path_count == 1) {
            struct cflight_bytes name = info->descriptor.path[0];
            (void)printf("%.*s: %lld rows\n", (int)name.len_bytes, (const char *)name.data,
                         (long long)info->total_records);
        }
        cflight_info_free(info);
    }
    cflight_info_stream_free(flights);
    return status;
}

static ArrowErrorCode build_schema(struct ArrowSchema *schema)
{
    ArrowSchemaInit(schema);
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(schema, 1));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_INT64));
    return ArrowSchemaSetName(schema->children[0], "millimetres");
}

static ArrowErrorCode build_batch(struct ArrowArray *batch, const struct ArrowSchema *schema)
{
    NANOARROW_RETURN_NOT_OK(ArrowArrayInitFromSchema(batch, schema, NULL));
    NANOARROW_RETURN_NOT_OK(ArrowArrayStartAppending(batch));
    for (int64_t row = 0; row < ROWS; row++) {
        NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(batch->children[0], row % 40));
        NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(batch));
    }
    return ArrowArrayFinishBuildingDefault(batch, NULL);
}

/* Sends the batch a few times, and takes what the server has answered meanwhile. */
static cflight_status send_batches(cflight_writer *writer, cflight_metadata_reader *answers,
                                   const struct ArrowArray *batch, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cflight_buffer *answer = NULL;
    for (int i = 0; status == CFLIGHT_OK && i < BATCHES; i++) {
        status = cflight_writer_write(writer, batch, NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_done_writing(writer, reterr);
    }
    while (status == CFLIGHT_OK) {
        status = cflight_metadata_reader_next(answers, &answer, reterr);
        if (status != CFLIGHT_OK || answer == NULL) {
            break;
        }
        struct cflight_bytes text = cflight_buffer_bytes(answer);
        (void)printf("the server has %.*s rows\n", (int)text.len_bytes, (const char *)text.data);
        cflight_buffer_unref(answer);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, reterr); /* OK: all of it has arrived */
    }
    return status;
}

static cflight_status upload(cflight_client *client, const struct cflight_descriptor *descriptor,
                             const struct cflight_call_options *options, cflight_error **reterr)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    cflight_writer *writer = NULL;
    cflight_metadata_reader *answers = NULL;
    cflight_status status = CFLIGHT_OK;
    if (build_schema(&schema) != NANOARROW_OK || build_batch(&batch, &schema) != NANOARROW_OK) {
        status = cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (status == CFLIGHT_OK) {
        status =
            cflight_client_do_put(client, descriptor, &schema, options, &writer, &answers, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = send_batches(writer, answers, &batch, reterr);
    }
    cflight_metadata_reader_free(answers);
    cflight_writer_free(writer);
    if (batch.release != NULL) {
        batch.release(&batch);
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    return status;
}

/* Reads a fetch to its end, and says after each batch how far it is. */
static cflight_status read_all(struct ArrowArrayStream *stream, cflight_error **reterr)
{
    for (;;) {
        struct ArrowArray batch;
        struct cflight_fetch_counts counts;
        if (stream->get_next(stream, &batch) != 0) {
            *reterr = cflight_fetch_error(stream);
            return cflight_error_status(*reterr);
        }
        if (batch.release == NULL) {
            return CFLIGHT_OK; /* the end */
        }
        batch.release(&batch); /* the columns are batch.children */
        (void)cflight_fetch_progress(stream, &counts);
        (void)printf("%llu of %lld rows, %llu bytes\n", (unsigned long long)counts.row_count,
                     (long long)counts.total_records, (unsigned long long)counts.body_bytes);
    }
}

static cflight_status fetch(cflight_client *client, const struct cflight_descriptor *descriptor,
                            const struct cflight_call_options *options, cflight_error **reterr)
{
    struct cflight_info *info = NULL;
    struct cflight_fetch_options fetch_options = CFLIGHT_FETCH_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    fetch_options.call_options = options;
    cflight_status status =
        cflight_client_get_flight_info(client, descriptor, options, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_fetch(client, info, &fetch_options, &stream, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_all(&stream, reterr);
        stream.release(&stream);
    }
    cflight_info_free(info);
    return status;
}

static cflight_status drop(cflight_client *client, const char *name,
                           const struct cflight_call_options *options, cflight_error **reterr)
{
    struct cflight_action action = {cflight_bytes_from_text("drop"), cflight_bytes_from_text(name)};
    cflight_result_stream *results = NULL;
    cflight_buffer *result = NULL;
    cflight_status status = cflight_client_do_action(client, &action, options, &results, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(results, &result, reterr);
    }
    if (status == CFLIGHT_OK && result != NULL) {
        struct cflight_bytes text = cflight_buffer_bytes(result);
        (void)printf("%s is %.*s\n", name, (int)text.len_bytes, (const char *)text.data);
    }
    cflight_buffer_unref(result);
    cflight_result_stream_free(results);
    return status;
}

/* Waits for a signal, and ends all calls that have the handle. */
static void *cancel_on_signal(void *cancel)
{
    int received = 0;
    sigset_t signals;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &signals);
    (void)sigwait(&signals, &received);
    cflight_cancel_trigger(cancel);
    cflight_cancel_unref(cancel);
    return NULL;
}

/* Makes a handle that a signal triggers. Before any other thread is started. */
static cflight_status watch_signals(cflight_cancel **ret_cancel, cflight_error **reterr)
{
    sigset_t signals;
    pthread_t thread;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    cflight_status status = cflight_cancel_new(ret_cancel, reterr);
    if (status == CFLIGHT_OK &&
        pthread_create(&thread, NULL, cancel_on_signal, cflight_cancel_ref(*ret_cancel)) != 0) {
        cflight_cancel_unref(*ret_cancel); /* the thread's */
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no more threads");
    }
    if (status == CFLIGHT_OK) {
        (void)pthread_detach(thread);
    }
    return status;
}

static cflight_status use(cflight_client *client, const struct cflight_call_options *options,
                          cflight_error **reterr)
{
    struct cflight_bytes name = cflight_bytes_from_text("rain");
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &name, .path_count = 1};
    cflight_status status = list_tables(client, options, reterr);
    if (status == CFLIGHT_OK) {
        status = upload(client, &descriptor, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = fetch(client, &descriptor, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = drop(client, "rain", options, reterr);
    }
    return status;
}

static cflight_status connect_and_use(const char *location, const char *roots_path,
                                      struct login *login, cflight_error **reterr)
{
    struct cflight_token_provider provider = CFLIGHT_TOKEN_PROVIDER_INIT;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_buffer *roots = NULL;
    provider.get = get_token;
    provider.user_data = login;
    options.token_provider = &provider;
    cflight_status status = cflight_pem_read(roots_path, &roots, reterr);
    options.tls.root_certs = cflight_buffer_bytes(roots);
    if (status == CFLIGHT_OK) {
        status = cflight_client_new(location, &options, &login->client, reterr);
    }
    cflight_buffer_unref(roots);
    if (status == CFLIGHT_OK) {
        status = use(login->client, login->options, reterr);
    }
    cflight_client_free(login->client);
    cflight_buffer_unref(login->token);
    return status;
}

int main(int argc, char **argv)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    if (argc < 5) {
        (void)fprintf(stderr, "usage: whole_client LOCATION ROOTS USER PASSWORD [LIMIT_MS]\n");
        return 2;
    }
    cflight_status status = watch_signals(&options.cancel, &error);
    options.timeout_ms = argc > 5 ? strtol(argv[5], NULL, 10) : 60000; /* the whole call */
    options.first_byte_timeout_ms = 5000;                              /* until it is answered */
    options.idle_timeout_ms = 5000;                                    /* any single wait */
    struct login login = {.user = argv[3],
                          .password = argv[4],
                          .options = &options,
                          .lock = PTHREAD_MUTEX_INITIALIZER};
    if (status == CFLIGHT_OK) {
        (void)printf("using %s\n", argv[1]);
        (void)fflush(stdout);
        status = connect_and_use(argv[1], argv[2], &login, &error);
    }
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                      cflight_error_message(error));
    }
    cflight_error_free(error);
    cflight_cancel_unref(options.cancel);
    return status == CFLIGHT_OK ? 0 : 1;
}
