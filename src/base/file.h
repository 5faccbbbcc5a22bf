/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_FILE_H
#define CFL_BASE_FILE_H

#include <sys/stat.h>

#include "base/buf.h"

/* Reads a whole file, which may be a pipe, into an empty buffer. What memory held before it grew is
 * wiped, since the file may be a secret. @return 0, or an errno: EFBIG for more than `bytes_max`
 * @param ret_about  What fstat() tells; may be NULL. */
int cfl_file_read(const char *path, size_t bytes_max, struct cfl_buf *content,
                  struct stat *ret_about);
/* What an operation on a file that failed with this errno is reported as. */
cflight_status cfl_file_status(int os_code);

#endif /* CFL_BASE_FILE_H */
