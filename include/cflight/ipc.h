/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_IPC_H
#define CFLIGHT_IPC_H

#include "cflight/alloc.h"
#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/message.h"
#include "cflight/schema.h"

/// @file
/// Arrow IPC: schemas as bytes, and files and streams of record batches, over the Arrow C data and
/// C stream interfaces.
///
/// Reading gives an `ArrowArrayStream`; its arrays point into the memory map or the buffers that
/// were read and keep them alive, so they may be released in any order, on any thread. Writing
/// takes arrays and copies no column data. Streams and writers: one at a time. Plain functions:
/// free.
///
///     struct ArrowArrayStream stream;
///     cflight_error *error = NULL;
///     if (cflight_ipc_open_file("airports.arrow", NULL, &stream, &error) == CFLIGHT_OK) {
///         struct ArrowArray batch;
///         while (stream.get_next(&stream, &batch) == 0 && batch.release != NULL) {
///             ...;
///             batch.release(&batch);
///         }
///         stream.release(&stream);
///     }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Body compression (Arrow columnar: Compression).
enum cflight_compression {
    CFLIGHT_COMPRESSION_NONE = 0,
    CFLIGHT_COMPRESSION_LZ4_FRAME = 1,
    CFLIGHT_COMPRESSION_ZSTD = 2,
};

/// How far data is checked when it is read. Whatever the level, the library itself never reads
/// outside the memory of a message.
///
/// FULL makes arrays right for any consumer. SAFE leaves out what text says: no value leads outside
/// its buffers or children, but a consumer that decodes text without checking it can be led up to
/// three bytes past its end. BOUNDS does not look between the first and the last offset or at
/// single indices, so a consumer must check them, or trust the sender.
///
/// All levels cost nothing for numbers, booleans and fixed-size types without nulls. What they cost
/// for others, and why FULL is the default, is in docs/guide/arrow.md.
enum cflight_validation {
    CFLIGHT_VALIDATION_DEFAULT = 0, ///< CFLIGHT_VALIDATION_FULL
    CFLIGHT_VALIDATION_BOUNDS =
        1, ///< buffer sizes, first and last offsets, counts, depth, ids: constant time a column
    CFLIGHT_VALIDATION_FULL = 2, ///< as SAFE, and that text is UTF-8 and views have right prefixes
    CFLIGHT_VALIDATION_SAFE =
        3, ///< also every offset, view, run end, union type id, dictionary index and null count
};

/// How record batches are written.
struct cflight_ipc_write_options {
    size_t struct_size;
    enum cflight_compression compression;
    /// Codec level; 0 is the default: LZ4's own, 1 for Zstandard.
    int32_t compression_level;
    /// True writes metadata version V4 (unions carry validity bitmaps); the default is V5.
    bool use_metadata_v4;
    /// True sends a dictionary that has grown whole instead of as a delta, for readers that cannot
    /// join deltas (polars, arrow-rs before 56).
    bool send_whole_dictionaries;
    /// Alignment of the message metadata and buffers in files and streams, 8 or 64; 0 is 8. Flight
    /// always uses 8.
    int32_t alignment_bytes;
    /// Deepest nesting accepted, up to 1024; 0 is 64.
    int32_t depth_max;
    /// Threads that may work on the compression of one batch; 0 is 1.
    int32_t compression_threads;
};

#define CFLIGHT_IPC_WRITE_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_ipc_write_options)

/// How record batches are read.
struct cflight_ipc_read_options {
    size_t struct_size;
    enum cflight_validation validation;
    /// Indices of top-level columns to keep, in ascending order; NULL keeps all. Borrowed while the
    /// call runs.
    const int32_t *included_fields;
    size_t included_field_count;
    /// Deepest nesting accepted; 0 is 64.
    int32_t depth_max;
    /// Largest message body accepted, in bytes; 0 is 4 GiB - 1 for streams and no limit for memory
    /// maps.
    uint64_t message_bytes_max;
    /// Most bytes that the compressed buffers of one message may unpack to; more is refused with
    /// CFLIGHT_RESOURCE_EXHAUSTED before memory is taken for it. 0 is 256 MiB, or 256 times the
    /// bytes of the message where that is more.
    uint64_t unpacked_bytes_max;
    /// Most memory that all dictionaries of one stream may keep; 0 is 8 GiB, at servers 1 GiB.
    uint64_t dictionary_bytes_max;
};

