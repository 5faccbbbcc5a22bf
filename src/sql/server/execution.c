/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a statement: what the application is asked, and what it gives.
 *
 * Owner: the frame that runs it. Thread class: one at a time, with the turn of the session. */
#include "sql/server/execution.h"

#include <errno.h>
#include <string.h>

enum { PARTITION_BYTES_MAX = 65536 };

bool cflight_sql_execution_wants_rows(const cflight_sql_execution *execution)
{
    return execution->wanted != CFL_SQL_WANTS_COUNT;
}

cflight_status cflight_sql_execution_set_stream(cflight_sql_execution *execution,
                                                struct ArrowArrayStream *stream,
                                                cflight_error **reterr)
{
    if (stream == NULL || stream->release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "The stream of the result is NULL or released");
    }
    if (execution->stream.release != NULL || execution->partition_count > 0) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "The statement has a result already");
    }
    execution->stream = *stream;
    stream->release = NULL;
    return CFLIGHT_OK;
}

void cflight_sql_execution_set_row_count(cflight_sql_execution *execution, int64_t row_count)
{
    execution->row_count = row_count < 0 ? -1 : row_count;
}

void cflight_sql_execution_set_total(cflight_sql_execution *execution, int64_t row_count,
                                     int64_t size_bytes)
{
    execution->total_rows = row_count < 0 ? -1 : row_count;
    execution->total_bytes = size_bytes < 0 ? -1 : size_bytes;
}

void cflight_sql_execution_set_progress(cflight_sql_execution *execution, double progress)
{
    cflight_sql_call *call = execution->call;
    if (call->progress != NULL) {
        (void)pthread_mutex_lock(&call->server->mutex);
        *call->progress = progress >= 0 && progress <= 1 ? progress : -1;
        (void)pthread_mutex_unlock(&call->server->mutex);
    }
}

static cflight_status copy_locations(const struct cflight_allocator *alloc,
                                     struct cfl_sql_partition *partition,
                                     const struct cflight_bytes *locations, size_t count,
                                     cflight_error **reterr)
{
    if (count == 0) {
        return CFLIGHT_OK;
    }
    partition->locations = cfl_alloc_array(alloc, count, sizeof *partition->locations);
    if (partition->locations == NULL) {
        return cfl_error_no_memory(reterr);
    }
    partition->location_count = count;
    for (size_t i = 0; i < count; i++) {
        partition->locations[i] =
            cfl_strndup(alloc, (const char *)locations[i].data, locations[i].len_bytes);
        if (partition->locations[i] == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    return CFLIGHT_OK;
}

cflight_status cflight_sql_execution_add_partition(cflight_sql_execution *execution,
                                                   const struct ArrowSchema *schema,
                                                   struct cflight_bytes partition,
                                                   const struct cflight_bytes *locations,
                                                   size_t location_count, cflight_error **reterr)
{
    const struct cflight_allocator *alloc = execution->call->server->alloc;
    if (execution->call->server->handlers.read_partition == NULL ||
        execution->stream.release != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "There is no read_partition, or a stream was given");
    }
    if (execution->wanted == CFL_SQL_WANTS_STREAM) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "The ticket of this statement has one stream, no "
                                         "partitions");
    }
    if (locations == NULL && location_count > 0) {
        return cfl_error_null_argument(reterr, "locations");
    }
    if (partition.len_bytes > PARTITION_BYTES_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "The name of a partition has %zu bytes, more than %d",
                                 partition.len_bytes, PARTITION_BYTES_MAX);
    }
    if (execution->schema.release == NULL) {
        cflight_status status = cflight_schema_copy(schema, &execution->schema, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    if (!cfl_grow_array(alloc, (void **)&execution->partitions, &execution->partition_capacity,
                        execution->partition_count + 1, sizeof *execution->partitions)) {
        return cfl_error_no_memory(reterr);
    }
    struct cfl_sql_partition *added = &execution->partitions[execution->partition_count];
    memset(added, 0, sizeof *added);
    execution->partition_count++;
    cflight_status status = cflight_buffer_new_copy(partition, &added->name, reterr);
    return status != CFLIGHT_OK ? status
                                : copy_locations(alloc, added, locations, location_count, reterr);
}

void cfl_sql_partitions_free(const struct cflight_allocator *alloc,
                             struct cfl_sql_partition *partitions, size_t count, size_t capacity)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < partitions[i].location_count; j++) {
            cfl_strfree(alloc, partitions[i].locations[j]);
        }
        cfl_free_array(alloc, partitions[i].locations, partitions[i].location_count,
                       sizeof(char *));
        cflight_buffer_unref(partitions[i].name);
    }
    cfl_free_array(alloc, partitions, capacity, sizeof *partitions);
}

