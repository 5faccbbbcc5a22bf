/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_SQL_ENGINE_H
#define CFLIGHT_TESTS_SQL_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "cflight/cflight.h"
#include "service.h"

/* A database for tests of the Flight SQL kit: tables of one column of integers, in memory, and a
 * language of a few words:
 *
 *     CREATE t | DROP t | INSERT t 5 | INSERT t ?      updates
 *     SELECT t | SELECT ? | COUNT 100000 | HANG         queries; HANG has no rows until interrupted
 *     PARTS 3                                           a query of three partitions
 *     WAIT 3                                            COUNT 3, once the gate `go` is open; until
 *                                                       then its progress is 0.25
 *     BEGIN                                             needs a session
 *     SLEEP                                             an update that ends when interrupted
 *     FAIL text                                         an error with that text
 *
 * A transaction copies everything and puts it back when it is rolled back. */

enum { T_TABLES = 8, T_ROWS = 64, T_COPIES = 8 };

struct t_table {
    char name[32];
    size_t row_count;
    int64_t rows[T_ROWS];
};

struct t_tables {
    size_t count;
    struct t_table tables[T_TABLES];
};

struct t_engine {
    cflight_sql_server *server;
    struct cflight_sql_handlers handlers; /* may be changed before the start */
    pthread_mutex_t mutex;
    struct t_tables tables; /* under the mutex */
    atomic_int execute_count;
    atomic_int prepare_count;
    atomic_int statement_count; /* that are planned and not freed */
    atomic_int session_count;
    atomic_int commit_count;
    atomic_int rollback_count;
    atomic_int running_count; /* in SLEEP or HANG */
    atomic_int overlap_count; /* functions of one session at once */
    atomic_bool parameters_are_known;
    atomic_bool has_one_result; /* a session fails what runs while a result of it is open */
    struct t_gate go;
};

/* Fills the handlers. */
void t_engine_init(struct t_engine *engine);
/* Lists of the tables that are there: without it there are none. */
void t_engine_add_lists(struct t_engine *engine);
/* `options` may be NULL. */
void t_engine_start(struct t_engine *engine, const struct cflight_sql_server_options *options);
void t_engine_stop(struct t_engine *engine);
/* Rows of a table; -1 when it is not there. */
int64_t t_engine_rows(struct t_engine *engine, const char *table);
/* Waits until so many statements hang. */
void t_engine_wait_running(struct t_engine *engine, int count);

/* ---- a client by hand ---- */

cflight_client *t_sql_client(const struct t_engine *engine, cflight_cookie_jar *jar);
/* The descriptor's bytes of a message; unref them. */
cflight_buffer *t_sql_pack(const struct cflight_sql_message *message);
struct cflight_sql_message t_query(const char *text);
struct cflight_sql_message t_update(const char *text);
cflight_status t_sql_info(cflight_client *client, const struct cflight_sql_message *message,
                          struct cflight_info **ret_info, cflight_error **reterr);
/* Reads the rows of an endpoint: how many, and the sum of the first column. */
struct t_sum {
    int64_t row_count;
    int64_t sum;
};
cflight_status t_sql_fetch(cflight_client *client, const struct cflight_info *info, size_t endpoint,
                           struct t_sum *ret_sum, cflight_error **reterr);
/* The same as a user, for servers that take users; NULL is nobody. */
cflight_status t_sql_info_as(cflight_client *client, const char *user,
                             const struct cflight_sql_message *message,
                             struct cflight_info **ret_info, cflight_error **reterr);
cflight_status t_sql_get_as(cflight_client *client, const char *user, struct cflight_bytes ticket,
                            struct t_sum *ret_sum, cflight_error **reterr);
/* Authentication that believes what the header x-user says. */
void t_sql_take_users(struct cflight_server_auth *auth);
/* Both in one, as nobody. */
cflight_status t_sql_rows(cflight_client *client, const char *text, struct t_sum *ret_sum,
                          cflight_error **reterr);
/* DoPut with one batch of int64 values, or, with `values` NULL, a schema without fields;
 * `ret_bytes` is the first answer, or NULL. */
cflight_status t_sql_put(cflight_client *client, const struct cflight_sql_message *message,
                         const int64_t *values, size_t value_count, cflight_buffer **ret_bytes,
                         cflight_error **reterr);
/* An update, by DoPut; -100 when it fails. */
int64_t t_sql_update(cflight_client *client, const struct cflight_sql_message *message,
                     cflight_error **reterr);
/* An update by its text, in a transaction or none; fails the test when that fails. */
int64_t t_sql_run(cflight_client *client, const char *text, struct cflight_bytes transaction_id);
/* An action; the first result, parsed, or NULL. */
cflight_status t_sql_action(cflight_client *client, const char *name,
                            const struct cflight_sql_message *message,
                            struct cflight_sql_message **ret_result, cflight_error **reterr);
/* Prepares, or begins a transaction; fails the test when that fails. */
struct cflight_sql_message *t_sql_prepare(cflight_client *client, const char *text,
                                          struct cflight_bytes transaction_id);
struct cflight_sql_message *t_sql_begin(cflight_client *client);
cflight_status t_sql_end(cflight_client *client, struct cflight_bytes id,
                         enum cflight_sql_end_action action, cflight_error **reterr);
/* Waits until the counts are as `is_right` says. */
void t_sql_wait_counts(struct t_engine *engine,
                       bool (*is_right)(const struct cflight_sql_server_counts *counts));

#endif /* CFLIGHT_TESTS_SQL_ENGINE_H */
