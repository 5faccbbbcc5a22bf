/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_STREAM_H
#define CFLIGHT_STREAM_H

#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/call.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/ipc.h"
#include "cflight/message.h"

/// @file
/// Streams of record batches: readers and writers, the same types on both sides of a call.
///
/// A reader and a writer of one call are independent: each is used by one thread at a time, but the
/// two may be used by two threads at once. They keep the call, connection and client alive, so
/// handles may be freed in any order. At a server the handles belong to the library and are valid
/// until the handler returns.
///
///     struct cflight_chunk chunk;
///     while ((status = cflight_reader_next(reader, &chunk, &error)) == 0 && !chunk.is_end) {
///         if (chunk.has_batch) { use(&chunk.batch); }
///         cflight_chunk_release(&chunk);
///     }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// One message of a stream: a batch, metadata, or both.
struct cflight_chunk {
    struct ArrowArray batch; ///< a struct array when `has_batch`; otherwise released
    bool has_batch;
    /// NULL when the message carried none; an empty buffer when it carried an empty one.
    cflight_buffer *app_metadata;
    bool is_end; ///< the stream ended well; nothing else is set
};

/// Releases what a chunk holds. Safe to repeat.
CFLIGHT_EXPORT void
cflight_chunk_release(struct cflight_chunk *chunk);

/// Reads batches and metadata of one call.
typedef struct cflight_reader cflight_reader;

/// Copies the schema of the data out; blocks until it arrived. Metadata-only messages that come
/// before it are kept for cflight_reader_next(). @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION
/// when the stream ended without a schema; a status as of cflight_reader_next()
CFLIGHT_CHECKED cflight_status
cflight_reader_schema(cflight_reader *reader, struct ArrowSchema *ret_schema,
                      cflight_error **reterr);
/// Reads the next message. Blocks until it is complete, a limit of the call passes, or the call is
/// cancelled.
///
/// @param ret_chunk  Caller's storage, treated as uninitialised; on success release it with
///                   cflight_chunk_release(). Untouched on failure.
/// @return CFLIGHT_OK (look at `is_end`), CFLIGHT_CANCELLED, CFLIGHT_DEADLINE_EXCEEDED (the message
///         names the limit), CFLIGHT_UNAVAILABLE (the connection broke; the message says how many
///         batches and bytes came), CFLIGHT_RESOURCE_EXHAUSTED (memory, or a message over the
///         limit), CFLIGHT_DATA_LOSS (not valid Arrow), or any status the peer chose. After a
///         failure every further call fails the same way.
CFLIGHT_CHECKED cflight_status
cflight_reader_next(cflight_reader *reader, struct cflight_chunk *ret_chunk,
                    cflight_error **reterr);
/// As cflight_reader_next(), but gives up after `timeout_ms` (0: at once) with `*ret_is_ready`
/// false and nothing lost.
CFLIGHT_CHECKED cflight_status
cflight_reader_try_next(cflight_reader *reader, int64_t timeout_ms, bool *ret_is_ready,
                        struct cflight_chunk *ret_chunk, cflight_error **reterr);
/// Reads the next message as it is, without making arrays of it, for those who pass it on. Blocks
/// and fails as cflight_reader_next(). Messages are given whole and in their order: the schema,
/// dictionaries, batches, each with its metadata, and metadata alone. A stream is read either in
/// this way or with cflight_reader_next() from its first batch on; cflight_reader_schema() may come
/// before, and the schema's message is given all the same.
///
/// @param check        How far each message is checked. One that fails ends the stream.
/// @param ret_message  Caller's storage, treated as uninitialised; on success release it with
///                     cflight_message_release(). Untouched on failure.
/// @return as cflight_reader_next(); CFLIGHT_DATA_LOSS for a message that is not what `check` asks
CFLIGHT_CHECKED cflight_status
cflight_reader_next_message(cflight_reader *reader, enum cflight_message_check check,
                            struct cflight_message *ret_message, cflight_error **reterr);