#define CFLIGHT_IPC_READ_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_ipc_read_options)

/// What a reader has read or a writer has written, in messages.
struct cflight_ipc_stats {
    int64_t message_count;
    int64_t record_batch_count;
    int64_t dictionary_batch_count;
    int64_t dictionary_delta_count;
    int64_t replaced_dictionary_count;
};

/// Serialises a schema as one encapsulated IPC message (marker, length, flatbuffer, padding; no
/// end-of-stream marker), the form that `FlightInfo.schema` and `SchemaResult.schema` carry.
///
/// @param schema      A struct type ("+s"). Borrowed.
/// @param ret_buffer  Receives the bytes; unref it. Untouched on failure.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (not a valid schema), CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_ipc_schema_serialize(const struct ArrowSchema *schema, cflight_buffer **ret_buffer,
                             cflight_error **reterr);

/// Parses an encapsulated schema message, with or without the continuation marker; bytes after it
/// are ignored.
///
/// @param bytes       Borrowed.
/// @param ret_schema  Caller's storage; on success the caller releases it.
/// @return CFLIGHT_OK, CFLIGHT_DATA_LOSS (not a schema message), CFLIGHT_UNIMPLEMENTED (metadata
///         version below V4 or above V5), CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_ipc_schema_parse(struct cflight_bytes bytes, struct ArrowSchema *ret_schema,
                         cflight_error **reterr);

/// A readable Arrow IPC file or stream with random access where the format has it (files).
typedef struct cflight_ipc_file cflight_ipc_file;

/// Opens a path, maps it into memory and finds out whether it holds the file format (`ARROW1` magic
/// and footer) or the stream format. The schema is read at once, batches when they are asked for.
/// The file must not shrink while it is open. Blocks on disk I/O only. On Linux the map keeps a
/// descriptor, unless more than half of those that the process may have are in use: memory of the
/// map that is sent without TLS leaves from the file (sendfile(2)), which must not be written into
/// until the peer has received it.
///
/// @return CFLIGHT_OK, CFLIGHT_NOT_FOUND (no such file), CFLIGHT_PERMISSION_DENIED,
///         CFLIGHT_DATA_LOSS (neither format, or cut short), CFLIGHT_UNIMPLEMENTED (unsupported
///         version), CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_ipc_file_open(const char *path, const struct cflight_ipc_read_options *options,
                      cflight_ipc_file **ret_file, cflight_error **reterr);
/// As cflight_ipc_file_open(), of a file that is open for reading. The descriptor stays the
/// caller's and may be closed when this returns. For paths that others may change: what was checked
/// of the descriptor holds for what is read.
CFLIGHT_CHECKED cflight_status
cflight_ipc_file_open_fd(int fd, const struct cflight_ipc_read_options *options,
                         cflight_ipc_file **ret_file, cflight_error **reterr);
/// As cflight_ipc_file_open(), over bytes in memory. The buffer is shared, not copied.
CFLIGHT_CHECKED cflight_status
cflight_ipc_file_open_buffer(cflight_buffer *buffer, const struct cflight_ipc_read_options *options,
                             cflight_ipc_file **ret_file, cflight_error **reterr);
/// Drops the caller's hold; arrays that were read stay valid. NULL is ignored.
CFLIGHT_EXPORT void
cflight_ipc_file_free(cflight_ipc_file *file);
/// Copies the schema out; the caller releases it.
CFLIGHT_CHECKED cflight_status
cflight_ipc_file_schema(const cflight_ipc_file *file, struct ArrowSchema *ret_schema,
                        cflight_error **reterr);
