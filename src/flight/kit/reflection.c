/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.reflection: answers which services there are, and with the files that describe a name.
 *
 * v1 and v1alpha are the same messages under two names. A file comes with all that it depends on,
 * itself first, as clients want it.
 *
 * Spec: gRPC server reflection protocol. What is asked does not change anything. Thread class:
 * free.
 */
#include "cflight/reflection.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/kit/descriptors.h"
#include "pb/field.h"

enum {
    REQUEST_BYTES_MAX = 16 << 10,
    /* ServerReflectionRequest */
    ASK_HOST = 1,
    ASK_FILE = 3,
    ASK_SYMBOL = 4,
    ASK_EXTENSION = 5,
    ASK_EXTENSION_NUMBERS = 6,
    ASK_SERVICES = 7,
    /* ExtensionRequest */
    EXTENSION_TYPE = 1,
    EXTENSION_NUMBER = 2,
    /* ServerReflectionResponse */
    SAY_HOST = 1,
    SAY_REQUEST = 2,
    SAY_FILES = 4,
    SAY_EXTENSION_NUMBERS = 5,
    SAY_SERVICES = 6,
    SAY_ERROR = 7,
    /* in each of these */
    FILES_FILE = 1,
    NUMBERS_TYPE = 1,
    NUMBERS_NUMBER = 2,
    SERVICES_SERVICE = 1,
    SERVICE_NAME = 1,
    ERROR_CODE = 1,
    ERROR_MESSAGE = 2,
};

/* Made when cflight is built (proto/services). */
extern const uint8_t cfl_descriptor_set[];
extern const size_t cfl_descriptor_set_bytes;

struct cflight_reflection {
    const struct cflight_allocator *alloc;
    struct cfl_buf *sets; /* copies */
    size_t set_count;
    struct cfl_descriptors descriptors;
    struct cfl_buf services; /* of const char *, names of the descriptors' */
    bool is_open;
};

/* What a client asks. */
struct question {
    uint32_t field; /* 0: nothing that is known */
    struct cflight_bytes host;
    struct cflight_bytes value;
};

/* ---- answers ---- */

static cflight_status say_error(struct cfl_buf *answer, cflight_status code, const char *message)
{
    struct cfl_buf error;
    cfl_buf_init(&error, NULL);
    (void)cfl_buf_append_u8(&error, ERROR_CODE << 3 | CFL_WIRE_VARINT);
    (void)cfl_buf_append_varint(&error, (uint64_t)code);
    (void)cfl_field_write(&error, ERROR_MESSAGE, cflight_bytes_from_text(message));
    (void)cfl_field_write(answer, SAY_ERROR, cfl_buf_bytes(&error));
    answer->failed = answer->failed || error.failed;
    cfl_buf_done(&error);
    return CFLIGHT_OK;
}

/* A message in a field, also when it is empty: that the field is there says which answer it is. */
static void write_message(struct cfl_buf *target, uint32_t field, const struct cfl_buf *message)
{
    (void)cfl_buf_append_varint(target, cfl_field_tag(field));
    (void)cfl_buf_append_varint(target, message->len_bytes);
    (void)cfl_buf_append_bytes(target, cfl_buf_bytes(message));
    target->failed = target->failed || message->failed;
}

/* Writes a file and what it depends on, each once. */
static void write_files(const struct cfl_descriptors *descriptors, size_t index, uint8_t *is_seen,
                        struct cfl_buf *files)
{
    const struct cfl_descriptor_file *file = cfl_descriptors_file(descriptors, index);
    const struct cflight_bytes *names = (const void *)file->dependencies.data;
    if (is_seen[index] != 0) {
        return;
    }
    is_seen[index] = 1;
    (void)cfl_field_write(files, FILES_FILE, file->bytes);
    for (size_t i = 0; i < file->dependencies.len_bytes / sizeof *names; i++) {
        int64_t other = cfl_descriptors_by_name(descriptors, names[i]);
        if (other >= 0) {
            write_files(descriptors, (size_t)other, is_seen, files);
        }
    }
}