cflight_status cfl_sql_execution_run(struct cflight_sql_execution *execution,
                                     cflight_sql_call *call, const struct cfl_sql_plan *plan,
                                     struct cflight_sql_parameters *parameters,
                                     enum cfl_sql_wanted wanted, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    memset(execution, 0, sizeof *execution);
    execution->call = call;
    execution->wanted = wanted;
    execution->total_rows = -1;
    execution->total_bytes = -1;
    if (atomic_load(&call->is_cancelled)) {
        return cfl_sql_failure(CFLIGHT_CANCELLED, call, "execute", reterr);
    }
    cflight_status status = handlers->execute(handlers->user_data, call, &plan->source->query,
                                              plan->plan.statement, parameters, execution, reterr);
    return cfl_sql_failure(status, call, "execute", reterr);
}

void cfl_sql_execution_done(struct cflight_sql_execution *execution)
{
    if (execution->call == NULL) {
        return;
    }
    if (execution->stream.release != NULL) {
        execution->stream.release(&execution->stream);
    }
    if (execution->schema.release != NULL) {
        execution->schema.release(&execution->schema);
    }
    cfl_sql_partitions_free(execution->call->server->alloc, execution->partitions,
                            execution->partition_count, execution->partition_capacity);
    execution->call = NULL;
}

static cflight_status status_of(int code)
{
    switch (code) {
    case ENOMEM:
    case ENOBUFS:
        return CFLIGHT_RESOURCE_EXHAUSTED;
    case ETIMEDOUT:
        return CFLIGHT_DEADLINE_EXCEEDED;
    default:
        return CFLIGHT_INTERNAL;
    }
}

cflight_status cfl_sql_pull(struct ArrowArrayStream *stream, const cflight_sql_call *call,
                            struct ArrowArray *ret_batch, cflight_error **reterr)
{
    ret_batch->release = NULL;
    int code = stream->get_next(stream, ret_batch);
    if (code == 0) {
        return CFLIGHT_OK;
    }
    if (code == ECANCELED || atomic_load(&call->is_cancelled)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "The statement was cancelled");
    }
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    cflight_status status = handlers->stream_error == NULL
                                ? CFLIGHT_OK
                                : handlers->stream_error(handlers->user_data, stream, reterr);
    if (status != CFLIGHT_OK) {
        return cfl_sql_failure(status, call, "get_next", reterr);
    }
    const char *text = stream->get_last_error(stream);
    return cflight_error_set(reterr, status_of(code), "%s",
                             text == NULL ? "the result could not be read further" : text);
}

cflight_status cfl_sql_execution_count(struct cflight_sql_execution *execution,
                                       int64_t *ret_row_count, cflight_error **reterr)
{
    int64_t row_count = 0;
    if (execution->stream.release == NULL) {
        *ret_row_count = execution->row_count;
        return CFLIGHT_OK;
    }
    for (bool is_over = false; !is_over;) {
        struct ArrowArray batch;
        cflight_status status = cfl_sql_pull(&execution->stream, execution->call, &batch, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        is_over = batch.release == NULL;
        if (!is_over) {
            row_count += batch.length;
            batch.release(&batch);
        }
    }
    *ret_row_count = row_count;
    return CFLIGHT_OK;
}
