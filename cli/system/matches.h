/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_MATCHES_H
#define CFLIGHT_CLI_SYSTEM_MATCHES_H

#include <stddef.h>

#include "cflight/bytes.h"

/* What the end of the text before the cursor can become. */
struct cli_matches {
    size_t replaced_bytes; /* of that end */
    char **texts;
    size_t count;
    size_t capacity;
};
/* Adds a copy; without memory, nothing. */
void cli_matches_add(struct cli_matches *matches, struct cflight_bytes text);
/* What all of them begin with: whole characters. */
struct cflight_bytes cli_matches_common(const struct cli_matches *matches);
void cli_matches_done(struct cli_matches *matches);

#endif /* CFLIGHT_CLI_SYSTEM_MATCHES_H */
