/* SPDX-License-Identifier: Apache-2.0 */
/* The client: prepared statements, transactions and savepoints. */
#include "sql_peer.h"

static cflight_sql_statement *prepare(struct t_sql_peer *peer, const char *text,
                                      const struct cflight_sql_options *options)
{
    cflight_sql_statement *statement = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_prepare(peer->client, t_text(text), options, &statement, &error), error);
    return statement;
}

static cflight_sql_transaction *begin(struct t_sql_peer *peer)
{
    cflight_sql_transaction *transaction = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_begin(peer->client, NULL, &transaction, &error), error);
    return transaction;
}

static cflight_status bind(cflight_sql_statement *statement, int64_t row_count,
                           cflight_error **reterr)
{
    struct ArrowArrayStream rows;
    t_sql_rows(row_count, NULL, &rows);
    cflight_status status = cflight_sql_statement_bind(statement, &rows, NULL, reterr);
    rows.release(&rows);
    return status;
}

/* ---- prepared statements ---- */

/* Answers with what `id_count` says of is_update, both schemas, and three results. */
static cflight_status describe(struct t_sql_peer *peer, const struct cflight_action *action,
                               cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CREATE_PREPARED_RESULT};
    struct ArrowSchema schema;
    cflight_buffer *bytes = NULL;
    if (!t_is_text(action->type, CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT)) {
        return CFLIGHT_OK;
    }
    t_schema(&schema);
    cflight_status status = cflight_ipc_schema_serialize(&schema, &bytes, reterr);
    schema.release(&schema);
    (void)pthread_mutex_lock(&peer->mutex);
    message.prepared.is_update = (enum cflight_sql_update)peer->locked.id_count;
    (void)pthread_mutex_unlock(&peer->mutex);
    message.prepared.handle = t_text("h");
    if (message.prepared.is_update == CFLIGHT_SQL_UPDATE_NO) {
        message.prepared.dataset_schema = cflight_buffer_bytes(bytes);
        message.prepared.parameter_schema = cflight_buffer_bytes(bytes);
    }
    for (int i = 0; status == CFLIGHT_OK && i < 3; i++) {
        status = t_sql_answer(response, &message, reterr);
        message.prepared.handle = t_text("other");
    }
    cflight_buffer_unref(bytes);
    return status;
}

/* Goal: rules 3 and 5. Of an action's results the first counts; whether a statement is an update
 * has three answers; schemas that are not given are none. */
TEST(sql_objects, a_statement_says_what_it_is)
{
    struct t_sql_peer peer;
    const struct t_sql_script script = {.action = describe};
    t_sql_peer_start(&peer, &script);
    for (int is_update = 0; is_update < 3; is_update++) {
        peer.locked.id_count = is_update;
        cflight_sql_statement *statement = prepare(&peer, "q", NULL);
        assert_int_equal(cflight_sql_statement_is_update(statement), is_update);
        assert_true(t_is_text(cflight_sql_statement_handle(statement), "h"));
        const struct ArrowSchema *schema = cflight_sql_statement_schema(statement);
        const struct ArrowSchema *parameters = cflight_sql_statement_parameters(statement);
        assert_int_equal(schema != NULL, is_update == CFLIGHT_SQL_UPDATE_NO);
        assert_int_equal(parameters != NULL, is_update == CFLIGHT_SQL_UPDATE_NO);
        if (schema != NULL) {
            assert_int_equal(schema->n_children, 2);
        }
        cflight_sql_statement_free(statement);
    }
    t_sql_peer_stop(&peer);
}

/* What a server answers to an action that has a result: nothing, another message, no message, a
 * result and then a failure. */
enum { NOTHING, ANOTHER, GARBAGE, THEN_FAILURE };

static cflight_status misbehave(struct t_sql_peer *peer, const struct cflight_action *action,
                                cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT};
    (void)action;
    message.handle = t_text("id");
    (void)pthread_mutex_lock(&peer->mutex);
    int way = peer->locked.id_count;
    (void)pthread_mutex_unlock(&peer->mutex);
    if (way == NOTHING) {
        return CFLIGHT_OK;
    }
    if (way == GARBAGE) {
        return cflight_response_result(response, t_text("garbage"), reterr);
    }
    if (way == ANOTHER) {
        message.type = CFLIGHT_SQL_BEGIN_SAVEPOINT_RESULT;
    }
    cflight_status status = t_sql_answer(response, &message, reterr);
    if (status == CFLIGHT_OK && way == THEN_FAILURE) {
        status = cflight_error_set_message(reterr, CFLIGHT_ABORTED, "too many");
    }
    return status;
}

