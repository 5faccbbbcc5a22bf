/* SPDX-License-Identifier: Apache-2.0 */
/* The client under an event loop. */
#include "event_loop.h"
#include "sql_peer.h"

struct request {
    cflight_sql_async *async;
    struct cflight_sql_answer answer;
    cflight_status status;
    cflight_error *error;
    int told_count;
};

static void on_ready(void *user_data)
{
    struct request *request = user_data;
    bool is_ready = false;
    request->told_count++;
    request->status =
        cflight_sql_async_try_finish(request->async, &is_ready, &request->answer, &request->error);
    assert_true(is_ready || request->status != CFLIGHT_OK);
}

/* Turns until a request is told of. */
static void wait_for(struct t_sql_peer *peer, struct request *request)
{
    cflight_sql_async_notify(request->async, on_ready, request);
    while (request->told_count == 0) {
        t_turn(peer->client);
    }
    assert_int_equal(request->told_count, 1);
}

/* Sends a request on a client that may have no connection, and waits for it. */
static struct request ask(struct t_sql_peer *peer, const struct cflight_sql_message *message,
                          const struct cflight_sql_options *options)
{
    struct request request = {.status = CFLIGHT_OK};
    CHECK_OK(
        cflight_sql_async_start(peer->client, message, options, &request.async, &request.error),
        request.error);
    wait_for(peer, &request);
    return request;
}

static struct request upload(struct t_sql_peer *peer, const struct cflight_sql_message *message,
                             struct ArrowArrayStream *rows)
{
    struct request request = {.status = CFLIGHT_OK};
    CHECK_OK(
        cflight_sql_async_upload(peer->client, message, rows, NULL, &request.async, &request.error),
        request.error);
    assert_true(rows == NULL || rows->release == NULL);
    wait_for(peer, &request);
    return request;
}

static void done(struct request *request)
{
    cflight_sql_async_free(request->async);
    cflight_sql_answer_done(&request->answer);
    cflight_error_free(request->error);
}

/* Goal: commands with a result, updates and actions, with a result and without, are asked for and
 * told of once, and connect by themselves. */
TEST(sql_async, requests_of_each_kind_are_told_of_once)
{
    struct t_sql_peer peer;
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    t_sql_peer_start(&peer, NULL);
    message.statement.query = t_text("q");
    struct request request = ask(&peer, &message, NULL);
    CHECK_OK(request.status, request.error);
    assert_int_equal(request.answer.info->endpoint_count, 1);
    assert_null(request.answer.message);
    done(&request);

    message.type = CFLIGHT_SQL_STATEMENT_UPDATE;
    request = ask(&peer, &message, NULL);
    CHECK_OK(request.status, request.error);
    assert_int_equal(request.answer.message->record_count, 7);
    done(&request);

    message.type = CFLIGHT_SQL_CREATE_PREPARED_STATEMENT;
    request = ask(&peer, &message, NULL);
    CHECK_OK(request.status, request.error);
    assert_true(t_is_text(request.answer.message->prepared.handle, "id1"));
    done(&request);

    message = (struct cflight_sql_message){.type = CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE};
    message.handle = t_text("id1");
    request = ask(&peer, &message, NULL);
    CHECK_OK(request.status, request.error);
    assert_int_equal(request.answer.message->record_count, 7);
    done(&request);

    message.type = CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT;
    request = ask(&peer, &message, NULL);
    CHECK_OK(request.status, request.error);
    assert_null(request.answer.message);
    done(&request);
    t_sql_peer_check(&peer,
                     "GetFlightInfo CommandStatementQuery q\n"
                     "DoPut CommandStatementUpdate q [0 fields, 0 batches, 0 rows, 1 messages]\n"
                     "DoAction ActionCreatePreparedStatementRequest q\n"
                     "DoPut CommandPreparedStatementUpdate id1 [0 fields, 1 batches, 0 rows, 2 "
                     "messages]\n"
                     "DoAction ActionClosePreparedStatementRequest id1\n");
    assert_string_equal(peer.locked.inline_max, "65536");
    t_sql_peer_stop(&peer);
}

