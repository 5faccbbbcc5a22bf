/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_LIMITS_H
#define CFL_BASE_LIMITS_H

#include <stdint.h>

/* Every number that bounds what a peer can make us do, in one place. Each loop over peer data, each
 * queue and each allocation sized by a peer names one of these. */
struct cfl_limits {
    uint64_t message_bytes_max;         /* one gRPC message, FlightData body included */
    uint64_t handshake_piece_bytes_max; /* one message of a Handshake */
    uint64_t flight_header_bytes_max;   /* FlightData without its body: descriptor, data_header,
                                           app_metadata */
    uint32_t metadata_bytes_max;        /* header or trailer block; RFC 9113 6.5.2 sizes */
    uint32_t metadata_fields_max;       /* fields in one block */
    uint32_t streams_max;               /* concurrent calls on one connection */
    uint32_t stream_window_bytes;       /* receive window of a stream */
    uint32_t connection_window_bytes;   /* receive window of a connection */
    uint32_t frame_bytes_max;           /* SETTINGS_MAX_FRAME_SIZE that we offer */
    uint32_t resets_per_second_max;     /* RST_STREAM by the peer or provoked; burst ten times */
    uint32_t pings_per_second_max;      /* PING, SETTINGS that want an answer; burst ten times */
    uint32_t empty_frames_max;          /* DATA frames without payload or END_STREAM, in a row */
    uint32_t outbound_queue_bytes_max;  /* control frames queued and not taken by the peer */
    uint32_t schema_depth_max;          /* nesting of Arrow types */
    uint32_t schema_fields_max;         /* Arrow fields in all */
    uint32_t dictionaries_max;          /* dictionary ids in one stream */
    uint64_t dictionary_bytes_max;      /* memory of all dictionaries of one stream */
    uint64_t unpacked_bytes_free;       /* decompressed bytes that any record batch may have */
    uint32_t unpacked_ratio_max;        /* beyond them: decompressed to all bytes of the body */
    uint64_t unpacked_bytes_max;        /* decompressed bytes of one record batch in any case */
    uint64_t early_metadata_bytes_max;  /* metadata that is kept until the schema has come */
    uint64_t shared_bytes_max; /* passed to a peer in shared memory, not released; 0: off */
    uint32_t handshake_ms;     /* from accept to the HTTP/2 preface, TLS included */
    uint32_t connections_max;  /* of one server */
    uint32_t authenticate_ms;  /* a whole Handshake call at a server */
    uint32_t tls_session_s;    /* from a full TLS handshake to the last resumption */
    uint32_t tls_messages_max; /* handshake messages of a TLS peer in a second */
};

/* The documented defaults. */
extern const struct cfl_limits cfl_limits_default;

#endif /* CFL_BASE_LIMITS_H */
