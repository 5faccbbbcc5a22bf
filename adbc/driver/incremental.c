/* SPDX-License-Identifier: Apache-2.0 */
/* Queries by parts.
 *
 * The server's answers are cumulative: endpoints that were handed out are counted, those beyond are
 * new. When none are and the query goes on, the call waits and asks again. An error keeps what is
 * known, so the next call asks the same again. Thread class: one at a time; progress and the last
 * info are read by any. */
#include "adbc/driver/incremental.h"

#include <time.h>

#include "adbc/driver/partition_list.h"

enum { WAIT_FIRST_MS = 100, WAIT_MAX_MS = 5000, NAP_MS = 20 };

/* Waits in short naps, so that cancelling needs nobody to wake us. False when it was cancelled. */
static bool wait_for(const struct adbc_call *call, int ms)
{
    for (int waited_ms = 0; waited_ms < ms; waited_ms += NAP_MS) {
        const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
        if (cflight_cancel_is_triggered(call->cancel)) {
            return false;
        }
        (void)nanosleep(&nap, NULL);
    }
    return true;
}

/* Keeps an answer; takes it. */
static cflight_status keep(struct adbc_statement *statement, struct cflight_poll_info *answer,
                           cflight_error **reterr)
{
    struct adbc_incremental *incremental = &statement->incremental;
    cflight_buffer *info = NULL;
    if (answer->info == NULL) {
        cflight_poll_info_free(answer);
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                         "the server's answer to PollFlightInfo has no info");
    }
    cflight_status status = cflight_info_serialize(answer->info, &info, reterr);
    if (status != CFLIGHT_OK) {
        cflight_poll_info_free(answer);
        return status;
    }
    cflight_poll_info_free(incremental->answer);
    incremental->answer = answer;
    incremental->is_begun = true;
    incremental->is_complete = answer->descriptor == NULL;
    (void)pthread_mutex_lock(&statement->base.lock);
    cflight_buffer_unref(incremental->last_info);
    incremental->last_info = info;
    if (answer->has_progress) {
        incremental->progress = answer->progress;
    }
    (void)pthread_mutex_unlock(&statement->base.lock);
    return CFLIGHT_OK;
}

static cflight_status poll_once(struct adbc_statement *statement, const struct adbc_call *call,
                                const struct cflight_sql_message *command, cflight_error **reterr)
{
    const struct cflight_poll_info *last = statement->incremental.answer;
    struct cflight_poll_info *answer = NULL;
    cflight_status status =
        cflight_sql_poll(statement->connection->link.client, command,
                         last == NULL ? NULL : last->descriptor, &call->query, &answer, reterr);
    return status == CFLIGHT_OK ? keep(statement, answer, reterr) : status;
}

static size_t new_count(const struct adbc_incremental *incremental)
{
    return incremental->answer == NULL
               ? 0
               : incremental->answer->info->endpoint_count - incremental->given_count;
}

/* Asks until something is new or the query is complete. */
static AdbcStatusCode poll_until(struct adbc_statement *statement, struct adbc_call *call,
                                 const struct cflight_sql_message *command, struct AdbcError *error)
{
    struct adbc_incremental *incremental = &statement->incremental;
    cflight_error *cause = NULL;
    for (int wait_ms = 0; !incremental->is_complete;) {
        if (!wait_for(call, wait_ms)) {
            return adbc_fail(error, ADBC_STATUS_CANCELLED, "the query was cancelled");
        }
        if (poll_once(statement, call, command, &cause) != CFLIGHT_OK) {
            return adbc_fail_by(error, cause);
        }
        if (incremental->answer->info->endpoint_count < incremental->given_count) {
            return adbc_fail(error, ADBC_STATUS_INTERNAL,
                             "the server has taken back endpoints: there were %zu, now %zu",
                             incremental->given_count, incremental->answer->info->endpoint_count);
        }
        if (new_count(incremental) > 0) {
            break;
        }
        wait_ms = wait_ms == 0 ? WAIT_FIRST_MS : wait_ms * 2;
        wait_ms = wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : wait_ms;
    }
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_incremental_next(struct adbc_statement *statement, struct adbc_call *call,
                                     const struct cflight_sql_message *command,
                                     struct ArrowSchema *ret_schema,
                                     struct AdbcPartitions *ret_partitions, int64_t *ret_row_count,
                                     struct AdbcError *error)
{
    struct adbc_incremental *incremental = &statement->incremental;
    AdbcStatusCode code = poll_until(statement, call, command, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    const struct cflight_info *info = incremental->answer->info;
    bool is_end = new_count(incremental) == 0;
    if (ret_schema != NULL) {
        code = adbc_info_schema(info, ret_schema, error);
    }
    if (code == ADBC_STATUS_OK) {
        code = adbc_partitions_of(info, incremental->given_count, ret_partitions, error);
    }
    if (code != ADBC_STATUS_OK) {
        if (ret_schema != NULL && ret_schema->release != NULL) {
            ret_schema->release(ret_schema);
        }
        return code;
    }
    *ret_row_count = info->total_records;
    incremental->given_count = info->endpoint_count;
    if (is_end) {
        adbc_incremental_clear(statement);
    }
    return ADBC_STATUS_OK;
}
