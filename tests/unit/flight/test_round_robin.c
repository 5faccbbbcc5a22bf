/* SPDX-License-Identifier: Apache-2.0 */
/* A client of a name with several addresses. The resolver of the C library is replaced by one that
 * says what a test wants; servers listen on several addresses of loopback, and count. */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>

#include "cflight/loop.h"
#include "event_loop.h"
#include "service.h"
#include "test.h"

enum { SERVERS = 3, CALLS = 30 };

#define NAME "flights.test"

/* ---- a resolver ---- */

static pthread_mutex_t resolver_mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned int resolver_addresses; /* bit i: 127.0.0.i */

static void resolve_to(unsigned int addresses)
{
    (void)pthread_mutex_lock(&resolver_mutex);
    resolver_addresses = addresses;
    (void)pthread_mutex_unlock(&resolver_mutex);
}

struct found {
    struct addrinfo info;
    struct sockaddr_in in;
};

static struct addrinfo *found_new(struct in_addr address, const char *port)
{
    struct found *found = calloc(1, sizeof *found);
    found->in.sin_family = AF_INET;
    found->in.sin_addr = address;
    found->in.sin_port = htons((uint16_t)strtol(port, NULL, 10));
    found->info.ai_family = AF_INET;
    found->info.ai_addr = (struct sockaddr *)&found->in;
    found->info.ai_addrlen = sizeof found->in;
    return &found->info;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    struct addrinfo **end = ret_list;
    struct in_addr number;
    (void)hints;
    *ret_list = NULL;
    if (inet_pton(AF_INET, host, &number) == 1) {
        *ret_list = found_new(number, service);
        return 0;
    }
    (void)pthread_mutex_lock(&resolver_mutex);
    unsigned int addresses = strcmp(host, NAME) == 0 ? resolver_addresses : 0;
    (void)pthread_mutex_unlock(&resolver_mutex);
    for (unsigned int i = 1; i < 32; i++) {
        if ((addresses & (1U << i)) != 0) {
            *end = found_new((struct in_addr){htonl(INADDR_LOOPBACK + i - 1)}, service);
            end = &(*end)->ai_next;
        }
    }
    return *ret_list == NULL ? EAI_NONAME : 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list); /* the first member of struct found */
        list = next;
    }
}

/* ---- servers ---- */

struct counting {
    struct t_service service;
    struct cflight_server_middleware middleware;
    atomic_uint counts[CFLIGHT_METHOD_SERVICE + 1]; /* by method */
    bool sets_cookie;
    bool is_up;
};

struct servers {
    struct counting each[SERVERS];
    int port;
};

static cflight_status count_call(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    struct counting *server = user_data;
    (void)context;
    (void)reterr;
    atomic_fetch_add(&server->counts[method], 1);
    *ret_instance = server;
    return CFLIGHT_OK;
}

static void set_cookie(void *user_data, void *instance, cflight_header_sink *headers)
{
    const struct counting *server = user_data;
    (void)instance;
    if (server->sets_cookie) {
        CHECK_STATUS(
            cflight_header_sink_add(headers, t_text("set-cookie"), t_text("session=1"), NULL),
            CFLIGHT_OK);
    }
}

static void server_up(struct servers *servers, size_t index)
{
    struct counting *server = &servers->each[index];
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    char location[64];
    (void)snprintf(location, sizeof location, "grpc://127.0.0.%zu:%d", index + 1, servers->port);
    server->middleware =
        (struct cflight_server_middleware){.struct_size = sizeof server->middleware,
                                           .user_data = server,
                                           .start_call = count_call,
                                           .sending_headers = set_cookie};
    options.middleware = &server->middleware;
    options.middleware_count = 1;
    t_service_start(&server->service, location, &options);
    servers->port = (int)strtol(strrchr(server->service.location, ':') + 1, NULL, 10);
    server->is_up = true;
}

static void server_down(struct servers *servers, size_t index)
{
    t_service_stop(&servers->each[index].service);
    servers->each[index].is_up = false;
}

