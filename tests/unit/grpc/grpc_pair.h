/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_GRPC_PAIR_H
#define CFLIGHT_TESTS_GRPC_PAIR_H

#include "clock.h"
#include "pump.h"

/* A client and a server connected in memory, and call users that record what they are told. */

enum { T_MESSAGES_MAX = 64 };

struct t_user {
    struct cfl_grpc_call *call;
    struct t_grpc_pair *pair;
    bool is_server;
    uint8_t *bytes; /* all message bytes, one after the other */
    size_t len_bytes;
    size_t capacity_bytes;
    uint32_t lengths[T_MESSAGES_MAX];
    size_t begun_count;
    size_t message_count;
    size_t head_bytes; /* of a message that are not placed */
    size_t in_message_bytes;
    uint8_t *place; /* where the rest of the message goes; NULL for no wish */
    size_t placed_bytes;
    size_t copied_bytes;
    size_t headers_count;
    size_t half_close_count;
    size_t end_count;
    bool is_lazy;               /* gives no credit by itself */
    uint64_t lent_bytes;        /* for messages that are unpacked */
    uint64_t lent_bytes_max;    /* 0: any number */
    cflight_status refuse_with; /* status that on_message_begin returns */
    bool releases_in_end;
    bool releases_in_bytes;
    size_t answers_in_bytes; /* finishes with a message of that many bytes, and releases */
};

struct t_grpc_pair {
    struct t_clock clock;
    struct cfl_limits limits;
    struct cfl_grpc_keepalive keepalive;
    const struct cflight_allocator *alloc;
    struct cfl_grpc_conn *client;
    struct cfl_grpc_conn *server;
    struct t_end client_end;
    struct t_end server_end;
    struct t_user *served; /* users of calls at the server, newest last */
    size_t served_count;
    size_t goaway_count;
    bool refuses;              /* the server finishes calls at once */
    struct t_user next_served; /* template of a served user */
};

void t_grpc_pair_init(struct t_grpc_pair *pair);
cflight_status t_grpc_pair_open(struct t_grpc_pair *pair, cflight_error **reterr);
void t_grpc_pair_done(struct t_grpc_pair *pair);
void t_grpc_pair_pump(struct t_grpc_pair *pair, size_t chunk_bytes);

extern const struct cfl_grpc_call_handlers t_user_handlers;
void t_user_done(struct t_user *user);
cflight_status t_call(struct t_grpc_pair *pair, struct t_user *user, cflight_error **reterr);
cflight_status t_call_with(struct t_grpc_pair *pair, struct t_user *user,
                           const struct cfl_metadata *metadata, int64_t deadline_ns,
                           cflight_error **reterr);
void t_send(struct t_user *user, const void *head, size_t head_bytes, const void *body,
            size_t body_bytes);

#endif /* CFLIGHT_TESTS_GRPC_PAIR_H */