static cflight_status answer_and_fail(struct t_sql_peer *peer, cflight_metadata_writer *writer,
                                      cflight_error **reterr)
{
    const struct cflight_sql_message count = {.type = CFLIGHT_SQL_UPDATE_RESULT, .record_count = 5};
    (void)peer;
    cflight_status status = t_sql_put_answer(writer, &count, reterr);
    return status != CFLIGHT_OK
               ? status
               : cflight_error_set_message(reterr, CFLIGHT_ABORTED, "the disk is full");
}

static cflight_status answer_nothing(struct t_sql_peer *peer, const struct cflight_action *action,
                                     cflight_response *response, cflight_error **reterr)
{
    (void)peer;
    (void)action;
    (void)response;
    (void)reterr;
    return CFLIGHT_OK;
}

/* Goal: the status at the end wins, a missing result is the server's fault, and a failure is told
 * again when asked again. */
TEST(sql_async, failures_name_the_request)
{
    struct t_sql_peer peer;
    bool is_ready = false;
    struct cflight_sql_answer answer;
    cflight_error *error = NULL;
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_UPDATE};
    const struct t_sql_script script = {.put = answer_and_fail, .action = answer_nothing};
    t_sql_peer_start(&peer, &script);
    message.statement.query = t_text("u");
    struct request request = ask(&peer, &message, NULL);
    CHECK_STATUS(request.status, CFLIGHT_ABORTED);
    assert_string_equal(cflight_error_message(request.error),
                        "CommandStatementUpdate: the disk is full");
    CHECK_STATUS(cflight_sql_async_try_finish(request.async, &is_ready, &answer, &error),
                 CFLIGHT_ABORTED);
    assert_string_equal(cflight_error_message(error), cflight_error_message(request.error));
    cflight_error_free(error);
    done(&request);

    message = (struct cflight_sql_message){.type = CFLIGHT_SQL_BEGIN_TRANSACTION};
    request = ask(&peer, &message, NULL);
    CHECK_STATUS(request.status, CFLIGHT_INTERNAL);
    assert_string_equal(cflight_error_message(request.error),
                        "BeginTransaction: the server sent no result");
    done(&request);
    error = NULL;
    message.type = CFLIGHT_SQL_STATEMENT_INGEST;
    CHECK_STATUS(cflight_sql_async_start(peer.client, &message, NULL, &request.async, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    cflight_error_free(error);
    t_sql_peer_stop(&peer);
}

/* Goal: a request that nobody waits for any more ends, whatever it has reached. */
TEST(sql_async, freeing_ends_a_request)
{
    struct t_sql_peer peer;
    struct request request = {.status = CFLIGHT_OK};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE};
    t_sql_peer_start(&peer, NULL);
    message.handle = t_text("id1");
    for (int turns = 0; turns < 6; turns++) {
        CHECK_OK(
            cflight_sql_async_start(peer.client, &message, NULL, &request.async, &request.error),
            request.error);
        cflight_sql_async_notify(request.async, on_ready, &request);
        for (int i = 0; i < turns && request.told_count == 0; i++) {
            t_turn(peer.client);
        }
        cflight_sql_async_free(request.async);
    }
    cflight_sql_answer_done(&request.answer);
    cflight_sql_async_free(NULL);
    t_sql_peer_stop(&peer);
}

static cflight_status answer_poll(struct t_sql_peer *peer,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_response *response, cflight_error **reterr)
{
    const struct cflight_poll_info state = {
        .descriptor = descriptor, .has_progress = true, .progress = 0.5};
    (void)peer;
    return cflight_response_poll_info(response, &state, reterr);
}

/* Goal: of a command with a result the schema and the state can be asked for as well, and the state
 * again by what it was answered with. */
