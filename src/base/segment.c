/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of a producer: made, filled, sealed, and found by address.
 *
 * Sealing against writing fails while a writable mapping exists. So the mapping is replaced, at the
 * same address, first by nothing and, once the seal is set, by one for reading; pointers stay
 * right. That one is private: a shared mapping of sealed memory needs Linux 6.7, and nobody can
 * change what either shows. Untouched pages are allocated before the seal: a hole would have to be
 * filled by whoever reads it.
 *
 * Pages cost more than bytes: mapping, faulting in and unmapping 4 KiB at a time takes longer than
 * reading them. So the memory is asked to be of huge pages (MADV_COLLAPSE, Linux 6.1) before it is
 * written to, and both sides map it where such pages fit. Where that fails nothing else does.
 * Owner: holds, counted. Thread class: one at a time until sealed, then
 * free. memfd_create(2), fcntl(2) "File Sealing". */
#define _GNU_SOURCE /* memfd_create, fallocate */
#include "base/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/refcount.h"
#include "base/runs.h"

#if defined(MFD_ALLOW_SEALING) && !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25 /* of Linux; the C library's headers may be older */
#endif

enum {
    WASTE_RATIO = 8, /* a last huge page may be empty for so much of the whole */
};

#define CAPACITY_BYTES_MAX ((uint64_t)1 << 46)

struct cflight_segment {
    struct cfl_refcount refs;
    int fd;
    uint64_t id;
    struct cfl_segment_place place;
    uint8_t *base;
    size_t size_bytes; /* of the mapping: whole pages */
    size_t used_bytes;
    size_t huge_bytes; /* of the beginning: made of huge pages, or tried */
    bool has_no_huge;  /* the system has refused them */
    bool is_sealed;
    bool is_spoilt; /* sealing failed */
};

static atomic_uint_least64_t last_id;

/* The sealed segments, by address. Holds of these are dropped under the mutex, so that one that is
 * found is not on its way out. */
static struct {
    pthread_mutex_t mutex;
    atomic_size_t count; /* written under the mutex */
    struct cfl_runs runs;
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* A child of fork() gets the table as it is between two changes, and a mutex that it can take. */
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void lock_table(void)
{
    (void)pthread_mutex_lock(&table.mutex);
}

static void unlock_table(void)
{
    (void)pthread_mutex_unlock(&table.mutex);
}

static void watch_forks(void)
{
    (void)pthread_atfork(lock_table, unlock_table, unlock_table);
}

static bool table_add(cflight_segment *segment)
{
    (void)pthread_once(&fork_once, watch_forks);
    (void)pthread_mutex_lock(&table.mutex);
    bool is_added = cfl_runs_add(&table.runs, segment->base, segment->size_bytes, segment);
    atomic_store(&table.count, table.runs.count);
    (void)pthread_mutex_unlock(&table.mutex);
    return is_added;
}

static void table_remove_locked(const cflight_segment *segment)
{
    cfl_runs_remove(&table.runs, segment->base);
    atomic_store(&table.count, table.runs.count);
}

bool cfl_segment_is_any(void)
{
    return atomic_load_explicit(&table.count, memory_order_relaxed) > 0;
}

cflight_segment *cfl_segment_find(const void *data, size_t len_bytes)
{
    (void)pthread_mutex_lock(&table.mutex);
    const struct cfl_run *run = cfl_runs_find(&table.runs, data, len_bytes);
    cflight_segment *found = run == NULL ? NULL : cflight_segment_ref(run->owner);
    (void)pthread_mutex_unlock(&table.mutex);
    return found;
}

struct cflight_bytes cfl_segment_bytes(const cflight_segment *segment)
{
    return cflight_bytes_make(segment->base, segment->size_bytes);
}

int cfl_segment_fd(const cflight_segment *segment)
{
    return segment->fd;
}

uint64_t cfl_segment_id(const cflight_segment *segment)
{
    return segment->id;
}

cflight_segment *cflight_segment_ref(cflight_segment *segment)
{
    if (segment != NULL) {
        cfl_refcount_up(&segment->refs);
    }
    return segment;
}

static void segment_free(cflight_segment *segment)
{
    cfl_segment_unreserve(&segment->place);
    if (segment->fd >= 0) {
        (void)close(segment->fd);
    }
    cfl_free(NULL, segment, sizeof *segment);
}

void cflight_segment_unref(cflight_segment *segment)
{
    if (segment == NULL) {
        return;
    }
    if (!segment->is_sealed) {
        if (cfl_refcount_down(&segment->refs)) {
            segment_free(segment);
        }
        return;
    }
    (void)pthread_mutex_lock(&table.mutex);
    bool was_last = cfl_refcount_down(&segment->refs);
    if (was_last) {
        table_remove_locked(segment);
    }
    (void)pthread_mutex_unlock(&table.mutex);
    if (was_last) {
        segment_free(segment);
    }
}

/* Whole pages, or huge pages when the last of these is mostly used. */
static size_t rounded_size(size_t len_bytes)
{
    size_t page_mask = (size_t)sysconf(_SC_PAGESIZE) - 1;
    size_t huge_mask = CFL_HUGE_PAGE_BYTES - 1;
    size_t huge_bytes = (len_bytes + huge_mask) & ~huge_mask;
    return huge_bytes - len_bytes <= len_bytes / WASTE_RATIO ? huge_bytes
                                                             : (len_bytes + page_mask) & ~page_mask;
}

/* Has huge pages made for what was allocated. They need a page to begin with. */
static void make_huge(cflight_segment *segment)
{
#ifdef MADV_COLLAPSE
    size_t used_bytes = rounded_size(segment->used_bytes);
    used_bytes = used_bytes < segment->size_bytes ? used_bytes : segment->size_bytes;
    while (!segment->has_no_huge && segment->huge_bytes + CFL_HUGE_PAGE_BYTES <= used_bytes) {
        uint8_t *block = segment->base + segment->huge_bytes;
        (void)*(volatile uint8_t *)block;
        segment->has_no_huge = madvise(block, CFL_HUGE_PAGE_BYTES, MADV_COLLAPSE) != 0;
        segment->huge_bytes += CFL_HUGE_PAGE_BYTES;
    }
#else
    (void)segment;
#endif
}

void *cflight_segment_alloc(cflight_segment *segment, size_t len_bytes)
{
    if (segment == NULL || segment->is_sealed || segment->is_spoilt ||
        len_bytes > segment->size_bytes - segment->used_bytes) {
        return NULL;
    }
    uint8_t *memory = segment->base + segment->used_bytes;
    size_t mask = CFL_SEGMENT_ALIGNMENT_BYTES - 1;
    /* The capacity is whole pages, so rounding up stays within it. */
    segment->used_bytes += (len_bytes + mask) & ~mask;
    make_huge(segment);
    return memory;
}

#ifdef MFD_ALLOW_SEALING

static int seal_all(int fd)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

static cflight_status fail_os(int os_code, const char *what, cflight_error **reterr)
{
    cflight_status status = os_code == ENOSYS || os_code == EPERM || os_code == EACCES
                                ? CFLIGHT_UNIMPLEMENTED
                                : CFLIGHT_RESOURCE_EXHAUSTED;
    return cfl_error_set_os(reterr, status, os_code, "cannot %s", what);
}

/* Makes the memory and maps it for writing. A child of fork() does not get the mapping: it could
 * write while this process seals. */
static cflight_status map_new(cflight_segment *segment, cflight_error **reterr)
{
    segment->fd = memfd_create("cflight-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (segment->fd < 0) {
        return fail_os(errno, "make memory to share", reterr);
    }
    if (ftruncate(segment->fd, (off_t)segment->size_bytes) != 0) {
        return fail_os(errno, "make room in memory to share", reterr);
    }
    if (!cfl_segment_reserve(segment->size_bytes, 0, &segment->place)) {
        return fail_os(errno, "find room for memory to share", reterr);
    }
    segment->base = segment->place.start;
    if (mmap(segment->base, segment->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             segment->fd, 0) == MAP_FAILED) {
        return fail_os(errno, "map memory to share", reterr);
    }
    (void)madvise(segment->base, segment->size_bytes, MADV_DONTFORK);
    return CFLIGHT_OK;
}

cflight_status cflight_segment_new(uint64_t capacity_bytes, cflight_segment **ret_segment,
                                   cflight_error **reterr)
{
    if (ret_segment == NULL || capacity_bytes == 0 || capacity_bytes > CAPACITY_BYTES_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a segment needs a capacity of 1 to %" PRIu64
                                 " bytes and a place for the result",
                                 CAPACITY_BYTES_MAX);
    }
    cflight_segment *segment = cfl_alloc_zeroed(NULL, sizeof *segment);
    if (segment == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&segment->refs);
    segment->id = atomic_fetch_add(&last_id, 1) + 1;
    segment->size_bytes = rounded_size((size_t)capacity_bytes);
    cflight_status status = map_new(segment, reterr);
    if (status != CFLIGHT_OK) {
        segment_free(segment);
        return status;
    }
    *ret_segment = segment;
    return CFLIGHT_OK;
}