static void servers_start(struct servers *servers)
{
    memset(servers, 0, sizeof *servers);
    for (size_t i = 0; i < SERVERS; i++) {
        server_up(servers, i);
    }
    resolve_to(2 | 4 | 8);
}

static void servers_stop(struct servers *servers)
{
    for (size_t i = 0; i < SERVERS; i++) {
        if (servers->each[i].is_up) {
            server_down(servers, i);
        }
    }
}

static unsigned int count_of(struct servers *servers, size_t index, enum cflight_method method)
{
    return atomic_load(&servers->each[index].counts[method]);
}

/* Which server has had a call of the method since; SERVERS for none. */
static size_t who_had(struct servers *servers, enum cflight_method method,
                      const unsigned int before[SERVERS])
{
    size_t found = SERVERS;
    for (size_t i = 0; i < SERVERS; i++) {
        if (count_of(servers, i, method) != before[i]) {
            assert_int_equal(found, SERVERS);
            found = i;
        }
    }
    return found;
}

static void counts_of(struct servers *servers, enum cflight_method method,
                      unsigned int ret_counts[SERVERS])
{
    for (size_t i = 0; i < SERVERS; i++) {
        ret_counts[i] = count_of(servers, i, method);
    }
}

/* ---- the client ---- */

static cflight_client *client_of(const struct servers *servers, enum cflight_balance balance)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    char location[64];
    options.balance = balance;
    options.connect_timeout_ms = 10000;
    (void)snprintf(location, sizeof location, "grpc://" NAME ":%d", servers->port);
    CHECK_OK(cflight_client_new(location, &options, &client, &error), error);
    return client;
}

/* Asks for a flight whose ticket nobody else has. */
static cflight_status ask_with(cflight_client *client, int number,
                               const struct cflight_call_options *options, char ret_ticket[64],
                               cflight_error **reterr)
{
    struct cflight_info *info = NULL;
    (void)snprintf(ret_ticket, 64, "batches=1 rows=1 number=%d", number);
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = t_text(ret_ticket)};
    cflight_status status =
        cflight_client_get_flight_info(client, &descriptor, options, &info, reterr);
    if (status == CFLIGHT_OK) {
        assert_int_equal(info->endpoint_count, 1);
        assert_true(t_is_text(info->endpoints[0].ticket, ret_ticket));
    }
    cflight_info_free(info);
    return status;
}

static void ask(cflight_client *client, int number)
{
    char ticket[64];
    cflight_error *error = NULL;
    CHECK_OK(ask_with(client, number, NULL, ticket, &error), error);
}

static void get(cflight_client *client, const char *ticket)
{
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct cflight_chunk chunk;
    int batch_count = 0;
    CHECK_OK(cflight_client_do_get(client, t_text(ticket), NULL, &reader, &error), error);
    do {
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        batch_count += chunk.batch.release != NULL;
        if (chunk.batch.release != NULL) {
            chunk.batch.release(&chunk.batch);
        }
    } while (!chunk.is_end);
    assert_int_equal(batch_count, 1);
    cflight_reader_free(reader);
}

/* Goal: with the option, all addresses of a name have the same number of calls; without, one has
 * all. Method: calls one after another; the servers count. */
TEST(round_robin, all_addresses_take_turns)
{
    struct servers servers;
    servers_start(&servers);
    cflight_client *client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    for (int i = 0; i < CALLS; i++) {
        ask(client, i);
    }
    cflight_client_free(client);
    for (size_t i = 0; i < SERVERS; i++) {
        assert_int_equal(count_of(&servers, i, CFLIGHT_METHOD_GET_FLIGHT_INFO), CALLS / SERVERS);
    }
    client = client_of(&servers, CFLIGHT_BALANCE_STICKY);
    for (int i = 0; i < CALLS; i++) {
        ask(client, i);
    }
    cflight_client_free(client);
    assert_int_equal(count_of(&servers, 0, CFLIGHT_METHOD_GET_FLIGHT_INFO),
                     CALLS / SERVERS + CALLS);
    servers_stop(&servers);
}