/* Goal: rule 3. A missing or strange result is the server's fault and names the action; a failure
 * after a result is the failure. */
TEST(sql_objects, a_missing_result_names_the_action)
{
    static const struct {
        int way;
        cflight_status status;
        const char *message;
    } CASES[] = {
        {NOTHING, CFLIGHT_INTERNAL, "BeginTransaction: the server sent no result"},
        {ANOTHER, CFLIGHT_INTERNAL,
         "BeginTransaction: the server's answer is ActionBeginSavepointResult instead of "
         "ActionBeginTransactionResult"},
        {GARBAGE, CFLIGHT_INTERNAL, "BeginTransaction: the server's answer: "},
        {THEN_FAILURE, CFLIGHT_ABORTED, "BeginTransaction: too many"},
    };
    struct t_sql_peer peer;
    const struct t_sql_script script = {.action = misbehave};
    t_sql_peer_start(&peer, &script);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cflight_sql_transaction *transaction = NULL;
        cflight_error *error = NULL;
        (void)pthread_mutex_lock(&peer.mutex);
        peer.locked.id_count = CASES[i].way;
        (void)pthread_mutex_unlock(&peer.mutex);
        CHECK_STATUS(cflight_sql_begin(peer.client, NULL, &transaction, &error), CASES[i].status);
        assert_memory_equal(cflight_error_message(error), CASES[i].message,
                            strlen(CASES[i].message));
        cflight_error_free(error);
    }
    t_sql_peer_stop(&peer);
}

/* What a server answers to a bind: nothing, a message without the field, one with an empty one, a
 * new handle. */
enum { BIND_NOTHING, BIND_ABSENT, BIND_EMPTY, BIND_NEW };

static cflight_status answer_bind(struct t_sql_peer *peer, cflight_metadata_writer *writer,
                                  cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_PREPARED_PUT_RESULT};
    (void)pthread_mutex_lock(&peer->mutex);
    int way = peer->locked.id_count;
    (void)pthread_mutex_unlock(&peer->mutex);
    if (way == BIND_NOTHING) {
        return CFLIGHT_OK;
    }
    if (way == BIND_EMPTY) {
        message.handle = t_text("");
    }
    if (way == BIND_NEW) {
        message.handle = t_text("new");
    }
    return t_sql_put_answer(writer, &message, reterr);
}

/* Goal: rule 2. A bind takes no answer or one; a handle in it is used from then on, everywhere. */
TEST(sql_objects, a_bind_may_replace_the_handle)
{
    static const char *const HANDLES[] = {"id1", "id1", "id1", "new"};
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    const struct t_sql_script script = {.put = answer_bind};
    t_sql_peer_start(&peer, &script);
    cflight_sql_statement *statement = prepare(&peer, "q ?", NULL);
    t_sql_peer_check(&peer, "DoAction ActionCreatePreparedStatementRequest q ?\n");
    for (int way = BIND_NOTHING; way <= BIND_NEW; way++) {
        (void)pthread_mutex_lock(&peer.mutex);
        peer.locked.id_count = way;
        (void)pthread_mutex_unlock(&peer.mutex);
        CHECK_OK(bind(statement, 2, &error), error);
        assert_true(t_is_text(cflight_sql_statement_handle(statement), HANDLES[way]));
        t_sql_peer_check(&peer, "DoPut CommandPreparedStatementQuery id1 [2 fields, 1 batches, 2 "
                                "rows, 2 messages]\n");
    }
    CHECK_OK(cflight_sql_statement_query(statement, NULL, &stream, &error), error);
    assert_int_equal(t_sql_drain(&stream), 3);
    CHECK_OK(cflight_sql_statement_close(statement, NULL, &error), error);
    t_sql_peer_check(&peer, "GetFlightInfo CommandPreparedStatementQuery new\n"
                            "DoGet CommandPreparedStatementQuery new\n"
                            "DoAction ActionClosePreparedStatementRequest new\n");
    cflight_sql_statement_free(statement);
    t_sql_peer_check(&peer, "");
    t_sql_peer_stop(&peer);
}

/* Goal: an update runs with what was bound, or with rows that go along. Without rows a batch of
 * none goes along: Java's servers run it for each batch that comes. */
