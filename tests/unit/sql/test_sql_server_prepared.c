/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit: prepared statements and the rows that clients bind. */
#include <stdio.h>

#include "sql_engine.h"
#include "test.h"

struct fixture {
    struct t_engine engine;
    cflight_client *client;
};

static void start(struct fixture *fixture, const struct cflight_sql_server_options *options)
{
    cflight_error *error = NULL;
    struct cflight_sql_message create = t_update("CREATE t");
    t_engine_init(&fixture->engine);
    t_engine_start(&fixture->engine, options);
    fixture->client = t_sql_client(&fixture->engine, NULL);
    assert_int_equal(t_sql_update(fixture->client, &create, &error), 0);
    assert_null(error);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

static const struct cflight_bytes NONE = {NULL, 0};

static struct cflight_sql_message of(const struct cflight_sql_message *prepared,
                                     enum cflight_sql_type type)
{
    struct cflight_sql_message message = {.type = type};
    message.handle = prepared->prepared.handle;
    return message;
}

static cflight_status put(struct fixture *fixture, const struct cflight_sql_message *prepared,
                          enum cflight_sql_type type, const int64_t *values, size_t count,
                          cflight_buffer **ret_answer, cflight_error **reterr)
{
    struct cflight_sql_message message = of(prepared, type);
    return t_sql_put(fixture->client, &message, values, count, ret_answer, reterr);
}

static void bind(struct fixture *fixture, const struct cflight_sql_message *prepared,
                 const int64_t *values, size_t count)
{
    cflight_buffer *answer = NULL;
    cflight_error *error = NULL;
    struct cflight_sql_message *result = NULL;
    CHECK_OK(put(fixture, prepared, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY, values, count, &answer,
                 &error),
             error);
    assert_non_null(answer);
    CHECK_OK(cflight_sql_message_parse(CFLIGHT_SQL_PREPARED_PUT_RESULT,
                                       cflight_buffer_bytes(answer), &result, NULL),
             NULL);
    assert_true(cflight_bytes_equal(result->handle, prepared->prepared.handle));
    cflight_sql_message_free(result);
    cflight_buffer_unref(answer);
}

static int64_t run_update(struct fixture *fixture, const struct cflight_sql_message *prepared,
                          const int64_t *values, size_t count)
{
    cflight_buffer *answer = NULL;
    cflight_error *error = NULL;
    struct cflight_sql_message *result = NULL;
    CHECK_OK(put(fixture, prepared, CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE, values, count, &answer,
                 &error),
             error);
    CHECK_OK(cflight_sql_message_parse(CFLIGHT_SQL_UPDATE_RESULT, cflight_buffer_bytes(answer),
                                       &result, NULL),
             NULL);
    int64_t row_count = result->record_count;
    cflight_sql_message_free(result);
    cflight_buffer_unref(answer);
    return row_count;
}

static struct t_sum run_query(struct fixture *fixture, const struct cflight_sql_message *prepared)
{
    struct cflight_sql_message message = of(prepared, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    struct t_sum sum;
    CHECK_OK(t_sql_info(fixture->client, &message, &info, &error), error);
    CHECK_OK(t_sql_fetch(fixture->client, info, 0, &sum, &error), error);
    cflight_info_free(info);
    return sum;
}

static cflight_status close_statement(struct fixture *fixture, struct cflight_bytes handle)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT};
    struct cflight_sql_message *result = NULL;
    message.handle = handle;
    cflight_status status = t_sql_action(fixture->client, CFLIGHT_ACTION_CLOSE_PREPARED_STATEMENT,
                                         &message, &result, NULL);
    assert_null(result);
    return status;
}

TEST(sql_prepared, preparing_runs_nothing_and_tells_what_it_is)
{
    struct fixture fixture;
    start(&fixture, NULL);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    struct cflight_sql_message *update = t_sql_prepare(fixture.client, "INSERT t ?", NONE);
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 1); /* CREATE */
    assert_int_equal(query->prepared.is_update, CFLIGHT_SQL_UPDATE_NO);
    assert_int_equal(update->prepared.is_update, CFLIGHT_SQL_UPDATE_YES);
    assert_true(query->prepared.dataset_schema.len_bytes > 0);
    assert_int_equal(update->prepared.dataset_schema.len_bytes, 0);
    assert_true(update->prepared.parameter_schema.len_bytes > 0);
    cflight_sql_message_free(query);
    cflight_sql_message_free(update);
    stop(&fixture);
}

