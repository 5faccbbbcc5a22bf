/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of files, found by address. */
#define _GNU_SOURCE /* memfd_create */
#include "base/mapped.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test.h"

enum { FILE_BYTES = 10000 };

static int make_file(void)
{
    int fd = memfd_create("mapped", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, FILE_BYTES), 0);
    assert_int_equal(pwrite(fd, "here", 4, 5000), 4);
    return fd;
}

static uint8_t *map_file(int fd)
{
    void *address = mmap(NULL, FILE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(address != MAP_FAILED);
    return address;
}

/* Goal: what is read from a map can be read from its file, though the caller's descriptor is
 * closed, until the map is removed. (The frame counts descriptors.) */
TEST(mapped, memory_is_found_in_its_file)
{
    int fd = make_file();
    uint8_t *map = map_file(fd);
    uint8_t elsewhere = 0;
    char text[4] = "";
    int found_fd = -1;
    off_t offset = -1;
    assert_false(cfl_mapped_find(map, 1, &found_fd, &offset));
    assert_true(cfl_mapped_add(map, FILE_BYTES, fd));
    (void)close(fd);
    assert_true(cfl_mapped_find(map + 5000, 5000, &found_fd, &offset));
    assert_int_equal(offset, 5000);
    assert_int_equal(pread(found_fd, text, 4, offset), 4);
    assert_memory_equal(text, "here", 4);
    assert_false(cfl_mapped_find(map + 5000, 5001, &found_fd, &offset));
    assert_false(cfl_mapped_find(&elsewhere, 1, &found_fd, &offset));
    cfl_mapped_remove(map);
    assert_false(cfl_mapped_find(map, 1, &found_fd, &offset));
    (void)munmap(map, FILE_BYTES);
}

/* Goal: where descriptors are scarce none is kept, and what cannot be copied harms nobody. */
TEST(mapped, scarce_descriptors_are_left_to_the_process)
{
    struct rlimit before;
    int fd = make_file();
    uint8_t *map = map_file(fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {.rlim_cur = (rlim_t)fd + 2, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_false(cfl_mapped_add(map, FILE_BYTES, fd));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(cfl_mapped_add(map, FILE_BYTES, -1));
    assert_true(cfl_mapped_add(map, FILE_BYTES, fd));
    cfl_mapped_remove(map);
    (void)munmap(map, FILE_BYTES);
    (void)close(fd);
}
