/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines, keepalive, cancellation and the ends of calls, under a clock that the test moves. */
#include <stdlib.h>

#include "grpc_pair.h"
#include "raw.h"

static void open_pair(struct t_grpc_pair *pair, struct t_user *user, int64_t deadline_ns)
{
    cflight_error *error = NULL;
    memset(user, 0, sizeof *user);
    CHECK_OK(t_grpc_pair_open(pair, &error), error);
    CHECK_OK(t_call_with(pair, user, NULL, deadline_ns, &error), error);
    t_grpc_pair_pump(pair, 65536);
    assert_int_equal(pair->served_count, 1);
}

static void close_pair(struct t_grpc_pair *pair, struct t_user *user)
{
    CHECK_STATUS(pair->client_end.status, CFLIGHT_OK);
    CHECK_STATUS(pair->server_end.status, CFLIGHT_OK);
    t_user_done(user);
    t_grpc_pair_done(pair);
}

/* Goal: the client ends a call at its deadline and tells the server.
 * Method: tick one nanosecond before and at the deadline. */
TEST(grpc_time, a_client_ends_a_call_at_its_deadline)
{
    struct t_grpc_pair pair;
    struct t_user user;
    cflight_error *error = NULL;
    t_grpc_pair_init(&pair);
    int64_t deadline_ns = pair.clock.now_ns + 5 * CFL_NS_PER_S;
    open_pair(&pair, &user, deadline_ns);
    assert_true(cfl_grpc_next_deadline_ns(pair.client) == deadline_ns);
    assert_true(cfl_grpc_call_deadline_ns(pair.served[0].call) == deadline_ns);
    pair.clock.now_ns = deadline_ns - 1;
    CHECK_OK(cfl_grpc_tick(pair.client, pair.clock.now_ns, &error), error);
    assert_int_equal(user.end_count, 0);
    pair.clock.now_ns = deadline_ns;
    CHECK_OK(cfl_grpc_tick(pair.client, pair.clock.now_ns, &error), error);
    assert_int_equal(user.end_count, 1);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_DEADLINE_EXCEEDED);
    assert_false(cfl_grpc_call_status_is_from_peer(user.call));
    t_grpc_pair_pump(&pair, 65536);
    assert_int_equal(pair.served[0].end_count, 1);
    assert_true(cfl_grpc_call_is_cancelled(pair.served[0].call));
    assert_true(cfl_grpc_next_deadline_ns(pair.client) == CFL_TIME_NEVER);
    close_pair(&pair, &user);
}

/* A call with a deadline and an answer that the window does not take; returns the memory of it. */
static uint8_t *open_held_up(struct t_grpc_pair *pair, struct t_user *user,
                             int64_t *ret_deadline_ns)
{
    uint8_t *body = calloc(1, 3000000);
    t_grpc_pair_init(pair);
    pair->limits.stream_window_bytes = 65536;
    *ret_deadline_ns = pair->clock.now_ns + 5 * CFL_NS_PER_S;
    open_pair(pair, user, *ret_deadline_ns);
    user->is_lazy = true;
    t_send(&pair->served[0], NULL, 0, body, 3000000);
    return body;
}

/* Goal: the server ends a call at its deadline, past data that waits, and says so.
 * Method: an answer too large for the window; the memory is freed after on_end. */
TEST(grpc_time, a_server_ends_a_call_at_its_deadline)
{
    struct t_grpc_pair pair;
    struct t_user user;
    int64_t deadline_ns = 0;
    cflight_error *error = NULL;
    uint8_t *body = open_held_up(&pair, &user, &deadline_ns);
    t_grpc_pair_pump(&pair, 65536);
    CHECK_OK(cfl_grpc_tick(pair.server, deadline_ns, &error), error);
    assert_int_equal(pair.served[0].end_count, 1);
    assert_true(cfl_grpc_call_is_cancelled(pair.served[0].call));
    CHECK_STATUS(cfl_grpc_call_status(pair.served[0].call), CFLIGHT_DEADLINE_EXCEEDED);
    free(body);
    cfl_grpc_call_finish(pair.served[0].call, CFLIGHT_OK, "too late", NULL);
    t_grpc_pair_pump(&pair, 65536);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_DEADLINE_EXCEEDED);
    assert_true(cfl_grpc_call_status_is_from_peer(user.call));
    close_pair(&pair, &user);
}