TEST(sql_prepared, bound_rows_serve_both_kinds_of_execution)
{
    /* Goal: bind then update without data (Rust), update with data in the stream (others), and
     * binding again replaces. */
    struct fixture fixture;
    start(&fixture, NULL);
    static const int64_t FIRST[] = {1, 2, 3};
    static const int64_t SECOND[] = {40};
    struct cflight_sql_message *update = t_sql_prepare(fixture.client, "INSERT t ?", NONE);
    bind(&fixture, update, FIRST, 3);
    assert_int_equal(run_update(&fixture, update, NULL, 0), 3);
    assert_int_equal(run_update(&fixture, update, SECOND, 1), 1);
    bind(&fixture, update, SECOND, 1);
    assert_int_equal(run_update(&fixture, update, NULL, 0), 1);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 5);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    bind(&fixture, query, FIRST, 3);
    for (int i = 0; i < 2; i++) {
        struct t_sum sum = run_query(&fixture, query);
        assert_int_equal(sum.row_count, 3);
        assert_int_equal(sum.sum, 6);
    }
    bind(&fixture, query, SECOND, 1);
    assert_int_equal(run_query(&fixture, query).sum, 40);
    cflight_sql_message_free(query);
    cflight_sql_message_free(update);
    stop(&fixture);
}

TEST(sql_prepared, no_rows_run_zero_times)
{
    struct fixture fixture;
    start(&fixture, NULL);
    static const int64_t ANY[] = {1};
    struct cflight_sql_message *update = t_sql_prepare(fixture.client, "INSERT t ?", NONE);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    assert_int_equal(run_update(&fixture, update, ANY, 0), 0);
    bind(&fixture, query, ANY, 0);
    assert_int_equal(run_query(&fixture, query).row_count, 0);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 0);
    cflight_sql_message_free(query);
    cflight_sql_message_free(update);
    stop(&fixture);
}

TEST(sql_prepared, parameters_without_rows_are_refused)
{
    struct fixture fixture;
    cflight_buffer *answer = NULL;
    cflight_error *error = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message *update = t_sql_prepare(fixture.client, "INSERT t ?", NONE);
    CHECK_STATUS(
        put(&fixture, update, CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE, NULL, 0, &answer, &error),
        CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "1 parameters, and 0 columns"));
    cflight_error_free(error);
    cflight_sql_message_free(update);
    stop(&fixture);
}

/* One column of any type, one batch. */
static cflight_status bind_batch(struct fixture *fixture,
                                 const struct cflight_sql_message *prepared,
                                 const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                 cflight_error **reterr)
{
    struct cflight_sql_message message = of(prepared, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
    cflight_buffer *bytes = t_sql_pack(&message);
    cflight_writer *writer = NULL;
    cflight_metadata_reader *reader = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    descriptor.cmd = cflight_buffer_bytes(bytes);
    CHECK_OK(
        cflight_client_do_put(fixture->client, &descriptor, schema, NULL, &writer, &reader, NULL),
        NULL);
    cflight_status status = cflight_writer_write(writer, batch, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, reterr);
    }
    cflight_metadata_reader_free(reader);
    cflight_writer_free(writer);
    cflight_buffer_unref(bytes);
    return status;
}

TEST(sql_prepared, sliced_null_and_dictionary_columns_can_be_bound)
{
    struct fixture fixture;
    cflight_error *error = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    static const int64_t VALUES[] = {10, 20, 30, 40};
    static const int8_t INDICES[] = {1, 0, 1};
    const void *value_buffers[] = {NULL, VALUES};
    const void *index_buffers[] = {NULL, INDICES};
    const void *no_buffers[] = {NULL};
    struct ArrowArray child = {.length = 2, .offset = 1, .n_buffers = 2, .buffers = value_buffers};
    struct ArrowArray *children[] = {&child};
    struct ArrowArray batch = {
        .length = 2, .n_buffers = 1, .buffers = no_buffers, .n_children = 1, .children = children};
    struct ArrowSchema field = {.format = "l", .name = "a", .flags = ARROW_FLAG_NULLABLE};
    struct ArrowSchema *fields[] = {&field};
    struct ArrowSchema schema = {.format = "+s", .name = "", .n_children = 1, .children = fields};
    struct ArrowArray dictionary = {.length = 2, .n_buffers = 2, .buffers = value_buffers};
    struct ArrowSchema dictionary_field = {.format = "l", .name = "", .flags = ARROW_FLAG_NULLABLE};
    void (*const release_array)(struct ArrowArray *) = (void (*)(struct ArrowArray *))1;
    void (*const release_schema)(struct ArrowSchema *) = (void (*)(struct ArrowSchema *))1;
    child.release = batch.release = dictionary.release = release_array;
    field.release = schema.release = dictionary_field.release = release_schema;
    CHECK_OK(bind_batch(&fixture, query, &schema, &batch, &error), error);
    assert_int_equal(run_query(&fixture, query).sum, 50); /* rows 1 and 2 */
    field.format = "c";
    field.dictionary = &dictionary_field;
    child.buffers = index_buffers;
    child.offset = 0;
    child.length = batch.length = 3;
    child.dictionary = &dictionary;
    CHECK_OK(bind_batch(&fixture, query, &schema, &batch, &error), error);
    assert_int_equal(run_query(&fixture, query).sum, 50); /* 20, 10, 20 */
    field.format = "n";
    field.dictionary = NULL;
    child.dictionary = NULL;
    child.n_buffers = 0;
    child.null_count = 3;
    CHECK_OK(bind_batch(&fixture, query, &schema, &batch, &error), error);
    struct t_sum sum = run_query(&fixture, query);
    assert_int_equal(sum.row_count, 3);
    assert_int_equal(sum.sum, 0); /* the engine gives minus the kind, and NULL is 0 */
    cflight_sql_message_free(query);
    stop(&fixture);
}

