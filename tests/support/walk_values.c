/* SPDX-License-Identifier: Apache-2.0 */
/* The trusting consumer. It knows arrays by format strings only, independent of the library's own
 * tree. */
#include "walk_values.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflight/ipc.h"

enum { ROWS_MAX = 4096, BYTES_MAX = 4096, BATCHES_MAX = 256 };

/* Keeps the compiler from leaving reads out. */
static volatile uint8_t sink;

static void touch(const uint8_t *data, int64_t len_bytes)
{
    uint8_t sum = 0;
    if (len_bytes <= 0) {
        return;
    }
    for (int64_t i = 0; i < len_bytes && i < BYTES_MAX; i++) {
        sum = (uint8_t)(sum + data[i]);
    }
    sink = (uint8_t)(sum + data[len_bytes - 1]);
}

static bool is_valid(const struct ArrowArray *array, int64_t at)
{
    const uint8_t *bits = array->n_buffers > 0 ? array->buffers[0] : NULL;
    return bits == NULL || ((bits[at / 8] >> (at % 8)) & 1) != 0;
}

static void walk_value(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t at,
                       int depth);

static void walk_range(const struct ArrowSchema *schema, const struct ArrowArray *array,
                       int64_t first, int64_t last, int depth)
{
    for (int64_t i = first; i < last && i < first + ROWS_MAX && depth < 4; i++) {
        walk_value(schema, array, array->offset + i, depth);
    }
    if (last > first) {
        walk_value(schema, array, array->offset + last - 1, depth);
    }
}

static int64_t number_at(const void *values, int64_t width_bytes, bool is_signed, int64_t at)
{
    switch (width_bytes) {
    case 1:
        return is_signed ? (int64_t)((const int8_t *)values)[at]
                         : (int64_t)((const uint8_t *)values)[at];
    case 2:
        return is_signed ? (int64_t)((const int16_t *)values)[at]
                         : (int64_t)((const uint16_t *)values)[at];
    case 4:
        return is_signed ? (int64_t)((const int32_t *)values)[at]
                         : (int64_t)((const uint32_t *)values)[at];
    default:
        return ((const int64_t *)values)[at];
    }
}

static int64_t int_width(char format)
{
    switch (format) {
    case 'c':
    case 'C':
        return 1;
    case 's':
    case 'S':
        return 2;
    case 'i':
    case 'I':
        return 4;
    default:
        return 8;
    }
}

/* Bytes of a value of a fixed-width format; 0 for others. */
static int64_t fixed_width(const char *format)
{
    static const char ONE_LETTER[] = "cCsSiIlLefg";
    static const int64_t WIDTHS[] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
    const char *found = strchr(ONE_LETTER, format[0]);
    if (format[1] == '\0' && found != NULL) {
        return WIDTHS[found - ONE_LETTER];
    }
    if (format[0] == 'w') {
        return strtol(format + 2, NULL, 10);
    }
    if (format[0] == 'd') {
        const char *bits = strrchr(format, ',');
        bool has_bits = bits != NULL && strchr(format, ',') != bits;
        return has_bits ? strtol(bits + 1, NULL, 10) / 8 : 16;
    }
    if (format[0] == 't') {
        bool is_short = strncmp(format, "tdD", 3) == 0 || strncmp(format, "tts", 3) == 0 ||
                        strncmp(format, "ttm", 3) == 0 || strncmp(format, "tiM", 3) == 0;
        return is_short ? 4 : strncmp(format, "tin", 3) == 0 ? 16 : 8;
    }
    return 0;
}

static void walk_view(const struct ArrowArray *array, int64_t at)
{
    struct {
        int32_t len_bytes;
        int32_t prefix;
        int32_t buffer_index;
        int32_t offset;
    } view;
    memcpy(&view, (const uint8_t *)array->buffers[1] + at * 16, sizeof view);
    if (view.len_bytes > 12) {
        touch((const uint8_t *)array->buffers[2 + view.buffer_index] + view.offset, view.len_bytes);
    }
}

static void walk_list(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t at,
                      int depth)
{
    bool is_large =
        schema->format[1] == 'L' || (schema->format[1] == 'v' && schema->format[2] == 'L');
    int64_t width = is_large ? 8 : 4;
    int64_t first = number_at(array->buffers[1], width, true, at);
    int64_t last = schema->format[1] == 'v' ? first + number_at(array->buffers[2], width, true, at)
                                            : number_at(array->buffers[1], width, true, at + 1);
    walk_range(schema->children[0], array->children[0], first, last, depth + 1);
}

