/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a peer passed: nothing is believed but what the kernel says of it.
 *
 * Seals are asked for first: that question reaches no file system of the peer's, and only memory
 * has them. Without one against writing, what was validated could be changed; without one against
 * shrinking, reading could raise SIGBUS. Holes would become memory of whoever reads them. Owner:
 * the buffer, of the mapping. Thread class: free. fcntl(2) "File Sealing". */
#define _GNU_SOURCE /* F_GET_SEALS */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/body.h"
#include "base/error.h"
#include "base/segment.h"

#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

enum { BLOCK_BYTES = 512 /* what st_blocks counts in */ };

struct mapping {
    const struct cflight_allocator *alloc;
    struct cfl_segment_place place;
    void (*release)(void *user_data);
    void *user_data;
};

bool cfl_segment_reserve(size_t len_bytes, uint64_t offset, struct cfl_segment_place *ret_place)
{
    size_t spare_bytes = CFL_HUGE_PAGE_BYTES;
    void *reserved = mmap(NULL, len_bytes + spare_bytes, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
        return false;
    }
    size_t ahead_bytes = (size_t)(offset - (uintptr_t)reserved) & (CFL_HUGE_PAGE_BYTES - 1);
    *ret_place = (struct cfl_segment_place){reserved, len_bytes + spare_bytes,
                                            (uint8_t *)reserved + ahead_bytes};
    return true;
}

void cfl_segment_unreserve(struct cfl_segment_place *place)
{
    if (place->reserved != NULL) {
        (void)munmap(place->reserved, place->reserved_bytes);
    }
    place->reserved = NULL;
}

static void unmap(void *user_data)
{
    struct mapping *mapping = user_data;
    cfl_segment_unreserve(&mapping->place);
    if (mapping->release != NULL) {
        mapping->release(mapping->user_data);
    }
    cfl_free(mapping->alloc, mapping, sizeof *mapping);
}

#ifdef F_GET_SEALS

static cflight_status check(int fd, uint64_t size_bytes, cflight_error **reterr)
{
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    struct stat facts;
    struct statfs system;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & wanted) != wanted) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the memory that the peer passed is not sealed against writing "
                                 "and changes of its size (seals 0x%x)",
                                 seals < 0 ? 0U : (unsigned int)seals);
    }
    if (fstatfs(fd, &system) != 0 || fstat(fd, &facts) != 0) {
        return cfl_error_set_os(reterr, CFLIGHT_DATA_LOSS, errno,
                                "cannot look at the memory that the peer passed");
    }
    if ((uint64_t)system.f_type != TMPFS_MAGIC) {
        return cflight_error_set_message(
            reterr, CFLIGHT_DATA_LOSS,
            "what the peer passed is not memory of ordinary pages (tmpfs)");
    }
    if (facts.st_size < 0 || (uint64_t)facts.st_size != size_bytes) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the memory that the peer passed has %" PRIu64
                                 " bytes; it said %" PRIu64,
                                 (uint64_t)facts.st_size, size_bytes);
    }
    if ((uint64_t)facts.st_blocks < size_bytes / BLOCK_BYTES) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the memory that the peer passed has holes: %" PRIu64
                                 " bytes, of which %" PRIu64 " are there",
                                 size_bytes, (uint64_t)facts.st_blocks * BLOCK_BYTES);
    }
    return CFLIGHT_OK;
}

#else

static cflight_status check(int fd, uint64_t size_bytes, cflight_error **reterr)
{
    (void)fd;
    (void)size_bytes;
    return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED,
                                     "this system has no memory that can be sealed");
}

#endif

/* A small run has no huge pages, and may lie anywhere. */
static bool map_run(int fd, uint64_t start, size_t map_bytes, struct cfl_segment_place *place)
{
    void *wanted = NULL;
    int flags = MAP_PRIVATE;
    if (map_bytes >= CFL_HUGE_PAGE_BYTES) {
        if (!cfl_segment_reserve(map_bytes, start, place)) {
            return false;
        }
        wanted = place->start;
        flags |= MAP_FIXED;
    }
    void *base = mmap(wanted, map_bytes, PROT_READ, flags, fd, (off_t)start);
    if (base == MAP_FAILED) {
        return false;
    }
    if (wanted == NULL) {
        *place = (struct cfl_segment_place){base, map_bytes, base};
    }
    return true;
}

cflight_status cfl_segment_map(const struct cflight_allocator *alloc, int fd, uint64_t size_bytes,
                               uint64_t offset, uint64_t len_bytes,
                               void (*release)(void *user_data), void *user_data,
                               cflight_buffer **ret_buffer, cflight_error **reterr)
{
    uint64_t page_mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
    uint64_t start = offset & ~page_mask;
    cflight_status status = check(fd, size_bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (offset > size_bytes || len_bytes > size_bytes - offset || len_bytes == 0 ||
        offset % CFL_SEGMENT_ALIGNMENT_BYTES != 0 || size_bytes > SIZE_MAX / 2) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "a message names %" PRIu64 " bytes at %" PRIu64
                                 " of shared memory that has %" PRIu64,
                                 len_bytes, offset, size_bytes);
    }
    struct mapping *mapping = cfl_alloc_zeroed(alloc, sizeof *mapping);
    if (mapping == NULL) {
        return cfl_error_no_memory(reterr);
    }
    mapping->alloc = alloc;
    size_t map_bytes = (size_t)(offset - start + len_bytes);
    if (!map_run(fd, start, map_bytes, &mapping->place)) {
        status = cfl_error_set_os(reterr, CFLIGHT_RESOURCE_EXHAUSTED, errno,
                                  "cannot map %" PRIu64 " bytes of shared memory", len_bytes);
        unmap(mapping);
        return status;
    }
    cflight_buffer *buffer =
        cfl_body_wrap(alloc, (uint8_t *)mapping->place.start + (offset - start), (size_t)len_bytes,
                      unmap, mapping);
    if (buffer == NULL) {
        unmap(mapping);
        return cfl_error_no_memory(reterr);
    }
    mapping->release = release; /* from here on; before, what failed stays the caller's */
    mapping->user_data = user_data;
    *ret_buffer = buffer;
    return CFLIGHT_OK;
}
