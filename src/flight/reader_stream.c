/* SPDX-License-Identifier: Apache-2.0 */
/* A reader as an Arrow C stream.
 *
 * Spec: The Arrow C stream interface. Owner: the stream owns the reader (a client's) or borrows it
 * (a server's). Thread class: one at a time. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "flight/reader.h"

struct stream_state {
    cflight_reader *reader;
    cflight_error *error;
};

static int errno_of(cflight_status status)
{
    switch (status) {
    case CFLIGHT_OK:
        return 0;
    case CFLIGHT_CANCELLED:
        return ECANCELED;
    case CFLIGHT_INVALID_ARGUMENT:
    case CFLIGHT_DATA_LOSS:
        return EINVAL;
    case CFLIGHT_DEADLINE_EXCEEDED:
        return ETIMEDOUT;
    case CFLIGHT_RESOURCE_EXHAUSTED:
        return ENOMEM;
    case CFLIGHT_UNIMPLEMENTED:
        return ENOSYS;
    default:
        return EIO;
    }
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct stream_state *state = stream->private_data;
    cflight_error_free(state->error);
    state->error = NULL;
    return errno_of(cflight_reader_schema(state->reader, out, &state->error));
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct stream_state *state = stream->private_data;
    struct cflight_chunk chunk = {0};
    cflight_error_free(state->error);
    state->error = NULL;
    for (;;) {
        cflight_status status = cflight_reader_next(state->reader, &chunk, &state->error);
        if (status != CFLIGHT_OK) {
            return errno_of(status);
        }
        if (chunk.is_end) {
            memset(out, 0, sizeof *out);
            return 0;
        }
        if (chunk.has_batch) {
            *out = chunk.batch;
            chunk.has_batch = false;
            cflight_chunk_release(&chunk);
            return 0;
        }
        cflight_chunk_release(&chunk);
    }
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const struct stream_state *state = stream->private_data;
    return state->error == NULL ? NULL : cflight_error_message(state->error);
}

static void release(struct ArrowArrayStream *stream)
{
    struct stream_state *state = stream->private_data;
    stream->release = NULL;
    cflight_error_free(state->error);
    cflight_reader_free(state->reader);
    cfl_free(NULL, state, sizeof *state);
}

cflight_status cflight_reader_to_stream(cflight_reader *reader, struct ArrowArrayStream *ret_stream,
                                        cflight_error **reterr)
{
    if (reader == NULL || ret_stream == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a reader and a place for the stream are needed");
    }
    struct stream_state *state = cfl_alloc_zeroed(NULL, sizeof *state);
    if (state == NULL) {
        return cfl_error_no_memory(reterr);
    }
    state->reader = reader;
    memset(ret_stream, 0, sizeof *ret_stream);
    ret_stream->get_schema = get_schema;
    ret_stream->get_next = get_next;
    ret_stream->get_last_error = get_last_error;
    ret_stream->release = release;
    ret_stream->private_data = state;
    return CFLIGHT_OK;
}
