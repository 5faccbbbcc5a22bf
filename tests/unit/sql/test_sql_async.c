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

/* Sends a request on a client without a connection and turns until it is told. */
static struct request ask(struct t_sql_peer *peer, const struct cflight_sql_message *message,
                          const struct cflight_sql_options *options)
{
    struct request request = {.status = CFLIGHT_OK};
    CHECK_OK(
        cflight_sql_async_start(peer->client, message, options, &request.async, &request.error),
        request.error);
    cflight_sql_async_notify(request.async, on_ready, &request);
    while (request.told_count == 0) {
        t_turn(peer->client);
    }
    assert_int_equal(request.told_count, 1);
    return request;
}

static void done(struct request *request)
{
    cflight_sql_async_free(request->async);
    cflight_info_free(request->answer.info);
    cflight_sql_message_free(request->answer.message);
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

    message = (struct cflight_sql_message){.type = CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT};
    message.handle = t_text("id1");
    request = ask(&peer, &message, NULL);
    CHECK_OK(request.status, request.error);
    assert_null(request.answer.message);
    done(&request);
    t_sql_peer_check(&peer,
                     "GetFlightInfo CommandStatementQuery q\n"
                     "DoPut CommandStatementUpdate q [0 fields, 0 batches, 0 rows, 1 messages]\n"
                     "DoAction ActionCreatePreparedStatementRequest q\n"
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
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_STATEMENT_UPDATE};
    t_sql_peer_start(&peer, NULL);
    message.statement.query = t_text("u");
    for (int turns = 0; turns < 4; turns++) {
        CHECK_OK(
            cflight_sql_async_start(peer.client, &message, NULL, &request.async, &request.error),
            request.error);
        cflight_sql_async_notify(request.async, on_ready, &request);
        for (int i = 0; i < turns && request.told_count == 0; i++) {
            t_turn(peer.client);
        }
        cflight_sql_async_free(request.async);
    }
    cflight_sql_message_free(request.answer.message);
    cflight_sql_async_free(NULL);
    t_sql_peer_stop(&peer);
}
