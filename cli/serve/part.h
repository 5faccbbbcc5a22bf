/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_PART_H
#define CFLIGHT_CLI_SERVE_PART_H

#include <sys/stat.h>

#include "cflight/server.h"
#include "cli/system/text.h"

/* Files in parts: how a large one is cut into endpoints, and the tickets of these. Thread class:
 * free. */

enum { CLI_PARTS_MAX = 10000 }; /* endpoints of one flight */

/* The metadata of endpoints whose ticket gives the same batches in the same order whenever and
 * wherever it is read, or none: readers that lost a server go on where they were, and need not
 * digest all that they get to be sure of it. */
#define CLI_PART_STABLE "cflight.stable"

/* A range of the batches of a file. All of them where `batch_count` is 0. */
struct cli_part {
    int64_t first_batch;
    int64_t batch_count;
    /* What the file was that was cut, so that parts of two are never taken for one. Replicas keep
     * sizes and times; they need not keep inodes. */
    int64_t size_bytes;
    int64_t changed_ns; /* its modification time */
};

/* What a ticket says. `*ret_name` points into it, and is not checked.
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (not a ticket of this server) */
cflight_status cli_part_parse(struct cli_part *ret_part, struct cflight_bytes *ret_name,
                              struct cflight_bytes ticket, cflight_error **reterr);

/* CFLIGHT_OK when a part is of the file that `state` describes; CFLIGHT_FAILED_PRECONDITION when
 * that has been replaced. */
cflight_status cli_part_check(const struct cli_part *part, struct cflight_bytes name,
                              const struct stat *state, int64_t batch_count,
                              cflight_error **reterr);

/* The endpoints of a file. */
struct cli_parts {
    struct cflight_endpoint *endpoints;
    size_t count;
    struct cli_text tickets; /* which the endpoints point into */
};

/* Cuts a file of so many batches, -1 when nobody knows, into endpoints of about `part_bytes` each;
 * 0 is one for all. Each has the locations, which are borrowed.
 * @return CFLIGHT_OK, CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_parts_init(struct cli_parts *ret_parts, const char *name,
                              const struct stat *state, int64_t batch_count, uint64_t part_bytes,
                              const struct cflight_bytes *locations, size_t location_count,
                              cflight_error **reterr);
void cli_parts_done(struct cli_parts *parts);

#endif /* CFLIGHT_CLI_SERVE_PART_H */
