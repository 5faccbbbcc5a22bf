/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over descriptor sets, which notes the names in them.
 *
 * The sets come from the library itself or from the application, not from a peer; what is malformed
 * is refused all the same. Names of nested things are put together on the way down, in one buffer
 * that grows and shrinks. */
#include "flight/kit/descriptors.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pb/field.h"

enum {
    DEPTH_MAX = 32, /* of messages in messages */
    /* FileDescriptorSet */
    SET_FILE = 1,
    /* FileDescriptorProto */
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    FILE_EXTENSION = 7,
    /* DescriptorProto, EnumDescriptorProto, ServiceDescriptorProto, FieldDescriptorProto */
    ANY_NAME = 1,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    MESSAGE_EXTENSION = 6,
    SERVICE_METHOD = 2,
    FIELD_EXTENDEE = 2,
    FIELD_NUMBER = 3,
};

/* The file that is being walked. */
struct walk {
    struct cfl_descriptors *descriptors;
    struct cfl_descriptor_file file;
    uint32_t file_number;
    struct cfl_buf name; /* of where the walk is */
    cflight_error **reterr;
};

/* The tag of a field that has a length. */
static bool is_field(uint64_t tag, uint32_t field)
{
    return tag == cfl_field_tag(field);
}

static cflight_status fail(struct walk *walk)
{
    return cflight_error_set_message(walk->reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "Not a valid FileDescriptorSet: a message in it is cut or "
                                     "nested too deeply");
}

/* The last value of a field that has a length; empty when it is absent. */
static bool find_field(struct cflight_bytes message, uint32_t field,
                       struct cflight_bytes *ret_value)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    struct cflight_bytes value = {NULL, 0};
    uint64_t tag = 0;
    *ret_value = (struct cflight_bytes){NULL, 0};
    while (cfl_cursor_left(&cursor) > 0) {
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return false;
        }
        if (is_field(tag, field)) {
            *ret_value = value;
        }
    }
    return true;
}

/* ---- names ---- */

/* Goes down into something that has a name; gives the length to come back to. */
static size_t enter(struct walk *walk, struct cflight_bytes name)
{
    size_t before = walk->name.len_bytes;
    if (before > 0) {
        (void)cfl_buf_append_u8(&walk->name, '.');
    }
    (void)cfl_buf_append_bytes(&walk->name, name);
    return before;
}

static void leave(struct walk *walk, size_t before)
{
    walk->name.len_bytes = before;
}

static cflight_status note(struct walk *walk, bool is_service)
{
    struct cfl_descriptors *descriptors = walk->descriptors;
    struct cfl_descriptor_symbol symbol = {.file = walk->file_number, .is_service = is_service};
    if (!walk->name.failed) {
        symbol.name =
            cfl_strndup(descriptors->alloc, (const char *)walk->name.data, walk->name.len_bytes);
    }
    if (symbol.name == NULL || !cfl_buf_append(&descriptors->symbols, &symbol, sizeof symbol)) {
        cfl_strfree(descriptors->alloc, symbol.name);
        return cfl_error_no_memory(walk->reterr);
    }
    return CFLIGHT_OK;
}

/* Notes something whose name is in it, and nothing else of it. */
static cflight_status note_leaf(struct walk *walk, struct cflight_bytes message)
{
    struct cflight_bytes name = {NULL, 0};
    if (!find_field(message, ANY_NAME, &name)) {
        return fail(walk);
    }
    size_t before = enter(walk, name);
    cflight_status status = note(walk, false);
    leave(walk, before);
    return status;
}

