/* SPDX-License-Identifier: Apache-2.0 */
/* The file format under any bytes: footer, random access from the last batch to the first, and a
 * stream over all of it, with every value touched; and its messages, passed on as they are. */
#include <stdlib.h>

#include "cflight/ipc.h"
#include "pass_messages.h"
#include "walk_values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

enum { BATCHES_MAX = 64 };

static void read_backwards(cflight_ipc_file *file)
{
    struct ArrowSchema schema;
    int64_t count = cflight_ipc_file_batch_count(file);
    if (cflight_ipc_file_schema(file, &schema, NULL) != CFLIGHT_OK) {
        return;
    }
    for (int64_t i = 0; i < count && i < BATCHES_MAX; i++) {
        struct ArrowArray batch;
        if (cflight_ipc_file_read_batch(file, count - 1 - i, &batch, NULL) == CFLIGHT_OK) {
            t_walk_batch(&schema, &batch);
            batch.release(&batch);
        }
    }
    schema.release(&schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    struct ArrowArrayStream stream;
    cflight_buffer *buffer = NULL;
    cflight_ipc_file *file = NULL;
    if (cflight_buffer_new_copy(cflight_bytes_make(data, len_bytes), &buffer, NULL) != CFLIGHT_OK) {
        return 0;
    }
    if (cflight_ipc_file_open_buffer(buffer, NULL, &file, NULL) == CFLIGHT_OK) {
        (void)cflight_ipc_file_row_count(file);
        t_pass_messages(file);
        read_backwards(file);
        if (cflight_ipc_file_stream(file, &stream, NULL) == CFLIGHT_OK) {
            t_walk_stream(&stream);
        }
    }
    cflight_ipc_file_free(file);
    cflight_buffer_unref(buffer);
    return 0;
}
