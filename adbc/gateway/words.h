/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_WORDS_H
#define CFLIGHT_ADBC_GATEWAY_WORDS_H

#include <stdbool.h>

#include "cflight/bytes.h"

/* What can be seen of a statement by its words: a guess for where the driver cannot tell, made so
 * that it errs on the side of caution. Thread class: free. */
enum gateway_kind {
    GATEWAY_KIND_OTHER,  /* not known: may change something, may have rows */
    GATEWAY_KIND_QUERY,  /* rows, and changes nothing that lasts */
    GATEWAY_KIND_UPDATE, /* a count */
};

struct gateway_words {
    enum gateway_kind kind;
    bool leaves_state;   /* something in the session that the next user must not find */
    bool needs_session;  /* makes no sense without one */
    bool is_transaction; /* begins or ends one */
    bool is_several;     /* something follows a ';' */
};

struct gateway_words gateway_words_read(struct cflight_bytes text);
/* Nothing but blanks and comments. */
bool gateway_words_is_empty(struct cflight_bytes text);
/* The length of the first statement: up to its ';', or the end. */
size_t gateway_words_statement_end(const char *text);

#endif /* CFLIGHT_ADBC_GATEWAY_WORDS_H */
