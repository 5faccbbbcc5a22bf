/* SPDX-License-Identifier: Apache-2.0 */
/* The C stream interface over a source of batches. Owner: the stream, of the source and of the last
 * error. Thread class: one at a time. (Arrow C stream interface) */
#include "ipc/stream_export.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

struct exported_stream {
    const struct cflight_allocator *alloc;
    struct cfl_stream_source source;
    cflight_error *error;
    cflight_status failed; /* what next failed with, or OK */
};

/* The errno that stands for a status (C stream interface: errno-compatible error codes). */
static int errno_of(cflight_status status)
{
    switch (status) {
    case CFLIGHT_OK:
        return 0;
    case CFLIGHT_RESOURCE_EXHAUSTED:
        return ENOMEM;
    case CFLIGHT_UNIMPLEMENTED:
        return ENOSYS;
    case CFLIGHT_INVALID_ARGUMENT:
    case CFLIGHT_DATA_LOSS:
    case CFLIGHT_OUT_OF_RANGE:
        return EINVAL;
    case CFLIGHT_CANCELLED:
        return ECANCELED;
    case CFLIGHT_DEADLINE_EXCEEDED:
        return ETIMEDOUT;
    case CFLIGHT_NOT_FOUND:
        return ENOENT;
    case CFLIGHT_PERMISSION_DENIED:
    case CFLIGHT_UNAUTHENTICATED:
        return EACCES;
    default:
        return EIO;
    }
}

static void forget_error(struct exported_stream *exported)
{
    cflight_error_free(exported->error);
    exported->error = NULL;
}

static int stream_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct exported_stream *exported = stream->private_data;
    if (exported->failed == CFLIGHT_OK) {
        forget_error(exported);
    }
    cflight_error *error = NULL;
    cflight_status status =
        exported->source.get_schema(exported->source.user_data, ret_schema, &error);
    if (status != CFLIGHT_OK && exported->failed == CFLIGHT_OK) {
        exported->error = error;
        error = NULL;
    }
    cflight_error_free(error);
    return errno_of(status);
}

static int stream_get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct exported_stream *exported = stream->private_data;
    struct ArrowArray batch = {0};
    if (exported->failed != CFLIGHT_OK) {
        return errno_of(exported->failed);
    }
    forget_error(exported);
    exported->failed = exported->source.next(exported->source.user_data, &batch, &exported->error);
    if (exported->failed == CFLIGHT_OK) {
        *ret_batch = batch;
    }
    return errno_of(exported->failed);
}

static const char *stream_get_last_error(struct ArrowArrayStream *stream)
{
    const struct exported_stream *exported = stream->private_data;
    return exported->error == NULL ? NULL : cflight_error_message(exported->error);
}

static void stream_release(struct ArrowArrayStream *stream)
{
    struct exported_stream *exported = stream->private_data;
    forget_error(exported);
    exported->source.release(exported->source.user_data);
    cfl_free(exported->alloc, exported, sizeof *exported);
    stream->private_data = NULL;
    stream->release = NULL;
}

cflight_status cfl_stream_export(const struct cflight_allocator *alloc,
                                 const struct cfl_stream_source *source,
                                 struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct exported_stream *exported = cfl_alloc_zeroed(alloc, sizeof *exported);
    if (exported == NULL) {
        return cfl_error_no_memory(reterr);
    }
    exported->alloc = alloc;
    exported->source = *source;
    ret_stream->get_schema = stream_get_schema;
    ret_stream->get_next = stream_get_next;
    ret_stream->get_last_error = stream_get_last_error;
    ret_stream->release = stream_release;
    ret_stream->private_data = exported;
    return CFLIGHT_OK;
}

void *cfl_stream_source_of(const struct ArrowArrayStream *stream,
                           cflight_status (*next)(void *user_data, struct ArrowArray *ret_batch,
                                                  cflight_error **reterr))
{
    if (stream->release != stream_release) {
        return NULL;
    }
    const struct exported_stream *exported = stream->private_data;
    return exported->source.next == next ? exported->source.user_data : NULL;
}

const cflight_error *cfl_stream_error_of(const struct ArrowArrayStream *stream)
{
    const struct exported_stream *exported = stream->private_data;
    return exported->error;
}
