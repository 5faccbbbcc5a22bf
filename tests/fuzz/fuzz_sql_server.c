/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit behind a client that says anything, over a socket. The first byte tells whether
 * tickets carry their statement; then come requests: a byte that chooses the call, how many bytes
 * follow as two, and those. Sixteen '@' in them stand for the last prepared statement, '#' for the
 * last transaction, '$' for the last result. Limits are low, and hold after each request; what is
 * left open ends with the server. */
#include <string.h>

#include "require.h"
#include "sql_engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

enum {
    CALLS_MAX = 32,
    REQUEST_BYTES_MAX = 4096,
    ID_BYTES = 16,
    CALL_MS = 300,
    STATEMENTS_MAX = 3,
    TRANSACTIONS_MAX = 2,
    RESULTS_MAX = 4,
    RESULT_BYTES_MAX = 20000,
    BOUND_BYTES_MAX = 2000,
};

enum call {
    CALL_INFO,
    CALL_QUERY,
    CALL_SCHEMA,
    CALL_POLL,
    CALL_GET,
    CALL_PUT,
    CALL_ROWS,
    CALL_ACTION,
    CALLS
};

struct talk {
    struct t_engine engine;
    cflight_client *client;
    struct cflight_call_options options;
    int request_count;
    uint8_t ids[3][ID_BYTES]; /* of '@', '#', '$' */
};

static const char STANDS_FOR[] = "@#$";

static void remember(struct talk *talk, size_t which, struct cflight_bytes id)
{
    if (id.len_bytes >= ID_BYTES) {
        memcpy(talk->ids[which], id.data, ID_BYTES);
    }
}

static void fill_in(const struct talk *talk, uint8_t *bytes, size_t len_bytes)
{
    for (size_t i = 0; i + ID_BYTES <= len_bytes; i++) {
        for (size_t which = 0; which < 3; which++) {
            uint8_t pattern[ID_BYTES];
            memset(pattern, STANDS_FOR[which], sizeof pattern);
            if (memcmp(bytes + i, pattern, sizeof pattern) == 0) {
                memcpy(bytes + i, talk->ids[which], ID_BYTES);
            }
        }
    }
}

/* ---- calls ---- */

static void get(struct talk *talk, struct cflight_bytes ticket)
{
    cflight_reader *reader = NULL;
    bool is_over = false;
    if (cflight_client_do_get(talk->client, ticket, &talk->options, &reader, NULL) != CFLIGHT_OK) {
        return;
    }
    while (!is_over) {
        struct cflight_chunk chunk;
        is_over = cflight_reader_next(reader, &chunk, NULL) != CFLIGHT_OK;
        if (!is_over) {
            is_over = chunk.is_end;
            cflight_chunk_release(&chunk);
        }
    }
    cflight_reader_free(reader);
}

static void take_info(struct talk *talk, const struct cflight_info *info, bool fetches)
{
    struct cflight_sql_message *ticket = NULL;
    for (size_t i = 0; i < info->endpoint_count; i++) {
        if (cflight_sql_message_unpack(info->endpoints[i].ticket, &ticket, NULL) == CFLIGHT_OK) {
            if (ticket->type == CFLIGHT_SQL_TICKET_STATEMENT_QUERY) {
                remember(talk, 2, ticket->handle);
            }
            cflight_sql_message_free(ticket);
        }
        if (fetches) {
            get(talk, info->endpoints[i].ticket);
        }
    }
}

static void ask(struct talk *talk, enum call call, struct cflight_bytes command)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = command};
    struct cflight_info *info = NULL;
    struct cflight_poll_info *poll = NULL;
    cflight_buffer *schema = NULL;
    if (call == CALL_SCHEMA) {
        (void)!cflight_client_get_schema(talk->client, &descriptor, &talk->options, &schema, NULL);
        cflight_buffer_unref(schema);
    } else if (call == CALL_POLL) {
        if (cflight_client_poll_flight_info(talk->client, &descriptor, &talk->options, &poll,
                                            NULL) == CFLIGHT_OK) {
            take_info(talk, poll->info, false);
        }
        cflight_poll_info_free(poll);
    } else if (cflight_client_get_flight_info(talk->client, &descriptor, &talk->options, &info,
                                              NULL) == CFLIGHT_OK) {
        take_info(talk, info, call == CALL_QUERY);
        cflight_info_free(info);
    }
}

static void put(struct talk *talk, struct cflight_bytes command, bool has_rows)
{
    static const int64_t VALUES[] = {5, 7};
    struct cflight_sql_message *message = NULL;
    cflight_buffer *answer = NULL;
    if (cflight_sql_message_unpack(command, &message, NULL) == CFLIGHT_OK) {
        (void)!t_sql_put(talk->client, message, has_rows ? VALUES : NULL, has_rows ? 2 : 0, &answer,
                         NULL);
        cflight_sql_message_free(message);
    }
    cflight_buffer_unref(answer);
}

