/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as they are, out of any bytes and into a stream. */
#include "pass_messages.h"

#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "walk_values.h"

struct target {
    uint8_t *data;
    size_t len_bytes;
};

static int append(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct target *target = user_data;
    for (size_t i = 0; i < count; i++) {
        uint8_t *data = realloc(target->data, target->len_bytes + views[i].len_bytes + 1);
        t_fuzz_require(data != NULL);
        if (views[i].len_bytes > 0) {
            memcpy(data + target->len_bytes, views[i].data, views[i].len_bytes);
        }
        target->data = data;
        target->len_bytes += views[i].len_bytes;
    }
    return 0;
}

static cflight_status pass(cflight_ipc_messages *messages, cflight_ipc_writer *writer)
{
    cflight_status status = CFLIGHT_OK;
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_message message = {0};
        status = cflight_ipc_messages_next(messages, &message, NULL);
        is_end = message.is_end;
        if (status == CFLIGHT_OK && !is_end) {
            status = cflight_ipc_writer_write_message(writer, &message, NULL);
        }
        cflight_message_release(&message);
    }
    return status == CFLIGHT_OK ? cflight_ipc_writer_close(writer, NULL) : status;
}

/* What was written opens. */
static void read_again(const struct target *target)
{
    struct ArrowArrayStream stream;
    cflight_buffer *buffer = NULL;
    cflight_ipc_file *file = NULL;
    t_fuzz_require(cflight_buffer_new_copy(cflight_bytes_make(target->data, target->len_bytes),
                                           &buffer, NULL) == CFLIGHT_OK);
    t_fuzz_require(cflight_ipc_file_open_buffer(buffer, NULL, &file, NULL) == CFLIGHT_OK);
    t_fuzz_require(cflight_ipc_file_stream(file, &stream, NULL) == CFLIGHT_OK);
    t_walk_stream(&stream);
    cflight_ipc_file_free(file);
    cflight_buffer_unref(buffer);
}

void t_pass_messages(cflight_ipc_file *file)
{
    for (int check = CFLIGHT_MESSAGE_CHECK_HEADER; check <= CFLIGHT_MESSAGE_CHECK_VALUES; check++) {
        struct cflight_ipc_messages_options options = CFLIGHT_IPC_MESSAGES_OPTIONS_INIT;
        struct target target = {0};
        cflight_ipc_messages *messages = NULL;
        cflight_ipc_writer *writer = NULL;
        options.check = (enum cflight_message_check)check;
        if (cflight_ipc_file_messages(file, &options, &messages, NULL) != CFLIGHT_OK) {
            return;
        }
        t_fuzz_require(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, NULL, append, &target,
                                              NULL, &writer, NULL) == CFLIGHT_OK);
        if (pass(messages, writer) == CFLIGHT_OK) {
            read_again(&target);
        }
        cflight_ipc_writer_free(writer);
        cflight_ipc_messages_free(messages);
        free(target.data);
    }
}
