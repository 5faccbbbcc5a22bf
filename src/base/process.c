/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the process's id in a page that the kernel wipes in a child (MADV_WIPEONFORK, Linux
 * 4.14), however the child is made. Where it cannot, it is asked each time. The page lies in the
 * library's own data, so that it goes when the library is unloaded and never before. Process-wide
 * state: the page. Thread class: free. */
#define _GNU_SOURCE /* MADV_WIPEONFORK */
#include "base/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_BYTES_MAX = 64 << 10 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic pid_t room[2 * PAGE_BYTES_MAX / sizeof(pid_t)]; /* for a page, wherever they begin */
static _Atomic pid_t *remembered; /* 0 in a child that has not asked yet; NULL: nothing is */

static void find_page_once(void)
{
#ifdef MADV_WIPEONFORK
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    if (page_bytes > PAGE_BYTES_MAX) {
        return;
    }
    _Atomic pid_t *page = room + (-(uintptr_t)room & (page_bytes - 1)) / sizeof *room;
    if (madvise(page, page_bytes, MADV_WIPEONFORK) == 0) {
        remembered = page;
    }
#endif
}

pid_t cfl_process_id(void)
{
    (void)pthread_once(&once, find_page_once);
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
