/* SPDX-License-Identifier: Apache-2.0 */
/* The flatbuffer reader.
 *
 * Invariant: a cfl_fb_table with a reader has its vtable and its inline part inside the buffer; a
 * cfl_fb_vector has all its elements inside. Both are checked where they are made, and every scalar
 * is read through a cursor besides. Owner: nobody, all are views. Thread class: one at a time.
 * (FlatBuffers internals: "Tables", "Vectors", "Strings") */
#include "ipc/fb_reader.h"

#include <string.h>

#include "base/cursor.h"

enum {
    OFFSET_BYTES = 4,
    VTABLE_HEADER_BYTES = 4,
    VTABLE_ENTRY_BYTES = 2,
};

/* Strings and vectors may be shared by many tables; what is handed out in all is bounded by a
 * multiple of the input. */
#define BUDGET_BYTES_MIN (UINT64_C(64) << 20)
#define BUDGET_FACTOR 8

static void set_problem(struct cfl_fb *fb, const char *problem)
{
    if (fb->problem == NULL) {
        fb->problem = problem;
    }
}

void cfl_fb_init(struct cfl_fb *fb, struct cflight_bytes bytes)
{
    fb->bytes = bytes;
    fb->budget_bytes = (uint64_t)bytes.len_bytes * BUDGET_FACTOR;
    if (fb->budget_bytes < BUDGET_BYTES_MIN) {
        fb->budget_bytes = BUDGET_BYTES_MIN;
    }
    fb->problem = NULL;
}

/* A cursor at `offset`; at the end, where every read fails, when the offset is outside. */
static struct cfl_cursor cursor_at(const struct cfl_fb *fb, size_t offset)
{
    struct cfl_cursor cursor = cfl_cursor_make(fb->bytes);
    cursor.offset = offset < cursor.len_bytes ? offset : cursor.len_bytes;
    return cursor;
}

static uint16_t load_u16(struct cfl_fb *fb, size_t offset)
{
    struct cfl_cursor cursor = cursor_at(fb, offset);
    uint16_t value = 0;
    if (!cfl_cursor_u16le(&cursor, &value)) {
        set_problem(fb, "a 16-bit field lies past the end");
    }
    return value;
}

static uint32_t load_u32(struct cfl_fb *fb, size_t offset)
{
    struct cfl_cursor cursor = cursor_at(fb, offset);
    uint32_t value = 0;
    if (!cfl_cursor_u32le(&cursor, &value)) {
        set_problem(fb, "a 32-bit field lies past the end");
    }
    return value;
}

static uint64_t load_u64(struct cfl_fb *fb, size_t offset)
{
    struct cfl_cursor cursor = cursor_at(fb, offset);
    uint64_t value = 0;
    if (!cfl_cursor_u64le(&cursor, &value)) {
        set_problem(fb, "a 64-bit field lies past the end");
    }
    return value;
}

/* Follows the unsigned offset stored at `offset`. Returns false, with the problem set, when it
 * leads outside or nowhere. */
static bool follow(struct cfl_fb *fb, size_t offset, size_t *ret_target)
{
    uint32_t distance = load_u32(fb, offset);
    if (fb->problem != NULL) {
        return false;
    }
    if (distance < OFFSET_BYTES || distance > fb->bytes.len_bytes - offset) {
        set_problem(fb, "an offset points outside the buffer");
        return false;
    }
    *ret_target = offset + distance;
    return true;
}

static struct cfl_fb_table absent_table(void)
{
    struct cfl_fb_table table = {0};
    return table;
}

/* The table at `offset`, with its vtable checked. */
static struct cfl_fb_table table_at(struct cfl_fb *fb, size_t offset)
{
    struct cfl_fb_table table = {.fb = fb, .offset = offset};
    int32_t distance = (int32_t)load_u32(fb, offset);
    if (fb->problem != NULL) {
        return absent_table();
    }
    int64_t vtable_offset = (int64_t)offset - distance;
    int64_t len_bytes = (int64_t)fb->bytes.len_bytes;
    if (vtable_offset < 0 || vtable_offset > len_bytes - VTABLE_HEADER_BYTES) {
        set_problem(fb, "a vtable lies outside the buffer");
        return absent_table();
    }
    table.vtable_offset = (size_t)vtable_offset;
    table.vtable_len_bytes = load_u16(fb, table.vtable_offset);
    table.len_bytes = load_u16(fb, table.vtable_offset + VTABLE_ENTRY_BYTES);
    if (table.vtable_len_bytes < VTABLE_HEADER_BYTES ||
        table.vtable_len_bytes % VTABLE_ENTRY_BYTES != 0 ||
        table.vtable_len_bytes > fb->bytes.len_bytes - table.vtable_offset) {
        set_problem(fb, "a vtable has an impossible length");
        return absent_table();
    }
    if (table.len_bytes < OFFSET_BYTES || table.len_bytes > fb->bytes.len_bytes - offset) {
        set_problem(fb, "a table has an impossible length");
        return absent_table();
    }
    return table;
}

struct cfl_fb_table cfl_fb_root(struct cfl_fb *fb)
{
    size_t offset = 0;
    if (!follow(fb, 0, &offset)) {
        return absent_table();
    }
    return table_at(fb, offset);
}

