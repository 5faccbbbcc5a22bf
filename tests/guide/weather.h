/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_GUIDE_WEATHER_H
#define CFLIGHT_TESTS_GUIDE_WEATHER_H

#include "cflight/cflight.h"

/* The service that the pages of the guide talk to: one table of four rows, `station` (int64) and
 * `temperature` (float64), by every method of Flight. */

enum { WEATHER_COLUMNS = 2 };

/* Views of constants; nothing to release. Stays where it was made. */
struct weather {
    struct ArrowSchema fields[WEATHER_COLUMNS];
    struct ArrowSchema *field_list[WEATHER_COLUMNS];
    struct ArrowSchema schema;
    struct ArrowArray columns[WEATHER_COLUMNS];
    struct ArrowArray *column_list[WEATHER_COLUMNS];
    const void *buffers[WEATHER_COLUMNS][2];
    const void *no_buffer;
    struct ArrowArray batch;
};

void weather_init(struct weather *weather);

/* weather.arrow, weather.arrows (the stream format), and users with the password "secret" of alice,
 * in the working directory. */
void weather_write_files(void);

/* An upload is acknowledged with its rows, an exchange is an echo, the action "echo" gives back
 * its body; a query is done when it was polled twice. */
extern const struct cflight_server_handlers weather_handlers;

/* Middleware of the server: sessions, and passwords when they are wanted. */
struct weather_kit {
    cflight_session_store *store;
    cflight_password_file *users;
    cflight_bearer_auth *auth;
    struct cflight_server_auth handshake;
    struct cflight_server_middleware middleware[2];
};
void weather_kit_init(struct weather_kit *kit, bool has_passwords,
                      struct cflight_server_options *options);
void weather_kit_done(struct weather_kit *kit);

/* Calls those handlers of a page that any caller may call. */
struct guide;
void weather_call(const struct guide *guide, const struct cflight_server_handlers *handlers);

#endif /* CFLIGHT_TESTS_GUIDE_WEATHER_H */
