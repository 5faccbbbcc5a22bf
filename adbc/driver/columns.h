/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_COLUMNS_H
#define CFLIGHT_ADBC_DRIVER_COLUMNS_H

#include "adbc/driver/call.h"
#include "cflight/builder.h"

/* Reading the rows of listings. Batches were checked when they came; types are checked here. One at
 * a time. */

struct adbc_column {
    const struct ArrowSchema *field;
    const struct ArrowArray *array;
    int64_t first; /* of the batch's rows */
};

/* Finds a column by its name. @param formats  The types that will do, as formats of one letter. */
AdbcStatusCode adbc_column_find(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                const char *name, const char *formats,
                                struct adbc_column *ret_column, struct AdbcError *error);
/* A text or bytes ("u", "U", "z", "Z"); NULL data for a null. Borrowed from the batch. */
struct cflight_bytes adbc_column_text(const struct adbc_column *column, int64_t row);
/* A number ("i"); 0 for a null. */
int32_t adbc_column_int(const struct adbc_column *column, int64_t row);

/* Orders texts by their bytes; what is absent (NULL data) comes before what is empty. */
int adbc_text_compare(struct cflight_bytes a, struct cflight_bytes b);
/* Appends a text that was read: NULL data is a null. */
void adbc_append_text(cflight_column *column, struct cflight_bytes text);

/* Why the last function of a stream of the library failed. */
AdbcStatusCode adbc_rows_explain(struct ArrowArrayStream *stream, struct AdbcError *error);

typedef AdbcStatusCode (*adbc_batch_fn)(void *user_data, const struct ArrowSchema *schema,
                                        const struct ArrowArray *batch, struct AdbcError *error);
/* Gives each batch to the function and releases the stream. */
AdbcStatusCode adbc_rows_each(struct ArrowArrayStream *stream, adbc_batch_fn take, void *user_data,
                              struct AdbcError *error);

#endif /* CFLIGHT_ADBC_DRIVER_COLUMNS_H */
