/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_SEND_FILE_H
#define CFL_NET_SEND_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* A piece of a write that lies in a file: memory that is a map of one (base/mapped.h). The system
 * can pass such bytes on from its page cache, without copying them. Thread class: free. */
struct cfl_file_piece {
    int fd; /* borrowed */
    off_t offset;
    size_t len_bytes;
};

/* Whether a view is worth sending from a file, and where it is there. */
bool cfl_file_piece_find(const struct iovec *view, struct cfl_file_piece *ret_piece);
/* As send(2) of a socket that does not block, without a signal: bytes taken, or -1 with errno. 0:
 * the file gives nothing there (it was cut, or is of a kind that cannot be sent), so what is to
 * happen is what happens to memory. */
ssize_t cfl_file_piece_send(int socket_fd, const struct cfl_file_piece *piece);

#endif /* CFL_NET_SEND_FILE_H */
