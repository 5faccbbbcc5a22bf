/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_PROCESS_H
#define CFL_BASE_PROCESS_H

#include <sys/types.h>

/* The id of this process, without a system call where the kernel can tell a child that it is one:
 * for checks of every call whether what was made lies in a child of fork(). Thread class: free. */
pid_t cfl_process_id(void);

#endif /* CFL_BASE_PROCESS_H */
