/* SPDX-License-Identifier: Apache-2.0 */
/* Children that begin while nothing else moves. What the system says of each thread is looked at
 * one after another, so all must be found asleep several times in a row. */
#include "quiet_fork.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { LOOKS = 20, FORKS = 100, CHILD_PATIENCE_S = 20 };

/* The state is the letter after the name, which is in parentheses. A thread that is gone sleeps. */
static bool sleeps(const char *tid)
{
    char path[300];
    char text[256] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/stat", tid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return true;
    }
    size_t len_bytes = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len_bytes] = '\0';
    const char *end = strrchr(text, ')');
    return end == NULL || end[1] == '\0' || end[2] == 'S';
}

static bool all_others_sleep(void)
{
    bool do_sleep = true;
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    for (struct dirent *item = NULL; (item = readdir(folder)) != NULL;) {
        bool is_own = strtol(item->d_name, NULL, 10) == syscall(SYS_gettid);
        do_sleep = do_sleep && (item->d_name[0] == '.' || is_own || sleeps(item->d_name));
    }
    (void)closedir(folder);
    return do_sleep;
}

pid_t t_fork_quietly(void)
{
    for (int count = 0; count < LOOKS;) {
        if (all_others_sleep()) {
            count++;
        } else {
            count = 0;
            (void)sched_yield();
        }
    }
    return fork();
}

struct beside {
    void (*in_thread)(void *user_data);
    void *user_data;
    atomic_bool is_over;
};

static void *go_on(void *user_data)
{
    struct beside *beside = user_data;
    while (!atomic_load(&beside->is_over)) {
        beside->in_thread(beside->user_data);
    }
    return NULL;
}

void t_fork_beside(void (*in_thread)(void *user_data), void (*in_child)(void *user_data),
                   void *user_data)
{
    struct beside beside = {.in_thread = in_thread, .user_data = user_data};
    pthread_t thread;
    int wait_status = 0;
    assert_int_equal(pthread_create(&thread, NULL, go_on, &beside), 0);
    for (int i = 0; i < FORKS && wait_status == 0; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)alarm(CHILD_PATIENCE_S);
            in_child(user_data);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &wait_status, 0), child);
    }
    atomic_store(&beside.is_over, true);
    (void)pthread_join(thread, NULL);
    assert_int_equal(wait_status, 0);
}