/// As cflight_reader_next_message(), but gives up after `timeout_ms` (0: at once) with
/// `*ret_is_ready` false and nothing lost.
CFLIGHT_CHECKED cflight_status
cflight_reader_try_next_message(cflight_reader *reader, enum cflight_message_check check,
                                int64_t timeout_ms, bool *ret_is_ready,
                                struct cflight_message *ret_message, cflight_error **reterr);
/// Turns a reader into an Arrow C stream of its batches; metadata is dropped. The reader is taken:
/// the stream's release frees it. At a server the stream must be released before the handler
/// returns.
CFLIGHT_CHECKED cflight_status
cflight_reader_to_stream(cflight_reader *reader, struct ArrowArrayStream *ret_stream,
                         cflight_error **reterr);
/// Ends the call: the peer is told, reads and writes of it end with CFLIGHT_CANCELLED. Thread
/// class: free.
CFLIGHT_EXPORT void
cflight_reader_cancel(cflight_reader *reader);
/// Messages read so far. Metadata-only messages are not counted, the schema is.
CFLIGHT_EXPORT struct cflight_ipc_stats
cflight_reader_stats(const cflight_reader *reader);
/// The descriptor that came with the stream (servers: always there); borrowed, NULL when none came.
CFLIGHT_EXPORT const struct cflight_descriptor *
cflight_reader_descriptor(const cflight_reader *reader);
/// Response headers (client), once the first byte came. Borrowed; valid as long as the reader.
CFLIGHT_EXPORT size_t
cflight_reader_headers(cflight_reader *reader, const struct cflight_header **ret_headers);
/// Response trailers (client), once the stream ended or failed.
CFLIGHT_EXPORT size_t
cflight_reader_trailers(cflight_reader *reader, const struct cflight_header **ret_trailers);
/// Frees a client's reader. A call that still runs and has no writer is cancelled. NULL is ignored.
CFLIGHT_EXPORT void
cflight_reader_free(cflight_reader *reader);

/// Writes batches and metadata of one call.
typedef struct cflight_writer cflight_writer;

/// Sends the schema. Once per stream, before the first batch; DoPut has done it already.
///
/// @param options  NULL: the call's. Borrowed.
/// @return CFLIGHT_OK, CFLIGHT_FAILED_PRECONDITION (begun already), CFLIGHT_INVALID_ARGUMENT (not a
///         valid schema), or as cflight_writer_write()
CFLIGHT_CHECKED cflight_status
cflight_writer_begin(cflight_writer *writer, const struct ArrowSchema *schema,
                     const struct cflight_ipc_write_options *options, cflight_error **reterr);
/// Sends a batch, with the dictionaries it needs, and optionally metadata in the same message.
/// Column data is not copied: the call blocks until the operating system took everything, so
/// `batch` may be released right after. The exception are batches of a few KiB that come within
/// moments of one another, while the peer only listens: they are copied and sent together, at the
/// latest after a millisecond; the first one after a pause leaves at once.
///
/// @param batch         A struct array of the schema given to begin. Borrowed.
/// @param app_metadata  NULL for none; an empty view is sent as none, as all Flight implementations
///                      do.
/// @return CFLIGHT_OK;
///   CFLIGHT_FAILED_PRECONDITION  begin is missing, or done_writing was called
///   CFLIGHT_INVALID_ARGUMENT     the batch does not fit the schema, or is over
///                                write_size_limit_bytes (both numbers in the error); nothing was
///                                sent and the stream stays usable
///   CFLIGHT_CANCELLED, CFLIGHT_DEADLINE_EXCEEDED, CFLIGHT_UNAVAILABLE
///   any status with which the peer ended the call: it interrupts a write that is under way
CFLIGHT_CHECKED cflight_status
cflight_writer_write(cflight_writer *writer, const struct ArrowArray *batch,
                     const struct cflight_bytes *app_metadata, cflight_error **reterr);
