/* SPDX-License-Identifier: Apache-2.0 */
/* Logs in beside connections that guess: login_peer LOCATION CONNECTIONS LOGINS.
 *
 * Each connection has a thread that sends wrong passwords of "alice" as fast as it may. When all of
 * them have failed once, LOGINS logins with the right one, "secret", are made over another
 * connection. Prints how many of them succeeded, how many tries were wrong and how many of those
 * found no turn. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cflight/cflight.h"

enum { CONNECTIONS_MAX = 256 };

struct storm {
    const char *location;
    atomic_bool is_over;
    sem_t ready; /* once for each connection that has guessed */
    atomic_long wrong_count;
    atomic_long refused_count;
};

static cflight_status log_in(cflight_client *client, const char *password, cflight_error **reterr)
{
    cflight_buffer *bearer = NULL;
    cflight_status status =
        cflight_client_authenticate_basic(client, cflight_bytes_from_text("alice"),
                                          cflight_bytes_from_text(password), NULL, &bearer, reterr);
    cflight_buffer_unref(bearer);
    return status;
}

static cflight_client *connect_to(const char *location)
{
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    if (cflight_client_new(location, NULL, &client, &error) != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s\n", cflight_error_message(error));
        exit(1);
    }
    return client;
}

static void *guess(void *argument)
{
    struct storm *storm = argument;
    cflight_client *client = connect_to(storm->location);
    bool is_ready = false;
    while (!atomic_load(&storm->is_over)) {
        cflight_status status = log_in(client, "wrong", NULL);
        if (status == CFLIGHT_OK) {
            (void)fprintf(stderr, "a wrong password was taken\n");
            exit(1);
        }
        (void)atomic_fetch_add(&storm->wrong_count, 1);
        (void)atomic_fetch_add(&storm->refused_count, status == CFLIGHT_UNAUTHENTICATED ? 0 : 1);
        if (!is_ready && status == CFLIGHT_UNAUTHENTICATED) {
            is_ready = true;
            (void)sem_post(&storm->ready);
        }
    }
    cflight_client_free(client);
    return NULL;
}

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    pthread_t threads[CONNECTIONS_MAX];
    struct storm storm = {.location = argc > 1 ? argv[1] : ""};
    int connections = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    int logins = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
    int right_count = 0;
    int64_t longest_us = 0;
    if (connections < 0 || connections > CONNECTIONS_MAX) {
        return 2;
    }
    (void)sem_init(&storm.ready, 0, 0);
    for (int i = 0; i < connections; i++) {
        if (pthread_create(&threads[i], NULL, guess, &storm) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < connections; i++) {
        while (sem_wait(&storm.ready) != 0) {
        }
    }
    cflight_client *client = connect_to(storm.location);
    for (int i = 0; i < logins; i++) {
        int64_t begin_us = now_us();
        cflight_error *error = NULL;
        if (log_in(client, "secret", &error) == CFLIGHT_OK) {
            right_count++;
        } else {
            (void)fprintf(stderr, "refused: %s\n", cflight_error_message(error));
        }
        cflight_error_free(error);
        int64_t took_us = now_us() - begin_us;
        longest_us = took_us > longest_us ? took_us : longest_us;
    }
    cflight_client_free(client);
    atomic_store(&storm.is_over, true);
    for (int i = 0; i < connections; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)printf("right %d of %d, longest %.3f s, wrong %ld, without a turn %ld\n", right_count,
                 logins, (double)longest_us / 1e6, atomic_load(&storm.wrong_count),
                 atomic_load(&storm.refused_count));
    return 0;
}
