/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit before clients that mean harm: what they send is refused by what it is, and what
 * they hold stays within the limits that have names. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sql_engine.h"
#include "sql_support.h"
#include "test.h"

static const struct cflight_bytes NONE = {NULL, 0};

struct fixture {
    struct t_engine engine;
    cflight_client *client;
};

static void start(struct fixture *fixture, const struct cflight_sql_server_options *options)
{
    t_engine_init(&fixture->engine);
    t_engine_add_lists(&fixture->engine);
    t_engine_start(&fixture->engine, options);
    fixture->client = t_sql_client(&fixture->engine, NULL);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

/* Drops the error; fails unless its text has the part. */
static void check_error(cflight_error **error, const char *part)
{
    assert_non_null(*error);
    if (strstr(cflight_error_message(*error), part) == NULL) {
        fail_msg("no \"%s\" in: %s", part, cflight_error_message(*error));
    }
    cflight_error_free(*error);
    *error = NULL;
}

/* ---- bytes in each of the calls ---- */

enum call { INFO, SCHEMA, POLL, GET, PUT, ACTION, CALLS };

static cflight_status put_bytes(cflight_client *client, const struct cflight_descriptor *descriptor,
                                cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *reader = NULL;
    CHECK_OK(cflight_schema_new(NULL, 0, &schema, NULL), NULL);
    cflight_status status =
        cflight_client_do_put(client, descriptor, &schema, NULL, &writer, &reader, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, reterr);
    }
    cflight_metadata_reader_free(reader);
    cflight_writer_free(writer);
    schema.release(&schema);
    return status;
}

static cflight_status act_bytes(cflight_client *client, const char *name, struct cflight_bytes body,
                                cflight_error **reterr)
{
    struct cflight_action action = {t_text(name), body};
    cflight_result_stream *stream = NULL;
    cflight_buffer *result = NULL;
    cflight_status status = cflight_client_do_action(client, &action, NULL, &stream, reterr);
    while (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(stream, &result, reterr);
        if (status != CFLIGHT_OK || result == NULL) {
            break;
        }
        cflight_buffer_unref(result);
    }
    cflight_result_stream_free(stream);
    return status;
}

static cflight_status send_bytes(cflight_client *client, enum call call, struct cflight_bytes bytes,
                                 cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = bytes};
    struct cflight_info *info = NULL;
    struct cflight_poll_info *poll = NULL;
    cflight_buffer *schema = NULL;
    struct t_sum sum;
    switch ((int)call) {
    case INFO:
        return cflight_client_get_flight_info(client, &descriptor, NULL, &info, reterr);
    case SCHEMA:
        return cflight_client_get_schema(client, &descriptor, NULL, &schema, reterr);
    case POLL:
        return cflight_client_poll_flight_info(client, &descriptor, NULL, &poll, reterr);
    case GET:
        return t_sql_get_as(client, NULL, bytes, &sum, reterr);
    case PUT:
        return put_bytes(client, &descriptor, reterr);
    default:
        return act_bytes(client, CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT, bytes, reterr);
    }
}

TEST(sql_hostile, a_malformed_any_is_refused_in_every_call)
{
    static const struct {
        const char *words;
        cflight_status status;
        const char *part;
    } CASES[] = {
        {"0a", CFLIGHT_INVALID_ARGUMENT, ""},
        {"ff ff ff ff ff ff ff ff ff ff ff", CFLIGHT_INVALID_ARGUMENT, ""},
        {"0a 05 'noURL'", CFLIGHT_INVALID_ARGUMENT, ""},
        {"0a 43 P 'CommandStatementQuery' 12 0a 0a 08 53", CFLIGHT_INVALID_ARGUMENT, ""},
        {"0a 43 P 'CommandStatementQuery' 12 02 0a 7f", CFLIGHT_INVALID_ARGUMENT,
         "CommandStatementQuery"},
        {"0a 43 P 'CommandStatementQuery' 12 02 08 01", CFLIGHT_INVALID_ARGUMENT, ""},
        {"0a 43 P 'CommandStatementQuery' 12 03 0a 01 ff", CFLIGHT_INVALID_ARGUMENT, "UTF-8"},
        {"0a 3e P 'CommandOfNobody'", CFLIGHT_UNIMPLEMENTED, "CommandOfNobody"},
    };
    struct fixture fixture;
    start(&fixture, NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct t_golden golden = t_golden(CASES[i].words);
        if (strstr(CASES[i].words, "OfNobody") != NULL) {
            golden.data[1] = (uint8_t)(golden.len_bytes - 2);
        }
        for (enum call call = INFO; call < CALLS; call++) {
            cflight_error *error = NULL;
            cflight_status status = send_bytes(fixture.client, call, GOLDEN(golden), &error);
            if (status != CASES[i].status) {
                fail_msg("case %zu, call %d: %s", i, (int)call, cflight_status_name(status));
            }
            assert_true(strlen(cflight_error_message(error)) > 0);
            cflight_error_free(error);
        }
        cflight_error *error = NULL;
        (void)!send_bytes(fixture.client, INFO, GOLDEN(golden), &error);
        check_error(&error, CASES[i].part);
    }
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 0);
    stop(&fixture);
}