TEST(sql_prepared, a_wrong_count_of_columns_names_both_numbers)
{
    struct fixture fixture;
    cflight_buffer *answer = NULL;
    cflight_error *error = NULL;
    static const int64_t ANY[] = {1};
    start(&fixture, NULL);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "COUNT 5", NONE);
    /* Its parameters are not known, so anything goes; for one that is known it does not. */
    struct cflight_sql_message *known = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    CHECK_OK(put(&fixture, query, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY, ANY, 1, &answer, NULL),
             NULL);
    cflight_buffer_unref(answer);
    struct cflight_sql_message message = of(known, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
    cflight_buffer *bytes = t_sql_pack(&message);
    static const struct cflight_field FIELDS[] = {{.name = "a", .format = "l"},
                                                  {.name = "b", .format = "l"}};
    struct ArrowSchema schema;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *reader = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    descriptor.cmd = cflight_buffer_bytes(bytes);
    CHECK_OK(cflight_schema_new(FIELDS, 2, &schema, NULL), NULL);
    CHECK_OK(
        cflight_client_do_put(fixture.client, &descriptor, &schema, NULL, &writer, &reader, NULL),
        NULL);
    CHECK_STATUS(cflight_writer_close(writer, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "1 parameters, and 2 columns"));
    cflight_error_free(error);
    cflight_metadata_reader_free(reader);
    cflight_writer_free(writer);
    schema.release(&schema);
    cflight_buffer_unref(bytes);
    cflight_sql_message_free(query);
    cflight_sql_message_free(known);
    stop(&fixture);
}

TEST(sql_prepared, closing_is_idempotent_and_final)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "COUNT 3", NONE);
    assert_int_equal(run_query(&fixture, query).row_count, 3);
    CHECK_OK(close_statement(&fixture, query->prepared.handle), NULL);
    CHECK_OK(close_statement(&fixture, query->prepared.handle), NULL);
    CHECK_OK(close_statement(&fixture, t_text("never was")), NULL);
    struct cflight_sql_message message = of(query, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
    CHECK_STATUS(t_sql_info(fixture.client, &message, &info, NULL), CFLIGHT_NOT_FOUND);
    cflight_sql_message_free(query);
    stop(&fixture);
}

TEST(sql_prepared, a_statement_in_use_is_planned_anew_for_another)
{
    /* Goal: an open stream keeps its plan while the statement runs again. */
    struct fixture fixture;
    struct cflight_info *first = NULL;
    struct cflight_info *second = NULL;
    struct t_sum sum;
    start(&fixture, NULL);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "COUNT 100000", NONE);
    struct cflight_sql_message message = of(query, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
    CHECK_OK(t_sql_info(fixture.client, &message, &first, NULL), NULL);
    CHECK_OK(t_sql_info(fixture.client, &message, &second, NULL), NULL);
    assert_int_equal(atomic_load(&fixture.engine.statement_count), 2);
    CHECK_OK(t_sql_fetch(fixture.client, second, 0, &sum, NULL), NULL);
    CHECK_OK(t_sql_fetch(fixture.client, first, 0, &sum, NULL), NULL);
    assert_int_equal(sum.row_count, 100000);
    cflight_info_free(first);
    cflight_info_free(second);
    cflight_sql_message_free(query);
    stop(&fixture);
}

static bool no_statement(const struct cflight_sql_server_counts *counts)
{
    return counts->statement_count == 0 && counts->session_count == 0 && counts->bound_bytes == 0;
}

TEST(sql_prepared, unused_statements_end_with_what_is_bound)
{
    struct fixture fixture;
    static const int64_t ANY[] = {1};
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.statement_idle_ms = 30;
    start(&fixture, &options);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    cflight_buffer *answer = NULL;
    (void)!put(&fixture, query, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY, ANY, 1, &answer, NULL);
    cflight_buffer_unref(answer);
    t_sql_wait_counts(&fixture.engine, no_statement);
    cflight_sql_message_free(query);
    stop(&fixture);
}

