/* SPDX-License-Identifier: Apache-2.0 */
/* JSON mode, the client: uploads a dataset and downloads it again from every place the server
 * names.
 *
 * The path names a JSON file. What is read is the IPC stream that lies beside it: for
 * "x/generated_map.json" or ".json.gz" that is "x/generated_map.stream", which holds the same data
 * (the data sets of Arrow's own tests have both). Thread class: one at a time. */
#include "integration/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/batches.h"

enum { TEXT_BYTES = 32 };

/* "x/name.json", "x/name.json.gz" -> "x/name.stream". */
static cflight_status stream_path(const char *path, char **ret_path, cflight_error **reterr)
{
    static const char *const ENDINGS[] = {".json.gz", ".json", ".stream"};
    static const char NEW_ENDING[] = ".stream";
    size_t len_bytes = strlen(path);

    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        size_t ending_len = strlen(ENDINGS[i]);
        if (len_bytes < ending_len || strcmp(path + len_bytes - ending_len, ENDINGS[i]) != 0) {
            continue;
        }
        size_t stem_len = len_bytes - ending_len;
        char *made = malloc(stem_len + sizeof NEW_ENDING);
        if (made == NULL) {
            return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
        }
        memcpy(made, path, stem_len);
        memcpy(made + stem_len, NEW_ENDING, sizeof NEW_ENDING);
        *ret_path = made;
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                             "-path '%s' does not end in .json or .json.gz", path);
}

/* Writes batch `index` and waits for the answer that repeats its metadata. */
static cflight_status put_batch(cflight_writer *writer, cflight_metadata_reader *answers,
                                const struct ArrowArray *batch, size_t index,
                                cflight_error **reterr)
{
    char text[TEXT_BYTES];
    cflight_buffer *answer = NULL;

    (void)snprintf(text, sizeof text, "%zu", index);
    struct cflight_bytes metadata = cflight_bytes_from_text(text);
    cflight_status status = cflight_writer_write(writer, batch, &metadata, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_metadata_reader_next(answers, &answer, reterr);
    }
    if (status == CFLIGHT_OK &&
        (answer == NULL || !cflight_bytes_equal(cflight_buffer_bytes(answer), metadata))) {
        status = cflight_error_set(reterr, ITG_MISMATCH,
                                   "batch %zu was not answered with its metadata", index);
    }
    cflight_buffer_unref(answer);
    return status;
}

static cflight_status expect_no_answer(cflight_metadata_reader *answers, cflight_error **reterr)
{
    cflight_buffer *answer = NULL;

    cflight_status status = cflight_metadata_reader_next(answers, &answer, reterr);
    if (status == CFLIGHT_OK && answer != NULL) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH,
                                           "the server sent more answers than batches");
    }
    cflight_buffer_unref(answer);
    return status;
}

static cflight_status upload(cflight_client *client, const struct cflight_descriptor *descriptor,
                             const struct itg_batches *batches, cflight_error **reterr)
{
    cflight_writer *writer = NULL;
    cflight_metadata_reader *answers = NULL;

    cflight_status status = cflight_client_do_put(client, descriptor, &batches->schema, NULL,
                                                  &writer, &answers, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < batches->count; i++) {
        status = put_batch(writer, answers, &batches->items[i], i, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_done_writing(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = expect_no_answer(answers, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, reterr);
    }
    cflight_metadata_reader_free(answers);
    cflight_writer_free(writer);
    return status;
}

static cflight_status check_chunk(const struct cflight_chunk *chunk,
                                  const struct itg_batches *batches, size_t index,
                                  cflight_error **reterr)
{
    char text[TEXT_BYTES];
    bool is_equal = false;

    if (!chunk->has_batch || index >= batches->count) {
        return cflight_error_set(reterr, ITG_MISMATCH, "%zu batches were sent, but more came back",
                                 batches->count);
    }
    (void)snprintf(text, sizeof text, "%zu", index);
    if (!cflight_bytes_equal(cflight_buffer_bytes(chunk->app_metadata),
                             cflight_bytes_from_text(text))) {
        return cflight_error_set(reterr, ITG_MISMATCH, "batch %zu came with other metadata than %s",
                                 index, text);
    }
    cflight_status status = cflight_array_equal(&batches->schema, &batches->items[index],
                                                &chunk->batch, &is_equal, reterr);
    if (status == CFLIGHT_OK && !is_equal) {
        status = cflight_error_set(reterr, ITG_MISMATCH, "batch %zu came back changed", index);
    }
    return status;
}

static cflight_status download(cflight_client *client, struct cflight_bytes ticket,
                               const struct itg_batches *batches, cflight_error **reterr)
{
    cflight_reader *reader = NULL;
    size_t index = 0;

    cflight_status status = cflight_client_do_get(client, ticket, NULL, &reader, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_check_schema(reader, &batches->schema, true, reterr);
    }
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            if (!is_end) {
                status = check_chunk(&chunk, batches, index, reterr);
                index++;
            }
            cflight_chunk_release(&chunk);
        }
    }
    if (status == CFLIGHT_OK && index != batches->count) {
        status = cflight_error_set(reterr, ITG_MISMATCH, "%zu batches were sent, %zu came back",
                                   batches->count, index);
    }
    cflight_reader_free(reader);
    return status;
}

static cflight_status download_from(struct cflight_bytes uri, struct cflight_bytes ticket,
                                    const struct itg_batches *batches, cflight_error **reterr)
{
    struct cflight_location *location = NULL;
    cflight_client *client = NULL;

    cflight_status status = cflight_location_parse(uri, &location, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_new(location->uri, NULL, &client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = download(client, ticket, batches, reterr);
    }
    cflight_client_free(client);
    cflight_location_free(location);
    return status;
}

/* Without locations an endpoint is read where it came from, otherwise from all of them. */
static cflight_status download_endpoint(cflight_client *client,
                                        const struct cflight_endpoint *endpoint,
                                        const struct itg_batches *batches, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    if (endpoint->location_count == 0) {
        return download(client, endpoint->ticket, batches, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < endpoint->location_count; i++) {
        status = download_from(endpoint->locations[i], endpoint->ticket, batches, reterr);
    }
    return status;
}

static cflight_status round_trip(cflight_client *client, const char *path,
                                 const struct itg_batches *batches, cflight_error **reterr)
{
    struct cflight_bytes element = cflight_bytes_from_text(path);
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &element, .path_count = 1};
    struct cflight_info *info = NULL;

    cflight_status status = upload(client, &descriptor, batches, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_get_flight_info(client, &descriptor, NULL, &info, reterr);
    }
    if (status == CFLIGHT_OK && info->endpoint_count == 0) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH, "the info has no endpoint");
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < info->endpoint_count; i++) {
        status = download_endpoint(client, &info->endpoints[i], batches, reterr);
    }
    cflight_info_free(info);
    return status;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    char *source_path = NULL;
    struct itg_batches batches = {.items = NULL};
    cflight_client *client = NULL;

    cflight_status status = stream_path(target->path, &source_path, reterr);
    if (status == CFLIGHT_OK) {
        status = itg_batches_read_file(&batches, source_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_client_new(target->location, NULL, &client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = round_trip(client, target->path, &batches, reterr);
    }
    cflight_client_free(client);
    itg_batches_done(&batches);
    free(source_path);
    return status;
}

const struct itg_scenario itg_json = {"", itg_json_service, run_client};
