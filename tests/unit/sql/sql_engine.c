/* SPDX-License-Identifier: Apache-2.0 */
/* A database for tests of the Flight SQL kit, and a client by hand. */
#include "sql_engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sql_engine_tables.h"
#include "test.h"

enum { WORD = 512 };

/* A connection. */
struct connection {
    struct t_engine *engine;
    atomic_int inside_count;
    atomic_int open_count; /* of results */
    atomic_bool is_interrupted;
    size_t copy_count;
    struct t_tables copies[T_COPIES];
    char names[T_COPIES][32];
};

struct statement {
    char verb[16];
    char argument[WORD];
    char value[32];
};

static void enter(struct connection *connection)
{
    if (atomic_fetch_add(&connection->inside_count, 1) != 0) {
        atomic_fetch_add(&connection->engine->overlap_count, 1);
    }
}

static void leave(struct connection *connection)
{
    atomic_fetch_sub(&connection->inside_count, 1);
}

static void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* Until it is interrupted: the statement itself is what lasts. */
static void hang(struct connection *connection, const cflight_sql_call *call)
{
    atomic_fetch_add(&connection->engine->running_count, 1);
    while (!atomic_load(&connection->is_interrupted) &&
           (call == NULL || !cflight_sql_call_is_cancelled(call))) {
        pause_ms(1);
    }
    atomic_store(&connection->is_interrupted, false);
    atomic_fetch_sub(&connection->engine->running_count, 1);
}

static void wait_to_go(struct connection *connection)
{
    atomic_fetch_add(&connection->engine->running_count, 1);
    t_gate_wait(&connection->engine->go);
    atomic_fetch_sub(&connection->engine->running_count, 1);
}

/* ---- sessions, transactions ---- */

static cflight_status open_session(void *user_data, cflight_sql_call *call, void **ret_session,
                                   cflight_error **reterr)
{
    (void)call;
    (void)reterr;
    struct t_engine *engine = user_data;
    struct connection *connection = calloc(1, sizeof *connection);
    assert_non_null(connection);
    connection->engine = engine;
    atomic_fetch_add(&engine->session_count, 1);
    *ret_session = connection;
    return CFLIGHT_OK;
}

static void close_session(void *user_data, void *session)
{
    struct t_engine *engine = user_data;
    atomic_fetch_sub(&engine->session_count, 1);
    free(session);
}

static cflight_status save(void *session, const char *name)
{
    struct connection *connection = session;
    enter(connection);
    assert_true(connection->copy_count < T_COPIES);
    (void)pthread_mutex_lock(&connection->engine->mutex);
    connection->copies[connection->copy_count] = connection->engine->tables;
    (void)pthread_mutex_unlock(&connection->engine->mutex);
    (void)snprintf(connection->names[connection->copy_count], 32, "%s", name);
    connection->copy_count++;
    leave(connection);
    return CFLIGHT_OK;
}

/* Goes back to a copy, or forgets it and those after it. */
static cflight_status go_back(void *session, const char *name, bool restores, bool stays)
{
    struct connection *connection = session;
    enter(connection);
    size_t place = 0;
    while (place < connection->copy_count && strcmp(connection->names[place], name) != 0) {
        place++;
    }
    assert_true(place < connection->copy_count);
    if (restores) {
        (void)pthread_mutex_lock(&connection->engine->mutex);
        connection->engine->tables = connection->copies[place];
        (void)pthread_mutex_unlock(&connection->engine->mutex);
    }
    connection->copy_count = stays ? place + 1 : place;
    leave(connection);
    return CFLIGHT_OK;
}

static cflight_status begin(void *user_data, void *session, cflight_error **reterr)
{
    (void)user_data;
    (void)reterr;
    return save(session, "");
}

static cflight_status commit(void *user_data, void *session, cflight_error **reterr)
{
    struct t_engine *engine = user_data;
    (void)reterr;
    atomic_fetch_add(&engine->commit_count, 1);
    return go_back(session, "", false, false);
}

static cflight_status rollback(void *user_data, void *session, cflight_error **reterr)
{
    struct t_engine *engine = user_data;
    (void)reterr;
    atomic_fetch_add(&engine->rollback_count, 1);
    return go_back(session, "", true, false);
}

static cflight_status savepoint(void *user_data, void *session, const char *name,
                                cflight_error **reterr)
{
    (void)user_data;
    (void)reterr;
    return save(session, name);
}

static cflight_status release_savepoint(void *user_data, void *session, const char *name,
                                        cflight_error **reterr)
{
    (void)user_data;
    (void)reterr;
    return go_back(session, name, false, false);
}

