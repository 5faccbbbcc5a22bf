/* SPDX-License-Identifier: Apache-2.0 */
/* The client: updates and ingests. */
#include "sql_peer.h"

/* Goal: rule 1. An update is one message with descriptor and a schema of no fields, and the
 * client's half is closed before it waits: the server here answers only at the end of the upload.
 */
TEST(sql_uploads, an_update_says_all_before_it_waits)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    int64_t count = 0;
    const struct cflight_sql_substrait_plan plan = {.plan = t_text("plan"),
                                                    .version = t_text("0.12.0")};
    t_sql_peer_start(&peer, NULL);
    CHECK_OK(cflight_sql_update(peer.client, t_text("INSERT"), NULL, &count, &error), error);
    assert_int_equal(count, 7);
    count = 0;
    CHECK_OK(cflight_sql_update_by_plan(peer.client, &plan, NULL, &count, &error), error);
    assert_int_equal(count, 7);
    t_sql_peer_check(
        &peer, "DoPut CommandStatementUpdate INSERT [0 fields, 0 batches, 0 rows, 1 messages]\n"
               "DoPut CommandStatementSubstraitPlan plan [0 fields, 0 batches, 0 rows, 1 "
               "messages]\n");
    t_sql_peer_stop(&peer);
}

/* Answers with what `id_count` says: nothing, an empty message, -1, two answers, an answer and a
 * failure, and one that is no message. */
enum { NO_ANSWER, ZERO, UNKNOWN_COUNT, TWO, THEN_FAILURE, MALFORMED };

static cflight_status put_in_many_ways(struct t_sql_peer *peer, cflight_metadata_writer *writer,
                                       cflight_error **reterr)
{
    struct cflight_sql_message count = {.type = CFLIGHT_SQL_UPDATE_RESULT, .record_count = 5};
    (void)pthread_mutex_lock(&peer->mutex);
    int way = peer->locked.id_count;
    (void)pthread_mutex_unlock(&peer->mutex);
    if (way == NO_ANSWER) {
        return CFLIGHT_OK;
    }
    if (way == MALFORMED) {
        return cflight_metadata_writer_write(writer, cflight_bytes_make("\x08", 1), reterr);
    }
    if (way == ZERO || way == UNKNOWN_COUNT) {
        count.record_count = way == ZERO ? 0 : -1;
    }
    cflight_status status = t_sql_put_answer(writer, &count, reterr);
    if (status == CFLIGHT_OK && way == TWO) {
        count.record_count = 6;
        status = t_sql_put_answer(writer, &count, reterr);
    }
    if (status == CFLIGHT_OK && way == THEN_FAILURE) {
        status = cflight_error_set_message(reterr, CFLIGHT_ABORTED, "the disk is full");
    }
    return status;
}

static cflight_status update_in_way(struct t_sql_peer *peer, int way, int64_t *ret_count,
                                    cflight_error **reterr)
{
    (void)pthread_mutex_lock(&peer->mutex);
    peer->locked.id_count = way;
    (void)pthread_mutex_unlock(&peer->mutex);
    *ret_count = 1000;
    return cflight_sql_update(peer->client, t_text("u"), NULL, ret_count, reterr);
}

/* Goal: an answer without bytes is a count of 0, no answer is one that nobody knows, of several the
 * first counts, and a failure that comes after the answer is the failure of the update. */
TEST(sql_uploads, the_end_of_the_call_decides)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    int64_t count = 0;
    const struct t_sql_script script = {.put = put_in_many_ways};
    t_sql_peer_start(&peer, &script);
    CHECK_OK(update_in_way(&peer, NO_ANSWER, &count, &error), error);
    assert_int_equal(count, -1);
    CHECK_OK(update_in_way(&peer, ZERO, &count, &error), error);
    assert_int_equal(count, 0);
    CHECK_OK(update_in_way(&peer, UNKNOWN_COUNT, &count, &error), error);
    assert_int_equal(count, -1);
    CHECK_OK(update_in_way(&peer, TWO, &count, &error), error);
    assert_int_equal(count, 5);
    CHECK_STATUS(update_in_way(&peer, THEN_FAILURE, &count, &error), CFLIGHT_ABORTED);
    assert_string_equal(cflight_error_message(error), "CommandStatementUpdate: the disk is full");
    assert_int_equal(count, 1000);
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(update_in_way(&peer, MALFORMED, &count, &error), CFLIGHT_INTERNAL);
    assert_non_null(strstr(cflight_error_message(error), "DoPutUpdateResult"));
    cflight_error_free(error);
    t_sql_peer_stop(&peer);
}

static cflight_status put_unavailable(struct t_sql_peer *peer, cflight_metadata_writer *writer,
                                      cflight_error **reterr)
{
    (void)peer;
    (void)writer;
    return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "the engine restarts");
}

