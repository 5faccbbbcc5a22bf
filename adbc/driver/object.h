/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_OBJECT_H
#define CFLIGHT_ADBC_DRIVER_OBJECT_H

#include <pthread.h>
#include <stdatomic.h>

#include "adbc/driver/error.h"
#include "adbc/driver/headers.h"
#include "cflight/sql_client.h"

/* What databases, connections and statements have in common: they are counted, so that programs may
 * release them in any order; and what runs for them can be cancelled. One call of the program at a
 * time, but for getters of options and cancel, which come at any time: what those see is under the
 * lock. */

enum adbc_limit { ADBC_LIMIT_FETCH, ADBC_LIMIT_QUERY, ADBC_LIMIT_UPDATE, ADBC_LIMIT_COUNT };

/* What calls carry. Objects below begin with a copy of what the one above has. */
struct adbc_call_settings {
    struct adbc_headers headers;
    int64_t limits_ms[ADBC_LIMIT_COUNT]; /* 0 is none */
};

bool adbc_call_settings_copy(const struct adbc_call_settings *from, struct adbc_call_settings *to);
void adbc_call_settings_done(struct adbc_call_settings *settings);

struct adbc_object {
    atomic_uint hold_count;
    void (*destroy)(struct adbc_object *object); /* frees what is beyond this struct, and itself */
    pthread_mutex_t lock;
    struct adbc_call_settings settings; /* locked */
    cflight_cancel *cancel;             /* locked; of what runs. NULL before the first call */
    unsigned running_count;             /* locked; calls, and streams that are open */
};

/* Makes a zeroed object of this size with one hold. Takes settings of `parent`, if there is one. */
struct adbc_object *adbc_object_new(size_t size_bytes, void (*destroy)(struct adbc_object *),
                                    struct adbc_object *parent);
void adbc_object_hold(struct adbc_object *object);
/* Drops a hold; NULL is ignored. */
void adbc_object_drop(struct adbc_object *object);
/* For `destroy`, as its last step. */
void adbc_object_done(struct adbc_object *object);

/* Ends what runs: INVALID_STATE when nothing does. Never blocks. */
AdbcStatusCode adbc_object_cancel(struct adbc_object *object, const char *what,
                                  struct AdbcError *error);
/* Ends what runs, if anything does. */
void adbc_object_interrupt(struct adbc_object *object);

#endif /* CFLIGHT_ADBC_DRIVER_OBJECT_H */
