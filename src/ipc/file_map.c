/* SPDX-License-Identifier: Apache-2.0 */
/* A file as a counted buffer. The map is private and read-only: arrays point right into it, and the
 * page cache is shared. A file that shrinks while it is mapped ends the process with SIGBUS, which
 * no library can prevent; the public header says so. The process knows the map as one of its file
 * (base/mapped.h), so that what is sent from it can be sent from the file. Owner: of the map, the
 * buffer. Thread class: free. */
#include "ipc/file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mapped.h"

struct map {
    const struct cflight_allocator *alloc;
    void *address;
    size_t len_bytes;
    bool is_known; /* as a map of its file */
};

static void unmap(void *user_data)
{
    struct map *map = user_data;
    if (map->is_known) {
        cfl_mapped_remove(map->address);
    }
    (void)munmap(map->address, map->len_bytes);
    cfl_free(map->alloc, map, sizeof *map);
}

cflight_status cfl_file_map_descriptor(const struct cflight_allocator *alloc, int descriptor,
                                       cflight_buffer **ret_buffer, cflight_error **reterr)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0) {
        return cfl_error_set_os(reterr, CFLIGHT_UNKNOWN, errno, "cannot look at the file");
    }
    if (!S_ISREG(info.st_mode)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "this is not a regular file, which alone can be mapped");
    }
    if (info.st_size == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS, "the file is empty");
    }
    struct map *map = cfl_alloc_zeroed(alloc, sizeof *map);
    if (map == NULL) {
        return cfl_error_no_memory(reterr);
    }
    map->alloc = alloc;
    map->len_bytes = (size_t)info.st_size;
    map->address = mmap(NULL, map->len_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (map->address == MAP_FAILED) {
        int os_code = errno;
        cfl_free(alloc, map, sizeof *map);
        return cfl_error_set_os(reterr, CFLIGHT_RESOURCE_EXHAUSTED, os_code, "cannot map the file");
    }
    map->is_known = cfl_mapped_add(map->address, map->len_bytes, descriptor);
    cflight_buffer *buffer = cfl_body_wrap(alloc, map->address, map->len_bytes, unmap, map);
    if (buffer == NULL) {
        unmap(map);
        return cfl_error_no_memory(reterr);
    }
    *ret_buffer = buffer;
    return CFLIGHT_OK;
}

cflight_status cfl_file_map(const struct cflight_allocator *alloc, const char *path,
                            cflight_buffer **ret_buffer, cflight_error **reterr)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        int os_code = errno;
        return cfl_error_set_os(reterr, cfl_file_status(os_code), os_code, "cannot open '%s'",
                                path);
    }
    cflight_status status = cfl_file_map_descriptor(alloc, descriptor, ret_buffer, reterr);
    (void)close(descriptor);
    return status == CFLIGHT_OK ? CFLIGHT_OK : cfl_error_prefix(reterr, status, "'%s'", path);
}