/* Goal: a status that the client does not take is given up at the deadline.
 * Method: finish behind data that flow control holds; tick. */
TEST(grpc_time, a_finished_call_is_given_up_at_its_deadline)
{
    struct t_grpc_pair pair;
    struct t_user user;
    int64_t deadline_ns = 0;
    cflight_error *error = NULL;
    uint8_t *body = open_held_up(&pair, &user, &deadline_ns);
    cfl_grpc_call_finish(pair.served[0].call, CFLIGHT_OK, "", NULL);
    t_grpc_pair_pump(&pair, 65536);
    assert_int_equal(pair.served[0].end_count, 0);
    CHECK_OK(cfl_grpc_tick(pair.server, deadline_ns, &error), error);
    assert_int_equal(pair.served[0].end_count, 1);
    free(body);
    t_grpc_pair_pump(&pair, 65536);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_CANCELLED);
    close_pair(&pair, &user);
}

/* Goal: calls end in the order of their deadlines, and calls without one do not.
 * Method: many calls with shuffled deadlines, some of them ended before. */
TEST(grpc_time, many_deadlines_are_kept_in_order)
{
    enum { COUNT = 500 };
    struct t_grpc_pair pair;
    struct t_user *users = calloc(COUNT, sizeof *users);
    cflight_error *error = NULL;
    t_grpc_pair_init(&pair);
    CHECK_OK(t_grpc_pair_open(&pair, &error), error);
    t_grpc_pair_pump(&pair, 65536);
    int64_t start_ns = pair.clock.now_ns;
    for (int i = 0; i < COUNT; i++) {
        int64_t offset = 1 + (int64_t)i * 7919 % COUNT;
        CHECK_OK(t_call_with(&pair, &users[i], NULL, start_ns + offset, &error), error);
    }
    for (int i = 0; i < COUNT; i += 3) {
        cfl_grpc_call_cancel(users[i].call, CFLIGHT_CANCELLED, "enough");
    }
    for (int64_t now = 0; now <= COUNT; now++) {
        CHECK_OK(cfl_grpc_tick(pair.client, start_ns + now, &error), error);
        for (int i = 0; i < COUNT; i++) {
            int64_t offset = 1 + (int64_t)i * 7919 % COUNT;
            assert_int_equal(users[i].end_count, i % 3 == 0 || offset <= now);
        }
        assert_true(cfl_grpc_next_deadline_ns(pair.client) > start_ns + now);
    }
    assert_true(cfl_grpc_next_deadline_ns(pair.client) == CFL_TIME_NEVER);
    for (int i = 0; i < COUNT; i++) {
        t_user_done(&users[i]);
    }
    t_grpc_pair_done(&pair);
    free(users);
}

/* Goal: a call whose deadline passed before it started is not started.
 * Method: a deadline of now. */
TEST(grpc_time, a_call_that_is_late_does_not_start)
{
    struct t_grpc_pair pair;
    struct t_user user = {0};
    t_grpc_pair_init(&pair);
    CHECK_OK(t_grpc_pair_open(&pair, NULL), NULL);
    CHECK_STATUS(t_call_with(&pair, &user, NULL, pair.clock.now_ns, NULL),
                 CFLIGHT_DEADLINE_EXCEEDED);
    assert_int_equal(cfl_grpc_call_count(pair.client), 0);
    t_grpc_pair_done(&pair);
}

/* Goal: keepalive pings a silent peer and gives up when it stays silent.
 * Method: an answered ping, then one that is not. */
