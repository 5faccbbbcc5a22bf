/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_H2_PEER_H
#define CFLIGHT_TESTS_H2_PEER_H

#include "clock.h"
#include "raw.h"

/* A session and a user of it that records what it is told. */
struct t_h2_peer {
    struct t_clock *clock;
    struct cfl_h2_session *session;
    struct t_end end;
    struct cfl_h2_stream *stream; /* the newest */
    struct cfl_h2_stream *streams[4096];
    size_t stream_count;
    size_t headers_count;
    size_t field_count;  /* of the last block */
    char fields[4096];   /* of the last block, "name=value\n" */
    uint64_t fields_sum; /* over every byte of it */
    bool is_too_large;
    size_t data_bytes;
    size_t placed_bytes;
    uint64_t data_sum;
    size_t end_stream_count;
    size_t close_count;
    uint32_t close_code;
    bool was_processed_never;
    size_t goaway_count;
    uint32_t goaway_code;
    size_t ping_ack_count;
    uint8_t *place;
    size_t place_bytes;
    size_t hint_bytes;
    bool is_lazy; /* gives no credit */
};

void t_h2_peer_open(struct t_h2_peer *peer, enum cfl_h2_role role, const struct cfl_limits *limits,
                    struct t_clock *clock);
cflight_status t_h2_peer_try_open(struct t_h2_peer *peer, enum cfl_h2_role role,
                                  const struct cfl_limits *limits, struct t_clock *clock,
                                  const struct cflight_allocator *alloc, cflight_error **reterr);
void t_h2_peer_done(struct t_h2_peer *peer);
/* Feeds bytes built by hand in one piece and empties them. */
void t_h2_peer_feed(struct t_h2_peer *peer, struct t_raw *raw);
/* A server that has seen a client's first bytes. */
void t_h2_peer_serve(struct t_h2_peer *peer, const struct cfl_limits *limits,
                     struct t_clock *clock);
cflight_status t_h2_peer_request(struct t_h2_peer *peer, bool is_end, cflight_error **reterr);
void t_h2_peer_respond(struct cfl_h2_stream *stream);

/* Two sessions of ours that are connected. */
struct t_duo {
    struct t_clock clock;
    struct t_h2_peer client;
    struct t_h2_peer server;
    cflight_error *error;
};

void t_duo_open(struct t_duo *duo, const struct cfl_limits *limits);
void t_duo_close(struct t_duo *duo);
void t_duo_pump(struct t_duo *duo);
struct cfl_h2_stream *t_duo_request(struct t_duo *duo);
void t_send_bytes(struct cfl_h2_stream *stream, const void *data, size_t len_bytes);
/* What t_h2_peer.fields_sum becomes with one more byte. */
static inline uint64_t t_sum(uint64_t sum, const void *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        sum = sum * 31 + ((const uint8_t *)bytes)[i];
    }
    return sum;
}
uint8_t *t_pattern_new(size_t len_bytes);

#endif /* CFLIGHT_TESTS_H2_PEER_H */