TEST(sql_objects, an_update_takes_its_rows_along)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream rows;
    cflight_error *error = NULL;
    int64_t count = 0;
    t_sql_peer_start(&peer, NULL);
    cflight_sql_statement *statement = prepare(&peer, "u ?", NULL);
    CHECK_OK(cflight_sql_statement_update(statement, NULL, NULL, &count, &error), error);
    assert_int_equal(count, 7);
    t_sql_rows(4, NULL, &rows);
    CHECK_OK(cflight_sql_statement_update(statement, &rows, NULL, &count, &error), error);
    rows.release(&rows);
    t_sql_rows(0, NULL, &rows);
    CHECK_OK(cflight_sql_statement_update(statement, &rows, NULL, &count, &error), error);
    rows.release(&rows);
    cflight_sql_statement_free(statement);
    t_sql_peer_check(&peer, "DoAction ActionCreatePreparedStatementRequest u ?\n"
                            "DoPut CommandPreparedStatementUpdate id1 [0 fields, 1 batches, 0 "
                            "rows, 2 messages]\n"
                            "DoPut CommandPreparedStatementUpdate id1 [2 fields, 1 batches, 4 "
                            "rows, 2 messages]\n"
                            "DoPut CommandPreparedStatementUpdate id1 [2 fields, 0 batches, 0 "
                            "rows, 1 messages]\n"
                            "DoAction ActionClosePreparedStatementRequest id1\n");
    t_sql_peer_stop(&peer);
}

static cflight_status count_at_once(struct t_sql_peer *peer, cflight_metadata_writer *writer,
                                    cflight_error **reterr)
{
    const struct cflight_sql_message count = {.type = CFLIGHT_SQL_UPDATE_RESULT, .record_count = 5};
    (void)peer;
    return t_sql_put_answer(writer, &count, reterr);
}

/* Goal: a server that runs an update by its descriptor, and ends the call before the batch of no
 * rows is there, has run it. */
TEST(sql_objects, an_update_without_rows_may_end_early)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    const struct t_sql_script script = {.put = count_at_once, .put_reads_nothing = true};
    t_sql_peer_start(&peer, &script);
    cflight_sql_statement *statement = prepare(&peer, "u", NULL);
    for (int i = 0; i < 50; i++) {
        int64_t count = 0;
        CHECK_OK(cflight_sql_statement_update(statement, NULL, NULL, &count, &error), error);
        assert_int_equal(count, 5);
    }
    cflight_sql_statement_free(statement);
    t_sql_peer_stop(&peer);
}

static cflight_status fail_close(struct t_sql_peer *peer, const struct cflight_action *action,
                                 cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CREATE_PREPARED_RESULT};
    (void)pthread_mutex_lock(&peer->mutex);
    cflight_status status = (cflight_status)peer->locked.id_count;
    (void)pthread_mutex_unlock(&peer->mutex);
    if (t_is_text(action->type, CFLIGHT_ACTION_CLOSE_PREPARED_STATEMENT)) {
        return cflight_error_set_message(reterr, status, "cannot close");
    }
    message.prepared.handle = t_text("h");
    return t_sql_answer(response, &message, reterr);
}

/* Goal: rules 2 and 10. A statement that the server has forgotten is closed well; another failure
 * is told, and the statement stays open. What is closed cannot be used, and nothing is sent. */