static cflight_status rollback_to_savepoint(void *user_data, void *session, const char *name,
                                            cflight_error **reterr)
{
    (void)user_data;
    (void)reterr;
    return go_back(session, name, true, true);
}

static void interrupt(void *user_data, void *session)
{
    (void)user_data;
    struct connection *connection = session;
    atomic_store(&connection->is_interrupted, true);
}

/* ---- statements ---- */

static void parse(struct cflight_bytes text, struct statement *statement)
{
    char copy[WORD];
    size_t len_bytes = text.len_bytes < WORD - 1 ? text.len_bytes : WORD - 1;
    memset(statement, 0, sizeof *statement);
    if (len_bytes > 0) {
        memcpy(copy, text.data, len_bytes);
    }
    copy[len_bytes] = '\0';
    (void)sscanf(copy, "%15s %500s %31s", statement->verb, statement->argument, statement->value);
}

static bool is_verb(const struct statement *statement, const char *verb)
{
    return strcmp(statement->verb, verb) == 0;
}

static bool is_query(const struct statement *statement)
{
    return is_verb(statement, "SELECT") || is_verb(statement, "COUNT") ||
           is_verb(statement, "HANG") || is_verb(statement, "PARTS") || is_verb(statement, "WAIT");
}

static cflight_status prepare(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query,
                              struct cflight_sql_plan *ret_plan, cflight_error **reterr)
{
    struct t_engine *engine = user_data;
    struct connection *connection = cflight_sql_call_session(call);
    struct statement *statement = calloc(1, sizeof *statement);
    assert_non_null(statement);
    enter(connection);
    atomic_fetch_add(&engine->prepare_count, 1);
    parse(query->text, statement);
    bool is_known = statement->verb[0] >= 'A' && statement->verb[0] <= 'Z';
    if (!is_known) {
        free(statement);
        leave(connection);
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "syntax error in %zu bytes",
                                 query->text.len_bytes);
    }
    atomic_fetch_add(&engine->statement_count, 1);
    ret_plan->statement = statement;
    ret_plan->is_update = is_query(statement) ? CFLIGHT_SQL_UPDATE_NO : CFLIGHT_SQL_UPDATE_YES;
    ret_plan->needs_session = is_verb(statement, "BEGIN");
    if (is_query(statement)) {
        t_int_schema(&ret_plan->schema);
    }
    if (strcmp(statement->argument, "?") == 0 || strcmp(statement->value, "?") == 0) {
        t_int_schema(&ret_plan->parameters);
    }
    leave(connection);
    return CFLIGHT_OK;
}

static void free_statement(void *user_data, void *session, void *statement)
{
    struct t_engine *engine = user_data;
    enter(session);
    atomic_fetch_sub(&engine->statement_count, 1);
    free(statement);
    leave(session);
}

/* A stream of `count` numbers from 0, or of those of an array. */
struct numbers {
    struct connection *connection;
    int64_t next;
    int64_t count;
    bool hangs;
    bool has_values;
    int64_t values[T_ROWS];
};

static int numbers_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    (void)stream;
    t_int_schema(ret_schema);
    return 0;
}

static int numbers_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct numbers *numbers = stream->private_data;
    struct ArrowSchema schema;
    cflight_builder *builder = NULL;
    enter(numbers->connection);
    memset(ret_batch, 0, sizeof *ret_batch);
    if (numbers->hangs && numbers->next > 0) {
        hang(numbers->connection, NULL);
        leave(numbers->connection);
        return ECANCELED;
    }
    if (numbers->next < numbers->count) {
        t_int_schema(&schema);
        CHECK_OK(cflight_builder_new(&schema, NULL, &builder, NULL), NULL);
        for (int i = 0; i < 1000 && numbers->next < numbers->count; i++, numbers->next++) {
            cflight_append_int(cflight_builder_column(builder, 0),
                               numbers->has_values ? numbers->values[numbers->next]
                                                   : numbers->next);
            cflight_builder_end_row(builder);
        }
        CHECK_OK(cflight_builder_finish(builder, ret_batch, NULL), NULL);
        cflight_builder_free(builder);
        schema.release(&schema);
    }
    leave(numbers->connection);
    return 0;
}

static const char *numbers_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "interrupted";
}

static void numbers_release(struct ArrowArrayStream *stream)
{
    struct numbers *numbers = stream->private_data;
    enter(numbers->connection);
    atomic_fetch_sub(&numbers->connection->open_count, 1);
    leave(numbers->connection);
    free(numbers);
    stream->release = NULL;
}