TEST(grpc_time, keepalive_finds_a_dead_peer)
{
    struct t_grpc_pair pair;
    struct t_user user;
    cflight_error *error = NULL;
    t_grpc_pair_init(&pair);
    pair.keepalive.interval_ns = 10 * CFL_NS_PER_S;
    pair.keepalive.timeout_ns = 3 * CFL_NS_PER_S;
    open_pair(&pair, &user, CFL_TIME_NEVER);
    for (int i = 0; i < 3; i++) {
        int64_t ping_ns = pair.clock.now_ns + 10 * CFL_NS_PER_S;
        assert_true(cfl_grpc_next_deadline_ns(pair.client) == ping_ns);
        pair.clock.now_ns = ping_ns;
        CHECK_OK(cfl_grpc_tick(pair.client, ping_ns, &error), error);
        assert_true(cfl_grpc_wants_output(pair.client));
        assert_true(cfl_grpc_next_deadline_ns(pair.client) == ping_ns + 3 * CFL_NS_PER_S);
        t_grpc_pair_pump(&pair, 65536);
    }
    pair.clock.now_ns += 10 * CFL_NS_PER_S;
    CHECK_OK(cfl_grpc_tick(pair.client, pair.clock.now_ns, &error), error);
    pair.clock.now_ns += 3 * CFL_NS_PER_S;
    CHECK_STATUS(cfl_grpc_tick(pair.client, pair.clock.now_ns, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "3000 ms"));
    cfl_grpc_conn_fail(pair.client, error);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_UNAVAILABLE);
    cflight_error_free(error);
    close_pair(&pair, &user);
}

/* Goal: pings to a peer that sends nothing become rare after the agreed number, and are eager again
 * once it sent something. */
TEST(grpc_time, keepalive_becomes_rare_without_data)
{
    struct t_grpc_pair pair;
    struct t_user user;
    cflight_error *error = NULL;
    t_grpc_pair_init(&pair);
    pair.keepalive.interval_ns = 10 * CFL_NS_PER_S;
    pair.keepalive.timeout_ns = 3 * CFL_NS_PER_S;
    pair.keepalive.eager_max = 2;
    open_pair(&pair, &user, CFL_TIME_NEVER);
    for (int i = 0; i < 6; i++) {
        int64_t interval_s = i % 3 < 2 ? 10 : 310;
        int64_t ping_ns = pair.clock.now_ns + interval_s * CFL_NS_PER_S;
        assert_true(cfl_grpc_next_deadline_ns(pair.client) == ping_ns);
        pair.clock.now_ns = ping_ns;
        CHECK_OK(cfl_grpc_tick(pair.client, ping_ns, &error), error);
        t_grpc_pair_pump(&pair, 65536);
        if (i == 2) {
            CHECK_OK(cfl_grpc_call_send_headers(pair.served[0].call, NULL, &error), error);
            t_grpc_pair_pump(&pair, 65536);
        }
    }
    close_pair(&pair, &user);
}

/* Goal: without calls there is no keepalive, unless asked for.
 * Method: both settings. */
TEST(grpc_time, keepalive_rests_without_calls)
{
    for (int without_calls = 0; without_calls <= 1; without_calls++) {
        struct t_grpc_pair pair;
        t_grpc_pair_init(&pair);
        pair.keepalive.interval_ns = CFL_NS_PER_S;
        pair.keepalive.timeout_ns = CFL_NS_PER_S;
        pair.keepalive.without_calls = without_calls == 1;
        CHECK_OK(t_grpc_pair_open(&pair, NULL), NULL);
        t_grpc_pair_pump(&pair, 65536);
        int64_t next_ns = cfl_grpc_next_deadline_ns(pair.client);
        assert_int_equal(next_ns == CFL_TIME_NEVER, without_calls == 0);
        t_grpc_pair_done(&pair);
    }
}

/* Goal: a cancelled call forgets the memory it was lent, on either side, at any moment; a client
 * hears from the server with which status.
 * Method: cancel at many points of a large message; free the memory at once. */