TEST(sql_objects, closing_what_is_forgotten_is_well)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    int64_t count = 0;
    const struct t_sql_script script = {.action = fail_close};
    t_sql_peer_start(&peer, &script);
    cflight_sql_statement *statement = prepare(&peer, "q", NULL);
    peer.locked.id_count = CFLIGHT_PERMISSION_DENIED;
    CHECK_STATUS(cflight_sql_statement_close(statement, NULL, &error), CFLIGHT_PERMISSION_DENIED);
    assert_string_equal(cflight_error_message(error), "ClosePreparedStatement: cannot close");
    cflight_error_free(error);
    error = NULL;
    peer.locked.id_count = CFLIGHT_NOT_FOUND;
    CHECK_OK(cflight_sql_statement_close(statement, NULL, &error), error);
    t_sql_peer_check(&peer, "DoAction ActionCreatePreparedStatementRequest q\n"
                            "DoAction ActionClosePreparedStatementRequest h\n"
                            "DoAction ActionClosePreparedStatementRequest h\n");
    CHECK_STATUS(cflight_sql_statement_query(statement, NULL, &stream, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(cflight_sql_statement_update(statement, NULL, NULL, &count, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(bind(statement, 1, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(cflight_sql_statement_close(statement, NULL, &error), CFLIGHT_FAILED_PRECONDITION);
    assert_string_equal(cflight_error_message(error), "the prepared statement is over");
    cflight_error_free(error);
    cflight_sql_statement_free(statement);
    t_sql_peer_check(&peer, "");
    t_sql_peer_stop(&peer);
}

/* ---- the end of objects ---- */

/* Waits for the client to give up. */
static void open_gate(void *user_data)
{
    t_gate_open(user_data);
}

struct silent {
    struct t_gate held;
};

static struct silent silent;

static cflight_status never_end(struct t_sql_peer *peer, const struct cflight_action *action,
                                cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT};
    (void)peer;
    message.handle = t_text("id");
    if (t_is_text(action->type, CFLIGHT_ACTION_BEGIN_TRANSACTION)) {
        return t_sql_answer(response, &message, reterr);
    }
    t_gate_wait(&silent.held);
    return CFLIGHT_OK;
}

/* Goal: rule 10. Freeing sends the end with the headers that the object was made with, and waits a
 * second at most for a server that does not answer. */
TEST(sql_objects, freeing_ends_what_is_open_within_a_second)
{
    struct t_sql_peer peer;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    char text[] = "mine";
    const struct cflight_header header = {t_text("tag"), t_text(text)};
    struct t_sql_script script = {.action = NULL};
    call_options.headers = &header;
    call_options.header_count = 1;
    options.call_options = &call_options;
    t_sql_peer_start(&peer, &script);
    cflight_sql_statement *statement = prepare(&peer, "q", &options);
    cflight_sql_transaction *transaction = begin(&peer);
    memset(text, 'x', 4); /* the object has its own */
    t_sql_peer_check(&peer, "DoAction ActionCreatePreparedStatementRequest q\n"
                            "DoAction ActionBeginTransactionRequest\n");
    cflight_sql_transaction_free(transaction);
    assert_string_equal(peer.locked.tag, "");
    cflight_sql_statement_free(statement);
    t_sql_peer_check(&peer, "DoAction ActionEndTransactionRequest id2 2\n"
                            "DoAction ActionClosePreparedStatementRequest id1\n");
    assert_string_equal(peer.locked.tag, "mine");
    cflight_sql_statement_free(NULL);
    cflight_sql_transaction_free(NULL);
    t_sql_peer_stop(&peer);

    script.action = never_end;
    t_gate_init(&silent.held);
    t_sql_peer_start(&peer, &script);
    transaction = begin(&peer);
    cflight_sql_transaction_free(transaction); /* the watchdog is a minute away */
    open_gate(&silent.held);
    t_sql_peer_stop(&peer);
    t_gate_done(&silent.held);
}

/* Goal: an object keeps its client, as a stream does. */
TEST(sql_objects, an_object_keeps_its_client)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    t_sql_peer_start(&peer, NULL);
    cflight_sql_transaction *transaction = begin(&peer);
    cflight_client_free(peer.client);
    peer.client = NULL;
    CHECK_OK(cflight_sql_transaction_commit(transaction, NULL, &error), error);
    cflight_sql_transaction_free(transaction);
    t_sql_peer_stop(&peer);
}

/* ---- transactions ---- */

/* Goal: rule 7. A statement of a transaction says its id, one of none has no field; what says its
 * own transaction keeps it. */
TEST(sql_objects, statements_are_part_of_the_transaction)
{
    struct t_sql_peer peer;
    struct ArrowArrayStream stream;
    struct ArrowArrayStream rows;
    cflight_error *error = NULL;
    int64_t count = 0;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    struct cflight_sql_ingest_target target = {CFLIGHT_SQL_INGEST_APPEND,
                                               .name = {.table = t_text("t")}};
    t_sql_peer_start(&peer, NULL);
    cflight_sql_transaction *transaction = begin(&peer);
    options.transaction = transaction;
    CHECK_OK(cflight_sql_query(peer.client, t_text("q"), &options, &stream, &error), error);
    assert_int_equal(t_sql_drain(&stream), 3);
    CHECK_OK(cflight_sql_update(peer.client, t_text("u"), &options, &count, &error), error);
    cflight_sql_statement_free(prepare(&peer, "p", &options));
    t_sql_rows(1, NULL, &rows);
    CHECK_OK(cflight_sql_ingest(peer.client, &target, &rows, &options, &count, &error), error);
    rows.release(&rows);
    target.transaction_id = t_text("another");
    t_sql_rows(1, NULL, &rows);
    CHECK_OK(cflight_sql_ingest(peer.client, &target, &rows, &options, &count, &error), error);
    rows.release(&rows);
    CHECK_OK(cflight_sql_transaction_commit(transaction, NULL, &error), error);
    t_sql_peer_check(
        &peer,
        "DoAction ActionBeginTransactionRequest\n"
        "GetFlightInfo CommandStatementQuery q in id1\nDoGet CommandStatementQuery q in id1\n"
        "DoPut CommandStatementUpdate u in id1 [0 fields, 0 batches, 0 rows, 1 messages]\n"
        "DoAction ActionCreatePreparedStatementRequest p in id1\n"
        "DoAction ActionClosePreparedStatementRequest id2\n"
        "DoPut CommandStatementIngest t in id1 22 [2 fields, 1 batches, 1 rows, 2 messages]\n"
        "DoPut CommandStatementIngest t in another 22 [2 fields, 1 batches, 1 rows, 2 "
        "messages]\n"
        "DoAction ActionEndTransactionRequest id1 1\n");
    CHECK_STATUS(cflight_sql_query(peer.client, t_text("q"), &options, &stream, &error),
                 CFLIGHT_FAILED_PRECONDITION);
    assert_string_equal(cflight_error_message(error), "the transaction is over");
    cflight_error_free(error);
    cflight_sql_transaction_free(transaction);
    t_sql_peer_check(&peer, "");
    t_sql_peer_stop(&peer);
}

static cflight_status fail_end(struct t_sql_peer *peer, const struct cflight_action *action,
                               cflight_response *response, cflight_error **reterr)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT};
    (void)peer;
    message.handle = t_text("id");
    if (t_is_text(action->type, CFLIGHT_ACTION_BEGIN_TRANSACTION)) {
        return t_sql_answer(response, &message, reterr);
    }
    return cflight_error_set_message(reterr, CFLIGHT_ABORTED, "a conflict");
}

/* Goal: a commit that fails is sent once, and leaves a transaction that can be rolled back; freeing
 * does so. */
TEST(sql_objects, a_commit_that_fails_can_be_rolled_back)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    const struct t_sql_script script = {.action = fail_end};
    t_sql_peer_start(&peer, &script);
    cflight_sql_transaction *transaction = begin(&peer);
    CHECK_STATUS(cflight_sql_transaction_commit(transaction, NULL, &error), CFLIGHT_ABORTED);
    assert_string_equal(cflight_error_message(error), "EndTransaction: a conflict");
    cflight_error_free(error);
    cflight_sql_transaction_free(transaction);
    t_sql_peer_check(&peer, "DoAction ActionBeginTransactionRequest\n"
                            "DoAction ActionEndTransactionRequest id 1\n"
                            "DoAction ActionEndTransactionRequest id 2\n");
    t_sql_peer_stop(&peer);
}