/* Finds where a field of `width_bytes` is; false when it is absent or outside its table. */
static bool find_field(const struct cfl_fb_table *table, unsigned int field, size_t width_bytes,
                       size_t *ret_offset)
{
    if (!cfl_fb_is_present(table)) {
        return false;
    }
    size_t entry = VTABLE_HEADER_BYTES + (size_t)field * VTABLE_ENTRY_BYTES;
    if (entry + VTABLE_ENTRY_BYTES > table->vtable_len_bytes) {
        return false;
    }
    uint16_t place = load_u16(table->fb, table->vtable_offset + entry);
    if (place == 0) {
        return false;
    }
    if (place < OFFSET_BYTES || place + width_bytes > table->len_bytes) {
        set_problem(table->fb, "a field lies outside its table");
        return false;
    }
    *ret_offset = table->offset + place;
    return true;
}

uint8_t cfl_fb_u8(const struct cfl_fb_table *table, unsigned int field, uint8_t fallback)
{
    size_t offset = 0;
    if (!find_field(table, field, sizeof(uint8_t), &offset)) {
        return fallback;
    }
    struct cfl_cursor cursor = cursor_at(table->fb, offset);
    uint8_t value = fallback;
    if (!cfl_cursor_u8(&cursor, &value)) {
        set_problem(table->fb, "an 8-bit field lies past the end");
    }
    return value;
}

bool cfl_fb_bool(const struct cfl_fb_table *table, unsigned int field)
{
    return cfl_fb_u8(table, field, 0) != 0;
}

int16_t cfl_fb_i16(const struct cfl_fb_table *table, unsigned int field, int16_t fallback)
{
    size_t offset = 0;
    if (!find_field(table, field, sizeof(int16_t), &offset)) {
        return fallback;
    }
    return (int16_t)load_u16(table->fb, offset);
}

int32_t cfl_fb_i32(const struct cfl_fb_table *table, unsigned int field, int32_t fallback)
{
    size_t offset = 0;
    if (!find_field(table, field, sizeof(int32_t), &offset)) {
        return fallback;
    }
    return (int32_t)load_u32(table->fb, offset);
}

int64_t cfl_fb_i64(const struct cfl_fb_table *table, unsigned int field, int64_t fallback)
{
    size_t offset = 0;
    if (!find_field(table, field, sizeof(int64_t), &offset)) {
        return fallback;
    }
    return (int64_t)load_u64(table->fb, offset);
}

size_t cfl_fb_i64_place(const struct cfl_fb_table *table, unsigned int field)
{
    size_t offset = 0;
    return find_field(table, field, sizeof(int64_t), &offset) ? offset : 0;
}

struct cfl_fb_table cfl_fb_table_field(const struct cfl_fb_table *table, unsigned int field)
{
    size_t offset = 0;
    size_t target = 0;
    if (!find_field(table, field, OFFSET_BYTES, &offset) || !follow(table->fb, offset, &target)) {
        return absent_table();
    }
    return table_at(table->fb, target);
}

struct cfl_fb_vector cfl_fb_vector_field(const struct cfl_fb_table *table, unsigned int field,
                                         size_t element_bytes)
{
    struct cfl_fb_vector vector = {.element_bytes = element_bytes};
    size_t offset = 0;
    size_t target = 0;
    if (!find_field(table, field, OFFSET_BYTES, &offset) || !follow(table->fb, offset, &target)) {
        return vector;
    }
    struct cfl_fb *fb = table->fb;
    uint64_t count = load_u32(fb, target);
    if (fb->problem != NULL) {
        return vector;
    }
    uint64_t len_bytes = count * element_bytes;
    if (len_bytes > fb->bytes.len_bytes - target - OFFSET_BYTES) {
        set_problem(fb, "a vector reaches past the end");
        return vector;
    }
    if (len_bytes > fb->budget_bytes) {
        set_problem(fb, "parts are shared too often");
        return vector;
    }
    fb->budget_bytes -= len_bytes;
    vector.fb = fb;
    vector.offset = target + OFFSET_BYTES;
    vector.count = (size_t)count;
    return vector;
}

struct cflight_bytes cfl_fb_string(const struct cfl_fb_table *table, unsigned int field)
{
    struct cfl_fb_vector vector = cfl_fb_vector_field(table, field, 1);
    if (vector.fb == NULL) {
        return cflight_bytes_make(NULL, 0);
    }
    return cflight_bytes_make(vector.fb->bytes.data + vector.offset, vector.count);
}

struct cfl_fb_table cfl_fb_vector_table(const struct cfl_fb_vector *vector, size_t index)
{
    size_t target = 0;
    if (!follow(vector->fb, vector->offset + index * vector->element_bytes, &target)) {
        return absent_table();
    }
    return table_at(vector->fb, target);
}

int32_t cfl_fb_vector_i32(const struct cfl_fb_vector *vector, size_t index, size_t byte)
{
    return (int32_t)load_u32(vector->fb, vector->offset + index * vector->element_bytes + byte);
}

int64_t cfl_fb_vector_i64(const struct cfl_fb_vector *vector, size_t index, size_t byte)
{
    return (int64_t)load_u64(vector->fb, vector->offset + index * vector->element_bytes + byte);
}