TEST(grpc_time, cancel_lets_go_of_memory)
{
    for (size_t sent_bytes = 0; sent_bytes < 3000000; sent_bytes += 333333) {
        for (int by_server = 0; by_server <= 1; by_server++) {
            struct t_grpc_pair pair;
            struct t_user user;
            t_grpc_pair_init(&pair);
            open_pair(&pair, &user, CFL_TIME_NEVER);
            struct t_user *sender = by_server == 1 ? &pair.served[0] : &user;
            struct t_end *from = by_server == 1 ? &pair.server_end : &pair.client_end;
            struct t_end *to = by_server == 1 ? &pair.client_end : &pair.server_end;
            uint8_t *body = calloc(1, 3000000);
            t_send(sender, "h", 1, body, 3000000);
            if (sent_bytes > 0) {
                (void)t_step(from, to, sent_bytes);
            }
            cfl_grpc_call_cancel(sender->call, CFLIGHT_ABORTED, "changed my mind");
            free(body);
            assert_int_equal(sender->end_count, 1);
            CHECK_STATUS(cfl_grpc_call_status(sender->call), CFLIGHT_ABORTED);
            assert_string_equal(cfl_grpc_call_message(sender->call), "changed my mind");
            t_grpc_pair_pump(&pair, 65536);
            assert_int_equal(user.end_count, 1);
            assert_int_equal(pair.served[0].end_count, 1);
            assert_true(cfl_grpc_call_is_cancelled(pair.served[0].call));
            if (by_server == 1) {
                CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_ABORTED);
                assert_string_equal(cfl_grpc_call_message(user.call), "changed my mind");
            }
            close_pair(&pair, &user);
        }
    }
}

/* Goal: a call that the server sends away untouched is safe to try again.
 * Method: refuse; the client is told so. */
TEST(grpc_time, a_refused_call_is_safe_to_retry)
{
    struct t_grpc_pair pair;
    struct t_user user;
    t_grpc_pair_init(&pair);
    open_pair(&pair, &user, CFL_TIME_NEVER);
    cfl_grpc_call_refuse(pair.served[0].call);
    assert_int_equal(pair.served[0].end_count, 1);
    t_grpc_pair_pump(&pair, 65536);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_UNAVAILABLE);
    assert_int_equal(cfl_grpc_call_retry(user.call), CFLIGHT_RETRY_SAFE);
    close_pair(&pair, &user);
}

/* Goal: handlers may release their call.
 * Method: release in on_end and in the middle of a message, on both sides. */
TEST(grpc_time, a_handler_may_release_its_call)
{
    for (int i = 0; i < 4; i++) {
        struct t_grpc_pair pair;
        struct t_user user;
        t_grpc_pair_init(&pair);
        pair.next_served.releases_in_end = i == 0;
        pair.next_served.releases_in_bytes = i == 1;
        open_pair(&pair, &user, CFL_TIME_NEVER);
        user.releases_in_end = i == 2;
        user.releases_in_bytes = i == 3;
        t_send(&user, "0123456789", 10, NULL, 0);
        t_send(&user, "0123456789", 10, NULL, 0);
        t_grpc_pair_pump(&pair, 7);
        if (pair.served[0].call != NULL) {
            t_send(&pair.served[0], "answer", 6, NULL, 0);
            cfl_grpc_call_finish(pair.served[0].call, CFLIGHT_OK, "", NULL);
        }
        t_grpc_pair_pump(&pair, 7);
        assert_int_equal(cfl_grpc_call_count(pair.client), 0);
        assert_int_equal(cfl_grpc_call_count(pair.server), 0);
        close_pair(&pair, &user);
    }
}

/* Goal: a reply that its user has finished and let go of is delivered whole.
 * Method: send more than the client's window in messages without a body, finish, release; the
 * client then takes it, in pieces of several sizes, and only then is the call gone. */
