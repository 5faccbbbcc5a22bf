/* SPDX-License-Identifier: Apache-2.0 */
/* The error handle.
 *
 * Made on failure only. The memory of errors comes from the C library, whatever allocator a client
 * has: an error may outlive the client. When that fails, one static error stands in for it; it is
 * never written and never freed. Thread class: one at a time, but for the static error, which is
 * constant. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

struct trailer {
    struct cflight_bytes name;
    struct cflight_bytes value;
};

struct cflight_error {
    cflight_status status;
    enum cflight_flight_code flight_code;
    int32_t arrow_code;
    int os_code;
    enum cflight_retry retry;
    bool is_static;
    bool has_size_limit;
    uint64_t limit_bytes;
    uint64_t actual_bytes;
    char *message;
    char *detail;
    char *operation;
    char *peer;
    struct cflight_bytes extra_info;
    struct trailer *trailers;
    size_t trailer_count;
    size_t trailer_capacity;
};

static struct cflight_error no_memory_error = {
    .status = CFLIGHT_RESOURCE_EXHAUSTED,
    .flight_code = CFLIGHT_FLIGHT_CODE_NONE,
    .arrow_code = -1,
    .is_static = true,
    .message = (char *)"out of memory",
};

static const char *const STATUS_NAMES[] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

enum { STATUS_COUNT = sizeof STATUS_NAMES / sizeof STATUS_NAMES[0] };

const char *cflight_status_name(cflight_status status)
{
    if (status < 0 || status >= STATUS_COUNT) {
        return "UNRECOGNISED";
    }
    return STATUS_NAMES[status];
}

static bool is_writable(const cflight_error *error)
{
    return error != NULL && !error->is_static;
}

/* Formats into fresh memory; NULL when there is none. */
static char *format_text(const char *format, va_list arguments) CFLIGHT_PRINTF(1, 0);
static char *format_text(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int len_bytes = vsnprintf(NULL, 0, format, arguments);
    char *text = len_bytes < 0 ? NULL : cfl_alloc(NULL, (size_t)len_bytes + 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)len_bytes + 1, format, again);
    }
    va_end(again);
    return text;
}

static char *join_text(const char *head, const char *separator, const char *tail)
{
    size_t head_bytes = strlen(head);
    size_t separator_bytes = strlen(separator);
    size_t tail_bytes = strlen(tail);
    char *text = cfl_alloc(NULL, head_bytes + separator_bytes + tail_bytes + 1);
    if (text != NULL) {
        memcpy(text, head, head_bytes);
        memcpy(text + head_bytes, separator, separator_bytes);
        memcpy(text + head_bytes + separator_bytes, tail, tail_bytes + 1);
    }
    return text;
}

static bool copy_bytes(struct cflight_bytes source, struct cflight_bytes *ret_copy)
{
    struct cflight_bytes copy = {NULL, 0};
    if (source.len_bytes > 0) {
        uint8_t *memory = cfl_alloc(NULL, source.len_bytes);
        if (memory == NULL) {
            return false;
        }
        memcpy(memory, source.data, source.len_bytes);
        copy.data = memory;
        copy.len_bytes = source.len_bytes;
    }
    *ret_copy = copy;
    return true;
}

static void free_bytes(struct cflight_bytes bytes)
{
    cfl_free(NULL, (void *)(uintptr_t)bytes.data, bytes.len_bytes);
}

static void replace_text(char **slot, const char *text)
{
    char *copy = cfl_strndup(NULL, text, strlen(text));
    if (copy != NULL) {
        cfl_strfree(NULL, *slot);
        *slot = copy;
    }
}

/* Puts an error with `message`, which is taken, into *reterr. NULL `message` means memory ran out.
 */
static cflight_status install(cflight_error **reterr, cflight_status status, char *message)
{
    if (status <= CFLIGHT_OK || status >= STATUS_COUNT) {
        status = CFLIGHT_UNKNOWN;
    }
    if (reterr == NULL) {
        cfl_strfree(NULL, message);
        return status;
    }
    cflight_error_free(*reterr);
    cflight_error *error = message == NULL ? NULL : cfl_alloc_zeroed(NULL, sizeof *error);
    if (error == NULL) {
        cfl_strfree(NULL, message);
        *reterr = &no_memory_error;
        return status;
    }
    error->status = status;
    error->flight_code = CFLIGHT_FLIGHT_CODE_NONE;
    error->arrow_code = -1;
    error->message = message;
    *reterr = error;
    return status;
}

