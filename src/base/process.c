/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the process's id in a page that the kernel wipes in a child (MADV_WIPEONFORK, Linux
 * 4.14), however the child is made. Where it cannot, it is asked each time. Process-wide state: the
 * page, for as long as the process lives. Thread class: free. */
#define _GNU_SOURCE /* MADV_WIPEONFORK */
#include "base/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic pid_t *remembered; /* 0 in a child that has not asked yet; NULL: nothing is */

static void make_page_once(void)
{
#ifdef MADV_WIPEONFORK
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return;
    }
    if (madvise(page, page_bytes, MADV_WIPEONFORK) != 0) {
        (void)munmap(page, page_bytes);
        return;
    }
    remembered = page;
#endif
}

pid_t cfl_process_id(void)
{
    (void)pthread_once(&once, make_page_once);
    if (remembered == NULL) {
        return getpid();
    }
    pid_t id = atomic_load_explicit(remembered, memory_order_relaxed);
    if (id == 0) {
        id = getpid();
        atomic_store_explicit(remembered, id, memory_order_relaxed);
    }
    return id;
}
