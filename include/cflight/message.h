/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_MESSAGE_H
#define CFLIGHT_MESSAGE_H

#include "cflight/bytes.h"
#include "cflight/export.h"

/// @file
/// Messages of a stream as bytes: for programs that pass data on and do not look at it, such as a
/// proxy, a cache, or a server of stored data.
///
/// A message of Arrow IPC is a header (a flatbuffer) and a body (the buffers of a batch). It is the
/// same in a Flight stream, in a file and in a stream on disk; only what stands before it differs.
/// Each of these has a function that gives the next message, and one that takes it:
///
///     cflight_reader_next_message()        cflight_writer_write_message()      cflight/stream.h
///     cflight_ipc_messages_next()          cflight_ipc_writer_write_message()  cflight/ipc.h
///
/// A stream is the schema, then record batches, each after the dictionaries that it needs. Messages
/// are passed on whole, in their order. The bytes are counted: a message may be kept as long as one
/// likes, and given to several writers.
///
///     struct cflight_message message;
///     while ((status = cflight_reader_next_message(reader, 0, &message, &error)) == 0 &&
///            !message.is_end) {
///         status = cflight_writer_write_message(writer, &message, &error);
///         cflight_message_release(&message);
///     }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// What a message holds.
enum cflight_message_kind {
    CFLIGHT_MESSAGE_METADATA = 0, ///< metadata alone, no Arrow data
    CFLIGHT_MESSAGE_SCHEMA = 1,
    CFLIGHT_MESSAGE_DICTIONARY = 2, ///< values of a dictionary: all of them, or more
    CFLIGHT_MESSAGE_BATCH = 3,
};

/// How far a message is checked before it is given out. Whatever the level, limits on sizes hold,
/// and compressed buffers are not unpacked.
enum cflight_message_check {
    /// The header is a valid Arrow message of a kind and version that is known, and the body has
    /// the length that it says. Nothing else is looked at, and nothing is kept of the stream.
    CFLIGHT_MESSAGE_CHECK_HEADER = 0,
    /// Also: the schema comes first and once, dictionaries belong to it and come before the values
    /// that need them; every buffer lies in the body and is as long as its column needs, columns
    /// are as long as their batch, and what compressed buffers claim to unpack to is possible and
    /// within `unpacked_bytes_max`. Values are not looked at.
    CFLIGHT_MESSAGE_CHECK_STRUCTURE = 1,
    /// Also the values, as the read options' `validation` says, as long as no message of the stream
    /// is compressed: what the reader would check, without making anything of it.
    CFLIGHT_MESSAGE_CHECK_VALUES = 2,
};

/// A message. What it points at is counted and shared.
struct cflight_message {
    enum cflight_message_kind kind;
    bool is_end;                  ///< the stream ended well; nothing else is set
    int64_t row_count;            ///< of a batch, as its header says
    cflight_buffer *header;       ///< the flatbuffer Message; NULL for metadata alone
    cflight_buffer *body;         ///< NULL for none
    cflight_buffer *app_metadata; ///< of Flight; NULL for none
};

/// Drops what a message holds. Safe to repeat; NULL is ignored. Thread class: free.
CFLIGHT_EXPORT void
cflight_message_release(struct cflight_message *message);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_MESSAGE_H */
