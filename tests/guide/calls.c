/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the handlers that a page of the guide defines, as any client would: those whose arguments
 * need no knowledge of the page. What the page's own sections call is called by them. */
#include "guide/frame.h"
#include "guide/weather.h"

static void call_get(cflight_client *client)
{
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    cflight_status status =
        cflight_client_do_get(client, cflight_bytes_from_text("weather"), NULL, &reader, &error);
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, &error);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            cflight_chunk_release(&chunk);
        }
    }
    guide_check("do_get of the page", status, error);
    cflight_reader_free(reader);
}

static void call_list(cflight_client *client)
{
    cflight_info_stream *stream = NULL;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    cflight_status status =
        cflight_client_list_flights(client, cflight_bytes_make(NULL, 0), NULL, &stream, &error);
    do {
        cflight_info_free(info);
        info = NULL;
        if (status == CFLIGHT_OK) {
            status = cflight_info_stream_next(stream, &info, &error);
        }
    } while (status == CFLIGHT_OK && info != NULL);
    guide_check("list_flights of the page", status, error);
    cflight_info_stream_free(stream);
}

static void call_put(const struct guide *guide)
{
    cflight_writer *writer = NULL;
    cflight_metadata_reader *answers = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_client_do_put(guide->client, guide->descriptor, guide->schema,
                                                  NULL, &writer, &answers, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, guide->batch, NULL, &error);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, &error);
    }
    guide_check("do_put of the page", status, error);
    cflight_metadata_reader_free(answers);
    cflight_writer_free(writer);
}

static void call_list_actions(cflight_client *client)
{
    cflight_action_type_stream *stream = NULL;
    struct cflight_action_type *type = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_client_list_actions(client, NULL, &stream, &error);
    do {
        cflight_action_type_free(type);
        type = NULL;
        if (status == CFLIGHT_OK) {
            status = cflight_action_type_stream_next(stream, &type, &error);
        }
    } while (status == CFLIGHT_OK && type != NULL);
    guide_check("list_actions of the page", status, error);
    cflight_action_type_stream_free(stream);
}

void weather_call(const struct guide *guide, const struct cflight_server_handlers *handlers)
{
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    if (handlers->do_get != NULL) {
        call_get(guide->client);
    }
    if (handlers->list_flights != NULL) {
        call_list(guide->client);
    }
    if (handlers->get_flight_info != NULL) {
        cflight_status status =
            cflight_client_get_flight_info(guide->client, guide->descriptor, NULL, &info, &error);
        guide_check("get_flight_info of the page", status, error);
        cflight_info_free(info);
    }
    if (handlers->do_put != NULL) {
        call_put(guide);
    }
    if (handlers->list_actions != NULL) {
        call_list_actions(guide->client);
    }
}