TEST(sql_async, schemas_and_states_are_asked_for)
{
    struct t_sql_peer peer;
    const struct t_sql_script script = {.poll = answer_poll};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    struct request request = {.status = CFLIGHT_OK};
    struct request again = {.status = CFLIGHT_OK};
    t_sql_peer_start(&peer, &script);
    message.statement.query = t_text("q");
    CHECK_OK(
        cflight_sql_async_get_schema(peer.client, &message, NULL, &request.async, &request.error),
        request.error);
    wait_for(&peer, &request);
    CHECK_OK(request.status, request.error);
    assert_int_equal(request.answer.schema.n_children, 2);
    done(&request);

    request = (struct request){.status = CFLIGHT_OK};
    CHECK_OK(
        cflight_sql_async_poll(peer.client, &message, NULL, NULL, &request.async, &request.error),
        request.error);
    wait_for(&peer, &request);
    CHECK_OK(request.status, request.error);
    CHECK_OK(cflight_sql_async_poll(peer.client, &message, request.answer.poll_info->descriptor,
                                    NULL, &again.async, &again.error),
             again.error);
    wait_for(&peer, &again);
    assert_true(again.answer.poll_info->progress > 0.4);
    t_sql_peer_check(&peer, "GetSchema CommandStatementQuery q\n"
                            "PollFlightInfo CommandStatementQuery q\n"
                            "PollFlightInfo CommandStatementQuery q\n");
    done(&request);
    done(&again);
    message.type = CFLIGHT_SQL_STATEMENT_UPDATE;
    CHECK_STATUS(
        cflight_sql_async_get_schema(peer.client, &message, NULL, &request.async, &request.error),
        CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(cflight_error_message(request.error),
                        "CommandStatementUpdate is no command with a result");
    cflight_error_free(request.error);
    t_sql_peer_stop(&peer);
}

/* ---- uploads ---- */

static struct cflight_sql_message ingest_message(void)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_INGEST};
    message.ingest = (struct cflight_sql_ingest_target){CFLIGHT_SQL_INGEST_CREATE,
                                                        .name = {.table = t_text("birds")}};
    return message;
}

/* Goal: rows go with each command that takes them, and updates without rows say so. */
TEST(sql_async, rows_are_sent)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream rows;
    struct cflight_sql_message message = ingest_message();
    t_sql_peer_start(&peer, NULL);
    t_sql_rows(20, NULL, &rows);
    struct request request = upload(&peer, &message, &rows);
    CHECK_OK(request.status, request.error);
    assert_int_equal(request.answer.message->record_count, 7);
    done(&request);

    message = (struct cflight_sql_message){.type = CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE};
    message.handle = t_text("id1");
    t_sql_rows(0, NULL, &rows);
    request = upload(&peer, &message, &rows);
    CHECK_OK(request.status, request.error);
    assert_int_equal(request.answer.message->record_count, 7);
    done(&request);

    message = (struct cflight_sql_message){.type = CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN};
    message.substrait.plan = t_text("plan");
    request = upload(&peer, &message, NULL);
    CHECK_OK(request.status, request.error);
    assert_int_equal(request.answer.message->record_count, 7);
    done(&request);
    t_sql_peer_check(
        &peer,
        "DoPut CommandStatementIngest birds 11 [2 fields, 1 batches, 20 rows, 2 messages]\n"
        "DoPut CommandPreparedStatementUpdate id1 [2 fields, 0 batches, 0 rows, 1 messages]\n"
        "DoPut CommandStatementSubstraitPlan plan [0 fields, 0 batches, 0 rows, 1 messages]\n");
    t_sql_peer_stop(&peer);
}

static cflight_status answer_handle(struct t_sql_peer *peer, cflight_metadata_writer *writer,
                                    cflight_error **reterr)
{
    const struct cflight_sql_message answer = {.type = CFLIGHT_SQL_PREPARED_PUT_RESULT,
                                               .handle = t_text("id2")};
    (void)peer;
    return t_sql_put_answer(writer, &answer, reterr);
}