/* Goal: savepoints are begun, released and gone back to within their transaction. */
TEST(sql_objects, savepoints_belong_to_a_transaction)
{
    struct t_sql_peer peer;
    cflight_error *error = NULL;
    cflight_buffer *savepoint = NULL;
    t_sql_peer_start(&peer, NULL);
    cflight_sql_transaction *transaction = begin(&peer);
    CHECK_OK(cflight_sql_savepoint(transaction, t_text("here"), NULL, &savepoint, &error), error);
    struct cflight_bytes id = cflight_buffer_bytes(savepoint);
    assert_true(t_is_text(id, "id2"));
    CHECK_OK(cflight_sql_savepoint_end(transaction, id, CFLIGHT_SQL_END_ROLLBACK, NULL, &error),
             error);
    CHECK_OK(cflight_sql_savepoint_end(transaction, id, CFLIGHT_SQL_END_RELEASE, NULL, &error),
             error);
    CHECK_OK(cflight_sql_transaction_rollback(transaction, NULL, &error), error);
    t_sql_peer_check(&peer, "DoAction ActionBeginTransactionRequest\n"
                            "DoAction ActionBeginSavepointRequest here in id1\n"
                            "DoAction ActionEndSavepointRequest id2 2\n"
                            "DoAction ActionEndSavepointRequest id2 1\n"
                            "DoAction ActionEndTransactionRequest id1 2\n");
    CHECK_STATUS(cflight_sql_savepoint(transaction, t_text("late"), NULL, &savepoint, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(cflight_sql_savepoint_end(transaction, id, CFLIGHT_SQL_END_RELEASE, NULL, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    cflight_buffer_unref(savepoint);
    cflight_sql_transaction_free(transaction);
    t_sql_peer_check(&peer, "");
    t_sql_peer_stop(&peer);
}
