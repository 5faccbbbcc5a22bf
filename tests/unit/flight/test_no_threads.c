/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a system that gives no more threads: RLIMIT_NPROC does not bind a privileged user, so
 * this program stands in for pthread_create. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { CALL_LIMIT_MS = 60 * 1000 };

static atomic_bool is_refusing;
static struct t_gate refused;

/* The system's, but for the time in which there are no threads. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real, &symbol, sizeof real);
    if (atomic_load(&is_refusing)) {
        t_gate_open(&refused);
        return EAGAIN;
    }
    return real(thread, attributes, run, argument);
}

/* A call on a thread of its own, which exists before threads are refused. */
struct caller {
    cflight_client *client;
    const char *action;
    struct t_gate may_start;
    pthread_t thread;
    cflight_status status;
};

static void *caller_main(void *user_data)
{
    struct caller *caller = user_data;
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    options.timeout_ms = CALL_LIMIT_MS;
    t_gate_wait(&caller->may_start);
    caller->status =
        t_rpc(caller->client, CFLIGHT_METHOD_DO_ACTION, caller->action, &options, NULL);
    return NULL;
}

static void caller_init(struct caller *caller, const struct t_service *service, const char *action)
{
    cflight_error *error = NULL;
    caller->client = t_client(service, NULL);
    caller->action = action;
    caller->status = CFLIGHT_UNKNOWN;
    t_gate_init(&caller->may_start);
    CHECK_OK(cflight_client_connect(caller->client, NULL, &error), error);
    assert_int_equal(pthread_create(&caller->thread, NULL, caller_main, caller), 0);
}

static void caller_join(struct caller *caller)
{
    (void)pthread_join(caller->thread, NULL);
    t_gate_done(&caller->may_start);
    cflight_client_free(caller->client);
}

/* Goal: a handler that takes long does not stop a server that gets no more threads, and once there
 * are threads again the calls that wait are served, with nothing else to remind it of them.
 * Method: a handler that is held; a second call, for which a thread is refused; then threads are
 * there again, and the second call ends while the first is still held. */
TEST(no_threads, calls_wait_for_threads_and_get_them)
{
    struct t_service service;
    struct caller held;
    struct caller second;
    t_gate_init(&refused);
    t_service_start(&service, NULL, NULL);
    caller_init(&held, &service, "hold");
    caller_init(&second, &service, "results=1");
    atomic_store(&is_refusing, true);
    t_gate_open(&held.may_start);
    bool has_started = t_service_wait(&service, &service.locked.started_count, 1);
    t_gate_open(&second.may_start);
    t_gate_wait(&refused);
    atomic_store(&is_refusing, false);
    (void)pthread_join(second.thread, NULL);
    cflight_status second_status = second.status;
    t_gate_open(&service.hold);
    caller_join(&held);
    t_gate_done(&second.may_start);
    cflight_client_free(second.client);
    t_service_stop(&service);
    t_gate_done(&refused);
    assert_true(has_started);
    assert_int_equal(second_status, CFLIGHT_OK);
    assert_int_equal(held.status, CFLIGHT_OK);
}