/* Goal: an endpoint without a location is read at the server that gave it; tickets that came from
 * no info go to one server. Method: the servers count infos and streams. */
TEST(round_robin, a_ticket_goes_back_to_who_gave_it)
{
    struct servers servers;
    unsigned int infos[SERVERS];
    unsigned int gets[SERVERS];
    bool is_seen[SERVERS] = {false};
    char tickets[CALLS][64];
    size_t givers[CALLS];
    servers_start(&servers);
    cflight_client *client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    for (int i = 0; i < CALLS; i++) {
        counts_of(&servers, CFLIGHT_METHOD_GET_FLIGHT_INFO, infos);
        CHECK_STATUS(ask_with(client, i, NULL, tickets[i], NULL), CFLIGHT_OK);
        givers[i] = who_had(&servers, CFLIGHT_METHOD_GET_FLIGHT_INFO, infos);
        is_seen[givers[i]] = true;
    }
    for (int i = 0; i < CALLS; i++) {
        counts_of(&servers, CFLIGHT_METHOD_DO_GET, gets);
        get(client, tickets[i]);
        assert_int_equal(who_had(&servers, CFLIGHT_METHOD_DO_GET, gets), givers[i]);
    }
    assert_true(is_seen[0] && is_seen[1] && is_seen[2]);
    counts_of(&servers, CFLIGHT_METHOD_DO_GET, gets);
    for (int i = 0; i < CALLS; i++) {
        get(client, "batches=1 rows=1 unheard_of");
    }
    assert_true(who_had(&servers, CFLIGHT_METHOD_DO_GET, gets) < SERVERS);
    cflight_client_free(client);
    servers_stop(&servers);
}

/* Goal: a call that says so, and every call of a client with a session, go to one server. Method:
 * calls that are sticky; an action about sessions; a server that sets a cookie. */
TEST(round_robin, sessions_stay_where_they_are)
{
    struct servers servers;
    unsigned int before[SERVERS];
    struct cflight_call_options sticky = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_session_options *options = NULL;
    char ticket[64];
    sticky.is_sticky = true;
    servers_start(&servers);
    cflight_client *client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    for (int i = 0; i < CALLS; i++) {
        CHECK_STATUS(ask_with(client, i, &sticky, ticket, NULL), CFLIGHT_OK);
    }
    memset(before, 0, sizeof before);
    size_t own = who_had(&servers, CFLIGHT_METHOD_GET_FLIGHT_INFO, before);
    assert_true(own < SERVERS);
    CHECK_STATUS(cflight_client_get_session_options(client, NULL, &options, NULL), CFLIGHT_OK);
    cflight_session_options_free(options);
    counts_of(&servers, CFLIGHT_METHOD_GET_FLIGHT_INFO, before);
    for (int i = 0; i < CALLS; i++) {
        ask(client, i);
    }
    assert_int_equal(who_had(&servers, CFLIGHT_METHOD_GET_FLIGHT_INFO, before), own);
    cflight_client_free(client);

    for (size_t i = 0; i < SERVERS; i++) {
        servers.each[i].sets_cookie = true;
    }
    client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    counts_of(&servers, CFLIGHT_METHOD_GET_FLIGHT_INFO, before);
    for (int i = 0; i < CALLS; i++) {
        ask(client, i);
    }
    assert_true(who_had(&servers, CFLIGHT_METHOD_GET_FLIGHT_INFO, before) < SERVERS);
    cflight_client_free(client);
    servers_stop(&servers);
}

/* Goal: a server that dies costs no call, and has its share again when it is back. Method: one is
 * stopped between calls, and started again at its address. */
