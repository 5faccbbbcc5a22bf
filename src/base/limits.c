/* SPDX-License-Identifier: Apache-2.0 */
/* The default limits. */
#include "base/limits.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

const struct cfl_limits cfl_limits_default = {
    .message_bytes_max = 4 * GIB - 1,
    .handshake_piece_bytes_max = 64 * MIB,
    .flight_header_bytes_max = 2 * GIB,
    .metadata_bytes_max = 64 * KIB,
    .metadata_fields_max = 512,
    .streams_max = 2048,
    .stream_window_bytes = 4 * MIB,
    .connection_window_bytes = 1 * GIB,
    .frame_bytes_max = 1 * MIB,
    .resets_per_second_max = 100,
    .pings_per_second_max = 100,
    .empty_frames_max = 1000,
    .outbound_queue_bytes_max = 1 * MIB,
    .schema_depth_max = 64,
    .schema_fields_max = 65536,
    .dictionaries_max = 65536,
    .dictionary_bytes_max = 8 * GIB,
    .unpacked_bytes_free = 256 * MIB,
    .unpacked_ratio_max = 256,
    .unpacked_bytes_max = 16 * GIB,
    .early_metadata_bytes_max = 4 * MIB,
    .shared_bytes_max = 1 * GIB,
    .handshake_ms = 20000,
    .connections_max = 10000,
    .authenticate_ms = 120000,
    .tls_session_s = 86400,
    .tls_messages_max = 100,
};