static struct numbers *new_numbers(struct connection *connection, struct ArrowArrayStream *stream)
{
    struct numbers *numbers = calloc(1, sizeof *numbers);
    assert_non_null(numbers);
    numbers->connection = connection;
    atomic_fetch_add(&connection->open_count, 1);
    stream->get_schema = numbers_schema;
    stream->get_next = numbers_next;
    stream->get_last_error = numbers_error;
    stream->release = numbers_release;
    stream->private_data = numbers;
    return numbers;
}

static cflight_status select_rows(struct connection *connection, const struct statement *statement,
                                  cflight_sql_parameters *parameters,
                                  cflight_sql_execution *execution, cflight_error **reterr)
{
    struct ArrowArrayStream stream;
    struct numbers *numbers = new_numbers(connection, &stream);
    numbers->has_values = is_verb(statement, "SELECT");
    if (is_verb(statement, "COUNT") || is_verb(statement, "WAIT")) {
        numbers->count = strtoll(statement->argument, NULL, 10);
    } else if (is_verb(statement, "HANG")) {
        numbers->count = 20000;
        numbers->hangs = true;
        numbers->count = 1000;
    } else if (strcmp(statement->argument, "?") == 0) {
        bool has_row = true;
        while (parameters != NULL && has_row && numbers->count < T_ROWS) {
            struct cflight_sql_value value;
            CHECK_OK(cflight_sql_parameters_next(parameters, &has_row, NULL), NULL);
            if (has_row) {
                CHECK_OK(cflight_sql_parameters_value(parameters, 0, &value, NULL), NULL);
                numbers->values[numbers->count++] =
                    value.kind == CFLIGHT_SQL_VALUE_INT ? value.integer : -(int64_t)value.kind;
            }
        }
    } else {
        (void)pthread_mutex_lock(&connection->engine->mutex);
        struct t_table *table = t_find_table(connection->engine, statement->argument);
        if (table != NULL) {
            numbers->count = (int64_t)table->row_count;
            memcpy(numbers->values, table->rows, sizeof numbers->values);
        }
        (void)pthread_mutex_unlock(&connection->engine->mutex);
        if (table == NULL) {
            numbers->count = 0;
            free(numbers);
            return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "there is no table %s",
                                     statement->argument);
        }
    }
    return cflight_sql_execution_set_stream(execution, &stream, reterr);
}

static cflight_status add_parts(const struct statement *statement, cflight_sql_execution *execution,
                                cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_status status = CFLIGHT_OK;
    t_int_schema(&schema);
    for (long i = 0; i < strtol(statement->argument, NULL, 10) && status == CFLIGHT_OK; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%ld", 1000 * (i + 1));
        status = cflight_sql_execution_add_partition(execution, &schema, t_text(name), NULL,
                                                     strtoul(statement->value, NULL, 10), reterr);
    }
    schema.release(&schema);
    return status;
}

static cflight_status read_partition(void *user_data, cflight_sql_call *call,
                                     struct cflight_bytes partition,
                                     struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    (void)user_data;
    (void)reterr;
    struct numbers *numbers = new_numbers(cflight_sql_call_session(call), ret_stream);
    char text[16] = "";
    memcpy(text, partition.data, partition.len_bytes < 15 ? partition.len_bytes : 15);
    numbers->count = strtoll(text, NULL, 10);
    return CFLIGHT_OK;
}

static cflight_status insert_rows(struct connection *connection, const struct statement *statement,
                                  cflight_sql_parameters *parameters, int64_t *ret_count,
                                  cflight_error **reterr)
{
    struct t_table *table = t_find_table(connection->engine, statement->argument);
    if (table == NULL) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "there is no table %s",
                                 statement->argument);
    }
    *ret_count = 0;
    if (strcmp(statement->value, "?") != 0) {
        (void)t_insert(table, strtoll(statement->value, NULL, 10));
        *ret_count = 1;
        return CFLIGHT_OK;
    }
    bool has_row = true;
    while (parameters != NULL && has_row) {
        struct cflight_sql_value value;
        cflight_status status = cflight_sql_parameters_next(parameters, &has_row, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (has_row) {
            CHECK_OK(cflight_sql_parameters_value(parameters, 0, &value, NULL), NULL);
            (void)t_insert(table, value.integer);
            ++*ret_count;
        }
    }
    return CFLIGHT_OK;
}

