/* SPDX-License-Identifier: Apache-2.0 */
/* Rows on their way into a driver: what a client has bound, or uploads.
 *
 * The kit's streams are good until its function returns; a driver keeps what was bound until it is
 * given something else. So a driver gets a stream that stays when its source has gone, and has no
 * rows then. Where a driver reads parameters while its result is read, they are collected before.
 * Thread class: one at a time, with the turn of the session. */
#include "adbc/gateway/bound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/single_rows.h"
#include "cflight/builder.h"
#include "cflight/schema.h"

enum { AHEAD_MAX = 2 };

/* A stream of somebody's, lent to a driver, which owns what it is given and may release it at any
 * time, or keep it. */
struct lent {
    unsigned hold_count;             /* the driver's stream, and who has lent */
    struct ArrowArrayStream *source; /* NULL once it was taken back */
    struct ArrowSchema schema;
    struct ArrowArray ahead[AHEAD_MAX];
    size_t ahead_count;
    size_t ahead_next;
    bool has_failed;
    char reason[512];
};

static void drop(struct lent *lent)
{
    if (--lent->hold_count > 0) {
        return;
    }
    for (size_t i = lent->ahead_next; i < lent->ahead_count; i++) {
        lent->ahead[i].release(&lent->ahead[i]);
    }
    if (lent->schema.release != NULL) {
        lent->schema.release(&lent->schema);
    }
    free(lent);
}

static int fail(struct lent *lent, int code)
{
    const char *text = lent->source == NULL ? NULL : lent->source->get_last_error(lent->source);
    lent->has_failed = true;
    (void)snprintf(lent->reason, sizeof lent->reason, "%s",
                   text == NULL ? "the rows could not be read" : text);
    return code;
}

static int lent_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct lent *lent = stream->private_data;
    return cflight_schema_copy(&lent->schema, ret_schema, NULL) == CFLIGHT_OK ? 0 : ENOMEM;
}

static int lent_get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct lent *lent = stream->private_data;
    memset(ret_batch, 0, sizeof *ret_batch);
    if (lent->has_failed) {
        return EIO;
    }
    if (lent->ahead_next < lent->ahead_count) {
        *ret_batch = lent->ahead[lent->ahead_next++];
        return 0;
    }
    if (lent->source == NULL) {
        return 0;
    }
    int code = lent->source->get_next(lent->source, ret_batch);
    return code == 0 ? 0 : fail(lent, code);
}

static const char *lent_get_last_error(struct ArrowArrayStream *stream)
{
    const struct lent *lent = stream->private_data;
    return lent->has_failed ? lent->reason : NULL;
}

static void lent_release(struct ArrowArrayStream *stream)
{
    drop(stream->private_data);
    stream->release = NULL;
}

/* Reads rows until it is known whether there is more than one. */
static int read_ahead(struct lent *lent, bool *ret_is_single)
{
    int64_t row_count = 0;
    bool is_over = false;
    while (row_count <= 1 && lent->ahead_count < AHEAD_MAX && !is_over) {
        struct ArrowArray batch;
        memset(&batch, 0, sizeof batch);
        int code = lent->source->get_next(lent->source, &batch);
        if (code != 0) {
            return fail(lent, code);
        }
        is_over = batch.release == NULL;
        if (!is_over) {
            row_count += batch.length;
            lent->ahead[lent->ahead_count++] = batch;
        }
    }
    *ret_is_single = is_over && row_count <= 1;
    return 0;
}

static cflight_status blame_source(struct ArrowArrayStream *source, cflight_error **reterr)
{
    const char *text = source->get_last_error(source);
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "the rows could not be read: %s",
                             text == NULL ? "no reason was given" : text);
}

/* Lends `source` until take_back(). `ret_stream` is for the driver.
 * @param ret_is_single  Whether there is one row at most; NULL: not asked. */
static cflight_status lend(struct ArrowArrayStream *source, bool *ret_is_single,
                           struct lent **ret_lent, struct ArrowArrayStream *ret_stream,
                           cflight_error **reterr)
{
    struct lent *lent = calloc(1, sizeof *lent);
    if (lent == NULL) {
        return gateway_no_memory(reterr);
    }
    lent->hold_count = 1;
    lent->source = source;
    if (source->get_schema(source, &lent->schema) != 0 ||
        (ret_is_single != NULL && read_ahead(lent, ret_is_single) != 0)) {
        drop(lent);
        return blame_source(source, reterr);
    }
    lent->hold_count++;
    memset(ret_stream, 0, sizeof *ret_stream);
    ret_stream->get_schema = lent_get_schema;
    ret_stream->get_next = lent_get_next;
    ret_stream->get_last_error = lent_get_last_error;
    ret_stream->release = lent_release;
    ret_stream->private_data = lent;
    *ret_lent = lent;
    return CFLIGHT_OK;
}

/* The driver finds no more rows. Tells what was wrong with the source, if the driver has met that
 * and maybe not told. */
static cflight_status take_back(struct lent *lent, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (lent->has_failed) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "the rows could not be read: %s", lent->reason);
    }
    lent->source = NULL;
    drop(lent);
    return status;
}

static cflight_status collect_batches(struct ArrowArrayStream *source, struct ArrowArray **batches,
                                      size_t *count, cflight_error **reterr)
{
    for (;;) {
        struct ArrowArray batch;
        memset(&batch, 0, sizeof batch);
        if (source->get_next(source, &batch) != 0) {
            return blame_source(source, reterr);
        }
        if (batch.release == NULL) {
            return CFLIGHT_OK;
        }
        struct ArrowArray *grown = realloc(*batches, (*count + 1) * sizeof *grown);
        if (grown == NULL) {
            batch.release(&batch);
            return gateway_no_memory(reterr);
        }
        *batches = grown;
        grown[(*count)++] = batch;
    }
}