TEST(round_robin, a_dead_address_is_left_out_until_it_lives)
{
    struct servers servers;
    servers_start(&servers);
    cflight_client *client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    for (int i = 0; i < CALLS; i++) {
        ask(client, i);
    }
    server_down(&servers, 1);
    unsigned int dead = count_of(&servers, 1, CFLIGHT_METHOD_GET_FLIGHT_INFO);
    for (int i = 0; i < CALLS; i++) {
        ask(client, i);
    }
    unsigned int others = count_of(&servers, 0, CFLIGHT_METHOD_GET_FLIGHT_INFO) +
                          count_of(&servers, 2, CFLIGHT_METHOD_GET_FLIGHT_INFO);
    assert_int_equal(count_of(&servers, 1, CFLIGHT_METHOD_GET_FLIGHT_INFO), dead);
    assert_int_equal(others + dead, 2 * CALLS);
    server_up(&servers, 1);
    for (int i = 0; count_of(&servers, 1, CFLIGHT_METHOD_GET_FLIGHT_INFO) < dead + CALLS; i++) {
        ask(client, i);
    }
    cflight_client_free(client);
    servers_stop(&servers);
}

/* Goal: when a server goes away the name is looked up again: new addresses are used, those that are
 * gone are not, and no call fails. Method: the resolver's answer changes, and a server that is no
 * longer in it winds down. */
TEST(round_robin, addresses_are_looked_up_again_after_a_goaway)
{
    struct servers servers;
    servers_start(&servers);
    resolve_to(2 | 4);
    cflight_client *client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    for (int i = 0; i < CALLS; i++) {
        ask(client, i);
    }
    assert_int_equal(count_of(&servers, 2, CFLIGHT_METHOD_GET_FLIGHT_INFO), 0);
    resolve_to(4 | 8);
    server_down(&servers, 0);
    for (int i = 0; count_of(&servers, 2, CFLIGHT_METHOD_GET_FLIGHT_INFO) < CALLS; i++) {
        ask(client, i);
    }
    server_up(&servers, 0);
    unsigned int gone = count_of(&servers, 0, CFLIGHT_METHOD_GET_FLIGHT_INFO);
    unsigned int stays = count_of(&servers, 1, CFLIGHT_METHOD_GET_FLIGHT_INFO);
    for (int i = 0; i < CALLS; i++) {
        ask(client, i);
    }
    assert_int_equal(count_of(&servers, 0, CFLIGHT_METHOD_GET_FLIGHT_INFO), gone);
    assert_int_equal(count_of(&servers, 1, CFLIGHT_METHOD_GET_FLIGHT_INFO), stays + CALLS / 2);
    cflight_client_free(client);
    servers_stop(&servers);
}

/* Goal: when no address works the error says so at once, each call tries again, and a name that
 * cannot be looked up is told of. Method: all servers are stopped, and one started. */
TEST(round_robin, nobody_there_is_an_error_that_may_be_retried)
{
    struct servers servers;
    cflight_error *error = NULL;
    char ticket[64];
    servers_start(&servers);
    cflight_client *client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    ask(client, 0);
    servers_stop(&servers);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(ask_with(client, i, NULL, ticket, &error), CFLIGHT_UNAVAILABLE);
        assert_non_null(strstr(cflight_error_message(error), "cannot connect to " NAME));
        assert_non_null(strstr(cflight_error_message(error), "127.0.0."));
        assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
        cflight_error_free(error);
        error = NULL;
    }
    server_up(&servers, 2);
    ask(client, 1);
    cflight_client_free(client);
    resolve_to(0);
    client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    CHECK_STATUS(ask_with(client, 2, NULL, ticket, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "cannot look up the host '" NAME "'"));
    cflight_error_free(error);
    error = NULL;
    resolve_to(8);
    ask(client, 3);
    cflight_client_close(client);
    CHECK_STATUS(ask_with(client, 4, NULL, ticket, &error), CFLIGHT_FAILED_PRECONDITION);
    cflight_error_free(error);
    cflight_client_free(client);
    servers_stop(&servers);
}

struct asking {
    cflight_client *client;
    int first;
};