static cflight_status note_extension(struct walk *walk, struct cflight_bytes message)
{
    struct cfl_descriptor_extension extension = {.number = 0};
    struct cfl_cursor cursor = cfl_cursor_make(message);
    struct cflight_bytes value = {NULL, 0};
    uint64_t tag = 0;
    uint64_t number = 0;
    while (cfl_cursor_left(&cursor) > 0) {
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return fail(walk);
        }
        if (is_field(tag, FIELD_EXTENDEE)) {
            extension.extendee = value;
        } else if (tag == ((uint64_t)FIELD_NUMBER << 3 | CFL_WIRE_VARINT)) {
            struct cfl_cursor digits = cfl_cursor_make(value);
            if (cfl_cursor_varint(&digits, &number) != CFL_VARINT_OK) {
                return fail(walk);
            }
            extension.number = (uint32_t)number;
        }
    }
    if (extension.extendee.len_bytes > 0 && extension.extendee.data[0] == '.') {
        extension.extendee.data++;
        extension.extendee.len_bytes--;
    }
    if (!cfl_buf_append(&walk->file.extensions, &extension, sizeof extension)) {
        return cfl_error_no_memory(walk->reterr);
    }
    return note_leaf(walk, message);
}

/* ---- the walk ---- */

static cflight_status walk_service(struct walk *walk, struct cflight_bytes message)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    struct cflight_bytes value = {NULL, 0};
    uint64_t tag = 0;
    if (!find_field(message, ANY_NAME, &value)) {
        return fail(walk);
    }
    size_t before = enter(walk, value);
    cflight_status status = note(walk, true);
    while (status == CFLIGHT_OK && cfl_cursor_left(&cursor) > 0) {
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return fail(walk);
        }
        if (is_field(tag, SERVICE_METHOD)) {
            status = note_leaf(walk, value);
        }
    }
    leave(walk, before);
    return status;
}

static cflight_status walk_message(struct walk *walk, struct cflight_bytes message, int depth)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    struct cflight_bytes value = {NULL, 0};
    uint64_t tag = 0;
    if (depth >= DEPTH_MAX || !find_field(message, ANY_NAME, &value)) {
        return fail(walk);
    }
    size_t before = enter(walk, value);
    cflight_status status = note(walk, false);
    while (status == CFLIGHT_OK && cfl_cursor_left(&cursor) > 0) {
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return fail(walk);
        }
        if (is_field(tag, MESSAGE_NESTED)) {
            status = walk_message(walk, value, depth + 1);
        } else if (is_field(tag, MESSAGE_ENUM)) {
            status = note_leaf(walk, value);
        } else if (is_field(tag, MESSAGE_EXTENSION)) {
            status = note_extension(walk, value);
        }
    }
    leave(walk, before);
    return status;
}

static cflight_status walk_part(struct walk *walk, uint64_t tag, struct cflight_bytes value)
{
    if (is_field(tag, FILE_DEPENDENCY)) {
        return cfl_buf_append(&walk->file.dependencies, &value, sizeof value)
                   ? CFLIGHT_OK
                   : cfl_error_no_memory(walk->reterr);
    }
    if (is_field(tag, FILE_MESSAGE)) {
        return walk_message(walk, value, 0);
    }
    if (is_field(tag, FILE_ENUM)) {
        return note_leaf(walk, value);
    }
    if (is_field(tag, FILE_SERVICE)) {
        return walk_service(walk, value);
    }
    return is_field(tag, FILE_EXTENSION) ? note_extension(walk, value) : CFLIGHT_OK;
}

static cflight_status walk_file(struct walk *walk)
{
    struct cfl_cursor cursor = cfl_cursor_make(walk->file.bytes);
    struct cflight_bytes value = {NULL, 0};
    uint64_t tag = 0;
    cflight_status status = CFLIGHT_OK;
    if (!find_field(walk->file.bytes, FILE_PACKAGE, &value)) {
        return fail(walk);
    }
    (void)enter(walk, value);
    while (status == CFLIGHT_OK && cfl_cursor_left(&cursor) > 0) {
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return fail(walk);
        }
        status = walk_part(walk, tag, value);
    }
    return status;
}

static void file_done(struct cfl_descriptor_file *file)
{
    cfl_buf_done(&file->dependencies);
    cfl_buf_done(&file->extensions);
}

