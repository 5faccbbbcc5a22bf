/* SPDX-License-Identifier: Apache-2.0 */
/* Who may verify a password when, and what is left of a login that was revoked. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "flight/kit/bearer_auth.h"
#include "flight/kit/bearer_tokens.h"
#include "flight/kit/login_gate.h"
#include "log_capture.h"
#include "test.h"

#define BASIC_U_P "Basic dTpw"         /* u:p */
#define BASIC_U_WRONG "Basic dTpxeA==" /* u:qx */
enum { ATTACKERS = 12, LOGINS = 25, VERIFY_US = 1000 };

/* Goal: addresses are told apart as callers are. Method: names of peers, in pairs. */
TEST(logins, addresses_are_read_without_ports)
{
    static const struct {
        const char *a;
        const char *b;
        bool is_same;
        const char *host;
        int port;
    } cases[] = {
        {"ipv4:192.0.2.7:41234", "ipv4:192.0.2.7:5", true, "192.0.2.7", 41234},
        {"ipv4:192.0.2.7:41234", "ipv4:192.0.2.8:41234", false, "192.0.2.7", 41234},
        {"ipv6:[2001:db8::7]:1", "ipv6:[2001:db8::8:9]:2", true, "2001:db8::7", 1},
        {"ipv6:[2001:db8::7]:1", "ipv6:[2001:db8:0:1::7]:1", false, "2001:db8::7", 1},
        {"ipv6:[fe80::1%eth0]:1", "ipv6:[fe80::2%eth0]:1", true, "fe80::1%eth0", 1},
        {"ipv6:[::ffff:192.0.2.7]:3", "ipv4:192.0.2.7:5", true, "192.0.2.7", 3},
        {"unix:", "unix:/tmp/socket", true, "unix", 0},
        {"unix:", "ipv4:192.0.2.7:5", false, "unix", 0},
        {"nonsense", "ipv4:300.0.2.7:5", true, "unknown", 0},
        {"ipv6:[", "ipv6:[]:1", true, "unknown", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cfl_peer_address a;
        struct cfl_peer_address b;
        cfl_peer_address_read(cases[i].a, &a);
        cfl_peer_address_read(cases[i].b, &b);
        assert_int_equal(memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0, cases[i].is_same);
        assert_string_equal(a.host, cases[i].host);
        assert_int_equal(a.port, cases[i].port);
    }
}

/* A kit with people who guess. */
struct storm {
    cflight_bearer_auth *auth;
    atomic_bool is_over;
    atomic_int wrong_now;
    atomic_int wrong_most;
    atomic_long wrong_count;
    bool is_counting; /* set before threads run */
    char peers[ATTACKERS][64];
};

static int64_t cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Takes the time that a hash takes; a password that begins with 'p' is right. */
static cflight_status verify_slowly(void *user_data, struct cflight_bytes username,
                                    struct cflight_bytes password, cflight_buffer **ret_identity,
                                    cflight_error **reterr)
{
    struct storm *storm = user_data;
    bool is_right = password.len_bytes > 0 && password.data[0] == 'p';
    (void)username;
    (void)ret_identity;
    if (!is_right) {
        int now = atomic_fetch_add(&storm->wrong_now, 1) + 1;
        int most = atomic_load(&storm->wrong_most);
        while (storm->is_counting && now > most &&
               !atomic_compare_exchange_weak(&storm->wrong_most, &most, now)) {
        }
        (void)atomic_fetch_add(&storm->wrong_count, 1);
    }
    for (int64_t end_us = cpu_us() + VERIFY_US; cpu_us() < end_us;) {
    }
    if (!is_right) {
        (void)atomic_fetch_sub(&storm->wrong_now, 1);
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "wrong");
    }
    return CFLIGHT_OK;
}

static cflight_status try_login(struct storm *storm, const char *peer, const char *authorization)
{
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_buffer *identity = NULL;
    struct cfl_bearer_call call = {t_text(authorization), peer, true};
    cflight_status status = cfl_bearer_auth_check(storm->auth, &call, token, &identity, NULL);
    cflight_buffer_unref(identity);
    return status;
}

struct attacker {
    struct storm *storm;
    const char *peer;
};

