/* SPDX-License-Identifier: Apache-2.0 */
/* The server of the measurements, in a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "growth.h"

static struct {
    pid_t pid;
    int to_fd;
    int from_fd;
    char location[128];
} peer;

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