/// Number of record batches, or -1 for the stream format, where only reading tells.
CFLIGHT_EXPORT int64_t
cflight_ipc_file_batch_count(const cflight_ipc_file *file);
/// Rows in all batches, found by looking at the message headers only (both formats), or -1 when a
/// header is bad.
CFLIGHT_EXPORT int64_t
cflight_ipc_file_row_count(cflight_ipc_file *file);
/// As cflight_ipc_file_row_count(), with what is wrong and where when a header is bad.
/// @return CFLIGHT_OK, CFLIGHT_DATA_LOSS (the file is damaged or cut short),
/// CFLIGHT_RESOURCE_EXHAUSTED, CFLIGHT_UNIMPLEMENTED
CFLIGHT_CHECKED cflight_status
cflight_ipc_file_count_rows(cflight_ipc_file *file, int64_t *ret_row_count, cflight_error **reterr);
/// Size in bytes.
CFLIGHT_EXPORT int64_t
cflight_ipc_file_size_bytes(const cflight_ipc_file *file);
/// Reads batch `index` of a file-format source. @return as open, CFLIGHT_OUT_OF_RANGE,
/// CFLIGHT_FAILED_PRECONDITION for the stream format.
CFLIGHT_CHECKED cflight_status
cflight_ipc_file_read_batch(cflight_ipc_file *file, int64_t index, struct ArrowArray *ret_batch,
                            cflight_error **reterr);
/// A stream over all batches from the first; several may be open at once, each used by one thread
/// at a time.
CFLIGHT_CHECKED cflight_status
cflight_ipc_file_stream(cflight_ipc_file *file, struct ArrowArrayStream *ret_stream,
                        cflight_error **reterr);

/// The messages of a file as they are stored. One at a time.
typedef struct cflight_ipc_messages cflight_ipc_messages;

/// Which messages are given, and how.
struct cflight_ipc_messages_options {
    size_t struct_size;
    enum cflight_message_check check;
    /// Range of batches, of the file format; a count of 0 is all from the first on. The
    /// dictionaries are all given in any case.
    int64_t first_batch;
    int64_t batch_count;
    /// Largest batch, header and body; 0 is no limit. For those who must cut what is larger, and so
    /// have to read it.
    uint64_t batch_bytes_max;
};

#define CFLIGHT_IPC_MESSAGES_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_ipc_messages_options)

/// Begins to give a file's messages: the schema, then dictionaries and batches, of the file format
/// the dictionaries first, of the stream format as they stand. Bodies are views of the file, which
/// they keep. Headers are copied and checked, as `check` says, when they are given.
///
/// @param options  NULL for defaults. Borrowed.
/// @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION when the file cannot be passed on as it is, and
///         must be read: it has another byte order than this machine, metadata version V4, a batch
///         over `batch_bytes_max` or before a dictionary of its columns, which other readers of
///         streams refuse, or was opened for some columns only;
///         CFLIGHT_OUT_OF_RANGE (batches that are not there); CFLIGHT_DATA_LOSS
CFLIGHT_CHECKED cflight_status
cflight_ipc_file_messages(cflight_ipc_file *file,
                          const struct cflight_ipc_messages_options *options,
                          cflight_ipc_messages **ret_messages, cflight_error **reterr);
/// Gives the next message; look at `is_end`.
/// @param ret_message  Release it with cflight_message_release().
/// @return CFLIGHT_OK; CFLIGHT_DATA_LOSS, CFLIGHT_UNIMPLEMENTED, CFLIGHT_RESOURCE_EXHAUSTED as of a
///         reader
CFLIGHT_CHECKED cflight_status
cflight_ipc_messages_next(cflight_ipc_messages *messages, struct cflight_message *ret_message,
                          cflight_error **reterr);
/// Messages that were given stay valid. NULL is ignored.
CFLIGHT_EXPORT void
cflight_ipc_messages_free(cflight_ipc_messages *messages);

/// Opens a path and gives its batches as a stream: cflight_ipc_file_open(), _stream() and _free()
/// in one.
CFLIGHT_CHECKED cflight_status
cflight_ipc_open_file(const char *path, const struct cflight_ipc_read_options *options,
                      struct ArrowArrayStream *ret_stream, cflight_error **reterr);

/// Gives bytes: fills up to `len_bytes` bytes at `target`, returns how many (0 is the end), or -1
/// with errno set.
typedef int64_t (*cflight_read_fn)(void *user_data, void *target, size_t len_bytes);

/// Reads the stream format from a callback, message by message. `release` (may be NULL) runs with
/// the stream's release.
CFLIGHT_CHECKED cflight_status
cflight_ipc_open_reader(cflight_read_fn read, void (*release)(void *user_data), void *user_data,
                        const struct cflight_ipc_read_options *options,
                        struct ArrowArrayStream *ret_stream, cflight_error **reterr);

