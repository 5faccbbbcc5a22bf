/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: certificates, keys, passwords. Thread class: free. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/body.h"
#include "base/error.h"
#include "cflight/tls.h"

enum { READ_BYTES = 65536, PEM_BYTES_MAX = 16 << 20 };

cflight_status cfl_file_status(int os_code)
{
    switch (os_code) {
    case ENOENT:
    case ENOTDIR:
        return CFLIGHT_NOT_FOUND;
    case EACCES:
    case EPERM:
        return CFLIGHT_PERMISSION_DENIED;
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return CFLIGHT_RESOURCE_EXHAUSTED;
    default:
        return CFLIGHT_UNKNOWN;
    }
}

/* Room for more bytes and a terminator. What a buffer that grows leaves behind is wiped. */
static bool make_room(struct cfl_buf *content)
{
    struct cfl_buf larger;
    if (content->capacity_bytes - content->len_bytes > READ_BYTES) {
        return true;
    }
    cfl_buf_init(&larger, content->alloc);
    if (cfl_buf_space(&larger, 2 * content->len_bytes + 2 * READ_BYTES) == NULL ||
        !cfl_buf_append(&larger, content->data, content->len_bytes)) {
        cfl_buf_done(&larger);
        return false;
    }
    cfl_buf_wipe(content);
    *content = cfl_buf_move(&larger);
    return true;
}

static int read_all(int fd, size_t bytes_max, struct cfl_buf *content)
{
    for (;;) {
        if (!make_room(content)) {
            return ENOMEM;
        }
        ssize_t got_bytes = read(fd, content->data + content->len_bytes, READ_BYTES);
        if (got_bytes < 0 && errno != EINTR) {
            return errno;
        }
        if (got_bytes == 0) {
            return 0;
        }
        cfl_buf_add_len(content, got_bytes < 0 ? 0 : (size_t)got_bytes);
        if (content->len_bytes > bytes_max) {
            return EFBIG;
        }
    }
}

int cfl_file_read(const char *path, size_t bytes_max, struct cfl_buf *content,
                  struct stat *ret_about)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int os_code = ret_about != NULL && fstat(fd, ret_about) != 0 ? errno : 0;
    if (os_code == 0) {
        os_code = read_all(fd, bytes_max, content);
    }
    (void)close(fd);
    return os_code;
}

static void wipe_content(void *user_data)
{
    struct cfl_buf *content = user_data;
    cfl_buf_wipe(content);
    cfl_free(NULL, content, sizeof *content);
}

cflight_status cflight_pem_read(const char *path, cflight_buffer **ret_pem, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(path), CFL_ARG(ret_pem));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_buf *content = cfl_alloc_zeroed(NULL, sizeof *content);
    if (content == NULL) {
        return cfl_error_no_memory(reterr);
    }
    int os_code = cfl_file_read(path, PEM_BYTES_MAX, content, NULL);
    cflight_buffer *pem = os_code != 0 ? NULL
                                       : cfl_body_wrap(NULL, content->data, content->len_bytes,
                                                       wipe_content, content);
    if (pem == NULL) {
        os_code = os_code == 0 ? ENOMEM : os_code;
        wipe_content(content);
        return cfl_error_set_os(reterr, cfl_file_status(os_code), os_code, "cannot read '%s'",
                                path);
    }
    *ret_pem = pem;
    return CFLIGHT_OK;
}
