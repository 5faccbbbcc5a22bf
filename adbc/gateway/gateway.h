/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_GATEWAY_H
#define CFLIGHT_ADBC_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "cflight/metrics.h"
#include "cflight/sql_server.h"

/* A database behind the handlers of a Flight SQL server, reached through somebody's ADBC driver.
 * Thread class: free. */
struct gateway;

/* What a user may do. */
enum gateway_right { GATEWAY_RIGHT_NONE, GATEWAY_RIGHT_READ, GATEWAY_RIGHT_WRITE };

struct gateway_options {
    /* "sqlite:FILE", "duckdb:FILE", "postgresql://...", or "adbc:NAME-OR-FILE?KEY=VALUE&..." */
    const char *source;
    const char *init_sql; /* statements for each new connection; NULL for none */
    bool is_read_only;
    /* What a caller may do, asked for each call; NULL: everything. For those who may read, the
     * database is opened a second time, for reading alone, with as many connections. */
    enum gateway_right (*right_of)(void *user_data, struct cflight_bytes identity);
    void *right_user_data;
    int64_t query_ms;         /* how long a statement may keep the database busy; 0 is no limit */
    uint64_t result_rows_max; /* 0 is no limit */
    uint32_t connections_max; /* 0 is 64 */
};

/* Whether a text names a database, by the word before its first colon. */
bool gateway_is_source(const char *text);

/* Finds and loads the driver, opens the database, and a connection to see that it answers.
 * @return CFLIGHT_OK; CFLIGHT_NOT_FOUND (no driver: tells where it was looked for, and what brings
 * it); CFLIGHT_INVALID_ARGUMENT; CFLIGHT_UNIMPLEMENTED (read only, for all or for some, and the
 * driver cannot);
 * CFLIGHT_RESOURCE_EXHAUSTED; whatever the driver says */
cflight_status gateway_open(const struct gateway_options *options, struct gateway **ret_gateway,
                            cflight_error **reterr);
/* After the server has ended. NULL is ignored. */
void gateway_free(struct gateway *gateway);

/* The handlers, whose `user_data` is the gateway. */
void gateway_add_handlers(struct gateway *gateway, struct cflight_sql_handlers *handlers);
/* What the database says of itself; borrowed. */
const cflight_sql_info *gateway_info(const struct gateway *gateway);
/* "SQLite 3.53.1, by /usr/lib/libadbc_driver_sqlite.so"; borrowed. */
const char *gateway_description(const struct gateway *gateway);

/* Has its connections and statements counted there, until it is freed; once. */
cflight_status gateway_add_metrics(struct gateway *gateway, cflight_metrics *metrics,
                                   cflight_error **reterr);

#endif /* CFLIGHT_ADBC_GATEWAY_GATEWAY_H */