static void *guess(void *argument)
{
    struct attacker *attacker = argument;
    while (!atomic_load(&attacker->storm->is_over)) {
        cflight_status status = try_login(attacker->storm, attacker->peer, BASIC_U_WRONG);
        assert_true(status == CFLIGHT_UNAUTHENTICATED || status == CFLIGHT_UNAVAILABLE);
    }
    return NULL;
}

static void storm_open(struct storm *storm)
{
    struct cflight_bearer_auth_options options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    memset(storm, 0, sizeof *storm);
    options.verify = verify_slowly;
    options.user_data = storm;
    CHECK_STATUS(cflight_bearer_auth_new(&options, &storm->auth, NULL), CFLIGHT_OK);
}

/* Lets attackers guess from `addresses` addresses and logs in from one beside or among them. */
static void log_in_during_a_storm(int addresses, const char *victim)
{
    struct storm storm;
    struct attacker attackers[ATTACKERS];
    pthread_t threads[ATTACKERS];
    storm_open(&storm);
    for (int i = 0; i < ATTACKERS; i++) {
        (void)snprintf(storm.peers[i], sizeof storm.peers[i], "ipv4:192.0.2.%d:%d",
                       1 + i % addresses, 2000 + i);
        CHECK_STATUS(try_login(&storm, storm.peers[i], BASIC_U_WRONG), CFLIGHT_UNAUTHENTICATED);
    }
    storm.is_counting = true;
    for (int i = 0; i < ATTACKERS; i++) {
        attackers[i] = (struct attacker){&storm, storm.peers[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, guess, &attackers[i]), 0);
    }
    for (int i = 0; i < LOGINS; i++) {
        CHECK_STATUS(try_login(&storm, victim, BASIC_U_P), CFLIGHT_OK);
    }
    atomic_store(&storm.is_over, true);
    for (int i = 0; i < ATTACKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_in_range(atomic_load(&storm.wrong_most), 0, addresses);
    cflight_bearer_auth_unref(storm.auth);
}

/* Goal: wrong passwords never cost others their login. Method: more connections that guess than
 * passwords are verified at once; the one who logs in has another address, or theirs and a
 * connection of his own, or there are more addresses that guess than turns. */
TEST(logins, right_passwords_get_in_beside_wrong_ones)
{
    log_in_during_a_storm(1, "ipv4:198.51.100.1:7");
    log_in_during_a_storm(1, "ipv4:192.0.2.1:7");
    log_in_during_a_storm(ATTACKERS, "ipv4:198.51.100.1:7");
}

/* Goal: guessing becomes slow. Method: one connection; the sixth wrong password must be followed by
 * 200 ms before the next is verified, even a right one, and clears the connection of suspicion. */
TEST(logins, wrong_passwords_slow_who_sends_them)
{
    struct storm storm;
    int64_t begin_ns = 0;
    storm_open(&storm);
    for (int i = 0; i < 6; i++) {
        begin_ns = cfl_clock_now_ns(NULL);
        CHECK_STATUS(try_login(&storm, "ipv4:192.0.2.1:7", BASIC_U_WRONG), CFLIGHT_UNAUTHENTICATED);
    }
    CHECK_STATUS(try_login(&storm, "ipv4:192.0.2.1:7", BASIC_U_P), CFLIGHT_OK);
    assert_true(cfl_clock_now_ns(NULL) - begin_ns >= 200 * CFL_NS_PER_MS);
    CHECK_STATUS(try_login(&storm, "ipv4:192.0.2.1:7", BASIC_U_P), CFLIGHT_OK);
    CHECK_STATUS(try_login(&storm, "ipv4:192.0.2.1:8", BASIC_U_P), CFLIGHT_OK);
    cflight_bearer_auth_unref(storm.auth);
}

/* Goal: what addresses leave behind is bounded. Method: many more than the table holds. */
TEST(logins, the_table_of_addresses_is_bounded)
{
    struct t_alloc alloc;
    struct cfl_login_gate gate;
    struct cfl_login_limits limits = {8, 32};
    t_alloc_init(&alloc, SIZE_MAX);
    assert_true(cfl_login_gate_init(&gate, &alloc.allocator, &limits));
    for (int i = 0; i < 5000; i++) {
        char peer[64];
        struct cfl_peer_address address;
        (void)snprintf(peer, sizeof peer, "ipv4:10.0.%d.%d:7", i / 250, i % 250);
        cfl_peer_address_read(peer, &address);
        CHECK_STATUS(cfl_login_gate_enter(&gate, &address, NULL), CFLIGHT_OK);
        cfl_login_gate_leave(&gate, &address, CFL_LOGIN_WRONG);
        assert_in_range(alloc.live_count, 0, 1025);
        cfl_peer_address_read("ipv4:10.1.1.1:7", &address);
        CHECK_STATUS(cfl_login_gate_enter(&gate, &address, NULL), CFLIGHT_OK);
        cfl_login_gate_leave(&gate, &address, CFL_LOGIN_RIGHT);
    }
    cfl_login_gate_done(&gate);
    assert_int_equal(alloc.live_count, 0);
}

/* Goal: a tool can read who failed, and no name can forge a line. Method: names of all kinds. */
TEST(logins, each_failure_is_one_line)
{
    struct storm storm;
    struct t_capture log;
    storm_open(&storm);
    t_capture_start(&log, CFLIGHT_LOG_WARN);
    CHECK_STATUS(try_login(&storm, "ipv4:192.0.2.1:7", BASIC_U_WRONG), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(try_login(&storm, "ipv4:192.0.2.1:7", BASIC_U_P), CFLIGHT_OK);
    /* "a'b\n\xff:x" */
    CHECK_STATUS(try_login(&storm, "ipv6:[2001:db8::7]:8", "Basic YSdiCv86eA=="),
                 CFLIGHT_UNAUTHENTICATED);
    /* 90 times "A" */
    CHECK_STATUS(try_login(&storm, "unix:",
                           "Basic "
                           "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUF"
                           "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBOng="),
                 CFLIGHT_UNAUTHENTICATED);
    assert_int_equal(t_capture_count(&log), 3);
    assert_true(t_capture_has(&log, "flight: login failed from 192.0.2.1 port 7 for 'u'\n"));
    assert_true(t_capture_has(
        &log, "flight: login failed from 2001:db8::7 port 8 for 'a\\x27b\\x0a\\xff'\n"));
    assert_true(t_capture_has(&log, "flight: login failed from unix port 0 for 'AAAAAAA"));
    assert_true(t_capture_has(&log, "AAA...'\n"));
    t_capture_stop(&log);
    cflight_bearer_auth_unref(storm.auth);
}

/* Lets somebody revoke the user while the password is verified. */
static cflight_status verify_and_revoke(void *user_data, struct cflight_bytes username,
                                        struct cflight_bytes password,
                                        cflight_buffer **ret_identity, cflight_error **reterr)
{
    struct storm *storm = user_data;
    (void)password;
    (void)ret_identity;
    (void)reterr;
    (void)cflight_bearer_auth_revoke_identity(storm->auth,
                                              storm->is_counting ? username : t_text("somebody"));
    return CFLIGHT_OK;
}

/* Goal: a login under way does not outlive the revocation of its user. Method: revoke in the middle
 * of it; others, and many others, are revoked too. */
TEST(logins, a_revocation_ends_logins_under_way)
{
    struct storm storm = {.is_counting = true};
    struct cflight_bearer_auth_options options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    options.verify = verify_and_revoke;
    options.user_data = &storm;
    CHECK_STATUS(cflight_bearer_auth_new(&options, &storm.auth, NULL), CFLIGHT_OK);
    CHECK_STATUS(try_login(&storm, "unix:", BASIC_U_P), CFLIGHT_UNAUTHENTICATED);
    assert_int_equal(cflight_bearer_auth_revoke_identity(storm.auth, t_text("u")), 0);
    storm.is_counting = false;
    for (int i = 0; i < 2 * CFL_REVOCATIONS_KEPT; i++) {
        CHECK_STATUS(try_login(&storm, "unix:", BASIC_U_P), CFLIGHT_OK);
    }
    assert_true(cflight_bearer_auth_revoke_identity(storm.auth, t_text("u")) > 0);
    cflight_bearer_auth_unref(storm.auth);
}