static cflight_status add_file(struct cfl_descriptors *descriptors, struct cflight_bytes bytes,
                               cflight_error **reterr)
{
    struct walk walk = {
        .descriptors = descriptors,
        .file = {.bytes = bytes},
        .file_number = (uint32_t)cfl_descriptors_file_count(descriptors),
        .reterr = reterr,
    };
    if (!find_field(bytes, FILE_NAME, &walk.file.name)) {
        return fail(&walk);
    }
    if (cfl_descriptors_by_name(descriptors, walk.file.name) >= 0) {
        return CFLIGHT_OK;
    }
    cfl_buf_init(&walk.file.dependencies, descriptors->alloc);
    cfl_buf_init(&walk.file.extensions, descriptors->alloc);
    cfl_buf_init(&walk.name, descriptors->alloc);
    cflight_status status = walk_file(&walk);
    if (status == CFLIGHT_OK &&
        !cfl_buf_append(&descriptors->files, &walk.file, sizeof walk.file)) {
        status = cfl_error_no_memory(reterr);
    }
    if (status != CFLIGHT_OK) {
        file_done(&walk.file);
    }
    cfl_buf_done(&walk.name);
    return status;
}

cflight_status cfl_descriptors_add(struct cfl_descriptors *descriptors, struct cflight_bytes set,
                                   cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(set);
    struct cflight_bytes value = {NULL, 0};
    uint64_t tag = 0;
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK && cfl_cursor_left(&cursor) > 0) {
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                             "Not a valid FileDescriptorSet: it is cut");
        }
        if (is_field(tag, SET_FILE)) {
            status = add_file(descriptors, value, reterr);
        }
    }
    return status;
}

/* ---- what was noted ---- */

void cfl_descriptors_init(struct cfl_descriptors *descriptors,
                          const struct cflight_allocator *alloc)
{
    descriptors->alloc = alloc;
    cfl_buf_init(&descriptors->files, alloc);
    cfl_buf_init(&descriptors->symbols, alloc);
}

void cfl_descriptors_done(struct cfl_descriptors *descriptors)
{
    for (size_t i = 0; i < cfl_descriptors_file_count(descriptors); i++) {
        file_done((struct cfl_descriptor_file *)(uintptr_t)cfl_descriptors_file(descriptors, i));
    }
    for (size_t i = 0; i < cfl_descriptors_symbol_count(descriptors); i++) {
        cfl_strfree(descriptors->alloc, cfl_descriptors_symbol(descriptors, i)->name);
    }
    cfl_buf_done(&descriptors->files);
    cfl_buf_done(&descriptors->symbols);
}

size_t cfl_descriptors_file_count(const struct cfl_descriptors *descriptors)
{
    return descriptors->files.len_bytes / sizeof(struct cfl_descriptor_file);
}

const struct cfl_descriptor_file *cfl_descriptors_file(const struct cfl_descriptors *descriptors,
                                                       size_t index)
{
    return &((const struct cfl_descriptor_file *)(const void *)descriptors->files.data)[index];
}

size_t cfl_descriptors_symbol_count(const struct cfl_descriptors *descriptors)
{
    return descriptors->symbols.len_bytes / sizeof(struct cfl_descriptor_symbol);
}

const struct cfl_descriptor_symbol *cfl_descriptors_symbol(
    const struct cfl_descriptors *descriptors, size_t index)
{
    return &((const struct cfl_descriptor_symbol *)(const void *)descriptors->symbols.data)[index];
}

int64_t cfl_descriptors_by_name(const struct cfl_descriptors *descriptors,
                                struct cflight_bytes name)
{
    for (size_t i = 0; i < cfl_descriptors_file_count(descriptors); i++) {
        if (cflight_bytes_equal(cfl_descriptors_file(descriptors, i)->name, name)) {
            return (int64_t)i;
        }
    }
    return -1;
}

int64_t cfl_descriptors_by_symbol(const struct cfl_descriptors *descriptors,
                                  struct cflight_bytes symbol)
{
    for (size_t i = 0; i < cfl_descriptors_symbol_count(descriptors); i++) {
        const struct cfl_descriptor_symbol *known = cfl_descriptors_symbol(descriptors, i);
        if (cflight_bytes_equal(cflight_bytes_from_text(known->name), symbol)) {
            return known->file;
        }
    }
    return -1;
}