TEST(sql_hostile, a_message_in_the_wrong_place_is_named)
{
    static const struct {
        enum call call;
        enum cflight_sql_type type;
    } CASES[] = {
        {INFO, CFLIGHT_SQL_STATEMENT_UPDATE},       {INFO, CFLIGHT_SQL_STATEMENT_INGEST},
        {INFO, CFLIGHT_SQL_TICKET_STATEMENT_QUERY}, {INFO, CFLIGHT_SQL_BEGIN_TRANSACTION},
        {SCHEMA, CFLIGHT_SQL_STATEMENT_UPDATE},     {POLL, CFLIGHT_SQL_STATEMENT_UPDATE},
        {GET, CFLIGHT_SQL_STATEMENT_QUERY},         {GET, CFLIGHT_SQL_CREATE_PREPARED_STATEMENT},
        {PUT, CFLIGHT_SQL_STATEMENT_QUERY},         {PUT, CFLIGHT_SQL_GET_CATALOGS},
        {ACTION, CFLIGHT_SQL_STATEMENT_QUERY},      {ACTION, CFLIGHT_SQL_END_TRANSACTION},
    };
    struct fixture fixture;
    start(&fixture, NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cflight_sql_message message = {.type = CASES[i].type};
        cflight_error *error = NULL;
        cflight_buffer *bytes = t_sql_pack(&message);
        CHECK_STATUS(send_bytes(fixture.client, CASES[i].call, cflight_buffer_bytes(bytes), &error),
                     CFLIGHT_INVALID_ARGUMENT);
        check_error(&error, cflight_sql_type_name(CASES[i].type));
        cflight_buffer_unref(bytes);
    }
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 0);
    stop(&fixture);
}

TEST(sql_hostile, a_handle_of_another_kind_is_unknown)
{
    /* Goal: who has a handle of one kind has nothing of the others with it. */
    struct fixture fixture;
    struct cflight_info *info = NULL;
    struct cflight_sql_message *ticket = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message query = t_query("COUNT 3");
    CHECK_OK(t_sql_info(fixture.client, &query, &info, NULL), NULL);
    CHECK_OK(cflight_sql_message_unpack(info->endpoints[0].ticket, &ticket, NULL), NULL);
    struct cflight_sql_message *prepared = t_sql_prepare(fixture.client, "COUNT 3", NONE);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    const struct cflight_bytes statement = prepared->prepared.handle;
    const struct cflight_bytes ids[] = {ticket->handle, statement, begun->handle};
    for (size_t i = 0; i < 3; i++) {
        struct cflight_sql_message as_ticket = {.type = CFLIGHT_SQL_TICKET_STATEMENT_QUERY};
        struct cflight_sql_message as_statement = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY};
        struct cflight_sql_message in_transaction = t_query("COUNT 3");
        struct cflight_info *none = NULL;
        struct t_sum sum;
        as_ticket.handle = ids[i];
        as_statement.handle = ids[i];
        in_transaction.statement.transaction_id = ids[i];
        cflight_buffer *bytes = t_sql_pack(&as_ticket);
        if (i != 0) {
            CHECK_STATUS(
                t_sql_get_as(fixture.client, NULL, cflight_buffer_bytes(bytes), &sum, NULL),
                CFLIGHT_NOT_FOUND);
        }
        cflight_buffer_unref(bytes);
        if (i != 1) {
            CHECK_STATUS(t_sql_info(fixture.client, &as_statement, &none, NULL), CFLIGHT_NOT_FOUND);
        }
        if (i != 2) {
            CHECK_STATUS(t_sql_info(fixture.client, &in_transaction, &none, NULL),
                         CFLIGHT_NOT_FOUND);
            CHECK_STATUS(t_sql_end(fixture.client, ids[i], CFLIGHT_SQL_END_COMMIT, NULL),
                         CFLIGHT_NOT_FOUND);
        }
    }
    cflight_sql_message_free(begun);
    cflight_sql_message_free(prepared);
    cflight_sql_message_free(ticket);
    cflight_info_free(info);
    stop(&fixture);
}

/* ---- a hundred thousand handles ---- */

#ifdef __SANITIZE_THREAD__
enum { ATTEMPTS = 2000 }; /* each takes a millisecond */
#else
enum { ATTEMPTS = 33334 };
#endif
enum { HANDLES_MAX = 500, SLACK_BYTES = 1 << 20 };

/* An allocator that counts bytes. */
struct counting {
    struct cflight_allocator allocator;
    atomic_size_t live_bytes;
};

static void *counting_allocate(void *user_data, size_t size_bytes, size_t alignment_bytes)
{
    struct counting *counting = user_data;
    void *memory = NULL;
    size_t alignment = alignment_bytes < sizeof(void *) ? sizeof(void *) : alignment_bytes;
    if (posix_memalign(&memory, alignment, size_bytes == 0 ? 1 : size_bytes) != 0) {
        return NULL;
    }
    atomic_fetch_add(&counting->live_bytes, size_bytes);
    return memory;
}

