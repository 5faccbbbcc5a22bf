/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of partitions. Thread class: one at a time. */
#include "adbc/driver/partition_list.h"

#include <stdlib.h>
#include <string.h>

#include "cflight/ipc.h"

/* What a list owns: the arrays that its struct shows, and the bytes. */
struct list {
    size_t count;
    cflight_buffer **buffers;
    const uint8_t **partitions;
    size_t *lengths;
};

static void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        cflight_buffer_unref(list->buffers[i]);
    }
    free(list->buffers);
    free(list->partitions);
    free(list->lengths);
    free(list);
}

static void release(struct AdbcPartitions *partitions)
{
    list_free(partitions->private_data);
    memset(partitions, 0, sizeof *partitions);
}

static struct list *list_new(size_t count)
{
    struct list *list = calloc(1, sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    list->buffers = calloc(count + 1, sizeof *list->buffers);
    list->partitions = calloc(count + 1, sizeof *list->partitions);
    list->lengths = calloc(count + 1, sizeof *list->lengths);
    if (list->buffers == NULL || list->partitions == NULL || list->lengths == NULL) {
        list_free(list);
        return NULL;
    }
    return list;
}

static cflight_status add(struct list *list, const struct cflight_info *info, size_t endpoint,
                          cflight_error **reterr)
{
    struct cflight_info part = *info;
    part.endpoints = &info->endpoints[endpoint];
    part.endpoint_count = 1;
    if (info->endpoint_count > 1) {
        part.total_records = -1;
        part.total_bytes = -1;
    }
    cflight_status status = cflight_info_serialize(&part, &list->buffers[list->count], reterr);
    if (status == CFLIGHT_OK) {
        struct cflight_bytes bytes = cflight_buffer_bytes(list->buffers[list->count]);
        list->partitions[list->count] = bytes.data;
        list->lengths[list->count] = bytes.len_bytes;
        list->count++;
    }
    return status;
}

AdbcStatusCode adbc_partitions_of(const struct cflight_info *info, size_t first,
                                  struct AdbcPartitions *ret_partitions, struct AdbcError *error)
{
    cflight_status status = CFLIGHT_OK;
    cflight_error *cause = NULL;
    size_t count = info == NULL || info->endpoint_count < first ? 0 : info->endpoint_count - first;
    struct list *list = list_new(count);
    if (list == NULL) {
        return adbc_fail_no_memory(error);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        status = add(list, info, first + i, &cause);
    }
    if (status != CFLIGHT_OK) {
        list_free(list);
        return adbc_fail_by(error, cause);
    }
    ret_partitions->num_partitions = count;
    ret_partitions->partitions = list->partitions;
    ret_partitions->partition_lengths = list->lengths;
    ret_partitions->private_data = list;
    ret_partitions->release = release;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_info_schema(const struct cflight_info *info, struct ArrowSchema *ret_schema,
                                struct AdbcError *error)
{
    cflight_error *cause = NULL;
    memset(ret_schema, 0, sizeof *ret_schema);
    if (info == NULL || info->schema.len_bytes == 0) {
        return ADBC_STATUS_OK;
    }
    cflight_status status = cflight_ipc_schema_parse(info->schema, ret_schema, &cause);
    return adbc_outcome(status, cause, error);
}