void cflight_error_free(cflight_error *error)
{
    if (!is_writable(error)) {
        return;
    }
    for (size_t i = 0; i < error->trailer_count; i++) {
        free_bytes(error->trailers[i].name);
        free_bytes(error->trailers[i].value);
    }
    cfl_free_array(NULL, error->trailers, error->trailer_capacity, sizeof *error->trailers);
    free_bytes(error->extra_info);
    cfl_strfree(NULL, error->peer);
    cfl_strfree(NULL, error->operation);
    cfl_strfree(NULL, error->detail);
    cfl_strfree(NULL, error->message);
    cfl_free(NULL, error, sizeof *error);
}

cflight_status cflight_error_status(const cflight_error *error)
{
    return error == NULL ? CFLIGHT_OK : error->status;
}

const char *cflight_error_message(const cflight_error *error)
{
    return error == NULL ? "" : error->message;
}

enum cflight_flight_code cflight_error_flight_code(const cflight_error *error)
{
    return error == NULL ? CFLIGHT_FLIGHT_CODE_NONE : error->flight_code;
}

int32_t cflight_error_arrow_code(const cflight_error *error)
{
    return error == NULL ? -1 : error->arrow_code;
}

const char *cflight_error_detail(const cflight_error *error)
{
    return error == NULL || error->detail == NULL ? "" : error->detail;
}

struct cflight_bytes cflight_error_extra_info(const cflight_error *error)
{
    struct cflight_bytes none = {NULL, 0};
    return error == NULL ? none : error->extra_info;
}

const char *cflight_error_operation(const cflight_error *error)
{
    return error == NULL || error->operation == NULL ? "" : error->operation;
}

const char *cflight_error_peer(const cflight_error *error)
{
    return error == NULL || error->peer == NULL ? "" : error->peer;
}

int cflight_error_os_code(const cflight_error *error)
{
    return error == NULL ? 0 : error->os_code;
}

enum cflight_retry cflight_error_retry(const cflight_error *error)
{
    return error == NULL ? CFLIGHT_RETRY_NEVER : error->retry;
}

bool cflight_error_size_limit(const cflight_error *error, uint64_t *ret_limit_bytes,
                              uint64_t *ret_actual_bytes)
{
    if (error == NULL || !error->has_size_limit) {
        return false;
    }
    if (ret_limit_bytes != NULL) {
        *ret_limit_bytes = error->limit_bytes;
    }
    if (ret_actual_bytes != NULL) {
        *ret_actual_bytes = error->actual_bytes;
    }
    return true;
}

size_t cflight_error_trailer_count(const cflight_error *error)
{
    return error == NULL ? 0 : error->trailer_count;
}

struct cflight_header cflight_error_trailer(const cflight_error *error, size_t index)
{
    struct cflight_header field = {{NULL, 0}, {NULL, 0}};
    if (error != NULL && index < error->trailer_count) {
        field.name = error->trailers[index].name;
        field.value = error->trailers[index].value;
    }
    return field;
}

cflight_status cflight_error_set_message(cflight_error **reterr, cflight_status status,
                                         const char *message)
{
    const char *text = message == NULL ? "" : message;
    return install(reterr, status, reterr == NULL ? NULL : cfl_strndup(NULL, text, strlen(text)));
}

cflight_status cflight_error_set(cflight_error **reterr, cflight_status status, const char *format,
                                 ...)
{
    char *message = NULL;
    if (reterr != NULL) {
        va_list arguments;
        va_start(arguments, format);
        message = format_text(format, arguments);
        va_end(arguments);
    }
    return install(reterr, status, message);
}

cflight_status cfl_error_no_memory(cflight_error **reterr)
{
    if (reterr != NULL) {
        cflight_error_free(*reterr);
        *reterr = &no_memory_error;
    }
    return CFLIGHT_RESOURCE_EXHAUSTED;
}

cflight_status cfl_error_set_os(cflight_error **reterr, cflight_status status, int os_code,
                                const char *format, ...)
{
    if (reterr == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    char *head = format_text(format, arguments);
    va_end(arguments);

    char os_text[128] = "";
    const char *os_message =
        strerror_r(os_code, os_text, sizeof os_text) == 0 ? os_text : "unknown error";
    char *message = head == NULL ? NULL : join_text(head, ": ", os_message);
    cfl_strfree(NULL, head);
    status = install(reterr, status, message);
    if (is_writable(*reterr)) {
        (*reterr)->os_code = os_code;
    }
    return status;
}

cflight_status cfl_error_set_size_limit(cflight_error **reterr, const char *what,
                                        uint64_t actual_bytes, uint64_t limit_bytes)
{
    cflight_status status = cflight_error_set(
        reterr, CFLIGHT_RESOURCE_EXHAUSTED, "%s is %llu bytes; the limit is %llu bytes", what,
        (unsigned long long)actual_bytes, (unsigned long long)limit_bytes);
    if (reterr != NULL) {
        cfl_error_set_size_numbers(*reterr, limit_bytes, actual_bytes);
    }
    return status;
}

cflight_status cfl_error_null_argument(cflight_error **reterr, const char *what)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s must not be NULL", what);
}