static cflight_status change(struct connection *connection, const struct statement *statement,
                             cflight_sql_parameters *parameters, cflight_sql_execution *execution,
                             cflight_error **reterr)
{
    struct t_engine *engine = connection->engine;
    cflight_status status = CFLIGHT_OK;
    int64_t row_count = is_verb(statement, "CREATE") ? 0 : -1;
    (void)pthread_mutex_lock(&engine->mutex);
    if (is_verb(statement, "INSERT")) {
        status = insert_rows(connection, statement, parameters, &row_count, reterr);
    } else if (is_verb(statement, "CREATE") && !t_create_table(engine, statement->argument)) {
        status = cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS, "table %s is there",
                                   statement->argument);
    } else if (is_verb(statement, "DROP")) {
        struct t_table *table = t_find_table(engine, statement->argument);
        if (table != NULL) {
            t_drop_table(engine, table);
        }
    }
    (void)pthread_mutex_unlock(&engine->mutex);
    cflight_sql_execution_set_row_count(execution, row_count);
    return status;
}

static cflight_status execute(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query, void *planned,
                              cflight_sql_parameters *parameters, cflight_sql_execution *execution,
                              cflight_error **reterr)
{
    struct t_engine *engine = user_data;
    struct connection *connection = cflight_sql_call_session(call);
    struct statement statement;
    cflight_status status = CFLIGHT_OK;
    (void)planned;
    enter(connection);
    atomic_fetch_add(&engine->execute_count, 1);
    parse(query->text, &statement);
    if (atomic_load(&engine->has_one_result) && atomic_load(&connection->open_count) > 0) {
        status = cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION, "a result is open");
    } else if (is_verb(&statement, "FAIL")) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%.*s",
                                   (int)query->text.len_bytes, (const char *)query->text.data);
    } else if (is_verb(&statement, "SLEEP")) {
        hang(connection, call);
        status = cflight_error_set(reterr, CFLIGHT_CANCELLED, "interrupted");
    } else if (is_verb(&statement, "PARTS")) {
        status = add_parts(&statement, execution, reterr);
    } else if (is_query(&statement)) {
        if (is_verb(&statement, "WAIT")) {
            cflight_sql_execution_set_progress(execution, 0.25);
            wait_to_go(connection);
        }
        status = select_rows(connection, &statement, parameters, execution, reterr);
    } else {
        status = change(connection, &statement, parameters, execution, reterr);
    }
    leave(connection);
    return status;
}

/* ---- start ---- */

void t_engine_init(struct t_engine *engine)
{
    struct cflight_sql_handlers handlers = CFLIGHT_SQL_HANDLERS_INIT;
    memset(engine, 0, sizeof *engine);
    (void)pthread_mutex_init(&engine->mutex, NULL);
    t_gate_init(&engine->go);
    handlers.user_data = engine;
    handlers.open_session = open_session;
    handlers.close_session = close_session;
    handlers.prepare = prepare;
    handlers.free_statement = free_statement;
    handlers.execute = execute;
    handlers.read_partition = read_partition;
    handlers.interrupt = interrupt;
    handlers.ingest = t_engine_ingest;
    handlers.begin = begin;
    handlers.commit = commit;
    handlers.rollback = rollback;
    handlers.savepoint = savepoint;
    handlers.release_savepoint = release_savepoint;
    handlers.rollback_to_savepoint = rollback_to_savepoint;
    engine->handlers = handlers;
}

void t_engine_start(struct t_engine *engine, const struct cflight_sql_server_options *options)
{
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_server_new("grpc://localhost:0", &engine->handlers, options,
                                    &engine->server, &error),
             error);
}

void t_engine_stop(struct t_engine *engine)
{
    cflight_sql_server_free(engine->server);
    engine->server = NULL;
    assert_int_equal(atomic_load(&engine->session_count), 0);
    assert_int_equal(atomic_load(&engine->statement_count), 0);
    assert_int_equal(atomic_load(&engine->overlap_count), 0);
    (void)pthread_mutex_destroy(&engine->mutex);
    t_gate_done(&engine->go);
}

void t_engine_wait_running(struct t_engine *engine, int count)
{
    for (int i = 0; i < 20000 && atomic_load(&engine->running_count) != count; i++) {
        pause_ms(1);
    }
    assert_int_equal(atomic_load(&engine->running_count), count);
}

void t_sql_wait_counts(struct t_engine *engine,
                       bool (*is_right)(const struct cflight_sql_server_counts *counts))
{
    struct cflight_sql_server_counts counts;
    cflight_sql_server_count(engine->server, &counts);
    for (int i = 0; i < 20000 && !is_right(&counts); i++) {
        pause_ms(1);
        cflight_sql_server_count(engine->server, &counts);
    }
    assert_true(is_right(&counts));
}