cflight_status gateway_collect(struct ArrowArrayStream *source, struct ArrowArrayStream *ret_stream,
                               cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct ArrowArray *batches = NULL;
    size_t count = 0;
    memset(&schema, 0, sizeof schema);
    if (source->get_schema(source, &schema) != 0) {
        return blame_source(source, reterr);
    }
    cflight_status status = collect_batches(source, &batches, &count, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(&schema, batches, count, ret_stream, reterr);
    }
    for (size_t i = 0; status != CFLIGHT_OK && i < count; i++) {
        if (batches[i].release != NULL) {
            batches[i].release(&batches[i]);
        }
    }
    free(batches);
    schema.release(&schema);
    return status;
}

cflight_status gateway_bind(struct gateway_statement *statement, struct ArrowArrayStream *stream,
                            cflight_error **reterr)
{
    const struct gateway_driver *driver = &statement->session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    AdbcStatusCode code = driver->table.StatementBindStream(&statement->adbc, stream, &error);
    if (code != ADBC_STATUS_OK && stream->release != NULL) {
        stream->release(stream);
    }
    return gateway_fail(code, &error, "bind", reterr);
}

/* A driver that has not seen the failure of its rows has stored a part of them. */
static cflight_status store(struct gateway_statement *statement, struct lent *lent,
                            int64_t *ret_row_count, cflight_error **reterr)
{
    cflight_error *damage = NULL;
    cflight_status status = gateway_statement_execute(statement, NULL, ret_row_count, NULL, reterr);
    if (take_back(lent, &damage) != CFLIGHT_OK && status == CFLIGHT_OK) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s",
                                   cflight_error_message(damage));
    }
    cflight_error_free(damage);
    return status;
}

/* What a client has begun is for him to end. */
static bool needs_unit(const struct gateway_session *session)
{
    return !session->is_in_transaction && !session->connection->has_own_transactions;
}

static cflight_status end_unit(struct gateway_session *session, cflight_status status,
                               cflight_error **reterr)
{
    if (status == CFLIGHT_OK) {
        status = gateway_transaction_end(session, true, reterr);
    }
    if (status != CFLIGHT_OK) {
        (void)gateway_transaction_end(session, false, NULL);
    }
    return status;
}

static cflight_status store_as_unit(struct gateway_statement *statement, struct lent *lent,
                                    int64_t *ret_row_count, cflight_error **reterr)
{
    struct gateway_session *session = statement->session;
    cflight_status status = gateway_transaction_begin(session, reterr);
    if (status != CFLIGHT_OK) {
        (void)take_back(lent, NULL);
        return status;
    }
    status = store(statement, lent, ret_row_count, reterr);
    return end_unit(session, status, reterr);
}

/* For drivers that bind one row: each is a run of its own, and the counts are added up. */
static cflight_status store_each(struct gateway_statement *statement,
                                 struct ArrowArrayStream *source, int64_t *ret_row_count,
                                 cflight_error **reterr)
{
    struct gateway_single_rows *rows = NULL;
    bool has_row = true;
    cflight_status status = gateway_single_rows_new(source, &rows, reterr);
    *ret_row_count = 0;
    while (status == CFLIGHT_OK && has_row) {
        struct ArrowArrayStream row;
        int64_t row_count = 0;
        status = gateway_single_rows_next(rows, &has_row, &row, reterr);
        if (status == CFLIGHT_OK && has_row) {
            status = gateway_bind(statement, &row, reterr);
            if (status == CFLIGHT_OK) {
                status = gateway_statement_execute(statement, NULL, &row_count, NULL, reterr);
            }
        }
        *ret_row_count = *ret_row_count < 0 || row_count < 0 ? -1 : *ret_row_count + row_count;
    }
    gateway_single_rows_free(rows);
    return status;
}

static cflight_status store_singly(struct gateway_statement *statement,
                                   struct ArrowArrayStream *source, int64_t *ret_row_count,
                                   cflight_error **reterr)
{
    struct gateway_session *session = statement->session;
    if (!needs_unit(session)) {
        return store_each(statement, source, ret_row_count, reterr);
    }
    cflight_status status = gateway_transaction_begin(session, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = store_each(statement, source, ret_row_count, reterr);
    return end_unit(session, status, reterr);
}

cflight_status gateway_store_rows(struct gateway_statement *statement,
                                  struct ArrowArrayStream *source, bool asks_count,
                                  int64_t *ret_row_count, cflight_error **reterr)
{
    struct gateway_session *session = statement->session;
    struct lent *lent = NULL;
    struct ArrowArrayStream stream;
    bool is_single = false;
    if (asks_count && session->gateway->vendor->binds_single_rows) {
        return store_singly(statement, source, ret_row_count, reterr);
    }
    cflight_status status = lend(source, asks_count ? &is_single : NULL, &lent, &stream, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = gateway_bind(statement, &stream, reterr);
    if (status != CFLIGHT_OK) {
        (void)take_back(lent, NULL);
        return status;
    }
    bool is_unit = !is_single && needs_unit(session);
    return is_unit ? store_as_unit(statement, lent, ret_row_count, reterr)
                   : store(statement, lent, ret_row_count, reterr);
}