cflight_status cfl_check_args(cflight_error **reterr, const struct cfl_arg *args)
{
    for (; args->name != NULL; args++) {
        if (args->pointer == NULL) {
            return cfl_error_null_argument(reterr, args->name);
        }
    }
    return CFLIGHT_OK;
}

cflight_status cfl_error_prefix(cflight_error **reterr, cflight_status status, const char *format,
                                ...)
{
    if (reterr == NULL || *reterr == NULL) {
        return status;
    }
    if (!is_writable(*reterr)) {
        return (*reterr)->status;
    }
    va_list arguments;
    va_start(arguments, format);
    char *head = format_text(format, arguments);
    va_end(arguments);
    char *message = head == NULL ? NULL : join_text(head, ": ", (*reterr)->message);
    cfl_strfree(NULL, head);
    if (message != NULL) {
        cfl_strfree(NULL, (*reterr)->message);
        (*reterr)->message = message;
    }
    return (*reterr)->status;
}

void cflight_error_set_flight_code(cflight_error *error, enum cflight_flight_code code)
{
    if (is_writable(error)) {
        error->flight_code = code;
    }
}

void cflight_error_set_extra_info(cflight_error *error, struct cflight_bytes extra_info)
{
    struct cflight_bytes copy = {NULL, 0};
    if (is_writable(error) && copy_bytes(extra_info, &copy)) {
        free_bytes(error->extra_info);
        error->extra_info = copy;
    }
}

void cflight_error_set_arrow_code(cflight_error *error, int32_t arrow_code)
{
    if (is_writable(error)) {
        error->arrow_code = arrow_code;
    }
}

void cflight_error_set_detail(cflight_error *error, const char *detail)
{
    if (is_writable(error)) {
        replace_text(&error->detail, detail == NULL ? "" : detail);
    }
}

void cfl_error_set_operation(cflight_error *error, const char *operation)
{
    if (is_writable(error) && operation != NULL) {
        replace_text(&error->operation, operation);
    }
}

void cfl_error_set_peer(cflight_error *error, const char *peer)
{
    if (is_writable(error) && peer != NULL) {
        replace_text(&error->peer, peer);
    }
}

void cfl_error_set_retry(cflight_error *error, enum cflight_retry retry)
{
    if (is_writable(error)) {
        error->retry = retry;
    }
}

void cfl_error_set_size_numbers(cflight_error *error, uint64_t limit_bytes, uint64_t actual_bytes)
{
    if (is_writable(error)) {
        error->has_size_limit = true;
        error->limit_bytes = limit_bytes;
        error->actual_bytes = actual_bytes;
    }
}

void cfl_error_add_trailer(cflight_error *error, struct cflight_bytes name,
                           struct cflight_bytes value)
{
    struct trailer field = {{NULL, 0}, {NULL, 0}};
    if (!is_writable(error) || !copy_bytes(name, &field.name)) {
        return;
    }
    if (!copy_bytes(value, &field.value) ||
        !cfl_grow_array(NULL, (void **)&error->trailers, &error->trailer_capacity,
                        error->trailer_count + 1, sizeof *error->trailers)) {
        free_bytes(field.name);
        free_bytes(field.value);
        return;
    }
    error->trailers[error->trailer_count++] = field;
}

cflight_error *cfl_error_copy(const cflight_error *error)
{
    if (!is_writable(error)) {
        return (cflight_error *)(uintptr_t)error;
    }
    cflight_error *copy = NULL;
    (void)cflight_error_set_message(&copy, error->status, error->message);
    if (!is_writable(copy)) {
        return copy;
    }
    copy->flight_code = error->flight_code;
    copy->arrow_code = error->arrow_code;
    copy->os_code = error->os_code;
    copy->retry = error->retry;
    copy->has_size_limit = error->has_size_limit;
    copy->limit_bytes = error->limit_bytes;
    copy->actual_bytes = error->actual_bytes;
    if (error->detail != NULL) {
        cflight_error_set_detail(copy, error->detail);
    }
    cfl_error_set_operation(copy, error->operation);
    cfl_error_set_peer(copy, error->peer);
    cflight_error_set_extra_info(copy, error->extra_info);
    for (size_t i = 0; i < error->trailer_count; i++) {
        cfl_error_add_trailer(copy, error->trailers[i].name, error->trailers[i].value);
    }
    return copy;
}