/* The name of the action ends with a zero. */
static void act(struct talk *talk, struct cflight_bytes bytes)
{
    const uint8_t *end = bytes.len_bytes == 0 ? NULL : memchr(bytes.data, 0, bytes.len_bytes);
    if (end == NULL) {
        return;
    }
    size_t name_bytes = (size_t)(end - bytes.data);
    struct cflight_action action = {
        cflight_bytes_make(bytes.data, name_bytes),
        cflight_bytes_make(end + 1, bytes.len_bytes - name_bytes - 1),
    };
    cflight_result_stream *stream = NULL;
    cflight_buffer *body = NULL;
    if (cflight_client_do_action(talk->client, &action, &talk->options, &stream, NULL) !=
        CFLIGHT_OK) {
        return;
    }
    while (cflight_result_stream_next(stream, &body, NULL) == CFLIGHT_OK && body != NULL) {
        struct cflight_sql_message *result = NULL;
        if (cflight_sql_message_unpack(cflight_buffer_bytes(body), &result, NULL) == CFLIGHT_OK) {
            if (result->type == CFLIGHT_SQL_CREATE_PREPARED_RESULT) {
                remember(talk, 0, result->prepared.handle);
            } else if (result->type == CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT) {
                remember(talk, 1, result->handle);
            }
            cflight_sql_message_free(result);
        }
        cflight_buffer_unref(body);
        body = NULL;
    }
    cflight_result_stream_free(stream);
}

static void check_limits(struct talk *talk)
{
    struct cflight_sql_server_counts counts;
    cflight_sql_server_count(talk->engine.server, &counts);
    t_fuzz_require(counts.statement_count <= STATEMENTS_MAX);
    t_fuzz_require(counts.transaction_count <= TRANSACTIONS_MAX);
    t_fuzz_require(counts.result_count <= RESULTS_MAX);
    t_fuzz_require(counts.result_bytes <= RESULT_BYTES_MAX);
    t_fuzz_require(counts.bound_bytes <= BOUND_BYTES_MAX);
    t_fuzz_require(counts.session_count <=
                   STATEMENTS_MAX + TRANSACTIONS_MAX + RESULTS_MAX + counts.idle_session_count + 1);
    /* One request, one execution, but that a query may fetch what it has asked for. */
    t_fuzz_require(atomic_load(&talk->engine.execute_count) <= 2 * talk->request_count);
}

static void request(struct talk *talk, enum call call, struct cflight_bytes bytes)
{
    talk->request_count++;
    switch ((int)call) {
    case CALL_GET:
        get(talk, bytes);
        break;
    case CALL_PUT:
    case CALL_ROWS:
        put(talk, bytes, call == CALL_ROWS);
        break;
    case CALL_ACTION:
        act(talk, bytes);
        break;
    default:
        ask(talk, call, bytes);
        break;
    }
    check_limits(talk);
}

/* ---- a server and a client ---- */

static cflight_status (*plain_execute)(void *user_data, cflight_sql_call *call,
                                       const struct cflight_sql_query *query, void *statement,
                                       cflight_sql_parameters *parameters,
                                       cflight_sql_execution *execution, cflight_error **reterr);

/* Statements that run until they are interrupted would take the time of all others. */
static cflight_status execute(void *user_data, cflight_sql_call *call,
                              const struct cflight_sql_query *query, void *statement,
                              cflight_sql_parameters *parameters, cflight_sql_execution *execution,
                              cflight_error **reterr)
{
    char text[64] = "";
    size_t len_bytes =
        query->text.len_bytes < sizeof text ? query->text.len_bytes : sizeof text - 1;
    memcpy(text, query->text.data, len_bytes);
    if (strstr(text, "HANG") != NULL || strstr(text, "SLEEP") != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED, "it lasts");
    }
    return plain_execute(user_data, call, query, statement, parameters, execution, reterr);
}

static void start(struct talk *talk, bool seals)
{
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    const struct cflight_call_options call = CFLIGHT_CALL_OPTIONS_INIT;
    memset(talk, 0, sizeof *talk);
    options.statements_max = STATEMENTS_MAX;
    options.transactions_max = TRANSACTIONS_MAX;
    options.results_max = RESULTS_MAX;
    options.results_bytes_max = RESULT_BYTES_MAX;
    options.bound_bytes_max = BOUND_BYTES_MAX / 2;
    options.bound_bytes_total_max = BOUND_BYTES_MAX;
    options.listing_bytes_max = 1 << 16;
    options.session_wait_ms = CALL_MS / 3;
    if (seals) {
        options.ticket_key = cflight_bytes_from_text("0123456789abcdef0123456789abcdef");
    }
    t_engine_init(&talk->engine);
    t_engine_add_lists(&talk->engine);
    plain_execute = talk->engine.handlers.execute;
    talk->engine.handlers.execute = execute;
    t_gate_open(&talk->engine.go);
    t_engine_start(&talk->engine, &options);
    talk->client = t_sql_client(&talk->engine, NULL);
    talk->options = call;
    talk->options.timeout_ms = CALL_MS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    static struct talk talk;
    if (len_bytes < 4) {
        return 0;
    }
    start(&talk, data[0] % 2 == 1);
    size_t place = 1;
    while (place + 3 <= len_bytes && talk.request_count < CALLS_MAX) {
        uint8_t bytes[REQUEST_BYTES_MAX];
        enum call call = (enum call)(data[place] % CALLS);
        size_t request_bytes = (size_t)data[place + 1] | (size_t)data[place + 2] << 8;
        place += 3;
        request_bytes = request_bytes < len_bytes - place ? request_bytes : len_bytes - place;
        request_bytes = request_bytes < sizeof bytes ? request_bytes : sizeof bytes;
        memcpy(bytes, data + place, request_bytes);
        fill_in(&talk, bytes, request_bytes);
        request(&talk, call, cflight_bytes_make(bytes, request_bytes));
        place += request_bytes;
    }
    cflight_client_free(talk.client);
    t_engine_stop(&talk.engine);
    return 0;
}
