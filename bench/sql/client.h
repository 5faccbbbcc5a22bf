/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmark's client can do with a Flight SQL server, by cflight or by a driver. What
 * fails ends the program. */
#ifndef BENCH_SQL_CLIENT_H
#define BENCH_SQL_CLIENT_H

#include <cflight/arrow_abi.h>
#include <stdint.h>
#include <stdnoreturn.h>

struct client {
    /* Before all others. `library` is the driver's file. */
    void (*load)(const char *library);
    void *(*connect)(const char *location);
    void (*close)(void *connection);
    /* Reads the rows to their end; returns how many there were. */
    int64_t (*query)(void *connection, const char *text);
    void (*update)(void *connection, const char *text);
    void *(*prepare)(void *connection, const char *text);
    int64_t (*execute)(void *statement);
    /* Once for each of the rows, which it takes; NULL: once. */
    void (*execute_update)(void *statement, struct ArrowArrayStream *rows);
    void (*close_statement)(void *statement);
    /* Replaces a table. */
    void (*ingest)(void *connection, const char *table, struct ArrowArrayStream *rows);
    void (*begin)(void *connection);
    void (*commit)(void *connection);
    /* Of what is read next no keys, where they would be. */
    void (*leave_out_keys)(void *connection);
    /* Reads all there is about catalogs, schemas, tables and columns; counts the columns. */
    int64_t (*count_columns)(void *connection);
};

extern const struct client client_cflight;
extern const struct client client_adbc;

noreturn void give_up(const char *what, const char *why);

/* Reads rows to their end and releases them; returns how many there were. */
int64_t drain(struct ArrowArrayStream *rows);

#endif
