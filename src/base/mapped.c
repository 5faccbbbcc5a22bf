/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of files, by address.
 *
 * Each keeps a descriptor open that nobody but the library knows of, so they stop at the lower half
 * of the numbers that the process may use: the rest is for its sockets and files. Systems without
 * Linux's sendfile(2) keep none. Owner of the descriptors: the table. Thread class: free. */
#include "base/mapped.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/runs.h"

static struct {
    pthread_mutex_t mutex;
    atomic_size_t count;  /* written under the mutex */
    struct cfl_runs runs; /* whose owner is the number of a descriptor */
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* A copy; -1 when numbers are getting scarce. */
static int copy_fd(int fd)
{
#ifdef __linux__
    struct rlimit limit;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* the lowest that is free */
    if (copy >= 0 &&
        (getrlimit(RLIMIT_NOFILE, &limit) != 0 || (rlim_t)copy >= limit.rlim_cur / 2)) {
        (void)close(copy);
        copy = -1;
    }
    return copy;
#else
    (void)fd;
    return -1;
#endif
}

static int fd_of(const struct cfl_run *run)
{
    return (int)(intptr_t)run->owner;
}

bool cfl_mapped_add(const void *address, size_t len_bytes, int fd)
{
    int copy = copy_fd(fd);
    if (copy < 0) {
        return false;
    }
    (void)pthread_mutex_lock(&table.mutex);
    bool is_added = cfl_runs_add(&table.runs, address, len_bytes, (void *)(intptr_t)copy);
    atomic_store(&table.count, table.runs.count);
    (void)pthread_mutex_unlock(&table.mutex);
    if (!is_added) {
        (void)close(copy);
    }
    return is_added;
}

void cfl_mapped_remove(const void *address)
{
    (void)pthread_mutex_lock(&table.mutex);
    int fd = fd_of(cfl_runs_find(&table.runs, address, 0));
    cfl_runs_remove(&table.runs, address);
    atomic_store(&table.count, table.runs.count);
    (void)pthread_mutex_unlock(&table.mutex);
    (void)close(fd);
}

bool cfl_mapped_find(const void *data, size_t len_bytes, int *ret_fd, off_t *ret_offset)
{
    /* Whoever lent memory of a map added it before, so a stale number harms nobody. */
    if (atomic_load_explicit(&table.count, memory_order_relaxed) == 0) {
        return false;
    }
    (void)pthread_mutex_lock(&table.mutex);
    const struct cfl_run *run = cfl_runs_find(&table.runs, data, len_bytes);
    if (run != NULL) {
        *ret_fd = fd_of(run);
        *ret_offset = (off_t)((uintptr_t)data - (uintptr_t)run->data);
    }
    (void)pthread_mutex_unlock(&table.mutex);
    return run != NULL;
}
