/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_SQL_PEER_H
#define CFLIGHT_TESTS_SQL_PEER_H

#include <pthread.h>

#include "cflight/cflight.h"
#include "service.h"
#include "test.h"

/* A server of Flight SQL on loopback that does what a test tells it, well or badly, and writes down
 * what it was asked: a line for each call, "GetFlightInfo CommandStatementQuery SELECT 1". */
struct t_sql_peer;

/* What a test can have done; NULL does the usual: infos with one endpoint, whose ticket is the
 * command; t_sql_write_rows() of 3 rows; counts of 7; ids that are numbered, "id1"; schemas of
 * t_schema(). */
struct t_sql_script {
    cflight_status (*info)(struct t_sql_peer *peer, const struct cflight_descriptor *descriptor,
                           cflight_response *response, cflight_error **reterr);
    cflight_status (*get)(struct t_sql_peer *peer, struct cflight_bytes ticket,
                          cflight_writer *writer, cflight_error **reterr);
    /* After the upload was read. */
    cflight_status (*put)(struct t_sql_peer *peer, cflight_metadata_writer *writer,
                          cflight_error **reterr);
    cflight_status (*action)(struct t_sql_peer *peer, const struct cflight_action *action,
                             cflight_response *response, cflight_error **reterr);
    cflight_status (*poll)(struct t_sql_peer *peer, const struct cflight_descriptor *descriptor,
                           cflight_response *response, cflight_error **reterr);
    /* Do not read the upload. */
    bool put_reads_nothing;
};

struct t_sql_peer {
    cflight_server *server;
    cflight_client *client;
    struct t_sql_script script;
    struct t_gate put_began;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        char log[4096];
        size_t log_bytes;
        int id_count;
        int call_count;
        char inline_max[16]; /* the header of the last GetFlightInfo */
        char tag[16];        /* the header "tag" of the last call */
        bool put_was_cut;    /* the last upload ended without its end */
    } locked;
};

/* `script` may be NULL. */
void t_sql_peer_start(struct t_sql_peer *peer, const struct t_sql_script *script);
void t_sql_peer_stop(struct t_sql_peer *peer);
/* Fails unless this was asked since the last check; lines end with "\n". */
void t_sql_peer_check(struct t_sql_peer *peer, const char *expected);
/* Waits for the last line to begin so. */
bool t_sql_peer_wait(struct t_sql_peer *peer, const char *line);

/* For scripts. */
cflight_status t_sql_answer(cflight_response *response, const struct cflight_sql_message *message,
                            cflight_error **reterr);
cflight_status t_sql_put_answer(cflight_metadata_writer *writer,
                                const struct cflight_sql_message *message, cflight_error **reterr);
/* An info with this many endpoints: the ticket of each is its number. With `schema` it has one. */
cflight_status t_sql_answer_info(cflight_response *response,
                                 const struct cflight_descriptor *descriptor, int endpoint_count,
                                 const struct ArrowSchema *schema, cflight_error **reterr);
cflight_status t_sql_write_rows(cflight_writer *writer, int64_t first_row, int64_t row_count,
                                cflight_error **reterr);

/* A stream of t_batch() of this many rows; with a gate it fails after them, when that is open. */
void t_sql_rows(int64_t row_count, struct t_gate *fails_after, struct ArrowArrayStream *ret_stream);
/* A stream that never ends by itself. */
void t_sql_endless_rows(struct ArrowArrayStream *ret_stream);
/* Reads a stream of t_batch() to its end and releases it. @return rows, or -1 when it failed */
int64_t t_sql_drain(struct ArrowArrayStream *stream);

#endif /* CFLIGHT_TESTS_SQL_PEER_H */
