/* SPDX-License-Identifier: Apache-2.0 */
/* Bound rows. A batch stays with the statement, so a stream of it lends it: what the stream gives
 * shares the batch's memory, and releasing that does nothing. Thread class: one at a time. */
#include "adbc/driver/bind.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cflight/schema.h"

void adbc_bound_clear(struct adbc_bound *bound)
{
    if (bound->schema.release != NULL) {
        bound->schema.release(&bound->schema);
    }
    if (bound->batch.release != NULL) {
        bound->batch.release(&bound->batch);
    }
    if (bound->stream.release != NULL) {
        bound->stream.release(&bound->stream);
    }
    memset(bound, 0, sizeof *bound);
}

void adbc_bound_set_batch(struct adbc_bound *bound, struct ArrowArray *batch,
                          struct ArrowSchema *schema)
{
    adbc_bound_clear(bound);
    bound->batch = *batch;
    bound->schema = *schema;
    batch->release = NULL;
    schema->release = NULL;
}

void adbc_bound_set_stream(struct adbc_bound *bound, struct ArrowArrayStream *stream)
{
    adbc_bound_clear(bound);
    bound->stream = *stream;
    stream->release = NULL;
}

bool adbc_bound_has_rows(const struct adbc_bound *bound)
{
    return bound->batch.release != NULL || bound->stream.release != NULL;
}

/* ---- a batch as a stream ---- */

static void release_lent(struct ArrowArray *batch)
{
    batch->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    const struct adbc_bound *bound = stream->private_data;
    return cflight_schema_copy(&bound->schema, ret_schema, NULL) == CFLIGHT_OK ? 0 : EINVAL;
}

static int get_end(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    (void)stream;
    ret_batch->release = NULL;
    return 0;
}

static int get_batch(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    const struct adbc_bound *bound = stream->private_data;
    *ret_batch = bound->batch;
    ret_batch->release = release_lent;
    stream->get_next = get_end;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the bound schema is not valid";
}

static void release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

void adbc_bound_open(struct adbc_bound *bound, struct ArrowArrayStream *ret_stream)
{
    memset(ret_stream, 0, sizeof *ret_stream);
    if (bound->stream.release != NULL) {
        *ret_stream = bound->stream;
        bound->stream.release = NULL;
    } else if (bound->batch.release != NULL) {
        ret_stream->get_schema = get_schema;
        ret_stream->get_next = get_batch;
        ret_stream->get_last_error = get_last_error;
        ret_stream->release = release;
        ret_stream->private_data = bound;
    }
}