static cflight_status say_files(const cflight_reflection *reflection, int64_t index,
                                const char *missing, struct cfl_buf *answer, cflight_error **reterr)
{
    size_t file_count = cfl_descriptors_file_count(&reflection->descriptors);
    struct cfl_buf files;
    if (index < 0) {
        return say_error(answer, CFLIGHT_NOT_FOUND, missing);
    }
    uint8_t *is_seen = cfl_alloc_array(reflection->alloc, file_count, 1);
    if (is_seen == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_buf_init(&files, NULL);
    write_files(&reflection->descriptors, (size_t)index, is_seen, &files);
    write_message(answer, SAY_FILES, &files);
    cfl_buf_done(&files);
    cfl_free_array(reflection->alloc, is_seen, file_count, 1);
    return CFLIGHT_OK;
}

static void say_services(const cflight_reflection *reflection, struct cfl_buf *answer)
{
    const char *const *names = (const void *)reflection->services.data;
    struct cfl_buf list;
    struct cfl_buf service;
    cfl_buf_init(&list, NULL);
    cfl_buf_init(&service, NULL);
    for (size_t i = 0; i < reflection->services.len_bytes / sizeof *names; i++) {
        cfl_buf_clear(&service);
        (void)cfl_field_write(&service, SERVICE_NAME, cflight_bytes_from_text(names[i]));
        write_message(&list, SERVICES_SERVICE, &service);
    }
    write_message(answer, SAY_SERVICES, &list);
    cfl_buf_done(&service);
    cfl_buf_done(&list);
}

/* Calls `found` with each extension of a type. */
static void for_each_extension(const cflight_reflection *reflection, struct cflight_bytes type,
                               void (*found)(void *user_data, size_t file, uint32_t number),
                               void *user_data)
{
    const struct cfl_descriptors *descriptors = &reflection->descriptors;
    for (size_t i = 0; i < cfl_descriptors_file_count(descriptors); i++) {
        const struct cfl_buf *buf = &cfl_descriptors_file(descriptors, i)->extensions;
        const struct cfl_descriptor_extension *extensions = (const void *)buf->data;
        for (size_t j = 0; j < buf->len_bytes / sizeof *extensions; j++) {
            if (cflight_bytes_equal(extensions[j].extendee, type)) {
                found(user_data, i, extensions[j].number);
            }
        }
    }
}

static void write_number(void *user_data, size_t file, uint32_t number)
{
    struct cfl_buf *numbers = user_data;
    (void)file;
    (void)cfl_buf_append_u8(numbers, NUMBERS_NUMBER << 3 | CFL_WIRE_VARINT);
    (void)cfl_buf_append_varint(numbers, number);
}

static cflight_status say_numbers(const cflight_reflection *reflection, struct cflight_bytes type,
                                  struct cfl_buf *answer)
{
    struct cfl_buf numbers;
    if (cfl_descriptors_by_symbol(&reflection->descriptors, type) < 0) {
        return say_error(answer, CFLIGHT_NOT_FOUND, "no such message type");
    }
    cfl_buf_init(&numbers, NULL);
    (void)cfl_field_write(&numbers, NUMBERS_TYPE, type);
    for_each_extension(reflection, type, write_number, &numbers);
    write_message(answer, SAY_EXTENSION_NUMBERS, &numbers);
    cfl_buf_done(&numbers);
    return CFLIGHT_OK;
}

struct wanted {
    uint32_t number;
    int64_t file;
};

static void compare_number(void *user_data, size_t file, uint32_t number)
{
    struct wanted *wanted = user_data;
    if (number == wanted->number) {
        wanted->file = (int64_t)file;
    }
}

/* The file with an extension; -1 when there is none, or the request is malformed. */
static int64_t find_extension(const cflight_reflection *reflection, struct cflight_bytes request)
{
    struct cfl_cursor cursor = cfl_cursor_make(request);
    struct cflight_bytes type = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};
    struct wanted wanted = {.file = -1};
    uint64_t tag = 0;
    uint64_t number = 0;
    while (cfl_cursor_left(&cursor) > 0) {
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return -1;
        }
        struct cfl_cursor digits = cfl_cursor_make(value);
        if (tag == cfl_field_tag(EXTENSION_TYPE)) {
            type = value;
        } else if (tag == (EXTENSION_NUMBER << 3 | CFL_WIRE_VARINT) &&
                   cfl_cursor_varint(&digits, &number) == CFL_VARINT_OK) {
            wanted.number = (uint32_t)number;
        }
    }
    for_each_extension(reflection, type, compare_number, &wanted);
    return wanted.file;
}