/// Takes bytes: writes all `count` views in order, returns 0, or an errno.
typedef int (*cflight_write_fn)(void *user_data, const struct cflight_bytes *views, size_t count);

enum cflight_ipc_format {
    CFLIGHT_IPC_FORMAT_STREAM = 0,
    CFLIGHT_IPC_FORMAT_FILE = 1,
};

/// Writes an Arrow IPC file or stream through a callback.
typedef struct cflight_ipc_writer cflight_ipc_writer;

/// Starts a file or stream and writes what comes before the first batch.
///
/// @param format   A file ends with a footer and needs close; a stream ends with the end-of-stream
///                 marker.
/// @param schema   Borrowed. NULL for a writer of messages (cflight_ipc_writer_write_message()).
/// @param write    Called from within the calls below.
/// @param options  NULL for defaults. Borrowed.
CFLIGHT_CHECKED cflight_status
cflight_ipc_writer_new(enum cflight_ipc_format format, const struct ArrowSchema *schema,
                       cflight_write_fn write, void *user_data,
                       const struct cflight_ipc_write_options *options,
                       cflight_ipc_writer **ret_writer, cflight_error **reterr);
/// Writes the dictionaries that changed and the batch. `batch` is borrowed. To know what changed,
/// the writer keeps a copy of every dictionary as it was written last.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (the batch does not fit the schema; the writer
///         stays usable); CFLIGHT_UNAVAILABLE (the callback failed; the writer is spent);
///         CFLIGHT_UNIMPLEMENTED (a replaced dictionary in the file format; the writer stays
///         usable); CFLIGHT_FAILED_PRECONDITION (the writer is closed or spent)
CFLIGHT_CHECKED cflight_status
cflight_ipc_writer_write(cflight_ipc_writer *writer, const struct ArrowArray *batch,
                         cflight_error **reterr);
/// Writes a message as it is, of a writer that was made without a schema. The first must be the
/// schema. Structure is checked (CFLIGHT_MESSAGE_CHECK_STRUCTURE), so that what was written can be
/// read again; of the options only `alignment_bytes` has a meaning, for the beginning of bodies. In
/// a file, dictionaries may grow by deltas, but not be replaced.
///
/// @param message  Borrowed. Metadata of Flight has no place in files and streams and is left out.
/// @return as cflight_ipc_writer_write(); CFLIGHT_DATA_LOSS (the message is damaged, or comes too
///         early; nothing was written); CFLIGHT_FAILED_PRECONDITION also for a writer with a schema
CFLIGHT_CHECKED cflight_status
cflight_ipc_writer_write_message(cflight_ipc_writer *writer, const struct cflight_message *message,
                                 cflight_error **reterr);
/// Writes the end: marker, and for a file the footer. The writer then only waits to be freed.
CFLIGHT_CHECKED cflight_status
cflight_ipc_writer_close(cflight_ipc_writer *writer, cflight_error **reterr);
/// What was written so far.
CFLIGHT_EXPORT struct cflight_ipc_stats
cflight_ipc_writer_stats(const cflight_ipc_writer *writer);
/// Frees a writer, closed or not. NULL is ignored.
CFLIGHT_EXPORT void
cflight_ipc_writer_free(cflight_ipc_writer *writer);

/// Checks an array of any origin against a schema, at the FULL level: for data of an untrusted
/// producer.
/// @return CFLIGHT_OK, or CFLIGHT_INVALID_ARGUMENT naming the column and what is wrong
CFLIGHT_CHECKED cflight_status
cflight_array_validate(const struct ArrowSchema *schema, const struct ArrowArray *array,
                       cflight_error **reterr);
/// Compares two record batches of any origin as values: rows, nulls, and dictionaries, which must
/// be equal as a whole. What lies under nulls, offsets and the cutting of buffers does not count;
/// floating point numbers are compared by their bits.
///
/// @param schema        The schema of both, a struct type ("+s"). Borrowed, as are the arrays.
/// @param ret_is_equal  Written on success only.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (an array that does not fit the schema),
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_array_equal(const struct ArrowSchema *schema, const struct ArrowArray *a,
                    const struct ArrowArray *b, bool *ret_is_equal, cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_IPC_H */
