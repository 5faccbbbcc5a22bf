/* SPDX-License-Identifier: Apache-2.0 */
/* The stream format under any bytes. The stream is read in two ways, as a whole buffer and through
 * the framer in pieces; every batch that the reader lets through is touched: what full validation
 * accepts must be safe to walk, value by value, and must be accepted by cflight_array_validate too.
 * Messages that are passed on as they are must make a stream that can be read. */
#include "cflight/ipc.h"
#include "pass_messages.h"
#include "source.h"
#include "walk_values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

enum { BODY_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    struct t_source source = {data, len_bytes, 1 + len_bytes % 97};
    struct ArrowArrayStream stream;
    cflight_buffer *buffer = NULL;
    options.message_bytes_max = BODY_BYTES_MAX;
    if (cflight_ipc_open_reader(t_source_read, NULL, &source, &options, &stream, NULL) ==
        CFLIGHT_OK) {
        t_walk_stream(&stream);
    }
    if (cflight_buffer_new_copy(cflight_bytes_make(data, len_bytes), &buffer, NULL) != CFLIGHT_OK) {
        return 0;
    }
    cflight_ipc_file *file = NULL;
    if (cflight_ipc_file_open_buffer(buffer, &options, &file, NULL) == CFLIGHT_OK) {
        (void)cflight_ipc_file_row_count(file);
        t_pass_messages(file);
        if (cflight_ipc_file_stream(file, &stream, NULL) == CFLIGHT_OK) {
            t_walk_stream(&stream);
        }
    }
    cflight_ipc_file_free(file);
    cflight_buffer_unref(buffer);
    return 0;
}
