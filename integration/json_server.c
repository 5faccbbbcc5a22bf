/* SPDX-License-Identifier: Apache-2.0 */
/* JSON mode, the server: keeps what is uploaded under the first element of its path, and gives it
 * back. The JSON is read by the clients; here it is data like any other.
 *
 * Datasets are counted: a DoGet goes on with the one it found although a DoPut replaces it. The
 * lock is not held while anything is sent or received. Thread class: free. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "integration/json.h"

#include "integration/batches.h"
#include "integration/info.h"
#include "integration/scenario.h"

enum { TEXT_BYTES = 64 };

struct dataset {
    atomic_size_t ref_count;
    cflight_buffer *key;
    struct itg_batches batches; /* does not change after it is stored */
    struct dataset *next;       /* under the store's lock */
};

struct store {
    struct itg_service *service;
    pthread_mutex_t lock;
    struct {
        struct dataset *first;
    } locked;
};

static void dataset_unref(struct dataset *dataset)
{
    if (dataset == NULL || atomic_fetch_sub(&dataset->ref_count, 1) > 1) {
        return;
    }
    itg_batches_done(&dataset->batches);
    cflight_buffer_unref(dataset->key);
    free(dataset);
}

static cflight_status dataset_new(struct cflight_bytes key, struct dataset **ret_dataset,
                                  cflight_error **reterr)
{
    struct dataset *dataset = calloc(1, sizeof *dataset);
    if (dataset == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    atomic_init(&dataset->ref_count, 1);
    cflight_status status = cflight_buffer_new_copy(key, &dataset->key, reterr);
    if (status != CFLIGHT_OK) {
        dataset_unref(dataset);
        return status;
    }
    *ret_dataset = dataset;
    return CFLIGHT_OK;
}

/* A reference to the dataset, or NOT_FOUND. */
static cflight_status find(struct store *store, struct cflight_bytes key,
                           struct dataset **ret_dataset, cflight_error **reterr)
{
    (void)pthread_mutex_lock(&store->lock);
    struct dataset *dataset = store->locked.first;
    while (dataset != NULL && !cflight_bytes_equal(cflight_buffer_bytes(dataset->key), key)) {
        dataset = dataset->next;
    }
    if (dataset != NULL) {
        (void)atomic_fetch_add(&dataset->ref_count, 1);
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (dataset == NULL) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "could not find flight: %.*s",
                                 (int)key.len_bytes, (const char *)key.data);
    }
    *ret_dataset = dataset;
    return CFLIGHT_OK;
}

/* Takes the dataset; one with the same key is dropped. */
static void replace(struct store *store, struct dataset *dataset)
{
    struct cflight_bytes key = cflight_buffer_bytes(dataset->key);

    (void)pthread_mutex_lock(&store->lock);
    struct dataset **link = &store->locked.first;
    while (*link != NULL && !cflight_bytes_equal(cflight_buffer_bytes((*link)->key), key)) {
        link = &(*link)->next;
    }
    struct dataset *old = *link;
    dataset->next = old == NULL ? NULL : old->next;
    *link = dataset;
    (void)pthread_mutex_unlock(&store->lock);
    dataset_unref(old);
}

/* Keeps one message of an upload and answers it at once. */
static cflight_status take_chunk(struct itg_batches *batches, struct cflight_chunk *chunk,
                                 cflight_metadata_writer *writer, cflight_error **reterr)
{
    if (!chunk->has_batch) {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_array_validate(&batches->schema, &chunk->batch, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_batches_add(batches, &chunk->batch, reterr);
    }
    if (status == CFLIGHT_OK) {
        chunk->has_batch = false;
        if (chunk->app_metadata != NULL) {
            status = cflight_metadata_writer_write(
                writer, cflight_buffer_bytes(chunk->app_metadata), reterr);
        }
    }
    return status;
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct dataset *dataset = NULL;

    (void)context;
    if (descriptor->type != CFLIGHT_DESCRIPTOR_PATH || descriptor->path_count == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "must specify a path");
    }
    cflight_status status = dataset_new(descriptor->path[0], &dataset, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_reader_schema(reader, &dataset->batches.schema, reterr);
    }
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            status = take_chunk(&dataset->batches, &chunk, writer, reterr);
            cflight_chunk_release(&chunk);
        }
    }
    if (status == CFLIGHT_OK) {
        replace(user_data, dataset);
    } else {
        dataset_unref(dataset);
    }
    return status;
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct store *store = user_data;
    struct dataset *dataset = NULL;
    char uri[TEXT_BYTES];

    (void)context;
    if (descriptor->type != CFLIGHT_DESCRIPTOR_PATH) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                         "flights are named by paths");
    }
    if (descriptor->path_count == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "the path is empty");
    }
    cflight_status status = find(store, descriptor->path[0], &dataset, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    /* Some clients refuse an endpoint without a location. */
    (void)snprintf(uri, sizeof uri, "grpc+tcp://127.0.0.1:%d", atomic_load(&store->service->port));
    struct cflight_bytes location = cflight_bytes_from_text(uri);
    struct cflight_endpoint endpoint = {
        .ticket = descriptor->path[0], .locations = &location, .location_count = 1};
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = &endpoint,
                                .endpoint_count = 1,
                                .total_records = itg_batches_row_count(&dataset->batches),
                                .total_bytes = -1};
    status = itg_respond_info(response, &dataset->batches.schema, &info, reterr);
    dataset_unref(dataset);
    return status;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct dataset *dataset = NULL;
    char text[TEXT_BYTES];

    (void)context;
    cflight_status status = find(user_data, ticket, &dataset, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_writer_begin(writer, &dataset->batches.schema, NULL, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < dataset->batches.count; i++) {
        (void)snprintf(text, sizeof text, "%zu", i);
        struct cflight_bytes metadata = cflight_bytes_from_text(text);
        status = cflight_writer_write(writer, &dataset->batches.items[i], &metadata, reterr);
    }
    dataset_unref(dataset);
    return status;
}

static void release(void *state)
{
    struct store *store = state;

    while (store->locked.first != NULL) {
        struct dataset *dataset = store->locked.first;
        store->locked.first = dataset->next;
        dataset_unref(dataset);
    }
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}

cflight_status itg_json_service(struct itg_service *service, cflight_error **reterr)
{
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    (void)pthread_mutex_init(&store->lock, NULL);
    store->service = service;
    service->state = store;
    service->release = release;
    service->handlers.do_put = do_put;
    service->handlers.get_flight_info = get_flight_info;
    service->handlers.do_get = do_get;
    return CFLIGHT_OK;
}
