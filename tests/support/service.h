/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_SERVICE_H
#define CFLIGHT_TESTS_SERVICE_H

#include <pthread.h>

#include "cflight/cflight.h"

/* A Flight service for tests, on loopback, that does what its callers ask for in words: the ticket
 * of a DoGet, the command of a descriptor or the body of an action is a text such as "batches=3
 * rows=100 fail_after=2". Data is a column `n` of int64 that counts rows from 0 over the whole
 * stream, and a column `s` of utf8 with the row's number in words of 1 to 8 characters. What it has
 * seen is counted under its mutex. */

/* A one-way event: no sleeping in tests. */
struct t_gate {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    bool is_open;
};
void t_gate_init(struct t_gate *gate);
void t_gate_done(struct t_gate *gate);
void t_gate_open(struct t_gate *gate);
void t_gate_wait(struct t_gate *gate);
/* False when it did not open within the time. */
bool t_gate_wait_for(struct t_gate *gate, int64_t timeout_ms);

struct t_service {
    cflight_server *server;
    const char *location;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        uint64_t started_count;   /* handlers that began */
        uint64_t ended_count;     /* handlers that returned */
        uint64_t cancelled_count; /* handlers that saw their call cancelled */
        uint64_t put_rows;
        uint64_t released_count; /* streams that were handed over and have ended */
        uint64_t put_batches;
    } locked;
    struct t_gate hold; /* what "hold" waits for, besides cancellation */
};

/* `options` may be NULL; `location` NULL is grpc://localhost:0. */
void t_service_start(struct t_service *service, const char *location,
                     const struct cflight_server_options *options);
void t_service_stop(struct t_service *service);
/* Waits until `*counter` of the service reaches `value`; false after a generous limit. */
bool t_service_wait(struct t_service *service, const uint64_t *counter, uint64_t value);
uint64_t t_service_read(struct t_service *service, const uint64_t *counter);

cflight_client *t_client(const struct t_service *service,
                         const struct cflight_client_options *options);

void t_schema(struct ArrowSchema *ret_schema);
/* Rows [first_row, first_row + row_count). */
void t_batch(int64_t first_row, int64_t row_count, struct ArrowArray *ret_batch);
/* Fails the test when the batch is not what t_batch makes. */
void t_check_batch(const struct ArrowArray *batch, int64_t first_row);
/* A number in a text of "key=value" words; `otherwise` when it is not there. */
int64_t t_number(struct cflight_bytes text, const char *key, int64_t otherwise);
bool t_has_word(struct cflight_bytes text, const char *word);
/* For handlers: an info with one endpoint, whose ticket is the command of the descriptor. */
cflight_status t_answer_info(cflight_response *response,
                             const struct cflight_descriptor *descriptor, cflight_error **reterr);

#endif /* CFLIGHT_TESTS_SERVICE_H */