/* Goal: what binds tells the handle that goes on. */
TEST(sql_async, binding_gives_the_handle)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream rows;
    const struct t_sql_script script = {.put = answer_handle};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY};
    t_sql_peer_start(&peer, &script);
    message.handle = t_text("id1");
    t_sql_rows(3, NULL, &rows);
    struct request request = upload(&peer, &message, &rows);
    CHECK_OK(request.status, request.error);
    assert_true(t_is_text(request.answer.message->handle, "id2"));
    done(&request);
    t_sql_peer_stop(&peer);
}

/* Goal: rows that fail midway, and a server that refuses, end an upload; both say why. */
TEST(sql_async, an_upload_that_fails_ends)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream rows;
    const struct cflight_sql_message message = ingest_message();
    struct t_sql_script script = {.put = NULL};
    t_sql_peer_start(&peer, NULL);
    t_sql_rows(20, &peer.put_began, &rows);
    struct request request = upload(&peer, &message, &rows);
    CHECK_STATUS(request.status, CFLIGHT_INTERNAL);
    assert_non_null(strstr(cflight_error_message(request.error), "the cellar is empty"));
    done(&request);
    assert_true(t_sql_peer_wait(&peer, "DoPut CommandStatementIngest birds 11 (cut)\n"));
    t_sql_peer_stop(&peer);

    script.put = answer_and_fail;
    script.put_reads_nothing = true;
    t_sql_peer_start(&peer, &script);
    t_sql_endless_rows(&rows);
    request = upload(&peer, &message, &rows);
    CHECK_STATUS(request.status, CFLIGHT_ABORTED);
    assert_string_equal(cflight_error_message(request.error),
                        "CommandStatementIngest: the disk is full");
    done(&request);
    t_sql_peer_stop(&peer);
}

/* Goal: an upload that nobody waits for any more ends, wherever its rows are. */
TEST(sql_async, freeing_ends_an_upload)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream rows;
    const struct cflight_sql_message message = ingest_message();
    t_sql_peer_start(&peer, NULL);
    for (int turns = 0; turns < 12; turns++) {
        struct request request = {.status = CFLIGHT_OK};
        t_sql_endless_rows(&rows);
        CHECK_OK(cflight_sql_async_upload(peer.client, &message, &rows, NULL, &request.async,
                                          &request.error),
                 request.error);
        cflight_sql_async_notify(request.async, on_ready, &request);
        for (int i = 0; i < turns; i++) {
            t_turn(peer.client);
        }
        assert_int_equal(request.told_count, 0);
        cflight_sql_async_free(request.async);
    }
    t_sql_peer_stop(&peer);
}

/* Goal: what takes no rows, needs some, or does not say where they go is refused, and the rows stay
 * the caller's. */
TEST(sql_async, an_upload_must_make_sense)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream rows;
    cflight_sql_async *async = NULL;
    static const struct {
        enum cflight_sql_type type;
        bool has_rows;
        const char *text;
    } CASES[] = {
        {CFLIGHT_SQL_STATEMENT_UPDATE, true, "CommandStatementUpdate is no upload of rows"},
        {CFLIGHT_SQL_STATEMENT_INGEST, false, "CommandStatementIngest is no update without rows"},
        {CFLIGHT_SQL_PREPARED_STATEMENT_QUERY, false,
         "CommandPreparedStatementQuery is no update without rows"},
        {CFLIGHT_SQL_NONE, true, "a message without a type is no upload of rows"},
        {CFLIGHT_SQL_STATEMENT_INGEST, true, "the ingest names no table"},
    };
    t_sql_peer_start(&peer, NULL);
    t_sql_rows(1, NULL, &rows);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct cflight_sql_message message = {.type = CASES[i].type};
        cflight_error *error = NULL;
        CHECK_STATUS(cflight_sql_async_upload(peer.client, &message,
                                              CASES[i].has_rows ? &rows : NULL, NULL, &async,
                                              &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_string_equal(cflight_error_message(error), CASES[i].text);
        cflight_error_free(error);
    }
    rows.release(&rows);
    t_sql_peer_check(&peer, "");
    t_sql_peer_stop(&peer);
}