static bool a_result_alone(const struct cflight_sql_server_counts *counts)
{
    return counts->result_count == 1 && counts->statement_count == 0 && counts->session_count == 0;
}

TEST(sql_prepared, a_result_that_is_kept_whole_holds_no_statement)
{
    /* Goal: clients that prepare each query and close it leave no engine session behind, though
     * their results wait for minutes. Method: the engine reuses no session, so the statement's ends
     * with it. */
    struct fixture fixture;
    struct cflight_info *info = NULL;
    struct t_sum sum;
    start(&fixture, NULL);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "COUNT 3", NONE);
    struct cflight_sql_message message = of(query, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
    CHECK_OK(t_sql_info(fixture.client, &message, &info, NULL), NULL);
    CHECK_OK(close_statement(&fixture, query->prepared.handle), NULL);
    t_sql_wait_counts(&fixture.engine, a_result_alone);
    CHECK_OK(t_sql_fetch(fixture.client, info, 0, &sum, NULL), NULL);
    assert_int_equal(sum.row_count, 3);
    cflight_info_free(info);
    cflight_sql_message_free(query);
    stop(&fixture);
}

TEST(sql_prepared, rows_that_a_waiting_result_holds_count)
{
    /* Goal: binding again and again, with a result left waiting each time, holds no more than the
     * limit. Method: the rows are not kept, so each result holds what was bound to it. */
    struct fixture fixture;
    struct cflight_sql_server_counts counts;
    struct cflight_info *info = NULL;
    static const int64_t VALUES[200] = {1};
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.result_inline_bytes = 1;
    start(&fixture, &options);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    struct cflight_sql_message message = of(query, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY);
    uint64_t one_bytes = 0;
    for (uint64_t i = 1; i <= 3; i++) {
        bind(&fixture, query, VALUES, 200);
        cflight_sql_server_count(fixture.engine.server, &counts);
        one_bytes = i == 1 ? counts.bound_bytes : one_bytes;
        assert_int_equal(counts.bound_bytes, i * one_bytes);
        CHECK_OK(t_sql_info(fixture.client, &message, &info, NULL), NULL);
        cflight_info_free(info);
        info = NULL;
    }
    assert_true(one_bytes > 1600);
    cflight_sql_message_free(query);
    stop(&fixture);
}

TEST(sql_prepared, limits_are_named)
{
    struct fixture fixture;
    cflight_buffer *answer = NULL;
    cflight_error *error = NULL;
    struct cflight_sql_message *none = NULL;
    static int64_t values[5000];
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.statements_max = 2;
    options.bound_bytes_max = 10000;
    start(&fixture, &options);
    struct cflight_sql_message *first = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    struct cflight_sql_message *second = t_sql_prepare(fixture.client, "SELECT ?", NONE);
    struct cflight_sql_message third = t_query("SELECT ?");
    third.type = CFLIGHT_SQL_CREATE_PREPARED_STATEMENT;
    CHECK_STATUS(t_sql_action(fixture.client, CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT, &third,
                              &none, &error),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "statements_max"));
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(
        put(&fixture, first, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY, values, 5000, &answer, &error),
        CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "bound_bytes_max"));
    cflight_error_free(error);
    cflight_sql_message_free(first);
    cflight_sql_message_free(second);
    stop(&fixture);
}

static cflight_status execute_uncounted(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_query *query, void *statement,
                                        cflight_sql_parameters *parameters,
                                        cflight_sql_execution *execution, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    (void)query;
    (void)statement;
    (void)parameters;
    (void)reterr;
    cflight_sql_execution_set_row_count(execution, -1);
    return CFLIGHT_OK;
}

/* Goal: JDBC takes a count of -1 for rows, and runs the update again to have them: so a prepared
 * update never answers that. Others do, who ask for the count alone. */
TEST(sql_prepared, a_count_that_nobody_knows_is_no_reason_to_run_again)
{
    struct fixture fixture;
    cflight_error *error = NULL;
    struct cflight_sql_message update = t_update("INSERT t 1");
    t_engine_init(&fixture.engine);
    fixture.engine.handlers.execute = execute_uncounted;
    t_engine_start(&fixture.engine, NULL);
    fixture.client = t_sql_client(&fixture.engine, NULL);
    struct cflight_sql_message *prepared = t_sql_prepare(fixture.client, "INSERT t 1", NONE);
    assert_int_equal(run_update(&fixture, prepared, NULL, 0), 0);
    cflight_sql_message_free(prepared);
    assert_int_equal(t_sql_update(fixture.client, &update, &error), -1);
    assert_null(error);
    stop(&fixture);
}
