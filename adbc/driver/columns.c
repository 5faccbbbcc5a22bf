/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of listings. Thread class: one at a time. */
#include "adbc/driver/columns.h"

#include <string.h>

AdbcStatusCode adbc_column_find(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                const char *name, const char *formats,
                                struct adbc_column *ret_column, struct AdbcError *error)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        if (field->name == NULL || strcmp(field->name, name) != 0) {
            continue;
        }
        if (strlen(field->format) != 1 || strchr(formats, field->format[0]) == NULL ||
            field->dictionary != NULL) {
            return adbc_fail(error, ADBC_STATUS_INTERNAL,
                             "the server's listing has a column '%s' of the type '%s'", name,
                             field->format);
        }
        ret_column->field = field;
        ret_column->array = batch->children[i];
        ret_column->first = batch->offset + batch->children[i]->offset;
        return ADBC_STATUS_OK;
    }
    return adbc_fail(error, ADBC_STATUS_INTERNAL, "the server's listing has no column '%s'", name);
}

static bool is_null(const struct adbc_column *column, int64_t place)
{
    const uint8_t *bits = column->array->buffers[0];
    return bits != NULL && (bits[place / 8] >> (place % 8) & 1) == 0;
}

struct cflight_bytes adbc_column_text(const struct adbc_column *column, int64_t row)
{
    int64_t place = column->first + row;
    const uint8_t *data = column->array->buffers[2];
    int64_t start = 0;
    int64_t end = 0;
    if (is_null(column, place)) {
        return cflight_bytes_make(NULL, 0);
    }
    if (column->field->format[0] == 'u' || column->field->format[0] == 'z') {
        const int32_t *offsets = column->array->buffers[1];
        start = offsets[place];
        end = offsets[place + 1];
    } else {
        const int64_t *offsets = column->array->buffers[1];
        start = offsets[place];
        end = offsets[place + 1];
    }
    return start == end ? cflight_bytes_from_text("")
                        : cflight_bytes_make(data + start, (size_t)(end - start));
}

int32_t adbc_column_int(const struct adbc_column *column, int64_t row)
{
    int64_t place = column->first + row;
    const int32_t *values = column->array->buffers[1];
    return is_null(column, place) ? 0 : values[place];
}

int adbc_text_compare(struct cflight_bytes a, struct cflight_bytes b)
{
    if (a.data == NULL || b.data == NULL) {
        return (a.data != NULL) - (b.data != NULL);
    }
    size_t len_bytes = a.len_bytes < b.len_bytes ? a.len_bytes : b.len_bytes;
    int order = memcmp(a.data, b.data, len_bytes);
    return order != 0 ? order : (a.len_bytes > b.len_bytes) - (a.len_bytes < b.len_bytes);
}

void adbc_append_text(cflight_column *column, struct cflight_bytes text)
{
    if (text.data == NULL) {
        cflight_append_null(column);
    } else {
        cflight_append_bytes(column, text);
    }
}

AdbcStatusCode adbc_rows_explain(struct ArrowArrayStream *stream, struct AdbcError *error)
{
    cflight_error *cause = cflight_fetch_error(stream);
    if (cause != NULL) {
        return adbc_fail_by(error, cause);
    }
    const char *text = stream->get_last_error(stream);
    return adbc_fail(error, ADBC_STATUS_IO, "%s",
                     text == NULL ? "the stream gave no reason" : text);
}

AdbcStatusCode adbc_rows_each(struct ArrowArrayStream *stream, adbc_batch_fn take, void *user_data,
                              struct AdbcError *error)
{
    struct ArrowSchema schema = {.release = NULL};
    bool is_end = false;
    AdbcStatusCode code = stream->get_schema(stream, &schema) == 0
                              ? ADBC_STATUS_OK
                              : adbc_rows_explain(stream, error);
    while (code == ADBC_STATUS_OK && !is_end) {
        struct ArrowArray batch = {.release = NULL};
        if (stream->get_next(stream, &batch) != 0) {
            code = adbc_rows_explain(stream, error);
        } else if (batch.release == NULL) {
            is_end = true;
        } else {
            code = take(user_data, &schema, &batch, error);
            batch.release(&batch);
        }
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    stream->release(stream);
    return code;
}
