/* SPDX-License-Identifier: Apache-2.0 */
/* Children that begin while nothing else moves. What the system says of each thread is looked at
 * one after another, so all must be found asleep several times in a row. */
#include "quiet_fork.h"

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"

enum { LOOKS = 20 };

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
