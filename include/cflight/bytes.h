/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BYTES_H
#define CFLIGHT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cflight/export.h"
#include "cflight/status.h"

/// @file
/// Bytes: a borrowed view (`struct cflight_bytes`), a counted buffer (`cflight_buffer`), a header
/// field, and the end of a text.
///
/// A view owns nothing; whoever hands it out says how long it stays valid. A buffer is immutable
/// and reference counted with atomic counts: any thread may hold, read and release it. Thread class
/// of both: free.
///
///     struct cflight_bytes name = cflight_bytes_from_text("airports");
///     cflight_buffer *copy = NULL;
///     if (cflight_buffer_new_copy(name, &copy, NULL) == CFLIGHT_OK) { ... }
///     cflight_buffer_unref(copy);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_error cflight_error; /* cflight/error.h, which includes this file */

/// A borrowed run of bytes. `data` may be NULL only when `len_bytes` is 0. Text in it is UTF-8 and
/// not terminated.
struct cflight_bytes {
    const uint8_t *data;
    size_t len_bytes;
};

/// One metadata field of a call: lower-case ASCII `name`; `value` is printable ASCII, or any bytes
/// when the name ends in `-bin` (gRPC over HTTP/2, "Custom-Metadata"; the library does the base64).
struct cflight_header {
    struct cflight_bytes name;
    struct cflight_bytes value;
};

/// Makes a view of a terminated string; NULL gives an empty view. The string is borrowed.
static inline struct cflight_bytes
cflight_bytes_from_text(const char *text)
{
    struct cflight_bytes bytes = {(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
    return bytes;
}

/// Makes a view of `len_bytes` bytes at `data`, borrowed.
static inline struct cflight_bytes
cflight_bytes_make(const void *data, size_t len_bytes)
{
    struct cflight_bytes bytes = {(const uint8_t *)data, len_bytes};
    return bytes;
}

/// Tells whether two views hold the same bytes.
static inline bool
cflight_bytes_equal(struct cflight_bytes a, struct cflight_bytes b)
{
    return a.len_bytes == b.len_bytes &&
           (a.len_bytes == 0 || memcmp(a.data, b.data, a.len_bytes) == 0);
}

/// The same for tokens and other secrets: how long it takes depends on the lengths alone, so that
/// nobody can guess a secret byte by byte.
CFLIGHT_EXPORT bool
cflight_bytes_equal_in_constant_time(struct cflight_bytes a, struct cflight_bytes b);

/// Tells whether a call can carry a header: what everything that takes one checks, for those who
/// get headers from elsewhere. A name is letters, digits, '_', '-' and '.', and is not one of HTTP
/// and gRPC ("content-type", "grpc-..."). Both are borrowed. Thread class: free.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (the message tells which byte of what is wrong)
CFLIGHT_CHECKED cflight_status
cflight_header_check(struct cflight_bytes name, struct cflight_bytes value, cflight_error **reterr);

/// Frees a text that the library made: the result of each function that says so. NULL is ignored.
CFLIGHT_EXPORT void
cflight_text_free(char *text);

/// An immutable, reference counted run of bytes.
typedef struct cflight_buffer cflight_buffer;

/// Makes a buffer that holds a copy of `bytes`.
///
/// @param bytes       Borrowed for this call.
/// @param ret_buffer  Receives the buffer, with one reference that the caller owns. Untouched on
///                    failure.
/// @param reterr      NULL, or the address of a NULL pointer; receives an error to free.
/// @return CFLIGHT_OK, or CFLIGHT_RESOURCE_EXHAUSTED when memory ran out
CFLIGHT_CHECKED cflight_status
cflight_buffer_new_copy(struct cflight_bytes bytes, cflight_buffer **ret_buffer,
                        cflight_error **reterr);

/// Returns the bytes of a buffer: 64-byte aligned, valid while a reference is held. NULL gives an
/// empty view.
CFLIGHT_EXPORT struct cflight_bytes
cflight_buffer_bytes(const cflight_buffer *buffer);

/// Adds a reference and returns `buffer`; NULL gives NULL.
CFLIGHT_EXPORT cflight_buffer *
cflight_buffer_ref(cflight_buffer *buffer);

/// Drops a reference; the last one frees the memory. NULL is ignored.
CFLIGHT_EXPORT void
cflight_buffer_unref(cflight_buffer *buffer);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_BYTES_H */