static void walk_union(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t at,
                       int depth)
{
    int8_t id = ((const int8_t *)array->buffers[0])[at];
    const char *ids = strchr(schema->format, ':');
    int64_t child = 0;
    while (ids != NULL && strtol(ids + 1, NULL, 10) != id) {
        ids = strchr(ids + 1, ',');
        child++;
    }
    if (ids == NULL) {
        abort();
    }
    int64_t child_at = schema->format[2] == 'd' ? ((const int32_t *)array->buffers[1])[at] : at;
    walk_range(schema->children[child], array->children[child], child_at, child_at + 1, depth + 1);
}

static void walk_run(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t at,
                     int depth)
{
    const struct ArrowArray *run_ends = array->children[0];
    int64_t width = int_width(schema->children[0]->format[0]);
    int64_t run = 0;
    while (number_at(run_ends->buffers[1], width, true, run_ends->offset + run) <= at) {
        run++;
    }
    walk_range(schema->children[1], array->children[1], run, run + 1, depth + 1);
}

static void walk_nested(const struct ArrowSchema *schema, const struct ArrowArray *array,
                        int64_t at, int depth)
{
    switch (schema->format[1]) {
    case 's':
        for (int64_t i = 0; i < schema->n_children; i++) {
            walk_range(schema->children[i], array->children[i], at, at + 1, depth + 1);
        }
        break;
    case 'w': {
        int64_t size = strtol(schema->format + 3, NULL, 10);
        walk_range(schema->children[0], array->children[0], at * size, (at + 1) * size, depth + 1);
        break;
    }
    case 'u':
        walk_union(schema, array, at, depth);
        break;
    case 'r':
        walk_run(schema, array, at, depth);
        break;
    default:
        walk_list(schema, array, at, depth);
        break;
    }
}

/* `at` counts from the beginning of the buffers. */
static void walk_value(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t at,
                       int depth)
{
    char letter = schema->format[0];
    bool has_validity =
        strncmp(schema->format, "+u", 2) != 0 && strncmp(schema->format, "+r", 2) != 0;
    if (letter == 'n' || (has_validity && !is_valid(array, at))) {
        return;
    }
    if (schema->dictionary != NULL) {
        int64_t index = number_at(array->buffers[1], int_width(letter), letter >= 'a', at);
        walk_range(schema->dictionary, array->dictionary, index, index + 1, depth + 1);
        return;
    }
    if (letter == '+') {
        walk_nested(schema, array, at, depth);
        return;
    }
    if (letter == 'b') {
        touch((const uint8_t *)array->buffers[1] + at / 8, 1);
        return;
    }
    if (letter == 'v') {
        walk_view(array, at);
        return;
    }
    if (strchr("uUzZ", letter) != NULL) {
        int64_t width = letter == 'U' || letter == 'Z' ? 8 : 4;
        int64_t first = number_at(array->buffers[1], width, true, at);
        touch((const uint8_t *)array->buffers[2] + first,
              number_at(array->buffers[1], width, true, at + 1) - first);
        return;
    }
    touch((const uint8_t *)array->buffers[1] + at * fixed_width(schema->format),
          fixed_width(schema->format));
}

void t_walk_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch)
{
    cflight_error *error = NULL;
    if (cflight_array_validate(schema, batch, &error) != CFLIGHT_OK) {
        fprintf(stderr, "the reader accepts what validation refuses: %s\n",
                cflight_error_message(error));
        abort();
    }
    for (int64_t i = 0; i < batch->n_children; i++) {
        walk_range(schema->children[i], batch->children[i], 0, batch->children[i]->length, 0);
    }
}

void t_walk_stream(struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema;
    if (stream->get_schema(stream, &schema) != 0) {
        stream->release(stream);
        return;
    }
    for (int i = 0; i < BATCHES_MAX; i++) {
        struct ArrowArray batch = {0};
        if (stream->get_next(stream, &batch) != 0 || batch.release == NULL) {
            break;
        }
        t_walk_batch(&schema, &batch);
        batch.release(&batch);
    }
    schema.release(&schema);
    stream->release(stream);
}
