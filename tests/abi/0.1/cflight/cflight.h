/* SPDX-License-Identifier: Apache-2.0 */
/* The public headers of version 0.1, made by tools/freeze_header. */
#ifndef CFLIGHT_CFLIGHT_H
#define CFLIGHT_CFLIGHT_H
#ifndef CFLIGHT_ALLOC_H
#define CFLIGHT_ALLOC_H
#include <stddef.h>
#ifndef CFLIGHT_EXPORT_H
#define CFLIGHT_EXPORT_H
#if defined(__GNUC__) || defined(__clang__)
#define CFLIGHT_EXPORT __attribute__((visibility("default")))
#define CFLIGHT_NODISCARD __attribute__((warn_unused_result))
#define CFLIGHT_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#else
#define CFLIGHT_EXPORT
#define CFLIGHT_NODISCARD
#define CFLIGHT_PRINTF(format_index, first_index)
#endif
#ifdef __cplusplus
#define CFLIGHT_SIZED_INIT(type)                   \
    ([]() {                                        \
        type cflight_sized_ = {};                  \
        cflight_sized_.struct_size = sizeof(type); \
        return cflight_sized_;                     \
    }())
#else
#define CFLIGHT_SIZED_INIT(type) {.struct_size = sizeof(type)}
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif
struct cflight_allocator {
    void *user_data;
    void *(*allocate)(void *user_data, size_t size_bytes, size_t alignment_bytes);
    void *(*reallocate)(void *user_data, void *memory, size_t old_size_bytes,
                        size_t new_size_bytes);
    void (*release)(void *user_data, void *memory, size_t size_bytes);
};
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_ARROW_ABI_H
#define CFLIGHT_ARROW_ABI_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_AUTH_H
#define CFLIGHT_AUTH_H
#ifndef CFLIGHT_BYTES_H
#define CFLIGHT_BYTES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifndef CFLIGHT_ERROR_H
#define CFLIGHT_ERROR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifndef CFLIGHT_STATUS_H
#define CFLIGHT_STATUS_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
typedef int32_t cflight_status;
enum {
    CFLIGHT_OK = 0,
    CFLIGHT_CANCELLED = 1,
    CFLIGHT_UNKNOWN = 2,
    CFLIGHT_INVALID_ARGUMENT = 3,
    CFLIGHT_DEADLINE_EXCEEDED = 4,
    CFLIGHT_NOT_FOUND = 5,
    CFLIGHT_ALREADY_EXISTS = 6,
    CFLIGHT_PERMISSION_DENIED = 7,
    CFLIGHT_RESOURCE_EXHAUSTED = 8,
    CFLIGHT_FAILED_PRECONDITION = 9,
    CFLIGHT_ABORTED = 10,
    CFLIGHT_OUT_OF_RANGE = 11,
    CFLIGHT_UNIMPLEMENTED = 12,
    CFLIGHT_INTERNAL = 13,
    CFLIGHT_UNAVAILABLE = 14,
    CFLIGHT_DATA_LOSS = 15,
    CFLIGHT_UNAUTHENTICATED = 16,
};
CFLIGHT_EXPORT const char *cflight_status_name(cflight_status status);
#ifdef __cplusplus
}
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif
struct cflight_bytes;
struct cflight_header;
typedef struct cflight_error cflight_error;
enum cflight_flight_code {
    CFLIGHT_FLIGHT_CODE_NONE = -1,
    CFLIGHT_FLIGHT_CODE_INTERNAL = 0,
    CFLIGHT_FLIGHT_CODE_TIMED_OUT = 1,
    CFLIGHT_FLIGHT_CODE_CANCELLED = 2,
    CFLIGHT_FLIGHT_CODE_UNAUTHENTICATED = 3,
    CFLIGHT_FLIGHT_CODE_UNAUTHORIZED = 4,
    CFLIGHT_FLIGHT_CODE_UNAVAILABLE = 5,
    CFLIGHT_FLIGHT_CODE_FAILED = 6,
};
enum cflight_retry {
    CFLIGHT_RETRY_NEVER = 0,
    CFLIGHT_RETRY_UNSAFE = 1,
    CFLIGHT_RETRY_SAFE = 2,
};
CFLIGHT_EXPORT void cflight_error_free(cflight_error *error);
CFLIGHT_EXPORT cflight_status cflight_error_status(const cflight_error *error);
CFLIGHT_EXPORT const char *cflight_error_message(const cflight_error *error);
CFLIGHT_EXPORT enum cflight_flight_code cflight_error_flight_code(const cflight_error *error);
CFLIGHT_EXPORT int32_t cflight_error_arrow_code(const cflight_error *error);
CFLIGHT_EXPORT const char *cflight_error_detail(const cflight_error *error);
CFLIGHT_EXPORT struct cflight_bytes cflight_error_extra_info(const cflight_error *error);
CFLIGHT_EXPORT const char *cflight_error_operation(const cflight_error *error);
CFLIGHT_EXPORT const char *cflight_error_peer(const cflight_error *error);
CFLIGHT_EXPORT int cflight_error_os_code(const cflight_error *error);
CFLIGHT_EXPORT enum cflight_retry cflight_error_retry(const cflight_error *error);
CFLIGHT_EXPORT bool cflight_error_size_limit(const cflight_error *error, uint64_t *ret_limit_bytes,
                                             uint64_t *ret_actual_bytes);
CFLIGHT_EXPORT size_t cflight_error_trailer_count(const cflight_error *error);
CFLIGHT_EXPORT struct cflight_header cflight_error_trailer(const cflight_error *error,
                                                           size_t index);
CFLIGHT_EXPORT cflight_status cflight_error_set_message(cflight_error **reterr,
                                                        cflight_status status, const char *message);
CFLIGHT_EXPORT cflight_status cflight_error_set(cflight_error **reterr, cflight_status status,
                                                const char *format, ...) CFLIGHT_PRINTF(3, 4);
CFLIGHT_EXPORT void cflight_error_set_flight_code(cflight_error *error,
                                                  enum cflight_flight_code code);
CFLIGHT_EXPORT void cflight_error_set_extra_info(cflight_error *error,
                                                 struct cflight_bytes extra_info);
