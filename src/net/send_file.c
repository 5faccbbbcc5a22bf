/* SPDX-License-Identifier: Apache-2.0 */
/* sendfile(2) for memory that is a map of a file.
 *
 * The socket gets references to pages of the page cache: a file that is written into afterwards
 * changes what was not received yet. Thread class: free. */
#include "net/send_file.h"

#include <errno.h>

#include "base/mapped.h"
#include "base/sigpipe.h"

#ifdef __linux__

#include <sys/sendfile.h>

enum { FILE_PIECE_BYTES_MIN = 64 << 10 /* below, a copy costs less than the calls */ };

bool cfl_file_piece_find(const struct iovec *view, struct cfl_file_piece *ret_piece)
{
    ret_piece->len_bytes = view->iov_len;
    return view->iov_len >= FILE_PIECE_BYTES_MIN &&
           cfl_mapped_find(view->iov_base, view->iov_len, &ret_piece->fd, &ret_piece->offset);
}

/* Whether a failure is of the file, not of the socket. */
static bool is_of_file(int os_code)
{
    return os_code == EINVAL || os_code == ENOSYS || os_code == EIO || os_code == EOVERFLOW ||
           os_code == EBADF || os_code == EPERM || os_code == EACCES || os_code == ESPIPE;
}

ssize_t cfl_file_piece_send(int socket_fd, const struct cfl_file_piece *piece)
{
    off_t offset = piece->offset;
    struct cfl_sigpipe sigpipe;
    ssize_t len_bytes = 0;
    cfl_sigpipe_hold(&sigpipe); /* there is no MSG_NOSIGNAL here */
    do {
        len_bytes = sendfile(socket_fd, piece->fd, &offset, piece->len_bytes);
    } while (len_bytes < 0 && errno == EINTR);
    /* It comes also with some bytes taken, when the peer leaves in between. */
    cfl_sigpipe_release(&sigpipe, len_bytes < (ssize_t)piece->len_bytes);
    return len_bytes < 0 && is_of_file(errno) ? 0 : len_bytes;
}

#else

bool cfl_file_piece_find(const struct iovec *view, struct cfl_file_piece *ret_piece)
{
    (void)view;
    (void)ret_piece;
    return false;
}

ssize_t cfl_file_piece_send(int socket_fd, const struct cfl_file_piece *piece)
{
    (void)socket_fd;
    (void)piece;
    return 0;
}

#endif