/* ---- questions ---- */

static cflight_status read_question(struct cflight_bytes message, struct question *ret_question,
                                    cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    struct cflight_bytes value = {NULL, 0};
    uint64_t tag = 0;
    *ret_question = (struct question){.field = 0};
    while (cfl_cursor_left(&cursor) > 0) {
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                             "Not a valid ServerReflectionRequest: it is cut");
        }
        uint32_t field = (uint32_t)(tag >> 3);
        if (tag == cfl_field_tag(ASK_HOST)) {
            ret_question->host = value;
        } else if (tag == cfl_field_tag(field) && field >= ASK_FILE && field <= ASK_SERVICES) {
            ret_question->field = field; /* of several the last counts */
            ret_question->value = value;
        }
    }
    return CFLIGHT_OK;
}

static cflight_status answer_question(const cflight_reflection *reflection,
                                      const struct question *question, struct cfl_buf *answer,
                                      cflight_error **reterr)
{
    const struct cfl_descriptors *descriptors = &reflection->descriptors;
    switch (question->field) {
    case ASK_FILE:
        return say_files(reflection, cfl_descriptors_by_name(descriptors, question->value),
                         "no such file", answer, reterr);
    case ASK_SYMBOL:
        return say_files(reflection, cfl_descriptors_by_symbol(descriptors, question->value),
                         "no such symbol", answer, reterr);
    case ASK_EXTENSION:
        return say_files(reflection, find_extension(reflection, question->value),
                         "no such extension", answer, reterr);
    case ASK_EXTENSION_NUMBERS:
        return say_numbers(reflection, question->value, answer);
    case ASK_SERVICES:
        say_services(reflection, answer);
        return CFLIGHT_OK;
    default:
        return say_error(answer, CFLIGHT_INVALID_ARGUMENT, "nothing that is known was asked");
    }
}

static cflight_status answer_one(const cflight_reflection *reflection, struct cflight_bytes message,
                                 cflight_service_call *call, cflight_error **reterr)
{
    struct question question;
    struct cfl_buf answer;
    cflight_status status = read_question(message, &question, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_buf_init(&answer, reflection->alloc);
    (void)cfl_field_write(&answer, SAY_HOST, question.host);
    (void)cfl_field_write(&answer, SAY_REQUEST, message);
    status = answer_question(reflection, &question, &answer, reterr);
    if (status == CFLIGHT_OK) {
        status = answer.failed ? cfl_error_no_memory(reterr)
                               : cflight_service_call_write(call, cfl_buf_bytes(&answer), reterr);
    }
    cfl_buf_done(&answer);
    return status;
}

static cflight_status reflect(void *user_data, cflight_server_context *context,
                              cflight_service_call *call, cflight_error **reterr)
{
    cflight_buffer *message = NULL;
    cflight_status status = CFLIGHT_OK;
    (void)context;
    while (status == CFLIGHT_OK) {
        status = cflight_service_call_read(call, &message, reterr);
        if (status != CFLIGHT_OK || message == NULL) {
            break;
        }
        status = answer_one(user_data, cflight_buffer_bytes(message), call, reterr);
        cflight_buffer_unref(message);
        message = NULL;
    }
    return status;
}

/* ---- the service ---- */

void cflight_reflection_methods(
    cflight_reflection *reflection,
    struct cflight_service_method ret_methods[CFLIGHT_REFLECTION_METHODS])
{
    static const char *const paths[CFLIGHT_REFLECTION_METHODS] = {
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    };
    for (int i = 0; i < CFLIGHT_REFLECTION_METHODS; i++) {
        struct cflight_service_method method = CFLIGHT_SERVICE_METHOD_INIT;
        method.path = paths[i];
        method.client_streams = true;
        method.server_streams = true;
        method.is_open = reflection->is_open;
        method.message_bytes_max = REQUEST_BYTES_MAX;
        method.handler = reflect;
        method.user_data = reflection;
        ret_methods[i] = method;
    }
}

static cflight_status load_sets(cflight_reflection *reflection,
                                const struct cflight_reflection_options *options,
                                cflight_error **reterr)
{
    struct cflight_bytes own = {cfl_descriptor_set, cfl_descriptor_set_bytes};
    size_t count = options->descriptor_set_count;
    cflight_status status = cfl_descriptors_add(&reflection->descriptors, own, reterr);
    if (status != CFLIGHT_OK || count == 0) {
        return status;
    }
    if (options->descriptor_sets == NULL) {
        return cfl_error_null_argument(reterr, "descriptor_sets");
    }
    reflection->sets = cfl_alloc_array(reflection->alloc, count, sizeof *reflection->sets);
    if (reflection->sets == NULL) {
        return cfl_error_no_memory(reterr);
    }
    reflection->set_count = count;
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        struct cfl_buf *set = &reflection->sets[i];
        cfl_buf_init(set, reflection->alloc);
        status = cfl_buf_append_bytes(set, options->descriptor_sets[i])
                     ? cfl_descriptors_add(&reflection->descriptors, cfl_buf_bytes(set), reterr)
                     : cfl_error_no_memory(reterr);
    }
    return status;
}