TEST(grpc_time, a_finished_reply_outlives_its_user)
{
    enum { MESSAGES = 40, MESSAGE_BYTES = 10000 };
    const size_t chunks_bytes[] = {7, 1000, 65536};
    uint8_t message[MESSAGE_BYTES];
    for (size_t i = 0; i < sizeof chunks_bytes / sizeof chunks_bytes[0]; i++) {
        struct t_grpc_pair pair;
        struct t_user user;
        t_grpc_pair_init(&pair);
        pair.limits.stream_window_bytes = 65536;
        open_pair(&pair, &user, CFL_TIME_NEVER);
        for (int k = 0; k < MESSAGES; k++) {
            memset(message, k, sizeof message);
            t_send(&pair.served[0], message, sizeof message, NULL, 0);
        }
        cfl_grpc_call_finish(pair.served[0].call, CFLIGHT_NOT_FOUND, "that was all", NULL);
        cfl_grpc_call_release(pair.served[0].call);
        pair.served[0].call = NULL;
        memset(message, 0xff, sizeof message);
        assert_int_equal(cfl_grpc_call_count(pair.server), 1);
        t_grpc_pair_pump(&pair, chunks_bytes[i]);
        assert_int_equal(cfl_grpc_call_count(pair.server), 0);
        assert_int_equal(user.message_count, MESSAGES);
        for (int k = 0; k < MESSAGES; k++) {
            memset(message, k, sizeof message);
            assert_memory_equal(user.bytes + (size_t)k * MESSAGE_BYTES, message, MESSAGE_BYTES);
        }
        assert_int_equal(user.end_count, 1);
        CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_NOT_FOUND);
        assert_string_equal(cfl_grpc_call_message(user.call), "that was all");
        assert_int_equal(pair.served[0].end_count, 0);
        close_pair(&pair, &user);
    }
}

/* Goal: a handler that finishes its call may let go of it at once.
 * Method: do both in the middle of a message, with an answer that the client's window holds up. */
TEST(grpc_time, a_handler_may_finish_and_release)
{
    struct t_grpc_pair pair;
    struct t_user user;
    t_grpc_pair_init(&pair);
    pair.limits.stream_window_bytes = 65536;
    pair.next_served.answers_in_bytes = 100000;
    open_pair(&pair, &user, CFL_TIME_NEVER);
    t_send(&user, "0123456789", 10, NULL, 0);
    t_send(&user, "0123456789", 10, NULL, 0);
    t_grpc_pair_pump(&pair, 7);
    assert_null(pair.served[0].call);
    assert_int_equal(user.len_bytes, 100000);
    assert_int_equal(user.end_count, 1);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_OK);
    assert_int_equal(cfl_grpc_call_count(pair.server), 0);
    close_pair(&pair, &user);
}

/* Goal: what a reply borrows is not touched after its user let go of it.
 * Method: as before with a body that is partly sent, and freed after the release; and with one that
 * was sent whole, behind which only a message without a body waits. */
TEST(grpc_time, a_reply_with_borrowed_bytes_is_cancelled)
{
    enum { BODY_BYTES = 60000 };
    for (int is_sent = 0; is_sent <= 1; is_sent++) {
        struct t_grpc_pair pair;
        struct t_user user;
        t_grpc_pair_init(&pair);
        pair.limits.stream_window_bytes = 65536;
        open_pair(&pair, &user, CFL_TIME_NEVER);
        user.is_lazy = true;
        uint8_t *body = calloc(1, BODY_BYTES);
        t_send(&pair.served[0], "h", 1, body, BODY_BYTES);
        (void)t_step(&pair.server_end, &pair.client_end, BODY_BYTES / 2);
        if (is_sent == 1) {
            t_grpc_pair_pump(&pair, 65536);
        }
        t_send(&pair.served[0], body, BODY_BYTES, NULL, 0);
        cfl_grpc_call_finish(pair.served[0].call, CFLIGHT_OK, "", NULL);
        cfl_grpc_call_release(pair.served[0].call);
        pair.served[0].call = NULL;
        free(body);
        assert_int_equal(cfl_grpc_call_count(pair.server), is_sent);
        user.is_lazy = false;
        cfl_grpc_call_consume(user.call, user.len_bytes);
        t_grpc_pair_pump(&pair, 65536);
        assert_int_equal(user.end_count, 1);
        CHECK_STATUS(cfl_grpc_call_status(user.call),
                     is_sent == 1 ? CFLIGHT_OK : CFLIGHT_CANCELLED);
        assert_int_equal(user.message_count == 2, is_sent);
        assert_int_equal(cfl_grpc_call_count(pair.server), 0);
        close_pair(&pair, &user);
    }
}

/* Goal: a reply that waits without its user still ends when it must.
 * Method: the client cancels, the deadline passes, the connection breaks or is freed. */