/// Sends a message as it is: what cflight_reader_next_message() or cflight_ipc_messages_next()
/// gave, or what the caller made. The first one with Arrow data must be the schema, and takes the
/// place of cflight_writer_begin(). Nothing is copied, split or compressed: the call blocks until
/// the operating system took everything.
///
/// @param message  Borrowed. That its body fits its header is up to who gave it.
/// @return as cflight_writer_write(); CFLIGHT_FAILED_PRECONDITION also for data before the schema,
/// a
///         second schema, or a writer that was begun; CFLIGHT_INVALID_ARGUMENT for `is_end`, and
///         for a message that has no header but is not metadata alone, or the other way round
CFLIGHT_CHECKED cflight_status
cflight_writer_write_message(cflight_writer *writer, const struct cflight_message *message,
                             cflight_error **reterr);
/// Sends a message with metadata alone. Allowed before begin. @return as cflight_writer_write()
CFLIGHT_CHECKED cflight_status
cflight_writer_write_metadata(cflight_writer *writer, struct cflight_bytes app_metadata,
                              cflight_error **reterr);
/// Begins with the stream's schema if need be, then writes every batch. `stream` is borrowed and
/// read to its end; the caller releases it. @return as cflight_writer_write(), or CFLIGHT_INTERNAL
/// with the stream's own error text
CFLIGHT_CHECKED cflight_status
cflight_writer_write_stream(cflight_writer *writer, struct ArrowArrayStream *stream,
                            cflight_error **reterr);
/// Client: says that nothing more will be written; reading goes on. Safe to repeat. At a server it
/// does nothing.
CFLIGHT_CHECKED cflight_status
cflight_writer_done_writing(cflight_writer *writer, cflight_error **reterr);
/// Client: half-closes, drops what the server still sends, waits for the end and returns the call's
/// final status; the same one again and again. At a server it does nothing.
CFLIGHT_CHECKED cflight_status
cflight_writer_close(cflight_writer *writer, cflight_error **reterr);
/// Ends the call. Thread class: free.
CFLIGHT_EXPORT void
cflight_writer_cancel(cflight_writer *writer);
/// Messages written so far.
CFLIGHT_EXPORT struct cflight_ipc_stats
cflight_writer_stats(const cflight_writer *writer);
/// Frees a client's writer. A call that still runs and has no reader is cancelled. NULL is ignored.
CFLIGHT_EXPORT void
cflight_writer_free(cflight_writer *writer);

/// Reads what a DoPut server answers while data flows (client).
typedef struct cflight_metadata_reader cflight_metadata_reader;

/// Reads the metadata of the next PutResult. Blocks as cflight_reader_next(); may run while another
/// thread writes.
/// @param ret_metadata  NULL at the end of the stream, otherwise a buffer to unref.
/// @return CFLIGHT_OK, or the call's failure
CFLIGHT_CHECKED cflight_status
cflight_metadata_reader_next(cflight_metadata_reader *reader, cflight_buffer **ret_metadata,
                             cflight_error **reterr);
/// As cflight_metadata_reader_next(), but gives up after `timeout_ms` (0: at once) with
/// `*ret_is_ready` false.
CFLIGHT_CHECKED cflight_status
cflight_metadata_reader_try_next(cflight_metadata_reader *reader, int64_t timeout_ms,
                                 bool *ret_is_ready, cflight_buffer **ret_metadata,
                                 cflight_error **reterr);
/// NULL is ignored.
CFLIGHT_EXPORT void
cflight_metadata_reader_free(cflight_metadata_reader *reader);

/// Answers a DoPut while data flows (server).
typedef struct cflight_metadata_writer cflight_metadata_writer;

/// Sends a PutResult. Thread class: one at a time, beside the reader of the same call.
CFLIGHT_CHECKED cflight_status
cflight_metadata_writer_write(cflight_metadata_writer *writer, struct cflight_bytes app_metadata,
                              cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_STREAM_H */
