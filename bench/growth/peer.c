/* SPDX-License-Identifier: Apache-2.0 */
/* The server of the measurements, in a process of its own, and what processes use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "growth.h"

static struct {
    pid_t pid;
    int to_fd;
    int from_fd;
    char location[128];
} peer;

struct usage usage_now(void)
{
    struct usage usage = {0};
    struct timespec used;
    long long total_pages = 0;
    long long resident_pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%lld %lld", &total_pages, &resident_pages) != 2) {
            resident_pages = 0;
        }
        (void)fclose(file);
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    usage.processor_ns = (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
    usage.resident_bytes = resident_pages * sysconf(_SC_PAGESIZE);
    return usage;
}

void peer_start(void)
{
    int to[2];
    int from[2];
    if (pipe(to) != 0 || pipe(from) != 0 || (peer.pid = fork()) < 0) {
        perror("growth_bench");
        exit(1);
    }
    if (peer.pid == 0) {
        (void)close(to[1]);
        (void)close(from[0]);
        serve(to[0], from[1]);
        _exit(0);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    peer.to_fd = to[1];
    peer.from_fd = from[0];
    if (read(peer.from_fd, peer.location, sizeof peer.location) <= 0) {
        exit(1);
    }
}

const char *peer_location(void)
{
    return peer.location;
}

struct usage peer_usage(void)
{
    struct usage usage = {0};
    if (write(peer.to_fd, "u", 1) != 1 ||
        read(peer.from_fd, &usage, sizeof usage) != (ssize_t)sizeof usage) {
        (void)fprintf(stderr, "the server has gone\n");
        exit(1);
    }
    return usage;
}

void peer_stop(void)
{
    int status = 0;
    (void)close(peer.to_fd);
    (void)waitpid(peer.pid, &status, 0);
}