TEST(grpc_time, a_waiting_reply_ends_without_its_user)
{
    static uint8_t message[200000];
    for (int how = 0; how < 4; how++) {
        struct t_grpc_pair pair;
        struct t_user user;
        cflight_error *error = NULL;
        t_grpc_pair_init(&pair);
        pair.limits.stream_window_bytes = 65536;
        int64_t deadline_ns = pair.clock.now_ns + 5 * CFL_NS_PER_S;
        open_pair(&pair, &user, deadline_ns);
        user.is_lazy = true;
        t_send(&pair.served[0], message, sizeof message, NULL, 0);
        cfl_grpc_call_finish(pair.served[0].call, CFLIGHT_OK, "", NULL);
        cfl_grpc_call_release(pair.served[0].call);
        pair.served[0].call = NULL;
        t_grpc_pair_pump(&pair, 65536);
        assert_int_equal(cfl_grpc_call_count(pair.server), 1);
        assert_int_equal(cfl_grpc_next_deadline_ns(pair.server), deadline_ns);
        if (how == 0) {
            cfl_grpc_call_cancel(user.call, CFLIGHT_CANCELLED, "enough");
            t_grpc_pair_pump(&pair, 65536);
        } else if (how == 1) {
            CHECK_OK(cfl_grpc_tick(pair.server, deadline_ns, &error), error);
        } else if (how == 2) {
            cfl_grpc_conn_fail(pair.server, NULL);
        }
        if (how < 3) {
            assert_int_equal(cfl_grpc_call_count(pair.server), 0);
            assert_int_equal(cfl_grpc_next_deadline_ns(pair.server), CFL_TIME_NEVER);
        }
        close_pair(&pair, &user);
    }
}

/* Goal: calls outlive their connection as objects, and release stays due.
 * Method: free the connections first. */
TEST(grpc_time, calls_survive_their_connection)
{
    struct t_grpc_pair pair;
    struct t_user user;
    cflight_error *error = NULL;
    t_grpc_pair_init(&pair);
    open_pair(&pair, &user, pair.clock.now_ns + CFL_NS_PER_S);
    t_send(&user, "message", 7, NULL, 0);
    cfl_grpc_conn_free(pair.client);
    pair.client = NULL;
    assert_int_equal(user.end_count, 1);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_UNAVAILABLE);
    CHECK_STATUS(cfl_grpc_call_send(user.call, cflight_bytes_make("x", 1), NULL, &error),
                 CFLIGHT_UNAVAILABLE);
    cflight_error_free(error);
    cfl_grpc_call_cancel(user.call, CFLIGHT_CANCELLED, "again");
    cfl_grpc_call_consume(user.call, 10);
    assert_int_equal(cfl_grpc_call_unsent_bytes(user.call), 0);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_UNAVAILABLE);
    t_user_done(&user);
    t_grpc_pair_done(&pair);
}

/* Goal: a shutdown of the server lets calls finish and takes no new ones.
 * Method: notice, last id, end of the call. */
TEST(grpc_time, a_server_shuts_down_gracefully)
{
    struct t_grpc_pair pair;
    struct t_user user;
    t_grpc_pair_init(&pair);
    open_pair(&pair, &user, CFL_TIME_NEVER);
    assert_true(cfl_grpc_can_start(pair.client));
    cfl_grpc_goaway(pair.server, false);
    t_grpc_pair_pump(&pair, 65536);
    assert_int_equal(pair.goaway_count, 1);
    assert_false(cfl_grpc_can_start(pair.client));
    cfl_grpc_goaway(pair.server, true);
    t_grpc_pair_pump(&pair, 65536);
    assert_false(cfl_grpc_is_finished(pair.server));
    cfl_grpc_call_finish(pair.served[0].call, CFLIGHT_OK, "done", NULL);
    t_grpc_pair_pump(&pair, 65536);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_OK);
    assert_true(cfl_grpc_is_finished(pair.server));
    assert_true(cfl_grpc_is_finished(pair.client));
    close_pair(&pair, &user);
}

