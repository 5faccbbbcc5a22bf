/* SPDX-License-Identifier: Apache-2.0 */
/* GetFlightInfo and ListFlights of a flight that has a name, on several connections. */
#include "ask.h"

#include <cflight/cflight.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct asker {
    pthread_t thread;
    cflight_client *client;
    const char *name;
    int64_t count;
};

static void must(cflight_status status, cflight_error *error)
{
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                      cflight_error_message(error));
        exit(1);
    }
}

static void ask_info(cflight_client *client, const char *name)
{
    struct cflight_bytes path = cflight_bytes_from_text(name);
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &path, .path_count = 1};
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    must(cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error), error);
    cflight_info_free(info);
}

static void ask_list(cflight_client *client)
{
    cflight_info_stream *stream = NULL;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    must(cflight_client_list_flights(client, cflight_bytes_from_text(""), NULL, &stream, &error),
         error);
    do {
        cflight_info_free(info);
        info = NULL;
        must(cflight_info_stream_next(stream, &info, &error), error);
    } while (info != NULL);
    cflight_info_stream_free(stream);
}

static void *run(void *user_data)
{
    const struct asker *asker = user_data;
    for (int64_t i = 0; i < asker->count; i++) {
        if (asker->name == NULL) {
            ask_list(asker->client);
        } else {
            ask_info(asker->client, asker->name);
        }
    }
    return NULL;
}

int ask(const char *location, int64_t count, const char *name, int64_t connection_count)
{
    struct asker *askers = calloc((size_t)connection_count, sizeof *askers);
    struct timespec begin;
    struct timespec end;
    cflight_error *error = NULL;
    if (askers == NULL) {
        return 1;
    }
    for (int64_t i = 0; i < connection_count; i++) {
        askers[i] = (struct asker){.name = name, .count = count / connection_count};
        must(cflight_client_new(location, NULL, &askers[i].client, &error), error);
        must(cflight_client_connect(askers[i].client, NULL, &error), error);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int64_t i = 0; i < connection_count; i++) {
        if (pthread_create(&askers[i].thread, NULL, run, &askers[i]) != 0) {
            return 1;
        }
    }
    for (int64_t i = 0; i < connection_count; i++) {
        (void)pthread_join(askers[i].thread, NULL);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    (void)printf("%.6f 0\n", (double)(end.tv_sec - begin.tv_sec) +
                                 (double)(end.tv_nsec - begin.tv_nsec) * 1e-9);
    for (int64_t i = 0; i < connection_count; i++) {
        cflight_client_free(askers[i].client);
    }
    free(askers);
    return 0;
}