CFLIGHT_EXPORT void cflight_error_set_arrow_code(cflight_error *error, int32_t arrow_code);
CFLIGHT_EXPORT void cflight_error_set_detail(cflight_error *error, const char *detail);
#ifdef __cplusplus
}
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif
struct cflight_bytes {
    const uint8_t *data;
    size_t len_bytes;
};
struct cflight_header {
    struct cflight_bytes name;
    struct cflight_bytes value;
};
static inline struct cflight_bytes cflight_bytes_from_text(const char *text)
{
    struct cflight_bytes bytes = {(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
    return bytes;
}
static inline struct cflight_bytes cflight_bytes_make(const void *data, size_t len_bytes)
{
    struct cflight_bytes bytes = {(const uint8_t *)data, len_bytes};
    return bytes;
}
static inline bool cflight_bytes_equal(struct cflight_bytes a, struct cflight_bytes b)
{
    return a.len_bytes == b.len_bytes &&
           (a.len_bytes == 0 || memcmp(a.data, b.data, a.len_bytes) == 0);
}
CFLIGHT_EXPORT bool cflight_bytes_equal_in_constant_time(struct cflight_bytes a,
                                                         struct cflight_bytes b);
typedef struct cflight_buffer cflight_buffer;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_buffer_new_copy(struct cflight_bytes bytes,
                                                                        cflight_buffer **ret_buffer,
                                                                        cflight_error **reterr);
CFLIGHT_EXPORT struct cflight_bytes cflight_buffer_bytes(const cflight_buffer *buffer);
CFLIGHT_EXPORT cflight_buffer *cflight_buffer_ref(cflight_buffer *buffer);
CFLIGHT_EXPORT void cflight_buffer_unref(cflight_buffer *buffer);
#ifdef __cplusplus
}
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif
typedef struct cflight_server_context cflight_server_context;
typedef struct cflight_handshake cflight_handshake;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_handshake_write(
    cflight_handshake *handshake, struct cflight_bytes payload, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_handshake_read(cflight_handshake *handshake,
                                                                       cflight_buffer **ret_payload,
                                                                       cflight_error **reterr);
struct cflight_client_auth {
    size_t struct_size;
    void *user_data;
    cflight_status (*authenticate)(void *user_data, cflight_handshake *handshake,
                                   cflight_error **reterr);
    cflight_status (*get_token)(void *user_data, cflight_buffer **ret_token,
                                cflight_error **reterr);
    void (*release)(void *user_data);
};
#define CFLIGHT_CLIENT_AUTH_INIT CFLIGHT_SIZED_INIT(struct cflight_client_auth)
struct cflight_token_provider {
    size_t struct_size;
    void *user_data;
    cflight_status (*get)(void *user_data, struct cflight_bytes refused, cflight_buffer **ret_token,
                          cflight_error **reterr);
    void (*release)(void *user_data);
};
#define CFLIGHT_TOKEN_PROVIDER_INIT CFLIGHT_SIZED_INIT(struct cflight_token_provider)
struct cflight_server_auth {
    size_t struct_size;
    void *user_data;
    cflight_status (*authenticate)(void *user_data, cflight_server_context *context,
                                   cflight_handshake *handshake, cflight_error **reterr);
    cflight_status (*is_valid)(void *user_data, cflight_server_context *context,
                               struct cflight_bytes token, cflight_buffer **ret_identity,
                               cflight_error **reterr);
};
#define CFLIGHT_SERVER_AUTH_INIT CFLIGHT_SIZED_INIT(struct cflight_server_auth)
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_BEARER_AUTH_H
#define CFLIGHT_BEARER_AUTH_H
#ifndef CFLIGHT_MIDDLEWARE_H
#define CFLIGHT_MIDDLEWARE_H
#ifndef CFLIGHT_CALL_H
#define CFLIGHT_CALL_H
#ifndef CFLIGHT_IPC_H
#define CFLIGHT_IPC_H
#ifdef __cplusplus
extern "C" {
#endif
enum cflight_compression {
    CFLIGHT_COMPRESSION_NONE = 0,
    CFLIGHT_COMPRESSION_LZ4_FRAME = 1,
    CFLIGHT_COMPRESSION_ZSTD = 2,
};
enum cflight_validation {
    CFLIGHT_VALIDATION_DEFAULT = 0,
    CFLIGHT_VALIDATION_BOUNDS =
        1,
    CFLIGHT_VALIDATION_FULL = 2,
    CFLIGHT_VALIDATION_SAFE =
        3,
};
struct cflight_ipc_write_options {
    size_t struct_size;
    enum cflight_compression compression;
    int32_t compression_level;
    bool use_metadata_v4;
    bool send_whole_dictionaries;
    int32_t alignment_bytes;
    int32_t depth_max;
    int32_t compression_threads;
};
#define CFLIGHT_IPC_WRITE_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_ipc_write_options)
struct cflight_ipc_read_options {
    size_t struct_size;
    enum cflight_validation validation;
    const int32_t *included_fields;
    size_t included_field_count;
    int32_t depth_max;
    uint64_t message_bytes_max;
    uint64_t unpacked_bytes_max;
    uint64_t dictionary_bytes_max;
};
#define CFLIGHT_IPC_READ_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_ipc_read_options)
struct cflight_ipc_stats {
    int64_t message_count;
    int64_t record_batch_count;
    int64_t dictionary_batch_count;
    int64_t dictionary_delta_count;
    int64_t replaced_dictionary_count;
};
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_schema_serialize(
    const struct ArrowSchema *schema, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_schema_parse(
    struct cflight_bytes bytes, struct ArrowSchema *ret_schema, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_schema_copy(
    const struct ArrowSchema *schema, struct ArrowSchema *ret_schema, cflight_error **reterr);
CFLIGHT_EXPORT bool cflight_schema_equal(const struct ArrowSchema *a, const struct ArrowSchema *b,
                                         bool with_metadata);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_schema_type_text(const struct ArrowSchema *field, char **ret_text, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_text_free(char *text);
typedef struct cflight_ipc_file cflight_ipc_file;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_ipc_file_open(const char *path, const struct cflight_ipc_read_options *options,
                      cflight_ipc_file **ret_file, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_ipc_file_open_buffer(cflight_buffer *buffer, const struct cflight_ipc_read_options *options,
                             cflight_ipc_file **ret_file, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_ipc_file_free(cflight_ipc_file *file);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_file_schema(
    const cflight_ipc_file *file, struct ArrowSchema *ret_schema, cflight_error **reterr);
CFLIGHT_EXPORT int64_t cflight_ipc_file_batch_count(const cflight_ipc_file *file);
CFLIGHT_EXPORT int64_t cflight_ipc_file_row_count(cflight_ipc_file *file);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_file_count_rows(cflight_ipc_file *file,
                                                                            int64_t *ret_row_count,
                                                                            cflight_error **reterr);
CFLIGHT_EXPORT int64_t cflight_ipc_file_size_bytes(const cflight_ipc_file *file);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_file_read_batch(
    cflight_ipc_file *file, int64_t index, struct ArrowArray *ret_batch, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_file_stream(
    cflight_ipc_file *file, struct ArrowArrayStream *ret_stream, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_ipc_open_file(const char *path, const struct cflight_ipc_read_options *options,
                      struct ArrowArrayStream *ret_stream, cflight_error **reterr);
typedef int64_t (*cflight_read_fn)(void *user_data, void *target, size_t len_bytes);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_ipc_open_reader(cflight_read_fn read, void (*release)(void *user_data), void *user_data,
                        const struct cflight_ipc_read_options *options,
                        struct ArrowArrayStream *ret_stream, cflight_error **reterr);
typedef int (*cflight_write_fn)(void *user_data, const struct cflight_bytes *views, size_t count);
enum cflight_ipc_format {
    CFLIGHT_IPC_FORMAT_STREAM = 0,
    CFLIGHT_IPC_FORMAT_FILE = 1,
};
typedef struct cflight_ipc_writer cflight_ipc_writer;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_writer_new(
    enum cflight_ipc_format format, const struct ArrowSchema *schema, cflight_write_fn write,
    void *user_data, const struct cflight_ipc_write_options *options,
    cflight_ipc_writer **ret_writer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_writer_write(
    cflight_ipc_writer *writer, const struct ArrowArray *batch, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ipc_writer_close(cflight_ipc_writer *writer,
                                                                         cflight_error **reterr);
CFLIGHT_EXPORT struct cflight_ipc_stats cflight_ipc_writer_stats(const cflight_ipc_writer *writer);
CFLIGHT_EXPORT void cflight_ipc_writer_free(cflight_ipc_writer *writer);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_array_validate(
    const struct ArrowSchema *schema, const struct ArrowArray *array, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_array_equal(const struct ArrowSchema *schema, const struct ArrowArray *a,
                    const struct ArrowArray *b, bool *ret_is_equal, cflight_error **reterr);
#ifdef __cplusplus
}
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif
enum cflight_method {
    CFLIGHT_METHOD_INVALID = 0,
    CFLIGHT_METHOD_HANDSHAKE = 1,
    CFLIGHT_METHOD_LIST_FLIGHTS = 2,
    CFLIGHT_METHOD_GET_FLIGHT_INFO = 3,
    CFLIGHT_METHOD_GET_SCHEMA = 4,
    CFLIGHT_METHOD_DO_GET = 5,
    CFLIGHT_METHOD_DO_PUT = 6,
    CFLIGHT_METHOD_DO_ACTION = 7,
    CFLIGHT_METHOD_LIST_ACTIONS = 8,
    CFLIGHT_METHOD_DO_EXCHANGE = 9,
    CFLIGHT_METHOD_POLL_FLIGHT_INFO = 10,
};
CFLIGHT_EXPORT const char *cflight_method_name(enum cflight_method method);
typedef struct cflight_cancel cflight_cancel;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_cancel_new(cflight_cancel **ret_cancel,
                                                                   cflight_error **reterr);
CFLIGHT_EXPORT cflight_cancel *cflight_cancel_ref(cflight_cancel *cancel);
CFLIGHT_EXPORT void cflight_cancel_unref(cflight_cancel *cancel);
CFLIGHT_EXPORT void cflight_cancel_trigger(cflight_cancel *cancel);
CFLIGHT_EXPORT bool cflight_cancel_is_triggered(const cflight_cancel *cancel);
struct cflight_call_options {
    size_t struct_size;
    int64_t timeout_ms;
    bool timeout_is_set;
    int64_t first_byte_timeout_ms;
    int64_t idle_timeout_ms;
    const struct cflight_header *headers;
    size_t header_count;
    cflight_cancel *cancel;
    const struct cflight_ipc_write_options *write_options;
    const struct cflight_ipc_read_options *read_options;
    uint64_t message_bytes_max;
    uint64_t write_size_limit_bytes;
    uint64_t split_batch_bytes;
    bool never_wait;
};
#define CFLIGHT_CALL_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_call_options)
#ifdef __cplusplus
}
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif
typedef struct cflight_header_sink cflight_header_sink;
CFLIGHT_EXPORT cflight_status cflight_header_sink_add(cflight_header_sink *sink,
                                                      struct cflight_bytes name,
                                                      struct cflight_bytes value,
                                                      cflight_error **reterr);
struct cflight_call_summary {
    enum cflight_method method;
    cflight_status status;
    const cflight_error *error;
    uint64_t messages_sent;
    uint64_t messages_received;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    int64_t duration_ns;
};
struct cflight_client_middleware {
    size_t struct_size;
    void *user_data;
    cflight_status (*start_call)(void *user_data, enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr);
    void (*sending_headers)(void *user_data, void *instance, cflight_header_sink *headers);
    void (*received_headers)(void *user_data, void *instance, const struct cflight_header *headers,
                             size_t header_count);
    void (*call_completed)(void *user_data, void *instance,
                           const struct cflight_call_summary *summary);
    void (*release)(void *user_data);
};
#define CFLIGHT_CLIENT_MIDDLEWARE_INIT CFLIGHT_SIZED_INIT(struct cflight_client_middleware)
struct cflight_server_middleware {
    size_t struct_size;
    void *user_data;
    const char *key;
    cflight_status (*start_call)(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr);
    void (*sending_headers)(void *user_data, void *instance, cflight_header_sink *headers);
    void (*call_completed)(void *user_data, void *instance,
                           const struct cflight_call_summary *summary);
};
#define CFLIGHT_SERVER_MIDDLEWARE_INIT CFLIGHT_SIZED_INIT(struct cflight_server_middleware)
#ifdef __cplusplus
}
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif
typedef struct cflight_bearer_auth cflight_bearer_auth;
typedef cflight_status (*cflight_verify_password_fn)(void *user_data, struct cflight_bytes username,
                                                     struct cflight_bytes password,
                                                     cflight_buffer **ret_identity,
                                                     cflight_error **reterr);
struct cflight_bearer_auth_options {
    size_t struct_size;
    const struct cflight_allocator *allocator;
    cflight_verify_password_fn verify;
    void *user_data;
    int64_t token_lifetime_ms;
    bool use_extends_lifetime;
    uint32_t tokens_max;
    uint32_t tokens_per_identity_max;
    uint32_t verifications_max;
    bool basic_in_handshake_only;
    uint32_t waiting_max;
};
#define CFLIGHT_BEARER_AUTH_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_bearer_auth_options)
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_bearer_auth_new(const struct cflight_bearer_auth_options *options,
                        cflight_bearer_auth **ret_auth, cflight_error **reterr);
CFLIGHT_EXPORT cflight_bearer_auth *cflight_bearer_auth_ref(cflight_bearer_auth *auth);
CFLIGHT_EXPORT void cflight_bearer_auth_unref(cflight_bearer_auth *auth);
CFLIGHT_EXPORT void cflight_bearer_auth_server(cflight_bearer_auth *auth,
                                               struct cflight_server_auth *ret_handshake,
                                               struct cflight_server_middleware *ret_middleware);
CFLIGHT_EXPORT struct cflight_bytes cflight_bearer_auth_identity(
    const cflight_server_context *context);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_bearer_auth_issue(cflight_bearer_auth *auth, struct cflight_bytes identity,
                          cflight_buffer **ret_token, cflight_error **reterr);
CFLIGHT_EXPORT bool cflight_bearer_auth_revoke(cflight_bearer_auth *auth,
                                               struct cflight_bytes token);
CFLIGHT_EXPORT size_t cflight_bearer_auth_revoke_identity(cflight_bearer_auth *auth,
                                                          struct cflight_bytes identity);
typedef struct cflight_password_file cflight_password_file;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_password_file_new(
    const char *path, cflight_password_file **ret_file, cflight_error **reterr);
typedef void (*cflight_password_change_fn)(void *user_data, struct cflight_bytes username);
CFLIGHT_EXPORT void cflight_password_file_on_change(cflight_password_file *file,
                                                    cflight_password_change_fn on_change,
                                                    void *user_data);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_password_file_refuse_writable(cflight_password_file *file, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_password_file_reload(cflight_password_file *file, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_password_file_free(cflight_password_file *file);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_password_file_verify(
    void *file, struct cflight_bytes username, struct cflight_bytes password,
    cflight_buffer **ret_identity, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_password_hash(const char *password,
                                                                      char **ret_hash,
                                                                      cflight_error **reterr);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_CLIENT_H
#define CFLIGHT_CLIENT_H
#ifndef CFLIGHT_STREAM_H
#define CFLIGHT_STREAM_H
#ifdef __cplusplus
extern "C" {
#endif
struct cflight_chunk {
    struct ArrowArray batch;
    bool has_batch;
    cflight_buffer *app_metadata;
    bool is_end;
};
CFLIGHT_EXPORT void cflight_chunk_release(struct cflight_chunk *chunk);
typedef struct cflight_reader cflight_reader;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_reader_schema(
    cflight_reader *reader, struct ArrowSchema *ret_schema, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_reader_next(cflight_reader *reader,
                                                                    struct cflight_chunk *ret_chunk,
                                                                    cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_reader_try_next(cflight_reader *reader, int64_t timeout_ms, bool *ret_is_ready,
                        struct cflight_chunk *ret_chunk, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_reader_to_stream(
    cflight_reader *reader, struct ArrowArrayStream *ret_stream, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_reader_cancel(cflight_reader *reader);
CFLIGHT_EXPORT struct cflight_ipc_stats cflight_reader_stats(const cflight_reader *reader);
CFLIGHT_EXPORT const struct cflight_descriptor *cflight_reader_descriptor(
    const cflight_reader *reader);
CFLIGHT_EXPORT size_t cflight_reader_headers(cflight_reader *reader,
                                             const struct cflight_header **ret_headers);
CFLIGHT_EXPORT size_t cflight_reader_trailers(cflight_reader *reader,
                                              const struct cflight_header **ret_trailers);
CFLIGHT_EXPORT void cflight_reader_free(cflight_reader *reader);
typedef struct cflight_writer cflight_writer;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_writer_begin(cflight_writer *writer, const struct ArrowSchema *schema,
                     const struct cflight_ipc_write_options *options, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_writer_write(cflight_writer *writer, const struct ArrowArray *batch,
                     const struct cflight_bytes *app_metadata, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_writer_write_metadata(
    cflight_writer *writer, struct cflight_bytes app_metadata, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_writer_write_stream(
    cflight_writer *writer, struct ArrowArrayStream *stream, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_writer_done_writing(cflight_writer *writer,
                                                                            cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_writer_close(cflight_writer *writer,
                                                                     cflight_error **reterr);
CFLIGHT_EXPORT void cflight_writer_cancel(cflight_writer *writer);
CFLIGHT_EXPORT struct cflight_ipc_stats cflight_writer_stats(const cflight_writer *writer);
CFLIGHT_EXPORT void cflight_writer_free(cflight_writer *writer);
typedef struct cflight_metadata_reader cflight_metadata_reader;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_metadata_reader_next(
    cflight_metadata_reader *reader, cflight_buffer **ret_metadata, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_metadata_reader_try_next(
    cflight_metadata_reader *reader, int64_t timeout_ms, bool *ret_is_ready,
    cflight_buffer **ret_metadata, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_metadata_reader_free(cflight_metadata_reader *reader);
typedef struct cflight_metadata_writer cflight_metadata_writer;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_metadata_writer_write(
    cflight_metadata_writer *writer, struct cflight_bytes app_metadata, cflight_error **reterr);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_TLS_H
#define CFLIGHT_TLS_H
#ifdef __cplusplus
extern "C" {
#endif
enum cflight_tls_version {
    CFLIGHT_TLS_VERSION_DEFAULT = 0,
    CFLIGHT_TLS_VERSION_1_2 = 12,
    CFLIGHT_TLS_VERSION_1_3 = 13,
};
struct cflight_tls_policy {
    enum cflight_tls_version min_version;
    const char *tls12_ciphers;
    const char *tls13_ciphers;
    struct cflight_bytes revocation_lists;
};
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_TYPES_H
#define CFLIGHT_TYPES_H
#ifdef __cplusplus
extern "C" {
#endif
#define CFLIGHT_MESSAGE_BYTES_MAX 2147483647
enum cflight_descriptor_type {
    CFLIGHT_DESCRIPTOR_UNKNOWN = 0,
    CFLIGHT_DESCRIPTOR_PATH = 1,
    CFLIGHT_DESCRIPTOR_CMD = 2,
};
struct cflight_descriptor {
    enum cflight_descriptor_type type;
    struct cflight_bytes cmd;
    const struct cflight_bytes *path;
    size_t path_count;
};
struct cflight_time {
    bool has_value;
    int64_t unix_ns;
};
struct cflight_endpoint {
    struct cflight_bytes ticket;
    const struct cflight_bytes *locations;
    size_t location_count;
    struct cflight_time expiration_time;
    struct cflight_bytes app_metadata;
};
struct cflight_info {
    struct cflight_bytes schema;
    struct cflight_descriptor descriptor;
    const struct cflight_endpoint *endpoints;
    size_t endpoint_count;
    int64_t total_records;
    int64_t total_bytes;
    bool ordered;
    struct cflight_bytes app_metadata;
};
struct cflight_poll_info {
    const struct cflight_info *info;
    const struct cflight_descriptor *descriptor;
    bool has_progress;
    double progress;
    struct cflight_time expiration_time;
};
struct cflight_action {
    struct cflight_bytes type;
    struct cflight_bytes body;
};
struct cflight_action_type {
    struct cflight_bytes type;
    struct cflight_bytes description;
};
struct cflight_basic_auth {
    struct cflight_bytes username;
    struct cflight_bytes password;
};
#define CFLIGHT_LOCATION_REUSE_CONNECTION "arrow-flight-reuse-connection://?"
struct cflight_location {
    const char *uri;
    const char *scheme;
    const char *host;
    int32_t port;
    const char *path;
};
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_location_parse(
    struct cflight_bytes uri, struct cflight_location **ret_location, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_location_of_host(const char *scheme,
                                                                         struct cflight_bytes host,
                                                                         int32_t port,
                                                                         char **ret_uri,
                                                                         cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_location_of_socket(struct cflight_bytes path, char **ret_uri, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_location_free(struct cflight_location *location);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_descriptor_serialize(const struct cflight_descriptor *descriptor,
                             cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_descriptor_parse(
    struct cflight_bytes bytes, struct cflight_descriptor **ret_descriptor, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_descriptor_copy(const struct cflight_descriptor *descriptor,
                        struct cflight_descriptor **ret_copy, cflight_error **reterr);
CFLIGHT_EXPORT bool cflight_descriptor_equal(const struct cflight_descriptor *a,
                                             const struct cflight_descriptor *b);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_descriptor_text(
    const struct cflight_descriptor *descriptor, char **ret_text, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_descriptor_free(struct cflight_descriptor *descriptor);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ticket_serialize(
    struct cflight_bytes ticket, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_ticket_parse(struct cflight_bytes bytes,
                                                                     cflight_buffer **ret_ticket,
                                                                     cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_endpoint_serialize(
    const struct cflight_endpoint *endpoint, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_endpoint_parse(
    struct cflight_bytes bytes, struct cflight_endpoint **ret_endpoint, cflight_error **reterr);
CFLIGHT_EXPORT bool cflight_endpoint_equal(const struct cflight_endpoint *a,
                                           const struct cflight_endpoint *b);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_endpoint_text(
    const struct cflight_endpoint *endpoint, char **ret_text, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_endpoint_free(struct cflight_endpoint *endpoint);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_info_serialize(
    const struct cflight_info *info, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_info_parse(struct cflight_bytes bytes,
                                                                   struct cflight_info **ret_info,
                                                                   cflight_error **reterr);
CFLIGHT_EXPORT bool cflight_info_equal(const struct cflight_info *a, const struct cflight_info *b);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_info_text(const struct cflight_info *info,
                                                                  char **ret_text,
                                                                  cflight_error **reterr);
CFLIGHT_EXPORT void cflight_info_free(struct cflight_info *info);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_poll_info_serialize(
    const struct cflight_poll_info *poll_info, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_poll_info_parse(
    struct cflight_bytes bytes, struct cflight_poll_info **ret_poll_info, cflight_error **reterr);
CFLIGHT_EXPORT bool cflight_poll_info_equal(const struct cflight_poll_info *a,
                                            const struct cflight_poll_info *b);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_poll_info_text(
    const struct cflight_poll_info *poll_info, char **ret_text, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_poll_info_free(struct cflight_poll_info *poll_info);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_action_serialize(
    const struct cflight_action *action, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_action_parse(
    struct cflight_bytes bytes, struct cflight_action **ret_action, cflight_error **reterr);
CFLIGHT_EXPORT bool cflight_action_equal(const struct cflight_action *a,
                                         const struct cflight_action *b);
CFLIGHT_EXPORT void cflight_action_free(struct cflight_action *action);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_action_type_serialize(const struct cflight_action_type *action_type,
                              cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_action_type_parse(struct cflight_bytes bytes, struct cflight_action_type **ret_action_type,
                          cflight_error **reterr);
CFLIGHT_EXPORT void cflight_action_type_free(struct cflight_action_type *action_type);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_result_serialize(
    struct cflight_bytes body, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_result_parse(struct cflight_bytes bytes,
                                                                     cflight_buffer **ret_body,
                                                                     cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_schema_result_serialize(
    struct cflight_bytes schema, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_schema_result_parse(
    struct cflight_bytes bytes, cflight_buffer **ret_schema, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_basic_auth_serialize(const struct cflight_basic_auth *basic_auth,
                             cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_basic_auth_parse(
    struct cflight_bytes bytes, struct cflight_basic_auth **ret_basic_auth, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_basic_auth_free(struct cflight_basic_auth *basic_auth);
enum cflight_cancel_status {
    CFLIGHT_CANCEL_STATUS_UNSPECIFIED = 0,
    CFLIGHT_CANCEL_STATUS_CANCELLED = 1,
    CFLIGHT_CANCEL_STATUS_CANCELLING = 2,
    CFLIGHT_CANCEL_STATUS_NOT_CANCELLABLE = 3,
};
enum cflight_session_value_type {
    CFLIGHT_SESSION_VALUE_NONE = 0,
    CFLIGHT_SESSION_VALUE_STRING = 1,
    CFLIGHT_SESSION_VALUE_BOOL = 2,
    CFLIGHT_SESSION_VALUE_INT64 = 3,
    CFLIGHT_SESSION_VALUE_DOUBLE = 4,
    CFLIGHT_SESSION_VALUE_STRING_LIST = 5,
};
struct cflight_session_option {
    struct cflight_bytes name;
    enum cflight_session_value_type type;
    struct cflight_bytes string_value;
    bool bool_value;
    int64_t int64_value;
    double double_value;
    const struct cflight_bytes *list_values;
    size_t list_count;
};
struct cflight_session_options {
    const struct cflight_session_option *options;
    size_t count;
};
enum cflight_session_error_code {
    CFLIGHT_SESSION_ERROR_UNSPECIFIED = 0,
    CFLIGHT_SESSION_ERROR_INVALID_NAME = 1,
    CFLIGHT_SESSION_ERROR_INVALID_VALUE = 2,
    CFLIGHT_SESSION_ERROR_ERROR = 3,
};
struct cflight_session_error {
    struct cflight_bytes name;
    enum cflight_session_error_code code;
};
struct cflight_session_errors {
    const struct cflight_session_error *errors;
    size_t count;
};
enum cflight_close_session_status {
    CFLIGHT_CLOSE_SESSION_UNSPECIFIED = 0,
    CFLIGHT_CLOSE_SESSION_CLOSED = 1,
    CFLIGHT_CLOSE_SESSION_CLOSING = 2,
    CFLIGHT_CLOSE_SESSION_NOT_CLOSEABLE = 3,
};
CFLIGHT_EXPORT void cflight_session_options_free(struct cflight_session_options *options);
CFLIGHT_EXPORT void cflight_session_errors_free(struct cflight_session_errors *errors);
#define CFLIGHT_ACTION_CANCEL_FLIGHT_INFO "CancelFlightInfo"
#define CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT "RenewFlightEndpoint"
#define CFLIGHT_ACTION_SET_SESSION_OPTIONS "SetSessionOptions"
#define CFLIGHT_ACTION_GET_SESSION_OPTIONS "GetSessionOptions"
#define CFLIGHT_ACTION_CLOSE_SESSION "CloseSession"
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_cancel_request_serialize(
    const struct cflight_info *info, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_cancel_request_parse(
    struct cflight_bytes bytes, struct cflight_info **ret_info, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_cancel_result_serialize(
    enum cflight_cancel_status cancel_status, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_cancel_result_parse(struct cflight_bytes bytes,
                            enum cflight_cancel_status *ret_cancel_status, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_renew_request_serialize(
    const struct cflight_endpoint *endpoint, cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_renew_request_parse(
    struct cflight_bytes bytes, struct cflight_endpoint **ret_endpoint, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_session_options_serialize(const struct cflight_session_options *options,
                                  cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_session_options_parse(struct cflight_bytes bytes,
                              struct cflight_session_options **ret_options, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_session_errors_serialize(const struct cflight_session_errors *errors,
                                 cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_session_errors_parse(
    struct cflight_bytes bytes, struct cflight_session_errors **ret_errors, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_close_result_serialize(enum cflight_close_session_status close_status,
                               cflight_buffer **ret_buffer, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_close_result_parse(
    struct cflight_bytes bytes, enum cflight_close_session_status *ret_close_status,
    cflight_error **reterr);
#ifdef __cplusplus
}
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif
typedef struct cflight_client cflight_client;
struct cflight_client_tls {
    struct cflight_bytes root_certs;
    struct cflight_bytes cert_chain;
    struct cflight_bytes private_key;
    const char *override_hostname;
    bool skip_verification;
    bool allow_common_name;
    struct cflight_tls_policy policy;
};
struct cflight_client_options {
    size_t struct_size;
    const struct cflight_allocator *allocator;
    int64_t connect_timeout_ms;
    struct cflight_client_tls tls;
    const struct cflight_client_auth *auth;
    const struct cflight_client_middleware *middleware;
    size_t middleware_count;
    int64_t keepalive_interval_ms;
    int64_t keepalive_timeout_ms;
    bool keepalive_without_calls;
    bool keepalive_is_agreed;
    uint64_t message_bytes_max;
    uint64_t write_size_limit_bytes;
    uint64_t pool_bytes_max;
    uint32_t stream_window_bytes;
    uint32_t metadata_bytes_max;
    const char *user_agent;
    const char *authority;
    const struct cflight_token_provider *token_provider;
    bool idle_watch_is_off;
};
#define CFLIGHT_CLIENT_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_client_options)
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_new(const char *location, const struct cflight_client_options *options,
                   cflight_client **ret_client, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_connect(
    cflight_client *client, const struct cflight_call_options *options, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_client_close(cflight_client *client);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_reload_tls(
    cflight_client *client, const struct cflight_client_tls *tls, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_client_free(cflight_client *client);
typedef struct cflight_info_stream cflight_info_stream;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_list_flights(cflight_client *client, struct cflight_bytes criteria,
                            const struct cflight_call_options *options,
                            cflight_info_stream **ret_stream, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_info_stream_next(
    cflight_info_stream *stream, struct cflight_info **ret_info, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_info_stream_free(cflight_info_stream *stream);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_get_flight_info(cflight_client *client, const struct cflight_descriptor *descriptor,
                               const struct cflight_call_options *options,
                               struct cflight_info **ret_info, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_poll_flight_info(cflight_client *client, const struct cflight_descriptor *descriptor,
                                const struct cflight_call_options *options,
                                struct cflight_poll_info **ret_poll_info, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_get_schema(cflight_client *client, const struct cflight_descriptor *descriptor,
                          const struct cflight_call_options *options, cflight_buffer **ret_schema,
                          cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_do_get(
    cflight_client *client, struct cflight_bytes ticket, const struct cflight_call_options *options,
    cflight_reader **ret_reader, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_do_put(
    cflight_client *client, const struct cflight_descriptor *descriptor,
    const struct ArrowSchema *schema, const struct cflight_call_options *options,
    cflight_writer **ret_writer, cflight_metadata_reader **ret_metadata, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_do_exchange(cflight_client *client, const struct cflight_descriptor *descriptor,
                           const struct cflight_call_options *options, cflight_writer **ret_writer,
                           cflight_reader **ret_reader, cflight_error **reterr);
typedef struct cflight_result_stream cflight_result_stream;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_do_action(cflight_client *client, const struct cflight_action *action,
                         const struct cflight_call_options *options,
                         cflight_result_stream **ret_stream, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_result_stream_wait(cflight_result_stream *stream, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_result_stream_next(
    cflight_result_stream *stream, cflight_buffer **ret_body, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_result_stream_free(cflight_result_stream *stream);
typedef struct cflight_action_type_stream cflight_action_type_stream;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_list_actions(cflight_client *client, const struct cflight_call_options *options,
                            cflight_action_type_stream **ret_stream, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_action_type_stream_next(
    cflight_action_type_stream *stream, struct cflight_action_type **ret_action_type,
    cflight_error **reterr);
CFLIGHT_EXPORT void cflight_action_type_stream_free(cflight_action_type_stream *stream);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_client_authenticate(cflight_client *client, const struct cflight_client_auth *auth,
                            const struct cflight_call_options *options, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_authenticate_basic(
    cflight_client *client, struct cflight_bytes username, struct cflight_bytes password,
    const struct cflight_call_options *options, cflight_buffer **ret_bearer,
    cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_cancel_flight_info(
    cflight_client *client, const struct cflight_info *info,
    const struct cflight_call_options *options, enum cflight_cancel_status *ret_cancel_status,
    cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_renew_flight_endpoint(
    cflight_client *client, const struct cflight_endpoint *endpoint,
    const struct cflight_call_options *options, struct cflight_endpoint **ret_endpoint,
    cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_set_session_options(
    cflight_client *client, const struct cflight_session_options *session_options,
    const struct cflight_call_options *options, struct cflight_session_errors **ret_errors,
    cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_get_session_options(
    cflight_client *client, const struct cflight_call_options *options,
    struct cflight_session_options **ret_session_options, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_close_session(
    cflight_client *client, const struct cflight_call_options *options,
    enum cflight_close_session_status *ret_close_status, cflight_error **reterr);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_COOKIES_H
#define CFLIGHT_COOKIES_H
#ifdef __cplusplus
extern "C" {
#endif
typedef struct cflight_cookie_jar cflight_cookie_jar;
struct cflight_cookie_jar_options {
    size_t struct_size;
    const struct cflight_allocator *allocator;
    uint32_t cookies_max;
    uint32_t cookie_bytes_max;
    uint32_t header_bytes_max;
};
#define CFLIGHT_COOKIE_JAR_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_cookie_jar_options)
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_cookie_jar_new(const struct cflight_cookie_jar_options *options,
                       cflight_cookie_jar **ret_jar, cflight_error **reterr);
CFLIGHT_EXPORT cflight_cookie_jar *cflight_cookie_jar_ref(cflight_cookie_jar *jar);
CFLIGHT_EXPORT void cflight_cookie_jar_unref(cflight_cookie_jar *jar);
CFLIGHT_EXPORT void cflight_cookie_jar_middleware(cflight_cookie_jar *jar,
                                                  struct cflight_client_middleware *ret_table);
CFLIGHT_EXPORT cflight_status cflight_cookie_jar_set(cflight_cookie_jar *jar,
                                                     struct cflight_bytes set_cookie,
                                                     cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_cookie_jar_header(
    cflight_cookie_jar *jar, cflight_buffer **ret_header, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_cookie_jar_clear(cflight_cookie_jar *jar);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_FETCH_H
#define CFLIGHT_FETCH_H
#ifdef __cplusplus
extern "C" {
#endif
struct cflight_fetch_options {
    size_t struct_size;
    const struct cflight_call_options *call_options;
    const struct cflight_client_options *client_options;
    uint32_t parallel_max;
    uint32_t attempts_max;
    bool any_order;
    const char *(*rewrite_location)(void *user_data, const char *location);
    void *user_data;
};
#define CFLIGHT_FETCH_OPTIONS_INIT                          \
    {                                                       \
        .struct_size = sizeof(struct cflight_fetch_options) \
    }
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_fetch(cflight_client *client, const struct cflight_info *info,
              const struct cflight_fetch_options *options, struct ArrowArrayStream *ret_stream,
              cflight_error **reterr);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_LOG_H
#define CFLIGHT_LOG_H
#ifdef __cplusplus
extern "C" {
#endif
enum cflight_log_level {
    CFLIGHT_LOG_OFF = 0,
    CFLIGHT_LOG_ERROR = 1,
    CFLIGHT_LOG_WARN = 2,
    CFLIGHT_LOG_INFO = 3,
    CFLIGHT_LOG_DEBUG = 4,
    CFLIGHT_LOG_TRACE = 5,
};
typedef void (*cflight_log_fn)(void *user_data, enum cflight_log_level level, const char *subsystem,
                               const char *line);
CFLIGHT_EXPORT void cflight_log_set(cflight_log_fn log, void *user_data,
                                    enum cflight_log_level level);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_LOOP_H
#define CFLIGHT_LOOP_H
#ifdef __cplusplus
extern "C" {
#endif
struct cflight_loop_state {
    int fd;
    int timeout_ms;
};
CFLIGHT_EXPORT void cflight_client_loop_state(cflight_client *client,
                                              struct cflight_loop_state *ret_state);
CFLIGHT_EXPORT void cflight_client_loop_process(cflight_client *client);
typedef void (*cflight_connected_fn)(void *user_data, cflight_status status,
                                     const cflight_error *error);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_client_loop_connect(
    cflight_client *client, const struct cflight_call_options *options,
    cflight_connected_fn on_connected, void *user_data, cflight_error **reterr);
CFLIGHT_EXPORT bool cflight_client_is_connected(cflight_client *client);
typedef void (*cflight_ready_fn)(void *user_data);
typedef struct cflight_async cflight_async;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_async_start(
    cflight_client *client, enum cflight_method method, struct cflight_bytes request,
    const struct cflight_call_options *options, cflight_async **ret_async, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_async_try_next(cflight_async *async,
                                                                       bool *ret_is_ready,
                                                                       cflight_buffer **ret_message,
                                                                       cflight_error **reterr);
CFLIGHT_EXPORT void cflight_async_notify(cflight_async *async, cflight_ready_fn on_ready,
                                         void *user_data);
CFLIGHT_EXPORT void cflight_async_free(cflight_async *async);
CFLIGHT_EXPORT void cflight_reader_notify(cflight_reader *reader, cflight_ready_fn on_ready,
                                          void *user_data);
CFLIGHT_EXPORT void cflight_metadata_reader_notify(cflight_metadata_reader *reader,
                                                   cflight_ready_fn on_ready, void *user_data);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_writer_try_write(
    cflight_writer *writer, const struct ArrowArray *batch,
    const struct cflight_bytes *app_metadata, bool *ret_is_done, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_writer_notify(cflight_writer *writer, cflight_ready_fn on_ready,
                                          void *user_data);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_SERVER_H
#define CFLIGHT_SERVER_H
#ifdef __cplusplus
extern "C" {
#endif
typedef struct cflight_server cflight_server;
typedef struct cflight_response cflight_response;
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_response_info(
    cflight_response *response, const struct cflight_info *info, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_response_poll_info(
    cflight_response *response, const struct cflight_poll_info *poll_info, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_response_schema(cflight_response *response,
                                                                        struct cflight_bytes schema,
                                                                        cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_response_result(cflight_response *response,
                                                                        struct cflight_bytes body,
                                                                        cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_response_action_type(cflight_response *response,
                             const struct cflight_action_type *action_type, cflight_error **reterr);
struct cflight_server_handlers {
    size_t struct_size;
    void *user_data;
    cflight_status (*list_flights)(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr);
    cflight_status (*get_flight_info)(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr);
    cflight_status (*poll_flight_info)(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr);
    cflight_status (*get_schema)(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr);
    cflight_status (*do_get)(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr);
    cflight_status (*do_put)(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr);
    cflight_status (*do_exchange)(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_reader *reader, cflight_writer *writer,
                                  cflight_error **reterr);
    cflight_status (*do_action)(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr);
    cflight_status (*list_actions)(void *user_data, cflight_server_context *context,
                                   cflight_response *response, cflight_error **reterr);
};
#define CFLIGHT_SERVER_HANDLERS_INIT CFLIGHT_SIZED_INIT(struct cflight_server_handlers)
struct cflight_tls_key_pair {
    struct cflight_bytes cert_chain;
    struct cflight_bytes private_key;
};
enum cflight_client_certificate {
    CFLIGHT_CLIENT_CERTIFICATE_IGNORED = 0,
    CFLIGHT_CLIENT_CERTIFICATE_OPTIONAL = 1,
    CFLIGHT_CLIENT_CERTIFICATE_REQUIRED = 2,
};
struct cflight_server_tls {
    const struct cflight_tls_key_pair *key_pairs;
    size_t key_pair_count;
    enum cflight_client_certificate client_certificate;
    struct cflight_bytes client_root_certs;
    struct cflight_tls_policy policy;
};
struct cflight_server_options {
    size_t struct_size;
    const struct cflight_allocator *allocator;
    struct cflight_server_tls tls;
    const struct cflight_server_auth *auth;
    const struct cflight_server_middleware *middleware;
    size_t middleware_count;
    uint32_t handlers_max;
    uint32_t queue_max;
    uint32_t connections_max;
    uint32_t calls_per_connection_max;
    uint32_t stream_window_bytes;
    uint64_t message_bytes_max;
    uint32_t metadata_bytes_max;
    uint64_t pool_bytes_max;
    uint64_t split_batch_bytes;
    bool split_is_off;
    const struct cflight_ipc_write_options *write_options;
    const struct cflight_ipc_read_options *read_options;
    int64_t keepalive_interval_ms;
    int64_t keepalive_timeout_ms;
    int64_t idle_timeout_ms;
    uint64_t unread_bytes_max;
};
#define CFLIGHT_SERVER_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_server_options)
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_server_new(const char *location, const struct cflight_server_handlers *handlers,
                   const struct cflight_server_options *options, cflight_server **ret_server,
                   cflight_error **reterr);
CFLIGHT_EXPORT int cflight_server_port(const cflight_server *server);
CFLIGHT_EXPORT const char *cflight_server_location(const cflight_server *server);
CFLIGHT_EXPORT void cflight_server_shutdown(cflight_server *server, int64_t grace_ms);
CFLIGHT_EXPORT void cflight_server_wait(cflight_server *server);
CFLIGHT_EXPORT bool cflight_server_wait_for(cflight_server *server, int64_t timeout_ms);
CFLIGHT_EXPORT void cflight_server_free(cflight_server *server);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_server_reload_tls(
    cflight_server *server, const struct cflight_server_tls *tls, cflight_error **reterr);
CFLIGHT_EXPORT enum cflight_method cflight_server_context_method(
    const cflight_server_context *context);
CFLIGHT_EXPORT const char *cflight_server_context_peer(const cflight_server_context *context);
CFLIGHT_EXPORT struct cflight_bytes cflight_server_context_peer_identity(
    const cflight_server_context *context);
CFLIGHT_EXPORT const char *cflight_server_context_tls_subject(
    const cflight_server_context *context);
CFLIGHT_EXPORT size_t cflight_server_context_tls_sans(const cflight_server_context *context,
                                                      const char *const **ret_sans);
CFLIGHT_EXPORT size_t cflight_server_context_headers(const cflight_server_context *context,
                                                     const struct cflight_header **ret_headers);
CFLIGHT_EXPORT struct cflight_bytes cflight_server_context_header(
    const cflight_server_context *context, const char *name);
CFLIGHT_EXPORT int64_t cflight_server_context_remaining_ms(const cflight_server_context *context);
CFLIGHT_EXPORT bool cflight_server_context_is_cancelled(const cflight_server_context *context);
CFLIGHT_EXPORT void cflight_server_context_on_cancel(cflight_server_context *context,
                                                     void (*on_cancel)(void *user_data),
                                                     void *user_data);
CFLIGHT_EXPORT cflight_status cflight_server_context_add_header(cflight_server_context *context,
                                                                struct cflight_bytes name,
                                                                struct cflight_bytes value,
                                                                cflight_error **reterr);
CFLIGHT_EXPORT cflight_status cflight_server_context_add_trailer(cflight_server_context *context,
                                                                 struct cflight_bytes name,
                                                                 struct cflight_bytes value,
                                                                 cflight_error **reterr);
CFLIGHT_EXPORT void *cflight_server_context_middleware(const cflight_server_context *context,
                                                       const char *key);
CFLIGHT_EXPORT bool cflight_server_context_has_middleware(const cflight_server_context *context,
                                                          const char *key);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_SESSIONS_H
#define CFLIGHT_SESSIONS_H
#ifdef __cplusplus
extern "C" {
#endif
#define CFLIGHT_SESSION_COOKIE "arrow_flight_session_id"
typedef struct cflight_session_store cflight_session_store;
typedef struct cflight_session cflight_session;
struct cflight_session_store_options {
    size_t struct_size;
    const struct cflight_allocator *allocator;
    uint32_t sessions_max;
    uint32_t options_max;
    uint32_t session_bytes_max;
    int64_t idle_timeout_ms;
    enum cflight_session_error_code (*check)(void *user_data,
                                             const struct cflight_session_option *option);
    void *user_data;
    uint32_t sessions_per_owner_max;
    uint64_t bytes_max;
};
#define CFLIGHT_SESSION_STORE_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_session_store_options)
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_session_store_new(const struct cflight_session_store_options *options,
                          cflight_session_store **ret_store, cflight_error **reterr);
CFLIGHT_EXPORT cflight_session_store *cflight_session_store_ref(cflight_session_store *store);
CFLIGHT_EXPORT void cflight_session_store_unref(cflight_session_store *store);
CFLIGHT_EXPORT void cflight_session_store_middleware(cflight_session_store *store,
                                                     struct cflight_server_middleware *ret_table);
CFLIGHT_EXPORT size_t cflight_session_store_count(cflight_session_store *store);
CFLIGHT_EXPORT size_t cflight_session_store_end_identity(cflight_session_store *store,
                                                         struct cflight_bytes identity);
CFLIGHT_EXPORT cflight_session *cflight_session_of(const cflight_server_context *context);
CFLIGHT_EXPORT const char *cflight_session_id(const cflight_session *session);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_session_set_options(cflight_session *session, const struct cflight_session_options *options,
                            struct cflight_session_errors **ret_errors, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_session_get_options(
    cflight_session *session, struct cflight_session_options **ret_options, cflight_error **reterr);
CFLIGHT_EXPORT void cflight_session_close(cflight_session *session);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_session_answer(cflight_server_context *context, const struct cflight_action *action,
                       cflight_response *response, bool *ret_is_answered, cflight_error **reterr);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_session_list_actions(cflight_response *response, cflight_error **reterr);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_TRACE_H
#define CFLIGHT_TRACE_H
#ifdef __cplusplus
extern "C" {
#endif
#define CFLIGHT_TRACEPARENT_BYTES 55
struct cflight_trace {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;
    struct cflight_bytes state;
};
CFLIGHT_EXPORT bool cflight_trace_parse(struct cflight_bytes traceparent,
                                        struct cflight_trace *ret_trace);
CFLIGHT_EXPORT bool cflight_trace_of(const cflight_server_context *context,
                                     struct cflight_trace *ret_trace);
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status cflight_trace_child(
    const struct cflight_trace *parent, struct cflight_trace *ret_child, cflight_error **reterr);
CFLIGHT_EXPORT size_t cflight_trace_headers(const struct cflight_trace *trace,
                                            char text[CFLIGHT_TRACEPARENT_BYTES + 1],
                                            struct cflight_header ret_headers[2]);
struct cflight_request_log {
    size_t struct_size;
    void (*write)(void *user_data, const char *line);
    void *user_data;
};
#define CFLIGHT_REQUEST_LOG_INIT CFLIGHT_SIZED_INIT(struct cflight_request_log)
CFLIGHT_EXPORT void cflight_request_log_middleware(const struct cflight_request_log *log,
                                                   struct cflight_server_middleware *ret_table);
#ifdef __cplusplus
}
#endif
#endif
#ifndef CFLIGHT_VERSION_H
#define CFLIGHT_VERSION_H
#define CFLIGHT_VERSION_MAJOR 0
#define CFLIGHT_VERSION_MINOR 1
#define CFLIGHT_VERSION_PATCH 0
#define CFLIGHT_VERSION_TEXT "0.1.0"
#ifdef __cplusplus
extern "C" {
#endif
CFLIGHT_EXPORT const char *cflight_version(void);
#ifdef __cplusplus
}
#endif
#endif
#endif