/* Goal: misuse is answered, not obeyed.
 * Method: send after the end, headers twice, a message over 4 GiB. */
TEST(grpc_time, misuse_is_refused)
{
    struct t_grpc_pair pair;
    struct t_user user;
    t_grpc_pair_init(&pair);
    open_pair(&pair, &user, CFL_TIME_NEVER);
    struct cfl_grpc_call *served = pair.served[0].call;
    struct cfl_pieces huge;
    cfl_pieces_init(&huge, NULL);
    assert_true(cfl_pieces_append(&huge, "x", 1));
    huge.len_bytes = (uint64_t)UINT32_MAX;
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_grpc_call_send(user.call, cflight_bytes_make("x", 1), &huge, &error),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    uint64_t limit_bytes = 0;
    uint64_t actual_bytes = 0;
    assert_true(cflight_error_size_limit(error, &limit_bytes, &actual_bytes));
    assert_true(limit_bytes == UINT32_MAX && actual_bytes == (uint64_t)UINT32_MAX + 1);
    cflight_error_free(error);
    cfl_pieces_done(&huge);
    assert_int_equal(cfl_grpc_call_unsent_bytes(user.call), 0);
    CHECK_STATUS(cfl_grpc_call_send_headers(user.call, NULL, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_OK(cfl_grpc_call_send_headers(served, NULL, NULL), NULL);
    CHECK_STATUS(cfl_grpc_call_send_headers(served, NULL, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_OK(cfl_grpc_call_half_close(user.call, NULL), NULL);
    CHECK_STATUS(cfl_grpc_call_half_close(user.call, NULL), CFLIGHT_FAILED_PRECONDITION);
    CHECK_STATUS(cfl_grpc_call_send(user.call, cflight_bytes_make("x", 1), NULL, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    cfl_grpc_call_finish(served, CFLIGHT_ABORTED, "first", NULL);
    cfl_grpc_call_finish(served, CFLIGHT_OK, "second", NULL);
    CHECK_STATUS(cfl_grpc_call_send(served, cflight_bytes_make("x", 1), NULL, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    t_grpc_pair_pump(&pair, 65536);
    CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_ABORTED);
    assert_string_equal(cfl_grpc_call_message(user.call), "first");
    close_pair(&pair, &user);
}

static cflight_status run_exchange(struct t_grpc_pair *pair, struct t_user *user)
{
    struct cfl_metadata metadata;
    cfl_metadata_init(&metadata, pair->alloc);
    cflight_status status = t_grpc_pair_open(pair, NULL);
    if (status == CFLIGHT_OK) {
        status = cfl_metadata_add(&metadata, cflight_bytes_from_text("x-raw-bin"),
                                  cflight_bytes_from_text("value"), NULL);
    }
    if (status == CFLIGHT_OK) {
        status = t_call_with(pair, user, &metadata, pair->clock.now_ns + CFL_NS_PER_S, NULL);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_grpc_call_send(user->call, cflight_bytes_make("request", 7), NULL, NULL);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_grpc_call_half_close(user->call, NULL);
    }
    if (status == CFLIGHT_OK) {
        t_grpc_pair_pump(pair, 65536);
    }
    if (status == CFLIGHT_OK && pair->served_count == 1 && !cfl_grpc_call_is_over(user->call)) {
        struct cfl_grpc_call *call = pair->served[0].call;
        status = cfl_grpc_call_send_headers(call, &metadata, NULL);
        if (status == CFLIGHT_OK) {
            status = cfl_grpc_call_send(call, cflight_bytes_make("answer", 6), NULL, NULL);
        }
        cfl_grpc_call_finish(call, status, "the end", &metadata);
        t_grpc_pair_pump(pair, 65536);
    }
    cfl_metadata_done(&metadata);
    return status;
}

/* Goal: no allocation failure crashes, leaks, hangs a call or passes for success.
 * Method: fail each allocation of a whole exchange; when a connection breaks its calls are ended.
 */
TEST(grpc_time, every_allocation_failure_is_clean)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct t_grpc_pair pair;
        struct t_user user = {0};
        t_grpc_pair_init(&pair);
        pair.alloc = &alloc->allocator;
        cflight_status status = run_exchange(&pair, &user);
        if (!alloc->did_fail) {
            CHECK_STATUS(status, CFLIGHT_OK);
            CHECK_STATUS(cfl_grpc_call_status(user.call), CFLIGHT_OK);
            assert_int_equal(user.len_bytes, 6);
        }
        if (user.call != NULL && pair.client_end.status == CFLIGHT_OK &&
            pair.server_end.status == CFLIGHT_OK && status == CFLIGHT_OK) {
            assert_int_equal(user.end_count, 1);
        }
        cfl_grpc_conn_free(pair.client);
        cfl_grpc_conn_free(pair.server);
        pair.client = NULL;
        pair.server = NULL;
        if (user.call != NULL) {
            assert_int_equal(user.end_count, 1);
        }
        t_user_done(&user);
        t_grpc_pair_done(&pair);
    }
}

/* Gives an end what its peer has not said. */
static void feed(struct t_end *end, struct t_raw *raw)
{
    t_feed(end, raw->data, raw->len_bytes, 65536);
    t_raw_done(raw);
    *raw = (struct t_raw){0};
}

/* Goal: an end of a client's messages that comes together with a reset after a long silence, as
 * proxies send it whose patience is over, is known not to be the client's; others are believed.
 * Method: both frames after silences on both sides of the limit, and with time between them. */
TEST(grpc_time, an_end_with_a_reset_after_a_silence_is_not_believed)
{
    static const struct {
        int64_t quiet_ns;
        int64_t between_ns;
        bool was_cut;
    } CASES[] = {
        {9 * CFL_NS_PER_S, 0, false},
        {11 * CFL_NS_PER_S, 0, true},
        {11 * CFL_NS_PER_S, 100 * CFL_NS_PER_MS, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct t_grpc_pair pair;
        struct t_user user;
        struct t_raw raw = {0};
        t_grpc_pair_init(&pair);
        open_pair(&pair, &user, CFL_TIME_NEVER);
        t_send(&user, NULL, 0, "abc", 3);
        t_grpc_pair_pump(&pair, 65536);
        pair.clock.now_ns += CASES[i].quiet_ns;
        t_raw_frame(&raw, T_DATA, T_END_STREAM, 1, NULL, 0);
        feed(&pair.server_end, &raw);
        pair.clock.now_ns += CASES[i].between_ns;
        t_raw_u32_frame(&raw, T_RST_STREAM, 0, 1, 8);
        feed(&pair.server_end, &raw);
        assert_int_equal(pair.served[0].half_close_count, 1);
        assert_true(cfl_grpc_call_is_cancelled(pair.served[0].call));
        assert_int_equal(cfl_grpc_call_was_cut(pair.served[0].call), CASES[i].was_cut);
        close_pair(&pair, &user);
    }
}

/* Goal: an error says for how long nothing had moved before a call was cut, where that may be the
 * reason. Method: a reset, and the end of the connection, at once and after a minute. */
TEST(grpc_time, an_end_after_a_silence_says_how_long_it_was)
{
    for (int i = 0; i < 4; i++) {
        bool is_quiet = (i & 1) != 0;
        struct t_grpc_pair pair;
        struct t_user user;
        struct t_raw raw = {0};
        t_grpc_pair_init(&pair);
        open_pair(&pair, &user, CFL_TIME_NEVER);
        pair.clock.now_ns += is_quiet ? 61 * CFL_NS_PER_S : CFL_NS_PER_MS;
        if ((i & 2) == 0) {
            t_raw_u32_frame(&raw, T_RST_STREAM, 0, 1, 1);
            feed(&pair.client_end, &raw);
        } else {
            cfl_grpc_conn_fail(pair.client, NULL);
        }
        const char *message = cfl_grpc_call_message(user.call);
        assert_int_equal(strstr(message, "; nothing had moved on it for 61 s") != NULL, is_quiet);
        assert_non_null(strstr(message, (i & 2) == 0 ? "reset with PROTOCOL_ERROR" : "broke"));
        close_pair(&pair, &user);
    }
}