static const struct cfl_descriptor_symbol *find_service(const struct cfl_descriptors *descriptors,
                                                        const char *name)
{
    for (size_t i = 0; i < cfl_descriptors_symbol_count(descriptors); i++) {
        const struct cfl_descriptor_symbol *symbol = cfl_descriptors_symbol(descriptors, i);
        if (symbol->is_service && strcmp(symbol->name, name) == 0) {
            return symbol;
        }
    }
    return NULL;
}

static cflight_status list_service(cflight_reflection *reflection, const char *name,
                                   cflight_error **reterr)
{
    const struct cfl_descriptor_symbol *symbol = find_service(&reflection->descriptors, name);
    if (symbol == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "no descriptor set describes a service '%s'", name);
    }
    return cfl_buf_append(&reflection->services, &symbol->name, sizeof symbol->name)
               ? CFLIGHT_OK
               : cfl_error_no_memory(reterr);
}

static cflight_status load_services(cflight_reflection *reflection,
                                    const struct cflight_reflection_options *options,
                                    cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (options->services != NULL) {
        for (size_t i = 0; i < options->service_count && status == CFLIGHT_OK; i++) {
            status = options->services[i] == NULL
                         ? cfl_error_null_argument(reterr, "services")
                         : list_service(reflection, options->services[i], reterr);
        }
        return status;
    }
    for (size_t i = 0; i < cfl_descriptors_symbol_count(&reflection->descriptors); i++) {
        const struct cfl_descriptor_symbol *symbol =
            cfl_descriptors_symbol(&reflection->descriptors, i);
        bool is_left_out =
            options->has_no_health && strcmp(symbol->name, "grpc.health.v1.Health") == 0;
        if (status == CFLIGHT_OK && symbol->is_service && !is_left_out) {
            status = list_service(reflection, symbol->name, reterr);
        }
    }
    return status;
}

cflight_status cflight_reflection_new(const struct cflight_reflection_options *options,
                                      cflight_reflection **ret_reflection, cflight_error **reterr)
{
    struct cflight_reflection_options loaded;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_reflection));
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_reflection *reflection = cfl_alloc_zeroed(loaded.allocator, sizeof *reflection);
    if (reflection == NULL) {
        return cfl_error_no_memory(reterr);
    }
    reflection->alloc = loaded.allocator;
    reflection->is_open = loaded.is_open;
    cfl_descriptors_init(&reflection->descriptors, loaded.allocator);
    cfl_buf_init(&reflection->services, loaded.allocator);
    status = load_sets(reflection, &loaded, reterr);
    if (status == CFLIGHT_OK) {
        status = load_services(reflection, &loaded, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_reflection_free(reflection);
        return status;
    }
    *ret_reflection = reflection;
    return CFLIGHT_OK;
}

void cflight_reflection_free(cflight_reflection *reflection)
{
    if (reflection == NULL) {
        return;
    }
    for (size_t i = 0; i < reflection->set_count; i++) {
        cfl_buf_done(&reflection->sets[i]);
    }
    cfl_free_array(reflection->alloc, reflection->sets, reflection->set_count,
                   sizeof *reflection->sets);
    cfl_buf_done(&reflection->services);
    cfl_descriptors_done(&reflection->descriptors);
    cfl_free(reflection->alloc, reflection, sizeof *reflection);
}