static void counting_release(void *user_data, void *memory, size_t size_bytes)
{
    struct counting *counting = user_data;
    if (memory != NULL) {
        atomic_fetch_sub(&counting->live_bytes, size_bytes);
    }
    free(memory);
}

static void *counting_reallocate(void *user_data, void *memory, size_t old_size_bytes,
                                 size_t new_size_bytes)
{
    void *moved = counting_allocate(user_data, new_size_bytes, 16);
    if (moved != NULL && memory != NULL) {
        memcpy(moved, memory, old_size_bytes < new_size_bytes ? old_size_bytes : new_size_bytes);
        counting_release(user_data, memory, old_size_bytes);
    }
    return moved;
}

static cflight_status ask_for_one(struct fixture *fixture, int kind, cflight_error **reterr)
{
    struct cflight_sql_message query = t_query("COUNT 3");
    struct cflight_sql_message begin = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION};
    struct cflight_sql_message *result = NULL;
    struct cflight_info *info = NULL;
    cflight_status status = CFLIGHT_OK;
    if (kind == 0) {
        status = t_sql_info(fixture->client, &query, &info, reterr);
    } else if (kind == 1) {
        query.type = CFLIGHT_SQL_CREATE_PREPARED_STATEMENT;
        status = t_sql_action(fixture->client, CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT, &query,
                              &result, reterr);
    } else {
        status = t_sql_action(fixture->client, CFLIGHT_ACTION_BEGIN_TRANSACTION, &begin, &result,
                              reterr);
    }
    cflight_sql_message_free(result);
    cflight_info_free(info);
    return status;
}

TEST(sql_hostile, a_hundred_thousand_handles_stay_within_their_limits)
{
    static const char *const NAMES[] = {"results_max", "statements_max", "transactions_max"};
    struct fixture fixture;
    struct counting counting = {.live_bytes = 0};
    struct cflight_server_options flight = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    counting.allocator.user_data = &counting;
    counting.allocator.allocate = counting_allocate;
    counting.allocator.reallocate = counting_reallocate;
    counting.allocator.release = counting_release;
    flight.allocator = &counting.allocator;
    options.server = &flight;
    options.results_max = HANDLES_MAX;
    options.statements_max = HANDLES_MAX;
    options.transactions_max = HANDLES_MAX;
    options.results_per_owner_max = ATTEMPTS;
    options.statements_per_owner_max = ATTEMPTS;
    options.transactions_per_owner_max = ATTEMPTS;
    start(&fixture, &options);
    for (int kind = 0; kind < 3; kind++) {
        size_t full_bytes = 0;
        for (int i = 0; i < ATTEMPTS; i++) {
            cflight_error *error = NULL;
            cflight_status status = ask_for_one(&fixture, kind, &error);
            CHECK_STATUS(status, i < HANDLES_MAX ? CFLIGHT_OK : CFLIGHT_RESOURCE_EXHAUSTED);
            if (i >= HANDLES_MAX) {
                check_error(&error, NAMES[kind]);
            }
            full_bytes = i == HANDLES_MAX ? atomic_load(&counting.live_bytes) : full_bytes;
        }
        assert_true(atomic_load(&counting.live_bytes) <= full_bytes + SLACK_BYTES);
        t_watchdog_restart();
    }
    struct cflight_sql_server_counts counts;
    cflight_sql_server_count(fixture.engine.server, &counts);
    assert_int_equal(counts.result_count, HANDLES_MAX);
    assert_int_equal(counts.statement_count, HANDLES_MAX);
    assert_int_equal(counts.transaction_count, HANDLES_MAX);
    stop(&fixture);
    assert_int_equal(atomic_load(&counting.live_bytes), 0);
}

TEST(sql_hostile, a_hundred_thousand_guesses_find_nothing)
{
    /* Goal: a look-up costs the same for what is there and what is not, and leaves nothing. */
    struct fixture fixture;
    struct t_sum sum;
    uint8_t id[16] = {0};
    start(&fixture, NULL);
    for (uint32_t i = 0; i < ATTEMPTS; i++) {
        struct cflight_sql_message ticket = {.type = CFLIGHT_SQL_TICKET_STATEMENT_QUERY};
        memcpy(id, &i, sizeof i);
        ticket.handle = cflight_bytes_make(id, sizeof id);
        cflight_buffer *bytes = t_sql_pack(&ticket);
        CHECK_STATUS(t_sql_get_as(fixture.client, NULL, cflight_buffer_bytes(bytes), &sum, NULL),
                     CFLIGHT_NOT_FOUND);
        cflight_buffer_unref(bytes);
    }
    struct cflight_sql_server_counts counts;
    cflight_sql_server_count(fixture.engine.server, &counts);
    assert_int_equal(counts.result_count + counts.session_count, 0);
    stop(&fixture);
}