static void *ask_many(void *user_data)
{
    const struct asking *asking = user_data;
    char ticket[64];
    for (int i = 0; i < CALLS; i++) {
        cflight_error *error = NULL;
        CHECK_OK(ask_with(asking->client, asking->first + i, NULL, ticket, &error), error);
        get(asking->client, ticket);
    }
    return NULL;
}

/* Goal: many threads share the connections, of which there is one for each address. Method: threads
 * that begin together, while one server goes and comes. */
TEST(round_robin, threads_share_the_connections)
{
    enum { THREADS = 6 };
    struct servers servers;
    struct asking asking[THREADS];
    pthread_t threads[THREADS];
    servers_start(&servers);
    cflight_client *client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    for (int i = 0; i < THREADS; i++) {
        asking[i] = (struct asking){client, i * CALLS};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &asking[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    unsigned int total = 0;
    for (size_t i = 0; i < SERVERS; i++) {
        unsigned int count = count_of(&servers, i, CFLIGHT_METHOD_GET_FLIGHT_INFO);
        assert_in_range(count, 1, THREADS * CALLS / 2);
        assert_int_equal(count_of(&servers, i, CFLIGHT_METHOD_DO_GET), count);
        total += count;
    }
    assert_int_equal(total, THREADS * CALLS);
    cflight_client_free(client);
    servers_stop(&servers);
}

static void note_ready(void *user_data)
{
    *(bool *)user_data = true;
}

/* Asks as an event loop does. */
static cflight_status ask_loop(cflight_client *client, int number)
{
    char text[64];
    cflight_buffer *request = NULL;
    cflight_buffer *message = NULL;
    cflight_async *async = NULL;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    bool is_ready = false;
    (void)snprintf(text, sizeof text, "number=%d", number);
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text(text)};
    CHECK_OK(cflight_descriptor_serialize(&descriptor, &request, &error), error);
    CHECK_OK(cflight_async_start(client, CFLIGHT_METHOD_GET_FLIGHT_INFO,
                                 cflight_buffer_bytes(request), NULL, &async, &error),
             error);
    while (status == CFLIGHT_OK && !is_ready) {
        bool is_called = false;
        status = cflight_async_try_next(async, &is_ready, &message, &error);
        if (status == CFLIGHT_OK && !is_ready) {
            cflight_async_notify(async, note_ready, &is_called);
            while (!is_called) {
                t_turn(client);
            }
        }
    }
    cflight_buffer_unref(message);
    cflight_buffer_unref(request);
    cflight_async_free(async);
    cflight_error_free(error);
    return status;
}

/* Goal: the same under an event loop, which never waits: its connections are made for it. Method:
 * calls one after another, a server that goes and comes back. */
TEST(round_robin, an_event_loop_uses_all_addresses)
{
    struct servers servers;
    servers_start(&servers);
    cflight_client *client = client_of(&servers, CFLIGHT_BALANCE_ROUND_ROBIN);
    for (int i = 0; i < CALLS; i++) {
        CHECK_STATUS(ask_loop(client, i), CFLIGHT_OK);
    }
    for (size_t i = 0; i < SERVERS; i++) {
        assert_int_equal(count_of(&servers, i, CFLIGHT_METHOD_GET_FLIGHT_INFO), CALLS / SERVERS);
    }
    server_down(&servers, 1);
    unsigned int dead = count_of(&servers, 1, CFLIGHT_METHOD_GET_FLIGHT_INFO);
    for (int i = 0; i < CALLS; i++) {
        CHECK_STATUS(ask_loop(client, i), CFLIGHT_OK);
    }
    server_up(&servers, 1);
    for (int i = 0; count_of(&servers, 1, CFLIGHT_METHOD_GET_FLIGHT_INFO) < dead + CALLS; i++) {
        CHECK_STATUS(ask_loop(client, i), CFLIGHT_OK);
    }
    cflight_client_free(client);
    servers_stop(&servers);
}