/* Takes the writable mapping away, and what was not used; seals; maps for reading. */
static int seal(cflight_segment *segment)
{
    size_t size_bytes = rounded_size(segment->used_bytes == 0 ? 1 : segment->used_bytes);
    size_bytes = size_bytes < segment->size_bytes ? size_bytes : segment->size_bytes;
    if (mmap(segment->base, segment->size_bytes, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
        return errno;
    }
    segment->size_bytes = size_bytes; /* the rest of the place stays reserved */
    if (ftruncate(segment->fd, (off_t)size_bytes) != 0 ||
        fallocate(segment->fd, 0, 0, (off_t)size_bytes) != 0 || seal_all(segment->fd) != 0 ||
        mmap(segment->base, size_bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, segment->fd, 0) ==
            MAP_FAILED) {
        return errno;
    }
    return 0;
}

cflight_status cflight_segment_seal(cflight_segment *segment, cflight_error **reterr)
{
    if (segment == NULL) {
        return cfl_error_null_argument(reterr, "segment");
    }
    if (segment->is_sealed) {
        return CFLIGHT_OK;
    }
    if (segment->is_spoilt) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the segment could not be sealed before");
    }
    int os_code = seal(segment);
    segment->is_spoilt = os_code != 0;
    if (os_code == EBUSY) {
        return cfl_error_set_os(reterr, CFLIGHT_FAILED_PRECONDITION, os_code,
                                "cannot seal the segment: somebody else can write to it");
    }
    if (os_code != 0) {
        return fail_os(os_code, "seal the segment", reterr);
    }
    if (!table_add(segment)) {
        segment->is_spoilt = true;
        return cfl_error_no_memory(reterr);
    }
    segment->is_sealed = true;
    return CFLIGHT_OK;
}

#else

cflight_status cflight_segment_new(uint64_t capacity_bytes, cflight_segment **ret_segment,
                                   cflight_error **reterr)
{
    (void)capacity_bytes;
    (void)ret_segment;
    return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                     "this system has no memory that can be sealed");
}

cflight_status cflight_segment_seal(cflight_segment *segment, cflight_error **reterr)
{
    (void)table_add;
    return segment == NULL ? cfl_error_null_argument(reterr, "segment")
                           : cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                                       "this system cannot seal memory");
}

#endif
