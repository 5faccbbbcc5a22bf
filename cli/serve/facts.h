/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_FACTS_H
#define CFLIGHT_CLI_SERVE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "cflight/bytes.h"
#include "cflight/error.h"

/* What was read of files, so that who asks about a file that has not changed since makes nobody
 * read it again. Thread class: free. */
struct cli_facts_table;

/* What the info of a flight says of its file. */
struct cli_facts {
    cflight_buffer *schema; /* an IPC message; a hold of the owner of this struct */
    int64_t row_count;
    int64_t batch_count; /* -1 for the stream format */
};

/* `bytes_max` bounds what is kept, memory of the table's own included. */
cflight_status cli_facts_table_new(size_t bytes_max, struct cli_facts_table **ret_table,
                                   cflight_error **reterr);
void cli_facts_table_free(struct cli_facts_table *table);

/* Finds what is known of a file that is in this state now; false for nothing, or of another state.
 * What is found is to be dropped. */
bool cli_facts_find(struct cli_facts_table *table, const struct stat *state,
                    struct cli_facts *ret_facts);

/* Keeps what was read of a file in this state. `*opened` is the time of day before it was opened:
 * of a file that changed just then, or when there is no memory, nothing is kept. */
void cli_facts_keep(struct cli_facts_table *table, const struct stat *state,
                    const struct timespec *opened, const struct cli_facts *facts);

/* Safe to repeat. */
void cli_facts_drop(struct cli_facts *facts);

/* Files that something is known of, and the memory it takes. For tests. */
size_t cli_facts_count(struct cli_facts_table *table, size_t *ret_bytes);

#endif /* CFLIGHT_CLI_SERVE_FACTS_H */
