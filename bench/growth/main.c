/* SPDX-License-Identifier: Apache-2.0 */
/* What one more costs: measures a case with so many of something, and prints a line of JSON.
 * bench/run_growth starts it for sizes over three decades.
 *
 *     growth_bench CASE SIZE */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "growth.h"

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

cflight_client *new_client(const struct cflight_client_options *options)
{
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    must(cflight_client_new(peer_location(), options, &client, &error), error);
    must(cflight_client_connect(client, NULL, &error), error);
    return client;
}

static struct usage minus(struct usage a, struct usage b)
{
    return (struct usage){a.processor_ns - b.processor_ns, a.resident_bytes - b.resident_bytes};
}

void measure_begin(struct outcome *outcome)
{
    outcome->server = peer_usage();
    outcome->client = usage_now();
    outcome->wall_ns = now_ns();
}

void measure_end(struct outcome *outcome, int64_t unit_count)
{
    outcome->wall_ns = now_ns() - outcome->wall_ns;
    outcome->client = minus(usage_now(), outcome->client);
    outcome->server = minus(peer_usage(), outcome->server);
    outcome->unit_count = unit_count;
}

static const struct {
    const char *name;
    void (*run)(int64_t size, struct outcome *outcome);
} cases[] = {
    {"calls", run_calls},
    {"awaited", run_awaited},
    {"beside-awaited", run_beside_awaited},
    {"threads", run_threads},
    {"open-streams", run_open_streams},
    {"connections", run_connections},
    {"beside-connections", run_beside_connections},
    {"deadlines", run_deadlines},
    {"call-deadlines", run_call_deadlines},
    {"flights", run_flights},
    {"columns", run_columns},
    {"batches", run_batches},
    {"endpoints", run_endpoints},
    {"endpoints-any-order", run_endpoints_any_order},
};

int main(int argc, char **argv)
{
    struct outcome outcome = {0};
    struct rlimit files = {0};
    int64_t size = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;
    size_t at = 0;
    while (at < sizeof cases / sizeof *cases && size > 0 && strcmp(cases[at].name, argv[1]) != 0) {
        at++;
    }
    if (at == sizeof cases / sizeof *cases || size <= 0) {
        (void)fprintf(stderr, "usage: see the top of bench/growth/main.c\n");
        return 2;
    }
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    peer_start();
    cases[at].run(size, &outcome);
    (void)printf("{\"case\": \"%s\", \"size\": %" PRId64 ", \"units\": %" PRId64
                 ", \"client_ns\": %" PRId64 ", \"server_ns\": %" PRId64 ", \"wall_ns\": %" PRId64
                 ", \"client_bytes\": %" PRId64 ", \"server_bytes\": %" PRId64 "}\n",
                 argv[1], size, outcome.unit_count, outcome.client.processor_ns,
                 outcome.server.processor_ns, outcome.wall_ns, outcome.client.resident_bytes,
                 outcome.server.resident_bytes);
    (void)fflush(stdout);
    peer_stop();
    return 0;
}
