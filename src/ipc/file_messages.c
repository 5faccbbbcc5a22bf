/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a file as they are stored.
 *
 * Bodies are views of the file's buffer and hold it. Headers are copied first and then checked: a
 * mapped file may change at any time, and what was checked must be what is passed on. Owner: the
 * messages, of a reference to the file. Thread class: one at a time. (Arrow columnar: IPC File
 * Format, IPC Streaming Format) */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "cflight/ipc.h"
#include "ipc/dictionary_set.h"
#include "ipc/file.h"
#include "ipc/message_kind.h"
#include "ipc/walk.h"

struct cflight_ipc_messages {
    struct cflight_ipc_file *file;
    struct cflight_ipc_messages_options options;
    struct cfl_decoder *checker;
    bool has_schema; /* was given */
    size_t index;    /* of the file format: the next block */
    size_t end;      /* and behind the last */
    size_t offset;   /* of the stream format: the next message */
};

/* A message where it lies. */
struct stored {
    struct cflight_bytes header;
    struct cflight_bytes body;
};

static cflight_status refuse(const char *why, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                             "the file cannot be passed on as it is: %s", why);
}

/* The body that the header tells, of what there is. */
static cflight_status cut_body(struct stored *stored, enum cfl_message_kind expected,
                               cflight_error **reterr)
{
    uint64_t body_len_bytes = 0;
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    cflight_status status = cfl_message_body_len(stored->header, &body_len_bytes, &kind, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (kind != expected) {
        return cfl_footer_other_kind(reterr);
    }
    if (body_len_bytes > stored->body.len_bytes) {
        return cfl_footer_short_body(body_len_bytes, stored->body.len_bytes, reterr);
    }
    stored->body.len_bytes = (size_t)body_len_bytes;
    return CFLIGHT_OK;
}

/* Moves past a block, and tells what it is of. */
static enum cfl_message_kind move_on(cflight_ipc_messages *messages)
{
    size_t dictionary_count = messages->file->footer.dictionary_count;
    size_t index = messages->index++;
    if (messages->index == dictionary_count) {
        messages->index += (size_t)messages->options.first_batch;
    }
    return index < dictionary_count ? CFL_MESSAGE_DICTIONARY : CFL_MESSAGE_BATCH;
}

/* Takes what comes next and moves past it; an empty header is the end. */
static cflight_status take(cflight_ipc_messages *messages, struct stored *ret_stored,
                           cflight_error **reterr)
{
    const struct cflight_ipc_file *file = messages->file;
    struct cfl_walk_message walked = {0};
    cflight_status status = CFLIGHT_OK;
    if (file->has_footer) {
        if (messages->index == messages->end) {
            return CFLIGHT_OK;
        }
        status = cfl_footer_message(&file->footer, file->bytes, messages->index,
                                    &ret_stored->header, &ret_stored->body, reterr);
        return status == CFLIGHT_OK ? cut_body(ret_stored, move_on(messages), reterr) : status;
    }
    status = cfl_walk_next(file->bytes, &file->setup.limits, &messages->offset, &walked, reterr);
    if (status == CFLIGHT_OK && walked.is_end) {
        status = cfl_ipc_file_check_tail(file->bytes, messages->offset, reterr);
        messages->offset = file->bytes.len_bytes;
        return status;
    }
    *ret_stored = (struct stored){walked.header, walked.body};
    return status;
}

/* Where the first message is that take() gives. */
static void rewind_to_start(cflight_ipc_messages *messages)
{
    const struct cfl_footer *footer = &messages->file->footer;
    messages->offset = 0;
    messages->index = footer->dictionary_count > 0 ? 0 : (size_t)messages->options.first_batch;
}

/* Whether a message is one that may be passed on. `*dictionary_count` is how many dictionaries came
 * before any batch: peers refuse a stream that does not begin with all, though the format lets
 * those come later that no value needs yet. */
static cflight_status look_at(const cflight_ipc_messages *messages, const struct stored *stored,
                              size_t *dictionary_count, cflight_error **reterr)
{
    struct cfl_message message;
    uint64_t bytes_max = messages->options.batch_bytes_max;
    cflight_status status = cfl_message_parse(stored->header, &message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (message.metadata_version < CFL_METADATA_V5) {
        return refuse("it has metadata version V4", reterr);
    }
    *dictionary_count += message.kind == CFL_MESSAGE_DICTIONARY;
    if (message.kind == CFL_MESSAGE_BATCH &&
        *dictionary_count < cfl_dictionary_set_count(messages->file->schemas.dictionaries)) {
        return refuse("a batch comes before a dictionary of its columns", reterr);
    }
    uint64_t len_bytes = stored->header.len_bytes + stored->body.len_bytes;
    return message.kind == CFL_MESSAGE_BATCH && bytes_max > 0 && len_bytes > bytes_max
               ? refuse("a batch is larger than it may be", reterr)
               : CFLIGHT_OK;
}

/* Looks at all headers: once a message was passed on it is too late to choose another way. */
static cflight_status look_ahead(cflight_ipc_messages *messages, cflight_error **reterr)
{
    struct stored stored = {0};
    size_t dictionary_count = 0;
    cflight_status status = CFLIGHT_OK;
    if (cfl_schema_is_swapped(messages->file->schemas.all)) {
        return refuse("it has the other byte order", reterr);
    }
    if (messages->file->setup.included != NULL) {
        return refuse("it was opened for some columns only", reterr);
    }
    rewind_to_start(messages);
    do {
        stored = (struct stored){0};
        status = take(messages, &stored, reterr);
        if (status == CFLIGHT_OK && stored.header.len_bytes > 0) {
            status = look_at(messages, &stored, &dictionary_count, reterr);
        }
    } while (status == CFLIGHT_OK && stored.header.len_bytes > 0);
    rewind_to_start(messages);
    return status;
}

static cflight_status check_range(cflight_ipc_messages *messages, cflight_error **reterr)
{
    const struct cflight_ipc_file *file = messages->file;
    int64_t first = messages->options.first_batch;
    int64_t count = messages->options.batch_count;
    int64_t left = 0;
    if (!file->has_footer) {
        return first == 0 && count == 0
                   ? CFLIGHT_OK
                   : cflight_error_set_message(reterr, CFLIGHT_OUT_OF_RANGE,
                                               "the stream format has no ranges of batches");
    }
    left = (int64_t)file->footer.batch_count;
    if (first < 0 || count < 0 || first > left || count > left - first) {
        return cflight_error_set(reterr, CFLIGHT_OUT_OF_RANGE,
                                 "there are no %" PRId64 " batches from %" PRId64
                                 " on; the file has %" PRId64,
                                 count, first, left);
    }
    count = count == 0 ? left - first : count;
    messages->end = file->footer.dictionary_count + (size_t)(first + count);
    return CFLIGHT_OK;
}

cflight_status cflight_ipc_file_messages(cflight_ipc_file *file,
                                         const struct cflight_ipc_messages_options *options,
                                         cflight_ipc_messages **ret_messages,
                                         cflight_error **reterr)
{
    struct cflight_ipc_messages_options loaded;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(file), CFL_ARG(ret_messages));
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_ipc_messages *messages = cfl_alloc_zeroed(file->alloc, sizeof *messages);
    if (messages == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_up(&file->refs);
    messages->file = file;
    messages->options = loaded;
    status = check_range(messages, reterr);
    if (status == CFLIGHT_OK) {
        status = look_ahead(messages, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_ipc_file_decoder(file, &messages->checker, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_ipc_messages_free(messages);
        return status;
    }
    *ret_messages = messages;
    return CFLIGHT_OK;
}

/* Of the file format, the schema is the footer's, in a message of its own. */
static cflight_status copy_schema(const cflight_ipc_messages *messages, cflight_buffer **ret_header,
                                  cflight_error **reterr)
{
    struct cfl_buf header;
    cfl_buf_init(&header, messages->file->alloc);
    cflight_status status =
        cfl_schema_to_message(messages->file->schemas.all, CFL_METADATA_V5, &header, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_buffer_new_copy(cfl_buf_bytes(&header), ret_header, reterr);
    }
    cfl_buf_done(&header);
    return status;
}

static void unref_file(void *user_data)
{
    cflight_buffer_unref(user_data);
}

static cflight_status share_body(const cflight_ipc_messages *messages, struct cflight_bytes body,
                                 cflight_buffer **ret_body, cflight_error **reterr)
{
    struct cflight_ipc_file *file = messages->file;
    cflight_buffer *shared = cfl_body_wrap(file->alloc, body.data, body.len_bytes, unref_file,
                                           cflight_buffer_ref(file->buffer));
    if (shared == NULL) {
        cflight_buffer_unref(file->buffer);
        return cfl_error_no_memory(reterr);
    }
    *ret_body = shared;
    return CFLIGHT_OK;
}

static cflight_status check(cflight_ipc_messages *messages, struct cflight_message *message,
                            cflight_error **reterr)
{
    struct cfl_decoder *checker = messages->checker;
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    cflight_status status =
        cfl_decoder_check(checker, cflight_buffer_bytes(message->header), message->body,
                          messages->options.check, &kind, &message->row_count, reterr);
    message->kind = cfl_message_kind_public(kind);
    if (status == CFLIGHT_OK && messages->file->has_footer &&
        cfl_decoder_stats(checker).replaced_dictionary_count > 0) {
        status = cfl_ipc_file_no_replacement(reterr);
    }
    return status;
}

static cflight_status give(cflight_ipc_messages *messages, const struct stored *stored,
                           struct cflight_message *message, cflight_error **reterr)
{
    bool is_own_schema = messages->file->has_footer && !messages->has_schema;
    cflight_status status = is_own_schema
                                ? copy_schema(messages, &message->header, reterr)
                                : cflight_buffer_new_copy(stored->header, &message->header, reterr);
    if (status == CFLIGHT_OK && stored->body.len_bytes > 0) {
        status = share_body(messages, stored->body, &message->body, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check(messages, message, reterr);
    }
    messages->has_schema = true;
    return status;
}

cflight_status cflight_ipc_messages_next(cflight_ipc_messages *messages,
                                         struct cflight_message *ret_message,
                                         cflight_error **reterr)
{
    struct cflight_message message = {0};
    struct stored stored = {0};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(messages), CFL_ARG(ret_message));
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_own_schema = messages->file->has_footer && !messages->has_schema;
    if (!is_own_schema) {
        status = take(messages, &stored, reterr);
        message.is_end = stored.header.len_bytes == 0;
    }
    if (status == CFLIGHT_OK && !message.is_end) {
        status = give(messages, &stored, &message, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_message_release(&message);
        return status;
    }
    *ret_message = message;
    return CFLIGHT_OK;
}

void cflight_ipc_messages_free(cflight_ipc_messages *messages)
{
    if (messages == NULL) {
        return;
    }
    cfl_decoder_free(messages->checker);
    struct cflight_ipc_file *file = messages->file;
    cfl_free(file->alloc, messages, sizeof *messages);
    cfl_ipc_file_unref(file);
}