/* Goal: rule 6. An update is sent once, whatever the server says. */
TEST(sql_uploads, an_update_is_not_sent_again)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    int64_t count = 0;
    const struct t_sql_script script = {.put = put_unavailable, .put_reads_nothing = true};
    t_sql_peer_start(&peer, &script);
    CHECK_STATUS(cflight_sql_update(peer.client, t_text("u"), NULL, &count, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_int_not_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
    cflight_error_free(error);
    t_sql_peer_check(&peer, "DoPut CommandStatementUpdate u\n");
    t_sql_peer_stop(&peer);
}

/* ---- ingests ---- */

static cflight_status ingest(struct t_sql_peer *peer, enum cflight_sql_if_missing if_missing,
                             enum cflight_sql_if_exists if_exists, bool fails, int64_t *ret_count,
                             cflight_error **reterr)
{
    struct ArrowArrayStream rows;
    struct cflight_sql_ingest_target target = {if_missing, if_exists,
                                               .name = {.table = t_text("birds")}};
    t_sql_rows(20, fails ? &peer->put_began : NULL, &rows);
    cflight_status status =
        cflight_sql_ingest(peer->client, &target, &rows, NULL, ret_count, reterr);
    rows.release(&rows);
    return status;
}

/* Goal: the four modes go out as the two enumerators that they are. */
TEST(sql_uploads, an_ingest_has_four_modes)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    int64_t count = 0;
    t_sql_peer_start(&peer, NULL);
    CHECK_OK(ingest(&peer, CFLIGHT_SQL_INGEST_CREATE, false, &count, &error), error);
    assert_int_equal(count, 7);
    CHECK_OK(ingest(&peer, CFLIGHT_SQL_INGEST_APPEND, false, &count, &error), error);
    CHECK_OK(ingest(&peer, CFLIGHT_SQL_INGEST_CREATE_APPEND, false, &count, &error), error);
    CHECK_OK(ingest(&peer, CFLIGHT_SQL_INGEST_REPLACE, false, &count, &error), error);
    t_sql_peer_check(
        &peer,
        "DoPut CommandStatementIngest birds 11 [2 fields, 1 batches, 20 rows, 2 messages]\n"
        "DoPut CommandStatementIngest birds 22 [2 fields, 1 batches, 20 rows, 2 messages]\n"
        "DoPut CommandStatementIngest birds 12 [2 fields, 1 batches, 20 rows, 2 messages]\n"
        "DoPut CommandStatementIngest birds 13 [2 fields, 1 batches, 20 rows, 2 messages]\n");
    t_sql_peer_stop(&peer);
}

/* Goal: an ingest that does not say what to do is refused before anything is sent. */
TEST(sql_uploads, an_ingest_must_say_table_and_mode)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream rows;
    cflight_error *error = NULL;
    int64_t count = 0;
    const struct cflight_sql_ingest_target target = {CFLIGHT_SQL_INGEST_CREATE, .temporary = true};
    t_sql_peer_start(&peer, NULL);
    CHECK_STATUS(ingest(&peer, CFLIGHT_SQL_IF_MISSING_UNSPECIFIED, CFLIGHT_SQL_IF_EXISTS_APPEND,
                        false, &count, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(ingest(&peer, CFLIGHT_SQL_IF_MISSING_CREATE, CFLIGHT_SQL_IF_EXISTS_UNSPECIFIED,
                        false, &count, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    cflight_error_free(error);
    error = NULL;
    t_sql_rows(1, NULL, &rows);
    CHECK_STATUS(cflight_sql_ingest(peer.client, &target, &rows, NULL, &count, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(cflight_error_message(error), "the ingest names no table");
    cflight_error_free(error);
    rows.release(&rows);
    t_sql_peer_check(&peer, "");
    t_sql_peer_stop(&peer);
}

/* Goal: when the rows fail midway the server sees a call that was cut, and not one that ended, so
 * that it keeps nothing. */
TEST(sql_uploads, rows_that_fail_cut_the_upload)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    int64_t count = 0;
    t_sql_peer_start(&peer, NULL);
    CHECK_STATUS(ingest(&peer, CFLIGHT_SQL_INGEST_CREATE, true, &count, &error), CFLIGHT_INTERNAL);
    assert_non_null(strstr(cflight_error_message(error), "the cellar is empty"));
    cflight_error_free(error);
    assert_true(t_sql_peer_wait(&peer, "DoPut CommandStatementIngest birds 11 (cut)\n"));
    t_sql_peer_stop(&peer);
}

static cflight_status refuse_rows(struct t_sql_peer *peer, cflight_metadata_writer *writer,
                                  cflight_error **reterr)
{
    (void)peer;
    (void)writer;
    return cflight_error_set_message(reterr, CFLIGHT_ALREADY_EXISTS, "birds exists");
}

/* Goal: a server that refuses an upload midway is heard, with its own status, and no row more is
 * taken. */
TEST(sql_uploads, a_refusal_ends_a_long_upload)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream rows;
    cflight_error *error = NULL;
    int64_t count = 0;
    const struct t_sql_script script = {.put = refuse_rows, .put_reads_nothing = true};
    const struct cflight_sql_ingest_target target = {CFLIGHT_SQL_INGEST_CREATE,
                                                     .name = {.table = t_text("birds")}};
    t_sql_peer_start(&peer, &script);
    t_sql_endless_rows(&rows);
    CHECK_STATUS(cflight_sql_ingest(peer.client, &target, &rows, NULL, &count, &error),
                 CFLIGHT_ALREADY_EXISTS);
    assert_string_equal(cflight_error_message(error), "CommandStatementIngest: birds exists");
    cflight_error_free(error);
    rows.release(&rows);
    t_sql_peer_stop(&peer);
}
